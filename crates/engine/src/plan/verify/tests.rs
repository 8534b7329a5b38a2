//! Good plans pass; corrupted in any of these ways they are refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use super::verify;
use crate::graph::{DType, Graph, Mode, Tensor};
use crate::op::Distribution;
use crate::plan::kernel::{Extent, Instruction, Kernel, Loop, Memory, Place, Region};
use crate::plan::{Plan, Step, request};
use crate::{grad, random::Stream};

mod attention;
mod blocks;
mod bundle;
mod chain;
mod convolution;
mod registers;
mod scan;

/// A step with every kind of kernel, updates in place, copies, and an output that is read again.
fn everything(graph: &Graph) -> Vec<Tensor<'_>> {
    let at = graph.root(Mode::Train);
    let (seed, step) = (graph.input("seed", DType::I64, []), graph.input("step", DType::I64, []));
    let x = graph.input("x", DType::F32, [6, 4]);
    let ids = graph.input("ids", DType::I64, [6]);
    let table = at.parameter("table", [9, 4], 0.1);
    let w = at.parameter("w", [4, 5], 0.1);
    let b = at.parameter("b", [5], 0.1);
    let h = table.gather(ids) + x * at.random(Distribution::Normal, [6, 4], seed, step);
    let logits = h.matmul(w) + b;
    let shifted = logits - logits.max_axis(-1);
    let log_p = shifted - shifted.exp().sum_axis(-1).log();
    let chosen = graph.iota([6, 5], 1).equal(ids.reshape([6, 1]));
    let loss = -chosen.select(log_p, log_p.full_like(0.0)).sum_axis(-1).mean();
    for (path, slope) in ["table", "w", "b"].into_iter().zip(grad(loss, &[table, w, b])) {
        let held = graph.current(path).unwrap();
        graph.assign(path, held - slope * 0.1);
    }
    let late = x.matmul(w); // reads the old `w` after its update was recorded
    let moved = late.transpose().slice(0, 1..4).concatenate(&[late.transpose()], 0);
    // The body reads a row of `h` and the whole of `w`.
    let (last, all) = graph.scan(6, b, h, |c, x, t| {
        let c = (x.reshape([1, 4]).matmul(w).reshape([5]) + c * t.cast(DType::F32)).tanh();
        (c, c.sum())
    });
    // Windows: into a state in place, and into a result that nobody else needs.
    let cache = at.state("cache", DType::F32, [7, 4], 0.0);
    graph.assign("cache", cache.update_slice(x.slice(0, 0..2), step, 0));
    let rows = at.state("rows", DType::F32, [7, 4], 0.0);
    graph.assign("rows", rows.scatter(ids, x * 2.0));
    let window = h.sin().update_slice(x.slice(0, 0..3), step, 0).slice_at(step, 2, 1);
    let sums = logits.cumulative_sum(0).top_k(3, 1);
    let last = [last, all, window, sums.0, sums.1.sort(0).1];
    // Images, under a filter that is learned.
    let filter = at.parameter("filter", [2, 2, 1, 3], 0.1);
    let choices = crate::op::Convolution::default().stride([1, 2]).padding([1, 0]);
    let images = x.tanh().reshape([1, 6, 4, 1]).conv2d(filter, choices);
    let pooled = images.max_pool2d(crate::op::Pooling::new([2, 2]).stride([1, 1]));
    let slopes = grad(pooled.0.square().sum(), &[filter, x]);
    let wide = x.reshape([2, 3, 4]) * 0.5;
    let wide = wide.concatenate(&[wide.cos(), wide.sin()], 2);
    let parts = [0, 4, 8].map(|from| wide.slice(2, from..from + 4));
    let choices = crate::op::Attention { heads: 2, scale: 1.0, causal: true };
    let found = parts[0].attention(parts[1], parts[2], None, choices);
    let last = [&last[..], &grad(found.square().sum(), &parts)].concat();
    let last = [&last[..], &[images, pooled.0, pooled.1, slopes[0], slopes[1]]].concat();
    let first = [loss, logits, moved, logits.argmax(-1), late.sum_axis(0), h.sum_to([1, 4]), b];
    [&first[..], &last].concat()
}

