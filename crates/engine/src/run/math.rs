//! Elementary functions of one `f32`, written so that the compiler vectorises them.
//!
//! Each is branch-free (selections only), uses no table and calls nothing, so that a loop over it
//! inside a `#[target_feature]` function becomes vector code. `FMA` says whether the function is
//! compiled into code that has fused multiply-add: outside of such code `mul_add` would call a slow
//! library routine, so `FMA = false` multiplies and adds with two roundings.
//!
//! The polynomials are minimax fits (Remez exchange in 60 digits, weighted so that the relative
//! error of the *function* is levelled), made for this project and rounded to `f32`; the reductions
//! are the classic ones of Cody and Waite, "Software Manual for the Elementary Functions" (1980),
//! and of Kahan for the terms lost in `1 + x`. The errors stated are the worst seen in the tests'
//! sweeps over all exponents, in units in the last place, first without and then with FMA.

#[cfg(test)]
mod tests;

/// 1.5 · 2²³: adding it rounds to an integer, which then stands in the lowest bits.
const ROUND: f32 = 12_582_912.0;
/// 1.5 · 2⁵²: the same for `f64`.
const ROUND_F64: f64 = 6_755_399_441_055_744.0;
/// ln 2 to 9 bits, so that its product with an exponent is exact, and what is missing.
const LN_2_HIGH: f32 = 355.0 / 512.0;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `a · b + c`, rounded once or twice.
#[inline(always)]
fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// `a · b + c` in `f64`, rounded once or twice.
#[inline(always)]
fn multiply_add_f64<const FMA: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// `c[0] + c[1] x + c[2] x² + …` by Horner's rule.
#[inline(always)]
fn polynomial<const FMA: bool, const TERMS: usize>(x: f32, c: [f32; TERMS]) -> f32 {
    let mut sum = c[TERMS - 1];
    for term in (0..TERMS - 1).rev() {
        sum = multiply_add::<FMA>(sum, x, c[term]);
    }
    sum
}

