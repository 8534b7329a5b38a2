//! The folder of a run: append-only files that people can open with their own tools.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use glassbox_engine::Parameters;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::checkpoint::Checkpoints;
use super::config::RunConfig;
use super::event::{EndFigures, Outcome};
use super::log::Log;
use super::pretrained::KEPT;
use super::state::LogOffsets;
use crate::io::published::{Pretrained, is_published};
use crate::io::{FileError, atomic, safetensors};
use crate::nearest::nearest;

/// The word that stands for the newest run.
pub const LAST: &str = "last";
const LOCK: &str = ".lock";
const NO_RUN: &str = "is not a run: it has no run.toml";
const OUTCOME: &str = "outcome.json";
const START: &str = "start.safetensors";

/// A run's folder; while it is open for training, no other process can train in it.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Held for as long as the folder is open for training.
    _lock: Option<File>,
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// A process trains it.
    Running,
    /// It was stopped, or its process died; it can be resumed.
    Interrupted,
    /// It reached its end.
    Finished,
    /// It met an error.
    Failed,
}

/// `status.json`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What the run is doing.
    pub state: RunState,
    /// Steps taken.
    pub step: u64,
    /// Epochs finished.
    pub epoch: u64,
    /// The process that trains, or trained last.
    pub pid: u32,
    /// When this was written, RFC 3339, UTC.
    pub updated: String,
    /// What went wrong, where something did.
    pub message: Option<String>,
}

impl Status {
    /// The status of this process, now.
    pub fn now(state: RunState, step: u64, epoch: u64) -> Self {
        let updated = jiff::Timestamp::now().to_string();
        Status { state, step, epoch, pid: std::process::id(), updated, message: None }
    }
}

/// `env.json`: what a run was computed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The version of Glassbox.
    pub version: String,
    /// Operating system and architecture, e.g. `linux x86_64`.
    pub os: String,
    /// The processor's name.
    pub cpu: String,
    /// The instruction set that the kernels use, e.g. `avx2`.
    pub instruction_set: String,
    /// Threads.
    pub threads: usize,
}

impl Environment {
    /// This machine, with the engine's choice of instruction set and threads.
    pub fn here(instruction_set: impl Into<String>, threads: usize) -> Self {
        Environment {
            version: env!("CARGO_PKG_VERSION").into(),
            os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cpu: cpu_name().unwrap_or_else(|| "unknown".into()),
            instruction_set: instruction_set.into(),
            threads,
        }
    }
}

fn cpu_name() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

/// Which of a run's graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphKind {
    /// Forward, backward and update.
    Train,
    /// Forward alone.
    Infer,
    /// The same for one row, of models of images.
    One,
}

impl RunFolder {
    /// Makes `root/2026-11-20-1412-iris-mlp` for a run that begins now, open for training; where
    /// that name is taken, `-2`, `-3`, … is added.
    pub fn create_in(root: &Path, label: &str, config: &RunConfig) -> Result<Self, FileError> {
        RunFolder::begin(RunFolder::new_name_in(root, label)?, config)
    }

