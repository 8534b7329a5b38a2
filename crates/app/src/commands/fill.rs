//! `glassbox predict RUN TEXT…` of a model of masked tokens.

use std::path::{Path, PathBuf};

use glassbox::io::atomic;
use glassbox::train::{Filled, Filler};
use serde::Serialize;

use super::texts;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{Align, Csv, Table, figure, fit, grouped};

/// How many candidates are told of a hidden token.
const TOP: usize = 5;

/// What `--json` prints.
#[derive(Serialize)]
struct Json<'a> {
    run: String,
    texts: &'a [Filled],
}

/// Tells what is hidden in texts, and in the lines of files.
pub fn run(
    filler: &Filler,
    run: &Path,
    given: &[PathBuf],
    (top, out_file): (Option<usize>, Option<&Path>),
    ctx: &Context,
) -> Result<(), AppError> {
    ctx.warn_of_checkpoints(filler.warnings());
    let texts = texts::given(given)?;
    let texts = texts.iter().filter(|text| !text.trim().is_empty());
    let filled = texts.map(|text| filler.fill(text, top.unwrap_or(TOP)));
    let filled: Vec<Filled> = filled.collect::<Result<_, _>>()?;
    let unknown: u64 = filled.iter().map(|filled| filled.unknown).sum();
    if unknown > 0 && !ctx.global.quiet {
        ctx.warn(ctx.text.words_unknown(grouped(unknown)));
    }
    let table = csv(&filled);
    if let Some(out) = out_file {
        atomic::write(out, table.as_bytes())?;
    }
    let json = Json { run: run.display().to_string(), texts: &filled };
    ctx.print(&json, |screen| match (out_file, screen.columns) {
        (Some(out), _) => {
            ctx.text.wrote_rows(grouped(table.lines().count() as u64 - 1), out.display()) + "\n"
        }
        // Only rows, so that what reads them gets nothing else.
        (None, Some(_)) => table,
        (None, None) => {
            let shown: Vec<String> =
                filled.iter().map(|filled| drawn(filled, ctx, screen.columns())).collect();
            shown.join("\n")
        }
    })
}

/// A text with the best of its candidates, and all of them below it.
fn drawn(filled: &Filled, ctx: &Context, columns: usize) -> String {
    let left = |text: String| (text, Align::Left);
    let right = |text: String| (text, Align::Right);
    let headers = [
        right(ctx.text.column_token()),
        left(ctx.text.column_candidate()),
        right(ctx.text.column_probability()),
    ];
    let mut table = Table::new(headers);
    for place in &filled.places {
        for (number, candidate) in place.candidates.iter().enumerate() {
            let token = if number == 0 { place.token.to_string() } else { String::new() };
            table.row([token, shown(&candidate.token), figure(candidate.probability)]);
        }
    }
    format!("{}\n{}", fit(&filled.filled, columns), table.render(columns))
}

/// A token whose white space is seen.
fn shown(token: &str) -> String {
    if token == " " { "␣".into() } else { token.trim_start_matches(' ').replace('\n', "↵") }
}

/// A line for each candidate.
fn csv(filled: &[Filled]) -> String {
    let mut out = Csv::new(',');
    out.line(["text", "token", "candidate", "probability"]);
    for (filled, text) in filled.iter().zip(1..) {
        for place in &filled.places {
            for candidate in &place.candidates {
                let (text, token) = (text.to_string(), place.token.to_string());
                let probability = candidate.probability.to_string();
                out.line([text.as_str(), &token, &candidate.token, &probability]);
            }
        }
    }
    out.text
}
