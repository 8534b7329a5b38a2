//! What the numbers of a model are like, a line for each parameter.

use super::curve::curve;
use super::format::{figure, grouped};
use super::line::fit;
use super::table::{Align, Table};
use crate::commands::inspect::{Described, Inspected};
use crate::text::Text;

/// Columns of a histogram.
const BARS: usize = 8;

/// Shape, spread, norm, share of zeros and histogram of each parameter.
pub fn inspect(found: &Inspected, text: Text, columns: usize) -> String {
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
        table.row([
            parameter.path.clone(),
            format!("{:?}", parameter.shape),
            spread(|s| s.mean),
            spread(|s| s.std),
            figure(parameter.norm),
            format!("{:.0} %", 100.0 * parameter.zeros),
            spread(|s| s.min),
            bars(parameter),
            spread(|s| s.max),
        ]);
    }
    let mut out = table.render(columns);
    for parameter in found.parameters.iter().filter(|parameter| parameter.not_finite > 0) {
        let count = grouped(parameter.not_finite as u64);
        out += &(fit(&text.not_finite(&parameter.path, count), columns) + "\n");
    }
    out + &fit(&text.weights_of_step_in(grouped(found.step), &found.run), columns) + "\n"
}

fn bars(parameter: &Described) -> String {
    let counts: Vec<f64> = parameter.histogram.iter().map(|count| *count as f64).collect();
    let (shares, greatest) = (BARS.min(counts.len()), counts.len());
    // Every bar is the mean of its share of the bins; the highest is as high as a bar can be.
    let share = |at: usize| {
        let part = &counts[at * greatest / shares..(at + 1) * greatest / shares];
        part.iter().sum::<f64>() / part.len() as f64
    };
    let highest = (0..shares).map(share).fold(0.0, f64::max);
    curve(&counts, BARS, 0.0, highest)
}
