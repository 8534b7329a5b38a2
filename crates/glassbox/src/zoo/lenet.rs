use glassbox_engine::op::Pooling;
use glassbox_engine::{Scope, Tensor};

use super::named::{Choices, Family, Member, Takes, Training, Wanted};
use super::parts::{active, flat};
use crate::nn::{self, Conv, Initial, Module};

/// LeNet-5 as it is built today: all of the 6 maps go into each of the 16, ReLU in place of scaled
/// tanh, the largest of each window in place of a learned mean, scores in place of distances.
/// 28 × 28 images are padded to the paper's 32 × 32.
pub(super) static FAMILY: Family = Family {
    name: "LeNet",
    source: "LeCun, Bottou, Bengio, Haffner, \"Gradient-based learning applied to document \
             recognition\" (1998)",
    takes: Takes::Images,
    members: &[Member::images("lenet", 28, 1, 10, 61_706)],
    options: &["activation", "dropout", "width"],
    defaults: Choices::PLAIN,
    training: Training { epochs: 10, ..Training::momentum(0.1) },
    build: |_, choices, &Wanted { outputs, .. }| Box::new(LeNet { choices: *choices, outputs }),
};

struct LeNet {
    choices: Choices,
    outputs: usize,
}

impl Module for LeNet {
    fn name(&self) -> &str {
        "lenet"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, mut x: Tensor<'g>) -> Tensor<'g> {
        let Choices { activation, dropout, .. } = self.choices;
        let initial = activation.initial();
        for (number, channels, zeros) in [(1, 6, 2), (2, 16, 0)] {
            let scope = at.index("conv", number);
            let conv = Conv::new([5, 5]).padding([zeros; 2]).initial(initial);
            x = nn::conv2d(scope, x, self.choices.wide(channels), conv);
            x = active(scope, activation.word(), activation, x);
            x = nn::max_pool2d(at.index("pool", number), x, Pooling::new([2, 2]));
        }
        x = flat(x);
        for (number, units) in [(1, 120), (2, 84)] {
            let scope = at.index("fc", number);
            x = nn::linear(scope, x, self.choices.wide(units), initial);
            x = active(scope, activation.word(), activation, x);
            x = nn::dropout(scope, x, dropout);
        }
        nn::linear(at.child("fc3"), x, self.outputs, Initial::Xavier)
    }
}
