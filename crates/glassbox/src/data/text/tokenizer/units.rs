//! A vocabulary of whole texts: characters or words.

use std::collections::HashMap;

/// The distinct texts that have ids, and their ids from `first` on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Units {
    pub(super) texts: Vec<String>,
    ids: HashMap<String, u32>,
    first: u32,
}

impl Units {
    /// Gives ids in the order of the texts; none where one comes twice.
    pub(super) fn new(texts: Vec<String>, first: u32) -> Option<Self> {
        let ids: HashMap<_, _> = texts.iter().cloned().zip(first..).collect();
        (ids.len() == texts.len()).then_some(Units { texts, ids, first })
    }

    pub(super) fn id(&self, text: &str) -> Option<u32> {
        self.ids.get(text).copied()
    }

    pub(super) fn text(&self, id: u32) -> Option<&str> {
        let at = id.checked_sub(self.first)?;
        self.texts.get(usize::try_from(at).ok()?).map(String::as_str)
    }
}

/// How often each text came. Where there are too many different ones, those that came least are
/// forgotten (Manku and Motwani, "Approximate frequency counts over data streams", 2002), so that a text
/// of any length is counted in bounded memory.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    of: HashMap<Box<str>, u64>,
    /// Of characters, by their number: where all texts are such, nothing is looked up.
    characters: Vec<u64>,
    most: usize,
    /// What came so often or less is forgotten next.
    least: u64,
}

/// So many different texts are counted: about 300 MB of words.
const MOST: usize = 1 << 22;

impl Default for Counts {
    fn default() -> Self {
        Counts { of: HashMap::new(), characters: Vec::new(), most: MOST, least: 1 }
    }
}

impl Counts {
    pub(super) fn add(&mut self, text: &str) {
        if let Some(count) = self.of.get_mut(text) {
            *count += 1;
            return;
        }
        while self.of.len() >= self.most {
            let least = self.least;
            self.of.retain(|_, count| *count > least);
            // What is left must leave room for a while.
            if self.of.len() > self.most / 2 {
                self.least += 1;
            }
        }
        self.of.insert(text.into(), 1);
    }

    pub(super) fn add_character(&mut self, c: char) {
        let at = c as usize;
        if at >= self.characters.len() {
            self.characters.resize(at + 1, 0);
        }
        if let Some(count) = self.characters.get_mut(at) {
            *count += 1;
        }
    }

    /// Whether a character came at all.
    pub(super) fn has_character(&self, c: char) -> bool {
        self.characters.get(c as usize).is_some_and(|count| *count > 0)
    }

    /// The texts with their counts, most frequent first; those of one count in their own order.
    pub(super) fn by_frequency(self) -> Vec<(String, u64)> {
        let mut all: Vec<(String, u64)> =
            self.of.into_iter().map(|(text, count)| (text.into(), count)).collect();
        let characters = (0..).zip(self.characters).filter(|(_, count)| *count > 0);
        let text = |(at, count)| Some((char::from_u32(at)?.to_string(), count));
        all.extend(characters.filter_map(text));
        all.sort_unstable_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_least_is_forgotten_where_there_is_too_much() {
        let mut counts = Counts { most: 8, ..Counts::default() };
        for number in 0..1000 {
            counts.add(&format!("rare {number}"));
            counts.add("often");
        }
        assert!(counts.of.len() <= 8);
        assert_eq!(counts.by_frequency()[0], ("often".to_owned(), 1000));
    }
}