/// `x` kept within `low..=high`; NaN stays NaN, which `f32::clamp` also does, but with a check.
#[inline(always)]
fn limit(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// 2ⁿ for n in -126..=127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// `y · 2ⁿ` for n in -252..=254, rounded once even where the result is denormal.
#[inline(always)]
fn scale(y: f32, n: i32) -> f32 {
    let half = n >> 1;
    y * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// `(n, r, rest)` with `x = n · ln 2 + r + rest`, |r| ≤ ln 2 / 2 and `rest` what rounding r lost; for
/// |x| < 10⁴.
#[inline(always)]
fn reduce_by_ln_2<const FMA: bool>(x: f32) -> (i32, f32, f32) {
    let rounded = multiply_add::<FMA>(x, std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let high = multiply_add::<FMA>(n, -LN_2_HIGH, x);
    let r = multiply_add::<FMA>(n, -LN_2_LOW, high);
    let rest = multiply_add::<FMA>(n, -LN_2_LOW, high - r);
    ((rounded.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32), r, rest)
}

/// `(eˣ, δ)`, where `eˣ (1 + δ)` is closer: δ is what rounding lost, to about a tenth of a unit.
#[inline(always)]
fn exp_with_rest<const FMA: bool>(x: f32) -> (f32, f32) {
    // Below -104 the result is less than half of the smallest denormal, above 89 it is infinite.
    let (n, r, rest) = reduce_by_ln_2::<FMA>(limit(x, -104.0, 89.0));
    let p = polynomial::<FMA, 6>(
        r,
        [0.5, 0.166_666_66, 0.041_666_295, 0.008_333_498, 0.001_394_465_2, 0.000_197_902_35],
    );
    let square = multiply_add::<FMA>(r * r, p, rest);
    let above_one = r + square;
    let y = 1.0 + above_one;
    let lost = (1.0 - y) + r + square;
    // 2 - y stands for 1 / y, with y within √½..√2.
    (scale(y, n), lost * (2.0 - y))
}

/// `eˣ`: `2ⁿ (1 + r + r² P(r))`, P of degree 5. Worst 0.85 / 0.83 ulp.
#[inline(always)]
pub fn exp<const FMA: bool>(x: f32) -> f32 {
    exp_with_rest::<FMA>(x).0
}

/// `eˣ - 1`: `(2ⁿ - 1) + 2ⁿ (r + r² P(r))`, P of degree 5. Worst 1.34 / 1.30 ulp.
#[inline(always)]
pub fn expm1<const FMA: bool>(x: f32) -> f32 {
    // Below -18 the result rounds to -1.
    let (n, r, rest) = reduce_by_ln_2::<FMA>(limit(x, -18.0, 89.0));
    let p = polynomial::<FMA, 6>(
        r,
        [0.5, 0.166_666_67, 0.041_666_355, 0.008_333_273, 0.001_394_100_8, 0.000_199_142_4],
    );
    let q = r + multiply_add::<FMA>(r * r, p, rest);
    // Half of everything, because 2¹²⁸ is no f32.
    let half_power = power_of_two(n.wrapping_sub(1));
    let y = 2.0 * multiply_add::<FMA>(half_power, q, half_power - 0.5);
    // Halving loses the last bit of a denormal, and the sum the sign of -0.
    if x.abs() < 1e-8 { x } else { y }
}

/// `(e, f)` with `x = 2ᵉ (1 + f)`, 1 + f in √½..√2; for positive normal x.
#[inline(always)]
fn split_exponent(x: f32) -> (i32, f32) {
    let bits = x.to_bits() as i32;
    // 0x3f3504f3 is √½.
    let e = bits.wrapping_sub(0x3f35_04f3) >> 23;
    (e, f32::from_bits(bits.wrapping_sub(e << 23) as u32) - 1.0)
}

/// `e · ln 2 + log(1 + f) + correction`: `f - f²/2 + f³ P(f)`, P of degree 8, smallest terms first.
#[inline(always)]
fn log_of_parts<const FMA: bool>(e: i32, f: f32, correction: f32) -> f32 {
    let e = e as f32;
    let p = polynomial::<FMA, 9>(
        f,
        [
            0.333_333_1,
            -0.249_999_87,
            0.200_022_19,
            -0.166_692_44,
            0.142_187_71,
            -0.123_844_99,
            0.118_723_7,
            -0.117_888_34,
            0.069_155_246,
        ],
    );
    let square = f * f;
    let small = multiply_add::<FMA>(e, LN_2_LOW, correction);
    let tail = multiply_add::<FMA>(p * f, square, multiply_add::<FMA>(square, -0.5, small));
    multiply_add::<FMA>(e, LN_2_HIGH, f + tail)
}

/// The natural logarithm; -∞ at ±0, NaN below. Worst 0.80 / 0.80 ulp.
#[inline(always)]
pub fn log<const FMA: bool>(x: f32) -> f32 {
    let denormal = x < f32::MIN_POSITIVE;
    let (e, f) = split_exponent(if denormal { x * 8_388_608.0 } else { x });
    let y = log_of_parts::<FMA>(if denormal { e.wrapping_sub(23) } else { e }, f, 0.0);
    let y = if x == f32::INFINITY { x } else { y };
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    // Also true of NaN.
    if x >= 0.0 { y } else { f32::NAN }
}

/// `log(1 + x)`; -∞ at -1, NaN below. What `u = 1 + x` loses is added back as `(x - (u - 1)) / u`.
/// Worst 0.83 / 0.80 ulp.
#[inline(always)]
pub fn log1p<const FMA: bool>(x: f32) -> f32 {
    let u = 1.0 + x;
    let lost = if x > 1.0 { 1.0 - (u - x) } else { x - (u - 1.0) };
    let (e, f) = split_exponent(u);
    let y = log_of_parts::<FMA>(e, f, lost / u);
    let y = if x.abs() < 1e-8 { x } else { y };
    let y = if x == f32::INFINITY { x } else { y };
    let y = if x == -1.0 { f32::NEG_INFINITY } else { y };
    // Also true of NaN.
    if x >= -1.0 { y } else { f32::NAN }
}

/// `tanh x`: `x + x³ P(x²)`, P of degree 5, below 0.625; `1 - 2 / (e²ˣ + 1)` above. Worst
/// 1.21 / 1.21 ulp.
#[inline(always)]
pub fn tanh<const FMA: bool>(x: f32) -> f32 {
    let square = x * x;
    let p = polynomial::<FMA, 6>(
        square,
        [-0.333_333_3, 0.133_332_1, -0.053_947_207, 0.021_702_98, -0.008_182_704, 0.002_147_562],
    );
    let near = multiply_add::<FMA>(x * square, p, x);
    let size = x.abs();
    let far = 1.0 - 2.0 / (exp::<FMA>(2.0 * size) + 1.0);
    (if size < 0.625 { near } else { far }).copysign(x)
}

/// `1 / (1 + e⁻ˣ)`, with the power of e never above 1 so that small results keep their digits. What
/// the power and the sum lost is put right after the division. Worst 1.13 / 1.13 ulp.
#[inline(always)]
pub fn sigmoid<const FMA: bool>(x: f32) -> f32 {
    let (e, rest) = exp_with_rest::<FMA>(-x.abs());
    let sum = 1.0 + e;
    let inverse = 1.0 / sum;
    let lost = multiply_add::<FMA>(e, rest, e - (sum - 1.0));
    let (above, correction) = if x < 0.0 { (e, rest) } else { (1.0, 0.0) };
    let y = above / sum;
    multiply_add::<FMA>(y, multiply_add::<FMA>(-lost, inverse, correction), y)
}

/// `log(1 + eˣ)`, as `max(x, 0) + log1p(e⁻|ˣ|)`, which neither overflows nor cancels.
/// Worst 1.55 / 1.55 ulp.
#[inline(always)]
pub fn softplus<const FMA: bool>(x: f32) -> f32 {
    let e = exp::<FMA>(-x.abs());
    log1p::<FMA>(e) + if x > 0.0 { x } else { 0.0 }
}

/// `(quadrant, sin r, cos r)` with `x = quadrant · π/2 + r`, |r| ≤ π/4; the quadrant modulo 4 counts.
///
/// The reduction is done in `f64` with π/2 in two parts, 33 bits and the rest, so that its product
/// with the quadrant is exact; good for |x| < 1.6 · 10⁶. Beyond, digits fade and r is kept within
/// bounds, so that results stay in -1..=1.
#[inline(always)]
fn sine_and_cosine<const FMA: bool>(x: f32) -> (u64, f32, f32) {
    const HALF_PI_HIGH: f64 = 1.570_796_326_734_125_6;
    const HALF_PI_LOW: f64 = 6.077_100_506_506_192e-11;
    let wide = f64::from(x);
    let rounded = multiply_add_f64::<FMA>(wide, std::f64::consts::FRAC_2_PI, ROUND_F64);
    let n = rounded - ROUND_F64;
    let r = multiply_add_f64::<FMA>(n, -HALF_PI_HIGH, wide);
    let r = limit(multiply_add_f64::<FMA>(n, -HALF_PI_LOW, r) as f32, -0.786, 0.786);
    let square = r * r;
    let p = polynomial::<FMA, 4>(
        square,
        [-0.166_666_67, 0.008_333_329, -0.000_198_393_35, 2.718_305_3e-6],
    );
    let sine = multiply_add::<FMA>(r * square, p, r).copysign(r);
    let p =
        polynomial::<FMA, 4>(square, [0.041_666_668, -0.001_388_888_3, 2.479_952e-5, -2.721_02e-7]);
    let cosine = 1.0 - multiply_add::<FMA>(square * square, -p, 0.5 * square);
    (rounded.to_bits(), sine, cosine)
}

/// `x` with its sign changed if bit 1 of `quadrant` is set.
#[inline(always)]
fn negate_in_lower_half(x: f32, quadrant: u64) -> f32 {
    f32::from_bits(x.to_bits() ^ ((quadrant as u32 & 2) << 30))
}

/// The sine of `x` radians; NaN at ±∞. Worst 1.43 / 1.43 ulp for |x| < 10⁶.
#[inline(always)]
pub fn sin<const FMA: bool>(x: f32) -> f32 {
    let (quadrant, sine, cosine) = sine_and_cosine::<FMA>(x);
    negate_in_lower_half(if quadrant & 1 == 0 { sine } else { cosine }, quadrant)
}

/// The cosine of `x` radians; NaN at ±∞. Worst 1.43 / 1.41 ulp for |x| < 10⁶.
#[inline(always)]
pub fn cos<const FMA: bool>(x: f32) -> f32 {
    let (quadrant, sine, cosine) = sine_and_cosine::<FMA>(x);
    let quadrant = quadrant.wrapping_add(1);
    negate_in_lower_half(if quadrant & 1 == 0 { sine } else { cosine }, quadrant)
}

/// The error function `2/√π ∫₀ˣ e^(-t²) dt`: `x + x P(x²)`, P of degree 6, below 0.875; above,
/// `1 - exp(Q(x))` with Q of degree 7 fitted to the logarithm of `1 - erf`. Worst 1.08 / 1.03 ulp.
#[inline(always)]
pub fn erf<const FMA: bool>(x: f32) -> f32 {
    // Above 4 the result rounds to 1.
    let size = limit(x.abs(), 0.0, 4.0);
    let p = polynomial::<FMA, 7>(
        size * size,
        [
            0.128_379_17,
            -0.376_126_35,
            0.112_837_37,
            -0.026_861_772,
            0.005_207_217_3,
            -0.000_821_652_7,
            8.698_884e-5,
        ],
    );
    let near = multiply_add::<FMA>(x, p, x);
    let q = polynomial::<FMA, 8>(
        size,
        [
            0.000_162_031_21,
            -1.129_453_2,
            -0.633_473_4,
            -0.108_139_13,
            0.025_027_213,
            -0.004_135_674_3,
            0.000_427_089_57,
            -2.045_197_5e-5,
        ],
    );
    let far = (1.0 - exp::<FMA>(q)).copysign(x);
    if size < 0.875 { near } else { far }
}

/// The binary logarithm of |x| to about 40 bits: `e + s P(s²)` with `s = (m - 1) / (m + 1)`, the
/// series of artanh, for `|x| = 2ᵉ m`, m in √½..√2. Of NaN, some number.
#[inline(always)]
fn log2_of_size<const FMA: bool>(x: f32) -> f64 {
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    // 2⁵² as bits: with a small integer in the mantissa, 2⁵² plus that integer.
    const TWO_52: u64 = 0x4330_0000_0000_0000;
    // Denormals of f32 are normal numbers of f64.
    let bits = f64::from(x.abs()).to_bits();
    let biased = bits.wrapping_add(ONE - SQRT_HALF) >> 52;
    let e = f64::from_bits(TWO_52 | biased) - (4_503_599_627_370_496.0 + 1023.0);
    let m = f64::from_bits(bits.wrapping_sub(biased << 52).wrapping_add(ONE));
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let mut p = 0.272_067_142_969_549;
    for c in [
        0.320_715_986_099_016_25,
        0.412_187_935_437_713_26,
        0.577_078_173_018_625_6,
        0.961_796_693_228_344,
        2.885_390_081_778_408,
    ] {
        p = multiply_add_f64::<FMA>(p, square, c);
    }
    let y = multiply_add_f64::<FMA>(s, p, e);
    let y = if x == 0.0 { f64::NEG_INFINITY } else { y };
    if x.abs() == f32::INFINITY { f64::INFINITY } else { y }
}

/// `xʸ` as IEEE 754 defines `pow`: a negative base needs an integer exponent, else NaN; anything to
/// the power 0 and 1 to any power are 1. `2^(y log₂|x|)` with the logarithm and the product in `f64`.
/// Worst 1.30 / 1.05 ulp.
#[inline(always)]
pub fn pow<const FMA: bool>(x: f32, y: f32) -> f32 {
    let t = f64::from(y) * log2_of_size::<FMA>(x);
    let t = if t < -160.0 { -160.0 } else { t };
    let t = if t > 160.0 { 160.0 } else { t };
    let rounded = t + ROUND_F64;
    let r = (t - (rounded - ROUND_F64)) as f32;
    let p = polynomial::<FMA, 6>(
        r,
        [
            std::f32::consts::LN_2,
            0.240_226_5,
            0.055_503_28,
            0.009_618_004,
            0.001_340_029_6,
            0.000_154_764_07,
        ],
    );
    let n = (rounded.to_bits() as i32).wrapping_sub(ROUND_F64.to_bits() as i32);
    let magnitude = scale(multiply_add::<FMA>(r, p, 1.0), n);

    // From 2²³ on every f32 is an integer, from 2²⁴ on an even one.
    let size = y.abs();
    let truncated = limit(size, 0.0, 16_777_216.0) as i32;
    let integer = size >= 8_388_608.0 || truncated as f32 == size;
    let odd = integer && truncated & 1 == 1;
    let sign = if odd { x.to_bits() & 0x8000_0000 } else { 0 };
    let result = f32::from_bits(magnitude.to_bits() ^ sign);

    let undefined = x < 0.0 && x > f32::NEG_INFINITY && !integer;
    let result = if undefined { f32::NAN } else { result };
    let result = if x.is_nan() || y.is_nan() { f32::NAN } else { result };
    let one = y == 0.0 || x == 1.0 || (x == -1.0 && size == f32::INFINITY);
    if one { 1.0 } else { result }
}
