//! Products that read their patches in place, in lines of images with zeros around them.

use super::after::{After, share};
use super::filter::Gradient;
use super::product::Product;
use super::strip::{Strip, micro};
use crate::run::isa::Isa;
use crate::run::matmul::kernel::{Kernels, Panel};
use crate::run::pool::share_of;

/// Pixels that are summed in one chain of a filter's gradient. Part of the law of same bits.
const PIXELS: usize = 128;

impl Product {
    /// The results of one worker's share of all lines.
    ///
    /// # Safety
    ///
    /// As for [`run`](Product::run); `room` is this worker's alone and as long as
    /// [`lines_len`](super::patches::Source::lines_len) says of
    /// [`rows_together`](super::patches::Source::rows_together). There is one group.
    pub unsafe fn run_direct(
        &self,
        isa: Isa,
        packed: *const f32,
        room: *mut f32,
        [worker, workers]: [usize; 2],
        after: Option<&After<'_>>,
    ) {
        let kernels = Kernels::of(isa);
        let source = &self.source;
        let ([lines, columns], [down, across]) = (source.grid, source.taps);
        let [image_step, line_step, step] = self.target_steps;
        let depth = across.count * source.depth;
        let tiles = columns.div_ceil(kernels.rows);
        let mut share = share(after, self.units(false), workers, worker);
        let mut done = after.map(|after| after.worker(worker, share.start * columns));
        while !share.is_empty() {
            let (image, y) = (share.start / lines, share.start % lines);
            let rows = y..lines.min(y + source.rows_together().min(share.len()));
            share.start += rows.len();
            // SAFETY: the image is of the batch, and the room is long enough for these rows.
            let held = unsafe { source.lines(image, rows.clone(), room) };
            for panel in (0..self.gives).step_by(kernels.width()) {
                let columns_of_panel = (self.gives - panel).min(kernels.width());
                let vectors = columns_of_panel.div_ceil(kernels.lanes);
                let width = vectors * kernels.lanes;
                for row in rows.clone() {
                    let line = (row - rows.start) * down.step * held.pitch;
                    let to = image * image_step + row * line_step + panel;
                    for tile in (0..tiles).map(|tile| share_of(columns, tiles, tile)) {
                        let at = line + tile.start * across.step * source.channels;
                        let strip = Strip {
                            segments: down.count,
                            depth,
                            a: held.start.wrapping_add(at),
                            a_row_stride: across.step * source.channels,
                            a_depth_stride: 1,
                            a_segment: down.spread.unsigned_abs() * held.pitch,
                            b: packed.wrapping_add(self.packed_at(kernels, 0, panel)),
                            b_depth_stride: width,
                            b_segment: depth * width,
                            c: self.target.wrapping_add(to + tile.start * step),
                            c_row_stride: step,
                            columns: columns_of_panel,
                            accumulate: false,
                        };
                        // SAFETY: the lines hold what these positions read, the panel is packed, and
                        // the results are this worker's.
                        unsafe { micro(isa, tile.len(), vectors, false)(&strip) }
                    }
                }
            }
            if let Some(done) = &mut done {
                done.until(share.start * columns, share.is_empty());
            }
        }
    }
}

/// Numbers of one worker's memory for a filter's gradient: for lines, and for a packed adjoint.
pub(super) fn gradient_len(kernels: &Kernels, gradient: &Gradient) -> (usize, usize) {
    let source = &gradient.source;
    let lines = source.lines_len(source.rows_together());
    let pixels = rows_of_chain(gradient) * source.grid[1];
    (lines, pixels * gradient.filters.next_multiple_of(kernels.lanes) + kernels.lanes)
}

/// Rows of a grid that are summed in one chain.
fn rows_of_chain(gradient: &Gradient) -> usize {
    let [lines, columns] = gradient.source.grid;
    (PIXELS / columns.max(1)).clamp(1, lines.max(1))
}

