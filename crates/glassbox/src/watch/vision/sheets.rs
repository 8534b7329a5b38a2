//! What was seen, as pictures.

use super::{ActivationMap, ChannelWeights, FeatureMaps, Filters, Map, Mistake, Vision};
use crate::Error;
use crate::data::Rows;
use crate::report::picture::{ColorMap, FAINT, INK, PAPER, Picture, Sheet};

/// The longer side of an image on a sheet, at least; larger ones are reduced to twice that.
const SIDE: usize = 168;
/// The longer side of a filter or a map.
const SMALL_SIDE: usize = 96;
/// Filters and maps of more than this are not all shown.
const MOST: usize = 64;
/// Of filters over many channels: so many, and so many channels of each.
const MOST_DEEP: [usize; 2] = [12, 12];

/// How a map is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// Numbers from 0 on, dark to bright, by themselves.
    Alone,
    /// Numbers around 0, blue and red, by themselves.
    Signed,
    /// Numbers from 0 on over the image.
    Over,
}

impl Map {
    /// The map as a picture, one pixel for each number. `Signed` lays 0 in the middle, the others at
    /// the dark end.
    ///
    /// # Errors
    /// A map of no numbers.
    pub fn picture(&self, signed: bool) -> Result<Picture, Error> {
        let (least, greatest) = self.extent();
        let size = least.abs().max(greatest.abs());
        match signed {
            true => Picture::of_map(&self.numbers, self.shape, ColorMap::Signed, (-size, size)),
            false if greatest <= 0.0 => {
                Ok(Picture::new(self.shape[1], self.shape[0], ColorMap::Magma.color(0.0)))
            }
            false => Picture::of_map(&self.numbers, self.shape, ColorMap::Magma, (0.0, greatest)),
        }
    }
}

impl Vision {
    /// An image as it looks. One of two, or of more than four channels, is shown by their mean.
    ///
    /// # Errors
    /// Numbers that are not one image.
    pub fn picture(&self, image: &[f32]) -> Result<Picture, Error> {
        let shown = self.shown(self.one(image)?);
        let [height, width, channels] = self.shape;
        if matches!(channels, 1 | 3 | 4) {
            return Picture::of_image(&shown, self.shape);
        }
        let mean = |all: &[f32]| all.iter().sum::<f32>() / channels.max(1) as f32;
        let gray: Vec<f32> = shown.chunks_exact(channels.max(1)).map(mean).collect();
        Picture::of_image(&gray, [height, width, 1])
    }

    /// An image of the size that it has on sheets.
    ///
    /// # Errors
    /// Numbers that are not one image.
    pub fn panel(&self, image: &[f32]) -> Result<Picture, Error> {
        Ok(sized(&self.picture(image)?, SIDE))
    }

    /// A map of the image's size as it stands on a sheet beside it.
    ///
    /// # Errors
    /// Numbers that are not one image; a map of another size.
    pub fn map_panel(&self, image: &[f32], map: &Map, drawn: Drawn) -> Result<Picture, Error> {
        let heat = sized(&map.picture(drawn == Drawn::Signed)?, SIDE);
        if drawn != Drawn::Over {
            return Ok(heat);
        }
        // Gray below, so that the colours are the map's.
        let gray = self.picture(image)?;
        let gray = sized(&faded(&gray), SIDE);
        // What is cold lets the image through.
        let (_, greatest) = map.extent();
        let share = |x: usize, y: usize| {
            let place = |at: usize, size: usize, of: usize| at * size / of.max(1);
            let row = place(y, map.shape[0], heat.height());
            let at = row * map.shape[1] + place(x, map.shape[1], heat.width());
            let part = map.numbers.get(at).map_or(0.0, |x| x / greatest.max(f32::MIN_POSITIVE));
            0.25 + 0.5 * f64::from(part.max(0.0)).sqrt()
        };
        Ok(gray.overlaid_by(&heat, share))
    }
}

