//! Convolutions: implicit products of matrices, whose patches are read in lines with zeros around them or
//! gathered a few rows at a time; each channel by itself has loops of its own.
//!
//! Same bits: every element is a chain of multiply-adds over blocks that depend on the sizes only. A
//! filter's gradient is summed in slices of pixels, whose number depends on the sizes only.
#![allow(unsafe_code)]

mod after;
mod depthwise;
mod direct;
mod double;
mod few;
mod filter;
mod fold;
mod lines;
mod patches;
mod product;
mod spread;
mod strip;
mod taps;
mod winograd;

use super::isa::Isa;
use super::matmul::Packed;
use super::matmul::kernel::Kernels;
use super::pool::{Pool, WorkerPanic};
use super::tile::LoopRun;
use crate::op::{Convolved, Stencil};
use after::After;
use depthwise::Depthwise;
use double::convolve_f64;
use filter::Gradient;
use patches::Source;
use product::Product;
use spread::Spread;
use taps::Taps;

/// Below so many multiply-adds a second thread costs more than it brings.
const WORTH_THREADS: usize = 48 * 48 * 48;
/// Numbers to line up memory with cache lines.
const ALIGNMENT: usize = 16;

/// What a convolution is of, which of its arrays is wanted, and whether it is summed directly.
pub(super) type Of<'a> = (&'a Stencil, Convolved, bool);

/// What all workers are given.
struct Shared<T>(T);

impl<T> Shared<T> {
    /// By a method, so that closures hold the whole.
    fn get(&self) -> &T {
        &self.0
    }
}

/// Numbers of scratch memory: what all workers share, then what each has.
struct Room {
    shared: usize,
    /// For patches, and for a packed adjoint.
    own: (usize, usize),
    workers: usize,
}

impl Room {
    fn new(isa: Isa, threads: usize, (stencil, gives, exact): Of<'_>) -> Room {
        let kernels = Kernels::of(isa);
        let [height, width] = stencil.sliding;
        let taps = height.taps * width.taps;
        let workers = if stencil.products() < WORTH_THREADS { 1 } else { threads.max(1) };
        let nothing = (std::ptr::null(), std::ptr::null(), std::ptr::null_mut());
        let (shared, own) = match gives {
            Convolved::Filter if is_depthwise(stencil) => {
                ((depthwise::slices(stencil.batch) - 1) * taps * stencil.channels, (0, 0))
            }
            _ if is_depthwise(stencil) => (0, (0, 0)),
            Convolved::Input if spread::pays(stencil) => {
                (spread::packed_len(kernels.lanes, stencil), (spread::products_len(stencil), 0))
            }
            Convolved::Filter => {
                let gradient = gradient(stencil, nothing, std::ptr::null_mut());
                let (slices, own) = match !exact && gradient.is_winograd() {
                    true => (gradient.winograd_slices(), gradient.winograd_lens()),
                    false => (gradient.slices(), gradient.worker_len(kernels)),
                };
                ((slices - 1) * gradient.elements(), own)
            }
            _ => products(stencil, gives, nothing).flatten().fold((0, (0, 0)), |most, product| {
                let (packed, own) = match !exact && product.is_winograd() {
                    true => product.winograd_lens(kernels),
                    false if product.is_few() => (product.few_len(isa, threads), (0, 0)),
                    false => product.lens(kernels),
                };
                (most.0.max(packed), (most.1.0.max(own.0), most.1.1.max(own.1)))
            }),
        };
        let whole = |n: usize| n.next_multiple_of(ALIGNMENT);
        Room { shared: whole(shared), own: (whole(own.0), whole(own.1)), workers }
    }

    fn len(&self) -> usize {
        self.shared + self.workers * (self.own.0 + self.own.1) + ALIGNMENT
    }

    /// Where a worker's memory begins.
    fn of(&self, start: *mut f32, worker: usize) -> (*mut f32, *mut f32) {
        let own = start.wrapping_add(self.shared + worker * (self.own.0 + self.own.1));
        (own, own.wrapping_add(self.own.0))
    }
}

fn is_depthwise(stencil: &Stencil) -> bool {
    stencil.depth() == 1 && stencil.filters() == 1
}

/// How many numbers of scratch memory [`convolve_f32`] needs.
pub(super) fn scratch_len(isa: Isa, threads: usize, of: Of<'_>) -> usize {
    if of.0.products() == 0 { 0 } else { Room::new(isa, threads, of).len() }
}

