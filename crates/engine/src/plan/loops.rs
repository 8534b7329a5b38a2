//! From a loop's members to registers and instructions.

use std::collections::HashMap;

use crate::Error;
use crate::graph::{DType, Value};
use crate::op::Op;
use crate::plan::chain::Chains;
use crate::plan::fuse::{BufferId, Member, Operand};
use crate::plan::kernel::{
    BLOCK_ROWS, Extent, FACTORS, Instruction, Loop, Place, Register, RegisterId,
};
use crate::plan::simplify::Program;

/// Elements of a tile: small enough that all registers of a loop stay in the first cache.
pub(crate) const TILE: usize = 512;
/// Rows up to this length are kept whole in a tile where nothing demands it.
const WHOLE_ROW: usize = 1024;
/// The executor's table of registers.
pub(crate) const REGISTER_LIMIT: usize = 320;

/// What a loop reads from memory and what it leaves there.
pub(crate) struct Wiring {
    pub reads: Vec<(BufferId, Extent)>,
    pub writes: Vec<(BufferId, Extent)>,
}

/// The buffers of a loop. A member's value is written if some other kernel has asked for it.
pub(crate) fn wiring(members: &[Member], of: &HashMap<Value, BufferId>) -> Wiring {
    let mut wiring = Wiring { reads: Vec::new(), writes: Vec::new() };
    for member in members {
        for operand in &member.operands {
            if let Operand::Value { root, extent } = *operand
                && !members.iter().any(|m| m.value == root)
                && let Some(&buffer) = of.get(&root)
                && !wiring.reads.contains(&(buffer, extent))
            {
                wiring.reads.push((buffer, extent));
            }
        }
        // Of what is laid down in parts each part is a member.
        let known = |buffer| wiring.writes.iter().any(|write| write.0 == buffer);
        if let Some(&buffer) = of.get(&member.value)
            && !(matches!(member.extent, Extent::Part { .. }) && known(buffer))
        {
            wiring.writes.push((buffer, member.extent));
        }
    }
    wiring
}

impl Wiring {
    /// What is the loop's own of a product and the loop after it.
    pub(crate) fn behind_product(&self) -> Wiring {
        Wiring { reads: self.reads[FACTORS..].to_vec(), writes: self.writes[1..].to_vec() }
    }
}

struct Builder<'a> {
    program: &'a Program,
    of: &'a HashMap<Value, BufferId>,
    wiring: &'a Wiring,
    registers: Vec<Register>,
    before: Vec<Instruction>,
    body: Vec<Instruction>,
    /// The register that holds a value at its own extent.
    values: HashMap<(Value, Extent), RegisterId>,
    /// The same at another extent: value, its extent, the extent it was repeated to.
    expanded: HashMap<(Value, Extent, Extent), RegisterId>,
    constants: HashMap<(u64, DType, Extent), RegisterId>,
    columns_are_whole: bool,
}

/// How the space of `members` is walked: rows, columns, and rows and columns of a tile. Where neither
/// rows nor columns matter, all is one row, unless a product comes before.
pub(crate) fn tiles(
    members: &[Member],
    (rows, columns): (usize, usize),
    behind_product: bool,
) -> [usize; 4] {
    let reduces = members.iter().any(|m| m.extent == Extent::Row);
    let structured = reduces || behind_product || !is_flat(members);
    let (rows, columns) = if structured { (rows, columns) } else { (1, rows * columns) };
    // Behind a product columns come in pieces, so that workers can share them out.
    let whole_row = if behind_product { TILE } else { WHOLE_ROW };
    let whole = reduces || structured && columns <= whole_row;
    let tile_columns = if whole { columns } else { columns.min(TILE) };
    let tile_rows = match tile_columns {
        whole if whole == columns => (TILE / columns.max(1)).clamp(1, rows.max(1)),
        _ => 1,
    };
    // Tiles do not go over the end of a block or a group of rows.
    let ends = |tile: &usize| rows_together(members).all(|rows| rows.is_multiple_of(*tile));
    let tile_rows = (1..=tile_rows).rev().find(ends).unwrap_or(1);
    [rows, columns, tile_rows, tile_columns]
}

/// How many rows there are in each kind of blocks and groups that `members` make or read.
pub(crate) fn rows_together(members: &[Member]) -> impl Iterator<Item = usize> {
    let made = members.iter().map(|m| m.extent);
    let read = members.iter().flat_map(|m| &m.operands).filter_map(|operand| match operand {
        Operand::Value { extent, .. } => Some(*extent),
        Operand::Constant(_) => None,
    });
    made.chain(read).filter_map(|extent| match extent {
        Extent::Blocks => Some(BLOCK_ROWS),
        Extent::Groups(rows) => Some(rows),
        _ => None,
    })
}

