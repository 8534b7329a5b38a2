//! Any bytes as the configuration of a published model, a zero byte and its arrays: a model or an error,
//! never a panic, and nothing that does not fit in memory is asked for.
//!
//! Run with `cargo +nightly fuzz run published -- -rss_limit_mb=2048`.
#![no_main]

use glassbox::io::published::Published;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (Some(config), Some(arrays)) = (parts.next(), parts.next()) else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("config.json"), config).expect("the file can be written");
    std::fs::write(folder.path().join("model.safetensors"), arrays).expect("the file can be written");
    if let Err(error) = Published::load(folder.path()) {
        assert!(!error.to_string().is_empty());
    }
});