/// One of a convolution's arrays from the two others, in the order of [`Convolved::roles`], in f64.
pub(super) fn double(
    pool: &Pool,
    (stencil, gives): (&Stencil, Convolved),
    a: &[f64],
    b: &[f64],
    c: &mut [f64],
) -> Result<(), WorkerPanic> {
    check(stencil, gives, a.len(), b.len(), c.len());
    if stencil.products() == 0 {
        c.fill(0.0);
        return Ok(());
    }
    convolve_f64(pool, stencil, gives, a, b, c)
}

/// Panics unless the arrays are as long as the stencil says: that is a mistake of the caller.
fn check(stencil: &Stencil, gives: Convolved, a: usize, b: usize, c: usize) {
    let of = |role: Convolved| {
        let held = stencil.elements();
        held.map(|[input, filter, output]| match role {
            Convolved::Input => input,
            Convolved::Filter => filter,
            Convolved::Output => output,
        })
    };
    let [one, other] = gives.roles();
    let fits = [of(one), of(other), of(gives)] == [Some(a), Some(b), Some(c)];
    assert!(fits, "arrays of {a}, {b} and {c} elements do not fit {stencil:?}");
}

/// More results than these are worth more than what it takes to pack the filter.
const KEPT_PIXELS: usize = 1024;
/// Fewer numbers are packed at every call.
const KEPT_FILTER: usize = 64 * 64;

/// How many numbers [`keep`] writes, whatever the instruction set; `None` where keeping the filter packed
/// does not pay.
pub(crate) fn kept_len(stencil: &Stencil, gives: Convolved) -> Option<usize> {
    let [_, filter, _] = stencil.elements()?;
    let [height, width] = stencil.sliding;
    let pixels = match gives {
        Convolved::Output => stencil.outputs.iter().product::<usize>(),
        Convolved::Input => height.input * width.input,
        Convolved::Filter => return None,
    };
    let few = stencil.batch.saturating_mul(pixels) <= KEPT_PIXELS && filter >= KEPT_FILTER;
    if !few || is_depthwise(stencil) || stencil.products() == 0 {
        return None;
    }
    if gives == Convolved::Input && spread::pays(stencil) {
        return spread::packed_len(ALIGNMENT, stencil).checked_next_multiple_of(ALIGNMENT);
    }
    let nothing = (std::ptr::null(), std::ptr::null(), std::ptr::null_mut());
    let mut lens = products(stencil, gives, nothing).flatten().map(|product| product.kept_len());
    lens.try_fold(0usize, usize::checked_add)
}

/// Packs or transforms a filter as [`convolve_f32`] takes it.
///
/// # Safety
///
/// `kept` is valid for [`kept_len`] numbers.
pub(super) unsafe fn keep(
    isa: Isa,
    pool: &Pool,
    scratch: &mut [f32],
    (stencil, gives, exact): Of<'_>,
    filter: &[f32],
    kept: *mut f32,
) -> Result<(), WorkerPanic> {
    let held = stencil.elements().is_some_and(|[_, held, _]| held == filter.len());
    assert!(held, "a filter of {} numbers does not fit {stencil:?}", filter.len());
    let machine = Machine::new(isa, pool, scratch, (stencil, gives, exact));
    if gives == Convolved::Input && spread::pays(stencil) {
        let (filter, input) = (filter.as_ptr(), std::ptr::null_mut());
        return machine.pack_spread(
            &Shared(Spread { stencil: *stencil, output: filter, filter, input }),
            kept,
        );
    }
    let arrays = (std::ptr::null(), filter.as_ptr(), std::ptr::null_mut());
    let mut at = kept;
    products(stencil, gives, arrays).flatten().try_for_each(|product| {
        let to = at;
        at = at.wrapping_add(product.kept_len());
        machine.prepare(&Shared(product), to)
    })
}

/// What a convolution takes and gives.
pub(super) struct Arrays<'a> {
    /// The two others, in the order of [`Convolved::roles`].
    pub given: [&'a [f32]; 2],
    /// What [`keep`] has made of the filter.
    pub kept: Option<Packed>,
    /// The result and its length.
    pub result: (*mut f32, usize),
    /// A loop over the result's pixels and channels.
    pub then: Option<&'a LoopRun<'a>>,
}

