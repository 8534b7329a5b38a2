//! Any bytes as a CSV file: data or an error, never a panic; what was loaded can be prepared again.
//!
//! Run with `cargo +nightly fuzz run csv`.
#![no_main]

use glassbox::data::{Options, RawTable, from_csv};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match from_csv("fuzz.csv", bytes, &Options::default()) {
        Ok(dataset) => {
            let table = RawTable::from_bytes("fuzz.csv", bytes).expect("it was just read");
            // Rows without a target were left out, and may hold what cannot be prepared.
            match dataset.preparation.apply(&table) {
                Ok(prepared) => assert!(prepared.matrix.iter().all(|x| x.is_finite())),
                Err(error) => {
                    let parts = [&dataset.train, &dataset.valid, &dataset.test];
                    let kept: usize = parts.iter().map(|part| part.len()).sum();
                    assert!(kept < table.rows(), "{error}");
                }
            }
            dataset.schema.expect("a table has a schema").describe();
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
