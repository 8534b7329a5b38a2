//! Random changes of training images, so that a network sees each of them anew in every epoch.
//!
//! What a row becomes follows from the seed, the epoch, the row and the change alone (the numbers are
//! counter-based, [`Stream`](glassbox_engine::random::Stream)): it is the same for any number of
//! threads and any batch, after an interruption, and where a step is replayed.

mod colour;
mod draws;
mod mix;
mod tones;
mod warp;

use crate::choices::choices;
use crate::data::error::{DataError, Place};
use crate::data::{Dataset, Rows, TargetsMut};

use draws::Draws;
pub use tones::Tones;
use warp::Warp;

choices! {
    /// A random change of a training image. Changes are made in the order in which they are listed.
    ///
    /// An image is `[height, width, channels]`, as the network sees it. What comes from outside of it,
    /// or is cut out, is 0: black where pixels are scaled, the mean where they are standardised.
    /// Changes of place that follow each other (flips, shifts, crops, turns, scales) are put
    /// together and the image is sampled once, bilinearly; whole pixels stay exact.
    Augment {
        /// Left and right change places.
        Flip = "flip" {
            /// The share of the images that it happens to, in [0, 1].
            share: portion = 0.5,
        },
        /// Top and bottom change places.
        FlipVertical = "flip_vertical" {
            /// The share of the images that it happens to, in [0, 1].
            share: portion = 0.5,
        },
        /// Moved by whole pixels in both directions.
        Shift = "shift" {
            /// How far at most, as a share of height and width.
            most: portion = 0.1,
        },
        /// Zeros around the image, and of this a window of the image's size: the recipe of He et al.
        /// 2015 (section 4.2) for CIFAR-10.
        Crop = "crop" {
            /// Pixels of zeros on each side.
            padding: whole = 4,
        },
        /// A window of any place, size and form, stretched to the image's size (Szegedy et al. 2015,
        /// section 6; torchvision's `RandomResizedCrop`).
        RandomResizedCrop = "random_resized_crop" {
            /// The window's least share of the image's area, above 0 to 1.
            least: portion = 0.08,
            /// How much wider than high (or higher than wide) the window is at most; at least 1.
            aspect: positive = 1.333,
        },
        /// Turned about its middle.
        Rotate = "rotate" {
            /// The largest angle, either way.
            degrees: not_negative = 15.0,
        },
        /// Magnified or made smaller about its middle; the factor's logarithm is uniform.
        Scale = "scale" {
            /// The largest factor; the least is its inverse. At least 1.
            most: positive = 1.2,
        },
        /// Brightness, contrast and saturation times a factor from 1 − x to 1 + x, as torchvision's
        /// `ColorJitter`; hues turned in the plane of YIQ. Only the first two where there are not
        /// three channels.
        Colour = "colour" {
            /// x of the brightness.
            brightness: not_negative = 0.2,
            /// x of the contrast: the distance from the image's mean grey.
            contrast: not_negative = 0.2,
            /// x of the saturation: the distance from a pixel's grey.
            saturation: not_negative = 0.2,
            /// How far hues turn at most, either way, in whole turns; at most 0.5.
            hue: portion = 0.0,
        },
        /// Gaussian noise on every number (Bishop 1995).
        Noise = "noise" {
            /// Its standard deviation, as a share of the way from black to white.
            deviation: not_negative = 0.05,
        },
        /// A square of zeros, its middle anywhere (DeVries and Taylor 2017).
        Cutout = "cutout" {
            /// Its side, as a share of the image's shorter side.
            size: portion = 0.5,
            /// The share of the images that it happens to, in [0, 1].
            share: portion = 1.0,
        },
        /// Another training image laid over it, and its target counts by as much: the part is drawn
        /// from Beta(α, α) (Zhang et al. 2018).
        Mixup = "mixup" {
            /// α: small, and one of the images dominates; 1, and all mixtures are as likely.
            alpha: positive = 0.2,
            /// The share of the images that it happens to, in [0, 1].
            share: portion = 1.0,
        },
        /// A rectangle of another training image pasted in, and its target counts by its area: one
        /// minus that is drawn from Beta(α, α) (Yun et al. 2019).
        CutMix = "cutmix" {
            /// α of the distribution.
            alpha: positive = 1.0,
            /// The share of the images that it happens to, in [0, 1].
            share: portion = 1.0,
        },
    }
}

