use glassbox_engine::{DType, Distribution, Initial as First, Scope, Tensor};

use super::Alignment;
use crate::nn::{self, Decoder, Initial, LstmCell, Mask, Module, Past, Recurrence, Recurrent};

/// An encoder and a decoder of LSTM layers (Sutskever, Vinyals and Le, "Sequence to sequence learning
/// with neural networks", 2014): a row is the ids of a source, padded to a fixed width, then those that
/// the decoder reads, i64 `[rows, source + time]` → the scores of what comes after each of the latter,
/// `[rows, time, vocabulary]`.
///
/// The encoder's last states are the decoder's first. Padding (id 0 unless it is said) behind a source
/// is not read. With [`attention`](Self::attention) the decoder also looks back at what the encoder gave
/// at each place: by a product after each step (Luong, Pham and Manning 2015), or by a small network
/// before it, whose finding it reads beside the token (Bahdanau, Cho and Bengio 2015); its state h and
/// its finding c then go to the scores as `tanh([h; c]·W + b)`. The shares, `[rows, time, source]`, are
/// called `decoder/alignment/attention`.
///
/// Parameters: `encoder/embedding/weight`, `encoder/lstm/layer1/…` as in [`nn::lstm`], the same below
/// `decoder`, and `decoder/output/…`; with attention `decoder/attention/…`; where the source is read in
/// both directions, `encoder/joined/…`, which brings both outputs to as many numbers as one has (last
/// states are added).
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::Module;
/// use glassbox::zoo::{Alignment, Seq2Seq};
/// // "let's go" to "vamos": sources of 2 tokens, vocabularies of 4, width 2, 2 layers.
/// let model = Seq2Seq::new(2, [4, 4]).units(2).layers(2);
/// assert_eq!(model.parameters(), 220);
/// let graph = Graph::new();
/// let ids = graph.input("ids", DType::I64, [1, 2 + 2]);
/// let scores = model.attention(Alignment::Additive).forward(graph.root(Mode::Train), ids);
/// assert_eq!(scores.shape().sizes(), &[1, 2, 4]);
/// assert!(graph.named("decoder/alignment/attention").is_some());
/// assert!(graph.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Seq2Seq {
    source: usize,
    vocabularies: [usize; 2],
    units: usize,
    layers: usize,
    bidirectional: bool,
    dropout: f64,
    attention: Alignment,
    teacher_forcing: f64,
    tied: bool,
    padding: i64,
}

/// What the decoder knows of the source.
struct Source<'g> {
    /// What the encoder gave, `[rows, source, units]`.
    outputs: Tensor<'g>,
    /// Where it is real, `[rows, source]`.
    real: Tensor<'g>,
}

impl Seq2Seq {
    /// For sources of so many tokens and so many different ones on each side: one layer of 256 units,
    /// without attention, all teacher forcing.
    pub fn new(source: usize, vocabularies: [usize; 2]) -> Self {
        Seq2Seq {
            source,
            vocabularies,
            units: 256,
            layers: 1,
            bidirectional: false,
            dropout: 0.0,
            attention: Alignment::None,
            teacher_forcing: 1.0,
            tied: false,
            padding: 0,
        }
    }

    /// How many numbers stand for a token, and how many units a layer has.
    pub fn units(self, units: usize) -> Self {
        Seq2Seq { units, ..self }
    }

    /// How many layers stand on each other, on each side.
    pub fn layers(self, layers: usize) -> Self {
        Seq2Seq { layers, ..self }
    }

    /// Whether the source is also read from its end.
    pub fn bidirectional(self, bidirectional: bool) -> Self {
        Seq2Seq { bidirectional, ..self }
    }

    /// The share in [0, 1) that training leaves out of tokens' vectors, between layers and before the
    /// scores.
    pub fn dropout(self, rate: f64) -> Self {
        Seq2Seq { dropout: rate, ..self }
    }

    /// How the decoder looks at the source.
    pub fn attention(self, attention: Alignment) -> Self {
        Seq2Seq { attention, ..self }
    }

    /// How often, in [0, 1], the decoder reads in training the token that should have come before; else
    /// the one that it scored highest itself. Drawn for each row and step; the first token is always the
    /// one given. Outside of training it is what is given.
    pub fn teacher_forcing(self, rate: f64) -> Self {
        Seq2Seq { teacher_forcing: rate, ..self }
    }

    /// Whether tokens are scored by the table that the decoder reads them from.
    pub fn tied(self, tied: bool) -> Self {
        Seq2Seq { tied, ..self }
    }

    /// The id of what is no token.
    pub fn padding(self, id: i64) -> Self {
        Seq2Seq { padding: id, ..self }
    }

