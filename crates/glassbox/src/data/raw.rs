use std::path::Path;

use super::error::DataError;
use super::idx::Idx;
use super::source::Source;
use super::table::RawTable;

/// Rows as they stand in a file, to be predicted: nothing is interpreted yet.
#[derive(Clone, Debug)]
pub enum RawRows {
    /// The rows of a table: CSV, JSON lines, NPY or Parquet.
    Table(RawTable),
    /// The images of an IDX file.
    Images(Idx),
}

impl RawRows {
    /// Reads a table or an IDX file, gzipped or not; which of the two, its first bytes tell.
    ///
    /// # Errors
    /// As [`RawTable::from_bytes`] and [`Idx::from_bytes`], and files that cannot be read.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        let mut source = Source::open(path)?;
        // An IDX file begins with two zero bytes, which no text has.
        match source.peek()?.starts_with(&[0, 0]) {
            true => Ok(RawRows::Images(Idx::from_path(path)?)),
            false => Ok(RawRows::Table(RawTable::from_path(path)?)),
        }
    }
}
