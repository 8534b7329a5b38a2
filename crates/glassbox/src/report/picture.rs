//! Pictures: images, maps of numbers and sheets of both, written as PNG.
//!
//! A [`Picture`] is RGB pixels; it is made of an image's numbers or of a map's by a [`ColorMap`],
//! enlarged by whole factors so that each pixel stays a square, overlaid, and put on a [`Sheet`] with
//! captions. Everything is computed on whole numbers of pixels, so equal numbers give equal bytes.
//!
//! ```
//! use glassbox::report::picture::{ColorMap, Picture, Sheet};
//! let digit: Vec<f32> = (0..28 * 28).map(|i| (i % 28) as f32 / 27.0).collect();
//! let image = Picture::of_image(&digit, [28, 28, 1])?.enlarged_to(160);
//! assert_eq!((image.width(), image.height()), (168, 168));
//! let heat = Picture::of_map(&digit, [28, 28], ColorMap::Magma, (0.0, 1.0))?.enlarged_to(160);
//! let mut sheet = Sheet::new("What was drawn");
//! sheet.add(image.clone(), "the image");
//! sheet.add(image.overlaid(&heat, 0.5), "with its map");
//! let folder = tempfile::tempdir().unwrap();
//! sheet.picture().write(&folder.path().join("sheet.png"))?;
//! # Ok::<(), glassbox::Error>(())
//! ```

mod colors;
mod font;
mod heat;
mod plot;
mod points;
mod scatter;
mod sheet;

pub use colors::{Color, ColorMap};
pub use heat::heat_map;
pub use plot::{Series, plot};
pub use points::points;
pub use scatter::{ends, scatter};
pub use sheet::Sheet;

use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, RgbImage};

use crate::Error;
use crate::io::{FileError, atomic};

/// What sheets are drawn on: paper that is nearly white.
pub const PAPER: Color = [250, 250, 248];
/// Letters.
pub const INK: Color = [32, 34, 40];
/// Letters of less importance, and lines.
pub const FAINT: Color = [120, 124, 132];

/// RGB pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pixels: RgbImage,
}

impl Picture {
    /// So many pixels of one colour.
    pub fn new(width: usize, height: usize, color: Color) -> Self {
        let size = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        Picture { pixels: RgbImage::from_pixel(size(width), size(height), image::Rgb(color)) }
    }

    /// An image of numbers in `[0, 1]` (0 black; what lies beyond is cut), row-major
    /// `[height, width, channels]`: one channel is gray, of four the last covers (alpha, on white), and of
    /// two the second.
    ///
    /// # Errors
    /// Another count of numbers than the shape has; a number of channels other than 1 to 4.
    pub fn of_image(numbers: &[f32], shape: [usize; 3]) -> Result<Self, Error> {
        let [height, width, channels] = shape;
        check(numbers.len(), &shape)?;
        if !(1..=4).contains(&channels) {
            return Err(Error::new(format!(
                "an image of {channels} channels has no colours: show it channel by channel"
            )));
        }
        let mut out = Picture::new(width, height, PAPER);
        for (pixel, x) in out.pixels.pixels_mut().zip(numbers.chunks_exact(channels)) {
            let byte = |x: f32| colors::byte(f64::from(x));
            let (color, cover) = match *x {
                [gray] => ([byte(gray); 3], 1.0),
                [gray, cover] => ([byte(gray); 3], cover),
                [r, g, b] => ([r, g, b].map(byte), 1.0),
                [r, g, b, cover] => ([r, g, b].map(byte), cover),
                _ => (PAPER, 1.0),
            };
            pixel.0 = colors::mix([255; 3], color, f64::from(cover));
        }
        Ok(out)
    }

    /// A map of numbers, row-major `[height, width]`, in colours; `range` holds the numbers that are
    /// the first and the last colour. Where both are equal, every number is the middle.
    ///
    /// # Errors
    /// Another count of numbers than the shape has.
    pub fn of_map(
        numbers: &[f32],
        shape: [usize; 2],
        colors: ColorMap,
        range: (f32, f32),
    ) -> Result<Self, Error> {
        let [height, width] = shape;
        check(numbers.len(), &shape)?;
        let (low, high) = (f64::from(range.0), f64::from(range.1));
        let mut out = Picture::new(width, height, PAPER);
        for (pixel, &x) in out.pixels.pixels_mut().zip(numbers) {
            let share = if high > low { (f64::from(x) - low) / (high - low) } else { 0.5 };
            pixel.0 = colors.color(share);
        }
        Ok(out)
    }

