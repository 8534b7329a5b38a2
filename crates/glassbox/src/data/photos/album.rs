//! A dataset of a folder or archive of images: two walks, one for the heads of the files, one that
//! decodes them to bytes of one size.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use super::decode::{FORMATS, Head, Unusable, head, picture};
use super::facts::{ImageFacts, Seen, Skipped};
use super::layout::{Layout, Part, layout};
use super::place::{Content, Place};
use crate::data::dataset::{Dataset, Parts, empty_parts};
use crate::data::error::{DataError, Place as Where, Problems, count, quoted};
use crate::data::fingerprint::Fingerprint;
use crate::data::options::{Options, Prepare};
use crate::data::pixels::{Fit, ImageOptions, Normalization, Scaling, Sums};
use crate::data::prepare::{InputPreparation, Preparation};
use crate::data::rows::{Inputs, Store, Targets};
use crate::data::split::{Split, split};
use crate::data::spool::Placed;
use crate::data::target::{Spelling, TargetEncoding, TargetPreparation, classes_of, in_order};
use crate::nearest::{listed, nearest};

/// Bytes of a file that are read for its head.
const HEAD: u64 = 256 << 10;
/// Images of one size are left as they are up to so many pixels a side.
const KEPT: usize = 96;
/// The squares that images of other sizes are brought to.
const SQUARES: [usize; 3] = [128, 64, 32];
/// The most that images may take in a temporary file: 128 GiB.
const MOST: u64 = 128 << 30;

/// A file of the place.
struct Found {
    name: String,
    head: Result<Head, Unusable>,
}

/// An image of the dataset.
struct Row {
    /// Of the file, in the walk.
    number: usize,
    name: String,
    head: Head,
    part: Part,
    class: String,
}

/// What decoding gives beside the pixels.
struct Decoded {
    hash: u64,
    transparent: bool,
    sums: Vec<Sums>,
}

/// The threads that decode.
pub(super) fn threads(options: &Options) -> usize {
    let all = || std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    options.threads.unwrap_or_else(all).max(1)
}

/// What stands in the head of a file of which not everything need be read.
fn head_of(content: Content) -> Result<Head, Unusable> {
    let unreadable = |what| Unusable::Damaged(what);
    if let Content::File(path) = &content {
        let mut start = Vec::new();
        let opened = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut start));
        match (opened, start.len() as u64 == HEAD) {
            (Ok(_), false) => return head(&start),
            (Ok(_), true) => {
                if let Ok(head) = head(&start) {
                    return Ok(head);
                }
            }
            (Err(error), _) => return Err(unreadable(format!("cannot be opened: {error}"))),
        }
    }
    head(&content.bytes().map_err(unreadable)?)
}

/// The dataset of the images in a folder or an archive.
pub(in crate::data) fn load(path: &Path, options: &Options) -> Result<Dataset, DataError> {
    let source = path.display().to_string();
    let place = Place::open(path)?;
    of_place(&source, &place, options)
}