fn plan(record: impl for<'g> Fn(&'g Graph) -> Vec<Tensor<'g>>) -> Plan {
    let graph = Graph::new();
    let outputs = record(&graph);
    Plan::new(&graph, &request(&outputs, usize::MAX)).unwrap()
}

/// Members of bundles stand for themselves: they are corrupted like any other step.
fn good() -> Plan {
    let mut plan = plan(everything);
    let apart = |step: Step| match step.kernel {
        Kernel::Bundle(members) => members,
        _ => vec![step],
    };
    plan.steps = plan.steps.into_iter().flat_map(apart).collect();
    plan
}

#[track_caller]
fn refused(plan: &Plan, how: &str) {
    // Not for its chains alone.
    let mut plan = plan.clone();
    chain::relink(&mut plan);
    assert!(verify(&plan).is_err(), "not refused: {how}\n{plan}");
}

/// A step's regions, reads first.
fn regions(step: &crate::plan::Step) -> Vec<Region> {
    step.reads.iter().chain(&step.writes).copied().collect()
}

fn region_mut(plan: &mut Plan, step: usize, region: usize) -> &mut Region {
    let step = &mut plan.steps[step];
    let reads = step.reads.len();
    if region < reads { &mut step.reads[region] } else { &mut step.writes[region - reads] }
}

/// Applies `corrupt` to a copy of the plan for every region of every step.
fn for_each_region(plan: &Plan, corrupt: impl Fn(&mut Region, &Plan) -> bool, how: &str) {
    let mut tried = 0;
    for step in 0..plan.steps.len() {
        for region in 0..regions(&plan.steps[step]).len() {
            let mut copy = plan.clone();
            if corrupt(region_mut(&mut copy, step, region), plan) {
                refused(&copy, &format!("{how}, step {step}, region {region}"));
                tried += 1;
            }
        }
    }
    assert!(tried > 5, "{how}: only {tried}");
}

fn loops(plan: &Plan) -> Vec<usize> {
    let is_loop = |&i: &usize| match &plan.steps[i].kernel {
        Kernel::Loop(_) => true,
        kernel => kernel.then().is_some(),
    };
    (0..plan.steps.len()).filter(is_loop).collect()
}

fn loop_mut(plan: &mut Plan, step: usize) -> &mut Loop {
    match &mut plan.steps[step].kernel {
        Kernel::Loop(l) => l,
        kernel => &mut kernel.then_mut().unwrap().as_mut().unwrap().body,
    }
}

#[test]
fn the_plans_that_are_corrupted_here_are_good_and_have_every_kind_of_kernel() {
    let plan = good();
    verify(&plan).unwrap();
    let names: std::collections::BTreeSet<_> = plan.steps.iter().map(|s| s.kernel.name()).collect();
    let all = ["gather", "iota", "loop", "matmul", "max_index", "move", "random", "reduce"];
    let more =
        ["scan", "scatter_add", "sort", "cumulative_sum", "slice_at", "update_slice", "scatter"];
    for name in all.iter().chain(&more) {
        assert!(names.contains(name), "{name} is missing: {names:?}");
    }
    let stores = |l: &Loop| l.body.iter().any(|i| matches!(i, Instruction::Store { .. }));
    assert!(plan.steps.iter().any(|s| matches!(&s.kernel, Kernel::Loop(l) if stores(l))));
    let in_place =
        |s: &&Step| s.kernel.name() == "update_slice" && s.reads[0].overlaps(&s.writes[0]);
    let places = plan.steps.iter().filter(in_place).map(|s| s.writes[0].memory);
    let places: std::collections::BTreeSet<_> = places.collect();
    assert!(places.contains(&Memory::Arena) && places.len() == 2, "{places:?}\n{plan}");
}

#[test]
fn an_update_over_its_value_or_its_position_is_refused() {
    let plan = good();
    for step in 0..plan.steps.len() {
        if !matches!(plan.steps[step].kernel, Kernel::UpdateSlice(_)) {
            continue;
        }
        // As large as the whole and in its place, but not the target.
        let mut copy = plan.clone();
        let Kernel::UpdateSlice(window) = &mut copy.steps[step].kernel else { continue };
        window.part = window.whole;
        let whole = copy.steps[step].reads[0];
        copy.steps[step].reads[1] = whole;
        refused(&copy, "the value is what is written over");
        let mut copy = plan.clone();
        copy.steps[step].writes[0].offset += 64;
        refused(&copy, "beside its target");
    }
}

