//! A model drawn layer by layer.

use glassbox::train::summary::{Layer, Structure};

use super::format::{bytes, grouped};
use super::line::fit;
use super::table::{Align, Table};
use crate::text::Text;

/// Columns of the widest layer's bar.
const BAR: usize = 12;

/// A line for each layer: how wide it is, what it computes, and how its parameters are counted.
pub fn structure(model: &Structure, text: Text, columns: usize) -> String {
    let layers: Vec<&Layer> = model.layers.iter().filter(|layer| !layer.name.is_empty()).collect();
    let widest = layers
        .iter()
        .filter_map(|layer| layer.outputs.last())
        .map(|output| output.shape.iter().product())
        .chain([model.input.iter().product()])
        .max()
        .unwrap_or(1);
    let bar = |shape: &[usize]| "▇".repeat(bar_of(shape.iter().product(), widest));
    use Align::{Left, Right};
    let mut table = Table::new([
        (String::new(), Left),
        (text.column_shape(), Right),
        (String::new(), Left),
        (text.column_computes(), Left),
        (text.column_numbers(), Right),
        (String::new(), Left),
        (text.column_multiply_adds(), Right),
    ]);
    table.row([text.inputs(), shape(&model.input), bar(&model.input)]);
    for layer in layers {
        let last = layer.outputs.last().map(|output| output.shape.as_slice()).unwrap_or_default();
        let computes: Vec<&str> = layer.outputs.iter().map(|o| o.name.as_str()).collect();
        let count: usize = layer.parameters.iter().map(|p| p.count).sum();
        let (count, formula) = match count {
            0 => (String::new(), String::new()),
            count => (grouped(count as u64), format!("= {}", formula(layer))),
        };
        table.row([
            layer.name.clone(),
            shape(last),
            bar(last),
            computes.join(" → "),
            count,
            formula,
            match layer.multiply_adds {
                0 => String::new(),
                multiply_adds => grouped(multiply_adds),
            },
        ]);
    }
    let total = [
        text.parameters(grouped(model.total.count as u64)),
        bytes(model.total.bytes as u64),
        text.multiply_adds_a_row(grouped(model.multiply_adds)),
    ];
    // The table's own lines are indented by two columns.
    let inner = columns.saturating_sub(2);
    let lines: Vec<String> = table
        .render(inner)
        .lines()
        .map(str::to_owned)
        .chain([fit(&total.join(", "), inner)])
        .map(|line| format!("  {line}\n"))
        .collect();
    lines.concat()
}

/// Columns that grow with the logarithm of the count, so that 10 is seen beside 784.
fn bar_of(count: usize, widest: usize) -> usize {
    let log = |count: usize| (count as f64 + 1.0).ln();
    ((log(count) / log(widest.max(1)) * BAR as f64).round() as usize).clamp(1, BAR)
}

fn shape(sizes: &[usize]) -> String {
    match sizes {
        [] => "1".into(),
        sizes => sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(" × "),
    }
}

/// How many numbers the parameters have, the largest first: `4·64 + 64`.
fn formula(layer: &Layer) -> String {
    let mut parameters: Vec<_> = layer.parameters.iter().collect();
    parameters.sort_by_key(|parameter| std::cmp::Reverse(parameter.count));
    let factors = |sizes: &[usize]| match sizes {
        [] => "1".to_owned(),
        sizes => sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("·"),
    };
    let terms: Vec<String> = parameters.iter().map(|p| factors(&p.shape)).collect();
    terms.join(" + ")
}
