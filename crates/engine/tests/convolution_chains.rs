//! What is done with a convolution's pixels while they are in cache gives the bits that it gives
//! afterwards, for any sizes, ways, threads and instruction set.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use glassbox_engine::op::Convolution;
use glassbox_engine::random::Stream;
use glassbox_engine::{Array, DType, Data, Graph, Isa, Options, Parameters, Session, Tensor};

fn numbers(shape: &[usize], draw: u64) -> Array {
    let stream = Stream::new(4, "convolution chains", draw);
    let count = shape.iter().product::<usize>() as u64;
    let data = (0..count).map(|i| stream.uniform(i) as f32 - 0.5).collect::<Vec<_>>();
    Array::new(shape.to_vec(), Data::F32(data)).unwrap()
}

type Made = for<'g> fn(Tensor<'g>, Tensor<'g>) -> Tensor<'g>;

/// Ways of convolutions, with the sizes of images and filter.
fn ways() -> Vec<(&'static str, [usize; 4], [usize; 4], Made)> {
    vec![
        ("lines in place", [3, 13, 14, 20], [3, 3, 20, 40], |x, w| {
            x.conv2d(w, Convolution::default().padding([1, 1]))
        }),
        ("lines in place, strided", [2, 32, 32, 8], [3, 3, 8, 32], |x, w| {
            x.conv2d(w, Convolution::default().padding([1, 1]).stride([2, 2]))
        }),
        ("gathered patches", [5, 9, 4, 16], [3, 3, 16, 33], |x, w| {
            x.conv2d(w, Convolution::default().padding([1, 1]).dilation([1, 2]))
        }),
        ("gathered patches in groups", [5, 9, 5, 16], [3, 3, 8, 32], |x, w| {
            x.conv2d(w, Convolution::default().padding([1, 1]).groups(2))
        }),
        ("few patches", [1, 5, 5, 128], [3, 3, 128, 160], |x, w| {
            x.conv2d(w, Convolution::default().padding([1, 1]))
        }),
        ("tiles", [3, 16, 12, 64], [3, 3, 64, 48], |x, w| {
            x.conv2d(w, Convolution::default().padding([1, 1]))
        }),
        ("tiles that images cut off", [5, 13, 14, 32], [5, 5, 32, 64], |x, w| {
            x.conv2d(w, Convolution::default().padding([2, 2]))
        }),
        ("tiles of phases", [5, 14, 14, 32], [4, 4, 32, 64], |x, w| {
            x.conv2d(w, Convolution::default().padding([1, 1]).stride([2, 2]))
        }),
        ("tiles, transposed", [2, 11, 10, 48], [3, 3, 32, 48], |x, w| {
            x.conv_transpose2d(w, Convolution::default().padding([1, 1]), [0, 0])
        }),
        ("channels by themselves", [4, 12, 11, 40], [3, 3, 1, 40], |x, w| {
            x.conv2d(w, Convolution::default().padding([1, 1]).groups(40))
        }),
        ("channels by themselves, transposed", [4, 12, 11, 40], [3, 3, 1, 40], |x, w| {
            x.conv_transpose2d(w, Convolution::default().padding([1, 1]).groups(40), [0, 0])
        }),
    ]
}

type Chain = for<'g> fn(Tensor<'g>, Tensor<'g>, Tensor<'g>) -> Vec<Tensor<'g>>;

/// Chains behind a result `p`, of a number for each channel and something of its shape.
const CHAINS: [(&str, Chain); 7] = [
    ("bias and activation", |p, each, _| vec![(p + each).relu()]),
    ("multiply-add, residual and activation", |p, each, other| {
        vec![((p * each + each) + other).relu()]
    }),
    ("derivative of an activation", |p, _, other| {
        vec![other.greater(other * 0.0).select(p, p * 0.2)]
    }),
    ("sums of columns", |p, each, other| {
        let rows = p.elements() / p.dim(-1);
        let y = (p + each) * other;
        vec![y.reshape([rows, p.dim(-1)]).sum_axis(0), y]
    }),
    ("a number for each image and channel", |p, _, other| {
        let each = other.slice(1, 0..1).slice(2, 0..1);
        vec![p * each]
    }),
    ("softmax of channels", |p, each, _| {
        let e = (p + each - p.max_axis(-1)).exp();
        vec![e / e.sum_axis(-1)]
    }),
    ("kept", |p, each, _| vec![p, p + each]),
];

#[test]
fn a_chain_behind_a_convolution_has_the_bits_of_the_chain_alone() {
    for (way, images, filter, made) in ways() {
        for isa in Isa::available() {
            for exact in [false, true] {
                for (name, chain) in CHAINS {
                    let what = format!("{name} behind {way} on {isa}, exact {exact}");
                    check(&what, (images, filter, made), isa, exact, chain);
                }
            }
        }
    }
}

fn check(
    what: &str,
    (images, filter, made): ([usize; 4], [usize; 4], Made),
    isa: Isa,
    exact: bool,
    chain: Chain,
) {
    let session = |threads: usize| {
        Session::new(Options { threads, isa: Some(isa), exact, ..Options::default() }).unwrap()
    };
    let mut given = Parameters::new();
    given.insert("x", numbers(&images, 1));
    given.insert("w", numbers(&filter, 2));
    fn input<'g>(graph: &'g Graph, given: &Parameters, name: &str) -> Tensor<'g> {
        graph.input(name, DType::F32, given.get(name).unwrap().shape().clone())
    }
    // The convolution alone, then the chain alone.
    let graph = Graph::new();
    let [x, w] = ["x", "w"].map(|name| input(&graph, &given, name));
    let pixels = session(1).evaluate(&graph, &given, &[made(x, w)]).unwrap().remove(0);
    given.insert("each", numbers(&pixels.shape().sizes()[3..], 3));
    given.insert("other", numbers(pixels.shape().sizes(), 4));
    let graph = Graph::new();
    let p = graph.input("p", DType::F32, pixels.shape().clone());
    let [each, other] = ["each", "other"].map(|name| input(&graph, &given, name));
    let mut alone = given.clone();
    alone.insert("p", pixels);
    let wanted = session(1).evaluate(&graph, &alone, &chain(p, each, other)).unwrap();
    // Both in one.
    let graph = Graph::new();
    let [x, w, each, other] = ["x", "w", "each", "other"].map(|name| input(&graph, &given, name));
    let outputs = chain(made(x, w), each, other);
    for threads in [1, 2, 3] {
        let mut session = session(threads);
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
