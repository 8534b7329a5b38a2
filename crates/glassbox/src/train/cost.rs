//! Multiply-adds by layer.

use std::collections::BTreeMap;

use glassbox_engine::{Graph, Options, Session, StepCost, Tensor};

use crate::Error;

/// The multiply-adds of matrix products, convolutions and attention that it takes to compute a result
/// for one row, by the scope that asked for them; padding counts like everything else.
///
/// They are counted in the plan that is run: what depends on the rows of the batch is divided by their
/// number, the first axis of `result`.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{Conv, conv2d};
/// use glassbox::train::summary::multiply_adds;
/// // An ordinary convolution beside one that filters each channel by itself and then mixes them.
/// let graph = Graph::new();
/// let images = graph.input("images", DType::F32, [2, 8, 8, 16]);
/// let at = graph.root(Mode::Eval);
/// let three = Conv::new([3, 3]).same();
/// let plain = conv2d(at.child("plain"), images, 32, three);
/// let depth = conv2d(at.child("depth"), images, 16, three.groups(16));
/// let point = conv2d(at.child("point"), depth, 32, Conv::new([1, 1]));
/// let found = multiply_adds(&graph, plain + point)?;
/// assert_eq!(found["plain"], 8 * 8 * (3 * 3 * 16) * 32);
/// assert_eq!(found["depth"], 8 * 8 * (3 * 3) * 16);
/// assert_eq!(found["point"], 8 * 8 * 16 * 32);
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// # Errors
/// Mistakes of the model; a plan that needs more memory than there may be.
pub fn multiply_adds(graph: &Graph, result: Tensor<'_>) -> Result<BTreeMap<String, u64>, Error> {
    let rows = result.shape().sizes().first().copied().unwrap_or(1).max(1) as u64;
    let mut session = Session::new(Options { threads: 1, ..Options::default() })?;
    session.load(graph.initial_values(0));
    let prepared = session.prepare(graph, &[result])?;
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    count(&prepared.plan().steps(graph), &mut |scope, products| {
        *found.entry(scope.to_owned()).or_default() += products / 2;
    });
    found.values_mut().for_each(|all| *all /= rows);
    Ok(found)
}

fn count(steps: &[StepCost], add: &mut impl FnMut(&str, u64)) {
    for step in steps {
        if !step.body.is_empty() {
            count(&step.body, add);
            continue;
        }
        // A kernel may compute what other layers ask for behind its product.
        let is_product = |op: &str| op == "matmul" || op.starts_with("conv") || op == "attention";
        let product = step.nodes.iter().find(|node| is_product(node.op));
        if let (Some(node), true) = (product.or(step.nodes.first()), step.products > 0) {
            add(&node.scope, step.products as u64);
        }
    }
}
