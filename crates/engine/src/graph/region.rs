//! Which nodes are repeated: those that depend on the index of a loop.
//!
//! A loop's body is a region of the same graph. Its nodes need no brackets: a node belongs to the
//! region of the innermost loop whose index ([`Op::Time`]) it depends on, and whatever does not
//! depend on it is computed once, outside, wherever it was recorded.

use crate::graph::{Node, Value};
use crate::op::Op;

/// The region of each node: the node of the innermost loop's index, if there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Regions {
    of: Vec<Option<u32>>,
    /// The loops around, for the index of a loop: parent region and number of steps.
    loops: Vec<(u32, Option<u32>, usize)>,
}

impl Regions {
    pub fn new(nodes: &[Node]) -> Self {
        let mut regions = Regions::default();
        nodes.iter().for_each(|node| regions.push(&node.op, &node.args));
        regions
    }

    /// The next node. Inner loops are recorded after the loops around them, so that of several
    /// indices a node depends on the last is the innermost.
    pub fn push(&mut self, op: &Op, args: &[Value]) {
        let innermost = args.iter().filter_map(|arg| self.of(*arg)).max();
        let region = match op {
            Op::Time { steps, .. } => {
                let node = self.of.len() as u32;
                self.loops.push((node, innermost, *steps));
                Some(node)
            }
            Op::Scan { .. } => args.first().and_then(|t| self.parent(t.node)),
            _ => innermost,
        };
        self.of.push(region);
    }

    pub fn of(&self, value: Value) -> Option<u32> {
        self.node(value.index())
    }

    pub fn node(&self, index: usize) -> Option<u32> {
        self.of.get(index).copied().flatten()
    }

    /// The region around region `time`.
    pub fn parent(&self, time: u32) -> Option<u32> {
        self.entry(time).and_then(|entry| entry.1)
    }

    /// The steps of region `time`.
    pub fn steps(&self, time: u32) -> usize {
        self.entry(time).map_or(1, |entry| entry.2)
    }

    fn entry(&self, time: u32) -> Option<&(u32, Option<u32>, usize)> {
        let index = self.loops.binary_search_by_key(&time, |entry| entry.0).ok()?;
        self.loops.get(index)
    }

    /// Whether `region` is `outer` or lies within.
    pub fn within(&self, region: Option<u32>, outer: Option<u32>) -> bool {
        let mut here = region;
        loop {
            match here {
                _ if here == outer => return true,
                None => return false,
                Some(time) => here = self.parent(time),
            }
        }
    }

    /// How many loops a node of `region` lies in.
    pub fn depth(&self, region: Option<u32>) -> usize {
        let mut here = region;
        std::iter::from_fn(|| {
            let time = here?;
            here = self.parent(time);
            Some(time)
        })
        .count()
    }

    /// How often a node of `region` is computed in a run, or `None` where that overflows.
    pub fn checked_repeats(&self, region: Option<u32>) -> Option<usize> {
        let (mut here, mut product) = (region, 1usize);
        while let Some(time) = here {
            product = product.checked_mul(self.steps(time))?;
            here = self.parent(time);
        }
        Some(product)
    }

    /// As [`checked_repeats`](Self::checked_repeats); a graph refuses loops that overflow.
    pub fn repeats(&self, region: Option<u32>) -> usize {
        self.checked_repeats(region).unwrap_or(usize::MAX)
    }
}

/// A scan node's arguments by what they are.
#[derive(Clone, Copy)]
pub(crate) struct ScanArgs<'a> {
    /// The loop's index.
    pub time: Value,
    /// What is carried, before a step.
    pub carries: &'a [Value],
    /// The same after it.
    pub next: &'a [Value],
    /// What is given out at each step.
    pub outs: &'a [Value],
}

impl<'a> ScanArgs<'a> {
    /// `None` unless the node is a scan with all its arguments.
    pub fn of(node: &'a Node) -> Option<Self> {
        let Op::Scan { carries, .. } = node.op else { return None };
        let (&time, rest) = node.args.split_first()?;
        let (before, rest) = rest.split_at_checked(carries)?;
        let (next, outs) = rest.split_at_checked(carries)?;
        Some(ScanArgs { time, carries: before, next, outs })
    }
}

