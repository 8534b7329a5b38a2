//! What plans look like and that what they leave behind is right: fusion, updates in place, copies,
//! donation, the cache, limits and odd shapes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use glassbox_engine::reference::Evaluation;
use glassbox_engine::{
    Array, DType, Data, Error, Graph, Mode, Options, Parameters, Scope, Session, Tensor, grad,
};

fn session() -> Session {
    Session::new(Options { threads: 1, ..Options::default() }).unwrap()
}

fn array(sizes: &[usize], values: impl Into<Data>) -> Array {
    Array::new(sizes.to_vec(), values).unwrap()
}

fn given(values: &[(&str, Array)]) -> Parameters {
    values.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}

/// Some numbers, all different.
fn some(dtype: DType, sizes: &[usize]) -> Array {
    let n: usize = sizes.iter().product();
    let values: Vec<f64> = (0..n).map(|i| ((i * 7919 + 13) % 101) as f64 / 10.0 - 5.0).collect();
    Array::from_f64(dtype, sizes.to_vec(), &values).unwrap()
}

/// Log-softmax, cross entropy and its mean (labels as numbers).
fn cross_entropy<'g>(logits: Tensor<'g>, labels: Tensor<'g>) -> Tensor<'g> {
    let rows = logits.dim(0);
    let shifted = logits - logits.max_axis(-1).detach();
    let log_p = shifted - shifted.exp().sum_axis(-1).log();
    let chosen = logits.graph().iota(logits.shape(), 1).equal(labels.reshape([rows, 1]));
    -(chosen.select(log_p, log_p.full_like(0.0)).sum_axis(-1).sum() / rows as f64)
}

/// The derivatives of slices that fill an array are joined in one movement; of slices that overlap or
/// leave gaps they are summed.
#[test]
fn derivatives_of_slices_are_joined_where_they_fill_the_whole() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [6, 12]);
    let sum = |parts: &[(usize, std::ops::Range<usize>)]| {
        let terms = parts.iter().map(|(axis, range)| {
            let part = x.slice(*axis as isize, range.clone());
            (part * part * (range.start + 1) as f64).sum()
        });
        terms.reduce(|a, b| a + b).unwrap()
    };
    let joined = sum(&[(1, 4..9), (1, 0..4), (1, 9..12)]);
    let others = [
        sum(&[(1, 0..4), (1, 4..9), (1, 8..12)]),
        sum(&[(1, 0..4), (1, 5..12)]),
        sum(&[(1, 0..6), (1, 6..11)]),
        sum(&[(1, 0..6), (0, 3..6)]),
        sum(&[(0, 0..3), (0, 3..6), (0, 0..3)]),
        sum(&[(1, 1..6), (1, 6..12)]),
        x.slice(1, 0..4).sum() + x.slice(1, 4..12).square().sum() + x.square().sum(),
    ];
    let inputs = given(&[("x", some(DType::F32, &[6, 12]))]);
    for loss in [&[joined][..], &others].concat() {
        let slope = grad(loss, &[x]);
        let found = session().evaluate(&graph, &inputs, &slope).unwrap();
        let truth = Evaluation::new(&graph, &inputs, &Parameters::new(), &slope).unwrap();
        let truth = truth.value(slope[0]).unwrap();
        for (a, b) in found[0].to_f64().iter().zip(truth) {
            assert!((a - b).abs() < 1e-4, "{a} is not {b}\n{graph}");
        }
    }
    let plan = session().prepare(&graph, &grad(joined, &[x])).unwrap().plan().to_string();
    assert!(plan.contains("out0 = move  (@"), "{plan}");
}

