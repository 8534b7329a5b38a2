//! What the numbers of a model are like: weights, gradients and activations, a line for each.

use glassbox::watch::Histogram;

use super::curve::curve;
use super::format::{figure, grouped, percent};
use super::line::{fit, width};
use super::table::{Align, Table};
use super::verdict::lines;
use crate::commands::inspect::{Described, GradientCurves, Inspected};
use crate::text::Text;

/// Columns of a histogram.
const BARS: usize = 8;
/// Columns of the longest curve, and of one where the width of the screen is not known.
const CURVE: usize = 60;

/// Weights; gradients and activations over the next batch; how gradients went through the training.
pub fn inspect(found: &Inspected, text: Text, columns: usize) -> String {
    let heading = fit(&text.weights_of(&found.run, grouped(found.step)), columns) + "\n";
    let mut parts = vec![heading];
    if !found.parameters.is_empty() {
        parts.push(weights(found, text, columns));
    }
    if let Some(batch) = &found.batch {
        let next = text.next_batch(grouped(batch.rows as u64), figure(batch.loss));
        let mut part = fit(&next, columns) + "\n";
        if found.parameters.iter().any(|parameter| parameter.gradient.is_some()) {
            part += &(gradients(&found.parameters, text, columns) + "\n");
        }
        parts.push(part + &activations(found, text, columns));
    }
    parts.extend(found.curve.as_ref().map(|curves| gradient_curves(curves, text, columns)));
    parts.join("\n")
}

fn weights(found: &Inspected, text: Text, columns: usize) -> String {
    use Align::{Left, Right};
    let mut table = Table::new([
        (text.column_parameter(), Left),
        (text.column_shape(), Left),
        (text.column_mean(), Right),
        (text.column_deviation(), Right),
        (text.column_norm(), Right),
        (text.column_zeros(), Right),
        (text.column_least(), Right),
        (String::new(), Left),
        (text.column_greatest(), Left),
    ]);
    for parameter in &found.parameters {
        let spread = |of: fn(&glassbox::train::summary::Spread) -> f64| {
            parameter.spread.as_ref().map_or("–".to_owned(), |spread| figure(of(spread)))
        };
        let counts: Vec<f64> = parameter.histogram.iter().map(|count| *count as f64).collect();
        table.row([
            parameter.path.clone(),
            format!("{:?}", parameter.shape),
            spread(|s| s.mean),
            spread(|s| s.std),
            figure(parameter.norm),
            percent(parameter.zeros),
            spread(|s| s.min),
            bars(&counts),
            spread(|s| s.max),
        ]);
    }
    let mut out = table.render(columns);
    for parameter in found.parameters.iter().filter(|parameter| parameter.not_finite > 0) {
        let count = grouped(parameter.not_finite as u64);
        out += &lines(&text.not_finite(&parameter.path, count), columns);
    }
    out
}

fn gradients(parameters: &[Described], text: Text, columns: usize) -> String {
    use Align::{Left, Right};
    let mut table = Table::new([
        (text.column_gradient(), Left),
        (text.column_norm(), Right),
        (text.column_least(), Right),
        (String::new(), Left),
        (text.column_greatest(), Left),
        (text.column_step_ratio(), Right),
    ]);
    for parameter in parameters {
        let Some(gradient) = &parameter.gradient else { continue };
        let [low, drawn, high] = drawn(&gradient.values);
        // After the end of a schedule the rate is 0 and nothing moves.
        let ratio = match gradient.update_ratio {
            0.0 => "–".to_owned(),
            ratio => figure(ratio),
        };
        let norm = figure(gradient.norm);
        table.row([parameter.path.clone(), norm, low, drawn, high, ratio]);
    }
    table.render(columns)
}

fn activations(found: &Inspected, text: Text, columns: usize) -> String {
    if found.activations.is_empty() {
        return String::new();
    }
    use Align::{Left, Right};
    let mut table = Table::new([
        (text.column_activation(), Left),
        (text.column_mean(), Right),
        (text.column_deviation(), Right),
        (text.column_zeros(), Right),
        (text.column_least(), Right),
        (String::new(), Left),
        (text.column_greatest(), Left),
        (text.column_gradient(), Right),
        (String::new(), Left),
    ]);
    for activation in &found.activations {
        let [low, drawn, high] = drawn(&activation.values);
        let silent = activation.silent_units.filter(|silent| *silent > 0);
        let saturated = activation.saturated.filter(|share| *share > 0.0);
        let silent = silent.map(|silent| text.silent_units(grouped(silent)));
        let notes = silent.or(saturated.map(|share| text.saturated_share(percent(share))));
        table.row([
            activation.path.clone(),
            figure(activation.mean),
            figure(activation.deviation),
            percent(activation.zeros),
            low,
            drawn,
            high,
            figure(activation.gradient_norm),
            notes.unwrap_or_default(),
        ]);
    }
    table.render(columns)
}

/// A line for each layer on one scale, logarithmic where norms differ much.
fn gradient_curves(curves: &GradientCurves, text: Text, columns: usize) -> String {
    let all = || curves.layers.iter().flat_map(|(_, norms)| norms).filter(|norm| norm.is_finite());
    let low = all().copied().filter(|norm| *norm > 0.0).fold(f64::INFINITY, f64::min);
    let high = all().copied().fold(0.0, f64::max);
    let wide = high > 20.0 * low;
    let scale = |norm: f64| if wide { norm.max(low).ln() } else { norm };
    let (bottom, top) = if wide { (low.ln(), high.ln()) } else { (0.0, high) };
    let [first, last] = [curves.steps.first(), curves.steps.last()]
        .map(|step| grouped(step.copied().unwrap_or_default()));
    let heading = match wide {
        true => text.gradient_curves_log(first, last),
        false => text.gradient_curves(first, last),
    };
    let longest = curves.layers.iter().map(|(layer, _)| width(layer)).max().unwrap_or(0);
    let line = |(layer, norms): &(String, Vec<f64>)| {
        let end = |norm: Option<&f64>| norm.map_or("–".into(), |norm| figure(*norm));
        let (first, last) = (end(norms.first()), end(norms.last()));
        let space = " ".repeat(longest - width(layer));
        let room = columns.saturating_sub(longest + 20).min(CURVE);
        let heights: Vec<f64> = norms.iter().map(|norm| scale(*norm)).collect();
        let drawn = curve(&heights, room, bottom, top);
        fit(&format!("{layer}{space}  {first:>8} {drawn} {last}"), columns) + "\n"
    };
    lines(&heading, columns) + &curves.layers.iter().map(line).collect::<String>()
}

/// The least number, the histogram, and the greatest.
fn drawn(histogram: &Histogram) -> [String; 3] {
    if histogram.counts.is_empty() {
        return ["–".into(), String::new(), "–".into()];
    }
    let counts: Vec<f64> = histogram.counts.iter().map(|count| f64::from(*count)).collect();
    [figure(histogram.low), bars(&counts), figure(histogram.high)]
}

/// Every bar is the mean of its share of the bins; the highest is as high as a bar can be.
fn bars(counts: &[f64]) -> String {
    let (shares, all) = (BARS.min(counts.len()), counts.len());
    let share = |at: usize| {
        let part = &counts[at * all / shares..(at + 1) * all / shares];
        part.iter().sum::<f64>() / part.len() as f64
    };
    let highest = (0..shares).map(share).fold(0.0, f64::max);
    curve(counts, BARS, 0.0, highest)
}
