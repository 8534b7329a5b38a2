//! Chains that are not the body's, and reads after a store over what they read.

use super::{good, loop_mut, loops, plan};
use crate::graph::{DType, Graph, Tensor};
use crate::op::Unary;
use crate::plan::chain::{Act, Chains, Piece};
use crate::plan::kernel::{Extent, Instruction, Kernel, Loop, Place, Register};
use crate::plan::verify::verify;
use crate::plan::{Plan, Step};

/// Makes the chains of every loop those of its instructions, where these name registers that are there.
pub(super) fn relink(plan: &mut Plan) {
    for step in &mut plan.steps {
        match &mut step.kernel {
            Kernel::Loop(l) => relink_loop(l),
            Kernel::Scan(scan) => relink(&mut scan.body),
            Kernel::Bundle(members) => members.iter_mut().for_each(|member| {
                if let Kernel::Loop(l) = &mut member.kernel {
                    relink_loop(l);
                }
            }),
            kernel => {
                let then = kernel.then_mut().into_iter().flatten();
                then.for_each(|then| relink_loop(&mut then.body));
            }
        }
    }
}

fn relink_loop(l: &mut Loop) {
    let named = |i: &Instruction| i.from().into_iter().chain([i.to()]).flatten().max();
    let last = l.before.iter().chain(&l.body).filter_map(named).max();
    if last.is_none_or(|last| usize::from(last) < l.registers.len()) {
        l.chains = Chains::new(
            &l.registers,
            &l.before,
            &l.body,
            l.tile_rows,
            l.rows.saturating_mul(l.columns),
        );
    }
}

#[test]
fn chains_of_other_instructions_are_refused() {
    let plan = good();
    let mut tried = 0;
    for step in loops(&plan) {
        let links = loop_mut(&mut plan.clone(), step).chains.links.len();
        for link in 0..links {
            for change in 0..4 {
                let mut copy = plan.clone();
                let held = &mut loop_mut(&mut copy, step).chains.links;
                match change {
                    0 => held[link].act = Act::Reciprocal,
                    1 => held[link].with += 1,
                    2 => held[link].repeated = !held[link].repeated,
                    _ => drop(held.remove(link)),
                }
                assert!(verify(&copy).is_err(), "link {link} of step {step}, change {change}");
                tried += 1;
            }
        }
        let mut copy = plan.clone();
        loop_mut(&mut copy, step).chains.pieces.push(Piece::Instruction(0));
        assert!(verify(&copy).is_err(), "a piece too many in step {step}");
    }
    assert!(tried > 20, "only {tried}");
}

#[test]
fn reading_what_was_stored_over_is_refused() {
    let plan = good();
    let mut tried = 0;
    for step in loops(&plan) {
        let Step { kernel: Kernel::Loop(l), reads, writes, .. } = &plan.steps[step] else {
            continue;
        };
        for (at, instruction) in l.body.iter().enumerate() {
            let Instruction::Store { write, .. } = *instruction else { continue };
            let is_over = |register: &Register| {
                matches!(register.place, Place::Read(r) if reads[r].overlaps(&writes[write]))
                    && (register.extent, register.dtype) == (Extent::Full, DType::F32)
            };
            let Some(a) = l.registers.iter().position(is_over) else { continue };
            for (place, fine) in [(at, true), (at + 1, false)] {
                let mut copy = plan.clone();
                let l = loop_mut(&mut copy, step);
                let place_of_result = Place::Scratch(l.scratch.next_multiple_of(64));
                let bytes = l.tile_rows * l.tile_columns * 4;
                l.scratch = l.scratch.next_multiple_of(64) + bytes;
                l.registers.push(Register { place: place_of_result, ..l.registers[a] });
                let to = (l.registers.len() - 1) as u16;
                l.body.insert(place, Instruction::Unary { op: Unary::Exp, to, a: a as u16 });
                relink(&mut copy);
                assert_eq!(verify(&copy).is_ok(), fine, "at {place} of step {step}\n{copy}");
            }
            tried += 1;
        }
    }
    assert!(tried > 0, "there is no such loop");
}

/// One sum, of a result of 64 MB or a number less.
fn large(graph: &Graph, elements: usize) -> Vec<Tensor<'_>> {
    let [a, b] = ["a", "b"].map(|name| graph.input(name, DType::F32, [elements]));
    vec![a + b]
}

#[test]
fn only_large_results_are_written_past_the_caches() {
    let streams = |plan: &Plan| match &plan.steps[0].kernel {
        Kernel::Loop(l) => l.chains.stream(),
        other => panic!("{other:?}"),
    };
    let good = plan(|graph| large(graph, 1 << 24));
    assert!(streams(&good), "{good}");
    let small = plan(|graph| large(graph, (1 << 24) - 1));
    assert!(!streams(&small), "{small}");
    let mut bad = good.clone();
    loop_mut(&mut bad, 0).chains = match &small.steps[0].kernel {
        Kernel::Loop(l) => l.chains.clone(),
        other => panic!("{other:?}"),
    };
    assert!(verify(&bad).is_err(), "a large result that goes through the caches");
}
