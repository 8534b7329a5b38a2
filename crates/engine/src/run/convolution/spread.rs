//! The transposed convolution to few channels: what each pixel of the output gives to all elements of
//! the filter is one product of matrices, and is added to the input where the filter lay.

use super::Shared;
use crate::op::Stencil;
use crate::run::matmul::kernel::{Kernels, Panel, Tile};
use crate::run::pool::share_of;
use std::ops::Range;

/// The most numbers of products at a time.
const ROOM: usize = 64 * 1024;

/// A convolution's input from its output and filter; there is one group.
#[derive(Clone, Copy)]
pub(super) struct Spread {
    pub stencil: Stencil,
    pub output: *const f32,
    pub filter: *const f32,
    pub input: *mut f32,
}

/// Numbers that one pixel of the output gives.
fn given(s: &Stencil) -> usize {
    s.sliding[0].taps * s.sliding[1].taps * s.channels
}

/// Whether this costs less than a product for each pixel of the input, in vectors of 16 numbers.
pub(super) fn pays(s: &Stencil) -> bool {
    let [height, width] = s.sliding;
    let taps = height.taps.div_ceil(height.stride) * width.taps.div_ceil(width.stride);
    let each = taps * s.features * s.channels.div_ceil(16);
    let spread = s.features * given(s).div_ceil(16) + 2 * given(s);
    let (pixels, windows) = (height.input * width.input, s.outputs[0] * s.outputs[1]);
    s.groups == 1 && windows.saturating_mul(spread) < pixels.saturating_mul(each)
}

/// Numbers of memory for the packed filter, in vectors of so many.
pub(super) fn packed_len(lanes: usize, s: &Stencil) -> usize {
    given(s).next_multiple_of(lanes) * s.features + lanes
}

/// Lines of the output at a time.
fn lines_together(s: &Stencil) -> usize {
    let line = given(s).saturating_mul(s.outputs[1]).max(1);
    // A register tile's rows at least.
    (ROOM / line).max(14usize.div_ceil(s.outputs[1].max(1))).min(s.batch * s.outputs[0]).max(1)
}

/// Numbers of memory for one worker's products.
pub(super) fn products_len(s: &Stencil) -> usize {
    lines_together(s) * s.outputs[1] * given(s)
}

impl Spread {
    /// Packs one worker's share of the panels of the filter, each `[features, elements and channels]`.
    ///
    /// # Safety
    ///
    /// The instruction set is available, the filter valid, and `packed` as long as [`packed_len`] says;
    /// nobody else accesses these panels.
    pub unsafe fn pack(&self, kernels: &Kernels, packed: *mut f32, worker: usize, workers: usize) {
        let (given, features) = (given(&self.stencil), self.stencil.features);
        let panels = given.div_ceil(kernels.width());
        for panel in share_of(panels, workers, worker) {
            let first = panel * kernels.width();
            let lanes = (given - first).min(kernels.width());
            let panel = Panel {
                source: self.filter.wrapping_add(first * features),
                lane_stride: features,
                depth_stride: 1,
                lanes,
                depth: features,
                target: packed.wrapping_add(first * features),
                width: lanes.next_multiple_of(kernels.lanes),
            };
            // SAFETY: these elements lie within the filter, and the memory has room for them.
            unsafe { (kernels.pack)(&panel) }
        }
    }

    /// One worker's share of the input's lines.
    ///
    /// # Safety
    ///
    /// As for [`pack`](Self::pack), which has packed; output and input are valid for the whole batch and
    /// nobody else accesses these lines of the input; `products` is this worker's alone and as long as
    /// [`products_len`] says.
    pub unsafe fn run(
        &self,
        kernels: &Kernels,
        packed: *const f32,
        products: *mut f32,
        worker: usize,
        workers: usize,
    ) {
        let s = &self.stencil;
        let ([height, width], [rows, columns]) = (s.sliding, s.outputs);
        let share = share_of(s.batch * height.input, workers, worker);
        if share.is_empty() {
            return;
        }
        let line = width.input * s.channels;
        // SAFETY: these lines are this worker's.
        let input = unsafe {
            let start = self.input.wrapping_add(share.start * line);
            std::slice::from_raw_parts_mut(start, share.len() * line)
        };
        input.fill(0.0);
        // The output's lines that went over the share's first and last line.
        let (first, last) = (share.start, share.end - 1);
        let reach = (first % height.input + height.before + 1).saturating_sub(height.extent());
        let start = first / height.input * rows + reach.div_ceil(height.stride).min(rows);
        let end = (last % height.input + height.before) / height.stride + 1;
        let end = last / height.input * rows + end.min(rows);
        for start in (start..end).step_by(lines_together(s)) {
            let lines = start..end.min(start + lines_together(s));
            let pixels = lines.start * columns..lines.end * columns;
            // SAFETY: these are pixels of the output, and the memory has room for their products.
            let products = unsafe {
                self.multiply(kernels, packed, pixels.clone(), products);
                std::slice::from_raw_parts(products, pixels.len() * given(s))
            };
            for (index, line) in lines.enumerate() {
                let held = columns * given(s);
                self.add(line, &products[index * held..(index + 1) * held], &share, input);
            }
        }
    }

