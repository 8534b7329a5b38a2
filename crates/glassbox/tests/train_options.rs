//! What training can do beside its plain steps: freezing, averages of weights, accumulated gradients,
//! penalties, clipping, dropout and schedules, through whole runs and after interruptions.

#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

use crate::support;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use glassbox::engine::{Array, Parameters};
use glassbox::prelude::*;
use glassbox::train::Job;
use glassbox::train::checkpoint::Checkpoint;
use glassbox::train::config::{Amount, ClassWeights, RunConfig};
use glassbox::train::event::Ending;
use glassbox::train::folder::RunFolder;
use glassbox::watch::{Element, Moment};

static GO_ON: AtomicBool = AtomicBool::new(false);

fn config(settings: &[&str]) -> RunConfig {
    let settings: Vec<String> = settings.iter().map(|s| s.to_string()).collect();
    let config = RunConfig::from_toml("data.path = \"iris\"", &settings);
    config.unwrap_or_else(|e| panic!("{e}"))
}

fn train(config: &RunConfig, path: &Path) -> Checkpoint {
    let job = Job::from_config(config.clone()).unwrap_or_else(|e| panic!("{e}"));
    let folder = RunFolder::create_at(path, config).unwrap();
    job.train(&folder, &mut |_| {}, &GO_ON).unwrap_or_else(|e| panic!("{e}"));
    last(path)
}

fn last(path: &Path) -> Checkpoint {
    RunFolder::view(path).unwrap().checkpoints().last().unwrap().unwrap().0
}

/// The last checkpoint of a run with these settings.
fn ran(settings: &[&str]) -> Checkpoint {
    let folder = tempfile::tempdir().unwrap();
    train(&config(settings), &folder.path().join("run"))
}

fn refused(settings: &[&str]) -> String {
    Job::from_config(config(settings)).err().unwrap().to_string()
}

fn close(one: &Parameters, other: &Parameters, tolerance: f64) {
    assert_eq!(one.len(), other.len());
    for (path, array) in one.iter() {
        let theirs = other.get(path).unwrap().to_f64();
        support::steps::assert_close(path, &array.to_f64(), &theirs, tolerance);
    }
}

#[test]
fn frozen_parameters_do_not_change_by_a_bit_and_the_others_learn() {
    let settings = ["epochs=3", "normalize=batch", "hidden=[8, 8]"];
    let start = ran(&[&settings[..], &["lr=1e-30"]].concat()).model;
    let frozen = [&settings[..], &["freeze=[\"fc1/*\", \"norm1/*\", \"*3/bias\"]"]].concat();
    let end = ran(&frozen);
    for (path, value) in end.model.iter() {
        let held = path.starts_with("fc1/") || path.starts_with("norm1/") || path == "fc3/bias";
        let before = match path {
            // A rate of 1e-30 leaves parameters alone unless they are 0, not running statistics.
            bias if bias.ends_with("/bias") => {
                &Array::new(value.shape().clone(), vec![0f32; value.shape().elements()]).unwrap()
            }
            "norm1/running_mean" => &Array::new([8], vec![0f32; 8]).unwrap(),
            "norm1/running_var" => &Array::new([8], vec![1f32; 8]).unwrap(),
            path => start.get(path).unwrap(),
        };
        assert_eq!(value == before, held, "{path}");
    }
    assert!(end.optimizer.iter().all(|(path, _)| !path.starts_with("optimizer/fc1/")));
}

#[test]
fn what_is_frozen_must_exist_and_something_must_be_left() {
    let error = refused(&["freeze=[\"fc9/*\", \"fc1/wieght\"]"]);
    assert!(error.contains("`train.freeze`: no parameter matches `fc9/*`"), "{error}");
    assert!(error.contains("did you mean `fc1/weight`?"), "{error}");
    assert!(error.contains("`fc1/bias`, `fc1/weight`, `fc2/bias`, `fc2/weight`"), "{error}");
    assert!(refused(&["freeze=[\"*\"]"]).contains("nothing is left to learn"));
    let run = Trainer::new(Mlp::new([4, 8, 3])).freeze(["fc7"]).fit(&data::iris());
    assert!(run.err().unwrap().to_string().contains("no parameter matches `fc7`"));
}

