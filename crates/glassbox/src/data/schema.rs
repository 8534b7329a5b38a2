use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::cell::Word;
use super::date::{DateOrder, Moment};
use super::error::{DataError, Place, Problems, quoted};
use super::table::{BOOLEANS, RawTable};
use crate::nearest::suggestion;

/// What was understood of a table: a line for each column. Shown by [`Schema::describe`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// The number of rows, without the header.
    pub rows: usize,
    /// The columns in the order of the file.
    pub columns: Vec<ColumnSchema>,
}

/// What was understood of one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnSchema {
    /// Its name in the header.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// How many rows have no value.
    pub missing: usize,
    /// How many different values there are.
    pub distinct: usize,
    /// The first value.
    pub example: Option<String>,
    /// Least, mean and greatest value, where the values are numbers.
    pub numbers: Option<Range>,
    /// What becomes of it.
    pub role: Role,
}

/// Least, mean and greatest value of a column, in its own unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// The least value.
    pub min: f64,
    /// The mean of the values that are not missing.
    pub mean: f64,
    /// The greatest value.
    pub max: f64,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Numbers that measure or count.
    Number,
    /// `true`/`false`, `yes`/`no`, `y`/`n`, `t`/`f` or `on`/`off`.
    Boolean,
    /// Dates, with or without a time of day.
    Date,
    /// One of a few values.
    Category,
    /// Free text or names, most rows having their own.
    Text,
    /// The same value in every row.
    Constant,
    /// No values at all.
    Empty,
}

impl Kind {
    /// The word for it, e.g. `number`.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Number => "number",
            Kind::Boolean => "boolean",
            Kind::Date => "date",
            Kind::Category => "category",
            Kind::Text => "text",
            Kind::Constant => "constant",
            Kind::Empty => "empty",
        }
    }
}

/// What becomes of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The model sees it.
    Input,
    /// The model learns to tell it.
    Target,
    /// It says how much each row counts.
    Weight,
    /// It is left out, for this reason.
    Dropped(String),
}

