//! Loops whose registers, instructions or tiles were corrupted.

use super::{good, loop_mut, loops, refused};
use crate::graph::DType;
use crate::plan::kernel::{Extent, Instruction, Loop, Place};

#[test]
fn registers_at_wrong_places_are_refused() {
    let plan = good();
    let mut tried = 0;
    for step in loops(&plan) {
        let count = loop_mut(&mut plan.clone(), step).registers.len();
        for register in 0..count {
            let mut corrupt = |place: &dyn Fn(&Loop, Place) -> Option<Place>, how: &str| {
                let mut copy = plan.clone();
                let l = loop_mut(&mut copy, step);
                let old = l.registers[register].place;
                let Some(new) = place(l, old) else { return };
                l.registers[register].place = new;
                refused(&copy, &format!("step {step}, register {register}: {how}"));
                tried += 1;
            };
            corrupt(&|_, _| Some(Place::Read(99)), "a missing read");
            corrupt(&|_, _| Some(Place::Write(99)), "a missing write");
            corrupt(&|l, _| Some(Place::Scratch(l.scratch + 64)), "beyond the scratch memory");
            corrupt(&|_, _| Some(Place::Scratch(usize::MAX)), "no place");
            corrupt(
                &|_, old| matches!(old, Place::Scratch(_)).then_some(Place::Read(0)),
                "into a read",
            );
            corrupt(
                &|_, old| matches!(old, Place::Read(_)).then_some(Place::Scratch(0)),
                "never made",
            );
            corrupt(
                &|_, old| match old {
                    Place::Write(_) => Some(Place::Scratch(0)),
                    _ => None,
                },
                "a result kept in scratch memory",
            );
            corrupt(
                &|_, old| match old {
                    Place::Scratch(at) => Some(Place::Scratch(at + 4)),
                    _ => None,
                },
                "not lined up",
            );
        }
    }
    assert!(tried > 100, "only {tried}");
}

