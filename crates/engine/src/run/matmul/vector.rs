//! The vector of one instruction set as the matrix product sees it.

/// A register of `LANES` numbers.
///
/// Methods are inlined into functions compiled for the instruction set; that is the one obligation
/// of whoever calls them, besides valid pointers.
pub(in crate::run) trait Vector: Copy {
    /// Numbers in one register.
    const LANES: usize;
    /// A choice for each lane.
    type Mask: Copy;

    /// All lanes 0.
    unsafe fn zero() -> Self;
    /// All lanes `*source`.
    unsafe fn broadcast(source: *const f32) -> Self;
    /// Lanes from `source[0..LANES]`.
    unsafe fn load(source: *const f32) -> Self;
    /// The first `count` (1..=LANES) lanes from `source[0..count]`, the others 0.
    unsafe fn load_first(source: *const f32, count: usize) -> Self;
    /// Writes the lanes to `target[0..LANES]`.
    unsafe fn store(self, target: *mut f32);
    /// Writes the first `count` (1..=LANES) lanes to `target[0..count]`.
    unsafe fn store_first(self, target: *mut f32, count: usize);
    /// Writes the lanes to `target[0..LANES]`, a multiple of a vector's size, past the caches where the set
    /// can: others see them only after [`fence`].
    unsafe fn stream(self, target: *mut f32);
    /// Asks for the cache line at `address`, which need not be valid.
    unsafe fn prefetch(address: *const f32);
    /// `self + other`.
    unsafe fn add(self, other: Self) -> Self;
    /// All lanes 1.
    unsafe fn one() -> Self;
    /// `self - other`.
    unsafe fn minus(self, other: Self) -> Self;
    /// `self · other`.
    unsafe fn times(self, other: Self) -> Self;
    /// `self / other`.
    unsafe fn over(self, other: Self) -> Self;
    /// `-self`.
    unsafe fn negate(self) -> Self;
    /// The square root.
    unsafe fn root(self) -> Self;
    /// Lanes above 0, and those that are no number; 0 instead of the others.
    unsafe fn relu(self) -> Self;
    /// Lanes where `self > other`.
    unsafe fn above(self, other: Self) -> Self::Mask;
    /// Lanes where `self ≥ other`.
    unsafe fn at_least(self, other: Self) -> Self::Mask;
    /// Lanes where both are equal.
    unsafe fn equals(self, other: Self) -> Self::Mask;
    /// `a` where the mask is, else `b`.
    unsafe fn choose(mask: Self::Mask, a: Self, b: Self) -> Self;
    /// `self + a · b`: one rounding where the set can, else two.
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
    /// `target[p · target_stride + i] = source[i · source_stride + p]` for i below `rows` and p below
    /// `columns` (both 1..=LANES), and 0 for i in `rows..LANES`.
    unsafe fn transpose(
        source: *const f32,
        source_stride: usize,
        rows: usize,
        columns: usize,
        target: *mut f32,
        target_stride: usize,
    );
}

/// Has everybody see what this thread has written past the caches.
pub(in crate::run) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every processor of this kind has it.
    unsafe {
        std::arch::x86_64::_mm_sfence()
    }
}

impl Portable {
    #[inline(always)]
    fn map2(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        let mut result = self.0;
        for (lane, value) in result.iter_mut().enumerate() {
            *value = f(*value, other.0[lane]);
        }
        Portable(result)
    }
}

/// Eight numbers that the compiler keeps in whatever registers the build's target has.
#[derive(Clone, Copy)]
pub(in crate::run) struct Portable([f32; 8]);

impl Vector for Portable {
    const LANES: usize = 8;
    type Mask = [bool; 8];

    #[inline(always)]
    unsafe fn zero() -> Self {
        Portable([0.0; 8])
    }

