//! From a configuration to something that can be trained: data, model, loss, every choice made.

use std::path::Path;

use glassbox_engine::{DType, Graph, Parameters};

use crate::Error;
use crate::data::{
    self, Arrangement, Augment, Dataset, Hiding, InputPreparation, Method, PreparedColumn, Task,
    augment_problems,
};
use crate::nn::{self, Activation, Module, Objective, Optimizer};
use crate::train::config::{
    Amount, Choices, ClassWeights, Clip, Columns, ConfigError, ConfigProblem, DataConfig, Initial,
    Loss, ModelConfig, ModelKind, Numbers, Preparation, Prepare, Resample, RunConfig, Schedule,
    Stop, TrainConfig,
};
use crate::train::folder::RunFolder;
use crate::train::graphs::{Part, Recipe, check_memory, name, outputs, spelled_out};
use crate::train::start::Start;
use crate::train::steps::{parts, replace};
use crate::watch::look::unmatched;
use crate::zoo::{
    FromLast, LayerProblem, Likelihood, Mlp, Named, Network, Normalize, Sizes, Takes, Training,
    Wanted,
};

/// A run that is ready to begin: the complete configuration, the data and the model.
pub struct Job {
    /// Everything that decides the run's numbers.
    pub config: RunConfig,
    /// The rows, split and prepared.
    pub data: Dataset,
    /// The model's choices.
    pub model: Box<dyn Module>,
    /// What is made small.
    pub loss: nn::Loss,
    /// What parameters start with.
    pub(crate) start: Start,
}

impl Job {
    /// Loads the data of a configuration, makes the choices that suit it, and lets `configure` (a
    /// file, flags) have the last word on them: it is called with the defaults for the path alone,
    /// and again with the defaults for the data.
    ///
    /// # Errors
    /// Whatever is wrong with the configuration or the data, all problems at once.
    pub fn new(
        path: &str,
        configure: impl Fn(&RunConfig) -> Result<RunConfig, ConfigError>,
    ) -> Result<Self, Error> {
        let first = configure(&RunConfig::new(path))?;
        let mut data = load(&first)?;
        let mut suggested = first.clone();
        if gains_by_pieces(&data, &first) {
            suggested.data.prepare = vec![Prepare::new("numeric", Method::Piecewise)];
            let again = configure(&suggested)?;
            if again.data.prepare == suggested.data.prepare {
                data = load(&again)?;
            }
        }
        suggested.model = model_of_windows(&data, &suggested, &configure)?;
        let suggested = suggest(&data, &suggested);
        let mut config = configure(&suggested)?;
        if config.model.hidden != suggested.model.hidden {
            // What was suggested suits another shape.
            config.model.initial = first.model.initial;
        }
        if config.model.hidden != suggested.model.hidden && first.model.parameters.is_empty() {
            // Nobody gave starting values: these were suggested for another shape.
            config.model.parameters.clear();
        }
        Job::of(config, data, None)
    }

    /// The run of a complete configuration.
    pub fn from_config(config: RunConfig) -> Result<Self, Error> {
        let data = load(&config)?;
        Job::of(config, data, None)
    }

    /// The run in a folder, which keeps the weights that it began with.
    pub(crate) fn of_run(folder: &RunFolder) -> Result<Self, Error> {
        let config = folder.config()?;
        let data = load(&config)?;
        Job::of(config, data, Some(folder))
    }

    /// Data and training of the run whose configuration this is, without its model, which this build
    /// may not know; the starting values that it gives are apart.
    pub(crate) fn without_model(folder: &RunFolder) -> Result<(Self, Parameters), Error> {
        let mut config = RunConfig::load_steps(&folder.file("run.toml"))?;
        let mut start = folder.start()?.unwrap_or_default();
        start.extend(given(&config)?);
        config.model.parameters.clear();
        // What it says of the model's paths cannot be checked by another model.
        let data = load(&config)?;
        Ok((Job::unchecked(config, data)?, start))
    }

    fn of(config: RunConfig, data: Dataset, folder: Option<&RunFolder>) -> Result<Self, Error> {
        let numbers = matches!(config.model.kind, ModelKind::Mlp | ModelKind::Network)
            && !matches!(data.task, Task::Rows { .. });
        if numbers && data.preparation.inputs.text().is_some() {
            return Err(wrong(format!(
                "`model.kind = \"{}\"` reads numbers, and this is text: take one of gpt, lstm, gru, rnn",
                config.model.kind
            )));
        }
        let mut job = Job::unchecked(config, data)?;
        if !job.config.train.freeze.is_empty() {
            let inference = job.recipe().inference(1)?;
            job.config.train.freeze = spelled_out(&job.config.train.freeze, &inference);
        }
        check_memory(&job.recipe().training(Part { rows: 1, ends: true })?)?;
        job.find_start(folder)?;
        job.check_paths()?;
        job.check_watched()?;
        Ok(job)
    }

