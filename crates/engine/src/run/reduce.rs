//! Sums, maxima and minima over one axis of an array seen as `[outer, reduced, inner]`.
//!
//! Same bits: the order of additions depends on `reduced` and on whether `inner` is 1, and on nothing
//! else, so any number of threads and any instruction set give the same result.
//!
//! - `inner == 1`, numbers side by side: blocks of [`BLOCK`] numbers; in each block [`LANES`] sums,
//!   sum `l` of the numbers `l, l + LANES, …` in order; these are added in pairs `l, l + 8`, then
//!   `l, l + 4` and so on; the sums of the blocks are added in order. This is also more precise than
//!   one long chain (Higham, "Accuracy and Stability of Numerical Algorithms", 4.2: blocked sums).
//! - `inner > 1`: row after row.
#![allow(unsafe_code)]

#[cfg(test)]
mod tests;

use super::isa::Isa;
use super::pool::{Pool, WorkerPanic};
use super::vector::for_each_isa;
use crate::op::Reduction;

/// Numbers in a block of a contiguous reduction.
pub(crate) const BLOCK: usize = 4096;
/// Sums kept side by side within a block.
const LANES: usize = 16;
/// Blocks or rows reduced together, so that their chains of additions overlap.
const TOGETHER: usize = 4;
/// Outputs of a strided reduction worked on at a time: they stay in the first-level cache.
const TILE: usize = 1024;
/// Below so many numbers a second thread costs more than it brings.
const WORTH_THREADS: usize = 32 * 1024;
/// At least so many numbers lie between two workers that keep writing to their outputs.
const CACHE_LINE: usize = 64;
/// From so many blocks on, few long rows are shared out by blocks instead of rows.
const WORTH_PARTIALS: usize = 16;

/// A number that can be reduced.
pub(crate) trait Number: Copy + Send + Sync + 'static {
    /// 0.
    const ZERO: Self;
    /// The number below all others.
    const LOWEST: Self;
    /// The number above all others.
    const HIGHEST: Self;
    /// The sum; integers wrap around.
    fn plus(self, other: Self) -> Self;
    /// The larger; NaN if one is NaN.
    fn larger(self, other: Self) -> Self;
    /// The smaller; NaN if one is NaN.
    fn smaller(self, other: Self) -> Self;
}

macro_rules! float {
    ($type:ident) => {
        impl Number for $type {
            const ZERO: Self = 0.0;
            const LOWEST: Self = $type::NEG_INFINITY;
            const HIGHEST: Self = $type::INFINITY;
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self + other
            }
            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                // A NaN in `other` fails the comparison, which chooses it.
                if self > other || self.is_nan() { self } else { other }
            }
            #[inline(always)]
            fn smaller(self, other: Self) -> Self {
                if self < other || self.is_nan() { self } else { other }
            }
        }
    };
}
float!(f32);
float!(f64);

impl Number for i64 {
    const ZERO: Self = 0;
    const LOWEST: Self = i64::MIN;
    const HIGHEST: Self = i64::MAX;
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        self.max(other)
    }
    #[inline(always)]
    fn smaller(self, other: Self) -> Self {
        self.min(other)
    }
}

/// A [`Reduction`] known to the compiler.
trait Fold<T> {
    const START: T;
    fn combine(a: T, b: T) -> T;
}

struct Sum;
struct Max;
struct Min;

impl<T: Number> Fold<T> for Sum {
    const START: T = T::ZERO;
    #[inline(always)]
    fn combine(a: T, b: T) -> T {
        a.plus(b)
    }
}

impl<T: Number> Fold<T> for Max {
    const START: T = T::LOWEST;
    #[inline(always)]
    fn combine(a: T, b: T) -> T {
        a.larger(b)
    }
}

impl<T: Number> Fold<T> for Min {
    const START: T = T::HIGHEST;
    #[inline(always)]
    fn combine(a: T, b: T) -> T {
        a.smaller(b)
    }
}

/// The array that is reduced, `[outer, reduced, inner]`, row-major without gaps.
#[derive(Clone, Copy)]
struct Axis<'a, T> {
    input: &'a [T],
    reduced: usize,
    inner: usize,
}

