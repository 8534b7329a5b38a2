use crate::words::words;

words! {
    /// How weights are drawn before the first step.
    Initial {
        /// Normal with variance 2 / inputs (He et al. 2015), for relu and softplus.
        He = "he",
        /// Uniform with variance 2 / (inputs + outputs) (Glorot and Bengio 2010).
        Xavier = "xavier",
        /// Normal with variance 1 / inputs (LeCun et al. 1998).
        Lecun = "lecun",
        /// Standard normal.
        Normal = "normal",
        /// Uniform in [-1, 1).
        Uniform = "uniform",
        /// All zero.
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
        use glassbox_engine::Initial::{Constant, Normal, Uniform};
        let (n, m) = (inputs.max(1) as f64, outputs as f64);
        match self {
            Initial::He => Normal { mean: 0.0, deviation: (2.0 / n).sqrt() },
            Initial::Xavier => {
                let bound = (6.0 / (n + m)).sqrt();
                Uniform { low: -bound, high: bound }
            }
            Initial::Lecun => Normal { mean: 0.0, deviation: (1.0 / n).sqrt() },
            Initial::Normal => Normal { mean: 0.0, deviation: 1.0 },
            Initial::Uniform => Uniform { low: -1.0, high: 1.0 },
            Initial::Zeros => Constant(0.0),
        }
    }
}
