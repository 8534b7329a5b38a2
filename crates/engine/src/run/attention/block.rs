//! Products of a block, on the register kernels, and what is done with rows of scores.
#![allow(unsafe_code)]

use super::{BLOCK, Flags, SCORES};
use crate::run::isa::Isa;
use crate::run::math;
use crate::run::matmul::kernel::{Kernels, Panel, Tile};
use crate::run::pool::share_of;
use crate::run::vector::for_each_isa;
use std::ops::Range;

/// Numbers of a packed factor of `BLOCK` rows of so many columns, whatever the instruction set.
pub(super) fn packed_len(columns: usize) -> usize {
    columns.saturating_add(15).saturating_mul(BLOCK)
}

/// A factor on the right: `depth` rows of `columns`, packed panel after panel.
#[derive(Clone, Copy)]
pub(super) struct Right {
    start: *const f32,
    depth: usize,
    columns: usize,
}

/// Packs a factor: column `i` of row `p` lies at `source[i · column_stride + p · row_stride]`, where one
/// stride is 1.
///
/// # Safety
///
/// The source can be read, and `target` has room for `depth` rows of `columns` up to whole vectors of 16.
pub(super) unsafe fn pack(
    kernels: &Kernels,
    source: *const f32,
    [column_stride, row_stride]: [usize; 2],
    [depth, columns]: [usize; 2],
    target: *mut f32,
) -> Right {
    for first in (0..columns).step_by(kernels.width()) {
        let lanes = (columns - first).min(kernels.width());
        let panel = Panel {
            source: source.wrapping_add(first * column_stride),
            lane_stride: column_stride,
            depth_stride: row_stride,
            lanes,
            depth,
            target: target.wrapping_add(first * depth),
            width: lanes.next_multiple_of(kernels.lanes),
        };
        // SAFETY: passed on; the width is whole vectors, so no more is written.
        unsafe { (kernels.pack)(&panel) }
    }
    Right { start: target, depth, columns }
}

/// A factor on the left: row `i`, depth `p` at `start[i · row_stride + p · depth_stride]`.
#[derive(Clone, Copy)]
pub(super) struct Left {
    pub start: *const f32,
    pub rows: usize,
    pub row_stride: usize,
    pub depth_stride: usize,
}

/// A product: row `i` at `start + i · stride`.
#[derive(Clone, Copy)]
pub(super) struct Product {
    pub start: *mut f32,
    pub stride: usize,
    /// Whether it is added to what is there.
    pub adds: bool,
}

/// `c = a · b`, or added to it. For rows that are computed together, `reach` says how many of the columns,
/// and what part of the depth, count.
///
/// # Safety
///
/// The instruction set of `kernels` is available, and the factors and the product are valid as far as
/// they are reached.
pub(super) unsafe fn multiply(
    kernels: &Kernels,
    a: Left,
    b: Right,
    c: Product,
    reach: impl Fn(Range<usize>) -> (usize, Range<usize>),
) {
    let groups = a.rows.div_ceil(kernels.rows);
    let adjacent = a.row_stride == 1;
    for first in (0..b.columns).step_by(kernels.width()) {
        let panel = (b.columns - first).min(kernels.width());
        let padded = panel.next_multiple_of(kernels.lanes);
        for rows in (0..groups).map(|group| share_of(a.rows, groups, group)) {
            let (columns, depth) = reach(rows.clone());
            let columns = panel.min(columns.saturating_sub(first));
            if columns == 0 || c.adds && depth.is_empty() {
                continue;
            }
            let from = a.start.wrapping_add(rows.start * a.row_stride);
            let tile = Tile {
                depth: depth.len(),
                a: from.wrapping_add(depth.start * a.depth_stride),
                a_row_stride: a.row_stride,
                a_depth_stride: a.depth_stride,
                b: b.start.wrapping_add(first * b.depth + depth.start * padded),
                b_depth_stride: padded,
                c: c.start.wrapping_add(rows.start * c.stride + first),
                c_row_stride: c.stride,
                columns,
                accumulate: c.adds,
            };
            let vectors = columns.div_ceil(kernels.lanes);
            // SAFETY: the caller's promise; the packed panel has full vectors.
            unsafe { kernels.micro(rows.len(), vectors, adjacent)(&tile) }
        }
    }
}

/// How far the queries of a block see the keys of another, under a causal mask or none.
#[derive(Clone, Copy)]
pub(super) struct Sight {
    pub queries: usize,
    pub keys: usize,
    /// Keys that the block's first query sees beside the first; all, without a causal mask.
    pub ahead: usize,
}

impl Sight {
    /// Keys that a query of the block sees: the first ones.
    pub fn seen(&self, query: usize) -> usize {
        self.keys.min(self.ahead.saturating_add(query + 1))
    }

    /// Of a product with a row a query and a column a key.
    pub fn scores(self, width: usize) -> impl Fn(Range<usize>) -> (usize, Range<usize>) {
        move |rows| (self.seen(rows.end - 1), 0..width)
    }

