//! Training from code, without a run folder.

use std::sync::atomic::AtomicBool;

use glassbox_engine::{Graph, Parameters};

use crate::Error;
use crate::data::{Dataset, RawTable, Rows};
use crate::nn::{Loss, Model, Optimizer, Schedule};
use crate::train::checkpoint::Checkpoint;
use crate::train::config::{Amount, RunConfig, Stop, TrainConfig};
use crate::train::evaluate::Report;
use crate::train::event::{self, Event};
use crate::train::fit::{Fit, Fitted, report};
use crate::train::graphs::{Recipe, outputs};
use crate::train::run::DataRecord;
use crate::train::steps::batch_sizes;
use crate::train::trained::{Predictions, Trained};
use crate::watch::{Element, Explanation, Moment};

/// Trains a model on a dataset.
///
/// ```
/// use glassbox::prelude::*;
///
/// let iris = data::iris();
/// let model = Mlp::new([4, 16, 3]).activation(Activation::Relu);
/// let run = Trainer::new(model)
///     .loss(Loss::CrossEntropy)
///     .optimizer(Optimizer::ADAM.with_lr(0.01))
///     .epochs(30)
///     .seed(42)
///     .fit(&iris)?;
/// let report = run.evaluate(&iris.test)?;
/// assert!(report.metrics["accuracy"] > report.baseline["accuracy"]);
/// println!("{report}");
/// println!("{}", run.explain("fc2/bias[0]")?);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub struct Trainer<M> {
    model: M,
    loss: Option<Loss>,
    config: TrainConfig,
    given: Parameters,
}

/// A training that is over: the model, its history, and everything to ask it about.
pub struct Run {
    data: Dataset,
    config: TrainConfig,
    loss: Loss,
    training: Vec<Graph>,
    trained: Trained,
    last: Checkpoint,
    history: Vec<event::Epoch>,
}

impl<M: Model> Trainer<M> {
    /// Trains `model` by Adam on batches of 32 rows for 50 epochs under seed 42, by the loss that
    /// suits the data.
    pub fn new(model: M) -> Self {
        let config = RunConfig::new("").train;
        Trainer { model, loss: None, config, given: Parameters::new() }
    }

    /// What is made small; by default cross entropy for classes and squared error for numbers.
    pub fn loss(self, loss: Loss) -> Self {
        Trainer { loss: Some(loss), ..self }
    }

    /// How the parameters move.
    pub fn optimizer(mut self, optimizer: Optimizer) -> Self {
        self.config.optimizer = optimizer;
        self
    }

