//! A scan is what its unrolled graph is: values, gradients and second derivatives, in f64 and as a
//! plan; and its memory, its bits and its random numbers are what they should be.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use glassbox_engine::op::Steps;
use glassbox_engine::random::Stream;
use glassbox_engine::reference::Evaluation;
use glassbox_engine::{
    Array, DType, Distribution, Graph, Initial, Mode, Options, Parameters, Session, Tensor, Value,
    grad,
};

fn draw(name: &str, dtype: DType, sizes: &[usize], low: f64, high: f64) -> Array {
    let stream = Stream::new(5, name, 0);
    let n: usize = sizes.iter().product();
    let values: Vec<f64> = (0..n as u64).map(|i| low + (high - low) * stream.uniform(i)).collect();
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

/// Results of a plan, as bits.
fn bits(threads: usize, graph: &Graph, given: &Parameters, asked: &[Tensor<'_>]) -> Vec<Vec<u32>> {
    let mut session = Session::new(Options { threads, ..Options::default() }).unwrap();
    session.load(graph.initial_values(3));
    let results = session.evaluate(graph, given, asked).unwrap();
    let bits = |array: &Array| array.as_f32().unwrap().iter().map(|x| x.to_bits()).collect();
    results.iter().map(bits).collect()
}

/// The gradient through h ← w·h over 50 steps is w⁵⁰: it explodes or vanishes.
#[test]
fn fifty_steps_of_a_linear_recurrence_explode_or_vanish() {
    for (w, slope) in [(2.0, 1.125_899_906_842_624e15), (0.5, 8.881_784_197_001_252e-16)] {
        let graph = Graph::new();
        let (w_in, h) = (graph.input("w", DType::F32, []), graph.input("h", DType::F32, []));
        let (last, ()) = graph.scan(50, h, (), |h, (), _| (h * w_in, ()));
        let slopes = grad(last, &[h, w_in]);
        let mut given = Parameters::new();
        given.insert("w", Array::scalar(w as f32));
        given.insert("h", Array::scalar(1.0));
        let mut session = Session::new(Options::default()).unwrap();
        let results = session.evaluate(&graph, &given, &[last, slopes[0], slopes[1]]).unwrap();
        let numbers: Vec<f64> = results.iter().map(|r| r.to_f64()[0]).collect();
        // Powers of two: f32 holds them exactly. dw⁵⁰/dw = 50·w⁴⁹.
        assert_eq!(numbers[..2], [slope, slope]);
        assert!((numbers[2] / (50.0 * slope / w) - 1.0).abs() < 1e-6, "{numbers:?}");
    }
}

#[test]
fn cumulative_products_in_both_directions() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [4, 2]);
    let one = graph.constant(DType::F32, 1.0).broadcast_to([2]);
    let up = graph.scan(4, one, x, |p, x, _| (p * x, p * x));
    let down = graph.scan(Steps::reversed(4), one, x, |p, x, _| (p * x, p * x));
    let mut given = Parameters::new();
    let rows = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    given.insert("x", Array::new([4, 2], rows).unwrap());
    let asked = [up.1, down.1, up.0, down.0];
    let mut session = Session::new(Options::default()).unwrap();
    let results = session.evaluate(&graph, &given, &asked).unwrap();
    let truth = Evaluation::new(&graph, &given, &Parameters::new(), &asked).unwrap();
    let wanted: [&[f32]; 4] = [
        &[1.0, 2.0, 3.0, 8.0, 15.0, 48.0, 105.0, 384.0],
        &[105.0, 384.0, 105.0, 192.0, 35.0, 48.0, 7.0, 8.0],
        &[105.0, 384.0],
        &[105.0, 384.0],
    ];
    for ((result, wanted), asked) in results.iter().zip(wanted).zip(asked) {
        assert_eq!(result.as_f32().unwrap(), wanted);
        let exact: Vec<f32> = truth.value(asked).unwrap().iter().map(|&x| x as f32).collect();
        assert_eq!(exact, wanted);
    }
}

#[test]
fn no_steps_leave_the_first_value_and_no_gradient_but_to_it() {
    let graph = Graph::new();
    let (of, given) =
        inputs(&graph, DType::F32, &[("h", &[2, 3]), ("xs", &[0, 2, 3]), ("w", &[3, 3])]);
    let (last, outs) = graph.scan(0, of[0], of[1], |h, x, t| {
        let next = (h + x).matmul(of[2]) * t.cast(DType::F32);
        (next, next)
    });
    assert_eq!(outs.shape().sizes(), [0, 2, 3]);
    let slopes = grad(last.sum() + outs.sum(), &of);
    let asked = [&[last, outs], &slopes[..]].concat();
    let truth = Evaluation::new(&graph, &given, &Parameters::new(), &asked).unwrap();
    let mut session = Session::new(Options::default()).unwrap();
    let results = session.evaluate(&graph, &given, &asked).unwrap();
    for (result, asked) in results.iter().zip(&asked) {
        assert_eq!(result.to_f64(), truth.value(*asked).unwrap());
    }
    assert_eq!(results[0], *given.get("h").unwrap());
    assert_eq!(results[2].to_f64(), [1.0; 6]);
    assert_eq!(results[4].to_f64(), [0.0; 9]);
}

