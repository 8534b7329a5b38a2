//! The graphs of a run: one training step for each number of rows, and the model as it is used.

use glassbox_engine::graph::Declaration;
use glassbox_engine::reference::Evaluation;
use glassbox_engine::{
    Array, DType, Diagnostics, Graph, Kind, Mode, Parameters, Role, Scope, Tensor, grad_recomputing,
};

use crate::Error;
use crate::data::{TargetPreparation, Targets};
use crate::nn::{
    self, Divisor, Generative, Head, Loss, Measured, Module, Objective, Recorded, Seen, fits,
    penalty,
};
use crate::train::config::TrainConfig;
use crate::train::patterns::is_frozen;

/// The names of the graphs' inputs and results.
pub(crate) mod name {
    /// Input: rows of numbers.
    pub const INPUTS: &str = "inputs";
    /// Input: labels or numbers to be told.
    pub const TARGETS: &str = "targets";
    /// Input: how much each row counts, where that is not the same.
    pub const ROW_WEIGHTS: &str = "row_weights";
    /// Input, where images are mixed: the label of each row's partner.
    pub const PARTNER_TARGETS: &str = "partner_targets";
    /// Input, where images are mixed: how much of a row its partner is, in [0, 1].
    pub const PARTNER_SHARES: &str = "partner_shares";
    /// Input: the learning rate.
    pub const RATE: &str = "rate";
    /// Input: the number of the step, from 1.
    pub const STEP: &str = "step";
    /// Input, where something is drawn: what randomness follows from.
    pub const SEED: &str = "seed";
    /// Result: raw scores or numbers.
    pub const PREDICTION: &str = "prediction";
    /// Result, where rows themselves are learned: the figures of each row. Where tokens are told: for each row the sum of −ln p of what was to be told, at how many
    /// places that was the most probable, and how many places there were.
    pub const TOLD: &str = "told";
    /// Result: what is made small.
    pub const LOSS: &str = "loss";
    /// Result, where something is added to it: the loss of the prediction alone.
    pub const DATA_LOSS: &str = "data_loss";
    /// Result, where there are auxiliary heads: their losses, each times its share.
    pub const HEAD_LOSS: &str = "head_loss";
    /// Result, where a penalty is added to the loss: the penalty.
    pub const PENALTY: &str = "penalty";
    /// Result, where rows have weights: their sum.
    pub const WEIGHTS: &str = "loss_weights";
    /// The scope of the optimiser's states.
    pub const OPTIMIZER: &str = "optimizer";
    /// State: the sum of a parameter's gradients over the batches of a step so far.
    pub const GRADIENT_SUM: &str = "gradient_sum";
    /// State: what the sums of gradients will be divided by.
    pub const DIVISOR_SUM: &str = "divisor_sum";
    /// State: how often the parameters below a scope have moved.
    pub const UPDATES: &str = "updates";
    /// State: the moving average of a parameter.
    pub const AVERAGE: &str = "average";
}

/// What a graph is recorded from.
pub(crate) struct Recipe<'a> {
    pub model: &'a dyn Module,
    /// The shape of one row.
    pub input: &'a [usize],
    /// Whether rows are tokens, by number.
    pub tokens: bool,
    pub objective: Objective,
    pub target: &'a TargetPreparation,
    /// Whether the rows count by weights of their own.
    pub weighted: bool,
    pub config: &'a TrainConfig,
}

/// One of the graphs of training: on so many rows, and whether the step ends with them. Where several
/// batches make one step, the others only add to the sums of gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub rows: usize,
    pub ends: bool,
    /// Of rows of tokens, how many there are of a source and of what is told, where that is fewer than
    /// the longest row has.
    pub sizes: Option<[usize; 2]>,
}

impl Part {
    /// A step of so many rows of full length.
    pub fn whole(rows: usize) -> Self {
        Part { rows, ends: true, sizes: None }
    }
}

