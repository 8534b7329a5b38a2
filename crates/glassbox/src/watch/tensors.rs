//! A whole tensor's derivative: at each node on the way, downstream = upstream × local.

use glassbox_engine::reference::Evaluation;
use glassbox_engine::{Op, Value};
use serde::Serialize;

use crate::Error;
use crate::watch::ask::{element_name, indices_of};
use crate::watch::explain::{Difference, Moved, difference};
use crate::watch::numbers::Numbers;
use crate::watch::{At, Element, Moment};

/// Elements that are told one by one.
const SMALL: usize = 12;
/// Elements that are told of a large tensor.
const LARGEST: usize = 8;

/// A tensor in short: its shape, its length, and its numbers where they are few.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// The sizes of its axes.
    pub shape: Vec<usize>,
    /// √Σx² (Euclid, Frobenius).
    pub norm: f64,
    /// Its numbers, row-major, where there are at most 12.
    pub numbers: Option<Vec<f64>>,
}

/// One node on the way: the derivative by its result, times its own, gives a share of the derivative
/// by its argument.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Link {
    /// The node's result, e.g. `fc1/linear`.
    pub node: String,
    /// Its op.
    pub op: String,
    /// Its argument, e.g. `fc1/weight`.
    pub argument: String,
    /// The local derivative in words, e.g. `leftᵀ ·`.
    pub words: String,
    /// The derivative of the loss by the result.
    pub upstream: Figures,
    /// The tensor that it is multiplied by, where that is one: a product's other side, or a
    /// function's slopes.
    pub local: Option<Figures>,
    /// The share of the derivative by the argument.
    pub downstream: Figures,
    /// Whether the product is right: ⟨downstream, d⟩ = ⟨upstream, local · d⟩ for a direction d, the
    /// node itself being pushed forward along it; none where that cannot be done (in loops).
    pub agrees: Option<bool>,
}

/// An element of a derivative.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Largest {
    /// Which, e.g. `fc1/weight[0, 3]`.
    pub of: String,
    /// Its value.
    pub value: f64,
    /// The derivative by it.
    pub gradient: f64,
}

/// The derivative of the loss by a whole tensor, and how it comes about node by node; prints as a
/// table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TensorView {
    /// The tensor, e.g. `fc1/weight`.
    pub of: String,
    /// How what is derived is written.
    pub loss: String,
    /// Its value.
    pub loss_value: f64,
    /// The step.
    #[serde(flatten)]
    pub at: At,
    /// The tensor itself.
    pub value: Figures,
    /// The derivative by it.
    pub gradient: Figures,
    /// From the loss to the tensor: each node on the way.
    pub links: Vec<Link>,
    /// The elements whose derivative is largest.
    pub largest: Vec<Largest>,
    /// The slope along the derivative's own direction, which is its norm; none where it would take
    /// too long.
    pub difference: Option<Difference>,
    /// What was not computed exactly because it would take too long, in words.
    pub announced: Option<String>,
    /// The largest difference to the derivative as training computes it, in f32, over the largest
    /// element.
    pub f32_error: f64,
}

impl Figures {
    fn of(shape: &[usize], numbers: &[f64]) -> Self {
        Figures {
            shape: shape.to_vec(),
            norm: norm(numbers),
            numbers: (numbers.len() <= SMALL).then(|| numbers.to_vec()),
        }
    }
}

fn norm(numbers: &[f64]) -> f64 {
    numbers.iter().map(|x| x * x).sum::<f64>().sqrt()
}

