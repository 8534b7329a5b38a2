//! The transforms of Winograd's method, of vectors of channels.
//!
//! Along an axis the filter is multiplied by G, a tile of the input by Bᵀ and the result by Aᵀ; in a
//! filter's gradient the adjoint by A and the result by Gᵀ.

use crate::run::isa::Isa;
use crate::run::matmul::vector::{Portable, Vector};
#[cfg(target_arch = "x86_64")]
use crate::run::matmul::x86::{Avx2, Avx512};

/// A tile of images, channels last, and its 36 transformed numbers of each channel, `plane` apart.
pub(super) struct Tile {
    /// The image; what lies outside of it is 0 and is not written.
    pub image: *mut f32,
    pub size: [usize; 2],
    /// From one line and one pixel of the image to the next.
    pub steps: [usize; 2],
    /// The tile's first pixel.
    pub at: [isize; 2],
    pub planes: *mut f32,
    pub plane: usize,
    /// A whole number of vectors of 16.
    pub channels: usize,
}

/// Filters `[3, 3]` of some channels, `tap` apart, and their transformed numbers, `plane` apart.
pub(super) struct Filter {
    pub taps: *mut f32,
    pub tap: usize,
    pub planes: *mut f32,
    pub plane: usize,
    pub channels: usize,
}

/// The transforms compiled for one instruction set.
pub(super) struct Transforms {
    /// 6×6 pixels to planes: Bᵀ d B.
    pub input: unsafe fn(&Tile),
    /// Planes to 4×4 pixels: Aᵀ m A.
    pub output: unsafe fn(&Tile),
    /// 4×4 pixels to planes: A y Aᵀ.
    pub adjoint: unsafe fn(&Tile),
    /// Taps to planes: G g Gᵀ.
    pub filter: unsafe fn(&Filter),
    /// Planes to taps: Gᵀ m G.
    pub gradient: unsafe fn(&Filter),
}

impl Transforms {
    /// Those of `isa`, which must be available wherever they are called.
    pub fn of(isa: Isa) -> &'static Transforms {
        match isa {
            Isa::Portable => &PORTABLE,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => &AVX2,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => &AVX512,
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::Avx512 => &PORTABLE,
        }
    }
}

/// A matrix along one axis.
trait Along<V: Vector, const FROM: usize, const TO: usize> {
    unsafe fn of(x: [V; FROM]) -> [V; TO];
}

/// `a + factor · b`.
#[inline(always)]
unsafe fn plus<V: Vector>(a: V, factor: f32, b: V) -> V {
    // SAFETY: register arithmetic; the caller is compiled for the vector's instructions.
    unsafe { a.add_product(V::broadcast(&factor), b) }
}

/// `factor · a`.
#[inline(always)]
unsafe fn times<V: Vector>(factor: f32, a: V) -> V {
    // SAFETY: as above.
    unsafe { plus(V::zero(), factor, a) }
}

