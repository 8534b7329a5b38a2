//! Checkpoints that are whole or absent.
//!
//! A checkpoint is written into a temporary folder, synced and renamed to `step-N`; `last` and
//! `best` are files of one line. Killed at any moment, the newest whole checkpoint is still there.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use glassbox_engine::{Graph, Parameters};
use serde::{Deserialize, Serialize};

use super::state::TrainState;
use crate::io::safetensors::{self, Metadata};
use crate::io::{FileError, atomic};

const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const STATE: &str = "state.json";
/// A checkpoint that another of the same step is about to replace.
const REPLACED: &str = ".old-";
/// How many of the newest checkpoints are kept, beside the best.
const KEPT: usize = 2;

/// Everything that training needs to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Where training stood.
    pub state: TrainState,
    /// The model's parameters and states.
    pub model: Parameters,
    /// The optimiser's states.
    pub optimizer: Parameters,
}

impl Checkpoint {
    /// The weights to use, and the model's other states: moving averages where they are kept.
    pub fn weights(&self) -> Parameters {
        crate::train::steps::with_averages(self.model.clone(), &self.optimizer)
    }
}

/// The checkpoints of a run: its folder `checkpoints/`.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
}

/// `state.json`: the state, and what the other files must be.
#[derive(Serialize, Deserialize)]
struct Manifest {
    files: BTreeMap<String, Seal>,
    state: TrainState,
}

/// Length and FNV-1a hash of a file: finds bytes that a disk lost.
#[derive(PartialEq, Serialize, Deserialize)]
struct Seal {
    bytes: u64,
    fnv1a: u64,
}

impl Seal {
    fn of(bytes: &[u8]) -> Self {
        let mix = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Seal { bytes: bytes.len() as u64, fnv1a: bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix) }
    }
}

impl Checkpoints {
    /// For looking: nothing is changed, and the folder need not exist.
    pub fn view(folder: impl Into<PathBuf>) -> Self {
        Checkpoints { folder: folder.into() }
    }

