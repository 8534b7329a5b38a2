//! `plan` and `profile`: what a step consists of, what it costs, where its time goes.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use serde_json::Value;
use support::Workplace;

fn sum(of: &Value, field: &str) -> f64 {
    of.as_array().unwrap().iter().map(|part| part[field].as_f64().unwrap()).sum()
}

#[test]
fn a_plan_counts_what_a_step_does_before_it_runs() {
    let at = Workplace::new();
    let found = at.json("plan digits --hidden 16 --batch 20");
    // Products of 20 rows: forward, the weights' gradients, and the hidden units' gradients.
    let products = 2 * 20 * (2 * (64 * 16 + 16 * 10) + 16 * 10);
    let work = found["work"].as_array().unwrap();
    let of = |kernel: &str| -> f64 {
        let all = work.iter().filter(|work| work["kernel"] == kernel);
        all.map(|work| work["products"].as_f64().unwrap()).sum()
    };
    assert!((of("matmul") - f64::from(products)).abs() < 1e-3, "{} of {products}", of("matmul"));
    assert_eq!(found["rows"], 20);
    assert!(
        (sum(&found["work"], "operations") - found["cost"]["operations"].as_f64().unwrap()).abs()
            < 1.0
    );
    // Adam remembers two numbers beside each parameter.
    assert!(
        found["state_bytes"].as_f64().unwrap() >= 3.0 * 4.0 * (64.0 * 16.0 + 16.0 + 160.0 + 10.0)
    );
    let text = at.done("plan digits --hidden 16").out;
    assert!(
        text.contains("digits · mlp · a step of 32 rows") && text.contains("optimizer"),
        "{text}"
    );
    at.done("train iris --epochs 2 --out run");
    let text = at.done("plan run").out;
    assert!(text.starts_with("run · mlp · a step of 32 rows"), "{text}");
    assert!(at.refused(1, "plan nowhere.csv").contains("nowhere.csv"));
}

#[test]
fn a_profile_shares_out_the_time_of_a_step_and_leaves_the_run_as_it_is() {
    let at = Workplace::new();
    at.done("train digits --epochs 1 --hidden 32 --out run");
    let before = at.text("run/metrics.jsonl");
    let found = at.json("profile run --seconds 0.2 --threads 1 --trace step.json --flame step.svg");
    let measured = &found["measured"];
    assert_eq!(measured["threads"], 1);
    let (step, kernels) =
        (measured["step"].as_f64().unwrap(), measured["kernels"].as_f64().unwrap());
    let work = sum(&found["work"], "seconds");
    assert!(0.0 < work && work <= kernels && kernels <= step, "{work} {kernels} {step}");
    assert!(measured["limits"]["gflops"].as_f64().unwrap() > 1.0);
    let trace: Value = serde_json::from_str(&at.text("step.json")).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    assert!(
        events.iter().any(|event| event["name"] == "fc1" && event["args"]["kernel"] == "matmul")
    );
    let flame = at.text("step.svg");
    assert!(flame.starts_with("<svg") && flame.contains("<title>fc1: "), "{flame}");
    assert_eq!(at.text("run/metrics.jsonl"), before);
    let text = at.done("profile run --seconds 0").out;
    assert!(
        text.contains("forward") && text.contains("GFLOP/s") && text.contains("between kernels"),
        "{text}"
    );
    assert!(at.done("profile run --seconds 0 --lang ko").out.contains("커널 사이"));
    let error = at.refused(2, "profile run --seconds long");
    assert!(error.contains("--seconds"), "{error}");
}

#[test]
fn computing_again_changes_no_number_and_unknown_layers_are_named() {
    let at = Workplace::new();
    at.done("train iris --epochs 3 --out kept");
    at.done("train iris --epochs 3 --set train.recompute=[\"fc*\"] --out again");
    assert_eq!(support::numbers(&at, "kept"), support::numbers(&at, "again"));
    let operations = |what: &str| at.json(what)["cost"]["operations"].as_f64().unwrap();
    assert!(operations("plan again") > operations("plan kept"));
    let error = at.refused(2, "train iris --set train.recompute=[\"fcl\"]");
    assert!(error.contains("`train.recompute`: no layer matches `fcl`"), "{error}");
}
