//! Local derivatives: what one node does to a small change of one of its arguments. Explanations are
//! made of them.

use super::Evaluation;
use super::meaning::{compute, heads_of, reduced_index, row_of, scores, shares};
use crate::graph::region::ScanArgs;
use crate::graph::{Graph, Node, Output, Value};
use crate::op::{Attention, Convolution, Convolved, Op, Reduction, convolution};
use crate::{Array, DType, Error, Parameters, Shape};

impl Evaluation {
    /// The local derivative of node `consumer` with respect to element `element` of its argument
    /// `argument`: each element that it acts on, of one of the consumer's outputs or of what a scan
    /// carries to the next step, with its slope (which may happen to be 0). Inside [`Graph::scan`]
    /// elements are counted through all steps.
    ///
    /// Products, sums and movements are followed by index, pointwise ops by their derivative rule on
    /// the one element; other ops are pushed forward.
    pub fn local_column(
        &self,
        consumer: usize,
        argument: usize,
        element: usize,
    ) -> Result<Vec<(Value, usize, f64)>, Error> {
        let regions = &self.inner.regions;
        let node = self.node(consumer, argument)?;
        let value = node.args[argument];
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
                Op::MaxPool { .. } => {
                    let places = self.at_step(Value { output: 1, ..y }, own, step)?;
                    let from = (element % size) as f64;
                    let went = places.iter().enumerate().filter(|(_, place)| **place == from);
                    went.map(|(to, _)| (to, 1.0)).collect()
                }
                _ => self.column(node, &args, argument, element % size)?,
            };
            column.extend(entries.into_iter().map(|(to, by)| (y, step * results + to, by)));
        }
        Ok(column)
    }

    /// What a change `direction` of the argument does to the node's (first) output, to first order:
    /// the local Jacobian times the direction. Outside loops only.
    pub fn push_forward(
        &self,
        consumer: usize,
        argument: usize,
        direction: &[f64],
    ) -> Result<Vec<f64>, Error> {
        let node = self.outside(consumer, argument)?;
        if direction.len() != self.output(node.args[argument]).shape.elements() {
            return Err(Error::new("the direction does not fit the argument"));
        }
        let given: Vec<&[f64]> = node.args.iter().map(|&v| self.at(v)).collect::<Result<_, _>>()?;
        self.push(node, &given, argument, direction)
    }

    /// What the node would give for other arguments (its first output). Outside loops only.
    pub fn apply(&self, node: usize, args: &[&[f64]]) -> Result<Vec<f64>, Error> {
        let node = self.outside(node, 0)?;
        let fits =
            |(arg, value): (&&[f64], &Value)| arg.len() == self.output(*value).shape.elements();
        if args.len() != node.args.len() || !args.iter().zip(&node.args).all(fits) {
            return Err(Error::new("the arguments do not fit the node"));
        }
        Ok(compute(&self.inner, node, args)?.swap_remove(0))
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

    fn node(&self, index: usize, argument: usize) -> Result<&Node, Error> {
        let node = self.inner.nodes.get(index).filter(|node| argument < node.args.len());
        node.ok_or_else(|| Error::new(format!("node {index} has no argument {argument}")))
    }

    /// As [`node`](Self::node), where it is neither a loop nor within one.
    fn outside(&self, index: usize, argument: usize) -> Result<&Node, Error> {
        let node = self.node(index, argument)?;
        match self.inner.regions.node(index).is_none() && ScanArgs::of(node).is_none() {
            true => Ok(node),
            false => Err(Error::new(format!("node {index} is part of a loop"))),
        }
    }

    /// The elements of a node's first output that element `element` of an argument acts on, the
    /// arguments being `given`.
    fn column(
        &self,
        node: &Node,
        given: &[&[f64]],
        argument: usize,
        element: usize,
    ) -> Result<Vec<(usize, f64)>, Error> {
        let shape = &self.output(node.args[argument]).shape;
        match &node.op {
            Op::Unary(_) | Op::Binary(_) | Op::Select | Op::Cast(_) => {
                Ok(vec![(element, self.slope(node, given, argument, element)?)])
            }
            Op::Reshape => Ok(vec![(element, 1.0)]),
            Op::Reduce { reduction: Reduction::Sum, axes } => {
                Ok(vec![(reduced_index(shape, axes, element), 1.0)])
            }
            Op::Permute { order } => {
                let (from, to) = (shape.strides(), node.outputs[0].shape.strides());
                let place = |(out, &axis): (usize, &usize)| {
                    element / from[axis] % shape.sizes()[axis] * to[out]
                };
                Ok(vec![(order.iter().enumerate().map(place).sum(), 1.0)])
            }
            Op::Matmul => Ok(self.product_column(node, given, argument, element)),
            Op::Attention { choices } => {
                Ok(self.attention_column(node, choices, given, argument, element))
            }
            Op::Convolution { gives, choices } => {
                Ok(self.convolved_column(node, *gives, choices, given, argument, element))
            }
            _ => {
                let mut unit = vec![0.0; shape.elements()];
                unit[element] = 1.0;
                let column = self.push(node, given, argument, &unit)?;
                Ok(column.into_iter().enumerate().filter(|(_, slope)| *slope != 0.0).collect())
            }
        }
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

    fn push(
        &self,
        node: &Node,
        given: &[&[f64]],
        argument: usize,
        direction: &[f64],
    ) -> Result<Vec<f64>, Error> {
        if node.op.is_linear_in(argument) {
            // These are linear in several arguments together: the others' share is not asked.
            let zeros: Vec<Vec<f64>> = match node.op {
                Op::Concatenate { .. } | Op::UpdateSlice { .. } | Op::Scatter => {
                    given.iter().map(|arg| vec![0.0; arg.len()]).collect()
                }
                _ => Vec::new(),
            };
            let args: Vec<&[f64]> = (0..given.len())
                .map(|i| match zeros.get(i) {
                    _ if i == argument => direction,
                    Some(zero) if node.op.is_linear_in(i) => zero.as_slice(),
                    _ => given[i],
                })
                .collect();
            return Ok(compute(&self.inner, node, &args)?.swap_remove(0));
        }
        // Differentiating the derivative, which is linear in the upstream gradient, by the latter
        // turns it around: from backwards to forwards.
        let graph = Graph::new();
        let mut inputs = Parameters::new();
        let (args, y) = self.alone(node, given, None, &graph, &mut inputs)?;
        let upstream = graph.input("upstream", DType::F64, y.shape());
        let toward = graph.input("direction", DType::F64, args[argument].shape());
        inputs.insert("upstream", Array::zeros(DType::F64, y.shape()));
        let shape = args[argument].shape();
        inputs.insert("direction", Array::from_f64(DType::F64, shape, direction)?);
        let back = crate::grad((y * upstream).sum(), &[args[argument]])[0];
        let forward = crate::grad((back * toward).sum(), &[upstream])[0];
        let run = Evaluation::new(&graph, &inputs, &Parameters::new(), &[forward])?;
        Ok(run.value(forward)?.to_vec())
    }

    /// The slope of a pointwise node at one element, by its own derivative rule.
    fn slope(
        &self,
        node: &Node,
        given: &[&[f64]],
        argument: usize,
        element: usize,
    ) -> Result<f64, Error> {
        let graph = Graph::new();
        let mut inputs = Parameters::new();
        let (args, y) = self.alone(node, given, Some(element), &graph, &mut inputs)?;
        let slope = crate::grad(y.sum(), &[args[argument]])[0];
        let run = Evaluation::new(&graph, &inputs, &Parameters::new(), &[slope])?;
        run.value(slope)?.first().copied().ok_or_else(|| Error::new("no such element"))
    }

    /// The node alone in a graph of its own, in f64 so that slopes are exact; of one element of its
    /// arguments, where it is pointwise.
    fn alone<'g>(
        &self,
        node: &Node,
        given: &[&[f64]],
        element: Option<usize>,
        graph: &'g Graph,
        inputs: &mut Parameters,
    ) -> Result<(Vec<crate::Tensor<'g>>, crate::Tensor<'g>), Error> {
        let mut args = Vec::new();
        for (i, (&value, numbers)) in node.args.iter().zip(given).enumerate() {
            let output = self.output(value);
            let name = format!("argument {i}");
            let dtype = if output.dtype.is_float() { DType::F64 } else { output.dtype };
            let (shape, numbers) = match element {
                Some(at) => {
                    let one = numbers.get(at..at + 1);
                    (Shape::new(&[1]), one.ok_or_else(|| Error::new("no such element"))?)
                }
                None => (output.shape.clone(), *numbers),
            };
            args.push(graph.input(&name, dtype, shape.clone()));
            inputs.insert(&name, Array::from_f64(dtype, shape, numbers)?);
        }
        let op = match &node.op {
            Op::Cast(dtype) if dtype.is_float() => Op::Cast(DType::F64),
            op => op.clone(),
        };
        let wanted = node.outputs.first().filter(|_| element.is_none());
        let in_f64 = |output: &Output| match output.dtype.is_float() {
            true => Output { dtype: DType::F64, ..output.clone() },
            false => output.clone(),
        };
        let y = graph.record(op, &args, wanted.map(in_f64));
        graph.check()?;
        Ok((args, y))
    }

    /// Attention's column: a query acts on what it finds, a key and a value on what all queries find that
    /// see them.
    fn attention_column(
        &self,
        node: &Node,
        choices: &Attention,
        given: &[&[f64]],
        argument: usize,
        element: usize,
    ) -> Vec<(usize, f64)> {
        let of = heads_of(choices, &self.inner, node, 3);
        let (times, width) = match argument {
            0 => (of.queries, of.width),
            1 => (of.keys, of.width),
            2 => (of.keys, of.features),
            _ => return Vec::new(),
        };
        let (row, c) = (element / width, element % width);
        let (batch, head, time) = (row / of.heads / times, row % of.heads, row / of.heads % times);
        let (q, k, v) = (given[0], given[1], given[2]);
        let queries = if argument == 0 { time..time + 1 } else { 0..of.queries };
        let mut column = Vec::new();
        for query in queries {
            let at = [batch, head, query];
            let (shares, _) = shares(&scores(&of, q, k, given.get(3), at));
            let to = row_of(&of, at, of.queries, of.features);
            let place = |key: usize, width: usize| row_of(&of, [batch, head, key], of.keys, width);
            if argument == 2 {
                column.push((to + c, shares[time]));
                continue;
            }
            // What the change does to each score, and to their mean.
            let slope = |key: usize| match argument {
                0 => of.scale * k[place(key, of.width) + c],
                _ if key == time => of.scale * q[row_of(&of, at, of.queries, of.width) + c],
                _ => 0.0,
            };
            let seen = || shares.iter().enumerate().filter(|(_, share)| **share != 0.0);
            let mean: f64 = seen().map(|(key, share)| share * slope(key)).sum();
            for feature in 0..of.features {
                let value = |key: usize| v[place(key, of.features) + feature];
                let by = seen().map(|(key, share)| share * (slope(key) - mean) * value(key));
                column.push((to + feature, by.sum()));
            }
        }
        column.retain(|(_, slope)| *slope != 0.0);
        column
    }

    /// A convolution's column: wherever the element meets the other argument, that goes to where both
    /// meet the result.
    fn convolved_column(
        &self,
        node: &Node,
        gives: Convolved,
        choices: &Convolution,
        given: &[&[f64]],
        argument: usize,
        element: usize,
    ) -> Vec<(usize, f64)> {
        let shapes = [0, 1].map(|i| &self.output(node.args[i]).shape);
        let stencil = convolution::stencil(gives, choices, shapes, &node.outputs[0].shape);
        let (depth, filters) = (stencil.depth(), stencil.filters());
        let (channels, features) = (stencil.channels, stencil.features);
        let changed = gives.roles()[argument];
        let mut column = std::collections::BTreeMap::new();
        let mut add = |input: usize, filter: usize, output: usize| {
            let place = |role: Convolved| match role {
                Convolved::Input => input,
                Convolved::Filter => filter,
                Convolved::Output => output,
            };
            let other = given[1 - argument][place(gives.roles()[1 - argument])];
            *column.entry(place(gives)).or_insert(0.0) += other;
        };
        for (input, tap, output) in stencil.meetings() {
            // Channels and features that meet where the changed element is one of the three.
            let (inputs, outputs) = match changed {
                Convolved::Input if element / channels == input => {
                    let c = element % channels;
                    (c..c + 1, c / depth * filters..(c / depth + 1) * filters)
                }
                Convolved::Output if element / features == output => {
                    let o = element % features;
                    (o / filters * depth..(o / filters + 1) * depth, o..o + 1)
                }
                Convolved::Filter if element / features / depth == tap => {
                    let (c, o) = (element / features % depth, element % features);
                    let c = o / filters * depth + c;
                    (c..c + 1, o..o + 1)
                }
                _ => continue,
            };
            for c in inputs {
                for o in outputs.clone() {
                    let filter = (tap * depth + c % depth) * features + o;
                    add(input * channels + c, filter, output * features + o);
                }
            }
        }
        column.into_iter().collect()
    }

    /// A product's column: the element of the left side acts on its row, that of the right side on
    /// its column.
    fn product_column(
        &self,
        node: &Node,
        given: &[&[f64]],
        argument: usize,
        element: usize,
    ) -> Vec<(usize, f64)> {
        let sizes = |i: usize| self.output(node.args[i]).shape.sizes();
        let (left, right) = (sizes(0), sizes(1));
        let rank = left.len();
        let (m, k, n) = (left[rank - 2], left[rank - 1], right[rank - 1]);
        let other = given[1 - argument];
        match argument {
            0 => {
                let (batch, row, inner) = (element / (m * k), element / k % m, element % k);
                let slope = |j| other[(batch * k + inner) * n + j];
                (0..n).map(|j| ((batch * m + row) * n + j, slope(j))).collect()
            }
            _ => {
                let (batch, inner, column) = (element / (k * n), element / n % k, element % n);
                let slope = |i| other[(batch * m + i) * k + inner];
                (0..m).map(|i| ((batch * m + i) * n + column, slope(i))).collect()
            }
        }
    }
}
