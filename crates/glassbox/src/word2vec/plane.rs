//! Words in the plane, before their training and after.

use serde::Serialize;

use super::settings::Settings;
use super::vectors::WordVectors;
use crate::Error;
use crate::train::folder::RunFolder;
use crate::watch::plane;

/// Words that are shown.
const MOST: usize = 60;

/// Where words lie in the plane in which their directions differ most after the training, before it and
/// after: vectors of length 1, along their first two principal components.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plane {
    /// The words that are shown: the most frequent of those that stand for something.
    pub words: Vec<String>,
    /// Where each of them began.
    pub before: Vec<[f64; 2]>,
    /// Where each of them ended.
    pub after: Vec<[f64; 2]>,
    /// The share of the variance after the training that each axis holds.
    pub explained: [f64; 2],
}

impl Plane {
    /// Of vectors of the same words that these settings gave; words that subsampling leaves out now and then
    /// are too frequent to say much.
    ///
    /// # Errors
    /// Vectors of other words or of another length.
    ///
    /// ```
    /// use glassbox::word2vec::{Plane, Settings, Vocabulary, WordVectors};
    /// let words = || Vocabulary::new(["up", "above", "left"].map(String::from).to_vec(), vec![3, 2, 1]);
    /// let before = WordVectors::new(words()?, 2, vec![0.1, 0., 0.2, 0., 0., 0.1])?;
    /// let after = WordVectors::new(words()?, 2, vec![0., 3., 0.1, 2.9, -1., 0.])?;
    /// let plane = Plane::of(&before, &after, &Settings::default())?;
    /// let apart = |points: &[[f64; 2]], b: usize| (points[0][0] - points[b][0]).abs();
    /// assert!(apart(&plane.after, 1) < 0.1 && apart(&plane.after, 2) > 1.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn of(
        before: &WordVectors,
        after: &WordVectors,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let width = after.dimensions();
        let same = before.vocabulary().words() == after.vocabulary().words();
        if !same || before.dimensions() != width {
            return Err(Error::new("the vectors before are of other words or of another length"));
        }
        let shown = shown(after.vocabulary().counts(), settings);
        let rows = |vectors: &WordVectors| -> Vec<f32> {
            shown.iter().flat_map(|&word| unit(vectors.row(word))).collect()
        };
        let (before, rows) = (rows(before), rows(after));
        let plane = plane::Plane::of(&rows, width);
        let places = |rows: &[f32]| rows.chunks(width).map(|row| plane.place(row)).collect();
        let words = after.vocabulary().words();
        Ok(Plane {
            words: shown.iter().map(|&word| words[word].clone()).collect(),
            before: places(&before),
            after: places(&rows),
            explained: plane.explained,
        })
    }

    /// Of a run, as far as it has come.
    ///
    /// # Errors
    /// A run of a network, one that has no checkpoint yet, a damaged file.
    pub fn of_run(folder: &RunFolder) -> Result<Self, Error> {
        let after = WordVectors::of_run(folder)?;
        let settings = Settings::from_config(&folder.config()?);
        Plane::of(&WordVectors::before_run(folder)?, &after, &settings)
    }

    /// Both, one below the other, between the same ends.
    #[cfg(feature = "image")]
    pub fn picture(&self) -> crate::report::picture::Picture {
        use crate::report::picture::{PAPER, Picture, ends, scatter};
        let ends = ends(self.before.iter().chain(&self.after).copied());
        let [first, second] = self.explained.map(|share| 100.0 * share);
        let note = format!(
            "first two principal components of the trained: {first:.1} % and {second:.1} % of variance"
        );
        let drawn = [
            scatter("Words before training", &note, &self.words, &self.before, ends),
            scatter("Words after training", &note, &self.words, &self.after, ends),
        ];
        let height = drawn.iter().map(Picture::height).sum();
        let mut out = Picture::new(drawn[0].width(), height, PAPER);
        out.put(&drawn[0], 0, 0);
        out.put(&drawn[1], 0, drawn[0].height());
        out
    }
}

/// The numbers of the most frequent words of those of which none is left out; of all where these are few.
fn shown(counts: &[u64], settings: &Settings) -> Vec<usize> {
    let total = counts.iter().sum::<u64>().max(1) as f64;
    let whole = |&word: &usize| settings.keeps(counts[word] as f64 / total) >= 1.0;
    let telling: Vec<usize> = (0..counts.len()).filter(whole).take(MOST).collect();
    if telling.len() == MOST { telling } else { (0..counts.len().min(MOST)).collect() }
}

/// A vector of length 1 in the direction of this one.
fn unit(row: &[f32]) -> Vec<f32> {
    let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
    row.iter().map(|x| if length > 0.0 { x / length } else { 0.0 }).collect()
}
