//! Any JSON as a preparation, applied to any table: numbers or an error in words, never a panic; a
//! preparation that was read or fitted is written and read as the same value.
//!
//! The input is the preparation, a zero byte, and a CSV file.
//!
//! Run with `cargo +nightly fuzz run preparation`.
#![no_main]

mod json;

use glassbox::data::{Options, Preparation, RawTable, from_csv};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let csv = bytes.get(end + 1..).unwrap_or_default();
    if let Ok(dataset) = from_csv("fuzz.csv", csv, &Options::default()) {
        comes_back(&dataset.preparation);
    }
    let Ok(preparation) = serde_json::from_slice::<Preparation>(&bytes[..end]) else { return };
    comes_back(&preparation);
    preparation.feature_names();
    preparation.input_shape();
    let _ = preparation.apply_pixels(csv);
    let _ = preparation.apply_values(&[0.5; 12]);
    let Ok(table) = RawTable::from_bytes("fuzz.csv", csv) else { return };
    match preparation.apply(&table) {
        Ok(prepared) => {
            assert_eq!(prepared.matrix.len(), prepared.rows * prepared.features);
            assert_eq!(preparation.feature_names().len(), prepared.features);
            assert!(prepared.matrix.iter().all(|x| x.is_finite()));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Err(error) = preparation.targets(&table) {
        assert!(!error.to_string().is_empty());
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    json::mutate(data, size, max_size, seed)
});

fn comes_back(preparation: &Preparation) {
    let text = serde_json::to_string(preparation).expect("a preparation can be written");
    let back: Preparation = serde_json::from_str(&text).expect("it was just written");
    assert_eq!(back, *preparation);
}
