//! Speed of kernels one by one, on every thread: `cargo bench -p glassbox-engine -- matmul`.
//! `THREADS=1` sets the threads, `INSTRUCTIONS=avx2` the instruction set. Items are multiply-adds × 2
//! for products and convolutions, else bytes that must move.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use glassbox_engine::op::{Convolution, Pooling};
use glassbox_engine::{Array, DType, Graph, Mode, Options, Session, Tensor, grad};

fn main() {
    divan::main();
}

/// Runs what `record` records on one graph again and again, on arbitrary numbers.
fn time<'b>(
    bencher: Bencher<'b, '_>,
    record: impl for<'g> FnOnce(&'g Graph) -> Tensor<'g>,
    bytes: Option<usize>,
) {
    let of = |name| std::env::var(name).ok();
    let default = Options::default();
    let mut session = Session::new(Options {
        threads: of("THREADS").map_or(default.threads, |n| n.parse().unwrap()),
        isa: of("INSTRUCTIONS").map(|name| name.parse().unwrap()),
        ..default
    })
    .unwrap();
    let graph = Graph::new();
    let result = record(&graph);
    let step = session.prepare(&graph, &[result]).unwrap();
    let mut inputs = step.inputs();
    for buffer in &mut inputs {
        let number = |i: usize| (i * 7919 % 2003) as f32 / 2003.0 - 0.5;
        let numbers: Vec<f32> = (0..buffer.shape().elements()).map(number).collect();
        buffer.write(&Array::new(buffer.shape().clone(), numbers).unwrap()).unwrap();
    }
    let mut outputs = step.outputs();
    let mut run = || session.run(black_box(&step), &mut inputs, &mut outputs).unwrap();
    match bytes {
        Some(bytes) => bencher.counter(BytesCount::new(bytes)).bench_local(run),
        None => {
            let operations = step.plan().operations();
            bencher.counter(ItemsCount::new(operations)).bench_local(&mut run);
        }
    }
}

fn input<'g>(graph: &'g Graph, name: &str, sizes: &[usize]) -> Tensor<'g> {
    graph.input(name, DType::F32, sizes)
}

/// Rows, depth, columns: squares, layers of dense nets, of transformers, of recurrent steps, and skinny
/// ones.
const PRODUCTS: [[usize; 3]; 14] = [
    [512, 512, 512],
    [1024, 1024, 1024],
    [2048, 2048, 2048],
    [128, 784, 256],
    [256, 784, 2048],
    [256, 2048, 2048],
    [2048, 256, 768],
    [2048, 256, 1024],
    [2048, 1024, 256],
    [32, 256, 1024],
    [32, 1024, 256],
    [12544, 288, 64],
    [128, 128, 10],
    [1, 2048, 2048],
];

#[divan::bench(args = PRODUCTS)]
fn matmul(bencher: Bencher<'_, '_>, [m, k, n]: [usize; 3]) {
    time(bencher, |g| input(g, "a", &[m, k]).matmul(input(g, "b", &[k, n])), None);
}

#[divan::bench(args = PRODUCTS)]
fn matmul_left_transposed(bencher: Bencher<'_, '_>, [m, k, n]: [usize; 3]) {
    time(bencher, |g| input(g, "a", &[k, m]).transpose().matmul(input(g, "b", &[k, n])), None);
}

#[divan::bench(args = PRODUCTS)]
fn matmul_right_transposed(bencher: Bencher<'_, '_>, [m, k, n]: [usize; 3]) {
    time(bencher, |g| input(g, "a", &[m, k]).matmul(input(g, "b", &[n, k]).transpose()), None);
}

/// Batch, size, channels, filter, outputs, stride, padding, groups.
const CONVOLUTIONS: [[usize; 8]; 8] = [
    [64, 28, 1, 5, 32, 1, 2, 1],
    [64, 14, 32, 5, 64, 1, 2, 1],
    [64, 32, 16, 3, 16, 1, 1, 1],
    [8, 56, 64, 3, 64, 1, 1, 1],
    [8, 28, 128, 3, 256, 2, 1, 1],
    [8, 7, 512, 3, 512, 1, 1, 1],
    [64, 14, 64, 4, 128, 2, 1, 1],
    [64, 32, 64, 3, 64, 1, 1, 64],
];

/// What of a convolution is wanted.
#[derive(Clone, Copy)]
enum Wanted {
    Result,
    InputGradient,
    FilterGradient,
}

fn convolution_of(bencher: Bencher<'_, '_>, sizes: [usize; 8], wanted: Wanted) {
    let [batch, size, channels, filter, outputs, stride, padding, groups] = sizes;
    let choices = Convolution::default().padding([padding; 2]).stride([stride; 2]).groups(groups);
    time(
        bencher,
        |g| {
            let x = input(g, "x", &[batch, size, size, channels]);
            let w = input(g, "w", &[filter, filter, channels / groups, outputs]);
            let y = x.conv2d(w, choices);
            let slopes = || grad((y * input(g, "up", y.shape().sizes())).sum(), &[x, w]);
            match wanted {
                Wanted::Result => y,
                Wanted::InputGradient => slopes()[0],
                Wanted::FilterGradient => slopes()[1],
            }
        },
        None,
    );
}

