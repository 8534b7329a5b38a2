//! Good practice: whether a training went well, what a model goes by, and how sure a figure is.

mod importance;
mod neighbours;
mod verdict;

pub use importance::{Importance, permutation_importance};
pub use neighbours::{Neighbours, leave_one_out};
pub(crate) use neighbours::{ask, told_and_known};
pub use verdict::{Cure, Evidence, Kind, Reason, Verdict};
