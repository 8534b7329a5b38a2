//! Inputs by the names and in the units that people know: a table's columns, an image's bytes.

use glassbox_engine::reference::Evaluation;
use glassbox_engine::{Op, Value};
use serde::Serialize;

use crate::Error;
use crate::data::{InputPreparation, PreparedColumn};
use crate::watch::ask::{Sort, Target};
use crate::watch::attribution::check_numbers;
use crate::watch::{Element, Moment};

/// The unit of an input before it was scaled: `raw = scaled · scale + offset`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unit {
    /// What the input is called, e.g. `petal_width`.
    pub name: String,
    /// The value in its own unit.
    pub raw: f64,
    /// How much of it a step of 1 as the net sees it is.
    pub scale: f64,
    /// What 0 as the net sees it is.
    pub offset: f64,
}

/// How a feature of columns was scaled: name, scale, offset.
fn of_columns(columns: &[PreparedColumn], number: usize) -> Option<(String, f64, f64)> {
    let mut first = 0;
    for column in columns {
        let names = column.feature_names();
        if number < first + names.len() {
            let name = names.get(number - first)?.clone();
            return match column {
                PreparedColumn::Number { offset, scale, .. }
                | PreparedColumn::Pieces { offset, scale, .. }
                | PreparedColumn::Date { offset, scale, .. }
                    if number == first =>
                {
                    Some((name, *scale, *offset))
                }
                _ => Some((name, 1.0, 0.0)),
            };
        }
        first += names.len();
    }
    None
}

/// How a number of a row was scaled: name, scale, offset.
pub(crate) fn scaling(inputs: &InputPreparation, number: usize) -> Option<(String, f64, f64)> {
    match inputs {
        InputPreparation::Table { columns } => of_columns(columns, number),
        InputPreparation::Series(series) => {
            let names = series.feature_names();
            let (row, feature) =
                (number.checked_div(names.len())?, number.checked_rem(names.len())?);
            let calendar = || names.get(feature).map(|name| (name.clone(), 1.0, 0.0));
            let (name, scale, offset) = of_columns(&series.columns, feature).or_else(calendar)?;
            let before = series.window.checked_sub(row + 1)?;
            let name =
                if before > 0 { format!("{name} t−{before}") } else { format!("{name} t") };
            Some((name, scale, offset))
        }
        InputPreparation::Pixels { scale, mean, std, .. } if *scale != 0.0 => {
            let channel = number.checked_rem(mean.len());
            let of = |all: &[f64], none: f64| channel.and_then(|c| all.get(c)).map_or(none, |x| *x);
            let scale = f64::from(*scale);
            Some(("pixel".to_string(), of(std, 1.0) / scale, of(mean, 0.0) / scale))
        }
        InputPreparation::Pixels { .. } | InputPreparation::Text(_) => None,
        InputPreparation::Array { mean, std, .. } => {
            let at = number.checked_rem(mean.len())?;
            Some(("input".to_string(), *std.get(at)?, *mean.get(at)?))
        }
    }
}

