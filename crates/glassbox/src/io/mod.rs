//! Files: written so that nothing is lost, read so that errors say what is wrong.

pub mod atomic;
pub mod published;
pub mod pytorch;
pub mod safetensors;

use std::fmt;
use std::path::{Path, PathBuf};

/// What went wrong with which file, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong and, where there is one, the cure.
    pub problem: String,
}

impl FileError {
    /// An error about `path`.
    pub fn new(path: impl Into<PathBuf>, problem: impl fmt::Display) -> Self {
        FileError { path: path.into(), problem: problem.to_string() }
    }

    /// Turns a system's error into one that names `path`: `… .map_err(FileError::at(path, "cannot read"))`.
    pub fn at(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> FileError {
        move |error| FileError::new(path, format_args!("{doing}: {error}"))
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.problem)
    }
}

impl std::error::Error for FileError {}