    /// For training: makes the folder, and clears away what a killed process left unfinished.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, FileError> {
        let checkpoints = Checkpoints::view(folder);
        let folder = &checkpoints.folder;
        fs::create_dir_all(folder).map_err(FileError::at(folder, "cannot create"))?;
        for name in checkpoints.names()? {
            let path = folder.join(&name);
            let restored = name.strip_prefix(REPLACED).map(|step| folder.join(step));
            match restored {
                // Killed between moving the old one aside and the new one in.
                Some(place) if !place.exists() => {
                    fs::rename(&path, &place).map_err(FileError::at(&path, "cannot restore"))?;
                }
                Some(_) => remove(&path)?,
                None if name.starts_with(atomic::UNFINISHED) => remove(&path)?,
                None => {}
            }
        }
        Ok(checkpoints)
    }

    /// The steps that there are checkpoints of, oldest first.
    pub fn steps(&self) -> Result<Vec<u64>, FileError> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let mut steps: Vec<u64> = self
            .names()?
            .iter()
            .filter_map(|name| name.strip_prefix("step-")?.parse().ok())
            .collect();
        steps.sort_unstable();
        Ok(steps)
    }

    /// Saves a checkpoint, points `last` at it and `best` at `state.best`, and removes what is
    /// neither the best nor one of the last two. A checkpoint of a later step belongs to a future
    /// that was abandoned, and is removed too.
    pub fn save(
        &self,
        state: &TrainState,
        model: &Parameters,
        optimizer: &Parameters,
    ) -> Result<(), FileError> {
        let step = state.step;
        let target = self.at(step);
        let temporary = atomic::unfinished_name(&target);
        fs::create_dir(&temporary).map_err(FileError::at(&target, "cannot create"))?;
        if let Err(error) = write_files(&temporary, state, model, optimizer) {
            // What is reported is why the save failed; the older checkpoints are untouched.
            let _ = fs::remove_dir_all(&temporary);
            return Err(FileError { path: target, ..error });
        }
        self.put_in_place(&temporary, &target, step)?;
        atomic::write_pointer(&self.folder.join("last"), &format!("step-{step}"))?;
        if let Some(best) = state.best.as_ref().filter(|best| self.at(best.step).exists()) {
            atomic::write_pointer(&self.folder.join("best"), &format!("step-{}", best.step))?;
        }
        self.remove_old(step)
    }

    /// The newest checkpoint that can be read, with a warning for each newer one that cannot;
    /// `None` where there is none at all.
    pub fn last(&self) -> Result<Option<(Checkpoint, Vec<String>)>, FileError> {
        let mut warnings = Vec::new();
        let steps = self.steps()?;
        for &step in steps.iter().rev() {
            match self.load(step) {
                Ok(checkpoint) => return Ok(Some((checkpoint, warnings))),
                Err(error) => warnings.push(error.to_string()),
            }
        }
        match warnings.is_empty() {
            true => Ok(None),
            false => Err(FileError::new(
                &self.folder,
                format_args!("no checkpoint can be read: {}", warnings.join("; ")),
            )),
        }
    }

    /// The best checkpoint, or the last where none was marked as the best or it cannot be read
    /// (with a warning).
    pub fn best(&self) -> Result<Option<(Checkpoint, Vec<String>)>, FileError> {
        let Some(step) = self.best_step()? else { return self.last() };
        match self.load(step) {
            Ok(checkpoint) => Ok(Some((checkpoint, Vec::new()))),
            Err(error) => {
                let warn = |(checkpoint, mut warnings): (_, Vec<String>)| {
                    warnings.insert(0, error.to_string());
                    (checkpoint, warnings)
                };
                Ok(self.last()?.map(warn))
            }
        }
    }

    /// The step that `best` points at, where its checkpoint is there.
    pub fn best_step(&self) -> Result<Option<u64>, FileError> {
        let line = atomic::read_pointer(&self.folder.join("best"))?;
        let step = line.and_then(|line| line.strip_prefix("step-")?.parse().ok());
        Ok(step.filter(|&step| self.at(step).exists()))
    }

    /// The checkpoint of one step.
    pub fn load(&self, step: u64) -> Result<Checkpoint, FileError> {
        let folder = self.at(step);
        let path = folder.join(STATE);
        let text = fs::read(&path).map_err(FileError::at(&path, "cannot read"))?;
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|error| FileError::new(&path, format_args!("corrupt: {error}")))?;
        let read = |name: &str| {
            let path = folder.join(name);
            let bytes = fs::read(&path).map_err(FileError::at(&path, "cannot read"))?;
            match manifest.files.get(name) {
                Some(seal) if *seal == Seal::of(&bytes) => {}
                Some(seal) if seal.bytes != bytes.len() as u64 => {
                    let (found, wanted) = (bytes.len(), seal.bytes);
                    let problem = format!("truncated: it has {found} bytes instead of {wanted}");
                    return Err(FileError::new(&path, problem));
                }
                _ => return Err(FileError::new(&path, "corrupt: its bytes have changed")),
            }
            safetensors::from_bytes(&bytes)
                .map(|(values, _)| values)
                .map_err(|problem| FileError::new(&path, problem))
        };
        Ok(Checkpoint { model: read(MODEL)?, optimizer: read(OPTIMIZER)?, state: manifest.state })
    }

    /// The folder of one step's checkpoint.
    pub fn at(&self, step: u64) -> PathBuf {
        self.folder.join(format!("step-{step}"))
    }

    fn names(&self) -> Result<Vec<String>, FileError> {
        let entries = fs::read_dir(&self.folder).and_then(|entries| {
            entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
        });
        entries.map_err(FileError::at(&self.folder, "cannot read"))
    }

    fn put_in_place(&self, temporary: &Path, target: &Path, step: u64) -> Result<(), FileError> {
        let aside = self.folder.join(format!("{REPLACED}step-{step}"));
        let moved = target.exists();
        if moved {
            fs::rename(target, &aside).map_err(FileError::at(target, "cannot replace"))?;
        }
        fs::rename(temporary, target).map_err(FileError::at(target, "cannot put in place"))?;
        atomic::sync_folder(&self.folder)?;
        if moved { remove(&aside) } else { Ok(()) }
    }

    fn remove_old(&self, now: u64) -> Result<(), FileError> {
        let best = self.best_step()?;
        let steps = self.steps()?;
        let kept: Vec<u64> =
            steps.iter().rev().copied().filter(|&step| step <= now).take(KEPT).collect();
        for step in steps {
            if !kept.contains(&step) && best != Some(step) {
                remove(&self.at(step))?;
            }
        }
        Ok(())
    }
}

