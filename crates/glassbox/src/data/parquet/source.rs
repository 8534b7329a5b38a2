//! The bytes of a file, and what is checked of them before they are decoded.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::Broken;
use super::thrift::walk;
use crate::data::error::DataError;
use crate::data::source::unreadable;
use crate::data::spool::read_exact_at;

/// The largest page, decompressed: 1 GiB.
const LARGEST: i64 = 1 << 30;
/// The longest header of a page, in bytes: 16 MiB.
const LONGEST_HEADER: u64 = 16 << 20;
/// The most groups of columns in a schema: decoding goes as deep as they do, on the stack.
const MOST_NESTED: usize = 256;

/// A file's content, to be read in any order.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Memory(Bytes),
    File { file: Arc<File>, length: u64 },
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Source, DataError> {
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) = opened.map_err(|e| unreadable(&name, &e))?;
        Ok(Source::File { file: Arc::new(file), length })
    }

    fn length(&self) -> u64 {
        match self {
            Source::Memory(bytes) => bytes.len() as u64,
            Source::File { length, .. } => *length,
        }
    }

    /// `length` bytes from `at` on.
    fn read(&self, at: u64, length: u64) -> Result<Bytes, Broken> {
        let end = at.checked_add(length).filter(|end| *end <= self.length());
        let end = end.ok_or_else(|| Broken::new("says that it is larger than it is"))?;
        match self {
            Source::Memory(bytes) => Ok(bytes.slice(at as usize..end as usize)),
            Source::File { file, .. } => {
                let mut bytes = vec![0; length as usize];
                read_exact_at(file, &mut bytes, at)
                    .map_err(|e| Broken::new(format!("cannot be read: {e}")))?;
                Ok(bytes.into())
            }
        }
    }

    /// The bytes of the footer, which the last eight bytes end.
    ///
    /// # Errors
    /// A file that is cut off or encrypted, and a footer that cannot be decoded safely.
    pub(super) fn footer(&self) -> Result<Bytes, Broken> {
        let no = || Broken::new("is not a Parquet file, or only the beginning of one");
        let end = self.length().checked_sub(8).ok_or_else(no)?;
        let last = self.read(end, 8)?;
        let (length, magic) = last.split_first_chunk::<4>().ok_or_else(no)?;
        match magic {
            b"PAR1" => {}
            b"PARE" => return Err(Broken::new("is encrypted")),
            _ => return Err(no()),
        }
        let length = u64::from(u32::from_le_bytes(*length));
        let footer = self.read(end.checked_sub(length).ok_or_else(no)?, length)?;
        check_footer(&footer)?;
        Ok(footer)
    }
}

/// Checks what a footer says of its own size: the decoder allocates as many columns as a group of
/// them claims, and calls itself for each group within another.
fn check_footer(footer: &[u8]) -> Result<(), Broken> {
    let (mut groups, mut children) = (0, 0u64);
    let walked = walk(footer, &mut |path, value| match (path, value) {
        ([8], _) | ([4, 1, 8], _) => Err(Broken::new("is encrypted")),
        ([4, 1, 1], _) => Err(Broken::new("keeps its columns in other files")),
        ([4, 1, 3, 4], Some(codec)) if !(0..=7).contains(&codec) => {
            let what = format!("has a column compressed by an unknown codec (number {codec})");
            Err(Broken::new(what))
        }
        ([2, 5], Some(count)) if count != 0 => {
            groups += 1;
            children = children.saturating_add(count as u64);
            if groups > MOST_NESTED {
                return Err(Broken::new(format!(
                    "has more than {MOST_NESTED} nested columns, and only plain ones are read"
                )));
            }
            match children > footer.len() as u64 {
                true => Err(Broken::new("has a footer that contradicts itself")),
                false => Ok(()),
            }
        }
        _ => Ok(()),
    })?;
    walked.map(drop).ok_or_else(|| Broken::new("ends within its footer"))
}

/// The pages of one column in a group of rows.
#[derive(Debug)]
pub(super) struct Chunk {
    source: Source,
    end: u64,
    /// How many bytes a compressed byte can become, at most.
    ratio: i64,
}

impl Chunk {
    pub(super) fn new(source: Source, end: u64, codec: Compression) -> Chunk {
        let ratio = match codec {
            Compression::UNCOMPRESSED => 1,
            Compression::SNAPPY | Compression::LZ4 | Compression::LZ4_RAW => 256,
            Compression::GZIP(_) | Compression::LZO => 1040,
            // 128 KiB of one byte are a block of four.
            Compression::ZSTD(_) => 1 << 15,
            // A copy of up to 16 MiB is a few bits.
            Compression::BROTLI(_) => 1 << 24,
        };
        Chunk { source, end, ratio }
    }

    /// The bytes of the page's header at `start`. The decoder allocates what it says a page has, so
    /// it must say what can be true.
    fn header(&self, start: u64) -> Result<Bytes, Broken> {
        let rest = self.end.saturating_sub(start);
        let mut length = 256;
        loop {
            let bytes = self.source.read(start, rest.min(length))?;
            let (mut size, mut stored) = (-1, -1);
            let found = walk(&bytes, &mut |path, value| {
                match (path, value) {
                    ([2], Some(value)) => size = value,
                    ([3], Some(value)) => stored = value,
                    _ => {}
                }
                Ok(())
            })?;
            if let Some(end) = found {
                if size > stored.saturating_mul(self.ratio).saturating_add(1024) {
                    let what = format!("has a page of {stored} bytes that claims to hold {size}");
                    return Err(Broken::new(what));
                }
                let left = (rest - end as u64).min(LARGEST as u64) as i64;
                if !(0..=left).contains(&stored) || !(0..=LARGEST).contains(&size) {
                    return Err(Broken::new("has a page with a wrong header"));
                }
                return Ok(bytes.slice(..end));
            }
            if length >= rest.min(LONGEST_HEADER) {
                return Err(Broken::new("has a page that ends too early"));
            }
            length *= 8;
        }
    }
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.source.length()
    }
}

impl ChunkReader for Chunk {
    type T = bytes::buf::Reader<Bytes>;

    /// A reader of the page's header at `start`: nothing else is read in this way.
    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.header(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        Ok(self.source.read(start, length as u64)?)
    }
}