    /// A job whose paths may mean nothing in its model, and whose parameters start as drawn.
    fn unchecked(mut config: RunConfig, data: Dataset) -> Result<Self, Error> {
        if let Task::Rows { .. } = data.task {
            return Job::of_rows(config, data);
        }
        let classes =
            data.train.classes().or(data.preparation.target.tokens().map(|t| t.vocabulary));
        let loss = config.train.loss.resolve(classes.is_some());
        let mut problems = Vec::new();
        if config.train.loss == Loss::OfModel {
            problems.push(format!(
                "`train.loss = \"of_model\"` is for models that learn the rows themselves, such as vae, \
                 not {}",
                config.model.kind
            ));
        }
        let words = config.train.loss;
        let target = &data.preparation.target.name;
        match (loss.target_type() == DType::I64, classes) {
            (true, None) => problems.push(format!(
                "`train.loss = \"{words}\"` is for classes, but the target `{target}` is a number: \
                 take squared_error, sum_of_squares, absolute_error, huber or gaussian_nll"
            )),
            (false, Some(_)) => problems.push(format!(
                "`train.loss = \"{words}\"` is for numbers, but the target `{target}` is a class: \
                 take cross_entropy"
            )),
            (true, Some(classes)) if loss == nn::Loss::BinaryCrossEntropy && classes != 2 => {
                problems.push(format!(
                    "`train.loss = \"{words}\"` is for two classes, but the target `{target}` has \
                     {classes}: take cross_entropy"
                ));
            }
            _ => {}
        }
        config.train.loss = Loss::of(loss);
        problems.extend(check_target(&config.train, loss, &data));
        if !problems.is_empty() {
            return Err(all_wrong(problems));
        }
        let figures: &[&str] = match data.task {
            Task::Classification { .. } => &["valid_loss", "valid_accuracy"],
            Task::Regression => &["valid_loss", "valid_rmse", "valid_mae", "valid_r2"],
            Task::Language { .. } => &["valid_loss", "valid_accuracy", "valid_perplexity"],
            Task::Rows { .. } => &["valid_loss"],
        };
        check_stop(config.train.stop.as_ref(), figures)?;
        let model = model_of(&config.model, &data.preparation, &data.input.shape, loss)?;
        Ok(Job { config, data, model, loss, start: Start::default() })
    }

    /// A job of a model that learns the rows themselves.
    fn of_rows(mut config: RunConfig, data: Dataset) -> Result<Self, Error> {
        let mut problems = check_rows(&config.train, &data, config.model.kind.word());
        if ![Loss::Auto, Loss::OfModel].contains(&config.train.loss) {
            problems.push(format!(
                "`train.loss = \"{}\"`: {} knows itself what it makes small: leave it out",
                config.train.loss, config.model.kind
            ));
        }
        config.train.loss = Loss::OfModel;
        if !problems.is_empty() {
            return Err(all_wrong(problems));
        }
        let loss = config.train.loss.resolve(false);
        let model = model_of(&config.model, &data.preparation, &data.input.shape, loss)?;
        let loss = loss_of(&*model);
        let problems = check_adversaries(&config.train, loss, config.model.kind.word());
        if !problems.is_empty() {
            return Err(all_wrong(problems));
        }
        if let nn::Loss::OfModel(measures) = loss {
            let figures: Vec<String> =
                measures.names.iter().map(|name| format!("valid_{name}")).collect();
            let figures: Vec<&str> = figures.iter().map(String::as_str).collect();
            check_stop(config.train.stop.as_ref(), &figures)?;
        }
        Ok(Job { config, data, model, loss, start: Start::default() })
    }

    /// Where the parameters start: as the folder of a run that has begun keeps it, else as said.
    fn find_start(&mut self, folder: Option<&RunFolder>) -> Result<(), Error> {
        let given = given(&self.config)?;
        let kept = folder.map(|folder| folder.start()).transpose()?.flatten();
        self.start = match (kept, &self.config.train.weights) {
            (Some(mut values), _) => {
                values.extend(given);
                Start { values, weights: None }
            }
            (None, Some(path)) => {
                let inference = self.recipe().inference(1)?;
                Start::of(Some(Path::new(path)), &inference, &given)?
            }
            (None, None) => Start { values: given, weights: None },
        };
        Ok(())
    }

