//! Data of one's own: arrays of numbers and targets, from wherever they come.
//!
//! `cargo run --release --example own_dataset`

use glassbox::data::{Dataset, Options, Targets};
use glassbox::engine::Array;
use glassbox::engine::random::Stream;
use glassbox::prelude::*;

/// Makes the data, and learns it.
pub fn main() -> Result<(), glassbox::Error> {
    // Two moons, one inside the other: 600 points, two numbers each, and which moon each belongs to.
    let noise = Stream::new(7, "noise", 0);
    let mut numbers = Vec::new();
    let mut labels = Vec::new();
    for row in 0..600u64 {
        let upper = row % 2 == 0;
        let angle = (row / 2) as f64 / 300.0 * std::f64::consts::PI;
        let (x, y) = match upper {
            true => (angle.cos(), angle.sin()),
            false => (1.0 - angle.cos(), 0.5 - angle.sin()),
        };
        numbers.push((x + 0.1 * noise.normal(2 * row)) as f32);
        numbers.push((y + 0.1 * noise.normal(2 * row + 1)) as f32);
        labels.push(i64::from(upper));
    }
    let inputs = Array::new([600, 2], numbers).map_err(glassbox::Error::Other)?;

    // A split of its own, by class; whatever is fitted (here nothing) is fitted on the training part.
    let options = Options { valid: Some(0.1), test: Some(0.2), ..Options::default() };
    let moons = Dataset::from_arrays(inputs, Targets::Classes(labels), &options)?
        .with_class_names(&["lower", "upper"])?;

    let run = Trainer::new(Mlp::new([2, 16, 16, 2]).activation(Activation::Tanh))
        .optimizer(Optimizer::ADAM.with_lr(0.02))
        .epochs(30)
        .fit(&moons)?;
    let report = run.evaluate(&moons.test)?;
    println!("{report}");
    assert!(report.metrics["accuracy"] > 0.95);
    Ok(())
}
