//! Parquet (parquet.apache.org/docs/file-format): row groups of column chunks of pages, of which the
//! footer tells. The crate `parquet` decodes them; columns without nesting become rows here.

#[cfg(feature = "parquet")]
mod column;
#[cfg(feature = "parquet")]
mod pages;
#[cfg(feature = "parquet")]
mod source;
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
    table::read(&path.display().to_string(), source::Source::open(path)?, memory)
}

#[cfg(feature = "parquet")]
pub(super) fn read(name: &str, bytes: &[u8], memory: usize) -> Result<RawTable, DataError> {
    let bytes = bytes::Bytes::copy_from_slice(bytes);
    table::read(name, source::Source::Memory(bytes), memory)
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

#[cfg(feature = "parquet")]
impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(feature = "parquet")]
impl std::error::Error for Broken {}

/// Runs a piece of the decoder, whose errors become those of a damaged `part`.
///
/// The crate `parquet` checks much of what a file says, but not all: on damaged pages it slices out of
/// bounds, overflows and asserts. Such a panic is no more than damage in a file, so it ends here. What
/// has panicked is not used again.
#[cfg(feature = "parquet")]
fn contained<T>(
    part: &str,
    work: impl FnOnce() -> Result<T, ::parquet::errors::ParquetError>,
) -> Result<T, Broken> {
    use ::parquet::errors::ParquetError::{EOF, External, General, NYI};

    match super::contained::contained(work) {
        Some(Ok(done)) => Ok(done),
        Some(Err(error)) => Err(match error {
            External(own) if own.is::<Broken>() => Broken(own.to_string()),
            External(cause) => Broken(format!("has a damaged {part} ({cause})")),
            General(what) | EOF(what) => Broken(format!("has a damaged {part} ({what})")),
            NYI(what) => Broken(format!("has a {part} of a kind that is not read ({what})")),
            other => Broken(format!("has a damaged {part} ({other})")),
        }),
        None => Err(Broken(format!("has a damaged {part}"))),
    }
}
