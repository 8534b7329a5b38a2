//! Networks over sequences of numbers or of tokens: recurrent, convolutional, with attention.

use glassbox_engine::{DType, Scope, Tensor};

use super::parts::{active, residual_sum};
use crate::nn::{self, Activation, Conv, Decoder, Initial, Mask, Module, Past, Recurrence};
use crate::words::words;

words! {
    /// What a recurrent network does at each step.
    Cell {
        /// Weighted sums and tanh: [`nn::rnn`].
        Rnn = "rnn",
        /// Long short-term memory: [`nn::lstm`].
        Lstm = "lstm",
        /// Gated recurrent units: [`nn::gru`].
        Gru = "gru",
    }
}

words! {
    /// Which places of a sequence the outputs are made of.
    Places {
        /// The last that is real: one row of outputs, by all that was read.
        Last = "last",
        /// The mean of those that are real: one row of outputs.
        Mean = "mean",
        /// Each, by what stands there and before: a row of outputs for every place, as language models
        /// give them.
        Every = "every",
        /// Each, by what stands there, before and behind: a row of outputs for every place, as is told of
        /// words what they are.
        Own = "own",
    }
}

/// The tokens that a network reads in place of numbers.
///
/// ```
/// use glassbox::zoo::{Cell, Recurrent, Tokens};
/// let letters = Tokens { vocabulary: 65, width: 32, padding: None };
/// let model = Recurrent::new(Cell::Lstm, 64, 65).tokens(letters);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// How many there are.
    pub vocabulary: usize,
    /// Numbers of a token's vector.
    pub width: usize,
    /// The id that stands after the end of shorter sequences; nothing is learned from it. None: every
    /// place is real.
    pub padding: Option<i64>,
}

/// A sequence as the layers read it.
struct Read<'g> {
    /// `[rows, time, features]`.
    x: Tensor<'g>,
    /// How many places are real, i64 `[rows]`; none: all.
    lengths: Option<Tensor<'g>>,
    /// The vectors of the tokens, `[vocabulary, width]`.
    table: Option<Tensor<'g>>,
}

impl<'g> Read<'g> {
    /// Numbers as they are, tokens by their vectors (`embedding/weight`).
    #[track_caller]
    fn of(at: Scope<'g>, input: Tensor<'g>, tokens: Option<Tokens>) -> Self {
        let Some(Tokens { vocabulary, width, padding }) = tokens else {
            return Read { x: input, lengths: None, table: None };
        };
        let at = at.child("embedding");
        let table = nn::embedding_table(at, vocabulary, width);
        let _inside = at.enter();
        let x = nn::embedding(table, input, padding).named("vectors");
        let lengths = padding.map(|id| {
            let empty = input.equal(input.full_like(id as f64));
            let real = empty.select(input.full_like(0.0), input.full_like(1.0));
            real.sum_axis(1).drop_axis(1)
        });
        Read { x, lengths, table: Some(table) }
    }

