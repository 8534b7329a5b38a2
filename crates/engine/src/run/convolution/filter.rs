//! The filter's gradient: patches of the input, turned round, times the output's adjoint. Pixels are
//! summed in slices whose number depends on the sizes alone, and the slices' sums in order.

use super::Shared;
use super::direct::gradient_len;
use super::patches::{Source, stride_of};
use super::taps::{Block, block, block_count, deepest};
use crate::run::matmul::kernel::{Kernels, Panel, Tile};
use crate::run::pool::share_of;
use std::ops::Range;

/// Pixels that are summed in one chain. Part of the law of same bits.
const PIXELS: usize = 128;
/// Fewer pixels are not worth a slice of their own.
const SLICE: usize = 1024;
const SLICES: usize = 16;
/// The most memory for sums of slices, in numbers.
const PARTIALS: usize = 1 << 22;
/// The most sums of a filter whose patches are read in place.
const DIRECT: usize = 160 * 1024;

/// The filter's gradient of a convolution.
#[derive(Clone, Copy)]
pub(super) struct Gradient {
    pub source: Source,
    pub batch: usize,
    pub groups: usize,
    /// Features of one group.
    pub filters: usize,
    pub features: usize,
    /// The output's adjoint, `[batch, rows, columns, features]`.
    pub adjoint: *const f32,
    /// The sums of the first slice, `[taps, channels / groups, features]`.
    pub result: *mut f32,
    /// Those of the others, one after another.
    pub partials: *mut f32,
}

impl Gradient {
    pub(super) fn pixels(&self) -> usize {
        self.batch * self.source.grid[0] * self.source.grid[1]
    }

    pub(super) fn elements(&self) -> usize {
        self.source.tap_count() * self.source.depth * self.features
    }

    /// In how many slices pixels are summed.
    pub(super) fn slices(&self) -> usize {
        (self.pixels() / SLICE).min(PARTIALS / self.elements().max(1)).clamp(1, SLICES)
    }

    /// Whether patches are read in place; depends on the sizes only. There have to be slices for all
    /// threads, each with lines of its own, and the sums to stay in a second-level cache.
    pub(super) fn is_direct(&self) -> bool {
        self.groups == 1
            && self.source.in_segments()
            && (2..=self.batch * self.source.grid[0]).contains(&self.slices())
            && self.elements() <= DIRECT
    }

    /// Numbers of one worker's memory: for patches or lines, and for a packed adjoint.
    pub(super) fn worker_len(&self, kernels: &Kernels) -> (usize, usize) {
        if self.is_direct() {
            return gradient_len(kernels, self);
        }
        let deepest = deepest(self.source.tap_count(), self.source.depth);
        let patches = PIXELS * stride_of(deepest) + kernels.lanes;
        (patches, PIXELS * self.filters.next_multiple_of(kernels.lanes) + kernels.lanes)
    }

    /// Where the sums of a slice lie.
    pub(super) fn sums(&self, slice: usize) -> *mut f32 {
        match slice.checked_sub(1) {
            None => self.result,
            Some(further) => self.partials.wrapping_add(further * self.elements()),
        }
    }

    /// One worker's share of slices, groups and blocks of the filter.
    ///
    /// # Safety
    ///
    /// The instruction set is available; source and adjoint are valid for the whole batch, result and
    /// partials for all sums, which nobody else accesses; `patches` and `packed` are this worker's alone
    /// and as long as [`worker_len`](Self::worker_len) says.
    pub unsafe fn run(
        &self,
        kernels: &Kernels,
        patches: *mut f32,
        packed: *mut f32,
        worker: usize,
        workers: usize,
    ) {
        let (taps, depth) = (self.source.tap_count(), self.source.depth);
        let (blocks, slices) = (block_count(taps, depth), self.slices());
        for item in share_of(slices * self.groups * blocks, workers, worker) {
            let (slice, group) = (item / (self.groups * blocks), item / blocks % self.groups);
            let block = block(taps, depth, item % blocks);
            let sums = self.sums(slice);
            let pixels = share_of(self.pixels(), slices, slice);
            for first in pixels.clone().step_by(PIXELS) {
                let chain = first..pixels.end.min(first + PIXELS);
                let more = first > pixels.start;
                // SAFETY: passed on.
                unsafe {
                    self.chain(kernels, (chain, more), group, &block, sums, [patches, packed])
                }
            }
        }
    }

    /// What one chain of pixels adds to a block of one group's filters.
    unsafe fn chain(
        &self,
        kernels: &Kernels,
        (pixels, accumulate): (Range<usize>, bool),
        group: usize,
        block: &Block,
        sums: *mut f32,
        [patches, packed]: [*mut f32; 2],
    ) {
        let stride = stride_of(block.depth);
        let channel = group * self.source.depth;
        // SAFETY: the group's channels are the source's; patches have room for the block.
        unsafe { self.source.gather(kernels, pixels.clone(), channel, block, patches, stride) };
        for first in (0..self.filters).step_by(kernels.width()) {
            let columns = (self.filters - first).min(kernels.width());
            let vectors = columns.div_ceil(kernels.lanes);
            let width = vectors * kernels.lanes;
            let feature = group * self.filters + first;
            let panel = Panel {
                source: self.adjoint.wrapping_add(pixels.start * self.features + feature),
                lane_stride: 1,
                depth_stride: self.features,
                lanes: columns,
                depth: pixels.len(),
                target: packed,
                width,
            };
            // SAFETY: these pixels and features lie within the adjoint, the packing memory has room.
            unsafe { (kernels.pack)(&panel) };
            let groups = block.depth.div_ceil(kernels.rows);
            for rows in (0..groups).map(|part| share_of(block.depth, groups, part)) {
                let tile = Tile {
                    depth: pixels.len(),
                    a: patches.wrapping_add(rows.start),
                    a_row_stride: 1,
                    a_depth_stride: stride,
                    b: packed,
                    b_depth_stride: width,
                    c: sums.wrapping_add((block.start + rows.start) * self.features + feature),
                    c_row_stride: self.features,
                    columns,
                    accumulate,
                };
                // SAFETY: these rows lie within the patches and the sums, the panel is packed.
                unsafe { kernels.micro(rows.len(), vectors, true)(&tile) }
            }
        }
    }
}

// SAFETY: workers only read source and adjoint, and write sums of their own.
unsafe impl Sync for Shared<Gradient> {}
