//! One file a verb: its arguments and what it does.

pub mod asked;
pub mod bench;
pub mod compare;
pub mod completions;
pub mod data;
pub mod eval;
pub mod explain;
pub mod folds;
pub mod init;
pub mod inspect;
pub mod lesson;
pub mod models;
pub mod plan;
pub mod predict;
pub mod profile;
pub mod resume;
pub mod runs;
pub mod summary;
pub mod train;
