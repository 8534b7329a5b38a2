//! Loops and their bodies.

use super::{good, refused};
use crate::graph::DType;
use crate::plan::kernel::{Kernel, Product, Scan};

#[test]
fn loops_that_their_regions_or_bodies_do_not_fit_are_refused() {
    let plan = good();
    let step = plan.steps.iter().position(|s| matches!(s.kernel, Kernel::Scan(_))).unwrap();
    let corrupt = |change: &dyn Fn(&mut Scan), how: &str| {
        let mut copy = plan.clone();
        if let Kernel::Scan(scan) = &mut copy.steps[step].kernel {
            change(scan);
        }
        refused(&copy, how);
    };
    corrupt(&|s| s.steps += 1, "a step more");
    corrupt(&|s| s.steps -= 1, "a step less");
    corrupt(&|s| s.steps = usize::MAX, "all steps there are");
    corrupt(&|s| s.carries += 1, "another carry");
    corrupt(&|s| s.carries = 0, "no carry");
    corrupt(&|s| s.carries = usize::MAX, "all carries there are");
    corrupt(&|s| s.sequences += 1, "another sequence");
    corrupt(&|s| s.sequences = 0, "no sequence");
    corrupt(&|s| s.body.arena_bytes += 64, "no room for a larger body");
    corrupt(&|s| s.body.arena_bytes = 0, "a body without memory");
    corrupt(&|s| s.body.arena_bytes = usize::MAX, "a body with all memory there is");
    corrupt(&|s| s.body.inputs[0].dtype = DType::F32, "another index");
    corrupt(&|s| s.body.inputs[1].shape = [4].into(), "a smaller carry");
    corrupt(&|s| s.body.inputs[1].written = true, "a body that writes what it is given");
    corrupt(&|s| drop(s.body.inputs.pop()), "an input less");
    corrupt(&|s| drop(s.body.outputs.pop()), "an output less");
    corrupt(&|s| drop(s.body.steps.pop()), "a kernel less");
    corrupt(&|s| drop(s.body.steps.remove(0)), "without the first kernel");
    corrupt(&|s| s.body.states.push(s.body.inputs[1].clone()), "a body with a state");
}

#[test]
fn parts_that_meet_or_have_no_memory_are_refused() {
    let graph = crate::Graph::new();
    let start = graph.input("start", DType::F32, [32, 64]);
    let w = graph.input("w", DType::F32, [64, 64]);
    let more = graph.input("more", DType::F32, [9, 32, 64]);
    let (last, all) = graph.scan(9, start, more, |h, more, _| {
        let next = h.matmul(w).tanh() + more;
        (next, next * 2.0)
    });
    let request =
        crate::plan::Request { threads: 2, ..crate::plan::request(&[last, all], usize::MAX) };
    let plan = crate::plan::Plan::new(&graph, &request).unwrap();
    let step = plan.steps.iter().position(|s| matches!(s.kernel, Kernel::Scan(_))).unwrap();
    let corrupt = |change: &dyn Fn(&mut Scan), how: &str| {
        let mut copy = plan.clone();
        let Kernel::Scan(scan) = &mut copy.steps[step].kernel else { panic!("no loop") };
        assert_eq!((scan.parts, &scan.cut[..]), (2, &[false, true, true, false][..]));
        change(scan);
        refused(&copy, how);
    };
    corrupt(&|s| s.parts = 0, "no part");
    corrupt(&|s| s.parts = 1, "one part of two");
    corrupt(&|s| s.parts = 3, "a part more");
    corrupt(&|s| s.parts = usize::MAX, "all parts there are");
    corrupt(&|s| s.cut[0] = true, "a piece of the index");
    corrupt(&|s| s.cut[1] = false, "a carry that is written by both");
    corrupt(&|s| s.cut[2] = false, "a whole row for a piece");
    corrupt(&|s| s.cut[3] = true, "a piece of a packed factor");
    corrupt(&|s| s.cut.truncate(3), "nothing known of an input");
    corrupt(&|s| s.cut.push(false), "an input more");
}

#[test]
fn factors_that_are_packed_where_they_may_not_be_are_refused() {
    let plan = super::plan(|graph| {
        let start = graph.input("start", DType::F32, [3, 20]);
        let w = graph.input("w", DType::F32, [20, 20]);
        let more = graph.input("more", DType::F32, [5, 20, 20]);
        let (last, ()) = graph.scan(5, [start], more, |[h], more, _| {
            ([h.matmul(w).tanh().matmul(w.transpose()).matmul(more)], ())
        });
        last.to_vec()
    });
    let Some(step) = plan.steps.iter().position(|s| matches!(s.kernel, Kernel::Scan(_))) else {
        panic!("no loop:\n{plan}");
    };
    let corrupt = |change: &dyn Fn(&mut Vec<&mut Product>), how: &str| {
        let mut copy = plan.clone();
        if let Kernel::Scan(scan) = &mut copy.steps[step].kernel {
            let products = scan.body.steps.iter_mut().filter_map(|s| match &mut s.kernel {
                Kernel::Matmul(product) => Some(product),
                _ => None,
            });
            change(&mut products.collect());
        }
        refused(&copy, how);
    };
    corrupt(
        &|p| {
            let packed: Vec<_> = p.iter().map(|p| p.packed.is_some()).collect();
            assert_eq!(packed, [true, true, false], "of the matrix, the matrix turned, a row's");
            p[1].packed = Some(0);
        },
        "two in one place",
    );
    corrupt(&|p| p[0].packed = Some(1), "not at the start");
    corrupt(&|p| p[0].packed = Some(usize::MAX), "at the last number there is");
    corrupt(&|p| p[2].packed = p[1].packed, "one that changes");
    let mut copy = plan.clone();
    let Kernel::Scan(scan) = &mut copy.steps[step].kernel else { return };
    let mut body = scan.body.clone();
    body.steps.truncate(1);
    assert!(crate::plan::verify::verify(&body).is_err(), "packed without a loop");
}
