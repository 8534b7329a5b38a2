//! `train --folds N`: every row held out once, every fold a run of its own; and classes that are rare.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use std::fmt::Write;

use serde_json::{Value, json};
use support::{Workplace, flowers, numbers};

/// The numbers of the rows that a run was tested on.
fn tested(at: &Workplace, run: &str) -> Vec<usize> {
    let text = at.text(&format!("{run}/predictions.csv"));
    text.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn every_row_is_held_out_once_and_the_figures_are_those_of_the_folds() {
    let at = Workplace::new();
    at.file("flowers.csv", flowers(60));
    let line = "train flowers.csv --target kind --folds 4 --epochs 5 --out cv";
    let found = at.json(line);
    assert_eq!((&found["run"], &found["rows"]), (&json!("cv"), &json!(60)));
    let folds = found["folds"].as_array().unwrap();
    assert_eq!(folds.len(), 4);
    let mut rows: Vec<usize> = (1..=4).flat_map(|n| tested(&at, &format!("cv/fold{n}"))).collect();
    rows.sort_unstable();
    assert_eq!(rows, (1..=60).collect::<Vec<_>>());
    for name in ["loss", "accuracy"] {
        let values: Vec<f64> = folds.iter().map(|f| f["metrics"][name].as_f64().unwrap()).collect();
        let mean = values.iter().sum::<f64>() / 4.0;
        let std = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 3.0).sqrt();
        let close = |value: &Value, wanted: f64| (value.as_f64().unwrap() - wanted).abs() < 1e-12;
        assert!(close(&found["metrics"][name]["mean"], mean), "{found}");
        assert!(close(&found["metrics"][name]["std"], std), "{found}");
        assert!(found["baseline"][name]["mean"].is_f64(), "{found}");
    }
    // A fold is a run like others.
    let evaluated = at.json("eval cv/fold2");
    assert_eq!(evaluated["metrics"], folds[1]["metrics"]);
    at.file("new.csv", "sepal,petal\n1,5\n");
    assert_eq!(at.json("predict last new.csv")["run"].as_str().unwrap(), {
        let last = at.text("runs/last");
        assert!(last.trim().ends_with("cv/fold4"), "{last}");
        last.trim().to_owned()
    });
    let compared = at.json("compare cv/fold1 cv/fold3");
    assert_eq!(compared["differences"], json!({"data.split.fold": ["1/4", "3/4"]}));
    assert_eq!(compared["same_data"], true);
    assert_eq!(at.json("compare cv")["runs"].as_array().unwrap().len(), 4);
    let error = at.refused(1, "eval cv");
    assert!(error.contains("cv: holds the folds of a cross-validation"), "{error}");
    // Its file gives the same bits again.
    std::fs::copy(at.path("cv/fold3/run.toml"), at.path("third.toml")).unwrap();
    at.done("train third.toml --out again");
    assert_eq!(numbers(&at, "cv/fold3"), numbers(&at, "again"));
    assert!(at.refused(1, line).contains("cv: is not empty"));
}

#[test]
fn folds_are_told_in_words_and_listed_among_the_runs() {
    let at = Workplace::new();
    let printed = at.done("train dosage --folds 3 --epochs 2");
    for words in ["fold 1/3  1 rows", "fold 3/3", "3 folds, 3 rows", "±", "fold1 to fold3"] {
        assert!(printed.out.contains(words), "{words} is not in {}", printed.out);
    }
    // One row has no R²: what a fold cannot tell is no figure of all.
    assert!(!printed.out.contains("\nr2 "), "{}", printed.out);
    let runs = at.json("runs");
    let runs = runs["runs"].as_array().unwrap();
    let names: Vec<&str> = runs.iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 3);
    assert!(names[0].ends_with("-dosage-mlp-3-folds/fold3") && runs[0]["last"] == true);
    at.done(&format!("summary {}", names[1]));
    let quiet = at.done("train dosage --folds 2 --epochs 2 --quiet --lang ko").out;
    assert!(quiet.contains("겹들의 평균") && !quiet.contains("1/2번째"), "{quiet}");
}

#[test]
fn balanced_weights_of_classes_raise_the_balanced_accuracy_where_one_is_rare() {
    let at = Workplace::new();
    // 1 of 20 rows is of the class `ill`; its numbers lie higher, and the classes overlap.
    let mut text = String::from("a,b,state\n");
    for row in 0..1200usize {
        let ill = row % 20 == 7;
        let noise = |by: usize| ((row * by % 1009) as f64 / 1009.0 - 0.5) * 4.0;
        let up = if ill { 1.2 } else { 0.0 };
        let (a, b) = (noise(373) + up, noise(641) + up);
        let _ = writeln!(text, "{a:.3},{b:.3},{}", if ill { "ill" } else { "well" });
    }
    at.file("t.csv", text);
    let training = "train t.csv --target state --epochs 20 --quiet --out";
    let plain = at.json(&format!("{training} plain"));
    let balanced = at.json(&format!("{training} balanced --set train.class_weights=balanced"));
    let figure = |outcome: &Value| outcome["metrics"]["balanced_accuracy"].as_f64().unwrap();
    let (before, after) = (figure(&plain), figure(&balanced));
    assert!(after > before + 0.1, "{before} without weights, {after} with");
    // The cure is named where it is needed, and not where it was taken.
    let cure = "`--set train.class_weights=balanced`";
    let words = at.done("eval plain").out;
    assert!(words.contains("says little") && words.contains(cure), "{words}");
    assert!(!at.done("eval balanced").out.contains(cure));
    assert!(at.done("data t.csv").out.contains(cure));
}
