//! Where the time of a run goes, step by step, those of loops included.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox_engine::{DType, Graph, Options, Session};

#[test]
fn times_of_loops_include_those_of_their_bodies() {
    let graph = Graph::new();
    let w = graph.input("w", DType::F32, [64, 64]);
    let x = graph.input("x", DType::F32, [50, 8, 64]);
    let zero = graph.input("h", DType::F32, [8, 64]);
    let (h, ()) = graph.scan(50, zero, x, |h, x, _| ((h.matmul(w) + x).tanh(), ()));
    let y = h.sum();
    let mut session = Session::new(Options::default()).unwrap();
    let step = session.prepare(&graph, &[y]).unwrap();
    let (mut inputs, mut outputs, mut profile) = (step.inputs(), step.outputs(), step.profile());
    for _ in 0..4 {
        session.run_profiled(&step, &mut inputs, &mut outputs, &mut profile).unwrap();
    }
    let steps = step.plan().steps(&graph);
    let scan = steps.iter().position(|step| step.kernel == "scan").unwrap();
    let body = &steps[scan].body;
    assert!(body.iter().any(|step| step.kernel == "matmul" && step.times == 50));
    assert_eq!(body.iter().map(|step| step.operations).sum::<usize>(), steps[scan].operations);
    let times = profile.nanoseconds();
    assert_eq!(times.len(), steps.len() + body.len());
    let within: u64 = times[scan + 1..][..body.len()].iter().sum();
    assert!(within > 0 && within <= times[scan], "{times:?}");
    assert!(times[scan] as f64 <= profile.seconds() * 1e9 && profile.runs() == 4);
    // The numbers are those of a run without a clock.
    let timed = outputs[0].read();
    session.run(&step, &mut inputs, &mut outputs).unwrap();
    assert_eq!(timed, outputs[0].read());
    // Another plan's profile is refused.
    let other = session.prepare(&graph, &[y * 2.0, h]).unwrap();
    let (mut inputs, mut outputs) = (other.inputs(), other.outputs());
    let mut wrong = other.profile();
    session.run_profiled(&other, &mut inputs, &mut outputs, &mut wrong).unwrap();
    if wrong.nanoseconds().len() != times.len() {
        let error = session.run_profiled(&other, &mut inputs, &mut outputs, &mut profile);
        assert!(error.unwrap_err().to_string().contains("another plan"));
    }
}

#[test]
fn limits_are_above_what_a_product_reaches() {
    let session = Session::new(Options { threads: 1, ..Options::default() }).unwrap();
    let limits = session.limits().unwrap();
    assert!(limits.gflops > 0.0 && limits.gigabytes > 0.0, "{limits:?}");
}
