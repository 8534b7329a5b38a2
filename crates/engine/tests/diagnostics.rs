//! Mistakes in a model are collected while it is recorded, and each says where the user made it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use glassbox_engine::{
    Array, DType, Diagnostic, Distribution, Error, Graph, Initial, Mode, Options, Parameters,
    Scope, Session, Tensor, grad, record, reference::Evaluation,
};

/// A model that is recorded into a graph, or made of two tensors.
type Model<'a> = &'a dyn Fn(&Graph);
type OfTwo<'a> = &'a dyn for<'g> Fn(Tensor<'g>, Tensor<'g>);

fn mistakes(graph: &Graph) -> Vec<Diagnostic> {
    graph.check().map_or_else(|mistakes| mistakes.0, |()| Vec::new())
}

/// The only mistake of a graph.
#[track_caller]
fn only(graph: &Graph) -> Diagnostic {
    let found = mistakes(graph);
    assert_eq!(found.len(), 1, "not one mistake: {found:#?}");
    found[0].clone()
}

/// `file:line`, `above` lines above the caller.
#[track_caller]
fn line(above: u32) -> String {
    let at = std::panic::Location::caller();
    format!("{}:{}", at.file(), at.line() - above)
}

#[track_caller]
fn assert_kind(graph: &Graph, kind: &str, words: &str) {
    let mistake = only(graph);
    assert_eq!(mistake.kind, kind, "{mistake}");
    assert!(mistake.what.contains(words), "“{words}” is not in: {mistake}");
    assert!(mistake.at.file.ends_with("diagnostics.rs"), "not the user's file: {mistake}");
}

/// A layer as a library has it: its mistakes are the caller's.
#[track_caller]
fn linear<'g>(at: Scope<'g>, x: Tensor<'g>, inputs: usize, outputs: usize) -> Tensor<'g> {
    let _inside = at.enter();
    let weight = at.parameter("weight", [inputs, outputs], 0.1);
    let bias = at.parameter("bias", [outputs], 0.0);
    x.matmul(weight) + bias
}

/// A user's block of two layers, the second of which expects another width.
fn block<'g>(at: Scope<'g>, x: Tensor<'g>, lines: &mut Vec<String>) -> Tensor<'g> {
    let _inside = at.enter();
    let h = linear(at.child("up"), x, 8, 32).relu();
    let y = linear(at.child("down"), h, 31, 8);
    lines.push(line(1));
    y
}

/// The same without entering the scope.
fn block_without_entering<'g>(at: Scope<'g>, x: Tensor<'g>, lines: &mut Vec<String>) -> Tensor<'g> {
    let inner = at.child("inner");
    lines.push(line(1));
    let weight = inner.parameter("weight", [9, 4], 0.1);
    lines.push(line(1));
    let y = x.matmul(weight);
    lines.push(line(1));
    y
}

