//! What a table holds before anything is learned from it: columns, gaps, imbalance, duplicates, and
//! columns that tell the target too well.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;

use super::cell::Cell;
use super::error::DataError;
use super::fit::{mean_and_std, quantile};
use super::load::table_of;
use super::options::Options;
use super::schema::{self, Kind, Role, Schema};
use super::table::RawTable;
use super::target::{self, Task};

/// What a table holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// The file, as it was named.
    pub source: String,
    /// The number of rows, without the header.
    pub rows: usize,
    /// The columns, in the order of the file.
    pub columns: Vec<ColumnDescription>,
    /// The target; none where no column could be one (a notice says why).
    pub target: Option<TargetDescription>,
    /// Rows that come again.
    pub duplicates: Duplicates,
    /// Columns that tell the target too well, or only number the rows.
    pub leaks: Vec<Leak>,
    /// What was passed over, assumed or not understood, in words.
    pub notices: Vec<String>,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnDescription {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// What becomes of it in training.
    pub role: Role,
    /// How many rows have no value.
    pub missing: usize,
    /// How many different values there are.
    pub distinct: usize,
    /// The first value.
    pub example: Option<String>,
    /// Of numbers.
    pub numbers: Option<Numbers>,
    /// Of numbers: rows in ten intervals of equal width from the least value to the greatest.
    pub histogram: Vec<Bin>,
    /// Of everything that is no number: the most frequent values (ten at most), most frequent first.
    pub top: Vec<Frequent>,
    /// How much of the target this column tells alone, on rows that were held out: 0 nothing, 1
    /// everything. None for the target itself and where there is no target.
    ///
    /// Half of the rows (of 100,000 spread over the file, at most) vote in 32 intervals of equally
    /// many rows, or for each value; the other half is told by that vote. For classes it is (share
    /// told right − share of the largest class) / (1 − that share), for numbers R²; never below 0.
    pub tells: Option<f64>,
    /// Pearson's correlation with the target, where both are numbers.
    pub correlation: Option<f64>,
}

/// Where the values of a column of numbers lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Numbers {
    /// The least value.
    pub min: f64,
    /// A quarter of the values is not above it.
    pub lower_quartile: f64,
    /// The middle value.
    pub median: f64,
    /// Three quarters of the values are not above it.
    pub upper_quartile: f64,
    /// The greatest value.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// The population standard deviation; 1 where all values are the same.
    pub std: f64,
}

/// An interval of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Where it begins, inclusive.
    pub from: f64,
    /// Where it ends; inclusive for the last.
    pub to: f64,
    /// How many rows lie in it.
    pub rows: usize,
}

/// A value and how often it comes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Frequent {
    /// The value, as it stands.
    pub value: String,
    /// How many rows have it.
    pub rows: usize,
    /// Of the rows that have any value.
    pub share: f64,
}

/// What there is to learn.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetDescription {
    /// The name of the column (several, separated by commas).
    pub name: String,
    /// Whether it was assumed rather than asked for.
    pub assumed: bool,
    /// Whether classes or numbers.
    pub task: Task,
    /// Rows without a value, which training leaves out.
    pub missing: usize,
    /// The classes in the order of their labels, with their rows; empty of numbers.
    pub classes: Vec<Frequent>,
    /// The rows of the largest class for each row of the smallest; none of numbers.
    pub imbalance: Option<f64>,
}

/// Rows that come again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// Rows that are the same as an earlier one in every column.
    pub rows: usize,
    /// Rows that are the same as another in every input and differ from it in the target.
    pub contradictory: usize,
}

/// A column that should perhaps not be learned from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Leak {
    /// The name of the column.
    pub column: String,
    /// What is suspicious.
    pub kind: LeakKind,
    /// In words.
    pub what: String,
}

/// What is suspicious about a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakKind {
    /// It is the target, cell by cell.
    Equal,
    /// It tells the target alone: [`ColumnDescription::tells`] is 0.98 or more.
    TellsAlone,
    /// It counts the rows.
    CountsRows,
}

