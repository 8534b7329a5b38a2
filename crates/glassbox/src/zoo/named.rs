//! The table of named models: families, members, options.

use glassbox_engine::{DType, Graph, Mode};
use serde::Serialize;

use super::{
    Normalize, alexnet, autoencoder, convnext, gan, googlenet, lenet, mobilenet, resnet, sequences,
    vgg, vit, words, xception,
};
use crate::nn::{Activation, Module, Optimizer, Positions};
use crate::word2vec::Architecture;
use crate::words::words;

/// Every family of named models, in the order in which they are offered.
pub static FAMILIES: &[&Family] = &[
    &lenet::FAMILY,
    &alexnet::FAMILY,
    &vgg::FAMILY,
    &googlenet::FAMILY,
    &resnet::SMALL,
    &resnet::FAMILY,
    &resnet::SQUEEZE,
    &xception::FAMILY,
    &mobilenet::FAMILY,
    &convnext::FAMILY,
    &vit::FAMILY,
    &sequences::RECURRENT,
    &sequences::CONVOLUTION,
    &sequences::ATTENTION,
    &sequences::GPT,
    &sequences::BERT,
    &sequences::SEQ2SEQ,
    &sequences::TRANSFORMER,
    &autoencoder::AUTOENCODER,
    &autoencoder::VARIATIONAL,
    &gan::ADVERSARIAL,
    &gan::WASSERSTEIN,
    &words::FAMILY,
];

/// Models that differ in size alone.
#[derive(Debug)]
pub struct Family {
    /// What people call it, e.g. `ResNet`.
    pub name: &'static str,
    /// Where it was published.
    pub source: &'static str,
    /// What its models read.
    pub takes: Takes,
    /// The models.
    pub members: &'static [Member],
    /// The names of the [`Choices`] that it understands.
    pub options: &'static [&'static str],
    /// What these begin with.
    pub defaults: Choices,
    /// How it is best trained from the start, in batches of 128 rows.
    pub training: Training,
    /// Records a member.
    pub(super) build: fn(Named, &Choices, &Wanted<'_>) -> Box<dyn Module>,
}

/// What the rows are that a family of models reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Images `[height, width, channels]`.
    Images,
    /// Sequences `[time, features]` of numbers; or of tokens, of which it tells the next one at every
    /// place, or the class of the whole.
    Sequences,
    /// Sequences of tokens, of which it tells the next one at every place.
    Text,
    /// Sequences of tokens, of which it tells those that are hidden.
    Masked,
    /// Two sequences of tokens, of which the second says in its way what the first does.
    Pairs,
    /// Rows of numbers of any shape, which it learns themselves.
    Rows,
    /// Words and those around them, in a way of its own: [`word2vec`](crate::word2vec).
    Words,
}

/// What a model is to be made for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The shape of a row: of an image, `[time, features]`, or `[time]` of tokens.
    pub row: &'a [usize],
    /// How many tokens there are, where rows are tokens.
    pub tokens: Option<usize>,
    /// Of a pair of sequences, how long the first is: the second follows it in the row.
    pub source: usize,
    /// The token that stands behind the end of shorter rows, where rows are not all as long.
    pub padding: Option<i64>,
    /// How many numbers it gives: for a row, or for every place of it.
    pub outputs: usize,
    /// Whether it gives them for every place.
    pub every_place: bool,
    /// Whether what it tells of a place is of what stands there, so that it may look at all of the row;
    /// else it is of what comes next, or was hidden.
    pub own_places: bool,
    /// Whether it tells what comes after the end of a sequence, rather than what the whole is.
    pub ahead: bool,
    /// Of a model that learns the rows themselves: how many classes of them are known.
    pub classes: usize,
}

/// A model of a family.
#[derive(Debug)]
pub struct Member {
    /// Its word in a configuration, e.g. `resnet18`.
    pub word: &'static str,
    /// What it was published for; none of models whose sizes everybody chooses.
    pub published: Option<Published>,
}

/// What a model was published for.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// The height and width of the images.
    pub side: usize,
    /// Their channels.
    pub channels: usize,
    /// The classes.
    pub classes: usize,
    /// How many numbers it learns, for these images and classes.
    pub parameters: usize,
}