#[test]
fn a_wrong_shape_deep_in_a_model_names_the_users_lines_scopes_and_both_shapes() {
    let graph = Graph::new();
    let root = graph.root(Mode::Train);
    let mut lines = Vec::new();
    let x = graph.input("x", DType::F32, [4, 8]);
    let stack = root.child("stack");
    let stack_line = line(1);
    let first = stack.index("block", 0);
    let block_line = line(1);
    block(first, x, &mut lines);

    let mistake = only(&graph);
    assert_eq!(mistake.kind, "shape");
    assert!(mistake.what.contains("inner sizes differ, 32 ≠ 31"), "{mistake}");
    assert_eq!(mistake.at.to_string(), lines[0], "a layer's mistake belongs to its caller");
    let scopes: Vec<_> =
        mistake.scopes.iter().map(|(path, at)| (path.as_str(), at.to_string())).collect();
    let expected = [
        ("stack/block0/down", lines[0].clone()),
        ("stack/block0", block_line),
        ("stack", stack_line),
    ];
    assert_eq!(scopes, expected);
    let [left, right] = &mistake.parties[..] else { panic!("two parties: {mistake}") };
    assert_eq!((left.role, left.output.shape.sizes()), ("left", &[4, 32][..]));
    assert!(left.what.contains("relu") && left.what.contains("stack/block0"), "{mistake}");
    assert_eq!((right.role, right.output.shape.sizes()), ("right", &[31, 8][..]));
    assert_eq!(right.what, "parameter `stack/block0/down/weight`");
    assert_eq!(right.at.to_string(), lines[0]);
    // The text has all of it.
    let text = graph.check().unwrap_err().to_string();
    for part in [lines[0].as_str(), "[4, 32]", "[31, 8]", "stack/block0/down", "1 mistake"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn a_scope_that_is_not_entered_is_known_by_its_parameter() {
    let graph = Graph::new();
    let mut lines = Vec::new();
    let x = graph.input("x", DType::F32, [4, 8]);
    block_without_entering(graph.root(Mode::Train).child("outer"), x, &mut lines);
    let mistake = only(&graph);
    assert_eq!(mistake.at.to_string(), lines[2]);
    assert_eq!(mistake.scopes[0].0, "outer/inner");
    assert_eq!(mistake.scopes[0].1.to_string(), lines[0]);
    assert_eq!(mistake.scopes[1].0, "outer");
    assert_eq!(mistake.parties[1].at.to_string(), lines[1]);
}

#[test]
fn a_scope_that_is_entered_keeps_its_nodes_though_they_read_a_shared_parameter() {
    let graph = Graph::new();
    let root = graph.root(Mode::Train);
    let deep = root.child("encoder").child("embedding").child("token");
    let table = deep.parameter("table", [100, 16], 0.1);
    let head = root.child("head");
    let _inside = head.enter();
    let y = graph.input("x", DType::F32, [4, 15]).matmul(table.transpose().transpose());
    assert!(y.rank() == 2);
    graph.input("z", DType::F32, [4, 99]).matmul(table);
    let scopes: Vec<_> = mistakes(&graph).iter().map(|m| m.scopes[0].0.clone()).collect();
    assert_eq!(scopes, ["head", "head"]);
}

#[test]
fn all_independent_mistakes_are_reported_at_once_in_order() {
    let graph = Graph::new();
    let root = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [4, 8]);
    let mut expected = Vec::new();
    let y = linear(root.child("a"), x, 7, 5);
    expected.push(("shape", line(1)));
    let z = (y + graph.input("e", DType::F32, [6])).tanh(); // y is known to be [4, 5]
    expected.push(("shape", line(1)));
    let _ = x + graph.input("i", DType::I64, [4, 8]);
    expected.push(("type", line(1)));
    graph.assign("nowhere", z);
    expected.push(("state", line(1)));
    let _ = x.sum_axis(2);
    expected.push(("shape", line(1)));
    let found: Vec<_> = mistakes(&graph).iter().map(|m| (m.kind, m.at.to_string())).collect();
    assert_eq!(found, expected);
    assert!(graph.check().unwrap_err().to_string().ends_with("5 mistakes in the model"));
}

#[test]
fn what_follows_from_a_guessed_size_is_not_reported() {
    fn width(graph: &Graph) -> Tensor<'_> {
        graph.input("wrong", DType::F32, [4, 3, 5])
    }
    // Each begins with one mistake; everything after it rests on a guess.
    let models: [(&str, Model); 10] = [
        ("broadcast", &|g| {
            let y = g.input("x", DType::F32, [4, 7]) + g.input("b", DType::F32, [6]);
            let _ = (y * g.input("c", DType::F32, [5])).reshape([4, 5]).sum_axis(1);
        }),
        ("rank", &|g| {
            let y = width(g).matmul(g.input("w", DType::F32, [5, 6, 7, 8]));
            let _ = y.broadcast_to([7]).permute(&[1, 0]);
            let _ = y.sum_axis(4).matmul(g.input("v", DType::F32, [11, 3]));
            let _ = y.slice(3, 0..2).concatenate(&[y], 5).gather(g.iota([3], 0));
        }),
        ("reshape", &|g| {
            let y = width(g).reshape([4, 16]);
            let _ = y.matmul(g.input("w", DType::F32, [15, 2])) + g.input("b", DType::F32, [3]);
        }),
        ("axis", &|g| {
            let y = width(g).sum_axis(7);
            let _ = y + g.input("b", DType::F32, [2, 2]);
        }),
        ("permute", &|g| {
            let _ = width(g).permute(&[0, 1]).matmul(g.input("w", DType::F32, [9, 9, 9]));
        }),
        ("concatenate", &|g| {
            let y = width(g).concatenate(&[g.input("b", DType::F32, [4, 4, 5])], 0);
            let _ = y + g.input("c", DType::F32, [7, 7]);
        }),
        ("max", &|g| {
            let (value, index) = width(g).max_with_index(3);
            let _ = value + g.input("c", DType::F32, [7, 7]);
            let _ = index + g.input("d", DType::I64, [8, 8]);
        }),
        ("scatter", &|g| {
            let y = width(g).scatter_add(g.iota([7], 0), 3);
            let _ = y + g.input("c", DType::F32, [7, 7]);
        }),
        ("assign", &|g| {
            g.root(Mode::Train).parameter("p", [4, 5], 0.0);
            let y = g.input("x", DType::F32, [4, 7]) + g.input("b", DType::F32, [6]);
            g.assign("p", y);
        }),
        ("grad", &|g| {
            let w = g.root(Mode::Train).parameter("p", [6, 5], 0.0);
            let loss = g.input("x", DType::F32, [4, 7]).matmul(w).sum();
            let slope = grad(loss, &[w])[0];
            g.assign("p", w - slope * 0.1);
        }),
    ];
    for (name, model) in models {
        let graph = Graph::new();
        model(&graph);
        assert_eq!(mistakes(&graph).len(), 1, "{name}: {}", graph.check().unwrap_err());
    }
}

