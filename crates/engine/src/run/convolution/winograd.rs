//! Convolutions by filters of 3×3 with fewer multiplications: a tile of 4×4 results takes 36 products
//! instead of 144.
//!
//! Lavin and Gray, "Fast algorithms for convolutional neural networks" (CVPR 2016), F(4×4, 3×3). Tiles of
//! the input and the filter are transformed; for each of their 36 numbers there is one product of
//! matrices over the channels; its result is transformed back. Sums have larger terms than the direct
//! ones, so the error is larger too.

mod transform;

use super::filter::Gradient;
use super::patches::Source;
use super::product::Product;
use crate::run::isa::Isa;
use crate::run::matmul::kernel::{Kernels, Tile as Matrix};
use crate::run::pool::share_of;
use std::ops::Range;
use transform::{Filter, Tile, Transforms};

/// Numbers of a transformed tile.
const PLANES: usize = 36;
/// The most channels · features: the transformed filter is four times as large as the filter.
const LARGEST: usize = 256 * 256;
/// Rows of the widest register tile.
const ROWS: usize = 14;
/// Tiles of a slice of a filter's gradient, at least.
const SLICE: usize = 64;
const SLICES: usize = 16;
/// The most memory for sums of slices, in numbers.
const PARTIALS: usize = 1 << 22;

/// Whether filters of 3×3 go over all pixels, and channels fill vectors of 16.
fn fits(source: &Source, groups: usize, gives: usize) -> bool {
    let plain = source.taps.iter().all(|taps| (taps.count, taps.step, taps.spread) == (3, 1, 1));
    groups == 1 && plain && source.depth.is_multiple_of(16) && gives.is_multiple_of(16)
}

/// Tiles along both axes of a grid.
fn tiles(grid: [usize; 2]) -> [usize; 2] {
    grid.map(|size| size.div_ceil(4))
}

/// Whether transforming takes less than it saves, in multiply-adds of vectors of 16: those of the
/// results directly, and by tiles.
fn saves(source: &Source, batch: usize, gives: usize) -> bool {
    let [rows, columns] = tiles(source.grid);
    let (tiles, pixels) = (batch * rows * columns, batch * source.grid[0] * source.grid[1]);
    let (depth, each) = (source.depth / 16, source.depth * gives / 16);
    let direct = pixels.saturating_mul(9 * each);
    let transforms = tiles.saturating_mul(250 * depth + 150 * gives / 16) + 200 * each;
    tiles.saturating_mul(PLANES * each).saturating_add(transforms) < direct
}

/// Tiles that are transformed at a time: they stay in a second-level cache, and are enough for what is
/// read of the filter.
fn together(depth: usize) -> usize {
    (128 / depth.div_ceil(16)).next_multiple_of(ROWS).clamp(2 * ROWS, 9 * ROWS)
}

/// From one plane of `rows` rows to the next, not at the same place of a first-level cache.
fn plane_of(rows: usize, channels: usize) -> usize {
    rows * channels + 16
}

impl Product {
    /// Whether the method can be used and pays; depends on the sizes only.
    pub fn is_winograd(&self) -> bool {
        fits(&self.source, self.groups, self.gives)
            && self.source.depth * self.gives <= LARGEST
            && saves(&self.source, self.batch, self.gives)
    }

    /// Numbers of memory for the filter and its transform, and for each worker's tiles.
    pub fn winograd_lens(&self, kernels: &Kernels) -> (usize, (usize, usize)) {
        let tiles = together(self.source.depth);
        let filter = self.source.depth * self.gives;
        let own = |channels: usize| PLANES * plane_of(tiles, channels);
        let width = self.gives.min(kernels.width());
        (9 * filter + self.transformed_len() + kernels.lanes, (own(self.source.depth), own(width)))
    }

    /// Numbers of the transformed filter.
    pub fn transformed_len(&self) -> usize {
        PLANES * self.source.depth * self.gives
    }

    /// Transforms one worker's share of the packed filter.
    ///
    /// # Safety
    ///
    /// The instruction set is available; `packed` holds what [`pack`](Product::pack) gave, and `planes` is as
    /// long as [`transformed_len`](Self::transformed_len) says; nobody else accesses this share.
    pub unsafe fn transform_filter(
        &self,
        isa: Isa,
        packed: *mut f32,
        planes: *mut f32,
        worker: usize,
        workers: usize,
    ) {
        let (kernels, depth) = (Kernels::of(isa), self.source.depth);
        for panel in (0..self.gives).step_by(kernels.width()) {
            let width = (self.gives - panel).min(kernels.width());
            for at in share_of(depth, workers, worker) {
                let filter = Filter {
                    taps: packed.wrapping_add(self.packed_at(kernels, 0, panel) + at * width),
                    tap: depth * width,
                    planes: planes.wrapping_add(panel * depth + at * width),
                    plane: depth * self.gives,
                    channels: width,
                };
                // SAFETY: the packed panel and its transform have room for these channels.
                unsafe { (Transforms::of(isa).filter)(&filter) }
            }
        }
    }

