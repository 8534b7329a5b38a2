//! Any bytes as JSON lines: data or an error, never a panic; what was loaded can be prepared again.
//!
//! Run with `cargo +nightly fuzz run jsonl`.
#![no_main]

use glassbox::data::{Dataset, Description, Options, RawTable};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let table = match RawTable::from_bytes("fuzz.jsonl", bytes) {
        Ok(table) => table,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    // The least memory, so that the temporary file is read, too.
    let options = Options { memory: 0, ..Options::default() };
    match Dataset::from_table(&table, &options) {
        Ok(dataset) => {
            // Rows without a target were left out, and may hold what cannot be prepared.
            match dataset.preparation.apply(&table) {
                Ok(prepared) => assert!(prepared.matrix.iter().all(|x| x.is_finite())),
                Err(error) => {
                    let parts = [&dataset.train, &dataset.valid, &dataset.test];
                    let kept: usize = parts.iter().map(|part| part.len()).sum();
                    assert!(kept < table.rows(), "{error}");
                }
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Err(error) = Description::of_table(&table, &options) {
        assert!(!error.to_string().is_empty());
    }
});
