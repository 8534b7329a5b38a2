//! What a decoder keeps of the tokens that it has read, so that each is read once.

use glassbox_engine::{DType, Graph, Scope, Tensor};

use crate::nn::{Mask, Module};

/// How a decoder goes on from the tokens before: what it keeps of them are states of the session, by
/// the scopes that made it.
///
/// The ids of a run stand at the places `position` to `position + time`; the first `count` of them are
/// real, the others fill the run's shape up and leave nothing behind that is ever seen.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::zoo::{Decoder, Gpt, Past};
/// let model = Gpt::new(65).context(64).layers(2).heads(2).units(16);
/// let graph = Graph::new();
/// let ids = graph.input("ids", DType::I64, [1, 1]);
/// let past = Past::inputs(&graph, 32, None);
/// let scores = model.go_on(graph.root(Mode::Eval), ids, &past);
/// assert_eq!(scores.shape().sizes(), &[1, 65]);
/// assert!(graph.declaration("h/1/attn/kept/keys").is_some());
/// assert!(graph.check().is_ok());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Past<'g> {
    /// The place of the first id of this run, an i64 scalar.
    pub position: Tensor<'g>,
    /// How many ids of this run are real, an i64 scalar: at least 1.
    pub count: Tensor<'g>,
    /// How many places there is room for.
    pub room: usize,
    /// For each row the row whose past it goes on from, i64 `[rows]`; where absent, its own.
    pub from: Option<Tensor<'g>>,
}

impl<'g> Past<'g> {
    /// With the graph's new inputs `position`, `count` and, for this many rows, `from`.
    #[track_caller]
    pub fn inputs(graph: &'g Graph, room: usize, rows: Option<usize>) -> Self {
        let number = |name| graph.input(name, DType::I64, []);
        let from = rows.map(|rows| graph.input("from", DType::I64, [rows]));
        Past { position: number("position"), count: number("count"), room, from }
    }

    /// A state of the decoder, `[rows, …]`, zeros at first: as the runs before left it, each row that
    /// of the row it goes on from.
    #[track_caller]
    pub fn kept(&self, at: Scope<'g>, name: &str, like: Tensor<'g>, sizes: &[usize]) -> Tensor<'g> {
        let state = at.state(name, like.dtype(), sizes.to_vec(), 0.0);
        match self.from {
            Some(from) => state.gather(from),
            None => state,
        }
    }

    /// Keys or values `[rows, time, features]` of this run behind those of the runs before:
    /// `[rows, room, features]`, the state `name` of `at`.
    #[track_caller]
    pub fn with(&self, at: Scope<'g>, name: &str, new: Tensor<'g>) -> Tensor<'g> {
        let before = self.kept(at, name, new, &[new.dim(0), self.room, new.dim(2)]);
        let all = before.update_slice(new, self.position, 1);
        at.assign(name, all);
        all
    }

    /// What the ids of this run may look at: each the places up to its own.
    #[track_caller]
    pub fn mask(&self, time: usize) -> Mask<'g> {
        let graph = self.position.graph();
        let own = graph.iota([time, 1], 0) + self.position;
        Mask { causal: false, allowed: Some(graph.iota([1, self.room], 1).less_equal(own)) }
    }

    /// The last real place of `x [rows, time, features]`: `[rows, features]`.
    #[track_caller]
    pub fn last(&self, x: Tensor<'g>) -> Tensor<'g> {
        let [rows, time, features] = [0, 1, 2].map(|axis| x.dim(axis));
        let last = if time == 1 { x } else { x.slice_at(self.count - 1.0, 1, 1) };
        last.reshape([rows, features])
    }
}

/// A model that writes: after the tokens so far it scores every next one.
pub trait Decoder: Module {
    /// How many tokens it knows.
    fn vocabulary(&self) -> usize;

    /// The most tokens that it can look at, where there is a bound.
    fn context(&self) -> Option<usize>;

    /// Records how it reads ids `[rows, time]` after what `past` holds: the scores of what follows the
    /// last real one, `[rows, vocabulary]`.
    fn go_on<'g>(&self, at: Scope<'g>, ids: Tensor<'g>, past: &Past<'g>) -> Tensor<'g>;
}
