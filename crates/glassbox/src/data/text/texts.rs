//! What there is to learn from: one text, or documents, read as often as wanted.

use super::load::Arrangement;
use super::stream::{Characters, Open};
use crate::data::error::{DataError, Place, Problems, count, quoted};
use crate::data::fingerprint::Fingerprint;
use crate::data::options::Options;
use crate::data::split::{Split, split};
use crate::data::table::RawTable;
use crate::nearest::suggestion;

/// The longest line, in bytes: 16 MiB.
pub(super) const LONGEST_LINE: usize = 16 << 20;

/// Where text comes from.
pub(super) enum Texts<'s> {
    /// One text, whose parts end at these bytes, or behind the character that is there.
    Whole { open: &'s Open<'s>, cuts: [u64; 2] },
    /// A document a line; the part that each is of.
    Lines { open: &'s Open<'s>, parts: Vec<u8> },
    /// A document in each row's cell of a column; the part that each is of.
    Cells { table: &'s RawTable, column: usize, parts: Vec<u8> },
}

/// Some characters of a text: of the part to learn from (0), to choose by (1) or for the end (2).
pub(super) struct Piece<'t> {
    pub part: usize,
    pub text: &'t str,
    /// Whether the part, or the document, ends with it.
    pub ends: bool,
}

impl<'s> Texts<'s> {
    /// One text: its first part is learned from, the next chooses, the last is kept.
    pub fn whole(
        open: &'s Open<'s>,
        [valid, test]: [f64; 2],
        fingerprint: &mut Fingerprint,
    ) -> Result<Self, DataError> {
        let mut characters = Characters::new(open()?);
        characters.fingerprint = Some(std::mem::replace(fingerprint, Fingerprint::new()));
        let (mut text, mut length) = (String::new(), 0);
        while characters.next(&mut text)? {
            length += text.len() as u64;
        }
        if let Some(seen) = characters.fingerprint {
            *fingerprint = seen;
        }
        let cut = |share: f64| (length as f64 * share).round() as u64;
        Ok(Texts::Whole { open, cuts: [cut(1.0 - valid - test), cut(1.0 - test)] })
    }

    /// A document a line. Lines without anything are passed over.
    pub fn lines(
        open: &'s Open<'s>,
        shares: [f64; 2],
        seed: u64,
        fingerprint: &mut Fingerprint,
    ) -> Result<Self, DataError> {
        let (mut problems, mut documents) = (Problems::default(), 0);
        each_line(open, Some(fingerprint), &mut |line| {
            match line {
                Ok(line) => documents += usize::from(!line.trim().is_empty()),
                Err((place, what)) => problems.push(place, what, "save the file as UTF-8"),
            }
            Ok(())
        })?;
        problems.finish()?;
        Ok(Texts::Lines { open, parts: parts(documents, shares, seed)? })
    }

    /// A document in each cell of a column; empty ones are passed over.
    pub fn cells(
        table: &'s RawTable,
        column: &str,
        shares: [f64; 2],
        seed: u64,
    ) -> Result<Self, DataError> {
        let column = column_of(table, column)?;
        let mut documents = 0;
        table.each(column, |_, cell| documents += usize::from(!cell.text().is_empty()))?;
        Ok(Texts::Cells { table, column, parts: parts(documents, shares, seed)? })
    }

    /// Whether nothing is left to learn from.
    pub fn has_no_training_part(&self) -> bool {
        match self {
            Texts::Whole { cuts, .. } => cuts[0] == 0,
            Texts::Lines { parts, .. } | Texts::Cells { parts, .. } => !parts.contains(&0),
        }
    }

    /// Whether texts stand for themselves, rather than being parts of one.
    pub fn are_documents(&self) -> bool {
        !matches!(self, Texts::Whole { .. })
    }