/// A network of two layers and a step of gradient descent with momentum.
fn mlp_step(graph: &Graph) -> Tensor<'_> {
    let at = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [128, 784]);
    let labels = graph.input("labels", DType::I64, [128]);
    let layer = |at: Scope<'_>, from: usize, to: usize| {
        at.parameter("weight", [from, to], 0.1);
        at.parameter("bias", [to], 0.0);
    };
    layer(at.child("fc1"), 784, 32);
    layer(at.child("fc2"), 32, 10);
    let now = |path: &str| graph.current(path).unwrap();
    let h = (x.matmul(now("fc1/weight")) + now("fc1/bias")).relu();
    let loss = cross_entropy(h.matmul(now("fc2/weight")) + now("fc2/bias"), labels);
    let parameters = graph.parameters();
    let tensors: Vec<_> = parameters.iter().map(|(_, tensor)| *tensor).collect();
    for ((path, w), slope) in parameters.iter().zip(grad(loss, &tensors)) {
        let velocity = at.state(&format!("{path}/velocity"), DType::F32, w.shape(), 0.0);
        let velocity = velocity * 0.9 + slope;
        at.assign(&format!("{path}/velocity"), velocity);
        at.assign(path, *w - velocity * 0.01);
    }
    loss
}

/// The lines of a printed plan that are kernels, without their instructions.
fn kernels(text: &str) -> Vec<&str> {
    let is_kernel = |line: &&str| line.trim_start().starts_with(|c: char| c.is_ascii_digit());
    text.lines().filter(|line| line.starts_with("  ")).filter(is_kernel).collect()
}

#[test]
fn a_printed_plan_names_its_slots_and_every_kernel_with_sizes_and_nodes() {
    let graph = Graph::new();
    let loss = mlp_step(&graph);
    let mut session = session();
    session.load(graph.initial_values(0));
    let prepared = session.prepare(&graph, &[loss]).unwrap();
    let text = prepared.plan().to_string();
    for line in [
        "  input  x: f32 [128, 784]",
        "  input  labels: i64 [128]",
        "  state  fc1/weight: f32 [784, 32], written",
        "  output out0: f32 []",
    ] {
        assert!(text.lines().any(|l| l == line), "`{line}` is not in\n{text}");
    }
    let list = kernels(&text);
    // The updates of both biases run side by side.
    assert_eq!(list.len(), prepared.plan().kernels() + 2, "one line a kernel:\n{text}");
    let names = |line: &&str| line.contains(" = ") || line.contains("2 side by side");
    assert!(list.iter().all(|line| names(line) && line.contains("  for %")), "{text}");
    assert!(list.iter().any(|l| l.contains("matmul [128, 784] × [784, 32]  x · fc1/weight")));
    // Forward 2, of the weights 2, of the hidden layer 1; times 2 · batch · in · out.
    let products = 2 * 128 * (784 * 32 * 2 + 32 * 10 * 3);
    assert_eq!(list.iter().filter(|line| line.contains("matmul")).count(), 5);
    assert_eq!(prepared.plan().operations(), products);
}

#[test]
fn softmax_cross_entropy_and_its_gradient_are_one_loop() {
    let graph = Graph::new();
    let logits = graph.input("logits", DType::F32, [128, 10]);
    let loss = cross_entropy(logits, graph.input("labels", DType::I64, [128]));
    let slope = grad(loss, &[logits])[0];
    let prepared = session().prepare(&graph, &[loss, slope]).unwrap();
    let text = prepared.plan().to_string();
    let loops: Vec<_> =
        kernels(&text).into_iter().filter(|l| l.contains("loop [128, 10]")).collect();
    assert_eq!(loops.len(), 1, "{text}");
    // Beside it, the indices 0..10 and the sum over the batch.
    assert_eq!(prepared.plan().kernels(), 3, "{text}");
    assert!(loops[0].contains("out1"), "the gradient goes straight to its output:\n{text}");

    let inputs = given(&[
        ("logits", some(DType::F32, &[128, 10])),
        ("labels", array(&[128], (0..128).map(|i| i % 10).collect::<Vec<i64>>())),
    ]);
    let results = session().evaluate(&graph, &inputs, &[loss, slope]).unwrap();
    let truth = Evaluation::new(&graph, &inputs, &Parameters::new(), &[loss, slope]).unwrap();
    close(&results[0], truth.value(loss).unwrap(), 1e-5);
    close(&results[1], truth.value(slope).unwrap(), 1e-5);
}

#[track_caller]
fn close(result: &Array, truth: &[f64], tolerance: f64) {
    assert_eq!(result.data().len(), truth.len());
    for (i, (got, want)) in result.to_f64().iter().zip(truth).enumerate() {
        assert!(got == want || (got - want).abs() <= tolerance, "[{i}]: {got}, not {want}");
    }
}

