//! The matrix products against a plain triple loop in `f64`.

use super::peak::peak;
use super::*;
use crate::random::Stream;
#[cfg(target_arch = "x86_64")]
use std::time::Instant;

/// Numbers in -1..1, their place in the sequence known to nobody.
fn random(len: usize, draw: u64) -> Vec<f32> {
    let stream = Stream::new(7, "matmul", draw);
    (0..len as u64).map(|index| (stream.bits(index) >> 8) as f32 / 8_388_608.0 - 1.0).collect()
}

/// A random matrix stored with some elements of room after each row, transposed or not.
struct Stored {
    data: Vec<f32>,
    stride: usize,
    transposed: bool,
}

impl Stored {
    fn new(rows: usize, columns: usize, room: usize, transposed: bool, draw: u64) -> Self {
        let (outer, inner) = if transposed { (columns, rows) } else { (rows, columns) };
        let stride = inner + room;
        // No room after the last row: reading past it must not happen.
        Stored { data: random((outer - 1) * stride + inner, draw), stride, transposed }
    }

    fn view(&self) -> View<'_> {
        let view = View::row_major(&self.data, self.stride);
        if self.transposed { view.transposed() } else { view }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        let view = self.view();
        f64::from(view.data[row * view.row_stride + column * view.column_stride])
    }
}

/// The product with scratch memory and result full of NaN beforehand: none may be read.
fn product(
    isa: Isa,
    pool: &Pool,
    (m, n, k): (usize, usize, usize),
    a: View<'_>,
    b: View<'_>,
) -> Vec<f32> {
    // A guard behind the scratch memory shows writes past its end.
    let len = scratch_len(isa, pool.threads(), m, n, k);
    let mut memory = vec![f32::NAN; len];
    memory.resize(len + 4_000, 7.0);
    let (scratch, guard) = memory.split_at_mut(len);
    let mut c = vec![f32::NAN; m * n];
    matmul(isa, pool, scratch, m, n, k, a, b, &mut c).expect("no panic");
    assert!(guard.iter().all(|&x| x == 7.0), "{m}×{n}×{k} on {isa} wrote past its scratch memory");
    c
}

/// Checks one shape in all transposes, on all instruction sets, with 1, 2 and 3 threads.
fn check((m, n, k): (usize, usize, usize), room: usize) {
    let pools = [1, 2, 3].map(Pool::new);
    for isa in Isa::available() {
        for (a_transposed, b_transposed) in
            [(false, false), (false, true), (true, false), (true, true)]
        {
            let a = Stored::new(m, k, room, a_transposed, 1);
            let b = Stored::new(k, n, room, b_transposed, 2);
            let what = format!("{m}×{n}×{k} room {room} on {isa}, {a_transposed} {b_transposed}");
            let [one, two, three] =
                [0, 1, 2].map(|pool| product(isa, &pools[pool], (m, n, k), a.view(), b.view()));
            assert!(one.iter().zip(&two).all(|(x, y)| x.to_bits() == y.to_bits()), "{what}");
            assert!(one.iter().zip(&three).all(|(x, y)| x.to_bits() == y.to_bits()), "{what}");
            for (index, &got) in one.iter().enumerate() {
                let (row, column) = (index / n, index % n);
                let terms = (0..k).map(|p| a.at(row, p) * b.at(p, column));
                let (exact, size) =
                    terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + f64::abs(term)));
                // Higham, "Accuracy and Stability of Numerical Algorithms", (3.5), each step rounded
                // at most twice; in practice errors grow like √k.
                let bound = 2.0 * (k as f64).sqrt() * f64::from(f32::EPSILON) * size;
                assert!(
                    (f64::from(got) - exact).abs() <= bound,
                    "{what} at {row}, {column}: {got}"
                );
            }
        }
    }
}

