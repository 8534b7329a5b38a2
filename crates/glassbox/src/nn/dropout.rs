use glassbox_engine::{DType, Distribution, Graph, Scope, Tensor};

/// Dropout (Srivastava et al. 2014): in training each number is left out with probability `rate` (in
/// [0, 1)) and the others are divided by 1 − rate, so that the expected value stays; in use nothing
/// happens. The result is called `dropout`.
///
/// Which numbers are left out follows from seed, scope and step: the graph's inputs [`seed`] and
/// [`step`], which are made where they are not there yet. A step that is taken again, to resume, to
/// replay or to be explained, leaves the same numbers out.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn;
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [8, 16]);
/// nn::dropout(graph.root(Mode::Train).child("drop"), x, 0.5);
/// assert!(graph.find_input("seed").is_some() && graph.find_input("step").is_some());
/// assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn dropout<'g>(at: Scope<'g>, x: Tensor<'g>, rate: f64) -> Tensor<'g> {
    let _inside = at.enter();
    if !at.training() || rate <= 0.0 {
        return x;
    }
    let graph = at.graph();
    let drawn = at.random(Distribution::Uniform, x.shape(), seed(graph), step(graph));
    let kept = drawn.greater_equal(drawn.full_like(rate));
    let scale = 1.0 / (1.0 - rate);
    kept.select(x * scale, x.full_like(0.0)).named("dropout")
}

/// Stochastic depth (Huang et al. 2016): in training the change that a block makes is left out for a row
/// with probability `rate` (in [0, 1)) and divided by 1 − rate for the others, so that the expected value
/// stays; in use nothing happens. `[rows, …]` → `[rows, …]`; what a block leaves is its skip connection.
/// The result is called `stochastic_depth`; which rows follows as in [`dropout`].
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn;
/// let graph = Graph::new();
/// let at = graph.root(Mode::Train).child("block1");
/// let x = graph.input("x", DType::F32, [8, 16]);
/// let change = nn::linear(at.child("fc"), x, 16, nn::Initial::He).relu();
/// let y = x + nn::stochastic_depth(at.child("depth"), change, 0.2);
/// assert_eq!(y.shape(), x.shape());
/// ```
#[track_caller]
pub fn stochastic_depth<'g>(at: Scope<'g>, x: Tensor<'g>, rate: f64) -> Tensor<'g> {
    let _inside = at.enter();
    if !at.training() || rate <= 0.0 {
        return x;
    }
    let graph = at.graph();
    let mut shape = vec![1; x.rank()];
    shape.iter_mut().take(1).for_each(|rows| *rows = x.dim(0));
    let drawn = at.random(Distribution::Uniform, shape, seed(graph), step(graph));
    let kept = drawn.greater_equal(drawn.full_like(rate));
    let scale = kept.select(drawn.full_like(1.0 / (1.0 - rate)), drawn.full_like(0.0));
    (x * scale.cast(x.dtype())).named("stochastic_depth")
}

/// The graph's input `seed` (i64 scalar), which all randomness of a training follows from; made where
/// it is not there yet. [`Trainer`](crate::train::Trainer) fills it; in a loop of one's own it is
/// filled like any input.
#[track_caller]
pub fn seed(graph: &Graph) -> Tensor<'_> {
    number(graph, "seed")
}

/// The graph's input `step` (i64 scalar): the number of the training step, from 1; made where it is
/// not there yet. [`Trainer`](crate::train::Trainer) fills it; in a loop of one's own it is filled
/// like any input.
#[track_caller]
pub fn step(graph: &Graph) -> Tensor<'_> {
    number(graph, "step")
}

#[track_caller]
fn number<'g>(graph: &'g Graph, name: &str) -> Tensor<'g> {
    match graph.find_input(name) {
        Some(found) => found,
        None => graph.input(name, DType::I64, []),
    }
}
