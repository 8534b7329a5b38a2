//! Any lines as a column of dates: finite numbers or an error that names rows, never a panic; the
//! rows that are read are prepared to the same numbers alone as together.
//!
//! Run with `cargo +nightly fuzz run date`.
#![no_main]

use glassbox::data::{Dataset, Kind, Options, RawTable};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let rows: Vec<Vec<&str>> =
        text.lines().zip(["1", "2", "4"].iter().cycle()).map(|(line, y)| vec![line, y]).collect();
    let Ok(table) = RawTable::from_rows(&["when", "y"], &rows) else { return };
    let options = Options {
        columns: [("when".into(), Kind::Date), ("y".into(), Kind::Number)].into(),
        target: Some("y".into()),
        ..Options::default()
    };
    match Dataset::from_table(&table, &options) {
        Ok(dataset) => {
            let all = dataset.preparation.apply(&table).expect("it was fitted on this table");
            assert!(all.matrix.iter().all(|x| x.is_finite()));
            let last = vec![rows[rows.len() - 1].clone()];
            let alone = RawTable::from_rows(&["when", "y"], &last).expect("a row");
            let alone = dataset.preparation.apply(&alone).expect("it was prepared before");
            assert_eq!(alone.matrix, all.matrix[all.matrix.len() - alone.matrix.len()..]);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