    /// The places `x [rows, time, units]` that are asked for, `[rows, units]`, or each as it is.
    #[track_caller]
    fn chosen(&self, at: Scope<'g>, x: Tensor<'g>, places: Places) -> Tensor<'g> {
        let _inside = at.enter();
        let (rows, time) = (x.dim(0), x.dim(1));
        let zero = x.full_like(0.0);
        let place = x.graph().iota([1, time, 1], 1);
        let ends = self.lengths.map(|lengths| lengths.reshape([rows, 1, 1]));
        match (places, ends) {
            (Places::Every | Places::Own, _) => x,
            (Places::Last, None) => x.slice(1, time.saturating_sub(1)..time).drop_axis(1),
            (Places::Last, Some(ends)) => {
                (place + 1.0).equal(ends).select(x, zero).sum_axis(1).drop_axis(1)
            }
            (Places::Mean, None) => x.mean_axis(1).drop_axis(1),
            (Places::Mean, Some(ends)) => {
                let count = ends.cast(x.dtype()).reshape([rows, 1]);
                let sum = place.less(ends).select(x, zero).sum_axis(1).drop_axis(1);
                // Nothing real: 0 of 1.
                let one = count.full_like(1.0);
                sum / count.less(one).select(one, count)
            }
        }
    }

    /// `x [rows, time, units]` with 0 at places that are not real, so that nobody sees how many there are.
    #[track_caller]
    fn real(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
        let Some(ends) = self.lengths else { return x };
        let _inside = at.enter();
        let place = x.graph().iota([1, x.dim(1), 1], 1);
        place.less(ends.reshape([x.dim(0), 1, 1])).select(x, x.full_like(0.0))
    }

    /// Where a query may look: at real places, and at none ahead where each place has outputs.
    #[track_caller]
    fn mask(&self, places: Places) -> Mask<'g> {
        let keys = self.x.dim(1);
        let allowed = self.lengths.map(|lengths| nn::padding_mask(lengths, keys));
        Mask { causal: places == Places::Every, allowed }
    }
}

/// A recurrent network: layers of cells, and the weighted sums `output` of the last state or of every
/// place's.
///
/// Numbers `[rows, time, features]`, or tokens (i64 `[rows, time]`), which are looked up in
/// `embedding/weight` first → `[rows, outputs]`, or `[rows, time, outputs]` of [`Places::Every`] and
/// [`Places::Own`]. Its
/// layers are `rnn/layer1/…` (by the cell's name): see [`nn::lstm`]. The weights are the same at every
/// step, so that their number does not depend on the length.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::Module;
/// use glassbox::zoo::{Cell, Places, Recurrent, Tokens};
///
/// // A class of a window of 3 sensors.
/// let graph = Graph::new();
/// let window = graph.input("window", DType::F32, [8, 100, 3]);
/// let model = Recurrent::new(Cell::Gru, 32, 6).layers(2).bidirectional(true).dropout(0.1);
/// let scores = model.forward(graph.root(Mode::Train), window);
/// assert_eq!(scores.shape().sizes(), &[8, 6]);
///
/// // The next of 65 letters at every place.
/// let graph = Graph::new();
/// let text = graph.input("text", DType::I64, [8, 100]);
/// let letters = Tokens { vocabulary: 65, width: 32, padding: None };
/// let model = Recurrent::new(Cell::Lstm, 64, 65).tokens(letters).places(Places::Every);
/// let scores = model.forward(graph.root(Mode::Train), text);
/// assert_eq!(scores.shape().sizes(), &[8, 100, 65]);
/// assert!(graph.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Recurrent {
    cell: Cell,
    units: usize,
    outputs: usize,
    layers: usize,
    bidirectional: bool,
    dropout: f64,
    places: Places,
    tokens: Option<Tokens>,
    tied: bool,
}

impl Recurrent {
    /// One layer of so many units, whose last state gives so many outputs.
    pub fn new(cell: Cell, units: usize, outputs: usize) -> Self {
        Recurrent {
            cell,
            units,
            outputs,
            layers: 1,
            bidirectional: false,
            dropout: 0.0,
            places: Places::Last,
            tokens: None,
            tied: false,
        }
    }

    /// So many layers on each other.
    pub fn layers(self, layers: usize) -> Self {
        Recurrent { layers, ..self }
    }

    /// Whether each layer also goes from the end to the beginning, with weights of its own. The last
    /// state is then that of both ways after all they read.
    pub fn bidirectional(self, bidirectional: bool) -> Self {
        Recurrent { bidirectional, ..self }
    }

    /// The share of numbers, in [0, 1), that training leaves out between layers and before the outputs
    /// (Zaremba et al. 2014).
    pub fn dropout(self, rate: f64) -> Self {
        Recurrent { dropout: rate, ..self }
    }

    /// Outputs of these places.
    pub fn places(self, places: Places) -> Self {
        Recurrent { places, ..self }
    }

