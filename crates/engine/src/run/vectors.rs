//! Rows of short vectors: sums, dot products and combinations of a few of them, by instruction set.
//!
//! For algorithms that read and write scattered rows of a large table (word vectors), where a plan
//! over whole tensors would touch all of it. Plain loops, compiled for each set.
#![allow(unsafe_code)]

use super::isa::Isa;
use super::math;
use super::vector::for_each_isa;

/// Numbers in one chunk: rows are whole chunks long, so that no loop has a rest.
pub const CHUNK: usize = 16;

/// The number by which [`for_each_isa`] knows the set whose registers hold a chunk.
const AVX512: u8 = 2;

/// Kernels over rows of `width` numbers, a multiple of [`CHUNK`].
///
/// What is summed in which order follows from the sizes alone; between instruction sets the last
/// digits may differ.
///
/// ```
/// use glassbox_engine::vectors::{CHUNK, Rows};
/// use glassbox_engine::Isa;
/// let rows = Rows::new(Isa::detect(), 3);
/// assert_eq!(rows.width(), CHUNK);
/// let table: Vec<f32> = (0..2 * CHUNK).map(|at| if at % CHUNK < 3 { 1.0 } else { 0.0 }).collect();
/// let mut products = [0.0];
/// rows.dots(&table[..CHUNK], &table[CHUNK..], &mut products);
/// assert_eq!(products, [3.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// Available on this machine: checked when this was made, and private ever since.
    isa: Isa,
    width: usize,
}

impl Rows {
    /// Rows with room for `numbers` numbers.
    ///
    /// # Panics
    /// If this machine has no such instructions.
    pub fn new(isa: Isa, numbers: usize) -> Rows {
        isa.assert_available();
        Rows { isa, width: numbers.next_multiple_of(CHUNK).max(CHUNK) }
    }

    /// Numbers in a row, the padding included.
    pub fn width(&self) -> usize {
        self.width
    }

    /// `to = factor · Σ table[id]` over `ids`, in their order.
    ///
    /// # Panics
    /// If a row lies outside of the table, or `to` is no row.
    #[inline]
    pub fn sum(&self, table: &[f32], ids: &[u32], factor: f32, to: &mut [f32]) {
        assert_eq!(to.len(), self.width, "a row has another width");
        sum(self.isa, table, ids, factor, to);
    }

    /// `to[i, j] = a[i] · b[j]` for all rows of both.
    ///
    /// # Panics
    /// If the lengths do not fit.
    #[inline]
    pub fn dots(&self, a: &[f32], b: &[f32], to: &mut [f32]) {
        let (m, n) = (a.len() / self.width, b.len() / self.width);
        assert_eq!([a.len(), b.len(), to.len()], [m * self.width, n * self.width, m * n]);
        dots(self.isa, self.width, a, b, to);
    }

    /// `to[i] = Σⱼ factors[i, j] · rows[j]`; `factors` lie `strides[0]` apart by i and `strides[1]` by j.
    ///
    /// # Panics
    /// If a factor is missing, or the lengths do not fit.
    #[inline]
    pub fn combine(&self, factors: &[f32], strides: [usize; 2], rows: &[f32], to: &mut [f32]) {
        let (m, n) = (to.len() / self.width, rows.len() / self.width);
        assert_eq!([to.len(), rows.len()], [m * self.width, n * self.width]);
        combine(self.isa, self.width, factors, strides, rows, to);
    }

    /// `to += factor · row`.
    #[inline]
    pub fn add(&self, factor: f32, row: &[f32], to: &mut [f32]) {
        add(self.isa, factor, row, to);
    }

    /// `table[target] += rows[source]` for each `(target, source)`, in their order.
    ///
    /// # Panics
    /// If a row lies outside.
    #[inline]
    pub fn scatter(&self, pairs: &[(u32, u32)], rows: &[f32], table: &mut [f32]) {
        scatter(self.isa, self.width, pairs, rows, table);
    }

    /// `to = 1 / (1 + e⁻ˣ)`, element by element.
    #[inline]
    pub fn sigmoid(&self, x: &[f32], to: &mut [f32]) {
        sigmoid(self.isa, x, to);
    }
}

/// `a · b + c`, rounded once where the set can.
#[inline(always)]
fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Some numbers as an array of their own, which the compiler keeps in registers.
#[inline(always)]
fn lanes<const L: usize>(data: &[f32], at: usize) -> [f32; L] {
    let mut lanes = [0.0; L];
    lanes.copy_from_slice(&data[at..at + L]);
    lanes
}

