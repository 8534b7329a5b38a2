//! How good a forecast is, step by step, beside the simplest ones.

use serde::Serialize;

use crate::Error;
use crate::data::Rows;
use crate::metrics::Regression;

/// A forecast on some windows of a series beside two guesses that learn nothing: the last value goes on,
/// and what stood there a season before.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Forecast {
    /// Steps ahead.
    pub horizon: usize,
    /// After how many rows the series comes round, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub season: Option<usize>,
    /// The guess that is off by less: what the figures of the baseline are of.
    pub better: Guess,
    /// How far the forecast is off.
    pub model: Off,
    /// How far the last value is.
    pub last: Off,
    /// How far what stood there a season before is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seasonal: Option<Off>,
    /// The same for every step ahead, the next one first.
    pub steps: Vec<StepAhead>,
    /// The forecasts one after the other, each where the one before ends: of each target its name and
    /// the rows, the last ones of the part. Kept in `forecast.csv`.
    #[serde(skip)]
    pub rolling: Vec<(String, Vec<Rolled>)>,
}

/// A guess that learns nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Guess {
    /// The last value goes on.
    #[default]
    Last,
    /// What stood there a season before.
    Seasonal,
}

/// How far numbers are off, in the target's own unit; of several targets, the mean over them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Off {
    /// Mean absolute error.
    pub mae: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
}

/// How far the forecasts so many steps ahead are off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct StepAhead {
    /// Steps ahead, from 1.
    pub step: usize,
    /// The forecast.
    pub model: Off,
    /// The last value.
    pub last: Off,
    /// What stood there a season before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seasonal: Option<Off>,
}

/// A row of a rolling forecast.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rolled {
    /// Its time as it is written; its row, counted from 1 in the order of time, where no column tells it.
    pub time: String,
    /// How many steps ahead it was forecast.
    pub step: usize,
    /// What came.
    pub observed: f64,
    /// What the model said.
    pub forecast: f64,
    /// The last value before the forecast.
    pub last: f64,
    /// What stood there a season before.
    pub seasonal: Option<f64>,
}

/// Rows of a rolling forecast that are kept, at most.
const MOST_ROLLED: usize = 2_000;

/// The figures of a forecast, and the numbers of the better guess; none where rows are no windows of a
/// series that is forecast. `told` are what the model says `[rows, outputs]`, in the targets' own units.
pub(crate) fn forecast(told: &[f64], rows: &Rows) -> Option<Result<(Forecast, Vec<f64>), Error>> {
    let (last, seasonal) = rows.simplest_forecasts()?;
    Some(compare(told, rows, last, seasonal))
}

fn compare(
    told: &[f64],
    rows: &Rows,
    last: Vec<f64>,
    seasonal: Option<Vec<f64>>,
) -> Result<(Forecast, Vec<f64>), Error> {
    let (outputs, targets) = (rows.outputs(), rows.forecasts().unwrap_or(1).max(1));
    let observed = rows.values().unwrap_or_default();
    let of = |numbers: &[f64]| Regression::of(&observed, numbers, outputs);
    let (of_model, of_last) = (of(told)?, of(&last)?);
    let of_seasonal = seasonal.as_deref().map(of).transpose()?;
    let off = |figures: &Regression, outputs: std::ops::Range<usize>| {
        let each = figures.outputs.get(outputs).unwrap_or_default();
        let n = each.len().max(1) as f64;
        Off {
            mae: each.iter().map(|output| output.mae).sum::<f64>() / n,
            rmse: each.iter().map(|output| output.rmse).sum::<f64>() / n,
        }
    };
    let step = |step: usize| {
        let these = (step - 1) * targets..step * targets;
        StepAhead {
            step,
            model: off(&of_model, these.clone()),
            last: off(&of_last, these.clone()),
            seasonal: of_seasonal.as_ref().map(|figures| off(figures, these)),
        }
    };
    let all = 0..outputs;
    let (whole_last, whole_seasonal) =
        (off(&of_last, all.clone()), of_seasonal.as_ref().map(|f| off(f, all.clone())));
    let better = match whole_seasonal {
        Some(seasonal) if seasonal.rmse < whole_last.rmse => Guess::Seasonal,
        _ => Guess::Last,
    };
    let found = Forecast {
        horizon: outputs / targets,
        season: rows.season(),
        better,
        model: off(&of_model, all),
        last: whole_last,
        seasonal: whole_seasonal,
        steps: (1..=outputs / targets).map(step).collect(),
        rolling: rolling(told, rows, &observed, &last, seasonal.as_deref()),
    };
    let guess = match (better, seasonal) {
        (Guess::Seasonal, Some(seasonal)) => seasonal,
        _ => last,
    };
    Ok((found, guess))
}

/// Of windows that overlap those that follow each other without overlap, to the last one.
fn rolling(
    told: &[f64],
    rows: &Rows,
    observed: &[f64],
    last: &[f64],
    seasonal: Option<&[f64]>,
) -> Vec<(String, Vec<Rolled>)> {
    let (outputs, targets) = (rows.outputs(), rows.forecasts().unwrap_or(1).max(1));
    let horizon = outputs / targets;
    let ends = rows.window_ends();
    let mut chosen: Vec<usize> = Vec::new();
    for row in (0..rows.len()).rev() {
        // A window ends before the one that was chosen last by a horizon at least, or another series
        // begins.
        let apart = chosen.last().is_none_or(|&later| ends[row] + horizon <= ends[later]);
        if apart && (chosen.len() + 1) * horizon <= MOST_ROLLED.max(horizon) {
            chosen.push(row);
        }
    }
    chosen.reverse();
    let ends = &ends;
    let of_target = |target: usize| {
        let name = rows.target().output_names().get(target).map_or("", |name| *name);
        let name = name.strip_suffix(" +1").unwrap_or(name).to_owned();
        let each = chosen.iter().flat_map(|&row| {
            (1..=horizon).map(move |step| {
                let at = row * outputs + (step - 1) * targets + target;
                let time = rows.time(row, step).unwrap_or_else(|| (ends[row] + step).to_string());
                Rolled {
                    time,
                    step,
                    observed: observed[at],
                    forecast: told[at],
                    last: last[at],
                    seasonal: seasonal.map(|seasonal| seasonal[at]),
                }
            })
        });
        (name, each.collect())
    };
    (0..targets).map(of_target).collect()
}

impl Forecast {
    /// The share by which the forecast's mean absolute error is below that of the better guess; negative
    /// where it is above.
    pub fn gain(&self) -> f64 {
        let guess = match (self.better, self.seasonal) {
            (Guess::Seasonal, Some(seasonal)) => seasonal,
            _ => self.last,
        };
        1.0 - self.model.mae / guess.mae
    }

    /// The rolling forecast as CSV.
    pub(crate) fn csv(&self) -> String {
        let season = if self.season.is_some() { ",seasonal" } else { "" };
        let mut out = format!("target,time,step,observed,forecast,last{season}\n");
        for (name, rows) in &self.rolling {
            for Rolled { time, step, observed, forecast, last, seasonal } in rows {
                let name = super::trained::cell(name);
                out += &format!("{name},{time},{step},{observed},{forecast},{last}");
                out += &seasonal.map(|x| format!(",{x}")).unwrap_or_default();
                out.push('\n');
            }
        }
        out
    }
}
