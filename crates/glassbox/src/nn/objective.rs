use glassbox_engine::{Scope, Tensor};

use crate::nn::{Loss, log_softmax};

/// A loss and how its classes count: what a training step makes small.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{Loss, Objective};
/// let graph = Graph::new();
/// let scores = graph.input("scores", DType::F32, [8, 3]);
/// let labels = graph.input("labels", DType::I64, [8]);
/// let objective = Objective {
///     label_smoothing: 0.1,
///     class_weights: vec![1.0, 1.0, 5.0],
///     ..Objective::from(Loss::CrossEntropy)
/// };
/// objective.record(graph.root(Mode::Train).child("loss"), scores, labels, None);
/// assert!(graph.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// The loss.
    pub loss: Loss,
    /// The share of each row's target that is spread evenly over all classes, in [0, 1) (Szegedy et
    /// al. 2016). Of the cross entropies alone.
    pub label_smoothing: f64,
    /// A weight for each class, or none: a row counts as its class says, and the mean is divided by
    /// the sum of the weights. Of the cross entropies alone.
    pub class_weights: Vec<f64>,
}

/// A recorded loss.
#[derive(Clone, Copy)]
pub struct Recorded<'g> {
    /// The loss of the batch, a scalar.
    pub loss: Tensor<'g>,
    /// What it was divided by: batches that are put together count by it.
    pub divisor: Divisor<'g>,
}

/// What a loss was divided by.
#[derive(Clone, Copy)]
pub enum Divisor<'g> {
    /// Nothing: it is a sum.
    Nothing,
    /// The number of rows.
    Rows(usize),
    /// The sum of weights, a scalar.
    Weights(Tensor<'g>),
}

impl From<Loss> for Objective {
    fn from(loss: Loss) -> Self {
        Objective { loss, label_smoothing: 0.0, class_weights: Vec::new() }
    }
}

/// The loss of each row `[rows, 1]`, times its weight if there are weights; and these.
struct Rowwise<'g> {
    losses: Tensor<'g>,
    weights: Option<Tensor<'g>>,
}

impl<'g> Rowwise<'g> {
    #[track_caller]
    fn new(losses: Tensor<'g>, weights: Option<Tensor<'g>>) -> Self {
        Rowwise { losses: weights.map_or(losses, |w| losses * w), weights }
    }
}

impl Objective {
    /// Its slope with respect to a prediction, in words: of a model that gives `outputs` numbers a row,
    /// `output` being the prediction's; `weighted` says whether rows have weights of their own. w is
    /// the weight of a row, n the number of rows.
    ///
    /// ```
    /// use glassbox::nn::{Loss, Objective};
    /// assert_eq!(Objective::from(Loss::SquaredError).slope_in_words((0, 1), false), "−2(obs − pred)/n");
    /// assert_eq!(
    ///     Objective::from(Loss::SquaredError).slope_in_words((1, 2), true),
    ///     "−2w(obs − pred)/(2Σw)"
    /// );
    /// ```
    pub fn slope_in_words(&self, (output, outputs): (usize, usize), weighted: bool) -> String {
        let weighted = weighted || !self.class_weights.is_empty();
        let w = if weighted { "w" } else { "" };
        let n = if weighted { "Σw" } else { "n" };
        let over = match outputs {
            0 | 1 => n.to_string(),
            outputs => format!("({outputs}{n})"),
        };
        let observed = if self.label_smoothing > 0.0 { "smoothed" } else { "observed" };
        match self.loss {
            // Each class's part of what is smoothed counts by its own weight.
            Loss::CrossEntropy if !self.class_weights.is_empty() && self.label_smoothing > 0.0 => {
                "dCE/dpred".to_string()
            }
            Loss::CrossEntropy => format!("{w}(p − {observed})/{n}"),
            Loss::BinaryCrossEntropy => format!("{w}(p − {observed})/{over}"),
            Loss::SquaredError => format!("−2{w}(obs − pred)/{over}"),
            Loss::SumOfSquares => format!("−2{w}(obs − pred)"),
            Loss::AbsoluteError => {
                format!("−{w}{}sign(obs − pred)/{over}", if weighted { "·" } else { "" })
            }
            Loss::Huber { .. } => {
                format!("−{w}{}clip(obs − pred, ±δ)/{over}", if weighted { "·" } else { "" })
            }
            Loss::GaussianNll if output == 0 => format!("−{w}(obs − μ)/(σ²{n})"),
            Loss::GaussianNll => format!("{w}(1 − (obs − μ)²/σ²)/(2{n})"),
            Loss::Own(_) | Loss::OfModel(_) => "dloss/dpred".to_string(),
        }
    }

