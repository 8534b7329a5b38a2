//! Folders of published models: used as they are, trained on, written back.

#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

use crate::support;

use std::path::{Path, PathBuf};

use glassbox::engine::{Array, DType};
use glassbox::io::safetensors;
use serde_json::Value;
use support::Workplace;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../glassbox/tests/fixtures/published")
}

/// What `transformers` makes of the same folders.
fn expected() -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixtures().join("expected.json")).unwrap())
        .unwrap()
}

/// Copies a published folder to `name`.
fn copy(at: &Workplace, model: &str, name: &str) {
    std::fs::create_dir_all(at.path(name)).unwrap();
    for file in std::fs::read_dir(fixtures().join(model)).unwrap() {
        let file = file.unwrap().path();
        std::fs::copy(&file, at.path(name).join(file.file_name().unwrap())).unwrap();
    }
}

fn json(at: &Workplace, words: &[&str]) -> Value {
    let printed = at.run(&[words, &["--json"]].concat());
    assert_eq!(printed.code, 0, "{words:?}: {}", printed.error);
    serde_json::from_str(&printed.out).unwrap()
}

fn refused(at: &Workplace, words: &[&str]) -> String {
    let printed = at.run(words);
    assert!(printed.code != 0 && printed.out.is_empty(), "{words:?}: {}", printed.out);
    printed.error
}

/// Sentences of which the folders' models know some.
fn book() -> String {
    let lines = [
        "paris is the capital of france.",
        "seoul is the capital of italy.",
        "the dog sat on the mat.",
        "서울은 프랑스의 수도이다.",
    ];
    (0..200).map(|i| format!("{}\n", lines[(i * i + i / 3) % lines.len()])).collect()
}

#[test]
fn gpt2_writes_what_transformers_writes() {
    let at = Workplace::new();
    copy(&at, "gpt2", "gpt2");
    for case in expected()["gpt2"].as_array().unwrap() {
        let (prompt, text) = (case["prompt"].as_str().unwrap(), case["text"].as_str().unwrap());
        let words =
            ["generate", "gpt2", "--prompt", prompt, "--temperature", "0", "--tokens", "30"];
        let told = json(&at, &words);
        assert_eq!(told["text"], text, "{told}");
        assert_eq!(told["ended"], true);
    }
    let told = json(&at, &["summary", "gpt2"]);
    assert_eq!((&told["class"], &told["context"]), (&"GPT2LMHeadModel".into(), &64.into()));
    assert_eq!(told["structure"]["total"]["count"], 23_712);
    let error = refused(&at, &["predict", "gpt2", "rome is"]);
    assert!(error.contains("which writes: glassbox generate gpt2"), "{error}");
}

#[test]
fn bert_tells_what_transformers_tells() {
    let at = Workplace::new();
    copy(&at, "bert", "bert");
    for case in expected()["bert"].as_array().unwrap() {
        let told = json(&at, &["predict", "bert", case["text"].as_str().unwrap(), "--top", "3"]);
        let places = told["texts"][0]["places"].as_array().unwrap();
        let wanted = case["candidates"].as_array().unwrap();
        assert_eq!(places.len(), wanted.len(), "{told}");
        for ((place, token), wanted) in
            places.iter().zip(case["tokens"].as_array().unwrap()).zip(wanted)
        {
            assert_eq!(&place["token"], token);
            let candidates = place["candidates"].as_array().unwrap();
            for (candidate, wanted) in candidates.iter().zip(wanted.as_array().unwrap()) {
                let [p, wanted_p] =
                    [&candidate["probability"], &wanted[1]].map(|p| p.as_f64().unwrap());
                assert!((p - wanted_p).abs() < 1e-5, "{candidate} {wanted}");
                // Those that are next to never there may be in another order.
                assert!(candidate["token"] == wanted[0] || p < 0.01, "{candidate} {wanted}");
            }
        }
    }
    // Several texts, and the lines of a file; a line for each candidate.
    at.file("lines.txt", "rome is the <mask> of italy.\n\nthe [MASK] sat on the mat.\n");
    let printed = at.run(&["predict", "bert", "lines.txt", "--top", "1"]);
    let lines: Vec<&str> = printed.out.lines().collect();
    assert_eq!(lines[0], "text,token,candidate,probability");
    assert!(lines[1].starts_with("1,4,capital,0.9") && lines[2].starts_with("2,2,"), "{lines:?}");
    let printed = at.run(&["predict", "bert", "the 개 [MASK].", "--top", "1"]);
    assert!(printed.error.contains("never saw in training: 1"), "{}", printed.error);
    let error = refused(&at, &["predict", "bert", "rome is the capital"]);
    assert!(error.contains("write [MASK]"), "{error}");
    let long = "[MASK] ".repeat(40);
    let error = refused(&at, &["predict", "bert", &long]);
    assert!(error.contains("has 42 tokens, and the model reads 32"), "{error}");
    let error = refused(&at, &["generate", "bert", "--prompt", "rome"]);
    assert!(error.contains("BertForMaskedLM, which does not write"), "{error}");
}

