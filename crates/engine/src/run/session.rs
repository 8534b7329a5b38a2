//! A session holds the states and the memory that plans run over.
#![allow(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::graph::{Graph, Tensor, Value};
use crate::plan::cache::PlanCache;
use crate::plan::kernel::Kernel;
use crate::plan::memory::describe;
use crate::plan::{Plan, Request, Slot};
use crate::run::attention;
use crate::run::buffer::{Aligned, Buffer};
use crate::run::convolution;
use crate::run::execute::Machine;
use crate::run::isa::Isa;
use crate::run::kept::{Block, Hold, Maker, hold};
use crate::run::limits::Limits;
use crate::run::matmul;
use crate::run::memories::Memories;
use crate::run::pool::Pool;
use crate::run::profile::Profile;
use crate::run::reduce;
use crate::run::scan;
use crate::run::tile::Scratch;
use crate::{Array, DType, Error, Parameters, Shape};

/// How a session runs plans.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads, the calling one among them. Results do not depend on it.
    pub threads: usize,
    /// The instruction set; `None` takes the widest of this machine.
    pub isa: Option<Isa>,
    /// Convolutions of f32 are summed term by term. Otherwise those of whole sixteens of channels, by
    /// filters of 2×2, 3×3 or 5×5 with a stride of 1 or of 4×4, 6×6 or 10×10 with a stride of 2, forward
    /// and both gradients, may be done in tiles with a quarter to a half of the multiplications (Winograd's
    /// method), where that is faster. Over 64 channels of uniform numbers they are off by up to 8e-6 of
    /// the largest result, direct sums by 1e-6.
    pub exact: bool,
    /// A plan that needs more bytes for inputs, outputs and intermediate results is refused.
    pub memory_limit: usize,
    /// Bytes of plans that are kept for reuse.
    pub plan_cache: usize,
}

impl Default for Options {
    /// Every core, the widest instruction set, 64 GiB, 16 MiB of plans.
    fn default() -> Self {
        Options {
            threads: std::thread::available_parallelism().map_or(1, |n| n.get()),
            isa: None,
            exact: false,
            memory_limit: 64 << 30,
            plan_cache: 16 << 20,
        }
    }
}

/// More plans than this in one session are probably a mistake.
const MANY_PLANS: usize = 16;

/// Something that works, but probably not as it was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A session keeps more than 16 plans. A plan is made for each combination of shapes, mode and
    /// outputs, and takes time to make.
    ManyPlans {
        /// How many.
        plans: usize,
        /// The inputs whose shapes differ from plan to plan.
        differing: Vec<String>,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Warning::ManyPlans { plans, differing } = self;
        write!(
            f,
            "{plans} plans are kept, one for each combination of shapes, mode and outputs: "
        )?;
        if differing.is_empty() {
            f.write_str("give numbers that vary as inputs, and ask for the same outputs each time")
        } else {
            let names: Vec<_> = differing.iter().map(|name| format!("`{name}`")).collect();
            write!(f, "the shape of {} varies, so pad it to few sizes", names.join(", "))
        }
    }
}

/// A plan that is ready to run in the session that prepared it.
#[derive(Clone)]
pub struct Prepared {
    plan: Arc<Plan>,
    /// The session's state for each of the plan's.
    states: Vec<usize>,
    /// For each node whose kernel can fail, what it is.
    places: BTreeMap<u32, String>,
    /// The session's block for each of what the plan keeps of states.
    kept: Vec<Hold>,
    /// The session that made room for it.
    session: Arc<()>,
}

impl Prepared {
    /// The plan; it prints as text.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Buffers for the inputs, zeros, in the order in which the graph declares them.
    pub fn inputs(&self) -> Vec<Buffer> {
        self.plan.inputs.iter().map(|s| Buffer::zeros(s.dtype, s.shape.clone())).collect()
    }

    /// Buffers for the outputs, in the order in which they were asked for.
    pub fn outputs(&self) -> Vec<Buffer> {
        self.plan.outputs.iter().map(|s| Buffer::zeros(s.dtype, s.shape.clone())).collect()
    }

    /// A profile that has seen no run, for [`Session::run_profiled`].
    pub fn profile(&self) -> Profile {
        Profile::of(self.plan.all_steps())
    }

    /// The position of the input called `name`.
    pub fn input(&self, name: &str) -> Option<usize> {
        self.plan.inputs.iter().position(|s| s.name == name)
    }
}