    /// Makes an empty folder of a name that [`create_in`](Self::create_in) would give.
    pub fn new_name_in(root: &Path, label: &str) -> Result<PathBuf, FileError> {
        fs::create_dir_all(root).map_err(FileError::at(root, "cannot create"))?;
        let name = format!("{}-{label}", jiff::Zoned::now().strftime("%Y-%m-%d-%H%M"));
        let mut path = root.join(&name);
        let mut suffix = 2;
        loop {
            // Making the folder is the claim on its name: of two processes one succeeds.
            match fs::create_dir(&path) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    path = root.join(format!("{name}-{suffix}"));
                    suffix += 1;
                }
                Err(error) => return Err(FileError::at(&path, "cannot create")(error)),
            }
        }
    }

    /// Makes the folder that `--out` names, open for training; a folder with files is refused.
    pub fn create_at(path: &Path, config: &RunConfig) -> Result<Self, FileError> {
        fs::create_dir_all(path).map_err(FileError::at(path, "cannot create"))?;
        let mut entries = fs::read_dir(path).map_err(FileError::at(path, "cannot read"))?;
        // A process that died before it wrote anything leaves its lock, or half of a first file.
        let left = |name: &str| name == LOCK || name.starts_with(atomic::UNFINISHED);
        let own = |entry: fs::DirEntry| left(&entry.file_name().to_string_lossy());
        if entries.any(|entry| !entry.is_ok_and(own)) {
            let problem = match path.join("run.toml").exists() {
                true => "there is a run here already: resume it, or name another folder",
                false => "is not empty: name an empty or new folder",
            };
            return Err(FileError::new(path, problem));
        }
        RunFolder::begin(path.to_owned(), config)
    }

    fn begin(path: PathBuf, config: &RunConfig) -> Result<Self, FileError> {
        let lock = Some(lock(&path)?);
        // Another process may have begun here before the lock was ours.
        if path.join("run.toml").exists() {
            return Err(FileError::new(path, "another process has begun a run here"));
        }
        clear_unfinished(&path);
        let folder = RunFolder { path, _lock: lock };
        atomic::write(&folder.file("run.toml"), config.to_toml().as_bytes())?;
        Ok(folder)
    }

    /// Opens a run to go on training; refused while another process trains it.
    pub fn resume(path: &Path) -> Result<Self, FileError> {
        let folder = RunFolder::view(path)?;
        let lock = Some(lock(path)?);
        clear_unfinished(path);
        clear_unfinished(&path.join("graph"));
        Ok(RunFolder { _lock: lock, ..folder })
    }

    /// Opens a run to look at it.
    pub fn view(path: &Path) -> Result<Self, FileError> {
        if !path.join("run.toml").is_file() {
            return Err(FileError::new(path, NO_RUN));
        }
        Ok(RunFolder { path: path.to_owned(), _lock: None })
    }

    /// The runs in `root`, those begun last first.
    pub fn all(root: &Path) -> Vec<PathBuf> {
        let mut found = runs(root);
        found.sort_by_key(|path| std::cmp::Reverse((begun(path), path.clone())));
        found
    }

    /// The folder that RUN names: `last` (`runs/last` too), a path, or the name of a run in `root`.
    pub fn resolve(root: &Path, word: &str) -> Result<PathBuf, FileError> {
        if word == LAST || Path::new(word) == root.join(LAST) {
            return newest(root)?.ok_or_else(|| {
                FileError::new(root, "there is no run yet: train one with `glassbox train`")
            });
        }
        let candidates = [PathBuf::from(word), root.join(word)];
        if let Some(path) = candidates.into_iter().find(|path| path.join("run.toml").is_file()) {
            return Ok(path);
        }
        let runs = runs(root);
        let names: Vec<_> = runs.iter().map(|path| RunFolder::name_in(root, path)).collect();
        if let Some(first) = RunFolder::folds(root, word).first() {
            let problem = format!(
                "holds the folds of a cross-validation: name one of them, such as {}",
                first.display()
            );
            return Err(FileError::new(word, problem));
        }
        let problem = match nearest(word, names.iter().map(String::as_str)) {
            _ if Path::new(word).exists() => NO_RUN.into(),
            Some(near) => format!("there is no such run; did you mean `{near}`?"),
            None => "there is no such run; `last` is the newest".into(),
        };
        Err(FileError::new(word, problem))
    }

    /// The runs in the folder of a cross-validation that a word names, in order; none where it names
    /// something else.
    pub fn folds(root: &Path, word: &str) -> Vec<PathBuf> {
        let candidates = [PathBuf::from(word), root.join(word)];
        let folder = candidates.into_iter().find(|path| path.join("fold1/run.toml").is_file());
        let fold = |folder: &Path, number: usize| folder.join(format!("fold{number}"));
        folder.map_or(Vec::new(), |folder| {
            let folds = (1..).map(|number| fold(&folder, number));
            folds.take_while(|path| path.join("run.toml").is_file()).collect()
        })
    }

    /// Makes `last` mean this run.
    pub fn mark_last(&self, root: &Path) -> Result<(), FileError> {
        fs::create_dir_all(root).map_err(FileError::at(root, "cannot create"))?;
        let line = match self.path.strip_prefix(root) {
            Ok(inside) => inside.to_owned(),
            Err(_) => {
                std::path::absolute(&self.path).map_err(FileError::at(&self.path, "cannot find"))?
            }
        };
        atomic::write_pointer(&root.join(LAST), &line.display().to_string())
    }

    /// What a run in `root` is called: `2026-11-20-1412-iris-mlp`, or with the folder of its folds
    /// `2026-11-20-1412-iris-mlp/fold1`.
    pub fn name_in(root: &Path, path: &Path) -> String {
        path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The run's configuration.
    pub fn config(&self) -> Result<RunConfig, FileError> {
        let mut config = RunConfig::load(&self.file("run.toml"), &[])?;
        let kept = self.file(KEPT);
        if is_published(&kept) {
            config.model.published = Some(Pretrained::of_folder(&kept, None)?);
        }
        Ok(config)
    }

    /// What the run is doing; one whose process died without a word is interrupted.
    pub fn status(&self) -> Result<Status, FileError> {
        let mut status: Status = self.read_json("status.json")?;
        if status.state == RunState::Running && self._lock.is_none() && !self.is_locked() {
            status.state = RunState::Interrupted;
        }
        Ok(status)
    }

    /// Writes what the run is doing.
    pub fn set_status(&self, status: &Status) -> Result<(), FileError> {
        self.write_json("status.json", status)
    }

    /// What the run was computed with.
    pub fn environment(&self) -> Result<Environment, FileError> {
        self.read_json("env.json")
    }

    /// Writes what the run is computed with.
    pub fn set_environment(&self, environment: &Environment) -> Result<(), FileError> {
        self.write_json("env.json", environment)
    }

    /// The figures that the run ended with; none before its end.
    pub fn outcome(&self) -> Result<Option<EndFigures>, FileError> {
        if self.file(OUTCOME).exists() { self.read_json(OUTCOME).map(Some) } else { Ok(None) }
    }

    /// Writes `outcome.json`: what the training ended with, its figures and the verdict on it.
    pub fn set_outcome(&self, outcome: &Outcome) -> Result<(), FileError> {
        self.write_json(OUTCOME, outcome)
    }

    /// Fingerprint and schema of the data.
    pub fn data(&self) -> Result<Value, FileError> {
        self.read_json("data.json")
    }

    /// Writes the fingerprint and the schema of the data.
    pub fn set_data(&self, data: &Value) -> Result<(), FileError> {
        self.write_json("data.json", data)
    }

    /// One of the run's graphs, as data.
    pub fn graph<T: DeserializeOwned>(&self, kind: GraphKind) -> Result<T, FileError> {
        if crate::word2vec::is_of_words(self) {
            return Err(FileError::new(&self.path, crate::word2vec::NO_NETWORK));
        }
        self.read_json(graph_name(kind))
    }

    /// Writes one of the run's graphs.
    pub fn set_graph(&self, kind: GraphKind, graph: &impl Serialize) -> Result<(), FileError> {
        let folder = self.file("graph");
        fs::create_dir_all(&folder).map_err(FileError::at(&folder, "cannot create"))?;
        self.write_json(graph_name(kind), graph)
    }

    /// `metrics.jsonl` and `alerts.jsonl`, cut back to the offsets that a checkpoint recorded
    /// (zeros for a new run).
    pub fn logs(&self, offsets: LogOffsets) -> Result<(Log, Log), FileError> {
        let metrics = Log::open(&self.file("metrics.jsonl"), offsets.metrics)?;
        let alerts = Log::open(&self.file("alerts.jsonl"), offsets.alerts)?;
        Ok((metrics, alerts))
    }

    /// `watch.jsonl`, cut back to the offset that a checkpoint recorded.
    pub fn watch_log(&self, offset: u64) -> Result<Log, FileError> {
        Log::open(&self.file("watch.jsonl"), offset)
    }

    /// The run's checkpoints, for looking; [`Checkpoints::open`] on the same folder is for training.
    pub fn checkpoints(&self) -> Checkpoints {
        Checkpoints::view(self.file("checkpoints"))
    }

    /// The run's checkpoints, for training.
    pub fn checkpoints_for_training(&self) -> Result<Checkpoints, FileError> {
        Checkpoints::open(self.file("checkpoints"))
    }

    /// The weights that training began with, where they were a file's or a run's.
    pub(crate) fn start(&self) -> Result<Option<Parameters>, FileError> {
        let path = self.file(START);
        match path.exists() {
            true => Ok(Some(safetensors::read(&path)?.0)),
            false => Ok(None),
        }
    }

    /// Keeps the weights that training begins with, so that it can be gone through again without the
    /// file that they are from.
    pub(crate) fn set_start(&self, values: &Parameters) -> Result<(), FileError> {
        safetensors::write(&self.file(START), values, &safetensors::Metadata::new())
    }

    /// Where the predictions on the test part go.
    pub fn predictions(&self) -> PathBuf {
        self.file("predictions.csv")
    }

    fn is_locked(&self) -> bool {
        let probe = File::open(self.file(LOCK));
        probe.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), FileError> {
        let path = self.file(name);
        let mut text = serde_json::to_vec_pretty(value).map_err(|e| FileError::new(&path, e))?;
        text.push(b'\n');
        atomic::write(&path, &text)
    }

    fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T, FileError> {
        let path = self.file(name);
        let text = fs::read(&path).map_err(FileError::at(&path, "cannot read"))?;
        serde_json::from_slice(&text)
            .map_err(|error| FileError::new(&path, format_args!("corrupt: {error}")))
    }
}

