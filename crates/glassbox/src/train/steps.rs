//! Steps of training, one after the other, always the same: what the loop, resuming and replaying
//! have in common.

use glassbox_engine::{Array, Buffer, Graph, Options, Parameters, Prepared, Session};

use crate::Error;
use crate::data::{Dataset, Rows, TargetsMut, epoch_order_into};
use crate::nn::{Loss, Schedule};
use crate::train::checkpoint::{Checkpoint, check_same_model};
use crate::train::config::TrainConfig;
use crate::train::graphs::{check_memory, name};
use crate::train::state::{Exact, TrainState};

/// Training between two steps: the session with every value, and where it stands.
pub(crate) struct Steps<'a> {
    train: &'a Rows,
    seed: u64,
    rate: Rate,
    batch: usize,
    pub session: Session,
    /// A plan for whole batches and one for the rest, if there is a rest.
    plans: Vec<StepPlan>,
    /// The rows of the current epoch, in order.
    order: Vec<usize>,
    order_of: Option<u64>,
    pub state: TrainState,
}

/// The learning rate of every step.
#[derive(Clone, Copy)]
struct Rate {
    start: f64,
    schedule: Schedule,
    steps: u64,
}

impl Rate {
    fn at(self, step: u64) -> f64 {
        self.schedule.rate(self.start, step, self.steps)
    }
}

struct StepPlan {
    rows: usize,
    prepared: Prepared,
    inputs: Vec<Buffer>,
    outputs: Vec<Buffer>,
    /// Positions of inputs, targets, rate and step among the inputs.
    slots: [usize; 4],
}

/// The numbers of rows that an epoch's steps have: a whole batch, and what is left.
pub(crate) fn batch_sizes(rows: usize, config: &TrainConfig) -> Vec<usize> {
    let batch = config.batch.of(rows).min(rows).max(1);
    match rows % batch {
        0 => vec![batch],
        rest => vec![batch, rest],
    }
}

impl<'a> Steps<'a> {
    /// Training that has not taken a step. `graphs` are one for each of [`batch_sizes`]; parameters
    /// in `given` start with those values, the others are drawn.
    pub fn new(
        data: &'a Dataset,
        config: &TrainConfig,
        graphs: &[Graph],
        given: &Parameters,
    ) -> Result<Self, Error> {
        let sizes = batch_sizes(data.train.len(), config);
        if graphs.len() != sizes.len() || data.train.is_empty() {
            return Err(Error::new("the run's graphs do not fit its data: train it anew"));
        }
        let threads = config.threads.of(Options::default().threads);
        let mut session = Session::new(Options { threads, ..Options::default() })?;
        check_memory(&graphs[0])?;
        let mut start = graphs[0].initial_values(config.seed);
        replace(&mut start, given).map_err(|problems| Error::new(problems.join("\n")))?;
        session.load(start);
        let plans = graphs
            .iter()
            .zip(&sizes)
            .map(|(graph, &rows)| StepPlan::new(&mut session, graph, rows))
            .collect::<Result<Vec<_>, Error>>()?;
        let state = TrainState {
            seed: config.seed,
            instruction_set: session.isa().to_string(),
            threads: session.threads(),
            ..TrainState::default()
        };
        Ok(Steps {
            train: &data.train,
            seed: config.seed,
            rate: Rate {
                start: config.optimizer.lr(),
                schedule: config.schedule,
                steps: config.epochs.saturating_mul(data.train.len().div_ceil(sizes[0]) as u64),
            },
            batch: sizes[0],
            session,
            plans,
            order: (0..data.train.len()).collect(),
            order_of: None,
            state,
        })
    }

