//! Rows of tokens of like length go together, so that little is computed for places without a token.

use glassbox_engine::random::Stream;

use crate::Error;
use crate::data::Rows;

/// The lengths that batches have, and which of them each row needs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Buckets {
    /// Tokens of a row: of a source, and of what is told. Each is as long as the one before or longer.
    sizes: Vec<[usize; 2]>,
    /// The first that a row fits into.
    of_row: Vec<u8>,
}

/// Shorter rows than this are filled up: there would be nothing to save.
const LEAST: usize = 8;

impl Buckets {
    /// The buckets of rows that have different lengths: powers of two; none where all have the same, or
    /// none is much shorter than the longest.
    pub fn of(rows: &Rows) -> Result<Option<Self>, Error> {
        let found = rows.token_lengths()?;
        Ok(found.and_then(|(lengths, most)| Buckets::new(&lengths, most)))
    }

    fn new(lengths: &[[usize; 2]], most: [usize; 2]) -> Option<Self> {
        let mut sizes = Vec::new();
        let mut side = LEAST;
        loop {
            let next = most.map(|most| most.min(side));
            sizes.push(next);
            if next == most {
                break;
            }
            side *= 2;
        }
        let fits =
            |length: &[usize; 2], size: &[usize; 2]| length.iter().zip(size).all(|(l, s)| l <= s);
        let bucket =
            |length| sizes.iter().position(|size| fits(length, size)).unwrap_or(sizes.len() - 1);
        let of_row: Vec<u8> = lengths.iter().map(|length| bucket(length) as u8).collect();
        (sizes.len() > 1).then_some(Buckets { sizes, of_row })
    }

    /// How many whole batches there are of each length, the most frequent first, and the length of what
    /// is left.
    pub fn counts(&self, rows: &[usize], batch: usize) -> (Vec<([usize; 2], usize)>, [usize; 2]) {
        let (batches, rest) = self.batches(rows, batch);
        let of = |bucket: usize| batches.iter().filter(|(own, _)| *own == bucket).count();
        let each = self.sizes.iter().enumerate().map(|(bucket, size)| (*size, of(bucket)));
        let mut counts: Vec<_> = each.filter(|(_, count)| *count > 0).collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        (counts, self.sizes[rest.0])
    }

    /// Puts the rows of an epoch, which are in the order drawn for it, into batches of one length; the
    /// batches come in an order that is drawn, too, what is left comes last. Gives the length of each.
    pub fn arrange(
        &self,
        order: &mut [usize],
        batch: usize,
        seed: u64,
        epoch: u64,
    ) -> Vec<[usize; 2]> {
        let (mut batches, (last, rest)) = self.batches(order, batch);
        Stream::new(seed, "buckets", epoch).shuffle(&mut batches);
        if !rest.is_empty() {
            batches.push((last, rest));
        }
        let rows = batches.iter().flat_map(|(_, rows)| rows);
        order.iter_mut().zip(rows).for_each(|(place, row)| *place = *row);
        batches.iter().map(|(bucket, _)| self.sizes[*bucket]).collect()
    }

    /// Whole batches with their buckets, and what is left. Rows that do not fill a batch are filled up to
    /// the next length.
    fn batches(&self, rows: &[usize], batch: usize) -> (Vec<Batch>, Batch) {
        let (mut batches, mut left) = (Vec::new(), Vec::new());
        let mut last = 0;
        for bucket in 0..self.sizes.len() {
            let own = |row: &&usize| self.of_row.get(**row).copied() == Some(bucket as u8);
            left.extend(rows.iter().filter(own).copied());
            let whole = left.len() - left.len() % batch.max(1);
            if !left.is_empty() {
                last = bucket;
            }
            let rest = left.split_off(whole);
            batches.extend(left.chunks(batch.max(1)).map(|rows| (bucket, rows.to_vec())));
            left = rest;
        }
        (batches, (last, left))
    }
}

/// A bucket and rows of it.
type Batch = (usize, Vec<usize>);

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(seed: u64, rows: u64) -> Vec<[usize; 2]> {
        let stream = Stream::new(seed, "lengths", 0);
        (0..rows)
            .map(|row| {
                [2 * row, 2 * row + 1].map(|at| (stream.uniform(at).powi(3) * 40.0) as usize)
            })
            .collect()
    }

    #[test]
    fn batches_are_as_long_as_their_rows_need_and_hold_each_row_once() {
        for (seed, rows, batch) in
            [(1, 1000, 16), (2, 333, 32), (3, 40, 40), (4, 7, 4), (5, 64, 64)]
        {
            let lengths = lengths(seed, rows);
            let buckets = Buckets::new(&lengths, [40, 41]).unwrap();
            assert_eq!(buckets.sizes, [[8, 8], [16, 16], [32, 32], [40, 41]]);
            let (counts, rest) = buckets.counts(&(0..rows as usize).collect::<Vec<_>>(), batch);
            assert_eq!(counts.iter().map(|(_, count)| count).sum::<usize>(), rows as usize / batch);
            for epoch in 0..3 {
                let mut order: Vec<usize> = (0..rows as usize).collect();
                Stream::new(seed, "order", epoch).shuffle(&mut order);
                let before = order.clone();
                let sizes = buckets.arrange(&mut order, batch, seed, epoch);
                for (rows, size) in order.chunks(batch).zip(&sizes) {
                    let fits = |row: &usize| lengths[*row].iter().zip(size).all(|(l, s)| l <= s);
                    assert!(rows.iter().all(fits));
                }
                // The same number of batches of each length in every epoch.
                for (size, count) in &counts {
                    let whole = sizes.iter().take(rows as usize / batch);
                    assert_eq!(whole.filter(|own| *own == size).count(), *count);
                }
                if !(rows as usize).is_multiple_of(batch) {
                    assert_eq!(sizes.last(), Some(&rest));
                }
                let mut again = before;
                assert_eq!(buckets.arrange(&mut again, batch, seed, epoch), sizes);
                assert_eq!(again, order);
                order.sort_unstable();
                assert!(order.into_iter().eq(0..rows as usize));
            }
        }
    }

    #[test]
    fn rows_of_one_length_need_no_buckets() {
        assert_eq!(Buckets::new(&[[0, 5], [0, 8]], [0, 8]), None);
    }
}
