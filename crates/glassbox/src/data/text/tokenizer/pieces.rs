//! Cuts text before it becomes tokens: normal form, the pieces of byte-pair encoding, words.

use std::borrow::Cow;

use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The text in Unicode's normal form C: what one sees as one letter is one character, so that a
/// decomposed Hangul syllable (ㅎ ㅏ ㄴ) is the syllable (한).
pub(super) fn composed(text: &str) -> Cow<'_, str> {
    match text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.nfc().collect()),
    }
}

/// The characters of a text, upper-case ones as lower-case ones where that is asked for.
pub(super) fn cased(text: &str, lowercase: bool) -> impl Iterator<Item = char> {
    // What is lower case already, as most is, is taken as it stands.
    let plain = move |c: char| !lowercase || c.is_ascii_lowercase();
    let own = move |c: char| plain(c).then_some(c);
    let lower = move |c: char| (!plain(c)).then(|| c.to_lowercase()).into_iter().flatten();
    text.chars().flat_map(move |c| own(c).into_iter().chain(lower(c)))
}

/// The most bytes of a piece. Longer runs of letters are cut, so that a text without spaces is
/// learned and encoded in time that grows with its length alone.
const LONGEST: usize = 256;

/// What a piece of byte-pair encoding is made of.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    Letter,
    Number,
    Other,
}

impl Class {
    /// The class of a character after one of class `before`; none for white space. Accents, vowel
    /// signs and the selectors of emoji belong to what they follow.
    fn of(c: char, before: Option<Class>) -> Option<Class> {
        match c {
            'a'..='z' | 'A'..='Z' => Some(Class::Letter),
            c if c.is_whitespace() => None,
            c if c.is_numeric() => Some(Class::Number),
            c if is_combining_mark(c) => before.or(Some(Class::Letter)),
            c if c.is_alphabetic() => Some(Class::Letter),
            _ => Some(Class::Other),
        }
    }
}

/// The pieces between which byte pairs are never merged, as GPT-2 cuts them: a word, a number or
/// signs, each with the space before it; the endings of English (`'s`, `'ll` …); white space.
///
/// Together they are the text. Unlike GPT-2's pattern, marks stay with their letters, which in the
/// scripts of India would cut every word.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(piece_length(rest)?);
        rest = after;
        Some(piece)
    })
}

/// The bytes of the first piece; none where there is no text.
fn piece_length(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    if first == '\'' {
        let endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];
        if let Some(ending) = endings.into_iter().find(|ending| text.starts_with(ending)) {
            return Some(ending.len());
        }
    }
    let start = usize::from(first == ' ');
    let mut rest = text[start..].char_indices();
    let class = rest.next().and_then(|(_, c)| Class::of(c, None));
    if class.is_some() {
        let end = rest.find(|(at, c)| *at > LONGEST || Class::of(*c, class) != class);
        return Some(end.map_or(text.len(), |(at, _)| start + at));
    }
    let end = text.find(|c: char| !c.is_whitespace());
    let Some(end) = end else { return Some(text.len()) };
    // The last of several stays with what follows.
    let last = text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
    Some(if last == 0 { end } else { last })
}

/// Words, the signs between them one by one, and the ends of lines; other white space is left out.
///
/// An apostrophe within a word is part of it (`let's`); an emoji keeps its selectors and whatever
/// is joined to it.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() && c != '\n');
        let (word, after) = rest.split_at(word_length(rest)?);
        rest = after;
        Some(word)
    })
}

fn word_length(text: &str) -> Option<usize> {
    const JOINER: char = '\u{200D}';
    let in_word = |c: char| c.is_alphanumeric() || is_combining_mark(c);
    let mut chars = text.char_indices().peekable();
    let (_, first) = chars.next()?;
    let is_word = in_word(first);
    let mut before = first;
    while let Some((at, c)) = chars.next() {
        let goes_on = match is_word {
            true => {
                let apostrophe = matches!(c, '\'' | '’');
                in_word(c) || apostrophe && chars.peek().is_some_and(|(_, next)| in_word(*next))
            }
            false => {
                let skin = ('\u{1F3FB}'..='\u{1F3FF}').contains(&c);
                let joined = before == JOINER && !c.is_whitespace();
                !first.is_whitespace() && (is_combining_mark(c) || c == JOINER || skin || joined)
            }
        };
        if !goes_on {
            return Some(at);
        }
        before = c;
    }
    Some(text.len())
}

/// Whether written text has a space between two tokens of [`words`].
pub(super) fn spaced(before: &str, after: &str) -> bool {
    let opens = ["(", "[", "{", "“", "‘", "«", "「", "『", "《", "$", "#", "-", "\n"];
    let closes = [
        ".", ",", "!", "?", ";", ":", ")", "]", "}", "”", "’", "»", "」", "』", "》", "%", "…",
        "。", "、", "，", "！", "？", "-", "\n",
    ];
    !opens.contains(&before) && !closes.contains(&after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_those_of_gpt2s_pattern() {
        // What `re.findall` of the pattern in GPT-2's encoder.py gives for these texts.
        let cut = |text: &'static str| pieces(text).collect::<Vec<_>>();
        assert_eq!(cut("Hello, world!"), ["Hello", ",", " world", "!"]);
        assert_eq!(
            cut("I'll  say\n\n\nit's 12th"),
            ["I", "'ll", " ", " say", "\n\n", "\n", "it", "'s", " 12", "th"]
        );
        assert_eq!(cut("a \t b \n"), ["a", " \t", " b", " \n"]);
        assert_eq!(cut("안녕 세상 ㅋㅋ"), ["안녕", " 세상", " ㅋㅋ"]);
        assert_eq!(cut(" \n x"), [" \n", " x"]);
        assert_eq!(cut("'x' \"'s"), ["'", "x", "'", " \"'", "s"]);
        assert!(cut("").is_empty());
    }

    #[test]
    fn marks_stay_with_what_they_follow() {
        assert_eq!(pieces("नमस्ते ❤️!").collect::<Vec<_>>(), ["नमस्ते", " ❤️!"]);
        assert_eq!(words("नमस्ते ❤️! 👨‍👩‍👧 👍🏽").collect::<Vec<_>>(), ["नमस्ते", "❤️", "!", "👨‍👩‍👧", "👍🏽"]);
    }

    #[test]
    fn a_run_without_an_end_is_cut() {
        let long = "가".repeat(10_000);
        assert!(pieces(&long).all(|piece| piece.len() <= LONGEST + 4));
        assert_eq!(pieces(&long).collect::<String>(), long);
    }

    #[test]
    fn words_and_signs_stand_apart() {
        let cut = |text: &'static str| words(text).collect::<Vec<_>>();
        assert_eq!(
            cut("Let's go, 'tis \"late\"...\n"),
            ["Let's", "go", ",", "'", "tis", "\"", "late", "\"", ".", ".", ".", "\n"]
        );
        assert_eq!(cut("안녕하세요, 세상!"), ["안녕하세요", ",", "세상", "!"]);
        assert!(cut("  \t ").is_empty());
    }

    #[test]
    fn hangul_is_composed() {
        let decomposed = "\u{1112}\u{1161}\u{11AB}\u{1100}\u{1173}\u{11AF}";
        assert_eq!(composed(decomposed), "한글");
        assert!(matches!(composed("한글"), Cow::Borrowed(_)));
    }
}
