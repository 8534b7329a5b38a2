//! Training from code, without a run folder.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use glassbox_engine::{DType, Graph, Isa, Parameters};

use crate::Error;
use crate::data::{Augment, Dataset, RawTable, Rows, Task};
use crate::nn::{Chosen, Clip, Loss, Module, Optimizer, OwnLoss, Schedule};
use crate::practice::Verdict;
use crate::train::checkpoint::Checkpoint;
use crate::train::config::{
    self, Amount, ClassWeights, Resample, RunConfig, Stop, TrainConfig, WatchConfig,
};
use crate::train::event::{self, Ending, Event};
use crate::train::figures::{Report, report};
use crate::train::fit::{Fit, Fitted};
use crate::train::graphs::{Recipe, results};
use crate::train::job::{check_adversaries, check_rows, check_target, objective};
use crate::train::judge::judge;
use crate::train::latent::Latent;
use crate::train::patterns::spelled_out;
use crate::train::run::DataRecord;
use crate::train::samples::Samples;
use crate::train::start::Start;
use crate::train::steps::parts;
use crate::train::trained::{Model, Predictions};
use crate::watch::look::unmatched;
use crate::watch::{Element, Explanation, Moment, Statistics};

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
    watch: WatchConfig,
    given: Parameters,
    weights: Option<PathBuf>,
    callbacks: Vec<Mutex<Callback>>,
}

/// Hears every event; breaking ends the training after the current step.
type Callback = Box<dyn FnMut(&Event) -> ControlFlow<()> + Send>;

/// A training that is over: the model, its history, and everything to ask it about.
pub struct Run {
    data: Dataset,
    config: TrainConfig,
    loss: Loss,
    training: Vec<Graph>,
    inference: Graph,
    trained: Model,
    finished: event::Finished,
    last: Checkpoint,
    history: Vec<event::Epoch>,
    alerts: Vec<event::Alert>,
}

impl<M: Module> Trainer<M> {
    /// Trains `model` by Adam on batches of 32 rows for 50 epochs under seed 42, by the loss that
    /// suits the data.
    pub fn new(model: M) -> Self {
        let RunConfig { train: config, watch, .. } = RunConfig::new("");
        let (given, callbacks) = (Parameters::new(), Vec::new());
        Trainer { model, loss: None, config, watch, given, weights: None, callbacks }
    }

    /// What is made small; by default cross entropy for classes and squared error for numbers.
    pub fn loss(self, loss: Loss) -> Self {
        Trainer { loss: Some(loss), ..self }
    }