/// The sum of a slice.
#[cfg(test)]
pub(crate) fn sum<T: Number>(isa: Isa, values: &[T]) -> T {
    reduce_slice(isa, Reduction::Sum, values)
}

/// The largest number of a slice, NaN if it holds one.
#[cfg(test)]
pub(crate) fn max<T: Number>(isa: Isa, values: &[T]) -> T {
    reduce_slice(isa, Reduction::Max, values)
}

/// The smallest number of a slice, NaN if it holds one.
#[cfg(test)]
pub(crate) fn min<T: Number>(isa: Isa, values: &[T]) -> T {
    reduce_slice(isa, Reduction::Min, values)
}

/// One number made of a slice, on the calling thread.
pub(crate) fn reduce_slice<T: Number>(isa: Isa, reduction: Reduction, values: &[T]) -> T {
    isa.assert_available();
    let mut output = [T::ZERO];
    let axis = Axis { input: values, reduced: values.len(), inner: 1 };
    dispatch(isa, reduction, axis, 0, &mut output);
    output[0]
}

for_each_isa! {
    /// Adds rows, as long as there are sums, to the sums, row after row.
    add_rows<T: Number>(sums: &mut [T], rows: &[T]) = add_rows_body
}

#[inline(always)]
fn add_rows_body<const FMA: bool, const SET: u8, T: Number>(sums: &mut [T], rows: &[T]) {
    let columns = sums.len();
    let whole = columns - columns % LANES;
    // Sums of some columns stay in registers over all rows.
    for first in (0..whole).step_by(LANES) {
        let mut held = [T::ZERO; LANES];
        held.copy_from_slice(&sums[first..first + LANES]);
        for row in rows.chunks_exact(columns) {
            for (sum, &value) in held.iter_mut().zip(&row[first..first + LANES]) {
                *sum = sum.plus(value);
            }
        }
        sums[first..first + LANES].copy_from_slice(&held);
    }
    if whole < columns {
        for row in rows.chunks_exact(columns) {
            for (sum, &value) in sums[whole..].iter_mut().zip(&row[whole..]) {
                *sum = sum.plus(value);
            }
        }
    }
}

/// How many numbers of scratch memory [`reduce`] needs: one for each block of a very long row.
pub(crate) fn partials_len(outer: usize, reduced: usize, inner: usize) -> usize {
    let blocks = reduced.div_ceil(BLOCK);
    if inner == 1 && outer < TOGETHER && blocks >= WORTH_PARTIALS { blocks } else { 0 }
}

/// Reduces the middle axis: `output[outer, inner]` from `input[outer, reduced, inner]`.
///
/// `partials` has at least [`partials_len`]`(outer, reduced, inner)` numbers; what it holds does not
/// matter. Panics if lengths do not fit or `isa` is not available: those are mistakes of the caller.
pub(crate) fn reduce<T: Number>(
    isa: Isa,
    pool: &Pool,
    reduction: Reduction,
    input: &[T],
    [outer, reduced, inner]: [usize; 3],
    output: &mut [T],
    partials: &mut [T],
) -> Result<(), WorkerPanic> {
    isa.assert_available();
    assert_eq!(Some(output.len()), outer.checked_mul(inner), "the output is [outer, inner]");
    assert_eq!(Some(input.len()), output.len().checked_mul(reduced), "[outer, reduced, inner]");
    if output.is_empty() {
        return Ok(());
    }
    let axis = Axis { input, reduced, inner };
    if input.len() < WORTH_THREADS || pool.threads() == 1 {
        dispatch(isa, reduction, axis, 0, output);
        return Ok(());
    }
    let blocks = partials_len(outer, reduced, inner);
    if blocks == 0 {
        let share = output.len().div_ceil(pool.threads());
        // Columns are summed up in the output itself: workers must not write to one cache line.
        let share = if inner == 1 { share } else { share.next_multiple_of(CACHE_LINE) };
        return pool.for_each_chunk_mut(output, share, &|first, output| {
            dispatch(isa, reduction, axis, first, output);
        });
    }
    let partials = &mut partials[..blocks];
    for (row, output) in input.chunks_exact(reduced).zip(output) {
        let share = blocks.div_ceil(pool.threads());
        pool.for_each_chunk_mut(partials, share, &|first, partials| {
            // Every whole block is a row; the last may be shorter.
            let row = &row[first * BLOCK..row.len().min((first + partials.len()) * BLOCK)];
            let whole = row.len() / BLOCK;
            let blocks = Axis { input: &row[..whole * BLOCK], reduced: BLOCK, inner: 1 };
            dispatch(isa, reduction, blocks, 0, &mut partials[..whole]);
            if let Some(last) = partials.get_mut(whole) {
                *last = reduce_slice(isa, reduction, &row[whole * BLOCK..]);
            }
        })?;
        *output = in_order(reduction, partials);
    }
    Ok(())
}

