//! Sorting, sums up to each element and windows at a position of the run: what they mean at the
//! corners, in every type, on any number of threads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use glassbox_engine::random::Stream;
use glassbox_engine::reference::Evaluation;
use glassbox_engine::{
    Array, DType, Data, Graph, Mode, Options, Parameters, Session, Tensor, grad,
};

fn session(threads: usize) -> Session {
    Session::new(Options { threads, ..Options::default() }).unwrap()
}

fn given(values: &[(&str, Array)]) -> Parameters {
    values.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}

fn bits(array: &Array) -> Vec<u64> {
    match array.data() {
        Data::I64(values) => values.iter().map(|&x| x as u64).collect(),
        _ => array.to_f64().iter().map(|x| x.to_bits()).collect(),
    }
}

/// Results on one thread, after they were found to be those of three threads to the bit, and those of
/// the reference within rounding.
#[track_caller]
fn agree(graph: &Graph, inputs: &Parameters, outputs: &[Tensor<'_>]) -> Vec<Array> {
    graph.check().unwrap();
    let results = session(1).evaluate(graph, inputs, outputs).unwrap();
    for (one, three) in results.iter().zip(session(3).evaluate(graph, inputs, outputs).unwrap()) {
        assert_eq!(bits(one), bits(&three), "depends on threads");
    }
    let truth = Evaluation::new(graph, inputs, &Parameters::new(), outputs).unwrap();
    for (tensor, result) in outputs.iter().zip(&results) {
        let want = truth.value(*tensor).unwrap();
        let scale = want.iter().filter(|x| x.is_finite()).fold(1f64, |m, x| m.max(x.abs()));
        assert_eq!(result.data().len(), want.len());
        for (i, (got, want)) in result.to_f64().iter().zip(want).enumerate() {
            let near = (got - want).abs() <= 1e-5 * scale;
            assert!(near || got == want || got.is_nan() && want.is_nan(), "[{i}]: {got}, {want}");
        }
    }
    results
}

/// Few different numbers, so that many are equal.
fn some(dtype: DType, sizes: &[usize], different: u32) -> Array {
    let stream = Stream::new(5, "some", 0);
    let n: usize = sizes.iter().product();
    let values: Vec<f64> =
        (0..n as u64).map(|i| f64::from(stream.bits(i) % different) - 100.0).collect();
    Array::from_f64(dtype, sizes.to_vec(), &values).unwrap()
}

#[test]
fn equal_numbers_keep_their_order_and_nan_counts_as_the_largest() {
    let nan = f32::NAN;
    let numbers = [2.0, nan, -0.0, f32::INFINITY, 0.0, -1.5, f32::NEG_INFINITY, -nan, 2.0, -1.5];
    for dtype in [DType::F32, DType::F64] {
        let graph = Graph::new();
        let x = graph.input("x", dtype, [10]);
        let (up, down) = (x.sort(0), x.top_k(10, 0));
        let values = numbers.map(f64::from);
        let inputs = given(&[("x", Array::from_f64(dtype, [10], &values).unwrap())]);
        let results = agree(&graph, &inputs, &[up.0, up.1, down.0, down.1, x.argsort(0)]);
        let ascending = [6i64, 5, 9, 2, 4, 0, 8, 3, 1, 7];
        let descending = [1i64, 7, 3, 0, 8, 2, 4, 5, 9, 6];
        assert_eq!(results[1].as_i64().unwrap(), ascending);
        assert_eq!(results[3].as_i64().unwrap(), descending);
        assert_eq!(results[4], results[1]);
        // The numbers themselves, −0 and the signs of NaN as they were.
        let moved: Vec<u64> = ascending.iter().map(|&i| values[i as usize].to_bits()).collect();
        assert_eq!(bits(&results[0]), moved);
    }
}

#[test]
fn integers_are_ordered_exactly_to_their_ends() {
    let graph = Graph::new();
    let x = graph.input("x", DType::I64, [6]);
    let numbers = [i64::MAX, i64::MIN, 0, i64::MAX - 1, -1, i64::MIN + 1];
    let inputs = given(&[("x", Array::vector(numbers))]);
    let outputs = [x.sort(0).0, x.top_k(2, 0).1, x.argmin(0), x.min_with_index(0).0];
    let results = session(1).evaluate(&graph, &inputs, &outputs).unwrap();
    let sorted = [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX];
    assert_eq!(results[0].as_i64().unwrap(), sorted);
    assert_eq!(results[1].as_i64().unwrap(), [0, 3]);
    assert_eq!(results[2].as_i64().unwrap(), [1]);
    assert_eq!(results[3].as_i64().unwrap(), [i64::MIN]);
}

#[test]
fn order_and_sums_are_right_at_every_size_and_axis() {
    let shapes: [&[usize]; 9] = [
        &[1],
        &[1, 1, 1],
        &[0],
        &[3, 0, 2],
        &[0, 4],
        &[5, 7, 3],
        &[40, 300, 2],
        &[3, 2, 9000],
        &[20_000],
    ];
    for shape in shapes {
        for dtype in [DType::F32, DType::F64, DType::I64] {
            let graph = Graph::new();
            let x = graph.input("x", dtype, shape.to_vec());
            let mut outputs = Vec::new();
            for (axis, &size) in shape.iter().enumerate() {
                let axis = axis as isize;
                for k in [0, size / 3, size] {
                    let (values, indices) = x.top_k(k, axis);
                    outputs.extend([values, indices]);
                }
                outputs.extend([x.sort(axis).0, x.sort(axis).1, x.cumulative_sum(axis)]);
                if dtype.is_float() {
                    // The reversed sum and the way back of an order.
                    let y = x.cumulative_sum(axis) * x + x.top_k(size / 2, axis).0.sum();
                    outputs.push(grad(y.sum(), &[x])[0] * 1e-3);
                }
            }
            agree(&graph, &given(&[("x", some(dtype, shape, 211))]), &outputs);
        }
    }
}

#[test]
fn long_sums_in_f32_round_each_number_once() {
    let n = 200_000;
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [n]);
    let inputs = given(&[("x", Array::vector(vec![0.1f32; n]))]);
    let results = agree(&graph, &inputs, &[x.cumulative_sum(0)]);
    for (i, &got) in results[0].as_f32().unwrap().iter().enumerate() {
        // 0.1f32 · (i + 1) needs fewer than 53 bits.
        assert_eq!(got, (f64::from(0.1f32) * (i + 1) as f64) as f32, "[{i}]");
    }
    let graph = Graph::new();
    let x = graph.input("x", DType::I64, [3]);
    let inputs = given(&[("x", Array::vector([i64::MAX, 1, 5]))]);
    let sums = session(1).evaluate(&graph, &inputs, &[x.cumulative_sum(0)]).unwrap();
    assert_eq!(sums[0].as_i64().unwrap(), [i64::MAX, i64::MIN, i64::MIN + 5]);
}

