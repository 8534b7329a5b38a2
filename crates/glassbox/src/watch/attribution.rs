//! Why a trained model said what it said of a row: its inputs' shares of the prediction.

use glassbox_engine::reference::Evaluation;
use glassbox_engine::{Array, DType, Graph, Parameters, Tensor, Value, grad};
use serde::Serialize;

use crate::Error;
use crate::data::{Dataset, InputPreparation, Preparation, PreparedColumn, RawRows, Rows};
use crate::nn;
use crate::train::Job;
use crate::train::folder::{GraphKind, RunFolder};
use crate::watch::ask::indices_of;
use crate::watch::inputs::scaling;

/// Points on the way from the mean row to the row, at first and at most.
const POINTS: (usize, usize) = (64, 4096);
/// How far the shares' sum may be from what they explain, of it.
const COMPLETE: f64 = 0.01;

/// A model as it is used, with the data that it was trained on: what predictions are explained with.
pub struct InUse {
    graph: Graph,
    weights: Parameters,
    preparation: Preparation,
    data: Dataset,
    /// The mean row of the training part, as the net sees it.
    mean: Vec<f64>,
    warnings: Vec<String>,
}

/// Which row's prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// A row of a part (`train`, `valid` or `test`), from 0.
    Part(String, usize),
    /// A row by its number in the source, from 1.
    Source(usize),
}

/// A row as the net sees it, and where it came from.
struct Row {
    numbers: Vec<f64>,
    words: String,
    observed: Option<String>,
}

/// An input's share of a prediction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InputShare {
    /// The column, or a pixel's place.
    pub input: String,
    /// Its value in the row.
    pub value: String,
    /// The mean over the training part; of a category how often this value is.
    pub mean: f64,
    /// The slope of what is explained, at the row and in the input's own unit; none for categories.
    pub slope: Option<f64>,
    /// Slope × (value − mean): what the slope at the row alone says.
    pub at_the_row: f64,
    /// The share by integrated gradients: the mean slope on the way × (value − mean).
    pub share: f64,
}

/// Why a model said what it said of a row; prints as a table.
///
/// Shares are integrated gradients (Sundararajan, Taly and Yan 2017) on the straight way from the
/// mean row of the training part: they add up to the difference of the two results.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attribution {
    /// Which row, in words.
    pub row: String,
    /// What is explained, e.g. `p(virginica)`.
    pub of: String,
    /// What is predicted: the class, or the number.
    pub predicted: String,
    /// What was observed, where that is known.
    pub observed: Option<String>,
    /// The result for the row.
    pub result: f64,
    /// The result for the mean row.
    pub at_the_mean: f64,
    /// The shares, the largest first.
    pub inputs: Vec<InputShare>,
    /// The sum of all shares.
    pub sum: f64,
    /// The sum of what the slopes at the row alone say.
    pub sum_at_the_row: f64,
    /// Points on the way.
    pub points: usize,
    /// Whether the shares come to the difference of the two results, within one part in a hundred.
    pub complete: bool,
}

/// Tokens are names, not sizes: nothing lies between two of them, so no input has a slope.
pub(crate) fn check_numbers(inputs: &InputPreparation) -> Result<(), Error> {
    match inputs.text() {
        None => Ok(()),
        Some(_) => Err(Error::new(
            "the inputs are tokens, which have no slopes: ask for a parameter or an activation \
             (`glassbox explain RUN --param NAME`), or see what the model looks at (`glassbox see RUN \
             --text TEXT`)",
        )),
    }
}

impl InUse {
    /// The model of a run with its best weights. No model code is needed: the graph is in the
    /// folder.
    ///
    /// # Errors
    /// A run without a checkpoint; data that cannot be loaded any more; corrupt files.
    pub fn of_run(folder: &RunFolder) -> Result<Self, Error> {
        let Some((checkpoint, warnings)) = folder.checkpoints().best()? else {
            return Err(Error::new(format!(
                "{} has no checkpoint yet: let it train until its first one",
                folder.path().display()
            )));
        };
        let (job, _) = Job::without_model(folder)?;
        job.check_data(folder)?;
        let graph: Graph = folder.graph(GraphKind::Infer)?;
        crate::train::check_weights(folder, &graph, &checkpoint.model)?;
        Ok(InUse { warnings, ..InUse::of(graph, checkpoint.weights(), job.data)? })
    }

