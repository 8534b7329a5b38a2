//! Products of two matrices.
//!
//! The method is that of Goto and van de Geijn, "Anatomy of high-performance matrix multiplication"
//! (ACM TOMS 34, 2008), with the register tile of the instruction set at hand: blocks of A and
//! panels of B are packed so that the innermost loop walks through memory, and a tile of C stays in
//! registers meanwhile.
//!
//! Same bits: every element of C is a chain of multiply-adds in the order of the depth, cut in blocks
//! that depend on the depth only. Threads, tiles, transposes and packing never change it.
#![allow(unsafe_code)]

mod blocked;
mod double;
pub(super) mod kernel;
pub(super) mod peak;
#[cfg(test)]
mod tests;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use double::matmul_f64;

use super::isa::Isa;
use super::pool::{Pool, WorkerPanic, share_of};
use blocked::{Operand, Part, multiply_part, packing_len};
use kernel::Kernels;

/// Below so many multiply-adds a second thread costs more than it brings.
const WORTH_THREADS: usize = 48 * 48 * 48;

/// A matrix as somebody else's memory: element (i, j) is `data[i · row_stride + j · column_stride]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a, T = f32> {
    pub data: &'a [T],
    pub row_stride: usize,
    pub column_stride: usize,
}

impl<'a, T> View<'a, T> {
    /// A row-major matrix with `columns` columns.
    pub(crate) fn row_major(data: &'a [T], columns: usize) -> Self {
        View { data, row_stride: columns, column_stride: 1 }
    }

    /// The same memory read as the transposed matrix.
    pub(crate) fn transposed(self) -> Self {
        View { data: self.data, row_stride: self.column_stride, column_stride: self.row_stride }
    }

    /// Panics unless every element of `rows` by `columns` (both at least 1) lies within the memory.
    fn assert_covers(&self, rows: usize, columns: usize, name: &str) {
        let last = (rows - 1)
            .checked_mul(self.row_stride)
            .zip((columns - 1).checked_mul(self.column_stride))
            .and_then(|(row, column)| row.checked_add(column));
        assert!(
            last.is_some_and(|last| last < self.data.len()),
            "{name} is {rows}×{columns} with strides {}, {}, but has {} elements",
            self.row_stride,
            self.column_stride,
            self.data.len(),
        );
    }
}

/// How a product is shared out: `row_parts · column_parts` workers have a part each.
struct Partition {
    row_parts: usize,
    column_parts: usize,
}

impl Partition {
    /// The grid of at most `threads` parts with the least work for the slowest worker.
    fn new(kernels: &Kernels, threads: usize, m: usize, n: usize, k: usize) -> Partition {
        let panels = n.div_ceil(kernels.width());
        let work = m.saturating_mul(n).saturating_mul(k);
        let threads = if work < WORTH_THREADS { 1 } else { threads.max(1) };
        let cost = |partition: &Partition| {
            let rows = m.div_ceil(partition.row_parts);
            let columns = panels.div_ceil(partition.column_parts) * kernels.width();
            // Packing a number costs about as much as eight multiply-adds in a vector kernel.
            rows.saturating_mul(columns).saturating_add((rows + columns).saturating_mul(8))
        };
        (1..=threads.min(m))
            .map(|row_parts| Partition {
                row_parts,
                column_parts: (threads / row_parts).clamp(1, panels),
            })
            .min_by_key(cost)
            .unwrap_or(Partition { row_parts: 1, column_parts: 1 })
    }

    /// Numbers of packing memory (A's, B's) for each part.
    fn packing_len(&self, kernels: &Kernels, m: usize, n: usize, k: usize) -> (usize, usize) {
        let panels = n.div_ceil(kernels.width()).div_ceil(self.column_parts);
        packing_len(kernels, m.div_ceil(self.row_parts), panels * kernels.width(), k)
    }
}

/// Numbers to line up packing memory with cache lines.
const ALIGNMENT: usize = 16;

/// How many numbers of scratch memory [`matmul`] needs.
pub(crate) fn scratch_len(isa: Isa, threads: usize, m: usize, n: usize, k: usize) -> usize {
    if m == 0 || n == 0 || k == 0 {
        return 0;
    }
    let (m, n) = if n == 1 { (1, m) } else { (m, n) };
    let kernels = Kernels::of(isa);
    let partition = Partition::new(kernels, threads, m, n, k);
    let (a, b) = partition.packing_len(kernels, m, n, k);
    partition.row_parts * partition.column_parts * (a + b) + ALIGNMENT
}

