//! Predicting images in files.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use crate::Error;
use crate::data::{Photos, Skipped};
use crate::train::trained::{Model, Predictions};

/// What a model says of images in files.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhotoPredictions {
    /// One a file, in the order of `files`.
    pub predictions: Predictions,
    /// The files: as they were asked for, those in folders and archives behind the name of what they
    /// are in.
    pub files: Vec<String>,
    /// The class that a file's folder is called after, where it is one of the model's.
    pub observed: Vec<Option<String>>,
    /// Files that could not be read, and why.
    pub skipped: Vec<Skipped>,
    /// Seconds that reading and decoding took.
    pub reading: f64,
    /// Seconds that the model took for all of them.
    pub predicting: f64,
    /// Seconds that the model took for one of them alone.
    pub one: f64,
}

impl Model {
    /// Predicts images in files: PNG, JPEG, WebP, BMP or GIF, of any size; a folder or archive (.tar,
    /// .tar.gz, .zip) stands for all that are in it. Each is brought to the size that the model takes,
    /// in the way it was trained on. Files that cannot be read are left out and listed.
    ///
    /// Needs the feature `image`.
    ///
    /// # Errors
    /// Paths that are not there, a model that takes no images, a damaged archive.
    ///
    /// ```no_run
    /// use glassbox::Model;
    /// let model = Model::load("runs/photos")?;
    /// let found = model.predict_photos(&["cat.jpg", "holiday/"])?;
    /// for (file, prediction) in found.files.iter().zip(&found.predictions.rows) {
    ///     let best = prediction.top(3, &found.predictions.classes);
    ///     println!("{file}: {best:?}");
    /// }
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn predict_photos<P: AsRef<Path>>(&self, paths: &[P]) -> Result<PhotoPredictions, Error> {
        let started = Instant::now();
        let paths: Vec<PathBuf> = paths.iter().map(|path| path.as_ref().to_owned()).collect();
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let photos = Photos::read(&paths, &self.preparation().inputs, threads)?;
        let reading = started.elapsed().as_secs_f64();
        let fill = &mut |first: usize, _: usize, out: &mut [f32]| Ok(photos.gather(first, out)?);
        let started = Instant::now();
        let predictions = self.predict_filled(photos.files.len(), fill)?;
        let predicting = started.elapsed().as_secs_f64();
        // Once to make the plan, once to measure.
        let first = photos.files.len().min(1);
        self.predict_filled(first, fill)?;
        let started = Instant::now();
        self.predict_filled(first, fill)?;
        let one = started.elapsed().as_secs_f64();
        let observed =
            photos.files.iter().map(|file| class_of(file, &predictions.classes)).collect();
        let Photos { files, skipped, .. } = photos;
        Ok(PhotoPredictions { predictions, files, observed, skipped, reading, predicting, one })
    }
}

/// The class that a folder of the file is called after; the one nearest to the file.
pub(crate) fn class_of(file: &str, classes: &[String]) -> Option<String> {
    let folders = file.rsplit(['/', '\\']).skip(1);
    let known = |folder: &&str| classes.iter().any(|class| class == folder);
    folders.into_iter().find(known).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_nearest_to_a_file_is_its_class() {
        let classes = ["cat".to_owned(), "dog".to_owned()];
        let of = |file| class_of(file, &classes);
        assert_eq!(of("cat/photos/dog/1.jpg").as_deref(), Some("dog"));
        assert_eq!(of("photos/cat/old/1.jpg").as_deref(), Some("cat"));
        assert_eq!((of("cat.jpg"), of("birds/cat")), (None, None));
    }
}