impl Member {
    /// A model that was published for images of `side` pixels a side.
    pub(super) const fn images(
        word: &'static str,
        side: usize,
        channels: usize,
        classes: usize,
        parameters: usize,
    ) -> Self {
        Member { word, published: Some(Published { side, channels, classes, parameters }) }
    }

    /// A model of any size.
    pub(super) const fn any(word: &'static str) -> Self {
        Member { word, published: None }
    }
}

/// How a model is best trained from the start, in batches of 128 rows (sequences: as many as `batch`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Training {
    /// How the parameters move; the rate is the top of one cycle.
    pub optimizer: Optimizer,
    /// Passes over the training part.
    pub epochs: u64,
    /// The share of the target that is spread over all classes.
    pub label_smoothing: f64,
}

impl Training {
    /// Momentum 0.9 with this rate, weights decaying by 5e-4, 30 epochs.
    pub(super) const fn momentum(lr: f64) -> Self {
        let optimizer =
            Optimizer::Momentum { lr, momentum: 0.9, nesterov: false, weight_decay: 5e-4 };
        Training { optimizer, epochs: 30, label_smoothing: 0.0 }
    }

    /// AdamW at 1e-3 with weights decaying by 0.05, smoothed labels, 30 epochs.
    pub(super) const fn adamw() -> Self {
        let optimizer = Optimizer::AdamW {
            lr: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.05,
        };
        Training { optimizer, epochs: 30, label_smoothing: 0.1 }
    }
}

/// What can be chosen of a named model; each family understands some of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Choices {
    /// The hidden units' activation.
    pub activation: Activation,
    /// What is normalised before each activation.
    pub normalize: Normalize,
    /// The share of the last hidden numbers that training leaves out, in [0, 1).
    pub dropout: f64,
    /// Whether there are skip connections.
    pub skip: bool,
    /// Whether normalisation and activation stand before the convolutions (He et al. 2016b).
    pub pre_activation: bool,
    /// Whether there are auxiliary heads in training.
    pub auxiliary: bool,
    /// The share of rows for which training leaves out the last block, less for those before it, in
    /// [0, 1): [`stochastic_depth`](crate::nn::stochastic_depth).
    pub stochastic_depth: f64,
    /// What the number of channels is multiplied by.
    pub width: f64,
    /// Height and width of the parts that images are cut into.
    pub patch: usize,
    /// How many numbers stand for a place of a sequence.
    pub units: usize,
    /// How many layers or blocks stand on each other.
    pub layers: usize,
    /// How many attention heads there are.
    pub heads: usize,
    /// Whether sequences are also read from their end.
    pub bidirectional: bool,
    /// How places of a sequence are told apart.
    pub positions: Positions,
    /// Whether the scores of tokens come from the table that they are read from.
    pub tied: bool,
    /// How one sequence looks at the other, of an encoder and a decoder that are recurrent.
    pub attention: Alignment,
    /// How often a decoder reads in training what should have come before, rather than what it says
    /// itself, in [0, 1].
    pub teacher_forcing: f64,
    /// Units (of convolutions: channels) of an encoder's hidden layers, input side first.
    pub encoder: Sizes,
    /// Those of a decoder, code side first; none: the encoder's, reversed.
    pub decoder: Sizes,
    /// How many numbers stand for a row.
    pub code: usize,
    /// What a row's numbers are taken to be distributed as.
    pub likelihood: Likelihood,
    /// What the divergence of a variational code counts in the loss.
    pub beta: f64,
    /// Over how many steps it comes to count so much.
    pub kl_warmup: usize,
    /// Nats that each number of a code may diverge by at no cost.
    pub free_bits: f64,
    /// Whether the model is told of a row's class.
    pub conditional: bool,
    /// The standard deviation of the noise that is added to rows that are read.
    pub noise: f64,
    /// The share of rows that is hidden, in [0, 1).
    pub mask: f64,
    /// What the size of a code's numbers counts in the loss.
    pub sparsity: f64,
    /// Whether numbers that are made lie between 0 and 1, as those of pixels do.
    pub bounded: bool,
    /// How far below 1 the probability is to be that a discriminator gives rows of the data, in [0, 1).
    pub smoothing: f64,
    /// Whether weights of a discriminator are divided by their largest singular value.
    pub spectral: bool,
    /// How often a critic learns before the generator learns once; each time on a part of the batch.
    pub critic_steps: usize,
    /// What a discriminator's gradient at rows of the data counts; of a critic's: that its length is not 1.
    pub penalty: f64,
    /// Of word vectors: what is guessed from what.
    pub architecture: Architecture,
    /// Of word vectors: numbers in a vector.
    pub dimensions: usize,
    /// Of word vectors: words around that are looked at on each side, at most.
    pub window: usize,
    /// Of word vectors: words that are not there, drawn for each that is.
    pub negative: usize,
    /// Of word vectors: words rarer than this are left out.
    pub min_count: u64,
    /// Of word vectors: the share of the text from which on a word is left out now and then; 0 keeps all.
    pub sample: f64,
}

