//! Text: from files to tokens, and from tokens to rows.
//!
//! A [`Tokenizer`] turns text into whole numbers and back: characters, words, byte pairs learned
//! from the text at hand, or a published one.
//!
//! ```
//! use glassbox::data::text::{Tokenizer, TokenizerKind};
//! let texts = ["the cat sat", "the hat"];
//! let kind = TokenizerKind::Character { lowercase: false };
//! let tokenizer = Tokenizer::train(&kind, texts, usize::MAX, &["<pad>"])?;
//! assert_eq!(tokenizer.vocabulary(), 8); // <pad>, the space and a c e h s t
//! assert_eq!(tokenizer.decode(&tokenizer.encode("teach")), "teach");
//! # Ok::<(), glassbox::data::DataError>(())
//! ```

mod entities;
mod labelled;
mod load;
mod pairs;
mod sentences;
mod stream;
mod tagged;
mod tags;
mod texts;
mod tokenizer;
mod windows;

pub(in crate::data) use entities::NAME as ENTITIES;
pub(in crate::data) use labelled::{Labelled, column_asked, labelled};
pub use load::{Arrangement, Documents, Hiding, TextOptions, TextPreparation, from_text, is_text};
pub(in crate::data) use load::{load, load_column};
pub(crate) use load::{text_of, whole};
pub use pairs::Pairs;
pub(in crate::data) use pairs::load as load_pairs;
pub use sentences::sentences;
pub use tagged::{Sentence, Sentences, is_tagged};
pub use tags::from_sentences;
pub(in crate::data) use tags::load as load_tagged;
pub(crate) use tags::unknown;
pub(crate) use tokenizer::words;
pub use tokenizer::{Decoder, Encoder, Special, Tokenizer, TokenizerKind, TokenizerTrainer};
pub(crate) use windows::Epoch;
pub(in crate::data) use windows::Windows;
