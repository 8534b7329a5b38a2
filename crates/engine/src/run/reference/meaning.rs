//! Every primitive in plain f64.

use crate::Error;
use crate::graph::{Inner, Node, Output, Value};
use crate::op::{Attention, Convolved, Heads, Op, Reduction, Stencil, Window};
use crate::op::{attention, convolution, pool};
use crate::random::Stream;

/// The meaning of every primitive but sources and loops.
pub(super) fn compute(inner: &Inner, node: &Node, args: &[&[f64]]) -> Result<Vec<Vec<f64>>, Error> {
    let output = &node.outputs[0];
    let output_of = |value: Value| self::output(inner, value);
    let elements = output.shape.elements();
    let sizes = |i: usize| output_of(node.args[i]).shape.sizes();
    let map2 = |f: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
        args[0].iter().zip(args[1]).map(|(&a, &b)| f(a, b)).collect()
    };
    let truth = |b: bool| f64::from(u8::from(b));
    Ok(vec![match &node.op {
        Op::Input { .. } | Op::State { .. } => return Err(Error::new("a source has no rule")),
        Op::Time { .. } | Op::Carry { .. } | Op::Each | Op::Scan { .. } => {
            return Err(Error::new("a part of a loop has no rule of its own"));
        }
        Op::Constant(value) => vec![*value],
        Op::Iota { axis } => {
            let strides = output.shape.strides();
            let size = output.shape.sizes()[*axis];
            (0..elements).map(|e| (e / strides[*axis] % size) as f64).collect()
        }
        Op::Random { distribution, path, draw } => {
            let stream = Stream::of_hash(args[0][0] as i64 as u64, *path, u64::from(*draw))
                .at_step(args[1][0] as i64 as u64);
            let stream = args[2..].iter().fold(stream, |s, step| s.within(step[0] as u64));
            (0..elements as u64).map(|e| distribution.draw(stream, e)).collect()
        }
        Op::Unary(op) => args[0].iter().map(|&x| op.evaluate(x)).collect(),
        Op::Binary(op) => map2(&|a, b| op.evaluate(a, b)),
        Op::Compare(op) => map2(&|a, b| truth(op.evaluate(a, b))),
        Op::Logic(op) => map2(&|a, b| truth(op.evaluate(a != 0.0, b != 0.0))),
        Op::Select => {
            (0..elements).map(|e| if args[0][e] != 0.0 { args[1][e] } else { args[2][e] }).collect()
        }
        Op::Cast(dtype) => match dtype {
            crate::DType::F32 | crate::DType::F64 => args[0].to_vec(),
            crate::DType::I64 => args[0].iter().map(|&x| x as i64 as f64).collect(),
            crate::DType::Bool => args[0].iter().map(|&x| truth(x != 0.0)).collect(),
        },
        Op::Reduce { reduction, axes } => reduce(*reduction, axes, args[0], sizes(0), elements),
        Op::MaxIndex { axis } => return Ok(max_index(*axis, args[0], sizes(0), elements)),
        Op::Sort { axis, descending, count } => {
            return Ok(sort(*axis, *descending, *count, args[0], sizes(0)));
        }
        Op::CumulativeSum { axis, reverse } => {
            cumulative_sum(*axis, *reverse, args[0], &output.shape)
        }
        Op::Reshape | Op::Detach => args[0].to_vec(),
        Op::Broadcast => {
            let (from, to) = (sizes(0), output.shape.sizes());
            let offset = to.len() - from.len();
            let strides = output_of(node.args[0]).shape.strides();
            gather_by(to, |index| {
                (0..from.len())
                    .map(|a| if from[a] == 1 { 0 } else { index[offset + a] * strides[a] })
                    .sum()
            })
            .map(|from| args[0][from])
            .collect()
        }
        Op::Permute { order } => {
            let strides = output_of(node.args[0]).shape.strides();
            gather_by(output.shape.sizes(), |index| {
                (0..index.len()).map(|a| index[a] * strides[order[a]]).sum()
            })
            .map(|from| args[0][from])
            .collect()
        }
        Op::Slice { start, step } => {
            let strides = output_of(node.args[0]).shape.strides();
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
        Op::SliceAt { axis, size } => {
            let window = Window::of(&output_of(node.args[0]).shape, *axis, *size);
            places(&window, args[1][0])?.map(|(from, _)| args[0][from]).collect()
        }
        Op::UpdateSlice { axis } => {
            let window = Window::of(&output.shape, *axis, sizes(1)[*axis]);
            let mut whole = args[0].to_vec();
            for (to, from) in places(&window, args[2][0])? {
                whole[to] = args[1][from];
            }
            whole
        }
        Op::Matmul => matmul(sizes(0), sizes(1), args[0], args[1]),
        Op::Convolution { gives, choices } => {
            let shapes = [0, 1].map(|i| &output_of(node.args[i]).shape);
            let stencil = convolution::stencil(*gives, choices, shapes, &output.shape);
            convolve(*gives, &stencil, args[0], args[1], elements)
        }
        Op::Attention { choices } => {
            let of = heads_of(choices, inner, node, 3);
            return Ok(attention(&of, args).to_vec());
        }
        Op::AttentionGradient { choices } => {
            let of = heads_of(choices, inner, node, 6);
            return Ok(attention_gradient(&of, args).to_vec());
        }
        Op::MaxPool { choices } => {
            let stencil = pool::stencil(choices, &output_of(node.args[0]).shape, &output.shape);
            return Ok(max_pool(&stencil, args[0], elements));
        }
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
        Op::Scatter => {
            let rows = sizes(0)[0];
            let width = elements / rows.max(1);
            let mut out = args[0].to_vec();
            for (i, &id) in args[2].iter().enumerate() {
                let row = row_number(id, rows)?;
                out[row * width..(row + 1) * width]
                    .copy_from_slice(&args[1][i * width..(i + 1) * width]);
            }
            out
        }
    }])
}

