use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::graph::region::Regions;
use crate::graph::{
    Contribution, DType, Declaration, Diagnostic, Diagnostics, Kind, Mode, Node, Origin, Output,
    Party, Role, ScopeInfo, Shape, SourceLine, Tensor, Value,
};
use crate::op::scan::derivative::Reread;
use crate::op::{Inferred, Mistake, Op, scan};
use crate::random::Stream;
use crate::{Array, Parameters};

/// A graph beyond this many nodes is refused: a loop that records is almost surely meant to run.
pub(crate) const NODE_LIMIT: usize = if cfg!(test) { 5_000 } else { 4_000_000 };

/// A recorded program. It only grows: every operator on its [`Tensor`]s appends a node.
///
/// Recording never fails: mistakes are collected, and [`Graph::check`] gives them all.
///
/// ```
/// use glassbox_engine::{DType, Graph};
/// let graph = Graph::new();
/// let a = graph.input("a", DType::F32, [64, 784]);
/// let b = graph.input("b", DType::F32, [768, 10]);
/// let c = a.matmul(b);                                  // inner sizes differ
/// let d = (c + graph.input("e", DType::F32, [11])).sum(); // and so do these
/// let mistakes = graph.check().unwrap_err();
/// assert_eq!(mistakes.0.len(), 2);
/// assert!(mistakes.to_string().contains("784 ≠ 768"));
/// ```
#[derive(Clone)]
pub struct Graph {
    pub(crate) inner: RefCell<Inner>,
}

#[derive(Clone)]
pub(crate) struct Inner {
    pub nodes: Vec<Node>,
    pub scopes: Vec<ScopeInfo>,
    pub entered: Vec<u32>,
    pub role: Role,
    pub declarations: BTreeMap<String, Declaration>,
    pub contributions: Vec<Contribution>,
    pub names: BTreeMap<String, Value>,
    pub mistakes: Vec<Diagnostic>,
    /// How many random nodes each path has, by the hash of the path.
    pub draws: BTreeMap<u64, u32>,
    /// The line that nodes belong to while derivatives are recorded: that of the node they derive.
    pub line: Option<SourceLine>,
    /// Which loop each node is repeated by.
    pub regions: Regions,
    /// The indices of the loops that are being recorded, outermost first.
    pub open: Vec<Value>,
    /// The loops whose values are read again while they are differentiated.
    pub rereads: Vec<Reread>,
    /// The paths of scopes that are recorded as in use though the model learns.
    pub held: BTreeSet<String>,
}

impl Default for Graph {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl Graph {
    /// An empty graph.
    #[track_caller]
    pub fn new() -> Self {
        let root = ScopeInfo {
            path: String::new(),
            entered_at: SourceLine::caller(),
            parent: 0,
            children: BTreeMap::new(),
        };
        Graph {
            inner: RefCell::new(Inner {
                nodes: Vec::new(),
                scopes: vec![root],
                entered: Vec::new(),
                role: Role::Forward,
                declarations: BTreeMap::new(),
                contributions: Vec::new(),
                names: BTreeMap::new(),
                mistakes: Vec::new(),
                draws: BTreeMap::new(),
                line: None,
                regions: Regions::default(),
                open: Vec::new(),
                rereads: Vec::new(),
                held: BTreeSet::new(),
            }),
        }
    }

    /// A value that is given anew at every run: rows, labels, the step, the learning rate.
    #[track_caller]
    pub fn input(&self, name: &str, dtype: DType, shape: impl Into<Shape>) -> Tensor<'_> {
        let at = SourceLine::caller();
        let taken = self.inner.borrow().nodes.iter().any(|n| n.op.is_input_named(name));
        if taken {
            self.mistake("graph", format!("two inputs are called `{name}`"), &[], at.clone(), None);
        }
        self.source(Op::Input { name: name.into() }, Output::new(dtype, shape), at, None)
    }

