//! From raw rows to numbers: fitted on the training part, kept with the model.

mod column;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::error::{DataError, Place, Problems, count, quoted};
use super::pixels::{Fit, Scaling};
use super::rows::Targets;
use super::series::SeriesPreparation;
use super::table::RawTable;
use super::target::{TargetEncoding, TargetPreparation};
use super::text::TextPreparation;
use super::write::Writer;
use crate::nearest::{listed, nearest};

pub use self::column::PreparedColumn;
pub(in crate::data) use self::column::pieces;

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
    /// Pixels of an image, `(byte · scale − mean) / std` for each channel.
    Pixels {
        /// `[height, width, channels]`.
        shape: [usize; 3],
        /// What a byte is multiplied by, e.g. 1/255.
        scale: f32,
        /// One for each channel; empty where nothing is subtracted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mean: Vec<f64>,
        /// As `mean`; 1 where it would be 0.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        std: Vec<f64>,
        /// How an image of another size is brought to the shape.
        #[serde(default, skip_serializing_if = "is_default")]
        fit: Fit,
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
    /// Tokens of a text, by number.
    Text(Box<TextPreparation>),
    /// Windows of a table whose rows follow each other in time.
    Series(Box<SeriesPreparation>),
}

impl InputPreparation {
    /// How text is prepared; none of numbers.
    pub fn text(&self) -> Option<&TextPreparation> {
        match self {
            InputPreparation::Text(text) => Some(text),
            _ => None,
        }
    }

    /// How windows of a series are prepared; none of other rows.
    pub fn series(&self) -> Option<&SeriesPreparation> {
        match self {
            InputPreparation::Series(series) => Some(series),
            _ => None,
        }
    }

    /// Whether rows are images whose numbers lie from 0 to 1: bytes that were scaled, and no more.
    pub fn is_scaled_to_one(&self) -> bool {
        match self {
            InputPreparation::Pixels { scale, mean, .. } => mean.is_empty() && *scale < 1.0,
            _ => false,
        }
    }
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
    /// Of a series, when each row is: what stretch of time is told.
    pub stretches: Vec<Stretch>,
}