    /// How many numbers it learns.
    pub fn parameters(&self) -> usize {
        let (units, [from, to]) = (self.units, self.vocabularies);
        let layer = |inputs: usize| 4 * units * (inputs + units + 2);
        let stack = |first: usize, others: usize| {
            layer(first) + self.layers.saturating_sub(1) * layer(others)
        };
        let encoder = match self.bidirectional {
            true => 2 * stack(units, 2 * units) + 2 * units * units + units,
            false => stack(units, units),
        };
        let joined = 2 * units * units + units;
        let (first, attention) = match self.attention {
            Alignment::None => (units, 0),
            Alignment::Dot => (units, joined),
            Alignment::Additive => (2 * units, joined + 2 * units * units + 2 * units),
        };
        let head = if self.tied { to } else { (units + 1) * to };
        (from + to) * units + encoder + stack(first, units) + attention + head
    }

    /// What the encoder reads: what it gives, and its last states, each `[layers, rows, units]`.
    #[track_caller]
    fn encoded<'g>(&self, at: Scope<'g>, source: Tensor<'g>) -> (Source<'g>, [Tensor<'g>; 2]) {
        let (at, units, layers) = (at.child("encoder"), self.units, self.layers);
        let real = nn::real(source, self.padding);
        let count = real.select(source.full_like(1.0), source.full_like(0.0));
        let lengths = Some(count.sum_axis(1).drop_axis(1));
        let x = self.vectors(at, self.table(at, self.vocabularies[0]), source);
        let (bidirectional, dropout) = (self.bidirectional, self.dropout);
        let settings = Recurrence { layers, bidirectional, dropout, lengths, first: None };
        let Recurrent { outputs, last } = nn::lstm(at.child("lstm"), x, units, settings);
        if !bidirectional {
            return (Source { outputs, real }, last);
        }
        let outputs = nn::linear(at.child("joined"), outputs, units, Initial::Xavier).tanh();
        let both = |state: Tensor<'g>| {
            state.reshape([layers, 2, source.dim(0), units]).sum_axis(1).drop_axis(1)
        };
        (Source { outputs, real }, last.map(both))
    }

    #[track_caller]
    fn table<'g>(&self, at: Scope<'g>, vocabulary: usize) -> Tensor<'g> {
        let at = at.child("embedding");
        let _inside = at.enter();
        let deviation = if self.tied { 1.0 / (self.units.max(1) as f64).sqrt() } else { 1.0 };
        let drawn = First::Normal { mean: 0.0, deviation };
        at.parameter("weight", [vocabulary, self.units], drawn)
    }

    #[track_caller]
    fn vectors<'g>(&self, at: Scope<'g>, table: Tensor<'g>, ids: Tensor<'g>) -> Tensor<'g> {
        nn::dropout(at.child("dropout"), nn::embedding(table, ids, None), self.dropout)
    }

    /// Scores of what comes after each of the ids `[rows, time]`, and the states afterwards.
    #[track_caller]
    fn decoded<'g>(
        &self,
        at: Scope<'g>,
        ids: Tensor<'g>,
        first: [Tensor<'g>; 2],
        source: &Source<'g>,
    ) -> (Tensor<'g>, [Tensor<'g>; 2]) {
        let at = at.child("decoder");
        let table = self.table(at, self.vocabularies[1]);
        let itself = at.training() && self.teacher_forcing < 1.0;
        if itself || self.attention == Alignment::Additive {
            return self.step_by_step(at, ids, first, source, table);
        }
        let x = self.vectors(at, table, ids);
        let (layers, dropout, first) = (self.layers, self.dropout, Some(first));
        let settings = Recurrence { layers, dropout, first, ..Recurrence::default() };
        let Recurrent { outputs, last } = nn::lstm(at.child("lstm"), x, self.units, settings);
        let mut x = outputs;
        if self.attention == Alignment::Dot {
            let found = self.looked_up(at, x, source);
            x = self.joined(at.child("attention"), x, found);
        }
        (self.scores(at, x, table), last)
    }

    /// By the product of states `[rows, time, units]` with what the encoder gave. (Attention divides
    /// products by √units, Luong's does not.)
    #[track_caller]
    fn looked_up<'g>(&self, at: Scope<'g>, x: Tensor<'g>, source: &Source<'g>) -> Tensor<'g> {
        let at = at.child("alignment");
        let _inside = at.enter();
        let sizes = [x.dim(0), 1, self.source];
        let mask = Mask { causal: false, allowed: Some(source.real.reshape(sizes)) };
        nn::attention(x * (self.units as f64).sqrt(), source.outputs, source.outputs, mask)
    }

    /// State and finding, side by side, made one.
    #[track_caller]
    fn joined<'g>(&self, look: Scope<'g>, x: Tensor<'g>, found: Tensor<'g>) -> Tensor<'g> {
        let both = x.concatenate(&[found], -1);
        nn::linear(look.child("joined"), both, self.units, Initial::Xavier).tanh()
    }

    #[track_caller]
    fn scores<'g>(&self, at: Scope<'g>, x: Tensor<'g>, table: Tensor<'g>) -> Tensor<'g> {
        let head = at.child("output");
        let x = nn::dropout(head.child("dropout"), x, self.dropout);
        if !self.tied {
            return nn::linear(head, x, self.vocabularies[1], Initial::Pytorch);
        }
        let _inside = head.enter();
        let bias = head.parameter("bias", [self.vocabularies[1]], 0.0);
        x.matmul(table.transpose()) + bias
    }

    /// As [`decoded`](Self::decoded), in one loop: what a step reads may depend on what came out of the
    /// one before.
    #[track_caller]
    fn step_by_step<'g>(
        &self,
        at: Scope<'g>,
        ids: Tensor<'g>,
        first: [Tensor<'g>; 2],
        source: &Source<'g>,
        table: Tensor<'g>,
    ) -> (Tensor<'g>, [Tensor<'g>; 2]) {
        let (graph, units, layers) = (at.graph(), self.units, self.layers);
        let (rows, time) = (ids.dim(0), ids.dim(1));
        let itself = at.training() && self.teacher_forcing < 1.0;
        let look = at.child("attention");
        let additive =
            (self.attention == Alignment::Additive).then(|| Additive::new(look, source, units));
        let lstm = at.child("lstm");
        let cells: Vec<LstmCell<'g>> = (1..=layers)
            .map(|layer| {
                let wide = layer == 1 && additive.is_some();
                LstmCell::new(
                    lstm.index("layer", layer),
                    if wide { 2 * units } else { units },
                    units,
                )
            })
            .collect();
        let layer = |state: Tensor<'g>, i: usize| state.slice(0, i..i + 1).reshape([rows, units]);
        let states: Vec<[Tensor<'g>; 2]> =
            (0..layers).map(|i| first.map(|state| layer(state, i))).collect();
        let none = ids.slice(1, 0..1).reshape([rows]);
        let ((states, _), out) =
            graph.scan(time, (states, none), ids.transpose(), |(states, said), given, now| {
                let mut id = given;
                if itself {
                    let at = at.child("teacher_forcing");
                    let (seed, step) = (nn::seed(graph), nn::step(graph));
                    let drawn = at.random(Distribution::Uniform, [rows], seed, step);
                    let taught = drawn.less(drawn.full_like(self.teacher_forcing));
                    let begins = now.less(now.full_like(1.0)).broadcast_to([rows]);
                    id = taught.or(begins).select(given, said);
                }
                let mut x = self.vectors(at, table, id);
                let mut looked = Vec::new();
                if let (Some(additive), Some(top)) = (&additive, states.last()) {
                    let [found, shares] = additive.look(top[0]);
                    x = x.concatenate(&[found], -1);
                    looked = vec![found, shares];
                }
                let mut after = Vec::new();
                for (i, (cell, state)) in cells.iter().zip(states).enumerate() {
                    if i > 0 {
                        let between = lstm.index("between", i);
                        x = nn::dropout(between, x, self.dropout);
                    }
                    let state = cell.step(x, state);
                    x = state[0];
                    after.push(state);
                }
                let mut shares = None;
                match (self.attention, &looked[..]) {
                    (Alignment::Additive, &[found, seen]) => {
                        x = self.joined(look, x, found);
                        shares = Some(seen);
                    }
                    (Alignment::Dot, _) => {
                        let found = self.looked_up(at, x.reshape([rows, 1, units]), source);
                        x = self.joined(look, x, found.reshape([rows, units]));
                    }
                    _ => {}
                }
                if itself {
                    x = self.scores(at, x, table);
                }
                let said = if itself { x.argmax(-1).reshape([rows]) } else { said };
                ((after, said), [vec![x], shares.into_iter().collect()].concat())
            });
        let out: Vec<Tensor<'g>> = out.into_iter().map(|out| out.permute(&[1, 0, 2])).collect();
        if let Some(shares) = out.get(1) {
            let within = at.child("alignment");
            let _inside = within.enter();
            shares.named("attention");
        }
        let x = out.first().copied().unwrap_or(first[0]);
        let scores = if itself { x } else { self.scores(at, x, table) };
        let stacked = |which: usize| {
            let each: Vec<Tensor<'g>> =
                states.iter().map(|state| state[which].reshape([1, rows, units])).collect();
            match each.split_first() {
                Some((first, others)) if !others.is_empty() => first.concatenate(others, 0),
                Some((first, _)) => *first,
                None => first[which],
            }
        };
        (scores, [stacked(0), stacked(1)])
    }
}

