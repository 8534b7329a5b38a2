//! Sums up to each element, along the middle of an array seen as `[outer, size, inner]`.
//!
//! Same bits: the numbers of a column are added one after another, f32 in f64 with each sum rounded
//! once, whatever the threads and the instruction set.
#![allow(unsafe_code)]

use crate::run::pool::{Pool, WorkerPanic};

/// Below so many numbers a second thread costs more than it brings.
const WORTH_THREADS: usize = 32 * 1024;
/// Columns that are summed side by side, so that memory is read along its rows.
const TILE: usize = 128;

/// A number that can be summed.
pub(super) trait Number: Copy + Send + Sync {
    /// The type of the running sum.
    type Sum: Copy;
    const ZERO: Self::Sum;
    fn plus(sum: Self::Sum, x: Self) -> Self::Sum;
    fn rounded(sum: Self::Sum) -> Self;
}

macro_rules! number {
    ($type:ident in $sum:ident, |$a:ident, $b:ident| $plus:expr) => {
        impl Number for $type {
            type Sum = $sum;
            const ZERO: $sum = 0 as $sum;
            #[inline(always)]
            fn plus($a: $sum, $b: $type) -> $sum {
                $plus
            }
            #[inline(always)]
            fn rounded(sum: $sum) -> $type {
                sum as $type
            }
        }
    };
}
number!(f32 in f64, |sum, x| sum + f64::from(x));
number!(f64 in f64, |sum, x| sum + x);
number!(i64 in i64, |sum, x| sum.wrapping_add(x));

/// Where the workers write, each into tiles of its own.
struct Start<T>(*mut T);

// SAFETY: each worker writes only elements of the tiles that it was given.
unsafe impl<T: Send> Sync for Start<T> {}

/// `y[o, j, i]` becomes the sum of `x[o, ..=j, i]`, or of `x[o, j.., i]` where `reverse` says so.
pub(super) fn cumulative_sum<T: Number>(
    pool: &Pool,
    x: &[T],
    [outer, size, inner]: [usize; 3],
    reverse: bool,
    y: &mut [T],
) -> Result<(), WorkerPanic> {
    assert_eq!([x.len(), y.len()], [outer * size * inner; 2], "[outer, size, inner]");
    if y.is_empty() {
        return Ok(());
    }
    if inner == 1 {
        let together = WORTH_THREADS.div_ceil(size) * size;
        return pool.for_each_chunk_mut(y, together, &|first, y| {
            let rows = x[first..first + y.len()].chunks_exact(size);
            for (x, y) in rows.zip(y.chunks_exact_mut(size)) {
                if reverse {
                    sum_row(x.iter().rev().zip(y.iter_mut().rev()));
                } else {
                    sum_row(x.iter().zip(y));
                }
            }
        });
    }
    let width = inner.min(TILE);
    let tiles = inner.div_ceil(TILE);
    let result = Start(y.as_mut_ptr());
    let together = WORTH_THREADS.div_ceil(size * width);
    pool.for_each_chunk(outer * tiles, together, &|range| {
        let result = &result;
        for tile in range {
            let (block, first) = (tile / tiles * size * inner, tile % tiles * TILE);
            let width = (inner - first).min(TILE);
            let mut sums = [T::ZERO; TILE];
            for step in 0..size {
                let row = if reverse { size - 1 - step } else { step };
                let start = block + row * inner + first;
                // SAFETY: `start + width` lies within row `row` of this block, all of which `y`
                // holds, and these columns of the block are this worker's alone.
                let to = unsafe { std::slice::from_raw_parts_mut(result.0.add(start), width) };
                let from = &x[start..start + width];
                for ((sum, to), &x) in sums.iter_mut().zip(to).zip(from) {
                    *sum = T::plus(*sum, x);
                    *to = T::rounded(*sum);
                }
            }
        }
    })
}

#[inline(always)]
fn sum_row<'a, T: Number + 'a>(row: impl Iterator<Item = (&'a T, &'a mut T)>) {
    let mut sum = T::ZERO;
    for (&x, y) in row {
        sum = T::plus(sum, x);
        *y = T::rounded(sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_summed_from_either_end() {
        let many = if cfg!(miri) { 40 } else { 700 };
        for sizes in [[1, 5, 1], [3, 4, 2], [2, 3, TILE + 3], [many, 50, 1], [2, many, 70]] {
            let [outer, size, inner] = sizes;
            let x: Vec<i64> = (0..(outer * size * inner) as i64).map(|i| i * 31 % 17 - 5).collect();
            for (threads, reverse) in [(1, false), (3, false), (3, true)] {
                let mut y = vec![i64::MIN; x.len()];
                cumulative_sum(&Pool::new(threads), &x, sizes, reverse, &mut y).unwrap();
                for (e, &sum) in y.iter().enumerate() {
                    let (block, j, i) = (e / (size * inner), e / inner % size, e % inner);
                    let summed = if reverse { j..size } else { 0..j + 1 };
                    let want: i64 = summed.map(|j| x[(block * size + j) * inner + i]).sum();
                    assert_eq!(sum, want, "{sizes:?} {reverse} [{e}]");
                }
            }
        }
    }
}
