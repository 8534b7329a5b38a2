//! What a network of sequences computes on its way, in tables.

use glassbox::watch::sequence::{Gate, Layer};

use super::line::wrap;
use super::table::{Align, Table};
use super::{Screen, curve, fit};
use crate::commands::see::sequences::{Head, RowName, SeenRow, SeenRun};
use crate::text::Text;

/// Columns of a curve over the steps.
const CURVE: usize = 32;

/// A table for each layer of each row, then the files.
pub fn see_sequences(seen: &SeenRun, text: Text, screen: Screen) -> String {
    let columns = screen.columns();
    let mut out = String::new();
    let say = |out: &mut String, line: String| {
        for line in wrap(&line, columns) {
            *out += &(line + "\n");
        }
    };
    for row in &seen.rows {
        let name = match &row.name {
            RowName::Row(row, part) => text.see_row(row, text.split(part)),
            RowName::Text(text) => shown(text),
        };
        say(&mut out, text.see_sequence(name, row.places.len()));
        for layer in &row.layers {
            out += &gates(layer, text, columns);
        }
        out += &heads(row, text, columns);
    }
    if let Some(scatter) = &seen.embedding {
        let [tokens, width] = scatter.shape;
        let share = format!("{:.1} %", 100.0 * (scatter.explained[0] + scatter.explained[1]));
        say(&mut out, text.see_embedding(&scatter.table, tokens, width, share));
    }
    say(&mut out, text.see_wrote(seen.files.len()));
    // A path is never cut: it is there to be opened.
    for file in &seen.files {
        out += &format!("  {file}\n");
    }
    out
}

/// A text or token between marks, on one line.
fn shown(text: &str) -> String {
    format!("\"{}\"", text.replace('\n', "⏎").replace('\t', "⇥"))
}

fn gates(layer: &Layer, text: Text, columns: usize) -> String {
    let mut table = Table::new([
        (text.see_gate(), Align::Left),
        (text.see_mean(), Align::Right),
        (text.see_low(), Align::Right),
        (text.see_high(), Align::Right),
        (text.see_by_step(), Align::Left),
    ]);
    for gate in &layer.gates {
        let Gate { name, means, .. } = gate;
        let mean = means.iter().sum::<f64>() / means.len().max(1) as f64;
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let [low, high] =
            gate.at_the_ends().map_or(["–".into(), "–".into()], |e| e.map(percent));
        let most = means.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        let (from, to) = match (gate.is_share(), &**name) {
            (true, _) => (0.0, 1.0),
            (_, "cell") => (-most, most),
            _ => (-1.0, 1.0),
        };
        let mean = format!("{mean:.3}").replace('-', "−");
        table.row([name.replace('_', " "), mean, low, high, curve(means, CURVE, from, to)]);
    }
    let units = layer.gates.first().map_or(0, |gate| gate.units);
    format!("{}\n{}", fit(&text.see_layer(&layer.name, units), columns), table.render(columns))
}

fn heads(row: &SeenRow, text: Text, columns: usize) -> String {
    let Some(first) = row.attention.first() else { return String::new() };
    let mut table = Table::new([
        (text.see_attention(), Align::Left),
        (text.see_head(), Align::Right),
        (text.see_itself(), Align::Right),
        (text.see_before(), Align::Right),
        (text.see_first(), Align::Right),
        (text.see_spread(), Align::Right),
        (text.see_last(shown(&first.last)), Align::Left),
    ]);
    for Head { layer, head, looks, looks_at, .. } in &row.attention {
        let number = |x: f64| format!("{x:.2}");
        let most: Vec<String> =
            looks_at.iter().map(|(place, share)| format!("{} {share:.2}", shown(place))).collect();
        table.row([
            layer.clone(),
            head.to_string(),
            number(looks.itself),
            number(looks.before),
            number(looks.first),
            number(looks.spread),
            most.join("  "),
        ]);
    }
    table.render(columns)
}