impl Augment {
    /// Whether it mixes two images, and so their targets.
    pub fn mixes(self) -> bool {
        matches!(self, Augment::Mixup { .. } | Augment::CutMix { .. })
    }

    /// What is wrong with its settings for images `[height, width, channels]`, in words.
    fn problem(self, [height, width, _]: [usize; 3]) -> Option<String> {
        match self {
            Augment::RandomResizedCrop { least, .. } if least <= 0.0 => {
                Some("`least` is a share of the area above 0".into())
            }
            Augment::RandomResizedCrop { aspect, .. } if aspect < 1.0 => {
                Some("`aspect` is at least 1".into())
            }
            Augment::Scale { most } if most < 1.0 => Some("`most` is at least 1".into()),
            Augment::Colour { hue, .. } if hue > 0.5 => {
                Some("`hue` is at most 0.5, half a turn".into())
            }
            Augment::Crop { padding } if padding >= height.min(width) as u64 => Some(format!(
                "`padding = {padding}` is too much for images of {height} × {width}: an eighth of \
                 the side is usual"
            )),
            _ => None,
        }
    }
}

/// What is wrong with these changes for rows of this shape, in words; nothing where they can be made.
///
/// ```
/// use glassbox::data::{Augment, augment_problems};
/// let flip = Augment::from_word("flip").unwrap();
/// assert!(augment_problems(&[flip], &[32, 32, 3]).is_empty());
/// assert!(augment_problems(&[flip], &[4])[0].contains("is for images"));
/// ```
pub fn augment_problems(list: &[Augment], shape: &[usize]) -> Vec<String> {
    let Some(first) = list.first() else { return Vec::new() };
    let &[height, width, channels] = shape else {
        let shape = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
        return vec![format!(
            "`{first}` is for images [height, width, channels], but a row is {shape}: leave it out"
        )];
    };
    let shape = [height, width, channels];
    let mut problems: Vec<String> = list
        .iter()
        .filter_map(|change| Some(format!("of `{change}`: {}", change.problem(shape)?)))
        .collect();
    if list.iter().filter(|change| change.mixes()).count() > 1 {
        problems.push("an image is mixed once: take one of mixup and cutmix".into());
    }
    problems
}

/// Makes the changes.
///
/// ```
/// use glassbox::data::{self, Augment, Augmenter, Scratch};
/// let digits = data::digits();
/// let flip = Augment::Flip { share: 1.0 };
/// let augmenter = Augmenter::new(&[flip], &digits, 42)?;
/// let (mut stored, mut seen) = (vec![0.0; 64], vec![0.0; 64]);
/// digits.train.gather_inputs(&[3], &mut stored)?;
/// let scratch = &mut Scratch::default();
/// let mixed = augmenter.image(&digits.train, 3, 0, &mut seen, scratch)?;
/// assert!(mixed.is_none());
/// assert!((0..8).all(|x| seen[x] == stored[7 - x]));
/// # Ok::<(), data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Augmenter {
    list: Vec<Augment>,
    shape: [usize; 3],
    tones: Tones,
    seed: u64,
}

/// The image that another one was mixed with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixed {
    /// Its row in the training part.
    pub partner: usize,
    /// How much it counts, in [0, 1].
    pub share: f32,
}

/// Room to work in, so that nothing is allocated from image to image.
#[derive(Debug, Default)]
pub struct Scratch {
    image: Vec<f32>,
    partner: Vec<f32>,
}

/// Where a batch is written: inputs `[rows, …]`, targets, and of mixed images the partners' labels
/// and how much they count. Numbers are mixed as the images are and need no partner.
#[derive(Debug)]
pub(crate) struct BatchMut<'a> {
    pub inputs: &'a mut [f32],
    pub targets: TargetsMut<'a>,
    pub mixed: Option<(&'a mut [i64], &'a mut [f32])>,
}

impl Augmenter {
    /// The changes of this list for the training part of `data`, drawn by `seed`.
    ///
    /// # Errors
    /// As [`augment_problems`] says, all at once.
    pub fn new(list: &[Augment], data: &Dataset, seed: u64) -> Result<Self, DataError> {
        let problems = augment_problems(list, &data.input.shape);
        if !problems.is_empty() {
            return Err(DataError::new(Place::default(), problems.join("; "), ""));
        }
        let shape = data.input.shape.as_slice().try_into().unwrap_or([0; 3]);
        Ok(Augmenter { list: list.to_vec(), shape, tones: Tones::of(data)?, seed })
    }

