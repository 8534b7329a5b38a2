//! `glassbox export RUN`

use std::path::PathBuf;

use clap::Args;
use glassbox::train::{Model, publish};
use serde::Serialize;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::grouped;

#[derive(Args)]
pub struct ExportArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(long, value_name = "FORMAT", default_value = SAFETENSORS, value_parser = [SAFETENSORS, HUGGING_FACE], hide_possible_values = true)]
    pub format: String,
    #[arg(long, value_name = "FILE")]
    pub out_file: Option<PathBuf>,
}

const SAFETENSORS: &str = "safetensors";
const HUGGING_FACE: &str = "huggingface";

/// What `--json` prints.
#[derive(Serialize)]
struct Json {
    run: String,
    file: String,
    arrays: usize,
    numbers: usize,
}

pub fn run(args: &ExportArgs, ctx: &Context) -> Result<(), AppError> {
    let run = ctx.run_path(&args.run)?;
    let folder = args.format == HUGGING_FACE;
    let usual = if folder { "model" } else { "weights.safetensors" };
    let to = args.out_file.clone().unwrap_or(usual.into());
    let weights = match folder {
        true => publish(&run, &to)?,
        false => {
            let model = Model::load(&run)?;
            ctx.warn_of_checkpoints(model.warnings());
            model.export(&to)?
        }
    };
    let json = Json {
        run: run.display().to_string(),
        file: to.display().to_string(),
        arrays: weights.len(),
        numbers: weights.elements(),
    };
    ctx.print(&json, |_| {
        let (arrays, numbers) = (grouped(json.arrays as u64), grouped(json.numbers as u64));
        let written = match folder {
            true => ctx.text.exported_folder(&json.file, arrays, numbers),
            false => ctx.text.exported(&json.file, arrays, numbers),
        };
        written + "\n"
    })
}