    /// Starting values must be of parameters that the model has, and of their shapes; what is to be
    /// frozen or computed again must exist.
    fn check_paths(&self) -> Result<(), Error> {
        let given = given(&self.config)?;
        let train = &self.config.train;
        let named = [train.freeze.len(), train.recompute.len(), train.optimizers.len()];
        if given.is_empty() && named == [0; 3] {
            return Ok(());
        }
        let recipe = self.recipe();
        let inference = recipe.inference(1)?;
        let training = recipe.training(Part { rows: 1, ends: true })?;
        let of_model = |path: &str| !path.starts_with(name::OPTIMIZER);
        let drawn = training.initial_values(0);
        let drawn = drawn.iter().filter(|(path, _)| of_model(path));
        let mut start: Parameters = drawn.map(|(path, a)| (path.to_owned(), a.clone())).collect();
        let starts = replace(&mut start, &given).err().unwrap_or_default();
        let frozen = recipe.check_freeze(&training).err().unwrap_or_default();
        let starts = starts.into_iter().map(|what| format!("`model.parameters`: {what}"));
        let frozen = frozen.into_iter().map(|what| format!("`train.freeze`: {what}"));
        let again = recipe.check_recompute(&inference).err().unwrap_or_default();
        let again = again.into_iter().map(|what| format!("`train.recompute`: {what}"));
        let others = recipe.check_optimizers(&training).err().unwrap_or_default();
        let others = others.into_iter().map(|what| format!("`train.optimizers`: {what}"));
        let problems: Vec<String> = starts.chain(frozen).chain(again).chain(others).collect();
        if problems.is_empty() { Ok(()) } else { Err(all_wrong(problems)) }
    }

    /// What is to be watched must be there.
    fn check_watched(&self) -> Result<(), Error> {
        let what = &self.config.watch.what;
        if what.iter().all(|pattern| pattern == "*") {
            return Ok(());
        }
        let problems = unmatched(&self.recipe().inference(1)?, what);
        if problems.is_empty() {
            return Ok(());
        }
        let of = |message| ConfigProblem { place: String::new(), message };
        let problems = problems.into_iter().map(of).collect();
        Err(Error::Config(ConfigError { path: None, problems }))
    }

    fn recipe(&self) -> Recipe<'_> {
        Recipe {
            model: &*self.model,
            input: &self.data.input.shape,
            tokens: self.data.preparation.inputs.text().is_some(),
            objective: objective(self.loss, &self.config.train, &self.data),
            target: &self.data.preparation.target,
            weighted: self.data.train.is_weighted(),
            config: &self.config.train,
        }
    }

    /// The inference graph for one row, where rows are images: a single one need not wait for as much
    /// work as a batch is.
    pub(crate) fn graph_of_one(&self) -> Result<Option<Graph>, Error> {
        let image = self.data.input.shape.len() == 3;
        Ok(image.then(|| self.recipe().inference(1)).transpose()?)
    }

    /// One training graph for each number of rows that steps have, and the inference graph.
    pub(crate) fn graphs(&self) -> Result<(Vec<Graph>, Graph), Error> {
        let recipe = self.recipe();
        let parts = parts(&self.data, &self.config.train);
        let training =
            parts.into_iter().map(|part| recipe.training(part)).collect::<Result<Vec<_>, _>>()?;
        let target = &self.data.preparation.target;
        // Scores of every token at every place take more room than what is read.
        let told = target.tokens().map_or(0, |tokens| tokens.places * tokens.vocabulary);
        let most =
            (INFERENCE_NUMBERS / self.data.train.width().max(told).max(1)).clamp(1, INFERENCE_ROWS);
        let rows = self.data.train.len().clamp(1, most);
        Ok((training, recipe.inference(rows)?))
    }
}

/// What a model that learns the rows themselves makes small.
fn loss_of(model: &dyn Module) -> nn::Loss {
    let own = model.generative().map(|model| nn::Loss::OfModel(model.measures()));
    own.unwrap_or(nn::Loss::OfModel(&nn::NOTHING))
}

/// The figure by which training stops must be one that is measured.
fn check_stop(stop: Option<&Stop>, figures: &[&str]) -> Result<(), Error> {
    match stop {
        Some(stop) if !figures.contains(&stop.metric.as_str()) => {
            let hint = crate::nearest::suggestion(&stop.metric, "figures", figures);
            Err(wrong(format!("`train.stop.metric = \"{}\"`: {hint}", stop.metric)))
        }
        _ => Ok(()),
    }
}

/// The model of a configuration as it is used, on so many rows, without its data.
pub(crate) fn inference_of(
    config: &RunConfig,
    preparation: &data::Preparation,
    rows: usize,
) -> Result<Graph, Error> {
    let target = &preparation.target;
    let loss = config.train.loss.resolve(target.classes().is_some() || target.tokens().is_some());
    let input = preparation.input_shape();
    let tokens = preparation.inputs.text().is_some();
    let model = model_of(&config.model, preparation, &input, loss)?;
    // What a loss counts by does not matter in use.
    let objective = Objective { loss, label_smoothing: 0.0, class_weights: Vec::new() };
    let config = &config.train;
    let weighted = false;
    Ok(Recipe { model: &*model, input: &input, tokens, objective, target, weighted, config }
        .inference(rows)?)
}

