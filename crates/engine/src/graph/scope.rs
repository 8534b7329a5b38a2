use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::graph::{DType, Graph, Initial, Output, Shape, SourceLine, Tensor, Value};
use crate::op::Op;

/// Whether a model is recorded to learn or to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// Batch statistics, dropout and the like are on.
    Train,
    /// The model as it is used.
    Eval,
}

/// What a declared value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Learned by gradient.
    Parameter,
    /// Kept from step to step, but not by gradient: moments, running statistics, counters.
    State,
}

/// A declared parameter or state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Declaration {
    /// Parameter or state.
    pub kind: Kind,
    /// Its first value.
    pub initial: Initial,
    /// The node that reads the value it has when a run starts.
    pub node: u32,
    /// What its path means now: the value it will have when the run ends.
    pub current: Value,
    /// Where it was declared.
    pub at: SourceLine,
}

/// A scope as the graph keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScopeInfo {
    /// Names from the root, joined by `/`; empty for the root.
    pub path: String,
    /// The line that entered it.
    pub entered_at: SourceLine,
    /// The scope around it (the root is its own).
    pub parent: u32,
    /// The scopes within, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub children: BTreeMap<String, u32>,
}

/// A place in a model: it names parameters and states by path, and knows whether the model learns.
///
/// A layer is a function of a scope and tensors. It begins with [`Scope::enter`], so that its nodes
/// and its mistakes belong to it.
///
/// ```
/// use glassbox_engine::{DType, Graph, Initial, Mode, Scope, Tensor};
///
/// #[track_caller]
/// fn linear<'g>(at: Scope<'g>, x: Tensor<'g>, features: usize) -> Tensor<'g> {
///     let _inside = at.enter();
///     let weight = at.parameter("weight", [x.dim(-1), features], Initial::Constant(0.5));
///     let bias = at.parameter("bias", [features], Initial::Constant(0.0));
///     x.matmul(weight) + bias
/// }
///
/// let graph = Graph::new();
/// let root = graph.root(Mode::Train);
/// let x = graph.input("x", DType::F32, [8, 3]);
/// let y = linear(root.child("fc1"), x, 4);
/// assert_eq!(y.shape().sizes(), &[8, 4]);
/// assert!(graph.check().is_ok());
/// assert!(graph.declaration("fc1/weight").is_some());
/// ```
#[derive(Clone, Copy)]
pub struct Scope<'g> {
    pub(crate) graph: &'g Graph,
    pub(crate) id: u32,
    mode: Mode,
    again: bool,
}

/// While it lives, nodes are recorded in the scope that it was made from.
#[must_use = "nodes belong to the scope only while this value lives: `let _inside = at.enter();`"]
pub struct Entered<'g> {
    graph: &'g Graph,
    depth: usize,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.graph.inner.borrow_mut().entered.truncate(self.depth);
    }
}

impl Graph {
    /// The outermost scope, in which a model is recorded.
    #[track_caller]
    pub fn root(&self, mode: Mode) -> Scope<'_> {
        Scope { graph: self, id: 0, mode, again: false }
    }
}

impl Graph {
    /// Scopes of these paths, once they are recorded, behave as in use though the model learns: a
    /// normalisation whose running statistics are frozen normalises by them.
    ///
    /// ```
    /// use glassbox_engine::{Graph, Mode};
    /// let graph = Graph::new();
    /// graph.hold(["block1/norm"]);
    /// let block = graph.root(Mode::Train).child("block1");
    /// assert!(block.training() && !block.child("norm").training());
    /// ```
    pub fn hold<S: Into<String>>(&self, scopes: impl IntoIterator<Item = S>) {
        self.inner.borrow_mut().held.extend(scopes.into_iter().map(Into::into));
    }
}

