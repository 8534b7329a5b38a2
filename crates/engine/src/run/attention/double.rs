//! Attention and its derivative in f64: plain loops, for gradient checks.
#![allow(unsafe_code)]

use super::{Flags, Shared, Side, share};
use crate::plan::kernel::Region;
use crate::run::pool::{Pool, WorkerPanic};

/// Row `index` of a side.
unsafe fn row<'a>(side: Side<f64>, index: usize, width: usize) -> &'a [f64] {
    // SAFETY: the caller's row.
    unsafe { std::slice::from_raw_parts(side.row(index), width) }
}

unsafe fn row_mut<'a>(
    (start, stride): (*mut f64, usize),
    index: usize,
    width: usize,
) -> &'a mut [f64] {
    // SAFETY: the caller's row, which nobody else accesses.
    unsafe { std::slice::from_raw_parts_mut(start.wrapping_add(index * stride), width) }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], from: &[f64], by: f64) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += by * from);
}

/// The keys that a query sees, by number.
fn seen<'a>(
    shared: &'a Shared<'_, f64>,
    head: usize,
    query: usize,
) -> impl Iterator<Item = usize> + 'a {
    let count = shared.heads.seen(query);
    let flags = shared.flags(head, query, 0, count);
    (0..count).filter(move |&key| match flags {
        Flags::All(seen) => seen,
        Flags::Each(flags) => flags[key] != 0,
    })
}

/// Attention, query by query.
pub(super) fn forth(pool: &Pool, shared: &Shared<'_, f64>) -> Result<(), WorkerPanic> {
    let h = shared.heads;
    share(pool, h, h.batch * h.heads * h.queries, &|_, item| {
        let (head, query) = (item / h.queries, item % h.queries);
        let [q, k, v] = [0, 1, 2].map(|which| shared.read(which, head));
        // SAFETY: the regions have been proved to hold what `heads` says; the query's row is this item's.
        unsafe {
            let q = row(q, query, h.width);
            let score = |key: usize| dot(q, row(k, key, h.width)) * h.scale;
            let largest = seen(shared, head, query).map(score).fold(f64::from(f32::MIN), f64::max);
            let found = row_mut(shared.result(head), query, h.features);
            found.fill(0.0);
            let mut sum = 0.0;
            for key in seen(shared, head, query) {
                let power = (score(key) - largest).exp();
                sum += power;
                add(found, row(v, key, h.features), power);
            }
            if sum != 0.0 {
                found.iter_mut().for_each(|x| *x /= sum);
            }
            *shared.writes[1].wrapping_add(item) = largest + sum.ln();
        }
    })
}

/// The derivative, head by head.
pub(super) fn back(
    pool: &Pool,
    shared: &Shared<'_, f64>,
    writes: &[Region],
) -> Result<(), WorkerPanic> {
    let h = shared.heads;
    for (region, write) in writes.iter().zip(shared.writes) {
        // SAFETY: the region's numbers, which nobody else accesses.
        unsafe { std::slice::from_raw_parts_mut(write, region.elements) }.fill(0.0);
    }
    share(pool, h, h.batch * h.heads, &|_, head| {
        let [q, k, v] = [0, 1, 2].map(|which| shared.read(which, head));
        let (found, up) = (shared.found(3, head), shared.found(5, head));
        for query in 0..h.queries {
            // SAFETY: the regions have been proved to hold what `heads` says; a head's rows are this
            // item's.
            unsafe {
                let q = row(q, query, h.width);
                let up = row(up, query, h.features);
                let agreement = dot(row(found, query, h.features), up);
                let log = *shared.reads[4].wrapping_add(head * h.queries + query);
                let of_q = row_mut(shared.slope(0, head), query, h.width);
                for key in seen(shared, head, query) {
                    let (k, v) = (row(k, key, h.width), row(v, key, h.features));
                    let share = (dot(q, k) * h.scale - log).exp();
                    let slope = share * (dot(up, v) - agreement) * h.scale;
                    add(of_q, k, slope);
                    add(row_mut(shared.slope(1, head), key, h.width), q, slope);
                    add(row_mut(shared.slope(2, head), key, h.features), up, share);
                }
            }
        }
    })
}
