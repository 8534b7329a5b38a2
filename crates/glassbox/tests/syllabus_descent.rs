//! Syllabus N1 (derivative, power rule, tangent), N5 (gradient descent on one parameter and on two,
//! fixture F9, brute force beside it, rates) and N6 (full-batch, stochastic and mini-batch descent).
//! Every number is read from recorded graphs, in f32 by a session and in f64 by the reference.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::engine::{DType, Distribution, Graph, Mode, Parameters, Tensor, grad};
use glassbox::nn::{Initial, Loss, Optimizer, linear, seed, step};
use support::steps::{InReference, InSession, Steps, assert_close, assert_prints, both, values};

/// A few places on the number line, 0 among them.
const PLACES: [f64; 8] = [-3.0, -1.5, -0.1, 0.0, 0.25, 1.0, 2.0, 7.5];

#[test]
fn n1_the_slope_of_the_square_is_twice_x_and_its_slope_is_2() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [8]);
    let slope = grad((x * x).sum(), &[x])[0];
    let second = grad(slope.sum(), &[x])[0];
    let third = grad(second.sum(), &[x])[0];
    let outputs = [slope, second, third, grad(x.square().sum(), &[x])[0]];
    let inputs = values(&[("x", &[8], &PLACES)]);
    for run in both(&graph, &inputs, &Parameters::new(), &outputs) {
        assert_close("d(x·x)/dx", &run[0], &PLACES.map(|x| 2.0 * x), 1e-6);
        assert_eq!(run[1], [2.0; 8], "d²(x²)/dx²");
        assert_eq!(run[2], [0.0; 8], "d³(x²)/dx³");
        assert_eq!(run[3], run[0], "the op `square` and the product have one derivative");
    }
}

#[test]
fn n1_the_power_rule_holds_for_every_power() {
    for n in 1..=6 {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [8]);
        let power = (1..n).fold(x, |product, _| product * x);
        let slope = grad(power.sum(), &[x])[0];
        let inputs = values(&[("x", &[8], &PLACES)]);
        let expected = PLACES.map(|x| f64::from(n) * x.powi(n - 1));
        for run in both(&graph, &inputs, &Parameters::new(), &[slope]) {
            assert_close(&format!("dx^{n}/dx"), &run[0], &expected, 1e-6);
        }
    }
    // Where powers are not whole x must be above 0.
    let positive = [0.25, 1.0, 2.0, 7.5];
    for n in [-2.0, -0.5, 0.5, 1.7] {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [4]);
        let slope = grad(x.pow(x.full_like(n)).sum(), &[x])[0];
        let inputs = values(&[("x", &[4], &positive)]);
        for run in both(&graph, &inputs, &Parameters::new(), &[slope]) {
            let expected = positive.map(|x: f64| n * x.powf(n - 1.0));
            assert_close(&format!("dx^{n}/dx"), &run[0], &expected, 1e-5);
        }
    }
}

#[test]
fn n1_the_tangent_touches_the_parabola_at_one_point_and_lies_below_elsewhere() {
    let graph = Graph::new();
    let [a, x] = [("a", 8), ("x", 41)].map(|(name, n)| graph.input(name, DType::F32, [n]));
    let slope = grad(a.square().sum(), &[a])[0];
    // One row for each place of contact.
    let tangent = a.square().reshape([8, 1]) + slope.reshape([8, 1]) * (x - a.reshape([8, 1]));
    let gap = x.square() - tangent;
    let along: Vec<f64> = (0..41).map(|i| f64::from(i) * 0.5 - 10.0).collect();
    let at = [-10.0, -2.5, -0.5, 0.0, 0.5, 1.0, 4.0, 10.0];
    let inputs = values(&[("a", &[8], &at), ("x", &[41], &along)]);
    for run in both(&graph, &inputs, &Parameters::new(), &[gap]) {
        for (row, a) in run[0].chunks(41).zip(at) {
            // x² − (a² + 2a(x − a)) = (x − a)²: halves and their squares are exact in f32.
            let expected: Vec<f64> = along.iter().map(|x| (x - a).powi(2)).collect();
            assert_eq!(row, expected, "the gap to the tangent at {a}");
            assert_eq!(row.iter().filter(|gap| **gap == 0.0).count(), 1, "it touches once");
        }
    }
}