/// Bahdanau's attention: the score of a place is `v · tanh(s·W + h·U + b)` for the decoder's last state
/// s and what the encoder gave there, h.
struct Additive<'g> {
    at: Scope<'g>,
    /// h·U + b.
    keys: Tensor<'g>,
    values: Tensor<'g>,
    /// `[rows, source]`: 0, and −10⁹ where nothing is.
    hidden: Tensor<'g>,
    weight: Tensor<'g>,
    scores: Tensor<'g>,
}

impl<'g> Additive<'g> {
    #[track_caller]
    fn new(at: Scope<'g>, source: &Source<'g>, units: usize) -> Self {
        let keys = nn::linear(at.child("keys"), source.outputs, units, Initial::Xavier);
        let drawn = Initial::Xavier.weights(units, units);
        let weight = at.child("queries").parameter("weight", [units, units], drawn);
        let drawn = Initial::Xavier.weights(units, 1);
        let scores = at.child("scores").parameter("weight", [units, 1], drawn);
        let nothing = keys.scalar(0.0).broadcast_to(source.real.shape());
        let hidden = source.real.select(nothing, nothing - 1e9);
        Additive { at, keys, values: source.outputs, hidden, weight, scores }
    }

    /// For a state `[rows, units]` what it finds, `[rows, units]`, and the shares, `[rows, source]`.
    #[track_caller]
    fn look(&self, state: Tensor<'g>) -> [Tensor<'g>; 2] {
        let _inside = self.at.enter();
        let (rows, units, places) = (state.dim(0), state.dim(1), self.hidden.dim(1));
        let query = state.matmul(self.weight).reshape([rows, 1, units]);
        let scores = (self.keys + query).tanh().matmul(self.scores).reshape([rows, places]);
        let shares = nn::softmax(scores + self.hidden);
        let found = shares.reshape([rows, 1, places]).matmul(self.values);
        [found.reshape([rows, units]), shares]
    }
}