    /// Records the loss of a batch as [`Loss::of`] says; `weights`, f32 `[rows]`, are those of rows.
    #[track_caller]
    pub fn record<'g>(
        &self,
        at: Scope<'g>,
        prediction: Tensor<'g>,
        target: Tensor<'g>,
        weights: Option<Tensor<'g>>,
    ) -> Recorded<'g> {
        let _inside = at.enter();
        let rows = prediction.dim(0);
        let plain = weights.is_none() && self.class_weights.is_empty();
        let mean = |loss| Recorded { loss, divisor: Divisor::Rows(rows) };
        let weights = weights.map(|w| w.cast(prediction.dtype()).reshape([rows, 1]));
        let rowwise = match self.loss {
            Loss::Own(function) => return mean(function(at, prediction, target)),
            // Models record it themselves.
            Loss::OfModel(_) => return mean(prediction.mean()),
            Loss::CrossEntropy if plain && self.label_smoothing == 0.0 => {
                return mean(cross_entropy(prediction, target));
            }
            Loss::SquaredError if plain => {
                return mean(residual(target, prediction).square().mean());
            }
            Loss::SumOfSquares => {
                let squares = residual(target, prediction).square();
                let weighed = weights.map_or(squares, |w| by_row(squares, rows) * w);
                return Recorded { loss: weighed.sum(), divisor: Divisor::Nothing };
            }
            Loss::CrossEntropy => self.smoothed_entropy(prediction, target, weights),
            Loss::BinaryCrossEntropy => self.binary_entropy(prediction, target, weights),
            Loss::SquaredError => {
                let losses = residual(target, prediction).square();
                Rowwise::new(mean_of_row(losses, rows), weights)
            }
            Loss::AbsoluteError => {
                let losses = residual(target, prediction).abs();
                Rowwise::new(mean_of_row(losses, rows), weights)
            }
            Loss::Huber { delta } => {
                let losses = huber(residual(target, prediction), delta);
                Rowwise::new(mean_of_row(losses, rows), weights)
            }
            Loss::GaussianNll => Rowwise::new(gaussian(prediction, target), weights),
        };
        let Rowwise { losses, weights } = rowwise;
        match weights {
            None => mean(losses.sum() * (1.0 / rows.max(1) as f64)),
            Some(weights) => {
                let divisor = weights.sum();
                let loss = losses.sum() / divisor;
                Recorded { loss, divisor: Divisor::Weights(divisor) }
            }
        }
    }

    /// PyTorch's `CrossEntropyLoss(weight, label_smoothing)`: the smoothed part of a row counts every
    /// class by its own weight, and what it is divided by are the weights of the observed classes.
    #[track_caller]
    fn smoothed_entropy<'g>(
        &self,
        scores: Tensor<'g>,
        labels: Tensor<'g>,
        weights: Option<Tensor<'g>>,
    ) -> Rowwise<'g> {
        let rows = scores.dim(0);
        let classes = scores.dim(-1);
        let (scores, labels) = (scores.reshape([rows, classes]), labels.reshape([rows, 1]));
        let log_p = log_softmax(scores);
        let zero = log_p.full_like(0.0);
        let observed = scores.graph().iota([classes], 0).equal(labels);
        let chosen = -observed.select(log_p, zero).sum_axis(-1);
        let smoothing = self.label_smoothing;
        let class_weights = self.class_weights_of(scores, classes);
        let smooth = |of: Tensor<'g>| of.sum_axis(-1) * (-smoothing / classes.max(1) as f64);
        let Some(by_class) = class_weights else {
            let losses = match smoothing > 0.0 {
                true => chosen * (1.0 - smoothing) + smooth(log_p),
                false => chosen,
            };
            return Rowwise::new(losses, weights);
        };
        let of_row = observed.select(by_class.broadcast_to(log_p.shape()), zero).sum_axis(-1);
        let chosen = chosen * of_row;
        let losses = match smoothing > 0.0 {
            true => chosen * (1.0 - smoothing) + smooth(log_p * by_class),
            false => chosen,
        };
        match weights {
            Some(w) => Rowwise { losses: losses * w, weights: Some(of_row * w) },
            None => Rowwise { losses, weights: Some(of_row) },
        }
    }

    /// softplus(s) − s · t is −ln σ(s) for t = 1 and −ln(1 − σ(s)) for t = 0, without overflow.
    #[track_caller]
    fn binary_entropy<'g>(
        &self,
        scores: Tensor<'g>,
        target: Tensor<'g>,
        weights: Option<Tensor<'g>>,
    ) -> Rowwise<'g> {
        let rows = scores.dim(0);
        let target = like(target.cast(scores.dtype()), scores);
        let smooth = match self.label_smoothing {
            0.0 => target,
            share => target * (1.0 - share) + share / 2.0,
        };
        let losses = mean_of_row(scores.softplus() - scores * smooth, rows);
        let weights = match self.class_weights[..] {
            [none, one] => {
                let of_row = mean_of_row(target * (one - none) + none, rows);
                Some(weights.map_or(of_row, |w| of_row * w))
            }
            _ => weights,
        };
        Rowwise::new(losses, weights)
    }

    /// The class weights as a tensor `[classes]`.
    #[track_caller]
    fn class_weights_of<'g>(&self, like: Tensor<'g>, classes: usize) -> Option<Tensor<'g>> {
        let mut each = self.class_weights.iter().map(|&w| like.scalar(w).reshape([1]));
        let first = each.next()?;
        let others: Vec<Tensor<'g>> = each.collect();
        let all = if others.is_empty() { first } else { first.concatenate(&others, 0) };
        // Another number of weights than of classes is a mistake here, with the line that asked.
        Some(all.reshape([classes]))
    }
}

