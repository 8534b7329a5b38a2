//! Where everything lies: one arena, sized beforehand; states and donated inputs are written in
//! place where that is safe.

use std::collections::HashMap;

use crate::Error;
use crate::graph::{DType, Inner, Value};
use crate::op::Op;
use crate::plan::fuse::{BufferId, Draft, DraftKernel, DraftProduct};
use crate::plan::kernel::{Assemble, Extent, FACTORS, Kernel, Made, Memory, Part};
use crate::plan::kernel::{Region, Step, Then};
use crate::plan::loops::{self, Wiring};
use crate::plan::simplify::Program;
use crate::plan::{Key, Plan, Slot, bundle, bytes};

/// Every region starts at a multiple of this: a cache line, and the widest vector.
const ALIGNMENT: usize = 64;

struct Layout<'a> {
    program: &'a Program,
    draft: &'a Draft,
    wirings: Vec<Wiring>,
    homes: Vec<Option<(Memory, usize)>>,
    /// The last kernel that reads each buffer.
    last_read: Vec<usize>,
}

/// Gives the buffers of a loop's body a place. Its `inputs` come from outside, whatever they are.
pub(super) fn place_body(
    program: &Program,
    draft: &Draft,
    inputs: &[Value],
    outputs: &[Value],
) -> Result<Plan, Error> {
    let wirings = draft.kernels.iter().map(|kernel| wiring(kernel, &draft.of)).collect();
    let homes = vec![None; draft.buffers.len()];
    let mut layout = Layout { program, draft, wirings, homes, last_read: Vec::new() };
    for (position, value) in inputs.iter().enumerate() {
        if let Some(&buffer) = draft.of.get(value) {
            layout.homes[buffer] = Some((Memory::Input(position), 0));
        }
    }
    let slot = |value: &Value, written: bool| {
        let node = program.node(*value);
        let output = &node.outputs[usize::from(value.output)];
        let name = match &node.op {
            Op::Input { name } => name.clone(),
            Op::State { path } => path.clone(),
            _ if value.output == 0 => format!("%{}", program.origin[value.index()]),
            _ => format!("%{}.{}", program.origin[value.index()], value.output),
        };
        Slot { name, dtype: output.dtype, shape: output.shape.clone(), written }
    };
    for (position, &buffer) in draft.outputs.iter().enumerate() {
        layout.homes[buffer] = Some((Memory::Output(position), 0));
    }
    let (arena_bytes, _) = layout.arena(&[])?;
    let steps = draft.kernels.iter().enumerate();
    Ok(Plan {
        inputs: inputs.iter().map(|value| slot(value, false)).collect(),
        states: Vec::new(),
        outputs: outputs.iter().map(|value| slot(value, true)).collect(),
        arena_bytes,
        kept: Vec::new(),
        steps: steps.map(|(i, kernel)| layout.step(i, kernel)).collect::<Result<_, _>>()?,
        key: Key(0, 0),
    })
}

/// Gives every buffer a place and every loop its instructions.
pub(crate) fn place(
    inner: &Inner,
    program: &Program,
    draft: Draft,
    key: Key,
    limit: usize,
) -> Result<Plan, Error> {
    let wirings = draft.kernels.iter().map(|kernel| wiring(kernel, &draft.of)).collect();
    let homes = vec![None; draft.buffers.len()];
    let mut layout = Layout { program, draft: &draft, wirings, homes, last_read: Vec::new() };
    let (mut inputs, mut states) = layout.sources();
    let outputs = layout.outputs();
    let mut copies = Vec::new();
    for &(old, new) in &draft.updates {
        let slot = layout.homes[old];
        match slot {
            Some((Memory::State(s), _)) => states[s].written = true,
            Some((Memory::Input(i), _)) => inputs[i].written = true,
            _ => {}
        }
        if layout.homes[new].is_none() && layout.in_place_is_safe(old, new) {
            layout.homes[new] = slot;
        } else {
            copies.push((old, new));
        }
    }
    let (arena_bytes, largest) = layout.arena(&copies)?;
    // What a caller allocates for the plan's inputs and outputs counts too, so that a plan that
    // cannot run is refused before anything is allocated for it.
    let mut given =
        inputs.iter().chain(&outputs).map(|slot| bytes(slot.dtype, slot.shape.elements()));
    let needed = given.try_fold(arena_bytes, |sum, n| sum.checked_add(n?));
    let left = needed.and_then(|needed| limit.checked_sub(needed));
    let Some(left) = left else {
        let graph = |value: Value| Value { node: program.origin[value.index()], ..value };
        let what = largest.map(|value| describe(inner, graph(value))).unwrap_or_default();
        return Err(Error::new(format!(
            "the plan needs {} for inputs, outputs and intermediate results ({} of it for the \
             last), the limit is {}; the largest result is {what}: take a smaller batch, or allow \
             more memory",
            megabytes(needed.unwrap_or(usize::MAX)),
            megabytes(arena_bytes),
            megabytes(limit),
        )));
    };
    let mut steps = Vec::with_capacity(draft.kernels.len() + copies.len());
    let mut members = Vec::new();
    for (index, kernel) in draft.kernels.iter().enumerate() {
        let step = layout.step(index, kernel)?;
        match draft.together.iter().find(|range| range.contains(&index)) {
            None => steps.push(step),
            Some(range) => {
                members.push(step);
                if index + 1 == range.end {
                    steps.extend(bundle::bundled(std::mem::take(&mut members)));
                }
            }
        }
    }
    for &(old, new) in &copies {
        steps.push(layout.copy(old, new)?);
    }
    let mut plan = Plan { inputs, states, outputs, arena_bytes, kept: Vec::new(), steps, key };
    plan.keep(left);
    Ok(plan)
}

