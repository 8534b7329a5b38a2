//! Convolutions of images, and their transposes.
//!
//! A convolution is a sum of products input · filter · output over all places at which a filter's element
//! meets an input element and an output element. Fixing two of the three gives the third, linearly: so
//! there is one op with three sides, and the derivatives of each are the two others.

use serde::{Deserialize, Serialize};

use crate::graph::{Output, Shape, Tensor};
use crate::op::stencil::{Sliding, Stencil, four, windows};
use crate::op::{Inferred, Mistake, Op};

/// How a filter goes over images: `[height, width]` each.
///
/// ```
/// use glassbox_engine::op::Convolution;
/// let choices = Convolution::default().stride([2, 2]).padding([1, 1]);
/// assert_eq!(choices.padding, [[1, 1], [1, 1]]);
/// // As many zeros around as keep the size, with a stride of 1.
/// assert_eq!(Convolution::default().same([3, 4]).padding, [[1, 1], [1, 2]]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Convolution {
    /// How far the filter moves from one output to the next, at least 1.
    pub stride: [usize; 2],
    /// Zeros around the image: `[[above, below], [left, right]]`.
    pub padding: [[usize; 2]; 2],
    /// How far apart the input elements are that a filter reads side by side, at least 1.
    pub dilation: [usize; 2],
    /// Into how many parts the channels are cut, each with filters of its own. As many as there are
    /// channels: each channel alone ("depthwise").
    pub groups: usize,
}

impl Default for Convolution {
    /// Step by step, without padding, all channels together.
    fn default() -> Self {
        Convolution { stride: [1, 1], padding: [[0, 0]; 2], dilation: [1, 1], groups: 1 }
    }
}

impl Convolution {
    /// The same with this stride.
    pub fn stride(self, stride: [usize; 2]) -> Self {
        Convolution { stride, ..self }
    }

    /// The same with so many zeros on both sides of each axis.
    pub fn padding(self, [height, width]: [usize; 2]) -> Self {
        Convolution { padding: [[height; 2], [width; 2]], ..self }
    }

    /// The same with this dilation.
    pub fn dilation(self, dilation: [usize; 2]) -> Self {
        Convolution { dilation, ..self }
    }

    /// The same with so many groups.
    pub fn groups(self, groups: usize) -> Self {
        Convolution { groups, ..self }
    }

    /// The same with as many zeros around as a filter of this size needs to keep the image's size at a
    /// stride of 1; of an odd number of zeros the larger half comes last.
    pub fn same(self, filter: [usize; 2]) -> Self {
        let padding = [0, 1].map(|axis| {
            let zeros = filter[axis].saturating_sub(1).saturating_mul(self.dilation[axis]);
            [zeros / 2, zeros - zeros / 2]
        });
        Convolution { padding, ..self }
    }

    /// How the filter goes over one axis.
    fn along(&self, axis: usize, size: usize, taps: usize) -> Sliding {
        Sliding {
            input: size,
            taps,
            stride: self.stride[axis],
            before: self.padding[axis][0],
            after: self.padding[axis][1],
            dilation: self.dilation[axis],
        }
    }
}

/// Which of a convolution's three arrays an op gives, from the two others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Convolved {
    /// The output of input and filter: the convolution.
    Output,
    /// The input's side of output and filter: the transposed convolution.
    Input,
    /// The filter's side of input and output.
    Filter,
}

impl Convolved {
    /// The op's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Convolved::Output => "conv2d",
            Convolved::Input => "conv_transpose2d",
            Convolved::Filter => "conv2d_filter",
        }
    }

    /// What the two arguments are.
    pub(crate) fn roles(self) -> [Convolved; 2] {
        match self {
            Convolved::Output => [Convolved::Input, Convolved::Filter],
            Convolved::Input => [Convolved::Output, Convolved::Filter],
            Convolved::Filter => [Convolved::Input, Convolved::Output],
        }
    }

    fn words(self) -> &'static [&'static str] {
        match self {
            Convolved::Output => &["input", "filter"],
            Convolved::Input => &["output", "filter"],
            Convolved::Filter => &["input", "output"],
        }
    }

    /// The local derivative with respect to an argument, in words.
    pub(super) fn local_in_words(self, argument: usize) -> &'static str {
        match self.roles()[argument.min(1)] {
            Convolved::Output => "the products that went into it",
            Convolved::Input => "the filter where it lay on it",
            Convolved::Filter => "the input that it lay on",
        }
    }
}

