//! What several of the named models are made of.

use glassbox_engine::op::Pooling;
use glassbox_engine::{Scope, Tensor};

use crate::nn::{self, Activation, Conv, Initial};

/// The scope within, called by its number alone: `layer1/0`.
#[track_caller]
pub(super) fn number(at: Scope<'_>, number: usize) -> Scope<'_> {
    at.index("", number)
}

/// Square filters with as many zeros around as keep the size at a stride of 1, without bias, drawn by
/// He's rule for gradients.
pub(super) fn square(size: usize) -> Conv {
    Conv::new([size; 2]).padding([size / 2; 2]).without_bias().initial(Initial::HeOut)
}

/// A convolution and batch normalisation.
#[track_caller]
pub(super) fn normal_conv<'g>(
    [conv_at, norm_at]: [Scope<'g>; 2],
    x: Tensor<'g>,
    channels: usize,
    conv: Conv,
) -> Tensor<'g> {
    nn::batch_norm(norm_at, nn::conv2d(conv_at, x, channels, conv))
}

/// The activation of each number, as a result of the scope by this name.
#[track_caller]
pub(super) fn active<'g>(
    at: Scope<'g>,
    name: &str,
    activation: Activation,
    x: Tensor<'g>,
) -> Tensor<'g> {
    let _inside = at.enter();
    activation.of(x).named(name)
}

/// [`active`] with ReLU.
#[track_caller]
pub(super) fn relu<'g>(at: Scope<'g>, name: &str, x: Tensor<'g>) -> Tensor<'g> {
    active(at, name, Activation::Relu, x)
}

/// The sum of a block's two ways, called `residual_sum`.
#[track_caller]
pub(super) fn residual_sum<'g>(at: Scope<'g>, change: Tensor<'g>, x: Tensor<'g>) -> Tensor<'g> {
    let _inside = at.enter();
    (change + x).named("residual_sum")
}

/// `[batch, …]` → `[batch, numbers]`.
#[track_caller]
pub(super) fn flat(x: Tensor<'_>) -> Tensor<'_> {
    x.reshape([x.dim(0), x.elements() / x.dim(0).max(1)])
}

/// Windows whose last may reach over the edge, so that every pixel is in one (PyTorch's `ceil_mode`).
pub(super) fn to_the_edge(x: Tensor<'_>, size: usize, stride: usize) -> Pooling {
    let beyond = |axis: isize| {
        let rest = x.dim(axis).saturating_sub(size) % stride;
        if rest == 0 { size.saturating_sub(x.dim(axis)) } else { stride - rest }
    };
    let padding = [1, 2].map(|axis| [0, beyond(axis)]);
    Pooling { padding, ..Pooling::new([size; 2]).stride([stride; 2]) }
}
