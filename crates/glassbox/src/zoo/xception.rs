use glassbox_engine::op::Pooling;
use glassbox_engine::{Scope, Tensor};

use super::named::{Choices, Family, Member, Takes, Training, Wanted};
use super::parts::{normal_conv, number, relu, residual_sum, square};
use crate::nn::{self, Conv, Initial, Module};

/// As timm's `legacy_xception` builds it.
pub(super) static FAMILY: Family = Family {
    name: "Xception",
    source: "Chollet, \"Xception: deep learning with depthwise separable convolutions\" (2017)",
    takes: Takes::Images,
    members: &[Member::images("xception", 299, 3, 1000, 22_855_952)],
    options: &["skip", "dropout", "width"],
    defaults: Choices::PLAIN,
    training: Training::momentum(0.05),
    build: |_, choices, &Wanted { outputs, .. }| Box::new(Xception { choices: *choices, outputs }),
};

struct Xception {
    choices: Choices,
    outputs: usize,
}

/// Filters over each channel by itself, then all channels of each pixel.
#[track_caller]
fn separable<'g>(at: Scope<'g>, x: Tensor<'g>, channels: usize) -> Tensor<'g> {
    let inputs = x.dim(-1);
    let x = nn::conv2d(at.child("conv1"), x, inputs, square(3).groups(inputs));
    nn::conv2d(at.child("pointwise"), x, channels, square(1))
}

impl Xception {
    /// Separable convolutions to these channels, and the way around them.
    #[track_caller]
    fn block<'g>(
        &self,
        at: Scope<'g>,
        x: Tensor<'g>,
        channels: &[usize],
        stride: usize,
        begins_with_relu: bool,
    ) -> Tensor<'g> {
        let layers = at.child("rep");
        let mut places = 0..;
        let mut next = || number(layers, places.next().unwrap_or_default());
        let mut y = x;
        for (layer, &channels) in channels.iter().enumerate() {
            if layer > 0 || begins_with_relu {
                y = relu(next(), "relu", y);
            }
            y = separable(next(), y, channels);
            y = nn::batch_norm(next(), y);
        }
        if stride > 1 {
            let windows = Pooling::new([3, 3]).stride([stride; 2]).padding([1, 1]);
            y = nn::max_pool2d(next(), y, windows);
        }
        if !self.choices.skip {
            return y;
        }
        let around = match stride == 1 && x.dim(-1) == y.dim(-1) {
            true => x,
            false => {
                let conv = square(1).stride([stride; 2]);
                normal_conv(["skip", "skipbn"].map(|name| at.child(name)), x, y.dim(-1), conv)
            }
        };
        residual_sum(at, y, around)
    }
}

impl Module for Xception {
    fn name(&self) -> &str {
        "xception"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, mut x: Tensor<'g>) -> Tensor<'g> {
        let wide = |channels| self.choices.wide(channels);
        for (layer, channels, stride) in [(1, 32, 2), (2, 64, 1)] {
            let conv = Conv::new([3, 3]).stride([stride; 2]).without_bias().initial(Initial::HeOut);
            let names = ["conv", "bn"].map(|name| at.index(name, layer));
            x = relu(names[1], "relu", normal_conv(names, x, wide(channels), conv));
        }
        for (block, channels) in [(1, 128), (2, 256), (3, 728)] {
            x = self.block(at.index("block", block), x, &[wide(channels); 2], 2, block > 1);
        }
        for block in 4..12 {
            x = self.block(at.index("block", block), x, &[wide(728); 3], 1, true);
        }
        x = self.block(at.child("block12"), x, &[wide(728), wide(1024)], 2, true);
        for (layer, channels) in [(3, 1536), (4, 2048)] {
            x = separable(at.index("conv", layer), x, wide(channels));
            let norm = at.index("bn", layer);
            x = relu(norm, "relu", nn::batch_norm(norm, x));
        }
        let x = nn::global_average_pool(at.child("global_pool"), x);
        let x = nn::dropout(at.child("dropout"), x, self.choices.dropout);
        nn::linear(at.child("fc"), x, self.outputs, Initial::Pytorch)
    }
}
