use std::borrow::Cow;
use std::sync::Arc;

use super::builder::Builder;
use super::cell::{Cell, Words};
use super::error::{DataError, Place};
use super::fingerprint::Fingerprint;
use super::spool::Stored;

/// A table as it stands in its file: names and cells of text, nothing interpreted yet.
///
/// This is what [`Preparation::apply`](super::Preparation::apply) takes, so that predicting needs
/// no more than the file itself.
///
/// ```
/// use glassbox::data::RawTable;
/// let table = RawTable::from_bytes("pets.csv", b"name;legs\n\"Rex; the dog\";4\nTweety;2\n")?;
/// assert_eq!((table.rows(), table.names()), (2, &["name".to_string(), "legs".to_string()][..]));
/// assert_eq!(table.cell(0, 0), "Rex; the dog");
/// assert_eq!(table.number(1, 1), Some(2.0));
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
///
/// A cell takes 8 bytes. A table beyond [`MEMORY`] lives in a temporary file that has no name (in
/// the system's folder for such files, or that of the environment variable `TMPDIR`).
#[derive(Clone, Debug)]
pub struct RawTable {
    pub(super) file: String,
    pub(super) names: Vec<String>,
    /// The dictionary of each column.
    pub(super) words: Vec<Words>,
    /// Codes of cells, in groups of rows; a group holds one column after the other.
    pub(super) cells: Arc<Stored<u64>>,
    /// Texts that are in no dictionary.
    pub(super) long: Arc<Stored<u8>>,
    pub(super) rows: usize,
    /// Rows of a group; the last one has what is left.
    pub(super) group: usize,
    pub(super) lines: Lines,
    /// Whether `1,5` is a number: so in files that separate their cells by `;`.
    pub(super) decimal_comma: bool,
    pub(super) notices: Vec<String>,
}

/// How many bytes of rows are kept in memory, unless options say otherwise: 128 MiB.
pub const MEMORY: usize = 128 << 20;

impl RawTable {
    /// A table of rows that are already in memory, `names.len()` cells each.
    ///
    /// # Errors
    /// No columns or no rows, two columns of one name, a row of another length.
    ///
    /// ```
    /// use glassbox::data::RawTable;
    /// let table = RawTable::from_rows(&["dose"], &[vec!["0.5"], vec!["1"]])?;
    /// assert_eq!(table.rows(), 2);
    /// # Ok::<(), glassbox::data::DataError>(())
    /// ```
    pub fn from_rows<S: AsRef<str>>(names: &[S], rows: &[Vec<S>]) -> Result<Self, DataError> {
        let mut builder = Builder::new("the table", false, MEMORY);
        builder.keep_blank = true;
        builder.header(names.iter().map(|n| n.as_ref().to_string()).collect(), 1);
        for (i, row) in rows.iter().enumerate() {
            builder.row(row.iter().map(|cell| cell.as_ref().as_bytes()), i as u64 + 1)?;
        }
        builder.finish()
    }

    /// The name of the file, as it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The names of the columns, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of rows, without the header.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.names.len()
    }

    /// Where the column of this name stands.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// What separates the cells where the table is written again: `;` where `1,5` is a number.
    pub fn separator(&self) -> char {
        if self.decimal_comma { ';' } else { ',' }
    }

    /// What was passed over while reading, in words.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The text of a cell without surrounding white space; empty beyond the table.
    pub fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        self.at(row, column).map(Cell::text).unwrap_or_default()
    }

    /// The text of a cell; none where the value is [missing](is_missing).
    pub fn value(&self, row: usize, column: usize) -> Option<Cow<'_, str>> {
        self.at(row, column).and_then(Cell::value)
    }

    /// The number in a cell; none where the value is missing or not a number that fits 32 bits.
    pub fn number(&self, row: usize, column: usize) -> Option<f64> {
        self.at(row, column).and_then(Cell::number)
    }

    /// The line of a row in its file, from 1; 0 beyond the table.
    pub fn line(&self, row: usize) -> u64 {
        if row < self.rows { self.lines.of(row) } else { 0 }
    }

    /// The place of a cell, for a message.
    pub(super) fn place(&self, row: usize, column: usize) -> Place {
        let place = Place::file(&self.file).line(self.line(row));
        match self.names.get(column) {
            Some(name) => place.column(name),
            None => place,
        }
    }

    /// Where the codes of a column begin in the group of `row`, the group's first row and its
    /// number of rows.
    fn group_of(&self, row: usize, column: usize) -> (u64, usize, usize) {
        let first = row - row % self.group;
        let rows = self.group.min(self.rows - first);
        ((first * self.columns() + column * rows) as u64, first, rows)
    }

    fn at(&self, row: usize, column: usize) -> Option<Cell<'_>> {
        if row >= self.rows || column >= self.columns() {
            return None;
        }
        let (start, first, _) = self.group_of(row, column);
        let mut code = [0];
        self.cells.read(start + (row - first) as u64, &mut code).ok()?;
        Some(self.decoded(column, code[0]))
    }

    pub(super) fn decoded(&self, column: usize, code: u64) -> Cell<'_> {
        let words = &self.words[column];
        Cell { code, words, long: &self.long, comma: self.decimal_comma }
    }

    /// How many rows from `row` on can be read at once.
    pub(super) fn rows_at_once(&self, row: usize) -> usize {
        (self.group - row % self.group).min(self.rows.saturating_sub(row))
    }

    /// Reads the codes of a column from `row` on, of rows that can be read [at once].
    ///
    /// [at once]: RawTable::rows_at_once
    pub(super) fn codes(
        &self,
        column: usize,
        row: usize,
        out: &mut [u64],
    ) -> Result<(), DataError> {
        let (start, first, _) = self.group_of(row, column);
        self.cells.read(start + (row - first) as u64, out)
    }

    /// Shows every cell of a column, in order.
    ///
    /// # Errors
    /// A temporary file that cannot be read.
    pub(super) fn each(
        &self,
        column: usize,
        mut see: impl FnMut(usize, Cell<'_>),
    ) -> Result<(), DataError> {
        let mut codes = vec![0; self.group.min(self.rows)];
        let mut row = 0;
        while row < self.rows {
            let codes = &mut codes[..self.rows_at_once(row)];
            self.codes(column, row, codes)?;
            for code in codes {
                see(row, self.decoded(column, *code));
                row += 1;
            }
        }
        Ok(())
    }

    /// As [`each`](Self::each), of these rows only, which are ascending.
    pub(super) fn each_of(
        &self,
        column: usize,
        rows: &[u32],
        mut see: impl FnMut(usize, Cell<'_>),
    ) -> Result<(), DataError> {
        let mut wanted = rows.iter().map(|row| *row as usize).peekable();
        self.each(column, |row, cell| {
            if wanted.next_if_eq(&row).is_some() {
                see(row, cell);
            }
        })
    }

    /// The hash of names and cells: the same whatever delimiter, quotes and line ends the file used.
    pub(super) fn fingerprint(&self) -> Result<Fingerprint, DataError> {
        let mut hash = Fingerprint::new();
        hash.sizes(&[self.rows, self.columns()]);
        // No text contains the byte 0xFF in UTF-8.
        for name in &self.names {
            hash.bytes(name.bytes().chain([0xFF]));
        }
        let mut codes = Vec::new();
        let mut text = Vec::new();
        let mut row = 0;
        while row < self.rows {
            let rows = self.rows_at_once(row);
            codes.resize(rows * self.columns(), 0);
            self.codes(0, row, &mut codes)?;
            for row in 0..rows {
                text.clear();
                for column in 0..self.columns() {
                    self.decoded(column, codes[column * rows + row]).write_text(&mut text);
                    text.push(0xFF);
                }
                hash.bytes(text.iter().copied());
            }
            row += rows;
        }
        Ok(hash)
    }
}

/// The line of each row: mostly one more than that of the row before.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    /// A row and its line, wherever it is another than that.
    breaks: Vec<(u32, u64)>,
}

