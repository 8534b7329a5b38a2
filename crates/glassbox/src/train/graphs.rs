//! The graphs of a run: one training step for each number of rows, and the model as it is used.

use glassbox_engine::{DType, Diagnostics, Graph, Mode};

use crate::data::TargetPreparation;
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
pub(crate) fn outputs(target: &TargetPreparation) -> usize {
    target.classes().map_or(target.outputs(), <[String]>::len)
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
            // As many numbers as the model gives; that these are enough is checked with the data.
            _ => vec![rows, prediction.elements() / rows.max(1)],
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
