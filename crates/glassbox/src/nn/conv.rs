use glassbox_engine::op::Convolution;
use glassbox_engine::{Scope, Tensor};

use crate::nn::{Initial, spectral_norm};

/// A layer of filters: their size, how they go over images, how they are drawn.
///
/// ```
/// use glassbox::nn::{Conv, Initial};
/// let wide = Conv::new([5, 5]).same();                          // keeps the size
/// let half = Conv::new([3, 3]).stride([2, 2]).padding([1, 1]);
/// assert_eq!(wide.how.padding, [[2, 2], [2, 2]]);
/// let like_pytorch = half.initial(Initial::Pytorch).without_bias();
/// assert!(!like_pytorch.bias);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv {
    /// Height and width.
    pub size: [usize; 2],
    /// Stride, padding, dilation and groups.
    pub how: Convolution,
    /// How weights are drawn.
    pub initial: Initial,
    /// Whether a number is added to each channel. Batch normalisation after it makes it useless.
    pub bias: bool,
    /// Whether weights are divided by their largest singular value ([`spectral_norm`]); not of transposed
    /// convolutions.
    pub spectral: bool,
}

impl Conv {
    /// Filters of this size, step by step, without padding, drawn as [`Initial::He`] says.
    pub fn new(size: [usize; 2]) -> Self {
        let how = Convolution::default();
        Conv { size, how, initial: Initial::He, bias: true, spectral: false }
    }

    /// Filters over sequences, for [`conv1d`].
    pub fn line(size: usize) -> Self {
        Conv::new([1, size])
    }

    /// The same with as many zeros around as keep the size of images at a stride of 1. After
    /// [`dilation`](Self::dilation), where there is one.
    pub fn same(self) -> Self {
        Conv { how: self.how.same(self.size), ..self }
    }

    /// The same with this stride.
    pub fn stride(self, stride: [usize; 2]) -> Self {
        Conv { how: self.how.stride(stride), ..self }
    }

    /// The same with so many zeros on both sides of each axis.
    pub fn padding(self, padding: [usize; 2]) -> Self {
        Conv { how: self.how.padding(padding), ..self }
    }

    /// The same with filters spread out.
    pub fn dilation(self, dilation: [usize; 2]) -> Self {
        Conv { how: self.how.dilation(dilation), ..self }
    }

    /// The same with channels in so many groups.
    pub fn groups(self, groups: usize) -> Self {
        Conv { how: self.how.groups(groups), ..self }
    }

    /// The same with other first weights.
    pub fn initial(self, initial: Initial) -> Self {
        Conv { initial, ..self }
    }

    /// The same without a bias.
    pub fn without_bias(self) -> Self {
        Conv { bias: false, ..self }
    }

    /// The same with its weights divided by their largest singular value, or not.
    pub fn spectral(self, spectral: bool) -> Self {
        Conv { spectral, ..self }
    }

    fn taps(&self) -> usize {
        self.size[0].saturating_mul(self.size[1])
    }
}

/// A convolution: `[batch, height, width, inputs]` → `[batch, rows, columns, channels]`.
///
/// Parameters: `weight [height, width, inputs / groups, channels]` (of the filter), `bias [channels]`.
/// The result is called `conv` within the scope.
///
/// LeCun et al., "Gradient-based learning applied to document recognition" (1998).
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{conv2d, Conv};
/// let graph = Graph::new();
/// let images = graph.input("images", DType::F32, [32, 28, 28, 1]);
/// let at = graph.root(Mode::Train);
/// let y = conv2d(at.child("conv1"), images, 16, Conv::new([3, 3]).same()).relu();
/// assert_eq!(y.shape().sizes(), &[32, 28, 28, 16]);
/// // Each channel by itself, then all channels of each pixel: a separable convolution.
/// let y = conv2d(at.child("depth"), y, 16, Conv::new([3, 3]).same().groups(16).without_bias());
/// let y = conv2d(at.child("point"), y, 32, Conv::new([1, 1]));
/// assert_eq!(y.shape().sizes(), &[32, 28, 28, 32]);
/// # assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn conv2d<'g>(at: Scope<'g>, x: Tensor<'g>, channels: usize, conv: Conv) -> Tensor<'g> {
    let _inside = at.enter();
    let filter = filter(at, x, channels, conv, &conv.size);
    biased(at, x.conv2d(filter, conv.how), channels, conv, x).named("conv")
}