/// The sum by halves.
#[inline(always)]
fn total(eight: [f32; 8]) -> f32 {
    let mut four = [0.0f32; 4];
    for lane in 0..4 {
        four[lane] = eight[lane] + eight[lane + 4];
    }
    (four[0] + four[2]) + (four[1] + four[3])
}

#[inline(always)]
fn sum_body<const FMA: bool, const SET: u8>(
    table: &[f32],
    ids: &[u32],
    factor: f32,
    to: &mut [f32],
) {
    let width = to.len();
    for at in (0..width).step_by(CHUNK) {
        let mut sum = [0.0f32; CHUNK];
        for &id in ids {
            let row: [f32; CHUNK] = lanes(table, id as usize * width + at);
            for lane in 0..CHUNK {
                sum[lane] += row[lane];
            }
        }
        for lane in 0..CHUNK {
            to[at + lane] = sum[lane] * factor;
        }
    }
}
for_each_isa! {
    /// `to = factor · Σ table[id]`.
    sum<>(table: &[f32], ids: &[u32], factor: f32, to: &mut [f32]) = sum_body
}

/// `M` rows of `a` by `N` rows of `b`, the lanes from `from` to `from + L` of all chunks: so many that all
/// sums fit into registers.
#[inline(always)]
fn dot_lanes<const FMA: bool, const M: usize, const N: usize, const L: usize>(
    width: usize,
    from: usize,
    a: &[f32],
    b: &[f32],
) -> [[[f32; L]; N]; M] {
    let chunks = width / CHUNK;
    let (a, b) = (a.as_chunks::<CHUNK>().0, b.as_chunks::<CHUNK>().0);
    // Each row with its length in sight, so that no element is checked for.
    let a: [&[[f32; CHUNK]]; M] = std::array::from_fn(|i| &a[i * chunks..][..chunks]);
    let b: [&[[f32; CHUNK]]; N] = std::array::from_fn(|j| &b[j * chunks..][..chunks]);
    let mut sums = [[[0.0f32; L]; N]; M];
    for at in 0..chunks {
        for j in 0..N {
            for i in 0..M {
                for lane in 0..L {
                    let (x, y) = (a[i][at][from + lane], b[j][at][from + lane]);
                    sums[i][j][lane] = multiply_add::<FMA>(x, y, sums[i][j][lane]);
                }
            }
        }
    }
    sums
}

/// Results of a tile, at most.
const TILE: usize = 16;

/// `M` rows of `a` by `N` rows of `b`.
#[inline(always)]
fn dot_tile<const FMA: bool, const SET: u8, const M: usize, const N: usize>(
    width: usize,
    a: &[f32],
    b: &[f32],
    to: &mut [f32],
    stride: usize,
) {
    let mut eights = [[0.0f32; 8]; TILE];
    if SET == AVX512 {
        let sums = dot_lanes::<FMA, M, N, CHUNK>(width, 0, a, b);
        for (eight, sum) in eights.iter_mut().zip(sums.as_flattened()) {
            for lane in 0..8 {
                eight[lane] = sum[lane] + sum[lane + 8];
            }
        }
    } else {
        let low = dot_lanes::<FMA, M, N, 8>(width, 0, a, b);
        eights[..M * N].copy_from_slice(low.as_flattened());
        let high = dot_lanes::<FMA, M, N, 8>(width, 8, a, b);
        for (eight, high) in eights.iter_mut().zip(high.as_flattened()) {
            for lane in 0..8 {
                eight[lane] += high[lane];
            }
        }
    }
    let mut results = [0.0f32; TILE];
    totals(&eights[..M * N], &mut results[..M * N]);
    for (i, results) in results[..M * N].chunks_exact(N).enumerate() {
        to[i * stride..i * stride + N].copy_from_slice(results);
    }
}

/// The sum of each by halves. By itself: seen from here the compiler would keep the vectors in pieces.
#[inline(never)]
fn totals(eights: &[[f32; 8]], to: &mut [f32]) {
    for (to, eight) in to.iter_mut().zip(eights) {
        *to = total(*eight);
    }
}

