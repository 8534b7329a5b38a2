//! The transforms of Winograd's method, of vectors of channels.
//!
//! Along an axis the filter is multiplied by G, a tile of the input by Bᵀ and the result by Aᵀ; in a
//! filter's gradient the adjoint by A and the result by Gᵀ. Sums of products of neighbours are coefficients
//! of a product of polynomials, which is known from its values at as many points as it has coefficients.

use crate::run::isa::Isa;
use crate::run::matmul::vector::{Portable, Vector};
#[cfg(target_arch = "x86_64")]
use crate::run::matmul::x86::{Avx2, Avx512};

/// Pixels of images, channels last, and the transformed numbers of each channel, `plane` apart.
pub(super) struct Tile {
    /// The image; what lies outside of it is 0 and is not written.
    pub image: *mut f32,
    pub size: [usize; 2],
    /// From one line and one pixel of the image to the next.
    pub steps: [usize; 2],
    /// The tile's first pixel, and how many pixels lie from one of its pixels to the next.
    pub at: [isize; 2],
    pub every: usize,
    pub planes: *mut f32,
    pub plane: usize,
    /// A whole number of vectors of 16.
    pub channels: usize,
}

/// Square filters of some channels and their transformed numbers, `plane` apart.
pub(super) struct Filter {
    pub taps: *mut f32,
    /// From one line of taps and from one tap to the next.
    pub steps: [usize; 2],
    pub planes: *mut f32,
    pub plane: usize,
    pub channels: usize,
}

/// How filters of `taps` × `taps` are multiplied: as polynomials, by their values at so many points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Method {
    /// At 0, 1, −1, 2 and infinity.
    Two,
    /// At 0, 1, −1, 2, −2 and infinity, as all below.
    Three,
    Five,
}

impl Method {
    /// The method for filters of so many taps along each axis.
    pub fn of(taps: usize) -> Option<Method> {
        match taps {
            2 => Some(Method::Two),
            3 => Some(Method::Three),
            5 => Some(Method::Five),
            _ => None,
        }
    }

    pub fn taps(self) -> usize {
        match self {
            Method::Two => 2,
            Method::Three => 3,
            Method::Five => 5,
        }
    }

    pub fn points(self) -> usize {
        if self == Method::Two { 5 } else { 6 }
    }

    /// Results along each axis of a tile.
    pub fn results(self) -> usize {
        self.points() + 1 - self.taps()
    }
}

/// The transforms compiled for one instruction set.
pub(super) struct Transforms {
    /// A tile of what is read to planes: Bᵀ d B.
    pub input: unsafe fn(&Tile),
    /// Planes to a tile of results: Aᵀ m A.
    pub output: unsafe fn(&Tile),
    /// A tile of the results' adjoint to planes: A y Aᵀ.
    pub adjoint: unsafe fn(&Tile),
    /// Taps to planes: G g Gᵀ.
    pub filter: unsafe fn(&Filter),
    /// Planes to taps: Gᵀ m G.
    pub gradient: unsafe fn(&Filter),
}

