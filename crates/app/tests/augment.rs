//! Augmentation by the program: said, drawn, stored and measured.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use support::Workplace;

#[test]
fn a_sheet_shows_what_the_network_sees_and_follows_from_the_seed() {
    let at = Workplace::new();
    let words = "data digits --augment crop,rotate,mixup --epochs 3";
    let said = at.done(&format!("{words} --sheet one.png"));
    assert!(said.out.contains("wrote one.png"), "{}", said.out);
    assert!(said.out.contains("train digits --augment crop,rotate,mixup"), "{}", said.out);
    at.done(&format!("{words} --sheet again.png --quiet"));
    at.done(&format!("{words} --sheet other.png --seed 7 --lang ko"));
    let bytes = |name: &str| std::fs::read(at.path(name)).unwrap();
    assert!(bytes("one.png").starts_with(b"\x89PNG\r\n\x1a\n"));
    assert_eq!(bytes("one.png"), bytes("again.png"));
    assert_ne!(bytes("one.png"), bytes("other.png"));
    let found = at.json("data digits --sheet plain.png");
    assert_eq!(found["sheet"], "plain.png");
}

#[test]
fn a_sheet_of_what_is_no_image_is_refused() {
    let at = Workplace::new();
    let error = at.refused(1, "data iris --sheet s.png");
    assert!(error.contains("a sheet is of images"), "{error}");
    let error = at.refused(1, "data digits --sheet s.png --augment crop --epochs 100");
    assert!(error.contains("too many for a sheet"), "{error}");
    let error = at.refused(2, "data digits --sheet s.png --augment corp");
    assert!(error.contains("--augment corp") && error.contains("\"crop\""), "{error}");
    let error = at.refused(2, "train iris --augment flip --epochs 1");
    assert!(error.contains("is for images"), "{error}");
    assert!(!at.path("s.png").exists());
}

#[test]
fn training_says_what_it_changes_stores_a_sheet_and_tells_what_loading_cost() {
    let at = Workplace::new();
    let line = "train digits --augment crop,noise --epochs 1 --threads 2 --out run";
    let said = at.done(line);
    for words in ["training images are changed anew in every epoch: crop, noise", "rows/s a thread"]
    {
        assert!(said.out.contains(words), "{}", said.out);
    }
    let sheet = std::fs::read(at.path("run/samples/augmented.png")).unwrap();
    assert!(sheet.starts_with(b"\x89PNG"));
    assert!(at.text("run/run.toml").contains("[[train.augment]]"));
    let found = at.json("train run/run.toml --out again");
    assert_eq!(found["loading"]["threads"], 2);
    let waited = found["loading"]["waited"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&waited));
    assert!(found["loading"]["rows_per_second"].as_f64().unwrap() > 1000.0);
    let model = |run: &str| {
        let last = at.text(&format!("{run}/checkpoints/last"));
        std::fs::read(at.path(&format!("{run}/checkpoints/{}/model.safetensors", last.trim())))
    };
    assert_eq!(model("run").unwrap(), model("again").unwrap());
    at.done("train run/run.toml --augment none --out plain --quiet");
    assert!(!at.path("plain/samples").exists());
    assert_ne!(model("run").unwrap(), model("plain").unwrap());
}