#[test]
fn the_moving_average_is_that_of_the_weights_after_each_step_and_is_what_is_used() {
    let settings = |steps: usize| format!("epochs={steps}");
    let plain = ["batch=all", "split={valid=0, test=0.2}", "optimizer=momentum"];
    let after = |steps: usize| ran(&[&plain[..], &[&settings(steps)]].concat()).model;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let averaged = [&plain[..], &["average=0.6", "epochs=5"]].concat();
    let end = train(&config(&averaged), &path);
    assert_eq!(end.model, after(5), "averaging leaves training alone");
    // β⁴ … β⁰, made to sum to 1.
    let shares: Vec<f64> = (0..5).rev().map(|back| 0.6f64.powi(back)).collect();
    let sum: f64 = shares.iter().sum();
    let mut expected: Vec<f64> = Vec::new();
    for (steps, share) in (1..=5).zip(&shares) {
        let weights = after(steps).get("fc1/weight").unwrap().to_f64();
        expected.resize(weights.len(), 0.0);
        expected.iter_mut().zip(weights).for_each(|(e, w)| *e += share / sum * w);
    }
    let weights = end.weights();
    let found = weights.get("fc1/weight").unwrap().to_f64();
    support::steps::assert_close("average", &found, &expected, 1e-6);
    assert_ne!(weights, end.model);
    // The figures of the run and of a model loaded from it are the average's.
    let run = RunFolder::view(&path).unwrap();
    let outcome = Job::evaluate(&run).unwrap().metrics;
    let mut own = end.clone();
    own.optimizer = own
        .optimizer
        .iter()
        .filter(|(p, _)| !p.ends_with("/average"))
        .map(|(p, v)| (p.to_string(), v.clone()))
        .collect();
    assert_eq!(own.weights(), own.model);
    let checkpoints = run.checkpoints();
    checkpoints.save(&own.state, &own.model, &own.optimizer).unwrap();
    assert_ne!(Job::evaluate(&run).unwrap().metrics["loss"], outcome["loss"]);
}

#[test]
fn accumulated_batches_are_one_big_batch() {
    // 105 rows: batches of 30, 30, 30 and 15 make the step.
    for more in [
        &["clip={norm=0.5}", "l2=0.01"][..],
        &["class_weights=[1, 2, 5]", "label_smoothing=0.1"],
        &["optimizer=momentum", "lr=0.05", "l1=0.001", "clip={value=0.05}"],
    ] {
        let common = [&["epochs=6", "split={valid=0, test=0.3}"], more].concat();
        let whole = ran(&[&common[..], &["batch=all"]].concat());
        let parts = ran(&[&common[..], &["batch=30", "accumulate=4"]].concat());
        assert_eq!((whole.state.step, parts.state.step), (6, 6), "schedules count steps");
        close(&whole.model, &parts.model, 2e-5);
        let sums = parts.optimizer.iter().filter(|(path, _)| path.ends_with("/gradient_sum"));
        let sums: Vec<f64> = sums.flat_map(|(_, sum)| sum.to_f64()).collect();
        assert!(!sums.is_empty() && sums.iter().all(|&sum| sum == 0.0), "cleared: {sums:?}");
    }
    // A sum is not divided, and gets its penalty once.
    let line = |more: &[&str]| {
        let mut config =
            config(&[&["hidden=[]", "loss=sum_of_squares", "lr=0.05", "l2=0.1"], more].concat());
        config.data.path = "dosage".into();
        config.train.epochs = 4;
        config.train.optimizer = Optimizer::GRADIENT_DESCENT.with_lr(0.05);
        let folder = tempfile::tempdir().unwrap();
        train(&config, &folder.path().join("run")).model
    };
    close(&line(&["batch=all"]), &line(&["batch=1", "accumulate=3"]), 1e-5);
}

