//! The primitives: few of them, each with its shape rule, its derivative rule and its words.
//!
//! One file a family. Composites (softmax, losses, layers) are ordinary functions elsewhere.

pub(crate) mod attention;
mod composite;
pub(crate) mod convolution;
mod cumulative;
mod index;
mod matmul;
mod movement;
mod order;
pub(crate) mod pointwise;
pub(crate) mod pool;
mod random;
mod reduce;
pub(crate) mod scan;
pub(crate) mod stencil;
mod window;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::graph::{DType, Node, Output, Shape, Tensor};

pub use attention::Attention;
pub(crate) use attention::Heads;
pub use convolution::{Convolution, Convolved};
pub use pointwise::{Binary, Compare, Logic, Unary};
pub use pool::Pooling;
pub use random::Distribution;
pub use reduce::Reduction;
pub use scan::{Bundle, Steps};
pub(crate) use stencil::{Sliding, Stencil};
pub(crate) use window::Window;

/// What a node computes. A closed list: an exhaustive `match` names whatever is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Op {
    /// A value given at every run.
    Input {
        /// By which it is given.
        name: String,
    },
    /// The value that a parameter or state has when the run starts.
    State {
        /// Its path.
        path: String,
    },
    /// A number, everywhere the same.
    Constant(#[serde(with = "number")] f64),
    /// Each element's index along an axis.
    Iota {
        /// The axis.
        axis: usize,
    },
    /// Random numbers; arguments: seed, step and, inside loops, their indices (i64 scalars).
    Random {
        /// Which numbers.
        distribution: Distribution,
        /// Hash of the scope's path.
        path: u64,
        /// Which draw within the graph.
        draw: u32,
    },
    /// A function of one number, for each element.
    Unary(Unary),
    /// A function of two numbers, for each element.
    Binary(Binary),
    /// Compares two numbers, for each element; gives booleans.
    Compare(Compare),
    /// Combines two booleans, for each element.
    Logic(Logic),
    /// Where the first argument is true the second, elsewhere the third.
    Select,
    /// The same numbers in another element type.
    Cast(DType),
    /// Combines all elements along some axes, which stay with size 1.
    Reduce {
        /// How.
        reduction: Reduction,
        /// Along which axes, ascending.
        axes: Vec<usize>,
    },
    /// The largest element along an axis and its index (the first, where several are largest);
    /// the axis stays with size 1.
    MaxIndex {
        /// The axis.
        axis: usize,
    },
    /// The first `count` elements along an axis in order, and their indices. Stable; NaN counts as
    /// the largest number.
    Sort {
        /// The axis.
        axis: usize,
        /// Whether the largest comes first.
        descending: bool,
        /// How many are kept.
        count: usize,
    },
    /// For each element the sum of those along an axis up to and with it.
    CumulativeSum {
        /// The axis.
        axis: usize,
        /// Whether the sums begin at the end.
        reverse: bool,
    },
    /// The same elements, row-major, under another shape.
    Reshape,
    /// Repeats along new axes and axes of size 1, aligned at the last axis.
    Broadcast,
    /// Axes in another order: output axis `i` is input axis `order[i]`.
    Permute {
        /// The order.
        order: Vec<usize>,
    },
    /// A part: from `start`, every `step`-th, per axis.
    Slice {
        /// First index, per axis.
        start: Vec<usize>,
        /// Distance, per axis, at least 1.
        step: Vec<usize>,
    },
    /// The argument laid into zeros: at `start`, every `step`-th, per axis. Undoes `Slice`.
    Embed {
        /// First index, per axis.
        start: Vec<usize>,
        /// Distance, per axis, at least 1.
        step: Vec<usize>,
    },
    /// Arguments one after another along an axis.
    Concatenate {
        /// The axis.
        axis: usize,
    },
    /// The elements along an axis from a position on, an i64 scalar: the second argument.
    SliceAt {
        /// The axis.
        axis: usize,
        /// How many.
        size: usize,
    },
    /// The first argument with the second written over it along an axis from a position on, an i64
    /// scalar: the third.
    UpdateSlice {
        /// The axis.
        axis: usize,
    },
    /// Matrix product of the last two axes; leading axes are a batch.
    Matmul,
    /// Means of values by how well queries and keys agree, and for each query and head the logarithm of
    /// the sum of its powers. Arguments: queries, keys, values and, where there is one, a mask.
    Attention {
        /// How queries look at keys.
        choices: Attention,
    },
    /// The derivatives of attention with respect to queries, keys and values. Arguments: these, what
    /// attention gave, the adjoint of its first output and, where there is one, the mask.
    AttentionGradient {
        /// How queries look at keys.
        choices: Attention,
    },
    /// A convolution of images, or its derivative: one of input, filter and output from the two others.
    Convolution {
        /// Which.
        gives: Convolved,
        /// How the filter goes over the images.
        choices: Convolution,
    },
    /// The largest of each window of images, and the number of its element.
    MaxPool {
        /// The windows.
        choices: Pooling,
    },
    /// Rows of a table `[rows, …]` by number: `[n…]` → `[n…, …]`.
    Gather,
    /// Adds values `[n…, …]` into rows of zeros by number, in order: undoes `Gather`.
    ScatterAdd {
        /// The number of rows.
        rows: usize,
    },
    /// The first argument, a table `[rows, …]`, with the second, values `[n…, …]`, written over its
    /// rows by number, the third, in order: of several for one row the last stays.
    Scatter,
    /// The same value; no derivative flows.
    Detach,
    /// The index of a loop's step: 0, 1 … or back. What depends on it is repeated. Argument: the
    /// index of the loop around it, if there is one.
    Time {
        /// The number of steps.
        steps: usize,
        /// Whether the last index comes first.
        reverse: bool,
    },
    /// What a loop carries from step to step; arguments: the loop's index, the first value.
    Carry {
        /// Which of the loop's carries.
        slot: u32,
    },
    /// A sequence's row at a loop's index; arguments: the index, the sequence.
    Each,
    /// Runs a loop. Arguments: its index, what it carries before a step, the same after it, what it
    /// gives out at each step. Gives the carries after the last step and, along a new first axis,
    /// everything given out.
    Scan {
        /// The number of steps.
        steps: usize,
        /// How many values are carried.
        carries: usize,
    },
}

