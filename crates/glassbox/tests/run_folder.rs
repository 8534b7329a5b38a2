//! The folder of a run: its name, its files, its lock, and what `last` means.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::fs;

use glassbox::train::config::RunConfig;
use glassbox::train::folder::{Environment, GraphKind, RunFolder, RunState, Status, label};
use glassbox::train::log;
use glassbox::train::state::LogOffsets;
use serde_json::json;

fn config() -> RunConfig {
    RunConfig::new("iris.csv")
}

#[test]
fn a_run_is_named_by_its_time_and_subject_and_never_taken_twice() {
    let root = tempfile::tempdir().unwrap();
    let runs: Vec<_> = (0..3)
        .map(|_| RunFolder::create_in(&root.path().join("runs"), "iris-mlp", &config()).unwrap())
        .map(|run| run.path().file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let time = &runs[0].as_bytes()[..15];
    let shape: String =
        time.iter().map(|c| if c.is_ascii_digit() { '9' } else { *c as char }).collect();
    assert_eq!(shape, "9999-99-99-9999");
    assert_eq!(&runs[0][15..], "-iris-mlp");
    // Where the minute turned between two of them, no suffix is needed.
    assert!(runs[1].ends_with("-iris-mlp-2") || runs[1][..15] != runs[0][..15]);
    assert!(runs.iter().collect::<std::collections::BTreeSet<_>>().len() == 3);
}

#[test]
fn a_label_tells_data_and_model() {
    assert_eq!(label("data/Iris Flowers.csv", "mlp"), "iris-flowers-mlp");
    assert_eq!(label("digits", "mlp"), "digits-mlp");
    assert_eq!(label("붓꽃.csv", "mlp"), "붓꽃-mlp");
    assert_eq!(label("..", "mlp"), "mlp");
}

#[test]
fn last_is_the_newest_run_wherever_it_lies() {
    let root = tempfile::tempdir().unwrap();
    let runs = root.path().join("runs");
    let error = RunFolder::resolve(&runs, "last").unwrap_err().to_string();
    assert!(error.contains("no run yet"), "{error}");
    let first = RunFolder::create_in(&runs, "a-mlp", &config()).unwrap();
    first.mark_last(&runs).unwrap();
    assert_eq!(RunFolder::resolve(&runs, "last").unwrap(), first.path());
    assert_eq!(fs::read_to_string(runs.join("last")).unwrap().lines().count(), 1);
    let elsewhere = RunFolder::create_at(&root.path().join("my/run"), &config()).unwrap();
    elsewhere.mark_last(&runs).unwrap();
    assert_eq!(RunFolder::resolve(&runs, "last").unwrap(), elsewhere.path());
    // The run that `last` names was removed: the newest that is left.
    fs::remove_dir_all(elsewhere.path()).unwrap();
    assert_eq!(RunFolder::resolve(&runs, "last").unwrap(), first.path());
}

#[test]
fn a_run_is_found_by_path_or_name_and_a_wrong_name_suggests_the_nearest() {
    let root = tempfile::tempdir().unwrap();
    let run = RunFolder::create_at(&root.path().join("first-try"), &config()).unwrap();
    assert_eq!(RunFolder::resolve(root.path(), "first-try").unwrap(), run.path());
    let path = run.path().to_str().unwrap();
    assert_eq!(RunFolder::resolve(root.path(), path).unwrap(), run.path());
    let error = RunFolder::resolve(root.path(), "frist-try").unwrap_err().to_string();
    assert!(
        error.contains("frist-try: there is no such run; did you mean `first-try`?"),
        "{error}"
    );
}

#[test]
fn a_folder_with_files_is_not_overwritten() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("thesis.txt"), "precious").unwrap();
    let error = RunFolder::create_at(root.path(), &config()).unwrap_err().to_string();
    assert!(error.contains("is not empty"), "{error}");
    let path = root.path().join("run");
    drop(RunFolder::create_at(&path, &config()).unwrap());
    let error = RunFolder::create_at(&path, &config()).unwrap_err().to_string();
    assert!(error.contains("resume it"), "{error}");
    let error = RunFolder::view(root.path()).unwrap_err().to_string();
    assert!(error.contains("is not a run"), "{error}");
}

#[test]
fn two_processes_cannot_train_the_same_run_and_a_dead_one_is_interrupted() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("run");
    let training = RunFolder::create_at(&path, &config()).unwrap();
    training.set_status(&Status::now(RunState::Running, 3, 1)).unwrap();
    let error = RunFolder::resume(&path).unwrap_err().to_string();
    assert!(error.contains("another process is training this run"), "{error}");
    let view = RunFolder::view(&path).unwrap();
    assert_eq!(view.status().unwrap().state, RunState::Running);
    drop(training); // as a killed process would, without a last word
    assert_eq!(view.status().unwrap().state, RunState::Interrupted);
    RunFolder::resume(&path).unwrap();
}

#[test]
fn everything_written_is_read_back() {
    let root = tempfile::tempdir().unwrap();
    let run = RunFolder::create_at(&root.path().join("run"), &config()).unwrap();
    assert_eq!(run.config().unwrap(), config());
    let environment = Environment::here("avx2", 2);
    run.set_environment(&environment).unwrap();
    assert_eq!(run.environment().unwrap(), environment);
    run.set_data(&json!({"fingerprint": "1f", "columns": ["꽃"]})).unwrap();
    assert_eq!(run.data().unwrap()["columns"][0], "꽃");
    run.set_graph(GraphKind::Infer, &json!([1])).unwrap();
    assert_eq!(run.graph::<Vec<u8>>(GraphKind::Infer).unwrap(), [1]);
    let (mut metrics, alerts) = run.logs(LogOffsets::default()).unwrap();
    metrics.append(&json!({"loss": 0.5})).unwrap();
    assert_eq!(alerts.synced_offset().unwrap(), 0);
    assert_eq!(log::read(&run.file("metrics.jsonl")).unwrap(), [json!({"loss": 0.5})]);
    fs::write(run.file("status.json"), "{").unwrap();
    assert!(run.status().unwrap_err().to_string().contains("status.json: corrupt"));
}
