//! Why a parameter moved: its step split by what the optimiser adds up, and by rows.

use std::collections::{BTreeMap, BTreeSet};

use glassbox_engine::reference::Evaluation;
use glassbox_engine::{Graph, Op, Role, Value};
use serde::Serialize;

use crate::Error;
use crate::train::graphs::name::DIVISOR_SUM;
use crate::watch::ask::{Sort, recorded_gradient};
use crate::watch::numbers::Numbers;
use crate::watch::{At, Element, Explanation, Moment};

/// A summand of a parameter's step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summand {
    /// What it comes from: `gradient` of this step, a state that the optimiser keeps (`velocity`,
    /// `first_moment`), the parameter's own `value` (weight decay), `clipping`, or a `constant`.
    pub of: String,
    /// What it is before the factors; none where it is not one number.
    pub value: Option<f64>,
    /// What it is multiplied by, in the order of the graph; none where several ways meet.
    pub factors: Option<Vec<Factor>>,
    /// Its share of the step.
    pub share: f64,
}

/// Something that a summand is multiplied by, held as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Factor {
    /// The number.
    pub value: f64,
    /// Whether it divides.
    pub divides: bool,
    /// What it is made of, e.g. `rate` and `step`; nothing for a constant.
    pub of: Vec<String>,
}

/// A row's share of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowShare {
    /// The row's number in the source, from 1; none for what is no row's, such as a penalty.
    pub row: Option<usize>,
    /// What it goes through, where it is no row's.
    pub through: Option<String>,
    /// Its share of the gradient.
    pub gradient: f64,
    /// Its share of the step.
    pub share: f64,
}

/// Why one number of a parameter moved in a step; prints as a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Movement {
    /// The number, e.g. `fc1/weight[0, 3]`.
    pub of: String,
    /// The step.
    #[serde(flatten)]
    pub at: At,
    /// The optimiser, e.g. `adam`.
    pub optimizer: String,
    /// The learning rate of this step.
    pub rate: f64,
    /// The value before the step.
    pub before: f64,
    /// The value after the step.
    pub after: f64,
    /// How far it moved, by the recorded update.
    pub change: f64,
    /// What the optimiser adds up; their shares come to `change`.
    pub summands: Vec<Summand>,
    /// Whether they do, to rounding.
    pub adds_up: bool,
    /// The gradient.
    pub gradient: f64,
    /// The gradient's share by rows, the largest first; they come to the gradient's summand.
    pub rows: Vec<RowShare>,
    /// Whether they do, to rounding.
    pub rows_add_up: bool,
    /// Why a row's share is not the row's alone, where rows act on each other.
    pub coupled: Option<String>,
    /// What was not computed exactly because it would take too long, in words.
    pub announced: Option<String>,
}

/// A summand on its way through the update: its value, the weight that one unit of the asked element
/// has, and the factors so far.
#[derive(Clone)]
struct Part {
    value: Vec<f64>,
    weight: Vec<f64>,
    factors: Option<Vec<Factor>>,
}

/// What a number of the update is made of, by source. Numbers that are not (held) have none.
type Parts = BTreeMap<String, Part>;

/// The summand that is not made of anything.
const CONSTANT: &str = "constant";
const GRADIENT: &str = "gradient";
const VALUE: &str = "value";

/// The nodes that make a parameter's next value from its gradient, states and inputs.
struct Update<'a> {
    graph: &'a Graph,
    run: &'a Evaluation,
    path: &'a str,
    gradient: Value,
    element: usize,
    nodes: BTreeSet<u32>,
}