pub(super) fn of_place(
    source: &str,
    place: &Place,
    options: &Options,
) -> Result<Dataset, DataError> {
    options.refuse_columns("images")?;
    if options.prepare == Prepare::Standardize {
        let what = "images are normalised by channel, not by column";
        let cure = "set data.image.normalize to \"standardize\" in place of data.prepare";
        return Err(DataError::new(Where::file(source), what, cure));
    }
    let started = Instant::now();
    let threads = threads(options);
    let found = place.map(threads, &|_| true, |_, name, content| Found {
        name: name.to_owned(),
        head: head_of(content),
    })?;
    let (rows, mut layout) = rows_of(source, found, place.empty_folders(), options.itself)?;
    let image = Shape::of(source, &rows, options)?;
    let (inputs, decoded) = decode(place, &rows, &image, threads, options)?;
    let mut alive = Vec::with_capacity(rows.len());
    let mut sums_and_hashes = Vec::with_capacity(rows.len());
    for (at, decoded) in decoded.into_iter().enumerate() {
        match decoded {
            Ok(decoded) => {
                alive.push(at);
                sums_and_hashes.push(Some(decoded));
            }
            Err(problem) => {
                layout.skipped.push(Skipped { file: rows[at].name.clone(), problem });
                sums_and_hashes.push(None);
            }
        }
    }
    let decoded = sums_and_hashes;
    layout.skipped.sort_unstable_by(|one, other| one.file.cmp(&other.file));
    if options.strict {
        strictly(source, &layout)?;
    }
    let mut notices = std::mem::take(&mut layout.notices);
    let (classes, class_of) = match options.itself {
        true => known(&rows, &alive, &mut notices),
        false => classes(source, &rows, &alive)?,
    };
    notices.extend(image.notice.clone());
    if !layout.stray.is_empty() {
        notices.push(format!(
            "{} beside the folders of the classes, left out: {}",
            count(layout.stray.len(), "image"),
            some(&layout.stray)
        ));
    }
    let label = |at: usize| class_of.get(rows[at].class.as_str()).copied().unwrap_or(0);
    let parts = divide(&rows, &alive, &label, &layout, options, &mut notices)?;

    // What is learned from pixels, from the training part alone.
    let [_, _, channels] = image.shape;
    let scale = if options.prepare == Prepare::Raw { 1.0 } else { 1.0 / 255.0 };
    let normalize = match (&options.image.normalize, options.prepare, channels) {
        (Some(asked), ..) => asked,
        (None, Prepare::Raw, _) | (None, _, 1) => &Normalization::None,
        // Rows that are learned themselves are made as numbers from 0 to 1.
        (None, ..) if options.itself => &Normalization::None,
        (None, ..) => &Normalization::Standardize,
    };
    let (mean, std) = normalize
        .of(channels, || {
            let mut all = vec![Sums::default(); channels];
            for row in parts.train.iter().filter_map(|at| decoded[*at].as_ref()) {
                all.iter_mut().zip(&row.sums).for_each(|(all, row)| all.add(row));
            }
            all.iter().map(|sums| sums.mean_and_std(f64::from(scale))).unzip()
        })
        .map_err(|what| {
            let cure = "give data.image.normalize one mean and one std for each channel";
            DataError::new(Where::file(source), what, cure)
        })?;

    let mut part_of = vec![Part::Train; rows.len()];
    for (part, positions) in [(Part::Valid, &parts.valid), (Part::Test, &parts.test)] {
        positions.iter().for_each(|at| part_of[*at] = part);
    }
    let mut hash = Fingerprint::new();
    let mut seen = Vec::with_capacity(alive.len());
    for &at in &alive {
        let (row, Some(own)) = (&rows[at], &decoded[at]) else { continue };
        hash.bytes([row.part as u8]);
        hash.bytes(row.class.bytes().chain([0]));
        hash.bytes(own.hash.to_le_bytes());
        seen.push(Seen {
            name: &row.name,
            head: row.head,
            transparent: own.transparent,
            class: label(at) as usize,
            part: part_of[at],
            hash: own.hash,
        });
    }
    let took = (started.elapsed().as_secs_f64(), threads);
    let facts = ImageFacts::of(&seen, &classes, layout.skipped, took);
    notices.extend(facts.notices());
    drop(seen);

    let scaling = Scaling::of(channels, scale, &mean, &std);
    let labels = (0..rows.len()).map(label).collect();
    let store = Store {
        inputs: Inputs::Pixels { bytes: inputs.finish(), scaling },
        width: image.shape.iter().product(),
        targets: Targets::Classes(labels),
        source_rows: None,
        names: Some(rows.into_iter().map(|row| row.name.into_boxed_str()).collect()),
        weights: None,
        overlap: None,
    };
    let encoding = TargetEncoding::Classes { names: classes, spelling: Spelling::Text };
    let target = TargetPreparation { name: "class".into(), encoding };
    let parts = Parts::of(store, &target, parts);
    let inputs = InputPreparation::Pixels { shape: image.shape, scale, mean, std, fit: image.fit };
    let preparation = Preparation { inputs, target };
    let dataset = Dataset::assemble(source, preparation, parts, None, notices, &hash);
    Ok(Dataset { images: Some(facts), ..dataset })
}

