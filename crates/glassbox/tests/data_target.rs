//! Which column is learned, as what, and which targets cannot be.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use std::collections::BTreeMap;

use glassbox::data::{DataError, Dataset, Kind, Options, Task, from_csv};
use support::{csv, message, table, table_of};

fn classes(dataset: &Dataset) -> Vec<&str> {
    dataset.preparation.target.classes().unwrap().iter().map(String::as_str).collect()
}

/// Forty rows of an input `x` and a target `y`.
fn with_target(value: impl Fn(usize) -> String) -> Result<Dataset, DataError> {
    table_of(&csv("x,y", 40, |row| format!("{}.5,{}", row * 7 % 40, value(row))), "y")
}

#[test]
fn a_usual_name_is_assumed_else_the_last_usable_column_and_it_is_said() {
    let line = |row: usize| format!("{},{row}.5,n{row}", ["a", "b"][row % 2]);
    let named = table(&csv("Species,x,name", 40, line)).unwrap();
    assert_eq!(named.preparation.target.name, "Species");
    assert_eq!(named.notices[0], "no target given: assumed `Species`, by its name");
    let last = table(&csv("group,x,name", 40, line)).unwrap();
    assert_eq!(last.notices[0], "no target given: assumed `x`, the last usable column");
}

#[test]
fn a_target_that_is_not_there_offers_the_nearest_name() {
    let text = message(table_of("sepal,species\n1,a\n2,b\n", "speces"));
    assert!(text.contains("there is no column `speces` to be the target"), "{text}");
    assert!(text.contains("did you mean `species`? The columns: `sepal`, `species`"), "{text}");
}

#[test]
fn words_are_classes_sorted_by_name() {
    let dataset = with_target(|row| ["wolf", "ant", "bee"][row % 3].into()).unwrap();
    assert_eq!(classes(&dataset), ["ant", "bee", "wolf"]);
}

#[test]
fn few_whole_numbers_are_classes_sorted_by_value() {
    let dataset = with_target(|row| ["10", "2.0", "2"][row % 3].into()).unwrap();
    assert_eq!(classes(&dataset), ["2", "10"]);
    assert!(dataset.notices.iter().any(|n| n.contains("taken as classes")));
}

#[test]
fn booleans_are_classes_in_lower_case() {
    let dataset = with_target(|row| ["Yes", "no", "yes", "NO"][row % 4].into()).unwrap();
    assert_eq!(classes(&dataset), ["no", "yes"]);
}

#[test]
fn fractions_many_values_and_few_rows_are_regression() {
    assert_eq!(with_target(|row| format!("{}.5", row % 3)).unwrap().task, Task::Regression);
    assert_eq!(with_target(|row| (row % 30).to_string()).unwrap().task, Task::Regression);
    // Two numbers in three rows are not clearly few.
    assert_eq!(table("dose,effect\n0,0\n0.5,1\n1,0\n").unwrap().task, Task::Regression);
}

#[test]
fn a_declared_target_is_what_was_declared() {
    let text = csv("x,rating", 60, |row| format!("{row}.5,{}", row % 5));
    let load = |kind| {
        let columns = BTreeMap::from([("rating".to_string(), kind)]);
        from_csv("t.csv", text.as_bytes(), &Options { columns, ..Options::default() }).unwrap()
    };
    assert_eq!(load(Kind::Number).task, Task::Regression);
    assert_eq!(classes(&load(Kind::Category)), ["0", "1", "2", "3", "4"]);
}

#[test]
fn rows_without_a_target_are_dropped_and_counted() {
    let dataset = with_target(|row| ["a", "b", "NA", "b"][row % 4].into()).unwrap();
    assert_eq!(dataset.train.len() + dataset.valid.len() + dataset.test.len(), 30);
    assert!(dataset.notices.contains(&"10 rows without a value of `y` dropped".to_string()));
    let parts = [&dataset.train, &dataset.valid, &dataset.test];
    let mut rows: Vec<usize> = parts.iter().flat_map(|part| part.source_rows()).collect();
    rows.sort();
    let expected: Vec<usize> = (1..=40).filter(|row| row % 4 != 3).collect();
    assert_eq!(rows, expected, "rows keep their numbers of the file");
}

#[test]
fn targets_that_cannot_be_learned_are_refused() {
    let text = message(with_target(|_| "a".into()));
    assert!(text.contains("every row has the same target, `a`"), "{text}");
    let text = message(with_target(|_| "1.5".into()));
    assert!(text.contains("every row has the same target, `1.5`"), "{text}");
    let text = message(with_target(|row| ["", "NA"][row % 2].into()));
    assert!(text.contains("the target has no value in any row"), "{text}");
    let text = message(with_target(|row| format!("name {row}")));
    assert!(text.contains("40 different values in 40 rows: a name rather than a class"), "{text}");
}

#[test]
fn every_class_of_one_row_is_listed() {
    let rare = |row: usize| match row {
        3 => "lynx".into(),
        8 => "otter".into(),
        _ => ["ant", "bee"][row % 2].to_string(),
    };
    let text = message(with_target(rare));
    assert!(text.contains("class `lynx` has only 1 row"), "{text}");
    assert!(text.contains("class `otter` has only 1 row"), "{text}");
    assert!(!text.contains("ant"), "{text}");
}

#[test]
fn a_table_with_nothing_beside_the_target_says_so() {
    let text = message(table_of("y\na\nb\na\nb\n", "y"));
    assert!(text.contains("the target is the only column"), "{text}");
    let text = message(table_of(&csv("name,c,y", 30, |r| format!("n{r},1,{}", r % 2)), "y"));
    assert!(
        text.contains("no column is left to learn from: dropped `name` (an identifier"),
        "{text}"
    );
    assert!(text.contains("`c` (the same value in every row)"), "{text}");
    assert!(
        text.contains("where `name` holds texts to be read, say so with `--text name`"),
        "{text}"
    );
}

#[test]
fn a_column_that_is_left_out_is_never_the_target() {
    let text = "x,species,kind\n1,a,u\n2,b,v\n3,a,u\n4,b,v\n5,a,u\n6,b,v\n";
    let drop = vec!["species".to_string()];
    let options = Options { drop: drop.clone(), ..Options::default() };
    // `species` is a usual name of a target, `kind` the last column that is left.
    let data = from_csv("t.csv", text.as_bytes(), &options).unwrap();
    assert_eq!(data.preparation.target.name, "kind");
    let options = Options { target: Some("species".into()), drop, ..Options::default() };
    let error = from_csv("t.csv", text.as_bytes(), &options).unwrap_err().to_string();
    assert!(error.contains("column `species` is to be the target and to be left out"), "{error}");
}
