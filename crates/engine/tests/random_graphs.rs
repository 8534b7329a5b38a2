//! Plans agree with the f64 reference on random graphs, whatever the threads and whoever watches.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use glassbox_engine::op::{Attention, Binary, Convolution, Pooling, Steps, Unary};
use glassbox_engine::random::Stream;
use glassbox_engine::reference::Evaluation;
use glassbox_engine::{
    Array, DType, Distribution, Graph, Isa, Mode, Options, Parameters, Session, Tensor, grad,
};

/// Random choices, one after another.
struct Dice {
    stream: Stream,
    at: u64,
}

impl Dice {
    fn new(seed: u64) -> Self {
        Dice { stream: Stream::new(seed, "random graphs", 0), at: 0 }
    }

    fn below(&mut self, n: usize) -> usize {
        self.at += 1;
        self.stream.bits(self.at) as usize % n
    }

    fn array(&mut self, dtype: DType, sizes: &[usize]) -> Array {
        let n: usize = sizes.iter().product();
        let values: Vec<f64> = (0..n)
            .map(|_| {
                self.at += 1;
                self.stream.uniform(self.at) * 2.0 - 1.0
            })
            .collect();
        Array::from_f64(dtype, sizes.to_vec(), &values).unwrap()
    }
}

/// Two axes of random sizes; rows may be longer than a loop takes.
fn random_sizes(dice: &mut Dice, long: bool) -> (usize, usize) {
    let short = [1, 2, 3, 5, 17, 33];
    if long {
        (short[dice.below(4)], [513, 700, 1025, 8193][dice.below(4)])
    } else {
        (short[dice.below(6)], short[dice.below(6)])
    }
}

/// Whether two shapes broadcast.
fn fits(a: Tensor<'_>, b: Tensor<'_>) -> bool {
    let (a, b) = (a.shape(), b.shape());
    a.sizes().iter().rev().zip(b.sizes().iter().rev()).all(|(x, y)| x == y || *x == 1 || *y == 1)
}

/// A random axis, 0 for scalars.
fn random_axis(dice: &mut Dice, a: Tensor<'_>) -> isize {
    if a.rank() > 0 { dice.below(a.rank()) as isize } else { 0 }
}

/// Every `step`-th index of every axis from a random start, or the tensor laid into zeros so.
fn strided<'g>(dice: &mut Dice, a: Tensor<'g>, embed: bool) -> Tensor<'g> {
    let (mut start, mut step, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
    for &size in a.shape().sizes() {
        let by = 1 + dice.below(3);
        if embed {
            let first = dice.below(3);
            start.push(first);
            sizes.push(first + size.max(1) * by);
        } else {
            let first = dice.below(size.max(1));
            start.push(first);
            sizes.push((size - first.min(size)).div_ceil(by));
        }
        step.push(by);
    }
    if embed { a.embed(&start, &step, sizes) } else { a.slice_to(&start, &step, sizes.into()) }
}

/// What was recorded so far, by type.
struct Pools<'g> {
    floats: Vec<Tensor<'g>>,
    integers: Vec<Tensor<'g>>,
    booleans: Vec<Tensor<'g>>,
}

