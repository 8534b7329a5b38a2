//! From a graph to a plan: what to run, in order, over memory that is laid out beforehand.
//!
//! A plan is plain data: it can be printed, verified and compared. `simplify` drops what nobody
//! needs, `fuse` groups nodes into kernels, `memory` places their results, `verify` proves the
//! placement sound.

mod bundle;
pub(crate) mod cache;
pub(crate) mod chain;
pub(crate) mod cost;
mod epilogue;
mod fuse;
pub(crate) mod kept;
pub(crate) mod kernel;
mod key;
mod lay;
mod lookup;
pub(crate) mod loops;
pub(crate) mod memory;
mod merge;
mod parts;
mod print;
mod recompute;
mod scan;
mod simplify;
mod verify;

use crate::graph::{DType, Graph, Inner, Shape, Tensor, Value};
use crate::op::Op;
use crate::{Diagnostics, Error};

pub(crate) use kernel::{Kernel, Memory, Region, Step};
pub(crate) use key::Key;

/// What a plan is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The values to give back.
    pub outputs: Vec<Value>,
    /// Inputs whose memory the caller gives away, with the value that it holds after the run.
    pub donated: Vec<(Value, Value)>,
    /// A plan that needs more bytes than this for intermediate results is refused.
    pub memory_limit: usize,
    /// Loops whose rows do not meet are cut in parts for so many workers.
    pub threads: usize,
}

/// A value that comes from outside: an input or a state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    /// The input's name or the state's path.
    pub name: String,
    pub dtype: DType,
    pub shape: Shape,
    /// Whether the run leaves another value there.
    pub written: bool,
}

/// What to run, in order, over one arena.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) inputs: Vec<Slot>,
    pub(crate) states: Vec<Slot>,
    pub(crate) outputs: Vec<Slot>,
    pub(crate) arena_bytes: usize,
    /// What the session keeps of states for it, from run to run.
    pub(crate) kept: Vec<kept::Kept>,
    pub(crate) steps: Vec<Step>,
    pub(crate) key: Key,
}

impl Plan {
    /// Plans `outputs` and the next value of every state that was assigned.
    pub(crate) fn new(graph: &Graph, request: &Request) -> Result<Self, Error> {
        graph.check()?;
        let inner = graph.inner.borrow();
        let key = key::of(&inner, request);
        let program = simplify::simplify(&inner, request)?;
        let mut draft = fuse::fuse(&program)?;
        bundle::put_together(&mut draft);
        let plan = memory::place(&inner, &program, draft, key, request.memory_limit)?;
        verify::verify(&plan).map_err(|what| {
            Error::new(format!("the plan failed its own check, so it does not run: {what}"))
        })?;
        Ok(plan)
    }

    /// The key of the plan that [`Plan::new`] would make.
    pub(crate) fn key_for(graph: &Graph, request: &Request) -> Result<Key, Diagnostics> {
        graph.check()?;
        Ok(key::of(&graph.inner.borrow(), request))
    }

    /// The number of kernels that a run executes.
    pub fn kernels(&self) -> usize {
        self.steps.len()
    }

    /// Bytes of memory for intermediate results.
    pub fn arena_bytes(&self) -> usize {
        self.arena_bytes
    }

    /// Bytes of the states that it reads and writes: parameters, what an optimiser remembers.
    pub fn state_bytes(&self) -> usize {
        let bytes = |slot: &Slot| bytes(slot.dtype, slot.shape.elements()).unwrap_or(usize::MAX);
        self.states.iter().map(bytes).fold(0, usize::saturating_add)
    }

    /// The number of steps, those of loops included.
    pub(crate) fn all_steps(&self) -> usize {
        self.steps.iter().map(|step| 1 + step.within()).sum()
    }

    /// Every step, those of loops and bundles included, and in how many parts the loop around it runs.
    pub(crate) fn for_each_step(&self, visit: &mut dyn FnMut(&Step, usize)) {
        self.for_each_step_in(1, visit);
    }

    fn for_each_step_in(&self, parts: usize, visit: &mut dyn FnMut(&Step, usize)) {
        for step in &self.steps {
            visit(step, parts);
            match &step.kernel {
                Kernel::Scan(scan) => scan.body.for_each_step_in(parts * scan.parts, visit),
                Kernel::Bundle(members) => members.iter().for_each(|member| visit(member, parts)),
                _ => {}
            }
        }
    }

    /// Bytes that the plan itself occupies, roughly: what the cache counts.
    pub(crate) fn own_bytes(&self) -> usize {
        let slots = self.inputs.len() + self.states.len() + self.outputs.len();
        let steps: usize = self.steps.iter().map(Step::own_bytes).sum();
        std::mem::size_of::<Plan>() + slots * 128 + steps
    }
}

/// A request for `outputs`, without donations.
pub(crate) fn request(outputs: &[Tensor<'_>], memory_limit: usize) -> Request {
    let outputs = outputs.iter().map(|t| t.value).collect();
    Request { outputs, donated: Vec::new(), memory_limit, threads: 1 }
}

/// Bytes of `elements` elements, or `None` where that overflows.
pub(crate) fn bytes(dtype: DType, elements: usize) -> Option<usize> {
    elements.checked_mul(dtype.size())
}

/// The graph's states that were assigned: path, the node that reads the old value, the new value.
pub(crate) fn updates(inner: &Inner) -> Vec<(String, Value, Value)> {
    inner
        .declarations
        .iter()
        .filter(|(_, d)| d.current.node != d.node)
        .map(|(path, d)| (path.clone(), Value::first(d.node as usize), d.current))
        .collect()
}

/// Whether the op's result is only another name for (part of) its argument's memory.
pub(crate) fn is_alias(op: &Op) -> bool {
    matches!(op, Op::Reshape | Op::Detach)
}
