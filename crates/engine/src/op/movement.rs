//! Elements change places, not values.

use crate::graph::{Output, Shape, Tensor};
use crate::op::{Inferred, Mistake, Op};

const OF: &[&str] = &["of"];

pub(super) fn infer_reshape(x: &Output, wanted: Option<&Output>) -> Inferred {
    let shape = wanted.map_or_else(|| x.shape.clone(), |o| o.shape.clone());
    let output = Output { shape, dtype: x.dtype, assumed: 0 };
    let fits = output.shape.checked_elements() == Some(x.shape.elements());
    let wrong = (!fits && x.assumed == 0).then(|| {
        format!(
            "{} has {} elements, {} would have {}",
            x.shape,
            x.shape.elements(),
            output.shape,
            output.shape.elements()
        )
    });
    let guess = if fits { 0 } else { u64::MAX };
    Inferred::unless(output.assuming(guess), "shape", wrong, OF)
}

pub(super) fn infer_broadcast(x: &Output, wanted: Option<&Output>) -> Inferred {
    let shape = wanted.map_or_else(|| x.shape.clone(), |o| o.shape.clone());
    let output = Output { shape, dtype: x.dtype, assumed: 0 };
    let (from, to) = (x.shape.sizes(), output.shape.sizes());
    let fits = from.len() <= to.len()
        && from
            .iter()
            .zip(&to[to.len() - from.len().min(to.len())..])
            .enumerate()
            .all(|(axis, (&from, &to))| from == to || from == 1 || x.is_assumed(axis));
    let wrong = (!fits).then(|| format!("{} does not broadcast to {}", x.shape, output.shape));
    Inferred::unless(output, "shape", wrong, OF)
}

pub(super) fn infer_permute(order: &[usize], x: &Output) -> Inferred {
    let mut seen = order.to_vec();
    seen.sort_unstable();
    if seen.len() != x.shape.rank() || seen.iter().enumerate().any(|(i, &axis)| i != axis) {
        let what = format!("{order:?} does not name each axis of {} once", x.shape);
        let mistake = Some(Mistake { kind: "shape", what, roles: OF });
        return Inferred { outputs: vec![x.clone().assuming(u64::MAX)], mistake };
    }
    let sizes: Vec<usize> = order.iter().map(|&axis| x.shape.sizes()[axis]).collect();
    let assumed = order
        .iter()
        .enumerate()
        .map(|(to, &from)| u64::from(x.is_assumed(from)) << to.min(63))
        .fold(0, |all, bit| all | bit);
    Inferred::fine(Output { shape: sizes.into(), dtype: x.dtype, assumed })
}

/// What is wrong with a view `start, step` of `part` within `whole`.
fn view_mistake(start: &[usize], step: &[usize], part: &Shape, whole: &Output) -> Option<String> {
    let rank = whole.shape.rank();
    if [start.len(), step.len(), part.rank()] != [rank; 3] || step.contains(&0) {
        return Some(format!("start {start:?} and step {step:?} do not fit {}", whole.shape));
    }
    (0..rank)
        .find(|&axis| {
            let last = part.sizes()[axis]
                .checked_sub(1)
                .map(|n| n.checked_mul(step[axis]).and_then(|n| n.checked_add(start[axis])));
            match last {
                None => start[axis] > whole.shape.sizes()[axis],
                Some(Some(last)) => last >= whole.shape.sizes()[axis] && !whole.is_assumed(axis),
                Some(None) => true,
            }
        })
        .map(|axis| {
            format!(
                "{} elements from {} by {} leave axis {axis} of {}",
                part.sizes()[axis],
                start[axis],
                step[axis],
                whole.shape
            )
        })
}

pub(super) fn infer_slice(
    start: &[usize],
    step: &[usize],
    x: &Output,
    wanted: Option<&Output>,
) -> Inferred {
    let part = wanted.map_or_else(|| x.shape.clone(), |o| o.shape.clone());
    let wrong = view_mistake(start, step, &part, x);
    Inferred::unless(Output { shape: part, dtype: x.dtype, assumed: 0 }, "shape", wrong, OF)
}

pub(super) fn infer_embed(
    start: &[usize],
    step: &[usize],
    x: &Output,
    wanted: Option<&Output>,
) -> Inferred {
    let shape = wanted.map_or_else(|| x.shape.clone(), |o| o.shape.clone());
    let whole = Output { shape, dtype: x.dtype, assumed: 0 };
    let wrong = view_mistake(start, step, &x.shape, &whole);
    Inferred::unless(whole, "shape", wrong, OF)
}

pub(super) fn infer_concatenate(axis: usize, args: &[&Output]) -> Inferred {
    const ROLES: &[&str] = &["first", "second", "third", "4th", "5th", "6th", "7th", "8th"];
    let first = args[0];
    if axis >= first.shape.rank() {
        let what = format!("{} has no axis {axis}", first.shape);
        return Inferred::unless(first.clone(), "shape", Some(what), ROLES).guessing();
    }
    let mut sizes = first.shape.sizes().to_vec();
    let (mut wrong, mut total) = (None, Some(0usize));
    let mut assumed = first.assumed;
    for (index, arg) in args.iter().enumerate() {
        let fits = arg.shape.rank() == sizes.len()
            && arg.dtype == first.dtype
            && (0..sizes.len()).all(|a| {
                a == axis
                    || arg.shape.sizes()[a] == sizes[a]
                    || arg.is_assumed(a)
                    || first.is_assumed(a)
            });
        if !fits && wrong.is_none() {
            wrong = Some(format!(
                "argument {index}, {} {}, does not match the first, {} {}, outside axis {axis}",
                arg.dtype, arg.shape, first.dtype, first.shape
            ));
        }
        let size = arg.shape.sizes().get(axis).copied().unwrap_or(0);
        total = total.and_then(|t| t.checked_add(size));
        assumed |= arg.assumed & 1 << axis.min(63);
    }
    match total {
        Some(total) => sizes[axis] = total,
        None => wrong = Some("the sizes together are too large".to_string()),
    }
    let kind = if args.iter().any(|arg| arg.dtype != first.dtype) { "type" } else { "shape" };
    let output = Output { shape: sizes.into(), dtype: first.dtype, assumed };
    Inferred::unless(output, kind, wrong, ROLES).guessing()
}

