//! `glassbox inspect RUN`

use clap::Args;
use glassbox::engine::Array;
use glassbox::nearest::nearest;
use glassbox::train::folder::RunFolder;
use glassbox::train::summary::Spread;
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
    pub parameters: Vec<Described>,
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
        }
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
    let checkpoints = RunFolder::view(&path)?.checkpoints();
    let steps = checkpoints.steps()?;
    let run = path.display().to_string();
    let checkpoint = match args.step {
        Some(step) if steps.contains(&step) => checkpoints.load(step)?,
        Some(step) if !steps.is_empty() => {
            let kept = steps.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
            return Err(AppError::failed(ctx.text.no_such_step(step, kept)));
        }
        _ => {
            let found = checkpoints.best()?;
            let (checkpoint, warnings) =
                found.ok_or_else(|| AppError::failed(ctx.text.nothing_to_inspect(&run)))?;
            if !ctx.global.quiet {
                warnings.iter().for_each(|warning| ctx.warn(warning));
            }
            checkpoint
        }
    };
    let wanted = |path: &str| args.layer.as_ref().is_none_or(|pattern| matches(pattern, path));
    let parameters: Vec<Described> = checkpoint
        .model
        .iter()
        .filter(|(path, _)| wanted(path))
        .map(|(path, array)| Described::of(path, array))
        .collect();
    if let (true, Some(pattern)) = (parameters.is_empty(), &args.layer) {
        let layers = checkpoint.model.iter().flat_map(|(path, _)| {
            std::iter::once(path).chain(path.rsplit_once('/').map(|(scope, _)| scope))
        });
        let near = nearest(pattern, layers).map(|near| ctx.text.did_you_mean(near));
        let none = ctx.text.no_such_layer(pattern) + &near.unwrap_or_default();
        return Err(AppError::failed(none));
    }
    let found = Inspected { run, step: checkpoint.state.step, parameters };
    ctx.print(&found, |screen| inspect(&found, ctx.text, screen.columns()))
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
