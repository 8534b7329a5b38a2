use glassbox_engine::{Initial, Scope, Tensor};

/// The table of an [`embedding`]: a parameter `weight [rows, features]`, one row for each word, drawn
/// from the normal distribution of mean 0 and deviation 1, as PyTorch draws it.
#[track_caller]
pub fn embedding_table(at: Scope<'_>, rows: usize, features: usize) -> Tensor<'_> {
    at.parameter("weight", [rows, features], Initial::Normal { mean: 0.0, deviation: 1.0 })
}

/// Rows of a table by number (Bengio et al. 2003): ids `[…]` (i64) → `[…, features]`. To look a row up
/// is to multiply the table with the id's [one-hot](Tensor::one_hot) row, without the zeros.
///
/// The id `padding`, which may lie outside the table, gives a row of zeros; nothing is learned from it.
/// (PyTorch starts the row `padding_idx` at 0 and leaves it there; here the table's own row is not
/// read.) Any other id outside the table is an error of the run.
///
/// The gradient is that of the whole table, with zeros where no id points.
///
/// A model whose last layer gives a score to each word may use the same table there, transposed (Press
/// and Wolf 2017):
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode, grad};
/// use glassbox::nn;
/// let graph = Graph::new();
/// let ids = graph.input("ids", DType::I64, [8, 20]);
/// let table = nn::embedding_table(graph.root(Mode::Train).child("words"), 65, 16);
/// let x = nn::embedding(table, ids, Some(0));
/// assert_eq!(x.shape().sizes(), &[8, 20, 16]);
/// let scores = x.tanh().matmul(table.transpose());
/// assert_eq!(scores.shape().sizes(), &[8, 20, 65]);
/// assert_eq!(grad(scores.sum(), &[table])[0].shape(), table.shape()); // of both uses
/// assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn embedding<'g>(table: Tensor<'g>, ids: Tensor<'g>, padding: Option<i64>) -> Tensor<'g> {
    let Some(padding) = padding else { return table.gather(ids) };
    let empty = ids.equal(ids.full_like(padding as f64));
    // A padding within the table stands for itself, so that no other row is looked up for it.
    let inside = (0..table.dim(0) as i64).contains(&padding);
    let rows = table.gather(if inside { ids } else { empty.select(ids.full_like(0.0), ids) });
    let mut sizes = ids.shape().sizes().to_vec();
    sizes.push(1);
    empty.reshape(sizes).select(rows.full_like(0.0), rows)
}