#[test]
fn a_size_that_is_known_is_checked_though_another_is_a_guess() {
    let graph = Graph::new();
    let y = graph.input("x", DType::F32, [4, 7]) + graph.input("b", DType::F32, [6]); // [4, ?]
    let _ = y.matmul(graph.input("w", DType::F32, [5, 3])) + graph.input("c", DType::F32, [2, 3]);
    let last = mistakes(&graph).pop().unwrap();
    assert_eq!(mistakes(&graph).len(), 2);
    assert!(last.what.contains("4 ≠ 2"), "{last}");
}

#[test]
fn mixing_two_graphs_is_a_mistake_of_the_graph_that_records() {
    let (one, two) = (Graph::new(), Graph::new());
    let a = one.input("a", DType::F32, [3]);
    let b = two.input("b", DType::F32, [3]);
    let sum = a + b;
    assert_eq!(sum.shape().sizes(), &[3]);
    assert_kind(&one, "graph", "another graph");
    assert!(two.check().is_ok());

    // States, choices, products and derivatives too.
    let graph = Graph::new();
    graph.root(Mode::Train).parameter("w", [3], 0.0);
    graph.assign("w", b);
    assert_kind(&graph, "graph", "another graph");
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [3]);
    for _ in 0..100 {
        two.constant(DType::F32, 1.0); // so that its nodes lie beyond this graph's
    }
    let far = two.constant(DType::F32, 1.0);
    let slopes = grad(x.sum(), &[far]);
    assert_eq!(slopes.len(), 1);
    assert_kind(&graph, "graph", "different graphs");
}

#[test]
fn running_what_belongs_to_another_graph_is_an_error() {
    let (one, two) = (Graph::new(), Graph::new());
    let a = one.constant(DType::F32, 1.0);
    two.constant(DType::F32, 1.0);
    let b = two.constant(DType::F32, 2.0);
    let mut session = Session::new(Options { threads: 1, ..Options::default() }).unwrap();
    let none = Parameters::new();
    for foreign in [session.evaluate(&one, &none, &[b]), session.evaluate(&two, &none, &[b, a])] {
        assert!(foreign.unwrap_err().to_string().contains("another graph"));
    }
    assert!(Evaluation::new(&one, &none, &none, &[b]).is_err());
}

#[test]
fn entering_a_scope_twice_names_both_lines() {
    let graph = Graph::new();
    let root = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [4, 8]);
    linear(root.child("fc"), x, 8, 8);
    let first = line(1);
    root.child("fc");
    let second = line(1);
    let mistake = only(&graph);
    assert_eq!((mistake.kind, mistake.at.to_string()), ("scope", second));
    assert!(mistake.what.contains(&first) && mistake.what.contains(".again()"), "{mistake}");
}

#[test]
fn using_a_scope_again_shares_its_parameters_and_is_no_mistake() {
    let graph = Graph::new();
    let fc = graph.root(Mode::Train).child("fc");
    let x = graph.input("x", DType::F32, [4, 8]);
    let y = linear(fc, x, 8, 8);
    linear(fc.again(), y, 8, 8);
    assert!(graph.check().is_ok());
    assert_eq!(graph.parameters().len(), 2);
}

#[test]
fn using_a_missing_scope_again_is_a_mistake() {
    let graph = Graph::new();
    graph.root(Mode::Train).again().child("fc");
    assert_kind(&graph, "scope", "does not exist yet");
}

