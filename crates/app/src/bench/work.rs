//! What a workload is, and how it becomes a step that a session runs.

use glassbox::engine::random::Stream;
use glassbox::engine::{Buffer, DType, Distribution, Options, Parameters, Prepared, Profile};
use glassbox::prelude::*;

use crate::error::AppError;

/// How many batches are made beforehand and gone through in turn.
const POOL: u64 = 8;

/// A fixed piece of work.
#[derive(Clone)]
pub struct Workload {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What its figure counts, e.g. `samples/s`.
    pub unit: &'static str,
    /// How many of that a step makes.
    pub items: f64,
    /// What is done.
    pub kind: Kind,
}

/// What a workload does.
#[derive(Clone)]
pub enum Kind {
    /// Steps of a plan.
    Steps(Work),
    /// Processes from their start to their end.
    Processes,
}

/// What one step computes, and of what.
#[derive(Clone)]
pub struct Work {
    /// Training, or use.
    pub mode: Mode,
    /// What a batch holds.
    pub batch: Vec<Field>,
    /// Records the step on a batch.
    pub step: for<'g> fn(Scope<'g>, &[Tensor<'g>]) -> Recorded<'g>,
    /// The name that PyTorch's model gives to a parameter or state.
    pub theirs: fn(&str) -> String,
    /// PyTorch's tensors of which an axis runs over channels, rows and columns of images, in that
    /// order, where ours runs over rows, columns and channels: name, axis, and the three sizes.
    pub flattened: &'static [(&'static str, usize, [usize; 3])],
}

/// A tensor of a batch.
#[derive(Clone)]
pub struct Field {
    /// The input's name.
    pub name: &'static str,
    /// Its sizes, images with their channels last.
    pub shape: Vec<usize>,
    /// What it is filled with.
    pub values: Values,
}

/// What a batch's tensor is filled with.
#[derive(Clone, Copy)]
pub enum Values {
    /// Uniform in `low..high`.
    Uniform(f64, f64),
    /// Normal with mean 0 and deviation 1.
    Normal,
    /// Normal, drawn within the step, unless a recorded start is repeated: then given.
    Noise,
    /// Whole numbers of a range, evenly.
    Integers(i64, i64),
    /// Of each of so many rows one after another, so many numbers: so many different places within.
    Places {
        /// How many are taken of a row.
        taken: usize,
        /// The places of a row.
        of: usize,
    },
    /// These.
    Fixed(&'static [f64]),
}

impl Field {
    /// A tensor of this name, shape and content.
    pub fn new(name: &'static str, shape: impl Into<Vec<usize>>, values: Values) -> Self {
        Field { name, shape: shape.into(), values }
    }

    fn dtype(&self) -> DType {
        match self.values {
            Values::Integers(..) | Values::Places { .. } => DType::I64,
            _ => DType::F32,
        }
    }

    /// Fills `buffer` with what batch `number` has there. Beyond a million, numbers repeat.
    fn fill(&self, number: u64, buffer: &mut Buffer) {
        let stream = Stream::new(0, self.name, 0).at_step(number);
        let value = |i: u64| match self.values {
            Values::Uniform(low, high) => low + (high - low) * stream.uniform(i),
            Values::Normal | Values::Noise => stream.normal(i),
            Values::Integers(from, to) => {
                from as f64 + (stream.uniform(i) * (to - from) as f64).floor()
            }
            // A row's places are every few of a wheel that is turned by chance.
            Values::Places { taken, of } => {
                let (row, each) = (i / taken as u64, i % taken as u64);
                let turn = (stream.uniform(row) * of as f64) as u64;
                (row * of as u64 + (turn + each * (of / taken) as u64) % of as u64) as f64
            }
            Values::Fixed(numbers) => numbers.get(i as usize).copied().unwrap_or(0.0),
        };
        let elements = buffer.shape().elements();
        let count = elements.min(1 << 20);
        let drawn: Vec<f64> = match self.values {
            Values::Uniform(low, high) => {
                stream.uniforms().take(count).map(|u| low + (high - low) * u).collect()
            }
            _ => (0..count as u64).map(value).collect(),
        };
        let all = drawn.iter().cycle();
        if let Some(numbers) = buffer.as_slice_mut::<f32>() {
            numbers.iter_mut().zip(all).for_each(|(to, &from)| *to = from as f32);
        } else if let Some(numbers) = buffer.as_slice_mut::<i64>() {
            numbers.iter_mut().zip(all).for_each(|(to, &from)| *to = from as i64);
        }
    }
}

/// What a step gives.
pub struct Recorded<'g> {
    /// The loss, or the result.
    pub result: Tensor<'g>,
    /// The gradient of each parameter, by its path; none in use.
    pub gradients: Vec<(String, Tensor<'g>)>,
}

impl<'g> Recorded<'g> {
    /// A step of training: every parameter is moved by `optimizer` so that `loss` gets smaller.
    #[track_caller]
    pub fn training(at: Scope<'g>, loss: Tensor<'g>, optimizer: Optimizer) -> Self {
        let gradients = moved(at.child("optimizer"), loss, at.graph().parameters(), optimizer);
        Recorded { result: loss, gradients }
    }