/// Numbers of a row of [`name::TOLD`].
pub(crate) const TOLD: usize = 3;

/// How many numbers a model gives for a row under this loss; of tokens, what is made of them.
pub(crate) fn outputs(target: &TargetPreparation, loss: Loss) -> usize {
    if target.tokens().is_some() {
        return TOLD;
    }
    match (target.classes(), loss) {
        (Some(_), Loss::BinaryCrossEntropy) => 1,
        (Some(classes), _) => classes.len(),
        (None, Loss::GaussianNll) => 2 * target.outputs(),
        (None, _) => target.outputs(),
    }
}

/// How many numbers the model in use gives for a row: one score for each class, or the numbers.
pub(crate) fn results(target: &TargetPreparation, loss: Loss) -> usize {
    target.classes().map_or_else(|| outputs(target, loss), <[String]>::len)
}

/// A training whose parameters and states cannot be held is refused before they are drawn.
pub(crate) fn check_memory(training: &Graph) -> Result<(), Error> {
    let size = |path: &str| {
        let tensor = training.state(path)?;
        let elements: f64 = tensor.shape().sizes().iter().map(|&size| size as f64).product();
        Some((elements * tensor.dtype().size() as f64, tensor))
    };
    let declared = training.declarations();
    let sizes: Vec<_> = declared.iter().filter_map(|(path, _)| Some((path, size(path)?))).collect();
    let needed: f64 = sizes.iter().map(|(_, (bytes, _))| bytes).sum();
    let there = memory_of_machine().unwrap_or(f64::INFINITY);
    let largest = sizes.iter().max_by(|a, b| a.1.0.total_cmp(&b.1.0));
    match largest {
        // Values are drawn in f64 before they become f32: three times the largest for a moment.
        Some((path, (bytes, tensor))) if needed + 2.0 * bytes > there => Err(Error::new(format!(
            "the model is too large: its parameters and the optimizer's states take {:.1} GB, and \
             this machine has {:.1} GB; the largest is `{path}` {}: take fewer units",
            needed / 1e9,
            there / 1e9,
            tensor.shape(),
        ))),
        _ => Ok(()),
    }
}

/// Bytes of memory, where the system tells.
fn memory_of_machine() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok().map(|kibibytes: f64| kibibytes * 1024.0)
}

