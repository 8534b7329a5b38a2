//! Adversaries: the penalties of WGAN-GP and R1 are derivatives of a derivative, steps come in their order, and
//! the modes of the data that a generator covers are counted.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use glassbox::data::{Dataset, Options, Targets};
use glassbox::engine::reference::Evaluation;
use glassbox::engine::{Array, DType, Graph, Mode, Parameters, Session, Tensor, Value, grad};
use glassbox::nn::{self, Chosen, Generative, Optimizer, Seen};
use glassbox::prelude::Trainer;
use glassbox::train::Job;
use glassbox::train::event::Ending;
use glassbox::train::folder::RunFolder;
use glassbox::zoo::Gan;
use serde_json::Value as Json;
use support::steps::assert_close;

static GO_ON: AtomicBool = AtomicBool::new(false);

/// What the graphs of rows need.
fn inputs(rows: &[usize], step: i64) -> Parameters {
    let count = rows.iter().product::<usize>();
    let number = |i: usize| ((i * 37 + 11) % 101) as f64 / 50.0 - 1.0;
    let scalar = |number: i64| Array::new([0usize; 0], vec![number]).unwrap();
    let mut inputs = Parameters::new();
    inputs.insert(
        "rows",
        Array::from_f64(DType::F32, rows, &(0..count).map(number).collect::<Vec<_>>()).unwrap(),
    );
    inputs.insert("seed", scalar(7));
    inputs.insert("step", scalar(step));
    inputs
}

/// Compares gradients with central differences, element by element, in f64.
fn check(graph: &Graph, inputs: &Parameters, number: Value, slopes: &[(String, Value, Value)]) {
    let at = |value: &Value| graph.tensor(*value).unwrap();
    let mut asked = vec![at(&number)];
    asked.extend(slopes.iter().flat_map(|(_, held, slope)| [at(held), at(slope)]));
    let run = Evaluation::new(graph, inputs, &graph.initial_values(3), &asked).unwrap();
    let mut largest: f64 = 0.0;
    for (path, parameter, slope) in slopes {
        let held = run.at(*parameter).unwrap();
        for (element, &here) in held.iter().enumerate().take(24) {
            let moved =
                |by: f64| run.with_element(*parameter, element, here + by, number).unwrap()[0];
            let difference = |h: f64| (moved(h) - moved(-h)) / (2.0 * h);
            // Not far: the slope of leaky ReLU jumps.
            let numeric = difference(1e-6);
            let symbolic = run.at(*slope).unwrap()[element];
            largest = largest.max(symbolic.abs());
            let scale = 1.0 + symbolic.abs().max(numeric.abs());
            assert!(
                (numeric - symbolic).abs() < 1e-7 * scale,
                "{path}[{element}]: {symbolic} against {numeric}"
            );
        }
    }
    assert!(largest > 1e-3, "some gradient is not 0");
}

#[test]
fn the_penalty_on_a_gradient_has_the_gradient_that_differences_find() {
    let (plain, image) = (vec![5], vec![8, 8, 1]);
    for (shape, critic) in [(&plain, true), (&image, true), (&plain, false), (&image, false)] {
        let model = Gan::new(shape, 3).discriminator(&[6, 4]);
        let model = if critic { model.critic(2, 10.0) } else { model.penalty(10.0) };
        let model = if shape.len() == 3 { model.convolutional() } else { model };
        let graph = Graph::new();
        let rows = [&[6], &shape[..]].concat();
        let seen = Seen { rows: graph.input("rows", DType::F32, rows.clone()), classes: None };
        let mut checked = false;
        let mut losses = Vec::new();
        model.train(graph.root(Mode::Train), seen, &mut |scope, loss| {
            losses.push(scope.to_owned());
            if checked {
                return;
            }
            let below = format!("{scope}/");
            let mut own = graph.parameters();
            own.retain(|(path, _)| path.starts_with(&below));
            let penalty = graph.named("gradient_penalty").unwrap();
            for number in [penalty, loss] {
                let tensors: Vec<Tensor<'_>> = own.iter().map(|(_, tensor)| *tensor).collect();
                let slopes = grad(number, &tensors);
                let each = own.iter().zip(slopes);
                let each =
                    each.map(|((path, held), slope)| (path.clone(), held.value(), slope.value()));
                let each: Vec<_> = each.collect();
                check(&graph, &inputs(&rows, 1), number.value(), &each);
                checked = true;
            }
        });
        graph.check().unwrap();
        let steps = if critic { 2 } else { 1 };
        assert_eq!(losses, [vec!["discriminator"; steps], vec!["generator"]].concat());
    }
}