    /// A loss of one's own: a function, or a closure that captures nothing, of the scope, the
    /// prediction `[rows, outputs]` and the target (labels i64 `[rows]`, or numbers f32 `[rows, 1]`),
    /// which gives a scalar.
    ///
    /// ```
    /// use glassbox::prelude::*;
    /// let iris = data::iris();
    /// let run = Trainer::new(Mlp::new([4, 8, 3]))
    ///     .own_loss(|at, scores, labels| {
    ///         let _inside = at.enter();
    ///         let classes = scores.graph().iota([3], 0).equal(labels.reshape([labels.dim(0), 1]));
    ///         let wanted = classes.select(scores.full_like(1.0), scores.full_like(0.0));
    ///         (nn::softmax(scores) - wanted).square().mean()
    ///     })
    ///     .epochs(2)
    ///     .fit(&iris)?;
    /// assert!(run.evaluate(&iris.test)?.metrics["loss"] < 1.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn own_loss(self, loss: OwnLoss) -> Self {
        self.loss(Loss::Own(loss))
    }

    /// Spreads this share of each row's target evenly over all classes, in [0, 1). Figures of
    /// evaluation are of the plain loss.
    pub fn label_smoothing(mut self, share: f64) -> Self {
        self.config.label_smoothing = share;
        self
    }

    /// How much each class counts in training. Figures of evaluation are of the plain loss.
    pub fn class_weights(mut self, weights: ClassWeights) -> Self {
        self.config.class_weights = weights;
        self
    }

    /// How often rows of each class are taken in an epoch. Figures of evaluation are of the data as it
    /// is.
    pub fn resample(mut self, how: Resample) -> Self {
        self.config.resample = how;
        self
    }

    /// How training images are changed, in this order; see [`Augment`]. Evaluation and prediction see
    /// them as they are.
    ///
    /// ```
    /// use glassbox::data::Augment;
    /// use glassbox::prelude::*;
    /// let digits = data::digits();
    /// let trainer = Trainer::new(Mlp::new([64, 32, 10])).epochs(4);
    /// let run = trainer
    ///     .augment([Augment::Crop { padding: 1 }, Augment::Rotate { degrees: 10.0 }])
    ///     .fit(&digits)?;
    /// assert!(run.evaluate(&digits.test)?.metrics["accuracy"] > 0.5);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn augment(mut self, changes: impl IntoIterator<Item = Augment>) -> Self {
        self.config.augment = changes.into_iter().collect();
        self
    }

    /// Adds l1 · Σ|w| over the weights (parameters of two axes or more) to the loss.
    pub fn l1(mut self, l1: f64) -> Self {
        self.config.l1 = l1;
        self
    }

    /// Adds l2 · Σw² over the weights (parameters of two axes or more) to the loss.
    pub fn l2(mut self, l2: f64) -> Self {
        self.config.l2 = l2;
        self
    }

    /// How large gradients may be.
    pub fn clip(mut self, clip: Clip) -> Self {
        self.config.clip = Some(clip);
        self
    }

    /// Parameters (and states) that keep their values, by path; `*` stands for any letters.
    ///
    /// ```
    /// use glassbox::prelude::*;
    /// let iris = data::iris();
    /// let trainer = Trainer::new(Mlp::new([4, 8, 3])).epochs(1);
    /// let run = trainer.freeze(["fc1/*"]).fit(&iris)?;
    /// assert!(run.explain("fc2/bias[0]").is_ok());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn freeze<S: Into<String>>(mut self, patterns: impl IntoIterator<Item = S>) -> Self {
        self.config.freeze = patterns.into_iter().map(Into::into).collect();
        self
    }

    /// Layers (scopes, by path; `*` stands for any letters) whose numbers are not kept for the gradients
    /// but computed again: the same bits in less memory, for about a third more time. It pays for
    /// blocks with much inside and little at their border.
    ///
    /// ```
    /// use glassbox::prelude::*;
    /// let iris = data::iris();
    /// let trainer = || Trainer::new(Mlp::new([4, 8, 3])).epochs(1);
    /// let (kept, again) = (trainer().fit(&iris)?, trainer().recompute(["fc1"]).fit(&iris)?);
    /// assert_eq!(kept.evaluate(&iris.test)?.metrics, again.evaluate(&iris.test)?.metrics);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn recompute<S: Into<String>>(mut self, patterns: impl IntoIterator<Item = S>) -> Self {
        self.config.recompute = patterns.into_iter().map(Into::into).collect();
        self
    }

    /// Keeps a moving average of the weights with this decay, in [0, 1), and evaluates and predicts
    /// with it. The average is corrected for its start (Kingma and Ba 2015, section 7.2).
    pub fn average(mut self, decay: f64) -> Self {
        self.config.average = Some(decay);
        self
    }

    /// Puts the gradients of so many batches together into one step, as if they were one batch. A
    /// schedule counts the steps.
    pub fn accumulate(mut self, batches: u64) -> Self {
        self.config.accumulate = batches.max(1);
        self
    }

    /// Lets the learning rate rise from 0 through so many steps before the schedule begins.
    pub fn warmup(mut self, steps: u64) -> Self {
        self.config.warmup = steps;
        self
    }

    /// Hears every event of the training; `ControlFlow::Break(())` ends it after the current step.
    ///
    /// ```
    /// use glassbox::prelude::*;
    /// use glassbox::train::event::Event;
    /// use std::ops::ControlFlow;
    /// let run = Trainer::new(Mlp::new([4, 8, 3]))
    ///     .on_event(|event| match event {
    ///         Event::Epoch(epoch) if epoch.epoch == 2 => ControlFlow::Break(()),
    ///         _ => ControlFlow::Continue(()),
    ///     })
    ///     .fit(&data::iris())?;
    /// assert_eq!(run.history().len(), 2);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn on_event(
        mut self,
        callback: impl FnMut(&Event) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        self.callbacks.push(Mutex::new(Box::new(callback)));
        self
    }

    /// How the parameters move.
    pub fn optimizer(mut self, optimizer: Optimizer) -> Self {
        self.config.optimizer = optimizer;
        self
    }

    /// How parameters move that are chosen by name; the others move by
    /// [`optimizer`](Self::optimizer).
    ///
    /// ```
    /// use glassbox::nn::Chosen;
    /// use glassbox::prelude::*;
    /// let iris = data::iris();
    /// let slower = Chosen::new("fc1/*", Optimizer::MOMENTUM.with_lr(1e-3));
    /// let trainer = Trainer::new(Mlp::new([4, 8, 3])).optimizer_for(slower).epochs(1);
    /// assert_eq!(trainer.fit(&iris)?.evaluate(&iris.test)?.rows, iris.test.len());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn optimizer_for(mut self, chosen: Chosen) -> Self {
        self.config.optimizers.push(chosen);
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

    /// Forces the instruction set of the kernels; training on a machine without it is an error. Sets
    /// round differently in the last digits.
    ///
    /// ```
    /// use glassbox::engine::Isa;
    /// use glassbox::prelude::*;
    /// let iris = data::iris();
    /// let trainer = Trainer::new(Mlp::new([4, 8, 3])).instructions(Isa::Portable).epochs(1);
    /// assert_eq!(trainer.fit(&iris)?.evaluate(&iris.test)?.rows, iris.test.len());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn instructions(mut self, set: Isa) -> Self {
        self.config.instructions = Some(set);
        self
    }

    /// Sums convolutions term by term, even where tiles with a quarter of the multiplications are
    /// faster and a little less exact.
    pub fn exact(mut self, exact: bool) -> Self {
        self.config.exact = exact;
        self
    }

    /// Stops once the loss on the validation part has not improved for `epochs` epochs.
    pub fn patience(mut self, epochs: u64) -> Self {
        self.config.stop = Some(Stop { metric: "valid_loss".into(), patience: epochs.max(1) });
        self
    }

    /// Looks into every `every`-th step (0: never): statistics go to `on_event` of
    /// [`fit_watched`](Self::fit_watched) as [`Event::Watched`], and what goes wrong is told as
    /// [`Event::Alert`]. No number of the training depends on it.
    pub fn watch(mut self, every: u64) -> Self {
        self.watch.every = every;
        self
    }

    /// Looks only at parameters and activations whose paths match one of these patterns, in which `*`
    /// stands for any text: `fc1/*`.
    pub fn watch_only<T: Into<String>>(mut self, what: impl IntoIterator<Item = T>) -> Self {
        self.watch.what = what.into_iter().map(Into::into).collect();
        self
    }

    /// Starts these parameters with these values, by path; the others are drawn.
    pub fn start_with(self, given: Parameters) -> Self {
        Trainer { given, ..self }
    }

    /// Starts with the weights of a file of safetensors (PyTorch's names and layouts, or a run's own) or
    /// of a run; those of [`start_with`](Self::start_with) come after them. A head for other classes is
    /// drawn: see [`pytorch::read`](crate::io::pytorch::read).
    ///
    /// ```no_run
    /// use glassbox::prelude::*;
    /// # let photos = data::iris();
    /// // The head alone learns.
    /// let run = Trainer::new(Mlp::new([4, 8, 3]))
    ///     .start_from("published.safetensors")
    ///     .freeze(["*", "!fc2/*"])
    ///     .fit(&photos)?;
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn start_from(self, path: impl Into<PathBuf>) -> Self {
        Trainer { weights: Some(path.into()), ..self }
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
        let mut config = self.config.clone();
        config.loss = config::Loss::of(loss);
        let problems = match self.model.generative() {
            Some(_) => {
                let name = self.model.name();
                [check_rows(&config, data, name), check_adversaries(&config, loss, name)].concat()
            }
            None => check_target(&config, loss, data),
        };
        if !problems.is_empty() {
            return Err(Error::new(problems.join("\n").replace("train.", "")));
        }
        let recipe = Recipe {
            model: &self.model,
            input: &data.input.shape,
            tokens: data.preparation.inputs.text().is_some(),
            objective: objective(loss, &config, data),
            target: &data.preparation.target,
            weighted: data.train.is_weighted(),
            config: &self.config,
        };
        let inference = recipe.inference(data.train.len().clamp(1, 256))?;
        config.freeze = spelled_out(&config.freeze, &inference);
        let recipe = Recipe { config: &config, ..recipe };
        if self.model.generative().is_none() {
            check_outputs(&inference, &results(&data.preparation.target, loss))?;
        }
        let frozen = recipe.check_freeze(&inference).err().unwrap_or_default();
        let again = recipe.check_recompute(&inference).err().unwrap_or_default();
        let others = recipe.check_optimizers(&inference).err().unwrap_or_default();
        let watched = unmatched(&inference, &self.watch.what);
        let problems = [frozen, again, others, watched].concat();
        if !problems.is_empty() {
            return Err(Error::new(problems.join("\n")));
        }
        let training = parts(data, &config)
            .into_iter()
            .map(|part| recipe.training(part))
            .collect::<Result<Vec<_>, _>>()?;
        let classes = data.preparation.target.classes().unwrap_or_default();
        let start = Start::of(self.weights.as_deref(), &inference, &self.given, classes)?;
        let stopped = AtomicBool::new(false);
        let Fitted { finished, history, chosen, last, alerts, .. } = Fit {
            name: self.model.name(),
            data,
            config: &config,
            watch: &self.watch,
            loss,
            training: &training,
            inference: &inference,
            given: &start,
            samples: Samples::of(&self.model, data, config.seed)?,
            folder: None,
            on_event: &mut |event| {
                on_event(event);
                for callback in &self.callbacks {
                    let mut callback = callback.lock().unwrap_or_else(|p| p.into_inner());
                    if callback(event).is_break() {
                        stopped.store(true, Ordering::Relaxed);
                    }
                }
                if stop.load(Ordering::Relaxed) {
                    stopped.store(true, Ordering::Relaxed);
                }
            },
            stop: &stopped,
        }
        .run()?;
        let mut trained = Model::of(&inference, chosen, DataRecord::of(data))?;
        if data.input.shape.len() == 3 {
            trained = trained.with_one(&recipe.inference(1)?)?;
        }
        let data = data.clone();
        Ok(Run {
            data,
            config,
            loss,
            training,
            inference,
            trained,
            finished,
            last,
            history,
            alerts,
        })
    }

    fn loss_for(&self, data: &Dataset) -> Result<Loss, Error> {
        let classes =
            data.train.classes().or(data.preparation.target.tokens().map(|t| t.vocabulary));
        let of_rows = matches!(data.task, Task::Rows { .. });
        match (self.model.generative(), of_rows, self.loss) {
            (Some(model), true, None) => return Ok(Loss::OfModel(model.measures())),
            (Some(_), true, Some(_)) => {
                return Err(Error::new(format!(
                    "{} knows itself what it makes small: leave the loss out",
                    self.model.name()
                )));
            }
            (Some(_), false, _) => {
                return Err(Error::new(format!(
                    "{} learns the rows themselves: give it `data.into_rows(&[])`",
                    self.model.name()
                )));
            }
            (None, true, _) => {
                return Err(Error::new(format!(
                    "the rows themselves are to be learned, which {} cannot: take a model such as \
                     zoo::Autoencoder",
                    self.model.name()
                )));
            }
            (None, false, _) => {}
        }
        let Some(loss) = self.loss else {
            return Ok(config::Loss::Auto.resolve(classes.is_some()));
        };
        match (loss, loss.target_type() == DType::I64, classes) {
            (Loss::Own(_), ..) => Ok(loss),
            (Loss::BinaryCrossEntropy, _, Some(classes)) if classes != 2 => {
                Err(Error::new(format!(
                    "the data has {classes} classes, Loss::BinaryCrossEntropy is for two: take \
                 Loss::CrossEntropy (or leave the loss out)"
                )))
            }
            (_, for_classes, classes) if for_classes == classes.is_some() => Ok(loss),
            (_, _, Some(_)) => Err(Error::new(
                "the data has classes: its loss is Loss::CrossEntropy (or leave the loss out)",
            )),
            (_, _, None) => Err(Error::new(
                "the data has numbers to tell: its loss is Loss::SquaredError or another of numbers \
                 (or leave the loss out)",
            )),
        }
    }
}

