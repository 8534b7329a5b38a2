//! Learns a vocabulary from text.

use super::bpe::Bpe;
use super::merges;
use super::pieces::{cased, composed, pieces, words};
use super::seams::Seams;
use super::units::{Counts, Units};
use super::{Model, Tokenizer};
use crate::data::error::{DataError, Place, quoted};

/// The kinds of tokenisers that can be trained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenizerKind {
    /// Each character (Unicode scalar value, so a Hangul syllable is one) is a token.
    Character {
        /// Whether upper-case letters become lower-case ones.
        lowercase: bool,
    },
    /// Each word, each sign between words and each end of a line is a token, the most frequent
    /// ones first. Spaces are not kept: decoding puts them as written text has them.
    Word {
        /// Whether upper-case letters become lower-case ones.
        lowercase: bool,
    },
    /// Byte-pair encoding (Sennrich et al., 2016) on UTF-8 bytes, within words as GPT-2 cuts them:
    /// frequent words are one token, rare ones several, and there is no text that has none.
    Bpe,
}

impl TokenizerKind {
    /// The words that stand for the kinds in a configuration.
    pub const WORDS: [&'static str; 3] = ["character", "word", "bpe"];

    /// The kind that a word stands for; characters and words keep their upper-case letters.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "character" => Some(TokenizerKind::Character { lowercase: false }),
            "word" => Some(TokenizerKind::Word { lowercase: false }),
            "bpe" => Some(TokenizerKind::Bpe),
            _ => None,
        }
    }

    /// The word that stands for it in a configuration.
    pub fn word(&self) -> &'static str {
        match self {
            TokenizerKind::Character { .. } => "character",
            TokenizerKind::Word { .. } => "word",
            TokenizerKind::Bpe => "bpe",
        }
    }
}

/// The most tokens that a vocabulary has: ids stay exact in `f32`.
const MOST: usize = 1 << 24;

/// Learns a vocabulary from texts that come one by one.
///
/// ```
/// use glassbox::data::text::{TokenizerKind, TokenizerTrainer};
/// let kind = TokenizerKind::Word { lowercase: true };
/// let mut trainer = TokenizerTrainer::new(kind, &["<pad>", "<unk>"])?;
/// for line in ["The cat.", "the hat!"] {
///     trainer.add(line);
/// }
/// let tokenizer = trainer.finish(4)?;
/// assert_eq!(tokenizer.encode("The dog!"), [2, 1, 3]); // the, unknown, !
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TokenizerTrainer {
    kind: TokenizerKind,
    specials: Vec<String>,
    counts: Counts,
}

impl TokenizerTrainer {
    /// Starts with no text; `specials` get the first ids.
    ///
    /// # Errors
    /// A special token that is empty or named twice.
    pub fn new(kind: TokenizerKind, specials: &[&str]) -> Result<Self, DataError> {
        for (i, name) in specials.iter().enumerate() {
            if name.is_empty() || specials.iter().take(i).any(|before| before == name) {
                let what = format!("the special token {} is empty or comes twice", quoted(name));
                return Err(wrong(what, "name each special token once"));
            }
        }
        let specials = specials.iter().map(|name| name.to_string()).collect();
        Ok(TokenizerTrainer { kind, specials, counts: Counts::default() })
    }

    /// Counts what a text is made of.
    pub fn add(&mut self, text: &str) {
        let text = composed(text);
        match &self.kind {
            TokenizerKind::Character { lowercase } => {
                cased(&text, *lowercase).for_each(|c| self.counts.add_character(c));
            }
            TokenizerKind::Word { lowercase: false } => {
                words(&text).for_each(|word| self.counts.add(word));
            }
            TokenizerKind::Word { lowercase: true } => {
                words(&text).for_each(|word| self.counts.add(&word.to_lowercase()));
            }
            TokenizerKind::Bpe => pieces(&text).for_each(|piece| self.counts.add(piece)),
        }
    }

    /// Where a text may be cut into parts that count as the whole does.
    pub(in crate::data::text) fn seams(&self) -> Seams {
        match self.kind {
            TokenizerKind::Character { .. } => Seams::Characters,
            TokenizerKind::Word { .. } => Seams::Words,
            TokenizerKind::Bpe => Seams::Pieces,
        }
    }

    /// Whether a text has characters that no text so far had.
    pub(in crate::data::text) fn lacks(&self, text: &str) -> bool {
        let TokenizerKind::Character { lowercase } = self.kind else { return false };
        cased(&composed(text), lowercase).any(|c| !self.counts.has_character(c))
    }

    /// One more special token, which gets the next id.
    pub(in crate::data::text) fn add_special(&mut self, name: &str) {
        if !self.specials.iter().any(|known| known == name) {
            self.specials.push(name.into());
        }
    }

    /// Makes a vocabulary of at most `vocabulary` tokens, special ones included; it has fewer
    /// where the text has no more. Of what comes equally often, what sorts first is taken.
    ///
    /// # Errors
    /// No text, a vocabulary too small for the special tokens or (byte pairs) for the 256 bytes
    /// beside them.
    pub fn finish(self, vocabulary: usize) -> Result<Tokenizer, DataError> {
        let TokenizerTrainer { kind, specials, counts } = self;
        let needed = match kind {
            TokenizerKind::Bpe => specials.len() + 256,
            _ => specials.len() + 1,
        };
        let Some(room) = vocabulary.min(MOST).checked_sub(needed) else {
            let parts = match kind {
                TokenizerKind::Bpe => "the 256 bytes",
                _ => "one more",
            };
            let what = format!(
                "a vocabulary of {vocabulary} has no room for {} special tokens and {parts}",
                specials.len()
            );
            return Err(wrong(what, format!("take a vocabulary of at least {needed}")));
        };
        let counted = counts.by_frequency();
        if counted.is_empty() {
            let what = "there is no text to learn a vocabulary from";
            return Err(wrong(what, "check the file, the column and the split"));
        }
        let first = specials.len() as u32;
        let most_frequent = counted.iter().take(room + 1).map(|(text, _)| text.clone());
        let model = match kind {
            TokenizerKind::Character { lowercase } => {
                let mut characters: Vec<String> = most_frequent.collect();
                characters.sort_unstable();
                Units::new(characters, first).map(|units| Model::Character { units, lowercase })
            }
            TokenizerKind::Word { lowercase } => Units::new(most_frequent.collect(), first)
                .map(|units| Model::Word { units, lowercase }),
            TokenizerKind::Bpe => {
                Bpe::new(merges::learn(&counted, room, first), first).map(Model::Bpe)
            }
        };
        let model = model.ok_or_else(|| wrong("the vocabulary holds a token twice", ""))?;
        Ok(Tokenizer { specials, model })
    }
}

fn wrong(what: impl Into<String>, cure: impl Into<String>) -> DataError {
    DataError::new(Place::default(), what, cure)
}
