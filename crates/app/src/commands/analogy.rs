//! `glassbox analogy RUN king - man + woman`

use std::path::PathBuf;

use clap::Args;
use glassbox::io::FileError;
use glassbox::word2vec::{Neighbour, Section, WordVectors};
use serde::Serialize;

use super::{above_zero, neighbours};
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{Align, Table, fit, grouped};

#[derive(Args)]
pub struct AnalogyArgs {
    #[arg(value_name = "RUN|FILE")]
    pub vectors: String,
    #[arg(value_name = "WORD", required_unless_present = "questions")]
    pub words: Vec<String>,
    #[arg(long, value_name = "FILE", conflicts_with = "words")]
    pub questions: Option<PathBuf>,
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = above_zero)]
    pub count: usize,
}

/// What `--json` prints of words.
#[derive(Serialize)]
struct Json<'a> {
    vectors: String,
    plus: &'a [&'a str],
    minus: &'a [&'a str],
    answers: Vec<Neighbour>,
}

/// What `--json` prints of questions.
#[derive(Serialize)]
struct Asked {
    vectors: String,
    sections: Vec<Told>,
    all: Told,
}

/// A section and the share of right answers among its questions whose words are known.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    section: Section,
    /// Questions with an unknown word.
    unknown: u64,
    accuracy: Option<f64>,
}

impl Told {
    fn of(section: Section) -> Self {
        let accuracy = (section.known > 0).then(|| section.right as f64 / section.known as f64);
        Told { unknown: section.questions - section.known, accuracy, section }
    }
}

pub fn run(args: &AnalogyArgs, ctx: &Context) -> Result<(), AppError> {
    let [plus, minus] = terms(&args.words, ctx)?;
    let (name, vectors) = ctx.word_vectors(&args.vectors)?;
    if let Some(file) = &args.questions {
        return questions(name, &vectors, file, ctx);
    }
    let answers = vectors.combination(&plus, &minus, args.count)?;
    let json = Json { vectors: name, plus: &plus, minus: &minus, answers };
    ctx.print(&json, |screen| {
        let table = neighbours::list(&args.words.join(" "), &json.answers, &vectors, ctx);
        table.render(screen.columns())
    })
}

/// The words to be added, and those to be taken away; `+` and `−` stand before a word.
fn terms<'a>(words: &'a [String], ctx: &Context) -> Result<[Vec<&'a str>; 2], AppError> {
    let wrong =
        || AppError::usage(ctx.text.analogy_form("glassbox analogy last king - man + woman"));
    let (mut terms, mut sign) = ([vec![], vec![]], Some(0));
    for word in words {
        match (word.as_str(), sign) {
            ("+", None) => sign = Some(0),
            ("-" | "−", None) => sign = Some(1),
            ("+" | "-" | "−", Some(_)) | (_, None) => return Err(wrong()),
            (word, Some(side)) => {
                terms[side].push(word);
                sign = None;
            }
        }
    }
    match sign {
        Some(_) if !words.is_empty() => Err(wrong()),
        _ => Ok(terms),
    }
}

fn questions(
    name: String,
    vectors: &WordVectors,
    file: &PathBuf,
    ctx: &Context,
) -> Result<(), AppError> {
    let text = std::fs::read_to_string(file).map_err(FileError::at(file, "cannot read"))?;
    let sections = vectors.questions(&text).map_err(|error| FileError::new(file, error))?;
    let mut all = Section::default();
    for section in &sections {
        all.questions += section.questions;
        all.known += section.known;
        all.right += section.right;
    }
    let sections = sections.into_iter().map(Told::of).collect();
    let json = Asked { vectors: name, sections, all: Told::of(all) };
    ctx.print(&json, |screen| {
        let right = |name: String| (name, Align::Right);
        let mut table = Table::new([
            (ctx.text.column_section(), Align::Left),
            right(ctx.text.column_right()),
            right(ctx.text.column_known()),
            right(ctx.text.column_share()),
            right(ctx.text.column_unknown()),
        ]);
        let mut row = |name: String, told: &Told| {
            let share =
                told.accuracy.map_or("–".into(), |share| format!("{:.1} %", 100.0 * share));
            let Section { right, known, .. } = told.section;
            table.row([name, grouped(right), grouped(known), share, grouped(told.unknown)]);
        };
        json.sections.iter().for_each(|told| row(told.section.name.clone(), told));
        row(ctx.text.all_sections(), &json.all);
        let note = fit(&ctx.text.unknown_are_left_out(), screen.columns());
        format!("{}{note}\n", table.render(screen.columns()))
    })
}