/// The model of a run, whose rows are so prepared.
pub(crate) fn model_of_run(
    config: &RunConfig,
    preparation: &data::Preparation,
) -> Result<Box<dyn Module>, Error> {
    let target = &preparation.target;
    let loss = config.train.loss.resolve(target.classes().is_some() || target.tokens().is_some());
    model_of(&config.model, preparation, &preparation.input_shape(), loss)
}

/// Rows of a batch when the model is used, at most.
const INFERENCE_ROWS: usize = 256;
/// Numbers of such a batch: large images come a few at a time.
const INFERENCE_NUMBERS: usize = 1 << 21;

/// Starting values that a configuration gives.
fn given(config: &RunConfig) -> Result<Parameters, Error> {
    let array = |(path, numbers): (&String, &Numbers)| {
        let array = numbers
            .to_array(DType::F32)
            .map_err(|what| wrong(format!("`model.parameters.\"{path}\"`: {what}")))?;
        Ok((path.clone(), array))
    };
    config.model.parameters.iter().map(array).collect()
}

fn wrong(message: String) -> Error {
    all_wrong(vec![message])
}

fn all_wrong(messages: Vec<String>) -> Error {
    let problem = |message| ConfigProblem { place: String::new(), message };
    let problems = messages.into_iter().map(problem).collect();
    Error::Config(ConfigError { path: None, problems })
}

/// The loss with what a configuration says of its classes.
pub(crate) fn objective(loss: nn::Loss, config: &TrainConfig, data: &Dataset) -> Objective {
    let labels = data.train.labels().unwrap_or_default();
    Objective {
        loss,
        label_smoothing: config.label_smoothing,
        class_weights: config.class_weights.of(&labels, data.train.classes().unwrap_or(0)),
    }
}

/// What only classes have must not be asked of numbers, each class needs its weight, and a loss must
/// take what the rows give.
pub(crate) fn check_target(config: &TrainConfig, loss: nn::Loss, data: &Dataset) -> Vec<String> {
    let (classes, outputs) = (data.train.classes(), data.train.outputs());
    let mut problems = Vec::new();
    if classes.is_none() && config.label_smoothing > 0.0 {
        problems.push("`train.label_smoothing` is for classes, but the target is a number".into());
    }
    if loss == nn::Loss::GaussianNll && outputs > 1 {
        problems.push(format!(
            "`train.loss = \"gaussian_nll\"` is for one number, but there are {outputs} targets: take \
             squared_error, or train one model for each"
        ));
    }
    if matches!(loss, nn::Loss::Own(_)) && data.train.is_weighted() {
        problems.push("a loss of one's own cannot count rows by their weights".into());
    }
    if classes.is_none() && config.resample != Resample::None {
        problems.push("`train.resample` is for classes, but the target is a number".into());
    }
    let of_images = augment_problems(&config.augment, &data.input.shape);
    problems.extend(of_images.into_iter().map(|what| format!("`train.augment`: {what}")));
    if matches!(loss, nn::Loss::Own(_)) && config.augment.iter().any(|change| change.mixes()) {
        problems.push("a loss of one's own cannot mix labels: leave mixup and cutmix out".into());
    }
    match (&config.class_weights, classes) {
        (ClassWeights::None, _) => {}
        (_, None) => {
            problems
                .push("`train.class_weights` is for classes, but the target is a number".into());
        }
        (ClassWeights::Given(weights), Some(classes)) if weights.len() != classes => {
            problems.push(format!(
                "`train.class_weights` has {} numbers, but there are {classes} classes: one for each",
                weights.len()
            ));
        }
        _ => {}
    }
    problems
}

/// What a model that learns the rows themselves must not be asked for.
pub(crate) fn check_rows(config: &TrainConfig, data: &Dataset, model: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if config.label_smoothing > 0.0
        || config.class_weights != ClassWeights::None
        || config.resample != Resample::None
    {
        problems.push(format!(
            "`train.label_smoothing`, `train.class_weights` and `train.resample` are for models that tell \
             classes, which {model} does not"
        ));
    }
    if data.train.is_weighted() {
        problems.push(format!("`data.weight`: {model} cannot count rows differently"));
    }
    let augment = augment_problems(&config.augment, &data.input.shape);
    problems.extend(augment.into_iter().map(|what| format!("`train.augment`: {what}")));
    if config.augment.iter().any(|change| change.mixes()) {
        let what = "`train.augment`: mixed rows are no rows to learn: leave mixup and cutmix out";
        problems.push(what.into());
    }
    problems
}

