//! A run allocates nothing and leaves nothing behind. One test alone in its program, because the
//! allocator counts what every thread of the process does, those that report other tests included.
#![allow(unsafe_code, reason = "a counting allocator is unsafe by its signature")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use glassbox_engine::op::{Attention, Convolution, Pooling};
use glassbox_engine::{
    Buffer, DType, Distribution, Graph, Initial, Mode, Options, Prepared, Scope, Session, Tensor,
    grad,
};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, SeqCst);
        LIVE_BYTES.fetch_add(layout.size(), SeqCst);
        // SAFETY: the caller's promises are those of the system's allocator.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size(), SeqCst);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, SeqCst);
        LIVE_BYTES.fetch_add(size, SeqCst);
        LIVE_BYTES.fetch_sub(layout.size(), SeqCst);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often anybody allocates while `run` runs: the least of three times, because the thread that
/// waits for this one may get to its own work meanwhile.
fn allocations_during(mut run: impl FnMut()) -> usize {
    let once = |_| {
        let before = ALLOCATIONS.load(SeqCst);
        run();
        ALLOCATIONS.load(SeqCst) - before
    };
    (0..3).map(once).min().unwrap_or(usize::MAX)
}

fn linear<'g>(at: Scope<'g>, x: Tensor<'g>, features: usize) -> Tensor<'g> {
    let _inside = at.enter();
    let deviation = (2.0 / x.dim(-1) as f64).sqrt();
    let initial = Initial::Normal { mean: 0.0, deviation };
    let weight = at.parameter("weight", [x.dim(-1), features], initial);
    x.matmul(weight) + at.parameter("bias", [features], 0.0)
}

/// Adam (Kingma, Ba 2015) of every parameter; the bias correction is left out.
fn adam<'g>(at: Scope<'g>, loss: Tensor<'g>, rate: Tensor<'g>) {
    let parameters = at.graph().parameters();
    let tensors: Vec<_> = parameters.iter().map(|(_, tensor)| *tensor).collect();
    for ((path, w), slope) in parameters.iter().zip(grad(loss, &tensors)) {
        let first = at.state(&format!("{path}/m"), DType::F32, w.shape(), 0.0);
        let second = at.state(&format!("{path}/v"), DType::F32, w.shape(), 0.0);
        let m = first * 0.9 + slope * 0.1;
        let v = second * 0.999 + slope.square() * 0.001;
        at.assign(&format!("{path}/m"), m);
        at.assign(&format!("{path}/v"), v);
        at.assign(path, *w - rate * m / (v.sqrt() + 1e-8));
    }
}

/// A step with products, softmax and cross entropy, dropout, an embedding with its gradient,
/// permutations, strided slices, long and scattered reductions, and Adam.
fn step(graph: &Graph, batch: usize, hidden: usize, classes: usize) -> Vec<Tensor<'_>> {
    let at = graph.root(Mode::Train);
    let seed = graph.input("seed", DType::I64, []);
    let count = graph.input("step", DType::I64, []);
    let rate = graph.input("rate", DType::F32, []);
    let x = graph.input("x", DType::F32, [batch, 32]);
    let ids = graph.input("ids", DType::I64, [batch]);
    let labels = graph.input("labels", DType::I64, [batch]);
    let table = at.parameter("table", [50, 32], Initial::Uniform { low: -0.1, high: 0.1 });
    let h = linear(at.child("fc1"), x + table.gather(ids), hidden).relu();
    let keep = at.child("dropout").random(Distribution::Uniform, h.shape(), seed, count);
    let h = keep.greater(keep.full_like(0.1)).select(h / 0.9, h.full_like(0.0));
    let logits = linear(at.child("fc2"), h, classes);
    let shifted = logits - logits.max_axis(-1).detach();
    // The rows as small images.
    let filter = at.parameter("filter", [3, 3, 1, 4], Initial::Uniform { low: -0.1, high: 0.1 });
    let each = at.parameter("each", [2, 2, 1, 4], Initial::Uniform { low: -0.1, high: 0.1 });
    let choices = Convolution::default().padding([1, 1]);
    let image = x.reshape([batch, 4, 8, 1]).conv2d(filter, choices);
    let image = image.max_pool2d(Pooling::new([2, 2])).0.conv2d(each, choices.groups(4));
    let image = image.global_average_pool().mean();
    let log_p = shifted - shifted.exp().sum_axis(-1).log();
    let one_hot = graph.iota([batch, classes], 1).equal(labels.reshape([batch, 1]));
    let picked = one_hot.select(log_p, log_p.full_like(0.0));
    let cross_entropy = -(picked.sum() / batch as f64);
    let penalty = h.permute(&[1, 0]).slice_to(&[0, 1], &[2, 1], [hidden / 2, batch - 1].into());
    let loss = image + cross_entropy + penalty.square().sum_axis(0).mean() * 1e-3;
    let right = logits.argmax(-1).equal(labels).cast(DType::I64).sum();
    adam(at, loss, rate);
    vec![loss, right]
}

