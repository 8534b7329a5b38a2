//! Running: the f64 reference, and plans on the CPU.

pub mod reference;
