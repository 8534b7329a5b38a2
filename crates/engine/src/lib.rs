//! The engine of Glassbox: record a graph, differentiate it, plan it, run it.
#![deny(unsafe_code)]

pub mod graph;
pub mod op;

pub mod random;

mod array;
mod error;
mod grad;
mod plan;
mod run;

// What the session will call; nothing does yet.
#[allow(dead_code, unused_imports)]
pub(crate) mod run;

pub use array::{Array, Data, Parameters};
pub use error::Error;
pub use grad::grad;
pub use graph::{
    DType, Diagnostic, Diagnostics, Graph, Initial, Kind, Mode, Role, Scope, Shape, Tensor, Value,
    record,
};
pub use op::{Distribution, Op};
pub use plan::Plan;
pub use run::reference;
