//! What lessons on recorded functions have in common: to train one, and to compute with one.

use glassbox_engine::{
    Array, DType, Data, Graph, Mode, Options, Parameters, Scope, Session, Shape, Tensor, grad,
};

use crate::Error;
use crate::nn::{self, Clip, Optimizer};

/// How something is trained.
#[derive(Clone, Debug)]
pub(super) struct Practice {
    pub optimizer: Optimizer,
    pub clip: Option<Clip>,
    pub steps: usize,
    pub seed: u64,
    /// What parameters start with; the others are drawn.
    pub start: Parameters,
}

/// What training leaves.
#[derive(Clone, Debug)]
pub(super) struct Learned {
    pub weights: Parameters,
    /// Before each step.
    pub losses: Vec<f64>,
}

impl Learned {
    pub fn last_loss(&self) -> f64 {
        self.losses.last().copied().unwrap_or(f64::NAN)
    }
}

impl Practice {
    /// So many steps of Adam at this rate.
    pub fn adam(rate: f64, steps: usize, seed: u64) -> Self {
        let start = Parameters::new();
        Practice { optimizer: Optimizer::ADAM.with_lr(rate), clip: None, steps, seed, start }
    }

    /// Makes the loss that `record` gives small; `given` are the inputs of step 1, 2 …
    pub fn learn(
        &self,
        record: impl for<'g> FnOnce(Scope<'g>) -> Tensor<'g>,
        given: impl Fn(usize) -> Result<Parameters, Error>,
    ) -> Result<Learned, Error> {
        let graph = Graph::new();
        let at = graph.root(Mode::Train);
        let loss = record(at);
        let parameters = graph.parameters();
        let paths: Vec<String> = parameters.iter().map(|(path, _)| path.clone()).collect();
        let held: Vec<Tensor<'_>> = parameters.iter().map(|(_, tensor)| *tensor).collect();
        let mut gradients = grad(loss, &held);
        if let Some(clip) = self.clip {
            gradients = clip.of(&gradients);
        }
        let (rate, step) = (graph.input("rate", DType::F32, []), nn::step(&graph));
        self.optimizer.apply(at.child("optimizer"), parameters, &gradients, rate, step);
        graph.check()?;
        let mut session = Session::new(Options { threads: 1, ..Options::default() })?;
        session.load(graph.initial_values(self.seed));
        session.load(self.start.clone());
        let prepared = session.prepare(&graph, &[loss])?;
        let (mut inputs, mut outputs) = (prepared.inputs(), prepared.outputs());
        let mut losses = Vec::with_capacity(self.steps);
        for number in 1..=self.steps {
            let mut all = given(number)?;
            all.insert("rate", Array::scalar(self.optimizer.lr() as f32));
            all.insert("step", array([], vec![number as i64])?);
            for (name, value) in all.iter() {
                if let Some(buffer) = prepared.input(name).and_then(|at| inputs.get_mut(at)) {
                    buffer.write(value)?;
                }
            }
            session.run(&prepared, &mut inputs, &mut outputs)?;
            let loss = outputs.first().map(|buffer| buffer.read().to_f64());
            losses.push(loss.and_then(|loss| loss.first().copied()).unwrap_or(f64::NAN));
        }
        let of_path = |path: String| session.value(&path).map(|value| (path, value));
        Ok(Learned { weights: paths.into_iter().filter_map(of_path).collect(), losses })
    }
}

/// The numbers of what `record` asks for; parameters that `weights` do not name are drawn under 0.
pub(super) fn computed(
    weights: &Parameters,
    given: &Parameters,
    record: impl for<'g> FnOnce(Scope<'g>) -> Vec<Tensor<'g>>,
) -> Result<Vec<Vec<f64>>, Error> {
    let graph = Graph::new();
    let asked = record(graph.root(Mode::Eval));
    graph.check()?;
    let mut session = Session::new(Options { threads: 1, ..Options::default() })?;
    session.load(graph.initial_values(0));
    session.load(weights.clone());
    let found = session.evaluate(&graph, given, &asked)?;
    Ok(found.iter().map(Array::to_f64).collect())
}

/// An array of this shape.
pub(super) fn array(shape: impl Into<Shape>, numbers: impl Into<Data>) -> Result<Array, Error> {
    Array::new(shape, numbers).map_err(Error::new)
}

/// Parameters or inputs by name.
pub(super) fn named<const N: usize>(arrays: [(&str, Array); N]) -> Parameters {
    arrays.into_iter().map(|(name, array)| (name.to_owned(), array)).collect()
}

/// How many parameters `record` declares.
pub(super) fn parameters(record: impl for<'g> FnOnce(Scope<'g>)) -> Result<usize, Error> {
    let graph = Graph::new();
    record(graph.root(Mode::Eval));
    graph.check()?;
    Ok(graph.parameters().iter().map(|(_, tensor)| tensor.elements()).sum())
}