#[test]
fn declaring_twice_is_a_mistake_unless_it_is_shared_in_the_same_shape() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train).child("layer");
    let first = at.parameter("w", [3, 4], 0.0);
    let declared = line(1);
    at.parameter("w", [3, 4], 0.0);
    assert_kind(&graph, "state", "declared twice");
    assert!(only(&graph).what.contains(&declared));
    assert_eq!(at.again().parameter("w", [3, 4], 0.0).value(), first.value());
    assert_eq!(mistakes(&graph).len(), 1);

    at.again().parameter("w", [3, 5], 0.0);
    let other = line(1);
    let last = mistakes(&graph).pop().unwrap();
    assert_eq!(last.at.to_string(), other);
    assert!(last.what.contains("[3, 5]") && last.what.contains("[3, 4]"), "{last}");
    assert!(last.what.contains(&declared), "{last}");
    assert_eq!(last.scopes[0].0, "layer");
    at.again().state("w", DType::F32, [3, 4], 0.0);
    assert_eq!(mistakes(&graph).len(), 3, "a parameter is no state");
}

#[test]
fn assigning_needs_a_declaration_and_its_shape_and_type() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train).child("bn");
    let x = graph.input("x", DType::F32, [4]);
    at.assign("mean", x);
    assert_kind(&graph, "state", "`bn/mean` is assigned but was never declared");

    let graph = Graph::new();
    let at = graph.root(Mode::Train).child("bn");
    let (x, y) = (graph.input("x", DType::F32, [4]), graph.input("y", DType::F64, [5]));
    at.state("mean", DType::F32, [5], 0.0);
    at.assign("mean", x);
    let given = line(1);
    assert_kind(&graph, "state", "another shape or type");
    let mistake = only(&graph);
    assert_eq!(mistake.at.to_string(), given);
    assert_eq!(mistake.parties[0].what, "state `bn/mean`");
    assert_eq!(mistake.parties[1].what, "input `x`");
    at.assign("mean", y);
    assert_eq!(mistakes(&graph).len(), 2, "another type");
    let held = graph.current("bn/mean").unwrap();
    assert_eq!(held.value(), graph.state("bn/mean").unwrap().value(), "the old value stays");
}

#[test]
fn only_a_single_float_has_a_gradient() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [3]);
    let slopes = grad(x * x, &[x]);
    let asked = line(1);
    assert_kind(&graph, "shape", "sum it first");
    assert_eq!(only(&graph).at.to_string(), asked);
    assert_eq!(slopes[0].shape(), x.shape());

    let graph = Graph::new();
    let n = graph.input("n", DType::I64, []);
    grad(n * n, &[n]);
    assert_eq!(mistakes(&graph).len(), 1);
}

#[test]
fn types_do_not_mix_and_the_parties_are_the_users_tensors() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [2, 5]);
    let ids = graph.input("ids", DType::I64, [5]);
    let _ = x * ids;
    let mistake = only(&graph);
    assert_eq!(mistake.kind, "type");
    let what: Vec<_> = mistake.parties.iter().map(|p| p.what.as_str()).collect();
    assert_eq!(what, ["input `x`", "input `ids`"]);

    let wrong: [(&str, OfTwo); 12] = [
        ("exp of integers", &|_, ids| {
            ids.exp();
        }),
        ("sum of booleans", &|_, ids| {
            ids.equal(ids).sum();
        }),
        ("largest of booleans", &|_, ids| {
            ids.equal(ids).argmax(0);
        }),
        ("quotient of integers", &|_, ids| {
            let _ = ids / ids;
        }),
        ("logic of floats", &|x, _| {
            x.and(x);
        }),
        ("choice by floats", &|x, _| {
            x.select(x, x);
        }),
        ("choice between types", &|x, ids| {
            x.greater(x).select(x, ids);
        }),
        ("rows by floats", &|x, _| {
            x.gather(x);
        }),
        ("scattering by floats", &|x, _| {
            x.scatter_add(x.slice(1, 0..1).reshape([2]), 3);
        }),
        ("product of integers", &|_, ids| {
            ids.reshape([1, 5]).matmul(ids.reshape([5, 1]));
        }),
        ("concatenation of types", &|x, ids| {
            ids.concatenate(&[x.reshape([10])], 0);
        }),
        ("half an integer", &|_, ids| {
            let _ = ids * 0.5;
        }),
    ];
    for (name, model) in wrong {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [2, 5]);
        model(x, graph.input("ids", DType::I64, [5]));
        let mistake = only(&graph);
        assert_eq!(mistake.kind, "type", "{name}: {mistake}");
        assert!(mistake.at.file.ends_with("diagnostics.rs"), "{name}: {mistake}");
    }
}

