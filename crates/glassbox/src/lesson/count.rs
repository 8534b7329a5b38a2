//! What a piece of a network costs, counted on its graph.

use glassbox_engine::{DType, Graph, Mode, Options, Scope, Session, Tensor};
use serde::Serialize;

use crate::Error;

/// Parameters and multiply-adds of one forward pass over one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Numbers that are learned.
    pub parameters: usize,
    /// Multiplications with an addition each, in matrix products and convolutions, padding included.
    pub multiply_adds: usize,
}

/// Counts what `record` records on one row of shape `row`: parameters from what the graph declares,
/// multiply-adds from the plan that would run.
///
/// # Errors
/// Mistakes in what is recorded.
///
/// ```
/// use glassbox::lesson::count;
/// use glassbox::nn::{self, Initial};
/// let dense = count(&[10_000], |at, x| nn::linear(at.child("fc"), x, 8, Initial::He))?;
/// assert_eq!((dense.parameters, dense.multiply_adds), (8 * 10_000 + 8, 8 * 10_000));
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn count(
    row: &[usize],
    record: impl for<'g> Fn(Scope<'g>, Tensor<'g>) -> Tensor<'g>,
) -> Result<Count, Error> {
    let graph = Graph::new();
    let shape = [&[1], row].concat();
    let result = record(graph.root(Mode::Eval), graph.input("row", DType::F32, shape));
    graph.check()?;
    let parameters = graph.parameters().iter().map(|(_, tensor)| tensor.elements()).sum();
    let options = Options { threads: 1, ..Options::default() };
    let mut session = Session::new(options)?;
    session.load(graph.initial_values(0));
    let prepared = session.prepare(&graph, &[result])?;
    Ok(Count { parameters, multiply_adds: prepared.plan().operations() / 2 })
}
