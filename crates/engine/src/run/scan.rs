//! Loops: a body's plan, run once a step.
#![allow(unsafe_code)]

use std::slice::from_raw_parts_mut;
use std::sync::{Mutex, PoisonError};

use crate::Error;
use crate::plan::kernel::{Kernel, Region, Room, Scan};
use crate::plan::{Plan, bytes};
use crate::run::execute::Machine;
use crate::run::memories::Memories;
use crate::run::pool::{Pool, share_of};
use crate::run::product::pack;
use crate::run::tile::Scratch;

/// How many addresses the bodies of a plan's loops need at a time, those of loops within included.
pub(super) fn addresses(plan: &Plan) -> usize {
    let of = |scan: &Scan| {
        let each = scan.body.inputs.len() + scan.body.outputs.len() + scan.carries;
        scan.parts * (each + addresses(&scan.body))
    };
    let loops = plan.steps.iter().filter_map(|step| match &step.kernel {
        Kernel::Scan(scan) => Some(of(scan)),
        _ => None,
    });
    loops.max().unwrap_or(0)
}

/// Bytes of one step's part.
fn stride(slot: &crate::plan::Slot) -> usize {
    bytes(slot.dtype, slot.shape.elements()).unwrap_or(0)
}

/// What the parts of a loop need, each its own share of it.
struct Shares<'a> {
    room: *mut u8,
    work: *mut f32,
    work_len: usize,
    partials: *mut f64,
    partials_len: usize,
    addresses: *mut *mut u8,
    addresses_len: usize,
    times: *mut u64,
    times_len: usize,
    memories: &'a Memories<'a>,
    scratch: Scratch,
    packed: *mut f32,
    /// The first error, and the node whose kernel failed.
    failed: Mutex<Option<(Error, Option<u32>)>>,
}

// SAFETY: each part takes shares of its own, which do not overlap; what is shared is only read.
unsafe impl Sync for Shares<'_> {}