    /// How the learning rate changes.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.config.schedule = schedule;
        self
    }

    /// Passes over the training part.
    pub fn epochs(mut self, epochs: u64) -> Self {
        self.config.epochs = epochs;
        self
    }

    /// Rows a step; 0 takes all of them.
    pub fn batch(mut self, rows: usize) -> Self {
        self.config.batch = if rows == 0 { Amount::All } else { Amount::Exactly(rows) };
        self
    }

    /// What all randomness follows from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// Threads; the numbers do not depend on it.
    pub fn threads(mut self, threads: usize) -> Self {
        self.config.threads = Amount::Exactly(threads.max(1));
        self
    }

    /// Stops once the loss on the validation part has not improved for `epochs` epochs.
    pub fn patience(mut self, epochs: u64) -> Self {
        self.config.stop = Some(Stop { metric: "valid_loss".into(), patience: epochs.max(1) });
        self
    }

    /// Starts these parameters with these values, by path; the others are drawn.
    pub fn start_with(self, given: Parameters) -> Self {
        Trainer { given, ..self }
    }

    /// Trains; the weights of the best epoch on the validation part are kept, if there is one.
    ///
    /// # Errors
    /// Mistakes in the model, all listed; a loss that does not suit the data; a loss that becomes
    /// infinite or NaN.
    #[track_caller]
    pub fn fit(&self, data: &Dataset) -> Result<Run, Error> {
        self.fit_watched(data, &mut |_| {}, &AtomicBool::new(false))
    }

    /// As [`fit`](Self::fit); `on_event` hears of every step and epoch, and setting `stop` ends the
    /// training after its current step.
    #[track_caller]
    pub fn fit_watched(
        &self,
        data: &Dataset,
        on_event: &mut dyn FnMut(&Event),
        stop: &AtomicBool,
    ) -> Result<Run, Error> {
        if data.train.is_empty() {
            return Err(Error::new("there are no rows to train on"));
        }
        let loss = self.loss_for(data)?;
        let input = &data.input.shape;
        let recipe = Recipe { model: &self.model, input, loss, optimizer: &self.config.optimizer };
        let training = batch_sizes(data.train.len(), &self.config)
            .into_iter()
            .map(|rows| recipe.training(rows))
            .collect::<Result<Vec<_>, _>>()?;
        let inference = recipe.inference(data.train.len().clamp(1, 256))?;
        check_outputs(&inference, outputs(&data.preparation.target))?;
        let Fitted { history, chosen, last, .. } = Fit {
            name: self.model.name(),
            data,
            config: &self.config,
            loss,
            training: &training,
            inference: &inference,
            given: &self.given,
            folder: None,
            on_event,
            stop,
        }
        .run()?;
        let trained = Trained::of(&inference, chosen, DataRecord::of(data))?;
        let (data, config) = (data.clone(), self.config.clone());
        Ok(Run { data, config, loss, training, trained, last, history })
    }

    fn loss_for(&self, data: &Dataset) -> Result<Loss, Error> {
        let classes = data.train.classes().is_some();
        match (self.loss, classes) {
            (None, true) => Ok(Loss::CrossEntropy),
            (None, false) => Ok(Loss::SquaredError),
            (Some(loss), classes) if classes == (loss == Loss::CrossEntropy) => Ok(loss),
            (Some(_), true) => Err(Error::new(
                "the data has classes: its loss is Loss::CrossEntropy (or leave the loss out)",
            )),
            (Some(_), false) => Err(Error::new(
                "the data has numbers to tell: its loss is Loss::SquaredError or \
                 Loss::SumOfSquares (or leave the loss out)",
            )),
        }
    }
}

/// The model must give as many results a row as there are to tell.
pub(crate) fn check_outputs(inference: &Graph, wanted: usize) -> Result<(), Error> {
    let given = inference.named("prediction").map(|p| p.shape());
    match given {
        Some(shape) if shape.rank() == 2 && shape.sizes()[1] == wanted => Ok(()),
        Some(shape) => Err(Error::new(format!(
            "the model gives {shape} for a batch; the data asks for [rows, {wanted}]: one score \
             for each class, or one number for each target"
        ))),
        None => Err(Error::new("the model gives nothing")),
    }
}

impl Run {
    /// How good the model is on some rows, beside the simplest guess.
    ///
    /// # Errors
    /// Rows of another width than the model was trained on.
    pub fn evaluate(&self, rows: &Rows) -> Result<Report, Error> {
        let results = self.trained.results(rows)?;
        Ok(report(&results, rows, &self.data.train, self.loss))
    }

    /// Predicts raw rows; see [`Trained::predict`].
    ///
    /// # Errors
    /// Missing columns and text where a number should be, all listed.
    pub fn predict(&self, table: &RawTable) -> Result<Predictions, Error> {
        self.trained.predict(table)
    }

    /// The model, to be used on its own.
    pub fn into_trained(self) -> Trained {
        self.trained
    }

    /// The figures of every epoch.
    pub fn history(&self) -> &[event::Epoch] {
        &self.history
    }

    /// The parameters and states after the last step.
    pub fn parameters(&self) -> &Parameters {
        &self.last.model
    }

    /// The step that would come next, held still, to be asked about.
    ///
    /// # Errors
    /// None that a finished training causes.
    pub fn moment(&self) -> Result<Moment, Error> {
        Moment::after(&self.last, self.training.clone(), &self.data, &self.config, self.loss)
    }

    /// Where the derivative of the loss with respect to one number comes from, e.g. `fc2/bias[3]` or
    /// `fc1/relu[0, 5]`, in the step that would come next.
    ///
    /// # Errors
    /// A name that does not exist (with the nearest), indices that do not fit.
    pub fn explain(&self, what: &str) -> Result<Explanation, Error> {
        let element = Element::parse(what)
            .ok_or_else(|| Error::new(format!("`{what}` is no name such as `fc2/bias[3]`")))?;
        self.moment()?.explain(&element, None)
    }
}
