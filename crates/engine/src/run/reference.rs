//! The reference interpreter: every primitive in plain f64. It is the truth that plans are tested
//! against and that explanations are computed with.

use crate::graph::region::ScanArgs;
use crate::graph::{Graph, Inner, Node, Output, Tensor, Value};
use crate::op::Op;
use crate::run::reference::meaning::{compute, output, reduced_index};
use crate::run::reference::run::Run;
use crate::{Error, Parameters};

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
            run.change = Some((changed, element, to));
        } else {
            let mut outputs = self.values[changed.index()].clone().unwrap_or_default();
            outputs[usize::from(changed.output)] = replaced;
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

    /// The local derivative of node `consumer` with respect to element `element` of its argument
    /// `argument`: each element that it acts on, of one of the consumer's outputs or of what a scan
    /// carries to the next step, with its slope (which may happen to be 0). Inside [`Graph::scan`]
    /// elements are counted through all steps.
    ///
    /// Ops that are linear in the argument are their own derivative; for pointwise ops the slope is
    /// the derivative rule at upstream 1.
    pub fn local_column(
        &self,
        consumer: usize,
        argument: usize,
        element: usize,
    ) -> Result<Vec<(Value, usize, f64)>, Error> {
        let regions = &self.inner.regions;
        let node = self.inner.nodes.get(consumer).ok_or_else(|| Error::new("no such node"))?;
        let value = *node.args.get(argument).ok_or_else(|| Error::new("no such argument"))?;
        let size = self.output(value).shape.elements();
        if element >= self.at(value)?.len() {
            return Err(Error::new("no such element"));
        }
        if let Some(scan) = ScanArgs::of(node) {
            return Ok(self.scan_column(consumer, scan, argument, element));
        }
        let y = Value::first(consumer);
        match node.op {
            // The rows of a sequence are its elements in order.
            Op::Each => return Ok(vec![(y, element, 1.0)]),
            Op::Carry { .. } => {
                let (around, at) = (element / size, element % size);
                let (steps, first) = self.loop_order(regions.of(y));
                return Ok(match steps {
                    0 => Vec::new(),
                    _ => vec![(y, (around * steps + first) * size + at, 1.0)],
                });
            }
            _ => {}
        }
        // Once in each step in which the consumer reads the element.
        let (own, held) = (regions.of(y), regions.of(value));
        let times = regions.repeats(own) / regions.repeats(held).max(1);
        let results = node.outputs[0].shape.elements();
        let mut column = Vec::new();
        for step in element / size * times..(element / size + 1) * times {
            let args: Vec<&[f64]> =
                node.args.iter().map(|&v| self.at_step(v, own, step)).collect::<Result<_, _>>()?;
            let entries = match node.op {
                Op::Sort { axis, .. } => {
                    let indices = self.at_step(Value { output: 1, ..y }, own, step)?;
                    self.sorted_to(node, indices, axis, element % size)
                }
                _ => self.column(node, &args, argument, element % size)?,
            };
            column.extend(entries.into_iter().map(|(to, by)| (y, step * results + to, by)));
        }
        Ok(column)
    }

    /// A value as a node of `region` reads it at a step.
    fn at_step(&self, value: Value, region: Option<u32>, step: usize) -> Result<&[f64], Error> {
        let regions = &self.inner.regions;
        let deeper = regions.repeats(region) / regions.repeats(regions.of(value)).max(1);
        let size = self.output(value).shape.elements();
        let from = step / deeper.max(1) * size;
        self.at(value)?.get(from..from + size).ok_or_else(|| Error::new("no such step"))
    }

    /// The number of steps of a loop, and the index of the first.
    fn loop_order(&self, region: Option<u32>) -> (usize, usize) {
        let time = region.map(|time| &self.inner.nodes[time as usize].op);
        match time {
            Some(Op::Time { steps, reverse: true }) => (*steps, steps.saturating_sub(1)),
            Some(Op::Time { steps, .. }) => (*steps, 0),
            _ => (0, 0),
        }
    }

    /// Where an element of what a loop carries on or gives out goes.
    fn scan_column(
        &self,
        index: usize,
        scan: ScanArgs<'_>,
        argument: usize,
        element: usize,
    ) -> Vec<(Value, usize, f64)> {
        let carries = scan.carries.len();
        let (steps, first) = self.loop_order(Some(scan.time.node));
        let Some(position) = argument.checked_sub(1 + carries) else { return Vec::new() };
        let value = self.inner.nodes[index].args[argument];
        let size = self.output(value).shape.elements();
        // A value of the loop is there at its step; one from outside at every step.
        let inside = self.inner.regions.of(value) == Some(scan.time.node);
        let (before, at) = (element / size, element % size);
        let rows = if inside { before..before + 1 } else { before * steps..(before + 1) * steps };
        let output = Value { node: index as u32, output: position as u16 };
        rows.map(|row| {
            let (around, step) = (row / steps.max(1), row % steps.max(1));
            let last = if first == 0 { steps.saturating_sub(1) } else { 0 };
            match position.checked_sub(carries) {
                Some(_) => (output, row * size + at, 1.0),
                None if step == last => (output, around * size + at, 1.0),
                None => {
                    let next = if first == 0 { row + 1 } else { row - 1 };
                    (scan.carries[position], next * size + at, 1.0)
                }
            }
        })
        .collect()
    }

    /// The elements of a node's first output that element `element` of an argument acts on.
    fn column(
        &self,
        node: &Node,
        given: &[&[f64]],
        argument: usize,
        element: usize,
    ) -> Result<Vec<(usize, f64)>, Error> {
        if !node.op.is_linear_in(argument) {
            return self.pointwise_slope(node, given, argument, element);
        }
        let mut unit = vec![0.0; given[argument].len()];
        unit[element] = 1.0;
        let zero: Vec<Vec<f64>> = given.iter().map(|arg| vec![0.0; arg.len()]).collect();
        // These are linear in several arguments together: the others' share is not asked.
        let together = matches!(node.op, Op::Concatenate { .. } | Op::UpdateSlice { .. });
        let args: Vec<&[f64]> = (0..node.args.len())
            .map(|i| match i {
                _ if i == argument => unit.as_slice(),
                _ if together && node.op.is_linear_in(i) => zero[i].as_slice(),
                _ => given[i],
            })
            .collect();
        let column = compute(&self.inner, node, &args)?.swap_remove(0);
        // Where it could act: with ones for a product's other side no slope is 0 by chance.
        let acts = match node.op {
            Op::Matmul => {
                let ones: Vec<f64> = vec![1.0; args[1 - argument].len()];
                let pair = if argument == 0 { [&unit, &ones] } else { [&ones, &unit] };
                compute(&self.inner, node, &pair.map(Vec::as_slice))?.swap_remove(0)
            }
            _ => column.clone(),
        };
        let entries = column.into_iter().zip(acts).enumerate();
        Ok(entries.filter(|(_, (_, a))| *a != 0.0).map(|(i, (s, _))| (i, s)).collect())
    }

    /// Where element `element` went when it was sorted along `axis`, with slope 1, if it was kept.
    fn sorted_to(
        &self,
        node: &Node,
        indices: &[f64],
        axis: usize,
        element: usize,
    ) -> Vec<(usize, f64)> {
        let shape = &self.output(node.args[0]).shape;
        let stride = shape.strides()[axis];
        let place = (element / stride % shape.sizes()[axis]) as f64;
        let kept = &node.outputs[1].shape;
        let column = reduced_index(shape, &[axis], element);
        let went = |&to: &usize| indices[to] == place && reduced_index(kept, &[axis], to) == column;
        (0..indices.len()).filter(went).map(|to| (to, 1.0)).collect()
    }

    /// The slope of a node that is not linear in the argument, by its own derivative rule: a small
    /// graph is recorded with the node and an upstream gradient of 1 for one output at a time.
    fn pointwise_slope(
        &self,
        node: &Node,
        given: &[&[f64]],
        argument: usize,
        element: usize,
    ) -> Result<Vec<(usize, f64)>, Error> {
        let graph = Graph::new();
        let mut inputs = Parameters::new();
        let mut args = Vec::new();
        for (i, &value) in node.args.iter().enumerate() {
            let output = &self.inner.nodes[value.index()].outputs[usize::from(value.output)];
            let name = format!("argument {i}");
            // Recorded in f64, so that the slope is exact.
            let dtype = if output.dtype.is_float() { crate::DType::F64 } else { output.dtype };
            args.push(graph.input(&name, dtype, output.shape.clone()));
            let array = crate::Array::from_f64(dtype, output.shape.clone(), given[i])?;
            inputs.insert(name, array);
        }
        let op = match &node.op {
            Op::Cast(dtype) if dtype.is_float() => Op::Cast(crate::DType::F64),
            op => op.clone(),
        };
        let y = graph.record(op, &args, node.outputs.first().cloned());
        let slopes = crate::grad(y.sum(), &[args[argument]]);
        let run = Evaluation::new(&graph, &inputs, &Parameters::new(), &slopes)?;
        let slope = run.value(slopes[0])?[element];
        // Pointwise ops map an element to the element of the same index; reductions to their row.
        let to = match &node.op {
            Op::Reduce { axes, .. } => reduced_index(&args[0].shape(), axes, element),
            Op::MaxIndex { axis } => reduced_index(&args[0].shape(), &[*axis], element),
            _ => element,
        };
        Ok(vec![(to, slope)])
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