/// Whether neither rows nor columns matter to any member.
pub(crate) fn is_flat(members: &[Member]) -> bool {
    let flat = |extent: &Extent| matches!(extent, Extent::Full | Extent::Scalar);
    let mut operands = members.iter().flat_map(|m| &m.operands);
    members.iter().all(|m| flat(&m.extent))
        && operands.all(|o| !matches!(o, Operand::Value { extent, .. } if !flat(extent)))
}

/// Builds the loop. `in_place[w]` are the reads that lie where write `w` does.
pub(crate) fn build(
    program: &Program,
    of: &HashMap<Value, BufferId>,
    wiring: &Wiring,
    in_place: &[Vec<usize>],
    space: (usize, usize),
    members: &[Member],
    behind_product: bool,
) -> Result<Loop, Error> {
    let [rows, columns, tile_rows, tile_columns] = tiles(members, space, behind_product);
    let mut builder = Builder {
        program,
        of,
        wiring,
        registers: Vec::new(),
        before: Vec::new(),
        body: Vec::new(),
        values: HashMap::new(),
        expanded: HashMap::new(),
        constants: HashMap::new(),
        columns_are_whole: tile_columns == columns,
    };
    for member in members {
        builder.member(member);
    }
    let mut stores = Vec::new();
    for (write, (&(buffer, extent), in_place)) in wiring.writes.iter().zip(in_place).enumerate() {
        let member = members.iter().find(|m| of.get(&m.value) == Some(&buffer));
        let Some(&from) = member.and_then(|m| builder.values.get(&(m.value, extent))) else {
            continue;
        };
        // A constant is computed before the tiles, so it has a register of its own.
        let made_once = builder.before.iter().any(|i| i.to() == Some(from));
        if in_place.is_empty() && !made_once {
            builder.registers[usize::from(from)].place = Place::Write(write);
        } else {
            stores.push((builder.last_use(from, in_place), Instruction::Store { write, from }));
        }
    }
    stores.sort_by_key(|&(after, _)| after);
    for (after, store) in stores.into_iter().rev() {
        builder.body.insert(after, store);
    }
    if builder.registers.len() > REGISTER_LIMIT {
        return Err(Error::new("a loop has too many registers"));
    }
    let elements = |extent: Extent| match extent {
        Extent::Full => tile_rows * tile_columns,
        Extent::Row => tile_rows,
        Extent::Column => tile_columns,
        Extent::Scalar => 1,
        Extent::Blocks | Extent::Groups(_) | Extent::Part { .. } => 0,
    };
    let scratch = builder.place_registers(&elements);
    let Builder { registers, before, body, .. } = builder;
    let chains = Chains::new(&registers, &before, &body, tile_rows, rows.saturating_mul(columns));
    Ok(Loop { rows, columns, tile_rows, tile_columns, registers, before, body, chains, scratch })
}

