//! The encodings of values in a page (parquet.apache.org/docs/file-format/data-pages/encodings),
//! each read value by value: a page may claim more values than memory holds.

use super::Broken;
use super::thrift::unzigzag;
use super::value::{Physical, Raw};

/// Values to come, of bytes that are handed in with every call.
#[derive(Debug)]
pub(super) enum Decoder {
    /// One after the other; booleans by their bits.
    Plain { at: usize, bit: usize },
    /// Booleans in runs.
    Runs(Runs),
    /// Places in the dictionary.
    Dictionary(Runs),
    /// Differences of whole numbers.
    Delta(Delta),
    /// Lengths, then texts.
    Lengths { lengths: Delta, at: usize },
    /// How much each text has in common with the one before, and what follows that.
    Prefixes { prefixes: Delta, lengths: Delta, at: usize, last: Vec<u8> },
    /// All first bytes, then all second bytes …
    Split { at: usize, index: usize, count: usize, bytes: Vec<u8> },
}

/// What a page holds next: a value, or its place in the dictionary.
pub(super) enum Next<'p> {
    Value(Raw<'p>),
    Place(usize),
}

fn short() -> Broken {
    Broken::new("has a page that ends too early")
}

impl Decoder {
    /// A decoder of the values that begin at `at`; `count` are promised, nulls included.
    pub(super) fn new(
        encoding: i64,
        physical: Physical,
        page: &[u8],
        at: usize,
        count: usize,
    ) -> Result<Decoder, Broken> {
        let whole = matches!(physical, Physical::I32 | Physical::I64);
        let text = matches!(physical, Physical::Bytes);
        Ok(match (encoding, physical) {
            (0, _) => Decoder::Plain { at, bit: 0 },
            (2 | 8, _) => {
                // A page of nulls alone may have nothing here.
                let width = page.get(at).copied().unwrap_or(0);
                Decoder::Dictionary(Runs::new(at + 1, page.len(), width)?)
            }
            (3, Physical::Bool) => {
                let length = read_length(page, at)?;
                let end = (at + 4).checked_add(length).filter(|end| *end <= page.len());
                Decoder::Runs(Runs::new(at + 4, end.ok_or_else(short)?, 1)?)
            }
            (5, _) if whole => Decoder::Delta(Delta::new(page, at)?),
            (6, _) if text => {
                let lengths = Delta::new(page, at)?;
                let at = lengths.end(page, count)?;
                Decoder::Lengths { lengths, at }
            }
            (7, Physical::Bytes | Physical::Fixed(_)) => {
                let prefixes = Delta::new(page, at)?;
                let lengths = Delta::new(page, prefixes.end(page, count)?)?;
                let at = lengths.end(page, count)?;
                Decoder::Prefixes { prefixes, lengths, at, last: Vec::new() }
            }
            (9, _) if physical.size().is_some() => {
                let size = physical.size().unwrap_or(1).max(1);
                let count = page.len().saturating_sub(at) / size;
                Decoder::Split { at, index: 0, count, bytes: vec![0; size] }
            }
            (other, _) => {
                let what = format!("has an encoding (number {other}) that is not read");
                return Err(Broken::new(what));
            }
        })
    }

