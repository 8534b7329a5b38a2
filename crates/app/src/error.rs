//! How a verb fails.

use std::fmt;
use std::process::ExitCode;

use glassbox::io::FileError;
use glassbox::train::checkpoint::Mismatch;
use glassbox::train::config::ConfigError;

/// An error in words, with its place and cure, and the exit code that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppError {
    /// What was asked for makes no sense (exit code 2).
    Usage(String),
    /// It was understood and could not be done (exit code 1).
    Failed(String),
}

impl AppError {
    /// An error of what was asked for.
    pub fn usage(message: impl fmt::Display) -> Self {
        AppError::Usage(message.to_string())
    }

    /// An error of doing it.
    pub fn failed(message: impl fmt::Display) -> Self {
        AppError::Failed(message.to_string())
    }

    /// The program's exit code.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            AppError::Usage(_) => ExitCode::from(2),
            AppError::Failed(_) => ExitCode::from(1),
        }
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppError::Usage(message) | AppError::Failed(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for AppError {}

impl From<FileError> for AppError {
    fn from(error: FileError) -> Self {
        AppError::failed(error)
    }
}

impl From<Mismatch> for AppError {
    fn from(error: Mismatch) -> Self {
        AppError::failed(error)
    }
}

impl From<glassbox::Error> for AppError {
    fn from(error: glassbox::Error) -> Self {
        match error {
            glassbox::Error::Config(error) => error.into(),
            other => AppError::failed(other),
        }
    }
}

impl From<ConfigError> for AppError {
    fn from(error: ConfigError) -> Self {
        AppError::usage(error)
    }
}
