use std::array;

use glassbox_engine::op::{Bundle, Steps};
use glassbox_engine::{DType, Initial, Scope, Tensor};

use crate::nn::{Activation, dropout};

/// How a recurrent layer goes over sequences, `N` being the number of states that it carries from step
/// to step: one (the hidden state h) in [`rnn`] and [`gru`], two (h and the cell state c) in [`lstm`].
///
/// ```
/// use glassbox::nn::Recurrence;
/// let two_layers: Recurrence<'_, 1> = Recurrence { layers: 2, ..Recurrence::default() };
/// assert!(!two_layers.bidirectional && two_layers.first.is_none());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Recurrence<'g, const N: usize> {
    /// How many layers stand on each other, each reading the outputs of the one below (1).
    pub layers: usize,
    /// Whether each layer also goes from the last step to the first, with weights of its own (Schuster
    /// and Paliwal 1997): the outputs of both lie side by side, forward first.
    pub bidirectional: bool,
    /// The rate of [`dropout`] between layers (0).
    pub dropout: f64,
    /// How many steps of each sequence are real, i64 `[batch]`; where absent, all. Outputs after the
    /// end are 0, the last state is that of the last real step, and the way back begins there.
    pub lengths: Option<Tensor<'g>>,
    /// The states before the first step, each `[layers · directions, batch, units]`, forward before
    /// reversed within a layer; where absent, 0.
    pub first: Option<[Tensor<'g>; N]>,
}

impl<const N: usize> Default for Recurrence<'_, N> {
    /// One layer, forward, over whole sequences, from states of 0.
    fn default() -> Self {
        Recurrence { layers: 1, bidirectional: false, dropout: 0.0, lengths: None, first: None }
    }
}

/// What a recurrent layer makes of sequences.
#[derive(Clone, Copy, Debug)]
pub struct Recurrent<'g, const N: usize> {
    /// The hidden states of the uppermost layer, `[batch, time, directions · units]`.
    pub outputs: Tensor<'g>,
    /// The states after the last real step of each layer and direction, each
    /// `[layers · directions, batch, units]`: what goes on as [`Recurrence::first`].
    pub last: [Tensor<'g>; N],
}

/// A recurrent layer (Elman 1990): `h ← f(x·W + b + h·R + d)` at each step, `[batch, time, features]`
/// → `[batch, time, directions · units]`.
///
/// Parameters, for each layer n from 1: `layern/input/weight [features, units]` (W), `…/input/bias
/// [units]` (b), `…/recurrent/weight [units, units]` (R), `…/recurrent/bias [units]` (d), and for the
/// way back the same within `layern/reversed`; all drawn uniformly from ±1/√units. Formula, the two
/// biases and how they are drawn are PyTorch's. The weights are the same at every step, so sequences
/// may have any length. The state after each step is called `layern/hidden`.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{self, Activation, Recurrence};
/// let graph = Graph::new();
/// let at = graph.root(Mode::Train).child("rnn");
/// let x = graph.input("x", DType::F32, [8, 20, 3]); // [batch, time, features]
/// let lengths = graph.input("lengths", DType::I64, [8]);
/// let settings = Recurrence { lengths: Some(lengths), ..Recurrence::default() };
/// let found = nn::rnn(at, x, 16, Activation::Tanh, settings);
/// assert_eq!(found.outputs.shape().sizes(), &[8, 20, 16]);
/// assert_eq!(found.last[0].shape().sizes(), &[1, 8, 16]);
/// assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn rnn<'g>(
    at: Scope<'g>,
    x: Tensor<'g>,
    units: usize,
    activation: Activation,
    settings: Recurrence<'g, 1>,
) -> Recurrent<'g, 1> {
    stack(at, x, units, 1, settings, |weights, x, [h]| [activation.of(x + weights.from(h))])
}

/// Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate by Gers, Schmidhuber and
/// Cummins 2000), `[batch, time, features]` → `[batch, time, directions · units]`:
///
/// ```text
/// i = σ(input)   f = σ(forget)   g = tanh(candidate)   o = σ(output)
/// c ← f · c + i · g              h ← o · tanh c
/// ```
///
/// where each gate has its own `x·W + b + h·R + d`. The states are `[h, c]`. What each step computes is
/// called `layern/input_gate`, `…/forget_gate`, `…/candidate`, `…/output_gate`, `…/cell` and `…/hidden`;
/// [`Tensor::every_step`] shows it.
///
/// Parameters as those of [`rnn`], with `4 · units` columns: those of i, f, g, o after one another, as
/// in PyTorch.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{self, Recurrence};
/// let graph = Graph::new();
/// let at = graph.root(Mode::Train).child("lstm");
/// let x = graph.input("x", DType::F32, [8, 20, 3]);
/// let settings = Recurrence { layers: 2, bidirectional: true, ..Recurrence::default() };
/// let nn::Recurrent { outputs, last: [h, c] } = nn::lstm(at, x, 16, settings);
/// assert_eq!(outputs.shape().sizes(), &[8, 20, 32]);
/// assert_eq!(c.shape().sizes(), &[4, 8, 16]);
/// assert!(graph.declaration("lstm/layer2/reversed/recurrent/weight").is_some());
/// assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn lstm<'g>(
    at: Scope<'g>,
    x: Tensor<'g>,
    units: usize,
    settings: Recurrence<'g, 2>,
) -> Recurrent<'g, 2> {
    stack(at, x, units, 4, settings, |weights, x, states| weights.lstm(x, states))
}

/// The weights of one layer of [`lstm`] for a loop of one's own, in which what is read at a step depends
/// on what came out before it: a decoder that reads what it says.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::LstmCell;
/// let graph = Graph::new();
/// let cell = LstmCell::new(graph.root(Mode::Train).child("layer1"), 3, 16);
/// let x = graph.input("x", DType::F32, [8, 3]);
/// let zeros = graph.constant(DType::F32, 0.0).broadcast_to([8, 16]);
/// let [h, c] = cell.step(x, [zeros, zeros]);
/// assert_eq!([h.shape(), c.shape()], [zeros.shape(), zeros.shape()]);
/// assert!(graph.declaration("layer1/recurrent/bias").is_some());
/// assert!(graph.check().is_ok());
/// ```
#[derive(Clone, Copy)]
pub struct LstmCell<'g> {
    input: Weights<'g>,
    recurrent: Weights<'g>,
}

impl<'g> LstmCell<'g> {
    /// Declares the weights of a layer that reads so many features: those of `layer1` and so on of
    /// [`lstm`].
    #[track_caller]
    pub fn new(at: Scope<'g>, features: usize, units: usize) -> Self {
        let [input, recurrent] = [("input", features), ("recurrent", units)]
            .map(|(name, inputs)| Weights::new(at, name, DType::F32, [inputs, 4 * units], units));
        LstmCell { input, recurrent }
    }

    /// The states `[h, c]`, each `[rows, units]`, after it has read `x [rows, features]`.
    #[track_caller]
    pub fn step(self, x: Tensor<'g>, states: [Tensor<'g>; 2]) -> [Tensor<'g>; 2] {
        self.recurrent.named_states(self.recurrent.lstm(self.input.from(x), states))
    }
}