impl Recipe<'_> {
    /// One training step on some rows: forward, loss, backward and update.
    #[track_caller]
    pub fn training(&self, part: Part) -> Result<Graph, Diagnostics> {
        let graph = Graph::new();
        graph.hold(self.held()?);
        let at = graph.root(Mode::Train);
        let rows = part.rows;
        if let Some(model) = self.model.generative() {
            let inputs = self.inputs(&graph, rows, self.input);
            self.train_rows(at, model, inputs, part);
            graph.check()?;
            return Ok(graph);
        }
        let (prediction, heads) = self.of_sizes(at, part);
        let prediction = prediction.named(name::PREDICTION);
        let targets = match (self.labels(), self.target.tokens()) {
            (_, Some(tokens)) => {
                let places = part.sizes.map_or(tokens.places, |[_, told]| told);
                graph.input(name::TARGETS, DType::I64, [rows, places])
            }
            (true, _) => graph.input(name::TARGETS, DType::I64, [rows]),
            (false, _) => graph.input(name::TARGETS, DType::F32, [rows, self.target.outputs()]),
        };
        let rate = graph.input(name::RATE, DType::F32, []);
        let step = nn::step(&graph);
        let weights = self.weighted.then(|| graph.input(name::ROW_WEIGHTS, DType::F32, [rows]));
        let recorded = match self.mixes() {
            _ if self.target.tokens().is_some() => self.tokens_loss(at, prediction, targets),
            false => self.objective.record(at.child("loss"), prediction, targets, weights),
            true => self.mixed_loss(at, prediction, targets, weights),
        };
        let learning: Vec<(String, Tensor<'_>)> =
            graph.parameters().into_iter().filter(|(path, _)| !self.frozen(path)).collect();
        let of_heads = (1..).zip(heads).map(|(number, Head { scores, share })| {
            let at = at.index(name::HEAD_LOSS, number);
            self.objective.record(at, scores, targets, weights).loss * share
        });
        let of_heads = of_heads.reduce(|sum, loss| sum + loss);
        let penalty = self.penalty(|| at.child(name::PENALTY), recorded, &learning, part);
        let more = [of_heads.map(|loss| loss.named(name::HEAD_LOSS)), penalty];
        let loss = match more.iter().flatten().copied().reduce(|sum, more| sum + more) {
            Some(more) => recorded.loss.named(name::DATA_LOSS) + more,
            None => recorded.loss,
        };
        let loss = loss.named(name::LOSS);
        if let Divisor::Weights(sum) = recorded.divisor {
            sum.named(name::WEIGHTS);
        }
        let tensors: Vec<Tensor<'_>> = learning.iter().map(|(_, tensor)| *tensor).collect();
        let mut gradients = grad_recomputing(loss, &tensors, |path| self.recomputed(path));
        self.hold_frozen(&graph);
        let at = at.child(name::OPTIMIZER);
        if self.config.accumulate > 1 {
            gradients = accumulated(at, &learning, gradients, recorded.divisor, part);
        }
        if part.ends {
            self.update(at, &learning, gradients, rate, step);
        }
        graph.check()?;
        Ok(graph)
    }

    /// A step of a model that learns the rows themselves: each of its losses moves parameters of its own,
    /// in the order in which they are recorded.
    #[track_caller]
    fn train_rows<'g>(
        &self,
        at: Scope<'g>,
        model: &dyn Generative,
        inputs: Tensor<'g>,
        part: Part,
    ) {
        let graph = at.graph();
        let seen = seen(graph, model, inputs);
        let (rate, step) = (graph.input(name::RATE, DType::F32, []), nn::step(graph));
        let divisor = Divisor::Rows(part.rows);
        let mut entered = false;
        let mut learn = |scope: &str, loss: Tensor<'g>| {
            let below = format!("{scope}/");
            let own = |path: &str| scope.is_empty() || path.starts_with(&below);
            let mut learning = graph.parameters();
            learning.retain(|(path, _)| own(path) && !self.frozen(path));
            let once_more = |name: &str| match entered {
                true => at.again().child(name).again(),
                false => at.child(name),
            };
            let updating = once_more(name::OPTIMIZER);
            let recorded = Recorded { loss, divisor };
            let penalised = || once_more(name::PENALTY);
            let loss = match self.penalty(penalised, recorded, &learning, part) {
                Some(penalty) => loss + penalty,
                None => loss,
            };
            let tensors: Vec<Tensor<'g>> = learning.iter().map(|(_, tensor)| *tensor).collect();
            let mut gradients = grad_recomputing(loss, &tensors, |path| self.recomputed(path));
            if self.config.accumulate > 1 {
                gradients = accumulated(updating, &learning, gradients, divisor, part);
            }
            if part.ends {
                let step = match scope.is_empty() {
                    true => step,
                    false => counted(updating, scope, step),
                };
                self.update(updating, &learning, gradients, rate, step);
            }
            entered = true;
        };
        let shown = model.train(at, seen, &mut learn);
        shown.named(name::LOSS);
        self.hold_frozen(graph);
    }

    /// The model as it is used, on `rows` rows.
    #[track_caller]
    pub fn inference(&self, rows: usize) -> Result<Graph, Diagnostics> {
        let graph = Graph::new();
        let inputs = self.inputs(&graph, rows, self.input);
        if let Some(model) = self.model.generative() {
            let Measured { made, figures } =
                model.measure(graph.root(Mode::Eval), seen(&graph, model, inputs));
            made.named(name::PREDICTION);
            figures.named(name::TOLD);
            graph.check()?;
            return Ok(graph);
        }
        let mut prediction = self.model.forward(graph.root(Mode::Eval), inputs);
        if self.labels() && self.objective.loss == Loss::BinaryCrossEntropy {
            // One score against 0 is two scores: softmax of (0, s) is the sigmoid of s.
            prediction = prediction.full_like(0.0).concatenate(&[prediction], -1);
        }
        prediction.named(name::PREDICTION);
        if let Some(tokens) = self.target.tokens() {
            let targets = graph.input(name::TARGETS, DType::I64, [rows, tokens.places]);
            told(graph.root(Mode::Eval).child("telling"), prediction, targets).named(name::TOLD);
        }
        graph.check()?;
        Ok(graph)
    }

    /// What the model makes of rows that may be shorter than the longest.
    #[track_caller]
    fn of_sizes<'g>(&self, at: Scope<'g>, part: Part) -> (Tensor<'g>, Vec<Head<'g>>) {
        let (graph, rows) = (at.graph(), part.rows);
        let Some([source, told]) = part.sizes else {
            return self.model.forward_with_heads(at, self.inputs(graph, rows, self.input));
        };
        let ids = self.inputs(graph, rows, &[source + told]);
        let places = self.target.tokens().map_or(told, |tokens| tokens.places);
        let whole = self.input.iter().product::<usize>().saturating_sub(places);
        if source == whole {
            return self.model.forward_with_heads(at, ids);
        }
        if let Some(shorter) = self.model.decoder().and_then(|model| model.with_source(source)) {
            return shorter.forward_with_heads(at, ids);
        }
        // A model that reads sources of one length alone gets what fills them.
        let first = ids.slice(1, 0..source);
        let none = ids.slice(1, 0..1).full_like(0.0);
        let filled = vec![none; whole.saturating_sub(source)];
        let ids =
            first.concatenate(&[&filled[..], &[ids.slice(1, source..source + told)]].concat(), 1);
        self.model.forward_with_heads(at, ids)
    }

    /// The rows as the model reads them: numbers, or tokens by number.
    fn inputs<'g>(&self, graph: &'g Graph, rows: usize, row: &[usize]) -> Tensor<'g> {
        let inputs = graph.input(name::INPUTS, DType::F32, [&[rows], row].concat());
        match self.tokens {
            true => inputs.cast(DType::I64),
            false => inputs,
        }
    }

    /// The mean over all places where something is to be told.
    #[track_caller]
    fn tokens_loss<'g>(
        &self,
        at: Scope<'g>,
        prediction: Tensor<'g>,
        targets: Tensor<'g>,
    ) -> Recorded<'g> {
        let places = targets.elements();
        let scores = prediction.reshape([places, prediction.dim(-1)]);
        let targets = targets.reshape([places]);
        let some = self.target.tokens().is_some_and(|tokens| tokens.some);
        let counted = some.then(|| targets.greater_equal(targets.full_like(0.0)).cast(DType::F32));
        let recorded = self.objective.record(at.child("loss"), scores, targets, counted);
        // What a step's losses count by are its rows, where all places of them count.
        let rows = prediction.dim(0);
        match recorded.divisor {
            Divisor::Rows(_) => Recorded { divisor: Divisor::Rows(rows), ..recorded },
            _ => recorded,
        }
    }

    /// Whether the data has labels of classes.
    fn labels(&self) -> bool {
        self.target.classes().is_some()
    }

    /// Whether rows have a partner with a label of its own. (Numbers are mixed with the images.)
    fn mixes(&self) -> bool {
        self.labels() && self.config.augment.iter().any(|change| change.mixes())
    }

    /// (1 − s)·loss(prediction, target) + s·loss(prediction, partner's target), row by row: the loss
    /// of a batch in which each row stands twice, with a weight for each of its labels.
    #[track_caller]
    fn mixed_loss<'g>(
        &self,
        at: Scope<'g>,
        prediction: Tensor<'g>,
        targets: Tensor<'g>,
        weights: Option<Tensor<'g>>,
    ) -> Recorded<'g> {
        let (graph, rows) = (at.graph(), targets.dim(0));
        let partners = graph.input(name::PARTNER_TARGETS, DType::I64, [rows]);
        let theirs = graph.input(name::PARTNER_SHARES, DType::F32, [rows]);
        let at = at.child("loss");
        let (twice, labels, weights) = {
            let _inside = at.enter();
            let own = theirs.scalar(1.0) - theirs;
            let weighted = |share| weights.map_or(share, |w: Tensor<'g>| w * share);
            (
                prediction.concatenate(&[prediction], 0),
                targets.concatenate(&[partners], 0),
                weighted(own).concatenate(&[weighted(theirs)], 0),
            )
        };
        self.objective.record(at, twice, labels, Some(weights))
    }

    /// Whether a parameter or state does not change.
    fn frozen(&self, path: &str) -> bool {
        is_frozen(&self.config.freeze, path)
    }

    /// The scopes whose states are frozen: they behave as in use, so that what a frozen normalisation
    /// gives in training is what it will give.
    fn held(&self) -> Result<Vec<String>, Diagnostics> {
        if self.config.freeze.is_empty() {
            return Ok(Vec::new());
        }
        let frozen = |(path, declared): &(String, Declaration)| {
            declared.kind == Kind::State && self.frozen(path)
        };
        let declared = self.inference(1)?.declarations();
        let frozen = declared.into_iter().filter(frozen);
        Ok(frozen.filter_map(|(path, _)| Some(path.rsplit_once('/')?.0.to_owned())).collect())
    }

    /// Whether what a scope computes is computed again for its gradients.
    fn recomputed(&self, scope: &str) -> bool {
        self.config.recompute.iter().any(|pattern| fits(pattern, scope))
    }

    /// The penalty for large weights, where there is one. What sums up over the batches of a step gets
    /// it once; in a mean of means it may stand in each.
    fn penalty<'g>(
        &self,
        at: impl FnOnce() -> Scope<'g>,
        recorded: Recorded<'g>,
        learning: &[(String, Tensor<'g>)],
        part: Part,
    ) -> Option<Tensor<'g>> {
        let once = matches!(recorded.divisor, Divisor::Nothing) && !part.ends;
        let weights: Vec<Tensor<'g>> =
            learning.iter().map(|(_, tensor)| *tensor).filter(|t| t.rank() >= 2).collect();
        let TrainConfig { l1, l2, .. } = *self.config;
        if once || (l1 == 0.0 && l2 == 0.0) {
            return None;
        }
        let penalty = penalty(at(), &weights, l1, l2)?;
        Some(penalty.named(name::PENALTY))
    }

    /// Frozen states (running statistics) keep their value, as frozen parameters do.
    fn hold_frozen(&self, graph: &Graph) {
        for (path, _) in graph.declarations() {
            if let (true, Some(before)) = (self.frozen(&path), graph.state(&path)) {
                graph.assign(&path, before);
            }
        }
    }

    fn update<'g>(
        &self,
        at: Scope<'g>,
        learning: &[(String, Tensor<'g>)],
        gradients: Vec<Tensor<'g>>,
        rate: Tensor<'g>,
        step: Tensor<'g>,
    ) {
        let graph = at.graph();
        let gradients = match self.config.clip {
            Some(clip) => {
                let _inside = at.enter();
                let role = Role::Update { path: name::OPTIMIZER.to_string() };
                graph.with_role(role, || clip.of(&gradients))
            }
            None => gradients,
        };
        self.config.optimizers().apply(at, learning.to_vec(), &gradients, rate, step);
        let Some(decay) = self.config.average else { return };
        // Corrected as Adam's moments are (Kingma and Ba 2015, section 7.2): the weights count 1, β,
        // β² … backwards, and their sum is 1 from the first step on.
        let _inside = at.enter();
        for (path, tensor) in learning {
            graph.with_role(Role::Update { path: path.clone() }, || {
                let steps = step.cast(DType::F64);
                let share = steps.scalar(1.0 - decay) / (1.0 - steps.scalar(decay).pow(steps));
                let state = format!("{path}/{}", name::AVERAGE);
                let average = at.state(&state, tensor.dtype(), tensor.shape(), 0.0);
                let now = graph.current(path).unwrap_or(*tensor);
                at.assign(&state, average + (now - average) * share.cast(tensor.dtype()));
            });
        }
    }
}