/// The part of a run's name that says what it is: `iris-mlp` for `data/iris.csv` and `mlp`.
pub fn label(data: &str, model: &str) -> String {
    let stem = Path::new(data).file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain: String = stem.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    match plain.trim_matches('-') {
        "" => model.to_owned(),
        plain => format!("{plain}-{model}"),
    }
}

fn graph_name(kind: GraphKind) -> &'static str {
    match kind {
        GraphKind::Train => "graph/train.json",
        GraphKind::Infer => "graph/infer.json",
        GraphKind::One => "graph/infer-one.json",
    }
}

fn lock(folder: &Path) -> Result<File, FileError> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(FileError::at(&path, "cannot open"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(FileError::new(folder, "another process is training this run"))
        }
        Err(TryLockError::Error(error)) => Err(FileError::at(&path, "cannot lock")(error)),
    }
}

/// Removes what a killed process left half-written; the lock says that nobody is writing now.
fn clear_unfinished(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(atomic::UNFINISHED) {
            // Left behind it harms nothing.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The runs in `root`, and those in folders of folds there.
fn runs(root: &Path) -> Vec<PathBuf> {
    let inside = |folder: &Path| {
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
    };
    let is_run = |path: &PathBuf| path.join("run.toml").is_file();
    let (mut runs, others): (Vec<PathBuf>, Vec<PathBuf>) = inside(root).partition(is_run);
    runs.extend(others.iter().flat_map(|folder| inside(folder)).filter(is_run));
    runs
}

/// The run that the pointer names; where that was removed, the newest of those left.
fn newest(root: &Path) -> Result<Option<PathBuf>, FileError> {
    let pointed = atomic::read_pointer(&root.join(LAST))?.map(|line| root.join(line));
    if let Some(path) = pointed.filter(|path| path.join("run.toml").is_file()) {
        return Ok(Some(path));
    }
    Ok(runs(root).into_iter().max_by_key(|path| begun(path)))
}

/// When a run was begun: its configuration is written once, before anything else.
fn begun(path: &Path) -> Option<SystemTime> {
    path.join("run.toml").metadata().and_then(|file| file.modified()).ok()
}
