//! `glassbox generate RUN`

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;
use glassbox::Writer;
use glassbox::generate::Sampling;
use serde::Serialize;

use super::rows::RowsRun;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{figure, grouped};

#[derive(Args)]
pub struct GenerateArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub prompt: String,
    #[arg(long, value_name = "COUNT", default_value_t = 500)]
    pub tokens: usize,
    #[arg(long, value_name = "NUMBER", default_value_t = 0.8)]
    pub temperature: f64,
    #[arg(long, value_name = "COUNT")]
    pub top_k: Option<usize>,
    #[arg(long, value_name = "SHARE")]
    pub top_p: Option<f64>,
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub repetition_penalty: f64,
    #[arg(long, value_name = "NUMBER", default_value_t = 42)]
    pub seed: u64,
    #[arg(long)]
    pub no_cache: bool,
    #[arg(long, value_name = "COUNT", value_parser = super::above_zero)]
    pub count: Option<usize>,
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    #[arg(long, value_name = "RUN")]
    pub classifier: Option<String>,
    #[arg(long, value_name = "FILE")]
    pub out_file: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Json<'a> {
    run: String,
    prompt: &'a str,
    #[serde(flatten)]
    text: glassbox::train::Text,
    tokens_per_second: f64,
}

pub fn run(args: &GenerateArgs, ctx: &Context) -> Result<(), AppError> {
    let run = ctx.run_path(&args.run)?;
    if RowsRun::is_one(&run)? {
        return super::rows::generate::run(args, ctx);
    }
    let mut writer = Writer::load(&run)?.cached(!args.no_cache);
    ctx.warn_of_checkpoints(writer.warnings());
    let how = Sampling {
        temperature: args.temperature,
        top_k: args.top_k,
        top_p: args.top_p,
        repetition_penalty: args.repetition_penalty,
        seed: args.seed,
        most: args.tokens,
        ..Sampling::default()
    };
    let stop = ctx.stop_flag();
    let mut out = io::stdout().lock();
    let mut begun = false;
    // Each piece as it comes; a reader that has seen enough (`| head`) is no failure.
    let mut show = |piece: &str| {
        let mut text = String::new();
        if !begun {
            text += &args.prompt;
        }
        begun = true;
        text += piece;
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
    };
    let text = writer.write(&args.prompt, &how, |piece| {
        let shown = ctx.global.json || show(piece);
        match shown && !stop.load(Ordering::Relaxed) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    })?;
    if !ctx.global.json {
        show("\n");
        drop(out);
        if !ctx.global.quiet {
            let (tokens, rate) = (grouped(text.tokens as u64), figure(text.tokens_per_second()));
            ctx.note(ctx.text.wrote_tokens(tokens, figure(text.seconds), rate));
        }
        return Ok(());
    }
    drop(out);
    let tokens_per_second = text.tokens_per_second();
    let run = run.display().to_string();
    ctx.print(&Json { run, prompt: &args.prompt, text, tokens_per_second }, |_| String::new())
}
