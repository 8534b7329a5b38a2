//! The product in `f64`: plain blocked loops, for gradient checks and explanations.

use super::View;
use crate::run::pool::{Pool, WorkerPanic};

/// Rows of C a worker takes at a time, and columns it sums at a time.
const ROWS: usize = 4;
const COLUMNS: usize = 64;
/// Below so many multiply-adds the pool is left alone.
const WORTH_THREADS: usize = 48 * 48 * 48;

/// `c[m, n] = a[m, k] · b[k, n]` in `f64`, C row-major without gaps, any strides.
///
/// Every element is the chain `((0 + a₀b₀) + a₁b₁) + …`, so the bits depend on nothing else. Panics
/// if a view or slice is too short, which is a mistake of the caller.
pub(crate) fn matmul_f64(
    pool: &Pool,
    m: usize,
    n: usize,
    k: usize,
    a: View<'_, f64>,
    b: View<'_, f64>,
    c: &mut [f64],
) -> Result<(), WorkerPanic> {
    let c_len = m.saturating_mul(n);
    assert!(c.len() == c_len, "the product is {m}×{n}, but its memory has {} elements", c.len());
    if c.is_empty() {
        return Ok(());
    }
    if k == 0 {
        c.fill(0.0);
        return Ok(());
    }
    a.assert_covers(m, k, "the left factor");
    b.assert_covers(k, n, "the right factor");

    // A multiple of ROWS rows a share, so that full groups stay full.
    let shares =
        if m.saturating_mul(n).saturating_mul(k) < WORTH_THREADS { 1 } else { pool.threads() };
    let share = m.div_ceil(shares).next_multiple_of(ROWS);
    pool.for_each_chunk_mut(c, share * n, &|first, rows| {
        multiply_rows(first / n, n, k, a, b, rows);
    })
}

/// Rows of C from `first_row` on, as many as `c` holds.
fn multiply_rows(
    first_row: usize,
    n: usize,
    k: usize,
    a: View<'_, f64>,
    b: View<'_, f64>,
    c: &mut [f64],
) {
    for (group, rows) in c.chunks_mut(ROWS * n).enumerate() {
        let first_row = first_row + group * ROWS;
        for first_column in (0..n).step_by(COLUMNS) {
            let columns = COLUMNS.min(n - first_column);
            let mut sums = [[0.0; COLUMNS]; ROWS];
            for p in 0..k {
                let mut row_of_b = [0.0; COLUMNS];
                for (column, value) in row_of_b[..columns].iter_mut().enumerate() {
                    *value = b.data[p * b.row_stride + (first_column + column) * b.column_stride];
                }
                for (row, sums) in sums.iter_mut().enumerate().take(rows.len() / n) {
                    let factor = a.data[(first_row + row) * a.row_stride + p * a.column_stride];
                    for (sum, &value) in sums.iter_mut().zip(&row_of_b) {
                        *sum += factor * value;
                    }
                }
            }
            for (row, sums) in rows.chunks_mut(n).zip(&sums) {
                row[first_column..first_column + columns].copy_from_slice(&sums[..columns]);
            }
        }
    }
}
