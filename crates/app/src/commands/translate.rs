//! `glassbox predict RUN TEXT…` of a model of pairs of texts.

use std::path::{Path, PathBuf};

use glassbox::Translator;
use glassbox::io::atomic;
use glassbox::train::Translation;
use serde::Serialize;

use super::texts;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{Align, Table, grouped};

/// How many beginnings are followed at once.
const BEAMS: usize = 4;

/// What `--json` prints.
#[derive(Serialize)]
struct Json<'a> {
    run: String,
    translations: &'a [Translation],
}

/// Translates texts, and the lines of files.
pub fn run(
    translator: &Translator,
    run: &Path,
    given: &[PathBuf],
    out_file: Option<&Path>,
    ctx: &Context,
) -> Result<(), AppError> {
    ctx.warn_of_checkpoints(translator.warnings());
    let texts = texts::given(given)?;
    let translations = translator.translate(&texts, BEAMS)?;
    let unknown: u64 = translations.iter().map(|translation| translation.unknown).sum();
    if unknown > 0 && !ctx.global.quiet {
        ctx.warn(ctx.text.words_unknown(grouped(unknown)));
    }
    let plain: String = translations.iter().map(|found| found.text.clone() + "\n").collect();
    if let Some(out) = out_file {
        atomic::write(out, plain.as_bytes())?;
    }
    let json = Json { run: run.display().to_string(), translations: &translations };
    ctx.print(&json, |screen| match (out_file, screen.columns) {
        (Some(out), _) => {
            ctx.text.wrote_rows(grouped(translations.len() as u64), out.display()) + "\n"
        }
        // Only translations, a line each, so that what reads them gets nothing else.
        (None, Some(_)) => plain,
        (None, None) => {
            let left = |text: String| (text, Align::Left);
            let headers = [left(ctx.text.column_text()), left(ctx.text.column_translation())];
            let mut table = Table::new(headers);
            for Translation { source, text, .. } in &translations {
                table.row([source.clone(), text.clone()]);
            }
            table.render(screen.columns())
        }
    })
}
