//! Accuracy and limits of the elementary functions, for every instruction set of the machine.
#![allow(unsafe_code)]

use crate::run::isa::Isa;

/// `y[i] = f(x[i])` or `f(x[i], z[i])`, compiled for one instruction set.
type Apply = fn(isa: Isa, x: &[f32], z: &[f32], y: &mut [f32]);

/// The vectorised forms of one function under test, as a safe function that picks one.
macro_rules! apply {
    (|$x:ident, $z:ident, $fma:ident| $value:expr) => {{
        #[inline(always)]
        fn generic<const $fma: bool>(x: &[f32], z: &[f32], y: &mut [f32]) {
            for ((y, &$x), &$z) in y.iter_mut().zip(x).zip(z) {
                *y = $value;
            }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn avx2(x: &[f32], z: &[f32], y: &mut [f32]) {
            generic::<true>(x, z, y)
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
        fn avx512(x: &[f32], z: &[f32], y: &mut [f32]) {
            generic::<true>(x, z, y)
        }
        fn pick(isa: Isa, x: &[f32], z: &[f32], y: &mut [f32]) {
            isa.assert_available();
            match isa {
                Isa::Portable => generic::<false>(x, z, y),
                // SAFETY: `assert_available` has found the instructions on this machine.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => unsafe { avx2(x, z, y) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => unsafe { avx512(x, z, y) },
                #[cfg(not(target_arch = "x86_64"))]
                _ => unreachable!(),
            }
        }
        pick as Apply
    }};
}

/// A function of one number with its `f64` meaning.
struct Function {
    name: &'static str,
    apply: Apply,
    exact: fn(f64) -> f64,
    /// Arguments larger than this are left out of the sweep.
    largest: f32,
}

macro_rules! function {
    ($name:ident, $exact:expr, $largest:expr) => {
        Function {
            name: stringify!($name),
            apply: apply!(|x, _z, FMA| super::$name::<FMA>(x)),
            exact: $exact,
            largest: $largest,
        }
    };
}

fn functions() -> Vec<Function> {
    vec![
        function!(exp, f64::exp, f32::MAX),
        function!(expm1, f64::exp_m1, f32::MAX),
        function!(log, f64::ln, f32::MAX),
        function!(log1p, f64::ln_1p, f32::MAX),
        function!(tanh, f64::tanh, f32::MAX),
        function!(sigmoid, |x| 1.0 / (1.0 + (-x).exp()), f32::MAX),
        function!(softplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p(), f32::MAX),
        function!(sin, f64::sin, 1e6),
        function!(cos, f64::cos, 1e6),
        function!(erf, exact_erf, f32::MAX),
    ]
}

/// `2/√π e^(-x²) Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!`, all terms of one sign (Abramowitz and Stegun 7.1.6).
fn exact_erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return 1f64.copysign(x);
    }
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > 1e-20 * sum.abs() {
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// How far `got` is from `exact`, in units of the last place of an f32 as large as `exact`.
fn ulps(got: f32, exact: f64) -> f64 {
    if exact.is_nan() || got.is_nan() {
        return if exact.is_nan() && got.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if f64::from(got) == exact || got == exact as f32 {
        // Correctly rounded, overflow to infinity included: at most half a unit.
        if !got.is_finite() {
            return 0.0;
        }
    }
    // An infinity where the largest number was due counts as the number that would come next.
    let two_128 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0_f64;
    let got = if got.is_infinite() { two_128.copysign(f64::from(got)) } else { f64::from(got) };
    let exact = exact.clamp(-two_128, two_128);
    let exponent = ((exact.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    (got - exact).abs() / 2f64.powi(exponent.clamp(-126, 127) - 23)
}

/// Every `step`-th f32 by bits, positive and negative, up to `largest`, and an even grid over
/// -128..128, where most functions do their work.
fn sweep(step: u32, largest: f32) -> Vec<f32> {
    let count = if cfg!(miri) { 1 << 8 } else { 1 << 20 };
    let step = if cfg!(miri) { step << 12 } else { step };
    let positive = (0..largest.to_bits()).step_by(step as usize).map(f32::from_bits);
    let grid = (-count..=count).map(|i| i as f32 / count as f32 * 128.0);
    positive.flat_map(|x| [x, -x]).chain(grid).collect()
}

/// The worst error of `apply` over `x` (and `z`), and where.
fn worst(isa: Isa, apply: Apply, x: &[f32], z: &[f32], exact: &[f64]) -> (f64, usize) {
    let mut y = vec![0.0; x.len()];
    apply(isa, x, z, &mut y);
    let errors = y.iter().zip(exact).map(|(&got, &exact)| ulps(got, exact));
    errors.enumerate().fold(
        (0.0, 0),
        |(worst, at), (index, error)| {
            if error > worst { (error, index) } else { (worst, at) }
        },
    )
}

#[test]
fn every_function_is_within_two_units_in_the_last_place() {
    for function in functions() {
        let x = sweep(2053, function.largest);
        let exact: Vec<f64> = x.iter().map(|&x| (function.exact)(f64::from(x))).collect();
        for isa in Isa::available() {
            let (error, at) = worst(isa, function.apply, &x, &x, &exact);
            println!("{:10} {isa:8} {error:.2} ulp at {:e}", function.name, x[at]);
            assert!(error <= 2.0, "{} on {isa}: {error} ulp at {:e}", function.name, x[at]);
        }
    }
}

#[test]
fn pow_is_within_two_units_in_the_last_place() {
    let bases = sweep(if cfg!(miri) { 1 << 16 } else { 199_999 }, f32::MAX);
    let mut pairs = Vec::new();
    for (index, &x) in bases.iter().enumerate().step_by(if cfg!(miri) { 97 } else { 1 }) {
        // Exponents that keep most results finite, integers of both signs, and a few fixed ones.
        let spread = (index % 2001) as f32 / 1000.0 - 1.0;
        let size = (f64::from(x.abs()).log2().abs() as f32).max(1e-6);
        pairs.push((x.abs(), spread * 150.0 / size));
        pairs.push((x, ((index % 41) as f32) - 20.0));
        pairs.push((x, [0.5, -0.5, 2.0, 1.0 / 3.0, 0.999][index % 5]));
    }
    let (x, z): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
    let exact: Vec<f64> = x.iter().zip(&z).map(|(&x, &z)| f64::from(x).powf(z.into())).collect();
    let apply = apply!(|x, z, FMA| super::pow::<FMA>(x, z));
    for isa in Isa::available() {
        let (error, at) = worst(isa, apply, &x, &z, &exact);
        println!("pow        {isa:8} {error:.2} ulp at {:e}, {:e}", x[at], z[at]);
        assert!(error <= 2.0, "pow on {isa}: {error} ulp at {:e}, {:e}", x[at], z[at]);
    }
}

/// Bits of `x`, with one pattern for all NaNs.
fn canonical(x: f32) -> u32 {
    if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() }
}

#[test]
fn limits_zeros_and_nan_are_as_ieee_754_has_them() {
    let inf = f32::INFINITY;
    let nan = f32::NAN;
    // (function, [argument, result]...), results after IEEE 754-2019 section 9.2, or the limit.
    let cases: &[(&str, &[(f32, f32)])] = &[
        ("exp", &[(-inf, 0.0), (inf, inf), (0.0, 1.0), (-0.0, 1.0), (200.0, inf), (-200.0, 0.0)]),
        ("expm1", &[(-inf, -1.0), (inf, inf), (0.0, 0.0), (-0.0, -0.0), (200.0, inf)]),
        ("log", &[(0.0, -inf), (-0.0, -inf), (1.0, 0.0), (inf, inf), (-1.0, nan), (-inf, nan)]),
        ("log1p", &[(-1.0, -inf), (0.0, 0.0), (-0.0, -0.0), (inf, inf), (-2.0, nan), (-inf, nan)]),
        ("tanh", &[(inf, 1.0), (-inf, -1.0), (0.0, 0.0), (-0.0, -0.0), (50.0, 1.0)]),
        ("sigmoid", &[(inf, 1.0), (-inf, 0.0), (0.0, 0.5), (200.0, 1.0), (-200.0, 0.0)]),
        ("softplus", &[(inf, inf), (-inf, 0.0), (200.0, 200.0), (-200.0, 0.0)]),
        ("sin", &[(0.0, 0.0), (-0.0, -0.0), (inf, nan), (-inf, nan)]),
        ("cos", &[(0.0, 1.0), (-0.0, 1.0), (inf, nan), (-inf, nan)]),
        ("erf", &[(inf, 1.0), (-inf, -1.0), (0.0, 0.0), (-0.0, -0.0)]),
    ];
    for function in functions() {
        let (_, wanted) = cases.iter().find(|(name, _)| *name == function.name).expect("a case");
        let pairs: Vec<(f32, f32)> = wanted.iter().copied().chain([(nan, nan)]).collect();
        let x: Vec<f32> = pairs.iter().map(|&(x, _)| x).collect();
        for isa in Isa::available() {
            // Repeated, so that vector lanes and the loop's scalar rest are both met.
            let x = x.repeat(7);
            let mut y = vec![0.0; x.len()];
            (function.apply)(isa, &x, &x, &mut y);
            for (index, &got) in y.iter().enumerate() {
                let wanted = pairs[index % pairs.len()].1;
                let name = function.name;
                assert_eq!(canonical(got), canonical(wanted), "{name}({}) on {isa}", x[index]);
            }
        }
    }
}

#[test]
fn pow_treats_signs_zeros_and_infinities_as_the_standard_library_does() {
    let values = [
        0.0,
        1.0,
        0.5,
        2.0,
        3.0,
        1e-40,
        16_777_215.0,
        16_777_216.0,
        3e38,
        f32::INFINITY,
        f32::NAN,
        2.5,
        4.0,
    ];
    let values: Vec<f32> = values.into_iter().flat_map(|x| [x, -x]).collect();
    let pairs = values.iter().flat_map(|&x| values.iter().map(move |&z| (x, z)));
    let (x, z): (Vec<f32>, Vec<f32>) = pairs.unzip();
    let apply = apply!(|x, z, FMA| super::pow::<FMA>(x, z));
    for isa in Isa::available() {
        let mut y = vec![0.0; x.len()];
        apply(isa, &x, &z, &mut y);
        for ((&x, &z), &got) in x.iter().zip(&z).zip(&y) {
            let exact = f64::from(x).powf(z.into());
            let same_sign = exact.is_nan() || got.is_sign_negative() == exact.is_sign_negative();
            assert!(same_sign && ulps(got, exact) <= 2.0, "{x}^{z} on {isa}: {got}, not {exact}");
        }
    }
}

#[test]
fn sine_and_cosine_stay_within_one_for_huge_arguments() {
    let x: Vec<f32> = (0..200).map(|i| 1e6 * 1.5f32.powi(i % 190)).collect();
    for function in functions().iter().filter(|f| ["sin", "cos"].contains(&f.name)) {
        for isa in Isa::available() {
            let mut y = vec![0.0; x.len()];
            (function.apply)(isa, &x, &x, &mut y);
            assert!(y.iter().zip(&x).all(|(y, x)| y.abs() <= 1.0 || x.is_infinite()));
        }
    }
}

#[test]
#[ignore = "prints a measurement; run with --release --no-capture"]
fn measure_speed() {
    let x: Vec<f32> = (0..4096).map(|i| i as f32 / 512.0 + 0.01).collect();
    let mut y = vec![0.0; x.len()];
    let pow = ("pow", apply!(|x, z, FMA| super::pow::<FMA>(x, z)));
    let all = functions();
    for (name, apply) in all.iter().map(|f| (f.name, f.apply)).chain([pow]) {
        print!("{name:10}");
        for isa in Isa::available() {
            let since = std::time::Instant::now();
            for _ in 0..1000 {
                apply(isa, &x, std::hint::black_box(&x), &mut y);
                std::hint::black_box(&mut y);
            }
            print!("  {isa} {:.3}", since.elapsed().as_nanos() as f64 / 4096e3);
        }
        println!("  ns an element");
    }
}
