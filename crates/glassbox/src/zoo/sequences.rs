//! The families of models of sequences, by the names that a configuration has for them.

use super::named::{Choices, Family, Member, Named, Takes, Training, Wanted};
use super::{Attention, Cell, Convolution, Gpt, Places, Recurrent, Tokens};
use crate::nn::{Activation, Module, Optimizer};

/// What is decided by the vocabulary and what is read.
fn tokens(wanted: &Wanted<'_>, units: usize) -> Option<Tokens> {
    // Rows of windows have no padding.
    let of = |vocabulary| Tokens { vocabulary, width: units, padding: None };
    wanted.tokens.map(of)
}

fn places(wanted: &Wanted<'_>, else_: Places) -> Places {
    if wanted.every_place { Places::Every } else { else_ }
}

pub(super) static RECURRENT: Family = Family {
    name: "Recurrent networks",
    source: "Elman, \"Finding structure in time\" (1990); Hochreiter, Schmidhuber, \"Long short-term \
             memory\" (1997); Cho et al. (2014)",
    takes: Takes::Sequences,
    members: &[Member::any("rnn"), Member::any("lstm"), Member::any("gru")],
    options: &["units", "layers", "dropout", "bidirectional", "tied"],
    defaults: Choices { units: 256, layers: 2, dropout: 0.2, ..Choices::PLAIN },
    training: Training { optimizer: adam(4e-3), epochs: 50, label_smoothing: 0.0 },
    build: |named: Named, choices, wanted| {
        let cell = Cell::from_word(named.word()).unwrap_or(Cell::Lstm);
        let model = Recurrent::new(cell, choices.units, wanted.outputs)
            .layers(choices.layers)
            .bidirectional(choices.bidirectional && !wanted.every_place)
            .dropout(choices.dropout)
            .tied(choices.tied)
            .places(places(wanted, Places::Last));
        match tokens(wanted, (choices.units / 2).max(1)) {
            Some(tokens) => Box::new(model.tokens(tokens)),
            None => Box::new(model),
        }
    },
};

pub(super) static CONVOLUTION: Family = Family {
    name: "Convolutions over time",
    source: "Bai, Kolter, Koltun, \"An empirical evaluation of generic convolutional and recurrent \
             networks for sequence modeling\" (2018)",
    takes: Takes::Sequences,
    members: &[Member::any("convolution")],
    options: &["units", "layers", "dropout"],
    defaults: Choices { units: 64, layers: 4, ..Choices::PLAIN },
    training: Training { optimizer: adam(2e-3), epochs: 50, label_smoothing: 0.0 },
    build: |_, choices, wanted| {
        let model = Convolution::new(choices.units, wanted.outputs)
            .layers(choices.layers)
            .dropout(choices.dropout)
            .places(places(wanted, Places::Mean));
        match tokens(wanted, choices.units) {
            Some(tokens) => Box::new(model.tokens(tokens)),
            None => Box::new(model),
        }
    },
};

pub(super) static ATTENTION: Family = Family {
    name: "Attention over time",
    source: "Vaswani et al., \"Attention is all you need\" (2017), its encoder",
    takes: Takes::Sequences,
    members: &[Member::any("attention")],
    options: &["units", "layers", "heads", "dropout"],
    defaults: Choices { units: 64, layers: 2, heads: 4, ..Choices::PLAIN },
    training: Training { optimizer: adam(1e-3), epochs: 50, label_smoothing: 0.0 },
    build: |_, choices, wanted| {
        let model = Attention::new(choices.units, wanted.outputs)
            .layers(choices.layers)
            .heads(choices.heads)
            .dropout(choices.dropout)
            .places(places(wanted, Places::Mean));
        match tokens(wanted, choices.units) {
            Some(tokens) => Box::new(model.tokens(tokens)),
            None => Box::new(model),
        }
    },
};

pub(super) static GPT: Family = Family {
    name: "GPT",
    source: "Radford et al., \"Language models are unsupervised multitask learners\" (2019)",
    takes: Takes::Text,
    members: &[Member::any("gpt")],
    options: &["units", "layers", "heads", "dropout", "positions", "tied", "activation"],
    defaults: Choices {
        units: 192,
        layers: 4,
        heads: 4,
        dropout: 0.1,
        positions: crate::nn::Positions::Rotary,
        activation: Activation::Gelu { approximate: true },
        ..Choices::PLAIN
    },
    training: Training {
        optimizer: Optimizer::AdamW {
            lr: 2e-3,
            beta1: 0.9,
            beta2: 0.99,
            epsilon: 1e-8,
            weight_decay: 0.1,
        },
        epochs: 50,
        label_smoothing: 0.0,
    },
    build: |_, choices, wanted| {
        let context = wanted.row.first().copied().unwrap_or(1);
        let model = Gpt::new(wanted.tokens.unwrap_or(wanted.outputs))
            .context(context)
            .layers(choices.layers)
            .heads(choices.heads)
            .units(choices.units)
            .dropout(choices.dropout)
            .positions(choices.positions)
            .tied(choices.tied)
            .activation(choices.activation);
        Box::new(model) as Box<dyn Module>
    },
};

const fn adam(lr: f64) -> Optimizer {
    Optimizer::AdamW { lr, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.01 }
}
