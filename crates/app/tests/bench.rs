//! `glassbox bench`: workloads, their figures, and the check against recorded starts.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use std::path::Path;

use serde_json::Value;
use support::Workplace;

/// What PyTorch recorded of `squiggle`: seven numbers and their first ten steps.
fn recorded(at: &Workplace) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/start/squiggle");
    std::fs::create_dir_all(at.path("start/squiggle")).unwrap();
    for file in ["start.safetensors", "batches.safetensors", "trajectory.json"] {
        std::fs::copy(from.join(file), at.path(&format!("start/squiggle/{file}"))).unwrap();
    }
}

/// The trajectory in one of the files, changed.
fn changed(at: &Workplace, from: &str, to: &str, change: impl Fn(&mut Value)) {
    let mut told: Value =
        serde_json::from_str(&at.text(&format!("start/squiggle/{from}"))).unwrap();
    change(&mut told);
    at.file(&format!("start/squiggle/{to}"), told.to_string());
}

#[test]
fn workloads_are_listed() {
    let at = Workplace::new();
    let list = at.json("bench --list");
    let names: Vec<&str> =
        list["workloads"].as_array().unwrap().iter().map(|w| w["name"].as_str().unwrap()).collect();
    for name in
        ["squiggle", "mlp", "resnet20", "lstm-lm", "bert-mlm", "dcgan", "gemm-256", "startup"]
    {
        assert!(names.contains(&name), "{name}");
    }
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
    let text = at.done("bench --list").out;
    assert!(text.contains("mlp-wide") && text.contains("target tokens/s"), "{text}");
    assert!(at.done("bench --list --lang ko").out.contains("단위"));
}

#[test]
fn a_workload_is_timed_and_printed_as_one_line() {
    let at = Workplace::new();
    for (name, items, parameters) in [("squiggle", 1.0, 7), ("mlp", 128.0, 235_146)] {
        let printed = at.done(&format!("bench {name} --seconds 0.1 --threads 1")).out;
        assert_eq!(printed.lines().count(), 1, "{printed}");
        let line: Value = serde_json::from_str(&printed).unwrap();
        let number = |key: &str| line[key].as_f64().unwrap();
        assert_eq!((&line["workload"], &line["backend"]), (&name.into(), &"glassbox".into()));
        assert_eq!((number("params"), number("items_per_step")), (f64::from(parameters), items));
        assert_eq!((number("threads"), number("runs")), (1.0, 7.0));
        assert!(number("min") <= number("median") && number("median") <= number("max"));
        assert!(number("min") > 0.0);
        assert!(number("loss_last") < number("loss_first"), "it learns: {line}");
    }
    let line = at.json("bench mlp --steps 3");
    assert_eq!((&line["steps"], line["loss_first"].as_f64() > Some(0.0)), (&3.into(), true));
    assert!(at.done("bench squiggle --plan").out.contains("matmul"));
    let line = at.json("bench squiggle --steps 3 --instructions portable --exact");
    assert_eq!(line["steps"], 3);
    let found = at.json("bench mlp --profile --seconds 0.1 --threads 1 --instructions portable");
    assert_eq!((&found["rows"], &found["measured"]["threads"]), (&128.into(), &1.into()));
    assert_eq!(found["measured"]["instruction_set"], "portable");
    assert!(at.done("bench mlp --profile --seconds 0").out.contains("GFLOP/s"));
}

#[test]
fn what_is_wrong_is_named_with_the_nearest_name() {
    let at = Workplace::new();
    let error = at.refused(2, "bench mpl");
    assert!(error.contains("no workload `mpl`; did you mean `mlp`?"), "{error}");
    assert!(error.contains("see `glassbox bench --list`"), "{error}");
    let error = at.refused(2, "bench resnet-20 --lang ko");
    assert!(error.contains("`resnet-20` 작업이 없습니다. 혹시 `resnet20`?"), "{error}");
    assert!(at.refused(2, "bench").contains("missing: <NAME>"));
    let error = at.refused(2, "bench mlp --seconds soon");
    assert!(error.contains("expected seconds"), "{error}");
    let error = at.refused(2, "bench mlp --instructions mmx");
    assert!(error.contains("portable"), "{error}");
    let error = at.refused(2, "bench mlp --threads 0");
    assert!(error.contains("1 or more"), "{error}");
    assert!(at.refused(2, "bench startup --steps 3").contains("whole processes"));
    let error = at.refused(1, "bench mlp --start nowhere");
    assert!(error.contains("start.safetensors: cannot read"), "{error}");
    assert!(at.done("bench --help --lang ko").out.contains("PyTorch로 기록해 둔"));
}

