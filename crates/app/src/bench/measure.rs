//! How fast a workload goes.

use std::process::{Command, Stdio};
use std::time::Instant;

use glassbox::engine::Options;
use glassbox::prelude::Mode;
use glassbox::watch::StepProfile;
use serde::{Deserialize, Serialize};

use super::machine::{Watch, peak_memory};
use super::work::Ready;
use super::{Kind, Work, Workload};
use crate::error::AppError;

/// Timed runs of a workload.
const RUNS: usize = 7;
/// Steps before the parts of a step are timed.
const WARM: usize = 3;
/// Steps of a process from its start to its end, and how many such processes are timed.
const STEPS: usize = 100;
const PROCESSES: usize = 5;
/// What such a process trains.
const TRAINED: &str = "mlp";

/// What was measured, in the words of the comparison's other side.
#[derive(Serialize)]
pub struct Measured {
    workload: &'static str,
    backend: &'static str,
    variant: &'static str,
    threads: usize,
    unit: &'static str,
    median: f64,
    min: f64,
    max: f64,
    runs: usize,
    steps_per_run: usize,
    /// Processors that others kept busy, in the worst run.
    #[serde(skip_serializing_if = "Option::is_none")]
    other_cpu: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stolen_cpu: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_rss_mb: Option<f64>,
    #[serde(flatten)]
    step: Option<Step>,
    glassbox_version: &'static str,
}

/// What is known of one step.
#[derive(Serialize)]
struct Step {
    items_per_step: f64,
    params: usize,
    flops_per_step: usize,
    gflops: f64,
    /// Seconds of recording and planning.
    compile_s: f64,
    /// Memory for intermediate results, in MB.
    arena_mb: f64,
    isa: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss_first: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss_last: Option<f64>,
}

/// What a number of steps came to.
#[derive(Serialize, Deserialize)]
pub struct Taken {
    workload: String,
    backend: String,
    threads: usize,
    steps: usize,
    seconds: f64,
    loss_first: f64,
    loss_last: f64,
    peak_rss_mb: Option<f64>,
}

/// Times `workload`: after a quarter of `seconds`, seven runs share them, and their median counts.
pub fn measure(workload: &Workload, seconds: f64, options: Options) -> Result<Measured, AppError> {
    match &workload.kind {
        Kind::Steps(work) => steps(workload, work, seconds, options),
        Kind::Processes => processes(workload, options),
    }
}

/// Takes steps for about `seconds`; tells what they consist of and how long each part takes.
pub fn profile(
    workload: &Workload,
    work: &Work,
    seconds: f64,
    options: Options,
) -> Result<StepProfile, AppError> {
    let mut ready = work.ready(options)?;
    timed(&mut ready, WARM)?;
    let mut profile = ready.plan.profile();
    let start = Instant::now();
    while profile.runs() == 0 || start.elapsed().as_secs_f64() < seconds {
        ready.timed_step(Some(&mut profile))?;
    }
    let step = start.elapsed().as_secs_f64() / profile.runs() as f64;
    let (plan, graph) = (ready.plan.plan(), &ready.graph);
    StepProfile::of_plan(plan, graph, workload.items as usize)
        .measured(plan, graph, &profile, &ready.session, step)
        .map_err(AppError::failed)
}

fn steps(
    workload: &Workload,
    work: &Work,
    seconds: f64,
    options: Options,
) -> Result<Measured, AppError> {
    let started = Instant::now();
    let mut ready = work.ready(options)?;
    let ready_after = started.elapsed().as_secs_f64();
    ready.step()?;
    let first = ready.loss();
    let roughly = timed(&mut ready, 2)?;
    let warm = timed(&mut ready, count(seconds / 4.0, roughly))?;
    let each = count(seconds / RUNS as f64, warm);
    let mut runs = Runs::default();
    for _ in 0..RUNS {
        let watch = Watch::new();
        let seconds = timed(&mut ready, each)?;
        runs.add(
            if workload.unit == "ms" { seconds * 1e3 } else { workload.items / seconds },
            &watch,
        );
    }
    ready.step()?;
    let last = ready.loss();
    let training = work.mode == Mode::Train;
    if training && !last.is_finite() {
        return Err(AppError::failed(format!("{}: the loss is {last}", workload.name)));
    }
    let plan = ready.plan.plan();
    let per_second = match workload.unit {
        "ms" => 1e3 / runs.median(),
        _ => runs.median() / workload.items,
    };
    let of_step = Step {
        items_per_step: workload.items,
        params: ready.parameters,
        flops_per_step: plan.operations(),
        gflops: rounded(plan.operations() as f64 * per_second / 1e9),
        compile_s: rounded(ready_after),
        arena_mb: rounded(plan.arena_bytes() as f64 / 1e6),
        isa: ready.session.isa().to_string(),
        loss_first: training.then_some(rounded(first)),
        loss_last: training.then_some(rounded(last)),
    };
    let (threads, peak) = (ready.session.threads(), peak_memory());
    Ok(runs.measured(workload, threads, each, peak, Some(of_step)))
}