/// A straight line through the three patients, from 0.5 · dose + 0.1, all rows a step, and the same by
/// hand with penalties and a clipped gradient.
#[test]
fn penalties_and_clipping_by_hand() {
    let rows = [(0.0, 0.0), (0.5, 1.0), (1.0, 0.0)];
    for (l1, l2, most) in [(0.0, 0.3, 1e9), (0.2, 0.0, 1e9), (0.1, 0.2, 0.05)] {
        let settings = [format!("l1={l1}"), format!("l2={l2}"), format!("clip={{norm={most}}}")];
        let fixed = [
            "hidden=[]",
            "batch=all",
            "epochs=7",
            "loss=squared_error",
            "parameters.fc1/weight=[[0.5]]",
            "parameters.fc1/bias=[0.1]",
        ];
        let all: Vec<&str> = fixed.into_iter().chain(settings.iter().map(String::as_str)).collect();
        let mut config = config(&all);
        config.data.path = "dosage".into();
        config.train.optimizer = Optimizer::GRADIENT_DESCENT.with_lr(0.1);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let end = train(&config, &path);
        let (mut weight, mut bias) = (0.5f64, 0.1f64);
        let mut loss = 0.0;
        for _ in 0..7 {
            let error = |row: &(f64, f64)| weight * row.0 + bias - row.1;
            loss = rows.iter().map(|row| error(row).powi(2)).sum::<f64>() / 3.0;
            let to_weight = rows.iter().map(|row| 2.0 / 3.0 * error(row) * row.0).sum::<f64>()
                + l1 * weight.signum()
                + 2.0 * l2 * weight;
            let to_bias = rows.iter().map(|row| 2.0 / 3.0 * error(row)).sum::<f64>();
            let norm = to_weight.hypot(to_bias);
            let share = (most / (norm + 1e-6)).min(1.0);
            weight -= 0.1 * share * to_weight;
            bias -= 0.1 * share * to_bias;
        }
        let found = |path: &str| end.model.get(path).unwrap().to_f64()[0];
        assert!((found("fc1/weight") - weight).abs() < 1e-5, "{l1} {l2} {most}");
        assert!((found("fc1/bias") - bias).abs() < 1e-5, "{l1} {l2} {most}");
        // The curve is of the loss alone.
        let log = std::fs::read_to_string(path.join("metrics.jsonl")).unwrap();
        let line: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
        assert!((line["train_loss"].as_f64().unwrap() - loss).abs() < 1e-5);
        // The penalty stands in the graph beside the loss, to be asked about.
        let moment = Moment::of_run(&RunFolder::view(&path).unwrap(), Some(3)).unwrap();
        let element = Element::parse("fc1/weight[0, 0]").unwrap();
        let explanation = moment.explain(&element, None).unwrap();
        assert!(explanation.difference.unwrap().agrees, "{explanation}");
        assert!(moment.graph().named("penalty").is_some());
    }
}

/// Everything that draws, remembers or counts, at once.
const EVERYTHING: [&str; 16] = [
    "epochs=12",
    "stop={metric=\"valid_accuracy\", patience=30}",
    "batch=16",
    "accumulate=2",
    "hidden=[12, 12]",
    "dropout=0.3",
    "normalize=batch",
    "skip=true",
    "activation=gelu",
    "optimizer={kind=\"adamw\", lr=0.02}",
    "schedule={kind=\"plateau\", factor=0.5, patience=1}",
    "warmup=3",
    "clip={norm=1.0}",
    "average=0.9",
    "label_smoothing=0.1",
    "class_weights=balanced",
];

