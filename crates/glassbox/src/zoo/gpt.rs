use glassbox_engine::{Scope, Tensor};

use super::named::Choices;
use super::parts::{active, number, residual_sum};
use crate::nn::{self, Activation, Decoder, Initial, Mask, Module, Past, Positions};

const INITIAL: Initial = Initial::Normal { deviation: 0.02 };

/// A decoder-only transformer as GPT-2 (Radford et al., "Language models are unsupervised multitask
/// learners", 2019): ids i64 `[rows, time]` → scores of each next token, `[rows, time, vocabulary]`.
///
/// Each block normalises, lets every place look back, adds, normalises, transforms each place by itself,
/// adds; weights are drawn from the normal distribution of deviation 0.02, those before a sum of
/// 0.02 / √(2 · layers). Dropout is applied to the embedded words and to what each block adds (not to
/// attention's shares). The scores of tokens come from their own table unless the head is its own.
///
/// Paths are Hugging Face's names with `/` for `.`: `wte/weight`, `wpe/weight`, `h/0/ln_1/weight`,
/// `h/0/attn/c_attn/weight`, `h/0/attn/c_proj/weight`, `h/0/ln_2/weight`, `h/0/mlp/c_fc/weight`,
/// `h/0/mlp/c_proj/weight`, `ln_f/weight` and, where the head is its own, `lm_head/weight`.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{Module, Positions};
/// use glassbox::zoo::Gpt;
/// let gpt2 = Gpt::new(50_257); // the small one of the paper
/// assert_eq!(gpt2.parameters(), 124_439_808);
/// let model = Gpt::new(65).context(256).layers(6).heads(6).units(384).dropout(0.2);
/// let graph = Graph::new();
/// let ids = graph.input("ids", DType::I64, [2, 128]);
/// let scores = model.forward(graph.root(Mode::Train), ids);
/// assert_eq!(scores.shape().sizes(), &[2, 128, 65]);
/// assert!(graph.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Gpt {
    vocabulary: usize,
    context: usize,
    layers: usize,
    heads: usize,
    units: usize,
    hidden: Option<usize>,
    dropout: f64,
    positions: Positions,
    tied: bool,
    activation: Activation,
    epsilon: f64,
}

impl Gpt {
    /// GPT-2 of 124 million parameters for this many tokens: a context of 1024, 12 layers of 12 heads,
    /// 768 units, dropout 0.1, learned positions, gelu, and a head tied to the table of tokens.
    pub fn new(vocabulary: usize) -> Self {
        Gpt {
            vocabulary,
            context: 1024,
            layers: 12,
            heads: 12,
            units: 768,
            hidden: None,
            dropout: 0.1,
            positions: Positions::Learned,
            tied: true,
            activation: Activation::Gelu { approximate: true },
            epsilon: 1e-5,
        }
    }

    /// The most tokens that it looks at.
    pub fn context(self, context: usize) -> Self {
        Gpt { context, ..self }
    }

    /// How many blocks stand on each other.
    pub fn layers(self, layers: usize) -> Self {
        Gpt { layers, ..self }
    }

    /// How many heads attention has; they divide the units.
    pub fn heads(self, heads: usize) -> Self {
        Gpt { heads, ..self }
    }

    /// How many numbers stand for a token.
    pub fn units(self, units: usize) -> Self {
        Gpt { units, ..self }
    }

    /// How many hidden units each place is transformed with; four times the units unless it is said.
    pub fn hidden(self, hidden: usize) -> Self {
        Gpt { hidden: Some(hidden), ..self }
    }

    /// The share in [0, 1) that is left out in training, of the embedded tokens and of what blocks add.
    pub fn dropout(self, rate: f64) -> Self {
        Gpt { dropout: rate, ..self }
    }

    /// How it is told where tokens stand.
    pub fn positions(self, positions: Positions) -> Self {
        Gpt { positions, ..self }
    }

    /// Whether tokens are scored by the table that they are read from (Press and Wolf 2017).
    pub fn tied(self, tied: bool) -> Self {
        Gpt { tied, ..self }
    }

    /// The activation of the hidden units.
    pub fn activation(self, activation: Activation) -> Self {
        Gpt { activation, ..self }
    }

    /// What is added to variances in layer normalisation (10⁻⁵).
    pub fn epsilon(self, epsilon: f64) -> Self {
        Gpt { epsilon, ..self }
    }

    /// How many numbers it learns.
    pub fn parameters(&self) -> usize {
        let (units, hidden) = (self.units, self.hidden_units());
        let linear = |inputs: usize, outputs: usize| (inputs + 1) * outputs;
        let attention = linear(units, 3 * units) + linear(units, units);
        let block = attention + linear(units, hidden) + linear(hidden, units) + 4 * units;
        let places = if self.positions == Positions::Learned { self.context * units } else { 0 };
        let tables = if self.tied { 1 } else { 2 } * self.vocabulary * units;
        tables + places + self.layers * block + 2 * units
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
        let &Gpt { units, layers, heads, dropout, positions, tied, activation, .. } = self;
        Choices { units, layers, heads, dropout, positions, tied, activation, ..Choices::PLAIN }
    }

