use glassbox_engine::{Scope, Tensor};

use super::named::{Choices, Family, Member, Takes, Training, Wanted};
use super::parts::{active, normal_conv, number, residual_sum, square};
use crate::nn::{self, Activation, Conv, Initial, Module};

/// As torchvision builds it.
pub(super) static FAMILY: Family = Family {
    name: "MobileNetV2",
    source: "Sandler, Howard, Zhu, Zhmoginov, Chen, \"MobileNetV2: inverted residuals and linear \
             bottlenecks\" (2018)",
    takes: Takes::Images,
    members: &[Member::images("mobilenet_v2", 224, 3, 1000, 3_504_872)],
    options: &["skip", "dropout", "width"],
    defaults: Choices { dropout: 0.2, ..Choices::PLAIN },
    training: Training::momentum(0.1),
    build: |_, choices, &Wanted { outputs, .. }| Box::new(MobileNet { choices: *choices, outputs }),
};

struct MobileNet {
    choices: Choices,
    outputs: usize,
}

/// By how much a block widens, its channels, how many there are, the first one's stride.
const GROUPS: [(usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];

/// The nearest multiple of 8, but not less than nine tenths.
fn by_eights(channels: f64) -> usize {
    let near = ((channels / 8.0 + 0.5).floor() * 8.0).max(8.0);
    (if near < 0.9 * channels { near + 8.0 } else { near }) as usize
}

/// A convolution, batch normalisation and ReLU up to 6.
#[track_caller]
fn basic<'g>(at: Scope<'g>, x: Tensor<'g>, channels: usize, conv: Conv) -> Tensor<'g> {
    let y = normal_conv([number(at, 0), number(at, 1)], x, channels, conv);
    active(number(at, 2), "relu6", Activation::Relu6, y)
}

impl MobileNet {
    /// Wider by 1 × 1, each channel by itself, narrower by 1 × 1 without an activation.
    #[track_caller]
    fn block<'g>(
        &self,
        at: Scope<'g>,
        x: Tensor<'g>,
        widens: usize,
        channels: usize,
        stride: usize,
    ) -> Tensor<'g> {
        let layers = at.child("conv");
        let mut places = 0..;
        let mut next = || number(layers, places.next().unwrap_or_default());
        let inside = x.dim(-1) * widens;
        let mut y = x;
        if widens > 1 {
            y = basic(next(), y, inside, square(1));
        }
        y = basic(next(), y, inside, square(3).stride([stride; 2]).groups(inside));
        y = normal_conv([next(), next()], y, channels, square(1));
        match self.choices.skip && stride == 1 && x.dim(-1) == channels {
            true => residual_sum(at, y, x),
            false => y,
        }
    }
}

impl Module for MobileNet {
    fn name(&self) -> &str {
        "mobilenet_v2"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
        let width = self.choices.width;
        let wide = |channels: usize| by_eights(channels as f64 * width);
        let features = at.child("features");
        let mut places = 0..;
        let mut next = || number(features, places.next().unwrap_or_default());
        let mut x = basic(next(), x, wide(32), square(3).stride([2, 2]));
        for (widens, channels, count, first) in GROUPS {
            for block in 0..count {
                let stride = if block == 0 { first } else { 1 };
                x = self.block(next(), x, widens, wide(channels), stride);
            }
        }
        x = basic(next(), x, by_eights(1280.0 * width.max(1.0)), square(1));
        let x = nn::global_average_pool(at.child("avgpool"), x);
        let classifier = at.child("classifier");
        let x = nn::dropout(number(classifier, 0), x, self.choices.dropout);
        nn::linear(number(classifier, 1), x, self.outputs, Initial::Normal { deviation: 0.01 })
    }
}
