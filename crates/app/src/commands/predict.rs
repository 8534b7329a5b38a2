//! `glassbox predict RUN FILE…`

use std::path::{Path, PathBuf};

use clap::Args;
use glassbox::data::{RawRows, RawTable, Skipped, Stretch, is_photos, is_table};
use glassbox::io::atomic;
use glassbox::io::published::{Pretrained, is_published};
use glassbox::train::{Agreement, Model, PhotoPredictions, Prediction, Predictions};
use glassbox::zoo::BertHead;
use glassbox::{Filler, Translator};
use serde::Serialize;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{Predicted, agreement, figure, grouped, rate};

#[derive(Args)]
pub struct PredictArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    #[arg(long, value_name = "COUNT", value_parser = super::above_zero)]
    pub top: Option<usize>,
    #[arg(long, value_name = "FILE")]
    pub out_file: Option<PathBuf>,
    #[arg(long)]
    pub strict: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Json<'a> {
    run: String,
    target: &'a str,
    /// The order of every row's probabilities; none where numbers are predicted.
    classes: &'a [String],
    /// The files of images, one a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<&'a [String]>,
    /// The texts, one a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    texts: Option<&'a [String]>,
    rows: &'a [Prediction],
    /// Of series: which rows follow each other, and at what times.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stretches: &'a [Stretch],
    /// Where the file has the target too, or folders are called after classes.
    agreement: Option<Agreement>,
    /// Images that could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<&'a [Skipped]>,
    /// Images a second, and seconds for one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<Speed>,
}

#[derive(Serialize)]
struct Speed {
    images_per_second: f64,
    reading_seconds: f64,
    predicting_seconds: f64,
    one_seconds: f64,
}

/// How many classes are told of an image.
const TOP: usize = 3;
/// How many files that cannot be read are listed.
const LISTED: usize = 20;

/// What was predicted, and from what.
struct Told {
    predictions: Predictions,
    table: Option<RawTable>,
    photos: Option<PhotoPredictions>,
    texts: Option<Vec<String>>,
    observed: Option<Vec<Option<String>>>,
}

pub fn run(args: &PredictArgs, ctx: &Context) -> Result<(), AppError> {
    let run = ctx.model_path(&args.run)?;
    if let Some(out) = &args.out_file
        && args.files.iter().any(|file| is_same_file(out, file))
    {
        return Err(AppError::usage(ctx.text.over_the_input(out.display())));
    }
    if let Some(translator) = Translator::of_run(&run)? {
        let out_file = args.out_file.as_deref();
        return super::translate::run(&translator, &run, &args.files, out_file, ctx);
    }
    if let Some(filler) = Filler::of(&run)? {
        let how = (args.top, args.out_file.as_deref());
        return super::fill::run(&filler, &run, &args.files, how, ctx);
    }
    if is_published(&run) && !tells_classes(&run)? {
        let model = Pretrained::of_folder(&run, None).map_err(glassbox::Error::from)?;
        let (folder, class) = (run.display(), model.class());
        return Err(AppError::failed(match model {
            Pretrained::Gpt(_) => ctx.text.published_writes(folder, class),
            Pretrained::Bert(_) => ctx.text.published_learns(folder, class),
        }));
    }
    let model = Model::load(&run)?;
    ctx.warn_of_checkpoints(model.warnings());
    if let Some(names) = model.tagged_words() {
        let how = (args.top, args.out_file.as_deref());
        return super::tags::run((&model, names), &run, &args.files, how, ctx);
    }
    let told = predict(args, &model, ctx)?;
    let Told { predictions, table, photos, texts, observed } = &told;
    if !ctx.global.quiet {
        predictions.warnings.iter().for_each(|warning| ctx.warn(warning));
    }
    let score = observed.as_ref().and_then(|observed| predictions.agreement(observed));
    let shown = Predicted {
        predictions,
        table: table.as_ref(),
        files: photos.as_ref().map(|photos| &photos.files[..]),
        texts: texts.as_deref(),
        observed: observed.as_deref(),
        top: args.top.unwrap_or(if photos.is_some() { TOP } else { 1 }),
    };
    if let Some(out) = &args.out_file {
        atomic::write(out, shown.csv().as_bytes())?;
    }
    let json = Json {
        run: run.display().to_string(),
        target: &predictions.target,
        classes: &predictions.classes,
        files: shown.files,
        texts: shown.texts,
        rows: &predictions.rows,
        stretches: &predictions.stretches,
        agreement: score,
        skipped: photos.as_ref().map(|photos| &photos.skipped[..]),
        speed: photos.as_ref().map(speed),
    };
    let score = score.map(|score| agreement(score, ctx.text) + "\n").unwrap_or_default();
    let piped = args.out_file.is_none() && ctx.screen().columns.is_some();
    ctx.print(&json, |screen| match &args.out_file {
        Some(out) => {
            let rows = predictions.rows.len() as u64;
            ctx.text.wrote_rows(grouped(rows), out.display()) + "\n" + &score
        }
        // Only rows on standard output, so that what reads it gets a table and nothing else.
        None if piped => shown.csv(),
        None => shown.lines(ctx.text, screen.columns()) + &score,
    })?;
    if piped && !ctx.global.json && !score.is_empty() {
        ctx.note(score.trim_end());
    }
    if let Some(photos) = photos.as_ref().filter(|_| !ctx.global.quiet) {
        let Speed { images_per_second, one_seconds, .. } = speed(photos);
        let images = grouped(photos.files.len() as u64);
        let one = figure(1e3 * one_seconds);
        ctx.note(ctx.text.predicted_speed(images, rate(images_per_second), one));
    }
    Ok(())
}

