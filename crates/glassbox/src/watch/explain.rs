//! Where a gradient comes from, term by term, checked by finite differences.

use glassbox_engine::reference::Evaluation;
use glassbox_engine::{Graph, Options, Role, Session, Tensor, Value, grad};
use serde::Serialize;

use crate::Error;
use crate::watch::chain::{Derivative, Local, Route, Way};
use crate::watch::numbers::Numbers;
use crate::watch::{At, Element, Moment, Unit};

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

/// Terms that are not told one by one: each is smaller than those that are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Others {
    /// How many.
    pub terms: usize,
    /// What they come to, exactly.
    pub product: f64,
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
    /// How what is derived is written: the loss, e.g. `SSR`, or the number that was named.
    pub loss: String,
    /// Its value.
    pub loss_value: f64,
    /// The step.
    #[serde(flatten)]
    pub at: At,
    /// Its value; of an input as the net sees it.
    pub value: f64,
    /// An input's own unit, where it was scaled: the derivative is by that.
    pub unit: Option<Unit>,
    /// The number in the source (from 1) of the row that an activation or input belongs to.
    pub of_row: Option<usize>,
    /// Names of [`Term::context`].
    pub context: Vec<String>,
    /// The names of the classes, which [`Term::context`] counts from 0; empty for numbers.
    pub classes: Vec<String>,
    /// Names of [`Term::factors`].
    pub factors: Vec<String>,
    /// The same in short, as heads of columns.
    #[serde(skip)]
    pub(crate) heads: Vec<String>,
    /// Formulas of factors that are a function's derivative, of its argument x and result y.
    pub formulas: Vec<String>,
    /// The slope of the loss with respect to a prediction, in words, where that is the first factor.
    pub slope: Option<String>,
    /// The terms, in the order of the rows.
    pub terms: Vec<Term>,
    /// Terms beside them, which are only summed.
    pub others: Option<Others>,
    /// The sum of all terms: the derivative, in f64.
    pub gradient: f64,
    /// The derivative as training computes it, in f32.
    pub gradient_f32: f64,
    /// The derivative by differences; none where one row was asked for, or it would take too long.
    pub difference: Option<Difference>,
    /// What was not computed exactly because it would take too long, in words.
    pub announced: Option<String>,
    /// What the optimiser makes of it; parameters alone, and the loss's derivative alone.
    pub update: Option<Update>,
    /// The row of the batch asked for, where the derivative is its share alone.
    pub row: Option<usize>,
    /// Why a row's share is not the row's alone, where rows act on each other.
    pub coupled: Option<String>,
}

/// What the factors are called.
#[derive(Default)]
struct Labels {
    factors: Vec<String>,
    heads: Vec<String>,
    formulas: Vec<String>,
    slope: Option<String>,
}

/// What kind of number it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Parameter,
    Activation,
    Input,
}

/// A number or array that was asked about, found in the graph.
pub(crate) struct Target {
    pub name: String,
    pub value: Value,
    pub sort: Sort,
    pub sizes: Vec<usize>,
    pub indices: Vec<usize>,
    pub element: usize,
}

/// A derivative: the graph that holds it, of what, by what.
pub(crate) struct Asked<'a> {
    pub graph: &'a Graph,
    pub from: Value,
    pub of: Value,
    /// The derivative itself.
    pub gradient: Value,
}

impl Moment {
    /// Where the derivative of the loss with respect to one number comes from.
    ///
    /// `what` names a parameter (`fc2/bias[3]`), an activation (`fc1/relu[5]`, with the row of the
    /// batch as `row` or as its first index) or an input (`inputs[0, 2]`, or as
    /// [`input`](Moment::input) reads a column's name). For a parameter `row` asks for that row's
    /// share alone. `row` counts the rows of the batch from 0. In a net small enough for a board
    /// `w1`, `b3` … name parameters too.
    ///
    /// # Errors
    /// A name that does not exist (with the nearest), indices that do not fit the shape, a number
    /// that the loss does not depend on.
    pub fn explain(&self, what: &Element, row: Option<usize>) -> Result<Explanation, Error> {
        self.explain_from(None, what, row)
    }