/// The sums of blocks, added in order.
fn in_order<T: Number>(reduction: Reduction, partials: &[T]) -> T {
    fn fold<T: Number, F: Fold<T>>(partials: &[T]) -> T {
        partials.iter().fold(F::START, |total, &partial| F::combine(total, partial))
    }
    match reduction {
        Reduction::Sum => fold::<T, Sum>(partials),
        Reduction::Max => fold::<T, Max>(partials),
        Reduction::Min => fold::<T, Min>(partials),
    }
}

/// Computes the outputs from flat index `first` on, with code compiled for `isa`, which the caller
/// has found available.
fn dispatch<T: Number>(
    isa: Isa,
    reduction: Reduction,
    axis: Axis<'_, T>,
    first: usize,
    output: &mut [T],
) {
    match reduction {
        Reduction::Sum => for_isa::<T, Sum>(isa, axis, first, output),
        Reduction::Max => for_isa::<T, Max>(isa, axis, first, output),
        Reduction::Min => for_isa::<T, Min>(isa, axis, first, output),
    }
}

fn for_isa<T: Number, F: Fold<T>>(isa: Isa, axis: Axis<'_, T>, first: usize, output: &mut [T]) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn avx2<T: Number, F: Fold<T>>(axis: Axis<'_, T>, first: usize, output: &mut [T]) {
        reduce_outputs::<T, F>(axis, first, output);
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn avx512<T: Number, F: Fold<T>>(axis: Axis<'_, T>, first: usize, output: &mut [T]) {
        reduce_outputs::<T, F>(axis, first, output);
    }
    match isa {
        // SAFETY: the public functions above have asserted that the set is available.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2::<T, F>(axis, first, output) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512::<T, F>(axis, first, output) },
        _ => reduce_outputs::<T, F>(axis, first, output),
    }
}

/// Computes the outputs from flat index `first` on.
#[inline(always)]
fn reduce_outputs<T: Number, F: Fold<T>>(axis: Axis<'_, T>, first: usize, output: &mut [T]) {
    let Axis { input, reduced, inner } = axis;
    if inner == 1 {
        return reduce_rows::<T, F>(&input[first * reduced..], reduced, output);
    }
    let mut done = 0;
    while done < output.len() {
        let (outer, column) = ((first + done) / inner, (first + done) % inner);
        let count = (inner - column).min(output.len() - done).min(TILE);
        let rows = &input[outer * reduced * inner..(outer + 1) * reduced * inner];
        reduce_columns::<T, F>(rows, inner, column, &mut output[done..done + count]);
        done += count;
    }
}

/// Reduces contiguous rows of `reduced` numbers each, one for every output.
#[inline(always)]
fn reduce_rows<T: Number, F: Fold<T>>(rows: &[T], reduced: usize, output: &mut [T]) {
    if reduced > BLOCK {
        for (index, output) in output.iter_mut().enumerate() {
            *output = reduce_long::<T, F>(&rows[index * reduced..(index + 1) * reduced]);
        }
        return;
    }
    let row = |index: usize| &rows[index * reduced..(index + 1) * reduced];
    let (groups, rest) = output.as_chunks_mut::<TOGETHER>();
    let grouped = groups.len() * TOGETHER;
    for (group, output) in groups.iter_mut().enumerate() {
        *output = reduce_blocks::<T, F>(std::array::from_fn(|i| row(group * TOGETHER + i)));
    }
    for (index, output) in rest.iter_mut().enumerate() {
        *output = reduce_block::<T, F>(row(grouped + index));
    }
}

