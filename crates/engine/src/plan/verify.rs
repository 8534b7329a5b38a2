//! Proving a plan sound before it runs: every region lies in bounds, holds what is read from it, has
//! the size and type that its kernel takes it to have, and overlaps nothing that its kernel still
//! needs; every result is written. Kernels rely on it.

use std::collections::{HashMap, HashSet};

use crate::graph::DType;
use crate::op::{Convolved, Sliding, Window};
use crate::plan::bundle::run_side_by_side;
use crate::plan::kept::Kept;
use crate::plan::kernel::{
    Attention, FACTORS, Instruction, Kernel, Made, Memory, Place, Product, Region, Sort, Step,
};
use crate::plan::{Plan, Slot, bytes};
use assemble::assemble_sizes;
use loops::{behind_product, loop_sizes};
use scan::scan_sizes;

mod assemble;
mod loops;
mod scan;
#[cfg(test)]
mod tests;

pub(crate) fn verify(plan: &Plan) -> Result<(), String> {
    let is_packed =
        |step: &Step| matches!(&step.kernel, Kernel::Matmul(product) if product.packed.is_some());
    if plan.steps.iter().any(is_packed) {
        return Err("a factor is packed outside of loops".to_string());
    }
    kept(plan)?;
    verify_steps(plan)
}

/// Whether what steps take instead of their second argument is made of that, and of a state that stays
/// as it is.
fn kept(plan: &Plan) -> Result<(), String> {
    for (index, step) in plan.steps.iter().enumerate() {
        let Some(held) = step.kept else { continue };
        let held = plan.kept.get(held);
        if held.is_none() || held != Kept::of(step, &plan.states).as_ref() {
            let name = step.kernel.name();
            return Err(format!("step {index} ({name}): takes what was not kept for it"));
        }
    }
    Ok(())
}

fn verify_steps(plan: &Plan) -> Result<(), String> {
    // What each memory holds now: regions, with the buffer that they are.
    let mut live: HashMap<Memory, Vec<Region>> = HashMap::new();
    let mut written: HashSet<Memory> = HashSet::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let at = |what: String| format!("step {index} ({}): {what}", step.kernel.name());
        if let Kernel::Bundle(members) = &step.kernel {
            let own = !step.reads.is_empty() || !step.writes.is_empty();
            if own || !run_side_by_side(members) {
                return Err(at("its members meet, or are none".to_string()));
            }
        }
    }
    let members = plan.steps.iter().enumerate().flat_map(|(index, step)| match &step.kernel {
        // Whatever the order of members, each finds and leaves the same.
        Kernel::Bundle(members) => members.iter().map(|member| (index, member)).collect(),
        _ => vec![(index, step)],
    });
    for (index, step) in members {
        let at = |what: String| format!("step {index} ({}): {what}", step.kernel.name());
        for region in step.reads.iter().chain(&step.writes) {
            bounds(plan, region).map_err(&at)?;
        }
        types(step).map_err(&at)?;
        sizes(step).map_err(&at)?;
        let then = step.kernel.then();
        for (r, read) in step.reads.iter().enumerate() {
            if then.is_some() && r == FACTORS {
                // The product itself, which the step makes.
                continue;
            }
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
            // A result may take the product's place, where its loop reads each element only there.
            let replaces = |other: usize| {
                then.is_some()
                    && other == 0
                    && same_place(&step.writes[0], write)
                    && in_place(step, FACTORS, w)
            };
            if (0..w).any(|other| step.writes[other].overlaps(write) && !replaces(other)) {
                return Err(at("writes overlap".to_string()));
            }
            for (r, read) in step.reads.iter().enumerate() {
                if read.overlaps(write) && !(same_place(read, write) && in_place(step, r, w)) {
                    return Err(at("writes over what it reads".to_string()));
                }
            }
            let held = live.entry(write.memory).or_default();
            held.retain(|region| !region.overlaps(write));
            held.push(*write);
            written.insert(write.memory);
        }
        if let Some(then) = then
            && then.made != Made::Kept
        {
            live.entry(step.writes[0].memory).or_default().retain(|held| *held != step.writes[0]);
        }
    }
    let slots = |slots: &[Slot], memory: fn(usize) -> Memory| {
        let unlike = |(i, slot): (usize, &Slot)| slot.written != written.contains(&memory(i));
        slots.iter().enumerate().any(unlike)
    };
    if slots(&plan.inputs, Memory::Input)
        || slots(&plan.states, Memory::State)
        || slots(&plan.outputs, Memory::Output)
    {
        return Err("a result is not written, or something is that should not be".to_string());
    }
    Ok(())
}