    /// As [`explain`](Moment::explain), of another number than the loss: `prediction[2]` of the row
    /// `row`, say. None means the loss.
    ///
    /// # Errors
    /// As [`explain`](Moment::explain), for either of the two.
    pub fn explain_from(
        &self,
        from: Option<&Element>,
        what: &Element,
        row: Option<usize>,
    ) -> Result<Explanation, Error> {
        if let Some(row) = row {
            self.check_row(row)?;
        }
        let target = self.find(what, row)?;
        let from = from.map(|from| self.find_source(from, row)).transpose()?;
        let mut own = None;
        let asked = self.differentiate(&mut own, from.as_ref(), &target)?;
        let route = self.route(&asked, from.as_ref(), &target)?;
        let mut wanted = route.wanted();
        let after = self.graph.current(&target.name).filter(|_| target.sort == Sort::Parameter);
        wanted.extend(after.and_then(|t| asked.graph.tensor(t.value())));
        let Numbers { run, announced } = self.evaluate(asked.graph, wanted, &asked)?;
        let derivative = Derivative { route: &route, run: &run };
        let mut ways = derivative.ways(target.value, target.element)?;
        let share = row.filter(|_| target.sort == Sort::Parameter && from.is_none());
        if from.is_some() {
            ways.followed.retain(|way| way.product() != 0.0);
        }
        let of = element_name(&target.name, &target.indices);
        let unit = self.unit(&target, &run)?;
        let symbol = match &unit {
            Some(unit) => unit.name.clone(),
            None => self.symbol(&target.name, target.element).unwrap_or_else(|| of.clone()),
        };
        let loss = match &from {
            Some(from) => element_name(&from.name, &from.indices),
            None => self.loss.symbol().to_string(),
        };
        let mut labels = self.labels(&derivative, &ways.followed, &symbol, &loss, from.is_none());
        let count = labels.factors.len();
        let mut terms = Vec::with_capacity(ways.followed.len());
        for way in &ways.followed {
            terms.push(self.term(&derivative, way, count)?);
        }
        if let Some(share) = share {
            let source = self.rows.get(share).copied();
            terms.retain(|term| term.row == source);
            ways.others = (0, 0.0);
        }
        // One more factor: from the scaled input to its own unit.
        let by_unit = unit.as_ref().map_or(1.0, |unit| 1.0 / unit.scale);
        if unit.is_some() {
            labels.factors.push(slope(&symbol, "scaled"));
            labels.heads.push(slope(&symbol, "scaled"));
            for term in &mut terms {
                term.factors.push(by_unit);
                term.product *= by_unit;
            }
        }
        let others = (ways.others.0 > 0)
            .then(|| Others { terms: ways.others.0, product: ways.others.1 * by_unit });
        let rest = others.map_or(0.0, |others| others.product);
        let gradient = terms.iter().map(|term| term.product).sum::<f64>() + rest;
        let difference = match share {
            None if announced.is_none() => {
                let size = terms.iter().map(|t| t.product.abs()).sum::<f64>() + rest.abs();
                let step = unit.as_ref().map_or(1.0, |unit| unit.scale);
                Some(difference(
                    &run,
                    &asked,
                    Moved::Element(target.element),
                    step,
                    gradient,
                    size,
                )?)
            }
            _ => None,
        };
        let small = self.features.len() <= 4;
        let input = |index: usize| self.rows.get(index).copied();
        let of_batch =
            target.sort != Sort::Parameter && target.sizes.first() == Some(&self.rows.len());
        let parameter = target.sort == Sort::Parameter && from.is_none();
        Ok(Explanation {
            value: run.at(target.value)?[target.element],
            unit,
            of_row: target.indices.first().filter(|_| of_batch).and_then(|&row| input(row)),
            loss,
            loss_value: run.at(asked.from)?[0],
            at: self.at,
            context: if small { self.context_names() } else { Vec::new() },
            factors: labels.factors,
            heads: labels.heads,
            formulas: labels.formulas,
            slope: labels.slope,
            gradient,
            gradient_f32: self
                .gradient_f32(&asked)?
                .get(target.element)
                .copied()
                .unwrap_or(f64::NAN)
                * by_unit,
            difference,
            announced,
            update: if parameter { self.update(&run, &target)? } else { None },
            row: share,
            coupled: self.coupled(),
            classes: self.classes.clone(),
            others,
            of,
            symbol,
            terms,
        })
    }

