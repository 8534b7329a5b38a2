//! Proving a plan sound before it runs: every region lies in bounds, holds what is read from it,
//! and overlaps nothing that its kernel still needs. Kernels rely on it.

use std::collections::HashMap;

use crate::plan::kernel::{Assemble, Extent, Kernel, Loop, Memory, Part, Place, Region, Step};
use crate::plan::{Plan, bytes};

pub(crate) fn verify(plan: &Plan) -> Result<(), String> {
    // What each memory holds now: regions, with the buffer that they are.
    let mut live: HashMap<Memory, Vec<Region>> = HashMap::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let at = |what: String| format!("step {index} ({}): {what}", step.kernel.name());
        sizes(step).map_err(&at)?;
        for region in step.reads.iter().chain(&step.writes) {
            bounds(plan, region).map_err(&at)?;
        }
        for read in &step.reads {
            let held = live.entry(read.memory).or_default();
            let source = matches!(read.memory, Memory::Input(_) | Memory::State(_));
            if source && !held.iter().any(|h| h.overlaps(read)) && read.elements > 0 {
                // Read for the first time: it holds what the caller or the last run left there.
                held.push(*read);
            }
            if read.elements > 0 && !held.contains(read) {
                return Err(at(format!("reads {read:?}, which does not hold that any more")));
            }
        }
        for (w, write) in step.writes.iter().enumerate() {
            if step.writes[..w].iter().any(|other| other.overlaps(write)) {
                return Err(at("writes overlap".to_string()));
            }
            for (r, read) in step.reads.iter().enumerate() {
                if read.overlaps(write) && !(same_place(read, write) && elementwise(step, r, w)) {
                    return Err(at("writes over what it reads".to_string()));
                }
            }
            let held = live.entry(write.memory).or_default();
            held.retain(|region| !region.overlaps(write));
            held.push(*write);
        }
    }
    Ok(())
}

fn same_place(a: &Region, b: &Region) -> bool {
    (a.memory, a.offset, a.elements, a.dtype) == (b.memory, b.offset, b.elements, b.dtype)
}

/// Whether a loop reads `read` at the same extent as it stores `write`, after everything else.
fn elementwise(step: &Step, read: usize, write: usize) -> bool {
    use crate::plan::kernel::Instruction::Store;
    let Kernel::Loop(l) = &step.kernel else { return false };
    let bound = l.registers.iter().any(|r| r.place == Place::Write(write));
    let stored = l.body.iter().find_map(|i| match i {
        Store { write: w, from } if *w == write => Some(l.registers[usize::from(*from)].extent),
        _ => None,
    });
    let stores_last = {
        let first = l.body.iter().position(|i| matches!(i, Store { .. }));
        first.is_none_or(|f| l.body[f..].iter().all(|i| matches!(i, Store { .. })))
    };
    let mut reads = l.registers.iter().filter(|r| r.place == Place::Read(read));
    !bound && stores_last && reads.all(|r| Some(r.extent) == stored)
}

fn bounds(plan: &Plan, region: &Region) -> Result<(), String> {
    let slot = |slots: &[crate::plan::Slot], index: usize| {
        slots.get(index).and_then(|s| bytes(s.dtype, s.shape.elements()))
    };
    let available = match region.memory {
        Memory::Arena => Some(plan.arena_bytes),
        Memory::Input(i) => slot(&plan.inputs, i),
        Memory::State(s) => slot(&plan.states, s),
        Memory::Output(o) => slot(&plan.outputs, o),
    };
    let end = bytes(region.dtype, region.elements).and_then(|n| n.checked_add(region.offset));
    match (available, end) {
        (Some(available), Some(end)) if end <= available && region.offset % 8 == 0 => Ok(()),
        _ => Err(format!("{region:?} is out of bounds")),
    }
}

