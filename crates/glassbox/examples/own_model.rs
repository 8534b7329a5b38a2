//! A model of one's own: plain data, and a function that records it.
//!
//! `cargo run --release --example own_model`

use glassbox::prelude::*;

/// Two paths through the same image, wide and shallow beside narrow and deep; their scores are added.
struct TwoPaths {
    wide: usize,
    narrow: usize,
    classes: usize,
}

impl Module for TwoPaths {
    fn name(&self) -> &str {
        "two-paths"
    }

    /// `[rows, 8, 8, 1]` to `[rows, classes]`.
    fn forward<'g>(&self, at: Scope<'g>, images: Tensor<'g>) -> Tensor<'g> {
        let rows = images.dim(0);
        let x = images.reshape([rows, images.elements() / rows]);
        // Each layer has a scope of its own: it names the layer's parameters, e.g. `wide/weight`.
        let wide = nn::linear(at.child("wide"), x, self.wide, Initial::He).relu();
        // A layer is an ordinary function, so a block of layers is one too.
        let narrow = self.block(at.child("narrow1"), x);
        let narrow = self.block(at.child("narrow2"), narrow);
        let scores = |name, x| nn::linear(at.child(name), x, self.classes, Initial::Xavier);
        scores("from_wide", wide) + scores("from_narrow", narrow)
    }
}

impl TwoPaths {
    fn block<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
        let x = nn::linear(at.child("linear"), x, self.narrow, Initial::He);
        let x = nn::batch_norm(at.child("norm"), x);
        // Dropout and batch normalisation look at the scope's mode: training or use.
        nn::dropout(at.child("dropout"), x.relu(), 0.1)
    }
}

/// Trains it on the digits, and asks it a number.
pub fn main() -> Result<(), glassbox::Error> {
    let digits = data::digits();
    let model = TwoPaths { wide: 32, narrow: 16, classes: 10 };
    let run = Trainer::new(model).epochs(4).seed(1).fit(&digits)?;
    let report = run.evaluate(&digits.test)?;
    println!("{report}");
    assert!(report.metrics["accuracy"] > 0.85);
    // Every number of it can be asked where it came from.
    println!("{}", run.explain("narrow2/linear/bias[3]")?);
    Ok(())
}