    /// Of a product with a row a query that sums over keys.
    pub fn over_keys(self, columns: usize) -> impl Fn(Range<usize>) -> (usize, Range<usize>) {
        move |rows| (columns, 0..self.seen(rows.end - 1))
    }

    /// Of a product with a row a key that sums over queries.
    pub fn over_queries(self, columns: usize) -> impl Fn(Range<usize>) -> (usize, Range<usize>) {
        move |rows| (columns, rows.start.saturating_sub(self.ahead).min(self.queries)..self.queries)
    }
}

/// The rows of a block of scores.
///
/// # Safety
///
/// `scores` is valid for so many rows, and nobody else accesses them.
pub(super) unsafe fn rows<'a>(
    scores: *mut f32,
    count: usize,
) -> impl Iterator<Item = &'a mut [f32]> {
    // SAFETY: the caller's promise; rows do not overlap.
    (0..count).map(move |row| unsafe {
        std::slice::from_raw_parts_mut(scores.wrapping_add(row * SCORES), BLOCK)
    })
}

/// What is known of a query so far.
pub(super) struct Softened {
    /// Its largest score, or the least number.
    pub largest: f32,
    /// The sum of its powers.
    pub sum: f32,
    /// What the sum was multiplied with, and what was found is to be.
    pub by: f32,
}

/// The scores that are hidden become −∞.
#[inline(always)]
fn hide(scores: &mut [f32], flags: Flags<'_>) {
    match flags {
        Flags::All(true) => {}
        Flags::All(false) => scores.fill(f32::NEG_INFINITY),
        Flags::Each(flags) => {
            for (score, &flag) in scores.iter_mut().zip(flags) {
                *score = if flag != 0 { *score } else { f32::NEG_INFINITY };
            }
        }
    }
}

/// Lanes of a sum or of a search for the largest.
const LANES: usize = 16;

/// The lanes, by halves.
#[inline(always)]
fn combine(mut lanes: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = f(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn soften_body<const FMA: bool, const SET: u8>(
    scores: &mut [f32],
    flags: Flags<'_>,
    scale: f32,
    known: &mut Softened,
) {
    for score in scores.iter_mut() {
        *score *= scale;
    }
    hide(scores, flags);
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [known.largest; LANES];
    let (whole, rest) = scores.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, &score) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, score);
        }
    }
    for (lane, &score) in lanes.iter_mut().zip(rest) {
        *lane = larger(*lane, score);
    }
    let largest = combine(lanes, larger);
    for score in scores.iter_mut() {
        *score = math::exp::<FMA>(*score - largest);
    }
    let mut lanes = [0.0; LANES];
    let (whole, rest) = scores.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, &power) in lanes.iter_mut().zip(chunk) {
            *lane += power;
        }
    }
    for (lane, &power) in lanes.iter_mut().zip(rest) {
        *lane += power;
    }
    let by = math::exp::<FMA>(known.largest - largest);
    let sum = known.sum * by + combine(lanes, |a, b| a + b);
    *known = Softened { largest, sum, by };
}
for_each_isa! {
    /// Scores to powers against the largest of the query's so far.
    soften<>(scores: &mut [f32], flags: Flags<'_>, scale: f32, known: &mut Softened) = soften_body
}

/// A query's logarithm of the sum, and the product of what it found and its adjoint.
pub(super) struct Query {
    pub log: f32,
    pub agreement: f32,
    pub scale: f32,
}

#[inline(always)]
fn slopes_body<const FMA: bool, const SET: u8>(
    scores: &mut [f32],
    slopes: &mut [f32],
    flags: Flags<'_>,
    query: &Query,
) {
    // Nobody is seen: each power is 0.
    let log = if query.log == f32::NEG_INFINITY { f32::INFINITY } else { query.log };
    for score in scores.iter_mut() {
        *score *= query.scale;
    }
    hide(scores, flags);
    for (score, slope) in scores.iter_mut().zip(slopes) {
        let share = math::exp::<FMA>(*score - log);
        *score = share;
        *slope = share * (*slope - query.agreement) * query.scale;
    }
}
for_each_isa! {
    /// Scores to shares, and slopes of shares to slopes of products of queries and keys.
    slopes<>(scores: &mut [f32], slopes: &mut [f32], flags: Flags<'_>, query: &Query) = slopes_body
}

#[inline(always)]
fn dot_body<const FMA: bool, const SET: u8>(a: &[f32], b: &[f32], sum: &mut f32) {
    let mut lanes = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    for ((lane, a), b) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
        *lane += a * b;
    }
    *sum = combine(lanes, |a, b| a + b);
}
for_each_isa! {
    /// The sum of products.
    dot<>(a: &[f32], b: &[f32], sum: &mut f32) = dot_body
}

#[inline(always)]
fn scale_body<const FMA: bool, const SET: u8>(x: &mut [f32], by: f32) {
    for x in x {
        *x *= by;
    }
}
for_each_isa! {
    /// Multiplies all.
    scale<>(x: &mut [f32], by: f32) = scale_body
}
