//! What layers for sequences promise beside PyTorch's numbers: the syllabus on recurrence, LSTM and
//! attention (S1, S2, S10), and what their plans and mistakes look like.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::engine::{DType, Graph, Mode, Options, Parameters, Session, Tensor, grad, reference};
use glassbox::nn::{self, Activation, Mask, Recurrence, Recurrent};
use support::steps::{assert_close, assert_prints, both, values};

/// Smooth numbers without a pattern.
fn waves(count: usize) -> Vec<f64> {
    (0..count).map(|i| (i as f64 * 1.7).sin()).collect()
}

#[test]
fn s1_the_number_of_parameters_does_not_depend_on_the_length() {
    let count = |time: usize| {
        let graph = Graph::new();
        let at = graph.root(Mode::Train);
        let x = graph.input("x", DType::F32, [2, time, 3]);
        nn::rnn(at.child("rnn"), x, 5, Activation::Tanh, Recurrence::default());
        nn::lstm(at.child("lstm"), x, 5, Recurrence::default());
        nn::gru(at.child("gru"), x, 5, Recurrence::default());
        assert!(graph.check().is_ok());
        graph.parameters().iter().map(|(_, tensor)| tensor.elements()).sum::<usize>()
    };
    // One gate, four and three: each 3 inputs, 5 states and two biases for 5 units.
    assert_eq!(count(1), (1 + 4 + 3) * 5 * (3 + 5 + 2));
    assert_eq!([count(2), count(50)], [count(1); 2]);
}

#[test]
fn s1_a_sequence_in_two_parts_goes_on_where_the_first_ended() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [2, 7, 3]);
    let settings = Recurrence { layers: 2, ..Recurrence::default() };
    let whole = nn::lstm(at.child("lstm"), x, 5, settings);
    let again = at.again().child("lstm");
    let begun = nn::lstm(again, x.slice(1, 0..4), 5, settings);
    let rest = Recurrence { first: Some(begun.last), ..settings };
    let ended = nn::lstm(again, x.slice(1, 4..7), 5, rest);
    let parts = begun.outputs.concatenate(&[ended.outputs], 1);
    let asked = [whole.outputs, parts, whole.last[1], ended.last[1]];
    let inputs = values(&[("x", &[2, 7, 3], &waves(42))]);
    for run in both(&graph, &inputs, &graph.initial_values(1), &asked) {
        assert_close("outputs", &run[1], &run[0], 1e-6);
        assert_close("cell states", &run[3], &run[2], 1e-6);
        assert!(run[0].iter().any(|h| h.abs() > 0.05));
    }
}

#[test]
fn s1_what_follows_the_end_of_a_sequence_changes_nothing() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [3, 4, 2]);
    let lengths = graph.input("lengths", DType::I64, [3]);
    let settings =
        Recurrence { lengths: Some(lengths), bidirectional: true, ..Recurrence::default() };
    let at = graph.root(Mode::Train).child("gru");
    let Recurrent { outputs, last } = nn::gru(at, x, 3, settings);
    let slope = grad(outputs.square().sum() + last[0].sum(), &[x])[0];
    let run = |after: f64| {
        let mut numbers = waves(24);
        // Two steps of the first sequence and all of the second are real; the third has none missing.
        for (i, number) in numbers.iter_mut().enumerate() {
            let (row, time) = (i / 8, i % 8 / 2);
            if time >= [2, 0, 4][row] {
                *number = after;
            }
        }
        let inputs = values(&[("x", &[3, 4, 2], &numbers), ("lengths", &[3], &[2.0, 0.0, 4.0])]);
        both(&graph, &inputs, &graph.initial_values(1), &[outputs, last[0], slope])
    };
    assert_eq!(run(0.0), run(100.0));
    for run in run(5.0) {
        let (outputs, slope) = (&run[0], &run[2]);
        assert!(outputs[2 * 6..8 * 6].iter().all(|h| *h == 0.0), "after the end: {outputs:?}");
        assert!(slope[2 * 2..8 * 2].iter().all(|s| *s == 0.0), "after the end: {slope:?}");
        assert!(slope[..4].iter().chain(&slope[16..]).all(|s| *s != 0.0));
        // The sequence of no steps is where it began.
        assert!([&run[1][3..6], &run[1][12..15]].concat().iter().all(|h| *h == 0.0));
    }
}

