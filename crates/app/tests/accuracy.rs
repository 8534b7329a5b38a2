//! How good trainings with nothing but defaults are, on rows that they have never seen.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use serde_json::Value;
use support::{Workplace, shared};

fn figure(outcome: &Value, part: &str, name: &str) -> f64 {
    outcome[part][name].as_f64().unwrap()
}

#[test]
fn digits_are_read_with_a_median_of_at_least_97_5_percent_over_five_seeds() {
    let at = Workplace::new();
    let mut accuracies: Vec<f64> = (1..=5)
        .map(|seed| {
            let outcome = at.json(&format!("train digits --quiet --seed {seed} --out run-{seed}"));
            assert_eq!(outcome["rows"], 359);
            figure(&outcome, "metrics", "accuracy")
        })
        .collect();
    accuracies.sort_by(f64::total_cmp);
    assert!(accuracies[2] >= 0.975, "{accuracies:?}");
}

#[test]
fn tables_train_untouched_and_beat_the_baseline_clearly() {
    let at = Workplace::new();
    for (file, target) in [("penguins", "species"), ("titanic", "survived"), ("iris", "species")] {
        let Some(path) = shared(&format!("tabular/{file}.csv")) else { return };
        let outcome = at.json(&format!("train {path} --target {target} --quiet"));
        let accuracy = |part| figure(&outcome, part, "accuracy");
        // At most half of the baseline's mistakes; titanic holds less to learn: two thirds.
        let share = if file == "titanic" { 2.0 / 3.0 } else { 0.5 };
        let (model, baseline) = (1.0 - accuracy("metrics"), 1.0 - accuracy("baseline"));
        assert!(model <= share * baseline, "{file}: {outcome}");
    }
    for (file, target) in [("mpg", "mpg"), ("housing", "median_house_value")] {
        let Some(path) = shared(&format!("tabular/{file}.csv")) else { return };
        let outcome = at.json(&format!("train {path} --target {target} --quiet"));
        let rmse = |part| figure(&outcome, part, "rmse");
        assert!(rmse("metrics") <= 0.6 * rmse("baseline"), "{file}: {outcome}");
    }
}

#[test]
#[ignore = "half a minute without optimisation of the library: cargo test --release -- --ignored"]
fn mnist_is_read_with_at_least_98_percent() {
    let Some(path) = shared("mnist") else { return };
    let outcome = Workplace::new().json(&format!("train {path} --quiet"));
    assert!(figure(&outcome, "metrics", "accuracy") >= 0.98, "{outcome}");
    assert!(outcome["seconds"].as_f64().unwrap() > 0.0);
}
