//! The engine of Glassbox: record a graph, differentiate it, plan it, run it.
//!
//! **Record.** Operators on a [`Tensor`] compute nothing; they append nodes to a [`Graph`]. A layer is
//! a function of a [`Scope`], which names its parameters, and of tensors:
//!
//! ```
//! use glassbox_engine::{DType, Graph, Initial, Mode, Scope, Tensor, grad};
//!
//! #[track_caller]
//! fn linear<'g>(at: Scope<'g>, x: Tensor<'g>, features: usize) -> Tensor<'g> {
//!     let _inside = at.enter();
//!     let initial = Initial::Uniform { low: -0.5, high: 0.5 };
//!     let weight = at.parameter("weight", [x.dim(-1), features], initial);
//!     x.matmul(weight) + at.parameter("bias", [features], 0.0)
//! }
//!
//! let graph = Graph::new();
//! let at = graph.root(Mode::Train);
//! let x = graph.input("x", DType::F32, [4, 2]);
//! let y = graph.input("y", DType::F32, [4, 1]);
//! let h = linear(at.child("hidden"), x, 8).tanh();
//! let loss = (linear(at.child("out"), h, 1) - y).square().mean();
//! # assert!(graph.check().is_ok());
//!
//! // Differentiate: the derivative is more nodes of the same graph. Assign: what a path means from
//! // here on, and what the next run starts with.
//! let parameters = graph.parameters();
//! let tensors: Vec<_> = parameters.iter().map(|(_, tensor)| *tensor).collect();
//! for ((path, w), slope) in parameters.iter().zip(grad(loss, &tensors)) {
//!     graph.assign(path, *w - slope * 0.3);
//! }
//!
//! // Plan, once: what is fused, where everything lies, what is written in place. It prints.
//! use glassbox_engine::{Array, Options, Session};
//! let mut session = Session::new(Options::default())?;
//! session.load(graph.initial_values(1));
//! let step = session.prepare(&graph, &[loss])?;
//! assert!(step.plan().to_string().contains("matmul [4, 2] × [2, 8]"));
//!
//! // Run, often: nothing is allocated. Here it learns "exactly one of two".
//! let (mut inputs, mut outputs) = (step.inputs(), step.outputs());
//! inputs[0].write(&Array::new([4, 2], [0.0f32, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0])?)?;
//! inputs[1].write(&Array::new([4, 1], [0.0f32, 1.0, 1.0, 0.0])?)?;
//! for _ in 0..2000 {
//!     session.run(&step, &mut inputs, &mut outputs)?;
//! }
//! assert!(outputs[0].as_slice::<f32>().unwrap()[0] < 0.01);
//! # Ok::<(), glassbox_engine::Error>(())
//! ```
//!
//! **Mistakes** are collected while a model is recorded, each with the user's line, both shapes, where
//! they came from and the scopes around; no operator fails or panics:
//!
//! ```
//! # use glassbox_engine::{DType, Graph, Mode};
//! let graph = Graph::new();
//! let at = graph.root(Mode::Train).child("head");
//! let x = graph.input("x", DType::F32, [32, 128]);
//! x.matmul(at.parameter("weight", [127, 10], 0.0));
//! let text = graph.check().unwrap_err().to_string();
//! // error[shape]: matmul: inner sizes differ, 128 ≠ 127
//! //   --> src/lib.rs:8
//! //    left  f32 [32, 128]  input `x` (src/lib.rs:7)
//! //   right  f32 [127, 10]  parameter `head/weight` (src/lib.rs:8)
//! //      in  scope `head`, entered at src/lib.rs:6
//! assert!(text.contains("128 ≠ 127") && text.contains("parameter `head/weight`"));
//! ```
//!
//! **Recurrence** is [`Graph::scan`]: a body that is recorded once and repeated, as a region of the same
//! graph. It is differentiated like everything else, planned as one kernel whose memory does not grow
//! with the steps, and its products with weights leave the loop where they can:
//!
//! ```
//! # use glassbox_engine::{Array, DType, Graph, Options, Parameters, Session, grad};
//! // h ← w · h + xₜ, and what the last h owes to w.
//! let graph = Graph::new();
//! let (w, x) = (graph.input("w", DType::F32, []), graph.input("x", DType::F32, [4]));
//! let zero = graph.constant(DType::F32, 0.0);
//! let (last, all) = graph.scan(4, zero, x, |h, x, _step| {
//!     let h = w * h + x;
//!     (h, h)                                              // carried on, given out
//! });
//! let slope = grad(last, &[w])[0];
//! let mut given = Parameters::new();
//! given.insert("w", Array::scalar(2.0));
//! given.insert("x", Array::vector([1.0f32, 1.0, 1.0, 1.0]));
//! let results = Session::new(Options::default())?.evaluate(&graph, &given, &[all, slope])?;
//! assert_eq!(results[0].as_f32().unwrap(), [1.0, 3.0, 7.0, 15.0]);  // 1 + w + w² + w³
//! assert_eq!(results[1].as_f32().unwrap(), [17.0]);                 // 1 + 2w + 3w²
//! # Ok::<(), glassbox_engine::Error>(())
//! ```
//!
//! The [`mod@reference`] interpreter evaluates any graph in plain f64: the truth that plans are tested
//! against. Randomness is counter-based ([`random`]): seed and step are inputs, so the same seed gives
//! the same bits on any number of threads.
#![deny(unsafe_code)]

pub mod graph;
pub mod op;

pub mod random;

mod array;
mod error;
mod grad;
mod plan;
mod run;

pub use array::{Array, Data, Parameters};
pub use error::Error;
pub use grad::{grad, grad_recomputing};
pub use graph::{
    DType, Diagnostic, Diagnostics, Graph, Initial, Kind, Mode, Role, Scope, Shape, Tensor, Value,
    record,
};
pub use op::{Distribution, Op};
pub use plan::Plan;
pub use plan::cost::{Cost, StepCost, StepNode};
pub use run::buffer::{Buffer, Host};
pub use run::isa::Isa;
pub use run::limits::Limits;
pub use run::pool::{Pool, WorkerPanic};
pub use run::profile::Profile;
pub use run::reference;
pub use run::session::{Options, Prepared, Session, Warning};
pub use run::vectors;
