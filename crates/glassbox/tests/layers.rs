//! What layers do beside PyTorch's numbers: dropout's statistics and draws, small batches, networks
//! from a list of layers.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::engine::{DType, Graph, Mode, Parameters, grad};
use glassbox::nn::{self, Activation, Module};
use glassbox::zoo::{Layer, LayerKind, Mlp, Network, Normalize};
use support::steps::{InSession, Steps, assert_close, both, values};

const NUMBERS: usize = 40_000;

/// Dropout of ones at a rate, and its slope, under a seed at a step.
fn dropped(rate: f64, seed: f64, step: usize) -> (Vec<f64>, Vec<f64>) {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [NUMBERS / 8, 8]);
    let y = nn::dropout(graph.root(Mode::Train).child("drop"), x, rate);
    let slope = grad(y.sum(), &[x])[0];
    let inputs = values(&[("x", &[NUMBERS / 8, 8], &vec![1.0; NUMBERS]), ("seed", &[], &[seed])]);
    let mut session = InSession::new(&graph, &inputs, &Parameters::new(), &[y, slope]);
    // The session counts the steps.
    let runs: Vec<_> = (0..step).map(|_| session.step()).collect();
    let [y, slope] = runs[step - 1].clone().try_into().unwrap();
    (y, slope)
}

#[test]
fn dropout_leaves_out_its_share_and_keeps_the_mean() {
    for rate in [0.1, 0.5, 0.8] {
        let (y, slope) = dropped(rate, 42.0, 1);
        let left_out = y.iter().filter(|y| **y == 0.0).count() as f64 / NUMBERS as f64;
        // Five standard errors of a share.
        let allowed = 5.0 * (rate * (1.0 - rate) / NUMBERS as f64).sqrt();
        assert!((left_out - rate).abs() < allowed, "{rate}: {left_out}");
        let kept = 1.0 / (1.0 - rate);
        assert!(y.iter().all(|y| *y == 0.0 || (y - kept).abs() < 1e-6));
        // The gradient goes where the numbers went, scaled alike.
        assert_eq!(y, slope);
    }
}

#[test]
fn dropout_follows_from_seed_and_step() {
    let first = dropped(0.5, 42.0, 1);
    assert_eq!(first, dropped(0.5, 42.0, 1));
    for other in [dropped(0.5, 42.0, 2), dropped(0.5, 43.0, 1)] {
        let same = first.0.iter().zip(&other.0).filter(|(a, b)| a == b).count() as f64;
        assert!((same / NUMBERS as f64 - 0.5).abs() < 0.02, "unrelated draws agree by half");
    }
}

#[test]
fn dropout_in_use_does_nothing_and_asks_for_nothing() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [3, 4]);
    let y = nn::dropout(graph.root(Mode::Eval).child("drop"), x, 0.5);
    assert_eq!(y.value(), x.value());
    assert!(graph.find_input("seed").is_none());
}

#[test]
fn a_batch_of_one_row_is_normalised_by_the_running_statistics() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [1, 2]);
    let y = nn::batch_norm(graph.root(Mode::Train).child("norm"), x);
    let inputs = values(&[("x", &[1, 2], &[3.0, -1.0])]);
    let states = values(&[
        ("norm/running_mean", &[2], &[1.0, -1.0]),
        ("norm/running_var", &[2], &[4.0, 1.0]),
    ]);
    let mut session = InSession::new(&graph, &inputs, &states, &[y]);
    assert_close("y", &session.step()[0], &[1.0, 0.0], 1e-5);
    assert_eq!(session.value("norm/running_mean"), [1.0, -1.0]);
    assert_eq!(session.value("norm/running_var"), [4.0, 1.0]);
    // The same rows of an image have several numbers a channel.
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [1, 2, 1]);
    let y = nn::batch_norm(graph.root(Mode::Train).child("norm"), x);
    let inputs = values(&[("x", &[1, 2, 1], &[3.0, -1.0])]);
    for run in both(&graph, &inputs, &Parameters::new(), &[y]) {
        assert_close("y", &run[0], &[1.0, -1.0], 1e-5);
    }
}

#[test]
fn a_skip_connection_adds_what_went_in() {
    let (graph, plain) = (Graph::new(), Graph::new());
    let record = |graph: &Graph, model: Mlp| {
        let x = graph.input("x", DType::F32, [3, 4]);
        model.forward(graph.root(Mode::Eval), x).named("y");
    };
    let model = Mlp::new([4, 4, 2]).activation(Activation::Tanh).normalize(Normalize::Layer);
    record(&plain, model.clone());
    record(&graph, model.skip(true));
    // y = (x + h) W + b: the difference is x W.
    let weight = graph.state("fc2/weight").unwrap();
    let linear = graph.find_input("x").unwrap().matmul(weight);
    let numbers: Vec<f64> = (0..12).map(|i| f64::from(i).cos()).collect();
    let inputs = values(&[("x", &[3, 4], &numbers)]);
    let start = graph.initial_values(5);
    let [with, without] = [&graph, &plain].map(|g| {
        let y = g.named("y").unwrap();
        InSession::new(g, &inputs, &start, &[y]).step().remove(0)
    });
    let skipped = InSession::new(&graph, &inputs, &start, &[linear]).step().remove(0);
    let difference: Vec<f64> = with.iter().zip(&without).map(|(a, b)| a - b).collect();
    assert_close("x W", &difference, &skipped, 1e-5);
}

fn linear(units: usize) -> Layer {
    LayerKind::Linear { units, initial: None }.into()
}

