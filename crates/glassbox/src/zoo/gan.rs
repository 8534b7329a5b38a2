//! Two networks against each other: one makes rows from noise, one tells them from rows of the data.

use glassbox_engine::{DType, Distribution, Scope, Tensor, grad};

use super::named::{Choices, Family, Member, Named, Sizes, Takes, Training, Wanted};
use super::parts::flat;
use super::{Normalize, autoencoder::beside};
use crate::nn::{
    self, Activation, Coded, Conv, Generative, Initial, Learn, Measured, Measures, Module,
    Optimizer, Seen,
};

/// A generative adversarial network (Goodfellow et al. 2014), dense or convolutional (DCGAN: Radford, Metz
/// and Chintala 2016), conditional (Mirza and Osindero 2014), with spectral normalisation (Miyato et al.
/// 2018) or a penalty on the discriminator's slope (R1: Mescheder et al. 2018); or one whose critic estimates
/// Wasserstein's distance, its slope being held at 1 by a penalty on its gradient (WGAN-GP: Gulrajani et al.
/// 2017).
///
/// The parameters of the two stand below `generator` and `discriminator`. A step moves the discriminator
/// first, so that it tells rows from what is made, then the generator, so that the moved discriminator takes
/// what it makes for rows: it makes −ln D(G(z)) small, which keeps a slope where ln(1 − D(G(z))) has none.
/// A discriminator has no batch normalisation, so that what it says of a row depends on that row alone; a
/// critic has layer normalisation.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::Generative;
/// use glassbox::zoo::Gan;
/// let model = Gan::new(&[28, 28, 1], 64).discriminator(&[64, 128]).convolutional().bounded(true);
/// let graph = Graph::new();
/// let codes = graph.input("codes", DType::F32, [8, 64]);
/// let rows = model.decode(graph.root(Mode::Eval), codes, None);
/// assert_eq!(rows.shape().sizes(), &[8, 28, 28, 1]);
/// # assert!(graph.check().is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Gan {
    /// The shape of a row.
    shape: Vec<usize>,
    code: usize,
    convolutional: bool,
    discriminator: Vec<usize>,
    generator: Vec<usize>,
    activation: Activation,
    normalize: Normalize,
    bounded: bool,
    smoothing: f64,
    spectral: bool,
    classes: usize,
    /// What the slope of the discriminator counts.
    penalty: f64,
    /// How often a critic learns before the generator does once; none: a discriminator.
    critic: Option<usize>,
}

/// The activation of discriminators, as in DCGAN.
const LEAKY: Activation = Activation::LeakyRelu { slope: 0.2 };
/// Added to the squared length of a gradient, so that a root has a slope at 0.
const LEAST_SQUARE: f64 = 1e-12;

impl Gan {
    /// Of rows of this shape, made from so many numbers, without hidden layers.
    pub fn new(shape: &[usize], code: usize) -> Self {
        Gan {
            shape: shape.to_vec(),
            code,
            convolutional: false,
            discriminator: Vec::new(),
            generator: Vec::new(),
            activation: Activation::Relu,
            normalize: Normalize::None,
            bounded: false,
            smoothing: 0.0,
            spectral: false,
            classes: 0,
            penalty: 0.0,
            critic: None,
        }
    }

    /// Units of the discriminator's hidden layers, input side first (of convolutions: channels); those of
    /// the generator are the same, reversed.
    pub fn discriminator(self, sizes: &[usize]) -> Self {
        let reversed = sizes.iter().rev().copied().collect();
        Gan { discriminator: sizes.to_vec(), generator: reversed, ..self }
    }

    /// Units of the generator's hidden layers, code side first. Of convolutions: as many as the
    /// discriminator has.
    pub fn generator(self, sizes: &[usize]) -> Self {
        Gan { generator: sizes.to_vec(), ..self }
    }

    /// Of images: layers are convolutions of 4 × 4 with a stride of 2.
    pub fn convolutional(self) -> Self {
        Gan { convolutional: true, ..self }
    }

