//! Any bytes as an IDX file, gzipped or not: what its header says or an error, never a panic.
//!
//! Run with `cargo +nightly fuzz run idx`.
#![no_main]

use glassbox::data::Idx;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Idx::from_bytes("fuzz.idx", bytes) {
        Ok(idx) => assert_eq!(idx.shape.iter().product::<usize>(), idx.bytes.len()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
