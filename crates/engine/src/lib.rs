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

pub use array::{Array, Data, Parameters};
pub use error::Error;
pub use grad::grad;
pub use graph::{
    DType, Diagnostic, Diagnostics, Graph, Initial, Kind, Mode, Role, Scope, Shape, Tensor, Value,
    record,
};
pub use op::{Distribution, Op};
pub use plan::Plan;
pub use run::buffer::{Buffer, Host};
pub use run::isa::Isa;
pub use run::reference;
pub use run::session::{Options, Prepared, Session};
