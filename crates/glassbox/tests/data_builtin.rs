//! The embedded data is what its README says.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use glassbox::data::{Options, TargetsMut, Task, digits, dosage, iris, load};

#[test]
fn digits_are_those_of_scikit_learn() {
    let digits = digits();
    assert_eq!(
        digits.task,
        Task::Classification { classes: (0..10).map(|d| d.to_string()).collect() }
    );
    let mut first = None;
    let mut counts = [0; 10];
    for part in [&digits.train, &digits.valid, &digits.test] {
        for (row, label) in part.labels().unwrap().into_iter().enumerate() {
            counts[label as usize] += 1;
            if part.source_rows()[row] == 1 {
                let (mut pixels, mut label) = ([0.0; 64], [0]);
                part.gather(&[row], &mut pixels, TargetsMut::Classes(&mut label)).unwrap();
                first = Some((pixels.map(|x| x * 16.0), label[0]));
            }
        }
    }
    // sklearn.datasets.load_digits: np.bincount(target), and images[0][:2].
    assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    let (pixels, label) = first.unwrap();
    assert_eq!(label, 0);
    assert_eq!(pixels[..8], [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0]);
    assert_eq!(pixels[8..16], [0.0, 0.0, 13.0, 15.0, 10.0, 15.0, 5.0, 0.0]);
}

#[test]
fn the_test_digits_are_the_same_for_every_seed_and_the_others_are_not() {
    let load = |seed| load("digits", &Options { seed, ..Options::default() }).unwrap();
    let (one, two) = (load(1), load(2));
    assert_eq!(one.test.source_rows(), two.test.source_rows());
    assert_ne!(one.valid.source_rows(), two.valid.source_rows());
    assert_eq!(one.fingerprint, two.fingerprint);
}

#[test]
fn iris_has_fifty_flowers_of_each_species() {
    let iris = iris();
    let schema = iris.schema.as_ref().unwrap();
    assert_eq!((schema.rows, iris.notices.len()), (150, 0));
    let mut counts = [0; 3];
    for part in [&iris.train, &iris.valid, &iris.test] {
        part.labels().unwrap().iter().for_each(|label| counts[*label as usize] += 1);
    }
    assert_eq!(counts, [50; 3]);
    // The means that UCI's iris.names states.
    for (column, mean) in schema.columns.iter().zip([5.84, 3.05, 3.76, 1.20]) {
        assert!((column.numbers.unwrap().mean - mean).abs() < 0.01, "{}", column.name);
    }
}

#[test]
fn dosage_is_three_raw_rows_for_training() {
    let dosage = dosage();
    let (mut doses, mut effects) = ([0.0; 3], [0.0; 3]);
    dosage.train.gather(&[0, 1, 2], &mut doses, TargetsMut::Values(&mut effects)).unwrap();
    assert_eq!((doses, effects), ([0.0, 0.5, 1.0], [0.0, 1.0, 0.0]));
    assert_eq!((dosage.task, dosage.notices.len()), (Task::Regression, 0));
}
