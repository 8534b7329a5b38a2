//! Networks over sequences of words.

use glassbox::nn::{
    Mask, Recurrence, attention_of_heads, embedding, embedding_table, layer_norm,
    learned_positions, linear,
};
use glassbox::prelude::*;

use super::names::dotted;
use super::{Field, Kind, Recorded, Values, Work, Workload};

/// Characters of the language models.
const CHARACTERS: usize = 65;
/// Words of `bert-mlm` and of `seq2seq`.
const BERT_WORDS: usize = 8192;
const TRANSLATED_WORDS: usize = 4000;
/// The transformers' width, and how many heads and blocks they have.
const WIDTH: usize = 256;
const HEADS: usize = 4;
const BLOCKS: usize = 4;

pub fn all() -> Vec<Workload> {
    let ids = |name, shape: [usize; 2], from: i64, words: usize| {
        Field::new(name, shape, Values::Integers(from, words as i64))
    };
    let pairs = |shape| vec![ids("ids", shape, 0, CHARACTERS), ids("next", shape, 0, CHARACTERS)];
    let picked = [8 * 19];
    let masked = vec![
        ids("ids", [8, 128], 1, BERT_WORDS),
        Field::new("where", picked, Values::Places { taken: 19, of: 128 }),
        Field::new("hidden", picked, Values::Integers(1, BERT_WORDS as i64)),
    ];
    let translated =
        ["source", "given", "next"].map(|name| ids(name, [64, 12], 0, TRANSLATED_WORDS)).to_vec();
    let workload = |name, unit, items, batch, step| {
        let work = Work { mode: Mode::Train, batch, step, theirs, flattened: &[] };
        Workload { name, unit, items, kind: Kind::Steps(work) }
    };
    let per_second = "tokens/s";
    vec![
        workload("rnn-lm", per_second, 2048.0, pairs([32, 64]), |at, batch| {
            let layers = Recurrence { layers: 2, ..Recurrence::default() };
            character_model(at, batch, |at, x| {
                nn::rnn(at, x, 256, Activation::Tanh, layers).outputs
            })
        }),
        workload("lstm-lm", per_second, 2048.0, pairs([32, 64]), |at, batch| {
            let layers = Recurrence { layers: 2, ..Recurrence::default() };
            character_model(at, batch, |at, x| nn::lstm(at, x, 256, layers).outputs)
        }),
        workload("gru-lm", per_second, 2048.0, pairs([32, 64]), |at, batch| {
            let layers = Recurrence { layers: 2, ..Recurrence::default() };
            character_model(at, batch, |at, x| nn::gru(at, x, 256, layers).outputs)
        }),
        workload("gpt", per_second, 2048.0, pairs([16, 128]), |at, batch| {
            trained(at, gpt(at, batch[0]), batch[1], Optimizer::ADAMW.with_lr(3e-4))
        }),
        workload("bert-mlm", per_second, 1024.0, masked, |at, batch| {
            let scores = bert(at, batch[0], batch[1]);
            trained(at, scores, batch[2], Optimizer::ADAMW.with_lr(3e-4))
        }),
        workload("seq2seq", "target tokens/s", 768.0, translated, |at, batch| {
            trained(at, translator(at, batch[0], batch[1]), batch[2], Optimizer::ADAM)
        }),
    ]
}

/// The step by the cross entropy of `scores [.., words]` at every place.
fn trained<'g>(
    at: Scope<'g>,
    scores: Tensor<'g>,
    words: Tensor<'g>,
    optimizer: Optimizer,
) -> Recorded<'g> {
    let rows = words.elements();
    let scores = scores.reshape([rows, scores.dim(-1)]);
    let loss = Loss::CrossEntropy.of(at.child("loss"), scores, words.reshape([rows]));
    Recorded::training(at, loss, optimizer)
}

/// The next character at every place, by a recurrent layer.
fn character_model<'g>(
    at: Scope<'g>,
    batch: &[Tensor<'g>],
    recurrent: impl Fn(Scope<'g>, Tensor<'g>) -> Tensor<'g>,
) -> Recorded<'g> {
    let x = embedding(embedding_table(at.child("emb"), CHARACTERS, 128), batch[0], None);
    let x = recurrent(at.child("rnn"), x);
    let scores = linear(at.child("fc"), x, CHARACTERS, Initial::Xavier);
    trained(at, scores, batch[1], Optimizer::ADAM)
}

