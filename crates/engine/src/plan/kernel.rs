//! What the steps of a plan are made of.

use crate::graph::DType;
use crate::op::{Binary, Compare, Convolved, Distribution, Heads, Logic, Reduction};
use crate::op::{Stencil, Unary, Window};
use crate::plan::chain::{Chains, TOGETHER};
use crate::plan::{Plan, bytes};

/// Which memory a region lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Memory {
    /// The session's memory for intermediate results.
    Arena,
    /// An input's buffer.
    Input(usize),
    /// A parameter's or state's buffer.
    State(usize),
    /// An output's buffer.
    Output(usize),
}

/// A run of elements in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    pub memory: Memory,
    /// In bytes.
    pub offset: usize,
    pub elements: usize,
    pub dtype: DType,
    /// Which of the plan's buffers it is; sources and results have one each.
    pub buffer: usize,
}

impl Region {
    pub fn bytes(&self) -> usize {
        self.elements * self.dtype.size()
    }

    pub fn overlaps(&self, other: &Region) -> bool {
        self.memory == other.memory
            && self.elements > 0
            && other.elements > 0
            && self.offset < other.offset + other.bytes()
            && other.offset < self.offset + self.bytes()
    }
}

/// One kernel with the regions it reads and writes.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub kernel: Kernel,
    pub reads: Vec<Region>,
    pub writes: Vec<Region>,
    /// The graph's nodes that it computes, for names and source lines.
    pub nodes: Vec<u32>,
    /// What the plan keeps of the second argument, and the kernel takes instead of it.
    pub kept: Option<usize>,
}

impl Step {
    /// The number of steps within it, those of loops within included.
    pub fn within(&self) -> usize {
        match &self.kernel {
            Kernel::Scan(scan) => scan.body.all_steps(),
            _ => 0,
        }
    }

    pub fn own_bytes(&self) -> usize {
        let kernel = match &self.kernel {
            Kernel::Loop(l) => l.own_bytes(),
            Kernel::Matmul(_) | Kernel::Convolution { .. } => {
                self.kernel.then().map_or(0, |then| then.body.own_bytes())
            }
            Kernel::Assemble(a) => a.parts.len() * 160,
            Kernel::Scan(scan) => scan.body.own_bytes(),
            Kernel::Bundle(members) => members.iter().map(Step::own_bytes).sum(),
            _ => 0,
        };
        std::mem::size_of::<Step>() + kernel + (self.reads.len() + self.writes.len()) * 40
    }
}

/// The kinds of kernels.
#[derive(Clone, Debug)]
pub(crate) enum Kernel {
    /// Pointwise chains and reductions of rows, a tile at a time.
    Loop(Loop),
    /// A reduction over the middle of `[outer, reduced, inner]`.
    Reduce { reduction: Reduction, outer: usize, reduced: usize, inner: usize },
    /// The largest over the middle of `[outer, reduced, inner]`, and its index.
    MaxIndex { outer: usize, reduced: usize, inner: usize },
    /// The first of the middle of `[outer, size, inner]` in order, and their indices. The last write is
    /// memory to work in.
    Sort(Sort),
    /// Sums along the middle of `[outer, size, inner]`, up to each element.
    CumulativeSum { outer: usize, size: usize, inner: usize, reverse: bool },
    /// Products of matrices, and what is done with their elements while they are in cache.
    Matmul(Product),
    /// One of a convolution's arrays from the two others, and what is done with it while it is in cache.
    Convolution { gives: Convolved, stencil: Stencil, then: Option<Box<Then>> },
    /// Attention, or its derivative.
    Attention(Attention),
    /// The largest of each window, and the number of its element.
    MaxPool(Stencil),
    /// Elements moved into place.
    Assemble(Assemble),
    /// A window at a position; reads the whole and the position.
    SliceAt(Window),
    /// A window written over; reads target, value and position. In place where the target is the
    /// result.
    UpdateSlice(Window),
    /// Rows of a table by number.
    Gather { table_rows: usize, width: usize, numbers: usize },
    /// Rows added into a table of zeros by number, in order. Table and numbers are cut in equal `parts`:
    /// the numbers of each are of its own rows.
    ScatterAdd { table_rows: usize, width: usize, numbers: usize, parts: usize },
    /// Rows of a table written over by number: reads table, values and numbers. In place where table
    /// and result are the same region.
    Scatter { table_rows: usize, width: usize, numbers: usize },
    /// Random numbers; reads seed and step.
    Random { distribution: Distribution, path: u64, draw: u32 },
    /// Index along the middle of `[outer, size, inner]`.
    Iota { outer: usize, size: usize, inner: usize },
    /// A loop: runs a plan once a step.
    Scan(Box<Scan>),
    /// Loops and sums that do not need each other, as one region of the pool: their pieces side by
    /// side. The members have the regions, the step itself has none.
    Bundle(Vec<Step>),
}