/// Whether the regions are as large as the kernel takes them to be.
fn sizes(step: &Step) -> Result<(), String> {
    let reads: Vec<usize> = step.reads.iter().map(|r| r.elements).collect();
    let writes: Vec<usize> = step.writes.iter().map(|r| r.elements).collect();
    let product = |sizes: &[usize]| {
        sizes.iter().try_fold(1usize, |p, &s| p.checked_mul(s)).ok_or("too large".to_string())
    };
    let (want_reads, want_writes) = match &step.kernel {
        Kernel::Loop(l) => return loop_sizes(step, l),
        Kernel::Assemble(a) => return assemble_sizes(step, a),
        Kernel::Reduce { outer, reduced, inner, .. } => {
            (vec![product(&[*outer, *reduced, *inner])?], vec![product(&[*outer, *inner])?])
        }
        Kernel::MaxIndex { outer, reduced, inner } => {
            let kept = product(&[*outer, *inner])?;
            (vec![product(&[*outer, *reduced, *inner])?], vec![kept, kept])
        }
        Kernel::Matmul { batch, m, n, k, .. } => (
            vec![product(&[*batch, *m, *k])?, product(&[*batch, *k, *n])?],
            vec![product(&[*batch, *m, *n])?],
        ),
        Kernel::Gather { table_rows, width, numbers } => {
            (vec![product(&[*table_rows, *width])?, *numbers], vec![product(&[*numbers, *width])?])
        }
        Kernel::ScatterAdd { table_rows, width, numbers } => {
            (vec![product(&[*numbers, *width])?, *numbers], vec![product(&[*table_rows, *width])?])
        }
        Kernel::Random { .. } => (vec![1, 1], writes.clone()),
        Kernel::Iota { outer, size, inner } => {
            (Vec::new(), vec![product(&[*outer, *size, *inner])?])
        }
    };
    if reads == want_reads && writes == want_writes {
        Ok(())
    } else {
        Err(format!(
            "regions of {reads:?} → {writes:?} elements for {want_reads:?} → {want_writes:?}"
        ))
    }
}

fn loop_sizes(step: &Step, l: &Loop) -> Result<(), String> {
    let whole = l.rows.checked_mul(l.columns).ok_or("too large")?;
    let elements = |extent: Extent| match extent {
        Extent::Full => whole,
        Extent::Row => l.rows,
        Extent::Column => l.columns,
        Extent::Scalar => 1,
    };
    let tile = |extent: Extent| match extent {
        Extent::Full => l.tile_rows * l.tile_columns,
        Extent::Row => l.tile_rows,
        Extent::Column => l.tile_columns,
        Extent::Scalar => 1,
    };
    for register in &l.registers {
        let fits = |region: Option<&Region>| {
            region.is_some_and(|r| {
                r.elements == elements(register.extent) && r.dtype == register.dtype
            })
        };
        let fine = match register.place {
            Place::Read(r) => fits(step.reads.get(r)),
            Place::Write(w) => fits(step.writes.get(w)),
            Place::Scratch(at) => at
                .checked_add(tile(register.extent) * register.dtype.size())
                .is_some_and(|end| end <= l.scratch),
        };
        if !fine {
            return Err(format!("a register has no place: {register:?}"));
        }
    }
    for instruction in l.before.iter().chain(&l.body) {
        let known = |r: u16| usize::from(r) < l.registers.len();
        let mut named = instruction.from().into_iter().chain([instruction.to()]).flatten();
        if !named.all(known) {
            return Err("an instruction names a missing register".to_string());
        }
        if let crate::plan::kernel::Instruction::Store { write, from } = instruction {
            let register = &l.registers[usize::from(*from)];
            let region = step.writes.get(*write).ok_or("a store goes nowhere")?;
            if region.elements != elements(register.extent) || region.dtype != register.dtype {
                return Err("a store does not fit".to_string());
            }
        }
    }
    let partial = l.tile_columns != l.columns;
    if partial && l.tile_rows > 1 || l.tile_rows == 0 {
        return Err("a tile is not contiguous".to_string());
    }
    Ok(())
}

fn assemble_sizes(step: &Step, a: &Assemble) -> Result<(), String> {
    let [write] = step.writes[..] else { return Err("not one result".to_string()) };
    if a.parts.len() != step.reads.len() {
        return Err("parts and reads differ in number".to_string());
    }
    let last = |part: &Part, start: usize, strides: &[usize]| {
        part.sizes.iter().zip(strides).try_fold(start, |at, (&size, &stride)| {
            size.checked_sub(1)?.checked_mul(stride)?.checked_add(at)
        })
    };
    for (part, read) in a.parts.iter().zip(&step.reads) {
        let ranks = [part.sizes.len(), part.read_strides.len(), part.write_strides.len()];
        if ranks[0] != ranks[1] || ranks[0] != ranks[2] || read.dtype != write.dtype {
            return Err("a part does not fit".to_string());
        }
        if part.sizes.contains(&0) {
            continue;
        }
        let fine = last(part, part.from, &part.read_strides).is_some_and(|l| l < read.elements)
            && last(part, part.to, &part.write_strides).is_some_and(|l| l < write.elements);
        if !fine {
            return Err("a part leaves its region".to_string());
        }
    }
    Ok(())
}
