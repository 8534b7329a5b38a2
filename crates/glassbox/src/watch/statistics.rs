//! What a look into a training step finds, and how it is kept.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::train::folder::RunFolder;
use crate::train::log;

/// Buckets of a [`Histogram`].
pub const BUCKETS: usize = 24;

/// The statistics of one training step: of its batch's loss, and of every parameter and activation
/// that is watched, in the order of the model.
///
/// Numbers are f32's, as the step computed them; one that is not finite is kept as a word in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// The step, from 1.
    pub step: u64,
    /// Its epoch, from 1.
    pub epoch: u64,
    /// The loss of the step's batch, before the step.
    #[serde(with = "number")]
    pub loss: f64,
    /// The learning rate.
    #[serde(with = "number")]
    pub rate: f64,
    /// The Euclidean norm of the loss's gradient with respect to all parameters together.
    #[serde(with = "number")]
    pub gradient_norm: f64,
    /// The norm of the step of all parameters over the norm of all parameters.
    #[serde(with = "number")]
    pub update_ratio: f64,
    /// What the batch's loss should change by, to first order: ∇L · Δθ, which is −η‖∇L‖² for plain
    /// gradient descent.
    #[serde(with = "number")]
    pub predicted_change: f64,
    /// What it changed by: the loss of the same batch after the step, less the loss before.
    #[serde(with = "number")]
    pub actual_change: f64,
    /// The parameters.
    pub parameters: Vec<ParameterStatistics>,
    /// The activations.
    pub activations: Vec<ActivationStatistics>,
}

/// One parameter in a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterStatistics {
    /// Its path, e.g. `fc1/weight`.
    pub path: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its Euclidean norm before the step.
    #[serde(with = "number")]
    pub norm: f64,
    /// The mean of its elements.
    #[serde(with = "number")]
    pub mean: f64,
    /// The standard deviation of its elements.
    #[serde(with = "number")]
    pub deviation: f64,
    /// The norm of the loss's gradient with respect to it.
    #[serde(with = "number")]
    pub gradient_norm: f64,
    /// The norm of its step over its norm; 0 where both are 0.
    #[serde(with = "number")]
    pub update_ratio: f64,
    /// Its elements: during training those after the step, on demand those before.
    pub values: Histogram,
    /// Its gradient's elements.
    pub gradients: Histogram,
}

/// One activation in a step: a named result of the model, over all rows of the batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivationStatistics {
    /// Its name, e.g. `fc1/relu`.
    pub path: String,
    /// Its shape, rows first.
    pub shape: Vec<usize>,
    /// The mean of its elements.
    #[serde(with = "number")]
    pub mean: f64,
    /// Their standard deviation.
    #[serde(with = "number")]
    pub deviation: f64,
    /// The least.
    #[serde(with = "number")]
    pub least: f64,
    /// The greatest.
    #[serde(with = "number")]
    pub greatest: f64,
    /// The share of elements that are 0.
    #[serde(with = "number")]
    pub zeros: f64,
    /// Of a ReLU: how many of its units (positions along the last axis) are 0 in every row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_units: Option<u64>,
    /// Of tanh and sigmoid: the share of elements whose slope is below 5 % of the steepest.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_number")]
    pub saturated: Option<f64>,
    /// The norm of the loss's gradient with respect to it.
    #[serde(with = "number")]
    pub gradient_norm: f64,
    /// Its elements.
    pub values: Histogram,
}

/// How many numbers lie where: [`BUCKETS`] equal buckets from the least to the greatest.
///
/// ```
/// use glassbox::watch::Histogram;
/// let h = Histogram::of(&[0.0, 0.1, 12.0, 24.0]);
/// assert_eq!((h.low, h.high), (0.0, 24.0));
/// assert_eq!((h.counts[0], h.counts[12], h.counts[23]), (2, 1, 1));
/// ```
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Histogram {
    /// The least finite number.
    #[serde(with = "number")]
    pub low: f64,
    /// The greatest finite number.
    #[serde(with = "number")]
    pub high: f64,
    /// Numbers in each bucket; one that lies on a border counts above it, the greatest in the last.
    pub counts: Vec<u32>,
}

