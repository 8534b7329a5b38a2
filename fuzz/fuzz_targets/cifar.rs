//! Any bytes as a file of CIFAR, the first byte saying of which: a dataset whose rows are whole images, or
//! an error, never a panic.
//!
//! Run with `cargo +nightly fuzz run cifar`.
#![no_main]

use glassbox::data::{Options, load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let name = ["data_batch_1.bin", "train.bin"][usize::from(*kind) % 2];
    // Bytes repeated make whole records more often than chance.
    let record = [3073, 3074][usize::from(*kind) % 2];
    let rows = usize::from(*kind) / 2;
    let whole: Vec<u8> = bytes.iter().copied().cycle().take(record * rows).collect();
    let bytes = if rows > 0 && !bytes.is_empty() { &whole[..] } else { bytes };
    std::fs::write(folder.path().join(name), bytes).expect("the file can be written");
    std::fs::write(folder.path().join("batches.meta.txt"), bytes).expect("the file can be written");
    match load(folder.path(), &Options::default()) {
        Ok(dataset) => assert_eq!(dataset.train.width(), 3072),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