    /// The activation of the generator's hidden units; the discriminator's is leaky ReLU with a slope of
    /// 0.2.
    pub fn activation(self, activation: Activation) -> Self {
        Gan { activation, ..self }
    }

    /// What is normalised before each activation of the generator.
    pub fn normalize(self, normalize: Normalize) -> Self {
        Gan { normalize, ..self }
    }

    /// Whether numbers that are made lie between 0 and 1, as those of pixels do.
    pub fn bounded(self, bounded: bool) -> Self {
        Gan { bounded, ..self }
    }

    /// The discriminator is to give rows of the data a probability of 1 − `share` (one-sided label smoothing,
    /// Salimans et al. 2016).
    pub fn smoothing(self, share: f64) -> Self {
        Gan { smoothing: share, ..self }
    }

    /// Whether the discriminator's weights are divided by their largest singular value:
    /// [`nn::spectral_norm`].
    pub fn spectral(self, spectral: bool) -> Self {
        Gan { spectral, ..self }
    }

    /// Generator and discriminator are told which of so many classes a row is of.
    pub fn conditional(self, classes: usize) -> Self {
        Gan { classes, ..self }
    }

    /// The discriminator's gradient at rows of the data counts `weight` · ½ length² (R1: Mescheder, Geiger,
    /// Nowozin, "Which training methods for GANs do actually converge?" 2018): near its end the training then
    /// comes to rest where it would circle.
    pub fn penalty(self, weight: f64) -> Self {
        Gan { penalty: weight, ..self }
    }

    /// A critic in place of a discriminator: it learns so often before the generator learns once, each time
    /// on a part of the batch, and the length of its gradient counts `penalty` · (length − 1)².
    pub fn critic(self, steps: usize, penalty: f64) -> Self {
        Gan { critic: Some(steps), penalty, ..self }
    }

    /// Height and width after each halving, the image's own first.
    fn sides(&self) -> Vec<[usize; 2]> {
        let first = match self.shape[..] {
            [height, width, _] => [height, width],
            _ => [1, 1],
        };
        let mut sides = vec![first];
        for _ in &self.discriminator {
            let last = sides.last().copied().unwrap_or(first);
            sides.push(last.map(|size| size / 2));
        }
        sides
    }

