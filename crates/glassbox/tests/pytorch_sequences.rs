//! Layers for sequences give the numbers that PyTorch gives: recurrent layers with their states and
//! gradients of first and second order, embedding, attention, and the normalisations that go with them.
//! `fixtures/pytorch_sequences.py` made the fixture.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use std::path::Path;

use glassbox::engine::{Array, DType, Graph, Mode, Parameters, Scope, Tensor, grad};
use glassbox::nn::{self, Activation, Mask, Recurrence, Recurrent};
use serde_json::Value;
use support::steps::{assert_close, both, values};

/// In f64 by the reference, and in f32 by a session.
const EXACT: f64 = 1e-12;
const SINGLE: f64 = 1e-5;

const BATCH: usize = 3;
const TIME: usize = 4;
const FEATURES: usize = 2;
const UNITS: usize = 2;

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytorch_sequences.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file[name].clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn lists(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

/// A name for messages, a tensor, and its numbers in PyTorch.
type Compared<'g> = (String, Tensor<'g>, Vec<f64>);

type Layer<const N: usize> =
    for<'g> fn(Scope<'g>, Tensor<'g>, Recurrence<'g, N>) -> Recurrent<'g, N>;

/// Compares outputs of a graph with PyTorch's, in a session and by the reference.
fn compare(graph: &Graph, inputs: &Parameters, states: &Parameters, expected: &[Compared<'_>]) {
    graph.check().unwrap_or_else(|e| panic!("{e}"));
    let outputs: Vec<Tensor<'_>> = expected.iter().map(|(_, tensor, _)| *tensor).collect();
    for (run, tolerance) in both(graph, inputs, states, &outputs).iter().zip([SINGLE, EXACT]) {
        for (ours, (name, _, theirs)) in run.iter().zip(expected) {
            assert_close(name, ours, theirs, tolerance);
        }
    }
}

/// Declares inputs by name, shape and values.
fn inputs<'g>(
    graph: &'g Graph,
    given: &[(&str, &[usize], Vec<f64>)],
) -> (Vec<Tensor<'g>>, Parameters) {
    let named: Vec<_> = given.iter().map(|(name, shape, v)| (*name, *shape, &v[..])).collect();
    let tensors =
        given.iter().map(|(name, shape, _)| graph.input(name, DType::F32, *shape)).collect();
    (tensors, values(&named))
}

