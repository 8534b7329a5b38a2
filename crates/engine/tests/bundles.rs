//! Kernels side by side give the same bits on every number of threads, and looked-up rows the same
//! numbers as the reference.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use glassbox_engine::{Array, DType, Graph, Mode, Options, Parameters, Session, Tensor, grad};

/// A small net over looked-up rows, with an optimiser's states.
fn record(graph: &Graph) -> Tensor<'_> {
    let at = graph.root(Mode::Train);
    let ids = graph.input("ids", DType::I64, [40, 30]);
    let table = at.parameter("table", [11, 24], 0.3);
    let (w, b) = (at.parameter("w", [24, 48], 0.2), at.parameter("b", [48], 0.1));
    let (r, c) = (at.parameter("r", [48, 48], 0.1), at.parameter("c", [48], 0.1));
    let rows = table.gather(ids).permute(&[1, 0, 2]);
    let given = (rows.reshape([1200, 24]).matmul(w) + b).reshape([30, 40, 48]);
    let start = graph.constant(DType::F32, 0.0).broadcast_to([40, 48]);
    let (_, all) = graph.scan(30, start, given, |h, x, _| {
        let h = (x + h.matmul(r) + c).tanh();
        (h, h)
    });
    let scale = at.parameter("scale", [70_000], 0.1);
    let loss = all.square().mean() + scale.square().sum();
    let names = ["table", "w", "b", "r", "c", "scale"];
    for (path, slope) in names.into_iter().zip(grad(loss, &[table, w, b, r, c, scale])) {
        let held = graph.current(path).unwrap();
        let velocity = at.state(&format!("velocity/{path}"), DType::F32, held.shape().sizes(), 0.0);
        let next = velocity * 0.9 + slope;
        graph.assign(&format!("velocity/{path}"), next);
        graph.assign(path, held - next * 0.1);
    }
    loss
}

fn inputs() -> Parameters {
    let mut given = Parameters::new();
    let ids = (0..1200).map(|i: i64| i * i % 11).collect::<Vec<i64>>();
    given.insert("ids", Array::new([40, 30], ids).unwrap());
    given
}

fn after_two_steps(threads: usize) -> Parameters {
    let graph = Graph::new();
    let loss = record(&graph);
    let mut session = Session::new(Options { threads, ..Options::default() }).unwrap();
    session.load(graph.initial_values(3));
    for _ in 0..2 {
        session.evaluate(&graph, &inputs(), &[loss]).unwrap();
    }
    session.values()
}

#[test]
fn updates_side_by_side_are_the_same_bits_on_every_number_of_threads() {
    let one = after_two_steps(1);
    for threads in [2, 3, 5] {
        let more = after_two_steps(threads);
        for ((path, a), (_, b)) in one.iter().zip(more.iter()) {
            assert_eq!(a, b, "{path} on {threads} threads");
        }
    }
}

#[test]
fn what_is_left_of_the_updates_is_one_pass() {
    let graph = Graph::new();
    let loss = record(&graph);
    let mut session = Session::new(Options::default()).unwrap();
    session.load(graph.initial_values(3));
    let prepared = session.prepare(&graph, &[loss]).unwrap();
    let steps = prepared.plan().steps(&graph);
    let mut updates = steps.iter().filter(|step| step.kernel == "bundle");
    // Two biases and the scale; the matrices are updated behind the products of their gradients.
    let last = updates.next_back().unwrap();
    assert_eq!(last.nodes.len(), 3 * 4, "{}", prepared.plan());
}

#[test]
fn products_are_of_the_table_and_not_of_every_row() {
    let graph = Graph::new();
    let loss = record(&graph);
    let mut session = Session::new(Options::default()).unwrap();
    session.load(graph.initial_values(3));
    let operations = session.prepare(&graph, &[loss]).unwrap().plan().operations();
    let recurrent = 3 * 2 * 1200 * 48 * 48;
    let table = 3 * 2 * 11 * 24 * 48;
    assert_eq!(operations, recurrent + table);
}

