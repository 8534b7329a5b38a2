//! What the dumbest predictor reaches, worked out by hand.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::data::{Baseline, Dataset, Options, Targets};
use glassbox::engine::Array;

fn dataset(rows: usize, targets: Targets) -> Dataset {
    let inputs = Array::new([rows, 1], vec![0.0f32; rows]).unwrap();
    let options = Options { valid: Some(0.0), test: Some(0.0), ..Options::default() };
    Dataset::from_arrays(inputs, targets, &options).unwrap()
}

#[test]
fn the_majority_class_has_its_frequency_as_accuracy_and_the_entropy_as_loss() {
    let train = dataset(8, Targets::Classes(vec![0, 1, 1, 1, 1, 1, 1, 0])).train;
    let baseline = Baseline::fit(&train);
    assert_eq!(baseline, Baseline::MajorityClass { class: 1, frequencies: vec![0.25, 0.75] });
    let score = baseline.score(&train).unwrap();
    assert_eq!((score.rows, score.accuracy), (8, Some(0.75)));
    let entropy = -(0.25 * 0.25f64.ln() + 0.75 * 0.75f64.ln());
    assert!((score.log_loss.unwrap() - entropy).abs() < 1e-12);
    let other = train.select(&[0, 7, 1]).unwrap();
    assert!((baseline.score(&other).unwrap().accuracy.unwrap() - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn the_mean_has_the_mean_deviation_and_the_standard_deviation_as_errors() {
    let train = dataset(4, Targets::Values(vec![10.0, 20.0, 30.0, 40.0])).train;
    let baseline = Baseline::fit(&train);
    assert_eq!(baseline, Baseline::Mean { mean: 25.0 });
    let score = baseline.score(&train).unwrap();
    assert_eq!(score.mae, Some(10.0));
    assert!((score.rmse.unwrap() - 125f64.sqrt()).abs() < 1e-12);
}

#[test]
fn errors_are_in_the_targets_own_unit_although_training_scales_it() {
    let text = support::csv("x,y", 100, |row| format!("{row},{}.5", row * 1000));
    let dataset = support::table_of(&text, "y").unwrap();
    let baseline = Baseline::fit(&dataset.train);
    let Baseline::Mean { mean } = baseline else { unreachable!() };
    let values = dataset.train.source_rows().into_iter().map(|row| (row - 1) as f64 * 1000.0 + 0.5);
    let expected = values.sum::<f64>() / dataset.train.len() as f64;
    assert!((mean - expected).abs() < 0.01, "{mean} {expected}");
}

#[test]
fn nothing_is_said_of_no_rows_or_another_task() {
    let classes = dataset(4, Targets::Classes(vec![0, 1, 0, 1]));
    let values = dataset(4, Targets::Values(vec![1.0, 2.0, 3.0, 4.0]));
    let baseline = Baseline::fit(&classes.train);
    assert_eq!(baseline.score(&classes.test), None);
    assert_eq!(baseline.score(&values.train), None);
    let text = serde_json::to_string(&baseline).unwrap();
    assert_eq!(serde_json::from_str::<Baseline>(&text).unwrap(), baseline);
}
