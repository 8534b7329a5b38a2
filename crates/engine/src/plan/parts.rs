//! Cutting a loop whose rows do not meet: where every kernel of the body makes equal pieces of its
//! results of the same pieces of what it reads, the loop is run once for each piece, side by side.
//! The workers then never wait for each other, and what one of them has made stays in its caches.

use crate::plan::fuse::{BufferId, Draft, DraftKernel};
use crate::plan::kernel::{Assemble, Extent, Kernel, Part, Product};
use crate::plan::loops::is_flat;
use crate::plan::memory::wiring;

/// Fewer rows of a product than these leave the other factor's way to the core longer than the work.
const PRODUCT_ROWS: usize = 8;
/// Operations of all steps together that are worth a second worker.
const WORTH_PARTS: usize = 1 << 20;

/// A body's kernels for one of several parts.
pub(super) struct Cut {
    pub draft: Draft,
    pub parts: usize,
    /// Whether a part has its own piece of each buffer; the others are whole in every part.
    pub buffers: Vec<bool>,
}

impl Cut {
    /// The draft as it is, in one part.
    pub fn whole(draft: Draft) -> Cut {
        let buffers = vec![false; draft.buffers.len()];
        Cut { draft, parts: 1, buffers }
    }

    /// In as many parts as `threads` allow. `carries` are the buffers of what is carried, `index` is the
    /// step's, and `operations` counts those of all steps.
    pub fn new(
        draft: Draft,
        threads: usize,
        carries: &[BufferId],
        index: Option<BufferId>,
        operations: usize,
    ) -> Cut {
        let most = if operations < WORTH_PARTS { 1 } else { threads };
        let found = (2..=most).rev().find_map(|parts| cut(&draft, parts, carries, index));
        found.unwrap_or_else(|| Cut::whole(draft))
    }
}

/// The draft for one of `parts`, if it can be cut in so many.
fn cut(draft: &Draft, parts: usize, carries: &[BufferId], index: Option<BufferId>) -> Option<Cut> {
    let mut pieces = Pieces { parts, draft, is_cut: vec![None; draft.buffers.len()] };
    for &carry in carries {
        pieces.note(carry, true)?;
    }
    if let Some(index) = index {
        pieces.note(index, false)?;
    }
    let kernels =
        draft.kernels.iter().map(|kernel| pieces.kernel(kernel)).collect::<Option<Vec<_>>>()?;
    for &output in &draft.outputs {
        pieces.note(output, true)?;
    }
    let is_cut: Vec<bool> = pieces.is_cut.iter().map(|cut| *cut == Some(true)).collect();
    let mut buffers = draft.buffers.clone();
    for (buffer, _) in buffers.iter_mut().zip(&is_cut).filter(|(_, cut)| **cut) {
        buffer.elements = pieces.piece(buffer.elements)?;
    }
    let (of, outputs) = (draft.of.clone(), draft.outputs.clone());
    let (updates, together) = (Vec::new(), Vec::new());
    let draft = Draft { kernels, buffers, of, outputs, updates, together };
    Some(Cut { draft, parts, buffers: is_cut })
}

/// What is known of the buffers while kernels are cut one after the other.
struct Pieces<'a> {
    parts: usize,
    draft: &'a Draft,
    is_cut: Vec<Option<bool>>,
}