    pub(super) fn next<'p>(
        &'p mut self,
        physical: Physical,
        page: &'p [u8],
    ) -> Result<Next<'p>, Broken> {
        Ok(Next::Value(match self {
            Decoder::Dictionary(runs) => return Ok(Next::Place(runs.next(page)? as usize)),
            Decoder::Runs(runs) => Raw::Bool(runs.next(page)? != 0),
            Decoder::Delta(delta) => match (delta.next(page)?, physical) {
                // The differences of narrow numbers wrap around where those do.
                (number, Physical::I32) => Raw::Int(i64::from(number as i32)),
                (number, _) => Raw::Int(number),
            },
            Decoder::Plain { at, bit } if physical == Physical::Bool => {
                let byte = page.get(*at + *bit / 8).ok_or_else(short)?;
                *bit += 1;
                Raw::Bool(byte >> ((*bit - 1) % 8) & 1 == 1)
            }
            Decoder::Plain { at, .. } => {
                let length = match physical.size() {
                    Some(size) => size,
                    None => {
                        let length = read_length(page, *at)?;
                        *at += 4;
                        length
                    }
                };
                physical.raw(take(page, at, length)?)
            }
            Decoder::Lengths { lengths, at } => {
                let length = length_of(lengths.next(page)?)?;
                Raw::Bytes(take(page, at, length)?)
            }
            Decoder::Prefixes { prefixes, lengths, at, last } => {
                let prefix = length_of(prefixes.next(page)?)?;
                let length = length_of(lengths.next(page)?)?;
                if prefix > last.len() {
                    return Err(Broken::new("has a text whose beginning is not known"));
                }
                last.truncate(prefix);
                last.extend_from_slice(take(page, at, length)?);
                if physical.size().is_some_and(|size| size != last.len()) {
                    return Err(Broken::new("has a value of another length"));
                }
                Raw::Bytes(last)
            }
            Decoder::Split { at, index, count, bytes } => {
                if *index >= *count {
                    return Err(short());
                }
                for (part, byte) in bytes.iter_mut().enumerate() {
                    *byte = *page.get(*at + part * *count + *index).ok_or_else(short)?;
                }
                *index += 1;
                physical.raw(bytes)
            }
        }))
    }
}

/// Four bytes that say how many follow.
pub(super) fn read_length(page: &[u8], at: usize) -> Result<usize, Broken> {
    let bytes = page.get(at..).and_then(|rest| rest.first_chunk()).ok_or_else(short)?;
    Ok(u32::from_le_bytes(*bytes) as usize)
}

fn length_of(number: i64) -> Result<usize, Broken> {
    usize::try_from(number).map_err(|_| Broken::new("has a text of negative length"))
}

fn take<'p>(page: &'p [u8], at: &mut usize, length: usize) -> Result<&'p [u8], Broken> {
    let end = at.checked_add(length).ok_or_else(short)?;
    let taken = page.get(*at..end).ok_or_else(short)?;
    *at = end;
    Ok(taken)
}

fn varint(page: &[u8], at: &mut usize) -> Result<u64, Broken> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *page.get(*at).ok_or_else(short)?;
        *at += 1;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Ok(value);
        }
    }
    Err(Broken::new("has a number of more than 64 bits"))
}

/// `width` bits from bit `bit` after `at` on, the lowest first.
fn bits(page: &[u8], at: usize, bit: usize, width: u32) -> Result<u64, Broken> {
    if width == 0 {
        return Ok(0);
    }
    let (first, shift) = (at + bit / 8, (bit % 8) as u32);
    let length = (shift + width).div_ceil(8) as usize;
    let bytes = page.get(first..first + length).ok_or_else(short)?;
    let mut wide = [0; 16];
    wide[..length].copy_from_slice(bytes);
    let value = (u128::from_le_bytes(wide) >> shift) as u64;
    Ok(if width == 64 { value } else { value & ((1 << width) - 1) })
}

/// Small numbers: runs of one number, and groups of eight packed by their bits.
#[derive(Debug)]
pub(super) struct Runs {
    at: usize,
    end: usize,
    width: u32,
    /// Numbers left of the current run.
    left: u64,
    /// The number of the run; none where numbers are packed, from bit `bit` after `packed` on.
    value: Option<u64>,
    packed: usize,
    bit: usize,
}

impl Runs {
    pub(super) fn new(at: usize, end: usize, width: u8) -> Result<Runs, Broken> {
        if width > 32 {
            return Err(Broken::new(format!("has places of {width} bits in its dictionary")));
        }
        let width = u32::from(width);
        Ok(Runs { at, end, width, left: 0, value: None, packed: 0, bit: 0 })
    }

