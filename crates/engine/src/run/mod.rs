//! The machine room: kernels, threads and the instruction sets they are compiled for.
//!
//! `unsafe` is allowed in this module's files only, each block with its reason, behind safe
//! signatures.

pub mod isa;
pub mod math;
pub mod matmul;
pub mod pool;
pub mod reduce;
