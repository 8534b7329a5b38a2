//! `glassbox eval RUN`

use std::path::PathBuf;

use clap::Args;
use glassbox::data::{RawTable, Sentences};
use glassbox::train::event::Outcome;
use glassbox::train::folder::RunFolder;
use glassbox::train::{Evaluation, Importances};
use serde::Serialize;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{importance, outcome, threshold};

/// How often each column is shuffled.
const REPEATS: usize = 10;

#[derive(Args)]
pub struct EvalArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(value_name = "FILE", conflicts_with_all = ["split", "importance"])]
    pub file: Option<PathBuf>,
    #[arg(long, value_name = "PART", value_parser = ["train", "valid", "test"], hide_possible_values = true)]
    pub split: Option<String>,
    #[arg(long, value_name = "CLASS")]
    pub positive: Option<String>,
    #[arg(long)]
    pub importance: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    outcome: &'a Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    importance: Option<&'a Importances>,
}

pub fn run(args: &EvalArgs, ctx: &Context) -> Result<(), AppError> {
    let folder = RunFolder::view(&ctx.run_path(&args.run)?)?;
    let evaluation = Evaluation::of(&folder)?.positive(args.positive.clone());
    ctx.warn_of_checkpoints(evaluation.warnings());
    let part = args.split.as_deref().unwrap_or(evaluation.telling_part());
    let result = match &args.file {
        Some(file) => {
            let (result, warnings) = match evaluation.tagged_words() {
                Some(names) => {
                    let read = Sentences::like(file, names).map_err(glassbox::Error::from)?;
                    evaluation.on_sentences(&read)?
                }
                None => {
                    let table = RawTable::from_path(file).map_err(glassbox::Error::from)?;
                    evaluation.on_table(&table)?
                }
            };
            if !ctx.global.quiet {
                warnings.iter().for_each(|warning| ctx.warn(warning));
            }
            result
        }
        None => evaluation.on_part(part)?,
    };
    let config = folder.config()?.train;
    let weighted = config.weighs_classes();
    let columns = match args.importance {
        true => Some(evaluation.importance(part, REPEATS, config.seed)?),
        false => None,
    };
    let json = Json { outcome: &result, importance: columns.as_ref() };
    ctx.print(&json, |screen| {
        let width = screen.columns();
        let bars = columns.as_ref().map(|found| importance(found, ctx.text, width) + "\n");
        bars.unwrap_or_default()
            + &threshold(&result, ctx.text, width)
            + &outcome(&result, weighted, ctx.text, width)
    })
}
