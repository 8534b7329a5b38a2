//! Vectors of words, learned from which words stand beside each other: word2vec.
//!
//! A [`Corpus`] is a text as numbers of words; a [`Training`] goes through it; [`WordVectors`] are what is
//! learned, with their neighbours, analogies and files. A [`Job`] is a training as a run, with its
//! folder.
//!
//! A step touches few of the weights. Of skip-gram's two tables of 3 million words by 100 numbers, 600
//! million in all, a guess with one negative touches three rows, 300 numbers: [`Touched`].

mod corpus;
mod files;
mod folder;
mod job;
mod negatives;
mod plane;
mod settings;
mod training;
mod vectors;

pub use corpus::{Corpus, Vocabulary, sentences};
pub(crate) use folder::{NO_NETWORK, is_of_words, record};
pub use job::Job;
pub(crate) use job::TextRecord;
pub use plane::Plane;
pub use settings::{Architecture, Settings};
pub use training::{Loss, Training};
pub use vectors::{Neighbour, Section, WordVectors};

use serde::Serialize;

/// How many weights there are, and how many of them one guess of skip-gram changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// Both tables: 2 · words · dimensions.
    pub weights: u64,
    /// The word in the middle, the one beside it and the negatives: (2 + negative) · dimensions.
    pub by_guess: u64,
}

impl Touched {
    /// Of so many words.
    ///
    /// ```
    /// use glassbox::word2vec::Touched;
    /// assert_eq!(Touched::of(3_000_000, 100, 1), Touched { weights: 600_000_000, by_guess: 300 });
    /// ```
    pub fn of(words: u64, dimensions: u64, negative: u64) -> Touched {
        Touched { weights: 2 * words * dimensions, by_guess: (2 + negative) * dimensions }
    }
}
