//! Encoders and decoders learn to say one language's sentences in another's, whatever the decoder reads
//! and wherever it looks.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

#[path = "../examples/vamos.rs"]
mod vamos;

use glassbox::engine::{Array, DType, Graph, Mode, Options, Parameters, Session, Tensor, grad};
use glassbox::generate::{Beams, Generator, Sampling};
use glassbox::nn::{self, Module, Optimizer};
use glassbox::zoo::{Alignment, Seq2Seq, Transformer};

fn count(model: &dyn Module, width: usize) -> usize {
    let graph = Graph::new();
    model.forward(graph.root(Mode::Eval), graph.input("ids", DType::I64, [1, width]));
    graph.check().unwrap_or_else(|mistakes| panic!("{mistakes}"));
    graph.parameters().iter().map(|(_, tensor)| tensor.elements()).sum()
}

#[test]
fn networks_have_as_many_parameters_as_they_say() {
    let small = Seq2Seq::new(2, [4, 4]).units(2).layers(2);
    assert_eq!((small.parameters(), count(&small, 4)), (220, 220));
    for attention in Alignment::ALL {
        for (bidirectional, tied) in [(false, true), (true, false)] {
            let model = Seq2Seq::new(5, [11, 13]).units(6).layers(3).attention(*attention);
            let model = model.bidirectional(bidirectional).tied(tied);
            assert_eq!(model.parameters(), count(&model, 9), "{attention} {bidirectional} {tied}");
        }
    }
    // Sutskever et al. 2014 count 384 million without biases: two for each of 8 layers, and the last.
    let paper = Seq2Seq::new(30, [160_000, 80_000]).units(1000).layers(4);
    assert_eq!(paper.parameters() - 8 * 8000 - 80_000, 384_000_000);
}

#[test]
fn vamos_is_said() {
    assert_eq!(vamos::learn(300).unwrap(), "vamos");
}

const SOURCE: usize = 5;
const WORDS: usize = 12;
const BEGIN: i64 = 1;
const END: i64 = 2;

/// Sources of 2 to 5 tokens and what is to be said of them: the same from its end.
fn pairs() -> Vec<(Vec<i64>, Vec<i64>)> {
    let of = |row: i64| {
        let length = 2 + row % 4;
        let source: Vec<i64> = (0..length).map(|i| 3 + (row * 5 + i * (row + 1)) % 9).collect();
        let told = source.iter().rev().copied().collect();
        (source, told)
    };
    (0..24).map(of).collect()
}

/// Losses of training on the pairs, and the values.
fn trained(model: &dyn Module, steps: i64) -> (Vec<f64>, Parameters) {
    let pairs = pairs();
    let rows = pairs.len();
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let ids = graph.input("ids", DType::I64, [rows, SOURCE + SOURCE + 1]);
    let next = graph.input("next", DType::I64, [rows * (SOURCE + 1)]);
    let counted = graph.input("counted", DType::F32, [rows * (SOURCE + 1)]);
    let scores = model.forward(at, ids);
    let scores = scores.reshape([rows * (SOURCE + 1), WORDS]);
    let losses = -(nn::log_softmax(scores) * next.one_hot(WORDS)).sum_axis(-1);
    let loss = (losses.drop_axis(-1) * counted).sum() / counted.sum();
    let (rate, step) = (graph.constant(DType::F32, 1e-2), nn::step(&graph));
    Optimizer::ADAM.update(at.child("optimizer"), loss, graph.parameters(), rate, step);
    graph.check().unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let (mut ids, mut next, mut counted) = (Vec::new(), Vec::new(), Vec::new());
    for (source, told) in &pairs {
        let padded = |mut of: Vec<i64>, width: usize| {
            of.resize(width, 0);
            of
        };
        ids.extend(padded(source.clone(), SOURCE));
        ids.extend(padded([&[BEGIN], &told[..]].concat(), SOURCE + 1));
        let told = padded([&told[..], &[END]].concat(), SOURCE + 1);
        counted.extend(told.iter().map(|&id| f32::from(u8::from(id != 0))));
        next.extend(told);
    }
    let mut session = Session::new(Options::default()).unwrap();
    session.load(graph.initial_values(4));
    let prepared = session.prepare(&graph, &[loss]).unwrap();
    let (mut inputs, mut outputs) = (prepared.inputs(), prepared.outputs());
    let slot = |name: &str| prepared.input(name);
    inputs[slot("ids").unwrap()].as_slice_mut().unwrap().copy_from_slice(&ids);
    inputs[slot("next").unwrap()].as_slice_mut().unwrap().copy_from_slice(&next);
    inputs[slot("counted").unwrap()].as_slice_mut().unwrap().copy_from_slice(&counted);
    let mut losses = Vec::new();
    for number in 1..=steps {
        inputs[slot("step").unwrap()].as_slice_mut::<i64>().unwrap()[0] = number;
        session.run(&prepared, &mut inputs, &mut outputs).unwrap();
        losses.push(f64::from(outputs[0].as_slice::<f32>().unwrap()[0]));
    }
    (losses, session.values())
}