/// Position `p` as an input.
fn at(position: i64) -> (&'static str, Array) {
    ("p", Array::new([], vec![position]).unwrap())
}

#[test]
fn windows_are_right_at_every_position_axis_and_type() {
    for dtype in [DType::F32, DType::F64, DType::I64, DType::Bool] {
        for shape in [vec![4, 3, 2], vec![2, 5000, 8], vec![1], vec![3, 0, 2]] {
            for axis in 0..shape.len() {
                let whole = shape[axis];
                for part in [0, whole.min(1), whole / 2, whole] {
                    for position in [0, (whole - part) / 2, whole - part] {
                        let graph = Graph::new();
                        let p = graph.input("p", DType::I64, []);
                        let x = graph.input("x", dtype, shape.clone());
                        let mut window = shape.clone();
                        window[axis] = part;
                        let v = graph.input("v", dtype, window.clone());
                        let a = axis as isize;
                        let updated = x.update_slice(v, p, a);
                        let outputs =
                            [x.slice_at(p, part, a), updated, updated.slice_at(p, part, a)];
                        let inputs = given(&[
                            at(position as i64),
                            ("x", some(dtype, &shape, 300)),
                            ("v", some(dtype, &window, 7)),
                        ]);
                        let results = agree(&graph, &inputs, &outputs);
                        assert_eq!(results[2], *inputs.get("v").unwrap(), "what was written");
                    }
                }
            }
        }
    }
}

#[test]
fn a_window_that_would_leave_its_axis_is_an_error_that_names_the_line() {
    let graph = Graph::new();
    let p = graph.input("p", DType::I64, []);
    let x = graph.input("x", DType::F32, [5, 2]);
    let v = graph.input("v", DType::F32, [3, 2]);
    let zeros = |position| {
        let zeros = |sizes: [usize; 2]| Array::zeros(DType::F32, sizes);
        given(&[at(position), ("x", zeros([5, 2])), ("v", zeros([3, 2]))])
    };
    for output in [x.slice_at(p, 3, 0), x.update_slice(v, p, 0)] {
        for (position, fine) in [(-1, false), (0, true), (2, true), (3, false), (i64::MIN, false)] {
            let planned = session(1).evaluate(&graph, &zeros(position), &[output]);
            let truth =
                Evaluation::new(&graph, &zeros(position), &Parameters::new(), &[output]).map(drop);
            assert_eq!((planned.is_ok(), truth.is_ok()), (fine, fine), "{position}");
            if let Err(error) = planned {
                let words = error.to_string();
                assert!(
                    words.contains(&format!("position {position} is outside 0 to 2")),
                    "{words}"
                );
                assert!(words.contains("order_and_windows.rs:"), "{words}");
            }
        }
    }
}

