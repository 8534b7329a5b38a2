//! A scan is what its unrolled graph is: values, gradients and second derivatives, in f64 and as a
//! plan; and its memory, its bits and its random numbers are what they should be.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use glassbox_engine::op::Steps;
use glassbox_engine::random::Stream;
use glassbox_engine::reference::Evaluation;
use glassbox_engine::{
    Array, DType, Distribution, Graph, Initial, Mode, Options, Parameters, Scope, Session, Tensor,
    grad,
};

fn draw(name: &str, dtype: DType, sizes: &[usize], low: f64, high: f64) -> Array {
    let stream = Stream::new(5, name, 0);
    let n: usize = sizes.iter().product();
    let values: Vec<f64> =
        (0..n as u64).map(|i| low + (high - low) * stream.uniform(i)).collect();
    Array::from_f64(dtype, sizes.to_vec(), &values).unwrap()
}

/// An input for each shape, filled at random by name.
fn inputs<'g>(
    graph: &'g Graph,
    dtype: DType,
    shapes: &[(&str, &[usize])],
) -> (Vec<Tensor<'g>>, Parameters) {
    let mut given = Parameters::new();
    let tensors = shapes.iter().map(|&(name, sizes)| {
        given.insert(name, draw(name, dtype, sizes, -0.9, 0.9));
        graph.input(name, dtype, sizes)
    });
    (tensors.collect(), given)
}

fn row<'g>(xs: Tensor<'g>, index: usize) -> Tensor<'g> {
    let sizes: Vec<usize> = xs.shape().sizes()[1..].to_vec();
    xs.slice(0, index..index + 1).reshape(sizes)
}

/// The same as `Graph::scan`, recorded step by step.
fn unrolled<'g>(
    graph: &'g Graph,
    (steps, reverse): (usize, bool),
    mut carries: Vec<Tensor<'g>>,
    sequences: Vec<Tensor<'g>>,
    body: impl Fn(Vec<Tensor<'g>>, Vec<Tensor<'g>>, Tensor<'g>) -> (Vec<Tensor<'g>>, Vec<Tensor<'g>>),
) -> (Vec<Tensor<'g>>, Vec<Tensor<'g>>) {
    let order: Vec<usize> = if reverse { (0..steps).rev().collect() } else { (0..steps).collect() };
    let mut outs: Vec<Vec<Tensor<'g>>> = vec![Vec::new(); steps];
    for at in order {
        let rows = sequences.iter().map(|&xs| row(xs, at)).collect();
        let (next, given) = body(carries, rows, graph.constant(DType::I64, at as f64));
        let lead = |t: Tensor<'g>| {
            let mut sizes = vec![1];
            sizes.extend(t.shape().sizes());
            t.reshape(sizes)
        };
        outs[at] = given.into_iter().map(lead).collect();
        carries = next;
    }
    let stacks = (0..outs[0].len()).map(|i| {
        let rest: Vec<_> = outs[1..].iter().map(|o| o[i]).collect();
        outs[0][i].concatenate(&rest, 0)
    });
    (carries, stacks.collect())
}

type Body = for<'g> fn(
    &[Tensor<'g>],
    Vec<Tensor<'g>>,
    Vec<Tensor<'g>>,
    Tensor<'g>,
) -> (Vec<Tensor<'g>>, Vec<Tensor<'g>>);

/// A recurrence to be compared with its unrolled form.
struct Case {
    name: &'static str,
    steps: usize,
    reverse: bool,
    carries: &'static [&'static [usize]],
    sequences: &'static [&'static [usize]],
    captured: &'static [&'static [usize]],
    body: Body,
}

fn lstm<'g>(
    w: &[Tensor<'g>],
    carry: Vec<Tensor<'g>>,
    x: Vec<Tensor<'g>>,
    _: Tensor<'g>,
) -> (Vec<Tensor<'g>>, Vec<Tensor<'g>>) {
    let units = carry[0].dim(-1);
    let gates = x[0].matmul(w[0]) + carry[0].matmul(w[1]) + w[2];
    let gate = |i: usize| gates.slice(-1, i * units..(i + 1) * units);
    let c = gate(0).sigmoid() * carry[1] + gate(1).sigmoid() * gate(2).tanh();
    let h = gate(3).sigmoid() * c.tanh();
    (vec![h, c], vec![h])
}

