//! `init`, `models`, `compare`, `runs`, `inspect` and `completions`.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use std::process::{Command, Stdio};

use serde_json::json;
use support::{Workplace, flowers, numbers};

#[test]
fn training_from_the_written_file_gives_the_bits_of_training_directly() {
    let at = Workplace::new();
    at.file("flowers.csv", flowers(60));
    let cases = [
        ("iris", ""),
        ("dosage", " --epochs 3"),
        ("digits", " --epochs 2 --hidden 8"),
        ("iris", " --epochs 2 --hidden 2 --set parameters.fc1/bias=[2,3]"),
        ("flowers.csv", " --target kind --epochs 4 --optimizer momentum --schedule constant"),
    ];
    for (number, (what, flags)) in cases.into_iter().enumerate() {
        let printed = at.done(&format!("init {what}{flags} --out written-{number}.toml")).out;
        let next = format!("`glassbox train written-{number}.toml`");
        assert!(printed.contains(&next), "{printed}");
        at.done(&format!("train {what}{flags} --out direct-{number}"));
        at.done(&format!("train written-{number}.toml --out from-file-{number}"));
        let (direct, from_file) = (format!("direct-{number}"), format!("from-file-{number}"));
        assert_eq!(numbers(&at, &direct), numbers(&at, &from_file), "{what}");
    }
    assert!(
        at.text("written-0.toml").contains("target = \"species\""),
        "what was inferred is said"
    );
}

#[test]
fn a_file_that_is_there_is_replaced_only_on_demand() {
    let at = Workplace::new();
    at.file("run.toml", "precious");
    let error = at.refused(1, "init iris");
    assert!(error.contains("run.toml: is there already") && error.contains("--force"), "{error}");
    assert_eq!(at.text("run.toml"), "precious");
    let found = at.json("init iris --force");
    assert_eq!(
        (&found["file"], &found["target"], &found["rows"]["train"]),
        (&json!("run.toml"), &json!("species"), &json!(104))
    );
    assert!(at.text("run.toml").contains("path = \"iris\""));
    std::fs::create_dir(at.path("folder")).unwrap();
    assert!(at.refused(1, "init iris --out folder --force").contains("folder: is a folder"));
    let error = at.refused(2, "init iris --epochs 0 --out other.toml");
    assert!(error.contains("--epochs 0"), "{error}");
    assert!(!at.path("other.toml").exists(), "nothing is written of what is wrong");
}

#[test]
fn models_are_listed_and_described_from_what_they_record() {
    let at = Workplace::new();
    let list = at.json("models");
    assert_eq!(list["models"][0]["name"], "mlp");
    let found = at.json("models mlp --on digits");
    let layers = found["structure"]["layers"].as_array().unwrap();
    assert_eq!(found["structure"]["input"], json!([8, 8, 1]));
    assert_eq!(layers[0]["name"], "fc1");
    assert_eq!(layers[0]["outputs"][1], json!({"name": "relu", "shape": [512]}));
    // The digits' net: 64 → 512 → 256 → 10.
    let total = 64 * 512 + 512 + 512 * 256 + 256 + 256 * 10 + 10;
    assert_eq!(found["structure"]["total"]["count"], total);
    // The section is one that `train` takes.
    let toml = found["toml"].as_str().unwrap();
    at.file("run.toml", format!("[data]\npath = \"digits\"\n{toml}\n[train]\nepochs = 1\n"));
    at.done("train run.toml --out run");
    assert_eq!(at.json("summary run")["total"]["count"], total);
    let text = at.done("models mlp").out;
    assert!(text.contains("= 64·32 + 32") && text.contains("2,499 parameters"), "{text}");
    let error = at.refused(2, "models mpl");
    assert!(error.contains("there is no model `mpl`; did you mean `mlp`?"), "{error}");
    assert!(at.refused(2, "models --on digits").contains("missing: <NAME>"));
    assert!(at.refused(1, "models mlp --on irsi").contains("did you mean `iris`?"));
}