/// From this on a single column tells the target too well to be true.
const TOO_WELL: f64 = 0.98;
/// Rows that are looked at to see what a column tells.
const SAMPLE: usize = 100_000;
const INTERVALS: usize = 32;
const BINS: usize = 10;
const TOP: usize = 10;

/// Describes a table: CSV, JSON lines or NPY, or a built-in that is a table.
///
/// # Errors
/// What [`load`](super::load) says of a file that cannot be read; a column of numbers with some text
/// in it. A target that cannot be learned is a notice.
///
/// ```no_run
/// use glassbox::data::{self, Options};
/// let flowers = data::describe("iris.csv", &Options::default())?;
/// for column in &flowers.columns {
///     println!("{}: {} missing, tells {:?}", column.name, column.missing, column.tells);
/// }
/// # Ok::<(), data::DataError>(())
/// ```
pub fn describe(path: impl AsRef<Path>, options: &Options) -> Result<Description, DataError> {
    Description::of_table(&table_of(path.as_ref(), options)?, options)
}

impl Description {
    /// Describes a table that is read already.
    ///
    /// # Errors
    /// As [`describe`].
    ///
    /// ```
    /// use glassbox::data::{Description, LeakKind, Options, RawTable};
    /// let rows: Vec<Vec<String>> = (0..40)
    ///     .map(|i| vec![(i * 7 % 40).to_string(), (i * 7 % 40).to_string() ])
    ///     .collect();
    /// let table = RawTable::from_rows(&["copy".to_string(), "y".to_string()], &rows)?;
    /// let description = Description::of_table(&table, &Options::default())?;
    /// assert_eq!(description.leaks[0].kind, LeakKind::Equal);
    /// # Ok::<(), glassbox::data::DataError>(())
    /// ```
    pub fn of_table(table: &RawTable, options: &Options) -> Result<Self, DataError> {
        let (mut schema, counting) = schema::infer(table, &options.columns, &options.drop)?;
        let mut notices = table.notices().to_vec();
        let target = match Target::of(table, &schema, options) {
            Ok(target) => Some(target),
            Err(error) => {
                notices.push(format!("no target: {error}"));
                None
            }
        };
        let indices = target.as_ref().map(|target| target.indices.clone()).unwrap_or_default();
        indices.iter().for_each(|index| schema.columns[*index].role = Role::Target);
        let truth = match indices[..] {
            [index] => target.as_ref().map(|target| Truth::of(table, index, target)).transpose()?,
            _ => None,
        };
        let mut columns = Vec::new();
        for index in 0..table.columns() {
            columns.push(describe_column(table, &schema, index, truth.as_ref())?);
        }
        let mut leaks = Vec::new();
        for (index, column) in columns.iter().enumerate() {
            let mut leak = |kind, what: String| {
                leaks.push(Leak { column: column.name.clone(), kind, what });
            };
            if column.role == Role::Target {
                continue;
            }
            match (&indices[..], column.tells) {
                ([target], _) if equal(table, index, *target)? => {
                    leak(LeakKind::Equal, "is the target, cell by cell".into());
                }
                (_, Some(tells)) if tells >= TOO_WELL => {
                    let percent = (1000.0 * tells).floor() / 10.0;
                    leak(LeakKind::TellsAlone, format!("tells {percent} % of the target alone"));
                }
                _ => {}
            }
            let counts = counting[index] && column.distinct == table.rows() && table.rows() >= 10;
            if counts && column.kind == Kind::Number {
                leak(LeakKind::CountsRows, "counts the rows".into());
            }
        }
        Ok(Description {
            source: table.file().to_string(),
            rows: table.rows(),
            target: target.map(|target| target.description),
            duplicates: duplicates(table, &indices)?,
            columns,
            leaks,
            notices,
        })
    }
}

/// The target and what there is to learn of it.
struct Target {
    indices: Vec<usize>,
    description: TargetDescription,
    spelling: Option<target::Spelling>,
}

