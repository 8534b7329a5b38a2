//! How well scores put the rows of one class before all others, at every threshold.

use super::{check_weights, weight};
use crate::Error;

/// Rows sorted by their score for one class, the positive one: what a threshold anywhere would give.
///
/// ```
/// use glassbox::metrics::Ranking;
/// let ranking = Ranking::of(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8])?;
/// assert_eq!(ranking.roc_auc(), Some(0.75));
/// assert!((ranking.average_precision().unwrap() - 0.8333).abs() < 1e-4);
/// let best = ranking.best_f1().unwrap();
/// assert_eq!((ranking.precision(&best), ranking.recall(&best)), (Some(2.0 / 3.0), Some(1.0)));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    cuts: Vec<Cut>,
    positives: f64,
    negatives: f64,
}

/// What a threshold gives: rows whose score is at least that are called positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// The lowest score that is called positive.
    pub threshold: f64,
    /// Positive rows that are called positive (the sum of their weights).
    pub true_positives: f64,
    /// Other rows that are called positive.
    pub false_positives: f64,
}

impl Ranking {
    /// Sorts rows by score; `positive` says which rows are of the class.
    ///
    /// # Errors
    /// No rows, another number of scores than rows, a score that is NaN.
    pub fn of(positive: &[bool], scores: &[f64]) -> Result<Self, Error> {
        Self::sort(positive, scores, None)
    }

    /// As [`Ranking::of`]; each row counts as much as its weight.
    ///
    /// # Errors
    /// As [`Ranking::of`]; weights that are not one a row, negative, not finite or all 0.
    pub fn weighted(positive: &[bool], scores: &[f64], weights: &[f64]) -> Result<Self, Error> {
        Self::sort(positive, scores, Some(weights))
    }

    pub(super) fn sort(
        positive: &[bool],
        scores: &[f64],
        weights: Option<&[f64]>,
    ) -> Result<Self, Error> {
        if positive.is_empty() || positive.len() != scores.len() {
            let (rows, scores) = (positive.len(), scores.len());
            return Err(Error::new(format!("{scores} scores for {rows} rows")));
        }
        check_weights(weights, positive.len())?;
        if let Some(row) = scores.iter().position(|score| score.is_nan()) {
            return Err(Error::new(format!("row {row}: the score is NaN")));
        }
        let mut rows: Vec<(f64, bool, f64)> = scores
            .iter()
            .zip(positive)
            .enumerate()
            .map(|(row, (&score, &is))| (score, is, weight(weights, row)))
            .collect();
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut cuts: Vec<Cut> = Vec::new();
        let (mut true_positives, mut false_positives) = (0.0, 0.0);
        for (threshold, is, weight) in rows {
            *(if is { &mut true_positives } else { &mut false_positives }) += weight;
            let cut = Cut { threshold, true_positives, false_positives };
            // Rows of the same score cannot be told apart: they pass a threshold together.
            match cuts.last_mut() {
                Some(last) if last.threshold == threshold => *last = cut,
                _ => cuts.push(cut),
            }
        }
        Ok(Ranking { cuts, positives: true_positives, negatives: false_positives })
    }

    /// Every threshold that makes a difference, from the highest score to the lowest.
    pub fn cuts(&self) -> &[Cut] {
        &self.cuts
    }

    /// Positive rows in all (the sum of their weights).
    pub fn positives(&self) -> f64 {
        self.positives
    }

    /// What a threshold gives.
    pub fn at(&self, threshold: f64) -> Cut {
        let passed = self.cuts.partition_point(|cut| cut.threshold >= threshold);
        match passed.checked_sub(1).and_then(|last| self.cuts.get(last)) {
            Some(cut) => Cut { threshold, ..*cut },
            None => Cut { threshold, true_positives: 0.0, false_positives: 0.0 },
        }
    }

    /// TP / (TP + FP) at a threshold; none where nothing is called positive.
    pub fn precision(&self, cut: &Cut) -> Option<f64> {
        let called = cut.true_positives + cut.false_positives;
        (called > 0.0).then(|| cut.true_positives / called)
    }

    /// TP / (TP + FN) at a threshold, the true positive rate; none where no row is positive.
    pub fn recall(&self, cut: &Cut) -> Option<f64> {
        (self.positives > 0.0).then(|| cut.true_positives / self.positives)
    }

    /// FP / (FP + TN) at a threshold, the false positive rate; none where every row is positive.
    pub fn fallout(&self, cut: &Cut) -> Option<f64> {
        (self.negatives > 0.0).then(|| cut.false_positives / self.negatives)
    }

    /// 2 TP / (2 TP + FP + FN) at a threshold; none where no row is positive or called so.
    pub fn f1(&self, cut: &Cut) -> Option<f64> {
        let all = self.positives + cut.true_positives + cut.false_positives;
        (all > 0.0).then(|| 2.0 * cut.true_positives / all)
    }

    /// (TP + TN) / all at a threshold.
    pub fn accuracy(&self, cut: &Cut) -> f64 {
        let right = cut.true_positives + self.negatives - cut.false_positives;
        right / (self.positives + self.negatives)
    }

    /// The ROC curve: points (false positive rate, true positive rate) from (0, 0) to (1, 1); none
    /// where only one of the two kinds of rows is there.
    pub fn roc(&self) -> Option<Vec<(f64, f64)>> {
        let point = |cut: &Cut| Some((self.fallout(cut)?, self.recall(cut)?));
        std::iter::once(Some((0.0, 0.0))).chain(self.cuts.iter().map(point)).collect()
    }