/// What a model whose parts work against each other must not be asked for.
pub(crate) fn check_adversaries(config: &TrainConfig, loss: nn::Loss, model: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if loss.is_adversarial() && config.stop.is_some() {
        problems.push(format!(
            "`train.stop`: no loss of {model} tells how good it is, for its parts work against each other: \
             leave it out"
        ));
    }
    if loss.is_adversarial() && config.accumulate > 1 {
        problems.push(format!(
            "`train.accumulate`: the parts of {model} move one after the other, which several batches a \
             step cannot do: leave it out, and take a larger `train.batch`"
        ));
    }
    problems
}

/// What the model of rows that are so prepared is to be made for.
fn wanted<'a>(preparation: &data::Preparation, row: &'a [usize], loss: nn::Loss) -> Wanted<'a> {
    let target = &preparation.target;
    let text = preparation.inputs.text();
    Wanted {
        row,
        tokens: text.map(|text| text.tokenizer.vocabulary()),
        source: text.map_or(0, |text| text.source),
        outputs: target.tokens().map_or_else(|| outputs(target, loss), |tokens| tokens.vocabulary),
        every_place: target.tokens().is_some(),
        ahead: preparation.inputs.series().is_some_and(|series| series.horizon > 0),
        classes: target.known_classes().map_or(0, <[String]>::len),
    }
}

/// The model of a configuration, for rows of this shape that are so prepared.
fn model_of(
    config: &ModelConfig,
    preparation: &data::Preparation,
    row: &[usize],
    loss: nn::Loss,
) -> Result<Box<dyn Module>, Error> {
    let model = model(config, &wanted(preparation, row, loss))?;
    Ok(match preparation.inputs.series() {
        // A Gaussian's variance is no level.
        Some(series) if series.from_last && loss != nn::Loss::GaussianNll => {
            Box::new(FromLast::new(model, series.levels(), series.targets.clone()))
        }
        _ => model,
    })
}

/// The model of a configuration, for rows as wanted.
fn model(config: &ModelConfig, wanted: &Wanted<'_>) -> Result<Box<dyn Module>, Error> {
    let Wanted { row: input, outputs, .. } = *wanted;
    if config.kind == ModelKind::Network {
        let network = Network::new(config.layers.clone(), input, outputs);
        let problem = |problem: LayerProblem| format!("`model.layer`: {problem}");
        return match network {
            Ok(network) => Ok(Box::new(network)),
            Err(problems) => Err(all_wrong(problems.into_iter().map(problem).collect())),
        };
    }
    if let ModelKind::Named(named) = config.kind {
        named
            .check(&config.choices, wanted)
            .map_err(|what| wrong(format!("`model.kind`: {what}")))?;
        return Ok(named.build_for(&config.choices, wanted));
    }
    let mut sizes = vec![input.iter().product()];
    sizes.extend(&config.hidden);
    sizes.push(outputs);
    let mlp = Mlp::new(sizes)
        .activation(config.activation)
        .normalize(config.normalize)
        .dropout(config.dropout)
        .skip(config.skip);
    Ok(match config.initial {
        Some(initial) => Box::new(mlp.initial(initial)),
        None => Box::new(mlp),
    })
}

/// Loads what `[data]` says, by as many threads as train.
fn load(config: &RunConfig) -> Result<Dataset, Error> {
    let threads = match config.train.threads {
        Amount::All => None,
        Amount::Exactly(threads) => Some(threads),
    };
    let mut options = data::Options { threads, ..config.data.options() };
    if let ModelKind::Named(named) = config.model.kind {
        options.text.arrangement = match named.family.takes {
            Takes::Masked => Arrangement::Masked(Hiding { share: 0.15, ..Hiding::default() }),
            Takes::Pairs => Arrangement::Pairs,
            Takes::Images | Takes::Sequences | Takes::Text | Takes::Rows => Arrangement::Next,
        };
        options.itself = named.family.takes == Takes::Rows;
    }
    if !options.itself && !options.without.is_empty() {
        return Err(wrong(format!(
            "`data.without` is for models that learn the rows themselves, such as vae, not {}",
            config.model.kind
        )));
    }
    Ok(data::load(&config.data.path, &options)?)
}

impl DataConfig {
    /// What [`data::load`] is asked for.
    pub fn options(&self) -> data::Options {
        // What is said of all numbers holds for arrays and for the target, too.
        let mut prepare = data::Prepare::Auto;
        for rule in self.prepare.iter().filter(|rule| rule.columns == Columns::Numeric) {
            match rule.with {
                Some(Preparation::Standardize) => prepare = data::Prepare::Standardize,
                Some(Preparation::None) => prepare = data::Prepare::Raw,
                _ => {}
            }
        }
        data::Options {
            target: self.target.clone(),
            valid: self.split.valid,
            test: self.split.test,
            stratify: self.split.stratify,
            fold: self.split.fold,
            prepare,
            rules: self.prepare.clone(),
            weight: self.weight.clone(),
            memory: self.memory.saturating_mul(1 << 20),
            strict: self.strict,
            image: self.image.clone(),
            text: self.text.clone(),
            series: self.series.clone(),
            columns: self.columns.clone(),
            drop: self.drop.clone(),
            without: self.without.clone(),
            ..data::Options::default()
        }
    }
}

