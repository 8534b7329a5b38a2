//! What a checkpoint remembers beside the numbers of the model and the optimiser.

use std::collections::BTreeMap;

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::nn::Plateau;
use crate::watch::Alarms;

/// An f64 that survives JSON exactly, infinities and NaN included (as words).
#[derive(Clone, Copy, Debug, Default)]
pub struct Exact(pub f64);

impl PartialEq for Exact {
    /// Same bits, so that NaN equals itself; all NaN are one.
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits() || (self.0.is_nan() && other.0.is_nan())
    }
}

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.is_finite() {
            true => to.serialize_f64(self.0),
            false => to.serialize_str(&self.0.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(f64),
            Word(String),
        }
        match Written::deserialize(from)? {
            Written::Number(number) => Ok(Exact(number)),
            Written::Word(word) => match word.as_str() {
                "NaN" => Ok(Exact(f64::NAN)),
                "inf" => Ok(Exact(f64::INFINITY)),
                "-inf" => Ok(Exact(f64::NEG_INFINITY)),
                other => Err(D::Error::invalid_value(Unexpected::Str(other), &"a number")),
            },
        }
    }
}

/// The best figure so far and the step that reached it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The figure's value.
    pub metric: Exact,
    /// The step that reached it.
    pub step: u64,
}

/// Bytes of each log at the moment of a checkpoint; resuming cuts the logs back to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogOffsets {
    /// `metrics.jsonl`
    pub metrics: u64,
    /// `alerts.jsonl`
    pub alerts: u64,
    /// `watch.jsonl`
    #[serde(default)]
    pub watch: u64,
}

/// Where training stood: with the parameters and the optimiser's state, enough to go on to the
/// same bits.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct TrainState {
    /// Steps taken.
    pub step: u64,
    /// Epochs finished.
    pub epoch: u64,
    /// Steps taken in the epoch that is not finished.
    pub position: u64,
    /// The seed that all randomness follows from.
    pub seed: u64,
    /// Sums over the unfinished epoch (loss, rows, …) by name.
    pub sums: BTreeMap<String, Exact>,
    /// The best figure so far.
    pub best: Option<Best>,
    /// Epochs since the watched metric last improved.
    pub epochs_without_improvement: u64,
    /// What a plateau schedule has seen.
    #[serde(default, skip_serializing_if = "is_new")]
    pub plateau: Plateau,
    /// Bytes of the logs.
    pub logs: LogOffsets,
    /// What the alarms remember.
    #[serde(default)]
    pub alarms: Alarms,
    /// The instruction set that the numbers were computed with, e.g. `avx2`.
    pub instruction_set: String,
    /// The number of threads (the numbers do not depend on it).
    pub threads: usize,
}

fn is_new(plateau: &Plateau) -> bool {
    *plateau == Plateau::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_float_survives_json_exactly() {
        let hard = [0.1, -0.0, 5e-324, f64::MAX, 1.0 / 3.0, 2.5e-7, f64::NAN, f64::INFINITY];
        let state = TrainState {
            seed: u64::MAX,
            sums: hard.iter().map(|&x| (format!("{x:e}"), Exact(x))).collect(),
            best: Some(Best { metric: Exact(f64::NEG_INFINITY), step: 3 }),
            ..TrainState::default()
        };
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<TrainState>(&text).unwrap(), state);
        // And any bit pattern, by a walk over them.
        for at in 0..20_000u64 {
            let number = f64::from_bits(at.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let text = serde_json::to_string(&Exact(number)).unwrap();
            assert_eq!(serde_json::from_str::<Exact>(&text).unwrap(), Exact(number), "{text}");
        }
    }
}
