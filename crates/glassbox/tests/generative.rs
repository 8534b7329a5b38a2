//! Models that learn the rows themselves: autoencoders, plain and variational.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use std::sync::atomic::AtomicBool;

use glassbox::Latent;
use glassbox::data::{self, Dataset, Options, Targets, Task};
use glassbox::engine::{Array, DType, Graph, Mode, Parameters, Session, grad};
use glassbox::nn::{self, Activation, Optimizer};
use glassbox::train::config::{Amount, ModelKind, Named, RunConfig, Sizes};
use glassbox::train::folder::RunFolder;
use glassbox::train::{Damage, Half, Job, KnownRows, Trainer};
use glassbox::watch::Alarm;
use glassbox::zoo::{Autoencoder, Likelihood};

fn digits() -> Dataset {
    data::digits().into_rows::<&str>(&[]).unwrap()
}

/// Normal numbers `[rows, 6]` that vary most in two directions, centred.
fn plane() -> (Vec<f64>, Dataset) {
    let rows = 600;
    let mut state = 1u64;
    let mut uniform = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut normal = || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
    let directions = [[0.8, 0.1, -0.4, 0.3, 0.2, 0.2], [0.1, -0.7, 0.2, 0.5, -0.3, 0.3]];
    let mut numbers: Vec<f64> = Vec::new();
    for _ in 0..rows {
        let (a, b) = (3.0 * normal(), 2.0 * normal());
        for (one, other) in directions[0].iter().zip(directions[1]) {
            numbers.push(a * one + b * other + 0.3 * normal());
        }
    }
    for column in 0..6 {
        let mean = numbers.iter().skip(column).step_by(6).sum::<f64>() / rows as f64;
        numbers.iter_mut().skip(column).step_by(6).for_each(|x| *x -= mean);
    }
    let floats: Vec<f32> = numbers.iter().map(|x| *x as f32).collect();
    let inputs = Array::new([rows, 6], floats).unwrap();
    let options = Options { valid: Some(0.0), test: Some(0.0), ..Options::default() };
    let values = Targets::Values((0..rows).map(|row| row as f32).collect());
    let data = Dataset::from_arrays(inputs, values, &options).unwrap();
    (numbers, data.into_rows::<&str>(&[]).unwrap())
}

/// The two principal directions of centred rows `[rows, width]`, by power iteration.
fn principal(numbers: &[f64], width: usize) -> [Vec<f64>; 2] {
    let product = |v: &[f64]| {
        let mut out = vec![0.0; width];
        for row in numbers.chunks_exact(width) {
            let along: f64 = row.iter().zip(v).map(|(x, v)| x * v).sum();
            out.iter_mut().zip(row).for_each(|(out, x)| *out += along * x);
        }
        out
    };
    let mut found: Vec<Vec<f64>> = Vec::new();
    for start in 0..2 {
        let mut v: Vec<f64> = (0..width).map(|i| 1.0 + (i * (start + 1)) as f64).collect();
        for _ in 0..500 {
            v = product(&v);
            for other in &found {
                let along: f64 = v.iter().zip(other).map(|(a, b)| a * b).sum();
                v.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
            }
            let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
            v.iter_mut().for_each(|x| *x /= length);
        }
        found.push(v);
    }
    [found[0].clone(), found[1].clone()]
}

#[test]
fn a_linear_autoencoder_spans_the_plane_of_the_principal_components() {
    let (numbers, data) = plane();
    let model = Autoencoder::new(&[6], 2);
    let run = Trainer::new(model.clone())
        .optimizer(Optimizer::ADAM.with_lr(0.01))
        .epochs(60)
        .fit(&data)
        .unwrap();
    // What is made of any code lies in the plane of the decoder's two rows.
    let latent = run.latent(model);
    let made = latent.decode(&[0.0, 0.0, 1.0, 0.0, 0.0, 1.0], None).unwrap();
    let of = |row: usize| -> Vec<f64> {
        (0..6).map(|at| f64::from(made[row * 6 + at] - made[at])).collect()
    };
    let (u, mut v) = (of(1), of(2));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let along = dot(&u, &v) / dot(&u, &u);
    v.iter_mut().zip(&u).for_each(|(v, u)| *v -= along * u);
    // The smallest cosine of a principal angle is the least length of a principal direction's shadow.
    for direction in principal(&numbers, 6) {
        let shadow =
            dot(&direction, &u).powi(2) / dot(&u, &u) + dot(&direction, &v).powi(2) / dot(&v, &v);
        assert!(shadow.sqrt() > 0.999, "{shadow}");
    }
    // Another code is needed for what lies outside.
    let error = run.evaluate(&data.train).unwrap();
    assert!(error.metrics["loss"] < 0.2 * error.baseline["loss"], "{error}");
}