    pub(crate) fn loss_value(&self) -> Result<Value, Error> {
        let loss = self.graph.named("loss").map(Tensor::value);
        loss.ok_or_else(|| Error::new("the training graph has no `loss`"))
    }

    fn check_row(&self, row: usize) -> Result<(), Error> {
        match row < self.rows.len() {
            true => Ok(()),
            false => Err(Error::new(format!(
                "row {row}: the batch has rows 0 to {}",
                self.rows.len().saturating_sub(1)
            ))),
        }
    }

    /// What has this name, whole or one element of it.
    pub(crate) fn find(&self, what: &Element, row: Option<usize>) -> Result<Target, Error> {
        let (path, mut indices) = match self.element_of(&what.path) {
            Some((path, indices)) if what.indices.is_empty() => (path, indices),
            _ => (what.path.clone(), what.indices.clone()),
        };
        let state = self.graph.state(&path).filter(|_| self.states.get(&path).is_some());
        let named = || self.graph.named(&path).map(|tensor| (tensor, Sort::Activation));
        let input = || self.graph.find_input(&path).map(|tensor| (tensor, Sort::Input));
        let found = state.map(|tensor| (tensor, Sort::Parameter)).or_else(named).or_else(input);
        let Some((tensor, sort)) = found else {
            let things = self.things();
            let names: Vec<&str> = things.iter().map(|(name, _)| name.as_str()).collect();
            let hint = crate::nearest::suggestion(&path, "parameters and activations", &names);
            return Err(Error::new(format!("there is no `{path}` in this run: {hint}")));
        };
        if !tensor.dtype().is_float() {
            return Err(Error::new(format!(
                "`{path}` holds {} numbers, by which nothing can be differentiated",
                tensor.dtype()
            )));
        }
        let shape = tensor.shape();
        if sort != Sort::Parameter && indices.len() + 1 == shape.rank() {
            // An activation or input of one row.
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
        let sizes = shape.sizes().to_vec();
        Ok(Target { name: path, value: tensor.value(), sort, sizes, indices, element })
    }

    /// What is to be derived: an activation or prediction.
    fn find_source(&self, from: &Element, row: Option<usize>) -> Result<Target, Error> {
        let found = self.find(from, row)?;
        match found.sort {
            Sort::Activation => Ok(found),
            _ => Err(Error::new(format!(
                "`{from}` follows from nothing: name an activation, such as prediction[0]"
            ))),
        }
    }

    /// The derivative of `from` (the loss where none) by the target: the training graph's own where
    /// it was recorded, else recorded now in a copy, `own`.
    pub(crate) fn differentiate<'a>(
        &'a self,
        own: &'a mut Option<Graph>,
        from: Option<&Target>,
        target: &Target,
    ) -> Result<Asked<'a>, Error> {
        let (loss, of) = (self.loss_value()?, target.value);
        if from.is_none()
            && let Some(gradient) = recorded_gradient(&self.graph, loss, of)
        {
            return Ok(Asked { graph: &self.graph, from: loss, of, gradient });
        }
        let graph: &'a Graph = own.insert(self.graph.clone());
        let tensor = |value| graph.tensor(value).ok_or_else(|| Error::new("no such value"));
        let derived = match from {
            None => tensor(loss)?,
            Some(from) => {
                let whole = tensor(from.value)?;
                let flat = whole.reshape([whole.elements()]);
                flat.slice(0, from.element..from.element + 1).reshape([])
            }
        };
        let gradient = grad(derived, &[tensor(of)?])[0].value();
        graph.check()?;
        Ok(Asked { graph, from: derived.value(), of, gradient })
    }

    pub(crate) fn route<'a>(
        &self,
        asked: &Asked<'a>,
        from: Option<&Target>,
        target: &Target,
    ) -> Result<Route<'a>, Error> {
        Route::new(asked.graph, asked.from, asked.of).ok_or_else(|| {
            let from = match from {
                Some(from) => format!("`{}`", element_name(&from.name, &from.indices)),
                None => "the loss".to_string(),
            };
            Error::new(format!("{from} does not depend on `{}`", target.name))
        })
    }

    /// The numbers that it takes to tell of a derivative.
    pub(crate) fn evaluate(
        &self,
        graph: &Graph,
        wanted: Vec<Tensor<'_>>,
        asked: &Asked<'_>,
    ) -> Result<Numbers, Error> {
        let named = ["inputs", "targets"].map(|name| graph.find_input(name));
        let extra = [graph.tensor(asked.from), graph.tensor(asked.of), graph.named("prediction")];
        let mut all: Vec<Tensor<'_>> = Vec::new();
        all.extend(named.into_iter().chain(extra).flatten().chain(graph.named("loss")));
        all.extend(wanted.iter().filter_map(|t| graph.tensor(t.value())));
        self.numbers(graph, &all)
    }

    /// The names of the factors, from what is derived to the number, the slope of the loss in words
    /// where that is the first, and the formulas of factors that have one. Ways that differ have two
    /// factors: upstream and local.
    fn labels(
        &self,
        derivative: &Derivative<'_>,
        ways: &[Way],
        symbol: &str,
        from: &str,
        is_loss: bool,
    ) -> Labels {
        let name = |local: &Local| self.short(derivative, local);
        let names = |way: &Way| way.locals.iter().map(&name).collect::<Vec<_>>();
        let mut labels = Labels::default();
        let Some(first) = ways.first() else { return labels };
        let chain = names(first);
        if ways.iter().any(|way| names(way) != chain) {
            labels.factors = vec![slope("y", from), slope(symbol, "y")];
            labels.heads = vec![brief("y", from), brief(symbol, "y")];
            return labels;
        }
        let mut below = symbol.to_string();
        for (local, name) in first.locals.iter().zip(chain) {
            let label = slope(&below, &name);
            labels.formulas.extend(local.words.map(|words| format!("{label} = {words}")));
            labels.factors.push(label);
            labels.heads.push(brief(&below, &name));
            below = name;
        }
        labels.factors.push(slope(&below, from));
        labels.heads.push(brief(&below, from));
        labels.factors.reverse();
        labels.heads.reverse();
        let ends_at_prediction = derivative.route.name(first.end.0) == "prediction";
        let told = is_loss && ends_at_prediction;
        labels.slope = told.then(|| self.loss.slope_in_words().to_string());
        labels
    }

    fn term(&self, derivative: &Derivative<'_>, way: &Way, factors: usize) -> Result<Term, Error> {
        let (value, element) = way.end;
        let shape = derivative.route.graph.tensor(value).map(|t| t.shape()).unwrap_or_default();
        let indices = indices_of(shape.sizes(), element);
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
            through: element_name(&derivative.route.name(value), &indices),
            context,
            product: way.product(),
            factors: values,
        })
    }

    /// The derivative as a training step computes it.
    pub(crate) fn gradient_f32(&self, asked: &Asked<'_>) -> Result<Vec<f64>, Error> {
        let Some(gradient) = asked.graph.tensor(asked.gradient) else { return Ok(Vec::new()) };
        let mut session = Session::new(Options { threads: 1, ..Options::default() })?;
        session.load(self.states.clone());
        let result = session.evaluate(asked.graph, &self.inputs, &[gradient])?;
        Ok(result.first().map(glassbox_engine::Array::to_f64).unwrap_or_default())
    }

    fn update(&self, run: &Evaluation, target: &Target) -> Result<Option<Update>, Error> {
        let after = self.graph.current(&target.name).filter(|_| !self.at.after_the_end);
        let Some(after) = after else { return Ok(None) };
        Ok(Some(Update {
            optimizer: self.optimizer.kind().to_string(),
            rate: self.rate,
            before: run.at(target.value)?[target.element],
            after: run.value(after)?[target.element],
        }))
    }
}

