//! Numbers over the places of an image.

use serde::Serialize;

use crate::Error;

/// A number for each place of an image, row-major.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Map {
    /// Height and width.
    pub shape: [usize; 2],
    /// `[height, width]`.
    pub numbers: Vec<f32>,
}

impl Map {
    /// A map of these numbers.
    ///
    /// # Errors
    /// Another count of numbers than the shape has.
    pub fn new(shape: [usize; 2], numbers: Vec<f32>) -> Result<Self, Error> {
        match numbers.len() == shape[0] * shape[1] && !numbers.is_empty() {
            true => Ok(Map { shape, numbers }),
            false => Err(Error::new(format!("{} numbers are no map of {shape:?}", numbers.len()))),
        }
    }

    /// Row and column of the greatest number, the first of equal ones.
    pub fn strongest(&self) -> (usize, usize) {
        let better = |best: usize, (at, x): (usize, &f32)| match *x > self.numbers[best] {
            true => at,
            false => best,
        };
        let at = self.numbers.iter().enumerate().fold(0, better);
        (at / self.shape[1], at % self.shape[1])
    }

    /// The least share of the places that together hold half of the sum of sizes: small where a few
    /// places matter.
    pub fn half(&self) -> f64 {
        let mut sizes: Vec<f64> = self.numbers.iter().map(|x| f64::from(x.abs())).collect();
        sizes.sort_by(|a, b| b.total_cmp(a));
        let half = sizes.iter().sum::<f64>() / 2.0;
        let mut sum = 0.0;
        let count = sizes.iter().take_while(|x| {
            let before = sum;
            sum += **x;
            before < half
        });
        count.count() as f64 / self.numbers.len().max(1) as f64
    }

    /// The least and the greatest number.
    pub fn extent(&self) -> (f32, f32) {
        extent(&self.numbers)
    }

    /// The map at another size: linear between the middles of its places, the same beyond the outer
    /// ones.
    ///
    /// ```
    /// use glassbox::watch::vision::Map;
    /// let map = Map::new([1, 2], vec![0.0, 4.0])?;
    /// assert_eq!(map.resized([1, 4]).numbers, [0.0, 1.0, 3.0, 4.0]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[must_use]
    pub fn resized(&self, shape: [usize; 2]) -> Map {
        let place = |at: usize, from: usize, to: usize| {
            let middle = (at as f64 + 0.5) * from as f64 / to as f64 - 0.5;
            let middle = middle.clamp(0.0, from as f64 - 1.0);
            let low = middle.floor() as usize;
            (low, (low + 1).min(from - 1), (middle - low as f64) as f32)
        };
        let [height, width] = self.shape;
        let mut numbers = Vec::with_capacity(shape[0] * shape[1]);
        for y in 0..shape[0] {
            let (top, bottom, down) = place(y, height, shape[0]);
            for x in 0..shape[1] {
                let (left, right, across) = place(x, width, shape[1]);
                let at = |y: usize, x: usize| self.numbers[y * width + x];
                let mix = |a: f32, b: f32, share: f32| a + (b - a) * share;
                let upper = mix(at(top, left), at(top, right), across);
                numbers.push(mix(upper, mix(at(bottom, left), at(bottom, right), across), down));
            }
        }
        Map { shape, numbers }
    }
}

/// The least and the greatest of the finite numbers; 0 and 0 of none.
pub(super) fn extent(numbers: &[f32]) -> (f32, f32) {
    let finite = numbers.iter().copied().filter(|x| x.is_finite());
    let both = finite.fold(None, |both: Option<(f32, f32)>, x| match both {
        Some((least, greatest)) => Some((least.min(x), greatest.max(x))),
        None => Some((x, x)),
    });
    both.unwrap_or((0.0, 0.0))
}
