//! Convolutional networks.

use glassbox::engine::op::Pooling;
use glassbox::nn::{Conv, batch_norm, conv2d, global_average_pool, linear, max_pool2d};
use glassbox::prelude::*;

use super::names::{dotted, numbered, renamed};
use super::{Field, Kind, Recorded, Values, Work, Workload};

pub fn all() -> Vec<Workload> {
    let images = |shape: [usize; 4]| Field::new("images", shape, Values::Uniform(0.0, 1.0));
    let labelled = |shape: [usize; 4], classes| {
        vec![images(shape), Field::new("labels", [shape[0]], Values::Integers(0, classes))]
    };
    let work =
        |batch, step| Work { mode: Mode::Train, batch, step, theirs: dotted, flattened: &[] };
    let lenet = Work {
        theirs: lenet_name,
        flattened: &[("7.weight", 1, [64, 7, 7])],
        ..work(labelled([64, 28, 28, 1], 10), |at, batch| {
            classifier(at, lenet(at, batch[0]), batch[1], Optimizer::ADAM)
        })
    };
    let resnet20 = Work {
        theirs: resnet20_name,
        ..work(labelled([64, 32, 32, 3], 10), |at, batch| {
            let momentum = Optimizer::MOMENTUM.with_lr(0.05);
            classifier(at, resnet20(at, batch[0]), batch[1], momentum)
        })
    };
    let resnet18_train = work(labelled([8, 224, 224, 3], 1000), |at, batch| {
        let descent = Optimizer::GRADIENT_DESCENT.with_lr(0.01);
        classifier(at, resnet18(at, batch[0]), batch[1], descent)
    });
    let resnet18_infer = Work {
        mode: Mode::Eval,
        ..work(vec![images([1, 224, 224, 3])], |at, batch| Recorded::use_of(resnet18(at, batch[0])))
    };
    let xception = Work {
        theirs: xception_name,
        ..work(labelled([64, 32, 32, 64], 10), |at, batch| {
            let descent = Optimizer::GRADIENT_DESCENT.with_lr(0.05);
            classifier(at, xception(at, batch[0]), batch[1], descent)
        })
    };
    let workload =
        |name, unit, items, work| Workload { name, unit, items, kind: Kind::Steps(work) };
    vec![
        workload("lenet", "samples/s", 64.0, lenet),
        workload("resnet20", "samples/s", 64.0, resnet20),
        workload("resnet18-train", "samples/s", 8.0, resnet18_train),
        workload("resnet18-infer-b1", "ms", 1.0, resnet18_infer),
        workload("se-xception-block", "samples/s", 64.0, xception),
    ]
}

fn classifier<'g>(
    at: Scope<'g>,
    scores: Tensor<'g>,
    labels: Tensor<'g>,
    optimizer: Optimizer,
) -> Recorded<'g> {
    let loss = Loss::CrossEntropy.of(at.child("loss"), scores, labels);
    Recorded::training(at, loss, optimizer)
}

/// LeCun et al. 1998 in its later form: 32 and 64 filters of 5 × 5, 1024 units.
fn lenet<'g>(at: Scope<'g>, mut x: Tensor<'g>) -> Tensor<'g> {
    for (number, channels) in [(1, 32), (2, 64)] {
        let conv = Conv::new([5, 5]).same();
        x = conv2d(at.index("conv", number), x, channels, conv).relu();
        x = max_pool2d(at.index("pool", number), x, Pooling::new([2, 2]));
    }
    let x = x.reshape([x.dim(0), x.elements() / x.dim(0)]);
    let x = linear(at.child("fc1"), x, 1024, Initial::He).relu();
    linear(at.child("fc2"), x, 10, Initial::Xavier)
}

fn lenet_name(path: &str) -> String {
    let layers = [("conv1", "0"), ("conv2", "3"), ("fc1", "7"), ("fc2", "9")];
    let number = |name: &str| layers.iter().find(|(ours, _)| *ours == name).map(|(_, n)| *n);
    renamed(path, |name| number(name).map(str::to_owned))
}

/// A convolution of 3 × 3 without bias, and batch normalisation.
fn normal_conv<'g>(
    at: Scope<'g>,
    number: usize,
    x: Tensor<'g>,
    channels: usize,
    stride: usize,
) -> Tensor<'g> {
    let conv = Conv::new([3, 3]).padding([1, 1]).stride([stride; 2]).without_bias();
    batch_norm(at.index("bn", number), conv2d(at.index("conv", number), x, channels, conv))
}

