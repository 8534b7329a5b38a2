//! Images that lessons learn from, and a small network for them.

use glassbox_engine::op::Pooling;
use glassbox_engine::random::Stream;
use glassbox_engine::{Array, Scope, Tensor};

use crate::Error;
use crate::data::{self, Dataset, Rows, Targets, TargetsMut};
use crate::lesson::{Options, Shown};
use crate::nn::{self, Conv, Initial, Module};

/// Images in memory with their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    /// `[height, width, channels]`.
    pub shape: [usize; 3],
    /// One image after the other.
    pub pixels: Vec<f32>,
    /// A class for each, from 0.
    pub labels: Vec<i64>,
    /// The classes' names.
    pub classes: Vec<String>,
}

impl Images {
    /// Images to learn from and images to test with, at most so many of each, chosen by the seed: the
    /// built-in digits, or those of `options.data`.
    ///
    /// # Errors
    /// Data that cannot be read; data of anything but classes of images.
    pub fn load(options: &Options, most: [usize; 2]) -> Result<[Images; 2], Error> {
        let dataset = match &options.data {
            None => data::digits(),
            Some(path) => {
                data::load(path, &data::Options { seed: options.seed, ..Default::default() })?
            }
        };
        let part = |rows: &Rows, most| Images::of(&dataset, rows, most, options.seed);
        Ok([part(&dataset.train, most[0])?, part(&dataset.test, most[1])?])
    }

    fn of(dataset: &Dataset, rows: &Rows, most: usize, seed: u64) -> Result<Images, Error> {
        let (&[height, width, channels], Some(classes)) =
            (&dataset.input.shape[..], dataset.preparation.target.classes())
        else {
            let source = &dataset.source;
            return Err(Error::new(format!(
                "{source}: this lesson learns to tell images apart; give it images with classes, such \
                 as `digits` or a folder of IDX files"
            )));
        };
        let mut chosen: Vec<usize> = (0..rows.len()).collect();
        Stream::new(seed, "lesson/rows", 0).shuffle(&mut chosen);
        chosen.truncate(most);
        let mut pixels = vec![0.0; chosen.len() * height * width * channels];
        let mut labels = vec![0; chosen.len()];
        rows.gather(&chosen, &mut pixels, TargetsMut::Classes(&mut labels))?;
        Ok(Images { shape: [height, width, channels], pixels, labels, classes: classes.to_vec() })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// How many numbers an image is.
    pub fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// The same images with so many zeros on every side.
    pub fn on_canvas(&self, margin: usize) -> Images {
        let [height, width, channels] = self.shape;
        let shape = [height + 2 * margin, width + 2 * margin, channels];
        let mut pixels = vec![0.0; self.len() * shape.iter().product::<usize>()];
        let rows = pixels.chunks_exact_mut((shape[1] * channels).max(1));
        let inside = |at: &usize| (margin..margin + height).contains(&(at % shape[0]));
        let targets = rows.enumerate().filter(|(at, _)| inside(at));
        for ((_, to), from) in targets.zip(self.pixels.chunks_exact((width * channels).max(1))) {
            let (first, last) = (margin * channels, (margin + width) * channels);
            to[first..last].copy_from_slice(from);
        }
        Images { shape, pixels, ..self.clone() }
    }

    /// The same images, each moved as `by` says of its number: so many pixels down and to the right.
    /// What leaves the image is lost, zeros move in.
    pub fn moved(&self, by: impl Fn(usize) -> [isize; 2]) -> Images {
        let [height, width, channels] = self.shape;
        let mut pixels = vec![0.0; self.pixels.len()];
        let size = self.width().max(1);
        let pairs = self.pixels.chunks_exact(size).zip(pixels.chunks_exact_mut(size));
        for (number, (from, to)) in pairs.enumerate() {
            let [down, right] = by(number);
            for row in 0..height {
                let Some(source) = row.checked_add_signed(-down).filter(|r| *r < height) else {
                    continue;
                };
                for column in 0..width {
                    let Some(at) = column.checked_add_signed(-right).filter(|c| *c < width) else {
                        continue;
                    };
                    let (a, b) =
                        ((source * width + at) * channels, (row * width + column) * channels);
                    to[b..b + channels].copy_from_slice(&from[a..a + channels]);
                }
            }
        }
        Images { pixels, ..self.clone() }
    }

    /// The same images without so many pixels at every side; none are left of images that are smaller.
    pub fn without_edge(&self, pixels: usize) -> Images {
        let [height, width, channels] = self.shape;
        let left = |size: usize| size.saturating_sub(2 * pixels);
        let shape = [left(height), left(width), channels];
        let lines = self.pixels.chunks_exact((width * channels).max(1)).enumerate();
        let inside = lines.filter(|(at, _)| (pixels..pixels + shape[0]).contains(&(at % height)));
        let cut = |(_, line): (usize, &[f32])| {
            line.iter()
                .copied()
                .skip(pixels * channels)
                .take(shape[1] * channels)
                .collect::<Vec<_>>()
        };
        Images { shape, pixels: inside.flat_map(cut).collect(), ..self.clone() }
    }

    /// These images and others of the same size.
    pub fn with(mut self, others: &Images) -> Images {
        self.pixels.extend_from_slice(&others.pixels);
        self.labels.extend_from_slice(&others.labels);
        self
    }

    /// Those whose number is among these.
    pub fn select(&self, numbers: &[usize]) -> Images {
        let size = self.width();
        let of = |&number: &usize| self.pixels.get(number * size..(number + 1) * size);
        Images {
            pixels: numbers.iter().filter_map(of).flatten().copied().collect(),
            labels: numbers.iter().filter_map(|&number| self.labels.get(number)).copied().collect(),
            shape: self.shape,
            classes: self.classes.clone(),
        }
    }

    /// One of them with a caption; nothing beyond the last.
    pub fn shown(&self, number: usize, caption: impl Into<String>) -> Option<Shown> {
        let (shape, size) = (self.shape, self.width());
        let pixels = self.pixels.get(number * size..(number + 1) * size)?.to_vec();
        Some(Shown { caption: caption.into(), shape, pixels })
    }

    /// The pixels, `[images, height, width, channels]`.
    ///
    /// # Errors
    /// None of images that were made here.
    pub fn array(&self) -> Result<Array, Error> {
        let [height, width, channels] = self.shape;
        Array::new([self.len(), height, width, channels], self.pixels.clone()).map_err(Error::new)
    }

    /// A dataset of them, this share of which steers the training.
    ///
    /// # Errors
    /// A class without images.
    pub fn dataset(&self, valid: f64, seed: u64) -> Result<Dataset, Error> {
        let options =
            data::Options { valid: Some(valid), test: Some(0.0), seed, ..Default::default() };
        let targets = Targets::Classes(self.labels.clone());
        Ok(Dataset::from_arrays(self.array()?, targets, &options)?)
    }
}

/// A small network for images: dense, or of two convolutions, each followed by ReLU and 2 × 2 max
/// pooling but the last, whose channels' means over the image go to the last layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Small {
    /// One hidden layer of so many units on the pixels themselves.
    Dense {
        /// Hidden units.
        hidden: usize,
        /// Outputs.
        classes: usize,
    },
    /// Convolutions; the last layer reads every place of the feature maps.
    Flattened {
        /// Filters of both convolutions.
        channels: [usize; 2],
        /// Outputs.
        classes: usize,
    },
    /// Convolutions; the last layer reads each feature map's mean.
    Averaged {
        /// Filters of both convolutions.
        channels: [usize; 2],
        /// Outputs.
        classes: usize,
    },
}

