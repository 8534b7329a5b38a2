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
pub(super) mod vector;
#[cfg(target_arch = "x86_64")]
pub(super) mod x86;

pub(crate) use double::matmul_f64;

use std::ops::Range;

use super::isa::Isa;
use super::pool::{Pool, WorkerPanic, share_of};
use super::tile::{Block, LoopRun};
use crate::plan::kernel::{Extent, Instruction, Place, Product, Register};
use blocked::{
    Ahead, Blocking, Finishing, Operand, Packing, Part, even_share, multiply_part, pack_panel,
};
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

/// The factors of a product `[m, k]` × `[k, n]`; one of each view's strides is 1 (or its dimension is).
#[derive(Clone, Copy)]
pub(crate) struct Factors<'a> {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub a: View<'a>,
    pub b: View<'a>,
    /// Where `b` lies as [`pack_right`] has packed it.
    pub packed: Option<Packed>,
}

/// Where a factor lies packed.
#[derive(Clone, Copy)]
pub(crate) struct Packed(pub *const f32);

// SAFETY: it is only read, by workers of the run that holds the memory.
unsafe impl Sync for Packed {}

/// Who computes a product.
pub(crate) enum Hands<'a> {
    All(&'a Pool),
    /// The worker of this number alone.
    One(usize),
}

/// Whether the products of a batch are shared out, instead of parts of each.
pub(super) fn shares_batch(product: &Product, threads: usize) -> bool {
    let Product { batch, m, n, k, .. } = *product;
    let work = [batch, m, n, k].into_iter().fold(1, usize::saturating_mul);
    threads > 1 && batch >= 2 * threads && work >= WORTH_THREADS && n > 1
}

/// The loop over a product's elements that runs block by block, as these are made.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    run: &'a LoopRun<'a>,
    blocking: Blocking,
    /// Where row 0 of the product is in the loop's space.
    first_row: usize,
    /// What the loop reads and writes for each element, to be asked for while the product is computed.
    ahead: [Ahead; AHEAD],
    count: usize,
}

/// Most arrays that are asked for ahead of a loop.
const AHEAD: usize = 6;

impl<'a> Finish<'a> {
    /// `None` where the loop runs after the whole product: because it is a vector, or its rows are too
    /// long to be computed at a time.
    pub(super) fn new(run: &'a LoopRun<'a>, product: &Product) -> Option<Self> {
        let blocking = Blocking::behind(product)?;
        let l = run.l;
        let read = |register: &Register| match (register.extent, register.place) {
            (Extent::Full, Place::Read(read)) if read > 0 => Some(&run.reads[read]),
            (Extent::Full, Place::Write(write)) => Some(&run.writes[write]),
            _ => None,
        };
        let stored = |instruction: &Instruction| match *instruction {
            Instruction::Store { write, from } => {
                let is_full = l.registers[usize::from(from)].extent == Extent::Full;
                is_full.then(|| &run.writes[write])
            }
            _ => None,
        };
        let regions = l.body.iter().filter_map(stored);
        let regions = regions.chain(l.registers.iter().filter_map(read));
        let (mut ahead, mut count) = ([Ahead::NOTHING; AHEAD], 0);
        // Whole rows lie side by side, which the machine sees by itself.
        for region in regions.filter(|_| !blocking.whole_rows) {
            let start = run.memories.pointer(region).cast_const();
            let known = ahead.iter().any(|ahead| ahead.start == start);
            if count < AHEAD && !known {
                ahead[count] = Ahead { start, element: region.dtype.size() };
                count += 1;
            }
        }
        Some(Finish { run, blocking, first_row: 0, ahead, count })
    }

    /// The same for a product whose row 0 is row `first_row` of the loop's space.
    pub(super) fn starting_at(self, first_row: usize) -> Self {
        Finish { first_row, ..self }
    }
}

/// How a product is shared out: `row_parts · column_parts` workers have a part each.
struct Partition {
    row_parts: usize,
    column_parts: usize,
}

