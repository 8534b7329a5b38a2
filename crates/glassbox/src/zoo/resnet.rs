use glassbox_engine::op::Pooling;
use glassbox_engine::{Scope, Tensor};

use super::named::{Choices, Family, Member, Named, Takes, Training, Wanted};
use super::parts::{normal_conv, number, relu, residual_sum, square, to_the_edge};
use crate::nn::{self, Initial, Module};

/// For photographs, as torchvision builds it.
pub(super) static FAMILY: Family = Family {
    name: "ResNet",
    source: "He, Zhang, Ren, Sun, \"Deep residual learning for image recognition\" (2016)",
    takes: Takes::Images,
    members: &[
        photographs("resnet18", 11_689_512),
        photographs("resnet34", 21_797_672),
        photographs("resnet50", 25_557_032),
        photographs("resnet101", 44_549_160),
        photographs("resnet152", 60_192_808),
    ],
    options: &["skip", "pre_activation", "width"],
    defaults: Choices::PLAIN,
    training: Training::momentum(0.1),
    build,
};

/// For small images, section 4.2 of the paper: shortcuts without parameters (its option A).
pub(super) static SMALL: Family = Family {
    name: "ResNet for small images",
    source: FAMILY.source,
    takes: Takes::Images,
    members: &[
        small("resnet20", 269_722),
        small("resnet32", 464_154),
        small("resnet44", 658_586),
        small("resnet56", 853_018),
        small("resnet110", 1_727_962),
    ],
    options: FAMILY.options,
    defaults: Choices::PLAIN,
    training: Training::momentum(0.2),
    build,
};

/// With channels weighed by what all of the image says, as timm's `legacy_seresnet18` and `50` build it.
pub(super) static SQUEEZE: Family = Family {
    name: "SE-ResNet",
    source: "Hu, Shen, Sun, \"Squeeze-and-excitation networks\" (2018)",
    takes: Takes::Images,
    members: &[photographs("seresnet18", 11_778_592), photographs("seresnet50", 28_088_024)],
    options: &["skip", "width"],
    defaults: Choices::PLAIN,
    training: Training::momentum(0.1),
    build,
};

const fn photographs(word: &'static str, parameters: usize) -> Member {
    Member::images(word, 224, 3, 1000, parameters)
}

const fn small(word: &'static str, parameters: usize) -> Member {
    Member::images(word, 32, 3, 10, parameters)
}

fn build(named: Named, choices: &Choices, wanted: &Wanted<'_>) -> Box<dyn Module> {
    let outputs = wanted.outputs;
    let word = named.word();
    let form = match named.family.name {
        "SE-ResNet" => Form::Squeeze,
        "ResNet" => Form::Photographs,
        _ => Form::Small,
    };
    let depth: usize = word.trim_start_matches(char::is_alphabetic).parse().unwrap_or_default();
    let blocks = match (form, depth) {
        (Form::Small, _) => vec![(depth - 2) / 6; 3],
        (_, 18) => vec![2, 2, 2, 2],
        (_, 101) => vec![3, 4, 23, 3],
        (_, 152) => vec![3, 8, 36, 3],
        _ => vec![3, 4, 6, 3],
    };
    let bottleneck = form != Form::Small && depth >= 50;
    Box::new(ResNet { word, form, blocks, bottleneck, choices: *choices, outputs })
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Photographs,
    Small,
    Squeeze,
}

struct ResNet {
    word: &'static str,
    form: Form,
    /// How many in each group.
    blocks: Vec<usize>,
    /// Whether blocks are 1 × 1, 3 × 3, 1 × 1 with four times the channels, else twice 3 × 3.
    bottleneck: bool,
    choices: Choices,
    outputs: usize,
}

