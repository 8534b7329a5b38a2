//! From raw rows to numbers: fitted on the training part, kept with the model.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::error::{DataError, Place, Problems, count, quoted};
use super::rows::Targets;
use super::schema::{ColumnSchema, Kind};
use super::table::{RawTable, parse_boolean};
use super::target::{TargetEncoding, TargetPreparation};
use crate::nearest::{listed, nearest};

/// How raw rows become the numbers a model sees, and back.
///
/// Fitted on the training part only and saved with the model, so that predicting takes raw rows.
///
/// ```
/// use glassbox::data::{self, RawTable};
/// let iris = data::iris();
/// let text = "petal_width,petal_length,sepal_width,sepal_length\n0.2,1.4,3.5,5.1\n";
/// let new = iris.preparation.apply(&RawTable::from_bytes("new.csv", text.as_bytes())?)?;
/// assert_eq!((new.rows, new.matrix.len()), (1, 4));
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    /// How a row's inputs are prepared.
    #[serde(deserialize_with = "sound")]
    pub inputs: InputPreparation,
    /// How its target is.
    pub target: TargetPreparation,
}

/// How the inputs of a row are prepared, by the kind of their source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum InputPreparation {
    /// Columns of a table, each in its own way.
    Table {
        /// The columns that are inputs, in the order of their features.
        columns: Vec<PreparedColumn>,
    },
    /// Pixels of an image, multiplied by a scale.
    Pixels {
        /// `[height, width, channels]`.
        shape: [usize; 3],
        /// What a byte is multiplied by, e.g. 1/255.
        scale: f32,
    },
    /// Arrays of numbers, `(value − mean) / std` along the last axis.
    Array {
        /// The shape of a row.
        shape: Vec<usize>,
        /// One for each element of the last axis; empty where numbers stay as they are.
        mean: Vec<f64>,
        /// As `mean`; 1 where it would be 0.
        std: Vec<f64>,
    },
}

/// How one column of a table becomes features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum PreparedColumn {
    /// `(value − mean) / std`; a missing one is first set to the median.
    Number {
        /// The column's name.
        name: String,
        /// Of the training part's values.
        mean: f64,
        /// Population standard deviation of the training part's values, 1 where it would be 0.
        std: f64,
        /// Of the training part's values.
        median: f64,
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
        /// Whether the training part had missing values; they are the value `missing`, last where
        /// it is not among `values` already.
        missing: bool,
    },
}

/// Rows that were prepared.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// `[rows, features]`, row-major.
    pub matrix: Vec<f32>,
    /// The number of rows.
    pub rows: usize,
    /// Numbers a row.
    pub features: usize,
    /// What was skipped or guessed: blank lines, unknown categories, and missing values that training
    /// did not have.
    pub warnings: Vec<String>,
}