words! {
    /// What the numbers of a row are taken to be distributed as, given its code.
    Likelihood {
        /// As normal distributions of one variance.
        Gaussian = "gaussian",
        /// As coins, whose probability each number is; of numbers from 0 to 1.
        Bernoulli = "bernoulli",
    }
}

/// The most hidden layers that [`Sizes`] can tell of.
const MOST_SIZES: usize = 8;

/// The sizes of some layers, eight at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    sizes: [usize; MOST_SIZES],
    layers: usize,
}

impl Sizes {
    /// Of these layers; those beyond the eighth are left out.
    pub const fn of(sizes: &[usize]) -> Self {
        let layers = if sizes.len() < MOST_SIZES { sizes.len() } else { MOST_SIZES };
        let mut held = [0; MOST_SIZES];
        let mut at = 0;
        while at < layers {
            held[at] = sizes[at];
            at += 1;
        }
        Sizes { sizes: held, layers }
    }

    /// The sizes, in order.
    pub fn as_slice(&self) -> &[usize] {
        &self.sizes[..self.layers]
    }

    /// From the sizes that a configuration lists.
    ///
    /// # Errors
    /// More than eight.
    pub(crate) fn from_list(sizes: &[usize]) -> Result<Self, String> {
        match sizes.len() {
            0..=MOST_SIZES => Ok(Sizes::of(sizes)),
            more => Err(format!("lists {more} layers: {MOST_SIZES} at most")),
        }
    }
}

impl Serialize for Sizes {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.as_slice().serialize(to)
    }
}

words! {
    /// How the decoder of a recurrent network looks at what the encoder read.
    Alignment {
        /// Not at all: all it knows is the encoder's last state.
        None = "none",
        /// By a small network of both states (Bahdanau et al. 2015).
        Additive = "additive",
        /// By the product of both states (Luong et al. 2015).
        Dot = "dot",
    }
}

impl Choices {
    /// Every choice, by the name by which a configuration calls it.
    pub const NAMES: [&'static str; 39] = [
        "activation",
        "normalize",
        "dropout",
        "skip",
        "pre_activation",
        "auxiliary",
        "stochastic_depth",
        "width",
        "patch",
        "units",
        "layers",
        "heads",
        "bidirectional",
        "positions",
        "tied",
        "attention",
        "teacher_forcing",
        "encoder",
        "decoder",
        "code",
        "likelihood",
        "beta",
        "kl_warmup",
        "free_bits",
        "conditional",
        "noise",
        "mask",
        "sparsity",
        "bounded",
        "smoothing",
        "spectral",
        "critic_steps",
        "penalty",
        "architecture",
        "dimensions",
        "window",
        "negative",
        "min_count",
        "sample",
    ];

    /// What families begin with, but for what they say themselves.
    pub(super) const PLAIN: Choices = Choices {
        activation: Activation::Relu,
        normalize: Normalize::None,
        dropout: 0.0,
        skip: true,
        pre_activation: false,
        auxiliary: false,
        stochastic_depth: 0.0,
        width: 1.0,
        patch: 16,
        units: 128,
        layers: 1,
        heads: 4,
        bidirectional: false,
        positions: Positions::Learned,
        tied: false,
        attention: Alignment::None,
        teacher_forcing: 1.0,
        encoder: Sizes::of(&[]),
        decoder: Sizes::of(&[]),
        code: 16,
        likelihood: Likelihood::Gaussian,
        beta: 1.0,
        kl_warmup: 0,
        free_bits: 0.0,
        conditional: false,
        noise: 0.0,
        mask: 0.0,
        sparsity: 0.0,
        bounded: false,
        smoothing: 0.0,
        spectral: false,
        critic_steps: 5,
        penalty: 10.0,
        architecture: Architecture::SkipGram,
        dimensions: 100,
        window: 5,
        negative: 5,
        min_count: 5,
        sample: 1e-3,
    };

