//! The matrix product.

use crate::graph::{Output, Tensor};
use crate::op::{Inferred, Mistake, Op};

const SIDES: &[&str] = &["left", "right"];

pub(super) fn infer(a: &Output, b: &Output) -> Inferred {
    let (left, right) = (a.shape.sizes(), b.shape.sizes());
    if left.len() < 2 || right.len() != left.len() {
        // A guess that later mistakes will not be blamed on.
        let mut sizes = left.to_vec();
        if let (Some(last), Some(columns)) = (sizes.last_mut(), right.last()) {
            *last = *columns;
        }
        let what = format!(
            "takes two matrices (or two equal batches of them), not {} and {}",
            a.shape, b.shape
        );
        let output = Output::new(a.dtype, sizes).assuming(u64::MAX);
        let mistake = Some(Mistake { kind: "shape", what, roles: SIDES });
        return Inferred { outputs: vec![output], mistake };
    }
    let rank = left.len();
    let (m, k, n) = (rank - 2, rank - 1, rank - 1);
    let mut sizes = left.to_vec();
    sizes[n] = right[n];
    let guessed = |o: &Output, axis: usize| o.is_assumed(axis);
    let mut assumed = a.assumed & !(1 << k.min(63));
    if guessed(b, n) {
        assumed |= 1 << n.min(63);
    }
    let output = Output { shape: sizes.into(), dtype: a.dtype, assumed };
    let differ = |i: usize, j: usize| left[i] != right[j] && !guessed(a, i) && !guessed(b, j);
    let wrong = if differ(k, m) {
        Some(format!("inner sizes differ, {} ≠ {}", left[k], right[m]))
    } else if (0..rank - 2).any(|axis| differ(axis, axis)) {
        Some(format!("the batches differ, {:?} ≠ {:?}", &left[..m], &right[..m]))
    } else {
        None
    };
    if wrong.is_none() && (a.dtype != b.dtype || !a.dtype.is_float()) {
        let what = format!("takes f32 or f64 on both sides, not {} and {}", a.dtype, b.dtype);
        let mistake = Some(Mistake { kind: "type", what, roles: SIDES });
        return Inferred { outputs: vec![output], mistake };
    }
    Inferred::unless(output, "shape", wrong, SIDES)
}

pub(super) fn derive<'g>(up: Tensor<'g>, a: Tensor<'g>, b: Tensor<'g>) -> Vec<Option<Tensor<'g>>> {
    vec![Some(up.matmul(b.transpose())), Some(a.transpose().matmul(up))]
}

impl<'g> Tensor<'g> {
    /// The matrix product of the last two axes: `[…, m, k]` × `[…, k, n]` → `[…, m, n]`. Leading
    /// axes are a batch and must be equal; a plain `[k, n]` on the right serves the whole batch. Both
    /// sides are f32, or both f64.
    ///
    /// ```
    /// # use glassbox_engine::{DType, Graph};
    /// # let graph = Graph::new();
    /// let words = graph.input("words", DType::F32, [32, 20, 64]);      // [batch, time, features]
    /// let weight = graph.input("weight", DType::F32, [64, 16]);
    /// assert_eq!(words.matmul(weight).shape().sizes(), &[32, 20, 16]);
    /// let scores = words.matmul(words.transpose());                    // each with each
    /// assert_eq!(scores.shape().sizes(), &[32, 20, 20]);
    /// # assert!(graph.check().is_ok());
    /// ```
    #[track_caller]
    pub fn matmul(self, right: Self) -> Self {
        let (a, b) = (self.output(), right.output());
        let plain = b.shape.rank() == 2 && a.shape.rank() > 2;
        let known = a.assumed == 0 && b.assumed == 0;
        if plain && known && self.dim(-1) == right.dim(0) {
            let rows: usize = a.shape.sizes()[..a.shape.rank() - 1].iter().product();
            let mut sizes = a.shape.sizes().to_vec();
            if let Some(last) = sizes.last_mut() {
                *last = right.dim(1);
            }
            let flat = self.reshape([rows, self.dim(-1)]);
            return self.graph.record(Op::Matmul, &[flat, right], None).reshape(sizes);
        }
        self.graph.record(Op::Matmul, &[self, right], None)
    }
}
