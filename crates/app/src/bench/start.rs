//! Whether a workload is the same work as PyTorch's: from its starting weights, batches and noise, the
//! first gradients and losses must be the same.
//!
//! Where the recorded start holds the truth in f64, too (bench/exact.py), that is what we are compared
//! with, and PyTorch's own distance from it is told: gradients behind batch normalisation nearly cancel,
//! and lose most of their digits on both sides.

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::path::Path;

use glassbox::engine::{Array, DType, Graph, Kind as Declared, Options, Parameters};
use glassbox::io::safetensors;
use glassbox::nearest::nearest;
use glassbox::prelude::Mode;
use serde::{Deserialize, Serialize};

use super::{Checked, Values, Work};
use crate::error::AppError;

/// How far numbers may be apart, relatively.
const LIMIT: f64 = 1e-4;
/// Losses that are held to it.
const LOSSES: usize = 10;
/// How far later ones may be apart: trajectories in f32 part for good.
const CURVE: f64 = 0.01;

/// How far both sides are apart.
#[derive(Serialize)]
pub struct Agreement {
    pub workload: &'static str,
    pub agrees: bool,
    /// Whether the other side is in f64.
    pub exact: bool,
    /// How far gradients and losses may be apart.
    pub limit: f64,
    /// Where the other side is in f64: how far the recorded losses and gradients in f32 are from it.
    pub recorded: Option<[f64; 2]>,
    /// Of each parameter, as they name it: the norm of the first step's gradient, or that of its first
    /// elements which is furthest apart.
    pub gradients: Vec<Apart>,
    /// Of the first steps.
    pub losses: Vec<Apart>,
    /// Of the steps behind them, where the recorded start has them: beside f64 as far as it goes, then
    /// beside the recorded f32.
    pub curve: Vec<Apart>,
    /// How far these may be apart.
    pub curve_limit: f64,
}

/// A number of both sides.
#[derive(Serialize)]
pub struct Apart {
    pub what: String,
    pub ours: f64,
    pub theirs: f64,
    /// Their distance, relative to theirs; of gradients' elements to the root of their mean square, if
    /// that is more.
    pub apart: f64,
    pub too_far: bool,
}

impl Apart {
    fn new(what: impl Into<String>, ours: f64, theirs: f64, least: f64, limit: f64) -> Self {
        let apart = distance(ours, theirs, least);
        // What is no number is too far.
        let near = apart <= limit;
        Apart { what: what.into(), ours, theirs, apart, too_far: !near }
    }
}

fn distance(ours: f64, theirs: f64, least: f64) -> f64 {
    if ours == theirs { 0.0 } else { (ours - theirs).abs() / theirs.abs().max(least) }
}

/// `trajectory.json`, and `exact.json`.
#[derive(Deserialize)]
struct Trajectory {
    losses: Vec<f64>,
    gradients: BTreeMap<String, Gradient>,
}

#[derive(Deserialize)]
struct Gradient {
    norm: f64,
    first: Vec<f64>,
}

impl Gradient {
    /// The root of the mean square of `count` elements.
    fn typical(&self, count: usize) -> f64 {
        self.norm / (count.max(1) as f64).sqrt()
    }
}

impl Trajectory {
    fn read(path: &Path) -> Result<Self, AppError> {
        let at = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
        let text = read_to_string(path).map_err(|error| AppError::failed(at(&error)))?;
        serde_json::from_str(&text).map_err(|error| AppError::failed(at(&error)))
    }

    /// How far its losses, and the first elements of its gradients, are from the `exact` ones at most.
    /// `start` tells how many elements a gradient has.
    fn distance_from(&self, exact: &Trajectory, start: &Parameters) -> [f64; 2] {
        let losses = self.losses.iter().zip(&exact.losses).map(|(a, b)| distance(*a, *b, 0.0));
        let gradients = self.gradients.iter().flat_map(|(name, told)| {
            let count = start.get(name).map_or(1, |array| array.shape().elements());
            let pairs = exact.gradients.get(name).into_iter().flat_map(move |exact| {
                let least = exact.typical(count);
                told.first.iter().zip(&exact.first).map(move |(a, b)| distance(*a, *b, least))
            });
            pairs.collect::<Vec<f64>>()
        });
        [losses.fold(0.0, f64::max), gradients.fold(0.0, f64::max)]
    }
}

