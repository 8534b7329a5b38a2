//! From prepared numbers back to what they were prepared from.

use super::date::date_of_days;
use super::prepare::{InputPreparation, Preparation, PreparedColumn};
use super::write::MISSING;

/// Rows in the units of their source.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// The names of the columns; for rows that are no table, numbered.
    pub names: Vec<String>,
    /// A text for each column of each row; empty where a value is missing.
    pub rows: Vec<Vec<String>>,
}

impl Preparation {
    /// Prepared rows `[rows, features]` as a table in the units of their source: numbers unscaled, the
    /// category whose number is largest. Rows of images and arrays have a column for each number.
    ///
    /// ```
    /// use glassbox::data;
    /// let iris = data::iris();
    /// let mut row = vec![0.0; 4];
    /// iris.train.gather_inputs(&[0], &mut row)?;
    /// let restored = iris.preparation.restore(&row);
    /// assert_eq!(restored.names[0], "sepal_length");
    /// assert!((4.0..8.0).contains(&restored.rows[0][0].parse::<f64>().unwrap()));
    /// # Ok::<(), data::DataError>(())
    /// ```
    pub fn restore(&self, matrix: &[f32]) -> Restored {
        let width = self.input_shape().iter().product::<usize>().max(1);
        let rows = matrix.chunks_exact(width);
        match &self.inputs {
            InputPreparation::Table { columns } => {
                let row = |mut numbers: &[f32]| {
                    let cell = |column: &PreparedColumn| {
                        let (own, later) = numbers.split_at(column.width().min(numbers.len()));
                        numbers = later;
                        column.text_of(own)
                    };
                    columns.iter().map(cell).collect()
                };
                let names = columns.iter().map(|column| column.name().to_owned()).collect();
                Restored { names, rows: rows.map(row).collect() }
            }
            inputs => {
                let (mean, std): (&[f64], &[f64]) = match inputs {
                    InputPreparation::Array { mean, std, .. }
                    | InputPreparation::Pixels { mean, std, .. } => (mean, std),
                    _ => (&[], &[]),
                };
                let number = |(at, x): (usize, &f32)| match mean.len() {
                    0 => x.to_string(),
                    last => (f64::from(*x) * std[at % last] + mean[at % last]).to_string(),
                };
                let names = (1..=width).map(|number| number.to_string()).collect();
                let rows = rows.map(|row| row.iter().enumerate().map(number).collect()).collect();
                Restored { names, rows }
            }
        }
    }
}

impl PreparedColumn {
    /// The text of a cell whose features these are.
    fn text_of(&self, features: &[f32]) -> String {
        let first = f64::from(features.first().copied().unwrap_or_default());
        let last = features.last().copied().unwrap_or_default();
        if self.is_marked() && last > 0.5 {
            return String::new();
        }
        let largest = |features: &[f32]| {
            let best = features.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            best.map_or(0, |(at, _)| at)
        };
        match self {
            PreparedColumn::Number { offset, scale, .. }
            | PreparedColumn::Pieces { offset, scale, .. } => short(first * scale + offset),
            PreparedColumn::Date { offset, scale, .. } => {
                let (year, month, day) = date_of_days((first * scale + offset).round() as i64);
                format!("{year:04}-{month:02}-{day:02}")
            }
            PreparedColumn::Boolean { .. } => (first > 0.5).to_string(),
            PreparedColumn::Category { values, .. } => {
                let value = values.get(largest(features)).map_or("", String::as_str);
                if value == MISSING { String::new() } else { value.to_owned() }
            }
            PreparedColumn::Ordinal { values, .. } => {
                let place = first.clamp(0.0, 1.0) * values.len().saturating_sub(1) as f64;
                values.get(place.round() as usize).cloned().unwrap_or_default()
            }
            PreparedColumn::Effects { values, means, .. } => {
                let apart = |means: &Vec<f64>| -> f64 {
                    let pairs = means.iter().zip(features);
                    pairs.map(|(mean, x)| (mean - f64::from(*x)).powi(2)).sum()
                };
                let nearest =
                    means.iter().map(apart).enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
                nearest.and_then(|(at, _)| values.get(at)).cloned().unwrap_or_default()
            }
        }
    }
}

/// Six digits: as many as f32 has.
fn short(value: f64) -> String {
    let digits = format!("{value:.5e}").parse().unwrap_or(value);
    format!("{}", digits + 0.0)
}