#[test]
fn s2_the_lstm_of_the_syllabus_remembers_the_first_day() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [2, 4, 1]);
    let found = nn::lstm(graph.root(Mode::Eval), x, 1, Recurrence::default());
    // Input, forget, candidate, output (fixture F8); the second bias is not used.
    let trained = values(&[
        ("layer1/input/weight", &[1, 4], &[1.65, 1.63, 0.94, -0.19]),
        ("layer1/input/bias", &[4], &[0.62, 1.62, -0.32, 0.59]),
        ("layer1/recurrent/weight", &[1, 4], &[2.00, 2.70, 1.41, 4.38]),
        ("layer1/recurrent/bias", &[4], &[0.0; 4]),
    ]);
    let days = [0.0, 0.5, 0.25, 1.0, 1.0, 0.5, 0.25, 1.0];
    let inputs = values(&[("x", &[2, 4, 1], &days)]);
    for run in both(&graph, &inputs, &trained, &[found.last[0]]) {
        assert_prints("company A", run[0][0], "0.0");
        assert_prints("company B", run[0][1], "1.0");
    }
}

#[test]
fn the_product_with_the_inputs_is_one_for_all_steps() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [3, 20, 7]);
    let lstm = nn::lstm(graph.root(Mode::Train), x, 5, Recurrence::default());
    let loss = lstm.outputs.square().sum();
    let weights: Vec<_> = graph.parameters().iter().map(|(_, tensor)| *tensor).collect();
    let slopes = grad(loss, &weights);
    let mut session = Session::new(Options::default()).unwrap();
    session.load(graph.initial_values(1));
    let plan = session.prepare(&graph, &[&[loss], &slopes[..]].concat()).unwrap();
    let text = plan.plan().to_string();
    let products: Vec<&str> = text.lines().filter(|line| line.contains("= matmul")).collect();
    // A kernel of a loop's body stands further in.
    let inside = |line: &&&str| line.starts_with("       ");
    let shape =
        |line: &str| line.split("matmul ").nth(1).unwrap().split("  ").next().unwrap().to_string();
    let shapes = |lines: Vec<&&str>| lines.iter().map(|line| shape(line)).collect::<Vec<_>>();
    let (within, once): (Vec<_>, Vec<_>) = products.iter().partition(inside);
    assert_eq!(shapes(within), ["[3, 5] × [5, 20]", "[3, 20] × [20, 5]"], "{text}");
    let expected = ["[60, 7] × [7, 20]", "[5, 60] × [60, 20]", "[7, 60] × [60, 20]"];
    assert_eq!(shapes(once), expected, "{text}");
}

/// The third of three words, then the first, then the second.
fn turned(x: Tensor<'_>) -> Tensor<'_> {
    let [a, b, c] = [2, 0, 1].map(|i| x.slice(1, i..i + 1));
    a.concatenate(&[b, c], 1)
}

#[test]
fn s10_without_positions_the_order_of_words_is_only_the_order_of_answers() {
    let graph = Graph::new();
    let at = graph.root(Mode::Eval);
    let x = graph.input("x", DType::F32, [1, 3, 4]);
    let heads = at.child("heads");
    let plain = nn::multi_head_attention(heads, x, x, 2, Mask::ALL);
    let other = turned(x);
    let answers = nn::multi_head_attention(at.again().child("heads"), other, other, 2, Mask::ALL);
    // With positions added, the same words in another order are something else.
    let waves_at = nn::sinusoidal_positions(&graph, 3, 4);
    let placed = |x| {
        let x = x + waves_at;
        nn::multi_head_attention(at.again().child("heads"), x, x, 2, Mask::ALL)
    };
    let asked = [turned(plain), answers, turned(placed(x)), placed(other)];
    let inputs = values(&[("x", &[1, 3, 4], &waves(12))]);
    for run in both(&graph, &inputs, &graph.initial_values(1), &asked) {
        assert_close("answers", &run[1], &run[0], 1e-6);
        let apart = run[2].iter().zip(&run[3]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(apart > 0.01, "{apart}");
    }
}

#[test]
fn s10_a_causal_mask_hides_what_comes_later() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [1, 4, 4]);
    let at = graph.root(Mode::Train).child("heads");
    let y = nn::multi_head_attention(at, x, x, 2, Mask::CAUSAL);
    for place in 0..4 {
        let slope = grad(y.slice(1, place..place + 1).square().sum(), &[x])[0];
        let inputs = values(&[("x", &[1, 4, 4], &waves(16))]);
        for run in both(&graph, &inputs, &graph.initial_values(1), &[slope]) {
            let (seen, hidden) = run[0].split_at(4 * (place + 1));
            assert!(seen.iter().all(|s| *s != 0.0) && hidden.iter().all(|s| *s == 0.0));
        }
    }
}

