//! Syllabus V1 (a convolution on O and X, fixture F7), V2 (dense against convolution under a shift), V4
//! (gradients by depth), V5 (bottlenecks), V6 (channel weights), V7 (separable convolutions), V11 (transfer
//! on few images), and what the syllabus lists of common mistakes about vision.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use std::sync::LazyLock;

use glassbox::engine::{DType, Graph, Mode};
use glassbox::lesson::windows::{Image, O, Pool, TwoLetters, Walk, X, moved, walk, weights};
use glassbox::lesson::{
    LESSONS, Language, Options, bottleneck, channels, count, depth, separable, shift, transfer,
    windows,
};
use glassbox::nn::{self, Conv, Initial, Module};
use support::steps::{assert_close, assert_prints, both};

/// V2 with the default seed, for all that ask of it.
static SHIFTED: LazyLock<shift::Found> =
    LazyLock::new(|| shift::find(&Options::default()).unwrap());

fn walked(pool: Pool, image: Image) -> Walk {
    walk(TwoLetters { pool }, &weights(), &[image]).unwrap().remove(0)
}

/// F7 in f64, by the reference interpreter, beside the session's f32.
fn scores(pool: Pool, image: Image) -> [Vec<f64>; 2] {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [1, 6, 6, 1]);
    let y = TwoLetters { pool }.forward(graph.root(Mode::Eval), x);
    let pixels: Vec<f64> = image.iter().flatten().map(|x| f64::from(*x)).collect();
    let inputs = support::steps::values(&[("x", &[1, 6, 6, 1], &pixels)]);
    both(&graph, &inputs, &weights(), &[y]).map(|mut run| run.swap_remove(0))
}

#[test]
fn v1_the_filter_and_pooling_turn_36_inputs_into_4() {
    let walk = walked(Pool::Max, O);
    assert_eq!((walk.image.len(), walk.windows.len(), walk.pooled.len()), (36, 16, 4));
    assert_eq!(windows::find().unwrap().inputs, [36, 4]);
}

/// The same by the definition, written down once more: no graph, no layer.
#[test]
fn v1_every_window_is_the_sum_of_its_nine_products() {
    for image in [O, X, moved(&X, 1), moved(&X, -1)] {
        let walk = walked(Pool::Max, image);
        for window in &walk.windows {
            let pixel = |row: usize, column: usize| {
                f64::from(image[window.row + row][window.column + column])
            };
            // The anti-diagonal of ones: cross-correlation, the filter is not turned.
            let expected = [0.0, 0.0, pixel(0, 2), 0.0, pixel(1, 1), 0.0, pixel(2, 0), 0.0, 0.0];
            assert_eq!(window.products, expected, "window {}, {}", window.row, window.column);
            let sum: f64 = expected.iter().sum();
            assert_eq!((window.sum, window.with_bias), (sum, sum - 2.0));
            assert_eq!(window.relu, (sum - 2.0).max(0.0));
        }
        for (block, pooled) in walk.pooled.iter().enumerate() {
            let (row, column) = (block / 2 * 2, block % 2 * 2);
            let inside = |at: usize| walk.windows[(row + at / 2) * 4 + column + at % 2].relu;
            assert_eq!(*pooled, (0..4).map(inside).fold(f64::MIN, f64::max));
        }
    }
}

#[test]
fn v1_o_is_read_as_o_and_x_as_x() {
    for (image, letter) in [(O, 'O'), (X, 'X')] {
        let walk = walked(Pool::Max, image);
        assert_eq!(walk.letter(), letter);
        // h = relu(−0.8, −0.07, 0.2, 0.17 · pooled + 0.97), O = −1.33·h + 1.45, X = 1.33·h − 0.45.
        let by_hand: f64 =
            [-0.8, -0.07, 0.2, 0.17].iter().zip(&walk.pooled).map(|(w, x)| w * x).sum();
        let hidden = (by_hand + 0.97).max(0.0);
        let told = [walk.hidden, walk.o, walk.x];
        assert_close("scores", &told, &[hidden, 1.45 - 1.33 * hidden, 1.33 * hidden - 0.45], 1e-6);
        for run in scores(Pool::Max, image) {
            assert_close("scores", &run, &[walk.o, walk.x], 1e-6);
        }
    }
}

#[test]
fn v1_an_x_one_pixel_to_the_right_is_an_x_and_one_to_the_left_is_not() {
    for run in scores(Pool::Max, moved(&X, 1)) {
        assert_prints("X of the X moved right", run[1], "1.24");
    }
    for run in scores(Pool::Max, moved(&X, -1)) {
        assert_prints("O of the X moved left", run[0], "1.05");
        assert_prints("X of the X moved left", run[1], "−0.05");
    }
    assert_eq!(walked(Pool::Max, moved(&X, 1)).letter(), 'X');
    assert_eq!(walked(Pool::Max, moved(&X, -1)).letter(), 'O');
}

