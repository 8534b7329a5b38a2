//! A loss of one's own: a function of prediction and target. Its derivative follows by itself.
//!
//! `cargo run --release --example own_loss`

use glassbox::data::{Dataset, Options, Targets};
use glassbox::engine::Array;
use glassbox::engine::random::Stream;
use glassbox::prelude::*;

/// The share of observations that should lie below the prediction.
const QUANTILE: f64 = 0.9;

/// The pinball loss (Koenker and Bassett 1978): being too low costs `QUANTILE` for each unit, being too
/// high the rest, so that the best prediction is not the mean but the quantile.
fn pinball<'g>(at: Scope<'g>, prediction: Tensor<'g>, observed: Tensor<'g>) -> Tensor<'g> {
    let _inside = at.enter();
    let below = observed - prediction;
    (below * QUANTILE).max_with(below * (QUANTILE - 1.0)).mean()
}

/// Learns a line that nine tenths of the rows lie below.
pub fn main() -> Result<(), glassbox::Error> {
    // y = 2x with noise that grows with x.
    let random = Stream::new(3, "rows", 0);
    let rows = 1000;
    let x: Vec<f32> = (0..rows).map(|row| random.uniform(row) as f32).collect();
    let noise = |row: usize| random.at_step(1).uniform(row as u64) as f32;
    let y: Vec<f32> = x.iter().enumerate().map(|(row, x)| 2.0 * x + x * noise(row)).collect();
    let inputs = Array::new([x.len(), 1], x.clone()).map_err(glassbox::Error::Other)?;
    let data = Dataset::from_arrays(inputs, Targets::Values(y.clone()), &Options::default())?;

    let run = Trainer::new(Mlp::new([1, 1]))
        .own_loss(pinball)
        .optimizer(Optimizer::ADAM.with_lr(0.02))
        .epochs(60)
        .fit(&data)?;

    // Nine tenths of all observations lie below the line.
    let value = |path: &str| run.parameters().get(path).map_or(0.0, |a| a.to_f64()[0]);
    let (slope, offset) = (value("fc1/weight"), value("fc1/bias"));
    let line = |x: f32| slope * f64::from(x) + offset;
    let below = x.iter().zip(&y).filter(|&(&x, &y)| f64::from(y) < line(x)).count();
    let share = below as f64 / y.len() as f64;
    println!(
        "y = {slope:.3} x + {offset:.3} has {:.1} % of the observations below it",
        100.0 * share
    );
    assert!((share - QUANTILE).abs() < 0.03);
    Ok(())
}
