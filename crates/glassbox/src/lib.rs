//! Glassbox: a deep-learning system you can see through.
#![forbid(unsafe_code)]

/// What computes: graph, differentiation, plans and sessions.
pub use glassbox_engine as engine;

pub mod data;
pub mod generate;
pub mod io;
pub mod lesson;
pub mod metrics;
pub mod nearest;
pub mod nn;
pub mod practice;
pub mod prelude;
pub mod report;
pub mod train;
pub mod watch;
pub mod word2vec;
pub mod zoo;

mod choices;
mod error;
mod words;

pub use error::Error;
pub use train::{Filler, Latent, Model, Translator, Writer};

#[doc = include_str!("../../../README.md")]
#[cfg(doctest)]
struct Readme;

#[doc = include_str!("../../../docs/extending.md")]
#[cfg(doctest)]
struct Extending;
