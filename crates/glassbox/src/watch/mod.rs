//! Looking inside: where a number of a training step comes from, by the chain rule; statistics of
//! every layer while it trains; alarms; and which number was the first that was not finite.

mod alarm;
mod board;
mod chain;
mod element;
mod explain;
mod inspect;
pub(crate) mod look;
mod moment;
mod not_finite;
mod statistics;

pub(crate) use alarm::Course;
pub use alarm::{Alarm, Alarms, short};
pub use element::Element;
pub use explain::{Difference, Explanation, Term, Update};
pub use inspect::Which;
pub use moment::Moment;
pub(crate) use not_finite::Replay;
pub use not_finite::{Argument, FirstNotFinite, NotFinite, Pass};
pub use statistics::{ActivationStatistics, BUCKETS, Histogram, ParameterStatistics, Statistics};