/// Runs plans: holds the values of parameters and states by path, the threads, and one arena that
/// is as large as its largest plan needs. A run allocates nothing.
///
/// ```
/// use glassbox_engine::{grad, Array, DType, Graph, Mode, Options, Session};
/// let graph = Graph::new();
/// let at = graph.root(Mode::Train);
/// let x = graph.input("x", DType::F32, []);
/// let w = at.parameter("w", [], 3.0);
/// let loss = (w * x - 1.0).square();
/// at.assign("w", w - grad(loss, &[w])[0] * 0.1);          // gradient descent
///
/// let mut session = Session::new(Options::default())?;
/// session.load(graph.initial_values(0));
/// let step = session.prepare(&graph, &[loss])?;
/// let (mut inputs, mut outputs) = (step.inputs(), step.outputs());
/// inputs[0].write(&Array::scalar(2.0))?;
/// for _ in 0..50 {
///     session.run(&step, &mut inputs, &mut outputs)?;
/// }
/// let w = session.values().get("w").unwrap().to_f64()[0];
/// assert!((w - 0.5).abs() < 1e-3);                        // w · 2 = 1
/// # Ok::<(), glassbox_engine::Error>(())
/// ```
pub struct Session {
    identity: Arc<()>,
    isa: Isa,
    exact: bool,
    pool: Arc<Pool>,
    /// A pool of one.
    alone: Pool,
    memory_limit: usize,
    cache: PlanCache,
    states: Vec<Buffer>,
    /// How often each state has been written, from 1 on.
    versions: Vec<u64>,
    kept: Vec<Block>,
    paths: BTreeMap<String, usize>,
    arena: Aligned,
    /// Loops' scratch memory, one part a worker.
    scratch: Aligned,
    stride: usize,
    work: Vec<f32>,
    partials: Vec<f64>,
    pointers: Pointers,
}

/// Room for the addresses of a run's buffers; filled anew by each run.
struct Pointers(Vec<*mut u8>);

// SAFETY: the addresses are used only within the run that filled them in.
unsafe impl Send for Pointers {}

impl Session {
    /// A session without states.
    pub fn new(options: Options) -> Result<Self, Error> {
        let isa = options.isa.unwrap_or_else(Isa::detect);
        if !isa.is_available() {
            return Err(Error::new(format!(
                "this machine has no {isa} instructions; it has {}",
                Isa::available().iter().map(Isa::to_string).collect::<Vec<_>>().join(", ")
            )));
        }
        Ok(Session {
            identity: Arc::new(()),
            isa,
            exact: options.exact,
            pool: Arc::new(Pool::new(options.threads)),
            alone: Pool::new(1),
            memory_limit: options.memory_limit,
            cache: PlanCache::new(options.plan_cache),
            states: Vec::new(),
            versions: Vec::new(),
            kept: Vec::new(),
            paths: BTreeMap::new(),
            arena: Aligned::zeroed(0),
            scratch: Aligned::zeroed(0),
            stride: 0,
            work: Vec::new(),
            partials: Vec::new(),
            pointers: Pointers(Vec::new()),
        })
    }

    /// The instruction set of its kernels.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Measures what the machine can do at most with this instruction set and these threads; takes
    /// about a tenth of a second.
    ///
    /// # Errors
    /// A worker that panicked.
    pub fn limits(&self) -> Result<Limits, Error> {
        Ok(Limits::measure(self.isa, &self.pool)?)
    }

    /// The number of its threads.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// The number of plans it keeps.
    pub fn plans(&self) -> usize {
        self.cache.len()
    }

    /// What probably goes wrong without being an error; empty if nothing does. It is looked up when it
    /// is asked for: the session itself prints nothing.
    pub fn warnings(&self) -> Vec<Warning> {
        let plans = self.plans();
        if plans <= MANY_PLANS {
            return Vec::new();
        }
        let mut shapes: BTreeMap<&str, &Shape> = BTreeMap::new();
        let mut differing = BTreeSet::new();
        for slot in self.cache.plans().flat_map(|plan| &plan.inputs) {
            if *shapes.entry(&slot.name).or_insert(&slot.shape) != &slot.shape {
                differing.insert(slot.name.clone());
            }
        }
        vec![Warning::ManyPlans { plans, differing: differing.into_iter().collect() }]
    }

    /// Bytes of its memory for intermediate results, for packing, and for what it keeps packed.
    pub fn bytes(&self) -> usize {
        let work = self.work.len() * size_of::<f32>() + self.partials.len() * size_of::<f64>();
        let kept: usize = self.kept.iter().map(Block::bytes).sum();
        self.arena.bytes() + self.scratch.bytes() + work + kept
    }

