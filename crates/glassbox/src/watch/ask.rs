//! What is asked: finding numbers by name, and the derivative that tells of them.

use glassbox_engine::{Graph, Role, Session, Tensor, Value, grad};

use crate::Error;
use crate::watch::attribution::check_numbers;
use crate::watch::chain::Route;
use crate::watch::numbers::Numbers;
use crate::watch::{Element, Moment};

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
    /// The loss that a number is asked about: the one that is shown, or where a step makes another small,
    /// or several, that which this number's gradient is of.
    pub(crate) fn loss_of(&self, of: Value) -> Result<Value, Error> {
        let shown = self.graph.named("loss").map(Tensor::value);
        let shown = shown.ok_or_else(|| Error::new("the training graph has no `loss`"))?;
        let recorded = self.graph.contributions();
        let mut losses = recorded.iter().filter(|term| term.of == of).map(|term| term.loss);
        match losses.clone().any(|loss| loss == shown) {
            true => Ok(shown),
            false => Ok(losses.next_back().unwrap_or(shown)),
        }
    }

    pub(crate) fn check_row(&self, row: usize) -> Result<(), Error> {
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
        if tensor.is_inside_loop() {
            return Err(Error::new(format!(
                "`{path}` is another number at every step of a loop: let the loop's body give it out, \
                 and name the sequence that comes out"
            )));
        }
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
    pub(crate) fn find_source(&self, from: &Element, row: Option<usize>) -> Result<Target, Error> {
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
        let (loss, of) = (self.loss_of(target.value)?, target.value);
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
        if target.name == "inputs" {
            check_numbers(&self.preparation)?;
        }
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

    /// The derivative as a training step computes it.
    pub(crate) fn gradient_f32(&self, asked: &Asked<'_>) -> Result<Vec<f64>, Error> {
        let Some(gradient) = asked.graph.tensor(asked.gradient) else { return Ok(Vec::new()) };
        let mut session = Session::new(self.options.clone())?;
        session.load(self.states.clone());
        let result = session.evaluate(asked.graph, &self.inputs, &[gradient])?;
        Ok(result.first().map(glassbox_engine::Array::to_f64).unwrap_or_default())
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