/// Repeats the first steps that `folder` recorded, and compares; in `f64` with its steps in f64, where
/// rounding plays no part.
pub fn agreement(
    name: &'static str,
    work: &Work,
    folder: &Path,
    options: Options,
    f64: bool,
) -> Result<Agreement, AppError> {
    let read = |file: &str| Ok::<_, AppError>(safetensors::read(&folder.join(file))?.0);
    let (start, batches) = (read("start.safetensors")?, read("batches.safetensors")?);
    let noisy = work.batch.iter().any(|field| matches!(field.values, Values::Noise));
    let noise = if noisy { read("noise.safetensors")? } else { Parameters::new() };
    let mut told = Trajectory::read(&folder.join("trajectory.json"))?;
    let mut all = told.losses.clone();
    let (path, mut recorded) = (folder.join("exact.json"), None);
    if path.exists() {
        let exact = Trajectory::read(&path)?;
        recorded = Some(told.distance_from(&exact, &start));
        told = exact;
    }
    let failed = |problem: String| AppError::failed(format!("{}: {problem}", folder.display()));
    if f64 {
        if recorded.take().is_none() {
            return Err(failed("there is no exact.json; bench/exact.py makes it".into()));
        }
        all.truncate(told.losses.len());
    }
    all.iter_mut().zip(&told.losses).for_each(|(loss, &exact)| *loss = exact);
    let mut ready = work
        .prepared(options, Checked { checked: true, f64 }, |graph| {
            first_values(work, graph, &start)
        })
        .map_err(|error| failed(error.to_string()))?;
    let mut pool = 0;
    while batches.get(&format!("{pool}.0")).is_some() {
        pool += 1;
    }
    ready.pool.push(ready.plan.inputs());
    let (mut losses, mut curve) = (Vec::new(), Vec::new());
    let mut gradients = Vec::new();
    for (number, &loss) in all.iter().enumerate() {
        let mut place = 0;
        for field in &work.batch {
            let array = match field.values {
                Values::Noise => noise.get(&number.to_string()),
                _ => {
                    place += 1;
                    batches.get(&format!("{}.{}", number % pool.max(1), place - 1))
                }
            };
            let array =
                array.ok_or_else(|| failed(format!("step {number} has no `{}`", field.name)))?;
            if let Some(slot) = ready.plan.input(field.name) {
                let (turn, dtype) = (Turn::batch(array), ready.pool[0][slot].dtype());
                let turned = turned(array, &field.shape, &turn, dtype).map_err(failed)?;
                ready.pool[0][slot].write(&turned).map_err(|error| failed(error.to_string()))?;
            }
        }
        ready.step()?;
        let (to, limit) = match number < LOSSES {
            true => (&mut losses, LIMIT),
            false => (&mut curve, CURVE),
        };
        to.push(Apart::new((number + 1).to_string(), ready.loss(), loss, 0.0, limit));
        if number == 0 {
            for (path, slope) in ready.gradients.iter().zip(ready.results.iter().skip(1)) {
                let name = (work.theirs)(path);
                let theirs = told.gradients.get(&name);
                let theirs = theirs.ok_or_else(|| failed(format!("no gradient of `{name}`")))?;
                let held = start.get(&name).ok_or_else(|| failed(format!("no `{name}`")))?;
                let slope = slope.read();
                let from =
                    Turn::weight(work, &name, held, slope.shape().sizes()).map_err(failed)?;
                let pair = (&*slope.to_f64(), theirs);
                gradients.push(furthest(name, pair, &from.order(), LIMIT));
            }
        }
    }
    if losses.is_empty() || gradients.is_empty() && work.mode == Mode::Train {
        return Err(failed("there is nothing to compare".into()));
    }
    let agrees = !losses.iter().chain(&gradients).chain(&curve).any(|apart| apart.too_far);
    Ok(Agreement {
        workload: name,
        agrees,
        exact: f64 || recorded.is_some(),
        limit: LIMIT,
        recorded,
        gradients,
        losses,
        curve,
        curve_limit: CURVE,
    })
}

/// Of the norm and the first elements of a gradient, ours and theirs, what is furthest apart. `order`
/// says for each of ours which of theirs it is.
fn furthest(
    name: String,
    (ours, theirs): (&[f64], &Gradient),
    order: &[usize],
    limit: f64,
) -> Apart {
    let norm = ours.iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut furthest = Apart::new(format!("‖{name}‖"), norm, theirs.norm, 0.0, limit);
    let far = |apart: &Apart| if apart.apart.is_nan() { f64::INFINITY } else { apart.apart };
    for (index, &element) in theirs.first.iter().enumerate() {
        let ours = order.iter().position(|&of| of == index).and_then(|at| ours.get(at));
        let ours = ours.copied().unwrap_or(f64::NAN);
        let least = theirs.typical(order.len());
        let found = Apart::new(format!("{name}[{index}]"), ours, element, least, limit);
        if far(&found) > far(&furthest) {
            furthest = found;
        }
    }
    furthest
}

/// Every first value that the graph declares: theirs, or where they have none (an optimiser's moments)
/// its own. Both sides must have the same parameters.
fn first_values(work: &Work, graph: &Graph, start: &Parameters) -> Result<Parameters, AppError> {
    let mut values = graph.initial_values(0);
    let mut problems = Vec::new();
    let mut used: Vec<String> = Vec::new();
    for (path, declared) in graph.declarations() {
        let name = (work.theirs)(&path);
        let held = graph.state(&path);
        let shape = held.map(|tensor| tensor.shape()).unwrap_or_default();
        let dtype = held.map_or(DType::F32, |tensor| tensor.dtype());
        match start.get(&name) {
            Some(array) => {
                let turn = Turn::weight(work, &name, array, shape.sizes());
                match turn.and_then(|turn| turned(array, shape.sizes(), &turn, dtype)) {
                    Ok(array) => drop(values.insert(path, array)),
                    Err(problem) => problems.push(format!("`{name}`: {problem}")),
                }
                used.push(name);
            }
            None if declared.kind == Declared::Parameter => {
                let near = nearest(&name, start.iter().map(|(name, _)| name));
                let near =
                    near.map(|near| format!("; the nearest is `{near}`")).unwrap_or_default();
                problems.push(format!("there is no `{name}` for {path}{near}"));
            }
            None => {}
        }
    }
    // A counter that nothing depends on.
    let counts = |name: &str| name.ends_with("num_batches_tracked");
    let unused = start.iter().filter(|(name, _)| !counts(name) && !used.iter().any(|u| u == name));
    problems.extend(unused.map(|(name, _)| format!("`{name}` has no place here")));
    if problems.is_empty() { Ok(values) } else { Err(AppError::failed(problems.join("\n  "))) }
}