    /// Rows `[rows, …]` made of codes.
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
        let active = |number: usize, x| {
            self.activation.of(match self.normalize {
                Normalize::None => x,
                Normalize::Batch => nn::batch_norm(at.index("norm", number), x),
                Normalize::Layer => nn::layer_norm(at.index("norm", number), x),
            })
        };
        let shown = |x: Tensor<'g>| if self.bounded { (x.tanh() + 1.0) * 0.5 } else { x };
        let out = |x, size| shown(nn::linear(at.child("out"), x, size, Initial::Xavier));
        let sides = self.sides();
        let [height, width] = sides.last().copied().unwrap_or([1, 1]);
        let Some((&first, later)) = self.generator.split_first().filter(|_| self.convolutional)
        else {
            for (number, &size) in (1..).zip(&self.generator) {
                x = active(number, nn::linear(at.index("fc", number), x, size, initial));
            }
            return out(x, self.shape.iter().product()).reshape(shape);
        };
        x = nn::linear(at.child("fc"), x, height * width * first, initial);
        x = active(0, x.reshape([rows, height, width, first]));
        let twice = Conv::new([4, 4]).stride([2, 2]).padding([1, 1]);
        let channels = self.shape.last().copied().unwrap_or(1);
        let sizes = later.iter().copied().chain([channels]);
        let sides = sides.iter().rev();
        for (number, (size, pair)) in (1..).zip(sizes.zip(sides.clone().zip(sides.skip(1)))) {
            let more = [0, 1].map(|axis| pair.1[axis].saturating_sub(2 * pair.0[axis]));
            let last = number == self.generator.len();
            let how = if last { twice.initial(Initial::Xavier) } else { twice };
            x = nn::conv_transpose2d(at.index("conv", number), x, size, how, more);
            x = if last { shown(x) } else { active(number, x) };
        }
        x
    }

    /// What the discriminator says of rows, `[rows, 1]`: the logit of the probability that they are of the
    /// data; of a critic a number that is larger for them.
    #[track_caller]
    fn judged<'g>(&self, at: Scope<'g>, seen: Seen<'g>) -> Tensor<'g> {
        let Seen { rows, classes } = seen;
        let mut x = if self.bounded { rows * 2.0 - 1.0 } else { rows };
        let active = |number: usize, x| {
            LEAKY.of(match self.critic {
                Some(_) => nn::layer_norm(at.index("norm", number), x),
                None => x,
            })
        };
        let dense = if self.spectral { nn::spectral_linear } else { nn::linear };
        if self.convolutional {
            if let Some(classes) = classes {
                let [height, width] = self.sides()[0];
                let (count, all) = (x.dim(0), classes.dim(-1));
                let places = classes.reshape([count, 1, 1, all]);
                x = x.concatenate(&[places.broadcast_to([count, height, width, all])], -1);
            }
            let half = Conv::new([4, 4]).stride([2, 2]).padding([1, 1]).spectral(self.spectral);
            for (number, &size) in (1..).zip(&self.discriminator) {
                x = active(number, nn::conv2d(at.index("conv", number), x, size, half));
            }
        } else {
            x = beside(flat(x), classes);
            for (number, &size) in (1..).zip(&self.discriminator) {
                x = active(number, dense(at.index("fc", number), x, size, Initial::He));
            }
        }
        dense(at.child("out"), flat(x), 1, Initial::Xavier)
    }

    /// New rows, of the classes of those that are seen.
    #[track_caller]
    fn drawn<'g>(&self, [noise, at]: [Scope<'g>; 2], seen: Seen<'g>) -> Seen<'g> {
        let codes = nn::normal(noise, &[seen.rows.dim(0), self.code]);
        Seen { rows: self.made(at, codes, seen.classes), ..seen }
    }

    /// (length − 1)² of the critic's gradient at places between rows and what was made, `[rows, 1]`, by
    /// differentiating it; and the lengths.
    #[track_caller]
    fn slopes<'g>(
        &self,
        [chance, critic]: [Scope<'g>; 2],
        real: Seen<'g>,
        fake: Tensor<'g>,
    ) -> [Tensor<'g>; 2] {
        let between = {
            let _inside = chance.enter();
            let mut sizes = vec![1; real.rows.rank()];
            sizes[0] = real.rows.dim(0);
            let graph = chance.graph();
            let (seed, step) = (nn::seed(graph), nn::step(graph));
            let share = chance.random(Distribution::Uniform, sizes, seed, step);
            fake + (real.rows - fake) * share.cast(fake.dtype())
        };
        let said = self.judged(critic, Seen { rows: between, ..real });
        let length = (squared_lengths(said, between) + LEAST_SQUARE).sqrt();
        [(length - 1.0).square(), length]
    }

    /// The critic learns on the parts of a batch, then the generator from the last part.
    #[track_caller]
    fn train_critic<'g>(
        &self,
        at: Scope<'g>,
        seen: Seen<'g>,
        learn: &mut Learn<'_, 'g>,
        steps: usize,
    ) -> Tensor<'g> {
        let [generator, discriminator] = [at.child(GENERATOR), at.child(DISCRIMINATOR)];
        let [noise, between] = [at.child("codes"), at.child("between")];
        let rows = seen.rows.dim(0);
        let parts = steps.clamp(1, rows.max(1));
        let once_more =
            |scope: Scope<'g>, part: usize| if part == 0 { scope } else { scope.again() };
        let mut last = seen;
        for part in 0..parts {
            let range = part * rows / parts..(part + 1) * rows / parts;
            let real = Seen {
                rows: seen.rows.slice(0, range.clone()),
                classes: seen.classes.map(|classes| classes.slice(0, range)),
            };
            let fake = self.drawn([noise.index("", part), once_more(generator, part)], real);
            let held = fake.rows.detach();
            let of_real = self.judged(once_more(discriminator, part), real);
            let of_fake = self.judged(discriminator.again(), Seen { rows: held, ..real });
            let places = [between.index("", part), discriminator.again()];
            let [penalty, _] = self.slopes(places, real, held);
            let penalty = penalty.mean().named("gradient_penalty");
            learn(DISCRIMINATOR, of_fake.mean() - of_real.mean() + penalty * self.penalty);
            last = fake;
        }
        let loss = -self.judged(discriminator.again(), last).mean();
        learn(GENERATOR, loss);
        loss
    }
}

