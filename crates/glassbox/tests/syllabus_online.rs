//! Syllabus N29: learning goes on while the rows come in, one at a time and each only once. On a stream
//! that drifts a large rate follows and forgets, a small one lags and remembers; on one that stands
//! still the large rate is the noisier. In f32 by a session and in f64 by the reference.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use std::f64::consts::FRAC_PI_2;

use glassbox::data::{Options, Targets};
use glassbox::engine::{Array, DType, Distribution, Parameters, random};
use glassbox::nn::{seed, step};
use glassbox::prelude::*;
use support::steps::{InReference, InSession, Steps, values};

const INPUTS: usize = 4;
const STEPS: usize = 1400;
const SMALL: f64 = 0.004;
const LARGE: f64 = 0.04;

/// A stream of rows, y = w(t) · x + 0.5 · noise, x and the noise standard normal: w(t) is (1, 0, 0, 0)
/// until step `from` and then turns in the plane of the first two, by `speed` radians a step and
/// `most` in all.
#[derive(Clone, Copy)]
struct Stream {
    from: f64,
    speed: f64,
    most: f64,
}

const STILL: Stream = Stream { from: 0.0, speed: 0.0, most: 0.0 };
const DRIFTING: Stream = Stream { from: 600.0, speed: 0.01, most: 100.0 };

