use glassbox_engine::{DType, Role, Scope, Tensor, grad};

use crate::choices::{Choice, Setting, choices};

choices! {
    /// How the parameters move; `lr` is the learning rate. Each is PyTorch's of the same name, with
    /// its defaults.
    ///
    /// `weight_decay` is added to the gradient, `∇L + decay · θ`, as an L2 penalty would do; AdamW
    /// alone decays beside it.
    Optimizer {
        /// Steps scaled by running means of the gradient and of its square, both corrected for their
        /// start at 0 (Kingma and Ba 2015).
        Adam = "adam" {
            /// Learning rate.
            lr: positive = 1e-3,
            /// Decay of the mean of gradients.
            beta1: share = 0.9,
            /// Decay of the mean of squared gradients.
            beta2: share = 0.999,
            /// Added to the denominator.
            epsilon: positive = 1e-8,
            /// Share of a parameter that is added to its gradient.
            weight_decay: not_negative = 0.0,
        },
        /// Adam, and beside it θ ← θ − lr · decay · θ (Loshchilov and Hutter 2019).
        AdamW = "adamw" {
            /// Learning rate.
            lr: positive = 1e-3,
            /// Decay of the mean of gradients.
            beta1: share = 0.9,
            /// Decay of the mean of squared gradients.
            beta2: share = 0.999,
            /// Added to the denominator.
            epsilon: positive = 1e-8,
            /// Times the rate: the share of a parameter that a step takes away.
            weight_decay: not_negative = 0.01,
        },
        /// Gradient descent with a velocity: v ← momentum · v + ∇L, θ ← θ − lr · v (Polyak 1964).
        Momentum = "momentum" {
            /// Learning rate.
            lr: positive = 0.01,
            /// The share of the velocity that is kept.
            momentum: share = 0.9,
            /// Whether the gradient looks ahead along the velocity (Nesterov 1983).
            nesterov: flag = false,
            /// Share of a parameter that is added to its gradient.
            weight_decay: not_negative = 0.0,
        },
        /// θ ← θ − lr · ∇L.
        GradientDescent = "gradient_descent" {
            /// Learning rate.
            lr: positive = 0.01,
            /// Share of a parameter that is added to its gradient.
            weight_decay: not_negative = 0.0,
        },
        /// θ ← θ − lr · ∇L / √Σ(∇L)² (Duchi, Hazan and Singer 2011).
        Adagrad = "adagrad" {
            /// Learning rate.
            lr: positive = 0.01,
            /// The rate of step t is lr / (1 + (t − 1) · lr_decay).
            lr_decay: not_negative = 0.0,
            /// Added to the denominator.
            epsilon: positive = 1e-10,
            /// Share of a parameter that is added to its gradient.
            weight_decay: not_negative = 0.0,
        },
        /// Steps scaled by a running mean of squared gradients (Tieleman and Hinton 2012).
        RmsProp = "rmsprop" {
            /// Learning rate.
            lr: positive = 0.01,
            /// Decay of the mean of squared gradients.
            alpha: share = 0.99,
            /// Added to the denominator.
            epsilon: positive = 1e-8,
            /// The share of a velocity that is kept; 0 keeps none.
            momentum: share = 0.0,
            /// Whether the gradient's variance scales the steps, instead of its square's mean
            /// (Graves 2013).
            centered: flag = false,
            /// Share of a parameter that is added to its gradient.
            weight_decay: not_negative = 0.0,
        },
    }
}

impl Optimizer {
    /// Adam with PyTorch's defaults.
    pub const ADAM: Optimizer =
        Optimizer::Adam { lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };
    /// AdamW with PyTorch's defaults.
    pub const ADAMW: Optimizer =
        Optimizer::AdamW { lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 };
    /// Momentum 0.9.
    pub const MOMENTUM: Optimizer =
        Optimizer::Momentum { lr: 0.01, momentum: 0.9, nesterov: false, weight_decay: 0.0 };
    /// Plain gradient descent.
    pub const GRADIENT_DESCENT: Optimizer =
        Optimizer::GradientDescent { lr: 0.01, weight_decay: 0.0 };
    /// Adagrad with PyTorch's defaults.
    pub const ADAGRAD: Optimizer =
        Optimizer::Adagrad { lr: 0.01, lr_decay: 0.0, epsilon: 1e-10, weight_decay: 0.0 };
    /// RMSprop with PyTorch's defaults.
    pub const RMSPROP: Optimizer = Optimizer::RmsProp {
        lr: 0.01,
        alpha: 0.99,
        epsilon: 1e-8,
        momentum: 0.0,
        centered: false,
        weight_decay: 0.0,
    };

