//! Names that are found in sentences: spans of words by the tags of the BIO scheme.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::Serialize;

use crate::Error;

/// Words that together are one name, of one kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Entity {
    /// The first word, counted from 0.
    pub first: usize,
    /// The word behind the last.
    pub end: usize,
    /// What it is, such as `PER`: what stands behind `B-` in its tags.
    pub kind: String,
}

impl Entity {
    /// Its words.
    pub fn words(&self) -> Range<usize> {
        self.first..self.end
    }
}

/// How well names are found: a name counts as found where all of its words and its kind are right, as
/// `conlleval` counts (Tjong Kim Sang and De Meulder 2003).
///
/// Tags say `B-PER` where a name begins and `I-PER` where it goes on, `O` elsewhere; a name also begins at
/// an `I-` behind another kind or behind `O`. `E-` (the last word) and `S-` (the only one) are understood
/// as well.
///
/// ```
/// use glassbox::metrics::Entities;
/// let observed = [vec!["B-PER", "I-PER", "O", "B-LOC"]];
/// // The place is found; of the person's name a word is missing.
/// let predicted = [vec!["B-PER", "O", "O", "B-LOC"]];
/// let found = Entities::of(&observed, &predicted)?;
/// let figures = found.figures();
/// assert_eq!((figures.precision, figures.recall, figures.f1), (0.5, 0.5, 0.5));
/// assert_eq!(found.kinds()["LOC"].f1, 1.0);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entities {
    kinds: BTreeMap<String, Counts>,
}

/// Names that are there, that are said to be there, and that rightly are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    observed: usize,
    predicted: usize,
    right: usize,
}

/// How well names are found; a figure that has nothing to divide by is 0, as `conlleval` has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct EntityFigures {
    /// Of the names that are told, the share that is there.
    pub precision: f64,
    /// Of the names that are there, the share that is told.
    pub recall: f64,
    /// 2 · precision · recall / (precision + recall).
    pub f1: f64,
    /// Names that are there.
    pub entities: usize,
}

/// What a tag says: where in a name a word stands, and the name's kind.
#[derive(Clone, Copy, PartialEq)]
enum Tag<'t> {
    Outside,
    In(char, &'t str),
}

impl<'t> Tag<'t> {
    fn of(tag: &'t str) -> Self {
        let mut letters = tag.chars();
        match (letters.next(), letters.as_str()) {
            (Some(place @ ('B' | 'I' | 'E' | 'S')), "") => Tag::In(place, ""),
            (Some(place @ ('B' | 'I' | 'E' | 'S')), rest) if rest.starts_with('-') => {
                Tag::In(place, &rest[1..])
            }
            _ => Tag::Outside,
        }
    }
}

impl Entities {
    /// Whether tags are of the scheme: all of them `O`, or `B-`, `I-`, `E-`, `S-` and a kind, at least one
    /// of them `B-` or `I-`.
    ///
    /// ```
    /// use glassbox::metrics::Entities;
    /// assert!(Entities::are_of(&["B-PER", "I-PER", "O"]));
    /// assert!(!Entities::are_of(&["NOUN", "VERB", "O"]));
    /// ```
    pub fn are_of<T: AsRef<str>>(tags: &[T]) -> bool {
        let in_name = |tag: &str| match Tag::of(tag) {
            Tag::In(_, kind) => !kind.is_empty(),
            Tag::Outside => false,
        };
        let begins = |tag: &str| in_name(tag) && tag.starts_with(['B', 'I']);
        tags.iter().all(|tag| tag.as_ref() == "O" || in_name(tag.as_ref()))
            && tags.iter().any(|tag| begins(tag.as_ref()))
    }

    /// The names of a sentence, in order.
    ///
    /// ```
    /// use glassbox::metrics::Entities;
    /// let found = Entities::spans(&["B-LOC", "B-LOC", "I-LOC", "I-PER", "O"]);
    /// let words: Vec<_> = found.iter().map(|entity| entity.words()).collect();
    /// assert_eq!(words, [0..1, 1..3, 3..4]);
    /// assert_eq!(found[2].kind, "PER");
    /// ```
    pub fn spans<T: AsRef<str>>(tags: &[T]) -> Vec<Entity> {
        let mut found: Vec<Entity> = Vec::new();
        let mut before = Tag::Outside;
        let mut open = None;
        let end = [Tag::Outside];
        let all = tags.iter().map(|tag| Tag::of(tag.as_ref())).chain(end);
        for (at, tag) in all.enumerate() {
            if ends(before, tag)
                && let (Some(first), Tag::In(_, kind)) = (open.take(), before)
            {
                found.push(Entity { first, end: at, kind: kind.to_owned() });
            }
            if begins(before, tag) {
                open = Some(at);
            }
            before = tag;
        }
        found
    }