/// The model must give as many results a row as there are to tell.
pub(crate) fn check_outputs(inference: &Graph, wanted: &[usize]) -> Result<(), Error> {
    let given = inference.named("prediction").map(|p| p.shape());
    match given {
        Some(shape) if shape.sizes().get(1..) == Some(wanted) => Ok(()),
        Some(shape) => {
            let wanted: Vec<String> = wanted.iter().map(usize::to_string).collect();
            Err(Error::new(format!(
                "the model gives {shape} for a batch; the data asks for [rows, {}]: one score \
                 for each class, or one number for each target",
                wanted.join(", ")
            )))
        }
        None => Err(Error::new("the model gives nothing")),
    }
}

impl Run {
    /// How good the model is on some rows, beside the simplest guess.
    ///
    /// # Errors
    /// Rows of another width than the model was trained on; no rows.
    pub fn evaluate(&self, rows: &Rows) -> Result<Report, Error> {
        let results = self.trained.results(rows)?;
        report(&results, rows, &self.data.train, self.loss)
    }

    /// Predicts raw rows; see [`Model::predict`].
    ///
    /// # Errors
    /// Missing columns and text where a number should be, all listed.
    pub fn predict(&self, table: &RawTable) -> Result<Predictions, Error> {
        self.trained.predict(table)
    }

