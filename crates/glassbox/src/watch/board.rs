//! An explanation as text, as a teacher would write it on the board.

use std::fmt;

use glassbox_engine::Tensor;
use glassbox_engine::reference::Evaluation;

use crate::Error;
use crate::nn::Loss;
use crate::train::graphs::name;
use crate::watch::chain::{Derivative, Local};
use crate::watch::explain::slope;
use crate::watch::tables::aligned;
use crate::watch::{Difference, Explanation, LossPart, Moment};

/// A net with at most so many parameters is written with w1, b1 … as in a textbook.
const BOARD: usize = 24;
/// Numbers of a row that are told beside each other.
const BESIDE: usize = 2;
/// Terms that are shown of a long sum.
const SHOWN: usize = 16;

impl Moment {
    /// The textbook's names of a small net's parameters: each unit's weights, then its bias, layer
    /// by layer: path, element, name.
    fn textbook(&self) -> Vec<(String, usize, String)> {
        let parameters = self.graph.parameters();
        let total: usize = parameters.iter().map(|(_, tensor)| tensor.elements()).sum();
        let mut names = Vec::new();
        if total > BOARD {
            return names;
        }
        let (mut weights, mut biases) = (0, 0);
        for layer in 1.. {
            let (weight, bias) = (format!("fc{layer}/weight"), format!("fc{layer}/bias"));
            let (Some(w), Some(_)) = (self.graph.state(&weight), self.graph.state(&bias)) else {
                break;
            };
            let (inputs, units) = (w.dim(0), w.dim(1));
            for unit in 0..units {
                for input in 0..inputs {
                    weights += 1;
                    names.push((weight.clone(), input * units + unit, format!("w{weights}")));
                }
                biases += 1;
                names.push((bias.clone(), unit, format!("b{biases}")));
            }
        }
        names
    }

    /// The textbook's name of a parameter's element.
    pub(crate) fn symbol(&self, path: &str, element: usize) -> Option<String> {
        let mut names = self.textbook().into_iter();
        names.find(|(p, e, _)| p == path && *e == element).map(|(_, _, name)| name)
    }

    /// How a value on the way is written: in a net of one hidden layer small enough for a board
    /// `x1` is what goes into the first unit, `y1` what comes out of it.
    pub(crate) fn short(&self, derivative: &Derivative<'_>, local: &Local) -> String {
        let name = derivative.route.name(local.of);
        if name == "prediction" {
            return "pred".to_string();
        }
        let small = !self.textbook().is_empty() && self.graph.state("fc3/weight").is_none();
        let units = self.graph.tensor(local.of).map_or(1, |t| t.dim(-1).max(1));
        match name.strip_prefix("fc1/") {
            Some("linear") if small => format!("x{}", local.element % units + 1),
            Some(_) if small => format!("y{}", local.element % units + 1),
            _ => name,
        }
    }

    /// The parameter's element that a textbook's name means: its path and indices.
    pub(crate) fn element_of(&self, symbol: &str) -> Option<(String, Vec<usize>)> {
        let (path, element, _) = self.textbook().into_iter().find(|(_, _, n)| n == symbol)?;
        let shape = self.graph.state(&path)?.shape();
        let indices = shape
            .strides()
            .iter()
            .zip(shape.sizes())
            .map(|(stride, size)| element / stride % size)
            .collect();
        Some((path, indices))
    }

    /// The names of a row's figures on the board.
    pub(crate) fn context_names(&self) -> Vec<String> {
        let mut names = self.features.clone();
        names.extend(self.weighted().then(|| "weight".to_string()));
        let told = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        names.extend(match (self.loss, &self.outputs[..]) {
            (Loss::CrossEntropy | Loss::BinaryCrossEntropy, _) if self.mixed() => {
                told(&["class", "p(class)", "partner", "its share"])
            }
            (Loss::CrossEntropy | Loss::BinaryCrossEntropy, _) => told(&["class", "p(class)"]),
            (Loss::GaussianNll, _) => told(&["observed", "μ", "σ"]),
            // Nothing is told beside the rows themselves.
            (Loss::OfModel(_), _) => Vec::new(),
            (_, [_]) => told(&["observed", "predicted"]),
            (_, outputs) if outputs.len() <= BESIDE => {
                let both = |name: &String| [format!("obs {name}"), format!("pred {name}")];
                outputs.iter().flat_map(both).collect()
            }
            _ => Vec::new(),
        });
        names
    }