/// The sizes of all three arrays, what the op gives among them.
struct Sizes {
    input: [usize; 4],
    filter: [usize; 4],
    output: [usize; 4],
}

pub(super) fn infer(
    gives: Convolved,
    choices: &Convolution,
    a: &Output,
    b: &Output,
    wanted: Option<&Output>,
) -> Inferred {
    let found = sizes(gives, choices, [a, b], wanted.and_then(|w| four(&w.shape)));
    let assumed = a.assumed != 0 || b.assumed != 0;
    let (output, wrong) = match found {
        Ok(sizes) => {
            let shape = match gives {
                Convolved::Output => sizes.output,
                Convolved::Input => sizes.input,
                Convolved::Filter => sizes.filter,
            };
            let guess = if assumed { u64::MAX } else { 0 };
            (Output::new(a.dtype, shape).assuming(guess), None)
        }
        Err(what) => {
            let guess = wanted.map_or([1, 1, 1, 1].into(), |w| w.shape.clone());
            let what = (!assumed).then_some(what);
            (Output::new(a.dtype, guess).assuming(u64::MAX), what)
        }
    };
    if wrong.is_none() && (a.dtype != b.dtype || !a.dtype.is_float()) {
        let what = format!("takes f32 or f64 on both sides, not {} and {}", a.dtype, b.dtype);
        let mistake = Some(Mistake { kind: "type", what, roles: gives.words() });
        return Inferred { outputs: vec![output], mistake };
    }
    Inferred::unless(output, "shape", wrong, gives.words())
}

/// All sizes, or what is wrong with them.
fn sizes(
    gives: Convolved,
    choices: &Convolution,
    args: [&Output; 2],
    wanted: Option<[usize; 4]>,
) -> Result<Sizes, String> {
    let ranks = || {
        let what = |role: Convolved| match role {
            Convolved::Output => "output images [batch, height, width, channels]",
            Convolved::Input => "images [batch, height, width, channels]",
            Convolved::Filter => "filters [height, width, channels / groups, outputs]",
        };
        let [one, other] = gives.roles().map(what);
        format!("takes {one} and {other}, not {} and {}", args[0].shape, args[1].shape)
    };
    let [Some(a), Some(b)] = args.map(|arg| four(&arg.shape)) else { return Err(ranks()) };
    if choices.groups == 0 {
        return Err("channels go into 1 group at least, not 0".into());
    }
    let groups = choices.groups;
    match gives {
        Convolved::Output => {
            let [height, width] = outputs(choices, a, b)?;
            channels(a[3], b, groups)?;
            Ok(Sizes { input: a, filter: b, output: [a[0], height, width, b[3]] })
        }
        Convolved::Input => {
            let smallest = |axis: usize| match wanted {
                Some(wanted) => Ok(wanted[1 + axis]),
                None => choices.along(axis, 0, b[axis]).inputs(a[1 + axis]),
            };
            let (height, width) = (smallest(0)?, smallest(1)?);
            let channels_of = b[2].checked_mul(groups).ok_or("has too many channels")?;
            let input = [a[0], height, width, channels_of];
            let gives = outputs(choices, input, b)?;
            if gives != [a[1], a[2]] {
                return Err(format!(
                    "images of {height} × {width} would be convolved to {} × {}, not {} × {}",
                    gives[0], gives[1], a[1], a[2]
                ));
            }
            channels(channels_of, b, groups)?;
            if a[3] != b[3] {
                return Err(format!("there are {} channels, the filter gives {}", a[3], b[3]));
            }
            Ok(Sizes { input, filter: b, output: a })
        }
        Convolved::Filter => {
            let largest = |axis: usize| {
                let most = choices.along(axis, a[1 + axis], 1).taps(b[1 + axis]);
                wanted.map_or(most, |wanted| wanted[axis])
            };
            let filter = [largest(0), largest(1), a[3] / groups, b[3]];
            channels(a[3], filter, groups)?;
            if a[0] != b[0] {
                return Err(format!("the batches differ, {} ≠ {}", a[0], b[0]));
            }
            let gives = outputs(choices, a, filter)?;
            if gives != [b[1], b[2]] {
                return Err(format!(
                    "a filter of {} × {} would give images of {} × {}, not {} × {}",
                    filter[0], filter[1], gives[0], gives[1], b[1], b[2]
                ));
            }
            Ok(Sizes { input: a, filter, output: b })
        }
    }
}

