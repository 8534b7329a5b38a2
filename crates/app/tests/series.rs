//! Tables whose rows follow each other in time: forecasts, and classes of windows.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use std::fmt::Write;

use support::{Workplace, shared};

/// A weekly wave on a trend, day by day.
fn sales(days: u32) -> String {
    let mut text = String::from("day,sales\n");
    for t in 0..days {
        let month = 1 + t / 28;
        let _ = writeln!(
            text,
            "{}-{:02}-{:02},{}",
            2020 + (month - 1) / 12,
            1 + (month - 1) % 12,
            1 + t % 28,
            [5, 9, 4, 1, 0, 2, 7][t as usize % 7] * 3 + t / 4
        );
    }
    text
}

/// The same with a step for each row.
fn counted(rows: u32) -> String {
    let mut text = String::from("t,sales\n");
    for t in 0..rows {
        let _ = writeln!(text, "{t},{}", [5, 9, 4, 1, 0, 2, 7][t as usize % 7] * 3 + t / 4);
    }
    text
}

#[test]
fn a_forecast_stands_beside_the_simplest_guesses() {
    let at = Workplace::new();
    at.file("sales.csv", counted(300));
    let line =
        "train sales.csv --time t --target sales --horizon 7 --epochs 200 --lr 0.01 --out run";
    let told = at.json(line);
    let forecast = &told["forecast"];
    assert_eq!((&forecast["season"], &forecast["better"]), (&7.into(), &"seasonal".into()));
    assert_eq!(forecast["steps"].as_array().unwrap().len(), 7);
    let mae = |of: &serde_json::Value| of["mae"].as_f64().unwrap();
    assert!((mae(&told["baseline"]) - mae(&forecast["seasonal"])).abs() < 1e-4);
    assert!(mae(&forecast["model"]) < mae(&forecast["seasonal"]), "{forecast}");
    assert!(mae(&forecast["seasonal"]) < mae(&forecast["last"]), "{forecast}");
    let shown = at.done("eval run");
    assert!(shown.out.contains("7 rows before") && shown.out.contains("below"), "{}", shown.out);
    let korean = at.done("eval run --lang ko");
    assert!(korean.out.contains("7행 전의 값"), "{}", korean.out);
    // What comes after the end of the file, with its times.
    let next = at.json("predict run sales.csv");
    let times = ["300", "301", "302", "303", "304", "305", "306"];
    assert_eq!(next["stretches"][0]["times"], serde_json::json!(times));
    let piped = at.done("predict run sales.csv");
    let lines: Vec<&str> = piped.out.lines().collect();
    assert_eq!((lines[0], lines.len()), ("time,predicted_sales", 8));
    assert!(lines[1].starts_with("300,"), "{}", lines[1]);
}

#[test]
fn windows_of_sensors_have_a_class() {
    let at = Workplace::new();
    let told = at.json("train activity --epochs 8 --out run");
    assert_eq!(told["split"], "test");
    assert!(told["metrics"]["accuracy"].as_f64().unwrap() > 0.3, "{told}");
    assert!(at.text("run/run.toml").contains("kind = \"convolution\""));
}

#[test]
fn bad_series_are_refused_with_their_place_and_cure() {
    let at = Workplace::new();
    at.file("sales.csv", sales(100));
    let error = at.refused(1, "train sales.csv --time dya --target sales --horizon 7");
    assert!(error.contains("to tell the time") && error.contains("`day`"), "{error}");
    // Months here have 28 days: the steps are uneven.
    let error = at.refused(1, "train sales.csv --time day --target sales --horizon 7 --window 30");
    assert!(error.contains("no window") || error.contains("fewer than a window"), "{error}");
    let error = at.refused(2, "train sales.csv --time day --target sales --horizon 0");
    assert!(error.contains("--horizon 0") && error.contains("at least 1"), "{error}");
    at.file("twice.csv", "t,y\n1,1\n2,2\n2,3\n3,4\n");
    let error = at.refused(1, "train twice.csv --time t --target y");
    assert!(error.contains("twice.csv, line 4") && error.contains("--group"), "{error}");
    let error = at.refused(2, "train sales.csv --label most");
    assert!(error.contains("majority, last"), "{error}");
}

#[test]
fn the_hourly_series_beats_both_guesses() {
    let Some(file) = shared("series/ETTh1.csv") else { return };
    let at = Workplace::new();
    // Some of it, for the time that it takes.
    let text = std::fs::read_to_string(file).unwrap();
    let part: Vec<&str> = text.lines().take(4001).collect();
    at.file("hours.csv", part.join("\n"));
    let told = at.json("train hours.csv --time date --target OT --horizon 24 --epochs 5");
    let forecast = &told["forecast"];
    let mae = |of: &str| forecast[of]["mae"].as_f64().unwrap();
    assert_eq!(forecast["season"], 24);
    assert!(mae("model") < mae("last") && mae("model") < mae("seasonal"), "{forecast}");
}