#[test]
fn the_closed_form_of_the_divergence_is_what_a_million_draws_say() {
    let count = 1_000_000;
    let graph = Graph::new();
    let at = graph.root(Mode::Eval);
    let noise = nn::normal(at.child("draws"), &[count, 1]);
    let (mean, log_variance) = (noise.full_like(0.7), noise.full_like(-0.8));
    let z = mean + noise * (log_variance * 0.5).exp();
    // ln q(z) − ln p(z), in the mean over draws from q.
    let sampled = ((z.square() - noise.square() - log_variance) * 0.5).mean();
    let closed = nn::divergence(mean, log_variance).mean();
    let mut inputs = Parameters::new();
    for name in ["seed", "step"] {
        inputs.insert(name, Array::new([0usize; 0], vec![3i64]).unwrap());
    }
    let mut session = Session::new(Default::default()).unwrap();
    let found = session.evaluate(&graph, &inputs, &[sampled, closed]).unwrap();
    let [sampled, closed] = [0, 1].map(|at| f64::from(found[at].as_f32().unwrap()[0]));
    let by_hand = -0.5 * (1.0 - 0.8 - 0.49 - (-0.8f64).exp());
    assert!((closed - by_hand).abs() < 1e-5, "{closed} {by_hand}");
    assert!((sampled / closed - 1.0).abs() < 0.01, "{sampled} {closed}");
}

#[test]
fn a_plain_sample_passes_no_gradient_and_the_reparameterised_one_does() {
    let graph = Graph::new();
    let mean = graph.input("mean", DType::F32, [4, 2]);
    let s = graph.input("log_variance", DType::F32, [4, 2]);
    let noise = nn::normal(graph.root(Mode::Train).child("draws"), &[4, 2]);
    let z = mean + noise * (s * 0.5).exp();
    let plain = z.detach();
    let through = grad(z.square().sum(), &[mean, s]);
    let stopped = grad(plain.square().sum(), &[mean, s]);
    let mut inputs = Parameters::new();
    inputs.insert("mean", Array::new([4, 2], vec![0.5f32; 8]).unwrap());
    inputs.insert("log_variance", Array::new([4, 2], vec![-1.0f32; 8]).unwrap());
    for name in ["seed", "step"] {
        inputs.insert(name, Array::new([0usize; 0], vec![1i64]).unwrap());
    }
    let mut session = Session::new(Default::default()).unwrap();
    let wanted = [z, noise, through[0], through[1], stopped[0], stopped[1]];
    let found = session.evaluate(&graph, &inputs, &wanted).unwrap();
    let numbers = |at: usize| found[at].as_f32().unwrap();
    for at in 0..8 {
        let (z, noise) = (numbers(0)[at], numbers(1)[at]);
        // d z²/dμ = 2z; d z²/ds = 2z · ε σ/2.
        assert!((numbers(2)[at] - 2.0 * z).abs() < 1e-5);
        assert!((numbers(3)[at] - z * noise * (-0.5f32).exp()).abs() < 1e-5);
        assert_eq!((numbers(4)[at], numbers(5)[at]), (0.0, 0.0));
    }
}

fn vae(path: &str) -> RunConfig {
    let mut config = RunConfig::new(path);
    let named = Named::from_word("vae").unwrap();
    config.model.kind = ModelKind::Named(named);
    config.model.choices = named.family.defaults;
    config.model.choices.encoder = Sizes::of(&[32]);
    config.model.choices.code = 3;
    config.model.choices.likelihood = Likelihood::Bernoulli;
    config.model.choices.kl_warmup = 20;
    config.train.batch = Amount::Exactly(100);
    config.train.epochs = 2;
    config
}

