//! Folders and archives of images, one file an image: which file is of which class, decoding, and
//! datasets of them. Behind the feature `image`.

#[cfg(feature = "image")]
mod album;
#[cfg(feature = "image")]
mod decode;
mod facts;
#[cfg(feature = "image")]
mod layout;
#[cfg(feature = "image")]
mod place;
#[cfg(feature = "image")]
mod raw;
#[cfg(feature = "image")]
mod resize;

pub use facts::{ImageFacts, Skipped};
#[cfg(feature = "image")]
pub(crate) use raw::Photos;
#[cfg(feature = "image")]
pub use raw::is_photos;

use std::path::Path;

use super::dataset::Dataset;
use super::error::DataError;
use super::options::Options;

/// The endings of the names of images that are read.
const IMAGES: [&str; 6] = [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"];
/// The endings of the names of archives.
const ARCHIVES: [&str; 4] = [".tar", ".tar.gz", ".tgz", ".zip"];

/// Whether a path is that of an image, by its name.
pub(super) fn is_image_name(path: &Path) -> bool {
    ends_with(path, &IMAGES)
}

/// Whether a path is that of an archive, by its name.
pub(super) fn is_archive(path: &Path) -> bool {
    ends_with(path, &ARCHIVES)
}

fn ends_with(path: &Path, endings: &[&str]) -> bool {
    let name = path.to_string_lossy().to_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}

/// The dataset in a folder of folders of images, or in an archive.
#[cfg(feature = "image")]
pub(super) fn load(path: &Path, options: &Options) -> Result<Dataset, DataError> {
    album::load(path, options)
}

/// Says that images are not read here.
#[cfg(not(feature = "image"))]
pub(super) fn load(path: &Path, _: &Options) -> Result<Dataset, DataError> {
    Err(unavailable(path))
}

#[cfg(not(feature = "image"))]
fn unavailable(path: &Path) -> DataError {
    let place = super::error::Place::file(path.display().to_string());
    let what = "images and archives are not read by this build";
    DataError::new(place, what, "build Glassbox with its feature `image`")
}

/// The names and contents of the files of an archive whose name is wanted.
#[cfg(feature = "image")]
pub(super) fn files_of(
    path: &Path,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<(String, Vec<u8>)>, DataError> {
    place::files_of(path, wanted)
}

/// Says that archives are not read here.
#[cfg(not(feature = "image"))]
pub(super) fn files_of(
    path: &Path,
    _: &dyn Fn(&str) -> bool,
) -> Result<Vec<(String, Vec<u8>)>, DataError> {
    Err(unavailable(path))
}
