//! Where a gradient comes from, term by term, checked by finite differences.

use std::collections::BTreeSet;

use glassbox_engine::reference::Evaluation;
use glassbox_engine::{Graph, Value};
use serde::Serialize;

use crate::Error;
use crate::nn::Loss;
use crate::train::graphs::name;
use crate::watch::ask::{Asked, Sort, Target, element_name, indices_of};
use crate::watch::chain::{Derivative, Local, Way};
use crate::watch::numbers::Numbers;
use crate::watch::{At, Element, Moment, Unit};

/// One row's (or one unit's) share of a derivative: the product of its factors.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Term {
    /// The row's number in the source, from 1; none where the term is not one row's.
    pub row: Option<usize>,
    /// The step of a sequence, from 0, where the term goes through a loop over its steps.
    pub time: Option<usize>,
    /// Which element the term goes through first, e.g. `fc2/linear[3, 7]`.
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

/// A part of what training makes small: the loss of the data, or the penalty for large weights.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LossPart {
    /// What it is: the loss's symbol, or `penalty`.
    pub of: String,
    /// Its value.
    pub value: f64,
    /// Its share of the derivative.
    pub gradient: f64,
}

/// What the optimiser makes of a parameter's gradient.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Update {
    /// The optimiser, e.g. `adam`.
    pub optimizer: String,
    /// Whether it gets the gradients clipped.
    pub clipped: bool,
    /// How many batches it adds up; the derivative is the last one's.
    pub batches: usize,
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
    /// How what is derived is written: the loss, e.g. `SSR`, `total` where a penalty for large weights
    /// is added to it, or the number that was named.
    pub loss: String,
    /// Its value.
    pub loss_value: f64,
    /// Loss and penalty, where there is one for this number: they come to what is derived. The terms
    /// are those of the loss, and the penalty's share stands here alone.
    pub parts: Vec<LossPart>,
    /// The derivative of the penalty as a formula.
    pub penalty: Option<String>,
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
    /// The sum of all terms and of the penalty's share: the derivative, in f64.
    pub gradient: f64,
    /// The derivative as training computes it, in f32.
    pub gradient_f32: f64,
    /// The derivative by differences; none where one row was asked for, or it would take too long.
    pub difference: Option<Difference>,
    /// What was not computed exactly because it would take too long, in words.
    pub announced: Option<String>,
    /// What the optimiser makes of it; parameters alone, and the loss's derivative alone.
    pub update: Option<Update>,
    /// Whether it is a parameter that the training does not move.
    pub frozen: bool,
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

