//! What a column's preparation learns from the rows of the training part.

use std::collections::BTreeMap;

use super::date::{Cycle, DateOrder, Moment};
use super::error::{DataError, Problems, quoted};
use super::prepare::PreparedColumn;
use super::rules::{Impute, Method, Said};
use super::schema::{ColumnSchema, Kind, date_order};
use super::table::{RawTable, parse_boolean};

/// Fits one column of a table on its training rows, which are ascending. What rules do not say is as
/// usual: numbers are standardised (or stay as they are, where `raw`), categories have an input each.
pub(super) fn fit(
    table: &RawTable,
    index: usize,
    column: &ColumnSchema,
    train: &[u32],
    said: Said,
    raw: bool,
) -> Result<PreparedColumn, DataError> {
    let name = column.name.clone();
    let method = said.with.unwrap_or(if raw { Method::None } else { Method::Standardize });
    let mut missing = false;
    Ok(match column.kind {
        Kind::Number => {
            let mut values: Vec<f64> = Vec::with_capacity(train.len());
            table.each_of(index, train, |_, cell| {
                missing |= cell.is_missing();
                values.extend(cell.number());
            })?;
            let Scaling { offset, scale, fill } = Scaling::fit(&mut values, method, said.impute);
            match method {
                Method::Piecewise => {
                    let edges = edges(&values);
                    PreparedColumn::Pieces { name, offset, scale, edges, fill, missing }
                }
                _ => PreparedColumn::Number { name, offset, scale, fill, missing },
            }
        }
        Kind::Date => {
            let Some((order, _)) = date_order(table, index)? else {
                return Err(not_dates(table, index)?);
            };
            let mut moments: Vec<Moment> = Vec::with_capacity(train.len());
            table.each_of(index, train, |_, cell| {
                missing |= cell.is_missing();
                moments.extend(Moment::read(&cell.text(), order));
            })?;
            let varies = |cycle: &Cycle| {
                moments.windows(2).any(|pair| pair[0].turn(*cycle) != pair[1].turn(*cycle))
            };
            let cycles = Cycle::ALL.into_iter().filter(varies).collect();
            let mut days: Vec<f64> = moments.iter().map(|moment| moment.days).collect();
            let Scaling { offset, scale, fill } = Scaling::fit(&mut days, method, said.impute);
            PreparedColumn::Date { name, order, offset, scale, fill, cycles, missing }
        }
        Kind::Boolean => {
            let (mut yes, mut present) = (0, 0);
            table.each_of(index, train, |_, cell| match cell.value() {
                Some(text) => {
                    present += 1;
                    yes += usize::from(parse_boolean(&text) == Some(true));
                }
                None => missing = true,
            })?;
            PreparedColumn::Boolean { name, usual: 2 * yes > present, missing }
        }
        _ => {
            let (mut codes, mut counts) = (BTreeMap::new(), BTreeMap::new());
            table.each_of(index, train, |_, cell| {
                if cell.is_missing() {
                    missing = true;
                } else if cell.is_coded() {
                    *codes.entry(cell.code).or_insert(0usize) += 1;
                } else {
                    *counts.entry(cell.text().into_owned()).or_insert(0) += 1;
                }
            })?;
            for (code, count) in codes {
                *counts.entry(table.decoded(index, code).text().into_owned()).or_insert(0) += count;
            }
            let most = counts.values().max().copied().unwrap_or(0);
            let usual = counts.iter().find(|(_, count)| **count == most);
            let usual = usual.map(|(value, _)| value.clone()).unwrap_or_default();
            let mut values: Vec<String> = counts.into_keys().collect();
            if said.with == Some(Method::Ordinal) {
                let numbers: Option<Vec<f64>> = values.iter().map(|v| v.parse().ok()).collect();
                if numbers.is_some() {
                    let value = |text: &String| text.parse::<f64>().unwrap_or(f64::NAN);
                    values.sort_by(|a, b| value(a).total_cmp(&value(b)));
                }
                return Ok(PreparedColumn::Ordinal { name, values, fill: usual, missing });
            }
            let fill = said.impute.map(|_| usual);
            PreparedColumn::Category { name, values, missing: missing && fill.is_none(), fill }
        }
    })
}

/// The error of a column that was declared one of dates and has something else.
fn not_dates(table: &RawTable, column: usize) -> Result<DataError, DataError> {
    let mut problems = Problems::default();
    let cure = "write dates as 2024-05-01, with or without a time after it, and all the same way";
    let is_date = |text: &str| DateOrder::ALL.iter().any(|o| Moment::read(text, *o).is_some());
    let mut some = None;
    table.each(column, |row, cell| {
        if let Some(text) = cell.value() {
            some.get_or_insert(row);
            if !is_date(&text) {
                let what = format!("{} is not a date", quoted(&text));
                problems.push(table.place(row, column), what, cure);
            }
        }
    })?;
    if problems.is_empty() {
        let what = "the dates are not all written the same way round";
        problems.push(table.place(some.unwrap_or(0), column), what, cure);
    }
    Ok(problems.finish().err().unwrap_or_else(|| DataError::new(Default::default(), "", "")))
}

/// `(x − offset) / scale`, and what a missing value is set to before.
#[derive(Debug, PartialEq)]
pub(super) struct Scaling {
    pub(super) offset: f64,
    pub(super) scale: f64,
    pub(super) fill: f64,
}

