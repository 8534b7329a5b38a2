//! Text: how it is cut into tokens, and tokens into rows.

mod load;
mod tokenizer;
mod windows;

pub use load::{Arrangement, Hiding, TextOptions, TextPreparation};
pub(in crate::data) use load::{is_text, load};
pub use tokenizer::Tokenizer;
pub(crate) use windows::Epoch;
pub(in crate::data) use windows::Windows;
