//! Pooling: one number of each window of an image.

use serde::{Deserialize, Serialize};

use crate::graph::{DType, Output, Shape, Tensor, Value};
use crate::op::stencil::{Sliding, Stencil, four, windows};
use crate::op::{Convolution, Inferred, Op};

/// Windows over images: `[height, width]` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pooling {
    /// The window's size.
    pub window: [usize; 2],
    /// How far it moves.
    pub stride: [usize; 2],
    /// Around the image: `[[above, below], [left, right]]`, each less than the window. For averages they
    /// are zeros, for the largest they count as nothing.
    pub padding: [[usize; 2]; 2],
}

impl Pooling {
    /// Windows side by side, without padding.
    pub fn new(window: [usize; 2]) -> Self {
        Pooling { window, stride: window, padding: [[0, 0]; 2] }
    }

    /// The same with this stride.
    pub fn stride(self, stride: [usize; 2]) -> Self {
        Pooling { stride, ..self }
    }

    /// The same with so much padding on both sides of each axis.
    pub fn padding(self, [height, width]: [usize; 2]) -> Self {
        Pooling { padding: [[height; 2], [width; 2]], ..self }
    }

    fn along(&self, axis: usize, size: usize) -> Sliding {
        Sliding {
            input: size,
            taps: self.window[axis],
            stride: self.stride[axis],
            before: self.padding[axis][0],
            after: self.padding[axis][1],
            dilation: 1,
        }
    }

    /// What is wrong with the padding, if something is: then no window lies outside altogether.
    fn problem(&self) -> Option<String> {
        let wide = (0..2).any(|axis| self.padding[axis].iter().any(|&p| p >= self.window[axis]));
        wide.then(|| {
            format!("paddings {:?} are not below the window {:?}", self.padding, self.window)
        })
    }
}

/// The numbers of windows over images of this shape, or what is wrong.
fn windows_of(choices: &Pooling, shape: &Shape) -> Result<[usize; 2], String> {
    let Some([_, height, width, _]) = four(shape) else {
        return Err(format!("takes images [batch, height, width, channels], not {shape}"));
    };
    let counts = windows(choices.along(0, height), choices.along(1, width), "a window")?;
    match choices.problem() {
        Some(what) => Err(what),
        None if height == 0 || width == 0 => Err(format!("images {shape} have no pixels")),
        None => Ok(counts),
    }
}

pub(super) fn infer_max(choices: &Pooling, x: &Output) -> Inferred {
    let (sizes, mut wrong) = match windows_of(choices, &x.shape) {
        Ok([rows, columns]) => {
            let (batch, channels) = (x.shape.sizes()[0], x.shape.sizes()[3]);
            ([batch, rows, columns, channels], None)
        }
        Err(what) => ([1; 4], Some(what).filter(|_| x.assumed == 0)),
    };
    let mut kind = "shape";
    if wrong.is_none() && x.assumed == 0 && !x.dtype.is_float() {
        (kind, wrong) = ("type", Some(format!("takes f32 or f64, not {}", x.dtype)));
    }
    let guess = if x.assumed == 0 { 0 } else { u64::MAX };
    let values = Output::new(x.dtype, sizes).assuming(guess);
    let places = Output { dtype: DType::I64, ..values.clone() };
    let mut inferred = Inferred::unless(values, kind, wrong, &["of"]);
    inferred.outputs.push(places);
    inferred.guessing()
}

/// The adjoint of each largest element goes to where it came from.
pub(super) fn derive_max<'g>(
    up: Tensor<'g>,
    x: Tensor<'g>,
    places: Tensor<'g>,
) -> Vec<Option<Tensor<'g>>> {
    let (whole, some) = (x.elements(), up.elements());
    let back = up.reshape([some]).scatter_add(places.reshape([some]), whole);
    vec![Some(back.reshape(x.shape()))]
}

/// The windows over images of a shape that has passed [`infer_max`].
pub(crate) fn stencil(choices: &Pooling, input: &Shape, output: &Shape) -> Stencil {
    let (input, output) = (four(input).unwrap_or_default(), four(output).unwrap_or_default());
    Stencil {
        batch: input[0],
        sliding: [0, 1].map(|axis| choices.along(axis, input[1 + axis])),
        outputs: [output[1], output[2]],
        channels: input[3],
        features: input[3],
        groups: input[3].max(1),
    }
}

/// Pooling of images `[batch, height, width, channels]`, each channel by itself.
impl<'g> Tensor<'g> {
    /// The largest of each window, and where it lies: the number (i64) of its element in this tensor,
    /// row-major. Padding counts as nothing; of several largest the first, row by row; NaN wins. The
    /// gradient goes to that element.
    ///
    /// ```
    /// # use glassbox_engine::{op::Pooling, Array, DType, Graph, Options, Parameters, Session};
    /// let graph = Graph::new();
    /// let x = graph.input("x", DType::F32, [1, 2, 4, 1]);
    /// let (largest, places) = x.max_pool2d(Pooling::new([2, 2]));
    /// let mut given = Parameters::new();
    /// given.insert("x", Array::new([1, 2, 4, 1], [1.0f32, 5.0, 2.0, 0.0, 3.0, 4.0, 7.0, 7.0])?);
    /// let results = Session::new(Options::default())?.evaluate(&graph, &given, &[largest, places])?;
    /// assert_eq!(results[0].as_f32().unwrap(), [5.0, 7.0]);
    /// assert_eq!(results[1].as_i64().unwrap(), [1, 6]);
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn max_pool2d(self, choices: Pooling) -> (Self, Self) {
        let values = self.graph.record(Op::MaxPool { choices }, &[self], None);
        (values, Tensor::of(self.graph, Value { output: 1, ..values.value }))
    }

