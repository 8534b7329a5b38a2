//! A trained model that translates, and how good its translations are.

use std::path::Path;

use glassbox_engine::{Options, Parameters};
use serde::Serialize;

use crate::Error;
use crate::data::text::{Arrangement, TextPreparation};
use crate::data::{Rows, TargetsMut};
use crate::generate::{Beams, Generator, Hypothesis};
use crate::metrics::Bleu;
use crate::nn::Module;
use crate::train::language::Language;

/// A trained model of pairs of texts, which says what it was taught to make of a text.
///
/// ```no_run
/// use glassbox::Translator;
/// let translator = Translator::load("runs/last")?;
/// for translation in translator.translate(&["Let's go."], 4)? {
///     println!("{}", translation.text);
/// }
/// # Ok::<(), glassbox::Error>(())
/// ```
pub struct Translator {
    language: Language,
}

/// What a model makes of a text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Translation {
    /// The text.
    pub source: String,
    /// What it becomes.
    pub text: String,
    /// The logarithm of its probability, in nats; 0 where the text is empty.
    pub log_probability: f64,
    /// How many words or characters of the text the model does not know.
    pub unknown: u64,
}

impl Translator {
    /// The model of a run folder, with its best weights; none where it is not one of pairs of texts.
    /// `runs/last` is the newest run in `runs`.
    ///
    /// # Errors
    /// A folder that is not a run, or has no checkpoint yet; files that are corrupt.
    pub fn of_run(run: impl AsRef<Path>) -> Result<Option<Self>, Error> {
        let pairs = |arrangement| arrangement == Arrangement::Pairs;
        Ok(Language::of(run.as_ref(), pairs)?.map(|language| Translator { language }))
    }

    /// As [`of_run`](Self::of_run), where it must be a model of pairs.
    ///
    /// # Errors
    /// As there, and a model of something else.
    pub fn load(run: impl AsRef<Path>) -> Result<Self, Error> {
        let run = run.as_ref();
        Translator::of_run(run)?.ok_or_else(|| {
            Error::new(format!(
                "the model of {} was not trained on pairs of texts: train seq2seq or transformer on a \
                 file with a text, a tab and its translation in each line",
                run.display()
            ))
        })
    }

    /// Checkpoints that could not be read, one of the others being taken in their place.
    pub fn warnings(&self) -> &[String] {
        &self.language.warnings
    }

    /// Translates texts, following the `width` most probable beginnings at once (1: always the most
    /// probable next token). A text without tokens becomes an empty one.
    ///
    /// # Errors
    /// A text of more tokens than the model reads, with its number from 1; a width of 0.
    pub fn translate<T: AsRef<str>>(
        &self,
        texts: &[T],
        width: usize,
    ) -> Result<Vec<Translation>, Error> {
        let Language { model, values, text: prepared, .. } = &self.language;
        let sources = texts.iter().map(|text| {
            let mut ids = Vec::new();
            let unknown = prepared.tokenizer.encode_into(text.as_ref().trim(), &mut ids);
            (ids, unknown)
        });
        let (ids, unknown): (Vec<Vec<u32>>, Vec<u64>) = sources.unzip();
        let found = search(&**model, values.clone(), prepared, &ids, width)?;
        let each = texts.iter().zip(unknown).zip(found);
        let translation = |((source, unknown), found): ((&T, u64), Hypothesis)| Translation {
            source: source.as_ref().to_owned(),
            text: text_of(prepared, &found.ids),
            log_probability: found.log_probability,
            unknown,
        };
        Ok(each.map(translation).collect())
    }
}

/// The most probable continuation of each source.
fn search(
    model: &dyn Module,
    values: Parameters,
    text: &TextPreparation,
    sources: &[Vec<u32>],
    width: usize,
) -> Result<Vec<Hypothesis>, Error> {
    let decoder = model.decoder().ok_or_else(|| Error::new("the model does not write"))?;
    let start = text.start().ok_or_else(|| Error::new("no token starts a text"))?;
    let mut generator = Generator::new(decoder, values, Options::default())?;
    let how = Beams {
        width,
        most: text.context.saturating_sub(text.source),
        stop: text.end().collect(),
        never: text.silent(),
        ..Beams::default()
    };
    let of_source = |(number, ids): (usize, &Vec<u32>)| {
        if ids.is_empty() {
            let (ids, ended) = (Vec::new(), true);
            return Ok(Hypothesis { ids, log_probability: 0.0, score: 0.0, ended });
        }
        if ids.len() > text.source {
            return Err(Error::new(format!(
                "text {number} has {} tokens, and the model reads {} at most: cut it into sentences, \
                 or train on longer ones",
                ids.len(),
                text.source
            )));
        }
        let ids: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
        generator.read_source(&ids)?;
        let found = generator.search(&[start], &how)?;
        found.into_iter().next().ok_or_else(|| Error::new("no continuation was found"))
    };
    (1..).zip(sources).map(of_source).collect()
}

/// The text of a translation's ids.
fn text_of(text: &TextPreparation, ids: &[i64]) -> String {
    let ids: Vec<u32> = ids.iter().filter_map(|id| u32::try_from(*id).ok()).collect();
    text.written().decode(&ids).trim().to_owned()
}

/// Rows of a part that BLEU is told of, at most.
const MOST: usize = 500;

/// BLEU of a model's translations of the first rows of a part, at most 500, the most probable token
/// being taken each time; tokens are words and signs. None where rows are no pairs.
pub(crate) fn bleu(
    model: &dyn Module,
    values: Parameters,
    text: Option<&TextPreparation>,
    rows: &Rows,
) -> Result<Option<Bleu>, Error> {
    let Some(text) = text.filter(|text| text.arrangement == Arrangement::Pairs) else {
        return Ok(None);
    };
    if rows.is_empty() {
        return Ok(None);
    }
    let (mut sources, mut references) = (Vec::new(), Vec::new());
    let (mut inputs, mut labels) = (vec![0.0; rows.width()], vec![0; rows.outputs()]);
    let ends: Vec<i64> = text.end().collect();
    for row in 0..rows.len().min(MOST) {
        rows.gather(&[row], &mut inputs, TargetsMut::Classes(&mut labels))?;
        let source = inputs.iter().take(text.source).map(|id| *id as u32);
        sources.push(source.take_while(|id| *id != 0).collect::<Vec<_>>());
        let told = labels.iter().copied().take_while(|id| *id >= 0 && !ends.contains(id));
        references.push(text_of(text, &told.collect::<Vec<_>>()));
    }
    let found = search(model, values, text, &sources, 1)?;
    let found: Vec<String> = found.iter().map(|found| text_of(text, &found.ids)).collect();
    Ok(Some(Bleu::of(found, references, words_of)))
}

/// The words and signs of a text.
fn words_of(text: &str) -> Vec<&str> {
    crate::data::text::words(text).collect()
}
