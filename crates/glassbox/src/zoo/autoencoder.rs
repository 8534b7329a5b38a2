//! Networks that squeeze a row through a few numbers, its code, and make it again from them.

use glassbox_engine::{DType, Scope, Tensor};

use super::Likelihood;
use super::named::{Choices, Family, Member, Named, Sizes, Takes, Training, Wanted};
use super::parts::flat;
use crate::nn::{
    self, Activation, Coded, Conv, Generative, Initial, Learn, Measured, Measures, Module,
    Optimizer, Seen,
};

/// An autoencoder (Hinton and Salakhutdinov 2006), dense or convolutional; denoising (Vincent et al. 2008),
/// masked (He et al. 2022), sparse; or variational (Kingma and Welling 2014), conditional (Sohn et al. 2015)
/// and with β (Higgins et al. 2017).
///
/// Dense layers have as many units as `encoder` says; convolutions halve height and width and have so many
/// channels. The decoder is the encoder reversed unless it is said.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{Generative, Module, Seen};
/// use glassbox::zoo::Autoencoder;
/// let model = Autoencoder::new(&[28, 28, 1], 20).encoder(&[400]).variational(1.0);
/// let graph = Graph::new();
/// let rows = graph.input("rows", DType::F32, [8, 28, 28, 1]);
/// let codes = model.encode(graph.root(Mode::Eval), Seen { rows, classes: None }).ok_or("no encoder")?;
/// assert_eq!(codes.mean.shape().sizes(), &[8, 20]);
/// # assert!(graph.check().is_ok());
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug)]
pub struct Autoencoder {
    /// The shape of a row.
    shape: Vec<usize>,
    convolutional: bool,
    encoder: Vec<usize>,
    decoder: Vec<usize>,
    code: usize,
    activation: Activation,
    likelihood: Likelihood,
    variational: Option<Variational>,
    noise: f64,
    mask: f64,
    patch: usize,
    sparsity: f64,
    classes: usize,
}

/// How the code of a variational autoencoder is held near the standard normal distribution.
#[derive(Clone, Copy, Debug)]
struct Variational {
    beta: f64,
    warmup: usize,
    free_bits: f64,
}

impl Autoencoder {
    /// Of rows of this shape, without hidden layers: linear, if the likelihood is a Gaussian's.
    pub fn new(shape: &[usize], code: usize) -> Self {
        Autoencoder {
            shape: shape.to_vec(),
            convolutional: false,
            encoder: Vec::new(),
            decoder: Vec::new(),
            code,
            activation: Activation::Relu,
            likelihood: Likelihood::Gaussian,
            variational: None,
            noise: 0.0,
            mask: 0.0,
            patch: 1,
            sparsity: 0.0,
            classes: 0,
        }
    }

    /// Units of the hidden layers, input side first (of convolutions: channels); those of the decoder are
    /// the same, reversed.
    pub fn encoder(self, sizes: &[usize]) -> Self {
        let reversed = sizes.iter().rev().copied().collect();
        Autoencoder { encoder: sizes.to_vec(), decoder: reversed, ..self }
    }

    /// Units of the decoder's hidden layers, code side first. Of convolutions: as many as the encoder has.
    pub fn decoder(self, sizes: &[usize]) -> Self {
        Autoencoder { decoder: sizes.to_vec(), ..self }
    }

    /// Of images: layers are convolutions of 3 × 3 with a stride of 2.
    pub fn convolutional(self) -> Self {
        Autoencoder { convolutional: true, ..self }
    }

    /// The hidden units' activation.
    pub fn activation(self, activation: Activation) -> Self {
        Autoencoder { activation, ..self }
    }

    /// What a row's numbers are taken to be distributed as.
    pub fn likelihood(self, likelihood: Likelihood) -> Self {
        Autoencoder { likelihood, ..self }
    }

    /// A row's code is drawn from a normal distribution, whose divergence from the standard normal one
    /// counts `beta` in the loss.
    pub fn variational(self, beta: f64) -> Self {
        Autoencoder { variational: Some(Variational { beta, warmup: 0, free_bits: 0.0 }), ..self }
    }

