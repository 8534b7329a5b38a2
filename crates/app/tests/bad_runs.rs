//! Runs that are not there, taken, damaged or of another model: nothing is lost, and the cure is
//! said.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use support::{Workplace, flowers, numbers};

#[test]
fn a_folder_with_files_is_not_trained_into() {
    let at = Workplace::new();
    fs::create_dir(at.path("thesis")).unwrap();
    at.file("thesis/chapter.txt", "precious");
    let error = at.refused(1, "train iris --epochs 1 --out thesis");
    assert_eq!(error, "error: thesis: is not empty: name an empty or new folder\n");
    assert_eq!(at.text("thesis/chapter.txt"), "precious");
    at.done("train iris --epochs 1 --out run");
    let before = numbers(&at, "run");
    let error = at.refused(1, "train iris --epochs 2 --out run");
    assert!(error.contains("run: there is a run here already: resume it, or name"), "{error}");
    assert_eq!(numbers(&at, "run"), before);
    at.file("file", "");
    assert!(at.refused(1, "train iris --out file").contains("file: cannot create"));
}

#[test]
fn a_run_that_is_not_there_offers_the_nearest() {
    let at = Workplace::new();
    at.done("train iris --epochs 1 --out runs/first-try");
    at.file("flowers.csv", flowers(9));
    for verb in ["eval", "resume", "summary", "predict"] {
        let file = if verb == "predict" { " flowers.csv" } else { "" };
        let error = at.refused(1, &format!("{verb} frist-try{file}"));
        assert!(error.contains("frist-try: there is no such run; did you mean `first-try`?"));
        let error = at.refused(1, &format!("{verb} flowers.csv{file}"));
        assert!(error.contains("flowers.csv: is not a run: it has no run.toml"), "{error}");
    }
}

