//! Images as the numbers that a model sees: their size, and what is done to each channel.

use serde::{Deserialize, Serialize};

use super::error::DataError;
use super::spool::Stored;
use crate::words::words;

/// How images are read. Everything has a default, which follows from the images.
///
/// ```
/// use glassbox::data::{Fit, ImageOptions, Options};
/// let image = ImageOptions { size: Some([64, 64]), fit: Fit::Pad, ..ImageOptions::default() };
/// let options = Options { image, ..Options::default() };
/// # assert_eq!(options.image.channels, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImageOptions {
    /// `[height, width]` that every image is brought to. None: their own where all have one size of
    /// at most 96 a side, else a square of 32, 64 or 128.
    pub size: Option<[usize; 2]>,
    /// 1 (grey) or 3 (red, green, blue). None: 1 where the files of all images are grey, else 3.
    pub channels: Option<usize>,
    /// How an image of another shape is brought to the size.
    pub fit: Fit,
    /// What is subtracted from each channel, and what it is divided by. None: images in colour are
    /// standardised, grey ones are left from 0 to 1.
    pub normalize: Option<Normalization>,
}

words! {
    /// How an image of another shape is brought to a size.
    Fit {
        /// Scaled until it covers the size; what hangs over is cut off evenly.
        Crop = "crop",
        /// Height and width are scaled each by its own factor.
        Stretch = "stretch",
        /// Scaled until it fits into the size; the rest is black.
        Pad = "pad",
    }
}

#[allow(clippy::derivable_impls)] // The macro takes no attributes of variants.
impl Default for Fit {
    fn default() -> Self {
        Fit::Crop
    }
}

impl<'de> Deserialize<'de> for Fit {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = String::deserialize(from)?;
        let unknown = || serde::de::Error::custom(format!("`{word}` is not a fit"));
        Fit::from_word(&word).ok_or_else(unknown)
    }
}

/// What is done to each channel of pixels from 0 to 1: `(value − mean) / std`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalization {
    /// Nothing.
    None,
    /// Mean 0 and standard deviation 1 over the pixels of the training part.
    Standardize,
    /// The means and deviations of ImageNet that published weights were trained with: means 0.485,
    /// 0.456, 0.406, deviations 0.229, 0.224, 0.225. Of grey images, their averages.
    Imagenet,
    /// These, one number for each channel.
    #[serde(untagged)]
    Given {
        /// From 0 (black) to 1 (white).
        mean: Vec<f64>,
        /// Above 0.
        std: Vec<f64>,
    },
}

impl Normalization {
    /// The words that a configuration takes.
    pub const WORDS: [&str; 3] = ["none", "standardize", "imagenet"];

    /// What a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "none" => Some(Normalization::None),
            "standardize" => Some(Normalization::Standardize),
            "imagenet" => Some(Normalization::Imagenet),
            _ => None,
        }
    }

    /// The means and deviations of ImageNet's red, green and blue.
    const IMAGENET: ([f64; 3], [f64; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

    /// Means and deviations for so many channels; `measure` gives those of the training part. An
    /// error in words where other channels were meant.
    pub(super) fn of(
        &self,
        channels: usize,
        measure: impl FnOnce() -> (Vec<f64>, Vec<f64>),
    ) -> Result<(Vec<f64>, Vec<f64>), String> {
        let (mean, std) = match self {
            Normalization::None => (Vec::new(), Vec::new()),
            Normalization::Standardize => measure(),
            Normalization::Imagenet => {
                let (mean, std) = Self::IMAGENET;
                match channels {
                    1 => {
                        let average = |all: [f64; 3]| vec![all.iter().sum::<f64>() / 3.0];
                        (average(mean), average(std))
                    }
                    _ => (mean.to_vec(), std.to_vec()),
                }
            }
            Normalization::Given { mean, std } => (mean.clone(), std.clone()),
        };
        let count = mean.len();
        match count == 0 || count == channels && std.len() == channels {
            true => Ok((mean, std)),
            false => Err(format!(
                "{count} means and {} deviations, but images of {channels} channels",
                std.len()
            )),
        }
    }
}

/// Sums over the pixels of a channel: exact, so that their order does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pixels: u64,
    sum: u64,
    squares: u64,
}

impl Sums {
    /// Of each channel of an image, or of several that follow each other.
    pub(super) fn of(bytes: &[u8], channels: usize) -> Vec<Sums> {
        let mut all = vec![Sums::default(); channels];
        for pixel in bytes.chunks_exact(channels.max(1)) {
            for (sums, &byte) in all.iter_mut().zip(pixel) {
                let byte = u64::from(byte);
                sums.pixels += 1;
                sums.sum += byte;
                sums.squares += byte * byte;
            }
        }
        all
    }