    #[inline(always)]
    unsafe fn broadcast(source: *const f32) -> Self {
        // SAFETY: the caller's pointer is valid for one number.
        Portable([unsafe { *source }; 8])
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> Self {
        // SAFETY: the caller's pointer is valid for eight numbers; an array of f32 needs no more
        // alignment than f32.
        Portable(unsafe { *source.cast::<[f32; 8]>() })
    }

    #[inline(always)]
    unsafe fn load_first(source: *const f32, count: usize) -> Self {
        let mut lanes = [0.0; 8];
        for (lane, value) in lanes.iter_mut().enumerate().take(count) {
            // SAFETY: lane < count, for which the caller's pointer is valid.
            *value = unsafe { *source.add(lane) };
        }
        Portable(lanes)
    }

    #[inline(always)]
    unsafe fn store(self, target: *mut f32) {
        // SAFETY: the caller's pointer is valid for writing eight numbers.
        unsafe { *target.cast::<[f32; 8]>() = self.0 }
    }

    #[inline(always)]
    unsafe fn store_first(self, target: *mut f32, count: usize) {
        for (lane, &value) in self.0.iter().enumerate().take(count) {
            // SAFETY: lane < count, for which the caller's pointer is valid.
            unsafe { *target.add(lane) = value }
        }
    }

    #[inline(always)]
    unsafe fn stream(self, target: *mut f32) {
        // SAFETY: passed on.
        unsafe { self.store(target) }
    }

    #[inline(always)]
    unsafe fn prefetch(_address: *const f32) {}

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.map2(other, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn one() -> Self {
        Portable([1.0; 8])
    }

    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        self.map2(other, |a, b| a - b)
    }

    #[inline(always)]
    unsafe fn times(self, other: Self) -> Self {
        self.map2(other, |a, b| a * b)
    }

    #[inline(always)]
    unsafe fn over(self, other: Self) -> Self {
        self.map2(other, |a, b| a / b)
    }

    #[inline(always)]
    unsafe fn negate(self) -> Self {
        Portable(self.0.map(|a| -a))
    }

    #[inline(always)]
    unsafe fn root(self) -> Self {
        Portable(self.0.map(f32::sqrt))
    }

    #[inline(always)]
    unsafe fn relu(self) -> Self {
        Portable(self.0.map(|a| if a > 0.0 || a.is_nan() { a } else { 0.0 }))
    }

    #[inline(always)]
    unsafe fn above(self, other: Self) -> [bool; 8] {
        std::array::from_fn(|lane| self.0[lane] > other.0[lane])
    }

    #[inline(always)]
    unsafe fn at_least(self, other: Self) -> [bool; 8] {
        std::array::from_fn(|lane| self.0[lane] >= other.0[lane])
    }

    #[inline(always)]
    unsafe fn equals(self, other: Self) -> [bool; 8] {
        std::array::from_fn(|lane| self.0[lane] == other.0[lane])
    }

    #[inline(always)]
    unsafe fn choose(mask: [bool; 8], a: Self, b: Self) -> Self {
        Portable(std::array::from_fn(|lane| if mask[lane] { a.0[lane] } else { b.0[lane] }))
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        let mut sum = self.0;
        for (lane, value) in sum.iter_mut().enumerate() {
            // On aarch64 every processor has fused multiply-adds of vectors.
            *value = match cfg!(target_arch = "aarch64") {
                true => a.0[lane].mul_add(b.0[lane], *value),
                false => *value + a.0[lane] * b.0[lane],
            };
        }
        Portable(sum)
    }

    #[inline(always)]
    unsafe fn transpose(
        source: *const f32,
        source_stride: usize,
        rows: usize,
        columns: usize,
        target: *mut f32,
        target_stride: usize,
    ) {
        for p in 0..columns {
            for i in 0..8 {
                // SAFETY: i < rows and p < columns for reading; the caller's target has eight
                // places for each column.
                unsafe {
                    let value = if i < rows { *source.add(i * source_stride + p) } else { 0.0 };
                    *target.add(p * target_stride + i) = value;
                }
            }
        }
    }
}

/// Asks for `bytes` bytes from `start` on, which need not be valid, to come into the second-level cache.
pub(in crate::run) fn fetch(start: *const u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    for byte in (0..bytes).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a hint, which never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(start.wrapping_add(byte).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (start, bytes);
}
