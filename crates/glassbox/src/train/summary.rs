//! What a run is and where it stands, without its data: parameters, outputs, plan, state.

use glassbox_engine::{Array, DType, Graph, Mode, Options, Parameters, Session, Tensor};
use serde::Serialize;

use crate::Error;
use crate::data::{Role, Task};
use crate::nn::Module;
use crate::train::Job;
pub use crate::train::cost::multiply_adds;
use crate::train::folder::{RunFolder, RunState};
use crate::train::graphs::name;
use crate::train::log;
use crate::train::patterns::is_frozen;
use crate::train::run::{DataRecord, check_weights, graphs_of};
use crate::train::state::Best;

/// What a run is and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The run's folder.
    pub run: String,
    /// The kind of model, e.g. `mlp`.
    pub model: String,
    /// Every parameter, sorted by path.
    pub parameters: Vec<ParameterSummary>,
    /// All of them together.
    pub total: Total,
    /// The step whose weights are described: the best one so far; none before the first checkpoint.
    pub weights_of_step: Option<u64>,
    /// What the model computes by name, in the order in which it does.
    pub outputs: Vec<OutputSummary>,
    /// What each of its layers costs, in that order.
    pub layers: Vec<LayerCost>,
    /// How one training step runs.
    pub step: StepSummary,
    /// What it learns from.
    pub data: DataSummary,
    /// Where training stands.
    pub training: TrainingSummary,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParameterSummary {
    /// Its path, e.g. `fc1/weight`.
    pub path: String,
    /// The sizes of its axes.
    pub shape: Vec<usize>,
    /// How many numbers it has.
    pub count: usize,
    /// Whether training leaves it as it is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub frozen: bool,
    /// What the numbers are like; none before the first checkpoint.
    pub values: Option<Spread>,
}

/// What some numbers are like.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (of the population).
    pub std: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

/// All parameters together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Total {
    /// How many numbers.
    pub count: usize,
    /// Bytes they occupy.
    pub bytes: usize,
}

/// A result that the model names, e.g. `fc1/relu`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutputSummary {
    /// Its name.
    pub name: String,
    /// The sizes of its axes for one row.
    pub shape: Vec<usize>,
}

/// What a layer costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerCost {
    /// The scope, e.g. `conv1`; empty for what the model does outside of any.
    pub name: String,
    /// How many numbers its own parameters have.
    pub parameters: usize,
    /// Multiply-adds of its products for one row: see [`multiply_adds`].
    pub multiply_adds: u64,
}

/// What a model is made of, before it is trained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Structure {
    /// The kind of model, e.g. `mlp`.
    pub model: String,
    /// The sizes of the axes of one row of inputs.
    pub input: Vec<usize>,
    /// Its layers, in the order in which they are first used.
    pub layers: Vec<Layer>,
    /// All parameters together.
    pub total: Total,
    /// Multiply-adds of all layers for one row.
    pub multiply_adds: u64,
}

/// A scope of a model with its parameters and the results it names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// The scope, e.g. `fc1`; empty for what the model names outside of any.
    pub name: String,
    /// Its parameters, in the order in which they are first used, by their names in the scope.
    pub parameters: Vec<ParameterSummary>,
    /// Its results by their names in the scope, e.g. `linear`, `relu`.
    pub outputs: Vec<OutputSummary>,
    /// Multiply-adds of its products for one row: see [`multiply_adds`].
    pub multiply_adds: u64,
}

impl Structure {
    /// What the job's model is made of.
    ///
    /// ```
    /// use glassbox::train::Job;
    /// use glassbox::train::summary::Structure;
    /// let job = Job::new("iris", |defaults| defaults.set(&["hidden=[8]".into()]))?;
    /// let model = Structure::of(&job)?;
    /// assert_eq!((model.input, model.total.count), (vec![4], 4 * 8 + 8 + 8 * 3 + 3));
    /// assert_eq!((model.layers[0].name.as_str(), model.layers[0].multiply_adds), ("fc1", 4 * 8));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    ///
    /// # Errors
    /// Mistakes of the model: shapes that do not fit.
    pub fn of(job: &Job) -> Result<Self, Error> {
        let tokens = job.data.preparation.inputs.text().is_some();
        Structure::recorded(&*job.model, &job.data.input.shape, tokens, &job.config.train.freeze)
    }