/// Reduces one row of several blocks.
#[inline(always)]
fn reduce_long<T: Number, F: Fold<T>>(row: &[T]) -> T {
    let mut total = F::START;
    let groups = row.chunks_exact(BLOCK * TOGETHER);
    let rest = groups.remainder();
    for group in groups {
        let blocks = std::array::from_fn(|i| &group[i * BLOCK..(i + 1) * BLOCK]);
        for block in reduce_blocks::<T, F>(blocks) {
            total = F::combine(total, block);
        }
    }
    for block in rest.chunks(BLOCK) {
        total = F::combine(total, reduce_block::<T, F>(block));
    }
    total
}

/// Combines each lane with its number of a group.
#[inline(always)]
fn combine_lanes<T: Number, F: Fold<T>>(lanes: &mut [T; LANES], values: &[T; LANES]) {
    for (lane, &value) in lanes.iter_mut().zip(values) {
        *lane = F::combine(*lane, value);
    }
}

/// The rest of a block that fills no group, and the pairs of lanes.
#[inline(always)]
fn finish_lanes<T: Number, F: Fold<T>>(mut lanes: [T; LANES], rest: &[T]) -> T {
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane = F::combine(*lane, value);
    }
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = F::combine(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// Reduces one block.
#[inline(always)]
fn reduce_block<T: Number, F: Fold<T>>(block: &[T]) -> T {
    let (groups, rest) = block.as_chunks();
    let mut lanes = [F::START; LANES];
    for values in groups {
        combine_lanes::<T, F>(&mut lanes, values);
    }
    finish_lanes::<T, F>(lanes, rest)
}

/// Reduces four blocks of the same length, each as [`reduce_block`] does. Spelled out, because the
/// compiler keeps the lanes in registers only if each block's have a name.
#[inline(always)]
fn reduce_blocks<T: Number, F: Fold<T>>(blocks: [&[T]; TOGETHER]) -> [T; TOGETHER] {
    let [(a, rest_a), (b, rest_b), (c, rest_c), (d, rest_d)] =
        blocks.map(|block| block.as_chunks::<LANES>());
    let [mut lanes_a, mut lanes_b, mut lanes_c, mut lanes_d] = [[F::START; LANES]; TOGETHER];
    for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
        combine_lanes::<T, F>(&mut lanes_a, a);
        combine_lanes::<T, F>(&mut lanes_b, b);
        combine_lanes::<T, F>(&mut lanes_c, c);
        combine_lanes::<T, F>(&mut lanes_d, d);
    }
    [
        finish_lanes::<T, F>(lanes_a, rest_a),
        finish_lanes::<T, F>(lanes_b, rest_b),
        finish_lanes::<T, F>(lanes_c, rest_c),
        finish_lanes::<T, F>(lanes_d, rest_d),
    ]
}

/// Reduces columns `column..column + output.len()` of `rows`, which are `inner` numbers long.
#[inline(always)]
fn reduce_columns<T: Number, F: Fold<T>>(
    rows: &[T],
    inner: usize,
    column: usize,
    output: &mut [T],
) {
    let count = output.len();
    output.fill(F::START);
    // Four rows at a time, so that the outputs are read and written a quarter as often.
    let groups = rows.chunks_exact(4 * inner);
    let rest = groups.remainder();
    for group in groups {
        let row = |index: usize| &group[index * inner + column..][..count];
        let (a, b, c, d) = (row(0), row(1), row(2), row(3));
        for ((((output, &a), &b), &c), &d) in output.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *output = F::combine(F::combine(F::combine(F::combine(*output, a), b), c), d);
        }
    }
    for row in rest.chunks_exact(inner) {
        for (output, &value) in output.iter_mut().zip(&row[column..][..count]) {
            *output = F::combine(*output, value);
        }
    }
}
