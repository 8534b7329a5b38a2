//! Speed of training steps of language models: `cargo run --release --example bench_text -- lstm-lm
//! [seconds] [threads]`. The workloads are rnn-lm, lstm-lm, gru-lm and gpt.
//!
//! Inputs are a pool of 8 batches made beforehand, and the loss is not read back. Seven timed runs
//! share the seconds; the median counts. Prints one JSON line.
//!
//! `… -- lstm-lm check FOLDER` compares with PyTorch instead: it loads the weights `start.safetensors`
//! and the pool `batches.safetensors`, takes ten steps, and prints how far the gradients of the first
//! and the losses of all are from those in `trajectory.json`. `… -- lstm-lm plan` prints the plan.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use glassbox::engine::{Array, DType, Options, random::Stream};
use glassbox::nn::{Mask, Recurrence};
use glassbox::prelude::*;
use safetensors::SafeTensors;

const WORDS: usize = 65;

/// Batch, steps and optimiser of a workload.
fn workload(name: &str) -> Option<(usize, usize, Optimizer)> {
    match name {
        "rnn-lm" | "lstm-lm" | "gru-lm" => Some((32, 64, Optimizer::ADAM)),
        "gpt" => Some((16, 128, Optimizer::ADAMW.with_lr(3e-4))),
        _ => None,
    }
}

/// Scores of the next word at every place, `[batch, time, words]`.
fn scores<'g>(name: &str, at: Scope<'g>, ids: Tensor<'g>) -> Tensor<'g> {
    if name == "gpt" {
        return gpt(at, ids);
    }
    let (units, rnn) = (256, at.child("rnn"));
    let x = nn::embedding(nn::embedding_table(at.child("emb"), WORDS, 128), ids, None);
    let one = Recurrence { layers: 2, ..Recurrence::default() };
    let two = Recurrence { layers: 2, ..Recurrence::default() };
    let x = match name {
        "rnn-lm" => nn::rnn(rnn, x, units, Activation::Tanh, one).outputs,
        "gru-lm" => nn::gru(rnn, x, units, one).outputs,
        _ => nn::lstm(rnn, x, units, two).outputs,
    };
    nn::linear(at.child("fc"), x, WORDS, Initial::Xavier)
}

fn gpt<'g>(at: Scope<'g>, ids: Tensor<'g>) -> Tensor<'g> {
    let (width, heads) = (256, 4);
    let x = nn::embedding(nn::embedding_table(at.child("tok"), WORDS, width), ids, None);
    let mut x = x + nn::learned_positions(at.child("pos"), x, 128);
    let linear = |at, x, features| nn::linear(at, x, features, Initial::Xavier);
    for number in 0..4 {
        let at = at.child(&format!("blocks.{number}"));
        let all = linear(at.child("qkv"), nn::layer_norm(at.child("ln1"), x), 3 * width);
        let part = |i: usize| nn::split_heads(all.slice(-1, i * width..(i + 1) * width), heads);
        let seen = nn::join_heads(nn::attention(part(0), part(1), part(2), Mask::CAUSAL));
        x = x + linear(at.child("proj"), seen, width);
        let gelu = Activation::Gelu { approximate: false };
        let up = gelu.of(linear(at.child("up"), nn::layer_norm(at.child("ln2"), x), 4 * width));
        x = x + linear(at.child("down"), up, width);
    }
    let x = nn::layer_norm(at.child("ln"), x);
    x.matmul(at.child("head").parameter("weight", [width, WORDS], 0.0))
}

/// PyTorch's name of a parameter.
fn theirs(path: &str) -> String {
    if path == "pos/weight" {
        return "pos".into();
    }
    let Some(rest) = path.strip_prefix("rnn/layer") else { return path.replace('/', ".") };
    let parts: Vec<&str> = rest.split('/').collect();
    let (number, part, kind) = (parts[0], parts[1], parts[2]);
    let layer = number.parse::<usize>().map_or(0, |n| n - 1);
    format!("rnn.{kind}_{}_l{layer}", if part == "input" { "ih" } else { "hh" })
}

