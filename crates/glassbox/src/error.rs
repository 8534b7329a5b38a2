use std::fmt;

use crate::data::DataError;
use crate::io::FileError;
use crate::train::checkpoint::Mismatch;
use crate::train::config::ConfigError;
use crate::watch::NotFinite;

/// Why training, predicting or explaining failed.
#[derive(Debug)]
pub enum Error {
    /// The model has mistakes, or a run of it failed.
    Engine(glassbox_engine::Error),
    /// The data is not as it should be; every problem is listed.
    Data(DataError),
    /// A file could not be read or written.
    File(FileError),
    /// The configuration is wrong; every problem is listed.
    Config(ConfigError),
    /// A checkpoint belongs to another model.
    Checkpoint(Mismatch),
    /// The loss or a parameter became infinite or NaN; where it began.
    NotFinite(Box<NotFinite>),
    /// Something else; what, and the cure.
    Other(String),
}

impl Error {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Error::Other(what.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Engine(error) => error.fmt(f),
            Error::Data(error) => error.fmt(f),
            Error::File(error) => error.fmt(f),
            Error::Config(error) => error.fmt(f),
            Error::Checkpoint(error) => error.fmt(f),
            Error::NotFinite(error) => error.fmt(f),
            Error::Other(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

macro_rules! from {
    ($($error:ty => $variant:ident),*) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Error::$variant(error)
            }
        }
    )*};
}
from!(
    glassbox_engine::Error => Engine,
    DataError => Data,
    FileError => File,
    ConfigError => Config,
    Mismatch => Checkpoint
);

impl From<glassbox_engine::Diagnostics> for Error {
    fn from(diagnostics: glassbox_engine::Diagnostics) -> Self {
        Error::Engine(diagnostics.into())
    }
}
