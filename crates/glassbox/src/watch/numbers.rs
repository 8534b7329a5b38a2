//! The numbers of a step: in f64 where that is quick, else training's own.

use std::collections::BTreeSet;

use glassbox_engine::reference::Evaluation;
use glassbox_engine::{Graph, Session, Tensor, Value};

use crate::Error;
use crate::watch::Moment;

/// Numbers of a step.
pub(crate) struct Numbers {
    pub run: Evaluation,
    /// Why they are training's own, where they are.
    pub announced: Option<String>,
}

impl Moment {
    /// The numbers of some tensors and of the arguments of their nodes.
    pub(crate) fn numbers(&self, graph: &Graph, of: &[Tensor<'_>]) -> Result<Numbers, Error> {
        let cost = multiply_adds(graph, of);
        if cost <= self.limit {
            let run = Evaluation::new(graph, &self.inputs, &self.states, of)?;
            return Ok(Numbers { run, announced: None });
        }
        let args = |tensor: &Tensor<'_>| graph.node(tensor.value().node as usize).map(|n| n.args);
        let mut values: BTreeSet<Value> = of.iter().map(|tensor| tensor.value()).collect();
        values.extend(of.iter().filter_map(args).flatten());
        let tensors: Vec<Tensor<'_>> = values.iter().filter_map(|&v| graph.tensor(v)).collect();
        let mut session = Session::new(self.options.clone())?;
        session.load(self.states.clone());
        let arrays = session.evaluate(graph, &self.inputs, &tensors)?;
        let known: Vec<_> =
            tensors.iter().zip(arrays).map(|(tensor, array)| (*tensor, array.to_f64())).collect();
        Ok(Numbers {
            run: Evaluation::of_values(graph, &known)?,
            announced: Some(format!(
                "{} million multiply-adds are too many for 64 bits: these are training's own \
                 numbers, and no difference quotient was taken",
                cost / 1_000_000
            )),
        })
    }
}

/// Multiply-adds (of other ops: results) that it takes to compute some tensors.
fn multiply_adds(graph: &Graph, of: &[Tensor<'_>]) -> u64 {
    let mut wanted = vec![false; graph.len()];
    for tensor in of {
        wanted[tensor.value().node as usize] = true;
    }
    let mut sum = 0u64;
    for index in (0..wanted.len()).rev() {
        let Some(node) = graph.node(index).filter(|_| wanted[index]) else { continue };
        node.args.iter().for_each(|arg| wanted[arg.node as usize] = true);
        let shapes: Vec<_> = node.args.iter().filter_map(|&arg| graph.tensor(arg)).collect();
        let shapes: Vec<_> = shapes.iter().map(|tensor| tensor.shape()).collect();
        let results = node.outputs.iter().map(|output| node.op.work(&shapes, &output.shape) as u64);
        sum = results.fold(sum, u64::saturating_add);
    }
    sum
}
