//! Where a gradient comes from, term by term, checked by finite differences.

use glassbox_engine::reference::Evaluation;
use glassbox_engine::{Options, Role, Session, Tensor, Value};
use serde::Serialize;

use crate::Error;
use crate::watch::chain::{Derivative, Local, Way};
use crate::watch::{Element, Moment};

/// One row's (or one unit's) share of a derivative: the product of its factors.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Term {
    /// The row's number in the source, from 1; none where the term is not one row's.
    pub row: Option<usize>,
    /// Which element the term goes through, e.g. `fc2/linear[3, 7]`.
    pub through: String,
    /// What the row was: its features, what was observed, what is predicted (for small tables).
    pub context: Vec<f64>,
    /// From the loss to the number: upstream first, then each local derivative.
    pub factors: Vec<f64>,
    /// Their product.
    pub product: f64,
}

/// The derivative as a difference quotient, in f64.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// From two step sizes, extrapolated (Richardson).
    pub value: f64,
    /// Whether it agrees with the sum of the terms.
    pub agrees: bool,
    /// Whether the two step sizes disagree: a corner (as ReLU's at 0) lies within the step, and the
    /// difference quotient says nothing.
    pub kink: bool,
}

/// What the optimiser makes of a parameter's gradient.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Update {
    /// The optimiser, e.g. `adam`.
    pub optimizer: String,
    /// The learning rate of this step.
    pub rate: f64,
    /// The value before the step.
    pub before: f64,
    /// The value after the step.
    pub after: f64,
}

/// Where one number's derivative comes from; prints as what a teacher would write on the board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The number, e.g. `fc2/bias[0]`.
    pub of: String,
    /// How it is written, e.g. `b3` in a net small enough for a board.
    pub symbol: String,
    /// How the loss is written, e.g. `SSR`.
    pub loss: String,
    /// The loss of the batch.
    pub loss_value: f64,
    /// The step, from 1.
    pub step: u64,
    /// Its value.
    pub value: f64,
    /// Names of [`Term::context`].
    pub context: Vec<String>,
    /// The names of the classes, which [`Term::context`] counts from 0; empty for numbers.
    pub classes: Vec<String>,
    /// Names of [`Term::factors`].
    pub factors: Vec<String>,
    /// Formulas of factors that are a function's derivative, of its argument x and result y.
    pub formulas: Vec<String>,
    /// The slope of the loss with respect to a prediction, in words, where that is the first factor.
    pub slope: Option<String>,
    /// The terms, in the order of the rows.
    pub terms: Vec<Term>,
    /// The sum of the terms: the derivative, in f64.
    pub gradient: f64,
    /// The derivative as training computes it, in f32.
    pub gradient_f32: f64,
    /// The derivative by differences; none where one row was asked for.
    pub difference: Option<Difference>,
    /// What the optimiser makes of it; none for activations.
    pub update: Option<Update>,
    /// The row asked for, where one was.
    pub row: Option<usize>,
}

/// What the factors are called.
#[derive(Default)]
struct Labels {
    factors: Vec<String>,
    formulas: Vec<String>,
    slope: Option<String>,
}

/// What was asked about, found in the graph.
struct Target<'g> {
    name: String,
    tensor: Tensor<'g>,
    element: usize,
    indices: Vec<usize>,
    parameter: bool,
}

