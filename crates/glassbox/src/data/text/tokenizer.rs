//! Placeholder until the room of tokenisers is merged.
use crate::data::error::{DataError, Place};
use serde::{Deserialize, Serialize};

/// A tokeniser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tokenizer {
    characters: Vec<char>,
}

impl Tokenizer {
    pub(crate) fn of(_kind: &str, text: &str, _vocabulary: usize) -> Result<Self, DataError> {
        let mut characters: Vec<char> = text.chars().collect();
        characters.sort_unstable();
        characters.dedup();
        if characters.is_empty() {
            return Err(DataError::new(Place::default(), "empty", ""));
        }
        Ok(Tokenizer { characters })
    }
    /// Ids.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        text.chars()
            .filter_map(|c| self.characters.binary_search(&c).ok())
            .map(|i| i as u32)
            .collect()
    }
    /// Text.
    pub fn decode(&self, ids: &[u32]) -> String {
        ids.iter().filter_map(|id| self.characters.get(*id as usize)).collect()
    }
    /// Size.
    pub fn vocabulary(&self) -> usize {
        self.characters.len()
    }
}
