use glassbox_engine::{Scope, Tensor};

use super::named::{Choices, Wanted};
use super::parts::{active, number, residual_sum};
use crate::nn::{self, Activation, Initial, Mask, Module, Positions};

const INITIAL: Initial = Initial::Normal { deviation: 0.02 };

/// What is asked of a [`Bert`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BertHead {
    /// Nothing more: what it makes of each place, `[rows, time, units]`.
    None,
    /// The token at each place, `[rows, time, vocabulary]`: what it learns from texts of which some
    /// tokens are hidden.
    Tokens,
    /// One of so many classes for the whole, by what it makes of the first place, `[rows, classes]`.
    Sequence(usize),
    /// One of so many classes for each place, `[rows, time, classes]`.
    Places(usize),
}

impl BertHead {
    /// What tells what is wanted.
    pub(crate) fn of(wanted: &Wanted<'_>) -> Self {
        match (wanted.every_place, wanted.own_places) {
            (true, true) => BertHead::Places(wanted.outputs),
            (true, false) => BertHead::Tokens,
            (false, _) => BertHead::Sequence(wanted.outputs),
        }
    }
}

/// An encoder as BERT (Devlin et al., "BERT: Pre-training of deep bidirectional transformers for language
/// understanding", 2019): ids i64 `[rows, time]` → what its [head](BertHead) gives.
///
/// Places with the padding's id (0 unless it is said) are seen by no other. All tokens are of the first
/// type, unless [`read`](Self::read) is told another. Sums are normalised after each part. Dropout is
/// applied to the embedded tokens, to what is added and before a classifier (not to attention's shares).
///
/// Paths are Hugging Face's names with `/` for `.` and without `bert.` before them:
/// `embeddings/word_embeddings/weight`, `encoder/layer/0/attention/self/query/weight`,
/// `encoder/layer/0/attention/output/LayerNorm/weight`, `pooler/dense/weight`,
/// `cls/predictions/transform/dense/weight`, `classifier/weight` ….
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::Module;
/// use glassbox::zoo::{Bert, BertHead};
/// // BERT base, uncased, with its pooler.
/// let model = Bert::new(30_522, BertHead::Sequence(2));
/// assert_eq!(model.parameters(), 109_482_240 + 2 * 768 + 2);
/// let graph = Graph::new();
/// let ids = graph.input("ids", DType::I64, [2, 16]);
/// let scores = model.layers(2).forward(graph.root(Mode::Train), ids);
/// assert_eq!(scores.shape().sizes(), &[2, 2]);
/// assert!(graph.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Bert {
    vocabulary: usize,
    head: BertHead,
    context: usize,
    types: usize,
    layers: usize,
    heads: usize,
    units: usize,
    hidden: Option<usize>,
    dropout: f64,
    positions: Positions,
    activation: Activation,
    epsilon: f64,
    padding: i64,
}

impl Bert {
    /// BERT base for this many tokens: a context of 512, 2 types of tokens, 12 layers of 12 heads, 768
    /// units, dropout 0.1, learned positions, gelu.
    pub fn new(vocabulary: usize, head: BertHead) -> Self {
        Bert {
            vocabulary,
            head,
            context: 512,
            types: 2,
            layers: 12,
            heads: 12,
            units: 768,
            hidden: None,
            dropout: 0.1,
            positions: Positions::Learned,
            activation: Activation::Gelu { approximate: false },
            epsilon: 1e-12,
            padding: 0,
        }
    }

    /// With another head.
    pub fn head(self, head: BertHead) -> Self {
        Bert { head, ..self }
    }

    /// The head that it has.
    pub fn asked(&self) -> BertHead {
        self.head
    }

    /// The most tokens that it looks at.
    pub fn context(self, context: usize) -> Self {
        Bert { context, ..self }
    }

    /// How many types of tokens there are: sentences of a row.
    pub fn types(self, types: usize) -> Self {
        Bert { types, ..self }
    }

    /// How many blocks stand on each other.
    pub fn layers(self, layers: usize) -> Self {
        Bert { layers, ..self }
    }

    /// How many heads attention has; they divide the units.
    pub fn heads(self, heads: usize) -> Self {
        Bert { heads, ..self }
    }

    /// How many numbers stand for a token.
    pub fn units(self, units: usize) -> Self {
        Bert { units, ..self }
    }

    /// How many hidden units each place is transformed with; four times the units unless it is said.
    pub fn hidden(self, hidden: usize) -> Self {
        Bert { hidden: Some(hidden), ..self }
    }

    /// The share in [0, 1) that is left out in training.
    pub fn dropout(self, rate: f64) -> Self {
        Bert { dropout: rate, ..self }
    }

    /// How it is told where tokens stand.
    pub fn positions(self, positions: Positions) -> Self {
        Bert { positions, ..self }
    }

    /// The activation of the hidden units.
    pub fn activation(self, activation: Activation) -> Self {
        Bert { activation, ..self }
    }

    /// What is added to variances in layer normalisation (10⁻¹²).
    pub fn epsilon(self, epsilon: f64) -> Self {
        Bert { epsilon, ..self }
    }

    /// The id of what is no token.
    pub fn padding(self, id: i64) -> Self {
        Bert { padding: id, ..self }
    }

    /// How many numbers it learns.
    pub fn parameters(&self) -> usize {
        let (units, hidden) = (self.units, self.hidden_units());
        let linear = |inputs: usize, outputs: usize| (inputs + 1) * outputs;
        let places = if self.positions == Positions::Learned { self.context } else { 0 };
        let embeddings = (self.vocabulary + places + self.types + 2) * units;
        let block =
            4 * linear(units, units) + linear(units, hidden) + linear(hidden, units) + 4 * units;
        let head = match self.head {
            BertHead::None => 0,
            BertHead::Tokens => linear(units, units) + 2 * units + self.vocabulary,
            BertHead::Sequence(classes) => linear(units, units) + linear(units, classes),
            BertHead::Places(classes) => linear(units, classes),
        };
        embeddings + self.layers * block + head
    }