    /// The results of one worker's share of all tiles.
    ///
    /// # Safety
    ///
    /// As for [`run`](Product::run); the filter's transform is complete; the two rooms are this
    /// worker's alone and as long as [`winograd_lens`](Self::winograd_lens) says.
    pub unsafe fn run_winograd(
        &self,
        isa: Isa,
        transformed: *const f32,
        (inputs, results): (*mut f32, *mut f32),
        worker: usize,
        workers: usize,
    ) {
        let (kernels, transforms) = (Kernels::of(isa), Transforms::of(isa));
        let depth = self.source.depth;
        let [rows, columns] = tiles(self.source.grid);
        let most = together(depth);
        let share = share_of(self.batch * rows * columns, workers, worker);
        for first in share.clone().step_by(most) {
            let held = first..share.end.min(first + most);
            let plane = plane_of(held.len(), depth);
            for (index, tile) in held.clone().enumerate() {
                let to = inputs.wrapping_add(index * depth);
                // SAFETY: the tile is of the batch, the room has place for all tiles.
                unsafe { (transforms.input)(&self.source.tile(tile, to, plane)) }
            }
            for panel in (0..self.gives).step_by(kernels.width()) {
                let width = (self.gives - panel).min(kernels.width());
                let result_plane = plane_of(held.len(), width);
                let groups = held.len().div_ceil(kernels.rows);
                for number in 0..PLANES {
                    let filter = number * depth * self.gives + panel * depth;
                    for rows in (0..groups).map(|group| share_of(held.len(), groups, group)) {
                        let product = Matrix {
                            depth,
                            a: inputs.wrapping_add(number * plane + rows.start * depth),
                            a_row_stride: depth,
                            a_depth_stride: 1,
                            b: transformed.wrapping_add(filter),
                            b_depth_stride: width,
                            c: results.wrapping_add(number * result_plane + rows.start * width),
                            c_row_stride: width,
                            columns: width,
                            accumulate: false,
                        };
                        let vectors = width / kernels.lanes;
                        // SAFETY: these rows are transformed, and so is the filter.
                        unsafe { kernels.micro(rows.len(), vectors, false)(&product) }
                    }
                }
                for (index, tile) in held.clone().enumerate() {
                    let (image, row, column) =
                        (tile / (rows * columns), tile / columns % rows, tile % columns);
                    let [step, line, pixel] = self.target_steps;
                    let to = Tile {
                        image: self.target.wrapping_add(image * step + panel),
                        size: self.source.grid,
                        steps: [line, pixel],
                        at: [4 * row as isize, 4 * column as isize],
                        planes: results.wrapping_add(index * width),
                        plane: result_plane,
                        channels: width,
                    };
                    // SAFETY: the tile's results are this worker's, the planes are computed.
                    unsafe { (transforms.output)(&to) }
                }
            }
        }
    }
}

impl Source {
    /// A tile of what the grid reads.
    fn tile(&self, tile: usize, planes: *mut f32, plane: usize) -> Tile {
        let [rows, columns] = tiles(self.grid);
        let (image, row, column) = (tile / (rows * columns), tile / columns % rows, tile % columns);
        let line = self.size[1] * self.channels;
        Tile {
            // It is only read.
            image: self.pointer.cast_mut().wrapping_add(image * self.size[0] * line),
            size: self.size,
            steps: [line, self.channels],
            at: [4 * row as isize + self.taps[0].offset, 4 * column as isize + self.taps[1].offset],
            planes,
            plane,
            channels: self.depth,
        }
    }
}

impl Gradient {
    /// Whether the method can be used and pays; depends on the sizes only.
    pub fn is_winograd(&self) -> bool {
        fits(&self.source, self.groups, self.filters)
            && self.source.depth * self.filters <= LARGEST
            && saves(&self.source, self.batch, self.filters)
    }

    fn tiles(&self) -> usize {
        let [rows, columns] = tiles(self.source.grid);
        self.batch * rows * columns
    }

