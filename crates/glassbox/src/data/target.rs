//! Which column is to be learned, and whether it is a class or a number.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::{DataError, Place, Problems, count, quoted};
use super::options::Options;
use super::schema::{Kind, Role, Schema};
use super::table::{RawTable, parse_number};
use crate::nearest::{listed, suggestion};

/// What there is to learn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Task {
    /// Telling which class a row belongs to.
    Classification {
        /// The names of the classes, sorted; a label is a position in this list.
        classes: Vec<String>,
    },
    /// Telling a number.
    Regression,
}

/// How the target was prepared: what a label means, and in what unit a number is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetPreparation {
    /// The name of the target, e.g. of its column.
    pub name: String,
    /// What its values are and how they were encoded.
    pub encoding: TargetEncoding,
}

/// How the values of a target are encoded for training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum TargetEncoding {
    /// A class is its position in `names`.
    Classes {
        /// The names, sorted (by value where they are numbers).
        names: Vec<String>,
        /// How a cell becomes a name.
        spelling: Spelling,
    },
    /// A number is trained on as `(value − mean) / std`; both over the training part.
    Values {
        /// In the target's own unit.
        mean: f64,
        /// In the target's own unit; population standard deviation, 1 where it would be 0.
        std: f64,
    },
}

/// How a cell becomes the name of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spelling {
    /// As it stands.
    Text,
    /// As the shortest number of that value: `1.0` is `1`.
    Number,
    /// In lower case: `True` is `true`.
    Boolean,
}

impl Spelling {
    /// The name of the class that a cell says.
    pub(super) fn name_of(self, cell: &str, decimal_comma: bool) -> String {
        match self {
            Spelling::Text => cell.to_string(),
            Spelling::Boolean => cell.to_lowercase(),
            Spelling::Number => match parse_number(cell, decimal_comma) {
                // 0.0 joins −0 and 0.
                Some(x) => format!("{}", x + 0.0),
                None => cell.to_string(),
            },
        }
    }
}

impl TargetPreparation {
    /// A number on the scale of training.
    pub fn scale(&self, value: f64) -> f64 {
        match self.encoding {
            TargetEncoding::Values { mean, std } => (value - mean) / std,
            TargetEncoding::Classes { .. } => value,
        }
    }

    /// A number on the scale of training back in its own unit.
    ///
    /// ```
    /// use glassbox::data::{TargetEncoding, TargetPreparation};
    /// let encoding = TargetEncoding::Values { mean: 20.0, std: 4.0 };
    /// let mpg = TargetPreparation { name: "mpg".into(), encoding };
    /// assert_eq!(mpg.unscale(mpg.scale(30.0)), 30.0);
    /// ```
    pub fn unscale(&self, scaled: f64) -> f64 {
        match self.encoding {
            TargetEncoding::Values { mean, std } => scaled * std + mean,
            TargetEncoding::Classes { .. } => scaled,
        }
    }

    /// The names of the classes; none where the target is a number.
    pub fn classes(&self) -> Option<&[String]> {
        match &self.encoding {
            TargetEncoding::Classes { names, .. } => Some(names),
            TargetEncoding::Values { .. } => None,
        }
    }
}

/// Names under which the target is expected when none is given.
const USUAL: [&str; 12] = [
    "target",
    "label",
    "labels",
    "class",
    "species",
    "y",
    "outcome",
    "response",
    "survived",
    "diagnosis",
    "output",
    "category",
];

/// The target's column, and what to say where it was assumed.
pub(super) fn choose(
    table: &RawTable,
    schema: &Schema,
    options: &Options,
) -> Result<(usize, Option<String>), DataError> {
    let names: Vec<&str> = table.names().iter().map(String::as_str).collect();
    if let Some(name) = options.target.as_deref() {
        let Some(index) = table.column(name) else {
            return Err(DataError::new(
                Place::file(table.file()),
                format!("there is no column {} to be the target", quoted(name)),
                suggestion(name, "columns", &names),
            ));
        };
        if options.drop.iter().any(|dropped| dropped == name) {
            return Err(DataError::new(
                Place::file(table.file()),
                format!("column {} is to be the target and to be left out", quoted(name)),
                "name another target, or do not leave it out",
            ));
        }
        return Ok((index, None));
    }
    let is_usual = |name: &&str| USUAL.iter().any(|usual| name.eq_ignore_ascii_case(usual));
    if let Some(name) = USUAL.iter().find_map(|usual| {
        let kept = |name: &&&str| !options.drop.iter().any(|dropped| dropped == **name);
        names
            .iter()
            .filter(|name| is_usual(name))
            .filter(kept)
            .find(|name| name.eq_ignore_ascii_case(usual))
    }) {
        let index = table.column(name).unwrap_or_default();
        return Ok((index, Some(format!("no target given: assumed `{name}`, by its name"))));
    }
    let last_usable = schema.columns.iter().rposition(|column| column.role == Role::Input);
    match last_usable {
        Some(index) => {
            let last = if index + 1 == names.len() { "last" } else { "last usable" };
            let said = format!("no target given: assumed `{}`, the {last} column", names[index]);
            Ok((index, Some(said)))
        }
        None => Err(DataError::new(
            Place::file(table.file()),
            "no column could be the target: every column is constant, empty or an identifier",
            format!("name one; the columns: {}", listed(&names)),
        )),
    }
}