#[test]
fn what_was_published_learns_more_and_is_written_back() {
    let at = Workplace::new();
    at.file("book.txt", book());
    for (model, head) in [("gpt2", "h/1/*"), ("bert", "cls/*")] {
        copy(&at, model, model);
        let train = format!(
            "train book.txt --weights {model} --epochs 3 --lr 0.002 --set data.text.context=24 \
             --freeze *,!{head} --json --quiet --out run-{model}"
        );
        let told: Value = serde_json::from_str(&at.done(&train).out).unwrap();
        let losses: Vec<f64> = at
            .text(&format!("run-{model}/metrics.jsonl"))
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|line| line["valid"]["loss"].as_f64().unwrap())
            .collect();
        assert!(losses[2] < losses[0], "{model}: {losses:?}");
        assert_eq!(told["split"], "valid");
        let written = at.text(&format!("run-{model}/run.toml"));
        assert!(written.contains(&format!("tokenizer = \"{model}\"")), "{written}");
        // The folder may go: the run keeps what it needs of it.
        std::fs::remove_dir_all(at.path(model)).unwrap();
        at.done(&format!("eval run-{model} --quiet"));
        at.done(&format!("export run-{model} --format huggingface --out-file {model}"));
        let (file, _) = safetensors::read(&at.path(model).join("model.safetensors")).unwrap();
        let (before, _) =
            safetensors::read(&fixtures().join(model).join("model.safetensors")).unwrap();
        let changed: Vec<&str> = before
            .iter()
            .filter(|(name, array)| file.get(name) != Some(*array))
            .map(|(name, _)| name)
            .collect();
        let learned = if model == "gpt2" { "transformer.h.1." } else { "cls." };
        assert!(
            !changed.is_empty() && changed.iter().all(|n| n.starts_with(learned)),
            "{changed:?}"
        );
        assert_eq!(file.len(), before.len());
        let error =
            at.refused(1, &format!("export run-{model} --format huggingface --out-file {model}"));
        assert!(error.contains("is not empty"), "{error}");
        // What was written can be used as what was read, and says the same as the run.
        let words: &[&str] = match model {
            "gpt2" => &["--prompt", "서울은", "--temperature", "0", "--tokens", "20"],
            _ => &["paris is the [MASK] of france."],
        };
        let verb = if model == "gpt2" { "generate" } else { "predict" };
        let run = format!("run-{model}");
        let [one, other] = [model, &run].map(|of| json(&at, &[&[verb, of][..], words].concat()));
        assert_eq!((&one["text"], &one["texts"]), (&other["text"], &other["texts"]));
        // A run that began so can be begun from as well.
        at.done(&format!("train book.txt --weights {run} --epochs 1 --quiet --out more-{model}"));
        assert!(at.path(&format!("more-{model}/published/config.json")).is_file());
    }
}

