//! Folders of IDX files: which belong together, and datasets of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::dataset::{Dataset, Parts, empty_parts};
use super::error::{DataError, Place, Problems};
use super::fingerprint::Fingerprint;
use super::idx::Idx;
use super::options::{Options, Prepare};
use super::pixels::{Fit, ImageOptions, Normalization, Scaling, Sums};
use super::prepare::{InputPreparation, Preparation};
use super::rows::{Inputs, Store, Targets};
use super::split::{Part, Split, check_fractions, hold_out, share, split, stream};
use super::spool::Stored;
use super::target::{Spelling, TargetEncoding, TargetPreparation, classes_of, counted};

/// Images and their labels, checked against each other.
pub(super) struct Labelled {
    /// The names of the files, for messages.
    images_file: String,
    labels_file: String,
    /// `[height, width, channels]`.
    shape: [usize; 3],
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Labelled {
    /// Joins a file of images (3 axes, or 4 with channels) with its file of labels (1 axis).
    pub(super) fn new(
        (images_file, images): (&str, Idx),
        (labels_file, labels): (&str, Idx),
    ) -> Result<Self, DataError> {
        let (rows, shape) = match images.shape[..] {
            [rows, height, width] => (rows, [height, width, 1]),
            [rows, height, width, channels] => (rows, [height, width, channels]),
            _ => {
                let axes = images.shape.len();
                let what = format!(
                    "the number of axes is {axes}; images have 3 (rows, height, width) or 4"
                );
                return Err(DataError::new(Place::file(images_file), what, "check the file"));
            }
        };
        if images.bytes.is_empty() {
            let what = format!("holds no images: its sizes are {:?}", images.shape);
            return Err(DataError::new(Place::file(images_file), what, "check the file"));
        }
        if labels.shape.len() != 1 {
            let what = format!("has {} axes; labels have 1", labels.shape.len());
            return Err(DataError::new(Place::file(labels_file), what, "check the file"));
        }
        if labels.bytes.len() != rows {
            let labels = labels.bytes.len();
            return Err(DataError::new(
                Place::file(labels_file),
                format!("{labels} labels, but {images_file} holds {rows} images"),
                "the two files must belong together: one label for each image",
            ));
        }
        let (images_file, labels_file) = (images_file.into(), labels_file.into());
        Ok(Labelled { images_file, labels_file, shape, pixels: images.bytes, labels: labels.bytes })
    }

    /// Images `[rows, height, width, channels]` of one file that holds their labels, too.
    pub(super) fn of(file: &str, shape: [usize; 3], pixels: Vec<u8>, labels: Vec<u8>) -> Self {
        Labelled { images_file: file.into(), labels_file: file.into(), shape, pixels, labels }
    }

    fn hash(&self, hash: &mut Fingerprint) {
        hash.sizes(&[self.labels.len()]);
        hash.sizes(&self.shape);
        hash.bytes(self.pixels.iter().copied());
        hash.bytes(self.labels.iter().copied());
    }

    /// `scaling` is for pixels of this shape.
    fn store(self, scaling: Scaling, names: &[String]) -> Result<Store, DataError> {
        let mut label_of = [None; 256];
        for (i, name) in names.iter().enumerate() {
            if let Ok(byte) = name.parse::<u8>() {
                label_of[usize::from(byte)] = Some(i as i64);
            }
        }
        let mut problems = Problems::default();
        let mut labels = Vec::with_capacity(self.labels.len());
        for (row, byte) in self.labels.iter().enumerate() {
            match label_of[usize::from(*byte)] {
                Some(label) => labels.push(label),
                None => problems.push(
                    Place::file(&self.labels_file),
                    format!("image {} has the label {byte}, which no training image has", row + 1),
                    "check that training and test files belong together",
                ),
            }
        }
        problems.finish()?;
        let width = self.shape.iter().product();
        let inputs = Inputs::Pixels { bytes: Stored::Memory(self.pixels), scaling };
        Ok(Store {
            inputs,
            width,
            targets: Targets::Classes(labels),
            source_rows: None,
            names: None,
            weights: None,
            overlap: None,
        })
    }
}

/// How a dataset of images is made.
pub(super) struct Source<'a> {
    pub(super) name: &'a str,
    pub(super) train: Labelled,
    /// The source's own test part.
    pub(super) test: Option<Labelled>,
    /// What a byte is multiplied by where options do not ask for raw pixels.
    pub(super) scale: f32,
    /// Fractions where options do not say them.
    pub(super) valid: f64,
    pub(super) test_fraction: f64,
    /// The seed that chooses the test rows, where it is not to be that of the options.
    pub(super) test_seed: Option<u64>,
    /// What is done to each channel where options do not say it.
    pub(super) normalize: Normalization,
}

