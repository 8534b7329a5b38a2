//! `glassbox predict RUN FILE`

use std::path::PathBuf;

use clap::Args;

use crate::context::Context;
use crate::error::AppError;

#[derive(Args)]
pub struct PredictArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[arg(long, value_name = "FILE")]
    pub out_file: Option<PathBuf>,
}

pub fn run(args: &PredictArgs, ctx: &Context) -> Result<(), AppError> {
    let _folder = ctx.run_path(&args.run)?;
    let _seam = (&args.file, &args.out_file);
    Err(AppError::failed(ctx.text.not_in_this_build("predict")))
}