#[test]
fn folders_that_are_damaged_or_do_not_fit_are_told_so() {
    let at = Workplace::new();
    at.file("book.txt", book());
    copy(&at, "bert", "bert");
    let text = "the [MASK] sat.";
    std::fs::create_dir(at.path("empty")).unwrap();
    let error = refused(&at, &["predict", "empty", text]);
    assert!(error.contains("no run.toml") && error.contains("no config.json"), "{error}");
    let error = at.refused(1, "train book.txt --weights empty");
    assert!(error.contains("no run.toml") && error.contains("no config.json"), "{error}");
    let error = refused(&at, &["predict", "no-such-folder", text]);
    assert!(error.contains("there is no such run"), "{error}");

    let changed = |name: &str, from: &str, to: &str| {
        copy(&at, "bert", name);
        let config = at.text(&format!("{name}/config.json"));
        assert!(config.contains(from), "{config}");
        at.file(&format!("{name}/config.json"), config.replace(from, to));
    };
    changed("t5", "\"model_type\": \"bert\"", "\"model_type\": \"t5\"");
    let error = refused(&at, &["predict", "t5", text]);
    assert!(error.contains("\"t5\": models of the types gpt2 and bert are known"), "{error}");
    changed("wide", "\"hidden_size\": 24", "\"hidden_size\": 32");
    for words in [&["predict", "wide", text][..], &["train", "book.txt", "--weights", "wide"]] {
        let error = refused(&at, words);
        assert!(error.contains("has the shape") && error.contains("and 2"), "{error}");
    }
    changed("json", "{", "");
    let error = refused(&at, &["summary", "json"]);
    assert!(error.contains("config.json") && error.contains("JSON"), "{error}");

    copy(&at, "bert", "words");
    let words = at.text("words/vocab.txt");
    at.file("words/vocab.txt", format!("{words}lion\ntiger\n"));
    for words in [&["predict", "words", text][..], &["train", "book.txt", "--weights", "words"]] {
        let error = refused(&at, words);
        assert!(error.contains("has 30 tokens, and the model knows 28"), "{error}");
    }
    std::fs::remove_file(at.path("words/vocab.txt")).unwrap();
    let error = refused(&at, &["predict", "words", text]);
    assert!(error.contains("holds no tokeniser"), "{error}");

    copy(&at, "bert", "parts");
    let file = at.path("parts/model.safetensors");
    let (mut arrays, metadata) = safetensors::read(&file).unwrap();
    arrays.remove("bert.encoder.layer.0.output.dense.bias");
    arrays.insert("bert.embeddings.LayerNorm.weight", Array::zeros(DType::F32, [5]));
    safetensors::write(&file, &arrays, &metadata).unwrap();
    for words in [&["predict", "parts", text][..], &["train", "book.txt", "--weights", "parts"]] {
        let error = refused(&at, words);
        assert!(error.contains("encoder.layer.0.output.dense.bias"), "{error}");
        assert!(error.contains("LayerNorm.weight` has the shape [5]"), "{error}");
    }
    std::fs::remove_file(&file).unwrap();
    let error = refused(&at, &["predict", "parts", text]);
    assert!(error.contains("model.safetensors"), "{error}");

    for (line, told) in [
        ("--model lstm", "holds a bert: leave it out"),
        ("--set model.units=8", "only `dropout` can be set"),
        ("--set data.text.context=33", "the model reads 32 at most"),
        ("--set data.text.tokenizer=word", "the tokenizer comes with the weights"),
    ] {
        let error = at.refused(2, &format!("train book.txt --weights bert {line}"));
        assert!(error.contains(told), "{line}: {error}");
    }
    at.done("train book.txt --model bert --set model.units=8 --epochs 1 --quiet --out own");
    let error = at.refused(1, "export own --format huggingface");
    assert!(error.contains("began with no published model"), "{error}");
}

/// Probabilities that `transformers` gives.
fn close(given: &Value, wanted: &Value) -> bool {
    let [given, wanted] = [given, wanted].map(|all| all.as_array().unwrap());
    let pairs = given.iter().zip(wanted).map(|(a, b)| (a.as_f64().unwrap(), b.as_f64().unwrap()));
    given.len() == wanted.len() && pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-5)
}

#[test]
fn published_classifiers_tell_what_transformers_tells_and_learn_more() {
    let at = Workplace::new();
    copy(&at, "bert-classes", "classes");
    let expected = expected();
    let wanted = &expected["bert-classes"];
    // An argument cannot be empty.
    for case in wanted["texts"].as_array().unwrap().iter().filter(|case| case["text"] != "") {
        let told = json(&at, &["predict", "classes", case["text"].as_str().unwrap()]);
        assert_eq!(told["classes"], wanted["classes"]);
        assert!(close(&told["rows"][0]["probabilities"], &case["probabilities"]), "{told} {case}");
    }
    copy(&at, "bert-tags", "tags");
    let wanted = &expected["bert-tags"];
    for case in wanted["sentences"].as_array().unwrap() {
        at.file("words.jsonl", serde_json::json!({"tokens": case["words"]}).to_string());
        let told = json(&at, &["predict", "tags", "words.jsonl"]);
        assert_eq!(told["tags"], wanted["tags"]);
        let words = told["sentences"][0]["words"].as_array().unwrap();
        let wanted = case["probabilities"].as_array().unwrap();
        assert_eq!(words.len(), wanted.len());
        // A word of no piece is dropped by `transformers` and read as unknown here, where each has a tag.
        if wanted.iter().all(|probabilities| !probabilities.is_null()) {
            for (word, wanted) in words.iter().zip(wanted) {
                assert!(close(&word["probabilities"], wanted), "{word} {wanted}");
            }
        }
    }
    // What it knows is where the training begins, whatever order its classes are in.
    let table: String = book()
        .lines()
        .map(|line| {
            let class = if line.contains("dog") {
                "animal"
            } else if line.is_ascii() {
                "place"
            } else {
                "한국어"
            };
            format!("{line},{class}\n")
        })
        .collect();
    at.file("texts.csv", format!("text,class\n{table}"));
    let line = "train texts.csv --text text --target class --weights classes --epochs 1 --lr 0.0000001 \
                --json --quiet --out run";
    let told: Value = serde_json::from_str(&at.done(line).out).unwrap();
    // It has not read the Korean sentence before, and those of the others are all told.
    for class in told["classes"].as_array().unwrap() {
        assert!(class["name"] == "한국어" || class["recall"] == 1.0, "{told}");
    }
    let said = json(&at, &["predict", "classes", "서울은 프랑스의 수도이다."]);
    assert_eq!(said["rows"][0]["class"], "place", "{said}");
}
