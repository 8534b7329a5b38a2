//! `glassbox train WHAT --folds N`: cross-validation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use glassbox::train::Job;
use glassbox::train::config::NthFold;
use glassbox::train::event::{Ending, Event, Metrics, Outcome};
use glassbox::train::folder::{self, RunFolder};
use serde::Serialize;

use crate::commands::asked::Asked;
use crate::commands::train::TrainArgs;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{fold, folds};

/// What `--json` prints.
#[derive(Serialize)]
pub struct Folds {
    /// The folder of the folds' runs `fold1`, `fold2` …
    pub run: String,
    pub seconds: f64,
    /// Rows that were held out, each once.
    pub rows: usize,
    /// Over the folds; figures that a fold cannot tell are left out.
    pub metrics: BTreeMap<String, Average>,
    pub baseline: BTreeMap<String, Average>,
    /// What each fold ended with.
    pub folds: Vec<Outcome>,
}

/// A figure over the folds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Average {
    pub mean: f64,
    /// The sample standard deviation (by n − 1).
    pub std: f64,
}

impl Average {
    /// Of two values or more.
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Average { mean, std: (squares / (n - 1.0)).sqrt() }
    }
}

impl Folds {
    fn of(run: &Path, folds: Vec<Outcome>) -> Self {
        let averages = |of: fn(&Outcome) -> &Metrics| {
            let names = folds.first().map(of).into_iter().flat_map(Metrics::keys);
            let values = |name: &String| -> Option<Vec<f64>> {
                folds.iter().map(|fold| of(fold).get(name).copied()).collect()
            };
            names.filter_map(|name| Some((name.clone(), Average::of(&values(name)?)))).collect()
        };
        Folds {
            run: run.display().to_string(),
            seconds: folds.iter().map(|fold| fold.seconds).sum(),
            rows: folds.iter().map(|fold| fold.rows).sum(),
            metrics: averages(|fold| &fold.metrics),
            baseline: averages(|fold| &fold.baseline),
            folds,
        }
    }
}

/// Trains `number` times with the same settings, each time with another fold of the table held out;
/// each fold is a run of its own.
pub fn run(args: &TrainArgs, number: usize, ctx: &Context) -> Result<(), AppError> {
    if number < 2 {
        let argument = ctx.text.bad_value(number, "--folds <N>", ctx.text.two_folds());
        return Err(AppError::usage(argument));
    }
    let mut job = Asked { folds: Some(number), ..args.asked.clone() }.job()?;
    let mut config = job.config.clone();
    let root = root(args, &job, number, ctx)?;
    let stop = ctx.stop_flag();
    let mut progress = ctx.progress();
    let mut done = Vec::new();
    for nth in 1..=number {
        if nth > 1 {
            // The first fold's settings, whatever its number of rows suggested.
            config.data.split.fold = Some(NthFold { fold: nth, of: number });
            job = Job::from_config(config.clone())?;
        }
        let folder = RunFolder::create_at(&root.join(format!("fold{nth}")), &job.config)?;
        folder.mark_last(ctx.runs())?;
        let ended = job.train(
            &folder,
            &mut |event| match event {
                // What all folds share is said once.
                Event::Started(_) if nth > 1 => {}
                Event::Step(_) | Event::Epoch(_) if !progress.is_live() => {}
                Event::Finished(_) => {}
                event => progress.handle(event),
            },
            &stop,
        )?;
        if ended.ending == Ending::Interrupted {
            let (folder, root) = (folder.path().display(), root.display());
            ctx.note(ctx.text.folds_interrupted(done.len(), number, &folder));
            let state = serde_json::json!({
                "run": root.to_string(), "state": "interrupted", "folds": done,
            });
            return ctx.print(&state, |_| String::new());
        }
        progress.say(&fold(nth, number, &ended.outcome, ctx.text));
        done.push(ended.outcome);
    }
    let found = Folds::of(&root, done);
    ctx.print(&found, |screen| folds(&found, ctx.text, screen.columns()))
}

/// The folder that the folds' runs are made in.
fn root(args: &TrainArgs, job: &Job, number: usize, ctx: &Context) -> Result<PathBuf, AppError> {
    let Some(path) = &args.out else {
        let label = folder::label(&job.config.data.path, job.model.name());
        return Ok(RunFolder::new_name_in(ctx.runs(), &format!("{label}-{number}-folds"))?);
    };
    match std::fs::read_dir(path).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Err(AppError::failed(ctx.text.not_empty(path.display()))),
        _ => Ok(path.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_is_of_a_sample() {
        let average = Average::of(&[1.0, 2.0, 4.0, 5.0]);
        // Squares of −2, −1, 1, 2 over n − 1 = 3.
        assert_eq!(average, Average { mean: 3.0, std: (10.0f64 / 3.0).sqrt() });
    }
}