/// The number of this update of the parameters below a scope, which may move several times in a step.
fn counted<'g>(at: Scope<'g>, scope: &str, step: Tensor<'g>) -> Tensor<'g> {
    let _inside = at.enter();
    let role = Role::Update { path: name::OPTIMIZER.to_string() };
    at.graph().with_role(role, || {
        let state = format!("{scope}/{}", name::UPDATES);
        let number = at.state(&state, step.dtype(), [], 0.0) + 1.0;
        at.assign(&state, number);
        number
    })
}

/// Rows as a model sees them that learns them: with their classes, if it is told of these.
fn seen<'g>(graph: &'g Graph, model: &dyn Generative, rows: Tensor<'g>) -> Seen<'g> {
    let classes = (model.classes() > 0).then(|| {
        let labels = graph.input(name::TARGETS, DType::I64, [rows.dim(0)]);
        labels.one_hot(model.classes()).cast(DType::F32)
    });
    Seen { rows, classes }
}

/// How well tokens are told, for each row: [`name::TOLD`].
#[track_caller]
fn told<'g>(at: Scope<'g>, scores: Tensor<'g>, targets: Tensor<'g>) -> Tensor<'g> {
    let _inside = at.enter();
    let rows = targets.dim(0);
    let log_p = nn::log_softmax(scores);
    let tokens = at.graph().iota([scores.dim(-1)], 0);
    let observed = tokens.equal(targets.reshape([rows, targets.dim(1), 1]));
    let of_place = |found: Tensor<'g>| found.sum_axis(-1).reshape(targets.shape());
    let own = of_place(observed.select(log_p, log_p.full_like(0.0)));
    let best = scores.max_with_index(-1).1;
    let right = best.reshape(targets.shape()).equal(targets).cast(DType::F32);
    let counted = targets.greater_equal(targets.full_like(0.0)).cast(DType::F32);
    let column = |of: Tensor<'g>| of.sum_axis(-1);
    column(-own).concatenate(&[column(right), column(counted)], 1)
}

