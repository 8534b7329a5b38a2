//! Mistakes around a scan, and what they tell.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::cell::Cell;

use glassbox_engine::reference::Evaluation;
use glassbox_engine::{
    Array, DType, Diagnostic, Graph, Mode, Options, Parameters, Session, Tensor, grad,
};

/// The only mistake of a graph.
#[track_caller]
fn only(graph: &Graph) -> Diagnostic {
    let found = graph.check().map_or_else(|mistakes| mistakes.0, |()| Vec::new());
    assert_eq!(found.len(), 1, "not one mistake: {found:#?}");
    found[0].clone()
}

/// The whole text of the only mistake, in which `n` stands for lines of this file: `line` says which.
#[track_caller]
fn says(graph: &Graph, text: &str, lines: &[u32]) {
    let mut expected = text.trim_start().to_string();
    for line in lines {
        expected = expected.replacen("HERE", &format!("{}:{line}", file!()), 1);
    }
    assert_eq!(only(graph).to_string(), expected);
}

struct Parts<'g> {
    h: Tensor<'g>,
    xs: Tensor<'g>,
    /// Where `xs` was declared.
    line: u32,
}

fn parts(graph: &Graph) -> Parts<'_> {
    let h = graph.input("h", DType::F32, [4, 3]);
    let line = line!() + 1;
    let xs = graph.input("xs", DType::F32, [5, 4, 3]);
    Parts { h, xs, line }
}

#[test]
fn a_carry_that_changes_its_shape_or_type() {
    let graph = Graph::new();
    let p = parts(&graph);
    let line = line!() + 1;
    let (last, all) = graph.scan(5, [p.h, p.h], p.xs, |[a, b], x, _| ([a, b.sum_axis(1)], x));
    says(
        &graph,
        "
error[shape]: scan: carry 1 is f32 [4, 3] before a step and f32 [4, 1] after it: a step leaves it with the shape and type it found
  --> HERE
   before  f32 [4, 3]  result of carry (HERE)
    after  f32 [4, 1]  result of sum (HERE)
",
        &[line, line, line],
    );
    // What follows goes on with the shape it should have.
    assert_eq!(last[1].shape().sizes(), [4, 3]);
    assert_eq!(all.shape().sizes(), [5, 4, 3]);

    let graph = Graph::new();
    let p = parts(&graph);
    graph.scan(5, p.h, (), |h, (), _| (h.cast(DType::F64), ()));
    let mistake = only(&graph);
    assert_eq!(mistake.kind, "type");
    assert!(mistake.what.contains("is f32 [4, 3] before a step and f64 [4, 3] after it"));
}

#[test]
fn a_sequence_of_another_length() {
    let graph = Graph::new();
    let p = parts(&graph);
    let line = line!() + 1;
    graph.scan(6, p.h, p.xs, |h, x, _| (h + x, x));
    says(
        &graph,
        "
error[shape]: scan: a sequence has one row for each of the 6 steps along its first axis, not the shape [5, 4, 3]
  --> HERE
   sequence  f32 [5, 4, 3]  input `xs` (HERE)
",
        &[line, p.line],
    );
    let graph = Graph::new();
    graph.scan(3, (), graph.constant(DType::F32, 1.0), |(), x, _| ((), x));
    assert!(only(&graph).what.contains("not the shape []"));
}

#[test]
fn another_number_of_carries() {
    let graph = Graph::new();
    let p = parts(&graph);
    let (last, ()) = graph.scan(5, vec![p.h, p.h], (), |h, (), _| (vec![h[0]], ()));
    assert_eq!(only(&graph).what, "scan: the body is given 2 carries and carries 1 on");
    assert_eq!(last.len(), 2);
}

