//! Reductions: many elements become one.

use serde::{Deserialize, Serialize};

use crate::graph::{DType, Output, Shape, Tensor};
use crate::op::{Inferred, Op};

/// How elements are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reduction {
    /// Their sum; 0 for none.
    Sum,
    /// The largest; −∞ for none. NaN wins. Equal largest elements share the gradient.
    Max,
    /// The smallest; ∞ for none. NaN wins. Equal smallest elements share the gradient.
    Min,
}

impl Reduction {
    /// The op's name.
    pub fn name(self) -> &'static str {
        match self {
            Reduction::Sum => "sum",
            Reduction::Max => "max",
            Reduction::Min => "min",
        }
    }

    pub(crate) fn local_in_words(self) -> &'static str {
        match self {
            Reduction::Sum => "1",
            Reduction::Max => "1 for the largest, else 0",
            Reduction::Min => "1 for the smallest, else 0",
        }
    }
}

fn reduced(x: &Output, axes: &[usize]) -> Output {
    let mut sizes = x.shape.sizes().to_vec();
    let mut assumed = x.assumed;
    for &axis in axes.iter().filter(|&&axis| axis < x.shape.rank()) {
        sizes[axis] = 1;
        assumed &= !(1u64 << axis.min(63));
    }
    Output { shape: sizes.into(), dtype: x.dtype, assumed }
}

pub(super) fn infer(reduction: Reduction, axes: &[usize], x: &Output) -> Inferred {
    let ascending = axes.windows(2).all(|w| w[0] < w[1]);
    let wrong = if x.dtype == DType::Bool {
        Some(format!("{} takes numbers, not bool: cast first", reduction.name()))
    } else if let Some(axis) = axes.iter().find(|&&axis| axis >= x.shape.rank()) {
        Some(format!("the shape {} has no axis {axis}", x.shape))
    } else if !ascending {
        Some(format!("the axes {axes:?} are not each named once"))
    } else {
        None
    };
    let kind = if x.dtype == DType::Bool { "type" } else { "shape" };
    Inferred::unless(reduced(x, axes), kind, wrong, &["of"]).guessing()
}

pub(super) fn infer_max_index(axis: usize, x: &Output) -> Inferred {
    let wrong = if x.dtype == DType::Bool {
        Some("takes numbers, not bool: cast first".to_string())
    } else if axis >= x.shape.rank() {
        Some(format!("the shape {} has no axis {axis}", x.shape))
    } else if x.shape.sizes()[axis] == 0 {
        Some(format!("axis {axis} of {} is empty", x.shape))
    } else {
        None
    };
    let value = reduced(x, &[axis]);
    let index = Output { dtype: DType::I64, ..value.clone() };
    let kind = if x.dtype == DType::Bool { "type" } else { "shape" };
    let mut inferred = Inferred::unless(value, kind, wrong, &["of"]);
    inferred.outputs.push(index);
    inferred.guessing()
}

pub(super) fn derive<'g>(
    reduction: Reduction,
    axes: &[usize],
    up: Tensor<'g>,
    x: Tensor<'g>,
    y: Tensor<'g>,
) -> Vec<Option<Tensor<'g>>> {
    let up = up.broadcast_to(x.shape());
    vec![Some(match reduction {
        Reduction::Sum => up,
        Reduction::Max | Reduction::Min => {
            let extreme = x.equal(y.broadcast_to(x.shape()));
            let share = extreme.cast(x.dtype());
            let count = x.graph().record(
                Op::Reduce { reduction: Reduction::Sum, axes: axes.to_vec() },
                &[share],
                None,
            );
            up * share / count.broadcast_to(x.shape())
        }
    })]
}

pub(super) fn derive_max_index<'g>(
    axis: usize,
    up: Tensor<'g>,
    x: Tensor<'g>,
    index: Tensor<'g>,
) -> Vec<Option<Tensor<'g>>> {
    let chosen = x.graph().iota(x.shape(), axis).equal(index.broadcast_to(x.shape()));
    let up = up.broadcast_to(x.shape());
    vec![Some(chosen.select(up, up.full_like(0.0)))]
}

/// Reductions. Axes are counted from the end where they are negative.
impl<'g> Tensor<'g> {
    /// The sum of all elements, a scalar.
    #[track_caller]
    pub fn sum(self) -> Self {
        self.reduce_all(Reduction::Sum)
    }

    /// The mean of all elements, a scalar; of none, NaN. Of floats: the mean of integers is a mistake.
    #[track_caller]
    pub fn mean(self) -> Self {
        self.sum() * (1.0 / self.elements() as f64)
    }

    /// The largest element, a scalar.
    #[track_caller]
    pub fn max(self) -> Self {
        self.reduce_all(Reduction::Max)
    }

    /// The smallest element, a scalar.
    #[track_caller]
    pub fn min(self) -> Self {
        self.reduce_all(Reduction::Min)
    }

    /// The sum along `axis`, which stays with size 1.
    #[track_caller]
    pub fn sum_axis(self, axis: isize) -> Self {
        let axes = vec![self.axis(axis)];
        self.graph.record(Op::Reduce { reduction: Reduction::Sum, axes }, &[self], None)
    }

