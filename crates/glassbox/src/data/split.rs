//! Which rows are learned from, which steer the training, and which are kept for the end.

use glassbox_engine::random::Stream;

use super::error::{DataError, Place};

/// The parts of a dataset: positions of rows, ascending, in exactly one part each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Learned from.
    pub train: Vec<usize>,
    /// Looked at while training, to stop and to choose.
    pub valid: Vec<usize>,
    /// Kept for the end.
    pub test: Vec<usize>,
}

/// Splits `rows` rows by chance: `valid` and `test` are fractions of all of them, rounded to the
/// nearest count; the same seed gives the same parts.
///
/// With `labels` every class keeps at least one row in `train`. With `stratify` too, each class
/// gives the same fraction to each part (its exact share rounded by largest remainders).
///
/// # Errors
/// Fractions that are negative, not numbers, or leave nothing to train on; labels that are not one
/// a row.
///
/// ```
/// use glassbox::data::split;
/// let labels: Vec<i64> = (0..100).map(|row| row / 50).collect();
/// let parts = split(100, Some(&labels), true, 0.2, 0.1, 42)?;
/// assert_eq!((parts.train.len(), parts.valid.len(), parts.test.len()), (70, 20, 10));
/// assert_eq!(parts.test.iter().filter(|row| labels[**row] == 0).count(), 5);
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
pub fn split(
    rows: usize,
    labels: Option<&[i64]>,
    stratify: bool,
    valid: f64,
    test: f64,
    seed: u64,
) -> Result<Split, DataError> {
    check_fractions(valid, test)?;
    if labels.is_some_and(|labels| labels.len() != rows) {
        return Err(DataError::new(Place::default(), "one label for each row is needed", ""));
    }
    let all: Vec<usize> = (0..rows).collect();
    let (rest, test) =
        hold_out(&all, labels, stratify, share(rows, test), stream(seed, Part::Test));
    let (train, valid) =
        hold_out(&rest, labels, stratify, share(rows, valid), stream(seed, Part::Valid));
    Ok(Split { train, valid, test })
}

/// The part that a stream of random numbers chooses.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Test = 0,
    Valid = 1,
    Train = 2,
}

pub(super) fn stream(seed: u64, part: Part) -> Stream {
    Stream::new(seed, "split", part as u64)
}

/// A fraction of `rows`, to the nearest row.
pub(super) fn share(rows: usize, fraction: f64) -> usize {
    (rows as f64 * fraction).round() as usize
}

pub(super) fn check_fractions(valid: f64, test: f64) -> Result<(), DataError> {
    let fine = |x: f64| (0.0..1.0).contains(&x);
    if fine(valid) && fine(test) && valid + test < 1.0 {
        return Ok(());
    }
    Err(DataError::new(
        Place::default(),
        format!("a split of valid = {valid} and test = {test} leaves nothing to train on"),
        "both are fractions of the rows, 0 or more, together less than 1, e.g. 0.15 and 0.15",
    ))
}

/// Takes `held` of the `rows` away by chance; `labels` are those of all rows, by position.
///
/// Every class keeps a row. Returns what is kept and what was taken, both ascending.
pub(super) fn hold_out(
    rows: &[usize],
    labels: Option<&[i64]>,
    stratify: bool,
    held: usize,
    stream: Stream,
) -> (Vec<usize>, Vec<usize>) {
    let class_of = |row: usize| labels.and_then(|l| l.get(row)).copied().unwrap_or(0);
    let mut classes: Vec<i64> = rows.iter().map(|row| class_of(*row)).collect();
    classes.sort_unstable();
    classes.dedup();
    // A label's place among the classes is found by search: labels may be any numbers.
    let place_of = |row: usize| classes.binary_search(&class_of(row)).unwrap_or(0);
    let mut sizes = vec![0; classes.len()];
    for row in rows {
        sizes[place_of(*row)] += 1;
    }
    let mut quotas = match stratify {
        true => quotas(&sizes, held),
        false => sizes.iter().map(|size| size - 1).collect(),
    };
    let mut order = rows.to_vec();
    stream.shuffle(&mut order);
    let (mut kept, mut taken) = (Vec::new(), Vec::new());
    for row in order {
        let quota = &mut quotas[place_of(row)];
        if taken.len() < held && *quota > 0 {
            *quota -= 1;
            taken.push(row);
        } else {
            kept.push(row);
        }
    }
    kept.sort_unstable();
    taken.sort_unstable();
    (kept, taken)
}

/// How many rows each class gives so that there are `held` together, in proportion to `sizes`, by
/// largest remainders; each class keeps one.
fn quotas(sizes: &[usize], held: usize) -> Vec<usize> {
    let rows: usize = sizes.iter().sum();
    // In u128: both factors may be as large as memory.
    let product = |size: usize| size as u128 * held as u128;
    let whole = |size: usize| (product(size) / rows.max(1) as u128) as usize;
    let mut quotas: Vec<usize> = sizes.iter().map(|size| whole(*size)).collect();
    let mut by_remainder: Vec<usize> = (0..sizes.len()).collect();
    by_remainder.sort_by_key(|i| std::cmp::Reverse(product(sizes[*i]) % rows.max(1) as u128));
    let short = held.saturating_sub(quotas.iter().sum());
    for i in by_remainder.into_iter().take(short) {
        quotas[i] += 1;
    }
    quotas.iter().zip(sizes).map(|(quota, size)| (*quota).min(size.saturating_sub(1))).collect()
}

/// The order in which an epoch visits `rows` rows: another one each epoch, the same for the same
/// seed.
///
/// ```
/// use glassbox::data::epoch_order;
/// let order = epoch_order(5, 42, 0);
/// assert_eq!(order, epoch_order(5, 42, 0));
/// assert_eq!({ let mut rows = order.clone(); rows.sort(); rows }, [0, 1, 2, 3, 4]);
/// ```
pub fn epoch_order(rows: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order = vec![0; rows];
    epoch_order_into(&mut order, seed, epoch);
    order
}

/// As [`epoch_order`], written over `order` whatever it held, without allocating.
pub fn epoch_order_into(order: &mut [usize], seed: u64, epoch: u64) {
    for (row, place) in order.iter_mut().enumerate() {
        *place = row;
    }
    Stream::new(seed, "shuffle", epoch).shuffle(order);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_follow_largest_remainders() {
        // 23 of 150 from three classes of 50 are 7⅔ each: two classes round up.
        assert_eq!(quotas(&[50, 50, 50], 23), [8, 8, 7]);
        assert_eq!(quotas(&[90, 9, 1], 10), [9, 1, 0]);
        assert_eq!(quotas(&[2, 2], 4), [1, 1], "each class keeps a row");
    }

    #[test]
    fn the_in_place_order_forgets_what_was_there() {
        let mut order = vec![9; 100];
        epoch_order_into(&mut order, 7, 3);
        assert_eq!(order, epoch_order(100, 7, 3));
        assert_ne!(order, epoch_order(100, 7, 4));
        assert_ne!(order, epoch_order(100, 8, 3));
    }
}
