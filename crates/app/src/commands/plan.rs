//! `glassbox plan WHAT`

use std::path::Path;

use clap::Args;
use glassbox::watch::StepProfile;
use serde::Serialize;

use crate::commands::asked::Asked;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::plan;

#[derive(Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub asked: Asked,
}

/// What `--json` prints.
#[derive(Serialize)]
pub struct Planned {
    pub what: String,
    pub model: String,
    #[serde(flatten)]
    pub step: StepProfile,
}

pub fn run(args: &PlanArgs, ctx: &Context) -> Result<(), AppError> {
    let mut asked = args.asked.clone();
    // A run is meant by its settings; what `train` would take comes first.
    let path = Path::new(&asked.what);
    if (!path.exists() || path.join("run.toml").is_file())
        && let Ok(run) = ctx.run_path(&asked.what)
        && run.join("run.toml").is_file()
    {
        asked.what = run.join("run.toml").display().to_string();
    }
    let job = asked.job()?;
    let step = StepProfile::of_job(&job)?;
    let found = Planned { what: args.asked.what.clone(), model: job.model.name().to_owned(), step };
    ctx.print(&found, |screen| plan(&found, ctx.text, screen.columns()))
}
