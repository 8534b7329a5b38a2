//! A text that comes piece by piece: files larger than memory.

use super::tokenizer::Seams;
use crate::data::error::{DataError, Place};
use crate::data::fingerprint::Fingerprint;
use crate::data::source::Source;

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 18;
/// The longest stretch of a text without a place to cut it at: 16 MiB.
const LONGEST: usize = 16 << 20;

/// Opens a text at its beginning, as often as it is read.
pub(super) type Open<'s> = dyn Fn() -> Result<Source<'s>, DataError> + 's;

/// The characters of a source, some at a time: without a byte order mark, and with Windows' line ends as
/// all others have them.
pub(super) struct Characters<'s> {
    source: Source<'s>,
    chunk: usize,
    /// What was read and not given yet.
    bytes: Vec<u8>,
    /// How many bytes, and how many ends of lines, were given before.
    given: u64,
    lines: u64,
    begun: bool,
    ended: bool,
    /// Of everything that was read, where it is wanted.
    pub fingerprint: Option<Fingerprint>,
}

impl<'s> Characters<'s> {
    pub fn new(source: Source<'s>) -> Self {
        Characters {
            source,
            chunk: CHUNK,
            bytes: Vec::new(),
            given: 0,
            lines: 0,
            begun: false,
            ended: false,
            fingerprint: None,
        }
    }

    /// Puts the next characters into `text`, which is emptied first; false at the end.
    ///
    /// # Errors
    /// Bytes that are no UTF-8, with their place; what cannot be read.
    pub fn next(&mut self, text: &mut String) -> Result<bool, DataError> {
        text.clear();
        while text.is_empty() && !self.ended {
            self.read()?;
            self.take(text)?;
        }
        Ok(!text.is_empty())
    }

    fn read(&mut self) -> Result<(), DataError> {
        let left = self.bytes.len();
        self.bytes.resize(left + self.chunk, 0);
        let read = self.source.read(self.bytes.get_mut(left..).unwrap_or_default())?;
        self.bytes.truncate(left + read);
        self.ended = read == 0;
        if let Some(fingerprint) = &mut self.fingerprint {
            fingerprint.bytes(self.bytes.iter().skip(left).copied());
        }
        Ok(())
    }

    fn take(&mut self, text: &mut String) -> Result<(), DataError> {
        const MARK: &[u8] = b"\xEF\xBB\xBF";
        if !self.begun {
            if self.bytes.len() < MARK.len() && MARK.starts_with(&self.bytes) && !self.ended {
                return Ok(());
            }
            self.begun = true;
            if self.bytes.starts_with(MARK) {
                self.bytes.drain(..MARK.len());
                self.given += MARK.len() as u64;
            }
        }
        let mut whole = match std::str::from_utf8(&self.bytes) {
            Ok(all) => all,
            Err(error) => {
                let valid = error.valid_up_to();
                if error.error_len().is_some() || self.ended {
                    return Err(self.foreign(valid));
                }
                // The rest of the last character has not come yet.
                let (before, _) = self.bytes.split_at_checked(valid).unwrap_or_default();
                std::str::from_utf8(before).unwrap_or_default()
            }
        };
        if !self.ended {
            // What follows tells what it is.
            whole = whole.strip_suffix('\r').unwrap_or(whole);
        }
        self.lines += memchr::memchr_iter(b'\n', whole.as_bytes()).count() as u64;
        let mut rest = whole;
        while let Some((line, after)) = rest.split_once("\r\n") {
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        text.push_str(rest);
        let taken = whole.len();
        self.given += taken as u64;
        self.bytes.drain(..taken);
        Ok(())
    }

    fn foreign(&self, at: usize) -> DataError {
        let before = self.bytes.iter().take(at).filter(|byte| **byte == b'\n').count() as u64;
        let (byte, line) = (self.given + at as u64 + 1, self.lines + before + 1);
        let what = format!("is not UTF-8 text: byte {byte} (line {line}) does not belong");
        DataError::new(Place::file(&self.source.name), what, "save it as UTF-8")
    }
}

/// Cuts a text that comes in any pieces where its tokens stay those of the whole.
pub(super) struct Cutter {
    seams: Seams,
    pending: String,
    /// How much there was when no place was found, so that a long search is not begun for every piece.
    searched: usize,
}

impl Cutter {
    pub fn new(seams: Seams) -> Self {
        Cutter { seams, pending: String::new(), searched: 0 }
    }

