use glassbox_engine::Tensor;

use crate::choices::choices;
use crate::nn::Initial;

choices! {
    /// What a hidden unit makes of its weighted sum.
    ///
    /// ```
    /// use glassbox::nn::Activation;
    /// assert_eq!(Activation::from_word("leaky_relu"), Some(Activation::LeakyRelu { slope: 0.01 }));
    /// ```
    Activation {
        /// max(0, x); its slope at 0 is chosen to be 0.
        Relu = "relu",
        /// max(0, min(x, 6)), of networks for phones; its slope at 0 and at 6 is chosen to be 0.
        Relu6 = "relu6",
        /// tanh x
        Tanh = "tanh",
        /// 1 / (1 + e⁻ˣ)
        Sigmoid = "sigmoid",
        /// ln(1 + eˣ)
        Softplus = "softplus",
        /// x, and slope · x where x ≤ 0 (Maas, Hannun and Ng 2013).
        LeakyRelu = "leaky_relu" {
            /// The slope for numbers that are not positive.
            slope: any = 0.01,
        },
        /// x, and α (eˣ − 1) where x ≤ 0 (Clevert, Unterthiner and Hochreiter 2016).
        Elu = "elu" {
            /// What it comes to far to the left, negated.
            alpha: not_negative = 1.0,
        },
        /// λ x, and λ α (eˣ − 1) where x ≤ 0, with the λ and α that keep mean 0 and variance 1 from
        /// layer to layer (Klambauer et al. 2017).
        Selu = "selu",
        /// x · Φ(x), Φ being the standard normal's distribution function (Hendrycks and Gimpel 2016).
        Gelu = "gelu" {
            /// Whether Φ is approximated by tanh, as in GPT-2 and BERT.
            approximate: flag = false,
        },
        /// x / (1 + e⁻ˣ), also called swish (Elfwing, Uchibe and Doya 2018).
        Silu = "silu",
        /// 1 where x > 0, else 0: the perceptron's threshold. Its slope is 0 everywhere, so nothing
        /// before it learns by gradient.
        Step = "step",
        /// x
        Identity = "identity",
    }
}

impl Activation {
    /// How weights into such units are best drawn: He's way for relu and its kin, LeCun's for selu
    /// (which its constants were derived for), Xavier's for the others.
    pub fn initial(self) -> Initial {
        match self {
            Activation::Relu
            | Activation::Relu6
            | Activation::Softplus
            | Activation::LeakyRelu { .. }
            | Activation::Elu { .. }
            | Activation::Gelu { .. }
            | Activation::Silu => Initial::He,
            Activation::Selu => Initial::Lecun,
            Activation::Tanh | Activation::Sigmoid | Activation::Step | Activation::Identity => {
                Initial::Xavier
            }
        }
    }

    /// The activation of each element.
    #[track_caller]
    pub fn of(self, x: Tensor<'_>) -> Tensor<'_> {
        match self {
            Activation::Relu => x.relu(),
            Activation::Relu6 => x.less(x.full_like(6.0)).select(x.relu(), x.full_like(6.0)),
            Activation::Tanh => x.tanh(),
            Activation::Sigmoid => x.sigmoid(),
            Activation::Softplus => x.softplus(),
            Activation::LeakyRelu { slope } => positive(x).select(x, x * slope),
            Activation::Elu { alpha } => positive(x).select(x, below_zero(x) * alpha),
            Activation::Selu => {
                const ALPHA: f64 = 1.673_263_242_354_377_2;
                const LAMBDA: f64 = 1.050_700_987_355_480_5;
                positive(x).select(x, below_zero(x) * ALPHA) * LAMBDA
            }
            Activation::Gelu { approximate: false } => {
                x * ((x * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0) * 0.5
            }
            Activation::Gelu { approximate: true } => {
                let root = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;
                x * (((x + x * x.square() * 0.044715) * root).tanh() + 1.0) * 0.5
            }
            Activation::Silu => x * x.sigmoid(),
            Activation::Step => positive(x).select(x.full_like(1.0), x.full_like(0.0)),
            Activation::Identity => x,
        }
    }
}

/// Where x > 0.
#[track_caller]
fn positive(x: Tensor<'_>) -> Tensor<'_> {
    x.greater(x.full_like(0.0))
}

/// eˣ − 1 where x ≤ 0, else 0: the part that is not used must not overflow, or 0 · ∞ reaches the
/// gradient.
#[track_caller]
fn below_zero(x: Tensor<'_>) -> Tensor<'_> {
    positive(x).select(x.full_like(0.0), x).expm1()
}