impl Preparation {
    /// The name of each number of a row, in order; empty for images and arrays.
    pub fn feature_names(&self) -> Vec<String> {
        match &self.inputs {
            InputPreparation::Table { columns } => {
                columns.iter().flat_map(PreparedColumn::feature_names).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The shape of a row: `[features]`, `[height, width, channels]`, or that of the arrays.
    pub fn input_shape(&self) -> Vec<usize> {
        match &self.inputs {
            InputPreparation::Table { columns } => {
                vec![columns.iter().map(PreparedColumn::width).sum()]
            }
            InputPreparation::Pixels { shape, .. } => shape.to_vec(),
            InputPreparation::Array { shape, .. } => shape.clone(),
        }
    }

    /// Prepares a raw table, whose columns may be in any order; others than the inputs are ignored.
    ///
    /// # Errors
    /// Input columns that are missing (all of them, with the nearest names), text where a number is
    /// needed (row and value), a model that takes no tables.
    pub fn apply(&self, table: &RawTable) -> Result<Prepared, DataError> {
        let rows: Vec<u32> = (0..table.rows() as u32).collect();
        let mut matrix = Vec::new();
        let (features, mut warnings) = self.apply_rows(table, &rows, &mut |numbers| {
            matrix.extend_from_slice(numbers);
            Ok(())
        })?;
        warnings.splice(0..0, table.notices().iter().cloned());
        Ok(Prepared { matrix, rows: rows.len(), features, warnings })
    }

    /// As [`Preparation::apply`], of these rows only, which are ascending. Whole rows of numbers are
    /// handed to `take`, some at a time; gives the numbers a row and the warnings.
    pub(super) fn apply_rows(
        &self,
        table: &RawTable,
        rows: &[u32],
        take: &mut dyn FnMut(&[f32]) -> Result<(), DataError>,
    ) -> Result<(usize, Vec<String>), DataError> {
        let InputPreparation::Table { columns } = &self.inputs else {
            let what = format!("the model takes {}, not a table", self.expected());
            return Err(DataError::new(Place::file(table.file()), what, ""));
        };
        let places = find_columns(columns, table)?;
        let features: usize = columns.iter().map(PreparedColumn::width).sum();
        if rows.len().checked_mul(features).is_none_or(|numbers| numbers > MOST_NUMBERS) {
            return Err(DataError::new(
                Place::file(table.file()),
                format!("{} of {features} features are too many", count(rows.len(), "row")),
                "drop the columns with most categories, or take a part of the rows",
            ));
        }
        let mut writers: Vec<Writer> =
            columns.iter().zip(places).map(|(column, place)| Writer::new(column, place)).collect();
        // A window of rows at a time, small enough to stay in memory whatever the width.
        let window = (WINDOW / features.max(1)).max(1);
        let (mut codes, mut matrix) = (Vec::new(), Vec::new());
        let (mut first, mut wanted) = (0, rows);
        while let Some(next) = wanted.first() {
            first = first.max(*next as usize);
            let taken = table.rows_at_once(first).min(window);
            let (these, later) =
                wanted.split_at(wanted.partition_point(|row| (*row as usize) < first + taken));
            codes.resize(taken, 0);
            matrix.clear();
            matrix.resize(these.len() * features, 0.0f32);
            let mut feature = 0;
            for writer in &mut writers {
                table.codes(writer.place, first, &mut codes)?;
                let width = writer.column.width();
                for (row, out) in these.iter().zip(matrix.chunks_exact_mut(features)) {
                    let row = *row as usize;
                    let cell = table.decoded(writer.place, codes[row - first]);
                    writer.write(table, row, cell, &mut out[feature..feature + width]);
                }
                feature += width;
            }
            take(&matrix)?;
            (first, wanted) = (first + taken, later);
        }
        let mut problems = Problems::default();
        let mut warnings = Vec::new();
        for writer in writers {
            problems.append(writer.problems);
            warnings.extend(writer.guessed.warning(writer.column.name()));
        }
        problems.finish()?;
        Ok((features, warnings))
    }

    /// Prepares images: bytes `[rows, height, width, channels]`, row-major, as in training.
    ///
    /// # Errors
    /// A number of bytes that is not whole images, a model that takes no images.
    pub fn apply_pixels(&self, bytes: &[u8]) -> Result<Prepared, DataError> {
        let InputPreparation::Pixels { shape, scale } = &self.inputs else {
            let what = format!("the model takes {}, not images", self.expected());
            return Err(DataError::new(Place::default(), what, ""));
        };
        let features = elements(shape).unwrap_or(usize::MAX);
        let rows = self.whole_rows(bytes.len(), features)?;
        let matrix = bytes.iter().map(|byte| f32::from(*byte) * scale).collect();
        Ok(Prepared { matrix, rows, features, warnings: Vec::new() })
    }

    /// Prepares numbers `[rows, …]`, row-major, in rows of the shape of training.
    ///
    /// # Errors
    /// A number of values that is not whole rows, a model that does not take arrays.
    pub fn apply_values(&self, values: &[f32]) -> Result<Prepared, DataError> {
        let InputPreparation::Array { shape, .. } = &self.inputs else {
            let what = format!("the model takes {}, not arrays", self.expected());
            return Err(DataError::new(Place::default(), what, ""));
        };
        let features = elements(shape).unwrap_or(usize::MAX);
        let rows = self.whole_rows(values.len(), features)?;
        let mut matrix = values.to_vec();
        self.inputs.scale_in_place(&mut matrix);
        Ok(Prepared { matrix, rows, features, warnings: Vec::new() })
    }

    /// The targets of a raw table that has their column, on the scale of training.
    ///
    /// # Errors
    /// No such column; rows whose target is missing, not a number or not one of the classes.
    pub fn targets(&self, table: &RawTable) -> Result<Targets, DataError> {
        let name = &self.target.name;
        let Some(column) = table.column(name) else {
            let names: Vec<&str> = table.names().iter().map(String::as_str).collect();
            return Err(DataError::new(
                Place::file(table.file()),
                format!("there is no column {}, the target", quoted(name)),
                crate::nearest::suggestion(name, "columns", &names),
            ));
        };
        let rows: Vec<u32> = (0..table.rows() as u32).collect();
        self.targets_of(table, column, &rows)
    }

    /// The text of the target in each row, spelled as the classes are; none where the value is
    /// missing. Nothing at all where the table has no such column.
    pub(crate) fn observed(&self, table: &RawTable) -> Option<Vec<Option<String>>> {
        let column = table.column(&self.target.name)?;
        let text = |row: usize| match &self.target.encoding {
            TargetEncoding::Classes { spelling, .. } => {
                Some(spelling.name_of(&table.value(row, column)?, table.decimal_comma))
            }
            TargetEncoding::Values { .. } => table.number(row, column).map(|x| x.to_string()),
        };
        Some((0..table.rows()).map(text).collect())
    }

    pub(super) fn targets_of(
        &self,
        table: &RawTable,
        column: usize,
        rows: &[u32],
    ) -> Result<Targets, DataError> {
        let mut problems = Problems::default();
        let mut problem = |row: usize, what: String, cure: String| {
            problems.push(table.place(row, column), what, cure);
        };
        let targets = match &self.target.encoding {
            TargetEncoding::Classes { names, spelling } => {
                let label_of: HashMap<&str, i64> =
                    names.iter().enumerate().map(|(i, name)| (name.as_str(), i as i64)).collect();
                let mut known: HashMap<u64, i64> = HashMap::new();
                let mut labels = Vec::with_capacity(rows.len());
                table.each_of(column, rows, |row, cell| {
                    let label = known.get(&cell.code).copied().or_else(|| {
                        let name = spelling.name_of(&cell.value()?, table.decimal_comma);
                        let label = *label_of.get(name.as_str())?;
                        if cell.is_coded() {
                            known.insert(cell.code, label);
                        }
                        Some(label)
                    });
                    match label {
                        Some(label) => labels.push(label),
                        None => {
                            let names: Vec<&str> = names.iter().map(String::as_str).collect();
                            let cure = format!("the classes: {}", listed(&names));
                            problem(row, format!("{} is not a class", quoted(&cell.text())), cure);
                        }
                    }
                })?;
                Targets::Classes(labels)
            }
            TargetEncoding::Values { .. } => {
                let mut values = Vec::with_capacity(rows.len());
                table.each_of(column, rows, |row, cell| {
                    let scaled = cell.number().map(|x| self.target.scale(x) as f32);
                    match scaled.filter(|x| x.is_finite()) {
                        Some(scaled) => values.push(scaled),
                        None => {
                            let cell = quoted(&cell.text());
                            let what = format!("the target {cell} is not a usable number");
                            problem(row, what, "correct it, or leave the row out".into());
                        }
                    }
                })?;
                Targets::Values(values)
            }
        };
        problems.finish()?;
        Ok(targets)
    }

    fn expected(&self) -> String {
        match &self.inputs {
            InputPreparation::Table { columns } => {
                let names: Vec<&str> = columns.iter().map(PreparedColumn::name).collect();
                format!("a table with the columns {}", listed(&names))
            }
            InputPreparation::Pixels { shape: [height, width, channels], .. } => {
                format!("images of {height} × {width} × {channels} bytes")
            }
            InputPreparation::Array { shape, .. } => format!("arrays of shape {shape:?}"),
        }
    }

    fn whole_rows(&self, found: usize, features: usize) -> Result<usize, DataError> {
        match found.checked_rem(features) {
            Some(0) => Ok(found / features),
            _ => Err(DataError::new(
                Place::default(),
                format!("{found} numbers are not whole rows: the model takes {}", self.expected()),
                "",
            )),
        }
    }
}

impl InputPreparation {
    /// What fitting never gives, so that a file that says it was damaged.
    fn problem(&self) -> Option<String> {
        match self {
            InputPreparation::Table { columns } => columns.iter().find_map(|column| match column {
                PreparedColumn::Category { name, values, .. }
                    if !values.is_sorted_by(|a, b| a < b) =>
                {
                    Some(format!("the values of column {} are not sorted", quoted(name)))
                }
                _ => None,
            }),
            // JSON's 1e39 is read as the 32-bit float ∞.
            InputPreparation::Pixels { scale, .. } if !scale.is_finite() => {
                Some(format!("the scale {scale} is not finite"))
            }
            InputPreparation::Pixels { shape, .. } => elements(shape)
                .is_none()
                .then(|| format!("images of {shape:?} bytes do not fit in memory")),
            InputPreparation::Array { shape, mean, std } => {
                let last = shape.last().copied().unwrap_or(1);
                if elements(shape).is_none() {
                    Some(format!("arrays of shape {shape:?} do not fit in memory"))
                } else if mean.len() != std.len() || !mean.is_empty() && mean.len() != last {
                    let (means, stds) = (mean.len(), std.len());
                    Some(format!(
                        "{means} means and {stds} deviations are not one for each of {last}"
                    ))
                } else {
                    None
                }
            }
        }
    }

    /// Scales rows of an array along their last axis.
    pub(super) fn scale_in_place(&self, matrix: &mut [f32]) {
        let InputPreparation::Array { mean, std, .. } = self else { return };
        if mean.is_empty() {
            return;
        }
        for last_axis in matrix.chunks_mut(mean.len()) {
            for ((x, mean), std) in last_axis.iter_mut().zip(mean).zip(std) {
                *x = ((f64::from(*x) - mean) / std) as f32;
            }
        }
    }
}

/// Reads inputs, and refuses what fitting never gives.
fn sound<'de, D: serde::Deserializer<'de>>(from: D) -> Result<InputPreparation, D::Error> {
    let inputs = InputPreparation::deserialize(from)?;
    match inputs.problem() {
        None => Ok(inputs),
        Some(problem) => Err(serde::de::Error::custom(problem)),
    }
}

/// The number of elements of a shape, where it fits.
fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size))
}

