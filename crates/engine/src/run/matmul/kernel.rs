//! The register kernels: a few rows times a few vectors of columns, and the packing they read from.

use super::vector::{Portable, Vector};
#[cfg(target_arch = "x86_64")]
use super::x86::{Avx2, Avx512};
use crate::run::chain::{self, Chain};
use crate::run::isa::Isa;

/// What one call of a register kernel computes: `c[rows, columns] (+)= a[rows, depth] · b[depth, columns]`.
///
/// Strides count numbers. `b` has `vectors · LANES` readable numbers at every depth, whatever
/// `columns` is.
pub(in crate::run) struct Tile {
    pub depth: usize,
    pub a: *const f32,
    pub a_row_stride: usize,
    pub a_depth_stride: usize,
    pub b: *const f32,
    pub b_depth_stride: usize,
    pub c: *mut f32,
    pub c_row_stride: usize,
    pub columns: usize,
    /// Add to what `c` holds, instead of replacing it.
    pub accumulate: bool,
}

/// Packs `lanes` rows (of A) or columns (of B) of `depth` numbers each:
/// `target[p · width + i] = source[i · lane_stride + p · depth_stride]`, and 0 for i in
/// `lanes..width` if the width is a whole number of vectors. One of the strides is 1.
pub(in crate::run) struct Panel {
    pub source: *const f32,
    pub lane_stride: usize,
    pub depth_stride: usize,
    pub lanes: usize,
    pub depth: usize,
    /// Valid for `depth · width` numbers and one vector more: full vectors are written.
    pub target: *mut f32,
    pub width: usize,
}

/// A register kernel for a fixed number of rows and vectors.
pub(in crate::run) type Micro = unsafe fn(&Tile);