    /// The mean along `axis`, which stays with size 1.
    #[track_caller]
    pub fn mean_axis(self, axis: isize) -> Self {
        self.sum_axis(axis) * (1.0 / self.dim(axis) as f64)
    }

    /// The largest along `axis`, which stays with size 1; of none, −∞. Equal largest elements share
    /// the gradient.
    #[track_caller]
    pub fn max_axis(self, axis: isize) -> Self {
        let axes = vec![self.axis(axis)];
        self.graph.record(Op::Reduce { reduction: Reduction::Max, axes }, &[self], None)
    }

    /// The smallest along `axis`, which stays with size 1.
    #[track_caller]
    pub fn min_axis(self, axis: isize) -> Self {
        let axes = vec![self.axis(axis)];
        self.graph.record(Op::Reduce { reduction: Reduction::Min, axes }, &[self], None)
    }

    /// The largest along `axis` and its index (i64; the first where several are largest); the axis
    /// stays with size 1 and must not be empty. NaN counts as the largest. The gradient goes to the
    /// element that was chosen.
    ///
    /// ```
    /// # use glassbox_engine::{DType, Graph};
    /// # let graph = Graph::new();
    /// let scores = graph.input("scores", DType::F32, [32, 10]);
    /// let (best, class) = scores.max_with_index(-1);
    /// assert_eq!((best.dtype(), class.dtype()), (DType::F32, DType::I64));
    /// assert_eq!(class.shape().sizes(), &[32, 1]);
    /// assert_eq!(scores.argmax(-1).shape().sizes(), &[32]);
    /// # assert!(graph.check().is_ok());
    /// ```
    #[track_caller]
    pub fn max_with_index(self, axis: isize) -> (Self, Self) {
        let axis = self.axis(axis);
        let value = self.graph.record(Op::MaxIndex { axis }, &[self], None);
        let index = crate::graph::Value { output: 1, ..value.value };
        (value, Tensor::of(self.graph, index))
    }

    /// The index of the largest along `axis` (i64), without that axis. No gradient flows.
    #[track_caller]
    pub fn argmax(self, axis: isize) -> Self {
        let (_, index) = self.max_with_index(axis);
        index.drop_axis(axis)
    }

    /// The smallest along `axis` and its index (i64; the first where several are smallest), as
    /// [`max_with_index`](Self::max_with_index) does; NaN counts as the smallest here.
    #[track_caller]
    pub fn min_with_index(self, axis: isize) -> (Self, Self) {
        let (value, index) = self.mirrored().max_with_index(axis);
        (value.mirrored(), index)
    }

    /// The index of the smallest along `axis` (i64), without that axis. No gradient flows.
    #[track_caller]
    pub fn argmin(self, axis: isize) -> Self {
        let (_, index) = self.min_with_index(axis);
        index.drop_axis(axis)
    }

    /// The numbers in the opposite order; of integers −x − 1, which none of them overflows.
    #[track_caller]
    fn mirrored(self) -> Self {
        if self.dtype() == DType::I64 { self.negate() - 1.0 } else { self.negate() }
    }

    /// Without `axis`, whose size is 1.
    #[track_caller]
    pub fn drop_axis(self, axis: isize) -> Self {
        let mut sizes = self.shape().sizes().to_vec();
        let axis = self.axis(axis);
        if axis < sizes.len() {
            sizes.remove(axis);
        }
        self.reshape(sizes)
    }

    /// Sums away what broadcasting to this shape had repeated: `[4, 3]` to `[3]`, `[1, 3]`, `[4, 1]`
    /// or `[]`. The derivative of [`broadcast_to`](Self::broadcast_to).
    #[track_caller]
    pub fn sum_to(self, shape: impl Into<Shape>) -> Self {
        let (from, to) = (self.shape(), shape.into());
        if from == to {
            return self;
        }
        let offset = from.rank().saturating_sub(to.rank());
        let axes: Vec<usize> = (0..from.rank())
            .filter(|&axis| {
                axis < offset || to.sizes()[axis - offset] == 1 && from.sizes()[axis] != 1
            })
            .collect();
        let summed = if axes.is_empty() {
            self
        } else {
            self.graph.record(Op::Reduce { reduction: Reduction::Sum, axes }, &[self], None)
        };
        summed.reshape(to)
    }

    #[track_caller]
    fn reduce_all(self, reduction: Reduction) -> Self {
        let axes: Vec<usize> = (0..self.rank()).collect();
        if axes.is_empty() {
            return self;
        }
        self.graph.record(Op::Reduce { reduction, axes }, &[self], None).reshape(Shape::scalar())
    }

    /// `axis` counted from the start; past the end where there is none, which the op reports.
    pub(crate) fn axis(self, axis: isize) -> usize {
        let rank = self.rank();
        let index = if axis < 0 { axis + rank as isize } else { axis };
        usize::try_from(index).unwrap_or(rank)
    }
}