/// A stretch of a series of which something is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// Which of several series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The times that are forecast; of a class, the first and the last of the window. Rows, counted from 1,
    /// where no column tells the time.
    pub times: Vec<String>,
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
            InputPreparation::Text(text) => vec![text.context],
            InputPreparation::Series(series) => vec![series.window, series.features()],
        }
    }

    /// Prepares a raw table, whose columns may be in any order; others than the inputs are ignored.
    ///
    /// # Errors
    /// Input columns that are missing (all of them, with the nearest names), text where a number is
    /// needed (row and value), a model that takes no tables.
    pub fn apply(&self, table: &RawTable) -> Result<Prepared, DataError> {
        if let InputPreparation::Series(series) = &self.inputs {
            return series.apply(table);
        }
        if let Some(text) = self.inputs.text().filter(|text| text.column.is_some()) {
            return text.apply(table);
        }
        let rows: Vec<u32> = (0..table.rows() as u32).collect();
        let mut matrix = Vec::new();
        let (features, mut warnings) = self.apply_rows(table, &rows, &mut |numbers| {
            matrix.extend_from_slice(numbers);
            Ok(())
        })?;
        warnings.splice(0..0, table.notices().iter().cloned());
        Ok(Prepared { matrix, rows: rows.len(), features, warnings, stretches: Vec::new() })
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
        let InputPreparation::Pixels { shape, scale, mean, std, .. } = &self.inputs else {
            let what = format!("the model takes {}, not images", self.expected());
            return Err(DataError::new(Place::default(), what, ""));
        };
        let features = elements(shape).unwrap_or(usize::MAX);
        let rows = self.whole_rows(bytes.len(), features)?;
        let mut matrix = vec![0.0; bytes.len()];
        // Without rows the channels may be any number.
        if rows > 0 {
            Scaling::of(shape[2], *scale, mean, std).apply(bytes, &mut matrix);
        }
        Ok(Prepared { matrix, rows, features, warnings: Vec::new(), stretches: Vec::new() })
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
        Ok(Prepared { matrix, rows, features, warnings: Vec::new(), stretches: Vec::new() })
    }

    /// The targets of a raw table that has their column (or columns), on the scale of training.
    ///
    /// # Errors
    /// No such column; rows whose target is missing, not a number or not one of the classes.
    pub fn targets(&self, table: &RawTable) -> Result<Targets, DataError> {
        let mut problems = Problems::default();
        let mut columns = Vec::new();
        let names: Vec<&str> = table.names().iter().map(String::as_str).collect();
        for name in self.target.output_names() {
            match table.column(name) {
                Some(column) => columns.push(column),
                None => problems.push(
                    Place::file(table.file()),
                    format!("there is no column {}, the target", quoted(name)),
                    crate::nearest::suggestion(name, "columns", &names),
                ),
            }
        }
        problems.finish()?;
        let rows: Vec<u32> = (0..table.rows() as u32).collect();
        self.targets_of(table, &columns, &rows)
    }

    /// The text of the target in each row, spelled as the classes are (several numbers separated by
    /// spaces); none where a value is missing. Nothing at all where the table lacks a column of it.
    pub(crate) fn observed(&self, table: &RawTable) -> Option<Vec<Option<String>>> {
        if let InputPreparation::Series(series) = &self.inputs {
            // What comes after the end of a file is not in it.
            let classes = self.target.classes()?;
            table.column(&self.target.name)?;
            let (rows, _) = series.rows(table, &self.target).ok()?;
            let labels = rows.labels()?;
            (labels.len() == series.apply(table).ok()?.rows).then_some(())?;
            let name = |label: i64| classes.get(label as usize).cloned();
            return Some(labels.into_iter().map(name).collect());
        }
        let columns: Option<Vec<usize>> =
            self.target.output_names().into_iter().map(|name| table.column(name)).collect();
        let columns = columns?;
        let text = |row: usize| match &self.target.encoding {
            TargetEncoding::Classes { spelling, .. } | TargetEncoding::Itself { spelling, .. } => {
                Some(spelling.name_of(&table.value(row, columns[0])?, table.decimal_comma))
            }
            _ => {
                let number = |column: &usize| table.number(row, *column).map(|x| x.to_string());
                let numbers: Option<Vec<String>> = columns.iter().map(number).collect();
                Some(numbers?.join(" "))
            }
        };
        Some((0..table.rows()).map(text).collect())
    }

    pub(super) fn targets_of(
        &self,
        table: &RawTable,
        columns: &[usize],
        rows: &[u32],
    ) -> Result<Targets, DataError> {
        let mut problems = Problems::default();
        let targets = match &self.target.encoding {
            TargetEncoding::Itself { .. } if columns.is_empty() => Targets::Classes(Vec::new()),
            TargetEncoding::Classes { names, spelling }
            | TargetEncoding::Itself { names, spelling } => {
                let column = columns.first().copied().unwrap_or(0);
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
                            let what = format!("{} is not a class", quoted(&cell.text()));
                            problems.push(table.place(row, column), what, cure);
                        }
                    }
                })?;
                Targets::Classes(labels)
            }
            TargetEncoding::Tokens(_) | TargetEncoding::Tags { .. } => {
                let what = format!("the model takes {}, not a table", self.expected());
                return Err(DataError::new(Place::file(table.file()), what, ""));
            }
            TargetEncoding::Values { .. } | TargetEncoding::Several { .. } => {
                let outputs = columns.len();
                let mut values = vec![0.0; rows.len() * outputs];
                for (output, column) in columns.iter().enumerate() {
                    let mut places = values.iter_mut().skip(output).step_by(outputs);
                    table.each_of(*column, rows, |row, cell| {
                        let scaled =
                            cell.number().map(|x| self.target.scale_output(output, x) as f32);
                        let place = places.next();
                        match (place, scaled.filter(|x| x.is_finite())) {
                            (Some(place), Some(scaled)) => *place = scaled,
                            _ => {
                                let cell = quoted(&cell.text());
                                let what = format!("the target {cell} is not a usable number");
                                let cure = "correct it, or leave the row out";
                                problems.push(table.place(row, *column), what, cure);
                            }
                        }
                    })?;
                }
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
            InputPreparation::Text(_) => "text".into(),
            InputPreparation::Series(series) => {
                let names: Vec<&str> = series.columns.iter().map(PreparedColumn::name).collect();
                format!("a series with the columns {}", listed(&names))
            }
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
                PreparedColumn::Effects { name, values, of, means, overall, .. }
                    if !values.is_sorted_by(|a, b| a < b)
                        || means.len() != values.len()
                        || means.iter().any(|means| means.len() != of.len())
                        || overall.len() != of.len() =>
                {
                    Some(format!("the means of column {} do not fit its values", quoted(name)))
                }
                PreparedColumn::Pieces { name, edges, .. }
                    if edges.len() < 2 || !edges.is_sorted_by(|a, b| a < b) =>
                {
                    Some(format!("the edges of column {} do not ascend", quoted(name)))
                }
                _ => None,
            }),
            // JSON's 1e39 is read as the 32-bit float ∞.
            InputPreparation::Pixels { scale, .. } if !scale.is_finite() => {
                Some(format!("the scale {scale} is not finite"))
            }
            InputPreparation::Text(text) if text.context == 0 => {
                Some("a row of text has no tokens".into())
            }
            InputPreparation::Text(_) => None,
            InputPreparation::Series(series) => series.problem(),
            InputPreparation::Pixels { shape, mean, std, .. } => {
                let counts = [mean.len(), std.len()];
                let finite = mean.iter().chain(std).all(|x| (*x as f32).is_finite());
                if elements(shape).is_none() {
                    Some(format!("images of {shape:?} bytes do not fit in memory"))
                } else if counts != [0; 2] && counts != [shape[2]; 2] {
                    let [means, stds] = counts;
                    let channels = shape[2];
                    Some(format!("{means} means and {stds} deviations for {channels} channels"))
                } else if !finite || std.iter().any(|std| *std <= 0.0) {
                    Some("a mean or deviation of a channel is not usable".into())
                } else {
                    None
                }
            }
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

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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

/// Numbers that are prepared at a time: 16 MiB.
const WINDOW: usize = 1 << 22;

/// The largest matrix that is made: 256 GiB of 32-bit floats, in a file.
const MOST_NUMBERS: usize = 1 << 36;
