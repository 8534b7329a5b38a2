//! What is seen of a network of images is what finite differences or a sum by hand say.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox::data::{Dataset, Options, Targets};
use glassbox::engine::{Array, DType, Graph, Mode, Parameters, Tensor};
use glassbox::nn::{self, Conv, conv2d};
use glassbox::watch::vision::{Map, Vision, mistakes};

const SHAPE: [usize; 3] = [6, 5, 2];
const PIXELS: usize = 60;

/// Numbers that look random.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let stream = glassbox::engine::random::Stream::new(seed, "vision", 0);
    (0..count).map(|i| stream.uniform(i as u64) as f32).collect()
}

/// Twelve images of three classes.
fn data() -> Dataset {
    let images = Array::new([12, 6, 5, 2], numbers(12 * PIXELS, 1)).unwrap();
    let options = Options { valid: Some(0.0), test: Some(0.0), ..Options::default() };
    let classes = Targets::Classes((0..12).map(|row| row % 3).collect());
    Dataset::from_arrays(images, classes, &options)
        .unwrap()
        .with_class_names(&["cat", "dog", "fox"])
        .unwrap()
}

/// A model of images of `batch` rows, looked into with weights of a seed.
fn vision(batch: usize, model: impl Fn(&Graph, Tensor<'_>)) -> Vision {
    let graph = Graph::new();
    let images = graph.input("inputs", DType::F32, [&[batch], &SHAPE[..]].concat());
    model(&graph, images);
    let weights = graph.initial_values(3);
    Vision::new(graph, weights, data().preparation).unwrap()
}

/// A smooth network: a convolution, tanh, a pool and three scores.
fn smooth(graph: &Graph, images: Tensor<'_>) {
    let at = graph.root(Mode::Eval);
    let batch = images.dim(0);
    let maps = conv2d(at.child("conv1"), images, 4, Conv::new([3, 3]).same()).tanh();
    let maps = maps.named("conv1/tanh");
    let more = conv2d(at.child("conv2"), maps, 3, Conv::new([2, 2])).tanh().named("conv2/tanh");
    let flat = more.reshape([batch, more.elements() / batch]);
    nn::linear(at.child("fc"), flat, 3, nn::Initial::He).named("prediction");
}

fn score(vision: &Vision, image: &[f32], class: usize) -> f64 {
    f64::from(vision.said(image).unwrap()[0].scores[class])
}

#[test]
fn saliency_is_the_difference_quotient_of_the_score() {
    let vision = vision(4, smooth);
    let image = numbers(PIXELS, 9);
    for class in 0..3 {
        let slopes = vision.saliency(&image, class).unwrap();
        assert_eq!(slopes.shape, [6, 5]);
        for (place, &slope) in slopes.numbers.iter().enumerate() {
            let quotient = |channel: usize| {
                let moved = |by: f32| {
                    let mut image = image.clone();
                    image[2 * place + channel] += by;
                    score(&vision, &image, class)
                };
                ((moved(0.01) - moved(-0.01)) / 0.02).abs()
            };
            let expected = quotient(0).max(quotient(1));
            assert!((f64::from(slope) - expected).abs() < 2e-4, "{place}: {slope} {expected}");
        }
    }
}

#[test]
fn the_shares_of_integrated_gradients_come_to_the_difference_of_the_scores() {
    let vision = vision(4, smooth);
    let image = numbers(PIXELS, 9);
    for baseline in [None, Some(numbers(PIXELS, 10))] {
        let black = vec![0.0; PIXELS];
        let start = baseline.clone().unwrap_or(black);
        let found = vision.integrated_gradients(&image, 1, baseline.as_deref()).unwrap();
        let difference = score(&vision, &image, 1) - score(&vision, &start, 1);
        assert!(found.complete);
        assert!((found.score - found.baseline - difference).abs() < 1e-6);
        assert!((found.sum - difference).abs() <= 0.01 * difference.abs(), "{found:?}");
        let sum: f64 = found.map.numbers.iter().map(|&x| f64::from(x)).sum();
        assert!((sum - found.sum).abs() < 1e-5);
    }
}

#[test]
fn a_weighted_sum_is_shared_by_weight_and_way() {
    let vision = vision(8, |graph, images| {
        let flat = images.reshape([8, PIXELS]);
        nn::linear(graph.root(Mode::Eval).child("fc"), flat, 3, nn::Initial::He)
            .named("prediction");
    });
    let image = numbers(PIXELS, 9);
    // The slopes of a sum are its weights, with or without noise.
    let slopes = vision.saliency(&image, 2).unwrap();
    let smoothed = vision.smooth_saliency(&image, 2, 20, 7).unwrap();
    let apart = |(a, b): (&f32, &f32)| (a - b).abs();
    let most = slopes.numbers.iter().zip(&smoothed.numbers).map(apart).fold(0.0, f32::max);
    assert!(most < 1e-6);
    assert_eq!(smoothed, vision.smooth_saliency(&image, 2, 20, 7).unwrap());
    let found = vision.integrated_gradients(&image, 2, None).unwrap();
    for place in 0..30 {
        let share = |channel: usize| {
            let mut without = image.clone();
            without[2 * place + channel] = 0.0;
            score(&vision, &image, 2) - score(&vision, &without, 2)
        };
        let expected = share(0) + share(1);
        assert!((f64::from(found.map.numbers[place]) - expected).abs() < 1e-5);
    }
}

/// Two maps, the first and the second channel of the image themselves; the score of a class is a sum
/// of their means by weights.
fn two_maps(weights: [[f32; 3]; 2]) -> Vision {
    let graph = Graph::new();
    let images = graph.input("inputs", DType::F32, [2, 6, 5, 2]);
    let at = graph.root(Mode::Eval);
    let maps = conv2d(at.child("conv"), images, 2, Conv::new([1, 1]).without_bias());
    let means = maps.mean_axis(1).mean_axis(2).reshape([2, 2]);
    nn::linear(at.child("fc"), means, 3, nn::Initial::He).named("prediction");
    let mut start = Parameters::new();
    let filter = Array::new([1, 1, 2, 2], vec![1.0f32, 0.0, 0.0, 1.0]).unwrap();
    start.insert("conv/weight", filter);
    start.insert("fc/weight", Array::new([2, 3], weights.concat()).unwrap());
    start.insert("fc/bias", Array::new([3], vec![0.0f32; 3]).unwrap());
    Vision::new(graph, start, data().preparation).unwrap()
}

#[test]
fn a_class_activation_map_is_the_maps_summed_by_their_mean_slopes() {
    let vision = two_maps([[6.0, 0.0, 0.0], [-3.0, 0.0, 1.0]]);
    let image = numbers(PIXELS, 9);
    let found = vision.grad_cam(&image, 0, None).unwrap();
    assert_eq!((found.layer.as_str(), found.places), ("conv/conv", [6, 5]));
    // The score of class 0 is 6 · mean(first map) − 3 · mean(second), so each place's slope is the
    // weight over 30 places.
    for (weight, expected) in found.weights.iter().zip([6.0 / 30.0, -3.0 / 30.0]) {
        assert!((weight - expected).abs() < 1e-6);
    }
    for (place, &x) in found.map.numbers.iter().enumerate() {
        let expected = (0.2 * image[2 * place] - 0.1 * image[2 * place + 1]).max(0.0);
        assert!((x - expected).abs() < 1e-6, "{place}");
    }
    // Of class 1 no map speaks.
    assert!(
        vision.grad_cam(&image, 1, Some("conv")).unwrap().map.numbers.iter().all(|x| *x == 0.0)
    );
}

#[test]
fn covering_finds_the_one_pixel_that_matters() {
    let graph = Graph::new();
    let images = graph.input("inputs", DType::F32, [4, 6, 5, 2]);
    let flat = images.reshape([4, PIXELS]);
    nn::linear(graph.root(Mode::Eval).child("fc"), flat, 3, nn::Initial::He).named("prediction");
    let mut weight = vec![0.0f32; PIXELS * 3];
    // Row 4, column 2, second channel, for class 1.
    weight[((4 * 5 + 2) * 2 + 1) * 3 + 1] = 10.0;
    let mut start = Parameters::new();
    start.insert("fc/weight", Array::new([PIXELS, 3], weight).unwrap());
    start.insert("fc/bias", Array::new([3], vec![0.0f32; 3]).unwrap());
    let vision = Vision::new(graph, start, data().preparation).unwrap();
    let mut image = vec![0.0f32; PIXELS];
    image[(4 * 5 + 2) * 2 + 1] = 0.9;
    for (patch, stride) in [(1, 1), (2, 1), (3, 1)] {
        let found = vision.occlusion(&image, 1, patch, stride).unwrap();
        // A larger patch that covers a place nearer to the edge always covers this one, too.
        if patch < 3 {
            assert_eq!(found.map.strongest(), (4, 2), "patch {patch}");
        }
        assert!((found.map.numbers[4 * 5 + 2] - 9.0).abs() < 1e-5, "covering it costs the score");
        assert_eq!(found.places, (7 - patch) * (6 - patch));
        assert_eq!((found.uncovered.score, found.worst.score), (9.0, 0.0));
        let (row, column) = (found.worst.row, found.worst.column);
        assert!((row..row + patch).contains(&4) && (column..column + patch).contains(&2));
        assert!((found.worst.probability - 1.0 / 3.0).abs() < 1e-6);
    }
    let error = vision.occlusion(&image, 1, 6, 1).unwrap_err().to_string();
    assert!(error.contains("take a patch of 1 to 5"), "{error}");
}

#[test]
fn filters_and_maps_are_those_of_the_network() {
    let vision = two_maps([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]);
    let image = numbers(PIXELS, 9);
    let filters = vision.filters(None).unwrap();
    assert_eq!((filters.path.as_str(), filters.shape), ("conv/weight", [1, 1, 2, 2]));
    assert_eq!(filters.map(1, 1).unwrap(), Map::new([1, 1], vec![1.0]).unwrap());
    assert_eq!(filters.map(1, 0).unwrap().numbers, [0.0]);
    let maps = vision.feature_maps(&image, None).unwrap();
    assert_eq!((maps.layer.as_str(), maps.maps.len(), maps.constant), ("conv/conv", 2, 0));
    let second: Vec<f32> = image.iter().skip(1).step_by(2).copied().collect();
    assert_eq!(maps.maps[1].numbers, second);
}

#[test]
fn weights_of_channels_are_found_by_name() {
    let vision = vision(4, |graph, images| {
        let at = graph.root(Mode::Eval);
        let means = images.mean_axis(1).mean_axis(2);
        let weights = nn::linear(at.child("squeeze"), means, 2, nn::Initial::He).sigmoid();
        let weights = weights.named("se/channel_weights");
        let kept = (images * weights).reshape([4, PIXELS]);
        nn::linear(at.child("fc"), kept, 3, nn::Initial::He).named("prediction");
    });
    let found = vision.channel_weights(&numbers(PIXELS, 9)).unwrap();
    assert_eq!((found[0].layer.as_str(), found[0].weights.len()), ("se/channel_weights", 2));
    assert!(found[0].weights.iter().all(|x| (0.0..1.0).contains(x)));
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let vision = vision(4, smooth);
    let image = numbers(PIXELS, 9);
    let refused = |error: glassbox::Error| error.to_string();
    let error = refused(vision.grad_cam(&image, 0, Some("conv2/tahn")).unwrap_err());
    assert!(error.contains("did you mean `conv2/tanh`?"), "{error}");
    let error = refused(vision.filters(Some("conv3")).unwrap_err());
    assert!(error.contains("`conv1/weight`"), "{error}");
    let error = refused(vision.class("dgo").unwrap_err());
    assert!(error.contains("did you mean `dog`?"), "{error}");
    assert!(refused(vision.saliency(&image, 3).unwrap_err()).contains("class 3 of 3"));
    assert!(refused(vision.saliency(&image[..7], 0).unwrap_err()).contains("6 × 5 × 2"));
    assert!(refused(vision.row(&data().train, 12).unwrap_err()).contains("rows 0 to 11"));
    let table = glassbox::data::iris().preparation;
    let graph = Graph::new();
    graph.input("inputs", DType::F32, [2, 4]).named("prediction");
    let error = Vision::new(graph, Parameters::new(), table).err().map(refused);
    assert!(error.unwrap().contains("not images"));
}

#[test]
fn mistakes_come_with_the_surest_first() {
    let vision = vision(4, smooth);
    let data = data();
    let labels = data.train.labels().unwrap();
    let found = mistakes(&vision, &data.train).unwrap();
    assert!(found.windows(2).all(|pair| pair[0].probability >= pair[1].probability));
    for (row, &label) in labels.iter().enumerate() {
        let said = &vision.said(&vision.row(&data.train, row).unwrap()).unwrap()[0];
        let wrong = found.iter().find(|mistake| mistake.row == row);
        assert_eq!(wrong.is_some(), said.index != label as usize);
        if let Some(wrong) = wrong {
            assert_eq!(Some(wrong.probability), said.probability);
            assert_eq!(wrong.predicted, said.class);
        }
    }
}

#[test]
fn a_map_holds_half_of_itself_in_few_places() {
    let map = Map::new([2, 4], vec![0.0, 5.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]).unwrap();
    assert_eq!((map.strongest(), map.half()), ((0, 1), 1.0 / 8.0));
    let even = Map::new([2, 4], vec![2.0; 8]).unwrap();
    assert_eq!((even.half(), even.resized([4, 8]).numbers), (0.5, vec![2.0; 32]));
}