/// Tiles of 4 × 4 where registers hold a whole chunk each and there are many, else of 4 × 2.
#[inline(always)]
fn dots_body<const FMA: bool, const SET: u8>(width: usize, a: &[f32], b: &[f32], to: &mut [f32]) {
    let (m, n) = (a.len() / width, b.len() / width);
    let columns = if SET == AVX512 { 4 } else { 2 };
    let mut i = 0;
    while i < m {
        let tall = m - i >= 4;
        let a = &a[i * width..];
        let mut j = 0;
        while j < n {
            let wide = n - j >= columns;
            let (b, to) = (&b[j * width..], &mut to[i * n + j..]);
            match (tall, wide, SET) {
                (true, true, AVX512) => dot_tile::<FMA, SET, 4, 4>(width, a, b, to, n),
                (true, true, _) => dot_tile::<FMA, SET, 4, 2>(width, a, b, to, n),
                (true, false, _) => dot_tile::<FMA, SET, 4, 1>(width, a, b, to, n),
                (false, true, AVX512) => dot_tile::<FMA, SET, 1, 4>(width, a, b, to, n),
                (false, true, _) => dot_tile::<FMA, SET, 1, 2>(width, a, b, to, n),
                (false, false, _) => dot_tile::<FMA, SET, 1, 1>(width, a, b, to, n),
            }
            j += if wide { columns } else { 1 };
        }
        i += if tall { 4 } else { 1 };
    }
}
for_each_isa! {
    /// `to[i, j] = a[i] · b[j]`.
    dots<>(width: usize, a: &[f32], b: &[f32], to: &mut [f32]) = dots_body
}

/// `M` rows of the result, a chunk at a time.
#[inline(always)]
fn combine_tile<const FMA: bool, const M: usize>(
    width: usize,
    factors: &[f32],
    [by_row, by_column]: [usize; 2],
    rows: &[f32],
    to: &mut [f32],
) {
    for at in (0..width).step_by(CHUNK) {
        let mut sums = [[0.0f32; CHUNK]; M];
        for (j, row) in rows.chunks_exact(width).enumerate() {
            let row: [f32; CHUNK] = lanes(row, at);
            for i in 0..M {
                let factor = factors[i * by_row + j * by_column];
                for lane in 0..CHUNK {
                    sums[i][lane] = multiply_add::<FMA>(factor, row[lane], sums[i][lane]);
                }
            }
        }
        for i in 0..M {
            to[i * width + at..i * width + at + CHUNK].copy_from_slice(&sums[i]);
        }
    }
}

#[inline(always)]
fn combine_body<const FMA: bool, const SET: u8>(
    width: usize,
    factors: &[f32],
    strides: [usize; 2],
    rows: &[f32],
    to: &mut [f32],
) {
    let m = to.len() / width;
    // As many rows as there are registers for.
    let tall = if SET == AVX512 { 8 } else { 4 };
    let mut i = 0;
    while i < m {
        let (factors, to) = (&factors[i * strides[0]..], &mut to[i * width..]);
        match (m - i >= tall, SET) {
            (true, AVX512) => combine_tile::<FMA, 8>(width, factors, strides, rows, to),
            (true, _) => combine_tile::<FMA, 4>(width, factors, strides, rows, to),
            (false, _) => combine_tile::<FMA, 1>(width, factors, strides, rows, to),
        }
        i += if m - i >= tall { tall } else { 1 };
    }
}
for_each_isa! {
    /// `to[i] = Σⱼ factors[i, j] · rows[j]`.
    combine<>(width: usize, factors: &[f32], strides: [usize; 2], rows: &[f32], to: &mut [f32]) = combine_body
}

#[inline(always)]
fn add_body<const FMA: bool, const SET: u8>(factor: f32, row: &[f32], to: &mut [f32]) {
    for (to, &x) in to.iter_mut().zip(row) {
        *to = multiply_add::<FMA>(factor, x, *to);
    }
}
for_each_isa! {
    /// `to += factor · row`.
    add<>(factor: f32, row: &[f32], to: &mut [f32]) = add_body
}

#[inline(always)]
fn scatter_body<const FMA: bool, const SET: u8>(
    width: usize,
    pairs: &[(u32, u32)],
    rows: &[f32],
    table: &mut [f32],
) {
    for &(target, source) in pairs {
        let (target, source) = (target as usize * width, source as usize * width);
        let (row, to) = (&rows[source..source + width], &mut table[target..target + width]);
        for (to, row) in to.chunks_exact_mut(CHUNK).zip(row.chunks_exact(CHUNK)) {
            for lane in 0..CHUNK {
                to[lane] += row[lane];
            }
        }
    }
}
for_each_isa! {
    /// `table[target] += rows[source]` for each pair.
    scatter<>(width: usize, pairs: &[(u32, u32)], rows: &[f32], table: &mut [f32]) = scatter_body
}

