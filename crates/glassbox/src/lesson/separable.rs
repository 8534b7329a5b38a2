//! V7: depthwise and pointwise convolutions against ordinary ones.

use glassbox_engine::{Scope, Tensor};
use serde::Serialize;

use crate::Error;
use crate::lesson::{Options, Part, Table, Text, Told, count, text};
use crate::nn::{self, Conv};
use crate::report::fixed;

/// Height, width and channels of the images that are counted on.
const INPUT: [usize; 3] = [14, 14, 32];

/// A filter size and a number of channels, and what they cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// k: the filters are k × k.
    pub size: usize,
    /// N: channels of the result.
    pub channels: usize,
    /// Multiply-adds of the ordinary convolution.
    pub ordinary: usize,
    /// Of one filter for each channel and a 1 × 1 convolution behind.
    pub separable: usize,
    /// The second over the first.
    pub ratio: f64,
    /// 1/N + 1/k².
    pub formula: f64,
}

/// A depthwise separable convolution without biases: each channel by itself, then all channels of each
/// pixel (Sifre 2014; Chollet 2017; Howard et al. 2017).
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::lesson::separable::separable;
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [1, 14, 14, 32]);
/// let y = separable(graph.root(Mode::Eval), x, 64, 3);
/// assert_eq!(y.shape().sizes(), &[1, 14, 14, 64]);
/// ```
#[track_caller]
pub fn separable<'g>(at: Scope<'g>, x: Tensor<'g>, channels: usize, size: usize) -> Tensor<'g> {
    let inputs = x.dim(-1);
    let each = Conv::new([size; 2]).same().groups(inputs).without_bias();
    let x = nn::conv2d(at.child("depthwise"), x, inputs, each);
    nn::conv2d(at.child("pointwise"), x, channels, Conv::new([1, 1]).without_bias())
}

/// Counts both kinds on their graphs, for several sizes and channels.
///
/// # Errors
/// None.
pub fn find() -> Result<Vec<Cost>, Error> {
    let one = |(size, channels)| {
        let whole = Conv::new([size; 2]).same().without_bias();
        let ordinary = count(&INPUT, |at, x| nn::conv2d(at, x, channels, whole))?.multiply_adds;
        let separable = count(&INPUT, |at, x| separable(at, x, channels, size))?.multiply_adds;
        Ok(Cost {
            size,
            channels,
            ordinary,
            separable,
            ratio: separable as f64 / ordinary as f64,
            formula: 1.0 / channels as f64 + 1.0 / (size * size) as f64,
        })
    };
    [(3, 32), (3, 64), (3, 256), (5, 64), (7, 64)].into_iter().map(one).collect()
}

pub(super) fn lesson(_options: &Options) -> Result<Told, Error> {
    let found = find()?;
    let parts = vec![
        Part::Paragraph(text!(
            "An ordinary k × k convolution from M to N channels takes k² · M · N multiply-adds a pixel. One \
             k × k filter for each channel by itself (depthwise) takes k² · M, a 1 × 1 convolution behind it \
             (pointwise) M · N: together 1/N + 1/k² of the ordinary one. Xception, MobileNet and ConvNeXt \
             are built of these; Inception-v4 has none.",
            "M 채널에서 N 채널로 가는 보통의 k × k 합성곱은 픽셀마다 곱셈-덧셈을 k² · M · N번 합니다. 채널마다 \
             따로 k × k 필터 하나(깊이별)는 k² · M번, 그 뒤의 1 × 1 합성곱(점별)은 M · N번이므로 합치면 보통 \
             합성곱의 1/N + 1/k²입니다. Xception, MobileNet, ConvNeXt가 이것으로 되어 있고 Inception-v4에는 \
             없습니다.",
        )),
        Part::Table(costs(&found)),
    ];
    Told::new(&found, parts)
}

fn costs(found: &[Cost]) -> Table {
    let row = |cost: &Cost| {
        let cells = [
            format!("{} × {}", cost.size, cost.size),
            cost.channels.to_string(),
            fixed(cost.ordinary as f64, 0),
            fixed(cost.separable as f64, 0),
            fixed(cost.ratio, 5),
            fixed(cost.formula, 5),
        ];
        cells.map(Text::same).to_vec()
    };
    let [height, width, channels] = INPUT;
    Table {
        title: text!(
            "multiply-adds, counted on the graph: {height} × {width} pixels of {channels} channels",
            "그래프에서 센 곱셈-덧셈: {height} × {width} 픽셀, 채널 {channels}개"
        ),
        columns: vec![
            text!("filter", "필터"),
            Text::same("N"),
            text!("ordinary", "보통"),
            text!("separable", "분리형"),
            text!("ratio", "비율"),
            Text::same("1/N + 1/k²"),
        ],
        rows: found.iter().map(row).collect(),
    }
}