#[test]
fn a_run_stopped_after_every_step_learns_the_same_bits_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let go_on = AtomicBool::new(false);
    let mut config = vae("digits");
    let weights = |name: &str| {
        let run = RunFolder::view(&folder.path().join(name)).unwrap();
        run.checkpoints().last().unwrap().unwrap().0.model
    };
    for (name, threads) in [("one", 1), ("two", 2)] {
        config.train.threads = Amount::Exactly(threads);
        let run = RunFolder::create_at(&folder.path().join(name), &config).unwrap();
        Job::from_config(config.clone()).unwrap().train(&run, &mut |_| {}, &go_on).unwrap();
    }
    assert_eq!(weights("one"), weights("two"));
    let path = folder.path().join("parts");
    let run = RunFolder::create_at(&path, &config).unwrap();
    let stop = AtomicBool::new(true);
    let job = Job::from_config(config).unwrap();
    let mut ending = job.train(&run, &mut |_| {}, &stop).unwrap().ending;
    drop(run);
    let mut stops = 0;
    while ending == glassbox::train::event::Ending::Interrupted {
        stops += 1;
        let run = RunFolder::resume(&path).unwrap();
        ending = Job::resume(&run, &mut |_| {}, &stop).unwrap().ending;
    }
    assert!(stops > 20, "{stops}");
    assert_eq!(weights("two"), weights("parts"));
    // What is made of a run is the same for the same seed.
    let latent = Latent::load(&path).unwrap();
    let (one, same) = (latent.sample(5, None, 7).unwrap(), latent.sample(5, None, 7).unwrap());
    assert_eq!(one, same);
    assert_ne!(one, latent.sample(5, None, 8).unwrap());
}

#[test]
fn more_draws_bring_the_estimate_of_the_likelihood_nearer_from_below() {
    let data = digits();
    let model = Autoencoder::new(&[8, 8, 1], 4)
        .encoder(&[64])
        .likelihood(Likelihood::Bernoulli)
        .variational(1.0);
    let run = Trainer::new(model.clone()).epochs(20).batch(100).fit(&data).unwrap();
    let bound = -run.evaluate(&data.test).unwrap().metrics["loss"];
    let latent = run.latent(model);
    let (rows, _) = latent.gather(&data.test, &(0..data.test.len()).collect::<Vec<_>>()).unwrap();
    let mean = |draws: usize| {
        let found = latent.log_likelihood(&rows, None, draws, 1).unwrap();
        found.iter().sum::<f64>() / found.len() as f64
    };
    let (one, many) = (mean(1), mean(50));
    // One draw is the bound itself, with its noise.
    assert!((one - bound).abs() < 0.5, "{one} {bound}");
    assert!(many > one + 0.2, "{one} {many}");
    assert!(many < 0.0);
}

#[test]
fn a_model_that_is_told_of_classes_makes_rows_of_the_class() {
    let data = digits();
    let model = Autoencoder::new(&[8, 8, 1], 2)
        .encoder(&[64])
        .likelihood(Likelihood::Bernoulli)
        .variational(1.0)
        .conditional(10);
    let run = Trainer::new(model.clone()).epochs(30).batch(64).fit(&data).unwrap();
    let latent = run.latent(model);
    let mean_of = |label: i64| {
        let labels = data.train.labels().unwrap();
        let rows: Vec<usize> = (0..labels.len()).filter(|row| labels[*row] == label).collect();
        let (numbers, _) = latent.gather(&data.train, &rows).unwrap();
        (0..64)
            .map(|at| numbers.iter().skip(at).step_by(64).sum::<f32>() / rows.len() as f32)
            .collect::<Vec<f32>>()
    };
    let means: Vec<Vec<f32>> = (0..10).map(mean_of).collect();
    let apart = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
    let mut right = 0;
    for label in 0..10 {
        let made = latent.sample(20, Some(label), 5).unwrap();
        for row in made.chunks_exact(64) {
            let nearest =
                (0..10).min_by(|a, b| apart(row, &means[*a]).total_cmp(&apart(row, &means[*b])));
            right += usize::from(nearest == Some(label as usize));
        }
    }
    assert!(right > 150, "{right} of 200");
    let error = latent.encode(&[0.0; 64], None).unwrap_err().to_string();
    assert!(error.contains("each row needs its label"), "{error}");
}

#[test]
fn a_class_that_was_left_out_is_odd_and_what_is_hidden_is_repaired() {
    let data = data::digits().into_rows(&["0"]).unwrap();
    let model = Autoencoder::new(&[8, 8, 1], 8)
        .encoder(&[64])
        .activation(Activation::Relu)
        .likelihood(Likelihood::Bernoulli);
    let run = Trainer::new(model.clone()).epochs(60).batch(64).fit(&data).unwrap();
    let latent = run.latent(model);
    let rows = KnownRows::of(&data.test, usize::MAX).unwrap();
    let found = latent.anomalies(&data, &["0".to_string()], &rows, 0.05).unwrap();
    assert!(found.roc_auc.unwrap() > 0.8, "{:?}", found.roc_auc);
    let odd = |class: &str| {
        let class = found.classes.iter().find(|found| found.name == class).unwrap();
        class.odd as f64 / class.rows as f64
    };
    assert!(odd("0") > 3.0 * odd("1"), "{:?}", found.classes);
    let usual = found.classes.iter().filter(|class| !class.left_out);
    let (odd, all) = usual.fold((0, 0), |(odd, all), class| (odd + class.odd, all + class.rows));
    assert!((odd as f64 / all as f64) < 0.15, "{odd} of {all}");

    let (rows, _) = latent.gather(&data.train, &[0, 1, 2, 3, 4, 5, 6, 7]).unwrap();
    for damage in [Damage::Hidden(Half::Left), Damage::Noise(0.3), Damage::Share(0.3)] {
        let found = latent.repair(&rows, None, damage, 1).unwrap();
        assert!(found.error_after < found.error_before, "{damage:?}");
        assert_eq!(found, latent.repair(&rows, None, damage, 1).unwrap());
    }
    // What is not hidden stays as it is.
    let found = latent.repair(&rows, None, Damage::Hidden(Half::Top), 1).unwrap();
    for (at, (whole, repaired)) in rows.iter().zip(&found.repaired).enumerate() {
        assert!(at % 64 < 32 || whole == repaired);
    }
}

