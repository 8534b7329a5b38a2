//! Convolutions by small square filters with fewer multiplications: for a tile of 4×4 results, a filter of
//! 3×3 takes 36 products instead of 144, one of 2×2 takes 25 instead of 64; for 2×2 results one of 5×5
//! takes 36 instead of 100.
//!
//! Lavin and Gray, "Fast algorithms for convolutional neural networks" (CVPR 2016), F(4×4, 3×3) and its
//! kin. Tiles of the input and the filter are transformed; for each of their numbers there is one product
//! of matrices over the channels; its result is transformed back. Sums have larger terms than the direct
//! ones, so the error is larger too.
//!
//! A filter of 4×4 that goes over every second pixel is four of 2×2, one for each phase of the input, whose
//! channels are summed over together.

mod transform;

use super::after::{After, share};
use super::filter::Gradient;
use super::patches::Source;
use super::product::Product;
use crate::run::isa::Isa;
use crate::run::matmul::kernel::{Kernels, Tile as Matrix};
use crate::run::pool::share_of;
use std::ops::Range;
use transform::{Filter, Method, Tile, Transforms};

/// The most channels · features: the transformed filter is up to four times as large as the filter.
const LARGEST: usize = 256 * 256;
/// Channels that are summed in one chain: transformed numbers are larger than what they are made of, and
/// shorter chains keep the error of their sums near that of direct ones. Part of the law of same bits.
const DEPTH: usize = 64;
/// Rows of the widest register tile.
const ROWS: usize = 14;
/// Tiles of a slice of a filter's gradient, at least.
const SLICE: usize = 64;
const SLICES: usize = 16;
/// The most memory for sums of slices, in numbers.
const PARTIALS: usize = 1 << 22;

/// How tiles of a source are multiplied.
#[derive(Clone, Copy)]
struct Way {
    method: Method,
    /// Along each axis, pixels that lie so far apart belong together.
    phases: usize,
}

/// How a convolution that reads `source` is done in tiles, if it can be: filters are square and go over all
/// pixels of each phase, and channels fill vectors of 16.
fn way(source: &Source, groups: usize, gives: usize) -> Option<Way> {
    let [down, across] = source.taps.map(|taps| (taps.count, taps.step, taps.spread));
    let (taps, phases, spread) = down;
    let even = groups == 1 && source.depth.is_multiple_of(16) && gives.is_multiple_of(16);
    let fits = even && down == across && spread == 1 && phases <= 2 && taps.is_multiple_of(phases);
    let way = Way { method: Method::of(taps / phases)?, phases };
    (fits && way.depth(source) * gives <= LARGEST).then_some(way)
}

impl Way {
    /// Numbers of a transformed tile.
    fn planes(self) -> usize {
        self.method.points().pow(2)
    }

    /// Channels of all phases.
    fn depth(self, source: &Source) -> usize {
        self.phases * self.phases * source.depth
    }

    /// Tiles along both axes of a grid.
    fn tiles(self, grid: [usize; 2]) -> [usize; 2] {
        grid.map(|size| size.div_ceil(self.method.results()))
    }

    /// Whether transforming takes less than it saves, in multiply-adds of vectors of 16: those of the
    /// results directly, and by tiles.
    fn saves(self, source: &Source, batch: usize, gives: usize) -> bool {
        let [rows, columns] = self.tiles(source.grid);
        let (tiles, pixels) = (batch * rows * columns, batch * source.grid[0] * source.grid[1]);
        let (planes, depth) = (self.planes(), self.depth(source));
        let direct = pixels.saturating_mul(source.tap_count() * source.depth * gives / 16);
        let transforms = planes * (7 * depth + 4 * gives) / 16;
        let multiplied = planes * depth * gives / 16;
        let filter = 6 * planes * depth * gives / 16;
        tiles.saturating_mul(multiplied + transforms).saturating_add(filter) < direct
    }

    /// The phases, and the tap and pixel with which each begins.
    fn of_phases(self) -> impl Iterator<Item = (usize, [usize; 2])> {
        (0..self.phases * self.phases)
            .map(move |phase| (phase, [phase / self.phases, phase % self.phases]))
    }
}