#[test]
fn an_optimisers_update_is_one_pass_in_place_behind_its_product() {
    let graph = Graph::new();
    let loss = mlp_step(&graph);
    let mut session = session();
    session.load(graph.initial_values(0));
    let text = session.prepare(&graph, &[loss]).unwrap().plan().to_string();
    let of = |path: &str| if path.ends_with("bias") { "loop" } else { "matmul" };
    for path in ["fc1/weight", "fc1/bias", "fc2/weight", "fc2/bias"] {
        let wanted = format!("{path}/velocity, {path} = {}", of(path));
        let updates = kernels(&text).into_iter().filter(|l| l.contains(&wanted)).count();
        assert_eq!(updates, 1, "{wanted}:\n{text}");
    }
    assert!(!text.contains("= move"), "nothing is copied:\n{text}");
}

#[test]
fn swapped_states_hold_each_others_values() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let (a, b) = (at.parameter("a", [2], 0.0), at.parameter("b", [2], 0.0));
    at.assign("a", b);
    at.assign("b", a);
    let mut session = session();
    session.load(given(&[("a", array(&[2], [1f32, 2.])), ("b", array(&[2], [3f32, 4.]))]));
    session.evaluate(&graph, &Parameters::new(), &[]).unwrap();
    assert_eq!(session.value("a").unwrap(), array(&[2], [3f32, 4.]));
    assert_eq!(session.value("b").unwrap(), array(&[2], [1f32, 2.]));
    session.evaluate(&graph, &Parameters::new(), &[]).unwrap();
    assert_eq!(session.value("a").unwrap(), array(&[2], [1f32, 2.]));
}

#[test]
fn a_rotation_of_three_states_and_of_values_made_of_them_is_right() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let [a, b, c] = ["a", "b", "c"].map(|name| at.parameter(name, [3], 0.0));
    at.assign("a", b * 2.0);
    at.assign("b", c + a);
    at.assign("c", a);
    let mut session = session();
    let one = |x: f32| array(&[3], [x, x, x]);
    session.load(given(&[("a", one(1.0)), ("b", one(10.0)), ("c", one(100.0))]));
    session.evaluate(&graph, &Parameters::new(), &[]).unwrap();
    let values = ["a", "b", "c"].map(|name| session.value(name).unwrap());
    assert_eq!(values, [one(20.0), one(101.0), one(1.0)]);
}

#[test]
fn a_state_read_after_its_next_value_is_made_is_copied_and_right() {
    let graph = Graph::new();
    let w = graph.root(Mode::Train).parameter("w", [3, 2], 0.0);
    let twice = w * 2.0;
    graph.assign("w", twice); // made, and read, before the product reads the old value
    let x = graph.input("x", DType::F32, [2, 3]);
    let y = x.matmul(w) + x.matmul(twice).sum() * 0.0;
    let mut session = session();
    let x = array(&[2, 3], [1f32, 0., 0., 0., 1., 0.]);
    session.load(given(&[("w", array(&[3, 2], [1f32, 2., 3., 4., 5., 6.]))]));
    let text = session.prepare(&graph, &[y]).unwrap().plan().to_string();
    assert!(text.contains("w = move"), "copied at the end:\n{text}");
    let results = session.evaluate(&graph, &given(&[("x", x)]), &[y]).unwrap();
    assert_eq!(results[0], array(&[2, 2], [1f32, 2., 3., 4.]));
    assert_eq!(session.value("w").unwrap(), array(&[3, 2], [2f32, 4., 6., 8., 10., 12.]));
}

#[test]
fn a_state_read_before_its_next_value_is_written_in_place() {
    let graph = Graph::new();
    let w = graph.root(Mode::Train).parameter("w", [3, 2], 0.0);
    let y = graph.input("x", DType::F32, [2, 3]).matmul(w);
    graph.assign("w", w - y.sum().broadcast_to([3, 2]));
    let mut session = session();
    session.load(graph.initial_values(0));
    let text = session.prepare(&graph, &[y]).unwrap().plan().to_string();
    assert!(!text.contains("move") && text.contains("w = loop"), "{text}");
}

