//! The table of named models: families, members, options.

use glassbox_engine::{DType, Graph, Mode};
use serde::Serialize;

use super::{
    Normalize, alexnet, convnext, googlenet, lenet, mobilenet, resnet, vgg, vit, xception,
};
use crate::nn::{Activation, Module, Optimizer};

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
];

/// Models that differ in size alone.
#[derive(Debug)]
pub struct Family {
    /// What people call it, e.g. `ResNet`.
    pub name: &'static str,
    /// Where it was published.
    pub source: &'static str,
    /// The models.
    pub members: &'static [Member],
    /// The names of the [`Choices`] that it understands.
    pub options: &'static [&'static str],
    /// What these begin with.
    pub defaults: Choices,
    /// How it is best trained from the start, in batches of 128 rows.
    pub training: Training,
    /// Records a member.
    pub(super) build: fn(Named, &Choices, usize) -> Box<dyn Module>,
}

/// A model of a family.
#[derive(Debug)]
pub struct Member {
    /// Its word in a configuration, e.g. `resnet18`.
    pub word: &'static str,
    /// The height and width of the images that it was published for.
    pub side: usize,
    /// Their channels.
    pub channels: usize,
    /// The classes that it was published for.
    pub classes: usize,
    /// How many numbers it learns, as published: for these images and classes.
    pub parameters: usize,
}

/// How a model is best trained from the start, in batches of 128 rows.
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
}

impl Choices {
    /// Every choice, by the name by which a configuration calls it.
    pub const NAMES: [&'static str; 9] = [
        "activation",
        "normalize",
        "dropout",
        "skip",
        "pre_activation",
        "auxiliary",
        "stochastic_depth",
        "width",
        "patch",
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
    };

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
        self.member.side <= 64
    }

    /// The model for images of any size and number of channels, with so many outputs.
    pub fn build(self, choices: &Choices, outputs: usize) -> Box<dyn Module> {
        (self.family.build)(self, choices, outputs)
    }

    /// Whether it takes rows of this shape.
    ///
    /// # Errors
    /// Rows that are no images, images that are too small or that its patches do not divide; with the
    /// cure.
    pub fn check(self, choices: &Choices, row: &[usize]) -> Result<(), String> {
        let word = self.word();
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
        let (mut below, mut least) = (0, self.member.side);
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
