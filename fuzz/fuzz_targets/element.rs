//! Any text as the name of an element: what is read prints as a name that is read as the same.
//!
//! Run with `cargo +nightly fuzz run element`.
#![no_main]

use glassbox::watch::Element;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(element) = Element::parse(text) {
        assert_eq!(Element::parse(&element.to_string()), Some(element));
    }
});
