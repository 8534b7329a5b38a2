//! Preparation: fitted on training rows only, applied to raw rows again.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::data::{
    self, Dataset, InputPreparation, Options, Preparation, Prepare, PreparedColumn, RawTable,
    Targets, TargetsMut, from_csv,
};
use support::{csv, message};

fn raw(text: &str) -> RawTable {
    RawTable::from_bytes("new.csv", text.as_bytes()).unwrap()
}

/// All rows are training rows, so that expected values can be worked out by hand.
fn all_train(text: &str, target: &str) -> Dataset {
    let options = Options {
        target: Some(target.into()),
        valid: Some(0.0),
        test: Some(0.0),
        ..Options::default()
    };
    from_csv("t.csv", text.as_bytes(), &options).unwrap()
}

/// Numbers 1 to 4 with a gap, a colour with a gap, a boolean with a gap.
fn small() -> Dataset {
    let text =
        "x,colour,ok,y\n1,red,yes,1.0\n2,blue,no,2.0\n3,red,yes,3.0\n4,,,4.0\n,blue,yes,5.0\n";
    all_train(text, "y")
}

#[test]
fn features_are_named_after_columns_and_values() {
    assert_eq!(
        small().input.features,
        ["x", "x_missing", "colour=blue", "colour=red", "colour=missing", "ok", "ok_missing"]
    );
}

