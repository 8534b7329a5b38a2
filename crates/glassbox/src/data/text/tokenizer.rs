//! Tokenisers: text to whole numbers and back.

mod bpe;
mod decode;
mod form;
mod load;
mod merges;
mod pieces;
#[cfg(feature = "tokenizers")]
mod published;
mod seams;
mod train;
mod units;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use self::bpe::Bpe;
use self::form::Form;
pub(crate) use self::pieces::words;
use self::pieces::{cased, composed, pieces};
use self::units::Units;
use crate::data::error::DataError;

pub use self::decode::Decoder;
pub(super) use self::seams::Seams;
pub use self::train::{TokenizerKind, TokenizerTrainer};

/// Turns text into token ids and token ids into text.
///
/// Those trained here first bring text into Unicode's normal form C, so that what one sees as one
/// letter is one character: decomposed Hangul is composed. Special tokens have the first ids.
/// It is plain data; its JSON (`{"kind": "bpe", …}`) holds the whole vocabulary.
///
/// ```
/// use glassbox::data::text::{Special, Tokenizer, TokenizerKind};
/// let texts = ["low low low low low", "lower lower newest newest newest widest"];
/// let tokenizer = Tokenizer::train(&TokenizerKind::Bpe, texts, 266, &["<pad>", "<eos>"])?;
/// let ids = tokenizer.encode("the lowest 가");
/// assert_eq!(tokenizer.decode(&ids), "the lowest 가");
/// assert_eq!(tokenizer.special(Special::End), Some(1));
/// let json = serde_json::to_string(&tokenizer)?;
/// assert_eq!(serde_json::from_str::<Tokenizer>(&json)?, tokenizer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Tokenizer {
    /// The special tokens of a tokeniser trained here; those of a published one are its own.
    specials: Vec<String>,
    model: Model,
}

#[derive(Clone, Debug, PartialEq)]
enum Model {
    Character {
        units: Units,
        lowercase: bool,
    },
    Word {
        units: Units,
        lowercase: bool,
    },
    Bpe(Bpe),
    #[cfg(feature = "tokenizers")]
    Published(Box<published::Published>),
}

/// The parts that special tokens play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// Fills a row where there is no text.
    Pad,
    /// Stands for what the vocabulary does not have.
    Unknown,
    /// Begins a text.
    Start,
    /// Ends a text.
    End,
    /// Hides a token that is to be found (BERT).
    Mask,
    /// Separates two texts (BERT).
    Separator,
    /// Stands for the whole text (BERT).
    Class,
}

impl Special {
    /// Every part.
    pub const ALL: [Special; 7] = [
        Special::Pad,
        Special::Unknown,
        Special::Start,
        Special::End,
        Special::Mask,
        Special::Separator,
        Special::Class,
    ];

    /// The tokens that play this part, ours first, then those of published tokenisers.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Special::Pad => &["<pad>", "[PAD]", "<|pad|>"],
            Special::Unknown => &["<unk>", "[UNK]"],
            Special::Start => &["<sos>", "<s>", "<|startoftext|>", "<|endoftext|>"],
            Special::End => &["<eos>", "</s>", "<|endoftext|>"],
            Special::Mask => &["<mask>", "[MASK]"],
            Special::Separator => &["<sep>", "[SEP]"],
            Special::Class => &["<cls>", "[CLS]"],
        }
    }
}

impl Tokenizer {
    /// Learns a vocabulary of at most `vocabulary` tokens, special ones included, from texts. The
    /// special tokens get the first ids, in their order. See [`TokenizerTrainer`] for texts that
    /// come one by one.
    ///
    /// # Errors
    /// No text, a special token named twice, a vocabulary too small for the special tokens or
    /// (byte pairs) for the 256 bytes beside them.
    pub fn train<T: AsRef<str>>(
        kind: &TokenizerKind,
        texts: impl IntoIterator<Item = T>,
        vocabulary: usize,
        specials: &[&str],
    ) -> Result<Self, DataError> {
        let mut trainer = TokenizerTrainer::new(kind.clone(), specials)?;
        texts.into_iter().for_each(|text| trainer.add(text.as_ref()));
        trainer.finish(vocabulary)
    }

