//! Figures of predicted classes and their probabilities.

use super::{Confusion, Ranking, check_weights, weight};
use crate::Error;

/// How good predicted classes and their probabilities are.
///
/// ```
/// use glassbox::metrics::Classification;
/// let labels = [0, 1, 1, 0];
/// let probabilities = [0.9, 0.1, 0.3, 0.7, 0.6, 0.4, 0.8, 0.2];
/// let figures = Classification::of(&labels, &probabilities)?;
/// assert_eq!(figures.confusion.accuracy(), 0.75);
/// assert_eq!(figures.roc_auc(), Some(1.0));
/// assert!((figures.log_loss - 0.4004).abs() < 5e-5);
/// assert!((figures.brier - 0.125).abs() < 1e-12);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    /// Which class is taken for which; the predicted one is the most probable, the first of equal
    /// ones.
    pub confusion: Confusion,
    /// Mean of −ln(probability of the observed class), in nats; a probability counts as at least
    /// 2.2 · 10⁻¹⁶.
    pub log_loss: f64,
    /// Mean over the rows of Σ (probability of a class − 1 if it is the row's else 0)² (Brier 1950);
    /// halved for two classes, where it is (probability − observed)².
    pub brier: f64,
    /// For each class how well its probability tells its rows from all others (one against the rest).
    pub rankings: Vec<Ranking>,
    /// For each row how many classes come before the observed one.
    ranks: Vec<usize>,
    weights: Option<Vec<f64>>,
}

impl Classification {
    /// Measures `probabilities` `[rows, classes]` against `labels`, counted from 0. Raw scores become
    /// probabilities by [`softmax`].
    ///
    /// # Errors
    /// No rows, numbers that are not whole rows of at least two classes, a label beyond the classes,
    /// a row that does not sum to 1 or holds a number outside [0, 1].
    pub fn of(labels: &[usize], probabilities: &[f64]) -> Result<Self, Error> {
        Self::measure(labels, probabilities, None)
    }

    /// As [`Classification::of`]; each row counts as much as its weight.
    ///
    /// # Errors
    /// As [`Classification::of`]; weights that are not one a row, negative, not finite or all 0.
    pub fn weighted(
        labels: &[usize],
        probabilities: &[f64],
        weights: &[f64],
    ) -> Result<Self, Error> {
        Self::measure(labels, probabilities, Some(weights))
    }

    fn measure(
        labels: &[usize],
        probabilities: &[f64],
        weights: Option<&[f64]>,
    ) -> Result<Self, Error> {
        let rows = labels.len();
        if rows == 0 {
            return Err(Error::new("there are no rows to measure"));
        }
        let classes = probabilities.len() / rows;
        if classes < 2 || classes * rows != probabilities.len() {
            return Err(Error::new(format!(
                "{} probabilities for {rows} rows: give one for each class of each row, two \
                 classes at least",
                probabilities.len()
            )));
        }
        check_weights(weights, rows)?;
        let mut predicted = Vec::with_capacity(rows);
        let mut ranks = Vec::with_capacity(rows);
        let (mut log_loss, mut brier, mut total) = (0.0, 0.0, 0.0);
        for (row, (of_row, &label)) in probabilities.chunks_exact(classes).zip(labels).enumerate() {
            check_row(row, of_row)?;
            let Some(&p) = of_row.get(label) else {
                return Err(Error::new(format!(
                    "row {row}: the label is {label}, but there are {classes} classes, counted \
                     from 0"
                )));
            };
            let better = |best: (usize, f64), (i, &q): (usize, &f64)| match q > best.1 {
                true => (i, q),
                false => best,
            };
            predicted.push(of_row.iter().enumerate().fold((0, -1.0), better).0);
            let before = |&(i, &q): &(usize, &f64)| q > p || (q == p && i < label);
            ranks.push(of_row.iter().enumerate().filter(before).count());
            let w = weight(weights, row);
            total += w;
            log_loss -= w * p.max(f64::EPSILON).ln();
            let square = |(i, q): (usize, &f64)| (q - f64::from(u8::from(i == label))).powi(2);
            brier += w * of_row.iter().enumerate().map(square).sum::<f64>();
        }
        let halves = if classes == 2 { 2.0 } else { 1.0 };
        let ranking = |class: usize| {
            let positive: Vec<bool> = labels.iter().map(|&label| label == class).collect();
            let scores: Vec<f64> =
                probabilities.iter().skip(class).step_by(classes).copied().collect();
            Ranking::sort(&positive, &scores, weights)
        };
        Ok(Classification {
            confusion: Confusion::count(labels, &predicted, classes, weights)?,
            log_loss: log_loss / total,
            brier: brier / total / halves,
            rankings: (0..classes).map(ranking).collect::<Result<_, _>>()?,
            ranks,
            weights: weights.map(<[f64]>::to_vec),
        })
    }

    /// The area under the ROC curve: the mean over the classes, each against the rest; for two
    /// classes that of either. Classes without rows, or with all of them, do not count; none where no
    /// class counts.
    pub fn roc_auc(&self) -> Option<f64> {
        mean(self.rankings.iter().filter_map(Ranking::roc_auc))
    }

    /// The area under the precision–recall curve: the mean over the classes that have rows, each
    /// against the rest. With two classes one usually looks at that of the positive class,
    /// `rankings[class].average_precision()`.
    pub fn average_precision(&self) -> Option<f64> {
        mean(self.rankings.iter().filter_map(Ranking::average_precision))
    }

    /// The share of rows whose class is among the `k` most probable ones.
    pub fn top_k(&self, k: usize) -> f64 {
        let weights = self.weights.as_deref();
        let sum = |wanted: &dyn Fn(usize) -> bool| -> f64 {
            let rows = self.ranks.iter().enumerate().filter(|(_, rank)| wanted(**rank));
            rows.map(|(row, _)| weight(weights, row)).sum()
        };
        sum(&|rank| rank < k) / sum(&|_| true)
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), x| (sum + x, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// Probabilities of the raw scores of one row, exp(sᵢ) / Σ exp(sⱼ).
///
/// ```
/// let p = glassbox::metrics::softmax(&[1.43, -0.4, 0.23]);
/// assert!((p[0] - 0.684).abs() < 5e-4 && (p[1] - 0.110).abs() < 5e-4);
/// ```
pub fn softmax(scores: &[f64]) -> Vec<f64> {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// A row of probabilities must be one.
fn check_row(row: usize, probabilities: &[f64]) -> Result<(), Error> {
    if let Some(p) = probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(Error::new(format!(
            "row {row}: {p} is not a probability; `metrics::softmax` makes them of raw scores"
        )));
    }
    let sum: f64 = probabilities.iter().sum();
    if (sum - 1.0).abs() > 1e-4 {
        return Err(Error::new(format!(
            "row {row}: the probabilities sum to {sum}, not 1; `metrics::softmax` makes them of raw \
             scores"
        )));
    }
    Ok(())
}