impl Schema {
    /// The schema as a table of plain text, a line for each column.
    ///
    /// ```
    /// let iris = glassbox::data::iris();
    /// let text = iris.schema.unwrap().describe();
    /// assert!(text.lines().next().unwrap().starts_with("column"));
    /// assert!(text.contains("species       category        0         3  setosa"));
    /// ```
    pub fn describe(&self) -> String {
        let mut table = vec![
            ["column", "type", "missing", "distinct", "example", "min", "mean", "max", "role"]
                .map(String::from),
        ];
        for column in &self.columns {
            let [min, mean, max] = match column.numbers {
                Some(range) => [range.min, range.mean, range.max].map(short_number),
                None => Default::default(),
            };
            let role = match &column.role {
                Role::Input => "input".into(),
                Role::Target => "target".into(),
                Role::Weight => "weight".into(),
                Role::Dropped(reason) => format!("dropped: {reason}"),
            };
            table.push([
                shortened(&column.name, 32),
                column.kind.word().into(),
                column.missing.to_string(),
                column.distinct.to_string(),
                shortened(column.example.as_deref().unwrap_or(""), 20),
                min,
                mean,
                max,
                role,
            ]);
        }
        aligned(&table)
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&ColumnSchema> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Four significant digits, without an exponent where the number is of a common size.
fn short_number(x: f64) -> String {
    let size = x.abs();
    if x == x.trunc() && size < 1e7 {
        format!("{x}")
    } else if (1e-3..1e7).contains(&size) {
        let decimals = (3 - size.log10().floor() as i32).max(0) as usize;
        format!("{x:.decimals$}")
    } else {
        format!("{x:.2e}")
    }
}

/// At most `most` characters of a text, on one line.
fn shortened(text: &str, most: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(most - 1) {
        Some((end, c)) if line.len() > end + c.len_utf8() => format!("{}…", &line[..end]),
        _ => line,
    }
}

/// Columns of a text table: numbers to the right, words to the left, two spaces between.
fn aligned<const N: usize>(table: &[[String; N]]) -> String {
    let width = |column: usize| {
        table.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let is_number =
        |heading: &str| matches!(heading, "missing" | "distinct" | "min" | "mean" | "max");
    let mut text = String::new();
    for row in table {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[column] - cell.chars().count());
            let to_the_right = table.first().is_some_and(|heading| is_number(&heading[column]));
            match to_the_right {
                true => line.push_str(&format!("{pad}{cell}  ")),
                false => line.push_str(&format!("{cell}{pad}  ")),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// More distinct values than this are not given one input each.
const MOST_CATEGORIES: usize = 100;

/// Infers the kind of every column, or takes it from `declared`; columns in `drop` are left out.
///
/// All columns are inputs or dropped afterwards: the target is chosen by the caller. With each
/// column comes whether its numbers count on from row to row.
pub(super) fn infer(
    table: &RawTable,
    declared: &BTreeMap<String, Kind>,
    drop: &[String],
) -> Result<(Schema, Vec<bool>), DataError> {
    let mut problems = Problems::default();
    let names: Vec<&str> = table.names().iter().map(String::as_str).collect();
    for name in declared.keys().chain(drop).filter(|name| !names.contains(&name.as_str())) {
        problems.push(
            Place::file(table.file()),
            format!("there is no column {}", quoted(name)),
            suggestion(name, "columns", &names),
        );
    }
    let mut columns = Vec::new();
    let mut counting = Vec::new();
    for (index, name) in table.names().iter().enumerate() {
        let values = Values::of(table, index)?;
        let dropped = drop.contains(name);
        let kind = match declared.get(name) {
            Some(kind) => *kind,
            None if dropped => values.kind_of_text(),
            None => values.kind(table, index, &mut problems)?,
        };
        if declared.get(name) == Some(&Kind::Number) && !dropped {
            report_strays(table, index, &mut problems)?;
        }
        let role = match dropped {
            true => Role::Dropped("asked for".into()),
            false => role(name, index, kind, &values),
        };
        counting.push(values.counting);
        columns.push(ColumnSchema {
            name: name.clone(),
            kind,
            missing: table.rows() - values.present,
            distinct: values.distinct,
            example: values.example,
            numbers: values.range.filter(|_| values.numbers == values.present),
            role,
        });
    }
    problems.finish()?;
    Ok((Schema { rows: table.rows(), columns }, counting))
}

/// What a pass over a column's values finds.
struct Values {
    present: usize,
    /// How many of them are numbers, and of those how many are integers.
    numbers: usize,
    integers: usize,
    /// Whether each number is one more than the one before.
    counting: bool,
    range: Option<Range>,
    /// How many different texts there are.
    distinct: usize,
    /// Whether no text that is not a number comes twice.
    single_strays: bool,
    /// Whether all texts are of one of the pairs of [`BOOLEANS`].
    boolean: bool,
    example: Option<String>,
}

impl Values {
    fn of(table: &RawTable, column: usize) -> Result<Self, DataError> {
        let mut values = Values {
            present: 0,
            numbers: 0,
            integers: 0,
            counting: true,
            range: None,
            distinct: 0,
            single_strays: true,
            boolean: false,
            example: None,
        };
        let mut before: Option<f64> = None;
        // Words are counted; what is in no dictionary is sorted.
        let words = table.words[column].all();
        let mut counts = vec![0usize; words.len()];
        let (mut decimals, mut long, mut long_strays) = (Vec::new(), Vec::new(), Vec::new());
        table.each(column, |_, cell| {
            if cell.is_missing() {
                return;
            }
            values.present += 1;
            if values.example.is_none() {
                values.example = Some(cell.text().into_owned());
            }
            let number = cell.number();
            match cell.word_place() {
                Some(place) => counts[place] += 1,
                None if cell.is_coded() => decimals.push(cell.code),
                None => {
                    let mut hash = DefaultHasher::new();
                    cell.text().hash(&mut hash);
                    long.push(hash.finish());
                    long_strays.extend(number.is_none().then(|| hash.finish()));
                }
            }
            let Some(x) = number else { return };
            values.numbers += 1;
            values.integers += usize::from(x == x.trunc());
            values.counting &= before.is_none_or(|before| x == before + 1.0);
            before = Some(x);
            let range = values.range.get_or_insert(Range { min: x, mean: 0.0, max: x });
            range.min = range.min.min(x);
            range.max = range.max.max(x);
            range.mean += (x - range.mean) / values.numbers as f64;
        })?;
        let used = words.iter().zip(&counts).filter(|(_, count)| **count > 0);
        let stray = |word: &Word| word.number.is_none();
        values.single_strays = used.clone().all(|(word, count)| !stray(word) || *count == 1)
            && distinct(&mut long_strays) == long_strays.len();
        let only_words = decimals.is_empty() && long.is_empty();
        values.boolean = only_words
            && BOOLEANS.iter().any(|(no, yes)| {
                used.clone().all(|(word, _)| {
                    word.text.eq_ignore_ascii_case(no) || word.text.eq_ignore_ascii_case(yes)
                })
            });
        values.distinct = used.count() + distinct(&mut decimals) + distinct(&mut long);
        Ok(values)
    }

    fn kind(
        &self,
        table: &RawTable,
        column: usize,
        problems: &mut Problems,
    ) -> Result<Kind, DataError> {
        let complete = self.present == table.rows();
        let one_value = self.distinct == 1
            || (self.numbers == self.present && self.range.is_some_and(|r| r.min == r.max));
        Ok(if self.present == 0 {
            Kind::Empty
        } else if one_value && complete {
            Kind::Constant
        } else if self.numbers == self.present {
            Kind::Number
        } else if self.boolean {
            Kind::Boolean
        } else if self.numbers == 0 && date_order(table, column)?.is_some() {
            Kind::Date
        } else {
            if self.is_number_with_strays() {
                report_strays(table, column, problems)?;
            }
            self.kind_of_text()
        })
    }

    /// Category or text: few values that come again and again, or (nearly) one a row.
    fn kind_of_text(&self) -> Kind {
        let distinct = self.distinct;
        let recurring = distinct <= self.present / 2 || (distinct <= 10 && distinct < self.present);
        match recurring && distinct <= MOST_CATEGORIES {
            true => Kind::Category,
            false => Kind::Text,
        }
    }

    /// Whether almost all values are numbers, and the others rather mistakes than categories.
    fn is_number_with_strays(&self) -> bool {
        let strays = self.present - self.numbers;
        let almost_all = self.numbers >= 9 * strays || (strays == 1 && self.numbers >= 3);
        almost_all && (self.single_strays || self.kind_of_text() == Kind::Text)
    }
}

/// Sorts the codes; how many different ones there are.
fn distinct(codes: &mut [u64]) -> usize {
    codes.sort_unstable();
    codes.chunk_by(|a, b| a == b).count()
}

/// Which way round a column writes its dates, and whether another way would fit, too; none where
/// some value is no date.
pub(super) fn date_order(
    table: &RawTable,
    column: usize,
) -> Result<Option<(DateOrder, bool)>, DataError> {
    let mut orders = DateOrder::ALL.to_vec();
    table.each(column, |_, cell| {
        if orders.is_empty() || cell.is_missing() {
            return;
        }
        let text = if cell.code_is_text() { cell.text() } else { Default::default() };
        orders.retain(|order| Moment::read(&text, *order).is_some());
    })?;
    Ok(orders.first().map(|order| (*order, orders.len() > 1)))
}

fn report_strays(
    table: &RawTable,
    column: usize,
    problems: &mut Problems,
) -> Result<(), DataError> {
    table.each(column, |row, cell| {
        if !cell.is_missing() && cell.number().is_none() {
            problems.push(
                table.place(row, column),
                format!("{} is not a number", quoted(&cell.text())),
                "write plain numbers such as 1234.5, leave unknown ones empty, \
                 or declare the column a category or drop it",
            );
        }
    })
}

fn role(name: &str, index: usize, kind: Kind, values: &Values) -> Role {
    let distinct = values.distinct;
    let dropped = |reason: String| Role::Dropped(reason);
    match kind {
        Kind::Empty => dropped("no values".into()),
        Kind::Constant => dropped("the same value in every row".into()),
        Kind::Text if distinct > values.present / 2 => dropped(format!(
            "an identifier or free text, {distinct} different values in {} rows",
            values.present
        )),
        Kind::Text => {
            dropped(format!("free text, {distinct} values are too many for an input each"))
        }
        Kind::Number if is_row_identifier(name, index, values) => {
            dropped("an identifier that numbers the rows".into())
        }
        Kind::Number | Kind::Boolean | Kind::Date | Kind::Category => Role::Input,
    }
}

/// Whether a column of integers, mostly different ones, is named like an identifier, or is a first
/// column without a name that counts the rows (as pandas writes its index).
fn is_row_identifier(name: &str, index: usize, values: &Values) -> bool {
    const NAMES: [&str; 16] = [
        "id",
        "ids",
        "idx",
        "index",
        "key",
        "row",
        "rowid",
        "rownum",
        "rownumber",
        "rownames",
        "recordid",
        "no",
        "nr",
        "number",
        "#",
        "uuid",
    ];
    let plain: String = name.to_lowercase().chars().filter(|c| !" _-.".contains(*c)).collect();
    let named = NAMES.contains(&plain.as_str())
        || ["_id", " id", "-id", ".id"].iter().any(|end| name.to_lowercase().ends_with(end))
        || (name.ends_with("Id") || name.ends_with("ID")) && name.len() > 2;
    let unnamed = index == 0 && (name == "column_1" || plain.starts_with("unnamed"));
    let integers = values.integers == values.present && values.present > 1;
    let mostly_different = values.distinct > values.present / 2;
    integers && ((named && mostly_different) || (unnamed && values.counting))
}

/// Columns of the inputs that count the rows although their name does not say so: they may be
/// measurements (days, steps) or mere row numbers, so the user is told. `counting` says of each
/// column whether its numbers count on.
pub(super) fn suspicious_counters(schema: &Schema, counting: &[bool]) -> Vec<String> {
    let suspicious = |(column, counting): &(&ColumnSchema, &bool)| {
        **counting
            && column.role == Role::Input
            && column.kind == Kind::Number
            && column.distinct == schema.rows
            && schema.rows >= 10
    };
    let columns = schema.columns.iter().zip(counting).filter(suspicious);
    columns
        .map(|(c, _)| {
            format!("column `{}` counts the rows; drop it if it is only their number", c.name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_with_four_digits() {
        assert_eq!(short_number(5.843333), "5.843");
        assert_eq!(short_number(150.0), "150");
        assert_eq!(short_number(-0.01234567), "-0.01235");
        assert_eq!(short_number(206855.8169), "206856");
        assert_eq!(short_number(1.5e12), "1.50e12");
    }

    #[test]
    fn long_texts_are_cut_and_stay_on_one_line() {
        assert_eq!(shortened("short", 5), "short");
        assert_eq!(shortened("longer", 5), "long…");
        assert_eq!(shortened("a\nb", 5), "a b");
    }
}
