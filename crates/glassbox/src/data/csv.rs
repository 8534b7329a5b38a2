//! From bytes to a [`RawTable`]: encoding, delimiter, quotes, blank and ragged lines.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::error::{DataError, Place, Problems, count, quoted};
use super::table::{RawTable, is_missing};

/// The largest table that is read, in bytes once decompressed: 4 GiB.
const LARGEST: u64 = 4 << 30;

impl RawTable {
    /// Reads a CSV file, gzipped or not. See [`RawTable::from_bytes`].
    ///
    /// # Errors
    /// A file that cannot be read or decompressed, and whatever `from_bytes` finds.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let (name, bytes) = read_bytes(path.as_ref())?;
        Self::from_bytes(&name, &bytes)
    }

    /// Reads the text of a CSV file: UTF-8, with or without a byte order mark, a header line, cells
    /// separated by `,` `;` tab or `|` (whichever the header has most of), quoted by `"` where
    /// needed, lines ended by LF or CRLF. Blank lines are skipped.
    ///
    /// # Errors
    /// Every problem at once, each with its line: no header or no rows, another encoding, two
    /// columns of one name, rows with more or fewer cells than the header, a quote that is never
    /// closed.
    pub fn from_bytes(file: &str, bytes: &[u8]) -> Result<Self, DataError> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        check_encoding(file, bytes)?;
        let Some(delimiter) = sniff_delimiter(bytes) else {
            return Err(DataError::new(
                Place::file(file),
                "the file is empty",
                "a table needs a line of column names and a line for each row",
            ));
        };
        let mut builder = Builder::new(file, delimiter == b';');
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(bytes);
        let mut lines = Lines { bytes, at: 0, line: 1 };
        let mut record = csv::StringRecord::new();
        let mut last_start = 0;
        loop {
            let start = reader.position().byte() as usize;
            match reader.read_record(&mut record) {
                Ok(false) => break,
                Ok(true) => {
                    let (line, first_byte) = lines.skip_to_record(start);
                    last_start = first_byte;
                    if builder.names.is_empty() {
                        if record.len() == 1 && record.iter().all(|c| c.trim().is_empty()) {
                            continue;
                        }
                        builder.header(record.iter().map(str::to_string).collect(), line);
                    } else {
                        builder.row(record.iter(), line);
                    }
                }
                // Encoding was checked and ragged rows are allowed here: nothing else can fail.
                Err(error) => {
                    builder.problems.push(Place::file(file), error.to_string(), "");
                    break;
                }
            }
        }
        if let Some(line) = unclosed_quote(bytes, last_start, delimiter) {
            // What looks like a last, ragged row is the rest of the file in one cell.
            return Err(DataError::new(
                Place::file(file).line(line),
                "a quote (\") is opened here and never closed",
                "close the quote; a quote inside a quoted cell is written twice (\"\")",
            ));
        }
        builder.finish()
    }
}

/// The bytes of a file (decompressed where it is gzipped) and its name for messages.
pub(super) fn read_bytes(path: &Path) -> Result<(String, Vec<u8>), DataError> {
    let name = path.display().to_string();
    let failed = |what: String, cure: &str| DataError::new(Place::file(&name), what, cure);
    let mut bytes = Vec::new();
    let file = File::open(path)
        .map_err(|e| failed(format!("cannot be opened: {e}"), "check the path and its rights"))?;
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| failed(format!("cannot be read: {e}"), "check the file and the disk"))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(&bytes[..]).take(LARGEST + 1).read_to_end(&mut plain).map_err(|e| {
            failed(
                format!("is gzipped, but broken after {} bytes of content: {e}", plain.len()),
                "copy or download the file again",
            )
        })?;
        bytes = plain;
    }
    if bytes.len() as u64 > LARGEST {
        return Err(failed("is larger than 4 GiB".into(), "take a part of the rows"));
    }
    Ok((name, bytes))
}

/// Refuses what is not UTF-8 text, with the line of the first wrong byte.
fn check_encoding(file: &str, bytes: &[u8]) -> Result<(), DataError> {
    let line_of = |at: usize| 1 + bytes[..at].iter().filter(|b| **b == b'\n').count() as u64;
    let save = "save the file as CSV in UTF-8";
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(DataError::new(Place::file(file), "the text is UTF-16, not UTF-8", save));
    }
    if let Some(at) = bytes.iter().position(|b| *b == 0) {
        let what = "a zero byte: this is not a text file";
        return Err(DataError::new(Place::file(file).line(line_of(at)), what, save));
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or(0);
        let what = format!("the text is not UTF-8 (byte 0x{byte:02X}); perhaps it is Latin-1");
        return Err(DataError::new(Place::file(file).line(line_of(at)), what, save));
    }
    Ok(())
}

/// The delimiter that the first line with anything in it has most of outside quotes; a comma where
/// it has none; nothing where there is no such line.
fn sniff_delimiter(bytes: &[u8]) -> Option<u8> {
    const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
    let header = bytes
        .split(|b| matches!(b, b'\n' | b'\r'))
        .find(|line| !line.iter().all(u8::is_ascii_whitespace))?;
    let mut counts = [0usize; 4];
    let mut in_quotes = false;
    for byte in header {
        in_quotes ^= *byte == b'"';
        if let Some(i) = DELIMITERS.iter().position(|d| !in_quotes && d == byte) {
            counts[i] += 1;
        }
    }
    // Of equal counts the first delimiter wins.
    let most = counts.iter().max().copied().unwrap_or(0);
    DELIMITERS.into_iter().zip(counts).find(|(_, n)| *n == most).map(|(d, _)| d)
}

