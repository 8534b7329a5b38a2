//! Windows along one axis at a position that only the run knows.

use crate::op::Window;
use crate::run::pool::{Pool, WorkerPanic};

/// Elements that are worth a second thread.
const WORTH_THREADS: usize = 32 * 1024;

/// The window of `x` from `start` on.
pub(super) fn slice_at<T: Copy + Send + Sync>(
    pool: &Pool,
    w: &Window,
    start: usize,
    x: &[T],
    result: &mut [T],
) -> Result<(), WorkerPanic> {
    let (row, part, before) = (w.whole * w.inner, w.part * w.inner, start * w.inner);
    let together = WORTH_THREADS.div_ceil(part.max(1)) * part;
    pool.for_each_chunk_mut(result, together, &|first, result| {
        for (index, result) in result.chunks_exact_mut(part).enumerate() {
            let from = (first / part + index) * row + before;
            result.copy_from_slice(&x[from..from + part]);
        }
    })
}

/// `value` over the window of `result` from `start` on; around it `target`, or what is there already.
pub(super) fn update_slice<T: Copy + Send + Sync>(
    pool: &Pool,
    w: &Window,
    start: usize,
    target: Option<&[T]>,
    value: &[T],
    result: &mut [T],
) -> Result<(), WorkerPanic> {
    let (row, part, before) = (w.whole * w.inner, w.part * w.inner, start * w.inner);
    let touched = if target.is_some() { row } else { part };
    let together = WORTH_THREADS.div_ceil(touched.max(1)) * row;
    pool.for_each_chunk_mut(result, together, &|first, result| {
        for (index, result) in result.chunks_exact_mut(row).enumerate() {
            let block = first / row + index;
            let (head, rest) = result.split_at_mut(before);
            let (window, tail) = rest.split_at_mut(part);
            window.copy_from_slice(&value[block * part..(block + 1) * part]);
            if let Some(target) = target {
                let target = &target[block * row..(block + 1) * row];
                head.copy_from_slice(&target[..before]);
                tail.copy_from_slice(&target[before + part..]);
            }
        }
    })
}
