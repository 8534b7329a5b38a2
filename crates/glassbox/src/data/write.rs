//! From a cell of a column to its features.

use std::collections::{BTreeMap, HashMap};

use super::cell::Cell;
use super::date::Moment;
use super::error::{Problems, count, quoted};
use super::prepare::{PreparedColumn, pieces};
use super::table::{RawTable, parse_boolean};
use crate::nearest::listed;

/// What a column's values were not known from training.
#[derive(Default)]
pub(super) struct Guessed {
    /// Unknown categories and how often each was met.
    unknown: BTreeMap<String, usize>,
    missing: usize,
}

impl Guessed {
    pub(super) fn warning(&self, name: &str) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.unknown.is_empty() {
            let rows = count(self.unknown.values().sum(), "row");
            let values: Vec<&str> = self.unknown.keys().map(String::as_str).collect();
            warnings.push(format!(
                "column `{name}`: {rows} with values that training did not have: {}",
                listed(&values)
            ));
        }
        if self.missing > 0 {
            let rows = count(self.missing, "row");
            warnings.push(format!(
                "column `{name}`: {rows} without a value, which training did not have"
            ));
        }
        warnings
    }
}

/// Writes the features of one column, row by row.
pub(super) struct Writer<'c> {
    pub(super) column: &'c PreparedColumn,
    /// Where the column stands in the table.
    pub(super) place: usize,
    /// The place of a category by the code of its cell, as far as codes were met.
    categories: HashMap<u64, Option<usize>>,
    /// Whether the last feature says that the value is missing.
    flag: bool,
    pub(super) guessed: Guessed,
    pub(super) problems: Problems,
}

impl<'c> Writer<'c> {
    pub(super) fn new(column: &'c PreparedColumn, place: usize) -> Self {
        let (guessed, problems) = (Guessed::default(), Problems::default());
        let flag = match column {
            PreparedColumn::Number { missing, .. }
            | PreparedColumn::Pieces { missing, .. }
            | PreparedColumn::Date { missing, .. }
            | PreparedColumn::Boolean { missing, .. }
            | PreparedColumn::Ordinal { missing, .. } => *missing,
            PreparedColumn::Category { .. } | PreparedColumn::Effects { .. } => false,
        };
        Writer { column, place, categories: HashMap::new(), flag, guessed, problems }
    }

    /// Writes the features of a row, which are zeros so far.
    pub(super) fn write(&mut self, table: &RawTable, row: usize, cell: Cell<'_>, out: &mut [f32]) {
        let missing = cell.is_missing();
        let written = match self.column {
            PreparedColumn::Number { offset, scale, fill, .. } => match cell.number() {
                Some(raw) => Ok((raw - offset) / scale),
                None if missing => Ok((fill - offset) / scale),
                None => Err("a number"),
            },
            PreparedColumn::Pieces { offset, scale, edges, fill, .. } => {
                match cell.number().or_else(|| missing.then_some(*fill)) {
                    Some(raw) => {
                        for (to, through) in out[1..].iter_mut().zip(pieces(edges, raw)) {
                            *to = through as f32;
                        }
                        Ok((raw - offset) / scale)
                    }
                    None => Err("a number"),
                }
            }
            PreparedColumn::Date { order, offset, scale, fill, cycles, .. } => {
                match Moment::read(&cell.text(), *order) {
                    Some(moment) => {
                        for (cycle, out) in cycles.iter().zip(out[1..].chunks_exact_mut(2)) {
                            out.copy_from_slice(&moment.angle(*cycle).map(|x| x as f32));
                        }
                        Ok((moment.days - offset) / scale)
                    }
                    None if missing => Ok((fill - offset) / scale),
                    None => Err("a date as training had them"),
                }
            }
            PreparedColumn::Boolean { usual, .. } => match cell.value() {
                Some(text) => match parse_boolean(&text) {
                    Some(raw) => Ok(f64::from(u8::from(raw))),
                    None => Err("`true`/`false` or `yes`/`no`"),
                },
                None => Ok(f64::from(u8::from(*usual))),
            },
            PreparedColumn::Ordinal { values, fill, .. } => {
                let last = values.len().saturating_sub(1).max(1) as f64;
                let find = |text: &str| values.iter().position(|value| value == text);
                match self.place_of(cell, |text| find(text.unwrap_or(fill))) {
                    Some(place) => Ok(place as f64 / last),
                    None => {
                        let text = cell.text().into_owned();
                        *self.guessed.unknown.entry(text).or_default() += 1;
                        Ok(0.5)
                    }
                }
            }
            PreparedColumn::Effects { values, means, overall, fill, .. } => {
                let usual = fill.as_deref().unwrap_or(MISSING);
                let find = |text: Option<&str>| category(values, text.unwrap_or(usual));
                let place = self.place_of(cell, find);
                match (place, cell.value()) {
                    (Some(_), _) => {}
                    (None, None) => self.guessed.missing += 1,
                    (None, Some(text)) => {
                        *self.guessed.unknown.entry(text.into_owned()).or_default() += 1;
                    }
                }
                let means = place.and_then(|place| means.get(place)).unwrap_or(overall);
                out.iter_mut().zip(means).for_each(|(to, mean)| *to = *mean as f32);
                return;
            }
            PreparedColumn::Category { values, missing, fill, .. } => {
                let find = |text: Option<&str>| match (text, fill) {
                    (Some(text), _) => category(values, text),
                    (None, Some(fill)) => category(values, fill),
                    (None, None) if *missing => category(values, MISSING).or(Some(values.len())),
                    (None, None) => None,
                };
                match (self.place_of(cell, find), cell.value()) {
                    (Some(place), _) => out[place] = 1.0,
                    (None, None) => self.guessed.missing += 1,
                    (None, Some(text)) => {
                        *self.guessed.unknown.entry(text.into_owned()).or_default() += 1;
                    }
                }
                return;
            }
        };
        let noun = match written {
            Ok(value) => {
                out[0] = value as f32;
                match (missing, self.flag) {
                    (true, true) => out[out.len() - 1] = 1.0,
                    (true, false) => self.guessed.missing += 1,
                    (false, _) => {}
                }
                if out.iter().all(|x| x.is_finite()) {
                    return;
                }
                "within the reach of 32-bit floats"
            }
            Err(noun) => noun,
        };
        let what = format!("row {}: {} is not {noun}", row + 1, quoted(&cell.text()));
        let cure = "correct it, or leave it empty where it is not known";
        self.problems.push(table.place(row, self.place), what, cure);
    }

    /// The place of a category, which `find` tells of its text (none: the value is missing), or
    /// which is known from before.
    fn place_of(
        &mut self,
        cell: Cell<'_>,
        find: impl FnOnce(Option<&str>) -> Option<usize>,
    ) -> Option<usize> {
        if let Some(place) = self.categories.get(&cell.code) {
            return *place;
        }
        let place = find(cell.value().as_deref());
        if cell.is_coded() && self.categories.len() < MOST_CODES {
            self.categories.insert(cell.code, place);
        }
        place
    }
}

/// Codes of categories that are remembered.
const MOST_CODES: usize = 1 << 14;

/// The name of the category of missing values.
pub(super) const MISSING: &str = "missing";

/// Where a value stands among the sorted values of a category.
pub(super) fn category(values: &[String], value: &str) -> Option<usize> {
    values.binary_search_by(|known| known.as_str().cmp(value)).ok()
}
