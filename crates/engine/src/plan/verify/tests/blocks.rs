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

fn scaled(graph: &Graph) -> Vec<Tensor<'_>> {
    let x = graph.input("x", DType::F32, [4, 30, 64]);
    vec![x * graph.input("scale", DType::F32, [4, 1, 64])]
}

#[test]
fn groups_of_rows_at_wrong_places_are_refused() {
    let good = plan(scaled);
    verify(&good).unwrap();
    let corrupt = |how: &str, change: &dyn Fn(&mut crate::plan::kernel::Loop, usize)| {
        let mut bad = good.clone();
        let l = loop_mut(&mut bad, 0);
        let group = l.registers.iter().position(|r| r.extent == Extent::Groups(30));
        change(l, group.expect("a group"));
        refused(&bad, how);
    };
    corrupt("tiles over the end of a group", &|l, _| l.tile_rows = 4);
    corrupt("groups of another length", &|l, group| {
        l.registers[group].extent = Extent::Groups(60);
    });
    corrupt("groups of none", &|l, group| l.registers[group].extent = Extent::Groups(0));
    corrupt("groups in scratch memory", &|l, group| l.registers[group].place = Place::Scratch(0));
    corrupt("groups that are written", &|l, group| l.registers[group].place = Place::Write(0));
}

fn normalised(graph: &Graph) -> Vec<Tensor<'_>> {
    let (x, w) = (graph.input("x", DType::F32, [4, 64, 8]), graph.input("w", DType::F32, [8, 6]));
    vec![x.reshape([256, 8]).matmul(w).sum_axis(0)]
}

#[test]
fn sums_of_blocks_behind_several_products_are_refused() {
    let good = plan(normalised);
    verify(&good).unwrap();
    let mut bad = good.clone();
    let crate::plan::Kernel::Matmul(product) = &mut bad.steps[0].kernel else { panic!("{good}") };
    assert!(product.then.is_some(), "{good}");
    (product.batch, product.m) = (2, 128);
    refused(&bad, "a right factor for each of two products");
    // As long as the factors fit, too.
    bad.steps[0].reads[1].elements *= 2;
    bad.inputs[1].shape = [2, 8, 6].into();
    refused(&bad, "blocks of rows of several products");
}

fn gates(graph: &Graph) -> Vec<Tensor<'_>> {
    let x = graph.input("x", DType::F32, [40, 96]);
    let gate = |n: usize| x.slice(1, 32 * n..32 * (n + 1));
    vec![gate(0).sigmoid() * gate(2).tanh() + gate(1)]
}

#[test]
fn parts_of_rows_at_wrong_places_are_refused() {
    let good = plan(gates);
    verify(&good).unwrap();
    assert_eq!(good.steps.len(), 1, "parts of rows are read where they are: {good}");
    let part = Extent::Part { offset: 64, stride: 96 };
    let corrupt = |how: &str, change: &dyn Fn(&mut crate::plan::kernel::Loop, usize)| {
        let mut bad = good.clone();
        let l = loop_mut(&mut bad, 0);
        let at = l.registers.iter().position(|r| r.extent == part);
        change(l, at.expect("a part"));
        refused(&bad, how);
    };
    let other = |offset: usize, stride: usize| {
        move |l: &mut crate::plan::kernel::Loop, at: usize| {
            l.registers[at].extent = Extent::Part { offset, stride };
        }
    };
    corrupt("over the end of the row", &other(65, 96));
    corrupt("beyond all numbers", &other(usize::MAX, 96));
    corrupt("rows that are longer", &other(64, 97));
    corrupt("rows beyond all numbers", &other(64, usize::MAX));
    corrupt("the whole", &|l, at| l.registers[at].extent = Extent::Full);
    corrupt("parts in scratch memory", &|l, at| l.registers[at].place = Place::Scratch(0));
    corrupt("parts that are written", &|l, at| l.registers[at].place = Place::Write(0));
    corrupt("parts that are stored", &|l, at| {
        l.body.push(Instruction::Store { write: 0, from: at as u16 });
    });
}

fn beside(graph: &Graph) -> Vec<Tensor<'_>> {
    let x = graph.input("x", DType::F32, [40, 32]);
    let parts = [x.sin() * x, x.cos(), x.square() + x];
    vec![parts[0].concatenate(&parts[1..], 1)]
}

#[test]
fn rows_that_are_not_filled_by_their_parts_are_refused() {
    let good = plan(beside);
    verify(&good).unwrap();
    assert_eq!(good.steps.len(), 1, "parts are laid down where they are made: {good}");
    let lays = |l: &crate::plan::kernel::Loop| -> Vec<usize> {
        let is_lay = |&at: &usize| matches!(l.body[at], Instruction::Lay { .. });
        (0..l.body.len()).filter(is_lay).collect()
    };
    let corrupt = |how: &str, change: &dyn Fn(&mut Instruction)| {
        let mut bad = good.clone();
        let l = loop_mut(&mut bad, 0);
        let at = lays(l)[1];
        change(&mut l.body[at]);
        refused(&bad, how);
    };
    corrupt("a part at another's place", &|i| {
        if let Instruction::Lay { offset, .. } = i {
            *offset = 0;
        }
    });
    corrupt("a part over the end", &|i| {
        if let Instruction::Lay { offset, .. } = i {
            *offset = 65;
        }
    });
    corrupt("a part beyond all numbers", &|i| {
        if let Instruction::Lay { offset, .. } = i {
            *offset = usize::MAX;
        }
    });
    corrupt("rows that are longer", &|i| {
        if let Instruction::Lay { stride, .. } = i {
            *stride = 128;
        }
    });
    corrupt("another result", &|i| {
        if let Instruction::Lay { write, .. } = i {
            *write = 1;
        }
    });
    corrupt("a part stored as a whole", &|i| {
        if let Instruction::Lay { write, from, .. } = *i {
            *i = Instruction::Store { write, from };
        }
    });
    let mut bad = good.clone();
    let l = loop_mut(&mut bad, 0);
    let last = lays(l)[2];
    l.body.remove(last);
    refused(&bad, "a part less");
}
