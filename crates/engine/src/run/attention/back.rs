//! The derivative of attention in f32.
#![allow(unsafe_code)]

use super::block::{
    Left, Product, Query, Right, Sight, dot, multiply, pack, packed_len, rows, slopes,
};
use super::{BLOCK, SCORES, Shared, Side, share};
use crate::run::isa::Isa;
use crate::run::matmul::kernel::Kernels;
use crate::run::pool::{Pool, WorkerPanic};

/// The derivative. A worker takes a head at a time; where there are fewer heads than workers, first
/// a block of one head's keys and then one of its queries, which computes scores twice and sums in the same
/// order.
pub(super) fn back(
    isa: Isa,
    kernels: &Kernels,
    pool: &Pool,
    shared: &Shared<'_, f32>,
) -> Result<(), WorkerPanic> {
    let h = shared.heads;
    let heads = h.batch * h.heads;
    let (queries, keys) = (h.queries.div_ceil(BLOCK), h.keys.div_ceil(BLOCK));
    let of = |worker: usize, head: usize| {
        let scratch = shared.scratch.wrapping_add(worker * shared.len);
        Head { isa, kernels, shared, head, scratch, sides: [0, 1, 2].map(|i| shared.read(i, head)) }
    };
    if heads >= pool.threads() || queries.max(keys) <= 1 {
        return share(pool, h, heads, &|worker, head| {
            let of = of(worker, head);
            // SAFETY: the regions have been proved to hold what `heads` says; a head's slopes are this
            // item's alone, and the scratch memory is this worker's, as long as `worker_len`.
            unsafe {
                of.clear_queries(0, queries);
                for block in 0..keys {
                    of.keys(block, true);
                }
            }
        });
    }
    share(pool, h, heads * keys, &|worker, item| {
        // SAFETY: as above, of one block's keys and values.
        unsafe { of(worker, item / keys).keys(item % keys, false) }
    })?;
    share(pool, h, heads * queries, &|worker, item| {
        // SAFETY: as above, of one block's queries.
        unsafe { of(worker, item / queries).queries(item % queries) }
    })
}

/// What is computed of one head.
struct Head<'a> {
    isa: Isa,
    kernels: &'a Kernels,
    shared: &'a Shared<'a, f32>,
    head: usize,
    scratch: *mut f32,
    /// Queries, keys and values.
    sides: [Side<f32>; 3],
}

/// Keys and values of a block, packed for the three products that read them.
struct Packed {
    keys_across: Right,
    values_across: Right,
    keys: Right,
}

/// A worker's memory, in the order of [`worker_len`](super::worker_len).
struct Room {
    scores: *mut f32,
    slopes: *mut f32,
    keys_across: *mut f32,
    values_across: *mut f32,
    keys: *mut f32,
    queries: *mut f32,
    adjoints: *mut f32,
}

