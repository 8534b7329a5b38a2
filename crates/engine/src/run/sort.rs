//! Sorting along one axis of an array seen as `[outer, size, inner]`.
//!
//! Each number becomes an unsigned key in the same order, and key and index together one entry: no two
//! entries are equal, so any sorting of them is stable, and the result depends on nothing else.
#![allow(unsafe_code)]

use crate::plan::kernel::Sort;
use crate::run::pool::{Pool, WorkerPanic, share_of};

/// A number that can be sorted.
pub(super) trait Sortable: Copy + Send + Sync {
    /// A place in the order, as large as [`Sort::words`] says.
    type Entry: Ord + Copy + Send;
    /// The number at `index`, NaN above all others, −0 as 0; descending, the other way round.
    fn entry(self, index: usize, descending: bool) -> Self::Entry;
    /// The index of an entry.
    fn index(entry: Self::Entry) -> usize;
    /// Memory as entries.
    fn entries(room: &mut [u64]) -> &mut [Self::Entry];
}

impl Sortable for f32 {
    type Entry = u64;
    #[inline(always)]
    fn entry(self, index: usize, descending: bool) -> u64 {
        let bits = (self + 0.0).to_bits();
        let key = match self.is_nan() {
            true => u32::MAX,
            false if bits >> 31 == 1 => !bits,
            false => bits | 1 << 31,
        };
        let key = if descending { !key } else { key };
        u64::from(key) << 32 | index as u64
    }
    #[inline(always)]
    fn index(entry: u64) -> usize {
        entry as u32 as usize
    }
    fn entries(room: &mut [u64]) -> &mut [u64] {
        room
    }
}

macro_rules! wide {
    ($type:ident, |$x:ident| $key:expr) => {
        impl Sortable for $type {
            type Entry = [u64; 2];
            #[inline(always)]
            fn entry(self, index: usize, descending: bool) -> [u64; 2] {
                let $x = self;
                let key: u64 = $key;
                [if descending { !key } else { key }, index as u64]
            }
            #[inline(always)]
            fn index(entry: [u64; 2]) -> usize {
                entry[1] as usize
            }
            fn entries(room: &mut [u64]) -> &mut [[u64; 2]] {
                room.as_chunks_mut().0
            }
        }
    };
}
wide!(f64, |x| {
    let bits = (x + 0.0).to_bits();
    match x.is_nan() {
        true => u64::MAX,
        false if bits >> 63 == 1 => !bits,
        false => bits | 1 << 63,
    }
});
wide!(i64, |x| x as u64 ^ 1 << 63);

/// Where the workers write, each into columns of its own.
struct Results<T>(*mut T, *mut i64);

// SAFETY: each worker writes only elements of the columns that it was given.
unsafe impl<T: Send> Sync for Results<T> {}

/// Writes the first `count` of each column in order, and their indices. `room` holds the entries of
/// one column for each part.
pub(super) fn sort<T: Sortable>(
    pool: &Pool,
    s: &Sort,
    x: &[T],
    values: &mut [T],
    indices: &mut [i64],
    room: &mut [u64],
) -> Result<(), WorkerPanic> {
    let Sort { outer, size, inner, count, descending, parts } = *s;
    if values.is_empty() {
        return Ok(());
    }
    assert_eq!(x.len(), outer * size * inner, "[outer, size, inner]");
    assert_eq!([values.len(), indices.len()], [outer * count * inner; 2], "[outer, count, inner]");
    let words = room.len() / parts;
    let results = Results(values.as_mut_ptr(), indices.as_mut_ptr());
    pool.for_each_chunk_mut(room, words, &|first, room| {
        let results = &results;
        let entries = &mut T::entries(room)[..size];
        for column in share_of(outer * inner, parts, first / words) {
            let (o, i) = (column / inner, column % inner);
            let numbers = x[o * size * inner + i..].iter().step_by(inner);
            for (index, (entry, &number)) in entries.iter_mut().zip(numbers).enumerate() {
                *entry = number.entry(index, descending);
            }
            if count < size {
                // The smallest `count` come to the front, in any order.
                entries.select_nth_unstable(count);
            }
            entries[..count].sort_unstable();
            for (place, &entry) in entries[..count].iter().enumerate() {
                let index = T::index(entry);
                let to = (o * count + place) * inner + i;
                // SAFETY: `to` is within `[outer, count, inner]`, which both results hold, and lies
                // in this column, which no other worker has.
                unsafe {
                    results.0.add(to).write(x[(o * size + index) * inner + i]);
                    results.1.add(to).write(index as i64);
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_columns_meet_nowhere_and_miss_nothing() {
        for [outer, size, inner, count] in [[1, 9, 1, 9], [3, 5, 4, 2], [2, 1, 7, 1], [2, 6, 3, 0]]
        {
            for (threads, parts) in [(1, 1), (2, 1), (2, 2), (3, outer * inner)] {
                let x: Vec<f32> =
                    (0..outer * size * inner).map(|i| (i * 7 % 11) as f32 - 4.0).collect();
                let s = Sort { outer, size, inner, count, descending: true, parts };
                let mut values = vec![f32::NAN; outer * count * inner];
                let (mut indices, mut room) = (vec![-1; values.len()], vec![0; parts * size]);
                let pool = Pool::new(threads);
                sort(&pool, &s, &x, &mut values, &mut indices, &mut room).unwrap();
                for (o, i) in (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i))) {
                    let at = |index: usize| x[(o * size + index) * inner + i];
                    let mut order: Vec<usize> = (0..size).collect();
                    order.sort_by(|&a, &b| at(b).total_cmp(&at(a)));
                    for (place, &index) in order.iter().take(count).enumerate() {
                        let to = (o * count + place) * inner + i;
                        assert_eq!((values[to], indices[to]), (at(index), index as i64));
                    }
                }
            }
        }
    }
}