pub(super) fn wiring(kernel: &DraftKernel, of: &HashMap<Value, BufferId>) -> Wiring {
    match kernel {
        DraftKernel::Loop { members, product, .. } => {
            let mut wiring = loops::wiring(members, of);
            if let Some(DraftProduct { factors, result, .. }) = product {
                wiring.reads.sort_by_key(|read| read.0 != *result);
                wiring.reads.splice(0..0, factors.map(|factor| (factor, Extent::Full)));
                wiring.writes.insert(0, (*result, Extent::Full));
            }
            wiring
        }
        DraftKernel::Other { reads, writes, .. } => {
            let full = |ids: &[BufferId]| ids.iter().map(|&id| (id, Extent::Full)).collect();
            Wiring { reads: full(reads), writes: full(writes) }
        }
    }
}

fn megabytes(bytes: usize) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// A value in words, with its shape and the line that recorded it.
pub(crate) fn describe(inner: &Inner, value: Value) -> String {
    let node = &inner.nodes[value.index()];
    let output = &node.outputs[usize::from(value.output)];
    let what = inner.describe(value);
    format!("{what}, {} {} ({})", output.dtype, output.shape, node.origin.at)
}

impl Layout<'_> {
    /// Slots for every input of the graph, asked for or not, and every state in use.
    fn sources(&mut self) -> (Vec<Slot>, Vec<Slot>) {
        let (mut inputs, mut states) = (Vec::new(), Vec::new());
        for (index, node) in self.program.nodes.iter().enumerate() {
            let alive = self.program.alive[index];
            let output = &node.outputs[0];
            let slot = |name: &str| Slot {
                name: name.to_string(),
                dtype: output.dtype,
                shape: output.shape.clone(),
                written: false,
            };
            let home = match &node.op {
                Op::Input { name } => {
                    inputs.push(slot(name));
                    Memory::Input(inputs.len() - 1)
                }
                Op::State { path } if alive => {
                    states.push(slot(path));
                    Memory::State(states.len() - 1)
                }
                _ => continue,
            };
            if let Some(&buffer) = self.draft.of.get(&Value::first(index)) {
                self.homes[buffer] = Some((home, 0));
            }
        }
        (inputs, states)
    }

    fn outputs(&mut self) -> Vec<Slot> {
        let mut outputs = Vec::new();
        for (&buffer, &value) in self.draft.outputs.iter().zip(&self.program.outputs) {
            self.homes[buffer] = Some((Memory::Output(outputs.len()), 0));
            let output = &self.program.node(value).outputs[usize::from(value.output)];
            outputs.push(Slot {
                name: String::new(),
                dtype: output.dtype,
                shape: output.shape.clone(),
                written: true,
            });
        }
        outputs
    }

    /// Whether `new` may be written over `old`: every reader of the old value runs earlier, or is
    /// the writer itself and reads each element only where it writes it.
    fn in_place_is_safe(&self, old: BufferId, new: BufferId) -> bool {
        let writer = self.wirings.iter().position(|w| w.writes.iter().any(|b| b.0 == new));
        let Some(writer) = writer else { return false };
        let reads_old =
            |w: &Wiring| w.reads.iter().filter(|b| b.0 == old).map(|b| b.1).collect::<Vec<_>>();
        let later = self.wirings[writer + 1..].iter().any(|w| !reads_old(w).is_empty());
        if later {
            return false;
        }
        let own = reads_old(&self.wirings[writer]);
        let DraftKernel::Loop { members, product, .. } = &self.draft.kernels[writer] else {
            return own.is_empty() || self.target_of(writer) == Some(old);
        };
        if product.as_ref().is_some_and(|p| p.result == new || p.factors.contains(&old)) {
            return false;
        }
        let value = self.draft.buffers[new].value;
        let extent = members.iter().find(|m| m.value == value).map(|m| m.extent);
        own.iter().all(|&read| Some(read) == extent)
    }

    /// What an update of a window or of rows may be written over: its target, if that is all it is to it.
    fn target_of(&self, kernel: usize) -> Option<BufferId> {
        match &self.draft.kernels[kernel] {
            DraftKernel::Other {
                kernel: Kernel::UpdateSlice(_) | Kernel::Scatter { .. },
                reads,
                ..
            } => {
                let (&target, rest) = reads.split_first()?;
                (!rest.contains(&target)).then_some(target)
            }
            _ => None,
        }
    }

    /// Lays out the arena by first fit, kernel by kernel; gives its size and the largest result.
    fn arena(&mut self, copies: &[(BufferId, BufferId)]) -> Result<(usize, Option<Value>), Error> {
        let mut last_read = vec![0usize; self.draft.buffers.len()];
        for (index, wiring) in self.wirings.iter().enumerate() {
            for &(buffer, _) in &wiring.reads {
                last_read[buffer] = index;
            }
        }
        for &(_, new) in copies {
            last_read[new] = usize::MAX;
        }
        // What runs side by side is all there until the last of it is done.
        for range in &self.draft.together {
            for (buffer, _) in
                self.wirings[range.clone()].iter().flat_map(|w| w.reads.iter().chain(&w.writes))
            {
                last_read[*buffer] = last_read[*buffer].max(range.end - 1);
            }
        }
        self.last_read = last_read;
        let last_read = &self.last_read;
        let mut live: Vec<(usize, usize, BufferId)> = Vec::new();
        let (mut end, mut largest) = (0usize, (0usize, None));
        for index in 0..self.wirings.len() {
            for w in 0..self.wirings[index].writes.len() {
                let id = self.wirings[index].writes[w].0;
                let buffer = &self.draft.buffers[id];
                let size = bytes(buffer.dtype, buffer.elements)
                    .and_then(|n| n.checked_next_multiple_of(ALIGNMENT))
                    .ok_or_else(|| Error::new("a result is too large for this machine"))?;
                if size > largest.0 {
                    largest = (size, Some(buffer.value));
                }
                if self.homes[id].is_some() {
                    continue;
                }
                if self.is_apart(index) && w == 0 {
                    self.homes[id] = Some((Memory::Arena, 0));
                    continue;
                }
                if let Some(product) = self.product_of(index)
                    && last_read[product] == index
                    && product != id
                    && self.draft.buffers[product].elements == buffer.elements
                    && self.draft.buffers[product].dtype == buffer.dtype
                    && self.wirings[index].writes[w].1 == Extent::Full
                    && live.iter().any(|held| held.2 == product)
                {
                    // Nobody but the loop reads the product: the result takes its place.
                    self.homes[id] = self.homes[product];
                    live.iter_mut().filter(|held| held.2 == product).for_each(|held| held.2 = id);
                    continue;
                }
                if let Some(target) = self.target_of(index)
                    && last_read[target] == index
                    && let Some((Memory::Arena, _)) = self.homes[target]
                {
                    // Nobody reads the target any more: the window is written into it.
                    self.homes[id] = self.homes[target];
                    live.iter_mut().filter(|held| held.2 == target).for_each(|held| held.2 = id);
                    continue;
                }
                let at = first_fit(&mut live, size, id)
                    .ok_or_else(|| Error::new("the results are too large for this machine"))?;
                end = end.max(at + size);
                self.homes[id] = Some((Memory::Arena, at));
            }
            live.retain(|&(_, _, id)| last_read[id] > index);
        }
        Ok((end, largest.1))
    }

    /// Whether nobody but the loop behind it reads the product, and workers can keep its blocks.
    fn is_apart(&self, kernel: usize) -> bool {
        let DraftKernel::Loop { rows, columns, members, product: Some(made) } =
            &self.draft.kernels[kernel]
        else {
            return false;
        };
        let [_, columns, _, tile] = loops::tiles(members, (*rows, *columns), true);
        self.draft.buffers[made.result].dtype == DType::F32
            && self.last_read[made.result] == kernel
            && matches!(self.homes[made.result], None | Some((Memory::Arena, _)))
            && matches!(&made.kernel, Kernel::Matmul(product) if product.can_stay_apart(tile == columns))
    }

    /// The product that a loop goes on with.
    fn product_of(&self, kernel: usize) -> Option<BufferId> {
        match &self.draft.kernels[kernel] {
            DraftKernel::Loop { product, .. } => product.as_ref().map(|p| p.result),
            DraftKernel::Other { .. } => None,
        }
    }

    fn region(&self, buffer: BufferId) -> Result<Region, Error> {
        let held = &self.draft.buffers[buffer];
        let (memory, offset) =
            self.homes[buffer].ok_or_else(|| Error::new("a result was given no memory"))?;
        Ok(Region { memory, offset, elements: held.elements, dtype: held.dtype, buffer })
    }

    fn step(&self, index: usize, kernel: &DraftKernel) -> Result<Step, Error> {
        let wiring = &self.wirings[index];
        let regions = |ids: &[(BufferId, Extent)]| {
            ids.iter().map(|&(id, _)| self.region(id)).collect::<Result<Vec<_>, _>>()
        };
        let (mut reads, mut writes) = (regions(&wiring.reads)?, regions(&wiring.writes)?);
        let apart = self.is_apart(index);
        if apart {
            (reads[FACTORS].elements, writes[0].elements) = (0, 0);
        }
        let (kernel, nodes) = match kernel {
            DraftKernel::Other { kernel, node, .. } => (kernel.clone(), vec![*node]),
            DraftKernel::Loop { rows, columns, members, product } => {
                // The reads, from `first` on, that lie where a write does.
                let in_place = |writes: &[Region], first: usize| -> Vec<Vec<usize>> {
                    let over = |write: &Region| {
                        let reads = reads[first..].iter().enumerate();
                        reads.filter(|(_, read)| read.overlaps(write)).map(|(r, _)| r).collect()
                    };
                    writes.iter().map(over).collect()
                };
                let (program, of, space) = (self.program, &self.draft.of, (*rows, *columns));
                let nodes = members.iter().map(|m| m.value.node);
                match product {
                    None => {
                        let in_place = in_place(&writes, 0);
                        let built =
                            loops::build(program, of, wiring, &in_place, space, members, false)?;
                        (Kernel::Loop(built), nodes.collect())
                    }
                    Some(DraftProduct { kernel, result, node, .. }) => {
                        let (own, in_place) =
                            (wiring.behind_product(), in_place(&writes[1..], FACTORS));
                        let body =
                            loops::build(program, of, &own, &in_place, space, members, true)?;
                        let later = self.last_read[*result] > index;
                        let made = match later || writes[0].memory != Memory::Arena {
                            true => Made::Kept,
                            false if apart => Made::Apart,
                            false => Made::Dropped,
                        };
                        let then = Some(Box::new(Then { body, made }));
                        let mut kernel = kernel.clone();
                        kernel.then_mut().into_iter().for_each(|held| *held = then.clone());
                        (kernel, std::iter::once(*node).chain(nodes).collect())
                    }
                }
            }
        };
        let nodes = nodes.into_iter().map(|node: u32| self.program.origin[node as usize]).collect();
        Ok(Step { kernel, reads, writes, nodes, kept: None })
    }

    /// The last steps: results that could not be written in place are copied to their source.
    fn copy(&self, old: BufferId, new: BufferId) -> Result<Step, Error> {
        let (read, slot) = (self.region(new)?, self.region(old)?);
        let part = Part {
            sizes: vec![read.elements],
            from: 0,
            read_strides: vec![1],
            to: 0,
            write_strides: vec![1],
        };
        Ok(Step {
            kernel: Kernel::Assemble(Assemble { zero: false, parts: vec![part] }),
            nodes: vec![self.program.origin[self.draft.buffers[new].value.index()]],
            writes: vec![Region { buffer: self.draft.buffers.len() + old, ..slot }],
            reads: vec![read],
            kept: None,
        })
    }
}

/// The first gap between live regions that is large enough; `live` stays sorted by place.
/// `None` where it would end beyond what an address can name.
fn first_fit(live: &mut Vec<(usize, usize, BufferId)>, size: usize, id: BufferId) -> Option<usize> {
    let mut at = 0usize;
    let mut position = live.len();
    for (index, &(start, end, _)) in live.iter().enumerate() {
        if start >= at.checked_add(size)? {
            position = index;
            break;
        }
        at = at.max(end);
    }
    live.insert(position, (at, at.checked_add(size)?, id));
    Some(at)
}