    /// The same over tokens.
    pub fn tokens(self, tokens: Tokens) -> Self {
        Recurrent { tokens: Some(tokens), ..self }
    }

    /// Whether the outputs are the products with the vectors of the tokens (Press and Wolf 2017), after
    /// a layer `projection` where these have another number of numbers. The outputs are then the tokens.
    pub fn tied(self, tied: bool) -> Self {
        Recurrent { tied, ..self }
    }

    /// As [`forward`](Module::forward) from given states, with the states afterwards: what reads a text
    /// bit by bit. There are one (h) or, of [`Cell::Lstm`], two (h and c), each
    /// `[layers · directions, rows, units]`; another number stands for 0.
    ///
    /// ```
    /// use glassbox::engine::{DType, Graph, Mode};
    /// use glassbox::zoo::{Cell, Places, Recurrent, Tokens};
    /// let letters = Tokens { vocabulary: 65, width: 32, padding: None };
    /// let model = Recurrent::new(Cell::Gru, 64, 65).tokens(letters).places(Places::Every);
    /// let graph = Graph::new();
    /// let letter = graph.input("letter", DType::I64, [1, 1]);
    /// let state = graph.input("state", DType::F32, [1, 1, 64]);
    /// let (scores, after) = model.forward_from(graph.root(Mode::Eval), letter, &[state]);
    /// assert_eq!(scores.shape().sizes(), &[1, 1, 65]);
    /// assert_eq!(after[0].shape(), state.shape());
    /// assert!(graph.check().is_ok());
    /// ```
    #[track_caller]
    pub fn forward_from<'g>(
        &self,
        at: Scope<'g>,
        input: Tensor<'g>,
        first: &[Tensor<'g>],
    ) -> (Tensor<'g>, Vec<Tensor<'g>>) {
        let read = Read::of(at, input, self.tokens);
        let (x, lengths) = (read.x, read.lengths);
        let within = at.child(self.cell.word());
        let (layers, bidirectional, dropout) = (self.layers, self.bidirectional, self.dropout);
        let one = || {
            let first = first.try_into().ok();
            Recurrence { layers, bidirectional, dropout, lengths, first }
        };
        let (outputs, last) = match self.cell {
            Cell::Rnn => {
                let found = nn::rnn(within, x, self.units, Activation::Tanh, one());
                (found.outputs, found.last.to_vec())
            }
            Cell::Gru => {
                let found = nn::gru(within, x, self.units, one());
                (found.outputs, found.last.to_vec())
            }
            Cell::Lstm => {
                let first = first.try_into().ok();
                let two = Recurrence { layers, bidirectional, dropout, lengths, first };
                let found = nn::lstm(within, x, self.units, two);
                (found.outputs, found.last.to_vec())
            }
        };
        let chosen = match (self.places, last.first()) {
            (Places::Last, Some(h)) if bidirectional => {
                // The way back ends at the first place: its state is not that of the last.
                let _inside = within.enter();
                let top = 2 * layers.max(1) - 2;
                let [forward, back] = [top, top + 1].map(|i| h.slice(0, i..i + 1).drop_axis(0));
                forward.concatenate(&[back], -1)
            }
            _ => read.chosen(within, outputs, self.places),
        };
        let chosen = nn::dropout(at.child("dropout"), chosen, dropout);
        (self.told(at, chosen, read.table), last)
    }

    /// The outputs of states.
    #[track_caller]
    fn told<'g>(&self, at: Scope<'g>, x: Tensor<'g>, table: Option<Tensor<'g>>) -> Tensor<'g> {
        let Some(table) = table.filter(|_| self.tied) else {
            return nn::linear(at.child("output"), x, self.outputs, Initial::Pytorch);
        };
        let width = table.dim(1);
        let x = match x.dim(-1) == width {
            true => x,
            false => nn::linear(at.child("projection"), x, width, Initial::Pytorch),
        };
        let at = at.child("output");
        let _inside = at.enter();
        x.matmul(table.transpose()) + at.parameter("bias", [table.dim(0)], 0.0)
    }
}

