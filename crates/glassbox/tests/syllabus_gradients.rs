//! N24 of the syllabus: gradients that vanish and explode, by layer and step, and what cures them.

#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

use crate::support;

use std::sync::atomic::AtomicBool;

use glassbox::engine::{DType, Parameters, grad};
use glassbox::prelude::*;
use glassbox::train::event::Event;
use glassbox::watch::Statistics;
use support::steps::{InSession, Steps, both, values};

/// A number that is passed on fifty times, each time multiplied by w.
#[test]
fn a_weight_of_2_makes_1_13e15_of_1_in_fifty_steps_and_a_half_makes_8_9e_minus_16() {
    for (w, printed) in [(2.0, "1.13e15"), (0.5, "8.9e-16")] {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, []);
        let weight = graph.root(Mode::Train).parameter("w", [], w);
        let h = (0..50).fold(x, |h, _| h * weight);
        let slopes = grad(h, &[x, weight]);
        let given = values(&[("x", &[], &[1.0])]);
        let runs = both(&graph, &given, &Parameters::new(), &[h, slopes[0], slopes[1]]);
        for run in runs {
            // Powers of two are exact, in f32 too.
            let [value, to_x, to_w] = [run[0][0], run[1][0], run[2][0]];
            assert_eq!((value, to_x), (w.powi(50), w.powi(50)));
            assert_eq!(to_w, 50.0 * w.powi(49), "fifty ways, each through the other 49");
            let digits = printed.split('e').next().unwrap().len() - 2;
            let said = format!("{value:.digits$e}");
            assert_eq!(said, printed, "w = {w}");
        }
    }
}

/// Blocks of one width, each with a skip connection around it or not.
struct Deep {
    activation: Activation,
    initial: Initial,
    skip: bool,
}

const BLOCKS: usize = 12;

impl Module for Deep {
    fn name(&self) -> &str {
        "deep"
    }

    fn forward<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
        let x = x.reshape([x.dim(0), x.elements() / x.dim(0)]);
        let mut h = nn::linear(at.child("in"), x, 32, self.initial);
        for block in 1..=BLOCKS {
            let step =
                self.activation.of(nn::linear(at.index("block", block), h, 32, self.initial));
            h = if self.skip { h + step } else { step };
        }
        nn::linear(at.child("out"), h, 10, Initial::Xavier)
    }
}

/// The gradient norm of each block's weights over the output's, at each step that was looked at.
fn norms(model: Deep) -> Vec<Vec<f64>> {
    let mut looks: Vec<Statistics> = Vec::new();
    let mut hear = |event: &Event| {
        if let Event::Watched(statistics) = event {
            looks.push((**statistics).clone());
        }
    };
    let trainer = Trainer::new(model).epochs(1).watch(10);
    trainer.fit_watched(&data::digits(), &mut hear, &AtomicBool::new(false)).unwrap();
    assert!(looks.len() >= 4);
    let norm = |look: &Statistics, path: &str| look.parameter(path).unwrap().gradient_norm;
    let ratios = |look: &Statistics| {
        let block = |block: usize| norm(look, &format!("block{block}/weight"));
        (1..=BLOCKS).map(|b| block(b) / norm(look, "out/weight")).collect()
    };
    looks.iter().map(ratios).collect()
}

#[test]
fn through_sigmoid_each_layer_weakens_the_gradient_and_relu_or_a_skip_cures_it() {
    let deep = |activation: Activation, skip| {
        norms(Deep { activation, initial: activation.initial(), skip })
    };
    for (step, ratios) in deep(Activation::Sigmoid, false).iter().enumerate() {
        // Its slope is ¼ at most: each layer back takes the gradient down.
        for (block, pair) in ratios.windows(2).enumerate() {
            assert!(pair[0] < 0.6 * pair[1], "look {step}, block {}: {ratios:?}", block + 1);
        }
        assert!(ratios[0] < 1e-4 * ratios[BLOCKS - 1], "look {step}: {ratios:?}");
    }
    for (name, cured) in
        [("relu", deep(Activation::Relu, false)), ("skip", deep(Activation::Sigmoid, true))]
    {
        for (step, ratios) in cured.iter().enumerate() {
            assert!(ratios.iter().all(|&r| r > 1e-2), "{name}, look {step}: {ratios:?}");
        }
    }
}

type Clip = for<'g> fn(Tensor<'g>) -> Tensor<'g>;

/// A gradient longer than 1 is shortened to 1, its direction kept.
fn by_norm(gradient: Tensor<'_>) -> Tensor<'_> {
    let norm = gradient.square().sum().sqrt();
    gradient * norm.recip().min_with(norm.full_like(1.0))
}

/// Each element is kept within −1 and 1.
fn by_value(gradient: Tensor<'_>) -> Tensor<'_> {
    gradient.min_with(gradient.full_like(1.0)).max_with(gradient.full_like(-1.0))
}

/// Two numbers, each passed on fifty times through a weight of its own, shall be 1 at the end.
/// Gradient descent at rate 0.01; gives the first gradient as it is used, and the loss before each
/// step.
fn unrolled(clip: Clip) -> (Vec<f64>, Vec<f64>) {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let w = at.parameter("w", [2], 0.0);
    let h = (0..50).fold(w.full_like(1.0), |h, _| h * w);
    let loss = (h - 1.0).square().sum();
    let step = clip(grad(loss, &[w])[0]);
    graph.assign("w", w - step * 0.01);
    let start = values(&[("w", &[2], &[1.3, 1.25])]);
    let mut run = InSession::new(&graph, &Parameters::new(), &start, &[loss, step]);
    let first = run.step();
    let losses = [first[0][0]].into_iter().chain((0..200).map(|_| run.step()[0][0])).collect();
    (first[1].clone(), losses)
}

#[test]
fn clipping_by_norm_or_value_holds_an_exploding_gradient() {
    // d(w⁵⁰ − 1)²/dw = 2(w⁵⁰ − 1) · 50w⁴⁹
    let slope = |w: f64| 2.0 * (w.powi(50) - 1.0) * 50.0 * w.powi(49);
    let whole = [slope(1.3), slope(1.25)];
    let norm = whole[0].hypot(whole[1]);
    let (step, losses) = unrolled(|gradient| gradient);
    for (found, by_hand) in step.iter().zip(whole) {
        assert!(by_hand > 1e11 && (found / by_hand - 1.0).abs() < 1e-4, "{found} {by_hand}");
    }
    assert!(!losses[1].is_finite(), "one step is enough: {losses:?}");

    let (step, losses) = unrolled(by_norm);
    for (found, by_hand) in step.iter().zip(whole) {
        assert!((found - by_hand / norm).abs() < 1e-4, "of length 1, in the same direction");
    }
    // Steps of 0.01 at most leave w within 0.01 of 1, and w⁵⁰ within e^½ − 1.
    assert!(losses[200] < 2.0 * 0.5f64.exp_m1().powi(2), "{}", losses[200]);

    let (step, losses) = unrolled(by_value);
    assert_eq!(step, [1.0, 1.0], "the direction changes");
    assert!(losses[200] < 2.0 * 0.5f64.exp_m1().powi(2), "{}", losses[200]);
}
