//! Splits and orders: every row in one part, every class in training, the same for the same seed.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::data::{
    Dataset, Folding, NthFold, Options, RawTable, epoch_order, from_csv, load, split,
};
use proptest::prelude::*;
use support::{csv, message};

#[test]
fn stratified_parts_have_each_class_in_proportion() {
    // 200 + 100 rows: 15 % are 30 and 15.
    let labels: Vec<i64> = (0..300).map(|row| i64::from(row >= 200)).collect();
    let parts = split(300, Some(&labels), true, 0.15, 0.15, 1).unwrap();
    for part in [&parts.valid, &parts.test] {
        assert_eq!(part.iter().filter(|row| labels[**row] == 0).count(), 30);
        assert_eq!(part.len(), 45);
    }
}

#[test]
fn another_seed_gives_other_parts_and_the_same_seed_the_same() {
    let parts = |seed| split(100, None, false, 0.15, 0.15, seed).unwrap();
    assert_eq!(parts(1), parts(1));
    assert_ne!(parts(1), parts(2));
}

#[test]
fn fractions_that_leave_nothing_are_refused() {
    for (valid, test) in [(0.5, 0.5), (-0.1, 0.1), (f64::NAN, 0.1), (0.0, 1.0), (2.0, -1.5)] {
        let text = message(split(10, None, true, valid, test, 0));
        assert!(text.contains("leaves nothing to train on"), "{text}");
        let options = Options { valid: Some(valid), test: Some(test), ..Options::default() };
        let table = csv("x,y", 40, |row| format!("{row}.5,{}", row % 2));
        assert!(from_csv("t.csv", table.as_bytes(), &options).is_err());
        assert!(glassbox::data::load("digits", &options).is_err());
    }
}

#[test]
fn parts_too_small_for_a_row_are_empty_and_that_is_said() {
    let dataset = from_csv("t.csv", b"x,y\n1,1.5\n2,2.5\n4,3.5\n", &Options::default()).unwrap();
    assert_eq!((dataset.train.len(), dataset.valid.len(), dataset.test.len()), (3, 0, 0));
    assert!(dataset.notices.iter().any(|n| n == "too few rows for a test part: it is empty"));
}

proptest! {
    #[test]
    fn every_row_is_in_one_part_and_every_class_in_training(
        labels in prop::collection::vec(0i64..5, 1..200),
        stratify: bool,
        valid in 0.0..0.49f64,
        test in 0.0..0.49f64,
        seed: u64,
    ) {
        let parts = split(labels.len(), Some(&labels), stratify, valid, test, seed).unwrap();
        let mut all = [&parts.train[..], &parts.valid, &parts.test].concat();
        all.sort();
        prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
        for label in &labels {
            prop_assert!(parts.train.iter().any(|row| labels[*row] == *label));
        }
        let size = |fraction: f64| (labels.len() as f64 * fraction).round() as usize;
        prop_assert!(parts.test.len() <= size(test) && parts.valid.len() <= size(valid));
    }

    #[test]
    fn an_epoch_visits_every_row_once(rows in 0usize..300, seed: u64, epoch: u64) {
        let mut order = epoch_order(rows, seed, epoch);
        order.sort();
        prop_assert_eq!(order, (0..rows).collect::<Vec<_>>());
    }
}

#[test]
fn a_fold_that_options_name_is_that_of_all_folds() {
    let options = |fold| Options { fold, ..Options::default() };
    let rows: Vec<Vec<String>> =
        (0..57).map(|i| vec![format!("{}.5", i * 31 % 57), format!("{}", i % 3)]).collect();
    let table = RawTable::from_rows(&["x".to_string(), "y".to_string()], &rows).unwrap();
    let plain = options(None);
    let all = Dataset::folds(&table, &plain, Folding::ByChance { k: 4 }).unwrap();
    for (at, fold) in all.map(Result::unwrap).enumerate() {
        let nth = NthFold { fold: at + 1, of: 4 };
        let one = Dataset::from_table(&table, &options(Some(nth))).unwrap();
        assert_eq!(one.preparation, fold.preparation);
        for (one, other) in
            [(&one.train, &fold.train), (&one.valid, &fold.valid), (&one.test, &fold.test)]
        {
            assert_eq!(one.source_rows(), other.source_rows());
        }
    }
    let wrong = |fold, of| {
        Dataset::from_table(&table, &options(Some(NthFold { fold, of }))).unwrap_err().to_string()
    };
    assert!(wrong(5, 4).contains("there is no fold 5 of 4"));
    assert!(wrong(0, 4).contains("there is no fold 0 of 4"));
    assert!(wrong(1, 58).contains("58 folds of 57 rows"));
    let images = load("digits", &options(Some(NthFold { fold: 1, of: 2 }))).unwrap_err();
    assert!(images.to_string().contains("only the rows of a table"), "{images}");
}
