//! A loop as one kernel: its body is a plan of its own.

use crate::Error;
use crate::graph::region::{ScanArgs, members};
use crate::graph::{DType, Value};
use crate::op::Op;
use crate::plan::fuse::{Buffer, BufferId, Draft, DraftKernel, Fuser, Task, fuse_task};
use crate::plan::kernel::{Kernel, Scan};
use crate::plan::memory;
use crate::plan::parts::Cut;

impl Fuser<'_> {
    /// Emits the loop of scan node `index`.
    pub(super) fn scan(&mut self, index: usize) -> Result<(), Error> {
        let program = self.program;
        let node = &program.nodes[index];
        let broken = || Error::new("a loop is incomplete");
        let scan = ScanArgs::of(node).ok_or_else(broken)?;
        let carries = scan.carries.len();
        let time = scan.time.node;
        let Op::Time { steps, reverse } = program.nodes[time as usize].op else {
            return Err(broken());
        };
        let result = |output: usize| Value { node: index as u32, output: output as u16 };
        let given_out: Vec<(Value, Value)> = scan
            .outs
            .iter()
            .enumerate()
            .map(|(out, &value)| (value, result(carries + out)))
            .filter(|(_, stack)| program.used.contains(stack))
            .collect();
        let outputs: Vec<Value> =
            scan.next.iter().copied().chain(given_out.iter().map(|out| out.0)).collect();
        let task = Task {
            region: Some(time),
            nodes: members(&program.regions, time, outputs.iter().copied(), |index| {
                program.read_by(index)
            }),
            outputs: outputs.clone(),
            updates: Vec::new(),
        };
        let draft = fuse_task(program, &task)?;
        // What the body reads: the index, the carries, rows of sequences, the rest.
        let each = |&&index: &&usize| program.nodes[index].op == Op::Each;
        let rows: Vec<Value> =
            task.nodes.iter().filter(each).map(|&index| Value::first(index)).collect();
        let inside = [&[scan.time], scan.carries, &rows].concat();
        let same = draft.buffers.iter().enumerate().filter(|(id, buffer)| {
            program.regions.of(buffer.value) != Some(time)
                && draft.of.get(&buffer.value) == Some(id)
        });
        let same: Vec<Value> = same.map(|(_, buffer)| buffer.value).collect();
        let inputs = [&inside[..], &same].concat();
        let place = |draft: &Draft| memory::place_body(program, draft, &inputs, &outputs);
        let whole = place(&draft)?;
        let operations = whole.cost().operations.saturating_mul(steps);
        let held = |value: &Value| draft.of.get(value).copied();
        let carried: Vec<BufferId> = scan.carries.iter().filter_map(held).collect();
        let now = held(&scan.time);
        let Cut { draft, parts, buffers } =
            Cut::new(draft, program.threads, &carried, now, operations);
        let body = if parts == 1 { whole } else { place(&draft)? };
        let is_cut = |value: &Value| {
            let held = draft.of.get(value).map(|&buffer| buffers[buffer]);
            held.unwrap_or(parts > 1 && scan.carries.contains(value))
        };
        let cut = inputs.iter().map(is_cut).collect();
        let mut kernel = Scan { steps, reverse, body, carries, sequences: rows.len(), parts, cut };
        kernel.take_pieces();
        let room = kernel.pack().and_then(|()| kernel.room());
        let bytes = room.ok_or_else(|| Error::new("a result is too large for this machine"))?.bytes;
        let sources = scan.carries.iter().chain(&rows).map(|v| program.node(*v).args[1]);
        let reads = sources.chain(same).collect::<Vec<_>>();
        let reads = reads.into_iter().map(|value| self.materialise(value)).collect();
        let position = self.kernels.len();
        let results = (0..carries).map(result).chain(given_out.iter().map(|out| out.1));
        let mut writes = Vec::new();
        for value in results {
            self.producer.insert(value, position);
            writes.push(self.buffer(value));
        }
        self.buffers.push(Buffer { value: result(0), elements: bytes, dtype: DType::Bool });
        writes.push(self.buffers.len() - 1);
        let kernel = Kernel::Scan(Box::new(kernel));
        self.kernels.push(DraftKernel::Other { kernel, reads, writes, node: index as u32 });
        Ok(())
    }
}
