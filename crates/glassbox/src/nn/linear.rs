use glassbox_engine::{Scope, Tensor};

use crate::nn::{Initial, spectral_norm};

/// A fully connected layer: `x · weight + bias`, `[rows, inputs]` → `[rows, features]`.
///
/// Parameters: `weight [inputs, features]` drawn as `initial` says, `bias [features]` zero
/// (drawn with [`Initial::Pytorch`]). The result
/// is called `linear` within the scope.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{linear, Initial};
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [32, 784]);
/// let y = linear(graph.root(Mode::Train).child("fc1"), x, 128, Initial::He);
/// assert_eq!(y.shape().sizes(), &[32, 128]);
/// ```
#[track_caller]
pub fn linear<'g>(at: Scope<'g>, x: Tensor<'g>, features: usize, initial: Initial) -> Tensor<'g> {
    linear_by(at, x, features, initial, |_, weight| weight)
}

/// As [`linear`], with the weights divided by their largest singular value: [`spectral_norm`].
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{Initial, spectral_linear};
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [8, 4]);
/// let y = spectral_linear(graph.root(Mode::Train).child("fc"), x, 16, Initial::He);
/// assert_eq!(y.shape().sizes(), &[8, 16]);
/// ```
#[track_caller]
pub fn spectral_linear<'g>(
    at: Scope<'g>,
    x: Tensor<'g>,
    features: usize,
    initial: Initial,
) -> Tensor<'g> {
    linear_by(at, x, features, initial, spectral_norm)
}

#[track_caller]
fn linear_by<'g>(
    at: Scope<'g>,
    x: Tensor<'g>,
    features: usize,
    initial: Initial,
    normal: fn(Scope<'g>, Tensor<'g>) -> Tensor<'g>,
) -> Tensor<'g> {
    let _inside = at.enter();
    let inputs = x.dim(-1);
    let weight = at.parameter("weight", [inputs, features], initial.weights(inputs, features));
    let bias = at.parameter("bias", [features], initial.bias(inputs));
    (x.matmul(normal(at, weight)) + bias).named("linear")
}
