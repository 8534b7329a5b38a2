//! Convolution and transposed convolution: patches of a source times a packed filter, a few rows of
//! patches at a time.

use super::Shared;
use super::after::{After, share};
use super::patches::{Source, stride_of};
use super::taps::{block, block_count, deepest};
use crate::run::matmul::kernel::{Kernels, Panel, Tile};
use crate::run::pool::share_of;
use std::ops::Range;

/// Rows of patches at a time.
const ROWS: usize = 168;
/// Numbers of the widest vectors.
const WIDEST: usize = 16;
/// The most numbers of a filter whose patches are read in place.
const DIRECT: usize = 160 * 1024;

/// One product: what each position of a grid reads, times a filter, to where the position's result lies.
#[derive(Clone, Copy)]
pub(super) struct Product {
    pub source: Source,
    pub batch: usize,
    pub groups: usize,
    /// Channels that one group gives.
    pub gives: usize,
    /// The result of position (0, 0) of the first image.
    pub target: *mut f32,
    /// From one image, line and position of the grid to the next.
    pub target_steps: [usize; 3],
    /// Numbers of one filter element: `[channels / groups, features]`.
    pub filter: *const f32,
    pub filter_depth: usize,
    pub filter_features: usize,
    /// Elements of the filter in a line.
    pub filter_width: usize,
    /// Whether the filter's features are what is summed over: the transposed convolution.
    pub transposed: bool,
}

impl Product {
    pub(super) fn depth(&self) -> usize {
        self.source.tap_count() * self.source.depth
    }

    /// Whether patches are read in place; depends on the sizes only. The packed filter has to stay in a
    /// second-level cache, and lines to be long enough for register tiles.
    pub fn is_direct(&self) -> bool {
        let columns = self.source.grid[1];
        self.groups == 1
            && self.source.in_segments()
            && self.source.tap_count() > 1
            && columns >= 6 * columns.div_ceil(14)
            && self.depth().saturating_mul(self.gives) <= DIRECT
    }

    /// Numbers of one group's filter.
    pub fn filter_len(&self) -> usize {
        self.depth() * self.gives
    }

    /// Numbers of the filter packed or transformed, whatever the instruction set.
    pub fn kept_len(&self) -> usize {
        let packed = self.groups * self.depth() * self.gives.next_multiple_of(WIDEST) + WIDEST;
        let transformed = if self.is_winograd() { self.transformed_len() } else { 0 };
        packed.max(transformed).next_multiple_of(WIDEST)
    }

    /// Numbers of memory for the packed filter, and for each worker's lines or patches.
    pub fn lens(&self, kernels: &Kernels) -> (usize, (usize, usize)) {
        let gives = self.gives.next_multiple_of(kernels.lanes);
        let packed = self.groups * self.depth() * gives + kernels.lanes;
        let room = match self.is_direct() {
            true => self.source.lines_len(self.source.rows_together()),
            false => ROWS * stride_of(deepest(self.source.tap_count(), self.source.depth)),
        };
        (packed, (room, 0))
    }

    /// Where a panel of a group lies in the packed filter.
    pub(super) fn packed_at(&self, kernels: &Kernels, group: usize, panel: usize) -> usize {
        (group * self.gives.next_multiple_of(kernels.lanes) + panel) * self.depth()
    }

    /// Packs one worker's share of the panels of the filter, each `[depth, width of the panel]`.
    ///
    /// # Safety
    ///
    /// The instruction set is available, the filter valid for all groups, and `packed` as long as
    /// [`lens`](Self::lens) says; nobody else accesses these panels.
    pub unsafe fn pack(&self, kernels: &Kernels, packed: *mut f32, worker: usize, workers: usize) {
        let (features, depth) = (self.filter_features, self.source.depth);
        let panels = self.gives.div_ceil(kernels.width());
        for item in share_of(self.groups * panels, workers, worker) {
            let (group, first) = (item / panels, item % panels * kernels.width());
            let lanes = (self.gives - first).min(kernels.width());
            let width = lanes.next_multiple_of(kernels.lanes);
            let to = packed.wrapping_add(self.packed_at(kernels, group, first));
            let pack = |source: *const f32, strides: [usize; 2], depth: usize, to: *mut f32| {
                let [lane_stride, depth_stride] = strides;
                let panel =
                    Panel { source, lane_stride, depth_stride, lanes, depth, target: to, width };
                // SAFETY: these lanes and depths lie within the filter, see below.
                unsafe { (kernels.pack)(&panel) }
            };
            if !self.transposed {
                // All taps and channels lie at equal distances.
                let from = self.filter.wrapping_add(group * self.gives + first);
                pack(from, [1, features], self.depth(), to);
                continue;
            }
            let [down, across] = self.source.taps;
            for tap in 0..self.source.tap_count() {
                let element = down.tap(tap / across.count) * self.filter_width
                    + across.tap(tap % across.count);
                let from = (element * self.filter_depth + first) * features + group * depth;
                let to = to.wrapping_add(tap * depth * width);
                pack(self.filter.wrapping_add(from), [features, 1], depth, to);
            }
        }
    }

