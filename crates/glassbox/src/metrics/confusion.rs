//! Which class is taken for which, and what follows from the counts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{check_weights, weight};
use crate::Error;

/// How often each class is taken for each: the confusion matrix.
///
/// ```
/// use glassbox::metrics::Confusion;
/// let (cat, dog, fox) = (0, 1, 2);
/// let confusion = Confusion::of(&[cat, cat, dog, fox], &[cat, dog, dog, dog], 3)?;
/// assert_eq!(confusion.matrix(), [[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]);
/// assert_eq!(confusion.accuracy(), 0.5);
/// assert_eq!(confusion.confused()[0], (cat, dog, 1.0));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Confusion {
    pairs: BTreeMap<(usize, usize), f64>,
    observed: Vec<f64>,
    predicted: Vec<f64>,
}

/// How well one class is found. TP, FP, FN: rows rightly said to be of the class, wrongly said to
/// be, and wrongly said not to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClassFigures {
    /// TP / (TP + FP): of the rows predicted as the class, the share that is; none where it is never
    /// predicted. Low where false positives are many relative to true ones.
    pub precision: Option<f64>,
    /// TP / (TP + FN): of the rows of the class, the share that is found; none where it has no rows.
    /// Low where false negatives are many relative to true positives.
    pub recall: Option<f64>,
    /// 2 · precision · recall / (precision + recall) = 2 TP / (2 TP + FP + FN); none where the class
    /// neither has rows nor is predicted.
    pub f1: Option<f64>,
    /// Rows of the class (the sum of their weights).
    pub rows: f64,
}

/// How figures of classes become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average {
    /// The mean over classes: each counts alike, however rare.
    Macro,
    /// The mean over classes, weighted by their rows.
    Weighted,
    /// From the counts of all classes together; with one class a row it is the accuracy.
    Micro,
}

/// Precision, recall and F1 averaged over the classes that have rows or are predicted; one that is
/// undefined counts as 0, as in scikit-learn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Averaged {
    /// See [`ClassFigures::precision`].
    pub precision: f64,
    /// See [`ClassFigures::recall`].
    pub recall: f64,
    /// See [`ClassFigures::f1`].
    pub f1: f64,
}

impl Confusion {
    /// Counts observed against predicted labels, both below `classes`.
    ///
    /// # Errors
    /// No rows, another number of predictions than labels, a label that is not below `classes`.
    pub fn of(observed: &[usize], predicted: &[usize], classes: usize) -> Result<Self, Error> {
        Self::count(observed, predicted, classes, None)
    }

    /// As [`Confusion::of`]; each row counts as much as its weight.
    ///
    /// # Errors
    /// As [`Confusion::of`]; weights that are not one a row, negative, not finite or all 0.
    pub fn weighted(
        observed: &[usize],
        predicted: &[usize],
        classes: usize,
        weights: &[f64],
    ) -> Result<Self, Error> {
        Self::count(observed, predicted, classes, Some(weights))
    }

    pub(super) fn count(
        observed: &[usize],
        predicted: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<Self, Error> {
        if observed.is_empty() {
            return Err(Error::new("there are no rows to measure"));
        }
        if observed.len() != predicted.len() {
            let (rows, said) = (observed.len(), predicted.len());
            return Err(Error::new(format!("{said} predictions for {rows} rows")));
        }
        check_weights(weights, observed.len())?;
        let mut confusion = Confusion {
            pairs: BTreeMap::new(),
            observed: vec![0.0; classes],
            predicted: vec![0.0; classes],
        };
        for (row, (&was, &said)) in observed.iter().zip(predicted).enumerate() {
            let w = weight(weights, row);
            let sums = (confusion.observed.get_mut(was), confusion.predicted.get_mut(said));
            let (Some(of_was), Some(of_said)) = sums else {
                let label = was.max(said);
                return Err(Error::new(format!(
                    "row {row}: the label is {label}, but there are {classes} classes, counted \
                     from 0"
                )));
            };
            *of_was += w;
            *of_said += w;
            *confusion.pairs.entry((was, said)).or_default() += w;
        }
        Ok(confusion)
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.observed.len()
    }

    /// Rows in all (the sum of their weights).
    pub fn rows(&self) -> f64 {
        self.observed.iter().sum()
    }

    /// How often a class is taken for another, or for itself; 0 beyond the classes.
    pub fn times(&self, observed: usize, predicted: usize) -> f64 {
        self.pairs.get(&(observed, predicted)).copied().unwrap_or(0.0)
    }

    /// Rows of a class.
    pub fn observed(&self, class: usize) -> f64 {
        self.observed.get(class).copied().unwrap_or(0.0)
    }

    /// How often a class is predicted.
    pub fn predicted(&self, class: usize) -> f64 {
        self.predicted.get(class).copied().unwrap_or(0.0)
    }

    /// All counts, a list for each observed class, in it one for each predicted class.
    pub fn matrix(&self) -> Vec<Vec<f64>> {
        let classes = 0..self.classes();
        let row = |was| classes.clone().map(|said| self.times(was, said)).collect();
        classes.clone().map(row).collect()
    }

    /// The wrong pairs (observed, predicted, times), the most frequent first.
    pub fn confused(&self) -> Vec<(usize, usize, f64)> {
        let wrong = self.pairs.iter().filter(|((was, said), _)| was != said);
        let mut wrong: Vec<_> = wrong.map(|(&(was, said), &times)| (was, said, times)).collect();
        // Stable: equally frequent pairs stay in the order of their classes.
        wrong.sort_by(|a, b| b.2.total_cmp(&a.2));
        wrong
    }

    /// The share of rows whose class is named. It flatters where one class has most of the rows.
    pub fn accuracy(&self) -> f64 {
        (0..self.classes()).map(|class| self.times(class, class)).sum::<f64>() / self.rows()
    }

    /// The mean recall over the classes that have rows: 1 / classes for whoever always says the same,
    /// however large that class is.
    pub fn balanced_accuracy(&self) -> f64 {
        let recalls: Vec<f64> =
            (0..self.classes()).filter_map(|class| self.class(class).recall).collect();
        recalls.iter().sum::<f64>() / recalls.len() as f64
    }

    /// How well one class is found.
    pub fn class(&self, class: usize) -> ClassFigures {
        let right = self.times(class, class);
        let (rows, said) = (self.observed(class), self.predicted(class));
        let share = |part: f64, of: f64| (of > 0.0).then(|| part / of);
        ClassFigures {
            precision: share(right, said),
            recall: share(right, rows),
            f1: share(2.0 * right, rows + said),
            rows,
        }
    }

    /// Precision, recall and F1 over all classes.
    pub fn average(&self, average: Average) -> Averaged {
        if average == Average::Micro {
            let accuracy = self.accuracy();
            return Averaged { precision: accuracy, recall: accuracy, f1: accuracy };
        }
        let (mut sum, mut weights) = (Averaged::default(), 0.0);
        for class in 0..self.classes() {
            let figures = self.class(class);
            let Some(f1) = figures.f1 else { continue };
            let weight = if average == Average::Macro { 1.0 } else { figures.rows };
            weights += weight;
            sum.precision += weight * figures.precision.unwrap_or(0.0);
            sum.recall += weight * figures.recall.unwrap_or(0.0);
            sum.f1 += weight * f1;
        }
        let Averaged { precision, recall, f1 } = sum;
        Averaged { precision: precision / weights, recall: recall / weights, f1: f1 / weights }
    }
}
