//! Any bytes as a safetensors file: arrays or an error, never a panic; what loads is written as a
//! file that loads to the same value.
//!
//! Run with `cargo +nightly fuzz run safetensors`.
#![no_main]

use glassbox::io::safetensors::{from_bytes, to_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match from_bytes(bytes) {
        Ok((parameters, metadata)) => {
            let written = to_bytes(&parameters, &metadata);
            let (back, said) = from_bytes(&written).expect("it was just written");
            assert_eq!(said, metadata);
            // Bytes, not values, are compared: a NaN is to come back with its bits.
            assert_eq!(to_bytes(&back, &said), written);
            let shape = |(path, array): (&str, &glassbox::engine::Array)| {
                (path.to_owned(), array.shape().clone(), array.dtype())
            };
            assert!(parameters.iter().map(shape).eq(back.iter().map(shape)));
        }
        Err(error) => assert!(!error.is_empty()),
    }
});
