//! From a stream of bytes to records of cells: delimiters, quotes, line ends. One record at a time
//! is in memory.

#[cfg(test)]
use std::io::Read;

use super::error::{DataError, Place};
use super::source::Source;

/// The longest record, in bytes: 16 MiB.
const LONGEST: usize = 16 << 20;

/// Records of a text whose cells are separated by a delimiter.
pub(super) struct Records<'s> {
    file: String,
    source: Source<'s>,
    buffer: Vec<u8>,
    /// What of the buffer is not read yet.
    start: usize,
    end: usize,
    ended: bool,
    pub(super) delimiter: u8,
    /// The line on which the buffer's first unread byte stands, from 1.
    line: u64,
    /// The first and the last byte (exclusive) of each cell of the current record.
    cells: Vec<(usize, usize)>,
}

/// One record: its cells, quotes taken off.
pub(super) struct Record<'r> {
    bytes: &'r [u8],
    cells: &'r [(usize, usize)],
    /// The line on which it begins, from 1.
    pub(super) line: u64,
}

impl<'r> Record<'r> {
    pub(super) fn cells(&self) -> impl Iterator<Item = &'r [u8]> + Clone + use<'r> {
        let bytes = self.bytes;
        self.cells.iter().map(move |(start, end)| &bytes[*start..*end])
    }
}

impl<'s> Records<'s> {
    /// Reads on until the first line with anything in it and takes its delimiter.
    ///
    /// # Errors
    /// An empty file, UTF-16, and what the source cannot read.
    pub(super) fn new(source: Source<'s>) -> Result<Self, DataError> {
        let mut records = Records {
            file: source.name.clone(),
            source,
            buffer: vec![0; 1 << 17],
            start: 0,
            end: 0,
            ended: false,
            delimiter: b',',
            line: 1,
            cells: Vec::new(),
        };
        while records.end < 3 && records.fill()? {}
        let begins = |bytes: &[u8]| records.buffer[..records.end].starts_with(bytes);
        if begins(&[0xFF, 0xFE]) || begins(&[0xFE, 0xFF]) {
            return Err(DataError::new(
                Place::file(&records.file),
                "the text is UTF-16, not UTF-8",
                SAVE,
            ));
        }
        if begins(b"\xEF\xBB\xBF") {
            records.start = 3;
        }
        while !first_line(&records.buffer[records.start..records.end])
            .is_some_and(|(_, whole)| whole)
            && records.fill()?
        {}
        let unread = records.start..records.end;
        let header = first_line(&records.buffer[unread.clone()]).map(|(line, _)| line);
        let delimiter = header.map(delimiter_of);
        let Some(delimiter) = delimiter else {
            records.check(unread)?;
            return Err(DataError::new(
                Place::file(&records.file),
                "the file is empty",
                "a table needs a line of column names and a line for each row",
            ));
        };
        records.delimiter = delimiter;
        Ok(records)
    }

    /// Reads more into the buffer, whose unread part moves to its front; false at the end.
    fn fill(&mut self) -> Result<bool, DataError> {
        if self.ended {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            if self.buffer.len() >= LONGEST {
                return Err(DataError::new(
                    Place::file(&self.file).line(self.line),
                    "a row of more than 16 MiB begins here",
                    "check that the file is a table, and that quotes (\") are closed",
                ));
            }
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let read = self.source.read(&mut self.buffer[self.end..])?;
        self.end += read;
        self.ended = read == 0;
        Ok(read > 0)
    }

    /// The next record; none at the end. Empty lines are passed over.
    ///
    /// # Errors
    /// Bytes that are not text in UTF-8, a quote that is never closed, a record beyond 16 MiB, and
    /// what the source cannot read.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>, DataError> {
        if !self.skip_line_ends()? {
            return Ok(None);
        }
        let (length, quotes) = self.record_end()?;
        let (start, end) = (self.start, self.start + length);
        self.check(start..end)?;
        let line = self.line;
        if quotes {
            self.line += line_ends(&self.buffer[start..end]);
        }
        self.split(start, end, quotes);
        self.start = end;
        Ok(Some(Record { bytes: &self.buffer, cells: &self.cells, line }))
    }

