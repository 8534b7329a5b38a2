//! What `train` and `init` are asked for: WHAT, and the flags that stand for settings.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use clap::{ArgAction, Args};
use glassbox::train::config::{ConfigError, RunConfig};
use glassbox::train::event::Event;
use glassbox::train::folder::RunFolder;
use glassbox::train::{Ended, Job};
use glassbox::word2vec;

use crate::error::AppError;

#[derive(Args, Clone, Default)]
pub struct Asked {
    #[arg(value_name = "WHAT")]
    pub what: String,
    #[arg(long, value_name = "COLUMN")]
    pub target: Option<String>,
    #[arg(long, value_name = "COLUMN")]
    pub text: Option<String>,
    #[arg(long, value_name = "COLUMN,…")]
    pub drop: Option<String>,
    #[arg(long, value_name = "CLASS,…")]
    pub without: Option<String>,
    #[arg(long, value_name = "COLUMN")]
    pub time: Option<String>,
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub horizon: Option<String>,
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub window: Option<String>,
    #[arg(long, value_name = "COLUMN")]
    pub group: Option<String>,
    #[arg(long, value_name = "WORD")]
    pub label: Option<String>,
    #[arg(long)]
    pub strict: bool,
    #[arg(long, value_name = "KIND")]
    pub model: Option<String>,
    #[arg(long, value_name = "N,N", allow_negative_numbers = true)]
    pub hidden: Option<String>,
    #[arg(long, value_name = "WORD")]
    pub activation: Option<String>,
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub epochs: Option<String>,
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub batch: Option<String>,
    #[arg(long, value_name = "KIND")]
    pub optimizer: Option<String>,
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub lr: Option<String>,
    #[arg(long, value_name = "WORD")]
    pub schedule: Option<String>,
    #[arg(long, value_name = "WORD,…")]
    pub augment: Option<String>,
    #[arg(long, value_name = "WORD")]
    pub loss: Option<String>,
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<String>,
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub threads: Option<String>,
    #[arg(long, value_name = "FILE|RUN")]
    pub weights: Option<String>,
    #[arg(long, value_name = "PATTERN,…")]
    pub freeze: Option<String>,
    #[arg(long, value_name = "K=V", action = ArgAction::Append)]
    pub set: Vec<String>,
    /// Of `--folds N`: the first fold is asked for.
    #[arg(skip)]
    pub folds: Option<usize>,
}

/// What can be trained.
pub enum Training {
    Network(Box<Job>),
    Words(Box<word2vec::Job>),
}

impl Training {
    /// Everything that decides its numbers.
    pub fn config(&self) -> &RunConfig {
        match self {
            Training::Network(job) => &job.config,
            Training::Words(job) => &job.config,
        }
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        match self {
            Training::Network(job) => job.model.name(),
            Training::Words(job) => job.config.model.kind.word(),
        }
    }

    /// Trains into a new folder.
    pub fn train(
        &self,
        folder: &RunFolder,
        on_event: &mut dyn FnMut(&Event),
        stop: &AtomicBool,
    ) -> Result<Ended, AppError> {
        Ok(match self {
            Training::Network(job) => job.train(folder, on_event, stop)?,
            Training::Words(job) => job.train(folder, on_event, stop)?,
        })
    }
}

impl Asked {
    /// What WHAT, `--set` and the flags ask for together; flags win. All problems of all three are
    /// reported at once, each where the user wrote it.
    pub fn job(&self) -> Result<Job, AppError> {
        Ok(Job::new(self.path(), |base| self.configure(base))?)
    }

    /// The same, or the training of word vectors where these are asked for.
    pub fn training(&self) -> Result<Training, AppError> {
        match self.config()?.is_of_words() {
            true => Ok(Training::Words(Box::new(self.words()?))),
            false => Ok(Training::Network(Box::new(self.job()?))),
        }
    }

    /// The training of word vectors that is asked for.
    pub fn words(&self) -> Result<word2vec::Job, AppError> {
        Ok(word2vec::Job::new(self.path(), |base| self.configure(base))?)
    }

    /// The same before any data is looked at, on the defaults.
    pub fn config(&self) -> Result<RunConfig, AppError> {
        Ok(self.configure(&RunConfig::new(self.path()))?)
    }

