//! From bytes to a [`RawTable`]: a stream of records, a header first.

use std::path::Path;

use super::builder::Builder;
use super::error::DataError;
use super::records::Records;
use super::source::Source;
use super::table::{MEMORY, RawTable};

impl RawTable {
    /// Reads a file of rows, gzipped or not: JSON lines where its name ends in `.jsonl` or
    /// `.ndjson`, else CSV. See [`RawTable::from_bytes`].
    ///
    /// # Errors
    /// A file that cannot be read or decompressed, and whatever `from_bytes` finds.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, DataError> {
        Self::open(path.as_ref(), MEMORY)
    }

    /// As [`from_path`](Self::from_path); keeps `memory` bytes of the cells in memory.
    pub(super) fn open(path: &Path, memory: usize) -> Result<Self, DataError> {
        Self::from_source(Source::open(path)?, memory)
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
        Self::from_source(Source::bytes(file, bytes), MEMORY)
    }

    pub(super) fn from_source(source: Source<'_>, memory: usize) -> Result<Self, DataError> {
        let name = source.name.clone();
        let mut records = Records::new(source)?;
        let mut builder = Builder::new(&name, records.delimiter == b';', memory);
        while let Some(record) = records.next()? {
            if builder.has_header() {
                builder.row(record.cells(), record.line)?;
                continue;
            }
            let names: Vec<String> =
                record.cells().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
            if names.len() > 1 || names.iter().any(|name| !name.trim().is_empty()) {
                builder.header(names, record.line);
            }
        }
        builder.finish()
    }
}
