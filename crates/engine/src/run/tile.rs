//! Loops, a tile at a time: each instruction runs over a whole register while it is in cache, and
//! chains of instructions over some vectors at a time.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::Error;
use crate::graph::DType;
use crate::op::Reduction;
use crate::plan::chain::{self, Act, LINKS, Piece};
use crate::plan::kernel::{BLOCK_ROWS, Extent, Instruction, Loop, Place, Region, RegisterId};
use crate::plan::loops::REGISTER_LIMIT;
use crate::run::chain::{Chain, Link};
use crate::run::isa::Isa;
use crate::run::matmul::kernel::Kernels;
use crate::run::matmul::vector::fence;
use crate::run::memories::Memories;
use crate::run::pool::{Pool, share_of};
use crate::run::reduce::{add_rows, reduce_slice};
use crate::run::vector::{self, Convert};

/// Below so many element-instructions a second thread costs more than it brings.
pub(super) const WORTH_THREADS: usize = 40_000;

/// A loop and where it runs.
pub(super) struct LoopRun<'a> {
    pub isa: Isa,
    pub memories: &'a Memories<'a>,
    /// Has `l.scratch` bytes (a multiple of 64) for each worker.
    pub scratch: &'a Scratch,
    pub l: &'a Loop,
    pub reads: &'a [Region],
    pub writes: &'a [Region],
}

/// Elements of a product that lie by themselves for a while: its rows from `row` and columns from
/// `column` on, rows `stride` apart.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub start: *mut f32,
    pub row: usize,
    pub column: usize,
    pub stride: usize,
}

/// Where registers are while a tile is computed, and how much of them the tile uses.
pub(super) struct Tile<'a> {
    run: &'a LoopRun<'a>,
    isa: Isa,
    l: &'a Loop,
    pointers: [*mut u8; REGISTER_LIMIT],
    rows: usize,
    columns: usize,
}

impl<'a> LoopRun<'a> {
    /// Runs the loop over its space.
    pub fn run(&self, pool: &Pool) -> Result<(), Error> {
        let (pieces, work) = self.pieces();
        let few = pieces.saturating_mul(work) < WORTH_THREADS;
        let workers = if few { 1 } else { pool.threads().min(pieces).max(1) };
        let share = |worker: usize| {
            if worker < workers {
                self.run_pieces(worker, share_of(pieces, workers, worker));
            }
        };
        if workers == 1 {
            share(0);
            return Ok(());
        }
        pool.run(&share).map_err(|panic| Error::new(panic.to_string()))
    }

    /// In how many pieces the loop can be shared out, and the element-instructions of each.
    pub fn pieces(&self) -> (usize, usize) {
        let l = self.l;
        let (tiles, together) =
            (l.rows.div_ceil(l.tile_rows) * self.column_tiles(), self.together());
        let tile = l.tile_rows * l.tile_columns.max(1) * l.body.len();
        (tiles.div_ceil(together), tile * together.min(tiles.max(1)))
    }

    fn column_tiles(&self) -> usize {
        self.l.columns.div_ceil(self.l.tile_columns.max(1)).max(1)
    }

    /// Tiles of one block of rows are one worker's where their columns are summed.
    fn together(&self) -> usize {
        let folds = self.l.registers.iter().any(|register| register.extent == Extent::Blocks);
        if folds { BLOCK_ROWS / self.l.tile_rows * self.column_tiles() } else { 1 }
    }

    /// Runs some pieces on worker `worker`.
    pub fn run_pieces(&self, worker: usize, pieces: Range<usize>) {
        if pieces.is_empty() {
            return;
        }
        let (l, column_tiles, together) = (self.l, self.column_tiles(), self.together());
        let tiles = l.rows.div_ceil(l.tile_rows) * column_tiles;
        let mut tile = self.worker(worker);
        for index in pieces.start * together..tiles.min(pieces.end * together) {
            let row = index / column_tiles * l.tile_rows;
            let column = index % column_tiles * l.tile_columns;
            let rows = row..l.rows.min(row + l.tile_rows);
            tile.tile(rows, column..l.columns.min(column + l.tile_columns), None);
        }
        if l.chains.stream() {
            fence();
        }
    }