#[test]
fn every_step_draws_its_own_numbers_and_its_derivative_meets_the_same() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let (seed, step) = (graph.input("seed", DType::I64, []), graph.input("step", DType::I64, []));
    let x = graph.input("x", DType::F32, [6]);
    let draw = |t: Tensor<'_>| {
        let _ = t;
        at.random(Distribution::Uniform, [6], seed, step)
    };
    let (_, (once, inner)) = graph.scan(4, (), (), |(), (), t| {
        let (_, inner) = graph.scan(3, (), (), |(), (), u| ((), draw(u)));
        ((), (draw(t), inner))
    });
    // Dropout: the derivative is the mask.
    let (last, mask) = graph.scan(3, x, (), |x, (), t| {
        let mask = draw(t).greater(x.full_like(0.5)).cast(DType::F32);
        (x * mask * 2.0, mask)
    });
    let slope = grad(last.sum(), &[x])[0];
    graph.check().unwrap();
    let mut given = Parameters::new();
    given.insert("x", Array::vector([1.0f32; 6]));
    let run = |seed: i64, step: i64, threads: usize| {
        let mut given = given.clone();
        given.insert("seed", Array::new([], [seed]).unwrap());
        given.insert("step", Array::new([], [step]).unwrap());
        let asked = [once, inner, mask, last, slope];
        let truth = Evaluation::new(&graph, &given, &Parameters::new(), &asked).unwrap();
        let mut session = Session::new(Options { threads, ..Options::default() }).unwrap();
        let results = session.evaluate(&graph, &given, &asked).unwrap();
        for (result, asked) in results.iter().zip(asked) {
            assert_eq!(result.to_f64(), truth.value(asked).unwrap());
        }
        results
    };
    let results = run(1, 0, 1);
    assert_eq!(results, run(1, 0, 2));
    let mut seen: Vec<String> = Vec::new();
    for (result, length) in [(&results[0], 24), (&results[1], 72), (&run(1, 1, 1)[0], 24)] {
        let numbers = result.as_f32().unwrap();
        assert_eq!(numbers.len(), length);
        seen.extend(numbers.chunks(6).map(|row| format!("{row:?}")));
    }
    seen.sort();
    let all = seen.len();
    seen.dedup();
    assert_eq!(seen.len(), all, "two steps drew the same numbers");
    // last = Πₜ 2·maskₜ · x, with x = 1: its slope is itself.
    assert_eq!(results[3], results[4]);
}

/// An LSTM over a long sequence with a head that shares its weights with the body.
fn shared<'g>(graph: &'g Graph, steps: usize) -> (Tensor<'g>, Vec<Tensor<'g>>, Tensor<'g>) {
    let at = graph.root(Mode::Train);
    let initial = Initial::Normal { mean: 0.0, deviation: 0.3 };
    let x = graph.input("x", DType::F32, [steps, 20, 7]);
    let zero = graph.constant(DType::F32, 0.0).broadcast_to([20, 33]);
    let shared = at.parameter("shared", [33, 33], initial);
    let (last, all) = graph.scan(steps, [zero, zero], x, |[h, c], x, _| {
        // Declared in the body: read from outside at every step.
        let w = [("a", 7), ("b", 33)].map(|(n, rows)| at.parameter(n, [rows, 132], initial));
        let bias = at.parameter("bias", [132], 0.1);
        let (next, _) = lstm(&[w[0], w[1], bias], vec![h, c], vec![x], x);
        ([next[0].matmul(shared).tanh(), next[1]], next[0].named("inside"))
    });
    let loss = (last[0].matmul(shared) + all.slice(0, 0..1).reshape([20, 33])).square().mean();
    let paths: Vec<_> = graph.parameters().into_iter().map(|(_, t)| t).collect();
    let slopes = grad(loss, &paths);
    graph.check().unwrap();
    (loss, slopes, all)
}

