//! Every row of the table: its kernels mean what its f64 meaning says, on every instruction set.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox_engine::op::{Binary, Unary};
use glassbox_engine::{Array, DType, Graph, Isa, Options, Parameters, Session};

/// Numbers of all sizes and signs, zeros, infinities and NaN among them.
fn numbers() -> Vec<f64> {
    let mut numbers = vec![0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1.0, -1.0];
    for i in -400..=400 {
        let x = f64::from(i) / 40.0 + 0.0037;
        numbers.extend([x, x * 1e-3, x * 7.0]);
    }
    numbers.iter().map(|&x| f64::from(x as f32)).collect()
}

fn close(got: f64, want: f64, tolerance: f64) -> bool {
    got.is_nan() && want.is_nan()
        || got == want
        || (got - want).abs() <= tolerance * want.abs() + f64::from(f32::MIN_POSITIVE)
}

fn run(
    isa: Isa,
    dtype: DType,
    inputs: &[&[f64]],
    record: impl for<'g> Fn(&'g Graph, Vec<glassbox_engine::Tensor<'g>>) -> glassbox_engine::Tensor<'g>,
) -> Vec<f64> {
    let (graph, mut given) = (Graph::new(), Parameters::new());
    let arguments = inputs.iter().enumerate().map(|(i, values)| {
        let array = Array::from_f64(dtype, [values.len()], values).unwrap();
        given.insert(format!("x{i}"), array);
        graph.input(&format!("x{i}"), dtype, [values.len()])
    });
    let arguments = arguments.collect();
    let result = record(&graph, arguments);
    let mut session = Session::new(Options { isa: Some(isa), ..Options::default() }).unwrap();
    session.evaluate(&graph, &given, &[result]).unwrap()[0].to_f64()
}

#[test]
fn functions_of_one_number_mean_the_same_in_every_kernel() {
    let x = numbers();
    for isa in Isa::available() {
        for &op in Unary::ALL {
            for (dtype, tolerance) in [(DType::F32, 4e-7), (DType::F64, 1e-14)] {
                let results = run(isa, dtype, &[&x], |_, x| op.of(x[0]));
                for (&x, got) in x.iter().zip(results) {
                    let want = match dtype {
                        DType::F32 => f64::from(op.evaluate(x) as f32),
                        _ => op.evaluate(x),
                    };
                    assert!(
                        close(got, want, tolerance),
                        "{isa}, {dtype}: {}({x}) is {got}, its meaning is {want}",
                        op.name()
                    );
                }
            }
        }
    }
}

#[test]
fn functions_of_two_numbers_mean_the_same_in_every_kernel() {
    let all = numbers();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for (i, &x) in all.iter().enumerate() {
        for step in [0, 1, 7, 303] {
            a.push(x);
            b.push(all[(i * 3 + step) % all.len()]);
        }
    }
    for isa in Isa::available() {
        for &op in Binary::ALL {
            for (dtype, tolerance) in [(DType::F32, 4e-7), (DType::F64, 1e-14)] {
                let results = run(isa, dtype, &[&a, &b], |_, x| op.of(x[0], x[1]));
                for ((&a, &b), got) in a.iter().zip(&b).zip(results) {
                    let want = match dtype {
                        DType::F32 => f64::from(op.evaluate(a, b) as f32),
                        _ => op.evaluate(a, b),
                    };
                    assert!(
                        close(got, want, tolerance),
                        "{isa}, {dtype}: {}({a}, {b}) is {got}, its meaning is {want}",
                        op.name()
                    );
                }
            }
        }
    }
}

#[test]
fn the_error_function_has_its_tabled_values() {
    // Abramowitz and Stegun, table 7.1, ten digits.
    for (x, erf) in [
        (0.5, 0.520_499_877_8),
        (1.0, 0.842_700_792_9),
        (1.5, 0.966_105_146_5),
        (2.0, 0.995_322_265_0),
    ] {
        assert!((Unary::Erf.evaluate(x) - erf).abs() < 5e-11, "erf({x})");
        assert_eq!(Unary::Erf.evaluate(-x), -Unary::Erf.evaluate(x));
    }
    assert_eq!(Unary::Erf.evaluate(6.5), 1.0);
}