#[test]
fn v1_mean_pooling_needs_weights_of_its_own() {
    for run in scores(Pool::Mean, O) {
        assert_prints("O of the O", run[0], "0.37");
        assert_prints("X of the O", run[1], "0.63");
    }
    // With weights that were learned for it, both letters are read, and what they should be scored.
    let found = windows::find().unwrap();
    for (named, letter) in found.mean_pool_learned.iter().zip(['O', 'X']) {
        assert_eq!(named.walk.letter(), letter);
        let wanted = if letter == 'O' { [1.0, 0.0] } else { [0.0, 1.0] };
        assert_close("scores", &[named.walk.o, named.walk.x], &wanted, 0.02);
        let filter = |walk: &Walk| walk.windows.iter().map(|w| w.relu).collect::<Vec<_>>();
        let before = &found.mean_pool.iter().find(|other| other.name == named.name).unwrap().walk;
        assert_eq!(filter(&named.walk), filter(before), "the filter is the same");
    }
}

#[test]
fn v2_a_dense_unit_over_100_by_100_has_10_000_weights_and_a_filter_9() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [1, 10_000]);
    nn::linear(graph.root(Mode::Train).child("fc"), x, 1, Initial::He);
    assert_eq!(graph.state("fc/weight").unwrap().shape().sizes(), &[10_000, 1]);
    let filter = count(&[100, 100, 1], |at, x| nn::conv2d(at, x, 1, Conv::new([3, 3]))).unwrap();
    assert_eq!(filter.parameters, 9 + 1);
}

#[test]
fn v2_convolutions_hold_on_where_a_dense_network_falls_as_images_move() {
    let found = &*SHIFTED;
    assert_eq!(found.weights_of_a_unit, [10_000, 9]);
    let [dense, flattened, averaged] = &found.nets[..] else { panic!("{:?}", found.nets) };
    assert!(dense.parameters >= flattened.parameters.max(averaged.parameters));
    let last = dense.centred.len() - 1;
    assert_eq!(last, 4, "digits of 8 × 8 move by up to 4 pixels");
    for net in &found.nets {
        assert!(net.centred[0] > 0.85, "each learns the digits where they stand: {net:?}");
    }
    // Moved by half their size, the dense net knows next to nothing of them; the mean over the image
    // hardly cares where they are, and least where pooling's blocks fall on the same pixels again.
    assert!(dense.centred[last] < 0.35, "{dense:?}");
    assert!(averaged.centred[last] > 0.7, "{averaged:?}");
    assert!(averaged.centred[2] > averaged.centred[0] - 0.03, "{averaged:?}");
    for by in 1..=last {
        let ahead = averaged.centred[by] - dense.centred[by];
        assert!(ahead > 0.15, "at {by} pixels the convolution is ahead by {ahead}");
    }
    for by in 1..=2 {
        assert!(flattened.centred[by] > dense.centred[by] + 0.05, "at {by} pixels: {found:?}");
    }
    // Learning from moved images teaches the dense net shifts, at a price.
    assert!(dense.moved[last] > dense.centred[last] + 0.1, "{dense:?}");
    assert!(averaged.moved[last] > dense.moved[last], "{found:?}");
}

/// Common mistakes / Vision: convolution is equivariant to shifts, pooling locally invariant.
#[test]
fn convolution_is_equivariant_to_shifts_and_pooling_locally_invariant() {
    let found = &*SHIFTED;
    let layer = |name: &str| found.one_pixel.iter().find(|change| change.layer == name).unwrap();
    let conv = layer("conv1");
    assert!(conv.moves_along.unwrap() < 1e-6, "its numbers move along: {conv:?}");
    assert!(conv.stays > 0.1, "it is not invariant: {conv:?}");
    let (pixels, pool, mean) = (layer("pixels"), layer("pool1"), layer("mean"));
    assert!(pool.stays < conv.stays && conv.stays < pixels.stays, "{:?}", found.one_pixel);
    assert!(mean.stays < 0.25 * pixels.stays, "{:?}", found.one_pixel);
    // Exactly, where it can be: what moves within a block of max pooling changes nothing, and one pixel
    // further it does. The first window of the X moved right shows it by hand.
    let (still, right) = (walked(Pool::Max, X), walked(Pool::Max, moved(&X, 1)));
    for row in 0..4 {
        for column in 1..4 {
            assert_eq!(
                right.windows[row * 4 + column].relu,
                still.windows[row * 4 + column - 1].relu
            );
        }
    }
}

/// Common mistakes / Vision: squeeze and excitation adds parameters.
#[test]
fn v6_squeeze_and_excitation_adds_parameters_and_weighs_channels_by_image() {
    let found = channels::find(&Options::default()).unwrap();
    // 32 channels to 8 and back, with biases.
    assert_eq!(found.parameters[1] - found.parameters[0], 32 * 8 + 8 + 8 * 32 + 32);
    assert!(found.accuracy[1] > 0.8, "{:?}", found.accuracy);
    assert_eq!(found.images.len(), 20, "two of each digit");
    for image in &found.images {
        assert_eq!(image.weights.len(), 32);
        assert!(image.weights.iter().all(|w| (0.0..=1.0).contains(w)), "{image:?}");
    }
    let [same, other] = found.distance;
    assert!(same > 0.0 && other > 1.2 * same, "weights go by class: {:?}", found.distance);
}