/// Where a layer speaks for a class, over the image.
impl ActivationMap {
    /// See [`Vision::map_panel`].
    ///
    /// # Errors
    /// Numbers that are not one image.
    pub fn panel(&self, vision: &Vision, image: &[f32]) -> Result<Picture, Error> {
        vision.map_panel(image, &self.map, Drawn::Over)
    }
}

/// Gray, with less contrast.
fn faded(picture: &Picture) -> Picture {
    let mut out = picture.clone();
    for y in 0..picture.height() {
        for x in 0..picture.width() {
            let [r, g, b] = picture.pixel(x, y).unwrap_or(PAPER).map(f64::from);
            // Luma (ITU-R BT.601).
            let gray = (0.299 * r + 0.587 * g + 0.114 * b).round() as u8;
            out.fill([x, y], [1, 1], [gray; 3]);
        }
    }
    out
}

fn sized(picture: &Picture, side: usize) -> Picture {
    picture.reduced_to(2 * side).enlarged_to(side)
}

impl Filters {
    /// All filters on a sheet: those over one channel in blue and red, those over three in colour, and
    /// those over more channel by channel, a row for each.
    ///
    /// # Errors
    /// Filters of no numbers.
    pub fn sheet(&self) -> Result<Sheet, Error> {
        let [height, width, channels, filters] = self.shape;
        let of = format!("{filters} filters of {height} x {width} x {channels}");
        let mut sheet = Sheet::new(&format!("Filters of {}", scope(&self.path)));
        sheet.note(&of);
        match channels {
            1 | 3 => {
                sheet.note(match channels {
                    1 => "red adds, blue subtracts",
                    _ => "gray is 0; each filter by its largest weight",
                });
                sheet = sheet.columns(filters.min(8));
                for filter in 0..filters.min(MOST) {
                    let picture = match channels {
                        1 => self.map(filter, 0)?.picture(true)?,
                        _ => self.in_colour(filter)?,
                    };
                    sheet.add(picture.enlarged_to(SMALL_SIDE), &format!("{filter}"));
                }
                more(&mut sheet, filters, MOST);
            }
            _ => {
                let [rows, columns] = [filters.min(MOST_DEEP[0]), channels.min(MOST_DEEP[1])];
                sheet.note("a row for each filter, a column for each channel that it reads");
                sheet.note("red adds, blue subtracts; each filter by its largest weight");
                sheet = sheet.columns(columns);
                for filter in 0..rows {
                    let maps = (0..channels).map(|channel| self.map(filter, channel));
                    let maps = maps.collect::<Result<Vec<Map>, Error>>()?;
                    let numbers = maps.iter().flat_map(|map| map.numbers.iter());
                    let size = numbers.fold(0.0f32, |most, x| most.max(x.abs()));
                    for (channel, map) in maps.iter().enumerate().take(columns) {
                        let (colors, range) = (ColorMap::Signed, (-size, size));
                        let picture = Picture::of_map(&map.numbers, map.shape, colors, range)?;
                        let caption = format!("{filter}: {channel}");
                        sheet.add(picture.enlarged_to(SMALL_SIDE * 2 / 3), &caption);
                    }
                }
                more(&mut sheet, filters, rows);
            }
        }
        Ok(sheet)
    }

    /// A filter over three channels as an image: 0 is the middle gray.
    fn in_colour(&self, filter: usize) -> Result<Picture, Error> {
        let [height, width, channels, filters] = self.shape;
        let numbers: Vec<f32> =
            self.numbers.iter().skip(filter).step_by(filters.max(1)).copied().collect();
        let size = numbers.iter().fold(f32::MIN_POSITIVE, |most, x| most.max(x.abs()));
        let shown: Vec<f32> = numbers.iter().map(|x| 0.5 + 0.5 * x / size).collect();
        Picture::of_image(&shown, [height, width, channels])
    }
}

