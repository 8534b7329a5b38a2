//! What a report tells, gathered from the files of a run.

use std::collections::HashMap;
use std::path::Path;

use glassbox_engine::{Graph, Kind};
use serde_json::Value;

use crate::Error;
use crate::data::{Dataset, InputPreparation, Task};
use crate::io::FileError;
use crate::report::Words;
use crate::train::config::RunConfig;
use crate::train::event::Outcome;
use crate::train::folder::{Environment, GraphKind, RunFolder, Status};
use crate::train::{DataRecord, log};
use crate::watch::GradientsByDepth;

/// Everything that the page says.
pub(crate) struct Facts {
    pub run: String,
    pub outcome: Outcome,
    pub config: RunConfig,
    /// `run.toml` as it is.
    pub settings: String,
    pub environment: Environment,
    pub status: Status,
    pub data: DataRecord,
    /// The model's parameters in the order of their declaration: path and shape.
    pub parameters: Vec<(String, Vec<usize>)>,
    pub epochs: Vec<EpochFigures>,
    /// The step whose weights are kept as the best.
    pub best_step: Option<u64>,
    pub alerts: Vec<(u64, String)>,
    pub predictions: Option<Told>,
    pub depth: Option<GradientsByDepth>,
    /// Pictures of images that a model looks at; none of other data.
    pub seen: Option<Seen>,
    /// Headings and pictures of what a model makes that learns the rows themselves.
    pub made: Vec<(String, String)>,
    /// What a model of language writes.
    pub written: Option<String>,
}

/// Pictures as `data:` URIs.
pub(crate) struct Seen {
    /// The sheet of the surest mistakes, and how many are on it.
    pub mistakes: Option<(usize, String)>,
    /// The first convolution and its filters.
    pub filters: Option<(String, String)>,
}

/// Mistakes on the sheet.
#[cfg(feature = "image")]
const MISTAKES: usize = 18;

/// What a model of images sees; nothing of another model, or where pictures are not built in.
fn seen(
    folder: &RunFolder,
    outcome: &Outcome,
    record: &DataRecord,
    data: Option<&Dataset>,
) -> Result<Option<Seen>, Error> {
    if matches!(record.preparation.inputs, InputPreparation::Table { .. }) {
        return Ok(None);
    }
    #[cfg(not(feature = "image"))]
    let seen = {
        let _ = (folder, outcome, data);
        None
    };
    #[cfg(feature = "image")]
    let seen = pictures(folder, outcome, data)?;
    Ok(seen)
}

#[cfg(feature = "image")]
fn pictures(
    folder: &RunFolder,
    outcome: &Outcome,
    data: Option<&Dataset>,
) -> Result<Option<Seen>, Error> {
    use crate::watch::vision::{Mistake, Vision, data_of_run, mistakes};
    // Arrays may be no images, and a run may have no weights yet: then there is nothing to show.
    let Ok(vision) = Vision::of_run(folder) else { return Ok(None) };
    let loaded = if data.is_none() { data_of_run(folder).ok() } else { None };
    let data = data.or(loaded.as_ref());
    let rows = data.and_then(|data| match outcome.split.as_str() {
        "train" => Some(&data.train),
        "valid" => Some(&data.valid),
        "test" => Some(&data.test),
        _ => None,
    });
    let wrong = rows.and_then(|rows| Some((rows, mistakes(&vision, rows).ok()?)));
    let sheet = |(rows, wrong): (_, Vec<Mistake>)| -> Result<(usize, String), Error> {
        let sheet = Mistake::sheet(&wrong, &vision, rows, MISTAKES)?.titled("");
        Ok((wrong.len().min(MISTAKES), sheet.picture().data_uri()?))
    };
    let wrong = wrong.filter(|(_, wrong)| !wrong.is_empty()).map(sheet).transpose()?;
    let filters = match vision.filters(None) {
        Ok(filters) => {
            let layer = filters.path.rsplit_once('/').map_or("", |(layer, _)| layer).to_owned();
            Some((layer, filters.sheet()?.titled("").picture().data_uri()?))
        }
        Err(_) => None,
    };
    Ok(Some(Seen { mistakes: wrong, filters }))
}

