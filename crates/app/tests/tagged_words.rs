//! Sentences of words with tags become a model that tells what each word is.

#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

use crate::support;

use glassbox::data::{Sentence, Sentences};
use serde_json::{Value, json};
use support::Workplace;

/// Sentences of the built-in data.
fn sentences(count: usize) -> Vec<Sentence> {
    Sentences::from_path("entities", [None, None]).unwrap().all()[..count].to_vec()
}

/// The same as JSON lines.
fn lists(sentences: &[Sentence]) -> String {
    let line =
        |s: &Sentence| json!({"id": 1, "tokens": s.words, "tags": s.tags}).to_string() + "\n";
    sentences.iter().map(line).collect()
}

/// The same as columns.
fn columns(sentences: &[Sentence]) -> String {
    let mut out = String::from("-DOCSTART- -X- O\n\n");
    for sentence in sentences {
        for (word, tag) in sentence.words.iter().zip(&sentence.tags) {
            out += &format!("{word} NN {tag}\n");
        }
        out.push('\n');
    }
    out
}

fn json(at: &Workplace, words: &[&str]) -> Value {
    let printed = at.run(&[words, &["--json"]].concat());
    assert_eq!(printed.code, 0, "{words:?}: {}", printed.error);
    serde_json::from_str(&printed.out).unwrap()
}

