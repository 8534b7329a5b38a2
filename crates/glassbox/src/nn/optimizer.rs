use glassbox_engine::{DType, Role, Scope, Tensor, grad};
use serde::Serialize;

/// How the parameters move; `lr` is the learning rate, above 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Optimizer {
    /// Kingma and Ba 2015, with PyTorch's defaults.
    Adam {
        /// Learning rate.
        lr: f64,
        /// Decay of the mean of gradients, in [0, 1).
        beta1: f64,
        /// Decay of the mean of squared gradients, in [0, 1).
        beta2: f64,
        /// Added to the denominator, above 0.
        epsilon: f64,
    },
    /// Gradient descent with a velocity: v ← momentum · v + ∇L, θ ← θ − lr · v.
    Momentum {
        /// Learning rate.
        lr: f64,
        /// The share of the velocity that is kept, in [0, 1).
        momentum: f64,
        /// Whether the gradient looks ahead along the velocity (Nesterov).
        nesterov: bool,
    },
    /// θ ← θ − lr · ∇L.
    GradientDescent {
        /// Learning rate.
        lr: f64,
    },
}

impl Optimizer {
    /// Adam with PyTorch's defaults.
    pub const ADAM: Optimizer =
        Optimizer::Adam { lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    /// Momentum 0.9.
    pub const MOMENTUM: Optimizer =
        Optimizer::Momentum { lr: 0.01, momentum: 0.9, nesterov: false };
    /// Plain gradient descent.
    pub const GRADIENT_DESCENT: Optimizer = Optimizer::GradientDescent { lr: 0.01 };

    /// The word that stands for it in a configuration.
    pub fn kind(&self) -> &'static str {
        match self {
            Optimizer::Adam { .. } => "adam",
            Optimizer::Momentum { .. } => "momentum",
            Optimizer::GradientDescent { .. } => "gradient_descent",
        }
    }

    /// The same with another learning rate.
    pub fn with_lr(self, rate: f64) -> Self {
        let mut changed = self;
        match &mut changed {
            Optimizer::Adam { lr, .. }
            | Optimizer::Momentum { lr, .. }
            | Optimizer::GradientDescent { lr } => *lr = rate,
        }
        changed
    }

    /// The learning rate.
    pub fn lr(&self) -> f64 {
        match *self {
            Optimizer::Adam { lr, .. }
            | Optimizer::Momentum { lr, .. }
            | Optimizer::GradientDescent { lr } => lr,
        }
    }
}

impl Optimizer {
    /// Records one step: each of `parameters` (all of them: [`Graph::parameters`]) gets its next
    /// value, and the states that the optimiser keeps (moments, velocities) stand under `at`, by the
    /// parameter's path. A parameter that is left out is frozen: its gradient is not computed.
    ///
    /// [`Graph::parameters`]: glassbox_engine::Graph::parameters
    ///
    /// `rate` is the learning rate (f32 scalar), `step` the number of this step from 1 (i64 scalar);
    /// both are inputs, so that one plan serves every step. Gives the gradients, in the order of
    /// `parameters`.
    ///
    /// ```
    /// use glassbox::engine::{DType, Graph, Mode};
    /// use glassbox::nn::{linear, Initial, Loss, Optimizer};
    /// let graph = Graph::new();
    /// let at = graph.root(Mode::Train);
    /// let y = linear(at.child("fc"), graph.input("x", DType::F32, [8, 4]), 1, Initial::Xavier);
    /// let loss = Loss::SquaredError.of(at.child("loss"), y, graph.input("y", DType::F32, [8, 1]));
    /// let (rate, step) = (graph.input("rate", DType::F32, []), graph.input("step", DType::I64, []));
    /// Optimizer::ADAM.update(at.child("optimizer"), loss, graph.parameters(), rate, step);
    /// assert!(graph.declaration("optimizer/fc/weight/first_moment").is_some());
    /// assert!(graph.check().is_ok());
    /// ```
    #[track_caller]
    pub fn update<'g>(
        &self,
        at: Scope<'g>,
        loss: Tensor<'g>,
        parameters: Vec<(String, Tensor<'g>)>,
        rate: Tensor<'g>,
        step: Tensor<'g>,
    ) -> Vec<Tensor<'g>> {
        let graph = loss.graph();
        let held: Vec<Tensor<'g>> = parameters.iter().map(|(_, tensor)| *tensor).collect();
        let gradients = grad(loss, &held);
        let _inside = at.enter();
        for ((path, value), &gradient) in parameters.into_iter().zip(&gradients) {
            graph.with_role(Role::Update { path: path.clone() }, || {
                let move_by = self.step_of(at, &path, value, gradient, rate, step);
                graph.assign(&path, value - move_by);
            });
        }
        gradients
    }

    /// What is subtracted from a parameter.
    fn step_of<'g>(
        &self,
        at: Scope<'g>,
        path: &str,
        value: Tensor<'g>,
        gradient: Tensor<'g>,
        rate: Tensor<'g>,
        step: Tensor<'g>,
    ) -> Tensor<'g> {
        let (dtype, shape) = (value.dtype(), value.shape());
        let rate = rate.cast(dtype);
        let state = |name: &str| at.state(&format!("{path}/{name}"), dtype, shape.clone(), 0.0);
        let keep = |name: &str, new: Tensor<'g>| at.assign(&format!("{path}/{name}"), new);
        match *self {
            Optimizer::GradientDescent { .. } => gradient * rate,
            Optimizer::Momentum { momentum, nesterov, .. } => {
                let velocity = state("velocity") * momentum + gradient;
                keep("velocity", velocity);
                let ahead = if nesterov { gradient + velocity * momentum } else { velocity };
                ahead * rate
            }
            Optimizer::Adam { beta1, beta2, epsilon, .. } => {
                let mean = state("first_moment") * beta1 + gradient * (1.0 - beta1);
                let square = state("second_moment") * beta2 + gradient.square() * (1.0 - beta2);
                keep("first_moment", mean);
                keep("second_moment", square);
                // In f64: 1 − βᵗ loses half of f32's digits while t is small.
                let steps = step.cast(DType::F64);
                let bias = |beta: f64| 1.0 - steps.scalar(beta).pow(steps);
                let deviation = square.sqrt() / bias(beta2).sqrt().cast(dtype) + epsilon;
                mean * (rate / bias(beta1).cast(dtype)) / deviation
            }
        }
    }
}
