//! Looking into a step: a second plan with more outputs, prepared beside the plain one.

use std::collections::BTreeMap;

use glassbox_engine::op::Unary;
use glassbox_engine::{
    Buffer, DType, Graph, Kind, Op, Prepared, Role, Session, Tensor, Value, grad,
};

use crate::Error;
use crate::train::config::WatchConfig;
use crate::train::graphs::Part;
use crate::train::steps::{StepPlan, Steps};
use crate::watch::statistics::{
    ActivationStatistics, Histogram, ParameterStatistics, Statistics, layer_of, matches,
};

/// A histogram that is recorded during training is of at most so many elements.
const SAMPLE: usize = 512;
/// An element of tanh or sigmoid is saturated where its slope is below this share of the steepest:
/// what flows back through it is then weakened twentyfold.
const SATURATED_SLOPE: f64 = 0.05;

/// How much is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Histograms of a sample: cheap enough for training.
    Sampled,
    /// Histograms of every element.
    Full,
}

/// What a look found, the parts that are not recorded included.
pub(crate) struct Look {
    pub statistics: Statistics,
    /// The gradient norm of every layer that learns, in the order of the model.
    pub layers: Vec<(String, f64)>,
    /// For each ReLU's name which of its units were 0 in every row.
    pub silent: Vec<(String, Vec<bool>)>,
}

/// Looks into a training's steps, at those that the configuration says.
pub(crate) struct Watch<'a> {
    config: &'a WatchConfig,
    graphs: &'a [Graph],
    /// Made for the first look at each of the graphs.
    plans: BTreeMap<usize, LookPlan>,
}

impl<'a> Watch<'a> {
    pub fn new(config: &'a WatchConfig, graphs: &'a [Graph]) -> Self {
        Watch { config, graphs, plans: BTreeMap::new() }
    }

    /// Whether the next step is looked at: the first, and each `every`-th. What is left of an epoch is
    /// no whole batch, and would need a plan of its own: the step after it is looked at in its place.
    pub fn is_due(&self, steps: &mut Steps<'_>) -> Result<bool, Error> {
        let (next, every) = (steps.state.step + 1, self.config.every);
        if every == 0 {
            return Ok(false);
        }
        let asked = |step: u64| step == 1 || step.is_multiple_of(every);
        let batch = steps.batch;
        let whole = move |part: Part| part.ends && part.rows == batch;
        let rest = (0..self.graphs.len()).map(|index| steps.part(index));
        let rest = { rest }.any(|part| part.ends && !whole(part));
        let after_rest = rest && steps.state.position == 0 && next > 1;
        let is_asked = asked(next) || after_rest && asked(next - 1);
        let next = steps.next_plan()?;
        Ok(is_asked && whole(steps.part(next)))
    }

    /// Takes the next step and looks; gives its loss and rows, as [`Steps::step`], and the look.
    pub fn step(&mut self, steps: &mut Steps<'_>) -> Result<(f64, usize, Look), Error> {
        let index = steps.next_plan()?;
        let part = steps.part(index);
        let plan = match self.plans.remove(&index) {
            Some(plan) => plan,
            None => {
                let (graph, what) = (&self.graphs[index], &self.config.what);
                LookPlan::new(&mut steps.session, graph, what, part, Detail::Sampled)?
            }
        };
        self.plans.entry(index).or_insert(plan).step(steps)
    }

    /// Keeps the parameters that the configuration asks for; alarms are raised from all.
    pub fn keep(&self, statistics: &mut Statistics) {
        statistics.parameters.retain(|p| self.config.what.iter().any(|w| matches(w, &p.path)));
    }
}

/// One look of a full step, every element counted.
pub(crate) fn full(
    steps: &mut Steps<'_>,
    graphs: &[Graph],
    what: &[String],
) -> Result<Statistics, Error> {
    let index = steps.next_plan()?;
    let part = steps.part(index);
    let mut plan = LookPlan::new(&mut steps.session, &graphs[index], what, part, Detail::Full)?;
    Ok(plan.step(steps)?.2.statistics)
}

