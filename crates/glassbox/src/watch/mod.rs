//! Looking inside: where a number of a training step comes from, by the chain rule; why a parameter
//! moved; why a prediction is what it is.

mod ask;
mod attribution;
mod board;
mod chain;
mod element;
mod explain;
mod inputs;
mod moment;
mod numbers;
mod tables;
mod tensors;
mod why;

pub use attribution::{Attribution, InUse, InputShare, Of};
pub use element::Element;
pub use explain::{Difference, Explanation, Others, Term, Update};
pub use inputs::Unit;
pub use moment::{At, Moment, When};
pub use tensors::{Figures, Largest, Link, TensorView};
pub use why::{Factor, Movement, RowShare, Summand};