    fn hidden_units(&self) -> usize {
        self.hidden.unwrap_or(4 * self.units)
    }

    /// How many different tokens it knows.
    pub(crate) fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// The most tokens that it looks at.
    pub(crate) fn longest(&self) -> usize {
        self.context
    }

    /// Its sizes, as a configuration says them.
    pub(crate) fn choices(&self) -> Choices {
        let &Bert { units, layers, heads, dropout, positions, activation, .. } = self;
        Choices { units, layers, heads, dropout, positions, activation, ..Choices::PLAIN }
    }

    /// As [`forward`](Module::forward) with the type of each token, i64 of the shape of `ids`.
    #[track_caller]
    pub fn read<'g>(
        &self,
        at: Scope<'g>,
        ids: Tensor<'g>,
        types: Option<Tensor<'g>>,
    ) -> Tensor<'g> {
        let (x, table) = self.embedded(at.child("embeddings"), ids, types);
        let allowed = nn::real(ids, self.padding).reshape([ids.dim(0), 1, 1, ids.dim(1)]);
        let mask = Mask { causal: false, allowed: Some(allowed) };
        let layers = at.child("encoder").child("layer");
        let x = (0..self.layers).fold(x, |x, layer| self.block(number(layers, layer), x, mask));
        self.told(at, x, table)
    }

    /// Vectors of tokens with their places and types, and the table of tokens.
    #[track_caller]
    fn embedded<'g>(
        &self,
        at: Scope<'g>,
        ids: Tensor<'g>,
        types: Option<Tensor<'g>>,
    ) -> (Tensor<'g>, Tensor<'g>) {
        let table = |name, rows| {
            let at = at.child(name);
            let _inside = at.enter();
            at.parameter("weight", [rows, self.units], INITIAL.weights(rows, self.units))
        };
        let words = table("word_embeddings", self.vocabulary);
        let x = nn::embedding(words, ids, None);
        let x = self.positions.added(at.child("position_embeddings"), x, self.context, None);
        let kinds = table("token_type_embeddings", self.types);
        let x = x + match types {
            Some(types) => nn::embedding(kinds, types, None),
            None => kinds.slice(0, 0..1),
        };
        let x = nn::layer_norm_with(at.child("LayerNorm"), x, self.epsilon);
        (nn::dropout(at.child("dropout"), x, self.dropout), words)
    }

    /// What `y` becomes after a layer, added to `x`, normalised.
    #[track_caller]
    fn added<'g>(&self, at: Scope<'g>, y: Tensor<'g>, x: Tensor<'g>) -> Tensor<'g> {
        let y = nn::linear(at.child("dense"), y, self.units, INITIAL);
        let y = nn::dropout(at.child("dropout"), y, self.dropout);
        nn::layer_norm_with(at.child("LayerNorm"), residual_sum(at, y, x), self.epsilon)
    }

    #[track_caller]
    fn block<'g>(&self, at: Scope<'g>, x: Tensor<'g>, mask: Mask<'g>) -> Tensor<'g> {
        let attention = at.child("attention");
        let own = attention.child("self");
        let [q, k, v] = ["query", "key", "value"]
            .map(|name| nn::linear(own.child(name), x, self.units, INITIAL));
        let [q, k] = [q, k].map(|x| self.positions.turned(x, self.heads, None));
        let heard = {
            let _inside = own.enter();
            nn::attention_of_heads(q, k, v, self.heads, mask)
        };
        let x = self.added(attention.child("output"), heard, x);
        let middle = at.child("intermediate");
        let y = nn::linear(middle.child("dense"), x, self.hidden_units(), INITIAL);
        let y = active(middle, self.activation.word(), self.activation, y);
        self.added(at.child("output"), y, x)
    }

    /// What the head makes of `x [rows, time, units]`.
    #[track_caller]
    fn told<'g>(&self, at: Scope<'g>, x: Tensor<'g>, table: Tensor<'g>) -> Tensor<'g> {
        let classified = |x: Tensor<'g>, classes: usize| {
            let head = at.child("classifier");
            let x = nn::dropout(head.child("dropout"), x, self.dropout);
            nn::linear(head, x, classes, INITIAL)
        };
        match self.head {
            BertHead::None => x,
            BertHead::Tokens => {
                let head = at.child("cls").child("predictions");
                let transform = head.child("transform");
                let y = nn::linear(transform.child("dense"), x, self.units, INITIAL);
                let y = active(transform, self.activation.word(), self.activation, y);
                let y = nn::layer_norm_with(transform.child("LayerNorm"), y, self.epsilon);
                let _inside = head.enter();
                let bias = head.parameter("bias", [self.vocabulary], 0.0);
                (y.matmul(table.transpose()) + bias).named("scores")
            }
            BertHead::Sequence(classes) => {
                let pooler = at.child("pooler");
                let first = x.slice(1, 0..1).drop_axis(1);
                let y = nn::linear(pooler.child("dense"), first, self.units, INITIAL);
                classified(active(pooler, "tanh", Activation::Tanh, y), classes)
            }
            BertHead::Places(classes) => classified(x, classes),
        }
    }
}

impl Module for Bert {
    fn name(&self) -> &str {
        "bert"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, ids: Tensor<'g>) -> Tensor<'g> {
        self.read(at, ids, None)
    }
}