/// The images that have a class, sorted by name.
fn rows_of(
    source: &str,
    mut found: Vec<(usize, Found)>,
    empty: &[String],
    itself: bool,
) -> Result<(Vec<Row>, Layout), DataError> {
    found.sort_unstable_by(|(_, one), (_, other)| one.name.cmp(&other.name));
    let names: Vec<&str> = found.iter().map(|(_, found)| found.name.as_str()).collect();
    let unusable: BTreeMap<usize, Unusable> = found
        .iter()
        .enumerate()
        .filter_map(|(at, (_, found))| Some((at, found.head.as_ref().err()?.clone())))
        .collect();
    let mut layout = layout(&names, &unusable, empty, itself);
    let places = std::mem::take(&mut layout.rows);
    let rows: Vec<Row> = found
        .into_iter()
        .zip(places)
        .filter_map(|((number, Found { name, head }), place)| {
            let (part, class) = place?;
            Some(Row { number, name, head: head.ok()?, part, class })
        })
        .collect();
    if rows.is_empty() {
        let mut problems = Problems::default();
        if !layout.stray.is_empty() {
            let images = count(layout.stray.len(), "image");
            problems.push(
                Where::file(source),
                format!("{images}, but no class: they lie in no folder of their own"),
                "make a folder for each class and put its images there; to learn what they look like: \
                 --model vae; to predict: glassbox predict",
            );
        }
        for skipped in &layout.skipped {
            problems.push(Where::file(&skipped.file), skipped.problem.as_str(), "");
        }
        if problems.is_empty() {
            let what = format!("no images ({FORMATS}) in it");
            let cure = "images lie in a folder for each class: photos/cat/1.jpg, photos/dog/1.jpg";
            problems.push(Where::file(source), what, cure);
        }
        problems.finish()?;
    }
    if u32::try_from(rows.len()).is_err() {
        let what = "more than 4,294,967,295 images";
        return Err(DataError::new(Where::file(source), what, "take a part of them"));
    }
    Ok((rows, layout))
}

/// Everything that was left out, as an error.
fn strictly(source: &str, layout: &Layout) -> Result<(), DataError> {
    let mut problems = Problems::default();
    let cure = "repair or remove it; without --strict it is left out";
    for skipped in &layout.skipped {
        problems.push(Where::file(&skipped.file), skipped.problem.as_str(), cure);
    }
    for stray in &layout.stray {
        let cure = "put it into the folder of its class; without --strict it is left out";
        problems.push(Where::file(stray), "is an image without a class", cure);
    }
    for notice in layout.notices.iter().filter(|notice| notice.ends_with("left out")) {
        let cure = "remove the folder; without --strict it is left out";
        problems.push(Where::file(source), notice.as_str(), cure);
    }
    problems.finish()
}

