//! Pointwise ops over slices: one loop a row of the table, compiled for each instruction set.
//!
//! Each loop is plain code in an `#[inline(always)]` function; within a function that is compiled
//! for an instruction set the compiler turns it into that set's vectors. Booleans are bytes 0 and 1.
#![allow(unsafe_code)]

use crate::op::pointwise::{
    binary_table, erf_f64, max_f32, max_f64, sign_f32, sign_f64, unary_table,
};
use crate::op::{Binary, Compare, Logic, Unary};
use crate::run::isa::Isa;
use crate::run::math;

/// Compiles `body` for each instruction set and gives a function that picks the one for `isa`.
///
/// `SET` numbers the sets, so that each has closures of its own: one that is called from a single
/// place is always inlined there, where it becomes vectors; a shared one, if large, is called for each
/// element.
macro_rules! for_each_isa {
    ($(#[$doc:meta])* $name:ident<$($generic:ident: $bound:path)?>($($arg:ident: $type:ty),*) = $body:ident) => {
        $(#[$doc])*
        pub(super) fn $name<$($generic: $bound)?>(isa: Isa, $($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            fn avx512<$($generic: $bound)?>($($arg: $type),*) {
                $body::<true, 2 $(, $generic)?>($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2<$($generic: $bound)?>($($arg: $type),*) {
                $body::<true, 1 $(, $generic)?>($($arg),*)
            }
            match isa {
                // SAFETY: a session's instruction set was checked to be available when it was made.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => unsafe { avx2($($arg),*) },
                _ => $body::<false, 0 $(, $generic)?>($($arg),*),
            }
        }
    };
}

/// `to[i] = f(a[i])`.
#[inline(always)]
fn map<T: Copy, R>(to: &mut [R], a: &[T], f: impl Fn(T) -> R) {
    for (to, &a) in to.iter_mut().zip(a) {
        *to = f(a);
    }
}

/// `to[i] = f(a[i], b[i])`.
#[inline(always)]
fn map2<T: Copy, U: Copy, R>(to: &mut [R], a: &[T], b: &[U], f: impl Fn(T, U) -> R) {
    for ((to, &a), &b) in to.iter_mut().zip(a).zip(b) {
        *to = f(a, b);
    }
}

pub(super) use for_each_isa;

macro_rules! unary_loops {
    ($($name:ident $method:ident f64[$f64:expr] f32[$f32:expr] i64[$($i64:expr)?]
       [$derivative:expr] $words:literal $doc:literal;)*) => {
        #[inline(always)]
        fn unary_f32_body<const FMA: bool, const SET: u8>(op: Unary, to: &mut [f32], a: &[f32]) {
            match op { $(Unary::$name => map(to, a, $f32),)* }
        }
        #[inline(always)]
        fn unary_f64_body<const FMA: bool, const SET: u8>(op: Unary, to: &mut [f64], a: &[f64]) {
            match op { $(Unary::$name => map(to, a, $f64),)* }
        }
        #[inline(always)]
        fn unary_i64_body<const FMA: bool, const SET: u8>(op: Unary, to: &mut [i64], a: &[i64]) {
            match op { $(Unary::$name => { $(map(to, a, $i64);)? })* }
        }
    };
}
unary_table!(unary_loops);

macro_rules! binary_loops {
    ($($name:ident $method:ident f64[$f64:expr] f32[$f32:expr] i64[$($i64:expr)?]
       [$left:expr] $left_words:literal [$right:expr] $right_words:literal $doc:literal;)*) => {
        #[inline(always)]
        fn binary_f32_body<const FMA: bool, const SET: u8>(op: Binary, to: &mut [f32], a: &[f32], b: &[f32]) {
            match op { $(Binary::$name => map2(to, a, b, $f32),)* }
        }
        #[inline(always)]
        fn binary_f64_body<const FMA: bool, const SET: u8>(op: Binary, to: &mut [f64], a: &[f64], b: &[f64]) {
            match op { $(Binary::$name => map2(to, a, b, $f64),)* }
        }
        #[inline(always)]
        fn binary_i64_body<const FMA: bool, const SET: u8>(op: Binary, to: &mut [i64], a: &[i64], b: &[i64]) {
            match op { $(Binary::$name => { $(map2(to, a, b, $i64);)? })* }
        }
    };
}
binary_table!(binary_loops);

for_each_isa! {
    /// `to = op(a)` in f32.
    unary_f32<>(op: Unary, to: &mut [f32], a: &[f32]) = unary_f32_body
}
for_each_isa! {
    /// `to = op(a)` in f64.
    unary_f64<>(op: Unary, to: &mut [f64], a: &[f64]) = unary_f64_body
}
for_each_isa! {
    /// `to = op(a)` in i64; ops that are not meant for integers leave `to` as it is.
    unary_i64<>(op: Unary, to: &mut [i64], a: &[i64]) = unary_i64_body
}
for_each_isa! {
    /// `to = op(a, b)` in f32.
    binary_f32<>(op: Binary, to: &mut [f32], a: &[f32], b: &[f32]) = binary_f32_body
}
for_each_isa! {
    /// `to = op(a, b)` in f64.
    binary_f64<>(op: Binary, to: &mut [f64], a: &[f64], b: &[f64]) = binary_f64_body
}
for_each_isa! {
    /// `to = op(a, b)` in i64; ops that are not meant for integers leave `to` as it is.
    binary_i64<>(op: Binary, to: &mut [i64], a: &[i64], b: &[i64]) = binary_i64_body
}

/// What can be compared and chosen.
pub(super) trait Element: Copy + PartialOrd + Send + Sync {
    /// `a` where the condition is not 0, else `b`: by their bits, because the compiler makes of a choice
    /// between two elements one between their addresses, and reads them one by one.
    fn choose(condition: u8, a: Self, b: Self) -> Self;
}
macro_rules! elements {
    ($($type:ty, $bits:ty, [$($to:tt)*], [$($from:tt)*];)*) => {$(
        impl Element for $type {
            #[inline(always)]
            fn choose(condition: u8, a: Self, b: Self) -> Self {
                let mask = <$bits>::from(condition != 0).wrapping_neg();
                $($from)*((a$($to)* & mask) | (b$($to)* & !mask))
            }
        }
    )*};
}
elements! {
    f32, u32, [.to_bits()], [f32::from_bits];
    f64, u64, [.to_bits()], [f64::from_bits];
    i64, i64, [], [];
    u8, u8, [], [];
}

#[inline(always)]
fn compare_body<const FMA: bool, const SET: u8, T: Element>(
    op: Compare,
    to: &mut [u8],
    a: &[T],
    b: &[T],
) {
    match op {
        Compare::Equal => map2(to, a, b, |a, b| u8::from(a == b)),
        Compare::Greater => map2(to, a, b, |a, b| u8::from(a > b)),
        Compare::GreaterEqual => map2(to, a, b, |a, b| u8::from(a >= b)),
    }
}
for_each_isa! {
    /// `to = 1 where a op b, else 0`.
    compare<T: Element>(op: Compare, to: &mut [u8], a: &[T], b: &[T]) = compare_body
}

#[inline(always)]
fn logic_body<const FMA: bool, const SET: u8>(op: Logic, to: &mut [u8], a: &[u8], b: &[u8]) {
    match op {
        Logic::And => map2(to, a, b, |a, b| a & b),
        Logic::Or => map2(to, a, b, |a, b| a | b),
        Logic::Xor => map2(to, a, b, |a, b| a ^ b),
    }
}
for_each_isa! {
    /// `to = a op b` of booleans.
    logic<>(op: Logic, to: &mut [u8], a: &[u8], b: &[u8]) = logic_body
}

#[inline(always)]
fn select_body<const FMA: bool, const SET: u8, T: Element>(
    to: &mut [T],
    condition: &[u8],
    a: &[T],
    b: &[T],
) {
    for (((to, &c), &a), &b) in to.iter_mut().zip(condition).zip(a).zip(b) {
        *to = T::choose(c, a, b);
    }
}
for_each_isa! {
    /// `to = a where condition, else b`.
    select<T: Element>(to: &mut [T], condition: &[u8], a: &[T], b: &[T]) = select_body
}

/// Conversion of numbers, and of booleans as 0 and 1.
pub(super) trait Convert<R>: Copy {
    /// This number as an `R`: floats to integers truncate and saturate (NaN is 0); not 0 is true.
    fn convert(self) -> R;
}
macro_rules! conversions {
    ($($from:ty => $($to:ty),*;)*) => {$($(
        impl Convert<$to> for $from {
            #[inline(always)]
            fn convert(self) -> $to { self as $to }
        }
    )*)*};
}
conversions! {
    f32 => f32, f64, i64; f64 => f32, f64, i64; i64 => f32, f64, i64; u8 => f32, f64, i64, u8;
}
macro_rules! conversions_to_bool {
    ($($from:ty),*) => {$(
        impl Convert<u8> for $from {
            #[inline(always)]
            fn convert(self) -> u8 { u8::from(self != 0 as $from) }
        }
    )*};
}
conversions_to_bool!(f32, f64, i64);

/// `to = a` in another type.
pub(super) fn cast<T: Convert<R>, R>(to: &mut [R], a: &[T]) {
    map(to, a, T::convert);
}
