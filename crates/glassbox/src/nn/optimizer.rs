use glassbox_engine::{DType, Role, Scope, Tensor, grad};
use serde::Serialize;

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
        Optimizers::from(*self).update(at, loss, parameters, rate, step)
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
        Optimizers::from(*self).apply(at, parameters, gradients, rate, step);
    }

    /// What is subtracted from a parameter, or from some of its rows.
    fn step_of<'g>(
        &self,
        kept: &Kept<'_, 'g>,
        value: Tensor<'g>,
        gradient: Tensor<'g>,
        rate: Tensor<'g>,
        step: Tensor<'g>,
    ) -> Tensor<'g> {
        let dtype = value.dtype();
        let rate = rate.cast(dtype);
        let state = |name: &str| kept.state(name);
        let keep = |name: &str, new: Tensor<'g>| {
            kept.keep(name, new);
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

/// What an optimiser keeps for a parameter between steps, under `at` by the parameter's path: of all
/// its elements, or of its `rows` alone.
struct Kept<'a, 'g> {
    at: Scope<'g>,
    path: &'a str,
    parameter: Tensor<'g>,
    rows: Option<Tensor<'g>>,
}

impl<'g> Kept<'_, 'g> {
    fn state(&self, name: &str) -> Tensor<'g> {
        let (dtype, shape) = (self.parameter.dtype(), self.parameter.shape());
        let whole = self.at.state(&format!("{}/{name}", self.path), dtype, shape, 0.0);
        self.rows.map_or(whole, |rows| whole.gather(rows))
    }

    /// The next value of a state that was declared.
    fn keep(&self, name: &str, new: Tensor<'g>) {
        let path = format!("{}/{name}", self.path);
        let whole = self.at.graph().state(&format!("{}/{path}", self.at.path()));
        let new = match (self.rows, whole) {
            (Some(rows), Some(whole)) => whole.scatter(rows, new),
            _ => new,
        };
        self.at.assign(&path, new);
    }
}

/// Parameters that are chosen by name to move in a way of their own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chosen {
    /// Their paths; `*` stands for any letters: `words/*`.
    pub paths: String,
    /// How they move.
    pub optimizer: Optimizer,
    /// Whether only the rows move that were looked up in the step (see [`Chosen::rows`]).
    pub rows: bool,
}

impl Chosen {
    /// The parameters whose paths fit the pattern move by `optimizer`.
    pub fn new(paths: impl Into<String>, optimizer: Optimizer) -> Self {
        Chosen { paths: paths.into(), optimizer, rows: false }
    }

    /// Only the rows of a table move that were looked up in the step, at the cost of these rows alone:
    /// for large [embeddings](super::embedding), of which a batch needs few words. Gradient descent and
    /// Adagrad take the same steps as they do on whole tables. What the others remember of a row
    /// (moments, velocity), and weight decay, wait until the row comes again: of Adam this is PyTorch's
    /// `SparseAdam`, but for where epsilon is added.
    ///
    /// The table must be looked up at one place, and its gradient neither be clipped nor summed over
    /// batches.
    pub fn rows(self) -> Self {
        Chosen { rows: true, ..self }
    }

    /// Whether it chooses the parameter at `path`.
    pub fn chooses(&self, path: &str) -> bool {
        fits(&self.paths, path)
    }
}

/// One optimiser for all parameters, but others for some, chosen by name.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{self, Chosen, Optimizer, Optimizers};
/// let graph = Graph::new();
/// let at = graph.root(Mode::Train);
/// let words = nn::embedding_table(at.child("words"), 10_000, 16);
/// let ids = graph.input("ids", DType::I64, [8]);
/// let loss = nn::embedding(words, ids, None).square().mean();
/// let (rate, step) = (graph.input("rate", DType::F32, []), graph.input("step", DType::I64, []));
/// let how = Optimizers::from(Optimizer::ADAMW)
///     .with(Chosen::new("words/*", Optimizer::ADAM.with_lr(0.01)).rows());
/// how.update(at.child("optimizer"), loss, graph.parameters(), rate, step);
/// assert!(graph.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizers {
    all: Optimizer,
    chosen: Vec<Chosen>,
}

impl From<Optimizer> for Optimizers {
    fn from(all: Optimizer) -> Self {
        Optimizers { all, chosen: Vec::new() }
    }
}

impl Optimizers {
    /// The same, with these parameters moving in a way of their own. Where several choose a parameter
    /// the first does.
    pub fn with(mut self, chosen: Chosen) -> Self {
        self.chosen.push(chosen);
        self
    }

