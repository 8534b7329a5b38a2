//! The resolved configuration of a run: everything that decides its numbers.
//!
//! A file is read by [`RunConfig::load`], which reports every problem at once, each with its line;
//! [`RunConfig::to_toml`] writes the complete, commented file that gives the same value back.

mod layers;
mod load;
mod model;
mod overrides;
mod source;
mod training;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use glassbox_engine::{Array, DType, Isa, Options};
use serde::Serialize;

use crate::choices::choices;
use crate::data::is_text;
pub use crate::data::{
    Augment, Columns, Documents, Fit, ImageOptions, Impute, Kind, Label, Method as Preparation,
    Normalization, NthFold, Past, Rule as Prepare, SeriesOptions, TextOptions,
};
use crate::io::FileError;
use crate::io::published::Pretrained;
use crate::nn::Optimizers;
pub use crate::nn::{Activation, Chosen, Clip, Initial, Optimizer, Positions, Schedule};
pub use crate::train::resample::Resample;
use crate::zoo::Takes;
pub use crate::zoo::{Alignment, Choices, Layer, LayerKind, Likelihood, Named, Normalize, Sizes};

/// The kinds of model that a configuration can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// Fully connected layers, each followed by the activation except the last: `mlp`.
    Mlp,
    /// The layers of `[[model.layer]]`, in order: `network`.
    Network,
    /// A named model, such as `resnet18`.
    Named(Named),
}

impl ModelKind {
    /// Every kind, in the order in which they are offered.
    pub fn all() -> Vec<ModelKind> {
        let named = Named::all().map(ModelKind::Named);
        [ModelKind::Mlp, ModelKind::Network].into_iter().chain(named).collect()
    }

    /// The word that stands for it in a configuration.
    pub fn word(self) -> &'static str {
        match self {
            ModelKind::Mlp => "mlp",
            ModelKind::Network => "network",
            ModelKind::Named(named) => named.word(),
        }
    }

    /// The kind that a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        ModelKind::all().into_iter().find(|kind| kind.word() == word)
    }
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for ModelKind {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}

choices! {
    /// What training makes small.
    Loss {
        /// Cross entropy for classes, squared error for numbers.
        Auto = "auto",
        /// −ln of the probability given to the observed class, averaged over rows.
        CrossEntropy = "cross_entropy",
        /// The same for two classes by one raw score.
        BinaryCrossEntropy = "binary_cross_entropy",
        /// (observed − predicted)², averaged over rows and outputs.
        SquaredError = "squared_error",
        /// (observed − predicted)², summed: the textbook's sum of squared residuals.
        SumOfSquares = "sum_of_squares",
        /// |observed − predicted|, averaged over rows and outputs.
        AbsoluteError = "absolute_error",
        /// Half the squared error up to delta apart, beyond that a straight line.
        Huber = "huber" {
            /// Where the line begins, on the scale of training.
            delta: positive = 1.0,
        },
        /// −ln of the density that a Gaussian gives to what was observed; the model gives its mean and
        /// the logarithm of its variance.
        GaussianNll = "gaussian_nll",
        /// What the model itself makes small: of models that learn the rows themselves.
        OfModel = "of_model",
    }
}

impl Loss {
    /// The library's loss, by its word here; one's own has none, and stands as `auto`.
    pub fn of(loss: crate::nn::Loss) -> Self {
        use crate::nn::Loss as Known;
        match loss {
            Known::CrossEntropy => Loss::CrossEntropy,
            Known::BinaryCrossEntropy => Loss::BinaryCrossEntropy,
            Known::SquaredError => Loss::SquaredError,
            Known::SumOfSquares => Loss::SumOfSquares,
            Known::AbsoluteError => Loss::AbsoluteError,
            Known::Huber { delta } => Loss::Huber { delta },
            Known::GaussianNll => Loss::GaussianNll,
            Known::Own(_) => Loss::Auto,
            Known::OfModel(_) => Loss::OfModel,
        }
    }

    /// The loss that it stands for: `auto` takes cross entropy for classes, squared error for numbers.
    pub fn resolve(self, classes: bool) -> crate::nn::Loss {
        use crate::nn::Loss as Known;
        match self {
            Loss::Auto if classes => Known::CrossEntropy,
            Loss::Auto => Known::SquaredError,
            Loss::CrossEntropy => Known::CrossEntropy,
            Loss::BinaryCrossEntropy => Known::BinaryCrossEntropy,
            Loss::SquaredError => Known::SquaredError,
            Loss::SumOfSquares => Known::SumOfSquares,
            Loss::AbsoluteError => Known::AbsoluteError,
            Loss::Huber { delta } => Known::Huber { delta },
            Loss::GaussianNll => Known::GaussianNll,
            // Whose it is, is known where the model is.
            Loss::OfModel => Known::OfModel(&crate::nn::NOTHING),
        }
    }
}

/// How much each class counts in the loss.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeights {
    /// All the same.
    None,
    /// Rows / (classes · rows of the class), counted on the training part: every class counts the same
    /// in all.
    Balanced,
    /// These, in the order of the classes.
    #[serde(untagged)]
    Given(Vec<f64>),
}

