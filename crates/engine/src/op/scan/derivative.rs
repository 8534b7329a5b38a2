//! The derivative of a loop: a loop back over its steps.
//!
//! The adjoint of what is carried is carried back; the body's derivative rules are recorded in the
//! loop back, where each value of the body that they read is a row of its stack: the forward loop is
//! recorded once more, giving out exactly what is read ([`Reread`]); a plan makes one loop of both.
//! What the body takes from outside gets its adjoint after the loop: rows of sequences as a stack,
//! matrices in products as one product of two stacks, Σₜ aₜᵀ·bₜ; everything else is summed up on
//! the way.

use std::collections::BTreeMap;

use crate::grad::Walk;
use crate::graph::region::{self, ScanArgs};
use crate::graph::{Graph, Node, Origin, Output, Role, Tensor, Value};
use crate::op::Op;

/// A loop whose values are read again, row by row, in a loop back over its steps.
#[derive(Clone, Debug)]
pub(crate) struct Reread {
    /// The loop's index.
    time: Value,
    /// The index of the loop back.
    back: Value,
    /// The loop's scan node.
    scan: u32,
    /// The same once more, giving out more.
    wider: Option<u32>,
    /// What has been read so far.
    rows: BTreeMap<Value, Value>,
}

impl Graph {
    /// Whether a value lies inside a loop that is not being recorded.
    pub(crate) fn is_out_of_reach(&self, value: Value) -> bool {
        let inner = self.inner.borrow();
        inner.regions.of(value).is_some_and(|r| inner.open.iter().all(|open| open.node != r))
    }

    /// A value of a loop that is being differentiated, as a row of its stack.
    #[track_caller]
    pub(crate) fn reread<'g>(&'g self, tensor: Tensor<'g>) -> Option<Tensor<'g>> {
        let region = self.region_of(tensor.value)?;
        let (level, time, back, scan, wider) = {
            let inner = self.inner.borrow();
            let level = inner.rereads.iter().rposition(|r| r.time.node == region)?;
            let held = &inner.rereads[level];
            let back = Tensor::of(self, held.back);
            if tensor.value == held.time {
                return Some(back);
            }
            if let Some(&row) = held.rows.get(&tensor.value) {
                return Some(Tensor::of(self, row));
            }
            (level, held.time, back, held.scan, held.wider)
        };
        let sequence = match self.row_of(tensor) {
            Some((index, xs)) if index.value == time => xs,
            _ => {
                let wider = wider.or_else(|| self.repeat(scan))?;
                self.inner.borrow_mut().rereads[level].wider = Some(wider);
                Tensor::of(self, self.given_out(wider, tensor.value)?)
            }
        };
        let row = self.record(Op::Each, &[back, sequence], None);
        self.inner.borrow_mut().rereads[level].rows.insert(tensor.value, row.value);
        Some(row)
    }

    /// A scan node once more, so that it can give out more.
    pub(super) fn repeat(&self, scan: u32) -> Option<u32> {
        let Node { op, args, outputs, origin: Origin { at, scope, .. } } =
            self.node(scan as usize)?;
        let role = Role::Adjoint { of: scan };
        Some(self.with_role(role, || self.push(op, args, outputs, at, Some(scope))).value.node)
    }

    /// The stack of `value`, which scan node `scan` is made to give out if it does not yet. The node is
    /// the last of its loop and not yet read by anybody else.
    pub(super) fn given_out(&self, scan: u32, value: Value) -> Option<Value> {
        let mut inner = self.inner.borrow_mut();
        let out = inner.nodes.get(value.index())?.outputs.get(usize::from(value.output))?.clone();
        let node = inner.nodes.get_mut(scan as usize)?;
        let (args, Op::Scan { steps, carries }) = (ScanArgs::of(node)?, &node.op) else {
            return None;
        };
        let position = args.outs.iter().position(|&held| held == value);
        let output = carries + position.unwrap_or(args.outs.len());
        if position.is_none() {
            let stack: Output = super::stacked(*steps, &out);
            node.args.push(value);
            node.outputs.push(stack);
        }
        Some(Value { node: scan, output: u16::try_from(output).ok()? })
    }
}