    /// The area under the ROC curve by trapezia: how probable it is that a positive row has a higher
    /// score than another, equal scores counting half (Mann and Whitney 1947). None where only one of
    /// the two kinds of rows is there.
    pub fn roc_auc(&self) -> Option<f64> {
        let area = |pair: &[(f64, f64)]| match pair {
            [(x, y), (next_x, next_y)] => (next_x - x) * (y + next_y) / 2.0,
            _ => 0.0,
        };
        Some(self.roc()?.windows(2).map(area).sum())
    }

    /// The precision–recall curve: points (recall, precision) from the highest threshold to the
    /// lowest; none where no row is positive.
    pub fn precision_recall(&self) -> Option<Vec<(f64, f64)>> {
        self.cuts.iter().map(|cut| Some((self.recall(cut)?, self.precision(cut)?))).collect()
    }

    /// The area under the precision–recall curve by steps, Σ (Rᵢ − Rᵢ₋₁) · Pᵢ, which does not
    /// interpolate and so does not flatter; the share of positive rows where scores say nothing.
    /// None where no row is positive.
    pub fn average_precision(&self) -> Option<f64> {
        let mut before = 0.0;
        let step = |(recall, precision): (f64, f64)| {
            let area = (recall - before) * precision;
            before = recall;
            area
        };
        Some(self.precision_recall()?.into_iter().map(step).sum())
    }

    /// The threshold with the highest F1, half way to the next lower score; of equally good ones the
    /// nearest to ½. None where only one of the two kinds of rows is there: there is nothing to
    /// weigh.
    pub fn best_f1(&self) -> Option<Cut> {
        if self.positives <= 0.0 || self.negatives <= 0.0 {
            return None;
        }
        let middle = |at: usize, cut: &Cut| {
            let next = self.cuts.get(at + 1).map_or(cut.threshold, |next| next.threshold);
            Cut { threshold: cut.threshold / 2.0 + next / 2.0, ..*cut }
        };
        let candidates = self.cuts.iter().enumerate().map(|(at, cut)| middle(at, cut));
        let best = candidates.map(|cut| (self.f1(&cut).unwrap_or(0.0), cut)).reduce(|best, cut| {
            let nearer = (cut.1.threshold - 0.5).abs() < (best.1.threshold - 0.5).abs();
            if cut.0 > best.0 || (cut.0 == best.0 && nearer) { cut } else { best }
        });
        best.map(|(_, cut)| cut)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_area_is_the_probability_of_the_right_order_and_ties_count_half() {
        // By counting pairs.
        let stream = glassbox_engine::random::Stream::new(7, "ranking", 0);
        for case in 0..50u64 {
            let rows = 2 + (case as usize * 7) % 40;
            let mut order: Vec<usize> = (0..rows).collect();
            stream.shuffle(&mut order);
            let scores: Vec<f64> =
                order.iter().map(|i| (i * (case as usize + 1) % 6) as f64).collect();
            let positive: Vec<bool> = (0..rows).map(|i| (i * i + i) % 4 == 2 || i == 0).collect();
            let (mut right, mut pairs) = (0.0, 0.0);
            for (a, b) in (0..rows).flat_map(|a| (0..rows).map(move |b| (a, b))) {
                if positive[a] && !positive[b] {
                    pairs += 1.0;
                    right += match scores[a].total_cmp(&scores[b]) {
                        std::cmp::Ordering::Greater => 1.0,
                        std::cmp::Ordering::Equal => 0.5,
                        std::cmp::Ordering::Less => 0.0,
                    };
                }
            }
            let area = Ranking::of(&positive, &scores).unwrap().roc_auc();
            match pairs > 0.0 {
                true => assert!((area.unwrap() - right / pairs).abs() < 1e-12, "case {case}"),
                false => assert_eq!(area, None),
            }
        }
    }

    #[test]
    fn one_kind_of_rows_has_no_areas() {
        let only = |is: bool| Ranking::of(&[is; 3], &[0.1, 0.2, 0.2]).unwrap();
        assert_eq!((only(true).roc_auc(), only(true).average_precision()), (None, Some(1.0)));
        assert_eq!((only(false).roc_auc(), only(false).average_precision()), (None, None));
        assert_eq!(only(true).best_f1(), None);
    }

    #[test]
    fn a_threshold_gives_what_calling_the_rows_by_it_gives() {
        let positive = [true, false, true, true, false, false];
        let scores = [0.9, 0.8, 0.8, 0.3, 0.3, 0.1];
        let ranking = Ranking::of(&positive, &scores).unwrap();
        for threshold in [0.0, 0.1, 0.2, 0.3, 0.5, 0.8, 0.85, 0.9, 0.95, 2.0] {
            let called = |is: bool| {
                let rows = positive.iter().zip(scores);
                rows.filter(|(was, score)| **was == is && *score >= threshold).count() as f64
            };
            let cut = ranking.at(threshold);
            assert_eq!((cut.true_positives, cut.false_positives), (called(true), called(false)));
        }
        assert_eq!(ranking.precision(&ranking.at(2.0)), None, "nothing is called positive");
        // At 0.8: TP 2, FP 1; at 0.3: TP 3, FP 2: both F1 = 2/3 and 6/8.
        let best = ranking.best_f1().unwrap();
        assert_eq!((best.threshold, ranking.f1(&best)), (0.2, Some(0.75)));
        assert_eq!(ranking.at(best.threshold), best);
    }
}
