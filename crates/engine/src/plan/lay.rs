//! Rows laid side by side by the loop that makes them: what would be moved into place is written there.

use crate::graph::Value;
use crate::op::Op;
use crate::plan::fuse::{BufferId, DraftKernel, Fuser, MEMBER_LIMIT, Member, Operand, PART};
use crate::plan::kernel::Extent;

impl Fuser<'_> {
    /// Has loops write their results into the wider rows that these are put together to, where one loop
    /// makes all parts. What nobody else reads then has no place of its own.
    pub(super) fn lay_side_by_side(&mut self) {
        let mut laid: Vec<Value> = Vec::new();
        for index in (0..self.kernels.len()).rev() {
            let Some((position, members)) = self.parts_of_rows(index) else { continue };
            if let DraftKernel::Loop { members: held, .. } = &mut self.kernels[position] {
                laid.extend(members.iter().flat_map(|member| &member.operands).filter_map(
                    |part| match part {
                        Operand::Value { root, .. } => Some(*root),
                        Operand::Constant(_) => None,
                    },
                ));
                held.extend(members);
            }
            self.kernels.remove(index);
        }
        if laid.is_empty() {
            return;
        }
        let results: Vec<Value> =
            self.results().into_iter().map(|value| self.program.root(value)).collect();
        for value in laid {
            let Some(&buffer) = self.of.get(&value) else { continue };
            let is_read = |kernel: &DraftKernel| match kernel {
                DraftKernel::Other { reads, .. } => reads.contains(&buffer),
                // A loop that needs it from another asks for its place at the end.
                DraftKernel::Loop { product, .. } => {
                    product.as_ref().is_some_and(|product| product.factors.contains(&buffer))
                }
            };
            if !results.contains(&value) && !self.kernels.iter().any(is_read) {
                self.of.remove(&value);
            }
        }
        let kernels = std::mem::take(&mut self.kernels);
        self.put_in_order(kernels);
    }

    /// The loop that makes all of what kernel `index` puts side by side, and what it is to do.
    fn parts_of_rows(&self, index: usize) -> Option<(usize, Vec<Member>)> {
        let DraftKernel::Other { node, writes, .. } = &self.kernels[index] else { return None };
        let [write]: [BufferId; 1] = writes[..].try_into().ok()?;
        let value = self.buffers[write].value;
        (value == Value::first(*node as usize) && self.of.get(&value) == Some(&write))
            .then_some(())?;
        let node = self.program.node(value);
        let Op::Concatenate { axis } = node.op else { return None };
        let stride = *node.outputs[0].shape.sizes().last()?;
        (axis + 1 == node.outputs[0].shape.rank()).then_some(())?;
        let roots: Vec<Value> = node.args.iter().map(|&part| self.program.root(part)).collect();
        let position = *self.producer.get(roots.first()?)?;
        let DraftKernel::Loop { rows, columns, members, product: None } = &self.kernels[position]
        else {
            return None;
        };
        let fits = |(part, root): (&Value, &Value)| {
            let output = &self.program.node(*part).outputs[usize::from(part.output)];
            output.shape.sizes().last() == Some(columns)
                && members.iter().any(|m| m.value == *root && m.extent == Extent::Full)
        };
        let wide = columns.checked_mul(roots.len()) == Some(stride)
            && rows.checked_mul(stride) == Some(self.buffers[write].elements);
        let all = node.args.iter().zip(&roots).all(fits);
        let room = members.len() + roots.len() <= MEMBER_LIMIT;
        (position < index && *columns >= PART && wide && all && room).then_some(())?;
        let part = |(at, root): (usize, &Value)| Member {
            value,
            extent: Extent::Part { offset: at * columns, stride },
            operands: vec![Operand::Value { root: *root, extent: Extent::Full }],
        };
        Some((position, roots.iter().enumerate().map(part).collect()))
    }
}