/// Fixture F9, and the learning rate.
fn f9(rate: f64) -> Parameters {
    values(&[("x", &[3, 1], &X), ("observed", &[3, 1], &OBSERVED), ("rate", &[], &[rate])])
}

const X: [f64; 3] = [0.5, 2.3, 2.9];
const OBSERVED: [f64; 3] = [1.4, 1.9, 3.2];

/// The intercept and the slope of least squares for F9, by its normal equations.
const BEST: [f64; 2] = [37.0 / 39.0, 25.0 / 39.0];

fn start(intercept: f64, slope: f64) -> Parameters {
    values(&[("line/bias", &[1], &[intercept]), ("line/weight", &[1, 1], &[slope])])
}

/// A straight line's sum of squared residuals on F9, and gradient descent on `paths` alone.
fn descent<'g>(graph: &'g Graph, paths: &[&str]) -> Tensor<'g> {
    let at = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [3, 1]);
    let observed = graph.input("observed", DType::F32, [3, 1]);
    let line = linear(at.child("line"), x, 1, Initial::Zeros);
    let loss = Loss::SumOfSquares.of(at.child("loss"), line, observed);
    let trained = paths.iter().map(|&p| (p.to_string(), graph.current(p).unwrap())).collect();
    let rate = graph.input("rate", DType::F32, []);
    Optimizer::GRADIENT_DESCENT.update(at.child("optimizer"), loss, trained, rate, step(graph));
    loss
}

const BOTH: [&str; 2] = ["line/bias", "line/weight"];

fn place(training: &dyn Steps) -> [f64; 2] {
    BOTH.map(|path| training.value(path)[0])
}

/// Descends until every step is 0.001 at most, or 1000 were made: the places after each update.
fn until_the_steps_are_small(training: &mut dyn Steps) -> Vec<[f64; 2]> {
    let mut path = Vec::new();
    let mut before = place(training);
    for _ in 0..1000 {
        training.step();
        let now = place(training);
        path.push(now);
        if (0..2).all(|i| (now[i] - before[i]).abs() <= 0.001) {
            break;
        }
        before = now;
    }
    path
}

#[test]
fn n5_descent_on_the_intercept_takes_the_printed_path_in_eight_updates() {
    let graph = Graph::new();
    let loss = descent(&graph, &["line/bias"]);
    let (data, start) = (f9(0.1), start(0.0, 0.64));
    let mut session = InSession::new(&graph, &data, &start, &[loss]);
    let mut reference = InReference::new(&graph, &data, &start, &[loss]);
    for training in [&mut session as &mut dyn Steps, &mut reference] {
        let path = until_the_steps_are_small(training);
        assert_eq!(path.len(), 8);
        for (update, printed) in [(1, "0.57"), (2, "0.80"), (8, "0.95")] {
            assert_prints(&format!("after update {update}"), path[update - 1][0], printed);
        }
        // The steps shrink with the slope, by one share each: 1 − 2 · rate · 3 rows.
        for three in path.windows(3) {
            let share = (three[2][0] - three[1][0]) / (three[1][0] - three[0][0]);
            assert!((share - 0.4).abs() < 1e-3, "{share}");
        }
        assert!(path.iter().all(|[_, slope]| (slope - 0.64).abs() < 1e-7), "the slope is held");
    }
}

