use glassbox_engine::Tensor;

/// Probabilities from raw scores along the last axis: `e^(xᵢ − m) / Σⱼ e^(xⱼ − m)`, where m is the
/// largest score (it cancels, and keeps the exponential from overflowing).
///
/// ```
/// use glassbox::engine::{Array, Graph, DType, Options, Parameters, Session};
/// let graph = Graph::new();
/// let p = glassbox::nn::softmax(graph.input("x", DType::F32, [1, 3]));
/// let mut inputs = Parameters::new();
/// inputs.insert("x", Array::new([1, 3], vec![1.43f32, -0.4, 0.23])?);
/// let p = Session::new(Options::default())?.evaluate(&graph, &inputs, &[p])?[0].to_f64();
/// assert!((p[0] - 0.684).abs() < 5e-4 && (p[1] - 0.110).abs() < 5e-4);
/// # Ok::<(), glassbox::engine::Error>(())
/// ```
#[track_caller]
pub fn softmax(x: Tensor<'_>) -> Tensor<'_> {
    let powers = (x - x.max_axis(-1).detach()).exp();
    powers / powers.sum_axis(-1)
}

/// The logarithm of [`softmax`], without its rounding: `xᵢ − m − ln Σⱼ e^(xⱼ − m)`.
///
/// The result does not depend on m, so nothing needs to flow through it, in any order.
#[track_caller]
pub fn log_softmax(x: Tensor<'_>) -> Tensor<'_> {
    let shifted = x - x.max_axis(-1).detach();
    shifted - shifted.exp().sum_axis(-1).log()
}
