//! The recorded program: shapes, element types, nodes, scopes and diagnostics.

mod dtype;
mod shape;

pub use dtype::DType;
pub use shape::Shape;