/// The kernels of one instruction set.
pub(in crate::run) struct Kernels {
    /// Numbers in a vector.
    pub lanes: usize,
    /// The most rows of a register tile; not above `lanes`.
    pub rows: usize,
    /// The most vectors of a register tile's row.
    pub vectors: usize,
    /// By whether rows of A lie side by side, then vectors - 1, then rows - 1.
    micro: &'static [&'static [&'static [Micro]]; 2],
    /// One row times a wide piece of B in place, with memory for its sums.
    pub row: unsafe fn(&Tile, *mut f32),
    /// The packing routine.
    pub pack: unsafe fn(&Panel),
    /// Copies pieces at equal distances.
    pub copy: unsafe fn(&Pieces),
    /// Runs a chain of pointwise instructions.
    pub chain: unsafe fn(&Chain<'_>),
}

/// `count` pieces of `length` numbers: `target[i · target_step + j] = source[i · source_step + j]`.
pub(in crate::run) struct Pieces {
    pub source: *const f32,
    pub source_step: usize,
    pub target: *mut f32,
    pub target_step: usize,
    pub count: usize,
    pub length: usize,
}

impl Kernels {
    /// Columns of a full panel of B.
    pub fn width(&self) -> usize {
        self.lanes * self.vectors
    }

    /// The kernel for `rows` rows and `vectors` vectors; `adjacent` if A's row stride is 1.
    pub fn micro(&self, rows: usize, vectors: usize, adjacent: bool) -> Micro {
        self.micro[usize::from(adjacent)][vectors - 1][rows - 1]
    }

    /// The kernels compiled for `isa`, which must be available wherever they are called.
    pub fn of(isa: Isa) -> &'static Kernels {
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

/// The register kernel: `ROWS · VECTORS` sums stay in registers over the whole depth, each the chain
/// `((0 + a₀b₀) + a₁b₁) + …`, so that an element's rounding does not depend on its place in a tile.
#[inline(always)]
unsafe fn multiply<V: Vector, const ROWS: usize, const VECTORS: usize, const ADJACENT: bool>(
    tile: &Tile,
) {
    let a_row_stride = if ADJACENT { 1 } else { tile.a_row_stride };
    // SAFETY: `Tile` promises `ROWS` rows of A, full vectors of B at every depth, and `columns`
    // columns of C in every row; nothing else is accessed.
    unsafe {
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                let c = tile.c.wrapping_add(row * tile.c_row_stride + vector * V::LANES);
                V::prefetch(c);
            }
        }
        let mut sums = [[V::zero(); VECTORS]; ROWS];
        let (mut a, mut b) = (tile.a, tile.b);
        for _ in 0..tile.depth {
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
            a = a.wrapping_add(tile.a_depth_stride);
            b = b.wrapping_add(tile.b_depth_stride);
        }
        for (row, sums) in sums.iter().enumerate() {
            for (vector, &sum) in sums.iter().enumerate() {
                let first = vector * V::LANES;
                let count = tile.columns.saturating_sub(first).min(V::LANES);
                if count == 0 {
                    break;
                }
                let c = tile.c.add(row * tile.c_row_stride + first);
                let total = if tile.accumulate { V::load_first(c, count).add(sum) } else { sum };
                total.store_first(c, count);
            }
        }
    }
}

/// Rows of B that [`multiply_row`] adds at a time.
const ROWS_OF_B: usize = 8;

/// One row times a wide piece of B in place: B is read once, so all that counts is to read long runs
/// of its rows. `sums` is valid for the tile's columns, filled up to whole vectors. Each element is
/// the same chain as in [`multiply`].
#[inline(always)]
unsafe fn multiply_row<V: Vector>(tile: &Tile, sums: *mut f32) {
    let lanes = |first: usize| (tile.columns - first).min(V::LANES);
    // SAFETY: `Tile` promises one row of A, and C and every row of B for its columns; vectors
    // that would reach further are cut to `lanes`.
    unsafe {
        for first in (0..tile.columns).step_by(V::LANES) {
            V::zero().store(sums.add(first));
        }
        let whole = tile.depth - tile.depth % ROWS_OF_B;
        let at =
            |p: usize| (tile.a.add(p * tile.a_depth_stride), tile.b.add(p * tile.b_depth_stride));
        for p in (0..whole).step_by(ROWS_OF_B) {
            let mut factors = [V::zero(); ROWS_OF_B];
            for (row, factor) in factors.iter_mut().enumerate() {
                *factor = V::broadcast(at(p + row).0);
            }
            let b = at(p).1;
            let full = tile.columns - tile.columns % V::LANES;
            for first in (0..full).step_by(V::LANES) {
                let mut sum = V::load(sums.add(first));
                for (row, &factor) in factors.iter().enumerate() {
                    sum =
                        sum.add_product(factor, V::load(b.add(row * tile.b_depth_stride + first)));
                }
                sum.store(sums.add(first));
            }
            if full < tile.columns {
                let mut sum = V::load(sums.add(full));
                for (row, &factor) in factors.iter().enumerate() {
                    let b = b.add(row * tile.b_depth_stride + full);
                    sum = sum.add_product(factor, V::load_first(b, lanes(full)));
                }
                sum.store(sums.add(full));
            }
        }
        for p in whole..tile.depth {
            let (a, b) = at(p);
            let factor = V::broadcast(a);
            for first in (0..tile.columns).step_by(V::LANES) {
                let b = V::load_first(b.add(first), lanes(first));
                V::load(sums.add(first)).add_product(factor, b).store(sums.add(first));
            }
        }
        for first in (0..tile.columns).step_by(V::LANES) {
            let (c, sum) = (tile.c.add(first), V::load(sums.add(first)));
            let count = lanes(first);
            let total = if tile.accumulate { V::load_first(c, count).add(sum) } else { sum };
            total.store_first(c, count);
        }
    }
}

/// See [`Panel`].
#[inline(always)]
unsafe fn pack<V: Vector>(panel: &Panel) {
    for first in (0..panel.width).step_by(V::LANES) {
        let lanes = panel.lanes.saturating_sub(first).min(V::LANES);
        // SAFETY: lanes `first..first + lanes` and `depth` numbers of each are `Panel`'s to read;
        // a full vector is written at each depth, for which its target has room.
        unsafe {
            let target = panel.target.add(first);
            if lanes == 0 {
                for p in 0..panel.depth {
                    V::zero().store(target.add(p * panel.width));
                }
                continue;
            }
            let source = panel.source.add(first * panel.lane_stride);
            if panel.lane_stride == 1 {
                for p in 0..panel.depth {
                    let value = V::load_first(source.add(p * panel.depth_stride), lanes);
                    value.store(target.add(p * panel.width));
                }
            } else {
                for p in (0..panel.depth).step_by(V::LANES) {
                    V::transpose(
                        source.add(p),
                        panel.lane_stride,
                        lanes,
                        (panel.depth - p).min(V::LANES),
                        target.add(p * panel.width),
                        panel.width,
                    );
                }
            }
        }
    }
}

/// See [`Pieces`].
#[inline(always)]
unsafe fn copy<V: Vector>(pieces: &Pieces) {
    let Pieces { count, length, .. } = *pieces;
    for i in 0..count {
        // SAFETY: `Pieces` promises `length` numbers of each piece, and no vector reaches further.
        unsafe {
            let source = pieces.source.add(i * pieces.source_step);
            let target = pieces.target.add(i * pieces.target_step);
            let whole = length - length % V::LANES;
            for at in (0..whole).step_by(V::LANES) {
                V::load(source.add(at)).store(target.add(at));
            }
            if whole < length {
                let rest = length - whole;
                V::load_first(source.add(whole), rest).store_first(target.add(whole), rest);
            }
        }
    }
}

/// The kernels of one instruction set: a wrapper compiled for its features, and the tables.
macro_rules! kernels {
    ($name:ident, $vector:ty, $features:literal, vectors $vectors:tt, rows $rows:tt) => {
        kernels!($name, $vector, [#[target_feature(enable = $features)]], vectors $vectors, rows $rows);
    };
    ($name:ident, $vector:ty, [$(#[$attribute:meta])?], vectors [$($vectors:literal)*], rows $rows:tt) => {
        static $name: Kernels = {
            $(#[$attribute])?
            unsafe fn micro<const ROWS: usize, const VECTORS: usize, const ADJACENT: bool>(
                tile: &Tile,
            ) {
                // SAFETY: passed on; this function is compiled for the vector's instructions.
                unsafe { multiply::<$vector, ROWS, VECTORS, ADJACENT>(tile) }
            }
            $(#[$attribute])?
            unsafe fn row(tile: &Tile, sums: *mut f32) {
                // SAFETY: as above.
                unsafe { multiply_row::<$vector>(tile, sums) }
            }
            $(#[$attribute])?
            unsafe fn packing(panel: &Panel) {
                // SAFETY: as above.
                unsafe { pack::<$vector>(panel) }
            }
            $(#[$attribute])?
            unsafe fn copying(pieces: &Pieces) {
                // SAFETY: as above.
                unsafe { copy::<$vector>(pieces) }
            }
            $(#[$attribute])?
            unsafe fn chaining(chain: &Chain<'_>) {
                // SAFETY: as above.
                unsafe { chain::run::<$vector>(chain) }
            }
            Kernels {
                lanes: <$vector>::LANES,
                rows: kernels!(@count $rows),
                vectors: [$($vectors),*].len(),
                micro: &[
                    &[$(kernels!(@rows $vectors, false, $rows)),*],
                    &[$(kernels!(@rows $vectors, true, $rows)),*],
                ],
                row,
                pack: packing,
                copy: copying,
                chain: chaining,
            }
        };
    };
    (@rows $vectors:literal, $adjacent:literal, [$($rows:literal)*]) => {
        &[$(micro::<$rows, $vectors, $adjacent>),*]
    };
    (@count [$($rows:literal)*]) => { [$($rows),*].len() };
}

kernels!(PORTABLE, Portable, [], vectors [1], rows [1 2 3 4]);
#[cfg(target_arch = "x86_64")]
kernels!(AVX2, Avx2, "avx2,fma", vectors [1 2], rows [1 2 3 4 5 6]);
#[cfg(target_arch = "x86_64")]
kernels!(
    AVX512, Avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma",
    vectors [1 2], rows [1 2 3 4 5 6 7 8 9 10 11 12 13 14]
);
