use glassbox_engine::op::Pooling;
use glassbox_engine::{Scope, Tensor};

/// The largest number of each window of images, channel by channel:
/// `[batch, height, width, channels]` → `[batch, rows, columns, channels]`. The result is called
/// `max_pool` within the scope. [`Tensor::max_pool2d`] also says where they lie.
///
/// ```
/// use glassbox::engine::op::Pooling;
/// use glassbox::engine::{DType, Graph, Mode};
/// let graph = Graph::new();
/// let images = graph.input("images", DType::F32, [32, 28, 28, 16]);
/// let y = glassbox::nn::max_pool2d(graph.root(Mode::Train), images, Pooling::new([2, 2]));
/// assert_eq!(y.shape().sizes(), &[32, 14, 14, 16]);
/// # assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn max_pool2d<'g>(at: Scope<'g>, x: Tensor<'g>, windows: Pooling) -> Tensor<'g> {
    let _inside = at.enter();
    x.max_pool2d(windows).0.named("max_pool")
}

/// The mean of each window of images, channel by channel:
/// `[batch, height, width, channels]` → `[batch, rows, columns, channels]`. Padding counts as zeros, as it
/// does in PyTorch unless told otherwise; [`Tensor::average_pool2d`] can leave it out. The result is
/// called `average_pool` within the scope.
///
/// ```
/// use glassbox::engine::op::Pooling;
/// use glassbox::engine::{DType, Graph, Mode};
/// let graph = Graph::new();
/// let images = graph.input("images", DType::F32, [32, 28, 28, 16]);
/// let windows = Pooling::new([3, 3]).stride([2, 2]).padding([1, 1]);
/// let y = glassbox::nn::average_pool2d(graph.root(Mode::Train), images, windows);
/// assert_eq!(y.shape().sizes(), &[32, 14, 14, 16]);
/// # assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn average_pool2d<'g>(at: Scope<'g>, x: Tensor<'g>, windows: Pooling) -> Tensor<'g> {
    let _inside = at.enter();
    x.average_pool2d(windows, true).named("average_pool")
}

/// The mean of each channel over the whole image, which leaves rows for a linear layer whatever the
/// images' size: `[batch, height, width, channels]` → `[batch, channels]`. The result is called
/// `global_average_pool` within the scope.
///
/// Lin, Chen, Yan, "Network in network" (2014).
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// let graph = Graph::new();
/// let images = graph.input("images", DType::F32, [32, 7, 7, 64]);
/// let y = glassbox::nn::global_average_pool(graph.root(Mode::Train), images);
/// assert_eq!(y.shape().sizes(), &[32, 64]);
/// # assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn global_average_pool<'g>(at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
    let _inside = at.enter();
    x.global_average_pool().named("global_average_pool")
}

/// Means of windows as equal as can be, so that there are `size` of them, `[rows, columns]`, whatever
/// the images' size: [`Tensor::adaptive_average_pool2d`]. The result is called `adaptive_average_pool`
/// within the scope.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// let graph = Graph::new();
/// let images = graph.input("images", DType::F32, [32, 13, 10, 64]);
/// let y = glassbox::nn::adaptive_average_pool2d(graph.root(Mode::Train), images, [6, 6]);
/// assert_eq!(y.shape().sizes(), &[32, 6, 6, 64]);
/// # assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn adaptive_average_pool2d<'g>(at: Scope<'g>, x: Tensor<'g>, size: [usize; 2]) -> Tensor<'g> {
    let _inside = at.enter();
    x.adaptive_average_pool2d(size).named("adaptive_average_pool")
}