#[test]
fn a_checkpoint_of_another_model_is_refused_with_every_difference() {
    let at = Workplace::new();
    at.done("train iris --epochs 1 --hidden 5 --out run");
    at.done("train iris --epochs 1 --hidden 6,4 --out other");
    fs::remove_dir_all(at.path("run/checkpoints")).unwrap();
    fs::rename(at.path("other/checkpoints"), at.path("run/checkpoints")).unwrap();
    at.file("flowers.csv", flowers(9));
    for line in ["eval run", "resume run", "summary run", "predict run flowers.csv"] {
        let error = at.refused(1, line);
        assert!(error.contains("error: the checkpoint is of another model"), "{line}: {error}");
        assert!(error.contains("not in the model: fc3/bias, fc3/weight"), "{line}: {error}");
        let shapes = "fc1/weight: the model has f32 [4, 5], the checkpoint f32 [4, 6]";
        assert!(error.contains(shapes), "{line}: {error}");
    }
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_one_before_or_is_named() {
    let at = Workplace::new();
    let training = "train iris --epochs 6 --set stop=false";
    at.done(&format!("{training} --out calm"));
    at.done(&format!("{training} --set checkpoint_every=1e-9 --out run"));
    let model = at.path("run/checkpoints/step-24/model.safetensors");
    let bytes = fs::read(&model).unwrap();
    fs::write(&model, &bytes[..bytes.len() / 2]).unwrap();
    let resumed = at.done("resume run");
    assert!(resumed.out.contains("step-24/model.safetensors: truncated"), "{}", resumed.out);
    assert_eq!(numbers(&at, "calm"), numbers(&at, "run"));
    for step in fs::read_dir(at.path("run/checkpoints")).unwrap().map(Result::unwrap) {
        if step.path().is_dir() {
            fs::write(step.path().join("state.json"), "{").unwrap();
        }
    }
    let error = at.refused(1, "resume run");
    assert!(error.contains("no checkpoint can be read") && error.contains("state.json: corrupt"));
}

#[test]
fn data_that_changed_since_is_refused() {
    let at = Workplace::new();
    at.file("flowers.csv", flowers(60));
    at.done("train flowers.csv --epochs 2 --out run");
    let before = numbers(&at, "run");
    at.file("flowers.csv", flowers(60).replacen("1,5,iris", "1,5.5,iris", 1));
    for verb in ["eval", "resume"] {
        let error = at.refused(1, &format!("{verb} run"));
        assert!(error.contains("the data at flowers.csv is not what this run was"), "{error}");
        assert!(error.contains("put the old data back, or train anew"), "{error}");
    }
    fs::remove_file(at.path("flowers.csv")).unwrap();
    assert!(at.refused(1, "resume run").contains("flowers.csv: there is no such file or folder"));
    // The model itself needs no data.
    at.file("new.csv", "petal,sepal\n5,1\n");
    at.done("predict run new.csv");
    at.file("flowers.csv", flowers(60));
    at.done("resume run");
    assert_eq!(numbers(&at, "run"), before);
}

#[test]
fn two_processes_do_not_train_in_one_folder() {
    let at = Workplace::new();
    let words = "train digits --epochs 100000 --set stop=false --out run --quiet";
    let words: Vec<&str> = words.split(' ').collect();
    let mut child = at.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !at.path("run/metrics.jsonl").exists() {
        assert!(Instant::now() < deadline, "never began");
        std::thread::sleep(Duration::from_millis(2));
    }
    let resumed = at.refused(1, "resume run");
    let trained = at.refused(1, "train iris --out run");
    let looked = at.json("summary run");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(resumed, "error: run: another process is training this run\n");
    assert!(trained.contains("run: there is a run here already"), "{trained}");
    assert_eq!(looked["training"]["state"], "running");
    // Killed without a word, it is interrupted.
    assert_eq!(at.json("summary run")["training"]["state"], "interrupted");
}

#[test]
fn what_only_training_takes_is_refused_elsewhere_and_starting_values_are_checked() {
    let at = Workplace::new();
    let error = at.refused(2, "eval last --out x");
    assert!(error.contains("there is no flag `--out` for `glassbox eval`"), "{error}");
    at.refused(2, "resume last --set lr=1");
    let error = at.refused(
        2,
        "train iris --out run --set parameters.fc9/weight=[1] --set parameters.fc1/bias=[1]",
    );
    assert!(error.contains("there is no parameter `fc9/weight`"), "{error}");
    assert!(error.contains("`fc1/bias` has the shape [64], the starting value given has [1]"));
    assert!(error.lines().all(|line| line.starts_with("error: ")), "{error}");
    let error = at.refused(2, "train iris --out run --set watch.evry=3");
    assert!(error.contains("did you mean `watch.every`?"), "{error}");
    let error = at.refused(2, "train iris --out run --set stop.metric=valid_acuracy");
    assert!(error.contains("did you mean `valid_accuracy`?"), "{error}");
    let error = at.refused(2, "train dosage --out run --set loss=cross_entropy");
    assert!(error.contains("is for classes, but the target `effectiveness` is a number"));
    assert!(!at.path("run").exists(), "nothing is made");
}

#[test]
fn a_best_checkpoint_that_cannot_be_read_is_told_wherever_another_is_used() {
    let at = Workplace::new();
    at.done("train iris --epochs 4 --set checkpoint_every=1e-9 --set stop=false --out run");
    let kept = at.run(&["inspect", "run", "--step", "999"]).error;
    let step = kept.split(", ").next().unwrap().rsplit(' ').next().unwrap().trim().to_owned();
    at.file("run/checkpoints/best", format!("step-{step}\n"));
    let model = at.path(&format!("run/checkpoints/step-{step}/model.safetensors"));
    let bytes = fs::read(&model).unwrap();
    fs::write(&model, &bytes[..bytes.len() / 2]).unwrap();
    at.file("new.csv", "sepal_length,sepal_width,petal_length,petal_width\n5,3,1,0.2\n");
    for line in ["predict run new.csv", "eval run", "explain run --prediction", "inspect run"] {
        let error = at.done(line).error;
        assert!(
            error.contains("truncated") && error.contains("another checkpoint"),
            "{line}: {error}"
        );
        assert!(!at.done(&format!("{line} --quiet")).error.contains("warning"), "{line}");
    }
}

#[test]
fn a_damaged_configuration_of_a_run_is_a_failure_and_a_missing_folder_is_named() {
    let at = Workplace::new();
    at.done("train iris --epochs 1 --out run");
    let text = at.text("run/run.toml");
    at.file("run/run.toml", format!("{text}\nevry = 3\nwat = 1\n"));
    for line in ["summary run", "eval run", "resume run", "compare run run", "inspect run"] {
        if line == "inspect run" {
            assert!(at.done(line).error.contains("weights only"));
            continue;
        }
        let error = at.refused(1, line);
        let named = error.lines().filter(|line| line.starts_with("error: run/run.toml: line"));
        assert_eq!(named.count(), 2, "{error}");
    }
    at.file("run/run.toml", text);
    at.file("new.csv", "sepal_length,sepal_width,petal_length,petal_width\n5,3,1,0.2\n");
    for line in ["predict run new.csv --out-file no/where.csv", "init iris --out no/where.toml"] {
        let error = at.refused(1, line);
        assert!(error.contains("there is no folder no: make it first, `mkdir -p no`"), "{error}");
    }
}
