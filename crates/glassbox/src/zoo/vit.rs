use glassbox_engine::{Initial as First, Scope, Tensor};

use super::named::{Choices, Family, Member, Takes, Training, Wanted};
use super::parts::{active, number, residual_sum};
use crate::nn::{self, Activation, Conv, Initial, Mask, Module};

/// As timm's `vit_tiny_patch16_224` and its like build it. Positions are learned for one size of images.
pub(super) static FAMILY: Family = Family {
    name: "Vision transformer",
    source: "Dosovitskiy et al., \"An image is worth 16x16 words: transformers for image recognition \
             at scale\" (2021); tiny and small: Touvron et al., \"Training data-efficient image \
             transformers\" (2021)",
    takes: Takes::Images,
    members: &[
        member("vit_tiny", 5_717_416),
        member("vit_small", 22_050_664),
        member("vit_base", 86_567_656),
    ],
    options: &["patch", "dropout", "stochastic_depth"],
    defaults: Choices { stochastic_depth: 0.1, ..Choices::PLAIN },
    training: Training::adamw(),
    build: |named, choices, &Wanted { outputs, .. }| {
        let word = named.word();
        let (width, heads) = match word {
            "vit_tiny" => (192, 3),
            "vit_small" => (384, 6),
            _ => (768, 12),
        };
        Box::new(Vit { word, width, heads, choices: *choices, outputs })
    },
};

const fn member(word: &'static str, parameters: usize) -> Member {
    Member::images(word, 224, 3, 1000, parameters)
}

const BLOCKS: usize = 12;
/// Layer normalisation's here.
const EPSILON: f64 = 1e-6;
const INITIAL: Initial = Initial::Normal { deviation: 0.02 };
const GELU: Activation = Activation::Gelu { approximate: false };

struct Vit {
    word: &'static str,
    width: usize,
    heads: usize,
    choices: Choices,
    outputs: usize,
}

impl Vit {
    #[track_caller]
    fn block<'g>(&self, at: Scope<'g>, x: Tensor<'g>, rate: f64) -> Tensor<'g> {
        let (width, dropout) = (self.width, self.choices.dropout);
        let attend = at.child("attn");
        let y = nn::layer_norm_with(at.child("norm1"), x, EPSILON);
        let all = nn::linear(attend.child("qkv"), y, 3 * width, INITIAL);
        let [q, k, v] = [0, 1, 2].map(|part| all.slice(-1, part * width..(part + 1) * width));
        let y = {
            let _inside = attend.enter();
            nn::attention_of_heads(q, k, v, self.heads, Mask::ALL)
        };
        let y = nn::linear(attend.child("proj"), y, width, INITIAL);
        let y = nn::dropout(attend.child("proj_drop"), y, dropout);
        let y = nn::stochastic_depth(at.child("drop_path1"), y, rate);
        let x = residual_sum(attend, y, x);
        let mlp = at.child("mlp");
        let y = nn::layer_norm_with(at.child("norm2"), x, EPSILON);
        let fc1 = mlp.child("fc1");
        let y = active(fc1, "gelu", GELU, nn::linear(fc1, y, 4 * width, INITIAL));
        let y = nn::dropout(mlp.child("drop1"), y, dropout);
        let y = nn::linear(mlp.child("fc2"), y, width, INITIAL);
        let y = nn::dropout(mlp.child("drop2"), y, dropout);
        let y = nn::stochastic_depth(at.child("drop_path2"), y, rate);
        residual_sum(mlp, y, x)
    }
}

impl Module for Vit {
    fn name(&self) -> &str {
        self.word
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, images: Tensor<'g>) -> Tensor<'g> {
        let (rows, width, patch) = (images.dim(0), self.width, self.choices.patch);
        let conv = Conv::new([patch; 2]).stride([patch; 2]).initial(Initial::Lecun);
        let patches = nn::conv2d(at.child("patch_embed").child("proj"), images, width, conv);
        let count = patches.dim(1) * patches.dim(2);
        let patches = patches.reshape([rows, count, width]);
        let drawn = |deviation| First::Normal { mean: 0.0, deviation };
        let mut x = {
            let _inside = at.enter();
            let class = at.parameter_of(images.dtype(), "cls_token", [1, 1, width], drawn(1e-6));
            let positions =
                at.parameter_of(images.dtype(), "pos_embed", [1, count + 1, width], drawn(0.02));
            let x = class.broadcast_to([rows, 1, width]).concatenate(&[patches], 1);
            (x + positions).named("positioned")
        };
        x = nn::dropout(at.child("pos_drop"), x, self.choices.dropout);
        let blocks = at.child("blocks");
        for block in 0..BLOCKS {
            let rate = self.choices.stochastic_depth * block as f64 / (BLOCKS - 1) as f64;
            x = self.block(number(blocks, block), x, rate);
        }
        // Rows do not act on each other from here on: the others need not be normalised.
        let x = nn::layer_norm_with(at.child("norm"), x.slice(1, 0..1), EPSILON);
        nn::linear(at.child("head"), x.reshape([rows, width]), self.outputs, INITIAL)
    }
}
