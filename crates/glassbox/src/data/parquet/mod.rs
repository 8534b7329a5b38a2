//! Parquet (parquet.apache.org/docs/file-format): row groups of column chunks of pages, of which the
//! footer tells. Columns without nesting are read page by page and become rows.

#[cfg(feature = "parquet")]
mod column;
#[cfg(feature = "parquet")]
mod decode;
#[cfg(feature = "parquet")]
mod decompress;
#[cfg(feature = "parquet")]
mod footer;
#[cfg(feature = "parquet")]
mod table;
#[cfg(feature = "parquet")]
mod thrift;
#[cfg(feature = "parquet")]
mod value;

use std::path::Path;

use super::error::DataError;
use super::table::RawTable;

/// How a Parquet file begins: four letters, and the first field of what follows them.
const MAGIC: &[u8] = b"PAR1\x15";

/// Whether a file is Parquet, by its name or its first bytes.
pub(super) fn is_parquet(name: &str, start: &[u8]) -> bool {
    let name = name.to_lowercase();
    [".parquet", ".pq"].iter().any(|extension| name.ends_with(extension))
        || start.starts_with(MAGIC)
}

#[cfg(feature = "parquet")]
pub(super) fn open(path: &Path, memory: usize) -> Result<RawTable, DataError> {
    table::read(&path.display().to_string(), table::Bytes::open(path)?, memory)
}

#[cfg(feature = "parquet")]
pub(super) fn read(name: &str, bytes: &[u8], memory: usize) -> Result<RawTable, DataError> {
    table::read(name, table::Bytes::Memory(bytes), memory)
}

#[cfg(not(feature = "parquet"))]
pub(super) fn open(path: &Path, _memory: usize) -> Result<RawTable, DataError> {
    Err(left_out(&path.display().to_string()))
}

#[cfg(not(feature = "parquet"))]
pub(super) fn read(name: &str, _bytes: &[u8], _memory: usize) -> Result<RawTable, DataError> {
    Err(left_out(name))
}

#[cfg(not(feature = "parquet"))]
fn left_out(name: &str) -> DataError {
    super::error::DataError::new(
        super::error::Place::file(name),
        "is a Parquet file, which this build does not read",
        "build it with the feature `parquet` (cargo add glassbox --features parquet; cargo install \
         glassbox-cli --features parquet), or save the table as .csv or .jsonl",
    )
}

/// What is wrong with a file or a part of it.
#[cfg(feature = "parquet")]
#[derive(Debug)]
struct Broken(String);

#[cfg(feature = "parquet")]
impl Broken {
    fn new(what: impl Into<String>) -> Self {
        Broken(what.into())
    }
}
