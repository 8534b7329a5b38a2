//! How a tokeniser is written to a file: its vocabulary, from which all else follows.

use serde::{Deserialize, Serialize};

use super::bpe::Bpe;
use super::units::Units;
use super::{Model, Tokenizer};

/// A tokeniser as JSON.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Form {
    Character {
        specials: Vec<String>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        lowercase: bool,
        characters: String,
    },
    Word {
        specials: Vec<String>,
        lowercase: bool,
        words: Vec<String>,
    },
    Bpe {
        specials: Vec<String>,
        merges: Vec<(u32, u32)>,
    },
    Published {
        tokenizer: serde_json::Value,
    },
}

impl From<Tokenizer> for Form {
    fn from(tokenizer: Tokenizer) -> Form {
        let specials = tokenizer.specials;
        match tokenizer.model {
            Model::Character { units, lowercase } => {
                Form::Character { specials, lowercase, characters: units.texts.concat() }
            }
            Model::Word { units, lowercase } => {
                Form::Word { specials, lowercase, words: units.texts }
            }
            Model::Bpe(bpe) => Form::Bpe { specials, merges: bpe.merges },
            #[cfg(feature = "tokenizers")]
            Model::Published(published) => Form::Published { tokenizer: published.json },
        }
    }
}

impl TryFrom<Form> for Tokenizer {
    type Error = String;

    fn try_from(form: Form) -> Result<Self, String> {
        let twice = || "the vocabulary holds a token twice".to_string();
        let (specials, model) = match form {
            Form::Character { specials, lowercase, characters } => {
                let first = specials.len() as u32;
                let characters = characters.chars().map(String::from).collect();
                let units = Units::new(characters, first).ok_or_else(twice)?;
                (specials, Model::Character { units, lowercase })
            }
            Form::Word { specials, lowercase, words } => {
                let units = Units::new(words, specials.len() as u32).ok_or_else(twice)?;
                (specials, Model::Word { units, lowercase })
            }
            Form::Bpe { specials, merges } => {
                let bpe = Bpe::new(merges, specials.len() as u32);
                let bpe = bpe.ok_or("a merge names a token that comes after it")?;
                (specials, Model::Bpe(bpe))
            }
            #[cfg(feature = "tokenizers")]
            Form::Published { tokenizer } => (
                Vec::new(),
                Model::Published(Box::new(super::published::Published::new(tokenizer)?)),
            ),
            #[cfg(not(feature = "tokenizers"))]
            Form::Published { .. } => return Err(super::load::WITHOUT.into()),
        };
        Ok(Tokenizer { specials, model })
    }
}
