//! Which column is to be learned, and whether it is a class or a number.

use std::collections::{BTreeMap, HashMap};

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
    /// Telling the tag of each word of a sentence.
    Tags {
        /// The tags, sorted; a label is a position in this list.
        tags: Vec<String>,
    },
    /// Telling tokens of a text.
    Language {
        /// How many different tokens there are.
        vocabulary: usize,
    },
    /// What the rows themselves look like.
    Rows {
        /// The names of the classes that rows are known to belong to, sorted; none where nothing is known.
        classes: Vec<String>,
    },
}

impl Task {
    /// A model that learns the rows themselves predicts nothing.
    pub(crate) fn check_predicts(&self) -> Result<(), crate::Error> {
        match self {
            Task::Rows { .. } => Err(crate::Error::new(
                "the model learns what rows look like and predicts nothing: `glassbox anomaly` tells how \
                 odd a row is, `encode` its code, `generate` makes new ones, and `explain --input all` what \
                 each number of a row does to the loss",
            )),
            _ => Ok(()),
        }
    }
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
    /// Several numbers, each trained on as `(value − mean) / std`.
    Several {
        /// The columns, in the order of the model's outputs.
        outputs: Vec<Output>,
    },
    /// A token at each of several places.
    Tokens(Tokens),
    /// At each of several places the tag of the word that begins there: its position in `names`.
    Tags {
        /// The tags, sorted.
        names: Vec<String>,
        /// At how many places of a row.
        places: usize,
    },
    /// Nothing beside the row itself, of which the class may be known: its position in `names`.
    Itself {
        /// The names, sorted; none where no class is known.
        names: Vec<String>,
        /// How a cell becomes a name.
        spelling: Spelling,
    },
}

/// Tokens to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// At how many places of a row.
    pub places: usize,
    /// How many different tokens there are.
    pub vocabulary: usize,
    /// Whether there are places where nothing is to be told.
    pub some: bool,
}

