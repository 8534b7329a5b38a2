//! One worker's share of a product: blocks that fit the caches, packed and handed to the kernels.

use super::kernel::{Kernels, Panel, Tile};
use super::vector::fetch;
use crate::plan::kernel::{BLOCK_ROWS, COLUMNS, DEPTH, Extent, Made, Place, Product, Register};
use crate::plan::loops::TILE;
use crate::run::pool::share_of;
use crate::run::tile;
use std::ops::Range;

/// The most rows of a block of A, which packed (384 KiB) stays in the second-level cache.
const ROWS: usize = 256;
/// Up to so many panels of B, packing A costs more than reading it with its stride.
const PANELS_WORTH_PACKING_A: usize = 4;
/// Columns of B packed together, a few rows at a time: one panel's short pieces of far apart rows
/// would miss the address cache at every row. What is packed, and what is asked for to be packed next,
/// stay in the second-level cache beside A.
const COLUMNS_TOGETHER: usize = 128;
const DEPTH_TOGETHER: usize = 16;
/// Up to so many rows packing B costs more than it brings, if B stays in the second-level cache.
const ROWS_WORTH_PACKING_B: usize = 64;
const SMALL_B: usize = 256 * 1024;
/// A product so small that packing costs more than it brings.
const SMALL_PRODUCT: usize = 32 * 32 * 32;

/// Columns a single row is multiplied with at a time: their sums stay in the first-level cache.
const COLUMNS_OF_ROW: usize = 1024;

/// Numbers of a block that a loop goes on with, what the loop reads and writes beside them included:
/// half a second-level cache; fewer where rows come in pieces, which the packed columns of B lie beside.
const FINISHED_TOGETHER: usize = 128 * 1024;
const FINISHED_IN_PIECES: usize = 48 * 1024;
/// The fewest rows of such a block: so many times each number of B that comes from a cache is used.
const FEWEST_ROWS: usize = 28;
/// Numbers of B that stay in the second-level cache beside such blocks.
const KEPT_B: usize = 100 * 1024;

/// Bytes of a cache line.
const LINE: usize = 64;

/// How a part is cut in blocks.
#[derive(Clone, Copy)]
pub(super) struct Blocking {
    /// The most rows of a block, and of those that are finished together.
    rows: usize,
    finished: usize,
    /// The most columns of B that are packed, and elements that are finished, together.
    together: usize,
    /// Whether the loop behind the product is given whole rows.
    pub whole_rows: bool,
    /// What the first rows of workers, and of blocks, are multiples of.
    pub even: usize,
    even_blocks: usize,
    /// Whether blocks of the product stay where they are made, and never go to C.
    apart: bool,
}

impl Blocking {
    /// Of a product without a loop behind it.
    pub const ALONE: Blocking = Blocking {
        rows: ROWS,
        finished: ROWS,
        together: COLUMNS_TOGETHER,
        whole_rows: false,
        even: 1,
        even_blocks: 1,
        apart: false,
    };

    /// Of a product with a loop behind it, or `None` where that runs after the whole product.
    pub fn behind(product: &Product) -> Option<Blocking> {
        let (then, n) = (product.then.as_ref()?, product.n);
        let l = &then.body;
        // Whole rows lie side by side, which is good where all of B stays in the cache.
        let keeps_b = product.can_stay_apart(true) && n * product.k <= KEPT_B;
        let whole_rows = l.has_whole_rows() || l.takes_any_rectangle() && keeps_b;
        let together = if whole_rows { n } else { TILE };
        let elsewhere =
            |r: &&Register| r.extent == Extent::Full && !matches!(r.place, Place::Scratch(_));
        let arrays = l.registers.iter().filter(elsewhere).count().max(1);
        let has = |kind: fn(&Extent) -> bool| l.registers.iter().any(|r| kind(&r.extent));
        // A block of rows is one worker's, and tiles go over the end neither of blocks nor of groups.
        let even = if has(|e| *e == Extent::Blocks) { BLOCK_ROWS } else { 1 };
        let counts = has(|e| matches!(e, Extent::Blocks | Extent::Groups(_)));
        let even_blocks = if counts { l.tile_rows } else { 1 };
        let even = even.max(even_blocks);
        let apart = then.made == Made::Apart;
        let elements = match (l.has_whole_rows(), apart) {
            (false, _) => FINISHED_IN_PIECES,
            (true, true) => FINISHED_TOGETHER,
            // A product that does not stay here is only passed through.
            (true, false) => 2 * FINISHED_TOGETHER,
        };
        let fewest = if l.has_whole_rows() { 1 } else { FEWEST_ROWS };
        let finished = (elements / (together * arrays)).clamp(fewest, ROWS);
        let whole = |rows: usize| (rows / even_blocks * even_blocks).max(even_blocks);
        let finished = whole(finished);
        // Several depths pass over the rows of a block before they are finished.
        let rows = if product.k <= DEPTH { finished } else { whole(ROWS) };
        let fits = product.comes_in_blocks(whole_rows);
        fits.then_some(Blocking { rows, finished, together, whole_rows, even, even_blocks, apart })
    }
}

