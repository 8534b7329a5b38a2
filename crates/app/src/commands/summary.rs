//! `glassbox summary RUN`

use clap::Args;

use crate::context::Context;
use crate::error::AppError;

#[derive(Args)]
pub struct SummaryArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
}

pub fn run(args: &SummaryArgs, ctx: &Context) -> Result<(), AppError> {
    let _folder = ctx.run_path(&args.run)?;
    Err(AppError::failed(ctx.text.not_in_this_build("summary")))
}