impl Moment {
    /// Where the derivative of the loss with respect to one number comes from.
    ///
    /// `what` names a parameter (`fc2/bias[3]`) or an activation (`fc1/relu[5]`, with the row of the
    /// batch as `row` or as its first index). For a parameter `row` asks for that row's share alone.
    /// `row` counts the rows of the batch from 0. In a net small enough for a board `w1`, `b3` … name
    /// parameters too.
    ///
    /// # Errors
    /// A name that does not exist (with the nearest), indices that do not fit the shape.
    pub fn explain(&self, what: &Element, row: Option<usize>) -> Result<Explanation, Error> {
        let loss = self
            .graph
            .named("loss")
            .ok_or_else(|| Error::new("the training graph has no `loss`"))?;
        let target = self.find(what, row)?;
        let run = self.evaluate(loss, &target)?;
        let derivative = Derivative::new(&self.graph, &run, loss);
        if !derivative.reaches(target.tensor.value()) {
            return Err(Error::new(format!("the loss does not depend on `{}`", target.name)));
        }
        let ways = derivative.ways(target.tensor.value(), target.element)?;
        let of = element_name(&target.name, &target.indices);
        let symbol = self.symbol(&target.name, target.element).unwrap_or_else(|| of.clone());
        let Labels { factors, formulas, slope } = self.labels(&derivative, &ways, &symbol);
        let mut terms = Vec::with_capacity(ways.len());
        for way in &ways {
            terms.push(self.term(&derivative, way, factors.len())?);
        }
        let asked = row.filter(|_| target.parameter);
        if let Some(row) = asked {
            let source = self.rows.get(row).copied().ok_or_else(|| {
                Error::new(format!("row {row}: the batch has rows 0 to {}", self.rows.len() - 1))
            })?;
            terms.retain(|term| term.row == Some(source));
        }
        let gradient = terms.iter().map(|term| term.product).sum();
        let difference = match asked {
            None => Some(difference(&run, &target, loss.value(), gradient, &terms)?),
            Some(_) => None,
        };
        let small = self.features.len() <= 4;
        Ok(Explanation {
            value: run.value(target.tensor)?[target.element],
            loss: self.loss.symbol().to_string(),
            loss_value: run.value(loss)?[0],
            step: self.step,
            context: if small { self.context_names() } else { Vec::new() },
            factors,
            formulas,
            slope,
            gradient,
            gradient_f32: self.gradient_f32(&target)?,
            difference,
            update: self.update(&run, &target)?,
            row: asked,
            classes: self.classes.clone(),
            of,
            symbol,
            terms,
        })
    }

