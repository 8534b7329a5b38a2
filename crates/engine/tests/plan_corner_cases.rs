//! Where a planner goes wrong: each case runs against the f64 reference, alone and watched, with one
//! thread and two, to the same bits, and several steps long where states are involved.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use glassbox_engine::reference::Evaluation;
use glassbox_engine::{
    Array, DType, Distribution, Graph, Mode, Options, Parameters, Role, Session, Tensor, grad,
};

fn session(threads: usize) -> Session {
    Session::new(Options { threads, ..Options::default() }).unwrap()
}

/// Different numbers everywhere, small ones.
fn some(dtype: DType, sizes: &[usize], salt: usize) -> Array {
    let n: usize = sizes.iter().product();
    let value = |i: usize| ((i * 7919 + salt * 104_729) % 211) as f64 / 100.0 - 1.0;
    let values: Vec<f64> = (0..n).map(value).collect();
    Array::from_f64(dtype, sizes.to_vec(), &values).unwrap()
}

fn bits(array: &Array) -> Vec<u64> {
    array.to_f64().iter().map(|x| x.to_bits()).collect()
}

/// Runs a graph for three steps and compares outputs and states with the reference after each;
/// then the same on two threads and with every node watched, to the bit.
#[track_caller]
fn right(graph: &Graph, outputs: &[Tensor<'_>]) -> Session {
    graph.check().unwrap();
    let mut inputs = Parameters::new();
    for index in 0..graph.len() {
        let node = graph.node(index).unwrap();
        if let glassbox_engine::Op::Input { name } = &node.op {
            let output = &node.outputs[0];
            let array = if output.dtype == DType::I64 {
                let n = output.shape.elements();
                Array::new(output.shape.clone(), (0..n as i64).map(|i| i % 3).collect::<Vec<_>>())
            } else {
                Ok(some(output.dtype, output.shape.sizes(), index))
            };
            inputs.insert(name.clone(), array.unwrap());
        }
    }
    let states: Parameters = graph
        .declarations()
        .iter()
        .enumerate()
        .map(|(salt, (path, _))| {
            let state = graph.state(path).unwrap();
            (path.clone(), some(state.dtype(), state.shape().sizes(), 50 + salt))
        })
        .collect();
    let mut one = session(1);
    one.load(states.clone());
    let mut now = states.clone();
    let mut all = Vec::new();
    for step in 0..3 {
        let results = one.evaluate(graph, &inputs, outputs).unwrap();
        let plan = || one_plan(graph, outputs, &states);
        let next: Vec<_> =
            graph.declarations().iter().map(|(p, _)| graph.current(p).unwrap()).collect();
        let asked: Vec<_> = outputs.iter().chain(&next).copied().collect();
        let truth = Evaluation::new(graph, &inputs, &now, &asked).unwrap();
        let compare = |what: &str, got: &Array, want: &[f64]| {
            let got = got.to_f64();
            assert_eq!(got.len(), want.len());
            let scale = want.iter().filter(|x| x.is_finite()).fold(1f64, |m, x| m.max(x.abs()));
            for (i, (a, b)) in got.iter().zip(want).enumerate() {
                let fine = a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-4 * scale;
                assert!(fine, "step {step}, {what}[{i}] is {a}, not {b}\n{graph}\n{}", plan());
            }
        };
        for (index, (tensor, result)) in outputs.iter().zip(&results).enumerate() {
            assert_eq!((result.dtype(), result.shape()), (tensor.dtype(), &tensor.shape()));
            compare(&format!("output {index}"), result, truth.value(*tensor).unwrap());
        }
        for ((path, _), next) in graph.declarations().iter().zip(&next) {
            compare(path, &one.value(path).unwrap(), truth.value(*next).unwrap());
        }
        // On from the exact f32 values, so that rounding does not add up.
        now = one.values();
        all.push((results, now.clone()));
    }
    let watched: Vec<_> = outputs
        .iter()
        .copied()
        .chain(
            graph
                .declarations()
                .iter()
                .flat_map(|(path, _)| [graph.state(path).unwrap(), graph.current(path).unwrap()]),
        )
        .collect();
    let mut two = session(2);
    two.load(states);
    for (results, values) in &all {
        let again = two.evaluate(graph, &inputs, &watched).unwrap();
        for (a, b) in results.iter().zip(&again) {
            assert_eq!(bits(a), bits(b), "depends on threads or who watches\n{graph}");
        }
        for (path, value) in values.iter() {
            assert_eq!(bits(value), bits(&two.value(path).unwrap()), "{path}\n{graph}");
        }
    }
    one
}

fn one_plan(graph: &Graph, outputs: &[Tensor<'_>], states: &Parameters) -> String {
    let mut session = session(1);
    session.load(states.clone());
    session.prepare(graph, outputs).unwrap().plan().to_string()
}

#[test]
fn rows_and_columns_of_a_square_are_told_apart() {
    for n in [1, 2, 5, 33] {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [n, n]);
        let v = graph.input("v", DType::F32, [n]);
        let row = x.sum_axis(1); // one a row
        let column = x.sum_axis(0); // one a column
        let as_column = row.reshape([1, n]);
        let as_row = column.reshape([n, 1]);
        right(
            &graph,
            &[
                x + row,
                x + as_column,
                x * row + as_column,
                x + column - as_row,
                row + as_column,
                row * 2.0 + v.reshape([n, 1]),
                (row * 2.0).reshape([n]) + v,
                x * v + x * v.reshape([n, 1]),
                (x - row).max_axis(1) * v,
                x.transpose() + x,
                row.transpose() + row,
                v + v.reshape([n, 1]),
            ],
        );
    }
}

#[test]
fn axes_of_size_one_broadcast_the_right_way() {
    for sizes in [[1, 1], [1, 5], [5, 1], [4, 3]] {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, sizes);
        let s = graph.input("s", DType::F32, []);
        let one = graph.input("one", DType::F32, [1, 1, 1]);
        let up = x.broadcast_to([2, sizes[0], sizes[1]]);
        right(
            &graph,
            &[
                x + s,
                x.sum() + x,
                x.sum_axis(0) + x.sum_axis(1),
                up + one,
                up.sum_axis(0) + x,
                up * x.max_axis(0),
                x.sum_axis(0).broadcast_to([3, 1, sizes[1]]).sum_axis(0),
                x.reshape([sizes[0], 1, sizes[1]]) + x.reshape([1, sizes[0], sizes[1]]),
                (x.sum_axis(1) + s).exp() * x,
                x.sum_axis(1).sum_axis(0) * x.sum_axis(1),
            ],
        );
    }
}