    /// Takes a piece, and shows what of all so far can be made tokens of.
    pub fn push(
        &mut self,
        piece: &str,
        mut see: impl FnMut(&str) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        self.pending.push_str(piece);
        if self.pending.len() < 2 * self.searched {
            return Ok(());
        }
        let settled = self.seams.settled(&mut self.pending);
        self.searched = if settled == 0 { self.pending.len() } else { 0 };
        if settled == 0 && self.pending.len() > LONGEST {
            let what =
                "there are more than 16 MiB without white space or another place between tokens";
            return Err(DataError::new(Place::default(), what, "take the character tokenizer"));
        }
        see(self.pending.get(..settled).unwrap_or_default())?;
        self.pending.drain(..settled);
        Ok(())
    }

    /// Shows what is left: the text ends here, and another may begin.
    pub fn finish(
        &mut self,
        mut see: impl FnMut(&str) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        see(&self.pending)?;
        self.pending.clear();
        self.searched = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use glassbox_engine::random::Stream;

    use super::*;
    use crate::data::text::{Tokenizer, TokenizerKind, TokenizerTrainer};

    /// What the world writes: composed and decomposed Hangul, marks in any order and in long runs, joined
    /// emoji, apostrophes, white space of all kinds, no white space at all.
    const ODD: [&str; 24] = [
        "let's",
        "I'll ",
        "'",
        "  ",
        "\n\n",
        " \t ",
        "\u{3000}",
        "한글",
        "\u{1112}\u{1161}\u{11AB}",
        "\u{1100}\u{1173}",
        "가\u{11A8}",
        "e\u{301}\u{323}",
        "\u{323}\u{301}",
        "Å\u{30A}",
        "👩‍👩‍👧",
        "👍🏽",
        "❤️",
        "नमस्ते",
        "12½",
        "!?…",
        "ΟΔΟΣ",
        "word",
        "ﬁ\u{FB01}",
        "\u{200D}",
    ];

    fn odd(seed: u64, length: u64) -> String {
        let stream = Stream::new(seed, "odd", 0);
        (0..length).map(|at| ODD[(stream.uniform(at) * ODD.len() as f64) as usize]).collect()
    }

    #[test]
    fn characters_are_the_same_however_the_bytes_come() {
        let text = format!("\u{feff}one\r\ntwo\r\r\n{}\r", odd(3, 400));
        let held = text.strip_prefix('\u{feff}').unwrap().replace("\r\n", "\n");
        for chunk in [1, 2, 3, 5, 64, 1 << 18] {
            let mut characters = Characters::new(Source::bytes("t", text.as_bytes()));
            characters.chunk = chunk;
            let (mut piece, mut all) = (String::new(), String::new());
            while characters.next(&mut piece).unwrap() {
                all.push_str(&piece);
            }
            assert_eq!(all, held, "{chunk}");
        }
    }

    #[test]
    fn a_foreign_byte_is_told_with_its_place() {
        let bytes = "가\r\n나\r\n".repeat(50).into_bytes();
        let at = bytes.len() + 1;
        let bytes = [&bytes[..], b"x\xFFyz"].concat();
        for chunk in [1, 7, 1 << 18] {
            let mut characters = Characters::new(Source::bytes("t", &bytes));
            characters.chunk = chunk;
            let mut piece = String::new();
            let error = loop {
                match characters.next(&mut piece) {
                    Ok(true) => {}
                    Ok(false) => panic!("nothing was found"),
                    Err(error) => break error.to_string(),
                }
            };
            assert!(error.contains(&format!("byte {} (line 101)", at + 1)), "{error}");
        }
        // A character whose rest is missing.
        let mut characters = Characters::new(Source::bytes("t", &"가".as_bytes()[..2]));
        assert!(characters.next(&mut String::new()).is_err());
    }

    #[test]
    fn tokens_are_those_of_the_whole_wherever_it_is_cut() {
        for seed in 0..60 {
            let mut text = odd(seed, 300);
            if seed % 3 == 0 {
                // Without a single place where white space begins.
                text.retain(|c| !c.is_whitespace());
            }
            if seed % 10 == 0 {
                // Runs without an end, of letters and of marks.
                text += &"가".repeat(300);
                text += &"\u{323}\u{301}".repeat(200);
                text += &"x".repeat(700);
            }
            for kind in [
                TokenizerKind::Character { lowercase: false },
                TokenizerKind::Character { lowercase: true },
                TokenizerKind::Word { lowercase: false },
                TokenizerKind::Word { lowercase: true },
                TokenizerKind::Bpe,
            ] {
                let held = Tokenizer::train(&kind, [&text], 400, &["<unk>"]).unwrap();
                let whole = held.encode(&text);
                let cuts = Stream::new(seed, "cuts", 1);
                let mut trainer = TokenizerTrainer::new(kind.clone(), &["<unk>"]).unwrap();
                let mut counting = Cutter::new(trainer.seams());
                let mut encoder = held.encoder();
                let mut cutter = Cutter::new(held.seams());
                let (mut ids, mut rest, mut draw) = (Vec::new(), &text[..], 0);
                while !rest.is_empty() {
                    let most = [1.0, 20.0, 300.0][seed as usize % 3];
                    let wanted = (cuts.uniform(draw) * most) as usize + 1;
                    draw += 1;
                    let at = (wanted..).find(|at| rest.is_char_boundary((*at).min(rest.len())));
                    let (piece, after) = rest.split_at(at.unwrap().min(rest.len()));
                    rest = after;
                    let mut count = |part: &str| {
                        trainer.add(part);
                        Ok(())
                    };
                    counting.push(piece, &mut count).unwrap();
                    let mut encode = |part: &str| {
                        encoder.encode(part, &mut ids);
                        Ok(())
                    };
                    cutter.push(piece, &mut encode).unwrap();
                }
                counting
                    .finish(|part| {
                        trainer.add(part);
                        Ok(())
                    })
                    .unwrap();
                cutter
                    .finish(|part| {
                        encoder.encode(part, &mut ids);
                        Ok(())
                    })
                    .unwrap();
                assert_eq!(ids, whole, "{kind:?} {seed}");
                assert_eq!(trainer.finish(400).unwrap(), held, "{kind:?} {seed}");
            }
        }
    }

    #[test]
    fn little_is_held_back() {
        for (kind, unit) in [
            (TokenizerKind::Character { lowercase: false }, "\u{1112}\u{1161}\u{11AB}"),
            (TokenizerKind::Word { lowercase: false }, "字!"),
            (TokenizerKind::Bpe, "ACGT가나"),
        ] {
            let trainer = TokenizerTrainer::new(kind.clone(), &[]).unwrap();
            let mut cutter = Cutter::new(trainer.seams());
            for _ in 0..200 {
                cutter.push(&unit.repeat(50), |_| Ok(())).unwrap();
                assert!(cutter.pending.len() < 2000, "{kind:?}: {}", cutter.pending.len());
            }
        }
        // A word without an end cannot be made a token of.
        let trainer = TokenizerTrainer::new(TokenizerKind::Word { lowercase: false }, &[]).unwrap();
        let mut cutter = Cutter::new(trainer.seams());
        let chunk = "x".repeat(1 << 18);
        let error = (0..200).find_map(|_| cutter.push(&chunk, |_| Ok(())).err());
        assert!(error.unwrap().to_string().contains("without white space"));
    }
}
