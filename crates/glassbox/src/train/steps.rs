//! Steps of training, one after the other, always the same: what the loop, resuming and replaying
//! have in common.

use std::ops::Range;

use glassbox_engine::{Array, Buffer, Graph, Parameters, Plan, Prepared, Profile, Session, Tensor};

use crate::Error;
use crate::data::{Augmenter, BatchMut, Dataset, Rows, TargetsMut, epoch_order_into};
use crate::nn::{Loss, Schedule, Span};
use crate::train::buckets::Buckets;
use crate::train::checkpoint::{Checkpoint, check_same_model};
use crate::train::config::{self, TrainConfig};
use crate::train::evaluate::Predictor;
use crate::train::event::Loading;
use crate::train::graphs::{Part, check_memory, name};
use crate::train::loader::Loader;
use crate::train::resample::{Resample, taken};
use crate::train::state::{Exact, TrainState};

/// Training between two steps: the session with every value, and where it stands.
pub(crate) struct Steps<'a> {
    train: &'a Rows,
    loader: Loader<'a>,
    seed: u64,
    rate: Rate,
    pub batch: usize,
    /// Batches that make a step.
    accumulate: usize,
    averages: bool,
    /// Whether the loss is a sum over rows.
    sums: bool,
    pub session: Session,
    /// One for each of [`parts`].
    plans: Vec<StepPlan>,
    /// The rows of the current epoch, in order.
    order: Vec<usize>,
    order_of: Option<u64>,
    /// Of rows of tokens that have different lengths, which go together; and how long those of each batch
    /// of the current epoch are.
    buckets: Option<Buckets>,
    sizes: Vec<[usize; 2]>,
    /// The rows of an epoch, where that is not each row once.
    taken: Option<Vec<usize>>,
    /// What the last step's loss counts by: rows, or the sum of their weights.
    weight: f64,
    pub state: TrainState,
}

/// The learning rate of every step.
#[derive(Clone, Copy)]
struct Rate {
    start: f64,
    schedule: Schedule,
    warmup: u64,
    span: Span,
}

impl Rate {
    fn at(self, step: u64, state: &TrainState) -> f64 {
        let rate = self.schedule.warmed(self.start, step, self.warmup, self.span);
        match self.schedule {
            Schedule::Plateau { factor, .. } => {
                let drops = state.plateau.drops_before(step);
                rate * factor.powi(i32::try_from(drops).unwrap_or(i32::MAX))
            }
            _ => rate,
        }
    }
}

/// A plan of a batch, with its buffers.
pub(crate) struct StepPlan {
    part: Part,
    prepared: Prepared,
    pub inputs: Vec<Buffer>,
    /// The loss, and what else was asked for.
    pub outputs: Vec<Buffer>,
    /// Positions of inputs, rate and step among the inputs.
    slots: [usize; 3],
    /// Position of the targets, where there are some beside the rows.
    targets: Option<usize>,
    /// Positions of the partners' targets and shares, where images are mixed.
    mixed: Option<[usize; 2]>,
    /// Position of the seed, where something is drawn.
    seed: Option<usize>,
    /// Position of the weights of the rows, where they count differently.
    row_weights: Option<usize>,
    /// Position among the outputs of what the loss counts by, where that is not the rows.
    weights: Option<usize>,
    /// Where it is asked how long kernels take.
    profile: Option<Profile>,
}

/// Where the rows of a batch come from.
struct From<'a, 'b> {
    loader: &'a mut Loader<'b>,
    train: &'a Rows,
    epoch: u64,
}

/// The numbers a batch is filled with beside its rows.
#[derive(Clone, Copy)]
struct Given {
    rate: f64,
    step: u64,
    seed: u64,
}

