//! Append-only logs of one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::io::FileError;

/// A log that is being written.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    offset: u64,
}

impl Log {
    /// Opens the log at `path`, made where there is none, and cuts off what lies beyond `offset`
    /// bytes: what was written after the checkpoint that is resumed, or a line torn by a crash.
    pub fn open(path: &Path, offset: u64) -> Result<Self, FileError> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(FileError::at(path, "cannot open"))?;
        let length = file.metadata().map_err(FileError::at(path, "cannot read"))?.len();
        if length < offset {
            let problem = format!(
                "has {length} bytes, but the checkpoint was made when it had {offset}: \
                 it was changed since"
            );
            return Err(FileError::new(path, problem));
        }
        file.set_len(offset)
            .and_then(|()| file.seek(SeekFrom::Start(offset)))
            .map_err(FileError::at(path, "cannot cut"))?;
        Ok(Log { path: path.to_owned(), file, offset })
    }

    /// Appends one line, whole or not at all.
    pub fn append(&mut self, entry: &impl Serialize) -> Result<(), FileError> {
        let mut line = serde_json::to_vec(entry).map_err(|e| FileError::new(&self.path, e))?;
        line.push(b'\n');
        if let Err(error) = self.file.write_all(&line) {
            // The disk took a part of the line: cut it off, so that the log stays readable.
            let _ = self.file.set_len(self.offset);
            let _ = self.file.seek(SeekFrom::Start(self.offset));
            return Err(FileError::at(&self.path, "cannot write")(error));
        }
        self.offset += line.len() as u64;
        Ok(())
    }

    /// The number of bytes so far, on the disk or not yet.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Waits until the disk has every line, and gives the number of bytes: what a checkpoint
    /// records.
    pub fn synced_offset(&self) -> Result<u64, FileError> {
        self.file.sync_data().map_err(FileError::at(&self.path, "cannot sync"))?;
        Ok(self.offset)
    }
}

/// The lines of a log; a last line torn by a crash, or being written just now, is left out. A log
/// that was never begun has no lines.
pub fn read(path: &Path) -> Result<Vec<serde_json::Value>, FileError> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        bytes => bytes.map_err(FileError::at(path, "cannot read"))?,
    };
    // A torn line may end within a character.
    let parse = |(index, line): (usize, &[u8])| {
        serde_json::from_slice(line)
            .map_err(|error| FileError::new(path, format_args!("line {}: {error}", index + 1)))
    };
    let whole = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    whole.enumerate().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn resuming_cuts_a_log_back_to_the_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut log = Log::open(&path, 0).unwrap();
        log.append(&json!({"step": 1})).unwrap();
        let offset = log.synced_offset().unwrap();
        log.append(&json!({"step": 2})).unwrap();
        std::io::Write::write_all(&mut log.file, b"{\"step\": 3, \"lo").unwrap();
        assert_eq!(read(&path).unwrap().len(), 2, "the torn line is left out");

        let mut log = Log::open(&path, offset).unwrap();
        log.append(&json!({"step": 20})).unwrap();
        assert_eq!(read(&path).unwrap(), [json!({"step": 1}), json!({"step": 20})]);
        let error = Log::open(&path, 10_000).unwrap_err().to_string();
        assert!(error.contains("metrics.jsonl: has 23 bytes"), "{error}");
    }

    #[test]
    fn a_log_never_begun_is_empty_and_a_bad_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.jsonl");
        assert!(read(&path).unwrap().is_empty());
        std::fs::write(&path, "{}\nnonsense\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("alerts.jsonl: line 2:"));
    }

    #[test]
    fn a_line_torn_within_a_letter_is_left_out_and_a_blank_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.jsonl");
        let torn = "{\"a\": 1}\n{\"what\": \"손실";
        std::fs::write(&path, &torn.as_bytes()[..torn.len() - 1]).unwrap();
        assert_eq!(read(&path).unwrap(), [json!({"a": 1})]);
        std::fs::write(&path, "{}\n\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("alerts.jsonl: line 2:"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_an_error_that_names_the_log() {
        let file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut log = Log { path: "runs/x/metrics.jsonl".into(), file, offset: 0 };
        let error = log.append(&json!({})).unwrap_err().to_string();
        assert!(error.contains("metrics.jsonl: cannot write"), "{error}");
        assert_eq!(log.offset, 0);
    }
}
