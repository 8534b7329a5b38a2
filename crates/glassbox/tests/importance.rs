//! Permutation importance: what a model does not go by is worth nothing, and columns that say the
//! same share their worth.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox::Error;
use glassbox::engine::random::Stream;
use glassbox::metrics::Regression;
use glassbox::practice::{Importance, permutation_importance};

const ROWS: usize = 2_000;

/// Two independent columns, uniform in [−1, 1], and a copy of the first.
fn table() -> Vec<f32> {
    let draw = Stream::new(3, "table", 0);
    let x = |at: usize| 2.0 * draw.uniform(at as u64) as f32 - 1.0;
    (0..ROWS).flat_map(|row| [x(2 * row), x(2 * row + 1), x(2 * row)]).collect()
}

fn importance(groups: &[(&str, &[usize])], weights: [f32; 3]) -> Vec<Importance> {
    let mut matrix = table();
    let told = |matrix: &[f32]| -> Vec<f64> {
        let sum = |row: &[f32]| row.iter().zip(weights).map(|(x, w)| f64::from(x * w)).sum();
        matrix.chunks_exact(3).map(sum).collect()
    };
    let truth = told(&matrix);
    let mut r2 = |matrix: &[f32]| Ok(Regression::of(&truth, &told(matrix), 1)?.mean().r2.unwrap());
    let groups: Vec<_> =
        groups.iter().map(|(name, of)| ((*name).to_string(), of.to_vec())).collect();
    let found = permutation_importance(&mut matrix, ROWS, &groups, 20, 1, &mut r2).unwrap();
    assert_eq!(matrix, table(), "given back as it was");
    found
}

#[test]
fn the_drop_of_r2_is_twice_the_share_of_the_spread_that_a_column_explains() {
    // Shuffling x in y = 2x + z makes an error 2(x′ − x) of variance 2 · 4σ² beside y's 5σ².
    let found = importance(&[("z", &[1]), ("x", &[0]), ("ignored", &[2])], [2.0, 1.0, 0.0]);
    let shown: Vec<&str> = found.iter().map(|column| column.column.as_str()).collect();
    assert_eq!(shown, ["x", "z", "ignored"]);
    assert!((found[0].drop - 8.0 / 5.0).abs() < 0.1, "{found:?}");
    assert!((found[1].drop - 2.0 / 5.0).abs() < 0.05, "{found:?}");
    assert_eq!((found[2].drop, found[2].deviation), (0.0, 0.0));
}

#[test]
fn columns_that_say_the_same_share_and_a_group_has_all() {
    // y = x + x: alone each of the two halves loses 2 · 1/4, both together 2.
    let weights = [1.0, 0.0, 1.0];
    let alone = importance(&[("x", &[0]), ("copy", &[2])], weights);
    assert!(alone.iter().all(|column| (column.drop - 0.5).abs() < 0.05), "{alone:?}");
    let together = importance(&[("both", &[0, 2])], weights);
    assert!((together[0].drop - 2.0).abs() < 0.15, "{together:?}");
}

#[test]
fn mistakes_are_refused_and_errors_of_the_figure_pass_through() {
    let columns = [("a".to_string(), vec![2])];
    let mut fine = |_: &[f32]| Ok(1.0);
    let mut matrix = vec![0.0; 4];
    let mut refused = |rows, repeats, columns: &[(String, Vec<usize>)]| {
        let found = permutation_importance(&mut matrix, rows, columns, repeats, 1, &mut fine);
        found.unwrap_err().to_string()
    };
    assert!(refused(2, 1, &columns).contains("a row has only 2 features"));
    assert!(refused(3, 1, &[]).contains("not 3 whole rows"));
    assert!(refused(2, 0, &[]).contains("at least once"));
    let mut fails = |_: &[f32]| Err(Error::Other("no figure".into()));
    let found = permutation_importance(&mut [0.0; 4], 2, &[], 1, 1, &mut fails);
    assert_eq!(found.unwrap_err().to_string(), "no figure");
}
