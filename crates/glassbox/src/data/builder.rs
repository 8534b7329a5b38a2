//! Puts a table together row by row, whatever the source, and collects what is wrong with it.

use std::collections::HashMap;
use std::sync::Arc;

use super::cell::{EMPTY, LONGEST, Words, decimal, long};
use super::error::{DataError, Place, Problems, count, quoted};
use super::spool::Spool;
use super::table::{Lines, RawTable, is_missing};

/// Cells of a group of rows, which is written at once: 8 MiB.
const GROUP_CELLS: usize = 1 << 20;
/// Rows of a group at most.
const GROUP_ROWS: usize = 1 << 16;
/// What the dictionaries of all columns may take, in bytes: 64 MiB.
const WORDS: usize = 64 << 20;

/// A table in the making.
pub(super) struct Builder {
    file: String,
    names: Vec<String>,
    words: Vec<Words>,
    /// What the dictionaries may still take.
    room: usize,
    /// Codes of the rows that are not written yet, one row after the other.
    codes: Vec<u64>,
    group: usize,
    cells: Spool<u64>,
    long: Spool<u8>,
    rows: usize,
    lines: Lines,
    decimal_comma: bool,
    /// Whether rows without any value are rows, as they are in memory, or blank lines of a file.
    pub(super) keep_blank: bool,
    blank: usize,
    notices: Vec<String>,
    pub(super) problems: Problems,
}

impl Builder {
    /// A table that keeps `memory` bytes of its cells in memory, and the rest in a file.
    pub(super) fn new(file: &str, decimal_comma: bool, memory: usize) -> Self {
        Builder {
            file: file.into(),
            names: Vec::new(),
            words: Vec::new(),
            room: WORDS,
            codes: Vec::new(),
            group: GROUP_ROWS,
            cells: Spool::new(memory),
            long: Spool::new(memory),
            rows: 0,
            lines: Lines::default(),
            decimal_comma,
            keep_blank: false,
            blank: 0,
            notices: Vec::new(),
            problems: Problems::default(),
        }
    }

    /// Whether the names of the columns are known.
    pub(super) fn has_header(&self) -> bool {
        !self.names.is_empty()
    }

    /// Takes the names of the columns; unnamed ones are called `column_N`.
    pub(super) fn header(&mut self, names: Vec<String>, line: u64) {
        let place = || Place::file(&self.file).line(line);
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (i, name) in names.iter().enumerate() {
            let name = match name.trim() {
                "" => {
                    let made = format!("column_{}", i + 1);
                    self.notices.push(format!("column {} has no name; called `{made}`", i + 1));
                    made
                }
                name => name.to_string(),
            };
            if let Some(first) = seen.insert(name.clone(), i + 1) {
                self.problems.push(
                    place().column(&name),
                    format!("columns {first} and {} have the same name", i + 1),
                    "give every column its own name",
                );
            }
            self.names.push(name);
        }
        self.words = vec![Words::default(); self.names.len()];
        self.group = (GROUP_CELLS / self.names.len().max(1)).clamp(1, GROUP_ROWS);
        // Where names are kept apart from values, none is taken for one.
        if !self.keep_blank && looks_like_values(&self.names) {
            self.problems.push(
                place(),
                format!("the first line holds values ({}), not names", self.names.join(", ")),
                "put a line with the names of the columns first",
            );
        }
    }

    /// Keeps what is to be known about the table, in words.
    #[cfg(feature = "parquet")]
    pub(super) fn notice(&mut self, notice: String) {
        self.notices.push(notice);
    }