/// The discriminator's loss, R1's penalty and the squared length of the weights, of one without hidden layers.
fn of_a_linear_discriminator(weight: f64) -> [f64; 3] {
    let model = Gan::new(&[5], 3).discriminator(&[]).penalty(weight);
    let graph = Graph::new();
    let seen = Seen { rows: graph.input("rows", DType::F32, [6, 5]), classes: None };
    let mut found = None;
    model.train(graph.root(Mode::Train), seen, &mut |scope, loss| {
        if scope == "discriminator" {
            let penalty = graph.named("gradient_penalty").unwrap_or(loss.full_like(0.0));
            let of_it = |(path, _): &(String, Tensor<'_>)| {
                path.starts_with("discriminator/") && path.ends_with("weight")
            };
            let (_, held) = graph.parameters().into_iter().find(of_it).unwrap();
            found = Some([loss, penalty, held.square().sum()].map(|tensor| tensor.value()));
        }
    });
    let found = found.unwrap();
    let asked = found.map(|value| graph.tensor(value).unwrap());
    let initial = graph.initial_values(3);
    let run = Evaluation::new(&graph, &inputs(&[6, 5], 1), &initial, &asked).unwrap();
    found.map(|value| run.at(value).unwrap()[0])
}

#[test]
fn r1_counts_half_the_squared_slope_times_its_weight() {
    let [without, nothing, _] = of_a_linear_discriminator(0.0);
    let [with, penalty, square] = of_a_linear_discriminator(10.0);
    // Its slope is its weights, wherever a row lies.
    assert!(square > 0.01 && nothing == 0.0, "{square} {nothing}");
    assert!((penalty - square).abs() < 1e-12, "{penalty} {square}");
    assert!((with - without - 5.0 * square).abs() < 1e-12, "{with} {without} {square}");
}

#[test]
fn a_gradients_gradient_passes_batch_normalisation() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("rows", DType::F32, [6, 4]);
    let h = nn::linear(at.child("fc1"), x, 5, nn::Initial::Xavier);
    let h = nn::batch_norm(at.child("norm"), h).tanh();
    let y = nn::linear(at.child("fc2"), h, 1, nn::Initial::Xavier);
    let slope = grad(y.sum(), &[x])[0];
    let length = (slope.square().sum_axis(-1) + 1e-12).sqrt();
    let penalty = (length - 1.0).square().mean();
    let own = graph.parameters();
    let tensors: Vec<Tensor<'_>> = own.iter().map(|(_, tensor)| *tensor).collect();
    let slopes = grad(penalty, &tensors);
    let each = own.iter().zip(slopes).map(|((p, held), s)| (p.clone(), held.value(), s.value()));
    check(&graph, &inputs(&[6, 4], 1), penalty.value(), &each.collect::<Vec<_>>());
}

#[test]
fn spectral_normalisation_finds_the_largest_singular_value() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train).child("fc");
    // Its singular values are 3 and 2.
    let weight = at.parameter("weight", [2, 2], 0.0);
    let normal = nn::spectral_norm(at, weight);
    let mut session = Session::new(Default::default()).unwrap();
    session.load(graph.initial_values(1));
    let (sine, cosine) = (0.6, 0.8);
    let held = [3.0 * cosine, 3.0 * sine, -2.0 * sine, 2.0 * cosine];
    session.set("fc/weight", &Array::from_f64(DType::F32, [2, 2], &held).unwrap());
    let mut found = Vec::new();
    for _ in 0..30 {
        found = session.evaluate(&graph, &Parameters::new(), &[normal]).unwrap()[0].to_f64();
    }
    let wanted: Vec<f64> = held.iter().map(|x| x / 3.0).collect();
    assert_close("weight / 3", &found, &wanted, 1e-6);
    // In use it is the same without another step.
    let graph = Graph::new();
    let at = graph.root(Mode::Eval).child("fc");
    let normal = nn::spectral_norm(at, at.parameter("weight", [2, 2], 0.0));
    let found = session.evaluate(&graph, &Parameters::new(), &[normal]).unwrap()[0].to_f64();
    assert_close("in use", &found, &wanted, 1e-6);
}

