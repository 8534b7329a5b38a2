//! Functions of single numbers. One row of THE TABLE is one op: its name, its meaning in f64 (the
//! truth), its kernel expressions in f32 and i64, its derivative as a graph, and the derivative in
//! words. Everything else about pointwise ops is generated from the rows.

use serde::{Deserialize, Serialize};

use crate::graph::{DType, Output, Shape, Tensor};
use crate::op::{Inferred, Mistake, Op};

/// Calls `$then!` with every row of functions of one number.
///
/// Columns: name, method, f64 meaning, f32 kernel (`FMA` says whether the instruction set has fused
/// multiply-add), i64 kernel where the op is meant for integers, derivative as a function of the
/// upstream gradient `g`, the argument `x` and the result `y`, the local derivative in words,
/// documentation.
macro_rules! unary_table {
    ($then:ident) => { $then! {
        Neg negate f64[|x| -x] f32[|x| -x] i64[|x| x.wrapping_neg()]
            [|g, _x, _y| -g] "-1" "The negative, −x.";
        Abs abs f64[|x| x.abs()] f32[|x| x.abs()] i64[|x| x.wrapping_abs()]
            [|g, x, _y| g * x.sign()] "sign(x)" "The absolute value, |x|; its derivative at 0 is 0.";
        Sign sign f64[|x| sign_f64(x)] f32[|x| sign_f32(x)] i64[|x| x.signum()]
            [|_g, x, _y| x.full_like(0.0)] "0" "−1, 0 or 1 by the sign of x.";
        Recip recip f64[|x| 1.0 / x] f32[|x| 1.0 / x] i64[]
            [|g, _x, y| -(g * y * y)] "-y²" "The reciprocal, 1/x.";
        Square square f64[|x| x * x] f32[|x| x * x] i64[|x| x.wrapping_mul(x)]
            [|g, x, _y| g * (x * 2.0)] "2x" "The square, x².";
        Sqrt sqrt f64[|x| x.sqrt()] f32[|x| x.sqrt()] i64[]
            [|g, _x, y| g / (y * 2.0)] "1/(2y)" "The square root, √x.";
        Exp exp f64[|x| x.exp()] f32[|x| math::exp::<FMA>(x)] i64[]
            [|g, _x, y| g * y] "y" "The exponential, eˣ.";
        Expm1 expm1 f64[|x| x.exp_m1()] f32[|x| math::expm1::<FMA>(x)] i64[]
            [|g, _x, y| g * (y + 1.0)] "y + 1" "eˣ − 1, exact for small x.";
        Log log f64[|x| x.ln()] f32[|x| math::log::<FMA>(x)] i64[]
            [|g, x, _y| g / x] "1/x" "The natural logarithm, ln x.";
        Log1p log1p f64[|x| x.ln_1p()] f32[|x| math::log1p::<FMA>(x)] i64[]
            [|g, x, _y| g / (x + 1.0)] "1/(1 + x)" "ln(1 + x), exact for small x.";
        Sin sin f64[|x| x.sin()] f32[|x| math::sin::<FMA>(x)] i64[]
            [|g, x, _y| g * x.cos()] "cos x" "The sine of x radians.";
        Cos cos f64[|x| x.cos()] f32[|x| math::cos::<FMA>(x)] i64[]
            [|g, x, _y| -(g * x.sin())] "-sin x" "The cosine of x radians.";
        Tanh tanh f64[|x| x.tanh()] f32[|x| math::tanh::<FMA>(x)] i64[]
            [|g, _x, y| g * (1.0 - y * y)] "1 - y²" "The hyperbolic tangent.";
        Erf erf f64[|x| erf_f64(x)] f32[|x| math::erf::<FMA>(x)] i64[]
            [|g, x, _y| g * ((-x.square()).exp() * std::f64::consts::FRAC_2_SQRT_PI)]
            "2/√π · e^(−x²)" "The error function, 2/√π ∫₀ˣ e^(−t²) dt.";
        Sigmoid sigmoid f64[|x| 1.0 / (1.0 + (-x).exp())] f32[|x| math::sigmoid::<FMA>(x)] i64[]
            [|g, _x, y| g * (y * (1.0 - y))] "y(1 - y)" "The logistic function, 1/(1 + e⁻ˣ).";
        Softplus softplus f64[|x| x.max(0.0) + (-x.abs()).exp().ln_1p()]
            f32[|x| math::softplus::<FMA>(x)] i64[]
            [|g, x, _y| g * x.sigmoid()] "eˣ/(1 + eˣ)" "ln(1 + eˣ), a smooth ReLU.";
        Relu relu f64[|x| if x > 0.0 || x.is_nan() { x } else { 0.0 }]
            f32[|x| if x > 0.0 || x.is_nan() { x } else { 0.0 }] i64[|x| x.max(0)]
            [|g, _x, y| y.greater(y.full_like(0.0)).select(g, g.full_like(0.0))]
            "1 where x > 0, else 0"
            "The rectified linear unit, max(x, 0); its derivative at 0 is chosen to be 0.";
        Floor floor f64[|x| x.floor()] f32[|x| x.floor()] i64[|x| x]
            [|_g, x, _y| x.full_like(0.0)] "0" "The largest whole number not above x.";
    } };
}
pub(crate) use unary_table;

