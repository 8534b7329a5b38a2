//! Networks that draw.

use glassbox::nn::{Conv, batch_norm, conv_transpose2d, conv2d, linear};
use glassbox::prelude::*;

use super::names::dotted;
use super::work::moved;
use super::{Field, Kind, Recorded, Values, Work, Workload};

pub fn all() -> Vec<Workload> {
    let flat = Field::new("images", [128, 784], Values::Uniform(0.0, 1.0));
    let square = Field::new("images", [128, 28, 28, 1], Values::Uniform(0.0, 1.0));
    let real = Field::new("images", [64, 28, 28, 1], Values::Uniform(-1.0, 1.0));
    let noise = |shape: &[usize]| Field::new("noise", shape, Values::Noise);
    let work =
        |batch, step| Work { mode: Mode::Train, batch, step, theirs: dotted, flattened: &[] };
    let vae = work(vec![flat, noise(&[128, 20])], |at, batch| {
        let x = batch[0];
        let h = linear(at.child("enc.0"), x, 400, Initial::He).relu();
        let latent = Latent::of(at, h, 20);
        let h = linear(at.child("dec.0"), latent.drawn(batch[1]), 400, Initial::He).relu();
        let logits = linear(at.child("dec.2"), h, 784, Initial::Xavier);
        Recorded::training(at, latent.bound(logits, x), Optimizer::ADAM)
    });
    let conv_vae = Work {
        flattened: &[
            ("mu.weight", 1, [64, 7, 7]),
            ("logvar.weight", 1, [64, 7, 7]),
            ("dec.0.weight", 0, [64, 7, 7]),
            ("dec.0.bias", 0, [64, 7, 7]),
        ],
        ..work(vec![square, noise(&[128, 16])], |at, batch| {
            let x = batch[0];
            let latent = Latent::of(at, encoded(at, x), 16);
            let logits = decoded(at, latent.drawn(batch[1]));
            Recorded::training(at, latent.bound(logits, x), Optimizer::ADAM)
        })
    };
    let dcgan = work(vec![real, noise(&[64, 1, 1, 64])], adversaries);
    let workload =
        |name, items, work| Workload { name, unit: "samples/s", items, kind: Kind::Steps(work) };
    vec![
        workload("vae", 128.0, vae),
        workload("conv-vae", 128.0, conv_vae),
        workload("dcgan", 64.0, dcgan),
    ]
}

/// The distribution that an image is taken to come from (Kingma and Welling 2014): normal, of this
/// mean and logarithm of the variance.
struct Latent<'g> {
    mean: Tensor<'g>,
    log_variance: Tensor<'g>,
}

impl<'g> Latent<'g> {
    fn of(at: Scope<'g>, h: Tensor<'g>, features: usize) -> Self {
        let layer = |name| linear(at.child(name), h, features, Initial::Xavier);
        Latent { mean: layer("mu"), log_variance: layer("logvar") }
    }

    /// A number of it for each of `noise`, which is standard normal.
    fn drawn(&self, noise: Tensor<'g>) -> Tensor<'g> {
        self.mean + noise * (self.log_variance * 0.5).exp()
    }

    /// What is made small, a row: the binary cross entropy of `logits` against the image, and the
    /// divergence of the distribution from the standard normal one.
    fn bound(&self, logits: Tensor<'g>, image: Tensor<'g>) -> Tensor<'g> {
        let entropy = logits.softplus() - logits * image;
        let Latent { mean, log_variance } = *self;
        let divergence = (log_variance + 1.0 - mean.square() - log_variance.exp()) * -0.5;
        (entropy.sum() + divergence.sum()) / image.dim(0) as f64
    }
}

fn encoded<'g>(at: Scope<'g>, mut x: Tensor<'g>) -> Tensor<'g> {
    let half = Conv::new([3, 3]).stride([2, 2]).padding([1, 1]);
    for (name, channels) in [("enc.0", 32), ("enc.2", 64)] {
        x = conv2d(at.child(name), x, channels, half).relu();
    }
    x.reshape([x.dim(0), x.elements() / x.dim(0)])
}

fn decoded<'g>(at: Scope<'g>, z: Tensor<'g>) -> Tensor<'g> {
    let twice = Conv::new([3, 3]).stride([2, 2]).padding([1, 1]);
    let x = linear(at.child("dec.0"), z, 7 * 7 * 64, Initial::He).relu();
    let x = x.reshape([z.dim(0), 7, 7, 64]);
    let x = conv_transpose2d(at.child("dec.3"), x, 32, twice, [1, 1]).relu();
    conv_transpose2d(at.child("dec.5"), x, 1, twice, [1, 1])
}

/// Radford, Metz and Chintala 2016. One step moves the critic so that it tells images from fakes, then
/// the generator so that the moved critic takes its fakes for images.
fn adversaries<'g>(at: Scope<'g>, batch: &[Tensor<'g>]) -> Recorded<'g> {
    let beta1 =
        Optimizer::Adam { lr: 2e-4, beta1: 0.5, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };
    let (graph, critic) = (at.graph(), at.child("critic"));
    let fake = generated(at.child("generator"), batch[1]);
    let own = |side: &str| {
        let mut all = graph.parameters();
        all.retain(|(path, _)| path.starts_with(side));
        all
    };
    // −ln of the probability that it is an image, and that it is none.
    let is = |scores: Tensor<'g>| (-scores).softplus().mean();
    let is_not = |scores: Tensor<'g>| scores.softplus().mean();

    let real = is(judged(critic, batch[0]));
    let told = real + is_not(judged(critic.again(), fake.detach()));
    let mut gradients = moved(at.child("critic_optimizer"), told, own("critic/"), beta1);
    let passed = is(judged(critic.again(), fake));
    gradients.extend(moved(at.child("generator_optimizer"), passed, own("generator/"), beta1));
    Recorded { result: told + passed, gradients }
}

fn generated<'g>(at: Scope<'g>, z: Tensor<'g>) -> Tensor<'g> {
    let twice = Conv::new([4, 4]).stride([2, 2]).padding([1, 1]);
    let up = |name, x, channels, conv| conv_transpose2d(at.child(name), x, channels, conv, [0, 0]);
    let x = up("up1", z, 128, Conv::new([7, 7]).without_bias());
    let x = batch_norm(at.child("norm1"), x).relu();
    let x = up("up2", x, 64, twice.without_bias());
    let x = batch_norm(at.child("norm2"), x).relu();
    up("up3", x, 1, twice).tanh()
}

fn judged<'g>(at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
    let half = Conv::new([4, 4]).stride([2, 2]).padding([1, 1]);
    let leaky = Activation::LeakyRelu { slope: 0.2 };
    let x = leaky.of(conv2d(at.child("conv1"), x, 64, half));
    let x = leaky.of(conv2d(at.child("conv2"), x, 128, half));
    let x = conv2d(at.child("conv3"), x, 1, Conv::new([7, 7]));
    x.reshape([x.dim(0), 1])
}