    /// What worker `worker` computes tiles with; what is the same in every tile is done.
    pub fn worker(&'a self, worker: usize) -> Tile<'a> {
        let l = self.l;
        let mut tile = Tile {
            run: self,
            isa: self.isa,
            l,
            pointers: [std::ptr::null_mut(); REGISTER_LIMIT],
            rows: l.tile_rows,
            columns: l.tile_columns,
        };
        for (register, pointer) in l.registers.iter().zip(&mut tile.pointers) {
            if let Place::Scratch(at) = register.place {
                *pointer = self.scratch.worker(worker).wrapping_add(at);
            }
        }
        // Scalars and rows are read at one place whatever the tile; `at` sets the rest.
        tile.at(0, 0, None);
        for instruction in &l.before {
            tile.instruction(instruction, 0, 0);
        }
        tile
    }
}

/// Scratch memory, a part for each worker.
#[derive(Clone, Copy)]
pub(super) struct Scratch {
    start: *mut u8,
    stride: usize,
}

// SAFETY: each worker touches its own part only.
unsafe impl Sync for Scratch {}

impl Scratch {
    pub fn new(start: *mut u8, stride: usize) -> Self {
        Scratch { start, stride }
    }

    /// The memory of worker `worker` and those after it.
    pub fn of(&self, worker: usize) -> Scratch {
        Scratch { start: self.worker(worker), stride: self.stride }
    }

    fn worker(&self, worker: usize) -> *mut u8 {
        self.start.wrapping_add(worker * self.stride)
    }
}

/// The first element of a tile within a region of this extent.
fn first_element(l: &Loop, extent: Extent, row: usize, column: usize) -> usize {
    match extent {
        Extent::Full => row * l.columns + column,
        Extent::Row => row,
        Extent::Column => column,
        Extent::Scalar => 0,
        Extent::Blocks => row / BLOCK_ROWS * l.columns + column,
        Extent::Groups(rows) => row / rows * l.columns + column,
        Extent::Part { offset, stride } => row * stride + offset + column,
    }
}

impl Tile<'_> {
    /// Computes the tiles of a rectangle of the space; whole rows where tiles hold whole rows. Where a
    /// block is given, the first read lies there.
    pub fn rectangle(&mut self, rows: Range<usize>, columns: Range<usize>, block: Option<Block>) {
        let l = self.l;
        if l.takes_any_rectangle() {
            (self.rows, self.columns) = (rows.len(), columns.len());
            self.at(rows.start, columns.start, block);
            self.chain(&l.chains.links, [rows.start, columns.start], block);
        } else {
            for row in rows.clone().step_by(l.tile_rows) {
                for column in columns.clone().step_by(l.tile_columns.max(1)) {
                    let rows = row..rows.end.min(row + l.tile_rows);
                    self.tile(rows, column..columns.end.min(column + l.tile_columns), block);
                }
            }
        }
        if l.chains.stream() {
            fence();
        }
    }

    fn tile(&mut self, rows: Range<usize>, columns: Range<usize>, block: Option<Block>) {
        (self.rows, self.columns) = (rows.len(), columns.len());
        self.at(rows.start, columns.start, block);
        for piece in &self.l.chains.pieces {
            match piece {
                Piece::Instruction(index) => {
                    self.instruction(&self.l.body[*index], rows.start, columns.start);
                }
                Piece::Chain(links) => {
                    let links = &self.l.chains.links[links.clone()];
                    self.chain(links, [rows.start, columns.start], block);
                }
            }
        }
    }

