//! The engine of Glassbox: record a graph, differentiate it, plan it, run it.
#![deny(unsafe_code)]

pub mod graph;

pub mod random;

mod array;

// What the session will call; nothing does yet.
#[allow(dead_code, unused_imports)]
pub(crate) mod run;

pub use array::{Array, Data, Parameters};
pub use graph::{DType, Shape};