/// A problem for each pattern that matches no parameter and no activation of the graph.
pub(crate) fn unmatched(graph: &Graph, what: &[String]) -> Vec<String> {
    let places = parameters(graph).into_iter().chain(activations(graph));
    let places: Vec<String> = places.map(|(path, _)| path).collect();
    let names: Vec<&str> = places.iter().map(String::as_str).collect();
    let nothing = |pattern: &&String| !places.iter().any(|path| matches(pattern, path));
    let problem = |pattern: &String| {
        let hint = crate::nearest::suggestion(pattern, "parameters and activations", &names);
        format!("`watch.what`: \"{pattern}\" matches nothing in the model: {hint}")
    };
    what.iter().filter(nothing).map(problem).collect()
}

/// A step that gives statistics too, and the loss of its batch after it.
struct LookPlan {
    plan: StepPlan,
    /// Position of the batch's loss, penalties included.
    before: usize,
    after: Prepared,
    after_outputs: Vec<Buffer>,
    parameters: Vec<ParameterSlots>,
    activations: Vec<ActivationSlots>,
}

/// Which outputs of the plan belong to a parameter.
struct ParameterSlots {
    path: String,
    shape: Vec<usize>,
    squares: usize,
    sum: usize,
    gradient: Option<GradientSlots>,
    change_squares: Option<usize>,
    /// Gradient times change, summed: this parameter's share of the predicted change.
    predicted: Option<usize>,
    /// Only where the place is asked for.
    values: Option<usize>,
}

struct GradientSlots {
    squares: usize,
    greatest: usize,
    values: Option<usize>,
}

/// Which outputs of the plan belong to an activation.
struct ActivationSlots {
    path: String,
    shape: Vec<usize>,
    mean: usize,
    variance: usize,
    least: usize,
    greatest: usize,
    zeros: usize,
    saturated: Option<usize>,
    unit_greatest: Option<usize>,
    gradient: GradientSlots,
    values: usize,
}

/// Collects what a plan is asked for.
struct Asked<'g> {
    outputs: Vec<Tensor<'g>>,
    detail: Detail,
}

impl<'g> Asked<'g> {
    /// The output's position after the loss.
    fn ask(&mut self, tensor: Tensor<'g>) -> usize {
        self.outputs.push(tensor);
        self.outputs.len()
    }

    /// The elements, or an even sample of them.
    fn values(&mut self, tensor: Tensor<'g>) -> usize {
        let n = tensor.elements();
        let flat = tensor.reshape([n]);
        if self.detail == Detail::Full || n <= SAMPLE {
            return self.ask(flat);
        }
        // A stride without a common divisor with the rows' length visits every column.
        let columns = tensor.dim(-1);
        let mut stride = n.div_ceil(SAMPLE);
        while common_divisor(stride, columns) > 1 {
            stride += 1;
        }
        self.ask(flat.slice_to(&[0], &[stride], [n.div_ceil(stride)].into()))
    }