impl Source<'_> {
    pub(super) fn dataset(self, options: &Options) -> Result<Dataset, DataError> {
        options.refuse_columns("images")?;
        if options.prepare == Prepare::Standardize {
            let what = "images are scaled, not standardised";
            let cure = "leave `prepare` out, or set data.image.normalize to \"standardize\"";
            return Err(DataError::new(Place::file(self.name), what, cure));
        }
        let ImageOptions { size, channels, fit, normalize } = &options.image;
        if size.is_some() || channels.is_some() || *fit != Fit::default() {
            let what = "the images are bytes of one size already";
            let cure = "leave size, channels and fit out: they are for files of images";
            return Err(DataError::new(Place::file(self.name), what, cure));
        }
        let mut notices = Vec::new();
        let mut hash = Fingerprint::new();
        self.train.hash(&mut hash);
        let place = Place::file(&self.train.labels_file);
        let names = self.train.labels.iter().map(u8::to_string);
        let names = classes_of(counted(names), Spelling::Number, &place)?;
        let shape = self.train.shape;
        let scale = if options.prepare == Prepare::Raw { 1.0 } else { self.scale };
        let encoding = TargetEncoding::Classes { names, spelling: Spelling::Number };
        let target = TargetPreparation { name: "label".into(), encoding };
        let names = target.classes().unwrap_or_default();

        let labels: Vec<i64> = self.train.labels.iter().map(|byte| i64::from(*byte)).collect();
        let valid = options.valid.unwrap_or(self.valid);
        let parts = match &self.test {
            Some(_) => {
                if options.test.is_some() {
                    notices.push("the source has its own test part: `test` not used".into());
                }
                split(labels.len(), Some(&labels), options.stratify, valid, 0.0, options.seed)?
            }
            None => {
                let test = options.test.unwrap_or(self.test_fraction);
                let seed = self.test_seed.unwrap_or(options.seed);
                let parts = split_twice(&labels, options, valid, test, seed)?;
                notices.extend(empty_parts(&parts, valid, test));
                parts
            }
        };
        let normalize = match (normalize, options.prepare) {
            (Some(asked), _) => asked,
            (None, Prepare::Raw) => &Normalization::None,
            // Rows that are learned themselves are made as numbers from 0 to 1.
            (None, _) if options.itself => &Normalization::None,
            (None, _) => &self.normalize,
        };
        let (mean, std) = normalize
            .of(shape[2], || {
                let width: usize = shape.iter().product();
                let mut all = vec![Sums::default(); shape[2]];
                for row in &parts.train {
                    let row =
                        Sums::of(&self.train.pixels[row * width..(row + 1) * width], shape[2]);
                    all.iter_mut().zip(&row).for_each(|(all, row)| all.add(row));
                }
                all.iter().map(|sums| sums.mean_and_std(f64::from(scale))).unzip()
            })
            .map_err(|what| {
                let cure = "give data.image.normalize one mean and one std for each channel";
                DataError::new(Place::file(self.name), what, cure)
            })?;
        let scaling = Scaling::of(shape[2], scale, &mean, &std);
        let own_test = match self.test {
            Some(test) if test.shape != shape => {
                let what = format!("its images are {:?}, those of training {shape:?}", test.shape);
                let cure = "training and test images must have one size";
                return Err(DataError::new(Place::file(&test.images_file), what, cure));
            }
            Some(test) => {
                test.hash(&mut hash);
                let all = Split { test: (0..test.labels.len()).collect(), ..Split::default() };
                let store = test.store(scaling.clone(), names)?;
                Some(Parts::of(store, &target, all).test)
            }
            None => None,
        };
        let store = self.train.store(scaling, names)?;
        let mut parts = Parts::of(store, &target, parts);
        if let Some(own_test) = own_test {
            parts.test = own_test;
        }
        let inputs = InputPreparation::Pixels { shape, scale, mean, std, fit: *fit };
        let preparation = Preparation { inputs, target };
        Ok(Dataset::assemble(self.name, preparation, parts, None, notices, &hash))
    }
}

/// As [`split`], the test rows chosen by a seed of their own.
fn split_twice(
    labels: &[i64],
    options: &Options,
    valid: f64,
    test: f64,
    test_seed: u64,
) -> Result<Split, DataError> {
    check_fractions(valid, test)?;
    let (rows, stratify) = (labels.len(), options.stratify);
    let all: Vec<usize> = (0..rows).collect();
    let hold = |from: &[usize], fraction: f64, seed: u64, part: Part| {
        hold_out(from, Some(labels), stratify, share(rows, fraction), stream(seed, part))
    };
    let (rest, test) = hold(&all, test, test_seed, Part::Test);
    let (train, valid) = hold(&rest, valid, options.seed, Part::Valid);
    Ok(Split { train, valid, test })
}