    /// Pixels across.
    pub fn width(&self) -> usize {
        self.pixels.width() as usize
    }

    /// Pixels down.
    pub fn height(&self) -> usize {
        self.pixels.height() as usize
    }

    /// The colour of a pixel, from the left and from the top; none beyond the picture.
    pub fn pixel(&self, x: usize, y: usize) -> Option<Color> {
        let found = self.pixels.get_pixel_checked(u32::try_from(x).ok()?, u32::try_from(y).ok()?);
        found.map(|pixel| pixel.0)
    }

    /// Each pixel as a square of `factor` × `factor`.
    #[must_use]
    pub fn enlarged(&self, factor: usize) -> Self {
        let factor = factor.max(1);
        let mut out = Picture::new(self.width() * factor, self.height() * factor, PAPER);
        for (x, y, pixel) in out.pixels.enumerate_pixels_mut() {
            let factor = factor as u32;
            *pixel = *self.pixels.get_pixel(x / factor, y / factor);
        }
        out
    }

    /// Enlarged by the least whole factor by which its longer side has at least `side` pixels.
    #[must_use]
    pub fn enlarged_to(&self, side: usize) -> Self {
        self.enlarged(side.div_ceil(self.width().max(self.height()).max(1)))
    }

    /// Scaled down, by the mean of the pixels that meet in one, where its longer side has more than
    /// `side` pixels.
    #[must_use]
    pub fn reduced_to(&self, side: usize) -> Self {
        let longer = self.width().max(self.height());
        if longer <= side.max(1) {
            return self.clone();
        }
        let size = |pixels: usize| (pixels * side.max(1)).div_ceil(longer).max(1) as u32;
        let pixels =
            image::imageops::thumbnail(&self.pixels, size(self.width()), size(self.height()));
        Picture { pixels }
    }

    /// This picture below another one of its size, of which `share` is seen.
    #[must_use]
    pub fn overlaid(&self, over: &Picture, share: f64) -> Self {
        self.overlaid_by(over, |_, _| share)
    }

    /// As [`overlaid`](Picture::overlaid), the share of each pixel told by its place.
    #[must_use]
    pub fn overlaid_by(&self, over: &Picture, share: impl Fn(usize, usize) -> f64) -> Self {
        let mut out = self.clone();
        for (x, y, pixel) in out.pixels.enumerate_pixels_mut() {
            if let Some(color) = over.pixel(x as usize, y as usize) {
                pixel.0 = colors::mix(pixel.0, color, share(x as usize, y as usize));
            }
        }
        out
    }

    /// Puts another picture on this one, its upper left pixel at `(x, y)`; what lies beyond is cut.
    pub fn put(&mut self, picture: &Picture, x: usize, y: usize) {
        image::imageops::replace(&mut self.pixels, &picture.pixels, x as i64, y as i64);
    }

    /// Fills a rectangle; what lies beyond the picture is cut.
    pub fn fill(&mut self, [x, y]: [usize; 2], [width, height]: [usize; 2], color: Color) {
        for y in y..(y + height).min(self.height()) {
            for x in x..(x + width).min(self.width()) {
                self.pixels.put_pixel(x as u32, y as u32, image::Rgb(color));
            }
        }
    }

    /// Writes a line of letters, each dot a square of `size` pixels, its upper left corner at
    /// `(x, y)`. Letters beyond ASCII are written by those nearest to them (Hangul as it is romanised).
    ///
    /// ```
    /// use glassbox::report::picture::{INK, PAPER, Picture};
    /// let mut picture = Picture::new(24, 7, PAPER);
    /// picture.write_text("cat", [0, 0], 1, INK);
    /// assert_eq!(picture.pixel(0, 3), Some(INK), "the c begins in the third row of dots");
    /// assert_eq!(Picture::text_width("cat", 1), 17);
    /// ```
    pub fn write_text(&mut self, text: &str, [x, y]: [usize; 2], size: usize, color: Color) {
        for (index, letter) in font::ascii(text).chars().enumerate() {
            let left = x + index * (font::WIDTH + 1) * size;
            for (column, row) in
                (0..font::WIDTH).flat_map(|c| (0..font::HEIGHT + font::BELOW).map(move |r| (c, r)))
            {
                if font::dot(letter, column, row) {
                    self.fill([left + column * size, y + row * size], [size, size], color);
                }
            }
        }
    }