#[test]
fn regions_out_of_bounds_are_refused() {
    let plan = good();
    for_each_region(
        &plan,
        |r, p| {
            r.offset += p.arena_bytes.max(64);
            true
        },
        "beyond the end",
    );
    for_each_region(
        &plan,
        |r, _| {
            r.offset = usize::MAX - 63;
            true
        },
        "at the last address",
    );
    for_each_region(
        &plan,
        |r, _| {
            r.elements += 1;
            true
        },
        "one element more",
    );
    for_each_region(
        &plan,
        |r, _| {
            r.elements = usize::MAX;
            true
        },
        "all elements there are",
    );
    for_each_region(
        &plan,
        |r, _| {
            // Nothing is kept of a product whose loop runs block by block.
            r.elements = r.elements.wrapping_sub(1);
            true
        },
        "one element less",
    );
    for_each_region(
        &plan,
        |r, _| {
            r.offset += 4;
            true
        },
        "not lined up",
    );
    for_each_region(
        &plan,
        |r, _| {
            r.memory = Memory::Input(99);
            true
        },
        "a missing input",
    );
    for_each_region(
        &plan,
        |r, _| {
            r.memory = Memory::State(99);
            true
        },
        "a missing state",
    );
    for_each_region(
        &plan,
        |r, _| {
            r.memory = Memory::Output(99);
            true
        },
        "a missing output",
    );
    let mut small = plan.clone();
    small.arena_bytes -= 64;
    refused(&small, "an arena too small");
}

#[test]
fn regions_of_another_type_are_refused() {
    let plan = good();
    for dtype in [DType::F32, DType::F64, DType::I64, DType::Bool] {
        let corrupt = |r: &mut Region, _: &Plan| {
            let other = r.dtype != dtype;
            r.dtype = dtype;
            other
        };
        for_each_region(&plan, corrupt, "another type");
    }
}

#[test]
fn reading_what_is_not_there_is_refused() {
    let plan = good();
    for step in 0..plan.steps.len() {
        for read in 0..plan.steps[step].reads.len() {
            let mut copy = plan.clone();
            let region = &mut copy.steps[step].reads[read];
            if region.memory == Memory::Arena {
                region.offset += 64;
                refused(&copy, &format!("step {step} reads {read} from the next place"));
                copy.steps[step].reads[read].offset -= 64;
                copy.steps[step].reads[read].buffer += 1;
                refused(&copy, &format!("step {step} reads {read} of another buffer"));
            }
        }
        // Leaving a step out leaves a reader or a result without its value.
        let mut copy = plan.clone();
        copy.steps.remove(step);
        refused(&copy, &format!("without step {step}"));
        // So does leaving out one of what it writes.
        for write in 0..plan.steps[step].writes.len() {
            let mut copy = plan.clone();
            copy.steps[step].writes.remove(write);
            refused(&copy, &format!("step {step} without result {write}"));
        }
    }
}

#[test]
fn steps_in_an_order_that_breaks_a_reader_are_refused() {
    let plan = good();
    let mut broken = 0;
    for first in 0..plan.steps.len() {
        for second in first + 1..plan.steps.len() {
            let mut copy = plan.clone();
            copy.steps.swap(first, second);
            // Independent steps may change places. Dependent are those of which one needs what the
            // other writes, or writes over what the other needs.
            let between = &plan.steps[first..=second];
            let touches =
                |a: &[Region], b: &[Region]| a.iter().any(|x| b.iter().any(|y| x.overlaps(y)));
            // Memory to work in, and results that nobody reads, may be written over.
            let read = |w: &Region| {
                plan.steps.iter().any(|s| s.reads.iter().any(|r| r.buffer == w.buffer))
            };
            let results = |s: &crate::plan::Step| -> Vec<Region> {
                let held = |w: &&Region| w.memory != Memory::Arena || read(w);
                s.writes.iter().filter(held).copied().collect()
            };
            let depends = |a: &crate::plan::Step, b: &crate::plan::Step| {
                touches(&results(a), &b.reads)
                    || touches(&a.reads, &results(b))
                    || touches(&results(a), &results(b))
            };
            let (one, other) = (&between[0], &between[between.len() - 1]);
            let breaks = between[1..].iter().any(|step| depends(one, step))
                || between[..between.len() - 1].iter().any(|step| depends(step, other));
            if breaks {
                refused(&copy, &format!("steps {first} and {second} exchanged"));
                broken += 1;
            }
        }
    }
    assert!(broken > 20, "only {broken}");
}

