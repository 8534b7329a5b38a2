//! Small kernels that do not need each other, put together so that they run side by side: what an
//! optimiser updates by itself (what product made the gradient of does not come here), sums of blocks.
//!
//! Alone each of them would be a region of the pool, or too small for one.

use std::collections::HashSet;

use crate::plan::Step;
use crate::plan::fuse::{BufferId, Draft, DraftKernel};
use crate::plan::kernel::{Kernel, Region};
use crate::plan::memory::wiring;
use crate::run::reduce::partials_len;

/// Most elements of what a small kernel reads or writes.
const SMALL: usize = 1 << 16;
/// Elements of all together that are worth more than one thread, where they are no updates.
const WORTH_THREADS: usize = 1 << 15;
/// How many kernels back a small one looks for others.
const LOOK_BACK: usize = 64;

/// What a kernel reads and writes.
struct Uses {
    reads: Vec<BufferId>,
    writes: Vec<BufferId>,
}

impl Uses {
    fn of(kernel: &DraftKernel, draft: &Draft) -> Uses {
        let wiring = wiring(kernel, &draft.of);
        let ids = |of: &[(BufferId, _)]| of.iter().map(|&(id, _)| id).collect();
        Uses { reads: ids(&wiring.reads), writes: ids(&wiring.writes) }
    }

    /// Whether the kernel must keep its place before or after another one; `updates` are written where
    /// the old values are.
    fn meets(&self, other: &Uses, updates: &[(BufferId, BufferId)]) -> bool {
        let needs = |a: &Uses, b: &Uses| {
            b.writes.iter().any(|write| {
                let old = updates.iter().find(|update| update.1 == *write).map(|update| update.0);
                a.reads.iter().any(|read| read == write || Some(*read) == old)
            })
        };
        needs(self, other) || needs(other, self)
    }
}

/// Puts small kernels next to each other where that is a valid order too, updates at the end, and
/// notes which may run side by side.
pub(super) fn put_together(draft: &mut Draft) {
    let uses: Vec<Uses> = draft.kernels.iter().map(|kernel| Uses::of(kernel, draft)).collect();
    let read: HashSet<BufferId> = uses.iter().flat_map(|uses| &uses.reads).copied().collect();
    let is_update = |at: usize| {
        let ends = |write: &BufferId| {
            draft.updates.iter().any(|update| update.1 == *write) && !read.contains(write)
        };
        matches!(draft.kernels[at], DraftKernel::Loop { product: None, .. })
            && uses[at].writes.iter().all(ends)
    };
    let is_small = |at: usize| {
        let small = |id: &BufferId| draft.buffers[*id].elements <= SMALL;
        uses[at].reads.iter().chain(&uses[at].writes).all(small)
    };
    // Groups in their order, each of kernels in theirs.
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut updates: Vec<usize> = Vec::new();
    for at in 0..draft.kernels.len() {
        // What a large update reads is not kept for longer.
        let ends = || (at..uses.len()).all(is_update);
        if is_update(at) && (is_small(at) || ends()) {
            updates.push(at);
            continue;
        }
        let joined = (is_small(at) && can_be_member(&draft.kernels[at], draft)).then(|| {
            let meets = |group: &Vec<usize>| {
                group.iter().any(|&other| uses[at].meets(&uses[other], &draft.updates))
            };
            let mut found = None;
            for (index, group) in groups.iter().enumerate().rev().take(LOOK_BACK) {
                if meets(group) {
                    break;
                }
                if is_small(group[0]) && can_be_member(&draft.kernels[group[0]], draft) {
                    found = Some(index);
                }
            }
            found
        });
        match joined.flatten() {
            Some(index) => groups[index].push(at),
            None => groups.push(vec![at]),
        }
    }
    if !updates.is_empty() {
        groups.push(updates);
    }
    let worth = |group: &[usize]| {
        let elements = |at: &usize| {
            let all = uses[*at].reads.iter().chain(&uses[*at].writes);
            all.map(|&id| draft.buffers[id].elements).sum::<usize>()
        };
        is_update(group[0]) || group.iter().map(elements).sum::<usize>() >= WORTH_THREADS
    };
    let worth: Vec<bool> = groups.iter().map(|group| group.len() > 1 && worth(group)).collect();
    let mut kernels: Vec<Option<DraftKernel>> = draft.kernels.drain(..).map(Some).collect();
    for (group, worth) in groups.into_iter().zip(worth) {
        let first = draft.kernels.len();
        draft.kernels.extend(group.iter().filter_map(|&at| kernels[at].take()));
        if worth {
            draft.together.push(first..draft.kernels.len());
        }
    }
}

fn can_be_member(kernel: &DraftKernel, draft: &Draft) -> bool {
    match kernel {
        DraftKernel::Loop { product, .. } => product.is_none(),
        DraftKernel::Other { kernel, reads, .. } => {
            is_sum(kernel) && reads.iter().all(|&read| draft.buffers[read].dtype.is_float())
        }
    }
}

/// Whether a kernel reduces without memory for partial sums.
fn is_sum(kernel: &Kernel) -> bool {
    match *kernel {
        Kernel::Reduce { outer, reduced, inner, .. } => partials_len(outer, reduced, inner) == 0,
        _ => false,
    }
}

/// Whether a step can run beside others, and nobody writes what another one reads or writes.
pub(super) fn run_side_by_side(members: &[Step]) -> bool {
    let fits = |step: &Step| match &step.kernel {
        Kernel::Loop(_) => true,
        kernel => is_sum(kernel) && step.reads.iter().all(|read| read.dtype.is_float()),
    };
    let apart = |a: &Step, b: &Step| {
        let meets = |region: &Region| b.writes.iter().any(|write| write.overlaps(region));
        !a.reads.iter().chain(&a.writes).any(meets)
    };
    members.iter().all(fits)
        && members
            .iter()
            .enumerate()
            .all(|(i, a)| members.iter().enumerate().all(|(j, b)| i == j || apart(a, b)))
}

/// One step of many, or the steps as they are where their memory meets.
pub(super) fn bundled(members: Vec<Step>) -> Vec<Step> {
    if members.len() < 2 || !run_side_by_side(&members) {
        return members;
    }
    let nodes = members.iter().flat_map(|member| &member.nodes).copied().collect();
    let kernel = Kernel::Bundle(members);
    vec![Step { kernel, reads: Vec::new(), writes: Vec::new(), nodes, kept: None }]
}
