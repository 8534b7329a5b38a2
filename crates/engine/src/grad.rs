//! Differentiation: the one reverse loop, from graph to graph.

use std::collections::BTreeMap;

use crate::graph::{Contribution, Role, Tensor, Value};
use crate::op::outputs_of;

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
    let graph = loss.graph();
    if loss.elements() != 1 || !loss.dtype().is_float() {
        let what = "grad: only a single number (f32 or f64) can be differentiated: sum it first";
        let at = crate::graph::SourceLine::caller();
        graph.mistake("shape", what.to_string(), &[("of", loss.value)], at, None);
    }
    let stranger = of.iter().find(|t| !std::ptr::eq(t.graph(), graph));
    if stranger.is_some() {
        let what = "grad: the loss and what it is derived by belong to different graphs";
        let at = crate::graph::SourceLine::caller();
        graph.mistake("graph", what.to_string(), &[("of", loss.value)], at, None);
    }
    let at = crate::graph::SourceLine::caller();
    let zeros = |t: &Tensor<'g>| t.graph().at_line(at.clone(), || t.full_like(0.0));
    if graph.is_broken() {
        // The model has mistakes already; its derivative would only repeat them.
        return of.iter().map(zeros).collect();
    }
    let needed = needed(loss, of);
    let mut adjoints: BTreeMap<Value, Tensor<'g>> = BTreeMap::new();
    adjoints.insert(loss.value, loss.full_like(1.0));
    for index in (0..=loss.value.index()).rev() {
        if !needed[index] {
            continue;
        }
        let Some(node) = graph.node(index) else { continue };
        let upstream: Vec<Option<Tensor<'g>>> = (0..node.outputs.len())
            .map(|o| adjoints.get(&Value { node: index as u32, output: o as u16 }).copied())
            .collect();
        let reaches = node.args.iter().any(|arg| needed[arg.index()]);
        if !reaches || upstream.iter().all(Option::is_none) {
            continue;
        }
        let _inside = enter(graph, node.origin.scope);
        let args: Vec<Tensor<'g>> = node.args.iter().map(|&v| Tensor::of(graph, v)).collect();
        let outputs = outputs_of(graph, index, &node);
        let products = graph.with_role(Role::Adjoint { of: index as u32 }, || {
            graph.at_line(node.origin.at.clone(), || node.op.derivative(&upstream, &args, &outputs))
        });
        for (argument, product) in products.into_iter().enumerate() {
            let (value, Some(product)) = (node.args[argument], product) else { continue };
            if !needed[value.index()] {
                continue;
            }
            if let Some(up) = upstream[0] {
                graph.inner.borrow_mut().contributions.push(Contribution {
                    loss: loss.value,
                    of: value,
                    consumer: index as u32,
                    argument: argument as u16,
                    upstream: up.value,
                    product: product.value,
                });
            }
            let total = match adjoints.get(&value) {
                Some(&before) => graph.with_role(Role::Sum { of: value }, || {
                    graph.at_line(node.origin.at.clone(), || before + product)
                }),
                None => product,
            };
            adjoints.insert(value, total);
        }
    }
    of.iter().map(|t| adjoints.get(&t.value).copied().unwrap_or_else(|| zeros(t))).collect()
}

/// For each node up to `loss`, whether it lies on a way from one of `of`.
fn needed<'g>(loss: Tensor<'g>, of: &[Tensor<'g>]) -> Vec<bool> {
    let inner = loss.graph().inner.borrow();
    let mut needed = vec![false; inner.nodes.len()];
    for tensor in of {
        needed[tensor.value.index()] = true;
    }
    for index in 0..=loss.value.index() {
        if inner.nodes[index].args.iter().any(|arg| needed[arg.index()]) {
            needed[index] = true;
        }
    }
    needed
}

fn enter(graph: &crate::graph::Graph, scope: u32) -> crate::graph::Entered<'_> {
    graph.root(crate::graph::Mode::Train).within(scope).enter()
}