fn outputs(
    choices: &Convolution,
    input: [usize; 4],
    filter: [usize; 4],
) -> Result<[usize; 2], String> {
    windows(
        choices.along(0, input[1], filter[0]),
        choices.along(1, input[2], filter[1]),
        "a filter",
    )
}

fn channels(channels: usize, filter: [usize; 4], groups: usize) -> Result<(), String> {
    if !channels.is_multiple_of(groups) {
        return Err(format!("{channels} channels cannot be cut into {groups} equal groups"));
    }
    if filter[2].checked_mul(groups) != Some(channels) {
        return Err(match groups {
            1 => format!("the images have {channels} channels, the filter takes {}", filter[2]),
            _ => format!(
                "the images have {channels} channels, the filter takes {} in each of {groups} groups",
                filter[2]
            ),
        });
    }
    if !filter[3].is_multiple_of(groups) {
        return Err(format!("{} outputs cannot be cut into {groups} equal groups", filter[3]));
    }
    Ok(())
}

pub(super) fn derive<'g>(
    gives: Convolved,
    choices: Convolution,
    up: Tensor<'g>,
    args: &[Tensor<'g>],
) -> Vec<Option<Tensor<'g>>> {
    let (a, b) = (args[0], args[1]);
    let record = |gives, x: Tensor<'g>, y: Tensor<'g>, like: Tensor<'g>| {
        up.graph.record(Op::Convolution { gives, choices }, &[x, y], Some(like.output()))
    };
    match gives {
        Convolved::Output => vec![
            Some(record(Convolved::Input, up, b, a)),
            Some(record(Convolved::Filter, a, up, b)),
        ],
        Convolved::Input => vec![
            Some(record(Convolved::Output, up, b, a)),
            Some(record(Convolved::Filter, up, a, b)),
        ],
        Convolved::Filter => vec![
            Some(record(Convolved::Input, b, up, a)),
            Some(record(Convolved::Output, a, up, b)),
        ],
    }
}

/// The convolution that a node of these shapes computes; they have passed [`infer`].
pub(crate) fn stencil(
    gives: Convolved,
    choices: &Convolution,
    args: [&Shape; 2],
    result: &Shape,
) -> Stencil {
    let of = |role: Convolved| {
        let shape = match gives.roles().iter().position(|&held| held == role) {
            Some(argument) => args[argument],
            None => result,
        };
        four(shape).unwrap_or_default()
    };
    let (input, filter, output) =
        (of(Convolved::Input), of(Convolved::Filter), of(Convolved::Output));
    Stencil {
        batch: input[0],
        sliding: [0, 1].map(|axis| choices.along(axis, input[1 + axis], filter[axis])),
        outputs: [output[1], output[2]],
        channels: input[3],
        features: output[3],
        groups: choices.groups,
    }
}

