//! Chains of pointwise instructions: some vectors at a time go through all links.
#![allow(unsafe_code)]

use crate::plan::{self, chain::Act};
use crate::run::matmul::vector::Vector;

/// A chain over rows of elements.
pub(in crate::run) struct Chain<'a> {
    pub links: &'a [Link],
    pub rows: usize,
    pub columns: usize,
}

/// A link, and where its numbers are: element (i, j) at `start[i · row + j · column]`.
#[derive(Clone, Copy)]
pub(in crate::run) struct Link {
    pub act: Act,
    /// Whether one number stands for all.
    pub repeated: bool,
    pub start: *mut f32,
    pub row: usize,
    /// 1, or 0 where the place is used again for all vectors that go through the chain together.
    pub column: usize,
}

/// Vectors that go through a chain together.
const TOGETHER: usize = 8;

/// Runs a chain over all its elements.
///
/// # Safety
///
/// What the links name is valid for the elements: for one where it is repeated, for as many as go
/// together (or a row, if that is less) where it is used again. Nobody else writes there meanwhile.
#[inline(always)]
pub(in crate::run) unsafe fn run<V: Vector>(chain: &Chain<'_>) {
    const { assert!(TOGETHER * V::LANES <= plan::chain::TOGETHER) };
    let together = TOGETHER * V::LANES;
    for row in 0..chain.rows {
        let mut first = 0;
        while first + together <= chain.columns {
            // SAFETY: these elements lie within the row; the same holds for those below.
            unsafe { block::<V, TOGETHER>(chain.links, row, first, V::LANES) };
            first += together;
        }
        while first + 2 * V::LANES <= chain.columns {
            // SAFETY: as above.
            unsafe { block::<V, 2>(chain.links, row, first, V::LANES) };
            first += 2 * V::LANES;
        }
        while first < chain.columns {
            // SAFETY: as above.
            unsafe { block::<V, 1>(chain.links, row, first, V::LANES.min(chain.columns - first)) };
            first += V::LANES;
        }
    }
}

/// Whether whole vectors from here on lie where they can be written past the caches.
#[inline(always)]
fn is_aligned<V: Vector>(start: *const f32) -> bool {
    start.addr().is_multiple_of(V::LANES * size_of::<f32>())
}

