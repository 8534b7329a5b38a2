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

pub(super) fn infer_scatter(table: &Output, values: &Output, ids: &Output) -> Inferred {
    const ROLES: &[&str] = &["table", "values", "rows"];
    let output = table.clone();
    let types = (table.dtype != values.dtype)
        .then(|| format!("values are {}, the table is {}: cast first", values.dtype, table.dtype));
    if let Some(what) = wrong_types(table, ids).or(types) {
        return Inferred::unless(output, "type", Some(what), ROLES);
    }
    let row = table.shape.sizes().get(1..);
    let wanted = row.map(|row| [ids.shape.sizes(), row].concat());
    let assumed = [table, values, ids].iter().any(|given| given.assumed != 0);
    let wrong = (!assumed && wanted.as_deref() != Some(values.shape.sizes())).then(|| {
        format!(
            "values {} are not one row of {} for each of {}",
            values.shape, table.shape, ids.shape
        )
    });
    Inferred::unless(output, "shape", wrong, ROLES)
}

pub(super) fn derive_scatter<'g>(up: Tensor<'g>, args: &[Tensor<'g>]) -> Vec<Option<Tensor<'g>>> {
    let (values, ids) = (args[1], args[2]);
    // A value stays if the last that is written to its row is itself.
    let order = up.graph.iota([ids.elements()], 0).reshape(ids.shape());
    let rows = up.graph.constant(DType::I64, -1.0).broadcast_to([args[0].dim(0)]);
    let stays = rows.scatter(ids, order).gather(ids).equal(order);
    let beside = vec![1; values.rank() - ids.rank()];
    let stays = stays.reshape([ids.shape().sizes(), &beside[..]].concat());
    let kept = stays.select(up.gather(ids), values.full_like(0.0));
    vec![Some(up.scatter(ids, values.full_like(0.0))), Some(kept), None]
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

    /// This table `[rows, …]` with `values` `[n…, …]` written over its rows by number (i64) `[n…]`, in
    /// their order: of several for one row the last stays. A number outside the table is an error of
    /// the run. Where nothing else reads the table it is written in its place, at the cost of `n` rows.
    ///
    /// ```
    /// # use glassbox_engine::{Array, DType, Graph, Options, Parameters, Session};
    /// let graph = Graph::new();
    /// let table = graph.input("table", DType::F32, [3]);
    /// let ids = graph.input("ids", DType::I64, [2]);
    /// let result = table.scatter(ids, graph.input("values", DType::F32, [2]));
    /// let mut given = Parameters::new();
    /// given.insert("table", Array::vector([1.0f32, 2.0, 3.0]));
    /// given.insert("ids", Array::vector([2i64, 0]));
    /// given.insert("values", Array::vector([7.0f32, 8.0]));
    /// let result = Session::new(Options::default())?.evaluate(&graph, &given, &[result])?;
    /// assert_eq!(result[0].as_f32().unwrap(), [8.0, 2.0, 7.0]);
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn scatter(self, numbers: Self, values: Self) -> Self {
        self.graph.record(Op::Scatter, &[self, values, numbers], None)
    }

    /// Where this is what [`scatter_add`](Self::scatter_add) gives (the gradient of a table of which
    /// rows were looked up once): the values and the numbers of their rows.
    pub fn scattered(self) -> Option<(Self, Self)> {
        let inner = self.graph.inner.borrow();
        let node = inner.nodes.get(self.value.index())?;
        let (&values, &numbers) = match (&node.op, &node.args[..]) {
            (Op::ScatterAdd { .. }, [values, numbers]) => (values, numbers),
            _ => return None,
        };
        Some((Tensor::of(self.graph, values), Tensor::of(self.graph, numbers)))
    }
}
