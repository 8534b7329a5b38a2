//! The resolved configuration of a run: everything that decides its numbers.
//!
//! A file is read by [`RunConfig::load`], which reports every problem at once, each with its line;
//! [`RunConfig::to_toml`] writes the complete, commented file that gives the same value back.

mod load;
mod overrides;
mod source;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use glassbox_engine::{Array, DType};
use serde::Serialize;

pub use crate::data::Kind;
pub use crate::nn::{Activation, Initial, Optimizer, Schedule};
use crate::words::words;

words! {
    /// The kinds of model that a configuration can name.
    ModelKind {
        /// Fully connected layers, each followed by the activation except the last.
        Mlp = "mlp",
    }
}

words! {
    /// What training makes small.
    Loss {
        /// Cross entropy for classes, squared error for numbers.
        Auto = "auto",
        /// −ln of the probability given to the observed class, averaged over rows.
        CrossEntropy = "cross_entropy",
        /// (observed − predicted)², averaged over rows and outputs.
        SquaredError = "squared_error",
        /// (observed − predicted)², summed: the textbook's sum of squared residuals.
        SumOfSquares = "sum_of_squares",
    }
}

words! {
    /// What is fitted on the training part and applied to a column.
    Preparation {
        /// (x − mean) / standard deviation.
        Standardize = "standardize",
        /// One input for each category.
        OneHot = "one_hot",
        /// As it is.
        None = "none",
    }
}

/// Everything that decides a run's numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunConfig {
    /// Where the rows come from and how they are divided and prepared.
    pub data: DataConfig,
    /// What is trained.
    pub model: ModelConfig,
    /// How it is trained.
    pub train: TrainConfig,
}

/// `[data]`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataConfig {
    /// A file, a folder or the name of a built-in data set.
    pub path: String,
    /// The column to predict; inferred where absent.
    pub target: Option<String>,
    /// Columns that are left out.
    pub drop: Vec<String>,
    /// What columns are, where that is not to be inferred.
    pub columns: BTreeMap<String, Kind>,
    /// How the rows are divided.
    pub split: Split,
    /// `[[data.prepare]]`, in order; where several name a column, the last holds.
    pub prepare: Vec<Prepare>,
}

/// `data.split`: shares of the rows; what is left is the training part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Split {
    /// The share kept for choosing when to stop, in [0, 1). Absent: 0.15, or 0.1 of a source's own
    /// training part.
    pub valid: Option<f64>,
    /// The share kept for the final figures, in [0, 1). Absent: 0.15, or the source's own test part.
    pub test: Option<f64>,
    /// Whether every part gets the same mix of classes.
    pub stratify: bool,
}

/// One `[[data.prepare]]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prepare {
    /// Which columns.
    pub columns: Columns,
    /// What is done to them.
    pub with: Preparation,
}

/// The columns that a preparation applies to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub enum Columns {
    /// Every column of numbers (the target excepted).
    Numeric,
    /// Every column of categories (the target excepted).
    Category,
    /// The column of this name.
    Named(String),
}

impl Columns {
    /// The word or column name in a configuration.
    pub fn word(&self) -> &str {
        match self {
            Columns::Numeric => "numeric",
            Columns::Category => "category",
            Columns::Named(name) => name,
        }
    }
}

impl From<Columns> for String {
    fn from(columns: Columns) -> String {
        columns.word().to_owned()
    }
}

impl From<&str> for Columns {
    fn from(word: &str) -> Columns {
        match word {
            "numeric" => Columns::Numeric,
            "category" => Columns::Category,
            name => Columns::Named(name.to_owned()),
        }
    }
}

/// `[model]`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelConfig {
    /// Which model.
    pub kind: ModelKind,
    /// Units of each hidden layer, input side first; empty for a linear model.
    pub hidden: Vec<usize>,
    /// The hidden units' activation.
    pub activation: Activation,
    /// How weights are drawn; chosen by the activation where absent (see [`ModelConfig::initial`]).
    pub initial: Option<Initial>,
    /// Explicit starting values by path, e.g. `fc1/weight`; the other parameters are drawn.
    pub parameters: BTreeMap<String, Numbers>,
}

impl ModelConfig {
    /// How weights are drawn: as said, else as suits the activation.
    pub fn initial(&self) -> Initial {
        self.initial.unwrap_or(self.activation.initial())
    }
}

