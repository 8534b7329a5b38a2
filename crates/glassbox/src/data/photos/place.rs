//! Where images lie: a folder with folders in it, or an archive of one. Their files, one by one, and
//! work on them by several threads.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::sync_channel;

use flate2::bufread::MultiGzDecoder;

use crate::data::error::{DataError, Place as Where};

/// A folder or an archive of images.
pub(in crate::data) enum Place {
    /// Its files by their names inside, sorted, and the folders that hold nothing.
    Folder {
        files: Vec<(String, PathBuf)>,
        empty: Vec<String>,
    },
    Tar(PathBuf),
    Zip(PathBuf),
}

/// What a file holds.
pub(in crate::data) enum Content {
    File(PathBuf),
    Bytes(Vec<u8>),
    /// It cannot be had; why.
    Unreadable(String),
}

/// The largest file that is read.
const LARGEST: u64 = 1 << 30;
/// Folders in folders in folders.
const DEEPEST: usize = 64;
/// Files that a thread is handed at once, and the bytes of them.
const FILES: usize = 64;
const BYTES: usize = 4 << 20;

impl Content {
    /// All bytes of the file; an error in words.
    pub(super) fn bytes(self) -> Result<Vec<u8>, String> {
        match self {
            Content::Bytes(bytes) => Ok(bytes),
            Content::Unreadable(what) => Err(what),
            Content::File(path) => {
                let file = File::open(path).map_err(|e| format!("cannot be opened: {e}"))?;
                let size = file.metadata().map_or(0, |about| about.len());
                read_all(file, size).map_err(|e| format!("cannot be read: {e}"))
            }
        }
    }
}

/// The bytes of a file that says to have `size` of them.
fn read_all(from: impl Read, size: u64) -> std::io::Result<Vec<u8>> {
    // No more is allocated on a header's word than a photo has.
    let mut bytes = Vec::with_capacity(size.min(16 << 20) as usize);
    from.take(LARGEST + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LARGEST {
        true => Err(std::io::Error::other("it is larger than 1 GiB")),
        false => Ok(bytes),
    }
}

/// Whether a file is one that systems leave in folders of images.
fn is_litter(name: &str) -> bool {
    let litter = ["Thumbs.db", "desktop.ini", "__MACOSX", "@eaDir"];
    name.starts_with('.') || litter.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn unreadable(path: &Path, error: impl std::fmt::Display) -> DataError {
    let what = format!("cannot be read: {error}");
    let place = Where::file(path.display().to_string());
    DataError::new(place, what, "check the path and its rights, or copy it again")
}

impl Place {
    /// A folder, or an archive by its name.
    pub(in crate::data) fn open(path: &Path) -> Result<Self, DataError> {
        if path.is_dir() {
            let (mut files, mut empty) = (Vec::new(), Vec::new());
            let top = path.canonicalize().map_err(|e| unreadable(path, e))?;
            walk(path, "", &mut vec![top], &mut files, &mut empty)?;
            return Ok(Place::Folder { files, empty });
        }
        Ok(match path.to_string_lossy().to_lowercase().ends_with(".zip") {
            true => Place::Zip(path.to_owned()),
            false => Place::Tar(path.to_owned()),
        })
    }

    /// The folders that hold nothing.
    pub(super) fn empty_folders(&self) -> &[String] {
        match self {
            Place::Folder { empty, .. } => empty,
            Place::Tar(_) | Place::Zip(_) => &[],
        }
    }

    /// Hands the files over one after the other, each with its number from 0 and its name inside,
    /// until `take` gives false; always in the same order. Those whose number is not `wanted` are
    /// not read.
    ///
    /// # Errors
    /// An archive that is damaged.
    pub(in crate::data) fn each(
        &self,
        wanted: &dyn Fn(usize) -> bool,
        take: &mut dyn FnMut(usize, &str, Content) -> bool,
    ) -> Result<(), DataError> {
        match self {
            Place::Folder { files, .. } => {
                for (number, (name, path)) in files.iter().enumerate() {
                    if wanted(number) && !take(number, name, Content::File(path.clone())) {
                        return Ok(());
                    }
                }
                Ok(())
            }
            Place::Tar(path) => tar(path, wanted, take),
            Place::Zip(path) => zip(path, wanted, take),
        }
    }

    /// What `work` gives of each file that is wanted, in their order, whatever the number of threads.
    ///
    /// # Errors
    /// As [`Place::each`].
    pub(super) fn map<T: Send>(
        &self,
        threads: usize,
        wanted: &dyn Fn(usize) -> bool,
        work: impl Fn(usize, &str, Content) -> T + Sync,
    ) -> Result<Vec<(usize, T)>, DataError> {
        let threads = threads.max(1);
        let (hand_over, handed) = sync_channel::<Vec<(usize, String, Content)>>(threads);
        let handed = Mutex::new(handed);
        let done = Mutex::new(Vec::new());
        let worker = || {
            let mut own = Vec::new();
            loop {
                let next = handed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).recv();
                let Ok(files) = next else { break };
                for (number, name, content) in files {
                    own.push((number, work(number, &name, content)));
                }
            }
            done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).append(&mut own);
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .filter_map(|_| {
                    std::thread::Builder::new()
                        .name("decoder".into())
                        .spawn_scoped(scope, worker)
                        .ok()
                })
                .collect();
            let (mut files, mut bytes) = (Vec::new(), 0);
            let send = |files: &mut Vec<_>| {
                let files = std::mem::take(files);
                files.is_empty() || hand_over.send(files).is_ok()
            };
            let walked = self.each(wanted, &mut |number, name, content| {
                bytes += match &content {
                    Content::Bytes(content) => content.len(),
                    // As much as a small photo.
                    _ => BYTES / FILES,
                };
                files.push((number, name.to_owned(), content));
                if files.len() < FILES && bytes < BYTES {
                    return true;
                }
                bytes = 0;
                !workers.is_empty() && send(&mut files)
            });
            if !workers.is_empty() {
                send(&mut files);
            }
            drop(hand_over);
            if workers.is_empty() {
                let what = "no thread can be started to decode images";
                return Err(DataError::new(Where::default(), what, "close other programs"));
            }
            walked
        })?;
        let mut done = done.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        done.sort_unstable_by_key(|(number, _)| *number);
        Ok(done)
    }
}

