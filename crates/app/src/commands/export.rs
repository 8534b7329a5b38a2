//! `glassbox export RUN`

use std::path::{Path, PathBuf};

use clap::Args;
use glassbox::train::folder::RunFolder;
use glassbox::train::{Model, publish};
use glassbox::word2vec::WordVectors;
use serde::Serialize;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::grouped;

#[derive(Args)]
pub struct ExportArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(long, value_name = "FORMAT", value_parser = [SAFETENSORS, HUGGING_FACE, WORD2VEC], hide_possible_values = true)]
    pub format: Option<String>,
    #[arg(long, value_name = "FILE")]
    pub out_file: Option<PathBuf>,
}

const SAFETENSORS: &str = "safetensors";
const HUGGING_FACE: &str = "huggingface";
const WORD2VEC: &str = "word2vec";

/// What `--json` prints.
#[derive(Serialize)]
struct Json {
    run: String,
    file: String,
    arrays: usize,
    numbers: usize,
}

/// What `--json` prints of word vectors.
#[derive(Serialize)]
struct OfWords {
    run: String,
    file: String,
    words: usize,
    dimensions: usize,
}

pub fn run(args: &ExportArgs, ctx: &Context) -> Result<(), AppError> {
    let path = ctx.any_run_path(&args.run)?;
    let run = path.display().to_string();
    let folder = RunFolder::view(&path)?;
    let file = |usual: &str| args.out_file.clone().unwrap_or_else(|| PathBuf::from(usual));
    match (args.format.as_deref(), WordVectors::are_of(&folder)) {
        (Some(SAFETENSORS | HUGGING_FACE), true) => {
            Err(AppError::failed(ctx.text.words_format_alone(run)))
        }
        (Some(WORD2VEC), false) => Err(AppError::failed(ctx.text.words_format_of_network(run))),
        (_, true) => words(run, &folder, &file("vectors.txt"), ctx),
        (Some(HUGGING_FACE), false) => {
            let to = file("model");
            let weights = publish(&path, &to)?;
            wrote(run, &to, &weights, ctx)
        }
        (_, false) => {
            let to = file("weights.safetensors");
            let model = Model::load(&path)?;
            ctx.warn_of_checkpoints(model.warnings());
            let weights = model.export(&to)?;
            wrote(run, &to, &weights, ctx)
        }
    }
}

fn wrote(
    run: String,
    to: &Path,
    weights: &glassbox::engine::Parameters,
    ctx: &Context,
) -> Result<(), AppError> {
    let json = Json {
        run,
        file: to.display().to_string(),
        arrays: weights.len(),
        numbers: weights.elements(),
    };
    ctx.print(&json, |_| {
        let (arrays, numbers) = (grouped(json.arrays as u64), grouped(json.numbers as u64));
        let written = match to.is_dir() {
            true => ctx.text.exported_folder(&json.file, arrays, numbers),
            false => ctx.text.exported(&json.file, arrays, numbers),
        };
        written + "\n"
    })
}

fn words(run: String, folder: &RunFolder, file: &Path, ctx: &Context) -> Result<(), AppError> {
    let vectors = WordVectors::of_run(folder)?;
    vectors.save(file)?;
    let json = OfWords {
        run,
        file: file.display().to_string(),
        words: vectors.vocabulary().len(),
        dimensions: vectors.dimensions(),
    };
    ctx.print(&json, |_| {
        let words = grouped(json.words as u64);
        ctx.text.words_exported(&json.file, words, json.dimensions) + "\n"
    })
}