/// Numbers as JSON, infinities and NaN included.
pub(crate) mod number {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Number {
        Finite(f64),
        Other(String),
    }

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        let number = match value.is_finite() {
            true => Number::Finite(*value),
            false => Number::Other(value.to_string()),
        };
        number.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Number::deserialize(deserializer)? {
            Number::Finite(value) => Ok(value),
            Number::Other(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

/// What is wrong with an operation's arguments.
pub(crate) struct Mistake {
    pub kind: &'static str,
    pub what: String,
    /// What the arguments are called in the message.
    pub roles: &'static [&'static str],
}

/// What an operation gives; where its arguments are wrong, the best guess beside the mistake.
pub(crate) struct Inferred {
    pub outputs: Vec<Output>,
    pub mistake: Option<Mistake>,
}

impl Inferred {
    fn fine(output: Output) -> Self {
        Inferred { outputs: vec![output], mistake: None }
    }

    /// `wrong` is reported unless it is empty.
    fn unless(
        output: Output,
        kind: &'static str,
        wrong: Option<String>,
        roles: &'static [&'static str],
    ) -> Self {
        let mistake = wrong.map(|what| Mistake { kind, what, roles });
        Inferred { outputs: vec![output], mistake }
    }

    /// The same with one more output.
    fn with(mut self, output: Output) -> Self {
        self.outputs.push(output);
        self
    }

    /// After a wrong shape, nothing is known of the outputs' sizes.
    fn guessing(mut self) -> Self {
        if self.mistake.as_ref().is_some_and(|m| m.kind == "shape") {
            self.outputs.iter_mut().for_each(|output| output.assumed = u64::MAX);
        }
        self
    }
}

impl Op {
    /// The shape rule: what the op gives for these arguments. `wanted` is the output that the
    /// recorder asks for, where the op leaves it open (sources, reshape, broadcast, embed).
    pub(crate) fn infer(&self, args: &[&Output], wanted: Option<&Output>) -> Inferred {
        match self {
            Op::Input { .. } | Op::State { .. } | Op::Constant(_) | Op::Iota { .. } => {
                let scalar = Output::new(DType::F32, Shape::scalar());
                let output = wanted.cloned().unwrap_or(scalar);
                let wrong = match self {
                    Op::Constant(_) if output.shape.rank() != 0 => Some("not a scalar".into()),
                    Op::Constant(value) if !output.dtype.holds(*value) => {
                        Some(format!("{value} is no {}", output.dtype))
                    }
                    Op::Iota { axis } if *axis >= output.shape.rank() => {
                        Some(format!("{} has no axis {axis}", output.shape))
                    }
                    Op::Iota { .. } if output.dtype != DType::I64 => Some("not i64".into()),
                    _ => None,
                };
                Inferred::unless(output, "shape", wrong, &[])
            }
            Op::Random { .. } => random::infer(args, wanted),
            Op::Unary(op) => pointwise::infer_unary(*op, args[0]),
            Op::Binary(op) => pointwise::infer_binary(*op, args[0], args[1]),
            Op::Compare(_) => pointwise::infer_compare(args[0], args[1]),
            Op::Logic(_) => pointwise::infer_logic(args[0], args[1]),
            Op::Select => pointwise::infer_select(args[0], args[1], args[2]),
            Op::Cast(dtype) => Inferred::fine(Output { dtype: *dtype, ..args[0].clone() }),
            Op::Reduce { reduction, axes } => reduce::infer(*reduction, axes, args[0]),
            Op::MaxIndex { axis } => reduce::infer_max_index(*axis, args[0]),
            Op::Sort { axis, count, .. } => order::infer_sort(*axis, *count, args[0]),
            Op::CumulativeSum { axis, .. } => cumulative::infer(*axis, args[0]),
            Op::Reshape => movement::infer_reshape(args[0], wanted),
            Op::Broadcast => movement::infer_broadcast(args[0], wanted),
            Op::Permute { order } => movement::infer_permute(order, args[0]),
            Op::Slice { start, step } => movement::infer_slice(start, step, args[0], wanted),
            Op::Embed { start, step } => movement::infer_embed(start, step, args[0], wanted),
            Op::Concatenate { axis } => movement::infer_concatenate(*axis, args),
            Op::SliceAt { axis, size } => window::infer_slice_at(*axis, *size, args[0], args[1]),
            Op::UpdateSlice { axis } => {
                window::infer_update_slice(*axis, args[0], args[1], args[2])
            }
            Op::Matmul => matmul::infer(args[0], args[1]),
            Op::Attention { choices } => attention::infer(choices, args),
            Op::AttentionGradient { choices } => attention::infer_gradient(choices, args),
            Op::Convolution { gives, choices } => {
                convolution::infer(*gives, choices, args[0], args[1], wanted)
            }
            Op::MaxPool { choices } => pool::infer_max(choices, args[0]),
            Op::Gather => index::infer_gather(args[0], args[1]),
            Op::ScatterAdd { rows } => index::infer_scatter_add(*rows, args[0], args[1]),
            Op::Scatter => index::infer_scatter(args[0], args[1], args[2]),
            Op::Detach => Inferred::fine(args[0].clone()),
            Op::Time { .. } => Inferred::fine(Output::new(DType::I64, Shape::scalar())),
            Op::Carry { .. } => Inferred::fine(args[1].clone()),
            Op::Each => scan::infer_each(args[1]),
            Op::Scan { steps, carries } => scan::infer(*steps, *carries, args),
        }
    }