/// Calls `$then!` with every row of functions of two numbers.
///
/// Columns as in [`unary_table`], with two derivatives and their words.
macro_rules! binary_table {
    ($then:ident) => { $then! {
        Add plus f64[|a, b| a + b] f32[|a, b| a + b] i64[|a, b| a.wrapping_add(b)]
            [|g, _a, _b, _y| g] "1" [|g, _a, _b, _y| g] "1" "The sum.";
        Sub minus f64[|a, b| a - b] f32[|a, b| a - b] i64[|a, b| a.wrapping_sub(b)]
            [|g, _a, _b, _y| g] "1" [|g, _a, _b, _y| -g] "-1" "The difference.";
        Mul times f64[|a, b| a * b] f32[|a, b| a * b] i64[|a, b| a.wrapping_mul(b)]
            [|g, _a, b, _y| g * b] "right" [|g, a, _b, _y| g * a] "left" "The product.";
        Div over f64[|a, b| a / b] f32[|a, b| a / b] i64[]
            [|g, _a, b, _y| g / b] "1/right" [|g, _a, b, y| -(g * y / b)] "-y/right" "The quotient.";
        Pow pow f64[|a, b| a.powf(b)] f32[|a, b| math::pow::<FMA>(a, b)] i64[]
            [|g, a, b, _y| g * b * a.pow(b - 1.0)] "right · left^(right - 1)"
            [|g, a, _b, y| {
                let zero = a.full_like(0.0);
                let positive = a.greater(zero);
                g * positive.select(y * positive.select(a, a.full_like(1.0)).log(), zero)
            }] "y · ln left, 0 where left ≤ 0" "The power, leftʳⁱᵍʰᵗ.";
        Max max_with f64[|a, b| max_f64(a, b)] f32[|a, b| max_f32(a, b)] i64[|a, b| a.max(b)]
            [|g, a, b, _y| g * larger(a, b)] "1 where larger, 1/2 where equal"
            [|g, a, b, _y| g * larger(b, a)] "1 where larger, 1/2 where equal"
            "The larger number; at equality each gets half of the gradient.";
        Min min_with f64[|a, b| -max_f64(-a, -b)] f32[|a, b| -max_f32(-a, -b)]
            i64[|a, b| a.min(b)]
            [|g, a, b, _y| g * larger(b, a)] "1 where smaller, 1/2 where equal"
            [|g, a, b, _y| g * larger(a, b)] "1 where smaller, 1/2 where equal"
            "The smaller number; at equality each gets half of the gradient.";
    } };
}
pub(crate) use binary_table;

/// 1 where `a > b`, 1/2 where they are equal, else 0.
#[track_caller]
fn larger<'g>(a: Tensor<'g>, b: Tensor<'g>) -> Tensor<'g> {
    let tie = a.equal(b).select(a.full_like(0.5), a.full_like(0.0));
    a.greater(b).select(a.full_like(1.0), tie)
}

/// −1, 0 or 1; NaN stays.
#[inline(always)]
pub(crate) fn sign_f32(x: f32) -> f32 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x * 0.0
    }
}

/// −1, 0 or 1; NaN stays.
pub(crate) fn sign_f64(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x * 0.0
    }
}

