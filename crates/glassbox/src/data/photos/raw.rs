//! Images to be predicted: of files, folders and archives, brought to what a model takes.

use std::path::PathBuf;

use super::decode::{Unusable, picture};
use super::facts::Skipped;
use super::place::{Content, Place};
use crate::data::error::{DataError, Place as Where, Problems};
use crate::data::pixels::Scaling;
use crate::data::prepare::InputPreparation;
use crate::data::spool::{Placed, Stored};
use crate::data::table::MEMORY;

/// Images that were read, as a model takes them.
pub(crate) struct Photos {
    /// The files that could be read, as they were asked for, in order: `photos/cat/1.jpg`.
    pub(crate) files: Vec<String>,
    /// Files that could not.
    pub(crate) skipped: Vec<Skipped>,
    /// Where in the store each is.
    positions: Vec<usize>,
    pixels: Stored<u8>,
    scaling: Scaling,
    width: usize,
}

impl Photos {
    /// Reads and decodes on `threads` threads; folders with all that is in them.
    ///
    /// # Errors
    /// Paths that are not there, all of them; a model that takes no images; damaged archives.
    pub(crate) fn read(
        paths: &[PathBuf],
        inputs: &InputPreparation,
        threads: usize,
    ) -> Result<Self, DataError> {
        let InputPreparation::Pixels { shape, scale, mean, std, fit } = inputs else {
            let what = "the model takes no images";
            let cure = "give it what it was trained on: a table, or arrays";
            return Err(DataError::new(Where::default(), what, cure));
        };
        let [height, side, channels] = *shape;
        if ![1, 3].contains(&channels) {
            let what = format!("the model takes images of {channels} channels");
            return Err(DataError::new(Where::default(), what, "files of images have 1 or 3"));
        }
        let places = places(paths)?;
        // The names first, so that there is a place for each.
        let mut files: Vec<String> = Vec::new();
        let mut firsts = Vec::new();
        for (shown, place) in &places {
            firsts.push(files.len());
            place.each(&|_| true, &mut |_, name, _| {
                files.push(match shown {
                    Some(shown) => format!("{}/{name}", shown.trim_end_matches(['/', '\\'])),
                    None => name.to_owned(),
                });
                true
            })?;
        }
        let width: usize = shape.iter().product();
        let placed = Placed::new(files.len() as u64 * width as u64, MEMORY)?;
        let (mut positions, mut skipped) = (Vec::new(), Vec::new());
        for ((shown, place), first) in places.iter().zip(firsts) {
            let work = |number: usize, name: &str, content: Content| {
                let pixels = match content.bytes().map(|bytes| picture(&bytes, channels)) {
                    Ok(Ok((picture, _))) => picture.fitted([height, side], *fit),
                    Ok(Err(Unusable::NoImage(_))) if shown.is_some() && !named_so(name) => {
                        return Ok(Fate::Other);
                    }
                    Ok(Err(unusable)) => return Ok(Fate::Skipped(unusable.words().to_owned())),
                    Err(problem) => return Ok(Fate::Skipped(problem)),
                };
                placed.write(((first + number) * width) as u64, &pixels)?;
                Ok(Fate::Read)
            };
            let fates: Vec<(usize, Result<Fate, DataError>)> =
                place.map(threads, &|_| true, work)?;
            for (number, fate) in fates {
                let at = first + number;
                match (fate?, files.get(at)) {
                    (Fate::Read, Some(_)) => positions.push(at),
                    (Fate::Skipped(problem), Some(file)) => {
                        skipped.push(Skipped { file: file.clone(), problem });
                    }
                    _ => {}
                }
            }
        }
        let files = positions.iter().map(|at| std::mem::take(&mut files[*at])).collect();
        let scaling = Scaling::of(channels, *scale, mean, std);
        Ok(Photos { files, skipped, positions, pixels: placed.finish(), scaling, width })
    }

    /// The numbers of images from `first` on, as many as `out` takes.
    pub(crate) fn gather(&self, first: usize, out: &mut [f32]) -> Result<(), DataError> {
        let positions = self.positions.get(first..).unwrap_or_default();
        for (at, out) in positions.iter().zip(out.chunks_exact_mut(self.width.max(1))) {
            self.scaling.gather(&self.pixels, (at * self.width) as u64, out)?;
        }
        Ok(())
    }
}

/// What became of a file.
enum Fate {
    Read,
    Skipped(String),
    /// It is no image, and is not called so.
    Other,
}

fn named_so(name: &str) -> bool {
    super::is_image_name(name.as_ref())
}

/// Where the images of each path lie, and how a folder or archive was called.
fn places(paths: &[PathBuf]) -> Result<Vec<(Option<String>, Place)>, DataError> {
    let mut problems = Problems::default();
    let mut places = Vec::new();
    for path in paths {
        let shown = path.display().to_string();
        if !path.exists() {
            problems.extend(crate::data::load::not_found(path, &shown));
        } else if path.is_dir() || super::is_archive(path) {
            match Place::open(path) {
                Ok(place) => places.push((Some(shown), place)),
                Err(error) => problems.extend(error),
            }
        } else {
            let files = vec![(shown, path.clone())];
            places.push((None, Place::Folder { files, empty: Vec::new() }));
        }
    }
    problems.finish()?;
    Ok(places)
}