/// The first few names.
fn some(names: &[String]) -> String {
    listed(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What every image is brought to.
struct Shape {
    /// `[height, width, channels]`.
    shape: [usize; 3],
    fit: Fit,
    notice: Option<String>,
}

impl Shape {
    fn of(source: &str, rows: &[Row], options: &Options) -> Result<Self, DataError> {
        let ImageOptions { size, channels, fit, .. } = options.image;
        let channels = channels.unwrap_or(match rows.iter().all(|row| row.head.grey) {
            true => 1,
            false => 3,
        });
        let own = |row: &Row| [row.head.height, row.head.width];
        let first = rows.first().map_or([1, 1], own);
        let alike = rows.iter().all(|row| own(row) == first);
        let size = size.unwrap_or_else(|| match alike && first.iter().all(|side| *side <= KEPT) {
            true => first,
            false => {
                let mut sides: Vec<usize> =
                    rows.iter().map(|row| row.head.height.min(row.head.width)).collect();
                sides.sort_unstable();
                let median = sides.get(sides.len() / 2).copied().unwrap_or(0);
                let side = SQUARES.iter().copied().find(|side| *side <= median);
                [side.unwrap_or(SQUARES[SQUARES.len() - 1]); 2]
            }
        });
        let mut problems = Problems::default();
        let fits = size.iter().all(|side| (1..=16_384).contains(side));
        if !fits || ![1, 3].contains(&channels) {
            let what = format!("images of {size:?} in {channels} channels cannot be made");
            let cure = "data.image.size: 1 to 16,384 a side; data.image.channels: 1 or 3";
            problems.push(Where::file(source), what, cure);
        }
        let shape = [size[0], size[1], channels];
        let bytes = shape.iter().map(|side| *side as u64).product::<u64>() * rows.len() as u64;
        if bytes > MOST.max(options.memory as u64) {
            problems.push(
                Where::file(source),
                format!(
                    "{} of {} × {} × {channels} would take {} GiB in a temporary file",
                    count(rows.len(), "image"),
                    size[0],
                    size[1],
                    bytes >> 30
                ),
                "make them smaller (data.image.size), or take a part of them",
            );
        }
        problems.finish()?;
        let [height, width] = size;
        let done = match fit {
            Fit::Crop => "scaled and cropped",
            Fit::Stretch => "stretched",
            Fit::Pad => "scaled and padded",
        };
        let notice = (!alike || first != size).then(|| {
            let sides = |of: fn(&Head) -> usize| {
                let all = || rows.iter().map(|row| of(&row.head));
                (all().min().unwrap_or(0), all().max().unwrap_or(0))
            };
            let (low, high) = sides(|head| head.height);
            let (narrow, wide) = sides(|head| head.width);
            let own = match alike {
                true => format!("{low} × {narrow}"),
                false => format!("{low} × {narrow} to {high} × {wide}"),
            };
            format!("images of {own} pixels are {done} to {height} × {width} (data.image.size)")
        });
        Ok(Shape { shape, fit, notice })
    }
}

/// What became of a row: what is to be known of it, or why it cannot be decoded.
type Fate = Result<Decoded, String>;

/// Decodes every row to its place.
fn decode(
    place: &Place,
    rows: &[Row],
    image: &Shape,
    threads: usize,
    options: &Options,
) -> Result<(Placed, Vec<Fate>), DataError> {
    let width: usize = image.shape.iter().product();
    let placed = Placed::new(width as u64 * rows.len() as u64, options.memory)?;
    // The row of each file in the walk; the walk's order is the archive's, that of rows by name.
    let files = rows.iter().map(|row| row.number + 1).max().unwrap_or(0);
    let mut row_of: Vec<Option<u32>> = vec![None; files];
    for (at, row) in rows.iter().enumerate() {
        row_of[row.number] = Some(at as u32);
    }
    let row = |number: usize| row_of.get(number).copied().flatten().map(|row| row as usize);
    let [height, side, channels] = image.shape;
    let work = |number: usize, name: &str, content: Content| {
        let Some(at) = row(number).filter(|at| rows[*at].name == name) else {
            return Ok(Err("was changed while it was read".to_owned()));
        };
        let decoded = content.bytes().and_then(|bytes| {
            let (picture, transparent) =
                picture(&bytes, channels).map_err(|what| what.words().to_owned())?;
            Ok((hash(&bytes), transparent, picture.fitted([height, side], image.fit)))
        });
        match decoded {
            Ok((hash, transparent, pixels)) => {
                placed.write((at * width) as u64, &pixels)?;
                Ok(Ok(Decoded { hash, transparent, sums: Sums::of(&pixels, channels) }))
            }
            Err(problem) => Ok(Err(problem)),
        }
    };
    let done: Vec<(usize, Result<Fate, DataError>)> =
        place.map(threads, &|number| row(number).is_some(), work)?;
    let mut fates: Vec<Fate> =
        rows.iter().map(|_| Err("was gone when it was to be read".to_owned())).collect();
    for (number, fate) in done {
        if let Some(at) = row(number) {
            fates[at] = fate?;
        }
    }
    Ok((placed, fates))
}

/// Of a file's bytes.
fn hash(bytes: &[u8]) -> u64 {
    let mut hash = Fingerprint::new();
    hash.bytes(bytes.iter().copied());
    hash.value()
}

/// The names of the classes in order, and the label of each.
fn classes<'r>(
    source: &str,
    rows: &'r [Row],
    alive: &[usize],
) -> Result<(Vec<String>, BTreeMap<&'r str, i64>), DataError> {
    let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for &at in alive {
        counts.entry(&rows[at].class).or_default()[rows[at].part as usize] += 1;
    }
    let mut problems = Problems::default();
    let known: Vec<&str> =
        counts.iter().filter(|(_, of)| of[0] > 0).map(|(class, _)| *class).collect();
    for (class, of) in counts.iter().filter(|(_, of)| of[0] == 0) {
        for part in [Part::Valid, Part::Test] {
            if of[part as usize] > 0 {
                let images = count(of[part as usize], "image");
                let what = format!(
                    "class {} has {images} in the {} part, and none to train on",
                    quoted(class),
                    part.word()
                );
                let near = nearest(class, known.iter().copied());
                let cure = match near {
                    Some(near) => format!("is it `{near}`? A class has one name in all parts"),
                    None => "add images to train on, or remove the folder".into(),
                };
                problems.push(Where::file(source), what, cure);
            }
        }
    }
    if let [only] = known[..] {
        let what = format!("all images to train on are of one class, {}", quoted(only));
        let cure = "there must be a folder for each of two classes or more; to learn what they look like: \
                    --model vae";
        problems.push(Where::file(source), what, cure);
    }
    problems.finish()?;
    let counts: BTreeMap<String, usize> =
        known.iter().map(|class| ((*class).to_owned(), counts[class][0])).collect();
    let names = classes_of(counts, spelling(&known), &Where::file(source))?;
    let labels = labels(&known, &names);
    Ok((names, labels))
}

/// As [`classes`], of rows that are learned themselves: no class is known unless every image lies in one, and
/// there are two at least.
fn known<'r>(
    rows: &'r [Row],
    alive: &[usize],
    notices: &mut Vec<String>,
) -> (Vec<String>, BTreeMap<&'r str, i64>) {
    let mut found: Vec<&str> = alive.iter().map(|at| &*rows[*at].class).collect();
    let without = found.iter().filter(|class| class.is_empty()).count();
    found.sort_unstable();
    found.dedup();
    if without > 0 && found.len() > 1 {
        let images = count(without, "image");
        notices.push(format!("{images} beside the folders: no class is known of any image"));
    }
    if without > 0 || found.len() < 2 {
        return (Vec::new(), BTreeMap::new());
    }
    let names = in_order(found.iter().map(|class| (*class).to_owned()), spelling(&found));
    let labels = labels(&found, &names);
    (names, labels)
}

