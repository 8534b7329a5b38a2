//! JSON lines: an object a line, each a row; its keys are the columns.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::builder::Builder;
use super::error::{DataError, Place, Problems, quoted};
use super::source::Source;
use super::table::RawTable;

/// The longest line, in bytes: 16 MiB.
const LONGEST: usize = 16 << 20;

/// Whether a file's name says that it holds JSON lines, gzipped or not.
pub(super) fn is_jsonl(name: &str) -> bool {
    let name = name.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    [".jsonl", ".ndjson"].iter().any(|extension| name.ends_with(extension))
}

/// Reads twice: for the names of the columns, which may come late, then for the rows. `open` gives
/// the same content both times.
pub(super) fn read<'s>(
    open: impl Fn() -> Result<Source<'s>, DataError>,
    memory: usize,
) -> Result<RawTable, DataError> {
    let source = open()?;
    let name = source.name.clone();
    let mut names = Vec::new();
    let mut columns: HashMap<String, usize> = HashMap::new();
    let mut problems = Problems::default();
    let cure = "each line is one flat JSON object, such as {\"size\": 1.5, \"kind\": \"oak\"}";
    each_line(source, |line, text| {
        let place = Place::file(&name).line(line);
        match serde_json::from_slice::<Object>(text) {
            Err(error) => problems.push(place, words_of(&error), cure),
            Ok(Object(cells)) => {
                let mut seen = HashSet::new();
                for (key, cell) in cells {
                    if !seen.insert(key.clone()) {
                        let what = format!("the key {} comes twice", quoted(&key));
                        problems.push(place.clone(), what, cure);
                    }
                    if !matches!(cell, Cell::Value(_)) {
                        let what = "is a list or an object, not one value";
                        let cure = "write its parts as keys of their own, or leave it out";
                        problems.push(place.clone().column(&key), what, cure);
                    }
                    if !columns.contains_key(&key) {
                        columns.insert(key.clone(), names.len());
                        names.push(key);
                    }
                }
            }
        }
        Ok(())
    })?;
    problems.finish()?;
    let mut builder = Builder::new(&name, false, memory);
    builder.keep_blank = true;
    let mut row = vec![String::new(); names.len()];
    builder.header(names, 1);
    each_line(open()?, |line, text| {
        row.iter_mut().for_each(String::clear);
        // It was read before: only a file that changed meanwhile fails.
        let Object(cells) = serde_json::from_slice(text).map_err(|error| {
            DataError::new(Place::file(&name).line(line), words_of(&error), cure)
        })?;
        for (key, cell) in cells {
            if let Some(place) = columns.get(&key).and_then(|at| row.get_mut(*at)) {
                *place = cell.value().unwrap_or_default();
            }
        }
        builder.row(row.iter().map(String::as_bytes), line)
    })?;
    builder.finish()
}

/// Shows every line with anything in it, with its number from 1.
pub(super) fn each_line(
    mut source: Source<'_>,
    mut see: impl FnMut(u64, &[u8]) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let (mut number, mut line) = (0, Vec::new());
    while source.line(&mut line, LONGEST)? {
        number += 1;
        let text = line.strip_prefix(b"\xEF\xBB\xBF").filter(|_| number == 1).unwrap_or(&line);
        if !text.trim_ascii().is_empty() {
            see(number, text)?;
        }
    }
    Ok(())
}

/// The parser's words without its own count of lines.
pub(super) fn words_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let column = error.column();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => format!("{what} at character {column}"),
        None => text,
    }
}

/// The keys and values of an object in their order.
pub(super) struct Object(pub(super) Vec<(String, Cell)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object, M::Error> {
                let mut cells = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    cells.push(entry);
                }
                Ok(Object(cells))
            }
        }
        from.deserialize_map(Keys)
    }
}

/// A value: as the text of a cell, or the texts of a list's values.
pub(super) enum Cell {
    /// One value; null is empty.
    Value(String),
    /// Those of a list; none where one is a list or an object itself.
    List(Vec<Option<String>>),
    /// An object.
    Nested,
}

impl Cell {
    /// The text of one value.
    pub(super) fn value(self) -> Option<String> {
        match self {
            Cell::Value(text) => Some(text),
            Cell::List(_) | Cell::Nested => None,
        }
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Cell;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Cell, E> {
                Ok(Cell::Value(value.to_string()))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Cell, E> {
                Ok(Cell::Value(value.to_string()))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Cell, E> {
                Ok(Cell::Value(value.to_string()))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Cell, E> {
                Ok(Cell::Value(value.to_string()))
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Cell, E> {
                Ok(Cell::Value(value.to_string()))
            }
            fn visit_unit<E: Error>(self) -> Result<Cell, E> {
                Ok(Cell::Value(String::new()))
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Cell, S::Error> {
                let mut values = Vec::new();
                while let Some(cell) = seq.next_element::<Cell>()? {
                    values.push(cell.value());
                }
                Ok(Cell::List(values))
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Cell, M::Error> {
                while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
                Ok(Cell::Nested)
            }
        }
        from.deserialize_any(Any)
    }
}