impl Target {
    fn of(table: &RawTable, schema: &Schema, options: &Options) -> Result<Self, DataError> {
        let (indices, assumed) = target::choose(table, schema, options)?;
        let found = match indices[..] {
            [index] => {
                let declared = options.columns.get(&schema.columns[index].name).copied();
                target::infer(table, schema, index, declared)?
            }
            _ => target::infer_several(table, schema, &indices)?,
        };
        let mut classes = Vec::new();
        if let (Some(spelling), [index]) = (found.spelling, &indices[..]) {
            let mut counts = target::class_counts(table, *index, spelling)?;
            if let Task::Classification { classes: names } = &found.task {
                for name in names {
                    let rows = counts.remove(name).unwrap_or(0);
                    let share = rows as f64 / found.rows.len().max(1) as f64;
                    classes.push(Frequent { value: name.clone(), rows, share });
                }
            }
        }
        let rows = |class: &Frequent| class.rows;
        let (most, least) = (classes.iter().map(rows).max(), classes.iter().map(rows).min());
        let names: Vec<&str> = indices.iter().map(|i| schema.columns[*i].name.as_str()).collect();
        let description = TargetDescription {
            name: names.join(", "),
            assumed: assumed.is_some(),
            task: found.task,
            missing: table.rows() - found.rows.len(),
            imbalance: most.zip(least).map(|(most, least)| most as f64 / least.max(1) as f64),
            classes,
        };
        Ok(Target { indices, description, spelling: found.spelling })
    }
}

/// The target of some rows, to see what columns tell of it.
struct Truth {
    /// Rows of the table, ascending.
    rows: Vec<u32>,
    /// Labels as numbers, or the numbers.
    values: Vec<f64>,
    classes: Option<usize>,
}

impl Truth {
    fn of(table: &RawTable, index: usize, target: &Target) -> Result<Self, DataError> {
        // Every n-th row, so that the whole file is looked at.
        let step = table.rows().div_ceil(SAMPLE).max(1);
        let names: HashMap<&str, usize> = target
            .description
            .classes
            .iter()
            .enumerate()
            .map(|(i, class)| (class.value.as_str(), i))
            .collect();
        let (mut rows, mut values) = (Vec::new(), Vec::new());
        table.each(index, |row, cell| {
            let value = match target.spelling {
                _ if row % step != 0 => None,
                None => cell.number(),
                Some(spelling) => cell.value().and_then(|text| {
                    let name = spelling.name_of(&text, table.decimal_comma);
                    names.get(name.as_str()).map(|label| *label as f64)
                }),
            };
            if let Some(value) = value {
                rows.push(row as u32);
                values.push(value);
            }
        })?;
        Ok(Truth { rows, values, classes: target.spelling.map(|_| names.len()) })
    }

