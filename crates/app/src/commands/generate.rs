//! `glassbox generate RUN`

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;
use glassbox::Writer;
use glassbox::generate::Sampling;
use glassbox::io::published::is_published;
use glassbox::train::Text;
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
    written: Written,
    tokens_per_second: f64,
}

/// One text, or as many as were asked for.
#[derive(Serialize)]
#[serde(untagged)]
enum Written {
    One(Text),
    Several { texts: Vec<Text> },
}

pub fn run(args: &GenerateArgs, ctx: &Context) -> Result<(), AppError> {
    let run = ctx.model_path(&args.run)?;
    if !is_published(&run) && RowsRun::is_one(&run)? {
        return super::rows::generate::run(args, ctx);
    }
    let mut writer = Writer::load(&run)?.cached(!args.no_cache);
    ctx.warn_of_checkpoints(writer.warnings());
    let stop = ctx.stop_flag();
    let mut texts = Vec::new();
    let mut seen_enough = false;
    let count = args.count.unwrap_or(1) as u64;
    for number in 0..count {
        let how = Sampling {
            temperature: args.temperature,
            top_k: args.top_k,
            top_p: args.top_p,
            repetition_penalty: args.repetition_penalty,
            seed: args.seed.wrapping_add(number),
            most: args.tokens,
            ..Sampling::default()
        };
        // Each piece as it comes; a reader that has seen enough (`| head`) is no failure.
        let mut show = |piece: &str| {
            let mut out = io::stdout().lock();
            let shown = out.write_all(piece.as_bytes()).and_then(|()| out.flush()).is_ok();
            seen_enough |= !shown;
            shown
        };
        let mut pending = args.prompt.as_str();
        let text = writer.write(&args.prompt, &how, |piece| {
            let piece = std::mem::take(&mut pending).to_owned() + piece;
            let shown = ctx.global.json || show(&piece);
            match shown && !stop.load(Ordering::Relaxed) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })?;
        if !ctx.global.json {
            // Texts of several lines stand apart.
            let last = number + 1 == count;
            let apart = !last && text.text.contains('\n');
            show(&format!("{pending}\n{}", if apart { "\n" } else { "" }));
        }
        texts.push(text);
        if seen_enough || stop.load(Ordering::Relaxed) {
            break;
        }
    }
    let tokens: usize = texts.iter().map(|text| text.tokens).sum();
    let seconds: f64 = texts.iter().map(|text| text.seconds).sum();
    let tokens_per_second = tokens as f64 / seconds.max(1e-9);
    if !ctx.global.json {
        if !ctx.global.quiet {
            let (tokens, rate) = (grouped(tokens as u64), figure(tokens_per_second));
            ctx.note(ctx.text.wrote_tokens(tokens, figure(seconds), rate));
        }
        return Ok(());
    }
    let run = run.display().to_string();
    let written = match count {
        1 => texts.pop().map_or(Written::Several { texts: Vec::new() }, Written::One),
        _ => Written::Several { texts },
    };
    ctx.print(&Json { run, prompt: &args.prompt, written, tokens_per_second }, |_| String::new())
}
