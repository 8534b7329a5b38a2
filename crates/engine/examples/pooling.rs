//! Speed of pooling, and of a convolution's block with normalisation over the batch and ReLU, forward and
//! with gradients; bytes are those that the plan counts:
//! `cargo run --release -p glassbox-engine --example pooling -- [threads] [seconds] [plan]`.

use std::time::Instant;

use glassbox_engine::op::{Convolution, Pooling};
use glassbox_engine::{Array, DType, Error, Graph, Options, Session, Tensor, grad};

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let threads = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let seconds: f64 = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(0.3);
    let print = arguments.next().is_some();
    let mut session = Session::new(Options { threads, ..Options::default() })?;
    let mut time = |name: &str, graph: &Graph, asked: &[Tensor<'_>]| -> Result<(), Error> {
        let step = session.prepare(graph, asked)?;
        let mut inputs = step.inputs();
        for buffer in &mut inputs {
            let number = |i: usize| (i * 7919 % 2003) as f32 / 2003.0 - 0.5;
            let numbers: Vec<f32> = (0..buffer.shape().elements()).map(number).collect();
            buffer.write(&Array::new(buffer.shape().clone(), numbers)?)?;
        }
        let mut outputs = step.outputs();
        let (start, mut best) = (Instant::now(), f64::INFINITY);
        while start.elapsed().as_secs_f64() < seconds {
            let before = Instant::now();
            session.run(&step, &mut inputs, &mut outputs)?;
            best = best.min(before.elapsed().as_secs_f64());
        }
        let cost = step.plan().cost();
        let bytes = (cost.bytes_read + cost.bytes_written) as f64;
        println!("{name:<36} {:>8.0} µs {:>6.1} GB/s {cost}", best * 1e6, bytes / best / 1e9);
        if print {
            println!("{}", step.plan());
        }
        Ok(())
    };
    for (name, sizes, pooling) in [
        ("lenet 1", [64, 28, 28, 32], Pooling::new([2, 2])),
        ("lenet 2", [64, 14, 14, 64], Pooling::new([2, 2])),
        ("resnet18", [8, 112, 112, 64], Pooling::new([3, 3]).stride([2, 2]).padding([1, 1])),
    ] {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, sizes);
        for (kind, y) in
            [("max", x.max_pool2d(pooling).0), ("average", x.average_pool2d(pooling, true))]
        {
            let up = graph.input(&format!("up {kind}"), DType::F32, y.shape());
            time(&format!("{name} {kind}"), &graph, &[y])?;
            time(&format!("{name} {kind}, gradient"), &graph, &[grad((y * up).sum(), &[x])[0]])?;
        }
    }
    for (name, sizes) in [("resnet20", [64, 32, 32, 16]), ("resnet18", [8, 56, 56, 64])] {
        let graph = Graph::new();
        let channels = sizes[3];
        let input = graph.input("input", DType::F32, sizes);
        let filter = graph.input("filter", DType::F32, [3, 3, channels, channels]);
        let [gain, shift] = ["gain", "shift"].map(|name| graph.input(name, DType::F32, [channels]));
        let up = graph.input("up", DType::F32, sizes);
        let x = input.conv2d(filter, Convolution::default().padding([1, 1]));
        let rows = x.reshape([sizes[0] * sizes[1] * sizes[2], channels]);
        // As `glassbox::nn::batch_norm` does.
        let centred = rows - rows.mean_axis(0);
        let normal = centred / (centred.square().mean_axis(0) + 1e-5).sqrt();
        let y = normal * gain + shift;
        let y = y.relu().reshape(sizes);
        time(&format!("{name} convolution"), &graph, &[x])?;
        time(&format!("{name} conv, BN, ReLU"), &graph, &[y])?;
        let slopes = grad((y * up).sum(), &[input, filter, gain, shift]);
        time(&format!("{name} conv, BN, ReLU, gradients"), &graph, &slopes)?;
    }
    Ok(())
}
