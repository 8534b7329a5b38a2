use std::f64::consts::FRAC_PI_2;

use glassbox_engine::{DType, Graph, Initial, Scope, Tensor};

use crate::words::words;

words! {
    /// How a model without recurrence is told where each word stands.
    Positions {
        /// A row for each place is learned and added to the word's: [`learned_positions`].
        Learned = "learned",
        /// Queries and keys are turned by their place: [`rotary`].
        Rotary = "rotary",
        /// Waves are added to the words: [`sinusoidal_positions`].
        Sinusoidal = "sinusoidal",
        /// It is not told: words in another order are the same to an encoder.
        None = "none",
    }
}

impl Positions {
    /// Words `x [rows, time, features]` with what is added to them for their places, the first of which
    /// is `first` (an i64 scalar), or 0. A learned table is the parameter `weight [longest, features]`
    /// of `at`.
    ///
    /// ```
    /// use glassbox::engine::{DType, Graph, Mode};
    /// use glassbox::nn::Positions;
    /// let graph = Graph::new();
    /// let x = graph.input("x", DType::F32, [8, 20, 16]);
    /// let at = graph.root(Mode::Train);
    /// assert_eq!(Positions::None.added(at.child("wpe"), x, 128, None).value(), x.value());
    /// Positions::Learned.added(at.child("places"), x, 128, None);
    /// assert_eq!(graph.current("places/weight").unwrap().shape().sizes(), &[128, 16]);
    /// ```
    #[track_caller]
    pub fn added<'g>(
        self,
        at: Scope<'g>,
        x: Tensor<'g>,
        longest: usize,
        first: Option<Tensor<'g>>,
    ) -> Tensor<'g> {
        let _inside = at.enter();
        match (self, first) {
            (Positions::Learned, None) => x + learned_positions(at, x, longest),
            (Positions::Learned, Some(first)) => {
                let initial = Initial::Normal { mean: 0.0, deviation: 0.02 };
                let table = at.parameter_of(x.dtype(), "weight", [longest, x.dim(-1)], initial);
                x + table.slice_at(first, x.dim(-2), 0)
            }
            (Positions::Sinusoidal, first) => {
                x + waves(x.graph(), x.dim(-2), x.dim(-1), first).cast(x.dtype())
            }
            (Positions::Rotary | Positions::None, _) => x,
        }
    }

    /// Queries or keys `[rows, time, heads · features]` as attention is to compare them: turned by
    /// their places, the first of which is `first`, or 0, where positions are rotary.
    #[track_caller]
    pub fn turned<'g>(self, x: Tensor<'g>, heads: usize, first: Option<Tensor<'g>>) -> Tensor<'g> {
        if self != Positions::Rotary {
            return x;
        }
        let [rows, time, width] = [0, 1, 2].map(|axis| x.dim(axis));
        let split = x.reshape([rows, time, heads, width / heads.max(1)]);
        rotated(split, 1, first).reshape([rows, time, width])
    }
}

/// The base of the wavelengths of [`sinusoidal_positions`] and [`rotary`], in the papers and here.
const BASE: f64 = 10_000.0;

/// Where each word stands, as waves (Vaswani et al. 2017), f32 `[time, features]`, to be added to
/// `[batch, time, features]`: at place t the features 2i and 2i + 1 are `sin` and `cos` of
/// `t / 10000^(2i / features)`. Nothing is learned.
///
/// ```
/// use glassbox::engine::{Graph, Options, Parameters, Session};
/// let graph = Graph::new();
/// let waves = glassbox::nn::sinusoidal_positions(&graph, 2, 4);
/// let found = Session::new(Options::default())?.evaluate(&graph, &Parameters::new(), &[waves])?;
/// let expected = [0.0, 1.0, 0.0, 1.0, 1f64.sin(), 1f64.cos(), 0.01f64.sin(), 0.01f64.cos()];
/// assert!(found[0].to_f64().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6));
/// # Ok::<(), glassbox::engine::Error>(())
/// ```
#[track_caller]
pub fn sinusoidal_positions(graph: &Graph, time: usize, features: usize) -> Tensor<'_> {
    waves(graph, time, features, None)
}