/// A loop. It reads the first value of each carry, whole sequences, and what is the same at every
/// step; it writes the last value of each carry, whole results, and memory to work in (bytes).
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    pub steps: usize,
    /// Whether the last index comes first.
    pub reverse: bool,
    /// One step. Its inputs: the index, the carries, a row of each sequence, what is the same at every
    /// step. Its outputs: the carries, a row of each result.
    pub body: Plan,
    pub carries: usize,
    pub sequences: usize,
    /// The loop is run so many times side by side, each time over its part of the rows; `body` is one
    /// part's step.
    pub parts: usize,
    /// Which of the body's inputs each part has its own piece of; none where there is one part.
    pub cut: Vec<bool>,
}

/// The memory of a loop, in bytes: that of each part, which begins with its body's arena, then what
/// all share.
pub(crate) struct Room {
    /// From one part's memory to the next.
    pub part: usize,
    /// A second place for each carry, a cache line each or more, then the index.
    pub carries: usize,
    /// What does not change from step to step, packed.
    pub packed: usize,
    pub bytes: usize,
}

impl Scan {
    /// How often its body runs, in all parts.
    pub fn rounds(&self) -> usize {
        self.steps.saturating_mul(self.parts)
    }

    /// Has the body take and give pieces, where it does the work of a part.
    pub fn take_pieces(&mut self) {
        if self.parts == 1 {
            return;
        }
        let inputs = self.body.inputs.iter_mut().zip(&self.cut);
        let cut = inputs.filter_map(|(slot, &cut)| cut.then_some(slot));
        for slot in cut.chain(&mut self.body.outputs) {
            let mut sizes = slot.shape.sizes().to_vec();
            let first = sizes.iter().position(|&size| size != 1);
            match first.filter(|&axis| sizes[axis].is_multiple_of(self.parts)) {
                Some(axis) => sizes[axis] /= self.parts,
                None => sizes = vec![slot.shape.elements() / self.parts],
            }
            slot.shape = sizes.into();
        }
    }

    /// How the memory to work in is shared out; `None` where it is too large.
    pub fn room(&self) -> Option<Room> {
        let carries = self.body.arena_bytes.checked_next_multiple_of(64)?;
        let mut end = carries;
        for slot in self.body.outputs.iter().take(self.carries) {
            let bytes = bytes(slot.dtype, slot.shape.checked_elements()?)?;
            end = end.checked_add(bytes)?.checked_next_multiple_of(64)?;
        }
        let part = end.checked_add(64)?;
        let packed = part.checked_mul(self.parts)?;
        let mut lengths = self.packed().map(|(_, product)| product.packed_len());
        let numbers = lengths.try_fold(0usize, |sum, len| sum.checked_add(len?))?;
        let bytes = bytes(DType::F32, numbers)?.checked_add(packed)?;
        Some(Room { part, carries, packed, bytes })
    }

    /// The body's products whose right factor is packed before the first step.
    pub fn packed(&self) -> impl Iterator<Item = (&Step, &Product)> {
        self.body.steps.iter().filter_map(|step| match &step.kernel {
            Kernel::Matmul(product) if product.packed.is_some() => Some((step, product)),
            _ => None,
        })
    }

    /// Whether the body's step multiplies by a matrix of numbers (f32) that is the same at every step.
    pub fn can_be_packed(&self, step: &Step) -> bool {
        let (Kernel::Matmul(product), Some(right)) = (&step.kernel, step.reads.get(1)) else {
            return false;
        };
        let same = |input: usize| {
            input > self.carries + self.sequences && self.cut.get(input) == Some(&false)
        };
        (product.batch, right.dtype) == (1, DType::F32)
            && product.n > 1
            && product.k > 0
            && matches!(right.memory, Memory::Input(input) if same(input))
    }

