//! What follows from slopes: saliency, integrated gradients, class activation maps.

use glassbox_engine::random::Stream;
use glassbox_engine::{Graph, Tensor};
use serde::Serialize;

use super::{Map, Vision};
use crate::Error;
use crate::train::graphs::name;

/// Points on the way from the baseline, at first and at most.
const POINTS: (usize, usize) = (64, 4096);
/// How far the attributions' sum may be from what they explain, of it.
const COMPLETE: f64 = 0.01;

/// Each pixel's share of a score by integrated gradients (Sundararajan, Taly and Yan 2017): the mean
/// slope on the straight way from the baseline × the way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IntegratedGradients {
    /// The share of each place, summed over its channels.
    pub map: Map,
    /// The sum of all shares.
    pub sum: f64,
    /// The score of the image.
    pub score: f64,
    /// The score of the baseline.
    pub baseline: f64,
    /// Points on the way (midpoint rule).
    pub points: usize,
    /// Whether the sum is the difference of the two scores, within one part in a hundred.
    pub complete: bool,
}

/// Where a layer's maps speak for a class (Grad-CAM, Selvaraju et al. 2017): the maps summed by the
/// mean slopes of the score by each, and what is below 0 left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActivationMap {
    /// The layer, e.g. `conv2/relu`.
    pub layer: String,
    /// The size of its maps.
    pub places: [usize; 2],
    /// At the image's size.
    pub map: Map,
    /// The map as the layer has it.
    pub coarse: Map,
    /// The weight of each channel: the mean slope.
    pub weights: Vec<f32>,
}

impl Vision {
    /// The size of the slope of a class's score by each place, the largest of its channels (Simonyan,
    /// Vedaldi and Zisserman 2013).
    ///
    /// # Errors
    /// Numbers that are not one image; a class beyond the last.
    pub fn saliency(&self, image: &[f32], class: usize) -> Result<Map, Error> {
        let slopes = self.slopes(self.one(image)?, class)?;
        self.largest_of_channels(&slopes)
    }

    /// As [`saliency`](Vision::saliency), the mean over `samples` images with noise (SmoothGrad,
    /// Smilkov et al. 2017), whose deviation is 0.15 of the image's range. The same seed gives the same
    /// numbers.
    ///
    /// # Errors
    /// As [`saliency`](Vision::saliency).
    pub fn smooth_saliency(
        &self,
        image: &[f32],
        class: usize,
        samples: usize,
        seed: u64,
    ) -> Result<Map, Error> {
        let image = self.one(image)?;
        let (least, greatest) = super::look::extent(image);
        let deviation = 0.15 * f64::from(greatest - least);
        let stream = Stream::new(seed, "smooth_saliency", 0);
        let mut sum = vec![0.0f64; image.len()];
        let samples = samples.max(1);
        for first in (0..samples).step_by(self.batch()) {
            let noisy: Vec<f32> = (first..samples.min(first + self.batch()))
                .flat_map(|sample| {
                    let at = stream.at_step(sample as u64);
                    let noisy = move |(i, x): (usize, &f32)| {
                        (f64::from(*x) + deviation * at.normal(i as u64)) as f32
                    };
                    image.iter().enumerate().map(noisy)
                })
                .collect();
            for slopes in self.slopes(&noisy, class)?.chunks_exact(image.len()) {
                let sizes = slopes.iter().map(|x| f64::from(x.abs()));
                sum.iter_mut().zip(sizes).for_each(|(sum, x)| *sum += x);
            }
        }
        let mean: Vec<f32> = sum.into_iter().map(|sum| (sum / samples as f64) as f32).collect();
        self.largest_of_channels(&mean)
    }

    /// Each place's share of the score of a class, beyond what it is for the baseline (`None`: black).
    /// Points are added until the shares sum up to the difference within one part in a hundred, or
    /// there are 4096.
    ///
    /// # Errors
    /// Numbers that are not one image; a class beyond the last.
    pub fn integrated_gradients(
        &self,
        image: &[f32],
        class: usize,
        baseline: Option<&[f32]>,
    ) -> Result<IntegratedGradients, Error> {
        let image = self.one(image)?;
        let black = self.black();
        let black: Vec<f32> = black.iter().cycle().take(image.len()).copied().collect();
        let baseline = self.one(baseline.unwrap_or(&black))?;
        let ends = self.scores(&[image, baseline].concat())?;
        let score = |row: usize| ends.get(row).and_then(|scores| scores.get(class)).copied();
        let (Some(score), Some(at_baseline)) = (score(0), score(1)) else {
            return Err(Error::new(format!("class {class}: there are fewer, counted from 0")));
        };
        let (score, at_baseline) = (f64::from(score), f64::from(at_baseline));
        let away: Vec<f64> =
            image.iter().zip(baseline).map(|(x, b)| f64::from(*x) - f64::from(*b)).collect();
        let mut points = POINTS.0;
        loop {
            let mean = self.mean_slopes(baseline, &away, class, points)?;
            let shares: Vec<f64> = mean.iter().zip(&away).map(|(slope, x)| slope * x).collect();
            let sum: f64 = shares.iter().sum();
            let difference = score - at_baseline;
            let complete = (sum - difference).abs() <= COMPLETE * difference.abs() + 1e-6;
            if complete || points >= POINTS.1 {
                let channels = self.shape[2].max(1);
                let places =
                    shares.chunks_exact(channels).map(|all| all.iter().sum::<f64>() as f32);
                let map = Map::new([self.shape[0], self.shape[1]], places.collect())?;
                return Ok(IntegratedGradients {
                    map,
                    sum,
                    score,
                    baseline: at_baseline,
                    points,
                    complete,
                });
            }
            points *= 4;
        }
    }

