//! Which number of a training was the first that was not finite.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use glassbox_engine::{Array, DType, Graph, Kind, Op, Parameters, Role, Session, Tensor, Value};
use serde::Serialize;

use crate::Error;
use crate::data::Dataset;
use crate::train::checkpoint::Checkpoint;
use crate::train::config::TrainConfig;
use crate::train::steps::{StepPlan, Steps};
use crate::watch::look::without_updates;

/// Elements of nodes that are computed and held at once: 64 MiB of f32.
const AT_ONCE: usize = 1 << 24;

/// A training whose numbers left the scale: the loss or a parameter became infinite or NaN.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NotFinite {
    /// What was seen: the loss, or a parameter, in words.
    pub what: String,
    /// The step after which it was seen.
    pub step: u64,
    /// Its epoch, from 1.
    pub epoch: u64,
    /// The checkpoint that is kept, by its step.
    pub kept: Option<u64>,
    /// The learning rate.
    pub rate: f64,
    /// Where it began, where a replay found it.
    pub first: Option<FirstNotFinite>,
}

/// The first number that was not finite, and the operation that made it of finite ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FirstNotFinite {
    /// The step, from 1.
    pub step: u64,
    /// Its epoch, from 1.
    pub epoch: u64,
    /// The operation, e.g. `log`.
    pub op: String,
    /// The path of the scope in which it was recorded; empty for the root.
    pub scope: String,
    /// The line that recorded it, e.g. `src/model.rs:31`.
    pub line: String,
    /// Whether it belongs to the model, its derivative or the update.
    pub pass: Pass,
    /// `inf`, `-inf` or `NaN`.
    pub value: String,
    /// The index of its first element that is not finite; empty for a scalar.
    pub element: Vec<usize>,
    /// What it was made of.
    pub arguments: Vec<Argument>,
}

/// A part of a training step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "pass", rename_all = "snake_case")]
pub enum Pass {
    /// From the rows to the loss.
    Forward,
    /// From the loss back: the derivative of operation `of`.
    Backward {
        /// The operation that is differentiated.
        of: String,
    },
    /// The optimiser's update.
    Update {
        /// The parameter's path.
        path: String,
    },
}

/// An argument of an operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Argument {
    /// What it is, e.g. `prob`, a parameter, an input, or the result of an operation.
    pub of: String,
    /// The element that belongs to the result's, where one does.
    pub value: Option<f64>,
    /// Its least element.
    pub least: f64,
    /// Its greatest element.
    pub greatest: f64,
}

/// What is replayed.
pub(crate) struct Replay<'a> {
    pub data: &'a Dataset,
    pub config: &'a TrainConfig,
    pub graphs: &'a [Graph],
    pub given: &'a Parameters,
    /// Where the replay begins; none for the start of the training.
    pub from: Option<Checkpoint>,
    /// The last step of the replay.
    pub until: u64,
    pub stop: &'a AtomicBool,
}

impl Replay<'_> {
    /// Replays until a step's loss or one of its new states is not finite, and looks at every node of
    /// that step. None where nothing is found, as on another instruction set, or the replay is stopped.
    pub fn first(&self) -> Result<Option<FirstNotFinite>, Error> {
        let Some(step) = self.bad_step()? else { return Ok(None) };
        let mut steps = self.start()?;
        steps.replay(step - 1)?;
        let epoch = steps.state.epoch + 1;
        for number in 0..steps.batches() {
            let (index, inputs, _) = steps.inputs_of(number)?;
            let graph = &self.graphs[index];
            let still = without_updates(graph);
            let mut values = Nodes { graph: &still, session: &mut steps.session, inputs: &inputs };
            if let Some((value, held)) = values.origin(&targets(graph))? {
                return values.describe(value, &held, step, epoch).map(Some);
            }
            steps.take_batch(number)?;
        }
        Ok(None)
    }

    fn start(&self) -> Result<Steps<'_>, Error> {
        let mut steps = Steps::new(self.data, self.config, self.graphs, self.given)?;
        if let Some(checkpoint) = &self.from {
            steps.restore(checkpoint)?;
        }
        Ok(steps)
    }

    /// The first step that makes something that is not finite of finite states.
    fn bad_step(&self) -> Result<Option<u64>, Error> {
        let mut steps = self.start()?;
        let mut plans = Vec::new();
        for (index, graph) in self.graphs.iter().enumerate() {
            // 0 · x is 0 for every finite x, and NaN for the others.
            let graph = graph.clone();
            let all = graph.declarations().into_iter().filter_map(|(path, _)| graph.current(&path));
            let sum = all.filter(|t| t.dtype().is_float()).map(zeros).reduce(|a, b| a + b);
            let part = steps.part(index);
            plans.push(StepPlan::with(&mut steps.session, &graph, sum.as_slice(), part)?);
        }
        while steps.state.step < self.until && !self.stop.load(Ordering::Relaxed) {
            let index = steps.next_plan()?;
            let (loss, _) = steps.step_by(&mut plans)?;
            let states = plans[index].outputs.get(1).and_then(|b| b.as_slice::<f64>());
            let finite = states.and_then(|s| s.first()).is_none_or(|sum| sum.is_finite());
            if !loss.is_finite() || !finite {
                return Ok(Some(steps.state.step));
            }
            steps.finish_epoch();
        }
        Ok(None)
    }
}

