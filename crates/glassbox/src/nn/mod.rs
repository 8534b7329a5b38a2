//! What networks are made of: layers, activations, losses, optimisers. Each is a function that
//! records; there is no backward code here.

mod activation;
mod attention;
mod clip;
mod conv;
mod decoding;
mod dropout;
mod embedding;
mod generative;
mod initial;
mod linear;
mod loss;
mod normalize;
mod objective;
mod optimizer;
mod penalty;
mod pool;
mod positions;
mod recurrent;
mod schedule;
mod softmax;
mod squeeze;

pub use activation::Activation;
pub use attention::{
    Mask, attention, attention_of_heads, join_heads, multi_head_attention, padding_mask,
    split_heads,
};
pub use clip::Clip;
pub use conv::{Conv, conv_transpose2d, conv1d, conv2d};
pub use decoding::{Decoder, Past};
pub(crate) use decoding::{last_place, real};
pub use dropout::{dropout, seed, step, stochastic_depth};
pub use embedding::{embedding, embedding_table};
pub use generative::{Coded, Generative, Learn, Measured, Seen, divergence, kept, normal};
pub use initial::Initial;
pub use linear::{linear, spectral_linear};
pub(crate) use loss::NOTHING;
pub use loss::{Loss, LossOfMean, Measures, OwnLoss};
pub use normalize::{
    batch_norm, batch_norm_with, group_norm, layer_norm, layer_norm_with, rms_norm, spectral_norm,
};
pub use objective::{Divisor, Objective, Recorded};
pub(crate) use optimizer::fits;
pub use optimizer::{Chosen, Optimizer, Optimizers};
pub use penalty::penalty;
pub use pool::{adaptive_average_pool2d, average_pool2d, global_average_pool, max_pool2d};
pub use positions::{Positions, learned_positions, rotary, sinusoidal_positions};
pub use recurrent::{LstmCell, Recurrence, Recurrent, gru, lstm, rnn};
pub use schedule::{Plateau, Schedule, Span};
pub use softmax::{log_softmax, softmax};
pub use squeeze::squeeze_excite;

use glassbox_engine::{Scope, Tensor};

/// A model: plain data (its choices, no weights) that records itself.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode, Scope, Tensor};
/// use glassbox::nn::{self, Activation, Initial, Module};
///
/// struct TwoLayers { hidden: usize, classes: usize }
///
/// impl Module for TwoLayers {
///     fn name(&self) -> &str { "two-layers" }
///     fn forward<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
///         let h = nn::linear(at.child("fc1"), x, self.hidden, Initial::He).relu();
///         nn::linear(at.child("fc2"), h, self.classes, Initial::Xavier)
///     }
/// }
///
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [32, 4]);
/// let y = TwoLayers { hidden: 8, classes: 3 }.forward(graph.root(Mode::Eval), x);
/// assert_eq!(y.shape().sizes(), &[32, 3]);
/// ```
pub trait Module: Send + Sync {
    /// A short name, e.g. `mlp`.
    fn name(&self) -> &str;

    /// Records the model on a batch `[rows, …]`; gives `[rows, outputs]`: raw scores of classes, or
    /// numbers.
    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g>;

    /// What training records: the scores, and those of auxiliary heads, none unless a model says
    /// otherwise. The loss of each head is added to that of the scores, times its share; the model in use
    /// has no heads, so [`forward`](Self::forward) records none.
    ///
    /// ```
    /// use glassbox::engine::{DType, Graph, Mode, Scope, Tensor};
    /// use glassbox::nn::{self, Head, Initial, Module};
    ///
    /// struct Early { classes: usize }
    ///
    /// impl Early {
    ///     fn hidden<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
    ///         nn::linear(at.child("fc1"), x, 8, Initial::He).relu()
    ///     }
    ///     fn last<'g>(&self, at: Scope<'g>, h: Tensor<'g>) -> Tensor<'g> {
    ///         let h = nn::linear(at.child("fc2"), h, 8, Initial::He).relu();
    ///         nn::linear(at.child("fc3"), h, self.classes, Initial::Xavier)
    ///     }
    /// }
    ///
    /// impl Module for Early {
    ///     fn name(&self) -> &str { "early" }
    ///     fn forward<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
    ///         self.last(at, self.hidden(at, x))
    ///     }
    ///     fn forward_with_heads<'g>(
    ///         &self, at: Scope<'g>, x: Tensor<'g>,
    ///     ) -> (Tensor<'g>, Vec<Head<'g>>) {
    ///         let h = self.hidden(at, x);
    ///         let scores = nn::linear(at.child("early"), h, self.classes, Initial::Xavier);
    ///         (self.last(at, h), vec![Head { scores, share: 0.3 }])
    ///     }
    /// }
    ///
    /// let graph = Graph::new();
    /// let x = graph.input("x", DType::F32, [32, 4]);
    /// let (_, heads) = Early { classes: 3 }.forward_with_heads(graph.root(Mode::Train), x);
    /// assert_eq!(heads[0].scores.shape().sizes(), &[32, 3]);
    /// ```
    #[track_caller]
    fn forward_with_heads<'g>(
        &self,
        at: Scope<'g>,
        input: Tensor<'g>,
    ) -> (Tensor<'g>, Vec<Head<'g>>) {
        (self.forward(at, input), Vec::new())
    }

    /// The same model as one that writes token by token, where it is one.
    fn decoder(&self) -> Option<&dyn Decoder> {
        None
    }

    /// The same model as one that learns the rows themselves, where it is one.
    fn generative(&self) -> Option<&dyn Generative> {
        None
    }
}

/// Scores from the middle of a model that training listens to beside those of its end, so that what lies
/// before them is told more of the loss: an auxiliary classifier (Szegedy et al. 2015).
#[derive(Clone, Copy)]
pub struct Head<'g> {
    /// Of the shape of the model's scores.
    pub scores: Tensor<'g>,
    /// What its loss counts beside that of the model's scores.
    pub share: f64,
}

impl<M: Module + ?Sized> Module for Box<M> {
    fn name(&self) -> &str {
        (**self).name()
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g> {
        (**self).forward(at, input)
    }

    #[track_caller]
    fn forward_with_heads<'g>(
        &self,
        at: Scope<'g>,
        input: Tensor<'g>,
    ) -> (Tensor<'g>, Vec<Head<'g>>) {
        (**self).forward_with_heads(at, input)
    }

    fn decoder(&self) -> Option<&dyn Decoder> {
        (**self).decoder()
    }

    fn generative(&self) -> Option<&dyn Generative> {
        (**self).generative()
    }
}
