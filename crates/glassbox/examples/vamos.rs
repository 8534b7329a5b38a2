//! The smallest translator: an encoder and a decoder of two LSTM layers of two units, 220 numbers, learn
//! to say "vamos" where they read "let's go".
//!
//! `cargo run --release --example vamos`

use std::error::Error;

use glassbox::engine::{DType, Options};
use glassbox::generate::{Generator, Sampling};
use glassbox::prelude::*;
use glassbox::zoo::Seq2Seq;

/// Four words a side; the first stands for no word.
const ENGLISH: [&str; 4] = ["<pad>", "let's", "to", "go"];
const SPANISH: [&str; 4] = ["<pad>", "ir", "vamos", "y"];
/// What the decoder begins with and what it ends with are "y" here, as there are only four words.
const EDGE: i64 = 3;

/// Takes this many steps and gives what it says for "let's go" then.
pub fn learn(steps: i64) -> Result<String, Box<dyn Error>> {
    let model = Seq2Seq::new(2, [ENGLISH.len(), SPANISH.len()]).units(2).layers(2);
    println!("{} parameters", model.parameters());

    // A row is the source, then what the decoder reads: "let's go", "<edge> vamos". It learns what comes
    // after each of the latter: "vamos <edge>".
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let ids = graph.input("ids", DType::I64, [1, 4]);
    let next = graph.input("next", DType::I64, [2]);
    let scores = model.forward(at, ids).reshape([2, SPANISH.len()]);
    let loss = Loss::CrossEntropy.of(at.child("loss"), scores, next);
    let (rate, step) = (graph.constant(DType::F32, 0.05), nn::step(&graph));
    Optimizer::ADAM.update(at.child("optimizer"), loss, graph.parameters(), rate, step);

    let mut session = Session::new(Options::default())?;
    session.load(graph.initial_values(1));
    let plan = session.prepare(&graph, &[loss])?;
    let slot = |name: &str| plan.input(name).ok_or(format!("no input `{name}`"));
    let [ids, next, step] = [slot("ids")?, slot("next")?, slot("step")?];
    let (mut inputs, mut outputs) = (plan.inputs(), plan.outputs());
    let source = [1, 3];
    inputs[ids].as_slice_mut().ok_or("i64")?.copy_from_slice(&[source[0], source[1], EDGE, 2]);
    inputs[next].as_slice_mut().ok_or("i64")?.copy_from_slice(&[2, EDGE]);
    for number in 1..=steps {
        inputs[step].as_slice_mut::<i64>().ok_or("i64")?[0] = number;
        session.run(&plan, &mut inputs, &mut outputs)?;
        if number == 1 || number % 50 == 0 {
            println!("step {number}: loss {:.4}", outputs[0].as_slice::<f32>().ok_or("f32")?[0]);
        }
    }

    let mut generator = Generator::new(&model, session.values(), Options::default())?;
    generator.read_source(&source)?;
    let how = Sampling { stop: vec![EDGE], ..Sampling::greedy(5) };
    let said = generator.write(&[EDGE], &how)?;
    let words: Vec<&str> = said.ids.iter().map(|&id| SPANISH[id as usize]).collect();
    let said = words.join(" ");
    println!("let's go: {said}");
    Ok(said)
}

/// Learns the sentence.
#[allow(dead_code, reason = "the tests have their own")]
fn main() -> Result<(), Box<dyn Error>> {
    learn(300).map(|_| ())
}
