//! Proving a plan sound before it runs: every region lies in bounds, holds what is read from it, has
//! the size and type that its kernel takes it to have, and overlaps nothing that its kernel still
//! needs; every result is written. Kernels rely on it.

use std::collections::{HashMap, HashSet};

use crate::graph::DType;
use crate::op::{Convolved, Sliding, Window};
use crate::plan::bundle::run_side_by_side;
use crate::plan::chain::Chains;
use crate::plan::kept::Kept;
use crate::plan::kernel::{
    Assemble, Attention, BLOCK_ROWS, Extent, FACTORS, Instruction, Kernel, Loop, Made, Memory,
};
use crate::plan::kernel::{Part, Place, Product, Region, Register, Scan, Sort, Step, Then};
use crate::plan::loops::REGISTER_LIMIT;
use crate::plan::{Plan, Slot, bytes};

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

/// Whether a loop's regions are what its body, a sound plan, takes and gives step by step.
fn scan_sizes(step: &Step, scan: &Scan) -> Result<(), String> {
    let body = &scan.body;
    verify_steps(body).map_err(|what| format!("its body: {what}"))?;
    let carries = scan.carries;
    let varying = carries.checked_add(scan.sequences).ok_or("too many carries and sequences")?;
    let unwritten = body.inputs.iter().all(|slot| !slot.written) && body.states.is_empty();
    let unwritten = unwritten && body.steps.iter().all(|step| step.kept.is_none());
    let kinds = body.inputs.len() > varying
        && body.outputs.len() >= carries
        && step.reads.len() + 1 == body.inputs.len()
        && scan.cut.len() == body.inputs.len()
        && step.writes.len() == body.outputs.len() + 1;
    let index = body.inputs.first().map(|slot| (slot.dtype, slot.shape.checked_elements()));
    if !unwritten || !kinds || index != Some((DType::I64, Some(1))) {
        return Err("its body takes or gives something else".to_string());
    }
    // Each part has its own index, carries and results; what is whole in all of them is only read.
    let cut = |input: usize| scan.parts > 1 && scan.cut[input];
    let apart = (1..=carries).all(|input| cut(input) == (scan.parts > 1)) && !cut(0);
    if scan.parts == 0 || !apart {
        return Err("its parts meet".to_string());
    }
    let fits = |region: &Region, slot: &Slot, times: usize, cut: bool| {
        let elements = slot.shape.checked_elements().and_then(|n| n.checked_mul(times));
        let elements = elements.and_then(|n| n.checked_mul(if cut { scan.parts } else { 1 }));
        (region.dtype, Some(region.elements)) == (slot.dtype, elements)
    };
    let given = step.reads.iter().zip(&body.inputs[1..]).enumerate().all(|(i, (region, slot))| {
        let times = if (carries..varying).contains(&i) { scan.steps } else { 1 };
        fits(region, slot, times, cut(1 + i))
    });
    let results = step.writes.iter().zip(&body.outputs).enumerate().all(|(i, (region, slot))| {
        fits(region, slot, if i < carries { 1 } else { scan.steps }, true)
    });
    let carried = (0..carries).all(|i| {
        let (before, after) = (&body.inputs[1 + i], &body.outputs[i]);
        (before.dtype, &before.shape) == (after.dtype, &after.shape)
    });
    let room = step.writes.last().zip(scan.room()).is_some_and(|(region, room)| {
        (region.dtype, region.elements, region.memory) == (DType::Bool, room.bytes, Memory::Arena)
    });
    // Packed factors follow each other in memory.
    let packed = scan.packed().try_fold(0usize, |end, (step, product)| {
        let fits = scan.can_be_packed(step) && product.packed == Some(end);
        end.checked_add(product.packed_len().filter(|_| fits)?)
    });
    if given && results && carried && room && packed.is_some() {
        Ok(())
    } else {
        Err("its regions do not fit its body".to_string())
    }
}