#[track_caller]
fn cross_entropy<'g>(scores: Tensor<'g>, labels: Tensor<'g>) -> Tensor<'g> {
    let rows = scores.dim(0);
    // No-ops for what is documented; else mistakes, where broadcasting would go on with wrong rows.
    let (scores, labels) = (scores.reshape([rows, scores.dim(-1)]), labels.reshape([rows, 1]));
    let log_p = log_softmax(scores);
    let classes = scores.graph().iota([scores.dim(-1)], 0);
    let observed = classes.equal(labels);
    let chosen = observed.select(log_p, log_p.full_like(0.0)).sum_axis(-1);
    -chosen.sum() * (1.0 / rows.max(1) as f64)
}

#[track_caller]
fn huber(residual: Tensor<'_>, delta: f64) -> Tensor<'_> {
    let size = residual.abs();
    let line = (size - delta * 0.5) * delta;
    size.less_equal(size.full_like(delta)).select(residual.square() * 0.5, line)
}

#[track_caller]
fn gaussian<'g>(prediction: Tensor<'g>, target: Tensor<'g>) -> Tensor<'g> {
    let rows = prediction.dim(0);
    // Another width than two is a mistake here.
    let both = prediction.reshape([rows, 2]);
    let (mean, log_variance) = (both.slice(1, 0..1), both.slice(1, 1..2));
    let squares = residual(target, mean).square();
    (log_variance + squares * (-log_variance).exp() + std::f64::consts::TAU.ln()) * 0.5
}

/// Observed − predicted.
#[track_caller]
fn residual<'g>(target: Tensor<'g>, prediction: Tensor<'g>) -> Tensor<'g> {
    like(target, prediction) - prediction
}

/// A target in the prediction's shape. Broadcasting must not pair every row with every target, as it
/// would do with `[rows] − [rows, 1]`, nor repeat a target: numbers that are as many as wanted, but for
/// axes of size 1, take the prediction's shape; too few or too many are a mistake.
#[track_caller]
fn like<'g>(target: Tensor<'g>, prediction: Tensor<'g>) -> Tensor<'g> {
    let long = |t: Tensor<'g>| -> Vec<usize> {
        t.shape().sizes().iter().copied().filter(|&size| size != 1).collect()
    };
    let other_order =
        target.elements() == prediction.elements() && long(target) != long(prediction);
    // Of another order, the sum or difference that follows is the mistake.
    if other_order { target } else { target.reshape(prediction.shape()) }
}

/// `[rows, …]` as `[rows, outputs]`.
#[track_caller]
fn by_row(x: Tensor<'_>, rows: usize) -> Tensor<'_> {
    x.reshape([rows, x.elements() / rows.max(1)])
}

/// The mean over each row's outputs, `[rows, 1]`.
#[track_caller]
fn mean_of_row(x: Tensor<'_>, rows: usize) -> Tensor<'_> {
    by_row(x, rows).mean_axis(-1)
}
