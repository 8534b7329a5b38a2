//! Time of a dense net's training step (forward, backward, Adam), its plan on request:
//!
//! ```text
//! cargo run --release -p glassbox-engine --example dense -- 128 784 256 128 10
//! ```
//!
//! The arguments are the batch and the sizes of the layers; where the last is the first, the net is to
//! give back what it is given, else to classify it. `THREADS` sets the threads, `PLAN=1` prints the
//! plan, `STEPS=1` the least time of each of its steps.
#![allow(clippy::unwrap_used, reason = "an example that measures")]

use std::time::Instant;

use glassbox_engine::{DType, Graph, Initial, Mode, Options, Scope, Session, Tensor, grad};

fn layer<'g>(at: Scope<'g>, x: Tensor<'g>, units: usize) -> Tensor<'g> {
    let _inside = at.enter();
    let inputs = x.dim(-1);
    let initial = Initial::Normal { mean: 0.0, deviation: 1.0 / (inputs as f64).sqrt() };
    x.matmul(at.parameter("weight", [inputs, units], initial)) + at.parameter("bias", [units], 0.0)
}

fn adam<'g>(graph: &'g Graph, loss: Tensor<'g>, step: Tensor<'g>) {
    let parameters = graph.parameters();
    let held: Vec<Tensor<'g>> = parameters.iter().map(|(_, tensor)| *tensor).collect();
    let at = graph.root(Mode::Train);
    let bias = |beta: f64| 1.0 - step.cast(DType::F64).scalar(beta).pow(step.cast(DType::F64));
    for ((path, w), g) in parameters.into_iter().zip(grad(loss, &held)) {
        let state = |name: &str| at.state(&format!("{path}/{name}"), DType::F32, w.shape(), 0.0);
        let mean = state("first") * 0.9 + g * 0.1;
        let square = state("second") * 0.999 + g.square() * 0.001;
        at.assign(&format!("{path}/first"), mean);
        at.assign(&format!("{path}/second"), square);
        let deviation = square.sqrt() * bias(0.999).sqrt().recip().cast(DType::F32) + 1e-8;
        let rate = graph.constant(DType::F32, 1e-3) / bias(0.9).cast(DType::F32);
        graph.assign(&path, w - mean * rate / deviation);
    }
}

fn main() {
    let given: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let sizes = if given.len() < 3 { vec![128, 784, 256, 128, 10] } else { given };
    let (batch, inputs, units) = (sizes[0], sizes[1], &sizes[2..]);
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [batch, inputs]);
    let target = graph.input("target", DType::I64, [batch]);
    let step = graph.input("step", DType::I64, []);
    let y = units.iter().enumerate().fold(x, |y, (index, &size)| {
        let y = if index == 0 { y } else { y.relu() };
        layer(at.child(&format!("layer{index}")), y, size)
    });
    let classes = units[units.len() - 1];
    let loss = if classes == inputs {
        (x - y).square().mean()
    } else {
        let shifted = y - y.max_axis(1).reshape([batch, 1]).detach();
        let logs = shifted - shifted.exp().sum_axis(1).reshape([batch, 1]).log();
        -(target.one_hot(classes) * logs).sum() / batch as f64
    };
    adam(&graph, loss, step);

    let threads = std::env::var("THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut session = Session::new(Options { threads, ..Options::default() }).unwrap();
    session.load(graph.initial_values(1));
    let plan = session.prepare(&graph, &[loss]).unwrap();
    if std::env::var("PLAN").is_ok() {
        println!("{}", plan.plan());
    }
    let (mut given, mut results) = (plan.inputs(), plan.outputs());
    for (i, x) in given[0].as_slice_mut::<f32>().unwrap().iter_mut().enumerate() {
        *x = (i as f32 * 0.37).sin();
    }
    for (i, t) in given[1].as_slice_mut::<i64>().unwrap().iter_mut().enumerate() {
        *t = (i % classes) as i64;
    }
    let operations = plan.plan().operations();
    let repeats = (200_000_000 / operations).max(1);
    let mut times = Vec::new();
    let mut least = vec![u64::MAX; plan.plan().steps(&graph).len()];
    for count in 1..=40 {
        given[2].as_slice_mut::<i64>().unwrap()[0] = count;
        let began = Instant::now();
        for _ in 0..repeats {
            session.run(&plan, &mut given, &mut results).unwrap();
        }
        times.push(began.elapsed().as_secs_f64() * 1e3 / repeats as f64);
        for _ in 0..repeats {
            let mut profile = plan.profile();
            session.run_profiled(&plan, &mut given, &mut results, &mut profile).unwrap();
            for (least, &now) in least.iter_mut().zip(profile.nanoseconds()) {
                *least = now.min(*least);
            }
        }
    }
    if std::env::var("STEPS").is_ok() {
        for (index, (step, least)) in plan.plan().steps(&graph).iter().zip(&least).enumerate() {
            let (us, mega) = (*least as f64 / 1e3, step.products as f64 / 1e6);
            println!("{index:4} {us:9.1} us {:6.1} GFLOP/s  {}", mega / us * 1e3, step.kernel);
        }
        println!("     {:9.1} us in all", least.iter().sum::<u64>() as f64 / 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{sizes:?} on {threads} threads: {:.3} ms a step (least {:.3}: {:.0} samples/s, {:.1} \
         GFLOP/s in products), {:.1} MB arena, loss {}",
        times[times.len() / 2],
        times[0],
        batch as f64 / times[0] * 1e3,
        operations as f64 / times[0] / 1e6,
        plan.plan().arena_bytes() as f64 / 1e6,
        results[0].as_slice::<f32>().unwrap()[0],
    );
}
