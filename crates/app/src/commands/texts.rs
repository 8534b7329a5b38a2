//! Texts on the command line.

use std::path::{Path, PathBuf};

use crate::error::AppError;

/// What is given, and of files their lines.
pub fn given(given: &[PathBuf]) -> Result<Vec<String>, AppError> {
    let mut texts = Vec::new();
    for text in given {
        match text.is_file() {
            true => texts.extend(lines_of(text)?),
            false => texts.push(text.to_string_lossy().into_owned()),
        }
    }
    Ok(texts)
}

/// The lines of a file; of lines with tabs what stands before the first.
fn lines_of(file: &Path) -> Result<Vec<String>, AppError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| AppError::failed(format!("{}: {error}", file.display())))?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    Ok(text.lines().map(|line| line.split('\t').next().unwrap_or("").to_owned()).collect())
}
