//! A recurrent network of one's own: a loop over the steps of a sequence.
//!
//! `cargo run --release --example own_recurrent`

use glassbox::data::{Dataset, Options, Targets};
use glassbox::engine::Array;
use glassbox::engine::random::Stream;
use glassbox::prelude::*;

/// What is remembered is a row of `memory` numbers, which each step of the sequence changes:
/// h ← tanh(x · input + h · recurrent + bias) (Elman 1990).
struct Recurrent {
    memory: usize,
}

impl Module for Recurrent {
    fn name(&self) -> &str {
        "recurrent"
    }

    /// `[rows, steps, features]` to `[rows, 1]`.
    fn forward<'g>(&self, at: Scope<'g>, rows: Tensor<'g>) -> Tensor<'g> {
        let (batch, steps, features) = (rows.dim(0), rows.dim(1), rows.dim(2));
        let cell = at.child("cell");
        // Orthogonal: what is remembered neither fades nor grows at first.
        let orthogonal = Initial::Orthogonal { gain: 1.0 }.weights(self.memory, self.memory);
        let recurrent = cell.parameter("recurrent", [self.memory, self.memory], orthogonal);
        let input = Initial::Xavier.weights(features, self.memory);
        let input = cell.parameter("input", [features, self.memory], input);
        let bias = cell.parameter("bias", [self.memory], 0.0);
        // The loop takes one step of every row at a time: `[steps, rows, features]`.
        let by_step = rows.permute(&[1, 0, 2]);
        let empty = at.graph().constant(rows.dtype(), 0.0).broadcast_to([batch, self.memory]);
        let (last, ()) = at.graph().scan(steps, empty, by_step, |h, x, _step| {
            let h = (x.matmul(input) + h.matmul(recurrent) + bias).tanh();
            (h, ())
        });
        nn::linear(at.child("out"), last, 1, Initial::Xavier)
    }
}

/// The adding problem (Hochreiter and Schmidhuber 1997): each step is a number and a mark; what is
/// asked for is the sum of the two marked numbers.
fn adding(rows: u64, steps: u64) -> Result<Dataset, glassbox::Error> {
    let draw = Stream::new(7, "adding", 0);
    let (mut inputs, mut sums) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let first = row % steps;
        let second = (first + 1 + row / steps % (steps - 1)) % steps;
        let mut sum = 0.0;
        for step in 0..steps {
            let (number, marked) =
                (draw.uniform(row * steps + step) as f32, step == first || step == second);
            inputs.extend([number, f32::from(u8::from(marked))]);
            sum += if marked { number } else { 0.0 };
        }
        sums.push(sum);
    }
    let shape = [rows as usize, steps as usize, 2];
    let inputs = Array::new(shape, inputs).map_err(glassbox::Error::Other)?;
    let options = Options { valid: Some(0.1), test: Some(0.2), ..Options::default() };
    Ok(Dataset::from_arrays(inputs, Targets::Values(sums), &options)?)
}

/// Trains it, and asks how a weight acts on the loss through every step.
pub fn main() -> Result<(), glassbox::Error> {
    let data = adding(2_000, 6)?;
    let run = Trainer::new(Recurrent { memory: 16 })
        .optimizer(Optimizer::ADAM.with_lr(0.01))
        .clip(Clip::Norm(1.0))
        .epochs(20)
        .batch(50)
        .seed(1)
        .fit(&data)?;
    let report = run.evaluate(&data.test)?;
    println!("{report}");
    assert!(report.metrics["r2"] > 0.9, "{report}");
    let explanation = run.explain("cell/recurrent[3, 5]")?;
    println!("{explanation}");
    // The ways through all steps come to the derivative.
    assert!(explanation.difference.is_some_and(|difference| difference.agrees));
    Ok(())
}
