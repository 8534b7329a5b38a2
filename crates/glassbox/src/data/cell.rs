//! A cell of a table in 64 bits: a number as it is spelled, or a place where its text is.
//!
//! Most cells are decimals such as `-12.50`. Their digits, sign and number of decimals fit a code
//! from which both the value and the very text come back, so that a column of numbers is 8 bytes a
//! row and still knows that `1.0` is not spelled `1`. Any other text is a word of its column's
//! dictionary, or, in columns of very many words, a place in the table's texts.

use std::borrow::Cow;
use std::collections::HashMap;

use super::spool::Stored;
use super::table::{is_missing, parse_number};

/// Codes below this are decimals: 17 digits × (23 numbers of decimals × sign × comma).
const DECIMALS: u64 = DIGITS * 92;
/// 10¹⁷: decimals have at most 17 digits, enough for every f64.
const DIGITS: u64 = 100_000_000_000_000_000;
/// Powers of ten that are exact in f64.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
/// Codes from this on are texts.
const TEXT: u64 = 1 << 63;
/// Of texts, those that are not in the dictionary: 38 bits of position, 24 bits of length.
const LONG: u64 = 1 << 62;
const LENGTH_BITS: u32 = 24;

/// The code of a cell without any text, in every column.
pub(super) const EMPTY: u64 = TEXT;

/// The longest text of a cell, in bytes: 16 MiB.
pub(super) const LONGEST: usize = (1 << LENGTH_BITS) - 1;

/// The code of a decimal as people write it: digits without needless zeros in front, a sign `-`
/// where it is negative, a point (or, where `comma`, one comma) before its decimals.
pub(super) fn decimal(text: &[u8], comma: bool) -> Option<u64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (1, rest),
        _ => (0, text),
    };
    // 17 digits, a zero before the point, 5 zeros after it.
    if digits.is_empty() || digits.len() > 24 {
        return None;
    }
    let mut mantissa: u64 = 0;
    let mut mark = None;
    for (i, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
            }
            b'.' if mark.is_none() => mark = Some((i, 0)),
            b',' if mark.is_none() && comma => mark = Some((i, 1)),
            _ => return None,
        }
    }
    let whole = mark.map_or(digits.len(), |(at, _)| at);
    let decimals = mark.map_or(0, |(at, _)| digits.len() - at - 1);
    let needless_zero = whole > 1 && digits[0] == b'0';
    let bare_mark = mark.is_some() && (whole == 0 || decimals == 0);
    if needless_zero || bare_mark || decimals > 22 || mantissa >= DIGITS {
        return None;
    }
    let comma = mark.map_or(0, |(_, comma)| comma);
    Some((decimals as u64 * 4 + negative * 2 + comma) * DIGITS + mantissa)
}

/// What a decimal's code holds.
struct Decimal {
    mantissa: u64,
    decimals: usize,
    negative: bool,
    mark: u8,
}

fn decimal_of(code: u64) -> Decimal {
    let (mantissa, rest) = (code % DIGITS, code / DIGITS);
    let mark = if rest & 1 == 1 { b',' } else { b'.' };
    Decimal { mantissa, decimals: (rest / 4) as usize, negative: rest & 2 == 2, mark }
}

impl Decimal {
    fn text(&self) -> String {
        let mut bytes = Vec::with_capacity(24);
        self.write(&mut bytes);
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn write(&self, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
        let mut digits = [b'0'; 24];
        let mut first = digits.len();
        let mut rest = self.mantissa;
        while rest > 0 {
            first -= 1;
            digits[first] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let point = digits.len() - self.decimals.min(22);
        out.extend_from_slice(&digits[first.min(point - 1)..point]);
        if self.decimals > 0 {
            out.push(self.mark);
            out.extend_from_slice(&digits[point..]);
        }
    }

    fn value(&self) -> f64 {
        // Both are exact, so that one division rounds once (Clinger 1990).
        if self.mantissa <= 1 << 53 {
            let size = self.mantissa as f64 / POWERS[self.decimals.min(22)];
            return if self.negative { -size } else { size };
        }
        self.text().replace(',', ".").parse().unwrap_or(f64::NAN)
    }
}

/// The texts of one column that come again and again.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    words: Vec<Word>,
    places: HashMap<Box<str>, u32>,
}

#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) text: Box<str>,
    pub(super) number: Option<f64>,
    pub(super) missing: bool,
}

/// A column's dictionary takes this many words, and none longer than `LONGEST_WORD` bytes.
const MOST_WORDS: usize = 4096;
const LONGEST_WORD: usize = 256;
/// So many words a dictionary takes whatever the others hold.
const FEW_WORDS: usize = 32;

impl Words {
    /// The code of a text; none where it is not in the dictionary, which takes no more.
    ///
    /// Whether a text is a word never changes: one that was refused is refused again. `room` is what
    /// the dictionaries of all columns may still take, in bytes.
    pub(super) fn code(&mut self, text: &str, comma: bool, room: &mut usize) -> Option<u64> {
        if self.words.is_empty() {
            // So that an empty cell has the same code everywhere.
            self.words.push(Word { text: "".into(), number: None, missing: true });
        }
        if text.is_empty() {
            return Some(EMPTY);
        }
        if let Some(place) = self.places.get(text) {
            return Some(TEXT | u64::from(*place));
        }
        let cost = text.len() * 2 + 80;
        if self.words.len() >= MOST_WORDS || text.len() > LONGEST_WORD {
            return None;
        }
        if self.words.len() > FEW_WORDS {
            let Some(left) = room.checked_sub(cost) else {
                // For every shorter text too.
                *room = 0;
                return None;
            };
            *room = left;
        }
        let place = self.words.len() as u32;
        self.places.insert(text.into(), place);
        let missing = is_missing(text);
        let number = parse_number(text, comma).filter(|_| !missing);
        self.words.push(Word { text: text.into(), number, missing });
        Some(TEXT | u64::from(place))
    }

