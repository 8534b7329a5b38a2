//! Training: the configuration, the run folder, checkpoints and events.

pub mod checkpoint;
pub mod config;
pub mod event;
pub mod folder;
pub mod log;
pub mod state;
pub mod summary;

pub(crate) mod evaluate;
mod fit;
mod graphs;
mod job;
mod judge;
mod run;
pub(crate) mod steps;
mod trained;
mod trainer;

pub use evaluate::Report;
pub use job::Job;
pub use run::Ended;
pub(crate) use run::{DataRecord, graphs_of};
pub use trained::{Agreement, Prediction, Predictions, Trained};
pub use trainer::{Run, Trainer};