/// The graphs that training needs, the one of a whole batch first: a step ends with a whole batch or
/// with what is left at the end of an epoch, and where several batches make a step others come before.
pub(crate) fn parts(data: &Dataset, config: &TrainConfig) -> Vec<Part> {
    let rows = match config.resample {
        Resample::None => data.train.len(),
        how => taken(&data.train, how, config.seed).len(),
    };
    let batch = config.batch.of(rows).min(rows).max(1);
    // Of each length of a batch one, the most frequent first.
    let buckets = Buckets::of(&data.train).ok().flatten();
    let counted = buckets
        .map(|buckets| buckets.counts(&taken(&data.train, config.resample, config.seed), batch));
    let (whole, rest) = match counted {
        Some((whole, rest)) => (whole.iter().map(|(sizes, _)| Some(*sizes)).collect(), Some(rest)),
        None => (vec![None], None),
    };
    let of = |rows, ends| move |sizes: &Option<[usize; 2]>| Part { rows, ends, sizes: *sizes };
    let mut parts: Vec<Part> = whole.iter().map(of(batch, true)).collect();
    if !rows.is_multiple_of(batch) {
        parts.push(Part { rows: rows % batch, ends: true, sizes: rest });
    }
    if config.accumulate > 1 && rows > batch {
        parts.extend(whole.iter().map(of(batch, false)));
    }
    parts
}

impl<'a> Steps<'a> {
    /// Training that has not taken a step. `graphs` are one for each of [`parts`]; parameters
    /// in `given` start with those values, the others are drawn.
    pub fn new(
        data: &'a Dataset,
        config: &TrainConfig,
        graphs: &[Graph],
        given: &Parameters,
    ) -> Result<Self, Error> {
        let parts = parts(data, config);
        let taken = taken(&data.train, config.resample, config.seed);
        if graphs.len() != parts.len() || data.train.is_empty() {
            return Err(Error::new("the run's graphs do not fit its data: train it anew"));
        }
        let augmenter = match config.augment.is_empty() {
            true => None,
            false => Some(Augmenter::new(&config.augment, data, config.seed)?),
        };
        let mut session = Session::new(config.options())?;
        check_memory(&graphs[0])?;
        let mut start = graphs[0].initial_values(config.seed);
        replace(&mut start, given).map_err(|problems| Error::new(problems.join("\n")))?;
        session.load(start);
        let plans = graphs
            .iter()
            .zip(&parts)
            .map(|(graph, &part)| StepPlan::new(&mut session, graph, part))
            .collect::<Result<Vec<_>, Error>>()?;
        let state = TrainState {
            seed: config.seed,
            instruction_set: session.isa().to_string(),
            threads: session.threads(),
            ..TrainState::default()
        };
        let batch = parts[0].rows;
        let accumulate = usize::try_from(config.accumulate).unwrap_or(usize::MAX).max(1);
        let steps_an_epoch = taken.len().div_ceil(batch).div_ceil(accumulate) as u64;
        let steps = config.epochs.saturating_mul(steps_an_epoch);
        Ok(Steps {
            train: &data.train,
            loader: Loader::new(&data.train, batch, session.threads(), config.seed, augmenter),
            seed: config.seed,
            rate: Rate {
                start: config.optimizer.lr(),
                schedule: config.schedule,
                warmup: config.warmup,
                span: Span { steps, steps_an_epoch },
            },
            batch,
            accumulate,
            averages: config.average.is_some(),
            sums: config.loss == config::Loss::SumOfSquares,
            session,
            plans,
            taken: (config.resample != Resample::None).then(|| taken.clone()),
            order: taken,
            order_of: None,
            // One batch of all rows is as long as the longest.
            sizes: parts[0].sizes.into_iter().collect(),
            buckets: Buckets::of(&data.train)?,
            weight: 0.0,
            state,
        })
    }