/// Compares a recurrent layer, recorded by `layer` in the scope `net`, with the case `name`.
fn recurrent<'g, const N: usize>(graph: &'g Graph, name: &str, layer: Layer<N>) {
    let found = &fixture("recurrent")[name];
    let layers = found["layers"].as_u64().unwrap() as usize;
    let bidirectional = found["bidirectional"].as_bool().unwrap();
    let directions = 1 + usize::from(bidirectional);
    let (x_shape, state_shape) = ([BATCH, TIME, FEATURES], [layers * directions, BATCH, UNITS]);
    let mut given = vec![("x", &x_shape[..], numbers(&found["x"]))];
    let first = lists(&found["first"]);
    for (name, values) in ["h", "c"].iter().zip(&first) {
        given.push((name, &state_shape[..], values.clone()));
    }
    let (tensors, mut given) = inputs(graph, &given);
    let (x, states) = (tensors[0], &tensors[1..]);
    let lengths = (!found["lengths"].is_null()).then(|| {
        given.insert("lengths", Array::new([BATCH], numbers(&found["lengths"])).unwrap());
        graph.input("lengths", DType::I64, [BATCH])
    });
    let settings = Recurrence {
        layers,
        bidirectional,
        lengths,
        first: states.try_into().ok(),
        ..Recurrence::default()
    };
    let Recurrent { outputs, last } = layer(graph.root(Mode::Train).child("net"), x, settings);

    let upstream = lists(&found["upstream"]);
    let results: Vec<Tensor<'_>> = [outputs].into_iter().chain(last).collect();
    let mut loss = graph.constant(DType::F32, 0.0);
    for (index, (result, up)) in results.iter().zip(&upstream).enumerate() {
        let name = format!("upstream {index}");
        loss = loss + (*result * graph.input(&name, DType::F32, result.shape())).sum();
        given.insert(name, Array::new(result.shape(), up.clone()).unwrap());
    }
    let parameters = graph.parameters();
    let weights: Vec<Tensor<'_>> = parameters.iter().map(|(_, tensor)| *tensor).collect();
    let held = [&[x], states, &weights].concat();
    let slopes = grad(loss, &held);

    // Every parameter has one in the fixture, and the other way round.
    let theirs = found["parameters"].as_object().unwrap();
    assert_eq!(theirs.len(), parameters.len(), "{name}: {parameters:?}");
    let mut loaded = Parameters::new();
    for (path, tensor) in &parameters {
        let array = &theirs[path.strip_prefix("net/").unwrap()];
        let shape: Vec<f64> = tensor.shape().sizes().iter().map(|&size| size as f64).collect();
        assert_eq!(shape, numbers(&array["shape"]), "{path}");
        loaded.insert(path, Array::new(tensor.shape(), numbers(&array["values"])).unwrap());
    }

    let mut expected = vec![(format!("{name}: outputs"), outputs, numbers(&found["outputs"]))];
    for (state, theirs) in last.iter().zip(lists(&found["last"])) {
        expected.push((format!("{name}: last"), *state, theirs));
    }
    expected.push((format!("{name}: dx"), slopes[0], numbers(&found["dx"])));
    let of_weights = |order: &str, slopes: &[Tensor<'g>], theirs: &Value| -> Vec<Compared<'g>> {
        let each = parameters.iter().zip(slopes).map(|((path, _), slope)| {
            let theirs = &theirs[path.strip_prefix("net/").unwrap()]["values"];
            (format!("{name}: {order} derivative by {path}"), *slope, numbers(theirs))
        });
        each.collect()
    };
    let (of_states, of_parameters) = slopes[1..].split_at(states.len());
    for (slope, theirs) in of_states.iter().zip(lists(&found["dfirst"])) {
        expected.push((format!("{name}: derivative by first states"), *slope, theirs));
    }
    expected.extend(of_weights("first", of_parameters, &found["dparameters"]));
    if let Some(theirs) = found.get("second") {
        let squares = slopes.iter().map(|slope| slope.square().sum());
        let sum = squares.reduce(|sum, square| sum + square).unwrap();
        let second = grad(sum, &[&[x], &weights[..]].concat());
        let name = format!("{name}: second derivative by x");
        expected.push((name, second[0], numbers(&theirs["dx"])));
        expected.extend(of_weights("second", &second[1..], &theirs["dparameters"]));
    }
    compare(graph, &given, &loaded, &expected);
}

#[test]
fn plain_recurrence() {
    let tanh: Layer<1> = |at, x, settings| nn::rnn(at, x, UNITS, Activation::Tanh, settings);
    let relu: Layer<1> = |at, x, settings| nn::rnn(at, x, UNITS, Activation::Relu, settings);
    recurrent(&Graph::new(), "rnn", tanh);
    recurrent(&Graph::new(), "rnn, relu, given states", relu);
    recurrent(&Graph::new(), "rnn, both ways, lengths", tanh);
}

#[test]
fn long_short_term_memory() {
    let lstm: Layer<2> = |at, x, settings| nn::lstm(at, x, UNITS, settings);
    recurrent(&Graph::new(), "lstm", lstm);
    recurrent(&Graph::new(), "lstm, both ways, given states", lstm);
    recurrent(&Graph::new(), "lstm, both ways, given states, lengths", lstm);
}

#[test]
fn gated_recurrent_units() {
    let gru: Layer<1> = |at, x, settings| nn::gru(at, x, UNITS, settings);
    recurrent(&Graph::new(), "gru", gru);
    recurrent(&Graph::new(), "gru, both ways, given states", gru);
    recurrent(&Graph::new(), "gru, both ways, given states, lengths", gru);
}

#[test]
fn embedding_with_padding_and_its_gradient() {
    let found = fixture("embedding");
    let graph = Graph::new();
    let (given, mut all) = inputs(
        &graph,
        &[
            ("table", &[5, 3], numbers(&found["table"])),
            ("upstream", &[2, 4, 3], numbers(&found["upstream"])),
        ],
    );
    let ids = graph.input("ids", DType::I64, [2, 4]);
    all.insert("ids", Array::new([2, 4], numbers(&found["ids"])).unwrap());
    let y = nn::embedding(given[0], ids, Some(2));
    let slope = grad((y * given[1]).sum(), &[given[0]])[0];
    compare(
        &graph,
        &all,
        &Parameters::new(),
        &[
            ("y".into(), y, numbers(&found["y"])),
            ("dtable".into(), slope, numbers(&found["dtable"])),
        ],
    );
}

#[test]
fn a_padding_id_outside_the_table_gives_zeros_and_teaches_nothing() {
    let graph = Graph::new();
    let table = nn::embedding_table(graph.root(Mode::Train).child("words"), 3, 2);
    let ids = graph.input("ids", DType::I64, [3]);
    let y = nn::embedding(table, ids, Some(-1));
    let slope = grad(y.sum(), &[table])[0];
    let given = values(&[("ids", &[3], &[-1.0, 2.0, -1.0])]);
    let loaded = values(&[("words/weight", &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])]);
    compare(
        &graph,
        &given,
        &loaded,
        &[
            ("y".into(), y, vec![0.0, 0.0, 5.0, 6.0, 0.0, 0.0]),
            ("slope".into(), slope, vec![0.0, 0.0, 0.0, 0.0, 1.0, 1.0]),
        ],
    );
}