    /// Has every such matrix packed before the first step.
    pub fn pack(&mut self) -> Option<()> {
        let mut end = 0usize;
        for index in 0..self.body.steps.len() {
            if self.steps > 1
                && self.can_be_packed(&self.body.steps[index])
                && let Kernel::Matmul(product) = &mut self.body.steps[index].kernel
            {
                product.packed = Some(end);
                end = end.checked_add(product.packed_len()?)?;
            }
        }
        Some(())
    }
}

impl Kernel {
    /// The loop behind a product or a convolution.
    pub fn then(&self) -> Option<&Then> {
        match self {
            Kernel::Matmul(Product { then, .. }) | Kernel::Convolution { then, .. } => {
                then.as_deref()
            }
            _ => None,
        }
    }

    pub fn then_mut(&mut self) -> Option<&mut Option<Box<Then>>> {
        match self {
            Kernel::Matmul(Product { then, .. }) | Kernel::Convolution { then, .. } => Some(then),
            _ => None,
        }
    }

    /// The rows and columns of what is made, where a loop over them may run behind: of products, or of
    /// pixels that are made one after another. A filter's gradient is ready only when all of it is, and
    /// so are pixels that come in several phases.
    pub fn space(&self) -> Option<(usize, usize)> {
        match self {
            Kernel::Matmul(Product { batch, m, n, .. }) => Some((batch.checked_mul(*m)?, *n)),
            Kernel::Convolution { gives, stencil, .. } => {
                let [height, width] = stencil.sliding;
                let ([rows, columns], channels) = match gives {
                    Convolved::Output => (stencil.outputs, stencil.features),
                    Convolved::Input if (height.stride, width.stride) == (1, 1) => {
                        ([height.input, width.input], stencil.channels)
                    }
                    _ => return None,
                };
                Some((stencil.batch.checked_mul(rows)?.checked_mul(columns)?, channels))
            }
            _ => None,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Kernel::Loop(_) => "loop",
            Kernel::Reduce { .. } => "reduce",
            Kernel::MaxIndex { .. } => "max_index",
            Kernel::Sort(_) => "sort",
            Kernel::CumulativeSum { .. } => "cumulative_sum",
            Kernel::SliceAt(_) => "slice_at",
            Kernel::UpdateSlice(_) => "update_slice",
            Kernel::Matmul(_) => "matmul",
            Kernel::Convolution { gives: Convolved::Output, .. } => "convolution",
            Kernel::Convolution { gives: Convolved::Input, .. } => "convolution_input",
            Kernel::Convolution { gives: Convolved::Filter, .. } => "convolution_filter",
            Kernel::Attention(Attention { back: false, .. }) => "attention",
            Kernel::Attention(_) => "attention_gradient",
            Kernel::MaxPool(_) => "max_pool",
            Kernel::Assemble(_) => "move",
            Kernel::Gather { .. } => "gather",
            Kernel::ScatterAdd { .. } => "scatter_add",
            Kernel::Scatter { .. } => "scatter",
            Kernel::Random { .. } => "random",
            Kernel::Iota { .. } => "iota",
            Kernel::Scan(_) => "scan",
            Kernel::Bundle(_) => "bundle",
        }
    }
}

/// `batch` products `[m, k]` × `[k, n]`; a transposed side is stored as `[k, m]` or `[n, k]`.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub batch: usize,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub transpose_left: bool,
    pub transpose_right: bool,
    pub then: Option<Box<Then>>,
    /// Where the right factor, which is the same at every step of the loop around, lies packed: numbers
    /// from the start of the loop's memory for that.
    pub packed: Option<usize>,
}

/// Attention: reads queries, keys, values and what masks, and writes what is found and the logarithms of
/// the sums. Its derivative reads queries, keys, values, what was found, the logarithms, the adjoint and
/// what masks, and writes the slopes of queries, keys and values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Attention {
    pub heads: Heads,
    /// Where queries, keys and values lie in what is read.
    pub rows: [Rows; 3],
    pub back: bool,
}

