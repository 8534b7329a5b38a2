//! The named models, built from `nn` only.

mod mlp;

pub use mlp::Mlp;
