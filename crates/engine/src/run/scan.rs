//! Loops: a body's plan, run once a step.
#![allow(unsafe_code)]

use crate::Error;
use crate::plan::kernel::{Kernel, Region, Scan};
use crate::plan::{Plan, bytes};
use crate::run::execute::Machine;
use crate::run::memories::Memories;

/// How many addresses the bodies of a plan's loops need at a time, those of loops within included.
pub(super) fn addresses(plan: &Plan) -> usize {
    let of = |scan: &Scan| {
        scan.body.inputs.len() + scan.body.outputs.len() + scan.carries + addresses(&scan.body)
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

impl Machine<'_> {
    /// Runs a loop. What is carried goes to and fro between the place of the last value and a second
    /// one, so that the last step writes the last value; rows are read and written where they are.
    pub(super) fn scan(
        &mut self,
        scan: &Scan,
        reads: &[Region],
        writes: &[Region],
        times: &mut [u64],
    ) -> Result<(), Error> {
        let (carries, rows) = (scan.carries, scan.carries..scan.carries + scan.sequences);
        let (Some(room), Some((mut place, _))) = (writes.last(), scan.room()) else {
            return Err(Error::new("a loop was given no memory"));
        };
        let room = self.memories.pointer(room);
        if scan.steps == 0 {
            for (read, write) in reads.iter().zip(writes).take(carries) {
                let (from, to) = (self.memories.pointer(read), self.memories.pointer(write));
                // SAFETY: the verifier has proved both regions in bounds, equal in size and apart.
                unsafe { std::ptr::copy_nonoverlapping(from, to, read.bytes()) };
            }
            return Ok(());
        }
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
        for step in 0..scan.steps {
            let at = if scan.reverse { scan.steps - 1 - step } else { step };
            // SAFETY: the verifier has proved that the memory to work in has room for the index behind
            // the second places; it starts at a cache line; nobody else knows of it.
            unsafe { index.write(at as i64) };
            for slot in 0..carries {
                let last = self.memories.pointer(&writes[slot]);
                let to_last = (scan.steps - 1 - step).is_multiple_of(2);
                given[1 + slot] = match (step, to_last) {
                    (0, _) => self.memories.pointer(&reads[slot]),
                    (_, true) => second[slot],
                    (_, false) => last,
                };
                asked[slot] = if to_last { last } else { second[slot] };
            }
            for (position, read) in reads.iter().enumerate().skip(carries) {
                let row = if rows.contains(&position) { at } else { 0 };
                let offset = row * stride(&scan.body.inputs[1 + position]);
                given[1 + position] = self.memories.pointer(read).wrapping_add(offset);
            }
            for position in carries..outputs {
                let offset = at * stride(&scan.body.outputs[position]);
                asked[position] = self.memories.pointer(&writes[position]).wrapping_add(offset);
            }
            let mut machine = Machine {
                isa: self.isa,
                pool: self.pool,
                memories: Memories { arena: room, inputs: given, states: &[], outputs: asked },
                scratch: self.scratch,
                work: &mut *self.work,
                partials: &mut *self.partials,
                addresses: &mut *rest,
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
