//! Differentiation: the one reverse loop, from graph to graph.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Contribution, Graph, Node, Role, SourceLine, Tensor, Value};
use crate::op::{Op, outputs_of, scan};

/// The derivatives of the scalar `loss` with respect to each of `of`, as nodes of the same graph, so
/// that they can be differentiated again.
///
/// Reverse-mode differentiation (Linnainmaa 1970; Rumelhart, Hinton, Williams 1986). What does not
/// lie between `of` and `loss` costs nothing. A value that `loss` does not depend on has derivative
/// 0. Every node that is recorded says what it is the adjoint of, and every term
/// `product = upstream × local` can be asked for by [`Graph::contributions`](crate::Graph).
///
/// ```
/// use glassbox_engine::{grad, DType, Graph};
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [3]);
/// let cubes = (x * x * x).sum();
/// let first = grad(cubes, &[x])[0];          // 3x²
/// let second = grad(first.sum(), &[x])[0];   // 6x
/// assert_eq!(second.shape(), x.shape());
/// assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn grad<'g>(loss: Tensor<'g>, of: &[Tensor<'g>]) -> Vec<Tensor<'g>> {
    grad_recomputing(loss, of, |_| false)
}

/// The same derivatives, to the bit, for less memory and more time: what was computed inside the
/// scopes whose path `again` names is not kept for the way back but computed again there, from what
/// entered them (Griewank and Walther 2000; Chen et al. 2016). It pays for scopes with much inside and
/// little at their border, such as the blocks of a deep network. Loops are kept.
///
/// ```
/// use glassbox_engine::{grad_recomputing, DType, Graph, Mode, Options, Session};
/// let memory = |again: bool| {
///     let graph = Graph::new();
///     let start = graph.input("x", DType::F32, [512, 64]);
///     let (w, mut x) = (graph.input("w", DType::F32, [64, 64]), start);
///     for block in 0..8 {
///         let at = graph.root(Mode::Train).child(&format!("block{block}"));
///         let _inside = at.enter();
///         x = (x.matmul(w).tanh().matmul(w).tanh().matmul(w)).tanh();
///     }
///     let gradient = grad_recomputing(x.sum(), &[start], |path| again && path.starts_with("block"));
///     let step = Session::new(Options::default())?.prepare(&graph, &gradient)?;
///     Ok::<_, glassbox_engine::Error>(step.plan().arena_bytes())
/// };
/// assert!(2 * memory(true)? < memory(false)?);
/// # Ok::<(), glassbox_engine::Error>(())
/// ```
#[track_caller]
pub fn grad_recomputing<'g>(
    loss: Tensor<'g>,
    of: &[Tensor<'g>],
    again: impl Fn(&str) -> bool,
) -> Vec<Tensor<'g>> {
    let (graph, at) = (loss.graph(), SourceLine::caller());
    let mistake = |kind, what: &str, value| {
        graph.mistake(kind, what.to_string(), &[("of", value)], at.clone(), None);
    };
    if loss.elements() != 1 || !loss.dtype().is_float() {
        let what = "grad: only a single number (f32 or f64) can be differentiated: sum it first";
        mistake("shape", what, loss.value);
    }
    if of.iter().any(|t| !std::ptr::eq(t.graph(), graph)) {
        let what = "grad: the loss and what it is derived by belong to different graphs";
        mistake("graph", what, loss.value);
    } else if let Some(inside) = of.iter().chain([&loss]).find(|t| graph.is_out_of_reach(t.value)) {
        let what = "grad: a value inside `scan` is used outside it: let the body give it out";
        mistake("graph", what, inside.value);
    }
    let zeros = |t: &Tensor<'g>| t.graph().at_line(at.clone(), || t.full_like(0.0));
    if graph.is_broken() {
        // The model has mistakes already; its derivative would only repeat them.
        return of.iter().map(zeros).collect();
    }
    let mut walk = Walk::new(loss, of, &again);
    walk.adjoints.insert(loss.value, loss.full_like(1.0));
    for index in (0..=loss.value.index()).rev() {
        walk.node(index);
    }
    of.iter().map(|t| walk.adjoints.get(&t.value).copied().unwrap_or_else(|| zeros(t))).collect()
}

/// A way back through the graph.
pub(crate) struct Walk<'g> {
    pub graph: &'g Graph,
    /// The number that is differentiated.
    pub loss: Value,
    /// For each node, whether it lies on a way from what is derived by.
    pub needed: Vec<bool>,
    /// The sum of the terms so far, of each value.
    pub adjoints: BTreeMap<Value, Tensor<'g>>,
    /// For each scope the outermost one around it that is computed again, if there is one.
    again: Vec<Option<u32>>,
    /// What has been computed again, by node.
    copies: RefCell<BTreeMap<u32, u32>>,
}