    /// Over so many steps the divergence comes to count fully (Bowman et al. 2016).
    pub fn warmup(mut self, steps: usize) -> Self {
        if let Some(variational) = &mut self.variational {
            variational.warmup = steps;
        }
        self
    }

    /// Nats that each number of the code may diverge by at no cost (Kingma et al. 2016).
    pub fn free_bits(mut self, nats: f64) -> Self {
        if let Some(variational) = &mut self.variational {
            variational.free_bits = nats;
        }
        self
    }

    /// Normal noise of this standard deviation is added to what the encoder reads; the row without it is
    /// what is to be made.
    pub fn noise(self, deviation: f64) -> Self {
        Autoencoder { noise: deviation, ..self }
    }

    /// This share of what the encoder reads is set to 0: numbers, or of images squares of `patch` pixels a
    /// side where they divide it.
    pub fn mask(self, share: f64, patch: usize) -> Self {
        Autoencoder { mask: share, patch, ..self }
    }

    /// What is added to the loss for the mean size of the code's numbers.
    pub fn sparsity(self, weight: f64) -> Self {
        Autoencoder { sparsity: weight, ..self }
    }

    /// Encoder and decoder are told which of so many classes a row is of.
    pub fn conditional(self, classes: usize) -> Self {
        Autoencoder { classes, ..self }
    }

    fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Height and width after each halving, the image's own first.
    fn sides(&self) -> Vec<[usize; 2]> {
        let mut side = match self.shape[..] {
            [height, width, _] => [height, width],
            _ => [1, self.elements()],
        };
        let mut sides = vec![side];
        for _ in &self.encoder {
            side = side.map(|size| size.div_ceil(2));
            sides.push(side);
        }
        sides
    }

    /// What the encoder reads: the row with noise, and parts of it hidden.
    #[track_caller]
    fn spoiled<'g>(&self, at: Scope<'g>, rows: Tensor<'g>) -> Tensor<'g> {
        let mut x = rows;
        let shape = rows.shape();
        if self.noise > 0.0 {
            x = x + nn::normal(at.child("noise"), shape.sizes()) * self.noise;
        }
        if self.mask > 0.0 {
            x = x * nn::kept(at.child("mask"), shape.sizes(), self.mask, self.patch);
        }
        x
    }

    /// The encoder's last hidden numbers `[rows, numbers]`.
    #[track_caller]
    fn hidden<'g>(&self, at: Scope<'g>, seen: Seen<'g>) -> Tensor<'g> {
        let half = Conv::new([3, 3]).stride([2, 2]).padding([1, 1]);
        let mut x = match self.convolutional {
            true => seen.rows,
            false => beside(flat(seen.rows), seen.classes),
        };
        for (number, &size) in (1..).zip(&self.encoder) {
            x = self.activation.of(match self.convolutional {
                true => nn::conv2d(at.index("conv", number), x, size, half),
                false => nn::linear(at.index("fc", number), x, size, self.activation.initial()),
            });
        }
        if self.convolutional { beside(flat(x), seen.classes) } else { x }
    }

    #[track_caller]
    fn code_of<'g>(&self, at: Scope<'g>, seen: Seen<'g>) -> Coded<'g> {
        let at = at.child("encoder");
        let h = self.hidden(at, seen);
        let layer = |name| nn::linear(at.child(name), h, self.code, Initial::Xavier);
        match self.variational {
            Some(_) => Coded { mean: layer("mean"), log_variance: Some(layer("log_variance")) },
            None => Coded { mean: layer("code"), log_variance: None },
        }
    }

