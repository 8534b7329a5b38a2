//! The ways in which pages are compressed.

use std::io::Read;

use flate2::bufread::MultiGzDecoder;

use super::Broken;

/// Decompresses `bytes` to exactly `size` bytes.
///
/// # Errors
/// A codec that is not read here, and damage. Memory grows with what comes out, not with `size`.
pub(super) fn decompress(codec: i64, bytes: &[u8], size: usize) -> Result<Vec<u8>, Broken> {
    let out = match codec {
        0 => bytes.to_vec(),
        1 => snappy(bytes, size).ok_or_else(|| damaged("Snappy"))?,
        2 => stream(MultiGzDecoder::new(bytes), size).ok_or_else(|| damaged("gzip"))?,
        6 => zstd(bytes, size).ok_or_else(|| damaged("Zstandard"))?,
        7 => lz4(bytes, size).ok_or_else(|| damaged("LZ4"))?,
        other => {
            let name = match other {
                3 => "LZO",
                4 => "Brotli",
                5 => "Hadoop's LZ4",
                _ => "an unknown codec",
            };
            let read = "uncompressed, snappy, gzip, zstd and lz4_raw are read";
            return Err(Broken::new(format!("is compressed by {name}; {read}")));
        }
    };
    match out.len() == size {
        true => Ok(out),
        false => Err(Broken::new(format!("has a page of {} bytes that claims {size}", out.len()))),
    }
}

fn damaged(codec: &str) -> Broken {
    Broken::new(format!("has a damaged page ({codec})"))
}

/// Reads to the end, one byte beyond `size` at most.
fn stream(reader: impl Read, size: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    reader.take(size as u64 + 1).read_to_end(&mut out).ok()?;
    Some(out)
}

fn zstd(mut bytes: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    while !bytes.is_empty() && out.len() <= size {
        let frame = ruzstd::decoding::StreamingDecoder::new(&mut bytes).ok()?;
        out.append(&mut stream(frame, size - out.len())?);
    }
    Some(out)
}

/// Copies `length` bytes that begin `back` bytes before the end, which may be those being written.
fn repeat(out: &mut Vec<u8>, back: usize, length: usize, size: usize) -> Option<()> {
    let start = out.len().checked_sub(back).filter(|_| back > 0)?;
    if out.len() + length > size {
        return None;
    }
    let mut left = length;
    while left > 0 {
        let part = left.min(out.len() - start);
        out.extend_from_within(start..start + part);
        left -= part;
    }
    Some(())
}

/// Snappy's raw format (github.com/google/snappy/blob/main/format_description.txt).
fn snappy(bytes: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut at = bytes.iter().take(5).position(|byte| *byte < 128)? + 1;
    let mut out = Vec::new();
    let number = |at: usize, width: usize| {
        let bytes = bytes.get(at..at.checked_add(width)?)?;
        Some(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    };
    while let Some(tag) = bytes.get(at).copied() {
        at += 1;
        let (high, width) = (usize::from(tag >> 2), usize::from(tag & 3));
        match width {
            0 => {
                let width = high.saturating_sub(59);
                let length = if width == 0 { high } else { number(at, width)? } + 1;
                at += width;
                let literal = bytes.get(at..at.checked_add(length)?)?;
                if literal.len() > size - out.len() {
                    return None;
                }
                out.extend_from_slice(literal);
                at += length;
            }
            1 => {
                let back = usize::from(tag >> 5) << 8 | number(at, 1)?;
                repeat(&mut out, back, (high & 7) + 4, size)?;
                at += 1;
            }
            _ => {
                let width = if width == 2 { 2 } else { 4 };
                repeat(&mut out, number(at, width)?, high + 1, size)?;
                at += width;
            }
        }
    }
    Some(out)
}

/// LZ4's block format (github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md).
fn lz4(bytes: &[u8], size: usize) -> Option<Vec<u8>> {
    let (mut at, mut out) = (0, Vec::new());
    let more = |at: &mut usize, few: u8| {
        let mut length = usize::from(few);
        let mut goes_on = few == 15;
        while goes_on {
            let byte = *bytes.get(*at)?;
            *at += 1;
            length += usize::from(byte);
            goes_on = byte == 255;
        }
        Some(length)
    };
    while let Some(token) = bytes.get(at).copied() {
        at += 1;
        let length = more(&mut at, token >> 4)?;
        let literal = bytes.get(at..at.checked_add(length)?)?;
        if literal.len() > size - out.len() {
            return None;
        }
        out.extend_from_slice(literal);
        at += length;
        // The last sequence has no match.
        if at == bytes.len() {
            return Some(out);
        }
        let back = usize::from(*bytes.get(at)?) | usize::from(*bytes.get(at + 1)?) << 8;
        at += 2;
        let length = more(&mut at, token & 15)? + 4;
        repeat(&mut out, back, length, size)?;
    }
    // A page without bytes is a token of zero literals.
    bytes.is_empty().then_some(out)
}
