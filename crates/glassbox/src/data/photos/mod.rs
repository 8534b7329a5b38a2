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
#[cfg(not(feature = "image"))]
mod unavailable;

use std::io::Read;
use std::path::Path;

#[cfg(feature = "image")]
pub(super) use album::load;
#[cfg(feature = "image")]
use decode::is_image;
pub use facts::{ImageFacts, Skipped};
#[cfg(feature = "image")]
pub(super) use place::files_of;
#[cfg(feature = "image")]
pub(crate) use raw::Photos;
#[cfg(not(feature = "image"))]
pub(crate) use unavailable::Photos;
#[cfg(not(feature = "image"))]
use unavailable::is_image;
#[cfg(not(feature = "image"))]
pub(super) use unavailable::{files_of, load};

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

/// Whether a path is for [`Model::predict_photos`](crate::Model::predict_photos): a folder, an archive
/// or an image, by its name or its first bytes.
pub fn is_photos(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    let begins_as_image = || {
        let mut start = [0; 64];
        let read = std::fs::File::open(path).and_then(|mut file| file.read(&mut start));
        read.is_ok_and(|read| is_image(&start[..read]))
    };
    path.is_dir() || is_archive(path) || is_image_name(path) || begins_as_image()
}
