//! Syllabus S1 (unrolling), S2 (an LSTM unit, fixture F8), S3 (GRU, bidirectional), S5 (embedding), S6
//! (word2vec), S7 (encoder–decoder), S9 (√d_k, heads), S10 (order), S11 (sampling, perplexity), S12 (hidden words) and N24 over time, as the lessons compute
//! them.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::lesson::cells::{Cell, Net as CellNet, score, size};
use glassbox::lesson::hidden::{self, Done};
use glassbox::lesson::order::{Positions, compare};
use glassbox::lesson::sampling::{self, Drawn};
use glassbox::lesson::through_time::{Net, learn_the_mean};
use glassbox::lesson::translate::{LARGE, SMALL};
use glassbox::lesson::unrolled::{UNIT, slope_after, unroll};
use glassbox::lesson::{
    Language, Lesson, Options, Part, embedding, gates, scaled, translate, unrolled, word_vectors,
};
use glassbox::nn::{Activation, Clip};
use support::steps::{assert_close, assert_prints};

#[test]
fn s1_the_loop_is_the_steps_written_out_and_its_slope_the_sum_over_them() {
    let numbers = [0.0f32, 0.5, 0.25, 1.0];
    let found = unroll(UNIT, &numbers).unwrap();
    // The same once more, without a graph.
    let (mut h, mut states) = (0.0f64, Vec::new());
    for x in numbers {
        let before = f64::from(UNIT.recurrent) * h;
        h = (f64::from(UNIT.input) * f64::from(x) + f64::from(UNIT.bias) + before).max(0.0);
        states.push(h);
    }
    let hidden: Vec<f64> = found.steps.iter().map(|step| step.hidden).collect();
    assert_close("states", &hidden, &states, 1e-6);
    assert_close("last", &[found.last, found.last_by_hand], &[h, h], 1e-6);
    let sum: f64 = found.steps.iter().map(|step| step.slope).sum();
    assert_close("slope", &[sum], &[found.slope], 1e-6);
    let w = UNIT.recurrent;
    let last =
        |recurrent: f32| unroll(unrolled::Unit { recurrent, ..UNIT }, &numbers).unwrap().last;
    let quotient = (last(w + 1e-2) - last(w - 1e-2)) / 2e-2;
    assert_close("difference quotient", &[quotient], &[found.slope], 1e-3);
}

#[test]
fn s1_order_counts_and_length_costs_nothing() {
    let found = unrolled::find().unwrap();
    assert!((found.orders[0].last - found.orders[1].last).abs() > 0.1);
    let first = found.lengths[0];
    // 16 · (3 + 16 + 2).
    assert!(found.lengths.iter().all(|length| length.recurrent == 336));
    assert!(found.lengths.iter().skip(1).all(|length| length.dense > first.dense));
}

#[test]
fn s1_and_n24_two_explodes_and_a_half_vanishes_in_fifty_steps() {
    assert_eq!(format!("{:.2e}", slope_after(2.0, 50).unwrap()), "1.13e15");
    assert_eq!(format!("{:.1e}", slope_after(0.5, 50).unwrap()), "8.9e-16");
}

#[test]
fn s2_the_unit_says_0_for_a_and_1_for_b() {
    let found = gates::find().unwrap();
    let [a, b] = &found.companies[..] else { panic!("{found:?}") };
    assert_prints("A", a.answer, "0.0");
    assert_prints("B", b.answer, "1.0");
}

#[test]
fn s2_every_gate_is_what_the_formula_says() {
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    for company in gates::find().unwrap().companies {
        let (mut c, mut h) = (0.0f64, 0.0f64);
        for step in &company.steps {
            let x = step.x;
            let forget = sigmoid(2.70 * h + 1.63 * x + 1.62);
            let input = sigmoid(2.00 * h + 1.65 * x + 0.62);
            let candidate = (1.41 * h + 0.94 * x - 0.32).tanh();
            let output = sigmoid(4.38 * h - 0.19 * x + 0.59);
            c = forget * c + input * candidate;
            h = output * c.tanh();
            let told =
                [step.forget, step.input, step.candidate, step.output, step.cell, step.hidden];
            assert_close("step", &told, &[forget, input, candidate, output, c, h], 1e-5);
        }
        assert_eq!(company.answer, company.steps[3].hidden);
    }
}