impl Pieces<'_> {
    fn piece(&self, size: usize) -> Option<usize> {
        size.is_multiple_of(self.parts).then(|| size / self.parts)
    }

    /// Takes a buffer as cut or whole; `None` where it was taken otherwise.
    fn note(&mut self, buffer: BufferId, cut: bool) -> Option<()> {
        let known = *self.is_cut[buffer].get_or_insert(cut);
        (known == cut).then_some(())
    }

    /// One part of a kernel.
    fn kernel(&mut self, kernel: &DraftKernel) -> Option<DraftKernel> {
        let wiring = wiring(kernel, &self.draft.of);
        for &(write, _) in &wiring.writes {
            self.note(write, true)?;
        }
        let mut kernel = kernel.clone();
        match &mut kernel {
            DraftKernel::Loop { rows, columns, members, product } => {
                let factors = product.iter().flat_map(|product| product.factors);
                let factors: Vec<BufferId> = factors.collect();
                for &(read, extent) in wiring.reads.iter().skip(factors.len()) {
                    let cut = match extent {
                        Extent::Full | Extent::Row | Extent::Part { .. } => true,
                        Extent::Column | Extent::Scalar => false,
                        Extent::Blocks | Extent::Groups(_) => return None,
                    };
                    self.note(read, cut)?;
                }
                let together = |e: Extent| matches!(e, Extent::Blocks | Extent::Groups(_));
                if members.iter().any(|member| together(member.extent)) {
                    return None;
                }
                if let Some(made) = product {
                    let Kernel::Matmul(product) = &made.kernel else { return None };
                    made.kernel = Kernel::Matmul(self.product(product, &factors)?);
                    *rows = made.kernel.space()?.0;
                } else if let Some(piece) = self.piece(*rows) {
                    *rows = piece;
                } else {
                    is_flat(members).then_some(())?;
                    (*rows, *columns) = (1, self.piece(rows.checked_mul(*columns)?)?);
                }
            }
            DraftKernel::Other { kernel, reads, writes, .. } => match kernel {
                Kernel::Matmul(product) => *product = self.product(product, reads)?,
                Kernel::Assemble(assemble) => *assemble = self.assemble(assemble, reads, writes)?,
                Kernel::Reduce { outer, .. } => {
                    *outer = self.piece(*outer)?;
                    self.note(reads[0], true)?;
                }
                Kernel::Gather { numbers, .. } => {
                    *numbers = self.piece(*numbers)?;
                    self.note(reads[0], false)?;
                    self.note(reads[1], true)?;
                }
                _ => return None,
            },
        }
        Some(kernel)
    }

    /// Some rows of a product with a factor that all parts have, or some products of a batch.
    fn product(&mut self, product: &Product, factors: &[BufferId]) -> Option<Product> {
        let mut cut = product.clone();
        if product.batch > 1 {
            cut.batch = self.piece(product.batch)?;
        } else {
            cut.m = self.piece(product.m).filter(|&m| m >= PRODUCT_ROWS)?;
            (!product.transpose_left).then_some(())?;
        }
        self.note(factors[0], true)?;
        self.note(factors[1], product.batch > 1)?;
        Some(cut)
    }

    /// Copies that go from a piece to the same piece along their first axis.
    fn assemble(
        &mut self,
        assemble: &Assemble,
        reads: &[BufferId],
        writes: &[BufferId],
    ) -> Option<Assemble> {
        let mut cut = assemble.clone();
        for (part, &read) in cut.parts.iter_mut().zip(reads) {
            let axis = part.sizes.iter().position(|&size| size != 1)?;
            // The pieces of an array lie one after the other, each of whole steps along the axis.
            let in_pieces = |start: usize, strides: &[usize], elements: usize| {
                let along = part.sizes[axis].checked_mul(strides[axis])?;
                let last = |part: &Part| {
                    let others = (axis + 1..part.sizes.len()).try_fold(start, |at, i| {
                        part.sizes[i].checked_sub(1)?.checked_mul(strides[i])?.checked_add(at)
                    });
                    others.filter(|&last| last < strides[axis])
                };
                (along == elements && last(part).is_some()).then_some(())
            };
            in_pieces(part.from, &part.read_strides, self.draft.buffers[read].elements)?;
            in_pieces(part.to, &part.write_strides, self.draft.buffers[writes[0]].elements)?;
            part.sizes[axis] = self.piece(part.sizes[axis])?;
            self.note(read, true)?;
        }
        Some(cut)
    }
}
