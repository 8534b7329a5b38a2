//! What every verb is given: the global flags, the words, and where to print.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use glassbox::io::published::is_published;
use glassbox::train::folder::{LAST, RunFolder};
use glassbox::word2vec::WordVectors;
use serde::Serialize;

use crate::cli::GlobalArgs;
use crate::error::AppError;
use crate::interrupt;
use crate::terminal::{Progress, Screen};
use crate::text::Text;

/// What every verb is given.
pub struct Context {
    /// The words.
    pub text: Text,
    /// The flags of all verbs.
    pub global: GlobalArgs,
}

impl Context {
    /// The folder that holds the runs, in the working folder.
    pub fn runs(&self) -> &Path {
        Path::new("runs")
    }

    /// The folder of RUN, which must be of a network.
    pub fn run_path(&self, run: &str) -> Result<PathBuf, AppError> {
        let path = self.any_run_path(run)?;
        match WordVectors::are_of(&RunFolder::view(&path)?) {
            true => Err(AppError::failed(self.text.words_have_no_network(path.display()))),
            false => Ok(path),
        }
    }

    /// The folder of RUN, of a network or of word vectors.
    pub fn any_run_path(&self, run: &str) -> Result<PathBuf, AppError> {
        Ok(RunFolder::resolve(self.runs(), run)?)
    }

    /// The word vectors of a run or of a file, and its path.
    pub fn word_vectors(&self, word: &str) -> Result<(String, WordVectors), AppError> {
        let path = match Path::new(word).is_file() && word != LAST {
            true => PathBuf::from(word),
            false => self.any_run_path(word)?,
        };
        let vectors = WordVectors::open(&path)?;
        Ok((path.display().to_string(), vectors))
    }

    /// The folder of RUN, or of a published model.
    pub fn model_path(&self, run: &str) -> Result<PathBuf, AppError> {
        let path = Path::new(run);
        if is_published(path) {
            return Ok(path.to_owned());
        }
        let found = RunFolder::resolve(self.runs(), run);
        if found.is_err() && path.is_dir() && RunFolder::folds(self.runs(), run).is_empty() {
            return Err(AppError::failed(self.text.neither_run_nor_model(run)));
        }
        self.run_path(run)
    }

    /// Begins to listen for Ctrl-C; training stops after the step in which the flag is set.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        interrupt::stop_flag()
    }

    /// Progress: on standard output, on standard error beside `--json`, and nowhere with `--quiet`.
    pub fn progress(&self) -> Progress<Box<dyn Write>> {
        let (out, terminal): (Box<dyn Write>, bool) = match (self.global.quiet, self.global.json) {
            (true, _) => (Box::new(io::sink()), false),
            (false, true) => (Box::new(io::stderr()), io::stderr().is_terminal()),
            (false, false) => (Box::new(io::stdout()), io::stdout().is_terminal()),
        };
        Progress::new(out, Screen::of(terminal), self.text)
    }

    /// How standard output is to be written.
    pub fn screen(&self) -> Screen {
        Screen::of(io::stdout().is_terminal())
    }

    /// Prints a result: the JSON object with `--json`, else the words.
    pub fn print(
        &self,
        json: &impl Serialize,
        words: impl FnOnce(Screen) -> String,
    ) -> Result<(), AppError> {
        let text = match self.global.json {
            true => serde_json::to_string(json).map_err(AppError::failed)? + "\n",
            false => words(self.screen()),
        };
        match io::stdout().write_all(text.as_bytes()) {
            // A reader that has seen enough (`| head`) is no failure.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(AppError::failed(self.text.cannot_write(error)))
            }
            _ => Ok(()),
        }
    }

    /// Says something beside the result, on standard error.
    pub fn note(&self, message: impl std::fmt::Display) {
        let _ = writeln!(io::stderr(), "{message}");
    }

    /// Says that checkpoints could not be read and another one was taken; not with `--quiet`.
    pub fn warn_of_checkpoints(&self, problems: &[String]) {
        if !self.global.quiet {
            problems.iter().for_each(|problem| self.warn(self.text.other_checkpoint(problem)));
        }
    }

    /// Prints a warning on standard error.
    pub fn warn(&self, message: impl std::fmt::Display) {
        let _ = writeln!(io::stderr(), "{}", self.text.warning(message));
    }
}