/// One more operation on floats.
fn float_step<'g>(pools: &Pools<'g>, dice: &mut Dice, dtype: DType) -> Tensor<'g> {
    let pool = &pools.floats;
    let (a, b) = (pool[dice.below(pool.len())], pool[dice.below(pool.len())]);
    let (rank, axis, fits) = (a.rank() as isize, random_axis(dice, a), fits(a, b));
    let graph = a.graph();
    match dice.below(51) {
        0 => a.tanh(),
        1 => a.sigmoid(),
        2 => a.softplus(),
        3 => a.relu(),
        4 => (a.tanh() * 0.5).exp(),
        5 => (a.square() + 1.0).log(),
        6 => (a.abs() + 0.5).sqrt(),
        7 if fits => a + b,
        8 if fits => a * b.tanh(),
        9 if fits => a / (b.square() + 1.0),
        10 if fits => a - b,
        11 if fits => a.max_with(b),
        12 if fits => a.greater(b).select(a, b * 0.5),
        13 if rank > 0 => a.sum_axis(axis) * 0.2,
        14 if rank > 0 => a.max_axis(axis),
        15 => a.mean(),
        16 if rank >= 2 => a.transpose(),
        17 if rank == 2 => a.tanh().matmul(a.tanh().transpose()) * 0.3,
        18 if rank == 3 => a.permute(&[1, 0, 2]),
        19 if rank > 0 && a.dim(axis) > 1 => a.slice(axis, 1..a.dim(axis)),
        20 if rank > 0 => a.concatenate(&[a.sin()], axis),
        21 if rank > 0 => a.max_with_index(axis).0,
        22 if rank == 2 => {
            let (rows, count) = (a.argmax(-1), a.dim(-1));
            a.transpose().gather(rows).scatter_add(rows, count)
        }
        23 if dtype == DType::F32 => {
            let (seed, step) = (graph.constant(DType::I64, 7.0), graph.constant(DType::I64, 3.0));
            a + graph.root(Mode::Train).random(Distribution::Uniform, a.shape(), seed, step)
        }
        24 if rank > 0 => strided(dice, a, false),
        25 if rank > 0 => strided(dice, a, true),
        26 if rank > 0 => {
            // Rows by number, some of them several times, and back.
            let rows = a.dim(0);
            let ids = graph.iota([2 * rows + 1], 0);
            let of = ids.cast(dtype) * (rows as f64 / (2 * rows + 1) as f64);
            let of = of.cast(DType::I64);
            match dice.below(2) {
                0 => a.gather(of).scatter_add(of, rows + 2),
                _ => a.scatter(of, a.gather(of).sin()),
            }
        }
        27 => {
            let n = pools.integers[dice.below(pools.integers.len())];
            n.cast(dtype) * 0.1
        }
        28 => {
            let flag = pools.booleans[dice.below(pools.booleans.len())];
            if self::fits(flag, a) { flag.select(a, a * 0.25) } else { flag.cast(dtype) }
        }
        29 => {
            let other = if dtype == DType::F32 { DType::F64 } else { DType::F32 };
            // Exact in both types: halves of small whole numbers.
            let n = pools.integers[dice.below(pools.integers.len())];
            (n.cast(other) * 0.5 + 1.0).cast(dtype)
        }
        30 => (0..12).fold(a, |x, n| if n % 3 == 0 { x * 0.9 } else { (x + 0.1 * n as f64).sin() }),
        31 => a.detach() * 0.5 + a,
        32 if rank > 0 => a.sort(axis).0,
        33 if rank > 0 => a.top_k(1 + dice.below(a.dim(axis)), axis).0,
        34 if rank > 0 => a.cumulative_sum(axis) * 0.2,
        35 if rank > 0 => {
            let size = 1 + dice.below(a.dim(axis));
            a.slice_at(position(pools, dice, a.dim(axis) - size), size, axis)
        }
        36 if rank > 0 => {
            // In place where nobody else needs the target.
            let size = 1 + dice.below(a.dim(axis));
            let at = position(pools, dice, a.dim(axis) - size);
            a.sin().update_slice(a.slice(axis, 0..size).tanh(), at, axis)
        }
        37 if rank > 0 => a.min_axis(axis) + a.min_with_index(axis).0,
        38 => a.clamp(-0.51, 0.73),
        39 if rank >= 2 => {
            // A batch with another number of axes.
            let (x, y) = (a.tanh(), a.sin().transpose());
            let wide = x.reshape([&[1], x.shape().sizes()].concat());
            (if dice.below(2) == 0 { wide.matmul(y) } else { y.matmul(wide) }) * 0.3
        }
        40 => {
            let n = pools.integers[dice.below(pools.integers.len())];
            n.one_hot(3).cast(dtype)
        }
        41 => {
            // Of numbers that both types hold exactly: these jump.
            let n = pools.integers[dice.below(pools.integers.len())].cast(dtype) * 0.5;
            (n.floor() + n.sign()) * 0.1
        }
        42 if fits => {
            // Not the larger or smaller of what is only equal after rounding: its slope jumps.
            let smooth = [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Pow];
            smooth[dice.below(5)].of(a.tanh() + 1.5, b.tanh() + 1.5) * 0.5
        }
        43 if rank >= 2 && a.elements() > 0 => {
            // One image of one channel, under a filter that is made of it.
            let (rows, columns) = (a.elements() / a.dim(-1), a.dim(-1));
            let image = a.tanh().reshape([1, rows, columns, 1]);
            let size = [1 + dice.below(rows.min(3)), 1 + dice.below(columns.min(3))];
            let part = image.slice(1, 0..size[0]).slice(2, 0..size[1]).permute(&[1, 2, 3, 0]);
            let filter = part.concatenate(&[part.sin(), part * 0.5], 3);
            let plain = Convolution::default().padding([dice.below(3), dice.below(3)]);
            let y = if dice.below(2) == 0 {
                image.conv2d(filter, plain).conv_transpose2d(filter, plain, [0, 0])
            } else {
                let by = [1 + dice.below(2), 1 + dice.below(3)];
                image.conv2d(filter, plain.stride(by)).sum_axis(3)
            };
            y.reshape([y.dim(1), y.dim(2)]) * 0.3
        }
        44 if rank >= 2 && a.elements() > 0 => {
            // Each channel by itself.
            let (rows, channels) = (a.elements() / a.dim(-1), a.dim(-1));
            let line = a.tanh().reshape([1, 1, rows, channels]);
            let filter = line.slice(2, 0..1 + dice.below(rows.min(4)));
            let filter = filter.reshape([1, filter.dim(2), 1, channels]);
            let y = line.conv2d(filter, Convolution::default().groups(channels).padding([0, 1]));
            y.reshape([y.dim(2), channels])
        }
        45 if rank >= 2 && a.elements() > 0 => {
            let (rows, columns) = (a.elements() / a.dim(-1), a.dim(-1));
            let image = a.reshape([1, rows, columns, 1]);
            let windows =
                Pooling::new([1 + dice.below(rows.min(3)), 1 + dice.below(columns.min(3))]);
            let y = match dice.below(3) {
                0 => image.max_pool2d(windows.stride([1, 1])).0,
                1 => image.average_pool2d(windows, true),
                _ => image.adaptive_average_pool2d([2, 3]),
            };
            y.reshape([y.dim(1), y.dim(2)])
        }
        46 | 47 if rank >= 2 && a.elements() > 0 => {
            // The rows look at each other, or at all rows of another tensor, some of them hidden.
            let others = if b.rank() >= 2 && b.elements() > 0 { b } else { a };
            let width = a.dim(-1).min(others.dim(-1));
            let heads = [1, 2, 3][dice.below(3)];
            let heads = if width.is_multiple_of(heads) { heads } else { 1 };
            let part =
                |x: Tensor<'g>| x.slice(-1, 0..width).reshape([x.elements() / x.dim(-1), width]);
            let (queries, keys) = (part(a.tanh()), part(others.sin()));
            let sizes = [queries.dim(0), keys.dim(0)];
            let hidden = graph.iota(sizes, 1) + graph.iota(sizes, 0) * 2.0;
            let mask = (dice.below(2) == 0).then(|| hidden.less(hidden.full_like(5.0)));
            let causal = dice.below(2) == 0;
            let choices = Attention { heads, scale: 1.0 / (width as f64).sqrt(), causal };
            queries.attention(keys, keys * 0.5 + 0.1, mask, choices)
        }
        _ => {
            let smooth: Vec<Unary> = Unary::ALL
                .iter()
                .copied()
                .filter(|op| !matches!(op, Unary::Floor | Unary::Sign))
                .collect();
            smooth[dice.below(smooth.len())].of(a.tanh() + 1.5) * 0.5
        }
    }
}