impl Module for Recurrent {
    fn name(&self) -> &str {
        self.cell.word()
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g> {
        self.forward_from(at, input, &[]).0
    }

    fn decoder(&self) -> Option<&dyn Decoder> {
        let reads = self.tokens.is_some_and(|tokens| tokens.vocabulary == self.outputs);
        (reads && self.places == Places::Every && !self.bidirectional).then_some(self)
    }
}

impl Decoder for Recurrent {
    fn vocabulary(&self) -> usize {
        self.outputs
    }

    fn context(&self) -> Option<usize> {
        None
    }

    #[track_caller]
    fn go_on<'g>(&self, at: Scope<'g>, ids: Tensor<'g>, past: &Past<'g>) -> Tensor<'g> {
        let names = if self.cell == Cell::Lstm { &["h", "c"][..] } else { &["h"] };
        let kept = at.child("kept");
        // Rows come first in what is kept.
        let sizes = [ids.dim(0), self.layers, self.units];
        let first: Vec<Tensor<'g>> = names
            .iter()
            .map(|name| past.kept(kept, name, DType::F32, &sizes).permute(&[1, 0, 2]))
            .collect();
        // Every id is real here, whatever stands for padding.
        let tokens = self.tokens.map(|tokens| Tokens { padding: None, ..tokens });
        let (scores, after) = Recurrent { tokens, ..self.clone() }.forward_from(at, ids, &first);
        for (name, state) in names.iter().zip(after) {
            kept.assign(name, state.permute(&[1, 0, 2]));
        }
        nn::last_place(scores)
    }
}

/// A network of filters over time: layers `conv1`, `conv2` … with ReLU, each reading places twice as far
/// apart as the one below and added to what it reads, so that few layers see a long time (Bai, Kolter
/// and Koltun 2018); then the weighted sums `output`.
///
/// Filters look back alone (no place knows what comes after it) but for [`Places::Mean`] and
/// [`Places::Own`], where they look both ways. Input and outputs as [`Recurrent`]'s.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::Module;
/// use glassbox::zoo::{Convolution, Places};
/// let graph = Graph::new();
/// let window = graph.input("window", DType::F32, [8, 100, 3]);
/// let model = Convolution::new(32, 6).layers(4).places(Places::Mean);
/// assert_eq!(model.forward(graph.root(Mode::Train), window).shape().sizes(), &[8, 6]);
/// assert_eq!(model.sees(), 61); // 1 + 4 · (1 + 2 + 4 + 8)
/// assert!(graph.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    units: usize,
    outputs: usize,
    layers: usize,
    size: usize,
    dropout: f64,
    places: Places,
    tokens: Option<Tokens>,
}

impl Convolution {
    /// Four layers of so many filters of 5 places, whose last place gives so many outputs.
    pub fn new(units: usize, outputs: usize) -> Self {
        Convolution {
            units,
            outputs,
            layers: 4,
            size: 5,
            dropout: 0.0,
            places: Places::Last,
            tokens: None,
        }
    }

    /// So many layers on each other.
    pub fn layers(self, layers: usize) -> Self {
        Convolution { layers, ..self }
    }

    /// Filters over so many places.
    pub fn size(self, size: usize) -> Self {
        Convolution { size, ..self }
    }

    /// The share of numbers, in [0, 1), that training leaves out after each layer.
    pub fn dropout(self, rate: f64) -> Self {
        Convolution { dropout: rate, ..self }
    }

    /// Outputs of these places.
    pub fn places(self, places: Places) -> Self {
        Convolution { places, ..self }
    }

    /// The same over tokens.
    pub fn tokens(self, tokens: Tokens) -> Self {
        Convolution { tokens: Some(tokens), ..self }
    }

