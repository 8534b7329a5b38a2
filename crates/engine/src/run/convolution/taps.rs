//! Which elements of a source a position of a target reads, along one axis and in blocks of depth.

use crate::op::Sliding;
use crate::run::pool::share_of;
use std::ops::Range;

/// The deepest block of a product.
const DEPTH: usize = 384;

/// Along one axis: position `p` of a grid reads the source at `p · step + offset + i · spread` for each
/// `i` below `count`, where the filter's element is [`tap`](Self::tap)`(i)`.
#[derive(Clone, Copy)]
pub(super) struct Taps {
    pub count: usize,
    pub step: usize,
    pub offset: isize,
    pub spread: isize,
    first: usize,
    back: usize,
}

impl Taps {
    /// What a window reads of the input.
    pub fn forward(s: &Sliding) -> Taps {
        let (offset, spread) = (-(s.before as isize), s.dilation as isize);
        Taps { count: s.taps, step: s.stride, offset, spread, first: 0, back: 0 }
    }

    /// The outputs that element `phase + p · stride` of the input went into: those with every
    /// `stride`-th element of the filter or so, the last first, so that they lie in order.
    pub fn backward(s: &Sliding, phase: usize) -> Taps {
        let stride = s.stride as isize;
        let at = |tap: usize| (phase + s.before) as isize - (tap * s.dilation) as isize;
        let found = (0..s.taps.min(s.stride)).find(|&tap| at(tap) % stride == 0);
        let Some(smallest) = found else {
            return Taps { count: 0, step: 1, offset: 0, spread: 1, first: 0, back: 0 };
        };
        let period = s.stride / divisor(s.stride, s.dilation);
        let count = (s.taps - 1 - smallest) / period + 1;
        let first = smallest + (count - 1) * period;
        let spread = (period * s.dilation / s.stride) as isize;
        Taps { count, step: 1, offset: at(first) / stride, spread, first, back: period }
    }

    /// The filter's element.
    pub fn tap(&self, i: usize) -> usize {
        if self.back == 0 { self.first + i } else { self.first - i * self.back }
    }

    /// From one of them to the next in the filter.
    pub fn tap_step(&self) -> isize {
        if self.back == 0 { 1 } else { -(self.back as isize) }
    }

    /// Where position `p` reads its element `i`.
    pub fn place(&self, p: usize, i: usize) -> isize {
        (p * self.step) as isize + self.offset + i as isize * self.spread
    }

    /// The positions, of those in `among`, from which `run` elements from `i` on (side by side, where
    /// there are several) all lie in `0..size`.
    pub fn within(&self, i: usize, run: usize, size: usize, among: Range<usize>) -> Range<usize> {
        let base = self.offset + i as isize * self.spread;
        let first = base.saturating_neg().max(0) as usize;
        let room = size as isize - run as isize - base;
        let start = first.div_ceil(self.step).clamp(among.start, among.end);
        let end = if room < 0 { 0 } else { room as usize / self.step + 1 };
        start..end.clamp(start, among.end)
    }
}

pub(super) fn divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { divisor(b, a % b) }
}

/// A range of a product's depth: whole taps, or some channels of one tap.
#[derive(Clone)]
pub(super) struct Block {
    pub taps: Range<usize>,
    pub channels: Range<usize>,
    /// Where it begins in the depth.
    pub start: usize,
    pub depth: usize,
}

/// The number of blocks.
pub(super) fn block_count(taps: usize, channels: usize) -> usize {
    match channels {
        0 => 0,
        _ if channels > DEPTH => taps * channels.div_ceil(DEPTH),
        _ => taps.div_ceil(DEPTH / channels),
    }
}

/// Block `index`; blocks depend on nothing but the numbers of taps and channels.
pub(super) fn block(taps: usize, channels: usize, index: usize) -> Block {
    if channels > DEPTH {
        let parts = channels.div_ceil(DEPTH);
        let tap = index / parts;
        let held = share_of(channels, parts, index % parts);
        let (start, depth) = (tap * channels + held.start, held.len());
        return Block { taps: tap..tap + 1, channels: held, start, depth };
    }
    let held = share_of(taps, block_count(taps, channels), index);
    let (start, depth) = (held.start * channels, held.len() * channels);
    Block { taps: held, channels: 0..channels, start, depth }
}

/// A depth that no block exceeds, for up to so many taps.
pub(super) fn deepest(taps: usize, channels: usize) -> usize {
    taps.saturating_mul(channels).min(DEPTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_backwards_is_what_went_forwards() {
        for (input, taps, stride, before, dilation) in [
            (7, 3, 1, 1, 1),
            (7, 3, 2, 1, 1),
            (9, 2, 3, 0, 1),
            (9, 3, 2, 2, 2),
            (8, 2, 2, 0, 3),
            (10, 4, 3, 2, 2),
            (6, 1, 4, 0, 1),
            (12, 3, 4, 1, 6),
        ] {
            let s = Sliding { input, taps, stride, before, after: before, dilation };
            let windows = s.windows().expect("fits");
            let mut forward = Vec::new();
            let held = Taps::forward(&s);
            for (window, i) in (0..windows).flat_map(|w| (0..taps).map(move |i| (w, i))) {
                let place = held.place(window, i);
                if (0..input as isize).contains(&place) {
                    forward.push((place as usize, held.tap(i), window));
                }
            }
            let mut backward = Vec::new();
            for phase in 0..stride {
                let held = Taps::backward(&s, phase);
                for p in 0..(input.saturating_sub(phase)).div_ceil(stride) {
                    for i in 0..held.count {
                        let window = held.place(p, i);
                        if (0..windows as isize).contains(&window) {
                            backward.push((phase + p * stride, held.tap(i), window as usize));
                        }
                    }
                }
            }
            forward.sort();
            backward.sort();
            assert_eq!(forward, backward, "{s:?}");
        }
    }

    #[test]
    fn blocks_cover_the_depth_in_order() {
        for (taps, channels) in
            [(1, 1), (25, 1), (9, 64), (9, 384), (9, 385), (2, 1000), (0, 5), (3, 0)]
        {
            let mut at = 0;
            for index in 0..block_count(taps, channels) {
                let block = block(taps, channels, index);
                assert_eq!(block.start, at);
                assert!(block.depth > 0 && block.depth <= deepest(taps, channels));
                assert_eq!(block.depth, block.taps.len() * block.channels.len());
                at += block.depth;
            }
            assert_eq!(at, taps * channels);
        }
    }
}
