//! How fast multiply-adds can be: independent chains that touch registers only.
#![allow(unsafe_code)]

use std::time::Instant;

use super::vector::{Portable, Vector};
#[cfg(target_arch = "x86_64")]
use super::x86::{Avx2, Avx512};
use crate::run::isa::Isa;

/// Chains: more than the latency of a multiply-add times those that a core starts at once.
const SUMS: usize = 12;

/// Multiply-adds per nanosecond of the calling thread, each counted as two operations: GFLOP/s. Takes
/// `steps` rounds of a dozen vectors.
pub(in crate::run) fn peak(isa: Isa, steps: usize) -> f64 {
    isa.assert_available();
    let factor = std::hint::black_box(1e-4);
    let since = Instant::now();
    let (lanes, sum) = match isa {
        // SAFETY: plain numbers.
        Isa::Portable => (Portable::LANES, unsafe { chains::<Portable>(factor, steps) }),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: available, as asserted.
        Isa::Avx2 => (Avx2::LANES, unsafe { avx2(factor, steps) }),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: available, as asserted.
        Isa::Avx512 => (Avx512::LANES, unsafe { avx512(factor, steps) }),
        #[cfg(not(target_arch = "x86_64"))]
        _ => return 0.0,
    };
    std::hint::black_box(sum);
    (2 * lanes * SUMS * steps) as f64 / since.elapsed().as_nanos().max(1) as f64
}

/// The sum of all lanes of all chains, so that none is left out.
///
/// # Safety
/// The caller is compiled for the vector's instruction set.
#[inline(always)]
unsafe fn chains<V: Vector>(factor: f32, steps: usize) -> f32 {
    // SAFETY: pointers to local numbers.
    unsafe {
        let factor = V::broadcast(&factor);
        let mut sums = [V::broadcast(&1e-3); SUMS];
        for _ in 0..steps {
            for sum in &mut sums {
                *sum = sum.add_product(factor, factor);
            }
        }
        let total = sums.into_iter().fold(V::zero(), |total, sum| total.add(sum));
        let mut lanes = [0.0; 16];
        total.store(lanes.as_mut_ptr());
        lanes.iter().sum()
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(factor: f32, steps: usize) -> f32 {
    // SAFETY: compiled for AVX2 and FMA.
    unsafe { chains::<Avx2>(factor, steps) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512(factor: f32, steps: usize) -> f32 {
    // SAFETY: compiled for AVX-512.
    unsafe { chains::<Avx512>(factor, steps) }
}