#[test]
fn s2_one_weights_slope_is_upstream_times_local_summed_over_the_days() {
    let slope = gates::find().unwrap().slope;
    assert!(slope.difference.unwrap().agrees, "{slope}");
    let days: Vec<usize> = slope.terms.iter().filter_map(|term| term.time).collect();
    assert!(days.len() >= 3 && days.iter().all(|day| (1..4).contains(day)), "{slope}");
    let sum: f64 = slope.terms.iter().map(|term| term.factors.iter().product::<f64>()).sum();
    assert_close("sum", &[sum], &[slope.gradient], 1e-9);
}

#[test]
fn s3_a_gru_has_three_quarters_of_an_lstm_and_a_second_way_doubles_it() {
    let of = |cell, layers, bidirectional| size(CellNet { cell, layers, bidirectional }).unwrap();
    let one = |cell| of(cell, 1, false).parameters;
    // 8 numbers a step, 16 units, two biases: 16 · (8 + 16 + 2) a sum.
    assert_eq!([Cell::Rnn, Cell::Gru, Cell::Lstm].map(one), [416, 3 * 416, 4 * 416]);
    for cell in [Cell::Rnn, Cell::Gru, Cell::Lstm] {
        assert_eq!(of(cell, 1, true).parameters, 2 * one(cell));
        // The second layer reads 16 numbers, both ways 32.
        let upper = |inputs: usize| cell.sums() * 16 * (inputs + 16 + 2);
        assert_eq!(of(cell, 2, false).parameters, one(cell) + upper(16));
        assert_eq!(of(cell, 2, true).parameters, 2 * one(cell) + 2 * upper(32));
    }
    assert_eq!((of(Cell::Gru, 2, true).states, of(Cell::Lstm, 2, true).states), (64, 128));
}

#[test]
fn s3_the_future_is_known_to_those_that_read_backwards_too() {
    let of =
        |bidirectional| score(CellNet { cell: Cell::Gru, layers: 1, bidirectional }, 42).unwrap();
    let (forward, both) = (of(false), of(true));
    assert!(forward.before > 0.99 && both.before > 0.99, "{forward:?} {both:?}");
    // One of eight is told by the step itself, the others are guessed.
    assert!(forward.after < 0.65 && both.after > 0.99, "{forward:?} {both:?}");
}

#[test]
fn n24_the_lstm_holds_on_longer_the_nearer_its_forget_gate_is_to_1() {
    let norms = |net: Net| net.norms(42).unwrap().by_distance;
    let relu = |weight| norms(Net::Unit { activation: Activation::Relu, weight });
    let (grows, dies) = (relu(2.0), relu(0.5));
    for distance in 0..50 {
        assert_eq!(grows[distance], 2f64.powi(distance as i32));
        assert_eq!(dies[distance], 0.5f64.powi(distance as i32));
    }
    let far = |forget_bias| {
        let norms = norms(Net::Lstm { forget_bias });
        norms[49] / norms[0]
    };
    let (drawn, one, four) = (far(0.0), far(1.0), far(4.0));
    assert!(drawn < one && one < four, "{drawn} {one} {four}");
    assert!(four > 1e-2 && drawn < 1e-6, "{drawn} {four}");
}

#[test]
fn n24_clipping_cures_an_explosion() {
    let last = |clip| *learn_the_mean(clip, 600).unwrap().losses.last().unwrap();
    let thrown = last(None);
    for clip in [Clip::Norm(1.0), Clip::Value(1.0)] {
        assert!(last(Some(clip)) < thrown / 4.0, "{clip:?}");
    }
}