    /// Counts the names of sentences, each a list of tags.
    ///
    /// # Errors
    /// Another number of sentences, or of words in one, than observed.
    pub fn of<T: AsRef<str>>(observed: &[Vec<T>], predicted: &[Vec<T>]) -> Result<Self, Error> {
        if observed.len() != predicted.len() {
            let (all, said) = (observed.len(), predicted.len());
            return Err(Error::new(format!("{said} predicted sentences for {all}")));
        }
        let mut counted = Entities::default();
        for (number, (observed, predicted)) in observed.iter().zip(predicted).enumerate() {
            if observed.len() != predicted.len() {
                let (words, said) = (observed.len(), predicted.len());
                return Err(Error::new(format!(
                    "sentence {number}: {said} tags for {words} words"
                )));
            }
            let there: BTreeSet<Entity> = Entities::spans(observed).into_iter().collect();
            for entity in &there {
                counted.kind(&entity.kind).observed += 1;
            }
            for entity in Entities::spans(predicted) {
                let right = there.contains(&entity);
                let counts = counted.kind(&entity.kind);
                counts.predicted += 1;
                counts.right += usize::from(right);
            }
        }
        Ok(counted)
    }

    fn kind(&mut self, kind: &str) -> &mut Counts {
        self.kinds.entry(kind.to_owned()).or_default()
    }

    /// The figures of all names together.
    pub fn figures(&self) -> EntityFigures {
        let sum = self.kinds.values().fold(Counts::default(), |sum, counts| Counts {
            observed: sum.observed + counts.observed,
            predicted: sum.predicted + counts.predicted,
            right: sum.right + counts.right,
        });
        sum.figures()
    }

    /// The figures of each kind of name that is there or told.
    pub fn kinds(&self) -> BTreeMap<&str, EntityFigures> {
        self.kinds.iter().map(|(kind, counts)| (kind.as_str(), counts.figures())).collect()
    }
}

impl Counts {
    fn figures(self) -> EntityFigures {
        let share = |of: usize| if of > 0 { self.right as f64 / of as f64 } else { 0.0 };
        let (precision, recall) = (share(self.predicted), share(self.observed));
        let both = self.predicted + self.observed;
        let f1 = if both > 0 { 2.0 * self.right as f64 / both as f64 } else { 0.0 };
        EntityFigures { precision, recall, f1, entities: self.observed }
    }
}

/// Whether a name ends between two words.
fn ends(before: Tag<'_>, tag: Tag<'_>) -> bool {
    match (before, tag) {
        (Tag::Outside, _) => false,
        (_, Tag::Outside) => true,
        (Tag::In(place, kind), Tag::In(next, other)) => {
            matches!(place, 'E' | 'S') || matches!(next, 'B' | 'S') || kind != other
        }
    }
}

/// Whether a name begins with the second of two words.
fn begins(before: Tag<'_>, tag: Tag<'_>) -> bool {
    match (before, tag) {
        (_, Tag::Outside) => false,
        (Tag::Outside, _) => true,
        (Tag::In(place, kind), Tag::In(next, other)) => {
            matches!(next, 'B' | 'S') || matches!(place, 'E' | 'S') || kind != other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_conlleval_finds() {
        let spans = |tags: &str| -> Vec<(usize, usize, String)> {
            let tags: Vec<&str> = tags.split(' ').collect();
            Entities::spans(&tags).into_iter().map(|e| (e.first, e.end, e.kind)).collect()
        };
        let of = |first, end, kind: &str| (first, end, kind.to_owned());
        // IOB1: `B-` only where two names of a kind touch.
        assert_eq!(
            spans("I-PER I-PER B-PER O I-LOC"),
            [of(0, 2, "PER"), of(2, 3, "PER"), of(4, 5, "LOC")]
        );
        assert_eq!(spans("O I-PER I-LOC I-LOC"), [of(1, 2, "PER"), of(2, 4, "LOC")]);
        assert_eq!(
            spans("S-PER S-PER B-LOC E-LOC I-LOC"),
            [of(0, 1, "PER"), of(1, 2, "PER"), of(2, 4, "LOC"), of(4, 5, "LOC")]
        );
        assert_eq!(spans("B-PER I-LOC O"), [of(0, 1, "PER"), of(1, 2, "LOC")]);
        assert_eq!(spans("O O"), []);
        assert_eq!(spans("B I O"), [of(0, 2, "")]);
        assert_eq!(Entities::spans::<&str>(&[]), []);
    }

    #[test]
    fn a_name_is_right_where_all_of_its_words_and_its_kind_are() {
        // 5 names, 4 told, 2 of them right.
        fn sentences(lines: [&str; 2]) -> [Vec<&str>; 2] {
            lines.map(|line| line.split(' ').collect())
        }
        let observed = sentences(["B-PER I-PER O B-ORG O B-LOC", "B-LOC O B-PER"]);
        let predicted = sentences(["B-PER I-PER O O O B-PER", "B-LOC I-LOC B-PER"]);
        let found = Entities::of(&observed, &predicted).unwrap();
        let figures = found.figures();
        assert_eq!((figures.precision, figures.recall), (0.5, 0.4));
        assert!((figures.f1 - 4.0 / 9.0).abs() < 1e-12);
        let kinds = found.kinds();
        assert_eq!((kinds["PER"].precision, kinds["PER"].recall), (2.0 / 3.0, 1.0));
        assert_eq!((kinds["ORG"].f1, kinds["ORG"].entities), (0.0, 1));
        assert_eq!((kinds["LOC"].f1, kinds["LOC"].entities), (0.0, 2));
        assert!(Entities::of(&observed, &predicted[..1]).is_err());
        assert!(Entities::of(&[vec!["O"]], &[vec!["O", "O"]]).is_err());
        let none = Entities::of(&[vec!["O"]], &[vec!["O"]]).unwrap();
        assert_eq!(none.figures(), EntityFigures::default());
    }
}