/// [`sinusoidal_positions`] from the place `first` on.
#[track_caller]
fn waves<'g>(
    graph: &'g Graph,
    time: usize,
    features: usize,
    first: Option<Tensor<'g>>,
) -> Tensor<'g> {
    let index = graph.iota([features], 0).cast(DType::F32);
    let pair = (index * 0.5).floor();
    // cos x = sin(x + π/2).
    let shift = (index - pair * 2.0) * FRAC_PI_2;
    (angles(graph, time, pair, features, first) + shift).sin()
}

/// Where each word stands, learned: the first `time` rows of a parameter `weight [longest, features]`
/// for `x [batch, time, features]` → `[time, features]`, to be added to it. Drawn from the normal
/// distribution of deviation 0.02, as in GPT-2. A longer sequence than `longest` is a mistake.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [8, 20, 16]);
/// let x = x + glassbox::nn::learned_positions(graph.root(Mode::Train).child("place"), x, 128);
/// assert_eq!(graph.current("place/weight").unwrap().shape().sizes(), &[128, 16]);
/// assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn learned_positions<'g>(at: Scope<'g>, x: Tensor<'g>, longest: usize) -> Tensor<'g> {
    let initial = Initial::Normal { mean: 0.0, deviation: 0.02 };
    let table = at.parameter_of(x.dtype(), "weight", [longest, x.dim(-1)], initial);
    table.slice(0, 0..x.dim(-2))
}

/// Rotary positions (Su et al. 2021), `[…, time, features]` → the same: at place t the pair of features
/// 2i and 2i + 1 is turned by the angle `t / 10000^(2i / features)`. Applied to queries and keys, their
/// product depends on how far they stand apart, not on where. Neighbours are pairs, as in the paper;
/// weights of models that pair i with i + features/2 must have their columns reordered. The number of
/// features is even.
///
/// ```
/// use glassbox::engine::{DType, Graph};
/// use glassbox::nn::{self, Mask};
/// let graph = Graph::new();
/// let [q, k, v] = ["q", "k", "v"].map(|name| graph.input(name, DType::F32, [8, 4, 20, 16]));
/// nn::attention(nn::rotary(q), nn::rotary(k), v, Mask::CAUSAL);
/// assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn rotary(x: Tensor<'_>) -> Tensor<'_> {
    rotated(x, x.rank().saturating_sub(2), None)
}

/// [`rotary`] along another axis of time, from the place `first` on.
#[track_caller]
fn rotated<'g>(x: Tensor<'g>, axis: usize, first: Option<Tensor<'g>>) -> Tensor<'g> {
    let (graph, features, shape) = (x.graph(), x.dim(-1), x.shape());
    let (pairs, time) = (features / 2, x.dim(axis as isize));
    let mut sizes = shape.sizes().to_vec();
    sizes.pop();
    sizes.extend([pairs, 2]);
    let pair = graph.iota([pairs], 0).cast(DType::F32);
    let angle = angles(graph, time, pair, features, first).cast(x.dtype());
    let mut beside = vec![1; x.rank() + 1];
    (beside[axis], beside[x.rank() - 1]) = (time, pairs);
    let angle = angle.reshape(beside);
    let turned = x.reshape(sizes);
    let (a, b) = (turned.slice(-1, 0..1), turned.slice(-1, 1..2));
    let (sin, cos) = (angle.sin(), angle.cos());
    (a * cos - b * sin).concatenate(&[a * sin + b * cos], -1).reshape(shape)
}

/// The angle of each place and pair of features, `[time, …]`.
#[track_caller]
fn angles<'g>(
    graph: &'g Graph,
    time: usize,
    pair: Tensor<'g>,
    features: usize,
    first: Option<Tensor<'g>>,
) -> Tensor<'g> {
    let rate = (pair * (-2.0 * BASE.ln() / features.max(1) as f64)).exp();
    let mut place = graph.iota([time, 1], 0);
    if let Some(first) = first {
        place = place + first;
    }
    place.cast(DType::F32) * rate
}
