//! The machine room: the f64 reference, and plans on the CPU.
//!
//! `unsafe` is allowed in this module's files only, each block with its reason, behind safe
//! signatures.

pub mod isa;
pub(crate) mod math;
pub(crate) mod matmul;
pub(crate) mod pool;
pub mod reference;
