//! `glassbox see` of networks of sequences: gates and states by step, whom attention looks at, tokens in
//! the plane.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use serde_json::{Value, json};
use support::Workplace;

/// A text of two lines, learned for an epoch by a small model of a kind.
fn trained(model: &str) -> Workplace {
    let at = Workplace::new();
    at.file("book.txt", "to be or not to be\nthat is the question\n".repeat(60));
    at.done(&format!(
        "train book.txt --model {model} --out run --quiet --epochs 1 --set data.text.context=16 \
         --set model.units=12 --set model.layers=2"
    ));
    at
}

/// Width and height that a PNG's header says.
fn size(at: &Workplace, file: &Value) -> (u32, u32) {
    let path = at.path(file.as_str().unwrap());
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n", "{}", path.display());
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

fn names(seen: &Value) -> Vec<&str> {
    let files = seen["files"].as_array().unwrap().iter();
    files.map(|file| file.as_str().unwrap().rsplit('/').next().unwrap()).collect()
}

#[test]
fn gates_and_states_of_an_lstm_are_shown_by_step() {
    let at = trained("lstm");
    let seen = at.json("see run --text tobe --what gates,embedding");
    assert_eq!(
        names(&seen),
        ["gates-lstm-layer1-tobe.png", "gates-lstm-layer2-tobe.png", "embedding.png"]
    );
    for file in seen["files"].as_array().unwrap() {
        let (width, height) = size(&at, file);
        assert!(width > 100 && height > 200, "{file}: {width} × {height}");
    }
    let row = &seen["rows"][0];
    assert_eq!(row["places"], json!(["t", "o", "b", "e"]));
    let gates = row["layers"][0]["gates"].as_array().unwrap();
    let known: Vec<&str> = gates.iter().map(|gate| gate["name"].as_str().unwrap()).collect();
    let expected = ["forget_gate", "input_gate", "candidate", "output_gate", "cell", "hidden"];
    assert_eq!(known, expected);
    for gate in gates {
        let means = gate["means"].as_array().unwrap();
        assert_eq!((means.len(), &gate["units"]), (4, &json!(12)));
        if gate["name"].as_str().unwrap().ends_with("_gate") {
            assert!(means.iter().all(|mean| (0.0..1.0).contains(&mean.as_f64().unwrap())));
        }
    }
    assert_eq!(seen["embedding"]["table"], "embedding/weight");
    // What comes behind a place changes nothing before it.
    let longer = at.json("see run --text tobeor --what gates");
    let first = |seen: &Value| seen["rows"][0]["layers"][1]["gates"][5]["means"][3].clone();
    assert_eq!(first(&seen), first(&longer));
    let korean = at.done("see run --text tobe --what gates --layer lstm/layer2 --lang ko").out;
    assert!(korean.contains("유닛 12개") && !korean.contains("layer1"), "{korean}");
}

#[test]
fn whom_attention_looks_at_is_shown_by_layer_and_head() {
    let at = trained("gpt --set model.heads=3 --set model.positions=learned");
    let seen = at.json("see run --row 1 --part train --what attention --out seen");
    let heads = seen["rows"][0]["attention"].as_array().unwrap();
    assert_eq!(heads.len(), 2 * 3, "{seen}");
    for head in heads {
        let looks = &head["looks"];
        for share in ["itself", "before", "first", "spread"] {
            assert!((0.0..=1.0).contains(&looks[share].as_f64().unwrap()), "{head}");
        }
        let shares: Vec<f64> =
            head["looks_at"].as_array().unwrap().iter().map(|p| p[1].as_f64().unwrap()).collect();
        assert!(shares.windows(2).all(|pair| pair[0] >= pair[1]) && shares[0] > 1.0 / 17.0);
    }
    assert_eq!(names(&seen).len(), 2, "a sheet for each layer");
    for file in seen["files"].as_array().unwrap() {
        assert!(file.as_str().unwrap().starts_with("seen/attention-h-") && size(&at, file).0 > 400);
    }
    let told = at.run(&["see", "run", "--text", "not to be", "--what", "attention"]).out;
    assert!(told.contains("\"not to be\": 9 places"), "{told}");
}

#[test]
fn a_series_of_numbers_is_seen_by_its_steps() {
    let at = Workplace::new();
    let rows: String =
        (0..400).map(|i| format!("{},{:.3}\n", i, (f64::from(i) * 0.3).sin())).collect();
    at.file("wave.csv", format!("time,value\n{rows}"));
    at.done(
        "train wave.csv --time time --target value --horizon 2 --model gru --out run --quiet \
         --epochs 1 --set model.units=6 --set model.layers=1",
    );
    let seen = at.json("see run --what gates");
    let layer = &seen["rows"][0]["layers"][0];
    assert_eq!(
        (&layer["name"], &layer["gates"][0]["name"]),
        (&json!("gru/layer1"), &json!("reset_gate"))
    );
    assert_eq!(layer["gates"][0]["steps"], seen["rows"][0]["places"].as_array().unwrap().len());
    let error = at.refused(1, "see run --text hello");
    assert!(error.contains("numbers"), "{error}");
}

#[test]
fn what_cannot_be_seen_is_refused_with_the_cure() {
    let at = trained("lstm");
    assert!(at.refused(2, "see run picture.png").contains("--text"));
    assert!(at.refused(2, "see run --what filters").contains("attention"));
    assert!(at.refused(1, "see run --what attention").contains("attention"));
    assert!(at.refused(1, "see run --row 100000").contains("row 100000"));
    let at = Workplace::new();
    at.done("train iris --epochs 1 --out run --quiet");
    assert!(at.refused(2, "see run --text hello").contains("--text"));
}