/// Every register of a plan's loops at the place of another that is needed at the same time.
#[test]
fn registers_that_share_memory_while_both_are_needed_are_refused() {
    let plan = good();
    let mut tried = 0;
    for step in loops(&plan) {
        let l = loop_mut(&mut plan.clone(), step).clone();
        let steps: Vec<_> = l.before.iter().chain(&l.body).copied().collect();
        let made = |r: u16| steps.iter().position(|i| i.to() == Some(r));
        let last = |r: u16| steps.iter().rposition(|i| i.from().contains(&Some(r)));
        for one in 0..l.registers.len() as u16 {
            for other in 0..l.registers.len() as u16 {
                let places = [one, other].map(|r| l.registers[usize::from(r)].place);
                let [Place::Scratch(a), Place::Scratch(b)] = places else { continue };
                let (Some(made_one), Some(made_other), Some(last_other)) =
                    (made(one), made(other), last(other))
                else {
                    continue;
                };
                // `one` is made while `other` is still to be read (perhaps by its own maker).
                if a != b && made_other < made_one && made_one <= last_other {
                    let mut copy = plan.clone();
                    loop_mut(&mut copy, step).registers[usize::from(one)].place = Place::Scratch(b);
                    let fits = loop_mut(&mut copy, step).scratch;
                    loop_mut(&mut copy, step).scratch = fits + 65536;
                    refused(&copy, &format!("step {step}: r{one} over r{other}"));
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 10, "only {tried}");
}

#[test]
fn registers_of_other_extents_or_types_are_refused() {
    let plan = good();
    let mut tried = 0;
    for step in loops(&plan) {
        let l = loop_mut(&mut plan.clone(), step).clone();
        for register in 0..l.registers.len() {
            // A register that nothing names can be anything.
            let named = |i: &Instruction| {
                i.to() == Some(register as u16) || i.from().contains(&Some(register as u16))
            };
            let only_constants = l.before.iter().chain(&l.body).filter(|i| named(i)).count() < 2;
            for extent in [Extent::Full, Extent::Row, Extent::Column, Extent::Scalar] {
                let mut copy = plan.clone();
                let held = &mut loop_mut(&mut copy, step).registers[register];
                if held.extent != extent && !only_constants {
                    held.extent = extent;
                    refused(&copy, &format!("step {step}, register {register} is {extent:?}"));
                    tried += 1;
                }
            }
            let mut copy = plan.clone();
            let held = &mut loop_mut(&mut copy, step).registers[register];
            if !only_constants {
                held.dtype = if held.dtype == DType::F64 { DType::F32 } else { DType::F64 };
                refused(&copy, &format!("step {step}, register {register} is another type"));
            }
        }
    }
    assert!(tried > 100, "only {tried}");
}

#[test]
fn instructions_out_of_order_missing_or_doubled_are_refused() {
    let plan = good();
    let mut tried = 0;
    for step in loops(&plan) {
        let length = loop_mut(&mut plan.clone(), step).body.len();
        for index in 0..length {
            let mut copy = plan.clone();
            let body = &mut loop_mut(&mut copy, step).body;
            let removed = body.remove(index);
            let needed = removed.to().is_none_or(|to| {
                let l = loop_mut(&mut copy, step);
                let read = l.body.iter().any(|i| i.from().contains(&Some(to)));
                read || matches!(l.registers[usize::from(to)].place, Place::Write(_))
            });
            if needed {
                refused(&copy, &format!("step {step} without {removed:?}"));
                tried += 1;
            }
            let mut copy = plan.clone();
            loop_mut(&mut copy, step).body.push(removed);
            refused(&copy, &format!("step {step} does {removed:?} twice"));
            // Before its arguments are made.
            let mut copy = plan.clone();
            let body = &mut loop_mut(&mut copy, step).body;
            let makes = |from: Option<u16>, i: &Instruction| from.is_some() && i.to() == from;
            let depends = body[..index].iter().any(|i| removed.from().iter().any(|&f| makes(f, i)));
            if depends {
                let moved = body.remove(index);
                body.insert(0, moved);
                refused(&copy, &format!("step {step} begins with {moved:?}"));
            }
            // Names of registers that do not exist.
            let mut copy = plan.clone();
            loop_mut(&mut copy, step).body[index] =
                Instruction::Unary { op: crate::op::Unary::Exp, to: 9999, a: 0 };
            refused(&copy, "a missing register");
        }
    }
    assert!(tried > 20, "only {tried}");
}

#[test]
fn tiles_that_do_not_fit_their_loop_are_refused() {
    let plan = good();
    for step in loops(&plan) {
        let corrupt = |change: &dyn Fn(&mut Loop), how: &str| {
            let mut copy = plan.clone();
            change(loop_mut(&mut copy, step));
            refused(&copy, &format!("step {step}: {how}"));
        };
        corrupt(&|l| l.tile_rows = 0, "no rows");
        corrupt(&|l| l.tile_columns = 0, "no columns");
        corrupt(&|l| l.tile_rows = l.rows + 1, "more rows than there are");
        corrupt(&|l| l.tile_columns = l.columns + 1, "more columns than there are");
        corrupt(&|l| l.rows += 1, "a row more");
        corrupt(&|l| l.columns += 1, "a column more");
        corrupt(&|l| l.rows = usize::MAX, "all rows there are");
        corrupt(&|l| (l.tile_rows, l.tile_columns) = (2, l.columns - 1), "not contiguous");
        let l = loop_mut(&mut plan.clone(), step).clone();
        if l.scratch > 0 {
            corrupt(&|l| l.scratch -= 64, "too little scratch memory");
        }
        if l.body.iter().any(|i| matches!(i, Instruction::Reduce { .. })) {
            corrupt(&|l| (l.tile_rows, l.tile_columns) = (1, l.columns - 1), "rows in parts");
        }
    }
}
