//! `glassbox predict`: rows of a file in, classes or numbers out.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use support::{Workplace, flowers, shared};

/// A run of flowers that knows its classes well.
fn trained(at: &Workplace) {
    at.file("flowers.csv", flowers(90));
    at.done("train flowers.csv --epochs 60 --lr 0.02 --out run");
}

#[test]
fn a_file_with_columns_in_any_order_gets_the_same_predictions() {
    let at = Workplace::new();
    trained(&at);
    at.file("plain.csv", "sepal,petal\n1.1,5.2\n3.2,3.1\n");
    at.file("mixed.csv", "petal,colour,sepal\n5.2,red,1.1\n3.1,\"a, b\",3.2\n");
    let plain = at.json("predict run plain.csv");
    assert_eq!((&plain["run"], &plain["target"]), (&"run".into(), &"kind".into()));
    let classes: Vec<_> = plain["rows"].as_array().unwrap().iter().map(|r| &r["class"]).collect();
    assert_eq!(classes, ["iris", "rose"]);
    for row in plain["rows"].as_array().unwrap() {
        let of_class = row["probability"].as_f64().unwrap();
        let all: Vec<f64> =
            row["probabilities"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
        assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert_eq!(all.iter().copied().fold(0.0, f64::max), of_class);
    }
    assert!(plain["agreement"].is_null());
    assert_eq!(at.json("predict run mixed.csv")["rows"], plain["rows"]);
    let piped = at.done("predict run mixed.csv");
    let lines: Vec<&str> = piped.out.lines().collect();
    assert_eq!(lines[0], "petal,colour,sepal,predicted_kind,probability");
    assert!(lines[2].starts_with("3.1,\"a, b\",3.2,rose,0."), "{}", lines[2]);
    assert_eq!((lines.len(), piped.error.as_str()), (3, ""));
}

#[test]
fn with_the_target_in_the_file_it_says_how_many_were_right() {
    let at = Workplace::new();
    trained(&at);
    at.file("new.csv", "kind,sepal,petal\niris,1.1,5.2\nlily,3.2,3.1\n,3.2,3.1\n");
    let printed = at.done("predict run new.csv --out-file out.csv");
    assert_eq!(printed.out, "3 rows written to out.csv\n1 of 2 rows right (50.0 %)\n");
    assert_eq!(at.text("out.csv").lines().count(), 4);
    assert_eq!(
        at.json("predict run new.csv")["agreement"],
        serde_json::json!({"rows": 2, "right": 1})
    );
    // A pipe gets the table alone; the remark goes beside it.
    let piped = at.done("predict run new.csv");
    assert_eq!((piped.out.lines().count(), piped.error.lines().count()), (4, 1));
    let korean = at.done("predict run new.csv --lang ko");
    assert_eq!(korean.error, "2행 가운데 1행 맞음 (50.0 %)\n");
}

#[test]
fn numbers_are_predicted_in_the_targets_own_unit() {
    let at = Workplace::new();
    let line = |row: usize| format!("{},{}\n", row as f64 / 10.0, 1_000.0 + 50.0 * row as f64);
    let text: String = (0..120).map(line).collect();
    at.file("rent.csv", format!("size,rent\n{text}"));
    at.done("train rent.csv --target rent --epochs 60 --lr 0.01 --out run");
    let found = at.json("predict run rent.csv");
    let row = &found["rows"][60];
    assert!((row["value"].as_f64().unwrap() - 4_000.0).abs() < 300.0, "{row}");
    assert!(found["agreement"]["rmse"].as_f64().unwrap() < 300.0, "{}", found["agreement"]);
    let csv = at.done("predict run rent.csv").out;
    assert!(csv.starts_with("size,rent,predicted_rent\n"), "{csv}");
}

#[test]
fn the_input_file_is_never_written_over() {
    let at = Workplace::new();
    trained(&at);
    let before = at.text("flowers.csv");
    let error = at.refused(2, "predict run flowers.csv --out-file ./flowers.csv");
    assert!(error.contains("is the file to predict: write to another one"), "{error}");
    std::os::unix::fs::symlink("flowers.csv", at.path("link.csv")).unwrap();
    at.refused(2, "predict run flowers.csv --out-file link.csv");
    assert_eq!(at.text("flowers.csv"), before);
    let error = at.refused(1, "predict run flowers.csv --out-file nowhere/out.csv");
    assert!(error.contains("nowhere/out.csv: cannot write"), "{error}");
}

#[test]
fn what_is_odd_about_the_rows_is_a_warning_and_what_is_wrong_an_error() {
    let at = Workplace::new();
    let colour = |row: usize| ["red", "blue"][row % 2];
    let line = |row: usize| format!("{},{},{}\n", row % 7, colour(row), ["a", "b"][row % 2]);
    let text: String = (0..60).map(line).collect();
    at.file("train.csv", format!("size,colour,kind\n{text}"));
    at.done("train train.csv --target kind --epochs 3 --out run");
    at.file("odd.csv", "size,colour\n1,green\n,red\n");
    let printed = at.done("predict run odd.csv");
    assert!(
        printed.error.contains("warning: ") && printed.error.contains("green"),
        "{}",
        printed.error
    );
    assert_eq!(at.done("predict run odd.csv --quiet").error, "");
    at.file("wrong.csv", "sise,colour\nx,red\n");
    let error = at.refused(1, "predict run wrong.csv");
    assert!(error.contains("there is no column `size`, an input"), "{error}");
    assert!(error.contains("did you mean `sise`?"), "{error}");
    at.file("text.csv", "size,colour\n1,red\nbig,red\nhuge,red\n");
    let error = at.refused(1, "predict run text.csv");
    assert!(error.contains("text.csv, line 3, column `size`: row 2: `big`"), "{error}");
    assert!(error.contains("line 4") && error.contains("`huge`"), "all at once: {error}");
    assert!(at.refused(1, "predict run nothing.csv").contains("nothing.csv: cannot be opened"));
}

/// An IDX file of `count` grey images, all black.
fn images(count: u32, side: u32) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    for size in [count, side, side] {
        bytes.extend(size.to_be_bytes());
    }
    bytes.extend(vec![0; (count * side * side) as usize]);
    bytes
}

