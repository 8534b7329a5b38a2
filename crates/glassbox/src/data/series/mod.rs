//! Tables whose rows follow each other in time: windows of them are what a model reads, and what comes
//! next, or a class, is what it tells.

pub(super) mod activity;
mod apply;
mod clock;
mod lay;
mod load;
mod season;
mod windows;

use serde::{Deserialize, Serialize};

pub use activity::activity;
pub use clock::{Clock, Part, Unit};
pub(super) use load::dataset;
pub(super) use windows::Overlap;

use super::prepare::PreparedColumn;
use crate::words::words;

words! {
    /// The class of a window whose rows have classes of their own.
    Label {
        /// The one that most rows have; of equally frequent ones the one that comes later.
        Majority = "majority",
        /// That of the last row.
        Last = "last",
    }
}

words! {
    /// Which columns a forecast is made from.
    Past {
        /// The past of what is forecast.
        Own = "own",
        /// That of all columns.
        All = "all",
    }
}

/// How rows of a table that follow each other in time become windows.
///
/// ```
/// use glassbox::data::{self, Options, SeriesOptions};
/// let rows: String = (0..200).map(|t| format!("{t},{}\n", (t % 12) * 10 + t)).collect();
/// let series = SeriesOptions {
///     time: Some("t".into()), horizon: Some(6), window: Some(24), ..SeriesOptions::default()
/// };
/// let options = Options { target: Some("y".into()), series, ..Options::default() };
/// let sales = data::from_csv("sales.csv", format!("t,y\n{rows}").as_bytes(), &options)?;
/// assert_eq!(sales.input.shape, [24, 1]);
/// assert_eq!(sales.train.outputs(), 6);
/// // 140 rows of the training part hold 140 − 24 − 6 + 1 windows with what comes next.
/// assert_eq!(sales.train.len(), 111);
/// # Ok::<(), data::DataError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeriesOptions {
    /// The column that tells the time; several that tell it together are separated by commas. None: the
    /// rows stand in order, equally far apart.
    pub time: Option<String>,
    /// The column that tells several series apart, such as persons. No window holds rows of two.
    pub group: Option<String>,
    /// How many steps ahead are told, of a number. None: the next one.
    pub horizon: Option<usize>,
    /// Rows of a window. None: by the season.
    pub window: Option<usize>,
    /// Rows from one window to the next. None: 1 of forecasts, half a window of classes.
    pub stride: Option<usize>,
    /// After how many rows the series comes round, for the seasonal guess that a forecast is compared
    /// with. None: as the training part says.
    pub season: Option<usize>,
    /// The class of a window. None: [`Label::Majority`].
    pub label: Option<Label>,
    /// What a forecast is made from. None: [`Past::Own`].
    pub past: Option<Past>,
    /// Whether a forecast begins where the window ends, so that it does not matter how high the series
    /// stands: the model reads changes from the last row, and tells changes from it. None: yes.
    pub from_last: Option<bool>,
    /// Whether the hour, the weekday and the time of the year are read, too.
    pub calendar: bool,
}

impl SeriesOptions {
    /// Whether a table is to be taken as a series.
    pub fn is_asked(&self) -> bool {
        *self != SeriesOptions::default()
    }
}

/// How a table of a series becomes windows; fitted on the training part and kept with the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesPreparation {
    /// The columns that are inputs, in the order of their features.
    pub columns: Vec<PreparedColumn>,
    /// The columns that tell the time.
    pub time: Vec<String>,
    /// How they tell it.
    pub clock: Option<Clock>,
    /// The column that tells several series apart.
    pub group: Option<String>,
    /// Parts of the calendar, each two features after those of the columns.
    pub calendar: Vec<Part>,
    /// Rows of a window.
    pub window: usize,
    /// Rows from one window to the next.
    pub stride: usize,
    /// Steps ahead that are told; 0 where a window has a class.
    pub horizon: usize,
    /// The features that are forecast.
    pub targets: Vec<usize>,
    /// After how many rows the series comes round, where it does.
    pub season: Option<usize>,
    /// The class of a window.
    pub label: Label,
    /// Whether forecasts begin where the window ends.
    pub from_last: bool,
}

impl SeriesPreparation {
    /// The name of each number of a row of a window.
    pub fn feature_names(&self) -> Vec<String> {
        let of_columns = self.columns.iter().flat_map(PreparedColumn::feature_names);
        let of_calendar = self
            .calendar
            .iter()
            .flat_map(|part| ["sin", "cos"].map(|f| format!("{}_{f}", part.word())));
        of_columns.chain(of_calendar).collect()
    }

    /// The features that are measured numbers: those whose level may drift.
    pub fn levels(&self) -> Vec<usize> {
        let mut levels = Vec::new();
        let mut first = 0;
        for column in &self.columns {
            if let PreparedColumn::Number { .. } = column {
                levels.push(first);
            }
            first += column.width();
        }
        levels
    }

    /// Numbers of a row of a window.
    pub(super) fn features(&self) -> usize {
        self.columns.iter().map(PreparedColumn::width).sum::<usize>() + 2 * self.calendar.len()
    }

    /// What fitting never gives, so that a file that says it was damaged.
    pub(super) fn problem(&self) -> Option<String> {
        let features = self.features();
        if self.window == 0 || self.stride == 0 || self.window.checked_mul(features).is_none() {
            return Some(format!("windows of {} rows cannot be", self.window));
        }
        let outside = self.targets.iter().find(|target| **target >= features)?;
        Some(format!("feature {outside} is to be forecast, and there are {features}"))
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from_word(from, Label::from_word)
    }
}

impl<'de> Deserialize<'de> for Past {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from_word(from, Past::from_word)
    }
}

fn from_word<'de, D: serde::Deserializer<'de>, T>(
    from: D,
    read: fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let word = String::deserialize(from)?;
    read(&word).ok_or_else(|| serde::de::Error::custom(format!("unknown word `{word}`")))
}