/// Counts lines while records are read, whose own positions stand before blank lines.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line and the first byte of the record that starts at or after byte `start`.
    fn skip_to_record(&mut self, start: usize) -> (u64, usize) {
        while let Some(&byte) = self.bytes.get(self.at) {
            if self.at >= start && !matches!(byte, b'\n' | b'\r') {
                break;
            }
            self.at += 1;
            let ends_line = byte == b'\n'
                || (byte == b'\r' && self.bytes.get(self.at).is_none_or(|next| *next != b'\n'));
            self.line += u64::from(ends_line);
        }
        (self.line, self.at)
    }
}

/// The line on which the record starting at `start` opens a quote that is never closed.
fn unclosed_quote(bytes: &[u8], start: usize, delimiter: u8) -> Option<u64> {
    let mut opened = None;
    let mut at_cell_start = true;
    let mut i = start;
    while let Some(&byte) = bytes.get(i) {
        match (opened, byte) {
            (None, b'"') if at_cell_start => opened = Some(i),
            (Some(_), b'"') if bytes.get(i + 1) == Some(&b'"') => i += 1,
            (Some(_), b'"') => opened = None,
            _ => {}
        }
        at_cell_start = opened.is_none() && (byte == delimiter || matches!(byte, b'\n' | b'\r'));
        i += 1;
    }
    opened.map(|at| 1 + bytes[..at].iter().filter(|b| **b == b'\n').count() as u64)
}

/// Puts a table together row by row and collects what is wrong with it.
pub(super) struct Builder {
    file: String,
    names: Vec<String>,
    text: String,
    ends: Vec<usize>,
    lines: Vec<u64>,
    decimal_comma: bool,
    /// Whether rows without any value are rows, as they are in memory, or blank lines of a file.
    pub(super) keep_blank: bool,
    blank: usize,
    notices: Vec<String>,
    problems: Problems,
}

impl Builder {
    pub(super) fn new(file: &str, decimal_comma: bool) -> Self {
        Builder {
            file: file.into(),
            names: Vec::new(),
            text: String::new(),
            ends: Vec::new(),
            lines: Vec::new(),
            decimal_comma,
            keep_blank: false,
            blank: 0,
            notices: Vec::new(),
            problems: Problems::default(),
        }
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
        if looks_like_values(&self.names) {
            self.problems.push(
                place(),
                format!("the first line holds values ({}), not names", self.names.join(", ")),
                "put a line with the names of the columns first",
            );
        }
    }

    pub(super) fn row<'a>(&mut self, cells: impl Iterator<Item = &'a str>, line: u64) {
        let (text_before, ends_before) = (self.text.len(), self.ends.len());
        for cell in cells {
            self.text.push_str(cell);
            self.ends.push(self.text.len());
        }
        let found = self.ends.len() - ends_before;
        let blank = !self.keep_blank && self.text[text_before..].trim().is_empty();
        // In a table of one column an empty cell is a missing value, not a blank line.
        if blank && (found != 1 || self.names.len() > 1) {
            self.blank += 1;
        } else if found == self.names.len() {
            self.lines.push(line);
            return;
        } else {
            let cells = &self.text[text_before..];
            let what =
                format!("{}, but the header has {}", count(found, "field"), self.names.len());
            let broken = cells.contains('\n');
            let cure = if broken {
                "a quoted cell goes on over the end of the line: check that its quote is closed"
            } else {
                "write one value for each column; quote (\") a value that holds the delimiter"
            };
            self.problems.push(Place::file(&self.file).line(line), what, cure);
        }
        self.text.truncate(text_before);
        self.ends.truncate(ends_before);
    }

    pub(super) fn finish(mut self) -> Result<RawTable, DataError> {
        if self.names.is_empty() {
            let cure = "a table needs a name for each column and at least one row";
            self.problems.push(Place::file(&self.file), "there are no columns", cure);
        } else if self.lines.is_empty() && self.problems.is_empty() {
            let names = self.names.iter().take(6).map(|n| quoted(n)).collect::<Vec<_>>().join(", ");
            let what = format!("a header ({names}), but no rows");
            self.problems.push(Place::file(&self.file), what, "add a line for each row");
        }
        self.problems.finish()?;
        if self.blank > 0 {
            self.notices.push(format!("{} skipped", count(self.blank, "blank row")));
        }
        Ok(RawTable {
            file: self.file,
            names: self.names,
            text: self.text,
            ends: self.ends,
            lines: self.lines,
            decimal_comma: self.decimal_comma,
            notices: self.notices,
        })
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
    fn the_delimiter_is_what_the_header_has_most_of_outside_quotes() {
        assert_eq!(sniff_delimiter(b"a,b,c\n"), Some(b','));
        assert_eq!(sniff_delimiter(b"\n\n\"a,b,c\";d\n1;2"), Some(b';'));
        assert_eq!(sniff_delimiter(b"a\tb, c\td"), Some(b'\t'));
        assert_eq!(sniff_delimiter(b"alone\n1"), Some(b','));
        assert_eq!(sniff_delimiter(b" \r\n\n"), None);
    }

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

    #[test]
    fn lines_are_counted_over_blank_lines_and_quoted_line_ends() {
        let text = b"a,b\r\n\r\n1,\"two\r\nlines\"\r\n\r\n3,4\r\n";
        let table = RawTable::from_bytes("t.csv", text).unwrap();
        assert_eq!(table.lines, [3, 6]);
    }
}
