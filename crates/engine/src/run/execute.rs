//! The kernels other than loops, and the walk over a plan's steps.
#![allow(unsafe_code)]

use std::time::Instant;

use crate::Error;
use crate::graph::DType;
use crate::op::{Convolved, Distribution, Reduction, Stencil, Window};
use crate::plan::kernel::{FACTORS, Kernel, Region, Sort, Step, Then};
use crate::random::{Stream, normal_of, unit};
use crate::run::convolution;
use crate::run::cumulative::{self, cumulative_sum};
use crate::run::isa::Isa;
use crate::run::matmul::Packed;
use crate::run::max_pool::max_pool;
use crate::run::memories::Memories;
use crate::run::pool::{Pool, WorkerPanic};
use crate::run::reduce::reduce;
use crate::run::sort::{Sortable, sort};
use crate::run::tile::{LoopRun, Scratch};
use crate::run::window::{slice_at, update_slice};

/// Random numbers that are worth a second thread.
const RANDOM: usize = 256;

/// What every kernel needs beside its regions.
pub(super) struct Machine<'a> {
    pub isa: Isa,
    /// Convolutions are summed directly.
    pub exact: bool,
    pub pool: &'a Pool,
    /// A pool of one, for what a worker runs by itself.
    pub alone: &'a Pool,
    pub memories: Memories<'a>,
    pub scratch: Scratch,
    /// Packing memory of products, and partial sums.
    pub work: &'a mut [f32],
    pub partials: &'a mut [f64],
    /// Room for the addresses that loops' bodies are given.
    pub addresses: &'a mut [*mut u8],
    /// Where the loop around has packed what does not change.
    pub packed: *mut f32,
    /// Where what the plan keeps of states lies.
    pub kept: &'a [*mut u8],
    /// The node whose kernel failed.
    pub failed: Option<u32>,
}

impl From<WorkerPanic> for Error {
    fn from(panic: WorkerPanic) -> Self {
        Error::new(panic.to_string())
    }
}

