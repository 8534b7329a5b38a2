//! `glassbox explain RUN --param fc2/bias[3]`

use std::path::PathBuf;

use clap::Args;

use glassbox::data::RawRows;
use glassbox::train::folder::RunFolder;
use glassbox::watch::{Element, InUse, Moment, Of, When};

use crate::context::Context;
use crate::error::AppError;

#[derive(Args)]
pub struct ExplainArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[command(flatten)]
    pub what: What,
    #[arg(long, value_name = "ELEMENT", value_parser = element)]
    pub from: Option<Element>,
    #[arg(long, conflicts_with_all = ["activation", "input", "from", "row", "source_row"])]
    pub why: bool,
    #[arg(long, value_name = "N")]
    pub row: Option<usize>,
    #[arg(long, value_name = "N", conflicts_with = "row")]
    pub source_row: Option<usize>,
    #[arg(long, value_name = "N")]
    pub step: Option<u64>,
    #[arg(long, value_name = "N", conflicts_with = "step")]
    pub epoch: Option<u64>,
    #[arg(long, value_name = "NAME", conflicts_with_all = OF_TRAINING)]
    pub class: Option<String>,
    #[arg(long, value_name = "PART", conflicts_with_all = OF_TRAINING, value_parser = PARTS, hide_possible_values = true)]
    pub part: Option<String>,
    #[arg(long, value_name = "FILE", conflicts_with_all = OF_TRAINING, conflicts_with = "part")]
    pub file: Option<PathBuf>,
}

const PARTS: [&str; 3] = ["train", "valid", "test"];

/// What is asked of a step of training; the rest is asked of a prediction.
const OF_TRAINING: [&str; 3] = ["param", "activation", "input"];

/// Exactly one of them.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct What {
    #[arg(long, value_name = "ELEMENT", value_parser = element)]
    pub param: Option<Element>,
    #[arg(long, value_name = "ELEMENT", value_parser = element)]
    pub activation: Option<Element>,
    #[arg(long, value_name = "INPUT")]
    pub input: Option<String>,
    #[arg(long, conflicts_with_all = ["from", "why", "step", "epoch"])]
    pub prediction: bool,
}

/// The reason of a refusal is said by `usage`, in the user's language.
fn element(text: &str) -> Result<Element, String> {
    Element::parse(text).ok_or_else(String::new)
}

pub fn run(args: &ExplainArgs, ctx: &Context) -> Result<(), AppError> {
    let folder = RunFolder::view(&ctx.run_path(&args.run)?)?;
    if args.what.prediction {
        return prediction(args, &folder, ctx);
    }
    let when = match (args.step, args.epoch) {
        (_, Some(epoch)) => When::Epoch(epoch),
        // Why something moved is asked of a step that was taken.
        (None, None) if args.why => When::Last,
        (step, None) => When::from(step),
    };
    let moment = Moment::of_run(&folder, when)?;
    let row = match args.source_row {
        Some(source) => Some(moment.row_of(source)?),
        None => args.row,
    };
    let from = args.from.as_ref();
    let what = match (&args.what.param, &args.what.activation, &args.what.input) {
        (Some(element), ..) | (_, Some(element), _) => element.clone(),
        (.., Some(all)) if all == "all" => Element { path: "inputs".into(), indices: Vec::new() },
        (.., Some(input)) => moment.input(input, row.unwrap_or(0))?,
        _ => return Err(AppError::usage(ctx.text.missing_arguments("--param"))),
    };
    if args.why {
        let movement = moment.why(&what)?;
        return ctx.print(&movement, |_| movement.to_string());
    }
    if moment.is_whole(&what) {
        let view = moment.tensor(from, &what.path, row)?;
        return ctx.print(&view, |_| view.to_string());
    }
    let explanation = moment.explain_from(from, &what, row)?;
    ctx.print(&explanation, |_| explanation.to_string())
}

/// Why the model says what it says of a row.
fn prediction(args: &ExplainArgs, folder: &RunFolder, ctx: &Context) -> Result<(), AppError> {
    let model = InUse::of_run(folder)?;
    ctx.warn_of_checkpoints(model.warnings());
    let class = args.class.as_deref();
    let row = args.row.unwrap_or(0);
    let attribution = match (&args.file, args.source_row) {
        (Some(file), source) => {
            let raw = RawRows::from_path(file).map_err(glassbox::Error::from)?;
            let row = source.map_or(Some(row), |source| source.checked_sub(1));
            let row = row.ok_or_else(|| AppError::usage(ctx.text.rows_from_one()))?;
            model.why_raw(&raw, row, class)?
        }
        (None, Some(source)) => model.why(&Of::Source(source), class)?,
        (None, None) => {
            let part = args.part.clone().unwrap_or_else(|| model.last_part().to_string());
            model.why(&Of::Part(part, row), class)?
        }
    };
    ctx.print(&attribution, |_| attribution.to_string())
}
