//! Looking inside: where a number of a training step comes from, by the chain rule.

mod board;
mod chain;
mod element;
mod explain;
mod moment;

pub use element::Element;
pub use explain::{Difference, Explanation, Term, Update};
pub use moment::Moment;
