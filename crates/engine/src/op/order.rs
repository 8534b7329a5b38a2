//! Elements in order along an axis.

use crate::graph::{DType, Output, Shape, Tensor, Value};
use crate::op::{Inferred, Op};

/// An axis that is sorted has at most so many elements: kernels number them with 32 bits.
const LONGEST: usize = u32::MAX as usize;

pub(super) fn infer_sort(axis: usize, count: usize, x: &Output) -> Inferred {
    let size = x.shape.sizes().get(axis).copied();
    let (kind, wrong) = match size {
        _ if x.dtype == DType::Bool => {
            ("type", Some("takes numbers, not bool: cast first".to_string()))
        }
        None => ("shape", Some(format!("the shape {} has no axis {axis}", x.shape))),
        Some(size) if x.is_assumed(axis) || count <= size.min(LONGEST) => ("shape", None),
        Some(size) if count > size => {
            ("shape", Some(format!("axis {axis} of {} has {size} elements, not {count}", x.shape)))
        }
        Some(_) => ("shape", Some(format!("axis {axis} of {} is too long to sort", x.shape))),
    };
    let mut values = x.clone();
    if size.is_some() {
        let mut sizes = x.shape.sizes().to_vec();
        sizes[axis] = count;
        values = Output { shape: sizes.into(), ..values };
        values.assumed &= !(1u64 << axis.min(63));
    }
    let indices = Output { dtype: DType::I64, ..values.clone() };
    let mut inferred = Inferred::unless(values, kind, wrong, &["of"]);
    inferred.outputs.push(indices);
    inferred.guessing()
}

/// Each element's adjoint goes back to where it came from; elements that were left out get 0.
pub(super) fn derive_sort<'g>(
    axis: usize,
    up: Tensor<'g>,
    x: Tensor<'g>,
    indices: Tensor<'g>,
) -> Vec<Option<Tensor<'g>>> {
    let whole = x.shape();
    let numbers = numbers_of(indices, axis, &whole);
    let back = up.reshape([up.elements()]).scatter_add(numbers, whole.elements());
    vec![Some(back.reshape(whole))]
}

/// For indices along `axis` of an array of shape `whole`, the row-major numbers of the elements that
/// they name, in one axis.
fn numbers_of<'g>(indices: Tensor<'g>, axis: usize, whole: &Shape) -> Tensor<'g> {
    let graph = indices.graph();
    let outer = whole.sizes()[..axis].iter().product();
    let inner: usize = whole.sizes()[axis + 1..].iter().product();
    let block = whole.sizes()[axis] * inner;
    let count = indices.shape().sizes()[axis];
    let along = indices.reshape([outer, count, inner]) * inner as f64;
    let first = graph.iota([outer, 1, 1], 0) * block as f64 + graph.iota([1, 1, inner], 2);
    (along + first).reshape([outer * count * inner])
}

/// Order. Axes are counted from the end where they are negative.
///
/// NaN counts as the largest number, as for [`max_with_index`](Tensor::max_with_index), −0 and 0 are
/// equal, and of equal numbers the first comes first.
impl<'g> Tensor<'g> {
    /// The elements along `axis` in ascending order, and the index (i64) that each had before.
    /// Stable; NaN last. The gradient goes to the element that each came from.
    ///
    /// ```
    /// # use glassbox_engine::{Array, DType, Graph, Options, Parameters, Session};
    /// let graph = Graph::new();
    /// let x = graph.input("x", DType::F32, [4]);
    /// let ((sorted, order), (best, place)) = (x.sort(0), x.top_k(2, 0));
    /// let mut given = Parameters::new();
    /// given.insert("x", Array::vector([3.0f32, 1.0, 3.0, 2.0]));
    /// let mut session = Session::new(Options::default())?;
    /// let results = session.evaluate(&graph, &given, &[sorted, order, best, place])?;
    /// assert_eq!(results[0].as_f32().unwrap(), [1.0, 2.0, 3.0, 3.0]);
    /// assert_eq!(results[1].as_i64().unwrap(), [1, 3, 0, 2]);
    /// assert_eq!(results[2].as_f32().unwrap(), [3.0, 3.0]);
    /// assert_eq!(results[3].as_i64().unwrap(), [0, 2]); // of equals the first
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn sort(self, axis: isize) -> (Self, Self) {
        self.ordered(axis, self.dim(axis), false)
    }

    /// The indices (i64) that would put the elements along `axis` in ascending order, as
    /// [`sort`](Self::sort) does. No gradient flows.
    #[track_caller]
    pub fn argsort(self, axis: isize) -> Self {
        self.sort(axis).1
    }

    /// The `k` largest along `axis`, largest first, and their indices (i64); of equal ones the first.
    /// NaN counts as the largest. The gradient goes to the elements that were chosen. `k` may be the
    /// size of the axis: then it is a descending sort.
    ///
    /// [`sort`](Self::sort) has an example.
    #[track_caller]
    pub fn top_k(self, k: usize, axis: isize) -> (Self, Self) {
        self.ordered(axis, k, true)
    }

    #[track_caller]
    fn ordered(self, axis: isize, count: usize, descending: bool) -> (Self, Self) {
        let op = Op::Sort { axis: self.axis(axis), descending, count };
        let values = self.graph.record(op, &[self], None);
        let indices = Value { output: 1, ..values.value };
        (values, Tensor::of(self.graph, indices))
    }
}