/// A cache of 6 rows, written at a position that counts up.
fn cache<'g>(graph: &'g Graph) -> (Tensor<'g>, Tensor<'g>) {
    let at = graph.root(Mode::Eval);
    let cache = at.state("cache", DType::F32, [6, 2], 0.0);
    let step = at.state("step", DType::I64, [], 0.0);
    at.assign("step", step + 1.0);
    let row = graph.input("row", DType::F32, [1, 2]);
    at.assign("cache", cache.update_slice(row * 2.0, step, 0));
    (cache, graph.current("cache").unwrap())
}

fn rows(session: &mut Session, graph: &Graph, outputs: &[Tensor<'_>]) -> Vec<Vec<Array>> {
    session.load(graph.initial_values(0));
    let row = |i: usize| Array::new([1, 2], [i as f32, 10.0 + i as f32]).unwrap();
    (0..3).map(|i| session.evaluate(graph, &given(&[("row", row(i))]), outputs).unwrap()).collect()
}

const WRITTEN: [f32; 12] = [0., 20., 2., 22., 4., 24., 0., 0., 0., 0., 0., 0.];

#[test]
fn a_state_that_is_its_own_update_is_written_in_place_and_costs_the_window() {
    let graph = Graph::new();
    let (_, new) = cache(&graph);
    let outputs = [new.sum_axis(0)]; // reads the new value
    let mut session = session(1);
    rows(&mut session, &graph, &outputs);
    assert_eq!(session.value("cache").unwrap().as_f32().unwrap(), WRITTEN);
    let prepared = session.prepare(&graph, &outputs).unwrap();
    let text = prepared.plan().to_string();
    assert!(text.contains("cache = update_slice 1 of 6") && !text.contains("cache = move"));
    let steps = prepared.plan().steps(&graph);
    let update = steps.iter().find(|s| s.kernel == "update_slice").unwrap();
    assert_eq!((update.bytes_read, update.bytes_written), (8 + 8, 8), "a row and the position");
}

#[test]
fn an_old_value_that_is_needed_after_its_update_survives() {
    let graph = Graph::new();
    let (old, new) = cache(&graph);
    // Read after the update by what the update feeds.
    let difference = new.sum() * old;
    let mut session = session(1);
    let results = rows(&mut session, &graph, &[difference, old, new]);
    assert_eq!(session.value("cache").unwrap().as_f32().unwrap(), WRITTEN);
    assert_eq!(results[1][0].as_f32().unwrap()[..4], [0.0, 44.0 * 20.0, 0.0, 0.0]);
    assert_eq!(results[2][1].as_f32().unwrap()[..6], [0., 20., 2., 22., 0., 0.]);
    assert_eq!(results[2][2].as_f32().unwrap(), WRITTEN);
}

#[test]
fn a_window_of_the_target_itself_and_several_windows_are_right() {
    for outputs_too in [false, true] {
        let graph = Graph::new();
        let at = graph.root(Mode::Eval);
        let x = at.state("x", DType::F32, [6], 0.0);
        let two = graph.constant(DType::I64, 2.0);
        let swapped = x.update_slice(x.slice(0, 0..3), two, 0); // 0 1 0 1 2 5
        let again =
            swapped.update_slice(swapped.slice(0, 3..5), graph.constant(DType::I64, 0.0), 0);
        let whole = again.update_slice(again, graph.constant(DType::I64, 0.0), 0);
        at.assign("x", whole);
        let outputs = if outputs_too { vec![x, swapped, again] } else { Vec::new() };
        let mut session = session(2);
        session.set("x", &Array::vector([0f32, 1., 2., 3., 4., 5.]));
        let results = session.evaluate(&graph, &Parameters::new(), &outputs).unwrap();
        let expected = [1f32, 2., 0., 1., 2., 5.];
        assert_eq!(session.value("x").unwrap().as_f32().unwrap(), expected);
        if outputs_too {
            assert_eq!(results[0].as_f32().unwrap(), [0., 1., 2., 3., 4., 5.]);
            assert_eq!(results[1].as_f32().unwrap(), [0., 1., 0., 1., 2., 5.]);
            assert_eq!(results[2].as_f32().unwrap(), expected);
        }
    }
}

#[test]
fn a_donated_buffer_and_a_dead_result_take_a_window_in_place() {
    let graph = Graph::new();
    let p = graph.input("p", DType::I64, []);
    let x = graph.input("x", DType::F32, [5, 3]);
    let v = graph.input("v", DType::F32, [1, 3]);
    let mut session = session(1);
    let donated = session.prepare_donating(&graph, &[], &[(x, x.update_slice(v, p, 0))]).unwrap();
    let text = donated.plan().to_string();
    assert!(text.contains("x = update_slice") && !text.contains("move"), "{text}");
    let mut inputs = donated.inputs();
    inputs[0].write(&at(4).1).unwrap();
    inputs[2].write(&Array::new([1, 3], [1f32, 2., 3.]).unwrap()).unwrap();
    session.run(&donated, &mut inputs, &mut []).unwrap();
    assert_eq!(inputs[1].as_slice::<f32>().unwrap()[9..], [0., 0., 0., 1., 2., 3.]);

    // The derivative of a read: zeros, and the window written into them.
    let slope = grad(x.slice_at(p, 2, 0).square().sum(), &[x])[0];
    let plan = session.prepare(&graph, &[slope.sum_axis(0)]).unwrap();
    let update =
        plan.plan().steps(&graph).into_iter().find(|s| s.kernel == "update_slice").unwrap();
    assert_eq!(update.bytes_written, 2 * 3 * 4, "{}", plan.plan());
}

#[test]
fn labels_outside_the_classes_are_rows_of_zeros_in_every_type() {
    let graph = Graph::new();
    let labels = graph.input("labels", DType::I64, [2, 2]);
    let inputs = given(&[("labels", Array::new([2, 2], vec![0i64, 3, -1, i64::MAX]).unwrap())]);
    let rows = labels.one_hot(3);
    assert_eq!(rows.shape().sizes(), [2, 2, 3]);
    let results = agree(&graph, &inputs, &[rows, labels.one_hot(0)]);
    assert_eq!(results[0].as_f32().unwrap(), [1., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0.]);
    assert!(results[1].data().is_empty());
}

#[test]
fn clamping_keeps_nan_and_prefers_the_upper_end() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [4]);
    let inputs = given(&[("x", Array::vector([f32::NAN, f32::NEG_INFINITY, 0.5, 9.0]))]);
    let results = agree(&graph, &inputs, &[x.clamp(-1.0, 1.0), x.clamp(2.0, 1.0)]);
    let clamped = results[0].as_f32().unwrap();
    assert!(clamped[0].is_nan() && results[1].as_f32().unwrap()[0].is_nan());
    assert_eq!(clamped[1..], [-1.0, 0.5, 1.0]);
    assert_eq!(results[1].as_f32().unwrap()[1..], [1.0; 3]);
}

