//! Data that cannot be learned from: what is wrong, where, and what to do; nothing is left behind.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use serde_json::Value;
use support::{Workplace, flowers};

/// What `train` says of a file with this text; it exits with 1 and makes no run.
fn refused(text: &str) -> String {
    let at = Workplace::new();
    at.file("t.csv", text);
    let error = at.refused(1, "train t.csv --epochs 1");
    assert!(!at.path("runs").exists(), "no run is made");
    assert!(error.lines().next().unwrap().starts_with("error: t.csv"), "{error}");
    error
}

#[test]
fn a_target_that_is_not_there_offers_the_nearest_columns() {
    let at = Workplace::new();
    at.file("flowers.csv", flowers(60));
    let error = at.refused(1, "train flowers.csv --target knid");
    assert!(error.contains("there is no column `knid` to be the target"), "{error}");
    assert!(
        error.contains("did you mean `kind`? The columns: `sepal`, `petal`, `kind`"),
        "{error}"
    );
}

#[test]
fn every_text_among_numbers_is_named_with_its_line_and_value() {
    let numbers: String = (0..30).map(|row| format!("{row},{}\n", ["a", "b"][row % 2])).collect();
    let error = refused(&format!("x,y\n{numbers}twelve,a\n12 kg,b\n"));
    assert!(error.contains("t.csv, line 32, column `x`: `twelve` is not a number"), "{error}");
    assert!(error.contains("t.csv, line 33, column `x`: `12 kg` is not a number"), "{error}");
}

#[test]
fn one_class_only_and_a_class_without_enough_rows_cannot_be_learned() {
    let error = refused("x,y\n1,a\n2,a\n3,a\n4,a\n");
    assert!(error.contains("every row has the same target, `a`: there is nothing to"), "{error}");
    let error = refused("x,y\n1,a\n2,a\n3,a\n4,b\n5,c\n");
    assert!(error.contains("class `b` has only 1 row"), "{error}");
    assert!(error.contains("class `c` has only 1 row"), "all at once: {error}");
    assert!(error.contains("every class needs at least 2 rows"), "{error}");
}

#[test]
fn ragged_lines_are_all_named() {
    let error = refused("x,y\n1,a\n2\n3,b,c\n4,b\n");
    assert!(error.contains("line 3: 1 field, but the header has 2"), "{error}");
    assert!(error.contains("line 4: 3 fields"), "{error}");
}

#[test]
fn nan_is_a_missing_value_and_infinity_is_refused() {
    let at = Workplace::new();
    let text = flowers(60).replacen("1,5,", "NaN,5,", 1) + "1.5,4.5,NaN\n";
    at.file("flowers.csv", &text);
    let printed = at.done("train flowers.csv --target kind --epochs 2 --out run");
    assert!(printed.out.contains("1 row without a value of `kind` dropped"), "{}", printed.out);
    let loss = at.json("eval run")["metrics"]["loss"].as_f64().unwrap();
    assert!(loss.is_finite());
    let error = refused(&(flowers(60) + "inf,4.5,rose\n"));
    assert!(error.contains("line 62, column `sepal`: `inf` is not a number"), "{error}");
}

#[test]
fn a_file_that_is_not_there_or_not_of_a_known_kind_says_what_could_be() {
    let at = Workplace::new();
    at.file("flowers.csv", flowers(60)).file("notes.docx", "PK");
    let error = at.refused(1, "train flower.csv");
    assert!(error.contains("flower.csv: there is no such file or folder"), "{error}");
    assert!(error.contains("did you mean `flowers.csv`?"), "{error}");
    let error = at.refused(1, "train notes.docx");
    assert!(error.contains("is not of a kind that can be loaded"), "{error}");
    assert!(at.refused(1, "train irsi").contains("did you mean `iris`?"));
}

/// An IDX file: a header of these sizes and the bytes after it.
fn idx(sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.extend(bytes);
    file
}

#[test]
fn a_truncated_idx_file_says_how_much_is_missing() {
    let at = Workplace::new();
    std::fs::create_dir(at.path("photos")).unwrap();
    let labels: Vec<u8> = (0..40).map(|row| row % 2).collect();
    at.file("photos/train-labels-idx1-ubyte", idx(&[40], &labels));
    at.file("photos/train-images-idx3-ubyte", idx(&[40, 4, 4], &[7; 600]));
    let error = at.refused(1, "train photos");
    assert!(error.contains("train-images-idx3-ubyte: its header promises [40, 4, 4]"), "{error}");
    assert!(error.contains("640 bytes, but 600 follow it"), "{error}");
    at.file("photos/train-images-idx3-ubyte", idx(&[40, 4, 4], &[7; 640]));
    at.done("train photos --epochs 1 --out run");
}

#[test]
fn a_loss_that_leaves_the_scale_fails_with_its_step_and_cure_and_keeps_the_best() {
    let at = Workplace::new();
    let line = |row: usize| format!("{},{}\n", row as f64 / 10.0, 3.0 * row as f64);
    at.file("line.csv", format!("x,y\n{}", (0..100).map(line).collect::<String>()));
    // Far above the rate at which gradient descent on a straight line diverges: the first epoch's
    // figures are finite still, some epochs later nothing is.
    let diverging = "train line.csv --target y --hidden [] --lr 5 --set schedule=constant \
                     --set optimizer.kind=gradient_descent --set stop=false --out run";
    let error = at.refused(1, diverging);
    assert!(error.contains("the loss became") && error.contains(" at step "), "{error}");
    assert!(error.contains("Try a lower learning rate than 5 (`--lr 0.5`)"), "{error}");
    assert!(error.contains("the checkpoint of step 3 is kept"), "{error}");
    assert!(error.contains("The first number that was not finite: "), "{error}");
    assert!(error.contains(" in `loss`, forward, "), "{error}");
    let status: Value = serde_json::from_str(&at.text("run/status.json")).unwrap();
    assert_eq!(status["state"], "failed");
    assert!(status["message"].as_str().unwrap().contains("learning rate"), "{status}");
    // The weights of the first epoch can be used.
    assert!(at.json("eval run")["metrics"]["loss"].as_f64().unwrap().is_finite());
    let best = at.json("summary run");
    assert_eq!(best["weights_of_step"], 3, "{best}");
    // Weights that are not finite are never saved, however often it saves.
    let often = diverging.replace("--out run", "--set checkpoint_every=1e-9 --out often");
    at.refused(1, &often);
    for parameter in at.json("summary often")["parameters"].as_array().unwrap() {
        assert!(parameter["values"]["max"].is_f64(), "{parameter}");
    }
}
