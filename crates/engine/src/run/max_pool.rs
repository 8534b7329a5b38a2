//! The largest of each window of images.
#![allow(unsafe_code)]

use super::isa::Isa;
use super::pool::{Pool, WorkerPanic};
use super::vector::for_each_isa;
use crate::op::{Sliding, Stencil};

/// Channels whose largest are kept side by side.
const CHANNELS: usize = 16;

/// A number that a window may be of.
pub(super) trait Number: Copy + PartialOrd + Default + Send + Sync {}
impl Number for f32 {}
impl Number for f64 {}

/// Writes the largest of each window and the number of its element; the first of several, NaN before
/// all others. Every window has an element.
pub(super) fn max_pool<T: Number>(
    isa: Isa,
    pool: &Pool,
    stencil: &Stencil,
    x: &[T],
    largest: &mut [T],
    places: &mut [i64],
) -> Result<(), WorkerPanic> {
    isa.assert_available();
    let line = stencil.outputs[1] * stencil.channels;
    if largest.is_empty() {
        return Ok(());
    }
    let places = Places(places.as_mut_ptr());
    pool.for_each_chunk_mut(largest, line, &|first, largest| {
        let places = &places;
        // SAFETY: as many places as numbers, and each line is handed out once.
        let places =
            unsafe { std::slice::from_raw_parts_mut(places.0.wrapping_add(first), largest.len()) };
        pool_line(isa, stencil, first / line, x, largest, places);
    })
}

struct Places(*mut i64);

// SAFETY: each worker writes lines of its own.
unsafe impl Sync for Places {}

for_each_isa! {
    /// One line of the output.
    pool_line<T: Number>(
        stencil: &Stencil, line: usize, x: &[T], largest: &mut [T], places: &mut [i64]
    ) = pool_line_body
}

/// The elements of a window that lie within an axis, and where the first of them lies.
fn reached(s: &Sliding, window: usize) -> (usize, usize) {
    let first = window * s.stride;
    let end = (first + s.taps).min(s.before + s.input);
    let start = first.max(s.before);
    (start - s.before, end.saturating_sub(start))
}

#[inline(always)]
fn pool_line_body<const FMA: bool, const SET: u8, T: Number>(
    stencil: &Stencil,
    line: usize,
    x: &[T],
    largest: &mut [T],
    places: &mut [i64],
) {
    let [height, width] = stencil.sliding;
    let channels = stencil.channels;
    let (image, row) = (line / stencil.outputs[0], line % stencil.outputs[0]);
    let (top, rows) = reached(&height, row);
    for column in 0..stencil.outputs[1] {
        let (left, columns) = reached(&width, column);
        let corner = ((image * height.input + top) * width.input + left) * channels;
        let windows = Windows { corner, rows, columns, line: width.input * channels, channels };
        let to = column * channels;
        let whole = channels - channels % CHANNELS;
        for first in (0..whole).step_by(CHANNELS) {
            let to = to + first..to + first + CHANNELS;
            windows.largest(x, first, CHANNELS, &mut largest[to.clone()], &mut places[to]);
        }
        if whole < channels {
            let to = to + whole..to + channels;
            let count = channels - whole;
            windows.largest(x, whole, count, &mut largest[to.clone()], &mut places[to]);
        }
    }
}

/// The elements of one window that lie within the image.
struct Windows {
    /// The first one.
    corner: usize,
    rows: usize,
    columns: usize,
    /// From one line of the image to the next.
    line: usize,
    channels: usize,
}

impl Windows {
    /// The largest of `count` channels from `first` on; inlined with a constant number of them.
    #[inline(always)]
    fn largest<T: Number>(
        &self,
        x: &[T],
        first: usize,
        count: usize,
        largest: &mut [T],
        places: &mut [i64],
    ) {
        let start = self.corner + first;
        let load = |offset: usize| {
            let mut values = [T::default(); CHANNELS];
            values[..count].copy_from_slice(&x[start + offset..start + offset + count]);
            values
        };
        let (mut best, mut chosen) = (load(0), [0u32; CHANNELS]);
        for down in 0..self.rows {
            for across in 0..self.columns {
                let offset = down * self.line + across * self.channels;
                let values = load(offset);
                // New arrays: over the old ones, stores would be masked, and the next loads wait for them.
                let (old, before) = (best, chosen);
                for i in 0..CHANNELS {
                    let (value, held) = (values[i], old[i]);
                    #[allow(clippy::eq_op, reason = "a number that is not equal to itself is NaN")]
                    let wins = (value > held) | ((value != value) & (held == held));
                    best[i] = if wins { value } else { held };
                    chosen[i] = if wins { offset as u32 } else { before[i] };
                }
            }
        }
        largest.copy_from_slice(&best[..count]);
        for ((place, &offset), channel) in places.iter_mut().zip(&chosen).zip(start..) {
            *place = channel as i64 + i64::from(offset);
        }
    }
}