/// The derivative of the loss by a value as it was recorded; none where it was not.
pub(crate) fn recorded_gradient(graph: &Graph, loss: Value, of: Value) -> Option<Value> {
    let mut terms = graph.contributions().into_iter().filter(|c| c.loss == loss && c.of == of);
    let first = terms.next()?;
    let several = terms.any(|c| (c.consumer, c.argument) != (first.consumer, first.argument));
    // The last sum holds all the terms; it comes after the last of them.
    let is_sum =
        |index: &usize| graph.node(*index).is_some_and(|node| node.origin.role == Role::Sum { of });
    match several {
        false => Some(first.product),
        true => {
            let index = (0..graph.len()).rev().find(is_sum)?;
            Some(Value { node: index as u32, output: 0 })
        }
    }
}

/// `dSSR/db3`; names that hold a slash are kept together by brackets.
pub(crate) fn slope(by: &str, of: &str) -> String {
    let name = |name: &str| match name.contains('/') {
        true => format!("({name})"),
        false => name.to_string(),
    };
    format!("d{}/d{}", name(of), name(by))
}

/// `drelu/dlinear`: the last parts of names that have several.
fn brief(by: &str, of: &str) -> String {
    let name = |name: &str| match name.rsplit_once('/') {
        Some((_, last)) => last.split('[').next().unwrap_or(last).to_string(),
        None => name.to_string(),
    };
    format!("d{}/d{}", name(of), name(by))
}

