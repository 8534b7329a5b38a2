//! Time and memory of attention, forwards and back, as one op and as products of whole matrices:
//!
//! ```text
//! cargo run --release -p glassbox-engine --example attention -- 1 4096 4 64 causal
//! ```
//!
//! The arguments are batch, time, heads and the width of a head; `causal` hides what comes later.
//! `THREADS` sets the threads, 1 if it is not given.
#![allow(clippy::unwrap_used, reason = "an example that measures")]

use std::time::Instant;

use glassbox_engine::op::Attention;
use glassbox_engine::{DType, Graph, Options, Session, Tensor, grad};

/// The same by products of whole matrices.
fn by_matrices<'g>([q, k, v]: [Tensor<'g>; 3], choices: Attention) -> Tensor<'g> {
    let [batch, time, all] = [0, 1, 2].map(|axis| v.dim(axis));
    let v = v.reshape([batch, time, choices.heads, all / choices.heads]).permute(&[0, 2, 1, 3]);
    let found = q.attention_shares(k, None, choices).matmul(v);
    found.permute(&[0, 2, 1, 3]).reshape([batch, time, all])
}

fn measure(name: &str, [batch, time, heads, width]: [usize; 4], causal: bool, whole: bool) {
    let graph = Graph::new();
    let inputs =
        ["q", "k", "v"].map(|name| graph.input(name, DType::F32, [batch, time, heads * width]));
    let choices = Attention { heads, scale: 1.0 / (width as f64).sqrt(), causal };
    let [q, k, v] = inputs;
    let found = if whole { by_matrices(inputs, choices) } else { q.attention(k, v, None, choices) };
    let slopes = grad((found * q).sum(), &inputs);
    let threads = std::env::var("THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut session = Session::new(Options { threads, ..Options::default() }).unwrap();
    for (which, asked) in [("forwards", vec![found]), ("and back", slopes)] {
        let prepared = session.prepare(&graph, &asked).unwrap();
        let (mut given, mut results) = (prepared.inputs(), prepared.outputs());
        for (which, input) in given.iter_mut().enumerate() {
            let numbers = input.as_slice_mut::<f32>().unwrap().iter_mut().enumerate();
            numbers.for_each(|(i, x)| *x = (0.37 * (i + which) as f32).sin());
        }
        let mut best = f64::INFINITY;
        let began = Instant::now();
        while best == f64::INFINITY || began.elapsed().as_secs_f64() < 1.0 {
            let start = Instant::now();
            session.run(&prepared, &mut given, &mut results).unwrap();
            best = best.min(start.elapsed().as_secs_f64());
        }
        let arena = prepared.plan().arena_bytes() as f64 / 1e6;
        println!("{name}, {which}: {:.2} ms, arena {arena:.1} MB", best * 1e3);
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let sizes = numbers.try_into().unwrap_or([1, 4096, 4, 64]);
    let causal = words.iter().any(|word| word == "causal");
    measure("one op", sizes, causal, false);
    if !words.iter().any(|word| word == "alone") {
        measure("whole matrices", sizes, causal, true);
    }
}
