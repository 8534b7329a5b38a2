//! What a step of training consists of, what it costs, and how long each part of it takes.

use std::time::{Duration, Instant};

use glassbox_engine::{Cost, Graph, Limits, Plan, Profile, Role, Session, StepCost};
use serde::Serialize;

use crate::Error;
use crate::train::Job;
use crate::train::config::Amount;
use crate::train::folder::RunFolder;
use crate::train::graphs_of;
use crate::train::steps::Steps;

/// Steps before anything is measured: memory is touched, threads are awake.
const WARM: usize = 3;

/// Which part of a step of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// From the inputs to the loss.
    Forward,
    /// From the loss to the gradients.
    Backward,
    /// From the gradients to the next values.
    Update,
}

impl Phase {
    /// All of them, in their order.
    pub const ALL: [Phase; 3] = [Phase::Forward, Phase::Backward, Phase::Update];

    fn of(role: &Role) -> Self {
        match role {
            Role::Forward => Phase::Forward,
            Role::Adjoint { .. } | Role::Sum { .. } | Role::Recompute { .. } => Phase::Backward,
            Role::Update { .. } => Phase::Update,
        }
    }
}

/// What one kind of kernel does for one scope in one phase of a step. A kernel that computes nodes
/// of several scopes or phases is shared out among its nodes alike.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Work {
    /// The scope's path, empty for what belongs to no layer.
    pub scope: String,
    /// The phase.
    pub phase: Phase,
    /// The kind of kernel: `matmul`, `loop`, `convolution` …
    pub kernel: &'static str,
    /// Operations on single numbers (FLOP).
    pub operations: f64,
    /// Of these, multiply-adds × 2 in matrix products and convolutions.
    pub products: f64,
    /// Bytes read and written.
    pub bytes: f64,
    /// Seconds; 0 where nothing was measured.
    pub seconds: f64,
}

impl Work {
    /// GFLOP/s of its products, where it was measured: what else is done with their elements is not
    /// counted.
    pub fn gflops(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.products / self.seconds / 1e9)
    }

    /// GB/s, where it was measured.
    pub fn gigabytes(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.bytes / self.seconds / 1e9)
    }

    /// Whether arithmetic bounds it rather than memory: a product or a convolution.
    pub fn is_product(&self) -> bool {
        self.kernel == "matmul" || self.kernel.starts_with("convolution")
    }

    /// The share that it reaches of what the machine can do at most: of the multiply-adds for a
    /// product or a convolution, else of the bandwidth of copying. More than 1 where caches help.
    pub fn fraction(&self, limits: &Limits) -> Option<f64> {
        match self.is_product() {
            true => Some(self.gflops()? / limits.gflops),
            false => Some(self.gigabytes()? / limits.gigabytes),
        }
    }
}

/// One kernel of a step, in the order in which they run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KernelTime {
    /// The scope of the last node that it computes.
    pub scope: String,
    /// The phase of that node.
    pub phase: Phase,
    /// Its kind.
    pub kernel: &'static str,
    /// The ops that it computes.
    pub ops: Vec<&'static str>,
    /// Seconds from the start of the step.
    pub start: f64,
    /// Seconds that it takes; those of a loop include its body's.
    pub seconds: f64,
    /// How deep in loops it is.
    pub depth: usize,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Steps that were taken for it.
    pub steps: u64,
    /// Mean seconds of a step, gathering its rows included.
    pub step: f64,
    /// Mean seconds of a step within kernels.
    pub kernels: f64,
    /// The threads.
    pub threads: usize,
    /// The instruction set.
    pub instruction_set: String,
    /// What the machine can do at most.
    pub limits: Limits,
    /// Each kernel, in order.
    pub timeline: Vec<KernelTime>,
}