/// A linear unit learns from each row of the stream once, by descent on its squared error. Gives
/// |w − w(t)|² before each step (the error that is not the noise's), and |w − w(0)|².
fn online(rate: f64, stream: Stream, seed_of_stream: u64) -> [[Vec<f64>; 2]; 2] {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let number = |name| graph.input(name, DType::F32, []);
    let draw = |name: &str, n: usize| {
        at.child(name).random(Distribution::Normal, [1, n], seed(&graph), step(&graph))
    };
    let since = (step(&graph).cast(DType::F32) - number("from")).relu();
    let angle = (since * number("speed")).min_with(number("most")).reshape([1, 1]);
    let others = graph.constant(DType::F32, 0.0).broadcast_to([INPUTS - 2, 1]);
    let now = angle.cos().concatenate(&[angle.sin(), others], 0);
    let x = draw("x", INPUTS);
    let y = x.matmul(now) + draw("noise", 1) * 0.5;
    let weight = at.parameter("weight", [INPUTS, 1], 0.0);
    let loss = Loss::SquaredError.of(at.child("loss"), x.matmul(weight), y);
    let descent = Optimizer::GRADIENT_DESCENT;
    let rate_of = number("rate");
    descent.update(at.child("optimizer"), loss, graph.parameters(), rate_of, step(&graph));
    let first = graph.iota([INPUTS, 1], 0).equal(graph.constant(DType::I64, 0.0));
    let [off, off_first] =
        [now, first.cast(DType::F32)].map(|truth| (weight - truth).square().sum());
    let inputs = values(&[
        ("from", &[], &[stream.from]),
        ("speed", &[], &[stream.speed]),
        ("most", &[], &[stream.most]),
        ("rate", &[], &[rate]),
        ("seed", &[], &[seed_of_stream as f64]),
    ]);
    let (start, outputs) = (Parameters::new(), [off, off_first]);
    let follow = |learning: &mut dyn Steps| {
        let steps = (0..STEPS).map(|_| learning.step());
        let (now, first) = steps.map(|step| (step[0][0], step[1][0])).unzip();
        [now, first]
    };
    [
        follow(&mut InSession::new(&graph, &inputs, &start, &outputs)),
        follow(&mut InReference::new(&graph, &inputs, &start, &outputs)),
    ]
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// Both rates over a stream, the errors averaged over three seeds; `hold` is told small and large.
fn compare(stream: Stream, hold: impl Fn([Vec<f64>; 2], [Vec<f64>; 2])) {
    let runs = [SMALL, LARGE].map(|rate| [1, 2, 3].map(|seed| online(rate, stream, seed)));
    for in_type in 0..2 {
        let average = |of_seeds: &[[[Vec<f64>; 2]; 2]; 3]| {
            [0, 1].map(|error| {
                let at = |step| mean(&of_seeds.each_ref().map(|run| run[in_type][error][step]));
                (0..STEPS).map(at).collect()
            })
        };
        hold(average(&runs[0]), average(&runs[1]));
    }
}

#[test]
fn n29_on_a_stream_that_stands_still_the_large_rate_is_sooner_there_and_noisier() {
    compare(STILL, |[small, _], [large, _]| {
        let early = [&small, &large].map(|off| mean(&off[..100]));
        assert!(early[0] > 2.0 * early[1], "{early:?}");
        let late = [&small, &large].map(|off| mean(&off[600..]));
        assert!(late[1] > 5.0 * late[0], "{late:?}");
        // What is left of the noise: 4 inputs · rate · variance / (1 − rate · (4 + 2)), as for the
        // least mean squares of Widrow and Hoff (1960) with Gaussian inputs.
        let expected = 4.0 * LARGE * 0.25 / (1.0 - LARGE * 6.0);
        assert!((late[1] / expected - 1.0).abs() < 0.3, "{} {expected}", late[1]);
    });
}

#[test]
fn n29_on_a_stream_that_drifts_the_large_rate_follows_and_the_small_one_lags() {
    compare(DRIFTING, |[small, _], [large, _]| {
        let [small, large] = [small, large].map(|off| mean(&off[800..]));
        assert!(small > 4.0 * large, "{small} {large}");
        assert!(large < 0.12, "it follows: {large}");
    });
}

#[test]
fn n29_after_a_turn_the_large_rate_has_forgotten_what_the_small_one_still_knows() {
    // A quarter turn at once, a hundred steps before the end: |w(0) − w|² is 2 for who has followed.
    let turn = Stream { from: STEPS as f64 - 100.0, speed: 100.0, most: FRAC_PI_2 };
    compare(turn, |small, large| {
        let last = |off: Vec<f64>| mean(&off[STEPS - 10..]);
        let ([small, small_first], [large, large_first]) = (small.map(last), large.map(last));
        assert!(small > 3.0 * large, "{small} {large}");
        assert!(large_first > 1.5, "forgotten: {large_first}");
        assert!(small_first < 1.0, "half remembered: {small_first}");
    });
}

/// Chunk `number` of a stream of which each chunk is a dataset: 64 rows of y = w · x + 0.5 · noise,
/// w turned by `angle`.
fn chunk(number: u64, angle: f64) -> Dataset {
    const ROWS: usize = 64;
    let drawn = random::Stream::new(9, "chunk", number);
    let x: Vec<f64> = (0..2 * ROWS as u64).map(|i| drawn.normal(i)).collect();
    let y = x
        .chunks(2)
        .zip(2 * ROWS as u64..)
        .map(|(x, i)| (angle.cos() * x[0] + angle.sin() * x[1] + 0.5 * drawn.normal(i)) as f32);
    let inputs: Vec<f32> = x.iter().map(|&x| x as f32).collect();
    let inputs = Array::new([ROWS, 2], inputs).unwrap();
    let options = Options { valid: Some(0.0), test: Some(0.0), ..Options::default() };
    Dataset::from_arrays(inputs, Targets::Values(y.collect()), &options).unwrap()
}

/// Trains on one chunk after the other, each time from the weights that the last one left; gives the
/// mean squared error on each chunk before it is learned from.
fn chunk_by_chunk(rate: f64, drift: f64) -> Vec<f64> {
    let trainer = || {
        let descent = Optimizer::GRADIENT_DESCENT.with_lr(rate);
        Trainer::new(Mlp::new([2, 1])).optimizer(descent).batch(2).epochs(1).threads(1)
    };
    let mut run = trainer().fit(&chunk(0, 0.0)).unwrap();
    let mut errors = Vec::new();
    for number in 1..40u64 {
        let next = chunk(number, drift * number as f64);
        errors.push(run.evaluate(&next.train).unwrap().metrics["loss"]);
        run = trainer().start_with(run.parameters().clone()).fit(&next).unwrap();
    }
    errors
}

#[test]
fn n29_a_training_goes_on_chunk_by_chunk_from_the_weights_of_the_last() {
    // By the second half both have seen 600 batches and more.
    let errors = |drift| [0.01, 0.15].map(|rate| mean(&chunk_by_chunk(rate, drift)[20..]));
    let [small, large] = errors(0.3);
    assert!(small > 1.3 * large, "drifting by 0.3 radians a chunk: {small} {large}");
    let [small, large] = errors(0.0);
    // The noise's own variance is 0.25.
    assert!(small < 0.28 && large > 1.15 * small, "standing still: {small} {large}");
}
