//! The named models, built from `nn` only.
//!
//! Parameters and running statistics of image models have torchvision's names (where it lacks the model,
//! timm's) with `/` for `.`: `layer1/0/conv1/weight`, so that published weights fit. Their counts are
//! the published ones.

mod alexnet;
mod autoencoder;
mod bert;
mod convnext;
mod gan;
mod googlenet;
mod gpt;
mod lenet;
mod mlp;
mod mobilenet;
mod named;
mod network;
mod parts;
mod recurrent;
mod resnet;
mod seq2seq;
mod sequences;
mod transformer;
mod vgg;
mod vit;
mod words;
mod xception;

pub use crate::nn::Positions;
pub use autoencoder::Autoencoder;
pub use bert::{Bert, BertHead};
pub use gan::Gan;
pub use gpt::Gpt;
pub use mlp::{Mlp, Normalize};
pub use named::{
    Alignment, Choices, FAMILIES, Family, Likelihood, Member, Named, Published, Sizes, Takes,
    Training, Wanted,
};
pub use network::{Layer, LayerKind, LayerProblem, Network};
pub use recurrent::{Attention, Cell, Convolution, FromLast, Places, Recurrent, Tokens};
pub use seq2seq::Seq2Seq;
pub use transformer::Transformer;
pub(crate) use words::ITS_OWN_WAY;