#[test]
fn a_run_of_everything_stopped_after_every_step_ends_like_one_that_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let config = config(&EVERYTHING);
    let wanted = train(&config, &whole);
    assert!(!wanted.state.plateau.drops.is_empty(), "the rate fell: {:?}", wanted.state.plateau);
    let job = Job::from_config(config.clone()).unwrap();
    let mut ended = {
        let run = RunFolder::create_at(&parts, &config).unwrap();
        job.train(&run, &mut |_| {}, &AtomicBool::new(true)).unwrap()
    };
    while ended.ending == Ending::Interrupted {
        let run = RunFolder::resume(&parts).unwrap();
        ended = Job::resume(&run, &mut |_| {}, &AtomicBool::new(true)).unwrap();
    }
    let found = last(&parts);
    assert_eq!((&found.model, &found.optimizer), (&wanted.model, &wanted.optimizer));
    assert_eq!(found.state.plateau, wanted.state.plateau);
    let log = |path: &Path| {
        let text = std::fs::read_to_string(path.join("metrics.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let without_clock = |mut line: serde_json::Value| {
            line.as_object_mut().unwrap().remove("seconds");
            line
        };
        lines.map(without_clock).collect::<Vec<_>>()
    };
    assert_eq!(log(&parts), log(&whole));

    // A step is replayed with its draws and its rate, and differences reuse the same draws.
    let run = RunFolder::view(&whole).unwrap();
    let steps = wanted.state.step;
    for step in [1, steps / 2, steps + 1] {
        let moment = Moment::of_run(&run, Some(step)).unwrap();
        for what in ["fc1/weight[2, 3]", "norm2/weight[1]", "fc3/bias[0]"] {
            let explanation = moment.explain(&Element::parse(what).unwrap(), None).unwrap();
            let difference = explanation.difference.unwrap();
            assert!(difference.agrees, "{step} {what}: {explanation}");
            let (f32, f64) = (explanation.gradient_f32, explanation.gradient);
            assert!((f32 - f64).abs() < 1e-4 * f64.abs().max(0.01), "{step} {what}: {f32} {f64}");
        }
    }
    let replayed = Moment::of_run(&run, Some(steps + 1)).unwrap();
    let again = Moment::of_run(&run, Some(steps)).unwrap();
    let rate = |moment: &Moment| {
        moment
            .explain(&Element::parse("fc1/bias[0]").unwrap(), None)
            .unwrap()
            .update
            .map(|update| update.rate)
    };
    let drops = wanted.state.plateau.drops_before(steps);
    let expected = 0.02 * 0.5f64.powi(drops as i32);
    assert!((rate(&again).unwrap() - expected).abs() < 1e-8);
    assert!(rate(&replayed).is_none(), "nothing comes after the last step");
}

#[test]
fn neither_threads_nor_settings_that_do_nothing_change_a_bit() {
    let some = [&EVERYTHING[..], &["epochs=2"]].concat();
    let one = ran(&[&some[..], &["threads=1"]].concat());
    assert_eq!(one.model, ran(&[&some[..], &["threads=2"]].concat()).model);
    let other = ran(&[&some[..], &["seed=43"]].concat());
    assert_ne!(one.model, other.model);
    let plain = ran(&["epochs=2"]);
    let idle = [
        "epochs=2",
        "dropout=0",
        "l1=0",
        "l2=0.0",
        "accumulate=1",
        "clip=false",
        "freeze=[]",
        "average=false",
        "warmup=0",
        "normalize=none",
        "class_weights=none",
    ];
    assert_eq!(plain.model, ran(&idle).model);
    assert_eq!(plain.optimizer, ran(&idle).optimizer);
}

