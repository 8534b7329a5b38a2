//! `glassbox summary RUN`

use clap::Args;
use glassbox::train::folder::RunFolder;
use glassbox::train::summary::Summary;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::summary;

#[derive(Args)]
pub struct SummaryArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
}

pub fn run(args: &SummaryArgs, ctx: &Context) -> Result<(), AppError> {
    let found = Summary::of(&RunFolder::view(&ctx.run_path(&args.run)?)?)?;
    ctx.print(&found, |screen| summary(&found, ctx.text, screen.columns()))
}