impl Module for Seq2Seq {
    fn name(&self) -> &str {
        "seq2seq"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, ids: Tensor<'g>) -> Tensor<'g> {
        let (source, given) = (ids.slice(1, 0..self.source), ids.slice(1, self.source..ids.dim(1)));
        let (source, last) = self.encoded(at, source);
        self.decoded(at, given, last, &source).0
    }

    fn decoder(&self) -> Option<&dyn Decoder> {
        Some(self)
    }
}

/// Layers and rows exchanged: rows come first in what is kept.
#[track_caller]
fn turned(state: Tensor<'_>) -> Tensor<'_> {
    state.permute(&[1, 0, 2])
}

impl Decoder for Seq2Seq {
    fn vocabulary(&self) -> usize {
        self.vocabularies[1]
    }

    fn context(&self) -> Option<usize> {
        None
    }

    fn source(&self) -> Option<usize> {
        Some(self.source)
    }

    fn with_source(&self, tokens: usize) -> Option<Box<dyn Module>> {
        Some(Box::new(Seq2Seq { source: tokens, ..self.clone() }))
    }

    #[track_caller]
    fn begin<'g>(&self, at: Scope<'g>, source: Tensor<'g>) {
        let (read, [h, c]) = self.encoded(at, source);
        let kept = at.child("kept");
        let found = [("h", turned(h)), ("c", turned(c)), ("outputs", read.outputs)];
        for (name, x) in found.into_iter().chain([("source", source)]) {
            kept.state(name, x.dtype(), x.shape(), 0.0);
            kept.assign(name, x);
        }
    }

    #[track_caller]
    fn go_on<'g>(&self, at: Scope<'g>, ids: Tensor<'g>, past: &Past<'g>) -> Tensor<'g> {
        let (rows, kept) = (ids.dim(0), at.child("kept"));
        let sizes = [rows, self.layers, self.units];
        let first = ["h", "c"].map(|name| turned(past.kept(kept, name, DType::F32, &sizes)));
        let source = kept.state("source", DType::I64, [rows, self.source], 0.0);
        let outputs = kept.state("outputs", DType::F32, [rows, self.source, self.units], 0.0);
        let source = Source { outputs, real: nn::real(source, self.padding) };
        let (scores, after) = self.decoded(at, ids, first, &source);
        for (name, state) in ["h", "c"].into_iter().zip(after) {
            kept.assign(name, turned(state));
        }
        nn::last_place(scores)
    }
}