impl FeatureMaps {
    /// All maps on a sheet, each from its least to its greatest number.
    ///
    /// # Errors
    /// Maps of no numbers.
    pub fn sheet(&self, of: &str) -> Result<Sheet, Error> {
        let title = format!("Maps of {}", self.layer);
        let columns = self.maps.len().min(8);
        let mut sheet = Sheet::new(&title).columns(columns);
        let [height, width] = self.maps.first().map_or([0, 0], |map| map.shape);
        sheet.note(&format!("{of}: {} channels of {height} x {width}", self.maps.len()));
        sheet.note("each from its least (dark) to its greatest number");
        for (channel, map) in self.maps.iter().enumerate().take(MOST) {
            let (least, greatest) = map.extent();
            let range = if greatest > least { (least, greatest) } else { (least, least + 1.0) };
            let picture = Picture::of_map(&map.numbers, map.shape, ColorMap::Viridis, range)?;
            let told = match greatest > least {
                true => format!("{channel}\nto {greatest:.2}"),
                false => format!("{channel}\nall {least:.2}"),
            };
            sheet.add(sized(&picture, SMALL_SIDE), &told);
        }
        more(&mut sheet, self.maps.len(), MOST);
        Ok(sheet)
    }
}

impl ChannelWeights {
    /// The weights as bars, from 0 to 1.
    pub fn panel(&self) -> Picture {
        let count = self.weights.len().max(1);
        let bar = (640 / count).clamp(2, 24);
        let (left, height) = (36, 120);
        let mut out = Picture::new(left + count * bar + 2, height + 20, PAPER);
        for (share, label) in [(0.0, "0"), (0.5, ".5"), (1.0, "1")] {
            let y = 7 + ((1.0 - share) * height as f64) as usize;
            out.fill([left, y], [count * bar, 1], [226, 227, 229]);
            let x = left - 8 - Picture::text_width(label, 2);
            out.write_text(label, [x, y - 7], 2, FAINT);
        }
        for (channel, &weight) in self.weights.iter().enumerate() {
            let share = f64::from(weight).clamp(0.0, 1.0);
            let tall = (share * height as f64).round() as usize;
            let color = ColorMap::Viridis.color(0.15 + 0.6 * share);
            let gap = usize::from(bar > 3);
            let corner = [left + channel * bar, 7 + height - tall];
            out.fill(corner, [bar - gap, tall.max(1)], color);
        }
        out.fill([left, 7 + height], [count * bar, 1], INK);
        out
    }
}

impl Mistake {
    /// Mistakes on a sheet, each with its image.
    ///
    /// # Errors
    /// Rows that are not there.
    pub fn sheet(
        mistakes: &[Mistake],
        vision: &Vision,
        rows: &Rows,
        most: usize,
    ) -> Result<Sheet, Error> {
        let mut sheet = Sheet::new("Most confident mistakes").columns(6);
        let (wrong, all) = (mistakes.len(), rows.len());
        sheet.note(&match wrong {
            1 => format!("1 of {all} images is told wrongly"),
            _ => format!("{wrong} of {all} images are told wrongly; the surest first"),
        });
        for mistake in mistakes.iter().take(most) {
            let image = vision.row(rows, mistake.row)?;
            let percent = percent(mistake.probability);
            let told = format!(
                "{} ({percent})\nis {}\nrow {}",
                mistake.predicted, mistake.observed, mistake.row
            );
            sheet.add(vision.panel(&image)?, &told);
        }
        Ok(sheet)
    }
}

/// A probability as a percentage of two to four digits.
pub fn percent(share: f64) -> String {
    match share {
        share if share >= 0.9995 => ">99.9 %".to_owned(),
        share if share >= 0.1 => format!("{:.1} %", share * 100.0),
        share => format!("{:.2} %", share * 100.0),
    }
}

fn scope(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(scope, _)| scope)
}

fn more(sheet: &mut Sheet, all: usize, shown: usize) {
    if all > shown {
        sheet.note(&format!("the first {shown} of {all}"));
    }
}
