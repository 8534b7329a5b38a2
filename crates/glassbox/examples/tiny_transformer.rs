//! A language model: a causal transformer learns a poem character by character, then writes.
//!
//! `cargo run --release --example tiny_transformer`

use std::error::Error;

use glassbox::engine::{DType, Distribution, Options, random::Stream};
use glassbox::nn::Mask;
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
const WIDTH: usize = 64;
const HEADS: usize = 4;
const BLOCKS: usize = 2;

/// Scores of each next character, `[batch, time, characters]` (GPT-2's form: Radford et al. 2019).
fn model<'g>(at: Scope<'g>, ids: Tensor<'g>, characters: usize) -> Tensor<'g> {
    let table = nn::embedding_table(at.child("characters"), characters, WIDTH);
    let x = nn::embedding(table, ids, None);
    let mut x = x + nn::learned_positions(at.child("places"), x, TIME);
    for number in 1..=BLOCKS {
        x = block(at.index("block", number), x);
    }
    let x = nn::layer_norm(at.child("norm"), x);
    nn::linear(at.child("scores"), x, characters, Initial::Xavier)
}

/// Each place looks back at the others, then thinks for itself; both are added to what it was.
fn block<'g>(at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
    let normal = nn::layer_norm(at.child("norm1"), x);
    let heads = at.child("attention");
    let x = x + nn::multi_head_attention(heads, normal, normal, HEADS, Mask::CAUSAL);
    let gelu = Activation::Gelu { approximate: false };
    let normal = nn::layer_norm(at.child("norm2"), x);
    let wide = gelu.of(nn::linear(at.child("up"), normal, 4 * WIDTH, Initial::Xavier));
    x + nn::linear(at.child("down"), wide, WIDTH, Initial::Xavier)
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
    let scores = model(at, ids, alphabet.len());
    let (scores, next) =
        (scores.reshape([BATCH * TIME, alphabet.len()]), next.reshape([BATCH * TIME]));
    let loss = Loss::CrossEntropy.of(at.child("loss"), scores, next);
    Optimizer::ADAMW.update(at.child("optimizer"), loss, graph.parameters(), rate, step);

    let mut session = Session::new(Options::default())?;
    session.load(graph.initial_values(1));
    let plan = session.prepare(&graph, &[loss])?;
    let slot = |name: &str| plan.input(name).ok_or(format!("no input `{name}`"));
    let [ids, next, rate, step] = [slot("ids")?, slot("next")?, slot("rate")?, slot("step")?];
    let (mut inputs, mut outputs) = (plan.inputs(), plan.outputs());
    inputs[rate].as_slice_mut::<f32>().ok_or("f32")?[0] = 3e-3;
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

    // The same parameters, on the last characters written: at each place the next character is drawn
    // by its probability at temperature ½ (the largest of scores to which Gumbel noise is added). What
    // stands behind the last one is not seen.
    let graph = Graph::new();
    let at = graph.root(Mode::Eval);
    let scores = model(at, graph.input("ids", DType::I64, [1, TIME]), alphabet.len());
    let drawn =
        at.random(Distribution::Uniform, scores.shape(), nn::seed(&graph), nn::step(&graph));
    let chosen = (scores * 2.0 - (-drawn.log()).log()).argmax(-1);
    let plan = session.prepare(&graph, &[chosen])?;
    let slot = |name: &str| plan.input(name).ok_or(format!("no input `{name}`"));
    let [ids, step] = [slot("ids")?, slot("step")?];
    let (mut inputs, mut outputs) = (plan.inputs(), plan.outputs());
    let mut written: Vec<i64> = "The moon was shining ".chars().map(number).collect();
    for _ in 0..140 {
        let seen = &written[written.len().saturating_sub(TIME)..];
        inputs[ids].as_slice_mut().ok_or("i64")?[..seen.len()].copy_from_slice(seen);
        inputs[step].as_slice_mut::<i64>().ok_or("i64")?[0] += 1;
        session.run(&plan, &mut inputs, &mut outputs)?;
        let next = outputs[0].as_slice::<i64>().ok_or("i64")?[seen.len() - 1];
        written.push(next);
    }
    let sample: String = written.iter().map(|&id| alphabet[id as usize]).collect();
    println!("{sample}");
    Ok(losses)
}

/// Learns the poem.
#[allow(dead_code, reason = "the tests take fewer steps")]
fn main() -> Result<(), Box<dyn Error>> {
    learn(600).map(|_| ())
}
