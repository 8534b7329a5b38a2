//! Corrupted plans.
