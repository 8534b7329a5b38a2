//! What layers, losses and optimisers become when they are planned.

#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

use glassbox::engine::{DType, Options};
use glassbox::prelude::*;

/// The plan of one training step of a small classifier, as text.
fn plan(optimizer: Optimizer) -> String {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("inputs", DType::F32, [32, 20]);
    let labels = graph.input("targets", DType::I64, [32]);
    let (rate, step) = (graph.input("rate", DType::F32, []), graph.input("step", DType::I64, []));
    let y = Mlp::new([20, 30, 10]).forward(at, x);
    let loss = Loss::CrossEntropy.of(at.child("loss"), y, labels);
    optimizer.update(at.child("optimizer"), loss, graph.parameters(), rate, step);
    let mut session = Session::new(Options::default()).unwrap();
    session.load(graph.initial_values(0));
    session.prepare(&graph, &[loss]).unwrap().plan().to_string()
}

/// The kernels that write `path`.
fn writers<'a>(plan: &'a str, path: &str) -> Vec<&'a str> {
    let writes = |line: &&str| {
        let results = line.split(" = ").next().unwrap_or_default();
        let computes = line.contains(" = loop") || line.contains(" = matmul");
        computes && results.split([',', ' ']).any(|word| word == path)
    };
    plan.lines().filter(writes).collect()
}

#[test]
fn an_update_of_adam_is_one_pass_over_a_parameter_and_its_moments() {
    let plan = plan(Optimizer::ADAM);
    for path in ["fc1/weight", "fc1/bias", "fc2/weight", "fc2/bias"] {
        let [writer] = writers(&plan, path)[..] else { panic!("{path}:\n{plan}") };
        for moment in ["first_moment", "second_moment"] {
            assert!(writer.contains(&format!("optimizer/{path}/{moment}")), "{writer}\n{plan}");
        }
    }
    assert!(!plan.contains("= move"), "nothing is copied:\n{plan}");
}

#[test]
fn softmax_and_cross_entropy_are_one_loop_behind_the_product_of_the_scores() {
    let plan = plan(Optimizer::GRADIENT_DESCENT);
    let count = |what: &str| plan.lines().filter(|line| line.contains(what)).count();
    assert_eq!((count(" then by [32, 10]"), count(" = loop [32, 10]")), (1, 0), "{plan}");
}
