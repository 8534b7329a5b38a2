//! `glassbox restore RUN [FILE…]`

use std::path::PathBuf;

use clap::Args;
use glassbox::train::{Damage, Half};
use serde::Serialize;

use super::RowsRun;
use crate::commands::above_zero;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{figure, grouped};

#[derive(Args)]
pub struct RestoreArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[arg(long, value_name = "DEVIATION", conflicts_with = "hide")]
    pub noise: Option<f64>,
    #[arg(long, value_name = "WHAT")]
    pub hide: Option<String>,
    #[arg(long, value_name = "COUNT", value_parser = above_zero, default_value = "10")]
    pub count: usize,
    #[arg(long, value_name = "NUMBER", default_value_t = 42)]
    pub seed: u64,
    #[arg(long, value_name = "FILE")]
    pub out_file: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Json {
    run: String,
    rows: usize,
    /// Mean squared errors against the whole rows.
    error_before: f64,
    error_after: f64,
    file: String,
}

pub fn run(args: &RestoreArgs, ctx: &Context) -> Result<(), AppError> {
    let damage = match (&args.noise, &args.hide) {
        (Some(deviation), _) if *deviation > 0.0 => Damage::Noise(*deviation),
        (Some(_), _) => return Err(AppError::usage(ctx.text.noise_above_zero())),
        (None, hide) => hidden(hide.as_deref().unwrap_or("bottom"), ctx)?,
    };
    let run = RowsRun::load(&args.run, ctx)?;
    let rows = run.rows(&args.files, args.count)?;
    let rows = rows.select(&(0..rows.len().min(args.count)).collect::<Vec<_>>());
    let labels = run.labels(&rows, ctx)?;
    let found = run.latent.repair(&rows.numbers, labels.as_deref(), damage, args.seed)?;
    let path = run.out(args.out_file.as_ref(), &format!("restored.{}", run.ending()))?;
    let count = rows.len();
    let all = match run.draws() {
        true => [&rows.numbers[..], &found.damaged, &found.repaired].concat(),
        false => found.repaired.clone(),
    };
    let (title, columns) = (ctx.text.title_restored(), count);
    run.write(&path, &title, &all, &[], columns)?;
    let json = Json {
        run: run.path.display().to_string(),
        rows: count,
        error_before: found.error_before,
        error_after: found.error_after,
        file: path.display().to_string(),
    };
    ctx.print(&json, |_| {
        let [before, after] = [json.error_before, json.error_after].map(figure);
        let said = ctx.text.restored(grouped(count as u64), before, after);
        format!("{said}\n{}\n", json.file)
    })
}

/// What is hidden: a half, or a share.
fn hidden(word: &str, ctx: &Context) -> Result<Damage, AppError> {
    let share = word.parse::<f64>().ok().filter(|share| (0.0..1.0).contains(share));
    Ok(match (word, share) {
        ("left", _) => Damage::Hidden(Half::Left),
        ("right", _) => Damage::Hidden(Half::Right),
        ("top", _) => Damage::Hidden(Half::Top),
        ("bottom" | "half", _) => Damage::Hidden(Half::Bottom),
        (_, Some(share)) => Damage::Share(share),
        _ => return Err(AppError::usage(ctx.text.what_can_be_hidden(word))),
    })
}
