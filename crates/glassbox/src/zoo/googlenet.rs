use glassbox_engine::op::Pooling;
use glassbox_engine::{Scope, Tensor};

use super::named::{Choices, Family, Member, Takes, Training, Wanted};
use super::parts::{flat, number, relu, square, to_the_edge};
use crate::nn::{self, Head, Initial, Module};

/// As torchvision builds it: with batch normalisation, and 3 × 3 filters where the paper has 5 × 5.
pub(super) static FAMILY: Family = Family {
    name: "GoogLeNet (Inception v1)",
    source: "Szegedy et al., \"Going deeper with convolutions\" (2015)",
    takes: Takes::Images,
    members: &[Member::images("googlenet", 224, 3, 1000, 6_624_904)],
    options: &["auxiliary", "dropout", "width"],
    defaults: Choices { auxiliary: true, dropout: 0.2, ..Choices::PLAIN },
    training: Training::momentum(0.05),
    build: |_, choices, &Wanted { outputs, .. }| Box::new(GoogLeNet { choices: *choices, outputs }),
};

/// What an auxiliary head's loss counts beside that of the scores.
const SHARE: f64 = 0.3;
/// The share of an auxiliary head's numbers that training leaves out, where the scores' is 0.2.
const HEAD_DROPOUT: f64 = 0.7;
/// Batch normalisation's here.
const EPSILON: f64 = 1e-3;

struct GoogLeNet {
    choices: Choices,
    outputs: usize,
}

/// Channels of an inception block: 1 × 1; before and of 3 × 3; before and of the second 3 × 3; after
/// pooling.
type Channels = [usize; 6];

const BLOCKS: [(&str, Channels); 9] = [
    ("inception3a", [64, 96, 128, 16, 32, 32]),
    ("inception3b", [128, 128, 192, 32, 96, 64]),
    ("inception4a", [192, 96, 208, 16, 48, 64]),
    ("inception4b", [160, 112, 224, 24, 64, 64]),
    ("inception4c", [128, 128, 256, 24, 64, 64]),
    ("inception4d", [112, 144, 288, 32, 64, 64]),
    ("inception4e", [256, 160, 320, 32, 128, 128]),
    ("inception5a", [256, 160, 320, 32, 128, 128]),
    ("inception5b", [384, 192, 384, 48, 128, 128]),
];

/// A convolution of square filters, batch normalisation and ReLU.
#[track_caller]
fn basic<'g>(
    at: Scope<'g>,
    x: Tensor<'g>,
    channels: usize,
    size: usize,
    stride: usize,
) -> Tensor<'g> {
    let conv = square(size).stride([stride; 2]).initial(Initial::He);
    let y = nn::conv2d(at.child("conv"), x, channels, conv);
    relu(at, "relu", nn::batch_norm_with(at.child("bn"), y, EPSILON))
}

impl GoogLeNet {
    #[track_caller]
    fn inception<'g>(&self, at: Scope<'g>, x: Tensor<'g>, channels: Channels) -> Tensor<'g> {
        let [one, before_three, three, before_more, more, pooled] =
            channels.map(|channels| self.choices.wide(channels));
        let mut ways = vec![basic(at.child("branch1"), x, one, 1, 1)];
        for (name, before, after) in
            [("branch2", before_three, three), ("branch3", before_more, more)]
        {
            let branch = at.child(name);
            let narrow = basic(number(branch, 0), x, before, 1, 1);
            ways.push(basic(number(branch, 1), narrow, after, 3, 1));
        }
        let branch = at.child("branch4");
        let windows = Pooling::new([3, 3]).stride([1, 1]).padding([1, 1]);
        let largest = nn::max_pool2d(number(branch, 0), x, windows);
        ways.push(basic(number(branch, 1), largest, pooled, 1, 1));
        let _inside = at.enter();
        ways[0].concatenate(&ways[1..], -1).named("concatenate")
    }

    /// The scores of an auxiliary head.
    #[track_caller]
    fn head<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Head<'g> {
        let x = nn::adaptive_average_pool2d(at.child("pool"), x, [4, 4]);
        let x = flat(basic(at.child("conv"), x, self.choices.wide(128), 1, 1));
        let fc1 = at.child("fc1");
        let x = relu(fc1, "relu", nn::linear(fc1, x, self.choices.wide(1024), Initial::He));
        // Both are switched off together.
        let dropout = if self.choices.dropout > 0.0 { HEAD_DROPOUT } else { 0.0 };
        let x = nn::dropout(at.child("dropout"), x, dropout);
        Head { scores: nn::linear(at.child("fc2"), x, self.outputs, Initial::Xavier), share: SHARE }
    }

    #[track_caller]
    fn record<'g>(&self, at: Scope<'g>, x: Tensor<'g>, heads: bool) -> (Tensor<'g>, Vec<Head<'g>>) {
        let wide = |channels| self.choices.wide(channels);
        let mut found = Vec::new();
        let mut pools = 1..;
        let mut pool = |x: Tensor<'g>, size| {
            let at = at.index("maxpool", pools.next().unwrap_or_default());
            nn::max_pool2d(at, x, to_the_edge(x, size, 2))
        };
        let x = pool(basic(at.child("conv1"), x, wide(64), 7, 2), 3);
        let x = basic(at.child("conv2"), x, wide(64), 1, 1);
        let mut x = pool(basic(at.child("conv3"), x, wide(192), 3, 1), 3);
        for (name, channels) in BLOCKS {
            x = self.inception(at.child(name), x, channels);
            match name {
                "inception3b" => x = pool(x, 3),
                "inception4e" => x = pool(x, 2),
                "inception4a" if heads => found.push(self.head(at.child("aux1"), x)),
                "inception4d" if heads => found.push(self.head(at.child("aux2"), x)),
                _ => {}
            }
        }
        let x = nn::global_average_pool(at.child("avgpool"), x);
        let x = nn::dropout(at.child("dropout"), x, self.choices.dropout);
        (nn::linear(at.child("fc"), x, self.outputs, Initial::Xavier), found)
    }
}

impl Module for GoogLeNet {
    fn name(&self) -> &str {
        "googlenet"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g> {
        self.record(at, input, false).0
    }

    #[track_caller]
    fn forward_with_heads<'g>(
        &self,
        at: Scope<'g>,
        input: Tensor<'g>,
    ) -> (Tensor<'g>, Vec<Head<'g>>) {
        self.record(at, input, self.choices.auxiliary && at.training())
    }
}
