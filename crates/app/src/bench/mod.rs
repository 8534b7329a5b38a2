//! The workloads of `glassbox bench`: fixed training steps, written as a user would write them, whose
//! sizes, losses, optimisers and conventions are those of the comparison with other libraries
//! (docs/benchmarks.md), so that the same work can be timed and checked on both sides.

mod dense;
mod generative;
mod image;
mod machine;
mod measure;
mod names;
mod primitive;
mod start;
mod startup;
mod text;
mod work;

pub use measure::{measure, profile, taken};
pub use start::{Agreement, Apart, agreement};
pub use work::{Checked, Field, Kind, Recorded, Values, Work, Workload};

/// Every workload, in the order of the comparison.
pub fn all() -> Vec<Workload> {
    [dense::all(), image::all(), text::all(), generative::all(), primitive::all(), startup::all()]
        .concat()
}
