use std::borrow::Cow;
use std::fmt;
use std::panic::Location;

use serde::{Deserialize, Serialize};

use crate::graph::{DType, Shape};
use crate::op::Op;

/// Names one value of a graph: a node and which of its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Value {
    /// The node's position in the graph.
    pub node: u32,
    /// Which of the node's outputs.
    pub output: u16,
}

impl Value {
    /// The first output of `node`.
    pub(crate) fn first(node: usize) -> Self {
        Value { node: node as u32, output: 0 }
    }

    /// The node's position as an index.
    pub(crate) fn index(self) -> usize {
        self.node as usize
    }
}

/// What one output of a node is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Output {
    /// The sizes of its axes.
    pub shape: Shape,
    /// The type of its elements.
    pub dtype: DType,
    /// Axes whose size is only a guess after a mistake, one bit an axis: comparisons against them
    /// are not reported. The highest bit says that even their number is a guess.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub assumed: u64,
}

fn is_zero(bits: &u64) -> bool {
    *bits == 0
}

impl Output {
    /// An output whose sizes are all known.
    pub fn new(dtype: DType, shape: impl Into<Shape>) -> Self {
        Output { shape: shape.into(), dtype, assumed: 0 }
    }

    /// Whether the size of `axis` is a guess.
    pub(crate) fn is_assumed(&self, axis: usize) -> bool {
        self.assumed >> axis.min(63) & 1 == 1
    }

    /// Whether all of it is a guess, the number of axes included.
    pub(crate) fn is_guess(&self) -> bool {
        self.assumed >> 63 == 1
    }

    /// A stand-in for a result that could not be determined: of size 1, and all a guess.
    pub(crate) fn stand_in(dtype: DType, rank: usize) -> Self {
        Output { shape: vec![1; rank].into(), dtype, assumed: u64::MAX }
    }

    /// The same output with some axes marked as guesses.
    pub(crate) fn assuming(mut self, axes: u64) -> Self {
        self.assumed |= axes;
        self
    }
}

/// A line of source code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLine {
    /// The file, as the compiler names it.
    pub file: Cow<'static, str>,
    /// The line, from 1.
    pub line: u32,
}

impl SourceLine {
    /// The line that called the function that is marked `#[track_caller]`.
    #[track_caller]
    pub(crate) fn caller() -> Self {
        let at = Location::caller();
        SourceLine { file: Cow::Borrowed(at.file()), line: at.line() }
    }
}

impl fmt::Display for SourceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Why a node exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// The model itself.
    Forward,
    /// Part of the derivative with respect to the arguments of node `of`.
    Adjoint {
        /// The node that was differentiated.
        of: u32,
    },
    /// Adds the contributions that several consumers send back to `of`.
    Sum {
        /// The value whose adjoint is summed.
        of: Value,
    },
    /// Computes the next value of the state at `path`.
    Update {
        /// The state's path.
        path: String,
    },
    /// Computes node `of` again to save memory; never merged with it.
    Recompute {
        /// The node that is computed again.
        of: u32,
    },
}

/// Where a node came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The scope it was recorded in, an index of the graph's scopes.
    pub scope: u32,
    /// The user's line.
    pub at: SourceLine,
    /// Why it exists.
    pub role: Role,
}

/// One recorded operation. Nodes are only ever appended and never change, and their arguments come
/// before them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// From which values.
    pub args: Vec<Value>,
    /// What it gives.
    pub outputs: Vec<Output>,
    /// Where it came from.
    pub origin: Origin,
}

/// One term of an adjoint, as [`grad`](crate::grad) recorded it: `product = upstream × local`,
/// where `local` is the derivative of `consumer` with respect to its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// The number that was differentiated.
    pub loss: Value,
    /// The value that the term belongs to.
    pub of: Value,
    /// The node that uses `of`.
    pub consumer: u32,
    /// As which of its arguments.
    pub argument: u16,
    /// The adjoint of the consumer's output.
    pub upstream: Value,
    /// The term.
    pub product: Value,
}
