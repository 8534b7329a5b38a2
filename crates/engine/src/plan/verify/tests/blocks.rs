//! Loops that sum columns over blocks of rows.

use super::{loop_mut, plan, refused, verify};
use crate::graph::{DType, Graph, Tensor};
use crate::plan::Plan;
use crate::plan::kernel::{Extent, Instruction, Place};

fn sums(graph: &Graph) -> Vec<Tensor<'_>> {
    let x = graph.input("x", DType::F32, [300, 6]);
    vec![x.square().sum_axis(0), x.square() * x]
}

/// A corrupted copy of the loop that folds.
fn corrupt(how: &str, change: impl Fn(&mut crate::plan::kernel::Loop)) {
    let good = plan(sums);
    verify(&good).unwrap();
    let folds = |plan: &Plan, step: usize| {
        plan.steps[step].nodes.len() > 1 && plan.to_string().contains("column sums")
    };
    let step = (0..good.steps.len()).find(|&step| folds(&good, step)).expect("a loop that folds");
    let mut bad = good.clone();
    change(loop_mut(&mut bad, step));
    refused(&bad, how);
}

#[test]
fn sums_of_blocks_at_wrong_places_or_twice_are_refused() {
    let folded = |l: &crate::plan::kernel::Loop| {
        let of = |i: &Instruction| match *i {
            Instruction::Fold { to, a } => Some((usize::from(to), usize::from(a))),
            _ => None,
        };
        l.body.iter().find_map(of).expect("a fold")
    };
    corrupt("tiles over the end of a block", |l| l.tile_rows = 100);
    corrupt("sums of blocks in scratch memory", |l| {
        let (to, _) = folded(l);
        l.registers[to].place = Place::Scratch(0);
    });
    corrupt("columns instead of blocks", |l| {
        let (to, _) = folded(l);
        l.registers[to].extent = Extent::Column;
    });
    corrupt("terms of another extent", |l| {
        let (_, a) = folded(l);
        l.registers[a].extent = Extent::Row;
    });
    corrupt("blocks that are read", |l| {
        let (to, _) = folded(l);
        l.body.push(Instruction::Store { write: 0, from: to as u16 });
    });
    corrupt("a fold done twice", |l| {
        let fold = *l.body.iter().find(|i| matches!(i, Instruction::Fold { .. })).unwrap();
        l.body.push(fold);
    });
    corrupt("no fold", |l| l.body.retain(|i| !matches!(i, Instruction::Fold { .. })));
}