    /// How the parameter at `path` moves, and its rate where that of the optimiser for all is `rate`: the
    /// rates are in proportion, as their `lr` are.
    pub fn of(&self, path: &str, rate: f64) -> (Optimizer, f64) {
        let chosen = self.chosen.iter().find(|chosen| chosen.chooses(path));
        let optimizer = chosen.map_or(self.all, |chosen| chosen.optimizer);
        match optimizer.lr() == self.all.lr() {
            true => (optimizer, rate),
            false => (optimizer, rate * (optimizer.lr() / self.all.lr())),
        }
    }

    /// As [`Optimizer::update`]. `rate` is that of the optimiser for all; the others' are in proportion
    /// to it, as their `lr` are.
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

    /// As [`Optimizer::apply`], and as [`update`](Self::update).
    #[track_caller]
    pub fn apply<'g>(
        &self,
        at: Scope<'g>,
        parameters: Vec<(String, Tensor<'g>)>,
        gradients: &[Tensor<'g>],
        rate: Tensor<'g>,
        step: Tensor<'g>,
    ) {
        let _inside = at.enter();
        for ((path, value), &gradient) in parameters.into_iter().zip(gradients) {
            let chosen = self.chosen.iter().find(|chosen| chosen.chooses(&path));
            let optimizer = chosen.map_or(self.all, |chosen| chosen.optimizer);
            let rate = match optimizer.lr() == self.all.lr() {
                true => rate,
                false => rate * (optimizer.lr() / self.all.lr()),
            };
            let kept = Kept { at, path: &path, parameter: value, rows: None };
            let role = Role::Update { path: path.clone() };
            match chosen {
                Some(Chosen { rows: true, .. }) => match gradient.scattered() {
                    Some(found) => at.graph().with_role(role, || {
                        move_rows(&optimizer, kept, found, rate, step);
                    }),
                    None => at.graph().misuse(
                        format!(
                            "`{path}` cannot move by rows: its gradient does not come from looking \
                             up its rows at one place, or was clipped or summed over batches"
                        ),
                        &[value, gradient],
                    ),
                },
                _ => at.graph().with_role(role, || {
                    let move_by = optimizer.step_of(&kept, value, gradient, rate, step);
                    at.graph().assign(&path, value - move_by);
                }),
            }
        }
    }
}

/// Moves the rows of a table for which there are `values` to be added up into its gradient, by the
/// rows' numbers.
fn move_rows<'g>(
    optimizer: &Optimizer,
    kept: Kept<'_, 'g>,
    (values, numbers): (Tensor<'g>, Tensor<'g>),
    rate: Tensor<'g>,
    step: Tensor<'g>,
) {
    let (graph, table) = (kept.at.graph(), kept.parameter);
    let count = numbers.elements();
    let numbers = numbers.reshape([count]);
    let sizes = [&[count], &table.shape().sizes()[1..]].concat();
    // Each row's gradient is summed up at the last place where the row is looked up; the others read
    // it there, and move the row by as much: what is written twice is the same.
    let places = graph.constant(DType::I64, 0.0).broadcast_to([table.dim(0)]);
    let last = places.scatter(numbers, graph.iota([count], 0)).gather(numbers);
    let gradient = values.reshape(sizes).scatter_add(last, count).gather(last);
    let rows = table.gather(numbers);
    let path = kept.path;
    let kept = Kept { rows: Some(numbers), ..kept };
    let move_by = optimizer.step_of(&kept, rows, gradient, rate, step);
    graph.assign(path, table.scatter(numbers, rows - move_by));
}

/// Whether a path fits a pattern, in which `*` stands for any letters, also for none.
pub(crate) fn fits(pattern: &str, path: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == path };
    let Some(left) = path.strip_prefix(start) else { return false };
    let begins = left.char_indices().map(|(at, _)| at).chain([left.len()]);
    begins.into_iter().any(|at| fits(rest, &left[at..]))
}

#[cfg(test)]
mod tests {
    use super::{Optimizer, fits};

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

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, path, expected) in [
            ("fc1/*", "fc1/weight", true),
            ("fc1/*", "fc10/weight", false),
            ("*/bias", "block1/fc2/bias", true),
            ("fc*/b*s", "fc2/bias", true),
            ("fc1/weight", "fc1/weight", true),
            ("fc1", "fc1/weight", false),
            ("*", "", true),
            ("**", "fc1", true),
            ("*a*", "β/α", false),
        ] {
            assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
        }
    }
}
