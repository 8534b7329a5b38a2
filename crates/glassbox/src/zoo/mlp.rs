use glassbox_engine::{Scope, Tensor};

use crate::nn::{self, Activation, Initial, Module};
use crate::words::words;

words! {
    /// Whether numbers are brought to mean 0 and variance 1 between layers.
    Normalize {
        /// They stay as they are.
        None = "none",
        /// Each channel over the batch: [`nn::batch_norm`].
        Batch = "batch",
        /// Each row over its channels: [`nn::layer_norm`].
        Layer = "layer",
    }
}

/// A multi-layer perceptron: fully connected layers `fc1`, `fc2` …, each followed by the activation
/// except the last (Rumelhart, Hinton and Williams 1986).
///
/// What else a hidden layer has, if it is asked for, comes in this order: `fc1`, normalisation
/// (`norm1`), activation, dropout, and the skip connection around all of them.
///
/// ```
/// use glassbox::nn::{Activation, Module};
/// use glassbox::zoo::{Mlp, Normalize};
/// let model = Mlp::new([64, 32, 10]).activation(Activation::Relu);
/// assert_eq!(model.parameters(), 64 * 32 + 32 + 32 * 10 + 10);
/// let model = Mlp::new([64, 32, 32, 10]).normalize(Normalize::Batch).dropout(0.2).skip(true);
/// assert_eq!(model.parameters(), 64 * 32 + 32 + 32 * 32 + 32 + 32 * 10 + 10 + 4 * 32);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    sizes: Vec<usize>,
    activation: Activation,
    initial: Option<Initial>,
    normalize: Normalize,
    dropout: f64,
    skip: bool,
}

impl Mlp {
    /// Layers of these sizes: inputs, hidden units …, outputs. ReLU, weights drawn to suit it.
    pub fn new(sizes: impl Into<Vec<usize>>) -> Self {
        Mlp {
            sizes: sizes.into(),
            activation: Activation::Relu,
            initial: None,
            normalize: Normalize::None,
            dropout: 0.0,
            skip: false,
        }
    }

    /// With another activation of the hidden units.
    pub fn activation(self, activation: Activation) -> Self {
        Mlp { activation, ..self }
    }

    /// With weights drawn so; by default as suits the activation: [`Activation::initial`].
    pub fn initial(self, initial: Initial) -> Self {
        Mlp { initial: Some(initial), ..self }
    }

    /// With normalisation before each activation.
    pub fn normalize(self, normalize: Normalize) -> Self {
        Mlp { normalize, ..self }
    }

    /// With dropout after each activation; `rate` in [0, 1) is the share that is left out.
    pub fn dropout(self, rate: f64) -> Self {
        Mlp { dropout: rate, ..self }
    }

    /// With a skip connection around each hidden layer that has as many units as inputs: its result is
    /// x + f(x) (He et al. 2016).
    pub fn skip(self, skip: bool) -> Self {
        Mlp { skip, ..self }
    }

    /// How many numbers it learns.
    pub fn parameters(&self) -> usize {
        let dense: usize = self.sizes.windows(2).map(|w| w[0] * w[1] + w[1]).sum();
        let hidden: usize = self.sizes.iter().rev().skip(1).rev().skip(1).sum();
        dense + if self.normalize == Normalize::None { 0 } else { 2 * hidden }
    }

    /// What follows a hidden layer's weighted sums.
    #[track_caller]
    fn after<'g>(
        &self,
        at: Scope<'g>,
        layer: usize,
        scope: Scope<'g>,
        x: Tensor<'g>,
    ) -> Tensor<'g> {
        let x = match self.normalize {
            Normalize::None => x,
            Normalize::Batch => nn::batch_norm(at.index("norm", layer), x),
            Normalize::Layer => nn::layer_norm(at.index("norm", layer), x),
        };
        let _inside = scope.enter();
        let x = self.activation.of(x).named(self.activation.word());
        nn::dropout(scope, x, self.dropout)
    }
}

impl Module for Mlp {
    fn name(&self) -> &str {
        "mlp"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g> {
        let inputs = self.sizes.first().copied().unwrap_or(0);
        let initial = self.initial.unwrap_or(self.activation.initial());
        // The last layer has no activation to suit.
        let last_initial = self.initial.unwrap_or(Initial::Xavier);
        // Images and the like are read row by row.
        let mut x = input.reshape([input.dim(0), inputs]);
        let layers = self.sizes.len().saturating_sub(1);
        for (layer, &units) in self.sizes.iter().enumerate().skip(1) {
            let scope = at.index("fc", layer);
            if layer == layers {
                return nn::linear(scope, x, units, last_initial);
            }
            let sums = nn::linear(scope, x, units, initial);
            let result = self.after(at, layer, scope, sums);
            x = if self.skip && units == x.dim(-1) { x + result } else { result };
        }
        x
    }
}