    /// What a model is made of that reads rows of the shape `input`.
    ///
    /// ```
    /// use glassbox::train::summary::Structure;
    /// use glassbox::zoo::{Choices, Named};
    /// let lenet = Named::from_word("lenet").ok_or("no such model")?;
    /// let model = Structure::of_model(&*lenet.build(&Choices::default(), 10), &[28, 28, 1])?;
    /// assert_eq!(model.total.count, 61_706);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Mistakes of the model: shapes that do not fit.
    pub fn of_model(model: &dyn Module, input: &[usize]) -> Result<Self, Error> {
        Structure::recorded(model, input, false, &[])
    }

    /// What a model is made of that reads so many tokens.
    ///
    /// # Errors
    /// Mistakes of the model: shapes that do not fit.
    pub fn of_text_model(model: &dyn Module, tokens: usize) -> Result<Self, Error> {
        Structure::recorded(model, &[tokens], true, &[])
    }

    fn recorded(
        model: &dyn Module,
        input: &[usize],
        tokens: bool,
        freeze: &[String],
    ) -> Result<Self, Error> {
        let graph = Graph::new();
        let rows = graph.input(name::INPUTS, DType::F32, [&[1], input].concat());
        let rows = if tokens { rows.cast(DType::I64) } else { rows };
        let prediction = model.forward(graph.root(Mode::Eval), rows).named(name::PREDICTION);
        graph.check()?;
        let costs = multiply_adds(&graph, prediction)?;
        let split = |path: &str| match path.rsplit_once('/') {
            Some((scope, name)) => (scope.to_owned(), name.to_owned()),
            None => (String::new(), path.to_owned()),
        };
        let mut found: Vec<(Tensor<'_>, String, bool)> = Vec::new();
        found.extend(graph.parameters().into_iter().map(|(path, tensor)| (tensor, path, true)));
        // What a loop computes at each step is not a layer's result.
        let named = graph.names().into_iter().filter(|(_, tensor)| !tensor.is_inside_loop());
        found.extend(named.map(|(name, tensor)| (tensor, name, false)));
        found.sort_by_key(|(tensor, ..)| tensor.value());
        let mut layers: Vec<Layer> = Vec::new();
        for (tensor, path, is_parameter) in found {
            let (scope, name) = split(&path);
            let sizes = tensor.shape().sizes().to_vec();
            let at = layers.iter().position(|layer| layer.name == scope).unwrap_or_else(|| {
                let multiply_adds = costs.get(&scope).copied().unwrap_or(0);
                let (parameters, outputs) = (vec![], vec![]);
                layers.push(Layer { name: scope, parameters, outputs, multiply_adds });
                layers.len() - 1
            });
            let shape = if is_parameter { sizes } else { sizes.get(1..).unwrap_or(&[]).to_vec() };
            match is_parameter {
                true => {
                    let count = shape.iter().product();
                    let frozen = is_frozen(freeze, &path);
                    let (path, values) = (name, None);
                    let parameter = ParameterSummary { path, shape, count, frozen, values };
                    layers[at].parameters.push(parameter);
                }
                false => layers[at].outputs.push(OutputSummary { name, shape }),
            }
        }
        Ok(Structure {
            model: model.name().to_owned(),
            input: input.to_vec(),
            layers,
            multiply_adds: costs.values().sum(),
            total: Total::of(&graph),
        })
    }
}

/// What each scope with parameters or products costs, in the order in which they are computed.
fn layers(inference: &Graph) -> Result<Vec<LayerCost>, Error> {
    let missing = || Error::new("the inference graph has no prediction");
    let prediction = inference.named(name::PREDICTION).ok_or_else(missing)?;
    let mut costs = multiply_adds(inference, prediction)?;
    let mut parameters = inference.parameters();
    parameters.sort_by_key(|(_, tensor)| tensor.value());
    let mut layers: Vec<LayerCost> = Vec::new();
    for (path, tensor) in parameters {
        let name = path.rsplit_once('/').map_or("", |(scope, _)| scope);
        let at = layers.iter().position(|layer| layer.name == name).unwrap_or_else(|| {
            let multiply_adds = costs.remove(name).unwrap_or(0);
            layers.push(LayerCost { name: name.to_owned(), parameters: 0, multiply_adds });
            layers.len() - 1
        });
        layers[at].parameters += tensor.elements();
    }
    // Products without parameters of their own, such as those of attention.
    let others = costs.into_iter().filter(|(_, cost)| *cost > 0);
    layers.extend(others.map(|(name, multiply_adds)| LayerCost {
        name,
        parameters: 0,
        multiply_adds,
    }));
    Ok(layers)
}

impl Total {
    /// Of what the model learns; running statistics are states.
    fn of(graph: &Graph) -> Self {
        let parameters = graph.parameters();
        let sum = |of: fn(&Tensor<'_>) -> usize| parameters.iter().map(|(_, t)| of(t)).sum();
        Total { count: sum(|t| t.elements()), bytes: sum(|t| t.elements() * t.dtype().size()) }
    }
}

/// The plan of one training step: forward, backward and update.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StepSummary {
    /// Rows of the step.
    pub rows: usize,
    /// Kernels that run.
    pub kernels: usize,
    /// Bytes for intermediate results.
    pub arena_bytes: usize,
    /// Multiplications and additions of its matrix products, in millions.
    pub mflop: f64,
}

/// What a run learns from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataSummary {
    /// Where it came from.
    pub source: String,
    /// Rows of the training, validation and test part.
    pub train: usize,
    /// See `train`.
    pub valid: usize,
    /// See `train`.
    pub test: usize,
    /// The name of what is predicted.
    pub target: String,
    /// Class or number.
    pub task: Task,
    /// Columns that are left out, with the reason.
    pub dropped: Vec<(String, String)>,
}

