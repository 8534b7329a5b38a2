//! `glassbox eval RUN`

use clap::Args;

use glassbox::train::Job;
use glassbox::train::folder::RunFolder;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::outcome;

#[derive(Args)]
pub struct EvalArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
}

pub fn run(args: &EvalArgs, ctx: &Context) -> Result<(), AppError> {
    let folder = RunFolder::view(&ctx.run_path(&args.run)?)?;
    let result = Job::evaluate(&folder)?;
    ctx.print(&result, |screen| outcome(&result, ctx.text, screen.columns()))
}