/// Images and labels that a file name's beginning joins, e.g. `train-`.
#[derive(Default)]
struct Pair {
    images: Option<PathBuf>,
    labels: Option<PathBuf>,
}

/// The beginning of an IDX file's name and whether it holds images: `train-images-idx3-ubyte.gz`
/// is (`train-`, true). None for other files.
pub(super) fn idx_name(path: &Path) -> Option<(String, bool)> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_suffix(".gz").unwrap_or(name).strip_suffix("-ubyte")?;
    let stem = ["-idx3", ".idx3", "-idx4", ".idx4", "-idx1", ".idx1"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))?;
    match (stem.strip_suffix("images"), stem.strip_suffix("labels")) {
        (Some(prefix), _) => Some((prefix.to_string(), true)),
        (_, Some(prefix)) => Some((prefix.to_string(), false)),
        _ => None,
    }
}

/// A dataset of the IDX files among `files`; `only` names the pair to use of several, by its
/// beginning. `t10k-` or `test-` files are the test part of `train-` files.
pub(super) fn from_files(
    source: &str,
    files: &[PathBuf],
    only: Option<&str>,
    options: &Options,
) -> Result<Dataset, DataError> {
    let mut pairs: BTreeMap<String, Pair> = BTreeMap::new();
    for file in files {
        let Some((prefix, is_images)) = idx_name(file) else { continue };
        let pair = pairs.entry(prefix).or_default();
        let place = if is_images { &mut pair.images } else { &mut pair.labels };
        place.get_or_insert(file.clone());
    }
    let test_prefix = ["t10k-", "t10k.", "test-", "test.", "test_"]
        .iter()
        .find(|prefix| pairs.contains_key(**prefix))
        .map(ToString::to_string);
    let in_mnist = only.is_none_or(|only| only.starts_with("train") || is_test(only));
    let main = match (only, pairs.keys().find(|prefix| prefix.starts_with("train"))) {
        (_, Some(train)) if in_mnist => train.clone(),
        (Some(only), _) => only.to_string(),
        (None, _) => match pairs.keys().collect::<Vec<_>>()[..] {
            [one] => one.clone(),
            _ => {
                let names: Vec<&str> = pairs.keys().map(String::as_str).collect();
                let found = crate::nearest::listed(&names);
                let what =
                    format!("holds IDX files, but none for training: they begin with {found}");
                let cure = "name the training files train-images-idx3-ubyte, \
                            train-labels-idx1-ubyte, or give the file of images itself";
                return Err(DataError::new(Place::file(source), what, cure));
            }
        },
    };
    let test_prefix = test_prefix.filter(|_| main.starts_with("train"));
    let mut problems = Problems::default();
    let mut read = |prefix: &str| {
        let read = read_pair(source, prefix, pairs.remove(prefix).unwrap_or_default());
        read.map_err(|error| problems.extend(error)).ok()
    };
    let (train, test) = (read(&main), test_prefix.map(|prefix| read(&prefix)));
    problems.finish()?;
    let Some(train) = train else {
        return Err(DataError::new(Place::file(source), "the training files are not there", ""));
    };
    let (test, valid) = (test.flatten(), options.valid);
    let default_valid = if test.is_some() { 0.10 } else { 0.15 };
    Source {
        name: source,
        train,
        test,
        scale: 1.0 / 255.0,
        valid: valid.unwrap_or(default_valid),
        test_fraction: 0.15,
        test_seed: None,
        normalize: Normalization::None,
    }
    .dataset(options)
}

fn is_test(prefix: &str) -> bool {
    prefix.starts_with("t10k") || prefix.starts_with("test")
}

fn read_pair(source: &str, prefix: &str, pair: Pair) -> Result<Labelled, DataError> {
    let mut problems = Problems::default();
    let mut read = |path: &Option<PathBuf>, what: &str, axes: u8| {
        let Some(path) = path else {
            let missing = format!("there is no file {prefix}{what}-idx{axes}-ubyte (or .gz)");
            let cure = "put the files of images and of labels into one folder";
            problems.push(Place::file(source), missing, cure);
            return None;
        };
        let idx = Idx::from_path(path).map_err(|error| problems.extend(error)).ok()?;
        Some((path.display().to_string(), idx))
    };
    let (images, labels) = (read(&pair.images, "images", 3), read(&pair.labels, "labels", 1));
    problems.finish()?;
    match (images, labels) {
        (Some((images_file, images)), Some((labels_file, labels))) => {
            Labelled::new((&images_file, images), (&labels_file, labels))
        }
        _ => Err(DataError::new(Place::file(source), "the files are not there", "")),
    }
}