/// What is done with elements of C when they are made.
pub(super) struct Finishing<'a> {
    /// Takes rows and columns, and where these elements lie if not in C.
    pub run: &'a mut dyn FnMut(Range<usize>, Range<usize>, Option<tile::Block>),
    /// What it will read and write.
    pub ahead: &'a [Ahead],
    /// Where row 0 of C is in these arrays.
    pub first_row: usize,
}

/// An array with an element for each of C.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    pub start: *const u8,
    /// Bytes of an element; 0 if there is no array.
    pub element: usize,
}

// SAFETY: the addresses are only asked for, which never faults.
unsafe impl Sync for Ahead {}
// SAFETY: as above.
unsafe impl Send for Ahead {}

impl Ahead {
    pub const NOTHING: Ahead = Ahead { start: std::ptr::null(), element: 0 };

    /// Asks for `count` elements from `first` on to come into the second-level cache.
    fn fetch(&self, first: usize, count: usize) {
        let start = self.start.wrapping_add(first * self.element);
        fetch(start, count * self.element);
    }
}

/// Numbers of B that are packed next, to be asked for while those before them are multiplied.
struct Coming {
    /// Pieces that lie `stride` numbers apart, of `lines` cache lines each.
    start: *const f32,
    stride: usize,
    pieces: usize,
    lines: usize,
    /// The line that is asked for next, and how many are asked for at a time.
    piece: usize,
    line: usize,
    share: usize,
}

impl Coming {
    /// The columns `group` of B at the depths `depth`, asked for at `times` times.
    fn new(b: Operand, group: Range<usize>, depth: Range<usize>, times: usize) -> Coming {
        let adjacent = b.lane_stride == 1;
        let (pieces, length) =
            if adjacent { (depth.len(), group.len()) } else { (group.len(), depth.len()) };
        let lines = (length * size_of::<f32>()).div_ceil(LINE);
        Coming {
            start: b.at(group.start, depth.start),
            stride: if adjacent { b.depth_stride } else { b.lane_stride },
            pieces,
            lines,
            piece: 0,
            line: 0,
            share: (pieces * lines).div_ceil(times.max(1)),
        }
    }

    /// Asks for some more.
    fn fetch(&mut self) {
        for _ in 0..self.share {
            if self.piece == self.pieces {
                return;
            }
            let piece = self.start.wrapping_add(self.piece * self.stride);
            fetch(piece.cast::<u8>().wrapping_add(self.line * LINE), LINE);
            self.line += 1;
            if self.line == self.lines {
                (self.piece, self.line) = (self.piece + 1, 0);
            }
        }
    }
}

/// Share `index` of `parts` of `0..len`, which begins at a multiple of `even`.
pub(super) fn even_share(len: usize, even: usize, parts: usize, index: usize) -> Range<usize> {
    let share = share_of(len.div_ceil(even), parts, index);
    len.min(share.start * even)..len.min(share.end * even)
}

/// Ranges of `0..k`, summed one after the other; they depend on `k` only.
pub(super) fn depth_blocks(k: usize) -> impl Iterator<Item = Range<usize>> {
    let count = k.div_ceil(DEPTH);
    (0..count).map(move |block| share_of(k, count, block))
}

/// A matrix by its rows (as A) or columns (as B), here called lanes: lane `i`, depth `p` lies at
/// `pointer[i · lane_stride + p · depth_stride]`, and one of the strides is 1.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    pub pointer: *const f32,
    pub lane_stride: usize,
    pub depth_stride: usize,
}