/// Gated recurrent units (Cho et al. 2014), `[batch, time, features]` → `[batch, time, directions ·
/// units]`:
///
/// ```text
/// r = σ(reset)   z = σ(update)   n = tanh(x·W + b + r · (h·R + d))   h ← (1 − z) · n + z · h
/// ```
///
/// where r and z have their own `x·W + b + h·R + d`. As in PyTorch, the reset gate is applied after the
/// product with R, not before it as in the paper, so that one product serves all three. What each step
/// computes is called `layern/reset_gate`, `…/update_gate`, `…/candidate` and `…/hidden`.
///
/// Parameters as those of [`rnn`], with `3 · units` columns: those of r, z, n after one another.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{self, Recurrence};
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [8, 20, 3]);
/// let first = graph.input("h", DType::F32, [1, 8, 16]);
/// let settings = Recurrence { first: Some([first]), ..Recurrence::default() };
/// let found = nn::gru(graph.root(Mode::Train).child("gru"), x, 16, settings);
/// assert_eq!(found.outputs.shape().sizes(), &[8, 20, 16]);
/// assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn gru<'g>(
    at: Scope<'g>,
    x: Tensor<'g>,
    units: usize,
    settings: Recurrence<'g, 1>,
) -> Recurrent<'g, 1> {
    stack(at, x, units, 3, settings, |weights, x, [h]| {
        let own = weights.from(h);
        let gate = |of: Tensor<'g>, i: usize| of.slice(-1, i * units..(i + 1) * units);
        let sum = |i| gate(x, i) + gate(own, i);
        let reset = weights.named("reset_gate", sum(0).sigmoid());
        let update = weights.named("update_gate", sum(1).sigmoid());
        let candidate = weights.named("candidate", (gate(x, 2) + reset * gate(own, 2)).tanh());
        [candidate + update * (h - candidate)]
    })
}

/// What is multiplied with the hidden state at every step.
#[derive(Clone, Copy)]
struct Weights<'g> {
    weight: Tensor<'g>,
    bias: Tensor<'g>,
    /// The layer and direction, e.g. `layer1/reversed`.
    layer: Scope<'g>,
}

impl<'g> Weights<'g> {
    /// Declares them for a layer of so many units.
    #[track_caller]
    fn new(
        layer: Scope<'g>,
        name: &str,
        dtype: DType,
        [inputs, outputs]: [usize; 2],
        units: usize,
    ) -> Self {
        let at = layer.child(name);
        let bound = 1.0 / (units.max(1) as f64).sqrt();
        let initial = Initial::Uniform { low: -bound, high: bound };
        Weights {
            weight: at.parameter_of(dtype, "weight", [inputs, outputs], initial),
            bias: at.parameter_of(dtype, "bias", [outputs], initial),
            layer,
        }
    }

