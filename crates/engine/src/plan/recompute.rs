//! Computing again what costs less than writing and reading it.

use std::collections::{HashMap, HashSet};

use crate::graph::Value;
use crate::op::{Binary, Op, Unary};
use crate::plan::fuse::{DraftKernel, Fuser, MEMBER_LIMIT, Member, Operand};
use crate::plan::kernel::{Extent, Kernel};
use crate::plan::loops::is_flat;

/// Smaller results stay in a cache until they are read.
const LARGE: usize = 1 << 18;
/// Most nodes that are computed again for one result.
const NODES: usize = 16;
/// How many nodes take as long as reading a result from memory, and as writing one (which reads it first).
const READ: usize = 3;
const WRITE: usize = 6;

/// What a value is made of: nodes in their order, and the whole results that they read.
#[derive(Default)]
struct Making {
    members: Vec<Member>,
    reads: HashSet<Value>,
    /// What is in memory for all who read the value.
    there: HashSet<Value>,
}

impl Fuser<'_> {
    /// Has loops compute a large result again, from what it was made of, where that takes less time: they
    /// read no more than before and it need not be kept, or they read less.
    pub(super) fn recompute(&mut self) {
        let kept = self.kept();
        let mut copies = Copies::default();
        for position in 0..self.kernels.len() {
            let DraftKernel::Loop { members, .. } = &self.kernels[position] else { continue };
            let large = |v: Value| self.program.elements(Value::first(v.index())) >= LARGE;
            let candidates = members.iter().filter(|m| m.extent == Extent::Full && large(m.value));
            let candidates: Vec<Value> = candidates.map(|m| m.value).collect();
            for value in candidates {
                self.recompute_value(position, value, &kept, &mut copies);
            }
        }
        if copies.count > 0 {
            self.drop_unread(&kept);
        }
    }

    /// What has a place in memory whoever reads it.
    fn kept(&self) -> HashSet<Value> {
        let results = self.results().into_iter().map(|value| self.program.root(value));
        self.of.keys().copied().chain(results).collect()
    }

    fn recompute_value(
        &mut self,
        position: usize,
        value: Value,
        kept: &HashSet<Value>,
        copies: &mut Copies,
    ) {
        let mut readers: Vec<usize> = Vec::new();
        let mut needed = kept.contains(&value);
        for (at, kernel) in self.kernels.iter().enumerate().skip(position + 1) {
            let DraftKernel::Loop { members, .. } = kernel else { continue };
            for operand in members.iter().flat_map(|m| &m.operands) {
                match operand {
                    Operand::Value { root, extent: Extent::Full } if *root == value => {
                        if readers.last() != Some(&at) {
                            readers.push(at);
                        }
                    }
                    Operand::Value { root, .. } => needed |= *root == value,
                    Operand::Constant(_) => {}
                }
            }
        }
        // What all readers read anyway is in memory, and need not be made of anything.
        let mut reads = readers.iter().map(|&reader| self.whole_reads(reader));
        let mut there = reads.next().unwrap_or_default();
        reads.for_each(|reads| there.retain(|read| reads.contains(read)));
        let mut making = Making { there, ..Making::default() };
        let named = copies.count > u16::MAX / 2;
        if readers.is_empty() || named || !self.making(position, value, kept, &mut making) {
            return;
        }
        // What a reader computes, and reads less; none where it would read more.
        let change = |&reader: &usize| {
            let before = self.whole_reads(reader);
            let mut after: HashSet<Value> = before.union(&making.reads).copied().collect();
            after.remove(&value);
            let fits = self.can_compute(reader, position, making.members.len());
            let is_new = |m: &&Member| !copies.has(reader, m.value);
            let nodes = making.members.iter().filter(is_new).count();
            before.len().checked_sub(after.len()).filter(|_| fits).map(|less| (nodes, less))
        };
        let changes: Vec<Option<(usize, usize)>> = readers.iter().map(change).collect();
        let sum =
            |of: fn(&(usize, usize)) -> usize| changes.iter().flatten().map(of).sum::<usize>();
        let all = !needed
            && changes.iter().all(Option::is_some)
            && sum(|c| c.0) <= WRITE + READ * sum(|c| c.1)
            && making
                .reads
                .iter()
                .all(|read| making.there.contains(read) || self.is_there(*read, position));
        for (reader, change) in readers.into_iter().zip(changes) {
            if all || change.is_some_and(|(nodes, less)| less > 0 && nodes <= READ * less) {
                self.copy_into(reader, position, value, &making, copies);
            }
        }
    }

    /// Adds how the loop at `position`, and those before it, make `value`; false where that costs too
    /// much.
    fn making(
        &self,
        position: usize,
        value: Value,
        kept: &HashSet<Value>,
        making: &mut Making,
    ) -> bool {
        if making.members.iter().any(|m| m.value == value) {
            return true;
        }
        let Some(member) = self.member(position, value) else { return false };
        if !is_cheap(&self.program.node(value).op) {
            return false;
        }
        for operand in &member.operands {
            if let Operand::Value { extent: Extent::Part { .. }, .. } = operand {
                return false;
            }
            let Operand::Value { root, extent: Extent::Full } = *operand else { continue };
            let made = self.producer.get(&root).copied();
            let expands = |&at: &usize| {
                !kept.contains(&root)
                    && !making.there.contains(&root)
                    && self.same_space(at, position)
                    && self.member(at, root).is_some()
                    && is_cheap(&self.program.node(root).op)
            };
            if let Some(at) = made.filter(expands) {
                if !self.making(at, root, kept, making) {
                    return false;
                }
            } else if self.updates().iter().any(|(old, _)| self.program.root(*old) == root) {
                // Read later, it could not be written in place.
                return false;
            } else {
                making.reads.insert(root);
            }
        }
        making.members.push(member.clone());
        making.members.len() <= NODES
    }

    /// The node in the loop at `position` that makes every element of `value`.
    fn member(&self, position: usize, value: Value) -> Option<&Member> {
        let DraftKernel::Loop { members, .. } = &self.kernels[position] else { return None };
        members.iter().find(|m| m.value == value && m.extent == Extent::Full)
    }

    fn same_space(&self, a: usize, b: usize) -> bool {
        match (&self.kernels[a], &self.kernels[b]) {
            (
                DraftKernel::Loop { rows, columns, .. },
                DraftKernel::Loop { rows: r, columns: c, .. },
            ) => (rows, columns) == (r, c),
            _ => false,
        }
    }

    /// Whether the loop `reader` can take in `count` nodes of the loop at `position`.
    fn can_compute(&self, reader: usize, position: usize, count: usize) -> bool {
        match (&self.kernels[reader], &self.kernels[position]) {
            (
                DraftKernel::Loop { rows, columns, members, .. },
                DraftKernel::Loop { rows: r, columns: c, .. },
            ) => {
                let same = (rows, columns) == (r, c);
                let flat = || is_flat(members) && rows.checked_mul(*columns) == r.checked_mul(*c);
                members.len() + count <= MEMBER_LIMIT && (same || flat())
            }
            _ => false,
        }
    }

    /// The whole results that a loop reads.
    fn whole_reads(&self, position: usize) -> HashSet<Value> {
        let DraftKernel::Loop { members, .. } = &self.kernels[position] else {
            return HashSet::new();
        };
        let whole = members.iter().flat_map(|m| &m.operands).filter_map(|operand| match operand {
            Operand::Value { root, extent: Extent::Full } => Some(*root),
            _ => None,
        });
        whole.filter(|root| !members.iter().any(|m| m.value == *root)).collect()
    }

    /// Whether `read` is in memory after the loop at `position`, which makes something of it: a product
    /// that only one loop reads is not.
    fn is_there(&self, read: Value, position: usize) -> bool {
        let made_by = self.producer.get(&read).map(|&at| &self.kernels[at]);
        match made_by {
            Some(DraftKernel::Other { kernel: Kernel::Matmul(_), .. }) => {
                let reads = |(at, kernel): (usize, &DraftKernel)| {
                    at != position
                        && match kernel {
                            DraftKernel::Loop { .. } => self.whole_reads(at).contains(&read),
                            DraftKernel::Other { reads, .. } => {
                                self.of.get(&read).is_some_and(|buffer| reads.contains(buffer))
                            }
                        }
                };
                self.kernels.iter().enumerate().any(reads)
            }
            Some(DraftKernel::Loop { .. }) => self.of.contains_key(&read),
            _ => true,
        }
    }

    /// Has the loop `reader` make `value` as the loop at `position` does.
    fn copy_into(
        &mut self,
        reader: usize,
        position: usize,
        value: Value,
        making: &Making,
        copies: &mut Copies,
    ) {
        let DraftKernel::Loop { rows, columns, .. } = &self.kernels[position] else { return };
        let space = (*rows, *columns);
        let DraftKernel::Loop { rows, columns, members, .. } = &mut self.kernels[reader] else {
            return;
        };
        (*rows, *columns) = space;
        let renamed = |operands: &mut [Operand], copies: &Copies, only: Option<Value>| {
            for operand in operands {
                if let Operand::Value { root, extent: Extent::Full } = operand
                    && only.is_none_or(|only| only == *root)
                    && let Some(copy) = copies.names.get(&(reader, copies.origin(*root)))
                {
                    *root = *copy;
                }
            }
        };
        for member in &making.members {
            if copies.has(reader, member.value) {
                continue;
            }
            let mut member = member.clone();
            renamed(&mut member.operands, copies, None);
            let copy = copies.name(reader, member.value);
            member.value = copy;
            let first = copies.first.entry(reader).or_insert(0);
            members.insert(*first, member);
            *first += 1;
            self.producer.insert(copy, reader);
            self.extent.insert(copy, Extent::Full);
        }
        let first = copies.first.get(&reader).copied().unwrap_or(0);
        for member in &mut members[first..] {
            renamed(&mut member.operands, copies, Some(value));
        }
    }

    /// Drops what nobody reads any more.
    fn drop_unread(&mut self, kept: &HashSet<Value>) {
        let mut read: HashSet<Value> = HashSet::new();
        let mut kernels = std::mem::take(&mut self.kernels);
        for kernel in kernels.iter_mut().rev() {
            let DraftKernel::Loop { members, .. } = kernel else { continue };
            for index in (0..members.len()).rev() {
                let value = members[index].value;
                if !kept.contains(&value) && !read.contains(&value) {
                    members.remove(index);
                    continue;
                }
                read.extend(members[index].operands.iter().filter_map(|o| match o {
                    Operand::Value { root, .. } => Some(*root),
                    Operand::Constant(_) => None,
                }));
            }
        }
        kernels.retain(|kernel| match kernel {
            DraftKernel::Loop { members, .. } => !members.is_empty(),
            DraftKernel::Other { .. } => true,
        });
        self.put_in_order(kernels);
    }
}

