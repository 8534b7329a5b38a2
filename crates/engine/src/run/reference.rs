//! The reference interpreter: every primitive in plain f64. It is the truth that plans are tested
//! against and that explanations are computed with.

mod local;

use crate::graph::{Graph, Inner, Node, Output, Tensor, Value};
use crate::op::{Op, Reduction};
use crate::random::Stream;
use crate::{Error, Parameters};

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
    values: Vec<Option<Vec<Vec<f64>>>>,
}

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
        }
        for index in (0..inner.nodes.len()).rev() {
            if wanted[index] {
                for arg in &inner.nodes[index].args {
                    wanted[arg.index()] = true;
                }
            }
        }
        let mut run = Evaluation { values: vec![None; inner.nodes.len()], inner };
        for index in (0..run.inner.nodes.len()).filter(|&i| wanted[i]) {
            let node = &run.inner.nodes[index];
            let outputs = match &node.op {
                Op::Input { name } => vec![given(inputs, "input", name, &node.outputs[0])?],
                Op::State { path } => vec![given(states, "state", path, &node.outputs[0])?],
                _ => run.evaluate(node, &|v| run.get(v))?,
            };
            run.values[index] = Some(outputs);
        }
        Ok(run)
    }

    /// Values that were computed elsewhere, to be asked about: local derivatives and
    /// [`apply`](Self::apply) need those of the node's arguments.
    pub fn of_values(graph: &Graph, known: &[(Tensor<'_>, Vec<f64>)]) -> Result<Self, Error> {
        graph.check()?;
        let inner = graph.inner.borrow().clone();
        let mut run = Evaluation { values: vec![None; inner.nodes.len()], inner };
        for (tensor, numbers) in known {
            if !std::ptr::eq(tensor.graph(), graph) || tensor.elements() != numbers.len() {
                return Err(Error::new("a known value does not fit the graph"));
            }
            let value = tensor.value();
            let outputs = run.inner.nodes[value.index()].outputs.len();
            let held = run.values[value.index()].get_or_insert_with(|| vec![Vec::new(); outputs]);
            held[usize::from(value.output)] = numbers.clone();
        }
        Ok(run)
    }

    /// The elements of `tensor`, row-major; an error where it was not asked for.
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
    /// downstream of the change is computed again.
    pub fn with_element(
        &self,
        changed: Value,
        element: usize,
        to: f64,
        wanted: Value,
    ) -> Result<Vec<f64>, Error> {
        let mut replaced = self.at(changed)?.to_vec();
        *replaced.get_mut(element).ok_or_else(|| Error::new("no such element"))? = to;
        self.with_value(changed, replaced, wanted)
    }

    /// What `wanted` would be if `changed` were `to`: only what lies downstream of the change is
    /// computed again.
    pub fn with_value(
        &self,
        changed: Value,
        to: Vec<f64>,
        wanted: Value,
    ) -> Result<Vec<f64>, Error> {
        let replaced = to;
        if self.at(changed)?.len() != replaced.len() {
            return Err(Error::new("the new value has another number of elements"));
        }
        let last = wanted.index();
        let mut new: Vec<Option<Vec<Vec<f64>>>> = vec![None; last + 1];
        if changed.index() > last {
            return self.at(wanted).map(<[f64]>::to_vec);
        }
        let mut outputs = self.values[changed.index()].clone().unwrap_or_default();
        outputs[usize::from(changed.output)] = replaced;
        new[changed.index()] = Some(outputs);
        for index in changed.index() + 1..=last {
            let node = &self.inner.nodes[index];
            let touched = node.args.iter().any(|a| new[a.index()].is_some());
            if touched && self.values[index].is_some() {
                let get = |v: Value| match new[v.index()].as_ref() {
                    Some(outputs) => outputs[usize::from(v.output)].as_slice(),
                    None => self.get(v),
                };
                new[index] = Some(self.evaluate(node, &get)?);
            }
        }
        match new[last].take() {
            Some(mut outputs) => Ok(std::mem::take(&mut outputs[usize::from(wanted.output)])),
            None => self.at(wanted).map(<[f64]>::to_vec),
        }
    }

    fn get(&self, value: Value) -> &[f64] {
        // Arguments come before their node, so they have been computed.
        self.at(value).unwrap_or(&[])
    }

    fn output(&self, value: Value) -> &Output {
        &self.inner.nodes[value.index()].outputs[usize::from(value.output)]
    }

    fn evaluate<'a>(
        &self,
        node: &Node,
        get: &dyn Fn(Value) -> &'a [f64],
    ) -> Result<Vec<Vec<f64>>, Error> {
        let args: Vec<&[f64]> = node.args.iter().map(|&v| get(v)).collect();
        self.compute(node, &args)
    }

    /// The meaning of every primitive.
    fn compute(&self, node: &Node, args: &[&[f64]]) -> Result<Vec<Vec<f64>>, Error> {
        let output = &node.outputs[0];
        let elements = output.shape.elements();
        let sizes = |i: usize| self.output(node.args[i]).shape.sizes();
        let map2 = |f: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
            args[0].iter().zip(args[1]).map(|(&a, &b)| f(a, b)).collect()
        };
        let truth = |b: bool| f64::from(u8::from(b));
        Ok(vec![match &node.op {
            Op::Input { .. } | Op::State { .. } => return Err(Error::new("a source has no rule")),
            Op::Constant(value) => vec![*value],
            Op::Iota { axis } => {
                let strides = output.shape.strides();
                let size = output.shape.sizes()[*axis];
                (0..elements).map(|e| (e / strides[*axis] % size) as f64).collect()
            }
            Op::Random { distribution, path, draw } => {
                let stream = Stream::of_hash(args[0][0] as i64 as u64, *path, u64::from(*draw))
                    .at_step(args[1][0] as i64 as u64);
                (0..elements as u64).map(|e| distribution.draw(stream, e)).collect()
            }
            Op::Unary(op) => args[0].iter().map(|&x| op.evaluate(x)).collect(),
            Op::Binary(op) => map2(&|a, b| op.evaluate(a, b)),
            Op::Compare(op) => map2(&|a, b| truth(op.evaluate(a, b))),
            Op::Logic(op) => map2(&|a, b| truth(op.evaluate(a != 0.0, b != 0.0))),
            Op::Select => (0..elements)
                .map(|e| if args[0][e] != 0.0 { args[1][e] } else { args[2][e] })
                .collect(),
            Op::Cast(dtype) => match dtype {
                crate::DType::F32 | crate::DType::F64 => args[0].to_vec(),
                crate::DType::I64 => args[0].iter().map(|&x| x as i64 as f64).collect(),
                crate::DType::Bool => args[0].iter().map(|&x| truth(x != 0.0)).collect(),
            },
            Op::Reduce { reduction, axes } => reduce(*reduction, axes, args[0], sizes(0), elements),
            Op::MaxIndex { axis } => return Ok(max_index(*axis, args[0], sizes(0), elements)),
            Op::Reshape | Op::Detach => args[0].to_vec(),
            Op::Broadcast => {
                let (from, to) = (sizes(0), output.shape.sizes());
                let offset = to.len() - from.len();
                let strides = self.output(node.args[0]).shape.strides();
                gather_by(to, |index| {
                    (0..from.len())
                        .map(|a| if from[a] == 1 { 0 } else { index[offset + a] * strides[a] })
                        .sum()
                })
                .map(|from| args[0][from])
                .collect()
            }
            Op::Permute { order } => {
                let strides = self.output(node.args[0]).shape.strides();
                gather_by(output.shape.sizes(), |index| {
                    (0..index.len()).map(|a| index[a] * strides[order[a]]).sum()
                })
                .map(|from| args[0][from])
                .collect()
            }
            Op::Slice { start, step } => {
                let strides = self.output(node.args[0]).shape.strides();
                gather_by(output.shape.sizes(), |index| {
                    (0..index.len()).map(|a| (start[a] + index[a] * step[a]) * strides[a]).sum()
                })
                .map(|from| args[0][from])
                .collect()
            }
            Op::Embed { start, step } => {
                let strides = output.shape.strides();
                let mut whole = vec![0.0; elements];
                let places = gather_by(sizes(0), |index| {
                    (0..index.len()).map(|a| (start[a] + index[a] * step[a]) * strides[a]).sum()
                });
                for (place, &value) in places.zip(args[0]) {
                    whole[place] = value;
                }
                whole
            }
            Op::Concatenate { axis } => {
                let inner: usize = output.shape.sizes()[axis + 1..].iter().product();
                // Empty blocks are not visited: there may be 2⁵⁰ of them.
                let outer = elements / (output.shape.sizes()[*axis] * inner).max(1);
                let mut whole = Vec::with_capacity(elements);
                for o in 0..outer {
                    for (i, arg) in args.iter().enumerate() {
                        let block = sizes(i)[*axis] * inner;
                        whole.extend_from_slice(&arg[o * block..(o + 1) * block]);
                    }
                }
                whole
            }
            Op::Matmul => matmul(sizes(0), sizes(1), args[0], args[1]),
            Op::Gather => {
                let rows = sizes(0)[0];
                let width = args[0].len() / rows.max(1);
                let mut out = Vec::with_capacity(elements);
                for &id in args[1] {
                    let row = row_number(id, rows)?;
                    out.extend_from_slice(&args[0][row * width..(row + 1) * width]);
                }
                out
            }
            Op::ScatterAdd { rows } => {
                let width = elements / (*rows).max(1);
                let mut out = vec![0.0; elements];
                for (i, &id) in args[1].iter().enumerate() {
                    let row = row_number(id, *rows)?;
                    for w in 0..width {
                        out[row * width + w] += args[0][i * width + w];
                    }
                }
                out
            }
        }])
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

/// For each index of a row-major array of these sizes, `place` of it.
fn gather_by<'a>(
    sizes: &'a [usize],
    place: impl Fn(&[usize]) -> usize + 'a,
) -> impl Iterator<Item = usize> + 'a {
    let elements: usize = sizes.iter().product();
    let mut index = vec![0; sizes.len()];
    (0..elements).map(move |_| {
        let at = place(&index);
        for axis in (0..sizes.len()).rev() {
            index[axis] += 1;
            if index[axis] < sizes[axis] {
                break;
            }
            index[axis] = 0;
        }
        at
    })
}