    /// How much keys (one a row) tell; see [`ColumnDescription::tells`].
    fn told_by(&self, keys: &[u64]) -> f64 {
        // Neighbours may be related: halves are blocks of 16 rows in turn.
        let held_out = |i: usize| i / 16 % 2 == 1;
        let fitted = (0..keys.len()).filter(|i| !held_out(*i));
        let tested: Vec<usize> = (0..keys.len()).filter(|i| held_out(*i)).collect();
        if tested.is_empty() {
            return 0.0;
        }
        match self.classes {
            Some(classes) => {
                let mut votes: HashMap<u64, Vec<u32>> = HashMap::new();
                let mut all = vec![0u32; classes];
                for i in fitted {
                    let label = self.values[i] as usize;
                    votes.entry(keys[i]).or_insert_with(|| vec![0; classes])[label] += 1;
                    all[label] += 1;
                }
                let winner = |votes: &[u32]| {
                    let most = votes.iter().max().copied().unwrap_or(0);
                    votes.iter().position(|n| *n == most).unwrap_or(0)
                };
                let usual = winner(&all);
                let winners: HashMap<u64, usize> =
                    votes.iter().map(|(key, votes)| (*key, winner(votes))).collect();
                let right = |guess: &dyn Fn(usize) -> usize| {
                    let right = tested.iter().filter(|i| guess(**i) == self.values[**i] as usize);
                    right.count() as f64 / tested.len() as f64
                };
                let base = right(&|_| usual);
                let told = right(&|i| winners.get(&keys[i]).copied().unwrap_or(usual));
                if base >= 1.0 { 0.0 } else { ((told - base) / (1.0 - base)).max(0.0) }
            }
            None => {
                let mut sums: HashMap<u64, (f64, f64)> = HashMap::new();
                let (mut sum, mut n) = (0.0, 0.0);
                for i in fitted {
                    let entry = sums.entry(keys[i]).or_default();
                    (entry.0, entry.1) = (entry.0 + self.values[i], entry.1 + 1.0);
                    (sum, n) = (sum + self.values[i], n + 1.0);
                }
                let usual = sum / f64::max(n, 1.0);
                let (mut errors, mut spread) = (0.0, 0.0);
                for i in tested {
                    let told = sums.get(&keys[i]).map_or(usual, |(sum, n)| sum / n);
                    errors += (self.values[i] - told).powi(2);
                    spread += (self.values[i] - usual).powi(2);
                }
                if spread > 0.0 { (1.0 - errors / spread).max(0.0) } else { 0.0 }
            }
        }
    }
}

fn describe_column(
    table: &RawTable,
    schema: &Schema,
    index: usize,
    truth: Option<&Truth>,
) -> Result<ColumnDescription, DataError> {
    let column = &schema.columns[index];
    let mut description = ColumnDescription {
        name: column.name.clone(),
        kind: column.kind,
        role: column.role.clone(),
        missing: column.missing,
        distinct: column.distinct,
        example: column.example.clone(),
        numbers: None,
        histogram: Vec::new(),
        top: Vec::new(),
        tells: None,
        correlation: None,
    };
    let mut limits = Vec::new();
    if column.numbers.is_some() {
        let mut values = Vec::with_capacity(table.rows() - column.missing);
        table.each(index, |_, cell| values.extend(cell.number()))?;
        let (mean, std) = mean_and_std(&values);
        values.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| quantile(&values, share);
        description.numbers = Some(Numbers {
            min: at(0.0),
            lower_quartile: at(0.25),
            median: at(0.5),
            upper_quartile: at(0.75),
            max: at(1.0),
            mean,
            std,
        });
        description.histogram = histogram(&values);
        limits = (1..INTERVALS).map(|i| at(i as f64 / INTERVALS as f64)).collect();
        limits.dedup();
    } else {
        description.top = most_frequent(table, index, table.rows() - column.missing)?;
    }
    if let Some(truth) = truth.filter(|_| column.role != Role::Target) {
        let numeric = column.numbers.is_some();
        // A number with few values is told value by value.
        let by_interval = numeric && column.distinct > INTERVALS;
        let mut keys = Vec::with_capacity(truth.rows.len());
        let (mut mine, mut theirs) = (Vec::new(), Vec::new());
        table.each_of(index, &truth.rows, |_, cell| {
            let number = cell.number();
            keys.push(match number {
                Some(x) if by_interval => limits.partition_point(|limit| *limit < x) as u64,
                _ => key_of(cell),
            });
            if let (Some(x), None) = (number, truth.classes) {
                mine.push(x);
                theirs.push(truth.values[keys.len() - 1]);
            }
        })?;
        description.tells = Some(truth.told_by(&keys));
        if numeric && truth.classes.is_none() {
            description.correlation = correlation(&mine, &theirs);
        }
    }
    Ok(description)
}

/// A number that stands for the text of a cell; all missing values have one.
fn key_of(cell: Cell<'_>) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    if cell.is_missing() {
        return u64::MAX;
    }
    if cell.is_coded() {
        return cell.code;
    }
    let mut hash = DefaultHasher::new();
    cell.text().hash(&mut hash);
    hash.finish()
}

