//! The figures that `train` and `eval` end with.

use std::collections::BTreeSet;

use glassbox::train::event::Outcome;

use super::format::{figure, grouped};
use super::line::fit;
use super::table::{Align, Table};
use crate::text::Text;

/// The table of results, the baseline beside them where there is one, and the run's folder.
pub fn outcome(outcome: &Outcome, text: Text, columns: usize) -> String {
    let title = text.rows_of_split(text.split(&outcome.split), grouped(outcome.rows as u64));
    let (model, baseline) = (text.model(), text.baseline());
    let last = if outcome.baseline.is_empty() { "" } else { &baseline };
    let headers =
        [(title.as_str(), Align::Left), (model.as_str(), Align::Right), (last, Align::Right)];
    let mut table = Table::new(headers);
    let names: BTreeSet<&String> = outcome.metrics.keys().chain(outcome.baseline.keys()).collect();
    // The loss first: it is what was trained for.
    let (loss, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| *name == "loss");
    for name in loss.into_iter().chain(others) {
        let of = |value: Option<&f64>, absent: &str| value.map_or(absent.into(), |v| figure(*v));
        let absent = if last.is_empty() { "" } else { "–" };
        table.row([
            text.metric_in_full(name),
            of(outcome.metrics.get(name), "–"),
            of(outcome.baseline.get(name), absent),
        ]);
    }
    let digits = if outcome.seconds < 0.95 { 2 } else { 1 };
    let seconds = format!("{:.digits$}", outcome.seconds);
    let end = fit(&text.run_and_time(&outcome.run, seconds), columns);
    format!("{}{end}\n", table.render(columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;

    #[test]
    fn the_baseline_stands_beside_the_model_where_there_is_one() {
        let mut result = Outcome {
            run: "runs/x".into(),
            split: "test".into(),
            rows: 30,
            seconds: 1.9,
            metrics: [("loss".to_owned(), 0.11), ("accuracy".to_owned(), 0.967)].into(),
            baseline: [("accuracy".to_owned(), 1.0 / 3.0)].into(),
        };
        assert_eq!(
            outcome(&result, Text::new(Lang::English), 80),
            "test, 30 rows  model  baseline\n\
             loss           0.110         –\n\
             accuracy       0.967     0.333\n\
             runs/x  1.9 s\n"
        );
        result.baseline.clear();
        assert_eq!(
            outcome(&result, Text::new(Lang::Korean), 80),
            "시험, 30행   모형\n손실        0.110\n정확도      0.967\nruns/x  1.9초\n"
        );
    }
}