#[test]
fn a_row_wise_value_goes_on_in_its_loop_under_other_shapes() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [2, 3, 7]);
    let six = graph.input("six", DType::F32, [6]);
    let two_three = graph.input("two_three", DType::F32, [2, 3]);
    let rows = x.sum_axis(-1); // [2, 3, 1]
    let a = rows.reshape([6]) + six;
    let b = rows.reshape([2, 3]) * two_three;
    let c = a.reshape([2, 3, 1]) * x;
    let d = rows.reshape([6, 1]) - six.reshape([1, 6]);
    let e = (rows.reshape([3, 2]).exp() + six.reshape([3, 2])).reshape([2, 3, 1]) + x;
    right(&graph, &[a, b, c, d, e, a.sum(), c.sum_axis(-1), (b * 2.0).max_axis(1)]);
}

#[test]
fn reductions_over_every_set_of_axes_are_right() {
    for dtype in [DType::F32, DType::F64, DType::I64] {
        let graph = Graph::new();
        let x = graph.input("x", dtype, [2, 3, 1, 4]);
        let mut outputs = Vec::new();
        for set in 1..16usize {
            let kept: Vec<usize> = (0..4)
                .map(|axis| if set >> axis & 1 == 1 { 1 } else { x.shape().sizes()[axis] })
                .collect();
            outputs.push(x.sum_to(kept.clone()));
            outputs.push((x + 1.0).sum_to(kept.clone()) + x);
        }
        for axis in 0..4 {
            outputs.push(x.max_axis(axis));
            outputs.push(x.max_with_index(axis).1);
        }
        right(&graph, &outputs);
    }
}

