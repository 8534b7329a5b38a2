//! Kernels side by side.

use super::{everything, plan, refused, verify};
use crate::graph::{DType, Graph, Mode, Tensor};
use crate::plan::kernel::{Kernel, Memory};
use crate::plan::{Plan, Step};

/// Updates of three parameters that no product makes, and two long sums of columns.
fn updates(graph: &Graph) -> Vec<Tensor<'_>> {
    let at = graph.root(Mode::Train);
    for (index, size) in [20, 300, 7].into_iter().enumerate() {
        let path = format!("p{index}");
        let held = at.parameter(&path, [size], 0.5);
        graph.assign(&path, held - held.square() * 0.1);
    }
    let x = graph.input("x", DType::F32, [128 * 300, 64]);
    vec![x.sum_axis(0), (x * x).sum_axis(0)]
}

fn bundles(plan: &Plan) -> Vec<usize> {
    let is_bundle = |&step: &usize| matches!(plan.steps[step].kernel, Kernel::Bundle(_));
    (0..plan.steps.len()).filter(is_bundle).collect()
}

fn members(plan: &mut Plan, step: usize) -> &mut Vec<Step> {
    match &mut plan.steps[step].kernel {
        Kernel::Bundle(members) => members,
        other => panic!("{other:?}"),
    }
}

#[test]
fn updates_are_one_pass() {
    let good = plan(updates);
    verify(&good).unwrap();
    let last = good.steps.len() - 1;
    assert_eq!(bundles(&good).last(), Some(&last), "{good}");
    assert_eq!(members(&mut good.clone(), last).len(), 3, "{good}");
    assert!(good.to_string().contains("3 side by side"), "{good}");
    let text = plan(everything).to_string();
    assert!(text.contains("side by side"), "{text}");
}

#[test]
fn members_that_meet_are_refused() {
    let good = plan(updates);
    let step = *bundles(&good).last().unwrap();
    let corrupt = |how: &str, change: &dyn Fn(&mut Vec<Step>)| {
        let mut bad = good.clone();
        change(members(&mut bad, step));
        refused(&bad, how);
    };
    corrupt("a member twice", &|all| all.push(all[0].clone()));
    corrupt("a member less", &|all| drop(all.pop()));
    corrupt("a bundle in a bundle", &|all| {
        let inner = Step {
            kernel: Kernel::Bundle(vec![all[0].clone()]),
            reads: Vec::new(),
            writes: Vec::new(),
            nodes: Vec::new(),
            kept: None,
        };
        all[0] = inner;
    });
    corrupt("a member that writes another's state", &|all| {
        all[0].writes[0] = all[1].writes[0];
    });
    corrupt("a member that reads what another writes", &|all| {
        all[0].reads[0] = all[1].reads[0];
    });
    corrupt("a member of another kind", &|all| {
        all[0].kernel = Kernel::Iota { outer: 1, size: 20, inner: 1 };
    });
    let mut bad = good.clone();
    let region = members(&mut bad, step)[0].writes[0];
    assert!(matches!(region.memory, Memory::State(_)));
    bad.steps[step].reads.push(region);
    refused(&bad, "regions of the bundle's own");
}

#[test]
fn sums_beside_each_other_keep_their_memory() {
    let good = plan(updates);
    let sums = bundles(&good)[0];
    let mut bad = good.clone();
    let all = members(&mut bad, sums);
    assert!(all.iter().all(|member| matches!(member.kernel, Kernel::Reduce { .. })), "{good}");
    // The second sum goes where the first reads.
    let place = all[0].reads[0].offset;
    all[1].writes[0].memory = Memory::Arena;
    all[1].writes[0].offset = place;
    refused(&bad, "a result over what another member reads");
    let mut bad = good.clone();
    if let Kernel::Reduce { outer, reduced, inner, .. } = &mut members(&mut bad, sums)[0].kernel {
        (*outer, *reduced, *inner) = (1, 1 << 20, 1);
    }
    refused(&bad, "a sum that needs memory for its parts");
}
