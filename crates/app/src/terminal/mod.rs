//! What the program draws: progress, tables, curves; never wider than the terminal.

mod chart;
mod choices;
mod classes;
mod compare;
mod curve;
mod describe;
mod folds;
mod format;
mod importance;
mod inspect;
mod lesson;
mod line;
mod outcome;
mod predicted;
mod profile;
mod progress;
#[cfg(feature = "image")]
mod see;
#[cfg(feature = "image")]
mod see_sequences;
mod structure;
mod summary;
mod table;
mod verdict;
mod words;

pub(crate) use compare::compare;
pub use curve::curve;
pub(crate) use describe::describe;
pub(crate) use folds::{fold, folds};
pub use format::{bytes, clock, figure, grouped, percent, quoted, rate};
pub use importance::importance;
pub(crate) use inspect::inspect;
pub(crate) use lesson::lesson;
pub use line::{Line, Tone, fit, width, wrap};
pub use outcome::{outcome, threshold};
pub(crate) use predicted::Csv;
pub use predicted::{Predicted, agreement};
pub(crate) use profile::{plan, profile};
pub use progress::Progress;
#[cfg(feature = "image")]
pub(crate) use see::see;
#[cfg(feature = "image")]
pub(crate) use see_sequences::see_sequences;
pub use structure::structure;
pub use summary::summary;
pub use table::{Align, Table};
pub use words::words_learned;

/// How a stream is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// A person watches: lines are redrawn in place.
    pub live: bool,
    /// Colours are wanted.
    pub colour: bool,
    /// Columns, where they are fixed (tests, files); else the terminal is asked at each drawing.
    pub columns: Option<usize>,
}

impl Screen {
    /// A terminal, or a file or pipe. Colours honour <https://no-color.org> and `TERM=dumb`.
    pub fn of(terminal: bool) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Screen {
            live: terminal && !dumb,
            colour: terminal && !dumb && !set("NO_COLOR"),
            columns: if terminal { None } else { Some(usize::MAX) },
        }
    }

    /// The columns that a line may take.
    pub fn columns(&self) -> usize {
        self.columns.unwrap_or_else(|| {
            terminal_size::terminal_size().map_or(80, |(columns, _)| usize::from(columns.0).max(1))
        })
    }
}