    /// Takes a row; `line` is where it stands, for messages.
    ///
    /// # Errors
    /// A temporary file that cannot be written. What is wrong with the row is kept for the end.
    pub(super) fn row<'c>(
        &mut self,
        cells: impl Iterator<Item = &'c [u8]> + Clone,
        line: u64,
    ) -> Result<(), DataError> {
        let found = cells.clone().count();
        // In a table of one column an empty cell is a missing value, not a blank line.
        let blank = !self.keep_blank && (found != 1 || self.names.len() > 1);
        if blank && cells.clone().all(|cell| trimmed(cell).is_empty()) {
            self.blank += 1;
            return Ok(());
        }
        if found != self.names.len() {
            let what =
                format!("{}, but the header has {}", count(found, "field"), self.names.len());
            let cure = match cells.clone().any(|cell| cell.contains(&b'\n')) {
                true => {
                    "a quoted cell goes on over the end of the line: check that its quote is closed"
                }
                false => {
                    "write one value for each column; quote (\") a value that holds the delimiter"
                }
            };
            self.problems.push(Place::file(&self.file).line(line), what, cure);
        }
        if !self.problems.is_empty() {
            return Ok(());
        }
        if self.rows == u32::MAX as usize {
            let what = "more than 4,294,967,295 rows";
            return Err(DataError::new(Place::file(&self.file), what, "take a part of them"));
        }
        for (column, cell) in cells.enumerate() {
            let code = self.code(column, trimmed(cell), line)?;
            self.codes.push(code);
        }
        self.lines.push(self.rows, line);
        self.rows += 1;
        if self.rows.is_multiple_of(self.group) {
            self.write_group()?;
        }
        Ok(())
    }

    fn code(&mut self, column: usize, cell: &[u8], line: u64) -> Result<u64, DataError> {
        if cell.is_empty() {
            return Ok(EMPTY);
        }
        if let Some(code) = decimal(cell, self.decimal_comma) {
            return Ok(code);
        }
        let text = std::str::from_utf8(cell).unwrap_or_default();
        if let Some(code) = self.words[column].code(text, self.decimal_comma, &mut self.room) {
            return Ok(code);
        }
        let Some(code) = long(self.long.len(), text) else {
            let most = LONGEST >> 20;
            let what = format!(
                "texts that are too long: a cell takes at most {most} MiB, a table 256 GiB"
            );
            return Err(DataError::new(Place::file(&self.file).line(line), what, "shorten them"));
        };
        self.long.push(cell)?;
        Ok(code)
    }

    /// Writes the rows that are not written yet, column by column.
    fn write_group(&mut self) -> Result<(), DataError> {
        let columns = self.names.len().max(1);
        let mut column_codes = Vec::with_capacity(self.codes.len() / columns);
        for column in 0..columns {
            column_codes.clear();
            column_codes.extend(self.codes.iter().skip(column).step_by(columns));
            self.cells.push(&column_codes)?;
        }
        self.codes.clear();
        Ok(())
    }

    /// Ends the table.
    ///
    /// # Errors
    /// Everything that was wrong with it; no columns or no rows.
    pub(super) fn finish(mut self) -> Result<RawTable, DataError> {
        if self.names.is_empty() {
            let cure = "a table needs a name for each column and at least one row";
            self.problems.push(Place::file(&self.file), "there are no columns", cure);
        } else if self.rows == 0 && self.problems.is_empty() {
            let names = self.names.iter().take(6).map(|n| quoted(n)).collect::<Vec<_>>().join(", ");
            let what = format!("a header ({names}), but no rows");
            self.problems.push(Place::file(&self.file), what, "add a line for each row");
        }
        self.write_group()?;
        self.problems.finish()?;
        if self.blank > 0 {
            self.notices.push(format!("{} skipped", count(self.blank, "blank row")));
        }
        Ok(RawTable {
            file: self.file,
            names: self.names,
            words: self.words,
            cells: Arc::new(self.cells.finish()?),
            long: Arc::new(self.long.finish()?),
            rows: self.rows,
            group: self.group,
            lines: self.lines,
            decimal_comma: self.decimal_comma,
            notices: self.notices,
        })
    }
}

/// A cell without surrounding white space.
fn trimmed(cell: &[u8]) -> &[u8] {
    match cell {
        [] => cell,
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => cell,
        _ => std::str::from_utf8(cell).map_or(cell, |text| text.trim().as_bytes()),
    }
}

/// Whether a header is a row of values: all names (or all but one) are numbers, and not numbers
/// that count on from one to the next, as columns named 0, 1, 2 … or by years do.
fn looks_like_values(names: &[String]) -> bool {
    let numbers: Vec<f64> = names.iter().filter_map(|name| name.parse().ok()).collect();
    let counts = numbers.windows(2).all(|pair| pair[1] == pair[0] + 1.0);
    let missing = names.iter().any(|name| is_missing(name));
    names.len() > 1 && !missing && numbers.len() > 1 && numbers.len() + 1 >= names.len() && !counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_values_is_told_from_columns_that_are_numbered() {
        let names = |text: &str| text.split(',').map(str::to_string).collect::<Vec<_>>();
        assert!(looks_like_values(&names("5.1,3.5,1.4,0.2,setosa")));
        assert!(looks_like_values(&names("7,2,9")));
        assert!(!looks_like_values(&names("0,1,2,3")));
        assert!(!looks_like_values(&names("2019,2020,2021,country")));
        assert!(!looks_like_values(&names("x,y")));
        assert!(!looks_like_values(&names("1")));
    }
}
