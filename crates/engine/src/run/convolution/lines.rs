//! Lines of images with zeros around them, so that the register kernel reads patches in place.

use super::patches::Source;
use std::ops::Range;

/// The most numbers of lines that are laid out at a time: they stay in a second-level cache.
const ROOM: usize = 48 * 1024;

/// Lines of one image: those that some rows of a grid read.
pub(super) struct Lines {
    /// What element (0, 0) of the first position of the first row reads.
    pub start: *const f32,
    /// From one line to the next.
    pub pitch: usize,
}

impl Source {
    /// Whether positions of the grid can read their patches in lines: all channels of a line's taps lie
    /// side by side.
    pub fn in_segments(&self) -> bool {
        self.depth == self.channels && (self.taps[1].count == 1 || self.taps[1].spread == 1)
    }

    /// Places that the rows or columns `positions` of the grid read along `axis`.
    fn extent(&self, axis: usize, positions: usize) -> usize {
        let taps = &self.taps[axis];
        (positions - 1) * taps.step + (taps.count - 1) * taps.spread.unsigned_abs() + 1
    }

    /// Whether nothing outside the image is read, so that there is nothing to lay out.
    fn inside(&self) -> bool {
        (0..2).all(|axis| {
            let first = self.taps[axis].offset;
            first >= 0 && first as usize + self.extent(axis, self.grid[axis]) <= self.size[axis]
        })
    }

    fn pitch(&self) -> usize {
        match self.inside() {
            true => self.size[1] * self.channels,
            false => self.extent(1, self.grid[1]) * self.channels,
        }
    }

    /// Numbers of memory for the lines that so many rows of the grid read.
    pub fn lines_len(&self, rows: usize) -> usize {
        if self.inside() { 0 } else { self.extent(0, rows) * self.pitch() }
    }

    /// How many rows of the grid are done at a time.
    pub fn rows_together(&self) -> usize {
        let lines = (ROOM / self.pitch().max(1)).max(1);
        let more = lines.saturating_sub(self.extent(0, 1)) / self.taps[0].step;
        (1 + more).min(self.grid[0])
    }

    /// Lays out the lines that `rows` of an image's grid read.
    ///
    /// # Safety
    ///
    /// The pointer is valid for the image, and `room` this worker's alone and as long as
    /// [`lines_len`](Self::lines_len) says.
    pub unsafe fn lines(&self, image: usize, rows: Range<usize>, room: *mut f32) -> Lines {
        let [height, width] = self.size;
        let pitch = self.pitch();
        let line = width * self.channels;
        let image = self.pointer.wrapping_add(image * height * line);
        let (top, left) = (self.taps[0].place(rows.start, 0), self.taps[1].offset);
        if self.inside() {
            let at = (top as usize * width + left as usize) * self.channels;
            return Lines { start: image.wrapping_add(at), pitch };
        }
        let columns = pitch / self.channels;
        let (first, before) = (left.max(0) as usize, left.saturating_neg().max(0) as usize);
        let before = before.min(columns);
        let count = width.saturating_sub(first).min(columns - before);
        for index in 0..self.extent(0, rows.len()) {
            let from = top + index as isize;
            let to = room.wrapping_add(index * pitch);
            // SAFETY: `count` positions from `first` on lie within the line of the image, and all that is
            // written within this line of the room.
            unsafe {
                if !(0..height as isize).contains(&from) || count == 0 {
                    to.write_bytes(0, pitch);
                    continue;
                }
                let (start, end) = (before * self.channels, (before + count) * self.channels);
                let source = image.wrapping_add(from as usize * line + first * self.channels);
                to.write_bytes(0, start);
                source.copy_to_nonoverlapping(to.wrapping_add(start), end - start);
                to.wrapping_add(end).write_bytes(0, pitch - end);
            }
        }
        Lines { start: room, pitch }
    }
}