/// Gradients of the batches of a step put together: each counts by what its loss was divided by, and
/// the sum is divided once. The last batch gets them and clears the sums; the others give none.
fn accumulated<'g>(
    at: Scope<'g>,
    learning: &[(String, Tensor<'g>)],
    gradients: Vec<Tensor<'g>>,
    divisor: Divisor<'g>,
    part: Part,
) -> Vec<Tensor<'g>> {
    let _inside = at.enter();
    let weight = |like: Tensor<'g>| match divisor {
        Divisor::Nothing => None,
        Divisor::Rows(rows) => Some(like.scalar(rows as f64)),
        Divisor::Weights(sum) => Some(sum.cast(like.dtype())),
    };
    let before = at.state(name::DIVISOR_SUM, DType::F32, [], 0.0);
    let divided_by = weight(before).map(|weight| before + weight);
    if let Some(sum) = divided_by {
        at.assign(name::DIVISOR_SUM, if part.ends { sum.full_like(0.0) } else { sum });
    }
    let mut together = Vec::with_capacity(gradients.len());
    for ((path, tensor), gradient) in learning.iter().zip(gradients) {
        let role = Role::Update { path: path.clone() };
        together.push(at.graph().with_role(role, || {
            let state = format!("{path}/{}", name::GRADIENT_SUM);
            let so_far = at.state(&state, tensor.dtype(), tensor.shape(), 0.0);
            let sum = so_far + weight(gradient).map_or(gradient, |weight| gradient * weight);
            at.assign(&state, if part.ends { sum.full_like(0.0) } else { sum });
            divided_by.map_or(sum, |by| sum / by.cast(sum.dtype()))
        }));
    }
    together
}