#[test]
fn a_mean_of_integers_is_a_mistake_instead_of_zero() {
    let graph = Graph::new();
    graph.input("ids", DType::I64, [5]).mean();
    assert_eq!(only(&graph).kind, "type");
}

#[test]
fn shapes_too_large_for_the_machine_are_refused_wherever_they_arise() {
    let big = 1usize << 40;
    let models: [(&str, Model); 9] = [
        ("input", &|g| {
            g.input("x", DType::F32, [big, big]);
        }),
        ("parameter", &|g| {
            let at = g.root(Mode::Train);
            at.parameter("w", [big, big], Initial::Constant(0.0));
            at.again().parameter("w", [big, big], Initial::Constant(0.0));
        }),
        ("empty, but with strides beyond", &|g| {
            g.input("x", DType::F32, [0, big, big]);
        }),
        ("broadcast", &|g| {
            let _ = g.input("x", DType::F32, [big, 1]) + g.input("y", DType::F32, [big]);
        }),
        ("outer product", &|g| {
            g.input("x", DType::F32, [big, 1]).matmul(g.input("y", DType::F32, [1, big]));
        }),
        ("embed", &|g| {
            g.input("x", DType::F32, [1, 1]).embed(&[0, 0], &[1, 1], [big, big]);
        }),
        ("rows", &|g| {
            g.input("x", DType::F32, [2, 3]).scatter_add(g.iota([2], 0), usize::MAX);
        }),
        ("random", &|g| {
            let seed = g.constant(DType::I64, 0.0);
            g.root(Mode::Train).random(Distribution::Normal, [big, big], seed, seed);
        }),
        ("axes", &|g| {
            g.input("x", DType::F32, vec![1; 63]);
        }),
    ];
    for (name, model) in models {
        let graph = Graph::new();
        model(&graph);
        let mistake = only(&graph);
        assert!(mistake.what.contains("too many"), "{name}: {mistake}");
        assert_eq!(mistake.kind, "shape");
        assert!(!graph.to_string().is_empty());
        assert!(graph.initial_values(0).len() <= 1);
    }
}

#[test]
fn two_inputs_of_one_name_are_a_mistake() {
    let graph = Graph::new();
    graph.input("x", DType::F32, [1]);
    graph.input("x", DType::F32, [1]);
    assert_kind(&graph, "graph", "two inputs are called `x`");
}

