//! The reference interpreter: every primitive in plain f64. It is the truth that plans are tested
//! against and that explanations are computed with.

use crate::graph::{Graph, Inner, Output, Tensor, Value};
use crate::op::Op;
use crate::run::reference::meaning::output;
use crate::run::reference::run::Run;
use crate::{Error, Parameters};

mod local;
mod meaning;
mod run;

/// The values of a graph's nodes in f64, for given inputs and states.
///
/// ```
/// use glassbox_engine::{reference::Evaluation, Array, DType, Graph, Parameters};
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [2]);
/// let y = x.exp().sum();
/// let mut inputs = Parameters::new();
/// inputs.insert("x", Array::vector([0.0f32, 1.0]));
/// let run = Evaluation::new(&graph, &inputs, &Parameters::new(), &[y])?;
/// assert_eq!(run.value(y)?, [1.0 + 1f64.exp()]);
/// # Ok::<(), glassbox_engine::Error>(())
/// ```
pub struct Evaluation {
    inner: Inner,
    values: Values,
}

/// Each node's outputs, where they were computed; inside a loop those of every step, one after
/// another.
type Values = Vec<Option<Vec<Vec<f64>>>>;

impl Evaluation {
    /// Computes `of` and everything that they need. `inputs` are keyed by name, `states` by path.
    pub fn new(
        graph: &Graph,
        inputs: &Parameters,
        states: &Parameters,
        of: &[Tensor<'_>],
    ) -> Result<Self, Error> {
        graph.check()?;
        let inner = graph.inner.borrow().clone();
        let mut wanted = vec![false; inner.nodes.len()];
        for tensor in of {
            if !std::ptr::eq(tensor.graph(), graph) {
                return Err(Error::new("a tensor of another graph is asked for"));
            }
            wanted[tensor.value().index()] = true;
            // Inside a loop there is a value when the loop has run.
            for scan in scans_around(&inner, tensor.value()) {
                wanted[scan] = true;
            }
        }
        for index in (0..inner.nodes.len()).rev() {
            if wanted[index] {
                for arg in &inner.nodes[index].args {
                    wanted[arg.index()] = true;
                }
            }
        }
        let mut run = Run::new(&inner, &[], &wanted);
        for index in run.outside() {
            let node = &inner.nodes[index];
            match &node.op {
                Op::Input { name } => {
                    run.new[index] = Some(vec![given(inputs, "input", name, &node.outputs[0])?]);
                }
                Op::State { path } => {
                    run.new[index] = Some(vec![given(states, "state", path, &node.outputs[0])?]);
                }
                _ => run.node(index)?,
            }
        }
        let values = run.new;
        Ok(Evaluation { values, inner })
    }

    /// Values that were computed elsewhere, to be asked about: local derivatives and
    /// [`apply`](Self::apply) need those of the node's arguments.
    pub fn of_values(graph: &Graph, known: &[(Tensor<'_>, Vec<f64>)]) -> Result<Self, Error> {
        graph.check()?;
        let inner = graph.inner.borrow().clone();
        let mut values: Values = vec![None; inner.nodes.len()];
        for (tensor, numbers) in known {
            if !std::ptr::eq(tensor.graph(), graph)
                || all_elements(&inner, tensor.value()) != numbers.len()
            {
                return Err(Error::new("a known value does not fit the graph"));
            }
            let value = tensor.value();
            let outputs = inner.nodes[value.index()].outputs.len();
            let held = values[value.index()].get_or_insert_with(|| vec![Vec::new(); outputs]);
            held[usize::from(value.output)] = numbers.clone();
        }
        Ok(Evaluation { values, inner })
    }

    /// The elements of `tensor`, row-major; an error where it was not asked for. Inside
    /// [`Graph::scan`] those of all steps, in the order of the step's index.
    pub fn value(&self, tensor: Tensor<'_>) -> Result<&[f64], Error> {
        self.at(tensor.value())
    }

    /// As [`value`](Self::value), by name of the value.
    pub fn at(&self, value: Value) -> Result<&[f64], Error> {
        self.values
            .get(value.index())
            .and_then(Option::as_ref)
            .and_then(|outputs| outputs.get(usize::from(value.output)))
            .map(Vec::as_slice)
            .ok_or_else(|| Error::new(format!("value {value:?} was not computed")))
    }

    /// What `wanted` would be if element `element` of `changed` were `to`: only what lies
    /// downstream of the change is computed again. Inside [`Graph::scan`] an element is counted
    /// through all steps, as [`value`](Self::value) gives them: it changes at its step alone.
    pub fn with_element(
        &self,
        changed: Value,
        element: usize,
        to: f64,
        wanted: Value,
    ) -> Result<Vec<f64>, Error> {
        let mut replaced = self.at(changed)?.to_vec();
        *replaced.get_mut(element).ok_or_else(|| Error::new("no such element"))? = to;
        self.replaced(changed, element, &[to], replaced, wanted)
    }

    /// What `wanted` would be if `changed` were `to`: only what lies downstream of the change is
    /// computed again. Inside [`Graph::scan`] `to` holds the values of all steps.
    pub fn with_value(
        &self,
        changed: Value,
        to: Vec<f64>,
        wanted: Value,
    ) -> Result<Vec<f64>, Error> {
        if self.at(changed)?.len() != to.len() {
            return Err(Error::new("the new value has another number of elements"));
        }
        self.replaced(changed, 0, &to.clone(), to, wanted)
    }

    /// What `wanted` would be if the elements of `changed` from `from` on were `to`, which makes it
    /// `all` where no loop computes it step by step.
    fn replaced(
        &self,
        changed: Value,
        from: usize,
        to: &[f64],
        all: Vec<f64>,
        wanted: Value,
    ) -> Result<Vec<f64>, Error> {
        let last = scans_around(&self.inner, wanted).fold(wanted.index(), usize::max);
        let inside = self.inner.regions.of(changed).is_some();
        let mut touched = vec![false; self.inner.nodes.len()];
        touched[changed.index()] = true;
        for index in 0..=last {
            let node = &self.inner.nodes[index];
            touched[index] |= node.args.iter().any(|a| touched[a.index()]);
            touched[index] &= self.values[index].is_some();
            if let (Op::Scan { .. }, None) = (&node.op, self.inner.regions.node(index)) {
                // Whatever is touched in a loop may touch the next step: all of it is repeated.
                let time = node.args[0].node;
                let within =
                    |i: usize| self.inner.regions.within(self.inner.regions.node(i), Some(time));
                let members: Vec<usize> = (0..index).filter(|&i| within(i)).collect();
                if touched[index] || members.iter().any(|&i| touched[i]) {
                    members.iter().for_each(|&i| touched[i] = self.values[i].is_some());
                    touched[index] = self.values[index].is_some();
                }
            }
        }
        let mut run = Run::new(&self.inner, &self.values, &touched);
        if inside {
            run.change = Some((changed, from, to));
        } else {
            let mut outputs = self.values[changed.index()].clone().unwrap_or_default();
            outputs[usize::from(changed.output)] = all;
            run.new[changed.index()] = Some(outputs);
        }
        for index in run.outside().into_iter().filter(|&index| index <= last) {
            if inside || index != changed.index() {
                run.node(index)?;
            }
        }
        match run.new[wanted.index()].take() {
            Some(mut outputs) => Ok(std::mem::take(&mut outputs[usize::from(wanted.output)])),
            None => self.at(wanted).map(<[f64]>::to_vec),
        }
    }

    fn output(&self, value: Value) -> &Output {
        output(&self.inner, value)
    }
}

fn given(values: &Parameters, kind: &str, name: &str, output: &Output) -> Result<Vec<f64>, Error> {
    let array = values
        .get(name)
        .ok_or_else(|| Error::new(format!("{kind} `{name}` is missing: give it a value")))?;
    if *array.shape() != output.shape {
        let what = format!(
            "{kind} `{name}` has the shape {}, the graph wants {}",
            array.shape(),
            output.shape
        );
        return Err(Error::new(what));
    }
    Ok(array.to_f64())
}

/// The number of a value's elements, through all steps of the loops that it lies in.
fn all_elements(inner: &Inner, value: Value) -> usize {
    let steps = inner.regions.repeats(inner.regions.of(value));
    output(inner, value).shape.elements() * steps
}

/// The last scan of each loop that a value lies in.
fn scans_around(inner: &Inner, value: Value) -> impl Iterator<Item = usize> {
    let mut region = inner.regions.of(value);
    std::iter::from_fn(move || {
        let time = region?;
        region = inner.regions.parent(time);
        Some(time)
    })
    .filter_map(move |time| {
        inner.nodes.iter().rposition(|node| {
            matches!(node.op, Op::Scan { .. }) && node.args[0] == Value::first(time as usize)
        })
    })
}
