use serde::{Deserialize, Serialize};

use super::rows::Rows;

/// What the dumbest predictor says: what a model has to beat.
///
/// ```
/// use glassbox::data::{self, Baseline};
/// let iris = data::iris();
/// let baseline = Baseline::fit(&iris.train);
/// let score = baseline.score(&iris.test).unwrap();
/// assert!(score.accuracy.unwrap() < 0.5, "three classes of equal size");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Baseline {
    /// Always the class that is most frequent in training; as probabilities, the frequencies.
    MajorityClass {
        /// The label of that class (the first of equally frequent ones).
        class: i64,
        /// The fraction of training rows in each class.
        frequencies: Vec<f64>,
    },
    /// Always the mean of training.
    Mean {
        /// In the target's own unit.
        mean: f64,
    },
    /// Always the mean of each of several outputs.
    Means {
        /// In each output's own unit.
        means: Vec<f64>,
    },
}

/// How far [`Baseline`] comes on some rows; what does not apply to the task is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BaselineScore {
    /// How many rows were scored.
    pub rows: usize,
    /// The fraction of rows in the majority class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Mean of −ln(frequency of the row's class in training), in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_loss: Option<f64>,
    /// Mean absolute error, in the target's own unit (of several outputs, the mean over them).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mae: Option<f64>,
    /// Root of the mean squared error, in the target's own unit (of several outputs, the mean over
    /// them).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rmse: Option<f64>,
}

impl Baseline {
    /// Fits the baseline to the training rows. Without rows: class 0, or the mean 0.
    pub fn fit(train: &Rows) -> Self {
        let rows = train.len().max(1) as f64;
        if let Some(values) = train.values() {
            let outputs = train.outputs();
            let mean = |output| values.iter().skip(output).step_by(outputs).sum::<f64>() / rows;
            return match outputs {
                1 => Baseline::Mean { mean: mean(0) },
                several => Baseline::Means { means: (0..several).map(mean).collect() },
            };
        }
        let mut counts = vec![0usize; train.classes().unwrap_or(0)];
        for label in train.labels().unwrap_or_default() {
            if let Some(count) = counts.get_mut(label as usize) {
                *count += 1;
            }
        }
        let most = counts.iter().max().copied().unwrap_or(0);
        let class = counts.iter().position(|count| *count == most).unwrap_or(0) as i64;
        let frequencies = counts.iter().map(|count| *count as f64 / rows).collect();
        Baseline::MajorityClass { class, frequencies }
    }

    /// The means, one for each output; none where there are classes.
    pub fn means(&self) -> &[f64] {
        match self {
            Baseline::MajorityClass { .. } => &[],
            Baseline::Mean { mean } => std::slice::from_ref(mean),
            Baseline::Means { means } => means,
        }
    }

    /// Scores the baseline on rows of the same task; none where there are no rows or the task is
    /// another.
    ///
    /// A class that training did not have counts with a frequency of 10⁻¹⁵.
    pub fn score(&self, rows: &Rows) -> Option<BaselineScore> {
        if rows.is_empty() {
            return None;
        }
        let n = rows.len() as f64;
        let mut score = BaselineScore { rows: rows.len(), ..BaselineScore::default() };
        match self {
            Baseline::MajorityClass { class, frequencies } => {
                let labels = rows.labels()?;
                let frequency =
                    |label: i64| frequencies.get(label as usize).copied().unwrap_or(0.0);
                let right = labels.iter().filter(|label| *label == class).count();
                let loss: f64 = labels.iter().map(|label| -frequency(*label).max(1e-15).ln()).sum();
                score.accuracy = Some(right as f64 / n);
                score.log_loss = Some(loss / n);
            }
            Baseline::Mean { .. } | Baseline::Means { .. } => {
                (score.mae, score.rmse) = deviations(&rows.values()?, self.means(), n)?;
            }
        }
        Some(score)
    }
}

/// Mean absolute error and root of the mean squared error of `means`, one for each output, averaged
/// over the outputs; `values` are `[rows, outputs]`.
fn deviations(values: &[f64], means: &[f64], rows: f64) -> Option<(Option<f64>, Option<f64>)> {
    if means.is_empty() || values.len() != rows as usize * means.len() {
        return None;
    }
    let (mut mae, mut rmse) = (0.0, 0.0);
    for (output, mean) in means.iter().enumerate() {
        let errors = || values.iter().skip(output).step_by(means.len()).map(|value| value - mean);
        mae += errors().map(f64::abs).sum::<f64>() / rows;
        rmse += (errors().map(|e| e * e).sum::<f64>() / rows).sqrt();
    }
    let outputs = means.len() as f64;
    Some((Some(mae / outputs), Some(rmse / outputs)))
}