/// The names and contents of the files of an archive whose name is wanted; none where the first
/// files have other names.
pub(in crate::data) fn files_of(
    path: &Path,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<(String, Vec<u8>)>, DataError> {
    /// CIFAR's archives have fewer files.
    const FIRST: usize = 32;
    let mut files = Vec::new();
    Place::open(path)?.each(&|_| true, &mut |number, name, content| {
        if wanted(name)
            && let Ok(bytes) = content.bytes()
        {
            files.push((name.to_owned(), bytes));
        }
        number < FIRST || !files.is_empty()
    })?;
    Ok(files)
}

/// Files below a folder, sorted by name; `above` are the real paths of the folders on the way, so that
/// a link to one of them is not followed.
fn walk(
    folder: &Path,
    inside: &str,
    above: &mut Vec<PathBuf>,
    files: &mut Vec<(String, PathBuf)>,
    empty: &mut Vec<String>,
) -> Result<(), DataError> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| unreadable(folder, e))? {
        let entry = entry.map_err(|e| unreadable(folder, e))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !is_litter(&name) {
            entries.push((name, entry));
        }
    }
    entries.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    if entries.is_empty() && !inside.is_empty() {
        empty.push(inside.to_owned());
    }
    for (name, entry) in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(|e| unreadable(&path, e))?;
        let name = if inside.is_empty() { name } else { format!("{inside}/{name}") };
        let is_folder = kind.is_dir() || kind.is_symlink() && path.is_dir();
        if !is_folder {
            // A link to nothing is told as a file that cannot be opened.
            if kind.is_file() || kind.is_symlink() {
                files.push((name, path));
            }
            continue;
        }
        let real = match kind.is_symlink() {
            true => path.canonicalize().map_err(|e| unreadable(&path, e))?,
            false => above.last().map_or(path.clone(), |above| above.join(entry.file_name())),
        };
        if above.len() < DEEPEST && !above.contains(&real) {
            above.push(real);
            walk(&path, &name, above, files, empty)?;
            above.pop();
        }
    }
    Ok(())
}