impl Moment {
    /// Why one number of a parameter moves in this step: the step as the sum of what the optimiser
    /// adds up (this step's gradient, what is left of earlier ones, weight decay …), and the
    /// gradient's part by rows.
    ///
    /// The split is read from the recorded update, whatever the optimiser: where it adds, summands
    /// stay apart; where it multiplies or divides by something else, that is a factor; what is not
    /// linear (squares and roots, as in Adam's denominator, and norms) is held as it is.
    ///
    /// # Errors
    /// A name that is no parameter, indices that do not fit, a parameter that is not trained.
    pub fn why(&self, what: &Element) -> Result<Movement, Error> {
        let target = self.find(what, None)?;
        if target.sort != Sort::Parameter {
            return Err(Error::new(format!("`{what}` is no parameter: it does not move")));
        }
        let explanation = self.explain(what, None)?;
        let loss = self.loss_of(target.value)?;
        let gradient = recorded_gradient(&self.graph, loss, target.value);
        let after = self.graph.current(&target.name).filter(|t| t.value() != target.value);
        let (Some(gradient), Some(after)) = (gradient, after) else {
            return Err(Error::new(format!("`{}` is frozen: no step moves it", target.name)));
        };
        let nodes = cone(&self.graph, after.value(), gradient);
        let wanted: Vec<_> = nodes
            .iter()
            .flat_map(|&node| self.graph.node(node as usize).map(|n| n.args).unwrap_or_default())
            .chain([after.value(), gradient, target.value])
            .filter_map(|value| self.graph.tensor(value))
            .collect();
        let Numbers { run, announced } = self.numbers(&self.graph, &wanted)?;
        // Training's own numbers are right to f32's rounding.
        let exact = if announced.is_some() { 1e-5 } else { 1e-9 };
        let ulp = if announced.is_some() { 1e-7 } else { 1e-15 };
        let update = Update {
            graph: &self.graph,
            run: &run,
            path: &target.name,
            gradient,
            element: target.element,
            nodes,
        };
        let element = target.element;
        let (before, next) = (run.at(target.value)?[element], run.value(after)?[element]);
        let change = next - before;
        let mut parts = update.parts(after.value())?;
        if let Some(own) = parts.get_mut(VALUE) {
            // What is left of it beyond itself is weight decay.
            own.value[element] -= before;
            own.weight[element] -= 1.0;
            own.factors = None;
        }
        let weight = parts.get(GRADIENT).map_or(0.0, |part| part.weight[element]);
        let own = |of: &str| match of {
            GRADIENT => Some(explanation.gradient),
            VALUE => Some(before),
            _ => update.state(of),
        };
        let summands: Vec<Summand> = parts
            .iter()
            .map(|(of, part)| Summand {
                value: own(of),
                of: of.clone(),
                factors: part.factors.clone().map(gathered),
                share: part.value[element] + 0.0,
            })
            .filter(|part| part.share != 0.0 || part.of == GRADIENT)
            .collect();
        let size: f64 = summands.iter().map(|part| part.share.abs()).sum();
        let sum: f64 = summands.iter().map(|part| part.share).sum();
        let rounding = exact * size + ulp * before.abs();
        let rows = shares(&explanation, weight);
        let by_rows: f64 = rows.iter().map(|row| row.share).sum();
        let of_gradient = parts.get(GRADIENT).map_or(0.0, |part| part.value[element]);
        let size: f64 = rows.iter().map(|row| row.share.abs()).sum();
        let (optimizer, rate) = self.optimizers.of(&target.name, self.rate);
        Ok(Movement {
            of: explanation.of,
            at: self.at,
            optimizer: optimizer.kind().to_string(),
            rate,
            before,
            after: next,
            change,
            adds_up: (sum - change).abs() <= rounding,
            summands,
            gradient: explanation.gradient,
            rows_add_up: (by_rows - of_gradient).abs() <= exact * size + ulp * before.abs(),
            rows,
            coupled: explanation.coupled,
            announced,
        })
    }
}

