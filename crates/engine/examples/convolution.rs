//! Speed of the convolutions of LeNet, ResNet-20, ResNet-18, a convolutional VAE and a DCGAN, and of
//! their derivatives (which are the transposed convolutions), as multiply-adds × 2 of the direct sum
//! whatever the method:
//! `cargo run --release -p glassbox-engine --example convolution -- [name part] [threads] [seconds]`.
//! `bench/convolution.py` prints the same of PyTorch.

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

/// Batch, size, channels, filter, outputs, stride, padding, groups.
const LAYERS: [(&str, [usize; 8]); 30] = [
    ("lenet 1", [64, 28, 1, 5, 32, 1, 2, 1]),
    ("lenet 2", [64, 14, 32, 5, 64, 1, 2, 1]),
    ("resnet20 1", [64, 32, 3, 3, 16, 1, 1, 1]),
    ("resnet20 2", [64, 32, 16, 3, 16, 1, 1, 1]),
    ("resnet20 3", [64, 32, 16, 3, 32, 2, 1, 1]),
    ("resnet20 4", [64, 16, 32, 3, 32, 1, 1, 1]),
    ("resnet20 5", [64, 16, 32, 3, 64, 2, 1, 1]),
    ("resnet20 6", [64, 8, 64, 3, 64, 1, 1, 1]),
    ("resnet18 1", [8, 224, 3, 7, 64, 2, 3, 1]),
    ("resnet18 2", [8, 56, 64, 3, 64, 1, 1, 1]),
    ("resnet18 3", [8, 56, 64, 3, 128, 2, 1, 1]),
    ("resnet18 4", [8, 56, 64, 1, 128, 2, 0, 1]),
    ("resnet18 5", [8, 28, 128, 3, 128, 1, 1, 1]),
    ("resnet18 6", [8, 28, 128, 3, 256, 2, 1, 1]),
    ("resnet18 7", [8, 28, 128, 1, 256, 2, 0, 1]),
    ("resnet18 8", [8, 14, 256, 3, 256, 1, 1, 1]),
    ("resnet18 9", [8, 14, 256, 3, 512, 2, 1, 1]),
    ("resnet18 10", [8, 14, 256, 1, 512, 2, 0, 1]),
    ("resnet18 11", [8, 7, 512, 3, 512, 1, 1, 1]),
    ("one image 1", [1, 224, 3, 7, 64, 2, 3, 1]),
    ("one image 2", [1, 56, 64, 3, 64, 1, 1, 1]),
    ("one image 8", [1, 14, 256, 3, 256, 1, 1, 1]),
    ("conv-vae 1", [128, 28, 1, 3, 32, 2, 1, 1]),
    ("conv-vae 2", [128, 14, 32, 3, 64, 2, 1, 1]),
    ("dcgan 1", [64, 28, 1, 4, 64, 2, 1, 1]),
    ("dcgan 2", [64, 14, 64, 4, 128, 2, 1, 1]),
    ("dcgan 3", [64, 7, 128, 7, 64, 1, 0, 1]),
    ("dcgan 4", [64, 7, 128, 7, 1, 1, 0, 1]),
    ("depthwise 8", [8, 32, 64, 3, 64, 1, 1, 64]),
    ("depthwise", [64, 32, 64, 3, 64, 1, 1, 64]),
];

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let wanted = arguments.next().unwrap_or_default();
    let threads = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let seconds = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(0.2);
    let mut session = Session::new(Options { threads, ..Options::default() })?;
    let graph = Graph::new();
    let square = |name: &str| graph.input(name, DType::F32, [512, 512]);
    let product = square("a").matmul(square("b"));
    let step = session.prepare(&graph, &[product])?;
    let speed = 2.0 * 512f64.powi(3) / best(&mut session, &step, seconds)? / 1e9;
    println!("GFLOP/s on {threads} threads; matrix product 512: {speed:.0}");
    println!("{:<40} {:>8} {:>14} {:>15}", "layer", "forward", "input gradient", "filter gradient");
    for (name, [batch, size, channels, filter, outputs, stride, padding, groups]) in LAYERS {
        if !name.contains(&wanted) {
            continue;
        }
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [batch, size, size, channels]);
        let w = graph.input("w", DType::F32, [filter, filter, channels / groups, outputs]);
        let choices =
            Convolution::default().padding([padding; 2]).stride([stride; 2]).groups(groups);
        let y = x.conv2d(w, choices);
        let up = graph.input("up", DType::F32, y.shape());
        let slopes = grad((y * up).sum(), &[x, w]);
        let layer = format!("{batch} × {size}² {channels} {filter}² {outputs} /{stride}");
        let mut row = format!("{name:<12} {layer:<27}");
        for (tensor, width) in [(y, 8), (slopes[0], 14), (slopes[1], 15)] as [(Tensor<'_>, _); 3] {
            let step = session.prepare(&graph, &[tensor])?;
            let speed = step.plan().operations() as f64 / best(&mut session, &step, seconds)? / 1e9;
            row += &format!(" {speed:>width$.0}");
        }
        println!("{row}");
    }
    Ok(())
}
