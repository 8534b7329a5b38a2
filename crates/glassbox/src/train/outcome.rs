//! What `train` and `eval` end with.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::practice::{Kind, Verdict};
use crate::train::event::{Loading, Metrics};
use crate::train::figures::{Detail, Report, Undefined};

/// What `train` and `eval` end with; its JSON is what scripts read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// The run's folder.
    pub run: String,
    /// Which part the figures are of, e.g. `test`, or the file with the rows.
    pub split: String,
    /// Rows of that part.
    pub rows: usize,
    /// Seconds of training or evaluation.
    pub seconds: f64,
    /// How fast rows came; of a training alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loading: Option<Loading>,
    /// The model's figures.
    pub metrics: Metrics,
    /// The same figures of the simplest guess (largest class, mean), where there are any.
    pub baseline: Metrics,
    /// Figures that these rows cannot tell, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub undefined: BTreeMap<String, Undefined>,
    /// Which classes are taken for which, or how far numbers are off.
    #[serde(flatten)]
    pub detail: Detail,
    /// Whether the training overfitted, underfitted or went well; none of rows from elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

/// The figures that a run ended with, as `outcome.json` keeps them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndFigures {
    /// Which part they are of, e.g. `test`.
    pub split: String,
    /// Rows of that part.
    pub rows: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// The model's figures.
    #[serde(deserialize_with = "numbers")]
    pub metrics: Metrics,
    /// The same figures of the simplest guess, where there are any.
    #[serde(deserialize_with = "numbers")]
    pub baseline: Metrics,
    /// The verdict on the training; none where the file is older than verdicts.
    #[serde(default)]
    pub verdict: Option<Judged>,
}

/// What a verdict says, without its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Whether the training overfitted, underfitted or went well.
    pub kind: Kind,
}

/// Figures as JSON has them: one that is no number is written as `null`.
fn numbers<'de, D: Deserializer<'de>>(from: D) -> Result<Metrics, D::Error> {
    let read = BTreeMap::<String, Option<f64>>::deserialize(from)?;
    Ok(read.into_iter().map(|(name, value)| (name, value.unwrap_or(f64::NAN))).collect())
}

impl Outcome {
    /// The outcome of a run that has these figures.
    pub(crate) fn of(run: String, split: &str, report: Report) -> Self {
        let Report { rows, metrics, baseline, undefined, detail } = report;
        Outcome {
            run,
            split: split.to_owned(),
            rows,
            seconds: 0.0,
            loading: None,
            metrics,
            baseline,
            undefined,
            detail,
            verdict: None,
        }
    }
}