    /// The mean of each window. Padding is zeros that are counted where `count_padding` says so (PyTorch's
    /// `count_include_pad`, which it does unless told otherwise), and else left out of the mean.
    ///
    /// ```
    /// # use glassbox_engine::{op::Pooling, Array, DType, Graph, Options, Parameters, Session};
    /// let graph = Graph::new();
    /// let x = graph.input("x", DType::F32, [1, 1, 4, 1]);
    /// let windows = Pooling::new([1, 2]).padding([0, 1]);
    /// let (with, without) = (x.average_pool2d(windows, true), x.average_pool2d(windows, false));
    /// let mut given = Parameters::new();
    /// given.insert("x", Array::new([1, 1, 4, 1], [1.0f32, 5.0, 2.0, 4.0])?);
    /// let results = Session::new(Options::default())?.evaluate(&graph, &given, &[with, without])?;
    /// assert_eq!(results[0].as_f32().unwrap(), [0.5, 3.5, 2.0]);
    /// assert_eq!(results[1].as_f32().unwrap(), [1.0, 3.5, 4.0]);
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn average_pool2d(self, choices: Pooling, count_padding: bool) -> Self {
        let Pooling { window: [height, width], stride, padding } = choices;
        let shape = self.shape();
        let (image, channels) = match four(&shape) {
            Some([_, rows, columns, channels]) if choices.problem().is_none() => {
                ([1, rows, columns, 1], channels)
            }
            // The op's rule says it in words.
            _ => return self.max_pool2d(choices).0,
        };
        let sums = Convolution { stride, padding, dilation: [1, 1], groups: channels };
        let ones = |sizes: [usize; 4]| self.scalar(1.0).broadcast_to(sizes);
        let sum = match channels {
            // There is nothing to sum, and no group to sum it in.
            0 => return self.max_pool2d(choices).0,
            _ => self.conv2d(ones([height, width, 1, channels]), sums),
        };
        if count_padding || padding == [[0, 0]; 2] {
            return sum * (height.max(1) as f64 * width.max(1) as f64).recip();
        }
        let alone = Convolution { groups: 1, ..sums };
        sum / ones(image).conv2d(ones([height, width, 1, 1]), alone)
    }

    /// The mean of each channel over its whole image: `[batch, height, width, channels]` →
    /// `[batch, channels]`.
    #[track_caller]
    pub fn global_average_pool(self) -> Self {
        match four(&self.shape()) {
            Some([batch, rows, columns, channels]) => self
                .reshape([batch, rows * columns, channels])
                .mean_axis(1)
                .reshape([batch, channels]),
            // The rule of pooling says what is wrong.
            None => self.max_pool2d(Pooling::new([1, 1])).0,
        }
    }

    /// Means of windows that are as equal as can be, so that there are `rows` × `columns` of them,
    /// whatever the image's size: window `i` of `n` over `size` elements goes from `⌊i · size / n⌋` to
    /// `⌈(i + 1) · size / n⌉`, as PyTorch's `adaptive_avg_pool2d`.
    ///
    /// ```
    /// # use glassbox_engine::{DType, Graph};
    /// # let graph = Graph::new();
    /// let x = graph.input("x", DType::F32, [32, 13, 10, 64]);
    /// assert_eq!(x.adaptive_average_pool2d([6, 6]).shape().sizes(), &[32, 6, 6, 64]);
    /// # assert!(graph.check().is_ok());
    /// ```
    #[track_caller]
    pub fn adaptive_average_pool2d(self, [rows, columns]: [usize; 2]) -> Self {
        let Some([batch, height, width, channels]) = four(&self.shape()) else {
            return self.max_pool2d(Pooling::new([1, 1])).0;
        };
        if [rows, columns].contains(&0) || [height, width].contains(&0) {
            return self.max_pool2d(Pooling::new([rows, columns])).0;
        }
        if height.is_multiple_of(rows) && width.is_multiple_of(columns) {
            return self.average_pool2d(Pooling::new([height / rows, width / columns]), true);
        }
        // A product with the share of each element in each window, along one axis after the other.
        let along_width = self
            .shares(columns, width)
            .matmul(self.reshape([batch * height, width, channels]))
            .reshape([batch, height, columns * channels]);
        self.shares(rows, height).matmul(along_width).reshape([batch, rows, columns, channels])
    }

    /// `[1, windows, size]`: one over the window's length where an element lies in a window, else 0.
    #[track_caller]
    fn shares(self, windows: usize, size: usize) -> Self {
        let graph = self.graph;
        let (window, at) =
            (graph.iota([1, windows, 1], 1) * size as f64, graph.iota([1, 1, size], 2));
        let sizes = [1, windows, size];
        let (window, at) = (window.broadcast_to(sizes), (at * windows as f64).broadcast_to(sizes));
        let inside = (at + windows as f64).greater(window).and(at.less(window + size as f64));
        let member = inside.cast(self.dtype());
        member / member.sum_axis(-1)
    }
}