/// What is watched beside changes no bit of what comes out.
#[test]
fn watching_looked_up_rows_changes_no_bit() {
    let run = |watch: bool| {
        let graph = Graph::new();
        let at = graph.root(Mode::Train);
        let ids = graph.input("ids", DType::I64, [40, 30]);
        let (table, w) = (at.parameter("table", [11, 24], 0.3), at.parameter("w", [24, 48], 0.2));
        let rows = table.gather(ids).reshape([1200, 24]);
        let made = rows.matmul(w).tanh();
        let slopes = grad(made.square().sum(), &[table, w, rows]);
        let mut asked = vec![made, slopes[0], slopes[1]];
        if watch {
            asked.extend([rows, slopes[2], rows.matmul(w)]);
        }
        let mut session = Session::new(Options::default()).unwrap();
        session.load(graph.initial_values(3));
        let mut results = session.evaluate(&graph, &inputs(), &asked).unwrap();
        results.truncate(3);
        results
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn a_row_outside_the_table_is_still_an_error_that_names_the_look_up() {
    let graph = Graph::new();
    let loss = record(&graph);
    let mut session = Session::new(Options::default()).unwrap();
    session.load(graph.initial_values(3));
    let mut given = inputs();
    let mut ids = vec![0i64; 1200];
    ids[700] = 11;
    given.insert("ids", Array::new([40, 30], ids).unwrap());
    let error = session.evaluate(&graph, &given, &[loss]).unwrap_err().to_string();
    assert!(error.contains("row number 11") && error.contains("gather"), "{error}");
}

#[test]
fn sums_of_columns_that_are_taken_twice_are_taken_once() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [50, 16, 64]);
    let twice = x.sum_axis(0).sum_axis(1);
    let once = x.reshape([800, 64]).sum_axis(0);
    let mut session = Session::new(Options::default()).unwrap();
    let mut given = Parameters::new();
    let numbers: Vec<f32> = (0..50 * 16 * 64).map(|i| (i * 7919 % 2003) as f32 / 2003.0).collect();
    given.insert("x", Array::new([50, 16, 64], numbers).unwrap());
    let results = session.evaluate(&graph, &given, &[twice, once]).unwrap();
    assert_eq!(results[0].as_f32(), results[1].as_f32());
    let plan = session.prepare(&graph, &[twice, once]).unwrap();
    let taken = plan.plan().steps(&graph);
    let sums = taken.iter().filter(|step| step.kernel == "reduce").count();
    assert_eq!(sums, 1, "{}", plan.plan());
}

#[test]
fn parts_of_rows_are_read_where_they_lie() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [70, 700]);
    let gate = |from: usize, columns: usize| x.slice(1, from..from + columns);
    let wide = gate(0, 600).sigmoid() * gate(100, 600) - gate(50, 600).sum_axis(1);
    let narrow = gate(3, 20).reshape([140, 10]).tanh() + gate(683, 17).sum();
    let mut given = Parameters::new();
    let numbers: Vec<f32> = (0..70 * 700).map(|i| (i * 7919 % 2003) as f32 / 2003.0).collect();
    given.insert("x", Array::new([70, 700], numbers.clone()).unwrap());
    let run = |threads: usize| {
        let mut session = Session::new(Options { threads, ..Options::default() }).unwrap();
        let plan = session.prepare(&graph, &[wide]).unwrap();
        assert!(!plan.plan().to_string().contains("move"), "{}", plan.plan());
        session.evaluate(&graph, &given, &[wide, narrow]).unwrap()
    };
    let results = run(1);
    assert_eq!(results, run(2));
    let at = |row: usize, column: usize| f64::from(numbers[row * 700 + column]);
    let got = results[0].to_f64();
    for row in 0..70 {
        let sum: f64 = (50..650).map(|column| at(row, column)).sum();
        for column in 0..600 {
            let want = at(row, column + 100) / (1.0 + (-at(row, column)).exp()) - sum;
            assert!((got[row * 600 + column] - want).abs() < 1e-3, "{row} {column}");
        }
    }
    let sum: f64 = (0..70).flat_map(|row| (683..700).map(move |c| at(row, c))).sum();
    let want = at(69, 22).tanh() + sum;
    assert!((results[1].to_f64()[1399] - want).abs() < 1e-2);
}

#[test]
fn parts_of_rows_are_laid_down_where_they_are_made() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [70, 600]);
    let parts = [x.sin() * x, x.cos(), x.square() + x];
    let wide = parts[0].concatenate(&parts[1..], 1);
    let again = parts[1].concatenate(&[parts[0]], 1) * 2.0;
    let numbers: Vec<f32> = (0..70 * 600).map(|i| (i * 7919 % 2003) as f32 / 2003.0).collect();
    let mut given = Parameters::new();
    given.insert("x", Array::new([70, 600], numbers.clone()).unwrap());
    let run = |threads: usize| {
        let mut session = Session::new(Options { threads, ..Options::default() }).unwrap();
        let plan = session.prepare(&graph, &[wide, again, parts[1].sum()]).unwrap();
        assert!(!plan.plan().to_string().contains("move"), "{}", plan.plan());
        session.evaluate(&graph, &given, &[wide, again, parts[1].sum()]).unwrap()
    };
    let results = run(1);
    assert_eq!(results, run(2));
    let (wide, again) = (results[0].to_f64(), results[1].to_f64());
    for (index, &x) in numbers.iter().enumerate() {
        let (x, row, column) = (f64::from(x), index / 600, index % 600);
        for (part, want) in [x.sin() * x, x.cos(), x * x + x].into_iter().enumerate() {
            assert!((wide[row * 1800 + part * 600 + column] - want).abs() < 1e-5, "{index}");
        }
        assert!((again[row * 1200 + column] - 2.0 * x.cos()).abs() < 1e-5, "{index}");
    }
}
