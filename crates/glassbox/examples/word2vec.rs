//! Word vectors from a text file, with words per second; both tables are written for comparison.
//!
//! `cargo run --release --example word2vec -- text.txt --cbow --epochs 5 --threads 2 --out vectors.txt`

use std::path::Path;
use std::time::Instant;

use glassbox::word2vec::{Architecture, Corpus, Settings, Training, WordVectors};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1).cloned()
    };
    let text = arguments.first().ok_or("name a text file")?;
    let architecture = match arguments.iter().any(|argument| argument == "--cbow") {
        true => Architecture::Cbow,
        false => Architecture::SkipGram,
    };
    let mut settings = Settings::of(architecture);
    if let Some(epochs) = after("--epochs") {
        settings.epochs = epochs.parse()?;
    }
    if let Some(seed) = after("--seed") {
        settings.seed = seed.parse()?;
    }
    let threads = after("--threads").map_or(Ok(2), |threads| threads.parse())?;

    let corpus = Corpus::read(Path::new(text), settings.min_count)?;
    let rate = after("--rate").map(|rate| rate.parse()).transpose()?;
    settings.rate = rate.unwrap_or_else(|| settings.rate_for(corpus.len() as u64));
    let mut training = Training::new(&corpus, &settings, threads, None)?;
    let (begun, mut losses) = (Instant::now(), Vec::new());
    for _ in 0..training.steps() {
        losses.push(training.step()?.mean());
    }
    let seconds = begun.elapsed().as_secs_f64();
    let words = corpus.total * settings.epochs;
    let last = &losses[losses.len() - losses.len().div_ceil(10)..];
    println!(
        "{} words a second ({words} words, {} in the vocabulary, steps of {}, {threads} threads, {seconds:.3} s), \
         loss {:.4} at the end",
        (words as f64 / seconds).round(),
        corpus.vocabulary.len(),
        training.words_of_step(1),
        last.iter().sum::<f64>() / last.len() as f64
    );
    if let Some(out) = after("--out") {
        let save = |values, path: &str| {
            WordVectors::new(corpus.vocabulary.clone(), settings.dimensions, values)?
                .save(Path::new(path))
        };
        save(training.input(), &out)?;
        save(training.output(), &format!("{out}.outputs"))?;
    }
    Ok(())
}
