//! The families of models of sequences, by the names that a configuration has for them.

use super::named::{Choices, Family, Member, Named, Takes, Training, Wanted};
use super::{
    Alignment, Attention, Bert, BertHead, Cell, Convolution, Gpt, Places, Recurrent, Seq2Seq,
    Tokens, Transformer,
};
use crate::nn::{Activation, Module, Optimizer};

/// What is decided by the vocabulary and what is read.
fn tokens(wanted: &Wanted<'_>, units: usize) -> Option<Tokens> {
    let of = |vocabulary| Tokens { vocabulary, width: units, padding: wanted.padding };
    wanted.tokens.map(of)
}

/// The places that outputs are made of: what comes next follows from the last.
fn places(wanted: &Wanted<'_>, else_: Places) -> Places {
    match (wanted.every_place, wanted.ahead) {
        (true, _) if wanted.own_places => Places::Own,
        (true, _) => Places::Every,
        (_, true) => Places::Last,
        _ => else_,
    }
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
            .bidirectional(choices.bidirectional && (!wanted.every_place || wanted.own_places))
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

pub(super) static SEQ2SEQ: Family = Family {
    name: "Encoder and decoder of LSTM",
    source: "Sutskever, Vinyals, Le, \"Sequence to sequence learning with neural networks\" (2014); \
             attention: Bahdanau, Cho, Bengio (2015), Luong, Pham, Manning (2015)",
    takes: Takes::Pairs,
    members: &[Member::any("seq2seq")],
    options: &[
        "units",
        "layers",
        "dropout",
        "bidirectional",
        "attention",
        "teacher_forcing",
        "tied",
    ],
    defaults: Choices {
        units: 256,
        layers: 1,
        dropout: 0.2,
        attention: Alignment::Dot,
        ..Choices::PLAIN
    },
    training: Training { optimizer: adam(2e-3), epochs: 50, label_smoothing: 0.0 },
    build: |_, choices, wanted| {
        let model = Seq2Seq::new(wanted.source, both_sides(wanted))
            .layers(choices.layers)
            .units(choices.units)
            .dropout(choices.dropout)
            .bidirectional(choices.bidirectional)
            .attention(choices.attention)
            .teacher_forcing(choices.teacher_forcing)
            .tied(choices.tied);
        Box::new(model) as Box<dyn Module>
    },
};

pub(super) static TRANSFORMER: Family = Family {
    name: "Transformer",
    source: "Vaswani et al., \"Attention is all you need\" (2017)",
    takes: Takes::Pairs,
    members: &[Member::any("transformer")],
    options: &["units", "layers", "heads", "dropout", "positions", "tied", "activation"],
    defaults: Choices {
        units: 128,
        layers: 3,
        heads: 4,
        dropout: 0.1,
        positions: crate::nn::Positions::Sinusoidal,
        tied: true,
        ..Choices::PLAIN
    },
    training: Training { optimizer: adam(1e-3), epochs: 50, label_smoothing: 0.1 },
    build: |_, choices, wanted| {
        let model = Transformer::new(wanted.source, both_sides(wanted))
            .layers(choices.layers)
            .heads(choices.heads)
            .units(choices.units)
            .dropout(choices.dropout)
            .positions(choices.positions)
            .tied(choices.tied)
            .activation(choices.activation)
            .longest(wanted.row.first().copied().unwrap_or(1))
            .pre_norm(true);
        Box::new(model) as Box<dyn Module>
    },
};

pub(super) static BERT: Family = Family {
    name: "BERT",
    source: "Devlin, Chang, Lee, Toutanova, \"BERT: Pre-training of deep bidirectional transformers for \
             language understanding\" (2019)",
    takes: Takes::Masked,
    members: &[Member::any("bert")],
    options: &["units", "layers", "heads", "dropout", "positions", "activation"],
    defaults: Choices {
        units: 192,
        layers: 4,
        heads: 4,
        dropout: 0.1,
        // With learned places more than a thousand steps go by before the neighbours are found.
        positions: crate::nn::Positions::Rotary,
        activation: Activation::Gelu { approximate: false },
        ..Choices::PLAIN
    },
    training: Training { optimizer: adam(2e-3), epochs: 50, label_smoothing: 0.0 },
    build: |_, choices, wanted| {
        let head = BertHead::of(wanted);
        let model = Bert::new(wanted.tokens.unwrap_or(wanted.outputs), head)
            .context(wanted.row.first().copied().unwrap_or(1))
            .layers(choices.layers)
            .heads(choices.heads)
            .units(choices.units)
            .dropout(choices.dropout)
            .positions(choices.positions)
            .activation(choices.activation)
            .padding(wanted.padding.unwrap_or(0));
        Box::new(model) as Box<dyn Module>
    },
};

/// How many tokens each side of a pair has: they are of one tokeniser.
fn both_sides(wanted: &Wanted<'_>) -> [usize; 2] {
    [wanted.tokens.unwrap_or(wanted.outputs), wanted.outputs]
}

const fn adam(lr: f64) -> Optimizer {
    Optimizer::AdamW { lr, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.01 }
}