    /// What WHAT says of the data; nothing where it is a file of settings.
    fn path(&self) -> &str {
        if self.is_settings() { "" } else { &self.what }
    }

    fn is_settings(&self) -> bool {
        Path::new(&self.what).extension().is_some_and(|extension| extension == "toml")
    }

    fn configure(&self, base: &RunConfig) -> Result<RunConfig, ConfigError> {
        let flags = self.flags();
        let mut settings = self.set.clone();
        settings.extend(flags.iter().map(|(setting, _)| setting.clone()));
        let config = match self.is_settings() {
            true => base.load_onto(Path::new(&self.what), &settings),
            false => base.set(&settings),
        };
        config.map_err(|error| as_flags(error, &flags))
    }

    /// The settings that the flags stand for, each with how it was written.
    fn flags(&self) -> Vec<(String, String)> {
        // A column may be called `1` or `true`: only quotes make it a text for certain.
        let quoted = |text: &String| serde_json::Value::String(text.clone()).to_string();
        let bare = String::clone;
        let list = |text: &String| format!("[{}]", text.trim_matches(['[', ']']));
        fn names(text: &str) -> String {
            serde_json::Value::from_iter(text.split(',').map(str::trim)).to_string()
        }
        let changes = |text: &String| match text.trim() {
            "none" => "[]".to_owned(),
            _ => names(text),
        };
        // `last` is another run tomorrow: what stands in the configuration is the run itself.
        let weights = |text: &String| {
            let run = RunFolder::resolve(Path::new("runs"), text).ok();
            let path = run.filter(|_| !Path::new(text).is_file());
            let path = path.map_or(text.clone(), |path| path.display().to_string());
            serde_json::Value::String(path).to_string()
        };
        type Written = fn(&String) -> String;
        // The window of word vectors is one of words.
        let window = match self.model.as_deref() {
            Some("word2vec") => "model.window",
            _ => "data.series.window",
        };
        let all: [(&str, &str, &Option<String>, Written); 23] = [
            ("--target", "data.target", &self.target, quoted),
            ("--text", "data.text.column", &self.text, quoted),
            ("--drop", "data.drop", &self.drop, |text| names(text)),
            ("--without", "data.without", &self.without, |text| names(text)),
            ("--time", "data.series.time", &self.time, quoted),
            ("--horizon", "data.series.horizon", &self.horizon, bare),
            ("--window", window, &self.window, bare),
            ("--group", "data.series.group", &self.group, quoted),
            ("--label", "data.series.label", &self.label, quoted),
            ("--model", "model.kind", &self.model, quoted),
            ("--hidden", "model.hidden", &self.hidden, list),
            ("--activation", "model.activation", &self.activation, quoted),
            ("--epochs", "train.epochs", &self.epochs, bare),
            ("--batch", "train.batch", &self.batch, bare),
            ("--optimizer", "train.optimizer.kind", &self.optimizer, quoted),
            ("--lr", "train.optimizer.lr", &self.lr, bare),
            ("--schedule", "train.schedule", &self.schedule, quoted),
            ("--loss", "train.loss", &self.loss, quoted),
            ("--augment", "train.augment", &self.augment, changes),
            ("--seed", "train.seed", &self.seed, bare),
            ("--threads", "train.threads", &self.threads, bare),
            ("--weights", "train.weights", &self.weights, weights),
            ("--freeze", "train.freeze", &self.freeze, |text| names(text)),
        ];
        let given = |(flag, path, value, written): &(&str, &str, &Option<String>, Written)| {
            let value = value.as_ref()?;
            Some((format!("{path}={}", written(value)), format!("{flag} {value}")))
        };
        let first =
            self.folds.map(|of| (format!("data.split.fold=1/{of}"), format!("--folds {of}")));
        let strict = self.strict.then(|| ("data.strict=true".to_owned(), "--strict".to_owned()));
        all.iter().filter_map(given).chain(first).chain(strict).collect()
    }
}

/// Problems of flags name the flag instead of the setting it stands for.
fn as_flags(mut error: ConfigError, flags: &[(String, String)]) -> ConfigError {
    for problem in &mut error.problems {
        let written = flags.iter().find(|(setting, _)| problem.place == format!("--set {setting}"));
        if let Some((_, flag)) = written {
            problem.place.clone_from(flag);
        }
    }
    error
}