impl Operand {
    /// Where lane `lane`, depth `depth` lies; past the end for a lane or depth that is not there.
    fn at(self, lane: usize, depth: usize) -> *const f32 {
        self.pointer.wrapping_add(lane * self.lane_stride + depth * self.depth_stride)
    }

    /// Whether a walk along the depth hits few sets of a first-level cache (the same line of every
    /// 2 KiB), so that reading it repeatedly in place is slow.
    fn aliases(self, stride: usize) -> bool {
        stride != 1 && (stride * size_of::<f32>()).is_multiple_of(2048)
    }
}

/// The part of a product one worker computes.
pub(super) struct Part {
    /// Rows of A and C.
    pub rows: Range<usize>,
    /// Columns of B and C; the start is a multiple of the panel width.
    pub columns: Range<usize>,
    /// The depth of the whole product.
    pub k: usize,
    pub a: Operand,
    pub b: Operand,
    /// Where all of B lies packed, or null.
    pub packed: *const f32,
    /// Element (0, 0) of C, which is row-major.
    pub c: *mut f32,
    pub c_row_stride: usize,
    pub blocking: Blocking,
}

/// Numbers of scratch memory of a worker.
#[derive(Clone, Copy)]
pub(super) struct Packing {
    a: usize,
    b: usize,
    c: usize,
}

/// A worker's scratch memory: for packed A and B, and for a block of C.
#[derive(Clone, Copy)]
pub(super) struct Memory {
    a: *mut f32,
    b: *mut f32,
    c: *mut f32,
}

impl Packing {
    /// What any part of at most `rows` by `columns`, and of depth `k`, needs. Smaller parts never need
    /// more: shares are uneven, and one with fewer rows may be cut in fewer, larger blocks.
    pub fn new(kernels: &Kernels, [rows, columns, k]: [usize; 3], blocking: &Blocking) -> Packing {
        let depth = k.div_ceil(k.div_ceil(DEPTH).max(1));
        // With one block of rows each group of columns is used up as soon as it is packed.
        let most =
            if rows <= blocking.rows { blocking.together.max(COLUMNS_TOGETHER) } else { COLUMNS };
        let columns_kept = columns.min(most).next_multiple_of(kernels.width());
        // A vector of room, because packing writes full vectors.
        let a = depth * rows.min(blocking.rows) + kernels.lanes;
        // A single row keeps its sums here.
        let b = (depth * columns_kept + kernels.lanes).max(COLUMNS_OF_ROW);
        let c = if blocking.apart { rows.min(blocking.finished) * blocking.together } else { 0 };
        let line = |numbers: usize| numbers.next_multiple_of(16);
        Packing { a: line(a), b: line(b), c: line(c) }
    }

    pub fn len(&self) -> usize {
        self.a + self.b + self.c
    }

    /// The parts of memory that starts at `start`.
    pub fn at(&self, start: *mut f32) -> Memory {
        let b = start.wrapping_add(self.a);
        Memory { a: start, b, c: b.wrapping_add(self.b) }
    }
}