#[test]
fn n5_descent_on_both_stops_at_update_207_and_is_not_there_yet() {
    let graph = Graph::new();
    let loss = descent(&graph, &BOTH);
    let (data, start) = (f9(0.01), start(0.0, 1.0));
    let mut session = InSession::new(&graph, &data, &start, &[loss]);
    let mut reference = InReference::new(&graph, &data, &start, &[loss]);
    for training in [&mut session as &mut dyn Steps, &mut reference] {
        let path = until_the_steps_are_small(training);
        assert_eq!(path.len(), 207, "the rule stops it");
        assert_prints("intercept where the rule stops", path[206][0], "0.862");
        assert_prints("slope where the rule stops", path[206][1], "0.678");
        training.losses(1000 - 208);
        let [intercept, slope] = place(training);
        assert_prints("intercept after 1000 updates", intercept, "0.949");
        assert_prints("slope after 1000 updates", slope, "0.641");
        assert_close("least squares", &[intercept, slope], &BEST, 2e-5);
        assert!((path[206][0] - BEST[0]).abs() > 0.08, "small steps are not the end of the way");
    }
}

/// Every pair of these intercepts and slopes on F9: the lowest's place, and how many were evaluated.
fn brute_force(intercepts: &[f64], slopes: &[f64]) -> [([f64; 2], usize); 2] {
    let (n, m) = (intercepts.len(), slopes.len());
    let graph = Graph::new();
    let at = |name, shape: &[usize]| graph.input(name, DType::F32, shape.to_vec());
    let (x, observed) = (at("x", &[3]), at("observed", &[3]));
    let (intercept, slope) = (at("intercepts", &[n, 1, 1]), at("slopes", &[1, m, 1]));
    let surface = (observed - (intercept + slope * x)).square().sum_axis(-1);
    let lowest = surface.reshape([n * m]).argmin(0);
    let inputs = values(&[
        ("x", &[3], &X),
        ("observed", &[3], &OBSERVED),
        ("intercepts", &[n, 1, 1], intercepts),
        ("slopes", &[1, m, 1], slopes),
    ]);
    both(&graph, &inputs, &Parameters::new(), &[lowest, surface]).map(|run| {
        let lowest = run[0][0] as usize;
        ([intercepts[lowest / m], slopes[lowest % m]], run[1].len())
    })
}

#[test]
fn n5_brute_force_needs_many_more_evaluations_for_less() {
    let hundredths: Vec<f64> = (0..=200).map(|i| f64::from(i) / 100.0).collect();
    for (lowest, evaluations) in brute_force(&hundredths, &[0.64]) {
        assert_eq!((lowest, evaluations), ([0.95, 0.64], 201), "descent took 8 slopes");
    }
    for (lowest, evaluations) in brute_force(&hundredths, &hundredths) {
        assert_eq!((lowest, evaluations), ([0.95, 0.64], 40_401));
        let off = |place: [f64; 2]| (place[0] - BEST[0]).abs().max((place[1] - BEST[1]).abs());
        // Descent's 1000 slopes come nearer than the grid's own spacing lets it.
        let graph = Graph::new();
        let loss = descent(&graph, &BOTH);
        let mut training = InSession::new(&graph, &f9(0.01), &start(0.0, 1.0), &[loss]);
        training.losses(999);
        assert!(off(place(&training)) < off(lowest) / 50.0, "{:?}", place(&training));
    }
}

#[test]
fn n5_a_rate_is_too_small_right_or_too_large() {
    let graph = Graph::new();
    let loss = descent(&graph, &BOTH);
    let (in_f32, in_f64) = (
        |rate| InSession::new(&graph, &f9(rate), &start(0.0, 1.0), &[loss]).losses(1000),
        |rate| InReference::new(&graph, &f9(rate), &start(0.0, 1.0), &[loss]).losses(1000),
    );
    let least = X.iter().zip(OBSERVED).map(|(x, y)| (y - BEST[0] - BEST[1] * x).powi(2));
    let least: f64 = least.sum();
    let falls = |losses: &[f64]| losses.windows(2).all(|pair| pair[1] <= pair[0] + 1e-6);
    for losses in [in_f32(0.0001), in_f64(0.0001)] {
        assert!(falls(&losses), "too small: it falls");
        assert!(losses[1000] > 2.0 * least, "and after 1000 updates is far off: {}", losses[1000]);
    }
    for losses in [in_f32(0.01), in_f64(0.01)] {
        assert!(falls(&losses) && losses[1000] < least + 1e-5, "right: {}", losses[1000]);
    }
    for losses in [in_f32(0.07), in_f64(0.07)] {
        assert!(losses[60] > 1e6 * losses[0], "too large: {}", losses[60]);
    }
}