#[test]
fn images_are_predicted_from_an_idx_file() {
    let at = Workplace::new();
    at.done("train digits --epochs 2 --hidden 16 --out run");
    at.file("new-images", images(3, 8)).file("large", images(2, 28));
    at.file("cut", &images(3, 8)[..100]).file("rows.csv", "a,b\n1,2\n");
    let found = at.json("predict run new-images");
    assert_eq!(found["rows"].as_array().unwrap().len(), 3);
    assert_eq!(found["classes"].as_array().unwrap().len(), 10);
    assert!(at.done("predict run new-images").out.starts_with("row,predicted_"));
    let error = at.refused(1, "predict run large");
    assert!(error.contains("the images are 28 × 28, but the model was trained on"), "{error}");
    let error = at.refused(1, "predict run cut");
    assert!(error.contains("cut: its header promises [3, 8, 8], 192 bytes, but 84"), "{error}");
    let error = at.refused(1, "predict run rows.csv");
    assert!(error.contains("the model takes images of 8 × 8 × 1 bytes, not a table"), "{error}");
}

#[test]
fn real_files_are_predicted_as_they_are() {
    let (Some(iris), Some(mnist)) =
        (shared("tabular/iris.csv"), shared("mnist/t10k-images-idx3-ubyte.gz"))
    else {
        return;
    };
    let at = Workplace::new();
    at.done(&format!("train {iris} --out iris"));
    let right = at.json(&format!("predict iris {iris}"))["agreement"]["right"].as_u64().unwrap();
    assert!(right >= 140, "{right} of 150");
    let error = at.refused(1, &format!("predict iris {mnist}"));
    assert!(error.contains("the model takes a table with the columns `sepal_length`"), "{error}");
}