    /// What the decoder makes of codes: the mean of each number, or the logit of its probability.
    #[track_caller]
    fn made<'g>(
        &self,
        at: Scope<'g>,
        codes: Tensor<'g>,
        classes: Option<Tensor<'g>>,
    ) -> Tensor<'g> {
        let rows = codes.dim(0);
        let shape = [&[rows], &self.shape[..]].concat();
        let mut x = beside(codes, classes);
        let initial = self.activation.initial();
        let last = |x, size| nn::linear(at.child("out"), x, size, Initial::Xavier);
        if !self.convolutional {
            for (number, &size) in (1..).zip(&self.decoder) {
                let layer = nn::linear(at.index("fc", number), x, size, initial);
                x = self.activation.of(layer);
            }
            return last(x, self.elements()).reshape(shape);
        }
        let sides = self.sides();
        let [height, width] = sides.last().copied().unwrap_or([1, 1]);
        let Some((&first, later)) = self.decoder.split_first() else {
            return last(x, self.elements()).reshape(shape);
        };
        x = nn::linear(at.child("fc"), x, height * width * first, initial);
        x = self.activation.of(x).reshape([rows, height, width, first]);
        let twice = Conv::new([3, 3]).stride([2, 2]).padding([1, 1]);
        let channels = self.shape.last().copied().unwrap_or(1);
        let sizes = later.iter().copied().chain([channels]);
        let sides = sides.iter().rev();
        for (number, (size, pair)) in (1..).zip(sizes.zip(sides.clone().zip(sides.skip(1)))) {
            let more = [0, 1].map(|axis| (pair.1[axis] + 1).saturating_sub(2 * pair.0[axis]));
            let last = number == self.decoder.len();
            let up = at.index("conv", number);
            x = nn::conv_transpose2d(up, x, size, twice, more);
            x = if last { x } else { self.activation.of(x) };
        }
        x
    }

    /// In the space of rows: probabilities, or the numbers themselves.
    fn shown<'g>(&self, made: Tensor<'g>) -> Tensor<'g> {
        match self.likelihood {
            Likelihood::Bernoulli => made.sigmoid(),
            Likelihood::Gaussian => made,
        }
    }

    /// −ln p of each row under what the decoder made, constants kept; of an autoencoder that is not
    /// variational, the mean over its numbers (of a Gaussian: the squared error).
    #[track_caller]
    fn losses<'g>(&self, at: Scope<'g>, made: Tensor<'g>, rows: Tensor<'g>) -> Tensor<'g> {
        let (made, rows) = (flat(made), flat(rows));
        let each = match (self.likelihood, self.variational) {
            (Likelihood::Bernoulli, _) => made.softplus() - made * rows,
            (Likelihood::Gaussian, None) => (rows - made).square(),
            (Likelihood::Gaussian, Some(_)) => {
                // One variance for all numbers, learned (Rybkin, Daniilidis and Levine 2021).
                let s =
                    at.parameter("log_variance", [1, 1], glassbox_engine::Initial::Constant(0.0));
                let constant = std::f64::consts::TAU.ln();
                ((rows - made).square() * (-s).exp() + s + constant) * 0.5
            }
        };
        match self.variational {
            Some(_) => each.sum_axis(-1),
            None => each.mean_axis(-1),
        }
    }

    /// Codes drawn, the rows made of them, and what each row costs.
    #[track_caller]
    fn pass<'g>(&self, at: Scope<'g>, seen: Seen<'g>) -> Passed<'g> {
        let rows = seen.rows;
        let seen = Seen { rows: self.spoiled(at, rows), ..seen };
        let coded = self.code_of(at, seen);
        let (codes, divergence, ratio) = match coded.log_variance {
            Some(log_variance) => {
                let noise = nn::normal(at.child("code"), coded.mean.shape().sizes());
                let drawn = coded.mean + noise * (log_variance * 0.5).exp();
                let divergence = nn::divergence(coded.mean, log_variance).named("divergence");
                // ln p(z) − ln q(z|x), their constants being the same.
                let ratio = (noise.square() + log_variance - drawn.square()).sum_axis(-1) * 0.5;
                (drawn.named("codes"), Some(divergence), Some(ratio))
            }
            None => (coded.mean.named("codes"), None, None),
        };
        let at = at.child("decoder");
        let made = self.made(at, codes, seen.classes);
        let losses = self.losses(at, made, rows).named("reconstruction");
        Passed { made: self.shown(made), codes, losses, divergence, ratio }
    }
}

