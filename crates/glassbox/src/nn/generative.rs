use glassbox_engine::{Distribution, Scope, Tensor};

use super::{Measures, seed, step};

/// A model that learns what rows look like, rather than what follows from them: it makes rows from *codes*,
/// which are a few numbers each.
///
/// What it makes small it records itself. A step may have several losses, each of which moves the parameters
/// below a scope of its own, one after the other: what is recorded later reads what was moved earlier.
pub trait Generative: Send + Sync {
    /// What [`measure`](Self::measure) gives of each row.
    fn measures(&self) -> &'static Measures;

    /// How many numbers a code has.
    fn code(&self) -> usize;

    /// How many classes it is told of beside a row or a code; 0 where it is told of none.
    fn classes(&self) -> usize {
        0
    }

    /// Whether rows made of codes that are drawn from the standard normal distribution are new rows.
    fn samples(&self) -> bool {
        true
    }

    /// Records ln (p(x|z) p(z) / q(z|x)) of each row x `[rows, 1]`, z being drawn from q, its code's
    /// distribution; none of a model whose codes have none.
    fn log_weight<'g>(&self, at: Scope<'g>, seen: Seen<'g>) -> Option<Tensor<'g>> {
        let _ = (at, seen);
        None
    }

    /// Records a step on a batch: calls `learn` with a scope (empty: the whole model) and what its
    /// parameters are to make small, a scalar. Gives the loss to be shown.
    fn train<'g>(&self, at: Scope<'g>, seen: Seen<'g>, learn: &mut Learn<'_, 'g>) -> Tensor<'g>;

    /// Records the model as it is used on a batch.
    fn measure<'g>(&self, at: Scope<'g>, seen: Seen<'g>) -> Measured<'g>;

    /// Records the codes of rows; none of a model that has no encoder.
    fn encode<'g>(&self, at: Scope<'g>, seen: Seen<'g>) -> Option<Coded<'g>>;

    /// Records rows `[rows, …]` from codes `[rows, code]`; `classes` as in [`Seen`].
    fn decode<'g>(
        &self,
        at: Scope<'g>,
        codes: Tensor<'g>,
        classes: Option<Tensor<'g>>,
    ) -> Tensor<'g>;
}

/// Moves the parameters below a scope along the gradient of a loss.
pub type Learn<'a, 'g> = dyn FnMut(&str, Tensor<'g>) + 'a;

/// Rows, and what is known beside them.
#[derive(Clone, Copy)]
pub struct Seen<'g> {
    /// f32 `[rows, …]`.
    pub rows: Tensor<'g>,
    /// f32 `[rows, classes]`, 1 for the class of the row; of a model that is told of classes.
    pub classes: Option<Tensor<'g>>,
}

/// What a model makes of rows.
#[derive(Clone, Copy)]
pub struct Measured<'g> {
    /// What it makes in their place, of their shape.
    pub made: Tensor<'g>,
    /// `[rows, figures]`: one for each name of [`Measures`]; of a variational model, behind them the
    /// divergence of each number of the code.
    pub figures: Tensor<'g>,
}

/// The codes of rows.
#[derive(Clone, Copy)]
pub struct Coded<'g> {
    /// `[rows, code]`: the code, or the mean of where it may lie.
    pub mean: Tensor<'g>,
    /// `[rows, code]`: the logarithm of the variance of where it may lie, of a variational model.
    pub log_variance: Option<Tensor<'g>>,
}

/// Standard normal numbers of this shape, drawn anew at each step: they follow from the graph's inputs
/// [`seed`] and [`step`] and from the scope.
///
/// ```
/// use glassbox::engine::{Graph, Mode};
/// use glassbox::nn;
/// let graph = Graph::new();
/// let noise = nn::normal(graph.root(Mode::Train).child("code"), &[8, 2]);
/// assert_eq!(noise.shape().sizes(), &[8, 2]);
/// ```
#[track_caller]
pub fn normal<'g>(at: Scope<'g>, shape: &[usize]) -> Tensor<'g> {
    let _inside = at.enter();
    let graph = at.graph();
    at.random(Distribution::Normal, shape, seed(graph), step(graph))
}

/// How far the normal distributions of these means and logarithms of variances are from the standard normal
/// one, number by number: KL = −½ (1 + ln σ² − μ² − σ²) (Kingma and Welling 2014, appendix B).
///
/// ```
/// use glassbox::engine::{DType, Graph};
/// use glassbox::nn;
/// let graph = Graph::new();
/// let [mean, log_variance] = ["mean", "log_variance"].map(|name| graph.input(name, DType::F32, [8, 2]));
/// assert_eq!(nn::divergence(mean, log_variance).shape().sizes(), &[8, 2]);
/// ```
#[track_caller]
pub fn divergence<'g>(mean: Tensor<'g>, log_variance: Tensor<'g>) -> Tensor<'g> {
    (log_variance + 1.0 - mean.square() - log_variance.exp()) * -0.5
}

/// 1 for numbers that are kept and 0 for those that are hidden, `share` of them in the mean: f32 of this
/// shape. Of images `[rows, height, width, channels]` squares of `patch` pixels a side are hidden, with all
/// channels, where they divide it; drawn as [`normal`] is.
///
/// ```
/// use glassbox::engine::{Graph, Mode};
/// use glassbox::nn;
/// let graph = Graph::new();
/// let kept = nn::kept(graph.root(Mode::Train).child("mask"), &[8, 28, 28, 1], 0.75, 4);
/// assert_eq!(kept.shape().sizes(), &[8, 28, 28, 1]);
/// # assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn kept<'g>(at: Scope<'g>, shape: &[usize], share: f64, patch: usize) -> Tensor<'g> {
    let _inside = at.enter();
    let graph = at.graph();
    let draw = |shape: &[usize]| {
        let drawn = at.random(Distribution::Uniform, shape, seed(graph), step(graph));
        let kept = drawn.greater_equal(drawn.full_like(share));
        kept.select(drawn.full_like(1.0), drawn.full_like(0.0))
    };
    match *shape {
        [rows, height, width, _]
            if patch > 1 && height.is_multiple_of(patch) && width.is_multiple_of(patch) =>
        {
            let (down, across) = (height / patch, width / patch);
            let squares = draw(&[rows, down, 1, across, 1]);
            let pixels = squares.broadcast_to([rows, down, patch, across, patch]);
            pixels.reshape([rows, height, width, 1]).broadcast_to(shape.to_vec())
        }
        _ => draw(shape),
    }
}