#[test]
fn axes_and_ranges_outside_a_tensor_are_mistakes() {
    let models: [&dyn Fn(Tensor<'_>); 9] = [
        &|x| {
            let _ = x.sum_axis(-3);
        },
        &|x| {
            let _ = x.slice(0, 2..5);
        },
        &|x| {
            let _ = x.slice(7, 0..1);
        },
        &|x| {
            let _ = x.slice_to(&[0], &[1], [1].into());
        },
        &|x| {
            let _ = x.slice_to(&[0, 0], &[0, 1], [1, 1].into());
        },
        &|x| {
            let _ = x.slice_to(&[0, 0], &[usize::MAX, 1], [2, 1].into());
        },
        &|x| {
            let _ = x.embed(&[2, 0], &[1, 1], [4, 4]);
        },
        &|x| {
            let _ = x.concatenate(&[], 2);
        },
        &|x| {
            let _ = x.graph().iota([2], 1);
        },
    ];
    for (index, model) in models.iter().enumerate() {
        let graph = Graph::new();
        model(graph.input("x", DType::F32, [3, 4]));
        let found = mistakes(&graph);
        assert_eq!(found.len(), 1, "model {index}: {found:#?}");
        assert!(found[0].at.file.ends_with("diagnostics.rs"));
    }
}

#[test]
fn order_sums_and_windows_that_do_not_fit_are_mistakes() {
    let cases: [(OfTwo<'_>, &str, &str); 13] = [
        (&|x, _| _ = x.sort(2), "shape", "has no axis 2"),
        (&|x, _| _ = x.equal(x).sort(0), "type", "takes numbers, not bool"),
        (&|x, _| _ = x.top_k(4, 1), "shape", "axis 1 of [5, 3] has 3 elements, not 4"),
        (&|x, _| _ = x.cumulative_sum(-3), "shape", "has no axis"),
        (&|x, _| _ = x.equal(x).cumulative_sum(0), "type", "takes numbers, not bool"),
        (&|x, p| _ = x.slice_at(p, 4, 1), "shape", "axis 1 of [5, 3] has 3 elements, not 4"),
        (&|x, p| _ = x.slice_at(p, 1, 2), "shape", "has no axis 2"),
        (&|x, _| _ = x.slice_at(x, 1, 0), "type", "the position is an i64 scalar, not f32 [5, 3]"),
        (&|x, p| _ = x.update_slice(x, p, 2), "shape", "has no axis 2"),
        (&|x, p| _ = x.update_slice(x.sum_axis(1), p, 0), "shape", "[5, 1] does not fit [5, 3]"),
        (&|x, p| _ = x.slice(0, 0..2).update_slice(x, p, 0), "shape", "does not fit [2, 3]"),
        (&|x, p| _ = x.update_slice(x.cast(DType::F64), p, 0), "type", "do not mix"),
        (&|x, p| _ = x.update_slice(x, p.cast(DType::F32), 0), "type", "is an i64 scalar"),
    ];
    for (record, kind, words) in cases {
        let graph = Graph::new();
        let (x, p) = (graph.input("x", DType::F32, [5, 3]), graph.input("p", DType::I64, []));
        record(x, p);
        assert_kind(&graph, kind, words);
    }
}

#[test]
fn batches_that_do_not_broadcast_are_a_mistake() {
    for (left, right, words) in [
        (vec![2, 4, 5], vec![3, 5, 6], "the batches differ, [2] ≠ [3]"),
        (vec![7, 2, 4, 5], vec![3, 5, 6], "two batches of them that broadcast"),
        (vec![2, 4, 5], vec![6, 3], "inner sizes differ, 5 ≠ 6"),
        (vec![5], vec![5, 6], "takes two matrices"),
    ] {
        let graph = Graph::new();
        graph.input("a", DType::F32, left).matmul(graph.input("b", DType::F32, right));
        assert_kind(&graph, "shape", words);
    }
}

#[test]
fn a_broken_model_is_neither_planned_nor_run_and_recording_it_is_an_error() {
    let graph = Graph::new();
    let y = graph.input("x", DType::F32, [4]) + graph.input("y", DType::F32, [5]);
    let mut session = Session::new(Options { threads: 1, ..Options::default() }).unwrap();
    let mut inputs = Parameters::new();
    inputs.insert("x", Array::zeros(DType::F32, [4]));
    inputs.insert("y", Array::zeros(DType::F32, [5]));
    let Err(Error::Model(mistakes)) = session.evaluate(&graph, &inputs, &[y]) else {
        panic!("a broken model ran")
    };
    assert_eq!(mistakes.0.len(), 1);
    assert!(Evaluation::new(&graph, &inputs, &Parameters::new(), &[y]).is_err());
    assert!(
        record(Mode::Eval, |at| {
            let _ = at.graph().iota([2], 5);
        })
        .is_err()
    );
}

#[test]
fn derivatives_and_broadcasts_carry_the_users_line() {
    let graph = Graph::new();
    let w = graph.root(Mode::Train).parameter("w", [3], 0.5);
    let x = graph.input("x", DType::F32, [4, 3]);
    let y = (x * w).tanh();
    let loss = (y.square() + y).mean();
    grad(loss, &[w]);
    for index in 0..graph.len() {
        let node = graph.node(index).unwrap();
        assert!(node.origin.at.file.ends_with("diagnostics.rs"), "node {index}: {node:?}");
    }
}

#[test]
fn adding_a_random_layer_leaves_the_numbers_of_others_alone() {
    let draw = |with_dropout: bool| {
        let graph = Graph::new();
        let root = graph.root(Mode::Train);
        let seed = graph.constant(DType::I64, 1.0);
        if with_dropout {
            root.child("dropout").random(Distribution::Uniform, [8], seed, seed);
        }
        let noise = root.child("noise");
        let a = noise.random(Distribution::Uniform, [8], seed, seed);
        let b = noise.random(Distribution::Uniform, [8], seed, seed);
        let mut session = Session::new(Options { threads: 1, ..Options::default() }).unwrap();
        session.evaluate(&graph, &Parameters::new(), &[a, b]).unwrap()
    };
    let (without, with) = (draw(false), draw(true));
    assert_eq!(without, with);
    assert_ne!(with[0], with[1], "two draws of one scope differ");
}