/// Computes one part.
///
/// # Safety
///
/// The instruction set of `kernels` is available; A, B and C are valid for the part's rows, columns
/// and depth; nobody else accesses these elements of C, except `finish` those that it is given; `memory`
/// is this worker's alone and was laid out by [`Packing`].
pub(super) unsafe fn multiply_part(
    kernels: &Kernels,
    part: &Part,
    memory: Memory,
    mut finish: Option<Finishing<'_>>,
) {
    if part.rows.len() == 1 && part.b.lane_stride == 1 && part.packed.is_null() {
        // SAFETY: passed on; packing memory for one row has room for its sums.
        unsafe { multiply_one_row(kernels, part, memory.b) };
        if let Some(finish) = finish {
            (finish.run)(part.rows.clone(), part.columns.clone(), None);
        }
        return;
    }
    let Blocking { together, apart, .. } = part.blocking;
    let row_blocks = part.rows.len().div_ceil(part.blocking.rows);
    let width = kernels.width();
    for first_column in part.columns.clone().step_by(COLUMNS) {
        let columns = first_column..part.columns.end.min(first_column + COLUMNS);
        let mut depths = depth_blocks(part.k).peekable();
        while let Some(depth) = depths.next() {
            // When the last depth is done the elements are made.
            let mut finish = finish.as_mut().filter(|_| depth.end == part.k);
            let in_turn = finish.is_some();
            for row_block in 0..row_blocks {
                let even = part.blocking.even_blocks;
                let share = even_share(part.rows.len(), even, row_blocks, row_block);
                let rows = part.rows.start + share.start..part.rows.start + share.end;
                let (columns, depth) = (columns.clone(), depth.clone());
                let mut block = Block {
                    kernels,
                    part,
                    rows,
                    columns,
                    depth,
                    in_turn,
                    c: part.c,
                    stride: part.c_row_stride,
                };
                let rows_in_place = block.a_is_read_in_place();
                if !rows_in_place {
                    // SAFETY: the block lies within the part; the memory has room for it.
                    unsafe { block.pack_a(memory.a) };
                }
                let columns = block.columns.clone();
                for group in columns.clone().step_by(together) {
                    let group = group..columns.end.min(group + together);
                    for (turn, rows) in block.turns().enumerate() {
                        if apart {
                            block.stride = together;
                            let first = rows.start * block.stride + group.start;
                            block.c = memory.c.wrapping_sub(first);
                        }
                        for piece in group.clone().step_by(COLUMNS_TOGETHER) {
                            let piece = piece..group.end.min(piece + COLUMNS_TOGETHER);
                            // What is used up at once has no need to be kept.
                            let kept = match (row_blocks, block.turns().count()) {
                                (1, 1) => piece.start,
                                (1, _) => group.start,
                                _ => columns.start,
                            };
                            let kept = (piece.start - kept) * block.depth.len();
                            let packed_b = memory.b.wrapping_add(kept);
                            let mut coming = None;
                            if part.packed.is_null() && (row_block, turn) == (0, 0) {
                                // SAFETY: as above.
                                unsafe { block.pack_b(&piece, packed_b) };
                                // Meanwhile the next one is asked for.
                                let next = match (piece.end < columns.end, depths.peek()) {
                                    (true, _) => Some((piece.end, block.depth.clone())),
                                    (false, next) => next.map(|next| (columns.start, next.clone())),
                                };
                                coming = next.map(|(first, depth)| {
                                    let next = first..columns.end.min(first + COLUMNS_TOGETHER);
                                    let groups = block.row_groups(&rows).count();
                                    let times = piece.len().div_ceil(width) * groups;
                                    Coming::new(part.b, next, depth, times)
                                });
                            }
                            for panel in piece.clone().step_by(width) {
                                let panel = panel..piece.end.min(panel + width);
                                let packed_b = packed_b
                                    .wrapping_add((panel.start - piece.start) * block.depth.len());
                                let a =
                                    if rows_in_place { None } else { Some(memory.a.cast_const()) };
                                let (ahead, coming) = (finish.as_deref(), coming.as_mut());
                                // SAFETY: the panel lies within the part and was packed, if it had
                                // to be.
                                unsafe {
                                    block.multiply_panel(&rows, panel, a, packed_b, ahead, coming)
                                };
                            }
                        }
                        if let Some(finish) = &mut finish {
                            let (start, stride) = (memory.c, block.stride);
                            let (row, column) = (rows.start, group.start);
                            let there = apart.then_some(tile::Block { start, row, column, stride });
                            (finish.run)(rows, group.clone(), there);
                        }
                    }
                }
            }
        }
    }
}

/// Packs one panel of `b[k, n]` at its place among all: by depth blocks, then by panels.
///
/// # Safety
///
/// The columns `panel` lie within B; `target` has room for all of B and a vector more.
pub(super) unsafe fn pack_panel(
    kernels: &Kernels,
    b: Operand,
    panel: Range<usize>,
    [n, k]: [usize; 2],
    target: *mut f32,
) {
    let padded = n.next_multiple_of(kernels.lanes);
    for depth in depth_blocks(k) {
        let offset = depth.start * padded + panel.start * depth.len();
        let panel = Panel {
            source: b.at(panel.start, depth.start),
            lane_stride: b.lane_stride,
            depth_stride: b.depth_stride,
            lanes: panel.len(),
            depth: depth.len(),
            target: target.wrapping_add(offset),
            width: panel.len().next_multiple_of(kernels.lanes),
        };
        // SAFETY: the caller's promise; the width is whole vectors, so no more is written.
        unsafe { (kernels.pack)(&panel) }
    }
}

