//! Any bytes as an image in a folder of images: a dataset with it or without it, never a panic, and the
//! same whatever the number of threads.
//!
//! Run with `cargo +nightly fuzz run images`.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use glassbox::data::{Options, load};
use libfuzzer_sys::fuzz_target;

/// A folder of two classes that can be read, beside which the image is put.
static FOLDER: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // The smallest bitmap: 1 × 1, 24 bits.
    let bitmap = |shade: u8| {
        let mut bytes = b"BM".to_vec();
        for number in [58u32, 0, 54, 40, 1, 1] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend([1, 0, 24, 0]);
        bytes.extend([0; 24]);
        bytes.extend([shade, 0, 0, 0]);
        bytes
    };
    for class in ["a", "b"] {
        std::fs::create_dir(folder.path().join(class)).expect("a folder");
        for shade in 0..3 {
            let file = folder.path().join(class).join(format!("{shade}.bmp"));
            std::fs::write(file, bitmap(shade)).expect("a file");
        }
    }
    let file = folder.path().join("a").join("fuzz.png");
    (folder, file)
});

fuzz_target!(|bytes: &[u8]| {
    let (folder, file) = &*FOLDER;
    std::fs::write(file, bytes).expect("the file can be written");
    let with = |threads, memory| {
        let options = Options { threads: Some(threads), memory, ..Options::default() };
        load(folder.path(), &options).expect("the other images are fine")
    };
    let (one, other) = (with(1, 0), with(2, 1 << 20));
    assert_eq!((&one.fingerprint, &one.preparation), (&other.fingerprint, &other.preparation));
    let facts = one.images.expect("facts of images");
    assert_eq!(facts.images + facts.skipped.len(), 7);
    let mut numbers = vec![0.0; one.train.width()];
    for row in 0..one.train.len() {
        one.train.gather_inputs(&[row], &mut numbers).expect("a row");
        assert!(numbers.iter().all(|x| x.is_finite()));
    }
});
