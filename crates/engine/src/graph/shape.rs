use std::fmt;

use serde::{Deserialize, Serialize};

/// A shape with more axes is refused, so that one bit an axis fits 64 bits with one to spare.
pub(crate) const RANK_LIMIT: usize = 62;

/// The sizes of a tensor's axes, outermost first; `[]` is a scalar. Elements lie row-major.
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// A shape of these sizes.
    pub fn new(sizes: &[usize]) -> Self {
        Shape(sizes.to_vec())
    }

    /// The shape of a single number.
    pub fn scalar() -> Self {
        Shape(Vec::new())
    }

    /// The sizes, outermost first.
    pub fn sizes(&self) -> &[usize] {
        &self.0
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The number of elements, or `None` where it does not fit a `usize`.
    pub fn checked_elements(&self) -> Option<usize> {
        self.0.iter().try_fold(1usize, |product, &size| product.checked_mul(size))
    }

    /// Why a graph cannot hold it: its elements (axes of size 0 counted as 1, so that strides fit
    /// too) would not fit this machine's memory as 8-byte numbers, or it has too many axes.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let bound = self.0.iter().try_fold(1usize, |n, &size| n.checked_mul(size.max(1)));
        if self.rank() > RANK_LIMIT {
            Some("has too many axes")
        } else if bound.is_none_or(|n| n > isize::MAX as usize / 8) {
            Some("has too many elements")
        } else {
            None
        }
    }

    /// The number of elements (saturating; a graph refuses shapes that overflow).
    pub fn elements(&self) -> usize {
        self.checked_elements().unwrap_or(usize::MAX)
    }

    /// The common shape that these repeat to, aligned at the last axis, or `None` where there is none
    /// that a graph can hold.
    pub(crate) fn broadcast<'a>(shapes: impl Iterator<Item = &'a [usize]>) -> Option<Shape> {
        let mut common: Vec<usize> = Vec::new();
        for sizes in shapes {
            if sizes.len() > common.len() {
                common.splice(0..0, std::iter::repeat_n(1, sizes.len() - common.len()));
            }
            let offset = common.len() - sizes.len();
            for (held, &size) in common[offset..].iter_mut().zip(sizes) {
                match (*held, size) {
                    (_, 1) => {}
                    (1, size) => *held = size,
                    (held, size) if held == size => {}
                    _ => return None,
                }
            }
        }
        let common = Shape(common);
        common.problem().is_none().then_some(common)
    }

    /// Row-major strides, in elements.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1usize; self.rank()];
        for axis in (1..self.rank()).rev() {
            strides[axis - 1] = strides[axis].saturating_mul(self.0[axis]);
        }
        strides
    }
}

impl From<Vec<usize>> for Shape {
    fn from(sizes: Vec<usize>) -> Self {
        Shape(sizes)
    }
}

impl From<&[usize]> for Shape {
    fn from(sizes: &[usize]) -> Self {
        Shape(sizes.to_vec())
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(sizes: [usize; N]) -> Self {
        Shape(sizes.to_vec())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