/// Computes a part of one row, with rows of B side by side; `sums` has room for `COLUMNS_OF_ROW`.
unsafe fn multiply_one_row(kernels: &Kernels, part: &Part, sums: *mut f32) {
    for column in part.columns.clone().step_by(COLUMNS_OF_ROW) {
        for depth in depth_blocks(part.k) {
            let tile = Tile {
                depth: depth.len(),
                a: part.a.at(part.rows.start, depth.start),
                a_row_stride: part.a.lane_stride,
                a_depth_stride: part.a.depth_stride,
                b: part.b.at(column, depth.start),
                b_depth_stride: part.b.depth_stride,
                c: part.c.wrapping_add(part.rows.start * part.c_row_stride + column),
                c_row_stride: part.c_row_stride,
                columns: (part.columns.end - column).min(COLUMNS_OF_ROW),
                accumulate: depth.start > 0,
            };
            // SAFETY: the row of A, the columns of B and C lie within the part.
            unsafe { (kernels.row)(&tile, sums) }
        }
    }
}

/// A block of rows, columns and depth of a part.
struct Block<'a> {
    kernels: &'a Kernels,
    part: &'a Part,
    rows: Range<usize>,
    columns: Range<usize>,
    depth: Range<usize>,
    /// Whether some rows after the others are multiplied and finished, or all at once.
    in_turn: bool,
    /// Element (0, 0) of the product where it is made, and the distance of its rows.
    c: *mut f32,
    stride: usize,
}

