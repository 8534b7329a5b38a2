//! How like the data rows are that a model made: closed forms, what must change nothing, and scipy's figures.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox::Latent;
use glassbox::data::{self, Dataset, Options, Targets};
use glassbox::engine::Array;
use glassbox::metrics::{Features, Gaussian, Likeness, Manifold};
use glassbox::train::{Model, Trainer};
use glassbox::zoo::{Autoencoder, Gan, Likelihood, Mlp};
use serde_json::Value;

/// Numbers without a pattern, about normal.
fn normals(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..count).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect()
}

/// A matrix whose columns are at right angles, by Gram and Schmidt.
fn rotation(width: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut found: Vec<Vec<f64>> = Vec::new();
    for mut next in normals(width * width, seed).chunks(width).map(<[f64]>::to_vec) {
        for _ in 0..2 {
            for known in &found {
                let along: f64 = known.iter().zip(&next).map(|(a, b)| a * b).sum();
                next.iter_mut().zip(known).for_each(|(x, k)| *x -= along * k);
            }
        }
        let length = next.iter().map(|x| x * x).sum::<f64>().sqrt();
        found.push(next.into_iter().map(|x| x / length).collect());
    }
    found
}

/// R C Rᵀ and R μ.
fn turned(mean: &[f64], covariance: &[f64], by: &[Vec<f64>]) -> Gaussian {
    let width = mean.len();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let half: Vec<Vec<f64>> =
        by.iter().map(|r| covariance.chunks(width).map(|line| dot(line, r)).collect()).collect();
    let mut both = vec![0.0; width * width];
    for one in 0..width {
        for other in 0..=one {
            both[one * width + other] = dot(&by[one], &half[other]);
            both[other * width + one] = both[one * width + other];
        }
    }
    Gaussian::new(by.iter().map(|r| dot(r, mean)).collect(), both).unwrap()
}

fn diagonal(mean: &[f64], deviations: &[f64]) -> Gaussian {
    let width = mean.len();
    let mut covariance = vec![0.0; width * width];
    (0..width).for_each(|i| covariance[i * (width + 1)] = deviations[i] * deviations[i]);
    Gaussian::new(mean.to_vec(), covariance).unwrap()
}

#[test]
fn the_distance_of_diagonal_distributions_is_the_closed_form_and_no_rotation_changes_it() {
    let (means, other_means) = ([0.0, 1.0, -2.0, 5.0], [0.5, 1.0, 1.0, 5.0]);
    // Along the last axis one of them does not vary at all.
    let (deviations, other_deviations) = ([1.0, 2.0, 0.1, 0.0], [3.0, 2.0, 0.4, 1.0]);
    let (one, other) = (diagonal(&means, &deviations), diagonal(&other_means, &other_deviations));
    let square = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let wanted = square(&means, &other_means) + square(&deviations, &other_deviations);
    assert!((one.frechet(&other).unwrap() - wanted).abs() < 1e-12);
    assert!((other.frechet(&one).unwrap() - wanted).abs() < 1e-12);
    assert!(one.frechet(&one).unwrap() < 1e-12);
    for seed in 1..6 {
        let by = rotation(4, seed);
        let [one, other] = [&one, &other].map(|of| turned(of.mean(), of.covariance(), &by));
        let found = one.frechet(&other).unwrap();
        assert!((found - wanted).abs() < 1e-7, "{found} {wanted}");
        assert!(one.frechet(&one).unwrap() < 1e-7);
    }
}

