//! A plan as text: slots, then one line a kernel: where it writes, what it does, what it reads, and for
//! which of the graph's nodes; last what it costs, `(operations, bytes read → bytes written)`. `@n` is
//! byte `n` of the arena, `rn` a register.

use std::fmt;

use crate::plan::cost::{self, short};
use crate::plan::kernel::{
    Extent, FACTORS, Instruction, Kernel, Loop, Made, Memory, Place, Product, Region,
};
use crate::plan::kernel::{Scan, Sort, Step};
use crate::plan::{Plan, Slot};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan {:016x}: {}", self.key.0, self.cost())?;
        let written = |s: &Slot| if s.written { ", written" } else { "" };
        for slot in &self.inputs {
            writeln!(f, "  input  {}: {} {}{}", slot.name, slot.dtype, slot.shape, written(slot))?;
        }
        for slot in &self.states {
            writeln!(f, "  state  {}: {} {}{}", slot.name, slot.dtype, slot.shape, written(slot))?;
        }
        for (index, slot) in self.outputs.iter().enumerate() {
            writeln!(f, "  output out{index}: {} {}", slot.dtype, slot.shape)?;
        }
        for kept in &self.kept {
            let Some(slot) = self.states.get(kept.state) else { continue };
            let bytes = short(kept.bytes().unwrap_or(0), "B");
            writeln!(f, "  kept   {}, packed once: {bytes}", slot.name)?;
        }
        self.print_steps(f, &self.steps, "")
    }
}

impl Plan {
    /// One line a kernel, and a loop's kernels further in.
    fn print_steps(&self, f: &mut fmt::Formatter<'_>, steps: &[Step], margin: &str) -> fmt::Result {
        for (index, step) in steps.iter().enumerate() {
            let nodes: Vec<_> = step.nodes.iter().map(|n| format!("%{n}")).collect();
            let of = format!(
                "for {}  ({}, {} → {})",
                nodes.join(" "),
                short(cost::operations(&step.kernel), "FLOP"),
                short(cost::bytes_read(step), "B"),
                short(cost::bytes_written(step), "B")
            );
            let list = |regions: &[Region]| {
                regions.iter().map(|r| self.region(r)).collect::<Vec<_>>().join(", ")
            };
            match &step.kernel {
                Kernel::Scan(scan) => {
                    self.scan(f, (index, &of), step, scan, margin)?;
                    continue;
                }
                Kernel::Bundle(members) => {
                    writeln!(f, "{margin}{index:4}  {} side by side  {of}", members.len())?;
                    self.print_steps(f, members, &format!("{margin}    "))?;
                    continue;
                }
                _ => {}
            }
            // A product that only its loop reads is not left behind.
            let left = match &step.kernel {
                kernel if kernel.then().is_some_and(|then| then.made != Made::Kept) => {
                    &step.writes[1..]
                }
                _ => &step.writes[..],
            };
            write!(f, "{margin}{index:4}  {} = ", list(left))?;
            match &step.kernel {
                Kernel::Matmul(Product {
                    batch,
                    m,
                    n,
                    k,
                    transpose_left,
                    transpose_right,
                    packed,
                    ..
                }) => {
                    let mark = |t: &bool| if *t { "ᵀ" } else { "" };
                    let [left, right] = [&step.reads[0], &step.reads[1]].map(|r| self.region(r));
                    let times = if *batch == 1 { String::new() } else { format!("{batch} × ") };
                    writeln!(
                        f,
                        "matmul {times}[{m}, {k}] × [{k}, {n}]  {left}{} · {right}{}{}  {of}",
                        mark(transpose_left),
                        mark(transpose_right),
                        if packed.is_some() || step.kept.is_some() { " packed" } else { "" }
                    )?;
                }
                Kernel::Loop(l) => {
                    writeln!(
                        f,
                        "loop [{}, {}] by [{}, {}]  ({})  {of}",
                        l.rows,
                        l.columns,
                        l.tile_rows,
                        l.tile_columns,
                        list(&step.reads)
                    )?;
                    self.instructions(f, l, (&step.reads, &step.writes), margin)?;
                }
                Kernel::Reduce { reduction, outer, reduced, inner } => writeln!(
                    f,
                    "{} of the middle of [{outer}, {reduced}, {inner}]  ({})  {of}",
                    reduction.name(),
                    list(&step.reads)
                )?,
                Kernel::Sort(Sort { outer, size, inner, count, descending, .. }) => writeln!(
                    f,
                    "{count} {} of the middle of [{outer}, {size}, {inner}]  ({})  {of}",
                    if *descending { "largest" } else { "smallest" },
                    list(&step.reads)
                )?,
                Kernel::CumulativeSum { outer, size, inner, reverse } => writeln!(
                    f,
                    "sums along the middle of [{outer}, {size}, {inner}]{}  ({})  {of}",
                    if *reverse { " from the end" } else { "" },
                    list(&step.reads)
                )?,
                Kernel::Convolution { stencil, .. } | Kernel::MaxPool(stencil) => {
                    let [height, width] = stencil.sliding;
                    writeln!(
                        f,
                        "{} of {} × {} over {} × [{}, {}, {}], {} features  ({})  {of}",
                        step.kernel.name(),
                        height.taps,
                        width.taps,
                        stencil.batch,
                        height.input,
                        width.input,
                        stencil.channels,
                        stencil.features,
                        list(step.reads.get(..FACTORS).unwrap_or(&step.reads))
                    )?;
                }
                Kernel::Attention(attention) => {
                    let h = &attention.heads;
                    writeln!(
                        f,
                        "{} {} × {} heads, {} queries × {} keys of {}, values of {}{}  ({})  {of}",
                        step.kernel.name(),
                        h.batch,
                        h.heads,
                        h.queries,
                        h.keys,
                        h.width,
                        h.features,
                        if h.causal { ", causal" } else { "" },
                        list(&step.reads)
                    )?;
                }
                Kernel::SliceAt(w) | Kernel::UpdateSlice(w) => writeln!(
                    f,
                    "{} {} of {}  ({})  {of}",
                    step.kernel.name(),
                    w.part,
                    w.whole,
                    list(&step.reads)
                )?,
                kernel => writeln!(f, "{}  ({})  {of}", kernel.name(), list(&step.reads))?,
            }
            if let Some(then) = step.kernel.then() {
                let regions = (&step.reads[FACTORS..], &step.writes[1..]);
                writeln!(
                    f,
                    "{margin}        then by [{}, {}]  ({})",
                    then.body.tile_rows,
                    then.body.tile_columns,
                    list(&regions.0[1..])
                )?;
                self.instructions(f, &then.body, regions, margin)?;
            }
        }
        Ok(())
    }