    pub(super) fn all(&self) -> &[Word] {
        &self.words
    }
}

/// The code of a text among the table's long texts; none where they are more than 256 GiB.
pub(super) fn long(at: u64, text: &str) -> Option<u64> {
    let fits = at < 1 << (62 - LENGTH_BITS) && text.len() <= LONGEST;
    fits.then_some(TEXT | LONG | at << LENGTH_BITS | text.len() as u64)
}

/// A cell and where its text is.
#[derive(Clone, Copy)]
pub(super) struct Cell<'t> {
    pub(super) code: u64,
    pub(super) words: &'t Words,
    pub(super) long: &'t Stored<u8>,
    pub(super) comma: bool,
}

impl<'t> Cell<'t> {
    /// The word, where it is one of its column's dictionary.
    fn word(self) -> Option<&'t Word> {
        self.word_place().and_then(|place| self.words.words.get(place))
    }

    /// Where the text is in its column's dictionary.
    pub(super) fn word_place(self) -> Option<usize> {
        (self.code & (TEXT | LONG) == TEXT).then_some((self.code & !TEXT) as usize)
    }

    /// Whether it is not a plain decimal.
    pub(super) fn code_is_text(self) -> bool {
        self.code >= DECIMALS
    }

    /// Whether the code stands for this text alone.
    pub(super) fn is_coded(self) -> bool {
        self.code < DECIMALS || self.word_place().is_some()
    }

    /// The text as it stands in the file, without surrounding white space.
    pub(super) fn text(self) -> Cow<'t, str> {
        if self.code < DECIMALS {
            return Cow::Owned(decimal_of(self.code).text());
        }
        if self.word_place().is_some() {
            return Cow::Borrowed(self.word().map_or("", |word| &word.text));
        }
        let length = (self.code & LONGEST as u64) as usize;
        let at = (self.code & !(TEXT | LONG)) >> LENGTH_BITS;
        let mut bytes = vec![0; length];
        // A temporary file that fails here fails where its columns are read, too.
        match self.long.read(at, &mut bytes) {
            Ok(()) => Cow::Owned(String::from_utf8(bytes).unwrap_or_default()),
            Err(_) => Cow::Borrowed(""),
        }
    }

    /// Adds the text's bytes to `out`.
    pub(super) fn write_text(self, out: &mut Vec<u8>) {
        match self.code < DECIMALS {
            true => decimal_of(self.code).write(out),
            false => out.extend_from_slice(self.text().as_bytes()),
        }
    }

    pub(super) fn is_missing(self) -> bool {
        // Long texts are those that found no place in a dictionary: they may be `NA` all the same.
        match self.word() {
            Some(word) => word.missing,
            None => self.code >= DECIMALS && is_missing(&self.text()),
        }
    }

    /// The number it spells, where that is finite and fits 32 bits.
    pub(super) fn number(self) -> Option<f64> {
        if self.code < DECIMALS {
            return Some(decimal_of(self.code).value());
        }
        match self.word() {
            Some(word) => word.number,
            None => {
                let text = self.text();
                parse_number(&text, self.comma).filter(|_| !is_missing(&text))
            }
        }
    }

    /// The text; none where the value is missing.
    pub(super) fn value(self) -> Option<Cow<'t, str>> {
        (!self.is_missing()).then(|| self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_gives_back_its_text_and_the_value_that_parsing_gives() {
        let texts = [
            "0",
            "-0",
            "1",
            "1.0",
            "1.50",
            "-12.5",
            "0.05",
            "-0.000",
            "99999999999999999",
            "0.1",
            "9007199254740993",
            "0.30000000000000004",
            "123456.78901234567",
            "0.00000000000000001",
            "3.1415926535897931",
            "-7.25",
            "100000",
        ];
        for text in texts {
            let code = decimal(text.as_bytes(), false).unwrap_or_else(|| panic!("{text}"));
            assert!(code < DECIMALS);
            assert_eq!(decimal_of(code).text(), text);
            let (value, parsed) = (decimal_of(code).value(), text.parse::<f64>().unwrap());
            assert_eq!(value.to_bits(), parsed.to_bits(), "{text}");
        }
        for text in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "00",
            "01.5",
            "+1",
            "1e5",
            "1,5",
            "1.2.3",
            "0x1",
            " 1",
            "100000000000000000",
            "0.00000000000000000000001",
            "99999999999999999999999999",
        ] {
            assert_eq!(decimal(text.as_bytes(), false), None, "{text}");
        }
    }

    #[test]
    fn a_comma_is_kept_where_it_is_a_decimal_mark() {
        let code = decimal(b"-1,50", true).unwrap();
        assert_eq!((decimal_of(code).text().as_str(), decimal_of(code).value()), ("-1,50", -1.5));
        assert_ne!(code, decimal(b"-1.50", true).unwrap());
        assert_eq!(decimal(b"1.000,5", true), None);
    }

    #[test]
    fn a_text_that_is_no_word_stays_none() {
        let (mut words, mut room) = (Words::default(), 200);
        assert_eq!(words.code("", false, &mut room), Some(EMPTY));
        let mut code = |text: &str| words.code(text, false, &mut room);
        let few: Vec<_> = (0..FEW_WORDS).map(|i| code(&format!("few {i}"))).collect();
        assert!(few.iter().all(Option::is_some));
        let a = code("a");
        assert_eq!((code("a"), a.is_some()), (a, true));
        assert_eq!(code(&"b".repeat(100)), None);
        assert_eq!((code("c"), code("a"), code("few 3")), (None, a, few[3]));
    }
}
