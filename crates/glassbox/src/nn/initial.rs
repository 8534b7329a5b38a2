use crate::choices::choices;

choices! {
    /// How weights are drawn before the first step.
    Initial {
        /// Normal with variance 2 / inputs (He et al. 2015), for relu and its kin.
        He = "he",
        /// Normal with variance 2 / outputs, which keeps gradients as large as they were (He et al. 2015,
        /// section 2.2), as convolutions of published residual networks are drawn.
        HeOut = "he_out",
        /// Uniform with variance 2 / inputs (He et al. 2015).
        HeUniform = "he_uniform",
        /// Uniform with variance 2 / (inputs + outputs) (Glorot and Bengio 2010).
        Xavier = "xavier",
        /// Normal with variance 2 / (inputs + outputs) (Glorot and Bengio 2010).
        XavierNormal = "xavier_normal",
        /// Normal with variance 1 / inputs (LeCun et al. 1998).
        Lecun = "lecun",
        /// Uniform with variance 1 / inputs (LeCun et al. 1998).
        LecunUniform = "lecun_uniform",
        /// Uniform in ±1 / √inputs, biases too, as PyTorch's layers are unless told otherwise.
        Pytorch = "pytorch",
        /// Normal with mean 0.
        Normal = "normal" {
            /// Standard deviation.
            deviation: positive = 1.0,
        },
        /// Uniform in −bound..bound.
        Uniform = "uniform" {
            /// The largest size.
            bound: positive = 1.0,
        },
        /// Rows or columns, whichever are fewer, at right angles to each other: lengths stay what they
        /// were on the way through, however often (Saxe et al. 2014).
        Orthogonal = "orthogonal" {
            /// The length of each of them.
            gain: positive = 1.0,
        },
        /// All the same: units of a layer stay copies of each other.
        Constant = "constant" {
            /// The number.
            value: any = 0.1,
        },
        /// All zero: units of a layer stay copies of each other.
        Zeros = "zeros",
    }
}

impl Initial {
    /// The distribution of the weights of a unit with `inputs` inputs in a layer of `outputs`.
    ///
    /// ```
    /// use glassbox::nn::Initial;
    /// use glassbox::engine;
    /// let he = Initial::He.weights(8, 3);
    /// assert_eq!(he, engine::Initial::Normal { mean: 0.0, deviation: 0.5 }); // √(2 / 8)
    /// ```
    pub fn weights(self, inputs: usize, outputs: usize) -> glassbox_engine::Initial {
        use glassbox_engine::Initial::{Constant, Normal, Orthogonal, Uniform};
        let (n, m) = (inputs.max(1) as f64, outputs as f64);
        let normal = |variance: f64| Normal { mean: 0.0, deviation: variance.sqrt() };
        let uniform = |variance: f64| {
            let bound = (3.0 * variance).sqrt();
            Uniform { low: -bound, high: bound }
        };
        match self {
            Initial::He => normal(2.0 / n),
            Initial::HeOut => normal(2.0 / m.max(1.0)),
            Initial::HeUniform => uniform(2.0 / n),
            Initial::Xavier => uniform(2.0 / (n + m)),
            Initial::XavierNormal => normal(2.0 / (n + m)),
            Initial::Lecun => normal(1.0 / n),
            Initial::LecunUniform => uniform(1.0 / n),
            Initial::Pytorch => uniform((3.0 * n).recip()),
            Initial::Normal { deviation } => Normal { mean: 0.0, deviation },
            Initial::Uniform { bound } => Uniform { low: -bound, high: bound },
            Initial::Orthogonal { gain } => Orthogonal { gain },
            Initial::Constant { value } => Constant(value),
            Initial::Zeros => Constant(0.0),
        }
    }

    /// The distribution of the bias of a unit with `inputs` inputs: 0, but for [`Initial::Pytorch`].
    pub fn bias(self, inputs: usize) -> glassbox_engine::Initial {
        match self {
            Initial::Pytorch => self.weights(inputs, 1),
            _ => 0.0.into(),
        }
    }

    /// Whether nothing is drawn: every weight starts with the same number.
    pub fn is_constant(self) -> bool {
        matches!(self, Initial::Constant { .. } | Initial::Zeros)
    }
}
