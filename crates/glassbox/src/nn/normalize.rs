use glassbox_engine::{Initial, Scope, Tensor};

/// Added to variances, so that nothing is divided by 0; PyTorch's default.
const EPSILON: f64 = 1e-5;
/// The share of a batch's statistics in the running ones; PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// Batch normalisation (Ioffe and Szegedy 2015): each channel is shifted and scaled to mean 0 and
/// variance 1 over all rows (and places) of the batch, then scaled and shifted by what is learned.
/// `[…, channels]` → `[…, channels]`.
///
/// Parameters: `weight [channels]` (1), `bias [channels]` (0). States: `running_mean`, `running_var`,
/// which training moves a tenth of the way to each batch's mean and (unbiased) variance; the model in
/// use normalises by these. The result is called `batch_norm`.
///
/// In training the rows of a batch act on each other. A batch of one number a channel has no variance:
/// it is normalised by the running statistics and leaves them as they are, so that a last batch of one
/// row does no harm. (A training whose batches all have one row never moves them.)
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [8, 5, 5, 3]);
/// let y = glassbox::nn::batch_norm(graph.root(Mode::Train).child("norm"), x);
/// assert_eq!(y.shape(), x.shape());
/// assert!(graph.declaration("norm/running_var").is_some());
/// ```
#[track_caller]
pub fn batch_norm<'g>(at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
    batch_norm_with(at, x, EPSILON)
}

/// [`batch_norm`] with another number than 1e-5 added to variances, as some published models have it.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [8, 5, 5, 3]);
/// let y = glassbox::nn::batch_norm_with(graph.root(Mode::Train).child("norm"), x, 1e-3);
/// assert_eq!(y.shape(), x.shape());
/// ```
#[track_caller]
pub fn batch_norm_with<'g>(at: Scope<'g>, x: Tensor<'g>, epsilon: f64) -> Tensor<'g> {
    let _inside = at.enter();
    let channels = x.dim(-1);
    let mean = at.state("running_mean", x.dtype(), [channels], 0.0);
    let variance = at.state("running_var", x.dtype(), [channels], 1.0);
    let each = x.elements() / channels.max(1);
    let batch = at.training() && each > 1;
    let rows = x.reshape([each, channels]);
    let (centred, variance) = if batch {
        let batch_mean = rows.mean_axis(0);
        // About any fixed middle c the variance is the mean of (x − c)², less (mean − c)². With the mean
        // itself as c the second term is 0, and so is its slope, which need not be summed over the rows; but
        // its slope's slope is not.
        let middle = batch_mean.detach();
        let batch_variance = (rows - middle).square().mean_axis(0) - (batch_mean - middle).square();
        let unbiased = each as f64 / (each - 1) as f64;
        let towards = |running: Tensor<'g>, now: Tensor<'g>| {
            running * (1.0 - MOMENTUM) + now.detach().reshape([channels]) * MOMENTUM
        };
        at.assign("running_mean", towards(mean, batch_mean));
        at.assign("running_var", towards(variance, batch_variance * unbiased));
        (rows - batch_mean, batch_variance)
    } else {
        (rows - mean, variance)
    };
    // The quotient is the channel's, so that elements are only multiplied.
    let [weight, bias] = learned(at, x);
    let scale = weight / (variance + epsilon).sqrt();
    (centred * scale + bias).reshape(x.shape()).named("batch_norm")
}

/// Layer normalisation (Ba, Kiros and Hinton 2016): each row (and place) is shifted and scaled to mean
/// 0 and variance 1 over its channels, then scaled and shifted by what is learned. Rows do not act on
/// each other, and training and use are the same. `[…, channels]` → `[…, channels]`.
///
/// Parameters: `weight [channels]` (1), `bias [channels]` (0). The result is called `layer_norm`.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [8, 16]);
/// let y = glassbox::nn::layer_norm(graph.root(Mode::Train).child("norm"), x);
/// assert_eq!(y.shape(), x.shape());
/// assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn layer_norm<'g>(at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
    layer_norm_with(at, x, EPSILON)
}

/// [`layer_norm`] with another number than 1e-5 added to variances, as some published models have it.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [8, 16]);
/// let y = glassbox::nn::layer_norm_with(graph.root(Mode::Train).child("norm"), x, 1e-6);
/// assert_eq!(y.shape(), x.shape());
/// ```
#[track_caller]
pub fn layer_norm_with<'g>(at: Scope<'g>, x: Tensor<'g>, epsilon: f64) -> Tensor<'g> {
    let _inside = at.enter();
    let centred = x - x.mean_axis(-1);
    let variance = centred.square().mean_axis(-1);
    affine(at, centred / (variance + epsilon).sqrt()).named("layer_norm")
}