/// `N` vectors of `lanes` numbers each, from element `first` of a row on; only a single one may have
/// fewer than all lanes.
#[inline(always)]
unsafe fn block<V: Vector, const N: usize>(links: &[Link], row: usize, first: usize, lanes: usize) {
    // SAFETY: for all that follows: `run` was promised that these places are valid, and no vector
    // reaches past its lanes.
    unsafe {
        let mut values = [V::zero(); N];
        let mut masks = [V::zero().above(V::zero()); N];
        let read = |source: *const f32, index: usize| match N {
            1 if lanes < V::LANES => V::load_first(source, lanes),
            _ => V::load(source.add(index * V::LANES)),
        };
        let write = |value: V, target: *mut f32, index: usize| match N {
            1 if lanes < V::LANES => value.store_first(target, lanes),
            _ => value.store(target.add(index * V::LANES)),
        };
        for link in links {
            let place = link.start.wrapping_add(row * link.row + first * link.column);
            macro_rules! each {
                (|$value:ident| $result:expr) => {
                    for value in &mut values {
                        let $value = *value;
                        *value = $result;
                    }
                };
                (|$value:ident, $other:ident| $result:expr) => {{
                    let source = place.cast_const();
                    if link.repeated {
                        let $other = V::broadcast(source);
                        each!(|$value| $result);
                    } else {
                        for (index, value) in values.iter_mut().enumerate() {
                            let ($value, $other) = (*value, read(source, index));
                            *value = $result;
                        }
                    }
                }};
            }
            // With each value its mask and the register's elements.
            macro_rules! masked {
                (|$value:ident, $mask:ident, $other:ident| $result:expr) => {{
                    let source = place.cast_const();
                    let one = V::broadcast(source);
                    for (index, ($value, $mask)) in values.iter_mut().zip(&mut masks).enumerate() {
                        let $other = match link.repeated {
                            true => one,
                            false => read(source, index),
                        };
                        $result;
                    }
                }};
            }
            match link.act {
                Act::Above => masked!(|v, mask, other| *mask = v.above(other)),
                Act::Below => masked!(|v, mask, other| *mask = other.above(*v)),
                Act::AtLeast => masked!(|v, mask, other| *mask = v.at_least(other)),
                Act::AtMost => masked!(|v, mask, other| *mask = other.at_least(*v)),
                Act::Equals => masked!(|v, mask, other| *mask = v.equals(other)),
                Act::Choose => masked!(|v, mask, other| *v = V::choose(*mask, *v, other)),
                Act::ChooseFrom => masked!(|v, mask, other| *v = V::choose(*mask, other, *v)),
                Act::Load => each!(|_v, other| other),
                Act::Negate => each!(|v| v.negate()),
                Act::Square => each!(|v| v.times(v)),
                Act::Root => each!(|v| v.root()),
                Act::Reciprocal => each!(|v| V::one().over(v)),
                Act::Relu => each!(|v| v.relu()),
                Act::Plus => each!(|v, other| v.add(other)),
                Act::Minus => each!(|v, other| v.minus(other)),
                Act::MinusFrom => each!(|v, other| other.minus(v)),
                Act::Times => each!(|v, other| v.times(other)),
                Act::Over => each!(|v, other| v.over(other)),
                Act::OverFrom => each!(|v, other| other.over(v)),
                Act::Stream if lanes == V::LANES && is_aligned::<V>(place) => {
                    for (index, &value) in values.iter().enumerate() {
                        value.stream(place.add(index * V::LANES));
                    }
                }
                Act::Keep | Act::Stream | Act::Store => {
                    for (index, &value) in values.iter().enumerate() {
                        write(value, place, index);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::isa::Isa;
    use crate::run::matmul::kernel::Kernels;
    use crate::run::matmul::vector::fence;

    /// What a link makes of a value and a register's element, as the table of pointwise ops has it.
    fn act(act: Act, v: f32, other: f32) -> f32 {
        match act {
            Act::Load => other,
            Act::Negate => -v,
            Act::Square => v * v,
            Act::Root => v.sqrt(),
            Act::Reciprocal => 1.0 / v,
            Act::Relu => {
                if v > 0.0 || v.is_nan() {
                    v
                } else {
                    0.0
                }
            }
            Act::Plus => v + other,
            Act::Minus => v - other,
            Act::MinusFrom => other - v,
            Act::Times => v * other,
            Act::Over => v / other,
            Act::OverFrom => other / v,
            // With the mask of the value above 1.
            Act::Choose if v > 1.0 => v,
            Act::ChooseFrom if v <= 1.0 || v.is_nan() => v,
            Act::Choose | Act::ChooseFrom => other,
            _ => v,
        }
    }

    #[test]
    fn every_link_rounds_as_its_instruction_at_every_length_on_every_set() {
        let acts = [
            (Act::Negate, false),
            (Act::Square, false),
            (Act::Root, false),
            (Act::Reciprocal, false),
            (Act::Relu, false),
            (Act::Plus, false),
            (Act::Minus, true),
            (Act::MinusFrom, false),
            (Act::Times, true),
            (Act::Over, false),
            (Act::OverFrom, true),
            (Act::Load, true),
            (Act::Choose, false),
            (Act::ChooseFrom, true),
        ];
        type Comparison = (Act, fn(f32, f32) -> bool);
        let comparisons: [Comparison; 5] = [
            (Act::Above, |v, other| v > other),
            (Act::Below, |v, other| v < other),
            (Act::AtLeast, |v, other| v >= other),
            (Act::AtMost, |v, other| v <= other),
            (Act::Equals, |v, other| v == other),
        ];
        let special = [0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-40, -3.5];
        for length in [1, 7, 16, 31, 128, 131, 300] {
            let numbers = |seed: f32| -> Vec<f32> {
                let number = |i: usize| (i as f32 * 0.37 + seed).sin() * 9.0;
                (0..length)
                    .map(|i| if i % 5 == 0 { special[i / 5 % 7] } else { number(i) })
                    .collect()
            };
            for isa in Isa::available() {
                for (made, repeated) in acts {
                    // Registers: two to read, one to keep; the store goes elsewhere.
                    let (mut a, mut b) = (numbers(0.1), numbers(0.8));
                    b.rotate_right(length / 3);
                    let (mut kept, mut stored) = (vec![7.0; length + 1], vec![7.0; length + 1]);
                    // Aligned to the widest vectors, or by one number not.
                    let mut streamed = vec![7.0; length + 40];
                    let aligned = streamed.as_ptr().align_offset(64) + length % 2;
                    let streamed = &mut streamed[aligned..];
                    let registers = [&mut a[..], &mut b, &mut kept, &mut *streamed, &mut [1.0]];
                    let registers = registers.map(|r| r.as_mut_ptr());
                    let link = |act: Act, start: *mut f32| {
                        let one = start == registers[4] || repeated && start == registers[1];
                        Link { act, repeated: one, start, row: 0, column: usize::from(!one) }
                    };
                    let links = [
                        link(Act::Load, registers[0]),
                        link(Act::Above, registers[4]),
                        link(made, registers[1]),
                        link(Act::Keep, registers[2]),
                        link(Act::Stream, registers[3]),
                        link(Act::Negate, registers[0]),
                        link(Act::Store, stored.as_mut_ptr()),
                    ];
                    let chain = Chain { links: &links, rows: 1, columns: length };
                    // SAFETY: the set is available; the registers have the length, and nobody else
                    // has them.
                    unsafe { (Kernels::of(isa).chain)(&chain) };
                    fence();
                    assert_eq!(streamed[length], 7.0);
                    for i in 0..length {
                        let want = act(made, a[i], b[if repeated { 0 } else { i }]);
                        let same =
                            |x: f32, y: f32| x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan();
                        let what = format!("{made:?} of {} on {isa}, {i} of {length}", a[i]);
                        assert!(same(kept[i], want), "{what}: {} for {want}", kept[i]);
                        assert!(same(streamed[i], want), "{what}: {} past", streamed[i]);
                        assert!(same(stored[i], -want), "{what}: {} stored", stored[i]);
                    }
                    assert_eq!((kept[length], stored[length]), (7.0, 7.0));
                }
                for (made, repeated) in comparisons.map(|c| [(c, false), (c, true)]).concat() {
                    let (mut a, mut b) = (numbers(0.1), numbers(0.8));
                    (0..length).step_by(3).for_each(|i| b[i] = a[i]);
                    let mut stored = vec![7.0_f32; length];
                    let [a_at, b_at] = [&mut a[..], &mut b].map(|r| r.as_mut_ptr());
                    let link = |act: Act, start: *mut f32, repeated: bool| Link {
                        act,
                        repeated,
                        start,
                        row: 0,
                        column: usize::from(!repeated),
                    };
                    let links = [
                        link(Act::Load, a_at, false),
                        link(made.0, b_at, repeated),
                        link(Act::Negate, a_at, false),
                        link(Act::Choose, b_at, false),
                        link(Act::Store, stored.as_mut_ptr(), false),
                    ];
                    let chain = Chain { links: &links, rows: 1, columns: length };
                    // SAFETY: as above.
                    unsafe { (Kernels::of(isa).chain)(&chain) };
                    for i in 0..length {
                        let found = made.1(a[i], b[if repeated { 0 } else { i }]);
                        let want = if found { -a[i] } else { b[i] };
                        let what = format!("{:?} on {isa}, {i} of {length}", made.0);
                        assert_eq!(stored[i].to_bits(), want.to_bits(), "{what}");
                    }
                }
            }
        }
    }

    #[test]
    fn rows_are_walked_apart_and_a_kept_value_needs_one_place() {
        for isa in Isa::available() {
            for (rows, columns) in [(1, 5), (3, 16), (4, 128), (5, 131), (2, 300)] {
                let (far, near) = (columns + 7, columns + 2);
                let numbers =
                    |n: usize| -> Vec<f32> { (0..n).map(|i| (i as f32 * 0.7).cos()).collect() };
                let (mut a, mut b) = (numbers(rows * far), numbers(columns));
                let (mut kept, mut to) = (vec![0.0; 128], vec![7.0; rows * near]);
                let link = |act: Act, start: &mut [f32], row: usize, column: usize| Link {
                    act,
                    repeated: false,
                    start: start.as_mut_ptr(),
                    row,
                    column,
                };
                let links = [
                    link(Act::Load, &mut a, far, 1),
                    link(Act::Times, &mut b, 0, 1),
                    link(Act::Keep, &mut kept, 0, 0),
                    link(Act::Square, &mut [], 0, 0),
                    link(Act::Plus, &mut kept, 0, 0),
                    link(Act::Store, &mut to, near, 1),
                ];
                let chain = Chain { links: &links, rows, columns };
                // SAFETY: the set is available, and the arrays have the rows.
                unsafe { (Kernels::of(isa).chain)(&chain) };
                for (i, row) in to.chunks(near).enumerate() {
                    for (j, &made) in row.iter().enumerate() {
                        let want = if j < columns {
                            let v = a[i * far + j] * b[j];
                            v * v + v
                        } else {
                            7.0
                        };
                        assert_eq!(made, want, "{i}, {j} of {rows}×{columns} on {isa}");
                    }
                }
            }
        }
    }
}
