//! `glassbox resume RUN`

use clap::Args;

use glassbox::train::Job;
use glassbox::train::event::Event;
use glassbox::train::folder::RunFolder;
use glassbox::word2vec;

use crate::commands::train::finish;
use crate::context::Context;
use crate::error::AppError;

#[derive(Args)]
pub struct ResumeArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
}

pub fn run(args: &ResumeArgs, ctx: &Context) -> Result<(), AppError> {
    let folder = RunFolder::resume(&ctx.any_run_path(&args.run)?)?;
    let stop = ctx.stop_flag();
    let mut progress = ctx.progress();
    let mut tell = |event: &Event| progress.handle(event);
    let ended = match folder.config()?.is_of_words() {
        true => word2vec::Job::resume(&folder, &mut tell, &stop)?,
        false => Job::resume(&folder, &mut tell, &stop)?,
    };
    finish(&ended, &folder, ctx)
}