/// Whether the loop of a product goes over its rows and columns and reads it as it is made.
fn behind_product(step: &Step, then: &Then, [rows, columns]: [usize; 2]) -> Result<(), String> {
    let l = &then.body;
    let (Some(product), Some((made, writes))) =
        (step.reads.get(FACTORS), step.writes.split_first())
    else {
        return Err("its loop has no product".to_string());
    };
    // Blocks of rows, which are one worker's, and groups of rows count from the first of all.
    let several = matches!(step.kernel, Kernel::Matmul(ref product) if product.batch > 1);
    let of_rows = |r: &Register| matches!(r.extent, Extent::Blocks | Extent::Groups(_));
    let whole = |r: &Register| {
        (r.place != Place::Read(0) || r.extent == Extent::Full) && !(several && of_rows(r))
    };
    if product != made || (l.rows, l.columns) != (rows, columns) || !l.registers.iter().all(whole) {
        return Err("its loop does not fit its product".to_string());
    }
    // The product counts as whole, wherever it is.
    let mut reads = step.reads[FACTORS..].to_vec();
    reads[0].elements = rows.checked_mul(columns).ok_or("too large")?;
    loop_sizes(&reads, &step.reads[FACTORS..], writes, l)
}

/// Whether a loop's instructions fit what it reads, which lies at `places`, and writes.
fn loop_sizes(
    reads: &[Region],
    places: &[Region],
    writes: &[Region],
    l: &Loop,
) -> Result<(), String> {
    let whole_columns = l.tile_columns == l.columns;
    let tiles_fit = (1..=l.rows.max(1)).contains(&l.tile_rows)
        && (l.columns.min(1)..=l.columns).contains(&l.tile_columns)
        && (whole_columns || l.tile_rows == 1);
    if !tiles_fit || l.registers.len() > REGISTER_LIMIT {
        return Err("its tiles or registers do not fit".to_string());
    }
    let whole = l.rows.checked_mul(l.columns).ok_or("too large")?;
    let tile = l.tile_rows.checked_mul(l.tile_columns).ok_or("too large")?;
    let blocks = l.rows.div_ceil(BLOCK_ROWS).checked_mul(l.columns).ok_or("too large")?;
    let of = |extent: Extent, sizes: [usize; 3]| match extent {
        Extent::Full => sizes[0],
        Extent::Row => sizes[1],
        Extent::Column => sizes[2],
        Extent::Scalar => 1,
        Extent::Blocks => blocks,
        Extent::Groups(rows) => sizes[1] / rows.max(1) * sizes[2],
        Extent::Part { stride, .. } => sizes[1].saturating_mul(stride),
    };
    // All rows of a tile read the same.
    let groups_fit = |register: &Register| match register.extent {
        Extent::Groups(rows) => {
            let whole = rows > 0 && l.rows.is_multiple_of(rows) && rows.is_multiple_of(l.tile_rows);
            whole && matches!(register.place, Place::Read(_))
        }
        // Rows end within the wider ones.
        Extent::Part { offset, stride } => {
            let ends = offset.checked_add(l.columns).is_some_and(|end| end <= stride);
            let held = l.rows.checked_mul(stride).is_some();
            ends && held && matches!(register.place, Place::Read(_))
        }
        _ => true,
    };
    let fits = |region: Option<&Region>, register: &Register| {
        region.is_some_and(|r| {
            r.elements == of(register.extent, [whole, l.rows, l.columns])
                && r.dtype == register.dtype
        })
    };
    // Each element of a result is written by one tile, or tiles on two threads would meet there.
    // A block of rows is one worker's, who adds to its sums tile by tile.
    let once = |extent: Extent| match extent {
        Extent::Full => true,
        Extent::Row => whole_columns,
        Extent::Blocks => BLOCK_ROWS.is_multiple_of(l.tile_rows),
        Extent::Column | Extent::Scalar | Extent::Groups(_) | Extent::Part { .. } => false,
    };
    let mut ranges = Vec::with_capacity(l.registers.len());
    let mut writers = vec![0usize; writes.len()];
    for register in &l.registers {
        let mut range = 0..0;
        let fine = match register.place {
            Place::Read(r) => fits(reads.get(r), register) && register.extent != Extent::Blocks,
            Place::Write(w) => {
                if let Some(writers) = writers.get_mut(w) {
                    *writers += 1;
                }
                fits(writes.get(w), register) && once(register.extent)
            }
            Place::Scratch(_) if register.extent == Extent::Blocks => false,
            Place::Scratch(at) => {
                let end =
                    bytes(register.dtype, of(register.extent, [tile, l.tile_rows, l.tile_columns]))
                        .and_then(|n| n.checked_add(at));
                range = at..end.unwrap_or(at);
                end.is_some_and(|end| end <= l.scratch) && at.is_multiple_of(8)
            }
        };
        if !fine || !groups_fit(register) {
            return Err(format!("a register has no place: {register:?}"));
        }
        ranges.push(range);
    }
    let mut walk = Walk { l, ranges, holds: Vec::new(), made: vec![false; l.registers.len()] };
    walk.holds = l.registers.iter().map(|r| matches!(r.place, Place::Read(_))).collect();
    let mut stored: Vec<usize> = Vec::new();
    // What is laid down in parts: write, length of the rows, column.
    let mut laid: Vec<(usize, usize, usize)> = Vec::new();
    for (index, instruction) in l.before.iter().chain(&l.body).enumerate() {
        let before = index < l.before.len();
        walk.instruction(instruction, before)?;
        for from in instruction.from().into_iter().flatten() {
            if let Place::Read(r) = l.registers[usize::from(from)].place
                && stored.iter().any(|&w| writes[w].overlaps(&places[r]))
            {
                return Err("an instruction reads what was stored over".to_string());
            }
        }
        let (write, from) = match *instruction {
            Instruction::Store { write, from } | Instruction::Lay { write, from, .. } => {
                (write, from)
            }
            _ => continue,
        };
        let register = &l.registers[usize::from(from)];
        let fine = match *instruction {
            Instruction::Lay { offset, stride, .. } => {
                laid.push((write, stride, offset));
                let extent = Extent::Part { offset, stride };
                register.extent == Extent::Full
                    && fits(writes.get(write), &Register { extent, ..*register })
            }
            _ => fits(writes.get(write), register) && once(register.extent),
        };
        if before || !fine {
            return Err("a store does not fit".to_string());
        }
        writers[write] += usize::from(matches!(instruction, Instruction::Store { .. }));
        stored.push(write);
        if let Place::Read(r) = register.place
            && writes.iter().any(|w| w.overlaps(&places[r]))
        {
            return Err("a store takes what another may have written over".to_string());
        }
    }
    if l.chains != Chains::new(&l.registers, &l.before, &l.body, l.tile_rows, whole) {
        return Err("its chains are not its instructions".to_string());
    }
    // The parts of rows follow each other and fill them.
    laid.sort_unstable();
    for parts in laid.chunk_by(|a, b| a.0 == b.0) {
        let (write, stride, _) = parts[0];
        let follow = parts.iter().enumerate().all(|(i, &(_, other, offset))| {
            other == stride && i.checked_mul(l.columns) == Some(offset)
        });
        if !follow || parts.len().checked_mul(l.columns) != Some(stride) {
            return Err("parts of rows do not fill them".to_string());
        }
        writers[write] += 1;
    }
    let made = |w: usize| {
        let bound = l.registers.iter().position(|r| r.place == Place::Write(w));
        writers[w] == 1 && bound.is_none_or(|register| walk.made[register])
    };
    if !(0..writers.len()).all(made) {
        return Err("a result is not written exactly once".to_string());
    }
    Ok(())
}