fn same_place(a: &Region, b: &Region) -> bool {
    (a.memory, a.offset, a.elements, a.dtype) == (b.memory, b.offset, b.elements, b.dtype)
}

/// Whether a loop reads `read` at the same extent as it stores `write`: then each tile has read all
/// that it stores over, because nothing reads that after the store. An update of a window, or of rows,
/// only writes these. Of a product the loop behind it reads each element after it was written.
fn in_place(step: &Step, read: usize, write: usize) -> bool {
    let (l, read, write) = match &step.kernel {
        Kernel::Loop(l) => (l, read, write),
        Kernel::Matmul(_) | Kernel::Convolution { .. } => {
            let Some(then) = step.kernel.then() else { return false };
            match (read.checked_sub(FACTORS), write.checked_sub(1)) {
                (Some(read), Some(write)) => (&then.body, read, write),
                (Some(0), None) => return true,
                _ => return false,
            }
        }
        Kernel::UpdateSlice(_) | Kernel::Scatter { .. } => return read == 0,
        _ => return false,
    };
    let bound = l.registers.iter().any(|r| r.place == Place::Write(write));
    let stored = l.body.iter().find_map(|i| match i {
        Instruction::Store { write: w, from } if *w == write => {
            Some(l.registers[usize::from(*from)].extent)
        }
        _ => None,
    });
    let mut reads = l.registers.iter().filter(|r| r.place == Place::Read(read));
    !bound && reads.all(|r| Some(r.extent) == stored)
}

/// Whether a region lies in its memory; of inputs, states and outputs it is the whole.
fn bounds(plan: &Plan, region: &Region) -> Result<(), String> {
    let slot = match region.memory {
        Memory::Arena => None,
        Memory::Input(i) => Some(plan.inputs.get(i)),
        Memory::State(s) => Some(plan.states.get(s)),
        Memory::Output(o) => Some(plan.outputs.get(o)),
    };
    let fine = match slot {
        None => bytes(region.dtype, region.elements)
            .and_then(|n| n.checked_add(region.offset))
            .is_some_and(|end| end <= plan.arena_bytes && region.offset.is_multiple_of(64)),
        Some(slot) => slot.is_some_and(|s| {
            (s.dtype, s.shape.checked_elements()) == (region.dtype, Some(region.elements))
                && region.offset == 0
        }),
    };
    if fine { Ok(()) } else { Err(format!("{region:?} is out of bounds")) }
}