/// He et al. 2016 for images of 32 × 32: three groups of three blocks.
fn resnet20<'g>(at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
    let mut x = normal_conv(at, 0, x, 16, 1).relu();
    for (number, channels) in [16, 16, 16, 32, 32, 32, 64, 64, 64].into_iter().enumerate() {
        let at = at.index("block", number + 1);
        let stride = if channels == x.dim(-1) { 1 } else { 2 };
        let y = normal_conv(at, 1, x, channels, stride).relu();
        let y = normal_conv(at, 2, y, channels, 1);
        x = (y + shortcut(x, channels, stride)).relu();
    }
    linear(at.child("fc"), global_average_pool(at.child("pool"), x), 10, Initial::Xavier)
}

/// Shortcut A of the paper: every few pixels, and new channels of zeros, half of them before.
fn shortcut(x: Tensor<'_>, channels: usize, stride: usize) -> Tensor<'_> {
    let new = channels - x.dim(-1);
    if new == 0 {
        return x;
    }
    let [rows, height, width, old] = [0, 1, 2, 3].map(|axis| x.dim(axis));
    let (height, width) = (height / stride, width / stride);
    let kept = x.slice_to(&[0; 4], &[1, stride, stride, 1], [rows, height, width, old].into());
    kept.embed(&[0, 0, 0, new / 2], &[1; 4], [rows, height, width, channels])
}

fn resnet20_name(path: &str) -> String {
    renamed(path, |name| match name {
        "conv0" => Some("0".into()),
        "bn0" => Some("1".into()),
        "fc" => Some("14".into()),
        _ => numbered(name, "block").map(|number| (number + 2).to_string()),
    })
}

/// He et al. 2016 for images of 224 × 224, as torchvision builds it.
fn resnet18<'g>(at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
    let conv = Conv::new([7, 7]).padding([3, 3]).stride([2, 2]).without_bias();
    let x = conv2d(at.child("conv1"), x, 64, conv);
    let x = batch_norm(at.child("bn1"), x).relu();
    let windows = Pooling::new([3, 3]).stride([2, 2]).padding([1, 1]);
    let mut x = max_pool2d(at.child("pool"), x, windows);
    for (group, channels) in [(1, 64), (2, 128), (3, 256), (4, 512)] {
        for block in 0..2 {
            let at = at.child(&format!("layer{group}.{block}"));
            let stride = if channels == x.dim(-1) { 1 } else { 2 };
            let y = normal_conv(at, 1, x, channels, stride).relu();
            let y = normal_conv(at, 2, y, channels, 1);
            if stride > 1 {
                let conv = Conv::new([1, 1]).stride([stride; 2]).without_bias();
                let projected = conv2d(at.child("downsample.0"), x, channels, conv);
                x = batch_norm(at.child("downsample.1"), projected);
            }
            x = (y + x).relu();
        }
    }
    linear(at.child("fc"), global_average_pool(at.child("mean"), x), 1000, Initial::Xavier)
}

/// Separable convolutions (Chollet 2017) whose channels are scaled by what all of the image says
/// (squeeze and excitation, Hu et al. 2018).
fn xception<'g>(at: Scope<'g>, mut x: Tensor<'g>) -> Tensor<'g> {
    let channels = x.dim(-1);
    for number in 1..=6 {
        let at = at.index("block", number);
        let depthwise = Conv::new([3, 3]).same().groups(channels).without_bias();
        let y = conv2d(at.child("depthwise"), x, channels, depthwise);
        let y = conv2d(at.child("pointwise"), y, channels, Conv::new([1, 1]).without_bias());
        let y = batch_norm(at.child("norm"), y).relu();
        let said = global_average_pool(at.child("squeeze"), y);
        let said = linear(at.child("down"), said, channels / 16, Initial::He).relu();
        let scale = linear(at.child("up"), said, channels, Initial::Xavier).sigmoid();
        x = y * scale.reshape([x.dim(0), 1, 1, channels]);
    }
    linear(at.child("fc"), global_average_pool(at.child("pool"), x), 10, Initial::Xavier)
}

/// Five layers a block stand after one another.
fn xception_name(path: &str) -> String {
    let Some((block, rest)) = path.split_once('/') else { return path.to_owned() };
    let Some(number) = numbered(block, "block") else {
        return renamed(path, |_| Some("32".into()));
    };
    let layer = 5 * (number - 1);
    renamed(rest, |name| {
        Some(match name {
            "depthwise" => format!("{layer}"),
            "pointwise" => format!("{}", layer + 1),
            "norm" => format!("{}", layer + 2),
            within => format!("{}.{within}", layer + 4),
        })
    })
}
