//! Any JSON as a graph: a graph or an error, never a panic; one that is read prints, is written
//! and read as the same, and runs, by plan and by reference, to numbers or to an error in words.
//!
//! Run with `cargo +nightly fuzz run graph`.
#![no_main]

mod json;

use glassbox::engine::reference::Evaluation;
use glassbox::engine::{Array, Error, Graph, Op, Options, Parameters, Session, Tensor, Value};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

/// A graph whose values have more elements together is not run.
const MOST_ELEMENTS: usize = 1 << 14;

fuzz_target!(|bytes: &[u8]| {
    let Ok(graph) = serde_json::from_slice::<Graph>(bytes) else { return };
    graph.check().expect("a graph that is read is sound");
    let _ = graph.to_string();
    let text = serde_json::to_string(&graph).expect("a graph can be written");
    let back: Graph = serde_json::from_str(&text).expect("it was just written");
    assert_eq!(serde_json::to_string(&back).unwrap(), text);

    let nodes: Vec<_> = (0..graph.len()).filter_map(|index| graph.node(index)).collect();
    let outputs = nodes.iter().flat_map(|node| &node.outputs);
    let elements = outputs.map(|output| output.shape.elements()).fold(0, usize::saturating_add);
    if elements > MOST_ELEMENTS {
        return;
    }
    let mut wanted: Vec<Tensor<'_>> = graph.names().into_iter().map(|(_, value)| value).collect();
    let last = Value { node: graph.len().saturating_sub(1) as u32, output: 0 };
    wanted.extend(graph.tensor(last));
    let mut inputs = Parameters::new();
    for node in &nodes {
        if let Op::Input { name } = &node.op {
            let output = &node.outputs[0];
            inputs.insert(name.clone(), Array::zeros(output.dtype, output.shape.clone()));
        }
    }
    let states = graph.initial_values(7);
    let planned = run(&graph, &inputs, &states, &wanted);
    let truth = Evaluation::new(&graph, &inputs, &states, &wanted);
    for error in [planned.err(), truth.err()].into_iter().flatten() {
        let words = error.to_string();
        assert!(!words.is_empty() && !words.contains("failed its own check"), "{words}\n{graph}");
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    json::mutate(data, size, max_size, seed)
});

fn run(
    graph: &Graph,
    inputs: &Parameters,
    states: &Parameters,
    wanted: &[Tensor<'_>],
) -> Result<(), Error> {
    let options = Options { threads: 1, memory_limit: 1 << 20, ..Options::default() };
    let mut session = Session::new(options)?;
    session.load(states.clone());
    session.evaluate(graph, inputs, wanted).map(drop)
}
