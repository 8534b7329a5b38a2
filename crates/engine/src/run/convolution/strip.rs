//! The register kernel of matrix products for factors that lie in segments: lines of images, read in place.

use crate::run::isa::Isa;
use crate::run::matmul::vector::{Portable, Vector};
#[cfg(target_arch = "x86_64")]
use crate::run::matmul::x86::{Avx2, Avx512};

/// What one call computes: `c[row, column] (+)=` the sum over segments `s` and depths `p` of
/// `a[row · a_row_stride + s · a_segment + p · a_depth_stride] · b[s · b_segment + p · b_depth_stride + column]`.
///
/// Each element is one chain of multiply-adds over all segments. `b` has full vectors at every depth.
pub(super) struct Strip {
    pub segments: usize,
    pub depth: usize,
    pub a: *const f32,
    pub a_row_stride: usize,
    pub a_depth_stride: usize,
    pub a_segment: usize,
    pub b: *const f32,
    pub b_depth_stride: usize,
    pub b_segment: usize,
    pub c: *mut f32,
    pub c_row_stride: usize,
    pub columns: usize,
    /// Add to what `c` holds, instead of replacing it.
    pub accumulate: bool,
}

/// The kernel for a fixed number of rows and vectors.
pub(super) type Micro = unsafe fn(&Strip);

/// The kernel for `rows` rows and `vectors` vectors, within the limits of the set's
/// [`Kernels`](crate::run::matmul::kernel::Kernels); `adjacent` if A's row stride is 1.
pub(super) fn micro(isa: Isa, rows: usize, vectors: usize, adjacent: bool) -> Micro {
    let table: &[&[&[Micro]]; 2] = match isa {
        Isa::Portable => &PORTABLE,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => &AVX2,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => &AVX512,
        #[cfg(not(target_arch = "x86_64"))]
        Isa::Avx2 | Isa::Avx512 => &PORTABLE,
    };
    table[usize::from(adjacent)][vectors - 1][rows - 1]
}

#[inline(always)]
unsafe fn multiply<V: Vector, const ROWS: usize, const VECTORS: usize, const ADJACENT: bool>(
    strip: &Strip,
) {
    let a_row_stride = if ADJACENT { 1 } else { strip.a_row_stride };
    // SAFETY: `Strip` promises `ROWS` rows of A, full vectors of B at every depth of each segment, and
    // `columns` columns of C in every row; nothing else is accessed.
    unsafe {
        let mut sums = [[V::zero(); VECTORS]; ROWS];
        for segment in 0..strip.segments {
            let mut a = strip.a.wrapping_add(segment * strip.a_segment);
            let mut b = strip.b.wrapping_add(segment * strip.b_segment);
            for _ in 0..strip.depth {
                let mut row_of_b = [V::zero(); VECTORS];
                for (vector, value) in row_of_b.iter_mut().enumerate() {
                    *value = V::load(b.add(vector * V::LANES));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let factor = V::broadcast(a.add(row * a_row_stride));
                    for (sum, &value) in sums.iter_mut().zip(&row_of_b) {
                        *sum = sum.add_product(factor, value);
                    }
                }
                // The last step may point past the end, where nothing is read.
                a = a.wrapping_add(strip.a_depth_stride);
                b = b.wrapping_add(strip.b_depth_stride);
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            for (vector, &sum) in sums.iter().enumerate() {
                let first = vector * V::LANES;
                let count = strip.columns.saturating_sub(first).min(V::LANES);
                if count == 0 {
                    break;
                }
                let c = strip.c.add(row * strip.c_row_stride + first);
                let total = if strip.accumulate { V::load_first(c, count).add(sum) } else { sum };
                total.store_first(c, count);
            }
        }
    }
}

/// The table of one instruction set: by whether rows of A lie side by side, then vectors - 1, rows - 1.
macro_rules! table {
    ($name:ident, $vector:ty, [$(#[$attribute:meta])?], vectors [$($vectors:literal)*], rows $rows:tt) => {
        static $name: [&[&[Micro]]; 2] = {
            $(#[$attribute])?
            unsafe fn micro<const ROWS: usize, const VECTORS: usize, const ADJACENT: bool>(
                strip: &Strip,
            ) {
                // SAFETY: passed on; this function is compiled for the vector's instructions.
                unsafe { multiply::<$vector, ROWS, VECTORS, ADJACENT>(strip) }
            }
            [
                &[$(table!(@rows $vectors, false, $rows)),*],
                &[$(table!(@rows $vectors, true, $rows)),*],
            ]
        };
    };
    (@rows $vectors:literal, $adjacent:literal, [$($rows:literal)*]) => {
        &[$(micro::<$rows, $vectors, $adjacent>),*]
    };
}

table!(PORTABLE, Portable, [], vectors [1], rows [1 2 3 4]);
#[cfg(target_arch = "x86_64")]
table!(AVX2, Avx2, [#[target_feature(enable = "avx2,fma")]], vectors [1 2], rows [1 2 3 4 5 6]);
#[cfg(target_arch = "x86_64")]
table!(
    AVX512, Avx512,
    [#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]],
    vectors [1 2], rows [1 2 3 4 5 6 7 8 9 10 11 12 13 14]
);