    /// Heads must share the units evenly.
    fn check_heads(&self, named: Named) -> Result<(), String> {
        let has = |option| named.family.options.contains(&option);
        let heads = self.heads.max(1);
        if !has("heads") || self.units.is_multiple_of(heads) {
            return Ok(());
        }
        let fits = (1..=heads).rev().find(|heads| self.units.is_multiple_of(*heads)).unwrap_or(1);
        Err(format!(
            "{} units cannot be shared by {heads} heads: choose `model.heads` = {fits}, or {} units",
            self.units,
            self.units.next_multiple_of(heads)
        ))
    }

    /// So many channels times the width, at least one.
    pub(super) fn wide(&self, channels: usize) -> usize {
        ((channels as f64 * self.width).round() as usize).max(1)
    }
}

impl Default for Choices {
    fn default() -> Self {
        Choices::PLAIN
    }
}

/// A named model.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::Module;
/// use glassbox::zoo::Named;
/// let resnet = Named::from_word("resnet18").ok_or("no such model")?;
/// let model = resnet.build(&resnet.family.defaults, 10);
/// let graph = Graph::new();
/// let images = graph.input("images", DType::F32, [8, 64, 64, 3]);
/// let scores = model.forward(graph.root(Mode::Eval), images);
/// assert_eq!(scores.shape().sizes(), &[8, 10]);
/// assert!(graph.declaration("layer1/0/conv1/weight").is_some());
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// Its family.
    pub family: &'static Family,
    /// Which of its members it is.
    pub member: &'static Member,
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.member.word == other.member.word
    }
}

impl Eq for Named {}