    fn find(&self, what: &Element, row: Option<usize>) -> Result<Target<'_>, Error> {
        let (path, mut indices) = match self.element_of(&what.path) {
            Some((path, indices)) if what.indices.is_empty() => (path, indices),
            _ => (what.path.clone(), what.indices.clone()),
        };
        let state = self.graph.state(&path).filter(|_| self.states.get(&path).is_some());
        let parameter = state.is_some();
        let found = state.or_else(|| self.graph.named(&path));
        let Some(tensor) = found else {
            let things = self.things();
            let names: Vec<&str> = things.iter().map(|(name, _)| name.as_str()).collect();
            let hint = crate::nearest::suggestion(&path, "parameters and activations", &names);
            return Err(Error::new(format!("there is no `{path}` in this run: {hint}")));
        };
        let shape = tensor.shape();
        if !parameter && indices.len() + 1 == shape.rank() {
            // An activation of one row.
            indices.insert(0, row.unwrap_or(0));
        }
        let fits = indices.len() == shape.rank()
            && indices.iter().zip(shape.sizes()).all(|(index, size)| index < size);
        if !fits {
            let example: Vec<usize> = shape.sizes().iter().map(|s| s.saturating_sub(1)).collect();
            return Err(Error::new(format!(
                "`{what}` does not fit: `{path}` has the shape {shape}, so its last number is {}",
                element_name(&path, &example)
            )));
        }
        let element = indices.iter().zip(shape.strides()).map(|(i, s)| i * s).sum();
        Ok(Target { name: path, tensor, element, indices, parameter })
    }

    /// Runs the whole step in f64.
    fn evaluate(&self, loss: Tensor<'_>, target: &Target<'_>) -> Result<Evaluation, Error> {
        let mut asked = vec![loss, target.tensor];
        let values = self.graph.contributions();
        let tensors: Vec<Value> = values.iter().flat_map(|c| [c.upstream, c.product]).collect();
        asked.extend(tensors.into_iter().filter_map(|v| self.graph.tensor(v)));
        asked.extend(self.graph.names().into_iter().map(|(_, tensor)| tensor));
        asked.extend(self.graph.current(&target.name).filter(|_| target.parameter));
        Ok(Evaluation::new(&self.graph, &self.inputs, &self.states, &asked)?)
    }

    /// The names of the factors, from the loss to the number, the slope of the loss in words where
    /// that is the first, and the formulas of factors that have one. Ways that differ have two
    /// factors: upstream and local.
    fn labels(&self, derivative: &Derivative<'_>, ways: &[Way], symbol: &str) -> Labels {
        let loss = self.loss.symbol();
        let name = |local: &Local| self.short(derivative, local);
        let names = |way: &Way| way.locals.iter().map(&name).collect::<Vec<_>>();
        let mut labels = Labels::default();
        let Some(first) = ways.first() else { return labels };
        let chain = names(first);
        if ways.iter().any(|way| names(way) != chain) {
            labels.factors = vec![format!("d{loss}/dy"), format!("dy/d{symbol}")];
            return labels;
        }
        let mut below = symbol.to_string();
        for (local, name) in first.locals.iter().zip(chain) {
            let label = format!("d{name}/d{below}");
            labels.formulas.extend(local.words.map(|words| format!("{label} = {words}")));
            labels.factors.push(label);
            below = name;
        }
        labels.factors.push(format!("d{loss}/d{below}"));
        labels.factors.reverse();
        let ends_at_prediction = derivative.name(first.end.0) == "prediction";
        labels.slope = ends_at_prediction.then(|| self.slope.to_string());
        labels
    }

    fn term(&self, derivative: &Derivative<'_>, way: &Way, factors: usize) -> Result<Term, Error> {
        let (value, element) = way.end;
        let shape = derivative.graph.tensor(value).map(|t| t.shape()).unwrap_or_default();
        let mut rest = element;
        let indices: Vec<usize> = shape
            .strides()
            .iter()
            .map(|&stride| {
                let index = rest / stride.max(1);
                rest %= stride.max(1);
                index
            })
            .collect();
        let of_row = shape.sizes().first() == Some(&self.rows.len());
        let row = indices.first().copied().filter(|_| of_row);
        let mut values = vec![way.upstream];
        values.extend(way.locals.iter().rev().map(|local| local.factor));
        if values.len() != factors {
            values = vec![way.upstream, way.locals.iter().map(|local| local.factor).product()];
        }
        let context = match row {
            Some(row) if self.features.len() <= 4 => self.context(derivative.run, row)?,
            _ => Vec::new(),
        };
        Ok(Term {
            row: row.and_then(|row| self.rows.get(row).copied()),
            through: element_name(&derivative.name(value), &indices),
            context,
            product: way.product(),
            factors: values,
        })
    }

    /// The derivative as a training step computes it.
    fn gradient_f32(&self, target: &Target<'_>) -> Result<f64, Error> {
        let value = target.tensor.value();
        let mut found = None;
        for index in 0..self.graph.len() {
            if self.graph.node(index).is_some_and(|n| n.origin.role == Role::Sum { of: value }) {
                found = Some(Value { node: index as u32, output: 0 });
            }
        }
        let product =
            || self.graph.contributions().iter().find(|c| c.of == value).map(|c| c.product);
        let Some(gradient) = found.or_else(product).and_then(|v| self.graph.tensor(v)) else {
            return Ok(f64::NAN);
        };
        let mut session = Session::new(Options { threads: 1, ..Options::default() })?;
        session.load(self.states.clone());
        let result = session.evaluate(&self.graph, &self.inputs, &[gradient])?;
        Ok(result[0].to_f64().get(target.element).copied().unwrap_or(f64::NAN))
    }

    fn update(&self, run: &Evaluation, target: &Target<'_>) -> Result<Option<Update>, Error> {
        let after = self.graph.current(&target.name).filter(|_| target.parameter);
        let Some(after) = after.filter(|_| self.step <= self.steps) else { return Ok(None) };
        Ok(Some(Update {
            optimizer: self.optimizer.kind().to_string(),
            rate: self.rate,
            before: run.value(target.tensor)?[target.element],
            after: run.value(after)?[target.element],
        }))
    }
}

/// `fc2/bias[3]`
fn element_name(path: &str, indices: &[usize]) -> String {
    Element { path: path.to_string(), indices: indices.to_vec() }.to_string()
}

/// The derivative by central differences with two step sizes.
fn difference(
    run: &Evaluation,
    target: &Target<'_>,
    loss: Value,
    gradient: f64,
    terms: &[Term],
) -> Result<Difference, Error> {
    let value = target.tensor.value();
    let x = run.at(value)?[target.element];
    let quotient = |h: f64| -> Result<f64, Error> {
        let at = |to: f64| run.with_element(value, target.element, to, loss);
        Ok((at(x + h)?[0] - at(x - h)?[0]) / (2.0 * h))
    };
    let h = 1e-5 * x.abs().max(1.0);
    let (whole, half) = (quotient(h)?, quotient(h / 2.0)?);
    // What rounding can do: the terms may be large and cancel.
    let scale = terms.iter().map(|t| t.product.abs()).sum::<f64>() + gradient.abs();
    let rounding = 1e-15 * run.at(loss)?[0].abs() / h + 1e-9;
    let tolerance = 1e-5 * scale + 10.0 * rounding;
    let kink = (whole - half).abs() > tolerance;
    let best = (4.0 * half - whole) / 3.0;
    Ok(Difference { value: best, agrees: (best - gradient).abs() <= tolerance, kink })
}