    /// How many places of the input one place of the last layer is made of.
    pub fn sees(&self) -> usize {
        let far = (0..self.layers).fold(0usize, |sum, layer| sum.saturating_add(apart(layer)));
        far.saturating_mul(self.size.saturating_sub(1)).saturating_add(1)
    }
}

/// How far apart the places are that a layer reads, counted from 0.
fn apart(layer: usize) -> usize {
    1usize.checked_shl(layer as u32).unwrap_or(usize::MAX)
}

impl Module for Convolution {
    fn name(&self) -> &str {
        "convolution"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g> {
        let read = Read::of(at, input, self.tokens);
        let mut x = read.x;
        for layer in 0..self.layers {
            let within = at.index("conv", layer + 1);
            let mut conv = Conv::line(self.size).dilation([1, apart(layer)]).same();
            if !matches!(self.places, Places::Mean | Places::Own) {
                let [before, after] = conv.how.padding[1];
                conv.how.padding[1] = [before.saturating_add(after), 0];
            }
            let y = nn::conv1d(within, x, self.units, conv);
            let y = active(within, "relu", Activation::Relu, y);
            let y = nn::dropout(within, y, self.dropout);
            x = if layer > 0 { residual_sum(within, y, x) } else { y };
            if self.places == Places::Own {
                x = read.real(within, x);
            }
        }
        let chosen = read.chosen(at, x, self.places);
        nn::linear(at.child("output"), chosen, self.outputs, Initial::Pytorch)
    }
}

/// Encoder blocks of attention over a sequence (Vaswani et al. 2017, normalised before each half as in
/// Xiong et al. 2020): `input` brings each place to `units` numbers, to which the waves of
/// [`nn::sinusoidal_positions`] are added; then `block1`, `block2` …, a last normalisation `norm` and
/// the weighted sums `output`.
///
/// Every place sees every other; with [`Places::Every`] none sees what comes after it. Input and outputs
/// as [`Recurrent`]'s.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::Module;
/// use glassbox::zoo::{Attention, Places};
/// let graph = Graph::new();
/// let window = graph.input("window", DType::F32, [8, 100, 3]);
/// let model = Attention::new(32, 6).heads(4).places(Places::Mean);
/// assert_eq!(model.forward(graph.root(Mode::Train), window).shape().sizes(), &[8, 6]);
/// assert!(graph.named("block1/heads/attention").is_some());
/// assert!(graph.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    units: usize,
    outputs: usize,
    layers: usize,
    heads: usize,
    dropout: f64,
    places: Places,
    tokens: Option<Tokens>,
}

impl Attention {
    /// One block of so many numbers a place and 4 heads (which must divide them), whose last place gives
    /// so many outputs.
    pub fn new(units: usize, outputs: usize) -> Self {
        Attention {
            units,
            outputs,
            layers: 1,
            heads: 4,
            dropout: 0.0,
            places: Places::Last,
            tokens: None,
        }
    }

    /// So many blocks on each other.
    pub fn layers(self, layers: usize) -> Self {
        Attention { layers, ..self }
    }

    /// So many heads a block.
    pub fn heads(self, heads: usize) -> Self {
        Attention { heads, ..self }
    }

    /// The share of numbers, in [0, 1), that training leaves out of what each half of a block adds.
    pub fn dropout(self, rate: f64) -> Self {
        Attention { dropout: rate, ..self }
    }

    /// Outputs of these places.
    pub fn places(self, places: Places) -> Self {
        Attention { places, ..self }
    }

    /// The same over tokens.
    pub fn tokens(self, tokens: Tokens) -> Self {
        Attention { tokens: Some(tokens), ..self }
    }

