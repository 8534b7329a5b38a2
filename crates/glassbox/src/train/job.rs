//! From a configuration to something that can be trained: data, model, loss, every choice made.

use glassbox_engine::{DType, Graph, Parameters};

use crate::Error;
use crate::data::{self, Dataset, InputPreparation, Task};
use crate::nn::{self, Activation, Model, Optimizer};
use crate::train::config::{
    Amount, Columns, ConfigError, ConfigProblem, DataConfig, Loss, ModelKind, Numbers, Preparation,
    RunConfig, Schedule, Stop,
};
use crate::train::graphs::{Recipe, check_memory, outputs};
use crate::train::steps::{batch_sizes, replace};
use crate::zoo::Mlp;

/// A run that is ready to begin: the complete configuration, the data and the model.
pub struct Job {
    /// Everything that decides the run's numbers.
    pub config: RunConfig,
    /// The rows, split and prepared.
    pub data: Dataset,
    /// The model's choices.
    pub model: Box<dyn Model>,
    /// What is made small.
    pub loss: nn::Loss,
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
        let data = load(&first.data)?;
        let suggested = suggest(&data, &first);
        let mut config = configure(&suggested)?;
        if config.model.hidden != suggested.model.hidden && first.model.parameters.is_empty() {
            // Nobody gave starting values: these were suggested for another shape.
            config.model.parameters.clear();
        }
        Job::of(config, data)
    }

    /// The run of a complete configuration, e.g. a run folder's.
    pub fn from_config(config: RunConfig) -> Result<Self, Error> {
        let data = load(&config.data)?;
        Job::of(config, data)
    }

    fn of(mut config: RunConfig, data: Dataset) -> Result<Self, Error> {
        let loss = match (config.train.loss, &data.task) {
            (Loss::Auto | Loss::CrossEntropy, Task::Classification { .. }) => {
                nn::Loss::CrossEntropy
            }
            (Loss::Auto | Loss::SquaredError, Task::Regression) => nn::Loss::SquaredError,
            (Loss::SumOfSquares, Task::Regression) => nn::Loss::SumOfSquares,
            (loss, Task::Regression) => {
                return Err(wrong(format!(
                    "`train.loss = \"{loss}\"` is for classes, but the target `{}` is a number: \
                     take squared_error or sum_of_squares",
                    data.preparation.target.name
                )));
            }
            (loss, Task::Classification { .. }) => {
                return Err(wrong(format!(
                    "`train.loss = \"{loss}\"` is for numbers, but the target `{}` is a class: \
                     take cross_entropy",
                    data.preparation.target.name
                )));
            }
        };
        config.train.loss = match loss {
            nn::Loss::CrossEntropy => Loss::CrossEntropy,
            nn::Loss::SquaredError => Loss::SquaredError,
            nn::Loss::SumOfSquares => Loss::SumOfSquares,
        };
        let figures: &[&str] = match data.task {
            Task::Classification { .. } => &["valid_loss", "valid_accuracy"],
            Task::Regression => &["valid_loss", "valid_rmse", "valid_mae", "valid_r2"],
        };
        if let Some(stop) = &config.train.stop
            && !figures.contains(&stop.metric.as_str())
        {
            let hint = crate::nearest::suggestion(&stop.metric, "figures", figures);
            return Err(wrong(format!("`train.stop.metric = \"{}\"`: {hint}", stop.metric)));
        }
        let model: Box<dyn Model> = match config.model.kind {
            ModelKind::Mlp => {
                let inputs: usize = data.input.shape.iter().product();
                let mut sizes = vec![inputs];
                sizes.extend(&config.model.hidden);
                sizes.push(outputs(&data.task));
                let mlp = Mlp::new(sizes).activation(config.model.activation);
                Box::new(match config.model.initial {
                    Some(initial) => mlp.initial(initial),
                    None => mlp,
                })
            }
        };
        let job = Job { config, data, model, loss };
        check_memory(&job.recipe().training(1)?)?;
        job.check_given()?;
        Ok(job)
    }

    /// Starting values must be of parameters that the model has, and of their shapes.
    fn check_given(&self) -> Result<(), Error> {
        let given = self.given()?;
        if given.is_empty() {
            return Ok(());
        }
        let mut start = self.recipe().inference(1)?.initial_values(0);
        replace(&mut start, &given).map_err(|problems| {
            let of = |what| ConfigProblem {
                place: String::new(),
                message: format!("`model.parameters`: {what}"),
            };
            let problems = problems.into_iter().map(of).collect();
            Error::Config(ConfigError { path: None, problems })
        })
    }

    fn recipe(&self) -> Recipe<'_> {
        Recipe {
            model: &*self.model,
            input: &self.data.input.shape,
            loss: self.loss,
            optimizer: &self.config.train.optimizer,
        }
    }

    /// Starting values that the configuration gives.
    pub(crate) fn given(&self) -> Result<Parameters, Error> {
        let array = |(path, numbers): (&String, &Numbers)| {
            let array = numbers
                .to_array(DType::F32)
                .map_err(|what| wrong(format!("`model.parameters.\"{path}\"`: {what}")))?;
            Ok((path.clone(), array))
        };
        self.config.model.parameters.iter().map(array).collect()
    }

    /// One training graph for each number of rows that steps have, and the inference graph.
    pub(crate) fn graphs(&self) -> Result<(Vec<Graph>, Graph), Error> {
        let recipe = self.recipe();
        let sizes = batch_sizes(self.data.train.len(), &self.config.train);
        let training =
            sizes.iter().map(|&rows| recipe.training(rows)).collect::<Result<Vec<_>, _>>()?;
        let rows = self.data.train.len().clamp(1, INFERENCE_ROWS);
        Ok((training, recipe.inference(rows)?))
    }
}

