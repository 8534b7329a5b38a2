//! Tokens that are kept in a file, so that their text need not be encoded again.
//!
//! The file holds the tokens (u32), where rows of their own begin (u64), the part that each of these is of
//! (u8), all little-endian, and behind them what they are, as JSON, with its length and [`MARK`].

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Layout, Windows};
use crate::data::error::DataError;
use crate::data::fingerprint::Fingerprint;
use crate::data::split::Split;
use crate::data::spool::{Number, Spool, Stored, read_exact_at};
use crate::data::text::Arrangement;
use crate::io::{FileError, atomic};

/// The last bytes of the file.
const MARK: &[u8; 8] = b"gbtokens";
/// Numbers that are read or written at a time.
const CHUNK: usize = 1 << 14;
/// What a description is shorter than.
const LONGEST: u64 = 1 << 20;

/// What a file of kept tokens says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Described {
    /// What the tokens follow from: the text and all that was asked for of it.
    key: String,
    tokens: u64,
    starts: u64,
    rows: u64,
    context: usize,
    fill: u32,
    /// Of one text, the tokens of each part.
    parts: Vec<[u64; 2]>,
    /// Of all bytes before.
    hash: String,
}

impl Windows {
    /// Writes the tokens, and the part that each row is of, to a file; of a text that has a key.
    pub fn keep(&self, path: &Path, part_of_row: &[u8]) -> Result<(), FileError> {
        let Some(key) = &self.key else { return Ok(()) };
        let none = Stored::Memory(Vec::new());
        let (starts, fill, parts) = match &self.layout {
            Layout::Running(parts) => {
                (&none, 0, parts.iter().map(|(part, _)| [part.start, part.end]).collect())
            }
            Layout::Apart { starts, fill } => (starts, *fill, Vec::new()),
        };
        let rows: &[u8] = if parts.is_empty() { part_of_row } else { &[] };
        atomic::write_with(path, |out| {
            let mut hash = Fingerprint::new();
            copy(&self.tokens, out, &mut hash)?;
            copy(starts, out, &mut hash)?;
            hash.bytes(rows.iter().copied());
            out.write_all(rows)?;
            let described = Described {
                key: key.clone(),
                tokens: self.tokens.len(),
                starts: starts.len(),
                rows: rows.len() as u64,
                context: self.sizes[1],
                fill,
                parts,
                hash: hash.hex(),
            };
            let text = serde_json::to_vec(&described)?;
            out.write_all(&text)?;
            out.write_all(&(text.len() as u64).to_le_bytes())?;
            out.write_all(MARK)
        })
    }

    /// The rows of a file of kept tokens, and how they are divided; none where there is no such file, where
    /// it is of another text or was damaged. Up to `memory` bytes are held in memory.
    pub fn kept(
        path: &Path,
        key: &str,
        arrangement: Arrangement,
        memory: usize,
    ) -> Option<(Self, Split)> {
        let file = File::open(path).ok()?;
        let length = file.metadata().ok()?.len();
        let mut end = [0; 16];
        read_exact_at(&file, &mut end, length.checked_sub(16)?).ok()?;
        let (size, mark) = end.split_at(8);
        let size = u64::from_le_bytes(size.try_into().ok()?);
        if mark != MARK || size > LONGEST {
            return None;
        }
        let numbers = length.checked_sub(16 + size)?;
        let mut text = vec![0; usize::try_from(size).ok()?];
        read_exact_at(&file, &mut text, numbers).ok()?;
        let described: Described = serde_json::from_slice(&text).ok()?;
        let Described { tokens, starts, rows, context, fill, parts, .. } = &described;
        let own = tokens.checked_mul(4)?.checked_add(starts.checked_mul(8)?)?.checked_add(*rows)?;
        if described.key != key || own != numbers {
            return None;
        }
        let mut hash = Fingerprint::new();
        let mut held = Vec::new();
        let in_memory = tokens * 4 <= memory as u64;
        each(&file, 0, *tokens, &mut hash, |some: &[u32]| {
            held.extend_from_slice(if in_memory { some } else { &[] });
            Ok(())
        })?;
        let mut begins = Spool::new(memory / 4);
        each(&file, tokens * 4, *starts, &mut hash, |some: &[u64]| begins.push(some))?;
        let mut part_of_row = vec![0; usize::try_from(*rows).ok()?];
        read_exact_at(&file, &mut part_of_row, tokens * 4 + starts * 8).ok()?;
        hash.bytes(part_of_row.iter().copied());
        if hash.hex() != described.hash {
            return None;
        }
        // The tokens lie at the beginning: where they are many, they are read from the file.
        let stored = match in_memory {
            true => Stored::Memory(held),
            false => Stored::File { file, len: *tokens },
        };
        let (windows, split) = if parts.is_empty() {
            let of = |part: u8| {
                let own = part_of_row.iter().enumerate().filter(move |(_, of)| **of == part);
                own.map(|(row, _)| row).collect()
            };
            let split = Split { train: of(0), valid: of(1), test: of(2) };
            (
                Windows::apart(stored, [0, *context], begins.finish().ok()?, *fill, arrangement),
                split,
            )
        } else {
            let parts: Vec<_> = parts.iter().map(|[start, end]| *start..*end).collect();
            let windows = Windows::new(stored, *context, &parts, arrangement);
            let of = |part| windows.of_part(part).map(|row| row as usize).collect();
            let split = Split { train: of(0), valid: of(1), test: of(2) };
            (windows, split)
        };
        Some((Windows { key: Some(key.to_owned()), was_kept: true, ..windows }, split))
    }
}

