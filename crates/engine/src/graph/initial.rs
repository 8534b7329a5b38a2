//! The values that parameters and states start with.

use serde::{Deserialize, Serialize};

use crate::graph::Shape;
use crate::random::Stream;

/// The value a parameter or state starts with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Initial {
    /// Everywhere the same number.
    Constant(#[serde(with = "crate::op::number")] f64),
    /// Uniform in `low..high`.
    Uniform {
        /// Smallest value.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// Normal with this mean and standard deviation.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        deviation: f64,
    },
    /// A random matrix whose rows (or columns, if they are fewer) are at right angles and have length
    /// `gain`; leading axes beyond the second count as rows. It keeps the lengths of what it is
    /// multiplied with, however often: for recurrent and very deep nets. Uniform among such matrices.
    ///
    /// Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear
    /// neural networks" (2014). Takes time with rows · columns · the smaller of both.
    ///
    /// ```
    /// use glassbox_engine::{Graph, Initial, Mode};
    /// let graph = Graph::new();
    /// graph.root(Mode::Train).parameter("w", [3, 2], Initial::Orthogonal { gain: 2.0 });
    /// let w = graph.initial_values(7).get("w").unwrap().to_f64();
    /// let dot = |a: usize, b: usize| (0..3).map(|i| w[2 * i + a] * w[2 * i + b]).sum::<f64>();
    /// assert!((dot(0, 0) - 4.0).abs() < 1e-6 && dot(0, 1).abs() < 1e-6);
    /// ```
    Orthogonal {
        /// The length of each row or column.
        gain: f64,
    },
}

impl From<f64> for Initial {
    fn from(value: f64) -> Self {
        Initial::Constant(value)
    }
}

impl Initial {
    /// All elements of an array of this shape, drawn from `stream`.
    pub(crate) fn draw(self, shape: &Shape, stream: Stream) -> Vec<f64> {
        let each = |f: &dyn Fn(u64) -> f64| (0..shape.elements() as u64).map(f).collect();
        match self {
            Initial::Constant(value) => each(&|_| value),
            Initial::Uniform { low, high } => {
                let numbers = stream.uniforms().take(shape.elements());
                numbers.map(|u| low + (high - low) * u).collect()
            }
            Initial::Normal { mean, deviation } => each(&|i| mean + deviation * stream.normal(i)),
            Initial::Orthogonal { gain } => orthogonal(shape, stream, gain),
        }
    }
}

/// Normal vectors made orthogonal one after another (Gram and Schmidt, each twice: "twice is enough",
/// Giraud, Langou, Rozložník 2005). That each keeps its own direction makes the matrix uniform among
/// orthogonal ones (Mezzadri, "How to generate random matrices from the classical compact groups",
/// 2007).
fn orthogonal(shape: &Shape, stream: Stream, gain: f64) -> Vec<f64> {
    let elements = shape.elements();
    let columns = shape.sizes().last().copied().unwrap_or(1);
    let rows = elements / columns.max(1);
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(count);
    let mut at = 0;
    while basis.len() < count {
        let mut vector: Vec<f64> = (at..at + length as u64).map(|i| stream.normal(i)).collect();
        at += length as u64;
        let before = dot(&vector, &vector);
        for _ in 0..2 {
            for held in &basis {
                let share = dot(&vector, held);
                vector.iter_mut().zip(held).for_each(|(x, held)| *x -= share * held);
            }
        }
        let left = dot(&vector, &vector);
        // What nearly lies in the span of the others has no direction of its own: the next is drawn.
        if left > before * 1e-20 {
            let scale = left.sqrt().recip();
            vector.iter_mut().for_each(|x| *x *= scale);
            basis.push(vector);
        }
    }
    let element = |e: usize| match (e / columns, e % columns) {
        (row, column) if rows <= columns => basis[row][column],
        (row, column) => basis[column][row],
    };
    (0..elements).map(|e| gain * element(e)).collect()
}

/// Eight sums side by side, so that it is quick; the order is fixed, so that it is the same everywhere.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}