#[test]
fn the_old_value_can_be_an_output_while_the_state_is_updated() {
    let graph = Graph::new();
    let w = graph.root(Mode::Train).parameter("w", [2], 0.0);
    graph.assign("w", w * 10.0);
    let new = graph.current("w").unwrap();
    let mut session = session();
    session.load(given(&[("w", array(&[2], [1f32, 2.]))]));
    let results = session.evaluate(&graph, &Parameters::new(), &[w, new, w]).unwrap();
    let [old, new] = [array(&[2], [1f32, 2.]), array(&[2], [10f32, 20.])];
    assert_eq!(results, [old.clone(), new.clone(), old]);
    assert_eq!(session.value("w").unwrap(), new);
}

#[test]
fn a_donated_input_holds_the_result_in_place_when_that_is_safe() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [2, 2]);
    let y = x * 2.0;
    let z = y + x;
    let mut session = session();
    let safe = session.prepare_donating(&graph, &[], &[(x, z)]).unwrap();
    let text = safe.plan().to_string();
    assert!(!text.contains("move") && text.contains("x = loop"), "{text}");
    assert!(text.contains("input  x: f32 [2, 2], written"), "{text}");
    let values = array(&[2, 2], [1f32, 2., 3., 4.]);
    let mut inputs = safe.inputs();
    inputs[0].write(&values).unwrap();
    session.run(&safe, &mut inputs, &mut []).unwrap();
    assert_eq!(inputs[0].read(), array(&[2, 2], [3f32, 6., 9., 12.]));

    // A product reads all of x for each of its elements.
    let product = x.matmul(x);
    let unsafe_in_place = session.prepare_donating(&graph, &[y], &[(x, product)]).unwrap();
    assert!(unsafe_in_place.plan().to_string().contains("x = move"));
    let (mut inputs, mut outputs) = (unsafe_in_place.inputs(), unsafe_in_place.outputs());
    inputs[0].write(&values).unwrap();
    session.run(&unsafe_in_place, &mut inputs, &mut outputs).unwrap();
    assert_eq!(inputs[0].read(), array(&[2, 2], [7f32, 10., 15., 22.]));
    assert_eq!(outputs[0].read(), array(&[2, 2], [2f32, 4., 6., 8.]));
}

#[test]
fn donations_that_make_no_sense_are_errors() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [2, 2]);
    let y = x * 2.0;
    let mut session = session();
    let mut error = |donated: &[(Tensor<'_>, Tensor<'_>)]| {
        session.prepare_donating(&graph, &[], donated).map(|_| ()).unwrap_err().to_string()
    };
    assert!(error(&[(y, x)]).contains("only an input"));
    assert!(error(&[(x, y.sum())]).contains("same type and size"));
    assert!(error(&[(x, y.cast(DType::F64))]).contains("same type and size"));
    assert!(error(&[(x, y), (x, y * 2.0)]).contains("donated twice"));
    let other = Graph::new();
    let stranger = other.input("x", DType::F32, [2, 2]);
    assert!(error(&[(x, stranger)]).contains("another graph"));
}

/// The key in a printed plan's first line.
fn key(session: &mut Session, graph: &Graph, outputs: &[Tensor<'_>]) -> String {
    let text = session.prepare(graph, outputs).unwrap().plan().to_string();
    text.split([' ', ':']).nth(1).unwrap().to_string()
}

#[test]
fn equal_structure_has_one_plan_and_other_structure_another() {
    let mut session = session();
    let mut keys = Vec::new();
    for (constant, columns, named, twice) in [
        (2.0, 3, false, false),
        (2.0, 3, true, false), // a name for display is no structure
        (0.0, 3, false, false),
        (-0.0, 3, false, false),
        (2.0, 4, false, false),
        (2.0, 3, false, true),
    ] {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [4, columns]);
        let y = (x * constant).exp().sum();
        let y = if named { y.named("energy") } else { y };
        keys.push(key(&mut session, &graph, &[if twice { y + y } else { y }]));
    }
    assert_eq!(keys[0], keys[1]);
    assert_eq!(session.plans(), 5, "{keys:?}");
    keys.remove(1);
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), 5, "{keys:?}");

    // What is asked for and in which order is structure too.
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [4]);
    let (y, z) = (x.exp(), x.log());
    assert_ne!(key(&mut session, &graph, &[y, z]), key(&mut session, &graph, &[z, y]));
    assert_ne!(key(&mut session, &graph, &[y]), key(&mut session, &graph, &[y, y]));
}