/// Writes numbers, and adds them to a hash.
fn copy<T: Number>(
    numbers: &Stored<T>,
    out: &mut dyn Write,
    hash: &mut Fingerprint,
) -> io::Result<()> {
    let (mut some, mut bytes) = (vec![T::default(); CHUNK], Vec::new());
    let mut at = 0;
    while at < numbers.len() {
        let taken = usize::try_from(numbers.len() - at).unwrap_or(CHUNK).min(CHUNK);
        let some = &mut some[..taken];
        numbers.read(at, some).map_err(io::Error::other)?;
        bytes.clear();
        some.iter().for_each(|number| number.write(&mut bytes));
        hash.bytes(bytes.iter().copied());
        out.write_all(&bytes)?;
        at += taken as u64;
    }
    Ok(())
}

/// Shows numbers of a file from a byte on, some at a time, and adds them to a hash; none where they cannot
/// be read.
fn each<T: Number>(
    file: &File,
    from: u64,
    count: u64,
    hash: &mut Fingerprint,
    mut take: impl FnMut(&[T]) -> Result<(), DataError>,
) -> Option<()> {
    let size = size_of::<T>();
    let (mut some, mut bytes) = (Vec::with_capacity(CHUNK), vec![0; CHUNK * size]);
    let mut at = 0;
    while at < count {
        let taken = usize::try_from(count - at).unwrap_or(CHUNK).min(CHUNK);
        let bytes = &mut bytes[..taken * size];
        read_exact_at(file, bytes, from + at * size as u64).ok()?;
        hash.bytes(bytes.iter().copied());
        some.clear();
        some.extend(bytes.chunks_exact(size).map(T::read));
        take(&some).ok()?;
        at += taken as u64;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Documents, Options, from_text};

    fn rows(windows: &Windows, count: usize) -> Vec<(Vec<f32>, Vec<i64>)> {
        let width = windows.sizes()[1];
        let row = |row| {
            let (mut inputs, mut targets) = (vec![0.0; width], vec![0; width]);
            windows.gather(row, None, Some(&mut inputs), Some(&mut targets)).unwrap();
            (inputs, targets)
        };
        (0..count).map(row).collect()
    }

    #[test]
    fn what_was_kept_is_what_was_there_and_damage_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        let tokens: Vec<u32> = (0..40_000).map(|i| i * 7 % 1000).collect();
        let running = Windows::new(
            Stored::Memory(tokens.clone()),
            16,
            &[0..30_000, 30_000..36_000, 36_000..40_000],
            Arrangement::Next,
        );
        let starts = Stored::Memory((0..=400).map(|row| row * 90).collect());
        let apart = Windows::apart(Stored::Memory(tokens), [0, 90], starts, 3, Arrangement::Next);
        for windows in [running, apart] {
            let windows = Windows { key: Some("k".into()), ..windows };
            let part_of_row: Vec<u8> = (0..400).map(|row| (row % 7 % 3) as u8).collect();
            windows.keep(&path, &part_of_row).unwrap();
            for memory in [0, 1 << 20] {
                let (again, split) = Windows::kept(&path, "k", Arrangement::Next, memory).unwrap();
                assert!(again.was_kept);
                assert_eq!(rows(&again, 400), rows(&windows, 400));
                let Layout::Apart { .. } = windows.layout else {
                    assert_eq!(split.valid[0], windows.of_part(1).start as usize);
                    continue;
                };
                for (part, own) in [&split.train, &split.valid, &split.test].iter().enumerate() {
                    assert!(own.iter().all(|row| part_of_row[*row] == part as u8));
                }
            }
            assert!(Windows::kept(&path, "other", Arrangement::Next, 0).is_none());
            let whole = std::fs::read(&path).unwrap();
            for at in [0, 70_000, whole.len() - 20, whole.len() - 10, whole.len() - 1] {
                let mut bytes = whole.clone();
                bytes[at] ^= 1;
                std::fs::write(&path, &bytes).unwrap();
                assert!(Windows::kept(&path, "k", Arrangement::Next, 0).is_none(), "byte {at}");
            }
            for length in [0, 15, 16, 1000, whole.len() - 1] {
                std::fs::write(&path, &whole[..length]).unwrap();
                assert!(Windows::kept(&path, "k", Arrangement::Next, 0).is_none(), "{length}");
            }
        }
        assert!(Windows::kept(&folder.path().join("none"), "k", Arrangement::Next, 0).is_none());
    }

    #[test]
    fn a_text_is_encoded_once_and_again_only_where_it_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        let text = "to be or not to be.\n".repeat(200);
        let mut options = Options::default();
        options.text.kept = Some(path.clone());
        options.text.context = Some(16);
        let of = |text: &str, options: &Options| {
            let data = from_text("a", text, options).unwrap();
            let was_kept = data.train.of_tokens().unwrap().0.was_kept;
            (data, was_kept)
        };
        for documents in [Documents::File, Documents::Lines] {
            options.text.documents = documents;
            let (first, was_kept) = of(&text, &options);
            assert!(!was_kept);
            first.keep_tokens(&path).unwrap();
            let (again, was_kept) = of(&text, &options);
            assert!(was_kept);
            for (one, other) in [(&first.train, &again.train), (&first.valid, &again.valid)] {
                let rows: Vec<usize> = (0..one.len()).collect();
                let [mut a, mut b] = [one, other].map(|_| vec![0.0; one.len() * one.width()]);
                one.gather_inputs(&rows, &mut a).unwrap();
                other.gather_inputs(&rows, &mut b).unwrap();
                assert_eq!((one.len(), a), (other.len(), b));
            }
            assert_eq!(first.notices, again.notices);
            assert!(!of(&format!("{text}x"), &options).1);
            let mut others = options.clone();
            others.text.context = Some(8);
            assert!(!of(&text, &others).1);
            others = Options { valid: Some(0.2), ..options.clone() };
            assert!(!of(&text, &others).1);
        }
    }
}
