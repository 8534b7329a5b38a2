//! Pictures of another size, by the triangle filter.

use crate::data::pixels::Fit;

/// Pixels row by row, channels side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) height: usize,
    pub(super) width: usize,
    /// 1 or 3.
    pub(super) channels: usize,
    pub(super) bytes: Vec<u8>,
}

impl Picture {
    /// The bytes of this picture brought to `[height, width]`.
    pub(super) fn fitted(self, size: [usize; 2], fit: Fit) -> Vec<u8> {
        if [self.height, self.width] == size {
            return self.bytes;
        }
        let own = [self.height as f64, self.width as f64];
        let factors = [size[0] as f64 / own[0], size[1] as f64 / own[1]];
        match fit {
            Fit::Stretch => self.resized([0.0, 0.0], own, size),
            Fit::Crop => {
                let factor = factors[0].max(factors[1]);
                let part = [size[0] as f64 / factor, size[1] as f64 / factor];
                let from = [(own[0] - part[0]) / 2.0, (own[1] - part[1]) / 2.0];
                self.resized(from, part, size)
            }
            Fit::Pad => {
                let factor = factors[0].min(factors[1]);
                let side =
                    |axis: usize| ((own[axis] * factor).round() as usize).clamp(1, size[axis]);
                let inner = [side(0), side(1)];
                let small = self.resized([0.0, 0.0], own, inner);
                let [above, left] = [(size[0] - inner[0]) / 2, (size[1] - inner[1]) / 2];
                let channels = self.channels;
                let mut bytes = vec![0; size[0] * size[1] * channels];
                for (row, line) in small.chunks_exact(inner[1] * channels).enumerate() {
                    let at = ((above + row) * size[1] + left) * channels;
                    bytes[at..at + line.len()].copy_from_slice(line);
                }
                bytes
            }
        }
    }

    /// A part of the picture, from a place on and of a size, brought to another size.
    ///
    /// The filter is the triangle (bilinear) whose width grows with the factor of shrinking, so that
    /// every pixel counts, as `antialias=True` has it in PyTorch.
    fn resized(&self, from: [f64; 2], part: [f64; 2], size: [usize; 2]) -> Vec<u8> {
        let channels = self.channels;
        let rows = weights(self.height, from[0], part[0], size[0]);
        let columns = weights(self.width, from[1], part[1], size[1]);
        let first = columns.iter().map(|of| of.first).min().unwrap_or(0);
        let end = columns.iter().map(|of| of.first + of.weights.len()).max().unwrap_or(0);
        let mut line = vec![0.0f32; (end - first) * channels];
        let mut bytes = Vec::with_capacity(size[0] * size[1] * channels);
        for of in &rows {
            line.fill(0.0);
            for (row, weight) in (of.first..).zip(&of.weights) {
                let start = row * self.width * channels;
                let source = &self.bytes[start + first * channels..start + end * channels];
                for (sum, byte) in line.iter_mut().zip(source) {
                    *sum += weight * f32::from(*byte);
                }
            }
            for of in &columns {
                let start = (of.first - first) * channels;
                let mut sums = [0.0f32; 4];
                let pixels = line[start..].chunks_exact(channels);
                for (pixel, weight) in pixels.zip(&of.weights) {
                    for (sum, value) in sums.iter_mut().zip(pixel) {
                        *sum += weight * value;
                    }
                }
                bytes
                    .extend(sums[..channels].iter().map(|sum| (sum + 0.5).clamp(0.0, 255.0) as u8));
            }
        }
        bytes
    }
}

/// Which pixels one pixel of the result is made of, and how much of each.
struct Weights {
    first: usize,
    weights: Vec<f32>,
}

/// For each of `out` pixels those of the `all`, of which `part` are taken `from` a place on.
fn weights(all: usize, from: f64, part: f64, out: usize) -> Vec<Weights> {
    let factor = part / out as f64;
    let reach = factor.max(1.0);
    let of = |place: usize| {
        let centre = from + (place as f64 + 0.5) * factor;
        let first = ((centre - reach + 0.5).max(0.0) as usize).min(all - 1);
        let end = ((centre + reach + 0.5).max(0.0) as usize).clamp(first + 1, all);
        let weight = |pixel| (1.0 - ((pixel as f64 + 0.5 - centre) / reach).abs()).max(0.0);
        let weights: Vec<f64> = (first..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        match sum > 0.0 {
            true => Weights { first, weights: weights.iter().map(|w| (w / sum) as f32).collect() },
            false => Weights { first, weights: vec![1.0] },
        }
    };
    (0..out).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(height: usize, width: usize, channels: usize) -> Picture {
        let byte = |i: usize| ((i * i * 31 + i * 7) % 256) as u8;
        let bytes = (0..height * width * channels).map(byte).collect();
        Picture { height, width, channels, bytes }
    }

    #[test]
    fn shrinking_and_growing_are_pytorchs() {
        // torch.nn.functional.interpolate(x, size, mode="bilinear", antialias=True), 2.15, rounded.
        let shrunk = [65, 115, 75, 142, 161, 111];
        assert_eq!(picture(4, 5, 1).fitted([2, 3], Fit::Stretch), shrunk);
        let grown = [
            0, 38, 138, 4, 35, 128, 22, 25, 90, 40, 15, 52, 44, 12, 42, 84, 34, 207, 78, 37, 203,
            55, 50, 188, 31, 63, 172, 25, 66, 168, 157, 99, 166, 149, 99, 169, 115, 101, 182, 80,
            103, 194, 72, 103, 197, 196, 210, 30, 193, 200, 39, 182, 161, 74, 171, 122, 109, 168,
            112, 118,
        ];
        assert_eq!(picture(3, 2, 3).fitted([4, 5], Fit::Stretch), grown);
    }

    #[test]
    fn each_fit_takes_the_part_it_should() {
        // Three columns of grey 10, 20, 30, twice as wide as high.
        let bytes = [[10u8; 4], [20; 4], [30; 4]].concat().repeat(6);
        let picture = Picture { height: 6, width: 12, channels: 1, bytes };
        let crop = picture.clone().fitted([6, 6], Fit::Crop);
        assert_eq!(crop[..6], [10, 20, 20, 20, 20, 30], "the middle, as it is");
        let pad = picture.clone().fitted([6, 6], Fit::Pad);
        assert_eq!((pad[..6].to_vec(), pad[30..].to_vec()), (vec![0; 6], vec![0; 6]));
        assert_eq!((pad[12], pad[17]), (10, 30));
        let stretch = picture.fitted([3, 6], Fit::Stretch);
        assert_eq!((stretch.len(), stretch[0], stretch[17]), (18, 10, 30));
    }

    #[test]
    fn a_single_pixel_fills_any_size() {
        let one = Picture { height: 1, width: 1, channels: 3, bytes: vec![1, 2, 3] };
        for fit in Fit::ALL {
            let bytes = one.clone().fitted([4, 2], *fit);
            assert_eq!(bytes.len(), 24);
            assert!(bytes.chunks(3).any(|pixel| pixel == [1, 2, 3]));
        }
    }
}
