//! Grouping nodes into kernels.
//!
//! Kernels form a list, and a node may join any kernel that stands at or after all producers of its
//! arguments: so the list is always a valid order. Pointwise nodes and reductions of rows join
//! loops over the same `[rows, columns]`; everything else is a kernel of its own. Movement is
//! emitted only where somebody needs the elements in place: broadcasts are read through extents,
//! transposes by the matrix product.

mod kernels;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::Error;
use crate::graph::{DType, Node, Role, Shape, Value};
use crate::op::{Op, Reduction, Window, convolution, pool};
use crate::plan::kernel::{Assemble, BLOCK_ROWS, Extent, FACTORS, Kernel, Part};
use crate::plan::loops::TILE;
use crate::plan::simplify::Program;
use kernels::convolution_kernel;

/// Rows longer than this are reduced by a kernel of their own.
pub(crate) const ROW_LIMIT: usize = 8192;
/// Members of one loop: bounds its registers.
pub(super) const MEMBER_LIMIT: usize = 40;
/// Columns that parts of rows have at least where they are read in place: a cache line.
pub(super) const PART: usize = 16;
/// How far back a node looks for a loop to join.
pub(super) const LOOK_BACK: usize = 64;

/// Names a run of elements that some kernel reads or writes.
pub(crate) type BufferId = usize;

/// A run of elements before it has a place.
#[derive(Clone, Debug)]
pub(crate) struct Buffer {
    pub value: Value,
    pub elements: usize,
    pub dtype: DType,
}

/// A node's place in a loop: what its operands are there.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub value: Value,
    pub extent: Extent,
    pub operands: Vec<Operand>,
}

/// What a loop's node reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operand {
    Constant(f64),
    Value { root: Value, extent: Extent },
}

/// A kernel whose buffers have no place yet.
#[derive(Clone, Debug)]
pub(crate) enum DraftKernel {
    /// Members over `[rows, columns]`; where there is a product, over its elements, after it.
    Loop {
        rows: usize,
        columns: usize,
        members: Vec<Member>,
        product: Option<DraftProduct>,
    },
    Other {
        kernel: Kernel,
        reads: Vec<BufferId>,
        writes: Vec<BufferId>,
        node: u32,
    },
}

/// A product of matrices, or a convolution, that a loop goes on with.
#[derive(Clone, Debug)]
pub(crate) struct DraftProduct {
    pub kernel: Kernel,
    pub factors: [BufferId; FACTORS],
    pub result: BufferId,
    pub node: u32,
}

/// Kernels in order, and the buffers they share.
pub(crate) struct Draft {
    pub kernels: Vec<DraftKernel>,
    pub buffers: Vec<Buffer>,
    /// The buffer of each value that has one.
    pub of: HashMap<Value, BufferId>,
    /// The output buffers, in the order asked for.
    pub outputs: Vec<BufferId>,
    /// Source and new value, as buffers.
    pub updates: Vec<(BufferId, BufferId)>,
    /// Kernels that may run side by side.
    pub together: Vec<Range<usize>>,
}

/// What is fused: the nodes outside loops, or those of one loop's body.
pub(super) struct Task {
    /// The loop.
    pub region: Option<u32>,
    /// Its nodes, in order.
    pub nodes: Vec<usize>,
    pub outputs: Vec<Value>,
    pub updates: Vec<(Value, Value)>,
}

pub(super) struct Fuser<'a> {
    pub(super) program: &'a Program,
    task: &'a Task,
    pub(super) kernels: Vec<DraftKernel>,
    pub(super) buffers: Vec<Buffer>,
    pub(super) of: HashMap<Value, BufferId>,
    /// The kernel that computes each value; sources have none.
    pub(super) producer: HashMap<Value, usize>,
    /// The extent of each value that a loop computes.
    pub(super) extent: HashMap<Value, Extent>,
    /// While nodes are emitted that are computed again: the first kernel that they may join.
    floor: Option<usize>,
    /// Parts of rows that attention alone reads, where they lie.
    attended: HashSet<Value>,
}