impl Head<'_> {
    fn room(&self) -> Room {
        let h = self.shared.heads;
        let slopes = self.scratch.wrapping_add(BLOCK * SCORES);
        let keys_across = slopes.wrapping_add(BLOCK * SCORES);
        let values_across = keys_across.wrapping_add(h.width * BLOCK);
        let keys = values_across.wrapping_add(h.features * BLOCK);
        let queries = keys.wrapping_add(packed_len(h.width));
        let adjoints = queries.wrapping_add(packed_len(h.width));
        let scores = self.scratch;
        Room { scores, slopes, keys_across, values_across, keys, queries, adjoints }
    }

    /// Zeros for slopes of queries that see no key.
    unsafe fn clear_queries(&self, from: usize, to: usize) {
        let h = self.shared.heads;
        if h.keys > 0 {
            return;
        }
        let (start, stride) = self.shared.slope(0, self.head);
        for query in from * BLOCK..h.queries.min(to * BLOCK) {
            // SAFETY: the caller's rows.
            unsafe { clear(start.wrapping_add(query * stride), h.width) }
        }
    }

    /// The slopes of a block of keys and values; beside, where `all` says so, what they add to those of
    /// queries, which is set by the first block.
    unsafe fn keys(&self, block: usize, all: bool) {
        let h = self.shared.heads;
        let (first, blocks) = (block * BLOCK, h.queries.div_ceil(BLOCK));
        let count = BLOCK.min(h.keys - first);
        // Earlier queries see none of these.
        let from = if h.causal { block } else { 0 };
        if from >= blocks {
            for (which, width) in [(1, h.width), (2, h.features)] {
                let (start, stride) = self.shared.slope(which, self.head);
                for key in first..first + count {
                    // SAFETY: the caller's rows.
                    unsafe { clear(start.wrapping_add(key * stride), width) }
                }
            }
            return;
        }
        // SAFETY: passed on.
        unsafe {
            let packed = self.pack(first, count);
            for query in from..blocks {
                self.block(query, block, &packed, [true, all], query > from);
            }
        }
    }

    /// The slopes of a block of queries.
    unsafe fn queries(&self, block: usize) {
        let h = self.shared.heads;
        // SAFETY: passed on.
        unsafe { self.clear_queries(block, block + 1) };
        let last = h.queries.min((block + 1) * BLOCK);
        for key in 0..h.seen(last - 1).div_ceil(BLOCK) {
            // SAFETY: as above.
            unsafe {
                let packed = self.pack(key * BLOCK, BLOCK.min(h.keys - key * BLOCK));
                self.block(block, key, &packed, [false, true], false);
            }
        }
    }

    unsafe fn pack(&self, first: usize, count: usize) -> Packed {
        let (h, kernels, room) = (self.shared.heads, self.kernels, self.room());
        let [_, k, v] = self.sides;
        let (key, value) = (k.row(first), v.row(first));
        // SAFETY: these rows are there, and each target has room for a block of them.
        unsafe {
            Packed {
                keys_across: pack(kernels, key, [k.stride, 1], [h.width, count], room.keys_across),
                values_across: pack(
                    kernels,
                    value,
                    [v.stride, 1],
                    [h.features, count],
                    room.values_across,
                ),
                keys: pack(kernels, key, [1, k.stride], [count, h.width], room.keys),
            }
        }
    }

    /// What a block of queries and one of keys, which are `packed`, give for the slopes of keys and values
    /// (added to what is there where `adds` says so) and for those of queries.
    unsafe fn block(
        &self,
        query: usize,
        key: usize,
        packed: &Packed,
        [of_keys, of_queries]: [bool; 2],
        adds: bool,
    ) {
        let (h, kernels, room) = (self.shared.heads, self.kernels, self.room());
        let (first, first_key) = (query * BLOCK, key * BLOCK);
        let (count, keys) = (BLOCK.min(h.queries - first), BLOCK.min(h.keys - first_key));
        let ahead = if h.causal { first - first_key } else { usize::MAX };
        let sight = Sight { queries: count, keys, ahead };
        let q = self.sides[0];
        let (found, up) = (self.shared.found(3, self.head), self.shared.found(5, self.head));
        let logs = self.shared.reads[4].wrapping_add(self.head * h.queries + first);
        let side = |start: *const f32, stride: usize| Left {
            start,
            rows: count,
            row_stride: stride,
            depth_stride: 1,
        };
        let own = |start: *mut f32| Product { start, stride: SCORES, adds: false };
        // SAFETY: the rows are there; scratch memory has room for a block of each kind; the slopes are the
        // caller's.
        unsafe {
            let queries = side(q.row(first), q.stride);
            multiply(kernels, queries, packed.keys_across, own(room.scores), sight.scores(h.width));
            let adjoints = side(up.row(first), up.stride);
            let to = own(room.slopes);
            multiply(kernels, adjoints, packed.values_across, to, sight.scores(h.features));
            let both = rows(room.scores, count).zip(rows(room.slopes, count));
            for (row, (scores, of_scores)) in both.enumerate() {
                let at =
                    |side: Side<f32>| std::slice::from_raw_parts(side.row(first + row), h.features);
                let mut agreement = 0.0;
                dot(self.isa, at(found), at(up), &mut agreement);
                let log = *logs.wrapping_add(row);
                let seen = sight.seen(row);
                scores[seen..keys].fill(0.0);
                of_scores[seen..keys].fill(0.0);
                let flags = self.shared.flags(self.head, first + row, first_key, seen);
                let query = Query { log, agreement, scale: h.scale as f32 };
                slopes(self.isa, &mut scores[..seen], &mut of_scores[..seen], flags, &query);
            }
            let across =
                |start: *mut f32| Left { start, rows: keys, row_stride: 1, depth_stride: SCORES };
            if of_keys {
                let target = |which: usize| {
                    let (start, stride) = self.shared.slope(which, self.head);
                    Product { start: start.wrapping_add(first_key * stride), stride, adds }
                };
                let sizes = [count, h.features];
                let up = pack(kernels, up.row(first), [1, up.stride], sizes, room.adjoints);
                let reach = sight.over_queries(h.features);
                multiply(kernels, across(room.scores), up, target(2), reach);
                let q = pack(kernels, q.row(first), [1, q.stride], [count, h.width], room.queries);
                let reach = sight.over_queries(h.width);
                multiply(kernels, across(room.slopes), q, target(1), reach);
            }
            if of_queries {
                let (start, stride) = self.shared.slope(0, self.head);
                let start = start.wrapping_add(first * stride);
                let to = Product { start, stride, adds: key > 0 };
                let shares = side(room.slopes, SCORES);
                multiply(kernels, shares, packed.keys, to, sight.over_keys(h.width));
            }
        }
    }
}

/// A row of zeros.
unsafe fn clear(row: *mut f32, width: usize) {
    // SAFETY: the caller's row.
    unsafe { std::slice::from_raw_parts_mut(row, width) }.fill(0.0);
}
