//! Time of a training step's forward and backward pass through an LSTM, as a scan and unrolled:
//!
//! ```text
//! cargo run --release -p glassbox-engine --example recurrence -- 32 64 128
//! ```
//!
//! The arguments are batch, steps and units.
#![allow(clippy::unwrap_used, reason = "an example that measures")]

use std::time::Instant;

use glassbox_engine::{
    DType, Graph, Initial, Mode, Options, Scope, Session, StepCost, Tensor, grad,
};

/// One step of a long short-term memory (Hochreiter, Schmidhuber 1997; forget gate by Gers and
/// others, 2000).
fn lstm<'g>(w: [Tensor<'g>; 3], x: Tensor<'g>, [h, c]: [Tensor<'g>; 2]) -> [Tensor<'g>; 2] {
    let units = h.dim(-1);
    let gates = x.matmul(w[0]) + h.matmul(w[1]) + w[2];
    let gate = |i: usize| gates.slice(-1, i * units..(i + 1) * units);
    let c = gate(0).sigmoid() * c + gate(1).sigmoid() * gate(2).tanh();
    [gate(3).sigmoid() * c.tanh(), c]
}

fn weights(at: Scope<'_>, units: usize) -> [Tensor<'_>; 3] {
    let initial = Initial::Normal { mean: 0.0, deviation: 1.0 / (units as f64).sqrt() };
    let matrix = |name| at.parameter(name, [units, 4 * units], initial);
    [matrix("input"), matrix("recurrent"), at.parameter("bias", [4 * units], 0.0)]
}

fn measure(name: &str, [batch, steps, units]: [usize; 3], as_scan: bool, backward: bool) {
    let began = Instant::now();
    let graph = Graph::new();
    let w = weights(graph.root(Mode::Train), units);
    let x = graph.input("x", DType::F32, [steps, batch, units]);
    let zero = graph.constant(DType::F32, 0.0).broadcast_to([batch, units]);
    let loss = if as_scan {
        let body = |state, x, _| {
            let [h, c] = lstm(w, x, state);
            ([h, c], h)
        };
        graph.scan(steps, [zero, zero], x, body).1.square().mean()
    } else {
        let (mut state, mut sum) = ([zero, zero], graph.constant(DType::F32, 0.0));
        for t in 0..steps {
            state = lstm(w, x.slice(0, t..t + 1).reshape([batch, units]), state);
            sum = sum + state[0].square().sum();
        }
        sum / (steps * batch * units) as f64
    };
    let mut outputs = vec![loss];
    if backward {
        outputs.extend(grad(loss, &w));
    }
    let threads = std::env::var("THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut session = Session::new(Options { threads, ..Options::default() }).unwrap();
    session.load(graph.initial_values(1));
    let step = session.prepare(&graph, &outputs).unwrap();
    let prepared = began.elapsed();
    if std::env::var("PLAN").is_ok() {
        println!("{}", step.plan());
    }
    let (mut given, mut results) = (step.inputs(), step.outputs());
    for (i, x) in given[0].as_slice_mut::<f32>().unwrap().iter_mut().enumerate() {
        *x = (i as f32 * 0.37).sin();
    }
    let mut times: Vec<f64> = (0..30)
        .map(|_| {
            let began = Instant::now();
            session.run(&step, &mut given, &mut results).unwrap();
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    if std::env::var("PROFILE").is_ok() {
        let mut profile = step.profile();
        for _ in 0..10 {
            session.run_profiled(&step, &mut given, &mut results, &mut profile).unwrap();
        }
        print_times(&step.plan().steps(&graph), &mut profile.nanoseconds().iter());
    }
    println!(
        "{name:30} {:8.2} ms (least {:.2}); recorded and planned in {:.1} ms; {} nodes, {:.1} MB, \
         loss {}",
        times[times.len() / 2],
        times[0],
        prepared.as_secs_f64() * 1e3,
        graph.len(),
        step.plan().arena_bytes() as f64 / 1e6,
        results[0].as_slice::<f32>().unwrap()[0],
    );
}

/// Milliseconds of each step, over all its rounds, and what its products reach.
fn print_times(steps: &[StepCost], nanoseconds: &mut std::slice::Iter<'_, u64>) {
    for step in steps {
        let milliseconds = *nanoseconds.next().unwrap() as f64 / 1e7;
        let gigaflops = step.products as f64 / milliseconds / 1e6;
        let nodes: Vec<&str> = step.nodes.iter().take(8).map(|node| node.op).collect();
        let StepCost { kernel, times, .. } = step;
        println!("{milliseconds:9.3} ms {gigaflops:6.1} GFLOP/s  {times:4} × {kernel} {nodes:?}");
        print_times(&step.body, nanoseconds);
    }
}

fn main() {
    let given: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let sizes = <[usize; 3]>::try_from(given).unwrap_or([32, 64, 128]);
    println!("batch {}, {} steps, {} units", sizes[0], sizes[1], sizes[2]);
    measure("scan, forward", sizes, true, false);
    measure("unrolled, forward", sizes, false, false);
    measure("scan, forward and backward", sizes, true, true);
    measure("unrolled, forward and backward", sizes, false, true);
}