    /// A row's figures on the board: its features as the net sees them, how much it counts, what was
    /// observed, what is predicted.
    pub(crate) fn context(&self, run: &Evaluation, row: usize) -> Result<Vec<f64>, Error> {
        let rows = self.rows.len().max(1);
        let part = |tensor: Option<Tensor<'_>>, what: &str| -> Result<Vec<f64>, Error> {
            let missing = || Error::new(format!("the training graph has no `{what}`"));
            let all = run.value(tensor.ok_or_else(missing)?)?;
            let width = all.len() / rows;
            Ok(all.get(row * width..(row + 1) * width).map(<[f64]>::to_vec).unwrap_or_default())
        };
        let input = |name: &str| part(self.graph.find_input(name), name);
        let mut context: Vec<f64> =
            input(name::INPUTS)?.into_iter().take(self.features.len()).collect();
        if self.weighted() {
            context.extend(input(name::ROW_WEIGHTS)?);
        }
        if let Loss::OfModel(_) = self.loss {
            return Ok(context);
        }
        let observed = input(name::TARGETS)?;
        let predicted = part(self.graph.named(name::PREDICTION), name::PREDICTION)?;
        match (self.loss, &predicted[..]) {
            (Loss::CrossEntropy | Loss::BinaryCrossEntropy, scores) => {
                let mut scores: Vec<f32> = scores.iter().map(|&score| score as f32).collect();
                if let (Loss::BinaryCrossEntropy, [_]) = (self.loss, &scores[..]) {
                    // One score against 0.
                    scores.insert(0, 0.0);
                }
                let class = observed.first().copied().unwrap_or(f64::NAN);
                let p = crate::train::evaluate::probabilities(&scores);
                context.extend([class, p.get(class as usize).copied().unwrap_or(f64::NAN)]);
                if self.mixed() {
                    context.extend(input(name::PARTNER_TARGETS)?);
                    context.extend(input(name::PARTNER_SHARES)?);
                }
            }
            (Loss::GaussianNll, [mean, log_variance, ..]) => {
                context.extend(observed);
                context.extend([*mean, (log_variance / 2.0).exp()]);
            }
            (_, predicted) if self.outputs.len() <= BESIDE => {
                context.extend(observed.iter().zip(predicted).flat_map(|(o, p)| [*o, *p]));
            }
            _ => {}
        }
        Ok(context)
    }
}

/// Four digits that matter, in as few letters as they need.
pub(crate) fn figure(value: f64) -> String {
    let magnitude = value.abs();
    if value == value.trunc() && magnitude < 1e6 {
        format!("{value}")
    } else if (1e-2..1e5).contains(&magnitude) {
        let digits = if magnitude < 1.0 { 4 } else { 3 };
        format!("{value:.digits$}")
    } else {
        format!("{value:.3e}")
    }
}

impl Difference {
    /// Whether it agrees, in a letter or in words.
    pub(crate) fn mark(&self) -> &'static str {
        match (self.agrees, self.kink) {
            (true, _) => "✓",
            (false, true) => "– a corner (such as ReLU's at 0) lies within the step",
            (false, false) => "✗",
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (loss, symbol) = (&self.loss, &self.symbol);
        if self.symbol != self.of {
            writeln!(f, "{symbol} is {}", self.of)?;
        }
        let value = match &self.unit {
            Some(unit) => format!("{} (to the net {})", figure(unit.raw), figure(self.value)),
            None => figure(self.value),
        };
        let loss_value = figure(self.loss_value);
        writeln!(f, "{}: {symbol} = {value}, {loss} = {loss_value}", self.at)?;
        if let Some(row) = self.of_row {
            writeln!(f, "of row {row} of the source")?;
        }
        writeln!(f)?;
        let sum = if self.terms.len() == 1 { "" } else { "Σ  " };
        let of = |part: &LossPart| slope(symbol, &part.of);
        let derived = match &self.parts[..] {
            [] => slope(symbol, loss),
            [data, ..] => {
                let parts: Vec<String> = self.parts.iter().map(of).collect();
                writeln!(f, "{} = {}", slope(symbol, loss), parts.join(" + "))?;
                slope(symbol, &data.of)
            }
        };
        match self.factors.is_empty() {
            true => writeln!(f, "{derived} = 0: no way has a share")?,
            false => writeln!(f, "{derived} = {sum}{}", self.factors.join(" · "))?,
        }
        for formula in self.formulas.iter().chain(&self.penalty) {
            writeln!(f, "  {formula}")?;
        }
        if !self.terms.is_empty() || self.others.is_some() {
            self.table(f)?;
        }
        if !self.parts.is_empty() {
            let mut lines = vec![["", "value", "derivative"].map(String::from).to_vec()];
            let all = self.parts.iter().map(|part| (&part.of, part.value, part.gradient));
            for (name, value, gradient) in all.chain([(loss, self.loss_value, self.gradient)]) {
                lines.push(vec![name.clone(), figure(value), figure(gradient)]);
            }
            aligned(f, &lines, 1)?;
        }
        let told = self.classes.iter().enumerate().any(|(i, name)| *name != i.to_string());
        if told && self.classes.len() <= 10 && self.context.iter().any(|c| c == "class") {
            let named = self.classes.iter().enumerate().map(|(i, name)| format!("{i} {name}"));
            writeln!(f, "classes: {}", named.collect::<Vec<_>>().join(", "))?;
        }
        if let Some(announced) = &self.announced {
            writeln!(f, "{announced}")?;
        }
        if let Some(difference) = self.difference {
            let mark = difference.mark();
            writeln!(f, "finite difference {} {mark}", figure(difference.value))?;
        }
        if let Some(scope) = &self.coupled {
            writeln!(
                f,
                "rows act on each other in {scope}: a row's share is what goes through its own \
                 numbers"
            )?;
        }
        if self.row.is_none() {
            writeln!(f, "in training's f32  {}", figure(self.gradient_f32))?;
        }
        if self.frozen {
            writeln!(
                f,
                "{symbol} is frozen: no step moves it; this is what its gradient would be"
            )?;
        }
        if let (Some(update), None) = (&self.update, self.row) {
            let step = update.before - update.after;
            if update.batches > 1 {
                writeln!(
                    f,
                    "this is the last of {} batches, whose gradients make the step together",
                    update.batches
                )?;
            }
            // What is clipped, added up or decayed is no longer rate × gradient.
            let by_rate = update.rate * self.gradient;
            let rounding = 1e-6 * (by_rate.abs() + update.before.abs() * 1e-3);
            let is_plain =
                update.optimizer == "gradient_descent" && (step - by_rate).abs() <= rounding;
            let clipped = if update.clipped { ", gradients clipped," } else { "" };
            match update.optimizer.as_str() {
                _ if is_plain => writeln!(
                    f,
                    "step = rate {} × {} = {}      {symbol}: {} → {}",
                    figure(f64::from(update.rate as f32)),
                    figure(self.gradient),
                    figure(step),
                    figure(update.before),
                    figure(update.after)
                )?,
                kind => writeln!(
                    f,
                    "step of {kind} at rate {}{clipped} = {}      {symbol}: {} → {}",
                    figure(update.rate),
                    figure(step),
                    figure(update.before),
                    figure(update.after)
                )?,
            }
        }
        Ok(())
    }
}