/// Rows in intervals of equal width, of sorted values.
fn histogram(sorted: &[f64]) -> Vec<Bin> {
    let (Some(min), Some(max)) = (sorted.first(), sorted.last()) else { return Vec::new() };
    if min == max {
        return vec![Bin { from: *min, to: *max, rows: sorted.len() }];
    }
    let edge = |i: usize| min + (max - min) * (i as f64 / BINS as f64);
    let below = |i: usize| match i {
        BINS => sorted.len(),
        i => sorted.partition_point(|x| *x < edge(i)),
    };
    let bin = |i: usize| Bin { from: edge(i), to: edge(i + 1), rows: below(i + 1) - below(i) };
    (0..BINS).map(bin).collect()
}

/// The most frequent texts of a column; of equally frequent ones the first in the alphabet. Texts
/// that are in no dictionary are nearly all different, and not counted.
fn most_frequent(
    table: &RawTable,
    column: usize,
    present: usize,
) -> Result<Vec<Frequent>, DataError> {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    table.each(column, |_, cell| {
        if cell.is_coded() && !cell.is_missing() {
            *counts.entry(cell.code).or_default() += 1;
        }
    })?;
    let mut values: Vec<(usize, String)> = counts
        .into_iter()
        .map(|(code, rows)| (rows, table.decoded(column, code).text().into_owned()))
        .collect();
    values.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let share = |rows: usize| rows as f64 / present.max(1) as f64;
    let frequent = |(rows, value)| Frequent { value, rows, share: share(rows) };
    Ok(values.into_iter().take(TOP).map(frequent).collect())
}

/// Pearson's correlation; none of fewer than two values, or where one side does not vary.
fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let ((mean_a, _), (mean_b, _)) = (mean_and_std(a), mean_and_std(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        (ab, aa, bb) = (ab + x * y, aa + x * x, bb + y * y);
    }
    (aa > 0.0 && bb > 0.0).then(|| (ab / (aa * bb).sqrt()).clamp(-1.0, 1.0))
}

/// Whether two columns are the same, cell by cell.
fn equal(table: &RawTable, one: usize, other: usize) -> Result<bool, DataError> {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let mut row = 0;
    while row < table.rows() {
        let rows = table.rows_at_once(row);
        a.resize(rows, 0);
        b.resize(rows, 0);
        table.codes(one, row, &mut a)?;
        table.codes(other, row, &mut b)?;
        let same = a.iter().zip(&b).all(|(a, b)| {
            let (a, b) = (table.decoded(one, *a), table.decoded(other, *b));
            let numbers = a.number().zip(b.number());
            numbers.map_or_else(|| a.text() == b.text(), |(a, b)| a == b)
        });
        if !same {
            return Ok(false);
        }
        row += rows;
    }
    Ok(true)
}

/// Counts rows that come again, by 64-bit hashes of their cells.
fn duplicates(table: &RawTable, targets: &[usize]) -> Result<Duplicates, DataError> {
    // Inputs, and the target, of each row.
    let mut hashes = vec![(0u64, 0u64); table.rows()];
    for column in 0..table.columns() {
        let is_target = targets.contains(&column);
        table.each(column, |row, cell| {
            let (inputs, target) = &mut hashes[row];
            let hash = if is_target { target } else { inputs };
            *hash = (hash.rotate_left(23) ^ key_of(cell)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        })?;
    }
    hashes.sort_unstable();
    let rows = hashes.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let groups = hashes.chunk_by(|a, b| a.0 == b.0);
    let differ = |group: &&[(u64, u64)]| group.iter().any(|row| row.1 != group[0].1);
    let contradictory = match targets.len() < table.columns() && !targets.is_empty() {
        true => groups.filter(differ).map(<[_]>::len).sum(),
        false => 0,
    };
    Ok(Duplicates { rows, contradictory })
}