impl Module for Small {
    fn name(&self) -> &str {
        match self {
            Small::Dense { .. } => "dense",
            Small::Flattened { .. } => "flattened",
            Small::Averaged { .. } => "averaged",
        }
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g> {
        let rows = input.dim(0);
        let flat = |x: Tensor<'g>| x.reshape([rows, x.elements() / rows.max(1)]);
        let conv = |scope: Scope<'g>, x, channels| {
            let y = nn::conv2d(scope, x, channels, Conv::new([3, 3]).same());
            let _inside = scope.enter();
            y.relu().named("relu")
        };
        let (x, classes) = match *self {
            Small::Dense { hidden, classes } => {
                (nn::linear(at.child("fc1"), flat(input), hidden, Initial::He).relu(), classes)
            }
            Small::Flattened { channels: [first, second], classes } => {
                let pool = |name, x| nn::max_pool2d(at.child(name), x, Pooling::new([2, 2]));
                let x = pool("pool1", conv(at.child("conv1"), input, first));
                (flat(pool("pool2", conv(at.child("conv2"), x, second))), classes)
            }
            Small::Averaged { channels: [first, second], classes } => {
                let x = conv(at.child("conv1"), input, first);
                let x = nn::max_pool2d(at.child("pool1"), x, Pooling::new([2, 2]));
                let x = conv(at.child("conv2"), x, second);
                (nn::global_average_pool(at.child("mean"), x), classes)
            }
        };
        nn::linear(at.child("out"), x, classes, Initial::Xavier)
    }
}
