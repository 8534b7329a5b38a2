//! `glassbox predict RUN TEXT…` of a model of tagged words.

use std::path::{Path, PathBuf};

use glassbox::data::{Sentence, Sentences};
use glassbox::io::atomic;
use glassbox::metrics::Entity;
use glassbox::train::{Model, TaggedSentence, TaggedWord, Tagging};
use serde::Serialize;

use super::texts;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{Align, Csv, Table, fit, grouped};

/// How many words a person is shown.
const SHOWN: usize = 60;

/// What `--json` prints.
#[derive(Serialize)]
struct Json<'a> {
    run: String,
    target: &'a str,
    /// The order of every word's probabilities.
    tags: &'a [String],
    sentences: &'a [TaggedSentence],
    /// Where words have tags, too.
    agreement: Option<Agreement>,
}

#[derive(Serialize)]
struct Agreement {
    words: usize,
    right: usize,
}

/// Tells the tags of words of texts, and of files: of their lists or columns, or line by line.
pub fn run(
    (model, names): (&Model, [&str; 2]),
    run: &Path,
    given: &[PathBuf],
    (top, out_file): (Option<usize>, Option<&Path>),
    ctx: &Context,
) -> Result<(), AppError> {
    let sentences = sentences(given, names)?;
    let told = model.predict_words(&sentences)?;
    if !ctx.global.quiet {
        told.warnings.iter().for_each(|warning| ctx.warn(warning));
    }
    let agreement = told.agreement(&sentences).map(|(right, words)| Agreement { words, right });
    let shown = Shown { told: &told, observed: &sentences, top: top.unwrap_or(1) };
    let table = shown.csv();
    if let Some(out) = out_file {
        atomic::write(out, table.as_bytes())?;
    }
    let score = agreement.as_ref().map(|Agreement { words, right }| {
        let percent = format!("{:.1}", 100.0 * *right as f64 / *words as f64);
        ctx.text.words_right(grouped(*right as u64), grouped(*words as u64), percent) + "\n"
    });
    let score = score.unwrap_or_default();
    let json = Json {
        run: run.display().to_string(),
        target: &told.target,
        tags: &told.tags,
        sentences: &told.sentences,
        agreement,
    };
    let piped = out_file.is_none() && ctx.screen().columns.is_some();
    ctx.print(&json, |screen| match out_file {
        Some(out) => {
            let words = told.sentences.iter().map(|sentence| sentence.words.len()).sum::<usize>();
            ctx.text.wrote_rows(grouped(words as u64), out.display()) + "\n" + &score
        }
        // Only rows on standard output, so that what reads it gets a table and nothing else.
        None if piped => table,
        None => shown.lines(ctx, screen.columns()) + &score,
    })?;
    if piped && !ctx.global.json && !score.is_empty() {
        ctx.note(score.trim_end());
    }
    Ok(())
}

/// The sentences that are given, their words cut.
fn sentences(given: &[PathBuf], names: [&str; 2]) -> Result<Vec<Sentence>, AppError> {
    let mut sentences = Vec::new();
    for given in given {
        if given.is_file() && Sentences::are_in(given) {
            let read = Sentences::like(given, names).map_err(glassbox::Error::from)?;
            sentences.extend_from_slice(read.all());
            continue;
        }
        let texts = texts::given(std::slice::from_ref(given))?;
        let own = texts.iter().map(|text| Sentence::of_text(text));
        sentences.extend(own.filter(|sentence| !sentence.words.is_empty()));
    }
    Ok(sentences)
}

/// What was told of words beside what is known of them.
struct Shown<'a> {
    told: &'a Tagging,
    observed: &'a [Sentence],
    top: usize,
}

impl Shown<'_> {
    /// Each word with its sentence, counted from 1, its number in it, and its tag where that is known.
    fn words(&self) -> impl Iterator<Item = (usize, usize, Option<&str>, &TaggedWord)> {
        let both = self.told.sentences.iter().zip(self.observed).zip(1..);
        both.flat_map(|((told, observed), number)| {
            let word =
                move |(at, word)| (number, at, observed.tags.get(at).map(String::as_str), word);
            told.words.iter().enumerate().map(word)
        })
    }

    fn are_known(&self) -> bool {
        self.observed.iter().any(|sentence| !sentence.tags.is_empty())
    }

    /// The tags of a word behind the most probable one.
    fn next_best(&self, word: &TaggedWord) -> Vec<(&str, f64)> {
        word.top(self.top, &self.told.tags).into_iter().skip(1).collect()
    }

    fn lines(&self, ctx: &Context, columns: usize) -> String {
        let (text, left, right) = (ctx.text, Align::Left, Align::Right);
        let several = self.told.sentences.len() > 1;
        let mut headers = Vec::new();
        headers.extend(several.then(|| (text.column_sentence(), right)));
        headers.push((text.column_word(), left));
        headers.extend(self.are_known().then(|| (text.column_observed(&self.told.target), left)));
        headers.push((text.column_predicted(&self.told.target), left));
        headers.push((text.column_probability(), right));
        headers.extend((self.top > 1).then(|| (text.column_next_best(), left)));
        let mut table = Table::new(headers);
        for (sentence, at, observed, word) in self.words().take(SHOWN) {
            let mut cells = Vec::new();
            let number = if at == 0 { grouped(sentence as u64) } else { String::new() };
            cells.extend(several.then_some(number));
            cells.push(word.word.clone());
            cells.extend(self.are_known().then(|| observed.unwrap_or("–").to_owned()));
            cells.extend([word.tag.clone(), format!("{:.3}", word.probability)]);
            let next = self.next_best(word).into_iter().map(|(tag, p)| format!("{tag} {p:.3}"));
            cells.extend((self.top > 1).then(|| next.collect::<Vec<_>>().join(", ")));
            table.row(cells);
        }
        let mut out = table.render(columns);
        let more = self.words().count().saturating_sub(SHOWN) as u64;
        if more > 0 {
            out += &(fit(&text.and_more_rows(grouped(more)), columns) + "\n");
        }
        for sentence in self.told.sentences.iter().filter(|s| !s.entities.is_empty()).take(SHOWN) {
            let name = |entity: &Entity| format!("{} ({})", sentence.text(entity), entity.kind);
            let names: Vec<String> = sentence.entities.iter().map(name).collect();
            out += &(fit(&text.names_found(names.join(", ")), columns) + "\n");
        }
        out
    }

    /// A line for each word.
    fn csv(&self) -> String {
        let target = &self.told.target;
        let mut header = vec!["row".to_owned(), "word".to_owned()];
        header.extend(self.are_known().then(|| target.clone()));
        header.extend([format!("predicted_{target}"), "probability".into()]);
        for place in 2..=self.top.min(self.told.tags.len()) {
            header.extend([format!("{target}_{place}"), format!("probability_{place}")]);
        }
        let mut out = Csv::new(',');
        out.line(header.iter().map(String::as_str));
        for (sentence, _, observed, word) in self.words() {
            let mut cells = vec![sentence.to_string(), word.word.clone()];
            cells.extend(self.are_known().then(|| observed.unwrap_or_default().to_owned()));
            cells.extend([word.tag.clone(), word.probability.to_string()]);
            for (tag, probability) in self.next_best(word) {
                cells.extend([tag.to_owned(), probability.to_string()]);
            }
            out.line(cells.iter().map(String::as_str));
        }
        out.text
    }
}
