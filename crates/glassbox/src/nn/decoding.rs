//! Writing token by token: what a model keeps of those before, so that each is read once.

use glassbox_engine::{DType, Graph, Scope, Tensor};

use crate::nn::{Mask, Module};

/// How a model goes on from the tokens before. What it keeps of them are states of the session, in the
/// scopes that made them: keys and values of attention, or what a recurrent layer carries.
///
/// The ids of a run stand at the places `position`, `position + 1` ….
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{Decoder, Past};
/// use glassbox::zoo::Gpt;
/// let model = Gpt::new(65).context(64).layers(2).heads(2).units(16);
/// let graph = Graph::new();
/// let ids = graph.input("ids", DType::I64, [1, 1]);
/// let past = Past::inputs(&graph, 32, None);
/// let scores = model.go_on(graph.root(Mode::Eval), ids, &past);
/// assert_eq!(scores.shape().sizes(), &[1, 65]);
/// assert_eq!(graph.state("h/1/attn/kept/keys").unwrap().shape().sizes(), &[1, 32, 16]);
/// assert!(graph.check().is_ok());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Past<'g> {
    /// The place of the first id of this run, an i64 scalar.
    pub position: Tensor<'g>,
    /// How many places there is room for.
    pub room: usize,
    /// For each row the row whose past it goes on from, i64 `[rows]`; where absent, its own.
    pub from: Option<Tensor<'g>>,
}

impl<'g> Past<'g> {
    /// With the graph's new inputs `position` and, for so many rows, `from`.
    #[track_caller]
    pub fn inputs(graph: &'g Graph, room: usize, rows: Option<usize>) -> Self {
        let position = graph.input("position", DType::I64, []);
        let from = rows.map(|rows| graph.input("from", DType::I64, [rows]));
        Past { position, room, from }
    }

    /// The state `name` of this shape, `[rows, …]`, as the run before left it: each row has that of the
    /// row it goes on from. Zeros at first.
    #[track_caller]
    pub fn kept(&self, at: Scope<'g>, name: &str, dtype: DType, sizes: &[usize]) -> Tensor<'g> {
        let state = at.state(name, dtype, sizes.to_vec(), 0.0);
        match self.from {
            Some(from) => state.gather(from),
            None => state,
        }
    }

    /// Keys or values `[rows, time, features]` of this run behind those of the runs before,
    /// `[rows, room, features]`; they are the state `name` of `at` from then on.
    #[track_caller]
    pub fn with(&self, at: Scope<'g>, name: &str, new: Tensor<'g>) -> Tensor<'g> {
        let sizes = [new.dim(0), self.room, new.dim(2)];
        let all = self.kept(at, name, new.dtype(), &sizes).update_slice(new, self.position, 1);
        at.assign(name, all);
        all
    }

    /// What the ids of this run may look at: each the places up to its own.
    #[track_caller]
    pub fn mask(&self, time: usize) -> Mask<'g> {
        let graph = self.position.graph();
        let after = graph.iota([time, 1], 0) + self.position + 1.0;
        Mask { causal: false, allowed: Some(graph.iota([1, self.room], 1).less(after)) }
    }
}

/// A model that writes: after the tokens so far it scores every next one. See
/// [`Generator`](crate::generate::Generator).
pub trait Decoder: Module {
    /// How many tokens it scores.
    fn vocabulary(&self) -> usize;

    /// The most tokens that it can look at, where there is a bound.
    fn context(&self) -> Option<usize>;

    /// Of an encoder and a decoder: how many tokens a source has, padded; what they write follows it in
    /// the rows that [`Module::forward`] reads.
    fn source(&self) -> Option<usize> {
        None
    }

    /// The same model, with the same parameters, for sources of so many tokens; none where it has no
    /// source, or reads sources of one length alone.
    fn with_source(&self, _tokens: usize) -> Option<Box<dyn Module>> {
        None
    }

    /// Records the reading of a source, i64 `[rows, tokens]`: what is kept of it are states.
    #[track_caller]
    fn begin<'g>(&self, at: Scope<'g>, source: Tensor<'g>) {
        let _ = (at, source);
    }

    /// Records how it reads ids `[rows, time]` after what `past` holds: the scores of what follows the
    /// last of them, `[rows, vocabulary]`.
    fn go_on<'g>(&self, at: Scope<'g>, ids: Tensor<'g>, past: &Past<'g>) -> Tensor<'g>;
}

/// The last place of `x [rows, time, features]`: `[rows, features]`.
#[track_caller]
pub(crate) fn last_place(x: Tensor<'_>) -> Tensor<'_> {
    let time = x.dim(1);
    x.slice(1, time.saturating_sub(1)..time).drop_axis(1)
}

/// Where ids are not `padding`, booleans of their shape.
#[track_caller]
pub(crate) fn real(ids: Tensor<'_>, padding: i64) -> Tensor<'_> {
    let id = ids.full_like(padding as f64);
    ids.less(id).or(ids.greater(id))
}