    /// The number `value` as a scalar of `dtype`. That an integer or a boolean cannot be `value` (½,
    /// say) is a mistake.
    #[track_caller]
    pub fn constant(&self, dtype: DType, value: f64) -> Tensor<'_> {
        let (at, output) = (SourceLine::caller(), Output::new(dtype, Shape::scalar()));
        if !dtype.holds(value) {
            let what = format!("constant: {value} is no {dtype}: cast the tensor it meets first");
            self.mistake("type", what, &[], at.clone(), None);
        }
        self.source(Op::Constant(value), output, at, None)
    }

    /// For each element its index along `axis` (i64, from 0).
    #[track_caller]
    pub fn iota(&self, shape: impl Into<Shape>, axis: usize) -> Tensor<'_> {
        let (at, whole) = (SourceLine::caller(), shape.into());
        let Some(&size) = whole.sizes().get(axis) else {
            let what = format!("iota: the shape {whole} has no axis {axis}");
            self.mistake("shape", what, &[], at.clone(), None);
            return self.source(Op::Iota { axis }, Output::new(DType::I64, whole), at, None);
        };
        // One index along the axis, repeated along the others: loops read that without moving it.
        let mut sizes = vec![1; whole.rank()];
        sizes[axis] = size;
        let output = Output::new(DType::I64, sizes);
        self.source(Op::Iota { axis }, output, at, None).broadcast_to(whole)
    }

    /// All mistakes made so far, or nothing.
    pub fn check(&self) -> Result<(), Diagnostics> {
        let inner = self.inner.borrow();
        if inner.mistakes.is_empty() { Ok(()) } else { Err(Diagnostics(inner.mistakes.clone())) }
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.inner.borrow().nodes.len()
    }

    /// Whether nothing has been recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of node `index`.
    pub fn node(&self, index: usize) -> Option<Node> {
        self.inner.borrow().nodes.get(index).cloned()
    }

    /// The path of scope `id`, empty for the root.
    pub fn scope_path(&self, id: u32) -> String {
        self.inner.borrow().scopes.get(id as usize).map(|s| s.path.clone()).unwrap_or_default()
    }

    /// The paths of all scopes but the root's, in the order in which they were entered first.
    pub fn scopes(&self) -> Vec<String> {
        self.inner.borrow().scopes.iter().skip(1).map(|scope| scope.path.clone()).collect()
    }

    /// The parameter or state declared at `path`.
    pub fn declaration(&self, path: &str) -> Option<Declaration> {
        self.inner.borrow().declarations.get(path).cloned()
    }

    /// Every declared parameter and state, sorted by path.
    pub fn declarations(&self) -> Vec<(String, Declaration)> {
        self.inner.borrow().declarations.iter().map(|(p, d)| (p.clone(), d.clone())).collect()
    }

    /// The parameter or state at `path` as declared: the value that a run starts with, whatever has
    /// been assigned.
    pub fn state(&self, path: &str) -> Option<Tensor<'_>> {
        self.declaration(path).map(|d| Tensor::of(self, Value::first(d.node as usize)))
    }

    /// What `path` means now, after every assignment so far.
    pub fn current(&self, path: &str) -> Option<Tensor<'_>> {
        self.declaration(path).map(|d| Tensor::of(self, d.current))
    }

    /// Parameters (not states), as they are now, sorted by path.
    pub fn parameters(&self) -> Vec<(String, Tensor<'_>)> {
        self.declarations()
            .into_iter()
            .filter(|(_, d)| d.kind == Kind::Parameter)
            .map(|(path, d)| (path, Tensor::of(self, d.current)))
            .collect()
    }

    /// From here on, the parameter or state at `path` means `value`, and the next run starts with it.
    /// A path that was not declared, or a value of another shape or type, is a mistake.
    ///
    /// ```
    /// use glassbox_engine::{DType, Graph, Mode, Options, Parameters, Session};
    /// let graph = Graph::new();
    /// let count = graph.root(Mode::Train).state("count", DType::I64, [], 0.0);
    /// graph.assign("count", count + 1.0);
    /// let mut session = Session::new(Options::default())?;
    /// session.load(graph.initial_values(0));
    /// for before in 0..3 {
    ///     let results = session.evaluate(&graph, &Parameters::new(), &[count])?;
    ///     assert_eq!(results[0].as_i64(), Some(&[before][..]));
    /// }
    /// assert_eq!(session.value("count").unwrap().as_i64(), Some(&[3][..]));
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn assign(&self, path: &str, value: Tensor<'_>) {
        let at = SourceLine::caller();
        let Some(declared) = self.declaration(path) else {
            let what = format!("`{path}` is assigned but was never declared");
            return self.mistake("state", what, &[], at, None);
        };
        let held = Tensor::of(self, declared.current);
        let value = self.adopt(value, &at);
        let (inside, region) = (!self.inner.borrow().open.is_empty(), self.region_of(value.value));
        if inside || region.is_some() {
            let what = format!(
                "`{path}` is assigned inside `scan`, where it would be assigned at every step: \
                 carry the value, and assign what the scan gives"
            );
            return self.mistake("state", what, &[("given", value.value)], at, None);
        }
        if held.shape() != value.shape() || held.dtype() != value.dtype() {
            if value.output().assumed == 0 && held.output().assumed == 0 {
                let what = format!("`{path}` cannot hold a value of another shape or type");
                let parties = [("held", held.value), ("given", value.value)];
                self.mistake("state", what, &parties, at, None);
            }
            return;
        }
        if let Some(declared) = self.inner.borrow_mut().declarations.get_mut(path) {
            declared.current = value.value;
        }
    }

    /// The value of every declared parameter and state at the very beginning, drawn under `seed`:
    /// one stream a path, so that adding a layer leaves the others' values as they were.
    pub fn initial_values(&self, seed: u64) -> Parameters {
        let inner = self.inner.borrow();
        let value = |path: &str, declared: &Declaration| {
            let output = &inner.nodes[declared.node as usize].outputs[0];
            let stream = Stream::new(seed, path, 0);
            let elements = declared.initial.draw(&output.shape, stream);
            Array::from_f64(output.dtype, output.shape.clone(), &elements)
        };
        inner
            .declarations
            .iter()
            .filter_map(|(path, declared)| Some((path.clone(), value(path, declared).ok()?)))
            .collect()
    }

    /// The same program with f64 wherever this one has f32: values keep their names ([`Value`]), random
    /// numbers are no longer rounded to f32. It tells what rounding does to a result.
    ///
    /// ```
    /// # use glassbox_engine::{DType, Graph};
    /// let graph = Graph::new();
    /// let half = graph.constant(DType::I64, 3.0).cast(DType::F32) / 6.0;
    /// let precise = graph.in_f64();
    /// assert_eq!(precise.tensor(half.value()).map(|t| t.dtype()), Some(DType::F64));
    /// precise.check()?;
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    pub fn in_f64(&self) -> Graph {
        let graph = self.clone();
        for node in &mut graph.inner.borrow_mut().nodes {
            if let Op::Cast(dtype @ DType::F32) = &mut node.op {
                *dtype = DType::F64;
            }
            let floats = node.outputs.iter_mut().filter(|output| output.dtype == DType::F32);
            floats.for_each(|output| output.dtype = DType::F64);
        }
        graph
    }

    /// The tensor that `value` names, if it is in the graph.
    pub fn tensor(&self, value: Value) -> Option<Tensor<'_>> {
        let inner = self.inner.borrow();
        let node = inner.nodes.get(value.index())?;
        (usize::from(value.output) < node.outputs.len()).then(|| Tensor::of(self, value))
    }

    /// The tensor called `name` by [`Tensor::named`].
    pub fn named(&self, name: &str) -> Option<Tensor<'_>> {
        let value = self.inner.borrow().names.get(name).copied()?;
        Some(Tensor::of(self, value))
    }

    /// Every name given by [`Tensor::named`], with its tensor.
    pub fn names(&self) -> Vec<(String, Tensor<'_>)> {
        let inner = self.inner.borrow();
        inner.names.iter().map(|(n, &v)| (n.clone(), Tensor::of(self, v))).collect()
    }

    /// The input called `name`.
    pub fn find_input(&self, name: &str) -> Option<Tensor<'_>> {
        let node = self.inner.borrow().nodes.iter().position(|n| n.op.is_input_named(name))?;
        Some(Tensor::of(self, Value::first(node)))
    }

    /// Every term of every adjoint that [`grad`](crate::grad) has recorded.
    pub fn contributions(&self) -> Vec<Contribution> {
        self.inner.borrow().contributions.clone()
    }

    /// Records with another role until `record` returns: optimisers say which state they update.
    pub fn with_role<R>(&self, role: Role, record: impl FnOnce() -> R) -> R {
        let before = std::mem::replace(&mut self.inner.borrow_mut().role, role);
        let result = record();
        self.inner.borrow_mut().role = before;
        result
    }

    /// A node without arguments.
    pub(crate) fn source(
        &self,
        op: Op,
        output: Output,
        at: SourceLine,
        scope: Option<u32>,
    ) -> Tensor<'_> {
        let mut output = output;
        if let Some(problem) = output.shape.problem() {
            let what = format!("{}: the shape {} {problem}", op.name(), output.shape);
            self.mistake("shape", what, &[], at.clone(), scope);
            output = Output::stand_in(output.dtype, output.shape.rank());
        }
        self.push(op, Vec::new(), vec![output], at, scope)
    }

    /// A node of `op`, with `wanted` as its output where the op does not determine it.
    #[track_caller]
    pub(crate) fn record(&self, op: Op, args: &[Tensor<'_>], wanted: Option<Output>) -> Tensor<'_> {
        let at = SourceLine::caller();
        let args: Vec<Tensor<'_>> = args.iter().map(|&t| self.adopt(t, &at)).collect();
        let args: Vec<Value> = args.into_iter().map(|t| self.reachable(t, &op, &at)).collect();
        let given: Vec<Output> = args.iter().map(|&v| self.output(v)).collect();
        let Inferred { mut outputs, mistake } =
            op.infer(&given.iter().collect::<Vec<_>>(), wanted.as_ref());
        let guessed = given.iter().any(Output::is_guess);
        let fine = mistake.is_none() && !guessed;
        if let Some(Mistake { kind, what, roles }) = mistake
            && !(guessed && kind == "shape")
        {
            let parties: Vec<_> = roles.iter().copied().zip(args.iter().copied()).collect();
            self.mistake(kind, format!("{}: {what}", op.name()), &parties, at.clone(), None);
        }
        for output in &mut outputs {
            if let Some(problem) = output.shape.problem() {
                if fine {
                    let what = format!("{}: the result {} {problem}", op.name(), output.shape);
                    let parties: Vec<_> = args.iter().map(|&arg| ("of", arg)).collect();
                    self.mistake("shape", what, &parties, at.clone(), None);
                }
                *output = Output::stand_in(output.dtype, output.shape.rank());
            }
            if guessed {
                output.assumed = u64::MAX;
            }
        }
        if fine && self.region_of_all(&args).is_some() {
            let tensors: Vec<_> = args.iter().map(|&arg| Tensor::of(self, arg)).collect();
            if let Some(row) = scan::hoisted(&op, &tensors, &outputs[0]) {
                return row;
            }
        }
        self.push(op, args, outputs, at, None)
    }

    /// A tensor as it may be used now: what lies inside a loop that is not being recorded is a
    /// mistake, unless the loop is being differentiated.
    #[track_caller]
    fn reachable(&self, tensor: Tensor<'_>, op: &Op, at: &SourceLine) -> Value {
        let Some(region) = self.region_of(tensor.value) else { return tensor.value };
        if self.inner.borrow().open.iter().any(|open| open.node == region) {
            return tensor.value;
        }
        if let Some(row) = self.reread(tensor) {
            return row.value;
        }
        let what = format!(
            "{}: a value inside `scan` is used outside it: let the body give it out",
            op.name()
        );
        self.mistake("graph", what, &[("inside", tensor.value)], at.clone(), None);
        let name = format!("(of a scan) {}", self.len());
        self.source(Op::Input { name }, tensor.output(), at.clone(), None).value
    }

    fn region_of_all(&self, args: &[Value]) -> Option<u32> {
        let inner = self.inner.borrow();
        args.iter().filter_map(|&arg| inner.regions.of(arg)).max()
    }

    pub(crate) fn push(
        &self,
        op: Op,
        args: Vec<Value>,
        outputs: Vec<Output>,
        at: SourceLine,
        scope: Option<u32>,
    ) -> Tensor<'_> {
        let nodes = self.len();
        if nodes >= NODE_LIMIT {
            // Refused: the mistake is reported once, and the last node stands in.
            if !self.inner.borrow().mistakes.iter().any(|m| m.kind == "size") {
                let what =
                    format!("more than {NODE_LIMIT} nodes: is the graph recorded in a loop?");
                self.mistake("size", what, &[], at, scope);
            }
            return Tensor::of(self, Value::first(nodes - 1));
        }
        let mut inner = self.inner.borrow_mut();
        let scope = scope.unwrap_or_else(|| inner.scope_of(&args));
        let at = inner.line.clone().unwrap_or(at);
        let origin = Origin { scope, at, role: inner.role.clone() };
        inner.regions.push(&op, &args);
        inner.nodes.push(Node { op, args, outputs, origin });
        let node = inner.nodes.len() - 1;
        drop(inner);
        Tensor::of(self, Value::first(node))
    }

    pub(crate) fn output(&self, value: Value) -> Output {
        let inner = self.inner.borrow();
        let outputs = &inner.nodes[value.index()].outputs;
        outputs.get(usize::from(value.output)).unwrap_or(&outputs[0]).clone()
    }

    /// The tensor itself, or a stand-in of this graph where it belongs to another one.
    fn adopt<'g>(&'g self, tensor: Tensor<'_>, at: &SourceLine) -> Tensor<'g> {
        if std::ptr::eq(self, tensor.graph) {
            return Tensor::of(self, tensor.value);
        }
        let what = "a tensor of another graph is used here: record both in one graph".to_string();
        self.mistake("graph", what, &[], at.clone(), None);
        let name = format!("(of another graph) {}", self.len());
        self.source(Op::Input { name }, tensor.output(), at.clone(), None)
    }

    /// Collects a mistake of the caller's line, told with all others by [`check`](Self::check): for
    /// layers that are asked for something they cannot do. `about` are the tensors that it concerns.
    #[track_caller]
    pub fn misuse(&self, what: impl Into<String>, about: &[Tensor<'_>]) {
        let parties: Vec<_> = about
            .iter()
            .filter(|tensor| std::ptr::eq(tensor.graph, self))
            .map(|tensor| ("given", tensor.value))
            .collect();
        self.mistake("use", what.into(), &parties, SourceLine::caller(), None);
    }

    /// Collects a mistake.
    pub(crate) fn mistake(
        &self,
        kind: &'static str,
        what: String,
        parties: &[(&'static str, Value)],
        at: SourceLine,
        scope: Option<u32>,
    ) {
        let mut inner = self.inner.borrow_mut();
        let values: Vec<Value> = parties.iter().map(|p| p.1).collect();
        let scope = scope.unwrap_or_else(|| inner.scope_of(&values));
        let parties = parties
            .iter()
            .map(|&(role, value)| {
                let node = &inner.nodes[value.index()];
                Party {
                    role,
                    output: node
                        .outputs
                        .get(usize::from(value.output))
                        .unwrap_or(&node.outputs[0])
                        .clone(),
                    what: inner.describe(value),
                    at: node.origin.at.clone(),
                }
            })
            .collect();
        let mut scopes = Vec::new();
        let mut id = scope as usize;
        while id != 0 {
            let info = &inner.scopes[id];
            scopes.push((info.path.clone(), info.entered_at.clone()));
            id = info.parent as usize;
        }
        inner.mistakes.push(Diagnostic { kind, what, parties, at, scopes });
    }

    /// A number that no other random node of this path has: 1, 2 and so on.
    pub(crate) fn next_draw(&self, path: u64) -> u32 {
        let mut inner = self.inner.borrow_mut();
        let draws = inner.draws.entry(path).or_default();
        *draws = draws.wrapping_add(1);
        *draws
    }

    /// Records with nodes of source line `line` until `record` returns.
    pub(crate) fn at_line<R>(&self, line: SourceLine, record: impl FnOnce() -> R) -> R {
        let before = self.inner.borrow_mut().line.replace(line);
        let result = record();
        self.inner.borrow_mut().line = before;
        result
    }

    /// The scope in which the next node would be recorded.
    pub(crate) fn here(&self) -> String {
        let inner = self.inner.borrow();
        inner.scopes[inner.scope_of(&[]) as usize].path.clone()
    }

    /// Whether a mistake has been made.
    pub(crate) fn is_broken(&self) -> bool {
        !self.inner.borrow().mistakes.is_empty()
    }
}

impl Inner {
    /// A node belongs to the innermost scope that is entered; or, within that, to the innermost
    /// whose parameter it reads (a parameter shared with another part of the model says nothing).
    fn scope_of(&self, args: &[Value]) -> u32 {
        let entered = self.entered.last().copied().unwrap_or(0);
        let sources = args.iter().map(|v| &self.nodes[v.index()]);
        sources
            .filter(|node| matches!(node.op, Op::State { .. }))
            .map(|node| node.origin.scope)
            .filter_map(|id| Some((self.depth_below(id, entered)?, id)))
            .max()
            .map_or(entered, |(_, id)| id)
    }

    /// How many scopes lie between `scope` and `outer`, if it lies within.
    fn depth_below(&self, scope: u32, outer: u32) -> Option<usize> {
        let (mut id, mut depth) = (scope, 0);
        while id != outer {
            if id == 0 {
                return None;
            }
            id = self.scopes[id as usize].parent;
            depth += 1;
        }
        Some(depth)
    }

    /// What a value is, in words.
    pub(crate) fn describe(&self, value: Value) -> String {
        let node = &self.nodes[value.index()];
        let name = self.names.iter().find(|(_, v)| **v == value).map(|(n, _)| n.as_str());
        match (&node.op, name) {
            (Op::Input { name }, _) => format!("input `{name}`"),
            (Op::State { path }, _) => match self.declarations.get(path).map(|d| d.kind) {
                Some(Kind::State) => format!("state `{path}`"),
                _ => format!("parameter `{path}`"),
            },
            (_, Some(name)) => format!("`{name}`"),
            (op, None) => {
                let path = &self.scopes[node.origin.scope as usize].path;
                if path.is_empty() {
                    format!("result of {}", op.name())
                } else {
                    format!("result of {} in `{path}`", op.name())
                }
            }
        }
    }
}

/// Records a model in a fresh graph and gives the graph if it has no mistakes.
///
/// ```
/// use glassbox_engine::{record, DType, Mode};
/// let graph = record(Mode::Eval, |at| {
///     let x = at.graph().input("x", DType::F32, [3]);
///     x.square().sum().named("energy");
/// })?;
/// assert!(graph.named("energy").is_some());
/// # Ok::<(), glassbox_engine::Diagnostics>(())
/// ```
#[track_caller]
pub fn record(
    mode: Mode,
    model: impl for<'g> FnOnce(crate::graph::Scope<'g>),
) -> Result<Graph, Diagnostics> {
    let graph = Graph::new();
    model(graph.root(mode));
    graph.check()?;
    Ok(graph)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Under test the limit is small, so that reaching it is quick.
    #[test]
    fn too_many_nodes_are_one_mistake_and_recording_goes_on() {
        let graph = Graph::new();
        let at = graph.root(Mode::Train);
        let x = graph.input("x", DType::F32, [3, 4]);
        let mut y = x;
        for _ in 0..2 * NODE_LIMIT {
            y = y + 1.0;
        }
        assert_eq!(graph.len(), NODE_LIMIT);
        // Everything else that records still does not panic.
        let (value, index) = y.max_with_index(0);
        let w = at.parameter("w", [4, 2], 0.0);
        let loss = (value.matmul(w) + index.cast(DType::F32)).concatenate(&[x], 0).mean();
        graph.assign("w", w - crate::grad(loss, &[w])[0]);
        let _ = x.sum_axis(0).broadcast_to([7, 4]).gather(index).transpose().slice(1, 0..3);
        let mistakes = graph.check().expect_err("the graph is too large").0;
        let limits: Vec<_> = mistakes.iter().filter(|m| m.kind == "size").collect();
        assert_eq!(limits.len(), 1);
        assert!(limits[0].at.file.ends_with("record.rs"), "{}", limits[0]);
    }
}