/// What a model makes that learns the rows themselves; nothing of another model.
fn made(
    w: Words,
    folder: &RunFolder,
    config: &RunConfig,
    data: Option<&Dataset>,
) -> Result<Vec<(String, String)>, Error> {
    #[cfg(feature = "image")]
    if config.model.learns_rows() {
        return super::made::pictures(w, folder, data);
    }
    let _ = (w, folder, config, data);
    Ok(Vec::new())
}

/// A line of `metrics.jsonl`.
pub(crate) struct EpochFigures {
    pub epoch: u64,
    pub step: u64,
    pub train_loss: f64,
    /// Of the validation part; of the training part where there is none.
    pub figures: HashMap<String, f64>,
    pub seconds: f64,
}

/// What the model says of the rows of the outcome's part.
pub(crate) enum Told {
    Classes(Vec<ToldClass>),
    /// Of each output by name.
    Numbers(Vec<(String, Vec<ToldNumber>)>),
}

/// A row and its classes, as positions among the names.
pub(crate) struct ToldClass {
    pub row: usize,
    pub observed: usize,
    pub predicted: usize,
    pub probability: f64,
}

/// A row and its numbers, in the target's unit.
pub(crate) struct ToldNumber {
    pub row: usize,
    pub observed: f64,
    pub predicted: f64,
}

impl ToldNumber {
    /// Observed − predicted.
    pub fn residual(&self) -> f64 {
        self.observed - self.predicted
    }
}

impl Facts {
    /// Reads what a run's folder holds; images are taken from `data`, where it is at hand.
    pub fn gather(
        w: Words,
        folder: &RunFolder,
        outcome: &Outcome,
        rows: Option<&Dataset>,
    ) -> Result<Self, Error> {
        let (data, config) = (DataRecord::read(folder)?, folder.config()?);
        let path = folder.file("run.toml");
        let settings =
            std::fs::read_to_string(&path).map_err(FileError::at(&path, "cannot read"))?;
        let run = name_of(folder);
        Ok(Facts {
            run,
            outcome: outcome.clone(),
            config: config.clone(),
            settings,
            environment: folder.environment()?,
            status: folder.status()?,
            parameters: parameters(&folder.graph(GraphKind::Infer)?),
            epochs: epochs(&folder.file("metrics.jsonl"))?,
            best_step: folder.checkpoints().best_step()?,
            alerts: alerts(&folder.file("alerts.jsonl"))?,
            predictions: predictions(
                &folder.predictions(),
                &data.task,
                &data.preparation.target.name,
            )?,
            depth: GradientsByDepth::of_run(folder)?,
            seen: match config.model.learns_rows() {
                true => None,
                false => seen(folder, outcome, &data, rows)?,
            },
            made: made(w, folder, &config, rows)?,
            written: std::fs::read_to_string(folder.file("samples").join("text.txt")).ok(),
            data,
        })
    }

    /// The names of the classes; none where numbers are told.
    pub fn classes(&self) -> Option<&[String]> {
        match &self.data.task {
            Task::Classification { classes } | Task::Tags { tags: classes } => Some(classes),
            Task::Regression | Task::Language { .. } | Task::Rows { .. } => None,
        }
    }

    /// The epoch whose weights are kept, where the validation part chose one.
    pub fn best_epoch(&self) -> Option<&EpochFigures> {
        let step = self.best_step?;
        self.epochs.iter().find(|epoch| epoch.step == step)
    }
}

