//! Configuration values that remember where they were written.

use std::collections::BTreeMap;
use std::fmt;

use toml::de::{DeInteger, DeTable, DeValue};

use super::{ConfigProblem, Numbers};

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A line of the file, counted from 1.
    Line(usize),
    /// An override, as given.
    Setting(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(line) => write!(f, "line {line}"),
            Place::Setting(text) => write!(f, "--set {text}"),
        }
    }
}

/// A value and where its key was written.
#[derive(Clone, Debug)]
pub(super) struct Located {
    pub place: Place,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    Number(f64),
    Flag(bool),
    List(Vec<Located>),
    Table(Table),
    Other(&'static str),
}

pub(super) type Table = BTreeMap<String, Located>;

impl Value {
    /// What it is, for "expected …, found …".
    pub fn describe(&self) -> String {
        match self {
            Value::Text(text) => format!("the text \"{text}\""),
            Value::Whole(number) => format!("the number {number}"),
            Value::Number(number) => format!("the number {number}"),
            Value::Flag(flag) => format!("{flag}"),
            Value::List(_) => "a list".into(),
            Value::Table(_) => "a table".into(),
            Value::Other(what) => (*what).into(),
        }
    }

    pub fn numbers(&self) -> Result<Numbers, String> {
        match self {
            Value::Whole(number) => Ok(Numbers::One(*number as f64)),
            Value::Number(number) => Ok(Numbers::One(*number)),
            Value::List(items) => items
                .iter()
                .map(|item| item.value.numbers())
                .collect::<Result<_, _>>()
                .map(Numbers::Many),
            other => Err(format!("expected numbers, found {}", other.describe())),
        }
    }
}

/// Parses a file; problems of syntax are collected, and what could be read is given back.
pub(super) fn parse(text: &str) -> (Table, Vec<ConfigProblem>) {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut problems = Vec::new();
    for error in errors {
        let place = error.span().map(|span| Place::Line(lines.line(span.start)).to_string());
        let message = error.message().replace('\n', ", ");
        problems.push(ConfigProblem { place: place.unwrap_or_default(), message });
    }
    (located_table(table.get_ref(), &|offset| Place::Line(lines.line(offset))), problems)
}

/// Parses the value of an override: TOML, or else a bare word taken as text.
pub(super) fn parse_setting(text: &str, setting: &str) -> Value {
    let line = format!("value = {text}");
    let place = |_| Place::Setting(setting.to_owned());
    DeTable::parse(&line)
        .ok()
        .map(|table| located_table(table.get_ref(), &place))
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("value"))
        .map_or_else(|| Value::Text(text.to_owned()), |located| located.value)
}

/// Byte offsets at which lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        Lines(std::iter::once(0).chain(breaks.map(|(offset, _)| offset + 1)).collect())
    }

    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|&begin| begin <= offset)
    }
}

fn located_table(table: &DeTable<'_>, place: &dyn Fn(usize) -> Place) -> Table {
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let key: &toml::Spanned<toml::de::DeString<'_>> = key;
        let located =
            Located { place: place(key.span().start), value: located(value.get_ref(), place) };
        (key.get_ref().to_string(), located)
    };
    table.iter().map(entry).collect()
}

fn located(value: &DeValue<'_>, place: &dyn Fn(usize) -> Place) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => {
            whole(number).map_or(Value::Other("a number too large"), Value::Whole)
        }
        DeValue::Float(number) => {
            number.as_str().parse().map_or(Value::Other("an unreadable number"), Value::Number)
        }
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| Located {
                    place: place(item.span().start),
                    value: located(item.get_ref(), place),
                })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(located_table(table, place)),
    }
}

fn whole(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}