fn numbers(file: &SafeTensors<'_>, name: &str) -> Result<(Vec<usize>, Vec<f64>), Box<dyn Error>> {
    let view = file.tensor(name)?;
    let of = |bytes: &[u8]| match bytes.try_into() {
        Ok(eight) => i64::from_le_bytes(eight) as f64,
        Err(_) => bytes.try_into().map_or(f64::NAN, |four| f64::from(f32::from_le_bytes(four))),
    };
    let size = if view.dtype() == safetensors::Dtype::I64 { 8 } else { 4 };
    Ok((view.shape().to_vec(), view.data().chunks(size).map(of).collect()))
}

/// A matrix as PyTorch stores it, of a layer's weight, in our layout; anything else as it is.
fn turned(path: &str, (shape, v): (Vec<usize>, Vec<f64>)) -> Vec<f64> {
    let table = ["emb/weight", "tok/weight", "pos/weight"].contains(&path);
    match shape[..] {
        [rows, columns] if !table => {
            (0..rows * columns).map(|i| v[i % rows * columns + i / rows]).collect()
        }
        _ => v,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |i: usize| arguments.get(i).map_or("", |text| text);
    let name = argument(0);
    let (batch, time, optimizer) =
        workload(name).ok_or("the workloads: rnn-lm, lstm-lm, gru-lm, gpt")?;

    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let ids = graph.input("ids", DType::I64, [batch, time]);
    let target = graph.input("targets", DType::I64, [batch, time]);
    let (rate, step) = (graph.input("rate", DType::F32, []), nn::step(&graph));
    let y = scores(name, at, ids).reshape([batch * time, WORDS]);
    let loss = Loss::CrossEntropy.of(at.child("loss"), y, target.reshape([batch * time]));
    let parameters = graph.parameters();
    let held: Vec<Tensor<'_>> = parameters.iter().map(|(_, tensor)| *tensor).collect();
    let slopes = grad(loss, &held);
    optimizer.apply(at.child("optimizer"), parameters.clone(), &slopes, rate, step);

    let threads = argument(2).parse().unwrap_or(2);
    let mut session = Session::new(Options { threads, ..Options::default() })?;
    let checked = argument(1) == "check";
    let mut loaded = graph.initial_values(0);
    let mut outputs = vec![loss];
    if checked {
        outputs.extend(&slopes);
        let bytes = std::fs::read(Path::new(argument(2)).join("start.safetensors"))?;
        let file = SafeTensors::deserialize(&bytes)?;
        for (path, tensor) in &parameters {
            let values = turned(path, numbers(&file, &theirs(path))?);
            loaded.insert(path, Array::from_f64(DType::F32, tensor.shape(), &values)?);
        }
    }
    session.load(loaded);
    let plan = session.prepare(&graph, &outputs)?;
    if argument(1) == "plan" {
        println!("{}", plan.plan());
        return Ok(());
    }
    let mut pool = pool(&plan, optimizer);
    let mut results = plan.outputs();
    if checked {
        return check(&arguments[2], &parameters, |number| {
            let bytes = std::fs::read(Path::new(&arguments[2]).join("batches.safetensors"))?;
            let file = SafeTensors::deserialize(&bytes)?;
            let buffers = &mut pool[0];
            for (slot, part) in ["ids", "targets"].iter().zip(0..) {
                let (_, values) = numbers(&file, &format!("{}.{part}", number % 8))?;
                let slot = plan.input(slot).ok_or("input")?;
                buffers[slot].write(&Array::from_f64(DType::I64, [batch, time], &values)?)?;
            }
            let step = plan.input("step").ok_or("input")?;
            buffers[step].write(&Array::from_f64(DType::I64, [], &[number as f64 + 1.0])?)?;
            session.run(&plan, buffers, &mut results)?;
            Ok(results.iter().map(|buffer| buffer.read().to_f64()).collect())
        });
    }
    let slot = plan.input("step").ok_or("no input `step`")?;
    let mut taken = 0i64;
    let mut steps = |count: usize| -> Result<f64, Box<dyn Error>> {
        let started = Instant::now();
        for _ in 0..count {
            let buffers = &mut pool[taken as usize % 8];
            taken += 1;
            if let Some(step) = buffers[slot].as_slice_mut::<i64>() {
                step[0] = taken;
            }
            session.run(&plan, buffers, &mut results)?;
        }
        Ok(started.elapsed().as_secs_f64())
    };
    steps(3)?;
    let seconds: f64 = argument(1).parse().unwrap_or(5.0);
    let count = ((seconds / 7.0 / (steps(3)? / 3.0)) as usize).max(1);
    let mut speeds = Vec::new();
    for _ in 0..7 {
        speeds.push(count as f64 / steps(count)?);
    }
    speeds.sort_by(f64::total_cmp);
    let gflops = plan.plan().operations() as f64 * speeds[3] / 1e9;
    let tokens = (batch * time) as f64;
    println!(
        "{{\"workload\": \"{name}\", \"backend\": \"glassbox\", \"threads\": {threads}, \
         \"median\": {:.0}, \"min\": {:.0}, \"max\": {:.0}, \"unit\": \"tokens/s\", \
         \"gflops\": {gflops:.1}, \"arena_mb\": {:.1}, \"parameters\": {}, \"loss_last\": {}}}",
        speeds[3] * tokens,
        speeds[0] * tokens,
        speeds[6] * tokens,
        plan.plan().arena_bytes() as f64 / 1e6,
        held.iter().map(|tensor| tensor.elements()).sum::<usize>(),
        results[0].as_slice::<f32>().map_or(f32::NAN, |l| l[0])
    );
    Ok(())
}

/// Eight batches of ids drawn evenly, with the rate beside them.
fn pool(
    plan: &glassbox::engine::Prepared,
    optimizer: Optimizer,
) -> Vec<Vec<glassbox::engine::Buffer>> {
    let stream = Stream::new(0, "inputs", 0);
    let each = |batch: u64| {
        let mut buffers = plan.inputs();
        let stream = stream.at_step(batch);
        for (index, name) in ["ids", "targets"].iter().enumerate() {
            let Some(slot) = plan.input(name) else { continue };
            let id = |i: usize| i64::from(stream.bits((index << 40 | i) as u64)) % WORDS as i64;
            if let Some(ids) = buffers[slot].as_slice_mut::<i64>() {
                ids.iter_mut().enumerate().for_each(|(i, to)| *to = id(i));
            }
        }
        let rate = plan.input("rate").and_then(|slot| buffers[slot].as_slice_mut::<f32>());
        rate.into_iter().for_each(|rate| rate[0] = optimizer.lr() as f32);
        buffers
    };
    (0..8).map(each).collect()
}

/// Ten steps beside PyTorch's.
fn check(
    folder: &str,
    parameters: &[(String, Tensor<'_>)],
    mut step: impl FnMut(usize) -> Result<Vec<Vec<f64>>, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let text = std::fs::read_to_string(Path::new(folder).join("trajectory.json"))?;
    let file: serde_json::Value = serde_json::from_str(&text)?;
    let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::NAN);
    let apart = |ours: f64, theirs: f64| (ours / theirs - 1.0).abs();
    let mut furthest = (0.0, String::new());
    for (index, theirs_loss) in file["losses"].as_array().ok_or("losses")?.iter().enumerate() {
        let found = step(index)?;
        if index == 0 {
            for ((path, _), slope) in parameters.iter().zip(&found[1..]) {
                let norm = slope.iter().map(|s| s * s).sum::<f64>().sqrt();
                let far = apart(norm, number(&file["gradients"][theirs(path)]["norm"]));
                if far.is_nan() || far > furthest.0 {
                    furthest = (far, path.clone());
                }
            }
            println!("gradients' norms: at most {:.1e} apart ({})", furthest.0, furthest.1);
        }
        let (ours, theirs) = (found[0][0], number(theirs_loss));
        println!("loss {ours:.6} beside {theirs:.6}: {:.1e} apart", apart(ours, theirs));
    }
    Ok(())
}
