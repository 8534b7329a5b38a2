//! Convolutions and pooling give the numbers that PyTorch gives, and so do their gradients.
//! `fixtures/pytorch.py` made the fixture.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

use std::path::Path;

use glassbox::engine::op::{Convolution, Pooling};
use glassbox::engine::reference::Evaluation;
use glassbox::engine::{Array, DType, Graph, Options, Parameters, Session, Tensor, grad};
use serde_json::Value;

fn fixture(part: &str) -> Value {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytorch_convolution.json");
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file[part].take()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn sizes<const N: usize>(value: &Value) -> [usize; N] {
    let list: Vec<usize> =
        value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect();
    list.try_into().unwrap()
}

/// The result and its gradients, weighted by `upstream`: in f64 by the reference and by a session, and
/// in f32.
fn compare(
    case: &Value,
    given: &[(&str, &[usize], Vec<f64>)],
    record: impl for<'g> Fn(&[Tensor<'g>]) -> Vec<Tensor<'g>>,
    wanted: &[&str],
) {
    let name = case["name"].as_str().unwrap();
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 4e-6)] {
        let graph = Graph::new();
        let mut inputs = Parameters::new();
        let mut arguments = Vec::new();
        let mut input = |name: &str, shape: &[usize], values: &[f64]| {
            inputs.insert(name, Array::from_f64(dtype, shape.to_vec(), values).unwrap());
            graph.input(name, dtype, shape.to_vec())
        };
        for (name, shape, values) in given {
            arguments.push(input(name, shape, values));
        }
        let mut asked = record(&arguments);
        let upstream = input("upstream", asked[0].shape().sizes(), &numbers(&case["upstream"]));
        asked.splice(1..1, grad((asked[0] * upstream).sum(), &arguments));
        graph.check().unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut session = Session::new(Options::default()).unwrap();
        let mut found: Vec<Vec<f64>> =
            session.evaluate(&graph, &inputs, &asked).unwrap().iter().map(Array::to_f64).collect();
        let mut keys = wanted.to_vec();
        if dtype == DType::F64 {
            let run = Evaluation::new(&graph, &inputs, &Parameters::new(), &asked).unwrap();
            found.extend(asked.iter().map(|&t| run.value(t).unwrap().to_vec()));
            keys.extend(wanted);
        }
        assert_eq!(found.len(), keys.len());
        for (key, found) in keys.iter().zip(&found) {
            let wanted = numbers(&case[*key]);
            assert_eq!(found.len(), wanted.len(), "{name}: {key}");
            let scale = wanted.iter().fold(1.0f64, |m, x| m.max(x.abs()));
            for (i, (a, b)) in found.iter().zip(&wanted).enumerate() {
                assert!(
                    (a - b).abs() <= tolerance * scale,
                    "{name}, {dtype}, {key}[{i}]: {a}, {b}"
                );
            }
        }
    }
}

#[test]
fn convolutions_and_transposed_ones_and_their_gradients() {
    let cases = fixture("convolutions");
    for case in cases.as_array().unwrap() {
        let choices = Convolution::default()
            .stride(sizes(&case["stride"]))
            .padding(sizes(&case["padding"]))
            .dilation(sizes(&case["dilation"]))
            .groups(case["groups"].as_u64().unwrap() as usize);
        let more = sizes(&case["more"]);
        let transposed = case["name"].as_str().unwrap().starts_with("transposed");
        let (input, filter): ([usize; 4], [usize; 4]) =
            (sizes(&case["input"]), sizes(&case["filter"]));
        let output: [usize; 4] = sizes(&case["output"]);
        let given =
            [("x", &input[..], numbers(&case["x"])), ("w", &filter[..], numbers(&case["w"]))];
        assert_eq!(numbers(&case["y"]).len(), output.iter().product::<usize>());
        if transposed {
            compare(
                case,
                &given,
                |x| vec![x[0].conv_transpose2d(x[1], choices, more)],
                &["y", "dx", "dw"],
            );
        } else {
            compare(case, &given, |x| vec![x[0].conv2d(x[1], choices)], &["y", "dx", "dw"]);
        }
    }
    assert_eq!(cases.as_array().unwrap().len(), 8);
}

#[test]
fn pooling_and_its_gradients() {
    let found = fixture("pooling");
    let given = [("x", &[2usize, 6, 7, 3][..], numbers(&found["x"]))];
    let cases = found["cases"].as_array().unwrap();
    for case in cases {
        let windows = || {
            Pooling::new(sizes(&case["window"]))
                .stride(sizes(&case["stride"]))
                .padding(sizes(&case["padding"]))
        };
        match case["name"].as_str().unwrap() {
            "max" => {
                let choices = windows();
                // PyTorch numbers the pixels of an image.
                let of = |x: Tensor<'_>| x.dim(1) * x.dim(2) * x.dim(3);
                compare(
                    case,
                    &given,
                    move |x| {
                        let (largest, places) = x[0].max_pool2d(choices);
                        let image = x[0].graph().iota(places.shape(), 0) * of(x[0]) as f64;
                        let channel = x[0].graph().iota(places.shape(), 3);
                        let pixel = (places - image - channel).cast(x[0].dtype()) / 3.0;
                        vec![largest, pixel]
                    },
                    &["y", "dx", "places"],
                );
            }
            "average" => {
                let (choices, counted) = (windows(), case["counted"].as_bool().unwrap());
                compare(
                    case,
                    &given,
                    move |x| vec![x[0].average_pool2d(choices, counted)],
                    &["y", "dx"],
                );
            }
            "adaptive" => {
                let size = sizes(&case["size"]);
                compare(
                    case,
                    &given,
                    move |x| vec![x[0].adaptive_average_pool2d(size)],
                    &["y", "dx"],
                );
            }
            _ => compare(case, &given, |x| vec![x[0].global_average_pool()], &["y", "dx"]),
        }
    }
    assert_eq!(cases.len(), 10);
}