#[test]
fn s5_two_names_that_are_used_alike_end_close() {
    let found = embedding::find(&Options::default()).unwrap();
    // Four tokens to two identity units to four scores.
    assert_eq!(found.embedding.parameters, 4 * 2 + 2 * 4);
    assert_eq!((embedding::CODES[0], embedding::CODES[3]), (4.2, -32.1));
    let (before, after) = (&found.before, &found.after);
    assert!(before.cosine < -0.9 && after.cosine > 0.95, "{before:?} {after:?}");
    // Closer to each other than either is to any other token; by their codes they are farthest apart.
    let apart = |a: usize, b: usize| {
        let [a, b] = [a, b].map(|at| after.points[at]);
        (a[0] - b[0]).hypot(a[1] - b[1])
    };
    assert_close("distance", &[apart(0, 3)], &[after.distance], 1e-12);
    assert!([(0, 1), (0, 2), (3, 1), (3, 2)].iter().all(|(a, b)| apart(*a, *b) > after.distance));
    // The learned numbers tell every next token, the codes cannot: "is" would have to score highest at
    // both ends of a line and not between.
    let (embedding, codes) = (&found.embedding, &found.codes);
    assert_eq!(embedding.told, 4);
    assert!(codes.told < 4 && embedding.losses.last() < codes.losses.last());
}

#[test]
fn s6_a_guess_touches_100_times_2_plus_k_of_600_million() {
    for (negative, touched) in [(1, 300), (5, 700), (20, 2200)] {
        let count = word_vectors::count(negative).unwrap();
        assert_eq!(count.touched.weights, 2 * 3_000_000 * 100);
        assert_eq!((count.touched.by_guess, count.counted), (touched, touched), "k = {negative}");
    }
}

#[test]
fn s6_words_in_the_same_places_come_near_each_other() {
    let found = word_vectors::find(&Options::default()).unwrap();
    // The frequent word is left out more often, and takes a lesser share of the negatives than of the text.
    let [the, .., rare] = &found.words[..] else { panic!("{found:?}") };
    assert!(the.kept < 0.5 && rare.kept > the.kept);
    assert!(the.negatives < the.share && rare.negatives > rare.share);
    let nouns = [
        "dog", "bird", "child", "friend", "teacher", "sailor", "farmer", "king", "ship", "tree",
        "star",
    ];
    for trained in &found.trained {
        // The word and five that are not there, each a coin thrown at first. The first epoch brings most.
        let [first, last] = trained.losses;
        let coins = 6.0 * std::f64::consts::LN_2;
        assert!(last < first && last < 0.65 * coins, "{trained:?}");
        let (word, near) = &trained.nearest[0];
        assert_eq!(word, "cat");
        assert!(near.iter().all(|near| nouns.contains(&near.word.as_str())), "{near:?}");
    }
}

#[test]
fn s7_220_parameters_and_384_million() {
    let [weights, biases] = SMALL.count().unwrap();
    assert_eq!(weights + biases, 220);
    assert_eq!(SMALL.model().parameters(), 220);
    assert_eq!(LARGE.count().unwrap()[0], 384_000_000);
}

#[test]
fn s7_lets_go_becomes_vamos_by_its_context_vector() {
    let found = translate::find(&Options::default()).unwrap();
    assert!(found.losses[1] < 0.1, "{:?}", found.losses);
    let [go, to_go] = &found.translations[..] else { panic!("{found:?}") };
    assert_eq!((&*go.source, &*go.said), ("let's go", "vamos"));
    assert_eq!((&*to_go.source, &*to_go.said), ("to go", "ir"));
    // Two layers of two units, hidden and cell.
    assert!(go.context.len() == 8 && go.context != to_go.context);
}

#[test]
fn s9_without_the_root_softmax_saturates_as_it_widens() {
    let found = [16, 256, 1024].map(|width| scaled::measure(width, 42).unwrap());
    for width in found {
        let ratio = width.plain.variance / width.width as f64;
        assert!((0.7..1.4).contains(&ratio), "the variance is the width: {width:?}");
        assert!((0.7..1.4).contains(&width.scaled.variance), "{width:?}");
    }
    let [narrow, _, wide] = found;
    assert!(wide.plain.largest > 0.9 && wide.scaled.largest < 0.3, "{wide:?}");
    assert!(wide.plain.gradient < 0.5 * narrow.plain.gradient, "{found:?}");
    let steady = wide.scaled.gradient / narrow.scaled.gradient;
    assert!((0.7..1.4).contains(&steady), "{found:?}");
}