impl ClassWeights {
    /// The weight of each of `classes` classes, from the labels of the training part; empty where all
    /// count the same.
    pub fn of(&self, labels: &[i64], classes: usize) -> Vec<f64> {
        match self {
            ClassWeights::None => Vec::new(),
            ClassWeights::Given(weights) => weights.clone(),
            ClassWeights::Balanced => {
                let rows = |class: usize| labels.iter().filter(|l| **l == class as i64).count();
                let weight = |class| labels.len() as f64 / (classes * rows(class).max(1)) as f64;
                (0..classes).map(weight).collect()
            }
        }
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
    /// What is looked at while it trains; no number of the training depends on it.
    pub watch: WatchConfig,
}

/// `[data]`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataConfig {
    /// A file, a folder or the name of a built-in data set.
    pub path: String,
    /// The column to predict (several columns of numbers: their names, separated by commas);
    /// inferred where absent.
    pub target: Option<String>,
    /// The column that says how much each row counts.
    pub weight: Option<String>,
    /// Columns that are left out.
    pub drop: Vec<String>,
    /// Of models that learn the rows themselves: classes that are not learned, only tested.
    pub without: Vec<String>,
    /// What columns are, where that is not to be inferred.
    pub columns: BTreeMap<String, Kind>,
    /// How much of a table or of images is kept in memory, in MiB; what is beyond lives in temporary
    /// files. The numbers do not depend on it.
    pub memory: usize,
    /// Whether images that cannot be read are an error instead of being left out.
    pub strict: bool,
    /// `[data.image]`: how images are read.
    pub image: ImageOptions,
    /// `[data.text]`: how text is read.
    pub text: TextOptions,
    /// `[data.series]`: how rows that follow each other in time become windows.
    pub series: SeriesOptions,
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
    /// How many rows of the training part are learned from. Absent: all.
    pub train: Option<usize>,
    /// Whether every part gets the same mix of classes.
    pub stratify: bool,
    /// Of a table: the fold that is the test part, in place of the share `test`.
    pub fold: Option<NthFold>,
}

/// `[model]`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelConfig {
    /// Which model.
    pub kind: ModelKind,
    /// Of an mlp: units of each hidden layer, input side first; empty for a linear model.
    pub hidden: Vec<usize>,
    /// Of an mlp: the hidden units' activation.
    pub activation: Activation,
    /// Of an mlp: how weights are drawn; chosen by the activation where absent (see [`ModelConfig::initial`]).
    pub initial: Option<Initial>,
    /// Of an mlp: what is normalised before each hidden activation.
    pub normalize: Normalize,
    /// Of an mlp: the share of hidden numbers that training leaves out, in [0, 1).
    pub dropout: f64,
    /// Of an mlp: whether hidden layers of as many units as inputs have a skip connection around them.
    pub skip: bool,
    /// What is chosen of a named model.
    pub choices: Choices,
    /// The published model whose weights are taken: it says what [`choices`](Self::choices) do not. It
    /// follows from `train.weights`.
    #[serde(skip)]
    pub published: Option<Pretrained>,
    /// `[[model.layer]]`, in order, of a network.
    pub layers: Vec<Layer>,
    /// Explicit starting values by path, e.g. `fc1/weight`; the other parameters are drawn.
    pub parameters: BTreeMap<String, Numbers>,
}

impl ModelConfig {
    /// Whether the model learns the rows themselves.
    pub fn learns_rows(&self) -> bool {
        matches!(self.kind, ModelKind::Named(named) if named.family.takes == Takes::Rows)
    }

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
    /// The share of each row's target that is spread over all classes, in [0, 1).
    pub label_smoothing: f64,
    /// How much each class counts.
    pub class_weights: ClassWeights,
    /// How often rows of each class are taken.
    pub resample: Resample,
    /// `[[train.augment]]`: how training images are changed, in order.
    pub augment: Vec<Augment>,
    /// What is added to the loss for each weight's size: l1 · Σ|w|. Biases are left out.
    pub l1: f64,
    /// What is added to the loss for each weight's square: l2 · Σw². Biases are left out.
    pub l2: f64,
    /// How the parameters move.
    pub optimizer: Optimizer,
    /// Parameters that move in a way of their own, chosen by name.
    pub optimizers: Vec<Chosen>,
    /// How the learning rate changes from the first step to the last.
    pub schedule: Schedule,
    /// Steps through which the rate rises from 0 before the schedule begins.
    pub warmup: u64,
    /// How large gradients may be.
    pub clip: Option<Clip>,
    /// Batches whose gradients are put together into one step; at least 1.
    pub accumulate: u64,
    /// Where weights start, in place of being drawn: a file of safetensors (PyTorch's names and layouts,
    /// or a run's own), a run, or the folder of a published model of text, which then says what model it
    /// is, its sizes and its tokeniser. What `model.parameters` gives comes after it.
    pub weights: Option<String>,
    /// Parameters that do not learn, by path; `*` stands for any letters, and of several that fit the
    /// last holds: `!` before it lets them learn. `body` is every layer but the last.
    pub freeze: Vec<String>,
    /// Layers whose numbers are computed again for the gradients instead of being kept, by path; `*`
    /// stands for any letters.
    pub recompute: Vec<String>,
    /// The decay of the moving average of the weights that evaluation and prediction use, in [0, 1).
    pub average: Option<f64>,
    /// When to stop before the last epoch.
    pub stop: Option<Stop>,
    /// Seconds between checkpoints (one is also written at the end and on Ctrl-C).
    pub checkpoint_every: f64,
    /// Threads; the numbers do not depend on it.
    pub threads: Amount,
    /// The instruction set of the kernels; `None` takes the widest of the machine. Sets round
    /// differently in the last digits.
    #[serde(serialize_with = "instructions")]
    pub instructions: Option<Isa>,
    /// Whether convolutions are summed term by term, even where tiles with a quarter of the
    /// multiplications are faster and a little less exact (see [`Options::exact`]).
    pub exact: bool,
}

