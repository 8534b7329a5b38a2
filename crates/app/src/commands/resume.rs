//! `glassbox resume RUN`

use clap::Args;

use crate::context::Context;
use crate::error::AppError;

#[derive(Args)]
pub struct ResumeArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
}

pub fn run(args: &ResumeArgs, ctx: &Context) -> Result<(), AppError> {
    let _folder = ctx.run_path(&args.run)?;
    Err(AppError::failed(ctx.text.not_in_this_build("resume")))
}
