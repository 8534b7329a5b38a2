//! Speed of whole training steps: `cargo run --release --example bench -- mlp [seconds] [threads]`.
//!
//! The workloads are dense nets of fixed sizes; inputs are a pool of 8 batches made beforehand, and
//! the loss is not read back. Seven timed runs share the seconds; the median counts. Prints one JSON
//! line.

use std::time::Instant;

use glassbox::engine::{DType, Options, random::Stream};
use glassbox::prelude::*;

struct Workload {
    sizes: Vec<usize>,
    batch: usize,
    activation: Activation,
    loss: Loss,
    optimizer: Optimizer,
}

fn workload(name: &str) -> Option<Workload> {
    let adam = |sizes: &[usize], batch| Workload {
        sizes: sizes.to_vec(),
        batch,
        activation: Activation::Relu,
        loss: Loss::CrossEntropy,
        optimizer: Optimizer::ADAM,
    };
    Some(match name {
        "squiggle" => Workload {
            sizes: vec![1, 2, 1],
            batch: 3,
            activation: Activation::Softplus,
            loss: Loss::SumOfSquares,
            optimizer: Optimizer::GRADIENT_DESCENT.with_lr(0.05),
        },
        "mlp" => adam(&[784, 256, 128, 10], 128),
        "mlp-wide" => adam(&[784, 2048, 2048, 10], 256),
        _ => return None,
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "mlp".into());
    let seconds: f64 = arguments.next().map_or(Ok(5.0), |text| text.parse())?;
    let threads = arguments.next().map_or(Ok(2), |text| text.parse())?;
    let work = workload(&name).ok_or("the workloads: squiggle, mlp, mlp-wide")?;
    let (inputs, outputs) = (work.sizes[0], work.sizes[work.sizes.len() - 1]);

    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("inputs", DType::F32, [work.batch, inputs]);
    let target = match work.loss.target_type() {
        DType::I64 => graph.input("targets", DType::I64, [work.batch]),
        _ => graph.input("targets", DType::F32, [work.batch, outputs]),
    };
    let (rate, step) = (graph.input("rate", DType::F32, []), graph.input("step", DType::I64, []));
    let y = Mlp::new(work.sizes.clone()).activation(work.activation).forward(at, x);
    let loss = work.loss.of(at.child("loss"), y, target);
    work.optimizer.update(at.child("optimizer"), loss, graph.parameters(), rate, step);

    let mut session = Session::new(Options { threads, ..Options::default() })?;
    session.load(graph.initial_values(0));
    let plan = session.prepare(&graph, &[loss])?;
    let stream = Stream::new(0, "inputs", 0);
    let mut pool = Vec::new();
    for batch in 0..8u64 {
        let mut buffers = plan.inputs();
        let stream = stream.at_step(batch);
        if let Some(numbers) = buffers[0].as_slice_mut::<f32>() {
            numbers.iter_mut().enumerate().for_each(|(i, x)| *x = stream.uniform(i as u64) as f32);
        }
        if let Some(labels) = buffers[1].as_slice_mut::<i64>() {
            let class = |i: usize| i64::from(stream.bits(1 << 40 | i as u64)) % outputs as i64;
            labels.iter_mut().enumerate().for_each(|(i, label)| *label = class(i));
        }
        if let Some(rate) = buffers[2].as_slice_mut::<f32>() {
            rate[0] = work.optimizer.lr() as f32;
        }
        pool.push(buffers);
    }
    let mut results = plan.outputs();
    let mut taken = 0i64;
    let mut steps = |count: usize| -> Result<f64, Box<dyn std::error::Error>> {
        let started = Instant::now();
        for _ in 0..count {
            let buffers = &mut pool[taken as usize % 8];
            taken += 1;
            if let Some(step) = buffers[3].as_slice_mut::<i64>() {
                step[0] = taken;
            }
            session.run(&plan, buffers, &mut results)?;
        }
        Ok(started.elapsed().as_secs_f64())
    };
    steps(20)?;
    let once = steps(20)? / 20.0;
    let count = ((seconds / 7.0 / once) as usize).max(1);
    let mut speeds = Vec::new();
    for _ in 0..7 {
        speeds.push(count as f64 / steps(count)?);
    }
    speeds.sort_by(f64::total_cmp);
    let unit = if name == "squiggle" { 1.0 } else { work.batch as f64 };
    let gflops = plan.plan().operations() as f64 * speeds[3] / 1e9;
    println!(
        "{{\"workload\": \"{name}\", \"backend\": \"glassbox\", \"threads\": {threads}, \
         \"median\": {:.1}, \"min\": {:.1}, \"max\": {:.1}, \"unit\": \"{}\", \"gflops\": {gflops:.1}, \
         \"loss_last\": {}}}",
        speeds[3] * unit,
        speeds[0] * unit,
        speeds[6] * unit,
        if name == "squiggle" { "steps/s" } else { "samples/s" },
        results[0].as_slice::<f32>().map_or(f32::NAN, |l| l[0])
    );
    Ok(())
}