    /// The mean slope at so many points on the way, a batch at a time.
    fn mean_slopes(
        &self,
        baseline: &[f32],
        away: &[f64],
        class: usize,
        points: usize,
    ) -> Result<Vec<f64>, Error> {
        let mut sum = vec![0.0; away.len()];
        for first in (0..points).step_by(self.batch()) {
            let some: Vec<f32> = (first..points.min(first + self.batch()))
                .flat_map(|point| {
                    let share = (point as f64 + 0.5) / points as f64;
                    let at = move |(b, x): (&f32, &f64)| (f64::from(*b) + share * x) as f32;
                    baseline.iter().zip(away).map(at)
                })
                .collect();
            for slopes in self.slopes(&some, class)?.chunks_exact(away.len()) {
                sum.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += f64::from(*slope));
            }
        }
        Ok(sum.into_iter().map(|sum| sum / points as f64).collect())
    }

    /// Where the maps of a layer speak for a class; of a scope its last maps, and of no name
    /// (`None`) the last of the network with more than one place.
    ///
    /// # Errors
    /// A layer that does not exist or gives no maps, the nearest name offered; numbers that are not
    /// one image; a class beyond the last.
    pub fn grad_cam(
        &self,
        image: &[f32],
        class: usize,
        layer: Option<&str>,
    ) -> Result<ActivationMap, Error> {
        let image = self.one(image)?;
        let (layer, [height, width, channels]) = match layer {
            Some(wanted) => self.find_layer(wanted)?,
            None => {
                let mut layers = self.layers().into_iter().rev();
                layers.find(|(_, shape)| shape[0] * shape[1] > 1).ok_or_else(|| {
                    Error::new("this model has no maps of channels: Grad-CAM needs a convolution")
                })?
            }
        };
        let graph = self.graph.clone();
        let maps = graph.named(&layer).ok_or_else(|| Error::new("no such layer"))?;
        let slopes = self.slope(&graph, maps)?;
        let found = self.run(&graph, image, Some(class), &[maps, slopes])?;
        let [maps, slopes] = &found[..] else { return Err(Error::new("no such layer")) };
        let places = (height * width).max(1);
        let mut weights = vec![0.0f64; channels];
        for slopes in slopes.chunks_exact(channels.max(1)) {
            weights.iter_mut().zip(slopes).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        weights.iter_mut().for_each(|sum| *sum /= places as f64);
        let at = |maps: &[f32]| {
            let sum: f64 = maps.iter().zip(&weights).map(|(x, w)| f64::from(*x) * w).sum();
            sum.max(0.0) as f32
        };
        let coarse = maps.chunks_exact(channels.max(1)).map(at).collect();
        let coarse = Map::new([height, width], coarse)?;
        Ok(ActivationMap {
            layer,
            places: [height, width],
            map: coarse.resized([self.shape[0], self.shape[1]]),
            coarse,
            weights: weights.into_iter().map(|x| x as f32).collect(),
        })
    }

    /// The slopes of a class's score by the inputs of some images.
    fn slopes(&self, images: &[f32], class: usize) -> Result<Vec<f32>, Error> {
        let graph: Graph = self.graph.clone();
        let inputs: Option<Tensor<'_>> = graph.find_input(name::INPUTS);
        let inputs = inputs.ok_or_else(|| Error::new("the inference graph has no inputs"))?;
        let slopes = self.slope(&graph, inputs)?;
        Ok(self.run(&graph, images, Some(class), &[slopes])?.concat())
    }

    /// The numbers where they are one image.
    pub(super) fn one<'a>(&self, image: &'a [f32]) -> Result<&'a [f32], Error> {
        self.check(image)?;
        match image.len() == self.width() {
            true => Ok(image),
            false => Err(Error::new("one image at a time")),
        }
    }

    fn largest_of_channels(&self, numbers: &[f32]) -> Result<Map, Error> {
        let largest = |all: &[f32]| all.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let places = numbers.chunks_exact(self.shape[2].max(1)).map(largest);
        Map::new([self.shape[0], self.shape[1]], places.collect())
    }
}
