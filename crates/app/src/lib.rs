//! The `glassbox` program's parts: its command line, its words and its terminal.
#![forbid(unsafe_code)]

pub mod terminal;
pub mod text;

mod bench;
mod cli;
mod commands;
mod context;
mod error;
mod interrupt;
mod usage;

pub use cli::main;
