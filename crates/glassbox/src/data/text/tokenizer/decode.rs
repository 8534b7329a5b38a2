//! From ids back to text, one by one.

use super::pieces::spaced;
use super::{Model, Tokenizer};

/// Decodes ids as they come: holds a character's bytes back until it is whole.
///
/// ```
/// use glassbox::data::text::{Tokenizer, TokenizerKind};
/// let tokenizer = Tokenizer::train(&TokenizerKind::Bpe, ["hello"], 256, &[])?;
/// let ids = tokenizer.encode("한!"); // Three bytes and one.
/// let mut decoder = tokenizer.decoder();
/// let shown: Vec<Option<String>> = ids.iter().map(|id| decoder.push(*id)).collect();
/// assert_eq!(shown, [None, None, Some("한".into()), Some("!".into())]);
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder<'t> {
    tokenizer: &'t Tokenizer,
    /// Bytes of a character that is not whole yet.
    bytes: Vec<u8>,
    /// The word before.
    before: Option<&'t str>,
    /// Ids of a published tokeniser that are not done with, and how many of them were shown.
    #[cfg(feature = "tokenizers")]
    ids: (Vec<u32>, usize),
}

impl<'t> Decoder<'t> {
    pub(super) fn new(tokenizer: &'t Tokenizer) -> Self {
        Decoder {
            tokenizer,
            bytes: Vec::new(),
            before: None,
            #[cfg(feature = "tokenizers")]
            ids: Default::default(),
        }
    }

    /// The text that one more id brings; none where it shows nothing yet.
    pub fn push(&mut self, id: u32) -> Option<String> {
        if self.tokenizer.is_silent(id) {
            return None;
        }
        let text = match &self.tokenizer.model {
            Model::Character { units, .. } => self.name_or(id, units.text(id)).to_string(),
            Model::Word { units, .. } => {
                let word = self.name_or(id, units.text(id));
                let space = self.before.is_some_and(|before| spaced(before, word));
                self.before = Some(word);
                format!("{}{word}", if space { " " } else { "" })
            }
            Model::Bpe(bpe) => match bpe.bytes(id) {
                Some(bytes) => {
                    self.bytes.extend_from_slice(bytes);
                    whole_characters(&mut self.bytes)
                }
                None => self.rest() + self.name_or(id, None),
            },
            #[cfg(feature = "tokenizers")]
            Model::Published(published) => {
                let (ids, shown) = &mut self.ids;
                ids.push(id);
                let before = published.decode(ids.get(..*shown).unwrap_or(&[]));
                let all = published.decode(ids);
                match all.get(before.len()..) {
                    Some(new) if !new.is_empty() && !all.ends_with(char::REPLACEMENT_CHARACTER) => {
                        let new = new.to_string();
                        // What comes next may depend on these, not on what was before them.
                        ids.drain(..*shown);
                        *shown = ids.len();
                        new
                    }
                    _ => String::new(),
                }
            }
        };
        (!text.is_empty()).then_some(text)
    }

    /// What was held back: U+FFFD for a character that never became whole, else nothing.
    pub fn finish(mut self) -> String {
        #[cfg(feature = "tokenizers")]
        if let Model::Published(published) = &self.tokenizer.model {
            let (ids, shown) = &self.ids;
            let before = published.decode(ids.get(..*shown).unwrap_or(&[])).len();
            return published.decode(ids).get(before..).unwrap_or("").to_string();
        }
        self.rest()
    }

    /// U+FFFD where bytes were held back.
    fn rest(&mut self) -> String {
        let rest = String::from_utf8_lossy(&self.bytes).into_owned();
        self.bytes.clear();
        rest
    }

    /// A unit's text, or the name of a special token that is shown, which others than these are not.
    fn name_or(&self, id: u32, text: Option<&'t str>) -> &'t str {
        let tokenizer = self.tokenizer;
        text.or_else(|| tokenizer.specials.get(id as usize).map(String::as_str)).unwrap_or("")
    }
}

/// Takes the whole characters off the front of bytes; what can be none is U+FFFD.
fn whole_characters(bytes: &mut Vec<u8>) -> String {
    let mut text = String::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let (valid, broken) = match std::str::from_utf8(rest) {
            Ok(whole) => (whole.len(), Some(0)),
            Err(error) => (error.valid_up_to(), error.error_len()),
        };
        text.push_str(&String::from_utf8_lossy(rest.get(..valid).unwrap_or(&[])));
        at += valid;
        match broken {
            Some(0) => {}
            Some(length) => {
                text.push(char::REPLACEMENT_CHARACTER);
                at += length;
            }
            None => break,
        }
    }
    bytes.drain(..at);
    text
}