/// A decoder in the manner of GPT-2 (Radford et al. 2019).
fn gpt<'g>(at: Scope<'g>, ids: Tensor<'g>) -> Tensor<'g> {
    let x = embedding(embedding_table(at.child("tok"), CHARACTERS, WIDTH), ids, None);
    let mut x = x + learned_positions(at.child("pos"), x, ids.dim(-1));
    for number in 0..BLOCKS {
        let at = at.child(&format!("blocks.{number}"));
        x = x + attended(at, layer_norm(at.child("ln1"), x), Mask::CAUSAL);
        x = x + transformed(at, layer_norm(at.child("ln2"), x));
    }
    let x = layer_norm(at.child("ln"), x);
    let head = Initial::Xavier.weights(WIDTH, CHARACTERS);
    x.matmul(at.child("head").parameter("weight", [WIDTH, CHARACTERS], head))
}

/// An encoder in the manner of BERT (Devlin et al. 2019): scores of the words at the places `hidden`,
/// by the table that the words were read from.
fn bert<'g>(at: Scope<'g>, ids: Tensor<'g>, hidden: Tensor<'g>) -> Tensor<'g> {
    let table = embedding_table(at.child("tok"), BERT_WORDS, WIDTH);
    let x = embedding(table, ids, None);
    let mut x = layer_norm(at.child("ln"), x + learned_positions(at.child("pos"), x, ids.dim(-1)));
    for number in 0..BLOCKS {
        let at = at.child(&format!("blocks.{number}"));
        x = layer_norm(at.child("ln1"), x + attended(at, x, Mask::ALL));
        x = layer_norm(at.child("ln2"), x + transformed(at, x));
    }
    let x = x.reshape([ids.elements(), WIDTH]).gather(hidden);
    let x = gelu(linear(at.child("dense"), x, WIDTH, Initial::Xavier));
    let x = layer_norm(at.child("ln_head"), x);
    x.matmul(table.transpose()) + at.parameter("bias", [BERT_WORDS], 0.0)
}

/// What each place hears of the others.
fn attended<'g>(at: Scope<'g>, x: Tensor<'g>, mask: Mask<'g>) -> Tensor<'g> {
    let all = linear(at.child("qkv"), x, 3 * WIDTH, Initial::Xavier);
    let part = |i: usize| all.slice(-1, i * WIDTH..(i + 1) * WIDTH);
    let heard = attention_of_heads(part(0), part(1), part(2), HEADS, mask);
    linear(at.child("proj"), heard, WIDTH, Initial::Xavier)
}

/// What each place makes of it by itself.
fn transformed<'g>(at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
    let up = gelu(linear(at.child("up"), x, 4 * WIDTH, Initial::Xavier));
    linear(at.child("down"), up, WIDTH, Initial::Xavier)
}

fn gelu(x: Tensor<'_>) -> Tensor<'_> {
    Activation::Gelu { approximate: false }.of(x)
}

/// Sutskever et al. 2014: the next word of the target at every place, from where reading the source
/// has led.
fn translator<'g>(at: Scope<'g>, source: Tensor<'g>, given: Tensor<'g>) -> Tensor<'g> {
    let words = |at, ids| embedding(embedding_table(at, TRANSLATED_WORDS, 128), ids, None);
    let read = Recurrence { layers: 2, ..Recurrence::default() };
    let read = nn::lstm(at.child("enc"), words(at.child("src"), source), 256, read);
    let write = Recurrence { layers: 2, first: Some(read.last), ..Recurrence::default() };
    let written = nn::lstm(at.child("dec"), words(at.child("tgt"), given), 256, write);
    linear(at.child("fc"), written.outputs, TRANSLATED_WORDS, Initial::Xavier)
}

/// Positions are a parameter of the model itself there.
fn theirs(path: &str) -> String {
    if path == "pos/weight" { "pos".into() } else { dotted(path) }
}
