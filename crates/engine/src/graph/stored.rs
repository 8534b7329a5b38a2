//! A graph as data: written into a run's folder and read back by any build.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::graph::region::{self, Regions};
use crate::graph::scope::join;
use crate::graph::{Contribution, Declaration, Graph, Inner, Node, Role, ScopeInfo, Value};
use crate::op::Op;

#[derive(Serialize, Deserialize)]
struct Stored {
    format: u32,
    scopes: Vec<ScopeInfo>,
    nodes: Vec<Node>,
    declarations: BTreeMap<String, Declaration>,
    names: BTreeMap<String, Value>,
    contributions: Vec<Contribution>,
}

const FORMAT: u32 = 1;

impl Serialize for Graph {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = self.inner.borrow().clone();
        Stored {
            format: FORMAT,
            scopes: inner.scopes,
            nodes: inner.nodes,
            declarations: inner.declarations,
            names: inner.names,
            contributions: inner.contributions,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Graph {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        stored.verify().map_err(serde::de::Error::custom)?;
        let regions = Regions::new(&stored.nodes);
        if let Some((index, what)) = region::problem(&stored.nodes, &regions) {
            return Err(serde::de::Error::custom(format!("node {index}: {what}")));
        }
        for (path, declared) in &stored.declarations {
            if regions.of(declared.current).is_some() {
                let what = format!("`{path}` is assigned inside a loop");
                return Err(serde::de::Error::custom(what));
            }
        }
        let mut draws = BTreeMap::new();
        for node in &stored.nodes {
            if let Op::Random { path, draw, .. } = node.op {
                let most: &mut u32 = draws.entry(path).or_default();
                *most = (*most).max(draw);
            }
        }
        Ok(Graph {
            inner: RefCell::new(Inner {
                nodes: stored.nodes,
                scopes: stored.scopes,
                entered: Vec::new(),
                role: Role::Forward,
                declarations: stored.declarations,
                contributions: stored.contributions,
                names: stored.names,
                mistakes: Vec::new(),
                draws,
                line: None,
                regions,
                open: Vec::new(),
                rereads: Vec::new(),
                held: BTreeSet::new(),
            }),
        })
    }
}

impl Stored {
    /// Everything that recording guarantees holds for what was read: each index is in bounds, each
    /// argument comes before its node, each output follows from its op's shape rule.
    fn verify(&self) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("graph format {}, this build reads {FORMAT}", self.format));
        }
        self.verify_scopes()?;
        for (index, node) in self.nodes.iter().enumerate() {
            self.verify_node(index, node).map_err(|what| format!("node {index}: {what}"))?;
        }
        self.verify_sources()?;
        for (path, declared) in &self.declarations {
            let node = self.nodes.get(declared.node as usize);
            let held = self.output(Value::first(declared.node as usize));
            let is_its_state =
                matches!(node.map(|n| &n.op), Some(Op::State { path: p }) if p == path);
            if !is_its_state || held != self.output(declared.current) {
                return Err(format!("declaration `{path}` refers to a missing or other value"));
            }
        }
        for value in self.names.values() {
            self.output(*value).ok_or("a name refers to a missing value")?;
        }
        for term in &self.contributions {
            let consumer = self.nodes.get(term.consumer as usize);
            let known = [term.loss, term.of, term.upstream, term.product]
                .iter()
                .all(|&v| self.output(v).is_some())
                && consumer
                    .is_some_and(|n| n.args.get(usize::from(term.argument)) == Some(&term.of));
            if !known {
                return Err("a contribution refers to a missing value".to_string());
            }
        }
        Ok(())
    }

    fn verify_scopes(&self) -> Result<(), String> {
        if self.scopes.first().is_none_or(|root| !root.path.is_empty()) {
            return Err("there is no root scope".to_string());
        }
        for (id, scope) in self.scopes.iter().enumerate() {
            let before = id == 0 && scope.parent == 0 || (scope.parent as usize) < id;
            let known = scope.children.iter().all(|(name, &child)| {
                self.scopes.get(child as usize).is_some_and(|c| {
                    c.parent as usize == id && child != 0 && c.path == join(&scope.path, name)
                })
            });
            if !before || !known {
                return Err(format!("scope {id} refers to a missing scope"));
            }
        }
        Ok(())
    }

    /// Inputs have names and states declarations of their own.
    fn verify_sources(&self) -> Result<(), String> {
        let mut inputs = BTreeSet::new();
        for (index, node) in self.nodes.iter().enumerate() {
            match &node.op {
                Op::Input { name } if !inputs.insert(name) => {
                    return Err(format!("two inputs are called `{name}`"));
                }
                Op::State { path }
                    if self.declarations.get(path).map(|d| d.node as usize) != Some(index) =>
                {
                    return Err(format!("node {index}: `{path}` is not declared"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn verify_node(&self, index: usize, node: &Node) -> Result<(), String> {
        if node.origin.scope as usize >= self.scopes.len() {
            return Err("its scope is missing".to_string());
        }
        let role_is_known = match &node.origin.role {
            Role::Forward | Role::Update { .. } => true,
            Role::Adjoint { of } | Role::Recompute { of } => (*of as usize) < index,
            Role::Sum { of } => of.index() < index && self.output(*of).is_some(),
        };
        if !role_is_known {
            return Err("its role refers to a missing node".to_string());
        }
        let mut given = Vec::new();
        for &arg in &node.args {
            match self.output(arg) {
                Some(output) if arg.index() < index => given.push(output),
                _ => return Err("an argument does not come before it".to_string()),
            }
        }
        if node.outputs.iter().any(|o| o.assumed != 0 || o.shape.problem().is_some()) {
            return Err("an output has an impossible shape".to_string());
        }
        if node.args.len() != node.op.arity(node.args.len()) {
            return Err("it has the wrong number of arguments".to_string());
        }
        let inferred = node.op.infer(&given, node.outputs.first());
        match inferred.mistake {
            Some(mistake) => Err(mistake.what),
            None if inferred.outputs != node.outputs => {
                Err("its outputs do not follow from its arguments".to_string())
            }
            None => Ok(()),
        }
    }

    fn output(&self, value: Value) -> Option<&crate::graph::Output> {
        self.nodes.get(value.index())?.outputs.get(usize::from(value.output))
    }
}
