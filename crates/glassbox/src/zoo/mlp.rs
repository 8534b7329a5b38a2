use glassbox_engine::{Scope, Tensor};

use crate::nn::{self, Activation, Initial, Model};

/// A multi-layer perceptron: fully connected layers `fc1`, `fc2` …, each followed by the activation
/// except the last (Rumelhart, Hinton and Williams 1986).
///
/// ```
/// use glassbox::nn::{Activation, Model};
/// use glassbox::zoo::Mlp;
/// let model = Mlp::new([64, 32, 10]).activation(Activation::Relu);
/// assert_eq!(model.parameters(), 64 * 32 + 32 + 32 * 10 + 10);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    sizes: Vec<usize>,
    activation: Activation,
    initial: Option<Initial>,
}

impl Mlp {
    /// Layers of these sizes: inputs, hidden units …, outputs. ReLU, weights drawn to suit it.
    pub fn new(sizes: impl Into<Vec<usize>>) -> Self {
        Mlp { sizes: sizes.into(), activation: Activation::Relu, initial: None }
    }

    /// With another activation of the hidden units.
    pub fn activation(self, activation: Activation) -> Self {
        Mlp { activation, ..self }
    }

    /// With weights drawn so; by default He's for ReLU and softplus, Xavier's for the others.
    pub fn initial(self, initial: Initial) -> Self {
        Mlp { initial: Some(initial), ..self }
    }

    /// How many numbers it learns.
    pub fn parameters(&self) -> usize {
        self.sizes.windows(2).map(|w| w[0] * w[1] + w[1]).sum()
    }
}

impl Model for Mlp {
    fn name(&self) -> &str {
        "mlp"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g> {
        let inputs = self.sizes.first().copied().unwrap_or(0);
        let initial = self.initial.unwrap_or(self.activation.initial());
        // Images and the like are read row by row.
        let mut x = input.reshape([input.dim(0), inputs]);
        let layers = self.sizes.len().saturating_sub(1);
        for (layer, &units) in self.sizes.iter().enumerate().skip(1) {
            let scope = at.child(&format!("fc{layer}"));
            // The last layer has no activation to suit.
            let last = layer == layers;
            x = nn::linear(scope, x, units, if last { self.last_initial() } else { initial });
            if !last {
                let _inside = scope.enter();
                x = self.activation.of(x).named(self.activation.word());
            }
        }
        x
    }
}

impl Mlp {
    fn last_initial(&self) -> Initial {
        self.initial.unwrap_or(Initial::Xavier)
    }
}
