use glassbox_engine::{DType, Initial as First, Scope, Tensor};

use super::parts::{active, number, residual_sum};
use crate::nn::{self, Activation, Decoder, Initial, Mask, Module, Past, Positions};

/// An encoder and a decoder of attention (Vaswani et al., "Attention is all you need", 2017): a row is
/// the ids of a source, padded to a fixed width, then those that the decoder reads, i64
/// `[rows, source + time]` → the scores of what comes after each of the latter,
/// `[rows, time, vocabulary]`.
///
/// Padding (id 0 unless it is said) is seen by nobody. Each sum is normalised after it, as in the paper,
/// or each of its parts before it ([`pre_norm`](Self::pre_norm), Xiong et al. 2020), with a last
/// normalisation of both sides. Vectors of tokens are multiplied by √units. Dropout is applied to the
/// embedded tokens, to the hidden units and to what is added (not to attention's shares).
///
/// Below `encoder` and `decoder` paths are the names of PyTorch's `nn.Transformer`:
/// `encoder/layers/0/self_attn/in_proj_weight`, `decoder/layers/0/multihead_attn/out_proj/weight`,
/// `…/linear1/weight`, `…/norm1/weight`; besides there are `source/embedding/weight`,
/// `target/embedding/weight` and `output/…`.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::Module;
/// use glassbox::zoo::Transformer;
/// // Sources of 10 tokens out of 4000, to be said in a language of 5000.
/// let model = Transformer::new(10, [4000, 5000]).layers(2).heads(4).units(64).pre_norm(true);
/// let graph = Graph::new();
/// let ids = graph.input("ids", DType::I64, [8, 10 + 12]);
/// let scores = model.forward(graph.root(Mode::Train), ids);
/// assert_eq!(scores.shape().sizes(), &[8, 12, 5000]);
/// assert!(graph.named("decoder/layers/1/multihead_attn/attention").is_some());
/// assert!(graph.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Transformer {
    source: usize,
    vocabularies: [usize; 2],
    longest: usize,
    layers: usize,
    heads: usize,
    units: usize,
    hidden: Option<usize>,
    dropout: f64,
    positions: Positions,
    tied: bool,
    pre_norm: bool,
    activation: Activation,
    padding: i64,
}

impl Transformer {
    /// The paper's base model for sources of so many tokens and so many different ones on each side: 6
    /// layers of 8 heads a side, 512 units, 2048 hidden ones, dropout 0.1, waves as positions, scores by
    /// the target's table.
    pub fn new(source: usize, vocabularies: [usize; 2]) -> Self {
        Transformer {
            source,
            vocabularies,
            longest: 512,
            layers: 6,
            heads: 8,
            units: 512,
            hidden: None,
            dropout: 0.1,
            positions: Positions::Sinusoidal,
            tied: true,
            pre_norm: false,
            activation: Activation::Relu,
            padding: 0,
        }
    }

    /// How many places learned positions tell apart (512).
    pub fn longest(self, longest: usize) -> Self {
        Transformer { longest, ..self }
    }

    /// How many blocks stand on each other, on each side.
    pub fn layers(self, layers: usize) -> Self {
        Transformer { layers, ..self }
    }

    /// How many heads attention has; they divide the units.
    pub fn heads(self, heads: usize) -> Self {
        Transformer { heads, ..self }
    }

    /// How many numbers stand for a token.
    pub fn units(self, units: usize) -> Self {
        Transformer { units, ..self }
    }

    /// How many hidden units each place is transformed with; four times the units unless it is said.
    pub fn hidden(self, hidden: usize) -> Self {
        Transformer { hidden: Some(hidden), ..self }
    }

    /// The share in [0, 1) that is left out in training.
    pub fn dropout(self, rate: f64) -> Self {
        Transformer { dropout: rate, ..self }
    }

    /// How it is told where tokens stand.
    pub fn positions(self, positions: Positions) -> Self {
        Transformer { positions, ..self }
    }

    /// Whether tokens are scored by the table that the decoder reads them from.
    pub fn tied(self, tied: bool) -> Self {
        Transformer { tied, ..self }
    }

    /// Whether the parts are normalised before they are transformed, in place of the sums.
    pub fn pre_norm(self, pre_norm: bool) -> Self {
        Transformer { pre_norm, ..self }
    }

    /// The activation of the hidden units.
    pub fn activation(self, activation: Activation) -> Self {
        Transformer { activation, ..self }
    }

    /// The id of what is no token.
    pub fn padding(self, id: i64) -> Self {
        Transformer { padding: id, ..self }
    }

