//! Products of matrices as steps of a plan, with the loop behind them.
#![allow(unsafe_code)]

use crate::Error;
use crate::graph::DType;
use crate::plan::kernel::{FACTORS, Product, Region, Step};
use crate::run::execute::Machine;
use crate::run::isa::Isa;
use crate::run::matmul::{Factors, Finish, Hands, Packed, View, matmul_f64, multiply, pack_right};
use crate::run::matmul::{scratch_len, shares_batch};
use crate::run::memories::Memories;
use crate::run::pool::{Pool, share_of};
use crate::run::tile::LoopRun;

fn view<T>(data: &[T], rows: usize, columns: usize, transposed: bool) -> View<'_, T> {
    if transposed {
        View::row_major(data, rows).transposed()
    } else {
        View::row_major(data, columns)
    }
}

/// Packs the right factor of step `of` of a loop's body into the loop's memory for that.
///
/// # Safety
///
/// The factor can be read, and `packed` has room for it at its place.
pub(super) unsafe fn pack(
    isa: Isa,
    pool: &Pool,
    product: &Product,
    of: &Step,
    memories: &Memories<'_>,
    packed: *mut f32,
) -> Result<(), Error> {
    let Some(place) = product.packed else { return Ok(()) };
    let Product { n, k, transpose_right, .. } = *product;
    let b = view(memories.get::<f32>(&of.reads[1]), k, n, transpose_right);
    // SAFETY: passed on.
    unsafe { pack_right(isa, pool, b, n, k, packed.wrapping_add(place))? };
    Ok(())
}

impl Machine<'_> {
    /// Runs the products, and the loop over their elements block by block or, where that does not
    /// pay, when all are made.
    pub(super) fn matmul(
        &mut self,
        product: &Product,
        kept: Option<Packed>,
        reads: &[Region],
        writes: &[Region],
    ) -> Result<(), Error> {
        let Product { batch, m, n, k, transpose_left, transpose_right, ref then, packed } =
            *product;
        if [m, n].contains(&0) {
            // Nothing to write, be the batch as long as empty matrices can make it.
            return Ok(());
        }
        let (isa, memories, scratch) = (self.isa, &self.memories, &self.scratch);
        let run = then.as_ref().map(|then| {
            let (reads, writes) = (&reads[FACTORS..], &writes[1..]);
            LoopRun { isa, memories, scratch, l: &then.body, reads, writes }
        });
        let finish = match &run {
            Some(run) if reads[0].dtype == DType::F32 => Finish::new(run, product),
            _ => None,
        };
        let factor = |index: usize| {
            let (left, right) = (index * m * k, index * k * n);
            (left..left + m * k, right..right + k * n, index * m * n)
        };
        if reads[0].dtype == DType::F32 {
            let (a, b) = (memories.get::<f32>(&reads[0]), memories.get::<f32>(&reads[1]));
            let packed = packed.map(|at| self.packed.wrapping_add(at).cast_const());
            let packed = packed.map(Packed).or(kept);
            let one = |hands: Hands<'_>, work: &mut [f32], index: usize| {
                let (left, right, to) = factor(index);
                let a = view(&a[left], m, k, transpose_left);
                let b = view(&b[right], k, n, transpose_right);
                let c = memories.pointer(&writes[0]).cast::<f32>().wrapping_add(to);
                let finish = finish.as_ref().map(|finish| finish.starting_at(index * m));
                let factors = Factors { m, n, k, a, b, packed };
                // SAFETY: the verifier has proved that the product's region has room for the whole batch
                // (or that workers keep their blocks) and overlaps neither factor; the loop behind it is
                // the one that was proved with it.
                unsafe { multiply(isa, hands, work, factors, c, finish.as_ref()) }
            };
            let threads = self.pool.threads();
            if shares_batch(product, threads) {
                let len = scratch_len(isa, threads, product) / threads;
                self.pool.for_each_chunk_mut(
                    &mut self.work[..len * threads],
                    len,
                    &|at, work| {
                        for index in share_of(batch, threads, at / len) {
                            // One worker starts no others, whose panic it could report.
                            let _ = one(Hands::One(at / len), work, index);
                        }
                    },
                )?;
            } else {
                for index in 0..batch {
                    one(Hands::All(self.pool), self.work, index)?;
                }
            }
        } else {
            let (a, b) = (memories.get::<f64>(&reads[0]), memories.get::<f64>(&reads[1]));
            for index in 0..batch {
                let (left, right, to) = factor(index);
                let a = view(&a[left], m, k, transpose_left);
                let b = view(&b[right], k, n, transpose_right);
                let c = &mut memories.set::<f64>(&writes[0])[to..to + m * n];
                matmul_f64(self.pool, m, n, k, a, b, c)?;
            }
        }
        match (&run, finish) {
            (Some(run), None) => run.run(self.pool),
            _ => Ok(()),
        }
    }
}
