//! From files and bytes to a [`RawTable`]; CSV is a stream of records, a header first.

use std::path::Path;

use super::builder::Builder;
use super::error::DataError;
use super::jsonl::{self, is_jsonl};
use super::npy::{self, Npy};
use super::parquet::{self, is_parquet};
use super::records::Records;
use super::source::Source;
use super::table::{MEMORY, RawTable};

impl RawTable {
    /// Reads a file of rows, gzipped or not: JSON lines where its name ends in `.jsonl` or
    /// `.ndjson`, NPY or Parquet where it begins as such a file does, else CSV. See [`RawTable::from_bytes`].
    ///
    /// # Errors
    /// A file that cannot be read or decompressed, and whatever `from_bytes` finds.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, DataError> {
        Self::open(path.as_ref(), MEMORY)
    }

    /// As [`from_path`](Self::from_path); keeps `memory` bytes of the cells in memory.
    pub(super) fn open(path: &Path, memory: usize) -> Result<Self, DataError> {
        if is_jsonl(&path.to_string_lossy()) {
            return jsonl::read(|| Source::open(path), memory);
        }
        let mut source = Source::open(path)?;
        if is_parquet(&path.to_string_lossy(), source.peek()?) {
            return parquet::open(path, memory);
        }
        if source.peek()?.starts_with(npy::MAGIC) {
            return npy::table(Npy::open(source)?, None, memory);
        }
        Self::from_csv(source, memory)
    }

    /// Reads the content of a file, whose name tells whether it is JSON lines; else it is CSV.
    ///
    /// CSV is text in UTF-8, with or without a byte order mark, a header line, cells separated by
    /// `,` `;` tab or `|` (whichever the header has most of), quoted by `"` where needed, lines ended
    /// by LF or CRLF. Blank lines are skipped. JSON lines are one flat object a line; a key that a
    /// line does not have is a missing value. An NPY file is an array of rows and columns.
    /// Parquet (with the feature `parquet`) has columns of numbers, booleans, texts, dates, times and
    /// decimals; none may be nested.
    ///
    /// # Errors
    /// Every problem at once, each with its line: no header or no rows, another encoding, two
    /// columns of one name, rows with more or fewer cells than the header, a quote that is never
    /// closed, JSON that is not a flat object.
    pub fn from_bytes(file: &str, bytes: &[u8]) -> Result<Self, DataError> {
        Self::read(file, bytes, MEMORY)
    }

    pub(super) fn read(file: &str, bytes: &[u8], memory: usize) -> Result<Self, DataError> {
        let source = Source::bytes(file, bytes);
        if is_parquet(file, bytes) {
            return parquet::read(file, bytes, memory);
        }
        if is_jsonl(file) {
            return jsonl::read(|| Ok(Source::bytes(file, bytes)), memory);
        }
        match bytes.starts_with(npy::MAGIC) {
            true => npy::table(Npy::open(source)?, None, memory),
            false => Self::from_csv(source, memory),
        }
    }

    fn from_csv(source: Source<'_>, memory: usize) -> Result<Self, DataError> {
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