    /// Goes to where a checkpoint was made.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let (model, optimizer) = self.values();
        check_same_model(&model, &checkpoint.model)?;
        check_same_model(&optimizer, &checkpoint.optimizer)?;
        self.session.load(checkpoint.model.clone());
        self.session.load(checkpoint.optimizer.clone());
        let threads = self.session.threads();
        let instruction_set = self.session.isa().to_string();
        self.state = TrainState { threads, instruction_set, ..checkpoint.state.clone() };
        Ok(())
    }

    /// The model's parameters and states, and the optimiser's.
    pub fn values(&self) -> (Parameters, Parameters) {
        let prefix = format!("{}/", name::OPTIMIZER);
        let (optimizer, model): (Vec<_>, Vec<_>) = self
            .session
            .values()
            .iter()
            .map(|(path, value)| (path.to_string(), value.clone()))
            .partition(|(path, _)| path.starts_with(&prefix));
        (model.into_iter().collect(), optimizer.into_iter().collect())
    }

    /// Steps of one epoch.
    pub fn steps_an_epoch(&self) -> u64 {
        self.train.len().div_ceil(self.batch) as u64
    }

    /// Takes one step; gives its loss and its rows. Allocates nothing but once an epoch.
    pub fn step(&mut self) -> Result<(f64, usize), Error> {
        self.arrange();
        let first = self.state.position as usize * self.batch;
        let rows = &self.order[first..(first + self.batch).min(self.order.len())];
        let plan = self
            .plans
            .iter_mut()
            .find(|plan| plan.rows == rows.len())
            .ok_or_else(|| Error::new("no plan for this number of rows"))?;
        plan.fill(self.train, rows, self.rate.at(self.state.step + 1), self.state.step + 1)?;
        self.session.run(&plan.prepared, &mut plan.inputs, &mut plan.outputs)?;
        let loss = plan.outputs[0].as_slice::<f32>().map_or(f64::NAN, |l| f64::from(l[0]));
        let taken = rows.len();
        self.state.step += 1;
        self.state.position += 1;
        Ok((loss, taken))
    }

    /// Ends the epoch if all its steps are taken.
    pub fn finish_epoch(&mut self) -> bool {
        let over = self.state.position == self.steps_an_epoch();
        if over {
            self.state.position = 0;
            self.state.epoch += 1;
        }
        over
    }

    /// Takes steps without looking at them until `step` are taken.
    pub fn replay(&mut self, step: u64) -> Result<(), Error> {
        while self.state.step < step {
            self.step()?;
            self.finish_epoch();
        }
        Ok(())
    }

    /// The inputs of the next step by name, and its rows among the training rows.
    pub fn next_inputs(&mut self) -> Result<(usize, Parameters, Vec<usize>), Error> {
        self.arrange();
        let first = self.state.position as usize * self.batch;
        let rows = self.order[first..(first + self.batch).min(self.order.len())].to_vec();
        let index = self
            .plans
            .iter()
            .position(|plan| plan.rows == rows.len())
            .ok_or_else(|| Error::new("no plan for this number of rows"))?;
        let plan = &mut self.plans[index];
        plan.fill(self.train, &rows, self.rate.at(self.state.step + 1), self.state.step + 1)?;
        let names = [name::INPUTS, name::TARGETS, name::RATE, name::STEP];
        let inputs = names
            .iter()
            .zip(plan.slots)
            .map(|(name, slot)| (name.to_string(), plan.inputs[slot].read()))
            .collect();
        Ok((index, inputs, rows))
    }

    /// Puts the rows in the order of the epoch. A batch of all rows needs no shuffling.
    fn arrange(&mut self) {
        let epoch = self.state.epoch;
        if self.order_of != Some(epoch) && self.batch < self.order.len() {
            epoch_order_into(&mut self.order, self.seed, epoch);
            self.order_of = Some(epoch);
        }
    }

    /// Adds a step's loss to the sums of the epoch.
    pub fn note_loss(&mut self, loss: f64, rows: usize, kind: Loss) {
        let weight = if kind == Loss::SumOfSquares { 1.0 } else { rows as f64 };
        let mut add = |name: &str, value: f64| match self.state.sums.get_mut(name) {
            Some(sum) => sum.0 += value,
            None => drop(self.state.sums.insert(name.to_string(), Exact(value))),
        };
        add("loss", loss * weight);
        add("rows", rows as f64);
    }

    /// The mean loss of the epoch's rows so far (their sum, for a sum of squares).
    pub fn epoch_loss(&self, kind: Loss) -> f64 {
        let sum = |name: &str| self.state.sums.get(name).map_or(0.0, |sum| sum.0);
        match kind {
            Loss::SumOfSquares => sum("loss"),
            _ => sum("loss") / sum("rows").max(1.0),
        }
    }
}

impl StepPlan {
    fn new(session: &mut Session, graph: &Graph, rows: usize) -> Result<Self, Error> {
        let missing = |name: &str| Error::new(format!("the training graph has no `{name}`"));
        let loss = graph.named(name::LOSS).ok_or_else(|| missing(name::LOSS))?;
        let prepared = session.prepare(graph, &[loss])?;
        let slot = |name| prepared.input(name).ok_or_else(|| missing(name));
        let slots =
            [slot(name::INPUTS)?, slot(name::TARGETS)?, slot(name::RATE)?, slot(name::STEP)?];
        let (inputs, outputs) = (prepared.inputs(), prepared.outputs());
        let fits = inputs[slots[0]].shape().sizes().first() == Some(&rows);
        if !fits {
            return Err(Error::new("the run's graphs do not fit its batches: train it anew"));
        }
        Ok(StepPlan { rows, prepared, inputs, outputs, slots })
    }

    fn fill(&mut self, train: &Rows, rows: &[usize], rate: f64, step: u64) -> Result<(), Error> {
        let wrong = || Error::new("the training graph's inputs have unexpected types");
        let [inputs, targets, rate_slot, step_slot] = self.slots;
        let [inputs, targets] =
            self.inputs.get_disjoint_mut([inputs, targets]).map_err(|_| wrong())?;
        let numbers = inputs.as_slice_mut::<f32>().ok_or_else(wrong)?;
        if targets.dtype() == glassbox_engine::DType::I64 {
            let labels = targets.as_slice_mut::<i64>().ok_or_else(wrong)?;
            train.gather(rows, numbers, TargetsMut::Classes(labels))?;
        } else {
            let values = targets.as_slice_mut::<f32>().ok_or_else(wrong)?;
            train.gather(rows, numbers, TargetsMut::Values(values))?;
        }
        self.inputs[rate_slot].as_slice_mut::<f32>().ok_or_else(wrong)?[0] = rate as f32;
        self.inputs[step_slot].as_slice_mut::<i64>().ok_or_else(wrong)?[0] = step as i64;
        Ok(())
    }
}

/// Puts given starting values in place of drawn ones; all that do not fit are named.
pub(crate) fn replace(start: &mut Parameters, given: &Parameters) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    for (path, value) in given.iter() {
        let held: Option<Array> = start.get(path).cloned();
        match held {
            Some(held) if held.shape() == value.shape() => {
                start.insert(path, value.clone());
            }
            Some(held) => problems.push(format!(
                "`{path}` has the shape {}, the starting value given has {}",
                held.shape(),
                value.shape()
            )),
            None => {
                let paths: Vec<&str> =
                    start.iter().map(|(p, _)| p).filter(|p| !p.starts_with("optimizer/")).collect();
                let hint = crate::nearest::suggestion(path, "parameters", &paths);
                problems.push(format!("there is no parameter `{path}` to start with: {hint}"));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}