#[test]
fn numbers_are_standardised_and_missing_ones_set_to_the_median() {
    let dataset = small();
    let prepared = dataset.preparation.apply(&raw("x,colour,ok\n1,red,no\nNA,,\n")).unwrap();
    // Of 1, 2, 3, 4: mean and median 2.5, population variance 1.25.
    let one = ((1.0 - 2.5) / 1.25f64.sqrt()) as f32;
    assert_eq!(prepared.matrix[..7], [one, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(prepared.matrix[7..], [0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    assert_eq!(prepared.warnings, [""; 0]);
}

#[test]
fn nothing_is_learned_from_other_rows_than_those_of_training() {
    // The value of each row is its number, so the training mean follows from the source rows.
    let text = csv("x,y", 100, |row| format!("{}.0,{}.5", row + 1, row * row));
    let dataset = from_csv("t.csv", text.as_bytes(), &Options::default()).unwrap();
    let rows = dataset.train.source_rows();
    let expected = rows.iter().sum::<usize>() as f64 / rows.len() as f64;
    let InputPreparation::Table { columns } = &dataset.preparation.inputs else { unreachable!() };
    let PreparedColumn::Number { offset: mean, .. } = &columns[0] else { unreachable!() };
    assert!((mean - expected).abs() < 1e-9);
}

#[test]
fn regression_targets_are_standardised_and_come_back() {
    let dataset = small();
    let Targets::Values(scaled) = dataset.train.targets() else { unreachable!() };
    // 1 to 5: mean 3, variance 2.
    assert!((f64::from(scaled[0]) + 2.0 / 2f64.sqrt()).abs() < 1e-6);
    let target = &dataset.preparation.target;
    assert!((target.unscale(f64::from(scaled[4])) - 5.0).abs() < 1e-6);
    for (value, expected) in dataset.train.values().unwrap().iter().zip([1.0, 2.0, 3.0, 4.0, 5.0]) {
        assert!((value - expected).abs() < 1e-6);
    }
}

#[test]
fn columns_may_come_in_another_order_with_others_and_without_the_target() {
    let preparation = small().preparation;
    let plain = preparation.apply(&raw("x,colour,ok\n1,red,no\n")).unwrap();
    let other = preparation.apply(&raw("ok;extra;colour;x;y\nNO;?;red;1;oops\n")).unwrap();
    assert_eq!(plain, other);
}

#[test]
fn unknown_categories_are_zeros_and_counted() {
    let table = raw("x,colour,ok\n1,green,no\n2,pink,no\n3,green,no\n");
    let prepared = small().preparation.apply(&table).unwrap();
    assert_eq!(prepared.matrix[2..5], [0.0; 3]);
    let warning = "column `colour`: 3 rows with values that training did not have: `green`, `pink`";
    assert_eq!(prepared.warnings, [warning]);
}

#[test]
fn missing_values_that_training_did_not_have_are_filled_and_counted() {
    let text = csv("x,c,y", 20, |row| format!("{},{},{row}.5", row, ["a", "b"][row % 2]));
    let prepared = all_train(&text, "y").preparation.apply(&raw("x,c\nNA,\n3,a\n")).unwrap();
    assert_eq!(prepared.matrix[..3], [0.0, 0.0, 0.0], "median and mean of 0 to 19 are both 9.5");
    assert_eq!(prepared.warnings.len(), 2);
    assert!(prepared.warnings[0].contains("1 row without a value, which training did not have"));
}

#[test]
fn blank_lines_of_a_file_are_skipped_and_said_but_rows_in_memory_are_all_kept() {
    let preparation = small().preparation;
    let prepared = preparation.apply(&raw("x,colour,ok\n,,\n1,red,no\n")).unwrap();
    assert_eq!((prepared.rows, &prepared.warnings[..]), (1, &["1 blank row skipped".into()][..]));
    let rows = [vec!["", "", ""], vec!["1", "red", "no"]];
    let table = RawTable::from_rows(&["x", "colour", "ok"], &rows).unwrap();
    assert_eq!(preparation.apply(&table).unwrap().rows, 2);
}

#[test]
fn a_category_called_missing_takes_the_missing_values() {
    let text = csv("c,y", 20, |row| format!("{},{row}.5", ["missing", "zoo", ""][row % 3]));
    let dataset = all_train(&text, "y");
    assert_eq!(dataset.input.features, ["c=missing", "c=zoo"]);
    assert_eq!(dataset.preparation.apply(&raw("c,d\n,1\n")).unwrap().matrix, [1.0, 0.0]);
}

#[test]
fn all_missing_columns_are_named_with_their_nearest() {
    let text = message(small().preparation.apply(&raw("color,z\nred,1\n")));
    assert!(text.contains("there is no column `x`, an input"), "{text}");
    assert!(text.contains("there is no column `colour`, an input"), "{text}");
    assert!(text.contains("did you mean `color`?"), "{text}");
    assert!(text.contains("there is no column `ok`, an input"), "{text}");
}

#[test]
fn a_column_that_is_an_input_itself_is_not_offered_for_another() {
    let iris = data::iris().preparation;
    let text = message(iris.apply(&raw("sepal_length,sepal_width,petal_length\n5,3,1\n")));
    assert!(text.contains("there is no column `petal_width`, an input"), "{text}");
    assert!(!text.contains("did you mean"), "{text}");
}

#[test]
fn text_in_a_column_of_numbers_is_named_by_row_and_value() {
    let table = raw("x,colour,ok\n1,red,no\n\nabc,red,maybe\n");
    let text = message(small().preparation.apply(&table));
    assert!(text.contains("new.csv, line 4, column `x`: row 2: `abc` is not a number"), "{text}");
    assert!(
        text.contains("column `ok`: row 2: `maybe` is not `true`/`false` or `yes`/`no`"),
        "{text}"
    );
}

#[test]
fn a_constant_of_training_is_centred_and_never_divides_by_zero() {
    let text = "x,c,y\n1,5,1.5\n2,5,2.5\n3,5,3.5\n4,6,\n";
    let dataset = all_train(text, "y");
    let prepared = dataset.preparation.apply(&raw("x,c\n2,5\n2,7\n")).unwrap();
    assert_eq!(prepared.matrix, [0.0, 0.0, 0.0, 2.0]);
}

#[test]
fn raw_numbers_stay_as_they_are() {
    let text = csv("x,y", 20, |row| format!("{row},{row}.5"));
    let options = Options { prepare: Prepare::Raw, ..Options::default() };
    let dataset = from_csv("t.csv", text.as_bytes(), &options).unwrap();
    let (mut inputs, mut targets) = ([0.0], [0.0]);
    dataset.train.gather(&[3], &mut inputs, TargetsMut::Values(&mut targets)).unwrap();
    let row = dataset.train.source_rows()[3];
    assert_eq!((inputs[0], targets[0]), (row as f32 - 1.0, row as f32 - 0.5));
}

#[test]
fn a_preparation_survives_json_bit_for_bit() {
    for preparation in [small().preparation, data::iris().preparation, data::digits().preparation] {
        let text = serde_json::to_string(&preparation).unwrap();
        assert_eq!(serde_json::from_str::<Preparation>(&text).unwrap(), preparation);
    }
}

#[test]
fn a_damaged_preparation_is_refused_in_words() {
    let refused = |inputs: &str, words: &str| {
        let target = r#"{"name": "y", "encoding": {"kind": "values", "mean": 0, "std": 1}}"#;
        let text = format!(r#"{{"inputs": {inputs}, "target": {target}}}"#);
        let error = serde_json::from_str::<Preparation>(&text).unwrap_err().to_string();
        assert!(error.contains(words), "“{words}” is not in: {error}");
    };
    let huge = usize::MAX;
    refused(
        &format!(r#"{{"kind": "pixels", "shape": [2, {huge}, 1], "scale": 1}}"#),
        "do not fit in memory",
    );
    refused(r#"{"kind": "pixels", "shape": [2, 2, 1], "scale": 1e39}"#, "is not finite");
    refused(
        &format!(r#"{{"kind": "array", "shape": [2, {huge}], "mean": [], "std": []}}"#),
        "do not fit in memory",
    );
    refused(
        r#"{"kind": "array", "shape": [2, 3], "mean": [0, 0], "std": [1, 1]}"#,
        "2 means and 2 deviations are not one for each of 3",
    );
    refused(
        r#"{"kind": "array", "shape": [2], "mean": [0, 0], "std": [1]}"#,
        "2 means and 1 deviations",
    );
    let column = r#"{"kind": "category", "name": "c", "values": ["b", "a"], "missing": false}"#;
    refused(
        &format!(r#"{{"kind": "table", "columns": [{column}]}}"#),
        "the values of column `c` are not sorted",
    );
}

#[test]
fn an_image_too_large_for_memory_is_an_error() {
    let mut digits = data::digits().preparation;
    digits.inputs = InputPreparation::Pixels {
        shape: [usize::MAX, 2, 1],
        scale: 1.0,
        mean: Vec::new(),
        std: Vec::new(),
        fit: glassbox::data::Fit::Crop,
    };
    assert!(message(digits.apply_pixels(&[1, 2])).contains("not whole rows"));
}

#[test]
fn applying_to_the_training_file_gives_the_rows_that_were_trained_on() {
    let iris = data::iris();
    let table = raw(include_str!("../data/iris.csv"));
    let prepared = iris.preparation.apply(&table).unwrap();
    for part in [&iris.train, &iris.valid, &iris.test] {
        let mut inputs = [0.0; 4];
        for row in 0..part.len() {
            let mut label = [0];
            part.gather(&[row], &mut inputs, TargetsMut::Classes(&mut label)).unwrap();
            let start = (part.source_rows()[row] - 1) * 4;
            assert_eq!(prepared.matrix[start..start + 4], inputs);
        }
    }
}

#[test]
fn labelled_rows_of_a_new_file_can_be_evaluated_and_unknown_classes_are_named() {
    let iris = data::iris();
    let header = "sepal_length,sepal_width,petal_length,petal_width,species\n";
    let (rows, _) = iris
        .preparation
        .rows(&raw(&format!("{header}5,3,1,0,virginica\n5,3,1,0,setosa\n")))
        .unwrap();
    assert_eq!(rows.labels(), Some(vec![2, 0]));
    let text = message(iris.preparation.rows(&raw(&format!("{header}5,3,1,0,rose\n"))));
    assert!(text.contains("column `species`: `rose` is not a class"), "{text}");
    assert!(text.contains("the classes: `setosa`, `versicolor`, `virginica`"), "{text}");
}

#[test]
fn a_model_of_images_refuses_tables_and_the_other_way_round() {
    let digits = data::digits().preparation;
    assert!(message(digits.apply(&raw("a,b\n1,2\n"))).contains("images of 8 × 8 × 1 bytes"));
    assert_eq!(digits.apply_pixels(&[16; 64]).unwrap().matrix, [1.0; 64]);
    assert!(message(digits.apply_pixels(&[16; 65])).contains("not whole rows"));
    assert!(message(small().preparation.apply_pixels(&[0])).contains("a table with the columns"));
}