struct Passed<'g> {
    made: Tensor<'g>,
    codes: Tensor<'g>,
    /// `[rows, 1]`
    losses: Tensor<'g>,
    /// `[rows, code]`
    divergence: Option<Tensor<'g>>,
    /// ln p(z) − ln q(z|x), `[rows, 1]`
    ratio: Option<Tensor<'g>>,
}

/// Numbers with the classes behind them.
pub(super) fn beside<'g>(x: Tensor<'g>, classes: Option<Tensor<'g>>) -> Tensor<'g> {
    classes.map_or(x, |classes| x.concatenate(&[classes], -1))
}

impl Generative for Autoencoder {
    fn measures(&self) -> &'static Measures {
        match (self.variational.is_some(), self.likelihood) {
            (false, Likelihood::Gaussian) => &SQUARED_ERROR,
            (false, Likelihood::Bernoulli) => &CROSS_ENTROPY,
            (true, Likelihood::Gaussian) => &BOUND,
            (true, Likelihood::Bernoulli) => &BERNOULLI_BOUND,
        }
    }

    fn code(&self) -> usize {
        self.code
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn samples(&self) -> bool {
        self.variational.is_some()
    }

    #[track_caller]
    fn log_weight<'g>(&self, at: Scope<'g>, seen: Seen<'g>) -> Option<Tensor<'g>> {
        let Passed { losses, ratio, .. } = self.pass(at, seen);
        Some(ratio? - losses)
    }

    #[track_caller]
    fn train<'g>(&self, at: Scope<'g>, seen: Seen<'g>, learn: &mut Learn<'_, 'g>) -> Tensor<'g> {
        let Passed { codes, losses, divergence, .. } = self.pass(at, seen);
        let reconstruction = losses.mean();
        let (Some(variational), Some(divergence)) = (self.variational, divergence) else {
            let penalty = (self.sparsity > 0.0).then(|| codes.abs().mean() * self.sparsity);
            learn("", penalty.map_or(reconstruction, |penalty| reconstruction + penalty));
            return reconstruction;
        };
        let Variational { beta, warmup, free_bits } = variational;
        let kl = divergence.sum_axis(-1).mean().named("kl");
        let costs = match free_bits > 0.0 {
            true => {
                let each = divergence.mean_axis(0);
                each.max_with(each.scalar(free_bits)).sum()
            }
            false => kl,
        };
        let costs = match warmup {
            0 => costs * beta,
            steps => {
                let step = nn::step(at.graph()).cast(DType::F32);
                costs * (step * (1.0 / steps as f64)).clamp(0.0, 1.0) * beta
            }
        };
        learn("", reconstruction + costs);
        reconstruction + kl * beta
    }

    #[track_caller]
    fn measure<'g>(&self, at: Scope<'g>, seen: Seen<'g>) -> Measured<'g> {
        let Passed { made, losses, divergence, .. } = self.pass(at, seen);
        let apart = flat(seen.rows) - flat(made);
        let squared = apart.square().mean_axis(-1);
        let figures = match (self.variational, divergence) {
            (Some(Variational { beta, .. }), Some(divergence)) => {
                let kl = divergence.sum_axis(-1);
                (losses + kl * beta).concatenate(&[losses, kl, squared, divergence], -1)
            }
            _ => losses.concatenate(&[squared, apart.abs().mean_axis(-1)], -1),
        };
        Measured { made, figures }
    }

    #[track_caller]
    fn encode<'g>(&self, at: Scope<'g>, seen: Seen<'g>) -> Option<Coded<'g>> {
        Some(self.code_of(at, seen))
    }

    #[track_caller]
    fn decode<'g>(
        &self,
        at: Scope<'g>,
        codes: Tensor<'g>,
        classes: Option<Tensor<'g>>,
    ) -> Tensor<'g> {
        self.shown(self.made(at.child("decoder"), codes, classes))
    }
}