/// Rows of a batch when the model is used.
const INFERENCE_ROWS: usize = 256;

fn wrong(message: String) -> Error {
    let problem = ConfigProblem { place: String::new(), message };
    Error::Config(ConfigError { path: None, problems: vec![problem] })
}

/// Loads what `[data]` says.
fn load(config: &DataConfig) -> Result<Dataset, Error> {
    let mut prepare = data::Prepare::Auto;
    for rule in &config.prepare {
        match (&rule.columns, rule.with) {
            (Columns::Numeric, Preparation::Standardize) => prepare = data::Prepare::Standardize,
            (Columns::Numeric, Preparation::None) => prepare = data::Prepare::Raw,
            (Columns::Category, Preparation::OneHot) => {}
            (columns, with) => {
                return Err(wrong(format!(
                    "`data.prepare`: \"{with}\" for \"{}\" is not built: numeric takes standardize \
                     or none, category takes one_hot",
                    columns.word()
                )));
            }
        }
    }
    let options = data::Options {
        target: config.target.clone(),
        valid: config.split.valid,
        test: config.split.test,
        stratify: config.split.stratify,
        prepare,
        columns: config.columns.clone(),
        drop: config.drop.clone(),
        ..data::Options::default()
    };
    Ok(data::load(&config.path, &options)?)
}

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
        config.train.optimizer = Optimizer::GradientDescent { lr: 0.1 };
        return config;
    }
    let image = matches!(data.preparation.inputs, InputPreparation::Pixels { .. });
    config.model.hidden = match (image, rows) {
        (true, 0..20_000) => vec![512, 256],
        (true, _) => vec![256, 128],
        (false, _) => vec![64, 32],
    };
    config.train.batch = Amount::Exactly(match rows {
        0..4_000 => 32,
        4_000..20_000 => 64,
        _ => 128,
    });
    // About ten thousand steps.
    let steps = rows.div_ceil(config.train.batch.of(rows)).max(1) as u64;
    config.train.epochs = (10_000 / steps).clamp(15, 100);
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