    /// Vectors of tokens with their places, and the table.
    #[track_caller]
    fn embedded<'g>(
        &self,
        at: Scope<'g>,
        ids: Tensor<'g>,
        vocabulary: usize,
        first: Option<Tensor<'g>>,
    ) -> [Tensor<'g>; 2] {
        let words = at.child("embedding");
        let units = self.units;
        let (table, x) = {
            let _inside = words.enter();
            let deviation = 1.0 / (units.max(1) as f64).sqrt();
            let drawn = First::Normal { mean: 0.0, deviation };
            let table = words.parameter("weight", [vocabulary, units], drawn);
            (table, nn::embedding(table, ids, None) * (units as f64).sqrt())
        };
        let x = self.positions.added(at.child("positions"), x, self.longest, first);
        [nn::dropout(at.child("dropout"), x, self.dropout), table]
    }

    /// `x` and what `change` makes of it, normalised.
    #[track_caller]
    fn added<'g>(
        &self,
        [at, norm]: [Scope<'g>; 2],
        x: Tensor<'g>,
        change: impl FnOnce(Tensor<'g>) -> Tensor<'g>,
    ) -> Tensor<'g> {
        if self.pre_norm {
            let change = change(nn::layer_norm(norm, x));
            return residual_sum(at, nn::dropout(at.child("dropout"), change, self.dropout), x);
        }
        let change = nn::dropout(at.child("dropout"), change(x), self.dropout);
        nn::layer_norm(norm, residual_sum(at, change, x))
    }

    #[track_caller]
    fn transformed<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
        let (linear1, hidden) = (at.child("linear1"), self.hidden.unwrap_or(4 * self.units));
        let y = nn::linear(linear1, x, hidden, Initial::Xavier);
        let y = active(linear1, self.activation.word(), self.activation, y);
        let y = nn::dropout(linear1.child("dropout"), y, self.dropout);
        nn::linear(at.child("linear2"), y, self.units, Initial::Xavier)
    }

    /// What queries hear, `[rows, time, units]`.
    #[track_caller]
    fn heard<'g>(&self, at: Scope<'g>, [q, k, v]: [Tensor<'g>; 3], mask: Mask<'g>) -> Tensor<'g> {
        let heard = {
            let _inside = at.enter();
            nn::attention_of_heads(q, k, v, self.heads, mask)
        };
        nn::linear(at.child("out_proj"), heard, self.units, Initial::Xavier)
    }

    /// What the places of `x` hear of each other, after what `past` holds.
    #[track_caller]
    fn of_itself<'g>(
        &self,
        at: Scope<'g>,
        x: Tensor<'g>,
        mask: Mask<'g>,
        past: Option<&Past<'g>>,
    ) -> Tensor<'g> {
        let units = self.units;
        let all = Projections::new(at, units).of(x, 0..3);
        let [q, k, v] = [0, 1, 2].map(|part| all.slice(-1, part * units..(part + 1) * units));
        let first = past.map(|past| past.position);
        let [q, k] = [q, k].map(|x| self.positions.turned(x, self.heads, first));
        let Some(past) = past else { return self.heard(at, [q, k, v], mask) };
        let kept = at.child("kept");
        let [k, v] = [("keys", k), ("values", v)].map(|(name, x)| past.with(kept, name, x));
        self.heard(at, [q, k, v], past.mask(x.dim(1)))
    }

    /// What the encoder makes of a source, `[rows, source, units]`.
    #[track_caller]
    fn encoded<'g>(&self, at: Scope<'g>, source: Tensor<'g>, mask: Mask<'g>) -> Tensor<'g> {
        let [mut x, _] = self.embedded(at.child("source"), source, self.vocabularies[0], None);
        let encoder = at.child("encoder");
        let layers = encoder.child("layers");
        for layer in 0..self.layers {
            let layer = number(layers, layer);
            let heads = layer.child("self_attn");
            x = self
                .added([heads, layer.child("norm1")], x, |x| self.of_itself(heads, x, mask, None));
            x = self.added([layer, layer.child("norm2")], x, |x| self.transformed(layer, x));
        }
        if self.pre_norm { nn::layer_norm(encoder.child("norm"), x) } else { x }
    }

    /// Which places of a source are real, for attention.
    #[track_caller]
    fn seen<'g>(&self, source: Tensor<'g>) -> Mask<'g> {
        let real = nn::real(source, self.padding);
        let allowed = real.reshape([source.dim(0), 1, 1, source.dim(1)]);
        Mask { causal: false, allowed: Some(allowed) }
    }

    /// What the decoder makes of ids; `memory` gives a layer the keys and values of the source.
    #[track_caller]
    fn decoded<'g>(
        &self,
        at: Scope<'g>,
        ids: Tensor<'g>,
        seen: Mask<'g>,
        past: Option<&Past<'g>>,
        memory: impl Fn(Scope<'g>, Projections<'g>) -> [Tensor<'g>; 2],
    ) -> [Tensor<'g>; 2] {
        let first = past.map(|past| past.position);
        let [mut x, table] = self.embedded(at.child("target"), ids, self.vocabularies[1], first);
        let decoder = at.child("decoder");
        let layers = decoder.child("layers");
        for layer in 0..self.layers {
            let layer = number(layers, layer);
            let [own, other] = ["self_attn", "multihead_attn"].map(|name| layer.child(name));
            x = self.added([own, layer.child("norm1")], x, |x| {
                self.of_itself(own, x, Mask::CAUSAL, past)
            });
            x = self.added([other, layer.child("norm2")], x, |x| {
                let projections = Projections::new(other, self.units);
                let [k, v] = memory(other, projections);
                self.heard(other, [projections.of(x, 0..1), k, v], seen)
            });
            x = self.added([layer, layer.child("norm3")], x, |x| self.transformed(layer, x));
        }
        let x = if self.pre_norm { nn::layer_norm(decoder.child("norm"), x) } else { x };
        [x, table]
    }

    #[track_caller]
    fn scores<'g>(&self, at: Scope<'g>, [x, table]: [Tensor<'g>; 2]) -> Tensor<'g> {
        let head = at.child("output");
        if !self.tied {
            return nn::linear(head, x, self.vocabularies[1], Initial::Xavier);
        }
        let _inside = head.enter();
        let bias = head.parameter("bias", [self.vocabularies[1]], 0.0);
        (x.matmul(table.transpose()) + bias).named("scores")
    }
}

