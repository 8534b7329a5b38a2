//! Following a number through the graph to the loss, one local derivative after the other.

use std::collections::BTreeMap;

use glassbox_engine::graph::Contribution;
use glassbox_engine::reference::Evaluation;
use glassbox_engine::{Graph, Op, Tensor, Value};

use crate::Error;

/// The graph's recorded derivative, ready to be asked.
pub(crate) struct Derivative<'a> {
    pub graph: &'a Graph,
    pub run: &'a Evaluation,
    pub loss: Value,
    /// What each value's adjoint is made of.
    terms: BTreeMap<Value, Vec<Contribution>>,
    names: BTreeMap<Value, String>,
}

/// One way from a number to the loss: factors whose product is its share of the derivative.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// From the number on: each factor.
    pub locals: Vec<Local>,
    /// Where the way was left: the value, its element, and the derivative of the loss there.
    pub end: (Value, usize),
    pub upstream: f64,
}

/// A factor: the derivative of one value with respect to the one before it on the way.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    pub of: Value,
    pub element: usize,
    pub factor: f64,
    /// The derivative's formula, where it is a single op's that is not linear.
    pub words: Option<&'static str>,
}

impl Way {
    /// The share: upstream × local × local …
    pub fn product(&self) -> f64 {
        let product = self.locals.iter().fold(self.upstream, |p, local| p * local.factor);
        // Not −0, which would look odd.
        product + 0.0
    }
}

impl<'a> Derivative<'a> {
    pub fn new(graph: &'a Graph, run: &'a Evaluation, loss: Tensor<'_>) -> Self {
        let mut terms: BTreeMap<Value, Vec<Contribution>> = BTreeMap::new();
        for term in graph.contributions() {
            if term.loss == loss.value() {
                terms.entry(term.of).or_default().push(term);
            }
        }
        let names = graph.names().into_iter().map(|(name, t)| (t.value(), name)).collect();
        Derivative { graph, run, loss: loss.value(), terms, names }
    }

    /// Whether the loss depends on the value (as far as its derivative was recorded).
    pub fn reaches(&self, value: Value) -> bool {
        value == self.loss || self.terms.contains_key(&value)
    }

    /// The derivative of the loss with respect to one element.
    pub fn adjoint(&self, value: Value, element: usize) -> Result<f64, Error> {
        if value == self.loss {
            return Ok(1.0);
        }
        let mut sum = 0.0;
        for term in self.terms.get(&value).into_iter().flatten() {
            sum += self.run.at(term.product)?.get(element).copied().unwrap_or(f64::NAN);
        }
        Ok(sum)
    }

    /// The elements that an element acts on directly: value, element, local derivative.
    fn next(&self, value: Value, element: usize) -> Result<Vec<(Value, usize, f64)>, Error> {
        let mut next = Vec::new();
        for term in self.terms.get(&value).into_iter().flatten() {
            let argument = usize::from(term.argument);
            next.extend(self.run.local_column(term.consumer as usize, argument, element)?);
        }
        Ok(next)
    }

    /// What a value is called.
    pub fn name(&self, value: Value) -> String {
        match self.names.get(&value) {
            Some(name) => name.clone(),
            None => {
                let node = self.graph.node(value.node as usize);
                let op = node.as_ref().map_or("?", |node| node.op.name());
                let scope = node.map(|node| self.graph.scope_path(node.origin.scope));
                match scope.filter(|scope| !scope.is_empty()) {
                    Some(scope) => format!("{scope}/{op}"),
                    None => op.to_string(),
                }
            }
        }
    }

    /// Every way from one element: each goes on while it stays a single path and has not reached a
    /// prediction or a fork, and is cut into factors at the values that have names.
    pub fn ways(&self, value: Value, element: usize) -> Result<Vec<Way>, Error> {
        let first = self.next(value, element)?;
        first.into_iter().map(|(value, to, local)| self.follow(value, to, local)).collect()
    }

    /// The formula of a node's derivative, if it is not linear.
    fn words(&self, node: u32) -> Option<&'static str> {
        match self.graph.node(node as usize)?.op {
            Op::Unary(op) => Some(op.local_in_words()),
            _ => None,
        }
    }

    fn follow(&self, value: Value, element: usize, factor: f64) -> Result<Way, Error> {
        let mut here = Local { of: value, element, factor, words: self.words(value.node) };
        let mut locals = Vec::new();
        // Whether something has been multiplied since the last value with a name.
        let mut open = true;
        loop {
            let name = self.names.get(&here.of);
            if name.is_some() {
                locals.push(here.clone());
                (here.factor, here.words, open) = (1.0, None, false);
            }
            if here.of == self.loss || name.is_some_and(|name| name == "prediction") {
                break;
            }
            let [(value, to, local)] = self.next(here.of, here.element)?[..] else { break };
            let words = self.words(value.node).filter(|_| !open);
            let factor = here.factor * local;
            here = Local { of: value, element: to, factor, words };
            open = true;
        }
        if open {
            locals.push(here.clone());
        }
        let upstream = self.adjoint(here.of, here.element)?;
        Ok(Way { locals, end: (here.of, here.element), upstream })
    }
}