    /// Runs a chain over the tile, which starts at `row`, `column`.
    fn chain(&self, links: &[chain::Link], [row, column]: [usize; 2], block: Option<Block>) {
        let l = self.l;
        let whole = l.takes_any_rectangle();
        let stride = block.map_or(l.columns, |block| block.stride);
        // Rows without gaps are as one. Where columns are repeated, tiles have one row.
        let is_one = !whole || l.tile_rows > 1 && (self.columns, stride) == (l.columns, l.columns);
        let (rows, columns) = match is_one {
            true => (1, self.rows * self.columns),
            false => (self.rows, self.columns),
        };
        let mut placed = [const { MaybeUninit::uninit() }; LINKS];
        let first = first_element(l, Extent::Full, row, column);
        for (to, link) in placed.iter_mut().zip(links) {
            let with = usize::from(link.with);
            let (start, row, column) = match link.act {
                Act::Store => {
                    let start = self.run.memories.pointer(&self.run.writes[with]).cast::<f32>();
                    (start.wrapping_add(first), l.columns, 1)
                }
                _ => {
                    let register = &l.registers[with];
                    let (row, column) = match (register.place, register.extent) {
                        // Nobody but this chain asks for what it keeps.
                        (Place::Scratch(_), _) if whole => (0, 0),
                        (Place::Read(0), Extent::Full) => (stride, 1),
                        (_, Extent::Full) => (l.columns, 1),
                        (_, Extent::Part { stride, .. }) => (stride, 1),
                        (_, Extent::Row) => (1, 0),
                        _ => (0, 1),
                    };
                    (self.pointers[with].cast(), row, column)
                }
            };
            to.write(Link { act: link.act, repeated: link.repeated, start, row, column });
        }
        let placed = &placed[..links.len()];
        // SAFETY: as many were written, all of the slice.
        let links = unsafe { std::slice::from_raw_parts(placed.as_ptr().cast(), placed.len()) };
        let chain = Chain { links, rows, columns };
        // SAFETY: a session's instruction set was checked to be available. The verifier has proved
        // that the links are those of the body's instructions, of which it has proved what `get`
        // and `set` rely on, and that these name whole registers of f32 (or one element, where all
        // are the same). Where the chain is the whole body, it goes over the rectangle's rows in
        // memory, and scratch registers have room for what goes through it together.
        unsafe { (Kernels::of(self.isa).chain)(&chain) }
    }

    /// Points registers that lie in memory at the tile that starts at `row`, `column`.
    fn at(&mut self, row: usize, column: usize, block: Option<Block>) {
        for (register, pointer) in self.l.registers.iter().zip(&mut self.pointers) {
            if let (Place::Read(0), Some(b)) = (register.place, block) {
                let first = (row - b.row) * b.stride + column - b.column;
                *pointer = b.start.wrapping_add(first).cast();
                continue;
            }
            let region = match register.place {
                Place::Scratch(_) => continue,
                Place::Read(r) => &self.run.reads[r],
                Place::Write(w) => &self.run.writes[w],
            };
            let first = first_element(self.l, register.extent, row, column);
            *pointer =
                self.run.memories.pointer(region).wrapping_add(first * register.dtype.size());
        }
    }

    fn length(&self, extent: Extent) -> usize {
        match extent {
            Extent::Full => self.rows * self.columns,
            Extent::Row => self.rows,
            Extent::Column => self.columns,
            Extent::Scalar => 1,
            // The sums that this tile adds to, or what all its rows read.
            Extent::Blocks | Extent::Groups(_) => self.columns,
            // From the first row's first to the last row's last.
            Extent::Part { stride, .. } => (self.rows - 1) * stride + self.columns,
        }
    }

    fn dtype(&self, register: RegisterId) -> DType {
        self.l.registers[usize::from(register)].dtype
    }

    /// A register's elements, to be read.
    fn get<T>(&self, register: RegisterId) -> &[T] {
        let register = usize::from(register);
        let length = self.length(self.l.registers[register].extent);
        // SAFETY: the verifier has proved that the register lies in bounds of its region (or of the
        // scratch memory) and is of the loop's extent and type; it is initialised, because regions
        // are read only after they were written and scratch registers likewise, in order; nobody
        // writes to it meanwhile: an instruction's result is another register, and other workers
        // have other tiles. A block of a product holds the rectangle's elements.
        unsafe { std::slice::from_raw_parts(self.pointers[register].cast(), length) }
    }

