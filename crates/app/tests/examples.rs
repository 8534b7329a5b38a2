//! Every example of `--help` does what it says.

#![cfg(unix)] // The examples are lines of a shell.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod support;

use std::process::Command;

use glassbox_cli::text::help::EXAMPLES;
use support::Workplace;

#[test]
fn every_example_of_the_help_succeeds_in_the_order_of_the_help() {
    let at = Workplace::new();
    at.file("iris.csv", include_str!("../../glassbox/data/iris.csv"));
    let program = assert_cmd::cargo::cargo_bin!("glassbox");
    let path =
        format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    // `train run.toml` comes before the verb that writes it.
    at.done("init iris --epochs 5");
    for (verb, line, ..) in EXAMPLES {
        if *verb == "init" && at.path("run.toml").exists() {
            std::fs::remove_file(at.path("run.toml")).unwrap();
        }
        let mut shell = Command::new("sh");
        shell.current_dir(at.path(".")).env("PATH", &path).env("LC_ALL", "C");
        let output = shell.args(["-c", line]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {error}");
        assert!(!error.contains("error"), "{line}: {error}");
        let shown = at.done(format!("{verb} --help").trim_start()).out;
        assert!(shown.contains(line), "{shown}");
    }
    for file in ["predicted.csv", "glassbox.bash", "glassbox.fish", "digits.toml", "runs/short"] {
        assert!(at.path(file).exists(), "{file}");
    }
}