#[test]
fn n5_the_largest_rate_is_two_by_the_largest_curvature() {
    let graph = Graph::new();
    let loss = descent(&graph, &BOTH);
    let held = BOTH.map(|path| graph.state(path).unwrap());
    let slopes = grad(loss, &held);
    let curvatures: Vec<Tensor<'_>> =
        slopes.iter().flat_map(|slope| grad(slope.sum(), &held)).collect();
    let (data, start) = (f9(0.0), start(0.0, 1.0));
    let largest = both(&graph, &data, &start, &curvatures).map(|run| {
        let [aa, ab, ba, bb] = [0, 1, 2, 3].map(|i| run[i][0]);
        assert_eq!(ab, ba, "the order of differentiation does not matter");
        // The larger eigenvalue of [[aa, ab], [ab, bb]].
        (aa + bb) / 2.0 + ((aa - bb) / 2.0).hypot(ab)
    });
    for largest in largest {
        let after = |rate| InSession::new(&graph, &f9(rate), &start, &[loss]).losses(800)[800];
        assert!(after(1.97 / largest) < 0.5, "just below 2/{largest} it arrives");
        assert!(after(2.03 / largest) > 1e6, "just above it goes away");
    }
}

/// How many of N6's rows a step looks at.
#[derive(Clone, Copy, PartialEq)]
enum Looks {
    AtAll,
    /// Drawn with replacement.
    AtOne,
    /// Drawn without.
    At(usize),
}

const ROWS: usize = 32;

/// 32 observations of 2x + 1, each off by a fixed amount in −0.5..0.5.
fn noisy_line() -> (Vec<f64>, Vec<f64>) {
    let x: Vec<f64> = (0..ROWS).map(|i| -1.0 + 2.0 * i as f64 / 31.0).collect();
    let off = |i: usize| (i as f64 * 0.618_034).fract() - 0.5;
    let y = x.iter().enumerate().map(|(i, x)| 2.0 * x + 1.0 + off(i)).collect();
    (x, y)
}

/// The intercept and the slope of least squares.
fn least_squares(x: &[f64], y: &[f64]) -> [f64; 2] {
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let together: f64 = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let alone: f64 = x.iter().map(|x| (x - mean_x).powi(2)).sum();
    let slope = together / alone;
    [mean_y - slope * mean_x, slope]
}

const UPDATES: usize = 400;

/// Descent at rate 0.1 from (0, 0): the mean squared residual of all rows before each update, and
/// the places after the updates.
type Trace = (Vec<f64>, Vec<[f64; 2]>);

fn traces(looks: Looks, seed_of_draws: f64) -> [Trace; 2] {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [ROWS, 1]);
    let observed = graph.input("observed", DType::F32, [ROWS, 1]);
    let residuals = (observed - linear(at.child("line"), x, 1, Initial::Zeros)).square();
    let draw =
        |n: usize| at.child("draw").random(Distribution::Uniform, [n], seed(&graph), step(&graph));
    let looked_at = match looks {
        Looks::AtAll => residuals,
        Looks::AtOne => residuals.gather((draw(1) * ROWS as f64).floor().cast(DType::I64)),
        Looks::At(rows) => residuals.gather(draw(ROWS).argsort(0).slice(0, 0..rows)),
    };
    let (rate, step) = (graph.input("rate", DType::F32, []), step(&graph));
    let descent = Optimizer::GRADIENT_DESCENT;
    descent.update(at.child("optimizer"), looked_at.mean(), graph.parameters(), rate, step);
    let (xs, ys) = noisy_line();
    let inputs = values(&[
        ("x", &[ROWS, 1], &xs),
        ("observed", &[ROWS, 1], &ys),
        ("rate", &[], &[0.1]),
        ("seed", &[], &[seed_of_draws]),
    ]);
    let (start, all) = (start(0.0, 0.0), residuals.mean());
    let follow = |training: &mut dyn Steps| {
        let updates = (0..UPDATES).map(|_| (training.step()[0][0], place(training)));
        updates.unzip()
    };
    [
        follow(&mut InSession::new(&graph, &inputs, &start, &[all])),
        follow(&mut InReference::new(&graph, &inputs, &start, &[all])),
    ]
}