/// Where training stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrainingSummary {
    /// What the run is doing.
    pub state: RunState,
    /// What went wrong, where something did.
    pub message: Option<String>,
    /// Epochs finished.
    pub epoch: u64,
    /// Epochs to run at most.
    pub epochs: u64,
    /// Steps taken.
    pub step: u64,
    /// The figure by which epochs are compared, e.g. `valid_loss`.
    pub metric: String,
    /// Its best value and the step that reached it, where there is a validation part.
    pub best: Option<Best>,
}

impl Summary {
    /// The summary of the run in `folder`, whatever became of it.
    ///
    /// # Errors
    /// A run that was stopped before its graphs were written; files that are corrupt or of another
    /// model.
    pub fn of(folder: &RunFolder) -> Result<Self, Error> {
        let config = folder.config()?;
        let (Ok(data), Ok((training, inference))) = (DataRecord::read(folder), graphs_of(folder))
        else {
            return Err(Error::new(format!(
                "{0} stopped before it began: `glassbox resume {0}`",
                folder.path().display()
            )));
        };
        let checkpoints = folder.checkpoints();
        let best = checkpoints.best()?.map(|(checkpoint, _)| checkpoint);
        let expected = inference.initial_values(0);
        if let Some(best) = &best {
            check_weights(folder, &inference, &best.model)?;
        }
        let values = best.as_ref().map(|best| &best.model);
        let freeze = &config.train.freeze;
        let parameters: Vec<_> =
            expected.iter().map(|(path, array)| parameter(path, array, freeze, values)).collect();
        Ok(Summary {
            run: folder.path().display().to_string(),
            model: config.model.kind.to_string(),
            parameters,
            total: Total::of(&inference),
            weights_of_step: best.as_ref().map(|best| best.state.step),
            outputs: outputs(&inference),
            layers: layers(&inference)?,
            step: step(&training)?,
            data: DataSummary::of(data),
            training: TrainingSummary::of(folder)?,
        })
    }
}