#[test]
fn group_and_root_mean_square_normalisation() {
    type Norm = for<'g> fn(Scope<'g>, Tensor<'g>) -> Tensor<'g>;
    let layers: [(&str, Norm); 2] =
        [("group_norm", |at, x| nn::group_norm(at, x, 2)), ("rms_norm", nn::rms_norm)];
    for (name, layer) in layers {
        let found = &fixture("normalizations")[name];
        let graph = Graph::new();
        let (given, all) = inputs(
            &graph,
            &[
                ("x", &[2, 3, 4], numbers(&found["x"])),
                ("upstream", &[2, 3, 4], numbers(&found["upstream"])),
            ],
        );
        let y = layer(graph.root(Mode::Train).child("norm"), given[0]);
        let parameters = graph.parameters();
        assert_eq!(parameters.len(), if name == "rms_norm" { 1 } else { 2 });
        let (mut held, mut loaded) = (vec![given[0]], Parameters::new());
        let mut slope_names = vec!["dx".to_string()];
        for (path, tensor) in &parameters {
            let short = path.strip_prefix("norm/").unwrap();
            loaded.insert(path, Array::new([4], numbers(&found[short])).unwrap());
            slope_names.push(format!("d{short}"));
            held.push(*tensor);
        }
        let slopes = grad((y * given[1]).sum(), &held);
        let mut expected = vec![(name.to_string(), y, numbers(&found["y"]))];
        for (short, slope) in slope_names.into_iter().zip(slopes) {
            let theirs = numbers(&found[&short]);
            expected.push((format!("{short} of {name}"), slope, theirs));
        }
        compare(&graph, &all, &loaded, &expected);
    }
}