    /// What workers have shares of where something comes after: how many, and the pixels of each.
    pub fn units(&self, winograd: bool) -> (usize, usize) {
        let [lines, columns] = self.source.grid;
        match winograd.then(|| self.units_of_tiles()).flatten() {
            Some(units) => units,
            None if self.is_direct() => (self.batch * lines, columns),
            None => (self.batch * lines * columns, 1),
        }
    }

    /// The results of one worker's share of all positions, and what comes after, where there is one group.
    ///
    /// # Safety
    ///
    /// As for [`pack`](Self::pack), which has packed; source and target are valid for the whole batch;
    /// nobody else accesses the results of these positions; `patches` is this worker's alone and as long
    /// as [`lens`](Self::lens) says.
    pub unsafe fn run(
        &self,
        kernels: &Kernels,
        packed: *const f32,
        patches: *mut f32,
        [worker, workers]: [usize; 2],
        after: Option<&After<'_>>,
    ) {
        let share = share(after, self.units(false), workers, worker);
        let mut done = after.map(|after| after.worker(worker, share.start));
        let (taps, depth) = (self.source.tap_count(), self.source.depth);
        for group in 0..self.groups {
            for first in share.clone().step_by(ROWS) {
                let rows = first..share.end.min(first + ROWS);
                for index in 0..block_count(taps, depth) {
                    let block = block(taps, depth, index);
                    let stride = stride_of(block.depth);
                    // SAFETY: the group's channels are the source's; patches have room for the block.
                    unsafe {
                        let channel = group * depth;
                        self.source.gather(kernels, rows.clone(), channel, &block, patches, stride);
                    }
                    for panel in (0..self.gives).step_by(kernels.width()) {
                        let columns = (self.gives - panel).min(kernels.width());
                        let vectors = columns.div_ceil(kernels.lanes);
                        let width = vectors * kernels.lanes;
                        let b = self.packed_at(kernels, group, panel) + block.start * width;
                        let tile = Tile {
                            depth: block.depth,
                            a: patches,
                            a_row_stride: stride,
                            a_depth_stride: 1,
                            b: packed.wrapping_add(b),
                            b_depth_stride: width,
                            c: self.target.wrapping_add(group * self.gives + panel),
                            c_row_stride: self.target_steps[2],
                            columns,
                            accumulate: index > 0,
                        };
                        // SAFETY: the panel is packed, the rows' patches are gathered.
                        unsafe { self.panel(kernels, rows.clone(), tile, vectors) }
                    }
                }
                if let Some(done) = &mut done {
                    done.until(rows.end, rows.end == share.end);
                }
            }
        }
    }

    /// All rows' patches times one panel: a register tile at a time, of rows whose results lie at equal
    /// distances. `tile` is that of the first row, its `c` that of the first position.
    unsafe fn panel(&self, kernels: &Kernels, rows: Range<usize>, tile: Tile, vectors: usize) {
        let [lines, columns] = self.source.grid;
        let [image, line, step] = self.target_steps;
        let even = line == columns * step && image == lines * line;
        let mut row = rows.start;
        while row < rows.end {
            let (y, x) = (row / columns, row % columns);
            let count = if even { rows.len() } else { (columns - x).min(rows.end - row) };
            let to = tile.c.wrapping_add(y / lines * image + y % lines * line + x * step);
            let groups = count.div_ceil(kernels.rows);
            for group in 0..groups {
                let held = share_of(count, groups, group);
                let tile = Tile {
                    a: tile.a.wrapping_add((row - rows.start + held.start) * tile.a_row_stride),
                    c: to.wrapping_add(held.start * step),
                    ..tile
                };
                // SAFETY: these rows of patches and results lie within those of the worker.
                unsafe { kernels.micro(held.len(), vectors, false)(&tile) }
            }
            row += count;
        }
    }
}

// SAFETY: workers only read the source and the packed filter, and write results of their own.
unsafe impl Sync for Shared<Product> {}