#[test]
fn the_cache_stays_under_its_bound_and_drops_the_plan_unused_for_longest() {
    let graphs: Vec<Graph> = (0..40).map(|_| Graph::new()).collect();
    let outputs: Vec<_> =
        (0..40).map(|n| graphs[n].input("x", DType::F32, [n + 1]).exp()).collect();
    // A bound that holds some of these plans, but not all.
    let mut session =
        Session::new(Options { threads: 1, plan_cache: 8 << 10, ..Options::default() }).unwrap();
    let first = session.prepare(&graphs[0], &[outputs[0]]).unwrap();
    session.prepare(&graphs[1], &[outputs[1]]).unwrap();
    for n in 2..40 {
        session.prepare(&graphs[n], &[outputs[n]]).unwrap();
        // The first is used all the time, so it stays.
        let again = session.prepare(&graphs[0], &[outputs[0]]).unwrap();
        assert!(std::ptr::eq(first.plan(), again.plan()), "dropped after {n}");
    }
    let held = session.plans();
    assert!((3..30).contains(&held), "{held} plans");
    let last = session.prepare(&graphs[39], &[outputs[39]]).unwrap();
    assert_eq!(session.plans(), held, "the latest is there");
    drop(last);
    session.prepare(&graphs[1], &[outputs[1]]).unwrap();
    assert!(session.plans() <= held, "the second had been dropped, and is made anew");
    // A plan that was dropped still runs.
    assert!(session.run(&first, &mut first.inputs(), &mut first.outputs()).is_ok());
}

#[test]
fn a_plan_beyond_the_memory_limit_is_refused_and_its_largest_result_named() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [1000, 10]);
    let wide = x.matmul(graph.root(Mode::Train).parameter("w", [10, 5000], 0.0)).tanh();
    let at = line!() - 1;
    let y = wide.transpose().matmul(x).sum();
    let options = Options { threads: 1, memory_limit: 10_000_000, ..Options::default() };
    let mut session = Session::new(options).unwrap();
    session.load(graph.initial_values(0));
    let message = session.prepare(&graph, &[y]).map(|_| ()).unwrap_err().to_string();
    for part in ["the limit is 10.0 MB", "[1000, 5000]", &format!("plans.rs:{at}"), "smaller batch"]
    {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    assert_eq!(session.plans(), 0);
    assert!(session.bytes() < 10_000_000, "refused before anything was allocated");
    assert!(session.prepare(&graph, &[x.sum()]).is_ok(), "what fits still runs");
}

#[test]
fn outputs_and_inputs_beyond_the_memory_limit_are_refused_too() {
    let mut session = Session::new(Options { threads: 1, ..Options::default() }).unwrap();
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, []);
    let huge = x.broadcast_to([1 << 40]);
    let inputs = given(&[("x", Array::scalar(1.0))]);
    let refused = session.evaluate(&graph, &inputs, &[huge]);
    assert!(refused.unwrap_err().to_string().contains("the limit is"));
    assert!(session.evaluate(&graph, &inputs, &[huge.slice(0, 0..2)]).is_err());

    let graph = Graph::new();
    let x = graph.input("x", DType::F64, [1 << 50]);
    assert!(session.evaluate(&graph, &inputs, &[x.slice(0, 0..2)]).is_err());
}