pub(crate) fn fuse(program: &Program) -> Result<Draft, Error> {
    let outside = |&index: &usize| program.alive[index] && program.regions.node(index).is_none();
    let task = Task {
        region: None,
        nodes: (0..program.nodes.len()).filter(outside).collect(),
        outputs: program.outputs.clone(),
        updates: program.updates.clone(),
    };
    fuse_task(program, &task)
}

pub(super) fn fuse_task(program: &Program, task: &Task) -> Result<Draft, Error> {
    let mut fuser = Fuser {
        program,
        task,
        kernels: Vec::new(),
        buffers: Vec::new(),
        of: HashMap::new(),
        producer: HashMap::new(),
        extent: HashMap::new(),
        floor: None,
        attended: attended(program, task),
    };
    // Indices depend on nothing and are small: made first, they keep no loop from growing.
    let is_first = |index: &usize| matches!(program.nodes[*index].op, Op::Iota { .. });
    let nodes = || task.nodes.iter().copied();
    for index in nodes().filter(is_first).chain(nodes().filter(|index| !is_first(index))) {
        fuser.node(index)?;
    }
    fuser.finish()
}

/// Parts of longer rows that only attention in this task reads, as queries, keys or values.
fn attended(program: &Program, task: &Task) -> HashSet<Value> {
    let attends =
        |node: &Node| matches!(node.op, Op::Attention { .. } | Op::AttentionGradient { .. });
    let shape = |value: Value| &program.node(value).outputs[usize::from(value.output)].shape;
    let is_part = |value: &&Value| match &program.node(**value).op {
        Op::Slice { start, step } => {
            let (from, part) = (shape(program.node(**value).args[0]).sizes(), shape(**value));
            let rank = part.rank() - 1;
            program.regions.of(**value) == task.region
                && from[..rank] == part.sizes()[..rank]
                && start[..rank].iter().all(|&at| at == 0)
                && step.iter().all(|&by| by == 1)
        }
        _ => false,
    };
    let here = task.nodes.iter().map(|&index| &program.nodes[index]);
    let read = here.filter(|node| attends(node)).flat_map(|node| &node.args[..3]);
    let mut parts: HashSet<Value> = read.filter(is_part).copied().collect();
    if parts.is_empty() {
        return parts;
    }
    for (index, node) in program.nodes.iter().enumerate().filter(|(i, _)| program.alive[*i]) {
        let known = attends(node) && program.regions.node(index) == task.region;
        for arg in &node.args[if known { 3 } else { 0 }..] {
            parts.remove(arg);
        }
    }
    let asked = task.outputs.iter().chain(task.updates.iter().map(|(_, new)| new));
    asked.for_each(|value| {
        parts.remove(value);
    });
    parts
}

/// A shape as `[rows, columns]`: the last axis, and all others.
fn rows_columns(sizes: &[usize]) -> (usize, usize) {
    match sizes.split_last() {
        Some((&columns, rows)) => (rows.iter().product(), columns),
        None => (1, 1),
    }
}

/// A shape as `[outer, size, inner]` about an axis.
fn along(sizes: &[usize], axis: usize) -> [usize; 3] {
    [sizes[..axis].iter().product(), sizes[axis], sizes[axis + 1..].iter().product()]
}

/// `[outer, reduced, inner]` of a reduction, if its axes are neighbours (sizes of 1 aside).
fn middle(sizes: &[usize], axes: &[usize]) -> Option<[usize; 3]> {
    let real: Vec<usize> = axes.iter().copied().filter(|&a| sizes[a] != 1).collect();
    let (Some(&first), Some(&last)) = (real.first(), real.last()) else {
        return Some([sizes.iter().product(), 1, 1]);
    };
    let neighbours = (first..=last).all(|a| sizes[a] == 1 || real.contains(&a));
    neighbours.then(|| {
        let product = |s: &[usize]| s.iter().product();
        [product(&sizes[..first]), product(&sizes[first..=last]), product(&sizes[last + 1..])]
    })
}