/// One of a convolution's arrays from the two others, in the order of [`Convolved::roles`]. Gives whether
/// the loop over its pixels has run with it; where not, it can run now.
///
/// `scratch` has at least [`scratch_len`] numbers; what it holds does not matter. Panics if an array does
/// not fit or `isa` is not available: those are mistakes of the caller.
///
/// # Safety
///
/// What is kept was made by [`keep`] of the filter, for the same convolution. The result is valid, and
/// nobody else accesses it meanwhile but the loop, which was proved to fit behind the convolution.
pub(super) unsafe fn convolve_f32(
    isa: Isa,
    pool: &Pool,
    scratch: &mut [f32],
    (stencil, gives, exact): Of<'_>,
    arrays: Arrays<'_>,
) -> Result<bool, WorkerPanic> {
    let Arrays { given: [a, b], kept, result: (c, length), then } = arrays;
    check(stencil, gives, a.len(), b.len(), length);
    // SAFETY: the caller's promise; the loop does not run while this is held.
    let whole = || unsafe { std::slice::from_raw_parts_mut(c, length) };
    if stencil.products() == 0 {
        whole().fill(0.0);
        return Ok(false);
    }
    let machine = Machine::new(isa, pool, scratch, (stencil, gives, exact));
    let after = then.map(After::new);
    if is_depthwise(stencil) {
        return machine.depthwise(stencil, gives, [a.as_ptr(), b.as_ptr()], (c, length), after);
    }
    match gives {
        Convolved::Input if spread::pays(stencil) => {
            let (output, filter) = (a.as_ptr(), b.as_ptr());
            machine.spread(Spread { stencil: *stencil, output, filter, input: c }, kept)?;
            Ok(false)
        }
        Convolved::Filter => machine.filter(stencil, a, b, whole()).map(|()| false),
        _ => {
            let arrays = (a.as_ptr(), b.as_ptr(), c);
            if products(stencil, gives, arrays).any(|product| product.is_none()) {
                whole().fill(0.0);
            }
            let mut at = kept;
            let mut done = false;
            for product in products(stencil, gives, arrays).flatten() {
                let kept = at;
                at = at.map(|Packed(at)| Packed(at.wrapping_add(product.kept_len())));
                done = machine.product(product, kept, after.as_ref())?;
            }
            Ok(done)
        }
    }
}

struct Machine<'a> {
    isa: Isa,
    exact: bool,
    kernels: &'static Kernels,
    pool: &'a Pool,
    room: Room,
    start: *mut f32,
}

/// A pointer that workers may be given.
struct Start(*mut f32);

// SAFETY: each worker accesses memory of its own only.
unsafe impl Sync for Start {}

impl<'a> Machine<'a> {
    fn new(isa: Isa, pool: &'a Pool, scratch: &mut [f32], of: Of<'_>) -> Self {
        isa.assert_available();
        let (room, exact) = (Room::new(isa, pool.threads(), of), of.2);
        assert!(scratch.len() >= room.len(), "{of:?} needs {} numbers of scratch", room.len());
        let unaligned = scratch.as_mut_ptr();
        let start = unaligned.wrapping_add(unaligned.align_offset(64).min(ALIGNMENT));
        Machine { isa, exact, kernels: Kernels::of(isa), pool, room, start }
    }

    /// Runs `job(worker, workers, its memory)`.
    fn run(
        &self,
        job: &(dyn Fn(usize, usize, (*mut f32, *mut f32)) + Sync),
    ) -> Result<(), WorkerPanic> {
        let (room, start) = (&self.room, Start(self.start));
        if room.workers == 1 {
            job(0, 1, room.of(start.0, 0));
            return Ok(());
        }
        self.pool.run(&|worker| {
            let start = &start;
            job(worker, room.workers, room.of(start.0, worker));
        })
    }

    /// How a product is done: by tiles, or as few patches times a large filter.
    fn way(&self, product: &Product) -> (bool, bool) {
        let winograd = !self.exact && product.is_winograd();
        (winograd, !winograd && product.is_few())
    }

    /// Writes a product's filter to `to` as it is multiplied with.
    fn prepare(&self, product: &Shared<Product>, to: *mut f32) -> Result<(), WorkerPanic> {
        let (isa, kernels) = (self.isa, self.kernels);
        let (winograd, few) = self.way(product.get());
        if few {
            // SAFETY: the filter is as long as sizes ask for, and `to` has room for it packed.
            return unsafe { product.pack_few(isa, self.pool, to) };
        }
        let (packed, to) = (Start(if winograd { self.start } else { to }), Start(to));
        self.run(&|worker, workers, _| {
            let (product, packed) = (product.get(), &packed);
            // SAFETY: the set is available and the arrays and the memory have the lengths that sizes ask
            // for, all checked by the caller; the packed filter lies before all workers' memory, and
            // each has panels of its own.
            unsafe { product.pack(kernels, packed.0, worker, workers) }
        })?;
        if !winograd {
            return Ok(());
        }
        self.run(&|worker, workers, _| {
            let (product, packed, to) = (product.get(), &packed, &to);
            // SAFETY: as above; workers have shares of the filter of their own.
            unsafe { product.transform_filter(isa, packed.0, to.0, worker, workers) }
        })
    }