/// A position in `0..=last` that only the run knows.
fn position<'g>(pools: &Pools<'g>, dice: &mut Dice, last: usize) -> Tensor<'g> {
    let n = pools.integers[dice.below(pools.integers.len())];
    let any = if n.elements() > 0 { n.max().abs() } else { n.graph().constant(DType::I64, 0.0) };
    any.min_with(any.scalar(last as f64))
}

/// One more operation on integers, which stay small.
fn integer_step<'g>(pools: &Pools<'g>, dice: &mut Dice) -> Tensor<'g> {
    let pool = &pools.integers;
    let (a, b) = (pool[dice.below(pool.len())], pool[dice.below(pool.len())]);
    let (axis, fits) = (random_axis(dice, a), fits(a, b));
    let small = |x: Tensor<'g>| x.min_with(x.scalar(1000.0)).max_with(x.scalar(-1000.0));
    match dice.below(20) {
        0 if fits => small(a + b),
        1 if fits => small(a * b),
        2 if fits => small(a - b),
        3 => a.negate().relu(),
        4 => small(a.square()) - a.sign().abs(),
        5 if a.rank() > 0 => small(a.sum_axis(axis)),
        6 if a.rank() > 0 && a.dim(axis) > 0 => a.max_with_index(axis).1,
        7 if a.rank() > 0 => a.max_axis(axis),
        8 if a.rank() >= 2 => a.transpose(),
        9 => {
            let flag = pools.booleans[dice.below(pools.booleans.len())];
            if self::fits(flag, a) { flag.select(a, a + 1.0) } else { flag.cast(DType::I64) }
        }
        10 if a.rank() > 0 => strided(dice, a, true),
        11 if a.rank() > 0 => a.sort(axis).1,
        12 if a.rank() > 0 => a.sort(axis).0,
        13 if a.rank() > 0 => a.top_k(1 + dice.below(a.dim(axis)), axis).1,
        14 if a.rank() > 0 => small(a.cumulative_sum(axis)),
        15 if a.rank() > 0 && a.dim(axis) > 0 => a.min_with_index(axis).1,
        16 if a.rank() > 0 => {
            let size = 1 + dice.below(a.dim(axis));
            let at = position(pools, dice, a.dim(axis) - size);
            a.update_slice(a.slice(axis, 0..size).negate(), at, axis)
        }
        17 => a.one_hot(4).cast(DType::I64),
        18 => a.clamp(-2.0, 3.0),
        _ => small(a + 1.0),
    }
}

