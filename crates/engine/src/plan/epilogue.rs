//! What is done with the elements of a product or a convolution while they are in cache: the first loop
//! that reads them runs behind it, block by block.

use crate::graph::Value;
use crate::plan::fuse::{BufferId, DraftKernel, DraftProduct, Fuser, Operand};
use crate::plan::kernel::{Extent, Kernel};
use crate::plan::loops::{is_flat, rows_together};

impl Fuser<'_> {
    /// Moves each product down into the first kernel that reads it, if that is a loop over the product's
    /// elements. Then what ends in a state moves up to where it can run, so that what it reads is not
    /// kept for longer than before.
    pub(super) fn join_products(&mut self) {
        let mut kernels = std::mem::take(&mut self.kernels);
        for index in (0..kernels.len()).rev() {
            let Some(joined) = self.behind(&kernels, index) else { continue };
            let DraftKernel::Other { kernel, reads, writes, node } = &kernels[index] else {
                continue;
            };
            let Some(space) = kernel.space() else { continue };
            let draft = DraftProduct {
                kernel: kernel.clone(),
                factors: [reads[0], reads[1]],
                result: writes[0],
                node: *node,
            };
            if let DraftKernel::Loop { rows, columns, product, .. } = &mut kernels[joined] {
                (*rows, *columns) = space;
                *product = Some(draft);
            }
            kernels.remove(index);
        }
        self.raise_updates(&mut kernels);
        self.put_in_order(kernels);
    }

    /// The loop that may run behind the product or convolution `index`.
    fn behind(&self, kernels: &[DraftKernel], index: usize) -> Option<usize> {
        let DraftKernel::Other { kernel: made, writes, .. } = &kernels[index] else {
            return None;
        };
        let wanted = made.space()?;
        let value = self.buffers[writes[0]].value;
        let after = kernels.iter().enumerate().skip(index + 1);
        let reader = after.clone().find(|(_, kernel)| self.reads(kernel, writes[0]))?.0;
        let DraftKernel::Loop { rows, columns, members, product: None } = &kernels[reader] else {
            return None;
        };
        let elements = |(rows, columns): (usize, usize)| rows.checked_mul(columns);
        let same_space = (*rows, *columns) == wanted
            || is_flat(members) && elements((*rows, *columns)) == elements(wanted);
        let whole = |operand: &Operand| match operand {
            Operand::Value { root, extent } => *root != value || *extent == Extent::Full,
            Operand::Constant(_) => true,
        };
        let only_whole = members.iter().flat_map(|m| &m.operands).all(whole);
        // Blocks and groups of rows count from the first of all products.
        let counts = rows_together(members).next().is_some();
        let several = matches!(made, Kernel::Matmul(product) if product.batch > 1);
        (same_space && only_whole && !(counts && several)).then_some(reader)
    }

    fn reads(&self, kernel: &DraftKernel, buffer: BufferId) -> bool {
        match kernel {
            DraftKernel::Other { reads, .. } => reads.contains(&buffer),
            DraftKernel::Loop { members, product, .. } => {
                let value = self.buffers[buffer].value;
                let is_read = |operand: &Operand| matches!(operand, Operand::Value { root, .. } if *root == value);
                product.as_ref().is_some_and(|p| p.factors.contains(&buffer))
                    || members.iter().flat_map(|m| &m.operands).any(is_read)
            }
        }
    }

    fn makes(&self, kernel: &DraftKernel, value: Value) -> bool {
        match kernel {
            DraftKernel::Other { writes, .. } => {
                writes.iter().any(|&write| self.buffers[write].value == value)
            }
            DraftKernel::Loop { members, product, .. } => {
                members.iter().any(|member| member.value == value)
                    || product.as_ref().is_some_and(|p| self.buffers[p.result].value == value)
            }
        }
    }

    /// Moves single numbers, and products that end in states, up to where all that they read is there
    /// and nobody needs the states' old values any more.
    fn raise_updates(&self, kernels: &mut [DraftKernel]) {
        for index in 0..kernels.len() {
            let DraftKernel::Loop { rows, columns, members, product } = &kernels[index] else {
                continue;
            };
            let old = |(old, new): &(Value, Value)| {
                let new = self.program.root(*new);
                members.iter().any(|m| m.value == new).then(|| self.program.root(*old))
            };
            let old: Vec<Value> = self.updates().iter().filter_map(old).collect();
            let is_number = (*rows, *columns) == (1, 1) && product.is_none() && old.is_empty();
            if !is_number && (product.is_none() || old.is_empty()) {
                continue;
            }
            let mut needed: Vec<Value> = members
                .iter()
                .flat_map(|m| &m.operands)
                .filter_map(|operand| match operand {
                    Operand::Value { root, .. } => Some(*root),
                    Operand::Constant(_) => None,
                })
                .collect();
            let factors = product.iter().flat_map(|p| p.factors);
            needed.extend(factors.map(|factor| self.buffers[factor].value));
            let holds_up = |kernel: &DraftKernel| {
                needed.iter().any(|&value| self.makes(kernel, value))
                    || old.iter().any(|v| self.of.get(v).is_some_and(|&b| self.reads(kernel, b)))
            };
            let to = kernels[..index].iter().rposition(holds_up).map_or(0, |last| last + 1);
            kernels[to..=index].rotate_right(1);
        }
    }
}