#[test]
fn results_over_what_is_still_needed_are_refused() {
    let plan = good();
    let mut tried = 0;
    for step in 0..plan.steps.len() {
        for write in 0..plan.steps[step].writes.len() {
            // Everything in the arena that is read later and was written earlier is needed.
            let earlier: Vec<Region> =
                plan.steps[..step].iter().flat_map(|s| s.writes.clone()).collect();
            let read =
                |region: &Region| plan.steps[step..].iter().any(|s| s.reads.contains(region));
            for needed in earlier.into_iter().filter(|r| r.memory == Memory::Arena && read(r)) {
                let mut copy = plan.clone();
                let moved = &mut copy.steps[step].writes[write];
                if moved.memory != Memory::Arena {
                    continue;
                }
                let from = *moved;
                moved.offset = needed.offset;
                let to = *moved;
                if from == to {
                    continue; // Written in place already.
                }
                // Its readers follow, so that only the overlap is wrong.
                for later in &mut copy.steps[step + 1..] {
                    later.reads.iter_mut().filter(|r| **r == from).for_each(|r| *r = to);
                }
                refused(&copy, &format!("result {write} of step {step} over {needed:?}"));
                tried += 1;
            }
        }
    }
    assert!(tried > 10, "only {tried}");
}

#[test]
fn kernels_of_other_sizes_than_their_regions_are_refused() {
    let plan = good();
    let mut kinds = std::collections::BTreeSet::new();
    for step in 0..plan.steps.len() {
        let sizes = match plan.steps[step].kernel.clone() {
            Kernel::Reduce { .. } | Kernel::MaxIndex { .. } | Kernel::Iota { .. } => 3,
            Kernel::Matmul(_) => 4,
            Kernel::Gather { .. } | Kernel::ScatterAdd { .. } | Kernel::Scatter { .. } => 3,
            Kernel::CumulativeSum { .. } => 3,
            Kernel::SliceAt(_) | Kernel::UpdateSlice(_) => 4,
            Kernel::Sort(_) => 5,
            Kernel::Convolution { .. } | Kernel::MaxPool(_) => 9,
            Kernel::Attention(_) => 5,
            _ => 0,
        };
        for which in 0..sizes {
            for change in [0usize, 1, usize::MAX] {
                let mut copy = plan.clone();
                let mut fields: Vec<&mut usize> = match &mut copy.steps[step].kernel {
                    Kernel::SliceAt(w) | Kernel::UpdateSlice(w) => {
                        vec![&mut w.outer, &mut w.whole, &mut w.part, &mut w.inner]
                    }
                    Kernel::Convolution { stencil: s, .. } | Kernel::MaxPool(s) => {
                        let [height, width] = &mut s.sliding;
                        let [rows, columns] = &mut s.outputs;
                        let (channels, features) = (&mut s.channels, &mut s.features);
                        let all =
                            [&mut s.batch, &mut height.input, &mut width.input, rows, columns];
                        let taps = [&mut height.taps, &mut width.taps, channels, features];
                        all.into_iter().chain(taps).collect()
                    }
                    Kernel::Attention(a) => {
                        let h = &mut a.heads;
                        let times = [&mut h.batch, &mut h.heads, &mut h.queries, &mut h.keys];
                        // Fewer numbers of each row may be read.
                        times.into_iter().chain([&mut h.features]).collect()
                    }
                    Kernel::Sort(s) => {
                        vec![&mut s.outer, &mut s.size, &mut s.inner, &mut s.count, &mut s.parts]
                    }
                    Kernel::CumulativeSum { outer, size: reduced, inner, .. }
                    | Kernel::Reduce { outer, reduced, inner, .. }
                    | Kernel::MaxIndex { outer, reduced, inner }
                    | Kernel::Iota { outer, size: reduced, inner } => vec![outer, reduced, inner],
                    Kernel::Matmul(p) => vec![&mut p.batch, &mut p.m, &mut p.n, &mut p.k],
                    Kernel::Gather { table_rows, width, numbers }
                    | Kernel::Scatter { table_rows, width, numbers }
                    | Kernel::ScatterAdd { table_rows, width, numbers, .. } => {
                        vec![table_rows, width, numbers]
                    }
                    _ => continue,
                };
                *fields[which] = if change == 1 { *fields[which] + 1 } else { change };
                refused(&copy, &format!("size {which} of step {step} is {change}"));
                kinds.insert(plan.steps[step].kernel.name());
            }
        }
    }
    assert_eq!(kinds.len(), 17, "{kinds:?}");
}