/// `fc2/bias[3]`
pub(crate) fn element_name(path: &str, indices: &[usize]) -> String {
    Element { path: path.to_string(), indices: indices.to_vec() }.to_string()
}

/// The index along each axis of an element of an array of these sizes.
pub(crate) fn indices_of(sizes: &[usize], element: usize) -> Vec<usize> {
    let mut rest = element;
    let mut indices: Vec<usize> = sizes
        .iter()
        .rev()
        .map(|&size| {
            let index = rest % size.max(1);
            rest /= size.max(1);
            index
        })
        .collect();
    indices.reverse();
    indices
}

/// What is moved to see what comes of it.
pub(crate) enum Moved<'a> {
    /// One element.
    Element(usize),
    /// All of them, along a direction.
    Along(&'a [f64]),
}

/// The derivative by central differences with two step sizes. `unit` is how much of its own unit a
/// step of 1 as the net sees it is; `size` what the terms come to without their signs.
pub(crate) fn difference(
    run: &Evaluation,
    asked: &Asked<'_>,
    moved: Moved<'_>,
    unit: f64,
    gradient: f64,
    size: f64,
) -> Result<Difference, Error> {
    let values = run.at(asked.of)?;
    let at = |h: f64| -> Result<f64, Error> {
        let mut changed = values.to_vec();
        match &moved {
            Moved::Element(element) => changed[*element] += h,
            Moved::Along(direction) => {
                changed.iter_mut().zip(*direction).for_each(|(x, d)| *x += h * d);
            }
        }
        Ok(run.with_value(asked.of, changed, asked.from)?[0])
    };
    let quotient = |h: f64| -> Result<f64, Error> { Ok((at(h)? - at(-h)?) / (2.0 * h * unit)) };
    let h = match &moved {
        Moved::Element(element) => 1e-5 * values[*element].abs().max(1.0),
        // Many elements at once meet more corners.
        Moved::Along(_) => 1e-6,
    };
    let (whole, half) = (quotient(h)?, quotient(h / 2.0)?);
    // What rounding can do: the terms may be large and cancel.
    let scale = size + gradient.abs();
    let rounding = (1e-15 * run.at(asked.from)?[0].abs() / h + 1e-9) / unit;
    let tolerance = 1e-5 * scale + 10.0 * rounding;
    let kink = (whole - half).abs() > tolerance;
    let best = (4.0 * half - whole) / 3.0;
    Ok(Difference { value: best, agrees: (best - gradient).abs() <= tolerance, kink })
}