#[test]
fn a_value_that_leaves_without_being_given_out() {
    let graph = Graph::new();
    let p = parts(&graph);
    let kept = Cell::new(None);
    let scan = line!() + 1;
    graph.scan(5, p.h, p.xs, |h, x, _| {
        let sum = h + x;
        kept.set(Some(sum));
        (sum, ())
    });
    let line = line!() + 1;
    let _ = kept.get().unwrap().tanh() + 1.0;
    says(
        &graph,
        "
error[graph]: tanh: a value inside `scan` is used outside it: let the body give it out
  --> HERE
   inside  f32 [4, 3]  result of plus (HERE)
",
        &[line, scan + 1],
    );

    // It cannot be derived by, asked for, or given to another loop either.
    let graph = Graph::new();
    let p = parts(&graph);
    graph.scan(5, p.h, p.xs, |h, x, _| {
        kept.set(None);
        let sum = h + x;
        sum.named("sum");
        (sum, ())
    });
    let inside = graph.named("sum").unwrap();
    let mut session = Session::new(Options::default()).unwrap();
    let error = session.prepare(&graph, &[inside]).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("let the body give it out"), "{error}");
    grad(p.h.sum(), &[inside]);
    assert!(only(&graph).what.starts_with("grad: a value inside `scan` is used outside it"));

    let graph = Graph::new();
    let p = parts(&graph);
    graph.scan(5, p.h, p.xs, |h, x, _| {
        (h + x).named("sum");
        (h, ())
    });
    graph.scan(5, p.h, p.xs, |h, x, _| (h + x * graph.named("sum").unwrap(), ()));
    assert!(only(&graph).what.starts_with("times: a value inside `scan`"));
}

#[test]
fn assigning_inside() {
    let graph = Graph::new();
    let p = parts(&graph);
    let at = graph.root(Mode::Train).child("norm");
    let mean = at.state("mean", DType::F32, [4, 3], 0.0);
    let mut line = 0;
    graph.scan(5, p.h, p.xs, |h, x, _| {
        line = line!() + 1;
        at.assign("mean", mean * 0.9 + x * 0.1);
        (h + x, ())
    });
    let mistake = only(&graph);
    assert_eq!((mistake.kind, mistake.at.line), ("state", line));
    assert_eq!(
        mistake.what,
        "`norm/mean` is assigned inside `scan`, where it would be assigned at every step: carry the \
         value, and assign what the scan gives"
    );
    assert_eq!(graph.current("norm/mean").unwrap().value(), mean.value());

    // As it says, it works.
    let graph = Graph::new();
    let p = parts(&graph);
    let mean = graph.root(Mode::Train).state("mean", DType::F32, [4, 3], 0.0);
    let (last, ()) = graph.scan(5, mean, p.xs, |mean, x, _| (mean * 0.5 + x, ()));
    graph.assign("mean", last);
    let mut session = Session::new(Options::default()).unwrap();
    session.load(graph.initial_values(0));
    let mut given = Parameters::new();
    given.insert("h", Array::zeros(DType::F32, [4, 3]));
    given.insert("xs", Array::from_f64(DType::F32, [5, 4, 3], &[1.0; 60]).unwrap());
    for mean in [1.9375f32, 1.998_046_9] {
        session.evaluate(&graph, &given, &[]).unwrap();
        assert_eq!(session.value("mean").unwrap().as_f32().unwrap(), [mean; 12]);
    }
}

#[test]
fn tensors_of_another_graph() {
    let (graph, other) = (Graph::new(), Graph::new());
    let p = parts(&graph);
    let stranger = parts(&other);
    graph.scan(5, stranger.h, p.xs, |h, x, _| (h + x, ()));
    assert!(only(&graph).what.starts_with("a tensor of another graph"));
    let graph = Graph::new();
    let p = parts(&graph);
    graph.scan(5, p.h, stranger.xs, |h, x, _| (h + x, ()));
    assert!(only(&graph).what.starts_with("a tensor of another graph"));
    let graph = Graph::new();
    let p = parts(&graph);
    graph.scan(5, p.h, p.xs, |h, x, _| (h + x + stranger.h, ()));
    assert!(only(&graph).what.starts_with("a tensor of another graph"));
    let graph = Graph::new();
    let p = parts(&graph);
    graph.scan(5, p.h, p.xs, |h, x, _| (h + x, stranger.h));
    assert!(only(&graph).what.starts_with("a tensor of another graph"));
}

#[test]
fn every_node_of_a_loop_and_of_its_derivative_carries_the_users_line() {
    let graph = Graph::new();
    let p = parts(&graph);
    let w = graph.root(Mode::Train).parameter("w", [3, 3], 0.1);
    let (last, all) = graph.scan(5, p.h, p.xs, |h, x, t| {
        let (h, ()) = graph.scan(2, h, (), |h, (), _| ((h.matmul(w) + x).tanh(), ()));
        (h * t.cast(DType::F32), h.sum())
    });
    let first = grad(last.sum() + all.sum(), &[w, p.h])[0];
    grad(first.square().sum(), &[w, p.xs]);
    graph.check().unwrap();
    for index in 0..graph.len() {
        let node = graph.node(index).unwrap();
        assert!(node.origin.at.file.ends_with("scan_mistakes.rs"), "node {index}: {node:?}");
    }
}