impl Module for Autoencoder {
    fn name(&self) -> &str {
        match (self.variational.is_some(), self.convolutional) {
            (false, false) => "autoencoder",
            (false, true) => "conv-autoencoder",
            (true, false) => "vae",
            (true, true) => "conv-vae",
        }
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g> {
        self.measure(at, Seen { rows: input, classes: None }).made
    }

    fn generative(&self) -> Option<&dyn Generative> {
        Some(self)
    }
}

static SQUARED_ERROR: Measures = Measures {
    names: &["loss", "squared_error", "absolute_error"],
    guess: Some(|row, mean| mean_over(row, mean, |x, mean| (x - mean).powi(2))),
    adversarial: false,
};

static CROSS_ENTROPY: Measures = Measures {
    names: &["loss", "squared_error", "absolute_error"],
    guess: Some(|row, mean| mean_over(row, mean, bernoulli)),
    adversarial: false,
};

static BOUND: Measures = Measures {
    names: &["loss", "reconstruction", "kl", "squared_error"],
    guess: None,
    adversarial: false,
};

static BERNOULLI_BOUND: Measures = Measures {
    names: &["loss", "reconstruction", "kl", "squared_error"],
    guess: Some(|row, mean| row.len() as f64 * mean_over(row, mean, bernoulli)),
    adversarial: false,
};

fn mean_over(row: &[f32], mean: &[f64], of: fn(f64, f64) -> f64) -> f64 {
    let sum: f64 = row.iter().zip(mean).map(|(x, mean)| of(f64::from(*x), *mean)).sum();
    sum / row.len().max(1) as f64
}

/// −ln of the probability of x, of a coin that shows 1 as often as `mean` says.
fn bernoulli(x: f64, mean: f64) -> f64 {
    let p = mean.clamp(1e-6, 1.0 - 1e-6);
    -x * p.ln() - (1.0 - x) * (1.0 - p).ln()
}

pub(super) static AUTOENCODER: Family = Family {
    name: "Autoencoders",
    source: "Hinton, Salakhutdinov, \"Reducing the dimensionality of data with neural networks\" (2006)",
    takes: Takes::Rows,
    members: &[Member::any("autoencoder"), Member::any("conv-autoencoder")],
    options: &[
        "encoder",
        "decoder",
        "code",
        "activation",
        "likelihood",
        "noise",
        "mask",
        "patch",
        "sparsity",
        "conditional",
    ],
    defaults: Choices { encoder: Sizes::of(&[128]), code: 16, patch: 4, ..Choices::PLAIN },
    training: Training { optimizer: Optimizer::ADAM, epochs: 30, label_smoothing: 0.0 },
    build,
};

pub(super) static VARIATIONAL: Family = Family {
    name: "Variational autoencoders",
    source: "Kingma, Welling, \"Auto-encoding variational Bayes\" (2014)",
    takes: Takes::Rows,
    members: &[Member::any("vae"), Member::any("conv-vae")],
    options: &[
        "encoder",
        "decoder",
        "code",
        "activation",
        "likelihood",
        "beta",
        "kl_warmup",
        "free_bits",
        "conditional",
    ],
    defaults: Choices { encoder: Sizes::of(&[400]), code: 20, ..Choices::PLAIN },
    training: Training { optimizer: Optimizer::ADAM, epochs: 30, label_smoothing: 0.0 },
    build,
};

fn build(named: Named, choices: &Choices, wanted: &Wanted<'_>) -> Box<dyn Module> {
    let model = Autoencoder::new(wanted.row, choices.code)
        .encoder(choices.encoder.as_slice())
        .activation(choices.activation)
        .likelihood(choices.likelihood)
        .noise(choices.noise)
        .mask(choices.mask, choices.patch)
        .sparsity(choices.sparsity)
        .conditional(if choices.conditional { wanted.classes } else { 0 });
    let model = match choices.decoder.as_slice() {
        [] => model,
        sizes => model.decoder(sizes),
    };
    let model = match named.word().starts_with("conv-") {
        true => model.convolutional(),
        false => model,
    };
    Box::new(match named.word().ends_with("vae") {
        true => {
            model.variational(choices.beta).warmup(choices.kl_warmup).free_bits(choices.free_bits)
        }
        false => model,
    })
}