#[test]
fn equal_zeros_of_other_signs_are_not_merged() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [4]);
    let (plus, minus) = (graph.constant(DType::F32, 0.0), graph.constant(DType::F32, -0.0));
    let one = graph.constant(DType::F32, 1.0);
    let outputs = [
        one / plus,
        one / minus,
        one / (-plus),
        x / (x * 0.0).abs().max_with(plus.broadcast_to([4])),
        (x.square() + 1.0) / minus,
        (x.square() + 1.0) / plus,
    ];
    let results = session(1)
        .evaluate(
            &graph,
            &[("x".to_string(), some(DType::F32, &[4], 1))].into_iter().collect(),
            &outputs,
        )
        .unwrap();
    assert_eq!(results[0].to_f64(), [f64::INFINITY]);
    assert_eq!(results[1].to_f64(), [f64::NEG_INFINITY]);
    assert_eq!(results[2].to_f64(), [f64::NEG_INFINITY]);
    assert_eq!(results[4].to_f64(), [f64::NEG_INFINITY; 4]);
    assert_eq!(results[5].to_f64(), [f64::INFINITY; 4]);
}

#[test]
fn simplifying_keeps_nan_infinity_and_the_sign_of_zero() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [5]);
    let c = |value: f64| graph.constant(DType::F32, value);
    let outputs = [x * 1.0, 1.0 * x, x / 1.0, -(-x), x + 0.0, x * 0.0, x - x, x / x];
    let folded = [
        c(f64::INFINITY) - c(f64::INFINITY),
        c(1.0) / c(0.0),
        c(0.1) + c(0.2),
        c(1e30) * c(1e30),
        c(1e-30) * c(1e-30),
        c(1.0) / c(3.0),
        -c(0.0),
    ];
    let values = [-0.0f32, 0.0, f32::NAN, f32::INFINITY, 1e-42];
    let inputs: Parameters = [("x".to_string(), Array::vector(values))].into_iter().collect();
    let all: Vec<_> = outputs.iter().chain(&folded).copied().collect();
    let results = session(1).evaluate(&graph, &inputs, &all).unwrap();
    let meaning: [fn(f32) -> f32; 8] =
        [|x| x, |x| x, |x| x, |x| x, |x| x + 0.0, |x| x * 0.0, |x| x - x, |x| x / x];
    for (index, meaning) in meaning.iter().enumerate() {
        for (&x, &got) in values.iter().zip(results[index].as_f32().unwrap()) {
            let want = meaning(x);
            let same = want.to_bits() == got.to_bits() || want.is_nan() && got.is_nan();
            assert!(same, "output {index} of {x} is {got}, not {want}");
        }
    }
    let got: Vec<f32> = results[8..].iter().map(|r| r.as_f32().unwrap()[0]).collect();
    assert!(got[0].is_nan());
    let want = [f32::INFINITY, 0.1 + 0.2, f32::INFINITY, 0.0, 1.0 / 3.0, -0.0];
    assert_eq!(got[1..].iter().map(|x| x.to_bits()).collect::<Vec<_>>(), want.map(f32::to_bits));
}

#[test]
fn equal_random_nodes_are_one_draw_and_others_are_not() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let (seed, step) = (graph.input("seed", DType::I64, []), graph.input("step", DType::I64, []));
    let a = at.random(Distribution::Uniform, [50], seed, step);
    let b = at.random(Distribution::Uniform, [50], seed, step);
    let later = at.random(Distribution::Normal, [50], seed, step + 1.0);
    let zero = a - a.detach();
    right(&graph, &[a, b, later, zero, a - b, a * 2.0]);
    let inputs: Parameters = [("seed", 1i64), ("step", 2)]
        .map(|(name, value)| (name.to_string(), Array::new([], vec![value]).unwrap()))
        .into_iter()
        .collect();
    let results = session(1).evaluate(&graph, &inputs, &[zero, a - b]).unwrap();
    assert!(results[0].to_f64().iter().all(|x| *x == 0.0));
    assert!(results[1].to_f64().iter().any(|x| *x != 0.0));
}

#[test]
fn what_is_recomputed_is_computed_again() {
    let record = |again: bool| {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [9, 4]);
        let y = x.sum_axis(0); // a kernel of its own
        let role = if again { Role::Recompute { of: y.value().node } } else { Role::Forward };
        let z = graph.with_role(role, || x.sum_axis(0));
        let outputs = [y * 2.0, z * 3.0];
        right(&graph, &outputs);
        session(1).prepare(&graph, &outputs).unwrap().plan().kernels()
    };
    // Once: the sum, and one loop for both outputs. Again: both twice.
    assert_eq!((record(false), record(true)), (2, 4));
}

