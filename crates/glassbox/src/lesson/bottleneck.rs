//! V5: what 1 × 1 bottlenecks save in an Inception block.

use glassbox_engine::op::Pooling;
use glassbox_engine::{Scope, Tensor};
use serde::Serialize;

use crate::Error;
use crate::lesson::{Count, Options, Part, Table, Text, Told, count, text};
use crate::nn::{self, Conv};
use crate::report::fixed;

/// Height, width and channels that come into GoogLeNet's first Inception block.
const INPUT: [usize; 3] = [28, 28, 192];

/// Channels of an Inception block's ways (Szegedy et al. 2015, table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inception {
    /// Of the 1 × 1 way.
    pub one: usize,
    /// Before and of the 3 × 3 way.
    pub three: [usize; 2],
    /// Before and of the 5 × 5 way.
    pub five: [usize; 2],
    /// Behind the pooling way.
    pub pooled: usize,
}

/// The first of GoogLeNet's blocks, 3a: from 192 to 256 channels.
pub const FIRST: Inception = Inception { one: 64, three: [96, 128], five: [16, 32], pooled: 32 };

impl Inception {
    /// Records the block; without `bottleneck` the 3 × 3 and 5 × 5 filters read all channels themselves.
    ///
    /// ```
    /// use glassbox::engine::{DType, Graph, Mode};
    /// use glassbox::lesson::bottleneck::FIRST;
    /// let graph = Graph::new();
    /// let x = graph.input("x", DType::F32, [1, 28, 28, 192]);
    /// let y = FIRST.record(graph.root(Mode::Eval), x, true);
    /// assert_eq!(y.shape().sizes(), &[1, 28, 28, 256]);
    /// ```
    #[track_caller]
    pub fn record<'g>(&self, at: Scope<'g>, x: Tensor<'g>, bottleneck: bool) -> Tensor<'g> {
        let conv = |name: &str, x: Tensor<'g>, channels, size| {
            nn::conv2d(at.child(name), x, channels, Conv::new([size; 2]).same()).relu()
        };
        let narrow = |name: &str, x, channels| match bottleneck {
            true => conv(name, x, channels, 1),
            false => x,
        };
        let three = conv("three", narrow("before_three", x, self.three[0]), self.three[1], 3);
        let five = conv("five", narrow("before_five", x, self.five[0]), self.five[1], 5);
        let windows = Pooling::new([3, 3]).stride([1, 1]).padding([1, 1]);
        let pooled = conv("pooled", nn::max_pool2d(at, x, windows), self.pooled, 1);
        conv("one", x, self.one, 1).concatenate(&[three, five, pooled], -1)
    }

    /// Channels of the result.
    pub fn channels(&self) -> usize {
        self.one + self.three[1] + self.five[1] + self.pooled
    }
}

/// What the lesson found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The block as it was published.
    pub bottleneck: Count,
    /// The same ways without 1 × 1 filters before the larger ones.
    pub naive: Count,
    /// One layer of 3 × 3 filters with as many channels.
    pub plain_three: Count,
    /// One layer of 5 × 5 filters with as many channels.
    pub plain_five: Count,
}

/// Counts the blocks on their graphs.
///
/// # Errors
/// None.
pub fn find() -> Result<Found, Error> {
    let plain = |size| {
        count(&INPUT, |at, x| nn::conv2d(at, x, FIRST.channels(), Conv::new([size; 2]).same()))
    };
    Ok(Found {
        bottleneck: count(&INPUT, |at, x| FIRST.record(at, x, true))?,
        naive: count(&INPUT, |at, x| FIRST.record(at, x, false))?,
        plain_three: plain(3)?,
        plain_five: plain(5)?,
    })
}

pub(super) fn lesson(_options: &Options) -> Result<Told, Error> {
    let found = find()?;
    let [height, width, channels] = INPUT;
    let (gives, [before, _]) = (FIRST.channels(), FIRST.five);
    let parts = vec![
        Part::Paragraph(text!(
            "An Inception block looks at the same image through filters of several sizes at once, and its \
             results lie one after another along the channels. A 5 × 5 filter over {channels} channels has \
             25 × {channels} weights. A 1 × 1 convolution in front mixes the channels of each pixel into \
             {before}, and the 5 × 5 filter reads those: fewer weights, fewer multiply-adds, one more ReLU.",
            "인셉션 블록은 같은 이미지를 여러 크기의 필터로 동시에 보고, 결과를 채널 방향으로 이어 붙입니다. \
             채널 {channels}개를 보는 5 × 5 필터는 가중치가 25 × {channels}개입니다. 앞에 1 × 1 합성곱을 \
             두어 픽셀마다 채널을 {before}개로 섞으면 5 × 5 필터는 그것만 읽습니다. 가중치와 곱셈-덧셈은 \
             줄고 ReLU는 하나 늘어납니다.",
        )),
        Part::Table(costs(&found, &[height, width, channels], gives)),
        Part::Paragraph(text!(
            "Counted on the graphs of GoogLeNet's first block (3a, with biases, without normalisation) over \
             one image. `glassbox models googlenet` has the whole network; its auxiliary heads, whose losses \
             count 0.3, are there in training only.",
            "GoogLeNet의 첫 블록(3a, 편향 포함, 정규화 없음)의 그래프에서 이미지 한 장으로 센 값입니다. 전체 \
             신경망은 `glassbox models googlenet`에 있습니다. 손실에 0.3을 곱해 더하는 보조 출력은 훈련할 \
             때만 있습니다.",
        )),
    ];
    Told::new(&found, parts)
}

fn costs(found: &Found, [height, width, channels]: &[usize; 3], gives: usize) -> Table {
    let row = |name: Text, cost: Count| {
        let share = cost.multiply_adds as f64 / found.bottleneck.multiply_adds as f64;
        let cells = [
            fixed(cost.parameters as f64, 0),
            fixed(cost.multiply_adds as f64, 0),
            fixed(share, 2),
        ];
        std::iter::once(name).chain(cells.map(Text::same)).collect()
    };
    Table {
        title: text!(
            "{height} × {width} × {channels} → {height} × {width} × {gives}",
            "{height} × {width} × {channels} → {height} × {width} × {gives}"
        ),
        columns: vec![
            text!("block", "블록"),
            text!("parameters", "매개변수"),
            text!("multiply-adds", "곱셈-덧셈"),
            text!("times as many", "배수"),
        ],
        rows: vec![
            row(
                text!("Inception with 1 × 1 bottlenecks", "1 × 1 병목이 있는 인셉션"),
                found.bottleneck,
            ),
            row(text!("the same without bottlenecks", "병목이 없는 같은 블록"), found.naive),
            row(text!("plain 3 × 3 convolution", "보통의 3 × 3 합성곱"), found.plain_three),
            row(text!("plain 5 × 5 convolution", "보통의 5 × 5 합성곱"), found.plain_five),
        ],
    }
}