/// Convolutions. Images are channels-last, `[batch, height, width, channels]`; sequences are images of
/// height 1.
impl<'g> Tensor<'g> {
    /// Images `[batch, height, width, channels]` convolved with a filter
    /// `[height, width, channels / groups, outputs]`, as PyTorch's `conv2d` does (which stores them as
    /// `[batch, channels, height, width]` and `[outputs, channels / groups, height, width]`): the filter is
    /// laid on the image without being turned round, so it is a cross-correlation. Output channel `o`
    /// belongs to group `o / (outputs / groups)`.
    ///
    /// ```
    /// # use glassbox_engine::{op::Convolution, DType, Graph};
    /// # let graph = Graph::new();
    /// let images = graph.input("images", DType::F32, [32, 28, 28, 3]);
    /// let filter = graph.input("filter", DType::F32, [5, 5, 3, 16]);
    /// let y = images.conv2d(filter, Convolution::default().padding([2, 2]));
    /// assert_eq!(y.shape().sizes(), &[32, 28, 28, 16]);
    /// let each = graph.input("each", DType::F32, [3, 3, 1, 3]);          // depthwise
    /// let y = images.conv2d(each, Convolution::default().stride([2, 2]).groups(3));
    /// assert_eq!(y.shape().sizes(), &[32, 13, 13, 3]);
    /// # assert!(graph.check().is_ok());
    /// // A mistake is a diagnostic with both shapes.
    /// let wrong = graph.input("wrong", DType::F32, [5, 5, 4, 16]);
    /// let _ = images.conv2d(wrong, Convolution::default());
    /// let text = graph.check().unwrap_err().to_string();
    /// assert!(text.contains("the images have 3 channels, the filter takes 4"), "{text}");
    /// ```
    #[track_caller]
    #[doc(alias = "convolution")]
    #[doc(alias = "cross_correlation")]
    pub fn conv2d(self, filter: Self, choices: Convolution) -> Self {
        let op = Op::Convolution { gives: Convolved::Output, choices };
        self.graph.record(op, &[self, filter], None)
    }

    /// The transposed convolution, which [`conv2d`](Self::conv2d) with the same filter and choices is the
    /// derivative of: images `[batch, height, width, outputs]` spread by a filter
    /// `[height, width, channels / groups, outputs]` to `channels` channels. Each size becomes
    /// `(size − 1) · stride + (filter − 1) · dilation + 1 − padding + more`, where `more` (below the
    /// stride) is PyTorch's `output_padding`: strides leave open which of several sizes was meant.
    ///
    /// PyTorch's `conv_transpose2d` stores the filter as `[outputs, channels / groups, height, width]`.
    ///
    /// ```
    /// # use glassbox_engine::{op::Convolution, DType, Graph};
    /// # let graph = Graph::new();
    /// let small = graph.input("small", DType::F32, [32, 7, 7, 64]);
    /// let filter = graph.input("filter", DType::F32, [3, 3, 16, 64]);
    /// let choices = Convolution::default().stride([2, 2]).padding([1, 1]);
    /// assert_eq!(small.conv_transpose2d(filter, choices, [0, 0]).shape().sizes(), &[32, 13, 13, 16]);
    /// assert_eq!(small.conv_transpose2d(filter, choices, [1, 1]).shape().sizes(), &[32, 14, 14, 16]);
    /// # assert!(graph.check().is_ok());
    /// ```
    #[track_caller]
    #[doc(alias = "deconvolution")]
    pub fn conv_transpose2d(self, filter: Self, choices: Convolution, more: [usize; 2]) -> Self {
        let op = Op::Convolution { gives: Convolved::Input, choices };
        let (x, w) = (self.output(), filter.output());
        let wanted = four(&x.shape).zip(four(&w.shape)).and_then(|(x, w)| {
            let size = |axis: usize| {
                let least = choices.along(axis, 0, w[axis]).inputs(x[1 + axis]).ok()?;
                least.checked_add(more[axis])
            };
            Some([x[0], size(0)?, size(1)?, w[2].checked_mul(choices.groups)?])
        });
        self.graph.record(op, &[self, filter], wanted.map(|sizes| Output::new(x.dtype, sizes)))
    }
}
