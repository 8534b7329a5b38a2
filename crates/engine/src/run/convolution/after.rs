//! The loop behind a convolution: it runs over pixels while they are in cache.

use super::taps::divisor;
use crate::plan::kernel::{BLOCK_ROWS, Extent};
use crate::run::pool::share_of;
use crate::run::tile::{LoopRun, Tile};
use std::ops::Range;

/// A loop over the pixels of all images and their channels.
#[derive(Clone, Copy)]
pub(super) struct After<'a> {
    run: &'a LoopRun<'a>,
    /// What the first pixels of workers are multiples of, and of each call of the loop.
    even: usize,
    step: usize,
}

impl<'a> After<'a> {
    pub fn new(run: &'a LoopRun<'a>) -> Self {
        let has = |kind: fn(&Extent) -> bool| run.l.registers.iter().any(|r| kind(&r.extent));
        // A block of rows is one worker's, and tiles go over the end neither of blocks nor of groups.
        let counts = has(|e| matches!(e, Extent::Blocks | Extent::Groups(_)));
        let step = if counts { run.l.tile_rows } else { 1 };
        let even = if has(|e| *e == Extent::Blocks) { BLOCK_ROWS.max(step) } else { step };
        After { run, even, step }
    }

    /// Whether it matters with which pixels workers, and calls of the loop, begin.
    pub fn counts(&self) -> bool {
        self.even > 1
    }

    /// Whether workers have nearly equal shares of `units` of `pixels` each, beginning where the loop can.
    pub fn is_shared_evenly(&self, (units, pixels): (usize, usize), workers: usize) -> bool {
        let together = self.together(pixels);
        let most = units.div_ceil(together).div_ceil(workers) * together;
        most.min(units) * workers <= units + units / 8 + workers
    }

    /// Units of so many pixels of which each share of a worker is a multiple.
    fn together(&self, pixels: usize) -> usize {
        self.even / divisor(self.even, pixels.max(1))
    }

    /// What worker `worker` runs over the pixels from `first` on.
    pub fn worker(&self, worker: usize, first: usize) -> Done<'a> {
        Done {
            tile: self.run.worker(worker),
            columns: self.run.l.columns,
            from: first,
            step: self.step,
        }
    }
}

/// A worker's pixels, as they are done.
pub(super) struct Done<'a> {
    tile: Tile<'a>,
    columns: usize,
    from: usize,
    step: usize,
}

impl Done<'_> {
    /// Runs the loop over these pixels, where it does not matter with which it begins.
    pub fn pixels(&mut self, pixels: Range<usize>) {
        self.tile.rectangle(pixels, 0..self.columns, None);
    }

    /// Runs the loop over all pixels before `end` that it has not seen, or up to where its tiles can end.
    pub fn until(&mut self, end: usize, is_last: bool) {
        let end = if is_last { end } else { end - end % self.step };
        if end > self.from {
            self.tile.rectangle(self.from..end, 0..self.columns, None);
            self.from = end;
        }
    }
}

/// A worker's share of `units` of `pixels` each, which begins where the loop behind can.
pub(super) fn share(
    after: Option<&After<'_>>,
    (units, pixels): (usize, usize),
    workers: usize,
    worker: usize,
) -> Range<usize> {
    let together = after.map_or(1, |after| after.together(pixels));
    let share = share_of(units.div_ceil(together), workers, worker);
    units.min(share.start * together)..units.min(share.end * together)
}
