//! Rows as pictures: what a model made, beside what it was given.

use super::picture::{Picture, Sheet};
use crate::Error;
use crate::data::{InputPreparation, Preparation};

/// Room for a row of pictures, in pixels.
const WIDTH: usize = 1480;
/// Between two pictures.
const SPACE: usize = 16;
/// The longest side of a picture, where it need not be smaller.
const SIDE: usize = 128;

/// Draws rows that are images, as a preparation has scaled them.
pub struct RowPictures {
    shape: [usize; 3],
    mean: Vec<f64>,
    std: Vec<f64>,
    side: usize,
}

impl RowPictures {
    /// Of rows so prepared, `columns` pictures beside each other; none where rows are no images.
    ///
    /// ```
    /// use glassbox::data;
    /// use glassbox::report::RowPictures;
    /// let digits = data::digits();
    /// let pictures = RowPictures::of(&digits.preparation, 8).ok_or("no images")?;
    /// let mut image = vec![0.0; 64];
    /// digits.test.gather_inputs(&[0], &mut image)?;
    /// let sheet = pictures.sheet("a digit", &image, &["0".to_string()], 8)?;
    /// assert!(sheet.width() > 64);
    /// assert!(RowPictures::of(&data::iris().preparation, 8).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(preparation: &Preparation, columns: usize) -> Option<Self> {
        let &[height, width, channels] = &preparation.input_shape()[..] else { return None };
        let (mean, std) = match &preparation.inputs {
            InputPreparation::Pixels { mean, std, .. }
            | InputPreparation::Array { mean, std, .. }
                if mean.len() == channels =>
            {
                (mean.clone(), std.clone())
            }
            InputPreparation::Pixels { .. } | InputPreparation::Array { .. } => {
                (vec![0.0; channels], vec![1.0; channels])
            }
            _ => return None,
        };
        let side = (WIDTH / columns.max(1)).saturating_sub(SPACE).clamp(1, SIDE);
        Some(RowPictures { shape: [height, width, channels], mean, std, side })
    }

    /// One row.
    ///
    /// # Errors
    /// Numbers that are not one image.
    pub fn picture(&self, row: &[f32]) -> Result<Picture, Error> {
        let [height, width, channels] = self.shape;
        let shade = |(at, x): (usize, &f32)| {
            let channel = at % channels.max(1);
            let of = |all: &[f64], other| all.get(channel).copied().unwrap_or(other);
            (f64::from(*x) * of(&self.std, 1.0) + of(&self.mean, 0.0)).clamp(0.0, 1.0) as f32
        };
        let shades: Vec<f32> = row.iter().enumerate().map(shade).collect();
        let picture = match channels {
            1..=4 => Picture::of_image(&shades, self.shape)?,
            _ => {
                let first: Vec<f32> = shades.iter().step_by(channels.max(1)).copied().collect();
                Picture::of_image(&first, [height, width, 1])?
            }
        };
        let longer = height.max(width).max(1);
        Ok(picture.enlarged((self.side / longer).max(1)).reduced_to(self.side))
    }

    /// Rows `[rows, …]` on a sheet, `columns` beside each other; captions, where there are any, one each.
    ///
    /// # Errors
    /// Numbers that are not whole images.
    pub fn sheet(
        &self,
        title: &str,
        rows: &[f32],
        captions: &[String],
        columns: usize,
    ) -> Result<Picture, Error> {
        let mut sheet = Sheet::new(title).columns(columns.max(1));
        let width = self.shape.iter().product::<usize>().max(1);
        for (at, row) in rows.chunks(width).enumerate() {
            sheet.add(self.picture(row)?, captions.get(at).map_or("", String::as_str));
        }
        Ok(sheet.picture())
    }

    /// Rows `[columns · lines, …]` without space between them: what becomes of a code from place to place.
    ///
    /// # Errors
    /// Numbers that are not whole images.
    pub fn grid(&self, title: &str, rows: &[f32], columns: usize) -> Result<Picture, Error> {
        let width = self.shape.iter().product::<usize>().max(1);
        let pictures: Vec<Picture> =
            rows.chunks(width).map(|row| self.picture(row)).collect::<Result<_, _>>()?;
        let [w, h] = pictures.first().map_or([1, 1], |p| [p.width(), p.height()]);
        let lines = pictures.len().div_ceil(columns.max(1));
        let mut all = Picture::new(w * columns.max(1), h * lines.max(1), [0, 0, 0]);
        for (at, picture) in pictures.iter().enumerate() {
            all.put(picture, at % columns.max(1) * w, at / columns.max(1) * h);
        }
        let mut sheet = Sheet::new(title).columns(1);
        sheet.add(all, "");
        Ok(sheet.picture())
    }
}
