//! Numbers of any amount, written once and then read by position: in memory while they are few,
//! beyond a limit in a temporary file without a name, which the system removes with the process.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Mutex;

use super::error::{DataError, Place};

/// What is stored: numbers of a fixed size, little-endian in a file.
pub(super) trait Number: Copy + Default {
    /// The number whose bytes these are; they are as many as its size.
    fn read(bytes: &[u8]) -> Self;
    fn write(self, out: &mut Vec<u8>);
}

macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl Number for $kind {
            fn read(bytes: &[u8]) -> Self {
                bytes.try_into().map_or(Self::default(), Self::from_le_bytes)
            }
            fn write(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
numbers!(u8, u32, u64, f32);

/// What has been written so far.
pub(super) struct Spool<T> {
    limit: usize,
    len: u64,
    memory: Vec<T>,
    file: Option<File>,
    /// Bytes on their way to the file.
    bytes: Vec<u8>,
}

/// Numbers that can be read by position, from several threads.
#[derive(Debug)]
pub(super) enum Stored<T> {
    Memory(Vec<T>),
    File { file: File, len: u64 },
}

/// Bytes that are written or read at a time.
const CHUNK: usize = 1 << 16;

impl<T: Number> Spool<T> {
    /// Keeps `limit` bytes in memory before it turns to a file.
    pub(super) fn new(limit: usize) -> Self {
        Spool { limit, len: 0, memory: Vec::new(), file: None, bytes: Vec::new() }
    }

    /// The number of numbers.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn push(&mut self, numbers: &[T]) -> Result<(), DataError> {
        self.len += numbers.len() as u64;
        if self.file.is_none() {
            if (self.memory.len() + numbers.len()).saturating_mul(size_of::<T>()) <= self.limit {
                self.memory.extend_from_slice(numbers);
                return Ok(());
            }
            self.file = Some(tempfile::tempfile().map_err(no_room)?);
            let memory = std::mem::take(&mut self.memory);
            self.append(&memory)?;
        }
        self.append(numbers)
    }

    fn append(&mut self, numbers: &[T]) -> Result<(), DataError> {
        for part in numbers.chunks(CHUNK / size_of::<T>()) {
            part.iter().for_each(|number| number.write(&mut self.bytes));
            if self.bytes.len() >= CHUNK {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DataError> {
        if let Some(file) = &mut self.file {
            file.write_all(&self.bytes).map_err(no_room)?;
            self.bytes.clear();
        }
        Ok(())
    }

    /// Ends the writing.
    pub(super) fn finish(mut self) -> Result<Stored<T>, DataError> {
        self.flush()?;
        Ok(match self.file {
            Some(file) => Stored::File { file, len: self.len },
            None => Stored::Memory(self.memory),
        })
    }
}

impl<T: Number> Stored<T> {
    /// The numbers from position `at` on, as many as `out` takes.
    ///
    /// # Errors
    /// Fewer numbers than asked for, a file that cannot be read.
    pub(super) fn read(&self, at: u64, out: &mut [T]) -> Result<(), DataError> {
        match self {
            Stored::Memory(all) => {
                let start = usize::try_from(at).unwrap_or(usize::MAX);
                let found = all.get(start..).and_then(|rest| rest.get(..out.len()));
                out.copy_from_slice(found.ok_or_else(beyond)?);
            }
            Stored::File { file, len } => {
                if at.checked_add(out.len() as u64).is_none_or(|end| end > *len) {
                    return Err(beyond());
                }
                // A row of a batch is short: clearing much for it would cost more than reading it.
                match size_of_val(out) <= 512 {
                    true => read_from(file, at, out, &mut [0; 512])?,
                    false => read_from(file, at, out, &mut [0; 8192])?,
                }
            }
        }
        Ok(())
    }
}

impl<T> Stored<T> {
    /// The number of numbers.
    pub(super) fn len(&self) -> u64 {
        match self {
            Stored::Memory(all) => all.len() as u64,
            Stored::File { len, .. } => *len,
        }
    }

    /// The numbers from position `at` on, where they lie in memory.
    pub(super) fn slice(&self, at: u64, count: usize) -> Option<&[T]> {
        let Stored::Memory(all) = self else { return None };
        all.get(usize::try_from(at).ok()?..)?.get(..count)
    }
}

/// Bytes of which it is known how many there will be, written in any order by several threads.
pub(super) enum Placed {
    Memory(Mutex<Vec<u8>>),
    File { file: File, len: u64 },
}

#[cfg_attr(not(feature = "image"), expect(dead_code))]
impl Placed {
    /// Room for `len` bytes, in memory where they are at most `limit`, else in a file.
    pub(super) fn new(len: u64, limit: usize) -> Result<Self, DataError> {
        if len <= limit as u64 {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            return Ok(Placed::Memory(Mutex::new(vec![0; len])));
        }
        let file = tempfile::tempfile().map_err(no_room)?;
        file.set_len(len).map_err(no_room)?;
        Ok(Placed::File { file, len })
    }

    /// Writes bytes from position `at` on.
    pub(super) fn write(&self, at: u64, bytes: &[u8]) -> Result<(), DataError> {
        match self {
            Placed::Memory(all) => {
                let mut all = all.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                let start = usize::try_from(at).unwrap_or(usize::MAX);
                let room = all.get_mut(start..).and_then(|rest| rest.get_mut(..bytes.len()));
                room.ok_or_else(beyond)?.copy_from_slice(bytes);
                Ok(())
            }
            Placed::File { file, .. } => write_all_at(file, bytes, at).map_err(no_room),
        }
    }

    /// Ends the writing; what was not written is 0.
    pub(super) fn finish(self) -> Stored<u8> {
        match self {
            Placed::Memory(all) => {
                Stored::Memory(all.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()))
            }
            Placed::File { file, len } => Stored::File { file, len },
        }
    }
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, at)?;
        at += written as u64;
        bytes = &bytes[written..];
    }
    Ok(())
}

/// Reads numbers by way of `bytes`, as many at a time as fit there.
fn read_from<T: Number>(
    file: &File,
    at: u64,
    out: &mut [T],
    bytes: &mut [u8],
) -> Result<(), DataError> {
    let size = size_of::<T>();
    let mut position = at * size as u64;
    for part in out.chunks_mut(bytes.len() / size) {
        let bytes = &mut bytes[..size_of_val(part)];
        read_exact_at(file, bytes, position).map_err(unreadable)?;
        position += bytes.len() as u64;
        for (number, bytes) in part.iter_mut().zip(bytes.chunks_exact(size)) {
            *number = T::read(bytes);
        }
    }
    Ok(())
}

#[cfg(unix)]
pub(super) fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
pub(super) fn read_exact_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                at += read as u64;
                bytes = &mut bytes[read..];
            }
        }
    }
    Ok(())
}