/// Rows of a matrix that may be part of wider ones: row `i` begins at `offset + i · stride`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rows {
    pub offset: usize,
    pub stride: usize,
}

/// A loop over the elements `[batch · m, n]` of a product, or over the pixels and channels of a
/// convolution's result, run block by block as these are made.
///
/// The step reads the two factors, the product and what else the loop reads; it writes the product and
/// what the loop writes. To the loop the reads begin with the product, and the writes behind it.
#[derive(Clone, Debug)]
pub(crate) struct Then {
    pub body: Loop,
    pub made: Made,
}

/// Where a product is that a loop goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// In its region, where a later step reads it too.
    Kept,
    /// In its region, which is only a place to work in.
    Dropped,
    /// In blocks that the workers keep for themselves; its region is empty.
    Apart,
}

/// The deepest block of a product, whose sum is rounded once before it is added to the others: part of
/// the law of same bits.
pub(crate) const DEPTH: usize = 384;
/// The most columns of a block.
pub(crate) const COLUMNS: usize = 2048;

impl Product {
    /// Numbers that the right factor takes packed, whatever the instruction set: whole vectors of 16
    /// columns, and one to spare.
    pub fn packed_len(&self) -> Option<usize> {
        self.n
            .checked_next_multiple_of(16)?
            .checked_mul(self.k)?
            .checked_next_multiple_of(16)?
            .checked_add(16)
    }

    /// Whether a loop behind it can run block by block; `whole_rows` says that it takes whole rows.
    pub fn comes_in_blocks(&self, whole_rows: bool) -> bool {
        self.m > 1 && self.n > 1 && self.k > 0 && (!whole_rows || self.n <= COLUMNS)
    }

    /// Whether blocks are made at one go, so that workers can keep them.
    pub fn can_stay_apart(&self, whole_rows: bool) -> bool {
        self.comes_in_blocks(whole_rows) && self.k <= DEPTH
    }
}

/// How many of a product's reads are its factors.
pub(crate) const FACTORS: usize = 2;

/// Sorting the middle of `[outer, size, inner]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sort {
    pub outer: usize,
    pub size: usize,
    pub inner: usize,
    /// How many of each column are kept.
    pub count: usize,
    pub descending: bool,
    /// Columns are shared out to so many workers at most, each with memory for one column.
    pub parts: usize,
}

impl Sort {
    /// Words of 8 bytes that an element's place in the order takes.
    pub fn words(dtype: DType) -> usize {
        if dtype == DType::F32 { 1 } else { 2 }
    }
}

/// Strided copies into one result, which is zeroed first where `zero` says so. Part `i` comes from
/// read `i`.
#[derive(Clone, Debug)]
pub(crate) struct Assemble {
    pub zero: bool,
    pub parts: Vec<Part>,
}

/// A strided copy: element `index` comes from `from + Σ index·read_strides` and goes to
/// `to + Σ index·write_strides`.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub sizes: Vec<usize>,
    pub from: usize,
    pub read_strides: Vec<usize>,
    pub to: usize,
    pub write_strides: Vec<usize>,
}

/// How much of a tile `[rows, columns]` a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Extent {
    /// Every element.
    Full,
    /// One element a row.
    Row,
    /// One element a column.
    Column,
    /// One element.
    Scalar,
    /// One element a column for each [`BLOCK_ROWS`] rows.
    Blocks,
    /// One element a column for each so many rows, which is only read.
    Groups(usize),
    /// Every element, in rows that are parts of wider ones from column `offset` on; only read.
    Part { offset: usize, stride: usize },
}

/// Rows whose columns are summed in one chain. A power of 2; part of the law of same bits.
pub(crate) const BLOCK_ROWS: usize = 128;

/// Names a register of a loop.
pub(crate) type RegisterId = u16;

/// Where a register's elements are while a tile is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the worker's scratch memory, at this byte.
    Scratch(usize),
    /// In read `n`, in place.
    Read(usize),
    /// In write `n`, in place.
    Write(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Register {
    pub extent: Extent,
    pub dtype: DType,
    pub place: Place,
}

/// A space `[rows, columns]` walked tile by tile; in each tile, instruction by instruction, each
/// over a whole register.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    pub rows: usize,
    pub columns: usize,
    pub tile_rows: usize,
    pub tile_columns: usize,
    pub registers: Vec<Register>,
    /// Once a worker: what is the same in every tile.
    pub before: Vec<Instruction>,
    /// Once a tile.
    pub body: Vec<Instruction>,
    /// How the body is computed.
    pub chains: Chains,
    /// Bytes of scratch memory a worker needs.
    pub scratch: usize,
}