/// One of several numbers to be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// The name of its column.
    pub name: String,
    /// What is subtracted, in its own unit.
    pub mean: f64,
    /// What is divided by, in its own unit.
    pub std: f64,
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
    /// How many numbers a row's target is: as many as there are outputs, else 1.
    pub fn outputs(&self) -> usize {
        match &self.encoding {
            TargetEncoding::Several { outputs } => outputs.len().max(1),
            TargetEncoding::Tokens(Tokens { places, .. }) | TargetEncoding::Tags { places, .. } => {
                *places
            }
            _ => 1,
        }
    }

    /// The name of each number of a row's target.
    pub fn output_names(&self) -> Vec<&str> {
        match &self.encoding {
            TargetEncoding::Several { outputs } => {
                outputs.iter().map(|o| o.name.as_str()).collect()
            }
            _ => vec![&self.name],
        }
    }

    /// What is subtracted from an output, and what it is divided by.
    fn scaling(&self, output: usize) -> (f64, f64) {
        match &self.encoding {
            TargetEncoding::Values { mean, std } => (*mean, *std),
            TargetEncoding::Several { outputs } => {
                outputs.get(output).map_or((0.0, 1.0), |output| (output.mean, output.std))
            }
            TargetEncoding::Classes { .. }
            | TargetEncoding::Tokens(_)
            | TargetEncoding::Tags { .. }
            | TargetEncoding::Itself { .. } => (0.0, 1.0),
        }
    }

    /// A number on the scale of training.
    pub fn scale(&self, value: f64) -> f64 {
        self.scale_output(0, value)
    }

    /// As [`scale`](Self::scale), of one of several outputs.
    pub fn scale_output(&self, output: usize, value: f64) -> f64 {
        let (mean, std) = self.scaling(output);
        (value - mean) / std
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
        self.unscale_output(0, scaled)
    }

    /// As [`unscale`](Self::unscale), of one of several outputs.
    pub fn unscale_output(&self, output: usize, scaled: f64) -> f64 {
        let (mean, std) = self.scaling(output);
        scaled * std + mean
    }

    /// The names of the classes; none where the target is a number.
    pub fn classes(&self) -> Option<&[String]> {
        match &self.encoding {
            TargetEncoding::Classes { names, .. } => Some(names),
            _ => None,
        }
    }

    /// Where the rows themselves are learned, the names of the classes that they are known to belong to
    /// (none where nothing is known); none of other tasks.
    pub fn known_classes(&self) -> Option<&[String]> {
        match &self.encoding {
            TargetEncoding::Itself { names, .. } => Some(names),
            _ => None,
        }
    }

    /// What is to be told at the places of a row: tokens, or tags as if they were some; none where the
    /// target is a class or a number.
    pub fn tokens(&self) -> Option<Tokens> {
        match &self.encoding {
            TargetEncoding::Tokens(tokens) => Some(*tokens),
            TargetEncoding::Tags { names, places } => {
                Some(Tokens { places: *places, vocabulary: names.len(), some: true })
            }
            _ => None,
        }
    }

    /// The names of the tags that words have; none of other targets.
    pub fn tags(&self) -> Option<&[String]> {
        match &self.encoding {
            TargetEncoding::Tags { names, .. } => Some(names),
            _ => None,
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

/// The target's column (or columns), and what to say where it was assumed.
pub(super) fn choose(
    table: &RawTable,
    schema: &Schema,
    options: &Options,
) -> Result<(Vec<usize>, Option<String>), DataError> {
    let names: Vec<&str> = table.names().iter().map(String::as_str).collect();
    if options.itself && options.target.is_none() {
        return Ok((Vec::new(), None));
    }
    if let Some(asked) = options.target.as_deref() {
        // A column of this very name comes before several that are separated by commas.
        let parts: Vec<&str> = match table.column(asked) {
            Some(_) => vec![asked],
            None => asked.split(',').map(str::trim).collect(),
        };
        let mut problems = Problems::default();
        let mut indices = Vec::new();
        for name in parts {
            let at = Place::file(table.file());
            match table.column(name) {
                Some(_) if options.drop.iter().any(|dropped| dropped == name) => problems.push(
                    at,
                    format!("column {} is to be the target and to be left out", quoted(name)),
                    "name another target, or do not leave it out",
                ),
                Some(index) if !indices.contains(&index) => indices.push(index),
                Some(_) => {
                    let what = format!("the target {} is named twice", quoted(name));
                    problems.push(at, what, "name it once");
                }
                None => problems.push(
                    at,
                    format!("there is no column {} to be the target", quoted(name)),
                    suggestion(name, "columns", &names),
                ),
            }
        }
        problems.finish()?;
        return Ok((indices, None));
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
        return Ok((vec![index], Some(format!("no target given: assumed `{name}`, by its name"))));
    }
    let last_usable = schema.columns.iter().rposition(|column| column.role == Role::Input);
    match last_usable {
        Some(index) => {
            let last = if index + 1 == names.len() { "last" } else { "last usable" };
            let said = format!("no target given: assumed `{}`, the {last} column", names[index]);
            Ok((vec![index], Some(said)))
        }
        None => Err(DataError::new(
            Place::file(table.file()),
            "no column could be the target: every column is constant, empty or an identifier",
            format!("name one; the columns: {}", listed(&names)),
        )),
    }
}

/// What the target's column asks for, and which rows can be used.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) task: Task,
    /// Rows of the table that have a target, ascending.
    pub(super) rows: Vec<u32>,
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
    let mut rows: Vec<u32> = Vec::with_capacity(table.rows() - column.missing);
    table.each(index, |row, cell| rows.extend((!cell.is_missing()).then_some(row as u32)))?;
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
        _ if numeric && is_coded_class(table, index, rows.len())? => {
            let classes = count(column.distinct, "whole number");
            notices.push(format!(
                "target `{}` holds {classes}: taken as classes (declare it a number for regression)",
                column.name
            ));
            Some(Spelling::Number)
        }
        _ if numeric => None,
        (Some(Kind::Text | Kind::Category), _) | (_, Kind::Category) => Some(Spelling::Text),
        (_, Kind::Text | Kind::Date) if column.distinct > rows.len() / 2 && rows.len() > 10 => {
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
            let counts = class_counts(table, index, spelling)?;
            Task::Classification { classes: classes_of(counts, spelling, &place())? }
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

/// Every row, of which nothing is to be told.
pub(super) fn nothing(table: &RawTable) -> Target {
    let rows = (0..table.rows() as u32).collect();
    Target { task: Task::Rows { classes: Vec::new() }, rows, spelling: None, notices: Vec::new() }
}

/// As [`infer`], of several columns, which must be numbers.
pub(super) fn infer_several(
    table: &RawTable,
    schema: &Schema,
    indices: &[usize],
) -> Result<Target, DataError> {
    let mut problems = Problems::default();
    for column in indices.iter().map(|index| &schema.columns[*index]) {
        let place = Place::file(table.file()).column(&column.name);
        match column.numbers {
            None => problems.push(
                place,
                format!("one of several targets, but a {}", column.kind.word()),
                "several targets must all be numbers; a class is a target of its own",
            ),
            Some(range) if range.min == range.max => {
                problems.push(place, "every row has the same value", "leave it out of the targets");
            }
            Some(_) => {}
        }
    }
    problems.finish()?;
    let mut known = vec![true; table.rows()];
    for index in indices {
        table.each(*index, |row, cell| known[row] &= !cell.is_missing())?;
    }
    let rows: Vec<u32> = (0..table.rows() as u32).filter(|row| known[*row as usize]).collect();
    if rows.is_empty() {
        return Err(DataError::new(
            Place::file(table.file()),
            "no row has a value of every target",
            "choose other targets, or fill in the values that are known",
        ));
    }
    let mut notices = Vec::new();
    if rows.len() < table.rows() {
        let without = count(table.rows() - rows.len(), "row");
        notices.push(format!("{without} without a value of every target dropped"));
    }
    Ok(Target { task: Task::Regression, rows, spelling: None, notices })
}

/// Whether whole numbers are the codes of classes: at most 20 of them, each in 5 rows on average.
fn is_coded_class(table: &RawTable, column: usize, rows: usize) -> Result<bool, DataError> {
    let mut codes: Vec<i64> = Vec::new();
    let mut coded = true;
    table.each(column, |_, cell| {
        let Some(x) = cell.number().filter(|_| coded) else { return };
        coded = x == x.trunc() && x.abs() <= 1e15;
        if let Err(place) = codes.binary_search(&(x as i64)) {
            codes.insert(place, x as i64);
        }
        coded &= codes.len() <= 20;
    })?;
    Ok(coded && rows >= 5 * codes.len())
}

/// How many rows each class has, by its name.
pub(super) fn class_counts(
    table: &RawTable,
    column: usize,
    spelling: Spelling,
) -> Result<BTreeMap<String, usize>, DataError> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut codes: HashMap<u64, usize> = HashMap::new();
    table.each(column, |_, cell| {
        if cell.is_coded() {
            *codes.entry(cell.code).or_default() += 1;
        } else if let Some(text) = cell.value() {
            *counts.entry(spelling.name_of(&text, table.decimal_comma)).or_default() += 1;
        }
    })?;
    for (code, rows) in codes {
        if let Some(text) = table.decoded(column, code).value() {
            *counts.entry(spelling.name_of(&text, table.decimal_comma)).or_default() += rows;
        }
    }
    Ok(counts)
}

/// The sorted names of the classes, each of which needs a row to learn from and one to check with.
pub(super) fn classes_of(
    counts: BTreeMap<String, usize>,
    spelling: Spelling,
    place: &Place,
) -> Result<Vec<String>, DataError> {
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
    Ok(in_order(counts.into_keys(), spelling))
}

/// Names of classes in their order: by value where they are numbers.
pub(super) fn in_order(names: impl Iterator<Item = String>, spelling: Spelling) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    if spelling == Spelling::Number {
        let value = |name: &String| name.parse::<f64>().unwrap_or(f64::INFINITY);
        names.sort_by(|a, b| value(a).total_cmp(&value(b)));
    }
    names
}

fn one_value(place: Place, only: &str) -> DataError {
    DataError::new(
        place,
        format!("every row has the same target, {}: there is nothing to tell apart", quoted(only)),
        "choose another target, or add rows with other values",
    )
}

/// How often each name comes.
pub(super) fn counted(names: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}
