//! The structure of a request as a key: ops, edges, shapes, types, what is recomputed, outputs and
//! updates; no values, no names for display, no source lines.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use crate::graph::{Inner, Role};
use crate::op::Op;
use crate::plan::{Request, updates};

/// Identifies a plan. 128 bits of two independent hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(pub u64, pub u64);

pub(crate) fn of(inner: &Inner, request: &Request) -> Key {
    let half = |salt: u64| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        for node in &inner.nodes {
            hash_op(&node.op, &mut hasher);
            matches!(node.origin.role, Role::Recompute { .. }).hash(&mut hasher);
            node.args.hash(&mut hasher);
            node.outputs.hash(&mut hasher);
        }
        request.outputs.hash(&mut hasher);
        request.donated.hash(&mut hasher);
        request.memory_limit.hash(&mut hasher);
        request.threads.hash(&mut hasher);
        updates(inner).hash(&mut hasher);
        hasher.finish()
    };
    Key(half(0), half(1))
}

/// Everything that distinguishes two ops; numbers by their bits.
pub(crate) fn hash_op(op: &Op, hasher: &mut impl Hasher) {
    std::mem::discriminant(op).hash(hasher);
    match op {
        Op::Input { name } => name.hash(hasher),
        Op::State { path } => path.hash(hasher),
        Op::Constant(value) => value.to_bits().hash(hasher),
        Op::Iota { axis }
        | Op::MaxIndex { axis }
        | Op::Concatenate { axis }
        | Op::UpdateSlice { axis } => axis.hash(hasher),
        Op::Sort { axis, descending, count } => (axis, descending, count).hash(hasher),
        Op::CumulativeSum { axis, reverse } => (axis, reverse).hash(hasher),
        Op::SliceAt { axis, size } => (axis, size).hash(hasher),
        Op::Random { distribution, path, draw } => (distribution, path, draw).hash(hasher),
        Op::Unary(op) => op.hash(hasher),
        Op::Binary(op) => op.hash(hasher),
        Op::Compare(op) => op.hash(hasher),
        Op::Logic(op) => op.hash(hasher),
        Op::Cast(dtype) => dtype.hash(hasher),
        Op::Reduce { reduction, axes } => (reduction, axes).hash(hasher),
        Op::Permute { order } => order.hash(hasher),
        Op::Slice { start, step } | Op::Embed { start, step } => (start, step).hash(hasher),
        Op::Convolution { gives, choices } => (gives, choices).hash(hasher),
        Op::MaxPool { choices } => choices.hash(hasher),
        Op::Attention { choices } | Op::AttentionGradient { choices } => choices.hash(hasher),
        Op::ScatterAdd { rows } => rows.hash(hasher),
        Op::Time { steps, reverse } => (steps, reverse).hash(hasher),
        Op::Carry { slot } => slot.hash(hasher),
        Op::Scan { steps, carries } => (steps, carries).hash(hasher),
        Op::Each => {}
        Op::Select
        | Op::Reshape
        | Op::Broadcast
        | Op::Matmul
        | Op::Gather
        | Op::Scatter
        | Op::Detach => {}
    }
}

/// Whether two ops are the same to the bit.
pub(crate) fn same_op(a: &Op, b: &Op) -> bool {
    match (a, b) {
        (Op::Constant(a), Op::Constant(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}