fn no_room(error: io::Error) -> DataError {
    let folder = std::env::temp_dir();
    DataError::new(
        Place::default(),
        format!("a temporary file in {} cannot be written: {error}", folder.display()),
        "free some space there, or name another folder in the environment variable TMPDIR",
    )
}

fn unreadable(error: io::Error) -> DataError {
    let what = format!("the temporary file of the rows cannot be read: {error}");
    DataError::new(Place::default(), what, "check the disk, then start again")
}

fn beyond() -> DataError {
    DataError::new(Place::default(), "numbers were asked for beyond the last", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_what_memory_gives() {
        let numbers: Vec<u64> =
            (0..50_000u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
        for limit in [0, 1000, 1 << 20] {
            let mut spool = Spool::new(limit);
            numbers.chunks(777).for_each(|part| spool.push(part).unwrap());
            assert_eq!(spool.len(), 50_000);
            let stored = spool.finish().unwrap();
            assert_eq!(matches!(stored, Stored::Memory(_)), limit == 1 << 20);
            for (at, count) in [(0, 50_000), (1023, 2), (49_999, 1), (50_000, 0)] {
                let mut out = vec![0; count];
                stored.read(at, &mut out).unwrap();
                assert_eq!(out, numbers[at as usize..at as usize + count]);
            }
            assert!(stored.read(49_999, &mut [0; 2]).is_err());
            assert!(stored.read(u64::MAX, &mut [0; 2]).is_err());
        }
    }
}
