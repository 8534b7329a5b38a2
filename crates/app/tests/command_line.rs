//! The program through its command line: words, exit codes and streams.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use assert_cmd::Command;

/// Exit code, standard output and standard error of `glassbox` with these words, in a new folder.
fn glassbox(words: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    glassbox_in(folder.path(), words)
}

fn glassbox_in(folder: &std::path::Path, words: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("glassbox").unwrap();
    for variable in ["LC_ALL", "LC_MESSAGES", "LANG"] {
        command.env_remove(variable);
    }
    let output = command.current_dir(folder).args(words).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// What a wrong command line prints; it exits with 2 and prints no result.
fn refused(words: &[&str]) -> String {
    let (code, out, error) = glassbox(words);
    assert_eq!((code, out.as_str()), (2, ""), "{words:?}: {error}");
    error
}

#[test]
fn help_is_a_result_in_either_language() {
    let (code, out, error) = glassbox(&["--help"]);
    assert_eq!((code, error.as_str()), (0, ""));
    for verb in ["train", "resume", "eval", "predict", "summary", "explain", "inspect", "runs"] {
        assert!(out.contains(&format!("\n  {verb} ")), "{out}");
    }
    let (code, out, _) = glassbox(&["train", "--lang", "ko", "--help"]);
    assert_eq!(code, 0);
    assert!(out.contains("사용법: glassbox train") && out.contains("학습률"), "{out}");
}

#[test]
fn unknown_words_offer_the_nearest() {
    let flag = refused(&["train", "iris.csv", "--epoch", "3"]);
    assert_eq!(
        flag,
        "error: there is no flag `--epoch` for `glassbox train`; did you mean `--epochs`?\n  \
         see `glassbox train --help`\n"
    );
    assert!(refused(&["trian", "x"]).contains("no verb `trian`; did you mean `train`?"));
    assert!(refused(&["predict", "last", "x", "--quite"]).contains("`--quiet`?"));
    assert!(refused(&["--jsno"]).contains("for `glassbox`; did you mean `--json`?"));
    let korean = refused(&["--lang", "ko", "trian"]);
    assert!(korean.starts_with("오류: `trian` 명령이 없습니다. 혹시 `train`?"), "{korean}");
}

#[test]
fn every_wrong_setting_is_named_as_it_was_written() {
    let words = "train iris.csv --epochs 0 --set optimiser.lr=1 --lr abc --hidden 32,x --seed -1";
    let error = refused(&words.split(' ').collect::<Vec<_>>());
    let places: Vec<&str> = error.lines().map(|line| line.split(": ").nth(1).unwrap()).collect();
    assert_eq!(
        places,
        ["--set optimiser.lr=1", "--hidden 32,x", "--epochs 0", "--lr abc", "--seed -1"]
    );
    assert!(error.lines().all(|line| line.starts_with("error: ")), "{error}");
}

#[test]
fn a_configuration_file_is_checked_with_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("run.toml"), "[data]\npath = \"x\"\n[train]\nlr = 3\n")
        .unwrap();
    let (code, _, error) = glassbox_in(folder.path(), &["train", "run.toml", "--batch", "0"]);
    assert_eq!(code, 2);
    assert!(error.contains("error: run.toml: line 4: there is no setting `train.lr`"), "{error}");
    assert!(error.contains("it belongs to `train.optimizer.lr`"), "{error}");
    assert!(error.contains("--batch 0: `train.batch`"), "{error}");
}

#[test]
fn arguments_are_checked_before_anything_is_done() {
    assert!(refused(&[]).contains("missing: a verb, e.g. `glassbox train digits`"));
    assert!(refused(&["predict", "last"]).contains("missing: <FILE>"));
    assert!(refused(&["train", "a", "b"]).contains("does not take `b`"));
    assert!(refused(&["train", "a", "--lr"]).contains("--lr <RATE> needs a value"));
    assert!(refused(&["train", "a", "--lang", "fr"]).contains("one of en, ko"));
    assert!(refused(&["explain", "last"]).contains("--param <ELEMENT>|--activation <ELEMENT>"));
    assert!(refused(&["explain", "last", "--param", "fc2["]).contains("such as fc2/bias[3]"));
    let both = refused(&["explain", "last", "--param", "a", "--activation", "b"]);
    assert!(both.contains("cannot be given together"), "{both}");
}

#[test]
fn a_run_that_is_not_there_is_a_failure_with_its_cure() {
    for words in [&["eval", "last"][..], &["--json", "explain", "last", "--param", "b3"]] {
        let (code, out, error) = glassbox(words);
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(error.contains("there is no run yet: train one with `glassbox train`"), "{error}");
    }
    let (code, _, error) = glassbox(&["summary", "runs/nothing"]);
    assert_eq!(code, 1);
    assert!(error.contains("error: runs/nothing: there is no such run"), "{error}");
}
