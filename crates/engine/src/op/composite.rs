//! Functions of tensors that are made of the primitives.

use crate::graph::{DType, Tensor};

/// Composites.
impl<'g> Tensor<'g> {
    /// Each number brought into `low..=high`; NaN stays, and where `low > high` everything is `high`.
    /// The derivative is 1 within, 0 outside and, as for [`max_with`](Self::max_with), 1/2 at either
    /// end.
    ///
    /// ```
    /// # use glassbox_engine::{Array, DType, Graph, Options, Parameters, Session};
    /// let graph = Graph::new();
    /// let x = graph.input("x", DType::F32, [3]);
    /// let mut given = Parameters::new();
    /// given.insert("x", Array::vector([-3.0f32, 0.5, 3.0]));
    /// let mut session = Session::new(Options::default())?;
    /// let results = session.evaluate(&graph, &given, &[x.clamp(-1.0, 1.0)])?;
    /// assert_eq!(results[0].as_f32().unwrap(), [-1.0, 0.5, 1.0]);
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn clamp(self, low: f64, high: f64) -> Self {
        self.max_with(self.scalar(low)).min_with(self.scalar(high))
    }

    /// For class labels `[n…]` (i64) rows `[n…, classes]` (f32) that are 1 at the label and 0 elsewhere.
    /// A label outside `0..classes` gives a row of zeros: such rows take no part in a sum over classes,
    /// which is how labels like −1 are ignored. (Looking up a row of a table by such a number with
    /// [`gather`](Self::gather) is an error.) No gradient flows.
    ///
    /// ```
    /// # use glassbox_engine::{Array, DType, Graph, Options, Parameters, Session};
    /// let graph = Graph::new();
    /// let labels = graph.input("labels", DType::I64, [3]);
    /// let mut given = Parameters::new();
    /// given.insert("labels", Array::vector([1i64, -1, 0]));
    /// let mut session = Session::new(Options::default())?;
    /// let rows = session.evaluate(&graph, &given, &[labels.one_hot(2)])?;
    /// assert_eq!(rows[0].as_f32().unwrap(), [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn one_hot(self, classes: usize) -> Self {
        let mut sizes = self.shape().sizes().to_vec();
        sizes.push(1);
        let labels = self.reshape(sizes.clone());
        let axis = sizes.len() - 1;
        sizes[axis] = classes;
        self.graph.iota(sizes, axis).equal(labels).cast(DType::F32)
    }
}
