//! Changes of brightness and colour, and noise.

use super::{Draws, Tones};

/// How much red, green and blue count in grey (ITU-R BT.601).
const GREY: [f32; 3] = [0.299, 0.587, 0.114];

/// Changes brightness, contrast, saturation and hue together: one affine map of each pixel, which
/// is cut off at black and white.
pub(super) fn colour(
    image: &mut [f32],
    channels: usize,
    tones: &Tones,
    [brightness, contrast, saturation, hue]: [f64; 4],
    draws: &mut Draws,
) {
    let mut factor = |strength: f64| (1.0 + draws.around(strength)).max(0.0) as f32;
    let (bright, contrast) = (factor(brightness), factor(contrast));
    let saturation = factor(saturation);
    let turn = draws.around(hue);
    let scale = bright * contrast;
    // What contrast adds: the mean grey is a fixed point of it.
    let added = (1.0 - contrast) * bright * mean_grey(image, channels, tones);
    if channels != 3 {
        for pixel in image.chunks_exact_mut(channels) {
            for (channel, x) in pixel.iter_mut().enumerate() {
                let (black, range) = (tones.black[channel], tones.range(channel));
                let u = scale * (*x - black) / range + added;
                *x = black + range * u.clamp(0.0, 1.0);
            }
        }
        return;
    }
    let mut map = [[0.0f32; 3]; 3];
    for (i, row) in map.iter_mut().enumerate() {
        for (j, m) in row.iter_mut().enumerate() {
            let own = if i == j { saturation } else { 0.0 };
            *m = scale * (own + (1.0 - saturation) * GREY[j]);
        }
    }
    // Greys stay what they are when hues turn or fade, and so does what is added.
    let map = if turn == 0.0 { map } else { product(hue_turn(turn), map) };
    let (black, range) = ([0, 1, 2].map(|c| tones.black[c]), [0, 1, 2].map(|c| tones.range(c)));
    for pixel in image.chunks_exact_mut(3) {
        let u: [f32; 3] = std::array::from_fn(|c| (pixel[c] - black[c]) / range[c]);
        for (channel, x) in pixel.iter_mut().enumerate() {
            let m = map[channel];
            let v = m[0] * u[0] + m[1] * u[1] + m[2] * u[2] + added;
            *x = black[channel] + range[channel] * v.clamp(0.0, 1.0);
        }
    }
}

/// The mean grey of an image, 0 for black and 1 for white.
fn mean_grey(image: &[f32], channels: usize, tones: &Tones) -> f32 {
    let pixels = (image.len() / channels).max(1) as f32;
    let of_channel = |channel: usize| {
        let weight = if channels == 3 { GREY[channel] } else { 1.0 / channels as f32 };
        let sum: f32 = image.iter().skip(channel).step_by(channels).sum();
        weight * (sum / pixels - tones.black[channel]) / tones.range(channel)
    };
    (0..channels).map(of_channel).sum()
}

/// Colours turned by so many turns about the axis of greys in the space YIQ.
fn hue_turn(turns: f64) -> [[f32; 3]; 3] {
    const TO: [[f32; 3]; 3] =
        [GREY, [0.595_716, -0.274_453, -0.321_263], [0.211_456, -0.522_591, 0.311_135]];
    const FROM: [[f32; 3]; 3] =
        [[1.0, 0.956_296, 0.621_024], [1.0, -0.272_122, -0.647_381], [1.0, -1.106_989, 1.704_615]];
    let (sin, cos) = (std::f64::consts::TAU * turns).sin_cos();
    let (sin, cos) = (sin as f32, cos as f32);
    product(FROM, product([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]], TO))
}

fn product(a: [[f32; 3]; 3], b: [[f32; 3]; 3]) -> [[f32; 3]; 3] {
    a.map(|row| std::array::from_fn(|j| row[0] * b[0][j] + row[1] * b[1][j] + row[2] * b[2][j]))
}

/// Adds Gaussian noise (Box and Muller 1958), four numbers of a block at a time.
pub(super) fn noise(image: &mut [f32], tones: &Tones, deviation: f64, draws: &Draws) {
    let stream = draws.stream();
    let channels = tones.black.len();
    let uniform = |bits: u32| (bits >> 8) as f32 * (1.0 / 16_777_216.0);
    let pair = |a: u32, b: u32| {
        let radius = (-2.0 * (1.0 - uniform(a)).ln()).sqrt();
        let (sin, cos) = (std::f32::consts::TAU * uniform(b)).sin_cos();
        [radius * cos, radius * sin]
    };
    let mut channel = 0;
    for (block, numbers) in image.chunks_mut(4).enumerate() {
        let [a, b, c, d] = stream.block(block as u64);
        let ([p, q], [r, s]) = (pair(a, b), pair(c, d));
        for (x, normal) in numbers.iter_mut().zip([p, q, r, s]) {
            *x += deviation as f32 * tones.range(channel) * normal;
            channel = if channel + 1 == channels { 0 } else { channel + 1 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tones(channels: usize) -> Tones {
        Tones { black: vec![0.0; channels], white: vec![1.0; channels] }
    }

    #[test]
    fn greys_stay_greys_and_nothing_leaves_black_and_white() {
        for row in 0..200 {
            let mut image = [0.2, 0.2, 0.2, 0.9, 0.9, 0.9, 1.0, 0.0, 0.3];
            let draws = &mut Draws::of(0, 0, false, 0, row);
            colour(&mut image, 3, &tones(3), [0.5, 0.5, 0.5, 0.5], draws);
            assert!(image.iter().all(|x| (0.0..=1.0).contains(x)), "{image:?}");
            for pixel in image[..6].chunks(3) {
                assert!(pixel.iter().all(|x| (x - pixel[0]).abs() < 1e-5), "{image:?}");
            }
        }
    }

    #[test]
    fn a_strength_of_nothing_changes_nothing_on_any_scale() {
        let image = [0.2, 0.4, 0.6, 0.1, 0.0, 1.0];
        let scaled = Tones { black: vec![-2.0, -1.0, 0.0], white: vec![2.0, 2.0, 9.0] };
        for tones in [tones(3), scaled] {
            let mut same = image;
            colour(&mut same, 3, &tones, [0.0; 4], &mut Draws::of(0, 0, false, 0, 0));
            assert!(same.iter().zip(image).all(|(a, b)| (a - b).abs() < 1e-5), "{same:?}");
        }
    }

    #[test]
    fn noise_has_its_deviation_and_no_mean() {
        let mut image = vec![0.5f32; 30_000];
        noise(&mut image, &tones(3), 0.1, &Draws::of(0, 0, false, 0, 0));
        let mean = image.iter().sum::<f32>() / 3e4;
        let variance = image.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 3e4;
        assert!((mean - 0.5).abs() < 0.003 && (variance.sqrt() - 0.1).abs() < 0.002);
    }

    #[test]
    fn a_whole_turn_of_hues_is_none() {
        let turned = hue_turn(1.0);
        for (i, row) in turned.iter().enumerate() {
            for (j, m) in row.iter().enumerate() {
                assert!((m - f32::from(u8::from(i == j))).abs() < 1e-5, "{turned:?}");
            }
        }
    }
}
