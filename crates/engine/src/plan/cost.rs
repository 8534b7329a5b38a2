//! What a plan costs, by counting: operations, and the bytes that its kernels read and write.

use std::fmt;

use serde::Serialize;

use crate::graph::{Graph, Role};
use crate::plan::Plan;
use crate::plan::kernel::{
    Attention, BLOCK_ROWS, Extent, FACTORS, Instruction, Kernel, Loop, Made, Place, Product,
    Region, Sort, Step,
};

/// What one run of a plan costs.
///
/// A matrix product `[m, k]` × `[k, n]` counts 2mnk operations, a multiplication and an addition for
/// each term, and a convolution as the product that it is, padding included; attention two products (its
/// derivative five) of the queries and keys that see each other, and 5 for each pair of these; a pointwise op 1 for each element that it gives, be it an addition or a logarithm; a sum
/// 1 for each element that it takes; sorting `n` elements `n · ⌈log₂ n⌉`; a loop its body's operations
/// and bytes as often as it steps. Moving elements counts none.
/// Bytes are those of each kernel's arguments and results, each element once: what has to come and go
/// if no cache helps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Kernels that a run executes.
    pub steps: usize,
    /// Operations on single numbers (FLOP).
    pub operations: usize,
    /// Bytes that kernels read.
    pub bytes_read: usize,
    /// Bytes that kernels write.
    pub bytes_written: usize,
    /// Bytes of memory for intermediate results.
    pub arena_bytes: usize,
    /// Bytes of what is kept of states that are only read, packed for its kernels.
    pub kept_bytes: usize,
}

/// One step of a plan: what it computes for which part of the model, and what that costs, counted as
/// [`Cost`] says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepCost {
    /// The kind of kernel: `loop`, `matmul`, `move` …
    pub kernel: &'static str,
    /// The nodes that it computes.
    pub nodes: Vec<StepNode>,
    /// Operations on single numbers (FLOP).
    pub operations: usize,
    /// Of these, multiply-adds × 2 in a matrix product or a convolution.
    pub products: usize,
    /// Bytes that it reads.
    pub bytes_read: usize,
    /// Bytes that it writes.
    pub bytes_written: usize,
    /// How often a run takes it: once, but for steps of loops.
    pub times: usize,
    /// The steps of a loop's body; what they cost is counted over all its rounds, as in the loop's own
    /// costs.
    pub body: Vec<StepCost>,
}

/// A node that a step computes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepNode {
    /// Its position in the graph.
    pub node: u32,
    /// The op's name.
    pub op: &'static str,
    /// The path of its scope, empty for the root.
    pub scope: String,
    /// Whether it belongs to the model, to a derivative or to an update.
    pub role: Role,
}

impl Plan {
    /// What one run costs.
    ///
    /// ```
    /// use glassbox_engine::{DType, Graph, Options, Session};
    /// let graph = Graph::new();
    /// let a = graph.input("a", DType::F32, [20, 30]);
    /// let b = graph.input("b", DType::F32, [30, 40]);
    /// let step = Session::new(Options::default())?.prepare(&graph, &[a.matmul(b)])?;
    /// let cost = step.plan().cost();
    /// assert_eq!(cost.operations, 2 * 20 * 40 * 30);
    /// assert_eq!(cost.bytes_read, 4 * (20 * 30 + 30 * 40));
    /// assert_eq!(cost.to_string(), "1 step, 48.0 kFLOP, 7.2 kB read, 3.2 kB written, 0 B arena");
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    pub fn cost(&self) -> Cost {
        let start = Cost {
            arena_bytes: self.arena_bytes,
            kept_bytes: self.kept_bytes(),
            ..Cost::default()
        };
        self.steps.iter().fold(start, |sum, step| Cost {
            steps: sum.steps + 1,
            operations: sum.operations.saturating_add(operations(&step.kernel)),
            bytes_read: sum.bytes_read.saturating_add(bytes_read(step)),
            bytes_written: sum.bytes_written.saturating_add(bytes_written(step)),
            ..sum
        })
    }

    /// Every step in order. `graph` is the one that was planned, or one of equal structure: names and
    /// scopes are its own.
    pub fn steps(&self, graph: &Graph) -> Vec<StepCost> {
        let node = |&node: &u32| {
            let held = graph.node(node as usize)?;
            let (op, scope) = (held.op.name(), graph.scope_path(held.origin.scope));
            Some(StepNode { node, op, scope, role: held.origin.role })
        };
        steps(&self.steps, 1, &node)
    }