const CASES: &[Case] = &[
    Case {
        name: "lstm",
        steps: 5,
        reverse: false,
        carries: &[&[3, 4], &[3, 4]],
        sequences: &[&[3, 2]],
        captured: &[&[2, 16], &[4, 16], &[16]],
        body: lstm,
    },
    Case {
        name: "lstm from the end",
        steps: 4,
        reverse: true,
        carries: &[&[3, 4], &[3, 4]],
        sequences: &[&[3, 2]],
        captured: &[&[2, 16], &[4, 16], &[16]],
        body: lstm,
    },
    Case {
        name: "a weight on the left, used twice",
        steps: 3,
        reverse: false,
        carries: &[&[4, 2]],
        sequences: &[],
        captured: &[&[4, 4]],
        body: |w, c, _, _| {
            let next = w[0].matmul(c[0].tanh()) + w[0].transpose().matmul(c[0]);
            (vec![next], vec![next.sum(), w[0].sum()])
        },
    },
    Case {
        name: "batched products, both sides rows",
        steps: 3,
        reverse: false,
        carries: &[&[2, 3, 3]],
        sequences: &[&[2, 3, 3], &[2, 3, 4]],
        captured: &[&[2, 3, 3], &[2, 4, 3]],
        body: |w, c, x, _| {
            let next = (c[0].matmul(w[0]) + x[0].matmul(c[0]) + x[1].matmul(w[1])).tanh();
            (vec![next], vec![next.matmul(x[1]), x[0].matmul(x[0])])
        },
    },
    Case {
        name: "carries that only others read, one passed on, one replaced, the index",
        steps: 4,
        reverse: true,
        carries: &[&[3], &[3], &[], &[3]],
        sequences: &[&[3]],
        captured: &[&[3], &[]],
        body: |w, c, x, t| {
            let t = t.cast(c[0].dtype());
            let a = c[1] * w[0] + c[2] * (t + 0.5) * 0.2;
            let b = c[0].sin() * w[1] + x[0] + c[3];
            (vec![a, b, c[2], w[0]], vec![a * b, x[0], w[0], t, c[0].greater(c[1]).select(a, b)])
        },
    },
    Case {
        name: "no sequence of its own, nothing given out",
        steps: 6,
        reverse: false,
        carries: &[&[2, 3]],
        sequences: &[],
        captured: &[&[3, 3], &[2, 1]],
        body: |w, c, _, _| (vec![(c[0].matmul(w[0]) * w[1]).tanh() + c[0]], vec![]),
    },
    Case {
        name: "nothing carried",
        steps: 3,
        reverse: false,
        carries: &[],
        sequences: &[&[2, 5]],
        captured: &[&[5]],
        body: |w, _, x, _| (vec![], vec![x[0] * w[0], x[0].square().sum_axis(-1)]),
    },
    Case {
        name: "one step",
        steps: 1,
        reverse: false,
        carries: &[&[3, 4], &[3, 4]],
        sequences: &[&[3, 2]],
        captured: &[&[2, 16], &[4, 16], &[16]],
        body: lstm,
    },
];

/// A weighted sum of everything, so that no error cancels.
fn number<'g>(graph: &'g Graph, tensors: &[Tensor<'g>], dtype: DType) -> Tensor<'g> {
    let mut total = graph.constant(dtype, 0.0);
    for (i, &tensor) in tensors.iter().enumerate() {
        let flat = tensor.reshape([tensor.elements()]);
        let weights = (graph.iota([tensor.elements()], 0).cast(dtype) + i as f64).sin();
        total = total + (flat * weights).sum() + flat.square().sum() * 0.3;
    }
    total
}

struct Recorded<'g> {
    results: Vec<Tensor<'g>>,
    loss: Tensor<'g>,
    first: Vec<Tensor<'g>>,
    second: Vec<Tensor<'g>>,
}

impl<'g> Recorded<'g> {
    fn all(&self) -> Vec<Tensor<'g>> {
        let mut all = self.results.clone();
        all.push(self.loss);
        all.extend(&self.first);
        all.extend(&self.second);
        all
    }
}

fn record<'g>(
    graph: &'g Graph,
    case: &Case,
    dtype: DType,
    given: &mut Parameters,
    as_scan: bool,
) -> Recorded<'g> {
    let mut declare = |kind: &str, shapes: &[&[usize]], lead: Option<usize>| -> Vec<Tensor<'g>> {
        let mut all = Vec::new();
        for (i, sizes) in shapes.iter().enumerate() {
            let name = format!("{kind}{i}");
            let sizes: Vec<usize> = lead.into_iter().chain(sizes.iter().copied()).collect();
            given.insert(&name, draw(&name, dtype, &sizes, -0.9, 0.9));
            all.push(graph.input(&name, dtype, sizes));
        }
        all
    };
    let carries = declare("carry", case.carries, None);
    let sequences = declare("sequence", case.sequences, Some(case.steps));
    let captured = declare("captured", case.captured, None);
    let body = case.body;
    let (last, outs) = if as_scan {
        let steps = if case.reverse { Steps::reversed(case.steps) } else { case.steps.into() };
        graph.scan(steps, carries.clone(), sequences.clone(), |c, x, t| body(&captured, c, x, t))
    } else {
        let how = (case.steps, case.reverse);
        unrolled(graph, how, carries.clone(), sequences.clone(), |c, x, t| body(&captured, c, x, t))
    };
    let results = [last, outs].concat();
    let floats: Vec<_> = results.iter().copied().filter(|t| t.dtype().is_float()).collect();
    let loss = number(graph, &floats, dtype);
    let of = [carries, sequences, captured].concat();
    let first = grad(loss, &of);
    let second = grad(number(graph, &first, dtype), &of);
    graph.check().unwrap_or_else(|e| panic!("{}: {e}", case.name));
    Recorded { results, loss, first, second }
}

fn close(a: &[f64], b: &[f64], tolerance: f64, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    let scale = 1.0 + b.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{what}[{i}]: {a} against {b}");
    }
}

