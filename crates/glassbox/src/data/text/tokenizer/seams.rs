//! Where a text may be cut into parts whose tokens, together, are those of the whole.

use std::borrow::Cow;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfc_quick};

use super::pieces::{composed, pieces, words};

/// What a tokeniser cuts text into, and so where a text may be cut before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data::text) enum Seams {
    Characters,
    Words,
    Pieces,
    /// Of published tokenisers no more is known than that they cut where white space begins.
    Spaces,
}

impl Seams {
    /// How many bytes of a text have the same tokens whatever follows; 0 where no place is found. The
    /// text may be brought into the normal form that the tokeniser brings it into anyway.
    ///
    /// White space behind something else is such a place for all of them: it never joins what is before
    /// it. A text without it is cut behind all but its last two words or pieces, which more text may
    /// change.
    pub(in crate::data::text) fn settled(self, text: &mut String) -> usize {
        if let Some(at) = before_space(text) {
            return at;
        }
        if self == Seams::Spaces {
            return 0;
        }
        if let Cow::Owned(whole) = composed(text) {
            *text = whole;
        }
        // Marks and the like may still join the last character that stands for itself.
        let last = text.char_indices().rev().find(|(_, c)| stands_for_itself(*c));
        let before = &text[..last.map_or(0, |(at, _)| at)];
        match self {
            Seams::Characters => before.len(),
            Seams::Words => all_but_two(before, words(before)),
            Seams::Pieces | Seams::Spaces => all_but_two(before, pieces(before)),
        }
    }
}

/// Where the last two parts of a text begin; 0 where there are no others.
fn all_but_two<'t>(text: &str, parts: impl Iterator<Item = &'t str>) -> usize {
    let (mut count, mut last) = (0, [0; 2]);
    for part in parts {
        (count, last) = (count + 1, [last[1], part.len()]);
    }
    let before = text.get(..text.len() - last[0] - last[1]).filter(|_| count > 2);
    // White space would be another piece, were nothing behind it.
    before.map_or(0, |before| before.trim_end().len())
}

/// The last place where white space follows something else, rather a space than another.
fn before_space(text: &str) -> Option<usize> {
    let behind_text = |at: &usize| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        before.is_some_and(|c| !c.is_whitespace())
    };
    let space = memchr::memrchr_iter(b' ', text.as_bytes()).find(behind_text);
    let other = || {
        let spaces = text.char_indices().rev().filter(|(_, c)| c.is_whitespace());
        spaces.map(|(at, _)| at).find(behind_text)
    };
    space.or_else(other)
}

/// Whether no text before a character changes it, nor it that text, in normal form C (Unicode Standard
/// Annex 15, section 9).
fn stands_for_itself(c: char) -> bool {
    canonical_combining_class(c) == 0 && is_nfc_quick(std::iter::once(c)) == IsNormalized::Yes
}