#[test]
fn the_same_work_agrees_with_what_pytorch_recorded() {
    let at = Workplace::new();
    recorded(&at);
    let found = at.json("bench squiggle --start start");
    assert_eq!(found["agrees"], true, "{found}");
    assert_eq!(found["gradients"].as_array().unwrap().len(), 4);
    let losses = found["losses"].as_array().unwrap();
    assert_eq!(losses.len(), 10);
    assert_eq!(losses[9]["theirs"], 0.672_380_745_410_919_2);
    assert!(losses.iter().all(|loss| loss["apart"].as_f64().unwrap() < 1e-6), "{found}");
    let text = at.done("bench squiggle --start start --lang ko").out;
    assert!(text.contains("squiggle: 같은 작업입니다"), "{text}");
}

#[test]
fn what_differs_from_the_recorded_start_is_marked_and_fails() {
    let at = Workplace::new();
    recorded(&at);
    changed(&at, "trajectory.json", "trajectory.json", |told| {
        told["losses"][4] = (told["losses"][4].as_f64().unwrap() * 1.001).into();
        told["gradients"]["2.bias"]["first"][0] = 7.into();
    });
    let printed = at.run(&["bench", "squiggle", "--start", "start"]);
    assert_eq!(printed.code, 1);
    let marked: Vec<&str> = printed.out.lines().filter(|line| line.ends_with('!')).collect();
    assert_eq!(marked.len(), 2, "{}", printed.out);
    assert!(marked[0].starts_with("2.bias[0]") && marked[1].starts_with('5'), "{marked:?}");
    assert!(printed.error.contains("squiggle is not the same work"), "{}", printed.error);

    // Another model's weights.
    let error = at.refused(1, "bench mlp --start start/squiggle/..");
    assert!(error.contains("start/squiggle/../mlp"), "{error}");
    std::fs::rename(at.path("start/squiggle"), at.path("start/mlp")).unwrap();
    let error = at.refused(1, "bench mlp --start start");
    assert!(error.contains("`0.weight`") && error.contains("there is no `4.weight`"), "{error}");
    at.file("start/mlp/start.safetensors", "short");
    assert!(at.refused(1, "bench mlp --start start").contains("truncated"));
}

#[test]
fn in_f64_both_sides_are_the_same_to_the_last_digits() {
    let at = Workplace::new();
    recorded(&at);
    let error = at.refused(1, "bench squiggle --start start --f64");
    assert!(error.contains("there is no exact.json"), "{error}");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/start/squiggle/exact.json");
    std::fs::copy(from, at.path("start/squiggle/exact.json")).unwrap();
    let found = at.json("bench squiggle --start start --f64");
    assert_eq!((&found["agrees"], &found["exact"]), (&true.into(), &true.into()));
    let all = ["gradients", "losses"].map(|key| found[key].as_array().unwrap().clone()).concat();
    assert_eq!(all.len(), 14);
    assert!(all.iter().all(|each| each["apart"].as_f64().unwrap() < 1e-13), "{found}");
    assert!(at.refused(2, "bench squiggle --f64").contains("--start"));
}

#[test]
fn beside_the_truth_in_f64_the_bound_is_the_same_and_pytorchs_own_distance_is_told() {
    let at = Workplace::new();
    recorded(&at);
    let off = |share: f64| {
        changed(&at, "trajectory.json", "exact.json", |told| {
            told["losses"][9] = (told["losses"][9].as_f64().unwrap() * (1.0 + share)).into();
        });
    };
    off(0.0);
    let found = at.json("bench squiggle --start start");
    assert_eq!((&found["exact"], &found["agrees"]), (&true.into(), &true.into()));
    assert!(found["recorded"][0].as_f64().unwrap() < 1e-6, "{found}");
    // Both sides are equally far from what is now the truth: that is no agreement.
    off(0.01);
    let printed = at.run(&["bench", "squiggle", "--start", "start"]);
    assert_eq!(printed.code, 1);
    assert!(printed.out.contains("the recorded f32 is itself"), "{}", printed.out);
    let marked: Vec<&str> = printed.out.lines().filter(|line| line.ends_with('!')).collect();
    assert!(marked.len() == 1 && marked[0].starts_with("10"), "{marked:?}");
}
