//! A model of a Gaussian's mean and variance says how sure it is, in the target's own unit.

#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

use std::sync::atomic::AtomicBool;

use glassbox::engine::random::Stream;
use glassbox::prelude::*;
use glassbox::train::folder::RunFolder;
use glassbox::train::{Detail, Job, Prediction};

/// The spread of y at x: 20 at the left end, 60 at the right one.
fn spread(x: f64) -> f64 {
    40.0 + 20.0 * x
}

/// y = 1000 + 300 x, with a spread that grows with x; x from −1 to 1.
fn table() -> String {
    let (draw, noise) = (Stream::new(5, "x", 0), Stream::new(5, "noise", 0));
    let mut text = String::from("x,y\n");
    for row in 0..2_000u64 {
        let x = 2.0 * draw.uniform(row) - 1.0;
        text += &format!("{x},{}\n", 1000.0 + 300.0 * x + spread(x) * noise.normal(row));
    }
    text
}

#[test]
fn deviations_are_in_the_target_s_unit_and_cover_what_they_should() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("t.csv");
    std::fs::write(&file, table()).unwrap();
    let settings = [
        "train.loss=gaussian_nll",
        "model.hidden=[16]",
        "model.activation=tanh",
        "train.epochs=40",
        "optimizer.lr=0.01",
    ]
    .map(String::from);
    let job = Job::new(file.to_str().unwrap(), |config| config.set(&settings)).unwrap();
    let folder = RunFolder::create_at(&root.path().join("run"), &job.config).unwrap();
    let ended = job.train(&folder, &mut |_| (), &AtomicBool::new(false)).unwrap();

    let model = Model::load(folder.path()).unwrap();
    let rows = RawTable::from_bytes("new.csv", b"x\n-0.8\n0\n0.8\n").unwrap();
    for (told, x) in model.predict(&rows).unwrap().rows.iter().zip([-0.8, 0.0, 0.8]) {
        let Prediction::Number { value, deviation } = told else { panic!("{told:?}") };
        let sigma = deviation.unwrap();
        assert_eq!(told.deviation(), Some(sigma));
        assert!((value - (1000.0 + 300.0 * x)).abs() < 15.0, "{x}: {value}");
        assert!((sigma / spread(x) - 1.0).abs() < 0.25, "{x}: {sigma} for {}", spread(x));
    }

    // On the test part, 300 rows: 68 % and 95 %, within three standard errors.
    let Detail::Numbers { outputs } = &ended.outcome.detail else { panic!("numbers") };
    let coverage = outputs[0].coverage.unwrap();
    assert_eq!(coverage.rows, ended.outcome.rows);
    let [one, two] = coverage.shares();
    assert!((one - 0.683).abs() < 0.08 && (two - 0.954).abs() < 0.036, "{coverage:?}");
    assert!((coverage.mean_deviation / 40.0 - 1.0).abs() < 0.2, "{coverage:?}");

    // predictions.csv says the same, row by row.
    let text = std::fs::read_to_string(folder.predictions()).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("row,observed,predicted,deviation"));
    let within = lines.filter(|line| {
        let number: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        (number[1] - number[2]).abs() <= number[3]
    });
    assert_eq!(within.count(), coverage.within_one);

    let page = glassbox::report::page(&folder, &ended.outcome, glassbox::report::Words::English);
    let page = page.unwrap();
    assert!(page.contains("within ± 1 standard deviation of what is predicted"));
    assert!(page.contains("−ln of the density"));
}

#[test]
fn other_losses_tell_no_deviation() {
    let options = data::Options { target: Some("y".into()), ..data::Options::default() };
    let data = data::from_csv("t.csv", table().as_bytes(), &options).unwrap();
    let run = Trainer::new(Mlp::new([1, 1])).epochs(1).fit(&data).unwrap();
    let told = run.predict(&RawTable::from_bytes("new.csv", b"x\n0\n").unwrap()).unwrap();
    assert_eq!(told.rows[0].deviation(), None);
    assert!(!serde_json::to_string(&told).unwrap().contains("deviation"));
    let Detail::Numbers { outputs } = run.evaluate(&data.test).unwrap().detail else { panic!() };
    assert_eq!(outputs[0].coverage, None);
}