/// The name of a file in an archive without `./`; none of litter.
fn name_inside(name: &str) -> Option<String> {
    let parts: Vec<&str> =
        name.split(['/', '\\']).filter(|part| !["", ".", ".."].contains(part)).collect();
    let litter = parts.is_empty() || parts.iter().any(|part| is_litter(part));
    (!litter).then(|| parts.join("/"))
}

fn tar(
    path: &Path,
    wanted: &dyn Fn(usize) -> bool,
    take: &mut dyn FnMut(usize, &str, Content) -> bool,
) -> Result<(), DataError> {
    let file = File::open(path).map_err(|e| unreadable(path, e))?;
    let mut file = BufReader::with_capacity(1 << 17, file);
    let start = file.fill_buf().map_err(|e| unreadable(path, e))?;
    let stream: Box<dyn Read> = match start.starts_with(&[0x1f, 0x8b]) {
        true => Box::new(MultiGzDecoder::new(file)),
        false => Box::new(file),
    };
    let mut archive = ::tar::Archive::new(BufReader::with_capacity(1 << 17, stream));
    let mut number = 0;
    let broken = |number: usize, error: std::io::Error| {
        let what = format!("the archive is broken after {number} files: {error}");
        let place = Where::file(path.display().to_string());
        DataError::new(place, what, "copy or download the file again")
    };
    for entry in archive.entries().map_err(|e| broken(0, e))? {
        let mut entry = entry.map_err(|e| broken(number, e))?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let Some(name) = name_inside(&String::from_utf8_lossy(&entry.path_bytes())) else {
            continue;
        };
        if wanted(number) {
            let size = entry.size();
            let content = match size > LARGEST {
                true => Content::Unreadable("is larger than 1 GiB".into()),
                false => {
                    let bytes = read_all(&mut entry, size).map_err(|e| broken(number, e))?;
                    if (bytes.len() as u64) < size {
                        return Err(broken(number, std::io::ErrorKind::UnexpectedEof.into()));
                    }
                    Content::Bytes(bytes)
                }
            };
            if !take(number, &name, content) {
                return Ok(());
            }
        }
        number += 1;
    }
    Ok(())
}

fn zip(
    path: &Path,
    wanted: &dyn Fn(usize) -> bool,
    take: &mut dyn FnMut(usize, &str, Content) -> bool,
) -> Result<(), DataError> {
    let file = File::open(path).map_err(|e| unreadable(path, e))?;
    let mut archive = ::zip::ZipArchive::new(BufReader::new(file)).map_err(|e| {
        let what = format!("the archive is broken: {e}");
        let place = Where::file(path.display().to_string());
        DataError::new(place, what, "copy or download the file again")
    })?;
    let mut number = 0;
    for index in 0..archive.len() {
        let Some(Ok(name)) = archive.name_for_index(index).map(|name| name.map(|n| n.into_owned()))
        else {
            continue;
        };
        let Some(inside) = name_inside(&name).filter(|_| !name.ends_with(['/', '\\'])) else {
            continue;
        };
        if wanted(number) {
            let content = match archive.by_index(index) {
                Ok(entry) if entry.is_symlink() => Content::Unreadable("is a link".into()),
                Ok(entry) => {
                    let size = entry.size();
                    match read_all(entry, size) {
                        Ok(bytes) => Content::Bytes(bytes),
                        Err(error) => Content::Unreadable(format!("cannot be read: {error}")),
                    }
                }
                Err(error) => Content::Unreadable(format!("cannot be read: {error}")),
            };
            if !take(number, &inside, content) {
                return Ok(());
            }
        }
        number += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn litter_of_systems_is_not_listed() {
        assert_eq!(name_inside("./cat/1.png").as_deref(), Some("cat/1.png"));
        assert_eq!(name_inside("/cat//1.png").as_deref(), Some("cat/1.png"));
        assert_eq!(name_inside("../cat\\1.png").as_deref(), Some("cat/1.png"));
        for litter in [".DS_Store", "cat/._1.png", "__MACOSX/cat/1.png", "cat/thumbs.db", "./"] {
            assert_eq!(name_inside(litter), None, "{litter}");
        }
    }
}
