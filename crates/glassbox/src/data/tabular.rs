//! From a raw table to a dataset: columns understood, target chosen, rows split, values prepared.

use super::dataset::{Dataset, Parts, empty_parts};
use super::error::{DataError, Place, count};
use super::fingerprint::Fingerprint;
use super::options::{Options, Prepare};
use super::prepare::{InputPreparation, Preparation, PreparedColumn, mean_and_std};
use super::rows::{Inputs, Rows, Store, Targets};
use super::schema::{self, Kind, Role, Schema};
use super::split::{Split, split};
use super::table::RawTable;
use super::target::{self, Spelling, TargetEncoding, TargetPreparation, Task};

impl Dataset {
    /// A dataset of a table: column kinds, target and task are inferred where `options` do not say
    /// them.
    ///
    /// # Errors
    /// No such target or column, a target that cannot be learned (one value only, a class with one
    /// row), a column of numbers with some text in it, no column left as input.
    ///
    /// ```
    /// use glassbox::data::{Dataset, Options, RawTable};
    /// let names = ["size", "price"];
    /// let rows: Vec<Vec<String>> =
    ///     (0..40).map(|i| vec![format!("{}", 30 + i), format!("{}.5", 100 + 3 * i)]).collect();
    /// let table = RawTable::from_rows(&names.map(String::from), &rows)?;
    /// let homes = Dataset::from_table(&table, &Options::default())?;
    /// assert_eq!(homes.notices[0], "no target given: assumed `price`, the last column");
    /// # Ok::<(), glassbox::data::DataError>(())
    /// ```
    pub fn from_table(table: &RawTable, options: &Options) -> Result<Self, DataError> {
        let mut schema = schema::infer(table, &options.columns, &options.drop)?;
        let (index, assumed) = target::choose(table, &schema, options)?;
        let declared = options.columns.get(&schema.columns[index].name).copied();
        let found = target::infer(table, &schema, index, declared)?;
        schema.columns[index].role = Role::Target;
        if found.spelling == Some(Spelling::Number) {
            schema.columns[index].kind = Kind::Category;
        }

        let mut preparation = Preparation {
            inputs: InputPreparation::Table { columns: Vec::new() },
            target: unscaled_target(&schema.columns[index].name, &found),
        };
        let targets = preparation.targets_of(table, index, &found.rows)?;
        let parts = divide(&targets, options)?;
        let split_notices =
            empty_parts(&parts, options.valid.unwrap_or(0.15), options.test.unwrap_or(0.15));
        let train: Vec<usize> = parts.train.iter().map(|at| found.rows[*at]).collect();

        let standardize = options.prepare != Prepare::Raw;
        preparation.inputs = fit_inputs(table, &schema, &train, standardize)?;
        let targets = match preparation.target.encoding {
            TargetEncoding::Values { .. } if standardize => {
                let values: Vec<f64> =
                    train.iter().filter_map(|row| table.number(*row, index)).collect();
                let (mean, std) = mean_and_std(&values);
                preparation.target.encoding = TargetEncoding::Values { mean, std };
                preparation.targets_of(table, index, &found.rows)?
            }
            _ => targets,
        };
        let prepared = preparation.apply_rows(table, &found.rows)?;

        let mut notices = table.notices().to_vec();
        notices.extend(assumed);
        notices.extend(found.notices);
        notices.extend(notices_on_columns(table, &schema, &preparation));
        notices.extend(split_notices);
        let inputs = Inputs::Floats(prepared.matrix);
        let store = Store { inputs, width: prepared.features, targets };
        let parts = Parts::of(store, &preparation.target, parts, |at| found.rows[at] + 1);
        let hash = fingerprint(table);
        Ok(Self::assemble(table.file(), preparation, parts, Some(schema), notices, &hash))
    }
}

