//! `glassbox inspect RUN`

use clap::Args;
use glassbox::engine::Array;
use glassbox::nearest::nearest;
use glassbox::train::checkpoint::Checkpoint;
use glassbox::train::folder::RunFolder;
use glassbox::train::summary::Spread;
use glassbox::watch::{ActivationStatistics, Histogram, Statistics, Which};
use serde::Serialize;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::inspect;

/// Bins of a histogram.
const BINS: usize = 30;

#[derive(Args)]
pub struct InspectArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(long, value_name = "PATTERN")]
    pub layer: Option<String>,
    #[arg(long, value_name = "N")]
    pub step: Option<u64>,
}

/// What `--json` prints.
#[derive(Serialize)]
pub struct Inspected {
    pub run: String,
    /// The step whose weights are described.
    pub step: u64,
    /// What gradients and activations are of; none where the data is gone.
    pub batch: Option<Batch>,
    pub parameters: Vec<Described>,
    pub activations: Vec<ActivationStatistics>,
    /// Over the training; none where nothing was watched.
    pub curve: Option<GradientCurves>,
}

/// The batch that comes next after the weights' step.
#[derive(Serialize)]
pub struct Batch {
    pub rows: usize,
    pub loss: f64,
    pub gradient_norm: f64,
    /// The norm of the step of all parameters over their norm.
    pub update_ratio: f64,
}

/// What the numbers of a parameter are like.
#[derive(Serialize)]
pub struct Described {
    pub path: String,
    pub shape: Vec<usize>,
    pub count: usize,
    /// Of those that are finite; none where no number is.
    pub spread: Option<Spread>,
    /// Root of the sum of squares of those that are finite.
    pub norm: f64,
    /// The share that is exactly zero.
    pub zeros: f64,
    /// How many are infinite or no number.
    pub not_finite: usize,
    /// How many lie in each of equal parts of the range from the least to the greatest.
    pub histogram: Vec<usize>,
    /// None of a parameter that does not learn.
    pub gradient: Option<Gradient>,
}

/// The loss's gradient with respect to a parameter.
#[derive(Serialize)]
pub struct Gradient {
    pub norm: f64,
    /// The norm of the parameter's step over its norm.
    pub update_ratio: f64,
    pub values: Histogram,
}

/// The gradient norm of each layer at the steps that were watched.
#[derive(Serialize)]
pub struct GradientCurves {
    pub steps: Vec<u64>,
    pub layers: Vec<(String, Vec<f64>)>,
}

impl GradientCurves {
    /// Of the parameters that are wanted; none of fewer than two looks.
    fn of(looks: &[Statistics], wanted: impl Fn(&str) -> bool) -> Option<Self> {
        let mut layers: Vec<(String, Vec<f64>)> = Vec::new();
        for (index, look) in looks.iter().enumerate() {
            for parameter in look.parameters.iter().filter(|p| wanted(&p.path)) {
                let layer = parameter.path.rsplit_once('/').map_or("", |(layer, _)| layer);
                let layer = if layer.is_empty() { &parameter.path } else { layer };
                let known = layers.iter().position(|(name, _)| name == layer);
                let at = known.unwrap_or_else(|| {
                    layers.push((layer.to_owned(), vec![0.0; looks.len()]));
                    layers.len() - 1
                });
                let norm = &mut layers[at].1[index];
                *norm = norm.hypot(parameter.gradient_norm);
            }
        }
        let steps: Vec<u64> = looks.iter().map(|look| look.step).collect();
        (steps.len() > 1 && !layers.is_empty()).then_some(GradientCurves { steps, layers })
    }
}

impl Described {
    fn of(path: &str, array: &Array) -> Self {
        let all = array.to_f64();
        let finite: Vec<f64> = all.iter().copied().filter(|x| x.is_finite()).collect();
        let spread = Spread::of(&finite);
        let zeros = all.iter().filter(|x| **x == 0.0).count();
        Described {
            path: path.to_owned(),
            shape: array.shape().sizes().to_vec(),
            count: all.len(),
            spread,
            norm: finite.iter().map(|x| x * x).sum::<f64>().sqrt(),
            zeros: zeros as f64 / all.len().max(1) as f64,
            not_finite: all.len() - finite.len(),
            histogram: spread.map(|s| histogram(&finite, s.min, s.max)).unwrap_or_default(),
            gradient: None,
        }
    }

    /// With what a look into a step says of its gradient.
    fn with_gradient(mut self, look: Option<&Statistics>) -> Self {
        let found = look.and_then(|look| look.parameter(&self.path));
        self.gradient = found.filter(|p| !p.gradients.counts.is_empty()).map(|p| Gradient {
            norm: p.gradient_norm,
            update_ratio: p.update_ratio,
            values: p.gradients.clone(),
        });
        self
    }
}

/// How many values lie in each of [`BINS`] equal parts from `least` to `greatest`; one part where
/// all are equal.
fn histogram(values: &[f64], least: f64, greatest: f64) -> Vec<usize> {
    if greatest <= least {
        return vec![values.len()];
    }
    let mut counts = vec![0; BINS];
    for value in values {
        let share = (value - least) / (greatest - least);
        counts[((share * BINS as f64) as usize).min(BINS - 1)] += 1;
    }
    counts
}