/// A loop's instructions, one after another: what the registers hold.
struct Walk<'a> {
    l: &'a Loop,
    /// Bytes of scratch memory, empty for registers elsewhere.
    ranges: Vec<std::ops::Range<usize>>,
    /// Whether a register's value is there.
    holds: Vec<bool>,
    /// Whether an instruction has made it.
    made: Vec<bool>,
}

impl Walk<'_> {
    fn instruction(&mut self, instruction: &Instruction, before: bool) -> Result<(), String> {
        let l = self.l;
        let named = || instruction.from().into_iter().chain([instruction.to()]).flatten();
        if named().any(|r| usize::from(r) >= l.registers.len()) {
            return Err("an instruction names a missing register".to_string());
        }
        if !well_typed(l, instruction) {
            return Err(format!("{instruction:?} mixes types or extents"));
        }
        for from in instruction.from().into_iter().flatten().map(usize::from) {
            let register = &l.registers[from];
            let same_in_every_tile = match register.extent {
                Extent::Scalar => true,
                Extent::Column => l.tile_columns == l.columns,
                _ => false,
            };
            let there = self.holds[from] && (!before || self.made[from] || same_in_every_tile);
            if !there {
                return Err(format!("{instruction:?} reads what is not there"));
            }
        }
        let Some(to) = instruction.to().map(usize::from) else { return Ok(()) };
        let writable = match l.registers[to].place {
            Place::Scratch(_) => true,
            Place::Write(_) => !before,
            Place::Read(_) => false,
        };
        if !writable || self.made[to] {
            return Err(format!("{instruction:?} may not write there"));
        }
        let before_made = l.before.iter().filter_map(Instruction::to).map(usize::from);
        let needed = instruction.from().into_iter().flatten().map(usize::from);
        let meets = |&other: &usize| other != to && overlap(&self.ranges[other], &self.ranges[to]);
        if before_made.chain(needed).any(|other| meets(&other)) {
            return Err(format!("{instruction:?} writes over what is needed"));
        }
        let lost: Vec<usize> = (0..self.ranges.len()).filter(meets).collect();
        lost.into_iter().for_each(|other| self.holds[other] = false);
        (self.holds[to], self.made[to]) = (true, true);
        Ok(())
    }
}

