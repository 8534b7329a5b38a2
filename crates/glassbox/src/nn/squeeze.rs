use glassbox_engine::{Scope, Tensor};

use crate::nn::{Conv, Initial, conv2d};

/// Squeeze and excitation (Hu, Shen and Sun 2018): each channel is multiplied by a weight in (0, 1) that
/// two small layers make of the means of all channels. `[batch, height, width, channels]` → the same.
///
/// Parameters: of `fc1`, to `channels / reduction` numbers (at least one) with ReLU, and of `fc2`, back
/// to all channels with a sigmoid: filters of 1 × 1, `weight [1, 1, inputs, outputs]` and `bias`. The
/// weights, `[batch, 1, 1, channels]`, are called `channel_weights`, the result `squeeze_excite`.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [8, 14, 14, 64]);
/// let y = glassbox::nn::squeeze_excite(graph.root(Mode::Train).child("se"), x, 16);
/// assert_eq!(y.shape(), x.shape());
/// assert_eq!(graph.named("se/channel_weights").unwrap().shape().sizes(), &[8, 1, 1, 64]);
/// # assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn squeeze_excite<'g>(at: Scope<'g>, x: Tensor<'g>, reduction: usize) -> Tensor<'g> {
    let channels = x.dim(-1);
    let less = (channels / reduction.max(1)).max(1);
    let _inside = at.enter();
    let means = x.global_average_pool().reshape([x.dim(0), 1, 1, channels]);
    let said = conv2d(at.child("fc1"), means, less, Conv::new([1, 1])).relu();
    let weigh = Conv::new([1, 1]).initial(Initial::Xavier);
    let weights = conv2d(at.child("fc2"), said, channels, weigh).sigmoid().named("channel_weights");
    (x * weights).named("squeeze_excite")
}
