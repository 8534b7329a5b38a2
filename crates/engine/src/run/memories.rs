//! Where a plan's regions are in this run.
#![allow(unsafe_code)]

use crate::plan::{Memory, Region};

/// The memory of a run: the arena, and the buffers of inputs, states and outputs.
pub(super) struct Memories<'a> {
    pub arena: *mut u8,
    pub inputs: &'a [*mut u8],
    pub states: &'a [*mut u8],
    pub outputs: &'a [*mut u8],
}

// SAFETY: the pointers lead to memory that the run holds exclusively; which worker touches which
// part is for the kernels to keep apart.
unsafe impl Sync for Memories<'_> {}

impl Memories<'_> {
    /// The first byte of a region.
    pub fn pointer(&self, region: &Region) -> *mut u8 {
        let start = match region.memory {
            Memory::Arena => self.arena,
            Memory::Input(i) => self.inputs[i],
            Memory::State(s) => self.states[s],
            Memory::Output(o) => self.outputs[o],
        };
        start.wrapping_add(region.offset)
    }

    /// A region's elements, to be read.
    pub fn get<T>(&self, region: &Region) -> &[T] {
        debug_assert_eq!(size_of::<T>(), region.dtype.size());
        // SAFETY: the verifier has proved that the region is in bounds of its memory, which the
        // session sized by the plan; it was written before it is read; and no kernel writes to a
        // region that it reads (loops, which may, do not come here; an update of a window in place
        // does not ask for its target).
        unsafe { std::slice::from_raw_parts(self.pointer(region).cast(), region.elements) }
    }

    /// A region's elements, to be written.
    #[allow(clippy::mut_from_ref)]
    pub fn set<T>(&self, region: &Region) -> &mut [T] {
        debug_assert_eq!(size_of::<T>(), region.dtype.size());
        // SAFETY: as in `get`; the writes of a kernel overlap neither each other nor its reads.
        unsafe { std::slice::from_raw_parts_mut(self.pointer(region).cast(), region.elements) }
    }
}
