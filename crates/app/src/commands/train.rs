//! `glassbox train WHAT`

use std::path::PathBuf;

use clap::Args;
use glassbox::train::Ended;
use glassbox::train::event::Ending;
use glassbox::train::folder::{self, RunFolder};

use crate::commands::asked::Asked;
use crate::commands::folds;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::outcome;

#[derive(Args)]
pub struct TrainArgs {
    #[command(flatten)]
    pub asked: Asked,
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub folds: Option<usize>,
}

pub fn run(args: &TrainArgs, ctx: &Context) -> Result<(), AppError> {
    if let Some(number) = args.folds {
        return folds::run(args, number, ctx);
    }
    let job = args.asked.job()?;
    let folder = match &args.out {
        Some(path) => RunFolder::create_at(path, &job.config)?,
        None => {
            let label = folder::label(&job.config.data.path, job.model.name());
            RunFolder::create_in(ctx.runs(), &label, &job.config)?
        }
    };
    folder.mark_last(ctx.runs())?;
    let stop = ctx.stop_flag();
    let mut progress = ctx.progress();
    let ended = job.train(&folder, &mut |event| progress.handle(event), &stop)?;
    finish(&ended, &folder, ctx)
}

/// Says how a run ended.
pub fn finish(ended: &Ended, folder: &RunFolder, ctx: &Context) -> Result<(), AppError> {
    let run = folder.path().display().to_string();
    if ended.ending == Ending::Interrupted {
        let step = folder.status()?.step;
        ctx.note(ctx.text.interrupted(step, &run));
        let state = serde_json::json!({ "run": run, "state": "interrupted", "step": step });
        return ctx.print(&state, |_| String::new());
    }
    let weighted = folder.config()?.train.weighs_classes();
    let shown = |columns| outcome(&ended.outcome, weighted, ctx.text, columns);
    ctx.print(&ended.outcome, |screen| shown(screen.columns()))
}
