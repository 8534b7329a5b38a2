//! Reductions against plain loops, and their fixed order.

use super::*;
use crate::random::Stream;
use std::time::Instant;

/// Numbers in -1..1.
fn random(len: usize) -> Vec<f32> {
    let stream = Stream::new(7, "reduce", 0);
    (0..len as u64).map(|index| (stream.bits(index) >> 8) as f32 / 8_388_608.0 - 1.0).collect()
}

const ALL: [Reduction; 3] = [Reduction::Sum, Reduction::Max, Reduction::Min];

/// The order that the module's documentation states, written as plainly as possible.
fn stated_order<T: Number>(reduction: Reduction, values: &[T]) -> T {
    let (start, combine): (T, fn(T, T) -> T) = match reduction {
        Reduction::Sum => (T::ZERO, T::plus),
        Reduction::Max => (T::LOWEST, T::larger),
        Reduction::Min => (T::HIGHEST, T::smaller),
    };
    values.chunks(4096).fold(start, |total, block| {
        let mut lanes: Vec<T> = (0..16)
            .map(|lane| block.iter().skip(lane).step_by(16).fold(start, |sum, &x| combine(sum, x)))
            .collect();
        while lanes.len() > 1 {
            let upper = lanes.split_off(lanes.len() / 2);
            lanes = lanes.into_iter().zip(upper).map(|(a, b)| combine(a, b)).collect();
        }
        combine(total, lanes[0])
    })
}

/// `[outer, reduced, inner]` on every instruction set with 1, 2 and 3 threads, in all reductions.
fn check<T: Number + PartialEq + std::fmt::Debug>(
    [outer, reduced, inner]: [usize; 3],
    number: impl Fn(f32) -> T,
) {
    let input: Vec<T> = random(outer * reduced * inner).into_iter().map(number).collect();
    for reduction in ALL {
        let exact: Vec<T> = (0..outer * inner)
            .map(|index| {
                let (o, i) = (index / inner, index % inner);
                let column = (0..reduced).map(|r| input[(o * reduced + r) * inner + i]);
                if inner == 1 {
                    return stated_order(reduction, &column.collect::<Vec<T>>());
                }
                match reduction {
                    Reduction::Sum => column.fold(T::ZERO, T::plus),
                    Reduction::Max => column.fold(T::LOWEST, T::larger),
                    Reduction::Min => column.fold(T::HIGHEST, T::smaller),
                }
            })
            .collect();
        for threads in [1, 2, 3] {
            let pool = Pool::new(threads);
            for isa in Isa::available() {
                let mut output = vec![T::ZERO; outer * inner];
                let mut partials = vec![T::LOWEST; partials_len(outer, reduced, inner)];
                let shape = [outer, reduced, inner];
                reduce(isa, &pool, reduction, &input, shape, &mut output, &mut partials)
                    .expect("no panic");
                assert_eq!(output, exact, "{reduction:?} {shape:?} on {isa}, {threads} threads");
            }
        }
    }
}

/// Shapes with and without rests, below and above the sizes where threads and partials start.
fn shapes() -> Vec<[usize; 3]> {
    let mut shapes = vec![
        [1, 1, 1],
        [1, 15, 1],
        [1, 16, 1],
        [5, 17, 1],
        [9, 100, 1],
        [1, 0, 1],
        [2, 0, 3],
        [0, 4, 2],
        [2, 4, 0],
        [3, 5, 2],
        [2, 7, 33],
    ];
    if !cfg!(miri) {
        shapes.extend([
            [1, 4096, 1],
            [3, 4097, 1],
            [2, 20_000, 1],
            [70, 1000, 1],
            [1, 100_000, 1],
            [2, 65_536, 1],
            [1, 131_073, 1],
            [1, 500, 1500],
            [6, 100, 300],
            [40, 1001, 3],
        ]);
    }
    shapes
}

#[test]
fn f32_reductions_follow_the_stated_order_on_every_set_with_any_threads() {
    shapes().into_iter().for_each(|shape| check(shape, |x| x));
}

#[test]
fn f64_reductions_follow_the_stated_order_on_every_set_with_any_threads() {
    shapes().into_iter().for_each(|shape| check(shape, f64::from));
}

#[test]
fn i64_reductions_follow_the_stated_order_on_every_set_with_any_threads() {
    shapes().into_iter().for_each(|shape| check(shape, |x| (x * 1e6) as i64));
}

#[test]
fn a_sum_of_many_equal_numbers_keeps_its_digits() {
    // One chain of f32 additions would stop growing at 2^24.
    let values = vec![1.0f32; if cfg!(miri) { 5000 } else { 20_000_000 }];
    assert_eq!(sum(Isa::detect(), &values), values.len() as f32);
}

#[test]
fn nan_comes_through_wherever_it_stands() {
    for isa in Isa::available() {
        for len in [1, 15, 16, 40] {
            for at in 0..len {
                let mut values = vec![1.0f32; len];
                values[at] = f32::NAN;
                for reduction in ALL {
                    assert!(reduce_slice(isa, reduction, &values).is_nan());
                }
                let mut columns = [0.0f32; 2];
                let pairs: Vec<f32> = values.iter().flat_map(|&x| [x, 2.0]).collect();
                for reduction in [Reduction::Max, Reduction::Min] {
                    let shape = [1, len, 2];
                    reduce(isa, &Pool::new(1), reduction, &pairs, shape, &mut columns, &mut [])
                        .expect("no panic");
                    assert!(columns[0].is_nan() && columns[1] == 2.0);
                }
            }
        }
    }
}

#[test]
fn nothing_reduces_to_the_neutral_number() {
    assert_eq!(sum::<f32>(Isa::Portable, &[]), 0.0);
    assert_eq!(max::<f32>(Isa::Portable, &[]), f32::NEG_INFINITY);
    assert_eq!(min::<f64>(Isa::Portable, &[]), f64::INFINITY);
    assert_eq!(max::<i64>(Isa::Portable, &[]), i64::MIN);
}

#[test]
#[ignore = "prints a measurement; run with --release --no-capture"]
fn measure_reductions() {
    let shapes = [
        [1, 4096, 1],
        [64, 128, 1],
        [64, 1024, 1],
        [1, 128, 2048],
        [1, 65_536, 16],
        [1, 1_000_000, 1],
        [1, 16_000_000, 1],
        [1, 250_000, 64],
        [1, 300_000, 3],
    ];
    for shape in shapes {
        let input = random(shape.iter().product());
        let mut output = vec![0.0; shape[0] * shape[2]];
        let mut partials = vec![0.0; partials_len(shape[0], shape[1], shape[2])];
        for threads in [1, 2] {
            let pool = Pool::new(threads);
            print!("{shape:?} {threads} threads:");
            for reduction in [Reduction::Sum, Reduction::Max] {
                for isa in Isa::available() {
                    let repeats = (20_000_000 / input.len()).max(2);
                    let mut best = f64::INFINITY;
                    for _ in 0..5 {
                        let since = Instant::now();
                        for _ in 0..repeats {
                            reduce(
                                isa,
                                &pool,
                                reduction,
                                &input,
                                shape,
                                &mut output,
                                &mut partials,
                            )
                            .expect("no panic");
                        }
                        best = best.min(since.elapsed().as_nanos() as f64 / repeats as f64);
                    }
                    print!("  {reduction:?} {isa} {:.1}", input.len() as f64 * 4.0 / best);
                }
            }
            println!(" GB/s");
        }
    }
}
