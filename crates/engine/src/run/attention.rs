//! Attention and its derivative, a block of queries and keys at a time.
//!
//! The method is that of Dao et al. 2022 ("FlashAttention"): scores of a block of queries and keys become
//! shares against the largest score so far; what was found before is scaled when a larger one comes.
//! The way back makes the same shares again from the logarithm of each query's sum.
//!
//! Same bits: blocks have fixed sizes and each sum goes over them in one order, whoever computes which.
#![allow(unsafe_code)]

mod back;
mod block;
mod double;
mod forth;

use crate::Error;
use crate::graph::DType;
use crate::op::Heads;
use crate::plan::kernel::{Attention, Region, Rows};
use crate::run::execute::Machine;
use crate::run::matmul::kernel::Kernels;
use crate::run::memories::Memories;
use crate::run::pool::{Pool, WorkerPanic};

/// Queries, and keys, of a block.
const BLOCK: usize = 128;
/// The distance of a block's rows of scores; no multiple of what one set of a cache holds.
const SCORES: usize = BLOCK + 16;
/// Numbers to line up scratch memory with cache lines.
const ALIGNMENT: usize = 16;
/// Below so many multiply-adds a second thread costs more than it brings.
const WORTH_THREADS: usize = 48 * 48 * 48;

/// Numbers of scratch memory that attention needs, for all workers.
pub(super) fn scratch_len(threads: usize, heads: &Heads, back: bool) -> usize {
    match worker_len(heads, back) {
        0 => 0,
        len => len.saturating_mul(threads).saturating_add(ALIGNMENT),
    }
}

/// Numbers that a worker needs.
fn worker_len(heads: &Heads, back: bool) -> usize {
    if heads.pairs() == 0 {
        return 0;
    }
    let (width, features) = (block::packed_len(heads.width), block::packed_len(heads.features));
    let across = |size: usize| size.saturating_mul(BLOCK);
    let packed = match back {
        false => across(heads.width).saturating_add(features),
        true => [across(heads.width), across(heads.features), width, width, features]
            .into_iter()
            .fold(0, usize::saturating_add),
    };
    let rows = if back { 2 * BLOCK * SCORES + BLOCK } else { BLOCK * SCORES + 2 * BLOCK };
    packed.saturating_add(rows)
}

/// What an attention reads and writes, by the first number of each.
struct Shared<'a, T> {
    heads: &'a Heads,
    rows: [Rows; 3],
    /// Queries, keys, values; on the way back what was found, the logarithms and the adjoint, too.
    reads: [*const T; 6],
    mask: Option<&'a [u8]>,
    writes: [*mut T; 3],
    /// Each worker's scratch memory, and how long it is.
    scratch: *mut T,
    len: usize,
}

// SAFETY: what is read nobody writes meanwhile; each worker writes rows and scratch memory of its own.
unsafe impl<T> Sync for Shared<'_, T> {}

/// Which keys a query may look at.
#[derive(Clone, Copy)]
enum Flags<'a> {
    All(bool),
    Each(&'a [u8]),
}

/// Rows of one head: row `i` begins at `start + i · stride`.
#[derive(Clone, Copy)]
struct Side<T> {
    start: *const T,
    stride: usize,
}

impl<T> Side<T> {
    fn row(self, index: usize) -> *const T {
        self.start.wrapping_add(index * self.stride)
    }
}

impl<'a, T> Shared<'a, T> {
    fn new(
        of: &'a Attention,
        memories: &'a Memories<'_>,
        reads: &[Region],
        writes: &[Region],
    ) -> Self {
        let pointer = |r: &Region| memories.pointer(r).cast::<T>();
        let read = |i: usize| reads.get(i).map_or(std::ptr::null(), |r| pointer(r).cast_const());
        let write = |i: usize| writes.get(i).map_or(std::ptr::null_mut(), pointer);
        Shared {
            heads: &of.heads,
            rows: of.rows,
            reads: std::array::from_fn(read),
            mask: of.heads.mask.and(reads.last()).map(|mask| memories.get(mask)),
            writes: std::array::from_fn(write),
            scratch: std::ptr::null_mut(),
            len: 0,
        }
    }

    /// Times and numbers of a row of one head, of queries, keys or values.
    fn shape(&self, which: usize) -> (usize, usize) {
        let h = self.heads;
        [(h.queries, h.width), (h.keys, h.width), (h.keys, h.features)][which]
    }

