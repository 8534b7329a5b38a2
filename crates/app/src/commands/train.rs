//! `glassbox train WHAT`

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};
use glassbox::train::config::{ConfigError, RunConfig};
use glassbox::train::event::Ending;
use glassbox::train::folder::{self, RunFolder};
use glassbox::train::{Ended, Job};

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::outcome;

#[derive(Args)]
pub struct TrainArgs {
    #[arg(value_name = "WHAT")]
    pub what: String,
    #[arg(long, value_name = "COLUMN")]
    pub target: Option<String>,
    #[arg(long, value_name = "KIND")]
    pub model: Option<String>,
    #[arg(long, value_name = "N,N")]
    pub hidden: Option<String>,
    #[arg(long, value_name = "WORD")]
    pub activation: Option<String>,
    #[arg(long, value_name = "N")]
    pub epochs: Option<String>,
    #[arg(long, value_name = "N")]
    pub batch: Option<String>,
    #[arg(long, value_name = "RATE")]
    pub lr: Option<String>,
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<String>,
    #[arg(long, value_name = "N")]
    pub threads: Option<String>,
    #[arg(long, value_name = "K=V", action = ArgAction::Append)]
    pub set: Vec<String>,
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

pub fn run(args: &TrainArgs, ctx: &Context) -> Result<(), AppError> {
    let job = job(args)?;
    let folder = match &args.out {
        Some(path) => RunFolder::create_at(path, &job.config)?,
        None => {
            let label = folder::label(&job.config.data.path, job.model.name());
            RunFolder::create_in(ctx.runs(), &label, &job.config)?
        }
    };
    folder.mark_last(ctx.runs())?;
    let stop = ctx.stop_flag();
    let mut progress = ctx.progress();
    let ended = job.train(&folder, &mut |event| progress.handle(event), &stop)?;
    finish(&ended, &folder, ctx)
}

/// Says how a run ended.
pub fn finish(ended: &Ended, folder: &RunFolder, ctx: &Context) -> Result<(), AppError> {
    let run = folder.path().display().to_string();
    if ended.ending == Ending::Interrupted {
        let step = folder.status()?.step;
        ctx.note(ctx.text.interrupted(step, &run));
        let state = serde_json::json!({ "run": run, "state": "interrupted", "step": step });
        return ctx.print(&state, |_| String::new());
    }
    ctx.print(&ended.outcome, |screen| outcome(&ended.outcome, ctx.text, screen.columns()))
}

/// What WHAT, `--set` and the flags ask for together; flags win. All problems of all three are
/// reported at once, each where the user wrote it.
fn job(args: &TrainArgs) -> Result<Job, AppError> {
    let flags = flags(args);
    let mut settings = args.set.clone();
    settings.extend(flags.iter().map(|(setting, _)| setting.clone()));
    let what = Path::new(&args.what);
    let is_file = what.extension().is_some_and(|extension| extension == "toml");
    let configure = |base: &RunConfig| {
        let config = match is_file {
            true => base.load_onto(what, &settings),
            false => base.set(&settings),
        };
        config.map_err(|error| as_flags(error, &flags))
    };
    Ok(Job::new(if is_file { "" } else { &args.what }, configure)?)
}

/// The settings that the flags stand for, each with how it was written.
fn flags(args: &TrainArgs) -> Vec<(String, String)> {
    // A column may be called `1` or `true`: only quotes make it a text for certain.
    let quoted = |text: &String| serde_json::Value::String(text.clone()).to_string();
    let bare = String::clone;
    let list = |text: &String| format!("[{}]", text.trim_matches(['[', ']']));
    type Written = fn(&String) -> String;
    let all: [(&str, &str, &Option<String>, Written); 9] = [
        ("--target", "data.target", &args.target, quoted),
        ("--model", "model.kind", &args.model, quoted),
        ("--hidden", "model.hidden", &args.hidden, list),
        ("--activation", "model.activation", &args.activation, quoted),
        ("--epochs", "train.epochs", &args.epochs, bare),
        ("--batch", "train.batch", &args.batch, bare),
        ("--lr", "train.optimizer.lr", &args.lr, bare),
        ("--seed", "train.seed", &args.seed, bare),
        ("--threads", "train.threads", &args.threads, bare),
    ];
    let given = |(flag, path, value, written): &(&str, &str, &Option<String>, Written)| {
        let value = value.as_ref()?;
        Some((format!("{path}={}", written(value)), format!("{flag} {value}")))
    };
    all.iter().filter_map(given).collect()
}

/// Problems of flags name the flag instead of the setting it stands for.
fn as_flags(mut error: ConfigError, flags: &[(String, String)]) -> ConfigError {
    for problem in &mut error.problems {
        let written = flags.iter().find(|(setting, _)| problem.place == format!("--set {setting}"));
        if let Some((_, flag)) = written {
            problem.place.clone_from(flag);
        }
    }
    error
}