/// The nodes of region `time` itself (not of loops within) that `wanted` need, ascending; `args` are
/// those of a node.
pub(crate) fn members<A: IntoIterator<Item = Value>>(
    regions: &Regions,
    time: u32,
    wanted: impl IntoIterator<Item = Value>,
    args: impl Fn(usize) -> A,
) -> Vec<usize> {
    let mut seen = std::collections::BTreeSet::new();
    let mut open: Vec<usize> = wanted.into_iter().map(Value::index).collect();
    while let Some(index) = open.pop() {
        if regions.within(regions.node(index), Some(time)) && seen.insert(index) {
            open.extend(args(index).into_iter().map(Value::index));
        }
    }
    seen.into_iter().filter(|&index| regions.node(index) == Some(time)).collect()
}

/// The nodes of a scan's own loop that its results need, ascending.
pub(crate) fn members_of(nodes: &[Node], regions: &Regions, scan: &Node) -> Vec<usize> {
    let Some(time) = scan.args.first() else { return Vec::new() };
    let args = |index: usize| nodes[index].args.iter().copied();
    members(regions, time.node, scan.args.iter().copied(), args)
}

/// What is wrong with the loops of a graph that was read: everything that recording guarantees.
pub(crate) fn problem(nodes: &[Node], regions: &Regions) -> Option<(usize, String)> {
    nodes.iter().enumerate().find_map(|(index, node)| {
        problem_of(nodes, regions, index, node).map(|what| (index, what.to_string()))
    })
}

fn problem_of(
    nodes: &[Node],
    regions: &Regions,
    index: usize,
    node: &Node,
) -> Option<&'static str> {
    let is_time = |v: &Value| {
        v.output == 0 && matches!(nodes.get(v.index()).map(|n| &n.op), Some(Op::Time { .. }))
    };
    let region = regions.node(index);
    match &node.op {
        Op::Time { .. } => {
            if node.args.iter().any(|arg| !is_time(arg)) {
                return Some("a loop lies in something that is no loop");
            }
            return (regions.checked_repeats(region).is_none()).then_some("too many steps");
        }
        Op::Carry { .. } | Op::Each => {
            let fits = node.args.first().is_some_and(is_time)
                && region == node.args.first().map(|t| t.node)
                && node.args.get(1).is_some_and(|v| {
                    let outer = node.args.first().and_then(|t| regions.parent(t.node));
                    regions.within(outer, regions.of(*v))
                });
            let steps = node.args.get(1).and_then(|xs| {
                nodes[xs.index()].outputs.get(usize::from(xs.output))?.shape.sizes().first()
            });
            let long = node.op != Op::Each || steps.copied() == region.map(|t| regions.steps(t));
            return (!fits || !long).then_some("it does not belong to its loop");
        }
        _ => {}
    }
    let Some(scan) = ScanArgs::of(node) else {
        // The regions of the arguments lie within each other.
        let fine = node.args.iter().all(|arg| regions.within(region, regions.of(*arg)));
        return (!fine).then_some("it takes values from two loops, neither within the other");
    };
    let time = scan.time.node;
    let carried =
        |v: &Value| matches!(nodes[v.index()].op, Op::Carry { .. }) && regions.of(*v) == Some(time);
    let fine = is_time(&scan.time)
        && scan.carries.iter().all(carried)
        && (1..scan.carries.len()).all(|i| !scan.carries[..i].contains(&scan.carries[i]))
        && node.args.iter().all(|arg| regions.within(Some(time), regions.of(*arg)))
        && scan.carries.iter().enumerate().all(|(slot, carry)| {
            matches!(nodes[carry.index()].op, Op::Carry { slot: s } if s as usize == slot)
        });
    let long = matches!(node.op, Op::Scan { steps, .. } if steps == regions.steps(time));
    if !fine || !long || node.outputs.is_empty() {
        return Some("its loop is incomplete");
    }
    let given = members_of(nodes, regions, node);
    let all = given.iter().all(|&member| {
        !matches!(nodes[member].op, Op::Carry { .. })
            || scan.carries.contains(&Value::first(member))
    });
    (!all).then_some("it uses something that it does not carry")
}