    /// In how many slices tiles are summed. Part of the law of same bits.
    pub fn winograd_slices(&self) -> usize {
        (self.tiles() / SLICE).min(PARTIALS / self.elements().max(1)).clamp(1, SLICES)
    }

    /// Numbers of one worker's memory: for tiles of the input and of the adjoint, and for sums.
    pub fn winograd_lens(&self) -> (usize, usize) {
        let (depth, filters) = (self.source.depth, self.filters);
        let tiles = together(depth.max(filters));
        let own = |channels: usize| PLANES * plane_of(tiles, channels);
        (own(depth) + own(filters), PLANES * depth * filters)
    }

    /// One worker's share of slices.
    ///
    /// # Safety
    ///
    /// As for [`run`](Gradient::run), with memory as long as [`winograd_lens`](Self::winograd_lens) says.
    pub unsafe fn run_winograd(
        &self,
        isa: Isa,
        room: *mut f32,
        planes: *mut f32,
        worker: usize,
        workers: usize,
    ) {
        let transforms = Transforms::of(isa);
        let (depth, filters) = (self.source.depth, self.filters);
        let most = together(depth.max(filters));
        let slices = self.winograd_slices();
        for slice in share_of(slices, workers, worker) {
            let tiles = share_of(self.tiles(), slices, slice);
            for first in tiles.clone().step_by(most) {
                let held = first..tiles.end.min(first + most);
                // SAFETY: these tiles are of the batch; the memory has room for them and for the sums.
                unsafe { self.tiles_of_chain(isa, held, room, planes, first > tiles.start) }
            }
            for channel in 0..depth {
                let filter = Filter {
                    taps: self.sums(slice).wrapping_add(channel * filters),
                    tap: depth * filters,
                    planes: planes.wrapping_add(channel * filters),
                    plane: depth * filters,
                    channels: filters,
                };
                // SAFETY: the slice's sums are this worker's.
                unsafe { (transforms.gradient)(&filter) }
            }
        }
    }

    /// What some tiles add to the transformed sums.
    unsafe fn tiles_of_chain(
        &self,
        isa: Isa,
        tiles: Range<usize>,
        inputs: *mut f32,
        planes: *mut f32,
        accumulate: bool,
    ) {
        let (kernels, transforms) = (Kernels::of(isa), Transforms::of(isa));
        let (depth, filters) = (self.source.depth, self.filters);
        let plane = plane_of(tiles.len(), depth);
        let adjoint_plane = plane_of(tiles.len(), filters);
        let adjoints = inputs.wrapping_add(PLANES * plane);
        // The adjoint's tiles lie side by side, 4 pixels each.
        let [rows, columns] = self.source.grid;
        let line = columns * self.features;
        for (index, tile) in tiles.clone().enumerate() {
            let to = inputs.wrapping_add(index * depth);
            let of = self.source.tile(tile, to, plane);
            let adjoint = Tile {
                image: self.adjoint.cast_mut().wrapping_add(self.image_of(tile) * rows * line),
                size: self.source.grid,
                steps: [line, self.features],
                at: [of.at[0] - self.source.taps[0].offset, of.at[1] - self.source.taps[1].offset],
                planes: adjoints.wrapping_add(index * filters),
                plane: adjoint_plane,
                channels: filters,
            };
            // SAFETY: the tile is of the batch, the caller's memory has room for it.
            unsafe {
                (transforms.input)(&of);
                (transforms.adjoint)(&adjoint);
            }
        }
        let groups = depth.div_ceil(kernels.rows);
        for number in 0..PLANES {
            for panel in (0..filters).step_by(kernels.width()) {
                let columns = (filters - panel).min(kernels.width());
                for rows in (0..groups).map(|group| share_of(depth, groups, group)) {
                    let to = (number * depth + rows.start) * filters + panel;
                    let product = Matrix {
                        depth: tiles.len(),
                        a: inputs.wrapping_add(number * plane + rows.start),
                        a_row_stride: 1,
                        a_depth_stride: depth,
                        b: adjoints.wrapping_add(number * adjoint_plane + panel),
                        b_depth_stride: filters,
                        c: planes.wrapping_add(to),
                        c_row_stride: filters,
                        columns,
                        accumulate,
                    };
                    let vectors = columns / kernels.lanes;
                    // SAFETY: the tiles are transformed, full vectors of them.
                    unsafe { kernels.micro(rows.len(), vectors, true)(&product) }
                }
            }
        }
    }

    fn image_of(&self, tile: usize) -> usize {
        let [rows, columns] = tiles(self.source.grid);
        tile / (rows * columns)
    }
}
