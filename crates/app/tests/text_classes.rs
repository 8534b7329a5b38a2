//! A table's column of texts and the class of each.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use serde_json::Value;
use support::Workplace;

/// Reviews whose verb says what they are, in English and Korean; `not` turns some round.
fn reviews() -> String {
    let [good, bad] = [["liked", "loved", "enjoyed"], ["hated", "loathed", "regretted"]];
    let things = ["film", "book", "meal", "song", "game"];
    let mut text = String::from("id,review,label\n");
    for i in 0..240usize {
        let draw = |salt: usize, of: usize| (i * 7919 + salt * 104_729 + i / 7 * 31) % 65_521 % of;
        let is_good = draw(1, 2) == 0;
        let verb = if is_good { good[draw(2, 3)] } else { bad[draw(2, 3)] };
        let end = match (draw(3, 4), is_good) {
            (0, true) => ", 정말 좋았다",
            (0, false) => ", 정말 나빴다",
            _ => " very much",
        };
        let label = if is_good { "good" } else { "bad" };
        text += &format!("{i},\"I {verb} the {}{end}\",{label}\n", things[draw(4, 5)]);
    }
    text
}

fn json(at: &Workplace, words: &[&str]) -> Value {
    let printed = at.run(&[words, &["--json"]].concat());
    assert_eq!(printed.code, 0, "{words:?}: {}", printed.error);
    serde_json::from_str(&printed.out).unwrap()
}

#[test]
fn every_model_of_sequences_learns_the_class_of_a_text() {
    let at = Workplace::new();
    at.file("reviews.csv", reviews());
    for model in
        ["", "--model bert", "--model lstm", "--model gru", "--model rnn", "--model attention"]
    {
        let run = format!("run{}", model.replace("--model ", "-"));
        let sizes = if model.is_empty() { "" } else { "--set model.units=32" };
        let line = format!(
            "train reviews.csv --text review --target label {model} {sizes} --json --quiet --epochs 12 --out {run}"
        );
        let words: Vec<&str> = line.split_whitespace().collect();
        let printed = at.run(&words);
        assert_eq!(printed.code, 0, "{line}: {}", printed.error);
        let told: Value = serde_json::from_str(&printed.out).unwrap();
        let accuracy = told["metrics"]["accuracy"].as_f64().unwrap();
        assert!(accuracy > 0.9, "{model}: {told}");
        let texts = ["I loved the book very much", "I regretted the film, 정말 나빴다"];
        let said = json(&at, &["predict", &run, texts[0], texts[1]]);
        assert_eq!(
            (&said["rows"][0]["class"], &said["rows"][1]["class"]),
            (&"good".into(), &"bad".into())
        );
        assert_eq!(said["texts"][1], texts[1]);
    }
    // A table with the column, lines of a file, a long text and an empty one.
    at.file(
        "new.csv",
        "review,label\nI liked the song very much,good\nI hated the song very much,bad\n",
    );
    let said = json(&at, &["predict", "run-lstm", "new.csv"]);
    assert_eq!(said["agreement"], serde_json::json!({"rows": 2, "right": 2}));
    at.file("new.txt", "I enjoyed the meal very much\nI hated the meal very much\n");
    assert_eq!(json(&at, &["predict", "run-gru", "new.txt"])["rows"].as_array().unwrap().len(), 2);
    let long = "I loved the book very much ".repeat(100);
    assert_eq!(
        json(&at, &["predict", "run-lstm", &long, " "])["rows"].as_array().unwrap().len(),
        2
    );
    let printed = at.run(&["predict", "run-lstm", "zebra quux"]);
    assert!(printed.error.contains("2 tokens that training never saw"), "{}", printed.error);
    let eval = at.done("eval run-bert --quiet").out;
    assert!(eval.contains("good") && eval.contains("bad"), "{eval}");
}

#[test]
fn padding_changes_nothing() {
    let at = Workplace::new();
    at.file("reviews.csv", reviews());
    for model in ["bert", "gru", "attention"] {
        at.done(&format!(
            "train reviews.csv --text review --target label --model {model} --set model.units=16 --epochs 1 \
             --quiet --set data.text.context=40 --out {model}"
        ));
        let said = json(&at, &["predict", model, "I loved the book"]);
        let alone = said["rows"][0]["probability"].as_f64().unwrap();
        let both = json(
            &at,
            &["predict", model, "I loved the book", "I hated the film very much, 정말 나빴다"],
        );
        assert!((both["rows"][0]["probability"].as_f64().unwrap() - alone).abs() < 1e-6);
    }
}

#[test]
fn columns_that_do_not_fit_are_told() {
    let at = Workplace::new();
    at.file("reviews.csv", reviews());
    for (line, told) in [
        ("--text revew --target label --model lstm", "did you mean `review`?"),
        ("--text label --target label --model lstm", "cannot be what is to be told of it"),
        ("--text review --target lable --model lstm", "did you mean `label`?"),
        ("--text review --target label --model gpt", "gpt tells the next token"),
        ("--text review --target label --model mlp", "reads numbers, and this is text"),
    ] {
        let words = format!("train reviews.csv {line}");
        let words: Vec<&str> = words.split(' ').collect();
        let printed = at.run(&words);
        assert!(printed.code != 0 && printed.error.contains(told), "{line}: {}", printed.error);
    }
    at.file("other.csv", "text,label\nI liked it,good\n");
    at.done("train reviews.csv --text review --target label --epochs 1 --quiet --out run");
    let error = at.refused(1, "predict run other.csv");
    assert!(error.contains("there is no column `review`, the texts"), "{error}");
}