/// One more operation on booleans.
fn boolean_step<'g>(pools: &Pools<'g>, dice: &mut Dice) -> Tensor<'g> {
    let (ints, pool) = (&pools.integers, &pools.booleans);
    let (m, n) = (ints[dice.below(ints.len())], ints[dice.below(ints.len())]);
    let (a, b) = (pool[dice.below(pool.len())], pool[dice.below(pool.len())]);
    match dice.below(11) {
        0 if fits(m, n) => m.greater(n),
        1 if fits(m, n) => m.equal(n),
        2 if fits(a, b) => a.and(b),
        3 if fits(a, b) => a.or(b).xor(b),
        4 if fits(a, b) => a.equal(b),
        5 if a.rank() >= 2 => a.transpose(),
        6 => m.cast(DType::Bool),
        7 if fits(m, n) => m.less(n).or(m.greater_equal(n)),
        8 if a.rank() > 0 => {
            let axis = random_axis(dice, a);
            let size = 1 + dice.below(a.dim(axis));
            a.slice_at(position(pools, dice, a.dim(axis) - size), size, axis)
        }
        9 if a.rank() > 0 => {
            let axis = random_axis(dice, a);
            let size = 1 + dice.below(a.dim(axis));
            let at = position(pools, dice, a.dim(axis) - size);
            a.update_slice(a.slice(axis, 0..size), at, axis)
        }
        _ if a.rank() > 0 => strided(dice, a, true),
        _ => a.equal(a.scalar(0.0)),
    }
}