impl Gradient {
    /// One worker's share of slices.
    ///
    /// # Safety
    ///
    /// As for [`run`](Gradient::run), with memory as long as [`gradient_len`] says. There is one group.
    pub unsafe fn run_direct(
        &self,
        isa: Isa,
        room: *mut f32,
        packed: *mut f32,
        worker: usize,
        workers: usize,
    ) {
        let kernels = Kernels::of(isa);
        let source = &self.source;
        let [lines, columns] = source.grid;
        let slices = self.slices();
        for slice in share_of(slices, workers, worker) {
            let sums = self.sums(slice);
            let mut rows = share_of(self.batch * lines, slices, slice);
            let first = rows.start;
            while !rows.is_empty() {
                let (image, y) = (rows.start / lines, rows.start % lines);
                let together = y..lines.min(y + source.rows_together().min(rows.len()));
                // SAFETY: the image is of the batch, and the room is long enough for these rows.
                let held = unsafe { source.lines(image, together.clone(), room) };
                for start in together.clone().step_by(rows_of_chain(self)) {
                    let count = rows_of_chain(self).min(together.end - start);
                    let line = (start - together.start) * source.taps[0].step * held.pitch;
                    let pixel = (image * lines + start) * columns;
                    let more = rows.start + start - y > first;
                    // SAFETY: these lines are laid out and these pixels of the adjoint's.
                    unsafe {
                        self.pack_adjoint(kernels, pixel, count * columns, packed);
                        let from = held.start.wrapping_add(line);
                        self.rows(isa, (from, held.pitch), count, packed, (sums, more));
                    }
                }
                rows.start += together.len();
            }
        }
    }

    /// Packs all panels of some pixels' adjoint.
    unsafe fn pack_adjoint(&self, kernels: &Kernels, pixel: usize, count: usize, packed: *mut f32) {
        for first in (0..self.filters).step_by(kernels.width()) {
            let lanes = (self.filters - first).min(kernels.width());
            let panel = Panel {
                source: self.adjoint.wrapping_add(pixel * self.features + first),
                lane_stride: 1,
                depth_stride: self.features,
                lanes,
                depth: count,
                target: packed.wrapping_add(first * count),
                width: lanes.next_multiple_of(kernels.lanes),
            };
            // SAFETY: these pixels and features lie within the adjoint, the memory has room for them.
            unsafe { (kernels.pack)(&panel) };
        }
    }

    /// What some rows of the grid, whose lines begin at `from`, add to the sums.
    unsafe fn rows(
        &self,
        isa: Isa,
        (from, pitch): (*const f32, usize),
        count: usize,
        packed: *const f32,
        (sums, accumulate): (*mut f32, bool),
    ) {
        let kernels = Kernels::of(isa);
        let source = &self.source;
        let ([down, across], columns) = (source.taps, source.grid[1]);
        let depth = across.count * source.depth;
        let tiles = depth.div_ceil(kernels.rows);
        for first in (0..self.filters).step_by(kernels.width()) {
            let lanes = (self.filters - first).min(kernels.width());
            let vectors = lanes.div_ceil(kernels.lanes);
            let width = vectors * kernels.lanes;
            for tap in 0..down.count {
                let line = from.wrapping_add(tap * down.spread.unsigned_abs() * pitch);
                for tile in (0..tiles).map(|tile| share_of(depth, tiles, tile)) {
                    let to = (tap * depth + tile.start) * self.features + first;
                    let strip = Strip {
                        segments: count,
                        depth: columns,
                        a: line.wrapping_add(tile.start),
                        a_row_stride: 1,
                        a_depth_stride: across.step * source.channels,
                        a_segment: down.step * pitch,
                        b: packed.wrapping_add(first * count * columns),
                        b_depth_stride: width,
                        b_segment: columns * width,
                        c: sums.wrapping_add(to),
                        c_row_stride: self.features,
                        columns: lanes,
                        accumulate,
                    };
                    // SAFETY: the lines hold what these elements of the filter meet, the panel is
                    // packed, and the sums are this worker's.
                    unsafe { micro(isa, tile.len(), vectors, true)(&strip) }
                }
            }
        }
    }
}
