//! What is said of a table before anything is learned from it; and made-up data and folds.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::data::{
    self, Dataset, Description, Folding, InputPreparation, LeakKind, Options, PreparedColumn,
    RawTable, Role, builtin, describe, k_fold, time_series_folds,
};
use support::{csv, message, shared};

fn of(text: &str, target: &str) -> Description {
    let table = RawTable::from_bytes("t.csv", text.as_bytes()).unwrap();
    let options = Options { target: Some(target.into()), ..Options::default() };
    Description::of_table(&table, &options).unwrap()
}

#[test]
fn columns_are_summed_up() {
    let text = csv("n,colour,y", 200, |row| {
        let n = if row % 20 == 3 { String::new() } else { (row % 100).to_string() };
        format!("{n},{},{}", ["red", "red", "blue", "green"][row % 4], ["a", "b"][row / 2 % 2])
    });
    let described = of(&text, "y");
    let [n, colour, y] = &described.columns[..] else { unreachable!() };
    assert_eq!((n.missing, n.distinct), (10, 95));
    let numbers = n.numbers.unwrap();
    assert_eq!((numbers.min, numbers.max), (0.0, 99.0));
    assert_eq!(n.histogram.iter().map(|bin| bin.rows).sum::<usize>(), 190);
    assert_eq!((n.histogram[0].from, n.histogram[9].to), (0.0, 99.0));
    let top: Vec<(&str, usize)> = colour.top.iter().map(|v| (v.value.as_str(), v.rows)).collect();
    assert_eq!(top, [("red", 100), ("blue", 50), ("green", 50)]);
    assert_eq!((y.role.clone(), y.tells), (Role::Target, None));
    let target = described.target.unwrap();
    assert_eq!((target.imbalance, target.classes[0].rows, target.assumed), (Some(1.0), 100, false));
}