macro_rules! along {
    ($(#[$doc:meta])* $name:ident, $from:literal, $to:literal, $x:ident => $body:block) => {
        $(#[$doc])*
        struct $name;

        impl<V: Vector> Along<V, $from, $to> for $name {
            #[inline(always)]
            unsafe fn of($x: [V; $from]) -> [V; $to] {
                // SAFETY: register arithmetic; the caller is compiled for the vector's instructions.
                unsafe { $body }
            }
        }
    };
}

along!(
    /// Bᵀ = [4 0 −5 0 1 0; 0 −4 −4 1 1 0; 0 4 −4 −1 1 0; 0 −2 −1 2 1 0; 0 2 −1 −2 1 0; 0 4 0 −5 0 1].
    Input, 6, 6, x => {
        let (a, b) = (plus(x[4], -4.0, x[2]), plus(x[3], -4.0, x[1]));
        let (c, d) = (plus(x[4], -1.0, x[2]), plus(x[3], -1.0, x[1]));
        [
            plus(plus(x[4], -5.0, x[2]), 4.0, x[0]),
            a.add(b),
            plus(a, -1.0, b),
            plus(c, 2.0, d),
            plus(c, -2.0, d),
            plus(plus(x[5], -5.0, x[3]), 4.0, x[1]),
        ]
    }
);
along!(
    /// Aᵀ = [1 1 1 1 1 0; 0 1 −1 2 −2 0; 0 1 1 4 4 0; 0 1 −1 8 −8 1].
    Output, 6, 4, x => {
        let (a, b) = (x[1].add(x[2]), plus(x[1], -1.0, x[2]));
        let (c, d) = (x[3].add(x[4]), plus(x[3], -1.0, x[4]));
        [x[0].add(a).add(c), plus(b, 2.0, d), plus(a, 4.0, c), plus(b.add(x[5]), 8.0, d)]
    }
);
along!(
    /// A.
    Adjoint, 4, 6, x => {
        let (a, b) = (x[0].add(x[2]), x[1].add(x[3]));
        let (c, d) = (plus(x[0], 4.0, x[2]), plus(times(2.0, x[1]), 8.0, x[3]));
        [x[0], a.add(b), plus(a, -1.0, b), c.add(d), plus(c, -1.0, d), x[3]]
    }
);
along!(
    /// G = [¼ 0 0; −⅙ −⅙ −⅙; −⅙ ⅙ −⅙; 1/24 1/12 ⅙; 1/24 −1/12 ⅙; 0 0 1].
    Taps, 3, 6, x => {
        let (a, b) = (times(-1.0 / 6.0, x[0].add(x[2])), times(1.0 / 6.0, x[1]));
        let (c, d) = (plus(times(1.0 / 24.0, x[0]), 1.0 / 6.0, x[2]), times(1.0 / 12.0, x[1]));
        [times(0.25, x[0]), plus(a, -1.0, b), a.add(b), c.add(d), plus(c, -1.0, d), x[2]]
    }
);
along!(
    /// Gᵀ.
    Gradient, 6, 3, x => {
        let (a, b) = (x[1].add(x[2]), plus(x[2], -1.0, x[1]));
        let (c, d) = (x[3].add(x[4]), plus(x[3], -1.0, x[4]));
        [
            plus(plus(times(0.25, x[0]), -1.0 / 6.0, a), 1.0 / 24.0, c),
            plus(times(1.0 / 6.0, b), 1.0 / 12.0, d),
            plus(plus(x[5], -1.0 / 6.0, a), 1.0 / 6.0, c),
        ]
    }
);

/// The matrix along lines, then along columns.
#[inline(always)]
unsafe fn both<V: Vector, A: Along<V, FROM, TO>, const FROM: usize, const TO: usize>(
    x: [[V; FROM]; FROM],
) -> [[V; TO]; TO] {
    // SAFETY: register arithmetic; the caller is compiled for the vector's instructions.
    unsafe {
        let mut half = [[V::zero(); FROM]; TO];
        for (row, line) in x.iter().enumerate() {
            for (to, value) in A::of(*line).into_iter().enumerate() {
                half[to][row] = value;
            }
        }
        let mut whole = [[V::zero(); TO]; TO];
        for (column, line) in half.iter().enumerate() {
            for (to, value) in A::of(*line).into_iter().enumerate() {
                whole[to][column] = value;
            }
        }
        whole
    }
}

/// Pixels to planes.
#[inline(always)]
unsafe fn spread<V: Vector, A: Along<V, SIZE, 6>, const SIZE: usize>(tile: &Tile) {
    let pixel = |axis: usize, index: usize| {
        let at = tile.at[axis] + index as isize;
        (0..tile.size[axis] as isize).contains(&at).then_some(at as usize)
    };
    let whole = pixel(0, 0).is_some()
        && pixel(0, SIZE - 1).is_some()
        && pixel(1, 0).is_some()
        && pixel(1, SIZE - 1).is_some();
    // SAFETY: `Tile` promises the channels of every pixel within the image and of every plane.
    unsafe {
        for channel in (0..tile.channels).step_by(V::LANES) {
            let mut x = [[V::zero(); SIZE]; SIZE];
            if whole {
                let first =
                    tile.at[0] as usize * tile.steps[0] + tile.at[1] as usize * tile.steps[1];
                let first = tile.image.add(first + channel);
                for (row, line) in x.iter_mut().enumerate() {
                    for (column, value) in line.iter_mut().enumerate() {
                        *value = V::load(first.add(row * tile.steps[0] + column * tile.steps[1]));
                    }
                }
            } else {
                for (row, line) in x.iter_mut().enumerate() {
                    for (column, value) in line.iter_mut().enumerate() {
                        if let (Some(y), Some(x)) = (pixel(0, row), pixel(1, column)) {
                            let at = y * tile.steps[0] + x * tile.steps[1] + channel;
                            *value = V::load(tile.image.add(at));
                        }
                    }
                }
            }
            for (row, line) in both::<V, A, SIZE, 6>(x).iter().enumerate() {
                for (column, value) in line.iter().enumerate() {
                    value.store(tile.planes.add((row * 6 + column) * tile.plane + channel));
                }
            }
        }
    }
}

/// Planes to 4×4 pixels.
#[inline(always)]
unsafe fn gather<V: Vector>(tile: &Tile) {
    let first = [0, 1].map(|axis| tile.at[axis] as usize);
    let count = [0, 1].map(|axis| (tile.size[axis] - first[axis]).min(4));
    // SAFETY: `Tile` promises the channels of every pixel within the image and of every plane.
    unsafe {
        let image = tile.image.add(first[0] * tile.steps[0] + first[1] * tile.steps[1]);
        for channel in (0..tile.channels).step_by(V::LANES) {
            let mut x = [[V::zero(); 6]; 6];
            for (row, line) in x.iter_mut().enumerate() {
                for (column, value) in line.iter_mut().enumerate() {
                    *value = V::load(tile.planes.add((row * 6 + column) * tile.plane + channel));
                }
            }
            let lines = both::<V, Output, 6, 4>(x);
            for (row, line) in lines.iter().enumerate().take(count[0]) {
                for (column, value) in line.iter().enumerate().take(count[1]) {
                    let at = row * tile.steps[0] + column * tile.steps[1] + channel;
                    value.store(image.add(at));
                }
            }
        }
    }
}

/// Taps to planes.
#[inline(always)]
unsafe fn filter<V: Vector>(of: &Filter) {
    // SAFETY: `Filter` promises the channels of every tap and of every plane.
    unsafe {
        for channel in (0..of.channels).step_by(V::LANES) {
            let mut x = [[V::zero(); 3]; 3];
            for (tap, value) in x.as_flattened_mut().iter_mut().enumerate() {
                *value = V::load(of.taps.add(tap * of.tap + channel));
            }
            let planes = both::<V, Taps, 3, 6>(x);
            for (plane, value) in planes.as_flattened().iter().enumerate() {
                value.store(of.planes.add(plane * of.plane + channel));
            }
        }
    }
}

/// Planes to taps.
#[inline(always)]
unsafe fn gradient<V: Vector>(of: &Filter) {
    // SAFETY: as above.
    unsafe {
        for channel in (0..of.channels).step_by(V::LANES) {
            let mut x = [[V::zero(); 6]; 6];
            for (plane, value) in x.as_flattened_mut().iter_mut().enumerate() {
                *value = V::load(of.planes.add(plane * of.plane + channel));
            }
            let taps = both::<V, Gradient, 6, 3>(x);
            for (tap, value) in taps.as_flattened().iter().enumerate() {
                value.store(of.taps.add(tap * of.tap + channel));
            }
        }
    }
}

macro_rules! transforms {
    ($name:ident, $vector:ty, $(#[$attribute:meta])?) => {
        static $name: Transforms = {
            $(#[$attribute])?
            unsafe fn input(tile: &Tile) {
                // SAFETY: passed on; these functions are compiled for the vector's instructions.
                unsafe { spread::<$vector, Input, 6>(tile) }
            }
            $(#[$attribute])?
            unsafe fn output(tile: &Tile) {
                // SAFETY: as above.
                unsafe { gather::<$vector>(tile) }
            }
            $(#[$attribute])?
            unsafe fn adjoint(tile: &Tile) {
                // SAFETY: as above.
                unsafe { spread::<$vector, Adjoint, 4>(tile) }
            }
            $(#[$attribute])?
            unsafe fn filters(of: &Filter) {
                // SAFETY: as above.
                unsafe { filter::<$vector>(of) }
            }
            $(#[$attribute])?
            unsafe fn gradients(of: &Filter) {
                // SAFETY: as above.
                unsafe { gradient::<$vector>(of) }
            }
            Transforms { input, output, adjoint, filter: filters, gradient: gradients }
        };
    };
}

transforms!(PORTABLE, Portable,);
#[cfg(target_arch = "x86_64")]
transforms!(AVX2, Avx2, #[target_feature(enable = "avx2,fma")]);
#[cfg(target_arch = "x86_64")]
transforms!(
    AVX512, Avx512,
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
);

#[cfg(test)]
mod tests {
    use super::*;

    /// A convolution of a row of numbers and both its transposes, from the transforms, in each set.
    #[test]
    fn products_of_transforms_are_convolutions() {
        let number = |i: usize| (i * 37 % 23) as f32 / 8.0 - 1.0;
        for isa in Isa::available() {
            let transforms = Transforms::of(isa);
            let mut pixels: Vec<f32> = (0..36 * 16).map(number).collect();
            let mut taps: Vec<f32> = (100..100 + 9 * 16).map(number).collect();
            let mut results = vec![0.0f32; 16 * 16];
            let [mut a, mut b] = [vec![0.0f32; 36 * 16], vec![0.0f32; 36 * 16]];
            let tile = |image: &mut [f32], size: usize, planes: &mut [f32]| Tile {
                image: image.as_mut_ptr(),
                size: [size; 2],
                steps: [size * 16, 16],
                at: [0; 2],
                planes: planes.as_mut_ptr(),
                plane: 16,
                channels: 16,
            };
            let filter = |taps: &mut [f32], planes: &mut [f32]| Filter {
                taps: taps.as_mut_ptr(),
                tap: 16,
                planes: planes.as_mut_ptr(),
                plane: 16,
                channels: 16,
            };
            // SAFETY: all arrays have their sizes of 16 channels, and the set is available.
            unsafe {
                (transforms.input)(&tile(&mut pixels, 6, &mut a));
                (transforms.filter)(&filter(&mut taps, &mut b));
                a.iter_mut().zip(&b).for_each(|(a, b)| *a *= b);
                (transforms.output)(&tile(&mut results, 4, &mut a));
            }
            let sum = |count: usize, of: &dyn Fn(usize, usize) -> f32| -> f32 {
                (0..count * count).map(|i| of(i / count, i % count)).sum()
            };
            for (i, &result) in results.iter().enumerate() {
                let (y, x, c) = (i / 64, i / 16 % 4, i % 16);
                let pixel = |v: usize, u: usize| pixels[((y + v) * 6 + x + u) * 16 + c];
                let want = sum(3, &|v, u| pixel(v, u) * taps[(v * 3 + u) * 16 + c]);
                assert!((result - want).abs() < 1e-4, "{isa}: {result}, not {want}");
            }
            let mut adjoint: Vec<f32> = (7..7 + 16 * 16).map(number).collect();
            // SAFETY: as above.
            unsafe {
                (transforms.input)(&tile(&mut pixels, 6, &mut a));
                (transforms.adjoint)(&tile(&mut adjoint, 4, &mut b));
                a.iter_mut().zip(&b).for_each(|(a, b)| *a *= b);
                (transforms.gradient)(&filter(&mut taps, &mut a));
            }
            for (i, &result) in taps.iter().enumerate() {
                let (v, u, c) = (i / 48, i / 16 % 3, i % 16);
                let pixel = |y: usize, x: usize| pixels[((y + v) * 6 + x + u) * 16 + c];
                let want = sum(4, &|y, x| pixel(y, x) * adjoint[(y * 4 + x) * 16 + c]);
                assert!((result - want).abs() < 1e-4, "{isa}: {result}, not {want}");
            }
        }
    }
}