/// Tiles that are transformed at a time: they stay in a second-level cache, and are enough for what is
/// read of the filter.
fn together(depth: usize) -> usize {
    (128 / depth.div_ceil(16)).next_multiple_of(ROWS).clamp(2 * ROWS, 9 * ROWS)
}

/// Tiles that a filter's gradient transforms at a time: as many numbers of them as of sums, to which each
/// plane's products are added.
fn together_in_gradient(depth: usize, filters: usize) -> usize {
    (depth * filters / (depth + filters)).max(together(depth.max(filters)))
}

/// From one plane of `rows` rows to the next, not at the same place of a first-level cache.
fn plane_of(rows: usize, channels: usize) -> usize {
    rows * channels + 16
}

impl Product {
    fn way(&self) -> Option<Way> {
        way(&self.source, self.groups, self.gives)
            .filter(|way| way.saves(&self.source, self.batch, self.gives))
    }

    /// Whether the method can be used and pays; depends on the sizes only.
    pub fn is_winograd(&self) -> bool {
        self.way().is_some()
    }

    /// Numbers of memory for the filter and its transform, and for each worker's tiles.
    pub fn winograd_lens(&self, kernels: &Kernels) -> (usize, (usize, usize)) {
        let Some(way) = self.way() else { return (0, (0, 0)) };
        let depth = way.depth(&self.source);
        let own = |channels: usize| way.planes() * plane_of(together(depth), channels);
        let width = self.gives.min(kernels.width());
        (self.filter_len() + self.transformed_len() + kernels.lanes, (own(depth), own(width)))
    }

    /// Numbers of the transformed filter.
    pub fn transformed_len(&self) -> usize {
        self.way().map_or(0, |way| way.planes() * way.depth(&self.source) * self.gives)
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
        let Some(way) = self.way() else { return };
        let (kernels, channels, taps) =
            (Kernels::of(isa), self.source.depth, self.source.taps[0].count);
        let depth = way.depth(&self.source);
        for panel in (0..self.gives).step_by(kernels.width()) {
            let width = (self.gives - panel).min(kernels.width());
            let (from, tap) = (self.packed_at(kernels, 0, panel), channels * width);
            for (phase, [y, x]) in way.of_phases() {
                for at in share_of(channels, workers, worker) {
                    let first = from + (y * taps + x) * tap + at * width;
                    let to = panel * depth + (phase * channels + at) * width;
                    let filter = Filter {
                        taps: packed.wrapping_add(first),
                        steps: [taps, 1].map(|step| way.phases * step * tap),
                        planes: planes.wrapping_add(to),
                        plane: depth * self.gives,
                        channels: width,
                    };
                    // SAFETY: the packed panel and its transform have room for these channels.
                    unsafe { (Transforms::of(isa, way.method).filter)(&filter) }
                }
            }
        }
    }