/// A convolution of sequences: `[batch, time, inputs]` → `[batch, steps, channels]`. The second of `conv`'s
/// sizes is that along time, as [`Conv::line`] makes them.
///
/// Parameters: `weight [time, inputs / groups, channels]` (of the filter), `bias [channels]`. The result
/// is called `conv` within the scope.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{conv1d, Conv};
/// let graph = Graph::new();
/// let words = graph.input("words", DType::F32, [32, 100, 64]);
/// let y = conv1d(graph.root(Mode::Train).child("conv1"), words, 128, Conv::line(5).same());
/// assert_eq!(y.shape().sizes(), &[32, 100, 128]);
/// assert_eq!(graph.state("conv1/weight").unwrap().shape().sizes(), &[5, 64, 128]);
/// # assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn conv1d<'g>(at: Scope<'g>, x: Tensor<'g>, channels: usize, conv: Conv) -> Tensor<'g> {
    let _inside = at.enter();
    let line = filter(at, x, channels, conv, &conv.size[1..]);
    let sizes = line.shape();
    let image = match (x.shape().sizes(), conv.size[0]) {
        (&[batch, time, inputs], 1) => x.reshape([batch, 1, time, inputs]),
        // The op's rule says what is wrong.
        _ => x,
    };
    let filter = line.reshape([&[1], sizes.sizes()].concat());
    let y = image.conv2d(filter, conv.how);
    let (batch, steps) = (y.dim(0), y.dim(2));
    biased(at, y.reshape([batch, steps, channels]), channels, conv, x).named("conv")
}

/// A transposed convolution, which enlarges images where [`conv2d`] with the same choices makes them
/// smaller: `[batch, height, width, inputs]` → `[batch, rows, columns, channels]`. `more` rows and columns
/// (below the stride) are added at the end, as PyTorch's `output_padding`.
///
/// Parameters: `weight [height, width, channels / groups, inputs]` (of the filter), `bias [channels]`.
/// For `initial`, a result has `height · width · inputs / groups / stride²` inputs. The result is called
/// `conv_transpose` within the scope.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{conv_transpose2d, Conv};
/// let graph = Graph::new();
/// let small = graph.input("small", DType::F32, [32, 7, 7, 64]);
/// let conv = Conv::new([3, 3]).stride([2, 2]).padding([1, 1]);
/// let y = conv_transpose2d(graph.root(Mode::Train).child("up"), small, 16, conv, [1, 1]);
/// assert_eq!(y.shape().sizes(), &[32, 14, 14, 16]);
/// # assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn conv_transpose2d<'g>(
    at: Scope<'g>,
    x: Tensor<'g>,
    channels: usize,
    conv: Conv,
    more: [usize; 2],
) -> Tensor<'g> {
    let _inside = at.enter();
    let (inputs, groups) = (x.dim(-1), conv.how.groups.max(1));
    let [height, width] = conv.size;
    let strides: usize = conv.how.stride.iter().product();
    let reads = conv.taps().saturating_mul(inputs / groups) / strides.max(1);
    let gives = conv.taps().saturating_mul(channels / groups);
    let initial = conv.initial.weights(reads, gives);
    let shape = [height, width, channels / groups, inputs];
    let filter = at.parameter_of(x.dtype(), "weight", shape, initial);
    let y = x.conv_transpose2d(filter, conv.how, more);
    let bias = conv.bias.then(|| conv.initial.bias(reads));
    match bias {
        Some(initial) => y + at.parameter_of(x.dtype(), "bias", [channels], initial),
        None => y,
    }
    .named("conv_transpose")
}

/// The weights of filters: `[size…, inputs / groups, channels]`.
#[track_caller]
fn filter<'g>(
    at: Scope<'g>,
    x: Tensor<'g>,
    channels: usize,
    conv: Conv,
    size: &[usize],
) -> Tensor<'g> {
    let groups = conv.how.groups.max(1);
    let depth = x.dim(-1) / groups;
    let taps = conv.taps();
    let outputs = taps.saturating_mul(channels / groups);
    let initial = conv.initial.weights(taps.saturating_mul(depth), outputs);
    let shape = [size, &[depth, channels]].concat();
    let weight = at.parameter_of(x.dtype(), "weight", shape, initial);
    if conv.spectral { spectral_norm(at, weight) } else { weight }
}

/// The bias of `channels` added, where there is one.
#[track_caller]
fn biased<'g>(
    at: Scope<'g>,
    y: Tensor<'g>,
    channels: usize,
    conv: Conv,
    x: Tensor<'g>,
) -> Tensor<'g> {
    if !conv.bias {
        return y;
    }
    let inputs = conv.taps().saturating_mul(x.dim(-1) / conv.how.groups.max(1));
    y + at.parameter_of(x.dtype(), "bias", [channels], conv.initial.bias(inputs))
}
