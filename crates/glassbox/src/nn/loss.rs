use glassbox_engine::{DType, Scope, Tensor};

use crate::nn::log_softmax;

/// What training makes small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// −ln of the probability that softmax gives to the observed class, the mean over rows: the
    /// negative log-likelihood of a categorical distribution.
    CrossEntropy,
    /// (observed − predicted)², the mean over rows and outputs: up to constants the negative
    /// log-likelihood of a Gaussian.
    SquaredError,
    /// (observed − predicted)², summed: the textbook's sum of squared residuals.
    SumOfSquares,
}

impl Loss {
    /// How it is written on a board.
    pub fn symbol(self) -> &'static str {
        match self {
            Loss::CrossEntropy => "CE",
            Loss::SquaredError => "MSE",
            Loss::SumOfSquares => "SSR",
        }
    }

    /// Its slope with respect to a prediction, in words.
    pub fn slope_in_words(self) -> &'static str {
        match self {
            Loss::CrossEntropy => "(p − observed)/rows",
            Loss::SquaredError => "−2(obs − pred)/n",
            Loss::SumOfSquares => "−2(obs − pred)",
        }
    }

    /// The type of the targets that it takes: labels (i64) `[rows]`, or numbers (f32)
    /// `[rows, outputs]`.
    pub fn target_type(self) -> DType {
        match self {
            Loss::CrossEntropy => DType::I64,
            Loss::SquaredError | Loss::SumOfSquares => DType::F32,
        }
    }

    /// The loss of a batch, a scalar.
    ///
    /// `prediction` is `[rows, classes]` of raw scores or `[rows, outputs]` of numbers, `target` as
    /// [`target_type`](Self::target_type) says; a target for another number of rows or outputs is a
    /// mistake, never repeated to fit.
    ///
    /// ```
    /// use glassbox::engine::{grad, DType, Graph, Mode};
    /// use glassbox::nn::Loss;
    /// let graph = Graph::new();
    /// let scores = graph.input("scores", DType::F32, [8, 3]);
    /// let labels = graph.input("labels", DType::I64, [8]);
    /// let loss = Loss::CrossEntropy.of(graph.root(Mode::Train).child("loss"), scores, labels);
    /// assert_eq!(grad(loss, &[scores])[0].shape(), scores.shape());
    /// assert!(graph.check().is_ok());
    /// ```
    #[track_caller]
    pub fn of<'g>(self, at: Scope<'g>, prediction: Tensor<'g>, target: Tensor<'g>) -> Tensor<'g> {
        let _inside = at.enter();
        match self {
            Loss::CrossEntropy => cross_entropy(prediction, target),
            Loss::SquaredError => residual(target, prediction).square().mean(),
            Loss::SumOfSquares => residual(target, prediction).square().sum(),
        }
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

/// Observed − predicted. Broadcasting must not pair every row with every target, as it would do with
/// `[rows] − [rows, 1]`, nor repeat a target: numbers that are as many as wanted, but for axes of size
/// 1, take the prediction's shape; too few or too many are a mistake.
#[track_caller]
fn residual<'g>(target: Tensor<'g>, prediction: Tensor<'g>) -> Tensor<'g> {
    let long = |t: Tensor<'g>| -> Vec<usize> {
        t.shape().sizes().iter().copied().filter(|&size| size != 1).collect()
    };
    let other_order =
        target.elements() == prediction.elements() && long(target) != long(prediction);
    // Of another order, the difference itself is the mistake.
    let target = if other_order { target } else { target.reshape(prediction.shape()) };
    target - prediction
}
