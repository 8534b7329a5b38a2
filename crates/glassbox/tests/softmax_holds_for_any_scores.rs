//! What holds of softmax, its logarithm and cross entropy for any scores, as planned and run in f32.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::engine::{DType, Graph, Mode, Parameters, grad};
use glassbox::nn::{Loss, log_softmax, softmax};
use proptest::prelude::*;
use support::steps::{InSession, Steps, assert_close, values};

/// Scores `[rows, classes]` as a list, and a label for each row.
#[derive(Clone, Debug)]
struct Batch {
    classes: usize,
    scores: Vec<f64>,
    labels: Vec<f64>,
}

impl Batch {
    fn rows(&self) -> usize {
        self.labels.len()
    }
}

fn batches(score: impl Strategy<Value = f64> + Clone) -> impl Strategy<Value = Batch> {
    (1..5usize, 1..20usize).prop_flat_map(move |(rows, classes)| {
        let scores = proptest::collection::vec(score.clone(), rows * classes);
        let labels = proptest::collection::vec((0..classes).prop_map(|l| l as f64), rows);
        (scores, labels).prop_map(move |(scores, labels)| Batch { classes, scores, labels })
    })
}

/// Multiples of 1/64 up to ±10⁴: adding two of them is exact in f32.
fn sixty_fourths() -> impl Strategy<Value = f64> + Clone {
    (-640_000..=640_000i32).prop_map(|n| f64::from(n) / 64.0)
}

/// Any finite f32, the largest and the smallest among them.
fn finite() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![
        3 => any::<f32>().prop_filter("finite", |x| x.is_finite()),
        1 => Just(f32::MAX),
        1 => Just(f32::MIN),
        1 => Just(0.0),
    ]
    .prop_map(f64::from)
}

struct Found {
    p: Vec<f64>,
    log_p: Vec<f64>,
    entropy: f64,
    entropy_slope: Vec<f64>,
}

fn run(batch: &Batch) -> Found {
    let (rows, classes) = (batch.rows(), batch.classes);
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [rows, classes]);
    let labels = graph.input("labels", DType::I64, [rows]);
    let entropy = Loss::CrossEntropy.of(graph.root(Mode::Eval).child("loss"), x, labels);
    let slope = grad(entropy, &[x])[0];
    let outputs = [softmax(x), log_softmax(x), entropy, slope];
    let inputs =
        values(&[("x", &[rows, classes], &batch.scores), ("labels", &[rows], &batch.labels)]);
    let run = InSession::new(&graph, &inputs, &Parameters::new(), &outputs).step();
    let [p, log_p, entropy, entropy_slope] = run.try_into().unwrap();
    Found { p, log_p, entropy: entropy[0], entropy_slope }
}

proptest! {
    #[test]
    fn probabilities_sum_to_one(batch in batches(-1e4..1e4)) {
        let found = run(&batch);
        prop_assert!(found.p.iter().all(|p| (0.0..=1.0).contains(p)), "{:?}", found.p);
        for row in found.p.chunks(batch.classes) {
            assert_close("sum of a row", &[row.iter().sum()], &[1.0], 2e-6);
        }
    }

    #[test]
    fn the_same_number_added_to_all_scores_changes_no_bit(
        batch in batches(sixty_fourths()),
        shift in sixty_fourths(),
    ) {
        let shifted =
            Batch { scores: batch.scores.iter().map(|x| x + shift).collect(), ..batch.clone() };
        let (before, after) = (run(&batch), run(&shifted));
        prop_assert_eq!(before.p, after.p);
        prop_assert_eq!(before.log_p, after.log_p);
    }

    #[test]
    fn a_larger_score_never_has_the_smaller_probability(batch in batches(-20.0..20.0)) {
        let found = run(&batch);
        for (x, p) in batch.scores.chunks(batch.classes).zip(found.p.chunks(batch.classes)) {
            for (i, j) in (0..x.len()).flat_map(|i| (0..x.len()).map(move |j| (i, j))) {
                prop_assert!(x[i] as f32 <= x[j] as f32 || p[i] >= p[j], "{x:?} → {p:?}");
            }
        }
    }

    #[test]
    fn log_softmax_of_finite_scores_is_never_nan_nor_above_zero(batch in batches(finite())) {
        let found = run(&batch);
        prop_assert!(found.log_p.iter().all(|&log_p| log_p <= 0.0), "{:?}", found.log_p);
        prop_assert!(found.p.iter().all(|p| (0.0..=1.0).contains(p)), "{:?}", found.p);
    }

    #[test]
    fn cross_entropy_is_never_negative_and_its_slope_lies_between_minus_one_and_one(
        batch in batches(finite()),
    ) {
        let found = run(&batch);
        prop_assert!(found.entropy >= 0.0, "{}", found.entropy);
        let within = found.entropy_slope.iter().all(|slope| slope.abs() <= 1.0 + 1e-6);
        prop_assert!(within, "{:?}", found.entropy_slope);
    }
}