    /// Goes to the first byte of a line that has any; false at the end.
    fn skip_line_ends(&mut self) -> Result<bool, DataError> {
        loop {
            // A carriage return tells what it is only with the byte after it.
            while self.start + 1 < self.end || self.ended && self.start < self.end {
                let byte = self.buffer[self.start];
                if !matches!(byte, b'\n' | b'\r') {
                    return Ok(true);
                }
                self.start += 1;
                let next = self.buffer[self.start..self.end].first();
                self.line += u64::from(byte == b'\n' || next != Some(&b'\n'));
            }
            if !self.fill()? && self.start == self.end {
                return Ok(false);
            }
        }
    }

    /// How many bytes the record at `start` has, and whether there are quotes in it.
    fn record_end(&mut self) -> Result<(usize, bool), DataError> {
        let mut at = 0;
        loop {
            let unread = &self.buffer[self.start..self.end];
            match memchr::memchr3(b'\n', b'\r', b'"', &unread[at..]) {
                Some(found) if unread[at + found] == b'"' => break,
                Some(found) => return Ok((at + found, false)),
                None => at = unread.len(),
            }
            if !self.fill()? {
                return Ok((at, false));
            }
        }
        let mut state = State::CellStart;
        let mut opened = 0;
        at = 0;
        loop {
            let unread = &self.buffer[self.start..self.end];
            while let Some(&byte) = unread.get(at) {
                state = match (state, byte) {
                    (State::Quoted, b'"') => State::QuoteSeen,
                    (State::Quoted, _) => State::Quoted,
                    (State::QuoteSeen, b'"') => State::Quoted,
                    (State::CellStart, b'"') => {
                        opened = at;
                        State::Quoted
                    }
                    (_, b'\n' | b'\r') => return Ok((at, true)),
                    (_, byte) if byte == self.delimiter => State::CellStart,
                    _ => State::Plain,
                };
                at += 1;
            }
            if !self.fill()? {
                break;
            }
        }
        if state != State::Quoted {
            return Ok((at, true));
        }
        // What looks like a last, ragged row is the rest of the file in one cell.
        self.check(self.start..self.end)?;
        let line = self.line + line_ends(&self.buffer[self.start..self.start + opened]);
        Err(DataError::new(
            Place::file(&self.file).line(line),
            "a quote (\") is opened here and never closed",
            "close the quote; a quote inside a quoted cell is written twice (\"\")",
        ))
    }

    /// Finds the cells of the record; takes the quotes off in place.
    fn split(&mut self, start: usize, end: usize, quotes: bool) {
        self.cells.clear();
        let delimiter = self.delimiter;
        let mut from = start;
        if !quotes {
            for (i, byte) in self.buffer[start..end].iter().enumerate() {
                if *byte == delimiter {
                    self.cells.push((from, start + i));
                    from = start + i + 1;
                }
            }
            self.cells.push((from, end));
            return;
        }
        let bytes = &mut self.buffer;
        let mut at = from;
        loop {
            let first = at;
            let mut to = at;
            let mut state = State::CellStart;
            while at < end {
                let byte = bytes[at];
                let (next, kept) = match (state, byte) {
                    (State::CellStart, b'"') => (State::Quoted, false),
                    (State::Quoted, b'"') => (State::QuoteSeen, false),
                    (State::Quoted, _) => (State::Quoted, true),
                    (State::QuoteSeen, b'"') => (State::Quoted, true),
                    (_, byte) if byte == delimiter => break,
                    _ => (State::Plain, true),
                };
                state = next;
                if kept {
                    bytes[to] = byte;
                    to += 1;
                }
                at += 1;
            }
            self.cells.push((first, to));
            if at >= end {
                return;
            }
            at += 1;
        }
    }

    /// Refuses what is not UTF-8 text, with its line.
    fn check(&self, range: std::ops::Range<usize>) -> Result<(), DataError> {
        let bytes = &self.buffer[range];
        let place = |at: usize| Place::file(&self.file).line(self.line + line_ends(&bytes[..at]));
        if let Some(at) = memchr::memchr(0, bytes) {
            let what = "a zero byte: this is not a text file";
            return Err(DataError::new(place(at), what, SAVE));
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            let at = error.valid_up_to();
            let byte = bytes.get(at).copied().unwrap_or(0);
            let what = format!("the text is not UTF-8 (byte 0x{byte:02X}); perhaps it is Latin-1");
            return Err(DataError::new(place(at), what, SAVE));
        }
        Ok(())
    }
}

