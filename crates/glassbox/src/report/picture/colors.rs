//! Colours for numbers.

/// An RGB colour.
pub type Color = [u8; 3];

/// How numbers become colours.
///
/// ```
/// use glassbox::report::picture::ColorMap;
/// assert_eq!(ColorMap::Gray.color(0.5), [128, 128, 128]);
/// assert_eq!(ColorMap::Signed.color(0.5), [247, 247, 247], "zero is nearly white");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorMap {
    /// From black to white.
    Gray,
    /// From dark blue over green to yellow; equal steps look equal (viridis, van der Walt and Smith
    /// 2015).
    Viridis,
    /// From black over red to light yellow; equal steps look equal (magma, of the same authors).
    Magma,
    /// From blue (negative) over white (zero) to red (positive) (RdBu, Brewer 2002).
    Signed,
}

impl ColorMap {
    /// The colour of a number in `[0, 1]`; of [`Signed`](ColorMap::Signed) 0.5 is zero. What is not
    /// finite is gray.
    pub fn color(self, at: f64) -> Color {
        if !at.is_finite() {
            return [128, 128, 128];
        }
        let at = at.clamp(0.0, 1.0);
        match self {
            ColorMap::Gray => [byte(at); 3],
            ColorMap::Viridis => polynomial(&VIRIDIS, at),
            ColorMap::Magma => polynomial(&MAGMA, at),
            ColorMap::Signed => {
                let place = at * (SIGNED.len() - 1) as f64;
                let (from, to) = (place.floor() as usize, place.ceil() as usize);
                mix(SIGNED[from], SIGNED[to], place - from as f64)
            }
        }
    }
}

/// `share` of the second colour over the first.
pub(super) fn mix(under: Color, over: Color, share: f64) -> Color {
    let channel = |i: usize| {
        let (under, over) = (f64::from(under[i]), f64::from(over[i]));
        (under + (over - under) * share.clamp(0.0, 1.0)).round() as u8
    };
    [channel(0), channel(1), channel(2)]
}

/// A number in `[0, 1]` as a byte.
pub(super) fn byte(x: f64) -> u8 {
    (x.clamp(0.0, 1.0) * 255.0).round() as u8
}

fn polynomial(coefficients: &[[f64; 3]; 7], at: f64) -> Color {
    let channel = |i: usize| byte(coefficients.iter().rev().fold(0.0, |sum, c| sum * at + c[i]));
    [channel(0), channel(1), channel(2)]
}

/// Least-squares polynomials of matplotlib's tables, from the constant term on (Zucker 2019).
#[rustfmt::skip]
const VIRIDIS: [[f64; 3]; 7] = [
    [ 0.277_727_327_2,   0.005_407_344_5,   0.334_099_805_3],
    [ 0.105_093_043_1,   1.404_613_529_9,   1.384_590_162_6],
    [-0.330_861_828_7,   0.214_847_559_5,   0.095_095_163_0],
    [-4.634_230_499_0,  -5.799_100_973_4, -19.332_440_956_3],
    [ 6.228_269_936_3,  14.179_933_366_8,  56.690_552_600_7],
    [ 4.776_384_997_7, -13.745_145_377_7, -65.353_032_633_4],
    [-5.435_455_855_9,   4.645_852_612_2,  26.312_435_249_6],
];
#[rustfmt::skip]
const MAGMA: [[f64; 3]; 7] = [
    [ -0.002_136_485_1,  -0.000_749_655_1,  -0.005_386_127_9],
    [  0.251_660_540_7,   0.677_523_243_7,   2.494_026_599_3],
    [  8.353_717_279_2,  -3.577_719_515_0,   0.314_467_903_0],
    [-27.668_733_085_8,  14.264_730_781_0, -13.649_213_188_1],
    [ 52.176_139_812_3, -27.943_606_071_7,  12.944_169_442_4],
    [-50.768_525_364_7,  29.046_582_821_3,   4.234_152_993_8],
    [ 18.655_705_065_9, -11.489_773_520_0,  -5.601_961_508_7],
];
const SIGNED: [Color; 11] = [
    [5, 48, 97],
    [33, 102, 172],
    [67, 147, 195],
    [146, 197, 222],
    [209, 229, 240],
    [247, 247, 247],
    [253, 219, 199],
    [244, 165, 130],
    [214, 96, 77],
    [178, 24, 43],
    [103, 0, 31],
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of matplotlib 3.10's tables at 0, 64, 128, 192 and 255.
    #[test]
    fn the_maps_are_the_published_ones() {
        let viridis: [Color; 5] =
            [[68, 1, 84], [58, 82, 139], [32, 144, 140], [94, 201, 97], [253, 231, 36]];
        let magma: [Color; 5] =
            [[0, 0, 3], [81, 18, 124], [182, 54, 121], [251, 136, 97], [251, 252, 191]];
        for (map, table) in [(ColorMap::Viridis, viridis), (ColorMap::Magma, magma)] {
            for (index, expected) in [0.0, 64.0, 128.0, 192.0, 255.0].into_iter().zip(table) {
                let found = map.color(index / 255.0);
                let off = |i: usize| found[i].abs_diff(expected[i]);
                assert!((0..3).all(|i| off(i) <= 5), "{map:?} {index}: {found:?} {expected:?}");
            }
        }
    }

    #[test]
    fn zero_is_between_blue_and_red() {
        let [low, high] = [0.1, 0.9].map(|at| ColorMap::Signed.color(at));
        assert!(low[2] > low[0] && high[0] > high[2]);
        assert_eq!(ColorMap::Magma.color(f64::NAN), [128, 128, 128]);
    }
}
