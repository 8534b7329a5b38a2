//! Cross-validation: a line for each fold, and the figures over all of them.

use glassbox::train::event::Outcome;

use super::format::{figure, grouped};
use super::line::fit;
use super::table::{Align, Table};
use super::verdict::lines;
use crate::commands::folds::{Average, Folds};
use crate::text::Text;

/// The figures of one fold that people judge it by.
const JUDGED_BY: [&str; 4] = ["loss", "accuracy", "rmse", "r2"];

/// A fold that is over, in one line.
pub fn fold(nth: usize, of: usize, outcome: &Outcome, text: Text) -> String {
    let mut parts = vec![text.fold_of(nth, of, grouped(outcome.rows as u64))];
    for name in JUDGED_BY {
        let value = outcome.metrics.get(name);
        parts.extend(value.map(|value| format!("{} {}", text.metric(name), figure(*value))));
    }
    parts.join("  ")
}

/// Mean and standard deviation of each figure beside the baseline's, and what was kept.
pub fn folds(found: &Folds, text: Text, columns: usize) -> String {
    let title = text.folds_and_rows(found.folds.len(), grouped(found.rows as u64));
    let right = |name: String| (name, Align::Right);
    let mut table = Table::new([(title, Align::Left), right(text.model()), right(text.baseline())]);
    let shown = |average: Option<&Average>| {
        average.map_or("–".into(), |a| format!("{} ± {:>5}", figure(a.mean), figure(a.std)))
    };
    // The loss first: it is what was trained for.
    let (loss, others): (Vec<_>, Vec<_>) = found.metrics.keys().partition(|name| *name == "loss");
    for name in loss.into_iter().chain(others) {
        let (model, baseline) = (found.metrics.get(name), found.baseline.get(name));
        table.row([text.metric_in_full(name), shown(model), shown(baseline)]);
    }
    let kept = text.folds_kept(&found.run, found.folds.len());
    let seconds = format!("{:.1}", found.seconds);
    table.render(columns)
        + &lines(&text.mean_and_deviation(), columns)
        + &lines(&kept, columns)
        + &fit(&text.run_and_time(&found.run, seconds), columns)
        + "\n"
}