/// Runs a graph and compares all outputs with the reference.
fn agree(graph: &Graph, inputs: &Parameters, outputs: &[Tensor<'_>], tolerance: f64) -> Vec<Array> {
    let truth = Evaluation::new(graph, inputs, &Parameters::new(), outputs).unwrap();
    let results = session().evaluate(graph, inputs, outputs).unwrap();
    for (tensor, result) in outputs.iter().zip(&results) {
        assert_eq!(result.dtype(), tensor.dtype());
        assert_eq!(*result.shape(), tensor.shape());
        close(result, truth.value(*tensor).unwrap(), tolerance);
    }
    results
}

#[test]
fn scalars_and_empty_tensors_work_in_every_kernel() {
    for dtype in [DType::F32, DType::F64, DType::I64] {
        let graph = Graph::new();
        let none = graph.input("none", dtype, [0]);
        let rows = graph.input("rows", dtype, [3, 0]);
        let columns = graph.input("columns", dtype, [0, 3]);
        let one = graph.input("one", dtype, []);
        let ids = graph.input("ids", DType::I64, [0]);
        let mut outputs = vec![
            none + 1.0,
            none.sum(),
            one + none,
            rows.sum_axis(1),
            rows.sum_axis(0),
            columns.sum_axis(0),
            columns.sum_axis(1),
            columns.sum(),
            rows.transpose() + columns,
            none.concatenate(&[one.reshape([1]), none], 0),
            rows.slice(0, 3..3),
            columns.embed(&[2, 0], &[1, 1], [2, 3]),
            one.reshape([1]).slice(0, 1..1),
            columns.gather(ids),
            columns.scatter_add(ids, 4),
            columns.scatter_add(ids, 0),
            columns.scatter(ids, columns.gather(ids)),
            rows.gather(ids),
            one.broadcast_to([0, 2]),
            one.reshape([1, 1]).transpose().sum_axis(0),
            graph.iota([0, 4], 1),
            graph.iota([4, 0], 1),
            none.greater(none).and(none.equal(none)),
            rows.cast(DType::Bool).cast(DType::F64),
            one,
            none,
            rows.permute(&[1, 0]),
            columns.max_with_index(1).1,
        ];
        if dtype != DType::I64 {
            outputs.extend([
                rows.matmul(columns), // sums of none are 0
                columns.matmul(rows),
                columns.matmul(rows).matmul(columns),
                rows.max_axis(1), // the largest of none is -∞
                none.max(),
                rows.reshape([3, 0, 1]).max_axis(1),
                none.mean(),
            ]);
        }
        let mut inputs = given(&[("ids", array(&[0], Vec::<i64>::new()))]);
        for (name, sizes) in [("none", vec![0]), ("rows", vec![3, 0]), ("columns", vec![0, 3])] {
            inputs.insert(name, Array::zeros(dtype, sizes));
        }
        inputs.insert("one", Array::from_f64(dtype, [], &[2.0]).unwrap());
        let nan = outputs.len() - 1;
        let checked = if dtype == DType::I64 { outputs.len() } else { nan };
        agree(&graph, &inputs, &outputs[..checked], 0.0);
        if dtype != DType::I64 {
            let mean = session().evaluate(&graph, &inputs, &outputs[nan..]).unwrap();
            assert!(mean[0].to_f64()[0].is_nan(), "the mean of none is 0 · ∞");
        }
    }
}

#[test]
fn row_numbers_outside_a_table_are_errors_of_the_run_even_where_it_is_empty() {
    let ids = |values: Vec<i64>| given(&[("ids", array(&[values.len()], values))]);
    for rows in [0usize, 3] {
        for (values, fine) in
            [(vec![3i64, 0], false), (vec![0, -1], false), (vec![0, 2], rows == 3)]
        {
            let graph = Graph::new();
            let numbers = graph.input("ids", DType::I64, [2]);
            let table = graph.constant(DType::F32, 1.0).broadcast_to([rows, 4]);
            let gathered = table.gather(numbers);
            let added = gathered.detach().scatter_add(numbers, rows);
            let filled = graph.iota([2, 4], 1);
            let written = table.cast(DType::I64).scatter(numbers, filled);
            for output in [gathered, filled.scatter_add(numbers, rows), added, written] {
                let result = session().evaluate(&graph, &ids(values.clone()), &[output]);
                assert_eq!(result.is_ok(), fine, "{values:?} of {rows} rows: {result:?}");
                if let Err(error) = result {
                    assert!(error.to_string().contains("outside the table"), "{error}");
                    assert!(error.to_string().contains("plans.rs:"), "the user's line: {error}");
                }
            }
        }
    }
}

#[test]
fn the_first_row_number_outside_a_table_is_told_whatever_the_threads() {
    // So many rows that threads share them; those at the end are reached first by the last thread.
    for width in [0, 64] {
        let mut numbers = vec![1i64; 4000];
        (numbers[1900], numbers[3999]) = (70, 80);
        let graph = Graph::new();
        let ids = graph.input("ids", DType::I64, [4000]);
        let table = graph.constant(DType::F32, 1.0).broadcast_to([3, width]);
        let values = graph.constant(DType::F32, 1.0).broadcast_to([4000, width]);
        for threads in [1, 2, 3] {
            let inputs = given(&[("ids", array(&[4000], numbers.clone()))]);
            for output in [table.gather(ids), values.scatter_add(ids, 3)] {
                let options = Options { threads, ..Options::default() };
                let mut session = Session::new(options).unwrap();
                let error = session.evaluate(&graph, &inputs, &[output]).unwrap_err().to_string();
                assert!(error.contains("row number 70 is outside"), "width {width}: {error}");
            }
        }
    }
}

#[test]
fn rows_longer_than_a_loop_takes_are_right() {
    for columns in [511, 513, 1023, 1025, 8191, 8192, 8193, 20_000] {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [3, columns]);
        let b = graph.input("b", DType::F32, [columns]);
        let shifted = (x + b) - (x + b).max_axis(-1);
        let softmax = shifted.exp() / shifted.exp().sum_axis(-1);
        let row = softmax.sum_axis(0);
        let outputs = [softmax, row, x.argmax(-1), (x * b).sum_axis(-1), x * 2.0 - row];
        let inputs =
            given(&[("x", some(DType::F32, &[3, columns])), ("b", some(DType::F32, &[columns]))]);
        agree(&graph, &inputs, &outputs, 0.1);
    }
}