fn zeros(t: Tensor<'_>) -> Tensor<'_> {
    (t * 0.0).sum().cast(DType::F64)
}

/// What must be finite in a step: the loss; else the new parameters; else the other new states.
fn targets(graph: &Graph) -> Vec<Vec<Value>> {
    let assigned = |kind: Kind| {
        let of_kind = graph.declarations().into_iter().filter(|(_, d)| d.kind == kind);
        of_kind.map(|(_, d)| d.current).collect()
    };
    let loss = graph.named("loss").map(|loss| loss.value()).into_iter().collect();
    vec![loss, assigned(Kind::Parameter), assigned(Kind::State)]
}

/// The nodes of one step, in f32 as trained.
struct Nodes<'a> {
    graph: &'a Graph,
    session: &'a mut Session,
    inputs: &'a Parameters,
}

impl Nodes<'_> {
    /// The values of `of`, in memory all at once.
    fn values(&mut self, of: &[Value]) -> Result<Vec<Array>, Error> {
        let tensors: Vec<_> = of.iter().filter_map(|&value| self.graph.tensor(value)).collect();
        Ok(self.session.evaluate(self.graph, self.inputs, &tensors)?)
    }

    /// The earliest value that is not finite though everything it is made of is, and from which a
    /// chain of such values leads to a target; and which of its elements is the first. An infinity that
    /// has no consequence (masked away, or divided by) is none of it.
    fn origin(&mut self, targets: &[Vec<Value>]) -> Result<Option<(Value, usize)>, Error> {
        let bad_targets = |nodes: &mut Self, of: &[Value]| -> Result<Vec<Value>, Error> {
            let mut bad = Vec::new();
            for &value in of {
                if nodes.values(&[value])?.iter().any(|array| first_bad(array).is_some()) {
                    bad.push(value);
                }
            }
            Ok(bad)
        };
        let mut ends = Vec::new();
        for target in targets {
            ends = bad_targets(self, target)?;
            if !ends.is_empty() {
                break;
            }
        }
        let bad = self.bad(&self.behind(&ends))?;
        let mut seen = BTreeSet::new();
        let mut first: Option<Value> = None;
        while let Some(value) = ends.pop() {
            if !seen.insert(value) {
                continue;
            }
            let Some(node) = self.graph.node(value.node as usize) else { continue };
            let before: Vec<Value> =
                node.args.into_iter().filter(|arg| bad.contains_key(arg)).collect();
            if before.is_empty() {
                first = Some(first.map_or(value, |held| held.min(value)));
            }
            ends.extend(before);
        }
        Ok(first.and_then(|value| Some((value, *bad.get(&value)?))))
    }

    /// Everything that `ends` are computed from, themselves included: floats that are computed.
    fn behind(&self, ends: &[Value]) -> Vec<Value> {
        let mut needed: BTreeSet<u32> = ends.iter().map(|value| value.node).collect();
        let mut values = Vec::new();
        for index in (0..=ends.iter().map(|value| value.node).max().unwrap_or(0)).rev() {
            let Some(node) = self.graph.node(index as usize).filter(|_| needed.contains(&index))
            else {
                continue;
            };
            needed.extend(node.args.iter().map(|arg| arg.node));
            // Constants are meant as they are.
            if matches!(node.op, Op::Constant(_) | Op::Input { .. } | Op::State { .. }) {
                continue;
            }
            let floats = node.outputs.iter().enumerate().filter(|(_, o)| o.dtype.is_float());
            values.extend(floats.map(|(output, _)| Value { node: index, output: output as u16 }));
        }
        values.reverse();
        values
    }

    /// Those of `values` that are not finite, with their first such element. As many are computed at
    /// once as fit into a bounded memory.
    fn bad(&mut self, values: &[Value]) -> Result<BTreeMap<Value, usize>, Error> {
        let mut bad = BTreeMap::new();
        let mut rest = values;
        while !rest.is_empty() {
            let elements = |&value: &Value| self.graph.tensor(value).map_or(0, |t| t.elements());
            let mut sum = 0;
            let fits = rest.iter().take_while(|value| {
                sum += elements(value);
                sum <= AT_ONCE
            });
            let (chunk, after) = rest.split_at(fits.count().max(1));
            rest = after;
            for (&value, array) in chunk.iter().zip(self.values(chunk)?) {
                bad.extend(first_bad(&array).map(|element| (value, element)));
            }
        }
        Ok(bad)
    }

    fn describe(
        &mut self,
        value: Value,
        element: &usize,
        step: u64,
        epoch: u64,
    ) -> Result<FirstNotFinite, Error> {
        let missing = || Error::new("a node of the step is missing");
        let node = self.graph.node(value.node as usize).ok_or_else(missing)?;
        let shape = self.graph.tensor(value).ok_or_else(missing)?.shape();
        let result = self.values(&[value])?.swap_remove(0);
        let number = result.to_f64().get(*element).copied().unwrap_or(f64::NAN);
        let pointwise = matches!(node.op, Op::Unary(_) | Op::Binary(_) | Op::Select | Op::Cast(_));
        let mut arguments = Vec::new();
        for &arg in &node.args {
            let numbers = self.values(&[arg])?.swap_remove(0).to_f64();
            let greatest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            arguments.push(Argument {
                of: name(self.graph, arg),
                value: numbers.get(*element).copied().filter(|_| pointwise),
                least: numbers.iter().copied().fold(f64::INFINITY, f64::min),
                greatest,
            });
        }
        let op_of = |of: u32| {
            self.graph.node(of as usize).map_or(String::new(), |node| node.op.name().to_owned())
        };
        Ok(FirstNotFinite {
            step,
            epoch,
            op: node.op.name().to_owned(),
            scope: self.graph.scope_path(node.origin.scope),
            line: node.origin.at.to_string(),
            pass: match node.origin.role {
                Role::Forward | Role::Recompute { .. } => Pass::Forward,
                Role::Adjoint { of } => Pass::Backward { of: op_of(of) },
                Role::Sum { of } => Pass::Backward { of: op_of(of.node) },
                Role::Update { path } => Pass::Update { path },
            },
            value: number.to_string(),
            element: index_of(*element, &shape.strides(), shape.rank()),
            arguments,
        })
    }
}