#[inline(always)]
fn sigmoid_body<const FMA: bool, const SET: u8>(x: &[f32], to: &mut [f32]) {
    for (to, &x) in to.iter_mut().zip(x) {
        *to = math::sigmoid::<FMA>(x);
    }
}
for_each_isa! {
    /// `to = 1 / (1 + e⁻ˣ)`.
    sigmoid<>(x: &[f32], to: &mut [f32]) = sigmoid_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn drawn(name: &str, count: usize) -> Vec<f32> {
        let stream = Stream::new(7, name, 0);
        (0..count as u64).map(|at| stream.normal(at) as f32).collect()
    }

    fn close(a: f32, b: f64) {
        assert!((f64::from(a) - b).abs() <= 1e-5 * b.abs().max(1.0), "{a} instead of {b}");
    }

    fn dot(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    #[test]
    fn every_set_computes_what_the_formulas_say() {
        for isa in Isa::available() {
            let rows = Rows::new(isa, 35);
            let width = rows.width();
            assert_eq!(width, 48);
            for (m, n) in [(1, 1), (3, 5), (4, 4), (9, 6), (17, 16)] {
                let (a, b) = (drawn("a", m * width), drawn("b", n * width));
                let of = |data: &[f32], row: usize| data[row * width..(row + 1) * width].to_vec();
                let mut products = vec![0.0; m * n];
                rows.dots(&a, &b, &mut products);
                for i in 0..m {
                    for j in 0..n {
                        close(products[i * n + j], dot(&of(&a, i), &of(&b, j)));
                    }
                }
                let mut all = vec![0.0; m * width];
                rows.combine(&products, [n, 1], &b, &mut all);
                let mut turned = vec![0.0; n * width];
                rows.combine(&products, [1, n], &a, &mut turned);
                for at in 0..width {
                    let column = |data: &[f32], count: usize| -> Vec<f32> {
                        (0..count).map(|row| data[row * width + at]).collect()
                    };
                    let (of_a, of_b) = (column(&a, m), column(&b, n));
                    for i in 0..m {
                        close(all[i * width + at], dot(&products[i * n..(i + 1) * n], &of_b));
                    }
                    for j in 0..n {
                        let factors: Vec<f32> = (0..m).map(|i| products[i * n + j]).collect();
                        close(turned[j * width + at], dot(&factors, &of_a));
                    }
                }
                let mut sum = vec![9.0; width];
                rows.sum(&a, &[0, m as u32 - 1], 0.5, &mut sum);
                for at in 0..width {
                    close(sum[at], f64::from(a[at] + a[(m - 1) * width + at]) / 2.0);
                }
                let mut table = a.clone();
                rows.scatter(&[(0, 0), (0, n as u32 - 1)], &b, &mut table);
                rows.add(-2.0, &b[..width], &mut table[..width]);
                for at in 0..width {
                    close(
                        table[at],
                        f64::from(a[at]) - f64::from(b[at]) + f64::from(b[(n - 1) * width + at]),
                    );
                }
                assert_eq!(table[width..], a[width..]);
            }
            let x = drawn("x", 33);
            let mut y = vec![0.0; 33];
            rows.sigmoid(&x, &mut y);
            x.iter().zip(y).for_each(|(x, y)| close(y, 1.0 / (1.0 + (-f64::from(*x)).exp())));
        }
    }

    #[test]
    fn a_product_of_two_rows_has_the_same_bits_in_any_company() {
        let rows = Rows::new(Isa::detect(), 100);
        let width = rows.width();
        let (a, b) = (drawn("a", 7 * width), drawn("b", 6 * width));
        let mut all = vec![0.0; 42];
        rows.dots(&a, &b, &mut all);
        for i in 0..7 {
            for j in 0..6 {
                let mut one = [0.0];
                rows.dots(&a[i * width..(i + 1) * width], &b[j * width..(j + 1) * width], &mut one);
                assert_eq!(one[0].to_bits(), all[i * 6 + j].to_bits());
            }
        }
    }
}