impl Loop {
    pub fn own_bytes(&self) -> usize {
        let links = self.chains.links.len() * 4 + self.chains.pieces.len() * 24;
        (self.before.len() + self.body.len() + self.registers.len()) * 24 + links
    }

    /// Whether it is one chain that can go over the rows of any rectangle, and a tile's scratch memory
    /// has room for what goes through the chain together (all of the rectangle, where that is less).
    pub fn takes_any_rectangle(&self) -> bool {
        let room = self.tile_rows * self.tile_columns >= TOGETHER;
        self.chains.any_rectangle && (room || self.tile_rows == 1 || self.tile_rows == self.rows)
    }

    /// Whether a tile holds whole rows.
    pub fn has_whole_rows(&self) -> bool {
        self.tile_columns == self.columns
    }
}

/// One instruction: reads whole registers, writes a whole register.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Instruction {
    Constant {
        to: RegisterId,
        value: f64,
    },
    /// Repeats rows, columns or a scalar over the tile (or a scalar over the rows).
    Expand {
        to: RegisterId,
        from: RegisterId,
    },
    Unary {
        op: Unary,
        to: RegisterId,
        a: RegisterId,
    },
    Binary {
        op: Binary,
        to: RegisterId,
        a: RegisterId,
        b: RegisterId,
    },
    Compare {
        op: Compare,
        to: RegisterId,
        a: RegisterId,
        b: RegisterId,
    },
    Logic {
        op: Logic,
        to: RegisterId,
        a: RegisterId,
        b: RegisterId,
    },
    Select {
        to: RegisterId,
        condition: RegisterId,
        a: RegisterId,
        b: RegisterId,
    },
    Cast {
        to: RegisterId,
        a: RegisterId,
    },
    /// Each row to one element.
    Reduce {
        reduction: Reduction,
        to: RegisterId,
        a: RegisterId,
    },
    /// Each column to its sum over a block of rows, row after row: a tile adds its rows.
    Fold {
        to: RegisterId,
        a: RegisterId,
    },
    /// Into write `write`; nobody reads what was there any more.
    Store {
        write: usize,
        from: RegisterId,
    },
    /// Into rows of write `write` that are wider, from column `offset` on; other instructions fill the
    /// rest of them.
    Lay {
        write: usize,
        from: RegisterId,
        offset: usize,
        stride: usize,
    },
}

impl Instruction {
    /// The register it writes.
    pub fn to(&self) -> Option<RegisterId> {
        match *self {
            Instruction::Constant { to, .. }
            | Instruction::Expand { to, .. }
            | Instruction::Unary { to, .. }
            | Instruction::Binary { to, .. }
            | Instruction::Compare { to, .. }
            | Instruction::Logic { to, .. }
            | Instruction::Select { to, .. }
            | Instruction::Cast { to, .. }
            | Instruction::Reduce { to, .. }
            | Instruction::Fold { to, .. } => Some(to),
            Instruction::Store { .. } | Instruction::Lay { .. } => None,
        }
    }

    /// The registers it reads.
    pub fn from(&self) -> [Option<RegisterId>; 3] {
        match *self {
            Instruction::Constant { .. } => [None; 3],
            Instruction::Expand { from, .. }
            | Instruction::Store { from, .. }
            | Instruction::Lay { from, .. } => [Some(from), None, None],
            Instruction::Unary { a, .. }
            | Instruction::Cast { a, .. }
            | Instruction::Reduce { a, .. }
            | Instruction::Fold { a, .. } => [Some(a), None, None],
            Instruction::Binary { a, b, .. }
            | Instruction::Compare { a, b, .. }
            | Instruction::Logic { a, b, .. } => [Some(a), Some(b), None],
            Instruction::Select { condition, a, b, .. } => [Some(condition), Some(a), Some(b)],
        }
    }
}