    /// Those of more pixels, too.
    pub(super) fn add(&mut self, other: &Sums) {
        self.pixels += other.pixels;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// Mean and population standard deviation (1 where it would be 0) of bytes times `scale`.
    pub(super) fn mean_and_std(&self, scale: f64) -> (f64, f64) {
        let count = self.pixels.max(1) as f64;
        let mean = self.sum as f64 / count;
        // Σx² − n·mean² in whole numbers: n·Σx² − (Σx)².
        let spread = u128::from(self.pixels) * u128::from(self.squares)
            - u128::from(self.sum) * u128::from(self.sum);
        let std = (spread as f64).sqrt() / count * scale;
        (mean * scale, if std > 0.0 { std } else { 1.0 })
    }
}

/// Turns bytes into numbers, `(byte · scale − mean) / std` for each channel.
#[derive(Clone, Debug)]
pub(super) struct Scaling {
    /// Of some pixels that follow each other: the same few numbers again and again, so many that
    /// they are multiplied side by side.
    times: Vec<f32>,
    plus: Vec<f32>,
}

/// Bytes that are read from a file at a time.
const CHUNK: usize = 8192;

impl Scaling {
    /// `mean` and `std` have one number a channel, or none.
    pub(super) fn of(channels: usize, scale: f32, mean: &[f64], std: &[f64]) -> Self {
        let channels = channels.max(1);
        let (mut times, mut plus) = (Vec::new(), Vec::new());
        for place in 0..channels * (48 / channels).max(1) {
            let channel = place % channels;
            match (mean.get(channel), std.get(channel)) {
                (Some(mean), Some(std)) => {
                    times.push((f64::from(scale) / std) as f32);
                    plus.push((-mean / std) as f32);
                }
                _ => {
                    times.push(scale);
                    plus.push(0.0);
                }
            }
        }
        Scaling { times, plus }
    }

    /// Bytes of whole pixels as numbers.
    pub(super) fn apply(&self, bytes: &[u8], out: &mut [f32]) {
        let size = self.times.len();
        for (out, bytes) in out.chunks_mut(size).zip(bytes.chunks(size)) {
            let factors = self.times.iter().zip(&self.plus);
            for ((x, byte), (times, plus)) in out.iter_mut().zip(bytes).zip(factors) {
                *x = f32::from(*byte) * times + plus;
            }
        }
    }

    /// The bytes that are stored from `start` on, a whole pixel, as numbers. Allocates nothing where
    /// there are few channels.
    pub(super) fn gather(
        &self,
        bytes: &Stored<u8>,
        start: u64,
        out: &mut [f32],
    ) -> Result<(), DataError> {
        if let Some(bytes) = bytes.slice(start, out.len()) {
            self.apply(bytes, out);
            return Ok(());
        }
        let at_once = CHUNK / self.times.len() * self.times.len();
        if at_once == 0 {
            let mut all = vec![0; out.len()];
            bytes.read(start, &mut all)?;
            self.apply(&all, out);
            return Ok(());
        }
        let mut part = [0; CHUNK];
        let mut at = start;
        for out in out.chunks_mut(at_once) {
            let part = &mut part[..out.len()];
            bytes.read(at, part)?;
            self.apply(part, out);
            at += part.len() as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_is_scaled_by_its_own_numbers() {
        let scaling = Scaling::of(3, 1.0 / 255.0, &[0.5, 0.0, 1.0], &[0.5, 1.0, 2.0]);
        let bytes: Vec<u8> = [0, 255, 255].repeat(40);
        let mut out = vec![9.0; 120];
        scaling.apply(&bytes, &mut out);
        for pixel in out.chunks(3) {
            assert_eq!(pixel[0], -1.0);
            assert!((pixel[1] - 1.0).abs() < 1e-6 && pixel[2].abs() < 1e-6, "{pixel:?}");
        }
    }

    #[test]
    fn memory_and_a_file_give_the_same_numbers() {
        let bytes: Vec<u8> = (0..40_000u32).map(|i| (i * i % 251) as u8).collect();
        let mut spool = crate::data::spool::Spool::new(0);
        spool.push(&bytes).unwrap();
        let (file, memory) = (spool.finish().unwrap(), Stored::Memory(bytes));
        for channels in [1, 3, 5, 9000] {
            let mean = vec![0.25; channels];
            let scaling = Scaling::of(channels, 1.0 / 255.0, &mean, &mean);
            let (mut one, mut other) = (vec![0.0; 27_000], vec![1.0; 27_000]);
            scaling.gather(&file, 999, &mut one).unwrap();
            scaling.gather(&memory, 999, &mut other).unwrap();
            assert_eq!(one, other);
        }
    }

    #[test]
    fn sums_give_mean_and_population_deviation() {
        // 0, 51, 102, 255 are 0, 0.2, 0.4, 1: mean 0.4, variance (0.16 + 0.04 + 0 + 0.36) / 4 = 0.14.
        let sums = Sums::of(&[0, 51, 102, 255], 1);
        let (mean, std) = sums[0].mean_and_std(1.0 / 255.0);
        assert!((mean - 0.4).abs() < 1e-12 && (std - 0.14f64.sqrt()).abs() < 1e-12);
        assert_eq!(Sums::of(&[7; 30], 3)[2].mean_and_std(1.0), (7.0, 1.0));
    }
}