    /// The derivative rule: for each argument its share of the adjoint, given the adjoints of the
    /// outputs (`None` where nothing flows).
    pub(crate) fn derivative<'g>(
        &self,
        upstream: &[Option<Tensor<'g>>],
        args: &[Tensor<'g>],
        outputs: &[Tensor<'g>],
    ) -> Vec<Option<Tensor<'g>>> {
        if let Op::AttentionGradient { choices } = self {
            return attention::derive_gradient(*choices, upstream, args);
        }
        // Of `Attention`, `MaxIndex`, `MaxPool` and `Sort`, which have several outputs, only the first is differentiable.
        let Some(up) = upstream[0] else { return vec![None; args.len()] };
        match self {
            Op::Input { .. }
            | Op::State { .. }
            | Op::Constant(_)
            | Op::Iota { .. }
            | Op::Random { .. }
            | Op::Compare(_)
            | Op::Logic(_)
            | Op::Detach
            | Op::AttentionGradient { .. }
            // A loop is differentiated as a whole: `op::scan`.
            | Op::Time { .. }
            | Op::Carry { .. }
            | Op::Each
            | Op::Scan { .. } => vec![None; args.len()],
            Op::Unary(op) => vec![Some(op.derivative(up, args[0], outputs[0]))],
            Op::Binary(op) => op.derivative(up, args[0], args[1], outputs[0]),
            Op::Select => pointwise::derive_select(up, args[0]),
            Op::Cast(_) => vec![args[0].dtype().is_float().then(|| up.cast(args[0].dtype()))],
            Op::Reduce { reduction, axes } => {
                reduce::derive(*reduction, axes, up, args[0], outputs[0])
            }
            Op::MaxIndex { axis } => reduce::derive_max_index(*axis, up, args[0], outputs[1]),
            Op::Sort { axis, .. } => order::derive_sort(*axis, up, args[0], outputs[1]),
            Op::CumulativeSum { axis, reverse } => {
                vec![Some(cumulative::derive(*axis, *reverse, up))]
            }
            Op::Reshape => vec![Some(up.reshape(args[0].shape()))],
            Op::Broadcast => vec![Some(up.sum_to(args[0].shape()))],
            Op::Permute { order } => vec![Some(movement::derive_permute(order, up))],
            Op::Slice { start, step } => {
                vec![Some(up.embed(start, step, args[0].shape()))]
            }
            Op::Embed { start, step } => {
                vec![Some(up.slice_to(start, step, args[0].shape()))]
            }
            Op::Concatenate { axis } => movement::derive_concatenate(*axis, up, args),
            Op::SliceAt { axis, .. } => window::derive_slice_at(*axis, up, args[0], args[1]),
            Op::UpdateSlice { axis } => window::derive_update_slice(*axis, up, args[1], args[2]),
            Op::Matmul => matmul::derive(up, args[0], args[1]),
            Op::Attention { choices } => attention::derive(*choices, up, args, outputs),
            Op::Convolution { gives, choices } => convolution::derive(*gives, *choices, up, args),
            Op::MaxPool { .. } => pool::derive_max(up, args[0], outputs[1]),
            Op::Gather => vec![Some(up.scatter_add(args[1], args[0].dim(0))), None],
            Op::ScatterAdd { .. } => vec![Some(up.gather(args[1])), None],
            Op::Scatter => index::derive_scatter(up, args),
        }
    }

    /// The number of arguments; `given` for ops that take any number.
    pub(crate) fn arity(&self, given: usize) -> usize {
        match self {
            Op::Input { .. } | Op::State { .. } | Op::Constant(_) | Op::Iota { .. } => 0,
            Op::Unary(_)
            | Op::Cast(_)
            | Op::Reduce { .. }
            | Op::MaxIndex { .. }
            | Op::Sort { .. }
            | Op::CumulativeSum { .. }
            | Op::Reshape
            | Op::Broadcast
            | Op::Permute { .. }
            | Op::Slice { .. }
            | Op::Embed { .. }
            | Op::MaxPool { .. }
            | Op::Detach => 1,
            Op::Binary(_)
            | Op::Compare(_)
            | Op::Logic(_)
            | Op::SliceAt { .. }
            | Op::Matmul
            | Op::Convolution { .. }
            | Op::Gather
            | Op::ScatterAdd { .. }
            | Op::Carry { .. }
            | Op::Each => 2,
            Op::Select | Op::UpdateSlice { .. } | Op::Scatter => 3,
            Op::Attention { .. } => given.clamp(3, 4),
            Op::AttentionGradient { .. } => given.clamp(6, 7),
            Op::Random { .. } => given.max(2),
            Op::Time { .. } => given.min(1),
            Op::Scan { carries, .. } => given.max(carries.saturating_mul(2).saturating_add(1)),
            Op::Concatenate { .. } => given.max(1),
        }
    }

    /// The op's name, as errors and printed graphs give it.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input { .. } => "input",
            Op::State { .. } => "state",
            Op::Constant(_) => "constant",
            Op::Iota { .. } => "iota",
            Op::Random { .. } => "random",
            Op::Unary(op) => op.name(),
            Op::Binary(op) => op.name(),
            Op::Compare(op) => op.name(),
            Op::Logic(op) => op.name(),
            Op::Select => "select",
            Op::Cast(_) => "cast",
            Op::Reduce { reduction, .. } => reduction.name(),
            Op::MaxIndex { .. } => "max_with_index",
            Op::Sort { descending: false, .. } => "sort",
            Op::Sort { descending: true, .. } => "top_k",
            Op::CumulativeSum { .. } => "cumulative_sum",
            Op::Reshape => "reshape",
            Op::Broadcast => "broadcast",
            Op::Permute { .. } => "permute",
            Op::Slice { .. } => "slice",
            Op::Embed { .. } => "embed",
            Op::Concatenate { .. } => "concatenate",
            Op::SliceAt { .. } => "slice_at",
            Op::UpdateSlice { .. } => "update_slice",
            Op::Matmul => "matmul",
            Op::Attention { .. } => "attention",
            Op::AttentionGradient { .. } => "attention_gradient",
            Op::Convolution { gives, .. } => gives.name(),
            Op::MaxPool { .. } => "max_pool2d",
            Op::Gather => "gather",
            Op::ScatterAdd { .. } => "scatter_add",
            Op::Scatter => "scatter",
            Op::Detach => "detach",
            Op::Time { .. } => "time",
            Op::Carry { .. } => "carry",
            Op::Each => "each",
            Op::Scan { .. } => "scan",
        }
    }