impl Labels {
    /// One more factor: from the input as the net sees it to its own unit.
    fn in_own_unit(&mut self, terms: &mut [Term], symbol: &str, scale: f64) {
        self.factors.push(slope(symbol, "scaled"));
        self.heads.push(slope(symbol, "scaled"));
        for term in terms {
            term.factors.push(1.0 / scale);
            term.product /= scale;
        }
    }
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
        let parameter = target.sort == Sort::Parameter && from.is_none();
        let after = self.graph.current(&target.name).filter(|_| parameter);
        let frozen = after.is_some_and(|after| after.value() == target.value);
        let penalty = match from {
            None => Penalty::of(asked.graph, target.value),
            Some(_) => Penalty::default(),
        };
        wanted.extend(penalty.values.iter().filter_map(|&value| asked.graph.tensor(value)));
        wanted.extend(after.and_then(|t| asked.graph.tensor(t.value())));
        let Numbers { run, announced } = self.evaluate(asked.graph, wanted, &asked)?;
        let derivative = Derivative { route: &route, run: &run };
        let share = row.filter(|_| parameter);
        let rows = self.rows.len();
        // Of one row's share only the ways through its own numbers are asked for.
        let of_row = |value: Value, element: usize| {
            let sizes = asked.graph.tensor(value).map(|t| t.shape()).unwrap_or_default();
            let each = sizes.elements() / rows.max(1);
            sizes.sizes().first() != Some(&rows) || Some(element / each.max(1)) == share
        };
        let keep = |value: Value, element| {
            !penalty.nodes.contains(&value.node) && (share.is_none() || of_row(value, element))
        };
        let mut ways = derivative.ways(target.value, target.element, keep)?;
        let of_penalty = |value: Value, _| penalty.nodes.contains(&value.node);
        let of_penalty = match share {
            None => derivative.ways(target.value, target.element, of_penalty)?.sum(),
            Some(_) => None,
        };
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
            None => self.data_loss().to_string(),
        };
        let mut labels = self.labels(&derivative, &ways.followed, &symbol, &loss, from.is_none());
        let mut terms = Vec::with_capacity(ways.followed.len());
        for way in &ways.followed {
            terms.push(self.term(&derivative, way, labels.factors.len())?);
        }
        if let Some(share) = share {
            let source = self.rows.get(share).copied();
            terms.retain(|term| term.row == source);
        }
        let scale = unit.as_ref().map_or(1.0, |unit| unit.scale);
        if unit.is_some() {
            labels.in_own_unit(&mut terms, &symbol, scale);
        }
        let others = Others { terms: ways.others.0, product: ways.others.1 / scale };
        let of_terms = terms.iter().map(|term| term.product).sum::<f64>() + others.product;
        let gradient = of_terms + of_penalty.unwrap_or(0.0);
        let mut loss_value = run.at(asked.from)?[0];
        let mut parts = Vec::new();
        if let [data, added] = penalty.values[..] {
            let data = run.at(data)?[0];
            match of_penalty {
                Some(share) => {
                    let part = |of: &str, value, gradient| LossPart {
                        of: of.to_string(),
                        value,
                        gradient,
                    };
                    parts.push(part(&loss, data, of_terms));
                    parts.push(part(name::PENALTY, run.at(added)?[0], share));
                }
                None => loss_value = data,
            }
        }
        let exact = share.is_none() && announced.is_none();
        let difference = exact.then(|| {
            let size = terms.iter().map(|t| t.product.abs()).sum::<f64>()
                + others.product.abs()
                + of_penalty.map_or(0.0, f64::abs);
            difference(&run, &asked, Moved::Element(target.element), scale, gradient, size)
        });
        let in_f32 = self.gradient_f32(&asked)?.get(target.element).copied().unwrap_or(f64::NAN);
        let small = self.features.len() <= 4;
        let input = |index: usize| self.rows.get(index).copied();
        let of_batch =
            target.sort != Sort::Parameter && target.sizes.first() == Some(&self.rows.len());
        Ok(Explanation {
            value: run.at(target.value)?[target.element],
            unit,
            of_row: target.indices.first().filter(|_| of_batch).and_then(|&row| input(row)),
            penalty: (!parts.is_empty()).then(|| self.penalty_in_words(&symbol)),
            loss: if parts.is_empty() { loss } else { TOTAL.to_string() },
            loss_value,
            parts,
            at: self.at,
            context: if small { self.context_names() } else { Vec::new() },
            factors: labels.factors,
            heads: labels.heads,
            formulas: labels.formulas,
            slope: labels.slope,
            gradient,
            gradient_f32: in_f32 / scale,
            difference: difference.transpose()?,
            announced,
            update: if parameter && !frozen { self.update(&run, &target)? } else { None },
            frozen,
            row: share,
            coupled: self.coupled(),
            classes: self.classes.clone(),
            others: Some(others).filter(|others| others.terms > 0),
            of,
            symbol,
            terms,
        })
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
        let outputs = derivative.route.graph.named("prediction").map_or(1, |p| p.dim(-1).max(1));
        let output = |way: &Way| way.end.1 % outputs;
        let one = ways.iter().all(|way| output(way) == output(first));
        let slope = || match self.mixed() {
            true => format!("d{}/dpred", self.data_loss()),
            false => self.objective.slope_in_words((output(first), outputs), self.weighted()),
        };
        labels.slope = (told && (one || self.loss != Loss::GaussianNll)).then(slope);
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
            time: self.time_of(derivative, way)?,
            through: self.first_of(derivative, way),
            context,
            product: way.product(),
            factors: values,
        })
    }

    /// The first value on a way, in which ways from one number differ.
    fn first_of(&self, derivative: &Derivative<'_>, way: &Way) -> String {
        let (value, element) = match way.locals.first() {
            Some(local) => (local.of, local.element),
            None => way.end,
        };
        let shape = derivative.route.graph.tensor(value).map(|t| t.shape()).unwrap_or_default();
        element_name(&derivative.route.name(value), &indices_of(shape.sizes(), element))
    }

    /// The step of the loop that the first value on a way is in, if it is in one.
    fn time_of(&self, derivative: &Derivative<'_>, way: &Way) -> Result<Option<usize>, Error> {
        let Some(first) = way.locals.first() else { return Ok(None) };
        let shape = derivative.route.graph.tensor(first.of).map(|t| t.shape()).unwrap_or_default();
        let size = shape.elements().max(1);
        let repeated = derivative.run.at(first.of)?.len() > size;
        Ok(repeated.then_some(first.element / size))
    }

    fn update(&self, run: &Evaluation, target: &Target) -> Result<Option<Update>, Error> {
        let after = self.graph.current(&target.name).filter(|_| !self.at.after_the_end);
        let Some(after) = after else { return Ok(None) };
        let (optimizer, rate) = self.optimizers.of(&target.name, self.rate);
        Ok(Some(Update {
            optimizer: optimizer.kind().to_string(),
            clipped: self.clipped,
            batches: self.batches,
            rate,
            before: run.at(target.value)?[target.element],
            after: run.value(after)?[target.element],
        }))
    }
}

