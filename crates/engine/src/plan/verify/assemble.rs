//! Moves that stay within their regions and fill their result.

use crate::plan::kernel::{Assemble, Part, Step};

/// Whether a move's parts fit what it reads and fill what it writes.
pub(super) fn assemble_sizes(step: &Step, a: &Assemble) -> Result<(), String> {
    let [write] = step.writes[..] else { return Err("not one result".to_string()) };
    if a.parts.len() != step.reads.len() {
        return Err("parts and reads differ in number".to_string());
    }
    let last = |part: &Part, start: usize, strides: &[usize]| {
        part.sizes.iter().zip(strides).try_fold(start, |at, (&size, &stride)| {
            size.checked_sub(1)?.checked_mul(stride)?.checked_add(at)
        })
    };
    for (part, read) in a.parts.iter().zip(&step.reads) {
        let ranks = [part.sizes.len(), part.read_strides.len(), part.write_strides.len()];
        if ranks[0] != ranks[1] || ranks[0] != ranks[2] || read.dtype != write.dtype {
            return Err("a part does not fit".to_string());
        }
        if part.sizes.contains(&0) {
            continue;
        }
        let fine = last(part, part.from, &part.read_strides).is_some_and(|l| l < read.elements)
            && last(part, part.to, &part.write_strides).is_some_and(|l| l < write.elements);
        if !fine {
            return Err("a part leaves its region".to_string());
        }
    }
    let rank = a.parts.first().map_or(0, |part| part.sizes.len());
    if a.zero || write.elements == 0 || (0..rank.max(1)).any(|axis| covers(a, axis, write.elements))
    {
        Ok(())
    } else {
        Err("the parts do not fill the result".to_string())
    }
}

/// Whether the parts fill a result of `elements`, one after another along `axis`.
fn covers(a: &Assemble, axis: usize, elements: usize) -> bool {
    let Some(first) = a.parts.first() else { return false };
    let mut whole = first.sizes.clone();
    let mut end = 0usize;
    for part in &a.parts {
        let stride = part.write_strides.get(axis).copied().unwrap_or(0);
        let alike = part.write_strides == first.write_strides
            && part.sizes.len() == whole.len()
            && (0..whole.len()).all(|i| i == axis || part.sizes[i] == first.sizes[i]);
        if !alike || part.to != end.saturating_mul(stride) {
            return false;
        }
        end = end.saturating_add(part.sizes.get(axis).copied().unwrap_or(0));
    }
    if let Some(size) = whole.get_mut(axis) {
        *size = end;
    }
    let whole = crate::Shape::from(whole);
    whole.checked_elements() == Some(elements) && whole.strides() == first.write_strides
}
