//! Reads tokenisers from files: this library's own and published ones.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::form::Form;
use super::{Special, Tokenizer};
use crate::data::error::{DataError, Place};

#[cfg(not(feature = "tokenizers"))]
pub(super) const WITHOUT: &str =
    "published tokenisers need the feature `tokenizers`, which this build does not have";

const CURE: &str = "name a tokenizer.json, or a folder with tokenizer.json, with vocab.json and \
                    merges.txt (GPT-2), or with vocab.txt (BERT)";

pub(super) fn load(path: &Path) -> Result<Tokenizer, DataError> {
    let place = Place::file(path.display().to_string());
    let wrong = |what: String| DataError::new(place.clone(), what, CURE);
    let published =
        |tokenizer: Value| Tokenizer::try_from(Form::Published { tokenizer }).map_err(wrong);
    if !path.is_dir() {
        let value = json_file(path)?;
        return match value.get("kind").is_some() {
            true => serde_json::from_value(value)
                .map_err(|error| wrong(format!("is not a tokeniser: {error}"))),
            false => published(value),
        };
    }
    let file = |name: &str| Some(path.join(name)).filter(|file| file.is_file());
    if let Some(file) = file("tokenizer.json") {
        return load(&file);
    }
    if let (Some(vocabulary), Some(merges)) = (file("vocab.json"), file("merges.txt")) {
        return published(gpt2(json_file(&vocabulary)?, &text_file(&merges)?));
    }
    if let Some(vocabulary) = file("vocab.txt") {
        let settings = file("tokenizer_config.json").map(|file| json_file(&file)).transpose()?;
        return published(bert(&text_file(&vocabulary)?, &settings.unwrap_or_default()));
    }
    Err(wrong("holds no tokeniser".into()))
}

fn text_file(path: &Path) -> Result<String, DataError> {
    let place = || Place::file(path.display().to_string());
    let bytes = std::fs::read(path)
        .map_err(|error| DataError::new(place(), format!("cannot be read: {error}"), CURE))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        DataError::new(place(), format!("is not UTF-8 at byte {at}"), CURE)
    })
}

fn json_file(path: &Path) -> Result<Value, DataError> {
    serde_json::from_str(&text_file(path)?).map_err(|error| {
        let place = Place::file(path.display().to_string());
        DataError::new(place, format!("is not JSON: {error}"), CURE)
    })
}

/// The `tokenizer.json` of GPT-2's two files: a vocabulary of byte pairs written in printable
/// characters, and the merges, one a line.
fn gpt2(vocabulary: Value, merges: &str) -> Value {
    let merges: Vec<&str> = merges
        .lines()
        .filter(|line| !line.starts_with("#version") && !line.trim().is_empty())
        .collect();
    let bytes = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true
    });
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added(&vocabulary),
        "normalizer": null,
        "pre_tokenizer": bytes,
        "post_processor": null,
        "decoder": bytes,
        "model": { "type": "BPE", "vocab": vocabulary, "merges": merges },
    })
}

/// The `tokenizer.json` of BERT's list of word pieces, one a line.
fn bert(vocabulary: &str, settings: &Value) -> Value {
    let lowercase = settings.get("do_lower_case").and_then(Value::as_bool).unwrap_or(true);
    let tokens: Map<String, Value> = vocabulary
        .lines()
        .zip(0u32..)
        .map(|(token, id)| (token.trim_end().to_string(), Value::from(id)))
        .collect();
    let vocabulary = Value::Object(tokens);
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added(&vocabulary),
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": settings.get("strip_accents"), "lowercase": lowercase
        },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": null,
        "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary
        },
    })
}

/// The special tokens of a vocabulary, found by their names.
fn added(vocabulary: &Value) -> Vec<Value> {
    let names = Special::ALL.into_iter().flat_map(|special| special.names().iter().copied());
    let mut added: Vec<(u64, &str)> =
        names.filter_map(|name| Some((vocabulary.get(name)?.as_u64()?, name))).collect();
    added.sort_unstable();
    added.dedup();
    let token = |(id, name): (u64, &str)| {
        json!({
            "id": id, "content": name, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true
        })
    };
    added.into_iter().map(token).collect()
}