impl Moment {
    /// The input that `text` names, in row `row` of the batch: a column or feature of a table
    /// (`petal_width`, `island=Biscoe`), or indices (`3`, `[12, 5]`, `[12, 5, 0]` of an image).
    ///
    /// # Errors
    /// A name that does not exist (with the nearest); a category's column, whose features are listed;
    /// indices that do not fit.
    pub fn input(&self, text: &str, row: usize) -> Result<Element, Error> {
        check_numbers(&self.preparation)?;
        let inside = text.trim().trim_start_matches('[').trim_end_matches(']');
        let numbers: Option<Vec<usize>> =
            inside.split(',').map(|part| part.trim().parse().ok()).collect();
        let sizes = match self.graph.find_input("inputs") {
            Some(inputs) => inputs.shape().sizes().get(1..).unwrap_or_default().to_vec(),
            None => return Err(Error::new("the training graph has no `inputs`")),
        };
        let element = |indices: &[usize]| {
            let mut all = vec![row];
            all.extend(indices);
            Element { path: "inputs".to_string(), indices: all }
        };
        // A column may be called `2`.
        if let Some(at) = self.features.iter().position(|name| name == text) {
            return Ok(element(&[at]));
        }
        if let Some(mut numbers) = numbers {
            // The one channel of a grey image need not be said.
            while numbers.len() < sizes.len() && sizes[numbers.len()] == 1 {
                numbers.push(0);
            }
            let fits = numbers.len() == sizes.len()
                && numbers.iter().zip(&sizes).all(|(number, size)| number < size);
            return match fits {
                true => Ok(element(&numbers)),
                false => {
                    let last: Vec<usize> = sizes.iter().map(|s| s.saturating_sub(1)).collect();
                    Err(Error::new(format!(
                        "there is no input `{text}`: a row has the shape {sizes:?}, so its last \
                         input is {last:?}"
                    )))
                }
            };
        }
        let of_column: Vec<&str> = self
            .features
            .iter()
            .map(String::as_str)
            .filter(|name| name.strip_prefix(text).is_some_and(|rest| rest.starts_with('=')))
            .collect();
        if !of_column.is_empty() {
            return Err(Error::new(format!(
                "`{text}` is a category: ask for one of {}",
                of_column.join(", ")
            )));
        }
        let names: Vec<&str> = self.features.iter().map(String::as_str).collect();
        if names.is_empty() {
            return Err(Error::new(format!(
                "inputs have no names here: `{text}` should be indices such as {:?}",
                vec![0; sizes.len()]
            )));
        }
        let hint = crate::nearest::suggestion(text, "inputs", &names);
        Err(Error::new(format!("there is no input `{text}`: {hint}")))
    }

    /// The unit of an input that has one.
    pub(crate) fn unit(&self, target: &Target, run: &Evaluation) -> Result<Option<Unit>, Error> {
        let row: usize = target.sizes.iter().skip(1).product();
        if target.sort != Sort::Input || target.name != "inputs" || row == 0 {
            return Ok(None);
        }
        let Some((name, scale, offset)) = scaling(&self.preparation, target.element % row) else {
            return Ok(None);
        };
        let scaled = run.at(target.value)?.get(target.element).copied().unwrap_or(f64::NAN);
        let name = match name.as_str() {
            "pixel" | "input" => format!("{name}{:?}", &target.indices[1..]),
            _ => name,
        };
        Ok(Some(Unit { name, raw: scaled * scale + offset, scale, offset }))
    }

    /// Where rows of the batch act on each other before they become predictions: there a row's share
    /// is what goes through its own numbers, not all that would change without it.
    pub(crate) fn coupled(&self) -> Option<String> {
        let inputs = self.graph.find_input("inputs")?.value();
        let prediction = self.graph.named("prediction")?.value();
        let rows = self.rows.len();
        let mut depends = vec![false; prediction.node as usize + 1];
        *depends.get_mut(inputs.node as usize)? = true;
        for index in 0..depends.len() {
            let node = self.graph.node(index)?;
            let touched = |v: &Value| depends.get(v.node as usize).copied().unwrap_or(false);
            if !node.args.iter().any(touched) {
                continue;
            }
            depends[index] = true;
            let by_rows = |v: &Value| {
                let shape = self.graph.tensor(*v).map(|tensor| tensor.shape());
                shape.is_some_and(|shape| shape.sizes().first() == Some(&rows) && rows > 1)
            };
            if let Op::Reduce { axes, .. } = &node.op
                && axes.first() == Some(&0)
                && node.args.iter().any(by_rows)
            {
                let scope = self.graph.scope_path(node.origin.scope);
                return Some(match scope.is_empty() {
                    true => "the model".to_string(),
                    false => scope,
                });
            }
        }
        None
    }
}
