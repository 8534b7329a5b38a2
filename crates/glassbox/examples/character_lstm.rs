//! A language model: an LSTM learns a poem character by character, then writes.
//!
//! `cargo run --release --example character_lstm`

use std::error::Error;

use glassbox::engine::{DType, Distribution, Options, random::Stream};
use glassbox::nn::{Recurrence, Recurrent};
use glassbox::prelude::*;

const POEM: &str = "\
The sun was shining on the sea, shining with all his might:
he did his very best to make the billows smooth and bright -
and this was odd, because it was the middle of the night.
The moon was shining sulkily, because she thought the sun
had got no business to be there after the day was done -
it's very rude of him, she said, to come and spoil the fun!
The sea was wet as wet could be, the sands were dry as dry.
You could not see a cloud, because no cloud was in the sky:
no birds were flying overhead - there were no birds to fly.
";
const BATCH: usize = 16;
const TIME: usize = 48;
const UNITS: usize = 96;

/// Scores of each next character, `[batch, time, characters]`, and the states to go on from.
fn model<'g>(
    at: Scope<'g>,
    ids: Tensor<'g>,
    characters: usize,
    first: Option<[Tensor<'g>; 2]>,
) -> (Tensor<'g>, [Tensor<'g>; 2]) {
    let table = nn::embedding_table(at.child("characters"), characters, 32);
    let x = nn::embedding(table, ids, None);
    let settings = Recurrence { first, ..Recurrence::default() };
    let Recurrent { outputs, last } = nn::lstm(at.child("lstm"), x, UNITS, settings);
    (nn::linear(at.child("scores"), outputs, characters, Initial::Xavier), last)
}

/// Takes this many steps, prints the loss on the way and a sample at the end; gives the losses.
pub fn learn(steps: i64) -> Result<Vec<f32>, Box<dyn Error>> {
    // Every character that occurs has a number.
    let mut alphabet: Vec<char> = POEM.chars().collect();
    alphabet.sort_unstable();
    alphabet.dedup();
    let number = |c: char| alphabet.iter().position(|&known| known == c).unwrap_or(0) as i64;
    let text: Vec<i64> = POEM.chars().map(number).collect();

    // One step: from each character the next, at every place of every window.
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let ids = graph.input("ids", DType::I64, [BATCH, TIME]);
    let next = graph.input("next", DType::I64, [BATCH, TIME]);
    let (rate, step) = (graph.input("rate", DType::F32, []), nn::step(&graph));
    let (scores, _) = model(at, ids, alphabet.len(), None);
    let (scores, next) =
        (scores.reshape([BATCH * TIME, alphabet.len()]), next.reshape([BATCH * TIME]));
    let loss = Loss::CrossEntropy.of(at.child("loss"), scores, next);
    Optimizer::ADAM.update(at.child("optimizer"), loss, graph.parameters(), rate, step);

    let mut session = Session::new(Options::default())?;
    session.load(graph.initial_values(1));
    let plan = session.prepare(&graph, &[loss])?;
    let slot = |name: &str| plan.input(name).ok_or(format!("no input `{name}`"));
    let [ids, next, rate, step] = [slot("ids")?, slot("next")?, slot("rate")?, slot("step")?];
    let (mut inputs, mut outputs) = (plan.inputs(), plan.outputs());
    inputs[rate].as_slice_mut::<f32>().ok_or("f32")?[0] = 5e-3;
    let mut losses = Vec::new();
    for number in 1..=steps {
        let places = Stream::new(1, "windows", 0).at_step(number as u64);
        for row in 0..BATCH {
            let from = places.bits(row as u64) as usize % (text.len() - TIME);
            for (slot, from) in [(ids, from), (next, from + 1)] {
                inputs[slot].as_slice_mut().ok_or("i64")?[row * TIME..][..TIME]
                    .copy_from_slice(&text[from..from + TIME]);
            }
        }
        inputs[step].as_slice_mut::<i64>().ok_or("i64")?[0] = number;
        session.run(&plan, &mut inputs, &mut outputs)?;
        losses.push(outputs[0].as_slice::<f32>().ok_or("f32")?[0]);
        if number == 1 || number % 50 == 0 {
            println!("step {number}: loss {:.3}", losses[losses.len() - 1]);
        }
    }

    // The same parameters, one character at a time: the states go from run to run, and the next
    // character is drawn by its probability (the largest of scores to which Gumbel noise is added).
    let graph = Graph::new();
    let at = graph.root(Mode::Eval);
    let last = graph.input("last", DType::I64, [1, 1]);
    let [h, c] = ["h", "c"].map(|name| graph.input(name, DType::F32, [1, 1, UNITS]));
    let (scores, states) = model(at, last, alphabet.len(), Some([h, c]));
    let drawn =
        at.random(Distribution::Uniform, scores.shape(), nn::seed(&graph), nn::step(&graph));
    let chosen = (scores - (-drawn.log()).log()).argmax(-1);
    let plan = session.prepare(&graph, &[chosen, states[0], states[1]])?;
    let slot = |name: &str| plan.input(name).ok_or(format!("no input `{name}`"));
    let [last, h, c, step] = [slot("last")?, slot("h")?, slot("c")?, slot("step")?];
    let (mut inputs, mut outputs) = (plan.inputs(), plan.outputs());
    let mut sample = String::from("T");
    inputs[last].as_slice_mut::<i64>().ok_or("i64")?[0] = number('T');
    for _ in 0..160 {
        inputs[step].as_slice_mut::<i64>().ok_or("i64")?[0] += 1;
        session.run(&plan, &mut inputs, &mut outputs)?;
        sample.push(alphabet[outputs[0].as_slice::<i64>().ok_or("i64")?[0] as usize]);
        for (from, to) in [last, h, c].into_iter().enumerate() {
            std::mem::swap(&mut inputs[to], &mut outputs[from]);
        }
    }
    println!("{sample}");
    Ok(losses)
}

/// Learns the poem.
#[allow(dead_code, reason = "the tests take fewer steps")]
fn main() -> Result<(), Box<dyn Error>> {
    learn(400).map(|_| ())
}
