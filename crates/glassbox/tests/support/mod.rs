//! What several tests need.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)] // Each test uses some of it.

pub mod steps;

use std::path::PathBuf;

use glassbox::data::{DataError, Dataset, Options, from_csv};

/// A file of the shared real data; none, with a printed reason, where it is not on this machine.
pub fn shared(path: &str) -> Option<PathBuf> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    if file.exists() {
        return Some(file);
    }
    println!("skipped: no shared data at {}", file.display());
    None
}

/// A dataset of a table's text, with default options.
pub fn table(text: &str) -> Result<Dataset, DataError> {
    from_csv("t.csv", text.as_bytes(), &Options::default())
}

/// As [`table`], the target named.
pub fn table_of(text: &str, target: &str) -> Result<Dataset, DataError> {
    let options = Options { target: Some(target.into()), ..Options::default() };
    from_csv("t.csv", text.as_bytes(), &options)
}

/// The text of an error, where there must be one.
pub fn message<T>(result: Result<T, DataError>) -> String {
    result.err().expect("an error").to_string()
}

/// `n` lines made by a function of the row, below a header.
pub fn csv(header: &str, n: usize, line: impl Fn(usize) -> String) -> String {
    let lines: String = (0..n).map(|row| line(row) + "\n").collect();
    format!("{header}\n{lines}")
}

/// A folder of this test's own, emptied.
pub fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