    /// A register's elements, to be written.
    #[allow(clippy::mut_from_ref)]
    fn set<T>(&self, register: RegisterId) -> &mut [T] {
        let register = usize::from(register);
        let length = self.length(self.l.registers[register].extent);
        // SAFETY: as in `get`; the result register of an instruction differs from its arguments
        // (each is assigned once, and places are shared only after the last use), and written
        // regions overlap no read ones (those are stored by copying).
        unsafe { std::slice::from_raw_parts_mut(self.pointers[register].cast(), length) }
    }

    fn instruction(&self, instruction: &Instruction, row: usize, column: usize) {
        let isa = self.isa;
        match *instruction {
            Instruction::Constant { to, value } => match self.dtype(to) {
                DType::F32 => self.set::<f32>(to).fill(value as f32),
                DType::F64 => self.set::<f64>(to).fill(value),
                DType::I64 => self.set::<i64>(to).fill(value as i64),
                DType::Bool => self.set::<u8>(to).fill(u8::from(value != 0.0)),
            },
            Instruction::Expand { to, from } => match self.dtype(to).size() {
                1 => self.expand::<u8>(to, from),
                4 => self.expand::<u32>(to, from),
                _ => self.expand::<u64>(to, from),
            },
            Instruction::Unary { op, to, a } => match self.dtype(to) {
                DType::F32 => vector::unary_f32(isa, op, self.set(to), self.get(a)),
                DType::F64 => vector::unary_f64(isa, op, self.set(to), self.get(a)),
                DType::I64 => vector::unary_i64(isa, op, self.set(to), self.get(a)),
                DType::Bool => {}
            },
            Instruction::Binary { op, to, a, b } => match self.dtype(to) {
                DType::F32 => vector::binary_f32(isa, op, self.set(to), self.get(a), self.get(b)),
                DType::F64 => vector::binary_f64(isa, op, self.set(to), self.get(a), self.get(b)),
                DType::I64 => vector::binary_i64(isa, op, self.set(to), self.get(a), self.get(b)),
                DType::Bool => {}
            },
            Instruction::Compare { op, to, a, b } => {
                let result = self.set::<u8>(to);
                match self.dtype(a) {
                    DType::F32 => vector::compare(isa, op, result, self.get::<f32>(a), self.get(b)),
                    DType::F64 => vector::compare(isa, op, result, self.get::<f64>(a), self.get(b)),
                    DType::I64 => vector::compare(isa, op, result, self.get::<i64>(a), self.get(b)),
                    DType::Bool => vector::compare(isa, op, result, self.get::<u8>(a), self.get(b)),
                }
            }
            Instruction::Logic { op, to, a, b } => {
                vector::logic(isa, op, self.set(to), self.get(a), self.get(b));
            }
            Instruction::Select { to, condition, a, b } => {
                let c = self.get::<u8>(condition);
                match self.dtype(to) {
                    DType::F32 => {
                        vector::select(isa, self.set::<f32>(to), c, self.get(a), self.get(b))
                    }
                    DType::F64 => {
                        vector::select(isa, self.set::<f64>(to), c, self.get(a), self.get(b))
                    }
                    DType::I64 => {
                        vector::select(isa, self.set::<i64>(to), c, self.get(a), self.get(b))
                    }
                    DType::Bool => {
                        vector::select(isa, self.set::<u8>(to), c, self.get(a), self.get(b))
                    }
                }
            }
            Instruction::Cast { to, a } => match self.dtype(a) {
                DType::F32 => self.cast::<f32>(to, a),
                DType::F64 => self.cast::<f64>(to, a),
                DType::I64 => self.cast::<i64>(to, a),
                DType::Bool => self.cast::<u8>(to, a),
            },
            Instruction::Reduce { reduction, to, a } => match self.dtype(to) {
                DType::F32 => self.reduce::<f32>(reduction, to, a),
                DType::F64 => self.reduce::<f64>(reduction, to, a),
                DType::I64 => self.reduce::<i64>(reduction, to, a),
                DType::Bool => {}
            },
            Instruction::Fold { to, a } => match self.dtype(to) {
                DType::F32 => self.fold::<f32>(to, a, row),
                _ => self.fold::<f64>(to, a, row),
            },
            Instruction::Lay { write, from, offset, stride } => {
                let size = self.dtype(from).size();
                let to = self.run.memories.pointer(&self.run.writes[write]);
                let from = self.pointers[usize::from(from)];
                for index in 0..self.rows {
                    let first = (row + index) * stride + offset + column;
                    let source = from.wrapping_add(index * self.columns * size);
                    // SAFETY: the verifier has proved that the register holds the tile, and that its
                    // rows lie within the wider ones, where only this tile writes; nobody reads there.
                    unsafe {
                        let to = to.wrapping_add(first * size);
                        std::ptr::copy_nonoverlapping(source, to, self.columns * size);
                    }
                }
            }
            Instruction::Store { write, from } => {
                let register = self.l.registers[usize::from(from)];
                let first = first_element(self.l, register.extent, row, column);
                let bytes = self.length(register.extent) * register.dtype.size();
                let to = self.run.memories.pointer(&self.run.writes[write]);
                let to = to.wrapping_add(first * register.dtype.size());
                // SAFETY: the verifier has proved that the write is of this extent and type, and
                // no later instruction reads what was there; the register is scratch or a region
                // that does not overlap, unless it is the very same place.
                unsafe { std::ptr::copy(self.pointers[usize::from(from)], to, bytes) };
            }
        }
    }

