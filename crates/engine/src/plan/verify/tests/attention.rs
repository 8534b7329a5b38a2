//! Corrupted attention.

use super::{good, refused};
use crate::plan::kernel::Kernel;

#[test]
fn rows_of_attention_that_leave_their_regions_are_refused() {
    let plan = good();
    let mut tried = 0;
    for step in 0..plan.steps.len() {
        for which in 0..3 {
            for change in [1, 7, usize::MAX / 2] {
                for offset in [false, true] {
                    let mut copy = plan.clone();
                    let Kernel::Attention(a) = &mut copy.steps[step].kernel else { continue };
                    let rows = &mut a.rows[which];
                    let held = if offset { &mut rows.offset } else { &mut rows.stride };
                    // The last part ends where its region does.
                    *held = if offset { 6 * 8 + change } else { *held + change };
                    refused(&copy, &format!("rows {which} of step {step} by {change}"));
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 10, "only {tried}");
}
