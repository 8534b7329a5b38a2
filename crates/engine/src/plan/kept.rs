//! What is kept from run to run: right factors of products and filters of convolutions that a plan only
//! reads, packed as its kernels take them. A session makes each once, and again when the state has changed.

use crate::graph::DType;
use crate::op::{Convolved, Stencil};
use crate::plan::kernel::{FACTORS, Kernel, Memory, Product, Step};
use crate::plan::{Plan, Slot, bytes};
use crate::run::convolution;

/// Up to so many rows packing the right factor is worth keeping: packing a number costs about as much as
/// eight multiply-adds.
const ROWS: usize = 64;
/// Fewer numbers are packed at every call.
const NUMBERS: usize = 64 * 64;

/// A state in another form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    /// The plan's state, which the plan does not write.
    pub state: usize,
    pub form: Form,
    /// Numbers (f32) that it takes, whatever the instruction set.
    pub len: usize,
}

/// What has been done with a state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// Packed as the right factor `[k, n]` of a product, stored as `[n, k]` where it is transposed.
    Right { n: usize, k: usize, transposed: bool },
    /// Packed, or transformed, as the filter of this convolution.
    Filter { gives: Convolved, stencil: Stencil },
}

impl Kept {
    /// What can be kept of a step's second argument, where that pays.
    pub fn of(step: &Step, states: &[Slot]) -> Option<Kept> {
        let argument = step.reads.get(FACTORS - 1)?;
        let Memory::State(state) = argument.memory else { return None };
        if argument.dtype != DType::F32 || states.get(state)?.written {
            return None;
        }
        let (form, len) = match &step.kernel {
            Kernel::Matmul(product) => {
                let Product { batch, m, n, k, transpose_right: transposed, .. } = *product;
                let few = m <= ROWS && n > 1 && k > 0 && n.saturating_mul(k) >= NUMBERS;
                // A single row reads rows of a matrix as they lie.
                if batch != 1 || !few || m == 1 && !transposed {
                    return None;
                }
                (Form::Right { n, k, transposed }, product.packed_len()?)
            }
            Kernel::Convolution { gives, stencil, .. } => {
                let form = Form::Filter { gives: *gives, stencil: *stencil };
                (form, convolution::kept_len(stencil, *gives)?)
            }
            _ => return None,
        };
        Some(Kept { state, form, len })
    }

    pub fn bytes(&self) -> Option<usize> {
        bytes(DType::F32, self.len)?.checked_next_multiple_of(64)
    }
}

impl Plan {
    /// Has steps take what is kept instead of what it is made of, as long as it takes no more than
    /// `limit` bytes together.
    pub(super) fn keep(&mut self, mut limit: usize) {
        for step in &mut self.steps {
            let Some(kept) = Kept::of(step, &self.states) else { continue };
            if let Some(index) = self.kept.iter().position(|held| *held == kept) {
                step.kept = Some(index);
                continue;
            }
            let Some(left) = kept.bytes().and_then(|bytes| limit.checked_sub(bytes)) else {
                continue;
            };
            limit = left;
            step.kept = Some(self.kept.len());
            self.kept.push(kept);
        }
    }

    /// Bytes of what a session keeps for it of states that it does not write.
    pub fn kept_bytes(&self) -> usize {
        self.kept.iter().filter_map(Kept::bytes).fold(0, usize::saturating_add)
    }
}
