//! The matrix product.

use crate::graph::{Output, Shape, Tensor};
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
        let what = match (left, right) {
            ([.., _, k], [.., inner, _]) if k != inner => {
                format!("inner sizes differ, {k} ≠ {inner}")
            }
            _ => format!(
                "takes two matrices (or two batches of them that broadcast), not {} and {}",
                a.shape, b.shape
            ),
        };
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
    /// axes are a batch and broadcast, aligned at the last of them, so a plain `[k, n]` serves a whole
    /// batch. Both sides are f32, or both f64.
    ///
    /// A side that is used again along trailing batch axes on the right costs nothing (it is one taller
    /// product); any other that broadcasts is repeated in memory.
    ///
    /// ```
    /// # use glassbox_engine::{DType, Graph};
    /// # let graph = Graph::new();
    /// let words = graph.input("words", DType::F32, [32, 20, 64]);      // [batch, time, features]
    /// let weight = graph.input("weight", DType::F32, [64, 16]);
    /// assert_eq!(words.matmul(weight).shape().sizes(), &[32, 20, 16]);
    /// let scores = words.matmul(words.transpose());                    // each with each
    /// assert_eq!(scores.shape().sizes(), &[32, 20, 20]);
    /// // Four heads of queries share one head of keys.
    /// let queries = graph.input("queries", DType::F32, [32, 4, 20, 16]);
    /// let keys = graph.input("keys", DType::F32, [32, 1, 20, 16]);
    /// assert_eq!(queries.matmul(keys.transpose()).shape().sizes(), &[32, 4, 20, 20]);
    /// # assert!(graph.check().is_ok());
    /// ```
    #[track_caller]
    pub fn matmul(self, right: Self) -> Self {
        let Some(Shared { left, right: other, result }) = shared(&self.output(), &right.output())
        else {
            return self.graph.record(Op::Matmul, &[self, right], None);
        };
        let (rows, whole) = left;
        let (kept, repeated) = other;
        let left = self.broadcast_to(rows).reshape(whole);
        let right = right.reshape(kept).broadcast_to(repeated);
        self.graph.record(Op::Matmul, &[left, right], None).reshape(result)
    }
}

/// How two batches that are not equal become one: the shapes that each side passes through, and that
/// of the result.
struct Shared {
    /// `[batch…, m, k]`, then with the axes that `right` does not have in `m`.
    left: (Shape, Shape),
    /// Without those axes, then repeated to the rest of the batch.
    right: (Shape, Shape),
    result: Shape,
}

/// `None` where the batches are equal, or do not broadcast, which the op's rule says in words.
fn shared(a: &Output, b: &Output) -> Option<Shared> {
    let (left, m_k) = a.shape.sizes().split_last_chunk::<2>()?;
    let (right, k_n) = b.shape.sizes().split_last_chunk::<2>()?;
    let ([m, k], [inner, n]) = (*m_k, *k_n);
    if left == right || k != inner || a.assumed != 0 || b.assumed != 0 {
        return None;
    }
    let batch = Shape::broadcast([left, right].into_iter())?;
    let batch = batch.sizes();
    let mut padded = vec![1; batch.len() - right.len()];
    padded.extend(right);
    let again = padded.iter().rev().take_while(|&&size| size == 1).count();
    let (kept, rows) = batch.split_at(batch.len() - again);
    let tall = rows.iter().try_fold(m, |product, &size| product.checked_mul(size))?;
    let shape = |lead: &[usize], rest: [usize; 2]| Shape::from([lead, &rest].concat());
    let result = shape(batch, [m, n]);
    let all = [shape(batch, [m, k]), shape(kept, [tall, n]), shape(kept, [k, n])];
    if all.iter().chain([&result]).any(|shape| shape.problem().is_some()) {
        return None;
    }
    Some(Shared {
        left: (shape(batch, [m, k]), shape(kept, [tall, k])),
        right: (shape(&padded[..kept.len()], [k, n]), shape(kept, [k, n])),
        result,
    })
}