/// Group normalisation (Wu and He 2018): the channels of each row are taken in `groups` of neighbours,
/// and each group is shifted and scaled to mean 0 and variance 1 over its channels and all places, then
/// each channel is scaled and shifted by what is learned. Rows do not act on each other.
/// `[rows, …, channels]` → `[rows, …, channels]`; groups must divide the channels.
///
/// Parameters: `weight [channels]` (1), `bias [channels]` (0). The result is called `group_norm`.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [8, 5, 5, 6]);
/// let y = glassbox::nn::group_norm(graph.root(Mode::Train).child("norm"), x, 3);
/// assert_eq!(y.shape(), x.shape());
/// assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn group_norm<'g>(at: Scope<'g>, x: Tensor<'g>, groups: usize) -> Tensor<'g> {
    let _inside = at.enter();
    let (rows, channels) = (x.dim(0), x.dim(-1));
    let places = x.elements() / (rows * channels).max(1);
    let grouped = x.reshape([rows, places, groups, channels / groups.max(1)]);
    let each = x.elements() / (rows * groups).max(1);
    let mean = |x: Tensor<'g>| x.sum_to([rows, 1, groups, 1]) * (1.0 / each.max(1) as f64);
    let centred = grouped - mean(grouped);
    let variance = mean(centred.square());
    let normal = (centred / (variance + EPSILON).sqrt()).reshape(x.shape());
    affine(at, normal).named("group_norm")
}

/// Root mean square normalisation (Zhang and Sennrich 2019): each row (and place) is divided by the
/// root of the mean of its channels' squares, then scaled by what is learned; it is not shifted.
/// `x / √(mean x² + ε) · weight`, ε being 2⁻²³ as in PyTorch. `[…, channels]` → `[…, channels]`.
///
/// Parameter: `weight [channels]` (1). The result is called `rms_norm`.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [8, 20, 16]);
/// let y = glassbox::nn::rms_norm(graph.root(Mode::Train).child("norm"), x);
/// assert_eq!(y.shape(), x.shape());
/// assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn rms_norm<'g>(at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
    let _inside = at.enter();
    let weight = at.parameter_of(x.dtype(), "weight", [x.dim(-1)], 1.0);
    let size = (x.square().mean_axis(-1) + f64::from(f32::EPSILON)).sqrt();
    (x / size * weight).named("rms_norm")
}

/// Spectral normalisation (Miyato et al. 2018): weights `[…, outputs]`, taken as a matrix with a row for each
/// input, divided by its largest singular value, so that what is multiplied by it grows no longer.
///
/// State: `direction [outputs, 1]`, the singular vector as far as it is known (drawn at first); whenever the
/// weights are used in training it comes nearer by one step of the power method. How it was found passes no
/// gradient.
///
/// ```
/// use glassbox::engine::{Graph, Mode};
/// let graph = Graph::new();
/// let at = graph.root(Mode::Train).child("fc");
/// let weight = at.parameter("weight", [16, 8], 1.0);
/// assert_eq!(glassbox::nn::spectral_norm(at, weight).shape(), weight.shape());
/// assert!(graph.declaration("fc/direction").is_some());
/// ```
#[track_caller]
pub fn spectral_norm<'g>(at: Scope<'g>, weight: Tensor<'g>) -> Tensor<'g> {
    let _inside = at.enter();
    let outputs = weight.dim(-1);
    let matrix = weight.reshape([weight.elements() / outputs.max(1), outputs]);
    let drawn = Initial::Normal { mean: 0.0, deviation: 1.0 };
    let known = at.state("direction", weight.dtype(), [outputs, 1], drawn);
    let of_length_1 = |v: Tensor<'g>| v / (v.square().sum() + LEAST_SQUARE).sqrt();
    let still = matrix.detach();
    let left = of_length_1(still.matmul(known));
    let right = match at.training() {
        true => {
            let nearer = of_length_1(still.transpose().matmul(left));
            at.assign("direction", nearer);
            nearer
        }
        false => of_length_1(known),
    };
    weight / (left * matrix.matmul(right)).sum()
}

/// Added to squared lengths, so that nothing is divided by 0.
const LEAST_SQUARE: f64 = 1e-24;

/// x · weight + bias, each channel by its own.
#[track_caller]
fn affine<'g>(at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
    let [weight, bias] = learned(at, x);
    x * weight + bias
}

/// The weight and the bias of each channel.
#[track_caller]
fn learned<'g>(at: Scope<'g>, x: Tensor<'g>) -> [Tensor<'g>; 2] {
    let of = |name: &str, first: f64| at.parameter_of(x.dtype(), name, [x.dim(-1)], first);
    [of("weight", 1.0), of("bias", 0.0)]
}
