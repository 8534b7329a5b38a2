//! What was inferred and chosen, said before the first step.

use glassbox::train::event::Choices;

use super::format::{figure, grouped};
use crate::text::Text;

/// Names that are written out of a long list.
const SHOWN: usize = 6;

/// One line each: the data, what is read, what is predicted, how it is trained.
pub fn choices(choices: &Choices, epochs: u64, text: Text) -> Vec<String> {
    let [train, valid, test] = choices.rows.map(|rows| grouped(rows as u64));
    let mut lines = vec![text.chosen_rows(train, valid, test)];
    let kind = |word: &str| match word {
        "number" => text.chosen_numbers(),
        "boolean" => text.chosen_booleans(),
        "date" => text.chosen_dates(),
        _ => text.chosen_categories(),
    };
    let columns =
        |(word, names): &(String, Vec<String>)| format!("{} ({})", kind(word), listed(names));
    let shape = choices.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
    lines.push(match choices.columns.is_empty() {
        true => text.chosen_shape(shape),
        false => {
            let read = choices.columns.iter().map(columns).collect::<Vec<_>>().join(", ");
            text.chosen_inputs(read, shape)
        }
    });
    lines.push(match choices.classes.is_empty() {
        true => text.chosen_number(&choices.target),
        false => {
            text.chosen_classes(&choices.target, choices.classes.len(), listed(&choices.classes))
        }
    });
    let loss = match choices.loss.as_str() {
        "CE" => text.loss_cross_entropy(),
        "MSE" => text.loss_squared_error(),
        _ => text.loss_sum_of_squares(),
    };
    let rate = figure(choices.rate);
    let rate = match choices.schedule.as_str() {
        "constant" => rate,
        schedule => format!("{rate} ({schedule})"),
    };
    let batch = grouped(choices.batch as u64);
    let mut line = text.chosen_training(loss, &choices.optimizer, rate, batch, epochs);
    if let Some((metric, patience)) = &choices.stop {
        line += &text.chosen_stop(metric, patience);
    }
    lines.push(line);
    lines
}

/// The first names, and how many more there are.
fn listed(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}, … +{more}"),
    }
}
