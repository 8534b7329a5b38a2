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

#[test]
fn a_classifier_begins_with_an_encoder_and_learns_from_few_labels() {
    let at = Workplace::new();
    let rows = "train digits --model autoencoder --epochs 2 --set model.encoder=[48,24]";
    at.done(&format!("{rows} --set model.mask=0.5 --set model.patch=2 --out rows"));
    let line = "train digits --weights rows --set split.train=100 --epochs 2 --freeze body";
    let told = at.done(&format!("{line} --out few")).out;
    for said in ["100 of ", "weights: 4 arrays of rows", "fc3/weight", "not used: decoder/"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    let written = at.text("few/run.toml");
    for said in ["hidden = [48, 24]", "train = 100, ", r#"freeze = ["*", "!fc3/*"]"#] {
        assert!(written.contains(said), "{said}: {written}");
    }
    // The run needs nothing else, and its configuration gives the same run.
    let eval = at.json("eval few");
    at.done("train few/run.toml --out again");
    assert_eq!(at.json("eval again")["metrics"], eval["metrics"]);
    std::fs::remove_dir_all(at.path("rows")).unwrap();
    assert_eq!(at.json("eval few")["metrics"], eval["metrics"]);
    at.done("explain few --param fc1/weight[0,3]");

    // Convolutions go into a network of the same; a variational encoder is one, too.
    let rows = "train digits --model conv-vae --epochs 1 --set model.encoder=[4,6] --out conv";
    at.done(rows);
    let told = at.done("train digits --weights conv --epochs 1 --out of-conv").out;
    assert!(told.contains("weights: 4 arrays of conv"), "{told}");
    let written = at.text("of-conv/run.toml");
    assert!(written.contains("channels = 6") && written.contains("stride = 2"), "{written}");
    // Other layers than the encoder's do not fit.
    let error = at.refused(1, "train digits --weights conv --hidden 12");
    assert!(error.contains("none of its"), "{error}");
    let error = at.refused(2, "train digits --set split.train=0");
    assert!(error.contains("data.split.train"), "{error}");
    let error = at.refused(1, "train sentences --model lstm --set split.train=5");
    assert!(error.contains("windows"), "{error}");
}