    fn gradient(&mut self, gradient: Tensor<'g>, values: bool) -> GradientSlots {
        GradientSlots {
            squares: self.ask(total(gradient.square())),
            greatest: self.ask(by_rows(gradient.abs(), Tensor::max_axis).max()),
            values: values.then(|| self.values(gradient)),
        }
    }
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// The sum by rows first: rows are summed in the loop that computes them.
fn total(x: Tensor<'_>) -> Tensor<'_> {
    by_rows(x, Tensor::sum_axis).sum()
}

/// Reduces each row; a scalar is a row of its own.
fn by_rows<'g>(x: Tensor<'g>, reduce: fn(Tensor<'g>, isize) -> Tensor<'g>) -> Tensor<'g> {
    if x.rank() == 0 { x } else { reduce(x, -1) }
}

/// Parameters by path, in the order in which the model declares them.
fn parameters(graph: &Graph) -> Vec<(String, Tensor<'_>)> {
    let mut found: Vec<_> = graph
        .declarations()
        .into_iter()
        .filter(|(_, declared)| declared.kind == Kind::Parameter)
        .filter_map(|(path, _)| Some((path.clone(), graph.state(&path)?)))
        .collect();
    found.sort_by_key(|(_, tensor)| tensor.value());
    found
}

/// The named results of the model itself, in its order, each once: under its longest name, which says
/// where it is.
pub(crate) fn activations(graph: &Graph) -> Vec<(String, Tensor<'_>)> {
    let forward = |value: Value| {
        let node = graph.node(value.node as usize)?;
        let source = matches!(node.op, Op::State { .. } | Op::Input { .. } | Op::Constant(_));
        (node.origin.role == Role::Forward && !source).then_some(node.origin.scope)
    };
    let mut found: Vec<(String, Tensor<'_>)> = Vec::new();
    let mut names = graph.names();
    names.sort_by_key(|(name, tensor)| (tensor.value(), std::cmp::Reverse(name.len())));
    for (name, tensor) in names {
        let scope = forward(tensor.value()).map(|scope| graph.scope_path(scope));
        let inside = scope
            .is_some_and(|scope| !matches!(scope.split('/').next(), Some("loss" | "optimizer")));
        let known = found.last().is_some_and(|(_, last)| last.value() == tensor.value());
        if inside
            && !known
            && !tensor.is_inside_loop()
            && tensor.dtype().is_float()
            && tensor.rank() > 0
        {
            found.push((name, tensor));
        }
    }
    found
}

/// The same graph without its assignments: a run of it changes no state.
pub(crate) fn without_updates(graph: &Graph) -> Graph {
    let graph = graph.clone();
    for (path, _) in graph.declarations() {
        if let Some(held) = graph.state(&path) {
            graph.assign(&path, held);
        }
    }
    graph
}

impl LookPlan {
    fn new(
        session: &mut Session,
        graph: &Graph,
        what: &[String],
        part: Part,
        detail: Detail,
    ) -> Result<Self, Error> {
        // Recorded into a copy: the plain plan's graph stays as it is. Derivatives that are there
        // already are recorded again, and the planner finds that they are the same.
        let graph = &graph.clone();
        let missing = || Error::new("the training graph has no `loss`");
        let loss = graph.named("loss").ok_or_else(missing)?;
        let asked_for = |path: &str| what.iter().any(|pattern| matches(pattern, path));
        let held = parameters(graph);
        let shown: Vec<_> =
            activations(graph).into_iter().filter(|(path, _)| asked_for(path)).collect();
        let changed = |(path, held): &(String, Tensor<'_>)| {
            graph.current(path).is_some_and(|new| new.value() != held.value())
        };
        let learned: Vec<bool> = held.iter().map(changed).collect();
        let to: Vec<Tensor<'_>> =
            held.iter().zip(&learned).filter(|(_, l)| **l).map(|((_, t), _)| *t).collect();
        let of: Vec<Tensor<'_>> = to.iter().copied().chain(shown.iter().map(|(_, t)| *t)).collect();
        let mut gradients = grad(loss, &of).into_iter();
        let mut asked = Asked { outputs: Vec::new(), detail };
        let before = asked.ask(loss);
        let mut parameters = Vec::new();
        for ((path, tensor), learned) in held.into_iter().zip(learned) {
            let shape = tensor.shape().sizes().to_vec();
            let kept = asked_for(&path);
            let mut slots = ParameterSlots {
                squares: asked.ask(total(tensor.square())),
                sum: asked.ask(total(tensor)),
                gradient: None,
                change_squares: None,
                predicted: None,
                values: None,
                shape,
                path,
            };
            let new = graph.current(&slots.path).filter(|_| learned);
            // During training those after the step: the ones before would have to be kept aside.
            let shown = new.filter(|_| detail == Detail::Sampled).unwrap_or(tensor);
            slots.values = kept.then(|| asked.values(shown));
            if let Some(new) = new
                && let Some(gradient) = gradients.next()
            {
                let change = new - tensor;
                slots.gradient = Some(asked.gradient(gradient, kept));
                slots.change_squares = Some(asked.ask(total(change.square())));
                slots.predicted = Some(asked.ask(total(gradient * change)));
            }
            parameters.push(slots);
        }
        let mut activations = Vec::new();
        for ((path, x), gradient) in shown.into_iter().zip(gradients) {
            activations.push(ActivationSlots::ask(&mut asked, graph, path, x, gradient));
        }
        let plan = StepPlan::with(session, graph, &asked.outputs, part)?;
        let still = without_updates(graph);
        let after = session.prepare(&still, &[still.named("loss").ok_or_else(missing)?])?;
        let after_outputs = after.outputs();
        Ok(LookPlan { plan, before, after, after_outputs, parameters, activations })
    }

    fn step(&mut self, steps: &mut Steps<'_>) -> Result<(f64, usize, Look), Error> {
        let epoch = steps.state.epoch + 1;
        let (loss, rows) = steps.step_by(std::slice::from_mut(&mut self.plan))?;
        steps.session.run(&self.after, &mut self.plan.inputs, &mut self.after_outputs)?;
        let after = number(&self.after_outputs, 0);
        let outputs = &self.plan.outputs;
        let (mut squares, mut gradients, mut changes, mut predicted) = (0.0, 0.0, 0.0, 0.0);
        let (mut parameters, mut layers) = (Vec::new(), Vec::<(String, f64)>::new());
        for slots in &self.parameters {
            let n = slots.shape.iter().product::<usize>().max(1) as f64;
            let square = number(outputs, slots.squares);
            let mean = number(outputs, slots.sum) / n;
            let gradient_norm = slots.gradient.as_ref().map_or(0.0, |g| g.norm(outputs));
            let change = slots.change_squares.map_or(0.0, |slot| number(outputs, slot));
            predicted += slots.predicted.map_or(0.0, |slot| number(outputs, slot));
            squares += square;
            gradients += gradient_norm.powi(2);
            changes += change;
            if slots.gradient.is_some() {
                let layer = layer_of(&slots.path);
                match layers.iter_mut().find(|(known, _)| known == layer) {
                    Some((_, norm)) => *norm = norm.hypot(gradient_norm),
                    None => layers.push((layer.to_owned(), gradient_norm)),
                }
            }
            let histogram = |slot: Option<usize>| slot.map(|s| histogram(outputs, s));
            parameters.push(ParameterStatistics {
                path: slots.path.clone(),
                shape: slots.shape.clone(),
                norm: square.sqrt(),
                mean,
                deviation: (square / n - mean * mean).max(0.0).sqrt(),
                gradient_norm,
                update_ratio: ratio(change, square),
                values: histogram(slots.values).unwrap_or_default(),
                gradients: histogram(slots.gradient.as_ref().and_then(|g| g.values))
                    .unwrap_or_default(),
            });
        }
        let silent = self.activations.iter().filter_map(|slots| slots.silent(outputs)).collect();
        let statistics = Statistics {
            step: steps.state.step,
            epoch,
            loss,
            rate: self.plan.rate(),
            gradient_norm: gradients.sqrt(),
            update_ratio: ratio(changes, squares),
            predicted_change: predicted,
            actual_change: after - number(outputs, self.before),
            parameters,
            activations: self.activations.iter().map(|slots| slots.read(outputs)).collect(),
        };
        Ok((loss, rows, Look { statistics, layers, silent }))
    }
}

/// The square root of a quotient of squares; 0 where both are 0.
fn ratio(change: f64, held: f64) -> f64 {
    if change == 0.0 { 0.0 } else { (change / held).sqrt() }
}

impl ActivationSlots {
    fn ask<'g>(
        asked: &mut Asked<'g>,
        graph: &Graph,
        path: String,
        x: Tensor<'g>,
        gradient: Tensor<'g>,
    ) -> Self {
        let n = x.elements().max(1) as f64;
        let mean = total(x) * (1.0 / n);
        let op = graph.node(x.value().node as usize).map(|node| node.op);
        let (zero, one) = (x.full_like(0.0), x.full_like(1.0));
        let count = |which: Tensor<'g>| total(which.select(one, zero));
        // y′ = 1 − y² of tanh; 4y(1 − y) = 1 − (2y − 1)² of sigmoid, over its steepest, ¼.
        let slope = match op {
            Some(Op::Unary(Unary::Tanh)) => Some(1.0 - x.square()),
            Some(Op::Unary(Unary::Sigmoid)) => Some((x - x.square()) * 4.0),
            _ => None,
        };
        let units = x.dim(-1);
        let relu = op == Some(Op::Unary(Unary::Relu)) && units > 0;
        let by_unit = || x.reshape([x.elements() / units, units]).max_axis(0);
        ActivationSlots {
            shape: x.shape().sizes().to_vec(),
            path,
            mean: asked.ask(mean),
            variance: asked.ask(total((x - mean).square()) * (1.0 / n)),
            least: asked.ask(x.min_axis(-1).min()),
            greatest: asked.ask(x.max_axis(-1).max()),
            zeros: asked.ask(count(x.equal(zero))),
            saturated: slope
                .map(|slope| asked.ask(count(slope.less(slope.full_like(SATURATED_SLOPE))))),
            unit_greatest: relu.then(|| asked.ask(by_unit())),
            gradient: asked.gradient(gradient, false),
            values: asked.values(x),
        }
    }

    fn read(&self, outputs: &[Buffer]) -> ActivationStatistics {
        let n = self.shape.iter().product::<usize>().max(1) as f64;
        ActivationStatistics {
            path: self.path.clone(),
            shape: self.shape.clone(),
            mean: number(outputs, self.mean),
            deviation: number(outputs, self.variance).sqrt(),
            least: number(outputs, self.least),
            greatest: number(outputs, self.greatest),
            zeros: number(outputs, self.zeros) / n,
            silent_units: self
                .silent(outputs)
                .map(|(_, silent)| silent.iter().filter(|&&silent| silent).count() as u64),
            saturated: self.saturated.map(|slot| number(outputs, slot) / n),
            gradient_norm: self.gradient.norm(outputs),
            values: histogram(outputs, self.values),
        }
    }

    /// Of a ReLU, which units were 0 in every row.
    fn silent(&self, outputs: &[Buffer]) -> Option<(String, Vec<bool>)> {
        let greatest = outputs.get(self.unit_greatest?)?.as_slice::<f32>()?;
        Some((self.path.clone(), greatest.iter().map(|&x| x == 0.0).collect()))
    }
}

impl GradientSlots {
    /// The norm; the greatest element stands for it where squares leave the range of f32.
    fn norm(&self, outputs: &[Buffer]) -> f64 {
        let (squares, greatest) = (number(outputs, self.squares), number(outputs, self.greatest));
        let lost = squares < 1e-30 || squares.is_infinite();
        if lost { greatest } else { squares.sqrt() }
    }
}

fn number(outputs: &[Buffer], slot: usize) -> f64 {
    let buffer = outputs.get(slot);
    let value = buffer.and_then(|b| match b.dtype() {
        DType::F64 => b.as_slice::<f64>()?.first().copied(),
        _ => b.as_slice::<f32>()?.first().map(|&x| f64::from(x)),
    });
    value.unwrap_or(f64::NAN)
}

fn histogram(outputs: &[Buffer], slot: usize) -> Histogram {
    outputs.get(slot).and_then(|b| b.as_slice::<f32>()).map(Histogram::of).unwrap_or_default()
}
