//! What a plan says that it costs is what can be counted by hand; a session with too many plans warns.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use glassbox_engine::{
    Array, DType, Graph, Mode, Options, Parameters, Role, Session, StepCost, Warning, grad,
};

fn session() -> Session {
    Session::new(Options::default()).unwrap()
}

/// `tanh(x · w1) · w2` against `t`: loss, and one step of gradient descent.
fn two_layers(graph: &Graph, [rows, a, b, c]: [usize; 4]) -> glassbox_engine::Tensor<'_> {
    let root = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [rows, a]);
    let t = graph.input("t", DType::F32, [rows, c]);
    let fc1 = root.child("fc1");
    let h = {
        let _inside = fc1.enter();
        x.matmul(fc1.parameter("weight", [a, b], 0.1)).tanh()
    };
    let fc2 = root.child("fc2");
    let y = {
        let _inside = fc2.enter();
        h.matmul(fc2.parameter("weight", [b, c], 0.1))
    };
    let loss = (y - t).square().sum();
    let parameters = graph.parameters();
    let tensors: Vec<_> = parameters.iter().map(|(_, tensor)| *tensor).collect();
    for ((path, w), slope) in parameters.iter().zip(grad(loss, &tensors)) {
        let update = || graph.assign(path, *w - slope * 0.1);
        graph.with_role(Role::Update { path: path.clone() }, update);
    }
    loss
}

#[test]
fn a_training_step_costs_what_can_be_counted_by_hand() {
    let (rows, a, b, c) = (8, 4, 16, 3);
    let graph = Graph::new();
    let loss = two_layers(&graph, [rows, a, b, c]);
    let mut session = session();
    session.load(graph.initial_values(0));
    let prepared = session.prepare(&graph, &[loss]).unwrap();
    let plan = prepared.plan();

    // Forward two products, backward one for each weight and one for the hidden layer: 2mnk each.
    let products = 2 * rows * (a * b + b * c) * 2 + 2 * rows * b * c;
    assert_eq!(plan.operations(), products);
    // tanh; y − t, its square, their sum; twice y − t; 1 − h·h times the slope; w − slope · rate.
    let (hidden, out, weights) = (rows * b, rows * c, a * b + b * c);
    let pointwise = hidden + 3 * out + out + 3 * hidden + 2 * weights;
    let cost = plan.cost();
    assert_eq!(cost.operations, products + pointwise, "{plan}");
    assert_eq!(cost.steps, plan.kernels());
    assert_eq!(cost.arena_bytes, plan.arena_bytes());

    let steps = plan.steps(&graph);
    let sum = |of: fn(&StepCost) -> usize| steps.iter().map(of).sum::<usize>();
    assert_eq!(sum(|s| s.operations), cost.operations);
    assert_eq!(sum(|s| s.bytes_read), cost.bytes_read);
    assert_eq!(sum(|s| s.bytes_written), cost.bytes_written);
    // The first product with its part of the model: tanh, and 1 − h·h for the way back.
    let first = steps.iter().find(|s| s.kernel == "matmul").unwrap();
    assert_eq!(first.operations, 2 * rows * a * b + 3 * hidden);
    assert_eq!(first.bytes_read, 4 * (rows * a + a * b));
    assert_eq!(first.bytes_written, 4 * 2 * rows * b);
    assert_eq!(first.nodes[0].scope, "fc1");
    assert_eq!((first.nodes[0].op, &first.nodes[0].role), ("matmul", &Role::Forward));
    let nodes = || steps.iter().flat_map(|s| &s.nodes);
    assert!(nodes().any(|n| matches!(n.role, Role::Adjoint { .. }) && n.scope == "fc2"));
    let updates = |path: &str| {
        let role = Role::Update { path: path.to_string() };
        nodes().filter(|n| n.role == role).count()
    };
    assert_eq!((updates("fc1/weight"), updates("fc2/weight")), (2, 2));

    // The same in the text: in total, and a line a step.
    let text = plan.to_string();
    assert!(text.lines().next().unwrap().contains(&cost.to_string()), "{text}");
    assert!(text.contains("(1.4 kFLOP, 384 B → 1.0 kB)"), "{text}");
}

#[test]
fn loops_moves_and_lookups_count_what_they_touch() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [6, 4]);
    let b = graph.input("b", DType::F32, [4]);
    let table = graph.input("table", DType::F32, [1000, 4]);
    let ids = graph.input("ids", DType::I64, [6]);
    for (output, operations, read, written) in [
        ((x + b).exp(), 2 * 24, 96 + 16, 96),
        (x.sum_axis(0), 24, 96, 16),
        (x.slice(0, 1..3), 0, 32, 32),
        (x.transpose(), 0, 96, 96),
        // Six rows of the table, not the table.
        (table.gather(ids), 0, 6 * 16 + 6 * 8, 96),
        (x.scatter_add(ids, 10), 24, 96 + 48, 160),
        (table.scatter(ids, x), 0, 16_000 + 96 + 48, 16_000),
        (x.cumulative_sum(1), 24, 96, 96),
        // 24 elements in columns of 6, ⌈log₂ 6⌉ = 3; values and indices.
        (x.sort(0).0, 24 * 3, 96, 96 + 192),
    ] {
        let prepared = session().prepare(&graph, &[output]).unwrap();
        let cost = prepared.plan().cost();
        let got = (cost.operations, cost.bytes_read, cost.bytes_written);
        assert_eq!(got, (operations, read, written), "{}", prepared.plan());
    }
}

#[test]
fn more_than_sixteen_plans_are_a_warning_that_names_what_varies() {
    let mut session = session();
    let mut evaluate = |rows: usize| {
        let graph = Graph::new();
        let x = graph.input("rows", DType::F32, [rows]);
        let y = graph.input("scale", DType::F32, []);
        let mut inputs = Parameters::new();
        inputs.insert("rows", Array::zeros(DType::F32, [rows]));
        inputs.insert("scale", Array::scalar(2.0));
        session.evaluate(&graph, &inputs, &[x * y]).unwrap();
        session.warnings()
    };
    for rows in (1..=16).chain(1..=16) {
        assert_eq!(evaluate(rows), [], "16 plans are as many as one may have");
    }
    let warnings = evaluate(17);
    assert_eq!(warnings, [Warning::ManyPlans { plans: 17, differing: vec!["rows".to_string()] }]);
    let words = warnings[0].to_string();
    assert!(words.contains("17 plans") && words.contains("`rows`") && words.contains("pad"));
}

#[test]
fn a_number_that_is_recorded_instead_of_given_is_a_warning_too() {
    let mut session = session();
    for rate in 0..20 {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, []);
        let mut inputs = Parameters::new();
        inputs.insert("x", Array::scalar(1.0));
        session.evaluate(&graph, &inputs, &[x * f64::from(rate) * 0.01]).unwrap();
    }
    let [warning] = &session.warnings()[..] else { panic!("not one warning") };
    assert!(warning.to_string().contains("give numbers that vary as inputs"), "{warning}");
}
