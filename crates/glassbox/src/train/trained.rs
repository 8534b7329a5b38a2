//! A trained model that can be used: its graph as data, its weights, and how raw rows become inputs.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use glassbox_engine::{Graph, Options, Parameters, Session};
use serde::Serialize;

use crate::Error;
use crate::data::{Idx, InputPreparation, Preparation, Prepared, RawTable, Rows, Stretch, Task};
use crate::io::{pytorch, safetensors};
use crate::metrics::Features;
use crate::train::evaluate::{Fill, Predictor, deviation, largest, probabilities, told};
use crate::train::folder::{GraphKind, LAST, RunFolder};
use crate::train::graphs::TOLD;
use crate::train::pretrained;
use crate::train::run::{DataRecord, check_weights};
use crate::train::tags::Told;

/// A trained model, which knows how raw rows become its inputs. It can be shared between threads;
/// calls take turns.
///
/// ```no_run
/// use glassbox::data::RawTable;
/// use glassbox::Model;
/// let model = Model::load("runs/iris")?;
/// let rows = RawTable::from_path("new-flowers.csv")?;
/// for prediction in model.predict(&rows)?.rows {
///     println!("{prediction:?}");
/// }
/// # Ok::<(), glassbox::Error>(())
/// ```
pub struct Model {
    used: Mutex<(Session, Predictor)>,
    /// The model in use as it was recorded.
    graph: Mutex<Graph>,
    record: DataRecord,
    warnings: Vec<String>,
}

/// What a model says of one row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Prediction {
    /// A class.
    Class {
        /// The most probable class.
        class: String,
        /// Its probability.
        probability: f64,
        /// The probability of every class, in the order of [`Predictions::classes`].
        probabilities: Vec<f64>,
    },
    /// A number, in the target's own unit.
    Number {
        /// The number.
        value: f64,
        /// Its standard deviation σ, of a model that tells how sure it is
        /// ([`Loss::GaussianNll`](crate::nn::Loss::GaussianNll)): where the model is right, 68 % of what is
        /// observed lies within ± σ, 95 % within ± 2 σ.
        #[serde(skip_serializing_if = "Option::is_none")]
        deviation: Option<f64>,
    },
    /// Several numbers, each in its own unit.
    Numbers {
        /// One for each of [`Predictions::outputs`].
        values: Vec<f64>,
    },
}

/// What a model says of some rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Predictions {
    /// The name of what is predicted.
    pub target: String,
    /// The classes; none where numbers are predicted.
    pub classes: Vec<String>,
    /// The names of the numbers that are predicted, where there are several.
    pub outputs: Vec<String>,
    /// One a row.
    pub rows: Vec<Prediction>,
    /// Of a series, what stretch of time each row is: of a forecast, the times of its numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stretches: Vec<Stretch>,
    /// What was odd about the rows, e.g. categories that training never saw.
    pub warnings: Vec<String>,
}

/// How well predictions agree with what was observed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Agreement {
    /// Of classes.
    Classes {
        /// Rows whose class is known.
        rows: usize,
        /// How many of them were predicted right.
        right: usize,
    },
    /// Of numbers.
    Numbers {
        /// Rows whose number is known.
        rows: usize,
        /// Root of the mean squared error, in the target's own unit (of several numbers, of all of
        /// them together).
        rmse: f64,
    },
}

/// The run folder at a path; `last`, where that is no folder, is the newest run beside it.
pub(crate) fn resolve(run: &Path) -> Result<PathBuf, Error> {
    match run.parent() {
        Some(root) if run.ends_with(LAST) && !run.is_dir() => Ok(RunFolder::resolve(root, LAST)?),
        _ => Ok(run.to_owned()),
    }
}

