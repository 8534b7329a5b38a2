//! Training: the configuration, the run folder, checkpoints and events.

pub mod checkpoint;
pub mod config;
pub mod event;
pub mod folder;
pub mod log;
pub mod state;
pub mod summary;

mod evaluate;
mod fit;
mod graphs;
mod job;
mod run;
mod steps;
mod trained;

pub use evaluate::Report;
pub use job::Job;
pub use run::Ended;
pub use trained::{Agreement, Prediction, Predictions, Trained};