impl<'g> Walk<'g> {
    fn new(loss: Tensor<'g>, of: &[Tensor<'g>], again: &dyn Fn(&str) -> bool) -> Self {
        let graph = loss.graph();
        let inner = graph.inner.borrow();
        let mut needed = vec![false; inner.nodes.len()];
        for tensor in of {
            needed[tensor.value.index()] = true;
        }
        for index in 0..=loss.value.index() {
            if inner.nodes[index].args.iter().any(|arg| needed[arg.index()]) {
                needed[index] = true;
            }
        }
        let mut within: Vec<Option<u32>> = Vec::with_capacity(inner.scopes.len());
        for (id, scope) in inner.scopes.iter().enumerate() {
            // A scope stands behind the one around it.
            let around = within.get(scope.parent as usize).copied().flatten();
            within.push(around.or_else(|| again(&scope.path).then_some(id as u32)));
        }
        drop(inner);
        let (adjoints, copies) = (BTreeMap::new(), RefCell::default());
        Walk { graph, loss: loss.value, needed, adjoints, again: within, copies }
    }

    /// The scope with which a node is computed again: it belongs to the model, has arguments, and lies
    /// in no loop.
    fn recomputed(&self, index: usize) -> Option<u32> {
        let inner = self.graph.inner.borrow();
        let node = inner.nodes.get(index)?;
        let again = self.again.get(node.origin.scope as usize).copied().flatten()?;
        let fits = node.origin.role == Role::Forward
            && !node.args.is_empty()
            && !matches!(node.op, Op::Scan { .. })
            && inner.regions.node(index).is_none();
        fits.then_some(again)
    }

    /// What a derivative rule reads in the place of `value`: where node `index`, whose rule it is, is
    /// computed again together with it, its copy.
    fn read(&self, index: usize, value: Value) -> Tensor<'g> {
        let group = self.recomputed(index);
        if group.is_none() || self.recomputed(value.index()) != group {
            return Tensor::of(self.graph, value);
        }
        // All that it needs of the group, in the order of recording.
        let (mut needed, mut open) = (BTreeSet::new(), vec![value.index()]);
        while let Some(at) = open.pop() {
            if self.copies.borrow().contains_key(&(at as u32)) || !needed.insert(at) {
                continue;
            }
            let args = self.graph.node(at).map(|node| node.args).unwrap_or_default();
            let mine = args.iter().map(|arg| arg.index());
            open.extend(mine.filter(|&arg| self.recomputed(arg) == group));
        }
        for at in needed {
            let Some(mut node) = self.graph.node(at) else { continue };
            for arg in &mut node.args {
                arg.node = self.copies.borrow().get(&arg.node).copied().unwrap_or(arg.node);
            }
            let (scope, line) = (node.origin.scope, node.origin.at);
            let copy = self.graph.with_role(Role::Recompute { of: at as u32 }, || {
                self.graph.at_line(line.clone(), || {
                    self.graph.push(node.op, node.args, node.outputs, line.clone(), Some(scope))
                })
            });
            self.copies.borrow_mut().insert(at as u32, copy.value.node);
        }
        let node = self.copies.borrow().get(&value.node).copied().unwrap_or(value.node);
        Tensor::of(self.graph, Value { node, ..value })
    }

    /// The adjoints of a node's outputs.
    pub fn upstream(&self, index: usize, node: &Node) -> Vec<Option<Tensor<'g>>> {
        (0..node.outputs.len())
            .map(|o| self.adjoints.get(&Value { node: index as u32, output: o as u16 }).copied())
            .collect()
    }

    /// Sends the adjoints of node `index` on to its arguments.
    fn node(&mut self, index: usize) {
        if !self.needed[index] {
            return;
        }
        let Some(node) = self.graph.node(index) else { return };
        let upstream = self.upstream(index, &node);
        let reaches = node.args.iter().any(|arg| self.needed[arg.index()]);
        if !reaches || upstream.iter().all(Option::is_none) {
            return;
        }
        if let Op::Scan { .. } = node.op {
            return scan::derivative::walk(self, index, &node, &upstream);
        }
        let products = self.products(index, &node, &upstream);
        for (argument, product) in products.into_iter().enumerate() {
            // Only `AttentionGradient` passes on more than the first output's.
            if let (Some(product), Some(up)) = (product, upstream.iter().flatten().next().copied())
            {
                self.add((index, argument), node.args[argument], up, product);
            }
        }
    }

    /// The derivative rule of node `index`, recorded where it was.
    pub fn products(
        &self,
        index: usize,
        node: &Node,
        upstream: &[Option<Tensor<'g>>],
    ) -> Vec<Option<Tensor<'g>>> {
        let graph = self.graph;
        self.adjoint_of(index, node, || {
            let args: Vec<Tensor<'g>> = node.args.iter().map(|&v| self.read(index, v)).collect();
            let outputs: Vec<Tensor<'g>> = outputs_of(graph, index, node)
                .into_iter()
                .map(|output| self.read(index, output.value))
                .collect();
            node.op.derivative(upstream, &args, &outputs)
        })
    }

    /// Records nodes as the adjoint of node `index`: in its scope and at its line.
    pub fn adjoint_of<R>(&self, index: usize, node: &Node, record: impl FnOnce() -> R) -> R {
        let graph = self.graph;
        let _inside = enter(graph, node.origin.scope);
        graph.with_role(Role::Adjoint { of: index as u32 }, || {
            graph.at_line(node.origin.at.clone(), record)
        })
    }

    /// Adds a term to the adjoint of `value`, the argument of a consumer.
    pub fn add(
        &mut self,
        (consumer, argument): (usize, usize),
        value: Value,
        upstream: Tensor<'g>,
        product: Tensor<'g>,
    ) {
        if !self.needed[value.index()] {
            return;
        }
        let graph = self.graph;
        graph.inner.borrow_mut().contributions.push(Contribution {
            loss: self.loss,
            of: value,
            consumer: consumer as u32,
            argument: argument as u16,
            upstream: upstream.value,
            product: product.value,
        });
        let Some(node) = graph.node(consumer) else { return };
        let _inside = enter(graph, node.origin.scope);
        let total = match self.adjoints.get(&value) {
            Some(&before) => graph.with_role(Role::Sum { of: value }, || {
                graph.at_line(node.origin.at.clone(), || before + product)
            }),
            None => product,
        };
        self.adjoints.insert(value, total);
    }
}

fn enter(graph: &Graph, scope: u32) -> crate::graph::Entered<'_> {
    graph.root(crate::graph::Mode::Train).within(scope).enter()
}