/// N23: each on and off on the same data.
#[test]
fn each_regularisation_changes_the_training_and_still_learns() {
    let base = ["epochs=15", "lr=0.01", "hidden=[16]"];
    let plain = ran(&base).model;
    for setting in [
        "dropout=0.2",
        "normalize=batch",
        "normalize=layer",
        "l1=0.001",
        "l2=0.001",
        "label_smoothing=0.1",
        "class_weights=balanced",
        "clip={value=0.01}",
        "schedule=one_cycle",
        "schedule=step",
        "schedule=linear",
        "schedule=exponential",
        "activation=selu",
        "activation={kind=\"leaky_relu\", slope=0.3}",
        "initial=xavier_normal",
        "optimizer.weight_decay=0.01",
        "average=0.95",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let config = config(&[&base[..], &[setting]].concat());
        let end = train(&config, &path);
        let same = end.weights().get("fc1/weight") == plain.get("fc1/weight");
        // Iris' classes are equally many: balancing leaves their weights at 1.
        assert!(!same || setting == "class_weights=balanced", "{setting} changes nothing");
        let outcome = Job::evaluate(&RunFolder::view(&path).unwrap()).unwrap();
        assert!(outcome.metrics["accuracy"] > 0.6, "{setting}: {:?}", outcome.metrics);
    }
}

#[test]
fn every_loss_of_numbers_learns_a_line_and_says_its_own_figure() {
    let text: String = (0..200)
        .map(|i| {
            let x = f64::from(i) / 20.0 - 5.0;
            let noise = (f64::from(i) * 12.9898).sin() * 43758.5453 % 1.0;
            format!("{x},{}\n", 3.0 * x + 1.0 + 0.5 * noise)
        })
        .collect();
    let data = support::table_of(&format!("x,y\n{text}"), "y").unwrap();
    let width = |loss| if loss == Loss::GaussianNll { 2 } else { 1 };
    for loss in [
        Loss::SquaredError,
        Loss::AbsoluteError,
        Loss::Huber { delta: 0.5 },
        Loss::GaussianNll,
        Loss::Own(|at, y, told| {
            let _inside = at.enter();
            let apart = told - y;
            (apart.square() + 1.0).sqrt().mean()
        }),
    ] {
        let run = Trainer::new(Mlp::new([1, width(loss)]))
            .loss(loss)
            .optimizer(Optimizer::ADAM.with_lr(0.05))
            .epochs(40)
            .fit(&data)
            .unwrap_or_else(|e| panic!("{loss:?}: {e}"));
        let report = run.evaluate(&data.test).unwrap();
        assert!(report.metrics["r2"] > 0.99, "{loss:?}: {:?}", report.metrics);
        let last = run.history().last().unwrap();
        let (train, valid) = (last.train_loss, last.valid_loss.unwrap());
        assert!((train - valid).abs() < 0.3 * train.abs() + 0.3, "{loss:?}: {train} {valid}");
    }
}

#[test]
fn two_classes_can_be_told_by_one_score() {
    let text: String = (0..120)
        .map(|i| {
            let x = f64::from(i % 40) / 20.0 - 1.0;
            format!("{x},{}\n", if x + 0.2 * f64::from(i % 3) > 0.2 { "yes" } else { "no" })
        })
        .collect();
    let data = support::table_of(&format!("x,y\n{text}"), "y").unwrap();
    let trainer = Trainer::new(Mlp::new([1, 8, 1]))
        .loss(Loss::BinaryCrossEntropy)
        .class_weights(ClassWeights::Balanced)
        .optimizer(Optimizer::ADAM.with_lr(0.05));
    let run = trainer.epochs(30).fit(&data).unwrap();
    let report = run.evaluate(&data.test).unwrap();
    assert!(report.metrics["accuracy"] > 0.8, "{report}");
    let wrong = Trainer::new(Mlp::new([4, 1])).loss(Loss::BinaryCrossEntropy).fit(&data::iris());
    assert!(wrong.err().unwrap().to_string().contains("is for two"));
}