fn session(threads: usize) -> Session {
    Session::new(Options { threads, ..Options::default() }).unwrap()
}

fn prepare(
    session: &mut Session,
    graph: &Graph,
    outputs: &[Tensor<'_>],
) -> (Prepared, Vec<Buffer>) {
    session.load(graph.initial_values(1));
    let prepared = session.prepare(graph, outputs).unwrap();
    let mut inputs = prepared.inputs();
    for (index, buffer) in inputs.iter_mut().enumerate() {
        if let Some(values) = buffer.as_slice_mut::<f32>() {
            values.iter_mut().enumerate().for_each(|(i, v)| *v = ((i + index) as f32).sin() * 0.1);
        } else if let Some(values) = buffer.as_slice_mut::<i64>() {
            // Few different numbers, so that rows repeat.
            values.iter_mut().enumerate().for_each(|(i, v)| *v = (i % 5) as i64);
        }
    }
    (prepared, inputs)
}

fn a_training_step_allocates_nothing_on_one_thread_or_two() {
    for threads in [1, 2] {
        let graph = Graph::new();
        let outputs = step(&graph, 256, 128, 10);
        let mut session = session(threads);
        let (prepared, mut inputs) = prepare(&mut session, &graph, &outputs);
        let mut results = prepared.outputs();
        session.run(&prepared, &mut inputs, &mut results).unwrap();
        let first = results[0].as_slice::<f32>().unwrap()[0];
        let count = allocations_during(|| {
            for number in 1..50 {
                // A step's numbers come in without allocating too.
                inputs[1].as_slice_mut::<i64>().unwrap()[0] = number;
                session.run(&prepared, &mut inputs, &mut results).unwrap();
            }
        });
        let last = results[0].as_slice::<f32>().unwrap()[0];
        assert!(last < first * 0.8, "it does learn: {first} to {last}");
        assert_eq!(count, 0, "{threads} threads");
    }
}

fn every_kind_of_kernel_allocates_nothing_in_f64_and_f32() {
    for dtype in [DType::F32, DType::F64] {
        let graph = Graph::new();
        let x = graph.input("x", dtype, [40, 9000]);
        let ids = graph.input("ids", DType::I64, [30]);
        let position = graph.input("position", DType::I64, []);
        let rows = x.slice(1, 0..60).gather(ids);
        // A loop with one inside, and back.
        let w = x.slice(0, 0..30).slice(1, 0..30);
        let (_, steps) = graph.scan(15, w, rows.reshape([15, 2, 60]), |h, r, _| {
            let (inner, ()) = graph.scan(3, h, (), |h, (), _| (h.matmul(w).tanh(), ()));
            (inner * 0.5 + h, r.sum() + inner.sum())
        });
        let slope = grad(steps.sum(), &[w])[0];
        // More rows than a block has, causal and masked.
        let long = x.slice(0, 0..24).reshape([2, 300, 360]);
        let seen = graph.iota([300, 300], 1).less(graph.iota([300, 300], 0) + 100.0);
        let choices = Attention { heads: 6, scale: 0.1, causal: true };
        let looked = long.attention(long, long, Some(seen), choices);
        let outputs = [
            steps,
            slope,
            looked,
            grad(looked.square().sum(), &[long])[0],
            x.sum_axis(-1), // rows too long for a loop
            x.sum_axis(0),  // down the columns
            x.max(),
            x.reshape([40, 90, 100]).permute(&[2, 0, 1]).sum_axis(1),
            x.reshape([8, 5, 9000]).sum_to([1, 5, 1]), // axes that are not neighbours
            rows.scatter_add(ids, 7),
            rows.scatter(ids, rows.square()),
            rows.matmul(rows.transpose()),
            rows.reshape([3, 10, 60]).matmul(rows.reshape([3, 60, 10])),
            x.max_with_index(0).0,
            x.argmax(1),
            x.greater(x.full_like(0.05)).cast(DType::I64).sum_axis(0),
            graph.iota([50, 3], 0),
            rows.embed(&[1, 2], &[2, 3], [70, 200]),
            rows.concatenate(&[rows, rows], 1),
            x.sort(0).0, // columns and rows, whole and in part, on several threads
            x.top_k(7, 1).0,
            x.cast(DType::I64).top_k(3, 0).1,
            x.cumulative_sum(0),
            x.cumulative_sum(1),
            x.slice_at(position, 50, 1),
            x.update_slice(x.slice(1, 0..50) * 2.0, position, 1),
            rows.reshape([3, 10, 60]).matmul(rows.reshape([1, 30, 60]).transpose()),
            ids.one_hot(9),
            x.clamp(-0.05, 0.05).min_with_index(0).1,
        ];
        let cache = graph.root(Mode::Eval).state("cache", dtype, [40, 9100], 0.0);
        graph.assign("cache", cache.update_slice(x, position, 1));
        let mut session = session(2);
        let (prepared, mut inputs) = prepare(&mut session, &graph, &outputs);
        let mut results = prepared.outputs();
        session.run(&prepared, &mut inputs, &mut results).unwrap();
        let count = allocations_during(|| {
            for _ in 0..3 {
                session.run(&prepared, &mut inputs, &mut results).unwrap();
            }
        });
        assert_eq!(count, 0, "{dtype}");
    }
}

/// Bytes of memory that the process occupies, where the system tells.
fn resident_bytes() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

fn memory_does_not_grow_over_a_hundred_thousand_steps() {
    let graph = Graph::new();
    let outputs = step(&graph, 4, 8, 3);
    let mut session = session(1);
    let (prepared, mut inputs) = prepare(&mut session, &graph, &outputs);
    let mut results = prepared.outputs();
    let mut run = |steps: usize| {
        for _ in 0..steps {
            session.run(&prepared, &mut inputs, &mut results).unwrap();
        }
    };
    run(1_000);
    let (resident, live) = (resident_bytes(), LIVE_BYTES.load(SeqCst));
    run(100_000);
    assert_eq!(LIVE_BYTES.load(SeqCst), live, "bytes allocated and not freed");
    match (resident, resident_bytes()) {
        (Some(before), Some(after)) => {
            // The system may bring in pages of the program itself: a leak of 8 bytes a step is more.
            assert!(after <= before + (512 << 10), "{before} bytes became {after}");
        }
        _ => println!("skipped the resident memory: /proc/self/statm cannot be read here"),
    }
}

fn preparing_an_equal_request_again_and_again_holds_no_more_memory() {
    let graph = Graph::new();
    let outputs = step(&graph, 4, 8, 3);
    let mut session = session(1);
    session.load(graph.initial_values(1));
    drop(session.prepare(&graph, &outputs).unwrap());
    let live = LIVE_BYTES.load(SeqCst);
    for _ in 0..200 {
        drop(session.prepare(&graph, &outputs).unwrap());
    }
    assert_eq!(LIVE_BYTES.load(SeqCst), live);
    assert_eq!(session.plans(), 1);
}

#[test]
fn runs_allocate_nothing_and_leave_nothing_behind() {
    a_training_step_allocates_nothing_on_one_thread_or_two();
    every_kind_of_kernel_allocates_nothing_in_f64_and_f32();
    memory_does_not_grow_over_a_hundred_thousand_steps();
    preparing_an_equal_request_again_and_again_holds_no_more_memory();
}
