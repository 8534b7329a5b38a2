//! Any bytes as an archive of images, the first byte saying of which kind: a dataset or an error, never
//! a panic.
//!
//! Run with `cargo +nightly fuzz run archive`.
#![no_main]

use glassbox::data::{Options, load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let name = ["fuzz.tar", "fuzz.tar.gz", "fuzz.zip"][usize::from(*kind) % 3];
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).expect("the file can be written");
    match load(&file, &Options { threads: Some(1), ..Options::default() }) {
        Ok(dataset) => assert!(!dataset.train.is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
