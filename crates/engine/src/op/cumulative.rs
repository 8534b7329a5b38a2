//! Sums up to each element.

use crate::graph::{DType, Output, Tensor};
use crate::op::{Inferred, Op};

pub(super) fn infer(axis: usize, x: &Output) -> Inferred {
    let (kind, wrong) = if x.dtype == DType::Bool {
        ("type", Some("takes numbers, not bool: cast first".to_string()))
    } else {
        let missing = axis >= x.shape.rank();
        ("shape", missing.then(|| format!("the shape {} has no axis {axis}", x.shape)))
    };
    Inferred::unless(x.clone(), kind, wrong, &["of"])
}

/// An element is in every sum from it on, so its adjoint is the sum of theirs.
pub(super) fn derive<'g>(axis: usize, reverse: bool, up: Tensor<'g>) -> Tensor<'g> {
    up.graph.record(Op::CumulativeSum { axis, reverse: !reverse }, &[up], None)
}

impl<'g> Tensor<'g> {
    /// For each element the sum of those along `axis` (from the end where negative) up to and with it.
    ///
    /// They are added one after another: f32 in f64, each sum rounded once, so that long axes lose
    /// nothing; f64 in f64; integers wrap around. The derivative is the same sum from the other end.
    ///
    /// ```
    /// # use glassbox_engine::{Array, DType, Graph, Options, Parameters, Session};
    /// let graph = Graph::new();
    /// let x = graph.input("x", DType::F32, [4]);
    /// let mut given = Parameters::new();
    /// given.insert("x", Array::vector([1.0f32, 2.0, 3.0, 4.0]));
    /// let mut session = Session::new(Options::default())?;
    /// let results = session.evaluate(&graph, &given, &[x.cumulative_sum(0)])?;
    /// assert_eq!(results[0].as_f32().unwrap(), [1.0, 3.0, 6.0, 10.0]);
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    #[track_caller]
    #[doc(alias = "cumsum")]
    pub fn cumulative_sum(self, axis: isize) -> Self {
        let op = Op::CumulativeSum { axis: self.axis(axis), reverse: false };
        self.graph.record(op, &[self], None)
    }
}