/// A mistake in the body is one mistake, at the user's line, and its guess causes no others.
#[test]
fn a_mistake_in_the_body() {
    let graph = Graph::new();
    let p = parts(&graph);
    let at = graph.root(Mode::Train).child("cell");
    let mut line = 0;
    let (last, all) = graph.scan(5, p.h, p.xs, |h, x, _| {
        let _inside = at.enter();
        line = line!() + 1;
        let h = h + x.matmul(at.parameter("w", [4, 3], 0.1));
        (h, h)
    });
    grad((last.sum() + all.sum()).square(), &[p.h]);
    let mistake = only(&graph);
    assert!(mistake.what.contains("inner sizes differ, 3 ≠ 4"), "{mistake}");
    assert_eq!(mistake.at.line, line);
    assert_eq!(mistake.scopes[0].0, "cell");
}

#[test]
fn a_row_number_outside_its_table_is_an_error_that_names_the_line() {
    let graph = Graph::new();
    let table = graph.input("table", DType::F32, [3, 2]);
    let mut line = 0;
    let (last, ()) = graph.scan(4, graph.constant(DType::I64, 0.0), (), |n, (), _| {
        line = line!() + 1;
        let row = table.gather(n.reshape([1]));
        (n + row.sum().cast(DType::I64), ())
    });
    let mut given = Parameters::new();
    given.insert("table", Array::from_f64(DType::F32, [3, 2], &[0.5; 6]).unwrap());
    let mut session = Session::new(Options::default()).unwrap();
    let error = session.evaluate(&graph, &given, &[last]).unwrap_err().to_string();
    assert!(error.starts_with("row number 3 is outside the table of 3 rows"), "{error}");
    assert!(error.contains(&format!("{}:{line}", file!())), "{error}");
    assert!(Evaluation::new(&graph, &given, &Parameters::new(), &[last]).is_err());
}

#[test]
fn loops_too_long_for_the_machine_are_refused() {
    let graph = Graph::new();
    let zero = graph.constant(DType::F32, 0.0).broadcast_to([4]);
    graph.scan(usize::MAX / 2, zero, (), |h, (), _| (h, h));
    assert!(only(&graph).what.contains("too many"), "{}", only(&graph));
    let graph = Graph::new();
    let zero = graph.constant(DType::F32, 0.0).broadcast_to([4]);
    graph.scan(1 << 40, zero, (), |h, (), _| {
        let (h, ()) = graph.scan(1 << 40, h, (), |h, (), _| (h + 1.0, ()));
        (h, ())
    });
    assert_eq!(only(&graph).what, "scan: loops within each other have too many steps together");
    let graph = Graph::new();
    let zero = graph.constant(DType::F32, 0.0).broadcast_to([1 << 20]);
    let (_, all) = graph.scan(1 << 30, zero, (), |h, (), _| (h + 1.0, h));
    let mut session = Session::new(Options::default()).unwrap();
    let error = session.prepare(&graph, &[all.sum()]).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("the largest result is result of scan"), "{error}");
}

#[test]
fn a_printed_graph_shows_what_is_repeated() {
    let graph = Graph::new();
    let p = parts(&graph);
    let w = graph.root(Mode::Train).parameter("w", [3, 3], 0.1);
    graph.scan(5, p.h, p.xs, |h, x, _| {
        let h = (x.matmul(w) + h.matmul(w.transpose())).tanh();
        (h, h.sum())
    });
    let expected = "\
(root):
  h = input  -> f32 [4, 3]
  xs = input  -> f32 [5, 4, 3]
  w = state  -> f32 [3, 3]
    %3 = time 0..5  -> i64 []
    %4 = carry 0 %3, h -> f32 [4, 3]
    %5 = each %3, xs -> f32 [4, 3]
  %6 = reshape xs -> f32 [20, 3]
  %7 = matmul %6, w -> f32 [20, 3]
  %8 = reshape %7 -> f32 [5, 4, 3]
    %9 = each %3, %8 -> f32 [4, 3]
  %10 = permute [1, 0] w -> f32 [3, 3]
    %11 = matmul %4, %10 -> f32 [4, 3]
    %12 = plus %9, %11 -> f32 [4, 3]
    %13 = tanh %12 -> f32 [4, 3]
    %14 = sum [0, 1] %13 -> f32 [1, 1]
    %15 = reshape %14 -> f32 []
  %16 = scan of 5 steps %3, %4, %13, %15 -> f32 [4, 3], f32 [5]
";
    assert_eq!(graph.to_string(), expected);
}
