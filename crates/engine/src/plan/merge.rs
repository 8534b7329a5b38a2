//! Bringing loops together that the first pass left apart.

use crate::graph::Value;
use crate::plan::fuse::{BufferId, DraftKernel, Fuser, LOOK_BACK, MEMBER_LIMIT, Member, Operand};
use crate::plan::kernel::Extent;

/// How far on a loop looks for the one that needs what it makes: the update of a parameter may stand behind
/// all others.
const FAR: usize = 4 * LOOK_BACK;

impl Fuser<'_> {
    /// Moves each loop down into the next one over the same space that reads what it makes or what it
    /// reads, as long as no kernel between them needs what it makes. Nodes joined the first loop
    /// that would have them; this brings together what came apart that way, e.g. an optimiser's
    /// update.
    pub(super) fn merge_loops(&mut self) {
        let mut kernels: Vec<Option<DraftKernel>> = self.kernels.drain(..).map(Some).collect();
        for index in (0..kernels.len()).rev() {
            let Some(DraftKernel::Loop { rows, columns, members, .. }) = &kernels[index] else {
                continue;
            };
            let upper = (*rows, *columns, members.clone());
            if let Some(into) = self.loop_to_merge_into(&kernels, index, &upper) {
                kernels[index] = None;
                if let Some(DraftKernel::Loop { members, .. }) = &mut kernels[into] {
                    members.splice(0..0, upper.2);
                }
            }
        }
        self.put_in_order(kernels.into_iter().flatten().collect());
    }

    /// These are the kernels now.
    pub(super) fn put_in_order(&mut self, kernels: Vec<DraftKernel>) {
        self.kernels = kernels;
        for (position, kernel) in self.kernels.iter().enumerate() {
            match kernel {
                DraftKernel::Loop { members, product, .. } => {
                    for member in members {
                        self.producer.insert(member.value, position);
                    }
                    if let Some(product) = product {
                        self.producer.insert(self.buffers[product.result].value, position);
                    }
                }
                DraftKernel::Other { writes, .. } => {
                    for &write in writes {
                        self.producer.insert(self.buffers[write].value, position);
                    }
                }
            }
        }
    }

    fn loop_to_merge_into(
        &self,
        kernels: &[Option<DraftKernel>],
        index: usize,
        (rows, columns, upper): &(usize, usize, Vec<Member>),
    ) -> Option<usize> {
        let made = |root: &Value| upper.iter().any(|m| m.value == *root);
        let read_whole = |root: &Value| {
            let whole = Operand::Value { root: *root, extent: Extent::Full };
            upper.iter().any(|m| m.operands.contains(&whole))
        };
        let made_buffers: Vec<BufferId> =
            upper.iter().filter_map(|m| self.of.get(&m.value).copied()).collect();
        for (position, kernel) in kernels.iter().enumerate().skip(index + 1).take(FAR) {
            let (same_space, members) = match kernel {
                None => continue,
                Some(DraftKernel::Other { reads, .. }) => {
                    if reads.iter().any(|read| made_buffers.contains(read)) {
                        return None;
                    }
                    continue;
                }
                Some(DraftKernel::Loop { rows: r, columns: c, members, .. }) => {
                    ((r, c) == (rows, columns), members)
                }
            };
            let (mut needs, mut shares, mut consistent) = (false, false, true);
            for operand in members.iter().flat_map(|m| &m.operands) {
                if let Operand::Value { root, extent } = operand {
                    if made(root) {
                        needs = true;
                        consistent &= self.extent.get(root) == Some(extent);
                    }
                    let near = position <= index + LOOK_BACK;
                    shares |= near && *extent == Extent::Full && read_whole(root);
                }
            }
            let fits = members.len() + upper.len() <= MEMBER_LIMIT;
            if same_space && (needs || shares) && consistent && fits {
                return Some(position);
            }
            if needs {
                return None;
            }
        }
        None
    }
}