/// Where each input stands in a table; an error naming all that it lacks.
fn find_columns(columns: &[PreparedColumn], table: &RawTable) -> Result<Vec<usize>, DataError> {
    let mut places = Vec::new();
    let mut problems = Problems::default();
    let names: Vec<&str> = table.names().iter().map(String::as_str).collect();
    // A column that is an input itself was not meant to be another one.
    let is_input = |name: &str| columns.iter().any(|column| column.name() == name);
    let free: Vec<&str> = names.iter().copied().filter(|name| !is_input(name)).collect();
    for column in columns {
        match table.column(column.name()) {
            Some(place) => places.push(place),
            None => {
                let cure = match nearest(column.name(), free.iter().copied()) {
                    Some(name) => format!("did you mean `{name}`? The file has {}", listed(&names)),
                    None => format!("the file has {}", listed(&names)),
                };
                let what = format!("there is no column {}, an input", quoted(column.name()));
                problems.push(Place::file(table.file()), what, cure);
            }
        }
    }
    problems.finish()?;
    Ok(places)
}

/// What a column's values were not known from training.
#[derive(Default)]
struct Guessed {
    /// Unknown categories and how often each was met.
    unknown: BTreeMap<String, usize>,
    missing: usize,
}

impl Guessed {
    fn warning(&self, name: &str) -> Vec<String> {
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

impl PreparedColumn {
    /// Fits one column of a table on its training rows, which are ascending.
    pub(super) fn fit(
        table: &RawTable,
        index: usize,
        column: &ColumnSchema,
        train: &[u32],
        standardize: bool,
    ) -> Result<Self, DataError> {
        let name = column.name.clone();
        let mut missing = false;
        Ok(match column.kind {
            Kind::Number => {
                let mut values: Vec<f64> = Vec::with_capacity(train.len());
                table.each_of(index, train, |_, cell| {
                    missing |= cell.is_missing();
                    values.extend(cell.number());
                })?;
                let (mean, std) = if standardize { mean_and_std(&values) } else { (0.0, 1.0) };
                PreparedColumn::Number { name, mean, std, median: median(&mut values), missing }
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
                let (mut codes, mut values) = (BTreeSet::new(), BTreeSet::new());
                table.each_of(index, train, |_, cell| {
                    if cell.is_missing() {
                        missing = true;
                    } else if !cell.is_coded() || codes.insert(cell.code) {
                        values.insert(cell.text().into_owned());
                    }
                })?;
                PreparedColumn::Category { name, values: values.into_iter().collect(), missing }
            }
        })
    }

    /// The name of the column in the raw table.
    pub fn name(&self) -> &str {
        match self {
            PreparedColumn::Number { name, .. }
            | PreparedColumn::Boolean { name, .. }
            | PreparedColumn::Category { name, .. } => name,
        }
    }

    /// The names of the features it becomes.
    pub fn feature_names(&self) -> Vec<String> {
        match self {
            PreparedColumn::Number { name, missing, .. }
            | PreparedColumn::Boolean { name, missing, .. } => {
                let mut names = vec![name.clone()];
                names.extend(missing.then(|| format!("{name}_missing")));
                names
            }
            PreparedColumn::Category { name, values, .. } => {
                let mut names: Vec<String> =
                    values.iter().map(|value| format!("{name}={value}")).collect();
                if self.width() > names.len() {
                    names.push(format!("{name}={MISSING}"));
                }
                names
            }
        }
    }

    /// How many features it becomes.
    fn width(&self) -> usize {
        match self {
            PreparedColumn::Number { missing, .. } | PreparedColumn::Boolean { missing, .. } => {
                1 + usize::from(*missing)
            }
            PreparedColumn::Category { values, missing, .. } => {
                values.len() + usize::from(*missing && category(values, MISSING).is_none())
            }
        }
    }
}

/// Writes the features of one column, row by row.
struct Writer<'c> {
    column: &'c PreparedColumn,
    /// Where the column stands in the table.
    place: usize,
    /// The place of a category by the code of its cell, as far as codes were met.
    categories: HashMap<u64, Option<usize>>,
    guessed: Guessed,
    problems: Problems,
}

impl<'c> Writer<'c> {
    fn new(column: &'c PreparedColumn, place: usize) -> Self {
        let (guessed, problems) = (Guessed::default(), Problems::default());
        Writer { column, place, categories: HashMap::new(), guessed, problems }
    }