impl Transforms {
    /// Those of `isa`, which must be available wherever they are called.
    pub fn of(isa: Isa, method: Method) -> &'static Transforms {
        let all = match isa {
            Isa::Portable => &PORTABLE,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => &AVX2,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => &AVX512,
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::Avx512 => &PORTABLE,
        };
        match method {
            Method::Two => &all[0],
            Method::Three => &all[1],
            Method::Five => &all[2],
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

/// Bᵀ of as many points as `P`: [2 −1 −2 1 0; 0 −2 −1 1 0; 0 2 −3 1 0; 0 −1 0 1 0; 0 2 −1 −2 1] and
/// [4 0 −5 0 1 0; 0 −4 −4 1 1 0; 0 4 −4 −1 1 0; 0 −2 −1 2 1 0; 0 2 −1 −2 1 0; 0 4 0 −5 0 1].
struct Input;

impl<V: Vector> Along<V, 5, 5> for Input {
    #[inline(always)]
    unsafe fn of(x: [V; 5]) -> [V; 5] {
        // SAFETY: register arithmetic; the caller is compiled for the vector's instructions.
        unsafe {
            let d = plus(x[3], -1.0, x[1]);
            [
                plus(plus(d, -2.0, x[2]), 2.0, x[0]),
                plus(plus(x[3], -1.0, x[2]), -2.0, x[1]),
                plus(plus(x[3], -3.0, x[2]), 2.0, x[1]),
                d,
                plus(plus(x[4], -1.0, x[2]), -2.0, d),
            ]
        }
    }
}

impl<V: Vector> Along<V, 6, 6> for Input {
    #[inline(always)]
    unsafe fn of(x: [V; 6]) -> [V; 6] {
        // SAFETY: as above.
        unsafe {
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
    }
}

/// A: the values of a polynomial at the points, the row of point `p` being 1, p, p² …, and of infinity
/// the last coefficient.
struct Values;

/// The sum of every second coefficient from `first` on, times powers of `at`.
#[inline(always)]
unsafe fn every_second<V: Vector, const N: usize>(x: [V; N], first: usize, at: u32) -> V {
    // SAFETY: register arithmetic; the caller is compiled for the vector's instructions.
    unsafe {
        let power = |i: usize| at.pow(i as u32) as f32;
        let mut sum = if power(first) == 1.0 { x[first] } else { times(power(first), x[first]) };
        for i in (first + 2..N).step_by(2) {
            sum = plus(sum, power(i), x[i]);
        }
        sum
    }
}

impl<V: Vector, const N: usize> Along<V, N, 6> for Values {
    #[inline(always)]
    unsafe fn of(x: [V; N]) -> [V; 6] {
        // SAFETY: as above.
        unsafe {
            let (a, b) = (every_second(x, 0, 1), every_second(x, 1, 1));
            let (c, d) = (every_second(x, 0, 2), every_second(x, 1, 2));
            [x[0], a.add(b), plus(a, -1.0, b), c.add(d), plus(c, -1.0, d), x[N - 1]]
        }
    }
}

impl<V: Vector, const N: usize> Along<V, N, 5> for Values {
    #[inline(always)]
    unsafe fn of(x: [V; N]) -> [V; 5] {
        // SAFETY: as above.
        unsafe {
            let (a, b) = (every_second(x, 0, 1), every_second(x, 1, 1));
            let c = every_second(x, 0, 2).add(every_second(x, 1, 2));
            [x[0], a.add(b), plus(a, -1.0, b), c, x[N - 1]]
        }
    }
}

/// Aᵀ.
struct Output;

impl<V: Vector, const N: usize> Along<V, 6, N> for Output {
    #[inline(always)]
    unsafe fn of(x: [V; 6]) -> [V; N] {
        // SAFETY: as above.
        unsafe {
            let sums = [x[1].add(x[2]), plus(x[1], -1.0, x[2])];
            let more = [x[3].add(x[4]), plus(x[3], -1.0, x[4])];
            ends(x[0], x[5], |i| plus(sums[i % 2], (1u32 << i) as f32, more[i % 2]))
        }
    }
}

impl<V: Vector, const N: usize> Along<V, 5, N> for Output {
    #[inline(always)]
    unsafe fn of(x: [V; 5]) -> [V; N] {
        // SAFETY: as above.
        unsafe {
            let sums = [x[1].add(x[2]), plus(x[1], -1.0, x[2])];
            ends(x[0], x[4], |i| plus(sums[i % 2], (1u32 << i) as f32, x[3]))
        }
    }
}

/// What is at each place, with what is added at both ends.
#[inline(always)]
unsafe fn ends<V: Vector, const N: usize>(first: V, last: V, at: impl Fn(usize) -> V) -> [V; N] {
    // SAFETY: as above.
    unsafe {
        let mut results = [V::zero(); N];
        for (i, result) in results.iter_mut().enumerate() {
            *result = at(i);
        }
        results[0] = results[0].add(first);
        results[N - 1] = results[N - 1].add(last);
        results
    }
}

/// What the points' values are divided by, so that Bᵀ is made of whole numbers.
const FIVE: [f32; 5] = [0.5, -0.5, -1.0 / 6.0, 1.0 / 6.0, 1.0];
const SIX: [f32; 6] = [0.25, -1.0 / 6.0, -1.0 / 6.0, 1.0 / 24.0, 1.0 / 24.0, 1.0];

#[inline(always)]
unsafe fn scaled<V: Vector, const P: usize>(mut x: [V; P], by: [f32; P]) -> [V; P] {
    for (x, by) in x.iter_mut().zip(by).take(P - 1) {
        // SAFETY: as above.
        *x = unsafe { times(by, *x) };
    }
    x
}

/// G: values at the points, scaled.
struct Taps;

/// Gᵀ.
struct Gradient;

macro_rules! scaled {
    ($points:literal, $by:ident) => {
        impl<V: Vector, const N: usize> Along<V, N, $points> for Taps {
            #[inline(always)]
            unsafe fn of(x: [V; N]) -> [V; $points] {
                // SAFETY: as above.
                unsafe { scaled(<Values as Along<V, N, $points>>::of(x), $by) }
            }
        }

        impl<V: Vector, const N: usize> Along<V, $points, N> for Gradient {
            #[inline(always)]
            unsafe fn of(x: [V; $points]) -> [V; N] {
                // SAFETY: as above.
                unsafe { <Output as Along<V, $points, N>>::of(scaled(x, $by)) }
            }
        }
    };
}

scaled!(5, FIVE);
scaled!(6, SIX);

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
unsafe fn spread<V: Vector, A: Along<V, SIZE, P>, const SIZE: usize, const P: usize>(tile: &Tile) {
    let pixel = |axis: usize, index: usize| {
        let at = tile.at[axis] + (index * tile.every) as isize;
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
                let steps = tile.steps.map(|step| step * tile.every);
                for (row, line) in x.iter_mut().enumerate() {
                    for (column, value) in line.iter_mut().enumerate() {
                        *value = V::load(first.add(row * steps[0] + column * steps[1]));
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
            for (row, line) in both::<V, A, SIZE, P>(x).iter().enumerate() {
                for (column, value) in line.iter().enumerate() {
                    value.store(tile.planes.add((row * P + column) * tile.plane + channel));
                }
            }
        }
    }
}

/// Planes to pixels.
#[inline(always)]
unsafe fn gather<V: Vector, A: Along<V, P, SIZE>, const P: usize, const SIZE: usize>(tile: &Tile) {
    let first = [0, 1].map(|axis| tile.at[axis] as usize);
    let count = [0, 1].map(|axis| (tile.size[axis] - first[axis]).min(SIZE));
    // SAFETY: `Tile` promises the channels of every pixel within the image and of every plane.
    unsafe {
        let image = tile.image.add(first[0] * tile.steps[0] + first[1] * tile.steps[1]);
        for channel in (0..tile.channels).step_by(V::LANES) {
            let mut x = [[V::zero(); P]; P];
            for (row, line) in x.iter_mut().enumerate() {
                for (column, value) in line.iter_mut().enumerate() {
                    *value = V::load(tile.planes.add((row * P + column) * tile.plane + channel));
                }
            }
            let lines = both::<V, A, P, SIZE>(x);
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
unsafe fn filter<V: Vector, A: Along<V, R, P>, const R: usize, const P: usize>(of: &Filter) {
    // SAFETY: `Filter` promises the channels of every tap and of every plane.
    unsafe {
        for channel in (0..of.channels).step_by(V::LANES) {
            let mut x = [[V::zero(); R]; R];
            for (row, line) in x.iter_mut().enumerate() {
                for (column, value) in line.iter_mut().enumerate() {
                    let at = row * of.steps[0] + column * of.steps[1] + channel;
                    *value = V::load(of.taps.add(at));
                }
            }
            let planes = both::<V, A, R, P>(x);
            for (plane, value) in planes.as_flattened().iter().enumerate() {
                value.store(of.planes.add(plane * of.plane + channel));
            }
        }
    }
}

/// Planes to taps.
#[inline(always)]
unsafe fn gradient<V: Vector, A: Along<V, P, R>, const P: usize, const R: usize>(of: &Filter) {
    // SAFETY: as above.
    unsafe {
        for channel in (0..of.channels).step_by(V::LANES) {
            let mut x = [[V::zero(); P]; P];
            for (plane, value) in x.as_flattened_mut().iter_mut().enumerate() {
                *value = V::load(of.planes.add(plane * of.plane + channel));
            }
            for (row, line) in both::<V, A, P, R>(x).iter().enumerate() {
                for (column, value) in line.iter().enumerate() {
                    let at = row * of.steps[0] + column * of.steps[1] + channel;
                    value.store(of.taps.add(at));
                }
            }
        }
    }
}

/// The transforms for filters of `taps`, results of `results` and as many `points`.
macro_rules! transforms {
    (@of $vector:ty, $taps:literal, $results:literal, $points:literal, $(#[$attribute:meta])?) => {{
        $(#[$attribute])?
        unsafe fn input(tile: &Tile) {
            // SAFETY: passed on; these functions are compiled for the vector's instructions.
            unsafe { spread::<$vector, Input, $points, $points>(tile) }
        }
        $(#[$attribute])?
        unsafe fn output(tile: &Tile) {
            // SAFETY: as above.
            unsafe { gather::<$vector, Output, $points, $results>(tile) }
        }
        $(#[$attribute])?
        unsafe fn adjoint(tile: &Tile) {
            // SAFETY: as above.
            unsafe { spread::<$vector, Values, $results, $points>(tile) }
        }
        $(#[$attribute])?
        unsafe fn filters(of: &Filter) {
            // SAFETY: as above.
            unsafe { filter::<$vector, Taps, $taps, $points>(of) }
        }
        $(#[$attribute])?
        unsafe fn gradients(of: &Filter) {
            // SAFETY: as above.
            unsafe { gradient::<$vector, Gradient, $points, $taps>(of) }
        }
        Transforms { input, output, adjoint, filter: filters, gradient: gradients }
    }};
    ($name:ident, $vector:ty, $(#[$attribute:meta])?) => {
        static $name: [Transforms; 3] = [
            transforms!(@of $vector, 2, 4, 5, $(#[$attribute])?),
            transforms!(@of $vector, 3, 4, 6, $(#[$attribute])?),
            transforms!(@of $vector, 5, 2, 6, $(#[$attribute])?),
        ];
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
        for isa in Isa::available() {
            for method in [Method::Two, Method::Three, Method::Five] {
                check(isa, method);
            }
        }
    }

    fn check(isa: Isa, method: Method) {
        let number = |i: usize| (i * 37 % 23) as f32 / 8.0 - 1.0;
        let (taps_of, size, results_of) = (method.taps(), method.points(), method.results());
        let transforms = Transforms::of(isa, method);
        let mut pixels: Vec<f32> = (0..size * size * 16).map(number).collect();
        let mut taps: Vec<f32> = (100..100 + taps_of * taps_of * 16).map(number).collect();
        let mut results = vec![0.0f32; results_of * results_of * 16];
        let [mut a, mut b] = [(); 2].map(|()| vec![0.0f32; size * size * 16]);
        let tile = |image: &mut [f32], size: usize, planes: &mut [f32]| Tile {
            image: image.as_mut_ptr(),
            size: [size; 2],
            steps: [size * 16, 16],
            at: [0; 2],
            every: 1,
            planes: planes.as_mut_ptr(),
            plane: 16,
            channels: 16,
        };
        let filter = |taps: &mut [f32], planes: &mut [f32]| Filter {
            taps: taps.as_mut_ptr(),
            steps: [taps_of * 16, 16],
            planes: planes.as_mut_ptr(),
            plane: 16,
            channels: 16,
        };
        // SAFETY: all arrays have their sizes of 16 channels, and the set is available.
        unsafe {
            (transforms.input)(&tile(&mut pixels, size, &mut a));
            (transforms.filter)(&filter(&mut taps, &mut b));
            a.iter_mut().zip(&b).for_each(|(a, b)| *a *= b);
            (transforms.output)(&tile(&mut results, results_of, &mut a));
        }
        let sum = |count: usize, of: &dyn Fn(usize, usize) -> f32| -> f32 {
            (0..count * count).map(|i| of(i / count, i % count)).sum()
        };
        for (i, &result) in results.iter().enumerate() {
            let (y, x, c) = (i / (results_of * 16), i / 16 % results_of, i % 16);
            let pixel = |v: usize, u: usize| pixels[((y + v) * size + x + u) * 16 + c];
            let want = sum(taps_of, &|v, u| pixel(v, u) * taps[(v * taps_of + u) * 16 + c]);
            assert!((result - want).abs() < 2e-4, "{method:?} {isa}: {result}, not {want}");
        }
        let mut adjoint: Vec<f32> = (7..7 + results_of * results_of * 16).map(number).collect();
        // SAFETY: as above.
        unsafe {
            (transforms.input)(&tile(&mut pixels, size, &mut a));
            (transforms.adjoint)(&tile(&mut adjoint, results_of, &mut b));
            a.iter_mut().zip(&b).for_each(|(a, b)| *a *= b);
            (transforms.gradient)(&filter(&mut taps, &mut a));
        }
        for (i, &result) in taps.iter().enumerate() {
            let (v, u, c) = (i / (taps_of * 16), i / 16 % taps_of, i % 16);
            let pixel = |y: usize, x: usize| pixels[((y + v) * size + x + u) * 16 + c];
            let want =
                sum(results_of, &|y, x| pixel(y, x) * adjoint[(y * results_of + x) * 16 + c]);
            assert!((result - want).abs() < 2e-4, "{method:?} {isa}: {result}, not {want}");
        }
    }
}