impl ResNet {
    /// Everything before the first block.
    #[track_caller]
    fn stem<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
        let before = self.choices.pre_activation;
        let scope = if self.form == Form::Squeeze { at.child("layer0") } else { at };
        let (channels, conv) = match self.form {
            Form::Small => (16, square(3)),
            _ => (64, square(7).stride([2, 2])),
        };
        let mut x = nn::conv2d(scope.child("conv1"), x, self.choices.wide(channels), conv);
        if !before {
            x = relu(scope, "relu", nn::batch_norm(scope.child("bn1"), x));
        }
        match self.form {
            Form::Small => x,
            Form::Photographs => {
                let windows = Pooling::new([3, 3]).stride([2, 2]).padding([1, 1]);
                nn::max_pool2d(at.child("maxpool"), x, windows)
            }
            Form::Squeeze => nn::max_pool2d(at.child("pool0"), x, to_the_edge(x, 3, 2)),
        }
    }

    /// The convolutions of a block: size, channels, stride.
    fn convolutions(&self, channels: usize, stride: usize) -> Vec<(usize, usize, usize)> {
        match (self.bottleneck, self.form) {
            (false, _) => vec![(3, channels, stride), (3, channels, 1)],
            // As the network was first published; torchvision's strides in the 3 × 3.
            (true, Form::Squeeze) => {
                vec![(1, channels, stride), (3, channels, 1), (1, 4 * channels, 1)]
            }
            (true, _) => vec![(1, channels, 1), (3, channels, stride), (1, 4 * channels, 1)],
        }
    }

    #[track_caller]
    fn block<'g>(
        &self,
        at: Scope<'g>,
        x: Tensor<'g>,
        channels: usize,
        stride: usize,
    ) -> Tensor<'g> {
        let before = self.choices.pre_activation;
        let convolutions = self.convolutions(channels, stride);
        let (count, mut y, mut start) = (convolutions.len(), x, x);
        for (layer, (size, channels, stride)) in (1..).zip(convolutions) {
            let [conv_at, norm_at] = ["conv", "bn"].map(|name| at.index(name, layer));
            let conv = square(size).stride([stride; 2]);
            let name = format!("relu{layer}");
            if before {
                y = relu(at, &name, nn::batch_norm(norm_at, y));
                // A shortcut that changes shape reads what is normalised, too.
                start = if layer == 1 { y } else { start };
                y = nn::conv2d(conv_at, y, channels, conv);
            } else {
                y = normal_conv([conv_at, norm_at], y, channels, conv);
                // timm's smaller blocks cut what is squeezed at 0.
                if layer < count || (self.form == Form::Squeeze && !self.bottleneck) {
                    y = relu(at, &name, y);
                }
            }
        }
        if self.form == Form::Squeeze {
            y = nn::squeeze_excite(at.child("se_module"), y, 16);
        }
        if self.choices.skip {
            y = residual_sum(at, y, self.shortcut(at, [x, start], y, stride));
        }
        if before { y } else { relu(at, "relu", y) }
    }

    /// What is added to a block's result `y`: its input `x`, or where the shape changes something made
    /// of `start`.
    #[track_caller]
    fn shortcut<'g>(
        &self,
        at: Scope<'g>,
        [x, start]: [Tensor<'g>; 2],
        y: Tensor<'g>,
        stride: usize,
    ) -> Tensor<'g> {
        if stride == 1 && x.dim(-1) == y.dim(-1) {
            return x;
        }
        if self.form == Form::Small {
            return every_other(at, start, y, stride);
        }
        let at = at.child("downsample");
        let conv = square(1).stride([stride; 2]);
        let projected = nn::conv2d(number(at, 0), start, y.dim(-1), conv);
        match self.choices.pre_activation {
            true => projected,
            false => nn::batch_norm(number(at, 1), projected),
        }
    }
}

/// Shortcut A of the paper: every few pixels, and new channels of zeros, half of them before.
#[track_caller]
fn every_other<'g>(at: Scope<'g>, x: Tensor<'g>, like: Tensor<'g>, stride: usize) -> Tensor<'g> {
    let _inside = at.enter();
    let [rows, height, width] = [0, 1, 2].map(|axis| like.dim(axis));
    let (old, channels) = (x.dim(-1), like.dim(-1));
    let kept = x.slice_to(&[0; 4], &[1, stride, stride, 1], [rows, height, width, old].into());
    let before = channels.saturating_sub(old) / 2;
    kept.embed(&[0, 0, 0, before], &[1; 4], [rows, height, width, channels])
}

impl Module for ResNet {
    fn name(&self) -> &str {
        self.word
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
        let mut x = self.stem(at, x);
        let first = if self.form == Form::Small { 16 } else { 64 };
        for (group, &blocks) in self.blocks.iter().enumerate() {
            let scope = at.index("layer", group + 1);
            let channels = self.choices.wide(first << group);
            for block in 0..blocks {
                let stride = if group > 0 && block == 0 { 2 } else { 1 };
                x = self.block(number(scope, block), x, channels, stride);
            }
        }
        if self.choices.pre_activation {
            x = relu(at, "relu", nn::batch_norm(at.child("norm"), x));
        }
        let x = nn::global_average_pool(at.child("avgpool"), x);
        let head = if self.form == Form::Squeeze { "last_linear" } else { "fc" };
        nn::linear(at.child(head), x, self.outputs, Initial::Pytorch)
    }
}