    /// Writes the features of a row, which are zeros so far.
    fn write(&mut self, table: &RawTable, row: usize, cell: Cell<'_>, out: &mut [f32]) {
        let written = match self.column {
            PreparedColumn::Number { mean, std, median, missing, .. } => match cell.number() {
                Some(raw) => Ok(((raw - mean) / std, None)),
                None if cell.is_missing() => Ok(((median - mean) / std, Some(*missing))),
                None => Err("a number"),
            },
            PreparedColumn::Boolean { usual, missing, .. } => match cell.value() {
                Some(text) => match parse_boolean(&text) {
                    Some(raw) => Ok((f64::from(u8::from(raw)), None)),
                    None => Err("`true`/`false` or `yes`/`no`"),
                },
                None => Ok((f64::from(u8::from(*usual)), Some(*missing))),
            },
            PreparedColumn::Category { values, missing, .. } => {
                return self.write_category(values, *missing, cell, out);
            }
        };
        let noun = match written {
            Ok((value, filled)) => {
                out[0] = value as f32;
                match filled {
                    Some(true) => out[1] = 1.0,
                    Some(false) => self.guessed.missing += 1,
                    None => {}
                }
                if out[0].is_finite() {
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

    fn write_category(
        &mut self,
        values: &[String],
        missing: bool,
        cell: Cell<'_>,
        out: &mut [f32],
    ) {
        let find = || match cell.value() {
            Some(text) => category(values, &text),
            None if missing => category(values, MISSING).or(Some(values.len())),
            None => None,
        };
        let place = match self.categories.get(&cell.code) {
            Some(place) => *place,
            None if cell.is_coded() && self.categories.len() < MOST_CODES => {
                *self.categories.entry(cell.code).or_insert_with(find)
            }
            None => find(),
        };
        match place {
            Some(place) => out[place] = 1.0,
            None => match cell.value() {
                None => self.guessed.missing += 1,
                Some(text) => *self.guessed.unknown.entry(text.into_owned()).or_default() += 1,
            },
        }
    }
}

/// Numbers that are prepared at a time: 16 MiB.
const WINDOW: usize = 1 << 22;

/// Codes of categories that are remembered.
const MOST_CODES: usize = 1 << 14;

/// The largest matrix that is made: 256 GiB of 32-bit floats, in a file.
const MOST_NUMBERS: usize = 1 << 36;

/// The name of the category of missing values.
const MISSING: &str = "missing";

/// Where a value stands among the sorted values of a category.
fn category(values: &[String], value: &str) -> Option<usize> {
    values.binary_search_by(|known| known.as_str().cmp(value)).ok()
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

/// The middle value, or the mean of the two middle ones; 0 of no values.
fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (Some(value), 1) => *value,
        (Some(value), _) => (values[middle - 1] + value) / 2.0,
        (None, _) => 0.0,
    }
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
    fn the_median_is_the_middle() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&mut []), 0.0);
    }
}