/// How many rows in a row read the same of what has been repeated from `from` to `to` along the axes
/// between the first few and the last, where tiles of whole groups or even parts of them are large enough.
fn groups(from: &[usize], to: &[usize]) -> Option<usize> {
    let (&columns, leading) = to.split_last()?;
    if from.len() != to.len() || from.last() != Some(&columns) || columns == 0 {
        return None;
    }
    let same = leading.iter().zip(from).take_while(|(to, from)| to == from).count();
    let rows: usize = leading[same..].iter().product();
    let repeated = from[same..leading.len()].iter().all(|&size| size == 1);
    let held = (1..=(TILE / columns).max(1)).rev().find(|&tile| rows.is_multiple_of(tile))?;
    (repeated && rows > 0 && held * columns >= TILE / 4).then_some(rows)
}

impl Fuser<'_> {
    fn shape(&self, value: Value) -> &Shape {
        &self.program.node(value).outputs[usize::from(value.output)].shape
    }

    fn sizes(&self, value: Value) -> &[usize] {
        self.shape(value).sizes()
    }

    /// Emits what node `index` computes; sources and movement wait until they are asked for.
    fn node(&mut self, index: usize) -> Result<(), Error> {
        let node = &self.program.nodes[index];
        let value = Value::first(index);
        // What is computed again waits until then: in an earlier loop it would be kept until now.
        self.floor = matches!(node.origin.role, Role::Recompute { .. })
            .then(|| self.floor.unwrap_or(self.kernels.len()));
        match &node.op {
            Op::Input { .. } | Op::State { .. } | Op::Time { .. } | Op::Carry { .. } | Op::Each => {
                self.buffer(value);
            }
            Op::Scan { .. } => self.scan(index)?,
            Op::Constant(_) | Op::Reshape | Op::Detach | Op::Broadcast | Op::Permute { .. } => {}
            Op::Unary(_)
            | Op::Binary(_)
            | Op::Compare(_)
            | Op::Logic(_)
            | Op::Select
            | Op::Cast(_) => {
                let (rows, columns) = rows_columns(node.outputs[0].shape.sizes());
                self.join(value, rows, columns, Extent::Full);
            }
            Op::Reduce { reduction, axes } => {
                let sizes = self.sizes(node.args[0]).to_vec();
                match middle(&sizes, axes) {
                    Some([outer, reduced, 1]) if reduced <= ROW_LIMIT => {
                        self.join(value, outer, reduced, Extent::Row);
                    }
                    Some([outer, reduced, inner])
                        if *reduction == Reduction::Sum
                            && inner > 1
                            && reduced > BLOCK_ROWS
                            && (outer == 1 || reduced.is_multiple_of(BLOCK_ROWS))
                            && node.outputs[0].dtype.is_float() =>
                    {
                        self.fold(index, [outer, reduced, inner]);
                    }
                    Some([outer, reduced, inner]) => {
                        let reduction = *reduction;
                        let kernel = Kernel::Reduce { reduction, outer, reduced, inner };
                        let from = self.materialise(node.args[0]);
                        self.emit(kernel, vec![from], index);
                    }
                    None => self.reduce_scattered(index, axes, &sizes),
                }
            }
            Op::MaxIndex { axis } => {
                let [outer, reduced, inner] = along(self.sizes(node.args[0]), *axis);
                let kernel = Kernel::MaxIndex { outer, reduced, inner };
                let from = self.materialise(node.args[0]);
                self.emit(kernel, vec![from], index);
            }
            Op::Sort { axis, descending, count } => {
                let sizes = along(self.sizes(node.args[0]), *axis);
                self.sort(index, sizes, *descending, *count);
            }
            Op::CumulativeSum { axis, reverse } => {
                let [outer, size, inner] = along(self.sizes(value), *axis);
                let kernel = Kernel::CumulativeSum { outer, size, inner, reverse: *reverse };
                let from = self.materialise(node.args[0]);
                self.emit(kernel, vec![from], index);
            }
            Op::SliceAt { axis, size } => {
                let window = Window::of(self.shape(node.args[0]), *axis, *size);
                let reads = vec![self.materialise(node.args[0]), self.materialise(node.args[1])];
                self.emit(Kernel::SliceAt(window), reads, index);
            }
            Op::UpdateSlice { axis } => {
                let part = self.sizes(node.args[1])[*axis];
                let window = Window::of(self.shape(node.args[0]), *axis, part);
                let reads = node.args.iter().map(|&arg| self.materialise(arg)).collect();
                self.emit(Kernel::UpdateSlice(window), reads, index);
            }
            Op::Matmul => self.matmul(index),
            Op::Attention { choices } => self.attention(index, choices, false),
            Op::AttentionGradient { choices } => self.attention(index, choices, true),
            Op::Convolution { gives, choices } => {
                let args = [self.shape(node.args[0]), self.shape(node.args[1])];
                let stencil = convolution::stencil(*gives, choices, args, self.shape(value));
                let reads = vec![self.materialise(node.args[0]), self.materialise(node.args[1])];
                self.emit(convolution_kernel(*gives, stencil), reads, index);
            }
            Op::MaxPool { choices } => {
                let stencil = pool::stencil(choices, self.shape(node.args[0]), self.shape(value));
                let from = self.materialise(node.args[0]);
                self.emit(Kernel::MaxPool(stencil), vec![from], index);
            }
            Op::Gather => {
                let rows = self.sizes(node.args[0])[0];
                let width = self.sizes(node.args[0])[1..].iter().product();
                let numbers = self.program.elements(node.args[1]);
                let reads = vec![self.materialise(node.args[0]), self.materialise(node.args[1])];
                self.emit(Kernel::Gather { table_rows: rows, width, numbers }, reads, index);
            }
            Op::ScatterAdd { rows } => {
                let width = node.outputs[0].shape.sizes()[1..].iter().product();
                let numbers = self.program.elements(node.args[1]);
                let reads = vec![self.materialise(node.args[0]), self.materialise(node.args[1])];
                // The places of the largest elements of windows are each in their own image.
                let ids = self.program.root(node.args[1]);
                let source = self.program.node(ids);
                let images = matches!(source.op, Op::MaxPool { .. })
                    && ids.output == 1
                    && self.program.elements(source.args[0]) == *rows;
                let parts = if images { self.sizes(ids)[0].max(1) } else { 1 };
                let kernel = Kernel::ScatterAdd { table_rows: *rows, width, numbers, parts };
                self.emit(kernel, reads, index);
            }
            Op::Scatter => {
                let table_rows = self.sizes(value)[0];
                let width = self.sizes(value)[1..].iter().product();
                let numbers = self.program.elements(node.args[2]);
                let reads = node.args.iter().map(|&arg| self.materialise(arg)).collect();
                self.emit(Kernel::Scatter { table_rows, width, numbers }, reads, index);
            }
            Op::Random { distribution, path, draw } => {
                let kernel =
                    Kernel::Random { distribution: *distribution, path: *path, draw: *draw };
                let reads = node.args.iter().map(|&arg| self.materialise(arg)).collect();
                self.emit(kernel, reads, index);
            }
            Op::Iota { axis } => {
                let [outer, size, inner] = along(self.sizes(value), *axis);
                self.emit(Kernel::Iota { outer, size, inner }, Vec::new(), index);
            }
            Op::Slice { .. } if self.attended.contains(&value) => {}
            // Loops read it where it lies.
            Op::Slice { .. } if self.part_of(value).is_some() => {}
            Op::Slice { .. } | Op::Embed { .. } | Op::Concatenate { .. } => self.assemble(index),
        }
        Ok(())
    }

    /// Sums of columns: of blocks of rows within a loop, then of the blocks.
    fn fold(&mut self, index: usize, [outer, reduced, columns]: [usize; 3]) {
        // A name for the blocks' sums, which are no node's output.
        let blocks = Value { output: u16::MAX, ..Value::first(index) };
        let rows = outer * reduced;
        let reduced = reduced.div_ceil(BLOCK_ROWS);
        let (value, dtype) = (Value::first(index), self.program.dtype(Value::first(index)));
        self.buffers.push(Buffer { value, elements: outer * reduced * columns, dtype });
        let held = self.buffers.len() - 1;
        self.of.insert(blocks, held);
        self.join(blocks, rows, columns, Extent::Blocks);
        let reduction = Reduction::Sum;
        let kernel = Kernel::Reduce { reduction, outer, reduced, inner: columns };
        self.emit(kernel, vec![held], index);
    }

    /// States, and what becomes of them.
    pub(super) fn updates(&self) -> &[(Value, Value)] {
        &self.task.updates
    }

    /// What is given out, and what states become.
    pub(super) fn results(&self) -> Vec<Value> {
        let updates = self.task.updates.iter().map(|(_, new)| *new);
        self.task.outputs.iter().copied().chain(updates).collect()
    }

    /// The buffer of `value`, made if it has none.
    pub(super) fn buffer(&mut self, value: Value) -> BufferId {
        if let Some(&id) = self.of.get(&value) {
            return id;
        }
        let (elements, dtype) = (self.program.elements(value), self.program.dtype(value));
        self.buffers.push(Buffer { value, elements, dtype });
        self.of.insert(value, self.buffers.len() - 1);
        self.buffers.len() - 1
    }

    /// A kernel of its own for all outputs of node `index`.
    fn emit(&mut self, kernel: Kernel, reads: Vec<BufferId>, index: usize) {
        let position = self.kernels.len();
        let mut writes = Vec::new();
        for output in 0..self.program.nodes[index].outputs.len() {
            let value = Value { node: index as u32, output: output as u16 };
            self.producer.insert(value, position);
            writes.push(self.buffer(value));
        }
        self.kernels.push(DraftKernel::Other { kernel, reads, writes, node: index as u32 });
    }

    /// The buffer that holds the elements of `value` in place, emitting movement where it is needed.
    pub(super) fn materialise(&mut self, value: Value) -> BufferId {
        let root = self.program.root(value);
        if let Some(&id) = self.of.get(&root) {
            return id;
        }
        let index = root.index();
        if self.program.regions.of(root) != self.task.region {
            // From outside the loop: there it has a place before the loop runs.
            return self.buffer(root);
        }
        match self.program.nodes[index].op {
            Op::Broadcast | Op::Permute { .. } | Op::Slice { .. } => self.assemble(index),
            Op::Constant(number) => {
                let operands = vec![Operand::Constant(number)];
                let member = Member { value: root, extent: Extent::Full, operands };
                self.new_loop(1, 1, member);
            }
            // Computed by a loop: now its result leaves the loop.
            _ => {}
        }
        self.buffer(root)
    }

    /// What a value is a part of, if its rows are parts of wider ones that are worth reading there.
    fn part_of(&self, value: Value) -> Option<(Value, Extent)> {
        let node = self.program.node(value);
        let Op::Slice { start, step } = &node.op else { return None };
        let (from, part) = (self.sizes(node.args[0]), self.sizes(value));
        let (&stride, above) = from.split_last()?;
        let (&offset, before) = start.split_last()?;
        let fits = above == &part[..part.len() - 1]
            && before.iter().all(|&at| at == 0)
            && step.iter().all(|&by| by == 1)
            && part.last().is_some_and(|&columns| columns >= PART)
            && self.program.regions.of(value) == self.task.region
            && !self.of.contains_key(&value);
        fits.then(|| (self.program.root(node.args[0]), Extent::Part { offset, stride }))
    }

    /// What `value` is to a node over `[rows, columns]`.
    fn operand(&self, value: Value, rows: usize, columns: usize) -> Operand {
        let program = self.program;
        if let Some(number) = program.constant(value) {
            return Operand::Constant(number);
        }
        let root = program.root(value);
        let whole = Operand::Value { root, extent: Extent::Full };
        let node = program.node(root);
        if let Some((from, extent)) = self.part_of(root)
            && rows_columns(self.sizes(root)) == (rows, columns)
        {
            return Operand::Value { root: from, extent };
        }
        if !matches!(node.op, Op::Broadcast) {
            return whole;
        }
        let source = program.root(node.args[0]);
        let (from, to) = (self.sizes(node.args[0]), node.outputs[0].shape.sizes());
        if from.iter().product::<usize>() == 1 {
            return Operand::Value { root: source, extent: Extent::Scalar };
        }
        if rows_columns(to) != (rows, columns) {
            return whole;
        }
        let offset = to.len() - from.len();
        let last = from.len() - 1;
        let leading_equal = offset == 0 && from[..last] == to[..last];
        let extent = if from[last] == 1 && columns > 1 && leading_equal {
            Extent::Row
        } else if from[last] == columns && from[..last].iter().all(|&size| size == 1) {
            if rows == 1 { Extent::Full } else { Extent::Column }
        } else if let Some(group) = groups(from, to) {
            Extent::Groups(group)
        } else {
            return whole;
        };
        Operand::Value { root: source, extent }
    }

    /// Puts a node into a loop over `[rows, columns]`, where it makes every element, one of each row, or
    /// sums of blocks.
    fn join(&mut self, value: Value, rows: usize, columns: usize, makes: Extent) {
        let args = self.program.node(value).args.clone();
        let operands: Vec<Operand> =
            args.iter().map(|&arg| self.operand(arg, rows, columns)).collect();
        for operand in &operands {
            self.prepare(operand);
        }
        let latest = operands.iter().filter_map(|o| self.position(o)).max();
        let end = self.kernels.len();
        let first = latest.max(self.floor).unwrap_or(0).max(end.saturating_sub(LOOK_BACK));
        let full = |o: &Operand| matches!(o, Operand::Value { extent: Extent::Full, .. });
        let repeats =
            |o: &Operand| matches!(o, Operand::Value { extent: Extent::Row | Extent::Column, .. });
        // Masks (labels against indices, say) share nothing with the loop that will use them: they
        // go where the latest loop over the same rows is, or they would keep it from growing.
        let is_mask = operands.iter().any(repeats) && !operands.iter().any(full);
        let strangers = (first..end).rev().filter(|_| is_mask).map(|position| (position, false));
        for (position, kin) in (first..end).map(|position| (position, true)).chain(strangers) {
            let joined = self.fits(position, value, rows, columns, makes, &operands, kin);
            if let Some(member) = joined {
                self.producer.insert(value, position);
                self.extent.insert(value, member.extent);
                if let DraftKernel::Loop { members, .. } = &mut self.kernels[position] {
                    members.push(member);
                }
                return;
            }
        }
        self.new_loop(rows, columns, Member { value, extent: makes, operands });
    }

    fn new_loop(&mut self, rows: usize, columns: usize, member: Member) {
        self.producer.insert(member.value, self.kernels.len());
        self.extent.insert(member.value, member.extent);
        let members = vec![member];
        self.kernels.push(DraftKernel::Loop { rows, columns, members, product: None });
    }

    /// Movement that an operand needs is emitted before anything looks for a loop to join.
    fn prepare(&mut self, operand: &Operand) {
        if let Operand::Value { root, .. } = *operand
            && matches!(
                self.program.node(root).op,
                Op::Broadcast | Op::Permute { .. } | Op::Slice { .. }
            )
        {
            self.materialise(root);
        }
    }

    /// Where an operand is computed.
    fn position(&self, operand: &Operand) -> Option<usize> {
        match operand {
            Operand::Constant(_) => None,
            Operand::Value { root, .. } => self.producer.get(root).copied(),
        }
    }

    /// The node as a member of the loop at `position`, if it fits in there and, where `kin` asks for
    /// it, shares something with it.
    #[expect(clippy::too_many_arguments, reason = "a node's place and what it reads")]
    fn fits(
        &self,
        position: usize,
        value: Value,
        rows: usize,
        columns: usize,
        makes: Extent,
        operands: &[Operand],
        kin: bool,
    ) -> Option<Member> {
        let DraftKernel::Loop { rows: loop_rows, columns: loop_columns, members, .. } =
            &self.kernels[position]
        else {
            return None;
        };
        if members.len() >= MEMBER_LIMIT {
            return None;
        }
        let made_here = |o: &Operand| self.position(o) == Some(position);
        let read_here = |o: &Operand| {
            matches!(o, Operand::Value { root, .. } if members.iter().any(|m| {
                m.operands.iter().any(|held| matches!(held, Operand::Value { root: r, .. } if r == root))
            }))
        };
        if kin && !operands.iter().any(|o| made_here(o) || read_here(o)) {
            return None;
        }
        let has_reduction = |m: &Member| m.extent == Extent::Row;
        let fits_row = *loop_columns <= ROW_LIMIT;
        let fits_row = makes != Extent::Row || fits_row;
        if (rows, columns) == (*loop_rows, *loop_columns) && fits_row {
            let consistent = operands.iter().all(|operand| match *operand {
                Operand::Value { root, extent } if made_here(operand) => {
                    self.extent.get(&root) == Some(&extent)
                }
                _ => true,
            });
            if consistent {
                return Some(Member { value, extent: makes, operands: operands.to_vec() });
            }
        }
        // A node over one element a row: it goes on where the loop's own rows were reduced.
        let one_a_row = makes == Extent::Full
            && rows * columns == *loop_rows
            && *loop_columns > 1
            && members.iter().any(has_reduction);
        if !one_a_row || !operands.iter().any(made_here) {
            return None;
        }
        let operands = operands
            .iter()
            .map(|operand| match *operand {
                Operand::Value { root, extent: Extent::Full } => {
                    let fine = !made_here(operand) || self.extent.get(&root) == Some(&Extent::Row);
                    fine.then_some(Operand::Value { root, extent: Extent::Row })
                }
                Operand::Value { extent: Extent::Scalar, .. } if made_here(operand) => None,
                Operand::Value {
                    extent: Extent::Row | Extent::Column | Extent::Groups(_) | Extent::Part { .. },
                    ..
                } => None,
                other => Some(other),
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Member { value, extent: Extent::Row, operands })
    }

    fn finish(mut self) -> Result<Draft, Error> {
        self.merge_loops();
        self.recompute();
        self.lay_side_by_side();
        self.join_products();
        // Whatever a loop reads from elsewhere needs a place in memory.
        for position in 0..self.kernels.len() {
            let DraftKernel::Loop { members, .. } = &self.kernels[position] else { continue };
            let roots: Vec<Value> = members
                .iter()
                .flat_map(|m| &m.operands)
                .filter(|o| self.position(o) != Some(position))
                .filter_map(|o| match o {
                    Operand::Value { root, .. } => Some(*root),
                    Operand::Constant(_) => None,
                })
                .collect();
            for root in roots {
                self.materialise(root);
            }
        }
        let mut outputs = Vec::new();
        for value in self.task.outputs.clone() {
            let from = self.materialise(value);
            // Each output has a buffer of its own, written by a kernel.
            let fresh =
                self.producer.contains_key(&self.buffers[from].value) && !outputs.contains(&from);
            outputs.push(if fresh { from } else { self.copy(from) });
        }
        let mut updates = Vec::new();
        for (old, new) in self.task.updates.clone() {
            let old = self.buffer(old);
            let from = self.materialise(new);
            let source = !self.producer.contains_key(&self.buffers[from].value);
            let new = if source { self.copy(from) } else { from };
            updates.push((old, new));
        }
        let Fuser { kernels, buffers, of, .. } = self;
        Ok(Draft { kernels, buffers, of, outputs, updates, together: Vec::new() })
    }

    /// A copy of a buffer, as the last kernel so far.
    fn copy(&mut self, from: BufferId) -> BufferId {
        let held = self.buffers[from].clone();
        let part = Part {
            sizes: vec![held.elements],
            from: 0,
            read_strides: vec![1],
            to: 0,
            write_strides: vec![1],
        };
        let node = held.value.node;
        self.buffers.push(held);
        let to = self.buffers.len() - 1;
        self.kernels.push(DraftKernel::Other {
            kernel: Kernel::Assemble(Assemble { zero: false, parts: vec![part] }),
            reads: vec![from],
            writes: vec![to],
            node,
        });
        to
    }
}
