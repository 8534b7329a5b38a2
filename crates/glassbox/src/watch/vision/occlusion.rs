//! Occlusion: what a score becomes where a part of the image is covered.

use serde::Serialize;

use super::{Map, Vision};
use crate::Error;
use crate::train::evaluate::probabilities;

/// How much a class's score falls where a square patch covers the image (Zeiler and Fergus 2014).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Occlusion {
    /// The mean fall over the patches that cover each place; below 0 where covering it helps.
    pub map: Map,
    /// Height and width of the patch.
    pub patch: usize,
    /// How far it moves.
    pub stride: usize,
    /// How many places it was put at.
    pub places: usize,
    /// Score and probability of the class without a patch.
    pub uncovered: Occluded,
    /// The place where the score falls most, and what it becomes.
    pub worst: Occluded,
}

/// What a network says with a patch at a place.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Occluded {
    /// The patch's upper row.
    pub row: usize,
    /// Its left column.
    pub column: usize,
    /// The class's raw score.
    pub score: f32,
    /// Its probability, of a classification.
    pub probability: f64,
}

impl Vision {
    /// Covers an image by a patch of its usual colour (the median of each channel), place by place.
    ///
    /// # Errors
    /// A patch of no size or larger than the image, a stride of 0; numbers that are not one image; a
    /// class beyond the last.
    pub fn occlusion(
        &self,
        image: &[f32],
        class: usize,
        patch: usize,
        stride: usize,
    ) -> Result<Occlusion, Error> {
        let image = self.one(image)?;
        let [height, width, channels] = self.shape;
        if patch == 0 || patch > height.min(width) || stride == 0 {
            return Err(Error::new(format!(
                "a patch of {patch} that moves by {stride} does not go over an image of {height} × \
                 {width}: take a patch of 1 to {}, moved by 1 or more",
                height.min(width)
            )));
        }
        let cover = medians(image, channels.max(1));
        let places: Vec<(usize, usize)> = starts(height, patch, stride)
            .flat_map(|y| starts(width, patch, stride).map(move |x| (y, x)))
            .collect();
        let said = |scores: &[f32], (row, column): (usize, usize)| -> Result<Occluded, Error> {
            let score = scores.get(class).copied();
            let score =
                score.ok_or_else(|| Error::new(format!("class {class}: there are fewer")))?;
            let probability = probabilities(scores).get(class).copied().unwrap_or(f64::NAN);
            Ok(Occluded { row, column, score, probability })
        };
        let first = self.scores(image)?;
        let uncovered = said(first.first().map_or(&[], Vec::as_slice), (0, 0))?;
        let mut worst: Option<Occluded> = None;
        let mut sums = vec![(0.0f64, 0usize); height * width];
        for some in places.chunks(self.batch()) {
            let mut covered = Vec::with_capacity(some.len() * image.len());
            for &(top, left) in some {
                let start = covered.len();
                covered.extend_from_slice(image);
                for (y, x) in square(top, left, patch) {
                    let at = start + (y * width + x) * channels;
                    covered[at..at + channels].copy_from_slice(&cover);
                }
            }
            for (scores, &(top, left)) in self.scores(&covered)?.iter().zip(some) {
                let here = said(scores, (top, left))?;
                let fall = f64::from(uncovered.score) - f64::from(here.score);
                for (y, x) in square(top, left, patch) {
                    let (sum, count) = &mut sums[y * width + x];
                    (*sum, *count) = (*sum + fall, *count + 1);
                }
                if worst.is_none_or(|worst| here.score < worst.score) {
                    worst = Some(here);
                }
            }
        }
        let mean = |&(sum, count): &(f64, usize)| (sum / count.max(1) as f64) as f32;
        let map = Map::new([height, width], sums.iter().map(mean).collect())?;
        let worst = worst.unwrap_or(uncovered);
        Ok(Occlusion { map, patch, stride, places: places.len(), uncovered, worst })
    }
}

/// Where a patch is put along an axis: every `stride`, and at the end.
fn starts(size: usize, patch: usize, stride: usize) -> impl Iterator<Item = usize> {
    let last = size - patch;
    (0..last).step_by(stride).chain([last])
}

fn square(top: usize, left: usize, patch: usize) -> impl Iterator<Item = (usize, usize)> {
    (top..top + patch).flat_map(move |y| (left..left + patch).map(move |x| (y, x)))
}

/// The middle number of each channel.
fn medians(image: &[f32], channels: usize) -> Vec<f32> {
    let channel = |channel: usize| {
        let mut all: Vec<f32> = image.iter().skip(channel).step_by(channels).copied().collect();
        all.sort_by(f32::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(0.0)
    };
    (0..channels).map(channel).collect()
}
