//! What `train` and `eval` leave and print.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use serde_json::Value;
use support::{Workplace, flowers, numbers};

/// The names of an object's fields, sorted.
fn fields(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn train_and_eval_end_with_the_same_object_for_classes_and_for_numbers() {
    let at = Workplace::new();
    let of_classes =
        &["accuracy", "average_precision", "balanced_accuracy", "f1_macro", "loss", "roc_auc"];
    let details = &["averages", "classes", "confused", "confusion"][..];
    for (source, epochs, split, metrics, details) in [
        ("iris", 20, "test", &of_classes[..], details),
        ("digits", 3, "test", of_classes, details),
        ("dosage", 20, "train", &["loss", "mae", "median_ae", "mse", "r2", "rmse"], &["outputs"]),
    ] {
        let mut trained = at.json(&format!("train {source} --epochs {epochs} --out {source}"));
        let always = ["baseline", "metrics", "rows", "run", "seconds", "split", "verdict"];
        let mut wanted = [&always[..], details].concat();
        wanted.sort_unstable();
        assert_eq!(fields(&trained), wanted, "{trained}");
        assert_eq!((&trained["run"], &trained["split"]), (&source.into(), &split.into()));
        assert_eq!(fields(&trained["metrics"]), metrics);
        assert!(trained["seconds"].as_f64().unwrap() > 0.0);
        for part in ["metrics", "baseline"] {
            let figures = trained[part].as_object().unwrap();
            assert!(figures.values().all(Value::is_f64), "{trained}");
        }
        let mut evaluated = at.json(&format!("eval {source}"));
        for result in [&mut trained, &mut evaluated] {
            result.as_object_mut().unwrap().remove("seconds").unwrap();
        }
        assert_eq!(trained, evaluated);
    }
    let digits = at.json("eval digits");
    // 1,797 digits, a fifth for the test; the largest of ten classes has a tenth of the rows.
    assert_eq!(digits["rows"], 359);
    assert!(digits["metrics"]["accuracy"].as_f64().unwrap() > 0.9, "{digits}");
    assert!(digits["baseline"]["accuracy"].as_f64().unwrap() < 0.15, "{digits}");
}

#[test]
fn a_run_folder_holds_what_the_specification_lists() {
    let at = Workplace::new();
    at.done("train iris --epochs 2");
    let run = at.text("runs/last").trim().to_owned();
    assert!(run.ends_with("-iris-mlp"), "{run}");
    for file in [
        "run.toml",
        "status.json",
        "env.json",
        "data.json",
        "metrics.jsonl",
        "alerts.jsonl",
        "watch.jsonl",
        "graph/train.json",
        "graph/infer.json",
        "checkpoints/last",
        "checkpoints/best",
        "predictions.csv",
        "outcome.json",
    ] {
        assert!(at.path(&format!("runs/{run}/{file}")).is_file(), "{file}");
    }
    let status: Value = serde_json::from_str(&at.text(&format!("runs/{run}/status.json"))).unwrap();
    assert_eq!((&status["state"], &status["epoch"]), (&"finished".into(), &2.into()));
    assert_eq!(at.metrics(&format!("runs/{run}")).len(), 2);
    // 23 rows and a header.
    assert_eq!(at.text(&format!("runs/{run}/predictions.csv")).lines().count(), 24);
    // Found by name, by path and as the last.
    let by_name = at.json(&format!("eval {run}"))["metrics"].clone();
    assert_eq!(at.json(&format!("eval runs/{run}"))["metrics"], by_name);
    assert_eq!(at.json("eval last")["metrics"], by_name);
}

#[test]
fn a_pipe_gets_a_line_an_epoch_and_quiet_only_the_result() {
    let at = Workplace::new();
    let text = at.done("train iris --epochs 4 --out a").out;
    assert_eq!(text.lines().filter(|line| line.starts_with("epoch ")).count(), 4, "{text}");
    assert!(text.starts_with("glassbox · mlp · 2,499 parameters · "), "{text}");
    assert!(!text.contains('\x1b') && !text.contains('\r'), "{text:?}");
    let quiet = at.done("train iris --epochs 4 --out b --quiet");
    assert_eq!(quiet.error, "");
    assert!(quiet.out.contains("test, 23 rows      model  baseline\n"), "{}", quiet.out);
    // With --json the result alone is on standard output, and progress on standard error.
    let json = at.done("train iris --epochs 4 --out c --json");
    assert_eq!((json.out.lines().count(), &json.out[..1]), (1, "{"));
    assert_eq!(json.error.lines().filter(|line| line.starts_with("epoch ")).count(), 4);
}

#[test]
fn an_alarm_is_shown_once_in_either_language() {
    let at = Workplace::new();
    let line = "train digits --hidden 32,32,32,32,32,32,32,32 --activation sigmoid --epochs 8 \
                --set watch.every=20 --set stop=false --out";
    let english = at.done(&format!("{line} a")).out;
    let shown: Vec<&str> = english.lines().filter(|line| line.starts_with("! ")).collect();
    assert_eq!(shown.len(), 1, "{english}");
    assert!(shown[0].starts_with("! fc1: gradient norm ") && shown[0].contains("(vanishing)"));
    let korean = at.done(&format!("{line} b --lang ko")).out;
    assert!(korean.contains("! fc1: 기울기 크기가 출력층의 "), "{korean}");
    assert!(at.text("a/report.html").contains("fc1: gradient norm "));
}

#[test]
fn settings_come_from_the_file_then_set_then_flags() {
    let at = Workplace::new();
    at.file("flowers.csv", flowers(60)).file(
        "my.toml",
        "[data]\npath = \"flowers.csv\"\n[model]\nhidden = [5]\n[train]\nepochs = 3\nbatch = 8\n",
    );
    at.done("train my.toml --set optimizer.lr=0.03 --set epochs=9 --epochs 2 --out run");
    let written = at.text("run/run.toml");
    for line in ["hidden = [5]", "epochs = 2 ", "batch = 8 ", "lr = 0.03,"] {
        assert!(written.contains(line), "{line} in {written}");
    }
    // What nobody said follows from the data.
    assert!(written.contains("loss = \"cross_entropy\""), "{written}");
    assert_eq!(at.metrics("run").len(), 2);
}

#[test]
fn the_same_seed_gives_the_same_bits_for_any_number_of_threads() {
    let at = Workplace::new();
    for source in ["iris --epochs 8", "digits --epochs 2 --hidden 16"] {
        let name = &source[..4];
        at.done(&format!("train {source} --threads 1 --out {name}-one"));
        at.done(&format!("train {source} --threads 2 --out {name}-two"));
        at.done(&format!("train {source} --seed 42 --out {name}-again"));
        at.done(&format!("train {source} --seed 43 --out {name}-other"));
        let one = numbers(&at, &format!("{name}-one"));
        assert_eq!(one, numbers(&at, &format!("{name}-two")), "threads");
        assert_eq!(one, numbers(&at, &format!("{name}-again")), "the default seed");
        assert_ne!(one["model"], numbers(&at, &format!("{name}-other"))["model"]);
    }
}

#[test]
fn running_a_runs_configuration_again_gives_the_same_bits() {
    let at = Workplace::new();
    at.file("flowers.csv", flowers(90));
    for (name, words) in [
        ("flowers", "flowers.csv --epochs 6 --batch 7 --activation tanh --lr 0.02"),
        ("dosage", "dosage --epochs 50"),
        ("iris", "iris --epochs 6 --set schedule=constant --set optimizer=momentum"),
    ] {
        at.done(&format!("train {words} --out {name}"));
        at.done(&format!("train {name}/run.toml --out {name}-again"));
        assert_eq!(numbers(&at, name), numbers(&at, &format!("{name}-again")));
        assert_eq!(
            at.text(&format!("{name}/run.toml")),
            at.text(&format!("{name}-again/run.toml"))
        );
    }
}
