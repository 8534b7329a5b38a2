//! Syllabus N28: from a distribution to data and from data to the distribution that makes them
//! likeliest; a net that gives μ and σ for each row, and samples of it.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use std::f64::consts::TAU;

use glassbox::engine::random::Stream;
use glassbox::engine::{Array, DType, Distribution, Graph, Mode, Parameters, Scope, Tensor};
use glassbox::nn::{Activation, Loss, Module, Optimizer, seed, step};
use glassbox::zoo::Mlp;
use support::steps::{InReference, InSession, Steps, assert_close, assert_prints, both, values};

/// One distribution for all of the data: the negative log-likelihood of its rows, under the
/// parameters `mean` and `log_variance`.
fn likelihood<'g>(at: Scope<'g>, data: Tensor<'g>) -> Tensor<'g> {
    let told = at.parameter("mean", [1], 0.0);
    let spread = at.parameter("log_variance", [1], 0.0);
    let each = told.concatenate(&[spread], 0).broadcast_to([data.dim(0), 2]);
    Loss::GaussianNll.of(at.child("loss"), each, data)
}

/// Gradient descent on every parameter at rate 0.2.
fn descend(graph: &Graph, loss: Tensor<'_>) {
    let at = graph.root(Mode::Train).child("optimizer");
    let rate = graph.constant(DType::F32, 0.2);
    Optimizer::GRADIENT_DESCENT.update(at, loss, graph.parameters(), rate, step(graph));
}

const DATA: [f64; 3] = [1.0, 2.0, 3.0];

#[test]
fn n28_the_likeliest_gaussian_of_1_2_3_has_mean_2_and_variance_two_thirds() {
    let graph = Graph::new();
    let data = graph.input("data", DType::F32, [3, 1]);
    let loss = likelihood(graph.root(Mode::Train), data);
    descend(&graph, loss);
    let inputs = values(&[("data", &[3, 1], &DATA)]);
    let start = Parameters::new();
    let mut session = InSession::new(&graph, &inputs, &start, &[loss]);
    let mut reference = InReference::new(&graph, &inputs, &start, &[loss]);
    for training in [&mut session as &mut dyn Steps, &mut reference] {
        let losses = training.losses(300);
        let (mean, variance) = (training.value("mean")[0], training.value("log_variance")[0].exp());
        assert_prints("μ", mean, "2");
        assert_prints("σ²", variance, "0.667");
        // The closed form: the mean, and the mean of the squared deviations (by n, not by n − 1).
        assert_close("μ, σ²", &[mean, variance], &[2.0, 2.0 / 3.0], 1e-5);
        let least = 0.5 * (TAU.ln() + (2.0f64 / 3.0).ln() + 1.0);
        assert_close("its negative log-likelihood", &losses[300..], &[least], 1e-6);
        assert!(losses.windows(2).all(|pair| pair[1] <= pair[0] + 1e-6), "it fell at each step");
    }
}

#[test]
fn n28_every_other_gaussian_makes_the_data_less_likely() {
    let graph = Graph::new();
    let data = graph.input("data", DType::F32, [3, 1]);
    let loss = likelihood(graph.root(Mode::Train), data);
    let inputs = values(&[("data", &[3, 1], &DATA)]);
    let start = Parameters::new();
    let mut session = InSession::new(&graph, &inputs, &start, &[loss]);
    let mut reference = InReference::new(&graph, &inputs, &start, &[loss]);
    for run in [&mut session as &mut dyn Steps, &mut reference] {
        let mut nll = |mean: f64, variance: f64| {
            run.set("mean", &[mean]);
            run.set("log_variance", &[variance.ln()]);
            run.step()[0][0]
        };
        let best = nll(2.0, 2.0 / 3.0);
        for (mean, variance) in [
            (1.9, 0.667),
            (2.1, 0.667),
            (2.0, 0.6),
            (2.0, 0.75),
            (0.0, 1.0),
            (2.0, 1.0),
            (3.0, 5.0),
        ] {
            let other = nll(mean, variance);
            assert!(other > best + 1e-3, "N({mean}, {variance}): {other}, {best}");
            // The product of the three densities.
            let density =
                |x: f64| (-(x - mean).powi(2) / (2.0 * variance)).exp() / (TAU * variance).sqrt();
            let likelihood: f64 = DATA.map(density).iter().product();
            assert_close("likelihood", &[(-3.0 * other).exp()], &[likelihood], 1e-6);
        }
    }
}

#[test]
fn n28_from_a_distribution_to_data_and_back() {
    const ROWS: usize = 4096;
    let (mean, deviation) = (2.0, 1.5);
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    // The same draws at every step: the step that they follow from is a constant.
    let still = graph.constant(DType::I64, 0.0);
    let drawn = at.random(Distribution::Normal, [ROWS, 1], seed(&graph), still);
    let data = drawn * deviation + mean;
    let loss = likelihood(at, data);
    descend(&graph, loss);
    let centred = data - data.mean();
    let outputs = [loss, data.mean(), centred.square().mean()];
    for seed in [1.0, 2.0, 3.0] {
        let inputs = values(&[("seed", &[], &[seed])]);
        let mut training = InSession::new(&graph, &inputs, &Parameters::new(), &outputs);
        training.losses(300);
        let [_, of_data, spread_of_data] = training.step().try_into().unwrap();
        let (found, spread) = (training.value("mean")[0], training.value("log_variance")[0].exp());
        assert_close(
            "the likeliest is the data's own",
            &[found, spread],
            &[of_data[0], spread_of_data[0]],
            1e-5,
        );
        // Four standard errors: σ/√n of the mean, σ²√(2/n) of the variance.
        let n = ROWS as f64;
        assert!((found - mean).abs() < 4.0 * deviation / n.sqrt(), "seed {seed}: {found}");
        let variance = deviation * deviation;
        assert!(
            (spread - variance).abs() < 4.0 * variance * (2.0 / n).sqrt(),
            "seed {seed}: {spread}"
        );
    }
}

