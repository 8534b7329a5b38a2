use super::error::{DataError, Place};

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
#[derive(Clone, Debug, PartialEq)]
pub struct RawTable {
    pub(super) file: String,
    pub(super) names: Vec<String>,
    /// All cells, row-major, one after another.
    pub(super) text: String,
    /// Where each cell ends in `text`.
    pub(super) ends: Vec<usize>,
    /// The line of each row in the file, from 1.
    pub(super) lines: Vec<u64>,
    /// Whether `1,5` is a number: so in files that separate their cells by `;`.
    pub(super) decimal_comma: bool,
    pub(super) notices: Vec<String>,
}

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
        let mut builder = super::csv::Builder::new("the table", false);
        builder.keep_blank = true;
        builder.header(names.iter().map(|n| n.as_ref().to_string()).collect(), 1);
        for (i, row) in rows.iter().enumerate() {
            builder.row(row.iter().map(AsRef::as_ref), i as u64 + 1);
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
        self.lines.len()
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.names.len()
    }

    /// Where the column of this name stands.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// What was passed over while reading, in words.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The text of a cell without surrounding white space; empty beyond the table.
    pub fn cell(&self, row: usize, column: usize) -> &str {
        if column >= self.columns() {
            return "";
        }
        let at = row.saturating_mul(self.columns()).saturating_add(column);
        let start = at.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or(0);
        let end = self.ends.get(at).copied().unwrap_or(start);
        self.text.get(start..end).unwrap_or("").trim()
    }

    /// The text of a cell; none where the value is [missing](is_missing).
    pub fn value(&self, row: usize, column: usize) -> Option<&str> {
        Some(self.cell(row, column)).filter(|cell| !is_missing(cell))
    }

    /// The number in a cell; none where the value is missing or not a number that fits 32 bits.
    pub fn number(&self, row: usize, column: usize) -> Option<f64> {
        self.value(row, column).and_then(|cell| parse_number(cell, self.decimal_comma))
    }

    /// The line of a row in its file, from 1; 0 beyond the table.
    pub fn line(&self, row: usize) -> u64 {
        self.lines.get(row).copied().unwrap_or(0)
    }

    /// The place of a cell, for a message.
    pub(super) fn place(&self, row: usize, column: usize) -> Place {
        let place = Place::file(&self.file).line(self.line(row));
        match self.names.get(column) {
            Some(name) => place.column(name),
            None => place,
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
