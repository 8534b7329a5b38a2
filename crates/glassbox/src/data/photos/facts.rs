//! What was found in a folder or archive of images.

use std::collections::BTreeMap;
#[cfg(feature = "image")]
use std::collections::HashMap;

use serde::Serialize;

#[cfg(feature = "image")]
use super::decode::Head;
#[cfg(feature = "image")]
use super::layout::Part;
use crate::data::error::count;

/// What was found where a dataset was made of image files.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ImageFacts {
    /// Images that can be read.
    pub images: usize,
    /// Of each class its images in the parts train, valid and test.
    pub classes: Vec<(String, [usize; 3])>,
    /// Least, median and greatest height, in pixels.
    pub heights: [usize; 3],
    /// Least, median and greatest width, in pixels.
    pub widths: [usize; 3],
    /// How many different sizes there are.
    pub sizes: usize,
    /// Images of each format, e.g. `JPEG`.
    pub formats: BTreeMap<String, usize>,
    /// Images whose files are grey.
    pub grey: usize,
    /// Images with transparency: they were laid on white.
    pub transparent: usize,
    /// Images of 16 bits a channel: they were rounded to 8.
    pub deep: usize,
    /// What was left out, and why.
    pub skipped: Vec<Skipped>,
    /// Images whose file is the same, byte by byte, as an earlier one's.
    pub duplicates: usize,
    /// Such files, each with the earlier one (the first few).
    pub duplicated: Vec<[String; 2]>,
    /// Images that stand in two classes.
    pub contradictory: usize,
    /// Images of the validation or test part that are in the training part, too.
    pub leaked: usize,
    /// Such files, each with the one in training (the first few).
    pub leaks: Vec<[String; 2]>,
    /// Seconds that reading and decoding took.
    pub seconds: f64,
    /// Threads that decoded.
    pub threads: usize,
}

/// A file that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its name inside the source.
    pub file: String,
    /// Why.
    pub problem: String,
}

/// How many examples are kept.
#[cfg(feature = "image")]
const SHOWN: usize = 20;

/// An image that was decoded.
#[cfg(feature = "image")]
pub(super) struct Seen<'a> {
    pub(super) name: &'a str,
    pub(super) head: Head,
    pub(super) transparent: bool,
    pub(super) class: usize,
    pub(super) part: Part,
    /// Of its file's bytes.
    pub(super) hash: u64,
}

#[cfg(feature = "image")]
impl ImageFacts {
    pub(super) fn of(
        seen: &[Seen],
        classes: &[String],
        skipped: Vec<Skipped>,
        (seconds, threads): (f64, usize),
    ) -> Self {
        let heads = || seen.iter().map(|seen| &seen.head);
        let mut sizes: Vec<[usize; 2]> = heads().map(|head| [head.height, head.width]).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let mut facts = ImageFacts {
            images: seen.len(),
            classes: classes.iter().map(|name| (name.clone(), [0; 3])).collect(),
            heights: spread(heads().map(|head| head.height)),
            widths: spread(heads().map(|head| head.width)),
            sizes: sizes.len(),
            grey: heads().filter(|head| head.grey).count(),
            transparent: seen.iter().filter(|seen| seen.transparent).count(),
            deep: heads().filter(|head| head.deep).count(),
            skipped,
            seconds,
            threads,
            ..ImageFacts::default()
        };
        for head in heads() {
            *facts.formats.entry(head.format.to_owned()).or_default() += 1;
        }
        for seen in seen {
            if let Some((_, parts)) = facts.classes.get_mut(seen.class) {
                parts[seen.part as usize] += 1;
            }
        }
        facts.find_duplicates(seen);
        facts
    }

    fn find_duplicates(&mut self, seen: &[Seen]) {
        let mut first: HashMap<u64, &Seen> = HashMap::with_capacity(seen.len());
        let mut trained: HashMap<u64, &Seen> = HashMap::new();
        for image in seen {
            if image.part == Part::Train {
                trained.entry(image.hash).or_insert(image);
            }
            match first.get(&image.hash) {
                None => drop(first.insert(image.hash, image)),
                Some(earlier) => {
                    self.duplicates += 1;
                    self.contradictory += usize::from(earlier.class != image.class);
                    if self.duplicated.len() < SHOWN {
                        self.duplicated.push([image.name.to_owned(), earlier.name.to_owned()]);
                    }
                }
            }
        }
        for image in seen.iter().filter(|image| image.part != Part::Train) {
            if let Some(other) = trained.get(&image.hash) {
                self.leaked += 1;
                if self.leaks.len() < SHOWN {
                    self.leaks.push([image.name.to_owned(), other.name.to_owned()]);
                }
            }
        }
    }
}

impl ImageFacts {
    /// What is to be known before training on them, in words.
    pub fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        if !self.skipped.is_empty() {
            let of = |skipped: &Skipped| format!("{} {}", skipped.file, skipped.problem);
            let first: Vec<String> = self.skipped.iter().take(5).map(of).collect();
            let more = self.skipped.len() - first.len();
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            let files = count(self.skipped.len(), "file");
            notices.push(format!("{files} left out: {}{more}", first.join("; ")));
        }
        if self.transparent > 0 {
            let images = count(self.transparent, "transparent image");
            notices.push(format!("{images} laid on white"));
        }
        if self.deep > 0 {
            notices
                .push(format!("{} of 16 bits a channel rounded to 8", count(self.deep, "image")));
        }
        if self.leaked > 0 {
            let example = self.leaks.first().map(|[one, other]| format!(", e.g. {one} is {other}"));
            notices.push(format!(
                "{} of the validation or test part are in the training part, too{}: figures on \
                 them say too much",
                count(self.leaked, "image"),
                example.unwrap_or_default()
            ));
        }
        if self.contradictory > 0 {
            let images = count(self.contradictory, "image");
            notices.push(format!("{images} stand in two classes: no model can tell both"));
        }
        notices
    }

    /// How fast they were decoded, in words.
    pub fn speed(&self) -> String {
        let rate = self.images as f64 / self.seconds.max(1e-9);
        format!(
            "{} decoded in {:.1} s by {}: {rate:.0} images/s",
            count(self.images, "image"),
            self.seconds,
            count(self.threads, "thread")
        )
    }
}

/// Least, median (the lower one of two) and greatest.
#[cfg(feature = "image")]
fn spread(numbers: impl Iterator<Item = usize>) -> [usize; 3] {
    let mut all: Vec<usize> = numbers.collect();
    all.sort_unstable();
    match (all.first(), all.get(all.len().saturating_sub(1) / 2), all.last()) {
        (Some(least), Some(median), Some(greatest)) => [*least, *median, *greatest],
        _ => [0; 3],
    }
}
