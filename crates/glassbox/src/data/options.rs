use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::folds::NthFold;
use super::pixels::ImageOptions;
use super::rules::Rule;
use super::schema::Kind;
use super::series::SeriesOptions;
use super::table::MEMORY;
use super::text::TextOptions;

/// How to load data. Everything has a default; what is inferred can be said instead.
///
/// ```
/// use glassbox::data::{self, Options};
/// let options = Options { target: Some("species".into()), seed: 7, ..Options::default() };
/// let iris = data::load("iris", &options)?;
/// # Ok::<(), data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The column to learn. None: one with a usual name (target, label, class, species, y …), else
    /// the last. Several columns of numbers are separated by commas: `width, height`.
    pub target: Option<String>,
    /// Whether the rows themselves are learned: no column is the target, and one that is named holds
    /// classes that are known beside the rows.
    pub itself: bool,
    /// Where the rows themselves are learned: classes that are left out of the training and validation
    /// parts.
    pub without: Vec<String>,
    /// Chooses the rows of each part.
    pub seed: u64,
    /// The fraction of rows that steers the training. None: 0.15, or 0.10 of a source's own
    /// training part.
    pub valid: Option<f64>,
    /// The fraction of rows kept for the end. None: 0.15, or the source's own test part.
    pub test: Option<f64>,
    /// How many rows of the training part are learned from, where that is not to be all: see
    /// [`Dataset::learn_from`](super::Dataset::learn_from).
    pub train: Option<usize>,
    /// Whether each class gives the same fraction to each part.
    pub stratify: bool,
    /// Of a table: its test part is this fold of it, as [`Dataset::folds`](super::Dataset::folds)
    /// holds it out, in place of the fraction `test`.
    pub fold: Option<NthFold>,
    /// What is done to numbers.
    pub prepare: Prepare,
    /// What is done to columns of a table, where that is not to be as usual.
    pub rules: Vec<Rule>,
    /// The column of numbers ≥ 0 that says how much each row counts; it is no input.
    pub weight: Option<String>,
    /// What columns are, where that is not to be inferred.
    pub columns: BTreeMap<String, Kind>,
    /// Columns that are left out.
    pub drop: Vec<String>,
    /// How rows of a table that follow each other in time become windows.
    pub series: SeriesOptions,
    /// How images are read.
    pub image: ImageOptions,
    /// How text is read.
    pub text: TextOptions,
    /// Whether images that cannot be read, and files that are no images, are an error instead of
    /// being left out.
    pub strict: bool,
    /// Threads that decode images; none: one for each core. The data does not depend on it.
    pub threads: Option<usize>,
    /// How many bytes of a table's cells, of its prepared rows or of images are kept in memory; what
    /// is beyond lives in temporary files. The data is the same either way.
    pub memory: usize,
}

/// What is done to numbers before a model sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prepare {
    /// Tables (and the numbers to be told of a regression) are standardised, arrays are left as
    /// they are, pixels are divided by their greatest value.
    #[default]
    Auto,
    /// Numbers are standardised: mean 0 and standard deviation 1 over the training part.
    Standardize,
    /// Numbers stay as they are.
    Raw,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            target: None,
            itself: false,
            without: Vec::new(),
            seed: 42,
            valid: None,
            test: None,
            train: None,
            stratify: true,
            fold: None,
            prepare: Prepare::Auto,
            rules: Vec::new(),
            weight: None,
            columns: BTreeMap::new(),
            drop: Vec::new(),
            series: SeriesOptions::default(),
            image: ImageOptions::default(),
            text: TextOptions::default(),
            strict: false,
            threads: None,
            memory: MEMORY,
        }
    }
}
