//! The graphs of a run: one training step for each number of rows, and the model as it is used.

use glassbox_engine::{DType, Diagnostics, Graph, Mode};

use crate::Error;
use crate::data::Task;
use crate::nn::{Loss, Model, Optimizer};

/// The names of the graphs' inputs and results.
pub(crate) mod name {
    /// Input: rows of numbers.
    pub const INPUTS: &str = "inputs";
    /// Input: labels or numbers to be told.
    pub const TARGETS: &str = "targets";
    /// Input: the learning rate.
    pub const RATE: &str = "rate";
    /// Input: the number of the step, from 1.
    pub const STEP: &str = "step";
    /// Result: raw scores or numbers.
    pub const PREDICTION: &str = "prediction";
    /// Result: the loss.
    pub const LOSS: &str = "loss";
    /// The scope of the optimiser's states.
    pub const OPTIMIZER: &str = "optimizer";
}

/// What a graph is recorded from.
pub(crate) struct Recipe<'a> {
    pub model: &'a dyn Model,
    /// The shape of one row.
    pub input: &'a [usize],
    pub loss: Loss,
    pub optimizer: &'a Optimizer,
}

/// How many numbers a model gives for a row.
pub(crate) fn outputs(task: &Task) -> usize {
    match task {
        Task::Classification { classes } => classes.len(),
        Task::Regression => 1,
    }
}

/// A training whose parameters and states cannot be held is refused before they are drawn.
pub(crate) fn check_memory(training: &Graph) -> Result<(), Error> {
    let size = |path: &str| {
        let tensor = training.state(path)?;
        let elements: f64 = tensor.shape().sizes().iter().map(|&size| size as f64).product();
        Some((elements * tensor.dtype().size() as f64, tensor))
    };
    let declared = training.declarations();
    let sizes: Vec<_> = declared.iter().filter_map(|(path, _)| Some((path, size(path)?))).collect();
    let needed: f64 = sizes.iter().map(|(_, (bytes, _))| bytes).sum();
    let there = memory_of_machine().unwrap_or(f64::INFINITY);
    let largest = sizes.iter().max_by(|a, b| a.1.0.total_cmp(&b.1.0));
    match largest {
        // Values are drawn in f64 before they become f32: three times the largest for a moment.
        Some((path, (bytes, tensor))) if needed + 2.0 * bytes > there => Err(Error::new(format!(
            "the model is too large: its parameters and the optimizer's states take {:.1} GB, and \
             this machine has {:.1} GB; the largest is `{path}` {}: take fewer units",
            needed / 1e9,
            there / 1e9,
            tensor.shape(),
        ))),
        _ => Ok(()),
    }
}

/// Bytes of memory, where the system tells.
fn memory_of_machine() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok().map(|kibibytes: f64| kibibytes * 1024.0)
}

impl Recipe<'_> {
    /// One training step on `rows` rows: forward, loss, backward and update.
    #[track_caller]
    pub fn training(&self, rows: usize) -> Result<Graph, Diagnostics> {
        let graph = Graph::new();
        let at = graph.root(Mode::Train);
        let inputs = graph.input(name::INPUTS, DType::F32, [&[rows], self.input].concat());
        let prediction = self.model.forward(at, inputs).named(name::PREDICTION);
        let target_shape = match self.loss.target_type() {
            DType::I64 => vec![rows],
            _ => vec![rows, 1],
        };
        let targets = graph.input(name::TARGETS, self.loss.target_type(), target_shape);
        let rate = graph.input(name::RATE, DType::F32, []);
        let step = graph.input(name::STEP, DType::I64, []);
        let loss = self.loss.of(at.child("loss"), prediction, targets).named(name::LOSS);
        let parameters = graph.parameters();
        self.optimizer.update(at.child(name::OPTIMIZER), loss, parameters, rate, step);
        graph.check()?;
        Ok(graph)
    }

    /// The model as it is used, on `rows` rows.
    #[track_caller]
    pub fn inference(&self, rows: usize) -> Result<Graph, Diagnostics> {
        let graph = Graph::new();
        let inputs = graph.input(name::INPUTS, DType::F32, [&[rows], self.input].concat());
        self.model.forward(graph.root(Mode::Eval), inputs).named(name::PREDICTION);
        graph.check()?;
        Ok(graph)
    }
}
