//! Few patches times a filter that does not stay in a cache: all patches are gathered, and the product
//! is that of two matrices, which packs a part of the filter and uses it up while it is in cache.

use super::Shared;
use super::patches::stride_of;
use super::product::Product;
use super::taps::Block;
use crate::plan::kernel;
use crate::run::isa::Isa;
use crate::run::matmul::kernel::Kernels;
use crate::run::matmul::{Factors, Hands, Packed, View, multiply, pack_right, scratch_len};
use crate::run::pool::{Pool, WorkerPanic, share_of};

/// The most patches.
const PATCHES: usize = 256;
/// More numbers of a filter do not stay in a second-level cache.
const FILTER: usize = 160 * 1024;

impl Product {
    fn patches(&self) -> usize {
        self.batch * self.source.grid[0] * self.source.grid[1]
    }

    /// Whether the product is done this way; depends on the sizes only.
    pub fn is_few(&self) -> bool {
        !self.transposed
            && self.groups == 1
            && self.patches() <= PATCHES
            && self.depth().saturating_mul(self.gives) > FILTER
    }

    fn patches_len(&self) -> usize {
        (self.patches() * stride_of(self.depth())).next_multiple_of(16)
    }

    /// Numbers of memory for the patches, and to multiply them.
    pub fn few_len(&self, isa: Isa, threads: usize) -> usize {
        let product = kernel::Product {
            batch: 1,
            m: self.patches(),
            n: self.gives,
            k: self.depth(),
            transpose_left: false,
            transpose_right: false,
            then: None,
            packed: None,
        };
        self.patches_len() + scratch_len(isa, threads, &product)
    }

    /// Writes one worker's share of the patches.
    ///
    /// # Safety
    ///
    /// The instruction set of `kernels` is available, the source valid for the whole batch, and `patches`
    /// as long as [`few_len`](Self::few_len) says; nobody else accesses this share.
    pub unsafe fn gather_few(
        &self,
        kernels: &Kernels,
        patches: *mut f32,
        worker: usize,
        workers: usize,
    ) {
        let (taps, channels) = (self.source.tap_count(), self.source.depth);
        let all = Block { taps: 0..taps, channels: 0..channels, start: 0, depth: self.depth() };
        let rows = share_of(self.patches(), workers, worker);
        let stride = stride_of(self.depth());
        let to = patches.wrapping_add(rows.start * stride);
        // SAFETY: passed on; these rows are this worker's.
        unsafe { self.source.gather(kernels, rows, 0, &all, to, stride) }
    }
}

impl Shared<Product> {
    /// Packs the filter.
    ///
    /// # Safety
    ///
    /// The filter is valid, and `to` for [`kept_len`](Product::kept_len) numbers.
    pub unsafe fn pack_few(&self, isa: Isa, pool: &Pool, to: *mut f32) -> Result<(), WorkerPanic> {
        let (n, k) = (self.get().gives, self.get().depth());
        // SAFETY: the filter is `[taps, channels, features]`; the rest is passed on.
        unsafe {
            let filter = std::slice::from_raw_parts(self.get().filter, k * n);
            pack_right(isa, pool, View::row_major(filter, n), n, k, to)
        }
    }

    /// The product, when all patches are gathered.
    ///
    /// # Safety
    ///
    /// As for [`gather_few`](Product::gather_few), which is complete; the filter and the target are valid,
    /// and nobody else accesses the target; what is packed is the filter.
    pub unsafe fn multiply_few(
        &self,
        isa: Isa,
        pool: &Pool,
        patches: *mut f32,
        packed: Option<Packed>,
    ) -> Result<(), WorkerPanic> {
        let product = self.get();
        let (m, n, k) = (product.patches(), product.gives, product.depth());
        let memory = patches.wrapping_add(product.patches_len());
        let len = product.few_len(isa, pool.threads()) - product.patches_len();
        // SAFETY: the patches, the filter `[taps, channels, features]` and the memory are as long as this,
        // and results of pixels lie side by side.
        unsafe {
            let a = std::slice::from_raw_parts(patches.cast_const(), m * stride_of(k));
            let b = std::slice::from_raw_parts(product.filter, k * n);
            let (a, b) = (View::row_major(a, stride_of(k)), View::row_major(b, n));
            let factors = Factors { m, n, k, a, b, packed };
            let memory = std::slice::from_raw_parts_mut(memory, len);
            multiply(isa, Hands::All(pool), memory, factors, product.target, None)
        }
    }
}
