use glassbox_engine::{DType, Scope, Tensor};

use crate::nn::Objective;

/// A loss of one's own: from the scope, the prediction and the target of a batch to a scalar.
pub type OwnLoss = for<'g> fn(Scope<'g>, Tensor<'g>, Tensor<'g>) -> Tensor<'g>;

/// What training makes small.
///
/// Most are the negative log-likelihood, up to a constant, of a distribution that the model's results
/// are the parameters of: to make the loss small is to make the observed targets likely.
#[derive(Clone, Copy, Debug)]
pub enum Loss {
    /// −ln of the probability that softmax gives to the observed class, the mean over rows: the
    /// negative log-likelihood of a categorical distribution.
    CrossEntropy,
    /// −ln of the probability that the sigmoid of a raw score gives to what was observed, 0 or 1; the
    /// mean over rows and outputs: the negative log-likelihood of Bernoulli distributions.
    BinaryCrossEntropy,
    /// (observed − predicted)², the mean over rows and outputs: the negative log-likelihood of a
    /// Gaussian of fixed variance.
    SquaredError,
    /// (observed − predicted)², summed: the textbook's sum of squared residuals.
    SumOfSquares,
    /// |observed − predicted|, the mean over rows and outputs: the negative log-likelihood of a
    /// Laplace distribution of fixed width. Its best single guess is the median. The slope at 0 is 0.
    AbsoluteError,
    /// Half the squared error where it is at most `delta` apart, beyond that a straight line of slope
    /// `delta`; the mean over rows and outputs (Huber 1964): outliers pull no harder than `delta`.
    Huber {
        /// Where the line begins, above 0.
        delta: f64,
    },
    /// The negative log-likelihood of a Gaussian whose mean and variance the model both gives:
    /// ½ (ln 2π + s + (observed − μ)² e⁻ˢ), the mean over rows. Predictions are `[rows, 2]`: μ, and
    /// s = ln σ² (Nix and Weigend 1994).
    GaussianNll,
    /// One's own function of prediction and target, which gives a scalar; taken as a mean over rows.
    /// It captures nothing: its numbers are constants of its code.
    Own(OwnLoss),
    /// What a model that learns the rows themselves records ([`Generative`](crate::nn::Generative)).
    OfModel(&'static Measures),
}

/// The loss of a row (first) where it is taken for the mean of the training rows (second).
pub type LossOfMean = fn(&[f32], &[f64]) -> f64;

/// What a model that learns the rows themselves measures of each of them.
#[derive(Debug)]
pub struct Measures {
    /// The names of the figures, the loss first.
    pub names: &'static [&'static str],
    /// The loss of a row (first) for whoever always answers with the mean of the training rows (second);
    /// none where nobody can.
    pub guess: Option<LossOfMean>,
    /// Whether parts of the model work against each other, so that no loss tells how good it is: training
    /// ends with its last step, and no verdict is given.
    pub adversarial: bool,
}

/// Of a model that is not known.
pub(crate) static NOTHING: Measures =
    Measures { names: &["loss"], guess: None, adversarial: false };

impl PartialEq for Loss {
    /// Same kind and settings; two functions of one's own never count as the same.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Loss::Huber { delta: a }, Loss::Huber { delta: b }) => a == b,
            (Loss::Own(_), _) => false,
            (Loss::OfModel(a), Loss::OfModel(b)) => a.names == b.names,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl Loss {
    /// Whether it belongs to a model whose parts work against each other, so that it does not tell how good
    /// the model is.
    pub fn is_adversarial(self) -> bool {
        matches!(self, Loss::OfModel(measures) if measures.adversarial)
    }

    /// How it is written on a board.
    pub fn symbol(self) -> &'static str {
        match self {
            Loss::CrossEntropy => "CE",
            Loss::BinaryCrossEntropy => "BCE",
            Loss::SquaredError => "MSE",
            Loss::SumOfSquares => "SSR",
            Loss::AbsoluteError => "MAE",
            Loss::Huber { .. } => "Huber",
            Loss::GaussianNll => "NLL",
            Loss::Own(_) => "loss",
            Loss::OfModel(_) => "L",
        }
    }

    /// The type of the targets that it takes: labels (i64) `[rows]`, or numbers (f32)
    /// `[rows, outputs]`. One's own takes what the data has.
    pub fn target_type(self) -> DType {
        match self {
            Loss::CrossEntropy | Loss::BinaryCrossEntropy => DType::I64,
            _ => DType::F32,
        }
    }

    /// Whether it is a sum over rows, which grows with their number, and not a mean.
    pub fn is_sum(self) -> bool {
        matches!(self, Loss::SumOfSquares)
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
        Objective::from(self).record(at, prediction, target, None).loss
    }

    /// As [`of`](Self::of), with a weight for each row, f32 `[rows]`: Σ weight · loss / Σ weight (a sum
    /// stays undivided).
    ///
    /// ```
    /// use glassbox::engine::{DType, Graph, Mode};
    /// use glassbox::nn::Loss;
    /// let graph = Graph::new();
    /// let [y, told] = ["y", "told"].map(|name| graph.input(name, DType::F32, [8, 1]));
    /// let weights = graph.input("weights", DType::F32, [8]);
    /// Loss::AbsoluteError.weighted(graph.root(Mode::Train).child("loss"), y, told, weights);
    /// assert!(graph.check().is_ok());
    /// ```
    #[track_caller]
    pub fn weighted<'g>(
        self,
        at: Scope<'g>,
        prediction: Tensor<'g>,
        target: Tensor<'g>,
        weights: Tensor<'g>,
    ) -> Tensor<'g> {
        Objective::from(self).record(at, prediction, target, Some(weights)).loss
    }
}