#[test]
fn a_scan_is_its_unrolled_graph_in_values_gradients_and_second_derivatives() {
    for case in CASES {
        let (rolled, plain) = (Graph::new(), Graph::new());
        let (mut given, mut same) = (Parameters::new(), Parameters::new());
        let a = record(&rolled, case, DType::F64, &mut given, true);
        let b = record(&plain, case, DType::F64, &mut same, false);
        let none = Parameters::new();
        let (left, right) = (
            Evaluation::new(&rolled, &given, &none, &a.all()).unwrap(),
            Evaluation::new(&plain, &same, &none, &b.all()).unwrap(),
        );
        for (i, (x, y)) in a.all().into_iter().zip(b.all()).enumerate() {
            assert_eq!(x.shape(), y.shape(), "{} {i}", case.name);
            let what = format!("{}, reference {i}", case.name);
            close(left.value(x).unwrap(), right.value(y).unwrap(), 1e-9, &what);
        }
        for threads in [1, 2] {
            let options = Options { threads, ..Options::default() };
            let mut session = Session::new(options).unwrap();
            let results = session.evaluate(&rolled, &given, &a.all()).unwrap();
            for (i, (result, y)) in results.iter().zip(b.all()).enumerate() {
                let what = format!("{}, plan {i}", case.name);
                close(&result.to_f64(), right.value(y).unwrap(), 1e-9, &what);
            }
        }
        // And in f32.
        let graph = Graph::new();
        let mut given = Parameters::new();
        let a = record(&graph, case, DType::F32, &mut given, true);
        let truth = Evaluation::new(&graph, &given, &none, &a.all()).unwrap();
        let mut session = Session::new(Options::default()).unwrap();
        let results = session.evaluate(&graph, &given, &a.all()).unwrap();
        for (i, (result, y)) in results.iter().zip(a.all()).enumerate() {
            let what = format!("{}, f32 {i}", case.name);
            close(&result.to_f64(), truth.value(y).unwrap(), 2e-4, &what);
        }
    }
}

/// A matrix is carried, and each step runs a loop over its rows that uses what both loops take.
fn nested<'g>(
    graph: &'g Graph,
    as_scan: bool,
    h: Tensor<'g>,
    xs: Tensor<'g>,
    w: &[Tensor<'g>],
) -> (Tensor<'g>, Tensor<'g>) {
    let inner = |h: Tensor<'g>, x: Tensor<'g>, t: Tensor<'g>| {
        let shift = (h * w[1]).mean() + t.cast(h.dtype()) * 0.1;
        let step = |s: Vec<Tensor<'g>>, r: Vec<Tensor<'g>>, i: Tensor<'g>| {
            let s = (s[0] * r[0] + r[1].matmul(w[0]).reshape([3]) + h.sum() * 0.1 + shift).tanh();
            (vec![s], vec![s * i.cast(h.dtype()), x.sum() * s])
        };
        let rows = h.reshape([2, 1, 3]);
        let (last, outs) = if as_scan {
            graph.scan(2, vec![x], vec![h, rows], step)
        } else {
            unrolled(graph, (2, false), vec![x], vec![h, rows], step)
        };
        (vec![h * 0.5 + last[0] * w[1] + outs[0]], vec![outs[1]])
    };
    let outer = |h: Vec<Tensor<'g>>, x: Vec<Tensor<'g>>, t| inner(h[0], x[0], t);
    let (last, outs) = if as_scan {
        graph.scan(Steps::reversed(3), vec![h], vec![xs], outer)
    } else {
        unrolled(graph, (3, true), vec![h], vec![xs], outer)
    };
    (last[0], outs[0])
}

#[test]
fn a_scan_may_hold_another() {
    let shapes: &[(&str, &[usize])] =
        &[("h", &[2, 3]), ("xs", &[3, 3]), ("w", &[3, 3]), ("v", &[3])];
    let run = |as_scan: bool| -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let graph = Graph::new();
        let (of, given) = inputs(&graph, DType::F64, shapes);
        let (last, outs) = nested(&graph, as_scan, of[0], of[1], &of[2..]);
        let loss = number(&graph, &[last, outs], DType::F64);
        let first = grad(loss, &of);
        let second = grad(number(&graph, &first, DType::F64), &of);
        graph.check().unwrap();
        let all = [vec![last, outs, loss], first, second].concat();
        let truth = Evaluation::new(&graph, &given, &Parameters::new(), &all).unwrap();
        let mut session = Session::new(Options::default()).unwrap();
        let results = session.evaluate(&graph, &given, &all).unwrap();
        (
            all.iter().map(|&t| truth.value(t).unwrap().to_vec()).collect(),
            results.iter().map(Array::to_f64).collect(),
        )
    };
    let ((rolled, planned), (plain, _)) = (run(true), run(false));
    for (i, ((rolled, planned), plain)) in rolled.iter().zip(&planned).zip(&plain).enumerate() {
        close(rolled, plain, 1e-9, &format!("nested, reference {i}"));
        close(planned, plain, 1e-9, &format!("nested, plan {i}"));
    }
}
