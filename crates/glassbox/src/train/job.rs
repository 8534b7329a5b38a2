//! From a configuration to something that can be trained: data, model, loss, every choice made.

use std::path::Path;

use glassbox_engine::{DType, Graph, Parameters};

use crate::Error;
use crate::data::text::Special;
use crate::data::{
    self, Arrangement, Dataset, Hiding, InputPreparation, Method, Task, augment_problems,
};
use crate::metrics::Entities;
use crate::nn::{self, Module, Objective};
use crate::train::config::{
    Amount, ClassWeights, Columns, ConfigError, ConfigProblem, DataConfig, Loss, ModelConfig,
    ModelKind, Numbers, Preparation, Prepare, Resample, RunConfig, Stop, TrainConfig,
};
use crate::train::encoder;
use crate::train::folder::RunFolder;
use crate::train::graphs::{Part, Recipe, check_memory, name, outputs};
use crate::train::patterns::spelled_out;
use crate::train::pretrained;
use crate::train::run::DataRecord;
use crate::train::start::Start;
use crate::train::steps::{parts, replace};
use crate::train::suggest::{gains_by_pieces, suggest, suggest_model};
use crate::watch::look::unmatched;
use crate::zoo::{FromLast, LayerProblem, Likelihood, Mlp, Network, Takes, Wanted};

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
        let mut first = configure(&RunConfig::new(path))?;
        let encoder = encoder::defaults(path, &first);
        let begun = match &encoder {
            Some(defaults) => Some(defaults.clone()),
            None => pretrained::defaults(path, &first)?,
        };
        if let Some(defaults) = begun {
            first = configure(&defaults)?;
            pretrained::settle(&mut first)?;
        }
        let mut data = load(&first, None)?;
        let mut suggested = first.clone();
        if gains_by_pieces(&data, &first) {
            suggested.data.prepare = vec![Prepare::new("numeric", Method::Piecewise)];
            let again = configure(&suggested)?;
            if again.data.prepare == suggested.data.prepare {
                data = load(&again, None)?;
            }
        }
        if encoder.is_none() {
            suggested.model = suggest_model(&data, &suggested, &configure);
        }
        let mut suggested = suggest(&data, &suggested);
        if encoder.is_some() {
            suggested.model = first.model.clone();
        }
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
        let data = load(&config, None)?;
        Job::of(config, data, None)
    }

    /// The run in a folder, which keeps the weights that it began with.
    pub(crate) fn of_run(folder: &RunFolder) -> Result<Self, Error> {
        let config = folder.config()?;
        let data = load(&pretrained::as_trained(&config, folder), Some(folder))?;
        // They save time and nothing else: a folder that may only be read is as good.
        let _ = data.keep_tokens(&folder.file(TOKENS));
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
        let data = load(&pretrained::as_trained(&config, folder), Some(folder))?;
        Ok((Job::unchecked(config, data)?, start))
    }

    fn of(mut config: RunConfig, data: Dataset, folder: Option<&RunFolder>) -> Result<Self, Error> {
        pretrained::settle(&mut config)?;
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
        check_memory(&job.recipe().training(Part::whole(1))?)?;
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
            (true, Some(classes))
                if loss == nn::Loss::BinaryCrossEntropy
                    && (classes != 2 || data.preparation.target.tokens().is_some()) =>
            {
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
        let figures: &[&str] = match &data.task {
            Task::Classification { .. } => &["valid_loss", "valid_accuracy"],
            Task::Tags { tags } if Entities::are_of(tags) => {
                &["valid_loss", "valid_accuracy", "valid_entity_f1"]
            }
            Task::Tags { .. } => &["valid_loss", "valid_accuracy"],
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
        let inputs = &data.preparation.inputs;
        if matches!(inputs, InputPreparation::Pixels { .. })
            && !inputs.is_scaled_to_one()
            && matches!(config.model.kind, ModelKind::Named(n) if n.family.options.contains(&"likelihood"))
            && config.model.choices.likelihood == Likelihood::Bernoulli
        {
            problems.push(
                "`model.likelihood = \"bernoulli\"` takes numbers from 0 to 1, which these images are not \
                 any more: leave `data.image.normalize` out, or take gaussian"
                    .into(),
            );
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
                let target = &self.data.preparation.target;
                let classes = target.classes().or(target.tags()).unwrap_or_default();
                Start::of(Some(Path::new(path)), &inference, &given, classes)?
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
        let training = recipe.training(Part::whole(1))?;
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
    let mut labels = data.train.labels().unwrap_or_default();
    let tags = data.preparation.target.tags().map(<[String]>::len);
    if tags.is_some() && config.class_weights == ClassWeights::Balanced {
        let counts = data.train.token_counts().unwrap_or_default();
        let of = |(label, count): (i64, &u64)| std::iter::repeat_n(label, *count as usize);
        labels = (0..).zip(&counts).flat_map(of).collect();
    }
    let classes = data.train.classes().or(tags).unwrap_or(0);
    Objective {
        loss,
        label_smoothing: config.label_smoothing,
        class_weights: config.class_weights.of(&labels, classes),
    }
}

/// What only classes have must not be asked of numbers, each class needs its weight, and a loss must
/// take what the rows give.
pub(crate) fn check_target(config: &TrainConfig, loss: nn::Loss, data: &Dataset) -> Vec<String> {
    let tags = data.preparation.target.tags().map(<[String]>::len);
    let (classes, outputs) = (data.train.classes().or(tags), data.train.outputs());
    let mut problems = Vec::new();
    if tags.is_some() && config.resample != Resample::None {
        let what = "`train.resample` is for classes of rows, and here words have tags: \
                    `train.class_weights` counts rare ones more";
        problems.push(what.into());
    }
    let tells_tokens = data.preparation.target.tokens().is_some();
    if classes.is_none() && !tells_tokens && config.label_smoothing > 0.0 {
        problems.push("`train.label_smoothing` is for classes, but the target is a number".into());
    }
    if loss == nn::Loss::GaussianNll && outputs > 1 && classes.is_none() {
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
        padding: text
            .filter(|text| matches!(text.arrangement, Arrangement::Label | Arrangement::Tags))
            .and_then(|text| text.tokenizer.special(Special::Pad))
            .map(i64::from),
        outputs: target.tokens().map_or_else(|| outputs(target, loss), |tokens| tokens.vocabulary),
        every_place: target.tokens().is_some(),
        own_places: target.tags().is_some(),
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
    let forecasts = preparation.target.known_classes().is_none();
    Ok(match preparation.inputs.series().filter(|_| forecasts) {
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
    if let Some(published) = &config.published {
        return pretrained::module(published, config.choices.dropout, wanted).map_err(wrong);
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

/// Where a run keeps the tokens of its text.
pub(crate) const TOKENS: &str = "tokens.bin";

/// Loads what `[data]` says, by as many threads as train; for a run that has begun, by its tokenisers.
fn load(config: &RunConfig, run: Option<&RunFolder>) -> Result<Dataset, Error> {
    let threads = match config.train.threads {
        Amount::All => None,
        Amount::Exactly(threads) => Some(threads),
    };
    let mut options = data::Options { threads, ..config.data.options() };
    let pairs =
        matches!(config.model.kind, ModelKind::Named(named) if named.family.takes == Takes::Pairs);
    let labelled = config.data.text.column.is_some() && config.data.target.is_some() && !pairs;
    if labelled {
        options.text.arrangement = Arrangement::Label;
    } else if let ModelKind::Named(named) = config.model.kind {
        options.text.arrangement = match named.family.takes {
            Takes::Pairs => Arrangement::Pairs,
            Takes::Masked => Arrangement::Masked(Hiding { share: 0.15, ..Hiding::default() }),
            Takes::Images | Takes::Sequences | Takes::Text | Takes::Rows => Arrangement::Next,
            Takes::Words => return Err(wrong(crate::zoo::ITS_OWN_WAY.to_owned())),
        };
        options.itself = named.family.takes == Takes::Rows;
    }
    // Also where the model itself is not known any more.
    options.itself |= config.train.loss == Loss::OfModel;
    if !options.itself && !options.without.is_empty() {
        return Err(wrong(format!(
            "`data.without` is for models that learn the rows themselves, such as vae, not {}",
            config.model.kind
        )));
    }
    let record = run.and_then(|folder| DataRecord::read(folder).ok());
    options.text.kept = run.map(|folder| folder.file(TOKENS));
    options.text.known =
        record.and_then(|record| record.preparation.inputs.text().cloned()).map(Box::new);
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
            train: self.split.train,
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
