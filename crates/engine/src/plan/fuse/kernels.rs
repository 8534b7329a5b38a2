//! Nodes that are kernels of their own.

use super::{Buffer, DraftKernel, Fuser};
use crate::graph::{DType, Shape, Value};
use crate::op::{Convolved, Op, Stencil, attention};
use crate::plan::kernel::{Assemble, Attention, Kernel, Part, Product, Rows, Sort};

/// Below so many elements a sort is not shared out.
const SORT_ALONE: usize = 8192;
/// Most workers that a sort is shared out to.
const SORT_PARTS: usize = 16;

/// A convolution's kernel; where each pixel is by itself, a product of matrices.
pub(super) fn convolution_kernel(gives: Convolved, stencil: Stencil) -> Kernel {
    if !stencil.is_pointwise() {
        return Kernel::Convolution { gives, stencil, then: None };
    }
    let [height, width] = stencil.sliding;
    let pixels = stencil.batch * height.input * width.input;
    let (channels, features) = (stencil.channels, stencil.features);
    let (m, n, k) = match gives {
        Convolved::Output => (pixels, features, channels),
        Convolved::Input => (pixels, channels, features),
        Convolved::Filter => (channels, features, pixels),
    };
    let transpose_left = gives == Convolved::Filter;
    let transpose_right = gives == Convolved::Input;
    Kernel::Matmul(Product {
        batch: 1,
        m,
        n,
        k,
        transpose_left,
        transpose_right,
        then: None,
        packed: None,
    })
}