#[test]
fn every_small_shape_agrees_with_the_triple_loop() {
    let sizes: &[usize] = if cfg!(miri) { &[1, 7] } else { &[1, 2, 3, 5, 8, 13, 16, 17, 31, 33] };
    for &m in sizes {
        for &n in sizes {
            for &k in &[1, 2, 7, 16, 33] {
                check((m, n, k), 0);
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn shapes_of_several_blocks_agree_with_the_triple_loop() {
    for (shape, room) in [
        ((100, 65, 700), 3),
        ((180, 97, 50), 0),
        ((14, 2100, 30), 1),
        ((1, 300, 800), 5),
        ((300, 1, 800), 5),
        ((400, 10, 129), 0),
        ((64, 128, 512), 0),
        ((30, 512, 64), 0),
        // Shares of 169 and 168 rows, which are two blocks and one.
        ((337, 160, 400), 0),
        // Shares of two rows and one, which is computed in another way.
        ((3, 40_000, 1), 0),
    ] {
        check(shape, room);
    }
}

#[test]
fn transposes_and_strides_do_not_change_bits() {
    let pool = Pool::new(2);
    for (m, n, k) in [(65, 70, 500), (1, 90, 1000), (90, 1, 1000), (20, 33, 40)] {
        let (m, n, k) = if cfg!(miri) { (m.min(9), n.min(9), k.min(9)) } else { (m, n, k) };
        let (a, b) = (Stored::new(m, k, 0, false, 1), Stored::new(k, n, 0, false, 2));
        let transpose = |from: &[f32], rows: usize, columns: usize| -> Vec<f32> {
            (0..rows * columns).map(|i| from[(i % rows) * columns + i / rows]).collect()
        };
        let (a_t, b_t) = (transpose(&a.data, m, k), transpose(&b.data, k, n));
        for isa in Isa::available() {
            let plain = product(isa, &pool, (m, n, k), a.view(), b.view());
            let a_view = View::row_major(&a_t, m).transposed();
            let b_view = View::row_major(&b_t, k).transposed();
            for (a, b) in [(a_view, b.view()), (a.view(), b_view), (a_view, b_view)] {
                assert_eq!(plain, product(isa, &pool, (m, n, k), a, b), "{m}×{n}×{k} on {isa}");
            }
        }
    }
}

#[test]
fn an_empty_depth_gives_zeros_and_an_empty_result_nothing() {
    let pool = Pool::new(1);
    let empty = View::row_major(&[], 0);
    assert_eq!(product(Isa::detect(), &pool, (2, 3, 0), empty, empty), [0.0; 6]);
    assert!(product(Isa::detect(), &pool, (0, 3, 2), empty, empty).is_empty());
    assert!(product(Isa::detect(), &pool, (3, 0, 2), empty, empty).is_empty());
}

#[test]
#[should_panic = "the left factor is 2×3"]
fn a_view_that_is_too_short_is_refused() {
    let a = [0.0; 5];
    let b = [0.0; 6];
    product(
        Isa::Portable,
        &Pool::new(1),
        (2, 2, 3),
        View::row_major(&a, 3),
        View::row_major(&b, 2),
    );
}

#[test]
fn infinities_and_nan_come_through() {
    let a = [f32::INFINITY, 1.0, f32::NAN, 1.0];
    let b = [1.0, 0.0, 2.0, 3.0];
    for isa in Isa::available() {
        let (a, b) = (View::row_major(&a, 2), View::row_major(&b, 2));
        let c = product(isa, &Pool::new(1), (2, 2, 2), a, b);
        assert!(c[0] == f32::INFINITY && c[1].is_nan() && c[2].is_nan() && c[3].is_nan());
    }
}

#[test]
fn the_f64_product_is_the_triple_loop_for_any_threads() {
    let shapes = [(1, 1, 1), (5, 7, 3), (4, 64, 65), (70, 90, 110), (3, 0, 2), (2, 2, 0)];
    for (m, n, k) in shapes {
        if cfg!(miri) && m * n * k > 1000 {
            continue;
        }
        let a: Vec<f64> = random(m * k, 1).into_iter().map(f64::from).collect();
        let b: Vec<f64> = random(k * n, 2).into_iter().map(f64::from).collect();
        let mut exact = vec![0.0; m * n];
        for i in 0..m {
            for j in 0..n {
                exact[i * n + j] = (0..k).fold(0.0, |sum, p| sum + a[i * k + p] * b[p * n + j]);
            }
        }
        for threads in [1, 2, 3] {
            let mut c = vec![f64::NAN; m * n];
            let (a, b) = (View::row_major(&a, k), View::row_major(&b, n));
            matmul_f64(&Pool::new(threads), m, n, k, a, b, &mut c).expect("no panic");
            assert_eq!(c, exact, "{m}×{n}×{k} on {threads} threads");
        }
    }
}

#[test]
#[ignore = "prints a measurement; run with --release --no-capture"]
fn measure_products() {
    let shapes = [
        (64, 64, 64, false, false),
        (128, 128, 128, false, false),
        (256, 256, 256, false, false),
        (512, 512, 512, false, false),
        (768, 768, 768, false, false),
        (1024, 1024, 1024, false, false),
        (1024, 1024, 1024, true, false),
        (1024, 1024, 1024, false, true),
        (128, 256, 784, false, false),
        (128, 10, 128, false, false),
        (128, 128, 10, false, true),
        (784, 256, 128, true, false),
        (256, 2048, 2048, false, false),
        (256, 2048, 2048, false, true),
        (32, 1024, 256, false, false),
        (8, 2048, 2048, false, false),
        (24, 2048, 2048, false, false),
        (56, 2048, 2048, false, false),
        (56, 1000, 2048, false, false),
        (8, 1024, 1024, false, false),
        (8, 1024, 1024, false, true),
        (288, 64, 12544, true, false),
        (1, 1024, 1024, false, false),
        (1, 1024, 1024, false, true),
        (1, 1000, 1000, false, true),
        (1, 4096, 4096, false, false),
        (1, 4096, 4096, false, true),
        (1024, 1, 1024, false, false),
        (1024, 1, 1024, true, false),
    ];
    let only = std::env::var("ISA").ok().map(|name| name.parse::<Isa>().expect("a set"));
    for isa in Isa::available() {
        if only.is_some_and(|only| only != isa) {
            continue;
        }
        let peak = (0..5).map(|_| peak(isa, 2_000_000)).fold(f64::NEG_INFINITY, f64::max);
        println!("{isa}: register-only peak of one core {peak:.0} GFLOP/s");
        for (m, n, k, a_transposed, b_transposed) in shapes {
            let a = Stored::new(m, k, 0, a_transposed, 1);
            let b = Stored::new(k, n, 0, b_transposed, 2);
            let mark = |transposed| if transposed { "ᵀ" } else { " " };
            print!("{m:5}×{n:4}×{k:5} A{} B{}", mark(a_transposed), mark(b_transposed));
            for threads in [1, 2] {
                let pool = Pool::new(threads);
                let mut scratch = vec![0.0; scratch_len(isa, threads, m, n, k)];
                let mut c = vec![0.0; m * n];
                let repeats = (20_000_000 / (m * n * k)).clamp(1, 1000);
                let mut best = f64::INFINITY;
                for _ in 0..30 {
                    let since = Instant::now();
                    for _ in 0..repeats {
                        matmul(isa, &pool, &mut scratch, m, n, k, a.view(), b.view(), &mut c)
                            .expect("no panic");
                    }
                    best = best.min(since.elapsed().as_nanos() as f64 / repeats as f64);
                }
                let rate = (2 * m * n * k) as f64 / best;
                print!("   {threads} threads {rate:6.1} GFLOP/s");
                print!(" {:3.0} %", 100.0 * rate / (peak * threads as f64));
            }
            println!();
        }
    }
}
