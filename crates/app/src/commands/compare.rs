//! `glassbox compare A B`

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::Args;
use glassbox::engine::Graph;
use glassbox::train::event::{EndFigures, more_is_better};
use glassbox::train::folder::{GraphKind, RunFolder, RunState};
use glassbox::train::log;
use serde::Serialize;
use serde_json::Value;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::compare;

#[derive(Args)]
pub struct CompareArgs {
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<String>,
}

/// One of the runs that are compared.
#[derive(Serialize)]
pub struct Side {
    /// Its folder.
    pub run: String,
    /// Where its data came from.
    pub data: String,
    /// The kind of model.
    pub model: String,
    /// Numbers that are learned; none where it stopped before its graphs were written.
    pub parameters: Option<usize>,
    pub state: RunState,
    /// Epochs finished.
    pub epoch: u64,
    /// Seconds of training, those before an interruption included.
    pub seconds: f64,
    /// What the data was; none where it stopped before that was written.
    pub fingerprint: Option<String>,
    /// How it ended; none before its end.
    pub outcome: Option<EndFigures>,
    /// The best figures of all epochs on the validation part (on the training part where there is
    /// none).
    pub best: BTreeMap<String, f64>,
    /// The loss after each epoch, on the same part.
    pub curve: Vec<(u64, Option<f64>)>,
    #[serde(skip)]
    settings: BTreeMap<String, Value>,
    /// The numbers of the rows that were predicted at the end, in their source.
    #[serde(skip)]
    rows: Option<Vec<String>>,
}

/// A figure and the rows it is of.
#[derive(Clone, Serialize)]
pub struct Figure {
    pub split: String,
    pub name: String,
    pub value: f64,
}

/// Runs side by side; what `--json` prints.
#[derive(Serialize)]
pub struct Comparison {
    pub runs: Vec<Side>,
    /// The settings that are not the same in all runs, with each run's value.
    pub differences: BTreeMap<String, Vec<Value>>,
    /// Whether all runs saw the same data; none where that of one is not known.
    pub same_data: Option<bool>,
    /// Whether the final figures are of the same rows; none where a run has none.
    pub same_rows: Option<bool>,
    /// Which of the runs is the best by each final figure.
    pub best: BTreeMap<String, usize>,
}

impl Side {
    /// What the files of a run say, whatever became of it.
    pub fn of(path: &Path) -> Result<Self, AppError> {
        let folder = RunFolder::view(path)?;
        let config = folder.config()?;
        let mut settings = BTreeMap::new();
        flatten("", serde_json::to_value(&config).map_err(AppError::failed)?, &mut settings);
        let status = folder.file("status.json").exists().then(|| folder.status()).transpose()?;
        let outcome = folder.outcome()?;
        let lines = log::read(&folder.file("metrics.jsonl"))?;
        let figures = |line: &Value| match line["valid"].as_object() {
            Some(figures) => figures.clone(),
            None => [("loss".to_owned(), line["train_loss"].clone())].into_iter().collect(),
        };
        let mut best: BTreeMap<String, f64> = BTreeMap::new();
        let mut curve = Vec::new();
        for line in &lines {
            let figures = figures(line);
            let loss = figures.get("loss").and_then(Value::as_f64);
            curve.push((line["epoch"].as_u64().unwrap_or_default(), loss));
            for (name, value) in &figures {
                let Some(value) = value.as_f64() else { continue };
                let held = best.entry(name.clone()).or_insert(value);
                *held = better(name, *held, value);
            }
        }
        let epoch = curve.last().map_or(0, |(epoch, _)| *epoch);
        let seconds = lines.iter().filter_map(|line| line["seconds"].as_f64()).sum();
        let data = folder.file("data.json").exists().then(|| folder.data()).transpose()?;
        Ok(Side {
            run: path.display().to_string(),
            data: config.data.path.clone(),
            model: config.model.kind.to_string(),
            parameters: None,
            state: status.map_or(RunState::Interrupted, |status| status.state),
            epoch,
            seconds,
            fingerprint: data.and_then(|data| data["fingerprint"].as_str().map(str::to_owned)),
            outcome,
            best,
            curve,
            settings,
            rows: None,
        })
    }

    /// With what only a comparison needs: the model's size and the rows that were predicted.
    fn in_full(mut self) -> Result<Self, AppError> {
        let folder = RunFolder::view(self.run.as_ref())?;
        if folder.file("graph/infer.json").exists() {
            let graph: Graph = folder.graph(GraphKind::Infer)?;
            self.parameters = Some(graph.initial_values(0).elements());
        }
        let predicted = std::fs::read_to_string(folder.predictions()).ok();
        let row = |line: &str| line.split(',').next().unwrap_or_default().to_owned();
        self.rows = predicted.map(|text| text.lines().skip(1).map(row).collect());
        Ok(self)
    }