impl Builder<'_> {
    fn register(&mut self, extent: Extent, dtype: DType) -> RegisterId {
        // Placed when all instructions are known.
        self.registers.push(Register { extent, dtype, place: Place::Scratch(usize::MAX) });
        (self.registers.len() - 1) as RegisterId
    }

    fn member(&mut self, member: &Member) {
        let node = self.program.node(member.value);
        let reduces = matches!(node.op, Op::Reduce { .. });
        let wanted = match member.extent {
            Extent::Part { .. } => Extent::Full,
            _ if reduces => Extent::Full,
            extent => extent,
        };
        let arg_dtype = |i: usize| self.program.dtype(node.args[i]);
        let dtypes: Vec<DType> = (0..member.operands.len())
            .map(|i| if node.args.is_empty() { node.outputs[0].dtype } else { arg_dtype(i) })
            .collect();
        let a: Vec<RegisterId> = member
            .operands
            .iter()
            .zip(dtypes)
            .map(|(operand, dtype)| self.operand(operand, dtype, wanted))
            .collect();
        if let Extent::Part { offset, stride } = member.extent {
            let buffer = self.of.get(&member.value);
            let write = self.wiring.writes.iter().position(|write| Some(&write.0) == buffer);
            let write = write.unwrap_or(usize::MAX);
            self.body.push(Instruction::Lay { write, from: a[0], offset, stride });
            return;
        }
        if let Op::Constant(_) = node.op {
            self.values.insert((member.value, member.extent), a[0]);
            return;
        }
        let to = self.register(member.extent, node.outputs[0].dtype);
        let instruction = match &node.op {
            Op::Unary(op) => Instruction::Unary { op: *op, to, a: a[0] },
            Op::Binary(op) => Instruction::Binary { op: *op, to, a: a[0], b: a[1] },
            Op::Compare(op) => Instruction::Compare { op: *op, to, a: a[0], b: a[1] },
            Op::Logic(op) => Instruction::Logic { op: *op, to, a: a[0], b: a[1] },
            Op::Select => Instruction::Select { to, condition: a[0], a: a[1], b: a[2] },
            Op::Reduce { .. } if member.extent == Extent::Blocks => {
                Instruction::Fold { to, a: a[0] }
            }
            Op::Reduce { reduction, .. } => {
                Instruction::Reduce { reduction: *reduction, to, a: a[0] }
            }
            // Only pointwise nodes and reductions are members; a cast is what remains.
            _ => Instruction::Cast { to, a: a[0] },
        };
        self.body.push(instruction);
        self.values.insert((member.value, member.extent), to);
    }

    /// The register that holds an operand at the extent that the instruction works on.
    fn operand(&mut self, operand: &Operand, dtype: DType, wanted: Extent) -> RegisterId {
        match *operand {
            Operand::Constant(value) => {
                let key = (value.to_bits(), dtype, wanted);
                if let Some(&register) = self.constants.get(&key) {
                    return register;
                }
                let to = self.register(wanted, dtype);
                self.before.push(Instruction::Constant { to, value });
                self.constants.insert(key, to);
                to
            }
            Operand::Value { root, extent } => {
                if extent != wanted
                    && let Some(&register) = self.expanded.get(&(root, extent, wanted))
                {
                    return register;
                }
                let from = self.value(root, extent, dtype);
                if extent == wanted {
                    return from;
                }
                let to = self.register(wanted, dtype);
                let expand = Instruction::Expand { to, from };
                let same_in_every_tile = match extent {
                    Extent::Scalar => true,
                    Extent::Column => self.columns_are_whole,
                    _ => false,
                };
                if same_in_every_tile {
                    self.before.push(expand)
                } else {
                    self.body.push(expand)
                }
                self.expanded.insert((root, extent, wanted), to);
                to
            }
        }
    }

    /// The register of a value at its own extent: computed before, or read in place.
    fn value(&mut self, root: Value, extent: Extent, dtype: DType) -> RegisterId {
        if let Some(&register) = self.values.get(&(root, extent)) {
            return register;
        }
        let register = self.register(extent, dtype);
        let buffer = self.of.get(&root);
        let read = self.wiring.reads.iter().position(|r| Some(&r.0) == buffer && r.1 == extent);
        self.registers[usize::from(register)].place = Place::Read(read.unwrap_or(usize::MAX));
        self.values.insert((root, extent), register);
        register
    }

    /// How many instructions there are until register `made` is made and nobody reads what lies in
    /// `reads` any more.
    fn last_use(&self, made: RegisterId, reads: &[usize]) -> usize {
        let there = |register: RegisterId| matches!(self.registers[usize::from(register)].place, Place::Read(r) if reads.contains(&r));
        let holds_up = |instruction: &Instruction| {
            instruction.to() == Some(made) || instruction.from().into_iter().flatten().any(there)
        };
        self.body.iter().rposition(holds_up).map_or(0, |last| last + 1)
    }

    /// Gives every computed register scratch memory, shared by registers whose lives do not meet.
    fn place_registers(&mut self, elements: &dyn Fn(Extent) -> usize) -> usize {
        let mut last_use = vec![0usize; self.registers.len()];
        for (at, instruction) in self.body.iter().enumerate() {
            for register in instruction.from().into_iter().flatten() {
                last_use[usize::from(register)] = at + 1;
            }
        }
        let mut free: Vec<(usize, usize)> = Vec::new();
        let mut end = 0;
        let size = |r: &Register| (elements(r.extent) * r.dtype.size()).next_multiple_of(64);
        for instruction in &self.before {
            if let Some(to) = instruction.to() {
                let register = &mut self.registers[usize::from(to)];
                let bytes = size(register);
                register.place = Place::Scratch(end);
                end += bytes;
            }
        }
        for (at, instruction) in self.body.iter().enumerate() {
            if let Some(to) = instruction.to() {
                let register = &mut self.registers[usize::from(to)];
                if let Place::Scratch(_) = register.place {
                    let bytes = size(register);
                    let reused = free.iter().position(|&(_, held)| held == bytes);
                    let place = match reused {
                        Some(index) => free.swap_remove(index).0,
                        None => {
                            end += bytes;
                            end - bytes
                        }
                    };
                    register.place = Place::Scratch(place);
                    if last_use[usize::from(to)] == 0 {
                        free.push((place, bytes));
                    }
                }
            }
            for from in instruction.from().into_iter().flatten() {
                let index = usize::from(from);
                let made_here = self.body.iter().any(|i| i.to() == Some(from));
                if let Place::Scratch(place) = self.registers[index].place
                    && last_use[index] == at + 1
                    && made_here
                    && !free.iter().any(|&(held, _)| held == place)
                {
                    free.push((place, size(&self.registers[index])));
                }
            }
        }
        end
    }
}
