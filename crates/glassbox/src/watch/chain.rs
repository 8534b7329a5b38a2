//! Following a number through the graph to what is derived, one local derivative after the other.

use std::collections::{BTreeMap, BTreeSet};

use glassbox_engine::graph::Contribution;
use glassbox_engine::reference::Evaluation;
use glassbox_engine::{Graph, Op, Tensor, Value};

use crate::Error;

/// Ways that are followed to named values; of more, the largest are, and the others are summed.
const FOLLOWED: usize = 512;

/// The recorded derivative, as far as it takes to follow a value to what is derived.
pub(crate) struct Route<'g> {
    pub graph: &'g Graph,
    /// What is derived: the loss, or another single number.
    pub from: Value,
    /// The value that was asked for.
    target: Value,
    /// What each value's adjoint is made of.
    terms: BTreeMap<Value, Vec<Contribution>>,
    names: BTreeMap<Value, String>,
}

impl<'g> Route<'g> {
    /// The route from `target`; none where `from` does not depend on it, or its derivative was not
    /// recorded.
    pub fn new(graph: &'g Graph, from: Value, target: Value) -> Option<Self> {
        let mut terms: BTreeMap<Value, Vec<Contribution>> = BTreeMap::new();
        let mut known = BTreeSet::new();
        // Other parameters and inputs lie on no way.
        let is_source =
            |value: Value| graph.node(value.node as usize).is_none_or(|node| node.args.is_empty());
        for term in graph.contributions() {
            let passed = term.of == target || !is_source(term.of);
            // A derivative that was recorded twice has the same terms.
            if term.loss == from && passed && known.insert((term.consumer, term.argument)) {
                terms.entry(term.of).or_default().push(term);
            }
        }
        if target != from && !terms.contains_key(&target) {
            return None;
        }
        let mut names: BTreeMap<Value, String> =
            graph.names().into_iter().map(|(name, t)| (t.value(), name)).collect();
        // A layer may have named its result before it was the model's.
        names.extend(graph.named("prediction").map(|t| (t.value(), "prediction".to_string())));
        Some(Route { graph, from, target, terms, names })
    }

    /// The values that it takes to follow the route.
    pub fn wanted(&self) -> Vec<Tensor<'g>> {
        let all = self.terms.iter().flat_map(|(&of, terms)| {
            // The derivative by the target itself is what will be put together.
            let products = terms.iter().filter(move |_| of != self.target).map(|term| term.product);
            products.chain(terms.iter().map(|term| result(term.consumer))).chain([of])
        });
        all.filter_map(|value| self.graph.tensor(value)).collect()
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

    /// Every term between the target and what is derived, the nearest to the latter first.
    pub fn terms(&self) -> Vec<Contribution> {
        let mut all: Vec<Contribution> = Vec::new();
        let (mut open, mut seen) = (vec![self.target], BTreeSet::new());
        while let Some(value) = open.pop() {
            if seen.insert(value) {
                let terms = self.terms.get(&value).into_iter().flatten();
                all.extend(terms.clone());
                open.extend(terms.map(|term| result(term.consumer)));
            }
        }
        all.sort_by_key(|term| std::cmp::Reverse((term.consumer, term.argument)));
        all
    }
}

/// A node's result.
fn result(node: u32) -> Value {
    Value { node, output: 0 }
}

/// The route with its numbers, ready to be asked.
pub(crate) struct Derivative<'a> {
    pub route: &'a Route<'a>,
    pub run: &'a Evaluation,
}

/// One way from a number to what is derived: factors whose product is its share.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// From the number on: each factor.
    pub locals: Vec<Local>,
    /// Where the way was left: the value, its element, and the derivative there.
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

/// All ways from a number.
pub(crate) struct Ways {
    pub followed: Vec<Way>,
    /// How many more there are, each smaller than those followed, and what they come to.
    pub others: (usize, f64),
}

impl Ways {
    /// What all of them come to; none where there are none.
    pub fn sum(&self) -> Option<f64> {
        let some = !self.followed.is_empty() || self.others.0 > 0;
        some.then(|| self.followed.iter().map(Way::product).sum::<f64>() + self.others.1)
    }
}

impl Way {
    /// The share: upstream × local × local …
    pub fn product(&self) -> f64 {
        let product = self.locals.iter().fold(self.upstream, |p, local| p * local.factor);
        // Not −0, which would look odd.
        product + 0.0
    }
}

impl Derivative<'_> {
    /// The derivative with respect to one element of a node's result on the route.
    fn adjoint(&self, value: Value, element: usize) -> Result<f64, Error> {
        if value == self.route.from {
            return Ok(1.0);
        }
        let mut sum = 0.0;
        for term in self.route.terms.get(&value).into_iter().flatten() {
            sum += self.run.at(term.product)?.get(element).copied().unwrap_or(f64::NAN);
        }
        Ok(sum)
    }

    /// The elements that an element acts on directly: value, element, local derivative.
    fn next(&self, value: Value, element: usize) -> Result<Vec<(Value, usize, f64)>, Error> {
        let mut next = Vec::new();
        for term in self.route.terms.get(&value).into_iter().flatten() {
            let argument = usize::from(term.argument);
            next.extend(self.run.local_column(term.consumer as usize, argument, element)?);
        }
        Ok(next)
    }

    /// Every way from one element: each goes on while it stays a single path and has not reached a
    /// prediction or a fork, and is cut into factors at the values that have names.
    /// Only those whose first step `keep` keeps are asked for.
    pub fn ways(
        &self,
        value: Value,
        element: usize,
        keep: impl Fn(Value, usize) -> bool,
    ) -> Result<Ways, Error> {
        let mut first = Vec::new();
        for (value, to, local) in self.next(value, element)? {
            if !keep(value, to) {
                continue;
            }
            first.push((value, to, local, local * self.adjoint(value, to)?));
        }
        let mut others = (0, 0.0);
        if first.len() > FOLLOWED {
            let mut order: Vec<usize> = (0..first.len()).collect();
            order.sort_by(|&a, &b| first[b].3.abs().total_cmp(&first[a].3.abs()));
            let rest = order.split_off(FOLLOWED);
            others = (rest.len(), rest.iter().map(|&i| first[i].3).sum());
            order.sort_unstable();
            first = order.into_iter().map(|i| first[i]).collect();
        }
        let follow = |(value, to, local, _)| self.follow(value, to, local);
        let followed = first.into_iter().map(follow).collect::<Result<_, Error>>()?;
        Ok(Ways { followed, others })
    }

    /// The formula of a node's derivative, if it is not linear.
    fn words(&self, node: u32) -> Option<&'static str> {
        match self.route.graph.node(node as usize)?.op {
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
            let name = self.route.names.get(&here.of);
            if name.is_some() {
                locals.push(here.clone());
                (here.factor, here.words, open) = (1.0, None, false);
            }
            if here.of == self.route.from || name.is_some_and(|name| name == "prediction") {
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
