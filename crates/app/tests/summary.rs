//! `glassbox summary`: what a run is and where it stands.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use serde_json::{Value, json};
use support::{Workplace, flowers};

fn names<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap()).collect()
}

#[test]
fn a_run_is_described_from_its_parameters_to_its_state() {
    let at = Workplace::new();
    at.done("train iris --epochs 4 --hidden 5 --out run");
    let found = at.json("summary run");
    assert_eq!(
        names(&found["parameters"], "path"),
        ["fc1/bias", "fc1/weight", "fc2/bias", "fc2/weight"]
    );
    assert_eq!(found["parameters"][1]["shape"], json!([4, 5]));
    // 4 · 5 + 5 + 5 · 3 + 3 numbers of four bytes.
    assert_eq!(found["total"], json!({"count": 43, "bytes": 172}));
    assert_eq!(
        names(&found["outputs"], "name"),
        ["fc1/linear", "fc1/relu", "fc2/linear", "prediction"]
    );
    assert_eq!(found["outputs"][1]["shape"], json!([5]));
    assert_eq!(found["data"]["train"], 104);
    assert_eq!(found["data"]["target"], "species");
    assert_eq!(found["training"]["state"], "finished");
    assert_eq!((&found["training"]["epoch"], &found["training"]["step"]), (&json!(4), &json!(16)));
    // Two products forward, one to the input's side and two to the weights' backward:
    // 32 rows · 2 · (2 · (4 · 5 + 5 · 3) + 5 · 3) operations.
    assert_eq!(found["step"]["rows"], 32);
    assert_eq!(found["step"]["mflop"], 32.0 * 2.0 * (2.0 * 35.0 + 15.0) / 1e6);
    assert!(found["step"]["kernels"].as_u64().unwrap() > 3);
    let text = at.done("summary run").out;
    for part in ["mlp · 43 parameters · 172 B · run", "fc1/weight  [4, 5]", "finished, epoch 4/4"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(at.done("summary run --lang ko").out.contains("끝남, 에포크 4/4"));
}

#[test]
fn the_weights_described_are_those_of_the_best_checkpoint() {
    let at = Workplace::new();
    at.done("train dosage --epochs 3 --out run --set parameters.fc1/bias=[1,3] --lr 1e-12");
    let spread = at.json("summary run")["parameters"][0]["values"].clone();
    let close = |name: &str, wanted: f64| (spread[name].as_f64().unwrap() - wanted).abs() < 1e-6;
    assert!(close("mean", 2.0) && close("std", 1.0), "{spread}");
    assert!(close("min", 1.0) && close("max", 3.0), "{spread}");
}

#[test]
fn columns_left_out_are_named_with_the_reason() {
    let at = Workplace::new();
    let lines: Vec<String> = flowers(60)
        .lines()
        .enumerate()
        .map(|(row, line)| match row {
            0 => format!("always,{line}"),
            _ => format!("7,{line}"),
        })
        .collect();
    at.file("flowers.csv", lines.join("\n"));
    at.done("train flowers.csv --epochs 2 --out run");
    assert_eq!(at.json("summary run")["data"]["dropped"][0][0], "always");
    assert!(at.done("summary run").out.contains("left out  always ("));
}

#[test]
fn a_run_that_never_saved_or_never_began_is_described_or_says_so() {
    let at = Workplace::new();
    assert!(at.refused(1, "train iris --lr 1e30 --out failed").contains("`--lr 1e29`"));
    let found = at.json("summary failed");
    assert_eq!(found["training"]["state"], "failed");
    assert!(found["weights_of_step"].is_null() && found["parameters"][0]["values"].is_null());
    let text = at.done("summary failed").out;
    assert!(text.contains("no checkpoint yet") && text.contains("problem   the loss became"));
    at.done("train iris --epochs 1 --out begun");
    for file in ["data.json", "status.json"] {
        std::fs::remove_file(at.path("begun").join(file)).unwrap();
    }
    let error = at.refused(1, "summary begun");
    assert!(error.contains("begun stopped before it began: `glassbox resume begun`"), "{error}");
}