#[test]
fn products_in_batches_take_every_transpose() {
    for dtype in [DType::F32, DType::F64] {
        for (m, n, k) in [(1, 1, 1), (3, 5, 2), (1, 7, 4), (6, 1, 3), (17, 9, 33)] {
            let graph = Graph::new();
            let mut outputs = Vec::new();
            let mut inputs = Parameters::new();
            for (lead, name) in [(vec![], "plain"), (vec![4], "batch"), (vec![2, 3], "two axes")] {
                let mut tensor = |side: &str, rows: usize, columns: usize| {
                    let name = format!("{name} {side}");
                    let sizes = [lead.clone(), vec![rows, columns]].concat();
                    inputs.insert(name.clone(), some(dtype, &sizes));
                    graph.input(&name, dtype, sizes)
                };
                let (a, at) = (tensor("a", m, k), tensor("at", k, m));
                let (b, bt) = (tensor("b", k, n), tensor("bt", n, k));
                outputs.extend([
                    a.matmul(b),
                    at.transpose().matmul(b),
                    a.matmul(bt.transpose()),
                    at.transpose().matmul(bt.transpose()),
                    a.matmul(a.transpose()),
                ]);
                if lead.len() == 1 {
                    // Batch and rows exchanged is not a transpose that products know.
                    outputs.push(a.permute(&[1, 0, 2]).matmul(a.permute(&[1, 2, 0])));
                    let shared = graph.find_input("plain b").unwrap();
                    outputs.push(a.matmul(shared)); // one matrix for the whole batch
                }
            }
            agree(&graph, &inputs, &outputs, 1e-2);
        }
    }
}