    /// How many pixels wide a line of letters is.
    pub fn text_width(text: &str, size: usize) -> usize {
        (font::ascii(text).chars().count() * (font::WIDTH + 1)).saturating_sub(1) * size
    }

    /// How many pixels high a line of letters is, without what hangs below it (two dots of `g`).
    pub fn text_height(size: usize) -> usize {
        font::HEIGHT * size
    }

    /// The picture as the bytes of a PNG file.
    ///
    /// # Errors
    /// A picture without pixels.
    pub fn png(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Cursor::new(Vec::new());
        let written = self.pixels.write_to(&mut bytes, ImageFormat::Png);
        written.map_err(|error| Error::new(format!("cannot encode a PNG: {error}")))?;
        Ok(bytes.into_inner())
    }

    /// Writes the picture as a PNG file, all of it or nothing.
    ///
    /// # Errors
    /// A folder that is not there or cannot be written; a picture without pixels.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let bytes = self.png().map_err(|error| FileError::new(path, error))?;
        Ok(atomic::write(path, &bytes)?)
    }

    /// The picture as text that a page can hold: `data:image/png;base64,…`.
    ///
    /// # Errors
    /// A picture without pixels.
    pub fn data_uri(&self) -> Result<String, Error> {
        Ok(uri_of_png(&self.png()?))
    }
}

impl From<RgbImage> for Picture {
    fn from(pixels: RgbImage) -> Self {
        Picture { pixels }
    }
}

impl From<Picture> for RgbImage {
    fn from(picture: Picture) -> Self {
        picture.pixels
    }
}

fn check(count: usize, shape: &[usize]) -> Result<(), Error> {
    match shape.iter().product::<usize>() == count && count > 0 {
        true => Ok(()),
        false => Err(Error::new(format!("{count} numbers are no picture of the shape {shape:?}"))),
    }
}

/// The bytes of a PNG file as text that a page can hold.
pub(crate) fn uri_of_png(bytes: &[u8]) -> String {
    format!("data:image/png;base64,{}", base64(bytes))
}

/// Base64 (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            out.push(match place <= three.len() {
                true => char::from(DIGITS[(bits >> (18 - 6 * place) & 63) as usize]),
                false => '=',
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_its_standard() {
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"];
        let codes = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        assert_eq!(texts.map(|text| base64(text.as_bytes())), codes);
    }

    #[test]
    fn a_png_holds_the_pixels() {
        let numbers: Vec<f32> = (0..12).map(|i| i as f32 / 11.0).collect();
        let picture = Picture::of_image(&numbers, [2, 2, 3]).unwrap().enlarged(3);
        let back = image::load_from_memory(&picture.png().unwrap()).unwrap().into_rgb8();
        assert_eq!(back.dimensions(), (6, 6));
        assert_eq!(Picture::from(back), picture);
        assert_eq!(picture.pixel(2, 2), Some([0, 23, 46]), "1/11 and 2/11 of 255");
        assert_eq!(picture.pixel(3, 2), Some([70, 93, 116]));
    }

    #[test]
    fn what_is_covered_is_mixed() {
        let picture = Picture::new(2, 1, [0, 100, 200]);
        let over = Picture::new(1, 1, [100, 200, 0]);
        let both = picture.overlaid(&over, 0.25);
        assert_eq!(
            (both.pixel(0, 0), both.pixel(1, 0)),
            (Some([25, 125, 150]), Some([0, 100, 200]))
        );
        // Half transparent black is gray on white.
        let half = Picture::of_image(&[0.0, 0.5], [1, 1, 2]).unwrap();
        assert_eq!(half.pixel(0, 0), Some([128; 3]));
    }

    #[test]
    fn large_pictures_are_reduced_and_small_ones_are_not() {
        let picture = Picture::new(400, 100, [7; 3]);
        let small = picture.reduced_to(100);
        assert_eq!((small.width(), small.height()), (100, 25));
        assert_eq!(small.pixel(99, 24), Some([7; 3]));
        assert_eq!(small.reduced_to(100), small);
    }

    #[test]
    fn numbers_that_are_no_picture_are_refused() {
        let message = |result: Result<Picture, Error>| result.unwrap_err().to_string();
        assert!(message(Picture::of_image(&[0.0; 5], [2, 2, 1])).contains("[2, 2, 1]"));
        assert!(message(Picture::of_image(&[0.0; 20], [2, 2, 5])).contains("channel by channel"));
        assert!(Picture::of_map(&[], [0, 4], ColorMap::Gray, (0.0, 1.0)).is_err());
    }
}