    #[track_caller]
    fn block<'g>(&self, at: Scope<'g>, x: Tensor<'g>, mask: Mask<'g>) -> Tensor<'g> {
        let (heads, fc1, fc2) = (at.child("heads"), at.child("fc1"), at.child("fc2"));
        let y = nn::layer_norm(at.child("norm1"), x);
        let y = nn::multi_head_attention(heads, y, y, self.heads, mask);
        let x = residual_sum(heads, nn::dropout(heads, y, self.dropout), x);
        let y = nn::layer_norm(at.child("norm2"), x);
        let y = nn::linear(fc1, y, 4 * self.units, Initial::He);
        let y = active(fc1, "relu", Activation::Relu, y);
        let y = nn::linear(fc2, y, self.units, Initial::Xavier);
        residual_sum(fc2, nn::dropout(fc2, y, self.dropout), x)
    }
}

impl Module for Attention {
    fn name(&self) -> &str {
        "attention"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g> {
        let read = Read::of(at, input, self.tokens);
        let within = at.child("input");
        let x = nn::linear(within, read.x, self.units, Initial::Xavier);
        let mut x = {
            let _inside = within.enter();
            let waves = nn::sinusoidal_positions(at.graph(), x.dim(1), self.units);
            (x + waves.cast(x.dtype())).named("positioned")
        };
        let mask = read.mask(self.places);
        for layer in 1..=self.layers {
            x = self.block(at.index("block", layer), x, mask);
        }
        let x = nn::layer_norm(at.child("norm"), x);
        let chosen = read.chosen(at, x, self.places);
        nn::linear(at.child("output"), chosen, self.outputs, Initial::Pytorch)
    }
}

/// A forecast that begins where the window ends (Zeng et al. 2023, "NLinear"): what stood at the last
/// place is taken from every place of the model's input and added to its outputs, so that the level of
/// the series, which may drift away from all that was learned, does not matter.
///
/// Input `[rows, time, features]`, outputs `[rows, horizon · targets]`, the targets of the next step
/// first.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::Module;
/// use glassbox::zoo::{FromLast, Mlp};
/// let graph = Graph::new();
/// let window = graph.input("window", DType::F32, [8, 96, 7]);
/// // The last of 7 series, the next 24 steps.
/// let model = FromLast::new(Mlp::new([96 * 7, 24]), [0, 1, 2, 3, 4, 5, 6], [6]);
/// assert_eq!(model.forward(graph.root(Mode::Train), window).shape().sizes(), &[8, 24]);
/// assert!(graph.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FromLast<M> {
    model: M,
    levels: Vec<usize>,
    targets: Vec<usize>,
}

impl<M: Module> FromLast<M> {
    /// A model of the features `levels` as they differ from the last place, all others as they are; it
    /// forecasts the features `targets`.
    pub fn new(model: M, levels: impl Into<Vec<usize>>, targets: impl Into<Vec<usize>>) -> Self {
        FromLast { model, levels: levels.into(), targets: targets.into() }
    }
}

impl<M: Module> Module for FromLast<M> {
    fn name(&self) -> &str {
        self.model.name()
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g> {
        let (rows, time, features) = (input.dim(0), input.dim(1), input.dim(2));
        let _inside = at.enter();
        let last = input.slice(1, time.saturating_sub(1)..time);
        let zero = last.slice(2, 0..1).full_like(0.0);
        let levels: Vec<Tensor<'g>> = (0..features)
            .map(|f| if self.levels.contains(&f) { last.slice(2, f..f + 1) } else { zero })
            .collect();
        let base = match levels.split_first() {
            Some((first, others)) if !others.is_empty() => first.concatenate(others, 2),
            _ => last,
        };
        let changes = self.model.forward(at, (input - base).named("changes"));
        let each: Vec<Tensor<'g>> = self.targets.iter().map(|&f| last.slice(2, f..f + 1)).collect();
        let Some((first, others)) = each.split_first() else { return changes };
        let from = if others.is_empty() { *first } else { first.concatenate(others, 2) };
        let targets = self.targets.len();
        let horizon = changes.dim(1) / targets.max(1);
        let forecast = changes.reshape([rows, horizon, targets]) + from;
        forecast.reshape([rows, horizon * targets])
    }
}