/// Whether the regions have the types that the kernel reads and writes.
fn types(step: &Step) -> Result<(), String> {
    let of = |regions: &[Region]| regions.iter().map(|r| r.dtype).collect::<Vec<_>>();
    let (reads, writes) = (of(&step.reads), of(&step.writes));
    let number = |dtype: &DType| *dtype != DType::Bool;
    let fine = match (&step.kernel, &reads[..], &writes[..]) {
        (Kernel::Loop(_) | Kernel::Assemble(_), ..) => true,
        (Kernel::Reduce { .. }, [a], [to]) => a == to && number(a),
        (Kernel::MaxIndex { .. }, [a], [to, index]) => a == to && number(a) && *index == DType::I64,
        (Kernel::Sort(_), [a], [to, index, DType::I64]) => {
            a == to && number(a) && *index == DType::I64
        }
        (Kernel::CumulativeSum { .. }, [a], [to]) => a == to && number(a),
        (Kernel::SliceAt(_), [a, DType::I64], [to]) => a == to,
        (Kernel::UpdateSlice(_) | Kernel::Scatter { .. }, [a, b, DType::I64], [to]) => {
            a == to && b == to
        }
        (Kernel::Matmul(_) | Kernel::Convolution { .. }, [a, b, rest @ ..], [to, more @ ..]) => {
            let alone = rest.is_empty() && more.is_empty();
            a == to && b == to && to.is_float() && (step.kernel.then().is_some() || alone)
        }
        (Kernel::MaxPool(_), [a], [to, DType::I64]) => a == to && to.is_float(),
        (Kernel::Attention(of), [to, read @ ..], written) => {
            let mask = usize::from(of.heads.mask.is_some());
            let (numbers, flags) = read.split_at(read.len().saturating_sub(mask));
            let alike = numbers.iter().chain(written).all(|dtype| dtype == to);
            alike && flags.iter().all(|flag| *flag == DType::Bool) && to.is_float()
        }
        (Kernel::Gather { .. } | Kernel::ScatterAdd { .. }, [a, numbers], [to]) => {
            a == to && number(a) && *numbers == DType::I64
        }
        (Kernel::Random { .. }, [_, _, ..], [to]) => {
            reads.iter().all(|read| *read == DType::I64) && to.is_float()
        }
        (Kernel::Scan(_), ..) => true,
        (Kernel::Iota { .. }, [], [to]) => *to == DType::I64,
        _ => false,
    };
    if fine { Ok(()) } else { Err(format!("takes other types than {reads:?} → {writes:?}")) }
}

