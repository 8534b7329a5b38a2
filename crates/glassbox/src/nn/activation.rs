use glassbox_engine::Tensor;

use crate::nn::Initial;
use crate::words::words;

words! {
    /// What a hidden unit makes of its weighted sum.
    Activation {
        /// max(0, x)
        Relu = "relu",
        /// tanh x
        Tanh = "tanh",
        /// 1 / (1 + e⁻ˣ)
        Sigmoid = "sigmoid",
        /// ln(1 + eˣ)
        Softplus = "softplus",
        /// x
        Identity = "identity",
    }
}

impl Activation {
    /// How weights into such units are best drawn: He's way for relu and softplus, Xavier's for the
    /// others.
    pub fn initial(self) -> Initial {
        match self {
            Activation::Relu | Activation::Softplus => Initial::He,
            Activation::Tanh | Activation::Sigmoid | Activation::Identity => Initial::Xavier,
        }
    }

    /// The activation of each element.
    #[track_caller]
    pub fn of(self, x: Tensor<'_>) -> Tensor<'_> {
        match self {
            Activation::Relu => x.relu(),
            Activation::Tanh => x.tanh(),
            Activation::Sigmoid => x.sigmoid(),
            Activation::Softplus => x.softplus(),
            Activation::Identity => x,
        }
    }
}