#[test]
fn moves_that_leave_their_regions_or_do_not_fill_them_are_refused() {
    let plan = good();
    let mut tried = 0;
    for step in 0..plan.steps.len() {
        let Kernel::Assemble(a) = &plan.steps[step].kernel else { continue };
        for part in 0..a.parts.len() {
            for axis in 0..a.parts[part].sizes.len() {
                let mut corrupt = |change: &dyn Fn(&mut crate::plan::kernel::Part), how: &str| {
                    let mut copy = plan.clone();
                    if let Kernel::Assemble(a) = &mut copy.steps[step].kernel {
                        change(&mut a.parts[part]);
                    }
                    refused(&copy, &format!("step {step}, part {part}, axis {axis}: {how}"));
                    tried += 1;
                };
                corrupt(&|p| p.sizes[axis] += 1, "larger");
                corrupt(&|p| p.sizes[axis] -= 1, "smaller");
                corrupt(&|p| p.from += 1000, "from beyond");
                corrupt(&|p| p.to += 1, "one further");
                corrupt(&|p| p.write_strides[axis] += 1, "other strides");
                corrupt(&|p| p.read_strides[axis] = usize::MAX, "huge strides");
                corrupt(&|p| p.read_strides.truncate(axis), "fewer strides");
            }
            let mut copy = plan.clone();
            if let Kernel::Assemble(a) = &mut copy.steps[step].kernel {
                a.parts.remove(part);
            }
            refused(&copy, "a part less");
        }
    }
    assert!(tried > 20, "only {tried}");
}

#[test]
fn slots_that_promise_what_no_step_does_are_refused() {
    let plan = good();
    for index in 0..plan.states.len() {
        let mut copy = plan.clone();
        copy.states[index].written = !copy.states[index].written;
        refused(&copy, "a state's promise");
    }
    for index in 0..plan.inputs.len() {
        let mut copy = plan.clone();
        copy.inputs[index].written = true;
        refused(&copy, "an input's promise");
    }
    for index in 0..plan.outputs.len() {
        let mut copy = plan.clone();
        copy.outputs[index].shape = [999].into();
        refused(&copy, "another output");
    }
    let mut copy = plan.clone();
    copy.outputs.push(copy.outputs[0].clone());
    refused(&copy, "an output that nobody writes");
}

/// Whatever is changed at random, verifying never panics.
#[test]
fn verifying_never_panics() {
    let plan = good();
    let stream = Stream::new(5, "corruption", 0);
    let odd = [0, 1, 2, 63, 64, 1 << 20, usize::MAX / 2, usize::MAX];
    for trial in 0..4000u64 {
        let pick = |what: u64, n: usize| stream.bits(trial * 8 + what) as usize % n;
        let mut copy = plan.clone();
        let step = pick(0, plan.steps.len());
        let count = regions(&plan.steps[step]).len().max(1);
        let value = odd[pick(1, odd.len())];
        match pick(2, 6) {
            0 if !regions(&plan.steps[step]).is_empty() => {
                region_mut(&mut copy, step, pick(3, count)).offset = value;
            }
            1 if !regions(&plan.steps[step]).is_empty() => {
                region_mut(&mut copy, step, pick(3, count)).elements = value;
            }
            2 => copy.arena_bytes = value,
            _ => {
                if let Kernel::Loop(l) = &mut copy.steps[step].kernel {
                    let register = pick(3, l.registers.len());
                    match pick(4, 7) {
                        0 => l.rows = value,
                        1 => l.columns = value,
                        2 => l.tile_rows = value,
                        3 => l.tile_columns = value,
                        4 => l.scratch = value,
                        5 => l.registers[register].place = Place::Scratch(value),
                        _ => l.registers[register].extent = Extent::Row,
                    }
                }
            }
        }
        let _ = verify(&copy);
    }
}