impl Prediction {
    /// The class, or the number in its shortest form that reads back the same (several of them
    /// separated by spaces).
    pub fn text(&self) -> String {
        match self {
            Prediction::Class { class, .. } => class.clone(),
            Prediction::Number { value, .. } => value.to_string(),
            Prediction::Numbers { values } => {
                values.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// The `most` most probable classes with their probabilities, the best first; none of numbers.
    /// `classes` are [`Predictions::classes`].
    pub fn top<'c>(&self, most: usize, classes: &'c [String]) -> Vec<(&'c str, f64)> {
        let Prediction::Class { probabilities, .. } = self else { return Vec::new() };
        best_of(most, classes, probabilities)
    }

    /// The standard deviation of a number, from a model that tells it.
    pub fn deviation(&self) -> Option<f64> {
        match self {
            Prediction::Number { deviation, .. } => *deviation,
            Prediction::Class { .. } | Prediction::Numbers { .. } => None,
        }
    }

    /// The probability of the class; none of a number.
    pub fn probability(&self) -> Option<f64> {
        match self {
            Prediction::Class { probability, .. } => Some(*probability),
            Prediction::Number { .. } | Prediction::Numbers { .. } => None,
        }
    }
}

impl Predictions {
    /// How well they agree with what was observed, a text for each row; nothing where no row has
    /// one.
    pub fn agreement(&self, observed: &[Option<String>]) -> Option<Agreement> {
        let known: Vec<(&Prediction, &String)> = self
            .rows
            .iter()
            .zip(observed)
            .filter_map(|(row, observed)| Some((row, observed.as_ref()?)))
            .collect();
        let rows = known.len();
        let squares: Option<f64> = known
            .iter()
            .map(|(row, observed)| match row {
                Prediction::Number { value, .. } => {
                    Some((value - observed.parse::<f64>().ok()?).powi(2))
                }
                Prediction::Numbers { values } => {
                    let square = |(value, text): (&f64, &str)| {
                        text.parse::<f64>().ok().map(|observed| (value - observed).powi(2))
                    };
                    let sum: Option<f64> = values.iter().zip(observed.split(' ')).map(square).sum();
                    Some(sum? / values.len().max(1) as f64)
                }
                Prediction::Class { .. } => None,
            })
            .sum();
        match (rows, self.classes.is_empty(), squares) {
            (0, ..) => None,
            (_, true, squares) => {
                Some(Agreement::Numbers { rows, rmse: (squares? / rows as f64).sqrt() })
            }
            (_, false, _) => {
                let right = known.iter().filter(|(row, observed)| row.text() == **observed).count();
                Some(Agreement::Classes { rows, right })
            }
        }
    }
}

impl Model {
    /// The model of a run folder, with its best weights. No model code is needed: the graph is in
    /// the folder. `runs/last` is the newest run in `runs`. Also a published BERT that tells classes of
    /// texts or tags of words.
    ///
    /// # Errors
    /// A folder that is not a run, or has no checkpoint yet; files that are corrupt; weights that do
    /// not fit the graph (missing, extra and of another shape are all listed).
    pub fn load(run: impl AsRef<Path>) -> Result<Self, Error> {
        let run = &resolve(run.as_ref())?;
        if let Some(model) = pretrained::classifier(run)? {
            return Ok(model);
        }
        let folder = RunFolder::view(run)?;
        let graph: Graph = folder.graph(GraphKind::Infer)?;
        let record = DataRecord::read(&folder)?;
        let Some((checkpoint, warnings)) = folder.checkpoints().best()? else {
            return Err(Error::new(format!(
                "{} has no checkpoint yet: let it train until its first one",
                run.display()
            )));
        };
        check_weights(&folder, &graph, &checkpoint.model)?;
        let model = Model { warnings, ..Model::of(&graph, checkpoint.weights(), record)? };
        match folder.file("graph/infer-one.json").exists() {
            true => model.with_one(&folder.graph(GraphKind::One)?),
            false => Ok(model),
        }
    }

    pub(crate) fn of(
        graph: &Graph,
        weights: Parameters,
        record: DataRecord,
    ) -> Result<Self, Error> {
        let mut session = Session::new(Options::default())?;
        session.load(weights);
        let predictor = Predictor::new(&mut session, graph)?;
        Ok(Model {
            used: Mutex::new((session, predictor)),
            graph: Mutex::new(graph.clone()),
            record,
            warnings: Vec::new(),
        })
    }

    /// The same, a few rows being gone through one at a time by this graph of one row.
    pub(crate) fn with_one(self, graph: &Graph) -> Result<Self, Error> {
        let (mut session, predictor) =
            self.used.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        let predictor = predictor.with_one(&mut session, graph)?;
        Ok(Model { used: Mutex::new((session, predictor)), ..self })
    }

    /// Writes the weights to a file of safetensors that PyTorch loads, in its names and layouts (see
    /// [`pytorch`]); gives what was written.
    ///
    /// # Errors
    /// A file that cannot be written.
    ///
    /// ```
    /// use glassbox::prelude::*;
    /// let iris = data::iris();
    /// let model = Trainer::new(Mlp::new([4, 8, 3])).epochs(1).fit(&iris)?.into_model();
    /// let file = std::env::temp_dir().join(format!("iris-{}.safetensors", std::process::id()));
    /// let written = model.export(&file)?;
    /// // [outputs, inputs], as PyTorch has it.
    /// assert_eq!(written.get("fc1.weight").unwrap().shape().sizes(), &[8, 4]);
    /// # std::fs::remove_file(&file).ok();
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn export(&self, file: impl AsRef<Path>) -> Result<Parameters, Error> {
        let used = self.used.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let graph = self.graph.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let weights = pytorch::write(&graph, &used.0.values()).map_err(Error::new)?;
        let metadata = [("format".to_owned(), "pt".to_owned())].into();
        safetensors::write(file.as_ref(), &weights, &metadata)?;
        Ok(weights)
    }

    /// Checkpoints that could not be read, one of the others being taken in their place.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What is predicted.
    pub fn task(&self) -> &Task {
        &self.record.task
    }

    /// Predicts raw rows, e.g. of a CSV file as it was trained on: columns in any order, more of
    /// them than needed, with or without the target.
    ///
    /// # Errors
    /// Missing columns and text where a number should be, all listed.
    pub fn predict(&self, table: &RawTable) -> Result<Predictions, Error> {
        self.predict_prepared(self.record.preparation.apply(table)?)
    }

    /// Predicts texts of a model that was trained on a table's column of texts.
    ///
    /// # Errors
    /// A model of something else.
    pub fn predict_texts<T: AsRef<str>>(&self, texts: &[T]) -> Result<Predictions, Error> {
        match self.record.preparation.inputs.text() {
            Some(text) => self.predict_prepared(text.texts(texts)?),
            None => Err(Error::new("the model reads no texts")),
        }
    }

    /// Whether it tells something of whole texts.
    pub fn reads_texts(&self) -> bool {
        let text = self.record.preparation.inputs.text();
        text.is_some_and(|text| text.column.is_some())
    }

    /// What a table says of the target, a text for each row (none where it is missing), to compare
    /// predictions with; nothing where it has no such column.
    pub fn observed(&self, table: &RawTable) -> Option<Vec<Option<String>>> {
        self.record.preparation.observed(table)
    }

    /// Predicts images of an IDX file.
    ///
    /// # Errors
    /// Images of another size than the model was trained on.
    pub fn predict_images(&self, images: &Idx) -> Result<Predictions, Error> {
        let size = images.shape.get(1..).unwrap_or_default();
        // Another kind of model is refused below, in its own words.
        if let InputPreparation::Pixels { shape, .. } = &self.record.preparation.inputs
            && size != shape
            && !(size == &shape[..2] && shape[2] == 1)
        {
            let by = |sizes: &[usize]| match sizes {
                [] => "single numbers".to_string(),
                sizes => sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(" × "),
            };
            return Err(Error::new(format!(
                "the images are {}, but the model was trained on images of {}: scale them to that \
                 size first",
                by(size),
                by(shape)
            )));
        }
        self.predict_prepared(self.record.preparation.apply_pixels(&images.bytes)?)
    }

    /// How raw rows become inputs.
    pub(crate) fn preparation(&self) -> &Preparation {
        &self.record.preparation
    }

    fn predict_prepared(&self, prepared: Prepared) -> Result<Predictions, Error> {
        self.record.task.check_predicts()?;
        let mut used = self.used.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (session, predictor) = &mut *used;
        let results = predictor.matrix(session, &prepared.matrix)?;
        let told = self.told(&results, predictor.results(), prepared.warnings);
        Ok(Predictions { stretches: prepared.stretches, ..told })
    }

    /// Predicts so many prepared rows, which `fill` writes batch by batch.
    pub(crate) fn predict_filled(
        &self,
        rows: usize,
        fill: &mut Fill<'_>,
    ) -> Result<Predictions, Error> {
        self.record.task.check_predicts()?;
        let mut used = self.used.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (session, predictor) = &mut *used;
        let results = predictor.run(session, rows, fill)?;
        Ok(self.told(&results, predictor.results(), Vec::new()))
    }

    /// What results say, of which a row has so many.
    fn told(&self, results: &[f32], width: usize, warnings: Vec<String>) -> Predictions {
        let target = &self.record.preparation.target;
        Predictions {
            target: target.name.clone(),
            classes: target.classes().unwrap_or_default().to_vec(),
            outputs: match target.outputs() {
                1 => Vec::new(),
                _ => target.output_names().iter().map(ToString::to_string).collect(),
            },
            rows: results.chunks_exact(width.max(1)).map(|row| self.row_of(row)).collect(),
            stretches: Vec::new(),
            warnings,
        }
    }

    /// As [`table_of_results`](Self::table_of_results), with two columns for each of several numbers.
    fn table_of_numbers(&self, results: &[f32], rows: &Rows) -> String {
        let target = &self.record.preparation.target;
        let outputs = target.outputs();
        let values = rows.values().unwrap_or_default();
        let mut out = String::from("row");
        for name in target.output_names() {
            out += &format!(
                ",{},{}",
                cell(&format!("observed_{name}")),
                cell(&format!("predicted_{name}"))
            );
        }
        out.push('\n');
        let both = values.chunks_exact(outputs).zip(results.chunks_exact(outputs));
        for (index, (observed, results)) in both.enumerate() {
            out += &rows.source_row(index).unwrap_or(0).to_string();
            for (output, (observed, result)) in observed.iter().zip(results).enumerate() {
                let predicted = target.unscale_output(output, f64::from(*result));
                out += &format!(",{observed},{predicted}");
            }
            out.push('\n');
        }
        out
    }

    fn row_of(&self, results: &[f32]) -> Prediction {
        let target = &self.record.preparation.target;
        match target.classes() {
            Some(classes) => {
                let probabilities = probabilities(results);
                let best = largest(results);
                Prediction::Class {
                    class: classes.get(best).cloned().unwrap_or_default(),
                    probability: probabilities.get(best).copied().unwrap_or(f64::NAN),
                    probabilities,
                }
            }
            None if target.outputs() > 1 => {
                let value = |(i, x): (usize, &f32)| target.unscale_output(i, f64::from(*x));
                Prediction::Numbers { values: results.iter().enumerate().map(value).collect() }
            }
            None => Prediction::Number {
                value: target.unscale(f64::from(results[0])),
                deviation: deviation(results, target),
            },
        }
    }

    /// The weights by path.
    pub(crate) fn values(&self) -> Parameters {
        let used = self.used.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        used.0.values()
    }

    /// The raw results of a part's rows.
    pub(crate) fn results(&self, rows: &Rows) -> Result<Vec<f32>, Error> {
        let mut used = self.used.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (session, predictor) = &mut *used;
        predictor.rows(session, rows)
    }

    /// The raw results of prepared rows, row-major.
    pub(crate) fn results_of(&self, matrix: &[f32]) -> Result<Vec<f32>, Error> {
        let mut used = self.used.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (session, predictor) = &mut *used;
        predictor.matrix(session, matrix)
    }

    /// What the last layer reads of prepared rows; of places (of maps, of tokens) their mean.
    pub(crate) fn features_of(&self, matrix: &[f32]) -> Result<Features, Error> {
        let mut used = self.used.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // What is recorded for it is no part of the model.
        let graph = self.graph.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        let read = pytorch::read_by_head(&graph).ok_or_else(|| {
            Error::new("the model has no last layer of weights, whose inputs are features")
        })?;
        let places = 1..read.rank().saturating_sub(1);
        let features = places.fold(read, |read, axis| read.mean_axis(axis as isize));
        graph.check()?;
        let session = &mut used.0;
        let mut predictor = Predictor::of(session, &graph, features)?;
        let numbers = predictor.matrix(session, matrix)?;
        Ok(Features { numbers, width: predictor.results() })
    }

    /// `predictions.csv`: each row's number in its source, what was observed and what is predicted; the
    /// probability of a class, the deviation of a number where the model tells it; the file, where rows
    /// are files.
    pub(crate) fn table_of_results(&self, results: &[f32], rows: &Rows) -> String {
        let width = (results.len() / rows.len().max(1)).max(1);
        let target = &self.record.preparation.target;
        let (labels, values) = (rows.labels(), rows.values());
        if let Ok(Some(told)) = Told::of(results, rows) {
            return told.table();
        }
        if target.tokens().is_some() {
            return table_of_told(results, rows);
        }
        if let Some(classes) = target.known_classes() {
            return table_of_losses(results, rows, classes);
        }
        if target.outputs() > 1 {
            return self.table_of_numbers(results, rows);
        }
        let gaussian = target.classes().is_none() && width > 1;
        let sure = if gaussian { "deviation" } else { "probability" };
        let file = if rows.source_name(0).is_some() { ",file" } else { "" };
        let mut out = format!("row,observed,predicted,{sure}{file}\n");
        // A row at a time: beside the results there may be no room for texts of all rows.
        for (index, results) in results.chunks_exact(width).enumerate() {
            let label = labels.as_ref().and_then(|labels| labels.get(index));
            let value = values.as_ref().and_then(|values| values.get(index));
            let observed = match (label, value, target.classes()) {
                (Some(&label), _, Some(names)) => {
                    names.get(label as usize).cloned().unwrap_or_default()
                }
                (_, Some(value), _) => value.to_string(),
                _ => String::new(),
            };
            let prediction = self.row_of(results);
            let row = rows.source_row(index).unwrap_or(0);
            let sure = prediction.probability().or(prediction.deviation());
            let sure = sure.map(|x| x.to_string()).unwrap_or_default();
            let (observed, predicted) = (cell(&observed), cell(&prediction.text()));
            let file = rows.source_name(index).map(|name| format!(",{}", cell(name)));
            let file = file.unwrap_or_default();
            out += &format!("{row},{observed},{predicted},{sure}{file}\n");
        }
        out
    }
}

/// The most probable of some names, the best first; equal ones stay in their order.
pub(crate) fn best_of<'n>(
    most: usize,
    names: &'n [String],
    probabilities: &[f64],
) -> Vec<(&'n str, f64)> {
    let names = names.iter().map(String::as_str);
    let mut all: Vec<(&str, f64)> = names.zip(probabilities.iter().copied()).collect();
    all.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    all.truncate(most);
    all
}

/// How well the tokens of each row are told.
fn table_of_told(results: &[f32], rows: &Rows) -> String {
    let mut out = String::from("row,tokens,loss,accuracy\n");
    for (index, row) in results.chunks_exact(TOLD).enumerate() {
        let [loss, accuracy, tokens] = told(row);
        let row = rows.source_row(index).unwrap_or(0);
        out += &format!("{row},{tokens},{loss},{accuracy}\n");
    }
    out
}

/// What each row costs a model that learns the rows themselves.
fn table_of_losses(results: &[f32], rows: &Rows, classes: &[String]) -> String {
    let width = (results.len() / rows.len().max(1)).max(1);
    let labels = rows.labels().unwrap_or_default();
    let mut out = String::from(if labels.is_empty() { "row,loss\n" } else { "row,class,loss\n" });
    for (index, figures) in results.chunks_exact(width).enumerate() {
        out += &rows.source_row(index).unwrap_or(0).to_string();
        if let Some(class) = labels.get(index).and_then(|label| classes.get(*label as usize)) {
            out += &format!(",{}", cell(class));
        }
        out += &format!(",{}\n", figures.first().copied().unwrap_or(f32::NAN));
    }
    out
}

/// A cell of a CSV file, quoted where it must be.
pub(crate) fn cell(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_string(),
    }
}