fn fixture() -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytorch_gan.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Json) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// What is drawn in a step: by name, with its shape, scope and distribution.
fn drawn() -> Vec<(&'static str, Vec<f64>)> {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let codes = at.child("codes");
    let between = at.child("between");
    let share = |at: glassbox::engine::Scope<'_>| {
        let _inside = at.enter();
        let (seed, step) = (nn::seed(&graph), nn::step(&graph));
        at.random(glassbox::engine::Distribution::Uniform, [4, 1], seed, step).value()
    };
    let asked = [
        ("codes", nn::normal(codes, &[8, 2]).value()),
        ("codes/0", nn::normal(codes.index("", 0), &[4, 2]).value()),
        ("codes/1", nn::normal(codes.index("", 1), &[4, 2]).value()),
        ("between/0", share(between.index("", 0))),
        ("between/1", share(between.index("", 1))),
    ];
    let mut session = Session::new(Default::default()).unwrap();
    let tensors: Vec<Tensor<'_>> = asked.iter().map(|(_, v)| graph.tensor(*v).unwrap()).collect();
    let found = session.evaluate(&graph, &inputs(&[1], 1), &tensors).unwrap();
    asked.iter().zip(found).map(|((name, _), array)| (*name, array.to_f64())).collect()
}

/// Prints what `fixtures/pytorch_gan.py` holds as DRAWN.
#[test]
#[ignore = "a tool for the fixture"]
fn what_is_drawn_for_the_fixture() {
    for (name, numbers) in drawn() {
        println!("    \"{name}\": {numbers:?},");
    }
}

/// A step of a small GAN, and of a critic that learns twice in it, as PyTorch takes them: first the
/// discriminator by what is made of drawn numbers, then the generator through the discriminator as it is then.
#[test]
fn a_step_moves_the_discriminator_and_then_the_generator_as_pytorch_does() {
    let file = fixture();
    for (name, numbers_here) in drawn() {
        assert_close(name, &numbers_here, &numbers(&file["drawn"][name]), 1e-6);
    }
    let options = Options { valid: Some(0.0), test: Some(0.0), ..Options::default() };
    let rows: Vec<f32> = numbers(&file["rows"]).iter().map(|x| *x as f32).collect();
    let rows = Array::new([8, 3], rows).unwrap();
    let data = Dataset::from_arrays(rows, Targets::Values(vec![0.0; 8]), &options).unwrap();
    let data = data.into_rows::<&str>(&[]).unwrap();
    let mut held = vec![0.0; 24];
    data.train.gather_inputs(&[0, 1, 2, 3, 4, 5, 6, 7], &mut held).unwrap();
    assert_close(
        "rows",
        &held.iter().map(|x| f64::from(*x)).collect::<Vec<_>>(),
        &numbers(&file["rows"]),
        1e-6,
    );
    let plain = Gan::new(&[3], 2).discriminator(&[5]);
    for (name, model) in [("gan", plain.clone().smoothing(0.1)), ("wgan-gp", plain.critic(2, 10.0))]
    {
        let found = &file[name];
        let mut start = Parameters::new();
        for (path, value) in found["start"].as_object().unwrap() {
            let shape: Vec<usize> = numbers(&value["shape"]).iter().map(|n| *n as usize).collect();
            start.insert(
                path,
                Array::from_f64(DType::F32, shape, &numbers(&value["numbers"])).unwrap(),
            );
        }
        let adam =
            |lr| Optimizer::Adam { lr, beta1: 0.5, beta2: 0.9, epsilon: 1e-8, weight_decay: 0.0 };
        // Two rates: of the discriminator, and of all others.
        let run = Trainer::new(model)
            .optimizer(adam(0.01))
            .optimizer_for(Chosen::new("discriminator/*", adam(0.02)))
            .start_with(start)
            .batch(0)
            .epochs(1)
            .seed(7)
            .fit(&data)
            .unwrap();
        let losses: Vec<f64> = run.history().iter().map(|epoch| epoch.train_loss).collect();
        assert_close(&format!("{name}: loss"), &losses, &numbers(&found["loss"]), 1e-5);
        let run = run.parameters();
        for (path, value) in found["end"].as_object().unwrap() {
            let here = run.get(path).unwrap().to_f64();
            assert_close(&format!("{name}: {path}"), &here, &numbers(&value["numbers"]), 2e-5);
        }
    }
}