/// Rows from which on numbers of a table are told a net in pieces: fewer do not say where to bend.
const PIECES_FROM: usize = 4_000;
/// The most numbers that a table in pieces may have: 256 MiB.
const PIECES_UP_TO: usize = 1 << 26;

/// Whether numbers of the table should be told a net in pieces: nobody said how to prepare them, and
/// there are enough rows, but not so many that all pieces together are too large.
fn gains_by_pieces(data: &Dataset, config: &RunConfig) -> bool {
    let InputPreparation::Table { columns } = &data.preparation.inputs else { return false };
    let number = |column: &&PreparedColumn| matches!(column, PreparedColumn::Number { .. });
    let numbers = columns.iter().filter(number).count();
    let rows = data.train.len() + data.valid.len() + data.test.len();
    let pieces = numbers.saturating_mul(16).saturating_mul(rows);
    config.data.prepare.is_empty()
        && data.train.len() >= PIECES_FROM
        && (1..=PIECES_UP_TO).contains(&pieces)
}

/// How a named model is trained: in one cycle, as its family says, in smaller steps where batches are
/// smaller (Goyal et al. 2017).
fn suggest_named(data: &Dataset, named: Named, config: &mut RunConfig) {
    let Training { optimizer, epochs, label_smoothing } = named.family.training;
    let pixels = data.input.shape.iter().take(2).product::<usize>();
    let most = match pixels {
        0..=4_096 => 128,
        4_097..=16_384 => 64,
        _ => 32,
    };
    // Some steps an epoch at least.
    let batch = (data.train.len() / 16).next_power_of_two().clamp(8, most);
    let share = batch as f64 / 128.0;
    let share = if matches!(optimizer, Optimizer::Momentum { .. }) { share } else { share.sqrt() };
    let train = &mut config.train;
    train.batch = Amount::Exactly(batch);
    // What has learned already moves by less.
    let share = if train.weights.is_some() { share / 10.0 } else { share };
    train.optimizer = optimizer.with_lr(optimizer.lr() * share);
    train.schedule = Schedule::OneCycle { rise: 0.3 };
    train.epochs = epochs;
    if matches!(data.task, Task::Classification { .. }) {
        train.label_smoothing = label_smoothing;
        if data.valid.len() >= 2_000 {
            // Never stops a cycle, but says by what the best epoch is known.
            train.stop = Some(Stop { metric: "valid_accuracy".into(), patience: epochs });
        }
    }
}

/// How a model of text is trained: in one cycle, about as many steps whatever the text's length.
fn suggest_text(data: &Dataset, named: Named, config: &mut RunConfig) {
    let Training { optimizer, epochs, label_smoothing } = named.family.training;
    let train = &mut config.train;
    let rows = data.train.len();
    // About so many tokens a step, and some steps an epoch.
    let most = (TEXT_TOKENS / data.train.width().max(1)).next_power_of_two().clamp(4, 128);
    let batch = (rows / 16).next_power_of_two().clamp(4, most);
    train.batch = Amount::Exactly(batch);
    let share = if train.weights.is_some() { 0.1 } else { 1.0 };
    train.optimizer = optimizer.with_lr(optimizer.lr() * share);
    train.schedule = Schedule::OneCycle { rise: 0.1 };
    train.clip = Some(Clip::Norm(1.0));
    let steps = rows.div_ceil(batch).max(1) as u64;
    let pairs = named.family.takes == Takes::Pairs;
    let most = if pairs { epochs } else { epochs.min(TEXT_EPOCHS) };
    train.epochs = (TEXT_STEPS / steps).clamp(1, most);
    if pairs && !data.valid.is_empty() {
        // On few pairs the loss of what is held back rises long before the words that are told right
        // become fewer.
        train.stop = Some(Stop { metric: "valid_accuracy".into(), patience: train.epochs });
    }
    train.label_smoothing = label_smoothing;
}

/// About so many steps teach a model a text.
const TEXT_STEPS: u64 = 5_000;
/// A text is read so often at most.
const TEXT_EPOCHS: u64 = 20;
/// Tokens of a step.
const TEXT_TOKENS: usize = 4_096;

