//! Numbers of a recurrent network are explained through the steps of its loop.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox::data::{Dataset, Targets};
use glassbox::engine::Array;
use glassbox::prelude::*;
use glassbox::watch::{Element, Moment};

/// h ← tanh(x · input + h · recurrent), the steps being named.
struct Recurrent;

impl Module for Recurrent {
    fn name(&self) -> &str {
        "recurrent"
    }

    fn forward<'g>(&self, at: Scope<'g>, rows: Tensor<'g>) -> Tensor<'g> {
        let (batch, steps, features) = (rows.dim(0), rows.dim(1), rows.dim(2));
        let draw = |n, m| Initial::XavierNormal.weights(n, m);
        let input = at.parameter("input", [features, 3], draw(features, 3));
        let recurrent = at.parameter("recurrent", [3, 3], draw(3, 3));
        let empty = at.graph().constant(rows.dtype(), 0.0).broadcast_to([batch, 3]);
        let by_step = rows.permute(&[1, 0, 2]);
        let (last, all) = at.graph().scan(steps, empty, by_step, |h, x, _step| {
            let h = (x.matmul(input) + h.matmul(recurrent)).tanh().named("inside");
            (h, h)
        });
        let all = all.named("states");
        nn::linear(at.child("out"), last + all.mean_axis(0).reshape([batch, 3]), 1, Initial::Xavier)
    }
}

fn moment() -> (Moment, Run) {
    let (rows, steps) = (24usize, 5);
    let x: Vec<f32> = (0..rows * steps * 2).map(|i| ((i * 37) % 19) as f32 / 9.5 - 1.0).collect();
    let sums =
        |row: usize| f64::from(x[row * steps * 2..(row + 1) * steps * 2].iter().sum::<f32>());
    let y = (0..rows).map(|row| sums(row) as f32).collect();
    let inputs = Array::new([rows, steps, 2], x.clone()).unwrap();
    let data = Dataset::from_arrays(inputs, Targets::Values(y), &data::Options::default()).unwrap();
    let run = Trainer::new(Recurrent)
        .optimizer(Optimizer::ADAM.with_lr(0.03))
        .batch(4)
        .epochs(60)
        .fit(&data)
        .unwrap();
    assert!(run.evaluate(&data.train).unwrap().metrics["r2"] > 0.9);
    (run.moment().unwrap(), run)
}

#[test]
fn a_weight_in_a_loop_acts_through_every_step() {
    let (moment, run) = moment();
    let explanation = run.explain("recurrent[1, 2]").unwrap();
    let difference = explanation.difference.unwrap();
    assert!(difference.agrees, "{explanation}");
    // Of each of the four rows one way through each of the five steps.
    let mut ways: Vec<(usize, usize)> =
        explanation.terms.iter().map(|term| (term.row.unwrap(), term.time.unwrap())).collect();
    ways.sort_unstable();
    ways.dedup();
    assert_eq!(ways.len(), 20, "{explanation}");
    assert!(explanation.to_string().lines().any(|line| line.contains("row  time")));
    // At first nothing is remembered, so nothing flows through the first step.
    let first = explanation.terms.iter().filter(|term| term.time == Some(0));
    assert!(first.clone().count() == 4 && first.clone().all(|term| term.product == 0.0));
    let movement = moment.why(&Element::parse("recurrent[1, 2]").unwrap()).unwrap();
    assert!(movement.adds_up && movement.rows_add_up && movement.rows.len() == 4, "{movement}");
}

#[test]
fn everything_that_has_a_number_of_its_own_can_be_asked_for() {
    let (moment, run) = moment();
    for (path, sizes) in moment.things() {
        let indices: Vec<usize> = sizes.iter().map(|size| size / 2).collect();
        let what = Element { path: path.clone(), indices };
        let explanation = moment.explain(&what, None).unwrap();
        assert!(explanation.difference.unwrap().agrees, "{explanation}");
        let view = moment.tensor(None, &path, None).unwrap();
        assert!(view.links.iter().all(|link| link.agrees != Some(false)), "{view}");
        assert!(view.difference.unwrap().agrees, "{view}");
    }
    // A name in the loop stands for many numbers: it is refused with the cure.
    let error = run.explain("inside[1, 2]").unwrap_err().to_string();
    assert!(error.contains("let the loop's body give it out"), "{error}");
    assert!(run.explain("states[3, 1, 2]").unwrap().difference.unwrap().agrees);
}