/// Where element `element` of an array goes when `axes` are reduced to size 1.
fn reduced_index(shape: &crate::Shape, axes: &[usize], element: usize) -> usize {
    let strides = shape.strides();
    let mut to = 0;
    for (axis, &size) in shape.sizes().iter().enumerate() {
        if !axes.contains(&axis) {
            to = to * size + element / strides[axis] % size;
        }
    }
    to
}

fn reduce(
    reduction: Reduction,
    axes: &[usize],
    x: &[f64],
    sizes: &[usize],
    elements: usize,
) -> Vec<f64> {
    let shape = crate::Shape::new(sizes);
    let start = match reduction {
        Reduction::Sum => 0.0,
        Reduction::Max => f64::NEG_INFINITY,
        Reduction::Min => f64::INFINITY,
    };
    let mut out = vec![start; elements];
    for (element, &value) in x.iter().enumerate() {
        let held = &mut out[reduced_index(&shape, axes, element)];
        *held = match reduction {
            Reduction::Sum => *held + value,
            Reduction::Max => crate::op::pointwise::max_f64(*held, value),
            Reduction::Min => -crate::op::pointwise::max_f64(-*held, -value),
        };
    }
    out
}

fn max_index(axis: usize, x: &[f64], sizes: &[usize], elements: usize) -> Vec<Vec<f64>> {
    let shape = crate::Shape::new(sizes);
    let stride = shape.strides()[axis];
    let (mut largest, mut index) = (vec![f64::NEG_INFINITY; elements], vec![0.0; elements]);
    let mut seen = vec![false; elements];
    for (element, &value) in x.iter().enumerate() {
        let to = reduced_index(&shape, &[axis], element);
        let wins = !seen[to] || value > largest[to] || value.is_nan() && !largest[to].is_nan();
        if wins {
            seen[to] = true;
            largest[to] = value;
            index[to] = (element / stride % sizes[axis]) as f64;
        }
    }
    vec![largest, index]
}

fn matmul(left: &[usize], right: &[usize], a: &[f64], b: &[f64]) -> Vec<f64> {
    let rank = left.len();
    let (m, k, n) = (left[rank - 2], left[rank - 1], right[rank - 1]);
    let batch: usize = left[..rank - 2].iter().product();
    let mut out = vec![0.0; batch * m * n];
    if out.is_empty() {
        return out;
    }
    for i in 0..batch {
        let (a, b) = (&a[i * m * k..], &b[i * k * n..]);
        let out = &mut out[i * m * n..];
        for row in 0..m {
            for inner in 0..k {
                let factor = a[row * k + inner];
                for column in 0..n {
                    out[row * n + column] += factor * b[inner * n + column];
                }
            }
        }
    }
    out
}

fn row_number(id: f64, rows: usize) -> Result<usize, Error> {
    if id >= 0.0 && id < rows as f64 {
        Ok(id as usize)
    } else {
        Err(Error::new(format!("row number {id} is outside the table of {rows} rows")))
    }
}