fn train(at: &Workplace, line: &str) -> Value {
    serde_json::from_str(&at.done(&format!("train {line} --json --quiet")).out).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn every_model_of_sequences_learns_what_words_are_by_those_around_them() {
    let at = Workplace::new();
    at.file("ner.jsonl", lists(&sentences(500)));
    // Of so few sentences attention finds fewer names than the others.
    for (model, more, epochs, least) in [
        ("--model lstm", "--set model.units=24", 25, 0.9),
        ("--model gru", "--set model.units=24", 25, 0.9),
        ("--model rnn", "--set model.units=24", 25, 0.9),
        ("--model bert", "--set model.units=32 --set model.layers=2", 40, 0.9),
        ("--model attention", "--set model.units=32", 40, 0.75),
        ("--model convolution", "--set model.units=32", 20, 0.9),
    ] {
        let run = format!("run{}", model.replace("--model ", "-"));
        let told = train(&at, &format!("ner.jsonl {model} {more} --epochs {epochs} --out {run}"));
        let [metrics, guess] = [&told["metrics"], &told["baseline"]];
        assert_eq!(told["split"], "test");
        for figure in ["accuracy", "entity_f1", "f1_macro"] {
            assert!(number(&metrics[figure]) > least, "{model}: {metrics}");
            assert!(number(&metrics[figure]) > number(&guess[figure]) + 0.05, "{model}: {told}");
        }
        assert!(number(&metrics["loss"]) < number(&guess["loss"]), "{model}: {told}");
        assert_eq!(told["sentences"], 75);
        assert_eq!(told["entities"].as_array().unwrap().len(), 3);
        // The same word twice, as a person and as a place.
        let said = json(&at, &["predict", &run, "Jordan lives in Jordan."]);
        let words = said["sentences"][0]["words"].as_array().unwrap();
        let of = |key: &str| words.iter().map(|word| word[key].clone()).collect::<Vec<_>>();
        assert_eq!(of("word"), ["Jordan", "lives", "in", "Jordan", "."]);
        assert_eq!(of("tag"), ["B-PER", "O", "O", "B-LOC", "O"], "{model}");
        let names = &said["sentences"][0]["entities"];
        assert_eq!(
            *names,
            json!([
                {"first": 0, "end": 1, "kind": "PER"}, {"first": 3, "end": 4, "kind": "LOC"}
            ])
        );
        let sum: f64 = words[0]["probabilities"].as_array().unwrap().iter().map(number).sum();
        assert!((sum - 1.0).abs() < 1e-9);
    }
    let config = at.text("run-gru/run.toml");
    assert!(config.contains("bidirectional = true"), "{config}");
    // Without a word it is an LSTM, which may as well read forwards alone.
    at.done("init ner.jsonl --out own.toml");
    let config = at.text("own.toml");
    assert!(config.contains("bidirectional = true") && config.contains("\"lstm\""), "{config}");
}

#[test]
fn what_was_trained_is_used_measured_and_looked_at() {
    let at = Workplace::new();
    let all = sentences(460);
    at.file("ner.conll", columns(&all[..400]));
    let told = train(
        &at,
        "ner.conll --model lstm --set model.units=24 --set stop.metric=valid_entity_f1 --epochs 10 --out run",
    );
    // Columns and lists are the same sentences, whatever they are called.
    at.file("new.jsonl", lists(&all[400..]));
    let words: usize = all[400..].iter().map(|sentence| sentence.words.len()).sum();
    let measured = json(&at, &["eval", "run", "new.jsonl"]);
    assert_eq!((&measured["rows"], &measured["sentences"]), (&words.into(), &60.into()));
    let said = json(&at, &["predict", "run", "new.jsonl"]);
    let right = number(&said["agreement"]["right"]) / words as f64;
    assert!((right - number(&measured["metrics"]["accuracy"])).abs() < 1e-12, "{measured}");
    assert_eq!(json(&at, &["eval", "run"])["metrics"], told["metrics"]);
    // A table of all words, through a pipe and in a file.
    let printed = at.run(&["predict", "run", "new.jsonl", "--top", "2"]);
    let lines: Vec<&str> = printed.out.lines().collect();
    assert_eq!(lines[0], "row,word,tags,predicted_tags,probability,tags_2,probability_2");
    assert_eq!(lines.len(), 1 + words);
    assert!(printed.error.contains("words right"), "{}", printed.error);
    at.done("predict run new.jsonl --out-file told.csv --quiet");
    assert_eq!(at.text("told.csv").lines().count(), 1 + words);
    // Lists without tags, lines of text, signs at the ends of words, a text without any.
    at.file("bare.jsonl", "{\"tokens\": [\"Kim\", \"left\"]}\n");
    at.file("lines.txt", "Ada Kim left.\n\nIt rained in London, said Kent!\n");
    let said = json(&at, &["predict", "run", "bare.jsonl", "lines.txt", "(“Noor”)", " "]);
    let counts = said["sentences"].as_array().unwrap().iter();
    let counts: Vec<usize> = counts.map(|s| s["words"].as_array().unwrap().len()).collect();
    assert_eq!((counts, &said["agreement"]), (vec![2, 4, 8, 5], &Value::Null));
    // What training never saw.
    let printed = at.run(&["predict", "run", "Zaphod lives in Magrathea"]);
    assert!(printed.error.contains("2 tokens that training never saw"), "{}", printed.error);

    let shown = at.done("eval run --quiet").out;
    for text in ["B-PER", "entity_f1", "words of 60 sentences", "LOC", "there are"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    assert!(at.done("eval run --quiet --lang ko").out.contains("개체명 F1"));
    let shown = at.done("summary run").out;
    assert!(shown.contains("one of 7 tags for each word"), "{shown}");
    for line in ["inspect run", "data ner.conll", "see run --text Kim --out seen"] {
        assert!(!at.done(line).out.is_empty(), "{line}");
    }
    let report = at.text("run/report.html");
    assert!(report.contains("B-PER") && report.contains("<h2>Names</h2>"));
    let table = at.text("run/predictions.csv");
    assert!(table.starts_with("row,observed,predicted,probability,word\n"), "{table}");
    let error = at.refused(1, "eval run --positive B-PER");
    assert!(error.contains("no class of them is the positive one"), "{error}");
}

#[test]
fn a_broken_run_goes_on_to_the_same_bits_whatever_tokens_are() {
    for tokenizer in ["bpe", "character"] {
        let at = Workplace::new();
        at.file("ner.jsonl", lists(&sentences(200)));
        let line = format!(
            "ner.jsonl --model gru --set model.units=16 --set data.text.tokenizer={tokenizer} \
             --set data.text.vocabulary=320 --set data.text.context=24 --epochs 6 --seed 3"
        );
        let whole = train(&at, &format!("{line} --threads 1 --out whole"));
        let more = "--quiet --threads 2 --set train.checkpoint_every=0.01 --out run";
        let words = format!("train {line} {more}");
        let mut child = at.command(&words.split_whitespace().collect::<Vec<_>>()).spawn().unwrap();
        while !at.path("run/checkpoints/last").exists() {
            assert!(child.try_wait().unwrap().is_none_or(|status| status.success()));
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let again = json(&at, &["resume", "run", "--quiet"]);
        assert_eq!(again["metrics"], whole["metrics"], "{tokenizer}");
        assert_eq!(again["entities"], whole["entities"], "{tokenizer}");
    }
}

#[test]
fn a_published_encoder_learns_tags() {
    let at = Workplace::new();
    let from = concat!(env!("CARGO_MANIFEST_DIR"), "/../glassbox/tests/fixtures/published/bert");
    std::fs::create_dir(at.path("bert")).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap().path();
        std::fs::copy(&file, at.path("bert").join(file.file_name().unwrap())).unwrap();
    }
    // `dogs` is two pieces, `dog` and `##s`.
    let lines: String = (0..120)
        .map(|i| {
            let place = ["paris", "rome", "seoul"][i % 3];
            let animal = ["cat", "dogs", "dog"][i / 3 % 3];
            json!({"tokens": ["the", animal, "of", place, "sat", "."],
                   "tags": ["O", "B-ANIMAL", "O", "B-LOC", "O", "O"]})
            .to_string()
                + "\n"
        })
        .collect();
    at.file("ner.jsonl", lines);
    let told = train(&at, "ner.jsonl --weights bert --lr 0.003 --epochs 6 --out run");
    assert_eq!(told["metrics"]["entity_f1"], 1.0, "{told}");
    let said = json(&at, &["predict", "run", "The dogs of Rome sat."]);
    let words = said["sentences"][0]["words"].as_array().unwrap();
    let tags: Vec<&str> = words.iter().map(|word| word["tag"].as_str().unwrap()).collect();
    assert_eq!(tags, ["O", "B-ANIMAL", "O", "B-LOC", "O", "O"]);
    at.done("export run --format huggingface --out-file mine");
    let config: Value = serde_json::from_str(&at.text("mine/config.json")).unwrap();
    assert_eq!(config["architectures"][0], "BertForTokenClassification");
    assert_eq!(config["id2label"], json!({"0": "B-ANIMAL", "1": "B-LOC", "2": "O"}));
}

#[test]
fn what_does_not_fit_is_told_all_at_once() {
    let at = Workplace::new();
    at.file(
        "bad.jsonl",
        "{\"tokens\": [\"a\", \"b\"], \"tags\": [\"O\", \"X\"]}\n{\"tokens\": [\"a\", \"b\"], \"tags\": \
         [\"O\"]}\n{\"tokens\": [], \"tags\": []}\n{\"tokens\": \"a b\", \"tags\": [\"O\", \"O\"]}\n",
    );
    let error = at.refused(1, "train bad.jsonl");
    for told in [
        "bad.jsonl, line 2: 2 words, but 1 tag",
        "bad.jsonl, line 3, column `tokens`: is an empty list",
        "bad.jsonl, line 4, column `tokens`: is not a list",
    ] {
        assert!(error.contains(told), "{told}: {error}");
    }
    at.file("bad.conll", "a O\nb\n\nc X\n");
    let error = at.refused(1, "train bad.conll");
    assert!(error.contains("bad.conll, line 2: a word without a tag"), "{error}");
    at.file("one.conll", "a O\nb O\n\nc O\n");
    let error = at.refused(1, "train one.conll");
    assert!(error.contains("every word has the same tag, `O`"), "{error}");
    at.file("ner.jsonl", lists(&sentences(60)));
    for (line, told) in [
        ("--model gpt", "gpt tells the next token, no tag of a word"),
        ("--model seq2seq", "tells one text from another, no tags of words"),
        ("--model mlp", "reads numbers, and this is text"),
        ("--text token", "did you mean `tokens`?"),
        ("--target tag", "did you mean `tags`?"),
        ("--text tags --target tags", "the words cannot be their own tags"),
        ("--set train.resample=over", "`train.resample` is for classes of rows"),
        ("--loss squared_error", "is for numbers"),
        ("--model lstm --set model.tied=true", "`model.tied`"),
    ] {
        let printed =
            at.run(&[&["train", "ner.jsonl"], &line.split(' ').collect::<Vec<_>>()[..]].concat());
        assert!(printed.code != 0 && printed.error.contains(told), "{line}: {}", printed.error);
    }
    train(&at, "ner.jsonl --model gru --set model.units=8 --epochs 1 --out run");
    at.file("other.conll", "Ada B-PER\nsings O\n\nSong B-SONG\nof O\nSongs I-SONG\n");
    let error = at.refused(1, "eval run other.conll");
    for told in ["line 4: `B-SONG` is no tag", "line 6: `I-SONG` is no tag", "the tags: "] {
        assert!(error.contains(told), "{told}: {error}");
    }
    at.file("bare.conll", "Ada\nsings\n");
    let error = at.refused(1, "eval run bare.conll");
    assert!(error.contains("the words have no tags to compare with"), "{error}");
    assert!(at.done("predict run bare.conll --quiet").out.lines().count() == 3);
}
