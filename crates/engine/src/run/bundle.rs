//! Small kernels side by side: one region of the pool for all of them.

use std::sync::{Mutex, PoisonError};

use crate::Error;
use crate::graph::DType;
use crate::plan::kernel::{Kernel, Step};
use crate::run::execute::Machine;
use crate::run::isa::Isa;
use crate::run::memories::Memories;
use crate::run::pool::{Pool, WorkerPanic, share_of};
use crate::run::reduce::reduce;
use crate::run::tile::{LoopRun, Scratch, WORTH_THREADS};

/// What members need beside their regions; workers share it.
struct Room<'a> {
    isa: Isa,
    memories: &'a Memories<'a>,
    scratch: &'a Scratch,
    alone: &'a Pool,
}

impl Machine<'_> {
    /// Runs all members. Their pieces, those of one member after those of another, are cut in as many
    /// runs of equal work as there are workers.
    pub(super) fn bundle(&self, members: &[Step]) -> Result<(), Error> {
        let (isa, memories, scratch) = (self.isa, &self.memories, &self.scratch);
        let room = Room { isa, memories, scratch, alone: self.alone };
        let work = |member: &Step| {
            let (pieces, each) = room.pieces(member);
            pieces.saturating_mul(each)
        };
        let total = members.iter().map(work).fold(0, usize::saturating_add);
        let workers = if total < WORTH_THREADS { 1 } else { self.pool.threads() };
        let failed = Mutex::new(None);
        let share = |worker: usize| {
            if worker >= workers {
                return;
            }
            let (mine, mut start) = (share_of(total, workers, worker), 0usize);
            for member in members {
                let (count, each) = room.pieces(member);
                // A piece is the worker's in whose run it begins.
                let first = |from: usize| from.saturating_sub(start).div_ceil(each).min(count);
                let range = first(mine.start)..first(mine.end);
                start = start.saturating_add(count.saturating_mul(each));
                if range.is_empty() {
                    continue;
                }
                match &member.kernel {
                    Kernel::Loop(_) => {
                        if let Some(run) = room.loop_of(member) {
                            run.run_pieces(worker, range);
                        }
                    }
                    _ => {
                        if let Err(panic) = room.sum_alone(member) {
                            failed.lock().unwrap_or_else(PoisonError::into_inner).replace(panic);
                        }
                    }
                }
            }
        };
        if workers == 1 {
            share(0);
        } else {
            self.pool.run(&share)?;
        }
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or(Ok(()), |panic: WorkerPanic| Err(panic.into()))
    }
}

impl Room<'_> {
    /// In how many pieces a member can be shared out, and the work of each.
    fn pieces(&self, member: &Step) -> (usize, usize) {
        let (pieces, each) = match self.loop_of(member) {
            Some(run) => run.pieces(),
            None => (1, member.reads.iter().map(|read| read.elements).sum()),
        };
        (pieces, each.max(1))
    }

    fn loop_of<'a>(&'a self, member: &'a Step) -> Option<LoopRun<'a>> {
        let Kernel::Loop(l) = &member.kernel else { return None };
        let Room { isa, memories, scratch, .. } = *self;
        Some(LoopRun { isa, memories, scratch, l, reads: &member.reads, writes: &member.writes })
    }

    /// A sum as one piece. The verifier has proved that it needs no memory for partial sums.
    fn sum_alone(&self, member: &Step) -> Result<(), WorkerPanic> {
        let Kernel::Reduce { reduction, outer, reduced, inner } = member.kernel else {
            return Ok(());
        };
        let Room { isa, alone, memories: m, .. } = *self;
        let ([read], [write]) = (&member.reads[..], &member.writes[..]) else { return Ok(()) };
        let sizes = [outer, reduced, inner];
        match read.dtype {
            DType::F32 => {
                reduce(isa, alone, reduction, m.get::<f32>(read), sizes, m.set(write), &mut [])
            }
            _ => reduce(isa, alone, reduction, m.get::<f64>(read), sizes, m.set(write), &mut []),
        }
    }
}