/// `c[m, n] = a[m, k] · b[k, n]` in `f32`, C row-major without gaps.
///
/// One of each view's strides is 1 (or its dimension is). `scratch` has at least
/// [`scratch_len`]`(isa, pool.threads(), m, n, k)` numbers; what it holds does not matter. Panics if a
/// view or a slice is too short, or `isa` is not available: those are mistakes of the caller.
#[expect(clippy::too_many_arguments, reason = "the usual arguments of a matrix product")]
pub(crate) fn matmul(
    isa: Isa,
    pool: &Pool,
    scratch: &mut [f32],
    m: usize,
    n: usize,
    k: usize,
    a: View<'_>,
    b: View<'_>,
    c: &mut [f32],
) -> Result<(), WorkerPanic> {
    isa.assert_available();
    let c_len = m.saturating_mul(n);
    assert!(c.len() == c_len, "the product is {m}×{n}, but its memory has {} elements", c.len());
    if c.is_empty() {
        return Ok(());
    }
    if k == 0 {
        c.fill(0.0);
        return Ok(());
    }
    a.assert_covers(m, k, "the left factor");
    b.assert_covers(k, n, "the right factor");
    // A column is the row of the transposed product, and a row is what the vectors run along.
    if n == 1 && m > 1 {
        return matmul(isa, pool, scratch, 1, m, k, b.transposed(), a.transposed(), c);
    }

    let kernels = Kernels::of(isa);
    let partition = Partition::new(kernels, pool.threads(), m, n, k);
    let (a_len, b_len) = partition.packing_len(kernels, m, n, k);
    let parts = partition.row_parts * partition.column_parts;
    assert!(
        scratch.len() >= parts * (a_len + b_len) + ALIGNMENT,
        "{m}×{n}×{k} on {parts} threads needs more scratch memory than {}",
        scratch.len(),
    );
    let unaligned = scratch.as_mut_ptr();
    let shared = Shared {
        a: operand(a.data.as_ptr(), a.row_stride, a.column_stride, m, k),
        b: operand(b.data.as_ptr(), b.column_stride, b.row_stride, n, k),
        c: c.as_mut_ptr(),
        packing: unaligned.wrapping_add(unaligned.align_offset(64).min(ALIGNMENT)),
    };
    let panels = n.div_ceil(kernels.width());
    let work = |worker: usize| {
        if worker >= parts {
            return;
        }
        let shared = &shared;
        let rows = share_of(m, partition.row_parts, worker / partition.column_parts);
        let panels = share_of(panels, partition.column_parts, worker % partition.column_parts);
        let columns = panels.start * kernels.width()..n.min(panels.end * kernels.width());
        let Shared { a, b, c, packing } = *shared;
        let part = Part { rows, columns, k, a, b, c, c_row_stride: n };
        let packed_a = packing.wrapping_add(worker * (a_len + b_len));
        // SAFETY: `isa` is available, the views cover A and B, and C has m·n elements, all checked
        // above; parts are disjoint in C and in the packing memory, whose length was checked too.
        unsafe { multiply_part(kernels, &part, packed_a, packed_a.wrapping_add(a_len)) }
    };
    if parts == 1 {
        work(0);
        return Ok(());
    }
    pool.run(&work)
}

/// The pointers all workers share.
#[derive(Clone, Copy)]
struct Shared {
    a: Operand,
    b: Operand,
    c: *mut f32,
    packing: *mut f32,
}

// SAFETY: A and B are only read; C and the packing memory are borrowed mutably by `matmul` while
// workers run, and each worker accesses elements of its own part only.
unsafe impl Sync for Shared {}

/// An operand with its strides normalised: where a dimension is 1, its stride is 1 too.
fn operand(
    pointer: *const f32,
    lane_stride: usize,
    depth_stride: usize,
    lanes: usize,
    depth: usize,
) -> Operand {
    let lane_stride = if lanes == 1 { 1 } else { lane_stride };
    let depth_stride = if depth == 1 && lane_stride != 1 { 1 } else { depth_stride };
    assert!(lane_stride == 1 || depth_stride == 1, "a factor has no stride of 1");
    Operand { pointer, lane_stride, depth_stride }
}
