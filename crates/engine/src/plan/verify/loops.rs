//! Loops over elements whose instructions fit what they read and write.

use crate::graph::DType;
use crate::plan::bytes;
use crate::plan::chain::Chains;
use crate::plan::kernel::{
    BLOCK_ROWS, Extent, FACTORS, Instruction, Kernel, Loop, Place, Region, Register, Step, Then,
};
use crate::plan::loops::REGISTER_LIMIT;

/// Whether the loop of a product goes over its rows and columns and reads it as it is made.
pub(super) fn behind_product(
    step: &Step,
    then: &Then,
    [rows, columns]: [usize; 2],
) -> Result<(), String> {
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
pub(super) fn loop_sizes(
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
