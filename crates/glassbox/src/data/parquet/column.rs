//! One column of a group of rows, page by page.

use super::decode::{Decoder, Next, Runs, read_length};
use super::decompress::decompress;
use super::footer::{Chunk, Column};
use super::table::Bytes;
use super::thrift::Value;
use super::{Broken, thrift};

/// The largest page, decompressed: 1 GiB.
const LARGEST: i64 = 1 << 30;
/// The most values of a page; fuzzing takes fewer, since a few bytes can say many nulls.
const MOST_VALUES: u64 = if cfg!(fuzzing) { 1 << 10 } else { 1 << 26 };
/// The longest header of a page, in bytes: 16 MiB.
const LONGEST_HEADER: u64 = 16 << 20;

/// Where the reading of a column stands.
#[derive(Debug)]
pub(super) struct Reader<'f> {
    file: &'f Bytes<'f>,
    column: &'f Column,
    chunk: Chunk,
    dictionary: Dictionary,
    page: Vec<u8>,
    /// Which values are there, where some may be missing.
    levels: Option<Runs>,
    decoder: Option<Decoder>,
    /// Values left in the page.
    left: u64,
}

/// The texts of a column's dictionary, one after the other.
#[derive(Debug, Default)]
struct Dictionary {
    texts: Vec<u8>,
    ends: Vec<usize>,
}

impl Dictionary {
    fn text(&self, place: usize) -> Option<&[u8]> {
        let end = *self.ends.get(place)?;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.texts.get(start..end)
    }
}

impl<'f> Reader<'f> {
    pub(super) fn new(file: &'f Bytes<'f>, column: &'f Column, chunk: Chunk) -> Self {
        Reader {
            file,
            column,
            chunk,
            dictionary: Dictionary::default(),
            page: Vec::new(),
            levels: None,
            decoder: None,
            left: 0,
        }
    }

    /// Adds the text of the next row's value to `out`: nothing where there is none.
    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        while self.left == 0 {
            self.next_page()?;
        }
        self.left -= 1;
        if let Some(levels) = &mut self.levels
            && levels.next(&self.page)? == 0
        {
            return Ok(());
        }
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        match decoder.next(self.column.physical, &self.page)? {
            Next::Value(raw) => self.column.kind.write(raw, out),
            Next::Place(place) => {
                let text = self.dictionary.text(place).ok_or_else(|| {
                    Broken::new(format!(
                        "has a value at place {place} of a dictionary of {}",
                        self.dictionary.ends.len()
                    ))
                })?;
                out.extend_from_slice(text);
                Ok(())
            }
        }
    }

    /// Reads the next page: one of data, or the dictionary.
    fn next_page(&mut self) -> Result<(), Broken> {
        let (head, bytes) = self.read_page()?;
        let head = head.as_slice();
        let head = Value::read(head)?.ok_or_else(|| Broken::new("has a broken page"))?.0;
        let whole = |head: &Value<'_>, field| {
            let number = head.int(field).filter(|number| (0..=LARGEST).contains(number));
            number.ok_or_else(|| Broken::new("has a page with a wrong header"))
        };
        let size = whole(&head, 2)? as usize;
        let plain = |bytes: &[u8], size| decompress(self.chunk.codec, bytes, size);
        if let Some(about) = head.field(7) {
            let page = plain(&bytes, size)?;
            return self.read_dictionary(&page, whole(about, 1)?);
        }
        let (about, encoding, at);
        if let Some(head) = head.field(8) {
            // The levels are never compressed.
            let (repeated, defined) = (whole(head, 6)? as usize, whole(head, 5)? as usize);
            let levels = repeated + defined;
            let (first, rest) =
                bytes.split_at_checked(levels).ok_or_else(|| Broken::new("has a broken page"))?;
            self.page = first.to_vec();
            match head.bool(7) {
                Some(false) => self.page.extend_from_slice(rest),
                _ => {
                    let size = size.checked_sub(levels);
                    let size = size.ok_or_else(|| Broken::new("has a broken page"))?;
                    // Of nulls alone some writers keep nothing at all.
                    if !rest.is_empty() {
                        self.page.extend(plain(rest, size)?);
                    }
                }
            }
            let optional = self.column.optional;
            self.levels = optional.then(|| Runs::new(repeated, levels, 1)).transpose()?;
            (about, encoding, at) = (head, whole(head, 4)?, levels);
        } else if let Some(head) = head.field(5) {
            self.page = plain(&bytes, size)?;
            self.levels = None;
            let mut values = 0;
            if self.column.optional {
                if whole(head, 3)? != 3 {
                    return Err(Broken::new("has levels in an encoding that is not read"));
                }
                values = read_length(&self.page, 0)? + 4;
                self.levels = Some(Runs::new(4, values, 1)?);
            }
            (about, encoding, at) = (head, whole(head, 2)?, values);
        } else {
            // Pages of other kinds hold no values.
            return Ok(());
        }
        self.left = whole(about, 1)? as u64;
        if self.left > MOST_VALUES {
            return Err(Broken::new(format!("claims a page of {} values", self.left)));
        }
        let (physical, count) = (self.column.physical, self.left as usize);
        // A page without values need not say how they are written.
        self.decoder = match at < self.page.len() {
            true => Some(Decoder::new(encoding, physical, &self.page, at, count)?),
            false => None,
        };
        Ok(())
    }

    /// The bytes of a page's header and of what follows it.
    fn read_page(&mut self) -> Result<(Vec<u8>, Vec<u8>), Broken> {
        let mut length = 256;
        loop {
            let rest = self.chunk.end.saturating_sub(self.chunk.start);
            if rest == 0 {
                return Err(Broken::new("has fewer values than rows"));
            }
            let mut head = self.file.read(self.chunk.start, rest.min(length))?;
            let found =
                thrift::Value::read(&head)?.map(|(value, end)| (value.int(3).unwrap_or(-1), end));
            if let Some((size, end)) = found {
                let size = u64::try_from(size).ok().filter(|size| *size <= rest - end as u64);
                let size = size.ok_or_else(|| Broken::new("has a page that ends too early"))?;
                let bytes = self.file.read(self.chunk.start + end as u64, size)?;
                self.chunk.start += end as u64 + size;
                head.truncate(end);
                return Ok((head, bytes));
            }
            if length >= rest.min(LONGEST_HEADER) {
                return Err(Broken::new("has a page that ends too early"));
            }
            length *= 8;
        }
    }

    fn read_dictionary(&mut self, page: &[u8], count: i64) -> Result<(), Broken> {
        let physical = self.column.physical;
        let mut decoder = Decoder::new(0, physical, page, 0, count as usize)?;
        let mut dictionary = Dictionary::default();
        for _ in 0..count {
            if let Next::Value(raw) = decoder.next(physical, page)? {
                self.column.kind.write(raw, &mut dictionary.texts)?;
            }
            dictionary.ends.push(dictionary.texts.len());
        }
        self.dictionary = dictionary;
        Ok(())
    }
}