#[test]
fn what_a_row_costs_by_itself_does_not_make_it_odd() {
    let digits = digits();
    let rows = KnownRows::of(&digits.test, 50).unwrap().numbers;
    for likelihood in [Likelihood::Bernoulli, Likelihood::Gaussian] {
        let plain = Autoencoder::new(&[8, 8, 1], 4).encoder(&[16]).likelihood(likelihood);
        for (model, numbers) in [(plain.clone(), 1.0), (plain.variational(1.0), 64.0)] {
            let run = Trainer::new(model.clone()).epochs(1).watch(0).fit(&digits).unwrap();
            let latent = run.latent(model);
            let losses = latent.remake(&rows, None, 0).unwrap().losses;
            let excess = latent.excess(&rows, None, 0).unwrap();
            for ((loss, excess), row) in losses.iter().zip(&excess).zip(rows.chunks(64)) {
                // The mean entropy of the pixels as coins, times how many of them the loss adds up.
                let entropy = |x: &f32| match f64::from(*x) {
                    0.0 | 1.0 => 0.0,
                    p => -p * p.ln() - (1.0 - p) * (1.0 - p).ln(),
                };
                let own = match likelihood {
                    Likelihood::Bernoulli => row.iter().map(entropy).sum::<f64>() / 64.0 * numbers,
                    Likelihood::Gaussian => 0.0,
                };
                let apart = f64::from(*loss) - f64::from(*excess) - own;
                assert!(apart.abs() < 1e-3 * numbers, "{likelihood:?}: {loss}, {excess}, {own}");
            }
        }
    }
}

#[test]
fn a_denoising_one_repairs_noise_that_a_plain_one_passes_on() {
    let data = digits();
    let plain = Autoencoder::new(&[8, 8, 1], 32).encoder(&[128]).likelihood(Likelihood::Bernoulli);
    let error = |model: Autoencoder, damage: Damage| {
        let run = Trainer::new(model.clone()).epochs(40).batch(64).fit(&data).unwrap();
        let latent = run.latent(model);
        let (rows, _) = latent.gather(&data.test, &(0..100).collect::<Vec<_>>()).unwrap();
        latent.repair(&rows, None, damage, 9).unwrap().error_after
    };
    // Noise as in training, and hidden pixels, which training never had.
    let noisy = |damage| (error(plain.clone(), damage), error(plain.clone().noise(0.4), damage));
    let (passed, repaired) = noisy(Damage::Noise(0.4));
    assert!(repaired < 0.8 * passed, "{repaired} {passed}");
    let masked = error(plain.clone().mask(0.3, 1), Damage::Share(0.3));
    let unmasked = error(plain.clone(), Damage::Share(0.3));
    assert!(masked < unmasked, "{masked} {unmasked}");
}

#[test]
fn tables_are_learned_without_a_target_and_given_back_in_their_units() {
    let text = support::csv("size,price,kind", 200, |row| {
        let size = 30 + row % 50;
        format!("{size},{},{}", 1000 + 20 * size, ["flat", "house"][usize::from(size > 55)])
    });
    let options = Options { itself: true, ..Options::default() };
    let data = data::from_csv("homes.csv", text.as_bytes(), &options).unwrap();
    let data = data.into_rows::<&str>(&[]).unwrap();
    assert_eq!(data.task, Task::Rows { classes: vec![] });
    assert_eq!(data.input.features, ["size", "price", "kind=flat", "kind=house"]);
    assert_eq!(data.train.labels(), Some(vec![]));
    let mut row = vec![0.0; 4];
    data.train.gather_inputs(&[3], &mut row).unwrap();
    let restored = data.preparation.restore(&row);
    assert_eq!(restored.names, ["size", "price", "kind"]);
    let source = data.train.source_row(3).unwrap();
    let line = text.lines().nth(source).unwrap();
    assert_eq!(restored.rows[0].join(","), line);
    let model = Autoencoder::new(&[4], 1).encoder(&[16]);
    let run = Trainer::new(model).epochs(300).fit(&data).unwrap();
    let report = run.evaluate(&data.test).unwrap();
    assert!(report.metrics["loss"] < 0.3 * report.baseline["loss"], "{report}");
}

