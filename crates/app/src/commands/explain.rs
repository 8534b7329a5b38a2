//! `glassbox explain RUN --param fc2/bias[3]`

use clap::Args;

use glassbox::train::folder::RunFolder;
use glassbox::watch::{Element, Moment};

use crate::context::Context;
use crate::error::AppError;

#[derive(Args)]
pub struct ExplainArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[command(flatten)]
    pub what: What,
    #[arg(long, value_name = "N")]
    pub row: Option<usize>,
    #[arg(long, value_name = "N")]
    pub step: Option<u64>,
}

/// Exactly one of the two.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct What {
    #[arg(long, value_name = "ELEMENT", value_parser = element)]
    pub param: Option<Element>,
    #[arg(long, value_name = "ELEMENT", value_parser = element)]
    pub activation: Option<Element>,
}

/// The reason of a refusal is said by `usage`, in the user's language.
fn element(text: &str) -> Result<Element, String> {
    Element::parse(text).ok_or_else(String::new)
}

pub fn run(args: &ExplainArgs, ctx: &Context) -> Result<(), AppError> {
    let folder = RunFolder::view(&ctx.run_path(&args.run)?)?;
    let moment = Moment::of_run(&folder, args.step)?;
    let what = args.what.param.as_ref().or(args.what.activation.as_ref());
    let what = what.ok_or_else(|| AppError::usage("--param"))?;
    let explanation = moment.explain(what, args.row)?;
    ctx.print(&explanation, |_| explanation.to_string())
}
