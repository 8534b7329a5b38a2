//! `eval`: parts, new files, thresholds, importance, and what it says of imbalance.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use serde_json::Value;
use support::{Workplace, flowers};

/// One row in ten is `spam`; `words` tells most of them, `noise` nothing.
fn letters(rows: usize) -> String {
    let line = |row: usize| {
        let spam = row.is_multiple_of(10);
        let words = if spam { 6 + row % 7 } else { row % 8 };
        format!("{words},{},{}\n", row * 7919 % 101, if spam { "spam" } else { "mail" })
    };
    format!("words,noise,kind\n{}", (0..rows).map(line).collect::<String>())
}

fn figure(result: &Value, place: &str) -> f64 {
    result.pointer(place).and_then(Value::as_f64).unwrap()
}

#[test]
fn a_part_and_a_file_of_new_rows_are_measured_as_asked() {
    let at = Workplace::new();
    at.file("flowers.csv", flowers(200)).done("train flowers.csv --epochs 30 --out run");
    for (part, rows) in [("train", 140), ("valid", 30), ("test", 30)] {
        let found = at.json(&format!("eval run --split {part}"));
        assert_eq!((&found["split"], &found["rows"]), (&part.into(), &rows.into()));
        let classes = found["classes"].as_array().unwrap();
        let of_classes: i64 = classes.iter().map(|class| class["rows"].as_i64().unwrap()).sum();
        assert_eq!(of_classes, rows);
        let confusion = found["confusion"].as_array().unwrap();
        let counts = confusion.iter().flat_map(|row| row.as_array().unwrap());
        assert_eq!(counts.map(|n| n.as_i64().unwrap()).sum::<i64>(), rows);
    }
    assert_eq!(at.json("eval run")["metrics"], at.json("eval run --split test")["metrics"]);

    // All rows again as a file: the parts' right rows together.
    let right =
        |found: &Value| figure(found, "/metrics/accuracy") * found["rows"].as_f64().unwrap();
    let parts =
        ["train", "valid", "test"].map(|part| right(&at.json(&format!("eval run --split {part}"))));
    let whole = at.json("eval run flowers.csv");
    assert_eq!((&whole["split"], &whole["rows"]), (&"flowers.csv".into(), &200.into()));
    assert!((right(&whole) - parts.iter().sum::<f64>()).abs() < 1e-9);
    assert!(whole.get("verdict").is_none(), "it is not about these rows");

    at.file("unknown.csv", "sepal,petal,kind\n1,2,tulip\n");
    let refused = at.refused(1, "eval run unknown.csv");
    assert!(refused.contains("tulip") && refused.contains("is not a class"), "{refused}");
    assert!(at.refused(2, "eval run --split tset").contains("train"));
    assert!(at.refused(2, "eval run flowers.csv --split test").contains("together"));
    assert!(at.refused(1, "eval run --positive rose").contains("one class is positive"));
}

#[test]
fn of_two_classes_the_rarer_is_looked_for_and_a_threshold_is_chosen() {
    let at = Workplace::new();
    at.file("letters.csv", letters(400)).done("train letters.csv --epochs 30 --out run");
    let found = at.json("eval run");
    assert_eq!(found["positive"], "spam");
    let threshold = figure(&found, "/threshold/threshold");
    assert!((0.0..=1.0).contains(&threshold));
    // On the part where it was chosen it is at least as good as ½.
    let valid = at.json("eval run --split valid");
    assert_eq!(valid["threshold"]["here"], valid["threshold"]["valid"]);
    let (best, usual) =
        (figure(&valid, "/threshold/here/f1"), figure(&valid, "/threshold/usual/f1"));
    assert!(best >= usual, "{valid}");
    assert_eq!(at.json("eval run --positive mail")["positive"], "mail");
    let said = at.done("eval run").out;
    for word in ["`spam` from", "false alarms", "spam: a good letter", "cancer:"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(at.refused(1, "eval run --positive spma").contains("spam"));
}

#[test]
fn an_accuracy_that_guessing_has_too_is_not_left_alone() {
    let at = Workplace::new();
    // Nothing tells the classes apart.
    let line = |row: usize| {
        format!("{},{}\n", row * 7919 % 101, if row.is_multiple_of(9) { "ill" } else { "well" })
    };
    let table: String = (0..300).map(line).collect();
    at.file("people.csv", format!("x,health\n{table}"))
        .done("train people.csv --epochs 20 --out run");
    let found = at.json("eval run");
    assert_eq!(found["metrics"]["accuracy"], found["baseline"]["accuracy"]);
    assert_eq!(figure(&found, "/metrics/balanced_accuracy"), 0.5);
    assert_eq!(found["classes"][0]["precision"], Value::Null, "never predicted");
    assert_ne!(found["verdict"]["kind"], "healthy", "{found}");
    let said = at.done("eval run").out;
    assert!(said.contains("balanced accuracy") && said.contains("nothing to divide by"), "{said}");
    let korean = at.done("eval run --lang ko").out;
    assert!(korean.contains("균형 정확도") && korean.contains("나눌 것이 없음"), "{korean}");
}

#[test]
fn the_column_that_tells_is_important_and_noise_is_not() {
    let at = Workplace::new();
    at.file("letters.csv", letters(400)).done("train letters.csv --epochs 40 --out run");
    let found = at.json("eval run --importance")["importance"].clone();
    assert_eq!((&found["split"], &found["figure"]), (&"test".into(), &"accuracy".into()));
    let columns = found["columns"].as_array().unwrap();
    let names: Vec<&str> = columns.iter().map(|c| c["column"].as_str().unwrap()).collect();
    assert_eq!(names, ["words", "noise"]);
    let drop = |column: usize| columns[column]["drop"].as_f64().unwrap();
    assert!(drop(0) > 0.05 && drop(1) < 0.02, "{found}");
    assert_eq!(found, at.json("eval run --importance")["importance"], "the same seed");
    let said = at.done("eval run --importance").out;
    assert!(said.contains("words  ━━━━"), "{said}");
    at.done("train digits --epochs 1 --out digits");
    assert!(at.refused(1, "eval digits --importance").contains("takes no table"));
}