#[test]
fn what_does_not_fit_together_is_said() {
    let refused =
        |result: Result<glassbox::train::Run, glassbox::Error>| result.err().unwrap().to_string();
    let model = || Autoencoder::new(&[8, 8, 1], 2);
    let error = refused(Trainer::new(model()).epochs(1).fit(&data::digits()));
    assert!(error.contains("into_rows"), "{error}");
    let mlp = glassbox::zoo::Mlp::new([64, 10]);
    let error = refused(Trainer::new(mlp).epochs(1).fit(&digits()));
    assert!(error.contains("mlp cannot"), "{error}");
    let error = refused(Trainer::new(model()).loss(nn::Loss::SquaredError).fit(&digits()));
    assert!(error.contains("leave the loss out"), "{error}");
    let error = data::digits().into_rows(&["ten"]).unwrap_err().to_string();
    assert!(error.contains("there is no class `ten`"), "{error}");
    let all: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
    let error = data::digits().into_rows(&all).unwrap_err().to_string();
    assert!(error.contains("no row is left"), "{error}");
    let run = Trainer::new(model()).epochs(1).fit(&digits()).unwrap();
    let latent = run.latent(model());
    let error = latent.sample(3, None, 1).unwrap_err().to_string();
    assert!(error.contains("train a vae"), "{error}");
    let error = latent.encode(&[0.0; 65], None).unwrap_err().to_string();
    assert!(error.contains("not whole rows of 64"), "{error}");
    let error = latent.log_likelihood(&[0.0; 64], None, 2, 1).unwrap_err().to_string();
    assert!(error.contains("not variational"), "{error}");
}

#[test]
fn a_code_that_carries_nothing_is_told() {
    let data = digits();
    let model = |beta| {
        Autoencoder::new(&[8, 8, 1], 8)
            .encoder(&[32])
            .likelihood(Likelihood::Bernoulli)
            .variational(beta)
    };
    let alarms = |beta: f64| {
        let run = Trainer::new(model(beta)).epochs(10).batch(64).fit(&data).unwrap();
        run.alerts().iter().filter_map(|alert| alert.alarm.clone()).collect::<Vec<_>>()
    };
    let collapse = |alarm: &Alarm| matches!(alarm, Alarm::PosteriorCollapse { dead: 4..=8, .. });
    // A divergence that counts fifty times is made small, and with it what codes carry.
    assert!(alarms(50.0).iter().any(collapse));
    assert!(!alarms(0.1).iter().any(|a| a.kind() == "posterior_collapse"));
}

#[test]
fn the_weights_of_an_encoder_are_those_that_a_classifier_begins_with() {
    let folder = tempfile::tempdir().unwrap();
    let go_on = AtomicBool::new(false);
    let train = |name: &str, config: RunConfig| {
        let run = RunFolder::create_at(&folder.path().join(name), &config).unwrap();
        Job::from_config(config).unwrap().train(&run, &mut |_| {}, &go_on).unwrap();
        run.checkpoints().last().unwrap().unwrap().0.model
    };
    let rows = train("rows", vae("digits"));
    let weights = folder.path().join("rows").display().to_string();
    let ask = |hidden: Option<Vec<usize>>| {
        Job::new("digits", |base| {
            let mut config = base.clone();
            config.train.weights = Some(weights.clone());
            config.train.freeze = vec!["fc1/*".into()];
            config.train.epochs = 1;
            config.data.split.train = Some(30);
            config.model.hidden = hidden.clone().unwrap_or(config.model.hidden);
            Ok(config)
        })
    };
    let job = ask(None).unwrap();
    assert_eq!((&job.config.model.hidden[..], job.data.train.len()), (&[32][..], 30));
    let learned = train("few", job.config);
    for name in ["weight", "bias"] {
        let [one, other] =
            [rows.get(&format!("encoder/fc1/{name}")), learned.get(&format!("fc1/{name}"))];
        assert!(one.is_some() && one == other, "{name}");
    }
    let error = ask(Some(vec![32, 16])).err().unwrap().to_string();
    assert!(error.contains("no `fc2.weight` for the parameter"), "{error}");
}