#[test]
fn a_column_that_tells_the_target_alone_is_found_and_noise_is_not() {
    let noise = |row: usize| (row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let text = csv("same,code,noise,day,y", 2000, |row| {
        let class = noise(row + 5000) % 2;
        format!("{class},k{},{},{},{class}", class * 3, noise(row), row + 1)
    });
    let described = of(&text, "y");
    let leaks: Vec<(&str, LeakKind)> =
        described.leaks.iter().map(|leak| (leak.column.as_str(), leak.kind)).collect();
    assert_eq!(
        leaks,
        [("same", LeakKind::Equal), ("code", LeakKind::TellsAlone), ("day", LeakKind::CountsRows)]
    );
    assert_eq!(described.columns[1].tells, Some(1.0));
    assert!(described.columns[2].tells.unwrap() < 0.15, "{:?}", described.columns[2].tells);
}

#[test]
fn numbers_are_correlated_with_a_number_to_tell() {
    let text = csv("up,down,y", 400, |row| {
        let x = (row * 37 % 400) as f64;
        format!("{x},{},{}.5", -2.0 * x, 3 * (row * 37 % 400))
    });
    let described = of(&text, "y");
    let correlation = |i: usize| described.columns[i].correlation.unwrap();
    assert!((correlation(0) - 1.0).abs() < 1e-12 && (correlation(1) + 1.0).abs() < 1e-12);
    // A line told by 32 steps: the rest is 1/32² of the spread.
    assert!(described.columns[0].tells.unwrap() > 0.99);
}

#[test]
fn duplicates_and_contradictions_are_counted() {
    let text = "a,b,y\n1,x,p\n1,x,p\n1,x,q\n2,x,p\n3,z,q\n3,z,q\n4,v,p\n";
    let duplicates = of(text, "y").duplicates;
    assert_eq!((duplicates.rows, duplicates.contradictory), (2, 3));
}

#[test]
fn a_target_that_cannot_be_learned_is_a_notice() {
    let described = of("a,y\n1,p\n2,p\n3,p\n", "y");
    assert!(described.target.is_none() && described.notices[0].contains("nothing to tell apart"));
}

#[test]
fn real_tables_are_described() {
    let iris = describe("iris", &Options::default()).unwrap();
    assert_eq!((iris.rows, iris.columns.len()), (150, 5));
    // The petal tells the species, the sepal's width hardly.
    assert!(iris.columns[3].tells > iris.columns[1].tells);
    assert!(message(describe("digits", &Options::default())).contains("is not a table"));
    let Some(path) = shared("tabular/titanic.csv") else { return };
    let titanic = describe(path, &Options::default()).unwrap();
    let target = titanic.target.as_ref().unwrap();
    // 549 of 891 died.
    assert_eq!((target.classes[0].rows, titanic.leaks.len()), (549, 0));
    assert!(serde_json::to_string(&titanic).unwrap().contains("\"imbalance\""));
}

#[test]
fn made_up_data_is_the_same_for_the_same_seed() {
    for name in ["blobs", "circles", "grid", "lines", "moons", "ring", "spirals", "xor"] {
        let (one, two) = (builtin(name).unwrap(), builtin(name).unwrap());
        assert_eq!(one.fingerprint, two.fingerprint);
        assert_eq!((one.name.as_str(), one.train.len()), (name, 700));
    }
    assert_ne!(
        data::xor(50, 0.1, 1).unwrap().fingerprint,
        data::xor(50, 0.1, 2).unwrap().fingerprint
    );
    assert_eq!(data::blobs(60, 6, 0.1, 1).unwrap().preparation.target.classes().unwrap().len(), 6);
    assert!(message(data::spirals(100, 1, 0.1, 1)).contains("2 to 26 classes"));
    assert!(message(data::moons(100, f64::NAN, 1)).contains("a noise of NaN"));
}

#[test]
fn without_noise_the_points_stand_where_they_should() {
    let circles = data::circles(100, 0.0, 3).unwrap();
    let InputPreparation::Table { columns } = &circles.preparation.inputs else { unreachable!() };
    for row in 0..circles.train.len() {
        let (mut x, mut label) = ([0.0; 2], [0]);
        circles.train.gather(&[row], &mut x, data::TargetsMut::Classes(&mut label)).unwrap();
        let own = |i: usize| match columns[i] {
            PreparedColumn::Number { offset, scale, .. } => f64::from(x[i]) * scale + offset,
            _ => unreachable!(),
        };
        let radius = own(0).hypot(own(1));
        // Classes are sorted: inner, outer.
        assert!((radius - [0.5, 1.0][label[0] as usize]).abs() < 1e-5, "{radius}");
    }
}

#[test]
fn each_row_is_held_out_once_and_classes_are_spread() {
    let labels: Vec<i64> = (0..103).map(|row| i64::from(row % 10 == 0)).collect();
    let folds = k_fold(103, Some(&labels), 5, true, 7).unwrap();
    let mut held_out: Vec<usize> = folds.iter().flat_map(|fold| fold.test.clone()).collect();
    held_out.sort_unstable();
    assert_eq!(held_out, (0..103).collect::<Vec<_>>());
    for fold in &folds {
        assert_eq!(fold.train.len() + fold.test.len(), 103);
        assert!([20, 21].contains(&fold.test.len()));
        let rare = fold.test.iter().filter(|row| labels[**row] == 1).count();
        assert!([2, 3].contains(&rare), "11 rare rows over 5 folds, not {rare}");
    }
    assert_ne!(folds, k_fold(103, Some(&labels), 5, true, 8).unwrap());
    for (rows, k) in [(10, 1), (3, 4), (0, 2)] {
        assert!(k_fold(rows, None, k, false, 1).is_err());
    }
    assert!(time_series_folds(5, 5).is_err() && time_series_folds(5, 0).is_err());
}

#[test]
fn what_is_fitted_is_fitted_within_the_fold() {
    let text = csv("x,y", 60, |row| format!("{row},{row}.5"));
    let table = RawTable::from_bytes("t.csv", text.as_bytes()).unwrap();
    let options = Options { target: Some("y".into()), valid: Some(0.0), ..Options::default() };
    for folding in [Folding::ByChance { k: 4 }, Folding::InTime { k: 4 }] {
        for fold in Dataset::folds(&table, &options, folding).unwrap() {
            let fold = fold.unwrap();
            let rows = fold.train.source_rows();
            let mean = rows.iter().map(|row| (row - 1) as f64).sum::<f64>() / rows.len() as f64;
            let InputPreparation::Table { columns } = &fold.preparation.inputs else {
                unreachable!()
            };
            let PreparedColumn::Number { offset, .. } = columns[0] else { unreachable!() };
            assert!((offset - mean).abs() < 1e-9);
            if folding == (Folding::InTime { k: 4 }) {
                assert!(rows.iter().max() < fold.test.source_rows().iter().min());
            }
        }
    }
}