#[test]
fn v4_without_skips_gradients_grow_with_depth_and_with_them_they_do_not() {
    let found = depth::find(&Options::default()).unwrap();
    let net = |name: &str, skip: bool| {
        found.nets.iter().find(|net| net.name == name && net.skip == skip).unwrap()
    };
    for (name, layers) in [("resnet20", 19), ("resnet56", 55)] {
        for skip in [true, false] {
            assert_eq!(net(name, skip).layers.len(), layers, "{name}: all but the last layer");
        }
        let (residual, plain) = (net(name, true), net(name, false));
        assert!(plain.first_over_last() > 2.0 * residual.first_over_last(), "{name}");
    }
    let [residual, plain] = [true, false].map(|skip| found.growth(skip));
    assert!(plain > 50.0, "the deeper, the worse: {plain}");
    assert!((0.1..10.0).contains(&residual), "{residual}");
}

#[test]
fn v5_bottlenecks_save_weights_and_multiply_adds() {
    let found = bottleneck::find().unwrap();
    let pixels = 28 * 28;
    // By the definition: a k × k convolution has k² · M · N weights, and N biases.
    let ways = [(1, 192, 64), (1, 192, 96), (3, 96, 128), (1, 192, 16), (5, 16, 32), (1, 192, 32)];
    let weights: usize = ways.iter().map(|(k, m, n)| k * k * m * n).sum();
    assert_eq!(found.bottleneck.parameters, weights + 64 + 96 + 128 + 16 + 32 + 32);
    assert_eq!(found.bottleneck.multiply_adds, weights * pixels);
    let naive = 192 * 64 + 9 * 192 * 128 + 25 * 192 * 32 + 192 * 32;
    assert_eq!(found.naive.multiply_adds, naive * pixels);
    assert_eq!(found.plain_three.multiply_adds, 9 * 192 * 256 * pixels);
    assert!(found.naive.multiply_adds > 2 * found.bottleneck.multiply_adds);
    assert!(found.plain_five.multiply_adds > 7 * found.bottleneck.multiply_adds);
}

#[test]
fn v7_a_separable_convolution_costs_1_over_n_and_1_over_k_squared() {
    let found = separable::find().unwrap();
    assert!(found.len() >= 4);
    for cost in &found {
        let taps = cost.size * cost.size;
        assert_eq!(cost.ordinary, 14 * 14 * taps * 32 * cost.channels);
        assert_eq!(cost.separable, 14 * 14 * 32 * (taps + cost.channels));
        assert!((cost.ratio - cost.formula).abs() < 1e-12, "{cost:?}");
    }
}

/// Common mistakes / Vision: Inception-v4 has no depthwise convolution; nor has the Inception here.
#[test]
fn inception_has_no_depthwise_convolution() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [1, 28, 28, 192]);
    bottleneck::FIRST.record(graph.root(Mode::Eval), x, true);
    for (path, filter) in graph.parameters().iter().filter(|(path, _)| path.ends_with("weight")) {
        assert!(filter.dim(2) > 1, "{path} reads more than one channel");
    }
}

#[test]
fn v11_a_frozen_body_keeps_its_bits_and_few_images_go_far() {
    let found = transfer::find(&Options::default()).unwrap();
    assert_eq!((found.known.join(""), found.new.join("")), ("01234".into(), "56789".into()));
    let sizes: Vec<usize> = found.sizes.iter().map(|size| size.images).collect();
    assert_eq!(sizes, [5, 10, 30, 100], "the built-in digits have about 125 of each to learn from");
    for size in &found.sizes {
        assert!(size.frozen_unchanged, "{size:?}");
        // Guessing names a fifth of them.
        let all = [size.scratch, size.frozen, size.tuned];
        assert!(all.iter().all(|share| *share > 0.5), "{size:?}");
        assert!(size.tuned > size.frozen, "what may learn on learns more: {size:?}");
    }
}

#[test]
fn lessons_are_in_order_and_told_in_two_languages() {
    let ids: Vec<&str> = LESSONS.iter().map(|lesson| lesson.id).collect();
    let mut sorted = ids.clone();
    // Its parts: networks, vision, sequences, generative models, classical methods.
    let place = |id: &&str| ("NVSGC".find(&id[..1]).unwrap(), id[1..].parse::<u32>().unwrap());
    sorted.sort_by_key(place);
    assert_eq!(ids, sorted);
    for lesson in LESSONS {
        let korean = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
        assert!(korean(lesson.title(Language::Korean)), "{}", lesson.id);
        assert!(!korean(lesson.title(Language::English)), "{}", lesson.id);
    }
}