/// How a tensor's axes are arranged here: sizes as PyTorch has them, and for each of ours which of
/// those axes it is.
struct Turn {
    sizes: Vec<usize>,
    axes: Vec<usize>,
}

impl Turn {
    /// Of a batch: images with their channels last.
    fn batch(array: &Array) -> Turn {
        let sizes = array.shape().sizes().to_vec();
        let axes = if sizes.len() == 4 { vec![0, 2, 3, 1] } else { (0..sizes.len()).collect() };
        Turn { sizes, axes }
    }

    /// Of a parameter or state: filters `[…, height, width]` with their axes reversed after those two,
    /// and a layer's weights turned over. Tables, which are not, have other sizes than they would have.
    fn weight(work: &Work, name: &str, array: &Array, ours: &[usize]) -> Result<Turn, String> {
        let theirs = array.shape().sizes();
        let reversed = theirs.iter().rev().eq(ours);
        let order: Vec<usize> = match theirs.len() {
            4 => vec![2, 3, 1, 0],
            2 if reversed => vec![1, 0],
            rank => (0..rank).collect(),
        };
        let flattened = work.flattened.iter().find(|(of, ..)| *of == name);
        let (mut sizes, mut groups) = (Vec::new(), Vec::new());
        for (axis, &size) in theirs.iter().enumerate() {
            let first = sizes.len();
            match flattened {
                Some(&(_, of, parts)) if of == axis => {
                    if parts.iter().product::<usize>() != size {
                        return Err(format!("{size} is not {parts:?}"));
                    }
                    sizes.extend(parts);
                    groups.push(vec![first + 1, first + 2, first]);
                }
                _ => {
                    sizes.push(size);
                    groups.push(vec![first]);
                }
            }
        }
        let axes = order.iter().flat_map(|&axis| groups[axis].clone()).collect();
        Ok(Turn { sizes, axes })
    }

    /// For each element as it lies here, where it lies there.
    fn order(&self) -> Vec<usize> {
        let mut strides = vec![1; self.sizes.len()];
        for axis in (1..self.sizes.len()).rev() {
            strides[axis - 1] = strides[axis] * self.sizes[axis];
        }
        let mut order = vec![0];
        for &axis in &self.axes {
            let steps = |&from: &usize| (0..self.sizes[axis]).map(move |i| (from, i));
            let next = order.iter().flat_map(steps);
            order = next.map(|(from, i)| from + i * strides[axis]).collect();
        }
        order
    }
}

/// The array as it lies here, of this shape and type.
fn turned(array: &Array, shape: &[usize], turn: &Turn, dtype: DType) -> Result<Array, String> {
    let (values, order) = (array.to_f64(), turn.order());
    if values.len() != shape.iter().product::<usize>() || order.len() != values.len() {
        return Err(format!("{} does not fit {shape:?}", array.shape()));
    }
    let values: Vec<f64> = order.iter().filter_map(|&from| values.get(from).copied()).collect();
    Array::from_f64(dtype, shape, &values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_turned_as_layers_hold_them() {
        // Filters [out, in, height, width] = [1, 2, 1, 2] become [height, width, in, out].
        let turn = Turn { sizes: vec![1, 2, 1, 2], axes: vec![2, 3, 1, 0] };
        assert_eq!(turn.order(), [0, 2, 1, 3]);
        // Two channels of two pixels, flattened: pixels first here.
        let turn = Turn { sizes: vec![2, 1, 2], axes: vec![1, 2, 0] };
        assert_eq!(turn.order(), [0, 2, 1, 3]);
        let scalar = Turn { sizes: vec![], axes: vec![] };
        assert_eq!(scalar.order(), [0]);
    }

    #[test]
    fn what_is_no_number_is_too_far() {
        let too_far = |ours, theirs, least| Apart::new("x", ours, theirs, least, LIMIT).too_far;
        assert!(too_far(f64::NAN, 1.0, 0.0) && too_far(1.0, f64::NAN, 0.0));
        assert!(too_far(1.0002, 1.0, 0.0) && !too_far(1.00005, 1.0, 0.0));
        assert!(!too_far(1.0000001e-3, 1e-3, 0.0) && too_far(0.1, 0.0, 0.0));
        assert!(!too_far(1e-6, 2e-6, 1.0), "small beside its like");
    }
}