impl Block<'_> {
    /// The block's rows as they are multiplied and finished.
    fn turns(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (start, rows, even) =
            (self.rows.start, self.rows.len(), self.part.blocking.even_blocks);
        let turns = if self.in_turn { rows.div_ceil(self.part.blocking.finished) } else { 1 };
        (0..turns).map(move |turn| {
            let share = even_share(rows, even, turns, turn);
            start + share.start..start + share.end
        })
    }

    /// Rows in even groups that a register tile can hold.
    fn row_groups(&self, rows: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
        let (start, rows) = (rows.start, rows.len());
        let groups = rows.div_ceil(self.kernels.rows);
        (0..groups).map(move |group| {
            let share = share_of(rows, groups, group);
            start + share.start..start + share.end
        })
    }

    fn a_is_read_in_place(&self) -> bool {
        let panels = self.columns.len().div_ceil(self.kernels.width());
        let a = self.part.a;
        panels == 1
            || panels <= PANELS_WORTH_PACKING_A && !a.aliases(a.lane_stride.max(a.depth_stride))
    }

    /// Packs the block's rows, group after group, each `[depth, rows of the group]`.
    unsafe fn pack_a(&self, packed: *mut f32) {
        for rows in self.turns().flat_map(|rows| self.row_groups(&rows)) {
            let a = self.part.a;
            let panel = Panel {
                source: a.at(rows.start, self.depth.start),
                lane_stride: a.lane_stride,
                depth_stride: a.depth_stride,
                lanes: rows.len(),
                depth: self.depth.len(),
                target: packed.wrapping_add((rows.start - self.rows.start) * self.depth.len()),
                width: rows.len(),
            };
            // SAFETY: these rows lie within A. What a full vector writes past a group's end is the
            // next group's, packed later, or the vector of room at the end.
            unsafe { (self.kernels.pack)(&panel) }
        }
    }

    /// Whether this panel of B is full and reading it with its stride is as good as packing it.
    fn b_is_read_in_place(&self, panel: &Range<usize>) -> bool {
        let (part, lanes) = (self.part, self.kernels.lanes);
        let (rows, columns) = (part.rows.len(), part.columns.len());
        let few = rows <= ROWS_WORTH_PACKING_B && columns * part.k <= SMALL_B
            || rows <= self.kernels.rows && columns * part.k <= 4 * SMALL_B
            || rows * columns * part.k <= SMALL_PRODUCT;
        few && part.b.lane_stride == 1 && panel.len().is_multiple_of(lanes)
    }

    /// Packs the panels of `group` that are not read in place, each `[depth, width of the panel]`.
    unsafe fn pack_b(&self, group: &Range<usize>, packed: *mut f32) {
        let (b, width) = (self.part.b, self.kernels.width());
        // Transposing reads along the depth, where longer is better.
        let step = if b.lane_stride == 1 { DEPTH_TOGETHER } else { self.depth.len() };
        for depth in (0..self.depth.len()).step_by(step) {
            for panel in group.clone().step_by(width) {
                let panel = panel..group.end.min(panel + width);
                if self.b_is_read_in_place(&panel) {
                    continue;
                }
                let padded = panel.len().next_multiple_of(self.kernels.lanes);
                let offset = (panel.start - group.start) * self.depth.len() + depth * padded;
                let panel = Panel {
                    source: b.at(panel.start, self.depth.start + depth),
                    lane_stride: b.lane_stride,
                    depth_stride: b.depth_stride,
                    lanes: panel.len(),
                    depth: step.min(self.depth.len() - depth),
                    target: packed.wrapping_add(offset),
                    width: padded,
                };
                // SAFETY: these columns lie within B, and the caller's memory has room.
                unsafe { (self.kernels.pack)(&panel) }
            }
        }
    }

    /// `rows` of the block times one panel of B; `packed_a` is where A was packed, if it was, and
    /// `packed_b` where the panel was, unless it is read in place. What `finish` will read is
    /// asked for meanwhile.
    unsafe fn multiply_panel(
        &self,
        rows: &Range<usize>,
        panel: Range<usize>,
        packed_a: Option<*const f32>,
        packed_b: *const f32,
        finish: Option<&Finishing<'_>>,
        mut coming: Option<&mut Coming>,
    ) {
        let part = self.part;
        let vectors = panel.len().div_ceil(self.kernels.lanes);
        let (b, b_depth_stride) = if !part.packed.is_null() {
            let padded = part.c_row_stride.next_multiple_of(self.kernels.lanes);
            let offset = self.depth.start * padded + panel.start * self.depth.len();
            (part.packed.wrapping_add(offset), vectors * self.kernels.lanes)
        } else if self.b_is_read_in_place(&panel) {
            (part.b.at(panel.start, self.depth.start), part.b.depth_stride)
        } else {
            (packed_b, vectors * self.kernels.lanes)
        };
        // Rows side by side are read in as many streams, which the machine does not see by itself.
        let asks = packed_a.is_none() && part.a.depth_stride == 1;
        let first_panel = panel.start == self.columns.start;
        let deeper = self.depth.len().min(part.k - self.depth.end);
        let groups = rows.len().div_ceil(self.kernels.rows);
        for (group, rows) in self.row_groups(rows).enumerate() {
            if packed_a.is_none() && !asks && first_panel {
                // Of what is stored along the depth, the next block.
                for depth in share_of(deeper, groups, group) {
                    let start = part.a.at(self.rows.start, self.depth.end + depth).cast();
                    fetch(start, self.rows.len() * size_of::<f32>());
                }
            }
            let next = rows.end..(rows.end + rows.len()).min(part.rows.end);
            for row in next.filter(|_| asks) {
                if first_panel {
                    let start = part.a.at(row, self.depth.start).cast();
                    fetch(start, self.depth.len() * size_of::<f32>());
                }
                let start = self.c.wrapping_add(row * self.stride + panel.start).cast();
                fetch(start, panel.len() * size_of::<f32>());
            }
            let (a, a_row_stride, a_depth_stride) = match packed_a {
                Some(packed) => {
                    let offset = (rows.start - self.rows.start) * self.depth.len();
                    (packed.wrapping_add(offset), 1, rows.len())
                }
                None => {
                    let a = part.a.at(rows.start, self.depth.start);
                    (a, part.a.lane_stride, part.a.depth_stride)
                }
            };
            let tile = Tile {
                depth: self.depth.len(),
                a,
                a_row_stride,
                a_depth_stride,
                b,
                b_depth_stride,
                c: self.c.wrapping_add(rows.start * self.stride + panel.start),
                c_row_stride: self.stride,
                columns: panel.len(),
                accumulate: self.depth.start > 0,
            };
            if let Some(finish) = finish {
                for row in rows.clone().map(|row| row + finish.first_row) {
                    let first = row * part.c_row_stride + panel.start;
                    finish.ahead.iter().for_each(|array| array.fetch(first, panel.len()));
                }
            }
            if let Some(coming) = &mut coming {
                coming.fetch();
            }
            // SAFETY: A's rows and C's rows and columns lie within the part, B's panel has full
            // vectors, packed or in place.
            unsafe { self.kernels.micro(rows.len(), vectors, a_row_stride == 1)(&tile) }
        }
    }
}