    /// Writes row `row` of `rows` as it is seen in `epoch` (from 0) to `out`, `height · width ·
    /// channels` numbers, and says what it was mixed with. Allocates nothing once the scratch has
    /// grown.
    ///
    /// # Errors
    /// A row beyond the last; numbers of another count.
    pub fn image(
        &self,
        rows: &Rows,
        row: usize,
        epoch: u64,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<Option<Mixed>, DataError> {
        rows.gather_inputs(&[row], out)?;
        let mixer = self.list.iter().position(|change| change.mixes());
        let draws = |partner| move |number| Draws::of(self.seed, number, partner, epoch, row);
        let before = mixer.unwrap_or(self.list.len());
        self.change(0..before, out, &mut scratch.image, draws(false));
        let Some(mixer) = mixer else { return Ok(None) };
        let mut mixed = None;
        let mut own = draws(false)(mixer);
        if let Some(mut mixture) = mix::drawn(self.list[mixer], self.shape, &mut own) {
            let partner = own.below(rows.len());
            scratch.partner.resize(out.len(), 0.0);
            rows.gather_inputs(&[partner], &mut scratch.partner)?;
            self.change(0..before, &mut scratch.partner, &mut scratch.image, draws(true));
            let share = mixture.blend(out, &scratch.partner, self.shape);
            mixed = Some(Mixed { partner, share });
        }
        self.change(mixer + 1..self.list.len(), out, &mut scratch.image, draws(false));
        Ok(mixed)
    }

    /// Makes the changes of these numbers, none of which mixes.
    fn change(
        &self,
        numbers: std::ops::Range<usize>,
        image: &mut [f32],
        scratch: &mut Vec<f32>,
        draws: impl Fn(usize) -> Draws,
    ) {
        let shape = self.shape;
        let mut warp = Warp::default();
        for number in numbers {
            let (change, mut draws) = (self.list[number], draws(number));
            if let Some(place) = Warp::drawn(change, shape, &mut draws) {
                warp = warp.then(place);
                continue;
            }
            if !warp.is_identity() {
                std::mem::take(&mut warp).apply(image, shape, scratch);
            }
            match change {
                Augment::Colour { brightness, contrast, saturation, hue } => {
                    let strengths = [brightness, contrast, saturation, hue];
                    colour::colour(image, shape[2], &self.tones, strengths, &mut draws);
                }
                Augment::Noise { deviation } => {
                    colour::noise(image, &self.tones, deviation, &draws);
                }
                Augment::Cutout { size, share } if draws.chance(share) => {
                    let side = (size * shape[0].min(shape[1]) as f64).round() as usize;
                    mix::Window::square(shape, side, &mut draws)
                        .rows(shape)
                        .for_each(|range| image[range].fill(0.0));
                }
                _ => {}
            }
        }
        if !warp.is_identity() {
            warp.apply(image, shape, scratch);
        }
    }

    /// Writes a batch of `rows` as it is seen in `epoch`.
    pub(crate) fn gather(
        &self,
        train: &Rows,
        rows: &[usize],
        epoch: u64,
        out: BatchMut<'_>,
        scratch: &mut Scratch,
    ) -> Result<(), DataError> {
        let BatchMut { inputs, mut targets, mut mixed } = out;
        train.gather_targets(rows, &mut targets)?;
        let width = train.width();
        if inputs.len() != rows.len() * width {
            let what = "a batch needs as many inputs as its rows have".to_string();
            return Err(DataError::new(Place::default(), what, ""));
        }
        for (at, (&row, image)) in
            rows.iter().zip(inputs.chunks_exact_mut(width.max(1))).enumerate()
        {
            let with = self.image(train, row, epoch, image, scratch)?;
            let Mixed { partner, share } = with.unwrap_or(Mixed { partner: row, share: 0.0 });
            match (&mut targets, &mut mixed) {
                (TargetsMut::Values(values), _) if share > 0.0 => {
                    let outputs = train.outputs();
                    if let Some(own) = values.get_mut(at * outputs..(at + 1) * outputs) {
                        train.mix_values(partner, share, own)?;
                    }
                }
                (TargetsMut::Classes(_), Some((labels, shares))) => {
                    let one = labels.get_mut(at..=at).unwrap_or_default();
                    train.gather_targets(&[partner], &mut TargetsMut::Classes(one))?;
                    shares[at] = share;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
