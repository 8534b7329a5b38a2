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

/// How often each text came.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts(HashMap<Box<str>, u64>);

impl Counts {
    pub(super) fn add(&mut self, text: &str) {
        match self.0.get_mut(text) {
            Some(count) => *count += 1,
            None => {
                self.0.insert(text.into(), 1);
            }
        }
    }

    /// The texts with their counts, most frequent first; those of one count in their own order.
    pub(super) fn by_frequency(self) -> Vec<(String, u64)> {
        let mut all: Vec<(String, u64)> =
            self.0.into_iter().map(|(text, count)| (text.into(), count)).collect();
        all.sort_unstable_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
        all
    }
}
