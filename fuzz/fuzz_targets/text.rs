//! A byte that says how to read it, then any bytes as a text: rows of tokens or an error, never a panic;
//! what a tokeniser that was learned from it makes of it comes back.
//!
//! Run with `cargo +nightly fuzz run text`.
#![no_main]

use glassbox::data::text::Documents;
use glassbox::data::{Options, TextOptions, from_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let tokenizer = ["character", "word", "bpe"][usize::from(how) % 3];
    let text_options = TextOptions {
        tokenizer: Some(tokenizer.to_owned()),
        vocabulary: Some(300),
        context: Some(1 + usize::from(how >> 4)),
        lower: how & 8 != 0,
        documents: if how & 4 != 0 { Documents::Lines } else { Documents::File },
        ..TextOptions::default()
    };
    // The least memory, so that the temporary file is read, too.
    let options = Options { text: text_options, memory: 0, ..Options::default() };
    match from_text("fuzz", text, &options) {
        Ok(dataset) => {
            let mut row = vec![0.0; dataset.train.width()];
            for at in 0..dataset.train.len() {
                dataset.train.gather_inputs(&[at], &mut row).expect("the file is still there");
                assert!(row.iter().all(|id| *id >= 0.0 && id.fract() == 0.0));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