/// The squared length of each row's gradient, `[rows, 1]`, of what was said of it.
#[track_caller]
fn squared_lengths<'g>(said: Tensor<'g>, rows: Tensor<'g>) -> Tensor<'g> {
    // Rows do not act on each other: the gradient of the sum has each row's own.
    flat(grad(said.sum(), &[rows])[0]).square().sum_axis(-1)
}

/// The scopes of the two networks.
const GENERATOR: &str = "generator";
const DISCRIMINATOR: &str = "discriminator";

impl Generative for Gan {
    fn measures(&self) -> &'static Measures {
        if self.critic.is_some() { &DISTANCE } else { &PROBABILITIES }
    }

    fn code(&self) -> usize {
        self.code
    }

    fn classes(&self) -> usize {
        self.classes
    }

    #[track_caller]
    fn train<'g>(&self, at: Scope<'g>, seen: Seen<'g>, learn: &mut Learn<'_, 'g>) -> Tensor<'g> {
        if let Some(steps) = self.critic {
            return self.train_critic(at, seen, learn, steps);
        }
        let fake = self.drawn([at.child("codes"), at.child(GENERATOR)], seen);
        let discriminator = at.child(DISCRIMINATOR);
        let of_real = self.judged(discriminator, seen);
        let held = Seen { rows: fake.rows.detach(), ..fake };
        let of_fake = self.judged(discriminator.again(), held);
        // −(1 − s) ln p − s ln(1 − p), p being the probability that is given.
        let real = (of_real.softplus() - of_real * (1.0 - self.smoothing)).mean();
        let mut both = real + of_fake.softplus().mean();
        if self.penalty > 0.0 {
            let square = squared_lengths(of_real, seen.rows).mean().named("gradient_penalty");
            both = both + square * (self.penalty / 2.0);
        }
        learn(DISCRIMINATOR, both);
        let loss = (-self.judged(discriminator.again(), fake)).softplus().mean();
        learn(GENERATOR, loss);
        loss
    }

    #[track_caller]
    fn measure<'g>(&self, at: Scope<'g>, seen: Seen<'g>) -> Measured<'g> {
        let [generator, discriminator] = [at.child(GENERATOR), at.child(DISCRIMINATOR)];
        let fake = self.drawn([at.child("codes"), generator], seen);
        let of_real = self.judged(discriminator, seen);
        let of_fake = self.judged(discriminator.again(), fake);
        let figures = match self.critic {
            Some(_) => {
                let places = [at.child("between"), discriminator.again()];
                let [penalty, length] = self.slopes(places, seen, fake.rows);
                let distance = of_real - of_fake;
                let loss = penalty * self.penalty - distance;
                (-of_fake).concatenate(&[loss, distance, length], -1)
            }
            None => {
                let zero = of_real.full_like(0.0);
                let counted = |right: Tensor<'g>| right.cast(DType::F32);
                let loss = (-of_real).softplus() + of_fake.softplus();
                let right = [counted(of_real.greater(zero)), counted(of_fake.less(zero))];
                (-of_fake).softplus().concatenate(&[loss, right[0], right[1]], -1)
            }
        };
        Measured { made: fake.rows, figures }
    }

    fn encode<'g>(&self, _: Scope<'g>, _: Seen<'g>) -> Option<Coded<'g>> {
        None
    }

    #[track_caller]
    fn decode<'g>(
        &self,
        at: Scope<'g>,
        codes: Tensor<'g>,
        classes: Option<Tensor<'g>>,
    ) -> Tensor<'g> {
        self.made(at.child(GENERATOR), codes, classes)
    }
}

