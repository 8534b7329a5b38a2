//! Sums of columns join the loops that make their terms: equal to the reference, and to the same bits
//! whatever the threads and whoever else reads the terms.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use glassbox_engine::random::Stream;
use glassbox_engine::reference::Evaluation;
use glassbox_engine::{Array, DType, Graph, Isa, Options, Parameters, Session, Tensor, grad};

fn numbers(dtype: DType, sizes: [usize; 2], path: &str) -> Array {
    let stream = Stream::new(3, path, 0);
    let values: Vec<f64> =
        (0..sizes[0] * sizes[1]).map(|i| stream.uniform(i as u64) * 2.0 - 1.0).collect();
    Array::from_f64(dtype, sizes, &values).unwrap()
}

#[test]
fn sums_equal_the_reference_and_do_not_depend_on_threads_or_readers() {
    for (rows, columns) in [(129, 2), (300, 3), (1000, 16), (257, 70), (512, 24), (130, 1500)] {
        for dtype in [DType::F32, DType::F64] {
            let graph = Graph::new();
            let mut given = Parameters::new();
            let mut input = |name: &str, sizes: [usize; 2]| {
                given.insert(name, numbers(dtype, sizes, name));
                graph.input(name, dtype, sizes)
            };
            let (x, shift) = (input("x", [rows, columns]), input("shift", [1, columns]));
            let terms = (x - shift).square() * x;
            let (plain, sum) = (x.sum_axis(0), terms.sum_axis(0));
            // Where a column's sum is read in the loop after the one that made it.
            let slope = grad(((terms - sum).square() * terms).sum(), &[x, shift]);
            let asked = [plain, sum, slope[0], slope[1]];
            let truth = Evaluation::new(&graph, &given, &Parameters::new(), &asked).unwrap();
            for isa in Isa::available() {
                let run = |threads: usize, asked: &[Tensor<'_>]| {
                    let options = Options { threads, isa: Some(isa), ..Options::default() };
                    Session::new(options).unwrap().evaluate(&graph, &given, asked).unwrap()
                };
                let first = run(1, &asked);
                for (result, tensor) in first.iter().zip(&asked) {
                    let truth = truth.value(*tensor).unwrap();
                    let largest = truth.iter().fold(1.0f64, |most, x| most.max(x.abs()));
                    let most = largest * if dtype == DType::F32 { 1e-5 } else { 1e-13 };
                    for (got, want) in result.to_f64().iter().zip(truth) {
                        assert!((got - want).abs() <= most, "{rows}×{columns}: {got}, not {want}");
                    }
                }
                for threads in 2..4 {
                    assert_eq!(first, run(threads, &asked), "{rows}×{columns}, {threads} threads");
                }
                let watched = [plain, sum, slope[0], slope[1], terms, x - shift];
                assert_eq!(first, run(2, &watched)[..4], "{rows}×{columns}, with more outputs");
                assert_eq!(first[1..2], run(1, &[sum]), "{rows}×{columns}, alone");
            }
        }
    }
}

#[test]
fn terms_that_only_a_sum_reads_are_not_written() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [4096, 32]);
    let mut session = Session::new(Options::default()).unwrap();
    let step = session.prepare(&graph, &[(x.square() + 1.0).sum_axis(0)]).unwrap();
    let cost = step.plan().cost();
    let (bytes, blocks) = (4 * 4096 * 32, 4 * 4096 / 128 * 32);
    assert_eq!((cost.steps, cost.bytes_read), (2, bytes + blocks), "{}", step.plan());
    assert_eq!(cost.bytes_written, blocks + 4 * 32, "{}", step.plan());
}