    /// Multiply-adds × 2 in matrix products and convolutions, of one run; [`cost`](Self::cost) counts everything.
    pub fn operations(&self) -> usize {
        self.steps.iter().map(|step| products(&step.kernel)).fold(0, usize::saturating_add)
    }
}

fn products(kernel: &Kernel) -> usize {
    match kernel {
        Kernel::Matmul(p) => multiply_adds(p),
        Kernel::Convolution { stencil, .. } => stencil.products().saturating_mul(2),
        Kernel::Attention(of) => of.heads.multiply_adds(of.back).saturating_mul(2),
        Kernel::Scan(scan) => scan.body.operations().saturating_mul(scan.rounds()),
        // Members of a bundle are loops and sums.
        _ => 0,
    }
}

fn steps(all: &[Step], times: usize, node: &dyn Fn(&u32) -> Option<StepNode>) -> Vec<StepCost> {
    let of = |step: &Step| StepCost {
        kernel: step.kernel.name(),
        nodes: step.nodes.iter().filter_map(node).collect(),
        operations: operations(&step.kernel).saturating_mul(times),
        products: products(&step.kernel).saturating_mul(times),
        bytes_read: bytes_read(step).saturating_mul(times),
        bytes_written: bytes_written(step).saturating_mul(times),
        times,
        body: match &step.kernel {
            Kernel::Scan(scan) => {
                steps(&scan.body.steps, times.saturating_mul(scan.rounds()), node)
            }
            _ => Vec::new(),
        },
    };
    all.iter().map(of).collect()
}

fn product(sizes: &[usize]) -> usize {
    sizes.iter().fold(1, |product, &size| product.saturating_mul(size))
}

pub(super) fn operations(kernel: &Kernel) -> usize {
    match kernel {
        Kernel::Loop(l) => pointwise(l),
        Kernel::Reduce { outer, reduced, inner, .. }
        | Kernel::MaxIndex { outer, reduced, inner } => product(&[*outer, *reduced, *inner]),
        Kernel::Sort(Sort { outer, size, inner, .. }) => {
            let comparisons = size.checked_next_power_of_two().map_or(0, usize::trailing_zeros);
            product(&[*outer, *size, *inner, comparisons as usize])
        }
        Kernel::CumulativeSum { outer, size, inner, .. } => product(&[*outer, *size, *inner]),
        Kernel::Matmul(p) => {
            let then = p.then.as_ref().map_or(0, |then| pointwise(&then.body));
            multiply_adds(p).saturating_add(then)
        }
        Kernel::Convolution { .. } => {
            let then = kernel.then().map_or(0, |then| pointwise(&then.body));
            products(kernel).saturating_add(then)
        }
        // Five for each score that counts: one to scale it, the others to make a share or a slope of it.
        Kernel::Attention(of) => {
            let each = of.heads.pairs().saturating_mul(5);
            products(kernel).saturating_add(each)
        }
        // A comparison for each element of each window.
        Kernel::MaxPool(stencil) => stencil.products(),
        Kernel::ScatterAdd { width, numbers, .. } => product(&[*width, *numbers]),
        Kernel::Scan(scan) => scan.body.cost().operations.saturating_mul(scan.rounds()),
        Kernel::Bundle(members) => sum(members, |member| operations(&member.kernel)),
        Kernel::Assemble(_)
        | Kernel::SliceAt(_)
        | Kernel::UpdateSlice(_)
        | Kernel::Gather { .. }
        | Kernel::Scatter { .. }
        | Kernel::Random { .. }
        | Kernel::Iota { .. } => 0,
    }
}

fn multiply_adds(p: &Product) -> usize {
    product(&[2, p.batch, p.m, p.n, p.k])
}

fn pointwise(l: &Loop) -> usize {
    l.before.iter().chain(&l.body).map(|i| of(l, i)).fold(0, usize::saturating_add)
}

fn of(l: &Loop, instruction: &Instruction) -> usize {
    let elements = |register: u16| match l.registers[usize::from(register)].extent {
        Extent::Full | Extent::Part { .. } => product(&[l.rows, l.columns]),
        Extent::Row => l.rows,
        Extent::Column => l.columns,
        Extent::Scalar => 1,
        Extent::Blocks => product(&[l.rows.div_ceil(BLOCK_ROWS), l.columns]),
        Extent::Groups(rows) => product(&[l.rows / rows.max(1), l.columns]),
    };
    match *instruction {
        Instruction::Constant { .. }
        | Instruction::Expand { .. }
        | Instruction::Store { .. }
        | Instruction::Lay { .. } => 0,
        Instruction::Reduce { a, .. } | Instruction::Fold { a, .. } => elements(a),
        Instruction::Unary { to, .. }
        | Instruction::Binary { to, .. }
        | Instruction::Compare { to, .. }
        | Instruction::Logic { to, .. }
        | Instruction::Select { to, .. }
        | Instruction::Cast { to, .. } => elements(to),
    }
}

