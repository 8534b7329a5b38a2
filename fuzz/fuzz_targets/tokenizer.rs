//! Any bytes as a tokeniser, a zero byte and a text: a tokeniser or an error, never a panic; what is read
//! is written and read as the same, and what it makes of the text can be decoded.
//!
//! Run with `cargo +nightly fuzz run tokenizer`.
#![no_main]

use glassbox::data::text::Tokenizer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (Some(json), Some(text)) = (parts.next(), parts.next()) else { return };
    let Ok(tokenizer) = serde_json::from_slice::<Tokenizer>(json) else { return };
    let written = serde_json::to_string(&tokenizer).expect("it is plain data");
    assert_eq!(serde_json::from_str::<Tokenizer>(&written).expect("just written"), tokenizer);
    let text = String::from_utf8_lossy(text);
    let ids = tokenizer.encode(&text);
    assert!(ids.iter().all(|id| (*id as usize) < tokenizer.vocabulary()));
    tokenizer.decode(&ids);
});
