//! Elements moved into place.
#![allow(unsafe_code)]

use crate::Error;
use crate::plan::kernel::{Assemble, Part, Region};
use crate::run::execute::Machine;
use crate::run::pool::share_of;

/// Elements that are worth a second thread.
const WORTH_THREADS: usize = 32_768;
/// Rows and columns of a matrix that are turned together: some cache lines each way.
const TURNED: usize = 16;

/// What is moved: source and result, both long enough for every element that a part names.
struct Moved<'a, T> {
    source: &'a [T],
    result: *mut T,
}

// SAFETY: no two workers write the same elements.
unsafe impl<T: Send + Sync> Sync for Moved<'_, T> {}

impl Machine<'_> {
    pub(super) fn assemble<T: Copy + Default + Send + Sync>(
        &self,
        a: &Assemble,
        reads: &[Region],
        writes: &[Region],
    ) -> Result<(), Error> {
        let to = self.memories.set::<T>(&writes[0]);
        if a.zero {
            to.fill(T::default());
        }
        // Parts that fill the result do not meet, and neither do their elements: the verifier has proved it.
        let few = a.zero || to.len() < WORTH_THREADS;
        let (workers, result) = (if few { 1 } else { self.pool.threads() }, to.as_mut_ptr());
        let m = &self.memories;
        let all: &[Region] = reads;
        let start = Moved { source: &[], result };
        let share = |worker: usize| {
            let start = &start;
            for (part, read) in a.parts.iter().zip(all) {
                if part.sizes.contains(&0) {
                    continue;
                }
                let moved = Moved { source: m.get::<T>(read), result: start.result };
                // The first axis that can be shared out is; the axes before it are of size 1.
                let axis = part.sizes.iter().position(|&size| size > 1);
                // SAFETY: the verifier has proved that the part's elements lie within both regions; each
                // worker has steps of its own along the axis.
                unsafe {
                    match axis {
                        Some(axis) => {
                            let mine = share_of(part.sizes[axis], workers, worker);
                            let from = part.from + mine.start * part.read_strides[axis];
                            let to = part.to + mine.start * part.write_strides[axis];
                            moved.axis(part, axis, mine.len(), from, to);
                        }
                        None if worker == 0 => moved.one(part.from, part.to),
                        None => {}
                    }
                }
            }
        };
        if workers == 1 {
            share(0);
            return Ok(());
        }
        Ok(self.pool.run(&share)?)
    }
}

impl<T: Copy> Moved<'_, T> {
    /// # Safety
    ///
    /// The result has the element, and nobody else writes it.
    unsafe fn one(&self, from: usize, to: usize) {
        // SAFETY: the caller's promise.
        unsafe { *self.result.add(to) = self.source[from] }
    }

    /// Copies the first `size` steps of a part along `axis`, and all that lies within.
    ///
    /// # Safety
    ///
    /// The result has the elements, and nobody else writes them.
    unsafe fn axis(&self, part: &Part, axis: usize, size: usize, from: usize, to: usize) {
        let (read, write) = (part.read_strides[axis], part.write_strides[axis]);
        let further = part.sizes.len() - axis - 1;
        // SAFETY: every element is one of the part's.
        unsafe {
            if further == 1 && read == 1 && part.write_strides[axis + 1] == 1 {
                return self.turn(part, axis, size, from, to);
            }
            if further > 0 {
                for index in 0..size {
                    let (from, to) = (from + index * read, to + index * write);
                    self.axis(part, axis + 1, part.sizes[axis + 1], from, to);
                }
                return;
            }
            match (read, write) {
                (1, 1) => {
                    let source = &self.source[from..from + size];
                    let target = std::slice::from_raw_parts_mut(self.result.add(to), size);
                    target.copy_from_slice(source);
                }
                (0, 1) => {
                    std::slice::from_raw_parts_mut(self.result.add(to), size)
                        .fill(self.source[from]);
                }
                _ => (0..size).for_each(|i| self.one(from + i * read, to + i * write)),
            }
        }
    }

    /// The same of the last two axes, where neighbours along the first are read and neighbours along the
    /// second written: a few of both at a time, so that cache lines are used whole.
    ///
    /// # Safety
    ///
    /// As for [`axis`](Self::axis).
    unsafe fn turn(&self, part: &Part, axis: usize, size: usize, from: usize, to: usize) {
        let (rows, read) = (part.sizes[axis + 1], part.read_strides[axis + 1]);
        let write = part.write_strides[axis];
        for first in (0..size).step_by(TURNED) {
            for row in (0..rows).step_by(TURNED) {
                for i in first..size.min(first + TURNED) {
                    for j in row..rows.min(row + TURNED) {
                        // SAFETY: the element is one of the part's.
                        unsafe { self.one(from + i + j * read, to + i * write + j) };
                    }
                }
            }
        }
    }
}