    /// The figure by which people judge it: accuracy where there are classes, else the error in the
    /// target's unit, else the loss.
    pub fn figure(&self) -> Option<Figure> {
        let named = |figures: &BTreeMap<String, f64>, split: &str| {
            let names = ["accuracy", "rmse", "loss"];
            let found = names.iter().find_map(|name| Some((*name, *figures.get(*name)?)));
            found.map(|(name, value)| Figure { split: split.into(), name: name.into(), value })
        };
        match &self.outcome {
            Some(outcome) => named(&outcome.metrics, &outcome.split),
            None => named(&self.best, "valid"),
        }
    }
}

/// The better of two values of a figure.
fn better(name: &str, one: f64, other: f64) -> f64 {
    if more_is_better(name) { one.max(other) } else { one.min(other) }
}

/// Every setting by its full path; a list is one value.
fn flatten(path: &str, value: Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                flatten(&path, value, into);
            }
        }
        value => drop(into.insert(path.to_owned(), value)),
    }
}

impl Comparison {
    fn of(runs: Vec<Side>) -> Self {
        let keys: BTreeSet<&String> = runs.iter().flat_map(|side| side.settings.keys()).collect();
        let values = |key: &String| -> Vec<Value> {
            runs.iter().map(|side| side.settings.get(key).cloned().unwrap_or_default()).collect()
        };
        let differences = keys
            .into_iter()
            .map(|key| (key.clone(), values(key)))
            .filter(|(_, values)| values.windows(2).any(|two| two[0] != two[1]))
            .collect();
        let same_data = all_equal(runs.iter().map(|side| side.fingerprint.as_ref()));
        let rows = all_equal(runs.iter().map(|side| side.rows.as_ref()));
        let same_rows = same_data.zip(rows).map(|(data, rows)| data && rows);
        let best = best(&runs);
        Comparison { runs, differences, same_data, same_rows, best }
    }
}

/// Whether all are equal; nothing where one is missing.
fn all_equal<T: PartialEq>(items: impl Iterator<Item = Option<T>>) -> Option<bool> {
    let items: Option<Vec<T>> = items.collect();
    items.map(|items| items.windows(2).all(|two| two[0] == two[1]))
}

/// The first of the best runs by each figure that all of them have.
fn best(runs: &[Side]) -> BTreeMap<String, usize> {
    let of = |side: &Side| side.outcome.as_ref().map(|outcome| outcome.metrics.clone());
    let Some(figures) = runs.iter().map(of).collect::<Option<Vec<_>>>() else {
        return BTreeMap::new();
    };
    let mut best = BTreeMap::new();
    for name in figures.iter().flat_map(BTreeMap::keys) {
        let Some(values) =
            figures.iter().map(|f| f.get(name).copied()).collect::<Option<Vec<f64>>>()
        else {
            continue;
        };
        let top = values.iter().copied().reduce(|held, value| better(name, held, value));
        if let Some(at) = values.iter().position(|value| Some(*value) == top) {
            best.insert(name.clone(), at);
        }
    }
    best
}

pub fn run(args: &CompareArgs, ctx: &Context) -> Result<(), AppError> {
    // A cross-validation stands for its folds.
    let all = |run: &String| match &RunFolder::folds(ctx.runs(), run)[..] {
        [] => vec![run.clone()],
        folds => folds.iter().map(|fold| fold.display().to_string()).collect(),
    };
    let runs: Vec<String> = args.runs.iter().flat_map(all).collect();
    if runs.len() < 2 {
        let see = ctx.text.see_help("glassbox compare");
        return Err(AppError::usage(format!("{}\n  {see}", ctx.text.two_runs())));
    }
    let side = |run: &String| Side::of(&ctx.any_run_path(run)?)?.in_full();
    let sides = runs.iter().map(side).collect::<Result<Vec<_>, _>>()?;
    let found = Comparison::of(sides);
    if !ctx.global.quiet {
        match (found.same_data, found.same_rows) {
            (Some(false), _) => ctx.warn(ctx.text.other_data()),
            (_, Some(false)) => ctx.warn(ctx.text.other_rows()),
            _ => {}
        }
    }
    ctx.print(&found, |screen| compare(&found, ctx.text, screen))
}
