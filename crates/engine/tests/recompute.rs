//! What is computed again on the way back: the same bits for less memory.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox_engine::{
    Array, DType, Distribution, Graph, Mode, Options, Parameters, Session, Tensor, grad,
    grad_recomputing,
};

const BLOCKS: usize = 6;

/// Gradients of a chain of blocks with products, pointwise chains, normalisation, a skip and dropout.
fn gradients(graph: &Graph, again: bool) -> Vec<Tensor<'_>> {
    let root = graph.root(Mode::Train);
    let input = graph.input("x", DType::F32, [128, 32]);
    let seed = graph.input("seed", DType::I64, []);
    let step = graph.input("step", DType::I64, []);
    let (mut x, mut weights) = (input, vec![input]);
    for block in 0..BLOCKS {
        let at = root.child(&format!("block{block}"));
        let _inside = at.enter();
        let w = graph.input(&format!("w{block}"), DType::F32, [32, 128]);
        let v = graph.input(&format!("v{block}"), DType::F32, [128, 32]);
        weights.extend([w, v]);
        let centred = x - x.mean_axis(1).reshape([128, 1]);
        let h = centred.matmul(w).tanh();
        let kept = at.child("inner").random(Distribution::Uniform, [128, 128], seed, step);
        let h = kept.less(h.full_like(0.8)).select(h, h.full_like(0.0));
        x = x + h.sigmoid().matmul(v);
    }
    grad_recomputing(x.square().mean(), &weights, |path| again && path.starts_with("block"))
}

fn given() -> Parameters {
    let mut given = Parameters::new();
    for (name, shape) in (0..BLOCKS)
        .flat_map(|b| [(format!("w{b}"), [32, 128]), (format!("v{b}"), [128, 32])])
        .chain([("x".to_string(), [128, 32])])
    {
        let numbers: Vec<f32> = (0..shape[0] * shape[1])
            .map(|i| ((i * 37 + name.len() * 11) % 101) as f32 / 300.0 - 0.15)
            .collect();
        given.insert(name, Array::new(shape, numbers).unwrap());
    }
    given.insert("seed", Array::new([], vec![7_i64]).unwrap());
    given.insert("step", Array::new([], vec![3_i64]).unwrap());
    given
}

#[test]
fn gradients_are_the_same_to_the_bit_and_take_less_memory() {
    let run = |again: bool| {
        let graph = Graph::new();
        let outputs = gradients(&graph, again);
        graph.check().unwrap();
        let mut session = Session::new(Options::default()).unwrap();
        let memory = session.prepare(&graph, &outputs).unwrap().plan().arena_bytes();
        (session.evaluate(&graph, &given(), &outputs).unwrap(), memory)
    };
    let ((kept, all), (again, less)) = (run(false), run(true));
    assert_eq!(kept, again);
    assert!(2 * less < all, "{less} of {all} bytes");
}

#[test]
fn second_derivatives_and_loops_are_right_too() {
    let run = |again: bool| {
        let graph = Graph::new();
        let root = graph.root(Mode::Train);
        let x = graph.input("x", DType::F64, [3, 4]);
        let block = root.child("block");
        let inside = block.enter();
        let (h, rows) = graph.scan(3, x.sum_axis(0), x, |h, row, _| {
            let h = (h * row).tanh();
            (h, h * h)
        });
        let y = (h.exp() * rows.sum_axis(0)).sin().sum();
        drop(inside);
        let first = grad_recomputing(y, &[x], |path| again && path == "block")[0];
        let second = grad(first.square().sum(), &[x])[0];
        let mut given = Parameters::new();
        let numbers: Vec<f64> = (0..12).map(|i| f64::from(i) / 7.0 - 0.6).collect();
        given.insert("x", Array::new([3, 4], numbers).unwrap());
        let mut session = Session::new(Options::default()).unwrap();
        session.evaluate(&graph, &given, &[first, second]).unwrap()
    };
    assert_eq!(run(false), run(true));
}
