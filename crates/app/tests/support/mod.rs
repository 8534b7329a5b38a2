//! The program in a folder of its own.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)] // Each test uses some of it, and fails by panicking.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A working folder in which `glassbox` is run.
pub struct Workplace(TempDir);

/// What a run of the program printed, and its exit code.
pub struct Printed {
    pub code: i32,
    pub out: String,
    pub error: String,
}

impl Workplace {
    /// An empty folder.
    pub fn new() -> Self {
        Workplace(tempfile::tempdir().unwrap())
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file into the folder.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), bytes).unwrap();
        self
    }

    /// The text of a file in the folder.
    pub fn text(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// The program with these words, ready to be started.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("glassbox"));
        for variable in ["LC_ALL", "LC_MESSAGES", "LANG"] {
            command.env_remove(variable);
        }
        command.current_dir(self.0.path()).args(words);
        command
    }

    /// Runs the program.
    pub fn run(&self, words: &[&str]) -> Printed {
        let output = self.command(words).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Printed {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            error: text(output.stderr),
        }
    }

    /// Runs the program on words that are one line, separated by spaces; it must succeed.
    pub fn done(&self, line: &str) -> Printed {
        let words: Vec<&str> = line.split(' ').collect();
        let printed = self.run(&words);
        assert_eq!(printed.code, 0, "{line}: {}", printed.error);
        printed
    }

    /// What the program says when it fails with this exit code, printing no result.
    pub fn refused(&self, code: i32, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        let printed = self.run(&words);
        assert_eq!(printed.code, code, "{line}: {}{}", printed.out, printed.error);
        printed.error
    }

    /// The one JSON object that the program prints on standard output.
    pub fn json(&self, line: &str) -> Value {
        let printed = self.done(&format!("{line} --json"));
        assert_eq!(printed.out.lines().count(), 1, "{}", printed.out);
        serde_json::from_str(&printed.out).unwrap()
    }

    /// The bytes of a file in a run's last checkpoint.
    pub fn last(&self, run: &str, file: &str) -> Vec<u8> {
        let checkpoints = self.path(run).join("checkpoints");
        let step = std::fs::read_to_string(checkpoints.join("last")).unwrap();
        std::fs::read(checkpoints.join(step.trim()).join(file)).unwrap()
    }

    /// The lines of a run's `metrics.jsonl` without what the clock says.
    pub fn metrics(&self, run: &str) -> Vec<Value> {
        let line = |line: &str| {
            let mut value: Value = serde_json::from_str(line).unwrap();
            value.as_object_mut().unwrap().remove("seconds").unwrap();
            value
        };
        self.text(&format!("{run}/metrics.jsonl")).lines().map(line).collect()
    }
}

/// Everything in a run that must be the same bits whenever its numbers are.
pub fn numbers(at: &Workplace, run: &str) -> BTreeMap<&'static str, Vec<u8>> {
    let lines: Vec<String> = at.metrics(run).iter().map(Value::to_string).collect();
    [
        ("model", at.last(run, "model.safetensors")),
        ("optimizer", at.last(run, "optimizer.safetensors")),
        ("predictions", at.text(&format!("{run}/predictions.csv")).into_bytes()),
        ("metrics", lines.join("\n").into_bytes()),
        ("watch", at.text(&format!("{run}/watch.jsonl")).into_bytes()),
    ]
    .into()
}

/// A file of the shared real data; none, with a printed reason, where it is not on this machine.
pub fn shared(path: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let file = root.join(path);
    if file.exists() {
        return Some(file.canonicalize().unwrap().display().to_string());
    }
    println!("skipped: no shared data at {}", file.display());
    None
}

/// Rows of flowers that three classes can be learned from: `sepal,petal,kind`.
pub fn flowers(rows: usize) -> String {
    let line = |row: usize| {
        let kind = ["iris", "lily", "rose"][row % 3];
        let noise = (row * 7 % 10) as f64 / 20.0;
        format!("{},{},{kind}\n", 1.0 + (row % 3) as f64 + noise, 5.0 - (row % 3) as f64 + noise)
    };
    format!("sepal,petal,kind\n{}", (0..rows).map(line).collect::<String>())
}