#[test]
fn a_plan_for_recomputing_is_not_the_plan_of_the_same_graph_without() {
    let mut session = session(1);
    for again in [false, true] {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [9, 4]);
        let y = x.sum_axis(0);
        let role = if again { Role::Recompute { of: y.value().node } } else { Role::Forward };
        let z = graph.with_role(role, || x.sum_axis(0));
        session.prepare(&graph, &[y, z]).unwrap();
    }
    assert_eq!(session.plans(), 2);
}

#[test]
fn a_new_value_that_is_read_as_rows_or_columns_elsewhere_is_right() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [5, 5]);
    let (r, c, m) = (
        at.parameter("r", [5, 1], 0.0),
        at.parameter("c", [5], 0.0),
        at.parameter("m", [5, 5], 0.0),
    );
    let new_r = (x * r + c).sum_axis(1);
    at.assign("r", new_r); // made row by row where the old one is read row by row
    let new_c = (x + new_r * c).sum_axis(0).reshape([5]);
    at.assign("c", new_c);
    let new_m = m * new_r + m.transpose() * new_c; // the old value is read in another order
    at.assign("m", new_m);
    right(&graph, &[x + new_r, x * new_c, new_m.sum_axis(0), r + c, m.sum_axis(1)]);
}

#[test]
fn a_state_read_whole_and_repeated_by_its_own_update_is_right() {
    for rows in [1, 3, 40] {
        let graph = Graph::new();
        let at = graph.root(Mode::Train);
        let s = at.parameter("s", [], 0.0);
        let v = at.parameter("v", [7], 0.0);
        let m = at.parameter("m", [rows, 7], 0.0);
        at.assign("s", s + (m * s).sum());
        at.assign("v", v * 0.5 + (m * v).sum_to([7]));
        at.assign("m", m * v + s + m.sum_axis(1) * 0.1);
        right(&graph, &[s * m, graph.current("m").unwrap().sum_axis(0)]);
    }
}

#[test]
fn states_assigned_to_states_inputs_constants_and_themselves_are_right() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [2, 3]);
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let [a, b, c, d, e, f, g, h, i] = names.map(|name| at.parameter(name, [2, 3], 0.0));
    at.assign("a", a); // itself
    at.assign("b", b.reshape([6]).reshape([2, 3])); // itself, by another name
    at.assign("c", a); // another
    at.assign("d", x); // an input
    at.assign("e", graph.constant(DType::F32, 1.5).broadcast_to([2, 3]));
    at.assign("f", x.reshape([3, 2]).transpose()); // movement
    at.assign("g", e); // the old value of one that is assigned
    at.assign("h", graph.current("e").unwrap()); // its new value
    at.assign("i", (x + 1.0).detach());
    let once = graph.current("i").unwrap();
    at.assign("c", graph.current("c").unwrap() + once); // twice: the last one counts
    right(&graph, &[a, b, c, d, e, f, g, h, i, x]);
    let session = right(&graph, &[]);
    assert_eq!(session.value("e").unwrap().to_f64(), [1.5; 6]);
}

#[test]
fn one_value_in_two_states_and_two_outputs_is_right() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [3, 4]);
    let [a, b] = ["a", "b"].map(|name| at.parameter(name, [3, 4], 0.0));
    let new = a * x + b;
    at.assign("a", new);
    at.assign("b", new);
    right(&graph, &[new, new, new.reshape([4, 3]), new.reshape([12]).reshape([3, 4]), a]);
    right(&graph, &[]);
}

#[test]
fn states_that_need_each_others_old_values_in_a_ring_are_right() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let ring: Vec<_> = (0..6).map(|n| at.parameter(&format!("s{n}"), [8, 8], 0.0)).collect();
    for n in 0..6 {
        let (before, after) = (ring[(n + 5) % 6], ring[(n + 1) % 6]);
        let new = match n % 3 {
            0 => before.matmul(after) * 0.2 + ring[n],
            1 => before + after.transpose(),
            _ => before * after.sum_axis(0) * 0.1,
        };
        at.assign(&format!("s{n}"), new);
    }
    right(&graph, &[ring[0] + ring[3]]);
}