impl Preparation {
    /// Prepares a raw table that has the target's column, to evaluate a model on it.
    ///
    /// # Errors
    /// As [`Preparation::apply`] and [`Preparation::targets`].
    ///
    /// ```
    /// use glassbox::data::{self, RawTable};
    /// let iris = data::iris();
    /// let text = "sepal_length,sepal_width,petal_length,petal_width,species\n5,3,1,0,setosa\n";
    /// let (rows, warnings) = iris.preparation.rows(&RawTable::from_bytes("a", text.as_bytes())?)?;
    /// assert_eq!((rows.labels(), warnings.len()), (Some(vec![0]), 0));
    /// # Ok::<(), data::DataError>(())
    /// ```
    pub fn rows(&self, table: &RawTable) -> Result<(Rows, Vec<String>), DataError> {
        let prepared = self.apply(table)?;
        let targets = self.targets(table)?;
        let inputs = Inputs::Floats(prepared.matrix);
        let store = Store { inputs, width: prepared.features, targets };
        let all = Split { train: (0..prepared.rows).collect(), ..Split::default() };
        let parts = Parts::of(store, &self.target, all, |at| at + 1);
        Ok((parts.train, prepared.warnings))
    }
}

fn unscaled_target(name: &str, found: &target::Target) -> TargetPreparation {
    let encoding = match (&found.task, found.spelling) {
        (Task::Classification { classes }, spelling) => TargetEncoding::Classes {
            names: classes.clone(),
            spelling: spelling.unwrap_or(Spelling::Text),
        },
        (Task::Regression, _) => TargetEncoding::Values { mean: 0.0, std: 1.0 },
    };
    TargetPreparation { name: name.into(), encoding }
}

fn divide(targets: &Targets, options: &Options) -> Result<Split, DataError> {
    let labels = match targets {
        Targets::Classes(labels) => Some(&labels[..]),
        Targets::Values(_) => None,
    };
    let (valid, test) = (options.valid.unwrap_or(0.15), options.test.unwrap_or(0.15));
    split(targets.len(), labels, options.stratify, valid, test, options.seed)
}

fn fit_inputs(
    table: &RawTable,
    schema: &Schema,
    train: &[usize],
    standardize: bool,
) -> Result<InputPreparation, DataError> {
    let columns: Vec<PreparedColumn> = schema
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.role == Role::Input)
        .map(|(i, column)| PreparedColumn::fit(table, i, column, train, standardize))
        .collect();
    if columns.is_empty() {
        let reasons = schema.columns.iter().filter_map(|column| match &column.role {
            Role::Dropped(reason) => Some(format!("`{}` ({reason})", column.name)),
            _ => None,
        });
        let reasons: Vec<String> = reasons.take(12).collect();
        let what = match reasons.is_empty() {
            true => "the target is the only column: there is nothing to learn from".into(),
            false => format!("no column is left to learn from: dropped {}", reasons.join(", ")),
        };
        let cure = "add a column, choose another target, or declare what a dropped column is";
        return Err(DataError::new(Place::file(table.file()), what, cure));
    }
    Ok(InputPreparation::Table { columns })
}

/// Which columns were dropped, filled in, or may be mere row numbers.
fn notices_on_columns(table: &RawTable, schema: &Schema, fitted: &Preparation) -> Vec<String> {
    let mut notices = Vec::new();
    for column in &schema.columns {
        if let Role::Dropped(reason) = &column.role {
            notices.push(format!("column `{}` dropped: {reason}", column.name));
        }
    }
    let InputPreparation::Table { columns } = &fitted.inputs else { return notices };
    for column in columns {
        let rows = schema.column(column.name()).map_or(0, |c| c.missing);
        let rows = count(rows, "row");
        let name = column.name();
        match column {
            PreparedColumn::Number { median, missing: true, .. } => notices.push(format!(
                "column `{name}`: {rows} without a value get the median {median}, \
                 and `{name}_missing` says so"
            )),
            PreparedColumn::Boolean { usual, missing: true, .. } => notices.push(format!(
                "column `{name}`: {rows} without a value get {usual}, and `{name}_missing` says so"
            )),
            _ => {}
        }
    }
    notices.extend(schema::suspicious_counters(table, schema));
    notices
}

/// The hash of names and cells: the same whatever delimiter, quotes and line ends the file used.
fn fingerprint(table: &RawTable) -> Fingerprint {
    let mut hash = Fingerprint::new();
    hash.sizes(&[table.rows(), table.columns()]);
    // No text contains the byte 0xFF in UTF-8.
    for name in table.names() {
        hash.bytes(name.bytes().chain([0xFF]));
    }
    for row in 0..table.rows() {
        for column in 0..table.columns() {
            hash.bytes(table.cell(row, column).bytes().chain([0xFF]));
        }
    }
    hash
}