impl Explanation {
    /// One line a term; of a long sum the largest terms, and what the others come to.
    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown: Vec<usize> = (0..self.terms.len()).collect();
        if shown.len() > SHOWN {
            let size = |i: &usize| self.terms[*i].product.abs();
            shown.sort_by(|a, b| size(b).total_cmp(&size(a)));
            // Of many, those that are 0 tell nothing.
            shown.retain(|i| self.terms[*i].product != 0.0);
            shown.truncate(SHOWN);
            shown.sort_unstable();
        }
        // Several terms of one and the same row differ by what they go through.
        let one_row = self.terms.len() > 1 && self.terms.iter().all(|t| t.row == self.terms[0].row);
        let by_row = self.terms.iter().all(|term| term.row.is_some()) && !one_row;
        let mut header = vec![if by_row { "row" } else { "through" }.to_string()];
        let timed = self.terms.iter().any(|term| term.time.is_some());
        header.extend(timed.then(|| "time".to_string()));
        header.extend(self.context.iter().filter(|_| by_row).cloned());
        for (index, name) in self.heads.iter().enumerate() {
            let words = self.slope.as_ref().filter(|_| index == 0).unwrap_or(name);
            header.push(if index == 0 { words.clone() } else { format!("· {words}") });
        }
        header.push("=".to_string());
        let mut lines = vec![header];
        for &index in &shown {
            let term = &self.terms[index];
            let mut line = vec![match term.row {
                Some(row) if by_row => row.to_string(),
                _ => term.through.clone(),
            }];
            if timed {
                line.push(term.time.map(|time| time.to_string()).unwrap_or_default());
            }
            let context = term.context.iter().filter(|_| by_row);
            let numbers = context.chain(&term.factors).chain([&term.product]);
            line.extend(numbers.map(|&value| figure(value)));
            lines.push(line);
        }
        let widths = aligned(f, &lines, 0)?;
        let total: usize = widths.iter().sum::<usize>() + 2 * widths.len();
        let others = self.others.map_or(0, |others| others.terms);
        let hidden = self.terms.len() - shown.len() + others;
        // The penalty's share stands below.
        let sum = self.parts.first().map_or(self.gradient, |part| part.gradient);
        if hidden > 0 {
            let rest: f64 = sum - shown.iter().map(|&i| self.terms[i].product).sum::<f64>();
            let words = format!("{hidden} smaller terms  {}", figure(rest));
            writeln!(f, "{words:>total$}")?;
        }
        let words = format!("sum  {}", figure(sum));
        writeln!(f, "{words:>total$}")
    }
}
