//! Files that are either whole or absent: written under a temporary name, synced, renamed.
//!
//! A reader, a crash or a power cut sees the old content or the new one, never a part. Where the
//! disk is full or the folder may not be written, the old file stays as it was.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::FileError;

/// The beginning of the names of unfinished files and folders.
pub const UNFINISHED: &str = ".tmp-";

/// Replaces the file at `path` by `bytes`, all of them or none.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_with(path, |file| file.write_all(bytes))
}

/// As [`write`], of bytes that come one after the other.
pub(crate) fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), FileError> {
    let folder = parent(path);
    if !folder.exists() {
        let folder = folder.display();
        let what = format!(
            "cannot write: there is no folder {folder}: make it first, `mkdir -p {folder}`"
        );
        return Err(FileError::new(path, what));
    }
    let temporary = unfinished_name(path);
    let written = File::create(&temporary)
        .and_then(|file| {
            let mut file = BufWriter::new(file);
            fill(&mut file)?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(FileError::at(path, "cannot write"));
    if written.is_err() {
        // The first error is the one to report; a temporary file left behind harms nothing.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sync_folder(folder)
}

/// Replaces the file at `path` by one line, such as `checkpoints/last` → `step-120`.
pub fn write_pointer(path: &Path, line: &str) -> Result<(), FileError> {
    write(path, format!("{line}\n").as_bytes())
}

/// The line that [`write_pointer`] wrote, or `None` where there is no such file or it is empty.
pub fn read_pointer(path: &Path) -> Result<Option<String>, FileError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim_end().to_owned()).filter(|line| !line.is_empty())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::at(path, "cannot read")(error)),
    }
}

/// Writes a new file and waits until the disk has it.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Waits until the disk has the folder's list of names.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), FileError> {
    // Only Unix lets a folder be opened and synced; elsewhere the rename itself must do.
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(FileError::at(folder, "cannot sync the folder"))?;
    }
    Ok(())
}

/// The folder that holds `path`, `.` for a bare name.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A name beside `path` that no other write of this or another process uses.
pub(crate) fn unfinished_name(path: &Path) -> PathBuf {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (process, write) = (std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed));
    path.with_file_name(format!("{UNFINISHED}{name}-{process}-{write}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        write(&path, b"a long first content").unwrap();
        write(&path, b"short").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"short");
        assert_eq!(names(folder.path()), ["status.json"]);
    }

    #[test]
    fn a_write_that_fails_names_the_path_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        // The rename cannot replace a folder, as a full disk could not take the bytes.
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("precious"), "kept").unwrap();
        let error = write(&path, b"new").unwrap_err();
        assert_eq!(error.path, path);
        assert_eq!(fs::read_to_string(path.join("precious")).unwrap(), "kept");
        assert_eq!(names(folder.path()), ["taken"], "no temporary file is left");

        let nowhere = folder.path().join("missing/file");
        assert!(write(&nowhere, b"x").unwrap_err().to_string().contains("missing/file"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_an_error_in_words() {
        let error = write_synced(Path::new("/dev/full"), b"bytes").unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_pointer_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last");
        assert_eq!(read_pointer(&path).unwrap(), None);
        write_pointer(&path, "step-10").unwrap();
        write_pointer(&path, "step-20").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "step-20\n");
        assert_eq!(read_pointer(&path).unwrap().as_deref(), Some("step-20"));
    }
}
