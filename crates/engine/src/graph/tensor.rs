use std::fmt;

use crate::graph::{DType, Graph, Output, Shape, Value};
use crate::op::Op;

/// A value of a graph that is being recorded. Copying it copies a name, not numbers.
///
/// Methods and operators record; they never compute, never fail and never panic.
#[derive(Clone, Copy)]
pub struct Tensor<'g> {
    pub(crate) graph: &'g Graph,
    pub(crate) value: Value,
}

impl<'g> Tensor<'g> {
    pub(crate) fn of(graph: &'g Graph, value: Value) -> Self {
        Tensor { graph, value }
    }

    /// Its graph.
    pub fn graph(self) -> &'g Graph {
        self.graph
    }

    /// Its node and output in the graph.
    pub fn value(self) -> Value {
        self.value
    }

    pub(crate) fn output(self) -> Output {
        self.graph.output(self.value)
    }

    /// The sizes of its axes.
    pub fn shape(self) -> Shape {
        self.output().shape
    }

    /// The type of its elements.
    pub fn dtype(self) -> DType {
        self.output().dtype
    }

    /// The number of axes.
    pub fn rank(self) -> usize {
        self.output().shape.rank()
    }

    /// The number of elements.
    pub fn elements(self) -> usize {
        self.output().shape.elements()
    }

    /// The size of `axis`, counted from the end where it is negative. 1 where there is no such
    /// axis: the mistake shows in the operation that was meant.
    pub fn dim(self, axis: isize) -> usize {
        let shape = self.shape();
        let index = if axis < 0 { axis + shape.rank() as isize } else { axis };
        usize::try_from(index).ok().and_then(|i| shape.sizes().get(i).copied()).unwrap_or(1)
    }

    /// Gives it a name, by which messages, `explain` and [`Graph::named`] know it. The name is
    /// prefixed by the path of the scope that is entered.
    pub fn named(self, name: &str) -> Self {
        let here = self.graph.here();
        let name = if here.is_empty() { name.to_string() } else { format!("{here}/{name}") };
        self.graph.inner.borrow_mut().names.insert(name, self.value);
        self
    }

    /// Whether it is a value of a step of a [`scan`](Graph::scan), which is not to be read outside it.
    pub fn is_inside_loop(self) -> bool {
        self.graph.region_of(self.value).is_some()
    }

    /// The number `value` of the same type.
    #[track_caller]
    pub fn scalar(self, value: f64) -> Self {
        self.graph.constant(self.dtype(), value)
    }

    /// A tensor of the same shape and type that holds `value` everywhere.
    #[track_caller]
    pub fn full_like(self, value: f64) -> Self {
        self.scalar(value).broadcast_to(self.shape())
    }

    /// The same value, but no derivative flows through it.
    #[track_caller]
    pub fn detach(self) -> Self {
        self.graph.record(Op::Detach, &[self], None)
    }
}

impl fmt::Debug for Tensor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let output = self.output();
        write!(f, "%{}: {} {}", self.value.node, output.dtype, output.shape)
    }
}