/// A step of training on a whole batch: what it consists of and costs, and, where it was measured,
/// how long it takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepProfile {
    /// Rows of the batch.
    pub rows: usize,
    /// What it costs, counted.
    pub cost: Cost,
    /// Bytes of parameters, of what the optimiser remembers, and of other states.
    pub state_bytes: usize,
    /// What it consists of, in the order in which scopes first appear.
    pub work: Vec<Work>,
    /// How long that takes.
    pub measured: Option<Measured>,
}

impl StepProfile {
    /// Of a run that has not begun; nothing is run.
    ///
    /// # Errors
    /// A model that does not fit its data or the machine's memory.
    pub fn of_job(job: &Job) -> Result<Self, Error> {
        let (graphs, _) = job.graphs()?;
        let steps = Steps::new(&job.data, &job.config.train, &graphs, &job.start.values)?;
        Ok(StepProfile::of_plan(steps.whole(), &graphs[0], steps.batch))
    }

    /// Of any plan of this graph, whose step makes so many rows; nothing is run.
    pub fn of_plan(plan: &Plan, graph: &Graph, rows: usize) -> Self {
        let mut work = Vec::new();
        share_out(&plan.steps(graph), &mut work, &mut std::iter::empty());
        StepProfile {
            rows,
            cost: plan.cost(),
            state_bytes: plan.state_bytes(),
            work,
            measured: None,
        }
    }

    /// Of a run whose configuration and graphs are in a folder: steps are taken from its start, for
    /// about `time`, and measured; the run stays as it is. A step by `threads`, if they are given.
    ///
    /// # Errors
    /// Data that cannot be loaded any more or has changed; corrupt files.
    pub fn of_run(
        folder: &RunFolder,
        time: Duration,
        threads: Option<usize>,
    ) -> Result<Self, Error> {
        let mut job = Job::of_run(folder)?;
        job.check_data(folder)?;
        if let Some(threads) = threads {
            job.config.train.threads = Amount::Exactly(threads);
        }
        let (graphs, _) = graphs_of(folder)?;
        let mut steps = Steps::new(&job.data, &job.config.train, &graphs, &job.start.values)?;
        for _ in 0..WARM {
            take(&mut steps)?;
        }
        steps.begin_profile();
        let (start, mut rows) = (Instant::now(), 0);
        while start.elapsed() < time || steps.profile().is_none_or(|profile| profile.runs() == 0) {
            rows += take(&mut steps)?;
        }
        let found = StepProfile::of_plan(steps.whole(), &graphs[0], steps.batch);
        let step = start.elapsed().as_secs_f64() * found.rows as f64 / rows as f64;
        let Some(profile) = steps.profile() else { return Ok(found) };
        found.measured(steps.whole(), &graphs[0], profile, &steps.session, step)
    }

    /// The same with what `profile` has seen of the plan in this session, a step taking `step` seconds
    /// with all that is done around it.
    ///
    /// # Errors
    /// The machine's limits cannot be measured.
    pub fn measured(
        mut self,
        plan: &Plan,
        graph: &Graph,
        profile: &Profile,
        session: &Session,
        step: f64,
    ) -> Result<Self, Error> {
        let runs = profile.runs().max(1) as f64;
        let mut seconds = profile.nanoseconds().iter().map(|&time| time as f64 / 1e9 / runs);
        let mut timeline = Timeline { kernels: Vec::new(), seconds: &mut seconds, now: 0.0 };
        let all = plan.steps(graph);
        timeline.add(&all, 0);
        let kernels = timeline.kernels;
        let mut times = kernels.iter().map(|kernel| kernel.seconds);
        self.work.clear();
        share_out(&all, &mut self.work, &mut times);
        self.measured = Some(Measured {
            steps: profile.runs(),
            step,
            kernels: profile.seconds() / runs,
            threads: session.threads(),
            instruction_set: session.isa().to_string(),
            limits: session.limits()?,
            timeline: kernels,
        });
        Ok(self)
    }

