//! The machine room: the f64 reference, and plans on the CPU.
//!
//! `unsafe` is allowed in this module's files only, each block with its reason, behind safe
//! signatures.

mod assemble;
mod attention;
pub(crate) mod buffer;
mod bundle;
mod chain;
pub(crate) mod convolution;
mod cumulative;
mod execute;
pub mod isa;
mod kept;
pub(crate) mod limits;
pub(crate) mod math;
pub(crate) mod matmul;
mod max_pool;
mod memories;
pub(crate) mod pool;
mod product;
pub(crate) mod profile;
pub(crate) mod reduce;
pub mod reference;
mod rows;
mod scan;
pub(crate) mod session;
mod sort;
mod tile;
mod vector;
pub mod vectors;
mod window;