    pub(super) fn next(&mut self, page: &[u8]) -> Result<u64, Broken> {
        // Nothing need be written to say that every number is 0.
        if self.width == 0 {
            return Ok(0);
        }
        let page = page.get(..self.end).ok_or_else(short)?;
        while self.left == 0 {
            let head = varint(page, &mut self.at)?;
            if head & 1 == 0 {
                let size = self.width.div_ceil(8) as usize;
                let bytes = take(page, &mut self.at, size)?;
                let value = bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
                (self.left, self.value) = (head >> 1, Some(value));
            } else {
                let groups = head >> 1;
                let size = groups.checked_mul(u64::from(self.width)).ok_or_else(short)?;
                (self.left, self.value) = (groups.saturating_mul(8), None);
                (self.packed, self.bit) = (self.at, 0);
                // The last group may be cut short.
                self.at = (self.at as u64).saturating_add(size).min(page.len() as u64) as usize;
            }
        }
        self.left -= 1;
        match self.value {
            Some(value) => Ok(value),
            None => {
                let value = bits(page, self.packed, self.bit, self.width)?;
                self.bit += self.width as usize;
                Ok(value)
            }
        }
    }
}

/// Whole numbers as differences, packed in blocks of so many miniblocks.
#[derive(Clone, Debug)]
pub(super) struct Delta {
    /// Where the next block or miniblock begins.
    at: usize,
    /// Numbers of a miniblock, and miniblocks of a block.
    numbers: usize,
    minis: usize,
    /// Numbers to come, and the one that is next.
    left: u64,
    value: i64,
    least: i64,
    /// Where the widths of the block's miniblocks stand, and which of them is read.
    widths: usize,
    mini: usize,
    /// The current miniblock: its first byte, bits a number, numbers read of it.
    start: usize,
    width: u32,
    done: usize,
}

impl Delta {
    fn new(page: &[u8], mut at: usize) -> Result<Delta, Broken> {
        let block = varint(page, &mut at)?;
        let minis = varint(page, &mut at)?;
        let left = varint(page, &mut at)?;
        let value = unzigzag(varint(page, &mut at)?);
        // The format asks for 128 and 32; more than these sizes nobody writes.
        let fits = (1..=1 << 20).contains(&block) && (1..=1 << 10).contains(&minis);
        if !fits || block % minis != 0 || block / minis % 8 != 0 {
            return Err(Broken::new("has differences in blocks of a wrong size"));
        }
        let (numbers, minis) = ((block / minis) as usize, minis as usize);
        let (mini, done) = (minis, numbers);
        let (least, widths, start, width) = (0, at, at, 0);
        let delta =
            Delta { at, numbers, minis, left, value, least, widths, mini, start, width, done };
        Ok(delta)
    }

    fn next(&mut self, page: &[u8]) -> Result<i64, Broken> {
        self.left = self.left.checked_sub(1).ok_or_else(short)?;
        let value = self.value;
        if self.left > 0 {
            if self.done == self.numbers {
                self.open(page)?;
            }
            let bit = self.done * self.width as usize;
            let more = bits(page, self.start, bit, self.width)? as i64;
            self.value = value.wrapping_add(self.least).wrapping_add(more);
            self.done += 1;
        }
        Ok(value)
    }

    /// Goes on to the next miniblock.
    fn open(&mut self, page: &[u8]) -> Result<(), Broken> {
        if self.mini == self.minis {
            self.least = unzigzag(varint(page, &mut self.at)?);
            self.widths = self.at;
            take(page, &mut self.at, self.minis)?;
            self.mini = 0;
        }
        let width = page.get(self.widths + self.mini).copied().ok_or_else(short)?;
        if width > 64 {
            return Err(Broken::new(format!("has differences of {width} bits")));
        }
        (self.start, self.width, self.done) = (self.at, u32::from(width), 0);
        self.mini += 1;
        self.at += self.numbers / 8 * usize::from(width);
        Ok(())
    }

    /// Where the last of the numbers ends. There may be `most` of them.
    fn end(&self, page: &[u8], most: usize) -> Result<usize, Broken> {
        let mut all = self.clone();
        if all.left > most as u64 {
            return Err(Broken::new("has more lengths than values"));
        }
        while all.left > 1 {
            // A miniblock at a time: its numbers need not be known.
            all.open(page)?;
            all.left = all.left.saturating_sub(all.numbers as u64).max(1);
        }
        match all.at <= page.len() {
            true => Ok(all.at),
            false => Err(short()),
        }
    }
}
