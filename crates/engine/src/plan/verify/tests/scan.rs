//! Loops and their bodies.

use super::{good, refused};
use crate::graph::DType;
use crate::plan::kernel::{Kernel, Scan};

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