/// A loop whose body is random operations on what it carries, its rows and what is outside.
fn random_loop<'g>(
    graph: &'g Graph,
    outside: &Pools<'g>,
    dice: &mut Dice,
    dtype: DType,
    depth: usize,
) -> Vec<Tensor<'g>> {
    let pool = &outside.floats;
    let small: Vec<Tensor<'g>> = pool.iter().copied().filter(|t| t.elements() < 700).collect();
    let (first, other) = (small[dice.below(small.len())], small[dice.below(small.len())]);
    let row = small[dice.below(small.len())];
    let steps = dice.below(5);
    let scale = graph.iota([steps], 0).cast(dtype) * 0.3 - 0.4;
    let mut sizes = vec![1; row.rank() + 1];
    sizes[0] = steps;
    let rows = scale.reshape(sizes) * row.reshape([&[1], row.shape().sizes()].concat());
    let number = graph.iota([steps], 0);
    let how = if dice.below(2) == 0 { Steps::reversed(steps) } else { steps.into() };
    let body = |[a, b]: [Tensor<'g>; 2], (x, n): (Tensor<'g>, Tensor<'g>), t: Tensor<'g>| {
        let mut pools = Pools {
            floats: [&[a, b, x][..], &outside.floats].concat(),
            integers: [&[n, t][..], &outside.integers].concat(),
            booleans: outside.booleans.clone(),
        };
        if depth > 0 {
            pools.floats.extend(random_loop(graph, &pools, dice, dtype, depth - 1));
        }
        for _ in 0..2 + dice.below(6) {
            let new = match dice.below(8) {
                0 => integer_step(&pools, dice),
                1 => boolean_step(&pools, dice),
                _ => float_step(&pools, dice, dtype),
            };
            if new.elements() <= 3000 && new.rank() <= 4 {
                match new.dtype() {
                    DType::I64 => pools.integers.push(new),
                    DType::Bool => pools.booleans.push(new),
                    _ => pools.floats.push(new),
                }
            }
        }
        // What is carried keeps its shape, and stays small.
        let like = |held: Tensor<'g>, dice: &mut Dice| {
            let fits: Vec<_> =
                pools.floats.iter().copied().filter(|t| t.shape() == held.shape()).collect();
            match dice.below(4) {
                0 => fits[dice.below(fits.len())],
                1 => (held * 0.7 + pools.floats[pools.floats.len() - 1].mean()).tanh(),
                _ => (held * 0.5 + fits[fits.len() - 1] * 0.4).sin(),
            }
        };
        let next = [like(a, dice), like(b, dice)];
        let out = |dice: &mut Dice| pools.floats[dice.below(pools.floats.len())];
        (next, [out(dice), pools.floats[pools.floats.len() - 1]])
    };
    let (last, outs) = graph.scan(how, [first, other], (rows, number), body);
    let room = |t: &Tensor<'g>| (1..3000).contains(&t.elements()) && t.rank() <= 4;
    last.into_iter().chain(outs).filter(room).collect()
}