    /// Checkpoints that could not be read, one of the others being taken in their place.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// A model as it is used, trained on this data.
    pub(crate) fn of(graph: Graph, weights: Parameters, data: Dataset) -> Result<Self, Error> {
        data.task.check_predicts()?;
        check_numbers(&data.preparation.inputs)?;
        let mut mean = vec![0.0; data.train.width()];
        for row in 0..data.train.len() {
            let numbers = numbers_of(&data.train, row)?;
            mean.iter_mut().zip(numbers).for_each(|(sum, x)| *sum += x);
        }
        mean.iter_mut().for_each(|sum| *sum /= data.train.len().max(1) as f64);
        let (preparation, warnings) = (data.preparation.clone(), Vec::new());
        Ok(InUse { graph, weights, preparation, data, mean, warnings })
    }

    /// The part that tells most of those that have rows: `test`, else `valid`, else `train`.
    pub fn last_part(&self) -> &'static str {
        match (self.data.test.is_empty(), self.data.valid.is_empty()) {
            (false, _) => "test",
            (true, false) => "valid",
            (true, true) => "train",
        }
    }

    /// Why the model says what it says of a row of its data; of `class`, where one is named, else of
    /// the class that it predicts.
    ///
    /// # Errors
    /// A part, row or class that does not exist.
    pub fn why(&self, of: &Of, class: Option<&str>) -> Result<Attribution, Error> {
        let data = &self.data;
        let parts = [("train", &data.train), ("valid", &data.valid), ("test", &data.test)];
        let (part, rows, at) = match of {
            Of::Part(name, row) => {
                let found = parts.into_iter().find(|(part, _)| part == name);
                let (part, rows) = found.ok_or_else(|| {
                    Error::new(format!("there is no part `{name}`: train, valid or test"))
                })?;
                if *row >= rows.len() {
                    return Err(Error::new(match rows.len() {
                        0 => format!("the {part} part is empty"),
                        n => format!("row {row}: the {part} part has rows 0 to {}", n - 1),
                    }));
                }
                (part, rows, *row)
            }
            Of::Source(number) => {
                let place = |(part, rows): (&'static str, &'_ Rows)| {
                    let at = rows.source_rows().iter().position(|row| row == number)?;
                    Some((part, at))
                };
                let found = parts.into_iter().find_map(place);
                let (part, at) = found.ok_or_else(|| {
                    Error::new(format!("the data has no row {number}, or it was left out"))
                })?;
                let rows = parts.into_iter().find(|(name, _)| *name == part);
                (part, rows.map_or(&data.train, |(_, rows)| rows), at)
            }
        };
        let source = rows.source_rows().get(at).copied().unwrap_or(0);
        let target = &data.preparation.target;
        let observed = match (rows.labels(), rows.values(), target.classes()) {
            (Some(labels), _, Some(classes)) => {
                labels.get(at).and_then(|&label| classes.get(label as usize).cloned())
            }
            (_, Some(values), _) => {
                let outputs = target.outputs();
                let values = values.get(at * outputs..(at + 1) * outputs).unwrap_or_default();
                let texts = values.iter().map(|&value| rounded(value, value, 7).to_string());
                Some(texts.collect::<Vec<_>>().join(" "))
            }
            _ => None,
        };
        let words = format!("row {source} of {}, in the {part} part", data.source);
        self.explain(Row { numbers: numbers_of(rows, at)?, words, observed }, class)
    }

    /// As [`why`](InUse::why), of row `row` (from 0) of a file of raw rows.
    ///
    /// # Errors
    /// Rows that do not suit the model, all problems listed; a row beyond the last.
    pub fn why_raw(
        &self,
        raw: &RawRows,
        row: usize,
        class: Option<&str>,
    ) -> Result<Attribution, Error> {
        let (prepared, file, observed) = match raw {
            RawRows::Table(table) => {
                let observed = self.preparation.observed(table);
                let observed = observed.and_then(|all| all.get(row).cloned().flatten());
                (self.preparation.apply(table)?, table.file().to_string(), observed)
            }
            RawRows::Images(images) => {
                (self.preparation.apply_pixels(&images.bytes)?, "the images".to_string(), None)
            }
        };
        let width = prepared.features;
        let Some(numbers) = prepared.matrix.get(row * width..(row + 1) * width) else {
            return Err(Error::new(format!(
                "row {row}: {file} has rows 0 to {}",
                prepared.rows.saturating_sub(1)
            )));
        };
        let numbers = numbers.iter().map(|&x| f64::from(x)).collect();
        let words = format!("row {} of {file}", row + 1);
        self.explain(Row { numbers, words, observed }, class)
    }

    fn explain(&self, row: Row, class: Option<&str>) -> Result<Attribution, Error> {
        check_numbers(&self.preparation.inputs)?;
        let target = &self.preparation.target;
        let graph = self.graph.clone();
        let missing = |name: &str| Error::new(format!("the inference graph has no `{name}`"));
        let inputs = graph.find_input("inputs").ok_or_else(|| missing("inputs"))?;
        let raw = graph.named("prediction").ok_or_else(|| missing("prediction"))?;
        let classes = target.classes();
        let results = if classes.is_some() { nn::softmax(raw) } else { raw };
        let outputs = target.output_names();
        // Which class: the one named, else the one predicted; of several numbers the first.
        let first = self.run(&graph, inputs, &[row.numbers.as_slice()], &[results.value()])?;
        let width = results.elements() / results.dim(0).max(1);
        let of_row: Vec<f64> = first.first().map(|all| all[..width].to_vec()).unwrap_or_default();
        let best = (0..of_row.len()).fold(0, |b, i| if of_row[i] > of_row[b] { i } else { b });
        let index = match (class, classes) {
            (None, Some(_)) => best,
            (None, None) => 0,
            (Some(name), Some(classes)) => {
                classes.iter().position(|class| class == name).ok_or_else(|| {
                    let names: Vec<&str> = classes.iter().map(String::as_str).collect();
                    let hint = crate::nearest::suggestion(name, "classes", &names);
                    Error::new(format!("there is no class `{name}`: {hint}"))
                })?
            }
            (Some(name), None) if outputs.len() > 1 => {
                outputs.iter().position(|output| output == &name).ok_or_else(|| {
                    let hint = crate::nearest::suggestion(name, "targets", &outputs);
                    Error::new(format!("there is no target `{name}`: {hint}"))
                })?
            }
            (Some(_), None) => {
                return Err(Error::new(format!(
                    "the target `{}` is a number: it has no classes",
                    target.name
                )));
            }
        };
        let chosen = results.slice(-1, index..index + 1);
        let slopes = grad(chosen.sum(), &[inputs])[0];
        graph.check()?;
        let asked = [chosen.value(), slopes.value()];
        let ends = self.run(&graph, inputs, &[&row.numbers, &self.mean], &asked)?;
        let [values, at_ends] = &ends[..] else { return Err(missing("prediction")) };
        let (result, at_the_mean) = (values[0], values[1]);
        let at_row = &at_ends[..row.numbers.len()];
        let (mut points, mut mean_slopes) = (POINTS.0, Vec::new());
        let away: Vec<f64> = row.numbers.iter().zip(&self.mean).map(|(x, m)| x - m).collect();
        let (mut sum, mut complete) = (0.0, false);
        while !complete && points <= POINTS.1 {
            mean_slopes = self.mean_slopes(&graph, inputs, slopes.value(), &away, points)?;
            sum = mean_slopes.iter().zip(&away).map(|(slope, x)| slope * x).sum();
            let difference: f64 = result - at_the_mean;
            complete = (sum - difference).abs() <= COMPLETE * difference.abs() + 1e-9;
            points *= 4;
        }
        let points = points / 4;
        // A number is told in its own unit.
        let told = |x: f64| if classes.is_some() { x } else { target.unscale_output(index, x) };
        let unit = told(1.0) - told(0.0);
        let of = match classes {
            Some(classes) => format!("p({})", classes.get(index).cloned().unwrap_or_default()),
            None => outputs.get(index).map(ToString::to_string).unwrap_or_default(),
        };
        // Of several numbers the one that is explained.
        let observed = match (&row.observed, classes) {
            (Some(all), None) if outputs.len() > 1 => {
                all.split(' ').nth(index).map(ToString::to_string)
            }
            (observed, _) => observed.clone(),
        };
        let predicted = match classes {
            Some(classes) => classes.get(best).cloned().unwrap_or_default(),
            None => {
                let number = rounded(told(result), told(result), 6).to_string();
                let scores: Vec<f32> = of_row.iter().map(|&x| x as f32).collect();
                match crate::train::evaluate::deviation(&scores, target) {
                    Some(sigma) => format!("{number} ± {}", rounded(sigma, sigma, 3)),
                    None => number,
                }
            }
        };
        let mut inputs = self.shares(&row.numbers, at_row, &mean_slopes, unit);
        inputs.sort_by(|a, b| b.share.abs().total_cmp(&a.share.abs()));
        Ok(Attribution {
            row: row.words,
            of,
            predicted,
            observed,
            result: told(result),
            at_the_mean: told(at_the_mean),
            sum: sum * unit,
            sum_at_the_row: at_row.iter().zip(&away).map(|(s, x)| s * x).sum::<f64>() * unit,
            inputs,
            points,
            complete,
        })
    }

    /// The mean slope by each input at so many points on the way from the mean row (midpoint rule).
    fn mean_slopes(
        &self,
        graph: &Graph,
        inputs: Tensor<'_>,
        slopes: Value,
        away: &[f64],
        points: usize,
    ) -> Result<Vec<f64>, Error> {
        let mut sum = vec![0.0; away.len()];
        let at = |point: usize| -> Vec<f64> {
            let share = (point as f64 + 0.5) / points as f64;
            self.mean.iter().zip(away).map(|(m, x)| m + share * x).collect()
        };
        // A batch at a time, so that many points of a long row do not fill the memory.
        for first in (0..points).step_by(inputs.dim(0).max(1)) {
            let rows: Vec<Vec<f64>> =
                (first..points.min(first + inputs.dim(0).max(1))).map(at).collect();
            let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
            let found = self.run(graph, inputs, &rows, &[slopes])?;
            for slopes in found.iter().flat_map(|all| all.chunks(away.len().max(1))) {
                sum.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
            }
        }
        Ok(sum.into_iter().map(|sum| sum / points as f64).collect())
    }

    /// What the graph gives for some rows, batch by batch, in f64.
    fn run(
        &self,
        graph: &Graph,
        inputs: Tensor<'_>,
        rows: &[&[f64]],
        wanted: &[Value],
    ) -> Result<Vec<Vec<f64>>, Error> {
        let (shape, batch) = (inputs.shape(), inputs.dim(0).max(1));
        let width = shape.elements() / batch;
        if rows.iter().any(|row| row.len() != width) {
            return Err(Error::new(format!("the model takes {width} numbers a row")));
        }
        let tensors: Vec<Tensor<'_>> = wanted.iter().filter_map(|&v| graph.tensor(v)).collect();
        let mut found: Vec<Vec<f64>> = vec![Vec::new(); wanted.len()];
        for some in rows.chunks(batch) {
            let mut numbers = some.concat();
            numbers.resize(shape.elements(), 0.0);
            let mut given = Parameters::new();
            let array = Array::from_f64(DType::F64, shape.clone(), &numbers).map_err(Error::new)?;
            given.insert("inputs", array);
            let run = Evaluation::new(graph, &given, &self.weights, &tensors)?;
            for (all, &value) in found.iter_mut().zip(wanted) {
                let values = run.at(value)?;
                all.extend_from_slice(&values[..values.len() / batch * some.len()]);
            }
        }
        Ok(found)
    }

    /// The shares by column of a table, by number of other inputs.
    fn shares(
        &self,
        row: &[f64],
        at_row: &[f64],
        mean_slopes: &[f64],
        unit: f64,
    ) -> Vec<InputShare> {
        let sum = |slopes: &[f64], numbers: std::ops::Range<usize>| -> f64 {
            numbers.map(|i| slopes[i] * (row[i] - self.mean[i])).sum::<f64>() * unit
        };
        let share =
            |input: String, numbers: std::ops::Range<usize>, value, mean, slope| InputShare {
                input,
                value,
                mean,
                slope,
                at_the_row: sum(at_row, numbers.clone()),
                share: sum(mean_slopes, numbers),
            };
        let number = |input: String, scale: f64, offset: f64, numbers: std::ops::Range<usize>| {
            let at = numbers.start;
            let scaled = row[at] * scale;
            let raw = rounded(scaled + offset, scaled.abs().max(offset.abs()), 6);
            let mean = self.mean[at] * scale + offset;
            share(input, numbers, raw.to_string(), mean, Some(at_row[at] / scale * unit))
        };
        match &self.preparation.inputs {
            InputPreparation::Table { columns } => {
                let mut first = 0;
                let mut shares = Vec::new();
                for column in columns {
                    let names = column.feature_names();
                    let numbers = first..first + names.len();
                    shares.push(match column {
                        PreparedColumn::Number { name, offset, scale, .. } => {
                            number(name.clone(), *scale, *offset, numbers)
                        }
                        PreparedColumn::Pieces { name, offset, scale, edges, .. } => {
                            let raw = row[first] * scale + offset;
                            // The number acts as such, and through the part that it lies in.
                            let within = |ends: &[f64]| (ends[0]..ends[1]).contains(&raw);
                            let part = edges.windows(2).position(within).map_or(0.0, |part| {
                                at_row[first + 1 + part] / (edges[part + 1] - edges[part])
                            });
                            let slope = (at_row[first] / scale + part) * unit;
                            let mean = self.mean[first] * scale + offset;
                            let value =
                                rounded(raw, (row[first] * scale).abs().max(offset.abs()), 6)
                                    .to_string();
                            share(name.clone(), numbers, value, mean, Some(slope))
                        }
                        PreparedColumn::Date { name, offset, scale, .. } => {
                            let name = format!("{name} (days since 1970)");
                            number(name, *scale, *offset, numbers)
                        }
                        PreparedColumn::Ordinal { name, values, .. } => {
                            let steps = values.len().saturating_sub(1) as f64;
                            let place = row[first] * steps;
                            let value = values.get(place.round() as usize);
                            // An unknown value stands in the middle, which need not be any of them.
                            let value = value.filter(|_| (place - place.round()).abs() < 1e-3);
                            let value = value.map_or("unknown", String::as_str).to_string();
                            share(name.clone(), numbers, value, self.mean[first], None)
                        }
                        PreparedColumn::Effects { name, of, .. } if of.len() > 1 => {
                            let told =
                                numbers.clone().map(|i| rounded(row[i], row[i], 4).to_string());
                            let value = told.collect::<Vec<_>>().join(" ");
                            share(name.clone(), numbers, value, self.mean[first], None)
                        }
                        PreparedColumn::Effects { name, .. } => {
                            number(name.clone(), 1.0, 0.0, numbers)
                        }
                        PreparedColumn::Boolean { name, .. } => {
                            number(name.clone(), 1.0, 0.0, numbers)
                        }
                        PreparedColumn::Category { name, .. } => {
                            let set = numbers.clone().find(|&i| row[i] != 0.0);
                            let value = set.and_then(|i| names[i - first].split_once('='));
                            let value = value.map_or("unknown", |(_, value)| value).to_string();
                            let often = set.map_or(0.0, |i| self.mean[i]);
                            share(name.clone(), numbers, value, often, None)
                        }
                    });
                    first += names.len();
                }
                shares
            }
            other => {
                let sizes = self.preparation.input_shape();
                let sizes: Vec<usize> = match sizes.split_last() {
                    // The one channel of a grey image need not be said.
                    Some((1, rest)) if !rest.is_empty() => rest.to_vec(),
                    _ => sizes,
                };
                let one = |at: usize| {
                    let (_, scale, offset) =
                        scaling(other, at).unwrap_or((String::new(), 1.0, 0.0));
                    number(format!("{:?}", indices_of(&sizes, at)), scale, offset, at..at + 1)
                };
                (0..row.len()).map(one).collect()
            }
        }
    }
}

/// So many digits of what it was computed from: the net's numbers were rounded when they were scaled.
fn rounded(value: f64, from: f64, digits: i32) -> f64 {
    if !value.is_finite() || from == 0.0 {
        return value + 0.0;
    }
    let place = from.abs().log10().floor() as i32 + 1 - digits;
    match u32::try_from(-place) {
        Ok(digits) => format!("{value:.0$}", digits as usize).parse().unwrap_or(value) + 0.0,
        Err(_) => (value / 10f64.powi(place)).round() * 10f64.powi(place) + 0.0,
    }
}

/// A row of a part as the net sees it.
fn numbers_of(rows: &Rows, row: usize) -> Result<Vec<f64>, Error> {
    let mut numbers = vec![0.0; rows.width()];
    rows.gather_inputs(&[row], &mut numbers)?;
    Ok(numbers.into_iter().map(f64::from).collect())
}