fn overlap(a: &std::ops::Range<usize>, b: &std::ops::Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

fn well_typed(l: &Loop, instruction: &Instruction) -> bool {
    let register = |r: u16| &l.registers[usize::from(r)];
    let alike = |r: u16, s: u16| register(r).extent == register(s).extent;
    let same = |r: u16, s: u16| alike(r, s) && register(r).dtype == register(s).dtype;
    let bool = |r: u16| register(r).dtype == DType::Bool;
    let takes = |r: u16, integers: bool| {
        register(r).dtype.is_float() || register(r).dtype == DType::I64 && integers
    };
    // Only what folds writes sums of blocks, and nobody reads them here.
    let is_blocks = |r: u16| register(r).extent == Extent::Blocks;
    let folds = matches!(instruction, Instruction::Fold { .. });
    if instruction.to().is_some_and(|to| is_blocks(to) != folds)
        || instruction.from().into_iter().flatten().any(is_blocks)
    {
        return false;
    }
    match *instruction {
        Instruction::Fold { to, a } => {
            register(a).extent == Extent::Full
                && register(a).dtype == register(to).dtype
                && register(a).dtype.is_float()
        }
        Instruction::Constant { .. } | Instruction::Store { .. } => true,
        Instruction::Lay { from, .. } => register(from).extent == Extent::Full,
        Instruction::Expand { to, from } => {
            let wider = match register(from).extent {
                Extent::Scalar => register(to).extent != Extent::Scalar,
                Extent::Row | Extent::Column | Extent::Groups(_) | Extent::Part { .. } => {
                    register(to).extent == Extent::Full
                }
                Extent::Full | Extent::Blocks => false,
            };
            wider && register(to).dtype == register(from).dtype
        }
        Instruction::Unary { op, to, a } => same(to, a) && takes(a, op.takes_integers()),
        Instruction::Binary { op, to, a, b } => {
            same(to, a) && same(to, b) && takes(a, op.takes_integers())
        }
        Instruction::Compare { to, a, b, .. } => same(a, b) && alike(to, a) && bool(to),
        Instruction::Logic { to, a, b, .. } => same(to, a) && same(to, b) && bool(to),
        Instruction::Select { to, condition, a, b } => {
            same(to, a) && same(to, b) && alike(to, condition) && bool(condition)
        }
        Instruction::Cast { to, a } => alike(to, a),
        Instruction::Reduce { to, a, .. } => {
            register(a).extent == Extent::Full
                && register(to).extent == Extent::Row
                && register(a).dtype == register(to).dtype
                && !bool(a)
                && l.tile_columns == l.columns
        }
    }
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
    let rank = a.parts.first().map_or(0, |part| part.sizes.len());
    if a.zero || write.elements == 0 || (0..rank.max(1)).any(|axis| covers(a, axis, write.elements))
    {
        Ok(())
    } else {
        Err("the parts do not fill the result".to_string())
    }
}

/// Whether the parts fill a result of `elements`, one after another along `axis`.
fn covers(a: &Assemble, axis: usize, elements: usize) -> bool {
    let Some(first) = a.parts.first() else { return false };
    let mut whole = first.sizes.clone();
    let mut end = 0usize;
    for part in &a.parts {
        let stride = part.write_strides.get(axis).copied().unwrap_or(0);
        let alike = part.write_strides == first.write_strides
            && part.sizes.len() == whole.len()
            && (0..whole.len()).all(|i| i == axis || part.sizes[i] == first.sizes[i]);
        if !alike || part.to != end.saturating_mul(stride) {
            return false;
        }
        end = end.saturating_add(part.sizes.get(axis).copied().unwrap_or(0));
    }
    if let Some(size) = whole.get_mut(axis) {
        *size = end;
    }
    let whole = crate::Shape::from(whole);
    whole.checked_elements() == Some(elements) && whole.strides() == first.write_strides
}
