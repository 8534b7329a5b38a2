//! Windows over rows that follow each other.

use std::ops::Range;
use std::sync::Arc;

use super::Label;

/// Rows that overlap: each is a window over a table whose rows lie one after the other, and is known by
/// the place where it begins.
#[derive(Clone, Debug)]
pub struct Overlap {
    /// Numbers of a row of the table.
    pub(in crate::data) features: usize,
    /// Rows of a window.
    pub(in crate::data) window: usize,
    /// Of a forecast: how many numbers each row of the table has to be told; 0 of classes.
    pub(in crate::data) targets: usize,
    /// After how many rows the series comes round.
    pub(in crate::data) season: Option<usize>,
    /// The time of each row of the table as it is written; none where there is no column of it.
    pub(in crate::data) times: Option<Arc<Times>>,
}

/// The time of each row.
#[derive(Debug)]
pub struct Times {
    pub(super) times: Vec<f64>,
    pub(super) clock: super::Clock,
}

impl Overlap {
    /// Where the numbers to be told of the window that begins at a place stand.
    pub(in crate::data) fn told_at(&self, place: usize) -> usize {
        (place + self.window) * self.targets
    }

    /// The time of a row of the table.
    pub(in crate::data) fn time(&self, row: usize) -> Option<String> {
        let times = self.times.as_ref()?;
        Some(times.clock.text(*times.times.get(row)?))
    }
}

/// The places where windows of so many rows begin in a run, so far apart.
pub(super) fn begins(run: Range<usize>, rows: usize, stride: usize) -> impl Iterator<Item = usize> {
    let last = (run.end + 1).saturating_sub(rows);
    (run.start..last.max(run.start)).step_by(stride.max(1))
}

/// The class of a window whose rows have these; none stands where a row has none. No class where the
/// rows do not tell.
pub(super) fn class(rows: &[Option<i64>], label: Label) -> Option<i64> {
    if label == Label::Last {
        return rows.last().copied().flatten();
    }
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for (at, class) in rows.iter().enumerate() {
        let Some(class) = class.and_then(|class| usize::try_from(class).ok()) else { continue };
        if counts.len() <= class {
            counts.resize(class + 1, (0, 0));
        }
        // Of equally frequent ones the one that comes later is greater.
        counts[class] = (counts[class].0 + 1, at);
    }
    let most = counts.iter().enumerate().max_by_key(|(_, count)| **count)?;
    (most.1.0 > 0).then_some(most.0 as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rows: &[i64], label: Label) -> Option<i64> {
        let rows: Vec<Option<i64>> = rows.iter().map(|row| (*row >= 0).then_some(*row)).collect();
        class(&rows, label)
    }

    #[test]
    fn a_window_has_the_class_of_most_rows_or_of_the_last() {
        // S4: 0111 → 1, 1.
        assert_eq!(told(&[0, 1, 1, 1], Label::Majority), Some(1));
        assert_eq!(told(&[0, 1, 1, 1], Label::Last), Some(1));
        assert_eq!(told(&[1, 1, 1, 0], Label::Majority), Some(1));
        assert_eq!(told(&[1, 1, 1, 0], Label::Last), Some(0));
        // Ties: the later.
        assert_eq!(told(&[0, 0, 1, 1], Label::Majority), Some(1));
        assert_eq!(told(&[1, 1, 0, 0], Label::Majority), Some(0));
        assert_eq!(told(&[2, 0, 0, 2], Label::Majority), Some(2));
        // Rows without a class are not counted.
        assert_eq!(told(&[-1, -1, -1, 0], Label::Majority), Some(0));
        assert_eq!(told(&[-1, -1], Label::Majority), None);
        assert_eq!(told(&[0, -1], Label::Last), None);
    }

    #[test]
    fn windows_stay_in_their_run() {
        assert_eq!(begins(0..10, 4, 1).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(begins(10..20, 4, 3).collect::<Vec<_>>(), [10, 13, 16]);
        assert_eq!(begins(5..8, 3, 1).collect::<Vec<_>>(), [5]);
        assert_eq!(begins(5..8, 4, 1).count(), 0);
        assert_eq!(begins(0..2, 9, 1).count(), 0);
    }
}