/// Images where one of the paths is of images, else the rows of one file.
fn predict(args: &PredictArgs, model: &Model, ctx: &Context) -> Result<Told, AppError> {
    if args.files.iter().any(is_photos) {
        let photos = model.predict_photos(&args.files)?;
        refuse_or_list(&photos, args.strict, ctx)?;
        let known = photos.observed.iter().any(Option::is_some);
        let observed = known.then(|| photos.observed.clone());
        let predictions = photos.predictions.clone();
        return Ok(Told { predictions, table: None, photos: Some(photos), texts: None, observed });
    }
    if model.reads_texts() && !args.files.iter().any(|file| is_table_file(file)) {
        let texts = super::texts::given(&args.files)?;
        let predictions = model.predict_texts(&texts)?;
        return Ok(Told {
            predictions,
            table: None,
            photos: None,
            texts: Some(texts),
            observed: None,
        });
    }
    let [file] = &args.files[..] else {
        return Err(AppError::usage(ctx.text.one_file_of_rows()));
    };
    match RawRows::from_path(file).map_err(glassbox::Error::from)? {
        RawRows::Table(table) => {
            let (predictions, observed) = (model.predict(&table)?, model.observed(&table));
            Ok(Told { predictions, table: Some(table), photos: None, texts: None, observed })
        }
        RawRows::Images(images) => {
            let predictions = model.predict_images(&images)?;
            Ok(Told { predictions, table: None, photos: None, texts: None, observed: None })
        }
    }
}

/// Says which images could not be read; fails where none could, or where they are all to be.
fn refuse_or_list(photos: &PhotoPredictions, strict: bool, ctx: &Context) -> Result<(), AppError> {
    let line = |skipped: &Skipped| format!("{}: {}", skipped.file, skipped.problem);
    let mut lines: Vec<String> = photos.skipped.iter().take(LISTED).map(line).collect();
    let more = photos.skipped.len() - lines.len();
    lines.extend((more > 0).then(|| ctx.text.and_more_files(grouped(more as u64))));
    if photos.files.is_empty() {
        lines.push(ctx.text.no_images());
        return Err(AppError::failed(lines.join("\n")));
    }
    match (photos.skipped.is_empty(), strict) {
        (true, _) => Ok(()),
        (false, true) => Err(AppError::failed(lines.join("\n"))),
        (false, false) => {
            lines.iter().filter(|_| !ctx.global.quiet).for_each(|line| ctx.warn(line));
            Ok(())
        }
    }
}

fn speed(photos: &PhotoPredictions) -> Speed {
    let seconds = photos.reading + photos.predicting;
    Speed {
        images_per_second: photos.files.len() as f64 / seconds.max(1e-9),
        reading_seconds: photos.reading,
        predicting_seconds: photos.predicting,
        one_seconds: photos.one,
    }
}

/// Whether a published model tells classes of texts, or tags of words.
fn tells_classes(folder: &Path) -> Result<bool, AppError> {
    let model = Pretrained::of_folder(folder, None).map_err(glassbox::Error::from)?;
    Ok(match model {
        Pretrained::Bert(model) => {
            matches!(model.asked(), BertHead::Sequence(_) | BertHead::Places(_))
        }
        Pretrained::Gpt(_) => false,
    })
}

/// Whether a path is of a table, not of lines of text.
fn is_table_file(path: &Path) -> bool {
    path.is_file() && is_table(path)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| Some(one) == real(other))
}