/// The weights that queries, keys and values are made with.
#[derive(Clone, Copy)]
struct Projections<'g> {
    at: Scope<'g>,
    weight: Tensor<'g>,
    bias: Tensor<'g>,
    units: usize,
}

impl<'g> Projections<'g> {
    #[track_caller]
    fn new(at: Scope<'g>, units: usize) -> Self {
        let _inside = at.enter();
        let drawn = Initial::Xavier.weights(units, 3 * units);
        let weight = at.parameter("in_proj_weight", [units, 3 * units], drawn);
        let bias = at.parameter("in_proj_bias", [3 * units], 0.0);
        Projections { at, weight, bias, units }
    }

    /// Some of queries, keys and values of `x`, side by side.
    #[track_caller]
    fn of(&self, x: Tensor<'g>, parts: std::ops::Range<usize>) -> Tensor<'g> {
        let _inside = self.at.enter();
        if parts.len() == 3 {
            return x.matmul(self.weight) + self.bias;
        }
        let columns = parts.start * self.units..parts.end * self.units;
        x.matmul(self.weight.slice(-1, columns.clone())) + self.bias.slice(-1, columns)
    }

    /// Keys and values of `memory`.
    #[track_caller]
    fn memory(&self, memory: Tensor<'g>) -> [Tensor<'g>; 2] {
        let both = self.of(memory, 1..3);
        [0..self.units, self.units..2 * self.units].map(|columns| both.slice(-1, columns))
    }
}

impl Module for Transformer {
    fn name(&self) -> &str {
        "transformer"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, ids: Tensor<'g>) -> Tensor<'g> {
        let (source, given) = (ids.slice(1, 0..self.source), ids.slice(1, self.source..ids.dim(1)));
        let seen = self.seen(source);
        let memory = self.encoded(at, source, seen);
        let decoded =
            self.decoded(at, given, seen, None, |_, projections| projections.memory(memory));
        self.scores(at, decoded)
    }

    fn decoder(&self) -> Option<&dyn Decoder> {
        Some(self)
    }
}

impl Decoder for Transformer {
    fn vocabulary(&self) -> usize {
        self.vocabularies[1]
    }

    fn context(&self) -> Option<usize> {
        (self.positions == Positions::Learned).then_some(self.longest)
    }

    fn source(&self) -> Option<usize> {
        Some(self.source)
    }

    fn with_source(&self, tokens: usize) -> Option<Box<dyn Module>> {
        Some(Box::new(Transformer { source: tokens, ..self.clone() }))
    }

    #[track_caller]
    fn begin<'g>(&self, at: Scope<'g>, source: Tensor<'g>) {
        let memory = self.encoded(at, source, self.seen(source));
        let target = at.child("kept");
        target.state("source", DType::I64, source.shape(), 0.0);
        target.assign("source", source);
        let layers = at.child("decoder").child("layers");
        for layer in 0..self.layers {
            let other = number(layers, layer).child("multihead_attn");
            let found = Projections::new(other, self.units).memory(memory);
            let kept = other.child("kept");
            for (name, x) in ["keys", "values"].into_iter().zip(found) {
                kept.state(name, x.dtype(), x.shape(), 0.0);
                kept.assign(name, x);
            }
        }
    }

    #[track_caller]
    fn go_on<'g>(&self, at: Scope<'g>, ids: Tensor<'g>, past: &Past<'g>) -> Tensor<'g> {
        let (rows, sizes) = (ids.dim(0), [ids.dim(0), self.source, self.units]);
        let kept = at.child("kept");
        let source = kept.state("source", DType::I64, [rows, self.source], 0.0);
        let memory = |at: Scope<'g>, _: Projections<'g>| {
            let kept = at.child("kept");
            ["keys", "values"].map(|name| kept.state(name, DType::F32, sizes, 0.0))
        };
        let [x, table] = self.decoded(at, ids, self.seen(source), Some(past), memory);
        self.scores(at, [nn::last_place(x), table])
    }
}
