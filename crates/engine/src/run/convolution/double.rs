//! Convolutions in `f64`: plain loops, for gradient checks and explanations.

use super::taps::Taps;
use crate::op::{Convolved, Stencil};
use crate::run::pool::{Pool, WorkerPanic};

/// One of a convolution's arrays from the two others. Each element is the chain of its products, in order.
pub(super) fn convolve_f64(
    pool: &Pool,
    stencil: &Stencil,
    gives: Convolved,
    a: &[f64],
    b: &[f64],
    c: &mut [f64],
) -> Result<(), WorkerPanic> {
    c.fill(0.0);
    match gives {
        Convolved::Output => {
            let line = stencil.outputs[1] * stencil.features;
            pool.for_each_chunk_mut(c, line, &|first, c| forward(stencil, first / line, a, b, c))
        }
        Convolved::Input => {
            let line = stencil.sliding[1].input * stencil.channels;
            pool.for_each_chunk_mut(c, line, &|first, c| backward(stencil, first / line, a, b, c))
        }
        Convolved::Filter => {
            let features = stencil.features;
            pool.for_each_chunk_mut(c, features, &|first, c| {
                filter(stencil, first / features, a, b, c);
            })
        }
    }
}

/// Where position `p` of a grid reads each element, within `0..size`: the filter's element and the place.
fn reads(taps: Taps, p: usize, size: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..taps.count).filter_map(move |i| {
        let place = usize::try_from(taps.place(p, i)).ok().filter(|&place| place < size)?;
        Some((taps.tap(i), place))
    })
}

/// Line `line` of all output images.
fn forward(s: &Stencil, line: usize, input: &[f64], filter: &[f64], output: &mut [f64]) {
    let [height, width] = s.sliding;
    let (image, y) = (line / s.outputs[0], line % s.outputs[0]);
    for (x, output) in output.chunks_mut(s.features).enumerate() {
        for (down, row) in reads(Taps::forward(&height), y, height.input) {
            for (across, column) in reads(Taps::forward(&width), x, width.input) {
                let pixel = (image * height.input + row) * width.input + column;
                let input = &input[pixel * s.channels..][..s.channels];
                let tap = down * width.taps + across;
                for (c, &x) in input.iter().enumerate() {
                    let group = c / s.depth() * s.filters();
                    let from = (tap * s.depth() + c % s.depth()) * s.features + group;
                    let filter = &filter[from..from + s.filters()];
                    for (y, &w) in output[group..].iter_mut().zip(filter) {
                        *y += x * w;
                    }
                }
            }
        }
    }
}

/// Line `line` of all input images.
fn backward(s: &Stencil, line: usize, output: &[f64], filter: &[f64], input: &mut [f64]) {
    let [height, width] = s.sliding;
    let (image, y) = (line / height.input, line % height.input);
    let rows = Taps::backward(&height, y % height.stride);
    for (x, input) in input.chunks_mut(s.channels).enumerate() {
        let columns = Taps::backward(&width, x % width.stride);
        for (down, row) in reads(rows, y / height.stride, s.outputs[0]) {
            for (across, column) in reads(columns, x / width.stride, s.outputs[1]) {
                let pixel = (image * s.outputs[0] + row) * s.outputs[1] + column;
                let output = &output[pixel * s.features..][..s.features];
                let tap = down * width.taps + across;
                for (c, x) in input.iter_mut().enumerate() {
                    let group = c / s.depth() * s.filters();
                    let from = (tap * s.depth() + c % s.depth()) * s.features + group;
                    let filter = &filter[from..from + s.filters()];
                    for (&y, &w) in output[group..].iter().zip(filter) {
                        *x += y * w;
                    }
                }
            }
        }
    }
}

/// Row `row` of the filters, an element and a channel: all features.
fn filter(s: &Stencil, row: usize, input: &[f64], output: &[f64], filter: &mut [f64]) {
    let [height, width] = s.sliding;
    let (tap, c) = (row / s.depth(), row % s.depth());
    let (down, across) = (tap / width.taps, tap % width.taps);
    for image in 0..s.batch {
        for y in height.windows_at(down, s.outputs[0]) {
            for x in width.windows_at(across, s.outputs[1]) {
                let line = image * height.input + height.place(down, y);
                let pixel = (line * width.input + width.place(across, x)) * s.channels;
                let to = ((image * s.outputs[0] + y) * s.outputs[1] + x) * s.features;
                let groups = filter.chunks_mut(s.filters());
                let adjoint = output[to..to + s.features].chunks(s.filters());
                for (group, (filter, adjoint)) in groups.zip(adjoint).enumerate() {
                    let x = input[pixel + group * s.depth() + c];
                    for (w, &y) in filter.iter_mut().zip(adjoint) {
                        *w += x * y;
                    }
                }
            }
        }
    }
}
