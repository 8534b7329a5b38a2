//! Changes of place: where in the image each pixel comes from.

use super::{Augment, Draws};

/// An affine map from a pixel's place to the place that it comes from, in pixels from the middle of
/// the first one: x ← a·x + b·y + tx, y ← c·x + d·y + ty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Warp {
    a: f64,
    b: f64,
    tx: f64,
    c: f64,
    d: f64,
    ty: f64,
}

impl Default for Warp {
    /// Each pixel stays where it is.
    fn default() -> Self {
        Warp { a: 1.0, b: 0.0, tx: 0.0, c: 0.0, d: 1.0, ty: 0.0 }
    }
}

impl Warp {
    pub fn is_identity(self) -> bool {
        self == Warp::default()
    }

    fn moved(tx: f64, ty: f64) -> Self {
        Warp { tx, ty, ..Warp::default() }
    }

    /// A linear map about the middle of the image.
    fn about_middle([height, width, _]: [usize; 3], [a, b, c, d]: [f64; 4]) -> Self {
        let (x, y) = ((width as f64 - 1.0) / 2.0, (height as f64 - 1.0) / 2.0);
        Warp { a, b, tx: x - a * x - b * y, c, d, ty: y - c * x - d * y }
    }

    /// What a change does to places; none where it is no such change.
    pub fn drawn(change: Augment, shape: [usize; 3], draws: &mut Draws) -> Option<Self> {
        let [height, width, _] = shape.map(|size| size as f64);
        let kept = Warp::default();
        Some(match change {
            Augment::Flip { share } => match draws.chance(share) {
                true => Warp { a: -1.0, tx: width - 1.0, ..kept },
                false => kept,
            },
            Augment::FlipVertical { share } => match draws.chance(share) {
                true => Warp { d: -1.0, ty: height - 1.0, ..kept },
                false => kept,
            },
            Augment::Shift { most } => {
                let mut by = |size: f64| {
                    let most = (most * size).round();
                    draws.below(2 * most as usize + 1) as f64 - most
                };
                Warp::moved(-by(width), -by(height))
            }
            Augment::Crop { padding } => {
                let mut start = || {
                    let most = 2 * usize::try_from(padding).unwrap_or(0) + 1;
                    draws.below(most) as f64 - padding as f64
                };
                Warp::moved(start(), start())
            }
            Augment::RandomResizedCrop { least, aspect } => window(shape, least, aspect, draws),
            Augment::Rotate { degrees } => {
                let (sin, cos) = draws.around(degrees).to_radians().sin_cos();
                Warp::about_middle(shape, [cos, -sin, sin, cos])
            }
            Augment::Scale { most } => {
                let by = most.powf(-draws.around(1.0));
                Warp::about_middle(shape, [by, 0.0, 0.0, by])
            }
            _ => return None,
        })
    }

    /// This change, and then another one.
    pub fn then(self, next: Warp) -> Warp {
        let Warp { a, b, c, d, .. } = self;
        Warp {
            a: a * next.a + b * next.c,
            b: a * next.b + b * next.d,
            tx: a * next.tx + b * next.ty + self.tx,
            c: c * next.a + d * next.c,
            d: c * next.b + d * next.d,
            ty: c * next.tx + d * next.ty + self.ty,
        }
    }

    /// Makes the change; `before` becomes the image as it was.
    pub fn apply(self, image: &mut [f32], shape: [usize; 3], before: &mut Vec<f32>) {
        before.clear();
        before.extend_from_slice(image);
        let whole = |x: f64| x == x.trunc() && x.abs() < 1e9;
        let upright = self.b == 0.0 && self.c == 0.0 && self.a.abs() == 1.0 && self.d.abs() == 1.0;
        if upright && whole(self.tx) && whole(self.ty) {
            return match shape[2] {
                1 => self.copy::<1>(before, image, shape),
                3 => self.copy::<3>(before, image, shape),
                _ => self.copy::<0>(before, image, shape),
            };
        }
        match shape[2] {
            1 => self.sample::<1>(before, image, shape),
            3 => self.sample::<3>(before, image, shape),
            _ => self.sample::<0>(before, image, shape),
        }
    }