impl Machine<'_> {
    /// Runs a loop: as a whole, or its parts side by side, each on one worker.
    pub(super) fn scan(
        &mut self,
        scan: &Scan,
        reads: &[Region],
        writes: &[Region],
        times: &mut [u64],
    ) -> Result<(), Error> {
        let (Some(room), Some(layout)) = (writes.last(), scan.room()) else {
            return Err(Error::new("a loop was given no memory"));
        };
        let room = self.memories.pointer(room);
        let packed = room.wrapping_add(layout.packed).cast::<f32>();
        if scan.steps == 0 {
            for (read, write) in reads.iter().zip(writes).take(scan.carries) {
                let (from, to) = (self.memories.pointer(read), self.memories.pointer(write));
                // SAFETY: the verifier has proved both regions in bounds, equal in size and apart.
                unsafe { std::ptr::copy_nonoverlapping(from, to, read.bytes()) };
            }
            return Ok(());
        }
        let inputs = scan.body.inputs.len();
        for (position, read) in reads.iter().enumerate() {
            self.addresses[1 + position] = self.memories.pointer(read);
        }
        let same =
            Memories { arena: room, inputs: &self.addresses[..inputs], states: &[], outputs: &[] };
        for (of, product) in scan.packed() {
            // SAFETY: the verifier has proved that the factor is one of the inputs that are the same
            // at every step, and that there is room for it.
            unsafe { pack(self.isa, self.pool, product, of, &same, packed)? };
        }
        let parts = scan.parts;
        let shares = Shares {
            room,
            work: self.work.as_mut_ptr(),
            work_len: self.work.len() / parts,
            partials: self.partials.as_mut_ptr(),
            partials_len: self.partials.len() / parts,
            addresses: self.addresses.as_mut_ptr(),
            addresses_len: self.addresses.len() / parts,
            times: times.as_mut_ptr(),
            times_len: times.len(),
            memories: &self.memories,
            scratch: self.scratch,
            packed,
            failed: Mutex::new(None),
        };
        let (isa, exact, alone) = (self.isa, self.exact, self.alone);
        let run = |part: usize, worker: usize, pool: &Pool| {
            let s = &shares;
            // SAFETY: the shares of different parts lie apart in memory that this machine holds
            // exclusively and does not use meanwhile; the clocks are the first part's.
            let (work, partials, addresses, times) = unsafe {
                let times_len = if part == 0 { s.times_len } else { 0 };
                (
                    from_raw_parts_mut(s.work.add(part * s.work_len), s.work_len),
                    from_raw_parts_mut(s.partials.add(part * s.partials_len), s.partials_len),
                    from_raw_parts_mut(s.addresses.add(part * s.addresses_len), s.addresses_len),
                    from_raw_parts_mut(s.times, times_len),
                )
            };
            let mut machine = Machine {
                isa,
                exact,
                pool,
                alone,
                memories: Memories { arena: s.room, inputs: &[], states: &[], outputs: &[] },
                scratch: s.scratch.of(worker),
                work,
                partials,
                addresses,
                packed: s.packed,
                kept: &[],
                failed: None,
            };
            let outer = (s.memories, reads, writes);
            if let Err(error) = machine.part(scan, part, &layout, outer, times) {
                let mut first = s.failed.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert((error, machine.failed));
            }
        };
        if parts == 1 {
            run(0, 0, self.pool);
        } else {
            let threads = self.pool.threads();
            self.pool.run(&|worker| {
                share_of(parts, threads, worker).for_each(|part| run(part, worker, alone));
            })?;
        }
        match shares.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some((error, failed)) => {
                self.failed = failed;
                Err(error)
            }
            None => Ok(()),
        }
    }

    /// All steps of one part of a loop. What is carried goes to and fro between the place of the last
    /// value and a second one, so that the last step writes the last value; rows are read and written
    /// where they are.
    fn part(
        &mut self,
        scan: &Scan,
        part: usize,
        layout: &Room,
        (memories, reads, writes): (&Memories<'_>, &[Region], &[Region]),
        times: &mut [u64],
    ) -> Result<(), Error> {
        let (carries, rows) = (scan.carries, scan.carries..scan.carries + scan.sequences);
        let room = self.memories.arena.wrapping_add(part * layout.part);
        let mut place = layout.carries;
        let (inputs, outputs) = (scan.body.inputs.len(), scan.body.outputs.len());
        let (mine, rest) = self.addresses.split_at_mut(inputs + outputs + carries);
        let (given, asked) = mine.split_at_mut(inputs);
        let (asked, second) = asked.split_at_mut(outputs);
        for (slot, second) in scan.body.outputs.iter().zip(second.iter_mut()) {
            *second = room.wrapping_add(place);
            place = place.saturating_add(stride(slot)).next_multiple_of(64);
        }
        let index = room.wrapping_add(place).cast::<i64>();
        given[0] = index.cast();
        let written = |position: usize, row: usize| {
            let offset = (row * scan.parts + part) * stride(&scan.body.outputs[position]);
            memories.pointer(&writes[position]).wrapping_add(offset)
        };
        let read = |position: usize, row: usize| {
            let slot = stride(&scan.body.inputs[1 + position]);
            let pieces = if scan.cut[1 + position] { (scan.parts, part) } else { (1, 0) };
            let offset = (row * pieces.0 + pieces.1) * slot;
            memories.pointer(&reads[position]).wrapping_add(offset)
        };
        for step in 0..scan.steps {
            let at = if scan.reverse { scan.steps - 1 - step } else { step };
            // SAFETY: the verifier has proved that the memory to work in has room for each part's index
            // behind its second places; it starts at a cache line; nobody else knows of it.
            unsafe { index.write(at as i64) };
            for slot in 0..carries {
                let last = written(slot, 0);
                let to_last = (scan.steps - 1 - step).is_multiple_of(2);
                given[1 + slot] = match (step, to_last) {
                    (0, _) => read(slot, 0),
                    (_, true) => second[slot],
                    (_, false) => last,
                };
                asked[slot] = if to_last { last } else { second[slot] };
            }
            for position in carries..reads.len() {
                given[1 + position] = read(position, if rows.contains(&position) { at } else { 0 });
            }
            for (position, asked) in asked.iter_mut().enumerate().skip(carries) {
                *asked = written(position, at);
            }
            let mut machine = Machine {
                isa: self.isa,
                exact: self.exact,
                pool: self.pool,
                alone: self.alone,
                memories: Memories { arena: room, inputs: given, states: &[], outputs: asked },
                scratch: self.scratch,
                work: &mut *self.work,
                partials: &mut *self.partials,
                addresses: &mut *rest,
                packed: self.packed,
                kept: &[],
                failed: None,
            };
            if let Err(error) = machine.steps(&scan.body.steps, times) {
                self.failed = machine.failed;
                return Err(error);
            }
        }
        Ok(())
    }
}
