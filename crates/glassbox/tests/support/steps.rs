//! Running recorded graphs step by step: in a session (the type that was recorded, f32 as a rule),
//! or in f64 by the reference interpreter. Both carry the assigned states from step to step.

use glassbox::engine::reference::Evaluation;
use glassbox::engine::{Array, Buffer, Graph, Options, Parameters, Prepared, Session, Tensor};

/// Values by name; f64, converted to what the graph declares when they are used.
pub fn values(named: &[(&str, &[usize], &[f64])]) -> Parameters {
    named
        .iter()
        .map(|(name, shape, v)| (name.to_string(), Array::new(*shape, v.to_vec()).unwrap()))
        .collect()
}

/// What is asked of a graph, run after run.
pub trait Steps {
    /// Runs once: the outputs for the states as they were before, then the states move on.
    fn step(&mut self) -> Vec<Vec<f64>>;

    /// The value of a parameter or state now.
    fn value(&self, path: &str) -> Vec<f64>;

    /// Gives a parameter or state another value.
    fn set(&mut self, path: &str, value: &[f64]);

    /// The first output, a number, before each of `n` steps and after the last.
    fn losses(&mut self, n: usize) -> Vec<f64> {
        (0..=n).map(|_| self.step()[0][0]).collect()
    }
}

/// Steps of one plan in a session.
pub struct InSession {
    session: Session,
    prepared: Prepared,
    inputs: Vec<Buffer>,
    outputs: Vec<Buffer>,
}

impl InSession {
    /// `outputs` of `graph` for `inputs`; states start with `states`, those not named as declared.
    /// An input called `step` counts the runs from 1.
    pub fn new(
        graph: &Graph,
        inputs: &Parameters,
        states: &Parameters,
        outputs: &[Tensor<'_>],
    ) -> Self {
        let mut session = Session::new(Options { threads: 1, ..Options::default() }).unwrap();
        session.load(declared(graph, states));
        let prepared = session.prepare(graph, outputs).unwrap_or_else(|e| panic!("{e}"));
        let mut buffers = prepared.inputs();
        let mut filled = 0;
        for (name, array) in inputs.iter() {
            let Some(position) = prepared.input(name) else { continue };
            write(&mut buffers[position], array);
            filled += 1;
        }
        filled += usize::from(prepared.input("step").is_some());
        assert_eq!(filled, buffers.len(), "every input of the plan has a value");
        InSession { outputs: prepared.outputs(), session, prepared, inputs: buffers }
    }

    /// Gives an input another value.
    pub fn give(&mut self, name: &str, value: &[f64]) {
        let buffer = &mut self.inputs[self.prepared.input(name).unwrap()];
        write(buffer, &Array::new(buffer.shape().clone(), value.to_vec()).unwrap());
    }
}

impl Steps for InSession {
    fn step(&mut self) -> Vec<Vec<f64>> {
        if let Some(position) = self.prepared.input("step") {
            self.inputs[position].as_slice_mut::<i64>().unwrap()[0] += 1;
        }
        self.session.run(&self.prepared, &mut self.inputs, &mut self.outputs).unwrap();
        self.outputs.iter().map(|buffer| buffer.read().to_f64()).collect()
    }

    fn value(&self, path: &str) -> Vec<f64> {
        self.session.value(path).unwrap().to_f64()
    }

    fn set(&mut self, path: &str, value: &[f64]) {
        let held = self.session.value(path).unwrap();
        let array = Array::from_f64(held.dtype(), held.shape().clone(), value).unwrap();
        self.session.set(path, &array);
    }
}

/// The same steps in f64, whatever type was recorded.
pub struct InReference<'g> {
    graph: &'g Graph,
    inputs: Parameters,
    states: Parameters,
    outputs: Vec<Tensor<'g>>,
    steps: i64,
}

impl<'g> InReference<'g> {
    /// As [`InSession::new`].
    pub fn new(
        graph: &'g Graph,
        inputs: &Parameters,
        states: &Parameters,
        outputs: &[Tensor<'g>],
    ) -> Self {
        let mut all = graph.initial_values(0);
        for (path, value) in states.iter() {
            all.insert(path, value.clone());
        }
        let (inputs, outputs) = (inputs.clone(), outputs.to_vec());
        InReference { graph, inputs, states: all, outputs, steps: 0 }
    }
}

impl Steps for InReference<'_> {
    fn step(&mut self) -> Vec<Vec<f64>> {
        self.steps += 1;
        self.inputs.insert("step", Array::new([], vec![self.steps]).unwrap());
        let assigned: Vec<(String, Tensor<'_>)> = self
            .graph
            .declarations()
            .into_iter()
            .map(|(path, _)| (path.clone(), self.graph.current(&path).unwrap()))
            .collect();
        let mut asked = self.outputs.clone();
        asked.extend(assigned.iter().map(|(_, tensor)| *tensor));
        let run = Evaluation::new(self.graph, &self.inputs, &self.states, &asked)
            .unwrap_or_else(|e| panic!("{e}"));
        for (path, tensor) in &assigned {
            self.set(path, run.value(*tensor).unwrap());
        }
        self.outputs.iter().map(|&tensor| run.value(tensor).unwrap().to_vec()).collect()
    }

    fn value(&self, path: &str) -> Vec<f64> {
        self.states.get(path).unwrap().to_f64()
    }

    fn set(&mut self, path: &str, value: &[f64]) {
        let shape = self.states.get(path).unwrap().shape().clone();
        self.states.insert(path, Array::new(shape, value.to_vec()).unwrap());
    }
}

/// Runs once in a session and once in f64, and gives both, in this order.
pub fn both<'g>(
    graph: &'g Graph,
    inputs: &Parameters,
    states: &Parameters,
    outputs: &[Tensor<'g>],
) -> [Vec<Vec<f64>>; 2] {
    [
        InSession::new(graph, inputs, states, outputs).step(),
        InReference::new(graph, inputs, states, outputs).step(),
    ]
}

/// What the graph declares, with the values of `given` where they are named.
fn declared(graph: &Graph, given: &Parameters) -> Parameters {
    let mut all = graph.initial_values(0);
    for (path, value) in given.iter() {
        let held = all.get(path).unwrap_or_else(|| panic!("`{path}` is not declared"));
        let array = Array::from_f64(held.dtype(), value.shape().clone(), &value.to_f64()).unwrap();
        all.insert(path, array);
    }
    all
}

fn write(buffer: &mut Buffer, array: &Array) {
    let array = Array::from_f64(buffer.dtype(), array.shape().clone(), &array.to_f64()).unwrap();
    buffer.write(&array).unwrap_or_else(|e| panic!("{e}"));
}

/// Fails unless `value` rounds to the number as it is printed in the syllabus: it may differ by half
/// a unit of the last printed digit.
#[track_caller]
pub fn assert_prints(what: &str, value: f64, printed: &str) {
    let number: f64 = printed.replace('−', "-").parse().unwrap();
    let digits = printed.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let half_a_unit = 0.5 * 0.1f64.powi(digits as i32);
    assert!(
        (value - number).abs() <= half_a_unit,
        "{what} is {value}, the syllabus says {printed}"
    );
}

/// Fails unless every element differs by at most `tolerance`, relative where it is above 1.
#[track_caller]
pub fn assert_close(what: &str, ours: &[f64], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len(), "{what}: numbers of elements");
    for (i, (&a, &b)) in ours.iter().zip(theirs).enumerate() {
        let difference = (a - b).abs() / b.abs().max(1.0);
        // So that NaN fails.
        assert!(difference <= tolerance, "{what}[{i}]: {a} against {b}, {difference:e} apart");
    }
}