impl Moment {
    /// The derivative of the loss (or of the number `from`, of row `row` of the batch) by a whole
    /// tensor: a parameter, an activation or the `inputs`.
    ///
    /// # Errors
    /// A name that does not exist (with the nearest), a tensor that the loss does not depend on.
    pub fn tensor(
        &self,
        from: Option<&Element>,
        path: &str,
        row: Option<usize>,
    ) -> Result<TensorView, Error> {
        let sizes = self.things().into_iter().find(|(name, _)| name == path).map(|(_, s)| s);
        // Its first element stands for all; of what does not exist `find` tells.
        let indices = vec![0; sizes.map_or(0, |sizes| sizes.len())];
        let target = self.find(&Element { path: path.to_string(), indices }, None)?;
        let from = from.map(|from| self.find_source(from, row)).transpose()?;
        let mut own = None;
        let asked = self.differentiate(&mut own, from.as_ref(), &target)?;
        let route = self.route(&asked, from.as_ref(), &target)?;
        let terms = route.terms();
        let mut wanted = route.wanted();
        for value in terms.iter().flat_map(|term| [term.product, term.upstream]) {
            wanted.extend(asked.graph.tensor(value));
        }
        wanted.extend(asked.graph.tensor(asked.gradient));
        for term in &terms {
            let args = asked.graph.node(term.consumer as usize).map(|n| n.args);
            let args = args.unwrap_or_default();
            wanted.extend(args.into_iter().filter_map(|value| asked.graph.tensor(value)));
        }
        let Numbers { run, announced } = self.evaluate(asked.graph, wanted, &asked)?;
        // Training's own numbers are right to f32's rounding.
        let rounding = if announced.is_some() { 1e-4 } else { 1e-10 };
        let figures = |value: Value| -> Result<Figures, Error> {
            let shape = asked.graph.tensor(value).map(|t| t.shape()).unwrap_or_default();
            Ok(Figures::of(shape.sizes(), run.at(value)?))
        };
        let mut links = Vec::with_capacity(terms.len());
        for term in &terms {
            let Some(node) = asked.graph.node(term.consumer as usize) else { continue };
            let argument = usize::from(term.argument);
            let local = match &node.op {
                Op::Matmul | Op::Binary(glassbox_engine::op::Binary::Mul) => {
                    node.args.get(1 - argument.min(1)).map(|&other| figures(other)).transpose()?
                }
                Op::Unary(_) => {
                    let ones = vec![1.0; run.at(term.of)?.len()];
                    let slopes = run.push_forward(term.consumer as usize, argument, &ones);
                    slopes.ok().map(|slopes| Figures::of(node.outputs[0].shape.sizes(), &slopes))
                }
                _ => None,
            };
            let result = Value { node: term.consumer, output: 0 };
            links.push(Link {
                node: route.name(result),
                op: node.op.name().to_string(),
                argument: if term.of == asked.of { path.to_string() } else { route.name(term.of) },
                words: node.op.local_in_words(argument).to_string(),
                upstream: figures(term.upstream)?,
                local,
                downstream: figures(term.product)?,
                agrees: agrees(&run, term, rounding)?,
            });
        }
        let gradient = run.at(asked.gradient)?;
        let values = run.at(target.value)?;
        let mut order: Vec<usize> = (0..gradient.len()).collect();
        order.sort_by(|&a, &b| gradient[b].abs().total_cmp(&gradient[a].abs()));
        let largest = order.iter().take(LARGEST).map(|&element| Largest {
            of: element_name(path, &indices_of(&target.sizes, element)),
            value: values[element],
            gradient: gradient[element],
        });
        let length = norm(gradient);
        let along = if length > 0.0 { length } else { 1.0 };
        let direction: Vec<f64> = gradient.iter().map(|g| g / along).collect();
        let moved = Moved::Along(&direction);
        let difference = match announced {
            None => Some(difference(&run, &asked, moved, 1.0, length, length)?),
            Some(_) => None,
        };
        let in_f32 = self.gradient_f32(&asked)?;
        let errors = in_f32.iter().zip(gradient).map(|(a, b)| (a - b).abs());
        let most = order.first().map_or(0.0, |&element| gradient[element].abs());
        Ok(TensorView {
            of: path.to_string(),
            loss: match &from {
                Some(from) => element_name(&from.name, &from.indices),
                None => self.loss_by(target.value).to_string(),
            },
            loss_value: run.at(asked.from)?[0],
            at: self.at,
            value: Figures::of(&target.sizes, values),
            gradient: Figures::of(&target.sizes, gradient),
            links,
            largest: largest.collect(),
            difference,
            announced,
            f32_error: errors.fold(0.0, f64::max) / if most > 0.0 { most } else { 1.0 },
        })
    }
}

/// Whether ⟨product, d⟩ = ⟨upstream, J d⟩ for a direction d without a pattern.
fn agrees(
    run: &Evaluation,
    term: &glassbox_engine::graph::Contribution,
    rounding: f64,
) -> Result<Option<bool>, Error> {
    let (product, upstream) = (run.at(term.product)?, run.at(term.upstream)?);
    let direction: Vec<f64> = (0..product.len()).map(|i| (i as f64 * 2.399_963).sin()).collect();
    let pushed = run.push_forward(term.consumer as usize, usize::from(term.argument), &direction);
    let Ok(pushed) = pushed else { return Ok(None) };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let size = norm(product) * norm(&direction) + norm(upstream) * norm(&pushed);
    Ok(Some((dot(product, &direction) - dot(upstream, &pushed)).abs() <= rounding * size))
}