/// A graph of `steps` random operations, some of them states that are updated, and gradients.
fn random_graph<'g>(
    graph: &'g Graph,
    dtype: DType,
    dice: &mut Dice,
    (steps, long, loops): (usize, bool, usize),
    inputs: &mut Parameters,
    states: &mut Parameters,
) -> Vec<Tensor<'g>> {
    let (rows, columns) = random_sizes(dice, long);
    let at = graph.root(Mode::Train);
    let mut pools = Pools { floats: Vec::new(), integers: Vec::new(), booleans: Vec::new() };
    let shapes =
        [vec![rows, columns], vec![columns], vec![rows, 1], vec![], vec![2, rows, columns]];
    for (i, shape) in shapes.iter().enumerate() {
        let name = format!("x{i}");
        pools.floats.push(graph.input(&name, dtype, shape.clone()));
        inputs.insert(name, dice.array(dtype, shape));
    }
    for (name, shape) in [("n0", vec![rows, columns]), ("n1", vec![columns])] {
        let numbers: Vec<i64> =
            (0..shape.iter().product()).map(|_| dice.below(9) as i64 - 4).collect();
        pools.integers.push(graph.input(name, DType::I64, shape.clone()));
        inputs.insert(name, Array::new(shape, numbers).unwrap());
    }
    pools.integers.push(graph.iota([rows, columns], dice.below(2)));
    pools.booleans.push(pools.integers[0].greater(pools.integers[1]));
    let held: Vec<Tensor<'g>> = (0..3)
        .map(|i| {
            let name = format!("w{i}");
            states.insert(name.clone(), dice.array(dtype, &[rows, columns]));
            at.parameter_of(dtype, &name, [rows, columns], 0.0)
        })
        .collect();
    pools.floats.extend(&held);
    let room = if long { 40_000 } else { 5000 };
    for index in 0..steps {
        if index % 7 < loops {
            let made = random_loop(graph, &pools, dice, dtype, loops - 1);
            pools.floats.extend(made);
        }
        let kind = dice.below(8);
        let new = match kind {
            0 => integer_step(&pools, dice),
            1 => boolean_step(&pools, dice),
            _ => float_step(&pools, dice, dtype),
        };
        if new.elements() <= room && new.rank() <= 4 {
            match kind {
                0 => pools.integers.push(new),
                1 => pools.booleans.push(new),
                _ => pools.floats.push(new),
            }
        }
    }
    let pool = &pools.floats;
    let last = pool[pool.len() - 1];
    let loss = (last.tanh() + pool[pool.len() / 2].mean()).mean();
    let slopes = grad(loss, &held);
    let mut asked = vec![loss, last, slopes[0], slopes[1]];
    if dtype == DType::F64 {
        // The derivative of the derivative's length.
        asked.extend(grad(slopes[0].square().sum() + slopes[2].sum(), &held));
    }
    for (i, slope) in slopes.iter().take(2).enumerate() {
        // The second reads the first, whose value is new by then.
        let now = graph.current(&format!("w{}", i / 2)).unwrap();
        at.assign(&format!("w{i}"), held[i] - *slope * 0.1 + now * 0.01);
    }
    match dice.below(6) {
        3 => {
            // A state that is its own update: in place, if nobody reads the old value later.
            let at_row = position(&pools, dice, rows - 1);
            at.assign("w2", held[2].update_slice(held[0].slice(0, 0..1).sin(), at_row, 0));
        }
        4 => {
            let at_column = position(&pools, dice, columns / 2);
            let part = held[1].slice(1, 0..columns - columns / 2) * 0.5;
            at.assign("w2", held[2].update_slice(part, at_column, 1));
        }
        // Crosswise: each is given what another held, or holds by now.
        0 => {
            at.assign("w2", held[0]);
            at.assign("w0", held[2]);
        }
        1 => {
            at.assign("w2", graph.current("w0").unwrap());
            at.assign("w0", held[1]);
            at.assign("w1", held[0] + held[2]);
        }
        2 => at.assign("w2", held[2] * held[1] + slopes[2]),
        _ => {}
    }
    asked.extend(pools.floats.iter().rev().step_by(3));
    asked.extend(pools.integers.iter().rev().step_by(2));
    asked.extend(pools.booleans.iter().rev().step_by(2));
    asked
}

fn session(threads: usize, isa: Isa) -> Session {
    Session::new(Options { threads, isa: Some(isa), ..Options::default() }).unwrap()
}

fn bits(array: &Array) -> Vec<u64> {
    array.to_f64().iter().map(|x| x.to_bits()).collect()
}

const STATES: [&str; 3] = ["w0", "w1", "w2"];