    /// Goes to where a checkpoint was made.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let (model, optimizer) = self.values();
        check_same_model(&model, &checkpoint.model)?;
        check_same_model(&optimizer, &checkpoint.optimizer)?;
        self.session.load(checkpoint.model.clone());
        self.session.load(checkpoint.optimizer.clone());
        let threads = self.session.threads();
        let instruction_set = self.session.isa().to_string();
        self.state = TrainState { threads, instruction_set, ..checkpoint.state.clone() };
        Ok(())
    }

    /// The model's parameters and states, and the optimiser's.
    pub fn values(&self) -> (Parameters, Parameters) {
        let prefix = format!("{}/", name::OPTIMIZER);
        let (optimizer, model): (Vec<_>, Vec<_>) = self
            .session
            .values()
            .iter()
            .map(|(path, value)| (path.to_string(), value.clone()))
            .partition(|(path, _)| path.starts_with(&prefix));
        (model.into_iter().collect(), optimizer.into_iter().collect())
    }

    /// The weights to use, and the model's other states: the moving averages where they are kept.
    pub fn weights(&self) -> Parameters {
        let (model, optimizer) = self.values();
        with_averages(model, &optimizer)
    }

    /// The results of a part's rows by the weights to use. Training goes on from its own.
    pub fn results(&mut self, predictor: &mut Predictor, rows: &Rows) -> Result<Vec<f32>, Error> {
        self.in_use(|session| predictor.rows(session, rows))
    }

    /// Does something by the weights to use. Training goes on from its own.
    pub fn in_use<R>(&mut self, what: impl FnOnce(&mut Session) -> R) -> R {
        if !self.averages {
            return what(&mut self.session);
        }
        let (own, optimizer) = self.values();
        self.session.load(with_averages(own.clone(), &optimizer));
        let results = what(&mut self.session);
        self.session.load(own);
        results
    }

    /// Rows of a whole step.
    pub fn rows_a_step(&self) -> usize {
        self.batch.saturating_mul(self.accumulate).min(self.order.len())
    }

    /// How fast rows come, and how much of `seconds` was spent in waiting for them.
    pub fn loading(&self, seconds: f64) -> Loading {
        self.loader.loading(seconds)
    }

    /// Steps of one epoch.
    pub fn steps_an_epoch(&self) -> u64 {
        self.rate.span.steps_an_epoch
    }

    /// The rows of the next step, as positions in the order of the epoch.
    fn next_rows(&self) -> std::ops::Range<usize> {
        let most = self.batch.saturating_mul(self.accumulate);
        let first = (self.state.position as usize).saturating_mul(most).min(self.order.len());
        first..first.saturating_add(most).min(self.order.len())
    }

    /// How many batches make the next step.
    pub fn batches(&mut self) -> usize {
        self.arrange();
        self.next_rows().len().div_ceil(self.batch)
    }

    /// A batch of the next step, as positions in the order of the epoch, and the part it is.
    /// `number` counts the batches of the step from 0.
    fn batch(&self, number: usize) -> (std::ops::Range<usize>, Part) {
        let rows = self.next_rows();
        let first = rows.start + number * self.batch;
        let batch = first..(first + self.batch).min(rows.end);
        let sizes = self.sizes.get(first / self.batch.max(1)).copied();
        let part = Part { rows: batch.len(), ends: batch.end == rows.end, sizes };
        (batch, part)
    }

    fn plan_of(&self, part: Part) -> Result<usize, Error> {
        let index = self.plans.iter().position(|plan| plan.part == part);
        index.ok_or_else(no_plan)
    }

    /// The numbers that batch `number` of the next step is filled with.
    fn given(&self, number: usize) -> Given {
        let step = self.state.step + 1;
        // Each batch of a step draws its own numbers.
        let seed = self.seed.wrapping_add((number as u64) << 40);
        Given { rate: self.rate.at(step, &self.state), step, seed }
    }

    /// Takes batch `number` of the next step, by one of `others` where it fits; gives its loss and
    /// what that counts by.
    fn run(&mut self, number: usize, others: &mut [StepPlan]) -> Result<(f64, f64), Error> {
        let (batch, part) = self.batch(number);
        let given = self.given(number);
        let mut plans = others.iter_mut().chain(&mut self.plans);
        let plan = plans.find(|plan| plan.part == part).ok_or_else(no_plan)?;
        let from = From { loader: &mut self.loader, train: self.train, epoch: self.state.epoch };
        plan.fill(from, &self.order, batch.clone(), given)?;
        let StepPlan { prepared, inputs, outputs, .. } = plan;
        match &mut plan.profile {
            None => self.session.run(prepared, inputs, outputs)?,
            Some(profile) => self.session.run_profiled(prepared, inputs, outputs, profile)?,
        }
        let number =
            |at: usize| Some(f64::from(*plan.outputs.get(at)?.as_slice::<f32>()?.first()?));
        let weight = plan.weights.and_then(number).unwrap_or(batch.len() as f64);
        Ok((number(0).unwrap_or(f64::NAN), weight))
    }

    /// Takes one step; gives its loss and its rows. Allocates nothing but once an epoch.
    pub fn step(&mut self) -> Result<(f64, usize), Error> {
        self.step_by(&mut [])
    }

    /// As [`step`](Self::step), by plans that give more outputs for the parts that they are of.
    pub fn step_by(&mut self, others: &mut [StepPlan]) -> Result<(f64, usize), Error> {
        let batches = self.batches();
        let rows = self.next_rows().len();
        let mean = !self.sums && batches > 1;
        let (mut sum, mut weights) = (0.0, 0.0);
        for number in 0..batches {
            let (loss, weight) = self.run(number, others)?;
            // One batch's loss is the step's, to the bit.
            sum += loss * if mean { weight } else { 1.0 };
            weights += weight;
        }
        self.weight = weights;
        self.state.step += 1;
        self.state.position += 1;
        Ok((if mean { sum / weights } else { sum }, rows))
    }

    /// The plan of a whole batch.
    pub fn whole(&self) -> &Plan {
        self.plans[0].prepared.plan()
    }

    /// Begins to measure, or begins anew, how long the kernels of whole batches take.
    pub fn begin_profile(&mut self) {
        let whole = &mut self.plans[0];
        whole.profile = Some(whole.prepared.profile());
    }

    /// What was measured since then.
    pub fn profile(&self) -> Option<&Profile> {
        self.plans[0].profile.as_ref()
    }

    /// Which of the graphs the next step ends with.
    pub fn next_plan(&mut self) -> Result<usize, Error> {
        let last = self.batches().saturating_sub(1);
        self.plan_of(self.batch(last).1)
    }

    /// What graph `index` is of.
    pub fn part(&self, index: usize) -> Part {
        self.plans[index].part
    }

    /// Ends the epoch if all its steps are taken.
    pub fn finish_epoch(&mut self) -> bool {
        let over = self.state.position == self.steps_an_epoch();
        if over {
            self.state.position = 0;
            self.state.epoch += 1;
        }
        over
    }

    /// Takes steps without looking at them until `step` are taken.
    pub fn replay(&mut self, step: u64) -> Result<(), Error> {
        while self.state.step < step {
            self.step()?;
            self.finish_epoch();
        }
        Ok(())
    }

    /// Hears what a later state of the same training knows and a replay cannot: the figures of epochs
    /// that lowered the learning rate.
    pub fn foresee(&mut self, later: &TrainState) {
        self.state.plateau = later.plateau.clone();
    }

    /// The inputs of the next step by name, and its rows among the training rows. Where several
    /// batches make a step, those of the last one, the others being taken.
    pub fn next_inputs(&mut self) -> Result<(usize, Parameters, Vec<usize>), Error> {
        let last = self.batches().checked_sub(1);
        let last = last.ok_or_else(|| Error::new("there are no rows to take a step on"))?;
        for number in 0..last {
            self.take_batch(number)?;
        }
        self.inputs_of(last)
    }

    /// Takes one batch of the next step; the step counts as taken only by [`step`](Self::step).
    pub fn take_batch(&mut self, number: usize) -> Result<(), Error> {
        self.run(number, &mut []).map(drop)
    }

    /// The graph of batch `number` of the next step, its inputs by name, and its rows among the
    /// training rows.
    pub fn inputs_of(&mut self, number: usize) -> Result<(usize, Parameters, Vec<usize>), Error> {
        let (batch, part) = self.batch(number);
        let given = self.given(number);
        let index = self.plan_of(part)?;
        let plan = &mut self.plans[index];
        let from = From { loader: &mut self.loader, train: self.train, epoch: self.state.epoch };
        plan.fill(from, &self.order, batch.clone(), given)?;
        let names = [name::INPUTS, name::RATE, name::STEP];
        let given = names.into_iter().zip(plan.slots);
        let given = given.chain(plan.targets.map(|slot| (name::TARGETS, slot)));
        let given = given.chain(plan.seed.map(|slot| (name::SEED, slot)));
        let given = given.chain(plan.row_weights.map(|slot| (name::ROW_WEIGHTS, slot)));
        let partners = [name::PARTNER_TARGETS, name::PARTNER_SHARES];
        let given =
            given.chain(plan.mixed.into_iter().flat_map(|slots| partners.into_iter().zip(slots)));
        let inputs = given.map(|(name, slot)| (name.to_string(), plan.inputs[slot].read()));
        Ok((index, inputs.collect(), self.order[batch].to_vec()))
    }

    /// Puts the rows in the order of the epoch. A batch of all rows needs no shuffling.
    fn arrange(&mut self) {
        let epoch = self.state.epoch;
        if self.order_of != Some(epoch) && self.batch < self.order.len() {
            epoch_order_into(&mut self.order, self.seed, epoch);
            if let Some(taken) = &self.taken {
                self.order.iter_mut().for_each(|place| *place = taken[*place]);
            }
            if let Some(buckets) = &self.buckets {
                self.sizes = buckets.arrange(&mut self.order, self.batch, self.seed, epoch);
            }
            self.order_of = Some(epoch);
        }
    }

    /// Hears the figure that the epoch which just ended reached.
    pub fn note_figure(&mut self, figure: f64, more_is_better: bool) {
        if let Schedule::Plateau { patience, .. } = self.rate.schedule {
            let step = self.state.step;
            self.state.plateau.hear(figure, more_is_better, step, patience);
        }
    }

    /// Adds the loss of the step just taken to the sums of the epoch.
    pub fn note_loss(&mut self, loss: f64, kind: Loss) {
        let weight = if kind.is_sum() { 1.0 } else { self.weight };
        let mut add = |name: &str, value: f64| match self.state.sums.get_mut(name) {
            Some(sum) => sum.0 += value,
            None => drop(self.state.sums.insert(name.to_string(), Exact(value))),
        };
        add("loss", loss * weight);
        add("rows", self.weight);
    }

    /// The mean loss of the epoch's rows so far (their sum, for a sum of squares).
    pub fn epoch_loss(&self, kind: Loss) -> f64 {
        let sum = |name: &str| self.state.sums.get(name).map_or(0.0, |sum| sum.0);
        match kind.is_sum() {
            true => sum("loss"),
            false => sum("loss") / sum("rows").max(f64::MIN_POSITIVE),
        }
    }
}