impl Machine<'_> {
    /// Runs steps in their order. Adds how long each takes to `times`, in nanoseconds, a loop before
    /// the steps of its body; where `times` is empty, no clock is read.
    pub fn steps(&mut self, steps: &[Step], mut times: &mut [u64]) -> Result<(), Error> {
        for step in steps {
            let Some((time, rest)) = std::mem::take(&mut times).split_first_mut() else {
                self.step(step, &mut [])?;
                continue;
            };
            let (within, rest) = rest.split_at_mut(step.within());
            let start = Instant::now();
            self.step(step, within)?;
            *time += u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
            times = rest;
        }
        Ok(())
    }

    /// Runs one step, and notes where it failed.
    fn step(&mut self, step: &Step, times: &mut [u64]) -> Result<(), Error> {
        let result = self.kernel(step, times);
        if result.is_err() && self.failed.is_none() {
            self.failed = step.nodes.first().copied();
        }
        result
    }

    fn kernel(&mut self, step: &Step, times: &mut [u64]) -> Result<(), Error> {
        let (reads, writes) = (&step.reads[..], &step.writes[..]);
        let kept = step.kept.map(|kept| Packed(self.kept[kept].cast::<f32>().cast_const()));
        match &step.kernel {
            Kernel::Loop(l) => {
                let (isa, memories, scratch) = (self.isa, &self.memories, &self.scratch);
                LoopRun { isa, memories, scratch, l, reads, writes }.run(self.pool)
            }
            Kernel::Reduce { reduction, outer, reduced, inner } => {
                self.reduce(*reduction, [*outer, *reduced, *inner], reads, writes)
            }
            Kernel::MaxIndex { outer, reduced, inner } => {
                let sizes = [*outer, *reduced, *inner];
                let m = &self.memories;
                let index = m.set::<i64>(&writes[1]);
                match reads[0].dtype {
                    DType::F32 => {
                        max_index(m.get::<f32>(&reads[0]), sizes, m.set(&writes[0]), index)
                    }
                    DType::F64 => {
                        max_index(m.get::<f64>(&reads[0]), sizes, m.set(&writes[0]), index)
                    }
                    _ => max_index(m.get::<i64>(&reads[0]), sizes, m.set(&writes[0]), index),
                }
                Ok(())
            }
            Kernel::Sort(s) => match reads[0].dtype {
                DType::F32 => self.sort::<f32>(s, reads, writes),
                DType::F64 => self.sort::<f64>(s, reads, writes),
                _ => self.sort::<i64>(s, reads, writes),
            },
            Kernel::CumulativeSum { outer, size, inner, reverse } => {
                let sizes = [*outer, *size, *inner];
                match reads[0].dtype {
                    DType::F32 => self.cumulative_sum::<f32>(sizes, *reverse, reads, writes),
                    DType::F64 => self.cumulative_sum::<f64>(sizes, *reverse, reads, writes),
                    _ => self.cumulative_sum::<i64>(sizes, *reverse, reads, writes),
                }
            }
            Kernel::SliceAt(window) => match writes[0].dtype.size() {
                1 => self.slice_at::<u8>(window, reads, writes),
                4 => self.slice_at::<u32>(window, reads, writes),
                _ => self.slice_at::<u64>(window, reads, writes),
            },
            Kernel::UpdateSlice(window) => match writes[0].dtype.size() {
                1 => self.update_slice::<u8>(window, reads, writes),
                4 => self.update_slice::<u32>(window, reads, writes),
                _ => self.update_slice::<u64>(window, reads, writes),
            },
            Kernel::Matmul(product) => self.matmul(product, kept, reads, writes),
            Kernel::Convolution { gives, stencil, then } => {
                self.convolution((stencil, *gives), then.as_deref(), kept, reads, writes)
            }
            Kernel::Attention(of) => self.attention(of, reads, writes),
            Kernel::MaxPool(s) => {
                let (isa, pool, m) = (self.isa, self.pool, &self.memories);
                let (from, to) = (&reads[0], &writes[0]);
                let places = m.set(&writes[1]);
                match from.dtype {
                    DType::F32 => max_pool(isa, pool, s, m.get::<f32>(from), m.set(to), places)?,
                    _ => max_pool(isa, pool, s, m.get::<f64>(from), m.set(to), places)?,
                }
                Ok(())
            }
            Kernel::Assemble(a) => match writes[0].dtype.size() {
                1 => self.assemble::<u8>(a, reads, writes),
                4 => self.assemble::<u32>(a, reads, writes),
                _ => self.assemble::<u64>(a, reads, writes),
            },
            Kernel::Gather { table_rows, width, .. } => match writes[0].dtype.size() {
                4 => self.gather::<u32>(*table_rows, *width, reads, writes),
                _ => self.gather::<u64>(*table_rows, *width, reads, writes),
            },
            Kernel::ScatterAdd { table_rows, width, parts, .. } => {
                let sizes = [*table_rows, *width, *parts];
                match writes[0].dtype {
                    DType::F32 => self.scatter_add::<f32>(sizes, reads, writes),
                    DType::F64 => self.scatter_add::<f64>(sizes, reads, writes),
                    _ => self.scatter_add::<i64>(sizes, reads, writes),
                }
            }
            Kernel::Scatter { table_rows, width, .. } => match writes[0].dtype.size() {
                4 => self.scatter::<u32>(*table_rows, *width, reads, writes),
                _ => self.scatter::<u64>(*table_rows, *width, reads, writes),
            },
            Kernel::Random { distribution, path, draw } => {
                let scalar = |r: &Region| self.memories.get::<i64>(r)[0] as u64;
                let stream = Stream::of_hash(scalar(&reads[0]), *path, u64::from(*draw))
                    .at_step(scalar(&reads[1]));
                let stream = reads[2..].iter().fold(stream, |s, step| s.within(scalar(step)));
                match writes[0].dtype {
                    DType::F32 => self.random(*distribution, stream, writes, |x| x as f32),
                    _ => self.random(*distribution, stream, writes, |x| x),
                }
            }
            Kernel::Scan(scan) => self.scan(scan, reads, writes, times),
            Kernel::Bundle(members) => self.bundle(members),
            Kernel::Iota { size, inner, .. } => {
                let result = self.memories.set::<i64>(&writes[0]);
                for (index, result) in result.iter_mut().enumerate() {
                    *result = (index / inner % size) as i64;
                }
                Ok(())
            }
        }
    }

    fn reduce(
        &mut self,
        reduction: Reduction,
        sizes: [usize; 3],
        reads: &[Region],
        writes: &[Region],
    ) -> Result<(), Error> {
        let (isa, pool, m) = (self.isa, self.pool, &self.memories);
        let (read, write) = (&reads[0], &writes[0]);
        match read.dtype {
            DType::F32 => {
                reduce(isa, pool, reduction, m.get::<f32>(read), sizes, m.set(write), self.work)
            }
            DType::F64 => {
                reduce(isa, pool, reduction, m.get::<f64>(read), sizes, m.set(write), self.partials)
            }
            // Whole numbers sum the same in any order: no partial sums are kept.
            _ => {
                for (index, result) in m.set::<i64>(write).iter_mut().enumerate() {
                    let [_, reduced, inner] = sizes;
                    let first = index / inner * reduced * inner + index % inner;
                    let column = m.get::<i64>(read).iter().skip(first).step_by(inner).take(reduced);
                    *result = match reduction {
                        Reduction::Sum => column.fold(0i64, |sum, &x| sum.wrapping_add(x)),
                        Reduction::Max => column.fold(i64::MIN, |max, &x| max.max(x)),
                        Reduction::Min => column.fold(i64::MAX, |min, &x| min.min(x)),
                    };
                }
                Ok(())
            }
        }?;
        Ok(())
    }

    fn sort<T: Sortable>(
        &self,
        s: &Sort,
        reads: &[Region],
        writes: &[Region],
    ) -> Result<(), Error> {
        let m = &self.memories;
        let (values, indices, room) = (m.set(&writes[0]), m.set(&writes[1]), m.set(&writes[2]));
        Ok(sort(self.pool, s, m.get::<T>(&reads[0]), values, indices, room)?)
    }

    fn cumulative_sum<T: cumulative::Number>(
        &self,
        sizes: [usize; 3],
        reverse: bool,
        reads: &[Region],
        writes: &[Region],
    ) -> Result<(), Error> {
        let (x, y) = (self.memories.get::<T>(&reads[0]), self.memories.set(&writes[0]));
        Ok(cumulative_sum(self.pool, x, sizes, reverse, y)?)
    }

    fn slice_at<T: Copy + Send + Sync>(
        &self,
        window: &Window,
        reads: &[Region],
        writes: &[Region],
    ) -> Result<(), Error> {
        let m = &self.memories;
        let start = window.start(m.get::<i64>(&reads[1])[0])?;
        Ok(slice_at(self.pool, window, start, m.get::<T>(&reads[0]), m.set(&writes[0]))?)
    }

    fn update_slice<T: Copy + Send + Sync>(
        &self,
        window: &Window,
        reads: &[Region],
        writes: &[Region],
    ) -> Result<(), Error> {
        let m = &self.memories;
        let start = window.start(m.get::<i64>(&reads[2])[0])?;
        // In place, what lies around the window is there already.
        let target = (!reads[0].overlaps(&writes[0])).then(|| m.get::<T>(&reads[0]));
        let (value, result) = (m.get::<T>(&reads[1]), m.set(&writes[0]));
        Ok(update_slice(self.pool, window, start, target, value, result)?)
    }

    fn convolution(
        &mut self,
        (stencil, gives): (&Stencil, Convolved),
        then: Option<&Then>,
        kept: Option<Packed>,
        reads: &[Region],
        writes: &[Region],
    ) -> Result<(), Error> {
        let (isa, pool, memories, scratch) = (self.isa, self.pool, &self.memories, &self.scratch);
        let run = then.map(|then| {
            let (reads, writes) = (&reads[FACTORS..], &writes[1..]);
            LoopRun { isa, memories, scratch, l: &then.body, reads, writes }
        });
        let done = if reads[0].dtype == DType::F32 {
            let arrays = convolution::Arrays {
                given: [memories.get(&reads[0]), memories.get(&reads[1])],
                kept,
                result: (memories.pointer(&writes[0]).cast(), writes[0].elements),
                then: run.as_ref(),
            };
            let of = (stencil, gives, self.exact);
            // SAFETY: the verifier has proved the regions to be apart and of their sizes, the loop to fit
            // behind the convolution, and what is kept to be made of this filter for it.
            unsafe { convolution::convolve_f32(isa, pool, self.work, of, arrays)? }
        } else {
            let (a, b, c) =
                (memories.get(&reads[0]), memories.get(&reads[1]), memories.set(&writes[0]));
            convolution::double(pool, (stencil, gives), a, b, c)?;
            false
        };
        match run {
            Some(run) if !done => run.run(pool),
            _ => Ok(()),
        }
    }

    fn random<T: Send>(
        &self,
        distribution: Distribution,
        stream: Stream,
        writes: &[Region],
        round: impl Fn(f64) -> T + Sync,
    ) -> Result<(), Error> {
        let result = self.memories.set::<T>(&writes[0]);
        self.pool.for_each_chunk_mut(result, RANDOM, &|first, chunk| {
            // Chunks begin at whole blocks of four.
            for (index, four) in chunk.chunks_mut(4).enumerate() {
                let block = stream.block((first / 4 + index) as u64);
                for (lane, result) in four.iter_mut().enumerate() {
                    *result = round(match distribution {
                        Distribution::Uniform => unit(block[lane]),
                        Distribution::Normal => normal_of(block, lane),
                    });
                }
            }
        })?;
        Ok(())
    }
}

/// The largest of each column of the middle axis and its first index; NaN wins.
fn max_index<T: Copy + PartialOrd>(
    x: &[T],
    [_, reduced, inner]: [usize; 3],
    largest: &mut [T],
    index: &mut [i64],
) {
    for (to, (largest, index)) in largest.iter_mut().zip(index).enumerate() {
        let first = to / inner * reduced * inner + to % inner;
        let is_nan = |v: T| v.partial_cmp(&v).is_none();
        (*largest, *index) = (x[first], 0);
        for at in 1..reduced {
            let value = x[first + at * inner];
            if value > *largest || is_nan(value) && !is_nan(*largest) {
                (*largest, *index) = (value, at as i64);
            }
        }
    }
}
