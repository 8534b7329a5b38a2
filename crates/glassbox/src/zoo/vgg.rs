use glassbox_engine::op::Pooling;
use glassbox_engine::{Scope, Tensor};

use super::Normalize;
use super::named::{Choices, Family, Member, Takes, Training, Wanted};
use super::parts::{active, flat, number};
use crate::nn::{self, Conv, Initial, Module};

/// As torchvision builds it; with `normalize = "batch"` its forms `_bn`.
pub(super) static FAMILY: Family = Family {
    name: "VGG",
    source: "Simonyan, Zisserman, \"Very deep convolutional networks for large-scale image \
             recognition\" (2015)",
    takes: Takes::Images,
    members: &[
        member("vgg11", 132_863_336),
        member("vgg13", 133_047_848),
        member("vgg16", 138_357_544),
        member("vgg19", 143_667_240),
    ],
    options: &["normalize", "activation", "dropout", "width"],
    defaults: Choices { dropout: 0.5, ..Choices::PLAIN },
    training: Training::momentum(0.01),
    build: |named, choices, &Wanted { outputs, .. }| {
        let word = named.word();
        let convolutions = match word {
            "vgg11" => [1, 1, 2, 2, 2],
            "vgg13" => [2, 2, 2, 2, 2],
            "vgg16" => [2, 2, 3, 3, 3],
            _ => [2, 2, 4, 4, 4],
        };
        Box::new(Vgg { word, convolutions, choices: *choices, outputs })
    },
};

const fn member(word: &'static str, parameters: usize) -> Member {
    Member::images(word, 224, 3, 1000, parameters)
}

struct Vgg {
    word: &'static str,
    /// How many before each of the five poolings.
    convolutions: [usize; 5],
    choices: Choices,
    outputs: usize,
}

impl Module for Vgg {
    fn name(&self) -> &str {
        self.word
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, mut x: Tensor<'g>) -> Tensor<'g> {
        let Choices { activation, dropout, normalize, .. } = self.choices;
        let features = at.child("features");
        let mut places = 0..;
        let mut next = || number(features, places.next().unwrap_or_default());
        for (count, channels) in self.convolutions.into_iter().zip([64, 128, 256, 512, 512]) {
            for _ in 0..count {
                let conv = Conv::new([3, 3]).same().initial(Initial::HeOut);
                x = nn::conv2d(next(), x, self.choices.wide(channels), conv);
                x = match normalize {
                    Normalize::None => x,
                    Normalize::Batch => nn::batch_norm(next(), x),
                    Normalize::Layer => nn::layer_norm(next(), x),
                };
                x = active(next(), activation.word(), activation, x);
            }
            x = nn::max_pool2d(next(), x, Pooling::new([2, 2]));
        }
        x = flat(nn::adaptive_average_pool2d(at.child("avgpool"), x, [7, 7]));
        let classifier = at.child("classifier");
        for place in [0, 3] {
            let scope = number(classifier, place);
            x = nn::linear(scope, x, self.choices.wide(4096), activation.initial());
            x = active(number(classifier, place + 1), activation.word(), activation, x);
            x = nn::dropout(number(classifier, place + 2), x, dropout);
        }
        nn::linear(number(classifier, 6), x, self.outputs, Initial::Normal { deviation: 0.01 })
    }
}
