//! How one column of a table becomes features.

use serde::{Deserialize, Serialize};

use crate::data::date::{Cycle, DateOrder};
use crate::data::error::quoted;
use crate::data::write::{MISSING, category};

/// How one column of a table becomes features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum PreparedColumn {
    /// `(value − offset) / scale`; a missing one is first set to `fill`.
    Number {
        /// The column's name.
        name: String,
        /// What is subtracted: the mean (or median, or least value) of the training part, or 0.
        #[serde(alias = "mean")]
        offset: f64,
        /// What is divided by: the population standard deviation (or interquartile range, or range)
        /// of the training part; 1 where it would be 0.
        #[serde(alias = "std")]
        scale: f64,
        /// What a missing value is set to: the median of the training part, or what was asked for.
        #[serde(alias = "median")]
        fill: f64,
        /// Whether a feature `name_missing` (0 or 1) follows: the training part had missing values.
        missing: bool,
    },
    /// `(value − offset) / scale`, and a feature for each part between two edges: how far through it
    /// the value is, `(value − lower) / (upper − lower)`, 0 below the part and 1 above it.
    Pieces {
        /// The column's name.
        name: String,
        /// What is subtracted: the mean of the training part.
        offset: f64,
        /// What is divided by: the population standard deviation of the training part; 1 where it
        /// would be 0.
        scale: f64,
        /// Quantiles of the training part, ascending, two at least.
        edges: Vec<f64>,
        /// What a missing value is set to: the median of the training part, or what was asked for.
        fill: f64,
        /// Whether a feature `name_missing` (0 or 1) follows: the training part had missing values.
        missing: bool,
    },
    /// Days since 1 January 1970, scaled as numbers are; then the sine and cosine of the parts that
    /// come round again.
    Date {
        /// The column's name.
        name: String,
        /// How its dates are written.
        order: DateOrder,
        /// In days.
        offset: f64,
        /// In days.
        scale: f64,
        /// What a missing value is set to, in days; its parts get zeros.
        fill: f64,
        /// The parts that vary in the training part: features `name_month_sin`, `name_month_cos` …
        cycles: Vec<Cycle>,
        /// Whether a feature `name_missing` (0 or 1) follows: the training part had missing values.
        missing: bool,
    },
    /// 0 or 1; a missing one is set to the training part's more frequent value.
    Boolean {
        /// The column's name.
        name: String,
        /// What a missing value is set to.
        usual: bool,
        /// Whether a feature `name_missing` (0 or 1) follows: the training part had missing values.
        missing: bool,
    },
    /// A feature `name=value` (0 or 1) for each value of the training part; an unknown value has
    /// zeros in all of them.
    Category {
        /// The column's name.
        name: String,
        /// The values of the training part, sorted.
        values: Vec<String>,
        /// Whether missing values have a feature: they are the value `missing`, last where it is not
        /// among `values` already.
        missing: bool,
        /// What a missing value is set to; none where it is a value of its own, or unknown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fill: Option<String>,
    },
    /// A feature for each of `of`: what it is on average where the category stands; an unknown category
    /// is the overall mean.
    Effects {
        /// The column's name.
        name: String,
        /// The values of the training part, sorted; missing ones are the value `missing`.
        values: Vec<String>,
        /// The classes or numbers of the target.
        of: Vec<String>,
        /// For each value the mean of each of `of` on the scale of training.
        means: Vec<Vec<f64>>,
        /// The mean of each of `of` over the training part.
        overall: Vec<f64>,
        /// What a missing value is set to; none where it is a value of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fill: Option<String>,
    },
    /// One feature: the place of the value among `values`, from 0 (the first) to 1 (the last); an
    /// unknown value is in the middle.
    Ordinal {
        /// The column's name.
        name: String,
        /// The values of the training part in order: by number where all are numbers, else by text.
        values: Vec<String>,
        /// What a missing value is set to.
        fill: String,
        /// Whether a feature `name_missing` (0 or 1) follows: the training part had missing values.
        missing: bool,
    },
}