    /// Gives whether what comes after has run.
    fn product(
        &self,
        product: Product,
        kept: Option<Packed>,
        after: Option<&After<'_>>,
    ) -> Result<bool, WorkerPanic> {
        let (isa, kernels) = (self.isa, self.kernels);
        let ((winograd, few), product) = (self.way(&product), Shared(product));
        if few {
            let patches = Start(self.start);
            self.run(&|worker, workers, _| {
                let (product, patches) = (product.get(), &patches);
                // SAFETY: as below.
                unsafe { product.gather_few(kernels, patches.0, worker, workers) }
            })?;
            // SAFETY: as below; all patches are gathered.
            unsafe { product.multiply_few(isa, self.pool, patches.0, kept)? };
            return Ok(false);
        }
        let packed = match kept {
            Some(kept) => kept,
            None => {
                let before = if winograd { product.get().filter_len() } else { 0 };
                let to = self.start.wrapping_add(before);
                self.prepare(&product, to)?;
                Packed(to)
            }
        };
        let shares = |after: &&After<'_>| {
            after.is_shared_evenly(product.get().units(winograd), self.room.workers)
        };
        let after = after.filter(|_| product.get().groups == 1).filter(shares);
        self.run(&|worker, workers, (room, more)| {
            let (product, Packed(packed)) = (product.get(), packed);
            let (this, after) = ([worker, workers], after);
            // SAFETY: as in `prepare`, which is done; workers have shares of the positions and memory of
            // their own.
            unsafe {
                match product.is_direct() {
                    _ if winograd => product.run_winograd(isa, packed, (room, more), this, after),
                    true => product.run_direct(isa, packed, room, this, after),
                    false => product.run(kernels, packed, room, this, after),
                }
            }
        })?;
        Ok(after.is_some())
    }

    /// Packs the filter.
    fn pack_spread(&self, spread: &Shared<Spread>, to: *mut f32) -> Result<(), WorkerPanic> {
        let (kernels, to) = (self.kernels, Start(to));
        self.run(&|worker, workers, _| {
            let (spread, to) = (spread.get(), &to);
            // SAFETY: as for a product.
            unsafe { spread.pack(kernels, to.0, worker, workers) }
        })
    }

    fn spread(&self, spread: Spread, kept: Option<Packed>) -> Result<(), WorkerPanic> {
        let (kernels, spread) = (self.kernels, Shared(spread));
        if kept.is_none() {
            self.pack_spread(&spread, self.start)?;
        }
        let packed = kept.unwrap_or(Packed(self.start));
        self.run(&|worker, workers, (products, _)| {
            let (spread, Packed(packed)) = (spread.get(), packed);
            // SAFETY: as above; workers have lines of the input of their own.
            unsafe { spread.run(kernels, packed, products, worker, workers) }
        })
    }

    fn filter(
        &self,
        s: &Stencil,
        input: &[f32],
        adjoint: &[f32],
        filter: &mut [f32],
    ) -> Result<(), WorkerPanic> {
        let arrays = (input.as_ptr(), adjoint.as_ptr(), filter.as_mut_ptr());
        let gradient = Shared(gradient(s, arrays, self.start));
        let (isa, kernels) = (self.isa, self.kernels);
        let winograd = !self.exact && gradient.get().is_winograd();
        self.run(&|worker, workers, (room, packed)| {
            let gradient = gradient.get();
            // SAFETY: the set is available and the arrays and the memory have the lengths that sizes
            // ask for, all checked by the caller; workers have sums and memory of their own.
            unsafe {
                match gradient.is_direct() {
                    _ if winograd => gradient.run_winograd(isa, room, packed, worker, workers),
                    true => gradient.run_direct(isa, room, packed, worker, workers),
                    false => gradient.run(kernels, room, packed, worker, workers),
                }
            }
        })?;
        let slices = match winograd {
            true => gradient.get().winograd_slices(),
            false => gradient.get().slices(),
        };
        self.combine(slices, filter)
    }

    /// Adds the sums of all slices but the first to those of the first, in order.
    fn combine(&self, slices: usize, filter: &mut [f32]) -> Result<(), WorkerPanic> {
        let (elements, partials) = (filter.len(), Start(self.start));
        self.pool.for_each_chunk_mut(
            filter,
            elements.div_ceil(self.room.workers),
            &|first, sums| {
                let partials = &partials;
                for slice in 0..slices - 1 {
                    let from = partials.0.wrapping_add(slice * elements + first).cast_const();
                    // SAFETY: each slice's sums were written by a worker, and nobody writes them now.
                    let more = unsafe { std::slice::from_raw_parts(from, sums.len()) };
                    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
                }
            },
        )
    }

    /// Gives whether what comes after has run.
    fn depthwise(
        &self,
        stencil: &Stencil,
        gives: Convolved,
        [a, b]: [*const f32; 2],
        (c, length): (*mut f32, usize),
        after: Option<After<'_>>,
    ) -> Result<bool, WorkerPanic> {
        // What is not given is only read.
        let [one, other] = gives.roles();
        let of = |role: Convolved| match role {
            _ if role == one => a.cast_mut(),
            _ if role == other => b.cast_mut(),
            _ => c,
        };
        let depthwise = Depthwise {
            stencil: *stencil,
            gives,
            input: of(Convolved::Input),
            filter: of(Convolved::Filter),
            output: of(Convolved::Output),
            partials: self.start,
        };
        let after =
            after.filter(|after| after.is_shared_evenly(depthwise.units(), self.room.workers));
        let (isa, depthwise) = (self.isa, Shared(depthwise));
        self.run(&|worker, workers, _| {
            let (depthwise, after) = (&depthwise, &after);
            // SAFETY: the set is available and the arrays are as long as the sizes ask for, all checked
            // by the caller; each worker writes pixels or channels of its own.
            unsafe { depthwise.0.run(isa, [worker, workers], after.as_ref()) }
        })?;
        if gives == Convolved::Filter {
            // SAFETY: the result is valid, and all workers are done.
            let filter = unsafe { std::slice::from_raw_parts_mut(c, length) };
            self.combine(depthwise::slices(stencil.batch), filter)?;
        }
        Ok(after.is_some())
    }
}

