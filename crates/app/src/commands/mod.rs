//! One file a verb: its arguments and what it does.

pub mod analogy;
pub mod asked;
pub mod bench;
pub mod compare;
pub mod completions;
pub mod data;
pub mod eval;
pub mod explain;
pub mod export;
pub mod fill;
pub mod folds;
pub mod generate;
pub mod init;
pub mod inspect;
pub mod lesson;
pub mod models;
pub mod neighbours;
pub mod plan;
pub mod predict;
pub mod profile;
pub mod resume;
pub mod rows;
pub mod runs;
#[cfg(feature = "image")]
pub mod see;
pub mod summary;
pub mod tags;
pub mod texts;
pub mod train;
pub mod translate;

/// A number of things on the command line.
fn above_zero(word: &str) -> Result<usize, String> {
    word.parse().ok().filter(|&number| number > 0).ok_or_else(String::new)
}