#[test]
fn inputs_and_constants_can_be_outputs_as_they_are_and_moved() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [2, 3]);
    let n = graph.input("n", DType::I64, [2]);
    let c = graph.constant(DType::F64, 2.5);
    let flag = graph.constant(DType::Bool, 1.0);
    right(
        &graph,
        &[
            x,
            x,
            x.reshape([6]),
            x.transpose(),
            x.detach(),
            n,
            c,
            c,
            c.broadcast_to([2, 2]),
            c.broadcast_to([2, 2]).transpose().reshape([4]),
            flag.broadcast_to([3]),
            graph.constant(DType::I64, -7.0),
            x.broadcast_to([2, 2, 3]),
            graph.iota([2, 3], 0),
            graph.iota([3], 0),
        ],
    );
}

#[test]
fn both_results_of_a_maximum_can_be_asked_for_alone_together_and_moved() {
    for which in 0..4 {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [3, 4, 5]);
        let (value, index) = x.max_with_index(1);
        let (value_again, index_again) = x.max_with_index(1); // the same node once more
        let outputs: &[Tensor<'_>] = match which {
            0 => &[value],
            1 => &[index],
            2 => &[index, value, index, value],
            _ => &[
                index.reshape([5, 3]).transpose(),
                value.broadcast_to([3, 4, 5]) - x,
                index.broadcast_to([3, 4, 5]).cast(DType::F32) * x,
                index_again + index,
                value_again + value,
                graph.iota([3, 4, 5], 1).equal(index),
            ],
        };
        right(&graph, outputs);
    }
}

#[test]
fn ties_and_nan_in_maxima_choose_as_the_reference_does() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [3, 4]);
    let (value, index) = x.max_with_index(1);
    let slope = grad(x.max_axis(1).sum(), &[x])[0];
    let nan = f32::NAN;
    let rows = [[1.0, 1.0, 0.0, 1.0], [nan, 5.0, nan, 1.0], [-0.0, 0.0, -0.0, f32::NEG_INFINITY]];
    let inputs: Parameters =
        [("x".to_string(), Array::new([3, 4], rows.concat()).unwrap())].into_iter().collect();
    let results = session(1).evaluate(&graph, &inputs, &[value, index, slope, x.max()]).unwrap();
    assert_eq!(results[1].as_i64().unwrap(), [0, 0, 0]);
    assert!(results[0].to_f64()[1].is_nan() && results[3].to_f64()[0].is_nan());
    let third = f64::from(1.0f32 / 3.0);
    assert_eq!(results[2].to_f64()[..4], [third, third, 0.0, third]);
}

#[test]
fn kernels_join_only_where_all_that_they_read_is_there() {
    // Two chains over the same rows that meet again and again through products and moves.
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [6, 6]);
    let (mut a, mut b) = (x.tanh(), x.sin());
    let mut outputs = Vec::new();
    for round in 0..12 {
        let product = a.matmul(b) * 0.3;
        a = (b + product.max_axis(1)).tanh() - a.sum_axis(0) * 0.1;
        b = match round % 3 {
            0 => (a.transpose() + b).cos(),
            1 => a.slice(0, 1..6).concatenate(&[b.slice(0, 0..1)], 0) * product,
            _ => b - a.permute(&[1, 0]).sum_axis(1),
        };
        outputs.push(a.sum_axis(1) + x.sum_axis(1));
    }
    outputs.extend([a, b]);
    right(&graph, &outputs);
}

#[test]
fn loops_at_the_bound_of_their_members_and_looking_far_back_are_right() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [4, 9]);
    let v = graph.input("v", DType::F32, [9]);
    let mut y = x;
    let mut outputs = Vec::new();
    for n in 0..130 {
        y = match n % 5 {
            0 => (y + v).tanh(),
            1 => y * x - y.sum_axis(1) * 0.01,
            2 => y.greater(x).select(y, x * v),
            3 => y - v * 0.5,
            _ => y * 0.9 + x,
        };
        if n % 40 == 0 {
            outputs.push(y);
        }
    }
    // Many small kernels between a value and its next use.
    let early = x.exp();
    let mut small = graph.input("small", DType::F32, [3, 3]);
    for _ in 0..80 {
        small = small.matmul(small) * 0.1 + 0.1;
    }
    outputs.extend([y, early + small.sum(), early.sum_axis(1) + small.sum()]);
    right(&graph, &outputs);
}