impl Fuser<'_> {
    /// Attention, or its derivative; queries, keys and values are read where they lie.
    pub(super) fn attention(&mut self, index: usize, choices: &crate::op::Attention, back: bool) {
        let args = self.program.nodes[index].args.clone();
        let mask = args.get(if back { 6 } else { 3 }).map(|&mask| self.shape(mask));
        let shapes = [0, 1, 2].map(|i| self.shape(args[i]));
        let heads = attention::sizes(choices, shapes, mask);
        let mut reads = Vec::new();
        let mut rows = [Rows { offset: 0, stride: 0 }; 3];
        for (rows, &arg) in rows.iter_mut().zip(&args) {
            let (from, found) = self.rows_of(arg);
            reads.push(self.materialise(from));
            *rows = found;
        }
        reads.extend(args[3..].iter().map(|&arg| self.materialise(arg)));
        self.emit(Kernel::Attention(Attention { heads, rows, back }), reads, index);
    }

    /// Where the rows of a value lie: within those of what they are a part of, unless that is no more.
    fn rows_of(&self, value: Value) -> (Value, Rows) {
        let last = |value: Value| self.sizes(value).last().copied().unwrap_or(1);
        match (&self.program.node(value).op, self.attended.contains(&value)) {
            (Op::Slice { start, .. }, true) => {
                let from = self.program.node(value).args[0];
                (from, Rows { offset: start.last().copied().unwrap_or(0), stride: last(from) })
            }
            _ => (value, Rows { offset: 0, stride: last(value) }),
        }
    }

    /// Strided copies for a node that moves elements.
    pub(super) fn assemble(&mut self, index: usize) {
        let node = &self.program.nodes[index];
        let out = node.outputs[0].shape.clone();
        let out_strides = out.strides();
        let source = |i: usize| {
            let output = &self.program.node(node.args[i]).outputs[usize::from(node.args[i].output)];
            (output.shape.sizes().to_vec(), output.shape.strides())
        };
        let whole = |read_strides: Vec<usize>, from: usize| Part {
            sizes: out.sizes().to_vec(),
            from,
            read_strides,
            to: 0,
            write_strides: out_strides.clone(),
        };
        // Saturating: only an axis of size 1 or an empty part can have a step or start so large, and
        // there it is not used.
        let products = |a: &[usize], b: &[usize]| -> Vec<usize> {
            a.iter().zip(b).map(|(&a, &b)| a.saturating_mul(b)).collect()
        };
        let dot = |a: &[usize], b: &[usize]| {
            products(a, b).into_iter().fold(0, |sum: usize, n| sum.saturating_add(n))
        };
        let times = products;
        let mut zero = false;
        let parts = match &node.op {
            Op::Broadcast => {
                let (sizes, strides) = source(0);
                let offset = out.rank() - sizes.len();
                let mut read = vec![0; out.rank()];
                for axis in (0..sizes.len()).filter(|&axis| sizes[axis] != 1) {
                    read[offset + axis] = strides[axis];
                }
                vec![whole(read, 0)]
            }
            Op::Permute { order } => {
                let (_, strides) = source(0);
                vec![whole(order.iter().map(|&axis| strides[axis]).collect(), 0)]
            }
            Op::Slice { start, step } => {
                let (_, strides) = source(0);
                vec![whole(times(step, &strides), dot(start, &strides))]
            }
            Op::Embed { start, step } => {
                zero = true;
                let (sizes, strides) = source(0);
                let to = dot(start, &out_strides);
                let write_strides = times(step, &out_strides);
                vec![Part { sizes, from: 0, read_strides: strides, to, write_strides }]
            }
            Op::Concatenate { axis } => {
                let mut at = 0;
                (0..node.args.len())
                    .map(|i| {
                        let (sizes, strides) = source(i);
                        let to = at * out_strides[*axis];
                        at += sizes[*axis];
                        let write_strides = out_strides.clone();
                        Part { sizes, from: 0, read_strides: strides, to, write_strides }
                    })
                    .collect()
            }
            _ => vec![whole(out_strides.clone(), 0)],
        };
        let args = node.args.clone();
        let reads = args.into_iter().map(|arg| self.materialise(arg)).collect();
        self.emit(Kernel::Assemble(Assemble { zero, parts }), reads, index);
    }

    /// A reduction over axes that are not neighbours: they are brought to the end first.
    pub(super) fn reduce_scattered(&mut self, index: usize, axes: &[usize], sizes: &[usize]) {
        let node = &self.program.nodes[index];
        let Op::Reduce { reduction, .. } = node.op else { return };
        let kept = (0..sizes.len()).filter(|axis| !axes.contains(axis));
        let order: Vec<usize> = kept.chain(axes.iter().copied()).collect();
        let moved: Vec<usize> = order.iter().map(|&axis| sizes[axis]).collect();
        let strides = Shape::new(sizes).strides();
        let part = Part {
            write_strides: Shape::new(&moved).strides(),
            sizes: moved,
            from: 0,
            read_strides: order.iter().map(|&axis| strides[axis]).collect(),
            to: 0,
        };
        let from = self.materialise(node.args[0]);
        let (elements, dtype) =
            (self.program.elements(node.args[0]), self.program.dtype(node.args[0]));
        self.buffers.push(Buffer { value: Value::first(index), elements, dtype });
        let between = self.buffers.len() - 1;
        self.kernels.push(DraftKernel::Other {
            kernel: Kernel::Assemble(Assemble { zero: false, parts: vec![part] }),
            reads: vec![from],
            writes: vec![between],
            node: index as u32,
        });
        let reduced = axes.iter().map(|&axis| sizes[axis]).product();
        let outer = node.outputs[0].shape.elements();
        self.emit(Kernel::Reduce { reduction, outer, reduced, inner: 1 }, vec![between], index);
    }

    pub(super) fn sort(
        &mut self,
        index: usize,
        [outer, size, inner]: [usize; 3],
        descending: bool,
        count: usize,
    ) {
        let from = self.materialise(self.program.nodes[index].args[0]);
        let columns = outer * inner;
        let parts = if columns * size < SORT_ALONE { 1 } else { SORT_PARTS }.min(columns);
        let kernel = Kernel::Sort(Sort { outer, size, inner, count, descending, parts });
        self.emit(kernel, vec![from], index);
        let elements = parts * size * Sort::words(self.buffers[from].dtype);
        self.buffers.push(Buffer { value: Value::first(index), elements, dtype: DType::I64 });
        let room = self.buffers.len() - 1;
        if let Some(DraftKernel::Other { writes, .. }) = self.kernels.last_mut() {
            writes.push(room);
        }
    }

    pub(super) fn matmul(&mut self, index: usize) {
        let node = &self.program.nodes[index];
        let sizes = self.sizes(node.args[0]);
        let rank = sizes.len();
        let (m, k) = (sizes[rank - 2], sizes[rank - 1]);
        let batch = sizes[..rank - 2].iter().product();
        let n = self.sizes(node.args[1])[rank - 1];
        let (left, transpose_left) = self.untransposed(node.args[0]);
        let (right, transpose_right) = self.untransposed(node.args[1]);
        let reads = vec![self.materialise(left), self.materialise(right)];
        let product =
            Product { batch, m, n, k, transpose_left, transpose_right, then: None, packed: None };
        self.emit(Kernel::Matmul(product), reads, index);
    }

    /// The matrix before its last two axes were exchanged, if that is all that happened to it.
    fn untransposed(&self, value: Value) -> (Value, bool) {
        let node = self.program.node(value);
        let Op::Permute { order } = &node.op else { return (value, false) };
        let rank = order.len();
        let exchanged = order[rank - 2..] == [rank - 1, rank - 2]
            && order[..rank - 2].iter().enumerate().all(|(i, &axis)| i == axis);
        if exchanged { (node.args[0], true) } else { (value, false) }
    }
}