    /// The word that stands for it in a configuration.
    pub fn kind(&self) -> &'static str {
        self.word()
    }

    /// The same with another learning rate.
    pub fn with_lr(self, rate: f64) -> Self {
        self.with("lr", rate)
    }

    /// The same with another weight decay.
    pub fn with_weight_decay(self, decay: f64) -> Self {
        self.with("weight_decay", decay)
    }

    /// The learning rate.
    pub fn lr(&self) -> f64 {
        self.number("lr")
    }

    fn with(mut self, wanted: &str, to: f64) -> Self {
        for (name, setting) in self.settings() {
            if let Setting::Number(number, _) = setting
                && name == wanted
            {
                *number = to;
            }
        }
        self
    }

    /// A setting that every optimiser has.
    fn number(mut self, wanted: &str) -> f64 {
        let of = |(name, setting)| match setting {
            Setting::Number(number, _) if name == wanted => Some(*number),
            _ => None,
        };
        self.settings().into_iter().find_map(of).unwrap_or(0.0)
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
        let held: Vec<Tensor<'g>> = parameters.iter().map(|(_, tensor)| *tensor).collect();
        let gradients = grad(loss, &held);
        self.apply(at, parameters, &gradients, rate, step);
        gradients
    }

    /// As [`update`](Self::update), by gradients that are given: clipped, summed over batches, or
    /// one's own. `gradients` are in the order of `parameters`.
    ///
    /// ```
    /// use glassbox::engine::{grad, DType, Graph, Mode};
    /// use glassbox::nn::{Clip, Optimizer};
    /// let graph = Graph::new();
    /// let at = graph.root(Mode::Train);
    /// let w = at.parameter("w", [3], 1.0);
    /// let gradients = Clip::Norm(1.0).of(&grad(w.square().sum(), &[w]));
    /// let (rate, step) = (graph.input("rate", DType::F32, []), graph.input("step", DType::I64, []));
    /// Optimizer::MOMENTUM.apply(at.child("optimizer"), graph.parameters(), &gradients, rate, step);
    /// assert!(graph.check().is_ok());
    /// ```
    #[track_caller]
    pub fn apply<'g>(
        &self,
        at: Scope<'g>,
        parameters: Vec<(String, Tensor<'g>)>,
        gradients: &[Tensor<'g>],
        rate: Tensor<'g>,
        step: Tensor<'g>,
    ) {
        let graph = at.graph();
        let _inside = at.enter();
        for ((path, value), &gradient) in parameters.into_iter().zip(gradients) {
            graph.with_role(Role::Update { path: path.clone() }, || {
                let move_by = self.step_of(at, &path, value, gradient, rate, step);
                graph.assign(&path, value - move_by);
            });
        }
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
        let keep = |name: &str, new: Tensor<'g>| {
            at.assign(&format!("{path}/{name}"), new);
            new
        };
        let decay = self.number("weight_decay");
        let beside = matches!(self, Optimizer::AdamW { .. });
        let gradient = if decay > 0.0 && !beside { gradient + value * decay } else { gradient };
        // In f64, which counts far enough.
        let steps = || step.cast(DType::F64);
        match *self {
            Optimizer::GradientDescent { .. } => gradient * rate,
            Optimizer::Momentum { momentum, nesterov, .. } => {
                let velocity = keep("velocity", state("velocity") * momentum + gradient);
                let ahead = if nesterov { gradient + velocity * momentum } else { velocity };
                ahead * rate
            }
            Optimizer::Adam { beta1, beta2, epsilon, .. }
            | Optimizer::AdamW { beta1, beta2, epsilon, .. } => {
                let mean = state("first_moment") * beta1 + gradient * (1.0 - beta1);
                let square = state("second_moment") * beta2 + gradient.square() * (1.0 - beta2);
                keep("first_moment", mean);
                keep("second_moment", square);
                // In f64: 1 − βᵗ loses half of f32's digits while t is small.
                let steps = steps();
                let bias = |beta: f64| 1.0 - steps.scalar(beta).pow(steps);
                let deviation = square.sqrt() * bias(beta2).sqrt().recip().cast(dtype) + epsilon;
                let move_by = mean * (rate / bias(beta1).cast(dtype)) / deviation;
                if beside && decay > 0.0 { move_by + value * (rate * decay) } else { move_by }
            }
            Optimizer::Adagrad { lr_decay, epsilon, .. } => {
                let squares =
                    keep("squared_gradients", state("squared_gradients") + gradient.square());
                let slower = match lr_decay > 0.0 {
                    true => rate / ((steps() - 1.0) * lr_decay + 1.0).cast(dtype),
                    false => rate,
                };
                gradient * slower / (squares.sqrt() + epsilon)
            }
            Optimizer::RmsProp { alpha, epsilon, momentum, centered, .. } => {
                let square = state("second_moment") * alpha + gradient.square() * (1.0 - alpha);
                keep("second_moment", square);
                let variance = match centered {
                    true => {
                        let mean = state("first_moment") * alpha + gradient * (1.0 - alpha);
                        square - keep("first_moment", mean).square()
                    }
                    false => square,
                };
                let scaled = gradient / (variance.sqrt() + epsilon);
                match momentum > 0.0 {
                    true => keep("velocity", state("velocity") * momentum + scaled) * rate,
                    false => scaled * rate,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Optimizer;

    #[test]
    fn the_named_optimisers_have_the_default_settings() {
        let named = [
            Optimizer::ADAM,
            Optimizer::ADAMW,
            Optimizer::MOMENTUM,
            Optimizer::GRADIENT_DESCENT,
            Optimizer::ADAGRAD,
            Optimizer::RMSPROP,
        ];
        assert_eq!(named, Optimizer::ALL);
        for optimizer in named {
            assert_eq!(optimizer.with_lr(0.7).lr(), 0.7);
            assert_ne!(optimizer.with_weight_decay(0.3), optimizer);
        }
    }
}