fn instructions<S: serde::Serializer>(isa: &Option<Isa>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&isa.map_or("auto".to_owned(), |isa| isa.to_string()))
}

impl TrainConfig {
    /// Whether something is done about classes that are rare.
    pub fn weighs_classes(&self) -> bool {
        self.class_weights != ClassWeights::None || self.resample != Resample::None
    }

    /// How the parameters move, those that are chosen by name and the others.
    pub fn optimizers(&self) -> Optimizers {
        self.optimizers.iter().cloned().fold(self.optimizer.into(), Optimizers::with)
    }

    /// How a session of this training runs.
    pub fn options(&self) -> Options {
        let default = Options::default();
        let threads = self.threads.of(default.threads);
        Options { threads, isa: self.instructions, exact: self.exact, ..default }
    }
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

/// `[watch]`: what is looked at inside a training, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WatchConfig {
    /// Steps between two looks; 0 never looks.
    pub every: u64,
    /// The parameters and activations that are looked at, as patterns of their paths in which `*`
    /// stands for any text: `fc1/*`, `*/weight`.
    pub what: Vec<String>,
}

impl Default for WatchConfig {
    /// Everything, every 50 steps.
    fn default() -> Self {
        WatchConfig { every: 50, what: vec!["*".to_owned()] }
    }
}

impl RunConfig {
    /// Whether it is of vectors of words, which are learned by [`word2vec::Job`](crate::word2vec::Job).
    pub fn is_of_words(&self) -> bool {
        matches!(self.model.kind, ModelKind::Named(named) if named.family.takes == Takes::Words)
    }

    /// The defaults for the data at `path`.
    pub fn new(path: impl Into<String>) -> Self {
        let path = path.into();
        let (kind, choices) = match Named::from_word("gpt").filter(|_| is_text(&path)) {
            Some(named) => (ModelKind::Named(named), named.family.defaults),
            None => (ModelKind::Mlp, Choices::default()),
        };
        RunConfig {
            data: DataConfig {
                path,
                target: None,
                weight: None,
                memory: crate::data::MEMORY >> 20,
                strict: false,
                image: ImageOptions::default(),
                text: TextOptions::default(),
                series: SeriesOptions::default(),
                drop: Vec::new(),
                without: Vec::new(),
                columns: BTreeMap::new(),
                split: Split { valid: None, test: None, train: None, stratify: true, fold: None },
                prepare: Vec::new(),
            },
            model: ModelConfig {
                kind,
                hidden: vec![16],
                activation: Activation::Relu,
                initial: None,
                normalize: Normalize::None,
                dropout: 0.0,
                skip: false,
                choices,
                published: None,
                layers: Vec::new(),
                parameters: BTreeMap::new(),
            },
            train: TrainConfig {
                epochs: 50,
                batch: Amount::Exactly(32),
                seed: 42,
                loss: Loss::Auto,
                label_smoothing: 0.0,
                class_weights: ClassWeights::None,
                resample: Resample::None,
                augment: Vec::new(),
                l1: 0.0,
                l2: 0.0,
                optimizer: Optimizer::ADAM,
                optimizers: Vec::new(),
                schedule: Schedule::Constant,
                warmup: 0,
                clip: None,
                accumulate: 1,
                weights: None,
                freeze: Vec::new(),
                recompute: Vec::new(),
                average: None,
                stop: None,
                checkpoint_every: 60.0,
                threads: Amount::All,
                instructions: None,
                exact: false,
            },
            watch: WatchConfig::default(),
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

/// What is wrong with a run's own `run.toml`: the file is damaged, nobody asked for it just now.
impl From<ConfigError> for FileError {
    fn from(error: ConfigError) -> Self {
        let path = error.path.unwrap_or_default();
        let line = |problem: &ConfigProblem| match problem.place.as_str() {
            "" => problem.message.clone(),
            place => format!("{place}: {}", problem.message),
        };
        let problems: Vec<String> = error.problems.iter().map(line).collect();
        let between = format!("\n{}: ", path.display());
        FileError { problem: problems.join(&between), path }
    }
}