/// What the target's column asks for, and which rows can be used.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) task: Task,
    /// Rows of the table that have a target, ascending.
    pub(super) rows: Vec<usize>,
    /// How classes are spelled; none for a number.
    pub(super) spelling: Option<Spelling>,
    /// What was decided, in words.
    pub(super) notices: Vec<String>,
}

/// Infers the task from the values of the target, and checks that they can be learned.
pub(super) fn infer(
    table: &RawTable,
    schema: &Schema,
    index: usize,
    declared: Option<Kind>,
) -> Result<Target, DataError> {
    let column = &schema.columns[index];
    let place = || Place::file(table.file()).column(&column.name);
    let rows: Vec<usize> =
        (0..table.rows()).filter(|row| table.value(*row, index).is_some()).collect();
    if rows.is_empty() {
        return Err(DataError::new(
            place(),
            "the target has no value in any row",
            "choose another target, or fill in the values that are known",
        ));
    }
    let mut notices = Vec::new();
    if column.missing > 0 {
        let without = count(column.missing, "row");
        notices.push(format!("{without} without a value of `{}` dropped", column.name));
    }
    let numeric = column.numbers.is_some();
    let spelling = match (declared, column.kind) {
        (Some(Kind::Number), _) => None,
        (Some(Kind::Category), _) if numeric => Some(Spelling::Number),
        (_, Kind::Boolean) => Some(Spelling::Boolean),
        _ if numeric && is_coded_class(table, index, &rows) => {
            let classes = count(column.distinct, "whole number");
            notices.push(format!(
                "target `{}` holds {classes}: taken as classes (declare it a number for regression)",
                column.name
            ));
            Some(Spelling::Number)
        }
        _ if numeric => None,
        (Some(Kind::Text | Kind::Category), _) | (_, Kind::Category) => Some(Spelling::Text),
        (_, Kind::Text) if column.distinct > rows.len() / 2 && rows.len() > 10 => {
            return Err(DataError::new(
                place(),
                format!(
                    "the target has {} different values in {}: a name rather than a class",
                    column.distinct,
                    count(rows.len(), "row")
                ),
                "choose a target whose values come again, or a number",
            ));
        }
        _ => Some(Spelling::Text),
    };
    let task = match spelling {
        Some(spelling) => {
            let cells = rows.iter().map(|row| table.cell(*row, index));
            let names = cells.map(|cell| spelling.name_of(cell, table.decimal_comma));
            Task::Classification { classes: classes_of(names, spelling, &place())? }
        }
        None => {
            if column.numbers.is_some_and(|range| range.min == range.max) {
                return Err(one_value(place(), column.example.as_deref().unwrap_or("")));
            }
            Task::Regression
        }
    };
    Ok(Target { task, rows, spelling, notices })
}

/// Whether whole numbers are the codes of classes: at most 20 of them, each in 5 rows on average.
fn is_coded_class(table: &RawTable, column: usize, rows: &[usize]) -> bool {
    let mut codes: Vec<i64> = Vec::new();
    for row in rows {
        let Some(x) = table.number(*row, column) else { return false };
        if x != x.trunc() || x.abs() > 1e15 {
            return false;
        }
        if let Err(place) = codes.binary_search(&(x as i64)) {
            codes.insert(place, x as i64);
        }
        if codes.len() > 20 {
            return false;
        }
    }
    rows.len() >= 5 * codes.len()
}

/// The sorted names of the classes, each of which needs a row to learn from and one to check with.
pub(super) fn classes_of(
    names: impl Iterator<Item = String>,
    spelling: Spelling,
    place: &Place,
) -> Result<Vec<String>, DataError> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    if let (1, Some((only, _))) = (counts.len(), counts.first_key_value()) {
        return Err(one_value(place.clone(), only));
    }
    let mut problems = Problems::default();
    for (name, rows) in &counts {
        if *rows < 2 {
            problems.push(
                place.clone(),
                format!("class {} has only {}", quoted(name), count(*rows, "row")),
                "every class needs at least 2 rows: add some, join classes or leave the row out",
            );
        }
    }
    problems.finish()?;
    let mut classes: Vec<String> = counts.into_keys().collect();
    if spelling == Spelling::Number {
        let value = |name: &String| name.parse::<f64>().unwrap_or(f64::INFINITY);
        classes.sort_by(|a, b| value(a).total_cmp(&value(b)));
    }
    Ok(classes)
}

fn one_value(place: Place, only: &str) -> DataError {
    DataError::new(
        place,
        format!("every row has the same target, {}: there is nothing to tell apart", quoted(only)),
        "choose another target, or add rows with other values",
    )
}
