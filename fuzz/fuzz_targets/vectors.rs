//! A byte that says of which format, then any bytes as a file of word vectors: vectors or an error, never a
//! panic; what is read is written as a file that is read as the same.
//!
//! Run with `cargo +nightly fuzz run vectors`.
#![no_main]

use glassbox::word2vec::WordVectors;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join(["fuzz.txt", "fuzz.bin"][usize::from(*kind) % 2]);
    std::fs::write(&file, bytes).expect("the file can be written");
    match WordVectors::load(&file) {
        Ok(vectors) => {
            let binary = vectors.to_binary();
            let again = folder.path().join("again.bin");
            std::fs::write(&again, &binary).expect("the file can be written");
            if let Ok(again) = WordVectors::load(&again) {
                // Bytes, not values, are compared: a NaN is to come back with its bits.
                assert_eq!(again.to_binary(), binary);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