impl Histogram {
    /// The histogram of the finite numbers among `values`; all in the first bucket where they are
    /// equal, no buckets where there are none.
    pub fn of(values: &[f32]) -> Self {
        let finite = || values.iter().copied().filter(|x| x.is_finite());
        let (low, high) =
            finite().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
        if low > high {
            return Histogram::default();
        }
        let (low, high) = (f64::from(low), f64::from(high));
        let scale = if high > low { BUCKETS as f64 / (high - low) } else { 0.0 };
        let mut counts = vec![0u32; BUCKETS];
        for x in finite() {
            let bucket = ((f64::from(x) - low) * scale) as usize;
            counts[bucket.min(BUCKETS - 1)] += 1;
        }
        Histogram { low, high, counts }
    }
}

impl Statistics {
    /// Every look that was recorded in the run's `watch.jsonl`, oldest first; none where nothing
    /// was watched. Histograms are of at most 512 elements of a place, evenly spread.
    ///
    /// # Errors
    /// A log that cannot be read.
    pub fn read(folder: &RunFolder) -> Result<Vec<Self>, Error> {
        let path = folder.file("watch.jsonl");
        let parse = |(index, line)| {
            serde_json::from_value(line).map_err(|error| {
                crate::io::FileError::new(&path, format_args!("line {}: {error}", index + 1)).into()
            })
        };
        log::read(&path)?.into_iter().enumerate().map(parse).collect()
    }

    /// The parameter at `path`.
    pub fn parameter(&self, path: &str) -> Option<&ParameterStatistics> {
        self.parameters.iter().find(|parameter| parameter.path == path)
    }

    /// The activation called `path`.
    pub fn activation(&self, path: &str) -> Option<&ActivationStatistics> {
        self.activations.iter().find(|activation| activation.path == path)
    }
}

/// The scope of a path: `fc1` for `fc1/weight`; the path itself where it has none.
pub(crate) fn layer_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(scope, _)| scope)
}

/// Whether a path matches a pattern in which `*` stands for any text, of any length.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((before, after)) => path.strip_prefix(before).is_some_and(|rest| {
            let mut starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            starts.any(|at| matches(after, &rest[at..]))
        }),
    }
}

/// Six digits of a number are enough for a statistic: it is written as the f32 nearest to it, or as
/// a word where it is not finite.
mod number {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::train::state::Exact;

    pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        let short = *value as f32;
        match short.is_finite() {
            true => to.serialize_f32(short),
            false => to.serialize_str(&short.to_string()),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Exact::deserialize(from).map(|exact| f64::from(exact.0 as f32))
    }
}

mod optional_number {
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
        super::number::serialize(&value.unwrap_or(f64::NAN), to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
        super::number::deserialize(from).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, path) in [
            ("*", "fc1/weight"),
            ("fc1/*", "fc1/weight"),
            ("*/weight", "block/fc1/weight"),
            ("f*1*t", "fc1/weight"),
            ("fc1/weight", "fc1/weight"),
            ("*층*", "제1층/무게"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [("fc1/*", "fc10/weight"), ("fc1", "fc1/weight"), ("*/bias", "bias")]
        {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn numbers_that_are_not_finite_are_left_out_of_a_histogram() {
        let histogram = Histogram::of(&[f32::NAN, 3.0, f32::INFINITY, 3.0]);
        assert_eq!((histogram.low, histogram.high, histogram.counts[0]), (3.0, 3.0, 2));
        assert!(Histogram::of(&[f32::NAN]).counts.is_empty());
        let wide = Histogram::of(&[f32::MIN, f32::MAX]);
        assert_eq!((wide.counts[0], wide.counts[BUCKETS - 1]), (1, 1));
    }
}