fn problems(layers: Vec<Layer>, input: &[usize]) -> Vec<String> {
    let problems = Network::new(layers, input, 3).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_network_of_the_same_layers_is_the_same_as_a_perceptron() {
    let relu = LayerKind::Activation { activation: Activation::Relu };
    let network = Network::new(vec![linear(5), relu.into(), linear(3)], &[4], 3).unwrap();
    let record = |model: &dyn Module| {
        let graph = Graph::new();
        model.forward(graph.root(Mode::Train), graph.input("x", DType::F32, [2, 4]));
        graph.initial_values(9)
    };
    assert_eq!(record(&network), record(&Mlp::new([4, 5, 3])));
}

#[test]
fn a_network_s_mistakes_are_all_told() {
    let add = |from: [&str; 2]| Layer::new(LayerKind::Add).from(from);
    assert_eq!(
        problems(
            vec![
                linear(8).named("a"),
                linear(8).named("a"),
                add(["a", "late"]),
                Layer::new(LayerKind::Flatten).from(["aa"]),
                linear(8).named("late"),
                Layer::new(LayerKind::Concatenate),
                linear(2).from(["a", "late"]),
                linear(2).named("input"),
            ],
            &[4],
        ),
        [
            "layer 2: layer 1 is called `a` already",
            "layer 3: `add1` reads `late`, which does not come before it: a layer reads layers \
             above it",
            "layer 4: `flatten1` reads `aa`, which does not exist: did you mean `a`? The layers \
             above it: `input`, `a`, `a`, `add1`",
            "layer 6: `concatenate1` puts layers together: say which, such as from = [\"input\", \
             \"fc1\"]",
            "layer 7: `fc4` reads one layer: put several together by add or concatenate first",
            "layer 8: a layer cannot be called `input`: choose a name without `/` that is neither \
             `input` nor `out`",
        ]
    );
    let reshape = |shape: &[usize]| Layer::new(LayerKind::Reshape { shape: shape.to_vec() });
    assert_eq!(
        problems(vec![linear(8), reshape(&[2, 2]), linear(8).named("late")], &[2, 3]),
        [
            "layer 1: `fc1` reads rows of shape [2, 3]: put a flatten in front of it",
            "layer 2: `reshape1` cannot give 8 numbers of shape [8] the shape [2, 2], which has 4",
            "layer 3: `late` reads rows of shape [2, 2]: put a flatten in front of it",
        ]
    );
    let mixed = vec![linear(8), linear(4), add(["fc1", "fc2"])];
    assert!(problems(mixed, &[4])[0].contains("adds rows of different shapes, [8] and [4]"));
}

#[test]
fn branches_reshapes_and_the_last_layer_fit_together() {
    let layers = vec![
        Layer::new(LayerKind::Flatten).named("flat"),
        linear(6).named("left").from(["flat"]),
        linear(4).named("right").from(["flat"]),
        Layer::new(LayerKind::Concatenate).from(["left", "right", "flat"]),
        LayerKind::BatchNorm.into(),
        LayerKind::Dropout { rate: 0.3 }.into(),
        LayerKind::Reshape { shape: vec![2, 8] }.into(),
        LayerKind::LayerNorm.into(),
    ];
    let network = Network::new(layers, &[2, 3], 3).unwrap();
    let graph = Graph::new();
    let y = network.forward(graph.root(Mode::Train), graph.input("x", DType::F32, [5, 2, 3]));
    graph.check().unwrap();
    assert_eq!(y.shape().sizes(), &[5, 3]);
    assert_eq!(graph.state("out/weight").unwrap().shape().sizes(), &[16, 3]);
    assert_eq!(graph.state("layer_norm1/weight").unwrap().shape().sizes(), &[8]);
}

#[test]
fn layers_over_images_fit_together_or_say_what_is_wrong() {
    let conv = |channels, size, padding, groups| {
        let initial = None;
        LayerKind::Conv { channels, size, stride: 1, padding, groups, initial }.into()
    };
    let pool = |size| LayerKind::MaxPool { size, stride: None, padding: 0 }.into();
    let mean = || LayerKind::AveragePool { size: 2, stride: Some(1), padding: 1 }.into();
    let layers = vec![
        conv(4, 3, None, 1),
        pool(2),
        conv(6, 3, Some(0), 2),
        mean(),
        LayerKind::GlobalAveragePool.into(),
    ];
    let network = Network::new(layers, &[8, 9, 1], 3).unwrap();
    let graph = Graph::new();
    let y = network.forward(graph.root(Mode::Train), graph.input("x", DType::F32, [5, 8, 9, 1]));
    graph.check().unwrap();
    assert_eq!(y.shape().sizes(), &[5, 3]);
    assert_eq!(graph.state("conv1/weight").unwrap().shape().sizes(), &[3, 3, 1, 4]);
    assert_eq!(graph.state("conv2/weight").unwrap().shape().sizes(), &[3, 3, 2, 6]);
    assert_eq!(graph.named("average_pool1/average_pool").unwrap().shape().sizes(), &[5, 3, 3, 6]);
    assert_eq!(
        problems(vec![conv(4, 3, None, 1)], &[64]),
        ["layer 1: `conv1` reads images [height, width, channels], not rows of shape [64]: put a \
             reshape in front of it, such as shape = [8, 8, 1]"]
    );
    assert_eq!(
        problems(vec![conv(4, 3, None, 2), pool(9), conv(2, 9, Some(0), 1)], &[8, 9, 1]),
        [
            "layer 1: `conv1`, which reads images of shape [8, 9, 1]: 1 channels cannot be cut into \
             2 equal groups",
            "layer 2: `max_pool1`, which reads images of shape [8, 9, 4]: a window of height 9 does \
             not fit images of height 8",
            "layer 3: `conv2`, which reads images of shape [8, 9, 4]: a filter of height 9 does not \
             fit images of height 8",
        ]
    );
}
