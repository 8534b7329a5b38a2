//! Glassbox: a deep-learning system you can see through.
#![forbid(unsafe_code)]

/// What computes: graph, differentiation, plans and sessions.
pub use glassbox_engine as engine;

pub mod data;

pub(crate) mod nearest;
