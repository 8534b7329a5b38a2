//! The word2vec program's own formats, text and binary: what gensim's `KeyedVectors` reads and writes.
//!
//! Both begin with a line of two numbers, words and dimensions. Text: then a line for each word, the
//! word and its numbers between spaces. Binary: then for each word the word, a space, and its numbers
//! as little-endian f32; a line break after it, which not every program writes.

use std::fmt::Write;
use std::path::Path;

use super::corpus::Vocabulary;
use super::vectors::WordVectors;
use crate::Error;
use crate::io::{FileError, atomic};

impl WordVectors {
    /// The text format. Numbers are written so that they read back as they are.
    pub fn to_text(&self) -> String {
        let mut text = format!("{} {}\n", self.vocabulary().len(), self.dimensions());
        for (at, word) in self.vocabulary().words().iter().enumerate() {
            text.push_str(word);
            for number in self.row(at) {
                let _ = write!(text, " {number}");
            }
            text.push('\n');
        }
        text
    }

    /// The binary format.
    pub fn to_binary(&self) -> Vec<u8> {
        let mut bytes = format!("{} {}\n", self.vocabulary().len(), self.dimensions()).into_bytes();
        for (at, word) in self.vocabulary().words().iter().enumerate() {
            bytes.extend_from_slice(word.as_bytes());
            bytes.push(b' ');
            self.row(at).iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
            bytes.push(b'\n');
        }
        bytes
    }

    /// Writes a file: binary where its name ends in `.bin`, else text.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let bytes = match is_binary(path) {
            true => self.to_binary(),
            false => self.to_text().into_bytes(),
        };
        Ok(atomic::write(path, &bytes)?)
    }

    /// Reads a file of either format: binary where its name ends in `.bin`, else text.
    ///
    /// # Errors
    /// An unreadable file, or one that is not as its first line says; where, and what is wrong.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(FileError::at(path, "cannot read"))?;
        let vectors = if is_binary(path) { from_binary(&bytes) } else { from_text(&bytes) };
        vectors.map_err(|problem| FileError::new(path, problem).into())
    }
}

fn is_binary(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("bin"))
}

/// Words and dimensions of the first line, and what follows it.
fn header(bytes: &[u8]) -> Result<(usize, usize, &[u8]), String> {
    let end = bytes.iter().take(100).position(|&byte| byte == b'\n');
    let (line, rest) = end.map(|end| (&bytes[..end], &bytes[end + 1..])).unwrap_or_default();
    let numbers: Vec<usize> =
        String::from_utf8_lossy(line).split_whitespace().map_while(|n| n.parse().ok()).collect();
    match numbers[..] {
        [words, dimensions] if words > 0 && dimensions > 0 => Ok((words, dimensions, rest)),
        _ => {
            Err("the first line is not the number of words and of dimensions: this is no file of \
                  word2vec vectors"
                .into())
        }
    }
}

fn from_text(bytes: &[u8]) -> Result<WordVectors, String> {
    let (count, dimensions, rest) = header(bytes)?;
    let text = std::str::from_utf8(rest)
        .map_err(|_| "is not UTF-8: name a binary file with the ending .bin".to_owned())?;
    let (mut words, mut values) = (Vec::new(), Vec::new());
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let place = at + 2;
        // The word may hold spaces of other kinds, such as U+00A0; its numbers stand behind it.
        let mut parts: Vec<&str> =
            line.trim_end().rsplitn(dimensions.saturating_add(1), ' ').collect();
        let word = parts.pop().filter(|_| parts.len() == dimensions);
        let word = word.ok_or_else(|| format!("line {place}: fewer than {dimensions} numbers"))?;
        for part in parts.iter().rev() {
            let number: f32 =
                part.parse().map_err(|_| format!("line {place}: `{part}` is no number"))?;
            values.push(number);
        }
        words.push(word.to_owned());
    }
    finish(words, count, dimensions, values)
}

fn from_binary(bytes: &[u8]) -> Result<WordVectors, String> {
    let (count, dimensions, mut rest) = header(bytes)?;
    let length = dimensions.checked_mul(4).ok_or("too many dimensions")?;
    let (mut words, mut values) = (Vec::new(), Vec::new());
    while words.len() < count {
        let begin = rest.iter().position(|&byte| byte != b'\n').unwrap_or(rest.len());
        rest = &rest[begin..];
        let space = rest.iter().position(|&byte| byte == b' ');
        let numbers = space.and_then(|space| rest.get(space + 1..)?.get(..length));
        let (Some(space), Some(numbers)) = (space, numbers) else {
            return Err(format!("ends after {} of {count} words", words.len()));
        };
        let word = std::str::from_utf8(&rest[..space])
            .map_err(|_| format!("word {} is not UTF-8", words.len() + 1))?;
        words.push(word.to_owned());
        let number = |four: &[u8]| f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        values.extend(numbers.chunks_exact(4).map(number));
        rest = &rest[space + 1 + length..];
    }
    finish(words, count, dimensions, values)
}

fn finish(
    words: Vec<String>,
    count: usize,
    dimensions: usize,
    values: Vec<f32>,
) -> Result<WordVectors, String> {
    if words.len() != count {
        return Err(format!("has {} words, but its first line says {count}", words.len()));
    }
    let counts = vec![0; count];
    let vocabulary = Vocabulary::new(words, counts).map_err(|error| error.to_string())?;
    WordVectors::new(vocabulary, dimensions, values).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> WordVectors {
        let words = ["물고기", "don't", "a"].map(String::from).to_vec();
        let values = vec![0.1, -2.5e-9, 3.0, f32::MIN_POSITIVE, 1.0 / 3.0, -0.0];
        let vocabulary = Vocabulary::new(words, vec![0; 3]).expect("words");
        WordVectors::new(vocabulary, 2, values).expect("vectors")
    }

    #[test]
    fn both_formats_read_back_as_they_were_written() {
        let vectors = some();
        assert_eq!(from_text(vectors.to_text().as_bytes()), Ok(vectors.clone()));
        assert_eq!(from_binary(&vectors.to_binary()), Ok(vectors));
    }

    #[test]
    fn damaged_files_say_where() {
        let wrong = |text: &str| from_text(text.as_bytes()).expect_err("damaged");
        assert!(wrong("hello world\n").contains("no file of word2vec vectors"));
        assert_eq!(wrong("2 2\na 1 2\nb 1\n"), "line 3: fewer than 2 numbers");
        assert_eq!(wrong("1 2\na 1 x\n"), "line 2: `x` is no number");
        assert_eq!(wrong("2 1\na 1\n"), "has 1 words, but its first line says 2");
        assert_eq!(wrong("2 1\na 1\na 1\n"), "the word `a` stands twice");
        let binary = some().to_binary();
        for end in 0..binary.len() - 1 {
            assert!(from_binary(&binary[..end]).is_err(), "{end} bytes");
        }
        assert!(from_binary(b"99999999999 99999999999\nx ").is_err());
    }
}