/// The input as outputs read it.
fn input_of(s: &Stencil, pointer: *const f32) -> Source {
    let [height, width] = s.sliding;
    Source {
        pointer,
        size: [height.input, width.input],
        channels: s.channels,
        taps: [Taps::forward(&height), Taps::forward(&width)],
        grid: s.outputs,
        depth: s.depth(),
    }
}

fn gradient(
    s: &Stencil,
    (input, adjoint, result): (*const f32, *const f32, *mut f32),
    partials: *mut f32,
) -> Gradient {
    Gradient {
        source: input_of(s, input),
        batch: s.batch,
        groups: s.groups,
        filters: s.filters(),
        features: s.features,
        adjoint,
        result,
        partials,
    }
}

/// The products that give the output, or the input. Inputs that lie a stride apart read the same elements
/// of the filter: one product for each phase, and none where they read nothing.
fn products(
    s: &Stencil,
    gives: Convolved,
    (source, filter, target): (*const f32, *const f32, *mut f32),
) -> impl Iterator<Item = Option<Product>> {
    let s = *s;
    let [height, width] = s.sliding;
    let common = Product {
        source: input_of(&s, source),
        batch: s.batch,
        groups: s.groups,
        gives: s.filters(),
        target,
        target_steps: [s.outputs[0] * s.outputs[1], s.outputs[1], 1].map(|n| n * s.features),
        filter,
        filter_depth: s.depth(),
        filter_features: s.features,
        filter_width: width.taps,
        transposed: false,
    };
    let phases = [height, width].map(|along| match gives {
        Convolved::Output => 1,
        _ => along.stride.min(along.input),
    });
    (0..phases[0] * phases[1]).map(move |phase| {
        if gives == Convolved::Output {
            return Some(common);
        }
        let (y, x) = (phase / phases[1], phase % phases[1]);
        let taps = [Taps::backward(&height, y), Taps::backward(&width, x)];
        if taps.iter().any(|taps| taps.count == 0) {
            return None;
        }
        let line = width.input * s.channels;
        let rows = (height.input - y).div_ceil(height.stride);
        let columns = (width.input - x).div_ceil(width.stride);
        Some(Product {
            source: Source {
                pointer: source,
                size: s.outputs,
                channels: s.features,
                taps,
                grid: [rows, columns],
                depth: s.filters(),
            },
            gives: s.depth(),
            target: target.wrapping_add(y * line + x * s.channels),
            target_steps: [height.input * line, height.stride * line, width.stride * s.channels],
            transposed: true,
            ..common
        })
    })
}
