//! What loops compute again instead of reading it, what they read of groups of rows, and sums of columns
//! behind products: equal to the reference, and to the same bits whatever the threads and readers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use glassbox_engine::random::Stream;
use glassbox_engine::reference::Evaluation;
use glassbox_engine::{Array, DType, Graph, Isa, Options, Parameters, Session, Tensor, grad};

fn numbers(sizes: &[usize], path: &str) -> Array {
    let stream = Stream::new(5, path, 0);
    let count = sizes.iter().product::<usize>() as u64;
    let values: Vec<f64> = (0..count).map(|i| stream.uniform(i) * 2.0 - 1.0).collect();
    Array::from_f64(DType::F32, sizes, &values).unwrap()
}

fn close(result: &Array, truth: &[f64], what: &str) {
    let largest = truth.iter().fold(1.0f64, |most, x| most.max(x.abs()));
    for (got, want) in result.to_f64().iter().zip(truth) {
        assert!((got - want).abs() <= 2e-5 * largest, "{what}: {got}, not {want}");
    }
}

/// A normalised product, scaled image by image by what its places say, and the derivatives.
fn network<'g>(
    x: Tensor<'g>,
    w: Tensor<'g>,
    shift: Tensor<'g>,
) -> (Vec<Tensor<'g>>, Vec<Tensor<'g>>) {
    let [images, places, channels] = [0, 1, 2].map(|axis| x.dim(axis));
    let rows = images * places;
    let product = x.reshape([rows, channels]).matmul(w);
    let centred = product - product.mean_axis(0);
    let scale = (centred.square().mean_axis(0) + 1e-3).sqrt();
    let normal = (centred * (shift / scale) + shift).relu().reshape([images, places, w.dim(1)]);
    let gate = normal.mean_axis(1).tanh().reshape([images, 1, w.dim(1)]);
    let scaled = normal * gate;
    let loss = (scaled.square() * x.sum_axis(2).reshape([images, places, 1])).sum();
    let slopes = grad(loss, &[x, w, shift]);
    (vec![loss, slopes[0], slopes[1], slopes[2]], vec![normal, scaled, centred, gate])
}

#[test]
fn results_do_not_depend_on_what_is_computed_again() {
    // Places that fill blocks, that do not, and that are a part of one; channels that fill rows of tiles
    // and that are cut.
    for [images, places, channels, features] in
        [[8, 512, 8, 64], [3, 700, 5, 130], [70, 64, 6, 60], [2, 256, 3, 600], [9, 49, 4, 600]]
    {
        let graph = Graph::new();
        let mut given = Parameters::new();
        let mut input = |name: &str, sizes: &[usize]| {
            given.insert(name, numbers(sizes, name));
            graph.input(name, DType::F32, sizes)
        };
        let x = input("x", &[images, places, channels]);
        let (w, shift) = (input("w", &[channels, features]), input("shift", &[features]));
        let (asked, watched) = network(x, w, shift);
        let truth = Evaluation::new(&graph, &given, &Parameters::new(), &asked).unwrap();
        let what = format!("{images} × {places}, {channels} to {features}");
        for isa in Isa::available() {
            let run = |threads: usize, asked: &[Tensor<'_>]| {
                let options = Options { threads, isa: Some(isa), ..Options::default() };
                Session::new(options).unwrap().evaluate(&graph, &given, asked).unwrap()
            };
            let first = run(1, &asked);
            for (result, tensor) in first.iter().zip(&asked) {
                close(result, truth.value(*tensor).unwrap(), &what);
            }
            for threads in 2..4 {
                assert_eq!(first, run(threads, &asked), "{what}, {threads} threads");
            }
            let all: Vec<Tensor<'_>> = asked.iter().chain(&watched).copied().collect();
            assert_eq!(first, run(2, &all)[..4], "{what}, with more outputs");
        }
    }
}

#[test]
fn what_is_cheap_is_computed_again_instead_of_written() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [8192, 64]);
    let centred = x - x.mean_axis(0);
    let deviation = centred.square().mean_axis(0).sqrt();
    let mut session = Session::new(Options::default()).unwrap();
    let step = session.prepare(&graph, &[(centred / deviation).relu()]).unwrap();
    let cost = step.plan().cost();
    // The input is read for its mean, for its variance and for the result, the only large one.
    let (bytes, blocks) = (4 * 8192 * 64, 4 * 8192 / 128 * 64);
    assert!(cost.bytes_written < bytes + 3 * blocks, "{}", step.plan());
    assert!(cost.bytes_read < 3 * bytes + 3 * blocks, "{}", step.plan());
}

#[test]
fn what_is_made_of_what_is_read_anyway_is_computed_again() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [1024, 16]);
    let (up, down) =
        (graph.input("up", DType::F32, [16, 512]), graph.input("down", DType::F32, [512, 16]));
    let before = x.matmul(up) + 1.0;
    let scaled = before * 0.7;
    let narrow = scaled.tanh().matmul(down);
    // Both are read behind the last product: one is the other, scaled.
    let wide = narrow.matmul(up) * before + scaled;
    let mut session = Session::new(Options::default()).unwrap();
    let step = session.prepare(&graph, &[wide]).unwrap();
    let bytes = 4 * 1024 * 512;
    assert!(2 * step.plan().cost().bytes_written < 7 * bytes, "{}", step.plan());
}

#[test]
fn what_is_repeated_over_the_places_of_an_image_is_not_written_out() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [16, 16, 16, 64]);
    let scale = graph.input("scale", DType::F32, [16, 1, 1, 64]);
    let mut session = Session::new(Options::default()).unwrap();
    let step = session.prepare(&graph, &[x * scale]).unwrap();
    assert_eq!(step.plan().kernels(), 1, "{}", step.plan());
    let sum = session.prepare(&graph, &[(x * scale).sum_to([16, 1, 1, 64])]).unwrap();
    assert_eq!(sum.plan().kernels(), 2, "{}", sum.plan());
    assert!(sum.plan().cost().bytes_written < 4 * 16 * 256 * 64 / 10, "{}", sum.plan());
}