/// The gradient's terms by row, times what one unit of gradient moves; the largest first.
fn shares(explanation: &Explanation, weight: f64) -> Vec<RowShare> {
    let mut by_row: BTreeMap<usize, f64> = BTreeMap::new();
    let mut rest: BTreeMap<&str, f64> = BTreeMap::new();
    for term in &explanation.terms {
        match term.row {
            Some(row) => *by_row.entry(row).or_default() += term.product,
            None => *rest.entry(&term.through).or_default() += term.product,
        }
    }
    let share = |row, through, gradient: f64| RowShare {
        row,
        through,
        gradient,
        share: gradient * weight + 0.0,
    };
    let mut shares: Vec<RowShare> =
        by_row.into_iter().map(|(row, gradient)| share(Some(row), None, gradient)).collect();
    let through = |(name, gradient): (&str, f64)| share(None, Some(name.to_string()), gradient);
    shares.extend(rest.into_iter().map(through));
    let others = explanation.others.map(|others| ("smaller terms", others.product));
    let penalty = explanation.parts.get(1).map(|part| (part.of.as_str(), part.gradient));
    shares.extend(others.into_iter().chain(penalty).map(through));
    shares.sort_by(|a, b| b.share.abs().total_cmp(&a.share.abs()));
    shares
}

/// Constants put together, in front.
fn gathered(factors: Vec<Factor>) -> Vec<Factor> {
    let (constants, mut all): (Vec<Factor>, Vec<Factor>) =
        factors.into_iter().partition(|factor| factor.of.is_empty());
    let constant = constants.iter().fold(1.0, |product, factor| match factor.divides {
        true => product / factor.value,
        false => product * factor.value,
    });
    if constant != 1.0 {
        all.insert(0, Factor { value: constant, divides: false, of: Vec::new() });
    }
    all
}

/// The nodes between the next value and its sources: the gradient, states, inputs and constants.
fn cone(graph: &Graph, after: Value, gradient: Value) -> BTreeSet<u32> {
    let mut nodes = BTreeSet::new();
    let mut open = vec![after];
    while let Some(value) = open.pop() {
        let Some(node) = graph.node(value.node as usize) else { continue };
        let derived = matches!(node.origin.role, Role::Adjoint { .. } | Role::Sum { .. });
        if value != gradient && !derived && nodes.insert(value.node) {
            open.extend(node.args);
        }
    }
    nodes
}

