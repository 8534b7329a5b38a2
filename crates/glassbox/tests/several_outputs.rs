//! A model of several numbers: trained, scored, and used on raw rows.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::data::{Baseline, Options, RawTable, from_csv};
use glassbox::prelude::*;
use glassbox::train::Prediction;
use support::csv;

#[test]
fn two_numbers_are_learned_together() {
    // a = 3 x + 7, b = 500 − 40 x: a net without hidden layers tells both.
    let text = csv("x,a,b", 200, |row| {
        let x = (row * 37 % 200) as f64 / 10.0;
        format!("{x},{},{}", 3.0 * x + 7.0, 500.0 - 40.0 * x)
    });
    let options = Options { target: Some("a, b".into()), ..Options::default() };
    let data = from_csv("t.csv", text.as_bytes(), &options).unwrap();
    let run = Trainer::new(Mlp::new([1, 2]))
        .optimizer(Optimizer::ADAM.with_lr(0.03))
        .epochs(60)
        .seed(1)
        .fit(&data)
        .unwrap();
    let report = run.evaluate(&data.test).unwrap();
    assert!(report.metrics["r2"] > 0.999, "{report}");
    // The mean of both outputs' own errors, by hand.
    let table = RawTable::from_bytes("t.csv", text.as_bytes()).unwrap();
    let told = run.predict(&table).unwrap();
    assert_eq!(
        (told.target.as_str(), &told.outputs[..]),
        ("a, b", &["a".into(), "b".to_string()][..])
    );
    let (mut squares, rows) = ([0.0; 2], data.test.source_rows());
    for row in &rows {
        let Prediction::Numbers { values } = &told.rows[row - 1] else { unreachable!() };
        for output in 0..2 {
            let observed = table.number(row - 1, output + 1).unwrap();
            squares[output] += (values[output] - observed).powi(2);
        }
    }
    let rmse = squares.map(|sum| (sum / rows.len() as f64).sqrt());
    assert!((report.metrics["rmse"] - (rmse[0] + rmse[1]) / 2.0).abs() < 1e-3, "{report}");
    let Baseline::Means { means } = Baseline::fit(&data.train) else { unreachable!() };
    assert!(means.len() == 2 && report.baseline["rmse"] > 10.0 * report.metrics["rmse"]);
}