impl Partition {
    /// The grid of at most `threads` parts with the least work for the slowest worker.
    fn new(
        kernels: &Kernels,
        threads: usize,
        [m, n, k]: [usize; 3],
        blocking: &Blocking,
    ) -> Partition {
        let panels = if blocking.whole_rows { 1 } else { n.div_ceil(kernels.width()) };
        let work = m.saturating_mul(n).saturating_mul(k);
        let threads = if work < WORTH_THREADS { 1 } else { threads.max(1) };
        let cost = |partition: &Partition| {
            let rows = m.div_ceil(blocking.even).div_ceil(partition.row_parts) * blocking.even;
            let columns = panels.div_ceil(partition.column_parts) * kernels.width();
            // Packing a number costs about as much as eight multiply-adds in a vector kernel.
            rows.saturating_mul(columns).saturating_add((rows + columns).saturating_mul(8))
        };
        (1..=threads.min(m.div_ceil(blocking.even)))
            .map(|row_parts| Partition {
                row_parts,
                column_parts: (threads / row_parts).clamp(1, panels),
            })
            .min_by_key(cost)
            .unwrap_or(Partition { row_parts: 1, column_parts: 1 })
    }

    /// Numbers of packing memory for each part.
    fn packing(&self, kernels: &Kernels, [m, n, k]: [usize; 3], blocking: &Blocking) -> Packing {
        let panels = n.div_ceil(kernels.width()).div_ceil(self.column_parts);
        let rows = m.div_ceil(blocking.even).div_ceil(self.row_parts) * blocking.even;
        let sizes = [rows, panels * kernels.width(), k];
        Packing::new(kernels, sizes, blocking)
    }
}

/// Numbers to line up packing memory with cache lines.
const ALIGNMENT: usize = 16;

/// How many numbers of scratch memory [`multiply`] needs for the whole batch.
pub(crate) fn scratch_len(isa: Isa, threads: usize, product: &Product) -> usize {
    let Product { m, n, k, .. } = *product;
    if m == 0 || n == 0 || k == 0 {
        return 0;
    }
    let (m, n) = if n == 1 { (1, m) } else { (m, n) };
    let kernels = Kernels::of(isa);
    let blocking = Blocking::behind(product).unwrap_or(Blocking::ALONE);
    // Each worker has room for a product of its own, or all for parts of one.
    let (each, together) = if shares_batch(product, threads) { (threads, 1) } else { (1, threads) };
    let partition = Partition::new(kernels, together, [m, n, k], &blocking);
    let packing = partition.packing(kernels, [m, n, k], &blocking);
    each * (partition.row_parts * partition.column_parts * packing.len() + ALIGNMENT)
}

/// `c[m, n] = a[m, k] · b[k, n]` in `f32`, C row-major without gaps.
///
/// `scratch` has at least [`scratch_len`] numbers; what it holds does not matter. Panics if a view or a
/// slice is too short, or `isa` is not available: those are mistakes of the caller.
#[cfg(test)]
pub(crate) fn matmul(
    isa: Isa,
    pool: &Pool,
    scratch: &mut [f32],
    factors: Factors<'_>,
    c: &mut [f32],
) -> Result<(), WorkerPanic> {
    assert_eq!(c.len(), factors.m * factors.n, "the product has another size than its memory");
    // SAFETY: the memory is borrowed and of the product's size.
    unsafe { multiply(isa, Hands::All(pool), scratch, factors, c.as_mut_ptr(), None) }
}