#[test]
fn s9_the_heads_learn_to_look_at_different_places() {
    let heads = scaled::learn_heads(42).unwrap();
    assert!(heads.loss < 1.8, "half of guessing: {}", heads.loss);
    for head in &heads.shares {
        for (place, shares) in head.iter().enumerate() {
            assert_close("a row", &[shares.iter().sum()], &[1.0], 1e-5);
            assert!(shares[place + 1..].iter().all(|share| *share == 0.0), "nothing ahead");
        }
    }
    let [one, other] = &heads.looks[..] else { panic!("{heads:?}") };
    let before = one[0].max(other[0]);
    let first = one[1].max(other[1]);
    assert!(before > 0.5 && first > 0.5, "{:?}", heads.looks);
}

#[test]
fn s10_without_positions_order_is_not_seen() {
    for positions in Positions::ALL {
        let found = compare(positions, 42).unwrap();
        if positions == Positions::None {
            assert!(found.words_apart < 1e-6 && found.means_apart < 1e-6, "{found:?}");
            assert!(found.loss > 0.693, "{found:?}");
        } else {
            assert!(found.words_apart > 1e-2 && found.loss < 0.05, "{found:?}");
        }
    }
}

#[test]
fn s11_perplexity_is_e_to_the_loss_and_sampling_cuts_as_it_says() {
    let found = sampling::find(&Options::default()).unwrap();
    let inverse = [found.mean_of_inverse];
    assert_close("perplexity", &inverse, &found.perplexities[2..], 1e-4);
    // Untrained it chooses among all characters alike.
    let untrained = found.perplexities[0] / found.vocabulary as f64;
    assert!((0.8..1.3).contains(&untrained), "{found:?}");
    assert!(found.losses[1] < 0.5 * found.losses[0], "{:?}", found.losses);
    let of = |drawn| found.written.iter().find(|written| written.drawn == drawn).unwrap();
    let plain = of(Drawn::Temperature(1.0));
    assert!(of(Drawn::Temperature(0.5)).entropy < plain.entropy);
    assert!(of(Drawn::Temperature(2.0)).entropy > plain.entropy);
    assert_eq!(of(Drawn::TopK(3)).possible, 3);
    assert!(of(Drawn::TopP(0.8)).possible < plain.possible);
    assert!(found.written.iter().all(|written| written.text.chars().count() == 48));
}

#[test]
fn hidden_words_are_told_by_their_neighbours() {
    let found = hidden::find(&Options::default()).unwrap();
    assert_close("shares", &found.shares, &[0.15, 0.8, 0.1, 0.1], 0.02);
    // The plateau of who knows only how often words come is left behind.
    assert!(found.losses[0] > found.guess && found.last < 0.7 * found.guess, "{found:?}");
    // A verb where a verb belongs, a noun where a noun does.
    let [verb, noun] = [&found.asked[0], &found.asked[1]].map(|asked| asked.verbs_and_nouns);
    assert!(verb[0] > 0.8 && noun[1] > 0.8, "{:?}", found.asked);
    let done = |done| found.sentence.iter().any(|word| word.done == done);
    assert!([Done::Masked, Done::Replaced, Done::Kept, Done::Nothing].into_iter().all(done));
}

#[test]
fn each_lesson_tells_its_numbers_in_both_languages() {
    for id in ["N24", "S1", "S2", "S3", "S5", "S6", "S7", "S9", "S10", "S11", "S12"] {
        let told = Lesson::find(id).unwrap().run(&Options::default()).unwrap();
        assert!(told.numbers.is_object() || told.numbers.is_array(), "{id}");
        let mut tables = 0;
        for part in &told.parts {
            match part {
                Part::Paragraph(words) => {
                    let korean = words.of(Language::Korean);
                    assert!(korean.chars().any(|c| ('가'..='힣').contains(&c)), "{id}: {korean}");
                    assert!(!words.of(Language::English).contains("NaN"), "{id}");
                }
                Part::Table(table) => {
                    tables += 1;
                    let wide = |row: &Vec<_>| row.len() == table.columns.len();
                    assert!(!table.rows.is_empty() && table.rows.iter().all(wide), "{id}");
                }
                Part::Chart(chart) => {
                    assert!((1..=3).contains(&chart.curves.len()), "{id}");
                    assert!(chart.curves.iter().all(|curve| curve.points.len() > 4), "{id}");
                }
                _ => {}
            }
        }
        assert!(tables > 0, "{id}");
    }
}
