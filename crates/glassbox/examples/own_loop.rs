//! A training loop of one's own: one graph for the step, one session that runs it.
//!
//! `cargo run --release --example own_loop`

use glassbox::data::TargetsMut;
use glassbox::engine::{DType, Options};
use glassbox::prelude::*;

/// Trains on the digits, step by step.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let digits = data::digits();
    let (rows, width) = (64, digits.train.width());

    // Record one step once: forward, loss, backward (by the optimiser) and update.
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("images", DType::F32, [rows, width]);
    let labels = graph.input("labels", DType::I64, [rows]);
    let (rate, step) = (graph.input("rate", DType::F32, []), nn::step(&graph));
    let scores = Mlp::new([width, 32, 10]).forward(at, x);
    let loss = Loss::CrossEntropy.of(at.child("loss"), scores, labels);
    let right = scores.argmax(-1).equal(labels).cast(DType::F32).mean();
    // Any parameters, any gradients: here all of them, clipped.
    let parameters = graph.parameters();
    let tensors: Vec<Tensor<'_>> = parameters.iter().map(|(_, tensor)| *tensor).collect();
    let gradients = Clip::Norm(1.0).of(&grad(loss, &tensors));
    Optimizer::ADAMW.apply(at.child("optimizer"), parameters, &gradients, rate, step);

    // Plan it, then run it as often as it takes. A run allocates nothing.
    let mut session = Session::new(Options::default())?;
    session.load(graph.initial_values(42));
    let plan = session.prepare(&graph, &[loss, right])?;
    let slot = |name: &str| plan.input(name).ok_or(format!("no input `{name}`"));
    let (x, labels, rate, step) = (slot("images")?, slot("labels")?, slot("rate")?, slot("step")?);
    let (mut inputs, mut outputs) = (plan.inputs(), plan.outputs());
    let (mut numbers, mut classes) = (vec![0.0; rows * width], vec![0; rows]);
    for number in 1..=400i64 {
        let first = number as usize * rows % (digits.train.len() - rows);
        let batch: Vec<usize> = (first..first + rows).collect();
        digits.train.gather(&batch, &mut numbers, TargetsMut::Classes(&mut classes))?;
        inputs[x].as_slice_mut().ok_or("f32")?.copy_from_slice(&numbers);
        inputs[labels].as_slice_mut().ok_or("i64")?.copy_from_slice(&classes);
        inputs[rate].as_slice_mut::<f32>().ok_or("f32")?[0] = 3e-3;
        inputs[step].as_slice_mut::<i64>().ok_or("i64")?[0] = number;
        session.run(&plan, &mut inputs, &mut outputs)?;
        if number % 100 == 0 {
            let figure = |at: usize| outputs[at].as_slice::<f32>().map_or(0.0, |v| v[0]);
            println!("step {number}: loss {:.3}, accuracy {:.3}", figure(0), figure(1));
        }
    }
    let last = outputs[1].as_slice::<f32>().ok_or("f32")?[0];
    assert!(last > 0.9);
    Ok(())
}