pub(super) fn output(inner: &Inner, value: Value) -> &Output {
    &inner.nodes[value.index()].outputs[usize::from(value.output)]
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
pub(super) fn reduced_index(shape: &crate::Shape, axes: &[usize], element: usize) -> usize {
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

/// The first `count` of each column in order, and their indices; NaN is the largest.
fn sort(axis: usize, descending: bool, count: usize, x: &[f64], sizes: &[usize]) -> Vec<Vec<f64>> {
    let outer: usize = sizes[..axis].iter().product();
    let inner: usize = sizes[axis + 1..].iter().product();
    let size = sizes[axis];
    let mut results = vec![vec![0.0; outer * count * inner]; 2];
    if results[0].is_empty() {
        return results;
    }
    for (o, i) in (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i))) {
        let at = |index: usize| x[(o * size + index) * inner + i];
        let order = |&a: &usize, &b: &usize| {
            let (a, b) = (at(a), at(b));
            a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
        };
        let mut indices: Vec<usize> = (0..size).collect();
        // Stable either way: equal numbers stay in their order.
        indices.sort_by(|a, b| if descending { order(b, a) } else { order(a, b) });
        for (place, &index) in indices.iter().take(count).enumerate() {
            let to = (o * count + place) * inner + i;
            (results[0][to], results[1][to]) = (at(index), index as f64);
        }
    }
    results
}

fn cumulative_sum(axis: usize, reverse: bool, x: &[f64], shape: &crate::Shape) -> Vec<f64> {
    let (stride, size) = (shape.strides()[axis], shape.sizes()[axis]);
    let mut sums = x.to_vec();
    // What was added up before lies one step back along the axis, in the order of the walk.
    let walk: Box<dyn Iterator<Item = usize>> =
        if reverse { Box::new((0..x.len()).rev()) } else { Box::new(0..x.len()) };
    for element in walk {
        let index = element / stride % size;
        if reverse && index + 1 < size {
            sums[element] += sums[element + stride];
        } else if !reverse && index > 0 {
            sums[element] += sums[element - stride];
        }
    }
    sums
}