fn parameter(
    path: &str,
    array: &Array,
    freeze: &[String],
    values: Option<&Parameters>,
) -> ParameterSummary {
    let shape = array.shape().sizes().to_vec();
    let count = array.data().len();
    let values = values.and_then(|values| Spread::of(&values.get(path)?.to_f64()));
    let frozen = is_frozen(freeze, path);
    ParameterSummary { path: path.to_string(), shape, count, frozen, values }
}

impl Spread {
    /// What the values are like; nothing where there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (n > 0.0).then(|| Spread { mean, std: variance.sqrt(), min: least, max: greatest })
    }
}

/// The named results in the order of the graph.
fn outputs(inference: &Graph) -> Vec<OutputSummary> {
    let mut named = inference.names();
    named.retain(|(_, tensor)| !tensor.is_inside_loop());
    named.sort_by_key(|(_, tensor)| tensor.value());
    let output = |(name, tensor): (String, glassbox_engine::Tensor<'_>)| OutputSummary {
        name,
        shape: tensor.shape().sizes().get(1..).unwrap_or_default().to_vec(),
    };
    named.into_iter().map(output).collect()
}

fn step(training: &[Graph]) -> Result<StepSummary, Error> {
    let missing = || Error::new("the training graph has no loss");
    let graph = training.first().ok_or_else(missing)?;
    let loss = graph.named(name::LOSS).ok_or_else(missing)?;
    let rows = graph.find_input(name::INPUTS).map_or(0, |inputs| inputs.dim(0));
    let mut session = Session::new(Options { threads: 1, ..Options::default() })?;
    session.load(graph.initial_values(0));
    let prepared = session.prepare(graph, &[loss])?;
    let plan = prepared.plan();
    Ok(StepSummary {
        rows,
        kernels: plan.kernels(),
        arena_bytes: plan.arena_bytes(),
        mflop: plan.operations() as f64 / 1e6,
    })
}

impl DataSummary {
    fn of(data: DataRecord) -> Self {
        let columns = data.schema.map(|schema| schema.columns).unwrap_or_default();
        let dropped = columns.into_iter().filter_map(|column| match column.role {
            Role::Dropped(reason) => Some((column.name, reason)),
            Role::Input | Role::Target | Role::Weight => None,
        });
        DataSummary {
            source: data.source,
            train: data.rows.train,
            valid: data.rows.valid,
            test: data.rows.test,
            target: data.preparation.target.name,
            task: data.task,
            dropped: dropped.collect(),
        }
    }
}

impl TrainingSummary {
    fn of(folder: &RunFolder) -> Result<Self, Error> {
        let config = folder.config()?.train;
        let mut found = TrainingSummary {
            state: RunState::Interrupted,
            message: None,
            epoch: 0,
            epochs: config.epochs,
            step: 0,
            metric: config.stop.map_or_else(|| "valid_loss".into(), |stop| stop.metric),
            best: None,
        };
        if folder.file("status.json").exists() {
            let status = folder.status()?;
            (found.state, found.message) = (status.state, status.message);
            (found.epoch, found.step) = (status.epoch, status.step);
        }
        // A process that trains, or was killed, says how far it came in its log and checkpoints.
        if let Some((last, _)) = folder.checkpoints().last()? {
            found.epoch = found.epoch.max(last.state.epoch);
            found.step = found.step.max(last.state.step);
            found.best = last.state.best;
        }
        if let Some(line) = log::read(&folder.file("metrics.jsonl"))?.last()
            && found.state == RunState::Running
        {
            let number = |name: &str| line[name].as_u64().unwrap_or_default();
            found.epoch = found.epoch.max(number("epoch"));
            found.step = found.step.max(number("step"));
        }
        Ok(found)
    }
}