    fn cast<T>(&self, to: RegisterId, a: RegisterId)
    where
        T: Convert<f32> + Convert<f64> + Convert<i64> + Convert<u8>,
    {
        match self.dtype(to) {
            DType::F32 => vector::cast::<T, f32>(self.set(to), self.get(a)),
            DType::F64 => vector::cast::<T, f64>(self.set(to), self.get(a)),
            DType::I64 => vector::cast::<T, i64>(self.set(to), self.get(a)),
            DType::Bool => vector::cast::<T, u8>(self.set(to), self.get(a)),
        }
    }

    fn expand<T: Copy>(&self, to: RegisterId, from: RegisterId) {
        let (result, source) = (self.set::<T>(to), self.get::<T>(from));
        match self.l.registers[usize::from(from)].extent {
            Extent::Scalar => result.fill(source[0]),
            Extent::Row => {
                for (row, &value) in result.chunks_mut(self.columns.max(1)).zip(source) {
                    row.fill(value);
                }
            }
            Extent::Column | Extent::Groups(_) => {
                for row in result.chunks_mut(self.columns.max(1)) {
                    row.copy_from_slice(source);
                }
            }
            Extent::Part { stride, .. } => {
                let rows = result.chunks_mut(self.columns.max(1)).zip(source.chunks(stride.max(1)));
                rows.for_each(|(to, from)| to.copy_from_slice(&from[..to.len()]));
            }
            Extent::Full | Extent::Blocks => result.copy_from_slice(source),
        }
    }

    /// Adds the tile's rows, which begin at `row`, to the sums of their block.
    fn fold<T: crate::run::reduce::Number>(&self, to: RegisterId, a: RegisterId, row: usize) {
        let (sums, rows) = (self.set::<T>(to), self.get::<T>(a));
        if row.is_multiple_of(BLOCK_ROWS) {
            sums.fill(T::ZERO);
        }
        add_rows(self.isa, sums, rows);
    }

    fn reduce<T: crate::run::reduce::Number>(
        &self,
        reduction: Reduction,
        to: RegisterId,
        a: RegisterId,
    ) {
        let (result, rows) = (self.set::<T>(to), self.get::<T>(a));
        for (index, result) in result.iter_mut().enumerate() {
            let row = &rows[index * self.columns..(index + 1) * self.columns];
            *result = reduce_slice(self.isa, reduction, row);
        }
    }
}