impl Lines {
    /// Says the line of the next row.
    pub(super) fn push(&mut self, row: usize, line: u64) {
        if self.breaks.is_empty() || self.of(row) != line {
            self.breaks.push((row as u32, line));
        }
    }

    fn of(&self, row: usize) -> u64 {
        let after = self.breaks.partition_point(|(first, _)| *first as usize <= row);
        match after.checked_sub(1).and_then(|at| self.breaks.get(at)) {
            Some((first, line)) => line + (row as u64 - u64::from(*first)),
            None => 0,
        }
    }
}

/// Whether a cell says that its value is not known: empty, `NA`, `N/A`, `NaN`, `null` (in any
/// case), `?` or `-`.
pub fn is_missing(cell: &str) -> bool {
    let cell = cell.trim();
    matches!(cell, "" | "?" | "-")
        || ["na", "n/a", "nan", "null"].iter().any(|word| cell.eq_ignore_ascii_case(word))
}

/// A finite number that a 32-bit float can hold, `.` before its decimals (or `,` where the table's
/// cells are separated by `;`).
pub(super) fn parse_number(cell: &str, decimal_comma: bool) -> Option<f64> {
    let parsed = match cell.parse::<f64>() {
        Ok(number) => number,
        Err(_) if decimal_comma && cell.matches(',').count() == 1 && !cell.contains('.') => {
            cell.replace(',', ".").parse().ok()?
        }
        Err(_) => return None,
    };
    (parsed.abs() <= f64::from(f32::MAX)).then_some(parsed)
}

/// The pairs of words that mean false and true; a column is boolean when it keeps to one pair.
pub(super) const BOOLEANS: [(&str, &str); 5] =
    [("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("off", "on")];

/// What a word of one of the [`BOOLEANS`] means, in any case.
pub(super) fn parse_boolean(cell: &str) -> Option<bool> {
    BOOLEANS.iter().find_map(|(no, yes)| {
        let is_yes = cell.eq_ignore_ascii_case(yes);
        (is_yes || cell.eq_ignore_ascii_case(no)).then_some(is_yes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_marks_of_a_missing_value_are_known_in_any_case() {
        for cell in ["", "  ", "NA", "na", "N/A", "n/a", "NaN", "nan", "null", "NULL", "?", "-"] {
            assert!(is_missing(cell), "{cell}");
        }
        for cell in ["0", "none", "Nancy", "--", "-1"] {
            assert!(!is_missing(cell), "{cell}");
        }
    }

    #[test]
    fn numbers_are_finite_and_fit_32_bits() {
        assert_eq!(parse_number("-1.5e3", false), Some(-1500.0));
        assert_eq!(parse_number("+.5", false), Some(0.5));
        for cell in ["inf", "1e39", "1e999", "1,5", "0x10", "12 kg", "$3"] {
            assert_eq!(parse_number(cell, false), None, "{cell}");
        }
    }

    #[test]
    fn a_decimal_comma_counts_only_where_cells_are_separated_otherwise() {
        assert_eq!(parse_number("1,5", true), Some(1.5));
        assert_eq!(parse_number("1.5", true), Some(1.5));
        assert_eq!(parse_number("1.000,5", true), None);
    }
}