#[test]
fn chains_of_movement_are_one_movement_or_the_right_ones() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [2, 3, 4]);
    right(
        &graph,
        &[
            x.permute(&[2, 0, 1]).permute(&[1, 2, 0]),
            x.permute(&[2, 0, 1]).permute(&[2, 0, 1]),
            x.permute(&[1, 0, 2]).reshape([3, 8]).transpose(),
            x.reshape([6, 4]).transpose().reshape([4, 2, 3]).permute(&[1, 2, 0]),
            x.slice(2, 1..3).reshape([12]).broadcast_to([2, 12]).transpose(),
            x.sum_axis(0).broadcast_to([5, 1, 3, 4]).broadcast_to([5, 2, 3, 4]),
            x.broadcast_to([1, 2, 3, 4]).permute(&[3, 1, 0, 2]).sum_axis(2),
            x.slice_to(&[1, 2, 0], &[1, 1, 3], [1, 1, 2].into()).embed(
                &[0, 0, 1],
                &[9, 9, 2],
                [1, 1, 4],
            ),
            x.concatenate(&[x.slice(1, 0..1), x], 1).slice(1, 2..6),
            x.reshape([2, 12]).embed(&[1, 0], &[3, 2], [5, 24]) + 1.0,
            x.slice_to(&[1, 0, 3], &[usize::MAX, 1, usize::MAX], [1, 3, 1].into()),
            x.permute(&[0, 1, 2]).detach().reshape([2, 3, 4]) + x,
        ],
    );
}

#[test]
fn products_of_what_was_made_moved_or_transposed_are_right() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [4, 5]);
    let b = graph.input("b", DType::F32, [3, 4, 5]);
    let t = x.tanh().transpose();
    right(
        &graph,
        &[
            x.matmul(t),
            t.matmul(x.tanh()),
            t.transpose().matmul(t),
            x.reshape([5, 4]).matmul(x),
            b.matmul(b.transpose()).sum_axis(0),
            b.permute(&[0, 2, 1]).matmul(b),
            b.permute(&[1, 2, 0]).matmul(b.permute(&[1, 0, 2])),
            x.sum_axis(1).matmul(x.sum_axis(0)),
            x.max_with_index(1).0.matmul(x.slice(0, 0..1)),
            x.scalar(2.0).broadcast_to([2, 4]).matmul(x),
            b.matmul(t),
        ],
    );
}

#[test]
fn numbers_of_rows_that_repeat_add_up_in_order() {
    let graph = Graph::new();
    let table = graph.input("table", DType::F32, [4, 3]);
    let ids = graph.input("ids", DType::I64, [2, 5]);
    let rows = table.gather(ids);
    let loss = (rows.square() * 0.5).sum();
    let slope = grad(loss, &[table])[0];
    let second = grad(slope.square().sum(), &[table])[0];
    right(
        &graph,
        &[
            rows,
            rows.scatter_add(ids, 3),
            slope,
            second,
            table.gather(ids.reshape([10]).slice(0, 3..4)),
            graph.iota([4], 0).gather(ids),
            ids.scatter_add(ids, 3),
        ],
    );
}

#[test]
fn long_rows_with_rows_and_columns_beside_them_are_right() {
    for columns in [600, 1030, 9000] {
        let graph = Graph::new();
        let at = graph.root(Mode::Train);
        let x = graph.input("x", DType::F32, [3, columns]);
        let g = at.parameter("g", [columns], 0.0);
        let s = at.parameter("s", [3, 1], 0.0);
        let y = x * g + s; // rows and columns, nothing reduced
        let normal = (y - y.mean_axis(1)) * (y.square().mean_axis(1) + 1.0).sqrt().recip();
        let loss = (normal * x).mean();
        let slopes = grad(loss, &[g, s]);
        at.assign("g", g - slopes[0]);
        at.assign("s", s - slopes[1]);
        right(&graph, &[y, normal, loss, slopes[0], slopes[1], y.max_axis(1) + s]);
    }
}