impl StepPlan {
    fn new(session: &mut Session, graph: &Graph, part: Part) -> Result<Self, Error> {
        StepPlan::with(session, graph, &[], part)
    }

    /// A step that gives `more` outputs after the loss.
    pub fn with(
        session: &mut Session,
        graph: &Graph,
        more: &[Tensor<'_>],
        part: Part,
    ) -> Result<Self, Error> {
        let missing = |name: &str| Error::new(format!("the training graph has no `{name}`"));
        let loss = graph.named(name::DATA_LOSS).or_else(|| graph.named(name::LOSS));
        let mut results = vec![loss.ok_or_else(|| missing(name::LOSS))?];
        results.extend(more);
        let weights = graph.named(name::WEIGHTS);
        results.extend(weights);
        let weights = weights.map(|_| results.len() - 1);
        let prepared = session.prepare(graph, &results)?;
        let slot = |name| prepared.input(name).ok_or_else(|| missing(name));
        let slots = [slot(name::INPUTS)?, slot(name::RATE)?, slot(name::STEP)?];
        let targets = prepared.input(name::TARGETS);
        let seed = prepared.input(name::SEED);
        let row_weights = prepared.input(name::ROW_WEIGHTS);
        let partners = prepared.input(name::PARTNER_TARGETS);
        let mixed = partners.zip(prepared.input(name::PARTNER_SHARES)).map(|(t, s)| [t, s]);
        let (inputs, outputs) = (prepared.inputs(), prepared.outputs());
        let shape = inputs[slots[0]].shape().sizes();
        let tokens = part.sizes.map(|[source, told]| source + told);
        let fits = tokens.is_none_or(|tokens| shape.last() == Some(&tokens));
        if shape.first() != Some(&part.rows) || !fits {
            return Err(Error::new("the run's graphs do not fit its batches: train it anew"));
        }
        let profile = None;
        Ok(StepPlan {
            part,
            prepared,
            inputs,
            outputs,
            slots,
            targets,
            mixed,
            seed,
            row_weights,
            weights,
            profile,
        })
    }

    /// The learning rate of the step that it took last.
    pub fn rate(&self) -> f64 {
        let rate = self.inputs.get(self.slots[1]).and_then(|buffer| buffer.as_slice::<f32>());
        rate.and_then(|rate| rate.first()).map_or(f64::NAN, |&rate| f64::from(rate))
    }

    fn fill(
        &mut self,
        from: From<'_, '_>,
        order: &[usize],
        batch: Range<usize>,
        given: Given,
    ) -> Result<(), Error> {
        let wrong = || Error::new("the training graph's inputs have unexpected types");
        let From { loader, train, epoch } = from;
        let [inputs, rate_slot, step_slot] = self.slots;
        let (inputs, targets, partners) = match (self.targets, self.mixed) {
            (None, _) => (self.inputs.get_mut(inputs).ok_or_else(wrong)?, None, None),
            (Some(targets), None) => {
                let [inputs, targets] =
                    self.inputs.get_disjoint_mut([inputs, targets]).map_err(|_| wrong())?;
                (inputs, Some(targets), None)
            }
            (Some(targets), Some([labels, shares])) => {
                let slots = [inputs, targets, labels, shares];
                let [inputs, targets, labels, shares] =
                    self.inputs.get_disjoint_mut(slots).map_err(|_| wrong())?;
                let labels = labels.as_slice_mut::<i64>().ok_or_else(wrong)?;
                let shares = shares.as_slice_mut::<f32>().ok_or_else(wrong)?;
                (inputs, Some(targets), Some((labels, shares)))
            }
        };
        let targets = match targets {
            None => TargetsMut::None,
            Some(targets) => match targets.dtype() == glassbox_engine::DType::I64 {
                true => TargetsMut::Classes(targets.as_slice_mut::<i64>().ok_or_else(wrong)?),
                false => TargetsMut::Values(targets.as_slice_mut::<f32>().ok_or_else(wrong)?),
            },
        };
        let inputs = inputs.as_slice_mut::<f32>().ok_or_else(wrong)?;
        let out = BatchMut { inputs, targets, mixed: partners };
        loader.gather(order, epoch, batch.clone(), self.part.sizes, out)?;
        self.inputs[rate_slot].as_slice_mut::<f32>().ok_or_else(wrong)?[0] = given.rate as f32;
        self.inputs[step_slot].as_slice_mut::<i64>().ok_or_else(wrong)?[0] = given.step as i64;
        if let Some(slot) = self.row_weights {
            let weights = self.inputs[slot].as_slice_mut::<f32>().ok_or_else(wrong)?;
            train.gather_weights(&order[batch], weights)?;
        }
        if let Some(seed) = self.seed {
            self.inputs[seed].as_slice_mut::<i64>().ok_or_else(wrong)?[0] = given.seed as i64;
        }
        Ok(())
    }
}

fn no_plan() -> Error {
    Error::new("no plan for this number of rows")
}

/// The model's values, moving averages in the place of those that have one.
pub(crate) fn with_averages(mut model: Parameters, optimizer: &Parameters) -> Parameters {
    for (path, average) in optimizer.iter() {
        let of = path
            .strip_prefix(name::OPTIMIZER)
            .and_then(|path| path.strip_prefix('/'))
            .and_then(|path| path.strip_suffix(name::AVERAGE))
            .and_then(|path| path.strip_suffix('/'));
        if let Some(path) = of.filter(|path| model.get(path).is_some()) {
            model.insert(path, average.clone());
        }
    }
    model
}

/// Puts given starting values in place of drawn ones; all that do not fit are named.
pub(crate) fn replace(start: &mut Parameters, given: &Parameters) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    for (path, value) in given.iter() {
        let held: Option<Array> = start.get(path).cloned();
        match held {
            Some(held) if held.shape() == value.shape() => {
                start.insert(path, value.clone());
            }
            Some(held) => problems.push(format!(
                "`{path}` has the shape {}, the starting value given has {}",
                held.shape(),
                value.shape()
            )),
            None => {
                let paths: Vec<&str> =
                    start.iter().map(|(p, _)| p).filter(|p| !p.starts_with("optimizer/")).collect();
                let hint = crate::nearest::suggestion(path, "parameters", &paths);
                problems.push(format!("there is no parameter `{path}` to start with: {hint}"));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}
