//! Patches: what some positions of a grid read of a source, one row each.

use super::taps::{Block, Taps};
use crate::run::matmul::kernel::{Kernels, Pieces};
use std::ops::Range;

/// Images that are read, and where positions of a grid read them.
#[derive(Clone, Copy)]
pub(super) struct Source {
    /// `[batch, height, width, channels]`.
    pub pointer: *const f32,
    pub size: [usize; 2],
    pub channels: usize,
    pub taps: [Taps; 2],
    /// Rows and columns of the grid.
    pub grid: [usize; 2],
    /// Channels that one group reads.
    pub depth: usize,
}

/// The row of patches that deep blocks of these take: whole lines of the cache, and no two rows at the
/// same place of a first-level cache.
pub(super) fn stride_of(depth: usize) -> usize {
    let whole = depth.next_multiple_of(16);
    if whole.is_multiple_of(512) { whole + 16 } else { whole }
}

impl Source {
    /// Elements of the filter that a position reads.
    pub fn tap_count(&self) -> usize {
        self.taps[0].count * self.taps[1].count
    }

    /// Writes the patches of positions `rows` of all images' grids, one after another: each `block.depth`
    /// numbers, `stride` apart, of the channels from `first_channel` on; 0 outside the images.
    ///
    /// # Safety
    ///
    /// The instruction set of `kernels` is available. The pointer is valid for as many images as the rows
    /// are from, of `channels` channels, which `first_channel + depth` does not exceed; `target` is
    /// valid for `rows.len() · stride` numbers and nobody else accesses it.
    pub unsafe fn gather(
        &self,
        kernels: &Kernels,
        rows: Range<usize>,
        first_channel: usize,
        block: &Block,
        target: *mut f32,
        stride: usize,
    ) {
        let [lines, columns] = self.grid;
        let [height, width] = self.size;
        let across = self.taps[1].count;
        // Elements side by side in a line of the image are one piece.
        let merged = self.taps[1].spread == 1 && block.channels.len() == self.channels;
        let mut row = rows.start;
        while row < rows.end {
            let (line, column) = (row / columns, row % columns);
            let (image, y) = (line / lines, line % lines);
            let among = column..columns.min(column + rows.end - row);
            let target = target.wrapping_add((row - rows.start) * stride);
            let mut tap = block.taps.start;
            while tap < block.taps.end {
                let (down, i) = (tap / across, tap % across);
                let run = if merged { (across - i).min(block.taps.end - tap) } else { 1 };
                let at = (tap - block.taps.start) * block.channels.len();
                let piece = Piece {
                    source: self,
                    i,
                    run,
                    channels: block.channels.len(),
                    target: target.wrapping_add(at),
                    stride,
                };
                let from = self.taps[0].place(y, down);
                // SAFETY: the line lies within the image; pieces lie within the block's rows.
                unsafe {
                    if (0..height as isize).contains(&from) {
                        let line = (image * height + from as usize) * width * self.channels;
                        let channel = first_channel + block.channels.start;
                        piece.copy(
                            kernels,
                            self.pointer.wrapping_add(line + channel),
                            among.clone(),
                        );
                    } else {
                        piece.zero(0..among.len());
                    }
                }
                tap += run;
            }
            row += among.len();
        }
    }
}

/// The elements from `i` on, `run` of them, of some positions side by side.
struct Piece<'a> {
    source: &'a Source,
    i: usize,
    run: usize,
    channels: usize,
    target: *mut f32,
    stride: usize,
}

impl Piece<'_> {
    /// Zeros for these positions.
    unsafe fn zero(&self, positions: Range<usize>) {
        for position in positions {
            // SAFETY: the caller's target has room for the piece of each position.
            unsafe {
                self.target.add(position * self.stride).write_bytes(0, self.run * self.channels);
            }
        }
    }

    /// The pieces of the positions `among` of a line of the image.
    unsafe fn copy(&self, kernels: &Kernels, line: *const f32, among: Range<usize>) {
        let (taps, width) = (&self.source.taps[1], self.source.size[1]);
        let whole = taps.within(self.i, self.run, width, among.clone());
        let first = among.start;
        // SAFETY: positions in `whole` read within the line; of others, what lies within is copied.
        unsafe {
            for p in (among.start..whole.start).chain(whole.end..among.end) {
                self.zero(p - first..p - first + 1);
                let at = taps.place(p, self.i);
                let start = at.saturating_neg().clamp(0, self.run as isize);
                let end = (width as isize - at).clamp(start, self.run as isize);
                if start < end {
                    let from = line.add((at + start) as usize * self.source.channels);
                    let to = self.target.add((p - first) * self.stride);
                    let to = to.add(start as usize * self.channels);
                    from.copy_to_nonoverlapping(to, (end - start) as usize * self.channels);
                }
            }
            if !whole.is_empty() {
                let at = taps.place(whole.start, self.i) as usize;
                (kernels.copy)(&Pieces {
                    source: line.add(at * self.source.channels),
                    source_step: taps.step * self.source.channels,
                    target: self.target.add((whole.start - first) * self.stride),
                    target_step: self.stride,
                    count: whole.len(),
                    length: self.run * self.channels,
                });
            }
        }
    }
}
