//! Text: how it is cut into tokens, and tokens into rows.

mod load;
mod tokenizer;
mod windows;

pub(in crate::data) use load::load;
pub use load::{Arrangement, Hiding, TextOptions, TextPreparation, is_text};
pub use tokenizer::Tokenizer;
pub(crate) use windows::Epoch;
pub(in crate::data) use windows::Windows;
