//! Runs of pointwise instructions as chains: what one instruction makes goes on in vector registers to
//! the next, and memory sees only what is needed elsewhere.
//!
//! A chain computes what its instructions do one after the other, some elements at a time. That is
//! the same, because each of them reads and writes element `i` of its registers for element `i` only.

use std::ops::Range;

use crate::graph::DType;
use crate::op::{Binary, Compare, Unary};
use crate::plan::kernel::{Extent, Instruction, Place, Register, RegisterId};

/// Most numbers that go through a chain together, whatever the instruction set.
pub(crate) const TOGETHER: usize = 128;
/// Most instructions of a chain, each of which makes three links at most.
const INSTRUCTIONS: usize = 40;
/// Most links of a chain.
pub(crate) const LINKS: usize = 3 * INSTRUCTIONS;

/// Bytes of a result that is written past the caches: of one far larger than these nothing would be
/// left there for its readers, and what it is written over need not be read.
pub(crate) const STREAMED: usize = 1 << 26;

/// What a link of a chain does with the value that goes along it, and with a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// The value is the register's.
    Load,
    Negate,
    Square,
    Root,
    Reciprocal,
    Relu,
    Plus,
    Minus,
    /// The register's minus the value.
    MinusFrom,
    Times,
    Over,
    /// The register's over the value.
    OverFrom,
    /// The mask is where the value is above the register's; the value goes on as it is.
    Above,
    Below,
    AtLeast,
    AtMost,
    Equals,
    /// The value where the mask is, else the register's.
    Choose,
    /// The register's where the mask is, else the value.
    ChooseFrom,
    /// The register takes the value.
    Keep,
    /// The same, past the caches.
    Stream,
    /// The write of this number takes the value.
    Store,
}

impl Act {
    /// Whether it takes the register's numbers.
    fn reads(self) -> bool {
        use Act::{Keep, Negate, Reciprocal, Relu, Root, Square, Store, Stream};
        !matches!(self, Negate | Square | Root | Reciprocal | Relu | Keep | Stream | Store)
    }
}

/// A link of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub act: Act,
    /// Whether the register's first element stands for all.
    pub repeated: bool,
    /// The register, or the number of a write.
    pub with: u16,
}

/// A part of a loop's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Of the body.
    Instruction(usize),
    /// Of the links.
    Chain(Range<usize>),
}

/// How a body is computed: its pieces, and the links of its chains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chains {
    pub pieces: Vec<Piece>,
    pub links: Vec<Link>,
    /// Whether one chain is the whole body, so that it can go over the rows of any rectangle: it takes
    /// no whole tiles that were made before, and who keeps a value in scratch memory keeps it for the
    /// same elements only.
    pub any_rectangle: bool,
}

impl Chains {
    /// Whether anything is written past the caches.
    pub fn stream(&self) -> bool {
        self.links.iter().any(|link| link.act == Act::Stream)
    }

    /// Of instructions over `elements` in tiles of `tile_rows` rows.
    pub fn new(
        registers: &[Register],
        before: &[Instruction],
        body: &[Instruction],
        tile_rows: usize,
        elements: usize,
    ) -> Chains {
        let streams = elements.checked_mul(4).is_some_and(|bytes| bytes >= STREAMED);
        let maker = Maker { registers, before, body, tile_rows, streams };
        let mut chains = Chains::default();
        let mut next = 0;
        while next < body.len() {
            let end = maker.end(next);
            let streams = |made: &Instruction| made.to().is_some_and(|to| maker.is_streamed(to));
            if end - next > 1 || body[next..end].iter().any(streams) {
                let first = chains.links.len();
                maker.links(next..end, &mut chains.links);
                chains.pieces.push(Piece::Chain(first..chains.links.len()));
                next = end;
            } else {
                chains.pieces.push(Piece::Instruction(next));
                next += 1;
            }
        }
        let before = |with: u16| before.iter().any(|instruction| instruction.to() == Some(with));
        let apart = |link: &Link| !link.act.reads() || link.repeated || !before(link.with);
        chains.any_rectangle =
            matches!(chains.pieces[..], [Piece::Chain(_)]) && chains.links.iter().all(apart);
        chains
    }
}

