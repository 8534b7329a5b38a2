use std::fmt;

use crate::graph::Diagnostics;

/// Why something could not be planned or run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The model has mistakes; all of them are listed.
    Model(Diagnostics),
    /// A run or a plan failed; what, and the cure, in words.
    Run(String),
}

impl Error {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Error::Run(what.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Model(diagnostics) => diagnostics.fmt(f),
            Error::Run(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

impl From<Diagnostics> for Error {
    fn from(diagnostics: Diagnostics) -> Self {
        Error::Model(diagnostics)
    }
}

impl From<String> for Error {
    fn from(what: String) -> Self {
        Error::Run(what)
    }
}