/// The model, where nobody said which: filters over time, of windows that have a class.
fn model_of_windows(
    data: &Dataset,
    config: &RunConfig,
    configure: &impl Fn(&RunConfig) -> Result<RunConfig, ConfigError>,
) -> Result<ModelConfig, Error> {
    let of_classes = data.preparation.inputs.series().is_some_and(|series| series.horizon == 0);
    let Some(named) = Named::from_word("convolution").filter(|_| of_classes) else {
        return Ok(config.model.clone());
    };
    let kind = ModelKind::Named(named);
    let choices = named.family.defaults;
    let asked = RunConfig {
        model: ModelConfig { kind, choices, ..config.model.clone() },
        ..config.clone()
    };
    Ok(configure(&asked)?.model)
}

/// How a model of windows is trained. A forecast by an mlp without hidden layers is a weighted sum of the
/// past, which begins as "the last value goes on"; it is hard to beat (Zeng et al. 2023).
fn suggest_series(data: &Dataset, forecast: bool, config: &mut RunConfig) {
    let rows = data.train.len();
    let (model, train) = (&mut config.model, &mut config.train);
    let batch = (rows / 8).next_power_of_two().clamp(8, 64);
    train.batch = Amount::Exactly(batch);
    train.schedule = Schedule::Cosine;
    let steps = rows.div_ceil(batch).max(1) as u64;
    let (enough, most, lr) = match model.kind {
        ModelKind::Named(_) => {
            let choices = Choices { units: 32, layers: 1, dropout: 0.0, ..model.choices };
            model.choices = match model.kind.word() {
                "convolution" => Choices { layers: 4, ..choices },
                _ => choices,
            };
            train.clip = Some(Clip::Norm(1.0));
            (SERIES_STEPS, 200, 3e-3)
        }
        ModelKind::Mlp if forecast => {
            model.hidden = Vec::new();
            model.initial = Some(Initial::Zeros);
            (3 * SERIES_STEPS, 2_000, 1e-3)
        }
        ModelKind::Mlp => {
            model.hidden = vec![64, 32];
            (SERIES_STEPS, 200, 1e-3)
        }
        ModelKind::Network => (SERIES_STEPS, 200, 1e-3),
    };
    train.optimizer = Optimizer::ADAM.with_lr(lr);
    train.epochs = (enough / steps).clamp(3, most);
    if !data.valid.is_empty() {
        let patience = (train.epochs / 4).max(3);
        train.stop = Some(Stop { metric: "valid_loss".into(), patience });
    }
}

/// About so many steps teach a model what windows of a series tell.
const SERIES_STEPS: u64 = 3_000;

/// How a model that learns the rows themselves is trained: pixels are taken for probabilities; of a table
/// the code has a third of its numbers.
fn suggest_rows(data: &Dataset, config: &mut RunConfig) {
    let ModelKind::Named(named) = config.model.kind else { return };
    let Training { optimizer, epochs, .. } = named.family.training;
    if named.is_adversarial() {
        return suggest_adversaries(data, named, config);
    }
    let (choices, width) = (&mut config.model.choices, data.train.width());
    if matches!(data.preparation.inputs, InputPreparation::Pixels { .. }) {
        choices.likelihood = Likelihood::Bernoulli;
    } else {
        let hidden = (2 * width).next_power_of_two().clamp(16, 256);
        choices.encoder = Sizes::of(&[hidden, (hidden / 2).max(8)]);
        choices.code = width.div_ceil(3).clamp(1, 16);
    }
    if named.word().starts_with("conv-") {
        choices.encoder = Sizes::of(&[32, 64]);
    }
    let rows = data.train.len();
    let train = &mut config.train;
    let batch = (rows / 16).next_power_of_two().clamp(8, 128);
    train.batch = Amount::Exactly(batch);
    train.optimizer = optimizer;
    let steps = rows.div_ceil(batch).max(1) as u64;
    train.epochs = (ROWS_STEPS / steps).clamp(epochs, 300);
    if !data.valid.is_empty() {
        let patience = (train.epochs / 5).max(5);
        train.stop = Some(Stop { metric: "valid_loss".into(), patience });
    }
}

/// How adversaries are trained: without an end but the last step.
fn suggest_adversaries(data: &Dataset, named: Named, config: &mut RunConfig) {
    let Training { optimizer, epochs, .. } = named.family.training;
    let (choices, train) = (&mut config.model.choices, &mut config.train);
    let shape = &data.input.shape;
    choices.bounded = matches!(data.preparation.inputs, InputPreparation::Pixels { .. });
    if named.is_convolutional(shape) {
        choices.encoder = Sizes::of(&[64, 128]);
        choices.normalize = Normalize::Batch;
    } else if data.train.width() < 64 {
        choices.encoder = Sizes::of(&[128, 128]);
        choices.code = data.train.width().max(2);
    }
    let rows = data.train.len();
    // A critic learns on parts of a batch.
    let parts = if named.word() == "wgan-gp" { choices.critic_steps } else { 1 };
    let batch = (rows / 16).next_power_of_two().clamp(8, 64) * parts;
    train.batch = Amount::Exactly(batch);
    train.optimizer = optimizer;
    if data.train.width() < 64 {
        // A code of as many numbers, no momentum and a rate that ends at 0 cover points best.
        train.optimizer = Optimizer::Adam {
            lr: 1e-3,
            beta1: 0.0,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
        };
        train.schedule = Schedule::Cosine;
    }
    train.stop = None;
    let steps = rows.div_ceil(batch).max(1) as u64;
    train.epochs = (ADVERSARIES_STEPS / steps).clamp(epochs, 400);
}

