//! `glassbox data`: what a table holds, told before anything is learned from it.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use std::fmt::Write;

use serde_json::{Value, json};
use support::{Workplace, flowers, shared};

fn column<'a>(found: &'a Value, name: &str) -> &'a Value {
    let columns = found["columns"].as_array().unwrap();
    columns.iter().find(|column| column["name"] == name).unwrap()
}

/// 200 rows: a number, a category with gaps, the class (1 of 10 is rare), the class again, a counter,
/// and one row that comes again.
fn troubled() -> String {
    let mut text = String::from("size,colour,ill,diagnosis,number\n");
    for row in 0..200 {
        let ill = ["no", "yes"][usize::from(row % 10 == 3)];
        let colour = ["red", "blue", "red", ""][row % 4];
        let _ = writeln!(text, "{}.5,{colour},{ill},{ill},{}", row * 37 % 101, row + 1);
    }
    text
}

#[test]
fn columns_classes_gaps_and_leaks_are_told() {
    let at = Workplace::new();
    at.file("t.csv", troubled());
    let found = at.json("data t.csv --target ill");
    assert_eq!((&found["rows"], &found["target"]["imbalance"]), (&json!(200), &json!(9.0)));
    assert_eq!(column(&found, "colour")["missing"], 50);
    assert_eq!(column(&found, "colour")["top"][0]["rows"], 100);
    assert_eq!(column(&found, "size")["numbers"]["max"], 100.5);
    let leaks: Vec<(&Value, &Value)> =
        found["leaks"].as_array().unwrap().iter().map(|l| (&l["column"], &l["kind"])).collect();
    assert_eq!(
        leaks,
        [(&json!("diagnosis"), &json!("equal")), (&json!("number"), &json!("counts_rows"))]
    );
    let text = at.done("data t.csv --target ill").out;
    for words in [
        "t.csv · 200 rows, 5 columns",
        "← target",
        "red 67 %, blue 33 %",
        "`diagnosis` is the target",
        "9.00 rows for each",
        "train.class_weights=balanced",
        "glassbox train t.csv --target ill --drop diagnosis\n",
    ] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    // The command that is offered works.
    at.done("train t.csv --target ill --drop diagnosis --epochs 1 --quiet");
    let korean = at.done("data t.csv --target ill --lang ko").out;
    assert!(korean.contains("목표: `ill`") && korean.contains("모든 칸이 같습니다"), "{korean}");
}

#[test]
fn what_is_left_out_or_declared_is_described_so() {
    let at = Workplace::new();
    at.file("t.csv", troubled());
    let found = at.json("data t.csv --target size --drop diagnosis,number");
    assert_eq!(found["target"]["task"]["kind"], "regression");
    assert_eq!(found["training"]["columns"], json!(["colour", "ill"]));
    assert_eq!(column(&found, "number")["role"], json!({"dropped": "asked for"}));
    let asked = ["data", "t.csv", "--target", "ill", "--json", "--set"];
    let kinds = at.run(&[&asked[..], &["data.columns={number=\"category\"}"]].concat());
    let found: Value = serde_json::from_str(&kinds.out).unwrap();
    assert_eq!(column(&found, "number")["kind"], "category");
    // A configuration says what `train` would read.
    at.done("init t.csv --target ill --out run.toml");
    assert_eq!(at.json("data run.toml")["target"]["name"], "ill");
}

#[test]
fn what_cannot_be_learned_is_described_all_the_same() {
    let at = Workplace::new();
    at.file("t.csv", "x,y\n1,a\n2,a\n3,a\n");
    let found = at.json("data t.csv");
    assert_eq!((&found["rows"], &found["training"]), (&json!(3), &Value::Null));
    assert!(found["problem"].as_str().unwrap().contains("`y`"), "{found}");
    let text = at.done("data t.csv").out;
    assert!(text.contains("as it is, this cannot be trained on:"), "{text}");
}

#[test]
fn every_kind_of_source_says_what_it_is() {
    let at = Workplace::new();
    at.file("flowers.csv", flowers(60)).file("flowers.tsv", flowers(60).replace(',', "\t"));
    let lines: String = (0..40).map(|x| format!("{{\"x\": {x}, \"y\": {}}}\n", x % 7)).collect();
    at.file("t.jsonl", lines);
    assert_eq!(at.json("data flowers.csv")["columns"], at.json("data flowers.tsv")["columns"]);
    assert_eq!(at.json("data t.jsonl")["rows"], 40);
    for (name, rows, target) in
        [("iris", 150, "species"), ("dosage", 3, "effectiveness"), ("moons", 1000, "label")]
    {
        let found = at.json(&format!("data {name}"));
        assert_eq!((&found["rows"], &found["target"]["name"]), (&json!(rows), &json!(target)));
        assert!(found["training"]["train"].as_u64().unwrap() > 0, "{found}");
    }
    let digits = at.json("data digits");
    assert_eq!((&digits["images"], &digits["shape"]), (&json!(true), &json!([8, 8, 1])));
    let rows = |class: &Value| class["rows"].as_u64().unwrap();
    assert_eq!(digits["classes"].as_array().unwrap().iter().map(rows).sum::<u64>(), 1797);
    assert!(at.done("data digits").out.contains("1,797 images of 8 × 8 × 1"));
}

#[test]
fn real_tables_are_described_without_a_line_that_is_too_wide() {
    let at = Workplace::new();
    for (name, columns) in [("titanic", 11), ("housing", 10), ("penguins", 7), ("mpg", 9)] {
        let Some(path) = shared(&format!("tabular/{name}.csv")) else { return };
        let found = at.json(&format!("data {path}"));
        assert_eq!(found["columns"].as_array().unwrap().len(), columns);
        let text = at.done(&format!("data {path}")).out;
        // Through a pipe a page of 100 columns; only the command to copy may be longer.
        let wide = |line: &&str| line.chars().count() > 100 && !line.starts_with("next: ");
        assert_eq!(text.lines().find(wide), None, "{name}");
    }
}