    /// A step of [`lstm`] whose input has been multiplied with its weights already.
    #[track_caller]
    fn lstm(self, x: Tensor<'g>, [h, c]: [Tensor<'g>; 2]) -> [Tensor<'g>; 2] {
        let (sums, units) = (x + self.from(h), h.dim(-1));
        let gate = |i: usize| sums.slice(-1, i * units..(i + 1) * units);
        let kept = self.named("forget_gate", gate(1).sigmoid()) * c;
        let let_in = self.named("input_gate", gate(0).sigmoid());
        let c = kept + let_in * self.named("candidate", gate(2).tanh());
        let h = self.named("output_gate", gate(3).sigmoid()) * c.tanh();
        [h, c]
    }

    /// h·R + d.
    #[track_caller]
    fn from(self, h: Tensor<'g>) -> Tensor<'g> {
        h.matmul(self.weight) + self.bias
    }

    /// Calls what a step computes by the layer and this name: [`Tensor::every_step`] shows it.
    fn named(self, name: &str, tensor: Tensor<'g>) -> Tensor<'g> {
        let _inside = self.layer.enter();
        tensor.named(name)
    }

    /// Calls the states after a step by their names.
    fn named_states<const N: usize>(self, states: [Tensor<'g>; N]) -> [Tensor<'g>; N] {
        for (state, name) in states.into_iter().zip(["hidden", "cell"]) {
            self.named(name, state);
        }
        states
    }
}

/// Layers on each other, in one direction or both. `step` makes the next states of `x·W + b` and of
/// the states, the first of which is the hidden one.
#[track_caller]
fn stack<'g, const N: usize>(
    at: Scope<'g>,
    x: Tensor<'g>,
    units: usize,
    gates: usize,
    settings: Recurrence<'g, N>,
    step: impl Fn(Weights<'g>, Tensor<'g>, [Tensor<'g>; N]) -> [Tensor<'g>; N],
) -> Recurrent<'g, N>
where
    [Tensor<'g>; N]: Bundle<'g>,
{
    let _inside = at.enter();
    let batch = x.dim(0);
    let zeros = x.scalar(0.0).broadcast_to([batch, units]);
    // Steps come first within.
    let mut sequences = x.permute(&[1, 0, 2]);
    let mut last: [Vec<Tensor<'g>>; N] = array::from_fn(|_| Vec::new());
    for number in 1..=settings.layers {
        let layer = at.index("layer", number);
        if number > 1 && settings.dropout > 0.0 {
            sequences = dropout(layer.child("dropout"), sequences, settings.dropout);
        }
        let mut directions = Vec::new();
        for reversed in [false, true] {
            if reversed && !settings.bidirectional {
                continue;
            }
            let row = last.first().map_or(0, Vec::len);
            let mut first = [zeros; N];
            for (to, state) in first.iter_mut().zip(settings.first.iter().flatten()) {
                *to = state.slice(0, row..row + 1).reshape([batch, units]);
            }
            let within = if reversed { layer.child("reversed") } else { layer };
            let weights = [units, gates, usize::from(reversed)];
            let (states, outputs) =
                direction(within, sequences, weights, first, settings.lengths, &step);
            for (all, state) in last.iter_mut().zip(states) {
                all.push(state.reshape([1, batch, units]));
            }
            directions.push(outputs);
        }
        sequences = joined(&directions, -1).unwrap_or(sequences);
    }
    let zeros = zeros.reshape([1, batch, units]);
    Recurrent {
        outputs: sequences.permute(&[1, 0, 2]).named("outputs"),
        last: last.map(|all| joined(&all, 0).unwrap_or(zeros)),
    }
}

#[track_caller]
fn joined<'g>(parts: &[Tensor<'g>], axis: isize) -> Option<Tensor<'g>> {
    match parts {
        [] => None,
        [one] => Some(*one),
        [first, others @ ..] => Some(first.concatenate(others, axis)),
    }
}

/// One layer in one direction over `[time, batch, features]`: the last states `[batch, units]` and the
/// outputs `[time, batch, units]`.
#[track_caller]
fn direction<'g, const N: usize>(
    at: Scope<'g>,
    sequences: Tensor<'g>,
    [units, gates, reversed]: [usize; 3],
    first: [Tensor<'g>; N],
    lengths: Option<Tensor<'g>>,
    step: impl Fn(Weights<'g>, Tensor<'g>, [Tensor<'g>; N]) -> [Tensor<'g>; N],
) -> ([Tensor<'g>; N], Tensor<'g>) {
    let (time, batch) = (sequences.dim(0), sequences.dim(1));
    let weights =
        |name, inputs| Weights::new(at, name, sequences.dtype(), [inputs, gates * units], units);
    let input = weights("input", sequences.dim(-1));
    let recurrent = weights("recurrent", units);
    // Of all steps at once: nothing of it waits for the step before.
    let given = sequences.matmul(input.weight) + input.bias;
    let mut ends = None;
    if let Some(lengths) = lengths {
        ends = Some(lengths.reshape([batch, 1]));
    }
    let steps = if reversed == 1 { Steps::reversed(time) } else { Steps::from(time) };
    at.graph().scan(steps, first, given, |before, x, now| {
        let after = recurrent.named_states(step(recurrent, x, before));
        let Some(ends) = ends else { return (after, after[0]) };
        let real = now.less(ends);
        let kept = array::from_fn(|i| real.select(after[i], before[i]));
        (kept, real.select(after[0], after[0].full_like(0.0)))
    })
}
