//! Writing: tokens one after another, each by the scores that a model gives after those before it.
//!
//! A [`Generator`] holds a model's values and what it keeps of the tokens that it has read, so that each
//! is read once. Which token follows is the highest scored or drawn ([`Sampling`]), or a few
//! continuations are followed at once ([`Beams`]). What stands at hidden places is told by [`fill`].
//!
//! ```
//! use std::ops::ControlFlow;
//! use glassbox::engine::{DType, Graph, Mode, Options};
//! use glassbox::generate::{Generator, Sampling};
//! use glassbox::nn::Module;
//! use glassbox::zoo::Gpt;
//!
//! let model = Gpt::new(65).context(32).layers(2).heads(2).units(16);
//! let graph = Graph::new();
//! model.forward(graph.root(Mode::Eval), graph.input("ids", DType::I64, [1, 8]));
//! let values = graph.initial_values(1); // or those of a training
//!
//! let mut generator = Generator::new(&model, values, Options::default())?;
//! let how = Sampling { temperature: 0.8, top_k: Some(20), most: 50, ..Sampling::default() };
//! let mut seen = 0;
//! let written = generator.stream(&[7, 3, 9], &how, |_token| {
//!     seen += 1;
//!     ControlFlow::Continue(())
//! })?;
//! assert_eq!((written.ids.len(), seen), (50, 50)); // longer than the context: it slides
//! assert_eq!(generator.write(&[7, 3, 9], &how)?, written); // the same seed, the same text
//! # Ok::<(), glassbox::Error>(())
//! ```

mod beams;
mod generator;
mod masked;
mod sampling;

pub use beams::{Beams, Hypothesis};
pub use generator::{Ending, Generator, Written};
pub use masked::{Candidates, fill};
pub use sampling::Sampling;