    /// Whole lines of tiles, or whole images where the last lines of tiles hold less: how many, and the
    /// pixels of each.
    pub fn units_of_tiles(&self) -> Option<(usize, usize)> {
        let ([height, width], size) = (self.source.grid, self.way()?.method.results());
        Some(match height.is_multiple_of(size) {
            true => (self.batch * (height / size), size * width),
            false => (self.batch, height * width),
        })
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
        [worker, workers]: [usize; 2],
        after: Option<&After<'_>>,
    ) {
        let Some(way) = self.way() else { return };
        let (kernels, transforms) = (Kernels::of(isa), Transforms::of(isa, way.method));
        let depth = way.depth(&self.source);
        let [rows, columns] = way.tiles(self.source.grid);
        let most = together(depth);
        let counts = after.is_some_and(After::counts);
        let [height, width] = self.source.grid;
        let size = way.method.results();
        let lines_done = |tiles: usize| {
            let lines = tiles / columns;
            lines / rows * height + height.min(lines % rows * size)
        };
        let counted = if counts { self.units_of_tiles() } else { None };
        let share = if let Some(units) = counted {
            let tiles = self.batch * rows * columns / units.0.max(1);
            let share = share(after, units, workers, worker);
            share.start * tiles..share.end * tiles
        } else {
            share_of(self.batch * rows * columns, workers, worker)
        };
        let first = lines_done(share.start) * width;
        let mut done = after.map(|after| after.worker(worker, first));
        for first in share.clone().step_by(most) {
            let held = first..share.end.min(first + most);
            let plane = plane_of(held.len(), depth);
            for (index, tile) in held.clone().enumerate() {
                let to = inputs.wrapping_add(index * depth);
                for of in self.source.tiles(way, tile, to, plane) {
                    // SAFETY: the tile is of the batch, the room has place for all tiles.
                    unsafe { (transforms.input)(&of) }
                }
            }
            for panel in (0..self.gives).step_by(kernels.width()) {
                let width = (self.gives - panel).min(kernels.width());
                let result_plane = plane_of(held.len(), width);
                let groups = held.len().div_ceil(kernels.rows);
                for number in 0..way.planes() {
                    let filter = number * depth * self.gives + panel * depth;
                    for rows in (0..groups).map(|group| share_of(held.len(), groups, group)) {
                        for start in (0..depth).step_by(DEPTH) {
                            let a = number * plane + rows.start * depth + start;
                            let product = Matrix {
                                depth: DEPTH.min(depth - start),
                                a: inputs.wrapping_add(a),
                                a_row_stride: depth,
                                a_depth_stride: 1,
                                b: transformed.wrapping_add(filter + start * width),
                                b_depth_stride: width,
                                c: results.wrapping_add(number * result_plane + rows.start * width),
                                c_row_stride: width,
                                columns: width,
                                accumulate: start > 0,
                            };
                            let vectors = width / kernels.lanes;
                            // SAFETY: these rows are transformed, and so is the filter.
                            unsafe { kernels.micro(rows.len(), vectors, false)(&product) }
                        }
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
                        at: [row, column].map(|at| (at * way.method.results()) as isize),
                        every: 1,
                        planes: results.wrapping_add(index * width),
                        plane: result_plane,
                        channels: width,
                    };
                    // SAFETY: the tile's results are this worker's, the planes are computed.
                    unsafe { (transforms.output)(&to) }
                }
            }
            match &mut done {
                None => {}
                Some(done) if counts => {
                    done.until(lines_done(held.end) * width, held.end == share.end);
                }
                Some(done) => {
                    self.lines_of_tiles(way, held, |pixels| done.pixels(pixels));
                }
            }
        }
    }
}

impl Product {
    /// The pixels of some tiles, line by line.
    fn lines_of_tiles(&self, way: Way, tiles: Range<usize>, mut run: impl FnMut(Range<usize>)) {
        let ([height, width], size) = (self.source.grid, way.method.results());
        let [rows, columns] = way.tiles(self.source.grid);
        let mut tile = tiles.start;
        while tile < tiles.end {
            let (line, column) = (tile / columns, tile % columns);
            let count = (columns - column).min(tiles.end - tile);
            let across = column * size..width.min((column + count) * size);
            let top = line % rows * size;
            for y in top..height.min(top + size) {
                let first = (line / rows * height + y) * width;
                run(first + across.start..first + across.end);
            }
            tile += count;
        }
    }
}

impl Source {
    /// A tile of what the grid reads: for each phase, its channels behind those of the phases before.
    fn tiles(
        &self,
        way: Way,
        tile: usize,
        planes: *mut f32,
        plane: usize,
    ) -> impl Iterator<Item = Tile> {
        let [rows, columns] = way.tiles(self.grid);
        let (image, row, column) = (tile / (rows * columns), tile / columns % rows, tile % columns);
        let line = self.size[1] * self.channels;
        let first = [(0, row), (1, column)].map(|(axis, at)| {
            (at * way.method.results() * way.phases) as isize + self.taps[axis].offset
        });
        let whole = Tile {
            // It is only read.
            image: self.pointer.cast_mut().wrapping_add(image * self.size[0] * line),
            size: self.size,
            steps: [line, self.channels],
            at: first,
            every: way.phases,
            planes,
            plane,
            channels: self.depth,
        };
        way.of_phases().map(move |(phase, [y, x])| Tile {
            at: [first[0] + y as isize, first[1] + x as isize],
            planes: planes.wrapping_add(phase * whole.channels),
            ..whole
        })
    }
}

impl Gradient {
    fn way(&self) -> Option<Way> {
        way(&self.source, self.groups, self.filters)
            .filter(|way| way.saves(&self.source, self.batch, self.filters))
    }

