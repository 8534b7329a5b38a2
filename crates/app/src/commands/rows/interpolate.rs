//! `glassbox interpolate RUN A B`

use std::path::{Path, PathBuf};

use clap::Args;
use glassbox::train::{KnownRows, between};
use serde::Serialize;

use super::RowsRun;
use crate::commands::above_zero;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::grouped;

#[derive(Args)]
pub struct InterpolateArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(value_name = "A")]
    pub from: String,
    #[arg(value_name = "B")]
    pub to: String,
    #[arg(long, value_name = "COUNT", value_parser = above_zero, default_value = "10")]
    pub steps: usize,
    #[arg(long, value_name = "FILE")]
    pub out_file: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Json {
    run: String,
    from: String,
    to: String,
    steps: usize,
    file: String,
}

pub fn run(args: &InterpolateArgs, ctx: &Context) -> Result<(), AppError> {
    let run = RowsRun::load(&args.run, ctx)?;
    let ends = [row(&run, &args.from, ctx)?, row(&run, &args.to, ctx)?];
    let mut codes = Vec::new();
    let mut label = None;
    for end in &ends {
        let labels = run.labels(end, ctx)?;
        codes.push(run.latent.encode(&end.numbers, labels.as_deref())?.means);
        label = label.or(labels);
    }
    let way = between(&codes[0], &codes[1], args.steps);
    let labels = label.and_then(|labels| Some(vec![*labels.first()?; args.steps]));
    let made = run.latent.decode(&way, labels.as_deref())?;
    // The rows themselves stand at both ends.
    let rows = [&ends[0].numbers[..], &made, &ends[1].numbers].concat();
    let mut captions = vec![String::new(); args.steps + 2];
    captions[0] = args.from.clone();
    captions[args.steps + 1] = args.to.clone();
    let path = run.out(args.out_file.as_ref(), &format!("interpolated.{}", run.ending()))?;
    let title = ctx.text.title_interpolated(&args.from, &args.to);
    run.write(&path, &title, &rows, &captions, args.steps + 2)?;
    let json = Json {
        run: run.path.display().to_string(),
        from: args.from.clone(),
        to: args.to.clone(),
        steps: args.steps,
        file: path.display().to_string(),
    };
    ctx.print(&json, |_| ctx.text.wrote_rows(grouped((args.steps + 2) as u64), &json.file) + "\n")
}

/// A row of the run's data by its number in the source, or the row of a file.
fn row(run: &RowsRun, word: &str, ctx: &Context) -> Result<KnownRows, AppError> {
    if Path::new(word).exists() {
        let rows = run.latent.rows_of_files(&[PathBuf::from(word)])?;
        return Ok(rows.select(&[0]));
    }
    let data = run.data()?;
    for part in [&data.test, &data.valid, &data.train] {
        let is_it = |row: &usize| {
            part.source_name(*row) == Some(word)
                || part.source_row(*row).is_some_and(|number| number.to_string() == word)
        };
        if let Some(row) = (0..part.len()).find(is_it) {
            return Ok(KnownRows::of(&part.select(&[row]).map_err(glassbox::Error::from)?, 1)?);
        }
    }
    Err(AppError::usage(ctx.text.no_such_row(word)))
}
