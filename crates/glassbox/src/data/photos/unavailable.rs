//! What stands for images in a build that does not read them.

use std::path::{Path, PathBuf};

use super::facts::Skipped;
use crate::data::dataset::Dataset;
use crate::data::error::{DataError, Place};
use crate::data::options::Options;
use crate::data::prepare::InputPreparation;

fn unavailable(path: &Path) -> DataError {
    let place = Place::file(path.display().to_string());
    let what = "images and archives are not read by this build";
    DataError::new(place, what, "build Glassbox with its feature `image`")
}

pub(in crate::data) fn load(path: &Path, _: &Options) -> Result<Dataset, DataError> {
    Err(unavailable(path))
}

pub(in crate::data) fn files_of(
    path: &Path,
    _: &dyn Fn(&str) -> bool,
) -> Result<Vec<(String, Vec<u8>)>, DataError> {
    Err(unavailable(path))
}

pub(in crate::data) fn is_image(_: &[u8]) -> bool {
    false
}

pub(crate) struct Photos {
    pub(crate) files: Vec<String>,
    pub(crate) skipped: Vec<Skipped>,
}

impl Photos {
    pub(crate) fn read(
        paths: &[PathBuf],
        _: &InputPreparation,
        _: usize,
    ) -> Result<Self, DataError> {
        Err(unavailable(paths.first().map_or(Path::new(""), PathBuf::as_path)))
    }

    pub(crate) fn gather(&self, _: usize, _: &mut [f32]) -> Result<(), DataError> {
        Ok(())
    }
}
