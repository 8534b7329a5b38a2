//! `glassbox export RUN`

use std::path::PathBuf;

use clap::Args;
use glassbox::train::Model;
use serde::Serialize;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::grouped;

#[derive(Args)]
pub struct ExportArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(long, value_name = "FORMAT", default_value = "safetensors", value_parser = ["safetensors"], hide_possible_values = true)]
    pub format: String,
    #[arg(long, value_name = "FILE", default_value = "weights.safetensors")]
    pub out_file: PathBuf,
}

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
    let model = Model::load(&run)?;
    ctx.warn_of_checkpoints(model.warnings());
    let weights = model.export(&args.out_file)?;
    let json = Json {
        run: run.display().to_string(),
        file: args.out_file.display().to_string(),
        arrays: weights.len(),
        numbers: weights.elements(),
    };
    ctx.print(&json, |_| {
        let (arrays, numbers) = (grouped(json.arrays as u64), grouped(json.numbers as u64));
        ctx.text.exported(&json.file, arrays, numbers) + "\n"
    })
}