#[test]
fn runs_stand_side_by_side_with_only_what_differs() {
    let at = Workplace::new();
    at.done("train iris --epochs 6 --out wide");
    at.done("train iris --epochs 4 --hidden 3 --out small");
    let found = at.json("compare wide small");
    let kind = found["runs"][0]["outcome"]["verdict"]["kind"].as_str().unwrap();
    let row = at.done("compare wide small").out;
    let row = row.lines().find(|line| line.starts_with("verdict")).unwrap();
    assert!(row.contains(kind), "{row}");
    assert_eq!(
        found["differences"],
        json!({"model.hidden": [[64, 32], [3]], "train.epochs": [6, 4]})
    );
    assert_eq!((&found["same_data"], &found["same_rows"]), (&json!(true), &json!(true)));
    let [wide, small] = [&found["runs"][0], &found["runs"][1]];
    assert_eq!(small["parameters"], 4 * 3 + 3 + 3 * 3 + 3);
    assert_eq!(wide["curve"].as_array().unwrap().len(), 6);
    let loss = |side: &serde_json::Value| side["outcome"]["metrics"]["loss"].as_f64().unwrap();
    let best = usize::from(loss(small) < loss(wide));
    assert_eq!(found["best"]["loss"], best);
    // The figures are those that `eval` gives.
    assert_eq!(wide["outcome"]["metrics"], at.json("eval wide")["metrics"]);
    let text = at.done("compare wide small").out;
    assert!(!text.contains("train.seed") && text.contains("model.hidden"), "{text}");
    let starred = text.lines().filter(|line| line.contains('*')).count();
    assert!(starred >= 2, "the best and the legend: {text}");
    assert!(text.contains("epoch 6") && text.contains('B') && !text.contains('\x1b'), "{text}");
    assert!(at.done("compare wide wide --lang ko").out.contains("모든 설정이 같음"));
}

#[test]
fn figures_of_other_rows_are_not_ranked_and_unfinished_runs_are_compared() {
    let at = Workplace::new();
    at.done("train iris --epochs 2 --out iris");
    at.done("train iris --epochs 2 --set split.test=0.3 --out split");
    at.done("train digits --epochs 1 --hidden 4 --out digits");
    at.refused(1, "train iris --lr 1e30 --out failed");
    let other = at.done("compare iris digits");
    assert!(other.error.contains("warning: these runs saw other data"), "{}", other.error);
    assert!(!other.out.contains("* the best"), "{}", other.out);
    let rows = at.done("compare iris split");
    assert!(rows.error.contains("of other rows of the same data"), "{}", rows.error);
    assert_eq!(at.done("compare iris split --quiet").error, "");
    let unfinished = at.json("compare iris failed");
    assert_eq!(unfinished["runs"][1]["state"], "failed");
    assert!(unfinished["runs"][1]["outcome"].is_null() && unfinished["same_rows"].is_null());
    assert!(at.done("compare iris failed").out.contains("best so far"));
    assert!(at.refused(2, "compare iris").contains("name two runs or more"));
    assert!(at.refused(1, "compare iris irsi").contains("irsi: there is no such run"));
}

#[test]
fn runs_are_listed_the_newest_first() {
    let at = Workplace::new();
    assert!(at.done("runs").out.contains("no runs in runs/ yet"));
    assert_eq!(at.json("runs"), json!({"runs": []}));
    at.done("train iris --epochs 1 --out runs/first");
    at.done("train dosage --epochs 1 --out runs/second");
    std::fs::create_dir(at.path("runs/broken")).unwrap();
    at.file("runs/broken/run.toml", "[data");
    let printed = at.run(&["runs", "--json"]);
    assert!(printed.error.contains("warning: runs/broken:"), "{}", printed.error);
    let found: serde_json::Value = serde_json::from_str(&printed.out).unwrap();
    let names: Vec<_> = found["runs"].as_array().unwrap().iter().map(|r| &r["name"]).collect();
    assert_eq!(names, ["second", "first"]);
    assert_eq!(
        (&found["runs"][0]["last"], &found["runs"][1]["last"]),
        (&json!(true), &json!(false))
    );
    let figure = &found["runs"][1]["figure"];
    assert_eq!(figure["name"], "accuracy");
    assert_eq!(figure["value"], at.json("eval runs/first")["metrics"]["accuracy"]);
    assert!(at.done("runs").out.contains("second ←"));
}