#[test]
fn settings_that_do_not_suit_the_data_are_all_refused() {
    let mut config = config(&["label_smoothing=0.1", "class_weights=balanced"]);
    config.data.path = "dosage".into();
    let error = Job::from_config(config.clone()).err().unwrap().to_string();
    assert!(error.contains("`train.label_smoothing` is for classes"), "{error}");
    assert!(error.contains("`train.class_weights` is for classes"), "{error}");
    assert!(refused(&["class_weights=[1, 2]"]).contains("has 2 numbers, but there are 3 classes"));
    assert!(refused(&["loss=binary_cross_entropy"]).contains("is for two classes"));
    assert!(refused(&["loss=huber"]).contains("is for numbers"));
    config.train.batch = Amount::All;
}

#[test]
fn a_network_of_layers_trains_is_stored_and_predicts_without_its_code() {
    let text = r#"
[data]
path = "iris"
[[model.layer]]
kind = "linear"
units = 12
name = "wide"
[[model.layer]]
kind = "activation"
activation = "tanh"
[[model.layer]]
kind = "linear"
units = 12
[[model.layer]]
kind = "add"
from = ["wide", "fc2"]
[[model.layer]]
kind = "layer_norm"
[train]
epochs = 20
optimizer = { kind = "adam", lr = 0.01 }
"#;
    let config = RunConfig::from_toml(text, &[]).unwrap_or_else(|e| panic!("{e}"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    train(&config, &path);
    let outcome = Job::evaluate(&RunFolder::view(&path).unwrap()).unwrap();
    assert!(outcome.metrics["accuracy"] > 0.8, "{:?}", outcome.metrics);
    let written = std::fs::read_to_string(path.join("run.toml")).unwrap();
    assert_eq!(RunConfig::from_toml(&written, &[]).unwrap().model, config.model, "{written}");
    let model = glassbox::Model::load(&path).unwrap();
    let text = "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n";
    let rows = RawTable::from_bytes("rows.csv", text.as_bytes()).unwrap();
    assert_eq!(model.predict(&rows).unwrap().rows[0].text(), "setosa");
}

#[test]
fn a_trained_model_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<glassbox::Model>();
    shared::<Network>();
    shared::<Trainer<Mlp>>();
}

#[test]
fn taking_rare_rows_as_often_raises_the_balanced_accuracy() {
    use glassbox::data::{Options, from_csv};
    use glassbox::train::Resample;
    // A twelfth of the rows is of the rare class, and the two overlap.
    let row = |i: u32| {
        let noise = |k: u32| f64::from((i * 2654435 + k * 40503) % 1009) / 1009.0 - 0.5;
        let rare = i.is_multiple_of(12);
        let x = 2.2 * noise(1) + if rare { 0.6 } else { 0.0 };
        format!("{x},{},{}\n", noise(2), if rare { "rare" } else { "usual" })
    };
    let text: String = (0..1200).map(row).collect();
    let data = from_csv("t.csv", format!("x,z,y\n{text}").as_bytes(), &Options::default()).unwrap();
    let of = |how| {
        let trainer = Trainer::new(Mlp::new([2, 8, 2])).epochs(20).resample(how);
        let run = trainer.fit(&data).unwrap();
        let steps = run.history().last().unwrap().step;
        (run.evaluate(&data.test).unwrap().metrics["balanced_accuracy"], steps)
    };
    let (none, over, under) = (of(Resample::None), of(Resample::Over), of(Resample::Under));
    assert!(over.0 > none.0 + 0.1 && under.0 > none.0 + 0.1, "{none:?} {over:?} {under:?}");
    // 840 rows to train on, 70 of them rare.
    assert_eq!((none.1, over.1, under.1), (20 * 27, 20 * 49, 20 * 5));
    assert!(refused_numbers().contains("`train.resample` is for classes"));
}

fn refused_numbers() -> String {
    let mut config = config(&["resample=over"]);
    config.data.path = "dosage".into();
    Job::from_config(config).err().unwrap().to_string()
}
