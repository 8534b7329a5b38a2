//! Rows of a table by number, and back.

use crate::graph::{DType, Output, Tensor};
use crate::op::{Inferred, Op};

fn wrong_types(table: &Output, ids: &Output) -> Option<String> {
    if ids.dtype != DType::I64 {
        Some(format!("row numbers are i64, not {}: cast first", ids.dtype))
    } else if table.dtype == DType::Bool {
        Some("takes numbers, not bool: cast first".to_string())
    } else {
        None
    }
}

pub(super) fn infer_gather(table: &Output, ids: &Output) -> Inferred {
    const ROLES: &[&str] = &["table", "rows"];
    let mut sizes = ids.shape.sizes().to_vec();
    sizes.extend(table.shape.sizes().iter().skip(1));
    let output = Output::new(table.dtype, sizes);
    if table.shape.rank() == 0 {
        let what = "a scalar has no rows to choose".to_string();
        return Inferred::unless(output, "shape", Some(what), ROLES).guessing();
    }
    Inferred::unless(output, "type", wrong_types(table, ids), ROLES)
}

pub(super) fn infer_scatter_add(rows: usize, values: &Output, ids: &Output) -> Inferred {
    const ROLES: &[&str] = &["values", "rows"];
    let lead = ids.shape.rank();
    let mut sizes = vec![rows];
    sizes.extend(values.shape.sizes().iter().skip(lead));
    let output = Output::new(values.dtype, sizes);
    if let Some(what) = wrong_types(values, ids) {
        return Inferred::unless(output, "type", Some(what), ROLES);
    }
    let fits = values.shape.sizes().get(..lead) == Some(ids.shape.sizes());
    let wrong = (!fits && values.assumed == 0 && ids.assumed == 0).then(|| {
        format!("values {} do not begin with the shape of the rows {}", values.shape, ids.shape)
    });
    Inferred::unless(output, "shape", wrong, ROLES).guessing()
}

impl<'g> Tensor<'g> {
    /// Rows of this table `[rows, …]` by number (i64): numbers `[n…]` give `[n…, …]`. A number
    /// outside the table is an error of the run.
    ///
    /// ```
    /// # use glassbox_engine::{Array, DType, Graph, Options, Parameters, Session};
    /// let graph = Graph::new();
    /// let table = graph.input("table", DType::F32, [3, 2]);
    /// let rows = table.gather(graph.input("ids", DType::I64, [4]));
    /// let sums = rows.scatter_add(graph.find_input("ids").unwrap(), 3); // row 2 came twice
    /// let mut given = Parameters::new();
    /// given.insert("table", Array::new([3, 2], [0.0f32, 1.0, 10.0, 11.0, 20.0, 21.0])?);
    /// given.insert("ids", Array::vector([2i64, 0, 2, 1]));
    /// let results = Session::new(Options::default())?.evaluate(&graph, &given, &[rows, sums])?;
    /// assert_eq!(results[0].as_f32().unwrap(), [20.0, 21.0, 0.0, 1.0, 20.0, 21.0, 10.0, 11.0]);
    /// assert_eq!(results[1].as_f32().unwrap(), [0.0, 1.0, 10.0, 11.0, 40.0, 42.0]);
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn gather(self, rows: Self) -> Self {
        self.graph.record(Op::Gather, &[self, rows], None)
    }

    /// Adds these values `[n…, …]` into a table of zeros with `rows` rows, by number (i64) `[n…]`,
    /// in their order: `[rows, …]`. A number outside the table is an error of the run. The derivative
    /// of [`gather`](Self::gather), where there is an example.
    #[track_caller]
    pub fn scatter_add(self, numbers: Self, rows: usize) -> Self {
        self.graph.record(Op::ScatterAdd { rows }, &[self, numbers], None)
    }
}
