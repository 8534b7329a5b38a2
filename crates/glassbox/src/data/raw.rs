use std::path::Path;

use super::csv::read_bytes;
use super::error::DataError;
use super::idx::Idx;
use super::table::RawTable;

/// Rows as they stand in a file, to be predicted: nothing is interpreted yet.
#[derive(Clone, Debug, PartialEq)]
pub enum RawRows {
    /// The rows of a CSV file.
    Table(RawTable),
    /// The images of an IDX file.
    Images(Idx),
}

impl RawRows {
    /// Reads a CSV file or an IDX file, gzipped or not; which of the two, its first bytes tell.
    ///
    /// # Errors
    /// As [`RawTable::from_bytes`] and [`Idx::from_bytes`], and files that cannot be read.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let (name, bytes) = read_bytes(path.as_ref())?;
        // An IDX file begins with two zero bytes, which no text has.
        match bytes.starts_with(&[0, 0]) {
            true => Ok(RawRows::Images(Idx::from_bytes(&name, &bytes)?)),
            false => Ok(RawRows::Table(RawTable::from_bytes(&name, &bytes)?)),
        }
    }
}
