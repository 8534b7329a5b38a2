//! Counter-based random numbers: any draw can be computed alone, in any order, on any thread.
//!
//! Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3"
//! (SC 2011). The key is made of seed, path and draw; the counter of the element's index and the
//! step, so no state has to be saved to resume.

/// One block of Philox4x32-10: four 32-bit numbers for a counter under a key.
pub fn philox4x32(key: [u32; 2], counter: [u32; 4]) -> [u32; 4] {
    const MULTIPLIER: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    let (mut k, mut c) = (key, counter);
    for round in 0..10 {
        if round > 0 {
            k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
        }
        let p0 = u64::from(MULTIPLIER[0]) * u64::from(c[0]);
        let p1 = u64::from(MULTIPLIER[1]) * u64::from(c[2]);
        c = [
            (p1 >> 32) as u32 ^ c[1] ^ k[0],
            p1 as u32,
            (p0 >> 32) as u32 ^ c[3] ^ k[1],
            p0 as u32,
        ];
    }
    c
}

/// FNV-1a, 64 bits: a hash of names that is the same in every build.
pub fn hash_path(path: &str) -> u64 {
    path.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A stream of random numbers, addressed by index.
///
/// ```
/// use glassbox_engine::random::Stream;
/// let shuffle = Stream::new(42, "shuffle", 0).at_step(3);
/// assert_eq!(shuffle.bits(7), Stream::new(42, "shuffle", 0).at_step(3).bits(7));
/// assert_ne!(shuffle.bits(7), shuffle.bits(8));
/// let mut rows = [0, 1, 2, 3, 4];
/// shuffle.shuffle(&mut rows);
/// rows.sort();
/// assert_eq!(rows, [0, 1, 2, 3, 4]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
    step: u64,
}

impl Stream {
    /// The stream of `draw` at `path` under `seed`, at step 0.
    pub fn new(seed: u64, path: &str, draw: u64) -> Self {
        Self::of_hash(seed, hash_path(path), draw)
    }

    /// As [`Stream::new`], for a path hashed by [`hash_path`].
    pub fn of_hash(seed: u64, path: u64, draw: u64) -> Self {
        let key = mix(mix(mix(seed) ^ path) ^ draw);
        Stream { key: [key as u32, (key >> 32) as u32], step: 0 }
    }

    /// The same stream at another step.
    pub fn at_step(self, step: u64) -> Self {
        Stream { step, ..self }
    }

    /// The stream of step `index` of a loop within this one's step.
    pub fn within(self, index: u64) -> Self {
        let key = mix(mix(u64::from(self.key[0]) | u64::from(self.key[1]) << 32) ^ index);
        Stream { key: [key as u32, (key >> 32) as u32], ..self }
    }

    /// The four numbers of block `block`, i.e. of indices `4 * block ..`.
    pub fn block(self, block: u64) -> [u32; 4] {
        let s = self.step;
        philox4x32(self.key, [block as u32, (block >> 32) as u32, s as u32, (s >> 32) as u32])
    }

    /// 32 random bits.
    pub fn bits(self, index: u64) -> u32 {
        self.block(index / 4)[(index % 4) as usize]
    }

    /// Uniform in [0, 1), a multiple of 2⁻²⁴ (so that f32 and f64 agree).
    pub fn uniform(self, index: u64) -> f64 {
        unit(self.bits(index))
    }

    /// [`uniform`](Self::uniform) of 0, 1, 2 …, four for each block.
    pub fn uniforms(self) -> impl Iterator<Item = f64> {
        (0..).flat_map(move |block| self.block(block).map(unit))
    }

    /// Standard normal by Box and Muller (1958), two uniforms to two normals: indices 2i and 2i + 1
    /// share one pair.
    pub fn normal(self, index: u64) -> f64 {
        let block = self.block(index / 4);
        normal_of(block, (index % 4) as usize)
    }

    /// Shuffles `items` (Fisher and Yates; Durstenfeld 1964).
    pub fn shuffle<T>(self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            // 64-bit multiply: the bias is below i / 2⁶⁴.
            let block = self.block(i as u64);
            let wide = (u64::from(block[0]) << 32) | u64::from(block[1]);
            let j = ((u128::from(wide) * (i as u128 + 1)) >> 64) as usize;
            items.swap(i, j);
        }
    }
}

/// 32 bits to a multiple of 2⁻²⁴ in [0, 1).
pub fn unit(bits: u32) -> f64 {
    f64::from(bits >> 8) * (1.0 / 16_777_216.0)
}

/// The normal number at `lane` (0..4) of a block.
pub fn normal_of(block: [u32; 4], lane: usize) -> f64 {
    let pair = lane & 2;
    let radius = (-2.0 * (1.0 - unit(block[pair])).ln()).sqrt();
    let angle = std::f64::consts::TAU * unit(block[pair + 1]);
    if lane & 1 == 0 { radius * angle.cos() } else { radius * angle.sin() }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers from the authors' Random123 distribution (kat_vectors, philox4x32 10).
    #[test]
    fn philox_gives_the_published_known_answers() {
        assert_eq!(
            philox4x32([0, 0], [0; 4]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox4x32([u32::MAX; 2], [u32::MAX; 4]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
    }

    #[test]
    fn numbers_one_after_another_are_those_of_their_indices() {
        let s = Stream::new(7, "test", 3).at_step(5);
        let all: Vec<f64> = s.uniforms().take(23).collect();
        assert_eq!(all, (0..23).map(|i| s.uniform(i)).collect::<Vec<f64>>());
    }

    #[test]
    fn normals_have_mean_zero_and_variance_one() {
        let s = Stream::new(1, "test", 0);
        let n = 100_000u64;
        let (mut sum, mut square) = (0.0, 0.0);
        for i in 0..n {
            let x = s.normal(i);
            sum += x;
            square += x * x;
        }
        assert!((sum / n as f64).abs() < 0.02);
        assert!((square / n as f64 - 1.0).abs() < 0.03);
    }
}
