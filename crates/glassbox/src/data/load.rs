//! From a path or a name to a dataset: what kind of source it is.

use std::path::{Path, PathBuf};

use super::builtin::{BUILTINS, load_builtin};
use super::csv::read_bytes;
use super::dataset::Dataset;
use super::error::{DataError, Place};
use super::images::{from_files, idx_name};
use super::options::Options;
use super::table::RawTable;
use crate::nearest::{listed, nearest};

/// What can be loaded, for messages.
const SUPPORTED: &str = "a table: .csv or .tsv (also .gz), a header line first; \
                         images: a folder of IDX files as MNIST's; \
                         a built-in: digits, dosage, iris";

/// Loads a CSV file, a folder of IDX files (or one of them), or a built-in dataset by its name.
///
/// What the source is follows from its name and content; `options` say what is not to be inferred.
/// A built-in's name means the built-in: write `./iris` for a file of that name.
///
/// # Errors
/// Nothing there (with the nearest name that is), an unknown kind of file, and whatever is wrong
/// with the data, every problem at once.
///
/// ```
/// use glassbox::data::{self, Options};
/// let error = data::load("irsi", &Options::default()).unwrap_err();
/// assert!(error.to_string().contains("did you mean `iris`?"));
/// ```
pub fn load(path_or_name: impl AsRef<Path>, options: &Options) -> Result<Dataset, DataError> {
    let path = path_or_name.as_ref();
    let shown = path.display().to_string();
    if let Some(loaded) = load_builtin(&shown, options) {
        return loaded;
    }
    if path.is_dir() {
        return load_folder(path, &shown, options);
    }
    if !path.exists() {
        return Err(not_found(path, &shown));
    }
    if let Some((prefix, _)) = idx_name(path) {
        let folder = path.parent().unwrap_or(Path::new("."));
        return from_files(&shown, &files_in(folder, &shown)?, Some(&prefix), options);
    }
    let file_name = shown.to_lowercase();
    let plain_name = file_name.strip_suffix(".gz").unwrap_or(&file_name);
    if [".csv", ".tsv", ".tab"].iter().any(|extension| plain_name.ends_with(extension)) {
        return Dataset::from_table(&RawTable::from_path(path)?, options);
    }
    let (_, bytes) = read_bytes(path)?;
    let (what, cure) = match &bytes[..] {
        [0, 0, 8..=14, 1..=8, ..] => (
            "is an IDX file, but its name does not say of what",
            "call images NAME-images-idx3-ubyte and labels NAME-labels-idx1-ubyte".into(),
        ),
        _ => ("is not of a kind that can be loaded", format!("what can: {SUPPORTED}")),
    };
    Err(DataError::new(Place::file(shown), what, cure))
}

/// Loads the text of a CSV file that is already in memory; `name` is for messages.
///
/// # Errors
/// As [`RawTable::from_bytes`] and [`Dataset::from_table`].
///
/// ```
/// use glassbox::data::{from_csv, Options};
/// let rows: String = (0..30).map(|i| format!("{i}.5,{}\n", if i < 15 { "low" } else { "high" })).collect();
/// let dataset = from_csv("sizes.csv", format!("size,kind\n{rows}").as_bytes(), &Options::default())?;
/// assert_eq!(dataset.preparation.target.classes().unwrap(), ["high", "low"]);
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
pub fn from_csv(name: &str, bytes: &[u8], options: &Options) -> Result<Dataset, DataError> {
    Dataset::from_table(&RawTable::from_bytes(name, bytes)?, options)
}

fn load_folder(path: &Path, shown: &str, options: &Options) -> Result<Dataset, DataError> {
    let files = files_in(path, shown)?;
    if files.iter().any(|file| idx_name(file).is_some()) {
        return from_files(shown, &files, None, options);
    }
    let names = names_of(&files);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let what = match names.is_empty() {
        true => "the folder is empty".into(),
        false => format!("no IDX files in this folder; it holds {}", listed(&names)),
    };
    let is_table = |name: &&&str| name.ends_with(".csv") || name.ends_with(".tsv");
    let cure = match names.iter().find(is_table) {
        Some(table) => format!("for a table, name its file, e.g. {}", path.join(table).display()),
        None => format!("what can be loaded: {SUPPORTED}"),
    };
    Err(DataError::new(Place::file(shown), what, cure))
}

/// What a folder holds, sorted by name.
fn files_in(folder: &Path, shown: &str) -> Result<Vec<PathBuf>, DataError> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = std::fs::read_dir(folder).map_err(|e| {
        let what = format!("the folder cannot be read: {e}");
        DataError::new(Place::file(shown), what, "check the path and its rights")
    })?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort_unstable();
    Ok(files)
}

fn names_of(files: &[PathBuf]) -> Vec<String> {
    let name = |file: &PathBuf| file.file_name().map(|name| name.to_string_lossy().into_owned());
    files.iter().filter_map(name).collect()
}

fn not_found(path: &Path, shown: &str) -> DataError {
    if path.is_symlink() {
        let what = "is a link to something that is not there";
        return DataError::new(Place::file(shown), what, "check where it leads");
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let wanted = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let beside = files_in(folder, shown).map(|files| names_of(&files)).unwrap_or_default();
    let plain_name = folder.as_os_str().is_empty();
    let builtins = BUILTINS.iter().copied().filter(|_| plain_name);
    let cure = match nearest(&wanted, beside.iter().map(String::as_str).chain(builtins)) {
        Some(name) => format!("did you mean `{}`?", folder.join(name).display()),
        None if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            format!("there is no folder {} either", folder.display())
        }
        None => format!("what can be loaded: {SUPPORTED}"),
    };
    DataError::new(Place::file(shown), "there is no such file or folder", cure)
}