/// What loops compute again, by the loop and by what it is a copy of.
#[derive(Default)]
struct Copies {
    names: HashMap<(usize, Value), Value>,
    /// What copies, and copies of copies, are copies of.
    origins: HashMap<Value, Value>,
    /// How many of a loop's nodes are copies; they come first.
    first: HashMap<usize, usize>,
    count: u16,
}

impl Copies {
    /// Whether `reader` makes a copy of `value`.
    fn has(&self, reader: usize, value: Value) -> bool {
        self.names.contains_key(&(reader, self.origin(value)))
    }

    fn origin(&self, value: Value) -> Value {
        self.origins.get(&value).copied().unwrap_or(value)
    }

    /// A name for a copy, which is no node's output.
    fn name(&mut self, reader: usize, value: Value) -> Value {
        self.count = self.count.saturating_add(1);
        let (origin, copy) = (self.origin(value), Value { output: u16::MAX - self.count, ..value });
        self.names.insert((reader, origin), copy);
        self.origins.insert(copy, origin);
        copy
    }
}

/// Whether computing takes less time than reading the result from memory.
fn is_cheap(op: &Op) -> bool {
    match op {
        Op::Unary(op) => {
            matches!(op, Unary::Neg | Unary::Abs | Unary::Sign | Unary::Square | Unary::Relu)
        }
        Op::Binary(op) => {
            matches!(op, Binary::Add | Binary::Sub | Binary::Mul | Binary::Max | Binary::Min)
        }
        Op::Compare(_) | Op::Logic(_) | Op::Select => true,
        _ => false,
    }
}
