//! `glassbox summary RUN`

use std::path::Path;

use clap::Args;
use glassbox::io::published::{Pretrained, is_published};
use glassbox::train::folder::RunFolder;
use glassbox::train::summary::{Structure, Summary};
use serde::Serialize;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{fit, grouped, structure, summary};

#[derive(Args)]
pub struct SummaryArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
}

/// What `--json` prints of a published model.
#[derive(Serialize)]
struct Json {
    folder: String,
    class: &'static str,
    vocabulary: usize,
    context: usize,
    structure: Structure,
}

pub fn run(args: &SummaryArgs, ctx: &Context) -> Result<(), AppError> {
    let run = ctx.model_path(&args.run)?;
    if is_published(&run) {
        return published(&run, ctx);
    }
    let found = Summary::of(&RunFolder::view(&run)?)?;
    ctx.print(&found, |screen| summary(&found, ctx.text, screen.columns()))
}

/// What a published folder holds.
fn published(folder: &Path, ctx: &Context) -> Result<(), AppError> {
    let model = Pretrained::of_folder(folder, None).map_err(glassbox::Error::from)?;
    let [vocabulary, context] = model.tokens();
    let json = Json {
        folder: folder.display().to_string(),
        class: model.class(),
        vocabulary,
        context,
        structure: Structure::of_text_model(model.module(), context)?,
    };
    ctx.print(&json, |screen| {
        let columns = screen.columns();
        let (known, read) = (grouped(vocabulary as u64), grouped(context as u64));
        let head = fit(&ctx.text.published_model(json.class, known, read), columns);
        format!("{head}\n\n{}", structure(&json.structure, ctx.text, columns))
    })
}