    /// Gives parameters and states these values; others keep theirs.
    pub fn load(&mut self, values: Parameters) {
        for (path, value) in values.iter() {
            self.set(path, value);
        }
    }

    /// Gives the parameter or state at `path` this value.
    pub fn set(&mut self, path: &str, value: &Array) {
        match self.paths.get(path) {
            Some(&index) => {
                self.versions[index] += 1;
                if self.states[index].write(value).is_err() {
                    // Of another shape: plans prepared for the old one refuse to run.
                    self.states[index] = Buffer::of(value);
                }
            }
            None => {
                self.paths.insert(path.to_string(), self.states.len());
                self.states.push(Buffer::of(value));
                self.versions.push(1);
            }
        }
    }

    /// Copies of all parameters and states.
    pub fn values(&self) -> Parameters {
        self.paths.iter().map(|(path, &i)| (path.clone(), self.states[i].read())).collect()
    }

    /// A copy of the parameter or state at `path`.
    pub fn value(&self, path: &str) -> Option<Array> {
        self.paths.get(path).map(|&index| self.states[index].read())
    }

    /// Plans `outputs` and the graph's assignments, or finds the plan of an equal request, and makes
    /// room for it. An error if the graph has mistakes or `outputs` are another graph's, if a state in
    /// use has no value of its shape and type, or if the plan needs more memory than the limit.
    pub fn prepare(&mut self, graph: &Graph, outputs: &[Tensor<'_>]) -> Result<Prepared, Error> {
        self.prepare_donating(graph, outputs, &[])
    }

    /// As [`prepare`](Self::prepare); beside, the buffer of each donated input holds the value of its
    /// partner after the run, in place where that is safe. Partners are of equal type and number of
    /// elements, and an input has one.
    ///
    /// ```
    /// use glassbox_engine::{Array, DType, Graph, Options, Session};
    /// let graph = Graph::new();
    /// let x = graph.input("x", DType::F32, [2]);
    /// let mut session = Session::new(Options::default())?;
    /// let double = session.prepare_donating(&graph, &[], &[(x, x + x)])?;
    /// let mut buffers = double.inputs();
    /// buffers[0].write(&Array::vector([1.0f32, 3.0]))?;
    /// session.run(&double, &mut buffers, &mut [])?;
    /// session.run(&double, &mut buffers, &mut [])?;
    /// assert_eq!(buffers[0].read(), Array::vector([4.0f32, 12.0]));
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    pub fn prepare_donating(
        &mut self,
        graph: &Graph,
        outputs: &[Tensor<'_>],
        donated: &[(Tensor<'_>, Tensor<'_>)],
    ) -> Result<Prepared, Error> {
        let named = donated.iter().flat_map(|(input, result)| [input, result]);
        of_graph(graph, outputs.iter().chain(named))?;
        let request = Request {
            donated: donated.iter().map(|(i, o)| (i.value(), o.value())).collect(),
            threads: self.threads(),
            ..crate::plan::request(outputs, self.memory_limit)
        };
        let plan = match self.cache.get(Plan::key_for(graph, &request)?) {
            Some(plan) => plan,
            None => {
                let plan = Arc::new(Plan::new(graph, &request)?);
                self.cache.insert(Arc::clone(&plan));
                plan
            }
        };
        let states = self.states_of(&plan)?;
        self.make_room(&plan);
        let places = places(graph, &plan);
        let kept = plan.kept.iter();
        let kept = kept.map(|kept| hold(&mut self.kept, states[kept.state], kept)).collect();
        Ok(Prepared { plan, states, places, kept, session: Arc::clone(&self.identity) })
    }

    fn states_of(&self, plan: &Plan) -> Result<Vec<usize>, Error> {
        let mut problems = Vec::new();
        let mut states = Vec::new();
        for slot in &plan.states {
            match self.paths.get(&slot.name) {
                None => problems.push(format!("`{}` has no value", slot.name)),
                Some(&index) => {
                    if let Some(problem) = misfit(&self.states[index], slot) {
                        problems.push(problem);
                    }
                    states.push(index);
                }
            }
        }
        if problems.is_empty() {
            return Ok(states);
        }
        Err(Error::new(format!(
            "the session's values do not fit the graph: {}. Load what the graph declares, e.g. \
             `session.load(graph.initial_values(seed))`",
            problems.join("; ")
        )))
    }

    fn make_room(&mut self, plan: &Plan) {
        self.arena.grow(plan.arena_bytes);
        let all = self.pool.threads();
        let (mut scratch, mut work, mut partials) = (0usize, 0usize, 0usize);
        plan.for_each_step(&mut |step, parts| {
            let behind = step.kernel.then().map_or(0, |then| then.body.scratch);
            scratch = scratch.max(behind.next_multiple_of(64));
            match &step.kernel {
                Kernel::Loop(l) => scratch = scratch.max(l.scratch.next_multiple_of(64)),
                Kernel::Matmul(product) => {
                    let threads = if parts == 1 { all } else { 1 };
                    work = work.max(parts * matmul::scratch_len(self.isa, threads, product));
                }
                Kernel::Convolution { gives, stencil, .. } => {
                    let len =
                        convolution::scratch_len(self.isa, all, (stencil, *gives, self.exact));
                    work = work.max(parts * len);
                }
                Kernel::Attention(of) => {
                    work = work.max(parts * attention::scratch_len(all, &of.heads, of.back));
                }
                Kernel::Reduce { outer, reduced, inner, .. } => {
                    partials = partials.max(parts * reduce::partials_len(*outer, *reduced, *inner));
                }
                _ => {}
            }
        });
        if scratch > self.stride {
            self.stride = scratch;
            self.scratch.grow(scratch * all);
        }
        let work = work.max(partials);
        if work > self.work.len() {
            self.work.resize(work, 0.0);
        }
        if partials > self.partials.len() {
            self.partials.resize(partials, 0.0);
        }
        let slots = plan.inputs.len() + plan.states.len() + plan.outputs.len();
        let buffers = slots + plan.kept.len();
        self.pointers.0.reserve(buffers + scan::addresses(plan));
    }

    /// Runs a plan once. The buffers are in the order of [`Prepared::inputs`] and
    /// [`Prepared::outputs`]. Nothing is allocated. After an error the states that the plan writes
    /// may hold some of their new values. Errors: buffers that do not fit, a state that has changed its
    /// shape, row numbers outside their table, windows outside their axis, a plan of another session.
    pub fn run(
        &mut self,
        prepared: &Prepared,
        inputs: &mut [Buffer],
        outputs: &mut [Buffer],
    ) -> Result<(), Error> {
        self.run_timed(prepared, inputs, outputs, &mut [])
    }

    /// As [`run`](Self::run), and adds to `profile` how long each step took: reading the clock costs
    /// some 50 ns a step.
    ///
    /// # Errors
    /// As [`run`](Self::run); a profile of another plan.
    pub fn run_profiled(
        &mut self,
        prepared: &Prepared,
        inputs: &mut [Buffer],
        outputs: &mut [Buffer],
        profile: &mut Profile,
    ) -> Result<(), Error> {
        if profile.nanoseconds.len() != prepared.plan.all_steps() {
            return Err(Error::new("the profile was begun for another plan"));
        }
        let start = Instant::now();
        self.run_timed(prepared, inputs, outputs, &mut profile.nanoseconds)?;
        profile.seconds += start.elapsed().as_secs_f64();
        profile.runs += 1;
        Ok(())
    }

    fn run_timed(
        &mut self,
        prepared: &Prepared,
        inputs: &mut [Buffer],
        outputs: &mut [Buffer],
        times: &mut [u64],
    ) -> Result<(), Error> {
        let plan = &*prepared.plan;
        if !Arc::ptr_eq(&self.identity, &prepared.session) {
            return Err(Error::new("the plan was prepared by another session: prepare it here"));
        }
        fitting("input", inputs, &plan.inputs)?;
        fitting("output", outputs, &plan.outputs)?;
        let pointers = &mut self.pointers.0;
        pointers.clear();
        pointers.extend(inputs.iter_mut().map(Buffer::pointer));
        for (&state, slot) in prepared.states.iter().zip(&plan.states) {
            let buffer = &mut self.states[state];
            if let Some(problem) = misfit(buffer, slot) {
                return Err(Error::new(format!("{problem}: prepare the plan again")));
            }
            pointers.push(buffer.pointer());
        }
        pointers.extend(outputs.iter_mut().map(Buffer::pointer));
        for (&state, slot) in prepared.states.iter().zip(&plan.states) {
            self.versions[state] += u64::from(slot.written);
        }
        let (isa, exact, pool) = (self.isa, self.exact, &*self.pool);
        let mut maker = Maker { isa, exact, pool, work: &mut self.work };
        for hold in &prepared.kept {
            let block = &mut self.kept[hold.block];
            let (state, version) = (&self.states[block.state], self.versions[block.state]);
            pointers.push(block.of(&mut maker, state, version)?);
        }
        let filled = pointers.len();
        pointers.resize(filled + scan::addresses(plan), std::ptr::null_mut());
        let (filled, addresses) = self.pointers.0.split_at_mut(filled);
        let (given, rest) = filled.split_at(inputs.len());
        let (states, rest) = rest.split_at(plan.states.len());
        let (asked, kept) = rest.split_at(outputs.len());
        let mut machine = Machine {
            isa: self.isa,
            exact: self.exact,
            pool: &self.pool,
            alone: &self.alone,
            memories: Memories {
                arena: self.arena.pointer(),
                inputs: given,
                states,
                outputs: asked,
            },
            scratch: Scratch::new(self.scratch.pointer(), self.stride),
            work: &mut self.work,
            partials: &mut self.partials,
            addresses,
            packed: std::ptr::null_mut(),
            kept,
            failed: None,
        };
        machine.steps(&plan.steps, times).map_err(|error| {
            let place = machine.failed.and_then(|node| prepared.places.get(&node));
            match place {
                Some(place) => Error::new(format!("{error}: {place}")),
                None => error,
            }
        })
    }

    /// Plans and runs once: the values of `outputs` for these inputs, keyed by name.
    pub fn evaluate(
        &mut self,
        graph: &Graph,
        inputs: &Parameters,
        outputs: &[Tensor<'_>],
    ) -> Result<Vec<Array>, Error> {
        let prepared = self.prepare(graph, outputs)?;
        let mut given = prepared.inputs();
        for (slot, buffer) in prepared.plan.inputs.iter().zip(&mut given) {
            let array = inputs
                .get(&slot.name)
                .ok_or_else(|| Error::new(format!("input `{}` is missing", slot.name)))?;
            buffer
                .write(array)
                .map_err(|what| Error::new(format!("input `{}`: {what}", slot.name)))?;
        }
        let mut asked = prepared.outputs();
        self.run(&prepared, &mut given, &mut asked)?;
        Ok(asked.iter().map(Buffer::read).collect())
    }
}

/// An error unless every tensor belongs to `graph`.
fn of_graph<'a, 'g: 'a>(
    graph: &Graph,
    mut tensors: impl Iterator<Item = &'a Tensor<'g>>,
) -> Result<(), Error> {
    if tensors.all(|tensor| std::ptr::eq(tensor.graph(), graph)) {
        return Ok(());
    }
    Err(Error::new("a tensor of another graph is asked for: record and prepare one graph"))
}

/// The nodes whose kernels can refuse their input, in words.
fn places(graph: &Graph, plan: &Plan) -> BTreeMap<u32, String> {
    let inner = graph.inner.borrow();
    let mut places = BTreeMap::new();
    plan.for_each_step(&mut |step, _| {
        let can_fail = matches!(
            step.kernel,
            Kernel::Gather { .. }
                | Kernel::ScatterAdd { .. }
                | Kernel::Scatter { .. }
                | Kernel::SliceAt(_)
                | Kernel::UpdateSlice(_)
        );
        if let (true, Some(&node)) = (can_fail, step.nodes.first())
            && (node as usize) < inner.nodes.len()
        {
            places.insert(node, describe(&inner, Value::first(node as usize)));
        }
    });
    places
}

fn misfit(buffer: &Buffer, slot: &Slot) -> Option<String> {
    let fits = buffer.dtype() == slot.dtype && *buffer.shape() == slot.shape;
    (!fits).then(|| {
        let (dtype, shape): (DType, _) = (buffer.dtype(), buffer.shape());
        format!("`{}` is {dtype} {shape}, the graph wants {} {}", slot.name, slot.dtype, slot.shape)
    })
}

fn fitting(kind: &str, buffers: &[Buffer], slots: &[Slot]) -> Result<(), Error> {
    if buffers.len() != slots.len() {
        let (given, wanted) = (buffers.len(), slots.len());
        return Err(Error::new(format!("{given} {kind} buffers given, the plan has {wanted}")));
    }
    match buffers.iter().zip(slots).find_map(|(buffer, slot)| misfit(buffer, slot)) {
        Some(problem) => Err(Error::new(format!("{kind} {problem}"))),
        None => Ok(()),
    }
}
