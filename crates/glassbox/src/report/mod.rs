//! The report of a run: one HTML file that says how good the model is, how it came to be, and from
//! what.
//!
//! The page is made from the run's files alone, so the same files give the same bytes. It holds its
//! style and its charts (SVG), needs no script and no network, follows the reader's light or dark
//! scheme, and prints.

#[cfg(feature = "image")]
mod augmented;
pub(crate) mod chart;
mod choices;
mod classes;
mod embedding;
mod facts;
mod forecast;
mod html;
#[cfg(feature = "image")]
mod made;
mod numbers;
mod page;
#[cfg(feature = "image")]
pub mod picture;
#[cfg(feature = "image")]
mod rows;
mod scale;
mod words;

#[cfg(feature = "image")]
pub use augmented::augmented;
pub(crate) use html::{cut, escape, fixed, scientific};
#[cfg(feature = "image")]
pub use rows::RowPictures;
pub use words::Words;

use std::path::PathBuf;

use crate::Error;
use crate::data::Dataset;
use crate::io::atomic;
use crate::train::event::Outcome;
use crate::train::folder::RunFolder;

/// The report's name in a run's folder.
pub const FILE: &str = "report.html";

/// Writes `report.html` into a run's folder, in English, and says where it is.
///
/// `outcome` is what training ended with, or [`Job::evaluate`](crate::train::Job::evaluate) gives.
///
/// # Errors
/// Files of the run that are missing or corrupt; a folder that cannot be written. The error names
/// the file.
///
/// ```no_run
/// use glassbox::report;
/// use glassbox::train::{Job, folder::RunFolder};
/// let folder = RunFolder::view("runs/2026-11-20-1412-iris-mlp".as_ref())?;
/// let path = report::write(&folder, &Job::evaluate(&folder)?)?;
/// println!("{}", path.display());
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn write(folder: &RunFolder, outcome: &Outcome) -> Result<PathBuf, Error> {
    write_with(folder, outcome, None)
}

/// As [`write`], images taken from data that is at hand.
pub(crate) fn write_with(
    folder: &RunFolder,
    outcome: &Outcome,
    data: Option<&Dataset>,
) -> Result<PathBuf, Error> {
    let path = folder.file(FILE);
    let page = {
        let w = Words::English;
        page::page(w, &facts::Facts::gather(w, folder, outcome, data)?)?
    };
    atomic::write(&path, page.as_bytes())?;
    Ok(path)
}

/// Writes `report.html` of a run of word vectors.
pub(crate) fn write_words(folder: &RunFolder, outcome: &Outcome) -> Result<PathBuf, Error> {
    let path = folder.file(FILE);
    let page = embedding::page(Words::English, folder, outcome)?;
    atomic::write(&path, page.as_bytes())?;
    Ok(path)
}

/// The report as HTML, in a language.
///
/// # Errors
/// Files of the run that are missing or corrupt.
pub fn page(folder: &RunFolder, outcome: &Outcome, words: Words) -> Result<String, Error> {
    match crate::word2vec::is_of_words(folder) {
        true => embedding::page(words, folder, outcome),
        false => page::page(words, &facts::Facts::gather(words, folder, outcome, None)?),
    }
}
