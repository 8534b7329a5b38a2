//! Plans agree with the f64 reference on random graphs, whatever the threads and whoever watches.

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

/// A graph of `steps` random operations, some of them states that are updated, and a gradient.
fn random_graph<'g>(
    graph: &'g Graph,
    dtype: DType,
    dice: &mut Dice,
    steps: usize,
    inputs: &mut Parameters,
    states: &mut Parameters,
) -> Vec<Tensor<'g>> {
    let sizes = [1, 2, 3, 5, 17, 33];
    let (rows, columns) = (sizes[dice.below(6)], sizes[dice.below(6)]);
    let at = graph.root(Mode::Train);
    let mut pool: Vec<Tensor<'g>> = Vec::new();
    let shapes =
        [vec![rows, columns], vec![columns], vec![rows, 1], vec![], vec![2, rows, columns]];
    for (i, shape) in shapes.iter().enumerate() {
        let name = format!("x{i}");
        pool.push(graph.input(&name, dtype, shape.clone()));
        inputs.insert(name, dice.array(dtype, shape));
    }
    let held: Vec<Tensor<'g>> = (0..2)
        .map(|i| {
            let name = format!("w{i}");
            states.insert(name.clone(), dice.array(dtype, &[rows, columns]));
            at.parameter_of(dtype, &name, [rows, columns], 0.0)
        })
        .collect();
    pool.extend(&held);
    let (seed, step) = (graph.constant(DType::I64, 7.0), graph.constant(DType::I64, 3.0));
    for _ in 0..steps {
        let a = pool[dice.below(pool.len())];
        let b = pool[dice.below(pool.len())];
        let rank = a.rank() as isize;
        let axis = if rank > 0 { dice.below(rank as usize) as isize } else { 0 };
        // Joins two shapes if they broadcast.
        let fits = {
            let (a, b) = (a.shape(), b.shape());
            a.sizes()
                .iter()
                .rev()
                .zip(b.sizes().iter().rev())
                .all(|(x, y)| x == y || *x == 1 || *y == 1)
        };
        let new = match dice.below(24) {
            0 => a.tanh(),
            1 => a.sigmoid(),
            2 => a.softplus(),
            3 => a.relu(),
            4 => (a * 0.5).exp(),
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
            17 if rank == 2 => (a.tanh().matmul(a.tanh().transpose())) * 0.3,
            18 if rank == 3 => a.permute(&[1, 0, 2]),
            19 if rank > 0 && a.dim(axis) > 1 => a.slice(axis, 1..a.dim(axis)),
            20 if rank > 0 => a.concatenate(&[a.sin()], axis),
            21 if rank > 0 => a.max_with_index(axis).0,
            22 if rank == 2 => {
                let rows = a.argmax(-1);
                let count = a.dim(-1);
                a.transpose().gather(rows).scatter_add(rows, count)
            }
            23 if dtype == DType::F32 => {
                a + at.random(Distribution::Uniform, a.shape(), seed, step)
            }
            _ => a.cos(),
        };
        if new.elements() <= 5000 && new.rank() <= 4 {
            pool.push(new);
        }
    }
    let last = pool[pool.len() - 1];
    let loss = (last.tanh() + pool[pool.len() / 2].mean()).mean();
    let slopes = grad(loss, &held);
    for (i, slope) in slopes.iter().enumerate() {
        // The second reads the first, whose value is new by then.
        let now = graph.current(&format!("w{}", i / 2)).unwrap();
        at.assign(&format!("w{i}"), held[i] - *slope * 0.1 + now * 0.01);
    }
    let mut asked = vec![loss, last, slopes[0], slopes[1]];
    asked.extend(pool.iter().rev().step_by(3));
    asked
}

fn session(threads: usize, isa: Isa) -> Session {
    Session::new(Options { threads, isa: Some(isa), ..Options::default() }).unwrap()
}

fn bits(array: &Array) -> Vec<u64> {
    array.to_f64().iter().map(|x| x.to_bits()).collect()
}

fn check(seed: u64, dtype: DType, isa: Isa, tolerance: f64) {
    let mut dice = Dice::new(seed);
    let (graph, mut inputs, mut states) = (Graph::new(), Parameters::new(), Parameters::new());
    let steps = 5 + dice.below(40);
    let asked = random_graph(&graph, dtype, &mut dice, steps, &mut inputs, &mut states);
    graph.check().unwrap_or_else(|e| panic!("seed {seed}: {e}"));

    let mut one = session(1, isa);
    one.load(states.clone());
    let results = one.evaluate(&graph, &inputs, &asked).unwrap();

    let mut watched = asked.clone();
    watched.extend(graph.state("w0"));
    watched.extend(graph.current("w1"));
    let reference = Evaluation::new(&graph, &inputs, &states, &watched).unwrap();
    for (tensor, result) in asked.iter().zip(&results) {
        let truth = reference.value(*tensor).unwrap();
        let scale = truth.iter().fold(1.0f64, |m, x| m.max(x.abs()));
        for (i, (got, want)) in result.to_f64().iter().zip(truth).enumerate() {
            assert!(
                (got - want).abs() <= tolerance * scale,
                "seed {seed}, {dtype}: {tensor:?}[{i}] is {got}, the reference says {want}\n{graph}\n{}",
                one.prepare(&graph, &asked).unwrap().plan()
            );
        }
    }
    let truth = reference.value(graph.current("w1").unwrap()).unwrap();
    for (got, want) in one.value("w1").unwrap().to_f64().iter().zip(truth) {
        assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "seed {seed}: state w1");
    }

    // Other threads, and everything watched: the same bits.
    let mut two = session(2, isa);
    two.load(states.clone());
    let again = two.evaluate(&graph, &inputs, &watched).unwrap();
    for (index, (a, b)) in results.iter().zip(&again).enumerate() {
        assert_eq!(bits(a), bits(b), "seed {seed}, {dtype}: output {index} depends on who watches");
    }
    for path in ["w0", "w1"] {
        let [a, b] = [&one, &two].map(|s| bits(&s.value(path).unwrap()));
        assert_eq!(a, b, "seed {seed}, {dtype}: {path} depends on threads or watching");
    }
}

#[test]
fn plans_in_f64_equal_the_reference() {
    for seed in 0..300 {
        check(seed, DType::F64, Isa::detect(), 1e-9);
    }
}

#[test]
fn plans_in_f32_equal_the_reference_on_every_instruction_set() {
    for isa in Isa::available() {
        for seed in 0..150 {
            check(seed, DType::F32, isa, 2e-3);
        }
    }
}
