//! What the machine can do at most, measured.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

use crate::run::isa::Isa;
use crate::run::matmul::peak::peak;
use crate::run::pool::{Pool, WorkerPanic};

/// Numbers in each of the two arrays of a copy: 64 MiB, beyond what caches hold.
const COPIED: usize = 1 << 24;
/// The best of so many tries counts.
const TRIES: usize = 5;

/// What a session's instruction set and threads can do at most: no kernel is faster.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Limits {
    /// Multiply-adds on `f32` that touch registers only, on all threads at once, each counted as two
    /// operations: GFLOP/s.
    pub gflops: f64,
    /// Copying an array much larger than the caches, each byte counted as read and as written: GB/s.
    pub gigabytes: f64,
}

impl Limits {
    /// Measures for a tenth of a second.
    pub(super) fn measure(isa: Isa, pool: &Pool) -> Result<Self, WorkerPanic> {
        let rates = Mutex::new(vec![0.0_f64; pool.threads()]);
        for _ in 0..TRIES {
            pool.run(&|worker| {
                let rate = peak(isa, 200_000);
                let mut rates = rates.lock().unwrap_or_else(PoisonError::into_inner);
                rates[worker] = rates[worker].max(rate);
            })?;
        }
        let gflops = rates.into_inner().unwrap_or_else(PoisonError::into_inner).iter().sum();
        let (from, mut to) = (vec![1.0_f32; COPIED], vec![0.0_f32; COPIED]);
        let share = COPIED.div_ceil(pool.threads());
        let parts: Vec<_> = from.chunks(share).zip(to.chunks_mut(share)).map(Mutex::new).collect();
        let mut gigabytes = 0.0_f64;
        for _ in 0..TRIES {
            let start = Instant::now();
            pool.run(&|worker| {
                if let Some(part) = parts.get(worker) {
                    let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
                    let (from, to) = &mut *part;
                    to.copy_from_slice(from);
                }
            })?;
            let bytes = 2 * COPIED * size_of::<f32>();
            gigabytes = gigabytes.max(bytes as f64 / start.elapsed().as_nanos().max(1) as f64);
        }
        Ok(Limits { gflops, gigabytes })
    }
}