/// The index along each axis of element `element`.
fn index_of(element: usize, strides: &[usize], rank: usize) -> Vec<usize> {
    let mut rest = element;
    strides
        .iter()
        .take(rank)
        .map(|&stride| {
            let index = rest / stride.max(1);
            rest %= stride.max(1);
            index
        })
        .collect()
}

/// The first element that is not finite.
fn first_bad(array: &Array) -> Option<usize> {
    match array.as_f32() {
        Some(numbers) => numbers.iter().position(|x| !x.is_finite()),
        None => array.to_f64().iter().position(|x| !x.is_finite()),
    }
}

/// What a value is, in words; movement is looked through.
fn name(graph: &Graph, value: Value) -> String {
    let mut value = value;
    loop {
        let named = graph.names().into_iter().filter(|(_, t)| t.value() == value);
        if let Some((name, _)) = named.max_by_key(|(name, _)| name.len()) {
            return format!("`{name}`");
        }
        let Some(node) = graph.node(value.node as usize) else { return String::new() };
        let scope = graph.scope_path(node.origin.scope);
        return match (&node.op, node.args.first()) {
            (Op::Broadcast | Op::Reshape | Op::Detach | Op::Cast(_), Some(&arg)) => {
                value = arg;
                continue;
            }
            (Op::Input { name }, _) => format!("input `{name}`"),
            (Op::State { path }, _) => format!("`{path}`"),
            (Op::Constant(number), _) => format!("the number {number}"),
            (op, _) if scope.is_empty() => format!("the result of {}", op.name()),
            (op, _) => format!("the result of {} in `{scope}`", op.name()),
        };
    }
}

/// A number with three digits.
fn said(value: f64) -> String {
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    match rounded.abs() {
        0.0 => "0".to_owned(),
        size if (1e-4..1e6).contains(&size) => rounded.to_string(),
        _ => format!("{rounded:e}"),
    }
}

impl fmt::Display for FirstNotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.op)?;
        let values: Option<Vec<f64>> = self.arguments.iter().map(|a| a.value).collect();
        let pointwise = values.filter(|values| !values.is_empty());
        if let Some(values) = &pointwise {
            let values: Vec<String> = values.iter().map(|&value| said(value)).collect();
            write!(f, "({})", values.join(", "))?;
        }
        write!(f, " = {}", self.value)?;
        if !self.element.is_empty() {
            write!(f, " at {:?}", self.element)?;
        }
        if !self.scope.is_empty() {
            write!(f, " in `{}`", self.scope)?;
        }
        match &self.pass {
            Pass::Forward => write!(f, ", forward")?,
            Pass::Backward { of } => write!(f, ", backward (derivative of {of})")?,
            Pass::Update { path } => write!(f, ", update of `{path}`")?,
        }
        write!(f, ", {}, at step {} (epoch {})", self.line, self.step, self.epoch)?;
        for (index, argument) in self.arguments.iter().enumerate() {
            write!(f, "{} {}", if index == 0 { "; of" } else { " and" }, argument.of)?;
            if pointwise.is_none() {
                write!(f, " ({} to {})", said(argument.least), said(argument.greatest))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at step {} (epoch {}); ", self.what, self.step, self.epoch)?;
        match self.kept {
            Some(step) => write!(f, "the checkpoint of step {step} is kept. ")?,
            None => write!(f, "no checkpoint had been made. ")?,
        }
        if let Some(first) = &self.first {
            write!(f, "The first number that was not finite: {first}. ")?;
        }
        let (rate, lower) = (said(self.rate), said(self.rate / 10.0));
        write!(
            f,
            "Try a lower learning rate than {rate} (`--lr {lower}`), or look for extreme values in \
             the data"
        )
    }
}