fn write_files(
    folder: &Path,
    state: &TrainState,
    model: &Parameters,
    optimizer: &Parameters,
) -> Result<(), FileError> {
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        atomic::write_synced(&path, bytes).map_err(FileError::at(&path, "cannot write"))
    };
    let mut files = BTreeMap::new();
    for (name, values) in [(MODEL, model), (OPTIMIZER, optimizer)] {
        let metadata = Metadata::from([("step".to_owned(), state.step.to_string())]);
        let bytes = safetensors::to_bytes(values, &metadata);
        write(name, &bytes)?;
        files.insert(name.to_owned(), Seal::of(&bytes));
    }
    let manifest = Manifest { files, state: state.clone() };
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| FileError::new(folder.join(STATE), error))?;
    write(STATE, &text)?;
    atomic::sync_folder(folder)
}

/// Removes a folder in two steps, so that a half-removed one is never taken for a checkpoint.
fn remove(folder: &Path) -> Result<(), FileError> {
    let leaving = match folder.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.')) {
        true => folder.to_owned(),
        false => atomic::unfinished_name(folder),
    };
    fs::rename(folder, &leaving)
        .and_then(|()| match leaving.is_dir() {
            true => fs::remove_dir_all(&leaving),
            false => fs::remove_file(&leaving),
        })
        .map_err(FileError::at(folder, "cannot remove"))
}

/// How the parameters of a checkpoint differ from those of a model.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Mismatch {
    /// In the model, not in the checkpoint.
    pub missing: Vec<String>,
    /// In the checkpoint, not in the model.
    pub extra: Vec<String>,
    /// In both, of another shape or type: path, the model's, the checkpoint's.
    pub changed: Vec<(String, String, String)>,
}

/// Whether `found` has exactly the paths, shapes and types of `expected`; if not, every difference.
pub fn check_same_model(expected: &Parameters, found: &Parameters) -> Result<(), Mismatch> {
    let expected = expected.iter().map(|(path, array)| (path.to_owned(), description(array)));
    compare(&expected.collect(), found)
}

/// Whether `found` has exactly the paths, shapes and types that `graph` declares, but for those that
/// `training` alone does (of auxiliary heads); if not, every difference.
pub fn check_in_use(graph: &Graph, training: &[Graph], found: &Parameters) -> Result<(), Mismatch> {
    let declared = |(path, _): (String, _)| {
        let tensor = graph.state(&path)?;
        Some((path, format!("{} {}", tensor.dtype(), tensor.shape())))
    };
    let expected = graph.declarations().into_iter().filter_map(declared).collect();
    compare(&expected, found).or_else(|mut mismatch| {
        mismatch.extra.retain(|path| training.iter().all(|g| g.declaration(path).is_none()));
        if mismatch == Mismatch::default() { Ok(()) } else { Err(mismatch) }
    })
}

fn description(array: &glassbox_engine::Array) -> String {
    format!("{} {}", array.dtype(), array.shape())
}

/// `expected` are descriptions by path.
fn compare(expected: &BTreeMap<String, String>, found: &Parameters) -> Result<(), Mismatch> {
    let mut mismatch = Mismatch::default();
    for (path, wanted) in expected {
        match found.get(path).map(description) {
            None => mismatch.missing.push(path.clone()),
            Some(other) if other != *wanted => {
                mismatch.changed.push((path.clone(), wanted.clone(), other));
            }
            Some(_) => {}
        }
    }
    let extra = found.iter().map(|(path, _)| path).filter(|path| !expected.contains_key(*path));
    mismatch.extra.extend(extra.map(str::to_owned));
    if mismatch == Mismatch::default() { Ok(()) } else { Err(mismatch) }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the checkpoint is of another model")?;
        if !self.missing.is_empty() {
            write!(f, "\n  missing from the checkpoint: {}", self.missing.join(", "))?;
        }
        if !self.extra.is_empty() {
            write!(f, "\n  not in the model: {}", self.extra.join(", "))?;
        }
        for (path, model, checkpoint) in &self.changed {
            write!(f, "\n  {path}: the model has {model}, the checkpoint {checkpoint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mismatch {}