impl Module for Gan {
    fn name(&self) -> &str {
        match (self.critic.is_some(), self.convolutional) {
            (true, _) => "wgan-gp",
            (false, true) => "dcgan",
            (false, false) => "gan",
        }
    }

    /// What it makes, as many rows as it is given.
    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g> {
        self.measure(at, Seen { rows: input, classes: None }).made
    }

    fn generative(&self) -> Option<&dyn Generative> {
        Some(self)
    }
}

static PROBABILITIES: Measures = Measures {
    names: &["loss", "discriminator_loss", "real_accuracy", "fake_accuracy"],
    guess: None,
    adversarial: true,
};

static DISTANCE: Measures = Measures {
    names: &["loss", "discriminator_loss", "distance", "slope"],
    guess: None,
    adversarial: true,
};

pub(super) static ADVERSARIAL: Family = Family {
    name: "Generative adversarial networks",
    source: "Goodfellow et al., \"Generative adversarial nets\" (2014); Radford, Metz, Chintala, \
             \"Unsupervised representation learning with deep convolutional generative adversarial \
             networks\" (2016)",
    takes: Takes::Rows,
    members: &[Member::any("gan"), Member::any("dcgan")],
    options: &[
        "encoder",
        "decoder",
        "code",
        "activation",
        "normalize",
        "bounded",
        "smoothing",
        "spectral",
        "penalty",
        "conditional",
    ],
    defaults: Choices { penalty: 0.0, ..DEFAULTS },
    training: Training { optimizer: adam(2e-4, 0.5, 0.999), epochs: 30, label_smoothing: 0.0 },
    build,
};

pub(super) static WASSERSTEIN: Family = Family {
    name: "Wasserstein GANs",
    source: "Gulrajani et al., \"Improved training of Wasserstein GANs\" (2017)",
    takes: Takes::Rows,
    members: &[Member::any("wgan-gp")],
    options: &[
        "encoder",
        "decoder",
        "code",
        "activation",
        "normalize",
        "bounded",
        "critic_steps",
        "penalty",
        "conditional",
    ],
    defaults: DEFAULTS,
    training: Training { optimizer: adam(2e-4, 0.0, 0.9), epochs: 30, label_smoothing: 0.0 },
    build,
};

const DEFAULTS: Choices = Choices { encoder: Sizes::of(&[256, 256]), code: 64, ..Choices::PLAIN };

const fn adam(lr: f64, beta1: f64, beta2: f64) -> Optimizer {
    Optimizer::Adam { lr, beta1, beta2, epsilon: 1e-8, weight_decay: 0.0 }
}

/// Whether a named model's layers are convolutions, for rows of this shape.
pub(super) fn is_convolutional(word: &str, row: &[usize]) -> bool {
    word == "dcgan" || word == "wgan-gp" && row.len() == 3
}

fn build(named: Named, choices: &Choices, wanted: &Wanted<'_>) -> Box<dyn Module> {
    let model = Gan::new(wanted.row, choices.code)
        .discriminator(choices.encoder.as_slice())
        .activation(choices.activation)
        .normalize(choices.normalize)
        .bounded(choices.bounded)
        .smoothing(choices.smoothing)
        .spectral(choices.spectral)
        .penalty(choices.penalty)
        .conditional(if choices.conditional { wanted.classes } else { 0 });
    let model = match choices.decoder.as_slice() {
        [] => model,
        sizes => model.generator(sizes),
    };
    let model = match is_convolutional(named.word(), wanted.row) {
        true => model.convolutional(),
        false => model,
    };
    Box::new(match named.word() {
        "wgan-gp" => model.critic(choices.critic_steps, choices.penalty),
        _ => model,
    })
}
