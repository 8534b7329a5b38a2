//! Attention in f32.
#![allow(unsafe_code)]

use super::block::{
    Left, Product, Sight, Softened, multiply, pack, packed_len, rows, scale, soften,
};
use super::{BLOCK, SCORES, Shared, share};
use crate::run::isa::Isa;
use crate::run::matmul::kernel::Kernels;
use crate::run::pool::{Pool, WorkerPanic};

/// Attention; a worker takes a block of one head's queries at a time.
pub(super) fn forth(
    isa: Isa,
    kernels: &Kernels,
    pool: &Pool,
    shared: &Shared<'_, f32>,
) -> Result<(), WorkerPanic> {
    let h = shared.heads;
    let blocks = h.queries.div_ceil(BLOCK);
    share(pool, h, h.batch * h.heads * blocks, &|worker, item| {
        let (head, first) = (item / blocks, item % blocks * BLOCK);
        let scratch = shared.scratch.wrapping_add(worker * shared.len);
        // SAFETY: the regions have been proved to hold what `heads` says; these rows are this item's
        // alone, and the scratch memory is this worker's, as long as `worker_len`.
        unsafe { queries(isa, kernels, shared, head, first, scratch) }
    })
}

/// One block of a head's queries.
unsafe fn queries(
    isa: Isa,
    kernels: &Kernels,
    shared: &Shared<'_, f32>,
    head: usize,
    first: usize,
    scratch: *mut f32,
) {
    let h = shared.heads;
    let count = BLOCK.min(h.queries - first);
    let (result, stride) = shared.result(head);
    let result = result.wrapping_add(first * stride);
    let logs = shared.writes[1].wrapping_add(head * h.queries + first);
    // SAFETY: rows of this item, which lie apart.
    let found = |query: usize| unsafe {
        std::slice::from_raw_parts_mut(result.wrapping_add(query * stride), h.features)
    };
    if h.keys == 0 {
        for query in 0..count {
            found(query).fill(0.0);
            // SAFETY: this item's.
            unsafe { *logs.wrapping_add(query) = f32::NEG_INFINITY };
        }
        return;
    }
    let scores = scratch;
    let packed_k = scores.wrapping_add(BLOCK * SCORES);
    let packed_v = packed_k.wrapping_add(h.width * BLOCK);
    let known = packed_v.wrapping_add(packed_len(h.features));
    // SAFETY: the end of this worker's memory: two numbers for each query of a block.
    let (largest, sums) = unsafe {
        let known = std::slice::from_raw_parts_mut(known, 2 * BLOCK);
        known.split_at_mut(BLOCK)
    };
    let [q, k, v] = [0, 1, 2].map(|which| shared.read(which, head));
    let last = h.seen(first + count - 1);
    for key in (0..last).step_by(BLOCK) {
        let keys = BLOCK.min(last - key);
        let ahead = if h.causal { first - key } else { usize::MAX };
        let sight = Sight { queries: count, keys, ahead };
        // SAFETY: these rows are there, and the memory has room: `scores` and `packed_k` for a block,
        // `packed_v` for its values.
        unsafe {
            let k = pack(kernels, k.row(key), [k.stride, 1], [h.width, keys], packed_k);
            let v = pack(kernels, v.row(key), [1, v.stride], [keys, h.features], packed_v);
            let queries =
                Left { start: q.row(first), rows: count, row_stride: q.stride, depth_stride: 1 };
            let to = Product { start: scores, stride: SCORES, adds: false };
            multiply(kernels, queries, k, to, sight.scores(h.width));
            for (query, row) in rows(scores, count).enumerate() {
                let seen = sight.seen(query);
                let (row, hidden) = row[..keys].split_at_mut(seen);
                hidden.fill(0.0);
                let mut known = match key {
                    0 => Softened { largest: f32::MIN, sum: 0.0, by: 1.0 },
                    _ => Softened { largest: largest[query], sum: sums[query], by: 1.0 },
                };
                let flags = shared.flags(head, first + query, key, seen);
                soften(isa, row, flags, h.scale as f32, &mut known);
                (largest[query], sums[query]) = (known.largest, known.sum);
                if key > 0 && known.by != 1.0 {
                    scale(isa, found(query), known.by);
                }
            }
            let shares = Left { start: scores, rows: count, row_stride: SCORES, depth_stride: 1 };
            let to = Product { start: result, stride, adds: key > 0 };
            multiply(kernels, shares, v, to, sight.over_keys(h.features));
        }
    }
    for query in 0..count {
        if sums[query] != 0.0 {
            scale(isa, found(query), 1.0 / sums[query]);
        }
        let log = f64::from(largest[query]) + f64::from(sums[query]).ln();
        // SAFETY: this item's.
        unsafe { *logs.wrapping_add(query) = log as f32 };
    }
}