/// As [`matmul`]; beside, `finish` runs over the elements.
///
/// # Safety
///
/// `c` is valid for the product's elements, which nobody else accesses meanwhile but `finish`; this runs
/// over the rows from its first on as its loop was proved to.
pub(super) unsafe fn multiply(
    isa: Isa,
    hands: Hands<'_>,
    scratch: &mut [f32],
    factors: Factors<'_>,
    c: *mut f32,
    finish: Option<&Finish<'_>>,
) -> Result<(), WorkerPanic> {
    isa.assert_available();
    let Factors { m, n, k, a, b, packed } = factors;
    if m == 0 || n == 0 {
        return Ok(());
    }
    if k == 0 {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(c, m * n) }.fill(0.0);
        return Ok(());
    }
    a.assert_covers(m, k, "the left factor");
    b.assert_covers(k, n, "the right factor");
    // A column is the row of the transposed product, and a row is what the vectors run along.
    if n == 1 && m > 1 {
        let (a, b) = (b.transposed(), a.transposed());
        let turned = Factors { m: 1, n: m, k, a, b, packed: None };
        // SAFETY: passed on; nothing finishes a vector.
        return unsafe { multiply(isa, hands, scratch, turned, c, None) };
    }

    let kernels = Kernels::of(isa);
    let blocking = finish.map_or(Blocking::ALONE, |finish| finish.blocking);
    let (threads, first_worker) = match hands {
        Hands::All(pool) => (pool.threads(), 0),
        Hands::One(worker) => (1, worker),
    };
    let partition = Partition::new(kernels, threads, [m, n, k], &blocking);
    let packing = partition.packing(kernels, [m, n, k], &blocking);
    let parts = partition.row_parts * partition.column_parts;
    assert!(
        scratch.len() >= parts * packing.len() + ALIGNMENT,
        "{m}×{n}×{k} on {parts} threads needs more scratch memory than {}",
        scratch.len(),
    );
    let unaligned = scratch.as_mut_ptr();
    let shared = Shared {
        a: operand(a.data.as_ptr(), a.row_stride, a.column_stride, m, k),
        b: operand(b.data.as_ptr(), b.column_stride, b.row_stride, n, k),
        packed: packed.map_or(std::ptr::null(), |packed| packed.0),
        c,
        packing: unaligned.wrapping_add(unaligned.align_offset(64).min(ALIGNMENT)),
    };
    let panels = n.div_ceil(kernels.width());
    let work = |worker: usize| {
        if worker >= parts {
            return;
        }
        let shared = &shared;
        let row_part = worker / partition.column_parts;
        let rows = even_share(m, blocking.even, partition.row_parts, row_part);
        let panels = share_of(panels, partition.column_parts, worker % partition.column_parts);
        let columns = panels.start * kernels.width()..n.min(panels.end * kernels.width());
        let Shared { a, b, packed, c, packing: memory } = *shared;
        let part = Part { rows, columns, k, a, b, packed, c, c_row_stride: n, blocking };
        let memory = packing.at(memory.wrapping_add(worker * packing.len()));
        let mut tile = finish.map(|finish| finish.run.worker(first_worker + worker));
        let mut run = |rows: Range<usize>, columns: Range<usize>, block: Option<Block>| {
            if let (Some(tile), Some(finish)) = (&mut tile, finish) {
                let first = finish.first_row;
                let block = block.map(|block| Block { row: block.row + first, ..block });
                tile.rectangle(rows.start + first..rows.end + first, columns, block);
            }
        };
        let finish = finish.map(|finish| {
            let (ahead, first_row) = (&finish.ahead[..finish.count], finish.first_row);
            Finishing { run: &mut run, ahead, first_row }
        });
        // SAFETY: `isa` is available, the views cover A and B, and C has m·n elements, all checked
        // above or promised; parts are disjoint in C and in the packing memory, whose length was
        // checked too.
        unsafe { multiply_part(kernels, &part, memory, finish) }
    };
    match hands {
        Hands::All(pool) if parts > 1 => pool.run(&work),
        _ => {
            work(0);
            Ok(())
        }
    }
}

/// Packs `b[k, n]` for [`Factors::packed`]: depth block after depth block, panel after panel.
///
/// # Safety
///
/// `target` is valid for `k` rows of `n` numbers up to whole vectors of 16, and a vector more.
pub(super) unsafe fn pack_right(
    isa: Isa,
    pool: &Pool,
    b: View<'_>,
    n: usize,
    k: usize,
    target: *mut f32,
) -> Result<(), WorkerPanic> {
    isa.assert_available();
    b.assert_covers(k, n, "the right factor");
    let kernels = Kernels::of(isa);
    let b = operand(b.data.as_ptr(), b.column_stride, b.row_stride, n, k);
    let shared = Shared { a: b, b, packed: target, c: target, packing: target };
    let panels = n.div_ceil(kernels.width());
    let threads = if n * k < WORTH_PACKING_TOGETHER { 1 } else { pool.threads() };
    let share = |worker: usize| {
        let shared = &shared;
        for panel in share_of(panels, threads, worker) {
            let first = panel * kernels.width();
            // SAFETY: the panel lies within B, and the target has room for it; panels lie apart.
            unsafe {
                pack_panel(
                    kernels,
                    shared.b,
                    first..n.min(first + kernels.width()),
                    [n, k],
                    shared.c,
                )
            };
        }
    };
    if threads == 1 {
        share(0);
        return Ok(());
    }
    pool.run(&share)
}

/// Below so many numbers a second thread for packing costs more than it brings.
const WORTH_PACKING_TOGETHER: usize = 32 * 1024;

/// The pointers all workers share.
#[derive(Clone, Copy)]
struct Shared {
    a: Operand,
    b: Operand,
    packed: *const f32,
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
