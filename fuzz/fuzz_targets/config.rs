//! Any text as a configuration with overrides: a value or an error in words, never a panic; what
//! loads is written as a file that loads to the same value.
//!
//! The input is the file, then the overrides, each after a zero byte.
//!
//! Run with `cargo +nightly fuzz run config`.
#![no_main]

use glassbox::train::config::RunConfig;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split('\0');
    let file = parts.next().unwrap_or_default();
    let overrides: Vec<String> = parts.map(str::to_owned).collect();
    match RunConfig::from_toml(file, &overrides) {
        Ok(config) => {
            let written = config.to_toml();
            let back = RunConfig::from_toml(&written, &[]);
            assert_eq!(back.as_ref(), Ok(&config), "written as\n{written}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