/// For each element of the window at `position` its place in the whole and in the window.
fn places(window: &Window, position: f64) -> Result<impl Iterator<Item = (usize, usize)>, Error> {
    let Window { outer, whole, part, inner } = *window;
    let before = window.start(position as i64)? * inner;
    let block = part * inner;
    Ok((0..outer * block).map(move |at| (at / block * whole * inner + before + at % block, at)))
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

/// Wherever input, filter and output meet, the product of two of them is added to the third.
fn convolve(
    gives: Convolved,
    stencil: &Stencil,
    a: &[f64],
    b: &[f64],
    elements: usize,
) -> Vec<f64> {
    let mut result = vec![0.0; elements];
    let (depth, filters) = (stencil.depth(), stencil.filters());
    if stencil.products() == 0 {
        return result;
    }
    for (input, tap, output) in stencil.meetings() {
        for c in 0..stencil.channels {
            let group = c / depth * filters;
            let x = input * stencil.channels + c;
            let w = (tap * depth + c % depth) * stencil.features + group;
            let y = output * stencil.features + group;
            for o in 0..filters {
                match gives {
                    Convolved::Output => result[y + o] += a[x] * b[w + o],
                    Convolved::Input => result[x] += a[y + o] * b[w + o],
                    Convolved::Filter => result[w + o] += a[x] * b[y + o],
                }
            }
        }
    }
    result
}

/// The sizes of an attention whose mask, if it has one, is argument `mask`.
pub(super) fn heads_of(choices: &Attention, inner: &Inner, node: &Node, mask: usize) -> Heads {
    let shape = |i: usize| &output(inner, node.args[i]).shape;
    let mask = (node.args.len() > mask).then(|| shape(mask));
    attention::sizes(choices, [0, 1, 2].map(shape), mask)
}

/// Queries, keys, values or slopes: where one head's row of one time begins.
pub(super) fn row_of(
    of: &Heads,
    [batch, head, time]: [usize; 3],
    times: usize,
    width: usize,
) -> usize {
    ((batch * times + time) * of.heads + head) * width
}

/// Every head and query.
pub(super) fn all_queries(of: &Heads) -> impl Iterator<Item = [usize; 3]> + use<> {
    let (heads, queries) = (of.heads, of.queries);
    let all = of.batch.saturating_mul(heads).saturating_mul(queries);
    (0..all).map(move |at| [at / queries / heads, at / queries % heads, at % queries])
}

/// A query's score with each key; −∞ where it does not see it.
pub(super) fn scores(
    of: &Heads,
    q: &[f64],
    k: &[f64],
    mask: Option<&&[f64]>,
    at: [usize; 3],
) -> Vec<f64> {
    let q = &q[row_of(of, at, of.queries, of.width)..][..of.width];
    let (first, by) = of.mask_at(at);
    (0..of.keys)
        .map(|key| {
            let k = &k[row_of(of, [at[0], at[1], key], of.keys, of.width)..][..of.width];
            let seen = key < of.seen(at[2]) && mask.is_none_or(|m| m[first + key * by] != 0.0);
            let score: f64 = q.iter().zip(k).map(|(q, k)| q * k).sum();
            if seen { score * of.scale } else { f64::NEG_INFINITY }
        })
        .collect()
}

/// The share of each key, and the logarithm of the sum.
pub(super) fn shares(scores: &[f64]) -> (Vec<f64>, f64) {
    let largest = scores.iter().copied().fold(f64::from(f32::MIN), f64::max);
    let powers: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    let by = if sum == 0.0 { 1.0 } else { sum };
    (powers.into_iter().map(|power| power / by).collect(), largest + sum.ln())
}

fn attention(of: &Heads, args: &[&[f64]]) -> [Vec<f64>; 2] {
    let (mut found, mut logs) = (vec![0.0; of.lengths().map_or(0, |l| l.outputs)], Vec::new());
    for at in all_queries(of) {
        let (shares, log) = shares(&scores(of, args[0], args[1], args.get(3), at));
        logs.push(log);
        let to = row_of(of, at, of.queries, of.features);
        for (key, share) in shares.into_iter().enumerate() {
            let from = row_of(of, [at[0], at[1], key], of.keys, of.features);
            // A key that is not seen gives nothing, whatever its value.
            for c in (0..of.features).filter(|_| share != 0.0) {
                found[to + c] += share * args[2][from + c];
            }
        }
    }
    [found, logs]
}

/// From the shares themselves; what attention gave is not read.
fn attention_gradient(of: &Heads, args: &[&[f64]]) -> [Vec<f64>; 3] {
    let (q, k, v, up) = (args[0], args[1], args[2], args[5]);
    let mut slopes = [q, k, v].map(|x| vec![0.0; x.len()]);
    for at in all_queries(of) {
        let (shares, _) = shares(&scores(of, q, k, args.get(6), at));
        let (query, from) =
            (row_of(of, at, of.queries, of.width), row_of(of, at, of.queries, of.features));
        let value = |key: usize| row_of(of, [at[0], at[1], key], of.keys, of.features);
        let of_shares: Vec<f64> = (0..of.keys)
            .map(|key| (0..of.features).map(|c| up[from + c] * v[value(key) + c]).sum())
            .collect();
        let seen = || shares.iter().zip(&of_shares).filter(|(share, _)| **share != 0.0);
        let mean: f64 = seen().map(|(share, slope)| share * slope).sum();
        for (key, &share) in shares.iter().enumerate().filter(|(_, share)| **share != 0.0) {
            let slope = share * (of_shares[key] - mean) * of.scale;
            let at = row_of(of, [at[0], at[1], key], of.keys, of.width);
            for c in 0..of.width {
                slopes[0][query + c] += slope * k[at + c];
                slopes[1][at + c] += slope * q[query + c];
            }
            for c in 0..of.features {
                slopes[2][value(key) + c] += share * up[from + c];
            }
        }
    }
    slopes
}

/// The first largest of each window, NaN being larger than all, and the number of its element.
fn max_pool(stencil: &Stencil, x: &[f64], elements: usize) -> Vec<Vec<f64>> {
    let (mut largest, mut places) = (vec![f64::NEG_INFINITY; elements], vec![-1.0; elements]);
    if elements == 0 {
        return vec![largest, places];
    }
    for (input, _, output) in stencil.meetings() {
        for c in 0..stencil.channels {
            let (from, to) = (input * stencil.channels + c, output * stencil.channels + c);
            let (value, held) = (x[from], largest[to]);
            if places[to] < 0.0 || value > held || value.is_nan() && !held.is_nan() {
                (largest[to], places[to]) = (value, from as f64);
            }
        }
    }
    vec![largest, places]
}

fn row_number(id: f64, rows: usize) -> Result<usize, Error> {
    if id >= 0.0 && id < rows as f64 {
        Ok(id as usize)
    } else {
        Err(Error::new(format!("row number {id} is outside the table of {rows} rows")))
    }
}