/// The error function by its series `2/√π e^(−x²) Σ 2ⁿ x²ⁿ⁺¹ / (1·3·5 … (2n+1))`, whose terms have
/// one sign (Abramowitz and Stegun 7.1.6); beyond 6 it is 1 to the last bit.
pub(crate) fn erf_f64(x: f64) -> f64 {
    if x.is_nan() || x.abs() > 6.0 {
        return if x.is_nan() { x } else { x.signum() };
    }
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > 1e-17 * sum.abs() {
        odd += 2.0;
        term *= 2.0 * x * x / odd;
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// The larger number; NaN wins.
#[inline(always)]
pub(crate) fn max_f32(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}

/// The larger number; NaN wins.
#[inline(always)]
pub(crate) fn max_f64(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

macro_rules! unary_ops {
    ($($name:ident $method:ident f64[$f64:expr] f32[$f32:expr] i64[$($i64:expr)?]
       [$derivative:expr] $words:literal $doc:literal;)*) => {
        /// A function of one number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Unary { $(#[doc = $doc] $name,)* }

        impl Unary {
            /// Every function of one number.
            pub const ALL: &'static [Unary] = &[$(Unary::$name),*];

            /// The method's name.
            pub fn name(self) -> &'static str {
                match self { $(Unary::$name => stringify!($method),)* }
            }

            /// The meaning: the op in f64.
            pub fn evaluate(self, x: f64) -> f64 {
                match self { $(Unary::$name => { let f: fn(f64) -> f64 = $f64; f(x) })* }
            }

            /// Whether it is meant for integers too.
            pub fn takes_integers(self) -> bool {
                match self { $(Unary::$name => {
                    const KERNELS: &[&str] = &[$(stringify!($i64))?];
                    !KERNELS.is_empty()
                })* }
            }

            /// The local derivative in words, of the argument `x` and the result `y`.
            pub fn local_in_words(self) -> &'static str {
                match self { $(Unary::$name => $words,)* }
            }

            /// The function of each element of `x`, as the method of its name records it.
            #[track_caller]
            pub fn of(self, x: Tensor<'_>) -> Tensor<'_> {
                x.graph.record(Op::Unary(self), &[x], None)
            }

            pub(super) fn derivative<'g>(
                self, g: Tensor<'g>, x: Tensor<'g>, y: Tensor<'g>,
            ) -> Tensor<'g> {
                match self {
                    $(Unary::$name => {
                        let rule: fn(Tensor<'g>, Tensor<'g>, Tensor<'g>) -> Tensor<'g> = $derivative;
                        rule(g, x, y)
                    })*
                }
            }
        }

        /// Functions of each element.
        impl<'g> Tensor<'g> {
            $(#[doc = $doc]
            #[track_caller]
            pub fn $method(self) -> Self {
                self.graph.record(Op::Unary(Unary::$name), &[self], None)
            })*
        }
    };
}
unary_table!(unary_ops);

macro_rules! binary_ops {
    ($($name:ident $method:ident f64[$f64:expr] f32[$f32:expr] i64[$($i64:expr)?]
       [$left:expr] $left_words:literal [$right:expr] $right_words:literal $doc:literal;)*) => {
        /// A function of two numbers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Binary { $(#[doc = $doc] $name,)* }

        impl Binary {
            /// Every function of two numbers.
            pub const ALL: &'static [Binary] = &[$(Binary::$name),*];

            /// The method's name.
            pub fn name(self) -> &'static str {
                match self { $(Binary::$name => stringify!($method),)* }
            }

            /// The meaning: the op in f64.
            pub fn evaluate(self, a: f64, b: f64) -> f64 {
                match self { $(Binary::$name => { let f: fn(f64, f64) -> f64 = $f64; f(a, b) })* }
            }

            /// Whether it is meant for integers too.
            pub fn takes_integers(self) -> bool {
                match self { $(Binary::$name => {
                    const KERNELS: &[&str] = &[$(stringify!($i64))?];
                    !KERNELS.is_empty()
                })* }
            }

            /// The local derivative for an argument, in words, of `left`, `right` and the result
            /// `y`.
            pub fn local_in_words(self, argument: usize) -> &'static str {
                match self { $(Binary::$name => [$left_words, $right_words][argument.min(1)],)* }
            }

            /// The function of each pair of elements, as the method of its name records it.
            #[track_caller]
            pub fn of<'g>(self, a: Tensor<'g>, b: Tensor<'g>) -> Tensor<'g> {
                a.pointwise(Op::Binary(self), b)
            }

            pub(super) fn derivative<'g>(
                self, g: Tensor<'g>, a: Tensor<'g>, b: Tensor<'g>, y: Tensor<'g>,
            ) -> Vec<Option<Tensor<'g>>> {
                type Rule<'g> = fn(Tensor<'g>, Tensor<'g>, Tensor<'g>, Tensor<'g>) -> Tensor<'g>;
                match self {
                    $(Binary::$name => {
                        let (left, right): (Rule<'g>, Rule<'g>) = ($left, $right);
                        vec![Some(left(g, a, b, y)), Some(right(g, a, b, y))]
                    })*
                }
            }
        }

        /// Functions of two elements; shapes broadcast, aligned at the last axis.
        impl<'g> Tensor<'g> {
            $(#[doc = $doc]
            #[track_caller]
            pub fn $method(self, right: Self) -> Self {
                self.pointwise(Op::Binary(Binary::$name), right)
            })*
        }
    };
}
binary_table!(binary_ops);

