//! Word vectors as a model among the others.

use glassbox_engine::{DType, Initial, Scope, Tensor};

use super::named::{Choices, Family, Member, Takes, Training};
use crate::nn::{self, Module, Optimizer};

/// Why no [`Job`](crate::train::Job) trains it.
pub(crate) const ITS_OWN_WAY: &str = "word2vec has a way of its own, without steps of a graph: \
    `train TEXT --model word2vec` learns vectors, which `neighbours`, `analogy`, `see` and `export` use";

pub(super) static FAMILY: Family = Family {
    name: "word2vec",
    source: "Mikolov, Chen, Corrado, Dean, \"Efficient estimation of word representations in vector \
             space\" (2013); Mikolov, Sutskever, Chen, Corrado, Dean (2013)",
    takes: Takes::Words,
    members: &[Member::any("word2vec")],
    options: &["architecture", "dimensions", "window", "negative", "min_count", "sample"],
    defaults: Choices::PLAIN,
    training: Training { optimizer: Optimizer::GRADIENT_DESCENT, epochs: 5, label_smoothing: 0.0 },
    build: |_, choices, wanted| {
        Box::new(Scores { words: wanted.outputs, dimensions: choices.dimensions })
    },
};

/// What both tables say together: the score of every word where others stand around.
struct Scores {
    words: usize,
    dimensions: usize,
}

impl Module for Scores {
    fn name(&self) -> &str {
        "word2vec"
    }

    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g> {
        let table = nn::embedding_table(at.child("input"), self.words, self.dimensions);
        let around =
            nn::embedding(table, input.cast(DType::I64), None).mean_axis(1).named("around");
        let output = at.child("output");
        let shape = [self.words, self.dimensions];
        let output = output.parameter("weight", shape, Initial::Constant(0.0));
        around.matmul(output.transpose()).named("scores")
    }
}
