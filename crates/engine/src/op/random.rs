//! Random numbers whose seed and step are inputs.

use serde::{Deserialize, Serialize};

use crate::graph::{DType, Output, Scope, Shape, Tensor};
use crate::op::{Inferred, Op};
use crate::random::{Stream, hash_path};

/// Which random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Distribution {
    /// Uniform in [0, 1).
    Uniform,
    /// Normal with mean 0 and variance 1.
    Normal,
}

impl Distribution {
    /// Element `index` of `stream`.
    pub(crate) fn draw(self, stream: Stream, index: u64) -> f64 {
        match self {
            Distribution::Uniform => stream.uniform(index),
            Distribution::Normal => stream.normal(index),
        }
    }
}

pub(super) fn infer(args: &[&Output], wanted: Option<&Output>) -> Inferred {
    let output = wanted.cloned().unwrap_or(Output::new(DType::F32, Shape::scalar()));
    let scalar = |o: &&Output| o.dtype == DType::I64 && o.shape.rank() == 0;
    let wrong = if !args.iter().all(scalar) {
        Some("seed and step are i64 scalars".to_string())
    } else if !output.dtype.is_float() {
        Some(format!("gives f32 or f64, not {}", output.dtype))
    } else {
        None
    };
    Inferred::unless(output, "type", wrong, &["seed", "step"])
}

impl<'g> Scope<'g> {
    /// Random numbers (f32), the same for the same seed, path, draw and step (i64 scalars),
    /// whatever else the graph holds. A scope's first draw is 1, its second 2; so a layer that is
    /// added elsewhere leaves these numbers as they were. Inside [`Graph::scan`](crate::Graph::scan)
    /// every step has numbers of its own.
    ///
    /// ```
    /// # use glassbox_engine::{DType, Distribution, Graph, Mode, Options, Parameters, Session};
    /// let draw = || {
    ///     let graph = Graph::new();
    ///     let number = |n: f64| graph.constant(DType::I64, n);
    ///     let at = graph.root(Mode::Train).child("noise");
    ///     let noise = at.random(Distribution::Normal, [5], number(42.0), number(0.0));
    ///     Session::new(Options::default())?.evaluate(&graph, &Parameters::new(), &[noise])
    /// };
    /// assert_eq!(draw()?, draw()?);
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn random(
        self,
        distribution: Distribution,
        shape: impl Into<Shape>,
        seed: Tensor<'g>,
        step: Tensor<'g>,
    ) -> Tensor<'g> {
        let path = hash_path(&self.path());
        let op = Op::Random { distribution, path, draw: self.graph.next_draw(path) };
        let wanted = Output::new(DType::F32, shape);
        let mut args = vec![seed, step];
        args.extend(self.graph.open_loops());
        self.graph.record(op, &args, Some(wanted))
    }
}
