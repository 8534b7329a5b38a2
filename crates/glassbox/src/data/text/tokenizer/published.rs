//! Published tokenisers, through Hugging Face's library.

use serde_json::Value;

use super::bpe::byte_order;
use super::readable;

/// A tokeniser that others have published, as its `tokenizer.json` describes it.
#[derive(Clone, Debug)]
pub(super) struct Published {
    pub(super) json: Value,
    inner: tokenizers::Tokenizer,
    vocabulary: usize,
    /// Whether tokens are bytes written in printable characters.
    byte_level: bool,
}

impl PartialEq for Published {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl Published {
    pub(super) fn new(mut json: Value) -> Result<Self, String> {
        let refused = |error| format!("is not a tokeniser: {error}");
        // Rows are cut and filled where they are made.
        for key in ["truncation", "padding"] {
            if let Some(setting) = json.get_mut(key) {
                *setting = Value::Null;
            }
        }
        let inner: tokenizers::Tokenizer = json.to_string().parse().map_err(refused)?;
        let last = inner.get_vocab(true).into_values().max();
        let vocabulary = last.map_or(0, |id| id as usize + 1);
        let decoder = json.get("decoder").unwrap_or(&Value::Null);
        let parts = decoder.get("decoders").and_then(Value::as_array);
        let is_bytes = |part: &Value| part.get("type").is_some_and(|kind| kind == "ByteLevel");
        let byte_level = is_bytes(decoder) || parts.is_some_and(|all| all.iter().any(is_bytes));
        Ok(Published { json, inner, vocabulary, byte_level })
    }

    pub(super) fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    pub(super) fn encode(&self, text: &str, ids: &mut Vec<u32>) {
        // Only a word-piece vocabulary without its unknown token fails: such words have no ids.
        if let Ok(encoding) = self.inner.encode_fast(text, false) {
            ids.extend_from_slice(encoding.get_ids());
        }
    }

    pub(super) fn decode(&self, ids: &[u32]) -> String {
        self.inner.decode(ids, false).unwrap_or_default()
    }

    pub(super) fn special(&self, name: &str) -> Option<u32> {
        self.inner.token_to_id(name)
    }

    pub(super) fn token(&self, id: u32) -> String {
        let token = self.inner.id_to_token(id).unwrap_or_default();
        match self.byte_level.then(|| bytes_of(&token)).flatten() {
            Some(bytes) => readable(&bytes).into_owned(),
            None => token,
        }
    }

    pub(super) fn id(&self, token: &str) -> Option<u32> {
        let shown = || (0..self.vocabulary as u32).find(|id| self.token(*id) == token);
        self.inner.token_to_id(token).or_else(shown)
    }
}

/// The bytes that GPT-2 writes as these characters: printable ones are themselves, the others
/// come in their order from U+0100 on.
fn bytes_of(token: &str) -> Option<Vec<u8>> {
    let others: Vec<u8> = byte_order().skip(188).collect();
    let byte = |c: char| match u32::from(c).checked_sub(0x100) {
        Some(at) => others.get(at as usize).copied(),
        None => u8::try_from(c).ok().filter(|byte| !others.contains(byte)),
    };
    token.chars().map(byte).collect()
}