/// The loss of given results, in f64: the recorded loss as the reference interpreter evaluates it.
/// `results` are `[rows, width]`.
pub(crate) fn measure(
    loss: Loss,
    results: &[f32],
    rows: usize,
    targets: &Targets,
) -> Result<f64, Error> {
    let rows = rows.max(1);
    let graph = Graph::new();
    let at = graph.root(Mode::Eval);
    let prediction = graph.input("results", DType::F64, [rows, results.len() / rows]);
    let (target, given) = match targets {
        Targets::Classes(labels) => {
            (graph.input(name::TARGETS, DType::I64, [rows]), Array::vector(labels.clone()))
        }
        Targets::Values(values) => {
            let numbers = values.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
            let shape = [rows, numbers.len() / rows];
            let array = Array::new(shape, numbers).map_err(Error::new)?;
            (graph.input(name::TARGETS, DType::F64, shape), array)
        }
    };
    let value = loss.of(at.child("loss"), prediction, target);
    graph.check()?;
    let results: Vec<f64> = results.iter().map(|&x| f64::from(x)).collect();
    let mut inputs = Parameters::new();
    let width = results.len() / rows;
    inputs.insert("results", Array::new([rows, width], results).map_err(Error::new)?);
    inputs.insert(name::TARGETS, given);
    let run = Evaluation::new(&graph, &inputs, &Parameters::new(), &[value])?;
    Ok(run.value(value)?.first().copied().unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use glassbox_engine::{Options, Session};

    use super::*;

    #[test]
    fn told_tokens_are_counted_as_in_f64() {
        let (rows, places, vocabulary) = (126, 256, 65);
        let graph = Graph::new();
        let scores = graph.input("scores", DType::F32, [rows, places, vocabulary]);
        let targets = graph.input("targets", DType::I64, [rows, places]);
        let found = told(graph.root(Mode::Eval), scores, targets);
        assert!(graph.check().is_ok());
        let numbers: Vec<f32> =
            (0..rows * places * vocabulary).map(|i| ((i * 37) % 101) as f32 / 10.0).collect();
        let labels: Vec<i64> = (0..rows * places).map(|i| (i * 5 % 12) as i64 - 1).collect();
        let mut session = Session::new(Options::default()).unwrap();
        let prepared = session.prepare(&graph, &[found]).unwrap();
        let (mut inputs, mut outputs) = (prepared.inputs(), prepared.outputs());
        inputs[0].as_slice_mut::<f32>().unwrap().copy_from_slice(&numbers);
        inputs[1].as_slice_mut::<i64>().unwrap().copy_from_slice(&labels);
        session.run(&prepared, &mut inputs, &mut outputs).unwrap();
        let given = outputs[0].as_slice::<f32>().unwrap();
        for row in 0..rows {
            let (mut loss, mut right, mut counted) = (0.0, 0.0, 0.0);
            for place in row * places..(row + 1) * places {
                let scores = &numbers[place * vocabulary..(place + 1) * vocabulary];
                let Ok(label) = usize::try_from(labels[place]) else { continue };
                let sum: f64 = scores.iter().map(|x| f64::from(*x).exp()).sum();
                loss += sum.ln() - f64::from(scores[label]);
                let best = scores.iter().copied().fold(f32::MIN, f32::max);
                right += f64::from(u8::from(scores.iter().position(|x| *x == best) == Some(label)));
                counted += 1.0;
            }
            for (given, wanted) in given[3 * row..].iter().zip([loss, right, counted]) {
                assert!((f64::from(*given) - wanted).abs() < 1e-3, "row {row}: {given}, {wanted}");
            }
        }
    }
}
