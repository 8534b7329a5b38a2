//! A file or bytes in memory as a stream, decompressed where it is gzipped.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::error::{DataError, Place};

/// A stream of a source's plain bytes.
pub(super) struct Source<'s> {
    /// The name of the file, for messages.
    pub(super) name: String,
    reader: Box<dyn BufRead + 's>,
    gzipped: bool,
    /// Bytes that came out so far.
    read: u64,
}

impl<'s> Source<'s> {
    #[cfg(test)]
    pub(super) fn of(name: &str, reader: impl Read + 's) -> Self {
        let reader = BufReader::with_capacity(1 << 17, reader);
        Source { name: name.into(), reader: Box::new(reader), gzipped: false, read: 0 }
    }

    /// The content of bytes in memory.
    pub(super) fn bytes(name: &str, bytes: &'s [u8]) -> Self {
        Source { name: name.into(), reader: Box::new(bytes), gzipped: false, read: 0 }
    }

    /// Opens a file, gzipped or not.
    pub(super) fn open(path: &Path) -> Result<Source<'static>, DataError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|e| {
            let what = format!("cannot be opened: {e}");
            DataError::new(Place::file(&name), what, "check the path and its rights")
        })?;
        let mut file = BufReader::with_capacity(1 << 17, file);
        let start = file.fill_buf().map_err(|e| unreadable(&name, &e))?;
        let gzipped = start.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn BufRead> = match gzipped {
            true => Box::new(BufReader::with_capacity(1 << 17, MultiGzDecoder::new(file))),
            false => Box::new(file),
        };
        Ok(Source { name, reader, gzipped, read: 0 })
    }

    /// The first bytes, which stay to be read.
    pub(super) fn peek(&mut self) -> Result<&[u8], DataError> {
        let (name, gzipped, read) = (&self.name, self.gzipped, self.read);
        self.reader.fill_buf().map_err(|e| broken(name, gzipped, read, &e))
    }

    /// Reads some bytes; 0 at the end.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<usize, DataError> {
        loop {
            match self.reader.read(out) {
                Ok(read) => {
                    self.read += read as u64;
                    return Ok(read);
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(broken(&self.name, self.gzipped, self.read, &e)),
            }
        }
    }

    /// Reads a line with its end into `line`, which is emptied first; false at the end.
    ///
    /// # Errors
    /// A line longer than `most` bytes, and what cannot be read.
    pub(super) fn line(&mut self, line: &mut Vec<u8>, most: usize) -> Result<bool, DataError> {
        line.clear();
        loop {
            let (name, gzipped, read) = (&self.name, self.gzipped, self.read);
            let bytes = self.reader.fill_buf().map_err(|e| broken(name, gzipped, read, &e))?;
            if bytes.is_empty() {
                return Ok(!line.is_empty());
            }
            let end = memchr::memchr(b'\n', bytes);
            let taken = end.map_or(bytes.len(), |at| at + 1);
            line.extend_from_slice(&bytes[..taken]);
            self.reader.consume(taken);
            self.read += taken as u64;
            if line.len() > most {
                let what = format!("a line has more than {most} bytes");
                return Err(DataError::new(Place::file(&self.name), what, "check the file"));
            }
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    /// Reads everything that is left, at most `most` bytes.
    pub(super) fn rest(&mut self, most: u64) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        let mut part = vec![0; 1 << 16];
        loop {
            let read = self.read(&mut part)?;
            if read == 0 {
                return Ok(bytes);
            }
            bytes.extend_from_slice(&part[..read]);
            if bytes.len() as u64 > most {
                let what = format!("is larger than {} GiB", most >> 30);
                return Err(DataError::new(Place::file(&self.name), what, "take a part of it"));
            }
        }
    }
}

fn broken(name: &str, gzipped: bool, read: u64, error: &std::io::Error) -> DataError {
    match gzipped {
        true => DataError::new(
            Place::file(name),
            format!("is gzipped, but broken after {read} bytes of content: {error}"),
            "copy or download the file again",
        ),
        false => unreadable(name, error),
    }
}

pub(super) fn unreadable(name: &str, error: &std::io::Error) -> DataError {
    let what = format!("cannot be read: {error}");
    DataError::new(Place::file(name), what, "check the file and the disk")
}
