//! Cross-validation: every row is held out once, and everything fitted is fitted without it.

use std::fmt;
use std::str::FromStr;

use glassbox_engine::random::Stream;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::error::{DataError, Place, count};

/// One division of rows: learned from, and held out. Positions, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fold {
    /// Learned from.
    pub train: Vec<usize>,
    /// Held out.
    pub test: Vec<usize>,
}

/// How rows are divided into folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folding {
    /// `k` parts by chance, each held out once; see [`k_fold`].
    ByChance {
        /// The number of folds, at least 2.
        k: usize,
    },
    /// Rows are in the order of time: learned from the past, held out of what follows; see
    /// [`time_series_folds`].
    InTime {
        /// The number of folds, at least 1.
        k: usize,
    },
}

/// One fold of several by chance, as a setting: `2/5` is the second of five.
///
/// ```
/// use glassbox::data::NthFold;
/// assert_eq!("2/5".parse(), Ok(NthFold { fold: 2, of: 5 }));
/// assert!("6/5".parse::<NthFold>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NthFold {
    /// Which one, from 1.
    pub fold: usize,
    /// How many there are, at least 2.
    pub of: usize,
}

impl fmt::Display for NthFold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.fold, self.of)
    }
}

impl FromStr for NthFold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let numbers = parts.and_then(|(fold, of)| {
            Some(NthFold { fold: fold.trim().parse().ok()?, of: of.trim().parse().ok()? })
        });
        match numbers {
            Some(found) if found.of >= 2 && (1..=found.of).contains(&found.fold) => Ok(found),
            _ => Err(format!("expected one of two folds or more, such as 2/5, found `{text}`")),
        }
    }
}

impl Serialize for NthFold {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NthFold {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

/// Divides `rows` rows into `k` folds by chance: each row is in exactly one test part, and the parts
/// differ in size by one at most. With `labels` and `stratify` each class is spread over the folds as
/// evenly as the rows are.
///
/// # Errors
/// Fewer than 2 folds, more folds than rows, labels that are not one a row.
///
/// ```
/// let labels: Vec<i64> = (0..9).map(|row| row % 3).collect();
/// let folds = glassbox::data::k_fold(9, Some(&labels), 3, true, 42)?;
/// for fold in &folds {
///     assert_eq!((fold.train.len(), fold.test.len()), (6, 3));
///     let mut classes: Vec<i64> = fold.test.iter().map(|row| labels[*row]).collect();
///     classes.sort();
///     assert_eq!(classes, [0, 1, 2]);
/// }
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
pub fn k_fold(
    rows: usize,
    labels: Option<&[i64]>,
    k: usize,
    stratify: bool,
    seed: u64,
) -> Result<Vec<Fold>, DataError> {
    if k < 2 || k > rows {
        return Err(impossible(k, rows, 2));
    }
    if labels.is_some_and(|labels| labels.len() != rows) {
        return Err(DataError::new(Place::default(), "one label for each row is needed", ""));
    }
    let mut order: Vec<usize> = (0..rows).collect();
    Stream::new(seed, "folds", 0).shuffle(&mut order);
    if let Some(labels) = labels.filter(|_| stratify) {
        // Class by class, so that dealing them out in turn spreads each one.
        order.sort_by_key(|row| labels[*row]);
    }
    let mut fold_of = vec![0; rows];
    for (i, row) in order.into_iter().enumerate() {
        fold_of[row] = i % k;
    }
    let part = |fold: usize| {
        let (test, train) = (0..rows).partition(|row| fold_of[*row] == fold);
        Fold { train, test }
    };
    Ok((0..k).map(part).collect())
}

/// `k` folds of rows in the order of time: test parts of equal length follow each other up to the
/// last row, and everything before a test part is learned from (as scikit-learn's
/// `TimeSeriesSplit`).
///
/// # Errors
/// No fold, as many folds as rows or more.
///
/// ```
/// let folds = glassbox::data::time_series_folds(10, 3)?;
/// assert_eq!((folds[0].train.len(), &folds[0].test[..]), (4, &[4, 5][..]));
/// assert_eq!((folds[2].train.len(), &folds[2].test[..]), (8, &[8, 9][..]));
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
pub fn time_series_folds(rows: usize, k: usize) -> Result<Vec<Fold>, DataError> {
    if k < 1 || k >= rows {
        return Err(impossible(k, rows, 1));
    }
    let size = rows / (k + 1);
    let fold = |i: usize| {
        let start = rows - (k - i) * size;
        Fold { train: (0..start).collect(), test: (start..start + size).collect() }
    };
    Ok((0..k).map(fold).collect())
}

fn impossible(k: usize, rows: usize, least: usize) -> DataError {
    let what = format!("{} of {}", count(k, "fold"), count(rows, "row"));
    let cure = format!("take at least {least}, and not more than there are rows");
    DataError::new(Place::default(), what, cure)
}