    /// A computation without parameters to be moved.
    pub fn use_of(result: Tensor<'g>) -> Self {
        Recorded { result, gradients: Vec::new() }
    }
}

/// Moves `parameters` by `optimizer` so that `loss` gets smaller; gives their gradients.
#[track_caller]
pub fn moved<'g>(
    at: Scope<'g>,
    loss: Tensor<'g>,
    parameters: Vec<(String, Tensor<'g>)>,
    optimizer: Optimizer,
) -> Vec<(String, Tensor<'g>)> {
    let graph = at.graph();
    let rate = graph.constant(DType::F32, optimizer.lr());
    let slopes = optimizer.update(at, loss, parameters.clone(), rate, nn::step(graph));
    parameters.into_iter().map(|(path, _)| path).zip(slopes).collect()
}

/// What is asked of a step beside its result.
#[derive(Clone, Copy, Default)]
pub struct Checked {
    /// Noise is an input, and gradients are results, too.
    pub checked: bool,
    /// Everything is computed in f64.
    pub f64: bool,
}

/// A step that is ready to run.
pub struct Ready {
    pub graph: Graph,
    pub session: Session,
    pub plan: Prepared,
    /// Batches, each as the plan's inputs.
    pub pool: Vec<Vec<Buffer>>,
    pub results: Vec<Buffer>,
    /// The paths of the gradients that follow the loss among the results, where they were asked for.
    pub gradients: Vec<String>,
    /// Numbers that are learned.
    pub parameters: usize,
    taken: usize,
}

impl Work {
    /// Records, plans and loads the step, with drawn first values and batches.
    pub fn ready(&self, options: Options) -> Result<Ready, AppError> {
        let mut ready =
            self.prepared(options, Checked::default(), |graph| Ok(graph.initial_values(0)))?;
        let size = match self.mode {
            Mode::Train => POOL,
            Mode::Eval => 1,
        };
        for number in 0..size {
            let mut buffers = ready.plan.inputs();
            for field in &self.batch {
                if let Some(slot) = ready.plan.input(field.name) {
                    field.fill(number, &mut buffers[slot]);
                }
            }
            ready.pool.push(buffers);
        }
        Ok(ready)
    }

    /// Records, plans and loads the step with the `first` values for the graph, without batches. Where
    /// it is to be `checked`, noise is an input and gradients are results, too; in `f64`, if so wished.
    pub fn prepared(
        &self,
        options: Options,
        Checked { checked, f64 }: Checked,
        first: impl FnOnce(&Graph) -> Result<Parameters, AppError>,
    ) -> Result<Ready, AppError> {
        let graph = Graph::new();
        let at = graph.root(self.mode);
        let tensor = |field: &Field| match field.values {
            Values::Noise if !checked => {
                let (seed, step) = (nn::seed(&graph), nn::step(&graph));
                let at = at.child(field.name);
                at.random(Distribution::Normal, field.shape.as_slice(), seed, step)
            }
            _ => graph.input(field.name, field.dtype(), field.shape.as_slice()),
        };
        let batch: Vec<Tensor<'_>> = self.batch.iter().map(tensor).collect();
        let recorded = (self.step)(at, &batch);
        let mut outputs = vec![recorded.result.value()];
        let mut gradients = Vec::new();
        if checked {
            for (path, gradient) in recorded.gradients {
                gradients.push(path);
                outputs.push(gradient.value());
            }
        }
        let graph = if f64 { graph.in_f64() } else { graph };
        let outputs: Vec<_> = outputs.into_iter().filter_map(|value| graph.tensor(value)).collect();
        let mut session = Session::new(options).map_err(AppError::failed)?;
        session.load(first(&graph)?);
        let plan = session.prepare(&graph, &outputs).map_err(AppError::failed)?;
        let parameters = graph.parameters().iter().map(|(_, tensor)| tensor.elements()).sum();
        let (pool, results) = (Vec::new(), plan.outputs());
        Ok(Ready { graph, session, plan, pool, results, gradients, parameters, taken: 0 })
    }
}

impl Ready {
    /// Takes a step on the next batch.
    pub fn step(&mut self) -> Result<(), AppError> {
        self.timed_step(None)
    }

    /// Takes a step on the next batch, and adds to `profile` how long each of its kernels takes.
    pub fn timed_step(&mut self, profile: Option<&mut Profile>) -> Result<(), AppError> {
        let size = self.pool.len().max(1);
        let Some(buffers) = self.pool.get_mut(self.taken % size) else {
            return Err(AppError::failed("there are no batches"));
        };
        self.taken += 1;
        let number = self.plan.input("step").and_then(|slot| buffers[slot].as_slice_mut::<i64>());
        if let Some([step]) = number {
            *step = self.taken as i64;
        }
        let (plan, results) = (&self.plan, &mut self.results);
        let run = match profile {
            Some(profile) => self.session.run_profiled(plan, buffers, results, profile),
            None => self.session.run(plan, buffers, results),
        };
        run.map_err(AppError::failed)
    }

    /// The first number of the result: the loss.
    pub fn loss(&self) -> f64 {
        let Some(result) = self.results.first() else { return f64::NAN };
        let single = result.as_slice::<f32>().and_then(|all| all.first()).map(|&x| f64::from(x));
        let double = result.as_slice::<f64>().and_then(|all| all.first()).copied();
        single.or(double).unwrap_or(f64::NAN)
    }
}
