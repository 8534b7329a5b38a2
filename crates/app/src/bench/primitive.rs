//! Single operations.

use glassbox::prelude::*;

use super::names::dotted;
use super::{Field, Kind, Recorded, Values, Work, Workload};

/// Numbers in each array of the memory workloads: 256 MiB, and of the chain: 64 MiB.
const MEMORY: usize = 64 << 20;
const CHAIN: usize = 16 << 20;

pub fn all() -> Vec<Workload> {
    let normal = |name, shape: &[usize]| Field::new(name, shape, Values::Normal);
    let workload = |name, unit, items, batch, step| {
        let work = Work { mode: Mode::Eval, batch, step, theirs: dotted, flattened: &[] };
        Workload { name, unit, items, kind: Kind::Steps(work) }
    };
    let product = |name, n: usize| {
        let batch = vec![normal("a", &[n, n]), normal("b", &[n, n])];
        let billions = 2.0 * (n as f64).powi(3) / 1e9;
        workload(name, "GFLOP/s", billions, batch, |_, batch| {
            Recorded::use_of(batch[0].matmul(batch[1]))
        })
    };
    // Three arrays are read, one is written.
    let gigabytes = 4.0 * 4.0 * MEMORY as f64 / 1e9;
    let three = ["a", "b", "c"].map(|name| normal(name, &[MEMORY])).to_vec();
    let four = ["a", "b", "c", "d"].map(|name| normal(name, &[CHAIN])).to_vec();
    vec![
        product("gemm-128", 128),
        product("gemm-256", 256),
        product("gemm-512", 512),
        product("gemm-1024", 1024),
        product("gemm-2048", 2048),
        workload("membw-out", "GB/s", gigabytes, three, |_, batch| {
            Recorded::use_of(batch[0] * batch[1] + batch[2])
        }),
        workload("fused-chain", "Melem/s", CHAIN as f64 / 1e6, four, |_, batch| {
            let gate = (batch[0] * batch[1] + batch[2]).sigmoid();
            Recorded::use_of(gate * batch[3].tanh())
        }),
    ]
}