    /// What some pixels of the output give to all elements of the filter.
    unsafe fn multiply(
        &self,
        kernels: &Kernels,
        packed: *const f32,
        pixels: Range<usize>,
        products: *mut f32,
    ) {
        let (given, features) = (given(&self.stencil), self.stencil.features);
        let tiles = pixels.len().div_ceil(kernels.rows);
        for panel in (0..given).step_by(kernels.width()) {
            let columns = (given - panel).min(kernels.width());
            let vectors = columns.div_ceil(kernels.lanes);
            for tile in (0..tiles).map(|tile| share_of(pixels.len(), tiles, tile)) {
                let at = (pixels.start + tile.start) * features;
                let of = Tile {
                    depth: features,
                    a: self.output.wrapping_add(at),
                    a_row_stride: features,
                    a_depth_stride: 1,
                    b: packed.wrapping_add(panel * features),
                    b_depth_stride: vectors * kernels.lanes,
                    c: products.wrapping_add(tile.start * given + panel),
                    c_row_stride: given,
                    columns,
                    accumulate: false,
                };
                // SAFETY: these pixels lie within the output, the panel is packed, and the products
                // have room for them.
                unsafe { kernels.micro(tile.len(), vectors, false)(&of) }
            }
        }
    }

    /// Adds the products of a line of the output to those lines of the input that are in `share`,
    /// element by element of the filter.
    fn add(&self, line: usize, products: &[f32], share: &Range<usize>, input: &mut [f32]) {
        let s = &self.stencil;
        let ([height, width], channels) = (s.sliding, s.channels);
        let (image, row) = (line / s.outputs[0], line % s.outputs[0]);
        for tap in 0..height.taps * width.taps {
            let (down, across) = (tap / width.taps, tap % width.taps);
            let windows = width.windows_at(across, s.outputs[1]);
            let to = image * height.input + height.place(down, row);
            if !height.windows_at(down, s.outputs[0]).contains(&row)
                || !share.contains(&to)
                || windows.is_empty()
            {
                continue;
            }
            let at = (to - share.start) * width.input + width.place(across, windows.start);
            let from = &products[windows.start * given(s) + tap * channels..];
            let steps = [given(s), width.stride * channels];
            let to = &mut input[at * channels..];
            match channels {
                1 => add_pieces::<1>(windows.len(), 1, from, to, steps),
                3 => add_pieces::<3>(windows.len(), 3, from, to, steps),
                _ => add_pieces::<0>(windows.len(), channels, from, to, steps),
            }
        }
    }
}

/// `to[i · to_step + j] += from[i · from_step + j]` for each `i` below `count` and `j` below `length`,
/// which `LENGTH` is unless it is 0.
fn add_pieces<const LENGTH: usize>(
    count: usize,
    length: usize,
    from: &[f32],
    to: &mut [f32],
    [from_step, to_step]: [usize; 2],
) {
    let length = if LENGTH > 0 { LENGTH } else { length };
    let last = count - 1;
    let (from, to) = (&from[..last * from_step + length], &mut to[..last * to_step + length]);
    for i in 0..count {
        // SAFETY: both ends were checked above.
        let (from, to) = unsafe {
            (
                from.get_unchecked(i * from_step..i * from_step + length),
                to.get_unchecked_mut(i * to_step..i * to_step + length),
            )
        };
        to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
    }
}

// SAFETY: workers only read output and filter, and write lines of their own.
unsafe impl Sync for Shared<Spread> {}