/// A comparison of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Compare {
    /// left = right.
    Equal,
    /// left > right.
    Greater,
    /// left ≥ right.
    GreaterEqual,
}

impl Compare {
    /// The method's name.
    pub fn name(self) -> &'static str {
        match self {
            Compare::Equal => "equal",
            Compare::Greater => "greater",
            Compare::GreaterEqual => "greater_equal",
        }
    }

    /// The meaning; comparisons with NaN are false.
    #[inline(always)]
    pub fn evaluate<T: PartialOrd>(self, a: T, b: T) -> bool {
        match self {
            Compare::Equal => a == b,
            Compare::Greater => a > b,
            Compare::GreaterEqual => a >= b,
        }
    }
}

/// A combination of two booleans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Logic {
    /// Both.
    And,
    /// At least one.
    Or,
    /// Exactly one.
    Xor,
}

impl Logic {
    /// The method's name.
    pub fn name(self) -> &'static str {
        match self {
            Logic::And => "and",
            Logic::Or => "or",
            Logic::Xor => "xor",
        }
    }

    /// The meaning.
    #[inline(always)]
    pub fn evaluate(self, a: bool, b: bool) -> bool {
        match self {
            Logic::And => a & b,
            Logic::Or => a | b,
            Logic::Xor => a ^ b,
        }
    }
}

/// Comparisons, booleans, choice and conversion.
impl<'g> Tensor<'g> {
    /// Where `self = right` (booleans).
    #[track_caller]
    pub fn equal(self, right: Self) -> Self {
        self.pointwise(Op::Compare(Compare::Equal), right)
    }

    /// Where `self > right` (booleans).
    #[track_caller]
    pub fn greater(self, right: Self) -> Self {
        self.pointwise(Op::Compare(Compare::Greater), right)
    }

    /// Where `self ≥ right` (booleans).
    #[track_caller]
    pub fn greater_equal(self, right: Self) -> Self {
        self.pointwise(Op::Compare(Compare::GreaterEqual), right)
    }

    /// Where `self < right` (booleans).
    #[track_caller]
    pub fn less(self, right: Self) -> Self {
        right.greater(self)
    }

    /// Where `self ≤ right` (booleans).
    #[track_caller]
    pub fn less_equal(self, right: Self) -> Self {
        right.greater_equal(self)
    }

    /// Where both booleans are true.
    #[track_caller]
    pub fn and(self, right: Self) -> Self {
        self.pointwise(Op::Logic(Logic::And), right)
    }

    /// Where at least one boolean is true.
    #[track_caller]
    pub fn or(self, right: Self) -> Self {
        self.pointwise(Op::Logic(Logic::Or), right)
    }

    /// Where exactly one boolean is true.
    #[track_caller]
    pub fn xor(self, right: Self) -> Self {
        self.pointwise(Op::Logic(Logic::Xor), right)
    }

