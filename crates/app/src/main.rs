//! The `glassbox` program.
#![forbid(unsafe_code)]

fn main() {}
