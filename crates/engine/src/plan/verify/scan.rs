//! Loops over steps whose regions are what their bodies, plans of their own, take and give.

use super::verify_steps;
use crate::graph::DType;
use crate::plan::Slot;
use crate::plan::kernel::{Memory, Region, Scan, Step};

/// Whether a loop's regions are what its body, a sound plan, takes and gives step by step.
pub(super) fn scan_sizes(step: &Step, scan: &Scan) -> Result<(), String> {
    let body = &scan.body;
    verify_steps(body).map_err(|what| format!("its body: {what}"))?;
    let carries = scan.carries;
    let varying = carries.checked_add(scan.sequences).ok_or("too many carries and sequences")?;
    let unwritten = body.inputs.iter().all(|slot| !slot.written) && body.states.is_empty();
    let unwritten = unwritten && body.steps.iter().all(|step| step.kept.is_none());
    let kinds = body.inputs.len() > varying
        && body.outputs.len() >= carries
        && step.reads.len() + 1 == body.inputs.len()
        && scan.cut.len() == body.inputs.len()
        && step.writes.len() == body.outputs.len() + 1;
    let index = body.inputs.first().map(|slot| (slot.dtype, slot.shape.checked_elements()));
    if !unwritten || !kinds || index != Some((DType::I64, Some(1))) {
        return Err("its body takes or gives something else".to_string());
    }
    // Each part has its own index, carries and results; what is whole in all of them is only read.
    let cut = |input: usize| scan.parts > 1 && scan.cut[input];
    let apart = (1..=carries).all(|input| cut(input) == (scan.parts > 1)) && !cut(0);
    if scan.parts == 0 || !apart {
        return Err("its parts meet".to_string());
    }
    let fits = |region: &Region, slot: &Slot, times: usize, cut: bool| {
        let elements = slot.shape.checked_elements().and_then(|n| n.checked_mul(times));
        let elements = elements.and_then(|n| n.checked_mul(if cut { scan.parts } else { 1 }));
        (region.dtype, Some(region.elements)) == (slot.dtype, elements)
    };
    let given = step.reads.iter().zip(&body.inputs[1..]).enumerate().all(|(i, (region, slot))| {
        let times = if (carries..varying).contains(&i) { scan.steps } else { 1 };
        fits(region, slot, times, cut(1 + i))
    });
    let results = step.writes.iter().zip(&body.outputs).enumerate().all(|(i, (region, slot))| {
        fits(region, slot, if i < carries { 1 } else { scan.steps }, true)
    });
    let carried = (0..carries).all(|i| {
        let (before, after) = (&body.inputs[1 + i], &body.outputs[i]);
        (before.dtype, &before.shape) == (after.dtype, &after.shape)
    });
    let room = step.writes.last().zip(scan.room()).is_some_and(|(region, room)| {
        (region.dtype, region.elements, region.memory) == (DType::Bool, room.bytes, Memory::Arena)
    });
    // Packed factors follow each other in memory.
    let packed = scan.packed().try_fold(0usize, |end, (step, product)| {
        let fits = scan.can_be_packed(step) && product.packed == Some(end);
        end.checked_add(product.packed_len().filter(|_| fits)?)
    });
    if given && results && carried && room && packed.is_some() {
        Ok(())
    } else {
        Err("its regions do not fit its body".to_string())
    }
}
