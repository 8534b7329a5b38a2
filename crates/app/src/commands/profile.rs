//! `glassbox profile RUN`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use glassbox::io::atomic;
use glassbox::train::folder::RunFolder;
use glassbox::watch::StepProfile;
use serde::Serialize;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::profile;

#[derive(Args)]
pub struct ProfileArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub seconds: f64,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    pub flame: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Serialize)]
pub struct Profiled {
    pub run: String,
    #[serde(flatten)]
    pub step: StepProfile,
    /// The file of trace events, if one was written.
    pub trace: Option<String>,
    /// The file of the flame graph, if one was drawn.
    pub flame: Option<String>,
}

pub fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("0 to 3600".into()),
    }
}

pub fn run(args: &ProfileArgs, ctx: &Context) -> Result<(), AppError> {
    let path = ctx.run_path(&args.run)?;
    let time = Duration::from_secs_f64(args.seconds);
    let step = StepProfile::of_run(&RunFolder::view(&path)?, time, args.threads.map(usize::from))?;
    if let (Some(file), Some(trace)) = (&args.trace, step.trace()) {
        atomic::write(file, trace.as_bytes())?;
    }
    if let (Some(file), Some(flame)) = (&args.flame, step.flame_graph()) {
        atomic::write(file, flame.as_bytes())?;
    }
    let name = |file: &Option<PathBuf>| file.as_ref().map(|file| file.display().to_string());
    let (trace, flame) = (name(&args.trace), name(&args.flame));
    let found = Profiled { run: path.display().to_string(), step, trace, flame };
    ctx.print(&found, |screen| profile(&found, ctx.text, screen.columns()))
}