    /// Whole pixels moved and mirrored. `CHANNELS` is 0 where their number is not known beforehand.
    fn copy<const CHANNELS: usize>(
        self,
        from: &[f32],
        to: &mut [f32],
        [height, width, channels]: [usize; 3],
    ) {
        let channels = if CHANNELS == 0 { channels } else { CHANNELS };
        let (tx, ty) = (self.tx as i64, self.ty as i64);
        let (wide, high) = (width as i64, height as i64);
        // The columns x whose source lies in the image.
        let inside = match self.a > 0.0 {
            true => (-tx).clamp(0, wide)..(wide - tx).clamp(0, wide),
            false => (tx - wide + 1).clamp(0, wide)..(tx + 1).clamp(0, wide),
        };
        let inside = inside.start as usize * channels..inside.end as usize * channels;
        for (y, row) in to.chunks_exact_mut(width * channels).enumerate() {
            let source = if self.d > 0.0 { y as i64 + ty } else { ty - y as i64 };
            if !(0..high).contains(&source) || inside.is_empty() {
                row.fill(0.0);
                continue;
            }
            row[..inside.start].fill(0.0);
            row[inside.end..].fill(0.0);
            let line = &from[source as usize * width * channels..][..width * channels];
            let row = &mut row[inside.clone()];
            if self.a > 0.0 {
                let first = (inside.start as i64 + tx * channels as i64) as usize;
                row.copy_from_slice(&line[first..][..row.len()]);
            } else {
                // The last column's source comes first.
                let first = (tx - (inside.end / channels) as i64 + 1) as usize * channels;
                let line = &line[first..][..row.len()];
                for (x, out) in row.chunks_exact_mut(channels).enumerate() {
                    let at = line.len() - (x + 1) * channels;
                    out.copy_from_slice(&line[at..at + channels]);
                }
            }
        }
    }

    /// Bilinear: a place between pixels is the four around it, each by its nearness. Half a pixel
    /// around the image is its edge, beyond is 0.
    fn sample<const CHANNELS: usize>(
        self,
        from: &[f32],
        to: &mut [f32],
        [height, width, channels]: [usize; 3],
    ) {
        let channels = if CHANNELS == 0 { channels } else { CHANNELS };
        let (right, bottom) = (width as f32 - 1.0, height as f32 - 1.0);
        let (a, c) = (self.a as f32, self.c as f32);
        let line = width * channels;
        for (y, row) in to.chunks_exact_mut(line).enumerate() {
            let (x0, y0) = (self.b * y as f64 + self.tx, self.d * y as f64 + self.ty);
            let (x0, y0) = (x0 as f32, y0 as f32);
            for (x, out) in row.chunks_exact_mut(channels).enumerate() {
                let (sx, sy) = (a * x as f32 + x0, c * x as f32 + y0);
                if !(-0.5..=right + 0.5).contains(&sx) || !(-0.5..=bottom + 0.5).contains(&sy) {
                    out.fill(0.0);
                    continue;
                }
                let (sx, sy) = (sx.clamp(0.0, right), sy.clamp(0.0, bottom));
                let (left, top) = (sx as usize, sy as usize);
                let (fx, fy) = (sx - left as f32, sy - top as f32);
                let (next, below) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
                let pixel = |y: usize, x: usize| &from[y * line + x * channels..][..channels];
                let (p, q) = (pixel(top, left), pixel(top, next));
                let (r, s) = (pixel(below, left), pixel(below, next));
                for (channel, out) in out.iter_mut().enumerate() {
                    let upper = p[channel] + fx * (q[channel] - p[channel]);
                    let lower = r[channel] + fx * (s[channel] - r[channel]);
                    *out = upper + fy * (lower - upper);
                }
            }
        }
    }
}