pub fn run(args: &InspectArgs, ctx: &Context) -> Result<(), AppError> {
    let path = ctx.run_path(&args.run)?;
    let folder = RunFolder::view(&path)?;
    let run = path.display().to_string();
    let checkpoint = checkpoint(args, &folder, ctx)?;
    let step = checkpoint.state.step;
    // The weights can be shown where the data is gone.
    let look = match Statistics::of_run(&folder, Which::Step(step)) {
        Ok(look) => Some(look),
        Err(error) => {
            if !ctx.global.quiet {
                ctx.warn(ctx.text.only_weights(error));
            }
            None
        }
    };
    let wanted = |path: &str| args.layer.as_ref().is_none_or(|pattern| matches(pattern, path));
    let parameters: Vec<Described> = checkpoint
        .model
        .iter()
        .filter(|(path, _)| wanted(path))
        .map(|(path, array)| Described::of(path, array).with_gradient(look.as_ref()))
        .collect();
    let all = || look.iter().flat_map(|look| &look.activations);
    let activations: Vec<_> = all().filter(|a| wanted(&a.path)).cloned().collect();
    if let (true, true, Some(pattern)) =
        (parameters.is_empty(), activations.is_empty(), &args.layer)
    {
        let paths = checkpoint.model.iter().map(|(path, _)| path);
        let paths = paths.chain(all().map(|activation| activation.path.as_str()));
        let layers = paths.flat_map(|path| {
            std::iter::once(path).chain(path.rsplit_once('/').map(|(scope, _)| scope))
        });
        let near = nearest(pattern, layers).map(|near| ctx.text.did_you_mean(near));
        let none = ctx.text.no_such_layer(pattern) + &near.unwrap_or_default();
        return Err(AppError::failed(none));
    }
    let batch = look.as_ref().map(|look| Batch {
        rows: look.activations.first().and_then(|a| a.shape.first().copied()).unwrap_or(0),
        loss: look.loss,
        gradient_norm: look.gradient_norm,
        update_ratio: look.update_ratio,
    });
    let curve = GradientCurves::of(&Statistics::read(&folder)?, wanted);
    let found = Inspected { run, step, batch, parameters, activations, curve };
    ctx.print(&found, |screen| inspect(&found, ctx.text, screen.columns()))
}

/// The checkpoint of the step that is asked for, else the best.
fn checkpoint(
    args: &InspectArgs,
    folder: &RunFolder,
    ctx: &Context,
) -> Result<Checkpoint, AppError> {
    let checkpoints = folder.checkpoints();
    let steps = checkpoints.steps()?;
    match args.step {
        Some(step) if steps.contains(&step) => Ok(checkpoints.load(step)?),
        Some(step) if !steps.is_empty() => {
            let kept = steps.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
            Err(AppError::failed(ctx.text.no_such_step(step, kept)))
        }
        _ => {
            let none = || AppError::failed(ctx.text.nothing_to_inspect(folder.path().display()));
            let (checkpoint, warnings) = checkpoints.best()?.ok_or_else(none)?;
            ctx.warn_of_checkpoints(&warnings);
            Ok(checkpoint)
        }
    }
}

/// Whether a path is meant: it, or a scope that it is in, is the pattern; `*` stands for any
/// letters.
fn matches(pattern: &str, path: &str) -> bool {
    let ends = path.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| &path[..at]);
    ends.chain([path]).any(|part| glob(pattern, part))
}

fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len())
                .filter(|at| rest.is_char_boundary(*at))
                .any(|at| glob(after, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_a_path_or_a_scope_it_is_in() {
        let matching = |pattern: &str| {
            let paths = ["fc1/bias", "fc1/weight", "fc10/weight", "block/fc1/weight"];
            paths.into_iter().filter(|path| matches(pattern, path)).collect::<Vec<_>>()
        };
        assert_eq!(matching("fc1"), ["fc1/bias", "fc1/weight"]);
        assert_eq!(matching("*weight"), ["fc1/weight", "fc10/weight", "block/fc1/weight"]);
        assert_eq!(matching("fc1*/w*t"), ["fc1/weight", "fc10/weight"]);
        assert_eq!(matching("block"), ["block/fc1/weight"]);
        assert!(matching("fc").is_empty());
    }

    #[test]
    fn what_the_numbers_are_like_is_counted_and_what_is_not_finite_kept_apart() {
        let array = Array::from_f64(
            glassbox::engine::DType::F32,
            [6],
            &[0.0, 3.0, 0.0, -4.0, f64::NAN, f64::INFINITY],
        );
        let found = Described::of("x", &array.unwrap());
        let spread = found.spread.unwrap();
        assert_eq!((spread.min, spread.max, spread.mean), (-4.0, 3.0, -0.25));
        assert_eq!((found.norm, found.not_finite), (5.0, 2));
        assert_eq!(found.zeros, 2.0 / 6.0);
        assert_eq!(found.histogram.iter().sum::<usize>(), 4);
        // −4 is in the first part, 0 at 4/7 of the range, 3 in the last.
        assert_eq!((found.histogram[0], found.histogram[17], found.histogram[29]), (1, 2, 1));
        assert_eq!(histogram(&[2.0, 2.0], 2.0, 2.0), [2]);
    }
}
