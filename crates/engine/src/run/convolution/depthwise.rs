//! Convolutions of each channel by itself: no product of matrices, but sums channel by channel.

use super::Shared;
use super::taps::Taps;
use crate::op::{Convolved, Stencil};
use crate::run::matmul::kernel::{Fold, Kernels};
use crate::run::pool::share_of;
use std::ops::Range;

/// A convolution with a filter `[taps, taps, 1, channels]`, and its three arrays.
#[derive(Clone, Copy)]
pub(super) struct Depthwise {
    pub stencil: Stencil,
    pub gives: Convolved,
    pub input: *mut f32,
    pub filter: *mut f32,
    pub output: *mut f32,
    /// Of the filter's gradient, the sums of all slices of images but the first.
    pub partials: *mut f32,
}

impl Depthwise {
    /// One worker's share.
    ///
    /// # Safety
    ///
    /// The instruction set is available, the arrays are valid, and nobody else accesses what this worker
    /// writes.
    pub unsafe fn run(&self, kernels: &Kernels, worker: usize, workers: usize) {
        let [height, width] = self.stencil.sliding;
        let channels = self.stencil.channels;
        // SAFETY: passed on.
        unsafe {
            match self.gives {
                Convolved::Filter => {
                    let slices = slices(self.stencil.batch);
                    for slice in share_of(slices, workers, worker) {
                        self.slice(kernels, slice, share_of(self.stencil.batch, slices, slice));
                    }
                }
                Convolved::Output => {
                    let [rows, columns] = self.stencil.outputs;
                    let taps = [Taps::forward(&height), Taps::forward(&width)];
                    let lines = share_of(self.stencil.batch * rows, workers, worker);
                    for line in lines {
                        for x in 0..columns {
                            let to = (line * columns + x) * channels;
                            let place = [line / rows, line % rows, x];
                            self.pixel(kernels, &taps, place, self.output.wrapping_add(to));
                        }
                    }
                }
                Convolved::Input => {
                    let lines = share_of(self.stencil.batch * height.input, workers, worker);
                    for phase in 0..width.stride.min(width.input) {
                        let across = Taps::backward(&width, phase);
                        for line in lines.clone() {
                            let y = line % height.input;
                            let down = Taps::backward(&height, y % height.stride);
                            for x in (phase..width.input).step_by(width.stride) {
                                let to = (line * width.input + x) * channels;
                                let place =
                                    [line / height.input, y / height.stride, x / width.stride];
                                let to = self.input.wrapping_add(to);
                                self.pixel(kernels, &[down, across], place, to);
                            }
                        }
                    }
                }
            }
        }
    }

    /// One pixel: the sum over the elements of the filter that lie within the other images.
    unsafe fn pixel(
        &self,
        kernels: &Kernels,
        taps: &[Taps; 2],
        [image, y, x]: [usize; 3],
        target: *mut f32,
    ) {
        let Stencil { sliding: [height, width], outputs, channels, .. } = self.stencil;
        let (from, [lines, columns]) = match self.gives {
            Convolved::Output => (self.input, [height.input, width.input]),
            _ => (self.output, outputs),
        };
        let (down, across) = (&taps[0], &taps[1]);
        let (rows, steps) = (reached(down, y, lines), reached(across, x, columns));
        if rows.is_empty() || steps.is_empty() {
            // SAFETY: the caller's target has room for all channels.
            unsafe { target.write_bytes(0, channels) };
            return;
        }
        let (line, at) = (down.place(y, rows.start), across.place(x, steps.start));
        let source = (image * lines + line as usize) * columns + at as usize;
        let element = down.tap(rows.start) * width.taps + across.tap(steps.start);
        let channel = channels as isize;
        let fold = Fold {
            a: from.wrapping_add(source * channels).cast_const(),
            a_line: down.spread * columns as isize * channel,
            a_step: across.spread * channel,
            b: self.filter.wrapping_add(element * channels).cast_const(),
            b_line: down.tap_step() * width.taps as isize * channel,
            b_step: across.tap_step() * channel,
            lines: rows.len(),
            steps: steps.len(),
            channels,
            target,
            accumulate: false,
        };
        // SAFETY: the rectangle lies within the images and the filter.
        unsafe { (kernels.fold)(&fold) }
    }

    /// The filter's gradient of some images: one after another, element by element of the filter.
    unsafe fn slice(&self, kernels: &Kernels, slice: usize, images: Range<usize>) {
        let Stencil { sliding: [height, width], outputs, channels, .. } = self.stencil;
        let elements = height.taps * width.taps * channels;
        let sums = match slice.checked_sub(1) {
            None => self.filter,
            Some(further) => self.partials.wrapping_add(further * elements),
        };
        for image in images.clone() {
            for tap in 0..height.taps * width.taps {
                let (down, across) = (tap / width.taps, tap % width.taps);
                let rows = height.windows_at(down, outputs[0]);
                let steps = width.windows_at(across, outputs[1]);
                let input = (image * height.input + height.place(down, rows.start)) * width.input
                    + width.place(across, steps.start);
                let output = (image * outputs[0] + rows.start) * outputs[1] + steps.start;
                let fold = Fold {
                    a: self.input.wrapping_add(input * channels).cast_const(),
                    a_line: (height.stride * width.input * channels) as isize,
                    a_step: (width.stride * channels) as isize,
                    b: self.output.wrapping_add(output * channels).cast_const(),
                    b_line: (outputs[1] * channels) as isize,
                    b_step: channels as isize,
                    // With nothing to read in one direction, there is nothing in the other.
                    lines: if steps.is_empty() { 0 } else { rows.len() },
                    steps: steps.len(),
                    channels,
                    target: sums.wrapping_add(tap * channels),
                    accumulate: image > images.start,
                };
                // SAFETY: the element lies within the image for these windows; the slice's sums are this
                // worker's.
                unsafe { (kernels.fold)(&fold) }
            }
        }
    }
}

/// In how many slices so many images are summed. Part of the law of same bits.
pub(super) fn slices(batch: usize) -> usize {
    batch.clamp(1, 16)
}

/// The elements of `taps` that position `p` reads within `0..size`.
fn reached(taps: &Taps, p: usize, size: usize) -> Range<usize> {
    let at = taps.place(p, 0);
    if at >= 0 && taps.place(p, taps.count) - taps.spread < size as isize {
        return 0..taps.count;
    }
    let spread = taps.spread.max(1);
    let start = (at.saturating_neg().max(0) as usize).div_ceil(spread as usize).min(taps.count);
    let room = size as isize - at;
    let end = if room <= 0 { 0 } else { ((room - 1) / spread + 1) as usize };
    start..end.clamp(start, taps.count)
}

// SAFETY: workers write pixels or channels of their own and only read what no worker writes.
unsafe impl Sync for Shared<Depthwise> {}
