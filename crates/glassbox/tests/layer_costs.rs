//! Parameters and multiply-adds by layer are those of a count by hand (V5, V7).

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox::engine::{DType, Graph, Mode, Tensor};
use glassbox::nn::{self, Conv, conv2d};
use glassbox::train::summary::multiply_adds;

/// A block of 28 × 28 places and 192 channels, as in GoogLeNet's `inception (3a)` and `(3b)`.
fn input(graph: &Graph, channels: usize) -> Tensor<'_> {
    graph.input("inputs", DType::F32, [3, 28, 28, channels])
}

fn parameters(graph: &Graph) -> usize {
    graph.parameters().iter().map(|(_, tensor)| tensor.elements()).sum()
}

#[test]
fn a_bottleneck_of_one_by_one_saves_nine_tenths_of_a_large_filter() {
    // 5 × 5 from 192 to 32 channels: 28² · 5² · 192 · 32 multiply-adds.
    let plain = Graph::new();
    let at = plain.root(Mode::Eval);
    let y = conv2d(at.child("conv"), input(&plain, 192), 32, Conv::new([5, 5]).same());
    let cost = multiply_adds(&plain, y).unwrap();
    assert_eq!(cost["conv"], 28 * 28 * 25 * 192 * 32);
    assert_eq!(cost["conv"], 120_422_400);
    assert_eq!(parameters(&plain), 25 * 192 * 32 + 32);

    // The same by way of 16 channels: 28² · (192 · 16 + 5² · 16 · 32).
    let narrow = Graph::new();
    let at = narrow.root(Mode::Eval);
    let reduced = conv2d(at.child("reduce"), input(&narrow, 192), 16, Conv::new([1, 1])).relu();
    let y = conv2d(at.child("conv"), reduced, 32, Conv::new([5, 5]).same());
    let cost = multiply_adds(&narrow, y).unwrap();
    assert_eq!((cost["reduce"], cost["conv"]), (28 * 28 * 192 * 16, 28 * 28 * 25 * 16 * 32));
    assert_eq!(cost.values().sum::<u64>(), 2_408_448 + 10_035_200);
    assert_eq!(parameters(&narrow), 192 * 16 + 16 + 25 * 16 * 32 + 32);
}

#[test]
fn a_separable_convolution_costs_one_over_the_channels_plus_one_over_the_filter() {
    let graph = Graph::new();
    let at = graph.root(Mode::Eval);
    let images = input(&graph, 64);
    let three = Conv::new([3, 3]).same().without_bias();
    let plain = conv2d(at.child("plain"), images, 128, three);
    let depth = conv2d(at.child("depth"), images, 64, three.groups(64));
    let point = conv2d(at.child("point"), depth, 128, Conv::new([1, 1]).without_bias());
    let cost = multiply_adds(&graph, plain + point).unwrap();
    let (plain, separable) = (cost["plain"], cost["depth"] + cost["point"]);
    assert_eq!(plain, 28 * 28 * 9 * 64 * 128);
    assert_eq!(separable, 28 * 28 * (9 * 64 + 64 * 128));
    // Howard et al. 2017, section 3.1: 1/N + 1/D² of an ordinary convolution.
    let share = separable as f64 / plain as f64;
    assert!((share - (1.0 / 128.0 + 1.0 / 9.0)).abs() < 1e-12);
}

#[test]
fn a_dense_layer_and_a_stride_are_counted_by_what_they_give() {
    let graph = Graph::new();
    let at = graph.root(Mode::Eval);
    let halved = conv2d(at.child("conv"), input(&graph, 3), 8, Conv::new([7, 7]).stride([2, 2]));
    assert_eq!(halved.shape().sizes(), [3, 11, 11, 8]);
    let dense = nn::linear(at.child("fc"), halved.reshape([3, 11 * 11 * 8]), 10, nn::Initial::He);
    let cost = multiply_adds(&graph, dense).unwrap();
    assert_eq!((cost["conv"], cost["fc"]), (11 * 11 * 49 * 3 * 8, 11 * 11 * 8 * 10));
}