/// What the data of the heteroscedastic tests come from, at x in −1..1.
fn truth(x: f64) -> (f64, f64) {
    ((3.0 * x).sin(), 0.1 + 0.4 * (x + 1.0) / 2.0)
}

const ROWS: usize = 1024;

/// 1024 places over −1..1, and a draw at each from the true distribution.
fn rows(seed: u64) -> (Vec<f64>, Vec<f64>) {
    let noise = Stream::new(seed, "noise", 0);
    let x: Vec<f64> = (0..ROWS).map(|i| (i as f64 + 0.5) / ROWS as f64 * 2.0 - 1.0).collect();
    let draw = |(i, x): (usize, &f64)| {
        let (mean, deviation) = truth(*x);
        mean + deviation * noise.normal(i as u64)
    };
    let y = x.iter().enumerate().map(draw).collect();
    (x, y)
}

fn net() -> Mlp {
    Mlp::new([1, 16, 2]).activation(Activation::Tanh)
}

/// Trains the net by Adam; gives its weights and the last loss.
fn trained(seed: u64) -> (Parameters, f64) {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [ROWS, 1]);
    let y = graph.input("y", DType::F32, [ROWS, 1]);
    let loss = Loss::GaussianNll.of(at.child("loss"), net().forward(at, x), y);
    let mut weights = graph.initial_values(seed);
    let rate = graph.constant(DType::F32, 0.02);
    Optimizer::ADAM.update(at.child("optimizer"), loss, graph.parameters(), rate, step(&graph));
    let (xs, ys) = rows(seed);
    let inputs = values(&[("x", &[ROWS, 1], &xs), ("y", &[ROWS, 1], &ys)]);
    let mut training = InSession::new(&graph, &inputs, &weights, &[loss]);
    let losses = training.losses(600);
    for (path, start) in weights.clone().iter() {
        let now = Array::new(start.shape().clone(), training.value(path)).unwrap();
        weights.insert(path, now);
    }
    (weights, losses[600])
}

#[test]
fn n28_a_net_that_gives_both_recovers_the_mean_and_the_spread_of_each_place() {
    let places: Vec<f64> = (0..=18).map(|i| f64::from(i) / 10.0 - 0.9).collect();
    for seed in [1, 2, 3] {
        let (weights, loss) = trained(seed);
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [places.len(), 1]);
        let given = net().forward(graph.root(Mode::Eval), x);
        let inputs = values(&[("x", &[places.len(), 1], &places)]);
        for run in both(&graph, &inputs, &weights, &[given]) {
            for (x, given) in places.iter().zip(run[0].chunks(2)) {
                let (mean, deviation) = truth(*x);
                let (found, spread) = (given[0], (given[1] / 2.0).exp());
                assert!((found - mean).abs() < 0.5 * deviation, "seed {seed}, x = {x}: μ {found}");
                let share = spread / deviation;
                assert!((0.75..1.35).contains(&share), "seed {seed}, x = {x}: σ {spread}");
            }
        }
        // Against the best that one spread for all places can do, with the true means.
        let (x, y) = rows(seed);
        let squares = x.iter().zip(&y).map(|(x, y)| (y - truth(*x).0).powi(2)).sum::<f64>();
        let one_for_all = 0.5 * (TAU.ln() + (squares / ROWS as f64).ln() + 1.0);
        assert!(loss < one_for_all - 0.1, "seed {seed}: {loss}, {one_for_all}");
    }
}

#[test]
fn n28_samples_of_the_net_have_the_mean_and_the_spread_that_it_gives() {
    const DRAWS: usize = 20_000;
    let places = [-0.8, -0.4, 0.0, 0.4, 0.8];
    let (weights, _) = trained(1);
    let graph = Graph::new();
    let at = graph.root(Mode::Eval);
    let x = graph.input("x", DType::F32, [5, 1]);
    let given = net().forward(at, x);
    let (mean, log_variance) = (given.slice(-1, 0..1), given.slice(-1, 1..2));
    let noise = at.random(Distribution::Normal, [5, DRAWS], seed(&graph), step(&graph));
    let samples = mean + (log_variance * 0.5).exp() * noise;
    let of_samples = samples.mean_axis(-1);
    let spread_of_samples = (samples - of_samples).square().mean_axis(-1);
    let outputs = [mean, log_variance.exp(), of_samples, spread_of_samples];
    let inputs = values(&[("x", &[5, 1], &places), ("seed", &[], &[1.0])]);
    for run in both(&graph, &inputs, &weights, &outputs) {
        let [mean, variance, of_samples, spread_of_samples] = run.try_into().unwrap();
        for place in 0..5 {
            // Four standard errors.
            let n = DRAWS as f64;
            let (wanted, found) = (mean[place], of_samples[place]);
            assert!((found - wanted).abs() < 4.0 * (variance[place] / n).sqrt(), "μ {found}");
            let (wanted, found) = (variance[place], spread_of_samples[place]);
            assert!((found - wanted).abs() < 4.0 * wanted * (2.0 / n).sqrt(), "σ² {found}");
        }
        // To the right the data spread more, and so do the samples.
        assert!(spread_of_samples.is_sorted(), "{spread_of_samples:?}");
    }
}