fn sum(members: &[Step], of: fn(&Step) -> usize) -> usize {
    members.iter().map(of).fold(0, usize::saturating_add)
}

fn in_place(step: &Step) -> bool {
    let result = step.writes.first();
    step.reads.first().zip(result).is_some_and(|(target, result)| target.overlaps(result))
}

pub(super) fn bytes_read(step: &Step) -> usize {
    let all = |regions: &[Region]| regions.iter().map(Region::bytes).fold(0, usize::saturating_add);
    let wide = |elements: usize, region: &Region| {
        product(&[elements, region.dtype.size()]).min(region.bytes())
    };
    match &step.kernel {
        Kernel::Assemble(a) => {
            let parts = a.parts.iter().zip(&step.reads);
            parts.map(|(p, read)| wide(product(&p.sizes), read)).fold(0, usize::saturating_add)
        }
        // Of wider rows only a part is read.
        Kernel::Attention(Attention { heads, rows, .. }) => {
            let own = heads.lengths().map_or([0; 3], |of| [of.queries, of.keys, of.values]);
            let parts = own.into_iter().zip(&step.reads);
            let parts = parts.map(|(part, read)| wide(part, read)).fold(0, usize::saturating_add);
            parts.saturating_add(all(&step.reads[rows.len()..]))
        }
        Kernel::SliceAt(_) => all(&step.writes).saturating_add(all(&step.reads[1..])),
        Kernel::UpdateSlice(_) | Kernel::Scatter { .. } if in_place(step) => all(&step.reads[1..]),
        // A row may be read several times.
        Kernel::Gather { .. } => all(&step.writes).saturating_add(all(&step.reads[1..])),
        Kernel::Scan(scan) => scan.body.cost().bytes_read.saturating_mul(scan.rounds()),
        Kernel::Bundle(members) => sum(members, bytes_read),
        // Of wider rows only a part is read.
        Kernel::Loop(l) => {
            let part = |read: usize| {
                l.registers.iter().any(|register| {
                    register.place == Place::Read(read)
                        && matches!(register.extent, Extent::Part { .. })
                })
            };
            let own = |(index, read): (usize, &Region)| match part(index) {
                true => wide(product(&[l.rows, l.columns]), read),
                false => read.bytes(),
            };
            step.reads.iter().enumerate().map(own).fold(0, usize::saturating_add)
        }
        // What the loop behind a product reads of the product itself stays in cache.
        kernel if kernel.then().is_some() => {
            all(&step.reads[..FACTORS]).saturating_add(all(&step.reads[FACTORS + 1..]))
        }
        _ => all(&step.reads),
    }
}

pub(super) fn bytes_written(step: &Step) -> usize {
    let written = match &step.kernel {
        Kernel::Scan(scan) => {
            return scan.body.cost().bytes_written.saturating_mul(scan.rounds());
        }
        Kernel::Bundle(members) => return sum(members, bytes_written),
        Kernel::UpdateSlice(_) | Kernel::Scatter { .. } if in_place(step) => &step.reads[1..2],
        // The last is memory to work in.
        Kernel::Sort(_) => &step.writes[..2],
        // A product that only its loop reads stays in cache.
        kernel if kernel.then().is_some_and(|then| then.made != Made::Kept) => &step.writes[1..],
        _ => &step.writes[..],
    };
    written.iter().map(Region::bytes).fold(0, usize::saturating_add)
}

/// A number with three digits or so: `48.0 kFLOP`, `120 B`.
pub(super) fn short(number: usize, unit: &str) -> String {
    let (mut number, mut prefixes) = (number as f64, ["", "k", "M", "G", "T", "P"].into_iter());
    let mut prefix = prefixes.next().unwrap_or_default();
    for next in prefixes {
        if number < 1000.0 {
            break;
        }
        (number, prefix) = (number / 1000.0, next);
    }
    match prefix {
        "" => format!("{number} {unit}"),
        _ => format!("{number:.1} {prefix}{unit}"),
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} step{}, {}, {} read, {} written, {} arena",
            self.steps,
            if self.steps == 1 { "" } else { "s" },
            short(self.operations, "FLOP"),
            short(self.bytes_read, "B"),
            short(self.bytes_written, "B"),
            short(self.arena_bytes, "B")
        )?;
        match self.kept_bytes {
            0 => Ok(()),
            kept => write!(f, ", {} kept", short(kept, "B")),
        }
    }
}