    /// Reads a tokeniser from a file of this library's, or a published one: a `tokenizer.json`
    /// of Hugging Face, or a folder with it, with GPT-2's `vocab.json` and `merges.txt`, or with
    /// BERT's `vocab.txt`. Published ones need the feature `tokenizers`.
    ///
    /// # Errors
    /// Files that are missing, cannot be read or are no tokenisers.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, DataError> {
        load::load(path.as_ref())
    }

    /// What kind it is: `character`, `word`, `bpe` or `published`.
    pub fn kind(&self) -> &'static str {
        match &self.model {
            Model::Character { .. } => "character",
            Model::Word { .. } => "word",
            Model::Bpe(_) => "bpe",
            #[cfg(feature = "tokenizers")]
            Model::Published(_) => "published",
        }
    }

    /// How many ids there are, from 0 on.
    pub fn vocabulary(&self) -> usize {
        let units = match &self.model {
            Model::Character { units, .. } | Model::Word { units, .. } => units.texts.len(),
            Model::Bpe(bpe) => bpe.len(),
            #[cfg(feature = "tokenizers")]
            Model::Published(published) => published.vocabulary(),
        };
        self.specials.len() + units
    }

    /// The ids of a text. Characters and words that the vocabulary does not have become the
    /// unknown token, or are left out where there is none.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        self.encode_into(text, &mut ids);
        ids
    }

    /// Appends the ids of a text; returns how many of its units the vocabulary does not have.
    pub fn encode_into(&self, text: &str, ids: &mut Vec<u32>) -> u64 {
        let mut encoder = self.encoder();
        encoder.encode(text, ids);
        encoder.unknown
    }

    /// The ids of a text in which special tokens may be written by name (`a <mask> day`).
    pub fn encode_marked(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        let mut rest = text;
        loop {
            let found = (0..).zip(&self.specials).filter_map(|(id, name)| {
                rest.find(name.as_str()).map(|at| (at, std::cmp::Reverse(name.len()), id))
            });
            let Some((at, length, id)) = found.min() else { break };
            // The space before a token that stands for a word belongs to that word.
            self.encode_into(&rest[..at], &mut ids);
            ids.push(id);
            rest = &rest[at + length.0..];
        }
        self.encode_into(rest, &mut ids);
        ids
    }

    /// Encodes texts one after another; remembers pieces that it has encoded before.
    pub fn encoder(&self) -> Encoder<'_> {
        Encoder { tokenizer: self, known: HashMap::new(), characters: Vec::new(), unknown: 0 }
    }

    /// The text of ids. What begins, ends, separates and fills is left out; the unknown token and
    /// the mask are shown by name. Bytes that are no whole character become U+FFFD (�).
    pub fn decode(&self, ids: &[u32]) -> String {
        #[cfg(feature = "tokenizers")]
        if let Model::Published(published) = &self.model {
            let shown = |id: &u32| !self.is_silent(*id);
            return published.decode(&ids.iter().copied().filter(shown).collect::<Vec<_>>());
        }
        let mut decoder = self.decoder();
        let mut text: String = ids.iter().filter_map(|id| decoder.push(*id)).collect();
        text.push_str(&decoder.finish());
        text
    }

    /// Decodes ids one by one, as they are generated.
    pub fn decoder(&self) -> Decoder<'_> {
        Decoder::new(self)
    }

    /// A token as a person reads it; a part of a character as its bytes (`<0xED><0x95>`); empty
    /// where there is no such id.
    pub fn token(&self, id: u32) -> Cow<'_, str> {
        if let Some(name) = self.specials.get(id as usize) {
            return Cow::Borrowed(name);
        }
        match &self.model {
            Model::Character { units, .. } | Model::Word { units, .. } => {
                Cow::Borrowed(units.text(id).unwrap_or(""))
            }
            Model::Bpe(bpe) => readable(bpe.bytes(id).unwrap_or(&[])),
            #[cfg(feature = "tokenizers")]
            Model::Published(published) => Cow::Owned(published.token(id)),
        }
    }

    /// How many characters a token stands for, or begins: together those of a text are its characters.
    /// None where tokens do not say, such as words, which lose their spaces.
    ///
    /// ```
    /// use glassbox::data::text::{Tokenizer, TokenizerKind};
    /// let tokenizer = Tokenizer::train(&TokenizerKind::Bpe, ["안녕"], 260, &[])?;
    /// let ids = tokenizer.encode("안녕!");
    /// assert_eq!(ids.iter().filter_map(|id| tokenizer.characters(*id)).sum::<usize>(), 3);
    /// # Ok::<(), glassbox::data::DataError>(())
    /// ```
    pub fn characters(&self, id: u32) -> Option<usize> {
        if (id as usize) < self.specials.len() {
            return Some(0);
        }
        match &self.model {
            Model::Character { .. } => Some(1),
            // All but the first byte of a character begin with the bits 10.
            Model::Bpe(bpe) => {
                let bytes = bpe.bytes(id).unwrap_or(&[]).iter();
                Some(bytes.filter(|byte| **byte & 0b1100_0000 != 0b1000_0000).count())
            }
            _ => None,
        }
    }

    /// The id of a token as [`token`](Self::token) writes it.
    pub fn id(&self, token: &str) -> Option<u32> {
        let special = (0..).zip(&self.specials).find(|(_, name)| *name == token);
        if let Some((id, _)) = special {
            return Some(id);
        }
        match &self.model {
            Model::Character { units, lowercase } | Model::Word { units, lowercase } => {
                match lowercase {
                    true => units.id(&composed(token).to_lowercase()),
                    false => units.id(&composed(token)),
                }
            }
            Model::Bpe(_) => (0..self.vocabulary() as u32).find(|id| self.token(*id) == token),
            #[cfg(feature = "tokenizers")]
            Model::Published(published) => published.id(token),
        }
    }

    /// The id of the token that plays a part, where there is one.
    pub fn special(&self, special: Special) -> Option<u32> {
        special.names().iter().find_map(|name| match &self.model {
            #[cfg(feature = "tokenizers")]
            Model::Published(published) => published.special(name),
            _ => (0..).zip(&self.specials).find(|(_, own)| own == name).map(|(id, _)| id),
        })
    }

    /// Where a text may be cut into parts whose tokens are those of the whole.
    pub(super) fn seams(&self) -> Seams {
        match &self.model {
            Model::Character { .. } => Seams::Characters,
            Model::Word { .. } => Seams::Words,
            Model::Bpe(_) => Seams::Pieces,
            #[cfg(feature = "tokenizers")]
            Model::Published(_) => Seams::Spaces,
        }
    }

    /// Whether decoded text does not show this id.
    fn is_silent(&self, id: u32) -> bool {
        let silent =
            [Special::Pad, Special::Start, Special::End, Special::Separator, Special::Class];
        silent.into_iter().any(|special| self.special(special) == Some(id))
    }
}