/// The name of a run's folder.
pub fn name_of(folder: &RunFolder) -> String {
    let shown = std::path::absolute(folder.path()).unwrap_or_else(|_| folder.path().to_owned());
    shown.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn parameters(graph: &Graph) -> Vec<(String, Vec<usize>)> {
    let mut declared = graph.declarations();
    declared.retain(|(_, declaration)| declaration.kind == Kind::Parameter);
    declared.sort_by_key(|(_, declaration)| declaration.node);
    let shape = |path: &str| graph.state(path).map(|held| held.shape().sizes().to_vec());
    let with_shape = |path: String| (shape(&path).unwrap_or_default(), path);
    let shapes = declared.into_iter().map(|(path, _)| with_shape(path));
    shapes.map(|(shape, path)| (path, shape)).collect()
}

/// A figure of a log: a number, or the word for one that is not finite.
fn figure(value: &Value) -> f64 {
    let word = || value.as_str()?.parse().ok();
    value.as_f64().or_else(word).unwrap_or(f64::NAN)
}

pub fn epochs(path: &Path) -> Result<Vec<EpochFigures>, Error> {
    let line = |line: Value| EpochFigures {
        epoch: line["epoch"].as_u64().unwrap_or_default(),
        step: line["step"].as_u64().unwrap_or_default(),
        train_loss: figure(&line["train_loss"]),
        figures: line["valid"]
            .as_object()
            .map(|figures| figures.iter().map(|(name, x)| (name.clone(), figure(x))).collect())
            .unwrap_or_default(),
        seconds: figure(&line["seconds"]),
    };
    Ok(log::read(path)?.into_iter().map(line).collect())
}

fn alerts(path: &Path) -> Result<Vec<(u64, String)>, Error> {
    let line = |line: Value| {
        let message = line["message"].as_str().unwrap_or_default();
        let message = match line["place"].as_str() {
            None | Some("") => message.to_owned(),
            Some(place) => format!("{place}: {message}"),
        };
        (line["step"].as_u64().unwrap_or_default(), message)
    };
    Ok(log::read(path)?.into_iter().map(line).collect())
}

/// The rows of `predictions.csv`; none where the run was never brought to its end.
fn predictions(path: &Path, task: &Task, target: &str) -> Result<Option<Told>, Error> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes.map_err(FileError::at(path, "cannot read"))?,
    };
    let mut reader = csv::Reader::from_reader(&bytes[..]);
    let place = |index: usize, what: String| {
        FileError::new(path, format_args!("prediction {}: {what}", index + 1))
    };
    let headers = reader.headers().map_err(|error| place(0, error.to_string()))?.clone();
    let mut lines: Vec<(usize, csv::StringRecord)> = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| place(index, error.to_string()))?;
        let row = record.get(0).unwrap_or_default();
        let row = row.parse().map_err(|_| place(index, format!("`{row}` is not a row")))?;
        lines.push((row, record));
    }
    match task {
        Task::Classification { classes } | Task::Tags { tags: classes } => {
            let names: HashMap<&str, usize> =
                classes.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
            let told = lines.iter().enumerate().map(|(index, (row, record))| {
                let class = |name: &str| {
                    let known = names.get(name).copied();
                    known.ok_or_else(|| place(index, format!("there is no class `{name}`")))
                };
                Ok(ToldClass {
                    row: *row,
                    observed: class(record.get(1).unwrap_or_default())?,
                    predicted: class(record.get(2).unwrap_or_default())?,
                    probability: record.get(3).and_then(|p| p.parse().ok()).unwrap_or(f64::NAN),
                })
            });
            Ok(Some(Told::Classes(told.collect::<Result<_, FileError>>()?)))
        }
        // Of text, and of rows that are learned themselves, the table has losses alone.
        Task::Language { .. } | Task::Rows { .. } => Ok(None),
        Task::Regression => {
            // `observed,predicted`, or `observed_a,predicted_a,observed_b,predicted_b`.
            let of_output = |first: usize| {
                let name = headers.get(first).and_then(|name| name.strip_prefix("observed_"));
                let told = lines.iter().enumerate().map(|(index, (row, record))| {
                    let number = |column: usize| {
                        let text = record.get(column).unwrap_or_default();
                        text.parse().map_err(|_| place(index, format!("`{text}` is not a number")))
                    };
                    Ok(ToldNumber {
                        row: *row,
                        observed: number(first)?,
                        predicted: number(first + 1)?,
                    })
                });
                let told = told.collect::<Result<Vec<_>, FileError>>()?;
                Ok((name.unwrap_or(target).to_owned(), told))
            };
            let is_observed = |column: &usize| {
                headers.get(*column).is_some_and(|name| name.starts_with("observed"))
            };
            let firsts = (1..headers.len()).step_by(2).filter(is_observed);
            Ok(Some(Told::Numbers(firsts.map(of_output).collect::<Result<_, FileError>>()?)))
        }
    }
}
