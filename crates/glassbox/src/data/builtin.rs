//! Small data that comes with the crate; provenance and licences in `data/README.md` beside `src`.

use super::dataset::Dataset;
use super::error::DataError;
use super::generate;
use super::idx::Idx;
use super::images::{Labelled, Source};
use super::options::{Options, Prepare};
use super::series::activity;
use super::table::RawTable;

/// The names of the built-in datasets.
pub const BUILTINS: [&str; 14] = [
    "activity",
    "blobs",
    "circles",
    "digits",
    "dosage",
    "entities",
    "grid",
    "iris",
    "lines",
    "moons",
    "ring",
    "sentences",
    "spirals",
    "xor",
];

/// Sentences of the built-in text.
pub(super) const SENTENCES: usize = 4_000;

const DIGIT_IMAGES: &[u8] = include_bytes!("../../data/digits-images-idx3-ubyte.gz");
const DIGIT_LABELS: &[u8] = include_bytes!("../../data/digits-labels-idx1-ubyte.gz");
const IRIS: &str = include_str!("../../data/iris.csv");
const DOSAGE: &str = include_str!("../../data/dosage.csv");

/// 1,797 handwritten digits, grey 8 × 8, pixels 0 to 16 scaled to 0 to 1, ten classes (Alpaydin and
/// Kaynak 1998, CC BY 4.0).
///
/// A fifth is the test part, the same rows whatever the seed, so that runs compare; a tenth steers
/// the training.
///
/// ```
/// let digits = glassbox::data::digits();
/// assert_eq!(digits.input.shape, [8, 8, 1]);
/// assert_eq!((digits.train.len(), digits.valid.len(), digits.test.len()), (1258, 180, 359));
/// ```
pub fn digits() -> Dataset {
    embedded(load_digits(&Options::default()))
}

/// Fisher's iris: 150 flowers, four measurements in centimetres, three species.
///
/// ```
/// let iris = glassbox::data::iris();
/// assert_eq!(iris.input.features[3], "petal_width");
/// ```
pub fn iris() -> Dataset {
    embedded(load_iris(&Options::default()))
}

/// Three patients: a drug's dose (0, 0.5, 1) and whether it worked (0, 1, 0), the smallest data a
/// straight line cannot fit.
///
/// Numbers stay as they are, and all three rows are for training: validation and test are empty,
/// since nothing can be held out of three rows.
///
/// ```
/// let dosage = glassbox::data::dosage();
/// assert_eq!(dosage.train.values(), Some(vec![0.0, 1.0, 0.0]));
/// assert!(dosage.valid.is_empty() && dosage.test.is_empty());
/// ```
pub fn dosage() -> Dataset {
    embedded(load_dosage(&Options::default()))
}

/// The built-in dataset of this name (one of [`BUILTINS`]), with default options.
///
/// ```
/// assert!(glassbox::data::builtin("iris").is_some());
/// assert!(glassbox::data::builtin("roses").is_none());
/// ```
pub fn builtin(name: &str) -> Option<Dataset> {
    load_builtin(name, &Options::default()).map(embedded)
}

/// As [`builtin`], with options, which may be wrong.
pub(super) fn load_builtin(name: &str, options: &Options) -> Option<Result<Dataset, DataError>> {
    match name {
        "digits" => Some(load_digits(options)),
        "iris" => Some(load_iris(options)),
        "dosage" => Some(load_dosage(options)),
        "sentences" => {
            Some(super::text::from_text(name, &super::text::sentences(SENTENCES, 42), options))
        }
        super::text::ENTITIES => Some(super::text::load_tagged(name.as_ref(), options)),
        activity::NAME => Some(activity::by_name(options)),
        _ => generate::by_name(name, options),
    }
}

fn load_digits(options: &Options) -> Result<Dataset, DataError> {
    let images = Idx::from_bytes("digits-images", DIGIT_IMAGES)?;
    let labels = Idx::from_bytes("digits-labels", DIGIT_LABELS)?;
    let train = Labelled::new(("digits-images", images), ("digits-labels", labels))?;
    Source {
        name: "digits",
        train,
        test: None,
        scale: 1.0 / 16.0,
        valid: 0.10,
        test_fraction: 0.20,
        test_seed: Some(0),
        normalize: super::pixels::Normalization::None,
    }
    .dataset(options)
}

fn load_iris(options: &Options) -> Result<Dataset, DataError> {
    let mut options = options.clone();
    options.target.get_or_insert("species".into());
    Dataset::from_table(&RawTable::from_bytes("iris", IRIS.as_bytes())?, &options)
}

/// The text of a built-in that comes as a table.
pub(super) fn table_text(name: &str) -> Option<&'static str> {
    match name {
        "iris" => Some(IRIS),
        "dosage" => Some(DOSAGE),
        _ => None,
    }
}

fn load_dosage(options: &Options) -> Result<Dataset, DataError> {
    let mut options = options.clone();
    options.target.get_or_insert("effectiveness".into());
    options.prepare = Prepare::Raw;
    (options.valid, options.test) = (Some(0.0), Some(0.0));
    Dataset::from_table(&RawTable::from_bytes("dosage", DOSAGE.as_bytes())?, &options)
}

/// Embedded data with default options.
fn embedded(dataset: Result<Dataset, DataError>) -> Dataset {
    dataset.expect("embedded data is part of the program, and its tests load all of it")
}