impl Scaling {
    /// Fits a method to values, which come in the order of their rows and are sorted afterwards.
    pub(super) fn fit(values: &mut [f64], method: Method, impute: Option<Impute>) -> Self {
        let (mean, std) = mean_and_std(values);
        values.sort_unstable_by(f64::total_cmp);
        let middle = quantile(values, 0.5);
        let spread = |low: f64, high: f64| if high > low { high - low } else { 1.0 };
        let (least, most) =
            (values.first().copied().unwrap_or(0.0), values.last().copied().unwrap_or(0.0));
        let (offset, scale) = match method {
            Method::Standardize | Method::Piecewise => (mean, std),
            Method::Robust => (middle, spread(quantile(values, 0.25), quantile(values, 0.75))),
            Method::MinMax => (least, spread(least, most)),
            Method::OneHot | Method::Ordinal | Method::Target | Method::None => (0.0, 1.0),
        };
        let fill = match impute {
            None | Some(Impute::Median | Impute::Drop) => middle,
            Some(Impute::Mean) => mean,
            Some(Impute::MostFrequent) => most_frequent(values),
            Some(Impute::Constant(number)) => number,
        };
        Scaling { offset, scale, fill }
    }
}

/// Parts that a number is encoded by.
const PIECES: usize = 16;

/// The quantiles of sorted values between which a number is encoded, each a value of theirs and each
/// once: two at least.
fn edges(sorted: &[f64]) -> Vec<f64> {
    let at = |piece: usize| sorted.get(sorted.len().saturating_sub(1) * piece / PIECES);
    let mut edges: Vec<f64> = (0..=PIECES).filter_map(at).copied().collect();
    edges.dedup();
    match edges[..] {
        [] => vec![0.0, 1.0],
        [only] => vec![only, only + 1.0],
        _ => edges,
    }
}

/// The most frequent of sorted values, the least of equally frequent ones; 0 of none.
fn most_frequent(sorted: &[f64]) -> f64 {
    let runs = sorted.chunk_by(|a, b| a == b);
    let mut best: &[f64] = &[];
    for run in runs {
        if run.len() > best.len() {
            best = run;
        }
    }
    best.first().copied().unwrap_or(0.0)
}

/// A quantile of sorted values: linear between the two nearest (as NumPy's default; type 7 of
/// Hyndman and Fan 1996); 0 of no values.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * sorted.len().saturating_sub(1) as f64;
    let (below, rest) = (at.floor() as usize, at.fract());
    match (sorted.get(below), sorted.get(below + 1)) {
        (Some(value), Some(next)) if rest == 0.5 => (value + next) / 2.0,
        (Some(value), Some(next)) if rest > 0.0 => value + (next - value) * rest,
        (Some(value), _) => *value,
        (None, _) => 0.0,
    }
}

/// Mean and population standard deviation (Welford 1962); 0 and 1 of no values, and 1 for a
/// standard deviation of 0, so that constants are only centred.
pub(super) fn mean_and_std(values: &[f64]) -> (f64, f64) {
    let (mut mean, mut squares) = (0.0, 0.0);
    for (i, x) in values.iter().enumerate() {
        let delta = x - mean;
        mean += delta / (i + 1) as f64;
        squares += delta * (x - mean);
    }
    let std = (squares / values.len().max(1) as f64).sqrt();
    (mean, if std > 0.0 { std } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_is_only_centred() {
        assert_eq!(mean_and_std(&[0.1; 7]), (0.1, 1.0));
        assert_eq!(mean_and_std(&[]), (0.0, 1.0));
        // 1, 2, 3, 4: variance 1.25 by hand.
        assert_eq!(mean_and_std(&[1.0, 2.0, 3.0, 4.0]), (2.5, 1.25f64.sqrt()));
    }

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([1, 2, 3, 4], [0.25, 0.5, 0.75]) == [1.75, 2.5, 3.25]
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!([0.25, 0.5, 0.75].map(|q| quantile(&values, q)), [1.75, 2.5, 3.25]);
        assert_eq!((quantile(&[7.0], 0.75), quantile(&[], 0.5)), (7.0, 0.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 0.5), 2.0);
    }

    #[test]
    fn each_method_scales_by_its_own_numbers() {
        // Of 0, 1, 1, 2, 96: mean 20, median 1, quartiles 1 and 2, range 96.
        let fit = |method, impute| Scaling::fit(&mut [1.0, 96.0, 0.0, 2.0, 1.0], method, impute);
        let robust = fit(Method::Robust, Some(Impute::MostFrequent));
        assert_eq!(robust, Scaling { offset: 1.0, scale: 1.0, fill: 1.0 });
        let min_max = fit(Method::MinMax, Some(Impute::Mean));
        assert_eq!((min_max.offset, min_max.scale), (0.0, 96.0));
        assert!((min_max.fill - 20.0).abs() < 1e-12);
        let none = fit(Method::None, Some(Impute::Constant(-1.0)));
        assert_eq!(none, Scaling { offset: 0.0, scale: 1.0, fill: -1.0 });
        let constant = Scaling::fit(&mut [3.0, 3.0], Method::Robust, None);
        assert_eq!(constant, Scaling { offset: 3.0, scale: 1.0, fill: 3.0 });
    }
}