/// Bytes as text, or each in hexadecimal digits where they are no whole characters.
fn readable(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| format!("<0x{byte:02X}>")).collect()),
    }
}

/// Encodes texts one after another: see [`Tokenizer::encoder`].
#[derive(Clone, Debug)]
pub struct Encoder<'t> {
    tokenizer: &'t Tokenizer,
    /// The ids of pieces that came before.
    known: HashMap<Box<str>, Box<[u32]>>,
    /// The ids of characters by their number, as far as they came before.
    characters: Vec<Seen>,
    unknown: u64,
}

/// What is known of a character.
#[derive(Clone, Copy, Debug, Default)]
enum Seen {
    #[default]
    Never,
    Unknown,
    Id(u32),
}

/// How many pieces an encoder remembers.
const REMEMBERED: usize = 1 << 16;

impl Encoder<'_> {
    /// Appends the ids of a text.
    pub fn encode(&mut self, text: &str, ids: &mut Vec<u32>) {
        let tokenizer = self.tokenizer;
        match &tokenizer.model {
            Model::Character { units, lowercase } => {
                for c in cased(&composed(text), *lowercase) {
                    let id = self.character(units, c);
                    self.unit(id, ids);
                }
            }
            Model::Word { units, lowercase } => {
                for word in words(&composed(text)) {
                    let id = match *lowercase && word.chars().any(char::is_uppercase) {
                        true => units.id(&word.to_lowercase()),
                        false => units.id(word),
                    };
                    self.unit(id, ids);
                }
            }
            Model::Bpe(bpe) => {
                for piece in pieces(&composed(text)) {
                    if let Some(known) = self.known.get(piece) {
                        ids.extend_from_slice(known);
                        continue;
                    }
                    let start = ids.len();
                    bpe.encode(piece, ids);
                    if self.known.len() < REMEMBERED {
                        let encoded = ids.get(start..).unwrap_or(&[]);
                        self.known.insert(piece.into(), encoded.into());
                    }
                }
            }
            #[cfg(feature = "tokenizers")]
            Model::Published(published) => {
                let start = ids.len();
                published.encode(text, ids);
                if let Some(unknown) = tokenizer.special(Special::Unknown) {
                    let new = ids.get(start..).unwrap_or(&[]);
                    self.unknown += new.iter().filter(|id| **id == unknown).count() as u64;
                }
            }
        }
    }

    fn character(&mut self, units: &Units, c: char) -> Option<u32> {
        let at = c as usize;
        match self.characters.get(at) {
            Some(Seen::Id(id)) => return Some(*id),
            Some(Seen::Unknown) => return None,
            _ => {}
        }
        let id = units.id(c.encode_utf8(&mut [0; 4]));
        if at >= self.characters.len() {
            self.characters.resize(at + 1, Seen::Never);
        }
        if let Some(seen) = self.characters.get_mut(at) {
            *seen = id.map_or(Seen::Unknown, Seen::Id);
        }
        id
    }

    /// How many characters or words so far the vocabulary does not have.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Appends the id of a character or word, or what stands for the unknown.
    fn unit(&mut self, id: Option<u32>, ids: &mut Vec<u32>) {
        self.unknown += u64::from(id.is_none());
        ids.extend(id.or_else(|| self.tokenizer.special(Special::Unknown)));
    }
}
