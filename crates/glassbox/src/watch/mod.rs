//! Looking inside: where a number of a training step comes from, by the chain rule; why a parameter
//! moved; why a prediction is what it is; statistics of every layer while it trains; alarms; and which
//! number was the first that was not finite.

mod alarm;
mod alarms;
mod ask;
mod attribution;
mod board;
mod chain;
mod course;
mod depth;
mod element;
mod explain;
mod flame;
mod inputs;
mod inspect;
pub(crate) mod look;
mod moment;
mod not_finite;
mod numbers;
pub(crate) mod plane;
mod profile;
pub mod sequence;
mod statistics;
mod tables;
mod tensors;
pub mod vision;
mod why;

pub use alarm::{Alarm, Collapse, short};
pub use alarms::Alarms;
pub use attribution::{Attribution, InUse, InputShare, Of};
pub(crate) use course::Course;
pub use depth::GradientsByDepth;
pub use element::Element;
pub use explain::{Difference, Explanation, LossPart, Others, Term, Update};
pub use inputs::Unit;
pub use inspect::Which;
pub use moment::{At, Moment, When};
pub(crate) use not_finite::Replay;
pub use not_finite::{Argument, FirstNotFinite, NotFinite, Pass};
pub use profile::{KernelTime, Measured, Phase, StepProfile, Work};
pub use statistics::{ActivationStatistics, BUCKETS, Histogram, ParameterStatistics, Statistics};
pub use tensors::{Figures, Largest, Link, TensorView};
pub use why::{Factor, Movement, RowShare, Summand};