#[test]
fn covariances_that_do_not_commute_have_the_distance_of_their_turned_root() {
    // Of two dimensions tr √(AB) = √(tr(AB) + 2 √det(AB)).
    let (a, b) = ([2.0, 0.5, 0.5, 1.0], [1.0, -0.7, -0.7, 3.0]);
    let trace = a[0] * b[0] + a[1] * b[2] + a[2] * b[1] + a[3] * b[3];
    let det = |m: [f64; 4]| m[0] * m[3] - m[1] * m[2];
    let root = (trace + 2.0 * (det(a) * det(b)).sqrt()).sqrt();
    let wanted = 2.0 + 1.0 + 1.0 + 3.0 - 2.0 * root;
    let of = |m: [f64; 4]| Gaussian::new(vec![0.0; 2], m.to_vec()).unwrap();
    assert!((of(a).frechet(&of(b)).unwrap() - wanted).abs() < 1e-13);
}

#[test]
fn figures_are_those_of_scipy() {
    let all: Value = serde_json::from_str(include_str!("fixtures/likeness.json")).unwrap();
    let numbers = |value: &Value| -> Vec<f32> {
        value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
    };
    for case in all["cases"].as_array().unwrap() {
        let width = case["width"].as_u64().unwrap() as usize;
        let of = |name: &str| Features { numbers: numbers(&case[name]), width };
        let found = Likeness::of(&of("data"), &of("made")).unwrap();
        let wanted = |name: &str| case[name].as_f64().unwrap();
        let frechet = found.frechet_distance.unwrap();
        assert!((frechet / wanted("frechet") - 1.0).abs() < 1e-9, "{frechet}");
        assert_eq!(found.precision, Some(wanted("precision")));
        assert_eq!(found.recall, Some(wanted("recall")));
    }
}

#[test]
fn more_rows_than_a_block_and_rows_that_are_equal_are_counted_right() {
    let width = 3;
    let rows: Vec<f32> = normals(700 * width, 3).into_iter().map(|x| x as f32).collect();
    let manifold = Manifold::of(&rows, width, 3).unwrap();
    assert_eq!(manifold.share_of(&rows).unwrap(), Some(1.0));
    // Every ball of five equal rows reaches nowhere but to the row itself.
    let five = rows[..100 * width].chunks(width).flat_map(|row| row.repeat(5));
    let manifold = Manifold::of(&five.collect::<Vec<_>>(), width, 3).unwrap();
    assert_eq!(manifold.share_of(&rows).unwrap(), Some(100.0 / 700.0));
    // By hand, all pairs in f64.
    let square =
        |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    let (some, others) = rows.split_at(400 * width);
    let reach = |row: &[f32]| {
        let mut all: Vec<f64> = some.chunks(width).map(|other| square(row, other)).collect();
        all.sort_by(f64::total_cmp);
        all[3]
    };
    let balls: Vec<(&[f32], f64)> = some.chunks(width).map(|row| (row, reach(row))).collect();
    let within = |row: &&[f32]| balls.iter().any(|(middle, reach)| square(row, middle) <= *reach);
    let wanted = others.chunks(width).filter(within).count() as f64 / 300.0;
    let found = Manifold::of(some, width, 3).unwrap().share_of(others).unwrap();
    assert_eq!(found, Some(wanted));
}

#[test]
fn what_cannot_be_told_is_none_and_what_is_wrong_is_said() {
    let rows = |count: usize, width: usize| Features {
        numbers: normals(count * width, 1).into_iter().map(|x| x as f32).collect(),
        width,
    };
    // Four rows of four numbers: no covariance; three rows have no three neighbours each.
    let found = Likeness::of(&rows(4, 4), &rows(9, 4)).unwrap();
    assert_eq!((found.rows, found.frechet_distance), (9, None));
    assert!(found.precision.is_some() && found.recall.is_some());
    let found = Likeness::of(&rows(9, 4), &rows(3, 4)).unwrap();
    assert!(found.precision.is_some() && found.recall.is_none());
    let says = |error: glassbox::Error, what: &str| {
        let text = error.to_string();
        assert!(text.contains(what), "{text}");
    };
    says(Likeness::of(&rows(9, 4), &rows(9, 3)).unwrap_err(), "4 features beside rows of 3");
    says(Gaussian::fitted(&[1.0, 2.0, 3.0], 2).unwrap_err(), "not whole rows of 2");
    says(Gaussian::fitted(&[1.0, 2.0], 2).unwrap_err(), "two rows");
    says(Gaussian::fitted(&[1.0, f32::NAN], 1).unwrap_err(), "row 1: NaN is not finite");
    says(Gaussian::new(vec![0.0; 2], vec![1.0; 3]).unwrap_err(), "2 × 2");
    says(Gaussian::new(vec![0.0; 2], vec![1.0, 0.5, 0.1, 1.0]).unwrap_err(), "not symmetric");
    says(Manifold::of(&[1.0, 2.0], 1, 3).unwrap_err(), "2 rows have no 3 neighbours");
}