impl PreparedColumn {
    /// The name of the column in the raw table.
    pub fn name(&self) -> &str {
        match self {
            PreparedColumn::Number { name, .. }
            | PreparedColumn::Pieces { name, .. }
            | PreparedColumn::Date { name, .. }
            | PreparedColumn::Boolean { name, .. }
            | PreparedColumn::Category { name, .. }
            | PreparedColumn::Effects { name, .. }
            | PreparedColumn::Ordinal { name, .. } => name,
        }
    }

    /// The names of the features it becomes.
    pub fn feature_names(&self) -> Vec<String> {
        let name = self.name();
        let mut names = match self {
            PreparedColumn::Category { values, .. } => {
                values.iter().map(|value| format!("{name}={value}")).collect()
            }
            PreparedColumn::Pieces { edges, .. } => {
                let part =
                    |ends: &[f64]| format!("{name} {} to {}", short(ends[0]), short(ends[1]));
                std::iter::once(name.to_string()).chain(edges.windows(2).map(part)).collect()
            }
            PreparedColumn::Effects { of, .. } if of.len() > 1 => {
                of.iter().map(|of| format!("{name} → {of}")).collect()
            }
            _ => vec![name.to_string()],
        };
        match self {
            PreparedColumn::Date { cycles, .. } => {
                for cycle in cycles {
                    let word = cycle.word();
                    names.extend(["sin", "cos"].map(|part| format!("{name}_{word}_{part}")));
                }
            }
            PreparedColumn::Category { .. } if self.width() > names.len() => {
                names.push(format!("{name}={MISSING}"));
            }
            _ => {}
        }
        if self.width() > names.len() {
            names.push(format!("{name}_missing"));
        }
        names
    }

    /// Whether its last feature says that the value is missing.
    pub(in crate::data) fn is_marked(&self) -> bool {
        match self {
            PreparedColumn::Number { missing, .. }
            | PreparedColumn::Pieces { missing, .. }
            | PreparedColumn::Date { missing, .. }
            | PreparedColumn::Boolean { missing, .. }
            | PreparedColumn::Ordinal { missing, .. } => *missing,
            PreparedColumn::Category { .. } | PreparedColumn::Effects { .. } => false,
        }
    }

    /// How many features it becomes.
    pub(in crate::data) fn width(&self) -> usize {
        match self {
            PreparedColumn::Number { missing, .. }
            | PreparedColumn::Boolean { missing, .. }
            | PreparedColumn::Ordinal { missing, .. } => 1 + usize::from(*missing),
            PreparedColumn::Pieces { edges, missing, .. } => edges.len() + usize::from(*missing),
            PreparedColumn::Effects { of, .. } => of.len(),
            PreparedColumn::Date { cycles, missing, .. } => {
                1 + 2 * cycles.len() + usize::from(*missing)
            }
            PreparedColumn::Category { values, missing, .. } => {
                values.len() + usize::from(*missing && category(values, MISSING).is_none())
            }
        }
    }

    /// Whether the training part had missing values and how they are told, for a notice.
    pub(in crate::data) fn filled_with(&self) -> Option<String> {
        let name = self.name();
        let (value, missing) = match self {
            PreparedColumn::Number { fill, missing, .. }
            | PreparedColumn::Pieces { fill, missing, .. } => (fill.to_string(), *missing),
            PreparedColumn::Date { missing, .. } => ("the middle date".into(), *missing),
            PreparedColumn::Boolean { usual, missing, .. } => (usual.to_string(), *missing),
            PreparedColumn::Ordinal { fill, missing, .. } => (quoted(fill), *missing),
            PreparedColumn::Category { fill, .. } | PreparedColumn::Effects { fill, .. } => {
                return fill.as_ref().map(|fill| quoted(fill));
            }
        };
        missing.then(|| format!("{value}, and `{name}_missing` says so"))
    }
}

/// How far a number is through each part between two edges.
pub(in crate::data) fn pieces(edges: &[f64], value: f64) -> impl Iterator<Item = f64> {
    edges.windows(2).map(move |ends| ((value - ends[0]) / (ends[1] - ends[0])).clamp(0.0, 1.0))
}

/// Four digits: enough to know an edge by.
fn short(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}