impl Named {
    /// Every named model, family by family.
    pub fn all() -> impl Iterator<Item = Named> {
        let of = |family: &&'static Family| {
            let family = *family;
            family.members.iter().map(move |member| Named { family, member })
        };
        FAMILIES.iter().flat_map(of)
    }

    /// The model that a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Named::all().find(|named| named.member.word == word)
    }

    /// Its word in a configuration.
    pub fn word(self) -> &'static str {
        self.member.word
    }

    /// Whether it was made for images of no more than 64 pixels a side.
    pub fn for_small_images(self) -> bool {
        self.member.published.is_some_and(|published| published.side <= 64)
    }

    /// The model for images of any size and number of channels, with so many outputs.
    pub fn build(self, choices: &Choices, outputs: usize) -> Box<dyn Module> {
        let images = [0; 3];
        let wanted = Wanted {
            row: &images,
            tokens: None,
            source: 0,
            padding: None,
            outputs,
            every_place: false,
            own_places: false,
            ahead: false,
            classes: 0,
        };
        self.build_for(choices, &wanted)
    }

    /// The model for rows as wanted.
    pub fn build_for(self, choices: &Choices, wanted: &Wanted<'_>) -> Box<dyn Module> {
        (self.family.build)(self, choices, wanted)
    }

    /// Whether parts of it work against each other, so that no loss tells how good it is.
    pub fn is_adversarial(self) -> bool {
        [&gan::ADVERSARIAL, &gan::WASSERSTEIN].iter().any(|family| family.name == self.family.name)
    }

    /// Whether its layers are convolutions, for rows of this shape; of models that learn the rows themselves.
    pub(crate) fn is_convolutional(self, row: &[usize]) -> bool {
        self.word().starts_with("conv-") || gan::is_convolutional(self.word(), row)
    }

    /// Whether a model that learns rows themselves can be made so.
    fn check_rows(self, choices: &Choices, wanted: &Wanted<'_>) -> Result<(), String> {
        let word = self.word();
        let adversarial = self.is_adversarial();
        let convolutional = self.is_convolutional(wanted.row);
        let plain = match word {
            "dcgan" => "gan",
            word => word.strip_prefix("conv-").unwrap_or(word),
        };
        let [encoder, decoder] = [choices.encoder, choices.decoder].map(|s| s.as_slice().len());
        match wanted.row {
            [_, _, _] => {}
            row if convolutional => {
                return Err(format!(
                    "{word} reads images, not rows of shape {row:?}: take {plain}"
                ));
            }
            _ => {}
        }
        if convolutional && decoder > 0 && decoder != encoder {
            return Err(format!(
                "the decoder of {word} doubles images {decoder} times and its encoder halves them \
                 {encoder} times: give `model.decoder` as many layers as `model.encoder`"
            ));
        }
        if let (true, &[height, width, _]) = (convolutional && adversarial, wanted.row)
            && height.min(width) >> encoder == 0
        {
            return Err(format!(
                "the discriminator of {word} halves images {encoder} times, and these are {height} × \
                 {width}: give `model.encoder` fewer layers"
            ));
        }
        if choices.conditional && wanted.classes == 0 {
            return Err(
                "`model.conditional` tells the model of classes, and none are known: name the \
                        column that holds them by --target, or give a folder for each class of images"
                    .into(),
            );
        }
        Ok(())
    }

    /// Whether it takes rows of this shape.
    ///
    /// # Errors
    /// Rows that are no images, images that are too small or that its patches do not divide; with the
    /// cure.
    pub fn check(self, choices: &Choices, wanted: &Wanted<'_>) -> Result<(), String> {
        let (word, row) = (self.word(), wanted.row);
        let what = match (self.family.takes, wanted.tokens, row) {
            (Takes::Images, ..) => "",
            (Takes::Rows, None, _) => return self.check_rows(choices, wanted),
            (Takes::Rows, Some(_), _) => "numbers or images",
            (Takes::Sequences, None, [_, _]) => return choices.check_heads(self),
            (Takes::Sequences, None, _) => "sequences: numbers [time, features], or text",
            (Takes::Words, ..) => return Err(words::ITS_OWN_WAY.to_owned()),
            (Takes::Text, Some(_), _) if !wanted.every_place || wanted.own_places => {
                let what = if wanted.own_places { "tag of a word" } else { "class of a text" };
                return Err(format!(
                    "{word} tells the next token, no {what}: take bert, or lstm, gru, rnn, \
                     convolution, attention"
                ));
            }
            (Takes::Pairs, Some(_), _) if wanted.own_places => {
                return Err(format!(
                    "{word} tells one text from another, no tags of words: take bert, or lstm, gru, rnn, \
                     convolution, attention"
                ));
            }
            (Takes::Sequences, Some(tokens), _) if choices.tied && tokens != wanted.outputs => {
                return Err(format!(
                    "`model.tied` gives {word} the scores of tokens, which are not told here: leave it \
                     out"
                ));
            }
            (_, Some(_), _) => return choices.check_heads(self),
            (_, None, _) => "text",
        };
        if !what.is_empty() {
            return Err(format!(
                "{word} reads {what}, not rows of shape {row:?}: take mlp, or another of `glassbox \
                 models`"
            ));
        }
        let &[height, width, channels] = row else {
            return Err(format!(
                "{word} reads images [height, width, channels], not rows of shape {row:?}: take mlp, \
                 or a network of [[model.layer]]"
            ));
        };
        let patch = choices.patch;
        let cut = self.family.options.contains(&"patch");
        if cut && (height % patch.max(1) != 0 || width % patch.max(1) != 0) {
            let divides = |n: &usize| height % n == 0 && width % n == 0;
            let fits = (1..=height.min(width).min(patch)).rev().find(divides).unwrap_or(1);
            return Err(format!(
                "{word} cuts images into patches of {patch} × {patch}, which do not divide images of \
                 {height} × {width}: choose another `model.patch`, such as {fits}"
            ));
        }
        let fits = |side: [usize; 2]| {
            let graph = Graph::new();
            let images = graph.input("images", DType::F32, [1, side[0], side[1], channels]);
            self.build(choices, 1).forward(graph.root(Mode::Eval), images);
            graph.check().is_ok()
        };
        if cut || fits([height, width]) {
            return Ok(());
        }
        let (mut below, mut least) = (0, self.member.published.map_or(32, |p| p.side));
        while least - below > 1 {
            let side = (below + least) / 2;
            *(if fits([side; 2]) { &mut least } else { &mut below }) = side;
        }
        Err(format!(
            "{word} is for images of {least} × {least} or more, and these are {height} × {width}: \
             scale them up, or take a model for small images, such as lenet or resnet20"
        ))
    }
}