#[test]
fn doubles_integers_and_booleans_are_exact() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F64, [2, 3]);
    let n = graph.input("n", DType::I64, [2, 3]);
    let row = n.slice(0, 0..1).reshape([3]);
    let even = (n - (n.cast(DType::F64) * 0.5).floor().cast(DType::I64) * 2.0).equal(n.scalar(0.0));
    let large = x.greater(x.scalar(0.0));
    let outputs = [
        x.exp().log() - x,
        n * n - row,
        n.negate().abs().sign().square().max_with(n).min_with(row).relu(),
        n.sum_axis(1),
        n.max_axis(0),
        n.max_with_index(1).0,
        n.max_with_index(1).1,
        even,
        even.and(large),
        even.or(large).xor(even),
        even.equal(large),
        even.greater(large),
        even.select(even, large),
        even.select(n, row.broadcast_to([2, 3])),
        large.cast(DType::I64).sum_axis(0),
        large.cast(DType::F32).sum(),
        x.cast(DType::I64),
        x.cast(DType::Bool),
        n.cast(DType::F32).cast(DType::Bool),
        n.transpose(),
        even.transpose().concatenate(&[large.transpose()], 1),
        even.slice_to(&[0, 1], &[1, 2], [2, 1].into()),
        even.embed(&[0, 1], &[2, 1], [4, 4]),
        n.gather(graph.iota([2, 2], 0)),
        n.scatter_add(graph.iota([2], 0) * 0.0, 3),
        graph.iota([2, 3], 1) + n,
    ];
    let inputs = given(&[
        ("x", array(&[2, 3], [-1.5f64, 0.0, 2.5, 1e300, -3.9, 0.5])),
        ("n", array(&[2, 3], [-4i64, 7, 0, 1 << 20, 3, -9])),
    ]);
    agree(&graph, &inputs, &outputs, 1e-12);
}

#[test]
fn integers_beyond_the_precision_of_f64_stay_exact() {
    let graph = Graph::new();
    let n = graph.input("n", DType::I64, [2]);
    let odd = (1i64 << 60) + 1;
    let inputs = given(&[("n", array(&[2], [odd, 5]))]);
    let outputs = [n + n.scalar(0.0), n.sum(), n.max_axis(0), n.transpose(), n * n];
    let results = session().evaluate(&graph, &inputs, &outputs).unwrap();
    assert_eq!(results[0].as_i64().unwrap(), [odd, 5]);
    assert_eq!(results[1].as_i64().unwrap(), [odd + 5]);
    assert_eq!(results[2].as_i64().unwrap(), [odd]);
    assert_eq!(results[4].as_i64().unwrap(), [odd.wrapping_mul(odd), 25], "products wrap around");
}

#[test]
fn a_session_refuses_states_and_buffers_that_do_not_fit() {
    let graph = Graph::new();
    let w = graph.root(Mode::Train).parameter("w", [2], 0.0);
    let y = w + graph.input("x", DType::F32, [2]);
    let mut session = session();
    let message = session.prepare(&graph, &[y]).map(|_| ()).unwrap_err().to_string();
    assert!(
        message.contains("`w` has no value") && message.contains("initial_values"),
        "{message}"
    );
    session.set("w", &array(&[3], [1f32, 2., 3.]));
    let message = session.prepare(&graph, &[y]).map(|_| ()).unwrap_err().to_string();
    assert!(message.contains("`w` is f32 [3], the graph wants f32 [2]"), "{message}");
    session.set("w", &array(&[2], [1f32, 2.]));
    let prepared = session.prepare(&graph, &[y]).unwrap();
    let (mut inputs, mut outputs) = (prepared.inputs(), prepared.outputs());
    assert!(session.run(&prepared, &mut [], &mut outputs).is_err());
    assert!(session.run(&prepared, &mut inputs, &mut []).is_err());
    let wrong = &mut [glassbox_engine::Buffer::zeros(DType::F64, [2])];
    assert!(session.run(&prepared, wrong, &mut outputs).is_err());
    // A state that changed its shape since makes the plan refuse, not read beyond it.
    session.set("w", &array(&[1], [1f32]));
    let refused = session.run(&prepared, &mut inputs, &mut outputs).unwrap_err();
    assert!(matches!(&refused, Error::Run(what) if what.contains("prepare the plan again")));
    session.set("w", &array(&[2], [1f32, 2.]));
    assert!(session.run(&prepared, &mut inputs, &mut outputs).is_ok());
    let mut other = self::session();
    other.set("w", &array(&[2], [1f32, 2.]));
    let foreign = other.run(&prepared, &mut inputs, &mut outputs).unwrap_err();
    assert!(foreign.to_string().contains("another session"));
}