    /// The local derivative with respect to `argument`, in words: what the upstream gradient is
    /// multiplied by. `x` is the argument, `y` the result.
    pub fn local_in_words(&self, argument: usize) -> &'static str {
        match (self, argument) {
            (Op::Unary(op), _) => op.local_in_words(),
            (Op::Binary(op), argument) => op.local_in_words(argument),
            (Op::Matmul, 0) => "· rightᵀ",
            (Op::Matmul, _) => "leftᵀ ·",
            (Op::Select, 1) => "1 where chosen, else 0",
            (Op::Select, _) => "0 where chosen, else 1",
            (Op::Reduce { reduction, .. }, _) => reduction.local_in_words(),
            (Op::Convolution { gives, .. }, argument) => gives.local_in_words(argument),
            (Op::Attention { .. }, 2) => "the shares",
            (Op::Attention { .. }, _) => "the shares times how far its values lie from their mean",
            (Op::MaxIndex { .. } | Op::MaxPool { .. }, _) => "1 for the largest, else 0",
            (Op::Sort { .. }, _) => "1 for where it went, else 0",
            (Op::CumulativeSum { .. }, _) => "1 for each sum that it is in, else 0",
            (Op::SliceAt { .. }, _) => "1 within the window, else 0",
            (Op::UpdateSlice { .. }, 0) => "1 outside the window, else 0",
            (Op::Gather, 0) => "1 for the chosen rows",
            (Op::Scatter, 0) => "0 for the rows written over, else 1",
            (Op::Scatter, 1) => "1 where it stayed, else 0",
            _ => "1",
        }
    }

    /// How many multiply-adds (of other ops: results) computing a result of this shape takes.
    pub fn work(&self, args: &[Shape], result: &Shape) -> usize {
        match (self, args) {
            (Op::Matmul, [left, _]) => {
                let depth = left.sizes().last().copied().unwrap_or(1);
                depth.saturating_mul(result.elements())
            }
            (Op::Convolution { gives, choices }, [a, b]) => {
                convolution::stencil(*gives, choices, [a, b], result).products()
            }
            (Op::Attention { choices }, [q, k, v, ..]) => {
                attention::sizes(choices, [q, k, v], None).multiply_adds(false)
            }
            (Op::AttentionGradient { choices }, [q, k, v, ..]) => {
                attention::sizes(choices, [q, k, v], None).multiply_adds(true)
            }
            (Op::MaxPool { choices }, [x]) => pool::stencil(choices, x, result).products(),
            _ => result.elements(),
        }
    }

    /// Whether the op is linear in `argument` while the others stay as they are, so that its local
    /// derivative is the op itself.
    pub(crate) fn is_linear_in(&self, argument: usize) -> bool {
        match self {
            Op::Reduce { reduction, .. } => *reduction == Reduction::Sum,
            Op::Cast(dtype) => dtype.is_float(),
            Op::Reshape
            | Op::Broadcast
            | Op::Permute { .. }
            | Op::Slice { .. }
            | Op::Embed { .. }
            | Op::Concatenate { .. }
            | Op::CumulativeSum { .. }
            | Op::Matmul
            | Op::Convolution { .. } => true,
            Op::UpdateSlice { .. } | Op::Scatter => argument < 2,
            Op::Gather | Op::ScatterAdd { .. } | Op::SliceAt { .. } => argument == 0,
            _ => false,
        }
    }

    pub(crate) fn is_input_named(&self, wanted: &str) -> bool {
        matches!(self, Op::Input { name } if name == wanted)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Op::Cast(dtype) => write!(f, " {dtype}"),
            Op::Reduce { axes, .. } => write!(f, " {axes:?}"),
            Op::MaxIndex { axis }
            | Op::Iota { axis }
            | Op::Concatenate { axis }
            | Op::UpdateSlice { axis } => write!(f, " axis {axis}"),
            Op::Sort { axis, count, .. } => write!(f, " {count} axis {axis}"),
            Op::CumulativeSum { axis, reverse } => {
                write!(f, " axis {axis}{}", if *reverse { " from the end" } else { "" })
            }
            Op::SliceAt { axis, size } => write!(f, " {size} axis {axis}"),
            Op::Convolution { choices, .. } => {
                let Convolution { stride, padding, dilation, groups } = choices;
                write!(f, " stride {stride:?} padding {padding:?}")?;
                if *dilation != [1, 1] {
                    write!(f, " dilation {dilation:?}")?;
                }
                if *groups > 1 { write!(f, " groups {groups}") } else { Ok(()) }
            }
            Op::Attention { choices } | Op::AttentionGradient { choices } => {
                let Attention { heads, scale, causal } = choices;
                write!(f, " of {heads} heads by {scale:.4}")?;
                if *causal { write!(f, " causal") } else { Ok(()) }
            }
            Op::MaxPool { choices: Pooling { window, stride, padding } } => {
                write!(f, " {window:?} stride {stride:?} padding {padding:?}")
            }
            Op::Permute { order } => write!(f, " {order:?}"),
            Op::Slice { start, step } | Op::Embed { start, step } => {
                write!(f, " from {start:?} by {step:?}")
            }
            Op::Random { distribution, draw, .. } => write!(f, " {distribution:?} #{draw}"),
            Op::Time { steps, reverse: false } => write!(f, " 0..{steps}"),
            Op::Time { steps, reverse: true } => write!(f, " {steps}..0"),
            Op::Carry { slot } => write!(f, " {slot}"),
            Op::Scan { steps, .. } => write!(f, " of {steps} steps"),
            _ => Ok(()),
        }
    }
}

/// The outputs of `node` as tensors of `graph`.
pub(crate) fn outputs_of<'g>(
    graph: &'g crate::graph::Graph,
    index: usize,
    node: &Node,
) -> Vec<Tensor<'g>> {
    (0..node.outputs.len())
        .map(|o| Tensor::of(graph, crate::graph::Value { node: index as u32, output: o as u16 }))
        .collect()
}