#[test]
fn the_numbers_of_each_parameter_are_described() {
    let at = Workplace::new();
    let start = "--set parameters.fc1/bias=[0,3,0,-5] --lr 1e-12";
    at.done(&format!("train iris --epochs 1 --hidden 4 {start} --out run"));
    let found = at.json("inspect run");
    let bias = &found["parameters"][0];
    assert_eq!((&bias["path"], &bias["count"]), (&json!("fc1/bias"), &json!(4)));
    let close = |value: &serde_json::Value, wanted: f64| {
        assert!((value.as_f64().unwrap() - wanted).abs() < 1e-6, "{value} is not {wanted}");
    };
    close(&bias["norm"], 34f64.sqrt());
    close(&bias["spread"]["mean"], -0.5);
    close(&bias["spread"]["max"], 3.0);
    assert_eq!(bias["histogram"].as_array().unwrap().len(), 30);
    let paths = |line: &str| {
        let found = at.json(line);
        let of = |p: &serde_json::Value| p["path"].as_str().unwrap().to_owned();
        found["parameters"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(paths("inspect run --layer fc2"), ["fc2/bias", "fc2/weight"]);
    assert_eq!(paths("inspect run --layer *weight"), ["fc1/weight", "fc2/weight"]);
    let text = at.done("inspect run").out;
    assert!(text.contains("run · weights of step 4"), "{text}");
    assert!(at.done("inspect run --step 4 --lang ko").out.contains("4스텝의 가중치"));
    let error = at.refused(1, "inspect run --layer fcl");
    assert!(error.contains("or activation matches `fcl`; did you mean `fc1`?"), "{error}");
    let error = at.refused(1, "inspect run --step 3");
    assert!(error.contains("there is no checkpoint of step 3; there are those of 4"), "{error}");
    at.refused(1, "train iris --lr 1e30 --out failed");
    assert!(at.refused(1, "inspect failed").contains("failed: has no checkpoint yet"));
}

#[test]
fn gradients_and_activations_are_those_of_the_step_that_was_recorded() {
    let at = Workplace::new();
    // Looked at in every step, and one checkpoint kept for each.
    let flags =
        "--epochs 3 --batch 26 --hidden 6 --activation tanh --set watch.every=1 --set stop=false";
    at.done(&format!("train iris {flags} --set checkpoint_every=1e-9 --out run"));
    let log = at.text("run/watch.jsonl");
    let looks: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kept = at.run(&["inspect", "run", "--step", "999"]).error;
    let step: u64 = kept.split(", ").next().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    let found = at.json(&format!("inspect run --step {step}"));
    // What comes next after the checkpoint is what the training then recorded.
    let look = looks.iter().find(|look| look["step"] == step + 1).unwrap();
    let near = |a: &serde_json::Value, b: &serde_json::Value| {
        let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
        assert!((a - b).abs() <= 1e-5 * b.abs().max(1e-6), "{a} is not {b}");
    };
    near(&found["batch"]["loss"], &look["loss"]);
    for parameter in found["parameters"].as_array().unwrap() {
        let all = look["parameters"].as_array().unwrap();
        let recorded = all.iter().find(|p| p["path"] == parameter["path"]).unwrap();
        near(&parameter["gradient"]["norm"], &recorded["gradient_norm"]);
        near(&parameter["gradient"]["update_ratio"], &recorded["update_ratio"]);
        near(&parameter["norm"], &recorded["norm"]);
    }
    let names = |found: &serde_json::Value| {
        let of = |a: &serde_json::Value| a["path"].as_str().unwrap().to_owned();
        found["activations"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(names(&found), ["fc1/linear", "fc1/tanh", "fc2/linear"]);
    assert!(found["activations"][1]["saturated"].is_f64(), "{found}");
    // The curve has every look of the log, a layer's norm being that of its parameters together.
    let curve = &found["curve"];
    assert_eq!(curve["steps"].as_array().unwrap().len(), looks.len());
    let first = looks[0]["parameters"].as_array().unwrap().iter();
    let squares: f64 = first
        .filter(|p| p["path"].as_str().unwrap().starts_with("fc2/"))
        .map(|p| p["gradient_norm"].as_f64().unwrap().powi(2))
        .sum();
    assert_eq!(curve["layers"][1][0], "fc2");
    near(&curve["layers"][1][1][0], &json!(squares.sqrt()));
    let one = at.json("inspect run --layer fc2/linear");
    assert_eq!((names(&one).len(), one["parameters"].as_array().unwrap().len()), (1, 0));
    let text = at.done("inspect run").out;
    assert!(text.contains("gradient norm of each layer, steps 1 to 12"), "{text}");
}

#[test]
fn weights_are_shown_where_the_data_is_gone() {
    let at = Workplace::new();
    at.file("flowers.csv", flowers(60)).done("train flowers.csv --epochs 1 --out run");
    std::fs::remove_file(at.path("flowers.csv")).unwrap();
    let printed = at.done("inspect run");
    assert!(printed.error.contains("warning: weights only"), "{}", printed.error);
    assert!(printed.out.contains("fc1/weight") && !printed.out.contains("fc1/relu"));
}

/// Whether a shell that is on this machine accepts the script; nothing where it is not.
fn parses(shell: &str, arguments: &[&str], script: &std::path::Path) -> Option<bool> {
    let mut command = Command::new(shell);
    command.args(arguments).arg(script).stdout(Stdio::null()).stderr(Stdio::inherit());
    command.status().ok().map(|status| status.success())
}

#[test]
fn completions_are_scripts_that_shells_accept() {
    let at = Workplace::new();
    let checks: [(&str, &[&str]); 5] = [
        ("bash", &["-n"]),
        ("zsh", &["-n"]),
        ("fish", &["--no-execute"]),
        ("powershell", &[]),
        ("elvish", &["-compileonly"]),
    ];
    for (shell, check) in checks {
        for lang in ["en", "ko"] {
            let script = at.done(&format!("completions {shell} --lang {lang}")).out;
            for word in ["train", "inspect", "epochs", "completions"] {
                assert!(script.contains(word), "{shell}: no {word}");
            }
            at.file("script", &script);
            match check.is_empty() {
                true => println!("not checked: powershell has no flag that only parses"),
                false => match parses(shell, check, &at.path("script")) {
                    Some(accepted) => assert!(accepted, "{shell} does not accept its script"),
                    None => println!("not checked: there is no {shell} on this machine"),
                },
            }
        }
    }
    assert_eq!(at.json("completions fish")["shell"], "fish");
    let error = at.refused(2, "completions fsh");
    assert!(error.contains("one of bash, elvish, fish, powershell, zsh"), "{error}");
}

/// A word is completed by what bash is told.
#[test]
#[cfg(unix)]
fn bash_completes_a_flag() {
    let at = Workplace::new();
    at.file("script", at.done("completions bash").out);
    let line = "source ./script; COMP_WORDS=(glassbox train iris --opt); COMP_CWORD=3; \
                _glassbox glassbox --opt iris; echo \"${COMPREPLY[*]}\"";
    let mut command = Command::new("bash");
    command.current_dir(at.path(".")).args(["--norc", "-c", line]);
    let Ok(output) = command.output() else {
        println!("skipped: there is no bash on this machine");
        return;
    };
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "--optimizer\n");
}