/// A number or a list of numbers or of lists: an array as people write it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Numbers {
    /// A single number.
    One(f64),
    /// A list.
    Many(Vec<Numbers>),
}

impl Numbers {
    /// The array it writes down; an error in words where rows differ in length or depth.
    pub fn to_array(&self, dtype: DType) -> Result<Array, String> {
        let mut sizes = Vec::new();
        let mut first = self;
        while let Numbers::Many(items) = first {
            sizes.push(items.len());
            match items.first() {
                Some(item) => first = item,
                None => break,
            }
        }
        let mut values = Vec::new();
        self.flatten(&sizes, &mut values)?;
        Array::from_f64(dtype, sizes, &values)
    }

    fn flatten(&self, sizes: &[usize], values: &mut Vec<f64>) -> Result<(), String> {
        match (self, sizes) {
            (Numbers::One(value), []) => values.push(*value),
            (Numbers::Many(items), [size, inner @ ..]) if items.len() == *size => {
                items.iter().try_for_each(|item| item.flatten(inner, values))?;
            }
            (Numbers::One(_), _) => return Err("a number stands where a list should".into()),
            (Numbers::Many(_), []) => return Err("a list stands where a number should".into()),
            (Numbers::Many(items), [size, ..]) => {
                return Err(format!(
                    "a row has {} values and the first row {size}: rows must be equally long",
                    items.len()
                ));
            }
        }
        Ok(())
    }
}

/// `[train]`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrainConfig {
    /// Passes over the training part.
    pub epochs: u64,
    /// Rows a step.
    pub batch: Amount,
    /// What all randomness follows from; at most 2⁶³ − 1, the largest whole number of TOML.
    pub seed: u64,
    /// What is made small.
    pub loss: Loss,
    /// How the parameters move.
    pub optimizer: Optimizer,
    /// How the learning rate changes from the first step to the last.
    pub schedule: Schedule,
    /// When to stop before the last epoch.
    pub stop: Option<Stop>,
    /// Seconds between checkpoints (one is also written at the end and on Ctrl-C).
    pub checkpoint_every: f64,
    /// Threads; the numbers do not depend on it.
    pub threads: Amount,
}

/// A number of things, or all there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// All: every row, or every core.
    All,
    /// This many, at least 1.
    Exactly(usize),
}

impl Amount {
    /// The number, where there are `all` in total.
    pub fn of(self, all: usize) -> usize {
        match self {
            Amount::All => all,
            Amount::Exactly(number) => number,
        }
    }
}

impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Amount::All => to.serialize_str("all"),
            Amount::Exactly(number) => to.serialize_u64(*number as u64),
        }
    }
}

/// `train.stop`: stop once a metric has not improved for some epochs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stop {
    /// What must improve, e.g. `valid_loss`, `valid_accuracy`.
    pub metric: String,
    /// Epochs without improvement that are forgiven, at least 1.
    pub patience: u64,
}

impl RunConfig {
    /// The defaults for the data at `path`.
    pub fn new(path: impl Into<String>) -> Self {
        RunConfig {
            data: DataConfig {
                path: path.into(),
                target: None,
                drop: Vec::new(),
                columns: BTreeMap::new(),
                split: Split { valid: None, test: None, stratify: true },
                prepare: Vec::new(),
            },
            model: ModelConfig {
                kind: ModelKind::Mlp,
                hidden: vec![16],
                activation: Activation::Relu,
                initial: None,
                parameters: BTreeMap::new(),
            },
            train: TrainConfig {
                epochs: 50,
                batch: Amount::Exactly(32),
                seed: 42,
                loss: Loss::Auto,
                optimizer: Optimizer::ADAM,
                schedule: Schedule::Constant,
                stop: None,
                checkpoint_every: 60.0,
                threads: Amount::All,
            },
        }
    }
}

/// One thing wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Where: `line 7`, `--set lr=0`, or empty where something is absent.
    pub place: String,
    /// What is wrong, and the cure.
    pub message: String,
}

/// Everything wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, where it is one.
    pub path: Option<PathBuf>,
    /// The problems, in the order of the file.
    pub problems: Vec<ConfigProblem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            match &self.path {
                Some(path) if !problem.place.starts_with("--") => {
                    write!(f, "{}: ", path.display())?;
                }
                _ => {}
            }
            if !problem.place.is_empty() {
                write!(f, "{}: ", problem.place)?;
            }
            write!(f, "{}", problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
