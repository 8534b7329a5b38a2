//! `glassbox train WHAT`

use std::path::Path;

use clap::Args;
use glassbox::train::config::{ConfigError, RunConfig};

use crate::context::Context;
use crate::error::AppError;

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
}

pub fn run(args: &TrainArgs, ctx: &Context) -> Result<(), AppError> {
    let _config = config(args, ctx)?;
    Err(AppError::failed(ctx.text.not_in_this_build("train")))
}

/// The configuration that WHAT, `--set` and the flags give together; flags win. All problems of
/// all three are reported at once, each where the user wrote it.
pub fn config(args: &TrainArgs, ctx: &Context) -> Result<RunConfig, AppError> {
    let flags = flags(args, ctx);
    let mut settings = ctx.global.set.clone();
    settings.extend(flags.iter().map(|(setting, _)| setting.clone()));
    let what = Path::new(&args.what);
    let config = match what.extension().is_some_and(|extension| extension == "toml") {
        true => RunConfig::load(what, &settings),
        false => RunConfig::new(&args.what).set(&settings),
    };
    config.map_err(|error| as_flags(error, &flags).into())
}

/// The settings that the flags stand for, each with how it was written.
fn flags(args: &TrainArgs, ctx: &Context) -> Vec<(String, String)> {
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
        ("--threads", "train.threads", &ctx.global.threads, bare),
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
