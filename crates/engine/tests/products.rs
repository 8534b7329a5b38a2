//! What is done with a product's elements while they are in cache gives the bits that it gives
//! afterwards, for any sizes, threads and instruction set.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use glassbox_engine::random::Stream;
use glassbox_engine::{
    Array, DType, Data, Graph, Isa, Mode, Options, Parameters, Session, Tensor, grad,
};

fn numbers(shape: &[usize], draw: u64) -> Array {
    let stream = Stream::new(3, "products", draw);
    let count = shape.iter().product::<usize>() as u64;
    let data = (0..count).map(|i| stream.uniform(i) as f32 - 0.5).collect::<Vec<_>>();
    Array::new(shape.to_vec(), Data::F32(data)).unwrap()
}

fn session(threads: usize, isa: Isa) -> Session {
    Session::new(Options { threads, isa: Some(isa), ..Options::default() }).unwrap()
}

type Chain = for<'g> fn(Tensor<'g>, Tensor<'g>, Tensor<'g>) -> Vec<Tensor<'g>>;

/// Chains behind a product `p`, of a bias of its columns and something of its shape.
const CHAINS: [(&str, Chain); 7] = [
    ("bias and activation", |p, bias, _| vec![(p + bias).relu()]),
    ("residual and mask", |p, bias, other| {
        vec![p.greater(bias).select(p, other) + other, (p * other).tanh()]
    }),
    ("sums of rows", |p, _, other| vec![(p * other).sum_axis(-1), p.exp()]),
    ("softmax", |p, bias, _| {
        let e = (p + bias - p.max_axis(-1)).exp();
        vec![e / e.sum_axis(-1)]
    }),
    ("kept", |p, bias, _| vec![p, p + bias]),
    // Whole chains, which go over rows as they lie; values are kept between links.
    ("update", |p, _, other| {
        let (mean, square) = (other * 0.9 + p * 0.1, other.square() * 0.99 + p.square() * 0.01);
        vec![mean, square, other - mean / (square.sqrt() + 1e-8)]
    }),
    ("update of columns and choice", |p, bias, other| {
        let next = p * bias + other;
        vec![next, next.greater(p).select(next, p * 2.0) - bias]
    }),
];

#[test]
fn a_chain_behind_a_product_has_the_bits_of_the_chain_alone() {
    let sizes =
        [[1, 40, 30], [40, 1, 30], [5, 7, 0], [33, 10, 20], [150, 520, 40], [90, 1100, 400]];
    let sizes =
        sizes.into_iter().chain([[70, 784, 50], [61, 130, 100], [45, 300, 390], [40, 3000, 20]]);
    for [m, n, k] in sizes {
        for batch in [None, Some(6)] {
            let shape = |rows: usize, columns: usize| match batch {
                Some(batch) => vec![batch, rows, columns],
                None => vec![rows, columns],
            };
            let arrays = [
                ("x", numbers(&shape(m, k), 1)),
                ("w", numbers(&shape(k, n), 2)),
                ("bias", numbers(&[n], 3)),
                ("other", numbers(&shape(m, n), 4)),
            ];
            for isa in Isa::available() {
                for (name, chain) in CHAINS {
                    check([m, n, k], &arrays, isa, name, chain);
                }
            }
        }
    }
}

fn check(sizes: [usize; 3], arrays: &[(&str, Array)], isa: Isa, name: &str, chain: Chain) {
    let what = format!("{name} of {sizes:?} on {isa}");
    let mut given = Parameters::new();
    for (name, array) in arrays {
        given.insert(*name, array.clone());
    }
    fn input<'g>(graph: &'g Graph, given: &Parameters, name: &str) -> Tensor<'g> {
        graph.input(name, DType::F32, given.get(name).unwrap().shape().clone())
    }
    // The product alone, then the chain alone.
    let graph = Graph::new();
    let [x, w] = ["x", "w"].map(|name| input(&graph, &given, name));
    let product = session(1, isa).evaluate(&graph, &given, &[x.matmul(w)]).unwrap().remove(0);
    let graph = Graph::new();
    let p = graph.input("p", DType::F32, product.shape().clone());
    let [bias, other] = ["bias", "other"].map(|name| input(&graph, &given, name));
    let mut alone = given.clone();
    alone.insert("p", product);
    let wanted = session(1, isa).evaluate(&graph, &alone, &chain(p, bias, other)).unwrap();
    // Both in one.
    let graph = Graph::new();
    let [x, w, bias, other] = ["x", "w", "bias", "other"].map(|name| input(&graph, &given, name));
    let outputs = chain(x.matmul(w), bias, other);
    for threads in [1, 2, 3] {
        let mut session = session(threads, isa);
        let text = session.prepare(&graph, &outputs).unwrap().plan().to_string();
        assert!(text.contains("        then by ["), "{what}: not joined\n{text}");
        let got = session.evaluate(&graph, &given, &outputs).unwrap();
        for (got, wanted) in got.iter().zip(&wanted) {
            let bits =
                |a: &Array| a.as_f32().unwrap().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(got), bits(wanted), "{what}, {threads} threads");
        }
    }
}

#[test]
fn an_update_behind_the_product_of_its_gradient_gives_the_same_bits_on_any_threads() {
    for batch in [24, 500] {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [batch, 90]);
        let w = graph.root(Mode::Train).parameter("w", [90, 600], 0.5);
        let loss = (x.matmul(w) - 0.1).square().mean();
        let slope = grad(loss, &[w])[0];
        let speed = graph.root(Mode::Train).state("speed", DType::F32, [90, 600], 0.0);
        let next = speed * 0.9 + slope;
        graph.assign("speed", next);
        graph.assign("w", w - next * 0.3);
        let mut given = Parameters::new();
        given.insert("x", numbers(&[batch, 90], 5));
        for isa in Isa::available() {
            let after = [1, 2, 3].map(|threads| {
                let mut session = session(threads, isa);
                session.load(graph.initial_values(2));
                let text = session.prepare(&graph, &[loss]).unwrap().plan().to_string();
                assert!(text.contains("speed, w = matmul"), "{text}");
                let losses = [0; 3]
                    .map(|_| session.evaluate(&graph, &given, &[loss]).unwrap()[0].to_f64()[0]);
                assert!(losses[2] < losses[1] && losses[1] < losses[0], "{losses:?}");
                ["speed", "w"].map(|path| session.value(path).unwrap())
            });
            assert!(after[0] == after[1] && after[0] == after[2], "{batch} rows on {isa}");
        }
    }
}