    /// Of the weights before a sum: as many sums as there are keep the variance.
    fn before_sum(&self) -> Initial {
        Initial::Normal { deviation: 0.02 / ((2 * self.layers.max(1)) as f64).sqrt() }
    }

    /// What each place hears of those before it.
    #[track_caller]
    fn heard<'g>(&self, at: Scope<'g>, x: Tensor<'g>, past: Option<&Past<'g>>) -> Tensor<'g> {
        let (units, heads) = (self.units, self.heads);
        let all = nn::linear(at.child("c_attn"), x, 3 * units, INITIAL);
        let [q, k, v] = [0, 1, 2].map(|part| all.slice(-1, part * units..(part + 1) * units));
        let first = past.map(|past| past.position);
        let [q, k] = [q, k].map(|x| self.positions.turned(x, heads, first));
        let (k, v, mask) = match past {
            None => (k, v, Mask::CAUSAL),
            Some(past) => {
                let kept = at.child("kept");
                let [k, v] = [("keys", k), ("values", v)].map(|(name, x)| past.with(kept, name, x));
                (k, v, past.mask(x.dim(1)))
            }
        };
        let heard = {
            let _inside = at.enter();
            nn::attention_of_heads(q, k, v, heads, mask)
        };
        nn::linear(at.child("c_proj"), heard, units, self.before_sum())
    }

    #[track_caller]
    fn block<'g>(&self, at: Scope<'g>, x: Tensor<'g>, past: Option<&Past<'g>>) -> Tensor<'g> {
        let (attn, mlp) = (at.child("attn"), at.child("mlp"));
        let y = nn::layer_norm_with(at.child("ln_1"), x, self.epsilon);
        let y = self.heard(attn, y, past);
        let y = nn::dropout(attn.child("resid_dropout"), y, self.dropout);
        let x = residual_sum(attn, y, x);
        let y = nn::layer_norm_with(at.child("ln_2"), x, self.epsilon);
        let y = nn::linear(mlp.child("c_fc"), y, self.hidden_units(), INITIAL);
        let y = active(mlp, self.activation.word(), self.activation, y);
        let y = nn::linear(mlp.child("c_proj"), y, self.units, self.before_sum());
        let y = nn::dropout(mlp.child("dropout"), y, self.dropout);
        residual_sum(mlp, y, x)
    }

    /// What it makes of ids `[rows, time]`, `[rows, time, units]`, and the table of tokens.
    #[track_caller]
    fn body<'g>(&self, at: Scope<'g>, ids: Tensor<'g>, past: Option<&Past<'g>>) -> [Tensor<'g>; 2] {
        let drawn = INITIAL.weights(self.vocabulary, self.units);
        let words = at.child("wte");
        let (table, x) = {
            let _inside = words.enter();
            let table = words.parameter("weight", [self.vocabulary, self.units], drawn);
            (table, nn::embedding(table, ids, None).named("embedding"))
        };
        let first = past.map(|past| past.position);
        let x = self.positions.added(at.child("wpe"), x, self.context, first);
        let mut x = nn::dropout(at.child("drop"), x, self.dropout);
        let blocks = at.child("h");
        for block in 0..self.layers {
            x = self.block(number(blocks, block), x, past);
        }
        [nn::layer_norm_with(at.child("ln_f"), x, self.epsilon), table]
    }

    /// The score of each token after `x [.., units]`.
    #[track_caller]
    fn scores<'g>(&self, at: Scope<'g>, [x, table]: [Tensor<'g>; 2]) -> Tensor<'g> {
        let head = at.child("lm_head");
        let _inside = head.enter();
        if self.tied {
            return x.matmul(table.transpose()).named("scores");
        }
        let drawn = INITIAL.weights(self.units, self.vocabulary);
        let weight = head.parameter("weight", [self.units, self.vocabulary], drawn);
        x.matmul(weight).named("scores")
    }
}

impl Module for Gpt {
    fn name(&self) -> &str {
        "gpt"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, ids: Tensor<'g>) -> Tensor<'g> {
        self.scores(at, self.body(at, ids, None))
    }

    fn decoder(&self) -> Option<&dyn Decoder> {
        Some(self)
    }
}

impl Decoder for Gpt {
    fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    fn context(&self) -> Option<usize> {
        Some(self.context)
    }

    #[track_caller]
    fn go_on<'g>(&self, at: Scope<'g>, ids: Tensor<'g>, past: &Past<'g>) -> Tensor<'g> {
        let [x, table] = self.body(at, ids, Some(past));
        self.scores(at, [nn::last_place(x), table])
    }
}
