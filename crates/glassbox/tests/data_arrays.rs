//! Datasets of people's own arrays, and gathering batches.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::data::{DataError, Dataset, Options, Prepare, Targets, TargetsMut};
use glassbox::engine::Array;
use support::message;

/// Eight rows of 2 × 2, numbered through.
fn inputs() -> Array {
    Array::new([8, 2, 2], (0..32).map(|x| x as f32).collect::<Vec<_>>()).unwrap()
}

fn everything_trains() -> Options {
    Options { valid: Some(0.0), test: Some(0.0), ..Options::default() }
}

fn classes(labels: &[i64]) -> Result<Dataset, DataError> {
    Dataset::from_arrays(inputs(), Targets::Classes(labels.into()), &everything_trains())
}

#[test]
fn arrays_stay_as_they_are() {
    let dataset = classes(&[0, 1, 0, 1, 2, 2, 0, 1]).unwrap();
    assert_eq!((dataset.input.shape.as_slice(), dataset.train.width()), (&[2, 2][..], 4));
    let (mut batch, mut labels) = ([0.0; 8], [0; 2]);
    dataset.train.gather(&[4, 1], &mut batch, TargetsMut::Classes(&mut labels)).unwrap();
    assert_eq!(batch, [16.0, 17.0, 18.0, 19.0, 4.0, 5.0, 6.0, 7.0]);
    assert_eq!(labels, [2, 1]);
}

#[test]
fn standardising_is_along_the_last_axis_over_the_training_part() {
    let options = Options { prepare: Prepare::Standardize, ..everything_trains() };
    let values = Targets::Values((0..8).map(|x| x as f32).collect());
    let dataset = Dataset::from_arrays(inputs(), values, &options).unwrap();
    let (mut all, mut targets) = ([0.0; 32], [0.0; 8]);
    let rows: Vec<usize> = (0..8).collect();
    dataset.train.gather(&rows, &mut all, TargetsMut::Values(&mut targets)).unwrap();
    // Each channel is 0, 2, 4 … 30 (or one more): variance (16² − 1) · 2² / 12 = 85.
    assert!((all[0] + 15.0 / 85f32.sqrt()).abs() < 1e-6 && all[0] == all[1]);
    assert!((targets[0] + 3.5 / 5.25f32.sqrt()).abs() < 1e-6);
    let again = dataset.preparation.apply_values(inputs().as_f32().unwrap()).unwrap();
    assert_eq!(again.matrix, all);
}

#[test]
fn arrays_that_do_not_fit_are_refused() {
    assert!(message(classes(&[0, 1])).contains("2 targets for 8 rows"));
    assert!(message(classes(&[0, 1, -1, 1, 0, -3, 0, 0])).contains("row 6: the label is -3"));
    let text = message(classes(&[0, 0, 2, 2, 2, 2, 2, 2]));
    assert!(text.contains("no row has the label 1, but some are above"), "{text}");
    assert!(message(classes(&[0; 8])).contains("nothing to tell apart"));
    assert!(message(classes(&[0, 0, 0, 0, 0, 0, 0, 1])).contains("class `1` has only 1 row"));
    assert!(message(classes(&[0, 0, 0, 0, i64::MAX, i64::MAX, 1, 1])).contains("the label 2"));
    let wrong = Array::new([2], vec![1i64, 2]).unwrap();
    let values = Targets::Values(vec![1.0, 2.0]);
    let text = message(Dataset::from_arrays(wrong, values, &everything_trains()));
    assert!(text.contains("inputs are i64, not f32"), "{text}");
    let empty = Array::new([0, 3], Vec::<f32>::new()).unwrap();
    assert!(Dataset::from_arrays(empty, Targets::Values(vec![]), &everything_trains()).is_err());
}

#[test]
fn numbers_that_are_not_finite_are_listed_by_row() {
    let inputs = Array::new([3, 2], vec![0.0, f32::NAN, 1.0, 2.0, 3.0, f32::INFINITY]).unwrap();
    let values = Targets::Values(vec![1.0, f32::NAN, 2.0]);
    let text = message(Dataset::from_arrays(inputs, values, &everything_trains()));
    for expected in ["row 1, number 2: NaN", "row 3, number 2: inf", "row 2: the target is NaN"] {
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn gathering_checks_what_it_is_given() {
    let rows = classes(&[0, 1, 0, 1, 0, 1, 0, 1]).unwrap().train;
    let (mut inputs, mut labels, mut values) = ([0.0; 4], [0; 1], [0.0; 1]);
    let gather = |at: usize, inputs: &mut [f32], targets: TargetsMut<'_>| {
        message(rows.gather(&[at], inputs, targets))
    };
    let text = gather(8, &mut inputs, TargetsMut::Classes(&mut labels));
    assert!(text.contains("row 8 was asked for, but there are 8 rows"), "{text}");
    let text = gather(0, &mut inputs[..3], TargetsMut::Classes(&mut labels));
    assert!(text.contains("a batch of 1 rows needs 1 × 4 inputs, not 3"), "{text}");
    let text = gather(0, &mut inputs, TargetsMut::Values(&mut values));
    assert!(text.contains("but the targets are classes"), "{text}");
    let text = gather(0, &mut inputs, TargetsMut::Classes(&mut []));
    assert!(text.contains("as many targets as rows"), "{text}");
    rows.gather(&[], &mut [], TargetsMut::Classes(&mut [])).unwrap();
}

#[test]
fn selected_rows_keep_their_numbers_in_the_source() {
    let rows = classes(&[0, 1, 0, 1, 2, 2, 0, 1]).unwrap().train;
    let some = rows.select(&[6, 4]).unwrap();
    assert_eq!((some.source_rows(), some.labels()), (vec![7, 5], Some(vec![0, 2])));
    assert!(some.select(&[2]).is_err());
}

#[test]
fn class_names_replace_numbers_everywhere() {
    let dataset =
        classes(&[0, 1, 0, 1, 0, 1, 0, 1]).unwrap().with_class_names(&["cat", "dog"]).unwrap();
    assert_eq!(dataset.train.target().classes().unwrap(), ["cat", "dog"]);
    assert!(dataset.clone().with_class_names(&["cat"]).is_err());
    assert!(dataset.with_class_names(&["cat", "cat"]).is_err());
}