/// What a loop's body takes from outside, and how its adjoint leaves the loop back.
enum Leaving<'g> {
    /// A sequence's rows: their adjoints, stacked.
    Rows(Tensor<'g>),
    /// Side `argument` of a product with these arguments: one product of two stacks.
    Side { args: [Value; 2], up: Tensor<'g> },
    /// The same at every step: the sum over the steps.
    Sum(Tensor<'g>),
}

/// A term for a value outside the loop.
struct Leave<'g> {
    consumer: (usize, usize),
    value: Value,
    upstream: Tensor<'g>,
    what: Leaving<'g>,
}

/// Sends the adjoints of a scan's results on to what its loop took from outside.
pub(crate) fn walk<'g>(
    walk: &mut Walk<'g>,
    index: usize,
    node: &Node,
    upstream: &[Option<Tensor<'g>>],
) {
    let wider = BTreeMap::new();
    walk_with(walk, index, node, upstream, &wider);
}

fn walk_with<'g>(
    outer: &mut Walk<'g>,
    index: usize,
    node: &Node,
    upstream: &[Option<Tensor<'g>>],
    wider: &BTreeMap<u32, u32>,
) {
    let graph = outer.graph;
    let (Some(scan), Op::Scan { steps, .. }) = (ScanArgs::of(node), &node.op) else { return };
    let members = loop_members(outer, scan, node);
    // Loops within are made to give out everything now, because the wider forward loop has to stand
    // after them. What is not read is dropped by the plan.
    let mut inner_wider = wider.clone();
    if !wider.contains_key(&(index as u32)) {
        widen_within(graph, &members, &mut inner_wider);
    }
    let reverse =
        matches!(graph.node(scan.time.index()).map(|n| n.op), Some(Op::Time { reverse: true, .. }));
    let back = outer.adjoint_of(index, node, || graph.begin_loop(*steps, !reverse));
    graph.inner.borrow_mut().rereads.push(Reread {
        time: scan.time,
        back: back.value,
        scan: index as u32,
        wider: wider.get(&(index as u32)).copied(),
        rows: BTreeMap::new(),
    });
    let mut back = Back { outer, index, node, scan, back, carried: Vec::new(), leaves: Vec::new() };
    back.begin(upstream);
    for &member in members.iter().rev() {
        back.member(member, &inner_wider);
    }
    back.end(*steps);
    // The adjoints inside belong to this loop back: another scan of the same loop has its own.
    outer.adjoints.retain(|value, _| graph.region_of(*value) != Some(scan.time.node));
}

/// The nodes of the loop that its results need, with `needed` completed by what comes around: the next
/// step depends on whatever this one does.
fn loop_members(walk: &mut Walk<'_>, scan: ScanArgs<'_>, node: &Node) -> Vec<usize> {
    let inner = walk.graph.inner.borrow();
    let members = region::members_of(&inner.nodes, &inner.regions, node);
    loop {
        let mut grown = false;
        for &member in &members {
            if !walk.needed[member]
                && inner.nodes[member].args.iter().any(|a| walk.needed[a.index()])
            {
                (walk.needed[member], grown) = (true, true);
            }
        }
        for (carry, next) in scan.carries.iter().zip(scan.next) {
            if walk.needed[next.index()] && !walk.needed[carry.index()] {
                (walk.needed[carry.index()], grown) = (true, true);
            }
        }
        if !grown {
            return members;
        }
    }
}

/// Makes every loop among `members`, and within those, give out all that its body computes.
fn widen_within(graph: &Graph, members: &[usize], wider: &mut BTreeMap<u32, u32>) {
    for &member in members {
        let Some(node) = graph.node(member) else { continue };
        if ScanArgs::of(&node).is_none() {
            continue;
        }
        let within = {
            let inner = graph.inner.borrow();
            region::members_of(&inner.nodes, &inner.regions, &node)
        };
        widen_within(graph, &within, wider);
        let Some(wide) = graph.repeat(member as u32) else { continue };
        for inside in within {
            // A loop within gives out what its wider form does.
            let from = wider.get(&(inside as u32)).copied().unwrap_or(inside as u32);
            let Some(node) = graph.node(from as usize) else { continue };
            if from as usize != inside || !matches!(node.op, Op::Time { .. } | Op::Each) {
                for output in 0..node.outputs.len() {
                    graph.given_out(wide, Value { node: from, output: output as u16 });
                }
            }
        }
        wider.insert(member as u32, wide);
    }
}

/// The loop back while it is recorded.
struct Back<'a, 'g> {
    outer: &'a mut Walk<'g>,
    index: usize,
    node: &'a Node,
    scan: ScanArgs<'a>,
    back: Tensor<'g>,
    /// The slots of the forward loop whose adjoints are carried back, and these.
    carried: Vec<(usize, Tensor<'g>)>,
    leaves: Vec<Leave<'g>>,
}

impl<'g> Back<'_, 'g> {
    fn is_inside(&self, value: Value) -> bool {
        self.outer.graph.region_of(value) == Some(self.scan.time.node)
    }

    fn here<R>(&self, record: impl FnOnce() -> R) -> R {
        self.outer.adjoint_of(self.index, self.node, record)
    }

    /// The adjoints that a step begins with: of what is carried on, and of what comes out.
    fn begin(&mut self, upstream: &[Option<Tensor<'g>>]) {
        let (graph, scan, back) = (self.outer.graph, self.scan, self.back);
        for (slot, &carry) in scan.carries.iter().enumerate() {
            let tensor = Tensor::of(graph, carry);
            if !tensor.dtype().is_float() || !self.outer.needed[carry.index()] {
                continue;
            }
            let adjoint = self.here(|| {
                let first = upstream[slot].unwrap_or_else(|| tensor.full_like(0.0));
                graph.carry(back, self.carried.len(), first)
            });
            self.carried.push((slot, adjoint));
        }
        for (slot, adjoint) in self.carried.clone() {
            self.term(
                (self.index, 1 + scan.carries.len() + slot),
                scan.next[slot],
                adjoint,
                adjoint,
            );
        }
        for (out, &value) in scan.outs.iter().enumerate() {
            let Some(up) = upstream[scan.carries.len() + out] else { continue };
            if !self.outer.needed[value.index()] {
                continue;
            }
            let row = self.here(|| graph.record(Op::Each, &[back, up], None));
            self.term((self.index, 1 + 2 * scan.carries.len() + out), value, up, row);
        }
    }

    /// A term for a value, inside the loop or outside.
    fn term(
        &mut self,
        consumer: (usize, usize),
        value: Value,
        upstream: Tensor<'g>,
        product: Tensor<'g>,
    ) {
        if !self.outer.needed[value.index()] {
            return;
        }
        if self.is_inside(value) {
            return self.outer.add(consumer, value, upstream, product);
        }
        self.leaves.push(Leave { consumer, value, upstream, what: Leaving::Sum(product) });
    }

    /// One node of the body, backwards.
    fn member(&mut self, index: usize, wider: &BTreeMap<u32, u32>) {
        if !self.outer.needed[index] {
            return;
        }
        let Some(node) = self.outer.graph.node(index) else { return };
        let upstream = self.outer.upstream(index, &node);
        let Some(up) = upstream.iter().flatten().next().copied() else { return };
        match (&node.op, &node.args[..]) {
            (Op::Time { .. } | Op::Carry { .. }, _) => {}
            (Op::Each, &[_, sequence]) => {
                let what = Leaving::Rows(up);
                self.leave((index, 1), sequence, up, what);
            }
            (Op::Scan { .. }, _) => self.scan_within(index, &node, &upstream, wider),
            (Op::Matmul, &[a, b]) if !self.is_inside(a) || !self.is_inside(b) => {
                for (argument, value) in [a, b].into_iter().enumerate() {
                    if !self.is_inside(value) {
                        let what = Leaving::Side { args: [a, b], up };
                        self.leave((index, argument), value, up, what);
                    } else if self.outer.needed[value.index()] {
                        let graph = self.outer.graph;
                        let other = Tensor::of(graph, [b, a][argument]);
                        let product = self.outer.adjoint_of(index, &node, || match argument {
                            0 => up.matmul(other.transpose()),
                            _ => other.transpose().matmul(up),
                        });
                        self.outer.add((index, argument), value, up, product);
                    }
                }
            }
            _ => {
                let products = self.outer.products(index, &node, &upstream);
                for (argument, product) in products.into_iter().enumerate() {
                    if let (Some(product), Some(up)) = (product, upstream[0]) {
                        let product = self.outer.graph.reread(product).unwrap_or(product);
                        self.term((index, argument), node.args[argument], up, product);
                    }
                }
            }
        }
    }

    fn leave(
        &mut self,
        consumer: (usize, usize),
        value: Value,
        upstream: Tensor<'g>,
        what: Leaving<'g>,
    ) {
        if self.outer.needed[value.index()] {
            self.leaves.push(Leave { consumer, value, upstream, what });
        }
    }

    /// A loop within: what it takes from this loop's body gets its adjoint here, what it takes from
    /// outside both leaves this loop too.
    fn scan_within(
        &mut self,
        index: usize,
        node: &Node,
        upstream: &[Option<Tensor<'g>>],
        wider: &BTreeMap<u32, u32>,
    ) {
        let graph = self.outer.graph;
        let before = std::mem::take(&mut self.outer.adjoints);
        let first = graph.inner.borrow().contributions.len();
        walk_with(self.outer, index, node, upstream, wider);
        let terms: Vec<_> = graph.inner.borrow_mut().contributions.split_off(first);
        self.outer.adjoints = before;
        let time = self.scan.time.node;
        for term in terms {
            let region = graph.region_of(term.of);
            let (up, product) = (Tensor::of(graph, term.upstream), Tensor::of(graph, term.product));
            let consumer = (term.consumer as usize, usize::from(term.argument));
            let deeper = region > Some(time);
            if deeper {
                graph.inner.borrow_mut().contributions.push(term);
            } else {
                self.term(consumer, term.of, up, product);
            }
        }
    }

    /// Closes the loop back and gives what lies outside its adjoint.
    fn end(mut self, steps: usize) {
        let (graph, scan, back) = (self.outer.graph, self.scan, self.back);
        let mut before: Vec<Tensor<'g>> = self.carried.iter().map(|c| c.1).collect();
        let mut next = Vec::new();
        for &(slot, adjoint) in &self.carried {
            let held = self.outer.adjoints.get(&scan.carries[slot]).copied();
            next.push(held.unwrap_or_else(|| self.here(|| adjoint.full_like(0.0))));
        }
        let mut outs: Vec<Tensor<'g>> = Vec::new();
        // What is stacked anyway is summed from its stack; other sums are carried along.
        for leave in &self.leaves {
            if let Leaving::Rows(up) | Leaving::Side { up, .. } = leave.what {
                self.stack(&mut outs, up);
            }
        }
        let mut sums = Vec::with_capacity(self.leaves.len());
        for leave in &self.leaves {
            let Leaving::Sum(term) = leave.what else {
                sums.push(None);
                continue;
            };
            let stacked = outs.iter().any(|out| out.value == term.value);
            let changes = graph.region_of(term.value) == Some(back.value.node);
            if stacked || !changes || self.row(term).is_some() {
                sums.push(None);
                continue;
            }
            self.here(|| {
                let total = graph.carry(back, before.len(), term.full_like(0.0));
                next.push(total + term);
                before.push(total);
            });
            sums.push(Some(before.len() - 1));
        }
        let results = self.here(|| graph.end_loop(back, &before, &next, &outs));
        let stack_of = |tensor: Tensor<'g>| {
            let out = outs.iter().position(|out| out.value == tensor.value);
            out.and_then(|out| results.get(before.len() + out)).copied()
        };
        let reread = graph.inner.borrow_mut().rereads.pop();
        let mut given = Vec::new();
        for (position, (slot, _)) in self.carried.iter().enumerate() {
            let carry = scan.carries[*slot];
            let Some(node) = graph.node(carry.index()) else { continue };
            if let (Some(&up), Some(&first)) = (self.outer.adjoints.get(&carry), node.args.get(1)) {
                given.push(((carry.index(), 1), first, up, results[position]));
            }
        }
        for (leave, sum) in std::mem::take(&mut self.leaves).into_iter().zip(sums) {
            let stack = |tensor: Tensor<'g>| stack_of(tensor).or_else(|| self.row(tensor));
            let (consumer, _) = leave.consumer;
            let Some(node) = graph.node(consumer) else { continue };
            let product = self.outer.adjoint_of(consumer, &node, || match leave.what {
                Leaving::Rows(up) => stack(up).unwrap_or_else(|| repeated(up, steps)),
                Leaving::Side { args, up } => {
                    let up = stack(up).unwrap_or_else(|| repeated(up, steps));
                    let other = args[1 - leave.consumer.1];
                    let other = self.forward_stack(reread.as_ref(), other, steps);
                    product(up, other, leave.consumer.1)
                }
                Leaving::Sum(term) => match (sum, stack(term)) {
                    (Some(slot), _) => results[slot],
                    (None, Some(stack)) => summed(stack),
                    (None, None) => term * steps as f64,
                },
            });
            given.push((leave.consumer, leave.value, leave.upstream, product));
        }
        for (consumer, value, upstream, product) in given {
            self.outer.add(consumer, value, upstream, product);
        }
    }

    /// The sequence whose rows a tensor of the loop back is.
    fn row(&self, tensor: Tensor<'g>) -> Option<Tensor<'g>> {
        let (time, sequence) = self.outer.graph.row_of(tensor)?;
        (time.value == self.back.value).then_some(sequence)
    }

    /// Has a tensor of the loop back stacked, unless that is a sequence already or nothing changes it.
    fn stack(&self, outs: &mut Vec<Tensor<'g>>, tensor: Tensor<'g>) {
        let changes = self.outer.graph.region_of(tensor.value) == Some(self.back.value.node);
        let known = outs.iter().any(|out| out.value == tensor.value);
        if changes && !known && self.row(tensor).is_none() {
            outs.push(tensor);
        }
    }

    /// All steps of a value that the forward loop's body reads.
    fn forward_stack(&self, reread: Option<&Reread>, value: Value, steps: usize) -> Tensor<'g> {
        let graph = self.outer.graph;
        let tensor = Tensor::of(graph, value);
        if !self.is_inside(value) {
            return repeated(tensor, steps);
        }
        if let Some((time, sequence)) = graph.row_of(tensor)
            && time.value == self.scan.time
        {
            return sequence;
        }
        let wider = reread.and_then(|r| r.wider).or_else(|| graph.repeat(self.index as u32));
        let stack = wider.and_then(|wider| graph.given_out(wider, value));
        stack.map_or(tensor, |stack| Tensor::of(graph, stack))
    }
}

/// The same at every step.
fn repeated(tensor: Tensor<'_>, steps: usize) -> Tensor<'_> {
    let mut sizes = vec![steps];
    sizes.extend(tensor.shape().sizes());
    tensor.broadcast_to(sizes)
}

/// The sum over the first axis.
fn summed(stack: Tensor<'_>) -> Tensor<'_> {
    let shape: Vec<usize> = stack.shape().sizes()[1..].to_vec();
    stack.sum_axis(0).reshape(shape)
}

/// Side `argument`'s adjoint in products of `[steps, …, m, k]` × `[steps, …, k, n]`, summed over the
/// steps: Σₜ upₜ·bₜᵀ or Σₜ aₜᵀ·upₜ as one product, in which the steps are part of the inner axis.
fn product<'g>(up: Tensor<'g>, other: Tensor<'g>, argument: usize) -> Tensor<'g> {
    let joined = |tensor: Tensor<'g>| {
        // [steps, …, rows, columns] → […, steps · rows, columns]
        let rank = tensor.rank();
        let mut order: Vec<usize> = (1..rank.saturating_sub(2)).collect();
        order.extend([0, rank.saturating_sub(2), rank.saturating_sub(1)]);
        let mut sizes: Vec<usize> = tensor.shape().sizes()[1..].to_vec();
        let rows = sizes.len().saturating_sub(2);
        sizes[rows] *= tensor.dim(0);
        tensor.permute(&order).reshape(sizes)
    };
    match argument {
        // [m, n] · [k, n]ᵀ: the inner axis is n, so that both sides are turned before they are joined.
        0 => joined(up.transpose()).transpose().matmul(joined(other.transpose())),
        _ => joined(other).transpose().matmul(joined(up)),
    }
}