    /// Whether the method can be used and pays; depends on the sizes only.
    pub fn is_winograd(&self) -> bool {
        self.way().is_some()
    }

    fn tiles(&self, way: Way) -> usize {
        let [rows, columns] = way.tiles(self.source.grid);
        self.batch * rows * columns
    }

    /// In how many slices tiles are summed. Part of the law of same bits.
    pub fn winograd_slices(&self) -> usize {
        let tiles = self.way().map_or(0, |way| self.tiles(way));
        (tiles / SLICE).min(PARTIALS / self.elements().max(1)).clamp(1, SLICES)
    }

    /// Numbers of one worker's memory: for tiles of the input and of the adjoint, and for sums.
    pub fn winograd_lens(&self) -> (usize, usize) {
        let Some(way) = self.way() else { return (0, 0) };
        let (depth, filters) = (way.depth(&self.source), self.filters);
        let tiles = together_in_gradient(depth, filters);
        let own = |channels: usize| way.planes() * plane_of(tiles, channels);
        (own(depth) + own(filters), way.planes() * depth * filters)
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
        let Some(way) = self.way() else { return };
        let transforms = Transforms::of(isa, way.method);
        let (channels, filters) = (self.source.depth, self.filters);
        let (depth, taps) = (way.depth(&self.source), self.source.taps[0].count);
        let most = together_in_gradient(depth, filters);
        let slices = self.winograd_slices();
        for slice in share_of(slices, workers, worker) {
            let tiles = share_of(self.tiles(way), slices, slice);
            let chains = tiles.len().div_ceil(most);
            for held in (0..chains).map(|chain| share_of(tiles.len(), chains, chain)) {
                let more = held.start > 0;
                let held = tiles.start + held.start..tiles.start + held.end;
                // SAFETY: these tiles are of the batch; the memory has room for them and for the sums.
                unsafe { self.tiles_of_chain(isa, way, held, room, planes, more) }
            }
            for (phase, [y, x]) in way.of_phases() {
                for channel in 0..channels {
                    let first = ((y * taps + x) * channels + channel) * filters;
                    let filter = Filter {
                        taps: self.sums(slice).wrapping_add(first),
                        steps: [taps, 1].map(|step| way.phases * step * channels * filters),
                        planes: planes.wrapping_add((phase * channels + channel) * filters),
                        plane: depth * filters,
                        channels: filters,
                    };
                    // SAFETY: the slice's sums are this worker's.
                    unsafe { (transforms.gradient)(&filter) }
                }
            }
        }
    }

    /// What some tiles add to the transformed sums.
    unsafe fn tiles_of_chain(
        &self,
        isa: Isa,
        way: Way,
        tiles: Range<usize>,
        inputs: *mut f32,
        planes: *mut f32,
        accumulate: bool,
    ) {
        let (kernels, transforms) = (Kernels::of(isa), Transforms::of(isa, way.method));
        let (depth, filters) = (way.depth(&self.source), self.filters);
        let plane = plane_of(tiles.len(), depth);
        let adjoint_plane = plane_of(tiles.len(), filters);
        let adjoints = inputs.wrapping_add(way.planes() * plane);
        let [rows, columns] = way.tiles(self.source.grid);
        let [height, width] = self.source.grid;
        for (index, tile) in tiles.clone().enumerate() {
            let to = inputs.wrapping_add(index * depth);
            let image = tile / (rows * columns) * height * width * self.features;
            let at = [tile / columns % rows, tile % columns];
            let adjoint = Tile {
                image: self.adjoint.cast_mut().wrapping_add(image),
                size: self.source.grid,
                steps: [width * self.features, self.features],
                at: at.map(|at| (at * way.method.results()) as isize),
                every: 1,
                planes: adjoints.wrapping_add(index * filters),
                plane: adjoint_plane,
                channels: filters,
            };
            // SAFETY: the tile is of the batch, the caller's memory has room for it.
            unsafe {
                self.source.tiles(way, tile, to, plane).for_each(|of| (transforms.input)(&of));
                (transforms.adjoint)(&adjoint);
            }
        }
        let groups = depth.div_ceil(kernels.rows);
        for number in 0..way.planes() {
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
}
