//! `glassbox train WHAT`

use std::path::PathBuf;

use clap::Args;
use glassbox::train::Ended;
use glassbox::train::event::Ending;
use glassbox::train::folder::{self, RunFolder};
use glassbox::word2vec::WordVectors;

use crate::commands::asked::Asked;
use crate::commands::folds;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{outcome, words_learned};

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
    let training = args.asked.training()?;
    let config = training.config();
    let folder = match &args.out {
        Some(path) => RunFolder::create_at(path, config)?,
        None => {
            let label = folder::label(&config.data.path, training.name());
            RunFolder::create_in(ctx.runs(), &label, config)?
        }
    };
    folder.mark_last(ctx.runs())?;
    let stop = ctx.stop_flag();
    let mut progress = ctx.progress();
    let ended = training.train(&folder, &mut |event| progress.handle(event), &stop)?;
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
    let words = WordVectors::are_of(folder);
    let shown = |columns| match words {
        true => words_learned(&ended.outcome, ctx.text, columns),
        false => outcome(&ended.outcome, weighted, ctx.text, columns),
    };
    ctx.print(&ended.outcome, |screen| shown(screen.columns()))
}