impl Update<'_> {
    fn node(&self, index: u32) -> Result<glassbox_engine::graph::Node, Error> {
        self.graph.node(index as usize).ok_or_else(|| Error::new("no such node"))
    }

    /// What the next value is made of.
    fn parts(&self, after: Value) -> Result<Parts, Error> {
        let mut known: BTreeMap<Value, Parts> = BTreeMap::new();
        known.insert(self.gradient, self.source(GRADIENT, self.gradient)?);
        for &index in &self.nodes {
            let value = Value { node: index, output: 0 };
            let parts = self.of_node(index, &known)?;
            if !parts.is_empty() {
                known.insert(value, parts);
            }
        }
        match known.remove(&after) {
            Some(parts) => Ok(parts),
            None => Ok([(CONSTANT.to_string(), self.whole(after)?)].into()),
        }
    }

    /// A source: it is made of itself.
    fn source(&self, name: &str, value: Value) -> Result<Parts, Error> {
        let numbers = self.run.at(value)?.to_vec();
        let mut weight = vec![0.0; numbers.len()];
        if let Some(own) = weight.get_mut(self.element) {
            *own = 1.0;
        }
        let part = Part { value: numbers, weight, factors: Some(Vec::new()) };
        Ok([(name.to_string(), part)].into())
    }

    /// A number that is made of nothing that is kept apart.
    fn whole(&self, value: Value) -> Result<Part, Error> {
        let numbers = self.run.at(value)?.to_vec();
        Ok(Part { weight: vec![0.0; numbers.len()], value: numbers, factors: None })
    }

    /// What a node's result is made of: where it is linear in what its arguments are made of, of the
    /// same; else of nothing.
    fn of_node(&self, index: u32, known: &BTreeMap<Value, Parts>) -> Result<Parts, Error> {
        let node = self.node(index)?;
        let value = Value { node: index, output: 0 };
        if let Op::State { path } = &node.op {
            let last = path.rsplit('/').next().unwrap_or(path);
            return match last {
                _ if path == self.path => self.source(VALUE, value),
                // What sums are divided by is a factor.
                DIVISOR_SUM => Ok(Parts::new()),
                name => self.source(name, value),
            };
        }
        let made: Vec<usize> =
            (0..node.args.len()).filter(|&i| known.contains_key(&node.args[i])).collect();
        let one = |of: &[usize]| match of {
            [one] => Some(*one),
            _ => None,
        };
        use glassbox_engine::op::{Binary, Unary};
        match (&node.op, one(&made)) {
            (_, _) if made.is_empty() => Ok(Parts::new()),
            (Op::Binary(Binary::Add | Binary::Sub) | Op::Concatenate { .. }, _) => {
                self.sum(&node, index, known)
            }
            (Op::Select, _) if !made.contains(&0) => self.sum(&node, index, known),
            (
                Op::Binary(Binary::Mul)
                | Op::Matmul
                | Op::Convolution { .. }
                | Op::ScatterAdd { .. },
                Some(made),
            ) => self.scaled(&node, index, made, known),
            (Op::Binary(Binary::Div) | Op::Gather, Some(0)) => self.scaled(&node, index, 0, known),
            (Op::Binary(Binary::Max | Binary::Min), Some(made)) => {
                self.clipped(value, &node.args[made], known)
            }
            (
                Op::Unary(Unary::Neg)
                | Op::Reshape
                | Op::Broadcast
                | Op::Permute { .. }
                | Op::Slice { .. }
                | Op::Embed { .. }
                | Op::Reduce { reduction: glassbox_engine::op::Reduction::Sum, .. },
                Some(made),
            ) => self.scaled(&node, index, made, known),
            (Op::Cast(dtype), Some(made)) if dtype.is_float() => {
                self.scaled(&node, index, made, known)
            }
            _ => Ok(Parts::new()),
        }
    }

    /// Arguments that are added: each part by itself, and what is made of nothing as a constant.
    fn sum(
        &self,
        node: &glassbox_engine::graph::Node,
        index: u32,
        known: &BTreeMap<Value, Parts>,
    ) -> Result<Parts, Error> {
        let mut made: Vec<Parts> = Vec::new();
        for (argument, value) in node.args.iter().enumerate() {
            let chooses = argument == 0 && matches!(node.op, Op::Select);
            made.push(match known.get(value) {
                Some(parts) => parts.clone(),
                None if chooses => Parts::new(),
                None => [(CONSTANT.to_string(), self.whole(*value)?)].into(),
            });
        }
        let names: BTreeSet<&String> = made.iter().flat_map(BTreeMap::keys).collect();
        let mut sum = Parts::new();
        for name in names {
            let of = |pick: fn(&Part) -> &Vec<f64>| -> Result<Vec<f64>, Error> {
                let mut args = Vec::new();
                for (argument, value) in node.args.iter().enumerate() {
                    let here = self.run.at(*value)?;
                    args.push(match made[argument].get(name) {
                        Some(part) => pick(part).clone(),
                        None if argument == 0 && matches!(node.op, Op::Select) => here.to_vec(),
                        None => vec![0.0; here.len()],
                    });
                }
                let args: Vec<&[f64]> = args.iter().map(Vec::as_slice).collect();
                Ok(self.run.apply(index as usize, &args)?)
            };
            let mut holders = (0..made.len()).filter(|&i| made[i].contains_key(name));
            let factors = match (holders.next(), holders.next()) {
                (Some(holder), None) => {
                    let mut factors = made[holder][name].factors.clone();
                    let taken = matches!(node.op, Op::Binary(glassbox_engine::op::Binary::Sub));
                    if let Some(factors) = factors.as_mut().filter(|_| taken && holder == 1) {
                        factors.push(Factor { value: -1.0, divides: false, of: Vec::new() });
                    }
                    factors
                }
                _ => None,
            };
            let part = Part { value: of(|p| &p.value)?, weight: of(|p| &p.weight)?, factors };
            sum.insert(name.clone(), part);
        }
        Ok(sum)
    }

    /// One argument's parts, through an op that is linear in it; the other one is a factor.
    fn scaled(
        &self,
        node: &glassbox_engine::graph::Node,
        index: u32,
        made: usize,
        known: &BTreeMap<Value, Parts>,
    ) -> Result<Parts, Error> {
        use glassbox_engine::op::{Binary, Unary};
        let factor = match (&node.op, node.args.get(1 - made.min(1))) {
            (Op::Binary(op @ (Binary::Mul | Binary::Div)), Some(&other)) => Some(Factor {
                value: self.run.at(other)?.get(self.element).copied().unwrap_or(f64::NAN),
                divides: *op == Binary::Div,
                of: self.made_of(other),
            }),
            (Op::Unary(Unary::Neg), _) => {
                Some(Factor { value: -1.0, divides: false, of: Vec::new() })
            }
            _ => None,
        };
        // Only there does the element keep its place.
        let in_place = node.outputs.first().map(|o| o.shape.elements())
            == self.run.at(node.args[made]).ok().map(<[f64]>::len)
            && !matches!(node.op, Op::Permute { .. } | Op::Matmul | Op::Convolution { .. });
        let mut scaled = Parts::new();
        for (name, part) in &known[&node.args[made]] {
            let through = |numbers: &[f64]| -> Result<Vec<f64>, Error> {
                let mut args = Vec::new();
                for (argument, value) in node.args.iter().enumerate() {
                    args.push(if argument == made { numbers } else { self.run.at(*value)? });
                }
                Ok(self.run.apply(index as usize, &args)?)
            };
            let mut factors = part.factors.clone().filter(|_| in_place);
            if let (Some(factors), Some(factor)) = (&mut factors, &factor) {
                factors.push(factor.clone());
            }
            let part =
                Part { value: through(&part.value)?, weight: through(&part.weight)?, factors };
            scaled.insert(name.clone(), part);
        }
        Ok(scaled)
    }

    /// The larger or smaller of two: the argument's parts, and what was cut off of them.
    fn clipped(
        &self,
        value: Value,
        from: &Value,
        known: &BTreeMap<Value, Parts>,
    ) -> Result<Parts, Error> {
        let mut parts = known[from].clone();
        let (result, before) = (self.run.at(value)?, self.run.at(*from)?);
        let cut: Vec<f64> = result.iter().zip(before).map(|(y, x)| y - x).collect();
        let held = parts.remove("clipping").map(|part| part.value);
        let held = held.unwrap_or_else(|| vec![0.0; cut.len()]);
        let sum = cut.iter().zip(held).map(|(a, b)| a + b).collect();
        let part = Part { weight: vec![0.0; cut.len()], value: sum, factors: None };
        parts.insert("clipping".to_string(), part);
        Ok(parts)
    }

    /// The sources that a held number is made of, by name.
    fn made_of(&self, value: Value) -> Vec<String> {
        let mut names = BTreeSet::new();
        let (mut open, mut seen) = (vec![value], BTreeSet::new());
        while let Some(value) = open.pop() {
            if !seen.insert(value) {
                continue;
            }
            let node = self.graph.node(value.node as usize);
            let name = match node.as_ref().map(|node| &node.op) {
                _ if value == self.gradient => GRADIENT.to_string(),
                Some(Op::Input { name }) => name.clone(),
                Some(Op::State { path }) if path == self.path => VALUE.to_string(),
                Some(Op::State { path }) => path.rsplit('/').next().unwrap_or(path).to_string(),
                _ if !self.nodes.contains(&value.node) => "all gradients".to_string(),
                _ => {
                    open.extend(node.into_iter().flat_map(|node| node.args));
                    continue;
                }
            };
            names.insert(name);
        }
        names.into_iter().collect()
    }

    /// The value of a state of the optimiser, by its last name, at the element.
    fn state(&self, name: &str) -> Option<f64> {
        let held = self.nodes.iter().find_map(|&index| match self.graph.node(index as usize)?.op {
            Op::State { path } if path != self.path && path.rsplit('/').next() == Some(name) => {
                Some(Value { node: index, output: 0 })
            }
            _ => None,
        });
        self.run.at(held?).ok()?.get(self.element).copied()
    }
}