#[test]
fn rotary_products_depend_on_the_distance_alone() {
    let graph = Graph::new();
    let row = |name| graph.input(name, DType::F32, [1, 6]).broadcast_to([5, 6]);
    let (q, k) = (nn::rotary(row("q")), nn::rotary(row("k")));
    let scores = q.matmul(k.transpose());
    let numbers = waves(12);
    let inputs = values(&[("q", &[1, 6], &numbers[..6]), ("k", &[1, 6], &numbers[6..])]);
    for (run, tolerance) in
        both(&graph, &inputs, &Parameters::new(), &[scores]).iter().zip([1e-5, 1e-12])
    {
        let score = |q: usize, k: usize| run[0][q * 5 + k];
        for place in 0..4 {
            assert!((score(place, place + 1) - score(0, 1)).abs() < tolerance);
            assert!((score(place + 1, place) - score(1, 0)).abs() < tolerance);
        }
        assert!((score(0, 1) - score(1, 0)).abs() > 0.01, "before is not after");
    }
}

#[test]
fn sizes_that_do_not_fit_are_mistakes_with_their_line() {
    let mistake = |record: fn(&Graph)| {
        let graph = Graph::new();
        record(&graph);
        graph.check().unwrap_err().to_string()
    };
    let heads = mistake(|graph| {
        let x = graph.input("x", DType::F32, [2, 3, 4]);
        nn::multi_head_attention(graph.root(Mode::Train), x, x, 3, Mask::ALL);
    });
    let states = mistake(|graph| {
        let x = graph.input("x", DType::F32, [2, 3, 4]);
        let first = Some([graph.input("h", DType::F32, [1, 2, 7])]);
        nn::gru(graph.root(Mode::Train), x, 5, Recurrence { first, ..Recurrence::default() });
    });
    let lengths = mistake(|graph| {
        let x = graph.input("x", DType::F32, [2, 3, 4]);
        let lengths = Some(graph.input("lengths", DType::I64, [3]));
        nn::gru(graph.root(Mode::Train), x, 5, Recurrence { lengths, ..Recurrence::default() });
    });
    let rows = mistake(|graph| {
        let x = graph.input("x", DType::F32, [2, 4]);
        nn::gru(graph.root(Mode::Train), x, 5, Recurrence::default());
    });
    let longer = mistake(|graph| {
        nn::learned_positions(graph.root(Mode::Train), graph.input("x", DType::F32, [2, 9, 4]), 8);
    });
    for text in [heads, states, lengths, rows, longer] {
        assert!(text.contains("error[shape]") && text.contains("sequences.rs:"), "{text}");
    }
}

#[test]
fn dropout_stands_between_layers_and_in_training_alone() {
    let drawn = |mode, layers| {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [2, 3, 2]);
        let settings = Recurrence { layers, dropout: 0.5, ..Recurrence::default() };
        let outputs = nn::lstm(graph.root(mode), x, 64, settings).outputs;
        let inputs =
            values(&[("x", &[2, 3, 2], &waves(12)), ("seed", &[], &[1.0]), ("step", &[], &[1.0])]);
        let dropped = graph.named("layer2/dropout/dropout");
        assert_eq!(graph.find_input("seed").is_some(), dropped.is_some());
        let asked = dropped.unwrap_or(outputs);
        let run = reference::Evaluation::new(
            &graph,
            &inputs,
            &graph.initial_values(1),
            &[asked, outputs],
        );
        let zeros = |v: &[f64]| v.iter().filter(|h| **h == 0.0).count();
        let run = run.unwrap();
        [asked, outputs].map(|tensor| zeros(run.value(tensor).unwrap()))
    };
    assert_eq!(drawn(Mode::Train, 1), [0, 0], "one layer has nothing between");
    assert_eq!(drawn(Mode::Eval, 2), [0, 0]);
    let [between, after] = drawn(Mode::Train, 2);
    assert!((140..=244).contains(&between), "of 384 about half are left out: {between}");
    assert_eq!(after, 0);
}
