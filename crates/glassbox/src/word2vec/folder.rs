//! Word vectors in a run's folder: the vocabulary beside the checkpoints.

use std::path::Path;

use glassbox_engine::Array;

use super::corpus::Vocabulary;
use super::job::TextRecord;
use super::settings::Settings;
use super::training::first_values;
use super::vectors::WordVectors;
use crate::Error;
use crate::io::{FileError, atomic};
use crate::train::folder::RunFolder;

/// The words of a run with how often each occurs, a line each, with a tab between.
const VOCABULARY: &str = "vocabulary.tsv";
/// The tables' paths in a checkpoint.
pub(super) const INPUT: &str = "input/weight";
pub(super) const OUTPUT: &str = "output/weight";

/// Why a run of word vectors has nothing that is made of a network.
pub(crate) const NO_NETWORK: &str = "is a run of word vectors, which has no network: see it with \
    `neighbours`, `analogy`, `see` and `export --format word2vec`";

/// Whether a run is of word vectors.
pub(crate) fn is_of_words(folder: &RunFolder) -> bool {
    folder.file(VOCABULARY).is_file()
}

/// What the text of a run was.
pub(crate) fn record(folder: &RunFolder) -> Result<TextRecord, Error> {
    serde_json::from_value(folder.data()?).map_err(|error| {
        FileError::new(folder.file("data.json"), format_args!("corrupt: {error}")).into()
    })
}

pub(super) fn write_vocabulary(folder: &RunFolder, words: &Vocabulary) -> Result<(), FileError> {
    let lines = words.words().iter().zip(words.counts());
    let text: String = lines.map(|(word, count)| format!("{word}\t{count}\n")).collect();
    atomic::write(&folder.file(VOCABULARY), text.as_bytes())
}

fn read_vocabulary(folder: &RunFolder) -> Result<Vocabulary, Error> {
    let path = folder.file(VOCABULARY);
    let text = std::fs::read_to_string(&path).map_err(FileError::at(&path, "cannot read"))?;
    let mut counts = Vec::new();
    let mut words = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let parts =
            line.split_once('\t').and_then(|(word, count)| Some((word, count.parse().ok()?)));
        let (word, count) = parts.ok_or_else(|| {
            let number = at + 1;
            FileError::new(&path, format_args!("corrupt: line {number} is no word and its count"))
        })?;
        words.push(word.to_owned());
        counts.push(count);
    }
    Vocabulary::new(words, counts).map_err(|error| FileError::new(&path, error).into())
}

impl WordVectors {
    /// Whether a run is of word vectors.
    pub fn are_of(folder: &RunFolder) -> bool {
        is_of_words(folder)
    }

    /// The vectors of a run, as far as it has come: those by which words are used.
    ///
    /// # Errors
    /// A run of a network, one that has no checkpoint yet, a damaged file.
    pub fn of_run(folder: &RunFolder) -> Result<Self, Error> {
        if !is_of_words(folder) {
            let what = "is no run of word vectors: train one with `train TEXT --model word2vec`";
            return Err(FileError::new(folder.path(), what).into());
        }
        let vocabulary = read_vocabulary(folder)?;
        let Some((checkpoint, _)) = folder.checkpoints().last()? else {
            let what = "has no checkpoint yet: let it train first";
            return Err(FileError::new(folder.path(), what).into());
        };
        let table = checkpoint.model.get(INPUT);
        let found = table.and_then(Array::as_f32).zip(table.map(|table| table.shape().sizes()));
        let (Some((values, &[words, dimensions])), known) = (found, vocabulary.len()) else {
            return Err(FileError::new(folder.path(), "has a checkpoint of something else").into());
        };
        if words != known {
            let what =
                format!("has {known} words, and vectors of {words}: {VOCABULARY} was changed");
            return Err(FileError::new(folder.path(), what).into());
        }
        WordVectors::new(vocabulary, dimensions, values.to_vec())
    }

    /// The vectors that the training of a run began with: they are drawn.
    ///
    /// # Errors
    /// Files of the run that are missing or corrupt.
    pub fn before_run(folder: &RunFolder) -> Result<Self, Error> {
        let vocabulary = read_vocabulary(folder)?;
        let Settings { dimensions, seed, .. } = Settings::from_config(&folder.config()?);
        let values = first_values(seed, vocabulary.len(), dimensions);
        WordVectors::new(vocabulary, dimensions, values)
    }

    /// The vectors of a run's folder, or of a file in word2vec's format.
    ///
    /// # Errors
    /// As those of [`of_run`](Self::of_run) and [`load`](Self::load).
    pub fn open(path: &Path) -> Result<Self, Error> {
        match path.is_file() {
            true => WordVectors::load(path),
            false => WordVectors::of_run(&RunFolder::view(path)?),
        }
    }
}