/// How many of the pairs are said rightly, greedily and by a search.
fn said(model: &dyn Module, values: Parameters) -> [usize; 2] {
    let decoder = model.decoder().unwrap();
    let mut generator = Generator::new(decoder, values, Options::default()).unwrap();
    let mut right = [0; 2];
    for (source, told) in pairs() {
        generator.read_source(&source).unwrap();
        let how = Sampling { stop: vec![END], ..Sampling::greedy(8) };
        right[0] += usize::from(generator.write(&[BEGIN], &how).unwrap().ids == told);
        let how = Beams { width: 3, most: 8, stop: vec![END], ..Beams::default() };
        right[1] += usize::from(generator.search(&[BEGIN], &how).unwrap()[0].ids == told);
    }
    right
}

#[test]
fn every_kind_learns_to_say_sentences_backwards() {
    for attention in Alignment::ALL {
        let model = Seq2Seq::new(SOURCE, [WORDS; 2]).units(24).attention(*attention);
        let (losses, values) = trained(&model, 200);
        assert!(losses[199] < 0.1, "{attention}: {losses:?}");
        assert_eq!(said(&model, values), [24; 2], "{attention}");
    }
    let model = Transformer::new(SOURCE, [WORDS; 2]).layers(1).heads(2).units(24).dropout(0.0);
    let (losses, values) = trained(&model.clone().pre_norm(true), 200);
    assert!(losses[199] < 0.1, "{losses:?}");
    assert_eq!(said(&model.pre_norm(true), values), [24; 2]);
}

#[test]
fn a_decoder_may_read_what_it_says_itself() {
    let model = Seq2Seq::new(SOURCE, [WORDS; 2]).units(24).attention(Alignment::Dot);
    let [all, half, none] = [1.0, 0.5, 0.0].map(|rate| {
        let model = model.clone().teacher_forcing(rate);
        let (losses, values) = trained(&model, 150);
        assert_eq!(trained(&model, 3).0, losses[..3], "the same seed, the same bits");
        assert!(losses[149] < 0.5 * losses[0], "{rate}: {losses:?}");
        (losses, values)
    });
    // At first all read the same parameters but other tokens.
    assert!(all.0[0] != none.0[0] && half.0[0] != none.0[0]);
    assert!(said(&model, all.1)[0] >= 20);
}

#[test]
fn padding_behind_a_source_changes_nothing() {
    type Made = dyn Fn(usize) -> Box<dyn Module>;
    let models: [Box<Made>; 3] = [
        Box::new(|source| {
            let model = Seq2Seq::new(source, [WORDS; 2]).units(8).attention(Alignment::Additive);
            Box::new(model.bidirectional(true))
        }),
        Box::new(|source| {
            Box::new(Seq2Seq::new(source, [WORDS; 2]).units(8).attention(Alignment::Dot))
        }),
        Box::new(|source| {
            Box::new(Transformer::new(source, [WORDS; 2]).layers(2).heads(2).units(8).dropout(0.0))
        }),
    ];
    for model in models {
        let run = |source: usize| {
            let graph = Graph::new();
            let ids = graph.input("ids", DType::I64, [1, source + 3]);
            let scores = model(source).forward(graph.root(Mode::Eval), ids);
            let parameters: Vec<Tensor<'_>> =
                graph.parameters().into_iter().map(|(_, tensor)| tensor).collect();
            let slopes = grad(scores.square().sum(), &parameters);
            let mut given = vec![5, 3, 9];
            given.resize(source, 0);
            given.extend([1, 4, 6]);
            let mut inputs = Parameters::new();
            inputs.insert("ids", Array::new([1, source + 3], given).unwrap());
            let mut session = Session::new(Options::default()).unwrap();
            session.load(graph.initial_values(2));
            let outputs = [&[scores], &slopes[..]].concat();
            session.evaluate(&graph, &inputs, &outputs).unwrap()
        };
        for (short, long) in run(3).iter().zip(run(7)) {
            let pairs = short.to_f64().into_iter().zip(long.to_f64());
            pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-5 * (1.0 + a.abs()), "{a} {b}"));
        }
    }
}