impl<'g> Scope<'g> {
    /// The graph that is recorded.
    pub fn graph(self) -> &'g Graph {
        self.graph
    }

    /// Names from the root, joined by `/`; empty for the root.
    pub fn path(self) -> String {
        self.graph.inner.borrow().scopes[self.id as usize].path.clone()
    }

    /// Train or eval.
    pub fn mode(self) -> Mode {
        self.mode
    }

    /// Whether this part of the model is recorded to learn: in [`Mode::Train`], unless it is
    /// [held](Graph::hold).
    pub fn training(self) -> bool {
        self.mode == Mode::Train && !self.graph.inner.borrow().held.contains(&self.path())
    }

    /// A new scope within. Making the same one twice is a mistake, unless one says
    /// [`again`](Scope::again).
    #[track_caller]
    pub fn child(self, name: &str) -> Scope<'g> {
        let entered_at = SourceLine::caller();
        let mut inner = self.graph.inner.borrow_mut();
        let path = join(&inner.scopes[self.id as usize].path, name);
        let existing = inner.scopes[self.id as usize].children.get(name).copied();
        let id = match existing {
            Some(id) => id,
            None => {
                let id = inner.scopes.len() as u32;
                inner.scopes.push(ScopeInfo {
                    path: path.clone(),
                    entered_at: entered_at.clone(),
                    parent: self.id,
                    children: BTreeMap::new(),
                });
                inner.scopes[self.id as usize].children.insert(name.to_string(), id);
                id
            }
        };
        let mistake = match (existing, self.again) {
            (Some(id), false) => Some(format!(
                "scope `{path}` is entered twice, first at {}: give the second another name, or \
                 say `.again()` to share its parameters",
                inner.scopes[id as usize].entered_at
            )),
            (None, true) => Some(format!(
                "scope `{path}` does not exist yet, so it cannot be used again: leave out \
                 `.again()`"
            )),
            _ => None,
        };
        drop(inner);
        if let Some(what) = mistake {
            self.graph.mistake("scope", what, &[], entered_at, Some(self.id));
        }
        Scope { id, ..self }
    }

    /// A new scope within, numbered: `block3`.
    #[track_caller]
    pub fn index(self, name: &str, number: usize) -> Scope<'g> {
        self.child(&format!("{name}{number}"))
    }

    /// The same scope, to be used once more: its parameters are shared, and the scopes within must
    /// exist.
    pub fn again(self) -> Scope<'g> {
        Scope { again: true, ..self }
    }

    /// The scope with this number.
    pub(crate) fn within(self, id: u32) -> Scope<'g> {
        Scope { id, ..self }
    }

    /// From here to the end of the returned value's life, nodes belong to this scope.
    pub fn enter(self) -> Entered<'g> {
        let mut inner = self.graph.inner.borrow_mut();
        let depth = inner.entered.len();
        inner.entered.push(self.id);
        Entered { graph: self.graph, depth }
    }

    /// A parameter: a value that is learned, f32, named by its path.
    #[track_caller]
    pub fn parameter(
        self,
        name: &str,
        shape: impl Into<Shape>,
        initial: impl Into<Initial>,
    ) -> Tensor<'g> {
        let output = Output::new(DType::F32, shape);
        self.declare(name, output, initial.into(), Kind::Parameter)
    }

    /// A state: a value kept from run to run that is not learned by gradient.
    #[track_caller]
    pub fn state(
        self,
        name: &str,
        dtype: DType,
        shape: impl Into<Shape>,
        initial: impl Into<Initial>,
    ) -> Tensor<'g> {
        self.declare(name, Output::new(dtype, shape), initial.into(), Kind::State)
    }

    /// A parameter of another element type than f32.
    #[track_caller]
    pub fn parameter_of(
        self,
        dtype: DType,
        name: &str,
        shape: impl Into<Shape>,
        initial: impl Into<Initial>,
    ) -> Tensor<'g> {
        self.declare(name, Output::new(dtype, shape), initial.into(), Kind::Parameter)
    }

    /// From here on, `name` means `value`, and the next run starts with it.
    #[track_caller]
    pub fn assign(self, name: &str, value: Tensor<'g>) {
        self.graph.assign(&join(&self.path(), name), value);
    }

    #[track_caller]
    fn declare(self, name: &str, output: Output, initial: Initial, kind: Kind) -> Tensor<'g> {
        let at = SourceLine::caller();
        let path = join(&self.path(), name);
        let existing = self.graph.inner.borrow().declarations.get(&path).cloned();
        if let Some(found) = existing {
            let tensor = Tensor::of(self.graph, found.current);
            let guessed = tensor.output().assumed != 0;
            if !guessed && (tensor.output() != output || found.kind != kind) {
                let what = format!(
                    "`{path}` is declared twice with different shapes or types: {} {} here, {} {} \
                     at {}",
                    output.dtype,
                    output.shape,
                    tensor.dtype(),
                    tensor.shape(),
                    found.at
                );
                self.graph.mistake("state", what, &[], at, Some(self.id));
            } else if !self.again {
                let what = format!(
                    "`{path}` is declared twice, first at {}: give the second another name, or \
                     say `.again()` on its scope to share it",
                    found.at
                );
                self.graph.mistake("state", what, &[], at, Some(self.id));
            }
            return tensor;
        }
        let scope = Some(self.id);
        let tensor = self.graph.source(Op::State { path: path.clone() }, output, at.clone(), scope);
        let declaration =
            Declaration { kind, initial, node: tensor.value.node, current: tensor.value, at };
        self.graph.inner.borrow_mut().declarations.insert(path, declaration);
        tensor
    }
}

pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}/{name}") }
}
