//! Sums of products, channel by channel.

use crate::run::isa::Isa;
use crate::run::matmul::vector::{Portable, Vector};
#[cfg(target_arch = "x86_64")]
use crate::run::matmul::x86::{Avx2, Avx512};

/// The most sums side by side.
pub(super) const SUMS: usize = 8;

/// For each `i` below `count` (1..=[`SUMS`]) and each of `channels` channels the sum over a rectangle of
/// products of two arrays: `target[i · target_next + c] (+)=`
/// `Σ a[i · a_next + y · a_line + x · a_step + c] · b[y · b_line + x · b_step + c]`.
#[derive(Clone, Copy)]
pub(super) struct Fold {
    pub a: *const f32,
    pub a_line: isize,
    pub a_step: isize,
    pub a_next: usize,
    pub b: *const f32,
    pub b_line: isize,
    pub b_step: isize,
    pub lines: usize,
    pub steps: usize,
    pub channels: usize,
    pub target: *mut f32,
    pub target_next: usize,
    pub count: usize,
    /// Add to what `target` holds, instead of replacing it.
    pub accumulate: bool,
}

/// The sums of `VECTORS` vectors of channels from `first` on; `FULL` unless the last is cut. Each is the
/// chain `((0 + a₀b₀) + a₁b₁) + …`, line by line.
#[inline(always)]
unsafe fn fold<V: Vector, const COUNT: usize, const VECTORS: usize, const FULL: bool>(
    fold: &Fold,
    first: usize,
) {
    let lanes = if FULL { V::LANES } else { fold.channels - first };
    // SAFETY: `Fold` promises `channels` numbers at each place of the rectangles and of the targets.
    unsafe {
        let load = |from: *const f32| match FULL {
            true => V::load(from),
            false => V::load_first(from, lanes),
        };
        let mut sums = [[V::zero(); COUNT]; VECTORS];
        for y in 0..fold.lines as isize {
            let mut a = fold.a.wrapping_offset(y * fold.a_line).wrapping_add(first);
            let mut b = fold.b.wrapping_offset(y * fold.b_line).wrapping_add(first);
            for _ in 0..fold.steps {
                for (vector, sums) in sums.iter_mut().enumerate() {
                    let factor = load(b.add(vector * V::LANES));
                    for (i, sum) in sums.iter_mut().enumerate() {
                        let value = load(a.add(i * fold.a_next + vector * V::LANES));
                        *sum = sum.add_product(factor, value);
                    }
                }
                // The last step may point past the end, where nothing is read.
                a = a.wrapping_offset(fold.a_step);
                b = b.wrapping_offset(fold.b_step);
            }
        }
        for (vector, sums) in sums.iter().enumerate() {
            for (i, &sum) in sums.iter().enumerate() {
                let to = fold.target.add(i * fold.target_next + first + vector * V::LANES);
                let total = if fold.accumulate { load(to).add(sum) } else { sum };
                total.store_first(to, lanes);
            }
        }
    }
}

macro_rules! folding {
    ($name:ident, $vector:ty, $(#[$attribute:meta])?) => {
        $(#[$attribute])?
        unsafe fn $name(of: &Fold) {
            $(#[$attribute])?
            unsafe fn all<const COUNT: usize, const VECTORS: usize>(of: &Fold) {
                let lanes = <$vector>::LANES;
                let whole = of.channels - of.channels % lanes;
                let many = of.channels - of.channels % (VECTORS * lanes);
                // SAFETY: passed on; all vectors but the last are full.
                unsafe {
                    for first in (0..many).step_by(VECTORS * lanes) {
                        fold::<$vector, COUNT, VECTORS, true>(of, first);
                    }
                    for first in (many..whole).step_by(lanes) {
                        fold::<$vector, COUNT, 1, true>(of, first);
                    }
                    if whole < of.channels {
                        fold::<$vector, COUNT, 1, false>(of, whole);
                    }
                }
            }
            // Few sums take several vectors, so that chains of additions overlap and memory is read in
            // order.
            let counts = [
                all::<1, 4>, all::<2, 4>, all::<3, 4>, all::<4, 4>,
                all::<5, 2>, all::<6, 2>, all::<7, 1>, all::<8, 1>,
            ];
            // SAFETY: passed on; this function is compiled for the vector's instructions.
            unsafe { counts[of.count - 1](of) }
        }
    };
}

folding!(portable, Portable,);
#[cfg(target_arch = "x86_64")]
folding!(avx2, Avx2, #[target_feature(enable = "avx2,fma")]);
#[cfg(target_arch = "x86_64")]
folding!(
    avx512, Avx512,
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
);

impl Fold {
    /// Computes it.
    ///
    /// # Safety
    ///
    /// `isa` is available, the arrays are valid, and nobody else accesses the targets.
    pub unsafe fn run(&self, isa: Isa) {
        // SAFETY: passed on.
        unsafe {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => avx2(self),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => avx512(self),
                _ => portable(self),
            }
        }
    }
}