    /// The model, to be used on its own.
    pub fn into_model(self) -> Model {
        self.trained
    }

    /// Whether the training overfitted, underfitted or went well, and why.
    ///
    /// # Errors
    /// A model whose parts work against each other, of which no loss tells how good it is.
    ///
    /// ```
    /// use glassbox::practice::Kind;
    /// use glassbox::prelude::*;
    /// // One hidden unit cannot hold ten digits.
    /// let digits = data::digits();
    /// let run = Trainer::new(Mlp::new([64, 1, 10])).epochs(5).fit(&digits)?;
    /// let verdict = run.verdict()?;
    /// assert_eq!(verdict.kind, Kind::Underfitting);
    /// println!("{verdict}");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn verdict(&self) -> Result<Verdict, Error> {
        if self.loss.is_adversarial() {
            return Err(Error::new(
                "no loss tells how good adversaries are, so there is no verdict on them: look at what they \
                 make",
            ));
        }
        let others = self.finished.best_step.is_some_and(|step| step != self.finished.step);
        let weights = others.then(|| self.last.weights());
        let end = weights.map(|w| Model::of(&self.inference, w, DataRecord::of(&self.data)));
        let curve = self.history.iter().map(|epoch| (epoch.train_loss, epoch.valid_loss)).collect();
        let stopped_early = self.finished.ending == Ending::StoppedEarly;
        judge(
            (&self.data, self.loss),
            &self.trained,
            end.transpose()?.as_ref(),
            curve,
            stopped_early,
        )
    }

    /// What was learned of the rows themselves, to make and change them; `model` is what was trained.
    ///
    /// ```
    /// use glassbox::prelude::*;
    /// use glassbox::zoo::Autoencoder;
    /// let digits = data::digits().into_rows::<&str>(&[])?;
    /// let model = Autoencoder::new(&[8, 8, 1], 2).encoder(&[32]);
    /// let run = Trainer::new(model.clone()).epochs(2).fit(&digits)?;
    /// let latent = run.latent(model);
    /// let (rows, _) = latent.gather(&digits.test, &[0, 1])?;
    /// assert_eq!(latent.encode(&rows, None)?.means.len(), 4);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn latent(&self, model: impl Module + 'static) -> Latent {
        let preparation = self.data.preparation.clone();
        Latent::of(Box::new(model), self.trained.values(), preparation)
    }

    /// The figures of every epoch.
    pub fn history(&self) -> &[event::Epoch] {
        &self.history
    }

    /// The alarms of the training, in the order in which they were raised.
    pub fn alerts(&self) -> &[event::Alert] {
        &self.alerts
    }

    /// Statistics and full histograms of every parameter and activation in the step that would come
    /// next.
    ///
    /// # Errors
    /// None that a finished training causes.
    pub fn inspect(&self) -> Result<Statistics, Error> {
        let (data, config) = (&self.data, &self.config);
        Statistics::after(&self.last, &self.training, data, config)
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