/// How the sum of loss and penalty is written.
const TOTAL: &str = "total";

/// The part of the graph that makes the penalty for large weights.
#[derive(Default)]
struct Penalty {
    /// Loss and penalty; nothing where the graph has none.
    values: Vec<Value>,
    nodes: BTreeSet<u32>,
}

impl Penalty {
    fn of(graph: &Graph, target: Value) -> Self {
        let named = [name::DATA_LOSS, name::PENALTY].map(|name| graph.named(name));
        let [Some(data), Some(penalty)] = named else { return Penalty::default() };
        let mut nodes = BTreeSet::new();
        let mut open = vec![penalty.value()];
        while let Some(value) = open.pop() {
            if value != target && nodes.insert(value.node) {
                let node = graph.node(value.node as usize);
                open.extend(node.into_iter().flat_map(|node| node.args));
            }
        }
        Penalty { values: vec![data.value(), penalty.value()], nodes }
    }
}

impl Moment {
    /// How the loss of the data is written.
    fn data_loss(&self) -> &'static str {
        self.loss.symbol()
    }

    /// Whether rows have weights of their own.
    pub(crate) fn weighted(&self) -> bool {
        self.graph.find_input(name::ROW_WEIGHTS).is_some()
    }

    /// Whether rows are mixed with others, and so their labels.
    pub(crate) fn mixed(&self) -> bool {
        self.graph.find_input(name::PARTNER_SHARES).is_some()
    }

    /// How what training makes small is written, derived by this.
    pub(crate) fn loss_by(&self, of: Value) -> &'static str {
        let penalty = Penalty::of(&self.graph, of);
        let by = |index: &u32| {
            let node = self.graph.node(*index as usize);
            node.is_some_and(|node| node.args.contains(&of))
        };
        if penalty.nodes.iter().any(by) { TOTAL } else { self.data_loss() }
    }

    fn penalty_in_words(&self, symbol: &str) -> String {
        let (l1, l2) = self.penalty;
        let parts = [
            (l1 > 0.0).then(|| format!("{l1} · sign({symbol})")),
            (l2 > 0.0).then(|| format!("2 · {l2} · {symbol}")),
        ];
        let sum: Vec<String> = parts.into_iter().flatten().collect();
        format!("{} = {}", slope(symbol, name::PENALTY), sum.join(" + "))
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
