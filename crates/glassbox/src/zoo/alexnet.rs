use glassbox_engine::op::Pooling;
use glassbox_engine::{Scope, Tensor};

use super::named::{Choices, Family, Member, Takes, Training, Wanted};
use super::parts::{active, flat, number};
use crate::nn::{self, Conv, Initial, Module};

/// As torchvision builds it: "One weird trick" (Krizhevsky 2014), in one column, without local
/// response normalisation.
pub(super) static FAMILY: Family = Family {
    name: "AlexNet",
    source: "Krizhevsky, Sutskever, Hinton, \"ImageNet classification with deep convolutional neural \
             networks\" (2012)",
    takes: Takes::Images,
    members: &[Member::images("alexnet", 224, 3, 1000, 61_100_840)],
    options: &["activation", "dropout", "width"],
    defaults: Choices { dropout: 0.5, ..Choices::PLAIN },
    training: Training::momentum(0.01),
    build: |_, choices, &Wanted { outputs, .. }| Box::new(AlexNet { choices: *choices, outputs }),
};

struct AlexNet {
    choices: Choices,
    outputs: usize,
}

/// Place in the list of layers, channels, size, stride, zeros; whether pooling follows.
const CONVOLUTIONS: [(usize, usize, usize, usize, usize, bool); 5] = [
    (0, 64, 11, 4, 2, true),
    (3, 192, 5, 1, 2, true),
    (6, 384, 3, 1, 1, false),
    (8, 256, 3, 1, 1, false),
    (10, 256, 3, 1, 1, true),
];

impl Module for AlexNet {
    fn name(&self) -> &str {
        "alexnet"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, mut x: Tensor<'g>) -> Tensor<'g> {
        let Choices { activation, dropout, .. } = self.choices;
        let initial = activation.initial();
        let features = at.child("features");
        for (place, channels, size, stride, zeros, pooled) in CONVOLUTIONS {
            let conv = Conv::new([size; 2]).stride([stride; 2]).padding([zeros; 2]);
            let scope = number(features, place);
            x = nn::conv2d(scope, x, self.choices.wide(channels), conv.initial(initial));
            x = active(number(features, place + 1), activation.word(), activation, x);
            if pooled {
                let windows = Pooling::new([3, 3]).stride([2, 2]);
                x = nn::max_pool2d(number(features, place + 2), x, windows);
            }
        }
        x = flat(nn::adaptive_average_pool2d(at.child("avgpool"), x, [6, 6]));
        let classifier = at.child("classifier");
        for place in [0, 3] {
            x = nn::dropout(number(classifier, place), x, dropout);
            let scope = number(classifier, place + 1);
            x = nn::linear(scope, x, self.choices.wide(4096), initial);
            x = active(number(classifier, place + 2), activation.word(), activation, x);
        }
        nn::linear(number(classifier, 6), x, self.outputs, Initial::Xavier)
    }
}
