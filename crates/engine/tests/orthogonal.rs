//! Orthogonal matrices as first values: what they promise, at every shape.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use glassbox_engine::{Array, DType, Graph, Initial, Mode};

fn drawn(dtype: DType, shape: &[usize], gain: f64, seed: u64) -> Array {
    let graph = Graph::new();
    let initial = Initial::Orthogonal { gain };
    graph.root(Mode::Train).parameter_of(dtype, "w", shape.to_vec(), initial);
    graph.initial_values(seed).get("w").unwrap().clone()
}

#[test]
fn rows_or_columns_are_at_right_angles_and_as_long_as_the_gain() {
    let shapes: [&[usize]; 9] = [
        &[5, 5],
        &[40, 12],
        &[12, 40],
        &[1, 7],
        &[7, 1],
        &[9],
        &[3, 3, 8, 16],
        &[2, 2, 2, 100],
        &[64, 64],
    ];
    for shape in shapes {
        for gain in [1.0, 2f64.sqrt()] {
            let columns = *shape.last().unwrap();
            let w = drawn(DType::F64, shape, gain, 3).to_f64();
            let rows = w.len() / columns;
            let vector = |n: usize| -> Vec<f64> {
                match rows <= columns {
                    true => w[n * columns..(n + 1) * columns].to_vec(),
                    false => w.iter().skip(n).step_by(columns).copied().collect(),
                }
            };
            for a in 0..rows.min(columns) {
                for b in 0..=a {
                    let dot: f64 = vector(a).iter().zip(vector(b)).map(|(x, y)| x * y).sum();
                    let want = if a == b { gain * gain } else { 0.0 };
                    assert!((dot - want).abs() < 1e-13, "{shape:?}: {a} · {b} = {dot}");
                }
            }
        }
    }
}

#[test]
fn the_same_seed_and_path_give_the_same_bits_and_others_give_others() {
    let w = drawn(DType::F32, &[16, 16], 1.0, 1);
    assert_eq!(w, drawn(DType::F32, &[16, 16], 1.0, 1));
    assert_ne!(w, drawn(DType::F32, &[16, 16], 1.0, 2));
}

/// Each element of a matrix drawn uniformly among the orthogonal has mean 0 and variance 1/n; without
/// care for signs its diagonal has not.
#[test]
fn no_direction_is_preferred() {
    let (n, draws) = (4, 2000);
    let (mut sum, mut square) = (vec![0.0; n * n], vec![0.0; n * n]);
    for seed in 0..draws {
        for (i, x) in drawn(DType::F64, &[n, n], 1.0, seed).to_f64().into_iter().enumerate() {
            sum[i] += x / draws as f64;
            square[i] += x * x / draws as f64;
        }
    }
    for i in 0..n * n {
        // Four standard errors.
        assert!(sum[i].abs() < 4.0 * 0.5 / (draws as f64).sqrt(), "mean {i} is {}", sum[i]);
        assert!((square[i] - 0.25).abs() < 0.03, "variance {i} is {}", square[i]);
    }
}

#[test]
fn shapes_without_elements_are_empty() {
    for shape in [&[0usize, 3][..], &[3, 0], &[0]] {
        assert!(drawn(DType::F32, shape, 1.0, 0).data().is_empty());
    }
    assert_eq!(drawn(DType::F64, &[], 3.0, 0).to_f64()[0].abs(), 3.0);
}