#[test]
fn bits_do_not_depend_on_threads_or_on_who_watches() {
    let graph = Graph::new();
    let (loss, slopes, all) = shared(&graph, 19);
    let mut given = Parameters::new();
    given.insert("x", draw("x", DType::F32, &[19, 20, 7], -1.0, 1.0));
    let asked = [vec![loss], slopes.clone()].concat();
    let alone = bits(1, &graph, &given, &asked);
    for threads in [2, 3] {
        assert_eq!(alone, bits(threads, &graph, &given, &asked), "{threads} threads");
    }
    let watched = bits(2, &graph, &given, &[&asked[..], &[all]].concat());
    assert_eq!(alone, watched[..asked.len()]);
    // And the numbers are right.
    let states = graph.initial_values(3);
    let truth = Evaluation::new(&graph, &given, &states, &asked).unwrap();
    for (i, (bits, &tensor)) in alone.iter().zip(&asked).enumerate() {
        let numbers: Vec<f64> = bits.iter().map(|&b| f64::from(f32::from_bits(b))).collect();
        close(&numbers, truth.value(tensor).unwrap(), 1e-5, &format!("value {i}"));
    }
}

/// Where the rows of what a loop carries do not meet, each worker runs all steps over its own rows.
#[test]
fn loops_whose_rows_do_not_meet_run_in_parts() {
    let graph = Graph::new();
    let shapes: [(&str, &[usize]); 4] =
        [("h", &[48, 40]), ("w", &[40, 40]), ("xs", &[9, 48, 40]), ("matrices", &[9, 40, 40])];
    let (of, mut given) = inputs(&graph, DType::F32, &shapes);
    let [h, w, xs, matrices] = of[..] else { unreachable!() };
    let ends = graph.input("ends", DType::I64, [48]);
    let numbers: Vec<f64> = (0..48).map(|i| f64::from(i * 5 % 11)).collect();
    given.insert("ends", Array::from_f64(DType::I64, [48], &numbers).unwrap());
    // Rows end at steps of their own, are moved about and reduced; each step has a matrix of its own
    // and takes rows of it by number.
    let apart = graph.scan(9, h, (xs, matrices), |h, (x, matrix), step| {
        let after = (h.matmul(w) + x).tanh();
        let left = (after.slice(1, 0..20) * 2.0).concatenate(&[after.slice(1, 20..40)], 1);
        let rows = left - left.exp().sum_axis(-1).log() * 0.1;
        let next = rows.matmul(matrix) * 0.1 + matrix.gather(ends);
        let next = step.less(ends.reshape([48, 1])).select(next, h);
        (next, next.square().sum_axis(-1))
    });
    let meeting = graph.scan(9, h, xs, |h, x, _| {
        let next = (h.matmul(w) + x).tanh() - h.sum_axis(0) * 0.01;
        (next, next.sum())
    });
    let few = graph.scan(9, h.slice(0, 0..10), (), |h, (), _| (h.matmul(w).tanh(), ()));
    let loss = apart.1.sum() + meeting.1.sum() + few.0.square().sum();
    let slopes = grad(loss, &[h, w, xs, matrices]);
    let asked = [&[loss, apart.0, meeting.0][..], &slopes].concat();
    let alone = bits(1, &graph, &given, &asked);
    for threads in [2, 3, 4, 5, 6] {
        assert_eq!(alone, bits(threads, &graph, &given, &asked), "{threads} threads");
    }
    let truth = Evaluation::new(&graph, &given, &graph.initial_values(3), &asked).unwrap();
    for (i, (bits, &tensor)) in alone.iter().zip(&asked).enumerate() {
        let numbers: Vec<f64> = bits.iter().map(|&b| f64::from(f32::from_bits(b))).collect();
        close(&numbers, truth.value(tensor).unwrap(), 1e-4, &format!("value {i}"));
    }
    let forward = |threads: usize, of: Tensor<'_>| {
        let options = Options { threads, ..Options::default() };
        let mut session = Session::new(options).unwrap();
        session.prepare(&graph, &[of]).unwrap().plan().to_string()
    };
    for (threads, parts) in [(2, 2), (3, 3), (4, 4), (5, 4), (7, 6), (64, 6)] {
        let wanted = format!("scan 9 steps forward in {parts} parts");
        let plan = forward(threads, apart.0);
        assert!(plan.contains(&wanted), "{wanted} on {threads} threads:\n{plan}");
    }
    // One worker takes all rows; rows that meet, or are few for a product, stay together.
    for (threads, of) in [(1, apart.0), (2, meeting.0), (2, few.0)] {
        let plan = forward(threads, of);
        assert!(plan.contains("scan 9 steps forward,"), "{threads} threads:\n{plan}");
    }
}

