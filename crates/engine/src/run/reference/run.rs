//! Computing nodes in order, loops step by step.

use crate::Error;
use crate::graph::region::ScanArgs;
use crate::graph::{Inner, Value};
use crate::op::Op;
use crate::run::reference::Values;
use crate::run::reference::meaning::{compute, output};

/// One pass over a graph: some nodes are computed, the others as they were before.
pub(super) struct Run<'a> {
    inner: &'a Inner,
    before: &'a [Option<Vec<Vec<f64>>>],
    wanted: &'a [bool],
    pub new: Values,
    /// Elements inside a loop, counted through all steps, from an index on: they are set as soon as
    /// they have been computed.
    pub change: Option<(Value, usize, &'a [f64])>,
    /// The loops that are running, outermost first, each with its step counted through all steps of
    /// those around it.
    steps: Vec<(u32, usize)>,
}

impl<'a> Run<'a> {
    pub fn new(inner: &'a Inner, before: &'a [Option<Vec<Vec<f64>>>], wanted: &'a [bool]) -> Self {
        let new = vec![None; inner.nodes.len()];
        Run { inner, before, wanted, new, change: None, steps: Vec::new() }
    }

    /// The nodes outside loops that are to be computed.
    pub fn outside(&self) -> Vec<usize> {
        let nodes = 0..self.inner.nodes.len();
        nodes.filter(|&i| self.wanted[i] && self.inner.regions.node(i).is_none()).collect()
    }

    /// Computes a node at the step that is running.
    pub fn node(&mut self, index: usize) -> Result<(), Error> {
        let node = &self.inner.nodes[index];
        let outputs = match ScanArgs::of(node) {
            Some(scan) => self.scan(index, scan)?,
            None => {
                let args: Vec<&[f64]> = node.args.iter().map(|&v| self.get(v)).collect();
                compute(self.inner, node, &args)?
            }
        };
        self.put(index, outputs);
        Ok(())
    }

    fn step_of(&self, region: Option<u32>) -> usize {
        self.steps.iter().find(|s| Some(s.0) == region).map_or(0, |s| s.1)
    }

    /// A value at the step that is running.
    fn get(&self, value: Value) -> &[f64] {
        self.get_at(value, self.step_of(self.inner.regions.of(value)))
    }

    fn get_at(&self, value: Value, step: usize) -> &[f64] {
        let new = self.new[value.index()].as_ref();
        let held = new.or_else(|| self.before.get(value.index()).and_then(Option::as_ref));
        let size = output(self.inner, value).shape.elements();
        // Arguments come before their node, so they have been computed.
        held.and_then(|outputs| outputs.get(usize::from(value.output)))
            .and_then(|all| all.get(step * size..(step + 1) * size))
            .unwrap_or(&[])
    }

    fn put(&mut self, index: usize, outputs: Vec<Vec<f64>>) {
        let region = self.inner.regions.node(index);
        if region.is_none() {
            self.new[index] = Some(outputs);
            return;
        }
        let (step, repeats) = (self.step_of(region), self.inner.regions.repeats(region));
        let stacks = self.new[index].get_or_insert_with(|| {
            outputs.iter().map(|output| vec![0.0; output.len() * repeats]).collect()
        });
        for (position, (stack, output)) in stacks.iter_mut().zip(&outputs).enumerate() {
            let from = step * output.len();
            stack[from..from + output.len()].copy_from_slice(output);
            if let Some((value, first, to)) = self.change
                && (value.index(), usize::from(value.output)) == (index, position)
            {
                let both = first.max(from)..(first + to.len()).min(from + output.len());
                for element in both {
                    stack[element] = to[element - first];
                }
            }
        }
    }

    /// Runs a loop: the carries after its last step and what it gave out.
    fn scan(&mut self, index: usize, scan: ScanArgs<'_>) -> Result<Vec<Vec<f64>>, Error> {
        let time = scan.time.node;
        let Op::Time { steps, reverse } = self.inner.nodes[time as usize].op else {
            return Err(Error::new("a loop has no index"));
        };
        let around = self.step_of(self.inner.regions.parent(time));
        let members: Vec<usize> = (time as usize..index)
            .filter(|&i| self.wanted[i] && self.inner.regions.node(i) == Some(time))
            .collect();
        if steps == 0 {
            // No values at all, inside and further inside.
            let regions = &self.inner.regions;
            let inside = |i: &usize| regions.within(regions.node(*i), Some(time));
            for member in (time as usize..index).filter(inside).filter(|&i| self.wanted[i]) {
                let outputs = self.inner.nodes[member].outputs.len();
                self.new[member].get_or_insert_with(|| vec![Vec::new(); outputs]);
            }
        }
        let order: Vec<usize> =
            if reverse { (0..steps).rev().collect() } else { (0..steps).collect() };
        for (position, &step) in order.iter().enumerate() {
            self.steps.push((time, around * steps + step));
            for &member in &members {
                let node = &self.inner.nodes[member];
                match node.op {
                    Op::Time { .. } => self.put(member, vec![vec![step as f64]]),
                    Op::Each => {
                        let size = node.outputs[0].shape.elements();
                        let row = self.get(node.args[1])[step * size..(step + 1) * size].to_vec();
                        self.put(member, vec![row]);
                    }
                    Op::Carry { .. } => {
                        let slot = scan.carries.iter().position(|c| c.index() == member);
                        let value = match (slot, position.checked_sub(1)) {
                            (Some(slot), Some(last)) => self.carried(scan, slot, order[last]),
                            _ => self.get(node.args[1]).to_vec(),
                        };
                        self.put(member, vec![value]);
                    }
                    _ => self.node(member)?,
                }
            }
            self.steps.pop();
        }
        // Read where the loop left everything.
        self.steps.push((time, around * steps));
        let mut results = Vec::new();
        for (slot, carry) in scan.carries.iter().enumerate() {
            results.push(match order.last() {
                Some(&last) => self.carried(scan, slot, last),
                None => self.get(self.inner.nodes[carry.index()].args[1]).to_vec(),
            });
        }
        for &out in scan.outs {
            let rows = (0..steps).flat_map(|step| self.at_step(out, time, around * steps + step));
            results.push(rows.copied().collect());
        }
        self.steps.pop();
        Ok(results)
    }

    /// What a loop carries on from a step.
    fn carried(&self, scan: ScanArgs<'_>, slot: usize, step: usize) -> Vec<f64> {
        let time = scan.time.node;
        let steps = self.inner.regions.steps(time);
        let around = self.step_of(self.inner.regions.parent(time));
        self.at_step(scan.next[slot], time, around * steps + step).to_vec()
    }

    /// A value as loop `time` leaves it at a step.
    fn at_step(&self, value: Value, time: u32, step: usize) -> &[f64] {
        match self.inner.regions.of(value) {
            Some(region) if region == time => self.get_at(value, step),
            _ => self.get(value),
        }
    }
}
