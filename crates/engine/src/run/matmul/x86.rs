//! The vectors of AVX2 and AVX-512.

use super::vector::Vector;
use std::arch::x86_64::*;

/// A ymm register: eight numbers; AVX2 and FMA.
#[derive(Clone, Copy)]
pub(in crate::run) struct Avx2(__m256);

/// A zmm register: sixteen numbers; AVX-512 F.
#[derive(Clone, Copy)]
pub(in crate::run) struct Avx512(__m512);

/// All bits set in the first `count` of eight lanes.
#[inline(always)]
unsafe fn mask_of_8(count: usize) -> __m256i {
    // SAFETY: register arithmetic only; the caller is compiled for AVX2.
    unsafe {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lanes)
    }
}

/// One bit for each of the first `count` (1..=16) of sixteen lanes.
#[inline(always)]
fn mask_of_16(count: usize) -> __mmask16 {
    0xffff >> (16 - count)
}

impl Vector for Avx2 {
    type Mask = __m256;
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller is compiled for AVX2; the same holds for each block below.
        Avx2(unsafe { _mm256_setzero_ps() })
    }

    #[inline(always)]
    unsafe fn broadcast(source: *const f32) -> Self {
        // SAFETY: the caller's pointer is valid for one number.
        Avx2(unsafe { _mm256_broadcast_ss(&*source) })
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> Self {
        // SAFETY: the caller's pointer is valid for eight numbers; the load may be unaligned.
        Avx2(unsafe { _mm256_loadu_ps(source) })
    }

    #[inline(always)]
    unsafe fn load_first(source: *const f32, count: usize) -> Self {
        // SAFETY: lanes outside the mask are not accessed.
        Avx2(unsafe { _mm256_maskload_ps(source, mask_of_8(count)) })
    }

    #[inline(always)]
    unsafe fn store(self, target: *mut f32) {
        // SAFETY: the caller's pointer is valid for writing eight numbers, unaligned.
        unsafe { _mm256_storeu_ps(target, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, target: *mut f32, count: usize) {
        if count == 8 {
            // SAFETY: the caller's pointer is valid for writing `count` numbers.
            unsafe { _mm256_storeu_ps(target, self.0) }
        } else {
            // SAFETY: lanes outside the mask are not accessed.
            unsafe { _mm256_maskstore_ps(target, mask_of_8(count), self.0) }
        }
    }

    #[inline(always)]
    unsafe fn stream(self, target: *mut f32) {
        // SAFETY: the caller's pointer is valid for writing eight numbers, and aligned to them.
        unsafe { _mm256_stream_ps(target, self.0) }
    }

    #[inline(always)]
    unsafe fn prefetch(address: *const f32) {
        // SAFETY: a hint, which never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: register arithmetic only.
        Avx2(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn one() -> Self {
        // SAFETY: register arithmetic only; the same holds for each block below.
        Avx2(unsafe { _mm256_set1_ps(1.0) })
    }

    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        // SAFETY: as above.
        Avx2(unsafe { _mm256_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn times(self, other: Self) -> Self {
        // SAFETY: as above.
        Avx2(unsafe { _mm256_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn over(self, other: Self) -> Self {
        // SAFETY: as above.
        Avx2(unsafe { _mm256_div_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn negate(self) -> Self {
        // SAFETY: as above.
        Avx2(unsafe { _mm256_xor_ps(self.0, _mm256_set1_ps(-0.0)) })
    }

    #[inline(always)]
    unsafe fn root(self) -> Self {
        // SAFETY: as above.
        Avx2(unsafe { _mm256_sqrt_ps(self.0) })
    }

    #[inline(always)]
    unsafe fn relu(self) -> Self {
        // SAFETY: as above; not below or equal to 0, so no number passes.
        Avx2(unsafe {
            _mm256_and_ps(self.0, _mm256_cmp_ps::<_CMP_NLE_UQ>(self.0, _mm256_setzero_ps()))
        })
    }

    #[inline(always)]
    unsafe fn above(self, other: Self) -> __m256 {
        // SAFETY: register arithmetic only.
        unsafe { _mm256_cmp_ps::<_CMP_GT_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    unsafe fn at_least(self, other: Self) -> __m256 {
        // SAFETY: register arithmetic only.
        unsafe { _mm256_cmp_ps::<_CMP_GE_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    unsafe fn equals(self, other: Self) -> __m256 {
        // SAFETY: register arithmetic only.
        unsafe { _mm256_cmp_ps::<_CMP_EQ_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    unsafe fn choose(mask: __m256, a: Self, b: Self) -> Self {
        // SAFETY: register arithmetic only.
        Avx2(unsafe { _mm256_blendv_ps(b.0, a.0, mask) })
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        // SAFETY: register arithmetic only; the caller is compiled for FMA too.
        Avx2(unsafe { _mm256_fmadd_ps(a.0, b.0, self.0) })
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
        // SAFETY: only `rows` rows and `columns` lanes of each are read; eight lanes are written for
        // each of `columns` columns, for which the caller's target has room.
        unsafe {
            let mask = mask_of_8(columns);
            let mut r = [_mm256_setzero_ps(); 8];
            for (row, value) in r.iter_mut().enumerate() {
                if row < rows {
                    *value = _mm256_maskload_ps(source.add(row * source_stride), mask);
                }
            }
            // Pairs of rows, then pairs of pairs, then halves of registers.
            let mut t = r;
            for i in 0..4 {
                t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
                t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
            }
            for i in 0..2 {
                let t = &t[4 * i..4 * i + 4];
                r[4 * i] = _mm256_shuffle_ps::<0x44>(t[0], t[2]);
                r[4 * i + 1] = _mm256_shuffle_ps::<0xee>(t[0], t[2]);
                r[4 * i + 2] = _mm256_shuffle_ps::<0x44>(t[1], t[3]);
                r[4 * i + 3] = _mm256_shuffle_ps::<0xee>(t[1], t[3]);
            }
            for i in 0..4 {
                t[i] = _mm256_permute2f128_ps::<0x20>(r[i], r[4 + i]);
                t[4 + i] = _mm256_permute2f128_ps::<0x31>(r[i], r[4 + i]);
            }
            for (column, value) in t.iter().enumerate() {
                if column < columns {
                    _mm256_storeu_ps(target.add(column * target_stride), *value);
                }
            }
        }
    }
}

impl Vector for Avx512 {
    type Mask = __mmask16;
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller is compiled for AVX-512; the same holds for each block below.
        Avx512(unsafe { _mm512_setzero_ps() })
    }

    #[inline(always)]
    unsafe fn broadcast(source: *const f32) -> Self {
        // SAFETY: the caller's pointer is valid for one number.
        Avx512(unsafe { _mm512_set1_ps(*source) })
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> Self {
        // SAFETY: the caller's pointer is valid for sixteen numbers; the load may be unaligned.
        Avx512(unsafe { _mm512_loadu_ps(source) })
    }

    #[inline(always)]
    unsafe fn load_first(source: *const f32, count: usize) -> Self {
        // SAFETY: lanes outside the mask are not accessed.
        Avx512(unsafe { _mm512_maskz_loadu_ps(mask_of_16(count), source) })
    }

    #[inline(always)]
    unsafe fn store(self, target: *mut f32) {
        // SAFETY: the caller's pointer is valid for writing sixteen numbers, unaligned.
        unsafe { _mm512_storeu_ps(target, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, target: *mut f32, count: usize) {
        // SAFETY: lanes outside the mask are not accessed.
        unsafe { _mm512_mask_storeu_ps(target, mask_of_16(count), self.0) }
    }

    #[inline(always)]
    unsafe fn stream(self, target: *mut f32) {
        // SAFETY: the caller's pointer is valid for writing sixteen numbers, and aligned to them.
        unsafe { _mm512_stream_ps(target, self.0) }
    }

    #[inline(always)]
    unsafe fn prefetch(address: *const f32) {
        // SAFETY: a hint, which never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: register arithmetic only.
        Avx512(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn one() -> Self {
        // SAFETY: register arithmetic only; the same holds for each block below.
        Avx512(unsafe { _mm512_set1_ps(1.0) })
    }

    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        // SAFETY: as above.
        Avx512(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn times(self, other: Self) -> Self {
        // SAFETY: as above.
        Avx512(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn over(self, other: Self) -> Self {
        // SAFETY: as above.
        Avx512(unsafe { _mm512_div_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn negate(self) -> Self {
        // SAFETY: as above.
        Avx512(unsafe { _mm512_xor_ps(self.0, _mm512_set1_ps(-0.0)) })
    }

    #[inline(always)]
    unsafe fn root(self) -> Self {
        // SAFETY: as above.
        Avx512(unsafe { _mm512_sqrt_ps(self.0) })
    }

    #[inline(always)]
    unsafe fn relu(self) -> Self {
        // SAFETY: as above; not below or equal to 0, so no number passes.
        Avx512(unsafe {
            _mm512_maskz_mov_ps(
                _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(self.0, _mm512_setzero_ps()),
                self.0,
            )
        })
    }

    #[inline(always)]
    unsafe fn above(self, other: Self) -> __mmask16 {
        // SAFETY: register arithmetic only.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    unsafe fn at_least(self, other: Self) -> __mmask16 {
        // SAFETY: register arithmetic only.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GE_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    unsafe fn equals(self, other: Self) -> __mmask16 {
        // SAFETY: register arithmetic only.
        unsafe { _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    unsafe fn choose(mask: __mmask16, a: Self, b: Self) -> Self {
        // SAFETY: register arithmetic only.
        Avx512(unsafe { _mm512_mask_blend_ps(mask, b.0, a.0) })
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        // SAFETY: register arithmetic only.
        Avx512(unsafe { _mm512_fmadd_ps(a.0, b.0, self.0) })
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
        // SAFETY: only `rows` rows and `columns` lanes of each are read; sixteen lanes are written
        // for each of `columns` columns, for which the caller's target has room.
        unsafe {
            let mask = mask_of_16(columns);
            let mut r = [_mm512_setzero_ps(); 16];
            for (row, value) in r.iter_mut().enumerate() {
                if row < rows {
                    *value = _mm512_maskz_loadu_ps(mask, source.add(row * source_stride));
                }
            }
            transpose_16(&mut r);
            for (column, value) in r.iter().enumerate() {
                if column < columns {
                    _mm512_storeu_ps(target.add(column * target_stride), *value);
                }
            }
        }
    }
}

/// Transposes sixteen registers: pairs of rows, pairs of pairs, then twice quarters of registers.
#[inline(always)]
unsafe fn transpose_16(r: &mut [__m512; 16]) {
    // SAFETY: register arithmetic only; the caller is compiled for AVX-512.
    unsafe {
        let mut t = *r;
        for i in 0..8 {
            t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
            t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
        }
        for i in 0..4 {
            let t = &t[4 * i..4 * i + 4];
            r[4 * i] = _mm512_shuffle_ps::<0x44>(t[0], t[2]);
            r[4 * i + 1] = _mm512_shuffle_ps::<0xee>(t[0], t[2]);
            r[4 * i + 2] = _mm512_shuffle_ps::<0x44>(t[1], t[3]);
            r[4 * i + 3] = _mm512_shuffle_ps::<0xee>(t[1], t[3]);
        }
        for i in 0..4 {
            t[i] = _mm512_shuffle_f32x4::<0x88>(r[i], r[4 + i]);
            t[4 + i] = _mm512_shuffle_f32x4::<0xdd>(r[i], r[4 + i]);
            t[8 + i] = _mm512_shuffle_f32x4::<0x88>(r[8 + i], r[12 + i]);
            t[12 + i] = _mm512_shuffle_f32x4::<0xdd>(r[8 + i], r[12 + i]);
        }
        for i in 0..4 {
            r[i] = _mm512_shuffle_f32x4::<0x88>(t[i], t[8 + i]);
            r[4 + i] = _mm512_shuffle_f32x4::<0x88>(t[4 + i], t[12 + i]);
            r[8 + i] = _mm512_shuffle_f32x4::<0xdd>(t[i], t[8 + i]);
            r[12 + i] = _mm512_shuffle_f32x4::<0xdd>(t[4 + i], t[12 + i]);
        }
    }
}