struct Maker<'a> {
    registers: &'a [Register],
    before: &'a [Instruction],
    body: &'a [Instruction],
    tile_rows: usize,
    /// Whether results are large enough to be written past the caches.
    streams: bool,
}

impl Maker<'_> {
    /// Whether the register is a large result that nobody here reads.
    fn is_streamed(&self, register: RegisterId) -> bool {
        self.streams
            && matches!(self.register(register).place, Place::Write(_))
            && !self.body.iter().any(|instruction| instruction.from().contains(&Some(register)))
    }

    fn register(&self, register: RegisterId) -> &Register {
        &self.registers[usize::from(register)]
    }

    /// Where the chain that begins at `start` ends.
    fn end(&self, start: usize) -> usize {
        let end = self.body.len().min(start + INSTRUCTIONS);
        start + (start..end).take_while(|&index| self.can_be_linked(index)).count()
    }

    fn can_be_linked(&self, index: usize) -> bool {
        match self.body[index] {
            Instruction::Compare { .. } => self.is_mask(index),
            Instruction::Select { condition, .. } => {
                let makes = |i: &Instruction| i.to() == Some(condition);
                self.body[..index].iter().rposition(makes).is_some_and(|at| self.is_mask(at))
            }
            ref instruction => self.is_plain(instruction),
        }
    }

    /// Whether what a comparison finds need not be kept: it is only chosen by, before the chain can end
    /// and before another comparison.
    fn is_mask(&self, index: usize) -> bool {
        let Instruction::Compare { to, a, .. } = self.body[index] else { return false };
        let register = self.register(a);
        let numbers = (register.extent, register.dtype) == (Extent::Full, DType::F32);
        let chooses = |instruction: &Instruction| match *instruction {
            Instruction::Select { to: result, condition, a, b } => {
                condition == to
                    && ![a, b].contains(&to)
                    && self.register(result).dtype == DType::F32
            }
            _ => false,
        };
        let goes_on = |instruction: &&Instruction| {
            let stores = matches!(instruction, Instruction::Store { .. });
            chooses(instruction) || !stores && self.is_plain(instruction)
        };
        let rest = &self.body[index + 1..];
        let together = rest.iter().take_while(goes_on);
        let within = together.filter(|instruction| chooses(instruction)).count();
        let all = rest.iter().filter(|instruction| instruction.from().contains(&Some(to))).count();
        let kept = matches!(self.register(to).place, Place::Write(_));
        numbers && !kept && within > 0 && within == all
    }

    fn is_plain(&self, instruction: &Instruction) -> bool {
        let full = |register: RegisterId| {
            let register = self.register(register);
            (register.extent, register.dtype) == (Extent::Full, DType::F32)
        };
        match *instruction {
            Instruction::Unary { op, to, .. } => unary(op).is_some() && full(to),
            Instruction::Binary { op, to, .. } => binary(op).is_some() && full(to),
            // A tile of one row has as many elements as columns, and one number for all of them.
            Instruction::Expand { to, from } => {
                let extent = self.register(from).extent;
                let one = matches!(extent, Extent::Column | Extent::Row | Extent::Part { .. });
                full(to) && self.tile_rows == 1 && one
            }
            Instruction::Store { from, .. } => full(from),
            _ => false,
        }
    }

    /// Whether a register holds the same number everywhere.
    fn is_repeated(&self, register: RegisterId) -> bool {
        let of_row = self.tile_rows == 1 && self.register(register).extent == Extent::Row;
        of_row
            || self.before.iter().any(|instruction| match *instruction {
                Instruction::Constant { to, .. } => to == register,
                Instruction::Expand { to, from } => {
                    to == register && self.register(from).extent == Extent::Scalar
                }
                _ => false,
            })
    }

    fn links(&self, range: Range<usize>, links: &mut Vec<Link>) {
        let link = |act: Act, with: u16| Link { act, repeated: self.is_repeated(with), with };
        let plain = |act: Act, with: u16| Link { act, repeated: false, with };
        // The register whose value goes along.
        let mut value = None;
        for index in range.clone() {
            let instruction = &self.body[index];
            let [a, b] = match *instruction {
                Instruction::Select { a, b, .. } => [Some(a), Some(b)],
                _ => [instruction.from()[0], instruction.from()[1]],
            };
            let swapped = value.is_some() && value == b && value != a;
            let first = if swapped { b } else { a };
            if let Some(first) = first.filter(|_| value != first) {
                links.push(link(Act::Load, first));
            }
            match *instruction {
                Instruction::Unary { op, .. } => {
                    links.extend(unary(op).map(|act| plain(act, 0)));
                }
                Instruction::Binary { op, a, b, .. } => {
                    let acts = binary(op);
                    links.extend(acts.map(|acts| match swapped {
                        true => link(acts[1], a),
                        false => link(acts[0], b),
                    }));
                }
                Instruction::Compare { op, a, b, .. } => links.push(match swapped {
                    true => link(compare(op)[1], a),
                    false => link(compare(op)[0], b),
                }),
                Instruction::Select { a, b, .. } => links.push(match swapped {
                    true => link(Act::ChooseFrom, a),
                    false => link(Act::Choose, b),
                }),
                Instruction::Store { write, .. } => links.push(plain(Act::Store, write as u16)),
                _ => {}
            }
            value = first;
            let is_mask = matches!(instruction, Instruction::Compare { .. });
            if let Some(to) = instruction.to().filter(|_| !is_mask) {
                value = Some(to);
                if self.is_needed(to, index + 1..range.end) {
                    let keep = if self.is_streamed(to) { Act::Stream } else { Act::Keep };
                    links.push(plain(keep, to));
                }
            }
        }
    }

    /// Whether anybody takes a register's value from its place: who stores it next, and who computes
    /// with it right after, have it without. `chain` is what is left of the chain.
    fn is_needed(&self, register: RegisterId, chain: Range<usize>) -> bool {
        if let Place::Write(_) = self.register(register).place {
            return true;
        }
        let takes = |instruction: &Instruction| {
            instruction.from().iter().filter(|&&from| from == Some(register)).count()
        };
        let rest = &self.body[chain.start..];
        let stored =
            |i: &&Instruction| matches!(i, Instruction::Store { from, .. } if *from == register);
        let stores = rest[..chain.len()].iter().take_while(stored).count();
        let next = rest[..chain.len()].get(stores).map_or(0, |i| takes(i).min(1));
        rest.iter().map(takes).sum::<usize>() > stores + next
    }
}

fn unary(op: Unary) -> Option<Act> {
    match op {
        Unary::Neg => Some(Act::Negate),
        Unary::Square => Some(Act::Square),
        Unary::Sqrt => Some(Act::Root),
        Unary::Recip => Some(Act::Reciprocal),
        Unary::Relu => Some(Act::Relu),
        _ => None,
    }
}

/// With the left, or the right operand as the value.
fn compare(op: Compare) -> [Act; 2] {
    match op {
        Compare::Equal => [Act::Equals, Act::Equals],
        Compare::Greater => [Act::Above, Act::Below],
        Compare::GreaterEqual => [Act::AtLeast, Act::AtMost],
    }
}

/// With the left, or the right operand as the value.
fn binary(op: Binary) -> Option<[Act; 2]> {
    match op {
        Binary::Add => Some([Act::Plus, Act::Plus]),
        Binary::Sub => Some([Act::Minus, Act::MinusFrom]),
        Binary::Mul => Some([Act::Times, Act::Times]),
        Binary::Div => Some([Act::Over, Act::OverFrom]),
        _ => None,
    }
}
