//! Convolutions of each channel by itself: no product of matrices, but sums channel by channel.

use super::Shared;
use super::after::{After, share};
use super::fold::{Fold, SUMS};
use super::taps::Taps;
use crate::op::{Convolved, Stencil};
use crate::run::isa::Isa;
use crate::run::matmul::vector::fetch;
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
    /// What workers have shares of where something comes after: how many, and the pixels of each.
    pub fn units(&self) -> (usize, usize) {
        let [height, width] = self.stencil.sliding;
        match self.gives {
            Convolved::Output => {
                (self.stencil.batch * self.stencil.outputs[0], self.stencil.outputs[1])
            }
            _ => (self.stencil.batch * height.input, width.input),
        }
    }

    /// One worker's share.
    ///
    /// # Safety
    ///
    /// The instruction set is available, the arrays are valid, and nobody else accesses what this worker
    /// writes.
    pub unsafe fn run(&self, isa: Isa, [worker, workers]: [usize; 2], after: Option<&After<'_>>) {
        let [height, width] = self.stencil.sliding;
        let channels = self.stencil.channels;
        // SAFETY: passed on.
        unsafe {
            match self.gives {
                Convolved::Filter => {
                    let slices = slices(self.stencil.batch);
                    for slice in share_of(slices, workers, worker) {
                        self.slice(isa, slice, share_of(self.stencil.batch, slices, slice));
                    }
                }
                Convolved::Output => {
                    let [rows, columns] = self.stencil.outputs;
                    let taps = [Taps::forward(&height), Taps::forward(&width)];
                    let lines = share(after, self.units(), workers, worker);
                    let mut done = after.map(|after| after.worker(worker, lines.start * columns));
                    for line in lines.clone() {
                        let to = self.output.wrapping_add(line * columns * channels);
                        let place = [line / rows, line % rows];
                        self.line(isa, &taps, place, columns, to, channels);
                        if let Some(done) = &mut done {
                            done.until((line + 1) * columns, line + 1 == lines.end);
                        }
                    }
                }
                Convolved::Input => {
                    let lines = share(after, self.units(), workers, worker);
                    // Behind several phases there is no loop.
                    let first = lines.start * width.input;
                    let mut done = after.map(|after| after.worker(worker, first));
                    for phase in 0..width.stride.min(width.input) {
                        let across = Taps::backward(&width, phase);
                        for line in lines.clone() {
                            let y = line % height.input;
                            let down = Taps::backward(&height, y % height.stride);
                            let to = (line * width.input + phase) * channels;
                            let place = [line / height.input, y / height.stride];
                            let columns = (width.input - phase).div_ceil(width.stride);
                            let to = self.input.wrapping_add(to);
                            let next = width.stride * channels;
                            self.line(isa, &[down, across], place, columns, to, next);
                            if let Some(done) = &mut done {
                                done.until((line + 1) * width.input, line + 1 == lines.end);
                            }
                        }
                    }
                }
            }
        }
    }

    /// A line of `columns` results, `next` apart: some side by side where all of the filter lies within the
    /// line, one by one at its ends.
    unsafe fn line(
        &self,
        isa: Isa,
        taps: &[Taps; 2],
        [image, y]: [usize; 2],
        columns: usize,
        target: *mut f32,
        next: usize,
    ) {
        let Stencil { sliding: [_, width], outputs, .. } = self.stencil;
        let size = match self.gives {
            Convolved::Output => width.input,
            _ => outputs[1],
        };
        let across = &taps[1];
        let last = (across.count.max(1) - 1) as isize * across.spread;
        let inner = across.within(0, last as usize + 1, size, 0..columns);
        let strips = inner.len().div_ceil(SUMS);
        // SAFETY: the caller's target has room for the line.
        unsafe {
            let fold = |x: usize, count: usize| {
                let to = target.wrapping_add(x * next);
                self.pixels(isa, taps, [image, y, x], (count, to, next));
            };
            for x in (0..inner.start).chain(inner.end..columns) {
                fold(x, 1);
            }
            for strip in 0..strips {
                self.ask_ahead(&taps[0], [image, y], target, (strip, strips));
                let strip = share_of(inner.len(), strips, strip);
                fold(inner.start + strip.start, strip.len());
            }
        }
    }

    /// Asks for one of so many parts of the lines that come next, of what is read and of the target:
    /// with their channels side by side strips jump about too much for the machine to see it by itself.
    fn ask_ahead(
        &self,
        down: &Taps,
        [image, y]: [usize; 2],
        target: *mut f32,
        (part, parts): (usize, usize),
    ) {
        let Stencil { sliding: [height, width], outputs, channels, .. } = self.stencil;
        let (from, [lines, columns], given) = match self.gives {
            Convolved::Output => (self.input, [height.input, width.input], outputs[1]),
            _ => (self.output, outputs, width.input),
        };
        // Beyond the end of an image the next begins.
        let next = (image * lines) as isize + down.place(y + 1, down.count.saturating_sub(1));
        let from = from.wrapping_offset(next * (columns * channels) as isize);
        ask(from, columns * channels, (part, parts));
        ask(target.wrapping_add(given * channels), given * channels, (part, parts));
    }

    /// Some pixels: the sums over the elements of the filter that lie within the other images, which are
    /// the same for all of them.
    unsafe fn pixels(
        &self,
        isa: Isa,
        taps: &[Taps; 2],
        [image, y, x]: [usize; 3],
        (count, target, next): (usize, *mut f32, usize),
    ) {
        let Stencil { sliding: [height, width], outputs, channels, .. } = self.stencil;
        let (from, [lines, columns]) = match self.gives {
            Convolved::Output => (self.input, [height.input, width.input]),
            _ => (self.output, outputs),
        };
        let (down, across) = (&taps[0], &taps[1]);
        let (rows, steps) = (reached(down, y, lines), reached(across, x, columns));
        if rows.is_empty() || steps.is_empty() {
            for index in 0..count {
                // SAFETY: the caller's target has room for all channels.
                unsafe { target.add(index * next).write_bytes(0, channels) };
            }
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
            a_next: across.step * channels,
            b: self.filter.wrapping_add(element * channels).cast_const(),
            b_line: down.tap_step() * width.taps as isize * channel,
            b_step: across.tap_step() * channel,
            lines: rows.len(),
            steps: steps.len(),
            channels,
            target,
            target_next: next,
            count,
            accumulate: false,
        };
        // SAFETY: the rectangles lie within the images and the filter.
        unsafe { fold.run(isa) }
    }

    /// The filter's gradient of some images: one after another, element by element of the filter.
    unsafe fn slice(&self, isa: Isa, slice: usize, images: Range<usize>) {
        let Stencil { sliding: [height, width], outputs, channels, .. } = self.stencil;
        let elements = height.taps * width.taps * channels;
        let sums = match slice.checked_sub(1) {
            None => self.filter,
            Some(further) => self.partials.wrapping_add(further * elements),
        };
        // SAFETY: the slice's sums are this worker's.
        unsafe { sums.write_bytes(0, elements) };
        let windows = |across: Range<usize>| {
            // The windows in which all these elements lie within the line.
            let all = across.map(|across| width.windows_at(across, outputs[1]));
            all.reduce(|a, b| a.start.max(b.start)..a.end.min(b.end)).unwrap_or(0..0)
        };
        let lines = images.start * outputs[0]..images.end * outputs[0];
        let taps = (0..height.taps).flat_map(|down| {
            let strips = width.taps.div_ceil(SUMS);
            (0..strips).map(move |strip| (down, share_of(width.taps, strips, strip)))
        });
        for (line, (down, across)) in lines.flat_map(|line| taps.clone().map(move |t| (line, t))) {
            let (image, row) = (line / outputs[0], line % outputs[0]);
            if !height.windows_at(down, outputs[0]).contains(&row) {
                continue;
            }
            let input = (image * height.input + height.place(down, row)) * width.input;
            let last = (height.taps - 1) * height.dilation;
            let next = image * height.input + (row + 1) * height.stride + last;
            let next = next.saturating_sub(height.before) * width.input * channels;
            let part = (down, height.taps);
            ask(self.input.wrapping_add(next), width.input * channels, part);
            let next = (line + 1) * outputs[1] * channels;
            ask(self.output.wrapping_add(next), outputs[1] * channels, part);
            let add = |across: Range<usize>, windows: Range<usize>| {
                if windows.is_empty() {
                    return;
                }
                let input = input + width.place(across.start, windows.start);
                let output = line * outputs[1] + windows.start;
                let fold = Fold {
                    a: self.input.wrapping_add(input * channels).cast_const(),
                    a_line: 0,
                    a_step: (width.stride * channels) as isize,
                    a_next: width.dilation * channels,
                    b: self.output.wrapping_add(output * channels).cast_const(),
                    b_line: 0,
                    b_step: channels as isize,
                    lines: 1,
                    steps: windows.len(),
                    channels,
                    target: sums.wrapping_add((down * width.taps + across.start) * channels),
                    target_next: channels,
                    count: across.len(),
                    accumulate: true,
                };
                // SAFETY: the elements lie within the image for these windows; the slice's sums are
                // this worker's.
                unsafe { fold.run(isa) }
            };
            let common = windows(across.clone());
            let common = common.start..common.end.max(common.start);
            for one in across.clone() {
                let all = windows(one..one + 1);
                add(one..one + 1, all.start..all.end.min(common.start));
                add(one..one + 1, all.start.max(common.end)..all.end);
            }
            add(across, common);
        }
    }
}

/// Asks for one of so many parts of the numbers from `start` on, which need not be valid.
fn ask(start: *const f32, count: usize, (part, parts): (usize, usize)) {
    let part = share_of(count, parts, part);
    fetch(start.wrapping_add(part.start).cast(), part.len() * size_of::<f32>());
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