/// Whether the names of all classes are numbers.
fn spelling(classes: &[&str]) -> Spelling {
    match classes.iter().all(|class| class.parse::<f64>().is_ok_and(f64::is_finite)) {
        true => Spelling::Number,
        false => Spelling::Text,
    }
}

/// The label of each class.
fn labels<'r>(classes: &[&'r str], names: &[String]) -> BTreeMap<&'r str, i64> {
    let label = |class: &&str| names.iter().position(|name| name == class).map(|at| at as i64);
    classes.iter().filter_map(|class| Some((*class, label(class)?))).collect()
}

/// The rows of each part: as the folders say, and held out of the training part where they do not.
fn divide(
    rows: &[Row],
    alive: &[usize],
    label: &dyn Fn(usize) -> i64,
    layout: &Layout,
    options: &Options,
    notices: &mut Vec<String>,
) -> Result<Split, DataError> {
    let of = |part: Part| alive.iter().copied().filter(move |at| rows[*at].part == part);
    let (train, valid, test): (Vec<usize>, Vec<usize>, Vec<usize>) =
        (of(Part::Train).collect(), of(Part::Valid).collect(), of(Part::Test).collect());
    let [_, has_valid, has_test] = layout.has;
    for (has, asked, name) in
        [(has_valid, options.valid, "valid"), (has_test, options.test, "test")]
    {
        if has && asked.is_some() {
            notices.push(format!("the source has its own {name} part: `{name}` not used"));
        }
    }
    let usual = if has_test { 0.10 } else { 0.15 };
    let hold_valid = if has_valid { 0.0 } else { options.valid.unwrap_or(usual) };
    let hold_test = if has_test { 0.0 } else { options.test.unwrap_or(0.15) };
    let labels: Vec<i64> = train.iter().map(|at| label(*at)).collect();
    let held =
        split(train.len(), Some(&labels), options.stratify, hold_valid, hold_test, options.seed)?;
    notices.extend(empty_parts(&held, hold_valid, hold_test));
    let rows_of = |held: Vec<usize>| -> Vec<usize> { held.iter().map(|row| train[*row]).collect() };
    Ok(Split {
        valid: if has_valid { valid } else { rows_of(held.valid) },
        test: if has_test { test } else { rows_of(held.test) },
        train: rows_of(held.train),
    })
}
