//! What is inferred of columns: their kinds, what is dropped and why, and how it is shown.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use std::collections::BTreeMap;

use glassbox::data::{Dataset, Kind, Options, Role, Schema, from_csv};
use support::{csv, message, table_of};

/// The schema of one column `x` of 60 rows beside a target `y` and another input.
fn column_of(name: &str, value: impl Fn(usize) -> String) -> glassbox::data::ColumnSchema {
    let line = |row: usize| format!("{},{}.5,{}", value(row), row * 7 % 13, row % 2);
    let dataset = table_of(&csv(&format!("{name},other,y"), 60, line), "y").unwrap();
    schema(&dataset).column(name).unwrap().clone()
}

fn schema(dataset: &Dataset) -> Schema {
    dataset.schema.clone().unwrap()
}

fn reason(role: &Role) -> &str {
    match role {
        Role::Dropped(reason) => reason,
        Role::Input => "input",
        Role::Target => "target",
        Role::Weight => "weight",
    }
}

#[test]
fn numbers_are_summarised() {
    let column = column_of("x", |row| if row == 7 { "NA".into() } else { format!("{row}e1") });
    assert_eq!((column.kind, column.missing, column.distinct), (Kind::Number, 1, 59));
    let range = column.numbers.unwrap();
    // 0 + … + 59 is 1770; without 7 and times ten, over 59 rows.
    assert_eq!((range.min, range.max), (0.0, 590.0));
    assert!((range.mean - 17_630.0 / 59.0).abs() < 1e-9);
    assert_eq!(column.role, Role::Input);
}

#[test]
fn booleans_keep_to_one_pair_of_words() {
    for (no, yes) in [("false", "TRUE"), ("No", "yes"), ("n", "Y"), ("off", "on"), ("F", "T")] {
        let column = column_of("x", |row| if row % 3 == 0 { no } else { yes }.into());
        assert_eq!(column.kind, Kind::Boolean, "{no} {yes}");
    }
    let mixed = column_of("x", |row| if row % 3 == 0 { "no" } else { "true" }.into());
    assert_eq!(mixed.kind, Kind::Category);
}

#[test]
fn few_values_are_a_category_and_many_are_text() {
    let colour = column_of("x", |row| ["red", "green", "blue"][row % 3].into());
    assert_eq!((colour.kind, colour.role), (Kind::Category, Role::Input));
    let name = column_of("x", |row| format!("person {row}"));
    assert_eq!(name.kind, Kind::Text);
    assert!(reason(&name.role).contains("60 different values in 60 rows"), "{:?}", name.role);
}

#[test]
fn constants_and_empty_columns_are_dropped() {
    let constant = column_of("x", |_| "3".into());
    assert_eq!(
        (constant.kind, reason(&constant.role)),
        (Kind::Constant, "the same value in every row")
    );
    let spelled = column_of("x", |row| if row % 2 == 0 { "3" } else { "3.0" }.into());
    assert_eq!(spelled.kind, Kind::Constant);
    let empty = column_of("x", |row| ["", "NA", "?"][row % 3].into());
    assert_eq!((empty.kind, reason(&empty.role)), (Kind::Empty, "no values"));
    // Whether there is a value is worth knowing.
    let sometimes = column_of("x", |row| if row % 2 == 0 { "3" } else { "" }.into());
    assert_eq!((sometimes.kind, sometimes.role), (Kind::Number, Role::Input));
}

#[test]
fn integers_named_like_identifiers_are_dropped_and_measurements_are_not() {
    for name in ["id", "ID", "row", "Unnamed: 0", "customer_id", "PassengerId", "column_1"] {
        let column = column_of(name, |row| (row + 1).to_string());
        assert!(reason(&column.role).contains("identifier"), "{name}: {:?}", column.role);
    }
    let day = column_of("day", |row| (row + 1).to_string());
    assert_eq!(day.role, Role::Input);
    let group = column_of("group_id", |row| (row % 4).to_string());
    assert_eq!(group.role, Role::Input, "few values come again: a group, not a row");
    let humid = column_of("humid", |row| (row * 31).to_string());
    assert_eq!(humid.role, Role::Input);
}

#[test]
fn a_column_that_may_be_a_row_number_is_mentioned() {
    let text = csv("day,y", 40, |row| format!("{},{}.5", row + 1, row * row));
    let dataset = table_of(&text, "y").unwrap();
    assert!(dataset.notices.iter().any(|n| n.contains("`day` counts the rows")));
}

#[test]
fn stray_text_among_numbers_is_listed_by_line_and_value() {
    let text = csv("age,y", 40, |row| match row {
        4 => "abc,1".into(),
        9 => "\"1,234\",0".into(),
        _ => format!("{row}.5,{}", row % 2),
    });
    let text = message(table_of(&text, "y"));
    assert!(text.contains("t.csv, line 6, column `age`: `abc` is not a number"), "{text}");
    assert!(text.contains("t.csv, line 11, column `age`: `1,234` is not a number"), "{text}");
    assert!(text.contains("leave unknown ones empty"), "{text}");
}

#[test]
fn infinite_and_huge_numbers_are_not_numbers() {
    for value in ["inf", "-Infinity", "1e300"] {
        let line = |row: usize| match row {
            4 => format!("{value},1"),
            _ => format!("{row}.5,{}", row % 2),
        };
        let text = message(table_of(&csv("x,y", 40, line), "y"));
        assert!(text.contains(&format!("`{value}` is not a number")), "{text}");
    }
}

#[test]
fn what_is_declared_is_not_inferred() {
    let text = csv("zone,name,note,y", 60, |row| {
        format!("{},{},{row}.5,{}", row % 5, ["a", "b"][row % 2], row % 2)
    });
    let columns = BTreeMap::from([("zone".into(), Kind::Category), ("name".into(), Kind::Text)]);
    let drop = vec!["note".to_string()];
    let options = Options { target: Some("y".into()), columns, drop, ..Options::default() };
    let dataset = from_csv("t.csv", text.as_bytes(), &options).unwrap();
    assert_eq!(dataset.input.features, ["zone=0", "zone=1", "zone=2", "zone=3", "zone=4"]);
    assert_eq!(reason(&schema(&dataset).column("note").unwrap().role), "asked for");
}

#[test]
fn declaring_a_column_that_is_not_there_offers_the_nearest() {
    let options = Options { drop: vec!["noet".into()], ..Options::default() };
    let text = csv("note,y", 40, |row| format!("{row}.5,{}", row % 2));
    let text = message(from_csv("t.csv", text.as_bytes(), &options));
    assert!(text.contains("there is no column `noet`"), "{text}");
    assert!(text.contains("did you mean `note`?"), "{text}");
}

#[test]
fn the_description_has_a_line_for_each_column() {
    let text = csv("size,name,y", 30, |row| format!("{row}.25,n{row},{}", ["a", "b"][row % 2]));
    let description = schema(&table_of(&text, "y").unwrap()).describe();
    let lines: Vec<&str> = description.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("column  type      missing  distinct  example"));
    assert!(lines[1].starts_with("size    number          0        30  0.25"));
    assert!(lines[2].contains("dropped: an identifier or free text"));
    assert!(lines[3].ends_with("target"));
}

#[test]
fn a_schema_survives_json() {
    let iris = schema(&glassbox::data::iris());
    let text = serde_json::to_string(&iris).unwrap();
    assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), iris);
}