/// A job on the ring with these settings beside a GAN's.
fn job(settings: &[&str]) -> Job {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    Job::new("ring", |base| base.set(&settings)).unwrap_or_else(|e| panic!("{e}"))
}

const SMALL: [&str; 5] = [
    "model.encoder=[32, 32]",
    "train.epochs=4",
    "train.batch=40",
    "train.average=0.9",
    "watch.every=0",
];

#[test]
fn a_gan_resumes_to_the_same_bits_by_any_number_of_threads() {
    for kind in ["gan", "wgan-gp"] {
        let kind = format!("model.kind={kind}");
        let folder = tempfile::tempdir().unwrap();
        let mut ends = Vec::new();
        for (name, threads, stop) in [("whole", 1, false), ("two", 2, false), ("parts", 1, true)] {
            let threads = format!("train.threads={threads}");
            let job = job(&[&SMALL[..], &[&kind, &threads]].concat());
            let path = folder.path().join(name);
            let run = RunFolder::create_at(&path, &job.config).unwrap();
            let mut ended = job.train(&run, &mut |_| {}, &AtomicBool::new(stop)).unwrap();
            drop(run);
            let mut left = 0;
            while ended.ending == Ending::Interrupted {
                left += 1;
                let run = RunFolder::resume(&path).unwrap();
                ended = Job::resume(&run, &mut |_| {}, &AtomicBool::new(left % 7 != 0)).unwrap();
            }
            assert_eq!(stop, left > 0);
            let (last, _) = RunFolder::view(&path).unwrap().checkpoints().last().unwrap().unwrap();
            let read = |file: &str| std::fs::read(path.join(file)).unwrap();
            ends.push((
                last.model,
                last.optimizer,
                read("samples/over-time.safetensors"),
                if cfg!(feature = "image") { read("samples/over-time.png") } else { Vec::new() },
                ended.outcome.metrics,
            ));
        }
        assert!(ends.iter().all(|end| *end == ends[0]), "{kind}");
        assert!(ends[0].4.contains_key("modes_covered"));
    }
}

#[test]
fn the_last_weights_are_kept_and_no_verdict_is_given() {
    let job = job(&[&SMALL[..], &["model.kind=gan"]].concat());
    assert_eq!(job.config.train.stop, None);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let run = RunFolder::create_at(&path, &job.config).unwrap();
    let ended = job.train(&run, &mut |_| {}, &GO_ON).unwrap();
    assert_eq!(ended.outcome.verdict, None);
    assert_eq!(run.checkpoints().best_step().unwrap(), None);
    let page = std::fs::read_to_string(path.join("report.html")).unwrap();
    assert!(page.contains("discriminator’s loss"));
    assert_eq!(page.contains("what the same codes became"), cfg!(feature = "image"));
    let refused = |settings: &[&str]| {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let all = |base: &glassbox::train::config::RunConfig| base.set(&settings);
        Job::new("ring", all).err().unwrap().to_string()
    };
    let told = refused(&["model.kind=gan", "train.stop.metric=valid_loss", "train.accumulate=2"]);
    assert!(told.contains("`train.stop`") && told.contains("`train.accumulate`"), "{told}");
    let told = refused(&["model.kind=dcgan"]);
    assert!(told.contains("take gan"), "{told}");
}
