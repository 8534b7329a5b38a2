//! What a model's parameters start with depends on the seed and their own path, on nothing else.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use glassbox::engine::{DType, Graph, Mode, Parameters};
use glassbox::nn::{Activation, Initial, Loss, Module, Optimizer, linear};
use glassbox::zoo::Mlp;
use proptest::prelude::*;

/// Layers by name, in this order, of 6 rows of 5 features each.
fn layers(names: &[&str], initial: Initial, seed: u64) -> Parameters {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let mut x = graph.input("x", DType::F32, [6, 5]);
    for name in names {
        x = linear(at.child(name), x, 5, initial);
    }
    assert!(graph.check().is_ok());
    graph.initial_values(seed)
}

/// Those that draw: constants are the same under any seed.
fn drawn() -> impl Strategy<Value = Initial> {
    let all = Initial::ALL.iter().copied().filter(|initial| !initial.is_constant());
    proptest::sample::select(all.collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn the_same_seed_gives_the_same_values_and_another_seed_others(
        seed: u64,
        other: u64,
        initial in drawn(),
    ) {
        prop_assume!(seed != other);
        let first = layers(&["a", "b"], initial, seed);
        prop_assert_eq!(&first, &layers(&["a", "b"], initial, seed));
        let second = layers(&["a", "b"], initial, other);
        for path in ["a/weight", "b/weight"] {
            prop_assert_ne!(first.get(path), second.get(path));
        }
    }

    #[test]
    fn layers_of_the_same_shape_start_differently(seed: u64, initial in drawn()) {
        let values = layers(&["a", "b"], initial, seed);
        prop_assert_ne!(values.get("a/weight"), values.get("b/weight"));
    }

    #[test]
    fn adding_a_layer_leaves_the_others_values_as_they_were(
        seed: u64,
        initial in drawn(),
        place in 0..4usize,
        name in "[d-z][a-z]{0,7}",
    ) {
        let mut names = vec!["a", "b", "c"];
        let before = layers(&names, initial, seed);
        names.insert(place, &name);
        let after = layers(&names, initial, seed);
        prop_assert_eq!(after.len(), before.len() + 2);
        for (path, value) in before.iter() {
            prop_assert_eq!(Some(value), after.get(path), "{}", path);
        }
    }

    #[test]
    fn a_deeper_perceptron_starts_as_the_shallower_one(
        seed: u64,
        sizes in proptest::collection::vec(1..9usize, 2..5),
        outputs in 1..9usize,
        initial in drawn(),
    ) {
        let values = |sizes: &[usize]| {
            let graph = Graph::new();
            let x = graph.input("x", DType::F32, [3, sizes[0]]);
            Mlp::new(sizes).initial(initial).forward(graph.root(Mode::Train), x);
            graph.initial_values(seed)
        };
        let before = values(&sizes);
        let after = values(&[sizes.as_slice(), &[outputs]].concat());
        for (path, value) in before.iter() {
            prop_assert_eq!(Some(value), after.get(path), "{}", path);
        }
    }

    #[test]
    fn recording_a_training_step_leaves_them_as_they_were(
        seed: u64,
        activation in proptest::sample::select(Activation::ALL),
    ) {
        let graph = Graph::new();
        let at = graph.root(Mode::Train);
        let (x, y) = (graph.input("x", DType::F32, [3, 4]), graph.input("y", DType::F32, [3, 2]));
        let prediction = Mlp::new([4, 5, 2]).activation(activation).forward(at, x);
        let before = graph.initial_values(seed);
        let loss = Loss::SquaredError.of(at.child("loss"), prediction, y);
        let (rate, step) =
            (graph.input("rate", DType::F32, []), graph.input("step", DType::I64, []));
        Optimizer::ADAM.update(at.child("optimizer"), loss, graph.parameters(), rate, step);
        let after = graph.initial_values(seed);
        prop_assert_eq!(after.len(), 3 * before.len());
        for (path, value) in before.iter() {
            prop_assert_eq!(Some(value), after.get(path), "{}", path);
        }
    }
}

#[test]
fn orthogonal_weights_keep_lengths_times_their_gain() {
    let values = layers(&["a"], Initial::Orthogonal { gain: 3.0 }, 5);
    let w = values.get("a/weight").unwrap().to_f64();
    for (a, b) in (0..5).flat_map(|a| (0..5).map(move |b| (a, b))) {
        let dot: f64 = (0..5).map(|i| w[5 * i + a] * w[5 * i + b]).sum();
        let expected = if a == b { 9.0 } else { 0.0 };
        assert!((dot - expected).abs() < 1e-5, "{a} {b}: {dot}");
    }
}