    /// Shows all of it, in order.
    ///
    /// # Errors
    /// What cannot be read, and what `see` gives.
    pub fn each(
        &self,
        see: &mut dyn FnMut(Piece<'_>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let of = |parts: &[u8], number: usize| parts.get(number).copied().unwrap_or(0).into();
        let mut number = 0;
        match self {
            Texts::Whole { open, cuts } => each_piece(open, *cuts, see),
            Texts::Lines { open, parts } => each_line(open, None, &mut |line| {
                // They were read before: only a file that changed meanwhile has a problem.
                let text = line.map_err(|(place, what)| {
                    DataError::new(place, what, "leave the file as it is while it is read")
                })?;
                if text.trim().is_empty() {
                    return Ok(());
                }
                number += 1;
                see(Piece { part: of(parts, number - 1), text, ends: true })
            }),
            Texts::Cells { table, column, parts } => {
                let mut shown = Ok(());
                table.each(*column, |_, cell| {
                    let text = cell.text();
                    if text.is_empty() || shown.is_err() {
                        return;
                    }
                    number += 1;
                    shown = see(Piece { part: of(parts, number - 1), text: &text, ends: true });
                })?;
                shown
            }
        }
    }
}

impl Options {
    /// The shares of a text for validation and for the test.
    pub(super) fn text_shares(&self) -> [f64; 2] {
        let test = if self.text.arrangement == Arrangement::Pairs { 0.1 } else { 0.0 };
        [self.valid.unwrap_or(0.1), self.test.unwrap_or(test)]
    }
}

/// Where a column of this name stands.
pub(super) fn column_of(table: &RawTable, name: &str) -> Result<usize, DataError> {
    table.column(name).ok_or_else(|| {
        let names: Vec<&str> = table.names().iter().map(String::as_str).collect();
        let what = format!("there is no column {}", quoted(name));
        DataError::new(Place::file(table.file()), what, suggestion(name, "columns", &names))
    })
}

/// The part of each of so many documents, by chance.
fn parts(documents: usize, [valid, test]: [f64; 2], seed: u64) -> Result<Vec<u8>, DataError> {
    let Split { valid, test, .. } = split(documents, None, false, valid, test, seed)?;
    let mut parts = vec![0; documents];
    for (part, documents) in [(1, valid), (2, test)] {
        for document in documents {
            if let Some(place) = parts.get_mut(document) {
                *place = part;
            }
        }
    }
    Ok(parts)
}

fn each_piece(
    open: &Open<'_>,
    cuts: [u64; 2],
    see: &mut dyn FnMut(Piece<'_>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut characters = Characters::new(open()?);
    let (mut text, mut part, mut at) = (String::new(), 0, 0);
    while characters.next(&mut text)? {
        let mut rest = &text[..];
        while let Some(cut) = cuts.get(part) {
            let cut = usize::try_from(cut.saturating_sub(at)).unwrap_or(usize::MAX);
            let ends = (cut..=rest.len()).find(|at| rest.is_char_boundary(*at));
            let Some((before, after)) = ends.and_then(|at| rest.split_at_checked(at)) else {
                break;
            };
            see(Piece { part, text: before, ends: true })?;
            (part, at, rest) = (part + 1, at + before.len() as u64, after);
        }
        see(Piece { part, text: rest, ends: false })?;
        at += rest.len() as u64;
    }
    (part..=cuts.len()).try_for_each(|part| see(Piece { part, text: "", ends: true }))
}

/// A line without its end, or where it is no text and why.
type Line<'t> = Result<&'t str, (Place, String)>;

/// Shows every line of a text.
pub(super) fn each_line(
    open: &Open<'_>,
    mut fingerprint: Option<&mut Fingerprint>,
    see: &mut dyn FnMut(Line<'_>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut source = open()?;
    let (mut bytes, mut number) = (Vec::new(), 0);
    while source.line(&mut bytes, LONGEST_LINE)? {
        number += 1;
        if let Some(fingerprint) = &mut fingerprint {
            fingerprint.bytes(bytes.iter().copied());
        }
        let line = bytes.strip_prefix(b"\xEF\xBB\xBF").filter(|_| number == 1);
        see(match std::str::from_utf8(line.unwrap_or(&bytes)) {
            Ok(line) => Ok(line.trim_end_matches(['\n', '\r'])),
            Err(error) => {
                let at = error.valid_up_to() + 1;
                let what = format!("is not UTF-8 text: byte {at} of the line does not belong");
                Err((Place::file(&source.name).line(number), what))
            }
        })?;
    }
    Ok(())
}

/// What is wrong where nothing is left to learn from.
pub(super) fn nothing_to_learn(shown: &str, documents: bool, tokens: u64) -> DataError {
    let tokens = count(usize::try_from(tokens).unwrap_or(usize::MAX), "token");
    let (what, cure) = match documents {
        true => (
            "has no document to learn from".to_string(),
            "a text needs a document at least that is not empty, and not held back",
        ),
        false => (
            format!("has {tokens} to learn from"),
            "a text needs two tokens at least, one to follow the other",
        ),
    };
    DataError::new(Place::file(shown), what, cure)
}