    /// Queries, keys or values of one head; heads are numbered through all batches.
    fn read(&self, which: usize, head: usize) -> Side<T> {
        let ((time, width), Rows { offset, stride }) = (self.shape(which), self.rows[which]);
        let (batch, head) = (head / self.heads.heads, head % self.heads.heads);
        let first = offset + batch * time * stride + head * width;
        Side { start: self.reads[which].wrapping_add(first), stride }
    }

    /// What was found, or its adjoint: rows as those of what attention gives.
    fn found(&self, which: usize, head: usize) -> Side<T> {
        let first = self.place(self.heads.queries, self.heads.features, head);
        Side {
            start: self.reads[which].wrapping_add(first),
            stride: self.stride(self.heads.features),
        }
    }

    fn stride(&self, width: usize) -> usize {
        self.heads.heads * width
    }

    /// Where a head begins in an array of its own.
    fn place(&self, time: usize, width: usize, head: usize) -> usize {
        let (batch, head) = (head / self.heads.heads, head % self.heads.heads);
        (batch * time * self.heads.heads + head) * width
    }

    /// The slope of queries, keys or values.
    fn slope(&self, which: usize, head: usize) -> (*mut T, usize) {
        let (time, width) = self.shape(which);
        let first = self.place(time, width, head);
        (self.writes[which].wrapping_add(first), self.stride(width))
    }

    /// What attention gives.
    fn result(&self, head: usize) -> (*mut T, usize) {
        let (queries, features) = (self.heads.queries, self.heads.features);
        let first = self.place(queries, features, head);
        (self.writes[0].wrapping_add(first), self.stride(features))
    }

    /// Whether a query may look at `count` keys from key `first` on.
    fn flags(&self, head: usize, query: usize, first: usize, count: usize) -> Flags<'_> {
        let Some(mask) = self.mask else { return Flags::All(true) };
        let heads = self.heads.heads;
        let (at, by) = self.heads.mask_at([head / heads, head % heads, query]);
        match by {
            0 => Flags::All(mask[at] != 0),
            _ => Flags::Each(&mask[at + first..at + first + count]),
        }
    }
}

/// Runs `job` for each of `items`, in turns.
fn share(
    pool: &Pool,
    heads: &Heads,
    items: usize,
    job: &(dyn Fn(usize, usize) + Sync),
) -> Result<(), WorkerPanic> {
    let threads = if heads.multiply_adds(false) < WORTH_THREADS { 1 } else { pool.threads() };
    let work = |worker: usize| {
        // In turns, because under a causal mask later queries have more to do.
        (worker..items).step_by(threads).for_each(|item| job(worker, item));
    };
    if threads == 1 {
        work(0);
        return Ok(());
    }
    pool.run(&|worker| {
        if worker < threads {
            work(worker);
        }
    })
}

impl Machine<'_> {
    /// Runs an attention or its derivative.
    pub(super) fn attention(
        &mut self,
        of: &Attention,
        reads: &[Region],
        writes: &[Region],
    ) -> Result<(), Error> {
        let (isa, pool) = (self.isa, self.pool);
        isa.assert_available();
        if writes.iter().all(|write| write.elements == 0) {
            // Nothing to write, be the batch as long as empty rows can make it.
            return Ok(());
        }
        if reads[0].dtype != DType::F32 {
            let shared = Shared::<f64>::new(of, &self.memories, reads, writes);
            match of.back {
                false => double::forth(pool, &shared)?,
                true => double::back(pool, &shared, writes)?,
            }
            return Ok(());
        }
        let mut shared = Shared::<f32>::new(of, &self.memories, reads, writes);
        shared.len = worker_len(&of.heads, of.back);
        let needed = scratch_len(pool.threads(), &of.heads, of.back);
        assert!(self.work.len() >= needed, "attention needs scratch memory of {needed}");
        let start = self.work.as_mut_ptr();
        shared.scratch = start.wrapping_add(start.align_offset(64).min(ALIGNMENT));
        let kernels = Kernels::of(isa);
        match of.back {
            false => forth::forth(isa, kernels, pool, &shared)?,
            true => back::back(isa, kernels, pool, &shared)?,
        }
        Ok(())
    }
}
