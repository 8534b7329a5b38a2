//! One file a verb: its arguments and what it does.

pub mod eval;
pub mod explain;
pub mod predict;
pub mod resume;
pub mod summary;
pub mod train;
