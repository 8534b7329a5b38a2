//! Speed of the convolutions of LeNet and ResNet-20 (at a batch of 64), and of their derivatives:
//! `cargo run --release -p glassbox-engine --example convolution -- [threads] [seconds] [batch]`.
//! Beside each stands the share of what a large matrix product reaches on the same threads.

use std::time::Instant;

use glassbox_engine::op::Convolution;
use glassbox_engine::{Array, DType, Error, Graph, Options, Prepared, Session, Tensor, grad};

/// The best time of a run within so many seconds, of arbitrary numbers.
fn best(session: &mut Session, step: &Prepared, seconds: f64) -> Result<f64, Error> {
    let mut inputs = step.inputs();
    for buffer in &mut inputs {
        let number = |i: usize| (i * 7919 % 2003) as f32 / 2003.0 - 0.5;
        let numbers: Vec<f32> = (0..buffer.shape().elements()).map(number).collect();
        buffer.write(&Array::new(buffer.shape().clone(), numbers)?)?;
    }
    let mut outputs = step.outputs();
    session.run(step, &mut inputs, &mut outputs)?;
    let (start, mut best) = (Instant::now(), f64::INFINITY);
    while start.elapsed().as_secs_f64() < seconds {
        let before = Instant::now();
        session.run(step, &mut inputs, &mut outputs)?;
        best = best.min(before.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let threads = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let seconds = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(0.3);
    let batch = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(64);
    let mut session = Session::new(Options { threads, ..Options::default() })?;
    let graph = Graph::new();
    let square = |name: &str| graph.input(name, DType::F32, [512, 512]);
    let product = square("a").matmul(square("b"));
    let step = session.prepare(&graph, &[product])?;
    let peak = 2.0 * 512f64.powi(3) / best(&mut session, &step, seconds)? / 1e9;
    println!("matrix product 512: {peak:.0} GFLOP/s on {threads} threads");
    println!(
        "{:<34} {:>14} {:>16} {:>16}",
        "layer", "forward", "input gradient", "filter gradient"
    );
    // Size, channels, filter, outputs, stride, groups.
    for (name, size, channels, filter, outputs, stride, groups) in [
        ("lenet 1", 28, 1, 5, 32, 1, 1),
        ("lenet 2", 14, 32, 5, 64, 1, 1),
        ("resnet20 1", 32, 3, 3, 16, 1, 1),
        ("resnet20 16", 32, 16, 3, 16, 1, 1),
        ("resnet20 16-32", 32, 16, 3, 32, 2, 1),
        ("resnet20 32", 16, 32, 3, 32, 1, 1),
        ("resnet20 32-64", 16, 32, 3, 64, 2, 1),
        ("resnet20 64", 8, 64, 3, 64, 1, 1),
        ("depthwise 64", 32, 64, 3, 64, 1, 64),
    ] {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [batch, size, size, channels]);
        let w = graph.input("w", DType::F32, [filter, filter, channels / groups, outputs]);
        let choices =
            Convolution::default().padding([filter / 2; 2]).stride([stride; 2]).groups(groups);
        let y = x.conv2d(w, choices);
        let up = graph.input("up", DType::F32, y.shape());
        let slopes = grad((y * up).sum(), &[x, w]);
        let mut row = format!(
            "{name:<14} {:<19}",
            format!("{size}² {channels} {filter}² {outputs} /{stride}")
        );
        for tensor in [y, slopes[0], slopes[1]] as [Tensor<'_>; 3] {
            let step = session.prepare(&graph, &[tensor])?;
            let speed = step.plan().operations() as f64 / best(&mut session, &step, seconds)? / 1e9;
            row += &format!(" {speed:>8.0} {:>4.0} %", 100.0 * speed / peak);
        }
        println!("{row}");
    }
    Ok(())
}