/// Times processes like this one that train the smaller net for a hundred steps.
fn processes(workload: &Workload, options: Options) -> Result<Measured, AppError> {
    let program = std::env::current_exe().map_err(AppError::failed)?;
    let (steps, threads) = (STEPS.to_string(), options.threads.to_string());
    let words = ["bench", TRAINED, "--steps", &steps, "--threads", &threads];
    let mut runs = Runs::default();
    let mut peaks = Vec::new();
    // The first is to have the program's file in memory.
    for number in 0..=PROCESSES {
        let (watch, started) = (Watch::new(), Instant::now());
        let ended = Command::new(&program).args(words).stderr(Stdio::inherit()).output();
        let ended = ended.map_err(AppError::failed)?;
        let seconds = started.elapsed().as_secs_f64();
        let taken: Taken = serde_json::from_slice(&ended.stdout).map_err(AppError::failed)?;
        if number > 0 {
            runs.add(seconds, &watch);
            peaks.extend(taken.peak_rss_mb);
        }
    }
    let peak = median(&mut peaks);
    Ok(runs.measured(workload, options.threads, 1, peak, None))
}

/// Takes so many steps, no more, and times them.
pub fn taken(workload: &Workload, count: usize, options: Options) -> Result<Taken, AppError> {
    let Kind::Steps(work) = &workload.kind else {
        return Err(AppError::usage(format!("{} is not made of steps", workload.name)));
    };
    let mut ready = work.ready(options)?;
    let started = Instant::now();
    ready.step()?;
    let first = ready.loss();
    for _ in 1..count {
        ready.step()?;
    }
    Ok(Taken {
        workload: workload.name.into(),
        backend: BACKEND.into(),
        threads: ready.session.threads(),
        steps: count,
        seconds: rounded(started.elapsed().as_secs_f64()),
        loss_first: first,
        loss_last: ready.loss(),
        peak_rss_mb: peak_memory().map(rounded),
    })
}

const BACKEND: &str = "glassbox";

/// Seconds a step.
fn timed(ready: &mut Ready, count: usize) -> Result<f64, AppError> {
    let started = Instant::now();
    for _ in 0..count {
        ready.step()?;
    }
    Ok((started.elapsed().as_secs_f64() / count as f64).max(1e-9))
}

/// How many steps of `each` seconds fit, one at least.
fn count(seconds: f64, each: f64) -> usize {
    ((seconds / each).round() as usize).max(1)
}

/// What the runs gave.
#[derive(Default)]
struct Runs {
    values: Vec<f64>,
    others: Vec<(f64, f64)>,
}

impl Runs {
    fn add(&mut self, value: f64, watch: &Watch) {
        self.values.push(value);
        self.others.extend(watch.others());
    }

    fn median(&self) -> f64 {
        median(&mut self.values.clone()).unwrap_or(f64::NAN)
    }

    fn measured(
        &self,
        workload: &Workload,
        threads: usize,
        steps_per_run: usize,
        peak: Option<f64>,
        step: Option<Step>,
    ) -> Measured {
        let largest =
            |of: fn(&(f64, f64)) -> f64| self.others.iter().map(of).reduce(f64::max).map(rounded);
        let all = || self.values.iter().copied();
        Measured {
            workload: workload.name,
            backend: BACKEND,
            variant: "default",
            threads,
            unit: workload.unit,
            median: rounded(self.median()),
            min: rounded(all().fold(f64::INFINITY, f64::min)),
            max: rounded(all().fold(0.0, f64::max)),
            runs: self.values.len(),
            steps_per_run,
            other_cpu: largest(|&(others, _)| others),
            stolen_cpu: largest(|&(_, stolen)| stolen),
            peak_rss_mb: peak.map(rounded),
            step,
            glassbox_version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (half, odd) = (values.len() / 2, values.len() % 2 == 1);
    let upper = *values.get(half)?;
    Some(if odd { upper } else { (values[half - 1] + upper) / 2.0 })
}

/// To five digits.
fn rounded(x: f64) -> f64 {
    format!("{x:.4e}").parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_digits() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&mut []), None);
        assert_eq!(rounded(123_456.7), 123_460.0);
        assert_eq!(rounded(0.000_123_456), 0.000_123_46);
        assert_eq!((count(0.1, 0.03), count(0.0, 1.0)), (3, 1));
    }
}
