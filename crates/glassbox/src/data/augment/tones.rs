//! What is black and what is white to the network.

use crate::data::error::DataError;
use crate::data::{Dataset, InputPreparation};

/// Black and white of each channel as the network sees them.
#[derive(Clone, Debug, PartialEq)]
pub struct Tones {
    pub(super) black: Vec<f32>,
    pub(super) white: Vec<f32>,
}

/// Rows that are looked at.
const SAMPLE: usize = 256;

impl Tones {
    /// Those of a dataset of images: 0 and 1, or 0 and 255, where no number of up to 256 training
    /// rows lies outside of these before the preparation's scaling; else the least and the greatest
    /// number.
    ///
    /// # Errors
    /// Rows that cannot be read.
    pub fn of(data: &Dataset) -> Result<Self, DataError> {
        let channels = data.input.shape.last().copied().unwrap_or(1).max(1);
        let (mean, std) = match &data.preparation.inputs {
            InputPreparation::Array { mean, std, .. }
            | InputPreparation::Pixels { mean, std, .. }
                if mean.len() == channels =>
            {
                (mean.clone(), std.clone())
            }
            _ => (vec![0.0; channels], vec![1.0; channels]),
        };
        let rows = data.train.len().min(SAMPLE);
        let mut image = vec![0.0f32; data.train.width()];
        let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
        for at in 0..rows {
            let row = at * data.train.len() / rows.max(1);
            data.train.gather_inputs(&[row], &mut image)?;
            for (at, x) in image.iter().enumerate() {
                let natural = f64::from(*x) * std[at % channels] + mean[at % channels];
                (least, greatest) = (least.min(natural), greatest.max(natural));
            }
        }
        // Scaling and its inverse round.
        let within = |black: f64, white: f64| {
            let slack = 1e-3 * (white - black);
            least >= black - slack && greatest <= white + slack
        };
        let (black, white) = match () {
            () if within(0.0, 1.0) || least > greatest => (0.0, 1.0),
            () if within(0.0, 255.0) => (0.0, 255.0),
            () => (least, greatest.max(least + 1.0)),
        };
        let prepared = |tone: f64| {
            let channel = |(mean, std): (&f64, &f64)| ((tone - mean) / std) as f32;
            mean.iter().zip(&std).map(channel).collect()
        };
        Ok(Tones { black: prepared(black), white: prepared(white) })
    }

    /// What a number of a channel is between black, 0, and white, 1.
    pub fn shade(&self, channel: usize, x: f32) -> f32 {
        let at = channel % self.black.len();
        (x - self.black[at]) / (self.white[at] - self.black[at])
    }

    /// How far it is from black to white.
    pub(super) fn range(&self, channel: usize) -> f32 {
        self.white[channel] - self.black[channel]
    }
}