fn check(seed: u64, dtype: DType, isa: Isa, tolerance: f64, long: bool) {
    check_loops(seed, dtype, isa, tolerance, (long, 0));
}

/// As `check`, with so many loops within each other.
fn check_loops(seed: u64, dtype: DType, isa: Isa, tolerance: f64, (long, loops): (bool, usize)) {
    let mut dice = Dice::new(seed);
    let (graph, mut inputs, mut states) = (Graph::new(), Parameters::new(), Parameters::new());
    let most = if long || loops > 0 { 15 } else { 50 };
    let size = (5 + dice.below(most), long, loops);
    let asked = random_graph(&graph, dtype, &mut dice, size, &mut inputs, &mut states);
    graph.check().unwrap_or_else(|e| panic!("seed {seed}: {e}"));

    let mut one = session(1, isa);
    one.load(states.clone());
    let results = one.evaluate(&graph, &inputs, &asked).unwrap();

    let mut watched = asked.clone();
    for path in STATES {
        watched.extend(graph.state(path));
        watched.extend(graph.current(path));
    }
    let reference = Evaluation::new(&graph, &inputs, &states, &watched).unwrap();
    for (tensor, result) in asked.iter().zip(&results) {
        let truth = reference.value(*tensor).unwrap();
        let scale = truth.iter().fold(1.0f64, |m, x| m.max(x.abs()));
        for (i, (got, want)) in result.to_f64().iter().zip(truth).enumerate() {
            // A mean of nothing, say.
            let both_nan = got.is_nan() && want.is_nan();
            assert!(
                both_nan || (got - want).abs() <= tolerance * scale,
                "seed {seed}, {dtype}: {tensor:?}[{i}] is {got}, the reference says {want}\n{graph}\n{}",
                one.prepare(&graph, &asked).unwrap().plan()
            );
        }
    }
    for path in STATES {
        let truth = reference.value(graph.current(path).unwrap()).unwrap();
        let scale = truth.iter().fold(1.0f64, |m, x| m.max(x.abs()));
        for (got, want) in one.value(path).unwrap().to_f64().iter().zip(truth) {
            let both_nan = got.is_nan() && want.is_nan();
            let close = both_nan || (got - want).abs() <= tolerance * scale;
            assert!(close, "seed {seed}: state {path}");
        }
    }

    // Other threads, and everything watched: the same bits.
    let mut two = session(2, isa);
    two.load(states.clone());
    let again = two.evaluate(&graph, &inputs, &watched).unwrap();
    for (index, (a, b)) in results.iter().zip(&again).enumerate() {
        assert_eq!(bits(a), bits(b), "seed {seed}, {dtype}: output {index} depends on who watches");
    }
    for path in STATES {
        let [a, b] = [&one, &two].map(|s| bits(&s.value(path).unwrap()));
        assert_eq!(a, b, "seed {seed}, {dtype}: {path} depends on threads or watching");
    }
}

#[test]
fn plans_in_f64_equal_the_reference() {
    for seed in 0..300 {
        check(seed, DType::F64, Isa::detect(), 1e-9, false);
    }
}

#[test]
fn plans_in_f32_equal_the_reference_on_every_instruction_set() {
    for isa in Isa::available() {
        for seed in 0..150 {
            check(seed, DType::F32, isa, 2e-3, false);
        }
    }
}

#[test]
fn plans_over_long_rows_equal_the_reference() {
    for seed in 1000..1030 {
        check(seed, DType::F64, Isa::detect(), 1e-9, true);
        check(seed, DType::F32, Isa::detect(), 5e-3, true);
    }
}

#[test]
fn plans_of_random_loops_equal_the_reference() {
    for seed in 2000..2150 {
        check_loops(seed, DType::F64, Isa::detect(), 1e-9, (false, 1));
        check_loops(seed, DType::F32, Isa::detect(), 5e-3, (false, 1));
    }
    for seed in 3000..3030 {
        check_loops(seed, DType::F64, Isa::detect(), 1e-9, (false, 2));
    }
}
