use glassbox_engine::{Scope, Tensor};

use super::named::{Choices, Family, Member, Takes, Training, Wanted};
use super::parts::{active, number, residual_sum};
use crate::nn::{self, Activation, Conv, Initial, Module};

/// `convnext_atto` as timm builds it, `convnext_tiny` as torchvision does.
pub(super) static FAMILY: Family = Family {
    name: "ConvNeXt",
    source: "Liu, Mao, Wu, Feichtenhofer, Darrell, Xie, \"A ConvNet for the 2020s\" (2022)",
    takes: Takes::Images,
    members: &[member("convnext_atto", 3_695_520), member("convnext_tiny", 28_589_128)],
    options: &["stochastic_depth", "width"],
    defaults: Choices { stochastic_depth: 0.1, ..Choices::PLAIN },
    training: Training::adamw(),
    build: |named, choices, &Wanted { outputs, .. }| match named.word() {
        "convnext_atto" => Box::new(ConvNext {
            word: "convnext_atto",
            names: Names::Timm,
            blocks: [2, 2, 6, 2],
            channels: 40,
            choices: *choices,
            outputs,
        }),
        _ => Box::new(ConvNext {
            word: "convnext_tiny",
            names: Names::Torchvision,
            blocks: [3, 3, 9, 3],
            channels: 96,
            choices: *choices,
            outputs,
        }),
    },
};

const fn member(word: &'static str, parameters: usize) -> Member {
    Member::images(word, 224, 3, 1000, parameters)
}

/// Layer normalisation's here.
const EPSILON: f64 = 1e-6;
/// What blocks count at first.
const LAYER_SCALE: f64 = 1e-6;
const INITIAL: Initial = Initial::Normal { deviation: 0.02 };
const GELU: Activation = Activation::Gelu { approximate: false };

/// Whose names parameters have.
#[derive(Clone, Copy, PartialEq)]
enum Names {
    Timm,
    Torchvision,
}

struct ConvNext {
    word: &'static str,
    names: Names,
    /// How many in each stage.
    blocks: [usize; 4],
    /// Of the first stage; each has twice as many as the one before.
    channels: usize,
    choices: Choices,
    outputs: usize,
}

/// Filters that stand side by side, so that images become smaller.
fn side_by_side(size: usize) -> Conv {
    Conv::new([size; 2]).stride([size; 2]).initial(INITIAL)
}

impl ConvNext {
    /// Each channel by itself, 7 × 7; then each pixel by itself, four times as wide and back.
    #[track_caller]
    fn block<'g>(&self, at: Scope<'g>, x: Tensor<'g>, rate: f64) -> Tensor<'g> {
        let channels = x.dim(-1);
        let conv = Conv::new([7, 7]).same().groups(channels).initial(INITIAL);
        let (conv_at, norm_at, wide_at, narrow_at, scale) = match self.names {
            Names::Timm => {
                let mlp = at.child("mlp");
                let [conv, norm] = ["conv_dw", "norm"].map(|name| at.child(name));
                (conv, norm, mlp.child("fc1"), mlp.child("fc2"), "gamma")
            }
            Names::Torchvision => {
                let block = at.child("block");
                let [conv, norm, wide, narrow] = [0, 2, 3, 5].map(|place| number(block, place));
                (conv, norm, wide, narrow, "layer_scale")
            }
        };
        let y = nn::conv2d(conv_at, x, channels, conv);
        let y = nn::layer_norm_with(norm_at, y, EPSILON);
        let y = active(wide_at, "gelu", GELU, self.each_pixel(wide_at, y, 4 * channels));
        let y = self.each_pixel(narrow_at, y, channels);
        let scaled = {
            let _inside = at.enter();
            y * at.parameter_of(y.dtype(), scale, [channels], LAYER_SCALE)
        };
        residual_sum(at, nn::stochastic_depth(at.child("stochastic_depth"), scaled, rate), x)
    }

    /// All channels of each pixel: timm's smaller models keep these weights as filters.
    #[track_caller]
    fn each_pixel<'g>(&self, at: Scope<'g>, x: Tensor<'g>, channels: usize) -> Tensor<'g> {
        match self.names {
            Names::Timm => nn::conv2d(at, x, channels, Conv::new([1, 1]).initial(INITIAL)),
            Names::Torchvision => nn::linear(at, x, channels, INITIAL),
        }
    }
}

impl Module for ConvNext {
    fn name(&self) -> &str {
        self.word
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
        let timm = self.names == Names::Timm;
        let (features, stem) = match self.names {
            Names::Timm => (at.child("stages"), at.child("stem")),
            Names::Torchvision => {
                let features = at.child("features");
                (features, number(features, 0))
            }
        };
        let mut x =
            nn::conv2d(number(stem, 0), x, self.choices.wide(self.channels), side_by_side(4));
        x = nn::layer_norm_with(number(stem, 1), x, EPSILON);
        let last = self.blocks.iter().sum::<usize>().saturating_sub(1).max(1);
        let mut depth = 0;
        for (stage, &blocks) in self.blocks.iter().enumerate() {
            let within = number(features, if timm { stage } else { 2 * stage + 1 });
            if stage > 0 {
                let smaller = match self.names {
                    Names::Timm => within.child("downsample"),
                    Names::Torchvision => number(features, 2 * stage),
                };
                x = nn::layer_norm_with(number(smaller, 0), x, EPSILON);
                let channels = self.choices.wide(self.channels << stage);
                x = nn::conv2d(number(smaller, 1), x, channels, side_by_side(2));
            }
            let within = if timm { within.child("blocks") } else { within };
            for block in 0..blocks {
                let rate = self.choices.stochastic_depth * depth as f64 / last as f64;
                x = self.block(number(within, block), x, rate);
                depth += 1;
            }
        }
        let x = nn::global_average_pool(at.child("avgpool"), x);
        let (norm_at, linear_at) = match self.names {
            Names::Timm => {
                let head = at.child("head");
                (head.child("norm"), head.child("fc"))
            }
            Names::Torchvision => {
                let classifier = at.child("classifier");
                (number(classifier, 0), number(classifier, 2))
            }
        };
        nn::linear(linear_at, nn::layer_norm_with(norm_at, x, EPSILON), self.outputs, INITIAL)
    }
}