    /// Where this boolean is true `chosen`, elsewhere `other`; shapes broadcast. What NumPy and PyTorch
    /// call `where`. The gradient goes to what was chosen; what was not gets exactly 0, even where its
    /// own slope would be infinite.
    ///
    /// ```
    /// # use glassbox_engine::{DType, Graph};
    /// # let graph = Graph::new();
    /// let scores = graph.input("scores", DType::F32, [8, 10]);
    /// let allowed = graph.input("allowed", DType::Bool, [10]);
    /// let masked = allowed.select(scores, scores.scalar(f64::NEG_INFINITY));
    /// assert_eq!(masked.shape(), scores.shape());
    /// # assert!(graph.check().is_ok());
    /// ```
    #[track_caller]
    #[doc(alias = "where")]
    pub fn select(self, chosen: Self, other: Self) -> Self {
        let args = align(&Op::Select, [self, chosen, other]);
        self.graph.record(Op::Select, &args, None)
    }

    /// The same numbers as `dtype`: floats to integers truncate, not 0 is true.
    #[track_caller]
    pub fn cast(self, dtype: DType) -> Self {
        if dtype == self.dtype() { self } else { self.graph.record(Op::Cast(dtype), &[self], None) }
    }

    #[track_caller]
    fn pointwise(self, op: Op, right: Self) -> Self {
        let args = align(&op, [self, right]);
        self.graph.record(op, &args, None)
    }
}

/// Broadcasts to the common shape; where there is none, or the types are wrong already, they stay,
/// and the op's rule says so of the tensors that the user gave.
#[track_caller]
fn align<'g, const N: usize>(op: &Op, mut tensors: [Tensor<'g>; N]) -> [Tensor<'g>; N] {
    let outputs = tensors.map(Tensor::output);
    let mistake = op.infer(&outputs.each_ref(), None).mistake;
    if outputs.iter().any(|o| o.assumed != 0) || mistake.is_some_and(|m| m.kind == "type") {
        return tensors;
    }
    let Some(common) = Shape::broadcast(outputs.iter().map(|o| o.shape.sizes())) else {
        return tensors;
    };
    // No closure: the recorded line is the caller's.
    for tensor in &mut tensors {
        *tensor = tensor.broadcast_to(common.clone());
    }
    tensors
}

/// The common shape of arguments that should be alike, and what is wrong with them.
fn agree(a: &Output, b: &Output) -> (Output, Option<String>) {
    let rank = a.shape.rank().max(b.shape.rank());
    let (mut sizes, mut assumed, mut wrong) = (vec![1usize; rank], 0u64, None);
    for from_end in 1..=rank {
        let axis = rank - from_end;
        let size = |o: &Output| {
            let index = o.shape.rank().checked_sub(from_end)?;
            Some((o.shape.sizes()[index], o.is_assumed(index)))
        };
        let ((left, left_guess), (right, right_guess)) =
            (size(a).unwrap_or((1, false)), size(b).unwrap_or((1, false)));
        sizes[axis] = match (left, right) {
            (1, right) => right,
            (left, 1) => left,
            (_, right) if left_guess => right,
            (left, _) => left,
        };
        let bit = 1u64 << axis.min(63);
        let differ = left != right && left != 1 && right != 1;
        if differ && !left_guess && !right_guess {
            assumed |= bit;
            let place = match from_end {
                1 => "last".to_string(),
                2 => "2nd last".to_string(),
                3 => "3rd last".to_string(),
                n => format!("{n}th last"),
            };
            wrong.get_or_insert_with(|| {
                format!("sizes differ on the {place} axis, {left} ≠ {right}")
            });
        }
        // A guess stays one unless the other side knows better; a 1 knows nothing.
        if left_guess && (right_guess || right == 1) || right_guess && left == 1 {
            assumed |= bit;
        }
    }
    let unlike = a.shape != b.shape && a.assumed == 0 && b.assumed == 0;
    let wrong = wrong.or_else(|| {
        let common = Shape::from(sizes.clone());
        let problem =
            common.problem().map(|problem| format!("the common shape {common} {problem}"));
        unlike.then(|| problem.unwrap_or_else(|| "the shapes differ".to_string()))
    });
    (Output { shape: sizes.into(), dtype: a.dtype, assumed }, wrong)
}

const SIDES: &[&str] = &["left", "right"];

fn pair(
    a: &Output,
    b: &Output,
    type_mistake: Option<String>,
    dtype: impl FnOnce(&Output) -> DType,
) -> Inferred {
    let (guess, wrong) = agree(a, b);
    let output = Output { dtype: dtype(&guess), ..guess };
    match (type_mistake, wrong) {
        (Some(what), _) => Inferred {
            outputs: vec![output],
            mistake: Some(Mistake { kind: "type", what, roles: SIDES }),
        },
        (None, wrong) => Inferred::unless(output, "shape", wrong, SIDES),
    }
}

