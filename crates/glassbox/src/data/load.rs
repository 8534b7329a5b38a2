//! From a path or a name to a dataset: what kind of source it is.

use std::path::{Path, PathBuf};

use super::builtin::{BUILTINS, load_builtin, table_text};
use super::cifar;
use super::dataset::Dataset;
use super::error::{DataError, Place};
use super::generate;
use super::images::{from_files, idx_name};
use super::npy::{self, Npy};
use super::options::Options;
use super::photos;
use super::rules::Method;
use super::series::activity;
use super::source::Source;
use super::table::RawTable;
use super::text::{self, Arrangement};
use crate::nearest::{listed, nearest};

/// The endings of the names of tables.
const TABLES: [&str; 7] = [".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet", ".pq"];

/// What can be loaded, for messages.
const SUPPORTED: &str = "a table: .csv or .tsv with a header line first, .jsonl (all also .gz), .npy, .parquet; \
                         images: a folder or archive (.tar, .tar.gz, .zip) with a folder of images for each class, \
                         IDX files as MNIST's, CIFAR's .bin files; text: .txt; words with tags: .conll, .jsonl of lists (all also .gz); \
                         a built-in: activity, blobs, circles, digits, dosage, entities, grid, iris, lines, moons, ring, sentences, spirals, xor";

/// Loads a table (CSV, JSON lines, NPY, Parquet), sentences of tagged words, images (a folder or an archive that has a folder for
/// each class, or one for each part with those of the classes in it; IDX files; CIFAR's binary files),
/// or a built-in dataset by its name.
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
    let mut loaded = load_source(path_or_name.as_ref(), options)?;
    if options.itself {
        loaded = loaded.into_rows(&options.without)?;
    }
    let Some(rows) = options.train else { return Ok(loaded) };
    if options.rules.iter().any(|rule| rule.with == Some(Method::Target)) {
        let what = "`data.split.train` leaves out rows whose targets a column would be encoded by";
        let cure = "leave it out, or prepare the column by another `with` than \"target\"";
        return Err(DataError::new(Place::file(&loaded.source), what, cure));
    }
    loaded.learn_from(rows, options.stratify, options.seed)
}