const SAVE: &str = "save the file as CSV in UTF-8";

/// Where in a record a byte stands.
#[derive(Clone, Copy, PartialEq)]
enum State {
    CellStart,
    Plain,
    Quoted,
    /// After a quote within quotes: it closed them, or is the first of two that mean one.
    QuoteSeen,
}

/// How many lines end within these bytes: by LF, CR or both together.
fn line_ends(bytes: &[u8]) -> u64 {
    let ends = |i: usize| match bytes[i] {
        b'\n' => true,
        b'\r' => bytes.get(i + 1) != Some(&b'\n'),
        _ => false,
    };
    (0..bytes.len()).filter(|i| ends(*i)).count() as u64
}

/// The first line with anything in it, and whether its end is there too.
fn first_line(bytes: &[u8]) -> Option<(&[u8], bool)> {
    let mut lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r'));
    let line = lines.find(|line| !line.iter().all(u8::is_ascii_whitespace))?;
    Some((line, lines.next().is_some()))
}

/// The delimiter that a line has most of outside quotes, the first of equals; a comma where it has
/// none.
fn delimiter_of(header: &[u8]) -> u8 {
    const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
    let mut counts = [0usize; 4];
    let mut in_quotes = false;
    for byte in header {
        in_quotes ^= *byte == b'"';
        if let Some(i) = DELIMITERS.iter().position(|d| !in_quotes && d == byte) {
            counts[i] += 1;
        }
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    DELIMITERS.into_iter().zip(counts).find(|(_, n)| *n == most).map_or(b',', |(d, _)| d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_what_the_header_has_most_of_outside_quotes() {
        let sniff = |bytes| first_line(bytes).map(|(line, _)| delimiter_of(line));
        assert_eq!(sniff(b"a,b,c\n"), Some(b','));
        assert_eq!(sniff(b"\n\n\"a,b,c\";d\n1;2"), Some(b';'));
        assert_eq!(sniff(b"a\tb, c\td"), Some(b'\t'));
        assert_eq!(sniff(b"alone\n1"), Some(b','));
        assert_eq!(sniff(b" \r\n\n"), None);
    }

    /// All records of a text, however few bytes the source gives at a time.
    fn records(text: &str, at_a_time: usize) -> Vec<(u64, Vec<String>)> {
        struct Slow<'t>(&'t [u8], usize);
        impl Read for Slow<'_> {
            fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
                let taken = self.1.min(self.0.len()).min(out.len());
                out[..taken].copy_from_slice(&self.0[..taken]);
                self.0 = &self.0[taken..];
                Ok(taken)
            }
        }
        let source = Source::of("t.csv", Slow(text.as_bytes(), at_a_time));
        let mut records = Records::new(source).unwrap();
        let mut found = Vec::new();
        while let Some(record) = records.next().unwrap() {
            let text = |cell: &[u8]| String::from_utf8(cell.to_vec()).unwrap();
            found.push((record.line, record.cells().map(text).collect()));
        }
        found
    }

    #[test]
    fn records_do_not_depend_on_how_the_bytes_arrive() {
        let text =
            "a,b\r\n\r\n1,\"two\r\nlines\"\r\n\r\n\"x\"\"y\",\"q\"r\"s\n\n,\n5\" pipe,\"\"\r6,7";
        let whole = records(text, usize::MAX);
        let line = |line: u64, a: &str, b: &str| (line, vec![a.to_string(), b.to_string()]);
        assert_eq!(
            whole,
            [
                line(1, "a", "b"),
                line(3, "1", "two\r\nlines"),
                line(6, "x\"y", "qr\"s"),
                line(8, "", ""),
                line(9, "5\" pipe", ""),
                line(10, "6", "7"),
            ]
        );
        for at_a_time in 1..8 {
            assert_eq!(records(text, at_a_time), whole, "{at_a_time}");
        }
    }
}