#[test]
fn attention_with_masks_where_one_query_sees_nothing() {
    let found = fixture("attention");
    for name in ["all", "causal", "allowed"] {
        let case = &found[name];
        let qkv = lists(&case["qkv"]);
        let graph = Graph::new();
        let (given, mut all) = inputs(
            &graph,
            &[
                ("q", &[2, 2, 3, 4], qkv[0].clone()),
                ("k", &[2, 2, 5, 4], qkv[1].clone()),
                ("v", &[2, 2, 5, 3], qkv[2].clone()),
                ("upstream", &[2, 2, 3, 3], numbers(&case["upstream"])),
            ],
        );
        let mask = match name {
            "causal" => Mask::CAUSAL,
            "allowed" => {
                let flags = Array::new([2, 1, 3, 5], numbers(&found["allowed mask"])).unwrap();
                all.insert("allowed", flags);
                let allowed = Some(graph.input("allowed", DType::Bool, [2, 1, 3, 5]));
                Mask { allowed, ..Mask::ALL }
            }
            _ => Mask::ALL,
        };
        let y = nn::attention(given[0], given[1], given[2], mask);
        let slopes = grad((y * given[3]).sum(), &given[..3]);
        let mut expected = vec![(format!("{name}: y"), y, numbers(&case["y"]))];
        for (slope, theirs) in slopes.into_iter().zip(lists(&case["dqkv"])) {
            expected.push((format!("{name}: slope"), slope, theirs));
        }
        compare(&graph, &all, &Parameters::new(), &expected);
    }
}

#[test]
fn several_heads_of_attention_on_itself_and_on_a_memory() {
    for (name, keys) in [("self", 3), ("causal and padded", 3), ("memory", 5)] {
        let found = &fixture("multi_head_attention")[name];
        let graph = Graph::new();
        let (given, mut all) = inputs(
            &graph,
            &[
                ("x", &[2, 3, 4], numbers(&found["x"])),
                ("memory", &[2, 5, 4], numbers(&found["memory"])),
                ("upstream", &[2, 3, 4], numbers(&found["upstream"])),
            ],
        );
        let mask = if name == "causal and padded" {
            all.insert("lengths", Array::new([2], numbers(&found["lengths"])).unwrap());
            let lengths = graph.input("lengths", DType::I64, [2]);
            Mask { allowed: Some(nn::padding_mask(lengths, keys)), ..Mask::CAUSAL }
        } else {
            Mask::ALL
        };
        let memory = if name == "memory" { given[1] } else { given[0] };
        let at = graph.root(Mode::Train).child("heads");
        let y = nn::multi_head_attention(at, given[0], memory, 2, mask);
        let paths = ["input/weight", "input/bias", "output/weight", "output/bias"];
        let (mut loaded, mut held) = (Parameters::new(), vec![given[0]]);
        held.extend((name == "memory").then_some(memory));
        for (path, theirs) in paths.iter().zip(lists(&found["parameters"])) {
            let path = format!("heads/{path}");
            let tensor = graph.current(&path).unwrap();
            loaded.insert(path, Array::new(tensor.shape(), theirs).unwrap());
            held.push(tensor);
        }
        assert_eq!(graph.parameters().len(), paths.len());
        let shares = graph.named("heads/attention").unwrap();
        let mut expected = vec![
            (format!("{name}: y"), y, numbers(&found["y"])),
            (format!("{name}: shares"), shares, numbers(&found["shares"])),
        ];
        let slopes = grad((y * given[2]).sum(), &held);
        for (slope, theirs) in slopes.into_iter().zip(lists(&found["slopes"])) {
            expected.push((format!("{name}: slope"), slope, theirs));
        }
        compare(&graph, &all, &loaded, &expected);
    }
}

#[test]
fn waves_and_rotation_by_place() {
    let found = fixture("positions");
    let graph = Graph::new();
    let (given, all) = inputs(&graph, &[("x", &[2, 5, 6], numbers(&found["x"]))]);
    let (waves, turned) = (nn::sinusoidal_positions(&graph, 5, 6), nn::rotary(given[0]));
    compare(
        &graph,
        &all,
        &Parameters::new(),
        &[
            ("waves".into(), waves, numbers(&found["waves"])),
            ("rotary".into(), turned, numbers(&found["rotary"])),
        ],
    );
}
