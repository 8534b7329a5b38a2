//! `glassbox predict RUN FILE`

use std::path::{Path, PathBuf};

use clap::Args;
use glassbox::data::RawRows;
use glassbox::io::atomic;
use glassbox::train::{Agreement, Model, Prediction};
use serde::Serialize;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{Predicted, agreement};

#[derive(Args)]
pub struct PredictArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[arg(long, value_name = "FILE")]
    pub out_file: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Json<'a> {
    run: String,
    target: &'a str,
    /// The order of every row's probabilities; none where numbers are predicted.
    classes: &'a [String],
    rows: &'a [Prediction],
    /// Where the file has the target too.
    agreement: Option<Agreement>,
}

pub fn run(args: &PredictArgs, ctx: &Context) -> Result<(), AppError> {
    let run = ctx.run_path(&args.run)?;
    if let Some(out) = args.out_file.as_ref().filter(|out| is_same_file(out, &args.file)) {
        return Err(AppError::usage(ctx.text.over_the_input(out.display())));
    }
    let model = Model::load(&run)?;
    ctx.warn_of_checkpoints(model.warnings());
    let (predictions, table) =
        match RawRows::from_path(&args.file).map_err(glassbox::Error::from)? {
            RawRows::Table(table) => (model.predict(&table)?, Some(table)),
            RawRows::Images(images) => (model.predict_images(&images)?, None),
        };
    if !ctx.global.quiet {
        predictions.warnings.iter().for_each(|warning| ctx.warn(warning));
    }
    let observed = table.as_ref().and_then(|table| model.observed(table));
    let score = observed.as_ref().and_then(|observed| predictions.agreement(observed));
    let shown = Predicted {
        predictions: &predictions,
        table: table.as_ref(),
        observed: observed.as_deref(),
    };
    if let Some(out) = &args.out_file {
        atomic::write(out, shown.csv().as_bytes())?;
    }
    let json = Json {
        run: run.display().to_string(),
        target: &predictions.target,
        classes: &predictions.classes,
        rows: &predictions.rows,
        agreement: score,
    };
    let score = score.map(|score| agreement(score, ctx.text) + "\n").unwrap_or_default();
    let piped = args.out_file.is_none() && ctx.screen().columns.is_some();
    ctx.print(&json, |screen| match &args.out_file {
        Some(out) => {
            let rows = predictions.rows.len() as u64;
            ctx.text.wrote_rows(crate::terminal::grouped(rows), out.display()) + "\n" + &score
        }
        // Only rows on standard output, so that what reads it gets a table and nothing else.
        None if piped => shown.csv(),
        None => shown.lines(ctx.text, screen.columns()) + &score,
    })?;
    if piped && !ctx.global.json && !score.is_empty() {
        ctx.note(score.trim_end());
    }
    Ok(())
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| Some(one) == real(other))
}
