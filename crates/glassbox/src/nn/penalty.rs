use glassbox_engine::{Scope, Tensor};

/// What large weights cost: `l1` · Σ|w| + `l2` · Σw² over all `weights`, a scalar; nothing
/// where both are 0. Added to a loss, L1 draws weights to exactly 0 (Tibshirani 1996), L2
/// shrinks them (ridge; Hoerl and Kennard 1970).
///
/// By custom biases and the scales of normalisation are left out: the trainer takes the parameters of
/// two axes or more.
///
/// ```
/// use glassbox::engine::{grad, DType, Graph, Mode};
/// let graph = Graph::new();
/// let at = graph.root(Mode::Train);
/// let w = at.parameter("w", [4, 3], 1.0);
/// let penalty = glassbox::nn::penalty(at.child("penalty"), &[w], 0.0, 1e-4).unwrap();
/// assert_eq!(grad(penalty, &[w])[0].shape(), w.shape()); // 2 · l2 · w
/// ```
#[track_caller]
pub fn penalty<'g>(at: Scope<'g>, weights: &[Tensor<'g>], l1: f64, l2: f64) -> Option<Tensor<'g>> {
    let _inside = at.enter();
    let sizes = weights.iter().filter(|_| l1 > 0.0).map(|w| w.abs().sum() * l1);
    let squares = weights.iter().filter(|_| l2 > 0.0).map(|w| w.square().sum() * l2);
    sizes.chain(squares).reduce(|sum, part| sum + part)
}