    /// A loop: what its body is given and gives, then the body's kernels, `:n` being byte `n` of the
    /// body's own arena.
    fn scan(
        &self,
        f: &mut fmt::Formatter<'_>,
        (index, of): (usize, &str),
        step: &Step,
        scan: &Scan,
        margin: &str,
    ) -> fmt::Result {
        let names = |slots: &[Slot], regions: &[Region], rows: std::ops::Range<usize>| {
            let mut names = Vec::new();
            for (position, (slot, region)) in slots.iter().zip(regions).enumerate() {
                let row = if rows.contains(&position) { "[t]" } else { "" };
                names.push(format!("{} = {}{row}", slot.name, self.region(region)));
            }
            names.join(", ")
        };
        let (carries, order) = (scan.carries, if scan.reverse { "back" } else { "forward" });
        let parts = match scan.parts {
            1 => String::new(),
            parts => format!(" in {parts} parts side by side"),
        };
        writeln!(
            f,
            "{margin}{index:4}  scan {} steps {order}{parts}, {:.1} KB arena  {of}",
            scan.steps,
            scan.body.arena_bytes as f64 / 1e3,
        )?;
        let given = scan.body.inputs.get(1..).unwrap_or_default();
        let rows = carries..carries + scan.sequences;
        writeln!(f, "{margin}        given {}", names(given, &step.reads, rows))?;
        let all = 0..scan.body.outputs.len();
        let mut gives = Vec::new();
        for (position, region) in step.writes.iter().zip(all).map(|(r, p)| (p, r)) {
            let row = if position < carries { "" } else { "[t]" };
            gives.push(format!("{}{row} = out{position}", self.region(region)));
        }
        writeln!(f, "{margin}        gives {}", gives.join(", "))?;
        scan.body.print_steps(f, &scan.body.steps, &format!("{margin}    "))
    }

    fn region(&self, region: &Region) -> String {
        match region.memory {
            Memory::Arena => format!("@{}", region.offset),
            Memory::Input(i) => self.inputs[i].name.clone(),
            Memory::State(s) => self.states[s].name.clone(),
            Memory::Output(o) => format!("out{o}"),
        }
    }

    fn instructions(
        &self,
        f: &mut fmt::Formatter<'_>,
        l: &Loop,
        regions: (&[Region], &[Region]),
        margin: &str,
    ) -> fmt::Result {
        for instruction in l.before.iter().chain(&l.body) {
            writeln!(f, "{margin}          {}", self.instruction(l, regions, instruction))?;
        }
        Ok(())
    }

    fn instruction(
        &self,
        l: &Loop,
        (reads, writes): (&[Region], &[Region]),
        instruction: &Instruction,
    ) -> String {
        let name = |r: u16| match l.registers[usize::from(r)].place {
            Place::Scratch(_) => format!("r{r}"),
            Place::Read(i) if reads[i].elements == 0 => "product".to_string(),
            Place::Read(i) => match l.registers[usize::from(r)].extent {
                Extent::Part { offset, .. } => {
                    format!("{}[{offset}..{}]", self.region(&reads[i]), offset + l.columns)
                }
                _ => self.region(&reads[i]),
            },
            Place::Write(i) => self.region(&writes[i]),
        };
        let [a, b, c] = instruction.from().map(|r| r.map(name).unwrap_or_default());
        let to = instruction.to().map(name).unwrap_or_default();
        match instruction {
            Instruction::Constant { value, .. } => format!("{to} = {value}"),
            Instruction::Expand { .. } => format!("{to} = repeat {a}"),
            Instruction::Unary { op, .. } => format!("{to} = {} {a}", op.name()),
            Instruction::Binary { op, .. } => format!("{to} = {a} {} {b}", op.name()),
            Instruction::Compare { op, .. } => format!("{to} = {a} {} {b}", op.name()),
            Instruction::Logic { op, .. } => format!("{to} = {a} {} {b}", op.name()),
            Instruction::Select { .. } => format!("{to} = {b} where {a} else {c}"),
            Instruction::Cast { to: r, .. } => {
                format!("{to} = {} {a}", l.registers[usize::from(*r)].dtype)
            }
            Instruction::Reduce { reduction, .. } => format!("{to} = row {} {a}", reduction.name()),
            Instruction::Fold { .. } => format!("{to} = column sums of {a}"),
            Instruction::Lay { write, offset, .. } => {
                let part = offset..&(offset + l.columns);
                format!("{}[{}..{}] := {a}", self.region(&writes[*write]), part.start, part.end)
            }
            Instruction::Store { write, .. } => {
                format!("{} := {a}", self.region(&writes[*write]))
            }
        }
    }
}
