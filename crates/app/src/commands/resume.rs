//! `glassbox resume RUN`

use clap::Args;

use glassbox::train::Job;
use glassbox::train::folder::RunFolder;

use crate::commands::train::finish;
use crate::context::Context;
use crate::error::AppError;

#[derive(Args)]
pub struct ResumeArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
}

pub fn run(args: &ResumeArgs, ctx: &Context) -> Result<(), AppError> {
    let folder = RunFolder::resume(&ctx.run_path(&args.run)?)?;
    let stop = ctx.stop_flag();
    let mut progress = ctx.progress();
    let ended = Job::resume(&folder, &mut |event| progress.handle(event), &stop)?;
    finish(&ended, &folder, ctx)
}