fn load_source(path: &Path, options: &Options) -> Result<Dataset, DataError> {
    let shown = path.display().to_string();
    if let Some(loaded) = load_builtin(&shown, options) {
        return loaded;
    }
    if text::is_tagged(path) && path.is_file() {
        return text::load_tagged(path, options);
    }
    if options.text.arrangement == Arrangement::Pairs && path.is_file() {
        return text::load_pairs(path, options);
    }
    // Texts that have a class are rows of a table like others.
    let labelled = options.text.arrangement == Arrangement::Label;
    if options.text.column.is_some() && !labelled && path.is_file() && !text::is_text(path) {
        return text::load_column(path, options);
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
    if photos::is_archive(path) {
        return load_archive(path, &shown, options);
    }
    if cifar::is_file(path) {
        let folder = path.parent().unwrap_or(Path::new("."));
        return cifar::from_files(&shown, &files_in(folder, &shown)?, options);
    }
    if photos::is_image_name(path) {
        let what = "is a single image: there is nothing to tell it from";
        let cure = "to train, give a folder that has a folder of images for each class; to predict: \
                    glassbox predict RUN IMAGE";
        return Err(DataError::new(Place::file(shown), what, cure));
    }
    let file_name = shown.to_lowercase();
    let plain_name = file_name.strip_suffix(".gz").unwrap_or(&file_name);
    if plain_name.ends_with(".npy") {
        return load_npy(path, options);
    }
    if TABLES.iter().any(|extension| plain_name.ends_with(extension)) {
        return Dataset::from_table(&RawTable::open(path, options.memory)?, options);
    }
    if text::is_text(path) {
        return text::load(path, options);
    }
    let mut source = Source::open(path)?;
    let (what, cure) = match source.peek()? {
        [0, 0, 8..=14, 1..=8, ..] => (
            "is an IDX file, but its name does not say of what",
            "call images NAME-images-idx3-ubyte and labels NAME-labels-idx1-ubyte".into(),
        ),
        _ => ("is not of a kind that can be loaded", format!("what can: {SUPPORTED}")),
    };
    Err(DataError::new(Place::file(shown), what, cure))
}

/// Whether what a path or a built-in's name stands for is a table, rather than images: [`describe`]
/// takes it. Whether it can be read is another question.
///
/// [`describe`]: super::describe()
///
/// ```
/// use glassbox::data::is_table;
/// assert!(is_table("iris") && is_table("sales.csv"));
/// assert!(!is_table("digits") && !is_table("train-images-idx3-ubyte.gz"));
/// ```
pub fn is_table(path_or_name: impl AsRef<Path>) -> bool {
    let path = path_or_name.as_ref();
    match path.to_str() {
        Some(name) if BUILTINS.contains(&name) => {
            !["digits", "entities", "sentences"].contains(&name)
        }
        _ if path.is_dir() => npy::inputs_in(path).is_some(),
        _ => {
            let images = photos::is_archive(path) || photos::is_image_name(path);
            let texts = text::is_text(path) || text::is_tagged(path);
            !images && !texts && !cifar::is_file(path) && idx_name(path).is_none()
        }
    }
}

/// The table that a path or a built-in's name stands for.
pub(super) fn table_of(path: &Path, options: &Options) -> Result<RawTable, DataError> {
    let shown = path.display().to_string();
    if let Some(text) = table_text(&shown) {
        return RawTable::read(&shown, text.as_bytes(), options.memory);
    }
    if let Some(table) = generate::table_by_name(&shown) {
        return table;
    }
    if shown == activity::NAME {
        return activity::table_by_name();
    }
    if !is_table(path) {
        let cure = "what is described is a table: .csv, .tsv, .jsonl, .npy or .parquet";
        return Err(DataError::new(Place::file(shown), "is not a table", cure));
    }
    if !path.exists() {
        return Err(not_found(path, &shown));
    }
    let path = npy::inputs_in(path).unwrap_or(path.to_path_buf());
    match npy::partner(&path) {
        Some(targets) => {
            let targets = Npy::open(Source::open(&targets)?)?;
            npy::table(Npy::open(Source::open(&path)?)?, Some(targets), options.memory)
        }
        None => RawTable::open(&path, options.memory),
    }
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
    Dataset::from_table(&RawTable::read(name, bytes, options.memory)?, options)
}

/// One array of rows and columns, or inputs with the file of their targets beside it.
fn load_npy(path: &Path, options: &Options) -> Result<Dataset, DataError> {
    let inputs = Npy::open(Source::open(path)?)?;
    let targets = npy::partner(path).map(|path| Npy::open(Source::open(&path)?)).transpose()?;
    match (inputs.shape.len(), targets) {
        (3.., Some(targets)) => npy::dataset(inputs, targets, options),
        (_, targets) => Dataset::from_table(&npy::table(inputs, targets, options.memory)?, options),
    }
}

fn load_folder(path: &Path, shown: &str, options: &Options) -> Result<Dataset, DataError> {
    let files = files_in(path, shown)?;
    if files.iter().any(|file| idx_name(file).is_some()) {
        return from_files(shown, &files, None, options);
    }
    if files.iter().any(|file| cifar::is_file(file)) {
        return cifar::from_files(shown, &files, options);
    }
    if let Some(inputs) = npy::inputs_in(path) {
        return load_npy(&inputs, options);
    }
    let hidden =
        |file: &Path| file.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
    if files.iter().any(|file| file.is_dir() && !hidden(file) || photos::is_image_name(file)) {
        return photos::load(path, options);
    }
    let names = names_of(&files);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let what = match names.is_empty() {
        true => "the folder is empty".into(),
        false => format!("no images in this folder; it holds {}", listed(&names)),
    };
    let is_table = |name: &&&str| TABLES.iter().any(|extension| name.ends_with(extension));
    let cure = match names.iter().find(is_table) {
        Some(table) => format!("for a table, name its file, e.g. {}", path.join(table).display()),
        None => format!("what can be loaded: {SUPPORTED}"),
    };
    Err(DataError::new(Place::file(shown), what, cure))
}

/// An archive of images in folders, or of CIFAR's files.
fn load_archive(path: &Path, shown: &str, options: &Options) -> Result<Dataset, DataError> {
    match photos::files_of(path, &|name| cifar::is_part(Path::new(name)))? {
        files if files.iter().any(|(name, _)| cifar::is_file(Path::new(name))) => {
            cifar::from_bytes(shown, files, options)
        }
        _ => photos::load(path, options),
    }
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

pub(super) fn not_found(path: &Path, shown: &str) -> DataError {
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