/// How far the places of the last 100 updates are from least squares, the root of the mean square.
fn wobble(places: &[[f64; 2]]) -> f64 {
    let (x, y) = noisy_line();
    let best = least_squares(&x, &y);
    let last = &places[UPDATES - 100..];
    let squares = last.iter().map(|p| (p[0] - best[0]).powi(2) + (p[1] - best[1]).powi(2));
    (squares.sum::<f64>() / 100.0).sqrt()
}

fn rises(losses: &[f64]) -> usize {
    losses.windows(2).filter(|pair| pair[1] > pair[0] + 1e-6).count()
}

#[test]
fn n6_all_three_kinds_arrive_and_the_fewer_rows_a_step_the_more_it_wobbles() {
    for seed in [1.0, 2.0, 3.0] {
        let [full, one, eight] = [Looks::AtAll, Looks::AtOne, Looks::At(8)].map(|looks| {
            traces(looks, seed).map(|(losses, places)| (losses, wobble(&places), places))
        });
        for in_type in 0..2 {
            let [full, one, eight] = [&full, &one, &eight].map(|traces| &traces[in_type]);
            assert!(full.1 < 1e-4, "full batch: {}", full.1);
            assert_eq!(rises(&full.0), 0, "full batch: the loss never rises");
            assert!(eight.1 > 100.0 * full.1 && eight.1 < 0.15, "mini-batch: {}", eight.1);
            assert!(one.1 > 1.5 * eight.1 && one.1 < 0.4, "stochastic: {}", one.1);
            assert!(rises(&one.0) > 100, "one row at a time, the loss of all rows often rises");
            // All begin at the same loss.
            assert!(full.0[0] == one.0[0] && one.0[0] == eight.0[0]);
        }
    }
}

#[test]
fn n6_the_same_seed_gives_the_same_trace_to_the_bit_and_another_seed_another() {
    let bits = |(losses, places): &Trace| {
        let numbers = losses.iter().chain(places.iter().flatten());
        numbers.map(|number| number.to_bits()).collect::<Vec<u64>>()
    };
    for looks in [Looks::AtAll, Looks::AtOne, Looks::At(8)] {
        let [one, again, other] = [7.0, 7.0, 8.0].map(|seed| traces(looks, seed));
        for in_type in 0..2 {
            let [one, again, other] = [&one, &again, &other].map(|t| bits(&t[in_type]));
            assert_eq!(one, again);
            assert_eq!(one == other, looks == Looks::AtAll, "only draws depend on the seed");
        }
        // The reference draws the same rows as the session.
        assert!(one[0].1.iter().zip(&one[1].1).all(|(a, b)| (a[0] - b[0]).abs() < 1e-5));
    }
}

#[test]
fn n6_one_row_drawn_with_replacement_meets_some_rows_twice_before_others_once() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train).child("draw");
    let drawn = at.random(Distribution::Uniform, [1], seed(&graph), step(&graph));
    let row = (drawn * ROWS as f64).floor();
    let inputs = values(&[("seed", &[], &[1.0])]);
    let mut session = InSession::new(&graph, &inputs, &Parameters::new(), &[row]);
    let mut met = [0; ROWS];
    for _ in 0..ROWS {
        met[session.step()[0][0] as usize] += 1;
    }
    // 32 draws of 32 rows leave out a share of 1/e on average.
    assert!(met.contains(&0) && met.iter().any(|times| *times > 1), "{met:?}");
    for _ in ROWS..100 * ROWS {
        met[session.step()[0][0] as usize] += 1;
    }
    // Each row 100 times, give or take five times √100.
    assert!(met.iter().all(|times| (50..=150).contains(times)), "{met:?}");
}
