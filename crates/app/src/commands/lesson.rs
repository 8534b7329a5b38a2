//! `glassbox lesson [ID]`

use std::path::{Path, PathBuf};

use clap::Args;
use glassbox::io::atomic;
use glassbox::lesson::{LESSONS, Lesson, Options, Part};
use glassbox::nearest::nearest;
use serde::Serialize;
use serde_json::Value;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{Align, Table, fit, lesson};

#[derive(Args)]
pub struct LessonArgs {
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    #[arg(long, value_name = "DATA", requires = "id")]
    pub data: Option<String>,
    #[arg(long, value_name = "N", requires = "id")]
    pub seed: Option<u64>,
    #[arg(long, requires = "id")]
    pub full: bool,
    #[arg(long, value_name = "DIR", requires = "id")]
    pub out: Option<PathBuf>,
}

/// What `--json` prints without ID.
#[derive(Serialize)]
struct List {
    lessons: Vec<Known>,
}

#[derive(Serialize)]
struct Known {
    id: &'static str,
    title: &'static str,
}

/// What `--json` prints with ID.
#[derive(Serialize)]
struct Given {
    #[serde(flatten)]
    lesson: Known,
    seed: u64,
    data: Option<String>,
    numbers: Value,
    /// The pictures that were written.
    files: Vec<PathBuf>,
}

pub fn run(args: &LessonArgs, ctx: &Context) -> Result<(), AppError> {
    match &args.id {
        None => list(ctx),
        Some(id) => give(id, args, ctx),
    }
}

fn list(ctx: &Context) -> Result<(), AppError> {
    let language = ctx.text.lang.of_lessons();
    let known = |lesson: &Lesson| Known { id: lesson.id, title: lesson.title(language) };
    let list = List { lessons: LESSONS.iter().map(known).collect() };
    ctx.print(&list, |screen| {
        let columns = screen.columns();
        let headers = [(ctx.text.column_lesson(), Align::Left), (String::new(), Align::Left)];
        let mut table = Table::new(headers);
        for known in &list.lessons {
            table.row([known.id.to_owned(), known.title.to_owned()]);
        }
        let more = list.lessons.first().map(|first| ctx.text.take_lesson(first.id));
        format!("{}{}\n", table.render(columns), fit(&more.unwrap_or_default(), columns))
    })
}

fn give(id: &str, args: &LessonArgs, ctx: &Context) -> Result<(), AppError> {
    let Some(known) = Lesson::find(id) else {
        let near = nearest(&id.to_uppercase(), LESSONS.iter().map(|lesson| lesson.id));
        let near = near.map(|near| ctx.text.did_you_mean(near)).unwrap_or_default();
        let unknown = ctx.text.unknown_lesson(id) + &near;
        return Err(AppError::usage(format!(
            "{unknown}\n  {}",
            ctx.text.see_also("glassbox lesson")
        )));
    };
    let language = ctx.text.lang.of_lessons();
    let start = Options::default();
    let options =
        Options { seed: args.seed.unwrap_or(start.seed), data: args.data.clone(), full: args.full };
    let told = known.run(&options)?;
    let files = match &args.out {
        Some(folder) => pictures(folder, known.id, &told.parts, ctx)?,
        None => Vec::new(),
    };
    let title = known.title(language);
    let given = Given {
        lesson: Known { id: known.id, title },
        seed: options.seed,
        data: options.data,
        numbers: told.numbers,
        files,
    };
    ctx.print(&given, |screen| {
        let heading = format!("{} · {title}", known.id);
        lesson(&heading, &told.parts, &given.files, ctx.text, screen)
    })
}

/// Writes what can be drawn into a folder, which is made where it is missing.
fn pictures(
    folder: &Path,
    id: &str,
    parts: &[Part],
    ctx: &Context,
) -> Result<Vec<PathBuf>, AppError> {
    let language = ctx.text.lang.of_lessons();
    let mut files = Vec::new();
    for part in parts {
        let (name, bytes) = match part {
            Part::Chart(chart) => (format!("{}.svg", chart.name), chart.svg(language).into_bytes()),
            Part::Bars(bars) => (format!("{}.svg", bars.name), bars.svg(language).into_bytes()),
            Part::Places(places) => {
                (format!("{}.svg", places.name), places.svg(language).into_bytes())
            }
            #[cfg(feature = "image")]
            Part::Pictures(pictures) => (format!("{}.png", pictures.name), pictures.png()?),
            #[cfg(not(feature = "image"))]
            Part::Pictures(_) => continue,
            Part::Paragraph(_) | Part::Board(_) | Part::Table(_) => continue,
        };
        std::fs::create_dir_all(folder)
            .map_err(|error| AppError::failed(format!("{}: {error}", folder.display())))?;
        let path = folder.join(format!("{}-{name}", id.to_lowercase()));
        atomic::write(&path, &bytes)?;
        files.push(path);
    }
    Ok(files)
}
