//! `--weights`, `--freeze` and `export`: weights of other runs and of PyTorch's files.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use support::Workplace;

#[test]
fn a_head_learns_on_frozen_weights_and_the_run_needs_nothing_else() {
    let at = Workplace::new();
    at.done("train digits --epochs 1 --hidden 12 --out first");
    let wrote = at.done("export first --out-file first.safetensors").out;
    assert!(wrote.contains("4 arrays") && wrote.contains("PyTorch"), "{wrote}");
    let line = "train digits --epochs 2 --hidden 12 --weights first.safetensors --freeze *,!fc2/*";
    let told = at.done(&format!("{line} --out second")).out;
    assert!(told.contains("weights: 4 arrays of first.safetensors"), "{told}");
    assert!(told.contains("frozen: 780 parameters, in fc1/bias, fc1/weight"), "{told}");
    let same = |run: &str| {
        at.done(&format!("export {run} --out-file {run}.out"));
        std::fs::read(at.path(&format!("{run}.out"))).unwrap()
    };
    // The file may go: the run keeps what it began with, and can be asked from its first step on.
    std::fs::remove_file(at.path("first.safetensors")).unwrap();
    at.done("explain second --param fc2/bias[3] --step 1");
    at.done("inspect second");
    at.done("eval second");
    let second = same("second");
    // A run as the source gives what its file gave.
    at.done("train digits --epochs 2 --hidden 12 --weights first --freeze body --out third");
    let written = at.text("third/run.toml");
    assert!(written.contains(r#"freeze = ["*", "!fc2/*"]"#), "{written}");
    assert_eq!(second, same("third"));
    let error = at.refused(1, &format!("{line} --out fourth"));
    assert!(error.contains("first.safetensors: cannot read"), "{error}");
    let error = at.refused(1, "train digits --hidden 13 --weights first --out fifth");
    assert!(error.contains("`fc1/weight` has the shape [64, 12]"), "{error}");
    let error = at.refused(2, "train digits --hidden 12 --freeze *,!fc3/* --out sixth");
    assert!(error.contains("no parameter matches `fc3/*`"), "{error}");
}
