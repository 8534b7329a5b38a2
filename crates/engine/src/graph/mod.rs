//! The recorded program: shapes, element types, nodes, scopes and diagnostics.

mod diagnostic;
mod dtype;
mod initial;
mod node;
mod print;
mod record;
pub(crate) mod region;
mod scope;
mod shape;
mod stored;
mod tensor;

pub use diagnostic::{Diagnostic, Diagnostics, Party};
pub use dtype::DType;
pub use initial::Initial;
pub use node::{Contribution, Node, Origin, Output, Role, SourceLine, Value};
pub(crate) use record::Inner;
pub use record::{Graph, record};
pub use scope::{Declaration, Entered, Kind, Mode, Scope, ScopeInfo};
pub use shape::Shape;
pub use tensor::Tensor;
