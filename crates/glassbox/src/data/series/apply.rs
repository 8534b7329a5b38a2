//! From new rows to windows, as a run's preparation says.

use std::ops::Range;

use super::super::dataset::Parts;
use super::super::error::{DataError, Place, count};
use super::super::prepare::{Prepared, Stretch};
use super::super::rows::Rows;
use super::super::split::Split;
use super::super::table::RawTable;
use super::super::target::TargetPreparation;
use super::SeriesPreparation;
use super::lay::{Keys, Laid, lay};
use super::load::{Cut, matrix};
use super::windows::begins;

impl SeriesPreparation {
    /// Puts a table in order.
    fn lay(&self, table: &RawTable) -> Result<Laid, DataError> {
        let time: Vec<&str> = self.time.iter().map(String::as_str).collect();
        lay(table, &Keys::find(table, &time, self.group.as_deref())?, self.clock)
    }

    /// The windows of a table that has what is to be told of them, and warnings.
    pub(in crate::data) fn rows(
        &self,
        table: &RawTable,
        target: &TargetPreparation,
    ) -> Result<(Rows, Vec<String>), DataError> {
        let laid = self.lay(table)?;
        let (numbers, warnings) = matrix(self, table, &laid)?;
        let cut = Cut::of(table, self, target, &laid)?;
        if cut.begins.is_empty() {
            return Err(self.too_few(table, laid.rows.len(), self.horizon));
        }
        let train = cut.begins.iter().map(|begin| *begin as usize).collect();
        let store = cut.store(self, numbers, &laid);
        let parts = Parts::of(store, target, Split { train, ..Split::default() });
        Ok((parts.train, [laid.notices, warnings].concat()))
    }

    /// What there is to tell of a table: what comes after the end of each series, or the class of each
    /// window.
    pub(in crate::data) fn apply(&self, table: &RawTable) -> Result<Prepared, DataError> {
        let laid = self.lay(table)?;
        let (numbers, mut warnings) = matrix(self, table, &laid)?;
        warnings.splice(0..0, table.notices().iter().chain(&laid.notices).cloned());
        let begins: Vec<usize> = match self.horizon {
            0 => {
                let each =
                    laid.runs.iter().flat_map(|run| begins(run.clone(), self.window, self.stride));
                each.collect()
            }
            _ => {
                let last = |(_, places): &(String, Range<usize>)| {
                    let run = laid.runs.iter().find(|run| run.end == places.end)?;
                    run.end.checked_sub(self.window).filter(|begin| *begin >= run.start)
                };
                laid.groups.iter().filter_map(last).collect()
            }
        };
        if begins.is_empty() {
            return Err(self.too_few(table, laid.rows.len(), 0));
        }
        let features = self.features();
        let window = |begin: &usize| &numbers[begin * features..(begin + self.window) * features];
        let matrix: Vec<f32> = begins.iter().flat_map(window).copied().collect();
        let stretches = begins.iter().map(|begin| self.stretch(&laid, *begin)).collect();
        let features = self.window * features;
        Ok(Prepared { matrix, rows: begins.len(), features, warnings, stretches })
    }

    /// When what is told of a window is.
    fn stretch(&self, laid: &Laid, begin: usize) -> Stretch {
        let end = begin + self.window;
        let of = laid.groups.iter().find(|(_, places)| places.contains(&begin));
        let group = of.filter(|_| self.group.is_some()).map(|(name, _)| name.clone());
        let time = |place: usize| match (laid.clock, laid.times.get(place)) {
            (Some(clock), Some(time)) => clock.text(*time),
            _ => (laid.rows.get(place).map_or(place, |row| *row as usize) + 1).to_string(),
        };
        let ahead = |step: usize| match (self.clock, laid.times.get(end - 1)) {
            (Some(clock), Some(time)) => clock.text(time + clock.step * step as f64),
            _ => (end + step).to_string(),
        };
        let times = match self.horizon {
            0 => vec![time(begin), time(end - 1)],
            horizon => (1..=horizon).map(ahead).collect(),
        };
        Stretch { group, times }
    }

    fn too_few(&self, table: &RawTable, rows: usize, horizon: usize) -> DataError {
        let ahead =
            if horizon > 0 { format!(" and a horizon of {horizon}") } else { String::new() };
        DataError::new(
            Place::file(table.file()),
            format!("no window of {} rows{ahead} fits into {}", self.window, count(rows, "row")),
            "give more rows that follow each other without a gap",
        )
    }
}
