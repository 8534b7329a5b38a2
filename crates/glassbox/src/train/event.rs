//! What training tells those who watch it, through `&mut dyn FnMut(&Event)`.

use std::collections::BTreeMap;

use serde::Serialize;

pub use super::outcome::{EndFigures, Judged, Outcome};
use crate::watch::{Alarm, Statistics};
use crate::word2vec::Touched;

/// Figures by name, e.g. `loss`, `accuracy`.
pub type Metrics = BTreeMap<String, f64>;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run is about to take its first step.
    Started(Started),
    /// Some steps were taken; sent often, shown seldom.
    Step(Step),
    /// An epoch is over and its figures are known.
    Epoch(Epoch),
    /// A step was looked into.
    Watched(Box<Statistics>),
    /// Something a person should know, in words.
    Alert(Alert),
    /// A checkpoint is safely on the disk.
    Checkpoint {
        /// The step it holds.
        step: u64,
        /// Whether it is the best so far.
        best: bool,
    },
    /// The run is over.
    Finished(Finished),
}

/// What is about to be trained, and where.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Started {
    /// The model's kind, e.g. `mlp`.
    pub model: String,
    /// Numbers that are learned.
    pub parameters: u64,
    /// Bytes of the session's memory plan.
    pub bytes: u64,
    /// Where it runs, e.g. `cpu`.
    pub device: String,
    /// Threads.
    pub threads: usize,
    /// The seed.
    pub seed: u64,
    /// Epochs to run at most.
    pub epochs: u64,
    /// What was inferred and chosen; none where a run goes on.
    pub choices: Option<Box<Choices>>,
    /// Of a training of word vectors: its text and its settings.
    pub words: Option<Words>,
    /// What was filled in, dropped or assumed, in words.
    pub notices: Vec<String>,
}

/// What a training of word vectors learns from, and how.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Words {
    /// Words of the text.
    pub words: u64,
    /// Those that are frequent enough to be learned from.
    pub kept: u64,
    /// How many different ones these are.
    pub vocabulary: u64,
    /// Sentences.
    pub sentences: u64,
    /// Whether a word is guessed from the mean of those around, rather than each of these from it.
    pub cbow: bool,
    /// Numbers in a vector.
    pub dimensions: usize,
    /// Words around that are looked at on each side, at most.
    pub window: usize,
    /// Words that are not there, drawn for each that is.
    pub negative: usize,
    /// The rate of the first step.
    pub rate: f64,
    /// How many weights a guess touches.
    pub touched: Touched,
}

/// What was inferred from the data and chosen for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choices {
    /// Rows to train on, to validate with and to test with.
    pub rows: [usize; 3],
    /// What is predicted.
    pub target: String,
    /// The names of the numbers that are predicted, where there are several.
    pub outputs: Vec<String>,
    /// The names of its classes; empty where it is a number.
    pub classes: Vec<String>,
    /// The columns that are read, by kind (`number`, `boolean`, `category`); empty for images.
    pub columns: Vec<(String, Vec<String>)>,
    /// The shape of a row as the model sees it.
    pub shape: Vec<usize>,
    /// How many different tokens there are, where rows are text.
    pub tokens: Option<usize>,
    /// The model's results in its order, e.g. `fc1/relu`, and each one's shape for a row.
    pub layers: Vec<(String, Vec<usize>)>,
    /// Whether rows count by weights, and the column that holds them, where it has a name.
    pub row_weights: Option<String>,
    /// How much each class counts; empty where all count the same.
    pub class_weights: Vec<f64>,
    /// The weights that the training began with, where they were not drawn.
    pub weights: Option<Weights>,
    /// Parameters that the training does not move, by path.
    pub frozen: Vec<String>,
    /// Numbers in them.
    pub frozen_numbers: u64,
    /// The loss, e.g. `CE`.
    pub loss: String,
    /// The optimiser, e.g. `adam`.
    pub optimizer: String,
    /// The learning rate at the start.
    pub rate: f64,
    /// How it changes, e.g. `cosine`.
    pub schedule: String,
    /// How training images are changed, e.g. `flip`, `crop`.
    pub augment: Vec<String>,
    /// Rows a step, of all the batches that make it.
    pub batch: usize,
    /// The figure and the epochs without improvement that end the training early.
    pub stop: Option<(String, u64)>,
}

/// Weights of a file or a run that a training began with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Weights {
    /// The file or run.
    pub from: String,
    /// How many parameters and states it gave.
    pub taken: usize,
    /// Parameters of the head that were drawn: it is of other classes.
    pub drawn: Vec<String>,
    /// Arrays that the model has no place for.
    pub unused: Vec<String>,
}

/// Where training stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Steps taken in all.
    pub step: u64,
    /// The epoch, counted from 1.
    pub epoch: u64,
    /// Epochs to run at most.
    pub epochs: u64,
    /// The share of this epoch that is done, in [0, 1].
    pub fraction: f64,
    /// Loss on the training rows of this epoch so far.
    pub loss: f64,
    /// Training rows a second.
    pub rows_per_second: f64,
    /// Seconds to the last epoch's end, where they can be told.
    pub remaining: Option<f64>,
}

/// The figures of one epoch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Epoch {
    /// The epoch, counted from 1.
    pub epoch: u64,
    /// Epochs to run at most.
    pub epochs: u64,
    /// Steps taken in all.
    pub step: u64,
    /// Loss on the training part.
    pub train_loss: f64,
    /// Loss on the validation part, where there is one.
    pub valid_loss: Option<f64>,
    /// Other figures on the validation part (where there is none on the training part, or on 5,000 rows that
    /// are evenly spread over it).
    pub metrics: Metrics,
    /// Training rows a second.
    pub rows_per_second: f64,
    /// Seconds the epoch took.
    pub seconds: f64,
    /// Seconds to the last epoch's end, where they can be told.
    pub remaining: Option<f64>,
}

/// Something a person should know.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alert {
    /// The step.
    pub step: u64,
    /// Where in the model, e.g. `fc1`; empty for the run as a whole.
    pub place: String,
    /// What is the matter, and what to try.
    pub message: String,
    /// The same as data, where it is about the training's numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Alarm>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Every epoch was run.
    Done,
    /// The metric to watch stopped improving.
    StoppedEarly,
    /// The stop flag was set (Ctrl-C); the run can be resumed.
    Interrupted,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finished {
    /// Why it ended.
    pub ending: Ending,
    /// Steps taken in all.
    pub step: u64,
    /// Epochs finished.
    pub epoch: u64,
    /// The step whose weights are kept as the best, where a validation part says so.
    pub best_step: Option<u64>,
    /// Seconds in all.
    pub seconds: f64,
    /// How fast rows came.
    pub loading: Loading,
}

/// How fast training rows are gathered and augmented, and whether steps wait for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Loading {
    /// Threads that loaded ahead of the steps; 0 where each step gathers its own rows.
    pub threads: usize,
    /// Rows that one thread loads a second.
    pub rows_per_second: f64,
    /// The share of the training's time in which steps waited for their rows, in [0, 1].
    pub waited: f64,
}

/// Whether more of a figure is better: so of `accuracy`, not of `loss`.
pub fn more_is_better(figure: &str) -> bool {
    matches!(
        figure,
        "accuracy"
            | "balanced_accuracy"
            | "top_5_accuracy"
            | "f1_macro"
            | "entity_f1"
            | "entity_precision"
            | "entity_recall"
            | "roc_auc"
            | "average_precision"
            | "r2"
    )
}
