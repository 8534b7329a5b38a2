//! The named models, built from `nn` only.

mod mlp;
mod network;

pub use mlp::{Mlp, Normalize};
pub use network::{Layer, LayerKind, LayerProblem, Network};