pub(super) fn derive_permute<'g>(order: &[usize], up: Tensor<'g>) -> Tensor<'g> {
    let mut inverse = vec![0; order.len()];
    for (to, &from) in order.iter().enumerate() {
        if let Some(slot) = inverse.get_mut(from) {
            *slot = to;
        }
    }
    up.permute(&inverse)
}

pub(super) fn derive_concatenate<'g>(
    axis: usize,
    up: Tensor<'g>,
    args: &[Tensor<'g>],
) -> Vec<Option<Tensor<'g>>> {
    let mut from = 0;
    args.iter()
        .map(|arg| {
            let mut start = vec![0; up.rank()];
            start[axis] = from;
            from += arg.shape().sizes()[axis];
            Some(up.slice_to(&start, &vec![1; up.rank()], arg.shape()))
        })
        .collect()
}

/// Movement. Axes are counted from the end where they are negative.
impl<'g> Tensor<'g> {
    /// The same elements, row-major, under another shape of as many elements. Costs nothing.
    #[track_caller]
    pub fn reshape(self, shape: impl Into<Shape>) -> Self {
        let wanted = Output::new(self.dtype(), shape);
        if wanted.shape == self.shape() {
            return self;
        }
        self.graph.record(Op::Reshape, &[self], Some(wanted))
    }

    /// Repeats along new leading axes and axes of size 1 until the shape is `shape`. Operators do so
    /// by themselves; kernels mostly read the repeated elements where they are.
    #[track_caller]
    pub fn broadcast_to(self, shape: impl Into<Shape>) -> Self {
        let wanted = Output::new(self.dtype(), shape);
        if wanted.shape == self.shape() {
            return self;
        }
        self.graph.record(Op::Broadcast, &[self], Some(wanted))
    }

    /// Axes in another order: axis `i` of the result is axis `order[i]` of this.
    #[track_caller]
    pub fn permute(self, order: &[usize]) -> Self {
        self.graph.record(Op::Permute { order: order.to_vec() }, &[self], None)
    }

    /// The last two axes exchanged.
    #[track_caller]
    pub fn transpose(self) -> Self {
        let mut order: Vec<usize> = (0..self.rank()).collect();
        let rank = order.len();
        if rank >= 2 {
            order.swap(rank - 1, rank - 2);
        }
        self.permute(&order)
    }

    /// Indices `range` of `axis`, which stays, with the size of the range.
    #[track_caller]
    pub fn slice(self, axis: isize, range: std::ops::Range<usize>) -> Self {
        let axis = self.axis(axis);
        let mut start = vec![0; self.rank()];
        let mut sizes = self.shape().sizes().to_vec();
        if axis < sizes.len() {
            start[axis] = range.start;
            sizes[axis] = range.len();
        } else {
            start.push(range.start);
        }
        let step = vec![1; start.len()];
        self.slice_to(&start, &step, sizes.into())
    }

    /// Every `step[i]`-th index of axis `i` from `start[i]`, as many as `shape` says.
    ///
    /// ```
    /// # use glassbox_engine::{DType, Graph};
    /// # let graph = Graph::new();
    /// let image = graph.input("image", DType::F32, [28, 28]);
    /// let half = image.slice_to(&[0, 1], &[2, 2], [14, 14].into()); // even rows, odd columns
    /// let back = half.embed(&[0, 1], &[2, 2], [28, 28]);            // zeros elsewhere
    /// assert_eq!(back.shape(), image.shape());
    /// # assert!(graph.check().is_ok());
    /// ```
    #[track_caller]
    pub fn slice_to(self, start: &[usize], step: &[usize], shape: Shape) -> Self {
        let op = Op::Slice { start: start.to_vec(), step: step.to_vec() };
        self.graph.record(op, &[self], Some(Output::new(self.dtype(), shape)))
    }

    /// Laid into zeros of `shape`: index `j` of axis `i` comes to `start[i] + j · step[i]`. Undoes
    /// [`slice_to`](Self::slice_to), where there is an example; padding is `step` 1 everywhere.
    #[track_caller]
    pub fn embed(self, start: &[usize], step: &[usize], shape: impl Into<Shape>) -> Self {
        let op = Op::Embed { start: start.to_vec(), step: step.to_vec() };
        self.graph.record(op, &[self], Some(Output::new(self.dtype(), shape)))
    }

    /// This and `others`, one after another along `axis`; their other axes and types are equal.
    #[track_caller]
    pub fn concatenate(self, others: &[Self], axis: isize) -> Self {
        let mut args = vec![self];
        args.extend_from_slice(others);
        self.graph.record(Op::Concatenate { axis: self.axis(axis) }, &args, None)
    }
}
