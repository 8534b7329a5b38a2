//! Any lines as `--set` overrides of a whole configuration: what they make is written as a file that
//! loads to the same value, or an error in words; never a panic.
//!
//! Run with `cargo +nightly fuzz run overrides`.
#![no_main]

use glassbox::train::config::RunConfig;
use libfuzzer_sys::fuzz_target;

const FILES: [&str; 2] =
    [include_str!("../seeds/config/full.toml"), include_str!("../seeds/layers/residual.toml")];

fuzz_target!(|text: &str| {
    let overrides: Vec<String> = text.lines().map(str::to_owned).collect();
    for file in FILES {
        match RunConfig::from_toml(file, &overrides) {
            Ok(config) => {
                let written = config.to_toml();
                let back = RunConfig::from_toml(&written, &[]);
                assert_eq!(back.as_ref(), Ok(&config), "written as\n{written}");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
