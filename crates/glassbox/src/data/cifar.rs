//! The binary files of CIFAR-10 and CIFAR-100 (Krizhevsky, cs.toronto.edu/~kriz/cifar.html): records
//! of a label (of CIFAR-100 two, coarse and fine) and 32 × 32 bytes of red, of green and of blue.

use std::path::{Path, PathBuf};

use super::dataset::Dataset;
use super::error::{DataError, Place, Problems};
use super::images::{Labelled, Source};
use super::options::Options;
use super::pixels::Normalization;
use super::source::Source as Stream;
use super::target::TargetEncoding;

/// Pixels of one colour.
const PLANE: usize = 32 * 32;
/// The largest file that is read: CIFAR-10's have 30 MB, CIFAR-100's 154 MB.
const LARGEST: u64 = 4 << 30;

/// Which of the two a file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ten,
    Hundred,
}

/// What a file of CIFAR is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Train,
    Test,
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn kind(path: &Path) -> Option<(Kind, Part)> {
    match name_of(path) {
        "test_batch.bin" => Some((Kind::Ten, Part::Test)),
        "train.bin" => Some((Kind::Hundred, Part::Train)),
        "test.bin" => Some((Kind::Hundred, Part::Test)),
        name => {
            let number = name.strip_prefix("data_batch_")?.strip_suffix(".bin")?;
            number.parse::<u32>().ok().map(|_| (Kind::Ten, Part::Train))
        }
    }
}

/// Whether a path is that of images of CIFAR, by its name.
pub(super) fn is_file(path: &Path) -> bool {
    kind(path).is_some()
}

/// Whether a file belongs to CIFAR: images, or the names of the classes.
pub(super) fn is_part(path: &Path) -> bool {
    let names = ["batches.meta.txt", "fine_label_names.txt", "coarse_label_names.txt"];
    is_file(path) || names.contains(&name_of(path))
}

/// The dataset of the files of CIFAR among `files`.
pub(super) fn from_files(
    source: &str,
    files: &[PathBuf],
    options: &Options,
) -> Result<Dataset, DataError> {
    let mut problems = Problems::default();
    let mut read = Vec::new();
    for path in files.iter().filter(|path| is_part(path)) {
        match Stream::open(path).and_then(|mut file| file.rest(LARGEST)) {
            Ok(bytes) => read.push((path.display().to_string(), bytes)),
            Err(error) => problems.extend(error),
        }
    }
    problems.finish()?;
    from_bytes(source, read, options)
}

/// As [`from_files`], of names and what the files hold.
pub(super) fn from_bytes(
    source: &str,
    mut files: Vec<(String, Vec<u8>)>,
    options: &Options,
) -> Result<Dataset, DataError> {
    files.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    let kinds = files.iter().filter_map(|(name, _)| kind(Path::new(name)));
    let mut kinds: Vec<Kind> = kinds.map(|(kind, _)| kind).collect();
    kinds.dedup();
    let [kind_of_all] = kinds[..] else {
        let what = "files of CIFAR-10 and of CIFAR-100 lie side by side";
        return Err(DataError::new(
            Place::file(source),
            what,
            "put them into folders of their own",
        ));
    };
    let mut options = options.clone();
    let fine = match (kind_of_all, options.target.take().as_deref()) {
        (Kind::Ten, None) => false,
        (Kind::Hundred, None | Some("fine")) => true,
        (Kind::Hundred, Some("coarse")) => false,
        (kind, Some(target)) => {
            let what = format!("there is no target `{target}`");
            let cure = match kind {
                Kind::Ten => "CIFAR-10 has one label: leave the target out",
                Kind::Hundred => "CIFAR-100 has `fine` (100 classes) and `coarse` (20 classes)",
            };
            return Err(DataError::new(Place::file(source), what, cure));
        }
    };
    let mut problems = Problems::default();
    let mut parts = [None, None];
    for (name, bytes) in &files {
        let Some((kind, part)) = kind(Path::new(name)) else { continue };
        let (pixels, labels) = parts[part as usize].get_or_insert((Vec::new(), Vec::new()));
        if let Err(error) = records(name, kind, fine, bytes, pixels, labels) {
            problems.extend(error);
        }
    }
    problems.finish()?;
    let names_file = match (kind_of_all, fine) {
        (Kind::Ten, _) => "batches.meta.txt",
        (Kind::Hundred, true) => "fine_label_names.txt",
        (Kind::Hundred, false) => "coarse_label_names.txt",
    };
    let names = files.iter().find(|(name, _)| name_of(Path::new(name)) == names_file);
    let names: Vec<String> = names.map_or(Vec::new(), |(_, bytes)| {
        let text = String::from_utf8_lossy(bytes);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    });
    let labelled = |of: (Vec<u8>, Vec<u8>)| Labelled::of(source, [32, 32, 3], of.0, of.1);
    let [train, test] = parts.map(|part| part.map(labelled));
    // A test part alone is data like any other.
    let (Some(train), test) = (match train {
        Some(train) => (Some(train), test),
        None => (test, None),
    }) else {
        return Err(DataError::new(Place::file(source), "holds no images of CIFAR", ""));
    };
    let valid = if test.is_some() { 0.10 } else { 0.15 };
    let dataset = Source {
        name: source,
        train,
        test,
        scale: 1.0 / 255.0,
        valid,
        test_fraction: 0.15,
        test_seed: None,
        normalize: Normalization::Standardize,
    }
    .dataset(&options)?;
    let TargetEncoding::Classes { names: labels, .. } = &dataset.preparation.target.encoding else {
        return Ok(dataset);
    };
    let name = |label: &String| names.get(label.parse::<usize>().ok()?);
    match labels.iter().map(name).collect::<Option<Vec<_>>>() {
        Some(known) => dataset.with_class_names(&known),
        None => Ok(dataset),
    }
}

/// Adds the images of a file: colours side by side, one label each.
fn records(
    file: &str,
    kind: Kind,
    fine: bool,
    bytes: &[u8],
    pixels: &mut Vec<u8>,
    labels: &mut Vec<u8>,
) -> Result<(), DataError> {
    let (marks, most) = match (kind, fine) {
        (Kind::Ten, _) => (1, 9),
        (Kind::Hundred, true) => (2, 99),
        (Kind::Hundred, false) => (2, 19),
    };
    let record = marks + 3 * PLANE;
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
        let what = format!("{} bytes are not whole images of {record} bytes each", bytes.len());
        return Err(DataError::new(Place::file(file), what, "download the file again"));
    }
    for (image, record) in bytes.chunks_exact(record).enumerate() {
        let (marks, colours) = record.split_at(marks);
        let label = marks[usize::from(fine)];
        if label > most {
            let what = format!("image {} has the label {label}, above {most}", image + 1);
            return Err(DataError::new(
                Place::file(file),
                what,
                "check which CIFAR this file is of",
            ));
        }
        labels.push(label);
        let (red, rest) = colours.split_at(PLANE);
        let (green, blue) = rest.split_at(PLANE);
        for ((red, green), blue) in red.iter().zip(green).zip(blue) {
            pixels.extend([*red, *green, *blue]);
        }
    }
    Ok(())
}
