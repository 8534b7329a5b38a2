//! Two images made one, and parts of images.

use std::ops::Range;

use super::{Augment, Draws};

/// How another image comes in.
pub(super) enum Mixture {
    /// It counts by so much.
    Over(f64),
    /// It replaces this part.
    Window(Window),
}

/// What a change that mixes does to an image; none where it does not happen.
pub(super) fn drawn(change: Augment, shape: [usize; 3], draws: &mut Draws) -> Option<Mixture> {
    match change {
        Augment::Mixup { alpha, share } if draws.chance(share) => {
            Some(Mixture::Over(draws.beta(alpha)))
        }
        Augment::CutMix { alpha, share } if draws.chance(share) => {
            // Sides of √(1 − λ) of the image's, cut off where they leave it.
            let side = draws.beta(alpha).sqrt();
            let [height, width, _] = shape.map(|size| size as f64);
            let sides = [height * side, width * side].map(|side| side.round() as usize);
            Some(Mixture::Window(Window::around(shape, sides, draws)))
        }
        _ => None,
    }
}

impl Mixture {
    /// Mixes `other` into `image`; gives how much it counts.
    pub fn blend(&mut self, image: &mut [f32], other: &[f32], shape: [usize; 3]) -> f32 {
        match self {
            Mixture::Over(share) => {
                let share = *share as f32;
                for (x, other) in image.iter_mut().zip(other) {
                    *x = (1.0 - share) * *x + share * other;
                }
                share
            }
            Mixture::Window(window) => {
                for range in window.rows(shape) {
                    image[range.clone()].copy_from_slice(&other[range]);
                }
                let [height, width, _] = shape;
                (window.x.len() * window.y.len()) as f32 / (height * width).max(1) as f32
            }
        }
    }
}

/// A rectangle of an image.
pub(super) struct Window {
    x: Range<usize>,
    y: Range<usize>,
}

impl Window {
    /// A square around any pixel, cut off where it leaves the image.
    pub fn square(shape: [usize; 3], side: usize, draws: &mut Draws) -> Self {
        Window::around(shape, [side, side], draws)
    }

    /// Of these sides (height, width), around any pixel, cut off where it leaves the image.
    fn around([height, width, _]: [usize; 3], sides: [usize; 2], draws: &mut Draws) -> Self {
        let mut part = |size: usize, side: usize| {
            let middle = draws.below(size);
            let start = middle.saturating_sub(side / 2);
            start..(middle + side - side / 2).min(size).max(start)
        };
        Window { y: part(height, sides[0]), x: part(width, sides[1]) }
    }

    /// Where its lines lie among the numbers of the image.
    pub fn rows(&self, [_, width, channels]: [usize; 3]) -> impl Iterator<Item = Range<usize>> {
        let x = self.x.start * channels..self.x.end * channels;
        self.y.clone().map(move |y| {
            let line = y * width * channels;
            line + x.start..line + x.end
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_has_its_sides_unless_it_leaves_the_image() {
        let shape = [8, 8, 1];
        let mut areas = std::collections::BTreeMap::new();
        for row in 0..3000 {
            let window = Window::square(shape, 4, &mut Draws::of(0, 0, false, 0, row));
            *areas.entry(window.x.len() * window.y.len()).or_insert(0) += 1;
        }
        // In one direction 5 of 8 middles leave all 4 pixels; both ways (5/8)² = 0.39.
        let whole = f64::from(areas[&16]) / 3000.0;
        assert!((whole - 25.0 / 64.0).abs() < 0.04, "{whole}");
        assert_eq!(areas.keys().next_back(), Some(&16));
        assert_eq!(areas.keys().next(), Some(&4));
    }
}
