//! Gates and states of recurrent layers, step by step.

use glassbox_engine::Tensor;
use serde::Serialize;

use super::{Row, Sequences};
use crate::Error;

/// What the steps of recurrent layers compute, by the names that the layers give it.
const GATES: [&str; 8] = [
    "forget_gate",
    "input_gate",
    "reset_gate",
    "update_gate",
    "candidate",
    "output_gate",
    "cell",
    "hidden",
];

/// A recurrent layer, in one direction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// Its path, e.g. `lstm/layer1` or `lstm/layer1/reversed`.
    pub name: String,
    /// Its gates, then its states.
    pub gates: Vec<Gate>,
}

/// A gate or state of all units at all steps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gate {
    /// `forget_gate`, `cell` …
    pub name: String,
    /// How many steps.
    pub steps: usize,
    /// How many units.
    pub units: usize,
    /// The mean over the units, of each step.
    pub means: Vec<f64>,
    /// `[steps, units]`, row-major.
    #[serde(skip)]
    pub numbers: Vec<f32>,
}

impl Gate {
    /// Whether its numbers are shares from 0 to 1.
    pub fn is_share(&self) -> bool {
        self.name.ends_with("_gate")
    }

    /// How many of its numbers are nearer than 0.05 to one end of their range: shut or open, or
    /// saturated. None of the cell state, which has no ends.
    pub fn at_the_ends(&self) -> Option<[f64; 2]> {
        let low = match &*self.name {
            "cell" => return None,
            _ if self.is_share() => 0.0,
            _ => -1.0,
        };
        let share = |near: &dyn Fn(f32) -> bool| {
            let count = self.numbers.iter().filter(|x| near(**x)).count();
            count as f64 / self.numbers.len().max(1) as f64
        };
        Some([share(&|x| x < low + 0.05), share(&|x| x > 0.95)])
    }
}

pub(super) fn layers(net: &Sequences, row: &Row) -> Result<Vec<Layer>, Error> {
    // Recorded into a copy: what a loop computes on its way is given out there.
    let graph = net.graph.clone();
    let mut found: Vec<(usize, String, &str, Tensor<'_>)> = Vec::new();
    let mut names = graph.names();
    names.retain(|(_, tensor)| tensor.is_inside_loop());
    names.sort_by_key(|(_, tensor)| tensor.value());
    for (path, tensor) in names {
        let Some((layer, last)) = path.rsplit_once('/') else { continue };
        if let Some(gate) = GATES.iter().position(|gate| *gate == last) {
            found.push((gate, layer.to_owned(), GATES[gate], tensor.every_step()));
        }
    }
    // `[steps, rows, units]`.
    found.retain(|(_, _, _, tensor)| tensor.rank() == 3);
    let asked: Vec<Tensor<'_>> = found.iter().map(|(_, _, _, tensor)| *tensor).collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let values = net.values(&graph, row, &asked)?;
    let mut layers: Vec<Layer> = Vec::new();
    let mut order: Vec<usize> = (0..found.len()).collect();
    order.sort_by_key(|at| found[*at].0);
    let mut names: Vec<&String> = found.iter().map(|(_, layer, ..)| layer).collect();
    names.dedup();
    for name in names {
        if !layers.iter().any(|layer| layer.name == *name) {
            layers.push(Layer { name: name.clone(), gates: Vec::new() });
        }
    }
    for at in order {
        let (_, layer, name, tensor) = &found[at];
        let (steps, rows, units) = (tensor.dim(0), tensor.dim(1), tensor.dim(2));
        let numbers = values.get(at).and_then(glassbox_engine::Array::as_f32).unwrap_or_default();
        // Steps of the first row; what lies behind its end is not shown.
        let shown = steps.min(row.places.len().max(1));
        let first =
            numbers.chunks((rows * units).max(1)).take(shown).flat_map(|step| &step[..units]);
        let numbers: Vec<f32> = first.copied().collect();
        let mean =
            |step: &[f32]| step.iter().map(|x| f64::from(*x)).sum::<f64>() / units.max(1) as f64;
        let means = numbers.chunks(units.max(1)).map(mean).collect();
        let gate = Gate { name: (*name).to_owned(), steps: shown, units, means, numbers };
        if let Some(layer) = layers.iter_mut().find(|known| known.name == *layer) {
            layer.gates.push(gate);
        }
    }
    Ok(layers)
}

#[cfg(feature = "image")]
impl Layer {
    /// Its gates and states as heat maps: a column for each step, a row for each unit.
    ///
    /// # Errors
    /// A layer without steps or units.
    pub fn picture(&self, places: &[String]) -> Result<crate::report::picture::Picture, Error> {
        use crate::report::picture::{ColorMap, Sheet, heat_map};
        let mut sheet = Sheet::new(&format!("{}, step by step", self.name));
        sheet.note("a column is a step, a row is a unit");
        for gate in &self.gates {
            let most = gate.numbers.iter().fold(0.0f32, |most, x| most.max(x.abs()));
            let (colors, range, words) = match (gate.is_share(), &*gate.name) {
                (true, _) => (ColorMap::Magma, (0.0, 1.0), "0 black, 1 light".to_owned()),
                (_, "cell") => {
                    (ColorMap::Signed, (-most, most), format!("blue -{most:.2}, red {most:.2}"))
                }
                _ => (ColorMap::Signed, (-1.0, 1.0), "blue -1, red 1".to_owned()),
            };
            // Units down, steps across.
            let by_unit: Vec<f32> = (0..gate.units)
                .flat_map(|unit| gate.numbers.iter().skip(unit).step_by(gate.units.max(1)))
                .copied()
                .collect();
            let shape = [gate.units, gate.steps];
            let drawn = heat_map(&by_unit, shape, [&[], places], colors, range)?;
            sheet.add(drawn, &format!("{}\n{words}", gate.name.replace('_', " ")));
        }
        Ok(sheet.picture())
    }
}