/// Whether the regions are as large as the kernel takes them to be.
fn sizes(step: &Step) -> Result<(), String> {
    let reads: Vec<usize> = step.reads.iter().map(|r| r.elements).collect();
    let writes: Vec<usize> = step.writes.iter().map(|r| r.elements).collect();
    let product = |sizes: &[usize]| {
        sizes.iter().try_fold(1usize, |p, &s| p.checked_mul(s)).ok_or("too large".to_string())
    };
    let (want_reads, want_writes) = match &step.kernel {
        Kernel::Loop(l) => return loop_sizes(&step.reads, &step.reads, &step.writes, l),
        Kernel::Assemble(a) => return assemble_sizes(step, a),
        Kernel::Reduce { outer, reduced, inner, .. } => {
            (vec![product(&[*outer, *reduced, *inner])?], vec![product(&[*outer, *inner])?])
        }
        Kernel::MaxIndex { outer, reduced, inner } => {
            let kept = product(&[*outer, *inner])?;
            if *reduced == 0 && kept > 0 {
                return Err("looks for the largest of none".to_string());
            }
            (vec![product(&[*outer, *reduced, *inner])?], vec![kept, kept])
        }
        Kernel::Sort(sort) => {
            let Sort { outer, size, inner, count, parts, .. } = *sort;
            let kept = product(&[outer, count, inner])?;
            let columns = product(&[outer, inner])?;
            let room = product(&[parts, size, Sort::words(step.reads[0].dtype)])?;
            if count > size || parts > columns || parts == 0 && kept > 0 {
                return Err("takes more than there is to sort".to_string());
            }
            (vec![product(&[outer, size, inner])?], vec![kept, kept, room])
        }
        Kernel::CumulativeSum { outer, size, inner, .. } => {
            let whole = product(&[*outer, *size, *inner])?;
            (vec![whole], vec![whole])
        }
        Kernel::SliceAt(window) | Kernel::UpdateSlice(window) => {
            let Window { outer, whole, part, inner } = *window;
            let (all, some) = (product(&[outer, whole, inner])?, product(&[outer, part, inner])?);
            if part > whole {
                return Err("a window is longer than its axis".to_string());
            }
            match step.kernel {
                Kernel::SliceAt(_) => (vec![all, 1], vec![some]),
                _ => (vec![all, some, 1], vec![all]),
            }
        }
        Kernel::Matmul(p) => {
            let Product { batch, m, n, k, then, .. } = p;
            let mut want = vec![product(&[*batch, *m, *k])?, product(&[*batch, *k, *n])?];
            let mut made = product(&[*batch, *m, *n])?;
            if let Some(then) = then {
                behind_product(step, then, [product(&[*batch, *m])?, *n])?;
                want.extend_from_slice(&reads[FACTORS..]);
                if then.made == Made::Apart {
                    if step.reads[0].dtype != DType::F32
                        || !p.can_stay_apart(then.body.has_whole_rows())
                    {
                        return Err("its product has no place".to_string());
                    }
                    made = 0;
                }
            }
            (want, [&[made], &writes[1..]].concat())
        }
        Kernel::Convolution { gives, stencil, then } => {
            let [input, filter, output] =
                stencil.elements().ok_or("sizes do not fit each other")?;
            let (mut want, made) = match gives {
                Convolved::Output => (vec![input, filter], output),
                Convolved::Input => (vec![output, filter], input),
                Convolved::Filter => (vec![input, output], filter),
            };
            if let Some(then) = then {
                let (rows, columns) = step.kernel.space().ok_or("a loop behind all pixels")?;
                behind_product(step, then, [rows, columns])?;
                want.extend_from_slice(&reads[FACTORS..]);
                if then.made == Made::Apart {
                    return Err("its pixels have no place".to_string());
                }
            }
            (want, [&[made], writes.get(1..).unwrap_or_default()].concat())
        }
        Kernel::Attention(Attention { heads, rows, back }) => {
            let too_large = "too large";
            let of = heads.lengths().ok_or(too_large)?;
            let times = [heads.queries, heads.keys, heads.keys];
            let widths = [heads.width, heads.width, heads.features];
            for (i, rows) in rows.iter().enumerate() {
                let count = product(&[heads.batch, times[i]])?;
                let width = product(&[heads.heads, widths[i]])?;
                let held = reads.get(i).copied().unwrap_or(0);
                if product(&[count, rows.stride])? != held
                    || rows.offset.checked_add(width).is_none_or(|end| end > rows.stride)
                {
                    return Err("rows leave their region".to_string());
                }
            }
            let mut want = reads.get(..3).unwrap_or_default().to_vec();
            if *back {
                want.extend([of.outputs, of.rows, of.outputs]);
            }
            want.extend(heads.mask.map(|_| of.mask));
            let gives = if *back {
                vec![of.queries, of.keys, of.values]
            } else {
                vec![of.outputs, of.rows]
            };
            (want, gives)
        }
        Kernel::MaxPool(stencil) => {
            let [input, _, output] = stencil.elements().ok_or("sizes do not fit each other")?;
            let meets = |s: &Sliding| {
                s.input > 0 && s.before < s.taps && s.after < s.taps && s.dilation == 1
            };
            if stencil.channels != stencil.features || !stencil.sliding.iter().all(meets) {
                return Err("a window has no elements".to_string());
            }
            // Places within a window are kept in 32 bits.
            let [height, width] = stencil.sliding;
            let reach = product(&[height.taps, width.input, stencil.channels])?;
            if u32::try_from(reach).is_err() {
                return Err("a window is too large".to_string());
            }
            (vec![input], vec![output, output])
        }
        Kernel::Gather { table_rows, width, numbers } => {
            (vec![product(&[*table_rows, *width])?, *numbers], vec![product(&[*numbers, *width])?])
        }
        Kernel::ScatterAdd { table_rows, width, numbers, parts } => {
            let even = |n: &usize| *parts > 0 && n.is_multiple_of(*parts);
            if !even(table_rows) || !even(numbers) {
                return Err("parts are not equal".to_string());
            }
            (vec![product(&[*numbers, *width])?, *numbers], vec![product(&[*table_rows, *width])?])
        }
        Kernel::Scatter { table_rows, width, numbers } => {
            let (table, values) = (product(&[*table_rows, *width])?, product(&[*numbers, *width])?);
            (vec![table, values, *numbers], vec![table])
        }
        Kernel::Random { .. } => (vec![1; reads.len()], writes.clone()),
        Kernel::Scan(scan) => return scan_sizes(step, scan),
        Kernel::Bundle(_) => return Err("a bundle within a bundle".to_string()),
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
