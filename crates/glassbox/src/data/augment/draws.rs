//! Random numbers of one change of one row in one epoch.

use glassbox_engine::random::{Stream, hash_path, unit};

/// Numbers drawn one after another.
pub(super) struct Draws {
    stream: Stream,
    next: u64,
    block: [u32; 4],
}

impl Draws {
    /// Those of change `number` of `row` in `epoch`, or of the image that is mixed into it.
    pub fn of(seed: u64, number: usize, partner: bool, epoch: u64, row: usize) -> Self {
        let draw = (number as u64) << 1 | u64::from(partner);
        let stream = Stream::of_hash(seed, hash_path("augment"), draw);
        Draws { stream: stream.at_step(epoch).within(row as u64), next: 0, block: [0; 4] }
    }

    /// The stream itself, beyond what is drawn one by one.
    pub fn stream(&self) -> Stream {
        self.stream.within(1)
    }

    fn bits(&mut self) -> u32 {
        let at = self.next % 4;
        if at == 0 {
            self.block = self.stream.block(self.next / 4);
        }
        self.next += 1;
        self.block[at as usize]
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        unit(self.bits())
    }

    /// Uniform in [−most, most).
    pub fn around(&mut self, most: f64) -> f64 {
        most * (2.0 * self.uniform() - 1.0)
    }

    /// Whether what happens so often happens.
    pub fn chance(&mut self, share: f64) -> bool {
        self.uniform() < share
    }

    /// A whole number below `limit`, 0 where there is none.
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.bits()) * limit as u128) >> 32) as usize
    }

    /// Standard normal (Box and Muller 1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Gamma(shape, 1) by Marsaglia and Tsang (2000): rejection, and for shapes below 1 a larger one
    /// times a power of a uniform number (their section 6).
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let larger = self.gamma(shape + 1.0);
            return larger * (1.0 - self.uniform()).powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            let u = 1.0 - self.uniform();
            if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Beta(α, α): G₁ / (G₁ + G₂) of two gamma numbers.
    pub fn beta(&mut self, alpha: f64) -> f64 {
        let (one, other) = (self.gamma(alpha), self.gamma(alpha));
        match one + other {
            // Both too small for f64, as it happens for a tiny α: all or nothing.
            sum if sum < f64::MIN_POSITIVE => f64::from(u8::from(self.chance(0.5))),
            sum => one / sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beta_numbers_have_the_mean_and_variance_of_the_formula() {
        // Var Beta(α, α) = 1 / (4 (2α + 1)).
        for alpha in [0.05, 0.2, 1.0, 4.0] {
            let n = 20_000;
            let all: Vec<f64> =
                (0..n).map(|row| Draws::of(1, 0, false, 0, row).beta(alpha)).collect();
            let mean = all.iter().sum::<f64>() / n as f64;
            let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
            let exact = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            assert!((mean - 0.5).abs() < 0.01, "{alpha}: {mean}");
            assert!((variance / exact - 1.0).abs() < 0.05, "{alpha}: {variance} {exact}");
            assert!(all.iter().all(|x| (0.0..=1.0).contains(x)));
        }
    }

    #[test]
    fn whole_numbers_are_as_likely_each() {
        let mut counts = [0; 9];
        (0..9000).for_each(|row| counts[Draws::of(3, 1, false, 2, row).below(9)] += 1);
        // 1000 each; four standard deviations are 119.
        assert!(counts.iter().all(|count| (881..1119).contains(count)), "{counts:?}");
    }

    #[test]
    fn every_part_of_the_address_counts() {
        let first = |seed, number, partner, epoch, row| {
            Draws::of(seed, number, partner, epoch, row).uniform()
        };
        let all = [
            first(1, 0, false, 0, 0),
            first(2, 0, false, 0, 0),
            first(1, 1, false, 0, 0),
            first(1, 0, true, 0, 0),
            first(1, 0, false, 1, 0),
            first(1, 0, false, 0, 1),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|other| other != one), "{i}");
        }
    }
}