fn types_differ(a: &Output, b: &Output) -> Option<String> {
    (a.dtype != b.dtype).then(|| {
        format!("{} and {} do not mix: cast one of them, nothing is promoted", a.dtype, b.dtype)
    })
}

pub(super) fn infer_unary(op: Unary, x: &Output) -> Inferred {
    let allowed = x.dtype.is_float() || x.dtype == DType::I64 && op.takes_integers();
    let wrong = (!allowed).then(|| {
        let wanted = if op.takes_integers() { "numbers" } else { "f32 or f64" };
        format!("takes {wanted}, not {}: cast first", x.dtype)
    });
    Inferred::unless(x.clone(), "type", wrong, &["of"])
}

pub(super) fn infer_binary(op: Binary, a: &Output, b: &Output) -> Inferred {
    let allowed = a.dtype.is_float() || a.dtype == DType::I64 && op.takes_integers();
    let wrong = types_differ(a, b).or_else(|| {
        let wanted = if op.takes_integers() { "numbers" } else { "f32 or f64" };
        (!allowed).then(|| format!("takes {wanted}, not {}: cast first", a.dtype))
    });
    pair(a, b, wrong, |a| a.dtype)
}

pub(super) fn infer_compare(a: &Output, b: &Output) -> Inferred {
    pair(a, b, types_differ(a, b), |_| DType::Bool)
}

pub(super) fn infer_logic(a: &Output, b: &Output) -> Inferred {
    let both = a.dtype == DType::Bool && b.dtype == DType::Bool;
    let wrong = (!both).then(|| format!("takes booleans, not {} and {}", a.dtype, b.dtype));
    pair(a, b, wrong, |_| DType::Bool)
}

pub(super) fn infer_select(condition: &Output, chosen: &Output, other: &Output) -> Inferred {
    const ROLES: &[&str] = &["where", "then", "else"];
    let (values, wrong_values) = agree(chosen, other);
    let (guess, wrong_condition) = agree(&values, condition);
    let output = Output { dtype: chosen.dtype, ..guess };
    let wrong_type = types_differ(chosen, other).or_else(|| {
        (condition.dtype != DType::Bool)
            .then(|| format!("the condition is {}, not bool", condition.dtype))
    });
    if let Some(what) = wrong_type {
        let mistake = Some(Mistake { kind: "type", what, roles: ROLES });
        return Inferred { outputs: vec![output], mistake };
    }
    Inferred::unless(output, "shape", wrong_values.or(wrong_condition), ROLES)
}

pub(super) fn derive_select<'g>(up: Tensor<'g>, condition: Tensor<'g>) -> Vec<Option<Tensor<'g>>> {
    let zero = up.full_like(0.0);
    vec![None, Some(condition.select(up, zero)), Some(condition.select(zero, up))]
}

macro_rules! operator {
    ($($trait:ident $method:ident $name:ident;)*) => {$(
        impl<'g> std::ops::$trait for Tensor<'g> {
            type Output = Tensor<'g>;
            #[track_caller]
            fn $method(self, right: Self) -> Self {
                self.pointwise(Op::Binary(Binary::$name), right)
            }
        }
        impl<'g> std::ops::$trait<f64> for Tensor<'g> {
            type Output = Tensor<'g>;
            #[track_caller]
            fn $method(self, right: f64) -> Self {
                self.pointwise(Op::Binary(Binary::$name), self.scalar(right))
            }
        }
        impl<'g> std::ops::$trait<Tensor<'g>> for f64 {
            type Output = Tensor<'g>;
            #[track_caller]
            fn $method(self, right: Tensor<'g>) -> Tensor<'g> {
                right.scalar(self).pointwise(Op::Binary(Binary::$name), right)
            }
        }
    )*};
}
operator! { Add add Add; Sub sub Sub; Mul mul Mul; Div div Div; }

impl<'g> std::ops::Neg for Tensor<'g> {
    type Output = Tensor<'g>;
    #[track_caller]
    fn neg(self) -> Self {
        self.negate()
    }
}