/// What `explain` reads: the column of an element's local slopes, by which any adjoint comes back.
#[test]
fn local_slopes_times_upstream_are_the_gradient() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F64, [3, 4, 2]);
    let v = graph.input("v", DType::F64, [3, 2, 2]);
    let p = graph.input("p", DType::I64, []);
    let inputs = given(&[
        at(1),
        ("x", some(DType::F64, &[3, 4, 2], 9)),
        ("v", some(DType::F64, &[3, 2, 2], 9)),
    ]);
    for y in [
        x.sort(1).0,
        x.top_k(2, 0).0,
        x.top_k(2, 2).0,
        x.cumulative_sum(1),
        grad(x.cumulative_sum(0).square().sum(), &[x])[0], // ends with a sum from the other end
        x.slice_at(p, 2, 1),
        x.update_slice(v, p, 1),
    ] {
        let consumer = y.value().node as usize;
        let node = graph.node(consumer).unwrap();
        let up = graph.iota(y.shape(), 0).cast(DType::F64) * 0.3
            + graph.iota(y.shape(), y.rank() - 1).cast(DType::F64).sin();
        for (argument, &value) in node.args.iter().enumerate() {
            let of = graph.tensor(value).unwrap();
            if !of.dtype().is_float() {
                continue;
            }
            let slope = grad((y * up).sum(), &[of])[0];
            let asked = [y, slope, up, of];
            let run = Evaluation::new(&graph, &inputs, &Parameters::new(), &asked).unwrap();
            let up = run.value(up).unwrap();
            for (element, want) in run.value(slope).unwrap().iter().enumerate() {
                let column = run.local_column(consumer, argument, element).unwrap();
                let got: f64 = column.iter().map(|&(_, to, slope)| up[to] * slope).sum();
                assert!((got - want).abs() < 1e-12, "{}, {argument}[{element}]", node.op);
            }
        }
    }
}
