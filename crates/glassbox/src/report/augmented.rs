//! What the network sees of images while it trains, as a sheet.

use super::picture::{Picture, Sheet};
use crate::Error;
use crate::data::{Augment, Augmenter, Dataset, Mixed, Scratch, Tones};

/// Images on a sheet.
const ROWS: usize = 8;
/// Room for a row of pictures, in pixels.
const WIDTH: usize = 1480;
/// Between two pictures.
const SPACE: usize = 16;
/// The longest side of a picture, where it need not be smaller.
const SIDE: usize = 160;
/// Images of a sheet that only shows what is stored, in a row.
const ACROSS: usize = 8;

/// A sheet of training images, some of every class: in each row one of them as it is stored, and
/// then as the network sees it in epochs 1, 2, 3 … under this seed. Where nothing is changed or no
/// epoch is asked for, images as they are stored fill the sheet.
///
/// # Errors
/// Rows that are no images; changes that cannot be made.
///
/// ```
/// use glassbox::data::{self, Augment};
/// let digits = data::digits();
/// let sheet = glassbox::report::augmented(&digits, &[Augment::Rotate { degrees: 20.0 }], 3, 42)?;
/// assert_eq!(sheet, glassbox::report::augmented(&digits, &[Augment::Rotate { degrees: 20.0 }], 3, 42)?);
/// assert!(sheet.width() > 4 * 32);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn augmented(
    data: &Dataset,
    list: &[Augment],
    epochs: usize,
    seed: u64,
) -> Result<Picture, Error> {
    let &[height, width, channels] = &data.input.shape[..] else {
        let shape = data.input.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
        return Err(Error::new(format!(
            "a sheet is of images [height, width, channels], but a row is {shape}"
        )));
    };
    let shape = [height, width, channels];
    let epochs = if list.is_empty() { 0 } else { epochs };
    let columns = if epochs == 0 { ACROSS } else { 1 + epochs };
    let side = (WIDTH / columns).saturating_sub(SPACE).min(SIDE);
    if side < 24 {
        return Err(Error::new(format!("{epochs} epochs are too many for a sheet: up to 36")));
    }
    let tones = Tones::of(data)?;
    let draw = |image: &[f32]| -> Result<Picture, Error> {
        let shades: Vec<f32> =
            image.iter().enumerate().map(|(i, x)| tones.shade(i % channels, *x)).collect();
        // Of channels that are no colours the first one is shown.
        let picture = match channels {
            1..=4 => Picture::of_image(&shades, shape)?,
            _ => {
                let first: Vec<f32> = shades.iter().step_by(channels).copied().collect();
                Picture::of_image(&first, [height, width, 1])?
            }
        };
        let longer = height.max(width).max(1);
        Ok(picture.enlarged((side / longer).max(1)).reduced_to(side))
    };
    let augmenter = Augmenter::new(list, data, seed)?;
    let what = match list {
        [] => "training images".to_string(),
        list => list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let mut sheet = Sheet::new(&format!("{}: {what}", data.name)).columns(columns);
    if epochs > 0 {
        sheet.note(&format!("as stored, then as the network sees it, epoch by epoch; seed {seed}"));
    }
    let mut image = vec![0.0f32; height * width * channels];
    let mut scratch = Scratch::default();
    for row in shown(data, if epochs == 0 { ROWS * ACROSS / 2 } else { ROWS }) {
        data.train.gather_inputs(&[row], &mut image)?;
        sheet.add(draw(&image)?, &label(data, row));
        for epoch in 0..epochs {
            let mixed =
                augmenter.image(&data.train, row, epoch as u64, &mut image, &mut scratch)?;
            let picture = draw(&image)?;
            let with = mixed.map(|Mixed { partner, share }| {
                format!("\n+{:.0} % {}", 100.0 * share, label(data, partner))
            });
            let caption = format!("epoch {}{}", epoch + 1, with.unwrap_or_default());
            sheet.add(picture, &caption);
        }
    }
    Ok(sheet.picture())
}

/// Rows of the training part, the first of each class, then the second, until there are enough.
fn shown(data: &Dataset, count: usize) -> Vec<usize> {
    let Some(labels) = data.train.labels() else {
        return (0..data.train.len().min(count)).collect();
    };
    let mut seen = vec![0; data.train.classes().unwrap_or(0)];
    let turn = |(row, &label): (usize, &i64)| {
        let seen = seen.get_mut(label as usize)?;
        *seen += 1;
        (*seen <= count).then_some((*seen, label, row))
    };
    let mut rows: Vec<(usize, i64, usize)> = labels.iter().enumerate().filter_map(turn).collect();
    rows.sort_unstable();
    rows.into_iter().map(|(_, _, row)| row).take(count).collect()
}

/// The class of a row, or its number in the source.
fn label(data: &Dataset, row: usize) -> String {
    let label = data.train.select(&[row]).ok().and_then(|row| row.labels()?.first().copied());
    let name = label.and_then(|label| data.preparation.target.classes()?.get(label as usize));
    match name {
        Some(name) => name.clone(),
        None => format!("row {}", data.train.source_row(row).unwrap_or(0)),
    }
}
