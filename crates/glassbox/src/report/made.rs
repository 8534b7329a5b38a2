//! Pictures of what a model makes that learns the rows themselves.

use super::picture::uri_of_png;
use super::{RowPictures, Words};
use crate::Error;
use crate::data::Dataset;
use crate::train::folder::RunFolder;
use crate::train::samples::PICTURE;
use crate::train::{KnownRows, Latent};

/// Rows beside what is made of their codes.
const REMADE: usize = 10;
/// New rows, and the seed that they follow from.
const NEW: (usize, u64) = (50, 42);

/// Headings and pictures: rows and what is made of their codes, new rows, what the same codes became.
pub(super) fn pictures(
    w: Words,
    folder: &RunFolder,
    data: Option<&Dataset>,
) -> Result<Vec<(String, String)>, Error> {
    let mut all = Vec::new();
    let latent = Latent::load(folder.path())?;
    if let Some(pictures) = RowPictures::of(latent.preparation(), REMADE) {
        let loaded = if data.is_none() { Latent::data_of(folder.path()).ok() } else { None };
        if let Some(data) = data.or(loaded.as_ref()).filter(|_| latent.has_encoder()) {
            let parts = [&data.test, &data.valid, &data.train];
            let part = parts.into_iter().find(|part| !part.is_empty()).unwrap_or(&data.train);
            let rows = KnownRows::of(part, REMADE)?;
            let labels = rows.all_labels().filter(|_| !latent.told_classes().is_empty());
            let codes = latent.encode(&rows.numbers, labels.as_deref())?.means;
            let made = latent.decode(&codes, labels.as_deref())?;
            let both = [&rows.numbers[..], &made].concat();
            all.push((w.rows_remade(), pictures.sheet("", &both, &[], rows.len())?.data_uri()?));
        }
        if latent.samples() {
            let made = latent.sample(NEW.0, None, NEW.1)?;
            all.push((w.rows_made(), pictures.sheet("", &made, &[], REMADE)?.data_uri()?));
        }
    }
    if let Ok(bytes) = std::fs::read(folder.file(PICTURE)) {
        all.push((w.rows_over_time(), uri_of_png(&bytes)));
    }
    Ok(all)
}