/// About so many steps teach adversaries, at least.
const ADVERSARIES_STEPS: u64 = 10_000;

/// About so many steps teach a model what rows look like, at least.
const ROWS_STEPS: u64 = 6_000;

/// The choices that suit the data.
fn suggest(data: &Dataset, base: &RunConfig) -> RunConfig {
    let mut config = base.clone();
    let rows = data.train.len();
    if data.source == "dosage" {
        // The textbook's net: one input, two softplus units, one output.
        config.model.hidden = vec![2];
        config.model.activation = Activation::Softplus;
        let row = |values: [f64; 2]| Numbers::Many(values.map(Numbers::One).to_vec());
        let column = |values: [f64; 2]| {
            Numbers::Many(values.map(|v| Numbers::Many(vec![Numbers::One(v)])).to_vec())
        };
        config.model.parameters = [
            ("fc1/weight".to_string(), Numbers::Many(vec![row([2.74, -1.13])])),
            ("fc2/weight".to_string(), column([0.36, 0.63])),
        ]
        .into();
        config.train.epochs = 450;
        config.train.batch = Amount::All;
        config.train.loss = Loss::SumOfSquares;
        config.train.optimizer = Optimizer::GRADIENT_DESCENT.with_lr(0.1);
        return config;
    }
    if let (ModelKind::Named(named), true) =
        (config.model.kind, data.preparation.inputs.text().is_some())
    {
        suggest_text(data, named, &mut config);
        return config;
    }
    if let Some(series) = data.preparation.inputs.series() {
        suggest_series(data, series.horizon > 0, &mut config);
        return config;
    }
    if let Task::Rows { .. } = data.task {
        suggest_rows(data, &mut config);
        return config;
    }
    config.train.augment = suggested(data, config.model.kind);
    if let ModelKind::Named(named) = config.model.kind {
        suggest_named(data, named, &mut config);
        return config;
    }
    let image = matches!(data.preparation.inputs, InputPreparation::Pixels { .. });
    let table = matches!(data.preparation.inputs, InputPreparation::Table { .. });
    config.model.hidden = match rows {
        0..20_000 if image => vec![512, 256],
        _ if image => vec![256, 128],
        PIECES_FROM.. if table => vec![256, 256],
        _ => vec![64, 32],
    };
    if table && (PIECES_FROM..50_000).contains(&rows) {
        // So many weights would learn so few rows by heart.
        config.model.dropout = 0.1;
        config.train.optimizer = Optimizer::ADAMW.with_weight_decay(0.3);
    }
    config.train.batch = Amount::Exactly(match rows {
        0..4_000 => 32,
        4_000..20_000 => 64,
        _ => 128,
    });
    // About ten thousand steps.
    let steps = rows.div_ceil(config.train.batch.of(rows)).max(1) as u64;
    let most = if table { 200 } else { 100 };
    config.train.epochs = (10_000 / steps).clamp(15, most);
    config.train.schedule = Schedule::Cosine;
    if !data.valid.is_empty() {
        // On few rows accuracy is too coarse to choose by.
        let metric = match data.task {
            Task::Classification { .. } if data.valid.len() >= 2_000 => "valid_accuracy",
            _ => "valid_loss",
        };
        let patience = (config.train.epochs / 4).max(8);
        config.train.stop = Some(Stop { metric: metric.into(), patience });
    }
    config
}

/// The augmentation that suits images that a model with convolutions sees: photos in colour are mirrored
/// and moved by an eighth (He et al. 2015, section 4.2), those in grey moved by a fourteenth (two pixels
/// of MNIST's). Digits and letters must not be mirrored, and a dense net does not look for the same thing
/// elsewhere.
fn suggested(data: &Dataset, model: ModelKind) -> Vec<Augment> {
    let InputPreparation::Pixels { shape: [height, width, channels], .. } = data.preparation.inputs
    else {
        return Vec::new();
    };
    let side = height.min(width) as u64;
    let (flip, padding) = match channels {
        _ if model == ModelKind::Mlp => return Vec::new(),
        3 => (Some(Augment::Flip { share: 0.5 }), side / 8),
        _ => (None, side / 14),
    };
    let crop = (padding > 0).then_some(Augment::Crop { padding });
    flip.into_iter().chain(crop).collect()
}