/// Products with rows of a sequence, and weights' gradients, are one product each.
#[test]
fn products_that_the_loop_does_not_change_leave_it() {
    let graph = Graph::new();
    let (loss, slopes, _) = shared(&graph, 19);
    let mut session = Session::new(Options::default()).unwrap();
    session.load(graph.initial_values(0));
    let plan = |session: &mut Session, asked: &[Tensor<'_>]| {
        session.prepare(&graph, asked).unwrap().plan().to_string()
    };
    let text = plan(&mut session, &[&[loss], &slopes[..]].concat());
    // x·a before the loop; aᵀ·δ, bᵀ·δ and sharedᵀ·δ after it.
    for product in ["[380, 7] × [7, 132]", "[7, 380] × [380, 132]", "[33, 380] × [380, 132]"] {
        assert_eq!(text.matches(product).count(), 1, "{product} in\n{text}");
    }
    // The forward loop runs once, though its values are read by the loop back.
    assert_eq!(text.matches("scan 19 steps forward").count(), 1, "{text}");
    assert_eq!(text.matches("scan 19 steps back").count(), 1, "{text}");
    // Nobody reads the stack of what comes out but the first row, and nothing else is stacked.
    assert!(!plan(&mut session, &[loss]).contains("out3"), "{}", plan(&mut session, &[loss]));
}

#[test]
fn memory_of_a_forward_loop_does_not_grow_with_its_steps() {
    let arena = |steps: usize, backward: bool| {
        let graph = Graph::new();
        let (of, _) = inputs(&graph, DType::F32, &[("h", &[50, 40]), ("w", &[40, 40])]);
        let (last, _) = graph.scan(steps, of[0], (), |h, (), _| {
            let next = (h.matmul(of[1]) + h).tanh();
            (next, next)
        });
        let mut asked = vec![last.square().mean()];
        if backward {
            asked.push(grad(asked[0], &of)[1]);
        }
        let mut session = Session::new(Options::default()).unwrap();
        session.prepare(&graph, &asked).unwrap().plan().arena_bytes()
    };
    assert_eq!(arena(10, false), arena(1000, false));
    // h, tanh and its δ, three stacks of 8,000 bytes a step, and a scratch of them at most.
    let step = (arena(1000, true) - arena(10, true)) / 990;
    assert!((8_000 * 2..=8_000 * 4).contains(&step), "{step} bytes a step");
}

/// Upstream × local, summed over everything that a value acts on, is its adjoint: at every step of
/// the loop and through its carries. And a difference quotient says the same.
#[test]
fn every_number_inside_is_explained() {
    let shapes: &[(&str, &[usize])] =
        &[("h", &[2, 3]), ("xs", &[3, 3]), ("w", &[3, 3]), ("v", &[3])];
    let graph = Graph::new();
    let (of, given) = inputs(&graph, DType::F64, shapes);
    let (last, outs) = nested(&graph, true, of[0], of[1], &of[2..]);
    let loss = number(&graph, &[last, outs], DType::F64);
    grad(loss, &of);
    let terms: Vec<_> =
        graph.contributions().into_iter().filter(|c| c.loss == loss.value()).collect();
    let mut asked: Vec<_> = terms
        .iter()
        .flat_map(|c| [c.of, c.upstream, c.product])
        .map(|value| graph.tensor(value).unwrap())
        .collect();
    asked.push(loss);
    let run = Evaluation::new(&graph, &given, &Parameters::new(), &asked).unwrap();
    let adjoint = |value: Value, element: usize| -> f64 {
        if value == loss.value() {
            return 1.0;
        }
        let own = terms.iter().filter(|c| c.of == value);
        own.map(|c| run.at(c.product).unwrap()[element]).sum()
    };
    let values: std::collections::BTreeSet<Value> = terms.iter().map(|c| c.of).collect();
    let (mut inside, mut checked) = (0, 0);
    for &value in &values {
        let tensor = graph.tensor(value).unwrap();
        let elements = run.at(value).unwrap().len();
        inside += usize::from(elements > tensor.elements());
        for element in 0..elements {
            let mut sum = 0.0;
            for term in terms.iter().filter(|c| c.of == value) {
                let argument = usize::from(term.argument);
                let column = run.local_column(term.consumer as usize, argument, element).unwrap();
                for (to, at, local) in column {
                    sum += local * adjoint(to, at);
                }
            }
            let wanted = adjoint(value, element);
            let what = format!("{tensor:?} [{element}]");
            assert!((sum - wanted).abs() < 1e-9 * (1.0 + wanted.abs()), "{what}: {sum} {wanted}");
            let here = run.at(value).unwrap()[element];
            let at = |h: f64| run.with_element(value, element, here + h, loss.value()).unwrap()[0];
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - wanted).abs() < 1e-6 * (1.0 + wanted.abs()), "{what}: {slope}");
            checked += 1;
        }
    }
    assert!(inside > 20 && checked > 300, "{inside} values inside, {checked} numbers");
}