#[divan::bench(args = CONVOLUTIONS)]
fn convolution(bencher: Bencher<'_, '_>, sizes: [usize; 8]) {
    convolution_of(bencher, sizes, Wanted::Result);
}

#[divan::bench(args = CONVOLUTIONS)]
fn convolution_input_gradient(bencher: Bencher<'_, '_>, sizes: [usize; 8]) {
    convolution_of(bencher, sizes, Wanted::InputGradient);
}

#[divan::bench(args = CONVOLUTIONS)]
fn convolution_filter_gradient(bencher: Bencher<'_, '_>, sizes: [usize; 8]) {
    convolution_of(bencher, sizes, Wanted::FilterGradient);
}

const IMAGES: [usize; 4] = [64, 28, 28, 32];

#[divan::bench]
fn max_pool(bencher: Bencher<'_, '_>) {
    let bytes = IMAGES.iter().product::<usize>() * 4 * 5 / 4;
    time(bencher, |g| input(g, "x", &IMAGES).max_pool2d(Pooling::new([2, 2])).0, Some(bytes));
}

/// A million numbers in cache (4 MB), sixteen million in memory.
const LENGTHS: [usize; 2] = [1 << 20, 1 << 24];

macro_rules! pointwise {
    ($($name:ident: $f:expr;)*) => {$(
        #[divan::bench(args = LENGTHS)]
        fn $name(bencher: Bencher<'_, '_>, length: usize) {
            let f: for<'g> fn(Tensor<'g>) -> Tensor<'g> = $f;
            time(bencher, |g| f(input(g, "x", &[length])), Some(8 * length));
        }
    )*};
}

pointwise! {
    exp: |x| x.exp();
    log: |x| (x * x + 0.5).log();
    tanh: |x| x.tanh();
    erf: |x| x.erf();
    sigmoid: |x| x.sigmoid();
    chain: |x| (x * x + 1.0).sigmoid() * x.tanh();
}

/// Loops that memory bounds: what they read and write, 64 MB each and in all.
macro_rules! memory_bound {
    ($($name:ident($reads:literal, $writes:literal): $f:expr;)*) => {$(
        #[divan::bench]
        fn $name(bencher: Bencher<'_, '_>) {
            let f: for<'g> fn([Tensor<'g>; $reads]) -> Tensor<'g> = $f;
            let names = ["a", "b", "c", "d"];
            let bytes = 4 * MATRIX[0] * MATRIX[1] * ($reads + $writes);
            time(
                bencher,
                |g| f(std::array::from_fn(|i| input(g, names[i], &MATRIX))),
                Some(bytes),
            );
        }
    )*};
}

const MATRIX: [usize; 2] = [16384, 1024];

memory_bound! {
    memory_copy(1, 1): |[x]| x.reshape([MATRIX[1], MATRIX[0]]) * 1.0 + 0.0;
    memory_add(2, 1): |[x, y]| x + y;
    memory_relu_gradient(2, 1): |[x, up]| grad((x.relu() * up.detach()).sum(), &[x])[0];
    memory_residual(3, 1): |[x, y, z]| (x + y) * 0.5 + z;
    memory_layer_norm(1, 1): |[x]| {
        let centred = x - x.mean_axis(1);
        centred * (centred.square().mean_axis(1) + 1e-5).sqrt().recip()
    };
    memory_softmax(1, 1): |[x]| {
        let powers = (x - x.max_axis(1)).exp();
        powers / powers.sum_axis(1)
    };
}

/// Adam on a parameter of 64 MB: four arrays are read, three written in their places.
#[divan::bench]
fn memory_adam(bencher: Bencher<'_, '_>) {
    let threads = std::env::var("THREADS").ok().map(|n| n.parse().unwrap());
    let threads = threads.unwrap_or(Options::default().threads);
    let mut session = Session::new(Options { threads, ..Options::default() }).unwrap();
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let held = at.parameter("w", MATRIX, 0.1);
    let slope = input(&graph, "slope", &MATRIX);
    let [m, v] = ["m", "v"].map(|name| at.state(name, DType::F32, MATRIX, 0.0));
    let (m, v) = (m * 0.9 + slope * 0.1, v * 0.999 + slope.square() * 0.001);
    graph.assign("m", m);
    graph.assign("v", v);
    graph.assign("w", held - m * 0.001 / (v.sqrt() + 1e-8));
    session.load(graph.initial_values(0));
    let step = session.prepare(&graph, &[]).unwrap();
    let mut inputs = step.inputs();
    let run = || session.run(black_box(&step), &mut inputs, &mut []).unwrap();
    bencher.counter(BytesCount::new(4 * 7 * MATRIX[0] * MATRIX[1])).bench_local(run);
}

#[divan::bench(args = [[1024, 1024], [16384, 64]])]
fn softmax(bencher: Bencher<'_, '_>, [rows, columns]: [usize; 2]) {
    time(
        bencher,
        |g| {
            let x = input(g, "x", &[rows, columns]);
            let powers = (x - x.max_axis(1).reshape([rows, 1])).exp();
            powers / powers.sum_axis(1).reshape([rows, 1])
        },
        Some(8 * rows * columns),
    );
}

#[divan::bench(args = [0, 1])]
fn sum_of_axis(bencher: Bencher<'_, '_>, axis: isize) {
    time(bencher, |g| input(g, "x", &[4096, 1024]).sum_axis(axis), Some(4 * 4096 * 1024));
}
