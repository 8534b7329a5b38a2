//! Training: the configuration, the run folder, checkpoints and events.
pub mod config;