/// A window of whole pixels stretched over the image. As torchvision draws it: ten tries at an area
/// and an aspect that fit, else the largest window of an allowed aspect in the middle.
fn window([height, width, _]: [usize; 3], least: f64, aspect: f64, draws: &mut Draws) -> Warp {
    let (high, wide) = (height as f64, width as f64);
    let stretched = |x: f64, y: f64, w: f64, h: f64| {
        // Middles of pixels: x ← (x + ½)·w / width − ½.
        let (a, d) = (w / wide, h / high);
        Warp { a, d, tx: x + 0.5 * a - 0.5, ty: y + 0.5 * d - 0.5, ..Warp::default() }
    };
    for _ in 0..10 {
        let area = high * wide * (least + (1.0 - least) * draws.uniform());
        let ratio = aspect.powf(draws.around(1.0));
        let (w, h) = ((area * ratio).sqrt().round(), (area / ratio).sqrt().round());
        let (x, y) = (draws.uniform(), draws.uniform());
        if (1.0..=wide).contains(&w) && (1.0..=high).contains(&h) {
            let at = |place: f64, room: f64| (place * (room + 1.0)).floor();
            return stretched(at(x, wide - w), at(y, high - h), w, h);
        }
    }
    let (w, h) = (wide.min((high * aspect).round()), high.min((wide * aspect).round()));
    stretched(((wide - w) / 2.0).round(), ((high - h) / 2.0).round(), w, h)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(warp: Warp, image: &[f32], shape: [usize; 3]) -> Vec<f32> {
        let mut out = image.to_vec();
        warp.apply(&mut out, shape, &mut Vec::new());
        out
    }

    /// The first draws for which the change comes out as wanted.
    fn drawn_until(change: Augment, shape: [usize; 3], wanted: impl Fn(Warp) -> bool) -> Warp {
        let mut all =
            (0..).filter_map(|row| Warp::drawn(change, shape, &mut Draws::of(0, 0, false, 0, row)));
        all.find(|warp| wanted(*warp)).unwrap_or_default()
    }

    const NINE: [f32; 9] = [1., 2., 3., 4., 5., 6., 7., 8., 9.];
    const SQUARE: [usize; 3] = [3, 3, 1];

    #[test]
    fn a_flip_mirrors_each_line_and_keeps_the_channels() {
        let flip = drawn_until(Augment::Flip { share: 1.0 }, [2, 2, 3], |_| true);
        let image = [1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12.];
        let mirrored = [4., 5., 6., 1., 2., 3., 10., 11., 12., 7., 8., 9.];
        assert_eq!(made(flip, &image, [2, 2, 3]), mirrored);
        let down = drawn_until(Augment::FlipVertical { share: 1.0 }, SQUARE, |_| true);
        assert_eq!(made(down, &NINE, SQUARE), [7., 8., 9., 4., 5., 6., 1., 2., 3.]);
        assert_eq!(made(down.then(down), &NINE, SQUARE), NINE);
        // Any number of channels, through the path that does not know it.
        let flip = drawn_until(Augment::Flip { share: 1.0 }, [1, 2, 2], |_| true);
        assert_eq!(made(flip, &[1., 2., 3., 4.], [1, 2, 2]), [3., 4., 1., 2.]);
    }

    #[test]
    fn a_crop_is_a_window_of_the_image_with_zeros_around() {
        let crop =
            |x, y| drawn_until(Augment::Crop { padding: 2 }, SQUARE, |w| (w.tx, w.ty) == (x, y));
        assert_eq!(made(crop(1.0, 0.0), &NINE, SQUARE), [2., 3., 0., 5., 6., 0., 8., 9., 0.]);
        assert_eq!(made(crop(-2.0, 1.0), &NINE, SQUARE), [0., 0., 4., 0., 0., 7., 0., 0., 0.]);
        // Every one of the 5 × 5 windows comes.
        let mut seen = std::collections::BTreeSet::new();
        for row in 0..1000 {
            let draws = &mut Draws::of(0, 0, false, 0, row);
            let Some(warp) = Warp::drawn(Augment::Crop { padding: 2 }, SQUARE, draws) else {
                continue;
            };
            seen.insert((warp.tx as i64, warp.ty as i64));
        }
        assert_eq!(seen.len(), 25);
    }

    #[test]
    fn flip_and_crop_together_are_the_one_and_then_the_other() {
        let flip = Warp { a: -1.0, tx: 2.0, ..Warp::default() };
        for (tx, ty) in [(1.0, 0.0), (-2.0, 1.0), (2.0, -2.0), (-1.0, 0.0), (5.0, 0.0)] {
            let moved = Warp::moved(tx, ty);
            for (one, two) in [(flip, moved), (moved, flip)] {
                let apart = made(two, &made(one, &NINE, SQUARE), SQUARE);
                assert_eq!(made(one.then(two), &NINE, SQUARE), apart, "{one:?} {two:?}");
            }
        }
    }

    #[test]
    fn a_turn_by_nothing_changes_nothing_and_by_a_quarter_moves_whole_pixels() {
        let none = drawn_until(Augment::Rotate { degrees: 0.0 }, SQUARE, |_| true);
        assert!(none.is_identity(), "{none:?}");
        let (sin, cos) = 90f64.to_radians().sin_cos();
        let quarter = Warp::about_middle(SQUARE, [cos, -sin, sin, cos]);
        let turned = made(quarter, &NINE, SQUARE);
        let wanted = [3., 6., 9., 2., 5., 8., 1., 4., 7.];
        let clockwise = [7., 4., 1., 8., 5., 2., 9., 6., 3.];
        let near = |a: &[f32], b: &[f32; 9]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(near(&turned, &wanted) || near(&turned, &clockwise), "{turned:?}");
        let none = drawn_until(Augment::Scale { most: 1.0 }, SQUARE, |_| true);
        assert!(none.is_identity(), "{none:?}");
    }

    #[test]
    fn half_a_pixel_is_the_mean_of_its_neighbours() {
        let half = made(Warp::moved(0.5, 0.0), &NINE, SQUARE);
        // The last column lies on the edge, half a pixel outside.
        assert_eq!(half, [1.5, 2.5, 3., 4.5, 5.5, 6., 7.5, 8.5, 9.]);
        assert_eq!(made(Warp::moved(0.6, 0.0), &NINE, SQUARE)[2], 0.0);
    }

    #[test]
    fn the_window_of_the_whole_image_is_the_image_and_others_stay_inside() {
        let whole = Augment::RandomResizedCrop { least: 1.0, aspect: 1.0 };
        assert!(drawn_until(whole, SQUARE, |_| true).is_identity());
        let change = Augment::RandomResizedCrop { least: 0.08, aspect: 1.333 };
        let shape = [20, 30, 1];
        let (mut least, mut greatest) = (1.0f64, 0.0f64);
        for row in 0..2000 {
            let draws = &mut Draws::of(0, 0, false, 0, row);
            let Some(w) = Warp::drawn(change, shape, draws) else { continue };
            let (x0, y0) = (w.tx - 0.5 * w.a + 0.5, w.ty - 0.5 * w.d + 0.5);
            assert!(x0 >= -1e-9 && x0 + 30.0 * w.a <= 30.0 + 1e-9, "{w:?}");
            assert!(y0 >= -1e-9 && y0 + 20.0 * w.d <= 20.0 + 1e-9, "{w:?}");
            (least, greatest) = (least.min(w.a * w.d), greatest.max(w.a * w.d));
        }
        assert!((0.06..0.1).contains(&least) && greatest > 0.85, "{least} {greatest}");
    }
}