    /// One step's kernels as a file of trace events, which browsers show as a timeline and as a flame
    /// graph (<https://ui.perfetto.dev>, `chrome://tracing`): JSON in the
    /// [trace event format](https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU).
    /// Nothing where nothing was measured.
    pub fn trace(&self) -> Option<String> {
        let event = |kernel: &KernelTime| {
            serde_json::json!({
                "name": if kernel.scope.is_empty() { kernel.kernel } else { &kernel.scope },
                "cat": kernel.phase,
                "ph": "X",
                "ts": kernel.start * 1e6,
                "dur": kernel.seconds * 1e6,
                "pid": 1,
                "tid": 1,
                "args": { "kernel": kernel.kernel, "ops": kernel.ops.join(" ") },
            })
        };
        let measured = self.measured.as_ref()?;
        // A phase spans its kernels, on a line above them.
        let phases = measured.timeline.chunk_by(|a, b| a.phase == b.phase).filter_map(|part| {
            let (first, last) = (part.first()?, part.last()?);
            Some(serde_json::json!({
                "name": first.phase,
                "ph": "X",
                "ts": first.start * 1e6,
                "dur": (last.start + last.seconds - first.start) * 1e6,
                "pid": 1,
                "tid": 1,
            }))
        });
        let events: Vec<_> = phases.chain(measured.timeline.iter().map(event)).collect();
        Some(serde_json::json!({ "traceEvents": events, "displayTimeUnit": "ms" }).to_string())
    }
}

/// Takes a step; gives its rows.
fn take(steps: &mut Steps<'_>) -> Result<usize, Error> {
    let (_, rows) = steps.step()?;
    steps.finish_epoch();
    Ok(rows)
}

/// Adds what steps do to the work of their scopes, phases and kernels; `times` are their seconds, a
/// loop's before those of its body. What a loop does itself is what its body does not.
fn share_out(steps: &[StepCost], work: &mut Vec<Work>, times: &mut dyn Iterator<Item = f64>) {
    for step in steps {
        let own = times.next().unwrap_or(0.0);
        let before: f64 = work.iter().map(|work| work.seconds).sum();
        share_out(&step.body, work, times);
        let within = work.iter().map(|work| work.seconds).sum::<f64>() - before;
        // A loop's costs are those of its body.
        let own_costs = if step.body.is_empty() { 1.0 } else { 0.0 };
        let share = 1.0 / step.nodes.len().max(1) as f64;
        for node in &step.nodes {
            let key = (node.scope.as_str(), Phase::of(&node.role), step.kernel);
            let known = work.iter().position(|w| (w.scope.as_str(), w.phase, w.kernel) == key);
            let at = known.unwrap_or_else(|| {
                let (scope, phase, kernel) = (node.scope.clone(), key.1, key.2);
                work.push(Work {
                    scope,
                    phase,
                    kernel,
                    operations: 0.0,
                    products: 0.0,
                    bytes: 0.0,
                    seconds: 0.0,
                });
                work.len() - 1
            });
            let costs = share * own_costs;
            work[at].operations += costs * step.operations as f64;
            work[at].products += costs * step.products as f64;
            work[at].bytes += costs * (step.bytes_read + step.bytes_written) as f64;
            work[at].seconds += share * (own - within).max(0.0);
        }
    }
}

/// Kernels one after the other.
struct Timeline<'a> {
    kernels: Vec<KernelTime>,
    seconds: &'a mut dyn Iterator<Item = f64>,
    now: f64,
}

impl Timeline<'_> {
    fn add(&mut self, steps: &[StepCost], depth: usize) {
        for step in steps {
            let (start, seconds) = (self.now, self.seconds.next().unwrap_or(0.0));
            let last = step.nodes.last();
            self.kernels.push(KernelTime {
                scope: last.map_or_else(String::new, |node| node.scope.clone()),
                phase: last.map_or(Phase::Forward, |node| Phase::of(&node.role)),
                kernel: step.kernel,
                ops: step.nodes.iter().map(|node| node.op).collect(),
                start,
                seconds,
                depth,
            });
            self.add(&step.body, depth + 1);
            self.now = start + seconds;
        }
    }
}
