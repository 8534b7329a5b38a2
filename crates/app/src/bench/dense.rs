//! Fully connected networks.

use glassbox::prelude::*;

use super::names::{numbered, renamed};
use super::{Field, Kind, Recorded, Values, Work, Workload};

pub fn all() -> Vec<Workload> {
    let workload = |name, unit, items, batch: Vec<Field>, step| {
        let work = Work { mode: Mode::Train, batch, step, theirs, flattened: &[] };
        Workload { name, unit, items, kind: Kind::Steps(work) }
    };
    let images = |rows| Field::new("images", [rows, 784], Values::Uniform(0.0, 1.0));
    let labels = |rows| Field::new("labels", [rows], Values::Integers(0, 10));
    let x = Field::new("x", [3, 1], Values::Fixed(&[0.0, 0.5, 1.0]));
    let y = Field::new("y", [3, 1], Values::Fixed(&[0.0, 1.0, 0.0]));
    vec![
        workload("squiggle", "steps/s", 1.0, vec![x, y], |at, batch| {
            let model = Mlp::new([1, 2, 1]).activation(Activation::Softplus);
            let y = model.forward(at, batch[0]);
            let loss = Loss::SumOfSquares.of(at.child("loss"), y, batch[1]);
            Recorded::training(at, loss, Optimizer::GRADIENT_DESCENT.with_lr(0.05))
        }),
        workload("mlp", "samples/s", 128.0, vec![images(128), labels(128)], |at, batch| {
            classifier(at, batch, &[784, 256, 128, 10])
        }),
        workload("mlp-wide", "samples/s", 256.0, vec![images(256), labels(256)], |at, batch| {
            classifier(at, batch, &[784, 2048, 2048, 10])
        }),
        workload("ae", "samples/s", 128.0, vec![images(128)], |at, batch| {
            let y = Mlp::new([784, 128, 32, 128, 784]).forward(at, batch[0]);
            let loss = Loss::SquaredError.of(at.child("loss"), y, batch[0]);
            Recorded::training(at, loss, Optimizer::ADAM)
        }),
    ]
}

fn classifier<'g>(at: Scope<'g>, batch: &[Tensor<'g>], sizes: &[usize]) -> Recorded<'g> {
    let y = Mlp::new(sizes).forward(at, batch[0]);
    let loss = Loss::CrossEntropy.of(at.child("loss"), y, batch[1]);
    Recorded::training(at, loss, Optimizer::ADAM)
}

/// Layers stand in a `Sequential` with activations between them.
fn theirs(path: &str) -> String {
    renamed(path, |name| numbered(name, "fc").map(|number| (2 * (number - 1)).to_string()))
}