/// Digits, and a classifier of them.
fn classified() -> (Dataset, Model) {
    let digits = data::digits();
    let classifier = Trainer::new(Mlp::new([64, 32, 10])).epochs(20).fit(&digits).unwrap();
    (digits.into_rows::<&str>(&[]).unwrap(), classifier.into_model())
}

/// The rows of a part, up to so many.
fn rows(latent: &Latent, part: &data::Rows, most: usize) -> Vec<f32> {
    latent.gather(part, &(0..part.len().min(most)).collect::<Vec<_>>()).unwrap().0
}

#[test]
fn a_model_that_learned_more_makes_rows_that_are_more_like_the_data() {
    let (digits, classifier) = classified();
    let model = Autoencoder::new(&[8, 8, 1], 8).likelihood(Likelihood::Bernoulli).variational(1.0);
    let learn = |epochs| {
        let run = Trainer::new(model.clone()).epochs(epochs).batch(64).fit(&digits).unwrap();
        run.latent(model.clone())
    };
    let (little, much) = (learn(1), learn(60));
    let data = much.features(&rows(&much, &digits.test, usize::MAX), &classifier).unwrap();
    assert_eq!((data.rows(), data.width), (digits.test.len(), 32));
    let likeness =
        |rows: &[f32]| Likeness::of(&data, &much.features(rows, &classifier).unwrap()).unwrap();
    let [little, much] =
        [&little, &much].map(|latent| likeness(&latent.sample(300, None, 5).unwrap()));
    let known = likeness(&rows(&learn(1), &digits.train, 300));
    let distances = [known, much, little].map(|of| of.frechet_distance.unwrap());
    assert!(distances.is_sorted() && distances[2] > 1.3 * distances[1], "{distances:?}");
    assert!(known.precision > much.precision && much.precision > little.precision);
    assert!(known.recall > much.recall && known.recall > little.recall, "{known:?} {much:?}");
}

#[test]
fn features_are_what_the_last_layer_reads_and_follow_from_the_rows_alone() {
    let (digits, classifier) = classified();
    let gan = Gan::new(&[8, 8, 1], 4).discriminator(&[16]).bounded(true);
    let latent = Trainer::new(gan.clone()).epochs(1).fit(&digits).unwrap().latent(gan);
    let all = rows(&latent, &digits.test, 300);
    let features = latent.features(&all, &classifier).unwrap();
    // ReLU behind the hidden layer; the same row gives the same bits in any company.
    assert!(features.numbers.iter().all(|x| *x >= 0.0));
    let one = latent.features(&all[64 * 7..64 * 8], &classifier).unwrap();
    assert_eq!(one.numbers, features.numbers[32 * 7..32 * 8]);
    // A model of other rows cannot read these.
    let narrow = Array::new([60, 3], vec![0.5f32; 180]).unwrap();
    let labels = Targets::Classes((0..60).map(|row| row % 2).collect());
    let other = Dataset::from_arrays(narrow, labels, &Options::default()).unwrap();
    let other = Trainer::new(Mlp::new([3, 2])).epochs(1).fit(&other).unwrap().into_model();
    let error = latent.features(&all, &other).unwrap_err().to_string();
    assert!(error.contains("train it on the same data"), "{error}");
}
